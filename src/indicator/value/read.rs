//! Reading values: measured values and what is derived from them, as far as the client may see them.

use std::collections::{BTreeMap, HashMap};
use std::ops::{ControlFlow, RangeInclusive};

use super::head::{IndicatorHead, IndicatorSelector};
use super::json_stat;
use super::model::{ItemPosition, ReplacedValue, ValueItem};
use super::query::{ResolvedQuery, ValueQuery};
use super::store::heads::{head_of, selected_heads};
use super::store::{self, BenchmarkValue, Filter, ReplacedPosition, SeriesKey, SeriesOwners, SeriesValue, StoredValue};
use crate::db::Tenant;
use crate::db::types::{Id, Key, Reference};
use crate::indicator::coverage::{self, Coverage};
use crate::indicator::derived::{self, Aggregate, ByPeriod, Derived};
use crate::indicator::store as indicators;
use crate::language::Language;
use crate::period::Period;
use crate::problem::{Problem, Result};

/// A page of values: their indicators, the values, and where the next page begins.
pub type ValuePage = (Vec<IndicatorHead>, Vec<ValueItem>, Option<ItemPosition>);

/// At most `limit` values after a position.
pub fn page(
    tenant: &mut Tenant<'_>,
    selector: IndicatorSelector,
    query: ValueQuery,
    after: Option<&ItemPosition>,
    limit: usize,
) -> Result<ValuePage> {
    let heads = selected_heads(tenant, selector)?;
    let query = ResolvedQuery::resolve(tenant, query)?;
    let mut items = collect(tenant, &heads, &query, after, limit)?;
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(ValueItem::position);
    Ok((heads, items, next))
}

/// All values as a cube, in JSON.
pub fn cube(
    tenant: &mut Tenant<'_>,
    selector: IndicatorSelector,
    query: ValueQuery,
    language: Language,
) -> Result<Vec<u8>> {
    let heads = selected_heads(tenant, selector)?;
    let query = ResolvedQuery::resolve(tenant, query)?;
    // With one more than fits, the cube is refused.
    let items = collect(tenant, &heads, &query, None, json_stat::MOST_CELLS)?;
    let names = store::unit_names(tenant)?;
    let cube = json_stat::cube(&heads, &items, &names, language)?;
    serde_json::to_vec(&cube).map_err(Problem::internal)
}

/// More than `limit` values, if there are so many; else all of them.
fn collect(
    tenant: &mut Tenant<'_>,
    heads: &[IndicatorHead],
    query: &ResolvedQuery,
    after: Option<&ItemPosition>,
    limit: usize,
) -> Result<Vec<ValueItem>> {
    let mut items: Vec<ValueItem> = Vec::new();
    visit(tenant, heads, query, after, |_, batch| {
        items.extend(batch);
        Ok(if items.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(items)
}

/// The values of one benchmark of an indicator, by period. Fails with 404 where there is no such benchmark.
pub fn benchmark_values(
    tenant: &mut Tenant<'_>,
    indicator: &Reference,
    key: &Key,
    periods: RangeInclusive<i32>,
) -> Result<(IndicatorHead, Vec<ValueItem>)> {
    let head = head_of(tenant, indicator)?;
    if !indicators::benchmark_ids(tenant, &[head.id])?.contains_key(&(head.id, key.clone())) {
        return Err(Problem::not_found("benchmark"));
    }
    let values = store::benchmark_values(tenant, &[head.id], Some(key), periods)?;
    let item = |value: BenchmarkValue| ValueItem {
        benchmark: Some(value.benchmark),
        value: Some(value.value),
        is_provisional: value.is_provisional,
        note: value.note,
        ..ValueItem::empty(&head.key, value.period, None, "")
    };
    let items = values.into_iter().map(item).collect();
    Ok((head, items))
}

/// At most `limit` replaced values of an indicator after a position, the last replaced first.
pub fn replaced_values(
    tenant: &mut Tenant<'_>,
    indicator: &Reference,
    periods: RangeInclusive<i32>,
    after: Option<ReplacedPosition>,
    limit: i64,
) -> Result<Vec<(ReplacedPosition, ReplacedValue)>> {
    let head = head_of(tenant, indicator)?;
    store::replaced(tenant, head.id, periods, after, limit)
}

/// Hands the selected values of some indicators to `take`, in order and in batches, until it breaks off. Only values
/// after the position `after`.
pub fn visit(
    tenant: &mut Tenant<'_>,
    heads: &[IndicatorHead],
    query: &ResolvedQuery,
    after: Option<&ItemPosition>,
    mut take: impl FnMut(&IndicatorHead, Vec<ValueItem>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let first = after.map_or(0, |(key, ..)| heads.partition_point(|head| head.key.as_str() < key.as_str()));
    let heads = &heads[first..];
    let definitions: Vec<_> = heads.iter().filter_map(IndicatorHead::coverage).collect();
    let coverage = coverage::coverage(tenant, &definitions, query.filters.today)?;
    let is_new = |item: &ValueItem| after.is_none_or(|after| item.position() > *after);
    if query.has_few_units() {
        let mut items = read_few_units(tenant, heads, query, &coverage)?;
        for head in heads {
            let own = items.remove(&head.id).unwrap_or_default().into_iter().filter(is_new).collect();
            if take(head, newest_only(own, query))?.is_break() {
                return Ok(());
            }
        }
        return Ok(());
    }
    for head in heads {
        let derived = derived_of(tenant, std::slice::from_ref(head), query)?;
        let reader = IndicatorReader { head, derived: derived.get(&head.id), coverage: coverage.get(&head.id), query };
        let mut years: Vec<_> = head.years().collect();
        let owners = if years.is_empty() { SeriesOwners::new() } else { store::series_owners(tenant, head.id)? };
        // Coverage is in memory: it has no stored years, and takes no statement to read.
        if reader.coverage.is_some() {
            years = vec![0..=i32::MAX];
        }
        if query.filters.latest {
            years.reverse();
        }
        let first = after.filter(|after| after.0 == head.key.as_str()).map_or(0, |after| after.1);
        for year in years.into_iter().filter(|year| *year.end() >= first) {
            let items = reader.year(tenant, &owners, year)?.into_iter().filter(is_new).collect();
            let items = newest_only(items, query);
            let is_found = !items.is_empty();
            if is_found && take(head, items)?.is_break() {
                return Ok(());
            }
            if is_found && query.filters.latest {
                break;
            }
        }
    }
    Ok(())
}

fn newest_only(items: Vec<ValueItem>, query: &ResolvedQuery) -> Vec<ValueItem> {
    let newest = items.last().map(|item| item.period).filter(|_| query.filters.latest);
    items.into_iter().filter(|item| newest.is_none_or(|newest| item.period == newest)).collect()
}

/// The values of few units, by indicator. The number of statements is fixed, once the derived values of each indicator
/// are cached.
pub fn read_few_units(
    tenant: &mut Tenant<'_>,
    heads: &[IndicatorHead],
    query: &ResolvedQuery,
    coverage: &HashMap<Id, BTreeMap<Period, Coverage>>,
) -> Result<HashMap<Id, Vec<ValueItem>>> {
    let derived = derived_of(tenant, heads, query)?;
    let ids: Vec<Id> = heads.iter().map(|head| head.id).collect();
    let filter = Filter {
        indicators: &ids,
        periods: query.periods(),
        units: query.units.clone(),
        group: query.group.clone(),
        is_newest: query.filters.latest,
    };
    let mut measured: HashMap<Id, Vec<StoredValue>> = HashMap::new();
    for value in store::measured(tenant, filter)? {
        measured.entry(value.indicator_id).or_default().push(value);
    }
    let items = |head: &IndicatorHead| {
        let reader = IndicatorReader { head, derived: derived.get(&head.id), coverage: coverage.get(&head.id), query };
        (head.id, reader.items(measured.remove(&head.id).unwrap_or_default(), query.periods()))
    };
    Ok(heads.iter().map(items).collect())
}

fn derived_of(
    tenant: &mut Tenant<'_>,
    heads: &[IndicatorHead],
    query: &ResolvedQuery,
) -> Result<HashMap<Id, ByPeriod>> {
    let needing: Vec<IndicatorHead> = heads.iter().filter(|head| query.needs_derived(head)).cloned().collect();
    derived::derived(tenant, &needing)
}

/// Reads one indicator's values.
struct IndicatorReader<'r> {
    head: &'r IndicatorHead,
    derived: Option<&'r ByPeriod>,
    coverage: Option<&'r BTreeMap<Period, Coverage>>,
    query: &'r ResolvedQuery,
}

impl IndicatorReader<'_> {
    fn year(
        &self,
        tenant: &mut Tenant<'_>,
        owners: &SeriesOwners,
        year: RangeInclusive<i32>,
    ) -> Result<Vec<ValueItem>> {
        let selected = self.query.periods();
        let periods = *year.start().max(selected.start())..=*year.end().min(selected.end());
        if periods.is_empty() {
            return Ok(Vec::new());
        }
        if self.coverage.is_some() {
            return Ok(self.items(Vec::new(), periods));
        }
        let stored = |value: SeriesValue| -> Option<Result<StoredValue>> {
            let (unit, group) = owners.get(&value.series_id)?;
            if !self.query.selects(unit.as_ref().map(|(id, _)| *id), group) {
                return None;
            }
            let (unit, group, indicator_id) = (unit.clone(), group.clone(), self.head.id);
            let SeriesValue { value, people, is_provisional, note, period, .. } = value;
            Some(store::period_from_number(period).map(|period| StoredValue {
                indicator_id,
                unit,
                group,
                period,
                value,
                people,
                is_provisional,
                note,
            }))
        };
        let values = store::all_values(tenant, self.head.id, periods.clone())?;
        let measured = values.into_iter().filter_map(stored).collect::<Result<_>>()?;
        Ok(self.items(measured, periods))
    }

    /// Measured values together with the derived ones of some periods, in order.
    fn items(&self, measured: Vec<StoredValue>, periods: RangeInclusive<i32>) -> Vec<ValueItem> {
        let mut items: Vec<ValueItem> = measured.into_iter().map(|value| self.measured_item(value)).collect();
        if !self.query.filters.only_measured {
            let derived = self.derived.into_iter().flat_map(|derived| derived.iter().rev());
            let derived = derived.filter(|(period, _)| periods.contains(&period.number()));
            let mut found = derived.map(|(period, derived)| self.aggregate_items(*period, derived));
            if self.query.filters.latest {
                items.extend(found.find(|aggregates| !aggregates.is_empty()).unwrap_or_default());
            } else {
                items.extend(found.flatten());
            }
            if self.query.selects(None, "") {
                let covered = self.coverage.into_iter().flatten();
                let covered = covered.filter(|(period, _)| periods.contains(&period.number()));
                items.extend(covered.map(|(period, coverage)| self.coverage_item(*period, coverage)));
            }
        }
        items.sort_unstable_by(|a, b| {
            (a.period.number(), &a.unit, &a.group).cmp(&(b.period.number(), &b.unit, &b.group))
        });
        items
    }

    fn measured_item(&self, stored: StoredValue) -> ValueItem {
        let unit_id = stored.unit.as_ref().map(|(id, _)| *id);
        let is_suppressed = self.is_suppressed(stored.period, unit_id, &stored.group);
        ValueItem {
            value: Some(stored.value),
            count: stored.people.map(i64::from),
            is_provisional: stored.is_provisional,
            note: stored.note,
            ..ValueItem::empty(&self.head.key, stored.period, stored.unit.map(|(_, key)| key), &stored.group)
        }
        .suppressed_if(is_suppressed)
    }

    fn aggregate_items(&self, period: Period, derived: &Derived) -> Vec<ValueItem> {
        let by_unit: Vec<&Vec<Aggregate>> = match &self.query.unit_ids {
            None => derived.aggregates.values().collect(),
            Some(ids) => ids.iter().filter_map(|unit| derived.aggregates.get(unit)).collect(),
        };
        let found = by_unit.into_iter().flatten();
        let selected =
            found.filter(|aggregate| self.query.group.as_ref().is_none_or(|group| *group == aggregate.group));
        selected.map(|aggregate| self.aggregate_item(period, aggregate)).collect()
    }

    fn aggregate_item(&self, period: Period, aggregate: &Aggregate) -> ValueItem {
        let unit_id = aggregate.unit.as_ref().map(|(id, _)| *id);
        let is_suppressed = self.is_suppressed(period, unit_id, &aggregate.group);
        ValueItem {
            value: Some(aggregate.value),
            count: aggregate.people,
            is_provisional: aggregate.is_provisional,
            is_aggregated: true,
            units_with_value: Some(aggregate.completeness.measured),
            units: Some(aggregate.completeness.workplaces),
            ..ValueItem::empty(
                &self.head.key,
                period,
                aggregate.unit.as_ref().map(|(_, key)| key.clone()),
                &aggregate.group,
            )
        }
        .suppressed_if(is_suppressed)
    }

    fn coverage_item(&self, period: Period, coverage: &Coverage) -> ValueItem {
        ValueItem {
            value: Some(coverage.share),
            count: Some(coverage.expected),
            is_provisional: coverage.is_provisional,
            ..ValueItem::empty(&self.head.key, period, None, "")
        }
    }

    /// Whether a value is hidden from the client. Without derived values for its period, it is.
    fn is_suppressed(&self, period: Period, unit: Option<Id>, group: &str) -> bool {
        if self.query.filters.sees_all || self.head.min_group.is_none() {
            return false;
        }
        let key: SeriesKey = (unit, group.to_owned());
        let derived = self.derived.and_then(|derived| derived.get(&period));
        derived.is_none_or(|derived| derived.suppressed.contains(&key))
    }
}
