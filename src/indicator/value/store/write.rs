//! Statements that write values and their series.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use diesel::dsl::{max, min};
use diesel::prelude::*;

use super::SeriesKey;
use crate::db::schema::{indicator_values, indicators, replaced_values, value_series};
use crate::db::types::Id;
use crate::db::{Tenant, Writer, connection};
use crate::problem::Result;

/// A stored value.
#[derive(Debug, Clone, Queryable, Insertable)]
#[diesel(table_name = indicator_values, treat_none_as_default_value = false)]
pub struct ValueRecord {
    /// Its series.
    pub series_id: i64,
    /// The number of its period.
    pub period: i32,
    /// The value.
    pub value: f64,
    /// How many people it is about.
    pub people: Option<i32>,
    /// Whether it is preliminary.
    pub is_provisional: bool,
    /// The client's remark.
    pub note: Option<String>,
    /// The change in the log that wrote it.
    pub written_in: i64,
}

#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = value_series, treat_none_as_default_value = false)]
struct NewSeries {
    indicator_id: Id,
    unit_id: Option<Id>,
    employee_group: String,
    benchmark_id: Option<Id>,
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

/// The stored values of some series between two periods. Values of other series may be among them.
pub fn records(
    tenant: &mut Tenant<'_>,
    indicator: Id,
    benchmark: Option<Id>,
    series: &HashSet<i64>,
    (first, last): (i32, i32),
) -> Result<Vec<ValueRecord>> {
    let mut query = indicator_values::table
        .filter(indicator_values::period.between(first, last))
        .select(indicator_values::all_columns)
        .into_boxed();
    // Too many series to name them: then all series of the indicator are read.
    let all = value_series::table.filter(value_series::indicator_id.eq(indicator)).select(value_series::id);
    query = match (series.len() <= connection::batch(), benchmark) {
        (true, _) => query.filter(indicator_values::series_id.eq_any(series.iter().copied())),
        (false, Some(id)) => {
            query.filter(indicator_values::series_id.eq_any(all.filter(value_series::benchmark_id.eq(id))))
        }
        (false, None) => {
            query.filter(indicator_values::series_id.eq_any(all.filter(value_series::benchmark_id.is_null())))
        }
    };
    Ok(query.load(tenant.connection)?)
}

/// Creates series of an indicator, or of one of its benchmarks.
pub fn add_series(
    writer: &mut Writer<'_>,
    indicator_id: Id,
    benchmark_id: Option<Id>,
    keys: &BTreeSet<&SeriesKey>,
) -> Result<()> {
    let row = |(unit_id, group): &&SeriesKey| NewSeries {
        indicator_id,
        unit_id: *unit_id,
        employee_group: group.clone(),
        benchmark_id,
    };
    let rows: Vec<NewSeries> = keys.iter().map(row).collect();
    crate::insert_all!(writer.connection, value_series::table, &rows)?;
    Ok(())
}

/// Writes values; each takes the place of the one with the same series and period.
pub fn upsert(writer: &mut Writer<'_>, records: &[ValueRecord]) -> Result<()> {
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

/// Keeps values that the change `replaced_in` replaces or removes.
pub fn keep_replaced(writer: &mut Writer<'_>, records: Vec<ValueRecord>, replaced_in: i64) -> Result<()> {
    let row = |record: ValueRecord| {
        let ValueRecord { series_id, period, value, people, is_provisional, note, written_in } = record;
        ReplacedRecord { series_id, period, replaced_in, value, people, is_provisional, note, written_in }
    };
    let rows: Vec<ReplacedRecord> = records.into_iter().map(row).collect();
    crate::insert_all!(writer.connection, replaced_values::table, &rows)?;
    Ok(())
}

/// Removes values by series and period: one statement a period or one a series, whichever are fewer.
pub fn remove(writer: &mut Writer<'_>, removed: &[(i64, i32)]) -> Result<()> {
    let mut by_series: BTreeMap<i64, Vec<i32>> = BTreeMap::new();
    let mut by_period: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for (series, period) in removed {
        by_series.entry(*series).or_default().push(*period);
        by_period.entry(*period).or_default().push(*series);
    }
    if by_period.len() < by_series.len() {
        for (period, series) in by_period {
            for batch in series.chunks(connection::batch()) {
                let values = indicator_values::table
                    .filter(indicator_values::series_id.eq_any(batch))
                    .filter(indicator_values::period.eq(period));
                diesel::delete(values).execute(writer.connection)?;
            }
        }
        return Ok(());
    }
    for (series, periods) in by_series {
        for batch in periods.chunks(connection::batch()) {
            let values = indicator_values::table
                .filter(indicator_values::series_id.eq(series))
                .filter(indicator_values::period.eq_any(batch));
            diesel::delete(values).execute(writer.connection)?;
        }
    }
    Ok(())
}

/// Stores that an indicator's values were written now, and widens the range of its periods to `written`.
pub fn touch(writer: &mut Writer<'_>, indicator: Id, written: Option<(i32, i32)>) -> Result<()> {
    let now = writer.now();
    let row = indicators::table.find(indicator);
    diesel::update(row).set(indicators::values_updated_at.eq(now)).execute(writer.connection)?;
    if let Some((first, last)) = written {
        let later = row.filter(indicators::first_period.is_null().or(indicators::first_period.gt(first)));
        diesel::update(later).set(indicators::first_period.eq(first)).execute(writer.connection)?;
        let earlier = row.filter(indicators::last_period.is_null().or(indicators::last_period.lt(last)));
        diesel::update(earlier).set(indicators::last_period.eq(last)).execute(writer.connection)?;
    }
    Ok(())
}

/// Narrows the range of an indicator's periods to the values that are left after a removal.
pub fn narrow_range(writer: &mut Writer<'_>, indicator: Id) -> Result<()> {
    let left = indicator_values::table.inner_join(value_series::table).filter(value_series::indicator_id.eq(indicator));
    let ends = left.select((min(indicator_values::period), max(indicator_values::period)));
    let (first, last): (Option<i32>, Option<i32>) = ends.first(writer.connection)?;
    let ends = (indicators::first_period.eq(first), indicators::last_period.eq(last));
    diesel::update(indicators::table.find(indicator)).set(ends).execute(writer.connection)?;
    Ok(())
}
