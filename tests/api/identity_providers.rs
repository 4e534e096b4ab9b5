//! Issuers with keys from the network: tokens as real providers write them, rotation, outages, hostile answers.

pub mod fetching;
pub mod known_providers;
mod provider;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use medstrategi::auth::issuer::Issuers;
use medstrategi::auth::refresh::RefreshPolicy;
use medstrategi::config::{Flags, Settings};
use serde_json::{Value, json};

use crate::harness::{App, ELSEWHERE, HERE, LONGEST, Response, wait_until};
use crate::program::{Served, logged, program, serve};
use provider::{Answer, KEYS, Provider, Signer, key_set};

crate::tests![
    keys_of_every_kind_verify_and_others_are_skipped,
    tokens_without_a_key_id_are_accepted,
    clocks_may_differ_by_half_a_minute,
    an_unknown_municipality_of_an_issuer_is_logged,
    a_discovery_document_must_name_its_issuer,
    issuers_do_not_mix,
    the_summary_holds_no_secrets,
];

const ISSUER: &str = "https://login.example/testby";

/// As in production, but failures are retried at once, and time limits are long enough for a slow machine.
const POLICY: RefreshPolicy = RefreshPolicy {
    interval: Duration::from_secs(600),
    retry_interval: Duration::from_millis(20),
    min_interval: Duration::from_secs(600),
    max_wait: LONGEST,
    fetch_timeout: LONGEST,
};

fn issuers(app: &App, settings: &str, policy: RefreshPolicy) -> Issuers {
    let path = app.folder.path().join("medstrategi.toml");
    std::fs::write(&path, settings).unwrap();
    let flags = Flags {
        config: Some(path.display().to_string()),
        database_url: Some("sqlite:unused.db".into()),
        ..Flags::default()
    };
    Issuers::with_refresh_policy(Settings::load(&flags).unwrap().accepted_issuers().unwrap(), policy)
}

fn server<'e>(app: &App<'e>, settings: &str, policy: RefreshPolicy) -> App<'e> {
    let issuers = issuers(app, settings, policy);
    App::start_with(app.engines, app.engine, |_| issuers)
}

/// The settings of an issuer whose keys are at `url`.
fn fetched(url: &str) -> String {
    format!(
        r#"
        [[issuers]]
        issuer = "{ISSUER}"
        audience = ["api://medstrategi"]
        algorithms = ["RS256", "ES256"]
        municipalities = ["testby"]
        jwks_url = "{url}"
        "#
    )
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": "api://medstrategi", "sub": "person-7", "exp": now() + 600, "scope": "med.read"})
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

fn get(app: &App, token: &str) -> Response {
    app.request("GET", "/v1/levels").token(token).send()
}

fn status(app: &App, token: &str) -> u16 {
    get(app, token).status
}

/// Whether the token may edit: 422 says that it may, since the body is empty.
fn edits(app: &App, token: &str) -> u16 {
    app.request("POST", "/v1/levels").token(token).json(&json!({})).send().status
}

#[track_caller]
fn refused(app: &App, token: &str) -> String {
    get(app, token).expect_problem(401, "invalid-token").json()["detail"].as_str().unwrap().to_owned()
}

fn keys_of_every_kind_verify_and_others_are_skipped(app: &App) {
    use Algorithm::*;
    let provider = Provider::start();
    let rsa = [RS256, RS384, RS512, PS256, PS384, PS512]
        .map(|algorithm| Signer::new(&format!("{algorithm:?}"), "rsa", algorithm));
    let (ec, ec384, ed) =
        (Signer::new("p256", "ec", ES256), Signer::new("p384", "ec384", ES384), Signer::new("ed", "ed", EdDSA));
    let any = Signer::rsa("any").published_with("alg", Value::Null).published_with("use", Value::Null);
    let encrypting = Signer::rsa("encrypting").published_with("use", json!("enc"));
    let secret = "a-secret-that-somebody-published-by-mistake";
    let oct = json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": base64_url(secret)});
    let mut keys = vec![
        oct,
        json!({"kty": "AKP", "kid": "post-quantum", "alg": "ML-DSA-44", "pub": "AAAA"}),
        json!({"kty": "EC", "crv": "P-521", "kid": "p521", "x": "AAAA", "y": "AAAA"}),
        json!({"kty": "EC", "crv": "secp256k1", "kid": "k1", "x": "AAAA", "y": "AAAA"}),
        json!({"kty": "OKP", "crv": "X25519", "kid": "x", "x": "AAAA"}),
        json!({"kty": "RSA", "kid": "broken", "n": "!", "e": 3}),
        json!({"kty": 1, "kid": {}}),
        json!(null),
        json!("key"),
    ];
    let published = rsa.iter().chain([&ec, &ec384, &ed, &any, &encrypting]);
    keys.extend(published.map(|signer| signer.jwk.clone()));
    provider.answer("/keys", Answer::Json(json!({"keys": keys, "more": 1})));
    let all = r#"["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]"#;
    let settings = fetched(&format!("{}/keys", provider.base));
    let strict = server(app, &settings, POLICY);
    let app = server(app, &settings.replace(r#"["RS256", "ES256"]"#, all), POLICY);
    let mut claims = claims();
    for signer in rsa.iter().chain([&ec, &ec384, &ed, &any]) {
        assert_eq!(status(&app, &signer.sign(&claims)), 200, "{:?}", signer.header);
        let listed = matches!(signer.header.alg, RS256 | ES256);
        assert_eq!(status(&strict, &signer.sign(&claims)), if listed { 200 } else { 401 }, "{:?}", signer.header);
    }
    assert_eq!(status(&app, &any.calling_itself(|header| header.alg = PS384).sign(&claims)), 200);
    claims["scope"] = json!("med.read med.admin");
    let wrong = [
        ("its key's own algorithm is another", rsa[0].calling_itself(|header| header.alg = PS256)),
        ("the key is of another kind", any.calling_itself(|header| header.kid = Some("ed".into()))),
        ("the key is another", Signer::other("any")),
        ("the key is not for signing", encrypting),
        ("the curve is another", ec.calling_itself(|header| header.kid = Some("p384".into()))),
    ];
    for (reason, signer) in wrong {
        assert_eq!(status(&app, &signer.sign(&claims)), 401, "{reason}");
    }
    let public = std::fs::read(format!("{KEYS}/rsa.public.pem")).unwrap();
    for (kid, secret) in
        [("oct", secret.as_bytes()), ("any", &public), ("any", any.jwk["n"].as_str().unwrap().as_bytes())]
    {
        let header = Header { kid: Some(kid.into()), ..Header::new(HS256) };
        let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
        assert_eq!(status(&app, &forged), 401, "a shared secret");
    }
}

fn base64_url(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

fn tokens_without_a_key_id_are_accepted(app: &App) {
    let provider = Provider::start();
    let nameless =
        |signer: Signer| signer.published_with("kid", Value::Null).calling_itself(|header| header.kid = None);
    let first = nameless(Signer::new("", "ec", Algorithm::ES256));
    let (second, third) = (nameless(Signer::rsa("")), nameless(Signer::other("")));
    provider.publish(&[&first, &second]);
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), POLICY);
    assert_eq!(status(&app, &first.sign(&claims())), 200);
    assert_eq!(status(&app, &second.sign(&claims())), 200);
    assert_eq!(provider.asked("/keys"), 1);
    provider.publish(&[&third]);
    assert_eq!(status(&app, &third.sign(&claims())), 200, "a signature of no key that is here asks for new ones");
    assert_eq!(status(&app, &second.sign(&claims())), 401);
    assert_eq!(provider.asked("/keys"), 2);
}

fn clocks_may_differ_by_half_a_minute(app: &App) {
    let provider = Provider::start();
    let signer = Signer::rsa("key");
    provider.publish(&[&signer]);
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), POLICY);
    // A token that is one second too old or too new proves something only if the answer comes within that second.
    let status = |claim: &str, offset: i64| {
        for _ in 0..50 {
            let asked = now();
            let token = signer.sign(&with(&claims(), claim, json!(asked.checked_add_signed(offset).unwrap())));
            let answer = get(&app, &token);
            if now() == asked {
                return answer.status;
            }
        }
        panic!("no answer came within the second");
    };
    assert_eq!(status("exp", -29), 200);
    assert_eq!(status("exp", -31), 401);
    assert_eq!(status("nbf", 29), 200);
    assert_eq!(status("nbf", 31), 401);
    assert_eq!(status("iat", 3600), 200, "when a token was issued is not asked");
    for (claim, said) in [("exp", "exp (a whole number"), ("nbf", "nbf is no whole number")] {
        let detail = refused(&app, &signer.sign(&with(&claims(), claim, json!("tomorrow"))));
        assert!(detail.contains(said), "{detail}");
    }
}

/// Starts the program with the test's database, these settings and these environment variables.
fn serve_by(app: &App, settings: &str, environment: &[(&str, &str)]) -> Served {
    std::fs::write(app.folder.path().join("medstrategi.toml"), settings).unwrap();
    serve(program(app).envs(environment.iter().copied()))
}

fn an_unknown_municipality_of_an_issuer_is_logged(app: &App) {
    let settings = fetched("http://127.0.0.1:1/keys").replace(r#"["testby"]"#, r#"["testby", "tesbty"]"#);
    drop(serve_by(app, &settings, &[]));
    let log = logged(app);
    let warned: Vec<&str> = log.lines().filter(|line| line.contains("not in the database")).collect();
    assert!(matches!(warned[..], [line] if line.contains("tesbty") && line.contains(ISSUER)), "{log}");
}

fn a_discovery_document_must_name_its_issuer(app: &App) {
    let provider = Provider::start();
    let signer = Signer::rsa("key");
    provider.publish(&[&signer]);
    let settings = fetched(&provider.base).replace("jwks_url", "discovery_url");
    let keys = format!("{}/keys", provider.base);
    for (document, expected) in [
        (json!({"issuer": ISSUER, "jwks_uri": keys}), 200),
        (json!({"issuer": "https://other.example", "access_token_issuer": ISSUER, "jwks_uri": keys}), 200),
        (json!({"issuer": "https://other.example", "jwks_uri": keys}), 503),
        (json!({"issuer": format!("{ISSUER}/"), "jwks_uri": keys}), 503),
        (json!({"issuer": "https://login.example/{tenantid}", "jwks_uri": keys}), 503),
        (json!({"jwks_uri": keys}), 503),
        (json!({"issuer": ISSUER}), 503),
        (json!({"issuer": ISSUER, "jwks_uri": "http://keys.example/"}), 503),
        (json!({"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"}), 503),
        (json!("a document"), 503),
    ] {
        provider.answer("/.well-known/openid-configuration", Answer::Json(document.clone()));
        let app = server(app, &settings, POLICY);
        assert_eq!(status(&app, &signer.sign(&claims())), expected, "{document}");
    }
}

fn issuers_do_not_mix(app: &App) {
    let (one, two) = (Provider::start(), Provider::start());
    let (first, second) = (Signer::rsa("same-name"), Signer::other("same-name"));
    one.publish(&[&first]);
    two.publish(&[&second]);
    let elsewhere = "https://login.example/nabokommune";
    let settings = fetched(&format!("{}/keys", one.base))
        + &fetched(&format!("{}/keys", two.base)).replace(ISSUER, elsewhere).replace("testby", "nabokommune")
        + &format!(
            r#"
            [[issuers]]
            issuer = "https://login.example/files"
            audience = ["api://medstrategi"]
            algorithms = ["EdDSA"]
            municipalities = ["nabokommune"]
            public_keys = ["{KEYS}/ed.public.pem"]
            "#
        );
    let app = server(app, &settings, POLICY);
    let here = claims();
    let there = with(&here, "iss", json!(elsewhere));
    assert_eq!(status(&app, &first.sign(&here)), 200);
    assert_eq!(status(&app, &second.sign(&there)), 200);
    let municipality = |token: &str| {
        app.request("GET", "/v1/municipality").token(token).send().expect(200).json()["key"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(municipality(&first.sign(&here)), HERE);
    assert_eq!(municipality(&second.sign(&there)), ELSEWHERE);
    let ed = Signer::new("same-name", "ed", Algorithm::EdDSA);
    let files = with(&here, "iss", json!("https://login.example/files"));
    assert_eq!(municipality(&ed.sign(&files)), ELSEWHERE, "a key out of a file has no name to be found by");
    for (why, token) in [
        ("signed by another issuer", first.sign(&there)),
        ("signed by another issuer", second.sign(&here)),
        ("signed by another issuer", ed.sign(&here)),
        ("signed by another issuer", first.sign(&files)),
        ("another issuer's municipality", first.sign(&with(&here, "municipality", json!(ELSEWHERE)))),
        ("another issuer's municipality", second.sign(&with(&there, "municipality", json!(HERE)))),
        ("another issuer's municipality", ed.sign(&with(&files, "municipality", json!(HERE)))),
    ] {
        assert_eq!(status(&app, &token), 401, "{why}");
    }
}

fn the_summary_holds_no_secrets(app: &App) {
    let provider = Provider::start();
    let address = format!("{}/keys", provider.base);
    let issuers = issuers(app, &fetched(&address.replace("127.0.0.1", "somebody:hidden@127.0.0.1")), POLICY);
    let summary: Vec<&str> = issuers.summary().collect();
    let keys = format!("keys from {address}");
    let expected =
        format!("{ISSUER}: {keys}; algorithms RS256, ES256; audience api://medstrategi; municipalities testby");
    assert_eq!(summary, [expected]);
}
