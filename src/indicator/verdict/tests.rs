//! Verdicts and their reasons for plans of every kind.

use chrono::NaiveDate;

use super::VerdictKind::{Met, Missed, NoData, OffCourse, OnCourse, Open, Pending};
use super::*;
use crate::indicator::model::{Aggregation, BenchmarkBody, Direction, Frequency, IndicatorBody, Method};
use crate::indicator::target::{Target, TargetRule};
use crate::language::Language;
use crate::period::Period;

fn danish() -> Language {
    Language::default()
}

fn english() -> Language {
    Language::from_tag("en").unwrap()
}

/// A plan from 2020 to 2024 with one target for something measured in percent every year, unless a test says
/// otherwise.
struct Plan {
    indicator: IndicatorBody,
    target: Target,
    benchmark: Readings,
    strategy_days: (Option<NaiveDate>, Option<NaiveDate>),
}

impl Plan {
    fn with(mut self, change: impl FnOnce(&mut IndicatorBody)) -> Self {
        change(&mut self.indicator);
        self
    }

    fn every(self, frequency: Frequency) -> Self {
        self.with(|indicator| indicator.frequency = frequency)
    }

    fn by(mut self, text: &str) -> Self {
        self.target.period = Some(period(text));
        self
    }

    fn since(mut self, text: &str) -> Self {
        self.target.baseline_period = Some(period(text));
        self
    }

    fn within(mut self, tolerance: f64) -> Self {
        self.target.tolerance = Some(tolerance);
        self
    }

    fn decided_by(mut self, day: &str) -> Self {
        self.target.decided_by = day.parse().ok();
        self
    }

    /// Counted in days a head, where less is better, beside what the neighbours have.
    fn beside(mut self, neighbours: &str) -> Self {
        self.target.benchmark = "naboer".parse().ok();
        self.benchmark = readings(neighbours);
        self.with(|indicator| {
            indicator.direction = Direction::Decrease;
            indicator.unit_of_measure = "dage".parse().ok();
        })
    }

    fn from(mut self, first: &str, last: &str) -> Self {
        self.strategy_days = (first.parse().ok(), last.parse().ok());
        self
    }

    fn evaluate(&self, values: &str, on: &str) -> Verdict {
        let evidence = Evidence {
            indicator: &self.indicator,
            values: &readings(values),
            benchmark: &self.benchmark,
            strategy_days: self.strategy_days,
            on: on.parse().unwrap(),
        };
        evaluate(&self.target, &evidence)
    }

    fn reason(&self, verdict: &Verdict, language: Language) -> String {
        verdict.reason(&self.indicator, &self.target, language)
    }
}

fn plan(rule: TargetRule) -> Plan {
    let benchmark = BenchmarkBody { key: "naboer".parse().unwrap(), name: "Naboer".parse().unwrap(), source: None };
    Plan {
        indicator: IndicatorBody {
            key: "trivsel".parse().unwrap(),
            title: "Trivsel".parse().unwrap(),
            definition: None,
            definition_url: None,
            unit_of_measure: "%".parse().ok(),
            direction: Direction::Increase,
            frequency: Frequency::Year,
            source: None,
            method: Method::Survey,
            decimals: None,
            min_group: None,
            aggregation: Aggregation::None,
            objectives: Vec::new(),
            coverage_of: None,
            coverage_level: None,
            benchmarks: vec![benchmark],
            targets: Vec::new(),
            retired_on: None,
        },
        target: Target {
            rule,
            value: None,
            tolerance: None,
            baseline_period: None,
            benchmark: None,
            decided_by: None,
            period: None,
            unit: None,
            note: None,
        },
        benchmark: Readings::new(),
        strategy_days: ("2020-01-01".parse().ok(), "2024-12-31".parse().ok()),
    }
}

fn number(rule: TargetRule, value: f64) -> Plan {
    let plan = plan(rule);
    Plan { target: Target { value: Some(value), ..plan.target }, ..plan }
}

fn at_least(value: f64) -> Plan {
    number(TargetRule::AtLeast, value)
}

fn at_most(value: f64) -> Plan {
    number(TargetRule::AtMost, value)
}

fn maintain(value: f64) -> Plan {
    number(TargetRule::Maintain, value)
}

fn more_than(text: &str) -> Plan {
    plan(TargetRule::MoreThanPeriod).since(text)
}

fn less_than(text: &str) -> Plan {
    plan(TargetRule::LessThanPeriod).since(text)
}

fn at_benchmark(neighbours: &str) -> Plan {
    plan(TargetRule::AtBenchmark).beside(neighbours)
}

fn full_coverage() -> Plan {
    plan(TargetRule::FullCoverage)
}

fn pending() -> Plan {
    plan(TargetRule::Pending)
}

fn more_percent(indicator: &mut IndicatorBody) {
    indicator.direction = Direction::Increase;
    indicator.unit_of_measure = "%".parse().ok();
}

fn steady(indicator: &mut IndicatorBody) {
    indicator.direction = Direction::Maintain;
}

fn counted(indicator: &mut IndicatorBody) {
    indicator.unit_of_measure = "Antal".parse().ok();
}

fn whole(indicator: &mut IndicatorBody) {
    indicator.decimals = Some(0);
}

fn summed(indicator: &mut IndicatorBody) {
    indicator.aggregation = Aggregation::Sum;
    indicator.unit_of_measure = "timer".parse().ok();
}

fn averaged(indicator: &mut IndicatorBody) {
    indicator.aggregation = Aggregation::Mean;
}

fn period(text: &str) -> Period {
    text.parse().unwrap()
}

/// "2021 64, 2022 - , 2023 71 ? 12/14": of 2022 hidden, of 2023 provisional and from 12 of 14 units.
fn readings(text: &str) -> Readings {
    let reading = |text: &str| {
        let mut words = text.split_whitespace();
        let (name, value) = (words.next().unwrap(), words.next().unwrap());
        let mut reading = Reading { value: value.parse().ok(), is_provisional: false, covers: None };
        for word in words {
            match word.split_once('/') {
                Some((with_value, units)) => {
                    reading.covers = Some((with_value.parse().unwrap(), units.parse().unwrap()));
                }
                None => reading.is_provisional = word == "?",
            }
        }
        (period(name), reading)
    };
    text.split(',').filter(|part| !part.trim().is_empty()).map(reading).collect()
}

/// One plan a row: its values, the day, and the expected verdict. The reasons in every language are in the snapshot of
/// the test.
macro_rules! check {
    ($($plan:expr, $values:literal, on $on:literal => $kind:ident;)+) => {
        insta::assert_snapshot!([$(check_case(&$plan, $values, $on, $kind)),+].join("\n"));
    };
}

fn check_case(plan: &Plan, values: &str, on: &str, expected: VerdictKind) -> String {
    let verdict = plan.evaluate(values, on);
    assert_eq!(verdict.kind, expected, "{values} on {on}");
    let (danish, english) = (plan.reason(&verdict, danish()), plan.reason(&verdict, english()));
    assert!(english.ends_with('.') && !english.contains("  ") && !english.contains("målet"), "{english}");
    for (is_so, sentence, word) in [
        (verdict.is_provisional, &danish, "foreløbig"),
        (verdict.is_provisional, &english, "provisional"),
        (verdict.is_suppressed, &danish, "skjult"),
        (verdict.is_suppressed, &english, "hidden"),
    ] {
        assert_eq!(sentence.contains(word), is_so, "{sentence}");
    }
    let values = if values.is_empty() { "no values" } else { values };
    format!("{values}; on {on}: {}\n  {danish}\n  {english}\n", verdict.kind)
}

#[test]
fn a_target_whose_time_is_over_was_met_or_missed() {
    check! {
        at_least(70.0), "2020 60, 2024 70", on "2025-01-01" => Met;
        at_least(70.0), "2020 60, 2024 69.5", on "2025-01-01" => Missed;
        at_least(0.3), "2024 0.29999999999999993", on "2025-01-01" => Met;
        at_most(0.0), "2024 0", on "2025-01-01" => Met;
        at_most(0.0), "2024 1", on "2025-01-01" => Missed;
        maintain(70.0).within(2.0), "2024 72", on "2025-01-01" => Met;
        maintain(70.0).within(2.0), "2024 67.9", on "2025-01-01" => Missed;
        maintain(70.0), "2024 70.5", on "2025-01-01" => Missed;
        more_than("2021").by("2023"), "2021 64, 2023 71", on "2024-01-01" => Met;
        more_than("2021").by("2023"), "2021 64, 2023 64", on "2024-01-01" => Missed;
        less_than("2021").by("2023"), "2021 64, 2023 63", on "2024-01-01" => Met;
        less_than("2021").by("2023"), "2021 64, 2023 71", on "2024-01-01" => Missed;
        full_coverage(), "2024 100", on "2025-01-01" => Met;
        full_coverage(), "2024 98", on "2025-01-01" => Missed;
        at_benchmark("2023 9, 2024 8"), "2024 8", on "2025-01-01" => Met;
        at_benchmark("2024 8").within(0.5), "2024 8.6", on "2025-01-01" => Missed;
        at_benchmark("2024 80").within(2.0).with(more_percent), "2024 78", on "2025-01-01" => Met;
        at_benchmark("2024 80").with(more_percent), "2024 79", on "2025-01-01" => Missed;
        at_benchmark("2024 8").within(0.5).with(steady), "2024 7", on "2025-01-01" => Missed;
        at_benchmark("2024 8").with(steady), "2024 8", on "2025-01-01" => Met;
    }
}

#[test]
fn a_benchmark_without_the_period_is_taken_from_an_earlier_one() {
    check! {
        at_benchmark("2022 9, 2025 1"), "2024 8", on "2025-06-01" => Met;
        at_benchmark("2025 9"), "2024 8", on "2025-06-01" => NoData;
        at_benchmark("2023 9, 2024-01 5").by("2024"), "2024 8", on "2025-06-01" => Met;
        at_benchmark("2021 9, 2024 5"), "2021 12, 2022 8", on "2023-06-01" => OnCourse;
        at_benchmark("2021 9 ?"), "2021 8, 2022 10", on "2023-06-01" => OffCourse;
        at_benchmark("2022 -"), "2021 8, 2022 10", on "2023-06-01" => NoData;
    }
    let verdict = at_benchmark("2022 9").evaluate("2024 8", "2025-06-01");
    let inputs: Vec<_> = verdict.inputs.iter().map(|input| (input.kind, input.period, input.value)).collect();
    let expected = [(InputKind::Value, "2024", 8.0), (InputKind::Benchmark, "2022", 9.0)];
    assert_eq!(inputs, expected.map(|(kind, text, number)| (kind, Some(period(text)), Some(number))));
}

#[test]
fn a_target_under_way_is_on_course_or_not() {
    check! {
        at_least(70.0), "2020 60, 2022 65", on "2023-03-01" => OnCourse;
        at_least(70.0), "2020 60, 2022 64", on "2024-12-31" => OffCourse;
        at_least(70.0).since("2018"), "2018 58, 2020 60, 2022 66", on "2023-03-01" => OnCourse;
        at_most(5.0).by("2023"), "2020 8, 2021 7", on "2022-03-01" => OnCourse;
        at_most(5.0).by("2023"), "2020 8, 2022 6.5", on "2023-03-01" => OffCourse;
        at_least(50.0), "2020 60, 2022 54", on "2023-03-01" => OffCourse;
        full_coverage(), "2021 40, 2022 60", on "2023-03-01" => OnCourse;
        maintain(70.0).within(2.0), "2020 60, 2022 71", on "2023-03-01" => OnCourse;
        maintain(70.0).within(2.0), "2020 70, 2022 75", on "2023-03-01" => OffCourse;
        more_than("2020"), "2020 64, 2022 65", on "2023-03-01" => OnCourse;
        more_than("2020"), "2020 64, 2022 64", on "2023-03-01" => OffCourse;
        less_than("2020"), "2020 64, 2022 63", on "2023-03-01" => OnCourse;
        less_than("2020"), "2020 64, 2022 70", on "2023-03-01" => OffCourse;
    }
}

#[test]
fn a_course_begins_with_its_first_value() {
    check! {
        at_least(70.0), "2020 60", on "2021-03-01" => Open;
        at_least(70.0), "2020 72", on "2021-03-01" => OnCourse;
        at_least(70.0), "2019 60", on "2021-03-01" => Open;
        at_least(70.0), "2019 72", on "2021-03-01" => OnCourse;
        at_least(70.0).from("", "2024-12-31"), "2015 60, 2019 66", on "2021-03-01" => OnCourse;
        at_least(70.0).since("2022"), "2020 60, 2021 61", on "2021-12-31" => OffCourse;
        maintain(70.0), "2020 60", on "2021-03-01" => Open;
        at_benchmark("2020 9"), "2020 8", on "2021-03-01" => OnCourse;
        more_than("2021").by("2023"), "2020 60, 2021 64", on "2022-03-01" => Open;
        less_than("2021").by("2023"), "2020 60", on "2021-03-01" => Open;
    }
}

#[test]
fn without_a_date_nothing_is_late() {
    check! {
        at_least(70.0).from("2020-01-01", ""), "2020 60, 2022 71", on "2030-01-01" => OnCourse;
        at_most(5.0).from("", ""), "2020 60, 2022 71", on "2030-01-01" => Open;
        more_than("2020").from("", ""), "2020 60, 2022 71", on "2030-01-01" => OnCourse;
        more_than("2020").from("", ""), "2020 60", on "2030-01-01" => Open;
        at_least(70.0).from("", ""), "", on "2030-01-01" => NoData;
    }
}

#[test]
fn a_missing_value_gives_no_verdict() {
    check! {
        at_least(70.0), "", on "2023-03-01" => NoData;
        at_least(70.0), "2024 71", on "2023-12-31" => NoData;
        at_least(70.0), "2024 71", on "2024-01-01" => OnCourse;
        at_least(70.0), "2020 60, 2023 71", on "2025-01-01" => NoData;
        more_than("2021").by("2023"), "2020 60, 2023 71", on "2024-01-01" => NoData;
        more_than("2021").by("2023"), "2022 71", on "2023-01-01" => NoData;
    }
}

#[test]
fn a_hidden_value_gives_no_verdict() {
    check! {
        at_least(70.0), "2020 60, 2024 -", on "2025-01-01" => NoData;
        at_least(70.0), "2020 60, 2022 - ?", on "2023-01-01" => NoData;
        at_least(70.0), "2020 -, 2022 66 ?", on "2023-01-01" => NoData;
        more_than("2021").by("2023"), "2021 -, 2023 66", on "2024-01-01" => NoData;
        at_least(70.0), "2020 -, 2024 71", on "2025-01-01" => Met;
        maintain(70.0), "2020 -, 2022 70", on "2023-01-01" => OnCourse;
    }
    let verdict = at_least(70.0).evaluate("2020 -, 2022 66", "2023-01-01");
    assert!(verdict.inputs.iter().all(|input| input.kind != InputKind::Expected), "it would reveal what is hidden");
}

#[test]
fn provisional_numbers_are_named_so() {
    check! {
        at_least(70.0), "2024 71 ?", on "2025-01-01" => Met;
        more_than("2021").by("2023"), "2021 64 ?, 2023 60", on "2024-01-01" => Missed;
        at_least(70.0), "2020 60 ?, 2022 65", on "2023-03-01" => OnCourse;
        at_least(70.0), "2020 60, 2022 64 ?", on "2023-01-01" => OffCourse;
        at_least(70.0), "2020 60 ?, 2024 71", on "2025-01-01" => Met;
    }
}

#[test]
fn a_sum_needs_all_units_a_mean_only_some() {
    check! {
        at_least(400.0).with(summed), "2024 340 12/14", on "2025-01-01" => NoData;
        at_least(400.0).with(summed), "2024 410 14/14", on "2025-01-01" => Met;
        at_least(400.0).with(summed), "2020 90 ? 3/14, 2022 350", on "2023-01-01" => NoData;
        at_least(70.0).with(averaged), "2024 71 ? 12/14", on "2025-01-01" => Met;
        more_than("2021").by("2023").with(averaged), "2021 64 2/14, 2023 71 14/14", on "2024-01-01" => Met;
    }
}

#[test]
fn every_frequency_has_its_own_last_period() {
    let monthly = || at_most(4.0).by("2024").every(Frequency::Month);
    let once = || at_least(70.0).every(Frequency::Once);
    let second_yearly = || at_least(70.0).every(Frequency::Biennium);
    check! {
        monthly(), "2024-01 9, 2024-12 4", on "2025-01-01" => Met;
        monthly(), "2024-01 9, 2024-11 4", on "2025-01-01" => NoData;
        monthly(), "2023-12 10, 2024-06 7.5", on "2024-07-10" => OffCourse;
        at_most(4.0).every(Frequency::Month), "2024-12 4", on "2025-01-01" => Met;
        at_least(70.0).every(Frequency::Quarter), "2024-Q4 71", on "2025-01-01" => Met;
        more_than("2021-H1").every(Frequency::HalfYear), "2021-H1 64, 2024-H2 71", on "2025-01-01" => Met;
        second_yearly(), "2019 50, 2021 60, 2023 71", on "2025-01-01" => Met;
        second_yearly(), "2019 50, 2021 60", on "2025-01-01" => NoData;
        second_yearly().by("2025"), "2019 50, 2021 60, 2023 64", on "2024-06-01" => OffCourse;
        more_than("2021").by("2022").every(Frequency::Biennium), "2021 60", on "2023-01-01" => NoData;
        once(), "2020 60, 2024-05-17 71, 2025 80", on "2025-02-01" => Met;
        once().by("2023"), "2021-H1 60, 2023-Q4 71, 2024 80", on "2025-02-01" => Met;
        once().by("2023"), "2024 80", on "2025-02-01" => NoData;
        once().by("2023"), "2021-H1 60, 2022-H1 64", on "2022-09-01" => OnCourse;
        more_than("2021").by("2023").every(Frequency::Once), "2021 60", on "2024-01-01" => NoData;
    }
}

#[test]
fn a_target_without_a_number_is_pending() {
    check! {
        pending(), "2024 71", on "2025-01-01" => Pending;
        pending().decided_by("2024-06-30"), "", on "2024-06-30" => Pending;
        pending().decided_by("2024-06-30"), "", on "2024-07-01" => Pending;
    }
}

#[test]
fn rounded_numbers_never_contradict_the_verdict() {
    check! {
        at_least(70.0).with(whole), "2024 70.6", on "2025-01-01" => Met;
        at_least(70.0).with(whole), "2024 69.8", on "2025-01-01" => Missed;
        at_least(70.7).with(whole), "2024 70.6", on "2025-01-01" => Missed;
        maintain(70.0).within(2.0).with(whole), "2024 72.1", on "2025-01-01" => Missed;
        more_than("2023").with(whole), "2023 70.1, 2024 70.4", on "2025-01-01" => Met;
        at_least(12000.0).with(counted), "2024 12345.5", on "2025-01-01" => Met;
    }
}

#[test]
fn a_revised_value_changes_the_verdict() {
    let plan = at_least(70.0);
    let first = plan.evaluate("2020 60, 2024 69 ?", "2025-01-15");
    let revised = plan.evaluate("2020 60, 2024 70.2", "2025-03-01");
    assert_eq!((first.kind, first.is_provisional), (Missed, true));
    assert_eq!((revised.kind, revised.is_provisional), (Met, false));
    assert_eq!(plan.reason(&revised, danish()), "70,2 % i 2024: målet om mindst 70 % er nået.");
}

#[test]
fn a_verdict_names_what_it_rests_on() {
    let verdict = at_least(70.0).evaluate("2020 60 ?, 2022 66", "2023-01-01");
    let input = |kind, text, number, is_provisional| Input {
        kind,
        period: Some(period(text)),
        value: Some(number),
        is_provisional,
        is_suppressed: false,
    };
    let expected = [
        input(InputKind::Value, "2022", 66.0, false),
        input(InputKind::Target, "2024", 70.0, false),
        input(InputKind::Baseline, "2020", 60.0, true),
        input(InputKind::Expected, "2022", 65.0, false),
    ];
    let rounded = verdict.inputs.iter().map(|input| Input { value: input.value.map(f64::round), ..*input });
    assert_eq!(rounded.collect::<Vec<_>>(), expected);
    assert_eq!((verdict.due, verdict.is_provisional), (Some(period("2024")), true));
}

#[test]
fn reasons_name_quarters_and_days() {
    check! {
        at_benchmark("2023-Q4 9").within(1.5).every(Frequency::Quarter), "2024-Q1 8", on "2025-01-01" => NoData;
        maintain(70.0).within(2.0).every(Frequency::Once), "2024-05-17 71", on "2025-01-01" => Met;
    }
}
