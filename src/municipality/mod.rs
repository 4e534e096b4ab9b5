//! The municipality: the tenant to which every other row belongs.
//!
//! A token speaks for one municipality. Only the command line creates one.

pub mod model;
pub mod routes;
pub mod store;
