//! Keys that are fetched: kept in memory, renewed in the background by a thread for each issuer.
//!
//! Requests read what is there and never fetch. One that names a key that isn't there may wish for a refresh, now and
//! then, and wait for its end a little, so that a provider's new key costs no refusal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::keys::Key;
use super::provider::Provider;
use crate::metrics;

/// When keys are fetched, and how long anybody waits for them.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From one success to the next fetch.
    pub refresh: Duration,
    /// From a failure to the next try; twice as long after each further failure, up to `refresh`.
    pub retry: Duration,
    /// Between two refreshes that requests with unknown keys wish for.
    pub wish: Duration,
    /// How long such a request waits.
    pub patience: Duration,
    /// How long a fetch may take.
    pub fetch: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { refresh: seconds(600), retry: seconds(10), wish: seconds(60), patience: seconds(3), fetch: seconds(10) }
    }
}

/// An issuer's keys, renewed in the background as long as this is there.
pub struct FreshKeys {
    state: Arc<watch::Sender<State>>,
    wishes: mpsc::Sender<()>,
    pace: Pace,
}

/// What requests and the fetching thread know of each other.
struct State {
    /// The keys of the last success; none before the first.
    keys: Option<Arc<[Key]>>,
    /// Whether a refresh runs or is about to.
    under_way: bool,
    /// How many refreshes have ended, well or not.
    ended: u64,
    wished: Option<Instant>,
}

impl FreshKeys {
    /// Begins to fetch, in a thread that ends when this is dropped.
    pub fn start(provider: Provider, pace: Pace) -> Self {
        // The first fetch begins at once, so there is something to wait for.
        let state = Arc::new(watch::Sender::new(State { keys: None, under_way: true, ended: 0, wished: None }));
        let (sender, receiver) = mpsc::channel();
        let keeper = Keeper { provider, state: Arc::clone(&state), wishes: receiver, pace };
        let thread = std::thread::Builder::new().name("issuer-keys".into()).spawn(move || keeper.run());
        if let Err(error) = thread {
            tracing::error!(%error, "the system gives no thread to fetch an issuer's keys with");
            state.send_modify(|state| state.under_way = false);
        }
        Self { state, wishes: sender, pace }
    }

    /// The keys that are there.
    pub fn current(&self) -> Current {
        let state = self.state.borrow();
        Current { keys: state.keys.clone(), ended: state.ended }
    }

    /// The refresh to wait for by who has not found a key among those that were `seen`: one that has ended since, one
    /// that is under way, or a new one where it is time for one.
    pub fn refresh(&self, seen: &Current) -> Option<Refresh> {
        let (mut after, mut is_new) = (None, false);
        self.state.send_if_modified(|state| {
            // Who looked just before the end of a refresh must look again, and not be told that it is too early for one.
            if state.ended > seen.ended {
                after = Some(seen.ended);
                return false;
            }
            if !state.under_way && state.wished.is_none_or(|wished| wished.elapsed() >= self.pace.wish) {
                (state.under_way, state.wished, is_new) = (true, Some(Instant::now()), true);
            }
            after = state.under_way.then_some(state.ended);
            false
        });
        if is_new {
            // Where nobody hears it the thread is gone, and waiting will end without keys.
            let _ = self.wishes.send(());
        }
        after.map(|after| Refresh { state: self.state.subscribe(), after, patience: self.pace.patience })
    }
}

/// What there was at a moment.
pub struct Current {
    /// The keys; none before the first success.
    pub keys: Option<Arc<[Key]>>,
    /// How many refreshes had ended.
    ended: u64,
}

/// A refresh that somebody waits for.
pub struct Refresh {
    state: watch::Receiver<State>,
    after: u64,
    /// How long it is worth waiting for, in all.
    pub patience: Duration,
}

impl Refresh {
    /// Its end, well or not.
    pub async fn end(mut self) {
        // An error says that the keys themselves are gone, and then so is whoever waits.
        let _ = self.state.wait_for(|state| state.ended > self.after).await;
    }
}

/// The thread's own.
struct Keeper {
    provider: Provider,
    state: Arc<watch::Sender<State>>,
    wishes: mpsc::Receiver<()>,
    pace: Pace,
}

impl Keeper {
    fn run(self) {
        let mut retry = self.pace.retry;
        loop {
            let pause = match self.fetch() {
                Ok(()) => {
                    retry = self.pace.retry;
                    self.pace.refresh
                }
                Err(reason) => {
                    let pause = retry.min(self.pace.refresh);
                    retry = retry.saturating_mul(2);
                    let (issuer, address) = (&self.provider.issuer, self.provider.address.shown());
                    tracing::warn!(issuer, address, reason, again_in = ?pause, "the issuer's keys can't be fetched");
                    pause
                }
            };
            if let Err(mpsc::RecvTimeoutError::Disconnected) = self.wishes.recv_timeout(pause) {
                return;
            }
        }
    }

    /// Replaces the keys, or keeps those that are there where there are no new ones to be had.
    fn fetch(&self) -> Result<(), String> {
        self.state.send_if_modified(|state| {
            state.under_way = true;
            false
        });
        // A wish that came up to now is fulfilled by what follows.
        while self.wishes.try_recv().is_ok() {}
        // A thread that dies of a surprise would leave the service with the keys of that day.
        let fetched = catch_unwind(AssertUnwindSafe(|| self.provider.fetch(self.pace.fetch)))
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
            state.under_way = false;
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
    async fn who_looked_before_a_refresh_ended_looks_again() {
        // A port that nobody listens at: refreshes fail at once, and end all the same.
        let address = Address::of_keys("http://127.0.0.1:1/keys").unwrap();
        let provider = Provider { issuer: "nobody".into(), address, authorities: RootCerts::WebPki };
        let hour = Duration::from_secs(3600);
        let pace = Pace { refresh: hour, retry: hour, wish: hour, ..Pace::default() };
        let keys = FreshKeys::start(provider, pace);
        let wait = async |refresh: Option<Refresh>| {
            tokio::time::timeout(Duration::from_secs(60), refresh.unwrap().end()).await.expect("the refresh ends")
        };
        while keys.current().ended == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let seen = keys.current();
        wait(keys.refresh(&seen)).await;
        assert_eq!(keys.current().ended, 2, "the first wish is a refresh");
        wait(keys.refresh(&seen)).await;
        assert_eq!(keys.current().ended, 2, "what has ended since is not asked for again");
        assert!(keys.refresh(&keys.current()).is_none(), "who has seen the newest keys has to do with them");
    }
}
