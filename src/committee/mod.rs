//! The tree of MED committees, and the levels that rank it.
//!
//! A committee belongs to a level, covers units and stands under another committee; a work group has
//! a mandate instead of a level. Each municipality names its own levels. Who sits where is told by the
//! memberships.

pub mod level;
pub mod membership;
pub mod model;
pub mod proposal;
pub mod routes;
pub mod service;
pub mod store;
pub mod tree;

/// Committees as a resource.
pub struct Committees;
