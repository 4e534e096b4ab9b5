//! How long is kept what is kept for a time only: idempotency keys, and the log of who read personal data.

use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp as SqlTimestamp};

use super::schema::municipalities;
use super::types::{Id, Timestamp};
use super::{AnyConnection, Database, Writer, finish};
use crate::problem::{Problem, Result};

/// How many rows of a kind one transaction removes.
const AT_ONCE: usize = 1_000;

/// For how long rows are retained that are deleted some day.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Days for which an entry of the access log is retained.
    pub access_log_days: u32,
    /// Hours for which an idempotency key is.
    pub idempotency_hours: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { access_log_days: 365, idempotency_hours: 24 }
    }
}

impl Retention {
    /// Accesses before this are forgotten.
    pub(super) fn oldest_access(self, now: Timestamp) -> Timestamp {
        now.minus_days(self.access_log_days)
    }

    /// Idempotency keys before this are forgotten.
    fn oldest_key(self, now: Timestamp) -> Timestamp {
        now.minus_hours(self.idempotency_hours)
    }
}

impl Writer<'_> {
    /// From when on idempotency keys are remembered.
    pub fn oldest_idempotency_key(&self) -> Timestamp {
        self.retention.oldest_key(self.now)
    }
}

/// How many rows were forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Of the access log.
    pub accesses: usize,
    /// Idempotency keys.
    pub idempotency_keys: usize,
}

impl Database {
    /// Removes what is outdated, of all municipalities, in short transactions between which others write.
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
        let turn = self.writers.take(&self.waiting).await?;
        self.in_turn(move |database| {
            let _turn = turn;
            let (retention, now) = (database.retention, Timestamp::now());
            let mut connection = database.pool.get().map_err(Problem::unavailable)?;
            connection.begin_write()?;
            finish(&mut connection, true, |connection| {
                Ok(Forgotten {
                    accesses: forget_accesses(connection, retention.oldest_access(now))?,
                    idempotency_keys: forget_keys(connection, retention.oldest_key(now))?,
                })
            })
        })
        .await
    }
}

/// Municipality by municipality, as the log's index by age goes.
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
