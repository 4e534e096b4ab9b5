//! Local actions: what a committee does by itself, inspired by an action of a plan.
//!
//! They are actions like others, but for their place: they stand with their committee, which alone has to do them, and
//! are counted for it, never in the plan's numbers.

pub mod routes;
pub mod store;
