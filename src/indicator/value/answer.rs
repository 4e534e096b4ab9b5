//! What values are answered with.

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use utoipa::ToSchema;

use super::head::IndicatorHead;
use super::store::Replaced;
use crate::db::types::{Key, RegisterKey, Timestamp};
use crate::http::example::example;
use crate::http::page::{self, Page};
use crate::indicator::number;
use crate::period::Period;

/// The place of a value in the order of answers: indicator, period, unit and group, by key.
pub type ItemPlace = (String, i32, String, String);

/// A value, or the place of one that is hidden.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("value_item")))]
pub struct ValueItem {
    /// The indicator's key.
    pub indicator: Key,
    /// For which period.
    pub period: Period,
    /// Which unit's; null = the whole municipality's.
    pub unit: Option<RegisterKey>,
    /// Which group of employees; null = everybody.
    pub group: Option<RegisterKey>,
    /// Which benchmark's; null = the indicator's own.
    pub benchmark: Option<Key>,
    /// How much, in the indicator's unit of measure; null where it is hidden.
    #[serde(serialize_with = "number::optional::serialize")]
    #[schema(example = 11.4)]
    pub value: Option<f64>,
    /// How many people or answers stand behind it; of computed indicators, how many assignments. Null where nobody said,
    /// or it is hidden.
    pub count: Option<i64>,
    /// Whether it is preliminary.
    pub is_provisional: bool,
    /// Whether it is hidden: it is about few people, or somebody could compute such a one from it. Which of the two is
    /// nobody's to know.
    pub is_suppressed: bool,
    /// Whether it was told from the values of the units below.
    pub is_aggregated: bool,
    /// Of an aggregate: how many of the workplaces below have a value. Fewer than there are make a part, not a total.
    pub units_with_value: Option<usize>,
    /// Of an aggregate: how many workplaces there are below.
    pub units: Option<usize>,
    /// What is to be said of it; null where it is hidden.
    pub note: Option<String>,
}

impl ValueItem {
    /// A place without anything in it.
    pub fn nothing(indicator: &Key, period: Period, unit: Option<RegisterKey>, group: &str) -> Self {
        Self {
            indicator: indicator.clone(),
            period,
            unit,
            group: group.parse().ok(),
            benchmark: None,
            value: None,
            count: None,
            is_provisional: false,
            is_suppressed: false,
            is_aggregated: false,
            units_with_value: None,
            units: None,
            note: None,
        }
    }

    /// The same, all that it says of people taken out where it is hidden.
    pub fn hidden_where(self, is_suppressed: bool) -> Self {
        match is_suppressed {
            true => Self { value: None, count: None, note: None, is_provisional: false, is_suppressed: true, ..self },
            false => self,
        }
    }

    /// Its place in the order of answers.
    pub fn place(&self) -> ItemPlace {
        let text = |key: &Option<RegisterKey>| key.as_ref().map(ToString::to_string).unwrap_or_default();
        (self.indicator.to_string(), self.period.number(), text(&self.unit), text(&self.group))
    }
}

/// A page of an indicator's values, with what one needs to know to understand them.
#[derive(Debug, Serialize, ToSchema)]
pub struct IndicatorValuesPage {
    /// The indicator.
    pub indicator: IndicatorHead,
    /// Its values, by period, unit and group.
    pub items: Vec<ValueItem>,
    /// The cursor of the next page; null on the last one.
    pub next: Option<String>,
}

/// A page of values of several indicators.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValuesPage {
    /// The indicators of the page.
    pub indicators: Vec<IndicatorHead>,
    /// Their values, by indicator, period, unit and group.
    pub items: Vec<ValueItem>,
    /// The cursor of the next page; null on the last one.
    pub next: Option<String>,
}

impl Responder for IndicatorValuesPage {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        page::answer(&self, request, self.next.as_deref())
    }
}

impl Responder for ValuesPage {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        page::answer(&self, request, self.next.as_deref())
    }
}

/// A value that was replaced or removed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReplacedValue {
    /// For which period.
    pub period: Period,
    /// Which unit's; null = the whole municipality's.
    pub unit: Option<RegisterKey>,
    /// Which group of employees; null = everybody.
    pub group: Option<RegisterKey>,
    /// Which benchmark's; null = the indicator's own.
    pub benchmark: Option<Key>,
    /// How much.
    #[serde(serialize_with = "number::serialize")]
    pub value: f64,
    /// How many people or answers stood behind it.
    pub count: Option<i64>,
    /// Whether it was preliminary.
    pub is_provisional: bool,
    /// What was said of it.
    pub note: Option<String>,
    /// When it was replaced or removed.
    pub replaced_at: Timestamp,
    /// The change, in the log of changes.
    pub sequence: i64,
    /// Who vouches for who did it.
    pub issuer: String,
    /// Who did it.
    pub subject: String,
}

impl From<Replaced> for ReplacedValue {
    fn from(replaced: Replaced) -> Self {
        let (issuer, subject) = replaced.by;
        Self {
            period: replaced.period,
            unit: replaced.unit,
            group: replaced.group.parse().ok(),
            benchmark: replaced.benchmark,
            value: replaced.value,
            count: replaced.people.map(i64::from),
            is_provisional: replaced.is_provisional,
            note: replaced.note,
            replaced_at: replaced.at,
            sequence: replaced.sequence,
            issuer,
            subject,
        }
    }
}

/// A page of replaced values.
pub type ReplacedValuePage = Page<ReplacedValue>;
