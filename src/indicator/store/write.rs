//! Statements that write indicators.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::IndicatorRow;
use crate::db::Writer;
use crate::db::schema::{benchmarks, indicator_objectives, indicators, targets};
use crate::db::types::{Id, Key};
use crate::indicator::model::{BenchmarkBody, IndicatorBody};
use crate::indicator::target::{Target, TargetRule};
use crate::period::Period;
use crate::problem::Result;
use crate::resource::UpsertOutcome;
use crate::text::{LongText, ShortText};

/// An indicator that passed every check and waits to be written, with the ids that its references resolved to.
#[derive(Debug)]
pub struct PreparedIndicator {
    /// How it differs from what is stored.
    pub outcome: UpsertOutcome<IndicatorBody>,
    /// Its objectives.
    pub objective_ids: Vec<Id>,
    /// The action and the level of a computed one.
    pub coverage: (Option<Id>, Option<Id>),
    /// The units of its targets, in the order of the targets.
    pub target_unit_ids: Vec<Option<Id>>,
    /// The benchmarks that are stored already, by key.
    pub benchmark_ids: HashMap<Key, Id>,
}

#[derive(Clone, Insertable)]
#[diesel(table_name = benchmarks, treat_none_as_default_value = false)]
struct BenchmarkRow {
    id: Id,
    indicator_id: Id,
    key: Key,
    name: ShortText,
    source: Option<ShortText>,
    position: i32,
}

#[derive(Insertable)]
#[diesel(table_name = targets, treat_none_as_default_value = false)]
struct TargetRow {
    indicator_id: Id,
    position: i32,
    rule: TargetRule,
    value: Option<f64>,
    tolerance: Option<f64>,
    baseline_period: Option<Period>,
    benchmark: Option<Key>,
    decided_by: Option<NaiveDate>,
    period: Option<Period>,
    unit_id: Option<Id>,
    note: Option<LongText>,
}

/// Inserts new indicators, without their parts.
pub fn insert<'i>(writer: &mut Writer<'_>, created: impl Iterator<Item = &'i PreparedIndicator>) -> Result<()> {
    let municipality_id = writer.municipality_id;
    let rows: Vec<_> = created.map(|indicator| indicator.row(municipality_id)).collect();
    crate::insert_all!(writer.connection, indicators::table, &rows)?;
    Ok(())
}

/// Updates an indicator, and removes the parts that it had. Benchmarks that stay are kept, as they may have values.
pub fn update(writer: &mut Writer<'_>, changed: &PreparedIndicator) -> Result<()> {
    let id = changed.outcome.entity().id();
    let row = changed.row(writer.municipality_id);
    diesel::update(indicators::table.find(id)).set(row).execute(writer.connection)?;
    diesel::delete(indicator_objectives::table.filter(indicator_objectives::indicator_id.eq(id)))
        .execute(writer.connection)?;
    diesel::delete(targets::table.filter(targets::indicator_id.eq(id))).execute(writer.connection)?;
    let stays = |key: &Key| changed.outcome.entity().body.benchmark(key).is_some();
    let removed: Vec<Id> = changed.benchmark_ids.iter().filter(|(key, _)| !stays(key)).map(|(_, id)| *id).collect();
    if !removed.is_empty() {
        diesel::delete(benchmarks::table.filter(benchmarks::id.eq_any(removed))).execute(writer.connection)?;
    }
    Ok(())
}

impl PreparedIndicator {
    fn row(&self, municipality_id: Id) -> IndicatorRow {
        IndicatorRow::new(municipality_id, self.outcome.entity(), self.coverage)
    }
}

/// Inserts the objectives, benchmarks and targets of new and updated indicators.
pub fn insert_parts<'i>(
    writer: &mut Writer<'_>,
    indicators: impl Iterator<Item = &'i PreparedIndicator>,
) -> Result<()> {
    let (mut objective_rows, mut benchmark_rows, mut target_rows) = (Vec::new(), Vec::new(), Vec::new());
    for PreparedIndicator { outcome, objective_ids, target_unit_ids, benchmark_ids, .. } in indicators {
        let (indicator_id, body) = (outcome.entity().id(), &outcome.entity().body);
        objective_rows.extend(objective_ids.iter().zip(0..).map(|(objective_id, position)| {
            (
                indicator_objectives::indicator_id.eq(indicator_id),
                indicator_objectives::objective_id.eq(*objective_id),
                indicator_objectives::position.eq(position),
            )
        }));
        benchmark_rows.extend(body.benchmarks.iter().zip(0..).map(|(benchmark, position)| {
            let BenchmarkBody { key, name, source } = benchmark.clone();
            let id = benchmark_ids.get(&key).copied().unwrap_or_else(Id::new);
            BenchmarkRow { id, indicator_id, key, name, source, position }
        }));
        let targets = body.targets.iter().zip(target_unit_ids).zip(0..);
        target_rows.extend(targets.map(|((target, unit_id), position)| {
            let Target { rule, value, tolerance, baseline_period, decided_by, period, .. } = *target;
            TargetRow {
                indicator_id,
                position,
                rule,
                value,
                tolerance,
                baseline_period,
                benchmark: target.benchmark.clone(),
                decided_by,
                period,
                unit_id: *unit_id,
                note: target.note.clone(),
            }
        }));
    }
    crate::insert_all!(writer.connection, indicator_objectives::table, &objective_rows)?;
    crate::write_all!(
        writer.connection,
        benchmarks,
        benchmark_rows,
        |row: &BenchmarkRow| row.clone(),
        [name, source, position]
    )?;
    crate::insert_all!(writer.connection, targets::table, &target_rows)?;
    Ok(())
}

/// Deletes an indicator.
pub fn delete(writer: &mut Writer<'_>, id: Id) -> Result<()> {
    diesel::delete(indicators::table.find(id)).execute(writer.connection)?;
    Ok(())
}
