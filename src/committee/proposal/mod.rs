//! Proposals: what the registers suggest should change about committees. The service proposes, a
//! person decides.

pub mod model;
pub mod routes;
pub mod store;
