//! Local actions: actions of a single committee, inspired by an action of a plan.
//!
//! They belong to their committee, which alone has to do them. They count for that committee, never in the numbers of
//! the plan.

pub mod routes;
pub mod service;
pub mod store;
