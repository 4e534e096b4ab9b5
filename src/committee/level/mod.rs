//! Levels: the ranks in the committee tree, which each municipality names for itself.

pub mod model;
pub mod routes;
pub mod store;

/// Levels as a resource.
pub struct Levels;
