//! The ids of rows.

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use super::string_schema;

/// The id of a row: a UUIDv7 (RFC 9562), so that ids grow with time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Text)]
pub struct Id(Uuid);

impl Id {
    /// A new id, greater than those made before.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for Id {
    type Err = ();

    /// Takes the hyphenated form alone, in either case.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text.len() {
            36 => Uuid::try_parse(text).map(Self).map_err(|_| ()),
            _ => Err(()),
        }
    }
}

crate::stored_as_text!(Id);

impl utoipa::PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        string_schema("uuid", "A UUIDv7 given by the service.")
            .examples(["0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01"])
            .into()
    }
}

impl utoipa::ToSchema for Id {}
