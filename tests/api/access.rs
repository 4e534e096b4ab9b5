//! Access: tokens, scopes and municipalities. Driven by the contract, so that new operations are covered automatically.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use medstrategi::auth::scope::{Scope, ScopeSet};
use serde_json::{Value, json};

use crate::harness::{App, ELSEWHERE, HERE, Request};

crate::tests![
    every_operation_refuses_bad_tokens,
    every_operation_requires_its_scope,
    rows_of_another_municipality_are_not_found,
    references_do_not_reach_another_municipality,
    a_token_of_an_unknown_municipality_is_refused,
    only_known_routes_are_open,
];

/// An operation of the contract.
struct Operation {
    method: String,
    path: String,
    /// The scopes, of which one is enough. Empty if the operation needs no token.
    scopes: Vec<Scope>,
    body: Option<Value>,
}

fn operations(app: &App) -> Vec<Operation> {
    let contract = app.get("/v1/openapi.json").expect(200).json();
    let mut operations = Vec::new();
    for (path, methods) in contract["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let needs = operation["security"].as_array().cloned().unwrap_or_default();
            let scopes = needs.iter().flat_map(|need| need["bearer"].as_array().unwrap().clone());
            let content = operation["requestBody"]["content"].as_object();
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                scopes: scopes.map(|scope| scope.as_str().unwrap().parse().unwrap()).collect(),
                body: content.map(|content| content.values().next().unwrap()["example"].clone()),
            });
        }
    }
    assert!(operations.len() > 30, "the contract lists the operations");
    operations
}

impl Operation {
    fn request<'a>(&self, app: &'a App, id: &str) -> Request<'a> {
        let path = self.path.replace("{id}", id).replace("{key}", "fremmed");
        let request = app.request(&self.method, &path);
        match &self.body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

fn guarded(app: &App) -> Vec<Operation> {
    operations(app).into_iter().filter(|operation| !operation.scopes.is_empty()).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({
        "iss": "medstrategi", "aud": "medstrategi", "sub": "tester", "municipality": HERE,
        "scope": "med.admin med.audit", "exp": now() + 600,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn bad_tokens(app: &App) -> Vec<(&'static str, Option<String>)> {
    let secret = std::fs::read_to_string(app.folder.path().join("medstrategi.secret")).unwrap();
    let own = EncodingKey::from_secret(secret.trim().as_bytes());
    let sign = |algorithm, claims: &Value, key: &EncodingKey| {
        Some(jsonwebtoken::encode(&Header::new(algorithm), claims, key).unwrap())
    };
    let hs256 = |claims: &Value| sign(Algorithm::HS256, claims, &own);
    // The helper works: an unchanged token is accepted.
    app.request("GET", "/v1/levels").token(&hs256(&claims()).unwrap()).send().expect(200);
    let unsigned = |header: &str| {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        Some(format!("{}.{}.", part(header), part(&claims().to_string())))
    };
    let mut tampered = hs256(&with("scope", json!("med.read"))).unwrap();
    let payload = URL_SAFE_NO_PAD.encode(claims().to_string());
    let (head, signature) =
        (tampered.split('.').next().unwrap().to_owned(), tampered.rsplit('.').next().unwrap().to_owned());
    tampered = format!("{head}.{payload}.{signature}");
    let mut extended = Header::new(Algorithm::HS256);
    extended.crit = Some(vec!["b64".into()]);
    vec![
        ("with a critical extension", Some(jsonwebtoken::encode(&extended, &claims(), &own).unwrap())),
        ("with an endless sub", hs256(&with("sub", json!("a".repeat(256))))),
        ("with a NUL in its sub", hs256(&with("sub", json!("a\0b")))),
        ("missing", None),
        ("no token at all", Some("nonsense".into())),
        ("expired", hs256(&with("exp", json!(now() - 3600)))),
        ("not yet valid", hs256(&with("nbf", json!(now() + 3600)))),
        ("unsigned", unsigned(r#"{"alg":"none","typ":"JWT"}"#)),
        ("unsigned, called HS256", unsigned(r#"{"alg":"HS256","typ":"JWT"}"#)),
        ("wrongly signed", sign(Algorithm::HS256, &claims(), &EncodingKey::from_secret(&[7; 48]))),
        ("changed after signing", Some(tampered)),
        ("another HMAC", sign(Algorithm::HS512, &claims(), &own)),
        ("for somebody else", hs256(&with("aud", json!("another-service")))),
        ("from an unknown issuer", hs256(&with("iss", json!("https://elsewhere.example")))),
        ("without exp", hs256(&without("exp"))),
        ("without aud", hs256(&without("aud"))),
        ("without iss", hs256(&without("iss"))),
        ("without sub", hs256(&without("sub"))),
        ("with an empty sub", hs256(&with("sub", json!("")))),
        ("without a municipality", hs256(&without("municipality"))),
        ("with a municipality that is no key", hs256(&with("municipality", json!("Ikke en nøgle")))),
    ]
}

fn every_operation_refuses_bad_tokens(app: &App) {
    let tokens = bad_tokens(app);
    for operation in guarded(app) {
        for (what, token) in &tokens {
            let request = operation.request(app, "x");
            let request = match token {
                Some(token) => request.token(token),
                None => request.without_token(),
            };
            let answer = request.send();
            assert_eq!(answer.status, 401, "{} {} with a token {what}", operation.method, operation.path);
            let answer = answer.expect_problem(401, "invalid-token");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        }
    }
    let basic = app.request("GET", "/v1/levels").without_token().header("authorization", "Basic eDp5");
    basic.send().expect_problem(401, "invalid-token");
}

fn every_operation_requires_its_scope(app: &App) {
    for operation in guarded(app) {
        for scope in Scope::ALL {
            let answer = operation.request(app, "x").token(&app.token(scope.as_str())).send();
            let held = ScopeSet::from_iter([*scope]);
            let what = format!("{} {} with {scope}: {}", operation.method, operation.path, answer.status);
            if operation.scopes.iter().any(|wanted| held.holds(*wanted)) {
                assert!(![401, 403].contains(&answer.status), "{what}");
            } else {
                assert_eq!(answer.status, 403, "{what}");
                let answer = answer.expect_problem(403, "insufficient-scope");
                let challenge = answer.header("www-authenticate").unwrap();
                assert!(challenge.contains("insufficient_scope") && challenge.contains("scope=\"med."), "{challenge}");
            }
        }
    }
}

fn everything(key: &str) -> Value {
    json!({
        "municipality": {"key": key, "code": "998", "name": key},
        "levels": [{"key": "fremmed", "name": "Fremmed", "rank": 1}],
        "units": [{"key": "fremmed", "name": "Fremmed", "kind": "centre"}],
        "employees": [{"key": "fremmed", "name": "Fremmed"}],
        "committees": [{"key": "fremmed", "name": "Fremmed", "level": "fremmed", "form": "committee"}],
        "memberships": [{"key": "fremmed", "committee": "fremmed", "employee": "fremmed", "role": "chair"}],
        "strategies": [{
            "key": "fremmed", "title": "Fremmed", "kind": "plan", "status": "adopted",
            "focus_areas": [{
                "key": "fremmed", "title": "Fremmed",
                "objectives": [{"key": "fremmed", "kind": "goal", "text": "Fremmed"}],
                "actions": [{"key": "fremmed", "title": "Fremmed", "kind": "other"}],
            }],
        }],
        "indicators": [{
            "key": "fremmed", "title": "Fremmed", "direction": "increase", "frequency": "year", "method": "register",
            "objectives": ["fremmed/fremmed/fremmed"], "benchmarks": [{"key": "fremmed", "name": "Fremmed"}],
            "targets": [{"rule": "at_benchmark", "benchmark": "fremmed", "unit": "fremmed"}],
        }],
        "values": [
            {"indicator": "fremmed", "unit": "fremmed", "values": [{"period": "2025", "value": 1}]},
            {"indicator": "fremmed", "benchmark": "fremmed", "values": [{"period": "2025", "value": 2}]},
        ],
        "local_actions": [
            {"key": "fremmed", "title": "Fremmed", "kind": "other", "committee": "fremmed",
                "parent": "fremmed/fremmed/fremmed"},
        ],
        "reports": [
            {"action": "fremmed/fremmed/fremmed", "committee": "fremmed", "stage": "done",
                "reported_at": "2025-01-01T10:00:00Z"},
        ],
    })
}

/// The UUID of another municipality's row for a path. Add new paths here.
fn foreign_id(app: &App, path: &str) -> String {
    let token = app.token_of(ELSEWHERE, "med.read");
    let first = |list: &str| {
        let rows = app.request("GET", list).token(&token).send().expect(200).json();
        rows["items"][0]["id"].as_str().unwrap().to_owned()
    };
    let area = || first("/v1/strategies/fremmed/focus-areas");
    match path.split('/').nth(2).unwrap() {
        "levels" => first("/v1/levels"),
        "units" => first("/v1/units"),
        "committees" => first("/v1/committees"),
        "memberships" => first("/v1/memberships"),
        "strategies" => first("/v1/strategies"),
        "focus-areas" => area(),
        "objectives" => first(&format!("/v1/focus-areas/{}/objectives", area())),
        "actions" => first("/v1/actions"),
        "indicators" => first("/v1/indicators"),
        "reports" => first(&format!("/v1/actions/{}/reports", first("/v1/actions"))),
        "employees" => {
            let token = app.token_of(ELSEWHERE, "med.hr");
            let rows = app.request("GET", "/v1/employees").token(&token).send().expect(200).json();
            rows["items"][0]["id"].as_str().unwrap().to_owned()
        }
        other => panic!("name a row of another municipality for /v1/{other}"),
    }
}

fn rows_of_another_municipality_are_not_found(app: &App) {
    app.import(&everything(ELSEWHERE)).unwrap();
    let before = app
        .request("GET", "/v1/export?values=true")
        .token(&app.token_of(ELSEWHERE, "med.admin"))
        .send()
        .expect(200)
        .json();
    for operation in guarded(app).iter().filter(|operation| operation.path.contains("{id}")) {
        let mut names = vec![foreign_id(app, &operation.path)];
        // By key, PUT creates an own row. By UUID, it finds nothing.
        if operation.method != "PUT" {
            names.push("fremmed".into());
        }
        for name in names {
            let request = operation.request(app, &name);
            let request = if operation.method == "PUT" { request } else { request.header("if-match", "*") };
            let answer = request.send();
            assert_eq!(answer.status, 404, "{} {} {name}", operation.method, operation.path);
            answer.expect_problem(404, "not-found");
        }
    }
    for operation in guarded(app).iter().filter(|one| one.method == "GET" && !one.path.contains("{id}")) {
        let answer = operation.request(app, "").send().expect(200);
        let text = String::from_utf8(answer.body).unwrap();
        assert!(!text.to_lowercase().contains("fremmed"), "{} shows another municipality: {text}", operation.path);
    }
    let after = app.request("GET", "/v1/export?values=true").token(&app.token_of(ELSEWHERE, "med.admin")).send().json();
    assert_eq!(before, after);
}

fn references_do_not_reach_another_municipality(app: &App) {
    app.import(&everything(ELSEWHERE)).unwrap();
    let (level, unit) = (foreign_id(app, "/v1/levels/{id}"), foreign_id(app, "/v1/units/{id}"));
    let (committee, strategy) = (foreign_id(app, "/v1/committees/{id}"), foreign_id(app, "/v1/strategies/{id}"));
    let (area, action) = (foreign_id(app, "/v1/focus-areas/{id}"), foreign_id(app, "/v1/actions/{id}"));
    let employee = foreign_id(app, "/v1/employees/{id}");
    let objective = foreign_id(app, "/v1/objectives/{id}");
    app.post(
        "/v1/indicators",
        json!({
            "key": "a", "title": "A", "direction": "increase", "frequency": "year", "method": "computed",
            "objectives": [objective, "fremmed/fremmed/fremmed"], "coverage_of": action, "coverage_level": level,
            "targets": [{"rule": "at_least", "value": 1, "unit": unit}],
        }),
    )
    .expect_errors(&["/objectives/0", "/objectives/1", "/coverage_of", "/coverage_level", "/targets/0/unit"]);
    app.post("/v1/memberships", json!({"key": "a", "committee": committee, "employee": employee, "role": "chair"}))
        .expect_errors(&["/committee", "/employee"]);
    app.post(
        "/v1/committees",
        json!({
            "key": "a", "name": "A", "form": "committee", "level": level, "parent": committee, "units": [unit],
        }),
    )
    .expect_errors(&["/level", "/parent", "/units/0"]);
    app.post("/v1/strategies", json!({
        "key": "a", "title": "A", "kind": "plan", "status": "draft", "adopted_by": committee, "predecessor": strategy,
        "focus_areas": [{"key": "a", "title": "A", "continues": [area, "fremmed/fremmed"], "actions": [{
            "key": "a", "title": "A", "kind": "other", "after": [action],
            "audience": [{"role": "responsible", "unit": unit}, {"role": "receives", "level": level}],
        }]}],
    }))
    .expect_errors(&[
        "/adopted_by",
        "/predecessor",
        "/focus_areas/0/continues/0",
        "/focus_areas/0/continues/1",
        "/focus_areas/0/actions/0/after/0",
        "/focus_areas/0/actions/0/audience/0/unit",
        "/focus_areas/0/actions/0/audience/1/level",
    ]);
    let bundle = everything(ELSEWHERE);
    app.post("/v1/import", bundle).expect_errors(&["/municipality/key"]);
}

fn a_token_of_an_unknown_municipality_is_refused(app: &App) {
    let token = app.token_of("ukendt-kommune", "med.read");
    let answer = app.request("GET", "/v1/strategies").token(&token).send().expect_problem(403, "no-municipality");
    assert!(answer.json()["detail"].as_str().unwrap().contains("medstrategi import"));
}

fn only_known_routes_are_open(app: &App) {
    let open: Vec<String> = operations(app)
        .into_iter()
        .filter(|operation| operation.scopes.is_empty())
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();
    assert_eq!(open, ["GET /livez", "GET /problems/{kind}", "GET /readyz", "GET /v1/openapi.json"]);
}
