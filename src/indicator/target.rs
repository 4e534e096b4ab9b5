//! Targets: the ways in which plans say what an indicator is to reach.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::frequency::Frequency;
use super::number;
use crate::db::types::{Key, Reference};
use crate::http::example::example;
use crate::period::Period;
use crate::problem::ValidationErrors;
use crate::text::LongText;

crate::text_enum! {
    /// How a target is meant.
    TargetRule {
        /// `value` or more.
        AtLeast = "at_least",
        /// `value` or less; 0 is a target like any other.
        AtMost = "at_most",
        /// `value`, give or take `tolerance`.
        Maintain = "maintain",
        /// More than in `baseline_period`.
        MoreThanPeriod = "more_than_period",
        /// Less than in `baseline_period`.
        LessThanPeriod = "less_than_period",
        /// At the level of `benchmark`, give or take `tolerance`, or better.
        AtBenchmark = "at_benchmark",
        /// All of them: 100 %.
        FullCoverage = "full_coverage",
        /// A number is still to be decided: `decided_by` says until when.
        Pending = "pending",
    }
}

/// What an indicator is to reach, and by when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("target")))]
pub struct Target {
    /// How it is meant.
    pub rule: TargetRule,
    /// The number, in the indicator's unit of measure: of `at_least`, `at_most` and `maintain`.
    #[serde(default, serialize_with = "number::optional::serialize")]
    #[schema(minimum = -1e15, maximum = 1e15)]
    pub value: Option<f64>,
    /// How far off still counts: of `maintain` and `at_benchmark`; 0 where it is missing.
    #[serde(default, serialize_with = "number::optional::serialize")]
    #[schema(minimum = 0, maximum = 1e15)]
    pub tolerance: Option<f64>,
    /// What it is compared with: of `more_than_period` and `less_than_period`. With the other rules, the period that
    /// the course is reckoned from; the first value within the strategy where it is missing.
    #[serde(default)]
    pub baseline_period: Option<Period>,
    /// One of the indicator's benchmarks: of `at_benchmark`.
    #[serde(default)]
    pub benchmark: Option<Key>,
    /// The day by which the number is to be decided: of `pending`.
    #[serde(default)]
    pub decided_by: Option<NaiveDate>,
    /// By when; the end of the objective's strategy where it is missing.
    #[serde(default)]
    pub period: Option<Period>,
    /// The unit that it is for; the whole municipality where it is missing.
    #[serde(default)]
    pub unit: Option<Reference>,
    /// What else the plan says of it.
    #[serde(default)]
    pub note: Option<LongText>,
}

impl Target {
    /// Checks that the fields fit the rule and each other.
    pub fn check_fields(&self, pointer: &str, errors: &mut ValidationErrors) {
        use TargetRule::*;
        let rule = self.rule;
        let fields = [
            ("value", self.value.is_some(), matches!(rule, AtLeast | AtMost | Maintain), true),
            ("tolerance", self.tolerance.is_some(), matches!(rule, Maintain | AtBenchmark), false),
            ("baseline_period", self.baseline_period.is_some(), rule != Pending, self.compares_periods()),
            ("benchmark", self.benchmark.is_some(), rule == AtBenchmark, true),
            ("decided_by", self.decided_by.is_some(), rule == Pending, false),
        ];
        for (name, is_given, is_allowed, is_required) in fields {
            match (is_given, is_allowed) {
                (true, false) => {
                    errors.add(format!("{pointer}/{name}"), format!("has no place in '{rule}': leave it out"))
                }
                (false, true) if is_required => {
                    errors.add(format!("{pointer}/{name}"), format!("is missing: '{rule}' needs it"));
                }
                _ => {}
            }
        }
        for (name, number) in [("value", self.value), ("tolerance", self.tolerance)] {
            if number.is_some_and(|number| !number::is_storable(number)) {
                errors.add(format!("{pointer}/{name}"), number::EXPECTED);
            }
        }
    }

    /// Checks that the periods fit the indicator's frequency and each other.
    pub fn check_periods(&self, frequency: Frequency, pointer: &str, errors: &mut ValidationErrors) {
        if let Some(period) = self.baseline_period
            && !frequency.takes(period, None)
        {
            errors.add(format!("{pointer}/baseline_period"), frequency.expected());
        }
        let Some(period) = self.period else { return };
        if frequency.span().is_some() && frequency.last_within(period).is_none() {
            errors.add(format!("{pointer}/period"), format!("holds no whole period: {}", frequency.expected()));
        }
        if let (true, Some(baseline)) = (self.compares_periods(), self.baseline_period)
            && period.last_day() <= baseline.last_day()
        {
            errors.add(format!("{pointer}/period"), format!("is not after {baseline}, with which it is compared"));
        }
    }

    /// Whether it compares two periods.
    pub fn compares_periods(&self) -> bool {
        matches!(self.rule, TargetRule::MoreThanPeriod | TargetRule::LessThanPeriod)
    }
}
