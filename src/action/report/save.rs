//! Taking reports: one by one from those who report, and whole histories from bundles.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::model::{BundledReport, Report, ReportBody, ReportIdentity, check_fits};
use super::reporter::Reporter;
use super::store;
use crate::action::assignment::model::{Addressed, Member, Party};
use crate::action::assignment::stage::{Judgement, Stage};
use crate::action::assignment::store::{self as assignments, Which};
use crate::action::schedule::StoredPeriod;
use crate::db::change::{EntityKind, Operation};
use crate::db::change_log::Change;
use crate::db::schema::{actors, idempotency_keys, latest_reports, reports};
use crate::db::types::{Id, Reference, Timestamp};
use crate::db::{Tenant, Writer};
use crate::period::{self, Period};
use crate::problem::{Kind, Problem, Result, ValidationErrors};
use crate::register::Directory;
use crate::resource::Counts;
use crate::text::LongText;
use crate::web_address::WebAddress;

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

/// A report that was checked, and by whom it is.
struct Checked {
    action_id: Id,
    party: Party,
    body: ReportBody,
    reporter_id: Option<Id>,
    reported_at: Timestamp,
}

/// Stores reports and logs them: what they say, not who made them, which is for the few who may know.
fn insert(writer: &mut Writer<'_>, checked: Vec<Checked>) -> Result<Vec<Id>> {
    if checked.is_empty() {
        return Ok(Vec::new());
    }
    let (municipality_id, actor_id) = (writer.municipality_id, writer.actor_id()?);
    let mut changes = Vec::with_capacity(checked.len());
    let mut rows = Vec::with_capacity(checked.len());
    for Checked { action_id, party, body, reporter_id, reported_at } in checked {
        let id = Id::new();
        let after = logged(&body, action_id, reported_at)?;
        changes.push(Change::new(EntityKind::Report, id, Operation::Created, after));
        rows.push(ReportRow {
            id,
            municipality_id,
            action_id,
            committee_id: party.committee_id(),
            unit_id: party.unit_id(),
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

/// What the change log has of a report that is kept.
pub fn logged_again(report: Report) -> Result<Value> {
    let Report { action_id, occurrence, stage, judgement, note, minutes_url, discussed_on, reported_at, .. } = report;
    let (committee, unit) = (report.committee.map(Into::into), report.unit.map(Into::into));
    logged(
        &ReportBody { committee, unit, occurrence, stage, judgement, note, minutes_url, discussed_on },
        action_id,
        reported_at,
    )
}

fn logged(body: &ReportBody, action_id: Id, reported_at: Timestamp) -> Result<Value> {
    let mut fields = serde_json::to_value(body).map_err(Problem::internal)?;
    fields["action_id"] = json!(action_id);
    fields["reported_at"] = json!(reported_at);
    Ok(fields)
}

/// What became of a report that was sent.
pub struct Filed {
    /// The report, as it is kept.
    pub report: Report,
    /// Whether it had been sent before.
    pub is_replayed: bool,
}

/// POST: takes a report on an action. With a `key` that the same caller has sent before, nothing is stored again.
pub fn file(
    writer: &mut Writer<'_>,
    reporter: &Reporter,
    action: Id,
    mut body: ReportBody,
    key: Option<&str>,
    with_reporter: bool,
) -> Result<Filed> {
    let fingerprint = fingerprint(action, &body)?;
    if let Some(key) = key
        && let Some(id) = replayed(writer, key, &fingerprint)?
    {
        return Ok(Filed { report: store::one(writer, id, with_reporter)?, is_replayed: true });
    }
    let found = assignments::actions(writer, Which::Action(action))?;
    let found = found.into_iter().find(|found| found.id == action).ok_or_else(|| Problem::not_found("action"))?;
    let (today, mut errors) = (period::today(), ValidationErrors::default());
    let member = member(writer, &found, &mut body, &mut errors)?;
    // Whoever may not report at all is told so first.
    let reporter_id = match &member {
        Some((member, _)) => reporter.check_may_report_for(writer, member.party)?,
        None => None,
    };
    body.check(today, "", &mut errors);
    check_fits(&found, member.as_ref().map(|(member, at)| (member, *at)), body.occurrence, today, &mut errors);
    errors.into_result()?;
    let party = member.map(|(member, _)| member.party).ok_or_else(|| Problem::internal("nobody reports"))?;
    let reported_at = moment(writer, action, body.occurrence, party)?;
    let checked = Checked { action_id: action, party, body, reporter_id, reported_at };
    let id = insert(writer, vec![checked])?.pop().ok_or_else(|| Problem::internal("no report was stored"))?;
    if let Some(key) = key {
        remember(writer, key, &fingerprint, id)?;
    }
    Ok(Filed { report: store::one(writer, id, with_reporter)?, is_replayed: false })
}

/// Now; or, where the clock of another instance goes ahead of this one's, just after what was last reported.
fn moment(writer: &mut Writer<'_>, action: Id, period: Option<Period>, party: Party) -> Result<Timestamp> {
    let last: Option<Timestamp> = latest_reports::table
        .find((action, StoredPeriod(period), party.id()))
        .select(latest_reports::reported_at)
        .first(writer.connection)
        .optional()?;
    Ok(last.map_or(writer.now(), |last| writer.now().max(last.next())))
}

/// The committee or unit that a report names, and where it stands in the body.
fn member(
    tenant: &mut Tenant<'_>,
    action: &Addressed,
    body: &mut ReportBody,
    errors: &mut ValidationErrors,
) -> Result<Option<(Member, &'static str)>> {
    if let (true, [own], None, None) = (action.is_local(), action.named.as_slice(), &body.committee, &body.unit) {
        body.committee = Some(own.key.clone().into());
    }
    let (reference, pointer) = match (&body.committee, &body.unit) {
        (Some(committee), None) => (committee.clone(), "/committee"),
        (None, Some(unit)) => (unit.clone(), "/unit"),
        _ => {
            errors.add("", "names exactly one of committee and unit: who reports?");
            return Ok(None);
        }
    };
    let found = match pointer {
        "/committee" => assignments::find_committee(tenant, &reference)?,
        _ => assignments::find_unit(tenant, &reference)?,
    };
    let Some(member) = found else {
        let what = pointer.trim_start_matches('/');
        errors.add(pointer, format!("names no {what} of this municipality: '{reference}'"));
        return Ok(None);
    };
    // Kept as the plainest reference, whichever way it was written.
    match pointer {
        "/committee" => body.committee = Some(member.key.clone().into()),
        _ => body.unit = Some(member.key.clone().into()),
    }
    Ok(Some((member, pointer)))
}

fn fingerprint(action: Id, body: &ReportBody) -> Result<String> {
    let body = serde_json::to_vec(body).map_err(Problem::internal)?;
    let digest = Sha256::new().chain_update(action.to_string()).chain_update(body).finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The report that the same caller has sent with this key. Writers of a municipality come one after the other, so that
/// of two that come at once the second finds what the first has left.
fn replayed(writer: &mut Writer<'_>, key: &str, fingerprint: &str) -> Result<Option<Id>> {
    let too_old = writer.oldest_idempotency_key();
    let own = actors::table.filter(actors::municipality_id.eq(writer.municipality_id)).select(actors::id);
    let forgotten = idempotency_keys::table
        .filter(idempotency_keys::created_at.lt(too_old))
        .filter(idempotency_keys::actor_id.eq_any(own));
    diesel::delete(forgotten).execute(writer.connection)?;
    let actor = writer.actor_id()?;
    let known: Option<(String, Id)> = idempotency_keys::table
        .find((actor, key))
        .select((idempotency_keys::fingerprint, idempotency_keys::report_id))
        .first(writer.connection)
        .optional()?;
    match known {
        None => Ok(None),
        Some((known, id)) if known == fingerprint => Ok(Some(id)),
        Some(_) => Err(Problem::new(
            Kind::IdempotencyKeyReused,
            "This Idempotency-Key came with another report not long ago; send a new key with a new report.",
        )),
    }
}

fn remember(writer: &mut Writer<'_>, key: &str, fingerprint: &str, report: Id) -> Result<()> {
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

/// A history that was checked, and waits to be stored.
pub struct CheckedHistory {
    new: Vec<Checked>,
    unchanged: usize,
}

impl CheckedHistory {
    /// How many reports are new.
    pub fn created(&self) -> usize {
        self.new.len()
    }
}

/// Compares a bundle's reports with those stored. They are history: what was right to report then may be no more, so that
/// only what they name is checked, and that they don't say something else than is kept.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    directory: &Directory,
    actions: &HashMap<Reference, Id>,
    reports: Vec<BundledReport>,
    errors: &mut ValidationErrors,
) -> Result<CheckedHistory> {
    let known = if reports.is_empty() { HashMap::new() } else { known(tenant)? };
    let (now, mut seen) = (Timestamp::now(), HashSet::new());
    let mut history = CheckedHistory { new: Vec::new(), unchanged: 0 };
    for (n, report) in reports.into_iter().enumerate() {
        let pointer = format!("/reports/{n}");
        let BundledReport { action, report: mut body, mut reported_by, reported_at } = report;
        if reported_at > now {
            errors.add(format!("{pointer}/reported_at"), "lies ahead: write when it was reported");
        }
        body.check(reported_at.day(), &pointer, errors);
        let action_id = actions.get(&action).copied();
        if action_id.is_none() {
            let detail = format!("names no action of this municipality: '{action}'; write strategy/area/action");
            errors.add(format!("{pointer}/action"), detail);
        }
        let party = party(directory, &mut body, &pointer, errors);
        let at = format!("{pointer}/reported_by");
        let reporter_id = directory.employees.resolve_optional("employee", &mut reported_by, &at, errors);
        let is_nobody_s = reported_by.is_some() && reporter_id.is_none();
        let (Some(action_id), Some(party), false) = (action_id, party, is_nobody_s) else { continue };
        let identity: ReportIdentity = (action_id, body.occurrence, party, reported_at);
        if !seen.insert(identity) {
            errors.add(pointer.clone(), "stands here twice: the same action, party, occurrence and moment");
        }
        match known.get(&identity) {
            None => history.new.push(Checked { action_id, party, body, reporter_id, reported_at }),
            Some((said, made_by)) if *said == said_by(&body) && *made_by == reporter_id => history.unchanged += 1,
            Some(_) => {
                errors.add(pointer, "says something else than the report that is kept: a correction is a new report");
            }
        }
    }
    Ok(history)
}

fn party(directory: &Directory, body: &mut ReportBody, pointer: &str, errors: &mut ValidationErrors) -> Option<Party> {
    match (&mut body.committee, &mut body.unit) {
        (Some(committee), None) => directory
            .committees
            .resolve("committee", committee, &format!("{pointer}/committee"), errors)
            .map(Party::Committee),
        (None, Some(unit)) => {
            directory.units.resolve("unit", unit, &format!("{pointer}/unit"), errors).map(Party::Unit)
        }
        _ => {
            errors.add(pointer, "names exactly one of committee and unit: who reported?");
            None
        }
    }
}

/// What a report says, beside whose it is.
fn said_by(body: &ReportBody) -> Value {
    json!([body.stage, body.judgement, body.note, body.minutes_url, body.discussed_on])
}

fn known(tenant: &mut Tenant<'_>) -> Result<HashMap<ReportIdentity, (Value, Option<Id>)>> {
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
    let identified = |(whose, said, reporter): Row| {
        let (action, StoredPeriod(period), committee, unit, at) = whose;
        let (stage, judgement, note, minutes_url, discussed_on) = said;
        let party = Party::of(committee, unit)?;
        Some(((action, period, party, at), (json!([stage, judgement, note, minutes_url, discussed_on]), reporter)))
    };
    Ok(rows.into_iter().filter_map(identified).collect())
}

/// Stores what is new of a history.
pub fn apply(writer: &mut Writer<'_>, history: CheckedHistory) -> Result<Counts> {
    let counts = Counts { created: history.created(), unchanged: history.unchanged, ..Counts::default() };
    insert(writer, history.new)?;
    Ok(counts)
}
