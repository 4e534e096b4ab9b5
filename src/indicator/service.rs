//! Writing indicators: checked against each other and against what is stored.

use std::collections::{HashMap, HashSet};

use super::Indicators;
use super::model::{Indicator, IndicatorBody};
use super::store::write::{self, PreparedIndicator};
use super::store::{self, Filter};
use super::target::Target;
use crate::action::store as actions;
use crate::committee::level;
use crate::db::types::{Id, Key, Reference};
use crate::db::{Tenant, Writer};
use crate::organisation::store as organisation;
use crate::problem::{Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::resource::{self, Draft, Resource, UpsertOutcome};

/// What indicators can refer to.
#[derive(Debug, Default)]
pub struct References {
    /// Objectives, by path.
    pub objectives: ReferenceIndex,
    /// Actions of plans, by path.
    pub actions: ReferenceIndex,
    /// Levels.
    pub levels: ReferenceIndex,
    /// Units.
    pub units: ReferenceIndex,
}

impl References {
    /// All that is stored.
    pub fn load(writer: &mut Writer<'_>) -> Result<Self> {
        let mut references =
            Self { levels: level::store::names(writer)?, units: organisation::names(writer)?, ..Self::default() };
        references.objectives.extend(store::objective_paths(writer)?);
        references.actions.extend(actions::plan_actions(writer, None)?.into_paths().map(|(path, id)| (id, path)));
        Ok(references)
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
        write::delete(writer, stored.id())
    }
}

/// Checks and stores drafts: all or none.
fn save(writer: &mut Writer<'_>, drafts: Vec<Draft<IndicatorBody>>) -> Result<Vec<UpsertOutcome<IndicatorBody>>> {
    let references = References::load(writer)?;
    let mut errors = ValidationErrors::default();
    let prepared = prepare(writer, &references, drafts, &mut errors)?;
    errors.into_result()?;
    apply(writer, prepared)
}

/// Checks drafts and compares them with what is stored.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    references: &References,
    drafts: Vec<Draft<IndicatorBody>>,
    errors: &mut ValidationErrors,
) -> Result<Vec<PreparedIndicator>> {
    resource::check_duplicate_keys(drafts.iter().map(|draft| (draft.pointer.clone(), &draft.body.key)), errors);
    let keys = drafts.iter().map(|draft| draft.body.key.clone()).collect();
    let stored = store::list(tenant, Filter { keys: Some(keys), ..Filter::default() }, None)?;
    let ids: Vec<Id> = stored.iter().map(Indicator::id).collect();
    let mut known: HashMap<Id, HashMap<Key, Id>> = HashMap::new();
    for ((indicator, key), id) in store::benchmark_ids(tenant, &ids)? {
        known.entry(indicator).or_default().insert(key, id);
    }
    let mut stored: HashMap<Key, Indicator> =
        stored.into_iter().map(|indicator| (indicator.body.key.clone(), indicator)).collect();
    let now = tenant.now();
    let mut prepared = Vec::new();
    for Draft { pointer, mut body } in drafts {
        body.check(&pointer, errors);
        let objective_ids = resolve_objectives(&mut body, references, &pointer, errors);
        let at = |field: &str| format!("{pointer}/{field}");
        let action = body.coverage_of.as_mut();
        let action_id =
            action.and_then(|action| references.actions.resolve("action", action, &at("coverage_of"), errors));
        let level_id =
            references.levels.resolve_optional("level", &mut body.coverage_level, &at("coverage_level"), errors);
        let target_unit_ids = resolve_target_units(&mut body, &references.units, &pointer, errors);
        let existing = stored.remove(&body.key);
        let benchmark_ids = existing.as_ref().and_then(|existing| known.remove(&existing.id())).unwrap_or_default();
        if let Some(existing) = &existing {
            check_values_fit(tenant, existing, &body, &benchmark_ids, &pointer, errors)?;
        }
        let outcome = UpsertOutcome::compare(existing, Id::new(), body, now);
        prepared.push(PreparedIndicator {
            outcome,
            objective_ids,
            coverage: (action_id, level_id),
            target_unit_ids,
            benchmark_ids,
        });
    }
    Ok(prepared)
}

fn resolve_objectives(
    body: &mut IndicatorBody,
    references: &References,
    pointer: &str,
    errors: &mut ValidationErrors,
) -> Vec<Id> {
    let (mut ids, mut seen) = (Vec::new(), HashSet::new());
    for (n, objective) in body.objectives.iter_mut().enumerate() {
        let at = format!("{pointer}/objectives/{n}");
        let Some(id) = references.objectives.resolve("objective", objective, &at, errors) else { continue };
        if !seen.insert(id) {
            errors.add(at, format!("'{objective}' stands here twice"));
        }
        ids.push(id);
    }
    ids
}

/// The ids of the units of a draft's targets.
fn resolve_target_units(
    body: &mut IndicatorBody,
    units: &ReferenceIndex,
    pointer: &str,
    errors: &mut ValidationErrors,
) -> Vec<Option<Id>> {
    let resolve = |(n, target): (usize, &mut Target)| {
        units.resolve_optional("unit", &mut target.unit, &format!("{pointer}/targets/{n}/unit"), errors)
    };
    body.targets.iter_mut().enumerate().map(resolve).collect()
}

/// Checks that stored values stay valid under the new definition.
fn check_values_fit(
    tenant: &mut Tenant<'_>,
    existing: &Indicator,
    requested: &IndicatorBody,
    benchmark_ids: &HashMap<Key, Id>,
    pointer: &str,
    errors: &mut ValidationErrors,
) -> Result<()> {
    if existing.body.frequency != requested.frequency {
        let periods = store::stored_periods(tenant, existing.id())?;
        let first = periods.first().copied();
        if let Some(period) = periods.into_iter().find(|period| !requested.frequency.takes(*period, first)) {
            let detail = format!("doesn't take the value of {period} that there is: create another indicator");
            errors.add(format!("{pointer}/frequency"), detail);
        }
    }
    if requested.is_computed() && !existing.body.is_computed() && store::has_own_values(tenant, existing.id())? {
        errors.add(format!("{pointer}/method"), "can't become 'computed': there are values that were measured");
    }
    let keys: HashSet<&Key> = requested.benchmarks.iter().map(|benchmark| &benchmark.key).collect();
    let leaving: Vec<Id> = benchmark_ids.iter().filter(|(key, _)| !keys.contains(key)).map(|(_, id)| *id).collect();
    if !leaving.is_empty() {
        for key in store::measured_benchmarks(tenant, &leaving)? {
            errors.add(format!("{pointer}/benchmarks"), format!("'{key}' has values: it can't be left out"));
        }
    }
    Ok(())
}

/// Writes prepared indicators where they differ from what is stored.
pub fn apply(writer: &mut Writer<'_>, prepared: Vec<PreparedIndicator>) -> Result<Vec<UpsertOutcome<IndicatorBody>>> {
    write::insert(writer, prepared.iter().filter(|indicator| indicator.outcome.is_created()))?;
    for indicator in &prepared {
        if matches!(indicator.outcome, UpsertOutcome::Updated { .. }) {
            write::update(writer, indicator)?;
        }
    }
    write::insert_parts(writer, prepared.iter().filter(|indicator| !indicator.outcome.is_unchanged()))?;
    let outcomes: Vec<_> = prepared.into_iter().map(|indicator| indicator.outcome).collect();
    writer.log(outcomes.iter().filter_map(UpsertOutcome::change))?;
    Ok(outcomes)
}
