//! Invalid input: a clear problem is answered, and nothing is stored.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::harness::{App, HERE, LONGEST, Response};

crate::tests![
    malformed_json_is_answered_with_line_and_column,
    invalid_utf8_is_refused,
    nul_characters_are_refused,
    deep_nesting_is_refused,
    other_media_types_are_refused,
    large_bodies_are_refused,
    slow_bodies_time_out,
    wrong_types_are_reported_by_field,
    each_unknown_field_is_reported,
    wrong_keys_are_refused,
    wrong_dates_and_periods_are_refused,
    texts_have_bounds,
    a_thousand_faults_are_listed,
    malformed_headers_are_refused_or_ignored,
    danish_letters_are_kept_byte_for_byte,
];

/// Sends a body that should create a level, and requires that it is refused and nothing is stored.
fn refused(app: &App, body: impl Into<Vec<u8>>) -> Response {
    let before = app.changes();
    let answer = app.request("POST", "/v1/levels").header("content-type", "application/json").bytes(body).send();
    assert_eq!(app.changes(), before, "nothing is stored");
    answer
}

fn malformed_json_is_answered_with_line_and_column(app: &App) {
    for body in [
        "",
        "{",
        "{\"key\": }",
        "{\"key\": \"a\",}",
        "[1, 2",
        "nul",
        "{\"key\": \"a\" \"b\"}",
        "{'key': 'a'}",
        "\u{feff}{}",
    ] {
        let problem = refused(app, body).expect_problem(400, "malformed-body").json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("line 1 column"), "{body}: {detail}");
    }
    let doubled = r#"{"key": "a", "name": "A", "name": "B", "rank": 1}"#;
    let problem = refused(app, doubled).expect_problem(400, "malformed-body").json();
    assert!(problem["detail"].as_str().unwrap().contains("'name' stands here twice"));
    refused(app, r#"{"key": "a", "name": "A", "rank": 1e400}"#).expect_problem(400, "malformed-body");
}

fn invalid_utf8_is_refused(app: &App) {
    for name in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"K\xf8benhavn"] {
        let body = [br#"{"key": "a", "rank": 1, "name": ""#, name, br#""}"#].concat();
        refused(app, body).expect_problem(400, "malformed-body");
    }
    refused(app, r#"{"key": "a", "rank": 1, "name": "\ud800"}"#).expect_problem(400, "malformed-body");
    let charset = app.request("POST", "/v1/levels").header("content-type", "application/json; charset=iso-8859-1");
    charset.bytes("{}").send().expect_problem(415, "unsupported-media-type");
    app.request("POST", "/v1/levels")
        .header("content-type", "application/json; charset=utf-8")
        .bytes("{}")
        .send()
        .expect(422);
}

fn nul_characters_are_refused(app: &App) {
    refused(app, r#"{"key": "a", "rank": 1, "name": "a\u0000b"}"#).expect_errors(&["/name"]);
    refused(app, r#"{"key": "a", "rank": 1, "name": "a", "x\u0000": 1}"#).expect_problem(422, "invalid-body");
    app.get("/v1/units?q=%00").expect_problem(400, "invalid-query");
    app.get("/v1/levels/a%00b").expect_problem(404, "not-found");
}

fn deep_nesting_is_refused(app: &App) {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let body = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        refused(app, body).expect_problem(400, "malformed-body");
    }
    refused(app, format!("{}{}", "[".repeat(100), "]".repeat(100))).expect_problem(422, "invalid-body");
}

fn other_media_types_are_refused(app: &App) {
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json", "nonsense"] {
        let request = app.request("POST", "/v1/levels").header("content-type", media_type);
        request.bytes("{}").send().expect_problem(415, "unsupported-media-type");
    }
    app.request("POST", "/v1/levels").bytes("{}").send().expect_problem(415, "unsupported-media-type");
    let packed = app.request("POST", "/v1/levels").header("content-type", "application/json");
    packed.header("content-encoding", "gzip").bytes("\x1f").send().expect_problem(415, "unsupported-media-type");
    for media_type in ["text/plain", "application/json"] {
        let patch = app.request("PATCH", "/v1/levels/x").header("if-match", "*").header("content-type", media_type);
        let refusal = patch.bytes("{}").send().expect_problem(415, "unsupported-media-type").json();
        assert!(refusal["detail"].as_str().unwrap().contains("application/merge-patch+json"));
    }
}

fn large_bodies_are_refused(app: &App) {
    let ten_megabytes = format!(r#"{{"key": "a", "rank": 1, "name": "{}"}}"#, "a".repeat(10 * 1024 * 1024));
    // The answer is sent before the body is read: a client that writes all of it first may only see the connection end.
    let head = |length: usize| {
        format!(
            "POST /v1/levels HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n",
            app.token("med.edit")
        )
    };
    let before = app.changes();
    let answer = raw(app, head(ten_megabytes.len()).as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("/problems/too-large"), "{answer}");
    assert!(answer.contains("1048576"), "{answer}");
    // Without a declared length, the limit counts the bytes received.
    let chunk = format!("{:x}\r\n{}\r\n", 600_000, "a".repeat(600_000));
    let head = head(0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let answer = raw(app, [head.as_bytes(), chunk.as_bytes(), chunk.as_bytes()].concat().as_slice());
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(app.changes(), before);
    // A bulk route accepts the size and refuses only the content.
    let bundle = json!({"municipality": {"key": HERE, "code": "999", "name": "a".repeat(10 * 1024 * 1024)}});
    app.post("/v1/import", bundle).expect_errors(&["/municipality/name"]);
}

/// Sends raw bytes and reads until the connection ends or a problem has arrived.
fn raw(app: &App, bytes: &[u8]) -> String {
    let mut stream = std::net::TcpStream::connect(app.base.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..n]);
        if answer.windows(5).any(|end| end == b"\r\n\r\n{") && answer.ends_with(b"}") {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn slow_bodies_time_out(app: &App) {
    let head = format!(
        "POST /v1/levels HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{",
        app.token("med.edit")
    );
    let answer = raw(app, head.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("/problems/request-timeout"), "{answer}");
}

fn wrong_types_are_reported_by_field(app: &App) {
    let body = json!({"key": 1, "name": ["A"], "rank": "1", "staff_meeting_below": 2.5});
    let problem =
        refused(app, body.to_string()).expect_errors(&["/key", "/name", "/rank", "/staff_meeting_below"]).json();
    assert_eq!(problem["error_count"], 4);
    let details: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|one| one["detail"].as_str().unwrap()).collect();
    assert!(details.contains(&"is of the wrong type: write a whole number or null"), "{details:?}");
    refused(app, "[]").expect_errors(&[""]);
    refused(app, "null").expect_errors(&[""]);
    refused(app, "{}").expect_errors(&["/key", "/name", "/rank"]);
    refused(app, r#"{"key": "a", "name": "A", "rank": 0}"#).expect_errors(&["/rank"]);
    refused(app, r#"{"key": "a", "name": "A", "rank": 99999999999999999999}"#).expect_errors(&["/rank"]);
    refused(app, r#"{"key": "a", "name": "A", "rank": 1.5}"#).expect_errors(&["/rank"]);
    // JSON Schema, and so the contract, takes this for an integer.
    let whole = app.request("POST", "/v1/levels").header("content-type", "application/json");
    let level = whole.bytes(r#"{"key": "whole", "name": "W", "rank": 3.0}"#).send().expect(201).json();
    assert_eq!(level["rank"].to_string(), "3");
    let nested = json!({"key": "s", "title": "S", "kind": "nope", "status": null, "focus_areas": [
        {"key": "a", "title": "A", "objectives": {"key": "o"}, "actions": [
            {"key": "x", "title": "X", "kind": "other", "recurrence": "P2M", "invites_local": "ja",
                "audience": [{"role": "boss", "level": 1}]},
        ]},
    ]});
    app.post("/v1/strategies", nested).expect_errors(&[
        "/kind",
        "/status",
        "/focus_areas/0/objectives",
        "/focus_areas/0/actions/0/recurrence",
        "/focus_areas/0/actions/0/invites_local",
        "/focus_areas/0/actions/0/audience/0/role",
        "/focus_areas/0/actions/0/audience/0/level",
    ]);
}

fn each_unknown_field_is_reported(app: &App) {
    let body = json!({"key": "a", "name": "A", "rank": 1, "navn": "A", "a/b": 1, "id": "x", "version": 1});
    refused(app, body.to_string()).expect_errors(&["/navn", "/a~1b", "/id", "/version"]);
    let nested = json!({"key": "s", "title": "S", "kind": "plan", "status": "draft", "source": {"name": "n",
        "url": "x"}, "focus_areas": [
        {"key": "a", "title": "A", "color": "red", "actions": [{"key": "x", "title": "X", "kind": "other",
            "budget": 1, "milestones": [{"title": "M", "owner": "x"}]}]},
    ]});
    app.post("/v1/strategies", nested).expect_errors(&[
        "/source/url",
        "/focus_areas/0/color",
        "/focus_areas/0/actions/0/budget",
        "/focus_areas/0/actions/0/milestones/0/owner",
    ]);
}

fn wrong_keys_are_refused(app: &App) {
    let long = "a".repeat(101);
    for key in [
        "",
        " ",
        "a b",
        "a ",
        "A",
        "æ",
        "a_b",
        "-a",
        "a/b",
        "a\nb",
        long.as_str(),
        "0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01",
        "0193a5b06c1e7d3a9f5e2b8c4d6e8f01",
    ] {
        let body = json!({"key": key, "name": "A", "rank": 1});
        let problem = refused(app, body.to_string()).expect_errors(&["/key"]).json();
        assert_eq!(problem["error_count"], 1, "one mistake is one fault: {key}");
    }
    for (key, status) in
        [("A.b_C-1", 201), ("æ", 422), (".a", 422), ("a b", 422), ("0193A5B0-6C1E-7D3A-9F5E-2B8C4D6E8F01", 422)]
    {
        app.post("/v1/units", json!({"key": key, "name": "A", "kind": "other"})).expect(status);
    }
}

fn wrong_dates_and_periods_are_refused(app: &App) {
    let strategy = |field: &str, value: &str| {
        app.post("/v1/strategies", json!({"key": "s", "title": "S", "kind": "plan", "status": "draft", field: value}))
    };
    for day in ["2024-02-30", "2024", "2024-1-1", "30-02-2024", "2024-02-28T00:00:00Z", "", "i dag", "2023-02-29"] {
        strategy("starts_on", day).expect_errors(&["/starts_on"]);
    }
    for period in ["2024-H3", "2024-Q5", "2024-13", "24", "efterår 2024", ""] {
        strategy("adopted_in", period).expect_errors(&["/adopted_in"]);
    }
    for reference in ["a b", "a//b", "a/b/c/d", "/a", ""] {
        strategy("adopted_by", reference).expect_errors(&["/adopted_by"]);
    }
    let crossed = json!({"key": "s", "title": "S", "kind": "plan", "status": "draft", "starts_on": "2025-01-02",
        "ends_on": "2025-01-01"});
    app.post("/v1/strategies", crossed).expect_errors(&["/ends_on"]);
    assert_eq!(app.keys("/v1/strategies"), [""; 0]);
    // Years outside the supported range.
    strategy("starts_on", "-0001-01-01").expect_errors(&["/starts_on"]);
    strategy("starts_on", "+12024-01-01").expect_errors(&["/starts_on"]);
}

fn texts_have_bounds(app: &App) {
    let level = |name: String| app.post("/v1/levels", json!({"key": "l", "name": name, "rank": 1}));
    level(" \t\n".into()).expect_errors(&["/name"]);
    level(String::new()).expect_errors(&["/name"]);
    level("æ".repeat(301)).expect_errors(&["/name"]);
    level("æ".repeat(300)).expect(201);
    let vision = |text: String| {
        app.put(
            "/v1/strategies/s",
            json!({"key": "s", "title": "S", "kind": "plan", "status": "draft", "vision": text}),
        )
    };
    app.put_new("/v1/strategies/s", json!({"key": "s", "title": "S", "kind": "plan", "status": "draft"})).expect(201);
    vision("å".repeat(20_000)).expect(200);
    vision("å".repeat(20_001)).expect_errors(&["/vision"]);
    vision(" ".into()).expect_errors(&["/vision"]);
}

fn a_thousand_faults_are_listed(app: &App) {
    let units: Vec<Value> = (0..1_500).map(|n| json!({"key": format!("u{n}"), "name": "U", "kind": "nope"})).collect();
    let bundle = json!({"municipality": {"key": HERE, "code": "999", "name": "Testby"}, "units": units});
    let problem = app.post("/v1/import", bundle).expect_problem(422, "invalid-body").json();
    assert_eq!((problem["errors"].as_array().unwrap().len(), &problem["error_count"]), (1_000, &json!(1_500)));
    assert!(problem["detail"].as_str().unwrap().contains("1500 faults"));
}

fn malformed_headers_are_refused_or_ignored(app: &App) {
    for value in ["", "\"", "\"a\"", "\"1", "W/", "1,2", "\"99999999999999999999\"", "\"+1\"", "\"1-\""] {
        let change = app.request("PATCH", "/v1/municipality").header("if-match", value).json(&json!({}));
        change.send().expect_problem(400, "bad-request");
    }
    let long = "a".repeat(4_000);
    app.request("GET", "/v1/levels").token(&long).send().expect_problem(401, "invalid-token");
    app.request("GET", "/v1/levels").header("if-none-match", &long).send().expect(200);
    app.request("PUT", "/v1/levels/a")
        .header("if-none-match", "\"1\"")
        .json(&json!({"key": "a", "name": "A", "rank": 1}))
        .send()
        .expect_problem(400, "bad-request");
}

fn danish_letters_are_kept_byte_for_byte(app: &App) {
    let text = "Blåbærgrød på Ærø – “citat” … a\u{30a} 🎉\tfane\r\nlinje\u{2028}\u{7}";
    app.post("/v1/levels", json!({"key": "l", "name": text, "rank": 1})).expect(201);
    let answer = app.get("/v1/levels/l").expect(200);
    assert_eq!(answer.json()["name"].as_str().unwrap().as_bytes(), text.as_bytes());
    assert!(String::from_utf8(answer.body).unwrap().contains("Blåbærgrød på Ærø"), "letters are not escaped");
}
