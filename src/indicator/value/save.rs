//! Writing values: compared with what is stored, written where they differ, what they replace kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;

use chrono::Datelike;
use diesel::dsl::{max, min};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::rows::{Rows, ValueRow};
use super::store::{self, Place};
use crate::db::change_log::{self, Change, Operation};
use crate::db::schema::{indicator_values, indicators, replaced_values, value_series};
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::db::{Tenant, Writer, connection};
use crate::http::example::example;
use crate::indicator::model::{Frequency, Indicator};
use crate::indicator::store as indicators_store;
use crate::indicator::{Indicators, number};
use crate::organisation::store as organisation;
use crate::period::Period;
use crate::problem::{Problem, Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::resource;
use crate::text::LongText;

/// What the change log calls a writing of values.
pub const ENTITY: &str = "indicator_values";

/// What writing values came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("value_counts")))]
pub struct ValueCounts {
    /// Values that are new.
    pub created: usize,
    /// Values that took the place of others; those are kept.
    pub updated: usize,
    /// Values that already were as sent.
    pub unchanged: usize,
    /// Values that were taken away; they are kept among the replaced ones.
    pub removed: usize,
}

impl ValueCounts {
    /// Whether anything was written.
    pub fn is_change(&self) -> bool {
        self.created + self.updated + self.removed > 0
    }
}

impl std::ops::AddAssign for ValueCounts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.removed += other.removed;
    }
}

/// Stores the values of an indicator, or of one of its benchmarks, all or none.
pub fn save(
    writer: &mut Writer<'_>,
    reference: &Reference,
    benchmark: Option<&Key>,
    rows: Rows,
) -> Result<ValueCounts> {
    let indicator = resource::read::<Indicators>(writer, reference)?;
    if let Some(key) = benchmark {
        indicator.body.benchmark(key).ok_or_else(|| Problem::not_found("benchmark"))?;
    }
    let units = match rows.rows.iter().any(|row| row.unit.is_some()) {
        true => organisation::names(writer)?,
        false => ReferenceIndex::default(),
    };
    let mut errors = ValidationErrors::default();
    rows.check_indicator(&indicator.body.key, &mut errors);
    let at = |n: usize| format!("/values/{n}");
    let first = rows.rows.iter().find(|row| row.value.is_some()).map(|row| row.period);
    let prepared = prepare(writer, &indicator, benchmark, first, &units, (&rows.rows, &at), &mut errors)?;
    errors.into_result().map_err(|problem| rows.locate(problem))?;
    apply(writer, prepared)
}

/// Values that were checked, and wait to be written.
pub struct Prepared {
    indicator_id: Id,
    benchmark: Option<Key>,
    /// What is wanted in each place; none = nothing.
    wanted: Vec<Wanted>,
}

/// A place and a period, and what is wanted there; none = nothing.
type Wanted = (Place, Period, Option<Content>);

/// A place and a period, and what is written there.
type Write = (Place, Period, Content);

/// What is said of a place and period.
#[derive(Debug, Clone, PartialEq)]
struct Content {
    value: f64,
    people: Option<i32>,
    is_provisional: bool,
    note: Option<String>,
}

/// Checks values; faults go to `faults`, at the pointers that `at` gives to rows. `first` is the first period that is
/// written: where nothing is stored yet, it says which years are in turn.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    indicator: &Indicator,
    benchmark: Option<&Key>,
    first: Option<Period>,
    units: &ReferenceIndex,
    (rows, at): (&[ValueRow], &dyn Fn(usize) -> String),
    errors: &mut ValidationErrors,
) -> Result<Prepared> {
    if indicator.body.is_computed() && benchmark.is_none() {
        let detail = "is for indicators that somebody measures: the service computes this one from reports";
        (0..rows.len()).for_each(|n| errors.add(at(n), detail));
    }
    let first = match indicator.body.frequency {
        Frequency::Biennium => indicators_store::stored_periods(tenant, indicator.id())?.first().copied().or(first),
        _ => None,
    };
    let mut resolved: HashMap<&Reference, Option<Id>> = HashMap::new();
    let mut seen: HashMap<(Option<Id>, Option<&RegisterKey>, Period), usize> = HashMap::with_capacity(rows.len());
    let mut wanted = Vec::with_capacity(rows.len());
    for (n, row) in rows.iter().enumerate() {
        check_period(row.period, indicator, first, || format!("{}/period", at(n)), errors);
        if row.value.is_some_and(|value| !number::is_storable(value)) {
            errors.add(format!("{}/value", at(n)), number::EXPECTED);
        }
        if benchmark.is_some() {
            check_benchmark_row(row, || at(n), errors);
        }
        let unit_id = match &row.unit {
            None => None,
            Some(unit) => {
                let known = resolved
                    .entry(unit)
                    .or_insert_with(|| units.resolve("unit", &mut unit.clone(), "", &mut ValidationErrors::default()));
                if known.is_none() {
                    errors.add(format!("{}/unit", at(n)), format!("names no unit of this municipality: '{unit}'"));
                    continue;
                }
                *known
            }
        };
        if let Some(earlier) = seen.insert((unit_id, row.group.as_ref(), row.period), n) {
            errors.add(at(n), format!("is for the same period, unit and group as {}", at(earlier)));
        }
        let group = row.group.as_ref().map(ToString::to_string).unwrap_or_default();
        let content = row.value.map(|value| Content {
            // There is no negative nothing.
            value: value + 0.0,
            people: row.count.and_then(|count| i32::try_from(count).ok()),
            is_provisional: row.is_provisional,
            note: row.note.as_ref().map(LongText::to_string),
        });
        wanted.push(((unit_id, group), row.period, content));
    }
    Ok(Prepared { indicator_id: indicator.id(), benchmark: benchmark.cloned(), wanted })
}

/// The first and last year that a value can be for.
const YEARS: RangeInclusive<i32> = 1900..=2100;

fn check_period(
    period: Period,
    indicator: &Indicator,
    first: Option<Period>,
    at: impl FnOnce() -> String,
    errors: &mut ValidationErrors,
) {
    let frequency = indicator.body.frequency;
    if !frequency.takes(period, None) {
        errors.add(at(), format!("'{period}' is no period of this indicator: {}", frequency.expected()));
    } else if let Some(first) = first.filter(|first| !frequency.takes(period, Some(*first))) {
        errors.add(at(), format!("'{period}' is not in turn: it is measured every second year, as in {first}"));
    } else if !YEARS.contains(&period.first_day().year()) {
        errors.add(at(), format!("'{period}' is out of the years {} to {}", YEARS.start(), YEARS.end()));
    }
}

fn check_benchmark_row(row: &ValueRow, at: impl Fn() -> String, errors: &mut ValidationErrors) {
    let fields = [("unit", row.unit.is_some()), ("group", row.group.is_some()), ("count", row.count.is_some())];
    for (name, _) in fields.iter().filter(|(_, is_given)| *is_given) {
        errors.add(format!("{}/{name}", at()), "has no place among the values of a benchmark: leave it out");
    }
}

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = value_series, treat_none_as_default_value = false)]
struct NewSeries {
    indicator_id: Id,
    unit_id: Option<Id>,
    employee_group: String,
    benchmark_id: Option<Id>,
}

#[derive(Debug, Clone, Queryable, Insertable)]
#[diesel(table_name = indicator_values, treat_none_as_default_value = false)]
struct ValueRecord {
    series_id: i64,
    period: i32,
    value: f64,
    people: Option<i32>,
    is_provisional: bool,
    note: Option<String>,
    written_in: i64,
}

impl ValueRecord {
    fn says(&self, content: &Content) -> bool {
        self.value == content.value
            && self.people == content.people
            && self.is_provisional == content.is_provisional
            && self.note == content.note
    }

    fn replaced_in(self, replaced_in: i64) -> ReplacedRecord {
        let Self { series_id, period, value, people, is_provisional, note, written_in } = self;
        ReplacedRecord { series_id, period, replaced_in, value, people, is_provisional, note, written_in }
    }
}

#[derive(Debug, Insertable)]
#[diesel(table_name = replaced_values, treat_none_as_default_value = false)]
struct ReplacedRecord {
    series_id: i64,
    period: i32,
    replaced_in: i64,
    value: f64,
    people: Option<i32>,
    is_provisional: bool,
    note: Option<String>,
    written_in: i64,
}

/// What writing values comes to.
pub struct Compared {
    /// How many of which sort.
    pub counts: ValueCounts,
    benchmark_id: Option<Id>,
    series: HashMap<Place, i64>,
    writes: Vec<Write>,
    replaced: Vec<ValueRecord>,
    removed: Vec<(i64, i32)>,
}

/// Compares what was prepared with what is stored.
pub fn compare(tenant: &mut Tenant<'_>, prepared: Prepared) -> Result<Compared> {
    let Prepared { indicator_id, benchmark, wanted } = prepared;
    let benchmark_id = match &benchmark {
        Some(key) => Some(benchmark_id(tenant, indicator_id, key)?),
        None => None,
    };
    let series = store::series(tenant, indicator_id, benchmark_id)?;
    let mut stored = stored(tenant, indicator_id, benchmark_id, &series, &wanted)?;
    let mut counts = ValueCounts::default();
    let (mut writes, mut replaced, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    for (place, period, content) in wanted {
        let known = series.get(&place).and_then(|id| stored.remove(&(*id, period.number())));
        match (known, content) {
            (None, None) => counts.unchanged += 1,
            (Some(known), Some(content)) if known.says(&content) => counts.unchanged += 1,
            (Some(known), None) => {
                counts.removed += 1;
                removed.push((known.series_id, known.period));
                replaced.push(known);
            }
            (known, Some(content)) => {
                match known {
                    Some(known) => {
                        counts.updated += 1;
                        replaced.push(known);
                    }
                    None => counts.created += 1,
                }
                writes.push((place, period, content));
            }
        }
    }
    Ok(Compared { counts, benchmark_id, series, writes, replaced, removed })
}

/// Writes what was prepared, and leaves one change row with the counts, where anything changed.
pub fn apply(writer: &mut Writer<'_>, prepared: Prepared) -> Result<ValueCounts> {
    let (indicator_id, benchmark) = (prepared.indicator_id, prepared.benchmark.clone());
    let compared = compare(writer, prepared)?;
    let Compared { counts, benchmark_id, mut series, writes, replaced, removed } = compared;
    if !counts.is_change() {
        return Ok(counts);
    }
    let numbers = writes.iter().map(|(_, period, _)| period.number());
    let range = numbers.clone().min().zip(numbers.max());
    let sequence = log(writer, indicator_id, benchmark.as_ref(), &counts)?;
    add_series(writer, indicator_id, benchmark_id, &writes, &mut series)?;
    let record = |(place, period, content): Write| {
        let series_id = *series.get(&place).ok_or_else(|| Problem::internal("a series was made and is not there"))?;
        let Content { value, people, is_provisional, note } = content;
        let period = period.number();
        Ok(ValueRecord { series_id, period, value, people, is_provisional, note, written_in: sequence })
    };
    let mut records: Vec<ValueRecord> = writes.into_iter().map(record).collect::<Result<_>>()?;
    // In the order of the table, so that its pages are filled one after the other.
    records.sort_unstable_by_key(|record| (record.series_id, record.period));
    let replaced: Vec<ReplacedRecord> = replaced.into_iter().map(|known| known.replaced_in(sequence)).collect();
    crate::insert_all!(writer.connection, replaced_values::table, &replaced)?;
    remove(writer, &removed)?;
    write(writer, &records)?;
    note_writing(writer, indicator_id, range)?;
    if !removed.is_empty() {
        note_removal(writer, indicator_id)?;
    }
    Ok(counts)
}

fn benchmark_id(tenant: &mut Tenant<'_>, indicator: Id, key: &Key) -> Result<Id> {
    let ids = indicators_store::benchmark_ids(tenant, &[indicator])?;
    ids.get(&(indicator, key.clone()))
        .copied()
        .ok_or_else(|| Problem::internal("a benchmark was found and is not there"))
}

/// The one change row of a call; answers its place in the log.
fn log(writer: &mut Writer<'_>, indicator: Id, benchmark: Option<&Key>, counts: &ValueCounts) -> Result<i64> {
    let mut after = json!(counts);
    if let Some(key) = benchmark {
        after["benchmark"] = json!(key);
    }
    let (entity, id, operation) = (ENTITY, indicator, Operation::Updated);
    writer.log([Change { entity, id, operation, before: None, after: Some(after) }])?;
    change_log::latest(writer)
}

/// What is stored for the places and periods that are wanted, and for some beside them.
fn stored(
    tenant: &mut Tenant<'_>,
    indicator: Id,
    benchmark: Option<Id>,
    series: &HashMap<Place, i64>,
    wanted: &[Wanted],
) -> Result<HashMap<(i64, i32), ValueRecord>> {
    let ids: HashSet<i64> = wanted.iter().filter_map(|(place, ..)| series.get(place).copied()).collect();
    let numbers = wanted.iter().map(|(_, period, _)| period.number());
    let Some((first, last)) = numbers.clone().min().zip(numbers.max()).filter(|_| !ids.is_empty()) else {
        return Ok(HashMap::new());
    };
    let mut query = indicator_values::table
        .filter(indicator_values::period.between(first, last))
        .select(indicator_values::all_columns)
        .into_boxed();
    // Of many series all are read: those of one indicator are at hand for that.
    let its = value_series::table.filter(value_series::indicator_id.eq(indicator)).select(value_series::id);
    query = match (ids.len() <= connection::batch(), benchmark) {
        (true, _) => query.filter(indicator_values::series_id.eq_any(ids)),
        (false, Some(id)) => {
            query.filter(indicator_values::series_id.eq_any(its.filter(value_series::benchmark_id.eq(id))))
        }
        (false, None) => {
            query.filter(indicator_values::series_id.eq_any(its.filter(value_series::benchmark_id.is_null())))
        }
    };
    let records: Vec<ValueRecord> = query.load(tenant.connection)?;
    Ok(records.into_iter().map(|record| ((record.series_id, record.period), record)).collect())
}

fn add_series(
    writer: &mut Writer<'_>,
    indicator_id: Id,
    benchmark_id: Option<Id>,
    writes: &[Write],
    series: &mut HashMap<Place, i64>,
) -> Result<()> {
    let missing: BTreeSet<&Place> =
        writes.iter().map(|(place, ..)| place).filter(|place| !series.contains_key(place)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let new = |(unit_id, group): &Place| NewSeries {
        indicator_id,
        unit_id: *unit_id,
        employee_group: group.clone(),
        benchmark_id,
    };
    let new: Vec<NewSeries> = missing.into_iter().map(new).collect();
    crate::insert_all!(writer.connection, value_series::table, &new)?;
    *series = store::series(writer, indicator_id, benchmark_id)?;
    Ok(())
}

/// By period or by series, whichever are fewer.
fn remove(writer: &mut Writer<'_>, removed: &[(i64, i32)]) -> Result<()> {
    let mut by_series: BTreeMap<i64, Vec<i32>> = BTreeMap::new();
    let mut by_period: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for (series, period) in removed {
        by_series.entry(*series).or_default().push(*period);
        by_period.entry(*period).or_default().push(*series);
    }
    if by_period.len() < by_series.len() {
        for (period, series) in by_period {
            for batch in series.chunks(connection::batch()) {
                let gone = indicator_values::table
                    .filter(indicator_values::series_id.eq_any(batch))
                    .filter(indicator_values::period.eq(period));
                diesel::delete(gone).execute(writer.connection)?;
            }
        }
        return Ok(());
    }
    for (series, periods) in by_series {
        for batch in periods.chunks(connection::batch()) {
            let gone = indicator_values::table
                .filter(indicator_values::series_id.eq(series))
                .filter(indicator_values::period.eq_any(batch));
            diesel::delete(gone).execute(writer.connection)?;
        }
    }
    Ok(())
}

fn write(writer: &mut Writer<'_>, records: &[ValueRecord]) -> Result<()> {
    crate::write_all!(
        writer.connection,
        indicator_values,
        (series_id, period),
        records,
        Clone::clone,
        [value, people, is_provisional, note, written_in]
    )?;
    Ok(())
}

/// When values were last written, and how far the periods go.
fn note_writing(writer: &mut Writer<'_>, indicator: Id, range: Option<(i32, i32)>) -> Result<()> {
    let now = writer.now();
    let row = indicators::table.find(indicator);
    diesel::update(row).set(indicators::values_updated_at.eq(now)).execute(writer.connection)?;
    if let Some((first, last)) = range {
        let later = row.filter(indicators::first_period.is_null().or(indicators::first_period.gt(first)));
        diesel::update(later).set(indicators::first_period.eq(first)).execute(writer.connection)?;
        let earlier = row.filter(indicators::last_period.is_null().or(indicators::last_period.lt(last)));
        diesel::update(earlier).set(indicators::last_period.eq(last)).execute(writer.connection)?;
    }
    Ok(())
}

/// How far the periods go that are left.
fn note_removal(writer: &mut Writer<'_>, indicator: Id) -> Result<()> {
    let left = indicator_values::table.inner_join(value_series::table).filter(value_series::indicator_id.eq(indicator));
    let ends = left.select((min(indicator_values::period), max(indicator_values::period)));
    let (first, last): (Option<i32>, Option<i32>) = ends.first(writer.connection)?;
    let ends = (indicators::first_period.eq(first), indicators::last_period.eq(last));
    diesel::update(indicators::table.find(indicator)).set(ends).execute(writer.connection)?;
    Ok(())
}
