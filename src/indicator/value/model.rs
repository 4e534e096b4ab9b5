//! Values as clients send them and as they are answered.

use serde::de::Deserializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::head::IndicatorHead;
use crate::db::types::{Key, Reference, RegisterKey, Timestamp};
use crate::http::example::example;
use crate::http::page::Page;
use crate::indicator::number;
use crate::period::Period;
use crate::text::LongText;

/// One value as a client sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!(example!("value_row")))]
pub struct ValueRow {
    /// Its period, as long as the indicator's frequency says.
    pub period: Period,
    /// The unit that it is about; null = the whole municipality.
    #[serde(default)]
    pub unit: Option<Reference>,
    /// The group of people that it is about; null = everybody.
    #[serde(default)]
    pub group: Option<RegisterKey>,
    /// The value, in the indicator's unit of measure: 12 for 12 %. Null removes what is stored, which is kept
    /// among the replaced values.
    #[serde(deserialize_with = "value_or_null")]
    #[schema(required, minimum = -1e15, maximum = 1e15)]
    pub value: Option<f64>,
    /// How many people it is about; null = unknown.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub count: Option<i64>,
    /// Whether it may still change.
    #[serde(default)]
    #[schema(default = false)]
    pub is_provisional: bool,
    /// A remark.
    #[serde(default)]
    pub note: Option<LongText>,
}

/// Requires the field, which may be null. Turns -0 into 0, which would be another value.
fn value_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<f64>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.map(|value| value + 0.0))
}

/// Values as a client sends them: all are stored or none. Either `values`, or `items` as an answer has them.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!(example!("values_body")))]
pub struct ValuesBody {
    /// The values.
    #[serde(default)]
    #[schema(value_type = Vec<ValueRow>, required = false, max_items = 100_000)]
    pub values: Option<Vec<ValueRow>>,
    /// In place of `values`: those of an answer, sent back. What the service wrote itself, computed rows among it, is
    /// left alone where it is what the service answers now; else it is an error.
    #[serde(default)]
    #[schema(value_type = Vec<SentItem>, required = false, max_items = 100_000)]
    pub items: Option<Vec<SentItem>>,
    /// The indicator of such an answer. It must be stored as it is here.
    #[serde(default)]
    #[schema(value_type = Object, required = false, read_only, example = json!({"key": "sygefravaer"}))]
    pub indicator: Option<Value>,
    /// The cursor of such an answer, which has no meaning here.
    #[serde(default)]
    #[schema(read_only)]
    pub next: Option<String>,
}

/// A value of an answer that is sent back. Beside the fields of a value, it has those that the service wrote.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!(example!("sent_item")))]
pub struct SentItem {
    /// The indicator that the values are sent to.
    #[serde(default)]
    #[schema(read_only)]
    pub indicator: Option<Key>,
    /// Its period.
    pub period: Period,
    /// The unit that it is about; null = the whole municipality.
    #[serde(default)]
    pub unit: Option<Reference>,
    /// The group of employees that it is about; null = everybody.
    #[serde(default)]
    pub group: Option<RegisterKey>,
    /// The benchmark that the values are sent to.
    #[serde(default)]
    #[schema(read_only)]
    pub benchmark: Option<Key>,
    /// The value, in the indicator's unit of measure. Null removes what is stored.
    #[serde(deserialize_with = "value_or_null")]
    #[schema(required, minimum = -1e15, maximum = 1e15)]
    pub value: Option<f64>,
    /// How many people it is about; null = unknown.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub count: Option<i64>,
    /// Whether it may still change.
    #[serde(default)]
    #[schema(default = false)]
    pub is_provisional: bool,
    /// Whether it was hidden: then it can't be sent back.
    #[serde(default)]
    #[schema(default = false, read_only)]
    pub is_suppressed: bool,
    /// Whether it was computed from the values of the units below: then it is not stored.
    #[serde(default)]
    #[schema(default = false, read_only)]
    pub is_aggregated: bool,
    /// Of an aggregate: how many of the workplaces below have a value.
    #[serde(default)]
    #[schema(read_only)]
    pub units_with_value: Option<usize>,
    /// Of an aggregate: how many workplaces there are below.
    #[serde(default)]
    #[schema(read_only)]
    pub units: Option<usize>,
    /// A remark.
    #[serde(default)]
    pub note: Option<LongText>,
}

impl SentItem {
    /// The value, without what the service wrote.
    pub fn into_row(self) -> ValueRow {
        let Self { period, unit, group, value, count, is_provisional, note, .. } = self;
        ValueRow { period, unit, group, value, count, is_provisional, note }
    }

    /// The first field in which it differs from an answer with the same period, unit and group.
    pub fn difference(&self, answered: &ValueItem) -> Option<&'static str> {
        let fields = [
            ("value", self.value == answered.value),
            ("count", self.count == answered.count),
            ("is_provisional", self.is_provisional == answered.is_provisional),
            ("is_suppressed", self.is_suppressed == answered.is_suppressed),
            ("is_aggregated", self.is_aggregated == answered.is_aggregated),
            ("units_with_value", self.units_with_value == answered.units_with_value),
            ("units", self.units == answered.units),
            ("note", self.note.as_ref().map(LongText::as_str) == answered.note.as_deref()),
        ];
        fields.into_iter().find(|(_, is_same)| !is_same).map(|(name, _)| name)
    }
}

/// A page of values that is sent back.
#[derive(Debug)]
pub struct SentPage {
    /// The indicator, as it was answered.
    pub indicator: Option<Value>,
    /// The values.
    pub items: Vec<SentItem>,
}

/// How many values were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("value_counts")))]
pub struct ValueCounts {
    /// Values that are new.
    pub created: usize,
    /// Values that replaced others; those are kept.
    pub updated: usize,
    /// Values that were stored already.
    pub unchanged: usize,
    /// Values that were removed; they are kept among the replaced ones.
    pub removed: usize,
}

impl ValueCounts {
    /// Whether anything was written.
    pub fn is_change(&self) -> bool {
        self.created + self.updated + self.removed > 0
    }
}

impl std::ops::AddAssign for ValueCounts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.removed += other.removed;
    }
}

/// The position of a value in an answer: the indicator's key, the period's number, and the keys of unit and group.
pub type ItemPosition = (String, i32, String, String);

/// A value; without its numbers where it is hidden.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("value_item")))]
pub struct ValueItem {
    /// The indicator's key.
    pub indicator: Key,
    /// Its period.
    pub period: Period,
    /// The unit that it is about; null = the whole municipality.
    pub unit: Option<RegisterKey>,
    /// The group of employees that it is about; null = everybody.
    pub group: Option<RegisterKey>,
    /// The benchmark that it belongs to; null = the indicator's own value.
    pub benchmark: Option<Key>,
    /// The value, in the indicator's unit of measure; null where it is hidden.
    #[serde(serialize_with = "number::optional::serialize")]
    #[schema(example = 11.4)]
    pub value: Option<f64>,
    /// How many people or answers it is about; of computed indicators, how many assignments. Null where it was not sent
    /// or is hidden.
    pub count: Option<i64>,
    /// Whether it is preliminary.
    pub is_provisional: bool,
    /// Whether it is hidden: it is about few people, or a value about few people could be computed from it. Which of
    /// the two is not shown.
    pub is_suppressed: bool,
    /// Whether it was computed from the values of the units below.
    pub is_aggregated: bool,
    /// Of an aggregate: how many of the workplaces below have a value. If fewer than `units`, the aggregate is a part,
    /// not a total.
    pub units_with_value: Option<usize>,
    /// Of an aggregate: how many workplaces there are below.
    pub units: Option<usize>,
    /// A remark; null where it is hidden.
    pub note: Option<String>,
}

impl ValueItem {
    /// An item without a value.
    pub fn empty(indicator: &Key, period: Period, unit: Option<RegisterKey>, group: &str) -> Self {
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

    /// Without everything that it says of people, where it is suppressed.
    pub fn suppressed_if(self, is_suppressed: bool) -> Self {
        match is_suppressed {
            true => Self { value: None, count: None, note: None, is_provisional: false, is_suppressed: true, ..self },
            false => self,
        }
    }

    /// Its position in an answer.
    pub fn position(&self) -> ItemPosition {
        let text = |key: &Option<RegisterKey>| key.as_ref().map(ToString::to_string).unwrap_or_default();
        (self.indicator.to_string(), self.period.number(), text(&self.unit), text(&self.group))
    }
}

/// A page of an indicator's values, with what is needed to understand them.
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

/// A value that was replaced or removed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReplacedValue {
    /// Its period.
    pub period: Period,
    /// The unit that it is about; null = the whole municipality.
    pub unit: Option<RegisterKey>,
    /// The group of employees that it is about; null = everybody.
    pub group: Option<RegisterKey>,
    /// The benchmark that it belongs to; null = the indicator's own value.
    pub benchmark: Option<Key>,
    /// The value.
    #[serde(serialize_with = "number::serialize")]
    pub value: f64,
    /// How many people or answers it was about.
    pub count: Option<i64>,
    /// Whether it was preliminary.
    pub is_provisional: bool,
    /// The remark.
    pub note: Option<String>,
    /// When it was replaced or removed.
    pub replaced_at: Timestamp,
    /// The number of that change in the log of changes.
    pub sequence: i64,
    /// The issuer of the token of the person or program that did it.
    pub issuer: String,
    /// The subject of that token.
    pub subject: String,
}

/// A page of replaced values.
pub type ReplacedValuePage = Page<ReplacedValue>;
