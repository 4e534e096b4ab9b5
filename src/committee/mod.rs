//! The tree of MED committees, and the levels that rank it.
//!
//! A committee belongs to a level, covers units and stands under another committee; a work group has
//! a mandate instead of a level. Each municipality names its own levels.

pub mod level;
pub mod model;
pub mod routes;
pub mod store;

/// Committees as a resource.
pub struct Committees;
