//! Calendar periods: a year, half-year, quarter, month or day.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

/// Today in Denmark, wherever the service runs.
pub fn today() -> NaiveDate {
    chrono::Utc::now().with_timezone(&chrono_tz::Europe::Copenhagen).date_naive()
}

/// The first day that can be queried: long before the first plan.
pub fn earliest() -> NaiveDate {
    NaiveDate::from_ymd_opt(1990, 1, 1).unwrap_or(NaiveDate::MIN)
}

/// The last day that can be queried: plans look some years ahead, and recurring actions have no end.
pub fn latest() -> NaiveDate {
    today().checked_add_months(Months::new(20 * 12)).unwrap_or(NaiveDate::MAX)
}

/// A calendar period: `2024`, `2024-H1`, `2024-Q3`, `2024-05` or `2024-05-17`.
///
/// Ordered by first day, then the longer before the shorter it contains.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(try_from = "String", into = "String")]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Period {
    first: NaiveDate,
    span: Span,
}

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// A calendar year.
    Year,
    /// January to June or July to December.
    HalfYear,
    /// Three months, the first starting in January.
    Quarter,
    /// A calendar month.
    Month,
    /// A single day.
    Day,
}

impl Span {
    fn months(self) -> Option<u32> {
        match self {
            Span::Year => Some(12),
            Span::HalfYear => Some(6),
            Span::Quarter => Some(3),
            Span::Month => Some(1),
            Span::Day => None,
        }
    }
}

/// The error for a text that is no period.
pub const EXPECTED: &str = "is not a period: write 2024, 2024-H1, 2024-Q3, 2024-05 or 2024-05-17";

impl Period {
    /// The period of length `span` that `day` lies in.
    pub fn containing(day: NaiveDate, span: Span) -> Self {
        let first = match span.months() {
            None => day,
            Some(months) => NaiveDate::from_ymd_opt(day.year(), day.month0() / months * months + 1, 1).unwrap_or(day),
        };
        Self { first, span }
    }

    /// How long it is.
    pub fn span(self) -> Span {
        self.span
    }

    /// The first day.
    pub fn first_day(self) -> NaiveDate {
        self.first
    }

    /// The last day, inclusive.
    pub fn last_day(self) -> NaiveDate {
        self.successor().first.pred_opt().unwrap_or(self.first)
    }

    /// The next period of the same length.
    pub fn successor(self) -> Self {
        let next = match self.span.months() {
            Some(months) => self.first.checked_add_months(Months::new(months)),
            None => self.first.succ_opt(),
        };
        Self { first: next.unwrap_or(NaiveDate::MAX), span: self.span }
    }

    /// A number that sorts like the period: its first day, then its length, longer before shorter.
    pub fn number(self) -> i32 {
        let rank = match self.span {
            Span::Year => 1,
            Span::HalfYear => 2,
            Span::Quarter => 3,
            Span::Month => 4,
            Span::Day => 5,
        };
        number_of(self.first) + rank
    }

    /// The period of a number.
    pub fn from_number(number: i32) -> Option<Self> {
        let span = match number % 10 {
            1 => Span::Year,
            2 => Span::HalfYear,
            3 => Span::Quarter,
            4 => Span::Month,
            5 => Span::Day,
            _ => return None,
        };
        let (year, month, day) = (number / 100_000, number / 1_000 % 100, number / 10 % 100);
        let first = NaiveDate::from_ymd_opt(year, month.try_into().ok()?, day.try_into().ok()?)?;
        Some(Self::containing(first, span)).filter(|period| period.first == first)
    }

    /// The numbers of all periods that begin in a year.
    pub fn numbers_of_year(year: i32) -> std::ops::RangeInclusive<i32> {
        year * YEAR..=year * YEAR + YEAR - 1
    }

    /// The year in which the period of a number begins.
    pub fn year_of_number(number: i32) -> i32 {
        number / YEAR
    }

    /// The numbers of all periods that begin from the first day of one to the last day of another.
    pub fn numbers(from: Option<Self>, to: Option<Self>) -> std::ops::RangeInclusive<i32> {
        let first = from.map_or(0, |from| number_of(from.first));
        let last = to.map_or(i32::MAX, |to| number_of(to.last_day()) + 9);
        first..=last
    }

    /// Whether every day of `other` lies in this period.
    pub fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last_day() <= self.last_day()
    }
}

/// From the number of a period to that of the same one a year later.
const YEAR: i32 = 100_000;

fn number_of(day: NaiveDate) -> i32 {
    // Years have four digits here; nine in all are an i32.
    let year = i64::from(day.year().min(9999));
    let number = ((year * 100 + i64::from(day.month())) * 100 + i64::from(day.day())) * 10;
    i32::try_from(number).unwrap_or(i32::MAX - 9)
}

impl Ord for Period {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.first, std::cmp::Reverse(self.last_day())).cmp(&(other.first, std::cmp::Reverse(other.last_day())))
    }
}

impl PartialOrd for Period {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month0) = (self.first.year(), self.first.month0());
        match self.span {
            Span::Year => write!(f, "{year:04}"),
            Span::HalfYear => write!(f, "{year:04}-H{}", month0 / 6 + 1),
            Span::Quarter => write!(f, "{year:04}-Q{}", month0 / 3 + 1),
            Span::Month => write!(f, "{year:04}-{:02}", month0 + 1),
            Span::Day => write!(f, "{}", self.first),
        }
    }
}

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or(EXPECTED)
    }
}

fn parse(text: &str) -> Option<Period> {
    let (year, rest) = (text.get(..4)?, text.get(4..)?);
    let year = number(year)? as i32;
    if year == 0 {
        return None;
    }
    let (month, span) = match rest {
        "" => (1, Span::Year),
        "-H1" => (1, Span::HalfYear),
        "-H2" => (7, Span::HalfYear),
        "-Q1" => (1, Span::Quarter),
        "-Q2" => (4, Span::Quarter),
        "-Q3" => (7, Span::Quarter),
        "-Q4" => (10, Span::Quarter),
        _ => {
            let rest = rest.strip_prefix('-')?;
            let month = number(rest.get(..2)?)?;
            match rest.get(2..)? {
                "" => (month, Span::Month),
                day => {
                    let day = day.strip_prefix('-').filter(|day| day.len() == 2)?;
                    let first = NaiveDate::from_ymd_opt(year, month, number(day)?)?;
                    return Some(Period { first, span: Span::Day });
                }
            }
        }
    };
    Some(Period { first: NaiveDate::from_ymd_opt(year, month, 1)?, span })
}

/// Digits only: `parse::<u32>` alone would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

crate::sent_as_text!(Period);

impl utoipa::PartialSchema for Period {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("period".into())))
            .description(Some("A calendar period: year, half-year, quarter, month or day."))
            .pattern(Some(r"^[0-9]{4}(-(H[12]|Q[1-4]|(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?))?$"))
            .examples(["2024-H1"])
            .into()
    }
}

impl utoipa::ToSchema for Period {}

crate::stored_as_text!(Period);

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Period {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_has_a_first_and_a_last_day() {
        for (text, first, last) in [
            ("2024", "2024-01-01", "2024-12-31"),
            ("2024-H1", "2024-01-01", "2024-06-30"),
            ("2024-H2", "2024-07-01", "2024-12-31"),
            ("2024-Q1", "2024-01-01", "2024-03-31"),
            ("2024-Q4", "2024-10-01", "2024-12-31"),
            ("2024-02", "2024-02-01", "2024-02-29"),
            ("2023-02", "2023-02-01", "2023-02-28"),
            ("2024-05-17", "2024-05-17", "2024-05-17"),
        ] {
            assert_eq!((period(text).first_day(), period(text).last_day()), (day(first), day(last)), "{text}");
            assert_eq!(period(text).to_string(), text);
        }
    }

    #[test]
    fn a_period_has_a_successor_and_contains_others() {
        for (text, next) in [
            ("2024", "2025"),
            ("2024-H2", "2025-H1"),
            ("2024-Q4", "2025-Q1"),
            ("2024-12", "2025-01"),
            ("2024-02-29", "2024-03-01"),
        ] {
            assert_eq!(period(text).successor(), period(next));
            assert!(period(text) < period(next));
        }
        assert!(period("2024").contains(period("2024-Q4")));
        assert!(period("2024-H1").contains(period("2024-06-30")));
        assert!(!period("2024-H1").contains(period("2024-Q3")));
        assert!(period("2024") < period("2024-H1") && period("2024-H1") < period("2024-01"));
        assert_eq!(Period::containing(day("2024-08-09"), Span::Quarter), period("2024-Q3"));
    }

    #[test]
    fn numbers_sort_like_periods() {
        let periods = ["2024", "2024-H1", "2024-Q1", "2024-01", "2024-01-01", "2024-02", "2024-Q2", "2024-H2", "2025"];
        let numbers: Vec<i32> = periods.iter().map(|text| period(text).number()).collect();
        assert!(numbers.is_sorted());
        assert_eq!(numbers[0], 202401011);
        for (text, number) in periods.iter().zip(numbers) {
            assert_eq!(Period::from_number(number), Some(period(text)));
        }
        assert_eq!(Period::from_number(202402302), None);
        for text in ["2148-12", "9999"] {
            assert_eq!(Period::from_number(period(text).number()), Some(period(text)));
        }
        assert!(Period::numbers_of_year(2024).contains(&period("2024-12-31").number()));
        assert_eq!(Period::year_of_number(period("2024-Q3").number()), 2024);
        let within = Period::numbers(Some(period("2024-H2")), Some(period("2024")));
        assert!(within.contains(&period("2024-12").number()) && within.contains(&period("2024-H2").number()));
        assert!(!within.contains(&period("2024").number()) && !within.contains(&period("2025").number()));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "24",
            "2024-",
            "2024-13",
            "2024-00",
            "2024-H3",
            "2024-Q5",
            "2024-02-30",
            "2024-2",
            "2024-05-1",
            "+024",
            "2024-+5",
            "0000",
            "2024-h1",
            "2024-05-17T00",
            "tyve",
            "２０２４",
            "2024-05-017",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }
}
