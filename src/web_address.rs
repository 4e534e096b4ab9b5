//! Web addresses that rows link to, such as minutes and definitions.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// An https address without a user name, up to 2,000 characters.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[serde(try_from = "String", into = "String")]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct WebAddress(String);

const URL_LENGTH: usize = 2_000;

impl FromStr for WebAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = url::Url::parse(text).ok().filter(|_| text.starts_with("https://") && text.len() <= URL_LENGTH);
        // Everybody could read a password in an address.
        let is_open = |url: &url::Url| url.username().is_empty() && url.password().is_none() && url.host().is_some();
        let is_plain = !text.contains(|letter: char| letter.is_whitespace() || letter.is_control());
        match parsed.is_some_and(|url| is_open(&url)) && is_plain {
            true => Ok(Self(text.to_owned())),
            false => Err("is not a web address: write one that begins with https://, of at most 2000 characters"),
        }
    }
}

impl std::fmt::Display for WebAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

crate::sent_as_text!(WebAddress);

crate::stored_as_text!(WebAddress);

impl utoipa::PartialSchema for WebAddress {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("An https address without a user name; letters such as ø may stand in it."))
            .pattern(Some("^https://"))
            .max_length(Some(URL_LENGTH))
            .examples(["https://intranet.noerrelund.example/referater/2026-11"])
            .into()
    }
}

impl ToSchema for WebAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_without_credentials_is_accepted() {
        for good in ["https://a.dk", "https://a.dk/b?c=d#e"] {
            assert!(good.parse::<WebAddress>().is_ok(), "{good}");
        }
        for bad in ["http://a.dk", "https://", "https://u:p@a.dk", "javascript:alert(1)", "https://a b", "HTTPS//", ""]
        {
            assert!(bad.parse::<WebAddress>().is_err(), "{bad}");
        }
    }
}
