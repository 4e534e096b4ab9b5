//! Rules that several resources share.

use std::collections::HashMap;
use std::hash::Hash;

use crate::db::types::Id;
use crate::problem::ValidationErrors;

/// Notes every draft whose key another draft before it has.
pub fn check_duplicate_keys<'d, K: Eq + Hash + std::fmt::Display + 'd>(
    rows: impl IntoIterator<Item = (String, &'d K)>,
    errors: &mut ValidationErrors,
) {
    let mut seen: HashMap<&K, String> = HashMap::new();
    for (pointer, key) in rows {
        match seen.get(key) {
            Some(first) => errors.add(format!("{pointer}/key"), format!("'{key}' is the key at {first}/key too")),
            None => {
                seen.insert(key, pointer);
            }
        }
    }
}

/// Notes every row of `edges` (from, to, pointer of the edge) that lies on a cycle and was just drawn.
pub fn check_cycles(edges: &[(Id, Id, Option<String>)], detail: &str, errors: &mut ValidationErrors) {
    let graph: petgraph::graphmap::DiGraphMap<Id, ()> = edges.iter().map(|(from, to, _)| (*from, *to)).collect();
    let mut component = HashMap::new();
    // Not Tarjan's algorithm, which would go as deep into the stack as the edges go.
    for (n, members) in petgraph::algo::kosaraju_scc(&graph).into_iter().enumerate() {
        for member in &members {
            component.insert(*member, (n, members.len()));
        }
    }
    for (from, to, pointer) in edges {
        let Some(pointer) = pointer else { continue };
        let on_cycle =
            from == to || matches!((component.get(from), component.get(to)), (Some(a), Some(b)) if a == b && a.1 > 1);
        if on_cycle {
            errors.add(pointer.clone(), detail);
        }
    }
}

/// Notes an end before the start.
pub fn check_order(
    (start_name, start): (&str, Option<chrono::NaiveDate>),
    (end_name, end): (&str, Option<chrono::NaiveDate>),
    pointer: &str,
    errors: &mut ValidationErrors,
) {
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        errors.add(
            format!("{pointer}/{end_name}"),
            format!("is before {start_name}: write a date on or after {start}, or change {start_name}"),
        );
    }
}
