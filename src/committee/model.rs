//! What a committee is, and the rules that need nothing but committees.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::change::ChangedFields;
use crate::db::change::EntityKind;
use crate::db::types::{Reference, RegisterKey};
use crate::http::example::example;
use crate::problem::ValidationErrors;
use crate::register::{self, ManagedBy};
use crate::resource::{Body, Entity};
use crate::text::{LongText, ShortText, fold_all};

crate::text_enum! {
    /// In which form a body meets.
    CommitteeForm {
        /// A MED committee (MED-udvalg).
        Committee = "committee",
        /// A staff meeting with MED status (personalemøde), at small workplaces.
        StaffMeeting = "staff_meeting",
        /// A work group with a mandate (arbejdsgruppe med kommissorium); it has no level.
        WorkGroup = "work_group",
    }
}

/// A MED committee (MED-udvalg), staff meeting or work group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("committee_body")))]
pub struct CommitteeBody {
    /// Chosen by the client, unique among the municipality's committees; never changes.
    pub key: RegisterKey,
    /// The committee's name.
    pub name: ShortText,
    /// Its level; none for work groups, and only for them.
    #[serde(default)]
    pub level: Option<Reference>,
    /// The committee above it; none at the top.
    #[serde(default)]
    pub parent: Option<Reference>,
    /// In which form it meets.
    pub form: CommitteeForm,
    /// What a work group is to do (kommissorium).
    #[serde(default)]
    pub mandate: Option<LongText>,
    /// The units that it covers; an area committee may cross centres.
    #[serde(default)]
    #[schema(max_items = 2000)]
    pub units: Vec<Reference>,
    /// First day, inclusive; none = since ever.
    #[serde(default)]
    pub starts_on: Option<NaiveDate>,
    /// Last day, inclusive; none = open-ended. Setting it ends the committee.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
    /// Who keeps the row up to date; `editor` unless said otherwise.
    #[serde(default)]
    #[schema(default = "editor")]
    pub managed_by: ManagedBy,
}

/// The word that stands for the whole tree in the place of a committee's key.
pub const RESERVED_KEY: &str = "tree";

/// A committee as it is stored.
pub type Committee = Entity<CommitteeBody>;

impl Body for CommitteeBody {
    const ENTITY: EntityKind = EntityKind::Committee;
    const ANSWER: &'static str = "Committee";
    type Key = RegisterKey;

    fn key(&self) -> &RegisterKey {
        &self.key
    }

    fn last_day(&self) -> Option<NaiveDate> {
        self.ends_on
    }

    fn changed_fields(&self, before: &Self) -> ChangedFields {
        ChangedFields {
            dates: (self.starts_on, self.ends_on) != (before.starts_on, before.ends_on),
            level: self.level != before.level,
            ..ChangedFields::default()
        }
    }
}

crate::managed!(CommitteeBody);

impl CommitteeBody {
    /// The rules for one committee by itself.
    pub fn check(&self, pointer: &str, errors: &mut ValidationErrors) {
        register::check_days(self, pointer, errors);
        if self.key.as_str() == RESERVED_KEY {
            errors.add(format!("{pointer}/key"), format!("'{RESERVED_KEY}' is a path of its own: choose another key"));
        }
        match (self.form, &self.level) {
            (CommitteeForm::WorkGroup, Some(_)) => {
                errors
                    .add(format!("{pointer}/level"), "a work group has no level: leave it out, or choose another form");
            }
            (CommitteeForm::Committee | CommitteeForm::StaffMeeting, None) => {
                errors.add(format!("{pointer}/level"), "is missing: name the level that the committee belongs to");
            }
            _ => {}
        }
    }

    /// What a search for committees looks through.
    pub fn search_text(&self) -> String {
        fold_all([Some(self.name.as_str()), Some(self.key.as_str())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_groups_have_no_level() {
        let faults_of = |form: &str, level: Option<&str>| {
            let body = serde_json::json!({"key": "a", "name": "A", "form": form, "level": level});
            let mut errors = ValidationErrors::default();
            serde_json::from_value::<CommitteeBody>(body).unwrap().check("", &mut errors);
            errors.count()
        };
        assert_eq!(faults_of("committee", Some("lokal")), 0);
        assert_eq!(faults_of("staff_meeting", None), 1);
        assert_eq!(faults_of("work_group", None), 0);
        assert_eq!(faults_of("work_group", Some("lokal")), 1);
    }
}
