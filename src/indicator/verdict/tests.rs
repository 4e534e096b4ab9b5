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

/// One plan a row: its values, the day, and what it then comes to, said in Danish.
macro_rules! check {
    ($($plan:expr, $values:literal, on $on:literal => $kind:ident: $reason:literal;)+) => {
        $(check_case(&$plan, $values, $on, ($kind, $reason));)+
    };
}

fn check_case(plan: &Plan, values: &str, on: &str, expected: (VerdictKind, &str)) {
    let verdict = plan.evaluate(values, on);
    let (danish, english) = (plan.reason(&verdict, danish()), plan.reason(&verdict, english()));
    assert_eq!((verdict.kind, danish.as_str()), expected, "{values} on {on}");
    assert!(english.ends_with('.') && !english.contains("  ") && !english.contains("målet"), "{english}");
    for (is_so, said, word) in [
        (verdict.is_provisional, &danish, "foreløbig"),
        (verdict.is_provisional, &english, "provisional"),
        (verdict.is_suppressed, &danish, "skjult"),
        (verdict.is_suppressed, &english, "hidden"),
    ] {
        assert_eq!(said.contains(word), is_so, "{said}");
    }
}

#[test]
fn what_is_over_was_met_or_missed() {
    check! {
        at_least(70.0), "2020 60, 2024 70", on "2025-01-01" => Met:
            "70 % i 2024: målet om mindst 70 % er nået.";
        at_least(70.0), "2020 60, 2024 69.5", on "2025-01-01" => Missed:
            "69,5 % i 2024: målet om mindst 70 % er ikke nået.";
        at_least(0.3), "2024 0.29999999999999993", on "2025-01-01" => Met:
            "0,3 % i 2024: målet om mindst 0,3 % er nået.";
        at_most(0.0), "2024 0", on "2025-01-01" => Met:
            "0 % i 2024: målet om højst 0 % er nået.";
        at_most(0.0), "2024 1", on "2025-01-01" => Missed:
            "1 % i 2024: målet om højst 0 % er ikke nået.";
        maintain(70.0).within(2.0), "2024 72", on "2025-01-01" => Met:
            "72 % i 2024: målet om at holde 70 ± 2 % er nået.";
        maintain(70.0).within(2.0), "2024 67.9", on "2025-01-01" => Missed:
            "67,9 % i 2024: målet om at holde 70 ± 2 % er ikke nået.";
        maintain(70.0), "2024 70.5", on "2025-01-01" => Missed:
            "70,5 % i 2024: målet om at holde 70 % er ikke nået.";
        more_than("2021").by("2023"), "2021 64, 2023 71", on "2024-01-01" => Met:
            "71 % i 2023 mod 64 % i 2021: målet om flere end i 2021 er nået.";
        more_than("2021").by("2023"), "2021 64, 2023 64", on "2024-01-01" => Missed:
            "64 % i 2023 mod 64 % i 2021: målet om flere end i 2021 er ikke nået.";
        less_than("2021").by("2023"), "2021 64, 2023 63", on "2024-01-01" => Met:
            "63 % i 2023 mod 64 % i 2021: målet om færre end i 2021 er nået.";
        less_than("2021").by("2023"), "2021 64, 2023 71", on "2024-01-01" => Missed:
            "71 % i 2023 mod 64 % i 2021: målet om færre end i 2021 er ikke nået.";
        full_coverage(), "2024 100", on "2025-01-01" => Met:
            "100 % i 2024: målet om fuld dækning (100 %) er nået.";
        full_coverage(), "2024 98", on "2025-01-01" => Missed:
            "98 % i 2024: målet om fuld dækning (100 %) er ikke nået.";
        at_benchmark("2023 9, 2024 8"), "2024 8", on "2025-01-01" => Met:
            "8 dage i 2024 mod 8 dage: målet om at ligge på niveau med »Naboer« eller lavere er nået.";
        at_benchmark("2024 8").within(0.5), "2024 8.6", on "2025-01-01" => Missed:
            "8,6 dage i 2024 mod 8 dage: målet om at ligge højst 0,5 dage over »Naboer« er ikke nået.";
        at_benchmark("2024 80").within(2.0).with(more_percent), "2024 78", on "2025-01-01" => Met:
            "78 % i 2024 mod 80 %: målet om at ligge højst 2 procentpoint under »Naboer« er nået.";
        at_benchmark("2024 80").with(more_percent), "2024 79", on "2025-01-01" => Missed:
            "79 % i 2024 mod 80 %: målet om at ligge på niveau med »Naboer« eller højere er ikke nået.";
        at_benchmark("2024 8").within(0.5).with(steady), "2024 7", on "2025-01-01" => Missed:
            "7 dage i 2024 mod 8 dage: målet om at ligge højst 0,5 dage fra »Naboer« er ikke nået.";
        at_benchmark("2024 8").with(steady), "2024 8", on "2025-01-01" => Met:
            "8 dage i 2024 mod 8 dage: målet om at ligge på niveau med »Naboer« er nået.";
    }
}

#[test]
fn a_benchmark_without_the_period_is_taken_from_an_earlier_one() {
    check! {
        at_benchmark("2022 9, 2025 1"), "2024 8", on "2025-06-01" => Met:
            "8 dage i 2024 mod 9 dage i 2022: målet om at ligge på niveau med »Naboer« eller lavere er nået.";
        at_benchmark("2025 9"), "2024 8", on "2025-06-01" => NoData:
            "8 dage i 2024, men der er ingen værdi at sammenligne med til og med 2024: målet om at ligge på niveau \
             med »Naboer« eller lavere kan ikke bedømmes.";
        at_benchmark("2023 9, 2024-01 5").by("2024"), "2024 8", on "2025-06-01" => Met:
            "8 dage i 2024 mod 9 dage i 2023: målet om at ligge på niveau med »Naboer« eller lavere er nået.";
        at_benchmark("2021 9, 2024 5"), "2021 12, 2022 8", on "2023-06-01" => OnCourse:
            "8 dage i 2022 mod 9 dage i 2021: det er på kurs mod målet for 2024 om at ligge på niveau med »Naboer« \
             eller lavere.";
        at_benchmark("2021 9 ?"), "2021 8, 2022 10", on "2023-06-01" => OffCourse:
            "10 dage i 2022 mod 9 dage i 2021 (foreløbigt): det er ikke på kurs mod målet for 2024 om at ligge på \
             niveau med »Naboer« eller lavere.";
        at_benchmark("2022 -"), "2021 8, 2022 10", on "2023-06-01" => NoData:
            "10 dage i 2022, men værdien at sammenligne med for 2022 er skjult, fordi gruppen er lille: målet for \
             2024 om at ligge på niveau med »Naboer« eller lavere kan ikke bedømmes.";
    }
    let verdict = at_benchmark("2022 9").evaluate("2024 8", "2025-06-01");
    let inputs: Vec<_> = verdict.inputs.iter().map(|input| (input.kind, input.period, input.value)).collect();
    let expected = [(InputKind::Value, "2024", 8.0), (InputKind::Benchmark, "2022", 9.0)];
    assert_eq!(inputs, expected.map(|(kind, text, number)| (kind, Some(period(text)), Some(number))));
}

#[test]
fn what_is_not_over_is_on_course_or_not() {
    check! {
        at_least(70.0), "2020 60, 2022 65", on "2023-03-01" => OnCourse:
            "65 % i 2022, hvor der ved jævn udvikling fra 60 % i 2020 ventes mindst 65 %: det er på kurs mod målet \
             for 2024 om mindst 70 %.";
        at_least(70.0), "2020 60, 2022 64", on "2024-12-31" => OffCourse:
            "64 % i 2022, hvor der ved jævn udvikling fra 60 % i 2020 ventes mindst 65 %: det er ikke på kurs mod \
             målet for 2024 om mindst 70 %.";
        at_least(70.0).since("2018"), "2018 58, 2020 60, 2022 66", on "2023-03-01" => OnCourse:
            "66 % i 2022, hvor der ved jævn udvikling fra 58 % i 2018 ventes mindst 66 %: det er på kurs mod målet \
             for 2024 om mindst 70 %.";
        at_most(5.0).by("2023"), "2020 8, 2021 7", on "2022-03-01" => OnCourse:
            "7 % i 2021, hvor der ved jævn udvikling fra 8 % i 2020 ventes højst 7 %: det er på kurs mod målet for \
             2023 om højst 5 %.";
        at_most(5.0).by("2023"), "2020 8, 2022 6.5", on "2023-03-01" => OffCourse:
            "6,5 % i 2022, hvor der ved jævn udvikling fra 8 % i 2020 ventes højst 6 %: det er ikke på kurs mod \
             målet for 2023 om højst 5 %.";
        at_least(50.0), "2020 60, 2022 54", on "2023-03-01" => OffCourse:
            "54 % i 2022, hvor der ved jævn udvikling fra 60 % i 2020 ventes mindst 55 %: det er ikke på kurs mod \
             målet for 2024 om mindst 50 %.";
        full_coverage(), "2021 40, 2022 60", on "2023-03-01" => OnCourse:
            "60 % i 2022, hvor der ved jævn udvikling fra 40 % i 2021 ventes mindst 60 %: det er på kurs mod målet \
             for 2024 om fuld dækning (100 %).";
        maintain(70.0).within(2.0), "2020 60, 2022 71", on "2023-03-01" => OnCourse:
            "71 % i 2022: det er på kurs mod målet for 2024 om at holde 70 ± 2 %.";
        maintain(70.0).within(2.0), "2020 70, 2022 75", on "2023-03-01" => OffCourse:
            "75 % i 2022: det er ikke på kurs mod målet for 2024 om at holde 70 ± 2 %.";
        more_than("2020"), "2020 64, 2022 65", on "2023-03-01" => OnCourse:
            "65 % i 2022 mod 64 % i 2020: det er på kurs mod målet for 2024 om flere end i 2020.";
        more_than("2020"), "2020 64, 2022 64", on "2023-03-01" => OffCourse:
            "64 % i 2022 mod 64 % i 2020: det er ikke på kurs mod målet for 2024 om flere end i 2020.";
        less_than("2020"), "2020 64, 2022 63", on "2023-03-01" => OnCourse:
            "63 % i 2022 mod 64 % i 2020: det er på kurs mod målet for 2024 om færre end i 2020.";
        less_than("2020"), "2020 64, 2022 70", on "2023-03-01" => OffCourse:
            "70 % i 2022 mod 64 % i 2020: det er ikke på kurs mod målet for 2024 om færre end i 2020.";
    }
}

#[test]
fn a_course_begins_with_its_first_value() {
    check! {
        at_least(70.0), "2020 60", on "2021-03-01" => Open:
            "60 % i 2020: målet for 2024 om mindst 70 % er åbent, da der endnu ikke er målt siden.";
        at_least(70.0), "2020 72", on "2021-03-01" => OnCourse:
            "72 % i 2020: målet for 2024 om mindst 70 % er allerede opfyldt.";
        at_least(70.0), "2019 60", on "2021-03-01" => Open:
            "60 % i 2019: målet for 2024 om mindst 70 % er åbent, da der endnu ikke er nogen værdi inden for \
             strategien.";
        at_least(70.0), "2019 72", on "2021-03-01" => OnCourse:
            "72 % i 2019: målet for 2024 om mindst 70 % er allerede opfyldt.";
        at_least(70.0).from("", "2024-12-31"), "2015 60, 2019 66", on "2021-03-01" => OnCourse:
            "66 % i 2019, hvor der ved jævn udvikling fra 60 % i 2015 ventes mindst 64,4 %: det er på kurs mod \
             målet for 2024 om mindst 70 %.";
        at_least(70.0).since("2022"), "2020 60, 2021 61", on "2021-12-31" => OffCourse:
            "61 % i 2021, hvor der ved jævn udvikling fra 60 % i 2020 ventes mindst 62,5 %: det er ikke på kurs \
             mod målet for 2024 om mindst 70 %.";
        maintain(70.0), "2020 60", on "2021-03-01" => Open:
            "60 % i 2020: målet for 2024 om at holde 70 % er åbent, da der endnu ikke er målt siden.";
        at_benchmark("2020 9"), "2020 8", on "2021-03-01" => OnCourse:
            "8 dage i 2020 mod 9 dage: målet for 2024 om at ligge på niveau med »Naboer« eller lavere er allerede \
             opfyldt.";
        more_than("2021").by("2023"), "2020 60, 2021 64", on "2022-03-01" => Open:
            "64 % i 2021: målet for 2023 om flere end i 2021 er åbent, da der endnu ikke er målt siden.";
        less_than("2021").by("2023"), "2020 60", on "2021-03-01" => Open:
            "60 % i 2020: målet for 2023 om færre end i 2021 er åbent, da der endnu ikke er nogen værdi for 2021.";
    }
}

#[test]
fn without_a_date_nothing_is_late() {
    check! {
        at_least(70.0).from("2020-01-01", ""), "2020 60, 2022 71", on "2030-01-01" => OnCourse:
            "71 % i 2022: målet om mindst 70 % er opfyldt; der er ikke sat nogen dato for det.";
        at_most(5.0).from("", ""), "2020 60, 2022 71", on "2030-01-01" => Open:
            "71 % i 2022: målet om højst 5 % er ikke opfyldt; der er ikke sat nogen dato for det.";
        more_than("2020").from("", ""), "2020 60, 2022 71", on "2030-01-01" => OnCourse:
            "71 % i 2022 mod 60 % i 2020: målet om flere end i 2020 er opfyldt; der er ikke sat nogen dato for \
             det.";
        more_than("2020").from("", ""), "2020 60", on "2030-01-01" => Open:
            "60 % i 2020: målet om flere end i 2020 er åbent, da der endnu ikke er målt siden.";
        at_least(70.0).from("", ""), "", on "2030-01-01" => NoData:
            "Der er endnu ingen værdi: målet om mindst 70 % kan ikke bedømmes.";
    }
}

#[test]
fn what_is_not_there_is_not_judged() {
    check! {
        at_least(70.0), "", on "2023-03-01" => NoData:
            "Der er endnu ingen værdi: målet for 2024 om mindst 70 % kan ikke bedømmes.";
        at_least(70.0), "2024 71", on "2023-12-31" => NoData:
            "Der er endnu ingen værdi: målet for 2024 om mindst 70 % kan ikke bedømmes.";
        at_least(70.0), "2024 71", on "2024-01-01" => OnCourse:
            "71 % i 2024: målet for 2024 om mindst 70 % er allerede opfyldt.";
        at_least(70.0), "2020 60, 2023 71", on "2025-01-01" => NoData:
            "Der er ingen værdi for 2024: målet om mindst 70 % kan ikke bedømmes.";
        more_than("2021").by("2023"), "2020 60, 2023 71", on "2024-01-01" => NoData:
            "71 % i 2023, men der er ingen værdi for 2021: målet for 2023 om flere end i 2021 kan ikke bedømmes.";
        more_than("2021").by("2023"), "2022 71", on "2023-01-01" => NoData:
            "71 % i 2022, men der er ingen værdi for 2021: målet for 2023 om flere end i 2021 kan ikke bedømmes.";
    }
}

#[test]
fn what_is_hidden_tells_nothing() {
    check! {
        at_least(70.0), "2020 60, 2024 -", on "2025-01-01" => NoData:
            "Værdien for 2024 er skjult, fordi gruppen er lille: målet om mindst 70 % kan ikke bedømmes.";
        at_least(70.0), "2020 60, 2022 - ?", on "2023-01-01" => NoData:
            "Den foreløbige værdi for 2022 er skjult, fordi gruppen er lille: målet for 2024 om mindst 70 % kan \
             ikke bedømmes.";
        at_least(70.0), "2020 -, 2022 66 ?", on "2023-01-01" => NoData:
            "66 % i 2022 (foreløbigt), men værdien for 2020 er skjult, fordi gruppen er lille: målet for 2024 om \
             mindst 70 % kan ikke bedømmes.";
        more_than("2021").by("2023"), "2021 -, 2023 66", on "2024-01-01" => NoData:
            "66 % i 2023, men værdien for 2021 er skjult, fordi gruppen er lille: målet for 2023 om flere end i \
             2021 kan ikke bedømmes.";
        at_least(70.0), "2020 -, 2024 71", on "2025-01-01" => Met:
            "71 % i 2024: målet om mindst 70 % er nået.";
        maintain(70.0), "2020 -, 2022 70", on "2023-01-01" => OnCourse:
            "70 % i 2022: det er på kurs mod målet for 2024 om at holde 70 %.";
    }
    let verdict = at_least(70.0).evaluate("2020 -, 2022 66", "2023-01-01");
    assert!(verdict.inputs.iter().all(|input| input.kind != InputKind::Expected), "it would tell what is hidden");
}

#[test]
fn provisional_numbers_are_named_so() {
    check! {
        at_least(70.0), "2024 71 ?", on "2025-01-01" => Met:
            "71 % i 2024 (foreløbigt): målet om mindst 70 % er nået.";
        more_than("2021").by("2023"), "2021 64 ?, 2023 60", on "2024-01-01" => Missed:
            "60 % i 2023 mod 64 % i 2021 (foreløbigt): målet om flere end i 2021 er ikke nået.";
        at_least(70.0), "2020 60 ?, 2022 65", on "2023-03-01" => OnCourse:
            "65 % i 2022, hvor der ved jævn udvikling fra 60 % i 2020 (foreløbigt) ventes mindst 65 %: det er på \
             kurs mod målet for 2024 om mindst 70 %.";
        at_least(70.0), "2020 60 ?, 2024 71", on "2025-01-01" => Met:
            "71 % i 2024: målet om mindst 70 % er nået.";
    }
}

#[test]
fn a_sum_is_judged_when_all_units_are_in_it_a_mean_before() {
    check! {
        at_least(400.0).with(summed), "2024 340 12/14", on "2025-01-01" => NoData:
            "340 timer i 2024 dækker kun 12 af 14 enheder: målet om mindst 400 timer kan ikke bedømmes.";
        at_least(400.0).with(summed), "2024 410 14/14", on "2025-01-01" => Met:
            "410 timer i 2024: målet om mindst 400 timer er nået.";
        at_least(400.0).with(summed), "2020 90 ? 3/14, 2022 350", on "2023-01-01" => NoData:
            "350 timer i 2022, men 90 timer i 2020 (foreløbigt) dækker kun 3 af 14 enheder: målet for 2024 om \
             mindst 400 timer kan ikke bedømmes.";
        at_least(70.0).with(averaged), "2024 71 ? 12/14", on "2025-01-01" => Met:
            "71 % i 2024 (foreløbigt, 12 af 14 enheder): målet om mindst 70 % er nået.";
        more_than("2021").by("2023").with(averaged), "2021 64 2/14, 2023 71 14/14", on "2024-01-01" => Met:
            "71 % i 2023 mod 64 % i 2021 (2 af 14 enheder): målet om flere end i 2021 er nået.";
    }
}

#[test]
fn every_frequency_has_its_own_last_period() {
    let monthly = || at_most(4.0).by("2024").every(Frequency::Month);
    let once = || at_least(70.0).every(Frequency::Once);
    let second_yearly = || at_least(70.0).every(Frequency::Biennium);
    check! {
        monthly(), "2024-01 9, 2024-12 4", on "2025-01-01" => Met:
            "4 % i december 2024: målet for 2024 om højst 4 % er nået.";
        monthly(), "2024-01 9, 2024-11 4", on "2025-01-01" => NoData:
            "Der er ingen værdi for december 2024: målet for 2024 om højst 4 % kan ikke bedømmes.";
        monthly(), "2023-12 10, 2024-06 7.5", on "2024-07-10" => OffCourse:
            "7,5 % i juni 2024, hvor der ved jævn udvikling fra 10 % i december 2023 ventes højst 7,02 %: det er \
             ikke på kurs mod målet for 2024 om højst 4 %.";
        at_most(4.0).every(Frequency::Month), "2024-12 4", on "2025-01-01" => Met:
            "4 % i december 2024: målet om højst 4 % er nået.";
        at_least(70.0).every(Frequency::Quarter), "2024-Q4 71", on "2025-01-01" => Met:
            "71 % i 4. kvartal 2024: målet om mindst 70 % er nået.";
        more_than("2021-H1").every(Frequency::HalfYear), "2021-H1 64, 2024-H2 71", on "2025-01-01" => Met:
            "71 % i 2. halvår 2024 mod 64 % i 1. halvår 2021: målet om flere end i 1. halvår 2021 er nået.";
        second_yearly(), "2019 50, 2021 60, 2023 71", on "2025-01-01" => Met:
            "71 % i 2023: målet for 2024 om mindst 70 % er nået.";
        second_yearly(), "2019 50, 2021 60", on "2025-01-01" => NoData:
            "Der er ingen værdi for 2023: målet for 2024 om mindst 70 % kan ikke bedømmes.";
        second_yearly().by("2025"), "2019 50, 2021 60, 2023 64", on "2024-06-01" => OffCourse:
            "64 % i 2023, hvor der ved jævn udvikling fra 60 % i 2021 ventes mindst 65 %: det er ikke på kurs mod \
             målet for 2025 om mindst 70 %.";
        more_than("2021").by("2022").every(Frequency::Biennium), "2021 60", on "2023-01-01" => NoData:
            "Der er ingen værdi efter 2021: målet for 2022 om flere end i 2021 kan ikke bedømmes.";
        once(), "2020 60, 2024-05-17 71, 2025 80", on "2025-02-01" => Met:
            "71 % den 17. maj 2024: målet for den 31. december 2024 om mindst 70 % er nået.";
        once().by("2023"), "2021-H1 60, 2023-Q4 71, 2024 80", on "2025-02-01" => Met:
            "71 % i 4. kvartal 2023: målet for 2023 om mindst 70 % er nået.";
        once().by("2023"), "2024 80", on "2025-02-01" => NoData:
            "Der er ingen værdi til og med 2023: målet om mindst 70 % kan ikke bedømmes.";
        once().by("2023"), "2021-H1 60, 2022-H1 64", on "2022-09-01" => OnCourse:
            "64 % i 1. halvår 2022, hvor der ved jævn udvikling fra 60 % i 1. halvår 2021 ventes mindst 64 %: det \
             er på kurs mod målet for 2023 om mindst 70 %.";
        more_than("2021").by("2023").every(Frequency::Once), "2021 60", on "2024-01-01" => NoData:
            "Der er ingen værdi efter 2021: målet for 2023 om flere end i 2021 kan ikke bedømmes.";
    }
}

#[test]
fn what_is_undecided_is_pending() {
    check! {
        pending(), "2024 71", on "2025-01-01" => Pending:
            "Måltallet fastsættes senere.";
        pending().decided_by("2024-06-30"), "", on "2024-06-30" => Pending:
            "Måltallet fastsættes senere, senest 30. juni 2024.";
        pending().decided_by("2024-06-30"), "", on "2024-07-01" => Pending:
            "Måltallet fastsættes senere; det skulle være sket senest 30. juni 2024.";
    }
}

#[test]
fn rounding_never_hides_why() {
    check! {
        at_least(70.0).with(whole), "2024 70.6", on "2025-01-01" => Met:
            "71 % i 2024: målet om mindst 70 % er nået.";
        at_least(70.0).with(whole), "2024 69.8", on "2025-01-01" => Missed:
            "69,8 % i 2024: målet om mindst 70 % er ikke nået.";
        at_least(70.7).with(whole), "2024 70.6", on "2025-01-01" => Missed:
            "70,6 % i 2024: målet om mindst 70,7 % er ikke nået.";
        maintain(70.0).within(2.0).with(whole), "2024 72.1", on "2025-01-01" => Missed:
            "72,1 % i 2024: målet om at holde 70 ± 2 % er ikke nået.";
        more_than("2023").with(whole), "2023 70.1, 2024 70.4", on "2025-01-01" => Met:
            "70,4 % i 2024 mod 70,1 % i 2023: målet om flere end i 2023 er nået.";
        at_least(12000.0).with(counted), "2024 12345.5", on "2025-01-01" => Met:
            "12.345,5 i 2024: målet om mindst 12.000 er nået.";
    }
}

#[test]
fn a_revised_value_is_judged_anew() {
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
fn english_is_told_alike() {
    let say = |plan: Plan, values: &str, on: &str| plan.reason(&plan.evaluate(values, on), english());
    assert_eq!(
        say(more_than("2021").by("2023"), "2021 64, 2023 71", "2024-01-01"),
        "71% in 2023 against 64% in 2021: the target of more than in 2021 is met."
    );
    assert_eq!(
        say(at_least(70.0), "2020 60, 2022 64 ?", "2023-01-01"),
        "64% in 2022 (provisional), where an even course from 60% in 2020 leads to at least 65%: that is not \
         on course for the target for 2024 of at least 70%."
    );
    assert_eq!(
        say(at_least(70.0), "2020 60", "2021-01-01"),
        "60% in 2020: the target for 2024 of at least 70% is open, since nothing was measured after that yet."
    );
    assert_eq!(
        say(at_benchmark("2023-Q4 9").within(1.5).every(Frequency::Quarter), "2024-Q1 8", "2025-01-01"),
        "There is no value for the fourth quarter of 2024: the target to be at most 1.5 dage above “Naboer” \
         can't be judged."
    );
    assert_eq!(
        say(maintain(70.0).within(2.0).every(Frequency::Once), "2024-05-17 71", "2025-01-01"),
        "71% on 17 May 2024: the target for 31 December 2024 to stay at 70 ± 2% is met."
    );
    assert_eq!(
        say(at_least(400.0).with(summed), "2024 340 12/14", "2025-01-01"),
        "340 timer in 2024 covers only 12 of 14 units: the target of at least 400 timer can't be judged."
    );
    assert_eq!(
        say(at_least(70.0), "2024 -", "2025-01-01"),
        "The value for 2024 is hidden because the group is small: the target of at least 70% can't be judged."
    );
    assert_eq!(
        say(pending().decided_by("2024-06-30"), "", "2024-07-01"),
        "The number is to be decided later; that should have been done by 30 June 2024."
    );
}
