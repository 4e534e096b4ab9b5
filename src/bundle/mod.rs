//! Bundles: a whole municipality in one JSON file, for moving in, moving out and keeping plans in
//! version control.
//!
//! An import adds and changes, never removes, and is one transaction. What export writes, import
//! reads; importing the same again changes nothing.

pub mod export;
pub mod import;
pub mod model;
pub mod routes;
