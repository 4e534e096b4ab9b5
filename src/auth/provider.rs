//! Fetches an issuer's published keys: over TLS, with limits on time and size.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider};
use url::{Host, Url};

use super::keys::{Key, read_key_set};

/// Maximum size of an answer in bytes. Real key sets have about ten thousand.
const LONGEST_ANSWER: u64 = 1024 * 1024;

/// Path of the discovery document (OpenID Connect Discovery 1.0, section 4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Where an issuer's keys are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// At this URL (JWKS, RFC 7517).
    Keys(Url),
    /// The discovery document at this URL names the URL of the keys (OpenID Connect Discovery).
    Discovery(Url),
}

impl Address {
    /// The URL of a key set. Fails with a sentence that says what to write instead.
    pub fn of_keys(text: &str) -> Result<Self, String> {
        checked(text).map(Self::Keys)
    }

    /// The URL of a discovery document, or of a provider with the document at the standard path.
    pub fn of_discovery(text: &str) -> Result<Self, String> {
        let mut url = checked(text)?;
        if !url.path().contains("/.well-known/") {
            let path = format!("{}{WELL_KNOWN}", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        Ok(Self::Discovery(url))
    }

    /// The URL without user name, password and query, for logs.
    pub fn shown(&self) -> String {
        let (Self::Keys(url) | Self::Discovery(url)) = self;
        let mut url = url.clone();
        // Neither can fail for a URL with a host, and a checked URL has one.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.into()
    }
}

/// Requires https, or http on this machine, so that answers can't be forged on the way.
fn checked(text: &str) -> Result<Url, String> {
    let instead = || "write one that begins with https:// (http:// is for 127.0.0.1 alone)".to_owned();
    let url = Url::parse(text).map_err(|_| instead())?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(instead()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads a PEM file of certificates that are trusted instead of the system's.
pub fn read_authorities(pem: &[u8]) -> Result<RootCerts, String> {
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| error.to_string())? {
            let mut store = rustls::RootCertStore::empty();
            store.add(certificate.der().to_vec().into()).map_err(|error| error.to_string())?;
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err("it holds no certificate".into());
    }
    Ok(RootCerts::from(certificates))
}

/// An issuer's provider.
pub struct Provider {
    /// The issuer's `iss` claim.
    pub issuer: String,
    /// Where its keys are published.
    pub address: Address,
    /// The authorities that may sign the provider's certificate.
    pub authorities: RootCerts,
}

impl Provider {
    /// Fetches the keys within `time`. Fails with a message that is safe to log.
    pub fn fetch(&self, time: Duration) -> Result<Vec<Key>, String> {
        let deadline = Instant::now() + time;
        let keys = match &self.address {
            Address::Keys(url) => self.get(url, deadline)?,
            Address::Discovery(url) => {
                let keys = self.get(&self.discovered(url, deadline)?, deadline);
                keys.map_err(|reason| format!("at the document's jwks_uri, {reason}"))?
            }
        };
        Ok(read_key_set(&keys)?)
    }

    /// The URL of the keys, from a discovery document that names this issuer.
    fn discovered(&self, url: &Url, deadline: Instant) -> Result<Url, String> {
        #[derive(Deserialize)]
        struct Document {
            issuer: Option<String>,
            /// The issuer of access tokens, which AD FS names differently from that of identity tokens.
            access_token_issuer: Option<String>,
            jwks_uri: String,
        }
        let document = self.get(url, deadline)?;
        let document: Document =
            serde_json::from_slice(&document).map_err(|_| "the answer is no discovery document (OpenID Connect)")?;
        let mut named = [&document.issuer, &document.access_token_issuer].into_iter().flatten();
        if !named.clone().any(|named| *named == self.issuer) {
            let other: String = named.next().map_or("none", |named| named).chars().take(200).collect();
            return Err(format!("the discovery document is of another issuer, {other:?}"));
        }
        let keys = checked(&document.jwks_uri).ok().filter(|keys| keys.scheme() == url.scheme());
        keys.ok_or_else(|| "the discovery document gives an address of keys (jwks_uri) that is not https".into())
    }

    fn get(&self, url: &Url, deadline: Instant) -> Result<Vec<u8>, String> {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .root_certs(self.authorities.clone())
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(deadline.saturating_duration_since(Instant::now())));
        let agent = match url.scheme() {
            "https" => agent.https_only(true).max_redirects(3),
            // Requests on this machine use no proxy and follow no redirects.
            _ => agent.proxy(None).max_redirects(0),
        };
        // A new agent for each request, since the system's certificates may have changed.
        let agent: ureq::Agent = agent.build().into();
        let mut answer = agent.get(url.as_str()).call().map_err(|error| reason(&error))?;
        if answer.status() != 200 {
            return Err(format!("the provider answered with status {}", answer.status().as_u16()));
        }
        answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec().map_err(|error| reason(&error))
    }
}

/// Describes why a request failed, without URLs and without text from the other side.
fn reason(error: &ureq::Error) -> String {
    use ureq::Error;
    match error {
        Error::StatusCode(status) => format!("the provider answered with status {status}"),
        Error::Timeout(_) => "the provider did not answer in time".into(),
        Error::HostNotFound => "the provider's host is not known".into(),
        Error::TooManyRedirects | Error::RedirectFailed => "the provider sent us to other addresses".into(),
        Error::RequireHttpsOnly(_) => "the provider sent us to an address that is not https".into(),
        Error::BodyExceedsLimit(_) | Error::LargeResponseHeader(..) => "the provider's answer is too large".into(),
        Error::Io(error) => format!("the provider can't be reached: {error}"),
        Error::Rustls(error) => format!("the provider can't be reached: {error}"),
        Error::Tls(sentence) => format!("the provider can't be reached: {sentence}"),
        Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => "the proxy does not lead to the provider".into(),
        _ => "the provider's answer can't be read".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_or_on_this_machine() {
        for good in ["https://login.example/keys", "http://127.0.0.1:8080/keys", "http://localhost/k", "http://[::1]/k"]
        {
            assert!(Address::of_keys(good).is_ok(), "{good}");
        }
        let bad =
            ["http://login.example/keys", "http://127.0.0.1.example/keys", "http://10.0.0.1/keys", "file:///etc/keys"];
        for bad in bad.into_iter().chain(["login.example/keys", "", "https://", "http://localhost.example/"]) {
            assert!(Address::of_keys(bad).unwrap_err().contains("https://"), "{bad}");
        }
    }

    #[test]
    fn the_document_is_at_the_standard_path() {
        let document = |text: &str| Address::of_discovery(text).unwrap().shown();
        let usual = "https://login.example/t/.well-known/openid-configuration";
        assert_eq!(document("https://login.example/t"), usual);
        assert_eq!(document("https://login.example/t/"), usual);
        assert_eq!(document(usual), usual);
        let Ok(Address::Discovery(url)) = Address::of_discovery("https://login.example/t?appid=1") else { panic!() };
        assert_eq!(url.as_str(), format!("{usual}?appid=1"));
        let other = "https://login.example/.well-known/oauth-authorization-server/t";
        assert_eq!(document(other), other);
        assert_eq!(document("https://user:password@login.example/t?code=secret"), usual);
    }
}
