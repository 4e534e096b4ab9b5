//! Brings a database to this version's schema; safe when several instances start at once.

use diesel::backend::Backend;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::migration::{Migration, MigrationSource as _};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection as _;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::AnyConnection;
use crate::problem::{Kind, Problem, Result};

/// The migrations of the SQLite engine.
pub const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
/// The migrations of the PostgreSQL engine: same names, same changes.
pub const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// An arbitrary number that every instance asks PostgreSQL to lock while it migrates.
const LOCK: &str = "726564";

/// Runs the pending migrations and returns the names of those that ran.
pub fn run(connection: &mut AnyConnection) -> Result<Vec<String>> {
    match connection {
        AnyConnection::Sqlite(sqlite) => {
            // The write lock comes first, so that a second instance waits and then finds nothing to do.
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?;
            let ran = sqlite.run_pending_migrations(SQLITE).map(|ran| names(&ran));
            finish(sqlite, ran)
        }
        AnyConnection::Postgres(postgres) => {
            AnsiTransactionManager::begin_transaction_sql(
                postgres,
                "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE",
            )?;
            let ran = diesel::sql_query(format!("SELECT pg_advisory_xact_lock({LOCK})"))
                .execute(postgres)
                .map_err(Into::into)
                .and_then(|_| postgres.run_pending_migrations(POSTGRES).map(|ran| names(&ran)));
            finish(postgres, ran)
        }
    }
}

type MigrationResult<T> = diesel::migration::Result<T>;

fn names(ran: &[diesel::migration::MigrationVersion<'_>]) -> Vec<String> {
    ran.iter().map(ToString::to_string).collect()
}

fn finish<C>(connection: &mut C, ran: MigrationResult<Vec<String>>) -> Result<Vec<String>>
where
    C: diesel::Connection<TransactionManager = AnsiTransactionManager>,
{
    match ran {
        Ok(names) => {
            AnsiTransactionManager::commit_transaction(connection)?;
            Ok(names)
        }
        Err(error) => {
            AnsiTransactionManager::rollback_transaction(connection)?;
            Err(Problem::internal(error))
        }
    }
}

/// How many migrations have not run on this database.
pub fn pending(connection: &mut AnyConnection) -> Result<usize> {
    let pending = match connection {
        AnyConnection::Sqlite(sqlite) => sqlite.pending_migrations(SQLITE).map(|pending| pending.len()),
        AnyConnection::Postgres(postgres) => postgres.pending_migrations(POSTGRES).map(|pending| pending.len()),
    };
    pending.map_err(Problem::internal)
}

/// Whether the database answers and has every migration.
pub fn check_ready(connection: &mut AnyConnection) -> Result<()> {
    connection.ping().map_err(Problem::unavailable)?;
    match pending(connection)? {
        0 => Ok(()),
        n => Err(Problem::new(Kind::Unavailable, format!("{n} migrations have not run yet."))),
    }
}

/// How the migrations that have run differ from those that this program knows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Those that have not run.
    pub pending: Vec<String>,
    /// Those that have run and that this program doesn't know, since they are a newer version's.
    pub unknown: Vec<String>,
}

/// Compares the migrations that have run with those that this program knows, and writes nothing. (Diesel's own
/// function, which [`pending`] uses, creates its table where there is none.)
pub fn difference(connection: &mut AnyConnection) -> Result<Difference> {
    let known = match connection {
        AnyConnection::Sqlite(_) => versions::<Sqlite>(&SQLITE)?,
        AnyConnection::Postgres(_) => versions::<Pg>(&POSTGRES)?,
    };
    let has_run = tables(connection)?.iter().any(|table| table.name == OURS);
    let ran: Vec<Table> = match has_run {
        true => {
            let ran = diesel::sql_query(format!("SELECT CAST(version AS TEXT) AS name FROM {OURS}"));
            match connection {
                AnyConnection::Sqlite(sqlite) => ran.load(sqlite)?,
                AnyConnection::Postgres(postgres) => ran.load(postgres)?,
            }
        }
        false => Vec::new(),
    };
    let ran: Vec<String> = ran.into_iter().map(|row| row.name).collect();
    let without = |all: &[String], others: &[String]| all.iter().filter(|one| !others.contains(one)).cloned().collect();
    Ok(Difference { pending: without(&known, &ran), unknown: without(&ran, &known) })
}

fn versions<DB: Backend>(migrations: &EmbeddedMigrations) -> Result<Vec<String>> {
    let all: Vec<Box<dyn Migration<DB>>> = migrations.migrations().map_err(Problem::internal)?;
    Ok(all.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// Diesel's table of what has run.
const OURS: &str = "__diesel_schema_migrations";

/// Whether the database holds tables, but none of this service's: another program's data.
pub fn is_foreign(connection: &mut AnyConnection) -> Result<bool> {
    let tables = tables(connection)?;
    Ok(!tables.is_empty() && tables.iter().all(|table| table.name != OURS))
}

fn tables(connection: &mut AnyConnection) -> Result<Vec<Table>> {
    Ok(match connection {
        AnyConnection::Sqlite(sqlite) => {
            diesel::sql_query("SELECT name FROM sqlite_master WHERE type = 'table'").load(sqlite)?
        }
        AnyConnection::Postgres(postgres) => {
            diesel::sql_query("SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema()")
                .load(postgres)?
        }
    })
}

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}
