//! What a write changes in a strategy's tree, part by part.

use std::collections::HashMap;

use super::model::{FocusAreaFields, ObjectiveBody, StrategyFields};
use crate::action::model::ActionBody;
use crate::action::store::Links;
use crate::db::change::Operation;
use crate::db::change_log::Change;
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::resource::{self, Body, Entity, UpsertOutcome};

/// A part that is about to be written, and its place among its siblings.
#[derive(Debug)]
pub struct PartChange<B> {
    /// The strategy or focus area that it belongs to.
    pub parent_id: Id,
    /// Its index in the parent's array.
    pub position: i32,
    /// Its index until now; none where it is new.
    stored_position: Option<i32>,
    /// Its row, compared with the stored one.
    pub outcome: UpsertOutcome<B>,
}

/// The place that a part is to have.
pub struct Slot<'p> {
    /// Its id, where it is new.
    pub id: Id,
    /// The keys that lead to it.
    pub path: &'p [RegisterKey],
    /// The strategy or focus area that it belongs to.
    pub parent_id: Id,
    /// Its index in the parent's array.
    pub position: i32,
}

impl<B: Body> PartChange<B> {
    /// Compares a requested part with the stored one, which comes with its index.
    pub fn compare(stored: Option<(i32, Entity<B>)>, slot: Slot<'_>, body: B, now: Timestamp) -> Self {
        let Slot { id, path, parent_id, position } = slot;
        let (stored_position, stored) = stored.unzip();
        let mut outcome = UpsertOutcome::compare(stored, id, body, now);
        if let UpsertOutcome::Created(created) = &mut outcome {
            created.identity.path = Some(Reference::Path(path.to_vec()).to_string());
        }
        Self { parent_id, position, stored_position, outcome }
    }

    /// A part that only moves from one index to another.
    pub fn moved(part: Entity<B>, parent_id: Id, from: i32, to: i32) -> Self {
        Self { parent_id, position: to, stored_position: Some(from), outcome: UpsertOutcome::Unchanged(part) }
    }

    /// Whether its index changes. The order belongs to the parent, so the part's own version stays.
    fn is_moved(&self) -> bool {
        self.stored_position.is_some_and(|stored| stored != self.position)
    }

    /// Whether a stored row has to be updated.
    pub fn is_updated(&self) -> bool {
        !self.outcome.is_created() && (!self.outcome.is_unchanged() || self.is_moved())
    }

    /// Whether the parent's version rises because of it.
    pub fn affects_parent(&self) -> bool {
        !self.outcome.is_unchanged() || self.is_moved()
    }

    /// Its row in the change log; none where only something below it changed.
    pub fn change(&self) -> Option<Change> {
        let mut change = match (&self.outcome, self.is_moved()) {
            (UpsertOutcome::Unchanged(stored), true) => {
                let fields = resource::fields(stored);
                let before = Some(fields.clone());
                Change { before, ..Change::new(B::ENTITY, stored.id(), Operation::Updated, fields) }
            }
            (outcome, _) => outcome.change()?,
        };
        let set_position = |fields: &mut Option<serde_json::Value>, position: Option<i32>| {
            if let (Some(serde_json::Value::Object(fields)), Some(position)) = (fields, position) {
                fields.insert("position".into(), position.into());
            }
        };
        set_position(&mut change.before, self.stored_position);
        set_position(&mut change.after, Some(self.position));
        (change.operation != Operation::Updated || change.before != change.after).then_some(change)
    }
}

/// Raises the version of a row whose own fields stay as they are.
pub fn raise_version<B: Body>(outcome: &mut UpsertOutcome<B>, now: Timestamp) {
    if let UpsertOutcome::Unchanged(before) = outcome {
        let after = Entity { revision: before.revision.next(now), ..before.clone() };
        *outcome = UpsertOutcome::Updated { before: before.clone(), after };
    }
}

/// A tree that was checked and compared with the stored one, and waits to be written.
#[derive(Debug)]
pub struct TreeChange {
    /// The strategy's own fields.
    pub strategy: UpsertOutcome<StrategyFields>,
    /// The committee that adopted it.
    pub adopted_by_id: Option<Id>,
    /// The strategy that it follows.
    pub predecessor_id: Option<Id>,
    /// Its focus areas.
    pub areas: Vec<PartChange<FocusAreaFields>>,
    /// Their objectives.
    pub objectives: Vec<PartChange<ObjectiveBody>>,
    /// Their actions.
    pub actions: Vec<PartChange<ActionBody>>,
    /// The focus areas that each focus area continues.
    pub continues: HashMap<Id, Vec<Id>>,
    /// The ids that each action's references resolved to.
    pub links: HashMap<Id, Links>,
    /// The pairs of counterparts, the side that states the pair first; none where they stay as they are.
    pub new_pairs: Option<Vec<(Id, Id)>>,
    /// The stored parts that the requested tree leaves out.
    pub removed: RemovedParts,
}

/// Parts that are about to be removed.
#[derive(Debug, Default)]
pub struct RemovedParts {
    /// Focus areas.
    pub areas: Vec<Entity<FocusAreaFields>>,
    /// Objectives, those of removed focus areas included.
    pub objectives: Vec<Entity<ObjectiveBody>>,
    /// Actions, those of removed focus areas included.
    pub actions: Vec<Entity<ActionBody>>,
}

/// Trees that were checked and wait to be written.
#[derive(Debug)]
pub struct TreeChanges {
    /// The trees, in the order of their drafts.
    pub trees: Vec<TreeChange>,
    /// Sentences that name what still refers, from elsewhere, to parts that would be removed.
    pub in_use: Vec<String>,
}
