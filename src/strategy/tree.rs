//! A strategy's tree as it is stored, and the tree as it is wanted.

use std::collections::HashSet;

use super::model::{FocusArea, FocusAreaBody, Objective, Strategy, StrategyBody};
use crate::action::model::Action;
use crate::db::types::{Id, Key};

/// A stored strategy with all of its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    /// The tree as it is answered: a counterpart stands on both sides.
    pub strategy: Strategy,
    /// The objectives that state their counterpart themselves.
    pub stating: HashSet<Id>,
}

impl Tree {
    /// What a client would write to get this tree, a counterpart standing on both sides.
    pub fn body(&self) -> StrategyBody {
        let areas = self.strategy.focus_areas.iter().map(area_body);
        StrategyBody { fields: self.strategy.own.body.clone(), focus_areas: areas.collect() }
    }

    /// [`Tree::body`] as bundles write it: a counterpart stands where it was stated.
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

    /// The focus area with this id, and its place.
    pub fn area(&self, id: Id) -> Option<(usize, &FocusArea)> {
        self.areas().find(|(_, area)| area.own.id() == id)
    }

    /// The objective with this id, its area's place and its own.
    pub fn objective(&self, id: Id) -> Option<(usize, usize, &Objective)> {
        self.areas().find_map(|(n, area)| {
            let place = area.objectives.iter().position(|objective| objective.id() == id)?;
            Some((n, place, &area.objectives[place]))
        })
    }

    /// The action with this id, its area's place and its own.
    pub fn action(&self, id: Id) -> Option<(usize, usize, &Action)> {
        self.areas().find_map(|(n, area)| {
            let place = area.actions.iter().position(|action| action.id() == id)?;
            Some((n, place, &area.actions[place]))
        })
    }

    fn areas(&self) -> impl Iterator<Item = (usize, &FocusArea)> {
        self.strategy.focus_areas.iter().enumerate()
    }
}

fn area_body(area: &FocusArea) -> FocusAreaBody {
    FocusAreaBody {
        fields: area.own.body.clone(),
        objectives: area.objectives.iter().map(|objective| objective.body.clone()).collect(),
        actions: area.actions.iter().map(|action| action.body.clone()).collect(),
    }
}

/// Adds to a wanted tree the stored parts that it doesn't name: a bundle adds and changes, and never
/// removes.
pub fn keep_unnamed(wanted: &mut StrategyBody, stored: &StrategyBody) {
    for area in &mut wanted.focus_areas {
        let Some(stored) = stored.focus_areas.iter().find(|stored| stored.fields.key == area.fields.key) else {
            continue;
        };
        merge(&mut area.objectives, &stored.objectives, |objective| &objective.key);
        merge(&mut area.actions, &stored.actions, |action| &action.key);
    }
    merge(&mut wanted.focus_areas, &stored.focus_areas, |area| &area.fields.key);
}

/// What is named, and what is stored beside it. Where the named parts stand in the order in which they
/// are stored, everything keeps its place and new parts follow; else the new order comes first.
fn merge<P: Clone>(wanted: &mut Vec<P>, stored: &[P], key: impl Fn(&P) -> &Key) {
    let place = |part: &P| stored.iter().position(|stored| key(stored) == key(part));
    let unnamed: Vec<P> =
        stored.iter().filter(|part| !wanted.iter().any(|wanted| key(wanted) == key(part))).cloned().collect();
    if unnamed.is_empty() {
        return;
    }
    let keeps_order = wanted.iter().filter_map(place).is_sorted();
    wanted.extend(unnamed);
    if keeps_order {
        // Stable: parts that are new have no place and stay behind the others, in their own order.
        wanted.sort_by_cached_key(|part| place(part).unwrap_or(usize::MAX));
    }
}
