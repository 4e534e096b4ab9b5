//! The access log: who read personal data. An entry is written before the answer is sent; where that fails, the request
//! fails.

use diesel::prelude::*;

use super::connection::Lock;
use super::database::Transaction;
use super::schema::{access_log, actors};
use super::types::{Id, Timestamp};
use super::{Database, Principal, Tenant, Writer};
use crate::problem::Result;

/// What one request read.
#[derive(Debug, Clone)]
pub struct Access {
    /// The operation, as the contract calls it.
    pub operation: &'static str,
    /// Whose data, where it was one person's.
    pub employee_id: Option<Id>,
    /// How many people's data.
    pub rows: usize,
}

/// A logged access.
#[derive(Debug, Queryable)]
pub struct LoggedAccess {
    /// Grows with every access.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// The operation, as the contract calls it.
    pub operation: String,
    /// Whose data, where it was one person's.
    pub employee_id: Option<Id>,
    /// How many people's data.
    pub rows: i32,
    /// Who vouches for the subject.
    pub issuer: String,
    /// Who read it.
    pub subject: String,
}

/// At most `limit` accesses after `sequence`, in their order.
pub fn after(tenant: &mut Tenant<'_>, sequence: i64, oldest: Timestamp, limit: i64) -> Result<Vec<LoggedAccess>> {
    Ok(access_log::table
        .inner_join(actors::table)
        .filter(access_log::municipality_id.eq(tenant.municipality_id))
        .filter(access_log::sequence.gt(sequence))
        .filter(access_log::at.ge(oldest))
        .order(access_log::sequence)
        .limit(limit)
        .select((
            access_log::sequence,
            access_log::at,
            access_log::operation,
            access_log::employee_id,
            access_log::row_count,
            actors::issuer,
            actors::subject,
        ))
        .load(tenant.connection)?)
}

impl Writer<'_> {
    /// Logs an access in this transaction.
    pub fn log_access(&mut self, access: Access) -> Result<()> {
        let (actor_id, at, municipality_id) = (self.actor_id()?, self.now(), self.municipality_id);
        let municipality = self.municipality().to_string();
        self.connection.lock(Lock::AccessLog, &municipality)?;
        diesel::insert_into(access_log::table)
            .values((
                access_log::municipality_id.eq(municipality_id),
                access_log::at.eq(at),
                access_log::actor_id.eq(actor_id),
                access_log::operation.eq(access.operation),
                access_log::employee_id.eq(access.employee_id),
                access_log::row_count.eq(i32::try_from(access.rows).unwrap_or(i32::MAX)),
            ))
            .execute(self.connection)?;
        Ok(())
    }
}

impl Database {
    /// Logs an access of a request that reads. On PostgreSQL it doesn't wait for other writers, so that people can be
    /// read while a nightly file is being stored.
    pub async fn log_access(&self, principal: &Principal, access: Access) -> Result<()> {
        self.write_in(Transaction::Write, None, principal, move |writer| writer.log_access(access)).await
    }

    /// The time before which accesses are no longer retained.
    pub fn oldest_access(&self) -> Timestamp {
        self.retention().oldest_access(Timestamp::now())
    }
}
