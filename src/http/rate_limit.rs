//! Rate limits: per address, before anything else is checked, and per token subject. Answers report both in the
//! `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers); beyond them the answer is 429 with `Retry-After` (RFC
//! 6585, section 4).
//!
//! Each process counts for itself: several instances together allow several times as much.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::client_address::TrustedProxies;
use crate::db::Principal;
use crate::problem::{Kind, Problem, Result};

/// The header with the rates in force.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The header with what is left of them.
pub const REMAINING: HeaderName = HeaderName::from_static("ratelimit");

/// Health checks are not limited, however many requests came from their address.
const PROBES: [&str; 2] = ["/livez", "/readyz"];

/// After so many requests, callers whose burst has been refilled are forgotten.
const CLEAN_EVERY: u32 = 10_000;

/// A rate: one request per interval, and a burst of them after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    interval: Duration,
    burst: NonZeroU32,
}

impl Rate {
    /// So many requests a second. `None` is no limit: 0, or more than a clock resolves.
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        Self::one_in(Duration::from_secs(1).checked_div(per_second)?, burst)
    }

    /// One request each `interval`. `None` is no limit.
    pub fn one_in(interval: Duration, burst: u32) -> Option<Self> {
        let burst = NonZeroU32::new(burst)?;
        (!interval.is_zero()).then_some(Self { interval, burst })
    }

    /// The seconds until `count` requests are refilled, rounded up.
    fn refilled_in(self, count: u32) -> u64 {
        self.interval.saturating_mul(count).as_millis().div_ceil(1_000) as u64
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let per_second = self.interval.as_secs_f64().recip();
        match per_second >= 1.0 {
            true => write!(f, "{per_second:.0} a second, {} at once", self.burst),
            false => write!(f, "one in {} seconds, {} at once", self.interval.as_secs(), self.burst),
        }
    }
}

/// The configured rates; `None` is no limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// Per token subject.
    pub subject: Option<Rate>,
    /// Per address.
    pub address: Option<Rate>,
}

/// The counts of all callers.
pub struct RateLimits {
    address: Option<Limiter>,
    subject: Option<Limiter>,
    proxies: TrustedProxies,
    /// Callers are counted by a hash that differs in each process: no names are stored.
    hasher: RandomState,
}

struct Limiter {
    name: &'static str,
    rate: Rate,
    limiter: RateLimiter<u64, DashMapStateStore<u64>, DefaultClock, StateInformationMiddleware>,
    until_cleaned: AtomicU32,
}

/// What a caller has left of one of the limits after this request.
#[derive(Debug, Clone, Copy)]
struct Remainder {
    name: &'static str,
    rate: Rate,
    remaining: u32,
}

/// The limits that the request was counted against so far.
#[derive(Default)]
struct Remainders(Vec<Remainder>);

impl RateLimits {
    /// Nothing has been counted yet.
    pub fn new(rates: Rates, proxies: TrustedProxies) -> Self {
        Self {
            address: rates.address.map(|rate| Limiter::new("address", rate)),
            subject: rates.subject.map(|rate| Limiter::new("subject", rate)),
            proxies,
            hasher: RandomState::new(),
        }
    }

    /// Counts a request of a token's subject.
    pub fn count_subject(&self, request: &HttpRequest, principal: &Principal) -> Result<()> {
        let Some(limiter) = &self.subject else { return Ok(()) };
        limiter.count(request, self.hasher.hash_one((&principal.issuer, &principal.subject)))
    }

    fn count_address(&self, request: &HttpRequest) -> Result<()> {
        let Some(limiter) = self.address.as_ref().filter(|_| !PROBES.contains(&request.path())) else { return Ok(()) };
        limiter.count(request, self.hasher.hash_one(network(self.proxies.client(request))))
    }
}

/// The subscriber behind an address: with IPv6 a subscriber has a network of 64 bits to choose from.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

impl Limiter {
    fn new(name: &'static str, rate: Rate) -> Self {
        // Only an interval of zero has none, which no rate has.
        let quota = Quota::with_period(rate.interval).unwrap_or(Quota::per_second(NonZeroU32::MIN));
        let limiter = RateLimiter::dashmap(quota.allow_burst(rate.burst)).with_middleware();
        Self { name, rate, limiter, until_cleaned: AtomicU32::new(CLEAN_EVERY) }
    }

    fn count(&self, request: &HttpRequest, key: u64) -> Result<()> {
        if self.until_cleaned.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.limiter.retain_recent();
            self.until_cleaned.store(CLEAN_EVERY, Ordering::Relaxed);
        }
        let (remaining, refusal) = match self.limiter.check_key(&key) {
            Ok(snapshot) => (snapshot.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(DefaultClock::default().now()))),
        };
        let remainder = Remainder { name: self.name, rate: self.rate, remaining };
        let mut extensions = request.extensions_mut();
        match extensions.get_mut::<Remainders>() {
            Some(remainders) => remainders.0.push(remainder),
            None => drop(extensions.insert(Remainders(vec![remainder]))),
        }
        refusal.map_or(Ok(()), |wait| Err(self.refused(wait)))
    }

    fn refused(&self, wait: Duration) -> Problem {
        let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1);
        let detail =
            format!("This {} has sent more than it may ({}); try again in {seconds} seconds.", self.name, self.rate);
        Problem { retry_after: Some(seconds), ..Problem::new(Kind::TooManyRequests, detail) }
    }
}

/// Middleware: counts every request against its address, and reports in the answer what is left.
pub async fn limit_addresses<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> std::result::Result<ServiceResponse<EitherBody<B>>, Error> {
    let limits = request.app_data::<web::Data<RateLimits>>().cloned();
    let counted = limits.map_or(Ok(()), |limits| limits.count_address(request.request()));
    let mut response = match counted {
        Ok(()) => next.call(request).await?.map_into_left_body(),
        Err(problem) => request.error_response(problem).map_into_right_body(),
    };
    let remainders = response.request().extensions_mut().remove::<Remainders>();
    if let Some(Remainders(remainders)) = remainders {
        add_headers(&remainders, response.headers_mut());
    }
    Ok(response)
}

fn add_headers(remainders: &[Remainder], headers: &mut HeaderMap) {
    let (mut policies, mut remaining) = (String::new(), String::new());
    for Remainder { name, rate, remaining: left } in remainders {
        let separator = if policies.is_empty() { "" } else { ", " };
        let burst = rate.burst.get();
        // Writing to a string does not fail.
        let _ = write!(policies, "{separator}\"{name}\";q={burst};w={}", rate.refilled_in(burst));
        let _ = write!(remaining, "{separator}\"{name}\";r={left};t={}", rate.refilled_in(burst - left.min(&burst)));
    }
    for (name, text) in [(POLICY, policies), (REMAINING, remaining)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_nothing_is_no_limit() {
        assert_eq!((Rate::new(0, 5), Rate::new(u32::MAX, 5)), (None, None));
        assert_eq!(Rate::new(5, 500).unwrap().refilled_in(12), 3);
    }

    #[test]
    fn a_network_of_64_bits_is_one_subscriber() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
