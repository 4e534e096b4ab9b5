//! Text that people write: short and long, and the folded form that searches compare.

use std::fmt;
use std::str::FromStr;

use icu_casemap::CaseMapper;
use icu_normalizer::DecomposingNormalizer;
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::cpr;
use crate::problem::ValidationErrors;

macro_rules! text_type {
    ($(#[$meta:meta])* $name:ident, $length:literal, $expected:literal, $example:literal) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq, Serialize, Deserialize,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[serde(try_from = "String", into = "String")]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let fits = text.chars().count() <= $length && !text.contains('\0');
                if fits && !text.trim().is_empty() { Ok(Self(text.to_owned())) } else { Err($expected) }
            }
        }

        crate::sent_as_text!($name);

        crate::stored_as_text!($name);

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .min_length(Some(1))
                    .max_length(Some($length))
                    .pattern(Some(r"\S"))
                    .examples([$example])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

text_type! {
    /// A name, a title, a number: up to 300 characters, at least one of them visible.
    ShortText, 300, "is not 1 to 300 characters of text", "Trivsel og nærvær"
}

text_type! {
    /// Paragraphs: up to 20,000 characters, at least one of them visible; stored as they are, byte for byte.
    LongText, 20000, "is not 1 to 20000 characters of text",
    "Alle udvalg drøfter, hvad der giver et godt arbejdsmiljø hos dem."
}

/// Adds an error if a text contains what looks like a CPR number.
pub fn check_no_cpr(pointer: &str, text: &str, errors: &mut ValidationErrors) {
    if cpr::is_in(text) {
        errors.add(pointer, "looks like a CPR number, which has no place here: write something else");
    }
}

/// The text without case, accents and compatibility forms, for all of Unicode, so that a search
/// finds `Åben` under `aben` and `ÅBEN` on both engines alike. Letters that are no accented ones,
/// such as `ø` and `æ`, stay what they are.
pub fn fold(text: &str) -> String {
    let case = CaseMapper::new();
    let categories = CodePointMapData::<GeneralCategory>::new();
    // Case first: some capitals decompose into letters of another case.
    let folded = case.fold_string(text);
    let decomposed = DecomposingNormalizer::new_nfkd().normalize(&folded);
    let bare: String =
        decomposed.chars().filter(|letter| categories.get(*letter) != GeneralCategory::NonspacingMark).collect();
    case.fold_string(&bare).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The folded form of several fields, for one search column.
pub fn fold_all<'t>(texts: impl IntoIterator<Item = Option<&'t str>>) -> String {
    fold(&texts.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

/// The text of a search: at most 200 characters, so that the pattern stays below SQLite's limit even if folding
/// lengthens it.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct SearchText(String);

impl TryFrom<String> for SearchText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() <= 200 { Ok(Self(text)) } else { Err("write at most 200 characters") }
    }
}

impl utoipa::PartialSchema for SearchText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).max_length(Some(200)).into()
    }
}

impl utoipa::ToSchema for SearchText {}

impl SearchText {
    /// A `LIKE` pattern that finds the text anywhere in a folded column; `\` escapes.
    pub fn pattern(&self) -> String {
        let mut pattern = String::from("%");
        for letter in fold(&self.0).chars() {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push('%');
        pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_drops_case_and_accents() {
        for (text, folded) in [
            ("ÅBEN Arbejdsplads", "aben arbejdsplads"),
            ("Øst  og\nÆrø", "øst og ærø"),
            ("Café CAFÉ cafe\u{301}", "cafe cafe cafe"),
            ("Straße STRASSE", "strasse strasse"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
            ("ﬁne ½ ２", "fine 1⁄2 2"),
            ("İstanbul", "istanbul"),
        ] {
            assert_eq!(fold(text), folded);
            assert_eq!(fold(&fold(text)), fold(text));
        }
    }

    #[test]
    fn wildcards_are_escaped() {
        let text = SearchText::try_from("100 %_\\".to_owned()).unwrap();
        assert_eq!(text.pattern(), r"%100 \%\_\\%");
        assert!(SearchText::try_from("\u{fdfa}".repeat(200)).unwrap().pattern().len() < 50_000);
        assert!(SearchText::try_from("a".repeat(201)).is_err());
    }

    #[test]
    fn blank_text_is_refused() {
        assert!(" \n".parse::<ShortText>().is_err());
        assert!("a\0".parse::<ShortText>().is_err());
        assert!("æ".repeat(300).parse::<ShortText>().is_ok());
        assert!("æ".repeat(301).parse::<ShortText>().is_err());
    }
}
