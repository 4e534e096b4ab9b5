//! Issuers and the verification of their tokens.

use std::collections::HashMap;
use std::fmt;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::caller::Caller;
use super::claims::{ClaimNames, Claims, RequiredClaims, claim};
use super::keys::Key;
use super::provider::{Address, Provider};
use super::refresh::{FreshKeys, Refresh, RefreshPolicy};
use super::scope::{Scope, ScopeSet};
use crate::db::Principal;
use crate::db::types;
use crate::problem::{Kind, Problem, Result};

/// The longest `sub`, in bytes (OpenID Connect Core, section 2, limits it to 255 characters).
const LONGEST_SUBJECT: usize = 255;

/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 30;

/// An issuer whose tokens are accepted.
pub struct Issuer {
    /// The `iss` claim.
    pub name: String,
    /// The `aud` claims that mean this service.
    pub audience: Vec<String>,
    /// What verifies its signatures.
    pub keys: Keys,
    /// The algorithms that its tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// The claims in which its tokens say what.
    pub claims: ClaimNames,
    /// Further claims that its tokens must hold.
    pub required_claims: RequiredClaims,
    /// The scopes that its roles stand for.
    pub roles: HashMap<String, Vec<Scope>>,
    /// The municipalities that it may issue tokens for.
    pub municipalities: Municipalities,
}

/// What verifies an issuer's signatures.
pub enum Keys {
    /// Keys from files. Any of them may have signed, since a token can't name a file.
    Held(Vec<Key>),
    /// Keys that the issuer publishes.
    Published(Provider),
}

/// The municipalities that an issuer may issue tokens for.
pub enum Municipalities {
    /// All of them: the operator's own tokens.
    All,
    /// These.
    Listed(Vec<types::Key>),
}

/// One line for the operator, without secrets.
impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = match &self.keys {
            Keys::Held(keys) if keys.iter().any(Key::is_secret) => "a shared secret".into(),
            Keys::Held(keys) => format!("keys from files ({})", keys.len()),
            Keys::Published(provider) => match &provider.address {
                address @ Address::Keys(_) => format!("keys from {}", address.shown()),
                address @ Address::Discovery(_) => format!("keys by discovery from {}", address.shown()),
            },
        };
        let algorithms: Vec<String> = self.algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
        let municipalities = match &self.municipalities {
            Municipalities::All => "all".into(),
            Municipalities::Listed(listed) => listed.iter().map(types::Key::as_str).collect::<Vec<_>>().join(", "),
        };
        let (name, algorithms, audience) = (&self.name, algorithms.join(", "), self.audience.join(", "));
        write!(f, "{name}: {keys}; algorithms {algorithms}; audience {audience}; municipalities {municipalities}")
    }
}

/// The seconds after which a client tries again when an issuer's keys could not be fetched.
const RETRY_AFTER: u32 = 10;

/// All issuers whose tokens are accepted.
pub struct Issuers(Vec<Accepted>);

/// The outcome of checking a token without waiting.
pub enum Attempt {
    /// It is valid, or it isn't.
    Done(Result<Caller>),
    /// It names a key that isn't known, but may be after this refresh; if not, the answer is the problem.
    Awaits(Refresh, Problem),
}

impl Issuers {
    /// From the settings, or with the local secret alone. Starts to fetch published keys.
    pub fn new(issuers: Vec<Issuer>) -> Self {
        Self::with_refresh_policy(issuers, RefreshPolicy::default())
    }

    /// [`Issuers::new`] with another refresh policy.
    pub fn with_refresh_policy(issuers: Vec<Issuer>, policy: RefreshPolicy) -> Self {
        Self(issuers.into_iter().map(|issuer| Accepted::new(issuer, policy)).collect())
    }

    /// A line for each issuer: who it is, where its keys come from, what its tokens may be. No secrets.
    pub fn summary(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|issuer| issuer.summary.as_str())
    }

    /// Each issuer's name with each municipality that it is configured for.
    pub fn municipalities(&self) -> impl Iterator<Item = (&str, &types::Key)> {
        self.0.iter().flat_map(|issuer| {
            let listed: &[types::Key] = match &issuer.municipalities {
                Municipalities::All => &[],
                Municipalities::Listed(listed) => listed,
            };
            listed.iter().map(|key| (issuer.name.as_str(), key))
        })
    }

    /// The caller that a valid `token` stands for. Waits a little for the key that signed it where it isn't known yet.
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        let mut deadline = None;
        loop {
            match self.attempt(token) {
                Attempt::Done(answer) => return answer,
                Attempt::Awaits(refresh, problem) => {
                    let deadline = *deadline.get_or_insert_with(|| Instant::now() + refresh.max_wait);
                    if timeout_at(deadline, refresh.end()).await.is_err() {
                        return Err(problem);
                    }
                }
            }
        }
    }

    /// [`Issuers::authenticate`] without waiting, which decides about most tokens.
    pub fn attempt(&self, token: &str) -> Attempt {
        /// All that is read from an unverified token: whose keys to try.
        #[derive(Deserialize)]
        struct Unverified {
            #[serde(default)]
            iss: Value,
        }
        let Ok(unverified) = jsonwebtoken::dangerous::insecure_decode::<Unverified>(token) else {
            return Attempt::Done(Err(refused("The token is no JSON Web Token.")));
        };
        // RFC 7515, section 4.1.11: a token with an unknown critical extension has to be refused.
        if unverified.header.crit.is_some() {
            let detail = "The token's header names critical extensions (crit), of which none is known here.";
            return Attempt::Done(Err(refused(detail)));
        }
        let named = unverified.claims.iss.as_str();
        match named.and_then(|name| self.0.iter().find(|issuer| issuer.name == name)) {
            Some(issuer) => issuer.attempt(token, &unverified.header),
            None => Attempt::Done(Err(refused("The token's issuer (iss) is not one that this service accepts."))),
        }
    }
}

/// An issuer, ready to verify tokens.
struct Accepted {
    name: String,
    summary: String,
    keys: WorkingKeys,
    /// What its tokens must fulfil, for each of its algorithms.
    validations: Vec<(Algorithm, Validation)>,
    claims: ClaimNames,
    required_claims: RequiredClaims,
    roles: HashMap<String, Vec<Scope>>,
    municipalities: Municipalities,
}

enum WorkingKeys {
    Held(Vec<Key>),
    Fetched(FreshKeys),
}

impl Accepted {
    fn new(issuer: Issuer, policy: RefreshPolicy) -> Self {
        let validation = |algorithm: Algorithm| {
            let mut validation = Validation::new(algorithm);
            validation.leeway = LEEWAY;
            validation.validate_nbf = true;
            validation.set_issuer(&[&issuer.name]);
            validation.set_audience(&issuer.audience);
            // Otherwise audience and issuer are only checked when present, and a token without them passes.
            validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            (algorithm, validation)
        };
        Self {
            summary: issuer.to_string(),
            validations: issuer.algorithms.iter().copied().map(validation).collect(),
            name: issuer.name,
            keys: match issuer.keys {
                Keys::Held(keys) => WorkingKeys::Held(keys),
                Keys::Published(provider) => WorkingKeys::Fetched(FreshKeys::start(provider, policy)),
            },
            claims: issuer.claims,
            required_claims: issuer.required_claims,
            roles: issuer.roles,
            municipalities: issuer.municipalities,
        }
    }

    fn attempt(&self, token: &str, header: &Header) -> Attempt {
        let validation = self.validations.iter().find(|(algorithm, _)| *algorithm == header.alg);
        let Some((_, validation)) = validation else {
            let detail = "The token is signed with an algorithm that its issuer doesn't use here.";
            return Attempt::Done(Err(refused(detail)));
        };
        let fetched = match &self.keys {
            WorkingKeys::Held(keys) => {
                let verified = verify(token, keys.iter().filter(|key| key.fits(header.alg)), validation);
                let verified = verified.unwrap_or_else(|| Err(refused(UNVERIFIED)));
                return Attempt::Done(verified.and_then(|claims| self.caller(&claims)));
            }
            WorkingKeys::Fetched(fetched) => fetched,
        };
        let seen = fetched.current();
        let problem = match &seen.keys {
            Some(keys) => {
                let named = || keys.iter().filter(|key| key.is_named_by(header));
                let verified = verify(token, named().filter(|key| key.fits(header.alg)), validation);
                if let Some(verified) = verified {
                    return Attempt::Done(verified.and_then(|claims| self.caller(&claims)));
                }
                // The named key is known and did not sign the token: fetching it again would change nothing.
                if (header.kid.is_some() || header.x5t.is_some()) && named().next().is_some() {
                    return Attempt::Done(Err(refused(UNVERIFIED)));
                }
                refused("The token is signed with a key that its issuer doesn't publish.")
            }
            None => no_keys_yet(),
        };
        match fetched.refresh(&seen) {
            Some(refresh) => Attempt::Awaits(refresh, problem),
            None => Attempt::Done(Err(problem)),
        }
    }

    fn caller(&self, claims: &Claims) -> Result<Caller> {
        let is_whole = |subject: &&str| (1..=LONGEST_SUBJECT).contains(&subject.len()) && !subject.contains('\0');
        let subject = claims.get("sub").and_then(Value::as_str).filter(is_whole);
        let subject = subject.ok_or_else(|| refused("The token's subject (sub) is empty, too long, or no text."))?;
        if let Some(name) = self.required_claims.missing_in(claims) {
            return Err(refused(&format!("The token's claim {name} is missing or has a value that isn't accepted.")));
        }
        let municipality = self.municipality(claims)?;
        let principal = Principal { municipality, issuer: self.name.clone(), subject: subject.to_owned() };
        let person = claim(claims, &self.claims.person).and_then(Value::as_str).map(ToOwned::to_owned);
        Ok(Caller { principal, person, scopes: self.scopes(claims) })
    }

    fn municipality(&self, claims: &Claims) -> Result<types::Key> {
        let claimed = claim(claims, &self.claims.municipality);
        match (claimed, &self.municipalities) {
            (Some(Value::String(key)), Municipalities::All) => {
                key.parse().map_err(|_| refused("The token's municipality is not a key."))
            }
            (Some(Value::String(key)), Municipalities::Listed(listed)) => {
                let known = listed.iter().find(|known| known.as_str() == key);
                known.cloned().ok_or_else(|| refused("The token's issuer may not speak for this municipality."))
            }
            (None, Municipalities::Listed(listed)) if listed.len() == 1 => Ok(listed[0].clone()),
            _ => Err(refused("The token does not name its municipality.")),
        }
    }

    fn scopes(&self, claims: &Claims) -> ScopeSet {
        let mut scopes = Vec::new();
        let mut add = |word: &str| match self.roles.get(word) {
            Some(role) => scopes.extend(role),
            None => scopes.extend(word.parse::<Scope>()),
        };
        for found in self.claims.scopes.iter().filter_map(|name| claim(claims, name)) {
            match found {
                Value::String(words) => words.split_whitespace().for_each(&mut add),
                Value::Array(words) => words.iter().filter_map(Value::as_str).for_each(&mut add),
                _ => {}
            }
        }
        scopes.into_iter().collect()
    }
}

const UNVERIFIED: &str = "The token's signature can't be verified.";

/// The token's claims, if it is valid; none where none of the keys signed it.
fn verify<'k>(token: &str, keys: impl Iterator<Item = &'k Key>, validation: &Validation) -> Option<Result<Claims>> {
    for key in keys {
        match jsonwebtoken::decode(token, key.decoding(), validation) {
            Ok(verified) => return Some(Ok(verified.claims)),
            // Another of the keys may have signed it. Any other error is the token's own.
            Err(error) if *error.kind() == ErrorKind::InvalidSignature => {}
            Err(error) => return Some(Err(refused(reason(&error)))),
        }
    }
    None
}

fn refused(detail: &str) -> Problem {
    Problem::new(Kind::InvalidToken, detail)
}

/// The token may be valid, but can't be verified now.
fn no_keys_yet() -> Problem {
    let detail = "The keys of the token's issuer can't be fetched, so no token of it can be verified; try again later.";
    Problem { retry_after: Some(RETRY_AFTER), ..Problem::new(Kind::Unavailable, detail) }
}

fn reason(error: &jsonwebtoken::errors::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ExpiredSignature => "The token has expired.",
        ErrorKind::ImmatureSignature => "The token is not valid yet.",
        ErrorKind::InvalidAudience => "The token is for somebody else (aud).",
        ErrorKind::MissingRequiredClaim(_) => {
            "The token lacks one of the claims exp (a whole number of seconds), iss, aud and sub (texts)."
        }
        ErrorKind::InvalidClaimFormat(_) => "The token's nbf is no whole number of seconds.",
        _ => UNVERIFIED,
    }
}
