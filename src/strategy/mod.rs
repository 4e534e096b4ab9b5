//! Strategies: focus areas with objectives and actions, versioned as one tree.
//!
//! Whole trees are created, replaced and imported through `service`; `resolve` checks them and compares them with the
//! stored ones, and `store::write` writes the difference. Single parts are changed through `part_service`, by the same
//! rules and the same writes, without reading the rest of the tree.

pub mod model;
pub mod part_routes;
pub mod part_service;
pub mod resolve;
pub mod routes;
pub mod service;
pub mod store;
pub mod tree;
pub mod tree_change;
