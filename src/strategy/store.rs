//! Queries that read strategies and their parts.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::model::{
    Explainer, FocusArea, FocusAreaFields, Objective, ObjectiveBody, ObjectiveKind, Source, Strategy, StrategyFields,
    StrategyKind, StrategyStatus, StrategySummary,
};
use super::tree::Tree;
use crate::action::model::Action;
use crate::action::store as actions;
use crate::db::Tenant;
use crate::db::schema::aliases::{continued_areas, continued_strategies, predecessor_strategies};
use crate::db::schema::{committees, focus_area_lineage, focus_areas, objective_counterparts, objectives, strategies};
use crate::db::types::{Id, Json, Key, Reference, RegisterKey, Timestamp};
use crate::period::Period;
use crate::problem::{Problem, Result};
use crate::reference_index::ReferenceIndex;
use crate::resource::Entity;
use crate::text::{LongText, SearchText, ShortText};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = strategies, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct StrategyRow {
    id: Id,
    municipality_id: Id,
    key: Key,
    title: ShortText,
    headline: Option<ShortText>,
    kind: StrategyKind,
    status: StrategyStatus,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    period_note: Option<ShortText>,
    adopted_by_id: Option<Id>,
    adopted_in: Option<Period>,
    adopted_note: Option<ShortText>,
    predecessor_id: Option<Id>,
    vision: Option<LongText>,
    purpose: Option<LongText>,
    background: Option<LongText>,
    legal_basis: Option<LongText>,
    review_note: Option<LongText>,
    source: Option<Json<Source>>,
    explainers: Json<Vec<Explainer>>,
    search_text: String,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl StrategyRow {
    pub(super) fn new(
        municipality_id: Id,
        strategy: &StrategySummary,
        adopted_by_id: Option<Id>,
        predecessor_id: Option<Id>,
    ) -> Self {
        let body = strategy.body.clone();
        Self {
            id: strategy.id(),
            municipality_id,
            search_text: body.search_text(),
            key: body.key,
            title: body.title,
            headline: body.headline,
            kind: body.kind,
            status: body.status,
            starts_on: body.starts_on,
            ends_on: body.ends_on,
            period_note: body.period_note,
            adopted_by_id,
            adopted_in: body.adopted_in,
            adopted_note: body.adopted_note,
            predecessor_id,
            vision: body.vision,
            purpose: body.purpose,
            background: body.background,
            legal_basis: body.legal_basis,
            review_note: body.review_note,
            source: body.source.map(Json),
            explainers: Json(body.explainers),
            version: strategy.revision.version,
            created_at: strategy.revision.created_at,
            updated_at: strategy.revision.updated_at,
        }
    }

    fn into_summary(self, adopted_by: Option<RegisterKey>, predecessor: Option<RegisterKey>) -> StrategySummary {
        let body = StrategyFields {
            key: self.key,
            title: self.title,
            headline: self.headline,
            kind: self.kind,
            status: self.status,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            period_note: self.period_note,
            adopted_by: adopted_by.map(Into::into),
            adopted_in: self.adopted_in,
            adopted_note: self.adopted_note,
            predecessor: predecessor.map(Into::into),
            vision: self.vision,
            purpose: self.purpose,
            background: self.background,
            legal_basis: self.legal_basis,
            review_note: self.review_note,
            source: self.source.map(|source| source.0),
            explainers: self.explainers.0,
        };
        Entity::found(self.id, body, (self.version, self.created_at, self.updated_at))
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = focus_areas, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct FocusAreaRow {
    id: Id,
    municipality_id: Id,
    strategy_id: Id,
    position: i32,
    key: Key,
    number: Option<ShortText>,
    title: ShortText,
    subtitle: Option<ShortText>,
    vision: Option<LongText>,
    context: Option<LongText>,
    follow_up: Option<LongText>,
    explainers: Json<Vec<Explainer>>,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl FocusAreaRow {
    pub(super) fn new(municipality_id: Id, strategy_id: Id, position: i32, area: &Entity<FocusAreaFields>) -> Self {
        let body = area.body.clone();
        Self {
            id: area.id(),
            municipality_id,
            strategy_id,
            position,
            key: body.key,
            number: body.number,
            title: body.title,
            subtitle: body.subtitle,
            vision: body.vision,
            context: body.context,
            follow_up: body.follow_up,
            explainers: Json(body.explainers),
            version: area.revision.version,
            created_at: area.revision.created_at,
            updated_at: area.revision.updated_at,
        }
    }

    fn into_area(self, strategy: &Key, continues: Vec<Reference>) -> Entity<FocusAreaFields> {
        let path = format!("{strategy}/{}", self.key);
        let body = FocusAreaFields {
            key: self.key,
            number: self.number,
            title: self.title,
            subtitle: self.subtitle,
            vision: self.vision,
            context: self.context,
            follow_up: self.follow_up,
            continues,
            explainers: self.explainers.0,
        };
        let mut area = Entity::found(self.id, body, (self.version, self.created_at, self.updated_at));
        area.identity.path = Some(path);
        area
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = objectives, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct ObjectiveRow {
    id: Id,
    municipality_id: Id,
    focus_area_id: Id,
    position: i32,
    key: Key,
    kind: ObjectiveKind,
    text: LongText,
    evidence: Option<LongText>,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ObjectiveRow {
    pub(super) fn new(municipality_id: Id, focus_area_id: Id, position: i32, objective: &Objective) -> Self {
        let body = objective.body.clone();
        Self {
            id: objective.id(),
            municipality_id,
            focus_area_id,
            position,
            key: body.key,
            kind: body.kind,
            text: body.text,
            evidence: body.evidence,
            version: objective.revision.version,
            created_at: objective.revision.created_at,
            updated_at: objective.revision.updated_at,
        }
    }

    fn into_objective(self, path: &[RegisterKey; 3], counterpart: Option<&[RegisterKey; 3]>) -> Objective {
        let body = ObjectiveBody {
            key: self.key,
            kind: self.kind,
            text: self.text,
            evidence: self.evidence,
            counterpart: counterpart.map(|counterpart| Reference::shortest(counterpart, &path[..2])),
        };
        let mut objective = Entity::found(self.id, body, (self.version, self.created_at, self.updated_at));
        objective.identity.path = Some(Reference::Path(path.to_vec()).to_string());
        objective
    }
}

/// Which strategies are wanted.
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
    /// Only those whose period holds this day.
    pub on: Option<NaiveDate>,
    /// Only those whose title, headline or key contains this.
    pub q: Option<SearchText>,
    /// Only those after this key.
    pub after: Option<Key>,
}

impl Filter {
    /// The strategy under an id or key.
    pub fn one(reference: &Reference) -> Self {
        match (reference, reference.key()) {
            (Reference::Id(id), _) => Self { id: Some(*id), ..Self::default() },
            // What only the register's wider alphabet allows is no strategy's key.
            (_, key) => Self {
                keys: Some(key.and_then(|key| key.as_str().parse().ok()).into_iter().collect()),
                ..Self::default()
            },
        }
    }
}

/// At most `limit` strategies, without their parts, in the order of their keys.
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

/// The strategy under an id or key with all of its parts.
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
    let keys: HashMap<Id, Key> = summaries.iter().map(|strategy| (strategy.id(), strategy.body.key.clone())).collect();
    let mut lineage = lineage(tenant, &ids)?;
    let (mut objectives, stating) = objectives_by_area(tenant, &ids)?;
    let mut actions = actions_by_area(tenant, &ids)?;
    let rows: Vec<FocusAreaRow> = focus_areas::table
        .filter(focus_areas::strategy_id.eq_any(&ids))
        .order((focus_areas::strategy_id, focus_areas::position))
        .select(FocusAreaRow::as_select())
        .load(tenant.connection)?;
    let mut areas: HashMap<Id, Vec<FocusArea>> = HashMap::new();
    for row in rows {
        let (id, strategy_id) = (row.id, row.strategy_id);
        let Some(strategy) = keys.get(&strategy_id) else { continue };
        areas.entry(strategy_id).or_default().push(FocusArea {
            own: row.into_area(strategy, lineage.remove(&id).unwrap_or_default()),
            objectives: objectives.remove(&id).unwrap_or_default(),
            actions: actions.remove(&id).unwrap_or_default(),
        });
    }
    let tree = |own: StrategySummary| {
        let focus_areas = areas.remove(&own.id()).unwrap_or_default();
        let held = focus_areas.iter().flat_map(|area| &area.objectives).map(Entity::id);
        let stating = held.filter(|id| stating.contains(id)).collect();
        Tree { strategy: Strategy { own, focus_areas }, stating }
    };
    Ok(summaries.into_iter().map(tree).collect())
}

fn lineage(tenant: &mut Tenant<'_>, strategy_ids: &[Id]) -> Result<HashMap<Id, Vec<Reference>>> {
    let rows: Vec<(Id, RegisterKey, RegisterKey)> = focus_area_lineage::table
        .inner_join(focus_areas::table.on(focus_areas::id.eq(focus_area_lineage::focus_area_id)))
        .inner_join(continued_areas.on(continued_areas.field(focus_areas::id).eq(focus_area_lineage::continues_id)))
        .inner_join(
            continued_strategies
                .on(continued_strategies.field(strategies::id).eq(continued_areas.field(focus_areas::strategy_id))),
        )
        .filter(focus_areas::strategy_id.eq_any(strategy_ids))
        .order((focus_area_lineage::focus_area_id, focus_area_lineage::position))
        .select((
            focus_area_lineage::focus_area_id,
            continued_strategies.field(strategies::key),
            continued_areas.field(focus_areas::key),
        ))
        .load(tenant.connection)?;
    let mut lineage: HashMap<Id, Vec<Reference>> = HashMap::new();
    for (id, strategy, area) in rows {
        lineage.entry(id).or_default().push(Reference::Path(vec![strategy, area]));
    }
    Ok(lineage)
}

type ObjectivesByArea = (HashMap<Id, Vec<Objective>>, HashSet<Id>);

fn objectives_by_area(tenant: &mut Tenant<'_>, strategy_ids: &[Id]) -> Result<ObjectivesByArea> {
    let rows: Vec<(ObjectiveRow, RegisterKey, RegisterKey)> = objectives::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(focus_areas::strategy_id.eq_any(strategy_ids))
        .order((objectives::focus_area_id, objectives::position))
        .select((ObjectiveRow::as_select(), strategies::key, focus_areas::key))
        .load(tenant.connection)?;
    let pairs: Vec<(Id, Id)> = objective_counterparts::table
        .inner_join(
            objectives::table
                .inner_join(focus_areas::table)
                .on(objectives::id.eq(objective_counterparts::objective_id)),
        )
        .filter(focus_areas::strategy_id.eq_any(strategy_ids))
        .select((objective_counterparts::objective_id, objective_counterparts::counterpart_id))
        .load(tenant.connection)?;
    let stating = pairs.iter().map(|(stating, _)| *stating).collect();
    let counterparts: HashMap<Id, Id> = pairs.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]).collect();
    let paths: HashMap<Id, [RegisterKey; 3]> = rows
        .iter()
        .map(|(row, strategy, area)| (row.id, [strategy.clone(), area.clone(), row.key.clone().into()]))
        .collect();
    let mut by_area: HashMap<Id, Vec<Objective>> = HashMap::new();
    for (row, ..) in rows {
        let counterpart = counterparts.get(&row.id).and_then(|id| paths.get(id));
        let Some(path) = paths.get(&row.id) else { continue };
        by_area.entry(row.focus_area_id).or_default().push(row.into_objective(path, counterpart));
    }
    Ok((by_area, stating))
}

fn actions_by_area(tenant: &mut Tenant<'_>, strategy_ids: &[Id]) -> Result<HashMap<Id, Vec<Action>>> {
    let filter = actions::Filter { strategy_ids: Some(strategy_ids.to_vec()), ..actions::Filter::default() };
    let mut by_area: HashMap<Id, Vec<Action>> = HashMap::new();
    for found in actions::list(tenant, filter, None)? {
        if let Some(place) = found.place {
            by_area.entry(place.focus_area_id).or_default().push(found.action);
        }
    }
    Ok(by_area)
}

/// The strategy that a focus area belongs to.
pub fn strategy_of_area(tenant: &mut Tenant<'_>, id: Id) -> Result<Option<Id>> {
    Ok(focus_areas::table
        .filter(focus_areas::municipality_id.eq(tenant.municipality_id))
        .filter(focus_areas::id.eq(id))
        .select(focus_areas::strategy_id)
        .first(tenant.connection)
        .optional()?)
}

/// The strategy that an objective belongs to.
pub fn strategy_of_objective(tenant: &mut Tenant<'_>, id: Id) -> Result<Option<Id>> {
    Ok(objectives::table
        .inner_join(focus_areas::table)
        .filter(objectives::municipality_id.eq(tenant.municipality_id))
        .filter(objectives::id.eq(id))
        .select(focus_areas::strategy_id)
        .first(tenant.connection)
        .optional()?)
}

/// The names of all strategies.
pub fn names(tenant: &mut Tenant<'_>) -> Result<ReferenceIndex> {
    let mine = strategies::municipality_id.eq(tenant.municipality_id);
    let rows = strategies::table.filter(mine).select((strategies::id, strategies::key));
    Ok(rows.load::<(Id, Key)>(tenant.connection)?.into_iter().collect())
}

/// A part's id with the keys that lead to it.
pub type PathRow = (Id, Vec<RegisterKey>);

/// The paths of all focus areas.
pub fn area_paths(tenant: &mut Tenant<'_>) -> Result<Vec<PathRow>> {
    let rows: Vec<(Id, RegisterKey, RegisterKey)> = focus_areas::table
        .inner_join(strategies::table)
        .filter(focus_areas::municipality_id.eq(tenant.municipality_id))
        .select((focus_areas::id, strategies::key, focus_areas::key))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|(id, strategy, area)| (id, vec![strategy, area])).collect())
}

/// The paths of all actions that stand in a plan.
pub fn action_paths(tenant: &mut Tenant<'_>) -> Result<Vec<PathRow>> {
    use crate::db::schema::actions;
    let rows: Vec<(Id, RegisterKey, RegisterKey, RegisterKey)> = actions::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .select((actions::id, strategies::key, focus_areas::key, actions::key))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|(id, strategy, area, key)| (id, vec![strategy, area, key])).collect())
}

/// Which strategy follows which, in the whole municipality.
pub fn predecessor_edges(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Id)>> {
    Ok(strategies::table
        .filter(strategies::municipality_id.eq(tenant.municipality_id))
        .filter(strategies::predecessor_id.is_not_null())
        .select((strategies::id, strategies::predecessor_id.assume_not_null()))
        .load(tenant.connection)?)
}

/// Which focus area continues which, in the whole municipality.
pub fn lineage_edges(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Id)>> {
    Ok(focus_area_lineage::table
        .inner_join(focus_areas::table.on(focus_areas::id.eq(focus_area_lineage::focus_area_id)))
        .filter(focus_areas::municipality_id.eq(tenant.municipality_id))
        .select((focus_area_lineage::focus_area_id, focus_area_lineage::continues_id))
        .load(tenant.connection)?)
}

/// The paths of the focus areas that continue one of `ids`, but for those of the strategies `except`.
pub fn continuing(tenant: &mut Tenant<'_>, ids: &[Id], except: &[Id]) -> Result<Vec<String>> {
    let rows: Vec<(Key, Key)> = focus_area_lineage::table
        .inner_join(
            focus_areas::table.inner_join(strategies::table).on(focus_areas::id.eq(focus_area_lineage::focus_area_id)),
        )
        .filter(focus_area_lineage::continues_id.eq_any(ids.to_vec()))
        .filter(focus_areas::strategy_id.ne_all(except.to_vec()))
        .select((strategies::key, focus_areas::key))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|(strategy, area)| format!("{strategy}/{area}")).collect())
}

/// The keys of the strategies that follow this one.
pub fn followers(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<String>> {
    Ok(strategies::table.filter(strategies::predecessor_id.eq(id)).select(strategies::key).load(tenant.connection)?)
}

/// The keys of the indicators that tell about some objectives.
pub(super) fn measuring(tenant: &mut Tenant<'_>, objective_ids: &[Id]) -> Result<Vec<String>> {
    use crate::db::schema::{indicator_objectives, indicators};
    Ok(indicator_objectives::table
        .inner_join(indicators::table)
        .filter(indicator_objectives::objective_id.eq_any(objective_ids))
        .order(indicators::key)
        .select(indicators::key)
        .distinct()
        .load(tenant.connection)?)
}
