//! Queries for [`IndicatorHead`]s.

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::db::Tenant;
use crate::db::schema::{indicators, municipalities};
use crate::db::types::{Id, Key, Reference, Timestamp};
use crate::indicator::model::{Aggregation, Direction, Frequency, Method};
use crate::indicator::store::ids_of_strategy;
use crate::indicator::value::head::{IndicatorHead, IndicatorSelector};
use crate::problem::{Problem, Result};
use crate::text::{LongText, ShortText};
use crate::web_address::WebAddress;

type Columns = (
    (Id, Key, ShortText, Option<LongText>, Option<WebAddress>, Option<ShortText>),
    (Direction, Frequency, Option<ShortText>, Method, Option<i32>, Aggregation, Option<i32>, Option<NaiveDate>),
    (Option<Timestamp>, Option<i32>, Option<i32>, Option<Id>, Option<Id>),
    i32,
);

/// The heads of the selected indicators, in the order of their keys.
pub fn heads(tenant: &mut Tenant<'_>, selector: IndicatorSelector) -> Result<Vec<IndicatorHead>> {
    let mut query = indicators::table
        .inner_join(municipalities::table.on(municipalities::id.eq(indicators::municipality_id)))
        .filter(indicators::municipality_id.eq(tenant.municipality_id))
        .order(indicators::key)
        .select((
            (
                indicators::id,
                indicators::key,
                indicators::title,
                indicators::definition,
                indicators::definition_url,
                indicators::unit_of_measure,
            ),
            (
                indicators::direction,
                indicators::frequency,
                indicators::source,
                indicators::method,
                indicators::decimals,
                indicators::aggregation,
                indicators::min_group,
                indicators::retired_on,
            ),
            (
                indicators::values_updated_at,
                indicators::first_period,
                indicators::last_period,
                indicators::coverage_action_id,
                indicators::coverage_level_id,
            ),
            municipalities::min_group,
        ))
        .into_boxed();
    query = match selector.one {
        Some(Reference::Id(id)) => query.filter(indicators::id.eq(id)),
        Some(path) => query.filter(indicators::key.eq(path.to_string())),
        None => query,
    };
    if let Some(keys) = selector.keys {
        query = query.filter(indicators::key.eq_any(keys));
    }
    if let Some(ids) = selector.ids {
        query = query.filter(indicators::id.eq_any(ids));
    }
    if let Some(strategy) = selector.strategy {
        query = query.filter(indicators::id.eq_any(ids_of_strategy(tenant, &strategy)?));
    }
    let rows: Vec<Columns> = query.load(tenant.connection)?;
    Ok(rows.into_iter().map(head).collect())
}

/// The head of one indicator, or 404.
pub fn head_of(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<IndicatorHead> {
    let selector = IndicatorSelector { one: Some(reference.clone()), ..IndicatorSelector::default() };
    heads(tenant, selector)?.pop().ok_or_else(|| Problem::not_found("indicator"))
}

/// [`heads`]; 404 where a single indicator is selected and does not exist.
pub fn selected_heads(tenant: &mut Tenant<'_>, selector: IndicatorSelector) -> Result<Vec<IndicatorHead>> {
    match selector.one.clone() {
        Some(reference) => head_of(tenant, &reference).map(|head| vec![head]),
        None => heads(tenant, selector),
    }
}

fn head((definition, measuring, values, municipality_min_group): Columns) -> IndicatorHead {
    let (id, key, title, definition, definition_url, unit_of_measure) = definition;
    let (direction, frequency, source, method, decimals, aggregation, min_group, retired_on) = measuring;
    let (values_updated_at, first, last, action_id, level_id) = values;
    IndicatorHead {
        id,
        key,
        title,
        definition,
        definition_url,
        unit_of_measure,
        direction,
        frequency,
        source,
        method,
        decimals,
        aggregation,
        min_group: min_group.map(|least| i64::from(least.max(municipality_min_group))),
        retired_on,
        values_updated_at,
        coverage: action_id.zip(level_id),
        range: first.zip(last),
    }
}
