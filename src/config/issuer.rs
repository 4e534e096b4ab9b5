//! The outside issuers, as `[[issuers]]` describes them in the settings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::SettingError;
use crate::auth::issuer::{ClaimNames, Issuer, Keys, Municipalities};
use crate::auth::local::SHORTEST_SECRET;
use crate::auth::scope::Scope;
use crate::db::types::Key;

/// An outside issuer, as `[[issuers]]` describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerSetting {
    pub(super) issuer: String,
    audience: Vec<String>,
    algorithms: Vec<String>,
    #[serde(default)]
    public_keys: Vec<PathBuf>,
    secret_file: Option<PathBuf>,
    municipalities: Vec<String>,
    #[serde(default)]
    claims: ClaimNames,
    #[serde(default)]
    roles: HashMap<String, Vec<String>>,
}

impl IssuerSetting {
    pub(super) fn build(&self, folder: &Path) -> Result<Issuer, SettingError> {
        let name = &self.issuer;
        let algorithms = self.algorithms.iter().map(|word| algorithm(name, word)).collect::<Result<Vec<_>, _>>()?;
        if algorithms.is_empty() || self.audience.is_empty() || self.municipalities.is_empty() {
            return Err(format!(
                "the issuer '{name}' needs at least one each of algorithms, audience and municipalities"
            ));
        }
        let shared = algorithms.iter().filter(|algorithm| **algorithm == Algorithm::HS256).count();
        let keys = match (&self.secret_file, shared) {
            (Some(path), n) if n == algorithms.len() => Keys::Secret(read_secret(name, &folder.join(path))?),
            (None, 0) => Keys::Public(self.read_public_keys(folder, &algorithms)?),
            _ => {
                return Err(format!(
                    "the issuer '{name}' mixes a shared secret with public keys: write either secret_file with HS256, \
                     or public_keys with RS256, ES256 or EdDSA"
                ));
            }
        };
        let municipality = |key: &String| {
            key.parse::<Key>().map_err(|_| format!("'{key}' in the municipalities of the issuer '{name}' is no key"))
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
            keys,
            algorithms,
            claims: self.claims.clone(),
            roles: self.roles.iter().map(scopes).collect::<Result<_, SettingError>>()?,
            municipalities: Municipalities::Listed(
                self.municipalities.iter().map(municipality).collect::<Result<_, _>>()?,
            ),
        })
    }

    fn read_public_keys(&self, folder: &Path, algorithms: &[Algorithm]) -> Result<Vec<DecodingKey>, SettingError> {
        if self.public_keys.is_empty() {
            return Err(format!(
                "the issuer '{}' has no keys: write public_keys with the paths of PEM files",
                self.issuer
            ));
        }
        self.public_keys.iter().map(|path| read_public_key(&self.issuer, &folder.join(path), algorithms)).collect()
    }
}

fn algorithm(issuer: &str, word: &str) -> Result<Algorithm, SettingError> {
    match word {
        "HS256" => Ok(Algorithm::HS256),
        "RS256" => Ok(Algorithm::RS256),
        "ES256" => Ok(Algorithm::ES256),
        "EdDSA" => Ok(Algorithm::EdDSA),
        _ => Err(format!("the issuer '{issuer}' has the algorithm '{word}': write RS256, ES256, EdDSA or HS256")),
    }
}

fn read_secret(issuer: &str, path: &Path) -> Result<DecodingKey, SettingError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("the secret of the issuer '{issuer}' can't be read from {}: {error}", path.display())
    })?;
    let secret = text.trim().as_bytes();
    if secret.len() < SHORTEST_SECRET {
        return Err(format!(
            "the secret of the issuer '{issuer}' is shorter than {SHORTEST_SECRET} bytes: use a longer one"
        ));
    }
    Ok(DecodingKey::from_secret(secret))
}

fn read_public_key(issuer: &str, path: &Path, algorithms: &[Algorithm]) -> Result<DecodingKey, SettingError> {
    let pem = std::fs::read(path)
        .map_err(|error| format!("the key of the issuer '{issuer}' can't be read from {}: {error}", path.display()))?;
    // Told apart by the algorithm: whoever may use RS256 alone must bring an RSA key.
    let key = algorithms.iter().find_map(|algorithm| match algorithm {
        Algorithm::RS256 => DecodingKey::from_rsa_pem(&pem).ok(),
        Algorithm::ES256 => DecodingKey::from_ec_pem(&pem).ok(),
        Algorithm::EdDSA => DecodingKey::from_ed_pem(&pem).ok(),
        _ => None,
    });
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

    #[test]
    fn an_issuer_never_mixes_secrets_and_public_keys() {
        let setting: IssuerSetting = toml::from_str(
            r#"issuer = "i"
            audience = ["a"]
            algorithms = ["HS256", "RS256"]
            public_keys = ["key.pem"]
            municipalities = ["m"]"#,
        )
        .unwrap();
        assert!(setting.build(Path::new("")).err().unwrap().contains("mixes"));
    }
}
