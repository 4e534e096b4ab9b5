//! Whether the rows that others refer to exist and belong to the same municipality.
//!
//! Which columns refer to which tables is read from the migrations, so that new tables need no code here.

use std::collections::HashSet;

use super::Findings;
use crate::db::integrity::{self, ForeignKey, Found, MOST, Structure};
use crate::db::{AnyConnection, Engine};
use crate::problem::Result;

/// References to changes. They have no foreign keys, which would be checked at every write of many rows.
const UNGUARDED: [(&str, &str); 3] =
    [("indicator_values", "written_in"), ("replaced_values", "written_in"), ("replaced_values", "replaced_in")];

pub(super) fn check(connection: &mut AnyConnection, expected: &Structure, findings: &Findings) -> Result<()> {
    let unguarded = UNGUARDED.map(|(child, column)| ForeignKey {
        child: child.into(),
        column: column.into(),
        parent: "changes".into(),
        parent_column: "sequence".into(),
    });
    for key in &unguarded {
        check_target(connection, key, findings)?;
    }
    // SQLite's own check has found these already.
    if connection.engine() == Engine::Postgres {
        for key in &expected.foreign_keys {
            check_target(connection, key, findings)?;
        }
    }
    let keys: Vec<ForeignKey> = expected.foreign_keys.iter().chain(&unguarded).cloned().collect();
    let owners = Owners::new(expected, &keys);
    for key in &keys {
        if let Some(sql) = owners.strangers(key) {
            for Found { what, value } in integrity::find(connection, &sql)? {
                let ForeignKey { child, column, parent, .. } = key;
                let value = value.unwrap_or_default();
                findings.add(format!("{child} '{what}': {column} '{value}' is another municipality's, in {parent}"));
            }
        }
    }
    Ok(())
}

fn check_target(connection: &mut AnyConnection, key: &ForeignKey, findings: &Findings) -> Result<()> {
    let ForeignKey { child, column, parent, parent_column } = key;
    let missing = format!(
        "SELECT DISTINCT CAST(c.{column} AS TEXT) AS what, NULL AS value FROM {child} c \
         WHERE c.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.{parent_column} = c.{column}) \
         LIMIT {MOST}"
    );
    for Found { what, .. } in integrity::find(connection, &missing)? {
        findings.add(format!("{child}.{column} refers to '{what}', which is not there in {parent}"));
    }
    Ok(())
}

/// Which municipality a table's rows belong to: their own column says it, or the row that they are part of.
struct Owners<'s> {
    keys: &'s [ForeignKey],
    /// Tables with a column for it, and the column that names a row.
    named: HashSet<&'s str>,
    required: HashSet<(&'s str, &'s str)>,
}

const MUNICIPALITY: &str = "municipality_id";

impl<'s> Owners<'s> {
    fn new(structure: &'s Structure, keys: &'s [ForeignKey]) -> Self {
        let columns = || structure.columns.iter();
        let named = columns().filter(|column| column.name == MUNICIPALITY).map(|column| column.table.as_str());
        let required = columns().filter(|column| column.is_required == 1);
        let required = required.map(|column| (column.table.as_str(), column.name.as_str()));
        Self { keys, named: named.collect(), required: required.collect() }
    }

    /// The reference by which a row without a municipality of its own has one.
    fn whole(&self, table: &str) -> Option<&'s ForeignKey> {
        let own = self.keys.iter().filter(|key| key.child == table && key.parent != table);
        own.filter(|key| self.required.contains(&(key.child.as_str(), key.column.as_str()))).min()
    }

    /// The column that holds the municipality of `alias`, a row of `table`, and the joins that lead there.
    fn of(&self, table: &str, alias: &str) -> Option<(String, String)> {
        if self.named.contains(table) {
            return Some((format!("{alias}.{MUNICIPALITY}"), String::new()));
        }
        let ForeignKey { column, parent, parent_column, .. } = self.whole(table)?;
        let next = format!("{alias}_");
        let (owner, joins) = self.of(parent, &next)?;
        Some((owner, format!(" JOIN {parent} {next} ON {next}.{parent_column} = {alias}.{column}{joins}")))
    }

    /// The rows that refer, by this key, to what is another municipality's; none where that can't be.
    fn strangers(&self, key: &ForeignKey) -> Option<String> {
        let ForeignKey { child, column, parent, parent_column } = key;
        if parent == "municipalities" || (!self.named.contains(child.as_str()) && self.whole(child) == Some(key)) {
            return None;
        }
        let (own, own_joins) = self.of(child, "c")?;
        let (other, other_joins) = self.of(parent, "p")?;
        let row = match child.as_str() {
            "changes" | "access_log" => "sequence",
            child if self.named.contains(child) => "id",
            child => &self.whole(child)?.column,
        };
        Some(format!(
            "SELECT CAST(c.{row} AS TEXT) AS what, CAST(c.{column} AS TEXT) AS value FROM {child} c{own_joins} \
             JOIN {parent} p ON p.{parent_column} = c.{column}{other_joins} WHERE {own} <> {other} LIMIT {MOST}"
        ))
    }
}
