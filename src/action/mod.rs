//! Actions: what a plan wants done, by whom, and how far it is.
//!
//! An action is part of a focus area and addressed to levels, committees or units; or it is local, a committee's own.
//! `schedule` computes when it is to be done, `assignment` who has to do it and how far they are; `report` stores what
//! they report.

pub mod assignment;
pub mod local;
pub mod model;
pub mod report;
pub mod routes;
pub mod schedule;
pub mod store;
