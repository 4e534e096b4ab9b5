//! What all endpoints share: problems, lists, formats, entity tags, bodies, query parameters, the contract.
//!
//! Nothing here knows a resource.

pub mod body;
pub mod client_address;
pub mod connection;
pub mod contract;
pub mod csv;
pub mod entity_tag;
pub mod example;
pub mod format;
pub mod idempotency;
pub mod json;
pub mod language;
pub mod limits;
pub mod method;
pub mod page;
pub mod problem;
pub mod query;
pub mod rate_limit;
pub mod responses;
pub mod row;
pub mod security;
pub mod table;
