//! The part of an indicator that goes with its values.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::types::{Id, Key, Reference, Timestamp};
use crate::http::example::example;
use crate::indicator::coverage::CoverageDefinition;
use crate::indicator::model::{Aggregation, Direction, Frequency, Method};
use crate::period::Period;
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
    /// The numbers of the first and the last period with a value.
    #[serde(skip)]
    pub(crate) range: Option<(i32, i32)>,
}

impl IndicatorHead {
    /// What the service computes, if the indicator is a computed one.
    pub fn coverage(&self) -> Option<CoverageDefinition> {
        let (action_id, level_id) = self.coverage?;
        Some(CoverageDefinition { indicator_id: self.id, action_id, level_id, frequency: self.frequency })
    }

    /// The years in which it may have values, each as the range of its period numbers.
    pub fn years(&self) -> impl DoubleEndedIterator<Item = RangeInclusive<i32>> + use<> {
        let years = |(first, last)| Period::year_of_number(first)..=Period::year_of_number(last);
        self.range.into_iter().flat_map(years).map(Period::numbers_of_year)
    }

    /// Whether some answers depend on all its values: aggregates of units above, or which values are suppressed.
    pub fn needs_all_values(&self) -> bool {
        self.min_group.is_some() || self.aggregation != Aggregation::None
    }
}

/// Selects indicators. Conditions that are set must all hold; without any, all indicators are selected.
#[derive(Debug, Clone, Default)]
pub struct IndicatorSelector {
    /// Only this one.
    pub one: Option<Reference>,
    /// Only those with these keys.
    pub keys: Option<Vec<Key>>,
    /// Only those with these ids.
    pub ids: Option<Vec<Id>>,
    /// Only those attached to objectives of this strategy.
    pub strategy: Option<Reference>,
}
