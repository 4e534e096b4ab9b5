//! What follows from all values of an indicator together: what units have by those below them, and which values are
//! hidden from readers. Both hang on every value of a period, so they are told once and remembered for as long as
//! nothing changes that they depend on.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::aggregate::{self, Covers, Measured, UnitTree};
use super::model::IndicatorBody;
use super::suppression::{self, Cell};
use super::value::head::IndicatorHead;
use super::value::store::{self, BareValue};
use crate::db::Tenant;
use crate::db::change_log;
use crate::db::types::{Id, RegisterKey};
use crate::indicator::model::Aggregation;
use crate::organisation::model::UnitBody;
use crate::period::Period;
use crate::problem::Result;
use crate::resource::Body;

/// What the change log calls a writing of values.
pub const VALUES_ENTITY: &str = "indicator_values";

/// A unit, or none for the municipality, and a group, empty for everybody.
pub type Place = (Option<Id>, String);

/// What a unit has by the units below it.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// Which unit; none = the municipality.
    pub unit: Option<(Id, RegisterKey)>,
    /// Which group; empty = everybody.
    pub group: String,
    /// How much.
    pub value: f64,
    /// How many people stand behind it.
    pub people: Option<i64>,
    /// Whether one of the values below is preliminary.
    pub is_provisional: bool,
    /// What it covers.
    pub covers: Covers,
}

/// What follows from all values of one period.
#[derive(Debug, Default)]
pub struct Derived {
    /// What units have by those below them.
    pub aggregates: Vec<Aggregate>,
    /// What readers don't see.
    pub hidden: HashSet<Place>,
}

/// What follows from all values of an indicator, by period.
pub type ByPeriod = Arc<BTreeMap<Period, Derived>>;

struct Known {
    /// The change up to which nothing differs.
    as_of: i64,
    derived: ByPeriod,
}

/// Ids are unique in the world, so that all databases of the process share one memory.
static KNOWN: LazyLock<Mutex<HashMap<Id, Known>>> = LazyLock::new(Default::default);

/// How many indicators are remembered: many times what a municipality has.
const MOST_KNOWN: usize = 2_000;

/// What follows from the values of each of some indicators; those of which nothing does are left out.
pub fn derived(tenant: &mut Tenant<'_>, heads: &[IndicatorHead]) -> Result<HashMap<Id, ByPeriod>> {
    let wanted: Vec<&IndicatorHead> = heads.iter().filter(|head| head.needs_all_values()).collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let now = change_log::latest(tenant)?;
    let mut found = known(tenant, &wanted, now)?;
    let missing: Vec<&&IndicatorHead> = wanted.iter().filter(|head| !found.contains_key(&head.id)).collect();
    if !missing.is_empty() {
        let tree = store::tree(tenant)?;
        for head in missing {
            let derived = Arc::new(of_indicator(tenant, head, &tree)?);
            remember(head.id, Known { as_of: now, derived: Arc::clone(&derived) });
            found.insert(head.id, derived);
        }
    }
    Ok(found)
}

/// What is remembered and still holds: nothing it depends on has changed since it was told.
fn known(tenant: &mut Tenant<'_>, wanted: &[&IndicatorHead], now: i64) -> Result<HashMap<Id, ByPeriod>> {
    let mut found: HashMap<Id, (i64, ByPeriod)> = {
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |head: &&IndicatorHead| {
            let known = known.get(&head.id).filter(|known| known.as_of <= now)?;
            Some((head.id, (known.as_of, Arc::clone(&known.derived))))
        };
        wanted.iter().filter_map(known).collect()
    };
    let Some(since) = found.values().map(|(as_of, _)| *as_of).min().filter(|since| *since < now) else {
        return Ok(found.into_iter().map(|(id, (_, derived))| (id, derived)).collect());
    };
    let entities = [UnitBody::ENTITY, "municipality", IndicatorBody::ENTITY, VALUES_ENTITY];
    for (sequence, entity, id) in change_log::changed_since(tenant, since, &entities)? {
        let is_about_one = entity == IndicatorBody::ENTITY || entity == VALUES_ENTITY;
        found.retain(|indicator, (as_of, _)| *as_of >= sequence || (is_about_one && *indicator != id));
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    for (id, (_, derived)) in &found {
        // Somebody who saw an earlier state may have put another in its place meanwhile.
        if let Some(known) = known.get_mut(id).filter(|known| Arc::ptr_eq(&known.derived, derived)) {
            known.as_of = known.as_of.max(now);
        }
    }
    Ok(found.into_iter().map(|(id, (_, derived))| (id, derived)).collect())
}

fn remember(id: Id, new: Known) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST_KNOWN {
        known.clear();
    }
    if known.get(&id).is_none_or(|known| known.as_of <= new.as_of) {
        known.insert(id, new);
    }
}

/// Year by year, so that no more than a year's values are held at a time.
fn of_indicator(tenant: &mut Tenant<'_>, head: &IndicatorHead, tree: &UnitTree) -> Result<BTreeMap<Period, Derived>> {
    let series = Series::of(store::series(tenant, head.id, None)?, tree);
    let mut found = BTreeMap::new();
    for periods in years(head) {
        for (period, values) in store::bare_values(tenant, head.id, periods)? {
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
    places: HashMap<i64, (usize, usize)>,
}

impl Series {
    fn of(stored: HashMap<Place, i64>, tree: &UnitTree) -> Self {
        let mut groups: Vec<String> = stored.keys().map(|(_, group)| group.clone()).chain([String::new()]).collect();
        groups.sort_unstable();
        groups.dedup();
        let place = |((unit, group), id): (Place, i64)| {
            let group = groups.binary_search(&group).ok()?;
            Some((id, (tree.number(unit)?, group)))
        };
        let places = stored.into_iter().filter_map(place).collect();
        Self { groups, places }
    }
}

/// The years in which an indicator may have values, each as the numbers of its periods.
pub fn years(head: &IndicatorHead) -> impl DoubleEndedIterator<Item = std::ops::RangeInclusive<i32>> + use<> {
    const YEAR: i32 = 100_000;
    let years = head.range.into_iter().flat_map(|(first, last)| first / YEAR..=last / YEAR);
    years.map(|year| year * YEAR..=year * YEAR + YEAR - 1)
}

fn of_period(head: &IndicatorHead, tree: &UnitTree, series: &Series, period: Period, values: &[BareValue]) -> Derived {
    let measured = |stored: &BareValue| {
        let (unit, group) = *series.places.get(&stored.series_id)?;
        let BareValue { value, people, is_provisional, .. } = *stored;
        Some(Measured { unit, group, value, people: people.map(i64::from), is_provisional, covers: None })
    };
    let mut cells: Vec<Measured> = values.iter().filter_map(measured).collect();
    let aggregates = aggregate::aggregates(tree, period, &cells, head.aggregation);
    let place = |cell: &Measured| (tree.id(cell.unit), series.groups[cell.group].clone());
    cells.extend(&aggregates);
    let hidden = head.min_group.map(|least| hidden(head, tree, &cells, least)).unwrap_or_default();
    let hidden = cells.iter().zip(hidden).filter(|(_, is_hidden)| *is_hidden).map(|(cell, _)| place(cell)).collect();
    let aggregate = |cell: &Measured| {
        Some(Aggregate {
            unit: tree.id(cell.unit).zip(tree.key(cell.unit).cloned()),
            group: series.groups[cell.group].clone(),
            value: cell.value,
            people: cell.people,
            is_provisional: cell.is_provisional,
            covers: cell.covers?,
        })
    };
    Derived { aggregates: aggregates.iter().filter_map(aggregate).collect(), hidden }
}

fn hidden(head: &IndicatorHead, tree: &UnitTree, cells: &[Measured], least: i64) -> Vec<bool> {
    // Nobody knows how much a mean weighs that doesn't say how many it is about.
    let is_mean = head.aggregation == Aggregation::Mean;
    let cell = |cell: &Measured| Cell {
        unit: cell.unit,
        group: cell.group,
        people: cell.people,
        is_aggregate: cell.covers.is_some(),
        is_left_out: is_mean && cell.people.is_none_or(|people| people <= 0),
    };
    let cells: Vec<Cell> = cells.iter().map(cell).collect();
    suppression::hidden(tree.parents(), &cells, least)
}
