//! The HR sync: a night's file of units, employees, committees and memberships, taken whole or not at all.
//!
//! [`model`] says what a file holds and what came of it, [`section`] makes of each of its rows what it is
//! to become, [`run`] compares the whole file, applies it in one transaction and tells what was done.
//! [`csv`] reads the sections that come as tables.

pub mod csv;
pub mod model;
pub mod routes;
pub mod run;
pub mod section;
