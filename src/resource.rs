//! What all stored resources have in common: their metadata, how they are named, and the one way in
//! which they are created, replaced, changed and deleted.

use std::collections::HashMap;
use std::hash::Hash;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::db::change::ChangedFields;
use crate::db::change::{EntityKind, Operation};
use crate::db::change_log::Change;
use crate::db::types::{Id, Key, Reference, Timestamp};
use crate::db::{Tenant, Writer};
use crate::problem::{Kind, Problem, Result, ValidationErrors};

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
    /// The wanted fields.
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

/// What storing a draft comes to.
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
    /// A row that already is as wanted; nothing is written.
    Unchanged(Entity<B>),
}

impl<B: Body> UpsertOutcome<B> {
    /// Compares what is wanted with what is stored; `id` is taken where nothing is.
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

/// Notes every draft whose key another draft before it has.
pub fn check_duplicate_keys<'d, K: Eq + Hash + std::fmt::Display + 'd>(
    rows: impl IntoIterator<Item = (String, &'d K)>,
    errors: &mut ValidationErrors,
) {
    let mut seen: HashMap<&K, String> = HashMap::new();
    for (pointer, key) in rows {
        match seen.get(key) {
            Some(first) => errors.add(format!("{pointer}/key"), format!("'{key}' is the key at {first}/key too")),
            None => {
                seen.insert(key, pointer);
            }
        }
    }
}

/// Notes every row of `edges` (from, to, pointer of the edge) that lies on a cycle and was just drawn.
pub fn check_cycles(edges: &[(Id, Id, Option<String>)], detail: &str, errors: &mut ValidationErrors) {
    let graph: petgraph::graphmap::DiGraphMap<Id, ()> = edges.iter().map(|(from, to, _)| (*from, *to)).collect();
    let mut component = HashMap::new();
    // Not Tarjan's algorithm, which would go as deep into the stack as the edges go.
    for (n, members) in petgraph::algo::kosaraju_scc(&graph).into_iter().enumerate() {
        for member in &members {
            component.insert(*member, (n, members.len()));
        }
    }
    for (from, to, pointer) in edges {
        let Some(pointer) = pointer else { continue };
        let on_cycle =
            from == to || matches!((component.get(from), component.get(to)), (Some(a), Some(b)) if a == b && a.1 > 1);
        if on_cycle {
            errors.add(pointer.clone(), detail);
        }
    }
}

/// Notes an end before the start.
pub fn check_order(
    (start_name, start): (&str, Option<chrono::NaiveDate>),
    (end_name, end): (&str, Option<chrono::NaiveDate>),
    pointer: &str,
    errors: &mut ValidationErrors,
) {
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        errors.add(
            format!("{pointer}/{end_name}"),
            format!("is before {start_name}: write a date on or after {start}, or change {start_name}"),
        );
    }
}

/// What a client demands of the row's state before it is written (RFC 9110, section 13).
#[derive(Debug, Clone, Default)]
pub struct Precondition {
    /// `If-Match`: the version that the client has seen.
    pub if_match: Option<Expected>,
    /// `If-None-Match: *`: there must be no such row.
    pub must_be_new: bool,
}

/// What `If-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// `*`: whatever is there.
    Any,
    /// One of these versions.
    Versions(Vec<SeenVersion>),
}

/// A version that a client has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenVersion {
    /// Its number.
    pub version: i32,
    /// The end of the row's id, where the client sends the ETag as it got it: a row that was deleted
    /// and made anew is another one.
    pub row: Option<String>,
}

impl SeenVersion {
    fn is(&self, version: i32, id: Id) -> bool {
        self.version == version && self.row.as_ref().is_none_or(|row| id.to_string().ends_with(row.as_str()))
    }
}

impl Precondition {
    /// Passes where the row is there and as the client knows it.
    pub fn check_existing(&self, version: i32, id: Id) -> Result<()> {
        if self.must_be_new {
            return Err(Problem::new(Kind::PreconditionFailed, "There already is a row under this key."));
        }
        match &self.if_match {
            None => Err(Problem::new(
                Kind::PreconditionRequired,
                "Send If-Match with the ETag that you last read, or * for whatever is there.",
            )),
            Some(Expected::Any) => Ok(()),
            Some(Expected::Versions(versions)) if versions.iter().any(|seen| seen.is(version, id)) => Ok(()),
            Some(Expected::Versions(_)) => Err(Problem::new(
                Kind::PreconditionFailed,
                format!(
                    "The row is at version {version} now; read it again, then decide whether your change still fits."
                ),
            )),
        }
    }

    /// Passes where the client does not expect a row that is not there.
    pub fn check_missing(&self) -> Result<()> {
        match self.if_match {
            Some(_) => Err(Problem::new(
                Kind::PreconditionFailed,
                "There is no such row to replace; to create it, leave If-Match out.",
            )),
            None => Ok(()),
        }
    }
}

/// A resource whose rows stand by themselves: levels, units, employees, committees, memberships.
pub trait Resource {
    /// What clients write.
    type Body: Body + DeserializeOwned;
    /// What clients call one of them in Danish or English sentences.
    const WHAT: &'static str;

    /// The row under an id or key.
    fn find(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Entity<Self::Body>>>;

    /// Checks and stores drafts, all or none, and answers what came of each, in their order.
    fn save(writer: &mut Writer<'_>, drafts: Vec<Draft<Self::Body>>) -> Result<Vec<UpsertOutcome<Self::Body>>>;

    /// Removes a row on which nothing depends; [`Kind::InUse`] otherwise.
    fn remove(writer: &mut Writer<'_>, stored: &Entity<Self::Body>) -> Result<()>;
}

/// The row under `reference`, or 404.
pub fn read<R: Resource>(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Entity<R::Body>> {
    R::find(tenant, reference)?.ok_or_else(|| Problem::not_found(R::WHAT))
}

/// POST: a new row under a key that is free.
pub fn create<R: Resource>(writer: &mut Writer<'_>, body: R::Body) -> Result<Entity<R::Body>> {
    check_free::<R>(writer, &body)?;
    save_one::<R>(writer, body).map(UpsertOutcome::into_entity)
}

fn check_free<R: Resource>(tenant: &mut Tenant<'_>, body: &R::Body) -> Result<()> {
    let key = body.key().to_string();
    let reference = key.parse().map_err(Problem::internal)?;
    match R::find(tenant, &reference)? {
        Some(_) => Err(key_taken(R::WHAT, &key)),
        None => Ok(()),
    }
}

/// What a POST under a taken key is answered with.
pub fn key_taken(what: &str, key: &str) -> Problem {
    Problem::new(
        Kind::AlreadyExists,
        format!("There already is a {what} with the key '{key}'; choose another, or PUT to replace it."),
    )
}

/// PUT: replaces the row under `reference`, or creates it under that key.
pub fn replace<R: Resource>(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    body: R::Body,
) -> Result<UpsertOutcome<R::Body>> {
    let existing = R::find(writer, reference)?;
    match &existing {
        Some(existing) => {
            precondition.check_existing(existing.revision.version, existing.id())?;
            check_key_kept(&existing.body, &body)?;
        }
        None => {
            precondition.check_missing()?;
            check_key_matches(R::WHAT, reference, &body.key().to_string())?;
        }
    }
    save_one::<R>(writer, body)
}

/// PUT creates under the key in the address, which the body must repeat.
pub fn check_key_matches(what: &str, reference: &Reference, key: &str) -> Result<()> {
    match reference {
        Reference::Id(_) => Err(Problem::not_found(what)),
        Reference::Path(_) if reference.to_string() == key => Ok(()),
        Reference::Path(_) => {
            Err(Problem::invalid("/key", format!("differs from the key in the address: write '{reference}' in both")))
        }
    }
}

/// PATCH: what `change` makes of the row.
pub fn change<R: Resource>(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    change: impl FnOnce(&R::Body) -> Result<R::Body>,
) -> Result<Entity<R::Body>> {
    let existing = read::<R>(writer, reference)?;
    precondition.check_existing(existing.revision.version, existing.id())?;
    let body = change(&existing.body)?;
    check_key_kept(&existing.body, &body)?;
    save_one::<R>(writer, body).map(UpsertOutcome::into_entity)
}

/// A key never changes.
pub fn check_key_kept<B: Body>(existing: &B, wanted: &B) -> Result<()> {
    if existing.key() == wanted.key() {
        return Ok(());
    }
    Err(Problem::invalid("/key", format!("a key never changes: write '{}', or leave it out", existing.key())))
}

/// DELETE: removes a row on which nothing depends.
pub fn delete<R: Resource>(writer: &mut Writer<'_>, reference: &Reference, precondition: &Precondition) -> Result<()> {
    let existing = read::<R>(writer, reference)?;
    precondition.check_existing(existing.revision.version, existing.id())?;
    R::remove(writer, &existing)?;
    writer.log(vec![deletion(&existing)])
}

fn save_one<R: Resource>(writer: &mut Writer<'_>, body: R::Body) -> Result<UpsertOutcome<R::Body>> {
    let outcome = R::save(writer, vec![Draft::whole(body)])?.pop();
    outcome.ok_or_else(|| Problem::internal("nothing was saved"))
}

/// Sentences that name what refers to a row, for [`check_unused`].
pub fn dependents(what: &str, keys: Vec<String>) -> Vec<String> {
    keys.into_iter().map(|key| format!("is referred to by the {what} '{key}'")).collect()
}

/// A sentence that names how many rows refer to a row, where they have no keys.
pub fn counted_dependents(what: &str, rows: i64) -> Vec<String> {
    if rows == 0 { Vec::new() } else { vec![format!("is referred to by {rows} {what}")] }
}

/// The paths of actions, for [`dependents`]: a key alone may stand in many areas.
pub fn paths(rows: Vec<(Key, Key, Key)>) -> Vec<String> {
    rows.into_iter().map(|(strategy, area, key)| format!("{strategy}/{area}/{key}")).collect()
}

/// The problem that stops a removal where there are dependents.
pub fn check_unused(what: &str, dependents: Vec<String>) -> Result<()> {
    if dependents.is_empty() {
        return Ok(());
    }
    let mut errors = ValidationErrors::default();
    dependents.into_iter().for_each(|dependent| errors.add("", dependent));
    let detail = format!("Still referred to from {} places, so the {what} stays; change those first.", errors.count());
    Err(Problem { errors, ..Problem::new(Kind::InUse, detail) })
}
