//! Writes strategies and their parts. Nothing is checked here.

use std::collections::HashMap;

use diesel::prelude::*;

use super::rows::{FocusAreaRow, ObjectiveRow, StrategyRow};
use crate::action::model::ActionBody;
use crate::action::store::{self as actions, Links, Owner, Placed};
use crate::db::schema::{focus_area_lineage, focus_areas, objective_counterparts, objectives, strategies};
use crate::db::types::Id;
use crate::db::{Writer, connection};
use crate::problem::{Problem, Result};
use crate::resource::{self, Body, Entity, UpsertOutcome};
use crate::strategy::model::{FocusAreaFields, FocusAreaSummary, Objective, ObjectiveBody, StrategySummary};
use crate::strategy::tree_change::{PartChange, RemovedParts, TreeChange};

/// Writes trees, and logs what changed.
pub fn trees(writer: &mut Writer<'_>, trees: &[TreeChange]) -> Result<()> {
    for tree in trees {
        removed_parts(writer, &tree.removed)?;
    }
    // Trees may refer to each other: all strategies have to be there before the first reference is written.
    for tree in trees {
        strategy(writer, tree)?;
    }
    for tree in trees {
        parts(writer, tree)?;
    }
    Ok(())
}

/// Deletes a strategy whose parts are gone.
pub fn delete_strategy(writer: &mut Writer<'_>, strategy: &StrategySummary) -> Result<()> {
    diesel::delete(strategies::table.find(strategy.id())).execute(writer.connection)?;
    writer.log([resource::deletion(strategy)])
}

/// Deletes parts, and logs it.
pub fn removed_parts(writer: &mut Writer<'_>, removed: &RemovedParts) -> Result<()> {
    actions::delete(writer, &ids(&removed.actions))?;
    for batch in ids(&removed.objectives).chunks(connection::batch()) {
        diesel::delete(objectives::table.filter(objectives::id.eq_any(batch))).execute(writer.connection)?;
    }
    for batch in ids(&removed.areas).chunks(connection::batch()) {
        diesel::delete(focus_areas::table.filter(focus_areas::id.eq_any(batch))).execute(writer.connection)?;
    }
    let changes = removed.actions.iter().map(resource::deletion);
    let changes = changes.chain(removed.objectives.iter().map(resource::deletion));
    writer.log(changes.chain(removed.areas.iter().map(resource::deletion)))
}

fn ids<B>(parts: &[Entity<B>]) -> Vec<Id> {
    parts.iter().map(Entity::id).collect()
}

fn strategy(writer: &mut Writer<'_>, tree: &TreeChange) -> Result<()> {
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
    // Where only a part changed, the log has that part's row.
    let change = tree.strategy.change().filter(|change| change.before != change.after);
    writer.log(change)
}

fn parts(writer: &mut Writer<'_>, tree: &TreeChange) -> Result<()> {
    write_focus_areas(writer, &tree.areas, &tree.continues)?;
    write_objectives(writer, &tree.objectives)?;
    if let Some(pairs) = &tree.new_pairs {
        let own = objectives::table
            .inner_join(focus_areas::table)
            .filter(focus_areas::strategy_id.eq(tree.strategy.entity().id()))
            .select(objectives::id);
        diesel::delete(objective_counterparts::table.filter(objective_counterparts::objective_id.eq_any(own)))
            .execute(writer.connection)?;
        insert_pairs(writer, pairs)?;
    }
    write_actions(writer, &tree.actions, &tree.links)?;
    let areas = tree.areas.iter().filter_map(PartChange::change);
    let objectives = tree.objectives.iter().filter_map(PartChange::change);
    let actions = tree.actions.iter().filter_map(PartChange::change);
    writer.log(areas.chain(objectives).chain(actions))
}

fn created<B: Body>(parts: &[PartChange<B>]) -> impl Iterator<Item = (&PartChange<B>, &Entity<B>)> {
    parts.iter().filter(|part| part.outcome.is_created()).map(|part| (part, part.outcome.entity()))
}

fn updated<B: Body>(parts: &[PartChange<B>]) -> impl Iterator<Item = (&PartChange<B>, &Entity<B>)> {
    parts.iter().filter(|part| part.is_updated()).map(|part| (part, part.outcome.entity()))
}

/// Whether some of a part's references may differ from the stored ones.
fn differs<B, R: PartialEq>(outcome: &UpsertOutcome<B>, references: impl Fn(&B) -> R) -> bool {
    match outcome {
        UpsertOutcome::Created(_) => true,
        UpsertOutcome::Unchanged(_) => false,
        UpsertOutcome::Updated { before, after } => references(&before.body) != references(&after.body),
    }
}

/// Writes focus areas. `continues` are the ids that each of them continues.
pub fn write_focus_areas(
    writer: &mut Writer<'_>,
    areas: &[PartChange<FocusAreaFields>],
    continues: &HashMap<Id, Vec<Id>>,
) -> Result<()> {
    let municipality_id = writer.municipality_id;
    let row = |(part, area): (&PartChange<_>, &FocusAreaSummary)| {
        FocusAreaRow::new(municipality_id, part.parent_id, part.position, area)
    };
    let rows: Vec<_> = created(areas).map(row).collect();
    crate::insert_all!(writer.connection, focus_areas::table, &rows)?;
    for (part, area) in updated(areas) {
        diesel::update(focus_areas::table.find(area.id())).set(row((part, area))).execute(writer.connection)?;
    }
    let relinked = |part: &&PartChange<FocusAreaFields>| differs(&part.outcome, |area| area.continues.clone());
    let relinked: Vec<_> = areas.iter().filter(relinked).collect();
    let stored: Vec<Id> =
        relinked.iter().filter(|part| !part.outcome.is_created()).map(|part| part.outcome.entity().id()).collect();
    for batch in stored.chunks(connection::batch()) {
        let lineage = focus_area_lineage::table.filter(focus_area_lineage::focus_area_id.eq_any(batch));
        diesel::delete(lineage).execute(writer.connection)?;
    }
    let mut lineage = Vec::new();
    for id in relinked.iter().map(|part| part.outcome.entity().id()) {
        for (continues_id, position) in continues.get(&id).into_iter().flatten().zip(0..) {
            lineage.push((
                focus_area_lineage::focus_area_id.eq(id),
                focus_area_lineage::continues_id.eq(*continues_id),
                focus_area_lineage::position.eq(position),
            ));
        }
    }
    crate::insert_all!(writer.connection, focus_area_lineage::table, &lineage)?;
    Ok(())
}

/// Writes objectives, without their counterparts.
pub fn write_objectives(writer: &mut Writer<'_>, parts: &[PartChange<ObjectiveBody>]) -> Result<()> {
    let municipality_id = writer.municipality_id;
    let row = |(part, objective): (&PartChange<_>, &Objective)| {
        ObjectiveRow::new(municipality_id, part.parent_id, part.position, objective)
    };
    let rows: Vec<_> = created(parts).map(row).collect();
    crate::insert_all!(writer.connection, objectives::table, &rows)?;
    for (part, objective) in updated(parts) {
        diesel::update(objectives::table.find(objective.id()))
            .set(row((part, objective)))
            .execute(writer.connection)?;
    }
    Ok(())
}

/// Writes pairs of counterparts, the side that states the pair first.
pub fn insert_pairs(writer: &mut Writer<'_>, pairs: &[(Id, Id)]) -> Result<()> {
    use objective_counterparts::{counterpart_id, objective_id};
    let rows: Vec<_> =
        pairs.iter().map(|(stating, other)| (objective_id.eq(*stating), counterpart_id.eq(*other))).collect();
    crate::insert_all!(writer.connection, objective_counterparts::table, &rows)?;
    Ok(())
}

/// Removes the pair that an objective belongs to.
pub fn delete_pair(writer: &mut Writer<'_>, objective: Id) -> Result<()> {
    use objective_counterparts::{counterpart_id, objective_id};
    let pair = objective_counterparts::table.filter(objective_id.eq(objective).or(counterpart_id.eq(objective)));
    diesel::delete(pair).execute(writer.connection)?;
    Ok(())
}

/// Writes actions. `links` are the ids that the references of each of them resolved to; those that did not change
/// are not written again.
pub fn write_actions(
    writer: &mut Writer<'_>,
    parts: &[PartChange<ActionBody>],
    links: &HashMap<Id, Links>,
) -> Result<()> {
    let placed = |(part, action)| {
        let part: &PartChange<ActionBody> = part;
        let found = links.get(&Entity::id(action)).ok_or_else(|| Problem::internal("an action was not resolved"))?;
        let mut links = found.clone();
        links.audience.take_if(|_| !differs(&part.outcome, |action| action.audience.clone()));
        links.predecessor_ids.take_if(|_| !differs(&part.outcome, |action| action.after.clone()));
        Ok(Placed { place: Owner::FocusArea(part.parent_id), position: part.position, action, links })
    };
    let new: Vec<_> = created(parts).map(placed).collect::<Result<_>>()?;
    actions::insert(writer, &new)?;
    let changed: Vec<_> = updated(parts).map(placed).collect::<Result<_>>()?;
    actions::update(writer, &changed)
}

/// Raises the versions of a strategy and of some of its focus areas, of which only parts changed.
pub fn raise_versions(writer: &mut Writer<'_>, strategy: Id, areas: &[Id]) -> Result<()> {
    let now = writer.now();
    if !areas.is_empty() {
        diesel::update(focus_areas::table.filter(focus_areas::id.eq_any(areas)))
            .set((focus_areas::version.eq(focus_areas::version + 1), focus_areas::updated_at.eq(now)))
            .execute(writer.connection)?;
    }
    diesel::update(strategies::table.find(strategy))
        .set((strategies::version.eq(strategies::version + 1), strategies::updated_at.eq(now)))
        .execute(writer.connection)?;
    Ok(())
}

/// Deletes an objective; those behind it in its focus area move up.
pub fn delete_objective(writer: &mut Writer<'_>, area: Id, id: Id, position: i32) -> Result<()> {
    diesel::delete(objectives::table.find(id)).execute(writer.connection)?;
    diesel::update(objectives::table.filter(objectives::focus_area_id.eq(area)))
        .filter(objectives::position.gt(position))
        .set(objectives::position.eq(objectives::position - 1))
        .execute(writer.connection)?;
    Ok(())
}

/// Deletes an action; those behind it in its focus area move up.
pub fn delete_action(writer: &mut Writer<'_>, area: Id, id: Id, position: i32) -> Result<()> {
    use crate::db::schema::actions as table;
    actions::delete(writer, &[id])?;
    diesel::update(table::table.filter(table::focus_area_id.eq(area)))
        .filter(table::position.gt(position))
        .set(table::position.eq(table::position - 1))
        .execute(writer.connection)?;
    Ok(())
}
