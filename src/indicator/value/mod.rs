//! The values of indicators and benchmarks: written by the thousand, read as lists, tables, cubes and pictures.

pub mod bundled;
pub mod head;
pub mod input;
pub mod json_stat;
pub mod model;
pub mod page;
pub mod query;
pub mod read;
pub mod routes;
pub mod service;
pub mod store;
