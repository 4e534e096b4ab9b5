//! Reports as events, replayed for days in the past and for charts.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::model::{ActionWithAssignees, AssignmentKey};
use super::occurrence_counts::CountRow;
use super::stage::Stage;
use crate::date_range::DateRange;
use crate::db::types::{Id, Timestamp};

/// A report, with what counts depend on.
#[derive(Debug, Clone, Copy)]
pub struct ReportEvent {
    /// The assignment.
    pub key: AssignmentKey,
    /// The level of the committee that reported.
    pub level_id: Option<Id>,
    /// When the committee or unit exists.
    pub exists: DateRange,
    /// The stage that was reported.
    pub stage: Stage,
    /// When.
    pub reported_at: Timestamp,
}

/// The latest report of each assignment, while events are replayed in order.
#[derive(Default)]
pub struct LatestReports(HashMap<AssignmentKey, ReportEvent>);

impl LatestReports {
    /// Takes the next event.
    pub fn record(&mut self, event: ReportEvent) {
        self.0.insert(event.key, event);
    }

    /// The events so far, as rows to count on a day.
    pub fn count_rows(&self, actions: &[ActionWithAssignees], on: NaiveDate) -> Vec<CountRow> {
        let by_id: HashMap<Id, &ActionWithAssignees> = actions.iter().map(|action| (action.id, action)).collect();
        let row = |event: &ReportEvent| {
            let action = by_id.get(&event.key.0)?;
            let report = (event.stage, event.reported_at);
            Some(CountRow::from_report(event.key, action, event.level_id, event.exists, report, on))
        };
        self.0.values().filter_map(row).collect()
    }
}
