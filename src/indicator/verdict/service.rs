//! Verdicts of stored targets: loads what the evaluation takes, for many indicators at once.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;

use super::{Evidence, Reading, Readings, Verdict, evaluate};
use crate::db::Tenant;
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::indicator::Indicators;
use crate::indicator::coverage;
use crate::indicator::model::Indicator;
use crate::indicator::store as indicators;
use crate::indicator::target::Target;
use crate::indicator::value::head::{IndicatorHead, IndicatorSelector};
use crate::indicator::value::model::ValueItem;
use crate::indicator::value::query::ResolvedQuery;
use crate::indicator::value::store::heads::heads;
use crate::indicator::value::{read, store};
use crate::organisation::store as organisation;
use crate::period::{self, Period};
use crate::problem::Result;
use crate::resource;

/// An indicator with the verdicts of its targets on a day. Without `sees_all`, hidden values are none.
pub fn verdicts_of(
    tenant: &mut Tenant<'_>,
    indicator: &Reference,
    on: NaiveDate,
    sees_all: bool,
) -> Result<(Indicator, Vec<Verdict>)> {
    let indicator = resource::read::<Indicators>(tenant, indicator)?;
    let mut verdicts = verdicts(tenant, std::slice::from_ref(&indicator), on, sees_all)?;
    let verdicts = verdicts.remove(&indicator.id()).unwrap_or_default();
    Ok((indicator, verdicts))
}

/// The verdicts of some indicators' targets on a day, in the order of the targets. The number of statements doesn't
/// depend on how many there are. Without `sees_all`, hidden values are none.
pub fn verdicts(
    tenant: &mut Tenant<'_>,
    requested: &[Indicator],
    on: NaiveDate,
    sees_all: bool,
) -> Result<HashMap<Id, Vec<Verdict>>> {
    let aiming: Vec<&Indicator> = requested.iter().filter(|indicator| !indicator.body.targets.is_empty()).collect();
    if aiming.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Id> = aiming.iter().map(|indicator| indicator.id()).collect();
    let heads = heads(tenant, IndicatorSelector { ids: Some(ids.clone()), ..IndicatorSelector::default() })?;
    let days = indicators::strategy_days(tenant, &ids)?;
    let values = values(tenant, &aiming, &heads, sees_all)?;
    let benchmarks = benchmarks(tenant, &aiming)?;
    let none = Readings::new();
    let verdicts = |indicator: &&Indicator| {
        let verdict = |target: &Target| {
            let unit = target.unit.as_ref().and_then(Reference::key).cloned();
            let benchmark = target.benchmark.clone().map(|key| (indicator.id(), key));
            let evidence = Evidence {
                indicator: &indicator.body,
                values: values.get(&(indicator.id(), unit)).unwrap_or(&none),
                benchmark: benchmark.and_then(|key| benchmarks.get(&key)).unwrap_or(&none),
                strategy_days: days.get(&indicator.id()).map_or((None, None), |days| (days.starts_on, days.ends_on)),
                on,
            };
            evaluate(target, &evidence)
        };
        (indicator.id(), indicator.body.targets.iter().map(verdict).collect())
    };
    Ok(aiming.iter().map(verdicts).collect())
}

/// The values of the municipality and of every unit that a target is for.
fn values(
    tenant: &mut Tenant<'_>,
    aiming: &[&Indicator],
    heads: &[IndicatorHead],
    sees_all: bool,
) -> Result<HashMap<(Id, Option<RegisterKey>), Readings>> {
    let units = aiming.iter().flat_map(|indicator| &indicator.body.targets).filter_map(|target| target.unit.as_ref());
    let keys: HashSet<RegisterKey> = units.filter_map(Reference::key).cloned().collect();
    let unit_ids = match keys.is_empty() {
        true => Vec::new(),
        false => {
            let names = organisation::names(tenant)?;
            keys.iter().filter_map(|key| names.id(key.as_str())).collect()
        }
    };
    let query = ResolvedQuery::for_units(unit_ids, true, sees_all);
    let computed: Vec<_> = heads.iter().filter_map(IndicatorHead::coverage).collect();
    let computed = coverage::coverage(tenant, &computed, period::today())?;
    let mut found: HashMap<(Id, Option<RegisterKey>), Readings> = HashMap::new();
    for (id, items) in read::read_few_units(tenant, heads, &query, &computed)? {
        for item in items {
            let reading = reading(&item);
            found.entry((id, item.unit)).or_default().insert(item.period, reading);
        }
    }
    Ok(found)
}

fn reading(item: &ValueItem) -> Reading {
    let covers = item.units_with_value.zip(item.units);
    Reading { value: item.value, is_provisional: item.is_provisional, covers }
}

fn benchmarks(tenant: &mut Tenant<'_>, aiming: &[&Indicator]) -> Result<HashMap<(Id, Key), Readings>> {
    let compared = aiming.iter().filter(|indicator| !indicator.body.benchmarks.is_empty());
    let ids: Vec<Id> = compared.map(|indicator| indicator.id()).collect();
    let mut found: HashMap<(Id, Key), Readings> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    for value in store::benchmark_values(tenant, &ids, None, Period::numbers(None, None))? {
        let reading = Reading { value: Some(value.value), is_provisional: value.is_provisional, covers: None };
        found.entry((value.indicator_id, value.benchmark)).or_default().insert(value.period, reading);
    }
    Ok(found)
}
