//! Actions: what a plan wants done, by whom, and what becomes of it.
//!
//! An action stands in a focus area and is addressed to levels, committees or units; or it is local, a committee's own.
//! `schedule` tells when it is to be done, `assignment` who has to do it and how far they are, `report` takes what they
//! report.

pub mod assignment;
pub mod local;
pub mod model;
pub mod report;
pub mod routes;
pub mod schedule;
pub mod store;
