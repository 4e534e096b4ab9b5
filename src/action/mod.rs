//! Actions: what a plan wants done, and by whom.
//!
//! An action stands in a focus area and is addressed to levels, committees or units. It is stored
//! with its strategy's tree; this module holds what an action is and how actions are found.

pub mod model;
pub mod routes;
pub mod store;
