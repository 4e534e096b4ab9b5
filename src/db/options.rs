//! How a database is opened.

use std::sync::Arc;

use super::projection::Projection;
use super::types::Timestamp;

/// How a database is opened.
#[derive(Clone)]
pub struct Options {
    /// The data derived from the rows: every transaction that writes keeps it up to date.
    pub projection: Arc<dyn Projection>,
    /// How many connections there are at most.
    pub pool_size: u32,
    /// How many requests wait for one at most; the next is answered with 503 at once.
    pub max_waiting: usize,
    /// How long logs are retained.
    pub retention: Retention,
    /// Whether the engine refuses everything that would change the database.
    pub is_read_only: bool,
}

impl Options {
    /// The defaults, with one connection. There is no default projection, since every writer has to keep it up to date.
    pub fn new(projection: impl Projection + 'static) -> Self {
        Self {
            projection: Arc::new(projection),
            pool_size: 1,
            max_waiting: 100,
            retention: Retention::default(),
            is_read_only: false,
        }
    }
}

/// For how long rows are retained that are deleted some day.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Days for which an entry of the access log is retained.
    pub access_log_days: u32,
    /// Hours for which an idempotency key is.
    pub idempotency_hours: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { access_log_days: 365, idempotency_hours: 24 }
    }
}

impl Retention {
    /// Accesses before this are forgotten.
    pub(super) fn oldest_access(self, now: Timestamp) -> Timestamp {
        now.minus_days(self.access_log_days)
    }

    /// Idempotency keys before this are forgotten.
    pub(super) fn oldest_key(self, now: Timestamp) -> Timestamp {
        now.minus_hours(self.idempotency_hours)
    }
}
