//! The horizontal axis: which periods are named at it, so that their names don't overlap.

use super::style::AXIS;
use super::typesetting::{clean, width, wrap};
use super::{MARGIN, WIDTH};

/// A period's name below the axis.
#[derive(Debug, Clone)]
pub struct Label {
    /// The period's index.
    pub index: usize,
    /// What is written.
    pub text: String,
    /// The middle of the text, in px.
    pub middle: f64,
}

/// A kind of calendar: how many periods a year has, and how many periods may lie between two names.
struct Calendar {
    per_year: i64,
    strides: &'static [i64],
}

const YEARS: Calendar = Calendar { per_year: 1, strides: &[1, 2, 4, 5, 10, 20, 25, 50, 100, 200, 500, 1000] };
const HALF_YEARS: Calendar = Calendar { per_year: 2, strides: &[1, 2, 4, 10, 20, 40, 50, 100, 200, 400, 1000, 2000] };
const QUARTERS: Calendar = Calendar { per_year: 4, strides: &[1, 2, 4, 8, 20, 40, 80, 100, 200, 400, 800, 4000] };
const MONTHS: Calendar =
    Calendar { per_year: 12, strides: &[1, 2, 3, 6, 12, 24, 60, 120, 240, 300, 600, 1200, 2400, 12_000] };
/// Anything else is counted as it stands.
const OTHERS: Calendar = Calendar {
    per_year: 0,
    strides: &[1, 2, 3, 4, 5, 7, 10, 14, 20, 28, 50, 100, 200, 365, 1000, 5000, 20_000, 100_000],
};

/// The longest name, in px.
const LONGEST: u32 = 90;
/// Between two names.
const GAP: f64 = 7.0;
/// How near the picture's edge a name may come.
const EDGE: f64 = (MARGIN / 2) as f64;

/// As many names as fit, at equal distances. `x` maps a period's index to its position.
pub fn labels(periods: &[String], x: impl Fn(usize) -> f64) -> Vec<Label> {
    let (calendar, numbers) = numbered(periods);
    let label = |at: usize, stride: i64| {
        let name = periods.get(at).map(|period| clean(period)).unwrap_or_default();
        // Where only first months or quarters are named, the year says it.
        let is_year = calendar.per_year > 1 && stride % calendar.per_year == 0;
        let name = if is_year { name.chars().take(4).collect() } else { name };
        let text = wrap(&name, AXIS, LONGEST, 1).lines.concat();
        let half = half(&text);
        Label { index: at, text, middle: x(at).min(f64::from(WIDTH) - EDGE - half).max(EDGE + half) }
    };
    for stride in calendar.strides {
        let named = numbers.iter().enumerate().filter(|(_, number)| **number % stride == 0);
        let labels: Vec<Label> = named.map(|(at, _)| label(at, *stride)).collect();
        if labels.len() > 1 && are_apart(&labels) {
            return labels;
        }
    }
    // Too few for round distances: the first and the last, or the last alone.
    let ends: Vec<Label> = match periods.len() {
        0 => Vec::new(),
        1 => vec![label(0, 1)],
        count => vec![label(0, 1), label(count - 1, 1)],
    };
    if are_apart(&ends) { ends } else { ends.into_iter().skip(1).collect() }
}

/// Half of a text's width.
fn half(text: &str) -> f64 {
    width(text, AXIS) as f64 / 2000.0
}

fn are_apart(labels: &[Label]) -> bool {
    let pairs = labels.iter().zip(labels.iter().skip(1));
    pairs.into_iter().all(|(one, next)| one.middle + half(&one.text) + GAP <= next.middle - half(&next.text))
}

/// The periods' numbers, such as months since the year 0, of which the round ones are named.
fn numbered(periods: &[String]) -> (&'static Calendar, Vec<i64>) {
    for calendar in [&YEARS, &HALF_YEARS, &QUARTERS, &MONTHS] {
        let numbers: Option<Vec<i64>> = periods.iter().map(|period| number(period, calendar.per_year)).collect();
        // One that comes twice, or out of order, isn't counted by the calendar.
        if let Some(numbers) = numbers.filter(|numbers| numbers.is_sorted_by(|one, next| one < next)) {
            return (calendar, numbers);
        }
    }
    let count = periods.len();
    // Such that the newest has a name.
    (&OTHERS, (1..=count).map(|at| i64::try_from(count - at).unwrap_or(0)).collect())
}

/// A period's number, if it is one of those that a year has so many of.
fn number(period: &str, per_year: i64) -> Option<i64> {
    let (year, rest) = (period.get(..4)?, period.get(4..)?);
    let within = match per_year {
        1 => rest.is_empty().then_some("1")?,
        2 => rest.strip_prefix("-H")?,
        4 => rest.strip_prefix("-Q")?,
        _ => rest.strip_prefix('-').filter(|month| month.len() == 2)?,
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let within: i64 = is_number(within).then(|| within.parse().ok())??;
    let year: i64 = is_number(year).then(|| year.parse().ok())??;
    (1..=per_year).contains(&within).then_some(year * per_year + within - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(periods: &[String]) -> Vec<String> {
        let last = periods.len().saturating_sub(1).max(1);
        let labels = labels(periods, |at| 50.0 + 248.0 * at as f64 / last as f64);
        assert!(are_apart(&labels));
        for label in &labels {
            let half = half(&label.text);
            assert!(label.middle - half >= EDGE && label.middle + half <= 320.0 - EDGE, "{label:?}");
        }
        labels.into_iter().map(|label| label.text).collect()
    }

    fn months(from: usize, count: usize) -> Vec<String> {
        (from..from + count).map(|month| format!("{}-{:02}", 2005 + month / 12, month % 12 + 1)).collect()
    }

    #[test]
    fn as_many_are_named_as_fit() {
        let years = |from: u32, to: u32| (from..=to).map(|year| year.to_string()).collect::<Vec<_>>();
        assert_eq!(named(&years(2020, 2025)), ["2020", "2021", "2022", "2023", "2024", "2025"]);
        assert_eq!(named(&years(2013, 2024)), ["2014", "2016", "2018", "2020", "2022", "2024"]);
        assert_eq!(named(&years(1990, 2025)), ["1990", "2000", "2010", "2020"]);
        assert_eq!(named(&["2024".to_owned()]), ["2024"]);
        assert!(named(&[]).is_empty());
    }

    #[test]
    fn many_months_are_named_by_their_years() {
        assert_eq!(named(&months(0, 3)), ["2005-01", "2005-02", "2005-03"]);
        assert_eq!(named(&months(0, 12)), ["2005-01", "2005-04", "2005-07", "2005-10"]);
        assert_eq!(named(&months(4, 60)), ["2006", "2007", "2008", "2009", "2010"]);
        assert_eq!(named(&months(0, 240)), ["2005", "2010", "2015", "2020"]);
        let quarters: Vec<String> = (0..20).map(|at| format!("{}-Q{}", 2020 + at / 4, at % 4 + 1)).collect();
        assert_eq!(named(&quarters), ["2020", "2021", "2022", "2023", "2024"]);
        let halves: Vec<String> = (0..4).map(|at| format!("{}-H{}", 2020 + at / 2, at % 2 + 1)).collect();
        assert_eq!(named(&halves), ["2020-H1", "2020-H2", "2021-H1", "2021-H2"]);
    }

    #[test]
    fn other_names_are_counted_from_the_newest() {
        let waves: Vec<String> = (1..=30).map(|wave| format!("{wave}. måling")).collect();
        assert_eq!(named(&waves), ["2. måling", "16. måling", "30. måling"]);
        assert_eq!(named(&["2024".to_owned(), "2024-H1".to_owned()]), ["2024", "2024-H1"]);
        let long = vec!["En måling med et meget langt navn".to_owned(); 2];
        assert_eq!(named(&long).len(), 2);
        assert_eq!(named(&["202é".to_owned(), "2024-1é".to_owned(), String::new()]).len(), 3);
    }
}
