//! Strategies: focus areas with objectives and actions, kept and versioned as one tree.
//!
//! A change of a part is a change of the tree: every route builds the tree that is wanted, `resolve`
//! checks it whole, and `store` writes the difference. So each rule stands in one place, whichever
//! way a change comes in.

pub mod model;
pub mod part_routes;
pub mod parts;
pub mod resolve;
pub mod routes;
pub mod save;
pub mod store;
pub mod tree;
