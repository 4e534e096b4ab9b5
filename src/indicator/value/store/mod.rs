//! Queries for values.

pub mod heads;
pub mod write;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use diesel::dsl::max;
use diesel::prelude::*;

use crate::date_range::DateRange;
use crate::db::Tenant;
use crate::db::schema::aliases::newest_values;
use crate::db::schema::{actors, benchmarks, changes, indicator_values, replaced_values, units, value_series};
use crate::db::types::{Id, Key, Reference, RegisterKey, Timestamp};
use crate::indicator::aggregate::UnitTree;
use crate::indicator::value::model::ReplacedValue;
use crate::period::Period;
use crate::problem::{Problem, Result};

/// What a series is about: a unit (none = the whole municipality) and a group of employees (empty = everybody).
pub type SeriesKey = (Option<Id>, String);

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredValue {
    /// Its indicator.
    pub indicator_id: Id,
    /// Its unit; none = the municipality.
    pub unit: Option<(Id, RegisterKey)>,
    /// Its group; empty = everybody.
    pub group: String,
    /// Its period.
    pub period: Period,
    /// The value.
    pub value: f64,
    /// How many people it is about.
    pub people: Option<i32>,
    /// Whether it is preliminary.
    pub is_provisional: bool,
    /// The client's remark.
    pub note: Option<String>,
}

/// Which units' values a query selects.
#[derive(Debug, Clone)]
pub enum Units {
    /// All units and the municipality.
    All,
    /// The municipality as a whole.
    Municipality,
    /// Some units; with `true`, the municipality too.
    Some(Vec<Id>, bool),
}

/// Selects values that were measured.
#[derive(Debug, Clone)]
pub struct Filter<'f> {
    /// Of these indicators.
    pub indicators: &'f [Id],
    /// Of these periods.
    pub periods: RangeInclusive<i32>,
    /// Of these units.
    pub units: Units,
    /// Only of this group; empty = everybody.
    pub group: Option<String>,
    /// Only the newest value of each series.
    pub is_newest: bool,
}

/// Measured values, in no order.
pub fn measured(tenant: &mut Tenant<'_>, filter: Filter<'_>) -> Result<Vec<StoredValue>> {
    let mut query = indicator_values::table
        .inner_join(value_series::table.left_join(units::table))
        .filter(value_series::benchmark_id.is_null())
        .filter(indicator_values::period.between(*filter.periods.start(), *filter.periods.end()))
        .select((
            (value_series::indicator_id, value_series::unit_id, units::key.nullable(), value_series::employee_group),
            (
                indicator_values::period,
                indicator_values::value,
                indicator_values::people,
                indicator_values::is_provisional,
                indicator_values::note,
            ),
        ))
        .into_boxed();
    // `eq` instead of `eq_any` where one is selected: such a statement stays prepared.
    query = match filter.indicators {
        [single] => query.filter(value_series::indicator_id.eq(*single)),
        many => query.filter(value_series::indicator_id.eq_any(many)),
    };
    query = match filter.units {
        Units::All => query,
        Units::Municipality => query.filter(value_series::unit_id.is_null()),
        Units::Some(ids, municipality) => match (ids.as_slice(), municipality) {
            ([single], false) => query.filter(value_series::unit_id.eq(*single)),
            ([], true) => query.filter(value_series::unit_id.is_null()),
            (_, false) => query.filter(value_series::unit_id.eq_any(ids.into_iter().map(Some))),
            (_, true) => {
                query.filter(value_series::unit_id.is_null().or(value_series::unit_id.assume_not_null().eq_any(ids)))
            }
        },
    };
    if let Some(group) = filter.group {
        query = query.filter(value_series::employee_group.eq(group));
    }
    if filter.is_newest {
        let newest_of_series = newest_values
            .filter(newest_values.field(indicator_values::series_id).eq(value_series::id))
            .filter(
                newest_values.field(indicator_values::period).between(*filter.periods.start(), *filter.periods.end()),
            )
            .select(max(newest_values.field(indicator_values::period)));
        query = query.filter(indicator_values::period.nullable().eq(newest_of_series.single_value()));
    }
    type Row = ((Id, Option<Id>, Option<RegisterKey>, String), (i32, f64, Option<i32>, bool, Option<String>));
    let rows: Vec<Row> = query.load(tenant.connection)?;
    rows.into_iter()
        .map(|((indicator_id, unit_id, unit_key, group), (period, value, people, is_provisional, note))| {
            let unit = unit_id.zip(unit_key);
            let period = period_from_number(period)?;
            Ok(StoredValue { indicator_id, unit, group, period, value, people, is_provisional, note })
        })
        .collect()
}

/// A value in its series.
#[derive(Debug, Clone, Queryable)]
pub struct SeriesValue {
    /// Its series.
    pub series_id: i64,
    /// The number of the period.
    pub period: i32,
    /// The value.
    pub value: f64,
    /// How many people it is about.
    pub people: Option<i32>,
    /// Whether it is preliminary.
    pub is_provisional: bool,
    /// The client's remark.
    pub note: Option<String>,
}

/// All values of an indicator in some periods, in no order. Units and groups are left out, as they would be most of
/// what is read: [`series_owners`] has them.
pub fn all_values(tenant: &mut Tenant<'_>, indicator: Id, periods: RangeInclusive<i32>) -> Result<Vec<SeriesValue>> {
    let series = value_series::table
        .filter(value_series::indicator_id.eq(indicator))
        .filter(value_series::benchmark_id.is_null())
        .select(value_series::id);
    Ok(indicator_values::table
        .filter(indicator_values::series_id.eq_any(series))
        .filter(indicator_values::period.between(*periods.start(), *periods.end()))
        .select((
            indicator_values::series_id,
            indicator_values::period,
            indicator_values::value,
            indicator_values::people,
            indicator_values::is_provisional,
            indicator_values::note,
        ))
        .load(tenant.connection)?)
}

/// The unit and the group of each series of an indicator, by the series' id.
pub type SeriesOwners = HashMap<i64, (Option<(Id, RegisterKey)>, String)>;

/// The units and groups of an indicator's own series.
pub fn series_owners(tenant: &mut Tenant<'_>, indicator: Id) -> Result<SeriesOwners> {
    let rows: Vec<(i64, Option<Id>, Option<RegisterKey>, String)> = value_series::table
        .left_join(units::table)
        .filter(value_series::indicator_id.eq(indicator))
        .filter(value_series::benchmark_id.is_null())
        .select((value_series::id, value_series::unit_id, units::key.nullable(), value_series::employee_group))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|(id, unit, key, group)| (id, (unit.zip(key), group))).collect())
}

/// The period with a stored number.
pub fn period_from_number(period: i32) -> Result<Period> {
    Period::from_number(period).ok_or_else(|| Problem::internal(format!("{period} stands for no period")))
}

/// A value of a benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchmarkValue {
    /// Its indicator.
    pub indicator_id: Id,
    /// Its benchmark.
    pub benchmark: Key,
    /// Its period.
    pub period: Period,
    /// The value.
    pub value: f64,
    /// Whether it is preliminary.
    pub is_provisional: bool,
    /// The client's remark.
    pub note: Option<String>,
}

/// The values of some indicators' benchmarks, or of one of them, by period.
pub fn benchmark_values(
    tenant: &mut Tenant<'_>,
    indicators: &[Id],
    benchmark: Option<&Key>,
    periods: RangeInclusive<i32>,
) -> Result<Vec<BenchmarkValue>> {
    let mut query = indicator_values::table
        .inner_join(value_series::table.inner_join(benchmarks::table))
        .filter(value_series::indicator_id.eq_any(indicators))
        .filter(indicator_values::period.between(*periods.start(), *periods.end()))
        .order((indicator_values::period, benchmarks::key))
        .select((
            (value_series::indicator_id, benchmarks::key),
            (
                indicator_values::period,
                indicator_values::value,
                indicator_values::is_provisional,
                indicator_values::note,
            ),
        ))
        .into_boxed();
    if let Some(key) = benchmark {
        query = query.filter(benchmarks::key.eq(key.clone()));
    }
    type Row = ((Id, Key), (i32, f64, bool, Option<String>));
    let rows: Vec<Row> = query.load(tenant.connection)?;
    rows.into_iter()
        .map(|((indicator_id, benchmark), (period, value, is_provisional, note))| {
            let period = period_from_number(period)?;
            Ok(BenchmarkValue { indicator_id, benchmark, period, value, is_provisional, note })
        })
        .collect()
}

/// The unit tree of the municipality.
pub fn tree(tenant: &mut Tenant<'_>) -> Result<UnitTree> {
    type Row = (Id, RegisterKey, Option<Id>, Option<chrono::NaiveDate>, Option<chrono::NaiveDate>);
    let rows: Vec<Row> = units::table
        .filter(units::municipality_id.eq(tenant.municipality_id))
        .order(units::key)
        .select((units::id, units::key, units::parent_id, units::starts_on, units::ends_on))
        .load(tenant.connection)?;
    let row = |(id, key, parent, starts_on, ends_on)| (id, key, parent, DateRange::new(starts_on, ends_on));
    Ok(UnitTree::new(rows.into_iter().map(row).collect()))
}

/// A unit by key or id, or 404.
pub fn unit(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Id> {
    let mut query =
        units::table.filter(units::municipality_id.eq(tenant.municipality_id)).select(units::id).into_boxed();
    query = match reference {
        Reference::Id(id) => query.filter(units::id.eq(*id)),
        path => query.filter(units::key.eq(path.to_string())),
    };
    query.first(tenant.connection).optional()?.ok_or_else(|| Problem::not_found("unit"))
}

/// The key and the name of a unit by key or id, or 404.
pub fn unit_named(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<(RegisterKey, String)> {
    let id = unit(tenant, reference)?;
    Ok(units::table.find(id).select((units::key, units::name)).first(tenant.connection)?)
}

/// The names of all units, by key.
pub fn unit_names(tenant: &mut Tenant<'_>) -> Result<HashMap<RegisterKey, String>> {
    let mine = units::table.filter(units::municipality_id.eq(tenant.municipality_id));
    let names: Vec<(RegisterKey, String)> = mine.select((units::key, units::name)).load(tenant.connection)?;
    Ok(names.into_iter().collect())
}

/// The position of a replaced value in the list: the change that replaced it, its series, the number of its period.
pub type ReplacedPosition = (i64, i64, i32);

/// At most `limit` replaced values of an indicator, the last replaced first, after a position in the list.
pub fn replaced(
    tenant: &mut Tenant<'_>,
    indicator: Id,
    periods: RangeInclusive<i32>,
    after: Option<ReplacedPosition>,
    limit: i64,
) -> Result<Vec<(ReplacedPosition, ReplacedValue)>> {
    let mut query = replaced_values::table
        .inner_join(value_series::table.left_join(units::table).left_join(benchmarks::table))
        .inner_join(changes::table.on(changes::sequence.eq(replaced_values::replaced_in)))
        .inner_join(actors::table.on(actors::id.eq(changes::actor_id)))
        .filter(value_series::indicator_id.eq(indicator))
        .filter(replaced_values::period.between(*periods.start(), *periods.end()))
        .order((replaced_values::replaced_in.desc(), replaced_values::series_id, replaced_values::period))
        .limit(limit)
        .select((
            (units::key.nullable(), value_series::employee_group, benchmarks::key.nullable()),
            (
                replaced_values::period,
                replaced_values::value,
                replaced_values::people,
                replaced_values::is_provisional,
                replaced_values::note,
            ),
            (replaced_values::replaced_in, changes::at, actors::issuer, actors::subject, replaced_values::series_id),
        ))
        .into_boxed();
    if let Some((sequence, series, period)) = after {
        let later = replaced_values::series_id
            .gt(series)
            .or(replaced_values::series_id.eq(series).and(replaced_values::period.gt(period)));
        query = query
            .filter(replaced_values::replaced_in.lt(sequence).or(replaced_values::replaced_in.eq(sequence).and(later)));
    }
    type Row = (
        (Option<RegisterKey>, String, Option<Key>),
        (i32, f64, Option<i32>, bool, Option<String>),
        (i64, Timestamp, String, String, i64),
    );
    let rows: Vec<Row> = query.load(tenant.connection)?;
    rows.into_iter()
        .map(|((unit, group, benchmark), (number, value, people, is_provisional, note), change)| {
            let (sequence, replaced_at, issuer, subject, series) = change;
            let replaced = ReplacedValue {
                period: period_from_number(number)?,
                unit,
                group: group.parse().ok(),
                benchmark,
                value,
                count: people.map(i64::from),
                is_provisional,
                note,
                replaced_at,
                sequence,
                issuer,
                subject,
            };
            Ok(((sequence, series, number), replaced))
        })
        .collect()
}

/// The ids of the series of an indicator, or of one of its benchmarks, by unit and group.
pub fn series(tenant: &mut Tenant<'_>, indicator: Id, benchmark: Option<Id>) -> Result<HashMap<SeriesKey, i64>> {
    let mut query = value_series::table
        .filter(value_series::indicator_id.eq(indicator))
        .select((value_series::id, value_series::unit_id, value_series::employee_group))
        .into_boxed();
    query = match benchmark {
        Some(id) => query.filter(value_series::benchmark_id.eq(id)),
        None => query.filter(value_series::benchmark_id.is_null()),
    };
    let rows: Vec<(i64, Option<Id>, String)> = query.load(tenant.connection)?;
    Ok(rows.into_iter().map(|(id, unit, group)| ((unit, group), id)).collect())
}
