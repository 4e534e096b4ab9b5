//! What progress is told from: sums of assignments, and what they are about.

use chrono::NaiveDate;

use super::label::Counted;
use super::series::Point;
use super::verdicts::VerdictCounts;
use crate::action::assignment::count::Entry;
use crate::action::assignment::figures::Figures;
use crate::action::assignment::forerunners::Forerunner;
use crate::action::assignment::model::Addressed;
use crate::db::types::Id;
use crate::language::Language;

crate::text_enum! {
    /// What the figures are about.
    ProgressKind {
        /// A strategy.
        Strategy = "strategy",
        /// A focus area.
        FocusArea = "focus_area",
        /// An objective: what its indicators come to.
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

/// What is wanted beside the figures themselves.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The day that is asked for.
    pub on: NaiveDate,
    /// The same one step down.
    pub children: bool,
    /// The figures month by month.
    pub series: bool,
}

/// The sums of one thing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    /// All that has begun.
    pub all: Figures,
    /// What is running.
    pub running: Figures,
    /// Local actions, which are told apart.
    pub local: Figures,
    /// With all committees below.
    pub subtree: Option<Figures>,
}

impl Sums {
    /// The sums of a plan's occurrences, the local ones apart.
    pub(super) fn of<'e, 'a: 'e>(entries: impl Iterator<Item = &'e Entry<'a>>, on: NaiveDate) -> Self {
        let mut sums = Self::default();
        entries.for_each(|entry| sums.add(entry.action.is_local(), entry.occurrence.is_running(on), entry.figures));
        sums
    }

    /// The sums of an action, local or not, those of the local ones that it inspired apart.
    pub(super) fn of_action(action: Id, entries: &[Entry<'_>], on: NaiveDate) -> Self {
        let mut sums = Self::default();
        for entry in entries {
            let is_inspired = entry.action.parent_id == Some(action);
            if entry.action.id == action || is_inspired {
                sums.add(is_inspired, entry.occurrence.is_running(on), entry.figures);
            }
        }
        sums
    }

    /// Adds assignments.
    pub(super) fn add(&mut self, is_local: bool, is_running: bool, figures: Figures) {
        if is_local {
            self.local += figures;
        } else {
            self.all += figures;
            if is_running {
                self.running += figures;
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
    /// Its title; empty where the service has a word of its own for it.
    pub(super) title: String,
    /// What its assignments are, counted together.
    pub counted: Counted,
    /// What its running assignments are.
    pub counted_running: Counted,
    /// The sums.
    pub sums: Sums,
    /// What the targets of its indicators come to; none where it has no indicators of its own.
    pub verdicts: Option<VerdictCounts>,
}

impl Part {
    /// A thing whose assignments are counted as such.
    pub(super) fn new(kind: ProgressKind, id: Id, key: &impl ToString, title: &impl ToString, sums: Sums) -> Self {
        let counted = Counted::Assignments;
        let (id, key, title) = (Some(id), Some(key.to_string()), title.to_string());
        Self { kind, id, key, title, counted, counted_running: counted, sums, verdicts: None }
    }

    /// An action.
    pub(super) fn of_action(action: &Addressed, sums: Sums) -> Self {
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

/// How far something has come.
#[derive(Debug)]
pub struct Gathered {
    /// What, and how far.
    pub part: Part,
    /// On which day.
    pub on: NaiveDate,
    /// Of actions: the day from which it is no longer pursued.
    pub cancelled_on: Option<NaiveDate>,
    /// Of actions: those that come first.
    pub forerunners: Option<Vec<Forerunner>>,
    /// What stands one step down.
    pub children: Option<Vec<Part>>,
    /// The figures month by month.
    pub series: Option<Vec<Point>>,
}

impl Gathered {
    /// No more than the figures.
    pub(super) fn new(part: Part, on: NaiveDate) -> Self {
        Self { part, on, cancelled_on: None, forerunners: None, children: None, series: None }
    }
}
