//! Queues in front of the database, of bounded length: when more requests wait than the service can soon answer, the
//! next is told so at once rather than let in to time out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{Kind, Problem, Result};

/// The requests that wait, in whichever queue.
#[derive(Clone)]
pub(super) struct Waiting {
    count: Arc<AtomicUsize>,
    most: usize,
}

impl Waiting {
    pub(super) fn at_most(most: usize) -> Self {
        Self { count: Arc::default(), most }
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// One more, unless there are too many; it stops waiting when what is answered is dropped.
    fn join(&self) -> Result<Place> {
        let place = Place(Arc::clone(&self.count));
        match self.count.fetch_add(1, Ordering::Relaxed) < self.most {
            true => Ok(place),
            false => Err(Problem::new(
                Kind::Unavailable,
                "The service is busy: too many requests wait for the database already. Try again in a moment.",
            )),
        }
    }
}

struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// So many may go on at a time; the others wait.
#[derive(Clone)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    /// How long somebody waits before they are answered with 503.
    wait: Duration,
}

impl Turns {
    pub(super) fn of(count: u32, wait: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(count.max(1) as usize)), wait }
    }

    /// A turn, which ends when what is answered is dropped.
    pub(super) async fn take(&self, waiting: &Waiting) -> Result<OwnedSemaphorePermit> {
        if let Ok(turn) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(turn);
        }
        let _place = waiting.join()?;
        let turn = actix_web::rt::time::timeout(self.wait, Arc::clone(&self.free).acquire_owned()).await;
        turn.map_err(Problem::unavailable)?.map_err(Problem::internal)
    }
}
