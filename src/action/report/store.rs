//! Queries and writes for reports, their idempotency keys, and the people who report.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::model::{Report, ReportBody, ReportIdentity};
use crate::action::assignment::model::Assignee;
use crate::action::assignment::stage::{Judgement, Stage};
use crate::action::schedule::StoredPeriod;
use crate::committee::membership::model::MemberRole;
use crate::db::change::{EntityKind, Operation};
use crate::db::change_log::Change;
use crate::db::schema::{actors, committees, employees, idempotency_keys, latest_reports, memberships, reports, units};
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, Writer};
use crate::period::{self, Period};
use crate::problem::{Problem, Result};
use crate::text::LongText;
use crate::web_address::WebAddress;

/// Selects reports.
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

/// At most `limit` reports, the newest first. `reported_by` is filled in only `with_reporter`; the action's path stays
/// empty.
pub fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>, with_reporter: bool) -> Result<Vec<Report>> {
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
    let report = |(own, (committee, unit, reporter), (stage, judgement), texts): Row| {
        let (id, action_id, StoredPeriod(occurrence), reported_at) = own;
        let (note, minutes_url, discussed_on) = texts;
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

/// Every report, the oldest first, with who made it.
pub fn all(tenant: &mut Tenant<'_>) -> Result<Vec<Report>> {
    let mut rows = list(tenant, Filter::default(), None, true)?;
    rows.reverse();
    Ok(rows)
}

/// An employee of today who reports.
pub struct Person {
    /// The employee.
    pub id: Id,
    /// The unit that they lead: where they work with personnel responsibility.
    pub leads_unit_id: Option<Id>,
}

/// The employee with a key, if they work here today.
pub fn find_person(tenant: &mut Tenant<'_>, key: &RegisterKey) -> Result<Option<Person>> {
    let found: Option<(Id, Option<Id>, bool)> = employees::table
        .filter(employees::municipality_id.eq(tenant.municipality_id))
        .filter(employees::key.eq(key))
        .filter(crate::exists_on!(employees, period::today()))
        .select((employees::id, employees::unit_id, employees::has_personnel_responsibility))
        .first(tenant.connection)
        .optional()?;
    Ok(found.map(|(id, unit, leads)| Person { id, leads_unit_id: unit.filter(|_| leads) }))
}

/// Whether an employee sits in a committee today in one of these roles. The committee itself may have ended.
pub fn has_seat(tenant: &mut Tenant<'_>, employee: Id, committee: Id, roles: &[MemberRole]) -> Result<bool> {
    let seats: i64 = memberships::table
        .filter(memberships::committee_id.eq(committee))
        .filter(memberships::employee_id.eq(employee))
        .filter(memberships::role.eq_any(roles))
        .filter(crate::exists_on!(memberships, period::today()))
        .count()
        .get_result(tenant.connection)?;
    Ok(seats > 0)
}

/// A validated report, ready to be stored.
pub struct NewReport {
    /// The action.
    pub action_id: Id,
    /// The committee or unit that reports.
    pub assignee: Assignee,
    /// What it says.
    pub body: ReportBody,
    /// The employee who reports, if known.
    pub reporter_id: Option<Id>,
    /// When.
    pub reported_at: Timestamp,
}

#[derive(Insertable)]
#[diesel(table_name = reports, treat_none_as_default_value = false)]
struct ReportRow {
    id: Id,
    municipality_id: Id,
    action_id: Id,
    committee_id: Option<Id>,
    unit_id: Option<Id>,
    occurrence: StoredPeriod,
    stage: Stage,
    judgement: Judgement,
    note: Option<LongText>,
    minutes_url: Option<WebAddress>,
    discussed_on: Option<NaiveDate>,
    reporter_id: Option<Id>,
    actor_id: Id,
    reported_at: Timestamp,
}

/// Stores reports and logs what they say. Who made them is not logged: only a few may know.
pub fn insert(writer: &mut Writer<'_>, new: Vec<NewReport>) -> Result<Vec<Id>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let (municipality_id, actor_id) = (writer.municipality_id, writer.actor_id()?);
    let mut changes = Vec::with_capacity(new.len());
    let mut rows = Vec::with_capacity(new.len());
    for NewReport { action_id, assignee, body, reporter_id, reported_at } in new {
        let id = Id::new();
        let after = logged_fields(&body, action_id, reported_at)?;
        changes.push(Change::new(EntityKind::Report, id, Operation::Created, after));
        rows.push(ReportRow {
            id,
            municipality_id,
            action_id,
            committee_id: assignee.committee_id(),
            unit_id: assignee.unit_id(),
            occurrence: StoredPeriod(body.occurrence),
            stage: body.stage,
            judgement: body.judgement,
            note: body.note,
            minutes_url: body.minutes_url,
            discussed_on: body.discussed_on,
            reporter_id,
            actor_id,
            reported_at,
        });
    }
    crate::insert_all!(writer.connection, reports::table, &rows)?;
    writer.log(changes)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The fields that the change log holds of a stored report.
pub fn logged_fields_of(report: Report) -> Result<Value> {
    let Report { action_id, occurrence, stage, judgement, note, minutes_url, discussed_on, reported_at, .. } = report;
    let (committee, unit) = (report.committee.map(Into::into), report.unit.map(Into::into));
    let body = ReportBody { committee, unit, occurrence, stage, judgement, note, minutes_url, discussed_on };
    logged_fields(&body, action_id, reported_at)
}

fn logged_fields(body: &ReportBody, action_id: Id, reported_at: Timestamp) -> Result<Value> {
    let mut fields = serde_json::to_value(body).map_err(Problem::internal)?;
    fields["action_id"] = json!(action_id);
    fields["reported_at"] = json!(reported_at);
    Ok(fields)
}

/// What a report says and who made it, without its identity: two reports with equal content say the same.
#[derive(Debug, PartialEq)]
pub struct Content(Value, Option<Id>);

/// The content of a report that was sent.
pub fn content(body: &ReportBody, reporter_id: Option<Id>) -> Content {
    let value = json!([body.stage, body.judgement, body.note, body.minutes_url, body.discussed_on]);
    Content(value, reporter_id)
}

/// The content of every stored report.
pub fn contents(tenant: &mut Tenant<'_>) -> Result<HashMap<ReportIdentity, Content>> {
    type Row = (
        (Id, StoredPeriod, Option<Id>, Option<Id>, Timestamp),
        (Stage, Judgement, Option<LongText>, Option<WebAddress>, Option<NaiveDate>),
        Option<Id>,
    );
    let rows: Vec<Row> = reports::table
        .filter(reports::municipality_id.eq(tenant.municipality_id))
        .select((
            (reports::action_id, reports::occurrence, reports::committee_id, reports::unit_id, reports::reported_at),
            (reports::stage, reports::judgement, reports::note, reports::minutes_url, reports::discussed_on),
            reports::reporter_id,
        ))
        .load(tenant.connection)?;
    let entry = |((action, StoredPeriod(period), committee, unit, at), fields, reporter): Row| {
        Some(((action, period, Assignee::from_columns(committee, unit)?, at), Content(json!(fields), reporter)))
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}

/// When the latest report of an assignment was made.
pub fn last_reported_at(
    tenant: &mut Tenant<'_>,
    action: Id,
    period: Option<Period>,
    assignee: Assignee,
) -> Result<Option<Timestamp>> {
    Ok(latest_reports::table
        .find((action, StoredPeriod(period), assignee.id()))
        .select(latest_reports::reported_at)
        .first(tenant.connection)
        .optional()?)
}

/// The fingerprint and the report that the same caller has sent with this key. Removes the municipality's expired keys.
pub fn find_idempotency_key(writer: &mut Writer<'_>, key: &str) -> Result<Option<(String, Id)>> {
    let oldest = writer.oldest_idempotency_key();
    let own = actors::table.filter(actors::municipality_id.eq(writer.municipality_id)).select(actors::id);
    let expired = idempotency_keys::table
        .filter(idempotency_keys::created_at.lt(oldest))
        .filter(idempotency_keys::actor_id.eq_any(own));
    diesel::delete(expired).execute(writer.connection)?;
    let actor = writer.actor_id()?;
    Ok(idempotency_keys::table
        .find((actor, key))
        .select((idempotency_keys::fingerprint, idempotency_keys::report_id))
        .first(writer.connection)
        .optional()?)
}

/// Stores which report the caller has sent with a key.
pub fn insert_idempotency_key(writer: &mut Writer<'_>, key: &str, fingerprint: &str, report: Id) -> Result<()> {
    let actor = writer.actor_id()?;
    diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::actor_id.eq(actor),
            idempotency_keys::key.eq(key),
            idempotency_keys::fingerprint.eq(fingerprint),
            idempotency_keys::report_id.eq(report),
            idempotency_keys::created_at.eq(writer.now()),
        ))
        .execute(writer.connection)?;
    Ok(())
}
