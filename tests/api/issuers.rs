//! Outside issuers: public keys from PEM files, their claims, roles and municipalities.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use medstrategi::auth::issuer::Issuers;
use medstrategi::config::{Flags, Settings};
use serde_json::{Value, json};

use crate::harness::{App, ELSEWHERE, HERE};

crate::tests![
    tokens_of_every_algorithm_are_accepted,
    a_public_key_is_no_shared_secret,
    the_local_secret_is_not_accepted,
    roles_and_claims_are_translated,
    an_issuer_speaks_for_its_municipalities_alone,
    an_issuer_says_which_claim_names_the_person,
];

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/keys");

fn private(name: &str) -> Vec<u8> {
    std::fs::read(format!("{KEYS}/{name}.private.pem")).unwrap()
}

fn issuers(app: &App, settings: &str) -> Issuers {
    let path = app.folder.path().join("medstrategi.toml");
    std::fs::write(&path, settings.replace("KEYS", KEYS)).unwrap();
    let flags = Flags {
        config: Some(path.display().to_string()),
        database_url: Some("sqlite:unused.db".into()),
        ..Flags::default()
    };
    Settings::load(&flags).unwrap().issuers().unwrap()
}

fn server<'e>(app: &App<'e>, settings: &str) -> App<'e> {
    let issuers = issuers(app, settings);
    App::start_with(app.engines, app.engine, |_| issuers)
}

fn claims(issuer: &str) -> Value {
    let exp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 600;
    json!({"iss": issuer, "aud": "api://medstrategi", "sub": "person-7", "exp": exp, "scope": "med.read"})
}

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(&private("rsa")).unwrap()
}

fn sign(algorithm: Algorithm, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, key).unwrap()
}

const RSA: &str = r#"
[[issuers]]
issuer = "https://login.example/rsa"
audience = ["api://medstrategi"]
algorithms = ["RS256"]
public_keys = ["KEYS/rsa.public.pem"]
municipalities = ["testby"]
"#;

fn status(app: &App, token: &str) -> u16 {
    app.request("GET", "/v1/levels").token(token).send().status
}

fn tokens_of_every_algorithm_are_accepted(app: &App) {
    let settings = format!(
        "{RSA}{}{}",
        r#"
        [[issuers]]
        issuer = "https://login.example/ec"
        audience = ["api://medstrategi"]
        algorithms = ["ES256"]
        public_keys = ["KEYS/ec.public.pem"]
        municipalities = ["testby"]
        "#,
        r#"
        [[issuers]]
        issuer = "https://login.example/ed"
        audience = ["api://medstrategi", "medstrategi"]
        algorithms = ["EdDSA"]
        public_keys = ["KEYS/ed.public.pem"]
        municipalities = ["testby"]
        "#
    );
    let app = server(app, &settings);
    let ec = EncodingKey::from_ec_pem(&private("ec")).unwrap();
    let ed = EncodingKey::from_ed_pem(&private("ed")).unwrap();
    let other = EncodingKey::from_rsa_pem(&private("other")).unwrap();
    for (algorithm, issuer, key, expected) in [
        (Algorithm::RS256, "https://login.example/rsa", &rsa(), 200),
        (Algorithm::ES256, "https://login.example/ec", &ec, 200),
        (Algorithm::EdDSA, "https://login.example/ed", &ed, 200),
        (Algorithm::RS256, "https://login.example/rsa", &other, 401),
        (Algorithm::RS512, "https://login.example/rsa", &rsa(), 401),
        (Algorithm::ES256, "https://login.example/rsa", &ec, 401),
        (Algorithm::RS256, "https://login.example/ed", &rsa(), 401),
    ] {
        assert_eq!(status(&app, &sign(algorithm, &claims(issuer), key)), expected, "{algorithm:?} as {issuer}");
    }
}

fn a_public_key_is_no_shared_secret(app: &App) {
    let app = server(app, RSA);
    let public = std::fs::read(format!("{KEYS}/rsa.public.pem")).unwrap();
    let trimmed = String::from_utf8(public.clone()).unwrap().trim().to_owned();
    for secret in [public.as_slice(), trimmed.as_bytes()] {
        let forged = sign(Algorithm::HS256, &claims("https://login.example/rsa"), &EncodingKey::from_secret(secret));
        assert_eq!(status(&app, &forged), 401);
    }
}

fn the_local_secret_is_not_accepted(app: &App) {
    let outside = server(app, RSA);
    assert_eq!(status(&outside, &outside.token("med.read")), 401);
    assert_eq!(status(app, &app.token("med.read")), 200);
}

fn roles_and_claims_are_translated(app: &App) {
    let settings = format!(
        "{RSA}{}",
        r#"
        [issuers.claims]
        municipality = "kommune"
        scopes = ["roles", "scp"]
        [issuers.roles]
        "MED-redaktør" = ["med.read", "med.edit"]
        "#
    );
    let app = server(app, &settings);
    let level = |claim: &str, value: Value| {
        let mut claims = claims("https://login.example/rsa");
        claims[claim] = value;
        let token = sign(Algorithm::RS256, &claims, &rsa());
        app.request("POST", "/v1/levels").token(&token).json(&json!({})).send().status
    };
    assert_eq!(level("roles", json!(["MED-redaktør"])), 422, "the role stands for med.edit");
    assert_eq!(level("roles", json!(["Ukendt"])), 403);
    assert_eq!(level("scp", json!("openid med.edit")), 422);
    assert_eq!(level("scope", json!("med.edit")), 403, "only the claims that the settings name count");
    assert_eq!(level("kommune", json!(ELSEWHERE)), 401);
}

fn an_issuer_speaks_for_its_municipalities_alone(app: &App) {
    let two = RSA.replace("[\"testby\"]", "[\"testby\", \"nabokommune\"]");
    let (one, two) = (server(app, RSA), server(app, &two));
    let token = |municipality: Option<&str>| {
        let mut claims = claims("https://login.example/rsa");
        if let Some(municipality) = municipality {
            claims["municipality"] = json!(municipality);
        }
        sign(Algorithm::RS256, &claims, &rsa())
    };
    assert_eq!(status(&one, &token(None)), 200, "with a single municipality the claim may be left out");
    assert_eq!(status(&one, &token(Some(HERE))), 200);
    assert_eq!(status(&one, &token(Some(ELSEWHERE))), 401);
    assert_eq!(status(&two, &token(Some(ELSEWHERE))), 200);
    assert_eq!(status(&two, &token(None)), 401);
}

fn an_issuer_says_which_claim_names_the_person(app: &App) {
    let app = server(app, &format!("{RSA}\n[issuers.claims]\nperson = \"employee_number\"\n"));
    let employees = json!([{"key": "person-7", "name": "Ane Holm"}, {"key": "e-42", "name": "Bo Lund"}]);
    app.import(&json!({"municipality": {"key": HERE, "code": "999", "name": HERE}, "employees": employees})).unwrap();
    let me = |claims: &Value| {
        let token = sign(Algorithm::RS256, claims, &rsa());
        app.request("GET", "/v1/me").token(&token).send().expect(200).json()["employee"].clone()
    };
    let mut claims = claims("https://login.example/rsa");
    assert_eq!(me(&claims), json!(null), "sub is not asked");
    for (claim, name) in [(json!("e-42"), json!("Bo Lund")), (json!("E-42"), json!(null)), (json!(42), json!(null))] {
        claims["employee_number"] = claim;
        assert_eq!(me(&claims)["name"], name);
    }
}
