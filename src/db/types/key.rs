//! The keys by which people and other systems name rows.

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use super::string_schema;

/// The longest key, in characters.
pub const KEY_LENGTH: usize = 100;

macro_rules! key_type {
    (
        $(#[$meta:meta])*
        $name:ident, $format:literal, $pattern:literal, $example:literal, $extra:pat, $expected:literal
    ) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow,
        )]
        #[serde(try_from = "String", into = "String")]
        #[diesel(sql_type = Text)]
        pub struct $name(String);

        impl $name {
            /// How a key has to look, as an error says it.
            pub const EXPECTED: &'static str = $expected;

            /// The key as text.
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
                let allowed = |byte: u8| {
                    matches!(byte, b'a'..=b'z' | b'0'..=b'9') || matches!(byte, $extra)
                };
                let mut bytes = text.bytes();
                let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric() && allowed(byte));
                let fits = starts_well && bytes.all(|byte| byte == b'-' || allowed(byte)) && text.len() <= KEY_LENGTH;
                if fits && Uuid::try_parse(text).is_err() { Ok(Self(text.to_owned())) } else { Err(Self::EXPECTED) }
            }
        }

        crate::sent_as_text!($name);

        crate::stored_as_text!($name);

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                string_schema($format, $expected)
                    .examples([$example])
                    .pattern(Some($pattern))
                    .max_length(Some(KEY_LENGTH))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

key_type! {
    /// A slug that the client chooses: `[a-z0-9][a-z0-9-]*`, never shaped like a UUID, never changed.
    Key, "key", "^[a-z0-9][a-z0-9-]*$", "plan-2025-2028", b'-',
    "A key: small letters a to z, digits and hyphens, the first a letter or digit, at most 100, not shaped like a UUID."
}

key_type! {
    /// The key of what an HR system may own: also capitals, full stops and underscores.
    RegisterKey, "register-key", "^[A-Za-z0-9][A-Za-z0-9._-]*$", "skole-ved-aaen", b'A'..=b'Z' | b'.' | b'_',
    "A key: letters a to z, digits, hyphens, full stops and underscores, the first a letter or digit, at most 100, not shaped like a UUID."
}

impl From<Key> for RegisterKey {
    fn from(key: Key) -> Self {
        Self(key.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_slugs_that_no_uuid_can_be_mistaken_for() {
        for good in ["a", "0", "plan-2025", "a--b", "0193a5b0"] {
            assert!(good.parse::<Key>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "A",
            "a b",
            "å",
            "a_b",
            "a.b",
            "a/b",
            "a\0",
            "0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01",
            "0193a5b06c1e7d3a9f5e2b8c4d6e8f01",
        ] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
        assert!("a".repeat(KEY_LENGTH).parse::<Key>().is_ok());
        assert!("a".repeat(KEY_LENGTH + 1).parse::<Key>().is_err());
        assert!("OS2.skole_7".parse::<RegisterKey>().is_ok());
        assert!(".a".parse::<RegisterKey>().is_err());
        assert!("0193A5B0-6C1E-7D3A-9F5E-2B8C4D6E8F01".parse::<RegisterKey>().is_err());
    }
}
