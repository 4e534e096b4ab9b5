//! Writing strategies: whole trees, their own fields, single parts.

use diesel::prelude::*;

use super::model::{StrategyBody, StrategyFields};
use super::resolve::{self, Part, Prepared, PreparedTree, Unnamed};
use super::store::{self, FocusAreaRow, ObjectiveRow, StrategyRow};
use super::tree::Tree;
use crate::action::model::ActionBody;
use crate::action::store::{self as actions, Placed};
use crate::committee::store as committees;
use crate::db::Writer;
use crate::db::schema::{focus_area_lineage, focus_areas, objective_counterparts, objectives, strategies};
use crate::db::types::{Id, Reference};
use crate::problem::{Problem, Result, ValidationErrors};
use crate::register::Directory;
use crate::resource::{self, Body, Draft, Entity, Precondition, UpsertOutcome};

/// What a fault or an answer calls a strategy.
pub const WHAT: &str = "strategy";

/// POST: a new strategy with all of its parts.
pub fn create(writer: &mut Writer<'_>, body: StrategyBody) -> Result<Tree> {
    let reference = body.fields.key.clone().into();
    if store::tree(writer, &reference)?.is_some() {
        return Err(resource::key_taken(WHAT, body.fields.key.as_str()));
    }
    save_one(writer, body, "")?;
    store::existing_tree(writer, &reference)
}

/// PUT: replaces the whole tree under `reference`, or creates it under that key. Answers whether it is new.
pub fn replace(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    body: StrategyBody,
) -> Result<(Tree, bool)> {
    let existing = store::tree(writer, reference)?;
    match &existing {
        Some(tree) => {
            precondition.check_existing(tree.strategy.own.revision.version, tree.strategy.own.id())?;
            resource::check_key_kept(&tree.strategy.own.body, &body.fields)?;
        }
        None => {
            precondition.check_missing()?;
            resource::check_key_matches(WHAT, reference, body.fields.key.as_str())?;
        }
    }
    save_one(writer, body, "")?;
    Ok((store::existing_tree(writer, reference)?, existing.is_none()))
}

/// PATCH: what `change` makes of the strategy's own fields.
pub fn change(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    change: impl FnOnce(&StrategyFields) -> Result<StrategyFields>,
) -> Result<Tree> {
    let tree = store::existing_tree(writer, reference)?;
    precondition.check_existing(tree.strategy.own.revision.version, tree.strategy.own.id())?;
    let fields = change(&tree.strategy.own.body)?;
    resource::check_key_kept(&tree.strategy.own.body, &fields)?;
    // The client sent the strategy's own fields alone.
    let tell = |errors: ValidationErrors| errors.without("/focus_areas");
    let prepared = prepare(writer, StrategyBody { fields, ..tree.body() }, tell)?;
    apply(writer, &prepared)?;
    store::existing_tree(writer, reference)
}

/// DELETE: removes a strategy with all of its parts, where nothing refers to any of them.
pub fn delete(writer: &mut Writer<'_>, reference: &Reference, precondition: &Precondition) -> Result<()> {
    let tree = store::existing_tree(writer, reference)?;
    precondition.check_existing(tree.strategy.own.revision.version, tree.strategy.own.id())?;
    let id = tree.strategy.own.id();
    let followers = resource::dependents("strategy", store::followers(writer, id)?);
    let emptied = StrategyBody { focus_areas: Vec::new(), ..tree.body() };
    let mut prepared = prepare(writer, emptied, |errors| errors)?;
    prepared.in_use.extend(followers);
    resource::check_unused(WHAT, std::mem::take(&mut prepared.in_use))?;
    for tree in &prepared.trees {
        remove_parts(writer, tree)?;
    }
    diesel::delete(strategies::table.find(id)).execute(writer.connection)?;
    writer.log(vec![resource::deletion(&tree.strategy.own)])
}

/// A change of one part: `edit` changes the wanted tree and answers where the part stands in it, so
/// that faults point into the part's own body. Answers the tree as it is afterwards.
pub fn edit(writer: &mut Writer<'_>, tree: &Tree, edit: impl FnOnce(&mut StrategyBody) -> String) -> Result<Tree> {
    let mut body = tree.body();
    let pointer = edit(&mut body);
    save_one(writer, body, &pointer)?;
    store::existing_tree(writer, &Reference::Id(tree.strategy.own.id()))
}

fn save_one(writer: &mut Writer<'_>, body: StrategyBody, pointer: &str) -> Result<()> {
    let prepared = prepare(writer, body, |errors| errors.relative_to(pointer))?;
    apply(writer, &prepared)
}

/// Checks a whole tree; `tell` says where the faults stand in what the client sent of it.
fn prepare(
    writer: &mut Writer<'_>,
    body: StrategyBody,
    tell: impl FnOnce(ValidationErrors) -> ValidationErrors,
) -> Result<Prepared> {
    let mut errors = ValidationErrors::default();
    let mut names = Directory::default();
    committees::learn_names(writer, &mut names)?;
    let prepared = resolve::prepare(writer, &names, vec![Draft::whole(body)], Unnamed::Remove, &mut errors)?;
    tell(errors).into_result()?;
    Ok(prepared)
}

/// Writes what was prepared, unless something still refers to what would go.
pub fn apply(writer: &mut Writer<'_>, prepared: &Prepared) -> Result<()> {
    resource::check_unused("part", prepared.in_use.clone())?;
    for tree in &prepared.trees {
        remove_parts(writer, tree)?;
    }
    // Trees may refer to each other in any order: every strategy and area stands before the first link.
    for tree in &prepared.trees {
        write_own_fields(writer, tree)?;
    }
    for tree in &prepared.trees {
        write_parts(writer, tree)?;
    }
    Ok(())
}

fn remove_parts(writer: &mut Writer<'_>, tree: &PreparedTree) -> Result<()> {
    let removed = &tree.removed;
    actions::delete(writer, &ids(&removed.actions))?;
    for batch in ids(&removed.objectives).chunks(crate::db::connection::batch()) {
        diesel::delete(objectives::table.filter(objectives::id.eq_any(batch))).execute(writer.connection)?;
    }
    for batch in ids(&removed.areas).chunks(crate::db::connection::batch()) {
        diesel::delete(focus_areas::table.filter(focus_areas::id.eq_any(batch))).execute(writer.connection)?;
    }
    let changes = removed.actions.iter().map(resource::deletion::<ActionBody>);
    let changes = changes.chain(removed.objectives.iter().map(resource::deletion));
    let changes = changes.chain(removed.areas.iter().map(resource::deletion));
    writer.log(changes)
}

fn ids<B>(parts: &[Entity<B>]) -> Vec<Id> {
    parts.iter().map(Entity::id).collect()
}

fn write_own_fields(writer: &mut Writer<'_>, tree: &PreparedTree) -> Result<()> {
    let municipality_id = writer.municipality_id;
    let row = |strategy| StrategyRow::new(municipality_id, strategy, tree.adopted_by_id, tree.predecessor_id);
    match &tree.strategy {
        UpsertOutcome::Unchanged(_) => {}
        UpsertOutcome::Created(strategy) => {
            crate::insert_all!(writer.connection, strategies::table, &[row(strategy)])?;
        }
        UpsertOutcome::Updated { after, .. } => {
            diesel::update(strategies::table.find(after.id())).set(row(after)).execute(writer.connection)?;
        }
    }
    // A version raised by a part alone has that part's row in the log.
    let change = tree.strategy.change().filter(|change| change.before != change.after);
    writer.log(change)
}

fn write_parts(writer: &mut Writer<'_>, tree: &PreparedTree) -> Result<()> {
    write_areas(writer, tree)?;
    write_objectives(writer, tree)?;
    write_actions(writer, tree)?;
    let areas = tree.areas.iter().filter_map(Part::change);
    let objectives = tree.objectives.iter().filter_map(Part::change);
    let actions = tree.actions.iter().filter_map(Part::change);
    writer.log(areas.chain(objectives).chain(actions))
}

fn created<B: Body>(parts: &[Part<B>]) -> impl Iterator<Item = (&Part<B>, &Entity<B>)> {
    parts.iter().filter(|part| part.outcome.is_created()).map(|part| (part, part.outcome.entity()))
}

fn updated<B: Body>(parts: &[Part<B>]) -> impl Iterator<Item = (&Part<B>, &Entity<B>)> {
    parts.iter().filter(|part| part.is_rewritten()).map(|part| (part, part.outcome.entity()))
}

fn write_areas(writer: &mut Writer<'_>, tree: &PreparedTree) -> Result<()> {
    let municipality_id = writer.municipality_id;
    let row =
        |(part, area): (&Part<_>, &Entity<_>)| FocusAreaRow::new(municipality_id, part.parent_id, part.position, area);
    let rows: Vec<_> = created(&tree.areas).map(row).collect();
    crate::insert_all!(writer.connection, focus_areas::table, &rows)?;
    for (part, area) in updated(&tree.areas) {
        diesel::update(focus_areas::table.find(area.id())).set(row((part, area))).execute(writer.connection)?;
        let lineage = focus_area_lineage::table.filter(focus_area_lineage::focus_area_id.eq(area.id()));
        diesel::delete(lineage).execute(writer.connection)?;
    }
    let mut lineage = Vec::new();
    for (_, area) in created(&tree.areas).chain(updated(&tree.areas)) {
        for (continues_id, position) in tree.continues.get(&area.id()).into_iter().flatten().zip(0..) {
            lineage.push((
                focus_area_lineage::focus_area_id.eq(area.id()),
                focus_area_lineage::continues_id.eq(*continues_id),
                focus_area_lineage::position.eq(position),
            ));
        }
    }
    crate::insert_all!(writer.connection, focus_area_lineage::table, &lineage)?;
    Ok(())
}

fn write_objectives(writer: &mut Writer<'_>, tree: &PreparedTree) -> Result<()> {
    let municipality_id = writer.municipality_id;
    let row = |(part, objective): (&Part<_>, &Entity<_>)| {
        ObjectiveRow::new(municipality_id, part.parent_id, part.position, objective)
    };
    let rows: Vec<_> = created(&tree.objectives).map(row).collect();
    crate::insert_all!(writer.connection, objectives::table, &rows)?;
    for (part, objective) in updated(&tree.objectives) {
        diesel::update(objectives::table.find(objective.id()))
            .set(row((part, objective)))
            .execute(writer.connection)?;
    }
    if let Some(pairs) = &tree.new_pairs {
        let own = objectives::table
            .inner_join(focus_areas::table)
            .filter(focus_areas::strategy_id.eq(tree.strategy.entity().id()))
            .select(objectives::id);
        diesel::delete(objective_counterparts::table.filter(objective_counterparts::objective_id.eq_any(own)))
            .execute(writer.connection)?;
        let rows: Vec<_> = pairs
            .iter()
            .map(|(stating, other)| {
                (objective_counterparts::objective_id.eq(*stating), objective_counterparts::counterpart_id.eq(*other))
            })
            .collect();
        crate::insert_all!(writer.connection, objective_counterparts::table, &rows)?;
    }
    Ok(())
}

fn write_actions(writer: &mut Writer<'_>, tree: &PreparedTree) -> Result<()> {
    let placed = |(part, action)| {
        let part: &Part<ActionBody> = part;
        let links =
            tree.links.get(&Entity::id(action)).ok_or_else(|| Problem::internal("an action was not resolved"))?;
        Ok(Placed { place: actions::Owner::FocusArea(part.parent_id), position: part.position, action, links: Some(links) })
    };
    let new: Vec<_> = created(&tree.actions).map(placed).collect::<Result<_>>()?;
    actions::insert(writer, &new)?;
    let changed: Vec<_> = updated(&tree.actions).map(placed).collect::<Result<_>>()?;
    actions::update(writer, &changed)
}
