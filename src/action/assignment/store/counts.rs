//! Queries for counts of committees and of their latest reports.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::totals::StageTotals;
use super::{few, inspiring_ids, planned_ids};
use crate::action::assignment::model::{ActionWithAssignees, Assignee};
use crate::action::assignment::occurrence_counts::{CommitteeCounts, CountRow};
use crate::action::assignment::stage::Stage;
use crate::action::schedule::{StoredPeriod, stale_before};
use crate::date_range::DateRange;
use crate::db::Tenant;
use crate::db::schema::{actions, committees, latest_reports, tallies};
use crate::db::types::{Id, Json, Timestamp};
use crate::problem::Result;

/// The municipality's committees, counted by level and by when they exist.
pub fn committee_counts(tenant: &mut Tenant<'_>) -> Result<CommitteeCounts> {
    type Row = (Option<Id>, Option<NaiveDate>, Option<NaiveDate>, i64);
    let rows: Vec<Row> = committees::table
        .filter(committees::municipality_id.eq(tenant.municipality_id))
        .group_by((committees::level_id, committees::starts_on, committees::ends_on))
        .select((committees::level_id, committees::starts_on, committees::ends_on, diesel::dsl::count_star()))
        .load(tenant.connection)?;
    let counted = |(level, first, last, committees): Row| {
        Some((level?, DateRange::new(first, last), usize::try_from(committees).ok()?))
    };
    Ok(CommitteeCounts::of(rows.into_iter().filter_map(counted)))
}

/// The stored totals of committees that are addressed by their level.
pub fn level_count_rows(
    tenant: &mut Tenant<'_>,
    found: &[ActionWithAssignees],
    on: NaiveDate,
) -> Result<Vec<CountRow>> {
    let mut query = tallies::table.select((tallies::action_id, tallies::occurrence, tallies::cells)).into_boxed();
    query = match few(planned_ids(found)) {
        Some(ids) => query.filter(tallies::action_id.eq_any(ids)),
        None => query.filter(tallies::action_id.eq_any(own_actions(tenant))),
    };
    let rows: Vec<(Id, StoredPeriod, Json<Vec<StageTotals>>)> = query.load(tenant.connection)?;
    let recurrences: HashMap<Id, _> = found.iter().map(|action| (action.id, action.schedule.recurrence)).collect();
    let mut count_rows = Vec::new();
    for (action_id, StoredPeriod(period), Json(totals)) in rows {
        let Some(recurrence) = recurrences.get(&action_id) else { continue };
        let stale_before = stale_before(*recurrence, on);
        count_rows.extend(totals.into_iter().map(|total| CountRow {
            action_id,
            period,
            level_id: Some(total.level_id),
            assignee: None,
            exists: DateRange::new(total.starts_on, total.ends_on),
            stage: total.stage,
            reports: total.reports,
            stale: total.reports_before(stale_before),
            last_reported_at: total.last_reported_at,
        }));
    }
    Ok(count_rows)
}

/// The municipality's actions.
#[diesel::dsl::auto_type]
fn own_actions(tenant: &Tenant<'_>) -> _ {
    let municipality_id: Id = tenant.municipality_id;
    actions::table.filter(actions::municipality_id.eq(municipality_id)).select(actions::id)
}

/// The latest reports of committees and units that are addressed by name, and those on local actions.
///
/// Each of the queries uses one index. A join with the actions would need fewer queries, but an engine without
/// statistics starts it at the wrong table.
pub fn named_count_rows(
    tenant: &mut Tenant<'_>,
    found: &[ActionWithAssignees],
    on: NaiveDate,
) -> Result<Vec<CountRow>> {
    let query = || {
        latest_reports::table
            .select((
                (latest_reports::action_id, latest_reports::occurrence),
                (latest_reports::committee_id, latest_reports::unit_id),
                (latest_reports::stage, latest_reports::reported_at),
            ))
            .into_boxed()
    };
    let named = found.iter().filter(|action| !action.is_local()).flat_map(|action| &action.named);
    let named: BTreeSet<Assignee> = named.map(|member| member.assignee).collect();
    let ids = |id: fn(Assignee) -> Option<Id>| named.iter().filter_map(|assignee| id(*assignee)).collect::<Vec<_>>();
    let (committees, units) = (ids(Assignee::committee_id), ids(Assignee::unit_id));
    let mut queries = Vec::new();
    if !named.is_empty() {
        let by_committee = latest_reports::committee_id.eq_any(committees.iter().copied().map(Some));
        let by_unit = latest_reports::unit_id.eq_any(units.iter().copied().map(Some));
        queries.push(match (committees.is_empty(), units.is_empty()) {
            (false, true) => query().filter(by_committee),
            (true, false) => query().filter(by_unit),
            _ => query().filter(by_committee.or(by_unit)),
        });
    }
    let local: Vec<Id> = found.iter().filter(|action| action.is_local()).map(|action| action.id).collect();
    if !local.is_empty() {
        let inspired = actions::parent_id.assume_not_null().eq_any(inspiring_ids(found));
        queries.push(match few(local) {
            Some(local) => query().filter(latest_reports::action_id.eq_any(local)),
            None => {
                query().filter(latest_reports::action_id.eq_any(actions::table.filter(inspired).select(actions::id)))
            }
        });
    }
    type Row = ((Id, StoredPeriod), (Option<Id>, Option<Id>), (Stage, Timestamp));
    // A committee that is named somewhere may have local actions too: both queries return those.
    let mut rows: HashMap<(Id, StoredPeriod, Option<Assignee>), Row> = HashMap::new();
    for query in queries {
        let found: Vec<Row> = query.load(tenant.connection)?;
        rows.extend(found.into_iter().map(|row| ((row.0.0, row.0.1, Assignee::from_columns(row.1.0, row.1.1)), row)));
    }
    let by_id: HashMap<Id, &ActionWithAssignees> = found.iter().map(|action| (action.id, action)).collect();
    let count_row = |((action_id, StoredPeriod(period)), (committee, unit), report): Row| {
        let (action, assignee) = (by_id.get(&action_id)?, Assignee::from_columns(committee, unit)?);
        let member = action.named.iter().find(|member| member.assignee == assignee)?;
        Some(CountRow::from_report((action_id, period, assignee), action, None, member.exists, report, on))
    };
    Ok(rows.into_values().filter_map(count_row).collect())
}
