//! CPR numbers, the Danish civil registration numbers: what looks like one has no place here.

use chrono::NaiveDate;
use icu_normalizer::ComposingNormalizer;

/// Whether ten digits of a real date and a serial number stand in the text by themselves, in whichever way people
/// write them: in one, in groups, with dashes, spaces or full stops between.
pub fn is_in(text: &str) -> bool {
    // The check is for every text of a large file, of which hardly one has as many digits.
    if text.chars().filter(|letter| letter.is_numeric()).count() < 10 {
        return false;
    }
    let letters: Vec<char> = ComposingNormalizer::new_nfkc().normalize(text).chars().collect();
    let begins = |place: usize| place == 0 || !letters[place - 1].is_ascii_digit();
    (0..letters.len()).any(|place| begins(place) && begins_number(&letters[place..]))
}

/// The same text with crosses for its digits, where there is a CPR number among them.
pub fn crossed_out(text: String) -> String {
    match is_in(&text) {
        true => text.chars().map(|letter| if letter.is_numeric() { 'x' } else { letter }).collect(),
        false => text,
    }
}

/// Two digits each of day, month and year, then four in one; at most two separators between any of them.
fn begins_number(letters: &[char]) -> bool {
    let mut rest = letters;
    let mut group = |digits: usize| -> Option<u32> {
        let separators = rest.iter().take(2).take_while(|letter| is_separator(**letter)).count();
        let begin = if digits == 2 && rest.len() == letters.len() { 0 } else { separators };
        let number = rest.get(begin..begin + digits)?;
        rest = &rest[begin + digits..];
        number.iter().try_fold(0, |number, digit| Some(number * 10 + digit.to_digit(10)?))
    };
    let (Some(day), Some(month), Some(year), Some(_)) = (group(2), group(2), group(2), group(4)) else { return false };
    // The century is in the serial number; a real date in either will do.
    let is_date = |century: i32| NaiveDate::from_ymd_opt(century + year as i32, month, day).is_some();
    !rest.first().is_some_and(char::is_ascii_digit) && (is_date(1900) || is_date(2000))
}

/// Dashes of any length, spaces of any width, full stops and strokes.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '-' | '.' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_seen_in_any_text() {
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
    fn what_is_told_of_them_has_no_digits() {
        assert_eq!(crossed_out("names no unit: '010101-1234'".into()), "names no unit: 'xxxxxx-xxxx'");
        assert_eq!(crossed_out("is before 2025-01-01".into()), "is before 2025-01-01");
    }
}
