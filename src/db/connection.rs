//! Connections to SQLite or PostgreSQL behind one type, and all that differs between the two.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection as _;
use secrecy::{ExposeSecret, SecretString};

use crate::problem::{Problem, Result};

pub use either::{AnyConnection, MultiBackend};

mod either {
    // The derive makes public items and documents none of them.
    #![allow(missing_docs)]

    /// A connection to either engine; queries are written once and run on both.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConnection {
        /// A PostgreSQL server.
        Postgres(diesel::PgConnection),
        /// A SQLite file.
        Sqlite(diesel::SqliteConnection),
    }
}

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL 13 or later.
    Postgres,
    /// SQLite, compiled in.
    Sqlite,
}

/// Where the database stands. Its `Display` never shows a password.
#[derive(Clone, Debug)]
pub enum Location {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL URL, password included.
    Postgres(SecretString),
}

impl Location {
    /// Reads `sqlite:PATH`, `postgres://...` or `postgresql://...`.
    pub fn parse(url: &str) -> std::result::Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains([':', '?']) {
                return Err(format!(
                    "'{url}' names no file: write sqlite:medstrategi.db or sqlite:/var/lib/medstrategi.db"
                ));
            }
            return Ok(Self::Sqlite(path.into()));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            // libpq repeats what it can't read, password included: it gets to see readable URLs alone.
            let readable = url::Url::parse(url).is_ok_and(|url| has_whole_escapes(url.as_str()));
            return match readable {
                true => Ok(Self::Postgres(url.into())),
                false => {
                    Err("database_url can't be read: write postgres://user:password@host/database, with %25 for %, \
                              %2F for /, %23 for # and so on in the password"
                        .into())
                }
            };
        }
        Err("database_url starts with neither sqlite: nor postgres:: write sqlite:medstrategi.db or \
             postgres://user:password@host/database"
            .into())
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }
}

impl Location {
    /// The URL for lines to paste: without a password, wherever in it that stands.
    pub fn without_password(&self) -> String {
        let Self::Postgres(url) = self else { return self.to_string() };
        let Ok(mut url) = url::Url::parse(url.expose_secret()) else { return self.to_string() };
        // It fails where there is no host, and then there is no password in that place.
        let _ = url.set_password(None);
        let is_secret = |name: &str| name.to_ascii_lowercase().contains("password");
        let open: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(name, _)| !is_secret(name)).collect();
        url.set_query(None);
        if !open.is_empty() {
            url.query_pairs_mut().extend_pairs(open);
        }
        url.into()
    }
}

/// Every `%` is followed by two hexadecimal digits.
fn has_whole_escapes(url: &str) -> bool {
    let is_hex = |digit: Option<u8>| digit.is_some_and(|digit| digit.is_ascii_hexdigit());
    let bytes = url.as_bytes();
    let escapes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    escapes.into_iter().all(|(n, _)| is_hex(bytes.get(n + 1).copied()) && is_hex(bytes.get(n + 2).copied()))
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => match url::Url::parse(url.expose_secret()) {
                Ok(url) => write!(f, "postgres://{}{}", url.host_str().unwrap_or("localhost"), url.path()),
                Err(_) => f.write_str("postgres:"),
            },
        }
    }
}

/// What connections are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To serve requests, or a command that writes.
    Serving,
    /// To read the whole database; the engine refuses to write.
    Reading,
}

impl Purpose {
    fn sqlite(self) -> &'static str {
        match self {
            // busy_timeout comes first: switching to WAL takes a lock itself.
            Self::Serving => {
                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
                 PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
            }
            Self::Reading => "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON;",
        }
    }

    fn postgres(self) -> &'static str {
        match self {
            Self::Serving => "SET TIME ZONE 'UTC'; SET lock_timeout = '10s'; SET statement_timeout = '60s'",
            Self::Reading => "SET TIME ZONE 'UTC'; SET default_transaction_read_only = on; SET statement_timeout = 0",
        }
    }
}

/// How long to wait for other processes while a connection is set up.
const MAX_SET_UP: Duration = Duration::from_secs(10);

/// What r2d2 makes connections with.
pub(super) struct ConnectionFactory {
    purpose: Purpose,
    location: Location,
    statements: Arc<AtomicU64>,
}

impl ConnectionFactory {
    pub(super) fn new(purpose: Purpose, location: Location, statements: Arc<AtomicU64>) -> Self {
        Self { purpose, location, statements }
    }
}

/// Why connecting failed, in words without a password.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("{0}")]
    Unreachable(#[from] diesel::ConnectionError),
    #[error("{0}")]
    Setup(#[from] diesel::result::Error),
}

impl r2d2::ManageConnection for ConnectionFactory {
    type Connection = AnyConnection;
    type Error = ConnectError;

    fn connect(&self) -> std::result::Result<AnyConnection, ConnectError> {
        let mut connection = match &self.location {
            Location::Sqlite(path) => {
                let mut sqlite = SqliteConnection::establish(&path.to_string_lossy())?;
                set_up(&mut sqlite, self.purpose.sqlite())?;
                AnyConnection::Sqlite(sqlite)
            }
            Location::Postgres(url) => {
                let mut postgres = PgConnection::establish(url.expose_secret())?;
                postgres.batch_execute(self.purpose.postgres())?;
                AnyConnection::Postgres(postgres)
            }
        };
        let statements = Arc::clone(&self.statements);
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event
                && !is_transaction_control(&beginning(query))
            {
                statements.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> std::result::Result<(), ConnectError> {
        match connection {
            AnyConnection::Postgres(postgres) => postgres.ping().map_err(ConnectError::Setup),
            // A file does not go away between two requests.
            AnyConnection::Sqlite(_) => Ok(()),
        }
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        // A panic may have left a transaction open.
        std::thread::panicking() || connection.is_broken()
    }
}

/// Runs these statements, and retries while another process does the same to a new file: when two switch it to WAL at
/// once, SQLite refuses one of them without waiting, since each holds a lock that the other needs.
fn set_up(sqlite: &mut SqliteConnection, statements: &str) -> QueryResult<()> {
    use diesel::result::Error;
    let begun = Instant::now();
    loop {
        match sqlite.batch_execute(statements) {
            Err(Error::DatabaseError(_, info)) if info.message().contains("locked") && begun.elapsed() < MAX_SET_UP => {
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

/// The first words of a statement; formatting it whole would write out all of its values.
fn beginning(query: &dyn fmt::Display) -> String {
    struct Beginning(String);

    impl fmt::Write for Beginning {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.push_str(text);
            if self.0.len() < 16 { Ok(()) } else { Err(fmt::Error) }
        }
    }

    let mut beginning = Beginning(String::new());
    // It fails on purpose, once it has enough.
    let _ = fmt::write(&mut beginning, format_args!("{query}"));
    beginning.0
}

fn is_transaction_control(query: &str) -> bool {
    ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ", "SELECT 1", "SELECT pg_advis"]
        .iter()
        .any(|word| query.trim_start().starts_with(word))
}

/// What a writer locks of a municipality. Both locks are always taken in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// Everything except the access log.
    Rows = 165,
    /// The access log: reads write to it, also while a nightly file is being stored.
    AccessLog = 166,
}

impl AnyConnection {
    /// Begins a transaction that sees one state throughout; on PostgreSQL it can't write either.
    pub(super) fn begin_read(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(postgres) => AnsiTransactionManager::begin_transaction_sql(
                postgres,
                "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            ),
            Self::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN DEFERRED"),
        }
    }

    /// Begins a transaction that writes. SQLite lets one in at a time, from the start, so that none
    /// has to fail half-way for a lock.
    pub(super) fn begin_write(&mut self) -> QueryResult<()> {
        match self {
            Self::Postgres(postgres) => AnsiTransactionManager::begin_transaction_sql(
                postgres,
                "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE",
            ),
            Self::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE"),
        }
    }

    /// Lets one writer of a municipality in at a time, until the transaction ends: checks made
    /// before a write stay true, and a log's order is the order of commits.
    pub(super) fn lock(&mut self, what: Lock, municipality: &str) -> Result<()> {
        match self {
            Self::Postgres(postgres) => {
                diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, $2))")
                    .bind::<diesel::sql_types::Text, _>(municipality)
                    .bind::<diesel::sql_types::BigInt, _>(what as i64)
                    .execute(postgres)
                    .map_err(Problem::from)?;
                Ok(())
            }
            // It lets one writer in at a time by itself.
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// Overwrites fields of the JSON objects in the change log's rows about one entity. Names and values are constants
    /// of the program, so they may stand in SQLite's statement as text.
    pub(super) fn overwrite_logged_fields(
        &mut self,
        entity: &str,
        id: &str,
        fields: &[(&'static str, Option<&'static str>)],
    ) -> QueryResult<usize> {
        use diesel::sql_types::Text;
        let fields: serde_json::Map<String, serde_json::Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        match self {
            Self::Postgres(postgres) => {
                let fields = serde_json::Value::Object(fields).to_string();
                diesel::sql_query(
                    "UPDATE changes SET before = (before::jsonb || $1::jsonb)::text, \
                     after = (after::jsonb || $1::jsonb)::text WHERE entity = $2 AND entity_id = $3",
                )
                .bind::<Text, _>(fields)
                .bind::<Text, _>(entity)
                .bind::<Text, _>(id)
                .execute(postgres)
            }
            Self::Sqlite(sqlite) => {
                let members = fields.iter().map(|(name, value)| format!(", '$.{name}', json('{value}')"));
                let members: String = members.collect();
                diesel::sql_query(format!(
                    "UPDATE changes SET before = json_set(before{members}), after = json_set(after{members}) \
                     WHERE entity = ? AND entity_id = ?"
                ))
                .bind::<Text, _>(entity)
                .bind::<Text, _>(id)
                .execute(sqlite)
            }
        }
    }

    /// The end of a query for rows to delete: it skips rows that another transaction is deleting, so that neither waits
    /// for the other. SQLite lets one writer in at a time anyway.
    pub(super) fn skipping_locked(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "FOR UPDATE SKIP LOCKED",
            Self::Sqlite(_) => "",
        }
    }

    /// Which engine it talks to.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Postgres(_) => Engine::Postgres,
            Self::Sqlite(_) => Engine::Sqlite,
        }
    }
}

/// Inserts a slice of rows with one statement per [`batch`] of them. The multi-engine connection has
/// no batch insert of its own, so the same expression is expanded once per engine.
#[macro_export]
macro_rules! insert_all {
    ($connection:expr, $table:expr, $rows:expr) => {{
        let (connection, rows) = (&mut *$connection, $rows);
        let mut result: diesel::QueryResult<usize> = Ok(0);
        for batch in rows.chunks($crate::db::connection::batch()) {
            result = match connection {
                $crate::db::AnyConnection::Postgres(postgres) => {
                    diesel::RunQueryDsl::execute(diesel::insert_into($table).values(batch), postgres)
                }
                $crate::db::AnyConnection::Sqlite(sqlite) => {
                    diesel::RunQueryDsl::execute(diesel::insert_into($table).values(batch), sqlite)
                }
            };
            if result.is_err() {
                break;
            }
        }
        result
    }};
}

/// Inserts a row, unless one that must be unique beside it is there already.
#[macro_export]
macro_rules! insert_new {
    ($connection:expr, $table:expr, $row:expr) => {{
        let insert = diesel::insert_into($table).values($row).on_conflict_do_nothing();
        match &mut *$connection {
            $crate::db::AnyConnection::Postgres(postgres) => diesel::RunQueryDsl::execute(insert, postgres),
            $crate::db::AnyConnection::Sqlite(sqlite) => diesel::RunQueryDsl::execute(insert, sqlite),
        }
    }};
}

/// Upserts rows: inserts them, or updates the listed columns of those whose key exists (`id` unless others are given).
/// One statement per [`batch`]; `$row` makes a row of each of `$items`.
#[macro_export]
macro_rules! write_all {
    ($connection:expr, $table:ident, $items:expr, $row:expr, [$($column:ident),+ $(,)?]) => {
        $crate::write_all!($connection, $table, (id), $items, $row, [$($column),+])
    };
    ($connection:expr, $table:ident, ($($by:ident),+), $items:expr, $row:expr, [$($column:ident),+ $(,)?]) => {{
        use diesel::{ExpressionMethods as _, RunQueryDsl as _};
        let (connection, make_row) = (&mut *$connection, $row);
        let mut result: diesel::QueryResult<usize> = Ok(0);
        for batch in $items.chunks($crate::db::connection::batch()) {
            let rows: Vec<_> = batch.iter().map(&make_row).collect();
            let insert = diesel::insert_into($table::table).values(&rows).on_conflict(($($table::$by),+)).do_update();
            let upsert = insert.set(($($table::$column.eq(diesel::upsert::excluded($table::$column))),+));
            result = match connection {
                $crate::db::AnyConnection::Postgres(postgres) => upsert.execute(postgres),
                $crate::db::AnyConnection::Sqlite(sqlite) => upsert.execute(sqlite),
            };
            if result.is_err() {
                break;
            }
        }
        result
    }};
}

/// How many rows one statement takes: below SQLite's 32,766 and PostgreSQL's 65,535 parameters at 32
/// columns.
pub const fn batch() -> usize {
    500
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_picked_by_scheme_and_hide_their_password() {
        assert_eq!(Location::parse("sqlite:medstrategi.db").unwrap().engine(), Engine::Sqlite);
        assert_eq!(Location::parse("sqlite:///var/lib/m.db").unwrap().to_string(), "sqlite:/var/lib/m.db");
        let postgres = Location::parse("postgres://med:hemmelig@db.intern/med").unwrap();
        assert_eq!(postgres.engine(), Engine::Postgres);
        assert_eq!(postgres.to_string(), "postgres://db.intern/med");
        assert!(!format!("{postgres:?}").contains("hemmelig"));
        assert_eq!(postgres.without_password(), "postgres://med@db.intern/med");
        let spread =
            Location::parse("postgres:///med?user=med&host=/run/pg&password=hemmelig&sslpassword=hemmelig").unwrap();
        assert_eq!(spread.without_password(), "postgres:///med?user=med&host=%2Frun%2Fpg");
        for wrong in ["", "medstrategi.db", "mysql://x/y", "sqlite:", "sqlite::memory:"] {
            assert!(Location::parse(wrong).is_err(), "{wrong}");
        }
        for password in ["hem%lig", "hem/lig", "hem#lig/", "hem?lig"] {
            let error = Location::parse(&format!("postgres://u:{password}@localhost/db")).unwrap_err();
            assert!(!error.contains("hem"), "{error}");
        }
    }
}
