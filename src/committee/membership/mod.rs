//! Memberships: the seats of committees, who holds them, from when and until when.
//!
//! A seat without an employee is vacant. Names and roles of members are public in the house; who
//! the employee is beyond that is for `med.hr` alone.

pub mod model;
pub mod routes;
pub mod service;
pub mod store;

/// Memberships as a resource.
pub struct Memberships;
