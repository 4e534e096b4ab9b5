//! The languages that the service itself writes in: sentences, labels, numbers and days.
//!
//! The texts are Fluent messages in `src/locales/<tag>/*.ftl`. A folder is a language: another one needs no code.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate};
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader};
use icu_decimal::input::Decimal;
use icu_decimal::options::{DecimalFormatterOptions, GroupingStrategy};
use icu_decimal::{DecimalFormatter, DecimalFormatterPreferences};
use icu_locale_core::Locale;

/// The language of an answer when the client accepts none of those there are.
const DEFAULT: &str = "da";

fluent_templates::static_loader! {
    static MESSAGES = {
        locales: "src/locales",
        fallback_language: "da",
        // No invisible marks around what is put into a sentence: all texts run from the left to the right.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// All languages, the default first.
static LANGUAGES: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let mut languages: Vec<Definition> = MESSAGES.locales().filter_map(Definition::new).collect();
    languages.sort_by_key(|language| (language.tag != DEFAULT, language.tag.clone()));
    languages
});

/// What is known of a language.
struct Definition {
    tag: String,
    messages: &'static LanguageIdentifier,
    numbers: DecimalFormatter,
}

impl Definition {
    fn new(messages: &'static LanguageIdentifier) -> Option<Self> {
        let tag = messages.to_string();
        let locale: Locale = tag.parse().ok()?;
        // Groups of digits only in numbers of five digits and more: 9876, but 12.345.
        let options = DecimalFormatterOptions::from(GroupingStrategy::Min2);
        let numbers = DecimalFormatter::try_new(DecimalFormatterPreferences::from(&locale), options).ok()?;
        Some(Self { tag, messages, numbers })
    }
}

/// A language that answers are written in; Danish is the default.
#[derive(Clone, Copy)]
pub struct Language(&'static Definition);

impl Language {
    /// All languages there are, the default first.
    pub fn all() -> impl Iterator<Item = Self> {
        LANGUAGES.iter().map(Self)
    }

    /// The language of a tag (RFC 5646) such as `da`, if it is one of those there are.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::all().find(|language| language.tag() == tag)
    }

    /// Its tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        &self.0.tag
    }

    /// The text of a message without variables.
    pub fn text(self, message: &str) -> String {
        self.format(message, &[])
    }

    /// The text of a message with its variables filled in. A message that the language lacks is taken from the default
    /// language.
    pub fn format(self, message: &str, variables: &[(&str, FluentValue<'_>)]) -> String {
        let variables: HashMap<&str, FluentValue<'_>> = variables.iter().cloned().collect();
        [self.0.messages, MESSAGES.fallback()]
            .into_iter()
            .find_map(|language| MESSAGES.lookup_single_language(language, message, Some(&variables)).ok())
            .unwrap_or_else(|| message.to_owned())
    }

    /// A count: `9876`, `12.345` in Danish, `12,345` in English.
    pub fn count(self, count: u64) -> String {
        self.0.numbers.format(&Decimal::from(count)).to_string()
    }

    /// A measured number with so many decimals, or with as many as it takes.
    pub fn number(self, number: f64, decimals: Option<i32>) -> String {
        let text = match decimals.and_then(|decimals| usize::try_from(decimals).ok()) {
            Some(decimals) => format!("{number:.decimals$}"),
            // Six decimals are more than anybody measures; beyond are the rounding errors of sums.
            None => format!("{number:.6}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        };
        let is_zero = !text.contains(|letter: char| matches!(letter, '1'..='9'));
        let text = if is_zero { text.trim_start_matches('-') } else { &text };
        match text.parse::<Decimal>() {
            Ok(decimal) => self.0.numbers.format(&decimal).to_string(),
            // Not a finite number.
            Err(_) => text.to_owned(),
        }
    }

    /// A day: `22. november 2026`, `22 November 2026`.
    pub fn day(self, day: NaiveDate) -> String {
        let variables =
            [("day", day.day().into()), ("month", day.month().into()), ("year", day.year().to_string().into())];
        self.format("day", &variables)
    }
}

impl Default for Language {
    fn default() -> Self {
        // There is a folder of the default language, or the loader above would not compile.
        #[allow(clippy::indexing_slicing)]
        Self(&LANGUAGES[0])
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.tag() == other.tag()
    }
}

impl Eq for Language {}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Language({})", self.tag())
    }
}

#[cfg(test)]
mod tests;
