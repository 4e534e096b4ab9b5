//! A strategy's stored tree, and the body that a client would write to get it.

use std::collections::HashSet;

use super::model::{FocusArea, FocusAreaBody, Strategy, StrategyBody};
use crate::db::types::{Id, Key};

/// A stored strategy with all of its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// The tree as answers show it: each of two counterparts names the other.
    pub strategy: Strategy,
    /// The objectives on which a pair of counterparts was stated.
    pub stating: HashSet<Id>,
}

impl Tree {
    /// The body of this tree. Each of two counterparts names the other.
    pub fn body(&self) -> StrategyBody {
        let areas = self.strategy.focus_areas.iter().map(area_body);
        StrategyBody { fields: self.strategy.own.body.clone(), focus_areas: areas.collect() }
    }

    /// The body as bundles write it: only the objective on which a pair was stated names its counterpart.
    pub fn bundled(&self) -> StrategyBody {
        let mut body = self.body();
        for (area, stored) in body.focus_areas.iter_mut().zip(&self.strategy.focus_areas) {
            for (objective, stored) in area.objectives.iter_mut().zip(&stored.objectives) {
                if !self.stating.contains(&stored.id()) {
                    objective.counterpart = None;
                }
            }
        }
        body
    }

    /// The index of a focus area.
    pub fn area_index(&self, id: Id) -> Option<usize> {
        self.strategy.focus_areas.iter().position(|area| area.own.id() == id)
    }
}

fn area_body(area: &FocusArea) -> FocusAreaBody {
    FocusAreaBody {
        fields: area.own.body.clone(),
        objectives: area.objectives.iter().map(|objective| objective.body.clone()).collect(),
        actions: area.actions.iter().map(|action| action.body.clone()).collect(),
    }
}

/// Adds the stored parts that a requested tree leaves out: a bundle adds and changes, and never removes.
pub fn retain_unnamed(requested: &mut StrategyBody, stored: &StrategyBody) {
    for area in &mut requested.focus_areas {
        let Some(stored) = stored.focus_areas.iter().find(|stored| stored.fields.key == area.fields.key) else {
            continue;
        };
        merge(&mut area.objectives, &stored.objectives, |objective| &objective.key);
        merge(&mut area.actions, &stored.actions, |action| &action.key);
    }
    merge(&mut requested.focus_areas, &stored.focus_areas, |area| &area.fields.key);
}

/// Adds the stored parts that the request leaves out. Where the requested parts are in the stored order, every part
/// keeps its place and new parts follow. Otherwise the requested order comes first.
fn merge<P: Clone>(requested: &mut Vec<P>, stored: &[P], key: impl Fn(&P) -> &Key) {
    let index = |part: &P| stored.iter().position(|stored| key(stored) == key(part));
    let is_requested = |part: &&P| requested.iter().any(|requested| key(requested) == key(part));
    let unnamed: Vec<P> = stored.iter().filter(|part| !is_requested(part)).cloned().collect();
    if unnamed.is_empty() {
        return;
    }
    let keeps_order = requested.iter().filter_map(index).is_sorted();
    requested.extend(unnamed);
    if keeps_order {
        // The sort is stable: new parts have no index, and stay behind the others in their own order.
        requested.sort_by_cached_key(|part| index(part).unwrap_or(usize::MAX));
    }
}
