//! Rows: what clients write, what the service adds, and the outcome of storing them.

use std::hash::Hash;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::db::change::{ChangedFields, EntityKind, Operation};
use crate::db::change_log::Change;
use crate::db::types::{Id, Reference, Timestamp};

/// The fields that a client writes, of a row that can be addressed.
pub trait Body: Clone + PartialEq + Serialize {
    /// What the change log calls such a row.
    const ENTITY: EntityKind;
    /// What the contract calls the answer that holds it.
    const ANSWER: &'static str;
    /// What stands in the place of personal data that is taken out of the change log: fields, and what becomes
    /// of them.
    const REDACTED: &'static [(&'static str, Option<&'static str>)] = &[];
    /// An example of its path, where it is a part of a strategy.
    const PATH_EXAMPLE: Option<&'static str> = None;
    /// The type of its key.
    type Key: Clone + Eq + Hash + std::fmt::Display;

    /// The key, unique among its siblings.
    fn key(&self) -> &Self::Key;

    /// The day on which the row itself ends, where it has one; of a strategy, the plan's last day is none.
    fn last_day(&self) -> Option<chrono::NaiveDate> {
        None
    }

    /// Which of the fields that projections depend on differ from what they were before.
    fn changed_fields(&self, _before: &Self) -> ChangedFields {
        ChangedFields::default()
    }
}

/// What the service knows of every row beside the fields that clients write.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Identity {
    /// Given by the service; never changes.
    pub id: Id,
    /// Of the parts of a strategy: how bodies and bundles refer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub path: Option<String>,
}

/// The row's history in brief.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Revision {
    /// 1 at first, one more with every change; what `If-Match` compares.
    #[schema(minimum = 1, example = 1)]
    pub version: i32,
    /// When the row was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Revision {
    fn first(now: Timestamp) -> Self {
        Self { version: 1, created_at: now, updated_at: now }
    }

    /// The revision after this one.
    pub fn next(self, now: Timestamp) -> Self {
        Self { version: self.version + 1, updated_at: now, ..self }
    }
}

/// A stored row: what the service knows of it around what the client wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entity<B> {
    /// Its identity.
    #[serde(flatten)]
    pub identity: Identity,
    /// Its fields.
    #[serde(flatten)]
    pub body: B,
    /// Its history.
    #[serde(flatten)]
    pub revision: Revision,
}

impl<B> Entity<B> {
    /// A row as it was found in the database.
    pub fn found(id: Id, body: B, (version, created_at, updated_at): (i32, Timestamp, Timestamp)) -> Self {
        Self { identity: Identity { id, path: None }, body, revision: Revision { version, created_at, updated_at } }
    }

    /// Its id.
    pub fn id(&self) -> Id {
        self.identity.id
    }

    /// Of a part: its path, as references to it are written.
    pub fn reference(&self) -> Option<Reference> {
        self.identity.path.as_ref()?.parse().ok()
    }
}

impl<B: Body + ToSchema> PartialSchema for Entity<B> {
    fn schema() -> RefOr<Schema> {
        let description = match B::schema() {
            RefOr::T(Schema::Object(object)) => object.description,
            RefOr::T(Schema::AllOf(all)) => all.description,
            _ => None,
        };
        let mut all =
            AllOfBuilder::new().description(description).item(Ref::from_schema_name(Identity::name().as_ref()));
        if let Some(example) = B::PATH_EXAMPLE {
            let path = ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("How bodies and bundles refer to this part: the keys that lead to it."))
                .examples([example]);
            all = all.item(ObjectBuilder::new().property("path", path));
        }
        all.item(Ref::from_schema_name(B::name().as_ref()))
            .item(Ref::from_schema_name(Revision::name().as_ref()))
            .into()
    }
}

impl<B: Body + ToSchema> ToSchema for Entity<B> {
    fn name() -> std::borrow::Cow<'static, str> {
        B::ANSWER.into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Identity::name().into(), Identity::schema()));
        schemas.push((Revision::name().into(), Revision::schema()));
        schemas.push((B::name().into(), B::schema()));
        for schema in [Identity::schemas, Revision::schemas, B::schemas] {
            schema(schemas);
        }
    }
}

/// A row as a client wants it, and where in the request's body it stands.
#[derive(Debug, Clone)]
pub struct Draft<B> {
    /// JSON pointer to the row; empty where the row is the whole body.
    pub pointer: String,
    /// The requested fields.
    pub body: B,
}

impl<B> Draft<B> {
    /// The row that is a body of its own.
    pub fn whole(body: B) -> Self {
        Self { pointer: String::new(), body }
    }

    /// The rows of the array at `pointer`.
    pub fn array(pointer: &str, bodies: Vec<B>) -> Vec<Self> {
        let at = |n| format!("{pointer}/{n}");
        bodies.into_iter().enumerate().map(|(n, body)| Self { pointer: at(n), body }).collect()
    }
}

/// The outcome of storing a draft.
#[derive(Debug, Clone)]
pub enum UpsertOutcome<B> {
    /// A new row.
    Created(Entity<B>),
    /// A row whose fields differ from what was stored.
    Updated {
        /// The row until now.
        before: Entity<B>,
        /// The row from now on.
        after: Entity<B>,
    },
    /// A row that already is as requested; nothing is written.
    Unchanged(Entity<B>),
}

impl<B: Body> UpsertOutcome<B> {
    /// Compares the requested row with the stored one. A new row gets `id`.
    pub fn compare(existing: Option<Entity<B>>, id: Id, wanted: B, now: Timestamp) -> Self {
        match existing {
            None => Self::Created(Entity {
                identity: Identity { id, path: None },
                body: wanted,
                revision: Revision::first(now),
            }),
            Some(before) if before.body == wanted => Self::Unchanged(before),
            Some(before) => {
                let after = Entity { body: wanted, revision: before.revision.next(now), ..before.clone() };
                Self::Updated { before, after }
            }
        }
    }

    /// Dates what changes: a row may be compared well before it is written.
    pub fn stamp(&mut self, now: Timestamp) {
        match self {
            Self::Created(row) => row.revision = Revision::first(now),
            Self::Updated { after, .. } => after.revision.updated_at = now,
            Self::Unchanged(_) => {}
        }
    }

    /// The row as it will stand.
    pub fn entity(&self) -> &Entity<B> {
        match self {
            Self::Created(stored) | Self::Unchanged(stored) | Self::Updated { after: stored, .. } => stored,
        }
    }

    /// [`UpsertOutcome::entity`], by value.
    pub fn into_entity(self) -> Entity<B> {
        match self {
            Self::Created(stored) | Self::Unchanged(stored) | Self::Updated { after: stored, .. } => stored,
        }
    }

    /// Whether the row is new.
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created(_))
    }

    /// Whether nothing needs to be written.
    pub fn is_unchanged(&self) -> bool {
        matches!(self, Self::Unchanged(_))
    }

    /// Its row in the change log, if it has one.
    pub fn change(&self) -> Option<Change> {
        let after = self.entity();
        let change = |operation| Change::new(B::ENTITY, after.id(), operation, fields(after));
        match self {
            Self::Unchanged(_) => None,
            Self::Created(_) => Some(change(Operation::Created)),
            Self::Updated { before, after } => Some(Change {
                before: Some(fields(before)),
                fields: after.body.changed_fields(&before.body),
                ..change(if self.is_ended() { Operation::Ended } else { Operation::Updated })
            }),
        }
    }

    /// Whether the row was given a last day, or an earlier one than it had.
    pub fn is_ended(&self) -> bool {
        let Self::Updated { before, after } = self else { return false };
        match (before.body.last_day(), after.body.last_day()) {
            (None, Some(_)) => true,
            (Some(until), Some(last)) => last < until,
            (_, None) => false,
        }
    }
}

/// The change log's row for something that was removed; personal data goes with the row.
pub fn deletion<B: Body>(removed: &Entity<B>) -> Change {
    let mut before = fields(removed);
    for (name, value) in B::REDACTED {
        before[*name] = (*value).into();
    }
    let (entity, id, fields) = (B::ENTITY, removed.id(), ChangedFields::default());
    Change { entity, id, operation: Operation::Deleted, fields, before: Some(before), after: None }
}

/// The fields of a row as the change log keeps them: of a part also its path, since the references in
/// it are read from there.
pub fn fields<B: Serialize>(row: &Entity<B>) -> Value {
    let mut fields = serde_json::to_value(&row.body).unwrap_or(Value::Null);
    if let (Some(fields), Some(path)) = (fields.as_object_mut(), &row.identity.path) {
        fields.insert("path".into(), path.as_str().into());
    }
    fields
}

/// Rows created, updated and left alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Rows that are new.
    #[schema(example = 12)]
    pub created: usize,
    /// Rows of which a field changed.
    #[schema(example = 1)]
    pub updated: usize,
    /// Rows that already were as wanted.
    #[schema(example = 40)]
    pub unchanged: usize,
}

impl Counts {
    /// Counts what storing came to.
    pub fn of<'s, B: Body + 's>(outcome: impl IntoIterator<Item = &'s UpsertOutcome<B>>) -> Self {
        let mut counts = Self::default();
        for outcome in outcome {
            match outcome {
                UpsertOutcome::Created(_) => counts.created += 1,
                UpsertOutcome::Updated { .. } => counts.updated += 1,
                UpsertOutcome::Unchanged(_) => counts.unchanged += 1,
            }
        }
        counts
    }
}
