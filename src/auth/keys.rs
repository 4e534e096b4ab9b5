//! Keys that verify signatures: how they are read, which algorithms each supports, and which key a token names.

use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, Header};
use serde::Deserialize;
use serde_json::Value;

/// Upper limit of keys in a set. A token that names no key is checked against each.
const MOST_KEYS: usize = 100;

/// A key that verifies signatures.
pub struct Key {
    /// Its key id (`kid`), if it has one.
    id: Option<String>,
    /// The thumbprint of its certificate (`x5t`), if it has one.
    thumbprint: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

impl Key {
    /// A secret that the issuer shares with this service.
    pub fn from_secret(secret: &[u8]) -> Self {
        let decoding = DecodingKey::from_secret(secret);
        Self { id: None, thumbprint: None, algorithms: vec![Algorithm::HS256], decoding }
    }

    /// The public key in a PEM file. None if there is no supported one.
    pub fn from_pem(pem: &[u8]) -> Option<Self> {
        let read = [DecodingKey::from_rsa_pem, DecodingKey::from_ec_pem, DecodingKey::from_ed_pem];
        let decoding = read.iter().find_map(|read| read(pem).ok())?;
        let algorithms = public_key_algorithms(&decoding);
        (!algorithms.is_empty()).then(|| Self { id: None, thumbprint: None, algorithms: algorithms.into(), decoding })
    }

    /// Reads a published key (JWK, RFC 7517). Fails with the reason why it can't verify signatures here.
    fn from_jwk(jwk: &Value) -> Result<Self, &'static str> {
        let jwk = Jwk::deserialize(jwk).map_err(|_| "it can't be read")?;
        let common = jwk.common;
        if common.public_key_use.is_some_and(|used| used != PublicKeyUse::Signature)
            || common.key_operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify))
        {
            return Err("it is for something else than signatures");
        }
        let jwk = Jwk { common: Default::default(), ..jwk };
        let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| "its type is not supported")?;
        let mut algorithms = public_key_algorithms(&decoding).to_vec();
        if let Some(own) = common.key_algorithm {
            algorithms.retain(|algorithm| own == (*algorithm).into());
        }
        if algorithms.is_empty() {
            return Err("its type, size or algorithm is not supported");
        }
        Ok(Self { id: common.key_id, thumbprint: common.x509_sha1_fingerprint, algorithms, decoding })
    }

    /// Whether the key can verify signatures of this algorithm.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether it is a shared secret rather than a public key.
    pub fn is_secret(&self) -> bool {
        self.decoding.family() == AlgorithmFamily::Hmac
    }

    /// Whether a token with this header may have been signed with this key. A token without `kid` and `x5t` may have
    /// been signed with any key. AD FS uses a key's thumbprint as its `kid`.
    pub fn is_named_by(&self, header: &Header) -> bool {
        match (&header.kid, &header.x5t) {
            (Some(id), _) => self.id.as_ref() == Some(id),
            (None, Some(named)) => [&self.thumbprint, &self.id].iter().any(|own| own.as_ref() == Some(named)),
            (None, None) => true,
        }
    }

    /// The key, for `jsonwebtoken`.
    pub fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

/// Reads a published key set (JWKS, RFC 7517). Keys that can't be used here are skipped, as section 5 says.
pub fn read_key_set(text: &[u8]) -> Result<Vec<Key>, &'static str> {
    #[derive(Deserialize)]
    struct KeySet {
        keys: Vec<Value>,
    }
    let set: KeySet = serde_json::from_slice(text).map_err(|_| "the answer is no set of keys (JWKS)")?;
    if set.keys.len() > MOST_KEYS {
        return Err("the answer holds more than 100 keys");
    }
    let usable = set.keys.iter().filter_map(|jwk| match Key::from_jwk(jwk) {
        Ok(key) => Some(key),
        Err(reason) => {
            tracing::debug!(kid = jwk["kid"].as_str(), reason, "a published key is skipped");
            None
        }
    });
    Ok(usable.collect())
}

/// The algorithms that a public key can verify, by its type and size. None for a shared secret.
fn public_key_algorithms(key: &DecodingKey) -> &'static [Algorithm] {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    const RSA: &[Algorithm] = &[RS256, RS384, RS512, PS256, PS384, PS512];
    match (key.family(), key.kind()) {
        (AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, .. }) if (256..=1024).contains(&n.len()) => RSA,
        (AlgorithmFamily::Rsa, DecodingKeyKind::SecretOrDer(der)) if der.len() > 256 => RSA,
        (AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) if point.len() == 65 => &[ES256],
        (AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) if point.len() == 97 => &[ES384],
        (AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) if point.len() == 32 => &[EdDSA],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_can_not_verify_signatures_are_skipped() {
        let point = "A".repeat(43);
        let ec = json!({"kty": "EC", "crv": "P-256", "x": point, "y": point});
        let with = |changes: &[(&str, Value)]| {
            let mut jwk = ec.clone();
            for (name, value) in changes {
                jwk[*name] = value.clone();
            }
            Key::from_jwk(&jwk).map(|key| key.algorithms)
        };
        assert_eq!(with(&[]), Ok(vec![Algorithm::ES256]));
        assert_eq!(with(&[("use", json!("sig")), ("alg", json!("ES256"))]), Ok(vec![Algorithm::ES256]));
        assert!(with(&[("use", json!("enc"))]).is_err());
        assert!(with(&[("key_ops", json!(["encrypt"]))]).is_err());
        assert!(with(&[("alg", json!("ES384"))]).is_err(), "a key's own algorithm binds");
        assert!(with(&[("alg", json!("ECDH-ES"))]).is_err());
        assert!(with(&[("crv", json!("secp256k1"))]).is_err());
        assert!(with(&[("x", json!("A".repeat(88))), ("y", json!("A".repeat(88))), ("crv", json!("P-521"))]).is_err());
        assert!(with(&[("x", json!("=?"))]).is_err());
        assert!(with(&[("kid", json!(7))]).is_err());
        assert!(Key::from_jwk(&json!({"kty": "oct", "k": "A".repeat(64)})).is_err(), "symmetric");
        assert!(Key::from_jwk(&json!({"kty": "oct", "k": "A".repeat(87), "alg": "HS256"})).is_err(), "symmetric");
        assert!(Key::from_jwk(&json!({"kty": "RSA", "n": "A".repeat(171), "e": "AQAB"})).is_err(), "1024 bits");
        assert!(Key::from_jwk(&json!({"kty": "OKP", "crv": "X25519", "x": point})).is_err());
        assert!(Key::from_jwk(&json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"})).is_err());
        assert!(Key::from_jwk(&json!("a string")).is_err());
    }

    #[test]
    fn unknown_members_of_a_set_are_ignored_and_its_size_is_limited() {
        let read = |set: Value| read_key_set(set.to_string().as_bytes()).map(|keys| keys.len());
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "A".repeat(43)});
        assert_eq!(read(json!({"keys": [1, null, {}, key], "more": true})), Ok(1));
        assert_eq!(read(json!({"keys": []})), Ok(0));
        assert_eq!(read(json!({"keys": vec![key; 101]})), Err("the answer holds more than 100 keys"));
        assert!(read(json!([])).is_err());
        assert!(read(json!({"error": "not_found"})).is_err());
    }
}
