//! Writing indicators' definitions.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::Indicators;
use super::model::{BenchmarkBody, Indicator, IndicatorBody};
use super::store::{self, Filter, IndicatorRow};
use super::target::TargetRule;
use crate::action::store as actions;
use crate::committee::level;
use crate::db::schema::{benchmarks, indicator_objectives, indicators, targets};
use crate::db::types::{Id, Key, Reference};
use crate::db::{Tenant, Writer};
use crate::organisation::store as organisation;
use crate::period::Period;
use crate::problem::{Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::resource::{self, Draft, Resource, UpsertOutcome};
use crate::text::{LongText, ShortText};

/// What the references in indicators can lead to.
#[derive(Debug, Default)]
pub struct Named {
    /// Objectives, by path.
    pub objectives: ReferenceIndex,
    /// Actions of plans, by path.
    pub actions: ReferenceIndex,
    /// Levels.
    pub levels: ReferenceIndex,
    /// Units.
    pub units: ReferenceIndex,
}

impl Named {
    /// What is stored.
    pub fn load(writer: &mut Writer<'_>) -> Result<Self> {
        let mut named =
            Self { levels: level::store::names(writer)?, units: organisation::names(writer)?, ..Self::default() };
        named.objectives.extend(store::objective_paths(writer)?);
        named.actions.extend(actions::planned(writer, None)?.into_paths().map(|(path, id)| (id, path)));
        Ok(named)
    }
}

impl Resource for Indicators {
    type Body = IndicatorBody;
    const WHAT: &'static str = "indicator";

    fn find(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Indicator>> {
        let filter = match reference {
            Reference::Id(id) => Filter { id: Some(*id), ..Filter::default() },
            path => match path.to_string().parse() {
                Ok(key) => Filter { keys: Some(vec![key]), ..Filter::default() },
                Err(_) => return Ok(None),
            },
        };
        Ok(store::list(tenant, filter, Some(1))?.pop())
    }

    fn save(writer: &mut Writer<'_>, drafts: Vec<Draft<IndicatorBody>>) -> Result<Vec<UpsertOutcome<IndicatorBody>>> {
        save(writer, drafts)
    }

    fn remove(writer: &mut Writer<'_>, stored: &Indicator) -> Result<()> {
        let measured = store::series_count(writer, stored.id())?;
        let series = match measured {
            0 => Vec::new(),
            _ => vec!["has values, which are kept: give it a retired_on instead".to_owned()],
        };
        resource::check_unused(Self::WHAT, series)?;
        diesel::delete(indicators::table.find(stored.id())).execute(writer.connection)?;
        Ok(())
    }
}

/// An indicator that was compared and checked, and waits to be written.
#[derive(Debug)]
pub struct Checked {
    /// What storing it comes to.
    pub outcome: UpsertOutcome<IndicatorBody>,
    objective_ids: Vec<Id>,
    coverage: (Option<Id>, Option<Id>),
    target_unit_ids: Vec<Option<Id>>,
    /// The ids of the benchmarks that are stored already, by key.
    benchmark_ids: HashMap<Key, Id>,
}

/// Checks and stores drafts, all or none.
pub(super) fn save(
    writer: &mut Writer<'_>,
    drafts: Vec<Draft<IndicatorBody>>,
) -> Result<Vec<UpsertOutcome<IndicatorBody>>> {
    let named = Named::load(writer)?;
    let mut errors = ValidationErrors::default();
    let checked = prepare(writer, &named, drafts, &mut errors)?;
    errors.into_result()?;
    apply(writer, checked)
}

/// Compares drafts with what is stored, and checks them; faults go to `faults`.
pub fn prepare(
    writer: &mut Writer<'_>,
    named: &Named,
    drafts: Vec<Draft<IndicatorBody>>,
    errors: &mut ValidationErrors,
) -> Result<Vec<Checked>> {
    resource::check_duplicate_keys(drafts.iter().map(|draft| (draft.pointer.clone(), &draft.body.key)), errors);
    let keys = drafts.iter().map(|draft| draft.body.key.clone()).collect();
    let stored = store::list(writer, Filter { keys: Some(keys), ..Filter::default() }, None)?;
    let ids: Vec<Id> = stored.iter().map(Indicator::id).collect();
    let mut known: HashMap<Id, HashMap<Key, Id>> = HashMap::new();
    for ((indicator, key), id) in store::benchmark_ids(writer, &ids)? {
        known.entry(indicator).or_default().insert(key, id);
    }
    let mut stored: HashMap<Key, Indicator> =
        stored.into_iter().map(|indicator| (indicator.body.key.clone(), indicator)).collect();
    let now = writer.now();
    let mut checked = Vec::new();
    for Draft { pointer, mut body } in drafts {
        body.check(&pointer, errors);
        let objective_ids = objectives(&mut body, named, &pointer, errors);
        let at = |field: &str| format!("{pointer}/{field}");
        let action = body.coverage_of.as_mut();
        let action_id = action.and_then(|action| named.actions.resolve("action", action, &at("coverage_of"), errors));
        let level_id = named.levels.resolve_optional("level", &mut body.coverage_level, &at("coverage_level"), errors);
        let target_unit_ids = store::target_units(&mut body, &named.units, &pointer, errors);
        let existing = stored.remove(&body.key);
        let benchmark_ids = existing.as_ref().and_then(|existing| known.remove(&existing.id())).unwrap_or_default();
        if let Some(existing) = &existing {
            check_values_fit(writer, existing, &body, &benchmark_ids, &pointer, errors)?;
        }
        let outcome = UpsertOutcome::compare(existing, Id::new(), body, now);
        checked.push(Checked {
            outcome,
            objective_ids,
            coverage: (action_id, level_id),
            target_unit_ids,
            benchmark_ids,
        });
    }
    Ok(checked)
}

fn objectives(body: &mut IndicatorBody, named: &Named, pointer: &str, errors: &mut ValidationErrors) -> Vec<Id> {
    let (mut ids, mut seen) = (Vec::new(), HashSet::new());
    for (n, objective) in body.objectives.iter_mut().enumerate() {
        let at = format!("{pointer}/objectives/{n}");
        let Some(id) = named.objectives.resolve("objective", objective, &at, errors) else { continue };
        if !seen.insert(id) {
            errors.add(at, format!("'{objective}' stands here twice"));
        }
        ids.push(id);
    }
    ids
}

/// What is stored must stay readable under the new definition.
fn check_values_fit(
    writer: &mut Writer<'_>,
    existing: &Indicator,
    wanted: &IndicatorBody,
    benchmark_ids: &HashMap<Key, Id>,
    pointer: &str,
    errors: &mut ValidationErrors,
) -> Result<()> {
    if existing.body.frequency != wanted.frequency {
        let periods = store::stored_periods(writer, existing.id())?;
        let first = periods.first().copied();
        if let Some(period) = periods.into_iter().find(|period| !wanted.frequency.takes(*period, first)) {
            let detail = format!("doesn't take the value of {period} that there is: create another indicator");
            errors.add(format!("{pointer}/frequency"), detail);
        }
    }
    if wanted.is_computed() && !existing.body.is_computed() && store::has_own_values(writer, existing.id())? {
        errors.add(format!("{pointer}/method"), "can't become 'computed': there are values that were measured");
    }
    let named: HashSet<&Key> = wanted.benchmarks.iter().map(|benchmark| &benchmark.key).collect();
    let leaving: Vec<Id> = benchmark_ids.iter().filter(|(key, _)| !named.contains(key)).map(|(_, id)| *id).collect();
    if !leaving.is_empty() {
        for key in store::measured_benchmarks(writer, &leaving)? {
            errors.add(format!("{pointer}/benchmarks"), format!("'{key}' has values: it can't be left out"));
        }
    }
    Ok(())
}

/// Writes what was prepared.
pub fn apply(writer: &mut Writer<'_>, checked: Vec<Checked>) -> Result<Vec<UpsertOutcome<IndicatorBody>>> {
    let municipality_id = writer.municipality_id;
    let row = |checked: &Checked| IndicatorRow::new(municipality_id, checked.outcome.entity(), checked.coverage);
    let created: Vec<_> = checked.iter().filter(|checked| checked.outcome.is_created()).map(row).collect();
    crate::insert_all!(writer.connection, indicators::table, &created)?;
    for changed in checked.iter().filter(|checked| matches!(checked.outcome, UpsertOutcome::Updated { .. })) {
        let id = changed.outcome.entity().id();
        diesel::update(indicators::table.find(id)).set(row(changed)).execute(writer.connection)?;
        diesel::delete(indicator_objectives::table.filter(indicator_objectives::indicator_id.eq(id)))
            .execute(writer.connection)?;
        diesel::delete(targets::table.filter(targets::indicator_id.eq(id))).execute(writer.connection)?;
        remove_benchmarks(writer, changed)?;
    }
    insert_parts(writer, &checked)?;
    let outcome: Vec<_> = checked.into_iter().map(|checked| checked.outcome).collect();
    writer.log(outcome.iter().filter_map(UpsertOutcome::change))?;
    Ok(outcome)
}

fn remove_benchmarks(writer: &mut Writer<'_>, changed: &Checked) -> Result<()> {
    let stays = |key: &Key| changed.outcome.entity().body.benchmark(key).is_some();
    let leaving: Vec<Id> = changed.benchmark_ids.iter().filter(|(key, _)| !stays(key)).map(|(_, id)| *id).collect();
    if !leaving.is_empty() {
        diesel::delete(benchmarks::table.filter(benchmarks::id.eq_any(leaving))).execute(writer.connection)?;
    }
    Ok(())
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

fn insert_parts(writer: &mut Writer<'_>, checked: &[Checked]) -> Result<()> {
    let (mut told, mut compared, mut aimed) = (Vec::new(), Vec::new(), Vec::new());
    for Checked { outcome, objective_ids, target_unit_ids, benchmark_ids, .. } in checked {
        if outcome.is_unchanged() {
            continue;
        }
        let (indicator_id, body) = (outcome.entity().id(), &outcome.entity().body);
        let places = objective_ids.iter().zip(0..);
        told.extend(places.map(|(objective_id, position)| {
            (
                indicator_objectives::indicator_id.eq(indicator_id),
                indicator_objectives::objective_id.eq(*objective_id),
                indicator_objectives::position.eq(position),
            )
        }));
        compared.extend(body.benchmarks.iter().zip(0..).map(|(benchmark, position)| {
            let BenchmarkBody { key, name, source } = benchmark.clone();
            let id = benchmark_ids.get(&key).copied().unwrap_or_else(Id::new);
            BenchmarkRow { id, indicator_id, key, name, source, position }
        }));
        aimed.extend(body.targets.iter().zip(target_unit_ids).zip(0..).map(|((target, unit_id), position)| {
            TargetRow {
                indicator_id,
                position,
                rule: target.rule,
                value: target.value,
                tolerance: target.tolerance,
                baseline_period: target.baseline_period,
                benchmark: target.benchmark.clone(),
                decided_by: target.decided_by,
                period: target.period,
                unit_id: *unit_id,
                note: target.note.clone(),
            }
        }));
    }
    crate::insert_all!(writer.connection, indicator_objectives::table, &told)?;
    crate::write_all!(
        writer.connection,
        benchmarks,
        compared,
        |row: &BenchmarkRow| row.clone(),
        [name, source, position]
    )?;
    crate::insert_all!(writer.connection, targets::table, &aimed)?;
    Ok(())
}
