//! Queries for strategies and their parts.

pub mod parts;
pub mod references;
mod rows;
pub mod write;

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::model::{FocusArea, Strategy, StrategyKind, StrategyStatus, StrategySummary};
use super::tree::Tree;
use crate::db::Tenant;
use crate::db::schema::aliases::predecessor_strategies;
use crate::db::schema::{committees, strategies};
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::problem::{Problem, Result};
use crate::resource::Entity;
use crate::text::SearchText;
use parts::{Objectives, Scope};
use rows::StrategyRow;

/// Which strategies to read.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only this one.
    pub id: Option<Id>,
    /// Only those with these keys.
    pub keys: Option<Vec<Key>>,
    /// Only those with this status.
    pub status: Option<StrategyStatus>,
    /// Only those of this kind.
    pub kind: Option<StrategyKind>,
    /// Only those whose period contains this day.
    pub on: Option<NaiveDate>,
    /// Only those whose title, headline or key contains this.
    pub q: Option<SearchText>,
    /// Only those after this key.
    pub after: Option<Key>,
}

impl Filter {
    /// The strategy with this id or key.
    pub fn one(reference: &Reference) -> Self {
        match (reference, reference.key()) {
            (Reference::Id(id), _) => Self { id: Some(*id), ..Self::default() },
            // A register key may have characters that a strategy's key never has; such a key matches nothing.
            (_, key) => Self {
                keys: Some(key.and_then(|key| key.as_str().parse().ok()).into_iter().collect()),
                ..Self::default()
            },
        }
    }
}

/// At most `limit` strategies without their parts, ordered by key.
pub fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>) -> Result<Vec<StrategySummary>> {
    let mut query = strategies::table
        .left_join(committees::table)
        .left_join(
            predecessor_strategies
                .on(predecessor_strategies.field(strategies::id).nullable().eq(strategies::predecessor_id)),
        )
        .filter(strategies::municipality_id.eq(tenant.municipality_id))
        .order(strategies::key)
        .select((
            StrategyRow::as_select(),
            committees::key.nullable(),
            predecessor_strategies.field(strategies::key).nullable(),
        ))
        .into_boxed();
    if let Some(id) = filter.id {
        query = query.filter(strategies::id.eq(id));
    }
    if let Some(keys) = filter.keys {
        query = query.filter(strategies::key.eq_any(keys));
    }
    if let Some(status) = filter.status {
        query = query.filter(strategies::status.eq(status));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(strategies::kind.eq(kind));
    }
    if let Some(day) = filter.on {
        query = query.filter(crate::exists_on!(strategies, day));
    }
    if let Some(q) = filter.q {
        query = query.filter(strategies::search_text.like(q.pattern()).escape('\\'));
    }
    if let Some(key) = filter.after {
        query = query.filter(strategies::key.gt(key));
    }
    if let Some(limit) = limit {
        query = query.limit(limit);
    }
    let rows: Vec<(StrategyRow, Option<RegisterKey>, Option<RegisterKey>)> = query.load(tenant.connection)?;
    Ok(rows.into_iter().map(|(row, adopted_by, predecessor)| row.into_summary(adopted_by, predecessor)).collect())
}

/// The strategy with this id or key, with all of its parts.
pub fn tree(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Tree>> {
    Ok(trees(tenant, Filter::one(reference))?.pop())
}

/// [`tree`], or 404.
pub fn existing_tree(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Tree> {
    tree(tenant, reference)?.ok_or_else(|| Problem::not_found("strategy"))
}

/// Strategies with all of their parts: one statement per table, however many parts there are.
pub fn trees(tenant: &mut Tenant<'_>, filter: Filter) -> Result<Vec<Tree>> {
    let summaries = list(tenant, filter, None)?;
    let ids: Vec<Id> = summaries.iter().map(Entity::id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let scope = Scope::Strategies(&ids);
    let (mut objectives, mut actions): (HashMap<Id, Vec<_>>, HashMap<Id, Vec<_>>) = Default::default();
    let mut stating = HashMap::<Id, _>::new();
    for located in parts::objectives(tenant, Objectives::In(scope))? {
        if located.states_counterpart {
            stating.entry(located.place.strategy_id).or_insert_with(Vec::new).push(located.part.id());
        }
        objectives.entry(located.place.focus_area_id).or_default().push(located.part);
    }
    for (place, action) in parts::actions(tenant, scope)? {
        actions.entry(place.focus_area_id).or_default().push(action);
    }
    let mut areas: HashMap<Id, Vec<FocusArea>> = HashMap::new();
    for (place, own) in parts::focus_areas(tenant, scope)? {
        areas.entry(place.strategy_id).or_default().push(FocusArea {
            objectives: objectives.remove(&own.id()).unwrap_or_default(),
            actions: actions.remove(&own.id()).unwrap_or_default(),
            own,
        });
    }
    let tree = |own: StrategySummary| {
        let focus_areas = areas.remove(&own.id()).unwrap_or_default();
        let stating = stating.remove(&own.id()).unwrap_or_default().into_iter().collect();
        Tree { strategy: Strategy { own, focus_areas }, stating }
    };
    Ok(summaries.into_iter().map(tree).collect())
}
