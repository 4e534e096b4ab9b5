//! The person behind a token: who they are here, where they sit, and which committees are theirs.

pub mod model;
pub mod routes;
pub mod store;
