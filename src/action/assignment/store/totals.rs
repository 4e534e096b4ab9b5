//! Totals: the latest reports by committees that are addressed by their level, counted by what they have in common.

use std::collections::{BTreeMap, HashMap};

use chrono::{Datelike as _, NaiveDate};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::action::assignment::stage::Stage;
use crate::action::model::Recurrence;
use crate::action::schedule::{Occurrence, Schedule, StoredPeriod};
use crate::date_range::DateRange;
use crate::db::schema::{actions, committees, focus_areas, latest_reports, strategies, tallies};
use crate::db::types::{Id, Json, Timestamp};
use crate::db::{Tenant, Writer, connection};
use crate::problem::Result;

/// Latest reports on one occurrence with the same stage, by committees of one level that exist on the same days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageTotals {
    /// The level.
    pub level_id: Id,
    /// The first day of the committees, if it matters to the occurrence: cut so that nearly all have the same.
    pub starts_on: Option<NaiveDate>,
    /// Their last day, cut likewise.
    pub ends_on: Option<NaiveDate>,
    /// The stage that they reported.
    pub stage: Stage,
    /// How many reports.
    pub reports: u64,
    /// When the last of them was made.
    pub last_reported_at: Timestamp,
    /// Of work in progress, how many were made on which day, in order: they may become stale. Days are numbered from
    /// 1 January of the year 1.
    days: Vec<(i32, u64)>,
}

impl StageTotals {
    /// How many were made before a day.
    pub fn reports_before(&self, day: NaiveDate) -> u64 {
        let day = day.num_days_from_ce();
        self.days.iter().take_while(|(reported_on, _)| *reported_on < day).map(|(_, reports)| reports).sum()
    }
}

#[derive(Debug, PartialEq, Insertable, Queryable)]
#[diesel(table_name = tallies)]
pub(super) struct TotalsRow {
    pub(super) action_id: Id,
    pub(super) occurrence: StoredPeriod,
    cells: Json<Vec<StageTotals>>,
}

/// Counts the latest reports on some actions, or on one occurrence, and stores the totals.
pub(super) fn recount(writer: &mut Writer<'_>, action_ids: &[Id], occurrence: Option<StoredPeriod>) -> Result<()> {
    for batch in action_ids.chunks(connection::batch()) {
        let rows = count(writer, batch, occurrence)?;
        let mut outdated = diesel::delete(tallies::table.filter(tallies::action_id.eq_any(batch))).into_boxed();
        if let Some(occurrence) = occurrence {
            outdated = outdated.filter(tallies::occurrence.eq(occurrence));
        }
        outdated.execute(writer.connection)?;
        crate::insert_all!(writer.connection, tallies::table, &rows)?;
    }
    Ok(())
}

/// Counts the latest reports on some actions, or on one occurrence.
pub(super) fn count(
    tenant: &mut Tenant<'_>,
    action_ids: &[Id],
    occurrence: Option<StoredPeriod>,
) -> Result<Vec<TotalsRow>> {
    let schedules = schedules(tenant, action_ids)?;
    let mut query = latest_reports::table
        .inner_join(committees::table)
        .filter(latest_reports::action_id.eq_any(action_ids.to_vec()))
        .select((
            (latest_reports::action_id, latest_reports::occurrence),
            (committees::level_id, committees::starts_on, committees::ends_on),
            (latest_reports::stage, latest_reports::reported_at),
        ))
        .into_boxed();
    if let Some(occurrence) = occurrence {
        query = query.filter(latest_reports::occurrence.eq(occurrence));
    }
    type Row = ((Id, StoredPeriod), (Option<Id>, Option<NaiveDate>, Option<NaiveDate>), (Stage, Timestamp));
    let rows: Vec<Row> = query.load(tenant.connection)?;
    let mut occurrences: HashMap<(Id, StoredPeriod), Option<Occurrence>> = HashMap::new();
    type GroupKey = (Id, Option<NaiveDate>, Option<NaiveDate>, Stage);
    type Counts = BTreeMap<GroupKey, (Timestamp, BTreeMap<i32, u64>)>;
    let mut counted: BTreeMap<(Id, StoredPeriod), Counts> = BTreeMap::new();
    for ((action, period), (level, starts_on, ends_on), (stage, reported_at)) in rows {
        let occurrence = occurrences
            .entry((action, period))
            .or_insert_with(|| schedules.get(&action).and_then(|schedule| schedule.at(period.0)));
        let (Some(occurrence), Some(level)) = (occurrence, level) else { continue };
        let Some(cut) = occurrence.cut(DateRange::new(starts_on, ends_on)) else { continue };
        let groups = counted.entry((action, period)).or_default();
        let group = (level, cut.starts_on, cut.ends_on, stage);
        let (last, days) = groups.entry(group).or_insert_with(|| (reported_at, BTreeMap::new()));
        *last = reported_at.max(*last);
        *days.entry(reported_at.day().num_days_from_ce()).or_default() += 1;
    }
    let row = |((action_id, occurrence), groups): ((Id, StoredPeriod), Counts)| {
        let cells = groups.into_iter().map(|((level_id, starts_on, ends_on, stage), (last, days))| {
            stage_totals(level_id, (starts_on, ends_on), stage, last, days)
        });
        TotalsRow { action_id, occurrence, cells: Json(cells.collect()) }
    };
    Ok(counted.into_iter().map(row).collect())
}

fn stage_totals(
    level_id: Id,
    (starts_on, ends_on): (Option<NaiveDate>, Option<NaiveDate>),
    stage: Stage,
    last_reported_at: Timestamp,
    days: BTreeMap<i32, u64>,
) -> StageTotals {
    let reports = days.values().sum();
    let days = if stage == Stage::InProgress { days.into_iter().collect() } else { Vec::new() };
    StageTotals { level_id, starts_on, ends_on, stage, reports, last_reported_at, days }
}

/// The schedules of actions of plans. Local actions have no totals.
fn schedules(tenant: &mut Tenant<'_>, action_ids: &[Id]) -> Result<HashMap<Id, Schedule>> {
    type Row = (
        (Id, Option<Recurrence>),
        (Option<NaiveDate>, Option<NaiveDate>, Option<NaiveDate>),
        (Option<NaiveDate>, Option<NaiveDate>),
    );
    let rows: Vec<Row> = actions::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(actions::id.eq_any(action_ids))
        .select((
            (actions::id, actions::recurrence),
            (actions::starts_on, actions::due_on, actions::cancelled_on),
            (strategies::starts_on, strategies::ends_on),
        ))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|((id, recurrence), own, whole)| (id, Schedule::new(recurrence, own, whole))).collect())
}
