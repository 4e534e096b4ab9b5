//! The values of indicators and benchmarks: in by the thousand, out as lists, tables, cubes and pictures.

pub mod answer;
pub mod benchmark;
pub mod bundled;
pub mod head;
pub mod json_stat;
pub mod read;
pub mod routes;
pub mod rows;
pub mod save;
pub mod store;
pub mod stream;
