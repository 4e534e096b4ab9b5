//! What the engines' own checks say about a database, and which tables the migrations make in an empty one.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_migrations::MigrationHarness;

use super::{AnyConnection, migrate};
use crate::problem::{Problem, Result};

/// At most this many findings of one kind are listed.
pub const MOST: usize = 100;

/// A row of a query that is written as text because it is run on any table.
#[derive(Debug, Clone, QueryableByName)]
pub struct Found {
    /// Which row, or what else was selected.
    #[diesel(sql_type = Text)]
    pub what: String,
    /// What it holds.
    #[diesel(sql_type = Nullable<Text>)]
    pub value: Option<String>,
}

/// The rows of a query that selects `what` and `value`.
pub fn find(connection: &mut AnyConnection, sql: &str) -> Result<Vec<Found>> {
    let query = diesel::sql_query(sql);
    Ok(match connection {
        AnyConnection::Postgres(postgres) => query.load(postgres)?,
        AnyConnection::Sqlite(sqlite) => query.load(sqlite)?,
    })
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many rows a table has.
pub fn count(connection: &mut AnyConnection, table: &str) -> Result<i64> {
    let query = diesel::sql_query(format!("SELECT count(*) AS count FROM {table}"));
    let counted: Counted = match connection {
        AnyConnection::Postgres(postgres) => query.get_result(postgres)?,
        AnyConnection::Sqlite(sqlite) => query.get_result(sqlite)?,
    };
    Ok(counted.count)
}

/// Whether a SQLite database is one that this service has made.
pub(super) fn is_ours(sqlite: &mut SqliteConnection) -> QueryResult<bool> {
    let found: Vec<Found> = diesel::sql_query(
        "SELECT name AS what, NULL AS value FROM sqlite_master WHERE name = '__diesel_schema_migrations'",
    )
    .load(sqlite)?;
    Ok(!found.is_empty())
}

#[derive(QueryableByName)]
struct IntegrityLine {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

/// What SQLite finds wrong: pages, indexes, constraints, and references to rows that are not there.
pub fn faults_of_sqlite(sqlite: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    let broken: Vec<IntegrityLine> = diesel::sql_query(format!("PRAGMA integrity_check({MOST})")).load(sqlite)?;
    let broken = broken.into_iter().map(|row| row.integrity_check).filter(|line| line != "ok");
    let dangling: Vec<Found> = diesel::sql_query(format!(
        "SELECT c.\"table\" || '.' || coalesce(f.\"from\", '?') AS what, c.parent AS value \
         FROM pragma_foreign_key_check c LEFT JOIN pragma_foreign_key_list(c.\"table\") f ON f.id = c.fkid LIMIT {MOST}"
    ))
    .load(sqlite)?;
    let describe = |Found { what, value }| match value {
        Some(parent) => format!("{what} refers to a row of {parent} that is not there"),
        None => what,
    };
    let mut errors: Vec<String> = broken.chain(dangling.into_iter().map(describe)).collect();
    // Rows of one table with the same missing parent make one finding.
    errors.dedup();
    Ok(errors)
}

/// Whether a database could not be read because its file is no longer what SQLite has written. These are the engine's
/// fixed words.
pub fn is_damage(problem: &Problem) -> bool {
    let cause = problem.cause.as_ref().map(ToString::to_string).unwrap_or_default();
    ["database disk image is malformed", "file is not a database"].iter().any(|words| cause.contains(words))
}

/// A column that refers to another table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, QueryableByName)]
pub struct ForeignKey {
    /// The table that refers.
    #[diesel(sql_type = Text)]
    pub child: String,
    /// With which column.
    #[diesel(sql_type = Text)]
    pub column: String,
    /// To which table.
    #[diesel(sql_type = Text)]
    pub parent: String,
    /// And which of its columns.
    #[diesel(sql_type = Text)]
    pub parent_column: String,
}

/// A column of a table, as the SQLite migrations declare it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub struct Column {
    /// The table.
    #[diesel(sql_type = Text)]
    pub table: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its type.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// 1 where it can't be NULL.
    #[diesel(sql_type = BigInt)]
    pub is_required: i64,
}

/// The tables of a database.
#[derive(Debug, Clone)]
pub struct Structure {
    /// The columns, table by table.
    pub columns: Vec<Column>,
    /// The columns that refer to other tables.
    pub foreign_keys: Vec<ForeignKey>,
    /// The names of the indexes.
    pub indexes: Vec<Found>,
}

const SQLITE_COLUMNS: &str = "SELECT m.name AS \"table\", c.name, c.type AS kind, c.\"notnull\" AS is_required \
    FROM sqlite_master m JOIN pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' \
    ORDER BY m.name, c.cid";
const SQLITE_FOREIGN_KEYS: &str = "SELECT m.name AS child, f.\"from\" AS \"column\", f.\"table\" AS parent, \
    coalesce(f.\"to\", 'id') AS parent_column FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
    WHERE m.type = 'table' ORDER BY m.name, f.\"from\"";
const SQLITE_INDEXES: &str =
    "SELECT name AS what, NULL AS value FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";

const POSTGRES_COLUMNS: &str = "SELECT table_name::text AS \"table\", column_name::text AS name, \
    data_type::text AS kind, \
    (CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END)::bigint AS is_required \
    FROM information_schema.columns WHERE table_schema = current_schema()";
const POSTGRES_FOREIGN_KEYS: &str = "SELECT c.conrelid::regclass::text AS child, a.attname::text AS \"column\", \
    c.confrelid::regclass::text AS parent, b.attname::text AS parent_column FROM pg_constraint c \
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
    JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1] \
    WHERE c.contype = 'f' AND c.convalidated AND c.connamespace = current_schema()::regnamespace";
const POSTGRES_INDEXES: &str =
    "SELECT indexname::text AS what, NULL::text AS value FROM pg_indexes WHERE schemaname = current_schema()";

impl Structure {
    /// What this program's migrations make, read from an empty database in memory. Both engines get the same.
    pub fn expected() -> Result<Self> {
        let mut empty = SqliteConnection::establish(":memory:").map_err(Problem::internal)?;
        empty.run_pending_migrations(migrate::SQLITE).map_err(Problem::internal)?;
        Ok(Self::of_sqlite(&mut empty)?)
    }

    /// What a database has; of PostgreSQL's foreign keys those that hold for all rows.
    pub fn found(connection: &mut AnyConnection) -> Result<Self> {
        Ok(match connection {
            AnyConnection::Sqlite(sqlite) => Self::of_sqlite(sqlite)?,
            AnyConnection::Postgres(postgres) => Self {
                columns: diesel::sql_query(POSTGRES_COLUMNS).load(postgres)?,
                foreign_keys: diesel::sql_query(POSTGRES_FOREIGN_KEYS).load(postgres)?,
                indexes: diesel::sql_query(POSTGRES_INDEXES).load(postgres)?,
            },
        })
    }

    fn of_sqlite(sqlite: &mut SqliteConnection) -> QueryResult<Self> {
        Ok(Self {
            columns: diesel::sql_query(SQLITE_COLUMNS).load(sqlite)?,
            foreign_keys: diesel::sql_query(SQLITE_FOREIGN_KEYS).load(sqlite)?,
            indexes: diesel::sql_query(SQLITE_INDEXES).load(sqlite)?,
        })
    }
}
