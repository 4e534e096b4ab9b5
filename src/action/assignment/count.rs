//! Sums of assignments without listing each: how many exist is counted by level, and what was reported comes counted.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::figures::Figures;
use super::model::{Addressed, Party};
use super::stage::Stage;
use crate::action::schedule::Occurrence;
use crate::date_range::DateRange;
use crate::db::types::{Id, Timestamp};
use crate::period::Period;

/// How many committees of each level exist on a day.
#[derive(Debug, Default)]
pub struct Census {
    levels: HashMap<Id, Lifetimes>,
}

#[derive(Debug, Default)]
struct Lifetimes {
    first_days: Vec<NaiveDate>,
    last_days: Vec<NaiveDate>,
}

impl Census {
    /// Counts committees: their level, when they exist, and how many of them there are.
    pub fn of(committees: impl IntoIterator<Item = (Id, DateRange, usize)>) -> Self {
        let mut census = Self::default();
        for (level, lifetime, committees) in committees {
            let lifetimes = census.levels.entry(level).or_default();
            let (first, last) =
                (lifetime.starts_on.unwrap_or(NaiveDate::MIN), lifetime.ends_on.unwrap_or(NaiveDate::MAX));
            if first <= last {
                lifetimes.first_days.extend(std::iter::repeat_n(first, committees));
                lifetimes.last_days.extend(std::iter::repeat_n(last, committees));
            }
        }
        for lifetimes in census.levels.values_mut() {
            lifetimes.first_days.sort_unstable();
            lifetimes.last_days.sort_unstable();
        }
        census
    }

    fn count(&self, level: Id, day: NaiveDate) -> u64 {
        let Some(Lifetimes { first_days, last_days }) = self.levels.get(&level) else { return 0 };
        let begun = first_days.partition_point(|first| *first <= day);
        let over = last_days.partition_point(|last| *last < day);
        (begun - over) as u64
    }
}

/// Latest reports that say the same, counted.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// The action.
    pub action_id: Id,
    /// Which time.
    pub period: Option<Period>,
    /// The level of those who reported; none where they are told one by one.
    pub level_id: Option<Id>,
    /// Who reported, where they are told one by one.
    pub party: Option<Party>,
    /// When those who reported exist.
    pub lifetime: DateRange,
    /// What they said.
    pub stage: Stage,
    /// How many of them there are.
    pub reports: u64,
    /// How many of those are silent for too long.
    pub stale: u64,
    /// When the last of them reported.
    pub last_reported_at: Timestamp,
}

/// The assignments of one occurrence, summed up.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The action.
    pub action: &'a Addressed,
    /// Which time.
    pub occurrence: Occurrence,
    /// The sum.
    pub figures: Figures,
}

/// The sums of every occurrence that has begun by `on`, in the order of the actions.
pub fn entries<'a>(
    actions: &'a [Addressed],
    census: &Census,
    cells: impl IntoIterator<Item = Cell>,
    on: NaiveDate,
) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    let mut places: HashMap<(Id, Option<Period>), usize> = HashMap::new();
    for action in actions {
        for occurrence in action.schedule.occurrences(on) {
            let day = occurrence.reference_day(on);
            let by_level: u64 = action.level_ids.iter().map(|level| census.count(*level, day)).sum();
            let by_name = action.named.iter().filter(|member| member.lifetime.contains(day)).count() as u64;
            let figures = Figures::expecting(by_level + by_name);
            places.insert((action.id, occurrence.period), entries.len());
            entries.push(Entry { action, occurrence, figures });
        }
    }
    for cell in cells {
        let Some(entry) = places.get(&(cell.action_id, cell.period)).map(|place| &mut entries[*place]) else {
            continue;
        };
        let is_named = |party: Party| entry.action.named.iter().any(|member| member.party == party);
        let is_addressed = entry.action.addresses_level(cell.level_id) || cell.party.is_some_and(is_named);
        if is_addressed && cell.lifetime.contains(entry.occurrence.reference_day(on)) {
            entry.figures.count(cell.stage, cell.reports);
            entry.figures.stale += cell.stale;
            entry.figures.last_reported_at = entry.figures.last_reported_at.max(Some(cell.last_reported_at));
        }
    }
    for entry in &mut entries {
        let figures = &mut entry.figures;
        let reported: u64 = Stage::ALL.iter().map(|stage| figures.at(*stage)).sum();
        figures.count(Stage::NotStarted, figures.expected.saturating_sub(reported));
        if entry.occurrence.is_overdue(on) {
            figures.overdue = figures.unfinished();
        }
    }
    entries
}
