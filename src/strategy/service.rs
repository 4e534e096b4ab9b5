//! What clients do with whole strategies: create, replace, change and delete them.
//!
//! Each function runs inside one transaction. Focus areas are created and deleted here too, since they come and go
//! with all that is in them. Everything else that concerns a single part stands in `part_service`.

use super::model::{FocusArea, FocusAreaBody, StrategyBody, StrategyFields};
use super::resolve::{self, UnnamedParts};
use super::store::{self, references, write};
use super::tree::Tree;
use super::tree_change::TreeChanges;
use crate::committee::store as committees;
use crate::db::Writer;
use crate::db::types::{Id, Reference};
use crate::problem::{Problem, Result, ValidationErrors};
use crate::register::Directory;
use crate::resource::{self, Draft, Precondition};

/// The noun for a strategy in problems.
const NOUN: &str = "strategy";

/// POST: creates a strategy with all of its parts.
pub fn create(writer: &mut Writer<'_>, body: StrategyBody) -> Result<Tree> {
    let reference = body.fields.key.clone().into();
    if store::tree(writer, &reference)?.is_some() {
        return Err(resource::key_taken(NOUN, body.fields.key.as_str()));
    }
    save(writer, body, |errors| errors)?;
    store::existing_tree(writer, &reference)
}

/// PUT: replaces the whole tree under `reference`, or creates it under that key. Returns whether it is new.
pub fn replace(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    body: StrategyBody,
) -> Result<(Tree, bool)> {
    let existing = store::tree(writer, reference)?;
    match &existing {
        Some(tree) => {
            check_precondition(tree, precondition)?;
            resource::check_key_kept(&tree.strategy.own.body, &body.fields)?;
        }
        None => {
            precondition.check_missing()?;
            resource::check_key_matches(NOUN, reference, body.fields.key.as_str())?;
        }
    }
    save(writer, body, |errors| errors)?;
    Ok((store::existing_tree(writer, reference)?, existing.is_none()))
}

/// PATCH: changes a strategy's own fields to what `change` returns for them.
pub fn change(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    change: impl FnOnce(&StrategyFields) -> Result<StrategyFields>,
) -> Result<Tree> {
    let tree = store::existing_tree(writer, reference)?;
    check_precondition(&tree, precondition)?;
    let fields = change(&tree.strategy.own.body)?;
    resource::check_key_kept(&tree.strategy.own.body, &fields)?;
    // The client sent the strategy's own fields alone.
    save(writer, StrategyBody { fields, ..tree.body() }, |errors| errors.without("/focus_areas"))?;
    store::existing_tree(writer, reference)
}

/// DELETE: removes a strategy with all of its parts, unless something refers to any of them.
pub fn delete(writer: &mut Writer<'_>, reference: &Reference, precondition: &Precondition) -> Result<()> {
    let tree = store::existing_tree(writer, reference)?;
    check_precondition(&tree, precondition)?;
    let followers = references::followers(writer, tree.strategy.own.id())?;
    let emptied = StrategyBody { focus_areas: Vec::new(), ..tree.body() };
    let TreeChanges { trees, mut in_use } = prepare(writer, emptied, |errors| errors)?;
    in_use.extend(resource::dependents(NOUN, followers));
    resource::check_unused(NOUN, in_use)?;
    for change in &trees {
        write::removed_parts(writer, &change.removed)?;
    }
    write::delete_strategy(writer, &tree.strategy.own)
}

fn check_precondition(tree: &Tree, precondition: &Precondition) -> Result<()> {
    precondition.check_existing(tree.strategy.own.revision.version, tree.strategy.own.id())
}

/// POST: adds a focus area with its parts at the end of a strategy.
pub fn create_focus_area(writer: &mut Writer<'_>, strategy: &Reference, area: FocusAreaBody) -> Result<FocusArea> {
    let tree = store::existing_tree(writer, strategy)?;
    let key = area.fields.key.clone();
    if tree.strategy.focus_areas.iter().any(|area| area.own.body.key == key) {
        return Err(resource::key_taken("focus area of the strategy", key.as_str()));
    }
    let mut body = tree.body();
    body.focus_areas.push(area);
    let pointer = format!("/focus_areas/{}", tree.strategy.focus_areas.len());
    save(writer, body, |errors| errors.relative_to(&pointer))?;
    let mut tree = store::existing_tree(writer, &Reference::Id(tree.strategy.own.id()))?;
    tree.strategy.focus_areas.pop().ok_or_else(|| Problem::internal("a focus area was written and is not there"))
}

/// DELETE: removes a focus area with its parts, unless something outside refers to any of them.
pub fn delete_focus_area(writer: &mut Writer<'_>, id: Id, precondition: &Precondition) -> Result<()> {
    let (place, area) = store::parts::focus_area(writer, id)?;
    precondition.check_existing(area.revision.version, id)?;
    let tree = store::existing_tree(writer, &Reference::Id(place.strategy_id))?;
    let index = tree.area_index(id).ok_or_else(|| Problem::not_found("focus area"))?;
    let leaving: Vec<Id> = tree.strategy.focus_areas[index].actions.iter().map(|action| action.id()).collect();
    let successors = references::successors_in_other_areas(writer, place.strategy_id, id, &leaving)?;
    resource::check_unused("focus area", resource::dependents("action", successors))?;
    let mut body = tree.body();
    body.focus_areas.remove(index);
    drop_dangling_counterparts(&mut body, &tree, index);
    save(writer, body, |errors| errors.relative_to(""))
}

/// Both sides name the pair, so the side that stays has to drop the one that goes.
fn drop_dangling_counterparts(body: &mut StrategyBody, tree: &Tree, removed: usize) {
    let removed = tree.strategy.focus_areas[removed].own.body.key.as_str();
    for objective in body.focus_areas.iter_mut().flat_map(|area| &mut area.objectives) {
        let names_removed = |reference: &Reference| match reference {
            Reference::Path(keys) => keys.iter().rev().nth(1).is_some_and(|area| area.as_str() == removed),
            Reference::Id(_) => false,
        };
        objective.counterpart = objective.counterpart.take().filter(|reference| !names_removed(reference));
    }
}

fn save(
    writer: &mut Writer<'_>,
    body: StrategyBody,
    locate: impl FnOnce(ValidationErrors) -> ValidationErrors,
) -> Result<()> {
    let changes = prepare(writer, body, locate)?;
    apply(writer, &changes)
}

/// Checks a whole tree. `locate` moves the errors to where they are in the client's request.
fn prepare(
    writer: &mut Writer<'_>,
    body: StrategyBody,
    locate: impl FnOnce(ValidationErrors) -> ValidationErrors,
) -> Result<TreeChanges> {
    let mut errors = ValidationErrors::default();
    let mut directory = Directory::default();
    committees::learn_names(writer, &mut directory)?;
    let drafts = vec![Draft::whole(body)];
    let changes = resolve::prepare(writer, &directory, drafts, UnnamedParts::Remove, &mut errors)?;
    locate(errors).into_result()?;
    Ok(changes)
}

/// Writes checked trees, unless something still refers to a part that would be removed.
pub fn apply(writer: &mut Writer<'_>, changes: &TreeChanges) -> Result<()> {
    resource::check_unused("part", changes.in_use.clone())?;
    write::trees(writer, &changes.trees)
}
