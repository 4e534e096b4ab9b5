//! The rules of targets: what each compares a value with, when a value meets it, and whether it has an even course.

use crate::indicator::model::Direction;
use crate::indicator::target::{Target, TargetRule};
use crate::period::Period;

/// What a value is compared with.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// The plan's number.
    Number(f64),
    /// The value of a period.
    Period(Period),
    /// The benchmark's value.
    Benchmark,
}

impl Goal {
    /// The goal of a target; none where the plan still has to name it.
    pub fn for_target(target: &Target) -> Option<Self> {
        match target.rule {
            TargetRule::AtLeast | TargetRule::AtMost | TargetRule::Maintain => target.value.map(Self::Number),
            TargetRule::FullCoverage => Some(Self::Number(100.0)),
            TargetRule::MoreThanPeriod | TargetRule::LessThanPeriod => target.baseline_period.map(Self::Period),
            TargetRule::AtBenchmark => target.benchmark.is_some().then_some(Self::Benchmark),
            TargetRule::Pending => None,
        }
    }
}

/// Whether a value meets a target that is compared with a goal; `better` is the indicator's direction.
pub(super) fn is_satisfied(target: &Target, better: Direction, number: f64, goal: f64) -> bool {
    let tolerance = target.tolerance.unwrap_or(0.0);
    let is_above = reaches(Direction::Increase, number, goal - tolerance);
    let is_below = reaches(Direction::Decrease, number, goal + tolerance);
    match (target.rule, better) {
        (TargetRule::AtLeast | TargetRule::FullCoverage, _) => is_above,
        (TargetRule::AtMost, _) => is_below,
        (TargetRule::MoreThanPeriod, _) => !is_below,
        (TargetRule::LessThanPeriod, _) => !is_above,
        (TargetRule::AtBenchmark, Direction::Increase) => is_above,
        (TargetRule::AtBenchmark, Direction::Decrease) => is_below,
        (TargetRule::Maintain, _) | (TargetRule::AtBenchmark, Direction::Maintain) => is_above && is_below,
        (TargetRule::Pending, _) => false,
    }
}

/// On which side of an even course from the baseline to the goal a value is on course; none = the rule has no course.
pub(super) fn direction_of_course(rule: TargetRule) -> Option<Direction> {
    match rule {
        TargetRule::AtLeast | TargetRule::FullCoverage => Some(Direction::Increase),
        TargetRule::AtMost => Some(Direction::Decrease),
        _ => None,
    }
}

/// Whether a number is at least as far as another one in a direction.
pub(super) fn reaches(direction: Direction, number: f64, other: f64) -> bool {
    is_same(number, other)
        || match direction {
            Direction::Increase => number > other,
            Direction::Decrease => number < other,
            Direction::Maintain => false,
        }
}

/// Whether two numbers differ by no more than rounding errors of sums.
fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
}
