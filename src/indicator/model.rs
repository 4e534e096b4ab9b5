//! Indicators and their rules.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use super::frequency::Frequency;
use super::target::{Target, TargetRule};
use crate::db::change::EntityKind;
use crate::db::types::{Key, Reference};
use crate::http::example::example;
use crate::problem::ValidationErrors;
use crate::resource::{Body, Entity};
use crate::text::{self, LongText, ShortText};
use crate::web_address::WebAddress;

crate::text_enum! {
    /// Which way is better.
    Direction {
        /// More is better.
        Increase = "increase",
        /// Less is better.
        Decrease = "decrease",
        /// It is to stay where it is.
        Maintain = "maintain",
    }
}

crate::text_enum! {
    /// How it is measured.
    Method {
        /// Taken from a register.
        Register = "register",
        /// Everybody is asked.
        Survey = "survey",
        /// Some are asked, or looked at.
        Sample = "sample",
        /// In conversation.
        Interview = "interview",
        /// Counted by hand.
        Manual = "manual",
        /// Judged in words, with a number beside it where there is one.
        Qualitative = "qualitative",
        /// The service computes it from what committees report: see `coverage_of`.
        Computed = "computed",
    }
}

crate::text_enum! {
    /// How a unit without a value of its own gets one from the units below it.
    Aggregation {
        /// Not at all.
        None = "none",
        /// Their sum.
        Sum = "sum",
        /// Their mean, weighted by `count`; values without a `count` are left out.
        Mean = "mean",
    }
}

/// A reference to compare with, such as the average of other municipalities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("benchmark_body")))]
pub struct BenchmarkBody {
    /// Chosen by the client, unique among the indicator's benchmarks; never changes.
    pub key: Key,
    /// What it is called.
    pub name: ShortText,
    /// Where its values come from.
    #[serde(default)]
    pub source: Option<ShortText>,
}

/// What is measured, how, and the targets for it (nøgletal, indikator).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("indicator_body")))]
pub struct IndicatorBody {
    /// Chosen by the client, unique among the municipality's indicators; never changes.
    pub key: Key,
    /// What it is called.
    pub title: ShortText,
    /// What exactly is measured.
    #[serde(default)]
    pub definition: Option<LongText>,
    /// Where the definition stands in full: an https address.
    #[serde(default)]
    pub definition_url: Option<WebAddress>,
    /// What the values count, e.g. `%` or `dage pr. ansat`.
    #[serde(default)]
    pub unit_of_measure: Option<ShortText>,
    /// Which way is better.
    pub direction: Direction,
    /// How often it is measured.
    pub frequency: Frequency,
    /// Where the values come from.
    #[serde(default)]
    pub source: Option<ShortText>,
    /// How it is measured.
    pub method: Method,
    /// How many decimals are shown in texts and pictures; values themselves are never rounded. Null = as many as are
    /// needed.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 6)]
    pub decimals: Option<i32>,
    /// Values about fewer people than this are hidden, and as many others as needed so that nobody can compute them.
    /// The municipality's own `min_group` applies where it is higher. Null = nothing is hidden.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub min_group: Option<i32>,
    /// How units without values get them from the units below.
    #[serde(default = "Aggregation::usual")]
    #[schema(default = "none")]
    pub aggregation: Aggregation,
    /// The objectives that it measures: `strategy/area/objective`, or UUIDs.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub objectives: Vec<Reference>,
    /// Of computed ones: the action, `strategy/area/action`; the value is the share of committees that have reported it
    /// done, in percent.
    #[serde(default)]
    pub coverage_of: Option<Reference>,
    /// Of computed ones: the level whose committees are counted.
    #[serde(default)]
    pub coverage_level: Option<Reference>,
    /// What it is compared with. A benchmark with values can't be removed.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub benchmarks: Vec<BenchmarkBody>,
    /// What is to be reached.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub targets: Vec<Target>,
    /// The day from which it is no longer measured; it stays readable.
    #[serde(default)]
    pub retired_on: Option<NaiveDate>,
}

impl Aggregation {
    fn usual() -> Self {
        Self::None
    }
}

/// An indicator as it is stored.
pub type Indicator = Entity<IndicatorBody>;

impl Body for IndicatorBody {
    const ENTITY: EntityKind = EntityKind::Indicator;
    const ANSWER: &'static str = "Indicator";
    type Key = Key;

    fn key(&self) -> &Key {
        &self.key
    }

    fn last_day(&self) -> Option<NaiveDate> {
        self.retired_on
    }
}

impl IndicatorBody {
    /// Whether the service computes its values itself.
    pub fn is_computed(&self) -> bool {
        self.method == Method::Computed
    }

    /// The smallest group whose values are shown, `floor` being the municipality's minimum; none = all are shown.
    pub fn least_shown(&self, floor: i32) -> Option<i64> {
        self.min_group.map(|least| i64::from(least.max(floor)))
    }

    /// Checks the rules that need no other row.
    pub fn check(&self, pointer: &str, errors: &mut ValidationErrors) {
        self.check_computed(pointer, errors);
        let mut seen = HashSet::new();
        for (n, benchmark) in self.benchmarks.iter().enumerate() {
            if !seen.insert(&benchmark.key) {
                errors.add(format!("{pointer}/benchmarks/{n}/key"), format!("'{}' stands here twice", benchmark.key));
            }
        }
        for (n, target) in self.targets.iter().enumerate() {
            self.check_target(target, &format!("{pointer}/targets/{n}"), errors);
        }
    }

    fn check_target(&self, target: &Target, pointer: &str, errors: &mut ValidationErrors) {
        target.check_fields(pointer, errors);
        if let Some(key) = &target.benchmark
            && self.benchmark(key).is_none()
        {
            errors.add(format!("{pointer}/benchmark"), format!("names none of the indicator's benchmarks: '{key}'"));
        }
        if target.rule == TargetRule::FullCoverage && !self.is_percentage() {
            errors.add(format!("{pointer}/rule"), "needs values in percent: write '%' in unit_of_measure");
        }
        target.check_periods(self.frequency, pointer, errors);
    }

    fn check_computed(&self, pointer: &str, errors: &mut ValidationErrors) {
        let fields = [("coverage_of", &self.coverage_of), ("coverage_level", &self.coverage_level)];
        for (name, field) in fields {
            match (self.is_computed(), field) {
                (true, None) => errors.add(format!("{pointer}/{name}"), "is missing: what is computed needs it"),
                (false, Some(_)) => {
                    errors.add(format!("{pointer}/{name}"), "is for the method 'computed' alone: leave it out");
                }
                _ => {}
            }
        }
        if self.is_computed() && self.min_group.is_some() {
            errors.add(format!("{pointer}/min_group"), "counts people, and this one counts committees: leave it out");
        }
        if self.is_computed() && self.aggregation != Aggregation::None {
            errors.add(format!("{pointer}/aggregation"), "is 'none' where the service computes the values");
        }
        if self.is_computed() && self.frequency == Frequency::Once {
            errors.add(format!("{pointer}/frequency"), "says for which periods it is computed: 'once' names none");
        }
    }

    /// Whether its values are percentages.
    pub fn is_percentage(&self) -> bool {
        self.is_computed() || self.unit_of_measure.as_ref().is_some_and(|unit| unit.as_str().trim() == "%")
    }

    /// The text that is searched.
    pub fn search_text(&self) -> String {
        text::fold_all([
            Some(self.title.as_str()),
            self.definition.as_ref().map(LongText::as_str),
            self.source.as_ref().map(ShortText::as_str),
            Some(self.key.as_str()),
        ])
    }

    /// The benchmark under a key.
    pub fn benchmark(&self, key: &Key) -> Option<&BenchmarkBody> {
        self.benchmarks.iter().find(|benchmark| benchmark.key == *key)
    }
}
