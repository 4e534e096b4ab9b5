//! A snapshot of assignments on a day: what their counts are computed from.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::model::ActionWithAssignees;
use super::occurrence_counts::{CommitteeCounts, CountRow, OccurrenceCounts, count_by_occurrence};
use super::report_events::LatestReports;
use super::stage::Stage;
use super::stage_counts::StageCounts;
use super::store::{self, ActionSelector, counts, reports};
use crate::db::Tenant;
use crate::db::types::Id;
use crate::period;
use crate::problem::Result;

/// Some actions on a day, with the reports on them, counted.
pub struct AssignmentSnapshot {
    /// The actions.
    pub actions: Vec<ActionWithAssignees>,
    /// The municipality's committees, counted by level.
    pub committee_counts: CommitteeCounts,
    count_rows: Vec<CountRow>,
    on: NaiveDate,
}

impl AssignmentSnapshot {
    /// Reads the selected actions and their counts.
    pub fn read(tenant: &mut Tenant<'_>, selector: ActionSelector, on: NaiveDate) -> Result<Self> {
        let actions = store::actions(tenant, selector)?;
        Self::from_actions(tenant, actions, on)
    }

    /// Reads the counts of actions. Today and later, they come from the stored totals; for a day in the past, from all
    /// reports that were made by then.
    pub fn from_actions(tenant: &mut Tenant<'_>, actions: Vec<ActionWithAssignees>, on: NaiveDate) -> Result<Self> {
        let committee_counts = counts::committee_counts(tenant)?;
        let count_rows = if on < period::today() {
            let mut latest = LatestReports::default();
            reports::history(tenant, &actions, on)?.into_iter().for_each(|event| latest.record(event));
            latest.count_rows(&actions, on)
        } else {
            let mut rows = counts::level_count_rows(tenant, &actions, on)?;
            rows.extend(counts::named_count_rows(tenant, &actions, on)?);
            rows
        };
        Ok(Self { actions, committee_counts, count_rows, on })
    }

    /// The counts of every occurrence that has begun.
    pub fn by_occurrence(&self) -> Vec<OccurrenceCounts<'_>> {
        count_by_occurrence(&self.actions, &self.committee_counts, self.count_rows.iter().copied(), self.on)
    }

    /// The counts of every action, over all its occurrences.
    pub fn by_action(&self) -> HashMap<Id, StageCounts> {
        let mut sums: HashMap<Id, StageCounts> =
            self.actions.iter().map(|action| (action.id, StageCounts::default())).collect();
        for occurrence in self.by_occurrence() {
            *sums.entry(occurrence.action.id).or_default() += occurrence.counts;
        }
        sums
    }
}

/// The actions that have an assignment at this stage today, and that have an overdue one, or none.
pub fn actions_with(tenant: &mut Tenant<'_>, stage: Option<Stage>, overdue: Option<bool>) -> Result<Vec<Id>> {
    let mut sums = AssignmentSnapshot::read(tenant, ActionSelector::All, period::today())?.by_action();
    sums.retain(|_, sum| {
        stage.is_none_or(|stage| sum.at(stage) > 0) && overdue.is_none_or(|overdue| (sum.overdue > 0) == overdue)
    });
    Ok(sums.into_keys().collect())
}
