//! Outside issuers: the `[[issuers]]` tables of the settings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jsonwebtoken::Algorithm;
use serde::Deserialize;
use ureq::tls::RootCerts;

use super::SettingError;
use crate::auth::claims::{ClaimNames, RequiredClaims};
use crate::auth::issuer::{Issuer, Keys, Municipalities};
use crate::auth::keys::Key;
use crate::auth::local::SHORTEST_SECRET;
use crate::auth::provider::{Address, Provider, read_authorities};
use crate::auth::scope::Scope;
use crate::db::types;

/// Supported algorithms by name. Only the first uses a shared secret.
const ALGORITHMS: [(&str, Algorithm); 10] = [
    ("HS256", Algorithm::HS256),
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// One `[[issuers]]` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSetting {
    pub(super) issuer: String,
    audience: Vec<String>,
    algorithms: Vec<String>,
    #[serde(default)]
    public_keys: Vec<PathBuf>,
    secret_file: Option<PathBuf>,
    jwks_url: Option<String>,
    discovery_url: Option<String>,
    ca_file: Option<PathBuf>,
    municipalities: Vec<String>,
    #[serde(default)]
    claims: ClaimNames,
    #[serde(default)]
    required_claims: RequiredClaims,
    #[serde(default)]
    roles: HashMap<String, Vec<String>>,
}

impl IssuerSetting {
    pub(super) fn build(&self, folder: &Path) -> Result<Issuer, SettingError> {
        let name = &self.issuer;
        let algorithms = self.algorithms.iter().map(|word| algorithm(name, word)).collect::<Result<Vec<_>, _>>()?;
        let is_missing = |words: &[String]| words.is_empty() || words.iter().any(String::is_empty);
        if name.is_empty() {
            return Err("an issuer has no name: write what stands in its tokens' iss".into());
        }
        if algorithms.is_empty() || is_missing(&self.audience) || is_missing(&self.municipalities) {
            return Err(format!(
                "the issuer '{name}' needs at least one each of algorithms, audience and municipalities"
            ));
        }
        if let Some(claim) = self.required_claims.without_values() {
            return Err(format!(
                "the issuer '{name}' accepts no value of the required claim '{claim}': write {claim} = [\"value\"]"
            ));
        }
        let municipality = |key: &String| {
            key.parse().map_err(|_| format!("'{key}' in the municipalities of the issuer '{name}' is no key"))
        };
        let scopes = |(role, words): (&String, &Vec<String>)| {
            let scope = |word: &String| {
                word.parse::<Scope>().map_err(|()| format!("'{word}' in the roles of the issuer '{name}' is no scope"))
            };
            Ok((role.clone(), words.iter().map(scope).collect::<Result<_, SettingError>>()?))
        };
        Ok(Issuer {
            name: name.clone(),
            audience: self.audience.clone(),
            keys: self.keys(folder, &algorithms)?,
            algorithms,
            claims: self.claims.clone(),
            required_claims: self.required_claims.clone(),
            roles: self.roles.iter().map(scopes).collect::<Result<_, SettingError>>()?,
            municipalities: Municipalities::Listed(
                self.municipalities.iter().map(municipality).collect::<Result<Vec<types::Key>, _>>()?,
            ),
        })
    }

    /// The issuer's keys, which must come from exactly one source.
    fn keys(&self, folder: &Path, algorithms: &[Algorithm]) -> Result<Keys, SettingError> {
        let name = &self.issuer;
        let shared = algorithms.iter().filter(|algorithm| **algorithm == Algorithm::HS256).count();
        if shared != if self.secret_file.is_some() { algorithms.len() } else { 0 } {
            return Err(format!(
                "the issuer '{name}' mixes a shared secret with public keys: write either secret_file with HS256 \
                 alone, or public keys with RS256, ES256 or the like"
            ));
        }
        if self.ca_file.is_some() && self.jwks_url.is_none() && self.discovery_url.is_none() {
            return Err(format!(
                "the issuer '{name}' has a ca_file but fetches no keys: write jwks_url or discovery_url, or leave it out"
            ));
        }
        let address = |setting: &str, read: fn(&str) -> Result<Address, String>, text: &str| {
            read(text).map_err(|instead| format!("the {setting} of the issuer '{name}' can't be used: {instead}"))
        };
        match (&self.secret_file, self.public_keys.as_slice(), &self.jwks_url, &self.discovery_url) {
            (Some(path), [], None, None) => Ok(Keys::Held(vec![read_secret(name, &folder.join(path))?])),
            (None, paths @ [_, ..], None, None) => {
                let read = |path: &PathBuf| read_public_key(name, &folder.join(path), algorithms);
                Ok(Keys::Held(paths.iter().map(read).collect::<Result<_, _>>()?))
            }
            (None, [], Some(url), None) => self.published(folder, address("jwks_url", Address::of_keys, url)?),
            (None, [], None, Some(url)) => {
                self.published(folder, address("discovery_url", Address::of_discovery, url)?)
            }
            _ => Err(format!(
                "the issuer '{name}' needs its keys from one place: write one of jwks_url, discovery_url, public_keys \
                 (PEM files) and secret_file"
            )),
        }
    }

    fn published(&self, folder: &Path, address: Address) -> Result<Keys, SettingError> {
        let authorities = match &self.ca_file {
            Some(path) => {
                let path = folder.join(path);
                let read = std::fs::read(&path).map_err(|error| error.to_string());
                read.and_then(|pem| read_authorities(&pem)).map_err(|error| {
                    let (name, path) = (&self.issuer, path.display());
                    format!("the ca_file of the issuer '{name}', {path}, can't be read: {error}; write a PEM file")
                })?
            }
            None => RootCerts::PlatformVerifier,
        };
        Ok(Keys::Published(Provider { issuer: self.issuer.clone(), address, authorities }))
    }
}

fn algorithm(issuer: &str, word: &str) -> Result<Algorithm, SettingError> {
    let known = ALGORITHMS.iter().find(|(name, _)| *name == word).map(|(_, algorithm)| *algorithm);
    known.ok_or_else(|| {
        let names = ALGORITHMS.map(|(name, _)| name).join(", ");
        format!("the issuer '{issuer}' has the algorithm '{word}': write one of {names}")
    })
}

fn read_secret(issuer: &str, path: &Path) -> Result<Key, SettingError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("the secret of the issuer '{issuer}' can't be read from {}: {error}", path.display())
    })?;
    let secret = text.trim().as_bytes();
    if secret.len() < SHORTEST_SECRET {
        return Err(format!(
            "the secret of the issuer '{issuer}' is shorter than {SHORTEST_SECRET} bytes: use a longer one"
        ));
    }
    Ok(Key::from_secret(secret))
}

fn read_public_key(issuer: &str, path: &Path, algorithms: &[Algorithm]) -> Result<Key, SettingError> {
    let pem = std::fs::read(path)
        .map_err(|error| format!("the key of the issuer '{issuer}' can't be read from {}: {error}", path.display()))?;
    // The key must support at least one of the issuer's algorithms.
    let key = Key::from_pem(&pem).filter(|key| algorithms.iter().any(|algorithm| key.fits(*algorithm)));
    key.ok_or_else(|| {
        format!(
            "{} holds no public key for the algorithms of the issuer '{issuer}': write a PEM file of that kind",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(lines: &str) -> String {
        let common = "issuer = 'i'\naudience = ['a']\nmunicipalities = ['m']\n";
        let setting: IssuerSetting = toml::from_str(&format!("{common}{lines}")).unwrap();
        setting.build(Path::new(env!("CARGO_MANIFEST_DIR"))).err().unwrap_or_default()
    }

    #[test]
    fn an_issuer_never_mixes_secrets_and_public_keys() {
        for keys in ["public_keys = ['key.pem']", "jwks_url = 'https://a/k'", "discovery_url = 'https://a'"] {
            assert!(fault(&format!("algorithms = ['HS256', 'RS256']\n{keys}")).contains("mixes"), "{keys}");
            assert!(fault(&format!("algorithms = ['HS256']\n{keys}")).contains("mixes"), "{keys}");
        }
        assert!(fault("algorithms = ['RS256']\nsecret_file = 'secret'").contains("mixes"));
    }

    #[test]
    fn keys_come_from_one_place_that_can_be_trusted() {
        assert_eq!(fault("algorithms = ['PS256']\njwks_url = 'https://a/k'"), "");
        assert_eq!(fault("algorithms = ['ES384']\ndiscovery_url = 'https://a'\nrequired_claims = {tid = ['t']}"), "");
        let one = "write one of jwks_url, discovery_url, public_keys (PEM files) and secret_file";
        assert!(fault("algorithms = ['RS256']").contains(one));
        assert!(fault("algorithms = ['RS256']\njwks_url = 'https://a/k'\ndiscovery_url = 'https://a'").contains(one));
        assert!(fault("algorithms = ['RS256']\njwks_url = 'https://a/k'\npublic_keys = ['k']").contains(one));
        assert!(fault("algorithms = ['RS256']\njwks_url = 'http://a/k'").contains("begins with https://"));
        assert!(fault("algorithms = ['RS256']\ndiscovery_url = 'a'").contains("begins with https://"));
        assert!(fault("algorithms = ['RS384']\npublic_keys = ['k']\nca_file = 'c'").contains("write jwks_url or"));
        let ca_file =
            |path: &str| fault(&format!("algorithms = ['RS256']\njwks_url = 'https://a/k'\nca_file = '{path}'"));
        assert!(ca_file("none.pem").contains("write a PEM file"));
        assert!(ca_file("tests/api/keys/rsa.public.pem").contains("holds no certificate"));
        assert!(fault("algorithms = ['RS1']\njwks_url = 'https://a/k'").contains("ES384, EdDSA"));
        let empty = "algorithms = ['RS256']\njwks_url = 'https://a/k'\nrequired_claims = {tid = []}";
        assert!(fault(empty).contains("write tid = [\"value\"]"));
    }
}
