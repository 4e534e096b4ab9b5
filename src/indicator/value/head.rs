//! What a script needs to know of an indicator to understand its values.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::Tenant;
use crate::db::schema::{indicators, municipalities};
use crate::db::types::{Id, Key, Reference, Timestamp};
use crate::http::example::example;
use crate::indicator::coverage::Wanted;
use crate::indicator::model::{Aggregation, Direction, Frequency, Method};
use crate::period::Period;
use crate::problem::{Problem, Result};
use crate::text::{LongText, ShortText};
use crate::web_address::WebAddress;

/// What an answer with values says of their indicator.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!(example!("indicator_head")))]
pub struct IndicatorHead {
    /// Its id.
    pub id: Id,
    /// Its key.
    pub key: Key,
    /// What it is called.
    pub title: ShortText,
    /// What exactly is measured.
    pub definition: Option<LongText>,
    /// Where the definition stands in full.
    pub definition_url: Option<WebAddress>,
    /// What the values count.
    #[schema(value_type = Option<ShortText>, example = "dage pr. ansat")]
    pub unit_of_measure: Option<ShortText>,
    /// Which way is better.
    pub direction: Direction,
    /// How often it is measured.
    pub frequency: Frequency,
    /// Where the values come from.
    pub source: Option<ShortText>,
    /// How it is measured.
    pub method: Method,
    /// How many decimals are worth showing; null = as many as are needed.
    pub decimals: Option<i32>,
    /// How values come up the unit tree.
    pub aggregation: Aggregation,
    /// Values about fewer people than this are hidden from readers; null = none is.
    pub min_group: Option<i64>,
    /// The day from which it is no longer measured.
    pub retired_on: Option<NaiveDate>,
    /// When its values, or those of its benchmarks, were last written; null where none ever was, and of what the
    /// service computes.
    pub values_updated_at: Option<Timestamp>,
    /// Of computed ones: the action and the level.
    #[serde(skip)]
    pub(crate) coverage: Option<(Id, Id)>,
    /// The first and last period that a value was ever written for.
    #[serde(skip)]
    pub(crate) range: Option<(i32, i32)>,
}

impl IndicatorHead {
    /// What to compute, where the service does.
    pub fn coverage(&self) -> Option<Wanted> {
        let (action_id, level_id) = self.coverage?;
        Some(Wanted { indicator_id: self.id, action_id, level_id, frequency: self.frequency })
    }

    /// The years in which it may have values, each as the numbers of its periods.
    pub fn years(&self) -> impl DoubleEndedIterator<Item = RangeInclusive<i32>> + use<> {
        let years = |(first, last)| Period::year_of_number(first)..=Period::year_of_number(last);
        self.range.into_iter().flat_map(years).map(Period::numbers_of_year)
    }

    /// Whether something can't be told from a value alone: what units above have, or who is hidden.
    pub fn needs_all_values(&self) -> bool {
        self.min_group.is_some() || self.aggregation != Aggregation::None
    }
}

type Columns = (
    (Id, Key, ShortText, Option<LongText>, Option<WebAddress>, Option<ShortText>),
    (Direction, Frequency, Option<ShortText>, Method, Option<i32>, Aggregation, Option<i32>, Option<NaiveDate>),
    (Option<Timestamp>, Option<i32>, Option<i32>, Option<Id>, Option<Id>),
    i32,
);

/// Which indicators' values are wanted.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Only this one.
    pub one: Option<Reference>,
    /// Only those with these keys.
    pub keys: Option<Vec<Key>>,
    /// Only these.
    pub ids: Option<Vec<Id>>,
    /// Only those that tell about objectives of this strategy.
    pub strategy: Option<Reference>,
}

/// The heads of some indicators, in the order of their keys.
pub fn heads(tenant: &mut Tenant<'_>, which: Which) -> Result<Vec<IndicatorHead>> {
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
    query = match which.one {
        Some(Reference::Id(id)) => query.filter(indicators::id.eq(id)),
        Some(path) => query.filter(indicators::key.eq(path.to_string())),
        None => query,
    };
    if let Some(keys) = which.keys {
        query = query.filter(indicators::key.eq_any(keys));
    }
    if let Some(ids) = which.ids {
        query = query.filter(indicators::id.eq_any(ids));
    }
    if let Some(strategy) = which.strategy {
        let its = crate::indicator::store::ids_of_strategy(tenant, &strategy)?;
        query = query.filter(indicators::id.eq_any(its));
    }
    let rows: Vec<Columns> = query.load(tenant.connection)?;
    Ok(rows.into_iter().map(head).collect())
}

/// The head of one indicator, or 404.
pub fn head_of(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<IndicatorHead> {
    let which = Which { one: Some(reference.clone()), ..Which::default() };
    heads(tenant, which)?.pop().ok_or_else(|| Problem::not_found("indicator"))
}

/// The heads of what is asked for; 404 where that is a single one, and is not there.
pub fn wanted(tenant: &mut Tenant<'_>, which: Which) -> Result<Vec<IndicatorHead>> {
    match which.one.clone() {
        Some(reference) => head_of(tenant, &reference).map(|head| vec![head]),
        None => heads(tenant, which),
    }
}

fn head((what, how, values, floor): Columns) -> IndicatorHead {
    let (id, key, title, definition, definition_url, unit_of_measure) = what;
    let (direction, frequency, source, method, decimals, aggregation, min_group, retired_on) = how;
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
        min_group: min_group.map(|least| i64::from(least.max(floor))),
        retired_on,
        values_updated_at,
        coverage: action_id.zip(level_id),
        range: first.zip(last),
    }
}
