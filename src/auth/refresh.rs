//! Fetched keys: kept in memory, and renewed in the background by one thread per issuer.
//!
//! Requests read the cached keys and never fetch. A request whose token names an unknown key may ask for a refresh, at
//! most one per `min_interval`, and waits for it up to `max_wait`, so that no token is refused because its provider has
//! just published a new key.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::keys::Key;
use super::provider::Provider;
use crate::metrics;

/// When keys are fetched, and how long requests wait for them.
#[derive(Debug, Clone, Copy)]
pub struct RefreshPolicy {
    /// The time from one success to the next fetch.
    pub interval: Duration,
    /// The time from a failure to the next try; it doubles with each further failure, up to `interval`.
    pub retry_interval: Duration,
    /// The least time between two refreshes that requests with unknown keys ask for.
    pub min_interval: Duration,
    /// How long such a request waits at most.
    pub max_wait: Duration,
    /// How long a fetch may take.
    pub fetch_timeout: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            interval: seconds(600),
            retry_interval: seconds(10),
            min_interval: seconds(60),
            max_wait: seconds(3),
            fetch_timeout: seconds(10),
        }
    }
}

/// An issuer's keys, renewed in the background as long as this is there.
pub struct FreshKeys {
    state: Arc<watch::Sender<State>>,
    requests: mpsc::Sender<()>,
    policy: RefreshPolicy,
}

/// What requests and the fetching thread share.
struct State {
    /// The keys of the last success; none before the first.
    keys: Option<Arc<[Key]>>,
    /// Whether a refresh runs or is about to.
    is_running: bool,
    /// How many refreshes have ended, successful or not.
    ended: u64,
    /// When a request last asked for one.
    requested_at: Option<Instant>,
}

impl FreshKeys {
    /// Begins to fetch, in a thread that ends when this is dropped.
    pub fn start(provider: Provider, policy: RefreshPolicy) -> Self {
        // The first fetch begins at once, so there is something to wait for.
        let state = Arc::new(watch::Sender::new(State { keys: None, is_running: true, ended: 0, requested_at: None }));
        let (sender, receiver) = mpsc::channel();
        let fetcher = Fetcher { provider, state: Arc::clone(&state), requests: receiver, policy };
        let thread = std::thread::Builder::new().name("issuer-keys".into()).spawn(move || fetcher.run());
        if let Err(error) = thread {
            tracing::error!(%error, "the system gives no thread to fetch an issuer's keys with");
            state.send_modify(|state| state.is_running = false);
        }
        Self { state, requests: sender, policy }
    }

    /// The keys as they are now.
    pub fn current(&self) -> Current {
        let state = self.state.borrow();
        Current { keys: state.keys.clone(), ended: state.ended }
    }

    /// The refresh to wait for after a key was not found in `seen`: one that has ended since, one that is running, or a
    /// new one. None where the last one was asked for less than `min_interval` ago.
    pub fn refresh(&self, seen: &Current) -> Option<Refresh> {
        let (mut after, mut is_new) = (None, false);
        self.state.send_if_modified(|state| {
            // A refresh ended just after the keys were read: they have to be read again, without another refresh.
            if state.ended > seen.ended {
                after = Some(seen.ended);
                return false;
            }
            if !state.is_running && state.requested_at.is_none_or(|at| at.elapsed() >= self.policy.min_interval) {
                (state.is_running, state.requested_at, is_new) = (true, Some(Instant::now()), true);
            }
            after = state.is_running.then_some(state.ended);
            false
        });
        if is_new {
            // Fails only when the thread is gone; then waiting ends without keys.
            let _ = self.requests.send(());
        }
        after.map(|after| Refresh { state: self.state.subscribe(), after, max_wait: self.policy.max_wait })
    }
}

/// The keys at a moment.
pub struct Current {
    /// The keys; none before the first success.
    pub keys: Option<Arc<[Key]>>,
    /// How many refreshes had ended.
    ended: u64,
}

/// A refresh to wait for.
pub struct Refresh {
    state: watch::Receiver<State>,
    after: u64,
    /// How long to wait at most, all refreshes of a request together.
    pub max_wait: Duration,
}

impl Refresh {
    /// Waits for its end, successful or not.
    pub async fn end(mut self) {
        // An error means that the keys were dropped, and with them the requests that wait.
        let _ = self.state.wait_for(|state| state.ended > self.after).await;
    }
}

/// What the thread owns.
struct Fetcher {
    provider: Provider,
    state: Arc<watch::Sender<State>>,
    requests: mpsc::Receiver<()>,
    policy: RefreshPolicy,
}

impl Fetcher {
    fn run(self) {
        let mut retry = self.policy.retry_interval;
        loop {
            let pause = match self.fetch() {
                Ok(()) => {
                    retry = self.policy.retry_interval;
                    self.policy.interval
                }
                Err(reason) => {
                    let pause = retry.min(self.policy.interval);
                    retry = retry.saturating_mul(2);
                    let (issuer, address) = (&self.provider.issuer, self.provider.address.shown());
                    tracing::warn!(issuer, address, reason, again_in = ?pause, "the issuer's keys can't be fetched");
                    pause
                }
            };
            if let Err(mpsc::RecvTimeoutError::Disconnected) = self.requests.recv_timeout(pause) {
                return;
            }
        }
    }

    /// Replaces the keys; after a failure those from before stay.
    fn fetch(&self) -> Result<(), String> {
        self.state.send_if_modified(|state| {
            state.is_running = true;
            false
        });
        // Requests that came up to now are served by this fetch.
        while self.requests.try_recv().is_ok() {}
        // A panic must not end the thread: the keys would never be renewed again.
        let fetched = catch_unwind(AssertUnwindSafe(|| self.provider.fetch(self.policy.fetch_timeout)))
            .unwrap_or_else(|_| Err("fetching failed by a fault of this service".into()));
        let outcome = if fetched.is_ok() { "fetched" } else { "failed" };
        metrics::count_key_fetch(&self.provider.issuer, outcome);
        let (keys, failure) = match fetched {
            Ok(keys) => (Some(keys), Ok(())),
            Err(reason) => (None, Err(reason)),
        };
        if let Some(keys) = &keys {
            let (issuer, count) = (&self.provider.issuer, keys.len());
            match count {
                0 => tracing::warn!(issuer, "the issuer publishes no key that can be used here"),
                _ => tracing::debug!(issuer, count, "the issuer's keys are fetched"),
            }
        }
        self.state.send_modify(|state| {
            state.keys = keys.map(Arc::from).or_else(|| state.keys.take());
            state.is_running = false;
            state.ended += 1;
        });
        failure
    }
}

#[cfg(test)]
mod tests {
    use ureq::tls::RootCerts;

    use super::super::provider::Address;
    use super::*;

    #[actix_web::test]
    async fn keys_read_before_a_refresh_ended_are_read_again() {
        // Nothing listens on this port: refreshes fail at once.
        let address = Address::of_keys("http://127.0.0.1:1/keys").unwrap();
        let provider = Provider { issuer: "nobody".into(), address, authorities: RootCerts::WebPki };
        let hour = Duration::from_secs(3600);
        let policy =
            RefreshPolicy { interval: hour, retry_interval: hour, min_interval: hour, ..RefreshPolicy::default() };
        let keys = FreshKeys::start(provider, policy);
        let wait = async |refresh: Option<Refresh>| {
            tokio::time::timeout(Duration::from_secs(60), refresh.unwrap().end()).await.expect("the refresh ends")
        };
        while keys.current().ended == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let seen = keys.current();
        wait(keys.refresh(&seen)).await;
        assert_eq!(keys.current().ended, 2, "the first request starts a refresh");
        wait(keys.refresh(&seen)).await;
        assert_eq!(keys.current().ended, 2, "a refresh that has ended since is not repeated");
        assert!(keys.refresh(&keys.current()).is_none(), "there is no refresh for the newest keys");
    }
}
