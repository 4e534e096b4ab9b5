//! Employees, as the HR system knows them: who works where.
//!
//! Personal data: readable with `med.hr` alone, each read logged. No CPR number, union, health or
//! absence has a field here, and what looks like a CPR number is refused in every text.

pub mod model;
pub mod routes;
pub mod service;
pub mod store;

/// Employees as a resource.
pub struct Employees;
