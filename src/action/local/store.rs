//! Queries and writes for local actions.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::action::model::{Action, ActionBody};
use crate::action::report::reporter::Reporter;
use crate::action::store::{self, Filter, Links, Owner, Placed, Planned};
use crate::committee::store as committees_store;
use crate::db::schema::{actions, committees};
use crate::db::types::{Id, Key, Reference, Timestamp};
use crate::db::{Tenant, Writer, connection};
use crate::period;
use crate::problem::{Problem, Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::resource::{self, Draft, Entity, Precondition, UpsertOutcome};

/// A local action that was compared and checked, and waits to be written.
pub struct Checked {
    /// What storing it comes to.
    pub outcome: UpsertOutcome<ActionBody>,
    committee_id: Id,
    parent_id: Id,
}

/// The local actions of a municipality, in the order in which they were created.
pub fn all(tenant: &mut Tenant<'_>) -> Result<Vec<Action>> {
    let theirs = actions::table
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .filter(actions::committee_id.is_not_null())
        .order(actions::id)
        .select(actions::id);
    let ids: Vec<Id> = theirs.load(tenant.connection)?;
    let mut found = Vec::new();
    for batch in ids.chunks(connection::batch()) {
        let filter = Filter { ids: Some(batch.to_vec()), ..Filter::default() };
        found.extend(store::list(tenant, filter, Some(i64::MAX))?.into_iter().map(|found| found.action));
    }
    found.sort_by_key(Entity::id);
    Ok(found)
}

/// Compares wanted local actions with those stored, and checks them; faults go to `faults`. `planned` are the actions
/// that may have inspired them.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    committees: &ReferenceIndex,
    planned: &Planned,
    drafts: Vec<Draft<ActionBody>>,
    errors: &mut ValidationErrors,
) -> Result<Vec<Checked>> {
    let mut resolved = Vec::new();
    for Draft { pointer, mut body } in drafts {
        let at = format!("{pointer}/committee");
        let committee_id = match body.committee.is_some() {
            true => committees.resolve_optional("committee", &mut body.committee, &at, errors),
            false => {
                errors.add(at, "is missing: name the committee that started it");
                None
            }
        };
        let parent = parent(&mut body, planned, &pointer, errors);
        body.check_local(parent.and_then(|(_, starts_on)| starts_on), &pointer, errors);
        if let (Some(committee_id), Some((parent_id, _))) = (committee_id, parent) {
            let path = committees.key(committee_id).map(|committee| format!("{committee}/{}", body.key));
            resolved.push((pointer, body, path.unwrap_or_default(), (committee_id, parent_id)));
        }
    }
    let paths = resolved.iter().map(|(pointer, _, path, _)| (pointer.clone(), path));
    resource::check_duplicate_keys(paths, errors);
    let mut stored = stored(tenant, &resolved.iter().map(|(.., (committee, _))| *committee).collect::<Vec<_>>())?;
    let now = Timestamp::now();
    let checked = resolved.into_iter().map(|(_, body, path, (committee_id, parent_id))| {
        let existing = stored.remove(&(committee_id, body.key.clone()));
        let mut outcome = UpsertOutcome::compare(existing, Id::new(), body, now);
        if let UpsertOutcome::Created(created) = &mut outcome {
            created.identity.path = Some(path);
        }
        Checked { outcome, committee_id, parent_id }
    });
    Ok(checked.collect())
}

fn parent(
    body: &mut ActionBody,
    planned: &Planned,
    pointer: &str,
    errors: &mut ValidationErrors,
) -> Option<(Id, Option<NaiveDate>)> {
    let at = format!("{pointer}/parent");
    let Some(reference) = &mut body.parent else {
        errors.add(at, "is missing: name the plan's action that inspired it, as strategy/area/action or by its UUID");
        return None;
    };
    let found = planned.find(reference);
    match found.and_then(|(id, _)| planned.path(id)) {
        Some(path) => *reference = path.clone(),
        None => errors.add(at, format!("names no action of a plan of this municipality: '{reference}'")),
    }
    found
}

fn stored(tenant: &mut Tenant<'_>, committee_ids: &[Id]) -> Result<HashMap<(Id, Key), Action>> {
    let mut ids: Vec<(Id, Id)> = Vec::new();
    for batch in committee_ids.chunks(connection::batch()) {
        let theirs = actions::committee_id.eq_any(batch.iter().copied().map(Some));
        let query = actions::table.filter(theirs).select((actions::id, actions::committee_id.assume_not_null()));
        ids.extend(query.load::<(Id, Id)>(tenant.connection)?);
    }
    let owners: HashMap<Id, Id> = ids.into_iter().collect();
    let ids: Vec<Id> = owners.keys().copied().collect();
    let mut stored = HashMap::new();
    for batch in ids.chunks(connection::batch()) {
        let filter = Filter { ids: Some(batch.to_vec()), ..Filter::default() };
        for found in store::list(tenant, filter, Some(i64::MAX))? {
            let action = found.action;
            if let Some(owner) = owners.get(&action.id()) {
                stored.insert((*owner, action.body.key.clone()), action);
            }
        }
    }
    Ok(stored)
}

/// Writes what differs from what is stored, and logs it.
pub fn apply(writer: &mut Writer<'_>, mut checked: Vec<Checked>) -> Result<Vec<UpsertOutcome<ActionBody>>> {
    let now = writer.now();
    checked.iter_mut().for_each(|row| row.outcome.stamp(now));
    let changed = checked.iter().filter(|row| !row.outcome.is_unchanged());
    let (new, updated): (Vec<_>, Vec<_>) = changed.partition(|row| row.outcome.is_created());
    store::insert(writer, &placed(&new))?;
    store::update(writer, &placed(&updated))?;
    writer.log(checked.iter().filter_map(|row| row.outcome.change()))?;
    Ok(checked.into_iter().map(|row| row.outcome).collect())
}

fn placed<'a>(rows: &[&'a Checked]) -> Vec<Placed<'a>> {
    let place = |row: &Checked| Owner::Committee { id: row.committee_id, parent_id: row.parent_id };
    let placed = |row: &&'a Checked| Placed {
        place: place(row),
        position: 0,
        action: row.outcome.entity(),
        links: Links::default(),
    };
    rows.iter().map(placed).collect()
}

/// The committee that an action belongs to; none where it stands in a plan.
pub fn owner(tenant: &mut Tenant<'_>, id: Id) -> Result<Option<Id>> {
    let found = actions::table
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .filter(actions::id.eq(id))
        .select(actions::committee_id);
    found.first::<Option<Id>>(tenant.connection).optional()?.ok_or_else(|| Problem::not_found("action"))
}

/// How many local actions a committee can have: more than any does by itself.
const MOST: usize = 200;

/// POST: a committee starts an action of its own.
pub fn create(
    writer: &mut Writer<'_>,
    reporter: &Reporter,
    committee: &Reference,
    mut body: ActionBody,
) -> Result<Action> {
    let committees = committees_store::names(writer)?;
    let id = match committee {
        Reference::Id(id) => committees.key(*id).map(|_| *id),
        path => path.key().and_then(|key| committees.id(key.as_str())),
    };
    let id = id.ok_or_else(|| Problem::not_found("committee"))?;
    reporter.check_may_act_for(writer, id)?;
    check_goes_on(writer, id)?;
    let mut errors = ValidationErrors::default();
    let named = committees.resolve_optional("committee", &mut body.committee, "/committee", &mut errors);
    errors.into_result()?;
    if named.is_some_and(|named| named != id) {
        return Err(Problem::invalid("/committee", "differs from the committee in the address: leave it out"));
    }
    body.committee = committees.key(id).cloned().map(Reference::from);
    let known = stored(writer, &[id])?;
    if known.contains_key(&(id, body.key.clone())) {
        return Err(resource::key_taken("action of the committee", body.key.as_str()));
    }
    if known.len() >= MOST {
        let detail = format!("the committee has {MOST} local actions already, and can't have more");
        return Err(Problem::invalid("", detail));
    }
    save(writer, &committees, body)
}

/// A committee that has ended starts nothing, and leaves what it started as it is; editors may still put that right.
fn check_goes_on(tenant: &mut Tenant<'_>, committee: Id) -> Result<()> {
    let last: Option<NaiveDate> =
        committees::table.find(committee).select(committees::ends_on).first(tenant.connection)?;
    match last.filter(|last| *last < period::today()) {
        Some(last) => {
            Err(Problem::invalid("", format!("the committee ended on {last}, and its local actions stay as they are")))
        }
        None => Ok(()),
    }
}

fn save(writer: &mut Writer<'_>, committees: &ReferenceIndex, body: ActionBody) -> Result<Action> {
    let mut errors = ValidationErrors::default();
    let planned = store::planned(writer, None)?;
    let checked = prepare(writer, committees, &planned, vec![Draft::whole(body)], &mut errors)?;
    errors.into_result()?;
    let outcome = apply(writer, checked)?.pop().ok_or_else(|| Problem::internal("nothing was saved"))?;
    Ok(outcome.into_entity())
}

fn existing(tenant: &mut Tenant<'_>, id: Id) -> Result<Action> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    let found = store::list(tenant, filter, Some(1))?.pop().ok_or_else(|| Problem::not_found("action"))?;
    Ok(found.action)
}

/// PATCH: what `change` makes of a committee's own action.
pub fn change(
    writer: &mut Writer<'_>,
    reporter: &Reporter,
    (id, owner): (Id, Id),
    precondition: &Precondition,
    change: impl FnOnce(&ActionBody) -> Result<ActionBody>,
) -> Result<Action> {
    reporter.check_may_act_for(writer, owner)?;
    if !reporter.is_editor() {
        check_goes_on(writer, owner)?;
    }
    let stored = existing(writer, id)?;
    precondition.check_existing(stored.revision.version, id)?;
    let wanted = change(&stored.body)?;
    resource::check_key_kept(&stored.body, &wanted)?;
    if wanted.committee != stored.body.committee {
        return Err(Problem::invalid("/committee", "a local action stays with its committee: leave it out"));
    }
    let committees = committees_store::names(writer)?;
    save(writer, &committees, wanted)
}

/// DELETE: removes a committee's own action of which nothing was reported.
pub fn delete(
    writer: &mut Writer<'_>,
    reporter: &Reporter,
    (id, owner): (Id, Id),
    precondition: &Precondition,
) -> Result<()> {
    reporter.check_may_act_for(writer, owner)?;
    if !reporter.is_editor() {
        check_goes_on(writer, owner)?;
    }
    let stored = existing(writer, id)?;
    precondition.check_existing(stored.revision.version, id)?;
    resource::check_unused("action", store::dependents(writer, &[&stored])?)?;
    store::delete(writer, &[id])?;
    writer.log([resource::deletion(&stored)])
}
