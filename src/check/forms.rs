//! Whether stored ids can be read as ids; on SQLite, whose columns take any text, also days and times.

use super::Findings;
use crate::db::integrity::{self, Column, Found, MOST, Structure};
use crate::db::{AnyConnection, Engine};
use crate::problem::Result;

pub(super) fn check(connection: &mut AnyConnection, expected: &Structure, findings: &Findings) -> Result<()> {
    for column in &expected.columns {
        let Some((is_wrong, what)) = form(column, connection.engine()) else { continue };
        let Column { table, name, .. } = column;
        let sql = format!(
            "SELECT DISTINCT CAST({name} AS TEXT) AS what, NULL AS value FROM {table} \
             WHERE {name} IS NOT NULL AND {is_wrong} LIMIT {MOST}"
        );
        for Found { what: value, .. } in integrity::find(connection, &sql)? {
            findings.add(format!("{table}.{name} holds '{value}', which is no {what}"));
        }
    }
    Ok(())
}

/// An SQL condition that malformed values of a column fulfil, and what they should be.
fn form(column: &Column, engine: Engine) -> Option<(String, &'static str)> {
    let name = &column.name;
    let is_id = name == "id" || name.ends_with("_id");
    match (column.kind.as_str(), engine) {
        ("TEXT", Engine::Postgres) if is_id => {
            Some((format!("{name} !~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'"), "id"))
        }
        ("TEXT", Engine::Sqlite) if is_id => {
            let hex = |digits: usize| "[0-9a-f]".repeat(digits);
            Some((format!("{name} NOT GLOB '{}'", [8, 4, 4, 4, 12].map(hex).join("-")), "id"))
        }
        ("DATE", Engine::Sqlite) => Some((format!("date({name}) IS NOT {name}"), "day")),
        ("TIMESTAMP", Engine::Sqlite) => {
            Some((format!("(typeof({name}) <> 'text' OR datetime({name}) IS NULL)"), "moment"))
        }
        _ => None,
    }
}
