//! The access log: who read personal data. A row is written in a transaction of its own before the
//! answer goes out; where it can't be written, nothing is answered.

use diesel::prelude::*;

use super::schema::{access_log, actors};
use super::types::{Id, Timestamp};
use super::{Database, Principal, Tenant};
use crate::problem::Result;

/// What was read by one request.
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
pub fn after(tenant: &mut Tenant<'_>, sequence: i64, limit: i64) -> Result<Vec<LoggedAccess>> {
    Ok(access_log::table
        .inner_join(actors::table)
        .filter(access_log::municipality_id.eq(tenant.municipality_id))
        .filter(access_log::sequence.gt(sequence))
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

impl Database {
    /// Logs an access, and drops what is older than the log is kept.
    pub async fn log_access(&self, principal: &Principal, access: Access) -> Result<()> {
        let oldest = Timestamp::now().minus_days(self.access_log_days);
        self.write(principal, move |writer| {
            let (actor_id, at, municipality_id) = (writer.actor_id()?, writer.now(), writer.municipality_id);
            diesel::insert_into(access_log::table)
                .values((
                    access_log::municipality_id.eq(municipality_id),
                    access_log::at.eq(at),
                    access_log::actor_id.eq(actor_id),
                    access_log::operation.eq(access.operation),
                    access_log::employee_id.eq(access.employee_id),
                    access_log::row_count.eq(i32::try_from(access.rows).unwrap_or(i32::MAX)),
                ))
                .execute(writer.connection)?;
            let outdated = access_log::municipality_id.eq(municipality_id).and(access_log::at.lt(oldest));
            diesel::delete(access_log::table.filter(outdated)).execute(writer.connection)?;
            Ok(())
        })
        .await
    }
}
