//! The change log: every write logs its changes here, in its own transaction.

use diesel::prelude::*;
use serde_json::Value;

use super::change::{ChangeEvent, ChangedFields, EntityKind, Operation};
use super::schema::{changes, municipalities};
use super::types::{Id, Json, Key, Timestamp};
use super::{AnyConnection, Database, Tenant, Writer, connection};
use crate::problem::Result;

/// A change of one row, about to be logged.
#[derive(Debug)]
pub struct Change {
    /// Which kind of row.
    pub entity: EntityKind,
    /// Which row.
    pub id: Id,
    /// What happened.
    pub operation: Operation,
    /// Which of the fields that projections depend on have another value now.
    pub fields: ChangedFields,
    /// The row's fields until then.
    pub before: Option<Value>,
    /// The row's fields since.
    pub after: Option<Value>,
}

impl Change {
    /// A change that left these fields, and that no projection depends on by what fields changed.
    pub fn new(entity: EntityKind, id: Id, operation: Operation, after: Value) -> Self {
        Self { entity, id, operation, fields: ChangedFields::default(), before: None, after: Some(after) }
    }

    fn event(&self) -> ChangeEvent {
        ChangeEvent { entity: self.entity, id: self.id, operation: self.operation, fields: self.fields }
    }
}

/// A logged change.
#[derive(Debug, Queryable)]
pub struct LoggedChange {
    /// Grows in the order of commits within a municipality.
    pub sequence: i64,
    /// When the transaction ran.
    pub at: Timestamp,
    /// Which kind of row.
    pub entity: String,
    /// Which row.
    pub entity_id: Id,
    /// What happened.
    pub operation: Operation,
    /// Who vouches for the subject.
    pub issuer: String,
    /// Who did it.
    pub subject: String,
    /// The row's fields until then.
    pub before: Option<Json<Value>>,
    /// The row's fields since.
    pub after: Option<Json<Value>>,
}

#[derive(Insertable)]
#[diesel(table_name = changes, treat_none_as_default_value = false)]
struct NewChange {
    municipality_id: Id,
    at: Timestamp,
    actor_id: Id,
    entity: EntityKind,
    entity_id: Id,
    operation: Operation,
    before: Option<Json<Value>>,
    after: Option<Json<Value>>,
}

impl Writer<'_> {
    /// Logs changes in the order given, a batch at a time.
    pub fn log(&mut self, changes: impl IntoIterator<Item = Change>) -> Result<()> {
        let mut changes = changes.into_iter().peekable();
        if changes.peek().is_none() {
            return Ok(());
        }
        let (actor_id, at, municipality_id) = (self.actor_id()?, self.now(), self.municipality_id);
        let row = |change: Change| NewChange {
            municipality_id,
            at,
            actor_id,
            entity: change.entity,
            entity_id: change.id,
            operation: change.operation,
            before: change.before.map(Json),
            after: change.after.map(Json),
        };
        while changes.peek().is_some() {
            let batch: Vec<Change> = changes.by_ref().take(connection::batch()).collect();
            self.note(batch.iter().map(Change::event));
            let batch: Vec<_> = batch.into_iter().map(row).collect();
            crate::insert_all!(self.connection, changes::table, &batch)?;
        }
        Ok(())
    }
}

impl Writer<'_> {
    /// Overwrites `fields` in every logged change of a row: for personal data that has to go. One statement, however
    /// long the row's history is.
    pub fn redact(
        &mut self,
        entity: EntityKind,
        id: Id,
        fields: &[(&'static str, Option<&'static str>)],
    ) -> Result<()> {
        self.connection.overwrite_logged_fields(entity.as_str(), &id.to_string(), fields)?;
        Ok(())
    }
}

/// The sequence of the latest change, or 0.
pub fn latest(tenant: &mut Tenant<'_>) -> Result<i64> {
    Ok(newest(tenant)?.map_or(0, |(sequence, _)| sequence))
}

/// The sequence and the time of the latest change. Together they identify a state of the municipality, even after the
/// database was replaced by a backup.
pub type Newest = Option<(i64, Timestamp)>;

/// The latest change.
pub fn newest(tenant: &mut Tenant<'_>) -> Result<Newest> {
    let mine = changes::table.filter(changes::municipality_id.eq(tenant.municipality_id));
    let newest = mine.order(changes::sequence.desc()).select((changes::sequence, changes::at));
    Ok(newest.first(tenant.connection).optional()?)
}

/// [`newest`] of a municipality, by one statement without a transaction: it sees one state by itself.
pub async fn newest_in(database: &Database, municipality: &Key) -> Result<Newest> {
    let key = municipality.clone();
    database.admin(move |connection| newest_of(connection, &key)).await
}

fn newest_of(connection: &mut AnyConnection, municipality: &Key) -> Result<Newest> {
    let id = municipalities::table.filter(municipalities::key.eq(municipality)).select(municipalities::id);
    let its = changes::table.filter(changes::municipality_id.nullable().eq(id.single_value()));
    let newest = its.order(changes::sequence.desc()).select((changes::sequence, changes::at)).limit(1);
    // This is all that a 304 of progress costs. Naming the engine lets Diesel keep the prepared statement.
    let found = match connection {
        AnyConnection::Postgres(postgres) => newest.get_result(postgres),
        AnyConnection::Sqlite(sqlite) => newest.get_result(sqlite),
    };
    Ok(found.optional()?)
}

/// Whether a row of one of these kinds has changed after `sequence`.
pub fn has_changed_since(tenant: &mut Tenant<'_>, sequence: i64, entities: &[EntityKind]) -> Result<bool> {
    let since = changes::table
        .filter(changes::municipality_id.eq(tenant.municipality_id))
        .filter(changes::sequence.gt(sequence))
        .filter(changes::entity.eq_any(entities));
    let first: Option<i64> = since.select(changes::sequence).first(tenant.connection).optional()?;
    Ok(first.is_some())
}

/// Whether no row of a kind has changed since a change. False as well where the log holds another change under that
/// sequence: a database that was restored from a backup counts on from there.
pub fn is_unchanged_since(
    tenant: &mut Tenant<'_>,
    (sequence, at): (i64, Timestamp),
    entity: EntityKind,
) -> Result<bool> {
    let found: Vec<(i64, Timestamp)> = changes::table
        .filter(changes::municipality_id.eq(tenant.municipality_id))
        .filter(changes::sequence.ge(sequence))
        .filter(changes::sequence.eq(sequence).or(changes::entity.eq(entity)))
        .order(changes::sequence)
        .limit(2)
        .select((changes::sequence, changes::at))
        .load(tenant.connection)?;
    Ok(found == [(sequence, at)])
}

/// At most `limit` changes after `sequence`, in the order of commits.
pub fn after(tenant: &mut Tenant<'_>, sequence: i64, limit: i64) -> Result<Vec<LoggedChange>> {
    use super::schema::actors;
    Ok(changes::table
        .inner_join(actors::table)
        .filter(changes::municipality_id.eq(tenant.municipality_id))
        .filter(changes::sequence.gt(sequence))
        .order(changes::sequence)
        .limit(limit)
        .select((
            changes::sequence,
            changes::at,
            changes::entity,
            changes::entity_id,
            changes::operation,
            actors::issuer,
            actors::subject,
            changes::before,
            changes::after,
        ))
        .load(tenant.connection)?)
}
