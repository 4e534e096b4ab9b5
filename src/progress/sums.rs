//! The progress of one thing: its counts, and what they are about.

use chrono::NaiveDate;

use super::label::Counted;
use super::series::Point;
use super::verdicts::VerdictCounts;
use crate::action::assignment::model::ActionWithAssignees;
use crate::action::assignment::occurrence_counts::OccurrenceCounts;
use crate::action::assignment::predecessors::Predecessor;
use crate::action::assignment::stage_counts::StageCounts;
use crate::db::types::Id;
use crate::language::Language;

crate::text_enum! {
    /// What the figures are about.
    ProgressKind {
        /// A strategy.
        Strategy = "strategy",
        /// A focus area.
        FocusArea = "focus_area",
        /// An objective: the verdicts on its indicators.
        Objective = "objective",
        /// An action.
        Action = "action",
        /// One of the times that an action is to be done.
        Occurrence = "occurrence",
        /// A committee.
        Committee = "committee",
        /// The committees in which the token's person sits.
        Me = "me",
    }
}

/// Which progress to read.
#[derive(Debug, Clone, Copy)]
pub struct ProgressQuery {
    /// The day.
    pub on: NaiveDate,
    /// Whether to include the children: the same one step down.
    pub children: bool,
    /// Whether to include the counts month by month.
    pub series: bool,
}

/// The sums of one thing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// All that has begun.
    pub all: StageCounts,
    /// What is running.
    pub running: StageCounts,
    /// Local actions, which are counted separately.
    pub local: StageCounts,
    /// With all committees below.
    pub subtree: Option<StageCounts>,
}

impl Sums {
    /// The sums of a plan's occurrences, local ones separately.
    pub(super) fn of<'e, 'a: 'e>(entries: impl Iterator<Item = &'e OccurrenceCounts<'a>>, on: NaiveDate) -> Self {
        let mut sums = Self::default();
        entries.for_each(|entry| sums.add(entry.action.is_local(), entry.occurrence.is_running(on), entry.counts));
        sums
    }

    /// The sums of an action, local or not; those of the local actions that it inspired separately.
    pub(super) fn of_action(action: Id, entries: &[OccurrenceCounts<'_>], on: NaiveDate) -> Self {
        let mut sums = Self::default();
        for entry in entries {
            let is_inspired = entry.action.parent_id == Some(action);
            if entry.action.id == action || is_inspired {
                sums.add(is_inspired, entry.occurrence.is_running(on), entry.counts);
            }
        }
        sums
    }

    /// Adds assignments.
    pub(super) fn add(&mut self, is_local: bool, is_running: bool, counts: StageCounts) {
        if is_local {
            self.local += counts;
        } else {
            self.all += counts;
            if is_running {
                self.running += counts;
            }
        }
    }
}

/// One thing, and its sums.
#[derive(Debug)]
pub struct Part {
    /// What it is.
    pub kind: ProgressKind,
    /// Its id.
    pub id: Option<Id>,
    /// Its key.
    pub key: Option<String>,
    /// Its title; empty if the service has a word of its own for it.
    pub(super) title: String,
    /// What its counts count.
    pub counted: Counted,
    /// What its running counts count.
    pub counted_running: Counted,
    /// The sums.
    pub sums: Sums,
    /// The verdicts on its indicators' targets; none if it has no indicators of its own.
    pub verdicts: Option<VerdictCounts>,
}

impl Part {
    /// A thing that counts assignments.
    pub(super) fn new(kind: ProgressKind, id: Id, key: &impl ToString, title: &impl ToString, sums: Sums) -> Self {
        let counted = Counted::Assignments;
        let (id, key, title) = (Some(id), Some(key.to_string()), title.to_string());
        Self { kind, id, key, title, counted, counted_running: counted, sums, verdicts: None }
    }

    /// An action.
    pub(super) fn of_action(action: &ActionWithAssignees, sums: Sums) -> Self {
        let parties = Counted::parties(action);
        let is_once = action.schedule.recurrence.is_none();
        let counted = if is_once { parties } else { Counted::Assignments };
        let key = action.path.rsplit('/').next().unwrap_or_default().to_owned();
        Self {
            counted,
            counted_running: parties,
            ..Self::new(ProgressKind::Action, action.id, &key, &action.title, sums)
        }
    }

    /// Its title.
    pub fn title(&self, language: Language) -> String {
        match self.kind {
            ProgressKind::Me => language.text("progress-my-committees"),
            ProgressKind::Occurrence if self.title.is_empty() => language.text("progress-once"),
            _ => self.title.clone(),
        }
    }
}

/// The progress of something.
#[derive(Debug)]
pub struct ProgressSummary {
    /// What, and how far.
    pub part: Part,
    /// On which day.
    pub on: NaiveDate,
    /// Of actions: the day from which it is no longer pursued.
    pub cancelled_on: Option<NaiveDate>,
    /// Of actions: their predecessors.
    pub predecessors: Option<Vec<Predecessor>>,
    /// The children: the same one step down.
    pub children: Option<Vec<Part>>,
    /// The counts month by month.
    pub series: Option<Vec<Point>>,
}

impl ProgressSummary {
    /// A summary without details.
    pub(super) fn new(part: Part, on: NaiveDate) -> Self {
        Self { part, on, cancelled_on: None, predecessors: None, children: None, series: None }
    }
}
