//! What actions refer to, and what refers to them.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::action::model::{Action, AudienceEntry, AudienceRole};
use crate::db::Tenant;
use crate::db::schema::aliases::{local_actions, predecessor_actions, predecessor_areas, predecessor_strategies};
use crate::db::schema::{
    action_audience, action_predecessors, actions, committees, focus_areas, indicators, levels, reports, strategies,
    units,
};
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::problem::Result;
use crate::resource;

/// The actions of plans that others can refer to: their paths, and the first days of their strategies.
#[derive(Debug, Clone, Default)]
pub struct ActionIndex {
    by_path: HashMap<Reference, (Id, Option<NaiveDate>)>,
    by_id: HashMap<Id, Reference>,
}

impl ActionIndex {
    /// An action can be referred to from now on.
    pub fn add(&mut self, id: Id, path: Reference, strategy_starts_on: Option<NaiveDate>) {
        self.by_path.insert(path.clone(), (id, strategy_starts_on));
        self.by_id.insert(id, path);
    }

    /// An action's path.
    pub fn path(&self, id: Id) -> Option<&Reference> {
        self.by_id.get(&id)
    }

    /// Every path, and what it leads to.
    pub fn into_paths(self) -> impl Iterator<Item = (Reference, Id)> {
        self.by_path.into_iter().map(|(path, (id, _))| (path, id))
    }

    /// The action that is referred to, by its whole path or its UUID, with its strategy's first day.
    pub fn find(&self, reference: &Reference) -> Option<(Id, Option<NaiveDate>)> {
        let path = match reference {
            Reference::Id(id) => self.path(*id)?,
            path => path,
        };
        self.by_path.get(path).copied()
    }
}

/// The actions of plans, all of them or those with these ids.
pub fn plan_actions(tenant: &mut Tenant<'_>, ids: Option<Vec<Id>>) -> Result<ActionIndex> {
    let mut query = actions::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .select((actions::id, strategies::key, focus_areas::key, actions::key, strategies::starts_on))
        .into_boxed();
    if let Some(ids) = ids {
        query = query.filter(actions::id.eq_any(ids));
    }
    let rows: Vec<(Id, RegisterKey, RegisterKey, RegisterKey, Option<NaiveDate>)> = query.load(tenant.connection)?;
    let mut index = ActionIndex::default();
    for (id, strategy, area, key, starts_on) in rows {
        index.add(id, Reference::Path(vec![strategy, area, key]), starts_on);
    }
    Ok(index)
}

/// Whose audiences and predecessors to read: all actions of some strategies, or single actions.
pub(super) enum RelatedTo {
    Strategies(Vec<Id>),
    Actions(Vec<Id>),
}

pub(super) fn audiences(tenant: &mut Tenant<'_>, related: &RelatedTo) -> Result<HashMap<Id, Vec<AudienceEntry>>> {
    let query = action_audience::table
        .inner_join(actions::table.inner_join(focus_areas::table))
        .left_join(levels::table)
        .left_join(committees::table)
        .left_join(units::table)
        .order((action_audience::action_id, action_audience::position))
        .select((
            action_audience::action_id,
            action_audience::role,
            levels::key.nullable(),
            committees::key.nullable(),
            units::key.nullable(),
        ))
        .into_boxed();
    type Row = (Id, AudienceRole, Option<RegisterKey>, Option<RegisterKey>, Option<RegisterKey>);
    let rows: Vec<Row> = match related {
        RelatedTo::Strategies(ids) => query.filter(focus_areas::strategy_id.eq_any(ids.clone())),
        RelatedTo::Actions(ids) => query.filter(actions::id.eq_any(ids.clone())),
    }
    .load(tenant.connection)?;
    let mut audiences: HashMap<Id, Vec<AudienceEntry>> = HashMap::new();
    for (id, role, level, committee, unit) in rows {
        audiences.entry(id).or_default().push(AudienceEntry {
            role,
            level: level.map(Into::into),
            committee: committee.map(Into::into),
            unit: unit.map(Into::into),
        });
    }
    Ok(audiences)
}

pub(super) fn predecessor_paths(
    tenant: &mut Tenant<'_>,
    related: &RelatedTo,
) -> Result<HashMap<Id, Vec<[RegisterKey; 3]>>> {
    let query = action_predecessors::table
        .inner_join(actions::table.inner_join(focus_areas::table).on(actions::id.eq(action_predecessors::action_id)))
        .inner_join(
            predecessor_actions.on(predecessor_actions.field(actions::id).eq(action_predecessors::predecessor_id)),
        )
        .inner_join(predecessor_areas.on(
            predecessor_areas.field(focus_areas::id).nullable().eq(predecessor_actions.field(actions::focus_area_id)),
        ))
        .inner_join(
            predecessor_strategies
                .on(predecessor_strategies.field(strategies::id).eq(predecessor_areas.field(focus_areas::strategy_id))),
        )
        .order((action_predecessors::action_id, action_predecessors::position))
        .select((
            action_predecessors::action_id,
            predecessor_strategies.field(strategies::key),
            predecessor_areas.field(focus_areas::key),
            predecessor_actions.field(actions::key),
        ))
        .into_boxed();
    let rows: Vec<(Id, RegisterKey, RegisterKey, RegisterKey)> = match related {
        RelatedTo::Strategies(ids) => query.filter(focus_areas::strategy_id.eq_any(ids.clone())),
        RelatedTo::Actions(ids) => query.filter(actions::id.eq_any(ids.clone())),
    }
    .load(tenant.connection)?;
    let mut paths: HashMap<Id, Vec<[RegisterKey; 3]>> = HashMap::new();
    for (id, strategy, area, key) in rows {
        paths.entry(id).or_default().push([strategy, area, key]);
    }
    Ok(paths)
}

/// The strategy that an action belongs to.
pub fn strategy_of(tenant: &mut Tenant<'_>, id: Id) -> Result<Option<Id>> {
    Ok(actions::table
        .inner_join(focus_areas::table)
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .filter(actions::id.eq(id))
        .select(focus_areas::strategy_id)
        .first(tenant.connection)
        .optional()?)
}

/// Which action comes after which, in the whole municipality.
pub fn edges(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Id)>> {
    Ok(action_predecessors::table
        .inner_join(actions::table.on(actions::id.eq(action_predecessors::action_id)))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .select((action_predecessors::action_id, action_predecessors::predecessor_id))
        .load(tenant.connection)?)
}

/// Sentences that name the reports, local actions and indicators of actions, which keep those from being removed.
pub fn dependents(tenant: &mut Tenant<'_>, leaving: &[&Action]) -> Result<Vec<String>> {
    let ids: Vec<Id> = leaving.iter().map(|action| action.id()).collect();
    let paths: HashMap<Id, Option<&String>> =
        leaving.iter().map(|action| (action.id(), action.identity.path.as_ref())).collect();
    let reported: Vec<(Id, i64)> = reports::table
        .filter(reports::action_id.eq_any(ids.clone()))
        .group_by(reports::action_id)
        .order(reports::action_id)
        .select((reports::action_id, diesel::dsl::count_star()))
        .load(tenant.connection)?;
    let local: Vec<(RegisterKey, Key)> = actions::table
        .inner_join(committees::table.on(committees::id.nullable().eq(actions::committee_id)))
        .filter(actions::parent_id.assume_not_null().eq_any(ids.clone()))
        .order((committees::key, actions::key))
        .select((committees::key, actions::key))
        .load(tenant.connection)?;
    let reported = reported.into_iter().map(|(id, reports)| {
        let path = paths.get(&id).copied().flatten().cloned().unwrap_or_default();
        format!("the action '{path}' has {reports} reports")
    });
    let local = local.into_iter().map(|(committee, key)| format!("has inspired the local action '{committee}/{key}'"));
    let covering: Vec<String> = indicators::table
        .filter(indicators::coverage_action_id.assume_not_null().eq_any(ids))
        .order(indicators::key)
        .select(indicators::key)
        .load(tenant.connection)?;
    Ok(reported.chain(local).chain(resource::dependents("indicator", covering)).collect())
}

/// Whether local actions that a strategy inspired recur from its first day, having none of their own.
pub fn has_local_counting_from(tenant: &mut Tenant<'_>, strategy: Id) -> Result<bool> {
    let inspired = local_actions.field(actions::parent_id).eq(actions::id.nullable());
    let counting = actions::table
        .inner_join(focus_areas::table)
        .inner_join(local_actions.on(inspired.assume_not_null()))
        .filter(focus_areas::strategy_id.eq(strategy))
        .filter(local_actions.field(actions::recurrence).is_not_null())
        .filter(local_actions.field(actions::starts_on).is_null())
        .select(actions::id);
    Ok(counting.first::<Id>(tenant.connection).optional()?.is_some())
}

/// The paths of the actions that come after one of `ids`, but for those of the strategies `except`.
pub fn successors(tenant: &mut Tenant<'_>, ids: &[Id], except: &[Id]) -> Result<Vec<String>> {
    let rows: Vec<(Key, Key, Key)> = action_predecessors::table
        .inner_join(
            actions::table
                .inner_join(focus_areas::table.inner_join(strategies::table))
                .on(actions::id.eq(action_predecessors::action_id)),
        )
        .filter(action_predecessors::predecessor_id.eq_any(ids.to_vec()))
        .filter(focus_areas::strategy_id.ne_all(except.to_vec()))
        .select((strategies::key, focus_areas::key, actions::key))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|(strategy, area, key)| format!("{strategy}/{area}/{key}")).collect())
}
