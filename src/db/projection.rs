//! Data derived from stored rows and stored beside them, so that questions about many rows are answered fast.
//!
//! A projection is brought up to date at the end of every transaction that changes what it depends on. It learns of
//! changes from the change log, in which every write leaves its rows, so no writer can forget it.

use super::Writer;
use super::change_log::{EntityKind, Operation};
use super::types::Id;
use crate::problem::Result;

/// A change of one row, as far as a projection needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeEvent {
    /// Which kind of row.
    pub entity: EntityKind,
    /// Which row.
    pub id: Id,
    /// What happened.
    pub operation: Operation,
    /// Which of the fields that projections depend on have another value now.
    pub fields: ChangedFields,
}

/// Fields that projections depend on: whether an update gave them another value. All are false for a row that was
/// created or deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangedFields {
    /// One of the days on which it begins, ends, is due or was cancelled.
    pub dates: bool,
    /// The level of a committee.
    pub level: bool,
    /// How often an action recurs.
    pub recurrence: bool,
}

/// Data derived from stored rows.
pub trait Projection: Send + Sync {
    /// Whether a change makes a difference to it.
    fn is_affected_by(&self, event: &ChangeEvent) -> bool;

    /// Brings it up to date after changes that affect it, at the end of the transaction that made them.
    fn apply(&self, writer: &mut Writer<'_>, events: Vec<ChangeEvent>) -> Result<()>;
}
