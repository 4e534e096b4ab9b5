//! What follows from all values of an indicator together: what units have by those below them, and which values are
//! hidden from readers. Both hang on every value of a period, so they are told once and remembered for as long as
//! nothing changes that they depend on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

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
use crate::problem::Result;
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

/// All that it follows from: when the values were last written, how they come up the tree, who is hidden, and the tree.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Basis {
    values: Option<Timestamp>,
    aggregation: Aggregation,
    min_group: Option<i64>,
    tree: u64,
}

struct Known {
    basis: Basis,
    derived: ByPeriod,
}

/// The change up to which a tree is known, and its fingerprint.
type KnownTree = ((i64, Timestamp), u64);

/// The trees of municipalities as far as they are known: up to which change, and what tells one from another.
static TREES: LazyLock<Mutex<HashMap<Id, KnownTree>>> = LazyLock::new(Default::default);

/// Ids are unique in the world, so that all databases of the process share one memory.
static KNOWN: LazyLock<Mutex<HashMap<Id, Known>>> = LazyLock::new(Default::default);

/// Held by whoever tells what isn't known yet: the others wait for that rather than tell it too.
static TELLING: Mutex<()> = Mutex::new(());

/// How many indicators are remembered: many times what a municipality has.
const MOST_KNOWN: usize = 2_000;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What follows from the values of each of some indicators; those of which nothing does are left out.
pub fn derived(tenant: &mut Tenant<'_>, heads: &[IndicatorHead]) -> Result<HashMap<Id, ByPeriod>> {
    let wanted: Vec<&IndicatorHead> = heads.iter().filter(|head| head.needs_all_values()).collect();
    let mut found = HashMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut tree = None;
    let of_tree = fingerprint(tenant, &mut tree)?;
    for head in wanted {
        let (values, aggregation, min_group) = (head.values_updated_at, head.aggregation, head.min_group);
        let basis = Basis { values, aggregation, min_group, tree: of_tree };
        let derived = match known(head.id, &basis) {
            Some(derived) => derived,
            None => tell(tenant, head, basis, &mut tree)?,
        };
        found.insert(head.id, derived);
    }
    Ok(found)
}

fn known(id: Id, basis: &Basis) -> Option<ByPeriod> {
    let known = locked(&KNOWN);
    known.get(&id).filter(|known| known.basis == *basis).map(|known| Arc::clone(&known.derived))
}

fn tell(tenant: &mut Tenant<'_>, head: &IndicatorHead, basis: Basis, tree: &mut Option<UnitTree>) -> Result<ByPeriod> {
    let _turn = locked(&TELLING);
    if let Some(derived) = known(head.id, &basis) {
        return Ok(derived);
    }
    let tree = match tree {
        Some(tree) => tree,
        None => tree.insert(store::tree(tenant)?),
    };
    let derived = Arc::new(of_indicator(tenant, head, tree)?);
    let new = Known { basis, derived: Arc::clone(&derived) };
    let mut known = locked(&KNOWN);
    if known.len() >= MOST_KNOWN {
        known.clear();
    }
    known.insert(head.id, new);
    Ok(derived)
}

/// What tells the municipality's tree from another: told from the log, as long as no unit has changed; else the tree is
/// read, into `tree`.
fn fingerprint(tenant: &mut Tenant<'_>, tree: &mut Option<UnitTree>) -> Result<u64> {
    let Some(newest) = change_log::newest(tenant)? else { return Ok(0) };
    let known = locked(&TREES).get(&tenant.municipality_id).copied();
    if let Some((as_of, fingerprint)) = known
        && change_log::is_unchanged_since(tenant, as_of, UnitBody::ENTITY)?
    {
        return Ok(fingerprint);
    }
    let fingerprint = tree.insert(store::tree(tenant)?).fingerprint();
    locked(&TREES).insert(tenant.municipality_id, (newest, fingerprint));
    Ok(fingerprint)
}

/// Year by year, so that no more than a year's values are held at a time.
fn of_indicator(tenant: &mut Tenant<'_>, head: &IndicatorHead, tree: &UnitTree) -> Result<BTreeMap<Period, Derived>> {
    let series = Series::new(store::series(tenant, head.id, None)?, tree);
    let mut found = BTreeMap::new();
    for periods in head.years() {
        let mut by_number: BTreeMap<i32, Vec<SeriesValue>> = BTreeMap::new();
        for value in store::all_values(tenant, head.id, periods)? {
            by_number.entry(value.period).or_default().push(value);
        }
        for (number, values) in by_number {
            let period = store::period_from_number(number)?;
            found.insert(period, of_period(head, tree, &series, period, &values));
        }
    }
    Ok(found)
}

/// The series of an indicator as numbers.
struct Series {
    /// The groups; the first is everybody.
    groups: Vec<String>,
    /// The unit and the group of each series.
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

fn of_period(
    head: &IndicatorHead,
    tree: &UnitTree,
    series: &Series,
    period: Period,
    values: &[SeriesValue],
) -> Derived {
    // Only those groups are numbered that the period has; the first is everybody.
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
