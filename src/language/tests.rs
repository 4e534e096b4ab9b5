//! Texts, numbers and days in every language.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

fn danish() -> Language {
    Language::default()
}

fn english() -> Language {
    Language::from_tag("en").unwrap()
}

/// The messages of a language and the variables that each uses.
fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/locales").join(language.tag());
    let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let mut current = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) = line.split_once(" =").filter(|_| line.starts_with(char::is_alphabetic)) {
                assert!(messages.insert(name.to_owned(), BTreeSet::new()).is_none(), "{name} twice");
                current = name.to_owned();
            }
            let variables = line.split('$').skip(1);
            let variable = |rest: &str| {
                rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().map(str::to_owned)
            };
            messages.entry(current.clone()).or_default().extend(variables.filter_map(variable));
        }
    }
    messages.retain(|name, _| !name.is_empty());
    messages
}

#[test]
fn every_language_has_the_same_messages() {
    let expected = messages(danish());
    assert!(expected.len() > 50, "{}", expected.len());
    for language in Language::all() {
        let names = |messages: &BTreeMap<String, BTreeSet<String>>| messages.keys().cloned().collect::<Vec<_>>();
        let found = messages(language);
        assert_eq!(names(&found), names(&expected), "{language:?}");
        for (name, variables) in found {
            // A language may need a number for its plural where another doesn't, but nothing that isn't filled in.
            let allowed = &expected[&name] | &BTreeSet::from(["number".to_owned()]);
            assert!(variables.is_subset(&allowed), "{name} of {language:?}: {variables:?}");
        }
    }
}

#[test]
fn the_default_language_is_danish() {
    assert_eq!(Language::all().map(Language::tag).collect::<Vec<_>>(), ["da", "en"]);
    assert_eq!(Language::default().tag(), "da");
    assert_eq!(Language::from_tag("de"), None);
}

#[test]
fn numbers_are_written_as_the_language_has_it() {
    let (danish, english) = (danish(), english());
    assert_eq!(danish.number(3.5, None), "3,5");
    assert_eq!(danish.number(0.1 + 0.2, None), "0,3");
    assert_eq!(danish.number(12345.0, None), "12.345");
    assert_eq!(english.number(1234.5, Some(1)), "1234.5");
    assert_eq!(english.number(-0.04, Some(1)), "0.0");
    assert_eq!(english.number(-12345678.25, Some(2)), "-12,345,678.25");
    assert_eq!(danish.number(-3.0, Some(1)), "-3,0");
    assert_eq!(danish.number(71.0, Some(1)), "71,0");
    assert_eq!(danish.number(100.0, None), "100");
    assert_eq!(danish.number(-1e15, Some(6)), "-1.000.000.000.000.000,000000");
}

#[test]
fn large_counts_are_grouped_as_the_language_has_it() {
    let written = |count| (danish().count(count), english().count(count));
    assert_eq!(written(0), ("0".into(), "0".into()));
    assert_eq!(written(9_999), ("9999".into(), "9999".into()));
    assert_eq!(written(10_000), ("10.000".into(), "10,000".into()));
    assert_eq!(written(1_234_567), ("1.234.567".into(), "1,234,567".into()));
    assert_eq!(english().count(u64::MAX), "18,446,744,073,709,551,615");
}

#[test]
fn days_are_written_with_the_month_in_words() {
    let day = "2026-05-07".parse().unwrap();
    assert_eq!(danish().day(day), "7. maj 2026");
    assert_eq!(english().day(day), "7 May 2026");
}
