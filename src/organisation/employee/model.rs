//! What an employee is, and what must never be written about one.

use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::change::EntityKind;
use crate::db::types::{Reference, RegisterKey};
use crate::http::example::example;
use crate::problem::{Kind, Problem, Result, ValidationErrors};
use crate::register::{self, Managed as _, ManagedBy};
use crate::resource::{Body, Entity};
use crate::text::{ShortText, check_no_cpr};

/// Somebody who works for the municipality (ansat).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!(example!("employee_body")))]
pub struct EmployeeBody {
    /// The HR system's id of the employee, unique in the municipality; never changes, never a CPR number.
    pub key: RegisterKey,
    /// The employee's name.
    pub name: ShortText,
    /// The e-mail address at work.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 254, pattern = "^[^@\\s]+@[^@\\s]+$")]
    pub email: Option<Email>,
    /// The title at work.
    #[serde(default)]
    pub title: Option<ShortText>,
    /// The unit where the employee works.
    #[serde(default)]
    pub unit: Option<Reference>,
    /// Whether the employee leads people.
    #[serde(default)]
    pub has_personnel_responsibility: bool,
    /// First day, inclusive; none = since ever.
    #[serde(default)]
    pub starts_on: Option<NaiveDate>,
    /// Last day, inclusive; none = open-ended. Setting it ends the employment.
    #[serde(default)]
    pub ends_on: Option<NaiveDate>,
    /// Whether the name is hidden from all but the HR system (navne- og adressebeskyttelse).
    #[serde(default)]
    pub name_protected: bool,
    /// Who keeps the row up to date; `editor` unless said otherwise.
    #[serde(default)]
    #[schema(default = "editor")]
    pub managed_by: ManagedBy,
}

/// An employee as stored.
pub type Employee = Entity<EmployeeBody>;

impl Body for EmployeeBody {
    const ENTITY: EntityKind = EntityKind::Employee;
    const ANSWER: &'static str = "Employee";
    const REDACTED: &'static [(&'static str, Option<&'static str>)] =
        &[("name", Some(ANONYMISED)), ("email", None), ("title", None)];
    type Key = RegisterKey;

    fn key(&self) -> &RegisterKey {
        &self.key
    }

    fn last_day(&self) -> Option<NaiveDate> {
        self.ends_on
    }
}

crate::managed!(EmployeeBody);

/// What stands in the place of a name that was taken out.
pub const ANONYMISED: &str = "(anonymiseret)";

impl EmployeeBody {
    /// The fields that are for `med.hr` alone: all but who keeps the row.
    pub const PERSONAL_FIELDS: &'static [&'static str] = &[
        "key",
        "name",
        "email",
        "title",
        "unit",
        "has_personnel_responsibility",
        "starts_on",
        "ends_on",
        "name_protected",
    ];

    /// Who works here still can't be forgotten.
    pub fn check_has_left(&self, today: NaiveDate) -> Result<()> {
        if self.date_range().is_over(today) {
            return Ok(());
        }
        let detail = "Somebody who works here is not anonymised: set ends_on, and wait until that day has passed.";
        Err(Problem::new(Kind::StillEmployed, detail))
    }

    /// Whether name, e-mail address and title were taken out.
    pub fn is_anonymised(&self) -> bool {
        self.name.as_str() == ANONYMISED
    }

    /// The rules for one employee.
    pub fn check(&self, pointer: &str, errors: &mut ValidationErrors) {
        register::check_days(self, pointer, errors);
        check_no_cpr(&format!("{pointer}/key"), self.key.as_str(), errors);
        check_no_cpr(&format!("{pointer}/name"), self.name.as_str(), errors);
        for (field, text) in
            [("email", self.email.as_ref().map(Email::as_str)), ("title", self.title.as_ref().map(ShortText::as_str))]
        {
            check_no_cpr(&format!("{pointer}/{field}"), text.unwrap_or_default(), errors);
        }
    }
}

/// An e-mail address: something, `@`, something, without spaces.
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
pub struct Email(String);

impl Email {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let is_whole =
            |part: &str| !part.is_empty() && !part.contains(['@', '\0']) && !part.contains(char::is_whitespace);
        match text.split_once('@') {
            Some((local, domain)) if is_whole(local) && is_whole(domain) && text.len() <= 254 => {
                Ok(Self(text.to_owned()))
            }
            _ => Err("is not an e-mail address"),
        }
    }
}

crate::sent_as_text!(Email);

crate::stored_as_text!(Email);
