//! The change log: every write leaves its rows here, in the transaction that makes it.

use diesel::prelude::*;
use serde_json::Value;

use super::schema::changes;
use super::types::{Id, Json, Timestamp};
use super::{Tenant, Writer};
use crate::problem::Result;

crate::text_enum! {
    /// What happened to a row.
    Operation {
        /// It came into being.
        Created = "created",
        /// Some of its fields changed.
        Updated = "updated",
        /// It was given an end date; it stays readable.
        Ended = "ended",
        /// It was removed; `before` holds what it was.
        Deleted = "deleted",
    }
}

/// One row's change, about to be logged.
#[derive(Debug)]
pub struct Change {
    /// What kind of row, e.g. `committee`.
    pub entity: &'static str,
    /// Which row.
    pub id: Id,
    /// What happened.
    pub operation: Operation,
    /// The row's fields until then.
    pub before: Option<Value>,
    /// The row's fields since.
    pub after: Option<Value>,
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
    entity: &'static str,
    entity_id: Id,
    operation: Operation,
    before: Option<Json<Value>>,
    after: Option<Json<Value>>,
}

impl Writer<'_> {
    /// Logs changes in the order given.
    pub fn log(&mut self, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let (actor_id, at, municipality_id) = (self.actor_id()?, self.now(), self.municipality_id);
        let rows: Vec<_> = changes
            .into_iter()
            .map(|change| NewChange {
                municipality_id,
                at,
                actor_id,
                entity: change.entity,
                entity_id: change.id,
                operation: change.operation,
                before: change.before.map(Json),
                after: change.after.map(Json),
            })
            .collect();
        crate::insert_all!(self.connection, changes::table, &rows)?;
        Ok(())
    }
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
