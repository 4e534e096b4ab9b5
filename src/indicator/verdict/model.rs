//! What a verdict is, and what it rests on.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::indicator::model::IndicatorBody;
use crate::period::Period;

crate::text_enum! {
    /// Whether a target is met, or is going to be.
    VerdictKind {
        /// Its period is over, and it was met.
        Met = "met",
        /// Its period is over, and it was not met.
        Missed = "missed",
        /// The latest value is as far as an even course would be by now. Where there is no such course, the value meets
        /// the target.
        OnCourse = "on_course",
        /// The latest value is behind such a course. Where there is none, the value doesn't meet the target.
        OffCourse = "off_course",
        /// It isn't met, and nothing shows yet whether it will be, or no date is set.
        Open = "open",
        /// A value that it takes is missing, is hidden, or lacks some of the units.
        NoData = "no_data",
        /// The number is still to be decided.
        Pending = "pending",
    }
}

crate::text_enum! {
    /// What a number has to do with a verdict.
    InputKind {
        /// The value that is evaluated.
        Value = "value",
        /// The number that the plan names.
        Target = "target",
        /// What the value is compared with, or where the course begins.
        Baseline = "baseline",
        /// What others have.
        Benchmark = "benchmark",
        /// Where an even course from the baseline to the target is in the value's period.
        Expected = "expected",
    }
}

/// A value as the reader may see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The value; none = hidden, since the group is small.
    pub value: Option<f64>,
    /// Whether it may still change.
    pub is_provisional: bool,
    /// For a value that is computed from the units below: how many of them have a value, and how many there are.
    pub covers: Option<(usize, usize)>,
}

/// The values of one unit by period.
pub type Readings = BTreeMap<Period, Reading>;

/// What a target is evaluated by.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The target's indicator.
    pub indicator: &'a IndicatorBody,
    /// The values of the target's unit.
    pub values: &'a Readings,
    /// The values of the target's benchmark; empty where it has none.
    pub benchmark: &'a Readings,
    /// The first and the last day of the strategy.
    pub strategy_days: (Option<NaiveDate>, Option<NaiveDate>),
    /// The day of the evaluation: periods that begin later don't count.
    pub on: NaiveDate,
}

/// A number that a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Input {
    /// What it has to do with the verdict.
    pub kind: InputKind,
    /// Its period; none = no date is set for the target.
    pub period: Option<Period>,
    /// The number; none = hidden.
    pub value: Option<f64>,
    /// Whether it may still change.
    pub is_provisional: bool,
    /// Whether it is hidden.
    pub is_suppressed: bool,
}

impl Input {
    /// A number that nobody measured.
    pub(super) fn computed(kind: InputKind, period: Option<Period>, number: f64) -> Self {
        Self { kind, period, value: Some(number), is_provisional: false, is_suppressed: false }
    }
}

/// Whether a target is met, with everything it takes to explain that.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The verdict itself.
    pub kind: VerdictKind,
    /// By when the target is to be met: its own period, else the one in which the strategy ends; none where neither is
    /// known.
    pub due: Option<Period>,
    /// The numbers that it rests on, as far as there are any: the value first.
    pub inputs: Vec<Input>,
    /// Whether one of them may still change.
    pub is_provisional: bool,
    /// Whether one that it takes is hidden.
    pub is_suppressed: bool,
    /// What the reason is formatted from.
    pub(super) rationale: Rationale,
}

/// What the reason of a verdict is formatted from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rationale {
    /// The plan names no number.
    Undecided { is_late: bool },
    /// Something is missing; `value` is there if only what it is compared with is missing.
    Missing { value: Option<Observation>, input: MissingInput },
    /// The value was evaluated; `other` is the value that it was compared with, if any.
    Evaluated { value: Observation, other: Option<Observation>, standing: Standing },
}

/// A value and its period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Observation {
    pub(super) period: Period,
    pub(super) reading: Reading,
}

impl Observation {
    pub(super) fn input(self, kind: InputKind) -> Input {
        let Reading { value, is_provisional, .. } = self.reading;
        Input { kind, period: Some(self.period), value, is_provisional, is_suppressed: value.is_none() }
    }
}

/// Without what a target can't be evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum MissingInput {
    /// There is no value at all.
    Measurement,
    /// There is no value for the period that counts.
    ValueIn(Period),
    /// There is no value until the end of the target's period.
    ValueUntil(Period),
    /// There is no value after the period that it is compared with.
    ValueAfter(Period),
    /// There is no value for the period that it is compared with.
    Baseline(Period),
    /// The benchmark has no value until the end of the value's period.
    Benchmark(Period),
    /// The value is hidden.
    Hidden(InputKind, Observation),
    /// The value is a sum that lacks some of its units.
    Units(Observation),
}

/// Where a value stands in the time that a target has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Standing {
    /// The time is over.
    Over,
    /// The value is later than the one that the course began with.
    UnderWay { start: Observation, due: Period },
    /// There is no later value than the one that the course begins with.
    AtStart,
    /// There is no value yet that the course could begin with.
    NoStart,
    /// No date is set.
    NoDate,
}
