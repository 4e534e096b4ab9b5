//! Queries for the reports on assignments: their history for days in the past and for charts, and the latest of each.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::{few, inspiring_ids, planned_ids};
use crate::action::assignment::model::{ActionWithAssignees, Assignee, AssignmentKey, LatestReport};
use crate::action::assignment::report_events::ReportEvent;
use crate::action::assignment::stage::{Judgement, Stage};
use crate::action::schedule::StoredPeriod;
use crate::date_range::DateRange;
use crate::db::schema::aliases::local_actions;
use crate::db::schema::{actions, committees, latest_reports, reports, units};
use crate::db::types::{Id, Timestamp};
use crate::db::{Tenant, connection};
use crate::period;
use crate::problem::Result;
use crate::text::LongText;
use crate::web_address::WebAddress;

/// All reports on actions by the end of a day, in the order in which they were made. For many actions, the reports on
/// others are returned too.
pub fn history(tenant: &mut Tenant<'_>, found: &[ActionWithAssignees], on: NaiveDate) -> Result<Vec<ReportEvent>> {
    let (planned, inspiring) = (few(planned_ids(found)), few(inspiring_ids(found)));
    events(tenant, planned.zip(inspiring), None, on)
}

/// All reports of committees by the end of a day, in the order in which they were made. For many committees, the
/// reports of others are returned too.
pub fn history_of_committees(tenant: &mut Tenant<'_>, ids: &[Id], on: NaiveDate) -> Result<Vec<ReportEvent>> {
    events(tenant, None, few(ids.to_vec()), on)
}

fn events(
    tenant: &mut Tenant<'_>,
    of_actions: Option<(Vec<Id>, Vec<Id>)>,
    of_committees: Option<Vec<Id>>,
    on: NaiveDate,
) -> Result<Vec<ReportEvent>> {
    let mut query = reports::table
        .left_join(committees::table)
        .left_join(units::table)
        .filter(reports::municipality_id.eq(tenant.municipality_id))
        .filter(reports::reported_at.lt(end_of(on)))
        .order((reports::reported_at, reports::id))
        .select((
            (reports::action_id, reports::occurrence, reports::committee_id, reports::unit_id),
            (reports::stage, reports::reported_at),
            (committees::level_id.nullable(), committees::starts_on.nullable(), committees::ends_on.nullable()),
            (units::starts_on.nullable(), units::ends_on.nullable()),
        ))
        .into_boxed();
    if let Some((planned, inspiring)) = of_actions {
        let inspired = local_actions
            .filter(local_actions.field(actions::parent_id).assume_not_null().eq_any(inspiring))
            .select(local_actions.field(actions::id));
        query = query.filter(reports::action_id.eq_any(planned).or(reports::action_id.eq_any(inspired)));
    }
    if let Some(ids) = of_committees {
        query = query.filter(reports::committee_id.eq_any(ids.into_iter().map(Some)));
    }
    type Row = (
        (Id, StoredPeriod, Option<Id>, Option<Id>),
        (Stage, Timestamp),
        (Option<Id>, Option<NaiveDate>, Option<NaiveDate>),
        DateRange,
    );
    let rows: Vec<Row> = query.load(tenant.connection)?;
    let event = |((action, StoredPeriod(period), committee, unit), (stage, reported_at), own, unit_days): Row| {
        let assignee = Assignee::from_columns(committee, unit)?;
        let (level_id, first, last) = own;
        let exists = if committee.is_some() { DateRange::new(first, last) } else { unit_days };
        Some(ReportEvent { key: (action, period, assignee), level_id, exists, stage, reported_at })
    };
    Ok(rows.into_iter().filter_map(event).collect())
}

/// The latest report on a day of each assignment of some committees. For many committees, those of others are returned
/// too.
pub fn latest_of_committees(
    tenant: &mut Tenant<'_>,
    ids: &[Id],
    on: NaiveDate,
) -> Result<HashMap<AssignmentKey, (Stage, Timestamp)>> {
    if on < period::today() {
        let events = history_of_committees(tenant, ids, on)?;
        // Later reports replace earlier ones.
        return Ok(events.into_iter().map(|event| (event.key, (event.stage, event.reported_at))).collect());
    }
    let mut query = latest_reports::table
        .select((
            latest_reports::action_id,
            latest_reports::occurrence,
            latest_reports::committee_id,
            latest_reports::stage,
            latest_reports::reported_at,
        ))
        .into_boxed();
    query = match few(ids.to_vec()) {
        Some(ids) => query.filter(latest_reports::committee_id.eq_any(ids.into_iter().map(Some))),
        None => query.filter(
            latest_reports::committee_id.eq_any(
                committees::table
                    .filter(committees::municipality_id.eq(tenant.municipality_id))
                    .select(committees::id.nullable()),
            ),
        ),
    };
    let rows: Vec<(Id, StoredPeriod, Option<Id>, Stage, Timestamp)> = query.load(tenant.connection)?;
    let entry = |(action, StoredPeriod(period), committee, stage, reported_at): (_, _, Option<Id>, _, _)| {
        Some(((action, period, Assignee::Committee(committee?)), (stage, reported_at)))
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}

/// The end of a day in Denmark.
fn end_of(day: NaiveDate) -> Timestamp {
    Timestamp::beginning_of(day.succ_opt().unwrap_or(day))
}

/// Selects reports.
#[derive(Debug, Clone, Copy)]
pub enum ReportSelector {
    /// Those of an action.
    Action(Id),
    /// Those of a committee.
    Committee(Id),
}

/// The latest report of each assignment on a day, without its texts, which may be long.
pub fn latest(
    tenant: &mut Tenant<'_>,
    selector: ReportSelector,
    on: NaiveDate,
) -> Result<HashMap<AssignmentKey, LatestReport>> {
    let mut query = reports::table
        .filter(reports::municipality_id.eq(tenant.municipality_id))
        .order((reports::reported_at, reports::id))
        .select((
            (reports::action_id, reports::occurrence, reports::committee_id, reports::unit_id),
            (reports::id, reports::stage, reports::judgement, reports::reported_at),
        ))
        .into_boxed();
    query = match selector {
        ReportSelector::Action(id) => query.filter(reports::action_id.eq(id)),
        ReportSelector::Committee(id) => query.filter(reports::committee_id.eq(id)),
    };
    query = match on < period::today() {
        true => query.filter(reports::reported_at.lt(end_of(on))),
        false => query.filter(reports::id.eq_any(
            latest_reports::table.select(latest_reports::report_id).filter(latest_reports::report_id.eq(reports::id)),
        )),
    };
    type Row = ((Id, StoredPeriod, Option<Id>, Option<Id>), (Id, Stage, Judgement, Timestamp));
    let rows: Vec<Row> = query.load(tenant.connection)?;
    // Later reports replace earlier ones.
    let entry = |(key, (id, stage, judgement, reported_at)): Row| {
        let (action, StoredPeriod(period), committee, unit) = key;
        let report = LatestReport { id, stage, judgement, reported_at };
        Some(((action, period, Assignee::from_columns(committee, unit)?), report))
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}

/// The texts of a report: note, minutes, and the day of the discussion.
pub type ReportText = (Option<LongText>, Option<WebAddress>, Option<NaiveDate>);

/// The texts of reports.
pub fn texts(tenant: &mut Tenant<'_>, report_ids: &[Id]) -> Result<HashMap<Id, ReportText>> {
    let mut texts = HashMap::new();
    for batch in report_ids.chunks(connection::batch()) {
        let rows: Vec<(Id, ReportText)> = reports::table
            .filter(reports::municipality_id.eq(tenant.municipality_id))
            .filter(reports::id.eq_any(batch))
            .select((reports::id, (reports::note, reports::minutes_url, reports::discussed_on)))
            .load(tenant.connection)?;
        texts.extend(rows);
    }
    Ok(texts)
}
