//! What is derived from all values of an indicator together: the aggregates of units, and which values are hidden from
//! readers. Both depend on every value of a period. They are computed once and cached until something changes that
//! they depend on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use moka::ops::compute::{CompResult, Op};
use moka::sync::Cache;

use super::aggregate::{self, Completeness, UnitTree, UnitValue};
use super::model::Aggregation;
use super::suppression::{self, Cell};
use super::value::head::IndicatorHead;
use super::value::store::{self, SeriesKey, SeriesValue};
use crate::db::Tenant;
use crate::db::change_log;
use crate::db::types::{Id, RegisterKey, Timestamp};
use crate::organisation::model::UnitBody;
use crate::period::Period;
use crate::problem::{Problem, Result};
use crate::resource::Body;

/// The aggregate of a unit, computed from the units below it.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// The unit; none = the municipality.
    pub unit: Option<(Id, RegisterKey)>,
    /// The group; empty = everybody.
    pub group: String,
    /// The value.
    pub value: f64,
    /// How many people it is about.
    pub people: Option<i64>,
    /// Whether one of the values below is preliminary.
    pub is_provisional: bool,
    /// How much it covers.
    pub completeness: Completeness,
}

/// Derived from all values of one period.
#[derive(Debug, Default)]
pub struct Derived {
    /// Aggregates by unit; none = the municipality.
    pub aggregates: HashMap<Option<Id>, Vec<Aggregate>>,
    /// The values that readers don't see.
    pub suppressed: HashSet<SeriesKey>,
}

/// Derived from all values of an indicator, by period.
pub type ByPeriod = Arc<BTreeMap<Period, Derived>>;

/// All that derived values depend on: when values were last written, the aggregation, the smallest group that is shown,
/// and the unit tree.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Basis {
    values: Option<Timestamp>,
    aggregation: Aggregation,
    min_group: Option<i64>,
    tree: u64,
}

/// Derived values, with what they were computed from.
#[derive(Clone)]
struct Cached {
    basis: Basis,
    derived: ByPeriod,
}

/// The fingerprint of a unit tree, and the latest change when it was computed.
type CachedTree = ((i64, Timestamp), u64);

/// Derived values by indicator, and fingerprints of unit trees by municipality.
struct DerivedCache {
    indicators: Cache<Id, Cached>,
    trees: Cache<Id, CachedTree>,
}

/// How many entries each cache holds: many times the indicators of a municipality.
const CAPACITY: u64 = 2_000;

impl Default for DerivedCache {
    fn default() -> Self {
        Self { indicators: Cache::new(CAPACITY), trees: Cache::new(CAPACITY) }
    }
}

/// The derived values of each of some indicators. Indicators without any are left out.
pub fn derived(tenant: &mut Tenant<'_>, heads: &[IndicatorHead]) -> Result<HashMap<Id, ByPeriod>> {
    let needing: Vec<&IndicatorHead> = heads.iter().filter(|head| head.needs_all_values()).collect();
    let mut found = HashMap::new();
    if needing.is_empty() {
        return Ok(found);
    }
    let cache = tenant.cache::<DerivedCache>();
    let mut tree = None;
    let fingerprint = tree_fingerprint(tenant, &cache, &mut tree)?;
    for head in needing {
        let (values, aggregation, min_group) = (head.values_updated_at, head.aggregation, head.min_group);
        let basis = Basis { values, aggregation, min_group, tree: fingerprint };
        found.insert(head.id, cached_or_computed(tenant, &cache, head, basis, &mut tree)?);
    }
    Ok(found)
}

/// Requests for the same indicator compute its derived values once; others don't wait.
fn cached_or_computed(
    tenant: &mut Tenant<'_>,
    cache: &DerivedCache,
    head: &IndicatorHead,
    basis: Basis,
    tree: &mut Option<UnitTree>,
) -> Result<ByPeriod> {
    if let Some(cached) = cache.indicators.get(&head.id).filter(|cached| cached.basis == basis) {
        return Ok(cached.derived);
    }
    let result = cache.indicators.entry(head.id).and_try_compute_with(|entry| -> Result<_> {
        if entry.is_some_and(|entry| entry.value().basis == basis) {
            return Ok(Op::Nop);
        }
        let tree = match tree {
            Some(tree) => tree,
            None => tree.insert(store::tree(tenant)?),
        };
        let derived = Arc::new(compute(tenant, head, tree)?);
        Ok(Op::Put(Cached { basis, derived }))
    })?;
    match result {
        CompResult::Inserted(entry) | CompResult::ReplacedWith(entry) | CompResult::Unchanged(entry) => {
            Ok(entry.into_value().derived)
        }
        CompResult::Removed(_) | CompResult::StillNone(_) => Err(Problem::internal("derived values were not cached")),
    }
}

/// The fingerprint of the municipality's unit tree. The change log says whether the cached one still holds; else the
/// tree is read, into `tree`.
fn tree_fingerprint(tenant: &mut Tenant<'_>, cache: &DerivedCache, tree: &mut Option<UnitTree>) -> Result<u64> {
    let Some(newest) = change_log::newest(tenant)? else { return Ok(0) };
    if let Some((as_of, fingerprint)) = cache.trees.get(&tenant.municipality_id)
        && change_log::is_unchanged_since(tenant, as_of, UnitBody::ENTITY)?
    {
        return Ok(fingerprint);
    }
    let fingerprint = tree.insert(store::tree(tenant)?).fingerprint();
    cache.trees.insert(tenant.municipality_id, (newest, fingerprint));
    Ok(fingerprint)
}

/// Reads the values year by year, so that no more than a year's are in memory.
fn compute(tenant: &mut Tenant<'_>, head: &IndicatorHead, tree: &UnitTree) -> Result<BTreeMap<Period, Derived>> {
    let series = Series::new(store::series(tenant, head.id, None)?, tree);
    let mut found = BTreeMap::new();
    for periods in head.years() {
        let mut by_number: BTreeMap<i32, Vec<SeriesValue>> = BTreeMap::new();
        for value in store::all_values(tenant, head.id, periods)? {
            by_number.entry(value.period).or_default().push(value);
        }
        for (number, values) in by_number {
            let period = store::period_from_number(number)?;
            found.insert(period, derive_period(head, tree, &series, period, &values));
        }
    }
    Ok(found)
}

/// The series of an indicator, by numbers of unit and group.
struct Series {
    /// The groups; the first is everybody.
    groups: Vec<String>,
    /// The unit and the group of each series, by the series' id.
    positions: HashMap<i64, (usize, usize)>,
}

impl Series {
    fn new(stored: HashMap<SeriesKey, i64>, tree: &UnitTree) -> Self {
        let mut groups: Vec<String> = stored.keys().map(|(_, group)| group.clone()).chain([String::new()]).collect();
        groups.sort_unstable();
        groups.dedup();
        let position = |((unit, group), id): (SeriesKey, i64)| {
            let group = groups.binary_search(&group).ok()?;
            Some((id, (tree.number(unit)?, group)))
        };
        let positions = stored.into_iter().filter_map(position).collect();
        Self { groups, positions }
    }
}

fn derive_period(
    head: &IndicatorHead,
    tree: &UnitTree,
    series: &Series,
    period: Period,
    values: &[SeriesValue],
) -> Derived {
    // Only groups that occur in the period get a number; the first is everybody.
    let used = values.iter().filter_map(|value| series.positions.get(&value.series_id)).map(|(_, group)| *group);
    let numbers: Vec<usize> = used.chain([0]).collect::<BTreeSet<_>>().into_iter().collect();
    let measured = |stored: &SeriesValue| {
        let (unit, group) = *series.positions.get(&stored.series_id)?;
        let group = numbers.binary_search(&group).ok()?;
        let people = stored.people.map(i64::from);
        let (value, is_provisional) = (stored.value, stored.is_provisional);
        Some(UnitValue { unit, group, value, people, is_provisional, completeness: None })
    };
    let mut cells: Vec<UnitValue> = values.iter().filter_map(measured).collect();
    let aggregates = aggregate::aggregates(tree, period, &cells, head.aggregation);
    let key = |cell: &UnitValue| (tree.id(cell.unit), series.groups[numbers[cell.group]].clone());
    cells.extend(&aggregates);
    let suppressed = head.min_group.map(|least| suppressed(head, tree, &cells, least)).unwrap_or_default();
    let suppressed = cells.iter().zip(suppressed).filter(|(_, is)| *is).map(|(cell, _)| key(cell)).collect();
    let aggregate = |cell: &UnitValue| {
        Some(Aggregate {
            unit: tree.id(cell.unit).zip(tree.key(cell.unit).cloned()),
            group: series.groups[numbers[cell.group]].clone(),
            value: cell.value,
            people: cell.people,
            is_provisional: cell.is_provisional,
            completeness: cell.completeness?,
        })
    };
    let mut by_unit: HashMap<Option<Id>, Vec<Aggregate>> = HashMap::new();
    for found in aggregates.iter().filter_map(aggregate) {
        by_unit.entry(found.unit.as_ref().map(|(id, _)| *id)).or_default().push(found);
    }
    Derived { aggregates: by_unit, suppressed }
}

fn suppressed(head: &IndicatorHead, tree: &UnitTree, cells: &[UnitValue], least: i64) -> Vec<bool> {
    // A mean without a number of people has no weight, so aggregates leave it out.
    let is_mean = head.aggregation == Aggregation::Mean;
    let cell = |cell: &UnitValue| Cell {
        unit: cell.unit,
        group: cell.group,
        people: cell.people,
        is_aggregate: cell.completeness.is_some(),
        is_left_out: is_mean && cell.people.is_none_or(|people| people <= 0),
    };
    let cells: Vec<Cell> = cells.iter().map(cell).collect();
    suppression::suppressed(tree.parents(), &cells, least)
}
