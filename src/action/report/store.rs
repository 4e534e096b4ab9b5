//! Queries for reports, and for who makes them.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::model::Report;
use crate::action::assignment::stage::{Judgement, Stage};
use crate::action::schedule::StoredPeriod;
use crate::action::store as actions;
use crate::committee::membership::model::MemberRole;
use crate::db::Tenant;
use crate::db::schema::{committees, employees, memberships, reports, units};
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::period::{self, Period};
use crate::problem::{Problem, Result};
use crate::text::LongText;
use crate::web_address::WebAddress;

/// Which reports are wanted.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only this one.
    pub id: Option<Id>,
    /// Only those on this action.
    pub action: Option<Id>,
    /// Only those of this committee.
    pub committee: Option<Reference>,
    /// Only those of this unit.
    pub unit: Option<Reference>,
    /// Only those on this occurrence.
    pub occurrence: Option<Period>,
    /// Only those before this one.
    pub before: Option<(Timestamp, Id)>,
}

/// At most `limit` reports, the newest first; who made them only where `with_reporter`. The path of the action is left
/// empty.
fn select(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>, with_reporter: bool) -> Result<Vec<Report>> {
    let mut query = reports::table
        .left_join(committees::table)
        .left_join(units::table)
        .left_join(employees::table)
        .filter(reports::municipality_id.eq(tenant.municipality_id))
        .order((reports::reported_at.desc(), reports::id.desc()))
        .select((
            (reports::id, reports::action_id, reports::occurrence, reports::reported_at),
            (committees::key.nullable(), units::key.nullable(), employees::key.nullable()),
            (reports::stage, reports::judgement),
            (reports::note, reports::minutes_url, reports::discussed_on),
        ))
        .into_boxed();
    if let Some(id) = filter.id {
        query = query.filter(reports::id.eq(id));
    }
    if let Some(id) = filter.action {
        query = query.filter(reports::action_id.eq(id));
    }
    match filter.committee {
        Some(Reference::Id(id)) => query = query.filter(reports::committee_id.eq(id)),
        Some(path) => query = query.filter(committees::key.eq(path.to_string())),
        None => {}
    }
    match filter.unit {
        Some(Reference::Id(id)) => query = query.filter(reports::unit_id.eq(id)),
        Some(path) => query = query.filter(units::key.eq(path.to_string())),
        None => {}
    }
    if let Some(period) = filter.occurrence {
        query = query.filter(reports::occurrence.eq(StoredPeriod(Some(period))));
    }
    if let Some((at, id)) = filter.before {
        query = query.filter(reports::reported_at.lt(at).or(reports::reported_at.eq(at).and(reports::id.lt(id))));
    }
    if let Some(limit) = limit {
        query = query.limit(limit);
    }
    type Row = (
        (Id, Id, StoredPeriod, Timestamp),
        (Option<RegisterKey>, Option<RegisterKey>, Option<RegisterKey>),
        (Stage, Judgement),
        (Option<LongText>, Option<WebAddress>, Option<NaiveDate>),
    );
    let rows: Vec<Row> = query.load(tenant.connection)?;
    let report = |(own, who, said, words): Row| {
        let (id, action_id, StoredPeriod(occurrence), reported_at) = own;
        let (committee, unit, reporter) = who;
        let (stage, judgement) = said;
        let (note, minutes_url, discussed_on) = words;
        Report {
            id,
            action: String::new(),
            action_id,
            committee,
            unit,
            occurrence,
            stage,
            judgement,
            note,
            minutes_url,
            discussed_on,
            reported_by: reporter.filter(|_| with_reporter),
            reported_at,
        }
    };
    Ok(rows.into_iter().map(report).collect())
}

fn path(tenant: &mut Tenant<'_>, action: Id) -> Result<String> {
    let filter = actions::Filter { id: Some(action), ..actions::Filter::default() };
    let found = actions::list(tenant, filter, Some(1))?.pop().ok_or_else(|| Problem::not_found("action"))?;
    Ok(found.action.identity.path.unwrap_or_default())
}

/// At most `limit` of an action's reports, the newest first.
pub fn of_action(
    tenant: &mut Tenant<'_>,
    action: Id,
    filter: Filter,
    limit: Option<i64>,
    with_reporter: bool,
) -> Result<Vec<Report>> {
    let path = path(tenant, action)?;
    let rows = select(tenant, Filter { action: Some(action), ..filter }, limit, with_reporter)?;
    Ok(rows.into_iter().map(|report| Report { action: path.clone(), ..report }).collect())
}

/// The report with this id.
pub fn one(tenant: &mut Tenant<'_>, id: Id, with_reporter: bool) -> Result<Report> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let found = select(tenant, filter, Some(1), with_reporter)?.pop().ok_or_else(|| Problem::not_found("report"))?;
    Ok(Report { action: path(tenant, found.action_id)?, ..found })
}

/// Every report, the oldest first, with who made it.
pub fn all(tenant: &mut Tenant<'_>) -> Result<Vec<Report>> {
    let mut rows = select(tenant, Filter::default(), None, true)?;
    rows.reverse();
    Ok(rows)
}

/// Somebody who works here today, as far as it matters to reports.
pub struct Person {
    /// The employee.
    pub id: Id,
    /// The unit in which they work with personnel responsibility.
    pub leads_unit_id: Option<Id>,
}

/// The employee with a key, who works here today.
pub fn person(tenant: &mut Tenant<'_>, key: &RegisterKey) -> Result<Option<Person>> {
    let found: Option<(Id, Option<Id>, bool)> = employees::table
        .filter(employees::municipality_id.eq(tenant.municipality_id))
        .filter(employees::key.eq(key))
        .filter(crate::exists_on!(employees, period::today()))
        .select((employees::id, employees::unit_id, employees::has_personnel_responsibility))
        .first(tenant.connection)
        .optional()?;
    Ok(found.map(|(id, unit, leads)| Person { id, leads_unit_id: unit.filter(|_| leads) }))
}

/// Whether an employee sits in a committee today in one of these roles. Whether the committee itself still exists is
/// asked elsewhere.
pub fn sits_in(tenant: &mut Tenant<'_>, employee: Id, committee: Id, roles: &[MemberRole]) -> Result<bool> {
    let seats: i64 = memberships::table
        .filter(memberships::committee_id.eq(committee))
        .filter(memberships::employee_id.eq(employee))
        .filter(memberships::role.eq_any(roles))
        .filter(crate::exists_on!(memberships, period::today()))
        .count()
        .get_result(tenant.connection)?;
    Ok(seats > 0)
}
