//! References that must not form a cycle: predecessors of strategies and actions, and continued focus areas.

use std::collections::HashSet;

use crate::action::store as actions;
use crate::db::Tenant;
use crate::db::types::Id;
use crate::problem::{Result, ValidationErrors};
use crate::resource;
use crate::strategy::store::references;

/// A reference from one row to another, with the pointer at which the request has it; none where it is stored.
pub type Edge = (Id, Id, Option<String>);

/// The references of a request that must not form a cycle.
#[derive(Debug, Default)]
pub struct Edges {
    /// From strategies to their predecessors.
    pub strategies: Vec<Edge>,
    /// From focus areas to those that they continue.
    pub focus_areas: Vec<Edge>,
    /// From actions to their predecessors.
    pub actions: Vec<Edge>,
}

/// One of the three kinds of [`Edges`].
#[derive(Debug, Clone, Copy)]
pub enum EdgeKind {
    /// Predecessors of strategies.
    Strategies,
    /// Continued focus areas.
    FocusAreas,
    /// Predecessors of actions.
    Actions,
}

impl EdgeKind {
    fn detail(self) -> &'static str {
        match self {
            Self::Strategies => "makes the strategy follow itself: leave it out, or name another",
            Self::FocusAreas => "makes the focus area continue itself: leave it out, or name another",
            Self::Actions => "makes the action wait for itself: leave it out, or name another",
        }
    }

    fn stored(self, tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Id)>> {
        match self {
            Self::Strategies => references::predecessor_edges(tenant),
            Self::FocusAreas => references::lineage_edges(tenant),
            Self::Actions => actions::edges(tenant),
        }
    }
}

/// Adds an error for every requested edge on a cycle. `rewritten` are the rows whose stored edges the request replaces.
pub fn check(
    tenant: &mut Tenant<'_>,
    kind: EdgeKind,
    requested: Vec<Edge>,
    rewritten: &HashSet<Id>,
    errors: &mut ValidationErrors,
) -> Result<()> {
    if requested.is_empty() {
        return Ok(());
    }
    let mut edges = requested;
    let stored = kind.stored(tenant)?.into_iter().filter(|(from, _)| !rewritten.contains(from));
    edges.extend(stored.map(|(from, to)| (from, to, None)));
    resource::check_cycles(&edges, kind.detail(), errors);
    Ok(())
}

/// [`check`] for the predecessors of a single action. The other actions of its strategy on the cycle are named too,
/// at the body as a whole.
pub fn check_action(
    tenant: &mut Tenant<'_>,
    (strategy, action): (Id, Id),
    requested: Vec<Edge>,
    errors: &mut ValidationErrors,
) -> Result<()> {
    let before = errors.count();
    check(tenant, EdgeKind::Actions, requested.clone(), &HashSet::from([action]), errors)?;
    if errors.count() == before {
        return Ok(());
    }
    let siblings: HashSet<Id> = references::action_ids(tenant, strategy)?.into_iter().collect();
    let stored = EdgeKind::Actions.stored(tenant)?.into_iter().filter(|(from, _)| *from != action);
    let mut edges: Vec<Edge> = requested.into_iter().map(|(from, to, _)| (from, to, None)).collect();
    edges.extend(stored.map(|(from, to)| (from, to, siblings.contains(&from).then(String::new))));
    resource::check_cycles(&edges, "an action before this one waits for it", errors);
    Ok(())
}
