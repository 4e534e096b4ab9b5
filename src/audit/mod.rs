//! The change log, for those who follow what changed or keep a copy in step, and the access log, which
//! tells who read personal data.

pub mod routes;
