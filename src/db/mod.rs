//! The database: two engines behind one door, and every transaction through it.
//!
//! [`Database::read`], [`Database::write`] and [`Database::dry_run`] each run one transaction off the async threads and
//! hand a [`Tenant`] or a [`Writer`] to their work: the connection together with the one municipality that it may
//! reach. Stores take nothing else, so no query can be written without that boundary. [`Database::admin`] is for what
//! stands outside of municipalities: health, migrations and the command line.

pub mod access_log;
pub mod backup;
pub mod caches;
pub mod change;
pub mod change_log;
pub mod connection;
mod database;
pub mod integrity;
mod limiter;
pub mod migrate;
mod options;
pub mod projection;
pub mod retention;
pub mod schema;
mod tenant;
pub mod types;

pub use connection::{AnyConnection, Engine, Location};
pub use database::{Admin, Database, Usage, block_on};
pub use options::{Options, Retention};
pub use tenant::{Principal, Tenant, Writer};
