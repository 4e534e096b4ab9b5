//! Reports: what committees and units say of their assignments, kept for good.
//!
//! A report is never changed and never removed; a correction is a new one, and the latest counts. `reporter` says who may
//! report for whom, `save` what a report has to be, `store` reads the history.

pub mod model;
pub mod reporter;
pub mod routes;
pub mod save;
pub mod store;
