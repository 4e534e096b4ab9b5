//! Pages of values that a client sends back as they were answered.

use std::collections::HashMap;
use std::ops::ControlFlow;

use serde_json::Value;

use super::model::{SentItem, SentPage, ValueItem, ValueRow};
use super::query::{ResolvedQuery, ValueQuery};
use super::read;
use super::store::heads::head_of;
use crate::db::Tenant;
use crate::db::types::{Key, Reference, RegisterKey};
use crate::indicator::model::Indicator;
use crate::period::{self, Period};
use crate::problem::{Problem, Result, ValidationErrors};

const STALE: &str = "is not what the service answers now: fetch the values again, or leave it out";

/// The rows of a page that are to be stored, each with its number in the page. What the service wrote itself is left
/// out, after a check that the service would answer the same now.
pub fn rows_to_store(
    tenant: &mut Tenant<'_>,
    indicator: &Indicator,
    benchmark: Option<&Key>,
    page: SentPage,
    errors: &mut ValidationErrors,
) -> Result<Vec<(usize, ValueRow)>> {
    let SentPage { indicator: head, items } = page;
    if let Some(head) = head {
        check_head(tenant, indicator, &head, errors)?;
    }
    for (n, item) in items.iter().enumerate() {
        check_address(item, (&indicator.body.key, benchmark), &format!("/items/{n}"), errors);
    }
    let is_computed = |item: &SentItem| benchmark.is_none() && (item.is_aggregated || indicator.body.is_computed());
    let items = items.into_iter().enumerate();
    let (computed, own): (Vec<_>, Vec<_>) = items.partition(|(_, item)| is_computed(item));
    check_computed(tenant, indicator, &computed, errors)?;
    for (n, item) in &own {
        check_own(item, &format!("/items/{n}"), errors);
    }
    Ok(own.into_iter().map(|(n, item)| (n, item.into_row())).collect())
}

/// Checks that the indicator of a page is stored as it was sent.
fn check_head(
    tenant: &mut Tenant<'_>,
    indicator: &Indicator,
    sent: &Value,
    errors: &mut ValidationErrors,
) -> Result<()> {
    let head = head_of(tenant, &Reference::Id(indicator.id()))?;
    let stored = serde_json::to_value(&head).map_err(Problem::internal)?;
    for (field, value) in sent.as_object().into_iter().flatten() {
        if stored.get(field) != Some(value) {
            errors.add(format!("/indicator/{field}"), STALE);
        }
    }
    Ok(())
}

/// Checks that a value is sent to the indicator and the benchmark that it names.
fn check_address(
    item: &SentItem,
    (indicator, benchmark): (&Key, Option<&Key>),
    pointer: &str,
    errors: &mut ValidationErrors,
) {
    if let Some(named) = item.indicator.as_ref().filter(|named| *named != indicator) {
        let detail = format!("is '{named}', and the values are sent to '{indicator}'");
        errors.add(format!("{pointer}/indicator"), detail);
    }
    match (&item.benchmark, benchmark) {
        (Some(named), Some(benchmark)) if named != benchmark => {
            let detail = format!("is not '{benchmark}', to which these values are sent: leave the row out");
            errors.add(format!("{pointer}/benchmark"), detail);
        }
        (Some(_), None) => {
            let detail = "is not null: leave the row out, and send a benchmark's values to its address";
            errors.add(format!("{pointer}/benchmark"), detail);
        }
        _ => {}
    }
}

/// Checks that a value that is to be stored was neither hidden nor computed.
fn check_own(item: &SentItem, pointer: &str, errors: &mut ValidationErrors) {
    for (field, is_set) in [("is_suppressed", item.is_suppressed), ("is_aggregated", item.is_aggregated)] {
        if is_set {
            errors.add(format!("{pointer}/{field}"), "is true: leave computed and hidden rows out");
        }
    }
    for (field, number) in [("units_with_value", item.units_with_value), ("units", item.units)] {
        if number.is_some() {
            errors.add(format!("{pointer}/{field}"), "has a number in computed rows alone: write null");
        }
    }
}

/// What a computed value is about: its period, unit and group.
type Position = (Period, Option<RegisterKey>, Option<RegisterKey>);

/// Checks that computed values say what the service computes now.
fn check_computed(
    tenant: &mut Tenant<'_>,
    indicator: &Indicator,
    sent: &[(usize, SentItem)],
    errors: &mut ValidationErrors,
) -> Result<()> {
    let periods = sent.iter().map(|(_, item)| item.period);
    let Some(first) = periods.clone().min_by_key(|period| period.number()) else { return Ok(()) };
    let last = periods.max_by_key(|period| period.number());
    let computed = computed_values(tenant, indicator, (Some(first), last))?;
    for (n, item) in sent {
        let unit = item.unit.as_ref().and_then(Reference::key).cloned();
        let field = match computed.get(&(item.period, unit, item.group.clone())) {
            Some(now) => item.difference(now).map(|field| format!("/{field}")),
            None => Some(String::new()),
        };
        if let Some(field) = field {
            errors.add(format!("/items/{n}{field}"), STALE);
        }
    }
    Ok(())
}

fn computed_values(
    tenant: &mut Tenant<'_>,
    indicator: &Indicator,
    (from, to): (Option<Period>, Option<Period>),
) -> Result<HashMap<Position, ValueItem>> {
    let head = head_of(tenant, &Reference::Id(indicator.id()))?;
    let query = ValueQuery {
        from,
        to,
        unit: None,
        subtree: false,
        group: None,
        only_measured: false,
        latest: false,
        sees_all: true,
        today: period::today(),
    };
    let query = ResolvedQuery::resolve(tenant, query)?;
    let mut computed = HashMap::new();
    read::visit(tenant, &[head], &query, None, |_, items| {
        let items = items.into_iter().filter(|item| item.is_aggregated || indicator.body.is_computed());
        computed.extend(items.map(|item| ((item.period, item.unit.clone(), item.group.clone()), item)));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(computed)
}
