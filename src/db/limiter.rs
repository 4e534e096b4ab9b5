//! Queues in front of the database, of bounded length: when more requests wait than the service can soon answer, the
//! next one is answered with 503 at once instead of waiting in vain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{Kind, Problem, Result};

/// The requests that wait. Several limiters may share one queue, and with it one bound.
#[derive(Clone)]
pub(super) struct WaitQueue {
    waiting: Arc<AtomicUsize>,
    max: usize,
}

impl WaitQueue {
    pub(super) fn new(max: usize) -> Self {
        Self { waiting: Arc::default(), max }
    }

    /// How many requests wait now.
    pub(super) fn len(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Joins the queue until the answered value is dropped. Fails when the queue is full.
    fn join(&self) -> Result<QueuePosition> {
        let position = QueuePosition(Arc::clone(&self.waiting));
        match self.waiting.fetch_add(1, Ordering::Relaxed) < self.max {
            true => Ok(position),
            false => Err(Problem::new(
                Kind::Unavailable,
                "The service is busy: too many requests wait for the database already. Try again in a moment.",
            )),
        }
    }
}

struct QueuePosition(Arc<AtomicUsize>);

impl Drop for QueuePosition {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets a number of requests go on at a time; the others wait.
#[derive(Clone)]
pub(super) struct Limiter {
    permits: Arc<Semaphore>,
    /// How long a request waits before it is answered with 503.
    max_wait: Duration,
}

impl Limiter {
    /// Allows `max` requests at a time, or one where that is 0.
    pub(super) fn new(max: u32, max_wait: Duration) -> Self {
        Self { permits: Arc::new(Semaphore::new(max.max(1) as usize)), max_wait }
    }

    /// Waits for a permit, which is given back when it is dropped.
    pub(super) async fn acquire(&self, queue: &WaitQueue) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let _position = queue.join()?;
        let permit = tokio::time::timeout(self.max_wait, Arc::clone(&self.permits).acquire_owned()).await;
        permit.map_err(Problem::unavailable)?.map_err(Problem::internal)
    }
}
