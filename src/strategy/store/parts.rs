//! Queries for the parts of strategies: focus areas, objectives, and the actions of plans.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::rows::{FocusAreaRow, ObjectiveRow};
use crate::action::model::Action;
use crate::action::store::{self as actions, PlanPosition};
use crate::db::Tenant;
use crate::db::schema::aliases::{continued_areas, continued_strategies, counterpart_areas, counterpart_objectives};
use crate::db::schema::{focus_area_lineage, focus_areas, objective_counterparts, objectives, strategies};
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::problem::{Problem, Result};
use crate::strategy::model::{FocusArea, FocusAreaSummary, Objective};

/// Which parts to read.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'s> {
    /// All parts of these strategies.
    Strategies(&'s [Id]),
    /// A focus area, or the parts in it.
    FocusArea(Id),
}

/// The focus areas in a scope, in the plan's order.
pub fn focus_areas(tenant: &mut Tenant<'_>, scope: Scope<'_>) -> Result<Vec<(PlanPosition, FocusAreaSummary)>> {
    let query = focus_areas::table
        .inner_join(strategies::table)
        .filter(focus_areas::municipality_id.eq(tenant.municipality_id))
        .order((focus_areas::strategy_id, focus_areas::position))
        .select((FocusAreaRow::as_select(), strategies::key, strategies::starts_on))
        .into_boxed();
    let rows: Vec<(FocusAreaRow, RegisterKey, _)> = match scope {
        Scope::Strategies(ids) => query.filter(focus_areas::strategy_id.eq_any(ids)),
        Scope::FocusArea(id) => query.filter(focus_areas::id.eq(id)),
    }
    .load(tenant.connection)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut continued = continued(tenant, scope)?;
    let located = |(row, strategy_key, strategy_starts_on): (FocusAreaRow, RegisterKey, _)| {
        let place = row.place(strategy_key, strategy_starts_on);
        let continues = continued.remove(&place.focus_area_id).unwrap_or_default();
        let area = row.into_area(&place, continues);
        (place, area)
    };
    Ok(rows.into_iter().map(located).collect())
}

/// A focus area without its parts, or 404.
pub fn focus_area(tenant: &mut Tenant<'_>, id: Id) -> Result<(PlanPosition, FocusAreaSummary)> {
    focus_areas(tenant, Scope::FocusArea(id))?.pop().ok_or_else(|| Problem::not_found("focus area"))
}

/// A focus area with its parts, or 404.
pub fn focus_area_with_parts(tenant: &mut Tenant<'_>, id: Id) -> Result<FocusArea> {
    let (_, own) = focus_area(tenant, id)?;
    Ok(FocusArea { own, objectives: objectives_of(tenant, id)?, actions: actions_of(tenant, id)? })
}

/// The focus areas that each focus area of a scope continues.
fn continued(tenant: &mut Tenant<'_>, scope: Scope<'_>) -> Result<HashMap<Id, Vec<Reference>>> {
    let query = focus_area_lineage::table
        .inner_join(focus_areas::table.on(focus_areas::id.eq(focus_area_lineage::focus_area_id)))
        .inner_join(continued_areas.on(continued_areas.field(focus_areas::id).eq(focus_area_lineage::continues_id)))
        .inner_join(
            continued_strategies
                .on(continued_strategies.field(strategies::id).eq(continued_areas.field(focus_areas::strategy_id))),
        )
        .order((focus_area_lineage::focus_area_id, focus_area_lineage::position))
        .select((
            focus_area_lineage::focus_area_id,
            continued_strategies.field(strategies::key),
            continued_areas.field(focus_areas::key),
        ))
        .into_boxed();
    let rows: Vec<(Id, RegisterKey, RegisterKey)> = match scope {
        Scope::Strategies(ids) => query.filter(focus_areas::strategy_id.eq_any(ids)),
        Scope::FocusArea(id) => query.filter(focus_areas::id.eq(id)),
    }
    .load(tenant.connection)?;
    let mut continued: HashMap<Id, Vec<Reference>> = HashMap::new();
    for (id, strategy, area) in rows {
        continued.entry(id).or_default().push(Reference::Path(vec![strategy, area]));
    }
    Ok(continued)
}

/// An objective with its place and its counterpart.
#[derive(Debug, Clone)]
pub struct LocatedObjective {
    /// Its place.
    pub place: PlanPosition,
    /// The objective.
    pub part: Objective,
    /// Its counterpart.
    pub counterpart_id: Option<Id>,
    /// Whether the pair of counterparts was stated on this objective, and not on the other one.
    pub states_counterpart: bool,
}

type ObjectiveWithPlace = (ObjectiveRow, (Id, RegisterKey, Option<NaiveDate>, RegisterKey));

/// Which objectives to read.
#[derive(Debug, Clone, Copy)]
pub enum Objectives<'s> {
    /// All in a scope.
    In(Scope<'s>),
    /// Those with these ids, and those of a strategy with these keys, each of which may stand in several focus areas.
    Named {
        /// Their ids.
        ids: &'s [Id],
        /// The strategy, and the keys.
        keys: Option<(Id, &'s [RegisterKey])>,
    },
}

/// Some objectives, in the plan's order.
pub fn objectives(tenant: &mut Tenant<'_>, selected: Objectives<'_>) -> Result<Vec<LocatedObjective>> {
    let query = objectives::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(objectives::municipality_id.eq(tenant.municipality_id))
        .order((objectives::focus_area_id, objectives::position))
        .select((ObjectiveRow::as_select(), (strategies::id, strategies::key, strategies::starts_on, focus_areas::key)))
        .into_boxed();
    let rows: Vec<ObjectiveWithPlace> = match selected {
        Objectives::In(Scope::Strategies(ids)) => query.filter(focus_areas::strategy_id.eq_any(ids)),
        Objectives::In(Scope::FocusArea(id)) => query.filter(focus_areas::id.eq(id)),
        Objectives::Named { ids, keys: None } => query.filter(objectives::id.eq_any(ids)),
        Objectives::Named { ids, keys: Some((strategy_id, keys)) } => {
            let keys: Vec<&str> = keys.iter().map(RegisterKey::as_str).collect();
            let by_key = focus_areas::strategy_id.eq(strategy_id).and(objectives::key.eq_any(keys));
            query.filter(objectives::id.eq_any(ids).or(by_key))
        }
    }
    .load(tenant.connection)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Id> = rows.iter().map(|(row, _)| row.id).collect();
    let mut counterparts = match selected {
        Objectives::In(Scope::Strategies(strategy_ids)) => counterparts(tenant, Pairs::OfStrategies(strategy_ids))?,
        _ => counterparts(tenant, Pairs::OfObjectives(&ids))?,
    };
    let located = |(row, (strategy_id, strategy_key, strategy_starts_on, focus_area_key)): ObjectiveWithPlace| {
        let (focus_area_id, position) = (row.focus_area_id, row.position);
        let place =
            PlanPosition { strategy_id, strategy_key, strategy_starts_on, focus_area_id, focus_area_key, position };
        let counterpart = counterparts.remove(&row.id);
        let path = counterpart.as_ref().map(|counterpart| {
            [place.strategy_key.clone(), counterpart.focus_area_key.clone(), counterpart.key.clone()]
        });
        LocatedObjective {
            part: row.into_objective(&place, path.as_ref()),
            counterpart_id: counterpart.as_ref().map(|counterpart| counterpart.id),
            states_counterpart: counterpart.is_some_and(|counterpart| counterpart.is_stated_by_owner),
            place,
        }
    };
    Ok(rows.into_iter().map(located).collect())
}

/// Which pairs of counterparts to read.
enum Pairs<'s> {
    OfStrategies(&'s [Id]),
    OfObjectives(&'s [Id]),
}

/// An objective's counterpart.
struct Counterpart {
    id: Id,
    focus_area_key: RegisterKey,
    key: RegisterKey,
    is_stated_by_owner: bool,
}

/// Counterparts by objective. A pair stands under both of its sides.
fn counterparts(tenant: &mut Tenant<'_>, pairs: Pairs<'_>) -> Result<HashMap<Id, Counterpart>> {
    type Side = (Id, RegisterKey, RegisterKey);
    let other = counterpart_objectives;
    let query = objective_counterparts::table
        .inner_join(
            objectives::table
                .inner_join(focus_areas::table)
                .on(objectives::id.eq(objective_counterparts::objective_id)),
        )
        .inner_join(other.on(other.field(objectives::id).eq(objective_counterparts::counterpart_id)))
        .inner_join(
            counterpart_areas.on(counterpart_areas.field(focus_areas::id).eq(other.field(objectives::focus_area_id))),
        )
        .select((
            (objectives::id, focus_areas::key, objectives::key),
            (other.field(objectives::id), counterpart_areas.field(focus_areas::key), other.field(objectives::key)),
        ))
        .into_boxed();
    let rows: Vec<(Side, Side)> = match pairs {
        Pairs::OfStrategies(ids) => query.filter(focus_areas::strategy_id.eq_any(ids)),
        Pairs::OfObjectives(ids) => query.filter(
            objective_counterparts::objective_id.eq_any(ids).or(objective_counterparts::counterpart_id.eq_any(ids)),
        ),
    }
    .load(tenant.connection)?;
    let mut counterparts = HashMap::new();
    for (stating, stated) in rows {
        let counterpart =
            |(id, focus_area_key, key), is_stated_by_owner| Counterpart { id, focus_area_key, key, is_stated_by_owner };
        counterparts.insert(stated.0, counterpart(stating.clone(), false));
        counterparts.insert(stating.0, counterpart(stated, true));
    }
    Ok(counterparts)
}

/// The objectives of a focus area, in the plan's order.
pub fn objectives_of(tenant: &mut Tenant<'_>, focus_area_id: Id) -> Result<Vec<Objective>> {
    let located = objectives(tenant, Objectives::In(Scope::FocusArea(focus_area_id)))?;
    Ok(located.into_iter().map(|located| located.part).collect())
}

/// An objective, or 404.
pub fn objective(tenant: &mut Tenant<'_>, id: Id) -> Result<LocatedObjective> {
    let found = objectives(tenant, Objectives::Named { ids: &[id], keys: None })?.pop();
    found.ok_or_else(|| Problem::not_found("objective"))
}

/// The actions in a scope, in the plan's order.
pub fn actions(tenant: &mut Tenant<'_>, scope: Scope<'_>) -> Result<Vec<(PlanPosition, Action)>> {
    let filter = match scope {
        Scope::Strategies(ids) => actions::Filter { strategy_ids: Some(ids.to_vec()), ..Default::default() },
        Scope::FocusArea(id) => actions::Filter { focus_area: Some(id), ..Default::default() },
    };
    let found = actions::list(tenant, filter, None)?;
    Ok(found.into_iter().filter_map(|found| Some((found.place?, found.action))).collect())
}

/// The actions of a focus area, in the plan's order.
pub fn actions_of(tenant: &mut Tenant<'_>, focus_area_id: Id) -> Result<Vec<Action>> {
    let located = actions(tenant, Scope::FocusArea(focus_area_id))?;
    Ok(located.into_iter().map(|(_, action)| action).collect())
}

/// An action of a plan, or 404. A local action has no place in a plan.
pub fn action(tenant: &mut Tenant<'_>, id: Id) -> Result<(Option<PlanPosition>, Action)> {
    let filter = actions::Filter { id: Some(id), ..Default::default() };
    let found = actions::list(tenant, filter, Some(1))?.pop().ok_or_else(|| Problem::not_found("action"))?;
    Ok((found.place, found.action))
}

/// The keys of the objectives of a focus area.
pub fn objective_keys(tenant: &mut Tenant<'_>, focus_area_id: Id) -> Result<Vec<Key>> {
    let query = objectives::table.filter(objectives::focus_area_id.eq(focus_area_id)).select(objectives::key);
    Ok(query.load(tenant.connection)?)
}

/// The keys of the actions of a focus area.
pub fn action_keys(tenant: &mut Tenant<'_>, focus_area_id: Id) -> Result<Vec<Key>> {
    use crate::db::schema::actions;
    let query = actions::table.filter(actions::focus_area_id.eq(focus_area_id)).select(actions::key);
    Ok(query.load(tenant.connection)?)
}
