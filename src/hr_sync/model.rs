//! What a sync's file holds, and what its answer tells.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::committee::membership::model::MembershipBody;
use crate::committee::model::CommitteeBody;
use crate::committee::proposal::model::Proposal;
use crate::db::types::RegisterKey;
use crate::http::example::example;
use crate::organisation::employee::model::EmployeeBody;
use crate::organisation::model::UnitBody;
use crate::problem::{Problem, Result, ValidationErrors};
use crate::resource::Body;

crate::text_enum! {
    /// What a file says of the rows that it doesn't name.
    SyncMode {
        /// Nothing: the file holds what changed.
        Delta = "delta",
        /// That they are gone: each section that the file has holds all that the HR system manages. What it no longer
        /// has ends.
        Snapshot = "snapshot",
    }
}

/// A file of the HR system. A section that is missing is left alone; it is never read as empty.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(example = json!(example!("hr_sync")))]
pub struct HrSync {
    /// Units.
    #[serde(default)]
    #[schema(max_items = 100_000)]
    pub units: Option<Vec<HrUnit>>,
    /// Employees.
    #[serde(default)]
    #[schema(max_items = 100_000)]
    pub employees: Option<Vec<HrEmployee>>,
    /// Committees.
    #[serde(default)]
    #[schema(max_items = 100_000)]
    pub committees: Option<Vec<HrCommittee>>,
    /// Memberships.
    #[serde(default)]
    #[schema(max_items = 100_000)]
    pub memberships: Option<Vec<HrMembership>>,
}

/// The field that a sync has no say in: what it brings is the HR system's.
const OWN: &str = "managed_by";

/// A row as the HR system sends it: a field that is absent stays as it is, null clears it.
#[derive(Debug, Clone)]
pub struct HrRow<B> {
    /// Which row.
    pub key: RegisterKey,
    /// Its fields, kept as compact JSON: a file has tens of thousands of rows.
    fields: Box<str>,
    body: PhantomData<B>,
}

/// A unit as the HR system sends it.
pub type HrUnit = HrRow<UnitBody>;
/// An employee as the HR system sends it.
pub type HrEmployee = HrRow<EmployeeBody>;
/// A committee as the HR system sends it.
pub type HrCommittee = HrRow<CommitteeBody>;
/// A membership as the HR system sends it.
pub type HrMembership = HrRow<MembershipBody>;

impl<'de, B> Deserialize<'de> for HrRow<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        use serde::de::Error;
        let fields = Map::deserialize(deserializer)?;
        let key = fields.get("key").and_then(Value::as_str).ok_or_else(|| D::Error::missing_field("key"))?;
        let key = key.parse().map_err(D::Error::custom)?;
        let fields = serde_json::to_string(&fields).map_err(D::Error::custom)?.into();
        Ok(Self { key, fields, body: PhantomData })
    }
}

/// A row's fields laid over what is stored.
pub struct Merged<B> {
    /// The row as it is wanted.
    pub body: B,
    /// Whether the file says anything of the last day.
    pub names_its_end: bool,
}

impl<B: Body + DeserializeOwned + ToSchema> HrRow<B> {
    /// Lays the row over what is stored, or over nothing. Notes which `required` fields a new row lacks.
    pub fn over(
        &self,
        stored: Option<&B>,
        required: &[String],
        pointer: &str,
        errors: &mut ValidationErrors,
    ) -> Result<Option<Merged<B>>> {
        let fields: Map<String, Value> = serde_json::from_str(&self.fields).map_err(Problem::internal)?;
        let names_its_end = fields.contains_key("ends_on");
        let mut wanted = match stored {
            Some(stored) => serde_json::to_value(stored).map_err(Problem::internal)?,
            None => Value::Object(Map::new()),
        };
        let Some(members) = wanted.as_object_mut() else { return Err(Problem::internal("a row is an object")) };
        for (name, value) in fields {
            match value {
                Value::Null => drop(members.shift_remove(&name)),
                value => drop(members.insert(name, value)),
            }
        }
        members.insert(OWN.into(), "hr".into());
        if stored.is_none() {
            let missing: Vec<&String> = required.iter().filter(|name| !members.contains_key(*name)).collect();
            for name in &missing {
                let detail =
                    format!("is missing: there is no {} '{}' yet, and a new one needs it", B::ENTITY, self.key);
                errors.add(format!("{pointer}/{name}"), detail);
            }
            if !missing.is_empty() {
                return Ok(None);
            }
        }
        match serde_path_to_error::deserialize(wanted) {
            Ok(body) => Ok(Some(Merged { body, names_its_end })),
            Err(error) => {
                let field = Some(error.path().to_string()).filter(|path| path != ".");
                let field = field.map(|field| format!("/{field}")).unwrap_or_default();
                errors.add(format!("{pointer}{field}"), error.into_inner().to_string());
                Ok(None)
            }
        }
    }
}

/// The fields of a body that have no default: a row that is new can't do without them.
pub fn required<B: ToSchema>() -> Vec<String> {
    match B::schema() {
        RefOr::T(Schema::Object(object)) => object.required,
        _ => Vec::new(),
    }
}

impl<B: Body + ToSchema> PartialSchema for HrRow<B> {
    /// The body's own schema, but that nothing is required except the key, that what has a default can be
    /// cleared, and that who manages the row is no question.
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut object)) = B::schema() else { return B::schema() };
        let required = std::mem::replace(&mut object.required, vec!["key".into()]);
        object.properties.shift_remove(OWN);
        object.description = Some("A row as the HR system sends it: what is absent stays, null clears.".into());
        if let Some(Value::Object(example)) = &mut object.example {
            example.shift_remove(OWN);
        }
        for (name, property) in &mut object.properties {
            if !required.contains(name) {
                clearable(property);
            }
        }
        RefOr::T(Schema::Object(object))
    }
}

impl<B: Body + ToSchema> ToSchema for HrRow<B> {
    fn name() -> Cow<'static, str> {
        format!("Hr{}", B::ANSWER).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        B::schemas(schemas);
    }
}

/// Lets null stand, and takes the default away, since absent means "as it is".
fn clearable(property: &mut RefOr<Schema>) {
    let or_null = |schema_type: &mut SchemaType| {
        if let SchemaType::Type(word) = schema_type {
            *schema_type = SchemaType::from_iter([word.clone(), Type::Null]);
        }
    };
    match property {
        RefOr::T(Schema::Object(Object { schema_type, default, .. })) => {
            or_null(schema_type);
            *default = None;
        }
        RefOr::T(Schema::Array(array)) => {
            or_null(&mut array.schema_type);
            array.default = None;
        }
        _ => {}
    }
}

/// What a sync came to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("sync_answer")))]
pub struct SyncAnswer {
    /// How the file was read.
    pub mode: SyncMode,
    /// Whether this was a rehearsal: then nothing of it is stored.
    #[schema(example = false)]
    pub dry_run: bool,
    /// What came of the units; null where the file has no such section.
    pub units: Option<SectionAnswer>,
    /// What came of the employees.
    pub employees: Option<SectionAnswer>,
    /// What came of the committees.
    pub committees: Option<SectionAnswer>,
    /// What came of the memberships.
    pub memberships: Option<SectionAnswer>,
    /// What somebody should now decide about committees.
    pub proposals: Vec<Proposal>,
}

/// What came of a section, row by row, in the order of their keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct SectionAnswer {
    /// How many rows there are of each kind.
    pub counts: SectionCounts,
    /// Keys of rows that are new.
    #[schema(example = json!(["m-2042"]))]
    pub created: Vec<RegisterKey>,
    /// Rows of which a field changed.
    pub updated: Vec<ChangedRow>,
    /// Rows that were given a last day, or an earlier one: by the file, or because a snapshot no longer has them.
    #[schema(example = json!([{"key": "m-1017", "fields": ["ends_on"]}]))]
    pub ended: Vec<ChangedRow>,
    /// Rows that had ended and exist again.
    #[schema(example = json!([]))]
    pub reopened: Vec<ChangedRow>,
    /// Keys of rows that already were as the file has them.
    #[schema(example = json!(["m-1001"]))]
    pub unchanged: Vec<RegisterKey>,
    /// Keys of rows in the file that an editor manages, and that were left alone.
    #[schema(example = json!([]))]
    pub skipped: Vec<RegisterKey>,
}

/// A row that changed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!(example!("changed_row")))]
pub struct ChangedRow {
    /// Its key.
    pub key: RegisterKey,
    /// The fields that changed.
    pub fields: Vec<String>,
}

/// How many rows of a section there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!(example!("section_counts")))]
pub struct SectionCounts {
    /// New ones.
    pub created: usize,
    /// Those of which a field changed.
    pub updated: usize,
    /// Those that were given a last day, or an earlier one.
    pub ended: usize,
    /// Those that had ended and exist again.
    pub reopened: usize,
    /// Those that already were as the file has them.
    pub unchanged: usize,
    /// Those that an editor manages.
    pub skipped: usize,
}
