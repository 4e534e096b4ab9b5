//! What refers to a row, and keeps it from being removed.

use crate::db::types::Key;
use crate::problem::{Kind, Problem, Result, ValidationErrors};

/// Sentences that name what refers to a row, for [`check_unused`].
pub fn dependents(what: &str, keys: Vec<String>) -> Vec<String> {
    keys.into_iter().map(|key| format!("is referred to by the {what} '{key}'")).collect()
}

/// A sentence that names how many rows refer to a row, where they have no keys.
pub fn counted_dependents(what: &str, rows: i64) -> Vec<String> {
    if rows == 0 { Vec::new() } else { vec![format!("is referred to by {rows} {what}")] }
}

/// The paths of actions, for [`dependents`]: a key alone may stand in many areas.
pub fn paths(rows: Vec<(Key, Key, Key)>) -> Vec<String> {
    rows.into_iter().map(|(strategy, area, key)| format!("{strategy}/{area}/{key}")).collect()
}

/// The problem that stops a removal where there are dependents.
pub fn check_unused(what: &str, dependents: Vec<String>) -> Result<()> {
    if dependents.is_empty() {
        return Ok(());
    }
    let mut errors = ValidationErrors::default();
    dependents.into_iter().for_each(|dependent| errors.add("", dependent));
    let detail = format!("Still referred to from {} places, so the {what} stays; change those first.", errors.count());
    Err(Problem { errors, ..Problem::new(Kind::InUse, detail) })
}
