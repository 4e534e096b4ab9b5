//! The local issuer: a secret of this installation, for trying the service out, for scripts on the same machine and for
//! small installations. It is not accepted once an outside issuer is configured.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::json;

use super::claims::{ClaimNames, RequiredClaims};
use super::issuer::{Issuer, Keys, Municipalities};
use super::keys::Key;
use super::scope::Scope;
use crate::db::types;

/// The `iss` claim of local tokens.
pub const ISSUER: &str = "medstrategi";
/// The `aud` claim of local tokens.
pub const AUDIENCE: &str = "medstrategi";
/// Minimum length of a secret in bytes (RFC 7518, section 3.2: at least the size of the hash).
pub const SHORTEST_SECRET: usize = 32;

/// The secret that signs and verifies local tokens.
pub struct LocalSecret(SecretSlice<u8>);

impl LocalSecret {
    /// Reads the secret from `path`. Creates it if there is none, readable by this user only.
    pub fn read_or_create(path: &Path) -> Result<Self, String> {
        if !path.exists() {
            let mut random = [0; 48];
            getrandom::fill(&mut random).map_err(|error| format!("the system gives no random numbers: {error}"))?;
            match create(path, &STANDARD.encode(random)) {
                // Another instance has just created it.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(format!("the secret can't be written to {}: {error}", path.display())),
                Ok(()) => {}
            }
        }
        Self::read(path)
    }

    /// Reads the secret from `path`.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!(
                "there is no secret at {}: start `medstrategi serve` there first, or name the right place with \
                 --database-url or --secret-file",
                path.display()
            ),
            _ => format!("the secret file {} can't be read: {error}", path.display()),
        })?;
        let secret = text.trim().as_bytes().to_vec();
        if secret.len() < SHORTEST_SECRET {
            return Err(format!(
                "the secret in {} has {} bytes: write at least {SHORTEST_SECRET} random ones, or delete the file to have one made",
                path.display(),
                secret.len()
            ));
        }
        Ok(Self(secret.into()))
    }

    /// The issuer of tokens that this secret signs.
    pub fn issuer(&self) -> Issuer {
        Issuer {
            name: ISSUER.into(),
            audience: vec![AUDIENCE.into()],
            keys: Keys::Held(vec![Key::from_secret(self.0.expose_secret())]),
            algorithms: vec![Algorithm::HS256],
            claims: ClaimNames::default(),
            required_claims: RequiredClaims::default(),
            roles: std::collections::HashMap::new(),
            municipalities: Municipalities::All,
        }
    }

    /// Signs a token for `subject` that is valid for `lifetime`.
    pub fn sign(
        &self,
        subject: &str,
        municipality: &types::Key,
        scopes: &[Scope],
        lifetime: Duration,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let scope: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        let claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "municipality": municipality.as_str(),
            "scope": scope.join(" "),
            "iat": now.as_secs(),
            "exp": (now + lifetime).as_secs(),
        });
        let key = EncodingKey::from_secret(self.0.expose_secret());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
    }
}

/// Creates the file atomically: writes a temporary file, then links it into place, which fails if `path` exists.
fn create(path: &Path, secret: &str) -> std::io::Result<()> {
    let draft = path.with_extension(format!("secret-{}", crate::db::types::Id::new()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        writeln!(file, "{secret}")?;
        file.sync_all()
    });
    let linked = written.and_then(|()| std::fs::hard_link(&draft, path));
    let _ = std::fs::remove_file(&draft);
    linked
}
