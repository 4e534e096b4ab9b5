//! What a unit is, and the rules that need nothing but units.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::change::EntityKind;
use crate::db::types::{Reference, RegisterKey};
use crate::http::example::example;
use crate::problem::ValidationErrors;
use crate::register::{self, ManagedBy};
use crate::resource::{Body, Entity};
use crate::text::{ShortText, fold_all};

crate::text_enum! {
    /// What kind of unit it is.
    UnitKind {
        /// A centre (center).
        Centre = "centre",
        /// A department (afdeling).
        Department = "department",
        /// A workplace (arbejdsplads): a school, a care home.
        Workplace = "workplace",
        /// A part of the administration (forvaltning, stab).
        Administration = "administration",
        /// Anything else.
        Other = "other",
    }
}

/// A part of the organisation (enhed): a centre, a department, a workplace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("unit_body")))]
pub struct UnitBody {
    /// Chosen by the client, unique among the municipality's units; never changes.
    pub key: RegisterKey,
    /// The unit's name.
    pub name: ShortText,
    /// What kind of unit it is.
    pub kind: UnitKind,
    /// The unit that it is a part of; none at the top.
    #[serde(default)]
    pub parent: Option<Reference>,
    /// How many people work here, where HR gives the number.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub headcount: Option<i32>,
    /// First day, inclusive; none = since ever.
    #[serde(default)]
    pub starts_on: Option<NaiveDate>,
    /// Last day, inclusive; none = open-ended. Setting it ends the unit.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
    /// Who keeps the row up to date; `editor` unless said otherwise.
    #[serde(default)]
    #[schema(default = "editor")]
    pub managed_by: ManagedBy,
}

/// A unit as it is stored.
pub type Unit = Entity<UnitBody>;

impl Body for UnitBody {
    const ENTITY: EntityKind = EntityKind::Unit;
    const ANSWER: &'static str = "Unit";
    type Key = RegisterKey;

    fn key(&self) -> &RegisterKey {
        &self.key
    }

    fn last_day(&self) -> Option<NaiveDate> {
        self.ends_on
    }
}

crate::managed!(UnitBody);

impl UnitBody {
    /// The rules for one unit by itself.
    pub fn check(&self, pointer: &str, errors: &mut ValidationErrors) {
        register::check_days(self, pointer, errors);
    }

    /// What a search for units looks through.
    pub fn search_text(&self) -> String {
        fold_all([Some(self.name.as_str()), Some(self.key.as_str())])
    }
}
