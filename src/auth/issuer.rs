//! Issuers and the verification of their tokens.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::caller::Caller;
use super::scope::{Scope, ScopeSet};
use crate::db::Principal;
use crate::db::types::Key;
use crate::problem::{Kind, Problem, Result};

/// The longest `sub`, in bytes (OpenID Connect Core, section 2, limits it to 255 characters).
const LONGEST_SUBJECT: usize = 255;

/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 30;

/// Somebody whose tokens are accepted.
pub struct Issuer {
    /// The `iss` claim.
    pub name: String,
    /// The `aud` claims that mean this service.
    pub audience: Vec<String>,
    /// What verifies its signatures.
    pub keys: Keys,
    /// The algorithms that its tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Where its tokens say what.
    pub claims: ClaimNames,
    /// The scopes that its roles stand for.
    pub roles: HashMap<String, Vec<Scope>>,
    /// Whom it may speak for.
    pub municipalities: Municipalities,
}

/// What verifies an issuer's signatures. Keys that the issuer publishes over HTTP (JWKS, RFC 7517)
/// will be a third kind.
pub enum Keys {
    /// A shared secret (HS256).
    Secret(DecodingKey),
    /// Public keys, any of which may have signed.
    Public(Vec<DecodingKey>),
}

/// The municipalities that an issuer may speak for.
pub enum Municipalities {
    /// All of them: the operator's own tokens.
    All,
    /// These.
    Listed(Vec<Key>),
}

/// The names of the claims that carry what this service needs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimNames {
    /// The municipality's key.
    pub municipality: String,
    /// The scopes: a string with spaces, or an array. Several claims add up.
    pub scopes: Vec<String>,
    /// The key of the employee that the token's person is.
    pub person: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            municipality: "municipality".into(),
            scopes: vec!["scope".into(), "scp".into(), "roles".into()],
            person: "sub".into(),
        }
    }
}

/// Everybody whose tokens are accepted.
pub struct Issuers(Vec<Issuer>);

impl Issuers {
    /// From the settings, or the local secret alone.
    pub fn new(issuers: Vec<Issuer>) -> Self {
        Self(issuers)
    }

    /// Who presents `token`, if it is good.
    pub fn authenticate(&self, token: &str) -> Result<Caller> {
        let unverified = jsonwebtoken::dangerous::insecure_decode::<Map<String, Value>>(token)
            .map_err(|_| refused("The token is no JSON Web Token."))?;
        if has_critical_extensions(token) {
            return Err(refused("The token's header names critical extensions (crit), of which none is known here."));
        }
        // Nothing is believed of it yet but whose keys to try.
        let named = unverified.claims.get("iss").and_then(Value::as_str);
        let issuer = named
            .and_then(|name| self.0.iter().find(|issuer| issuer.name == name))
            .ok_or_else(|| refused("The token's issuer (iss) is not one that this service accepts."))?;
        issuer.caller(issuer.verify(token, unverified.header.alg)?)
    }
}

impl Issuer {
    fn verify(&self, token: &str, algorithm: Algorithm) -> Result<Map<String, Value>> {
        if !self.algorithms.contains(&algorithm) {
            return Err(refused("The token is signed with an algorithm that its issuer doesn't use here."));
        }
        let mut validation = Validation::new(algorithm);
        validation.algorithms = vec![algorithm];
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.name]);
        validation.set_audience(&self.audience);
        // An audience or issuer that is merely checked when present would let a token without one in.
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let keys = match &self.keys {
            Keys::Secret(key) => std::slice::from_ref(key),
            Keys::Public(keys) => keys.as_slice(),
        };
        let mut refusal = refused("The token's signature can't be verified.");
        for key in keys {
            match jsonwebtoken::decode(token, key, &validation) {
                Ok(verified) => return Ok(verified.claims),
                // Perhaps another of the keys signed it; any other fault is the token's own.
                Err(error) if *error.kind() == ErrorKind::InvalidSignature => refusal = refused(reason(&error)),
                Err(error) => return Err(refused(reason(&error))),
            }
        }
        Err(refusal)
    }

    fn caller(&self, claims: Map<String, Value>) -> Result<Caller> {
        let is_whole = |subject: &&str| (1..=LONGEST_SUBJECT).contains(&subject.len()) && !subject.contains('\0');
        let subject = claims.get("sub").and_then(Value::as_str).filter(is_whole);
        let subject = subject.ok_or_else(|| refused("The token's subject (sub) is empty, too long, or no text."))?;
        let municipality = self.municipality(&claims)?;
        let principal = Principal { municipality, issuer: self.name.clone(), subject: subject.to_owned() };
        let person = claims.get(&self.claims.person).and_then(Value::as_str).map(ToOwned::to_owned);
        Ok(Caller { principal, person, scopes: self.scopes(&claims) })
    }

    fn municipality(&self, claims: &Map<String, Value>) -> Result<Key> {
        let claimed = claims.get(&self.claims.municipality);
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

    fn scopes(&self, claims: &Map<String, Value>) -> ScopeSet {
        let words = self.claims.scopes.iter().filter_map(|name| claims.get(name)).flat_map(|claim| match claim {
            Value::String(words) => words.split_whitespace().map(ToOwned::to_owned).collect(),
            Value::Array(words) => words.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
            _ => Vec::new(),
        });
        words
            .flat_map(|word| match self.roles.get(&word) {
                Some(scopes) => scopes.clone(),
                None => word.parse().into_iter().collect(),
            })
            .collect()
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(Kind::InvalidToken, detail)
}

/// RFC 7515, section 4.1.11: whoever doesn't know an extension that is called critical refuses the token.
fn has_critical_extensions(token: &str) -> bool {
    let header = token.split('.').next().and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    let header: Option<Map<String, Value>> = header.and_then(|header| serde_json::from_slice(&header).ok());
    header.is_none_or(|header| header.contains_key("crit"))
}

fn reason(error: &jsonwebtoken::errors::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ExpiredSignature => "The token has expired.",
        ErrorKind::ImmatureSignature => "The token is not valid yet.",
        ErrorKind::InvalidAudience => "The token is for somebody else (aud).",
        ErrorKind::MissingRequiredClaim(_) => "The token lacks one of the claims exp, iss, aud and sub.",
        _ => "The token's signature can't be verified.",
    }
}
