//! Numbers of indicators: which ones are taken, and how they are written for people.

use serde::Serializer;

use crate::http::language::Language;

/// What a number that isn't taken is answered with.
pub const EXPECTED: &str = "is not a number between -1e15 and 1e15";

/// Whether a number can be stored: finite, and of a size at which every engine and client counts alike.
pub fn is_storable(number: f64) -> bool {
    number.is_finite() && number.abs() <= 1e15
}

/// Writes a number for JSON as it came: 100 rather than 100.0, which other readers take for the same.
pub fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // Every whole number below 1e15 is an f64 of its own.
    match number.fract() == 0.0 && number.abs() <= 1e15 {
        true => serializer.serialize_i64(*number as i64),
        false => serializer.serialize_f64(*number),
    }
}

/// A number as JSON, written as it came.
pub fn json(number: f64) -> serde_json::Value {
    serialize(&number, serde_json::value::Serializer).unwrap_or_default()
}

/// [`serialize`], for numbers that may be missing.
pub mod optional {
    use serde::Serializer;

    /// Writes a number as it came, or null.
    pub fn serialize<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match number {
            Some(number) => super::serialize(number, serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// The number as people of a language write it: at most so many decimals, or as many as it takes.
pub fn written(number: f64, decimals: Option<i32>, language: Language) -> String {
    let decimals = decimals.and_then(|decimals| usize::try_from(decimals).ok());
    // Six decimals are more than anybody measures; beyond are the rounding errors of sums.
    let exact = format!("{number:.6}");
    let exact = exact.trim_end_matches('0').trim_end_matches('.');
    let text = decimals.map_or_else(|| exact.to_owned(), |decimals| format!("{number:.decimals$}"));
    let text = if text.trim_start_matches('-').chars().all(|letter| matches!(letter, '0' | '.')) {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    };
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let (thousands, point) = language.pick((".", ","), (",", "."));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n) % 3 == 0 && whole.len() > 4 {
            grouped.push_str(thousands);
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{sign}{grouped}{point}{fraction}"),
        None => format!("{sign}{grouped}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let (danish, english) = (Language::Danish, Language::English);
        assert_eq!(written(3.5, None, danish), "3,5");
        assert_eq!(written(0.1 + 0.2, None, danish), "0,3");
        assert_eq!(written(12345.0, None, danish), "12.345");
        assert_eq!(written(1234.5, Some(1), english), "1234.5");
        assert_eq!(written(-0.04, Some(1), english), "0.0");
        assert_eq!(written(-12345678.25, Some(2), english), "-12,345,678.25");
        assert_eq!(written(71.0, Some(1), danish), "71,0");
        assert_eq!(written(100.0, None, danish), "100");
    }

    #[test]
    fn what_no_engine_counts_with_is_refused() {
        for wrong in [f64::NAN, f64::INFINITY, -1.1e15] {
            assert!(!is_storable(wrong));
        }
        assert!(is_storable(0.0) && is_storable(-1e15));
    }
}
