//! CPR numbers, the Danish civil registration numbers: no text may contain what looks like one.

use chrono::NaiveDate;
use icu_normalizer::ComposingNormalizer;

/// Whether the text contains a CPR number: ten digits of a real date and a serial number, in any way people write them:
/// together, in groups, with dashes, spaces or full stops between.
pub fn is_in(text: &str) -> bool {
    // A shortcut: in a large file, hardly any text has that many digits.
    if text.chars().filter(|letter| letter.is_numeric()).count() < 10 {
        return false;
    }
    let normal = ComposingNormalizer::new_nfkc().normalize(text);
    let letters: Vec<char> = normal.chars().filter(|letter| !is_invisible(*letter)).collect();
    let begins = |place: usize| place == 0 || !letters[place - 1].is_ascii_digit();
    (0..letters.len()).any(|place| begins(place) && begins_number(&letters[place..]))
}

/// The text with `x` for each digit of those parts, between `separator`, that contain a CPR number.
pub fn crossed_out(text: String, separator: char) -> String {
    if !is_in(&text) {
        return text;
    }
    let cross =
        |part: &str| -> String { part.chars().map(|letter| if letter.is_numeric() { 'x' } else { letter }).collect() };
    let parts = text.split(separator).map(|part| if is_in(part) { cross(part) } else { part.to_owned() });
    let crossed = parts.collect::<Vec<_>>().join(&separator.to_string());
    // A number may also span several parts.
    if is_in(&crossed) { cross(&crossed) } else { crossed }
}

/// Whether `letters` begin with a real date, the year with or without its century, and four digits; with at most three
/// separators between the groups.
fn begins_number(letters: &[char]) -> bool {
    [2, 4].into_iter().any(|digits_of_year| {
        let mut rest = letters;
        let groups = [2, 2, digits_of_year, 4].map(|digits| group(&mut rest, digits));
        let [Some(day), Some(month), Some(year), Some(_)] = groups else { return false };
        // Without a century, a real date in either century counts: the serial number decides which.
        let centuries: &[i32] = if digits_of_year == 4 { &[0] } else { &[1900, 2000] };
        let is_date = |century: &i32| NaiveDate::from_ymd_opt(century + year as i32, month, day).is_some();
        !rest.first().is_some_and(char::is_ascii_digit) && centuries.iter().any(is_date)
    })
}

fn group(rest: &mut &[char], digits: usize) -> Option<u32> {
    let separators = rest.iter().take(3).take_while(|letter| is_separator(**letter)).count();
    let number = rest.get(separators..separators + digits)?;
    *rest = &rest[separators + digits..];
    number.iter().try_fold(0, |number, digit| Some(number * 10 + digit.to_digit(10)?))
}

/// Dashes, spaces and other characters that people write between digits.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '-' | '.' | ',' | ':' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Invisible hyphens and joiners.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_any_form() {
        for text in [
            "0101011234",
            "010101-1234",
            "010101 1234",
            "x0101011234y",
            "Nr. 311299-0000.",
            "290200-1234",
            "m-2902961234",
            "010101\u{2013}1234",
            "010101\u{2011}1234",
            "010101\u{a0}1234",
            "010101 -1234",
            "010101.1234",
            "01.01.01-1234",
            "01 01 01 1234",
            "010101 - 1234",
            "010101\u{ad}1234",
            "0101\u{200b}011234",
            "01.01.1901 1234",
            "010101:1234",
            "\u{ff10}\u{ff11}\u{ff10}\u{ff11}\u{ff10}\u{ff11}-\u{ff11}\u{ff12}\u{ff13}\u{ff14}",
        ] {
            assert!(is_in(text), "{text}");
        }
        for text in [
            "",
            "m-1042",
            "12345678",
            "00101011234",
            "01010112345",
            "320101-1234",
            "300299-1234",
            "0113011234",
            "2024-05-17",
            "+4512345678",
            "010101_1234",
            "20 12 34 56 og 20 12 34 57",
            "fra 2024-01-01 til 2025-12-31",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }

    #[test]
    fn numbers_are_crossed_out() {
        assert_eq!(crossed_out("names no 1 unit: '010101-1234'".into(), '\''), "names no 1 unit: 'xxxxxx-xxxx'");
        assert_eq!(crossed_out("/employees/17/010101-1234".into(), '/'), "/employees/17/xxxxxx-xxxx");
        assert_eq!(crossed_out("/01/01/01/1234".into(), '/'), "/xx/xx/xx/xxxx");
        assert_eq!(crossed_out("is before 2025-01-01".into(), '\''), "is before 2025-01-01");
    }
}
