//! The answers about progress.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::label::{self, Counted};
use super::picture::{Bar, Picture};
use super::series::Point;
use super::sums::{Part, ProgressKind, ProgressSummary, Sums};
use super::verdicts::VerdictCounts;
use crate::action::assignment::predecessors::Predecessor;
use crate::action::assignment::stage::Stage;
use crate::action::assignment::stage_counts::StageCounts;
use crate::db::types::{Id, Timestamp};
use crate::http::page::{Cursor, Page, PageLimit};
use crate::language::Language;
use crate::problem::Result;

/// How many assignments there are, and how far they are: the plain sum of the assignments behind it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ProgressCounts {
    /// Assignments that have begun.
    #[schema(example = 52)]
    pub expected: u64,
    /// Of those: done.
    #[schema(example = 37)]
    pub done: u64,
    /// Of those: in progress.
    #[schema(example = 5)]
    pub in_progress: u64,
    /// Of those: not started, or nothing was reported.
    #[schema(example = 9)]
    pub not_started: u64,
    /// Of those: they won't be done.
    #[schema(example = 1)]
    pub dropped: u64,
    /// Of those: the day by which they are to be done has passed, and they are neither done nor dropped.
    #[schema(example = 3)]
    pub overdue: u64,
    /// Of those: in progress, and silent for as long as it takes until they recur, or for a year.
    #[schema(example = 1)]
    pub stale: u64,
    /// Done ÷ (expected − dropped), to four decimals; null where nothing is to be done.
    #[schema(minimum = 0, maximum = 1, example = 0.7255)]
    pub share_done: Option<f64>,
}

impl From<&StageCounts> for ProgressCounts {
    fn from(figures: &StageCounts) -> Self {
        Self {
            expected: figures.expected,
            done: figures.at(Stage::Done),
            in_progress: figures.at(Stage::InProgress),
            not_started: figures.at(Stage::NotStarted),
            dropped: figures.at(Stage::Dropped),
            overdue: figures.overdue,
            stale: figures.stale,
            share_done: figures.share_done(),
        }
    }
}

/// The counts, and what they say.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ProgressFigures {
    /// How many, and how far.
    #[serde(flatten)]
    pub counts: ProgressCounts,
    /// When one of them was last reported; null where none was.
    pub last_reported_at: Option<Timestamp>,
    /// The counts in a sentence to show.
    #[schema(example = "37 af 52 udvalg er i mål")]
    pub label: String,
}

impl ProgressFigures {
    fn of(figures: &StageCounts, counted: Counted, language: Language) -> Self {
        Self {
            counts: figures.into(),
            last_reported_at: figures.last_reported_at,
            label: label::label(figures, counted, language),
        }
    }
}

/// What figures are about, and the figures.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ProgressPart {
    /// What they are about.
    pub kind: ProgressKind,
    /// Its id; null where it has none.
    pub id: Option<Id>,
    /// Its key; of the times of an action, the period; null where it has none.
    #[schema(example = "med-plan-2025-2028")]
    pub key: Option<String>,
    /// What it is called.
    #[schema(example = "MED-plan 2025-2028")]
    pub title: String,
    /// All that has begun. Of a committee, its own assignments; units count in actions, areas and strategies alone.
    #[serde(flatten)]
    pub figures: ProgressFigures,
    /// Of those, what is running: begun, and not yet due.
    pub running: ProgressFigures,
    /// Local actions, which are not in the other figures; null where they are not counted separately.
    pub local: Option<ProgressFigures>,
    /// Of committees: their own assignments and those of all committees below them; null otherwise.
    pub subtree: Option<ProgressFigures>,
    /// Of strategies, focus areas and objectives: the verdicts on the targets of their indicators; null otherwise.
    pub indicators: Option<VerdictCounts>,
}

impl ProgressPart {
    fn of(part: &Part, language: Language) -> Self {
        let figures = |figures: &StageCounts, counted| ProgressFigures::of(figures, counted, language);
        let Sums { all, running, local, subtree } = &part.sums;
        Self {
            kind: part.kind,
            id: part.id,
            key: part.key.clone(),
            title: part.title(language),
            figures: figures(all, part.counted),
            running: figures(running, part.counted_running),
            local: (!matches!(part.kind, ProgressKind::Occurrence | ProgressKind::Objective))
                .then(|| figures(local, Counted::Assignments)),
            subtree: subtree.as_ref().map(|subtree| figures(subtree, Counted::Assignments)),
            indicators: part.verdicts,
        }
    }
}

/// An action that comes first.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ForerunnerProgress {
    /// The action's id.
    pub id: Id,
    /// The keys that lead to it.
    #[schema(example = "med-plan-2025-2028/balance-i-arbejdet/vejledning-om-stress")]
    pub path: String,
    /// What it is called.
    #[schema(example = "Skriv en vejledning om stress")]
    pub title: String,
    /// Whether there is something to do in it, and all of it is done or dropped.
    pub is_done: bool,
}

/// The counts at the end of a month.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ProgressPoint {
    /// The day: a month's last, or the requested one.
    #[schema(example = "2026-10-31")]
    pub on: NaiveDate,
    /// How many, and how far.
    #[serde(flatten)]
    pub counts: ProgressCounts,
}

impl From<&Point> for ProgressPoint {
    fn from(Point { on, counts }: &Point) -> Self {
        Self { on: *on, counts: counts.into() }
    }
}

/// A page of what stands one step down.
pub type ProgressPartPage = Page<ProgressPart>;

/// The progress of something.
#[derive(Debug, Serialize, ToSchema)]
pub struct Progress {
    /// What it is about, and its figures.
    #[serde(flatten)]
    pub part: ProgressPart,
    /// The requested day.
    pub on: NaiveDate,
    /// Of actions: the day from which it is no longer pursued; null otherwise.
    pub cancelled_on: Option<NaiveDate>,
    /// Of actions: those that come first; null otherwise.
    pub forerunners: Option<Vec<ForerunnerProgress>>,
    /// Of actions: whether some of it is in progress or done, although not all that comes first is done, or was
    /// cancelled; null otherwise.
    pub is_ahead_of_forerunner: Option<bool>,
    /// With `children=true`: what stands one step down. Of a strategy its focus areas, of an area its actions, of an
    /// action its times, of a committee those right below it, of the token's person their committees. Else null.
    pub children: Option<ProgressPartPage>,
    /// With `series=month`: the figures at the end of each month, and on the requested day. Else null.
    pub series: Option<Vec<ProgressPoint>>,
}

impl Progress {
    /// The answer in a language.
    pub fn new(
        summary: &ProgressSummary,
        language: Language,
        limit: PageLimit,
        cursor: Option<&Cursor>,
    ) -> Result<Self> {
        let page = |parts: &Vec<Part>| {
            let parts = parts.iter().map(|part| ProgressPart::of(part, language)).collect();
            Page::slice(parts, limit, cursor)
        };
        let forerunners = summary.predecessors.as_ref().map(|predecessors| {
            let answer = |Predecessor { action, is_done, .. }: &Predecessor| ForerunnerProgress {
                id: action.id,
                path: action.path.clone(),
                title: action.title.to_string(),
                is_done: *is_done,
            };
            predecessors.iter().map(answer).collect::<Vec<_>>()
        });
        let has_begun = summary.part.sums.all.at(Stage::InProgress) + summary.part.sums.all.at(Stage::Done) > 0;
        let is_blocking = |first: &Vec<Predecessor>| first.iter().any(|first| first.is_blocking);
        let is_ahead = summary.predecessors.as_ref().map(|first| has_begun && is_blocking(first));
        Ok(Self {
            part: ProgressPart::of(&summary.part, language),
            on: summary.on,
            cancelled_on: summary.cancelled_on,
            forerunners,
            is_ahead_of_forerunner: is_ahead,
            children: summary.children.as_ref().map(page).transpose()?,
            series: summary.series.as_ref().map(|points| points.iter().map(Into::into).collect()),
        })
    }

    /// The same as a picture (SVG): a bar by stage; for a committee with others below it, a second bar for them all.
    pub fn picture(&self, language: Language) -> String {
        let itself = language.text("progress-committee-itself");
        let with_below = language.text("progress-with-committees-below");
        let bar = |title, figures| Bar { title, stages: stages(figures), caption: &figures.label };
        let own = &self.part.figures;
        let below = self.part.subtree.as_ref().filter(|subtree| subtree.counts.expected != own.counts.expected);
        let bars = match below {
            None => vec![bar("", own)],
            Some(subtree) => vec![bar(&itself, own), bar(&with_below, subtree)],
        };
        let subtitle = label::as_of(self.on, language);
        Picture { title: &self.part.title, subtitle: &subtitle, bars, language }.to_string()
    }
}

fn stages(figures: &ProgressFigures) -> [u64; 4] {
    let counts = &figures.counts;
    [counts.done, counts.in_progress, counts.not_started, counts.dropped]
}
