//! Counts of assignments per occurrence, without listing each assignment: committees are counted by level, and reports
//! come counted from the store.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::model::{ActionWithAssignees, Assignee, AssignmentKey, is_stale};
use super::stage::Stage;
use super::stage_counts::StageCounts;
use crate::action::schedule::Occurrence;
use crate::date_range::DateRange;
use crate::db::types::{Id, Timestamp};
use crate::period::Period;

/// How many committees of each level exist on a day.
#[derive(Debug, Default)]
pub struct CommitteeCounts {
    levels: HashMap<Id, StartsAndEnds>,
}

#[derive(Debug, Default)]
struct StartsAndEnds {
    first_days: Vec<NaiveDate>,
    last_days: Vec<NaiveDate>,
}

impl CommitteeCounts {
    /// Counts committees: their level, when they exist, and how many of them there are.
    pub fn of(committees: impl IntoIterator<Item = (Id, DateRange, usize)>) -> Self {
        let mut committee_counts = Self::default();
        for (level, exists, committees) in committees {
            let days = committee_counts.levels.entry(level).or_default();
            let (first, last) = (exists.starts_on.unwrap_or(NaiveDate::MIN), exists.ends_on.unwrap_or(NaiveDate::MAX));
            if first <= last {
                days.first_days.extend(std::iter::repeat_n(first, committees));
                days.last_days.extend(std::iter::repeat_n(last, committees));
            }
        }
        for days in committee_counts.levels.values_mut() {
            days.first_days.sort_unstable();
            days.last_days.sort_unstable();
        }
        committee_counts
    }

    fn count(&self, level: Id, day: NaiveDate) -> u64 {
        let Some(StartsAndEnds { first_days, last_days }) = self.levels.get(&level) else { return 0 };
        let begun = first_days.partition_point(|first| *first <= day);
        let over = last_days.partition_point(|last| *last < day);
        (begun - over) as u64
    }
}

/// Equal latest reports, counted.
#[derive(Debug, Clone, Copy)]
pub struct CountRow {
    /// The action.
    pub action_id: Id,
    /// The occurrence's period.
    pub period: Option<Period>,
    /// The level of the committees that reported; none in a row for a named assignee.
    pub level_id: Option<Id>,
    /// Who reported, in a row of a single report.
    pub assignee: Option<Assignee>,
    /// When those who reported exist.
    pub exists: DateRange,
    /// The stage that they reported.
    pub stage: Stage,
    /// How many reports.
    pub reports: u64,
    /// How many of those are stale.
    pub stale: u64,
    /// When the last of them was made.
    pub last_reported_at: Timestamp,
}

impl CountRow {
    /// The row of a single report.
    pub fn from_report(
        (action_id, period, assignee): AssignmentKey,
        action: &ActionWithAssignees,
        level_id: Option<Id>,
        exists: DateRange,
        (stage, reported_at): (Stage, Timestamp),
        on: NaiveDate,
    ) -> Self {
        Self {
            action_id,
            period,
            level_id,
            assignee: Some(assignee),
            exists,
            stage,
            reports: 1,
            stale: u64::from(is_stale(action.schedule, stage, reported_at, on)),
            last_reported_at: reported_at,
        }
    }
}

/// The counts of the assignments of one occurrence.
#[derive(Debug, Clone, Copy)]
pub struct OccurrenceCounts<'a> {
    /// The action.
    pub action: &'a ActionWithAssignees,
    /// The occurrence's period.
    pub occurrence: Occurrence,
    /// The counts.
    pub counts: StageCounts,
}

/// The counts of every occurrence that has begun by `on`, in the order of the actions.
pub fn count_by_occurrence<'a>(
    actions: &'a [ActionWithAssignees],
    committee_counts: &CommitteeCounts,
    count_rows: impl IntoIterator<Item = CountRow>,
    on: NaiveDate,
) -> Vec<OccurrenceCounts<'a>> {
    let mut counted = Vec::new();
    let mut indices: HashMap<(Id, Option<Period>), usize> = HashMap::new();
    for action in actions {
        for occurrence in action.schedule.occurrences(on) {
            let day = occurrence.reference_day(on);
            let by_level: u64 = action.level_ids.iter().map(|level| committee_counts.count(*level, day)).sum();
            let by_name = action.named.iter().filter(|member| member.exists.contains(day)).count() as u64;
            let counts = StageCounts::expecting(by_level + by_name);
            indices.insert((action.id, occurrence.period), counted.len());
            counted.push(OccurrenceCounts { action, occurrence, counts });
        }
    }
    for row in count_rows {
        let Some(entry) = indices.get(&(row.action_id, row.period)).map(|index| &mut counted[*index]) else {
            continue;
        };
        let is_named = |assignee: Assignee| entry.action.named.iter().any(|member| member.assignee == assignee);
        let is_addressed = entry.action.addresses_level(row.level_id) || row.assignee.is_some_and(is_named);
        if is_addressed && row.exists.contains(entry.occurrence.reference_day(on)) {
            entry.counts.count(row.stage, row.reports);
            entry.counts.stale += row.stale;
            entry.counts.last_reported_at = entry.counts.last_reported_at.max(Some(row.last_reported_at));
        }
    }
    for entry in &mut counted {
        let counts = &mut entry.counts;
        let reported: u64 = Stage::ALL.iter().map(|stage| counts.at(*stage)).sum();
        counts.count(Stage::NotStarted, counts.expected.saturating_sub(reported));
        if entry.occurrence.is_overdue(on) {
            counts.overdue = counts.unfinished();
        }
    }
    counted
}
