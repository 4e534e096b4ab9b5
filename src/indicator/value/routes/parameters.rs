//! Query parameters of the lists of values.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::auth::caller::Caller;
use crate::auth::scope::Scope;
use crate::db::types::{KEY_LENGTH, Key, Reference, RegisterKey};
use crate::http::page::Cursor;
use crate::indicator::value::query::{TotalOr, ValueQuery};
use crate::period::{self, Period};

/// A range of periods.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PeriodRange {
    /// Only periods that begin on the first day of this one or later.
    #[param(example = "2024")]
    pub from: Option<Period>,
    /// Only periods that begin on the last day of this one or before.
    #[param(example = "2026")]
    pub to: Option<Period>,
}

impl PeriodRange {
    /// The range as numbers of periods.
    pub fn numbers(&self) -> RangeInclusive<i32> {
        Period::numbers(self.from, self.to)
    }
}

/// The filters of every list of values, beside its periods.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ValueFilters {
    /// Only values of this unit: key or UUID; empty = of the municipality as a whole. Without it: of all units, and
    /// of the municipality as a whole.
    #[param(value_type = Option<UnitOrTotal>, inline, example = "skolen-ved-aaen")]
    pub unit: Option<TotalOr<Reference>>,
    /// With the values of all units below that unit.
    #[serde(default)]
    #[param(default = false)]
    pub subtree: bool,
    /// Only values of this group of employees; empty = of everybody. Without it: of all groups, and of everybody.
    #[param(value_type = Option<GroupOrTotal>, inline, example = "paedagoger")]
    pub group: Option<TotalOr<RegisterKey>>,
    /// With the aggregates that units get from those below them; `false` = only what was measured.
    #[param(default = true)]
    pub aggregates: Option<bool>,
    /// Values a page; tables, cubes and pictures hold all.
    #[serde(default)]
    pub limit: ValueLimit,
    /// Where the page begins: `next` of the page before.
    pub cursor: Option<Cursor>,
}

impl ValueFilters {
    /// The query that the filters stand for. `latest`: only the newest period of each indicator.
    pub fn into_query(self, PeriodRange { from, to }: PeriodRange, latest: bool, caller: &Caller) -> ValueQuery {
        let Self { unit, subtree, group, aggregates, .. } = self;
        let only_measured = aggregates == Some(false);
        let sees_all = caller.scopes.holds(Scope::Measure);
        ValueQuery { from, to, unit, subtree, group, only_measured, latest, sees_all, today: period::today() }
    }

    /// Whether any filter is set.
    pub fn is_set(&self) -> bool {
        let Self { unit, subtree, group, aggregates, cursor, .. } = self;
        unit.is_some() || group.is_some() || *subtree || aggregates.is_some() || cursor.is_some()
    }
}

impl<'de, T: FromStr> Deserialize<'de> for TotalOr<T>
where
    T::Err: std::fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "" => Ok(Self::Total),
            one => one.parse().map(Self::One).map_err(serde::de::Error::custom),
        }
    }
}

/// The schema of [`TotalOr<Reference>`].
struct UnitOrTotal;

impl PartialSchema for UnitOrTotal {
    fn schema() -> RefOr<Schema> {
        or_empty::<Reference>()
    }
}

impl ToSchema for UnitOrTotal {}

/// The schema of [`TotalOr<RegisterKey>`].
struct GroupOrTotal;

impl PartialSchema for GroupOrTotal {
    fn schema() -> RefOr<Schema> {
        or_empty::<RegisterKey>()
    }
}

impl ToSchema for GroupOrTotal {}

fn or_empty<T: PartialSchema>() -> RefOr<Schema> {
    match T::schema() {
        RefOr::T(Schema::Object(mut one)) => {
            one.format = None;
            one.pattern = one.pattern.map(|pattern| format!("^$|{pattern}"));
            one.into()
        }
        other => other,
    }
}

/// How many values a page holds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct ValueLimit(pub usize);

/// The most values that a page holds.
const MOST_VALUES: usize = 10_000;

impl Default for ValueLimit {
    fn default() -> Self {
        Self(1_000)
    }
}

impl TryFrom<String> for ValueLimit {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        let limit = text.parse().ok().filter(|limit| (1..=MOST_VALUES).contains(limit));
        limit.map(Self).ok_or("write a number from 1 to 10000")
    }
}

impl PartialSchema for ValueLimit {
    fn schema() -> RefOr<Schema> {
        let limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MOST_VALUES));
        limit.default(Some(1_000.into())).into()
    }
}

impl ToSchema for ValueLimit {}

/// Keys of indicators, separated by commas.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct IndicatorKeys(pub Vec<Key>);

impl TryFrom<String> for IndicatorKeys {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        let keys: std::result::Result<Vec<Key>, _> = text.split(',').map(str::parse).collect();
        let keys = keys.map_err(|_| "write keys of indicators, separated by commas")?;
        if keys.len() <= MOST_KEYS { Ok(Self(keys)) } else { Err("write at most 200 keys") }
    }
}

/// How many indicators can be named in one request.
const MOST_KEYS: usize = 200;

impl PartialSchema for IndicatorKeys {
    fn schema() -> RefOr<Schema> {
        let key = format!("[a-z0-9][a-z0-9-]{{0,{}}}", KEY_LENGTH - 1);
        let pattern = format!("^{key}(,{key}){{0,{}}}$", MOST_KEYS - 1);
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

impl ToSchema for IndicatorKeys {}
