//! What a municipality is.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::committee::membership::model::MemberRole;
use crate::db::change::EntityKind;
use crate::db::types::Key;
use crate::http::example::example;
use crate::resource::{Body, Entity};
use crate::text::ShortText;

/// A municipality (kommune).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("municipality_body")))]
pub struct MunicipalityBody {
    /// Chosen when the municipality is created; never changes. Tokens name the municipality by it.
    pub key: Key,
    /// The national three-digit code (kommunekode).
    #[schema(value_type = String, pattern = "^[0-9]{3}$")]
    pub code: MunicipalityCode,
    /// The municipality's name.
    pub name: ShortText,
    /// How much of a register one HR sync may end without being told to.
    #[serde(default)]
    pub sync_guard: SyncGuard,
    /// What somebody has to be in a committee to report for it; whoever may edit reports for any.
    #[serde(default = "usual_reporting_roles")]
    #[schema(default = json!(["chair", "deputy_chair", "secretary"]), max_items = 5)]
    pub reporting_roles: Vec<MemberRole>,
    /// Where an indicator hides small groups, no value about fewer people than this is shown, whatever the indicator
    /// says.
    #[serde(default = "usual_min_group")]
    #[schema(minimum = 1, maximum = 1_000_000, default = 3)]
    pub min_group: i32,
}

/// The smallest group that a municipality shows that doesn't say otherwise.
pub fn usual_min_group() -> i32 {
    3
}

/// The reporting roles of a municipality that doesn't say otherwise.
pub fn usual_reporting_roles() -> Vec<MemberRole> {
    vec![MemberRole::Chair, MemberRole::DeputyChair, MemberRole::Secretary]
}

/// An HR sync is refused where it would end more than this share, and more than this number, of the rows that are
/// active in one of its sections: a bad night's file is no reason to close half of the committees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"percent": 10, "rows": 5}))]
pub struct SyncGuard {
    /// Percent of the active rows of a section.
    #[serde(default = "SyncGuard::usual_percent")]
    #[schema(minimum = 0, maximum = 100, default = 10)]
    pub percent: i32,
    /// Rows of a section.
    #[serde(default = "SyncGuard::usual_rows")]
    #[schema(minimum = 0, maximum = 1_000_000, default = 5)]
    pub rows: i32,
}

impl SyncGuard {
    fn usual_percent() -> i32 {
        10
    }

    fn usual_rows() -> i32 {
        5
    }
}

impl Default for SyncGuard {
    fn default() -> Self {
        Self { percent: Self::usual_percent(), rows: Self::usual_rows() }
    }
}

/// A municipality as it is stored.
pub type Municipality = Entity<MunicipalityBody>;

impl Body for MunicipalityBody {
    const ENTITY: EntityKind = EntityKind::Municipality;
    const ANSWER: &'static str = "Municipality";
    type Key = Key;

    fn key(&self) -> &Key {
        &self.key
    }
}

/// A national municipality code: three digits.
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
pub struct MunicipalityCode(String);

impl std::fmt::Display for MunicipalityCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MunicipalityCode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Ok(Self(text.to_owned())),
            false => Err("is not a municipality code: write its three digits, such as \"165\""),
        }
    }
}

crate::sent_as_text!(MunicipalityCode);

crate::stored_as_text!(MunicipalityCode);
