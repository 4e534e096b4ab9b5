//! What progress is answered with.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::gather::{Gathered, Part, ProgressKind, Sums};
use super::label::{self, Counted};
use super::picture::{Bar, Picture};
use super::series::Point;
use crate::action::assignment::figures::Figures;
use crate::action::assignment::stage::Stage;
use crate::db::types::{Id, Timestamp};
use crate::http::language::Language;
use crate::http::page::{Cursor, Page, PageLimit};
use crate::problem::Result;

/// How many assignments there are, and how far they are: the plain sum of the assignments behind it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"expected": 52, "done": 37, "in_progress": 5, "not_started": 9, "dropped": 1, "overdue": 3, "stale": 1, "share_done": 0.7255, "last_reported_at": "2026-11-20T09:12:44.000000Z", "label": "37 af 52 udvalg er i mål"}))]
pub struct ProgressFigures {
    /// Assignments that have begun.
    pub expected: u64,
    /// Of those: done.
    pub done: u64,
    /// Of those: in progress.
    pub in_progress: u64,
    /// Of those: not started, or nothing was reported.
    pub not_started: u64,
    /// Of those: they won't be done.
    pub dropped: u64,
    /// Of those: the day by which they are to be done has passed, and they are neither done nor dropped.
    pub overdue: u64,
    /// Of those: in progress, and silent for as long as it takes until they recur, or for a year.
    pub stale: u64,
    /// Done ÷ (expected − dropped), to four decimals; null where nothing is to be done.
    #[schema(minimum = 0, maximum = 1)]
    pub share_done: Option<f64>,
    /// When one of them was last reported; null where none was.
    pub last_reported_at: Option<Timestamp>,
    /// The figures in a sentence to show.
    pub label: String,
}

impl ProgressFigures {
    fn of(figures: &Figures, counted: Counted, language: Language) -> Self {
        Self {
            expected: figures.expected,
            done: figures.at(Stage::Done),
            in_progress: figures.at(Stage::InProgress),
            not_started: figures.at(Stage::NotStarted),
            dropped: figures.at(Stage::Dropped),
            overdue: figures.overdue,
            stale: figures.stale,
            share_done: figures.share_done(),
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
    /// Local actions, which are not in the other figures; null where they are not told apart.
    pub local: Option<ProgressFigures>,
    /// Of committees: their own assignments and those of all committees below them; null otherwise.
    pub subtree: Option<ProgressFigures>,
}

impl ProgressPart {
    fn of(part: &Part, language: Language) -> Self {
        let figures = |figures: &Figures, counted| ProgressFigures::of(figures, counted, language);
        let Sums { all, running, local, subtree } = &part.sums;
        Self {
            kind: part.kind,
            id: part.id,
            key: part.key.clone(),
            title: part.title(language),
            figures: figures(all, part.counted),
            running: figures(running, part.counted_running),
            local: local.as_ref().map(|local| figures(local, Counted::Assignments)),
            subtree: subtree.as_ref().map(|subtree| figures(subtree, Counted::Assignments)),
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

/// The figures at the end of a month.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"on": "2026-10-31", "expected": 52, "done": 31, "in_progress": 7, "not_started": 13, "dropped": 1, "overdue": 3, "stale": 1, "share_done": 0.6078}))]
pub struct ProgressPoint {
    /// The day: a month's last, or the one that is asked for.
    pub on: NaiveDate,
    /// Assignments that had begun.
    pub expected: u64,
    /// Done.
    pub done: u64,
    /// In progress.
    pub in_progress: u64,
    /// Not started.
    pub not_started: u64,
    /// Dropped.
    pub dropped: u64,
    /// Overdue.
    pub overdue: u64,
    /// Stale.
    pub stale: u64,
    /// Done ÷ (expected − dropped); null where nothing was to be done.
    pub share_done: Option<f64>,
}

impl From<&Point> for ProgressPoint {
    fn from(Point { on, figures }: &Point) -> Self {
        Self {
            on: *on,
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

/// A page of what stands one step down.
pub type ProgressPartPage = Page<ProgressPart>;

/// How far something has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "committee", "id": "0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01", "key": "lokal-med-hasselengskolen", "title": "Lokal-MED Hasselengskolen", "on": "2026-11-22", "expected": 14, "done": 9, "in_progress": 2, "not_started": 3, "dropped": 0, "overdue": 1, "stale": 0, "share_done": 0.6429, "last_reported_at": "2026-11-12T14:20:00.000000Z", "label": "9 af 14 opgaver er i mål", "running": {"expected": 4, "done": 2, "in_progress": 1, "not_started": 1, "dropped": 0, "overdue": 0, "stale": 0, "share_done": 0.5, "last_reported_at": "2026-11-12T14:20:00.000000Z", "label": "2 af 4 opgaver er i mål"}, "local": {"expected": 0, "done": 0, "in_progress": 0, "not_started": 0, "dropped": 0, "overdue": 0, "stale": 0, "share_done": null, "last_reported_at": null, "label": "Der er intet at gøre endnu"}, "subtree": {"expected": 14, "done": 9, "in_progress": 2, "not_started": 3, "dropped": 0, "overdue": 1, "stale": 0, "share_done": 0.6429, "last_reported_at": "2026-11-12T14:20:00.000000Z", "label": "9 af 14 opgaver er i mål"}, "cancelled_on": null, "forerunners": null, "is_ahead_of_forerunner": null, "children": null, "series": null}))]
pub struct Progress {
    /// What it is about, and its figures.
    #[serde(flatten)]
    pub part: ProgressPart,
    /// The day that is told about.
    pub on: NaiveDate,
    /// Of actions: the day from which it is no longer pursued; null otherwise.
    pub cancelled_on: Option<NaiveDate>,
    /// Of actions: those that come first; null otherwise.
    pub forerunners: Option<Vec<ForerunnerProgress>>,
    /// Of actions: whether some of it is in progress or done, although not all that comes first is done; null otherwise.
    pub is_ahead_of_forerunner: Option<bool>,
    /// With `children=true`: what stands one step down. Of a strategy its focus areas, of an area its actions, of an
    /// action its times, of a committee those right below it, of the token's person their committees. Else null.
    pub children: Option<ProgressPartPage>,
    /// With `series=month`: the figures at the end of each month, and on the day that is asked for. Else null.
    pub series: Option<Vec<ProgressPoint>>,
}

impl Progress {
    /// What was gathered, in words of a language.
    pub fn of(gathered: &Gathered, language: Language, limit: PageLimit, cursor: Option<&Cursor>) -> Result<Self> {
        let page = |parts: &Vec<Part>| {
            let parts = parts.iter().map(|part| ProgressPart::of(part, language)).collect();
            Page::slice(parts, limit, cursor)
        };
        let forerunners = gathered.forerunners.as_ref().map(|forerunners| {
            let told = |(action, is_done): &(crate::action::assignment::model::Addressed, bool)| ForerunnerProgress {
                id: action.id,
                path: action.path.clone(),
                title: action.title.to_string(),
                is_done: *is_done,
            };
            forerunners.iter().map(told).collect::<Vec<_>>()
        });
        let has_begun = gathered.part.sums.all.at(Stage::InProgress) + gathered.part.sums.all.at(Stage::Done) > 0;
        let is_ahead = forerunners.as_ref().map(|first| has_begun && first.iter().any(|first| !first.is_done));
        Ok(Self {
            part: ProgressPart::of(&gathered.part, language),
            on: gathered.on,
            cancelled_on: gathered.cancelled_on,
            forerunners,
            is_ahead_of_forerunner: is_ahead,
            children: gathered.children.as_ref().map(page).transpose()?,
            series: gathered.series.as_ref().map(|points| points.iter().map(Into::into).collect()),
        })
    }

    /// The same as a picture (SVG): a bar by stage; of a committee with others below it also one of them all.
    pub fn picture(&self, language: Language) -> String {
        let bar = |title, figures| Bar { title, stages: stages(figures), caption: &figures.label };
        let own = &self.part.figures;
        let below = self.part.subtree.as_ref().filter(|subtree| subtree.expected != own.expected);
        let bars = match below {
            None => vec![bar("", own)],
            Some(subtree) => vec![
                bar(language.pick("Udvalget selv", "The committee itself"), own),
                bar(language.pick("Med alle udvalg under det", "With all committees below it"), subtree),
            ],
        };
        let subtitle = label::as_of(self.on, language);
        Picture { title: &self.part.title, subtitle: &subtitle, bars, words: label::words(language) }.to_string()
    }
}

fn stages(figures: &ProgressFigures) -> [u64; 4] {
    [figures.done, figures.in_progress, figures.not_started, figures.dropped]
}
