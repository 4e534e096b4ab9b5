//! The use cases of reports: take one from those who report, list and read them.

use sha2::{Digest, Sha256};

use super::model::{Report, ReportBody, check_fits};
use super::reporter::Reporter;
use super::store::{self, Filter, NewReport};
use crate::action::assignment::model::{ActionWithAssignees, AssigneeInfo};
use crate::action::assignment::store::{self as assignments, ActionSelector};
use crate::action::store as actions;
use crate::db::types::Id;
use crate::db::{Tenant, Writer};
use crate::period;
use crate::problem::{Kind, Problem, Result, ValidationErrors};

/// The outcome of sending a report.
pub struct CreatedReport {
    /// The stored report.
    pub report: Report,
    /// Whether it had been sent before with the same idempotency key.
    pub is_replayed: bool,
}

/// At most `limit` of an action's reports, the newest first.
pub fn list(
    tenant: &mut Tenant<'_>,
    action: Id,
    filter: Filter,
    limit: Option<i64>,
    with_reporter: bool,
) -> Result<Vec<Report>> {
    let path = actions::path(tenant, action)?.ok_or_else(|| Problem::not_found("action"))?;
    let rows = store::list(tenant, Filter { action: Some(action), ..filter }, limit, with_reporter)?;
    Ok(rows.into_iter().map(|report| Report { action: path.clone(), ..report }).collect())
}

/// One report.
pub fn read(tenant: &mut Tenant<'_>, id: Id, with_reporter: bool) -> Result<Report> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let found = store::list(tenant, filter, Some(1), with_reporter)?.pop();
    let report = found.ok_or_else(|| Problem::not_found("report"))?;
    let action = actions::path(tenant, report.action_id)?.ok_or_else(|| Problem::not_found("action"))?;
    Ok(Report { action, ..report })
}

/// Stores a report on an action. With a `key` that the same caller has sent before, nothing is stored again.
pub fn create(
    writer: &mut Writer<'_>,
    reporter: &Reporter,
    action: Id,
    mut body: ReportBody,
    key: Option<&str>,
    with_reporter: bool,
) -> Result<CreatedReport> {
    let fingerprint = fingerprint(action, &body)?;
    if let Some(key) = key
        && let Some(id) = find_replayed(writer, key, &fingerprint)?
    {
        return Ok(CreatedReport { report: read(writer, id, with_reporter)?, is_replayed: true });
    }
    let found = assignments::actions(writer, ActionSelector::Action(action))?;
    let found = found.into_iter().find(|found| found.id == action).ok_or_else(|| Problem::not_found("action"))?;
    let (today, mut errors) = (period::today(), ValidationErrors::default());
    let assignee = resolve_assignee(writer, &found, &mut body, &mut errors)?;
    // Permission comes before validation: who may not report learns nothing about the action.
    let reporter_id = match &assignee {
        Some((info, _)) => reporter.check_may_report_for(writer, info.assignee)?,
        None => None,
    };
    body.check(today, "", &mut errors);
    check_fits(&found, assignee.as_ref().map(|(info, at)| (info, *at)), body.occurrence, today, &mut errors);
    errors.into_result()?;
    let assignee = assignee.map(|(info, _)| info.assignee).ok_or_else(|| Problem::internal("nobody reports"))?;
    // The clock of another instance may be ahead of this one's: a new report always comes after the last.
    let last = store::last_reported_at(writer, action, body.occurrence, assignee)?;
    let reported_at = last.map_or(writer.now(), |last| writer.now().max(last.next()));
    let new = NewReport { action_id: action, assignee, body, reporter_id, reported_at };
    let id = store::insert(writer, vec![new])?.pop().ok_or_else(|| Problem::internal("no report was stored"))?;
    if let Some(key) = key {
        store::insert_idempotency_key(writer, key, &fingerprint, id)?;
    }
    Ok(CreatedReport { report: read(writer, id, with_reporter)?, is_replayed: false })
}

/// Finds the committee or unit that a report names, and its pointer in the body. Writes the reference into the body in
/// its plainest form.
fn resolve_assignee(
    tenant: &mut Tenant<'_>,
    action: &ActionWithAssignees,
    body: &mut ReportBody,
    errors: &mut ValidationErrors,
) -> Result<Option<(AssigneeInfo, &'static str)>> {
    if let (true, [own], None, None) = (action.is_local(), action.named.as_slice(), &body.committee, &body.unit) {
        body.committee = Some(own.key.clone().into());
    }
    let (reference, what, pointer) = match (&mut body.committee, &mut body.unit) {
        (Some(committee), None) => (committee, "committee", "/committee"),
        (None, Some(unit)) => (unit, "unit", "/unit"),
        _ => {
            errors.add("", "names exactly one of committee and unit: who reports?");
            return Ok(None);
        }
    };
    let found = match what {
        "committee" => assignments::find_committee(tenant, reference)?,
        _ => assignments::find_unit(tenant, reference)?,
    };
    let Some(info) = found else {
        errors.add(pointer, format!("names no {what} of this municipality: '{reference}'"));
        return Ok(None);
    };
    *reference = info.key.clone().into();
    Ok(Some((info, pointer)))
}

fn fingerprint(action: Id, body: &ReportBody) -> Result<String> {
    let body = serde_json::to_vec(body).map_err(Problem::internal)?;
    let digest = Sha256::new().chain_update(action.to_string()).chain_update(body).finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The report that the same caller has sent with this key. A municipality has one writer at a time: of two requests
/// that arrive together, the second finds what the first has stored.
fn find_replayed(writer: &mut Writer<'_>, key: &str, fingerprint: &str) -> Result<Option<Id>> {
    match store::find_idempotency_key(writer, key)? {
        None => Ok(None),
        Some((stored, id)) if stored == fingerprint => Ok(Some(id)),
        Some(_) => Err(Problem::new(
            Kind::IdempotencyKeyReused,
            "This Idempotency-Key came with another report not long ago; send a new key with a new report.",
        )),
    }
}
