//! What stores work with: a connection inside a transaction, bound to one municipality.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use diesel::prelude::*;

use super::caches::Caches;
use super::change::ChangeEvent;
use super::connection::AnyConnection;
use super::schema::actors;
use super::types::{Id, Key, Timestamp};
use crate::problem::{Problem, Result};

/// Who acts, and for which municipality: made from a token, or by the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The only municipality whose data this principal can reach.
    pub municipality: Key,
    /// Who vouches for the subject.
    pub issuer: String,
    /// The subject, as its issuer names it.
    pub subject: String,
}

/// A connection inside a transaction, together with the one municipality that it may read.
pub struct Tenant<'c> {
    /// For stores only.
    pub connection: &'c mut AnyConnection,
    /// Every query that starts from a reference, a filter or a list has it in its WHERE clause. Rows below those are
    /// reached by the ids that such a query found.
    pub municipality_id: Id,
    now: Timestamp,
    caches: &'c Caches,
}

impl<'c> Tenant<'c> {
    pub(super) fn new(connection: &'c mut AnyConnection, municipality_id: Id, caches: &'c Caches) -> Self {
        Self { connection, municipality_id, now: Timestamp::now(), caches }
    }
}

impl Tenant<'_> {
    /// The time of this transaction: the same in every row it writes.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What a module remembers between requests; see [`Caches`].
    pub fn cache<C: Default + Send + Sync + 'static>(&self) -> Arc<C> {
        self.caches.get()
    }
}

/// A [`Tenant`] that may write, and knows who does.
pub struct Writer<'c> {
    tenant: Tenant<'c>,
    principal: Principal,
    actor_id: Option<Id>,
    /// The time before which idempotency keys have expired.
    oldest_key: Timestamp,
    events: Vec<ChangeEvent>,
}

impl<'c> Deref for Writer<'c> {
    type Target = Tenant<'c>;

    fn deref(&self) -> &Tenant<'c> {
        &self.tenant
    }
}

impl DerefMut for Writer<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.tenant
    }
}

impl<'c> Writer<'c> {
    pub(super) fn new(tenant: Tenant<'c>, principal: Principal, oldest_key: Timestamp) -> Self {
        Self { tenant, principal, actor_id: None, oldest_key, events: Vec::new() }
    }
}

impl Writer<'_> {
    pub(super) fn municipality(&self) -> &Key {
        &self.principal.municipality
    }

    /// The time before which idempotency keys have expired.
    pub fn oldest_idempotency_key(&self) -> Timestamp {
        self.oldest_key
    }

    /// Remembers changes, for the projection.
    pub(super) fn note(&mut self, events: impl Iterator<Item = ChangeEvent>) {
        self.events.extend(events);
    }

    /// The changes since the last call.
    pub(super) fn take_events(&mut self) -> Vec<ChangeEvent> {
        std::mem::take(&mut self.events)
    }

    /// The row that stands for the principal, made on first use. The change log refers to people only through it, so
    /// that they can be forgotten without touching what they did.
    pub fn actor_id(&mut self) -> Result<Id> {
        if let Some(id) = self.actor_id {
            return Ok(id);
        }
        let id = match self.stored_actor_id()? {
            Some(id) => id,
            None => {
                let new = (
                    actors::id.eq(Id::new()),
                    actors::municipality_id.eq(self.tenant.municipality_id),
                    actors::issuer.eq(&self.principal.issuer),
                    actors::subject.eq(&self.principal.subject),
                );
                // Another transaction that writes to the access log may have inserted the row meanwhile.
                crate::insert_new!(self.tenant.connection, actors::table, new)?;
                self.stored_actor_id()?.ok_or_else(|| Problem::internal("an actor was made and is not there"))?
            }
        };
        self.actor_id = Some(id);
        Ok(id)
    }

    fn stored_actor_id(&mut self) -> Result<Option<Id>> {
        Ok(actors::table
            .filter(actors::municipality_id.eq(self.tenant.municipality_id))
            .filter(actors::issuer.eq(&self.principal.issuer))
            .filter(actors::subject.eq(&self.principal.subject))
            .select(actors::id)
            .first(self.tenant.connection)
            .optional()?)
    }
}
