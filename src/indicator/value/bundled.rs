//! Values in bundles: series by series.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::head::{IndicatorHead, IndicatorSelector};
use super::model::{ValueCounts, ValueRow};
use super::service::{self, PreparedValues};
use super::store;
use super::store::heads::heads;
use crate::db::types::{Key, Reference, RegisterKey};
use crate::db::{Tenant, Writer};
use crate::http::example::example;
use crate::indicator::model::Indicator;
use crate::indicator::number;
use crate::indicator::store as indicators;
use crate::indicator::store::write::PreparedIndicator;
use crate::period::Period;
use crate::problem::{Kind, Problem, Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::text::{self, LongText};

/// The values of a unit and group, or of a benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("bundled_series")))]
pub struct BundledSeries {
    /// The indicator: its key.
    pub indicator: Key,
    /// One of its benchmarks; null = its own values.
    #[serde(default)]
    pub benchmark: Option<Key>,
    /// The unit; null = the whole municipality.
    #[serde(default)]
    pub unit: Option<Reference>,
    /// The group of employees; null = everybody.
    #[serde(default)]
    pub group: Option<RegisterKey>,
    /// The values.
    #[schema(max_items = 100_000)]
    pub values: Vec<BundledValue>,
}

/// A value of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("bundled_value")))]
pub struct BundledValue {
    /// Its period.
    pub period: Period,
    /// The value.
    #[serde(serialize_with = "number::serialize")]
    #[schema(minimum = -1e15, maximum = 1e15)]
    pub value: f64,
    /// How many people or answers it is about.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub count: Option<i64>,
    /// Whether it is preliminary.
    #[serde(default)]
    pub is_provisional: bool,
    /// A remark.
    #[serde(default)]
    pub note: Option<LongText>,
}

/// The values of an indicator or a benchmark, with the pointer of each in the bundle.
type SeriesRows = (Vec<ValueRow>, Vec<String>);

/// Checks the values of a bundle. `imported` are the indicators in the bundle.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    imported: &[PreparedIndicator],
    units: &ReferenceIndex,
    series: Vec<BundledSeries>,
    errors: &mut ValidationErrors,
) -> Result<Vec<PreparedValues>> {
    let mut keys: Vec<Key> = series.iter().map(|series| series.indicator.clone()).collect();
    keys.sort();
    keys.dedup();
    let filter = indicators::Filter { keys: Some(keys), ..indicators::Filter::default() };
    let stored = indicators::list(tenant, filter, None)?;
    // An indicator in the bundle replaces the stored one.
    let mut known: HashMap<Key, Indicator> = HashMap::new();
    for indicator in stored.into_iter().chain(imported.iter().map(|prepared| prepared.outcome.entity().clone())) {
        known.insert(indicator.body.key.clone(), indicator);
    }
    // Gathered by indicator and benchmark, so that a value that stands in the file twice is found.
    let mut order: Vec<(Key, Option<Key>)> = Vec::new();
    let mut gathered: HashMap<(Key, Option<Key>), SeriesRows> = HashMap::new();
    for (n, series) in series.into_iter().enumerate() {
        let BundledSeries { indicator, benchmark, unit, group, values } = series;
        let Some(found) = known.get(&indicator) else {
            errors.add(format!("/values/{n}/indicator"), format!("names no indicator: '{indicator}'"));
            continue;
        };
        if let Some(key) = benchmark.as_ref().filter(|key| found.body.benchmark(key).is_none()) {
            errors.add(format!("/values/{n}/benchmark"), format!("names none of the indicator's benchmarks: '{key}'"));
            continue;
        }
        if let Some(unit) = &unit
            && units.resolve("unit", &mut unit.clone(), &format!("/values/{n}/unit"), errors).is_none()
        {
            continue;
        }
        if let Some(group) = &group {
            text::check_no_cpr(&format!("/values/{n}/group"), group.as_str(), errors);
        }
        let owner = (indicator, benchmark);
        if !gathered.contains_key(&owner) {
            order.push(owner.clone());
        }
        let (rows, pointers) = gathered.entry(owner).or_default();
        for (m, value) in values.into_iter().enumerate() {
            let BundledValue { period, value, count, is_provisional, note } = value;
            if let Some(note) = &note {
                text::check_no_cpr(&format!("/values/{n}/values/{m}/note"), note.as_str(), errors);
            }
            let (unit, group) = (unit.clone(), group.clone());
            rows.push(ValueRow { period, unit, group, value: Some(value), count, is_provisional, note });
            pointers.push(format!("/values/{n}/values/{m}"));
        }
    }
    // Which years an indicator is measured in, every second year, is decided once for all its values.
    let mut firsts: HashMap<Key, Period> = HashMap::new();
    for owner in &order {
        let first = gathered.get(owner).and_then(|(rows, _)| rows.first());
        first.map(|row| firsts.entry(owner.0.clone()).or_insert(row.period));
    }
    let mut prepared = Vec::new();
    for (key, benchmark) in order {
        let first = firsts.get(&key).copied();
        let owner = (key, benchmark);
        let (Some(indicator), Some((rows, pointers))) = (known.get(&owner.0), gathered.get(&owner)) else { continue };
        let pointer = |n: usize| pointers[n].clone();
        let benchmark = owner.1.as_ref();
        prepared.push(service::prepare(tenant, indicator, benchmark, first, units, (rows, &pointer), errors)?);
    }
    Ok(prepared)
}

/// Writes prepared values where they differ from what is stored.
pub fn apply(writer: &mut Writer<'_>, prepared: Vec<PreparedValues>) -> Result<ValueCounts> {
    let mut counts = ValueCounts::default();
    for prepared in prepared {
        counts += service::apply(writer, prepared)?;
    }
    Ok(counts)
}

/// What [`apply`] would write, without writing it.
pub fn dry_run(tenant: &mut Tenant<'_>, prepared: Vec<PreparedValues>) -> Result<ValueCounts> {
    let mut counts = ValueCounts::default();
    for prepared in prepared {
        counts += service::dry_run(tenant, prepared)?;
    }
    Ok(counts)
}

/// How many values a bundle holds at most: as many as an import takes.
const MOST_VALUES: usize = 300_000;

/// All values of the municipality, series by series.
pub fn all(tenant: &mut Tenant<'_>) -> Result<Vec<BundledSeries>> {
    let mut found = Vec::new();
    let mut left = MOST_VALUES;
    for head in heads(tenant, IndicatorSelector::default())? {
        let mut series = BTreeMap::new();
        for periods in head.years() {
            left = left.checked_sub(read_series(tenant, &head, periods, &mut series)?).ok_or_else(too_many)?;
        }
        found.extend(bundled(&head.key, series));
    }
    Ok(found)
}

/// The values of an indicator in some periods, series by series.
pub fn for_indicator(
    tenant: &mut Tenant<'_>,
    head: &IndicatorHead,
    periods: RangeInclusive<i32>,
) -> Result<Vec<BundledSeries>> {
    let mut series = BTreeMap::new();
    read_series(tenant, head, periods, &mut series)?;
    Ok(bundled(&head.key, series).collect())
}

/// The benchmark, the unit and the group of a series.
type BundledKey = (Option<Key>, Option<RegisterKey>, Option<RegisterKey>);

/// Adds the values of some periods to their series, and returns how many there are.
fn read_series(
    tenant: &mut Tenant<'_>,
    head: &IndicatorHead,
    periods: RangeInclusive<i32>,
    series: &mut BTreeMap<BundledKey, Vec<BundledValue>>,
) -> Result<usize> {
    let owners = store::series_owners(tenant, head.id)?;
    let mut own = store::all_values(tenant, head.id, periods.clone())?;
    let others = store::benchmark_values(tenant, &[head.id], None, periods)?;
    let count = own.len() + others.len();
    own.sort_by_key(|value| value.period);
    for value in own {
        let Some((unit, group)) = owners.get(&value.series_id) else { continue };
        let key = (None, unit.as_ref().map(|(_, key)| key.clone()), group.parse().ok());
        series.entry(key).or_default().push(BundledValue {
            period: store::period_from_number(value.period)?,
            value: value.value,
            count: value.people.map(i64::from),
            is_provisional: value.is_provisional,
            note: note(value.note)?,
        });
    }
    for value in others {
        let key = (Some(value.benchmark), None, None);
        let (period, is_provisional) = (value.period, value.is_provisional);
        let (value, note) = (value.value, note(value.note)?);
        series.entry(key).or_default().push(BundledValue { period, value, count: None, is_provisional, note });
    }
    Ok(count)
}

fn bundled(indicator: &Key, series: BTreeMap<BundledKey, Vec<BundledValue>>) -> impl Iterator<Item = BundledSeries> {
    series.into_iter().map(|((benchmark, unit, group), values)| BundledSeries {
        indicator: indicator.clone(),
        benchmark,
        unit: unit.map(Into::into),
        group,
        values,
    })
}

fn note(text: Option<String>) -> Result<Option<LongText>> {
    text.map(|text| text.parse().map_err(|error: &str| Problem::internal(error))).transpose()
}

fn too_many() -> Problem {
    let detail =
        format!("There are more than {MOST_VALUES} values, too many for one bundle: take them as CSV from /v1/values.");
    Problem::new(Kind::InvalidQuery, detail)
}
