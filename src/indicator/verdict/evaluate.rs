//! Evaluates a target: which value counts, where it stands in the time there is, and what follows.

use chrono::NaiveDate;

use super::model::{
    Evidence, Input, InputKind, MissingInput, Observation, Rationale, Readings, Standing, Verdict, VerdictKind,
};
use super::rules::{Goal, direction_of_course, is_satisfied, reaches};
use crate::indicator::model::Aggregation;
use crate::indicator::target::Target;
use crate::period::{Period, Span};

/// Evaluates a target by what is known on a day.
pub fn evaluate(target: &Target, evidence: &Evidence<'_>) -> Verdict {
    let due = due(target, evidence);
    let mut inputs = Vec::new();
    let (kind, rationale) = match Goal::for_target(target) {
        None => {
            let is_late = target.decided_by.is_some_and(|day| day < evidence.on);
            (VerdictKind::Pending, Rationale::Undecided { is_late })
        }
        Some(goal) => Evaluation { target, evidence, goal, due }.evaluate(&mut inputs),
    };
    Verdict {
        kind,
        due,
        is_provisional: inputs.iter().any(|input| input.is_provisional),
        is_suppressed: inputs.iter().any(|input| input.is_suppressed),
        inputs,
        rationale,
    }
}

/// The target's own period, else the one in which the strategy ends: its last day, where any period will do.
fn due(target: &Target, evidence: &Evidence<'_>) -> Option<Period> {
    let span = evidence.indicator.frequency.span().unwrap_or(Span::Day);
    target.period.or_else(|| evidence.strategy_days.1.map(|last| Period::containing(last, span)))
}

/// A target that names a goal, and what it is evaluated by.
#[derive(Clone, Copy)]
struct Evaluation<'c> {
    target: &'c Target,
    evidence: &'c Evidence<'c>,
    goal: Goal,
    due: Option<Period>,
}

impl Evaluation<'_> {
    fn evaluate(self, inputs: &mut Vec<Input>) -> (VerdictKind, Rationale) {
        let no_data = |value, input| (VerdictKind::NoData, Rationale::Missing { value, input });
        let value = match self.value() {
            Ok(value) => value,
            Err(missing) => return no_data(None, missing),
        };
        inputs.push(value.input(InputKind::Value));
        match self.number(InputKind::Value, value) {
            Ok(number) => self.compare(value, number, inputs).unwrap_or_else(|missing| no_data(Some(value), missing)),
            Err(missing) => no_data(None, missing),
        }
    }

    /// Compares the value with the goal. Every number that it takes is added to the inputs.
    fn compare(
        self,
        value: Observation,
        number: f64,
        inputs: &mut Vec<Input>,
    ) -> Result<(VerdictKind, Rationale), MissingInput> {
        let standing = self.standing(value.period);
        if matches!((standing, self.goal), (Standing::AtStart, Goal::Period(_))) {
            return Ok((VerdictKind::Open, Rationale::Evaluated { value, other: None, standing }));
        }
        let (goal, other) = self.goal(value.period, inputs)?;
        let is_satisfied = is_satisfied(self.target, self.evidence.indicator.direction, number, goal);
        let kind = match standing {
            Standing::Over if is_satisfied => VerdictKind::Met,
            Standing::Over => VerdictKind::Missed,
            Standing::UnderWay { start, due } => {
                let is_on_course = match direction_of_course(self.target.rule) {
                    Some(direction) => {
                        inputs.push(start.input(InputKind::Baseline));
                        let begun = self.number(InputKind::Baseline, start)?;
                        let expected = self.expected((start.period, begun), (due, goal), value.period);
                        inputs.push(Input::computed(InputKind::Expected, Some(value.period), expected));
                        reaches(direction, number, expected)
                    }
                    None => is_satisfied,
                };
                if is_on_course { VerdictKind::OnCourse } else { VerdictKind::OffCourse }
            }
            _ if is_satisfied => VerdictKind::OnCourse,
            _ => VerdictKind::Open,
        };
        Ok((kind, Rationale::Evaluated { value, other, standing }))
    }

    /// The value to evaluate: once the time is over, that of the period that counts, before that the latest.
    fn value(self) -> Result<Observation, MissingInput> {
        let Some(due) = self.due.filter(|_| self.is_over()) else {
            return latest(self.started(self.evidence.values)).ok_or(MissingInput::Measurement);
        };
        let value = match self.counting_period(due) {
            Some(period) => self.value_of(period).ok_or(MissingInput::ValueIn(period))?,
            None => {
                let before = self
                    .started(self.evidence.values)
                    .filter(|observation| observation.period.last_day() <= due.last_day());
                latest(before).ok_or(MissingInput::ValueUntil(due))?
            }
        };
        match self.goal {
            Goal::Period(baseline) if value.period.last_day() <= baseline.last_day() => {
                Err(MissingInput::ValueAfter(baseline))
            }
            _ => Ok(value),
        }
    }

    fn is_over(self) -> bool {
        self.due.is_some_and(|due| due.last_day() < self.evidence.on)
    }

    /// The period whose value decides about a target for `due`; none = the latest of those that end by then. Of what is
    /// measured every second year, that is the last year in turn.
    fn counting_period(self, due: Period) -> Option<Period> {
        let frequency = self.evidence.indicator.frequency;
        let period = frequency.last_within(due)?;
        let first = self.evidence.values.keys().next().copied();
        if frequency.takes(period, first) {
            return Some(period);
        }
        let before = period.first_day().pred_opt()?;
        Some(Period::containing(before, period.span()))
    }

    /// The values of periods that have begun.
    fn started<'v>(self, values: &'v Readings) -> impl DoubleEndedIterator<Item = Observation> + use<'v> {
        let on = self.evidence.on;
        let all = values.iter().map(|(period, reading)| Observation { period: *period, reading: *reading });
        all.filter(move |observation| observation.period.first_day() <= on)
    }

    fn value_of(self, period: Period) -> Option<Observation> {
        let reading = *self.evidence.values.get(&period)?;
        (period.first_day() <= self.evidence.on).then_some(Observation { period, reading })
    }

    /// The number of a value that is neither hidden nor incomplete. A mean over some of the units stands for all of
    /// them; a sum doesn't.
    fn number(self, kind: InputKind, observation: Observation) -> Result<f64, MissingInput> {
        let is_sum = self.evidence.indicator.aggregation == Aggregation::Sum;
        let lacks_units = observation.reading.covers.is_some_and(|(with_value, units)| with_value < units);
        match observation.reading.value {
            None => Err(MissingInput::Hidden(kind, observation)),
            Some(_) if is_sum && lacks_units => Err(MissingInput::Units(observation)),
            Some(number) => Ok(number),
        }
    }

    fn standing(self, period: Period) -> Standing {
        let start = self.start();
        let is_at = |start: Period| period.last_day() <= start.last_day();
        match (self.goal, self.due) {
            _ if self.is_over() => Standing::Over,
            (Goal::Period(baseline), _) if is_at(baseline) => Standing::AtStart,
            (_, None) => Standing::NoDate,
            (_, Some(due)) => match start {
                None => Standing::NoStart,
                Some(start) if is_at(start.period) => Standing::AtStart,
                Some(start) => Standing::UnderWay { start, due },
            },
        }
    }

    /// The value that the course begins with: the baseline period's, else the first within the strategy, unless it
    /// is the baseline that the value is compared with.
    fn start(self) -> Option<Observation> {
        let named = self.target.baseline_period.and_then(|period| self.value_of(period));
        if matches!(self.goal, Goal::Period(_)) {
            return named;
        }
        let first_day = self.evidence.strategy_days.0.unwrap_or(NaiveDate::MIN);
        named.or_else(|| {
            self.started(self.evidence.values).find(|observation| observation.period.first_day() >= first_day)
        })
    }

    /// The number that the value of a period is compared with, added to the inputs, and the value that it comes from.
    fn goal(self, period: Period, inputs: &mut Vec<Input>) -> Result<(f64, Option<Observation>), MissingInput> {
        let (kind, observation) = match self.goal {
            Goal::Number(number) => {
                inputs.push(Input::computed(InputKind::Target, self.due, number));
                return Ok((number, None));
            }
            Goal::Period(baseline) => {
                (InputKind::Baseline, self.value_of(baseline).ok_or(MissingInput::Baseline(baseline))?)
            }
            Goal::Benchmark => (InputKind::Benchmark, self.benchmark(period).ok_or(MissingInput::Benchmark(period))?),
        };
        inputs.push(observation.input(kind));
        Ok((self.number(kind, observation)?, Some(observation)))
    }

    /// The benchmark's value for a period, else its latest before.
    fn benchmark(self, period: Period) -> Option<Observation> {
        let mut comparable =
            self.started(self.evidence.benchmark).filter(|observation| observation.period.span() == period.span());
        comparable.rfind(|observation| observation.period <= period)
    }

    /// Where the line from a value to the goal is on the last day of a later period.
    fn expected(self, (start, begun): (Period, f64), (due, goal): (Period, f64), period: Period) -> f64 {
        let end = self.counting_period(due).unwrap_or(due);
        let days = |until: Period| (until.last_day() - start.last_day()).num_days() as f64;
        let (gone, all) = (days(period), days(end));
        if gone < all { begun + (goal - begun) * gone / all } else { goal }
    }
}

/// The one that ends last; of several, the shortest.
fn latest(values: impl Iterator<Item = Observation>) -> Option<Observation> {
    values.max_by_key(|observation| (observation.period.last_day(), observation.period.first_day()))
}
