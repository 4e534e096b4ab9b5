//! What an indicator is.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::target::Target;
use crate::db::types::{Key, Reference};
use crate::http::example::example;
use crate::period::{Period, Span};
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
    /// How often it is measured, which decides what its periods look like.
    Frequency {
        /// Once, or now and then: any period.
        Once = "once",
        /// Every month: `2024-05`.
        Month = "month",
        /// Every quarter: `2024-Q2`.
        Quarter = "quarter",
        /// Every half-year: `2024-H1`.
        HalfYear = "half_year",
        /// Every year: `2024`.
        Year = "year",
        /// Every second year: `2023`, `2025`; the first value says which ones.
        Biennium = "biennium",
    }
}

impl Frequency {
    /// How long its periods are; none = any length.
    pub fn span(self) -> Option<Span> {
        match self {
            Self::Once => None,
            Self::Month => Some(Span::Month),
            Self::Quarter => Some(Span::Quarter),
            Self::HalfYear => Some(Span::HalfYear),
            Self::Year | Self::Biennium => Some(Span::Year),
        }
    }

    /// Whether something measured this often has a value of its own for `period`. `first` is a year in which something
    /// was measured every second year.
    pub fn takes(self, period: Period, first: Option<Period>) -> bool {
        let fits = self.span().is_none_or(|span| span == period.span());
        let year = |period: Period| period.first_day().year();
        let in_turn = self != Self::Biennium || first.is_none_or(|first| (year(period) - year(first)) % 2 == 0);
        fits && in_turn
    }

    /// What a period that isn't taken is answered with.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Once => "write any period",
            Self::Month => "it is measured every month: write one such as 2024-05",
            Self::Quarter => "it is measured every quarter: write one such as 2024-Q2",
            Self::HalfYear => "it is measured every half-year: write one such as 2024-H1",
            Self::Year => "it is measured every year: write one such as 2024",
            Self::Biennium => "it is measured every second year: write one of the years in turn",
        }
    }

    /// The period of this frequency that ends with `period`: by which a target for it is judged. None where `period`
    /// is shorter than one of those, or any will do.
    pub fn last_within(self, period: Period) -> Option<Period> {
        let last = Period::containing(period.last_day(), self.span()?);
        period.contains(last).then_some(last)
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
    /// How the value of a unit comes from those of the units below it, where it has none of its own.
    Aggregation {
        /// Not at all.
        None = "none",
        /// Their sum.
        Sum = "sum",
        /// Their mean, weighted by `count`; values without one are left out.
        Mean = "mean",
    }
}

/// What others have, to compare with.
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

/// What is measured, how, and how far it is to come (nøgletal, indikator).
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
    /// Values about fewer people than this are hidden, and as many others as it takes that nobody can compute them.
    /// The municipality's own `min_group` counts where it is higher. Null = nothing is hidden.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub min_group: Option<i32>,
    /// How values come up the unit tree.
    #[serde(default = "Aggregation::usual")]
    #[schema(default = "none")]
    pub aggregation: Aggregation,
    /// The objectives that it tells about: `strategy/area/objective`, or UUIDs.
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
    /// What others have. One with values stays: it can't be left out again.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub benchmarks: Vec<BenchmarkBody>,
    /// How far it is to come.
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
    const ENTITY: &'static str = "indicator";
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

    /// The smallest group that is shown, under a municipality's floor; none = every group is.
    pub fn least_shown(&self, floor: i32) -> Option<i64> {
        self.min_group.map(|least| i64::from(least.max(floor)))
    }

    /// Notes what breaks a rule that needs no other row.
    pub fn check(&self, pointer: &str, errors: &mut ValidationErrors) {
        self.check_computed(pointer, errors);
        let mut seen = HashSet::new();
        for (n, benchmark) in self.benchmarks.iter().enumerate() {
            if !seen.insert(&benchmark.key) {
                errors.add(format!("{pointer}/benchmarks/{n}/key"), format!("'{}' stands here twice", benchmark.key));
            }
        }
        for (n, target) in self.targets.iter().enumerate() {
            target.check(self, &format!("{pointer}/targets/{n}"), errors);
        }
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

    /// Whether its values are shares of a hundred.
    pub fn is_percentage(&self) -> bool {
        self.is_computed() || self.unit_of_measure.as_ref().is_some_and(|unit| unit.as_str().trim() == "%")
    }

    /// The texts that a search goes through.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Period {
        text.parse().unwrap()
    }

    #[test]
    fn frequencies_take_their_own_periods() {
        for (frequency, taken, refused) in [
            (Frequency::Month, "2024-05", "2024"),
            (Frequency::Quarter, "2024-Q2", "2024-05"),
            (Frequency::HalfYear, "2024-H1", "2024-Q1"),
            (Frequency::Year, "2024", "2024-H1"),
            (Frequency::Biennium, "2024", "2024-01"),
        ] {
            assert!(frequency.takes(period(taken), None), "{taken}");
            assert!(!frequency.takes(period(refused), None), "{refused}");
        }
        assert!(Frequency::Once.takes(period("2024-05-17"), None));
        assert!(Frequency::Biennium.takes(period("2025"), Some(period("2021"))));
        assert!(!Frequency::Biennium.takes(period("2024"), Some(period("2021"))));
        assert!(!Frequency::Biennium.takes(period("2020"), Some(period("2021"))));
    }

    #[test]
    fn a_target_is_judged_by_the_last_period_in_it() {
        assert_eq!(Frequency::Month.last_within(period("2025")), Some(period("2025-12")));
        assert_eq!(Frequency::Year.last_within(period("2025")), Some(period("2025")));
        assert_eq!(Frequency::Year.last_within(period("2025-H1")), None);
        assert_eq!(Frequency::Once.last_within(period("2025")), None);
    }
}
