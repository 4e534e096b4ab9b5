//! An identity provider on this machine with scripted answers, and keys to sign tokens with.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use crate::harness::wait_until;

pub const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/keys");

/// The answer at a path.
#[derive(Clone)]
pub enum Answer {
    Json(Value),
    /// Status, further header lines, body.
    Raw(u16, String, Vec<u8>),
    /// Another answer, after a delay.
    Late(Duration, Box<Answer>),
    /// Another answer, but not before [`Provider::release`].
    Held(Box<Answer>),
    /// The connection is closed without an answer.
    Cut,
    /// A body that never ends, one byte at a time.
    Dribble,
}

#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<String, Answer>>,
    asked: Mutex<HashMap<String, usize>>,
    has_ended: AtomicBool,
    is_released: AtomicBool,
}

pub struct Provider {
    pub base: String,
    script: Arc<Script>,
}

impl Provider {
    pub fn start() -> Self {
        Self::serve(None)
    }

    /// Over TLS, with the certificate that `ca.pem` signed.
    pub fn start_with_tls() -> Self {
        let certificate = CertificateDer::from_pem_file(format!("{KEYS}/provider.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(format!("{KEYS}/provider.private.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::serve(Some(Arc::new(config)))
    }

    fn serve(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let base = format!("{scheme}://{}", listener.local_addr().unwrap());
        let script = Arc::new(Script::default());
        let shared = Arc::clone(&script);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.has_ended.load(Ordering::SeqCst) {
                    return;
                }
                let (script, tls) = (Arc::clone(&shared), tls.clone());
                // A client may disconnect at any time.
                std::thread::spawn(move || match (stream, tls) {
                    (Ok(stream), None) => drop(script.talk(stream)),
                    (Ok(stream), Some(tls)) => {
                        let connection = rustls::ServerConnection::new(tls).unwrap();
                        drop(script.talk(rustls::StreamOwned::new(connection, stream)));
                    }
                    (Err(_), _) => {}
                });
            }
        });
        Self { base, script }
    }

    pub fn answer(&self, path: &str, answer: Answer) {
        self.script.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Publishes these keys at `/keys`.
    pub fn publish(&self, keys: &[&Signer]) {
        self.answer("/keys", key_set(keys));
    }

    /// Sends the answers that were held back.
    pub fn release(&self) {
        self.script.is_released.store(true, Ordering::SeqCst);
    }

    /// Number of requests for the path.
    pub fn asked(&self, path: &str) -> usize {
        self.script.asked.lock().unwrap().get(path).copied().unwrap_or_default()
    }

    /// Waits until the path has been requested this many times more and the last request has been answered.
    pub fn wait_for(&self, path: &str, times: usize) {
        let wanted = self.asked(path) + times;
        wait_until("the provider is asked", || self.asked(path) > wanted);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.script.has_ended.store(true, Ordering::SeqCst);
        let address = self.base.rsplit('/').next().unwrap();
        drop(TcpStream::connect(address));
    }
}

impl Script {
    fn talk(&self, mut stream: impl Read + Write) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let answer = self.answers.lock().unwrap().get(&path).cloned();
        *self.asked.lock().unwrap().entry(path).or_default() += 1;
        self.write(&mut stream, answer.unwrap_or(Answer::Raw(404, String::new(), b"nothing here".to_vec())))
    }

    fn write(&self, stream: &mut (impl Read + Write), answer: Answer) -> std::io::Result<()> {
        match answer {
            Answer::Json(body) => {
                let body = body.to_string().into_bytes();
                self.write(stream, Answer::Raw(200, "content-type: application/json\r\n".into(), body))
            }
            Answer::Raw(status, headers, body) => {
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} Told\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
                stream.write_all(head.as_bytes())?;
                stream.write_all(&body)?;
                stream.flush()
            }
            Answer::Late(delay, answer) => {
                std::thread::sleep(delay);
                self.write(stream, *answer)
            }
            Answer::Held(answer) => {
                while !self.is_released.load(Ordering::SeqCst) && !self.has_ended.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                self.write(stream, *answer)
            }
            Answer::Cut => Ok(()),
            Answer::Dribble => {
                stream.write_all(b"HTTP/1.1 200 Told\r\ncontent-type: application/json\r\n\r\n")?;
                while !self.has_ended.load(Ordering::SeqCst) {
                    stream.write_all(b" ")?;
                    stream.flush()?;
                    std::thread::sleep(Duration::from_millis(20));
                }
                Ok(())
            }
        }
    }
}

/// A key pair that signs tokens.
#[derive(Clone)]
pub struct Signer {
    pub header: Header,
    pub key: EncodingKey,
    /// The public key, as it is published.
    pub jwk: Value,
}

impl Signer {
    /// A signer with one of the key pairs in `tests/api/keys`, under a kid of its own.
    pub fn new(kid: &str, pair: &str, algorithm: Algorithm) -> Self {
        let pem = std::fs::read(format!("{KEYS}/{pair}.private.pem")).unwrap();
        let key = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(&pem),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(&pem),
            _ => EncodingKey::from_rsa_pem(&pem),
        };
        let key = key.unwrap();
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        Self { header: Header { kid: Some(kid.into()), ..Header::new(algorithm) }, key, jwk }
    }

    pub fn rsa(kid: &str) -> Self {
        Self::new(kid, "rsa", Algorithm::RS256)
    }

    pub fn other(kid: &str) -> Self {
        Self::new(kid, "other", Algorithm::RS256)
    }

    /// The same key, named differently in tokens.
    pub fn calling_itself(&self, change: impl FnOnce(&mut Header)) -> Self {
        let mut signer = self.clone();
        change(&mut signer.header);
        signer
    }

    /// The same key, published with other fields.
    pub fn published_with(&self, name: &str, value: Value) -> Self {
        let mut signer = self.clone();
        match value {
            Value::Null => drop(signer.jwk.as_object_mut().unwrap().remove(name)),
            value => signer.jwk[name] = value,
        }
        signer
    }

    pub fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header, claims, &self.key).unwrap()
    }
}

pub fn key_set(keys: &[&Signer]) -> Answer {
    Answer::Json(json!({"keys": keys.iter().map(|key| &key.jwk).collect::<Vec<_>>()}))
}
