//! The predecessors of actions, and whether they are done.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;

use super::model::ActionWithAssignees;
use super::snapshot::AssignmentSnapshot;
use super::stage_counts::StageCounts;
use super::store::{self, ActionSelector};
use crate::db::Tenant;
use crate::db::types::Id;
use crate::problem::Result;

/// The predecessors of some actions.
pub struct Predecessors {
    before: HashMap<Id, Vec<Predecessor>>,
}

/// An action that comes before another.
#[derive(Debug, Clone)]
pub struct Predecessor {
    /// The action.
    pub action: ActionWithAssignees,
    /// Whether there is something to do in it, and all of it is done or dropped.
    pub is_done: bool,
    /// Whether its successors should wait: it is neither done nor cancelled.
    pub is_blocking: bool,
}

impl Predecessors {
    /// Reads the predecessors of some actions, as they are on a day. `all` are all actions, if the caller has them.
    pub fn read(
        tenant: &mut Tenant<'_>,
        actions: &[ActionWithAssignees],
        all: Option<Vec<ActionWithAssignees>>,
        on: NaiveDate,
    ) -> Result<Self> {
        let single = match actions {
            [one] => Some(one.id),
            _ => None,
        };
        let later: HashSet<Id> = actions.iter().map(|action| action.id).collect();
        let mut edges = store::predecessors(tenant, single)?;
        edges.retain(|(action, _)| later.contains(action));
        let mut before: HashMap<Id, Vec<Predecessor>> = HashMap::new();
        if edges.is_empty() {
            return Ok(Self { before });
        }
        let ids: HashSet<Id> = edges.iter().map(|(_, first)| *first).collect();
        let mut found = match all {
            Some(all) => all,
            None => store::actions(tenant, ActionSelector::All)?,
        };
        found.retain(|action| ids.contains(&action.id));
        let snapshot = AssignmentSnapshot::from_actions(tenant, found, on)?;
        let sums = snapshot.by_action();
        let is_done = |id: Id| sums.get(&id).is_some_and(StageCounts::is_done);
        let by_id: HashMap<Id, &ActionWithAssignees> =
            snapshot.actions.iter().map(|action| (action.id, action)).collect();
        for (action, first) in edges {
            let predecessor = by_id.get(&first).map(|first| {
                let is_cancelled = first.schedule.cancelled_on.is_some_and(|day| day <= on);
                let is_done = is_done(first.id);
                Predecessor { action: (*first).clone(), is_done, is_blocking: !is_done && !is_cancelled }
            });
            before.entry(action).or_default().extend(predecessor);
        }
        Ok(Self { before })
    }

    /// The predecessors of an action.
    pub fn before(&self, action: Id) -> &[Predecessor] {
        self.before.get(&action).map_or(&[], Vec::as_slice)
    }

    /// Whether an action should wait for one of its predecessors.
    pub fn are_blocking(&self, action: Id) -> bool {
        self.before(action).iter().any(|predecessor| predecessor.is_blocking)
    }
}
