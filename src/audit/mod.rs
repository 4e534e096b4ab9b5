//! The change log, for those who follow what changed or keep a copy in step.

pub mod routes;
