//! Single parts of a strategy: found, added, changed and removed as changes of its tree.

use super::model::{FocusArea, FocusAreaBody, FocusAreaFields, Objective, ObjectiveBody, StrategyBody};
use super::tree::Tree;
use super::{save, store};
use crate::action::local::{service as local_service, store as local};
use crate::action::model::{Action, ActionBody};
use crate::action::report::reporter::Reporter;
use crate::action::store as actions;
use crate::db::types::{Id, Reference};
use crate::db::{Tenant, Writer};
use crate::problem::{Problem, Result};
use crate::resource::{self, Body, Entity, Precondition};

/// A part in its tree: the area's place, the part's own where it has one, and the part.
struct Found<P> {
    tree: Tree,
    area: usize,
    place: usize,
    part: P,
}

fn area_in_tree(tenant: &mut Tenant<'_>, id: Id) -> Result<Found<FocusArea>> {
    let strategy = store::strategy_of_area(tenant, id)?.ok_or_else(|| Problem::not_found("focus area"))?;
    let tree = store::existing_tree(tenant, &Reference::Id(strategy))?;
    let (area, part) = tree.area(id).ok_or_else(|| Problem::not_found("focus area"))?;
    let part = part.clone();
    Ok(Found { area, place: area, part, tree })
}

fn objective_in_tree(tenant: &mut Tenant<'_>, id: Id) -> Result<Found<Objective>> {
    let strategy = store::strategy_of_objective(tenant, id)?.ok_or_else(|| Problem::not_found("objective"))?;
    let tree = store::existing_tree(tenant, &Reference::Id(strategy))?;
    let (area, place, part) = tree.objective(id).ok_or_else(|| Problem::not_found("objective"))?;
    let part = part.clone();
    Ok(Found { area, place, part, tree })
}

fn action_in_tree(tenant: &mut Tenant<'_>, id: Id) -> Result<Found<Action>> {
    let strategy = actions::strategy_of(tenant, id)?.ok_or_else(|| Problem::not_found("action"))?;
    let tree = store::existing_tree(tenant, &Reference::Id(strategy))?;
    let (area, place, part) = tree.action(id).ok_or_else(|| Problem::not_found("action"))?;
    let part = part.clone();
    Ok(Found { area, place, part, tree })
}

/// A focus area with its parts.
pub fn area(tenant: &mut Tenant<'_>, id: Id) -> Result<FocusArea> {
    area_in_tree(tenant, id).map(|found| found.part)
}

/// An objective.
pub fn objective(tenant: &mut Tenant<'_>, id: Id) -> Result<Objective> {
    objective_in_tree(tenant, id).map(|found| found.part)
}

/// A focus area, added at the end of a strategy.
pub fn create_area(writer: &mut Writer<'_>, strategy: &Reference, wanted: FocusAreaBody) -> Result<FocusArea> {
    let tree = store::existing_tree(writer, strategy)?;
    let key = wanted.fields.key.clone();
    if tree.strategy.focus_areas.iter().any(|area| area.own.body.key == key) {
        return Err(resource::key_taken("focus area of the strategy", key.as_str()));
    }
    let place = tree.strategy.focus_areas.len();
    let edit = |body: &mut StrategyBody| {
        body.focus_areas.push(wanted);
        area_pointer(place)
    };
    let mut tree = save::edit(writer, &tree, edit)?;
    tree.strategy.focus_areas.pop().ok_or_else(lost)
}

/// What `change` makes of a focus area's own fields.
pub fn change_area(
    writer: &mut Writer<'_>,
    id: Id,
    precondition: &Precondition,
    change: impl FnOnce(&FocusAreaFields) -> Result<FocusAreaFields>,
) -> Result<FocusArea> {
    let found = area_in_tree(writer, id)?;
    let wanted = checked(&found.part.own, precondition, change)?;
    let edit = |body: &mut StrategyBody| {
        body.focus_areas[found.area].fields = wanted;
        area_pointer(found.area)
    };
    let tree = save::edit(writer, &found.tree, edit)?;
    tree.area(id).map(|(_, area)| area.clone()).ok_or_else(lost)
}

/// Removes a focus area with its parts.
pub fn delete_area(writer: &mut Writer<'_>, id: Id, precondition: &Precondition) -> Result<()> {
    let found = area_in_tree(writer, id)?;
    precondition.check_existing(found.part.own.revision.version, found.part.own.id())?;
    let others = found.tree.strategy.focus_areas.iter().filter(|area| area.own.id() != id);
    let leaving: Vec<&str> = found.part.actions.iter().filter_map(|action| action.identity.path.as_deref()).collect();
    check_no_successors("focus area", others, &leaving)?;
    let edit = |body: &mut StrategyBody| {
        for objective in &found.part.objectives {
            part_from_counterpart(body, &found.tree, objective);
        }
        body.focus_areas.remove(found.area);
        String::new()
    };
    save::edit(writer, &found.tree, edit)?;
    Ok(())
}

/// An objective, added at the end of a focus area.
pub fn create_objective(writer: &mut Writer<'_>, area_id: Id, wanted: ObjectiveBody) -> Result<Objective> {
    let found = area_in_tree(writer, area_id)?;
    check_free("objective of the focus area", &found.part.objectives, &wanted)?;
    let place = found.part.objectives.len();
    let edit = |body: &mut StrategyBody| {
        body.focus_areas[found.area].objectives.push(wanted);
        format!("{}/objectives/{place}", area_pointer(found.area))
    };
    let mut tree = save::edit(writer, &found.tree, edit)?;
    tree.strategy.focus_areas[found.area].objectives.pop().ok_or_else(lost)
}

/// What `change` makes of an objective.
pub fn change_objective(
    writer: &mut Writer<'_>,
    id: Id,
    precondition: &Precondition,
    change: impl FnOnce(&ObjectiveBody) -> Result<ObjectiveBody>,
) -> Result<Objective> {
    let found = objective_in_tree(writer, id)?;
    let wanted = checked(&found.part, precondition, change)?;
    let edit = |body: &mut StrategyBody| {
        if wanted.counterpart != found.part.body.counterpart {
            part_from_counterpart(body, &found.tree, &found.part);
        }
        body.focus_areas[found.area].objectives[found.place] = wanted;
        format!("{}/objectives/{}", area_pointer(found.area), found.place)
    };
    let tree = save::edit(writer, &found.tree, edit)?;
    tree.objective(id).map(|(_, _, objective)| objective.clone()).ok_or_else(lost)
}

/// A pair stands on both sides; who leaves it on one side leaves it on the other.
fn part_from_counterpart(body: &mut StrategyBody, tree: &Tree, objective: &Objective) {
    let Some(path) = objective.identity.path.as_deref() else { return };
    for (area, stored) in body.focus_areas.iter_mut().zip(&tree.strategy.focus_areas) {
        let base = stored.own.identity.path.as_deref().unwrap_or_default();
        for objective in &mut area.objectives {
            let names_it = objective.counterpart.as_ref().is_some_and(|reference| leads_to(reference, base, path));
            if names_it {
                objective.counterpart = None;
            }
        }
    }
}

fn leads_to(reference: &Reference, base: &str, path: &str) -> bool {
    let (Reference::Path(keys), Ok(Reference::Path(base))) = (reference, base.parse()) else { return false };
    Reference::expand(keys, &base, 3).is_some_and(|whole| Reference::Path(whole).to_string() == path)
}

/// Removes an objective.
pub fn delete_objective(writer: &mut Writer<'_>, id: Id, precondition: &Precondition) -> Result<()> {
    let found = objective_in_tree(writer, id)?;
    precondition.check_existing(found.part.revision.version, found.part.id())?;
    let edit = |body: &mut StrategyBody| {
        part_from_counterpart(body, &found.tree, &found.part);
        body.focus_areas[found.area].objectives.remove(found.place);
        String::new()
    };
    save::edit(writer, &found.tree, edit)?;
    Ok(())
}

/// An action, added at the end of a focus area.
pub fn create_action(writer: &mut Writer<'_>, area_id: Id, wanted: ActionBody) -> Result<Action> {
    let found = area_in_tree(writer, area_id)?;
    check_free("action of the focus area", &found.part.actions, &wanted)?;
    let place = found.part.actions.len();
    let edit = |body: &mut StrategyBody| {
        body.focus_areas[found.area].actions.push(wanted);
        format!("{}/actions/{place}", area_pointer(found.area))
    };
    let mut tree = save::edit(writer, &found.tree, edit)?;
    tree.strategy.focus_areas[found.area].actions.pop().ok_or_else(lost)
}

/// What `change` makes of an action; a local one stands in no tree, and is its committee's to change.
pub fn change_action(
    writer: &mut Writer<'_>,
    reporter: &Reporter,
    id: Id,
    precondition: &Precondition,
    change: impl FnOnce(&ActionBody) -> Result<ActionBody>,
) -> Result<Action> {
    if let Some(owner) = local::owner(writer, id)? {
        return local_service::change(writer, reporter, (id, owner), precondition, change);
    }
    reporter.check_may_edit_plans()?;
    let found = action_in_tree(writer, id)?;
    let wanted = checked(&found.part, precondition, change)?;
    let edit = |body: &mut StrategyBody| {
        body.focus_areas[found.area].actions[found.place] = wanted;
        format!("{}/actions/{}", area_pointer(found.area), found.place)
    };
    let tree = save::edit(writer, &found.tree, edit)?;
    tree.action(id).map(|(_, _, action)| action.clone()).ok_or_else(lost)
}

/// Removes an action; a local one stands in no tree, and is its committee's to remove.
pub fn delete_action(writer: &mut Writer<'_>, reporter: &Reporter, id: Id, precondition: &Precondition) -> Result<()> {
    if let Some(owner) = local::owner(writer, id)? {
        return local_service::delete(writer, reporter, (id, owner), precondition);
    }
    reporter.check_may_edit_plans()?;
    let found = action_in_tree(writer, id)?;
    precondition.check_existing(found.part.revision.version, found.part.id())?;
    let leaving: Vec<&str> = found.part.identity.path.as_deref().into_iter().collect();
    check_no_successors("action", found.tree.strategy.focus_areas.iter(), &leaving)?;
    let edit = |body: &mut StrategyBody| {
        body.focus_areas[found.area].actions.remove(found.place);
        String::new()
    };
    save::edit(writer, &found.tree, edit)?;
    Ok(())
}

/// Actions of the same strategy that come after one that is to go; those of others are found with the
/// tree that is written.
fn check_no_successors<'t>(what: &str, areas: impl Iterator<Item = &'t FocusArea>, leaving: &[&str]) -> Result<()> {
    let mut successors = Vec::new();
    for area in areas {
        let base = area.own.identity.path.as_deref().unwrap_or_default();
        let waits = |action: &&Action| {
            let after = action.body.after.iter();
            after.into_iter().any(|reference| leaving.iter().any(|path| leads_to(reference, base, path)))
        };
        successors.extend(area.actions.iter().filter(waits).filter_map(|action| action.identity.path.clone()));
    }
    resource::check_unused(what, resource::dependents("action", successors))
}

fn area_pointer(place: usize) -> String {
    format!("/focus_areas/{place}")
}

fn checked<B: Body>(
    stored: &Entity<B>,
    precondition: &Precondition,
    change: impl FnOnce(&B) -> Result<B>,
) -> Result<B> {
    precondition.check_existing(stored.revision.version, stored.id())?;
    let wanted = change(&stored.body)?;
    resource::check_key_kept(&stored.body, &wanted)?;
    Ok(wanted)
}

fn check_free<B: Body>(what: &str, siblings: &[Entity<B>], wanted: &B) -> Result<()> {
    match siblings.iter().any(|sibling| sibling.body.key() == wanted.key()) {
        true => Err(resource::key_taken(what, &wanted.key().to_string())),
        false => Ok(()),
    }
}

fn lost() -> Problem {
    Problem::internal("a part that was just written is not there")
}
