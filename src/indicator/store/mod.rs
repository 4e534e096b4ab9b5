//! Queries for indicators, their benchmarks and targets. Queries for values are in [`super::value::store`].

pub mod write;

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::model::{Aggregation, BenchmarkBody, Direction, Frequency, Indicator, IndicatorBody, Method};
use super::target::{Target, TargetRule};
use crate::action::store as actions;
use crate::date_range::DateRange;
use crate::db::Tenant;
use crate::db::schema::{
    benchmarks, focus_areas, indicator_objectives, indicator_values, indicators, levels, objectives, strategies,
    targets, units, value_series,
};
use crate::db::types::{Id, Key, Reference, RegisterKey, Timestamp};
use crate::period::Period;
use crate::problem::Result;
use crate::resource::Entity;
use crate::text::{LongText, SearchText, ShortText};
use crate::web_address::WebAddress;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = indicators, treat_none_as_null = true, treat_none_as_default_value = false)]
struct IndicatorRow {
    id: Id,
    municipality_id: Id,
    key: Key,
    title: ShortText,
    definition: Option<LongText>,
    definition_url: Option<WebAddress>,
    unit_of_measure: Option<ShortText>,
    direction: Direction,
    frequency: Frequency,
    source: Option<ShortText>,
    method: Method,
    decimals: Option<i32>,
    min_group: Option<i32>,
    aggregation: Aggregation,
    coverage_action_id: Option<Id>,
    coverage_level_id: Option<Id>,
    retired_on: Option<NaiveDate>,
    search_text: String,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl IndicatorRow {
    /// The row of an indicator. `coverage`: the action and the level of a computed one.
    fn new(municipality_id: Id, indicator: &Indicator, coverage: (Option<Id>, Option<Id>)) -> Self {
        let body = indicator.body.clone();
        Self {
            id: indicator.id(),
            municipality_id,
            search_text: body.search_text(),
            key: body.key,
            title: body.title,
            definition: body.definition,
            definition_url: body.definition_url,
            unit_of_measure: body.unit_of_measure,
            direction: body.direction,
            frequency: body.frequency,
            source: body.source,
            method: body.method,
            decimals: body.decimals,
            min_group: body.min_group,
            aggregation: body.aggregation,
            coverage_action_id: coverage.0,
            coverage_level_id: coverage.1,
            retired_on: body.retired_on,
            version: indicator.revision.version,
            created_at: indicator.revision.created_at,
            updated_at: indicator.revision.updated_at,
        }
    }

    fn into_indicator(self, parts: &mut Parts, coverage_level: Option<RegisterKey>) -> Indicator {
        let body = IndicatorBody {
            key: self.key,
            title: self.title,
            definition: self.definition,
            definition_url: self.definition_url,
            unit_of_measure: self.unit_of_measure,
            direction: self.direction,
            frequency: self.frequency,
            source: self.source,
            method: self.method,
            decimals: self.decimals,
            min_group: self.min_group,
            aggregation: self.aggregation,
            objectives: parts.objectives.remove(&self.id).unwrap_or_default(),
            coverage_of: self.coverage_action_id.and_then(|id| parts.actions.path(id)).cloned(),
            coverage_level: coverage_level.map(Into::into),
            benchmarks: parts.benchmarks.remove(&self.id).unwrap_or_default(),
            targets: parts.targets.remove(&self.id).unwrap_or_default(),
            retired_on: self.retired_on,
        };
        Entity::found(self.id, body, (self.version, self.created_at, self.updated_at))
    }
}

/// The parts of indicators in tables of their own.
struct Parts {
    objectives: HashMap<Id, Vec<Reference>>,
    benchmarks: HashMap<Id, Vec<BenchmarkBody>>,
    targets: HashMap<Id, Vec<Target>>,
    actions: actions::ActionIndex,
}

/// Selects indicators. Conditions that are set must all hold.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only this one.
    pub id: Option<Id>,
    /// Only those with these keys.
    pub keys: Option<Vec<Key>>,
    /// Only those attached to objectives of this strategy.
    pub strategy: Option<Reference>,
    /// Only those attached to this objective.
    pub objective: Option<Id>,
    /// Only those attached to objectives of this focus area.
    pub focus_area: Option<Id>,
    /// Only those with this method.
    pub method: Option<Method>,
    /// Only those with this frequency.
    pub frequency: Option<Frequency>,
    /// Only those that are retired on this day, or only the others.
    pub retired: Option<(bool, NaiveDate)>,
    /// Only those whose title, definition, source or key contains this.
    pub q: Option<SearchText>,
    /// Only those after this key.
    pub after: Option<Key>,
}

/// At most `limit` indicators in the order of their keys.
pub fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>) -> Result<Vec<Indicator>> {
    let mut query = indicators::table
        .left_join(levels::table)
        .filter(indicators::municipality_id.eq(tenant.municipality_id))
        .order(indicators::key)
        .select((IndicatorRow::as_select(), levels::key.nullable()))
        .into_boxed();
    if let Some(id) = filter.id {
        query = query.filter(indicators::id.eq(id));
    }
    if let Some(keys) = filter.keys {
        query = query.filter(indicators::key.eq_any(keys));
    }
    let attached = indicator_objectives::table
        .inner_join(objectives::table.inner_join(focus_areas::table.inner_join(strategies::table)));
    match filter.strategy {
        Some(Reference::Id(id)) => {
            let ids = attached.filter(strategies::id.eq(id)).select(indicator_objectives::indicator_id);
            query = query.filter(indicators::id.eq_any(ids));
        }
        Some(path) => {
            let ids = attached.filter(strategies::key.eq(path.to_string())).select(indicator_objectives::indicator_id);
            query = query.filter(indicators::id.eq_any(ids));
        }
        None => {}
    }
    if let Some(id) = filter.focus_area {
        let ids = attached.filter(focus_areas::id.eq(id)).select(indicator_objectives::indicator_id);
        query = query.filter(indicators::id.eq_any(ids));
    }
    if let Some(id) = filter.objective {
        let ids = indicator_objectives::table.filter(indicator_objectives::objective_id.eq(id));
        query = query.filter(indicators::id.eq_any(ids.select(indicator_objectives::indicator_id)));
    }
    if let Some(method) = filter.method {
        query = query.filter(indicators::method.eq(method));
    }
    if let Some(frequency) = filter.frequency {
        query = query.filter(indicators::frequency.eq(frequency));
    }
    query = match filter.retired {
        Some((true, day)) => query.filter(indicators::retired_on.le(day)),
        Some((false, day)) => query.filter(indicators::retired_on.is_null().or(indicators::retired_on.gt(day))),
        None => query,
    };
    if let Some(q) = filter.q {
        query = query.filter(indicators::search_text.like(q.pattern()).escape('\\'));
    }
    if let Some(key) = filter.after {
        query = query.filter(indicators::key.gt(key));
    }
    if let Some(limit) = limit {
        query = query.limit(limit);
    }
    let rows: Vec<(IndicatorRow, Option<RegisterKey>)> = query.load(tenant.connection)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut parts = parts(tenant, &rows)?;
    Ok(rows.into_iter().map(|(row, level)| row.into_indicator(&mut parts, level)).collect())
}

fn parts(tenant: &mut Tenant<'_>, rows: &[(IndicatorRow, Option<RegisterKey>)]) -> Result<Parts> {
    let ids: Vec<Id> = rows.iter().map(|(row, _)| row.id).collect();
    let covered: Vec<Id> = rows.iter().filter_map(|(row, _)| row.coverage_action_id).collect();
    let actions = if covered.is_empty() { Default::default() } else { actions::plan_actions(tenant, Some(covered))? };
    Ok(Parts {
        objectives: stored_objectives(tenant, &ids)?,
        benchmarks: stored_benchmarks(tenant, &ids)?,
        targets: stored_targets(tenant, &ids)?,
        actions,
    })
}

fn stored_objectives(tenant: &mut Tenant<'_>, ids: &[Id]) -> Result<HashMap<Id, Vec<Reference>>> {
    let rows: Vec<(Id, RegisterKey, RegisterKey, RegisterKey)> = indicator_objectives::table
        .inner_join(objectives::table.inner_join(focus_areas::table.inner_join(strategies::table)))
        .filter(indicator_objectives::indicator_id.eq_any(ids))
        .order((indicator_objectives::indicator_id, indicator_objectives::position))
        .select((indicator_objectives::indicator_id, strategies::key, focus_areas::key, objectives::key))
        .load(tenant.connection)?;
    let mut stored: HashMap<Id, Vec<Reference>> = HashMap::new();
    for (id, strategy, area, key) in rows {
        stored.entry(id).or_default().push(Reference::Path(vec![strategy, area, key]));
    }
    Ok(stored)
}

fn stored_benchmarks(tenant: &mut Tenant<'_>, ids: &[Id]) -> Result<HashMap<Id, Vec<BenchmarkBody>>> {
    let rows: Vec<(Id, Key, ShortText, Option<ShortText>)> = benchmarks::table
        .filter(benchmarks::indicator_id.eq_any(ids))
        .order((benchmarks::indicator_id, benchmarks::position))
        .select((benchmarks::indicator_id, benchmarks::key, benchmarks::name, benchmarks::source))
        .load(tenant.connection)?;
    let mut stored: HashMap<Id, Vec<BenchmarkBody>> = HashMap::new();
    for (id, key, name, source) in rows {
        stored.entry(id).or_default().push(BenchmarkBody { key, name, source });
    }
    Ok(stored)
}

fn stored_targets(tenant: &mut Tenant<'_>, ids: &[Id]) -> Result<HashMap<Id, Vec<Target>>> {
    type Row = (
        (Id, TargetRule, Option<f64>, Option<f64>),
        (Option<Period>, Option<Key>, Option<NaiveDate>, Option<Period>, Option<LongText>),
        Option<RegisterKey>,
    );
    let rows: Vec<Row> = targets::table
        .left_join(units::table)
        .filter(targets::indicator_id.eq_any(ids))
        .order((targets::indicator_id, targets::position))
        .select((
            (targets::indicator_id, targets::rule, targets::value, targets::tolerance),
            (targets::baseline_period, targets::benchmark, targets::decided_by, targets::period, targets::note),
            units::key.nullable(),
        ))
        .load(tenant.connection)?;
    let mut stored: HashMap<Id, Vec<Target>> = HashMap::new();
    for ((id, rule, value, tolerance), (baseline_period, benchmark, decided_by, period, note), unit) in rows {
        let unit = unit.map(Into::into);
        let target = Target { rule, value, tolerance, baseline_period, benchmark, decided_by, period, unit, note };
        stored.entry(id).or_default().push(target);
    }
    Ok(stored)
}

/// The ids of some indicators' benchmarks, by indicator and key.
pub fn benchmark_ids(tenant: &mut Tenant<'_>, ids: &[Id]) -> Result<HashMap<(Id, Key), Id>> {
    let rows: Vec<(Id, Key, Id)> = benchmarks::table
        .filter(benchmarks::indicator_id.eq_any(ids))
        .select((benchmarks::indicator_id, benchmarks::key, benchmarks::id))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|(indicator, key, id)| ((indicator, key), id)).collect())
}

/// The ids of the indicators attached to objectives of a strategy.
pub fn ids_of_strategy(tenant: &mut Tenant<'_>, strategy: &Reference) -> Result<Vec<Id>> {
    let query = indicator_objectives::table
        .inner_join(objectives::table.inner_join(focus_areas::table.inner_join(strategies::table)))
        .filter(strategies::municipality_id.eq(tenant.municipality_id))
        .select(indicator_objectives::indicator_id)
        .distinct()
        .into_boxed();
    let query = match strategy {
        Reference::Id(id) => query.filter(strategies::id.eq(*id)),
        path => query.filter(strategies::key.eq(path.to_string())),
    };
    Ok(query.load(tenant.connection)?)
}

/// The paths of all objectives, for references to them.
pub fn objective_paths(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Reference)>> {
    let rows: Vec<(Id, RegisterKey, RegisterKey, RegisterKey)> = objectives::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(objectives::municipality_id.eq(tenant.municipality_id))
        .select((objectives::id, strategies::key, focus_areas::key, objectives::key))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|(id, strategy, area, key)| (id, Reference::Path(vec![strategy, area, key]))).collect())
}

/// For each indicator, the time from the first day of its earliest to the last day of its latest strategy.
pub fn strategy_days(tenant: &mut Tenant<'_>, ids: &[Id]) -> Result<HashMap<Id, DateRange>> {
    let rows: Vec<(Id, DateRange)> = indicator_objectives::table
        .inner_join(objectives::table.inner_join(focus_areas::table.inner_join(strategies::table)))
        .filter(indicator_objectives::indicator_id.eq_any(ids))
        .select((indicator_objectives::indicator_id, (strategies::starts_on, strategies::ends_on)))
        .load(tenant.connection)?;
    let mut days: HashMap<Id, DateRange> = HashMap::new();
    for (id, range) in rows {
        days.entry(id).and_modify(|days| *days = days.span(range)).or_insert(range);
    }
    Ok(days)
}

/// How many series of values an indicator has, those of its benchmarks included.
pub fn series_count(tenant: &mut Tenant<'_>, id: Id) -> Result<i64> {
    Ok(value_series::table.filter(value_series::indicator_id.eq(id)).count().get_result(tenant.connection)?)
}

/// The periods for which an indicator or one of its benchmarks has values, in order.
pub fn stored_periods(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<Period>> {
    let numbers: Vec<i32> = indicator_values::table
        .inner_join(value_series::table)
        .filter(value_series::indicator_id.eq(id))
        .order(indicator_values::period)
        .select(indicator_values::period)
        .distinct()
        .load(tenant.connection)?;
    Ok(numbers.into_iter().filter_map(Period::from_number).collect())
}

/// The keys of the benchmarks among `ids` that have values.
pub fn measured_benchmarks(tenant: &mut Tenant<'_>, ids: &[Id]) -> Result<Vec<Key>> {
    Ok(value_series::table
        .inner_join(benchmarks::table)
        .filter(benchmarks::id.eq_any(ids))
        .order(benchmarks::key)
        .select(benchmarks::key)
        .load(tenant.connection)?)
}

/// Whether an indicator has values of its own.
pub fn has_own_values(tenant: &mut Tenant<'_>, id: Id) -> Result<bool> {
    let own =
        value_series::table.filter(value_series::indicator_id.eq(id)).filter(value_series::benchmark_id.is_null());
    Ok(own.select(value_series::id).first::<i64>(tenant.connection).optional()?.is_some())
}
