//! Writing values: checked, compared with what is stored, and written where they differ.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;

use chrono::Datelike;
use serde_json::json;

use super::input::ParsedRows;
use super::model::{ValueCounts, ValueRow};
use super::page;
use super::store::write::{self, ValueRecord};
use super::store::{self, SeriesKey};
use crate::db::change::{EntityKind, Operation};
use crate::db::change_log::{self, Change};
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::db::{Tenant, Writer};
use crate::indicator::model::{Frequency, Indicator};
use crate::indicator::store as indicators_store;
use crate::indicator::{Indicators, number};
use crate::organisation::store as organisation;
use crate::period::Period;
use crate::problem::{Problem, Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::resource;
use crate::text::LongText;

/// Stores the values of an indicator, or of one of its benchmarks: all of them or, where one has an error, none.
pub fn write_values(
    writer: &mut Writer<'_>,
    reference: &Reference,
    benchmark: Option<&Key>,
    mut body: ParsedRows,
) -> Result<ValueCounts> {
    let indicator = resource::read::<Indicators>(writer, reference)?;
    if let Some(key) = benchmark {
        indicator.body.benchmark(key).ok_or_else(|| Problem::not_found("benchmark"))?;
    }
    let mut errors = ValidationErrors::default();
    let mut numbers = None;
    if let Some(page) = body.page.take() {
        let rows = page::rows_to_store(writer, &indicator, benchmark, page, &mut errors)?;
        let (of_rows, rows): (Vec<usize>, Vec<ValueRow>) = rows.into_iter().unzip();
        (numbers, body.rows) = (Some(of_rows), rows);
    }
    let units = match body.rows.iter().any(|row| row.unit.is_some()) {
        true => organisation::names(writer)?,
        false => ReferenceIndex::default(),
    };
    body.check_indicator(&indicator.body.key, &mut errors);
    let pointer = |n: usize| match &numbers {
        Some(numbers) => format!("/items/{}", numbers[n]),
        None => format!("/values/{n}"),
    };
    let first = body.rows.iter().find(|row| row.value.is_some()).map(|row| row.period);
    let prepared = prepare(writer, &indicator, benchmark, first, &units, (&body.rows, &pointer), &mut errors)?;
    errors.into_result().map_err(|problem| body.locate(problem))?;
    apply(writer, prepared)
}

/// Values that passed every check and wait to be written.
pub struct PreparedValues {
    indicator_id: Id,
    benchmark: Option<Key>,
    requested: Vec<RequestedValue>,
}

/// A series, a period, and the value requested there; none = no value.
type RequestedValue = (SeriesKey, Period, Option<ValueContent>);

/// A value without its series and period.
#[derive(Debug, Clone, PartialEq)]
struct ValueContent {
    value: f64,
    people: Option<i32>,
    is_provisional: bool,
    note: Option<String>,
}

impl ValueContent {
    fn from_row(row: &ValueRow) -> Option<Self> {
        Some(Self {
            // Adding 0 turns -0 into 0.
            value: row.value? + 0.0,
            people: row.count.and_then(|count| i32::try_from(count).ok()),
            is_provisional: row.is_provisional,
            note: row.note.as_ref().map(LongText::to_string),
        })
    }

    fn is_stored_as(&self, stored: &ValueRecord) -> bool {
        self.value == stored.value
            && self.people == stored.people
            && self.is_provisional == stored.is_provisional
            && self.note == stored.note
    }

    fn into_record(self, series_id: i64, period: i32, written_in: i64) -> ValueRecord {
        let Self { value, people, is_provisional, note } = self;
        ValueRecord { series_id, period, value, people, is_provisional, note, written_in }
    }
}

/// Checks rows of values. Errors point to where `pointer` says that a row stands. `first` is the first period that is
/// written: of an indicator that is measured every second year and has no values yet, it decides which years count.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    indicator: &Indicator,
    benchmark: Option<&Key>,
    first: Option<Period>,
    units: &ReferenceIndex,
    (rows, pointer): (&[ValueRow], &dyn Fn(usize) -> String),
    errors: &mut ValidationErrors,
) -> Result<PreparedValues> {
    if indicator.body.is_computed() && benchmark.is_none() {
        let detail = "is for indicators that somebody measures: the service computes this one from reports";
        (0..rows.len()).for_each(|n| errors.add(pointer(n), detail));
    }
    let first = match indicator.body.frequency {
        Frequency::Biennium => indicators_store::stored_periods(tenant, indicator.id())?.first().copied().or(first),
        _ => None,
    };
    let mut unit_ids: HashMap<&Reference, Option<Id>> = HashMap::new();
    let mut seen: HashMap<(Option<Id>, Option<&RegisterKey>, Period), usize> = HashMap::with_capacity(rows.len());
    let mut requested = Vec::with_capacity(rows.len());
    for (n, row) in rows.iter().enumerate() {
        check_period(row.period, indicator, first, || format!("{}/period", pointer(n)), errors);
        if row.value.is_some_and(|value| !number::is_storable(value)) {
            errors.add(format!("{}/value", pointer(n)), number::EXPECTED);
        }
        if benchmark.is_some() {
            check_benchmark_row(row, || pointer(n), errors);
        }
        let unit_id = match &row.unit {
            None => None,
            Some(unit) => {
                let id = unit_ids
                    .entry(unit)
                    .or_insert_with(|| units.resolve("unit", &mut unit.clone(), "", &mut ValidationErrors::default()));
                if id.is_none() {
                    errors.add(format!("{}/unit", pointer(n)), format!("names no unit of this municipality: '{unit}'"));
                    continue;
                }
                *id
            }
        };
        if let Some(earlier) = seen.insert((unit_id, row.group.as_ref(), row.period), n) {
            errors.add(pointer(n), format!("is for the same period, unit and group as {}", pointer(earlier)));
        }
        let group = row.group.as_ref().map(ToString::to_string).unwrap_or_default();
        requested.push(((unit_id, group), row.period, ValueContent::from_row(row)));
    }
    Ok(PreparedValues { indicator_id: indicator.id(), benchmark: benchmark.cloned(), requested })
}

/// The first and last year that a value can be for.
const YEARS: RangeInclusive<i32> = 1900..=2100;

fn check_period(
    period: Period,
    indicator: &Indicator,
    first: Option<Period>,
    pointer: impl FnOnce() -> String,
    errors: &mut ValidationErrors,
) {
    let frequency = indicator.body.frequency;
    if !frequency.takes(period, None) {
        errors.add(pointer(), format!("'{period}' is no period of this indicator: {}", frequency.expected()));
    } else if let Some(first) = first.filter(|first| !frequency.takes(period, Some(*first))) {
        errors.add(pointer(), format!("'{period}' is not in turn: it is measured every second year, as in {first}"));
    } else if !YEARS.contains(&period.first_day().year()) {
        errors.add(pointer(), format!("'{period}' is out of the years {} to {}", YEARS.start(), YEARS.end()));
    }
}

fn check_benchmark_row(row: &ValueRow, pointer: impl Fn() -> String, errors: &mut ValidationErrors) {
    let fields = [("unit", row.unit.is_some()), ("group", row.group.is_some()), ("count", row.count.is_some())];
    for (name, _) in fields.iter().filter(|(_, is_given)| *is_given) {
        errors.add(format!("{}/{name}", pointer()), "has no place among the values of a benchmark: leave it out");
    }
}

/// The differences between requested and stored values.
struct ValueDiff {
    counts: ValueCounts,
    benchmark_id: Option<Id>,
    series: HashMap<SeriesKey, i64>,
    writes: Vec<(SeriesKey, Period, ValueContent)>,
    /// What is stored where something is written or removed.
    replaced: Vec<ValueRecord>,
    /// The series and period of each value to remove.
    removed: Vec<(i64, i32)>,
}

/// What [`apply`] would write, without writing it.
pub fn dry_run(tenant: &mut Tenant<'_>, prepared: PreparedValues) -> Result<ValueCounts> {
    diff(tenant, prepared).map(|diff| diff.counts)
}

fn diff(tenant: &mut Tenant<'_>, prepared: PreparedValues) -> Result<ValueDiff> {
    let PreparedValues { indicator_id, benchmark, requested } = prepared;
    let benchmark_id = match &benchmark {
        Some(key) => Some(benchmark_id(tenant, indicator_id, key)?),
        None => None,
    };
    let series = store::series(tenant, indicator_id, benchmark_id)?;
    let mut stored = stored_values(tenant, (indicator_id, benchmark_id), &series, &requested)?;
    let mut counts = ValueCounts::default();
    let (mut writes, mut replaced, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    for (key, period, content) in requested {
        let existing = series.get(&key).and_then(|id| stored.remove(&(*id, period.number())));
        match (existing, content) {
            (None, None) => counts.unchanged += 1,
            (Some(existing), Some(content)) if content.is_stored_as(&existing) => counts.unchanged += 1,
            (Some(existing), None) => {
                counts.removed += 1;
                removed.push((existing.series_id, existing.period));
                replaced.push(existing);
            }
            (existing, Some(content)) => {
                match existing {
                    Some(existing) => {
                        counts.updated += 1;
                        replaced.push(existing);
                    }
                    None => counts.created += 1,
                }
                writes.push((key, period, content));
            }
        }
    }
    Ok(ValueDiff { counts, benchmark_id, series, writes, replaced, removed })
}

fn benchmark_id(tenant: &mut Tenant<'_>, indicator: Id, key: &Key) -> Result<Id> {
    let ids = indicators_store::benchmark_ids(tenant, &[indicator])?;
    ids.get(&(indicator, key.clone()))
        .copied()
        .ok_or_else(|| Problem::internal("a benchmark was found and is not there"))
}

/// The stored values of all requested series and periods, by series and period.
fn stored_values(
    tenant: &mut Tenant<'_>,
    (indicator, benchmark): (Id, Option<Id>),
    series: &HashMap<SeriesKey, i64>,
    requested: &[RequestedValue],
) -> Result<HashMap<(i64, i32), ValueRecord>> {
    let ids: HashSet<i64> = requested.iter().filter_map(|(key, ..)| series.get(key).copied()).collect();
    let numbers = requested.iter().map(|(_, period, _)| period.number());
    let Some(range) = numbers.clone().min().zip(numbers.max()).filter(|_| !ids.is_empty()) else {
        return Ok(HashMap::new());
    };
    let records = write::records(tenant, indicator, benchmark, &ids, range)?;
    Ok(records.into_iter().map(|record| ((record.series_id, record.period), record)).collect())
}

/// Writes the values that differ from what is stored, and logs one change with the counts if there are any.
pub fn apply(writer: &mut Writer<'_>, prepared: PreparedValues) -> Result<ValueCounts> {
    let (indicator_id, benchmark) = (prepared.indicator_id, prepared.benchmark.clone());
    let ValueDiff { counts, benchmark_id, mut series, writes, replaced, removed } = diff(writer, prepared)?;
    if !counts.is_change() {
        return Ok(counts);
    }
    let numbers = writes.iter().map(|(_, period, _)| period.number());
    let range = numbers.clone().min().zip(numbers.max());
    let sequence = log(writer, indicator_id, benchmark.as_ref(), &counts)?;
    let missing: BTreeSet<&SeriesKey> =
        writes.iter().map(|(key, ..)| key).filter(|key| !series.contains_key(key)).collect();
    if !missing.is_empty() {
        write::add_series(writer, indicator_id, benchmark_id, &missing)?;
        series = store::series(writer, indicator_id, benchmark_id)?;
    }
    let record = |(key, period, content): (SeriesKey, Period, ValueContent)| {
        let series_id = *series.get(&key).ok_or_else(|| Problem::internal("a series was made and is not there"))?;
        Ok(content.into_record(series_id, period.number(), sequence))
    };
    let mut records: Vec<ValueRecord> = writes.into_iter().map(record).collect::<Result<_>>()?;
    // In the order of the primary key, so that the pages of the table are filled one after the other.
    records.sort_unstable_by_key(|record| (record.series_id, record.period));
    write::keep_replaced(writer, replaced, sequence)?;
    write::remove(writer, &removed)?;
    write::upsert(writer, &records)?;
    write::touch(writer, indicator_id, range)?;
    if !removed.is_empty() {
        write::narrow_range(writer, indicator_id)?;
    }
    Ok(counts)
}

/// Logs that values were written, and returns the change's number.
fn log(writer: &mut Writer<'_>, indicator: Id, benchmark: Option<&Key>, counts: &ValueCounts) -> Result<i64> {
    let mut after = json!(counts);
    if let Some(key) = benchmark {
        after["benchmark"] = json!(key);
    }
    writer.log([Change::new(EntityKind::IndicatorValues, indicator, Operation::Updated, after)])?;
    change_log::latest(writer)
}
