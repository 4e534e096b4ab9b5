//! Actions that come before others, and whether they are done.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;

use super::board::Board;
use super::figures::Figures;
use super::model::Addressed;
use super::store::{self, Which};
use crate::db::Tenant;
use crate::db::types::Id;
use crate::problem::Result;

/// What comes before some actions.
pub struct Forerunners {
    before: HashMap<Id, Vec<Forerunner>>,
}

/// An action that comes before another.
#[derive(Debug, Clone)]
pub struct Forerunner {
    /// The action.
    pub action: Addressed,
    /// Whether there is something to do in it, and all of it is done or dropped.
    pub is_done: bool,
    /// Whether what comes after it had better wait: it isn't done, and was not cancelled.
    pub holds_up: bool,
}

impl Forerunners {
    /// What comes before some actions, as it stands on a day; `all` actions are read where they aren't at hand.
    pub fn read(
        tenant: &mut Tenant<'_>,
        actions: &[Addressed],
        all: Option<Vec<Addressed>>,
        on: NaiveDate,
    ) -> Result<Self> {
        let of = match actions {
            [one] => Some(one.id),
            _ => None,
        };
        let later: HashSet<Id> = actions.iter().map(|action| action.id).collect();
        let mut edges = store::forerunners(tenant, of)?;
        edges.retain(|(action, _)| later.contains(action));
        let mut before: HashMap<Id, Vec<Forerunner>> = HashMap::new();
        if edges.is_empty() {
            return Ok(Self { before });
        }
        let wanted: HashSet<Id> = edges.iter().map(|(_, first)| *first).collect();
        let mut found = match all {
            Some(all) => all,
            None => store::actions(tenant, Which::All)?,
        };
        found.retain(|action| wanted.contains(&action.id));
        let board = Board::of(tenant, found, on)?;
        let mut sums: HashMap<Id, Figures> = HashMap::new();
        for entry in board.entries() {
            *sums.entry(entry.action.id).or_default() += entry.figures;
        }
        let is_done = |id: Id| sums.get(&id).is_some_and(Figures::is_done);
        let by_id: HashMap<Id, &Addressed> = board.actions.iter().map(|action| (action.id, action)).collect();
        for (action, first) in edges {
            let forerunner = by_id.get(&first).map(|first| {
                let is_cancelled = first.schedule.cancelled_on.is_some_and(|day| day <= on);
                let is_done = is_done(first.id);
                Forerunner { action: (*first).clone(), is_done, holds_up: !is_done && !is_cancelled }
            });
            before.entry(action).or_default().extend(forerunner);
        }
        Ok(Self { before })
    }

    /// What comes before an action.
    pub fn of(&self, action: Id) -> &[Forerunner] {
        self.before.get(&action).map_or(&[], Vec::as_slice)
    }

    /// Whether something that comes before an action holds it up.
    pub fn hold_up(&self, action: Id) -> bool {
        self.of(action).iter().any(|forerunner| forerunner.holds_up)
    }
}
