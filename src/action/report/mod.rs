//! Reports: what committees and units say of their assignments. They are stored for good.
//!
//! A report is never changed and never removed. A correction is a new report, and the latest one counts. `reporter`
//! decides who may report for whom, `service` takes and lists reports, `import` takes the reports of bundles.

pub mod import;
pub mod model;
pub mod reporter;
pub mod routes;
pub mod service;
pub mod store;
