//! Why a target comes to what it does, in one sentence.

use chrono::Datelike;

use super::{Input, InputKind, Lack, Reading, Seen, Standing, Verdict, VerdictKind, Why};
use super::{direction_of_line, is_satisfied, reaches};
use crate::http::language::{Language, month, written_day};
use crate::indicator::model::{Direction, IndicatorBody};
use crate::indicator::number;
use crate::indicator::target::{Target, TargetRule};
use crate::period::{Period, Span};

/// As many decimals as [`number::written`] ever writes.
const MOST_DECIMALS: i32 = 6;

impl Verdict {
    /// Why, in one sentence that names the numbers. The indicator and the target are those that were judged.
    pub fn reason(&self, indicator: &IndicatorBody, target: &Target, language: Language) -> String {
        let decimals = Decimals::of(self, indicator, target);
        Teller { verdict: self, indicator, target, language, decimals }.sentence()
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
    /// The indicator's, unless the numbers would then say something else than the verdict.
    fn of(verdict: &Verdict, indicator: &IndicatorBody, target: &Target) -> Self {
        let measured = verdict.inputs.iter().filter(|input| input.kind != InputKind::Expected);
        let longest = measured.filter_map(|input| input.value).map(length).max().unwrap_or_default();
        let expected = indicator.decimals.unwrap_or((longest + 1).min(MOST_DECIMALS));
        let usual = Self { measured: indicator.decimals, expected };
        let [value, others @ ..] = verdict.inputs.as_slice() else { return usual };
        let misleads = others.iter().any(|other| {
            let Some((number, other_number)) = value.value.zip(other.value) else { return false };
            let told =
                compare(other.kind, target, indicator, usual.shown(value, number), usual.shown(other, other_number));
            told != compare(other.kind, target, indicator, number, other_number)
        });
        if misleads { Self { measured: None, expected: MOST_DECIMALS } } else { usual }
    }

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

/// What comes of comparing a value with another input.
fn compare(kind: InputKind, target: &Target, indicator: &IndicatorBody, number: f64, other: f64) -> Option<bool> {
    match (kind, direction_of_line(target.rule)) {
        (InputKind::Expected, Some(direction)) => Some(reaches(direction, number, other)),
        // The course is reckoned from it, and nothing compared with it.
        (InputKind::Baseline, _) if !target.compares_periods() => None,
        _ => Some(is_satisfied(target, indicator.direction, number, other)),
    }
}

/// How many decimals it takes to write a number.
fn length(number: f64) -> i32 {
    let text = number::written(number, None, Language::English);
    text.split_once('.').and_then(|(_, fraction)| fraction.len().try_into().ok()).unwrap_or_default()
}

fn rounded(number: f64, decimals: i32) -> f64 {
    let decimals = usize::try_from(decimals).unwrap_or_default();
    format!("{number:.decimals$}").parse().unwrap_or(number)
}

/// Tells why in a language.
struct Teller<'t> {
    verdict: &'t Verdict,
    indicator: &'t IndicatorBody,
    target: &'t Target,
    language: Language,
    decimals: Decimals,
}

impl Teller<'_> {
    fn sentence(&self) -> String {
        match self.verdict.why {
            Why::Undecided { is_late } => self.undecided(is_late),
            Why::Lacking { value, lack } => self.lacking(value, lack),
            Why::Judged { value, other, standing } => self.judged(value, other, standing),
        }
    }

    fn undecided(&self, is_late: bool) -> String {
        let text = self.language.pick("Måltallet fastsættes senere", "The number is to be decided later");
        let Some(day) = self.target.decided_by.map(|day| written_day(day, self.language)) else {
            return format!("{text}.");
        };
        match (self.language, is_late) {
            (Language::Danish, true) => format!("{text}; det skulle være sket senest {day}."),
            (Language::Danish, false) => format!("{text}, senest {day}."),
            (Language::English, true) => format!("{text}; that should have been done by {day}."),
            (Language::English, false) => format!("{text}, by {day} at the latest."),
        }
    }

    fn lacking(&self, value: Option<Seen>, lack: Lack) -> String {
        let (clause, named) = self.clause(lack);
        let clause = match value {
            Some(value) => format!("{}, {} {clause}", self.told(value), self.language.pick("men", "but")),
            None => capitalized(&clause),
        };
        let target = self.target(named);
        match self.language {
            Language::Danish => format!("{clause}: {target} kan ikke bedømmes."),
            Language::English => format!("{clause}: {target} can't be judged."),
        }
    }

    /// What a target can't be judged without, and which period that names.
    fn clause(&self, lack: Lack) -> (String, Option<Period>) {
        let (danish, english, period) = match lack {
            Lack::Measurement => ("der er endnu ingen værdi", "there is no value yet", None),
            Lack::ValueIn(period) | Lack::Baseline(period) => {
                ("der er ingen værdi for", "there is no value for", Some(period))
            }
            Lack::ValueUntil(period) => ("der er ingen værdi til og med", "there is no value up to", Some(period)),
            Lack::ValueAfter(period) => ("der er ingen værdi efter", "there is no value after", Some(period)),
            Lack::Benchmark(period) => (
                "der er ingen værdi at sammenligne med til og med",
                "there is no value to compare with up to",
                Some(period),
            ),
            Lack::Hidden(kind, seen) => return (self.hidden(kind, seen), Some(seen.period)),
            Lack::Units(seen) => return (self.partial(seen), Some(seen.period)),
        };
        let text = self.language.pick(danish, english);
        match period {
            Some(period) => (format!("{text} {}", self.name(period)), Some(period)),
            None => (text.to_owned(), None),
        }
    }

    fn hidden(&self, kind: InputKind, seen: Seen) -> String {
        let period = self.name(seen.period);
        let whose = match kind {
            InputKind::Benchmark => self.language.pick(" at sammenligne med", " to compare with"),
            _ => "",
        };
        let value = match seen.reading.is_provisional {
            true => self.language.pick("den foreløbige værdi", "the provisional value"),
            false => self.language.pick("værdien", "the value"),
        };
        match self.language {
            Language::Danish => format!("{value}{whose} for {period} er skjult, fordi gruppen er lille"),
            Language::English => format!("{value}{whose} for {period} is hidden because the group is small"),
        }
    }

    fn partial(&self, seen: Seen) -> String {
        let (with_value, units) = seen.reading.covers.unwrap_or_default();
        let whole = Seen { reading: Reading { covers: None, ..seen.reading }, ..seen };
        let told = self.told(whole);
        match self.language {
            Language::Danish => format!("{told} dækker kun {with_value} af {units} enheder"),
            Language::English => format!("{told} covers only {with_value} of {units} units"),
        }
    }

    fn judged(&self, value: Seen, other: Option<Seen>, standing: Standing) -> String {
        let told = match other {
            Some(other) => {
                let against = self.language.pick("mod", "against");
                format!("{} {against} {}", self.told(value), self.other(value, other))
            }
            None => self.told(value),
        };
        let is_satisfied = matches!(self.verdict.kind, VerdictKind::Met | VerdictKind::OnCourse);
        let target = self.target((standing == Standing::Over).then_some(value.period));
        let (danish, english) = match (standing, is_satisfied) {
            (Standing::UnderWay { start, .. }, _) => return self.under_way(&told, start),
            (Standing::Over, true) => ("er nået.", "is met."),
            (Standing::Over, false) => ("er ikke nået.", "is not met."),
            (Standing::NoDate, true) => {
                ("er opfyldt; der er ikke sat nogen dato for det.", "is met; no date is set for it.")
            }
            (Standing::NoDate, false) => {
                ("er ikke opfyldt; der er ikke sat nogen dato for det.", "is not met; no date is set for it.")
            }
            (Standing::AtStart | Standing::NoStart, true) => ("er allerede opfyldt.", "is already met."),
            (Standing::AtStart, false) => match self.target.baseline_period {
                Some(baseline) if self.target.compares_periods() && baseline != value.period => {
                    return self.before_baseline(&told, &target, baseline);
                }
                _ => (
                    "er åbent, da der endnu ikke er målt siden.",
                    "is open, since nothing was measured after that yet.",
                ),
            },
            (Standing::NoStart, false) => (
                "er åbent, da der endnu ikke er nogen værdi inden for strategien.",
                "is open, since there is no value within the strategy yet.",
            ),
        };
        format!("{told}: {target} {}", self.language.pick(danish, english))
    }

    fn before_baseline(&self, told: &str, target: &str, baseline: Period) -> String {
        let baseline = self.name(baseline);
        match self.language {
            Language::Danish => format!("{told}: {target} er åbent, da der endnu ikke er nogen værdi for {baseline}."),
            Language::English => format!("{told}: {target} is open, since there is no value for {baseline} yet."),
        }
    }

    fn under_way(&self, told: &str, start: Seen) -> String {
        let expected = self.verdict.inputs.iter().find(|input| input.kind == InputKind::Expected);
        let bound = expected.and_then(|expected| expected.value).map(|expected| {
            let expected = self.amount(rounded(expected, self.decimals.expected), self.decimals.measured);
            let start = self.told(start);
            match (self.language, self.target.rule == TargetRule::AtMost) {
                (Language::Danish, true) => {
                    format!(", hvor der ved jævn udvikling fra {start} ventes højst {expected}")
                }
                (Language::Danish, false) => {
                    format!(", hvor der ved jævn udvikling fra {start} ventes mindst {expected}")
                }
                (Language::English, true) => {
                    format!(", where an even course from {start} leads to at most {expected}")
                }
                (Language::English, false) => {
                    format!(", where an even course from {start} leads to at least {expected}")
                }
            }
        });
        let (bound, target) = (bound.unwrap_or_default(), self.target(None));
        match (self.language, self.verdict.kind == VerdictKind::OnCourse) {
            (Language::Danish, true) => format!("{told}{bound}: det er på kurs mod {target}."),
            (Language::Danish, false) => format!("{told}{bound}: det er ikke på kurs mod {target}."),
            (Language::English, true) => format!("{told}{bound}: that is on course for {target}."),
            (Language::English, false) => format!("{told}{bound}: that is not on course for {target}."),
        }
    }

    /// "målet for 2024 om mindst 70 %": without its period, where that was named just before.
    fn target(&self, named: Option<Period>) -> String {
        let due = self.verdict.due.filter(|due| Some(*due) != named);
        let due = due.map(|due| format!(" for {}", self.name(due))).unwrap_or_default();
        format!("{}{due} {}", self.language.pick("målet", "the target"), self.goal())
    }

    fn goal(&self) -> String {
        let Target { rule, value, tolerance, baseline_period, .. } = self.target;
        let number = value.map(|number| self.amount(number, None)).unwrap_or_default();
        let tolerance = tolerance.filter(|tolerance| *tolerance > 0.0);
        let baseline = baseline_period.map(|period| self.at(period)).unwrap_or_default();
        let (danish, english) = match rule {
            TargetRule::AtLeast => (format!("om mindst {number}"), format!("of at least {number}")),
            TargetRule::AtMost => (format!("om højst {number}"), format!("of at most {number}")),
            TargetRule::Maintain => {
                let number = match (value, tolerance) {
                    (Some(value), Some(tolerance)) => {
                        format!("{} ± {}", number::written(*value, None, self.language), self.amount(tolerance, None))
                    }
                    _ => number,
                };
                (format!("om at holde {number}"), format!("to stay at {number}"))
            }
            TargetRule::MoreThanPeriod => (format!("om flere end {baseline}"), format!("of more than {baseline}")),
            TargetRule::LessThanPeriod => (format!("om færre end {baseline}"), format!("of less than {baseline}")),
            TargetRule::AtBenchmark => return self.benchmark_goal(tolerance),
            TargetRule::FullCoverage => {
                let all = self.amount(100.0, None);
                (format!("om fuld dækning ({all})"), format!("of full coverage ({all})"))
            }
            TargetRule::Pending => Default::default(),
        };
        self.language.pick(danish, english)
    }

    fn benchmark_goal(&self, tolerance: Option<f64>) -> String {
        let key = self.target.benchmark.as_ref();
        let name = key.and_then(|key| self.indicator.benchmark(key)).map(|benchmark| benchmark.name.to_string());
        let name = name.or_else(|| key.map(ToString::to_string)).unwrap_or_default();
        let direction = self.indicator.direction;
        let Some(tolerance) = tolerance.map(|tolerance| self.distance(tolerance)) else {
            let better = match direction {
                Direction::Increase => self.language.pick(" eller højere", " or higher"),
                Direction::Decrease => self.language.pick(" eller lavere", " or lower"),
                Direction::Maintain => "",
            };
            return match self.language {
                Language::Danish => format!("om at ligge på niveau med »{name}«{better}"),
                Language::English => format!("to be at the level of “{name}”{better}"),
            };
        };
        let side = match direction {
            Direction::Increase => self.language.pick("under", "below"),
            Direction::Decrease => self.language.pick("over", "above"),
            Direction::Maintain => self.language.pick("fra", "from"),
        };
        match self.language {
            Language::Danish => format!("om at ligge højst {tolerance} {side} »{name}«"),
            Language::English => format!("to be at most {tolerance} {side} “{name}”"),
        }
    }

    /// "71 % i 2023 (foreløbigt)".
    fn told(&self, seen: Seen) -> String {
        format!("{} {}{}", self.measured(seen), self.at(seen.period), self.remarks(seen))
    }

    /// What a value is compared with; its period is named where it is another one.
    fn other(&self, value: Seen, other: Seen) -> String {
        if other.period == value.period {
            format!("{}{}", self.measured(other), self.remarks(other))
        } else {
            self.told(other)
        }
    }

    fn measured(&self, seen: Seen) -> String {
        seen.reading.value.map(|number| self.amount(number, self.decimals.measured)).unwrap_or_default()
    }

    fn remarks(&self, seen: Seen) -> String {
        let provisional = self.language.pick("foreløbigt", "provisional");
        let provisional = seen.reading.is_provisional.then(|| provisional.to_owned());
        let partial = seen.reading.covers.filter(|(with_value, units)| with_value < units);
        let partial = partial.map(|(with_value, units)| match self.language {
            Language::Danish => format!("{with_value} af {units} enheder"),
            Language::English => format!("{with_value} of {units} units"),
        });
        let remarks: Vec<_> = provisional.into_iter().chain(partial).collect();
        if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join(", ")) }
    }

    /// A number with what it counts.
    fn amount(&self, number: f64, decimals: Option<i32>) -> String {
        let number = number::written(number, decimals, self.language);
        match (self.unit(), self.language) {
            ("", _) => number,
            ("%", Language::English) => format!("{number}%"),
            (unit, _) => format!("{number} {unit}"),
        }
    }

    /// How far numbers are apart.
    fn distance(&self, number: f64) -> String {
        match self.unit() {
            "%" => {
                let number = number::written(number, None, self.language);
                format!("{number} {}", self.language.pick("procentpoint", "percentage points"))
            }
            _ => self.amount(number, None),
        }
    }

    fn unit(&self) -> &str {
        match &self.indicator.unit_of_measure {
            // "antal" says that something is counted, and has no place behind a number.
            Some(unit) if unit.as_str().trim().to_lowercase() == "antal" => "",
            Some(unit) => unit.as_str().trim(),
            None if self.indicator.is_percentage() => "%",
            None => "",
        }
    }

    /// "i 2023", "den 17. maj 2024".
    fn at(&self, period: Period) -> String {
        let name = self.name(period);
        match (self.language, period.span()) {
            (Language::Danish, Span::Day) => name,
            (Language::Danish, _) => format!("i {name}"),
            (Language::English, Span::Day) => format!("on {name}"),
            (Language::English, _) => format!("in {name}"),
        }
    }

    /// "2023", "1. halvår 2024", "maj 2024".
    fn name(&self, period: Period) -> String {
        const ORDINALS: [&str; 4] = ["first", "second", "third", "fourth"];
        let first = period.first_day();
        let (year, month0) = (first.year(), first.month0());
        let part = |months: u32, danish, english| {
            let n = month0 / months;
            match self.language {
                Language::Danish => format!("{}. {danish} {year}", n + 1),
                Language::English => format!("the {} {english} of {year}", ORDINALS[n as usize]),
            }
        };
        match period.span() {
            Span::Year => year.to_string(),
            Span::HalfYear => part(6, "halvår", "half"),
            Span::Quarter => part(3, "kvartal", "quarter"),
            Span::Month => format!("{} {year}", month(first, self.language)),
            Span::Day => format!("{}{}", self.language.pick("den ", ""), written_day(first, self.language)),
        }
    }
}

/// A clause as the beginning of a sentence.
fn capitalized(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
