//! The organisation as the HR system or an editor describes it: a tree of units.
//!
//! A unit is a centre, department or workplace. It starts and ends on dates, is never removed while
//! something refers to it, and belongs to whoever manages it.

pub mod employee;
pub mod model;
pub mod routes;
pub mod service;
pub mod store;

/// Units as a resource.
pub struct Units;
