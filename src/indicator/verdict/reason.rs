//! The reason for a verdict, in one sentence.

use chrono::Datelike;
use fluent_templates::fluent_bundle::FluentValue;

use super::model::{Input, InputKind, MissingInput, Observation, Rationale, Reading, Standing, Verdict, VerdictKind};
use super::rules::{Goal, direction_of_course, is_satisfied, reaches};
use crate::indicator::model::{Direction, IndicatorBody};
use crate::indicator::target::{Target, TargetRule};
use crate::language::Language;
use crate::period::{Period, Span};

/// As many decimals as [`Language::number`] ever writes.
const MOST_DECIMALS: i32 = 6;

impl Verdict {
    /// Why, in one sentence that names the numbers. The indicator and the target are those that were evaluated.
    pub fn reason(&self, indicator: &IndicatorBody, target: &Target, language: Language) -> String {
        let decimals = Decimals::for_verdict(self, indicator, target);
        ReasonFormatter { verdict: self, indicator, target, language, decimals }.sentence()
    }
}

/// How many decimals measured numbers and expected ones are written with.
#[derive(Debug, Clone, Copy)]
struct Decimals {
    /// None = as many as it takes.
    measured: Option<i32>,
    expected: i32,
}

impl Decimals {
    /// The indicator's decimals, unless the rounded numbers would contradict the verdict.
    fn for_verdict(verdict: &Verdict, indicator: &IndicatorBody, target: &Target) -> Self {
        let measured = verdict.inputs.iter().filter(|input| input.kind != InputKind::Expected);
        let longest = measured.filter_map(|input| input.value).map(decimals_of).max().unwrap_or_default();
        let expected = indicator.decimals.unwrap_or((longest + 1).min(MOST_DECIMALS));
        let usual = Self { measured: indicator.decimals, expected };
        let [value, others @ ..] = verdict.inputs.as_slice() else { return usual };
        let misleads = others.iter().any(|other| {
            let Some((number, other_number)) = value.value.zip(other.value) else { return false };
            let (shown, other_shown) = (usual.shown(value, number), usual.shown(other, other_number));
            compare(other.kind, target, indicator, shown, other_shown)
                != compare(other.kind, target, indicator, number, other_number)
        });
        if misleads { Self { measured: None, expected: MOST_DECIMALS } } else { usual }
    }

    /// A number as it is shown.
    fn shown(self, input: &Input, number: f64) -> f64 {
        match input.kind {
            InputKind::Target => number,
            InputKind::Expected => rounded(number, self.expected),
            InputKind::Value | InputKind::Baseline | InputKind::Benchmark => {
                rounded(number, self.measured.unwrap_or(MOST_DECIMALS))
            }
        }
    }
}

/// The outcome of comparing a value with another input; none where they aren't compared.
fn compare(kind: InputKind, target: &Target, indicator: &IndicatorBody, number: f64, other: f64) -> Option<bool> {
    match (kind, direction_of_course(target.rule)) {
        (InputKind::Expected, Some(direction)) => Some(reaches(direction, number, other)),
        // The course begins with it, but nothing is compared with it.
        (InputKind::Baseline, _) if !target.compares_periods() => None,
        _ => Some(is_satisfied(target, indicator.direction, number, other)),
    }
}

/// How many decimals it takes to write a number.
fn decimals_of(number: f64) -> i32 {
    let exact = |decimals: &i32| rounded(number, *decimals) == rounded(number, MOST_DECIMALS);
    (0..MOST_DECIMALS).find(exact).unwrap_or(MOST_DECIMALS)
}

fn rounded(number: f64, decimals: i32) -> f64 {
    let decimals = usize::try_from(decimals).unwrap_or_default();
    format!("{number:.decimals$}").parse().unwrap_or(number)
}

/// Puts the sentence together from the messages of a language.
struct ReasonFormatter<'t> {
    verdict: &'t Verdict,
    indicator: &'t IndicatorBody,
    target: &'t Target,
    language: Language,
    decimals: Decimals,
}

impl ReasonFormatter<'_> {
    fn format(&self, message: &str, variables: &[(&str, FluentValue<'_>)]) -> String {
        self.language.format(message, variables)
    }

    fn sentence(&self) -> String {
        match self.verdict.rationale {
            Rationale::Undecided { is_late } => self.undecided(is_late),
            Rationale::Missing { value, input } => self.missing(value, input),
            Rationale::Evaluated { value, other, standing } => self.evaluated(value, other, standing),
        }
    }

    fn undecided(&self, is_late: bool) -> String {
        let message = match (self.target.decided_by, is_late) {
            (None, _) => "verdict-undecided",
            (Some(_), false) => "verdict-undecided-until",
            (Some(_), true) => "verdict-undecided-late",
        };
        let day = self.target.decided_by.map(|day| self.language.day(day)).unwrap_or_default();
        self.format(message, &[("day", day.into())])
    }

    fn missing(&self, value: Option<Observation>, input: MissingInput) -> String {
        let (clause, named) = self.missing_clause(input);
        let clause = match value {
            Some(value) => {
                let variables = [("value", self.observation(value).into()), ("clause", clause.into())];
                self.format("verdict-value-but", &variables)
            }
            None => capitalized(&clause),
        };
        self.format("verdict-missing", &[("clause", clause.into()), ("target", self.target(named).into())])
    }

    /// What is missing, and the period that is named with it.
    fn missing_clause(&self, input: MissingInput) -> (String, Option<Period>) {
        let (message, period) = match input {
            MissingInput::Measurement => return (self.language.text("missing-measurement"), None),
            MissingInput::ValueIn(period) | MissingInput::Baseline(period) => ("missing-value-in", period),
            MissingInput::ValueUntil(period) => ("missing-value-until", period),
            MissingInput::ValueAfter(period) => ("missing-value-after", period),
            MissingInput::Benchmark(period) => ("missing-benchmark", period),
            MissingInput::Hidden(kind, hidden) => return (self.hidden(kind, hidden), Some(hidden.period)),
            MissingInput::Units(partial) => return (self.partial(partial), Some(partial.period)),
        };
        (self.format(message, &[("period", self.period(period).into())]), Some(period))
    }

    fn hidden(&self, kind: InputKind, hidden: Observation) -> String {
        let variables = [
            ("kind", kind.as_str().into()),
            ("is_provisional", hidden.reading.is_provisional.to_string().into()),
            ("period", self.period(hidden.period).into()),
        ];
        self.format("missing-hidden", &variables)
    }

    fn partial(&self, partial: Observation) -> String {
        let (with_value, units) = partial.reading.covers.unwrap_or_default();
        let whole = Observation { reading: Reading { covers: None, ..partial.reading }, ..partial };
        let variables =
            [("value", self.observation(whole).into()), ("with_value", with_value.into()), ("units", units.into())];
        self.format("missing-units", &variables)
    }

    fn evaluated(&self, value: Observation, other: Option<Observation>, standing: Standing) -> String {
        let is_satisfied = matches!(self.verdict.kind, VerdictKind::Met | VerdictKind::OnCourse);
        let mut compared = self.values(value, other);
        let mut baseline = String::new();
        let message = match (standing, is_satisfied) {
            (Standing::Over, true) => "verdict-met",
            (Standing::Over, false) => "verdict-missed",
            (Standing::NoDate, true) => "verdict-met-without-date",
            (Standing::NoDate, false) => "verdict-unmet-without-date",
            (Standing::AtStart | Standing::NoStart, true) => "verdict-already-met",
            (Standing::NoStart, false) => "verdict-open-without-start",
            (Standing::AtStart, false) => match self.target.baseline_period {
                Some(period) if self.target.compares_periods() && period != value.period => {
                    baseline = self.period(period);
                    "verdict-open-before-baseline"
                }
                _ => "verdict-open-at-start",
            },
            (Standing::UnderWay { start, .. }, _) => {
                compared = self.course(compared, start);
                if is_satisfied { "verdict-on-course" } else { "verdict-off-course" }
            }
        };
        let target = self.target((standing == Standing::Over).then_some(value.period));
        self.format(message, &[("value", compared.into()), ("target", target.into()), ("baseline", baseline.into())])
    }

    /// "71 % i 2023 mod 64 % i 2021"
    fn values(&self, value: Observation, other: Option<Observation>) -> String {
        let text = self.observation(value);
        let Some(other) = other else { return text };
        // Its period is named only where it is another one.
        let other = match other.period == value.period {
            true => format!("{}{}", self.measured(other), self.remarks(other)),
            false => self.observation(other),
        };
        self.format("verdict-values", &[("value", text.into()), ("other", other.into())])
    }

    /// The value with where an even course would be, if there is such a course.
    fn course(&self, value: String, start: Observation) -> String {
        let expected = self.verdict.inputs.iter().find(|input| input.kind == InputKind::Expected);
        let Some(expected) = expected.and_then(|expected| expected.value) else { return value };
        let expected = self.amount(rounded(expected, self.decimals.expected), self.decimals.measured);
        let message = match direction_of_course(self.target.rule) {
            Some(Direction::Decrease) => "course-at-most",
            _ => "course-at-least",
        };
        let variables =
            [("value", value.into()), ("start", self.observation(start).into()), ("expected", expected.into())];
        self.format(message, &variables)
    }

    /// "målet for 2024 om mindst 70 %"; without its period, where that was named just before.
    fn target(&self, named: Option<Period>) -> String {
        let due = self.verdict.due.filter(|due| Some(*due) != named);
        let due = due.map_or_else(|| "none".to_owned(), |due| self.period(due));
        self.format("verdict-target", &[("due", due.into()), ("goal", self.goal().into())])
    }

    /// "om mindst 70 %"
    fn goal(&self) -> String {
        let Target { rule, tolerance, .. } = self.target;
        let tolerance = tolerance.filter(|tolerance| *tolerance > 0.0);
        let (number, within) = match Goal::for_target(self.target) {
            None => return String::new(),
            Some(Goal::Benchmark) => return self.benchmark_goal(tolerance),
            Some(Goal::Period(period)) => (String::new(), self.within(period)),
            Some(Goal::Number(number)) => {
                let number = match tolerance.filter(|_| *rule == TargetRule::Maintain) {
                    Some(tolerance) => {
                        format!("{} ± {}", self.language.number(number, None), self.amount(tolerance, None))
                    }
                    None => self.amount(number, None),
                };
                (number, String::new())
            }
        };
        self.format(&format!("goal-{rule}"), &[("number", number.into()), ("within", within.into())])
    }

    fn benchmark_goal(&self, tolerance: Option<f64>) -> String {
        let key = self.target.benchmark.as_ref();
        let name = key.and_then(|key| self.indicator.benchmark(key)).map(|benchmark| benchmark.name.to_string());
        let name = name.or_else(|| key.map(ToString::to_string)).unwrap_or_default();
        let message = if tolerance.is_some() { "goal-near-benchmark" } else { "goal-at_benchmark" };
        let variables = [
            ("name", name.into()),
            ("direction", self.indicator.direction.as_str().into()),
            ("distance", tolerance.map(|tolerance| self.distance(tolerance)).unwrap_or_default().into()),
        ];
        self.format(message, &variables)
    }

    /// "71 % i 2023 (foreløbigt)"
    fn observation(&self, observation: Observation) -> String {
        let variables = [
            ("amount", self.measured(observation).into()),
            ("within", self.within(observation.period).into()),
            ("remarks", self.remarks(observation).into()),
        ];
        self.format("verdict-value", &variables)
    }

    fn measured(&self, observation: Observation) -> String {
        observation.reading.value.map(|number| self.amount(number, self.decimals.measured)).unwrap_or_default()
    }

    /// " (foreløbigt, 12 af 14 enheder)", or nothing.
    fn remarks(&self, observation: Observation) -> String {
        let provisional = observation.reading.is_provisional.then(|| self.language.text("remark-provisional"));
        let partial = observation.reading.covers.filter(|(with_value, units)| with_value < units);
        let partial = partial.map(|(with_value, units)| {
            self.format("remark-partial", &[("with_value", with_value.into()), ("units", units.into())])
        });
        let remarks: Vec<_> = provisional.into_iter().chain(partial).collect();
        if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join(", ")) }
    }

    /// A number with its unit of measure.
    fn amount(&self, number: f64, decimals: Option<i32>) -> String {
        let number = self.language.number(number, decimals);
        match self.unit() {
            "" => number,
            "%" => self.format("amount-percent", &[("number", number.into())]),
            unit => self.format("amount-unit", &[("number", number.into()), ("unit", unit.into())]),
        }
    }

    /// A difference between numbers.
    fn distance(&self, number: f64) -> String {
        match self.unit() {
            "%" => {
                let number = self.language.number(number, None);
                self.format("amount-percentage-points", &[("number", number.into())])
            }
            _ => self.amount(number, None),
        }
    }

    fn unit(&self) -> &str {
        match &self.indicator.unit_of_measure {
            // "antal" says that something is counted, and isn't written behind a number.
            Some(unit) if unit.as_str().trim().to_lowercase() == "antal" => "",
            Some(unit) => unit.as_str().trim(),
            None if self.indicator.is_percentage() => "%",
            None => "",
        }
    }

    /// "i 2023", "den 17. maj 2024"
    fn within(&self, period: Period) -> String {
        let span = if period.span() == Span::Day { "day" } else { "longer" };
        self.format("period-within", &[("span", span.into()), ("period", self.period(period).into())])
    }

    /// "2023", "1. halvår 2024", "maj 2024", "den 17. maj 2024"
    fn period(&self, period: Period) -> String {
        let first = period.first_day();
        let (message, number) = match period.span() {
            Span::Year => ("period-year", 1),
            Span::HalfYear => ("period-half-year", first.month0() / 6 + 1),
            Span::Quarter => ("period-quarter", first.month0() / 3 + 1),
            Span::Month => ("period-month", 1),
            Span::Day => ("period-day", 1),
        };
        let variables = [
            ("number", number.into()),
            ("day", first.day().into()),
            ("month", first.month().into()),
            ("year", first.year().to_string().into()),
        ];
        self.format(message, &variables)
    }
}

/// A clause as the beginning of a sentence.
fn capitalized(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
