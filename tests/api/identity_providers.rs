//! Issuers whose keys come from the network: real tokens' shapes, rotation, outages, hostile answers.

mod provider;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use medstrategi::auth::issuer::Issuers;
use medstrategi::auth::refresh::Pace;
use medstrategi::config::{Flags, Settings};
use serde_json::{Value, json};

use crate::harness::{App, ELSEWHERE, HERE, LONGEST, Response, wait_until};
use crate::program::{Served, logged, program, serve};
use provider::{Answer, KEYS, Provider, Signer, key_set};

crate::tests![
    tokens_of_entra_version_1_are_read,
    tokens_of_entra_version_2_are_read,
    tokens_of_keycloak_are_read,
    tokens_of_ad_fs_are_read,
    keys_of_every_kind_verify_and_others_are_skipped,
    tokens_may_name_no_key,
    a_rotation_costs_no_request,
    a_storm_of_unknown_keys_is_one_refresh,
    a_request_waits_for_a_key_no_longer_than_a_little,
    keys_outlive_an_outage_and_die_when_withdrawn,
    the_service_starts_before_its_provider,
    clocks_may_differ_by_half_a_minute,
    the_provider_proves_who_it_is,
    the_program_asks_the_system_whom_to_trust,
    who_speaks_for_nobody_known_is_told,
    a_discovery_document_is_of_its_issuer,
    issuers_do_not_mix,
    fetching_ends_with_the_service,
    the_summary_holds_no_secrets,
];

const ISSUER: &str = "https://login.example/testby";

/// As in production, but failures are tried again at once, and nothing fails on a machine that is merely slow.
const PACE: Pace = Pace {
    refresh: Duration::from_secs(600),
    retry: Duration::from_millis(20),
    wish: Duration::from_secs(600),
    patience: LONGEST,
    fetch: LONGEST,
};

/// Fetching again all the time.
const EAGER: Pace = Pace { refresh: Duration::from_millis(20), fetch: Duration::from_secs(1), ..PACE };

fn issuers(app: &App, settings: &str, pace: Pace) -> Issuers {
    let path = app.folder.path().join("medstrategi.toml");
    std::fs::write(&path, settings).unwrap();
    let flags = Flags {
        config: Some(path.display().to_string()),
        database_url: Some("sqlite:unused.db".into()),
        ..Flags::default()
    };
    Issuers::at_pace(Settings::load(&flags).unwrap().accepted_issuers().unwrap(), pace)
}

fn server<'e>(app: &App<'e>, settings: &str, pace: Pace) -> App<'e> {
    let issuers = issuers(app, settings, pace);
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

/// A provider with a discovery document, and a service that knows it by that alone.
fn discovered<'e>(app: &App<'e>, document: Value, signer: &Signer, settings: &str) -> (Provider, App<'e>) {
    let provider = Provider::start();
    provider.publish(&[signer]);
    let mut document = document;
    document["jwks_uri"] = json!(format!("{}/keys", provider.base));
    provider.answer("/tenant/.well-known/openid-configuration", Answer::Json(document));
    let app = server(app, &settings.replace("PROVIDER", &format!("{}/tenant", provider.base)), PACE);
    (provider, app)
}

const TENANT: &str = "7f1d5c3a-0b52-4c8e-9a6f-2d3e4f5a6b7c";
const CLIENT: &str = "2c4b8a10-6f7e-4d3c-8b9a-1f2e3d4c5b6a";

fn tokens_of_entra_version_1_are_read(app: &App) {
    // Its document stands at another host than its issuer; a key is named by kid and x5t, which are the same.
    let issuer = format!("https://sts.windows.net/{TENANT}/");
    let signer = Signer::rsa("nOo3ZDrODXEK1jKWhXslHR_KXEg").published_with("alg", Value::Null);
    let signer = signer.published_with("x5t", json!("nOo3ZDrODXEK1jKWhXslHR_KXEg"));
    let signer = signer.calling_itself(|header| header.x5t = header.kid.clone());
    let settings = format!(
        r#"
        [[issuers]]
        issuer = "{issuer}"
        audience = ["api://medstrategi"]
        algorithms = ["RS256"]
        municipalities = ["testby"]
        discovery_url = "PROVIDER"
        [issuers.required_claims]
        tid = ["{TENANT}"]
        appid = ["{CLIENT}"]
        [issuers.claims]
        person = "employee_id"
        [issuers.roles]
        "MED.Edit" = ["med.read", "med.edit"]
        "#
    );
    let document = json!({
        "issuer": issuer, "authorization_endpoint": "https://login.microsoftonline.com/common/oauth2/authorize",
        "id_token_signing_alg_values_supported": ["RS256"], "tenant_region_scope": "EU",
    });
    let (_provider, app) = discovered(app, document, &signer, &settings);
    let claims = json!({
        "aud": "api://medstrategi", "iss": issuer, "iat": now(), "nbf": now(), "exp": now() + 4000, "acr": "1",
        "aio": "AXQAi/8TAAAA", "amr": ["pwd"], "appid": CLIENT, "appidacr": "0", "family_name": "Holm",
        "given_name": "Ane", "ipaddr": "192.0.2.7", "name": "Ane Holm", "oid": "5c7d1e2f-aaaa-4bbb-8ccc-123456789abc",
        "rh": "0.AAAA.", "scp": "med.read User.Read", "sub": "pX2y_subject", "tid": TENANT,
        "unique_name": "aho@testby.example", "upn": "aho@testby.example", "uti": "abc", "ver": "1.0",
        "employee_id": "e-42",
    });
    let employees = json!([{"key": "e-42", "name": "Ane Holm"}]);
    app.import(&json!({"municipality": {"key": HERE, "code": "999", "name": HERE}, "employees": employees})).unwrap();
    let me = app.request("GET", "/v1/me").token(&signer.sign(&claims)).send().expect(200).json();
    assert_eq!(me["employee"]["name"], "Ane Holm");
    assert_eq!(edits(&app, &signer.sign(&claims)), 403);
    let of_a_program = with(&with(&claims, "scp", Value::Null), "roles", json!(["MED.Edit"]));
    assert_eq!(edits(&app, &signer.sign(&of_a_program)), 422);
    assert_eq!(status(&app, &signer.sign(&with(&claims, "scp", json!("User.Read")))), 403);
    let detail = refused(&app, &signer.sign(&with(&claims, "tid", json!("another-tenant"))));
    assert!(detail.contains("tid") && !detail.contains("another-tenant"), "{detail}");
    assert!(refused(&app, &signer.sign(&with(&claims, "appid", Value::Null))).contains("appid"));
    assert!(
        refused(&app, &signer.sign(&with(&claims, "aud", json!("00000003-0000-0000-c000-000000000000"))))
            .contains("aud")
    );
    assert_eq!(status(&app, &signer.sign(&with(&claims, "sub", Value::Null))), 401);
}

fn tokens_of_entra_version_2_are_read(app: &App) {
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let signer = Signer::rsa("kid-2").published_with("alg", Value::Null).published_with("issuer", json!(issuer));
    let settings = format!(
        r#"
        [[issuers]]
        issuer = "{issuer}"
        audience = ["{CLIENT}"]
        algorithms = ["RS256"]
        municipalities = ["testby"]
        discovery_url = "PROVIDER/"
        [issuers.required_claims]
        azp = ["{CLIENT}", "another-client"]
        [issuers.roles]
        "MED.Edit" = ["med.edit"]
        "Strategy.Read" = ["med.read"]
        "#
    );
    let (_provider, app) = discovered(app, json!({"issuer": issuer}), &signer, &settings);
    let claims = json!({
        "aud": CLIENT, "iss": issuer, "iat": now(), "nbf": now(), "exp": now() + 4000, "aio": "AXQAi/8TAAAA",
        "azp": CLIENT, "azpacr": "1", "name": "Ane Holm", "oid": "5c7d1e2f-aaaa-4bbb-8ccc-123456789abc",
        "preferred_username": "aho@testby.example", "rh": "0.AAAA.", "scp": "Strategy.Read openid", "sub": "pX2y",
        "tid": TENANT, "uti": "abc", "ver": "2.0",
    });
    assert_eq!(status(&app, &signer.sign(&claims)), 200);
    assert_eq!(edits(&app, &signer.sign(&claims)), 403);
    let of_a_program = with(&with(&claims, "scp", Value::Null), "roles", json!(["MED.Edit"]));
    assert_eq!(edits(&app, &signer.sign(&with(&of_a_program, "idtyp", json!("app")))), 422);
    assert!(refused(&app, &signer.sign(&with(&claims, "azp", json!("a-stranger")))).contains("azp"));
    assert_eq!(status(&app, &signer.sign(&with(&claims, "iss", json!(issuer.replace("v2.0", ""))))), 401);
}

fn tokens_of_keycloak_are_read(app: &App) {
    let issuer = "https://login.example/realms/testby";
    let signer = Signer::rsa("FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE");
    let settings = format!(
        r#"
        [[issuers]]
        issuer = "{issuer}"
        audience = ["medstrategi"]
        algorithms = ["RS256"]
        municipalities = ["testby"]
        discovery_url = "PROVIDER/.well-known/openid-configuration"
        [issuers.claims]
        scopes = ["realm_access.roles", "resource_access.medstrategi.roles"]
        [issuers.required_claims]
        typ = ["Bearer"]
        azp = ["intranet"]
        [issuers.roles]
        "med-editor" = ["med.edit"]
        "#
    );
    let (_provider, app) = discovered(app, json!({"issuer": issuer}), &signer, &settings);
    let claims = json!({
        "exp": now() + 300, "iat": now(), "auth_time": now(), "jti": "b1a9f7f0-1111-4222-8333-444455556666",
        "iss": issuer, "aud": ["medstrategi", "account"], "sub": "f:1:ane", "typ": "Bearer", "azp": "intranet",
        "sid": "0c1d", "acr": "1", "allowed-origins": ["https://intranet.testby.example"],
        "realm_access": {"roles": ["offline_access", "med.read"]},
        "resource_access": {"account": {"roles": ["med-editor"]}},
        "scope": "openid med.edit", "preferred_username": "ane",
    });
    assert_eq!(status(&app, &signer.sign(&claims)), 200);
    assert_eq!(edits(&app, &signer.sign(&claims)), 403, "neither scope nor another client's roles count here");
    let editor = with(&claims, "resource_access", json!({"medstrategi": {"roles": ["med-editor"]}}));
    assert_eq!(edits(&app, &signer.sign(&editor)), 422);
    assert!(refused(&app, &signer.sign(&with(&claims, "typ", json!("ID")))).contains("typ"));
    assert_eq!(status(&app, &signer.sign(&with(&claims, "aud", json!("account")))), 401);
}

fn tokens_of_ad_fs_are_read(app: &App) {
    // Access tokens have an issuer of their own, and name their key by x5t alone; the published key's kid is that.
    let issuer = "http://adfs.testby.example/adfs/services/trust";
    let signer = Signer::rsa("Zy-dkZLZ4EJ2aPdxOdTq0FVJl0o").published_with("x5t", json!("Zy-dkZLZ4EJ2aPdxOdTq0FVJl0o"));
    let by_thumbprint = signer.calling_itself(|header| header.x5t = header.kid.take());
    let settings = format!(
        r#"
        [[issuers]]
        issuer = "{issuer}"
        audience = ["microsoft:identityserver:medstrategi"]
        algorithms = ["RS256"]
        municipalities = ["testby"]
        discovery_url = "PROVIDER"
        [issuers.required_claims]
        appid = ["{CLIENT}"]
        "#
    );
    let document = json!({"issuer": "https://adfs.testby.example/adfs", "access_token_issuer": issuer});
    let (provider, app) = discovered(app, document, &signer, &settings);
    let claims = json!({
        "aud": "microsoft:identityserver:medstrategi", "iss": issuer, "iat": now(), "nbf": now(), "exp": now() + 3600,
        "apptype": "Confidential", "appid": CLIENT, "authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        "auth_time": "2026-11-22T12:00:00.000Z", "ver": "1.0", "scp": "openid med.read", "sub": "T2x+subject=",
    });
    assert_eq!(status(&app, &by_thumbprint.sign(&claims)), 200);
    assert_eq!(edits(&app, &by_thumbprint.sign(&claims)), 403);
    assert!(refused(&app, &by_thumbprint.sign(&with(&claims, "appid", json!("a-stranger")))).contains("appid"));
    let asked = provider.asked("/keys");
    // A key whose kid is something else is found by its x5t; a thumbprint that nobody published is an unknown key.
    provider.publish(&[&signer, &Signer::other("2").published_with("x5t", json!("other-print"))]);
    let other =
        Signer::other("2").calling_itself(|header| (header.kid, header.x5t) = (None, Some("other-print".into())));
    assert_eq!(status(&app, &other.sign(&claims)), 200);
    assert_eq!(provider.asked("/keys"), asked + 1);
    assert_eq!(status(&app, &by_thumbprint.calling_itself(|header| header.x5t = Some("2".into())).sign(&claims)), 401);
    assert_eq!(status(&app, &other.calling_itself(|header| header.x5t = Some("third".into())).sign(&claims)), 401);
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
    let strict = server(app, &settings, PACE);
    let app = server(app, &settings.replace(r#"["RS256", "ES256"]"#, all), PACE);
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

fn tokens_may_name_no_key(app: &App) {
    let provider = Provider::start();
    let nameless =
        |signer: Signer| signer.published_with("kid", Value::Null).calling_itself(|header| header.kid = None);
    let first = nameless(Signer::new("", "ec", Algorithm::ES256));
    let (second, third) = (nameless(Signer::rsa("")), nameless(Signer::other("")));
    provider.publish(&[&first, &second]);
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), PACE);
    assert_eq!(status(&app, &first.sign(&claims())), 200);
    assert_eq!(status(&app, &second.sign(&claims())), 200);
    assert_eq!(provider.asked("/keys"), 1);
    provider.publish(&[&third]);
    assert_eq!(status(&app, &third.sign(&claims())), 200, "a signature of no key that is here asks for new ones");
    assert_eq!(status(&app, &second.sign(&claims())), 401);
    assert_eq!(provider.asked("/keys"), 2);
}

fn a_rotation_costs_no_request(app: &App) {
    let provider = Provider::start();
    let pairs = ["rsa", "other"];
    let signer = |n: usize| Signer::new(&format!("key-{n}"), pairs[n % 2], Algorithm::RS256);
    // The keys before stay published, since their tokens are on their way.
    let publish = |last: usize| {
        let keys: Vec<Signer> = (0..=last).map(signer).collect();
        let keys = key_set(&keys.iter().collect::<Vec<_>>());
        provider.answer("/keys", Answer::Late(Duration::from_millis(60), Box::new(keys)));
    };
    publish(0);
    let pace = Pace { wish: Duration::from_millis(1), ..PACE };
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), pace);
    let current = Mutex::new(signer(0).sign(&claims()));
    assert_eq!(status(&app, &current.lock().unwrap().clone()), 200);
    let (has_ended, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !has_ended.load(Ordering::SeqCst) {
                    let token = current.lock().unwrap().clone();
                    get(&app, &token).expect(200);
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for n in 1..=8 {
            publish(n);
            *current.lock().unwrap() = signer(n).sign(&claims());
            // Each thread may still count one token of before: the others are new, so the key has been asked for.
            let before = sent.load(Ordering::SeqCst);
            let deadline = Instant::now() + LONGEST;
            while sent.load(Ordering::SeqCst) < before + 12 && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        has_ended.store(true, Ordering::SeqCst);
    });
    assert!(sent.into_inner() >= 96, "requests went on through every rotation");
    assert_eq!(provider.asked("/keys"), 9, "once at the start, once for each new key, however many asked for it");
}

fn a_storm_of_unknown_keys_is_one_refresh(app: &App) {
    let provider = Provider::start();
    let signer = Signer::rsa("good");
    provider.publish(&[&signer]);
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), PACE);
    let good = signer.sign(&claims());
    assert_eq!(status(&app, &good), 200);
    provider.answer("/keys", Answer::Held(Box::new(key_set(&[&signer]))));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let n @ 0..1_000 = next.fetch_add(1, Ordering::SeqCst) {
                    let unknown = signer.calling_itself(|header| header.kid = Some(format!("random-{n}")));
                    get(&app, &unknown.sign(&claims())).expect_problem(401, "invalid-token");
                }
            });
        }
        wait_until("the storm begins a refresh", || provider.asked("/keys") == 2);
        for _ in 0..3 {
            assert_eq!(status(&app, &good), 200, "while a refresh is waited for");
        }
        provider.release();
    });
    assert_eq!(provider.asked("/keys"), 2, "once at the start, once for all of the storm");
    assert_eq!(status(&app, &good), 200);
}

fn a_request_waits_for_a_key_no_longer_than_a_little(app: &App) {
    let provider = Provider::start();
    let (old, new) = (Signer::rsa("old"), Signer::other("new"));
    provider.publish(&[&old]);
    let pace = Pace { patience: Duration::from_millis(200), ..PACE };
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), pace);
    wait_until("there are keys", || status(&app, &old.sign(&claims())) == 200);
    provider.answer("/keys", Answer::Held(Box::new(key_set(&[&new]))));
    let begun = Instant::now();
    let detail = refused(&app, &new.sign(&claims()));
    assert!(detail.contains("doesn't publish"), "{detail}");
    assert!(begun.elapsed() >= pace.patience, "{:?}", begun.elapsed());
    assert_eq!(status(&app, &old.sign(&claims())), 200, "until there are others the keys are good");
    provider.release();
    wait_until("the refresh ends", || status(&app, &new.sign(&claims())) == 200);
    assert_eq!(status(&app, &old.sign(&claims())), 401);
    assert_eq!(provider.asked("/keys"), 2);
}

fn keys_outlive_an_outage_and_die_when_withdrawn(app: &App) {
    let provider = Provider::start();
    let (old, new) = (Signer::rsa("old"), Signer::other("new"));
    provider.publish(&[&old]);
    provider.answer("/elsewhere", key_set(&[&new]));
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), EAGER);
    let token = old.sign(&claims());
    wait_until("there are keys", || status(&app, &token) == 200);
    let raw = |status: u16, headers: &str, body: &[u8]| Answer::Raw(status, headers.into(), body.to_vec());
    let huge = format!(r#"{{"keys": [], "more": "{}"}}"#, "a".repeat(1024 * 1024));
    let failures = [
        ("a cut connection", Answer::Cut),
        ("a failure", raw(500, "", b"{\"keys\": []}")),
        ("a page in place of keys", raw(200, "content-type: text/html\r\n", b"<html>Sign in</html>")),
        ("nothing", raw(200, "", b"")),
        ("no content", raw(204, "", b"")),
        ("other JSON", Answer::Json(json!({"error": "temporarily_unavailable"}))),
        ("half of a set", raw(200, "", br#"{"keys": [{"kty": "RSA""#)),
        ("a set without end", raw(200, "", huge.as_bytes())),
        ("more keys than anybody has", Answer::Json(json!({"keys": vec![new.jwk.clone(); 101]}))),
        ("an answer that is late", Answer::Held(Box::new(key_set(&[&new])))),
        ("an answer that never ends", Answer::Dribble),
        ("another place", raw(302, &format!("location: {}/elsewhere\r\n", provider.base), b"")),
        ("headers without end", raw(200, &format!("x-long: {}\r\n", "a".repeat(200_000)), b"{\"keys\": []}")),
    ];
    for (failure, answer) in failures {
        provider.answer("/keys", answer);
        provider.wait_for("/keys", 2);
        assert_eq!(status(&app, &token), 200, "{failure}");
    }
    assert_eq!(provider.asked("/elsewhere"), 0);
    provider.publish(&[&old, &new]);
    wait_until("the provider is back", || status(&app, &new.sign(&claims())) == 200);
    assert_eq!(status(&app, &token), 200);
    provider.publish(&[&new]);
    wait_until("a withdrawn key is dead", || status(&app, &token) == 401);
    assert_eq!(status(&app, &new.sign(&claims())), 200);
    provider.publish(&[]);
    wait_until("so is the last", || status(&app, &new.sign(&claims())) == 401);
}

fn the_service_starts_before_its_provider(app: &App) {
    let provider = Provider::start();
    let signer = Signer::rsa("key");
    provider.answer("/keys", Answer::Cut);
    let pace = Pace { retry: Duration::from_secs(600), wish: Duration::from_millis(300), ..PACE };
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), pace);
    let token = signer.sign(&claims());
    for _ in 0..3 {
        let answer = get(&app, &token).expect_problem(503, "unavailable");
        assert!(answer.header("retry-after").is_some());
        assert!(answer.json()["detail"].as_str().unwrap().contains("keys"), "{}", answer.json());
    }
    assert_eq!(refused(&app, "nonsense"), "The token is no JSON Web Token.");
    app.request("GET", "/livez").without_token().send().expect(204);
    app.request("GET", "/readyz").without_token().send().expect(204);
    provider.publish(&[&signer]);
    // Nothing would be fetched for ten minutes if requests did not ask.
    wait_until("the provider is there", || status(&app, &token) == 200);
    // A retry of its own accord, without a request.
    provider.answer("/keys", Answer::Cut);
    let retrying = issuers(&app, &fetched(&format!("{}/keys", provider.base)), PACE);
    provider.wait_for("/keys", 3);
    drop(retrying);
}

fn clocks_may_differ_by_half_a_minute(app: &App) {
    let provider = Provider::start();
    let signer = Signer::rsa("key");
    provider.publish(&[&signer]);
    let app = server(app, &fetched(&format!("{}/keys", provider.base)), PACE);
    // What is a second off tells something only where the answer comes within the second.
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
}

fn the_provider_proves_who_it_is(app: &App) {
    let (provider, open) = (Provider::start_with_tls(), Provider::start());
    let signer = Signer::rsa("key");
    provider.publish(&[&signer]);
    open.publish(&[&signer]);
    let moved = |to: &str| Answer::Raw(307, format!("location: {to}\r\n"), Vec::new());
    provider.answer("/moved", moved("/keys"));
    provider.answer("/opened", moved(&format!("{}/keys", open.base)));
    let document = |keys: &str| Answer::Json(json!({"issuer": ISSUER, "jwks_uri": keys}));
    provider.answer("/.well-known/openid-configuration", document(&format!("{}/keys", provider.base)));
    provider.answer("/.well-known/open", document(&format!("{}/keys", open.base)));
    let ca = |name: &str| format!("ca_file = \"{KEYS}/{name}.pem\"\n");
    let at = |path: &str| fetched(&format!("{}{path}", provider.base));
    let by_name = at("/keys").replace("127.0.0.1", "localhost");
    let another_name = at("/keys").replace("127.0.0.1", "127.0.0.2");
    let discovery = |path: &str| at(path).replace("jwks_url", "discovery_url");
    for (settings, expected, why) in [
        (at("/keys") + &ca("ca"), 200, "the authority is the settings' own"),
        (by_name + &ca("ca"), 200, "the certificate has both names"),
        (at("/moved") + &ca("ca"), 200, "from https to https"),
        (discovery("") + &ca("ca"), 200, "the document and the keys"),
        (at("/keys") + &ca("other-ca"), 503, "another authority"),
        (at("/keys"), 503, "the system's authorities"),
        (another_name + &ca("ca"), 503, "the certificate has another name, or nobody is there"),
        (at("/opened") + &ca("ca"), 503, "from https to http"),
        (discovery("/.well-known/open") + &ca("ca"), 503, "a document that leads from https to http"),
    ] {
        let app = server(app, &settings, PACE);
        assert_eq!(status(&app, &signer.sign(&claims())), expected, "{why}");
    }
    assert_eq!(open.asked("/keys"), 0);
}

/// The program itself over the test's database, with these settings and an environment of its own.
fn serve_by(app: &App, settings: &str, environment: &[(&str, &str)]) -> Served {
    std::fs::write(app.folder.path().join("medstrategi.toml"), settings).unwrap();
    serve(program(app).envs(environment.iter().copied()))
}

fn the_program_asks_the_system_whom_to_trust(app: &App) {
    let (provider, proxy) = (Provider::start_with_tls(), Provider::start());
    let signer = Signer::rsa("key");
    provider.publish(&[&signer]);
    let token = signer.sign(&claims());
    let settings = fetched(&format!("{}/keys", provider.base)).replace("https://127", "https://somebody:hidden@127");
    let levels = |served: &Served| app.request_to(&served.base, "GET", "/v1/levels").token(&token).send().status;
    let ca = format!("{KEYS}/ca.pem");
    {
        let trusting = serve_by(app, &settings, &[("SSL_CERT_FILE", &ca)]);
        wait_until("there are keys", || levels(&trusting) == 200);
    }
    {
        let other = serve_by(app, &settings, &[("SSL_CERT_FILE", &format!("{KEYS}/other-ca.pem"))]);
        assert_eq!(levels(&other), 503);
        wait_until("the reason is logged", || logged(app).contains("keys can't be fetched"));
        let log = logged(app);
        let line = log.lines().find(|line| line.contains("keys can't be fetched")).unwrap();
        assert!(line.contains(ISSUER) && line.contains(&provider.base) && line.contains("UnknownIssuer"), "{line}");
        assert!(!log.contains("hidden"), "{log}");
    }
    let asked = provider.asked("/keys");
    let through = serve_by(app, &settings, &[("SSL_CERT_FILE", &ca), ("HTTPS_PROXY", &proxy.base)]);
    assert_eq!(levels(&through), 503);
    let tunnel = provider.base.trim_start_matches("https://");
    wait_until("a proxy of the environment is asked", || proxy.asked(tunnel) >= 1);
    assert_eq!(provider.asked("/keys"), asked);
}

fn who_speaks_for_nobody_known_is_told(app: &App) {
    let settings = fetched("http://127.0.0.1:1/keys").replace(r#"["testby"]"#, r#"["testby", "tesbty"]"#);
    drop(serve_by(app, &settings, &[]));
    let log = logged(app);
    let warned: Vec<&str> = log.lines().filter(|line| line.contains("not in the database")).collect();
    assert!(matches!(warned[..], [line] if line.contains("tesbty") && line.contains(ISSUER)), "{log}");
}

fn a_discovery_document_is_of_its_issuer(app: &App) {
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
        let app = server(app, &settings, PACE);
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
    let app = server(app, &settings, PACE);
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

fn fetching_ends_with_the_service(app: &App) {
    let provider = Provider::start();
    provider.publish(&[&Signer::rsa("key")]);
    let issuers = issuers(app, &fetched(&format!("{}/keys", provider.base)), EAGER);
    provider.wait_for("/keys", 3);
    drop(issuers);
    wait_until("nobody asks for a second", || {
        let asked = provider.asked("/keys");
        std::thread::sleep(Duration::from_secs(1));
        provider.asked("/keys") == asked
    });
}

fn the_summary_holds_no_secrets(app: &App) {
    let provider = Provider::start();
    let address = format!("{}/keys", provider.base);
    let issuers = issuers(app, &fetched(&address.replace("127.0.0.1", "somebody:hidden@127.0.0.1")), PACE);
    let summary: Vec<&str> = issuers.summary().collect();
    let keys = format!("keys from {address}");
    let expected =
        format!("{ISSUER}: {keys}; algorithms RS256, ES256; audience api://medstrategi; municipalities testby");
    assert_eq!(summary, [expected]);
}
