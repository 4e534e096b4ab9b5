//! Data derived from stored rows and stored beside them, so that questions about many rows are answered fast.
//!
//! A projection is brought up to date at the end of every transaction that changes what it depends on. It learns of
//! changes from the change log, in which every write leaves its rows, so no writer can forget it.

use super::change::ChangeEvent;
use super::tenant::Writer;
use crate::problem::Result;

/// Data derived from stored rows.
pub trait Projection: Send + Sync {
    /// Whether a change makes a difference to it.
    fn is_affected_by(&self, event: &ChangeEvent) -> bool;

    /// Brings it up to date after changes that affect it, at the end of the transaction that made them.
    fn apply(&self, writer: &mut Writer<'_>, events: Vec<ChangeEvent>) -> Result<()>;
}
