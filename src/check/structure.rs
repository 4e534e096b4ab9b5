//! What the engine's own checks find, and whether the tables are as this program's migrations make them.

use std::collections::HashSet;

use super::Findings;
use crate::db::AnyConnection;
use crate::db::integrity::{self, Found, Structure};
use crate::db::migrate::{self, Difference};
use crate::problem::Result;

/// Returns whether the rest of the database can be read.
pub(super) fn check(connection: &mut AnyConnection, expected: &Structure, findings: &Findings) -> Result<bool> {
    check_engine(connection, findings)?;
    let Difference { pending, unknown } = migrate::difference(connection)?;
    for version in unknown {
        findings.add(format!("the migration {version} is a newer program's, which knows better what to check"));
    }
    if !pending.is_empty() {
        let pending = pending.join(", ");
        findings.add(format!("not migrated: {pending} (`medstrategi migrate` does it); the rest was not read"));
        return Ok(false);
    }
    compare(connection, expected, findings)
}

/// PostgreSQL enforces its constraints, so only those that were disabled or never validated are findings.
fn check_engine(connection: &mut AnyConnection, findings: &Findings) -> Result<()> {
    if let AnyConnection::Sqlite(sqlite) = connection {
        integrity::faults_of_sqlite(sqlite)?.iter().for_each(|fault| findings.add(format!("SQLite: {fault}")));
        return Ok(());
    }
    let unheld = "SELECT conrelid::regclass::text || ': ' || conname::text AS what, NULL::text AS value \
                  FROM pg_constraint WHERE NOT convalidated AND connamespace = current_schema()::regnamespace";
    for Found { what, .. } in integrity::find(connection, unheld)? {
        findings.add(format!("PostgreSQL: the constraint {what} was never held against all rows (NOT VALID)"));
    }
    let disabled = "SELECT tgrelid::regclass::text AS what, NULL::text AS value FROM pg_trigger t \
                    JOIN pg_class c ON c.oid = t.tgrelid WHERE tgenabled = 'D' \
                    AND c.relnamespace = current_schema()::regnamespace GROUP BY 1";
    for Found { what, .. } in integrity::find(connection, disabled)? {
        findings.add(format!("PostgreSQL: triggers of {what} are disabled, its foreign keys among them"));
    }
    Ok(())
}

fn compare(connection: &mut AnyConnection, expected: &Structure, findings: &Findings) -> Result<bool> {
    let found = Structure::found(connection)?;
    let columns: HashSet<_> = found.columns.iter().map(|column| (&column.table, &column.name)).collect();
    let mut is_readable = true;
    for column in &expected.columns {
        if !columns.contains(&(&column.table, &column.name)) {
            is_readable = false;
            findings.add(format!("the column {}.{} is missing; the rest was not read", column.table, column.name));
        }
    }
    let indexes: HashSet<_> = found.indexes.iter().map(|index| &index.what).collect();
    for index in expected.indexes.iter().filter(|index| !indexes.contains(&index.what)) {
        findings.add(format!("the index {} is missing", index.what));
    }
    let guarded: HashSet<_> = found.foreign_keys.iter().collect();
    for key in expected.foreign_keys.iter().filter(|key| !guarded.contains(key)) {
        findings.add(format!("no foreign key holds {}.{} to {}", key.child, key.column, key.parent));
    }
    Ok(is_readable)
}
