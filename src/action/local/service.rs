//! The use cases of local actions: start, change and delete one, and take those of bundles.

use chrono::NaiveDate;

use super::store::{last_day_of_committee, of_committees};
use crate::action::model::{Action, ActionBody};
use crate::action::report::reporter::Reporter;
use crate::action::store::{self, ActionIndex, Filter, Links, Owner, Placed};
use crate::committee::{Committees, store as committees_store};
use crate::db::types::{Id, Key, Reference, Timestamp};
use crate::db::{Tenant, Writer};
use crate::period;
use crate::problem::{Problem, Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::resource::{self, Draft, Precondition, UpsertOutcome};

/// At most `limit` local actions of a committee after a place, in the order of their keys.
pub fn list_of_committee(
    tenant: &mut Tenant<'_>,
    committee: &Reference,
    after: Option<(Key, Id)>,
    limit: Option<i64>,
) -> Result<Vec<Action>> {
    let local_to = Some(resource::read::<Committees>(tenant, committee)?.id());
    list(tenant, Filter { local_to, after, ..Filter::default() }, limit)
}

/// At most `limit` local actions that an action inspired, after a place, in the order of their keys.
pub fn list_of_action(
    tenant: &mut Tenant<'_>,
    id: Id,
    after: Option<(Key, Id)>,
    limit: Option<i64>,
) -> Result<Vec<Action>> {
    store::path(tenant, id)?.ok_or_else(|| Problem::not_found("action"))?;
    list(tenant, Filter { parent: Some(id), after, ..Filter::default() }, limit)
}

fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>) -> Result<Vec<Action>> {
    Ok(store::list(tenant, filter, limit)?.into_iter().map(|found| found.action).collect())
}

/// A validated local action, compared with what is stored.
pub struct PreparedAction {
    /// What storing it changes.
    pub outcome: UpsertOutcome<ActionBody>,
    committee_id: Id,
    parent_id: Id,
}

/// Validates local actions and compares them with those stored. `plan_actions` are the actions that may have inspired
/// them.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    committees: &ReferenceIndex,
    plan_actions: &ActionIndex,
    drafts: Vec<Draft<ActionBody>>,
    errors: &mut ValidationErrors,
) -> Result<Vec<PreparedAction>> {
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
        let parent = resolve_parent(&mut body, plan_actions, &pointer, errors);
        body.check_local(parent.and_then(|(_, starts_on)| starts_on), &pointer, errors);
        if let (Some(committee_id), Some((parent_id, _))) = (committee_id, parent) {
            let path = committees.key(committee_id).map(|committee| format!("{committee}/{}", body.key));
            resolved.push((pointer, body, path.unwrap_or_default(), (committee_id, parent_id)));
        }
    }
    let paths = resolved.iter().map(|(pointer, _, path, _)| (pointer.clone(), path));
    resource::check_duplicate_keys(paths, errors);
    let committee_ids: Vec<Id> = resolved.iter().map(|(.., (committee, _))| *committee).collect();
    let mut stored = of_committees(tenant, &committee_ids)?;
    let now = Timestamp::now();
    let checked = resolved.into_iter().map(|(_, body, path, (committee_id, parent_id))| {
        let existing = stored.remove(&(committee_id, body.key.clone()));
        let mut outcome = UpsertOutcome::compare(existing, Id::new(), body, now);
        if let UpsertOutcome::Created(created) = &mut outcome {
            created.identity.path = Some(path);
        }
        PreparedAction { outcome, committee_id, parent_id }
    });
    Ok(checked.collect())
}

fn resolve_parent(
    body: &mut ActionBody,
    plan_actions: &ActionIndex,
    pointer: &str,
    errors: &mut ValidationErrors,
) -> Option<(Id, Option<NaiveDate>)> {
    let at = format!("{pointer}/parent");
    let Some(reference) = &mut body.parent else {
        errors.add(at, "is missing: name the plan's action that inspired it, as strategy/area/action or by its UUID");
        return None;
    };
    let found = plan_actions.find(reference);
    match found.and_then(|(id, _)| plan_actions.path(id)) {
        Some(path) => *reference = path.clone(),
        None => errors.add(at, format!("names no action of a plan of this municipality: '{reference}'")),
    }
    found
}

/// Writes what differs from what is stored, and logs it.
pub fn apply(writer: &mut Writer<'_>, mut checked: Vec<PreparedAction>) -> Result<Vec<UpsertOutcome<ActionBody>>> {
    let now = writer.now();
    checked.iter_mut().for_each(|row| row.outcome.stamp(now));
    let changed = checked.iter().filter(|row| !row.outcome.is_unchanged());
    let (new, updated): (Vec<_>, Vec<_>) = changed.partition(|row| row.outcome.is_created());
    store::insert(writer, &placed(&new))?;
    store::update(writer, &placed(&updated))?;
    writer.log(checked.iter().filter_map(|row| row.outcome.change()))?;
    Ok(checked.into_iter().map(|row| row.outcome).collect())
}

fn placed<'a>(rows: &[&'a PreparedAction]) -> Vec<Placed<'a>> {
    let placed = |row: &&'a PreparedAction| Placed {
        place: Owner::Committee { id: row.committee_id, parent_id: row.parent_id },
        position: 0,
        action: row.outcome.entity(),
        links: Links::default(),
    };
    rows.iter().map(placed).collect()
}

/// The most local actions of a committee.
const MAX_LOCAL_ACTIONS: usize = 200;

/// POST: starts a committee's own action.
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
    let stored = of_committees(writer, &[id])?;
    if stored.contains_key(&(id, body.key.clone())) {
        return Err(resource::key_taken("action of the committee", body.key.as_str()));
    }
    if stored.len() >= MAX_LOCAL_ACTIONS {
        let detail = format!("the committee has {MAX_LOCAL_ACTIONS} local actions already, and can't have more");
        return Err(Problem::invalid("", detail));
    }
    save(writer, &committees, body)
}

/// Fails for a committee that has ended: it starts nothing, and what it started stays as it is.
fn check_goes_on(tenant: &mut Tenant<'_>, committee: Id) -> Result<()> {
    match last_day_of_committee(tenant, committee)?.filter(|last| *last < period::today()) {
        Some(last) => {
            Err(Problem::invalid("", format!("the committee ended on {last}, and its local actions stay as they are")))
        }
        None => Ok(()),
    }
}

fn save(writer: &mut Writer<'_>, committees: &ReferenceIndex, body: ActionBody) -> Result<Action> {
    let mut errors = ValidationErrors::default();
    let plan_actions = store::plan_actions(writer, None)?;
    let checked = prepare(writer, committees, &plan_actions, vec![Draft::whole(body)], &mut errors)?;
    errors.into_result()?;
    let outcome = apply(writer, checked)?.pop().ok_or_else(|| Problem::internal("nothing was saved"))?;
    Ok(outcome.into_entity())
}

/// The stored action, if the caller may change it and the precondition holds. Editors may correct the actions of a
/// committee that has ended.
fn load_for_change(
    writer: &mut Writer<'_>,
    reporter: &Reporter,
    (id, owner): (Id, Id),
    precondition: &Precondition,
) -> Result<Action> {
    reporter.check_may_act_for(writer, owner)?;
    if !reporter.is_editor() {
        check_goes_on(writer, owner)?;
    }
    let stored = store::find(writer, id)?.ok_or_else(|| Problem::not_found("action"))?;
    precondition.check_existing(stored.revision.version, id)?;
    Ok(stored)
}

/// PATCH: changes a committee's own action.
pub fn change(
    writer: &mut Writer<'_>,
    reporter: &Reporter,
    (id, owner): (Id, Id),
    precondition: &Precondition,
    change: impl FnOnce(&ActionBody) -> Result<ActionBody>,
) -> Result<Action> {
    let stored = load_for_change(writer, reporter, (id, owner), precondition)?;
    let changed = change(&stored.body)?;
    resource::check_key_kept(&stored.body, &changed)?;
    if changed.committee != stored.body.committee {
        return Err(Problem::invalid("/committee", "a local action stays with its committee: leave it out"));
    }
    let committees = committees_store::names(writer)?;
    save(writer, &committees, changed)
}

/// DELETE: removes a committee's own action that has no reports.
pub fn delete(
    writer: &mut Writer<'_>,
    reporter: &Reporter,
    (id, owner): (Id, Id),
    precondition: &Precondition,
) -> Result<()> {
    let stored = load_for_change(writer, reporter, (id, owner), precondition)?;
    resource::check_unused("action", store::dependents(writer, &[&stored])?)?;
    store::delete(writer, &[id])?;
    writer.log([resource::deletion(&stored)])
}
