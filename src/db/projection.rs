//! What is derived from stored rows and kept beside them, so that questions about many of them are quick to answer.
//!
//! A projection is brought up to date at the end of every transaction that changes what it depends on. It is told so
//! by the change log, which every write leaves its rows in, so that no writer can forget it.

use serde_json::Value;

use super::Writer;
use super::types::Id;
use crate::problem::Result;

/// A row that changed, of a kind that a projection depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heeded {
    /// What kind of row, as the change log calls it.
    pub entity: &'static str,
    /// Which row.
    pub id: Id,
}

/// Something that is kept beside the rows it is derived from.
pub trait Projection: Send + Sync {
    /// Whether it depends on what changed: a kind of row, its fields until then, and since.
    fn heeds(&self, entity: &str, before: Option<&Value>, after: Option<&Value>) -> bool;

    /// Brings it up to date with the changes that it heeds.
    fn follow(&self, writer: &mut Writer<'_>, changes: Vec<Heeded>) -> Result<()>;
}

/// No projection at all.
pub(super) struct Nothing;

impl Projection for Nothing {
    fn heeds(&self, _: &str, _: Option<&Value>, _: Option<&Value>) -> bool {
        false
    }

    fn follow(&self, _: &mut Writer<'_>, _: Vec<Heeded>) -> Result<()> {
        Ok(())
    }
}
