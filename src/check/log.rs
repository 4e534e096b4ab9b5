//! Compares the change log with the rows: each row was created by a change, no deleted row exists, and the latest
//! change holds the fields that the row has.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::Value;

use super::Findings;
use crate::action::local::store as local;
use crate::action::report::store as reports;
use crate::committee::membership::Memberships;
use crate::committee::membership::model::MembershipBody;
use crate::committee::{Committees, level};
use crate::cpr;
use crate::db::change::{EntityKind, Operation};
use crate::db::integrity::MOST;
use crate::db::schema::changes;
use crate::db::types::{Id, Json};
use crate::db::{Tenant, connection};
use crate::indicator::store::{self as indicators, Filter};
use crate::municipality::store as municipality;
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::organisation::employee::model::EmployeeBody;
use crate::problem::Result;
use crate::register::{Register as _, Selection};
use crate::resource::{Body, Entity, fields};
use crate::strategy::store as strategies;

/// The fields about people that must not hold a CPR number, by kind of row.
const ABOUT_PEOPLE: [(EntityKind, &[&str]); 3] = [
    (EmployeeBody::ENTITY, &["key", "name", "email", "title"]),
    (MembershipBody::ENTITY, &["key"]),
    (EntityKind::Report, &["note", "minutes_url"]),
];

/// What the log says about a row.
#[derive(Debug, Default)]
struct Logged {
    is_created: bool,
    is_deleted: bool,
    /// The change that holds its latest fields.
    latest: Option<i64>,
}

/// By kind and id of the row.
type Log = HashMap<(String, Id), Logged>;

pub(super) fn check(tenant: &mut Tenant<'_>, findings: &Findings) -> Result<()> {
    let mut log = read(tenant, findings)?;
    let head = municipality::read(tenant)?;
    compare(tenant, &mut log, &[head], findings)?;
    let levels = level::store::list(tenant, None, None)?;
    compare(tenant, &mut log, &levels, findings)?;
    let units = Units::select(tenant, Selection::All)?;
    compare(tenant, &mut log, &units, findings)?;
    let employees = Employees::select(tenant, Selection::All)?;
    compare(tenant, &mut log, &employees, findings)?;
    let committees = Committees::select(tenant, Selection::All)?;
    compare(tenant, &mut log, &committees, findings)?;
    let memberships = Memberships::select(tenant, Selection::All)?;
    compare(tenant, &mut log, &memberships, findings)?;
    for tree in strategies::trees(tenant, strategies::Filter::default())? {
        compare(tenant, &mut log, &[tree.strategy.own], findings)?;
        for area in tree.strategy.focus_areas {
            compare(tenant, &mut log, &[area.own], findings)?;
            compare(tenant, &mut log, &area.objectives, findings)?;
            compare(tenant, &mut log, &area.actions, findings)?;
        }
    }
    let local = local::all(tenant)?;
    compare(tenant, &mut log, &local, findings)?;
    let indicators = indicators::list(tenant, Filter::default(), None)?;
    compare(tenant, &mut log, &indicators, findings)?;
    for batch in reports::all(tenant)?.chunks(connection::batch()) {
        let rows =
            batch.iter().map(|kept| Ok((kept.id, kept.id.to_string(), reports::logged_fields_of(kept.clone())?)));
        compare_rows(tenant, &mut log, EntityKind::Report, &rows.collect::<Result<Vec<_>>>()?, findings)?;
    }
    let gone =
        log.iter().filter(|((entity, _), logged)| entity != EntityKind::IndicatorValues.as_str() && !logged.is_deleted);
    let mut gone: Vec<String> = gone.map(|((entity, id), _)| format!("{entity} '{id}'")).collect();
    gone.sort();
    for row in gone.into_iter().take(MOST) {
        findings.add(format!("{row} is gone, and no change says that it was deleted"));
    }
    Ok(())
}

/// Reads the log from its first row to its last, some thousands at a time.
fn read(tenant: &mut Tenant<'_>, findings: &Findings) -> Result<Log> {
    const BATCH: i64 = 5_000;
    type Row = (i64, String, Id, Operation, Option<String>, Option<String>);
    let (mut log, mut last) = (Log::new(), 0);
    loop {
        let rows: Vec<Row> = changes::table
            .filter(changes::municipality_id.eq(tenant.municipality_id))
            .filter(changes::sequence.gt(last))
            .order(changes::sequence)
            .limit(BATCH)
            .select((
                changes::sequence,
                changes::entity,
                changes::entity_id,
                changes::operation,
                changes::before,
                changes::after,
            ))
            .load(tenant.connection)?;
        let Some((newest, ..)) = rows.last() else { return Ok(log) };
        last = *newest;
        for (sequence, entity, id, operation, before, after) in rows {
            check_people(sequence, &entity, [&before, &after], findings);
            let logged = log.entry((entity, id)).or_default();
            logged.is_created |= operation == Operation::Created;
            logged.is_deleted = operation == Operation::Deleted;
            if after.is_some() {
                logged.latest = Some(sequence);
            }
        }
    }
}

fn check_people(sequence: i64, entity: &str, said: [&Option<String>; 2], findings: &Findings) {
    let about = ABOUT_PEOPLE.iter().find(|(kind, _)| kind.as_str() == entity);
    for text in said.into_iter().flatten() {
        let Ok(said) = serde_json::from_str::<Value>(text) else {
            findings.add(format!("change {sequence} holds what is no JSON"));
            continue;
        };
        let texts = about.iter().flat_map(|(_, names)| names.iter());
        for name in texts.filter(|name| said.get(**name).and_then(Value::as_str).is_some_and(cpr::is_in)) {
            findings.add(format!("change {sequence}, of {entity}: {name} looks like a CPR number"));
        }
    }
}

fn compare<B: Body>(tenant: &mut Tenant<'_>, log: &mut Log, rows: &[Entity<B>], findings: &Findings) -> Result<()> {
    for batch in rows.chunks(connection::batch()) {
        let rows: Vec<_> = batch.iter().map(|row| (row.id(), row.body.key().to_string(), fields(row))).collect();
        compare_rows(tenant, log, B::ENTITY, &rows, findings)?;
    }
    Ok(())
}

/// Compares rows (id, name, fields), a batch of them, with the fields that the log has of each.
fn compare_rows(
    tenant: &mut Tenant<'_>,
    log: &mut Log,
    entity: EntityKind,
    rows: &[(Id, String, Value)],
    findings: &Findings,
) -> Result<()> {
    let mut expected: HashMap<i64, &(Id, String, Value)> = HashMap::new();
    for row in rows {
        let (id, name, _) = row;
        match log.remove(&(entity.to_string(), *id)) {
            None => findings.add(format!("{entity} '{name}' is in no change")),
            Some(logged) if logged.is_deleted => {
                findings.add(format!("{entity} '{name}' is there, and the log says that it was deleted"));
            }
            Some(logged) => {
                if !logged.is_created {
                    findings.add(format!("{entity} '{name}': no change says that it was created"));
                }
                expected.extend(logged.latest.map(|sequence| (sequence, row)));
            }
        }
    }
    let sequences: Vec<i64> = expected.keys().copied().collect();
    let said: Vec<(i64, Option<Json<Value>>)> = changes::table
        .filter(changes::sequence.eq_any(sequences))
        .order(changes::sequence)
        .select((changes::sequence, changes::after))
        .load(tenant.connection)?;
    for (sequence, said) in said {
        let (Some((_, name, fields)), Some(Json(said))) = (expected.get(&sequence), said) else { continue };
        let differing = differing(&said, fields);
        if !differing.is_empty() {
            findings
                .add(format!("{entity} '{name}': {} differs from what change {sequence} left", differing.join(", ")));
        }
    }
    Ok(())
}

/// The fields in which log and row differ. Fields that the log doesn't have were added to the service later.
fn differing<'s>(said: &'s Value, row: &Value) -> Vec<&'s str> {
    let said = said.as_object().into_iter().flatten();
    said.filter(|(name, value)| row.get(name.as_str()).is_some_and(|now| now != *value))
        .map(|(name, _)| name.as_str())
        .collect()
}
