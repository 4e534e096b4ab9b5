//! Rows that are deleted after some time: idempotency keys, and the log of who read personal data.

use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp as SqlTimestamp};

use super::database::{Transaction, in_transaction};
use super::schema::municipalities;
use super::types::{Id, Timestamp};
use super::{AnyConnection, Database};
use crate::problem::Result;

/// How many rows of a kind one transaction removes.
const AT_ONCE: usize = 1_000;

/// How many rows were forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Of the access log.
    pub accesses: usize,
    /// Idempotency keys.
    pub idempotency_keys: usize,
}

impl Database {
    /// Deletes outdated rows of all municipalities, in short transactions, so that others can write in between.
    pub async fn forget_outdated(&self) -> Result<Forgotten> {
        let mut forgotten = Forgotten::default();
        loop {
            let more = self.forget_some().await?;
            if more == Forgotten::default() {
                return Ok(forgotten);
            }
            forgotten.accesses += more.accesses;
            forgotten.idempotency_keys += more.idempotency_keys;
        }
    }

    async fn forget_some(&self) -> Result<Forgotten> {
        let (retention, now) = (self.retention(), Timestamp::now());
        self.with_writing_connection(move |_, connection| {
            in_transaction(connection, Transaction::Write, |connection| {
                Ok(Forgotten {
                    accesses: forget_accesses(connection, retention.oldest_access(now))?,
                    idempotency_keys: forget_keys(connection, retention.oldest_key(now))?,
                })
            })
        })
        .await
    }
}

/// One municipality at a time, which is how the log is indexed by age.
fn forget_accesses(connection: &mut AnyConnection, oldest: Timestamp) -> Result<usize> {
    let municipality_ids: Vec<Id> = municipalities::table.select(municipalities::id).load(connection)?;
    let sql = format!(
        "DELETE FROM access_log WHERE sequence IN \
         (SELECT sequence FROM access_log WHERE municipality_id = $1 AND at < $2 LIMIT {AT_ONCE} {})",
        connection.skipping_locked()
    );
    let mut forgotten = 0;
    for id in municipality_ids {
        let delete = diesel::sql_query(&sql).bind::<Text, _>(id.to_string()).bind::<SqlTimestamp, _>(oldest);
        forgotten += match connection {
            AnyConnection::Postgres(postgres) => delete.execute(postgres)?,
            AnyConnection::Sqlite(sqlite) => delete.execute(sqlite)?,
        };
    }
    Ok(forgotten)
}

fn forget_keys(connection: &mut AnyConnection, oldest: Timestamp) -> Result<usize> {
    let sql = format!(
        "DELETE FROM idempotency_keys WHERE (actor_id, key) IN \
         (SELECT actor_id, key FROM idempotency_keys WHERE created_at < $1 LIMIT {AT_ONCE} {})",
        connection.skipping_locked()
    );
    let delete = diesel::sql_query(sql).bind::<SqlTimestamp, _>(oldest);
    Ok(match connection {
        AnyConnection::Postgres(postgres) => delete.execute(postgres)?,
        AnyConnection::Sqlite(sqlite) => delete.execute(sqlite)?,
    })
}
