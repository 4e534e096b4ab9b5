//! Conventions of all routes: methods, problems, lists, entity tags, query parameters, CORS.

use std::io::{Read, Write};
use std::sync::mpsc;

use medstrategi::db::{Principal, block_on};
use serde_json::{Value, json};

use crate::harness::{App, HERE, LONGEST, ORIGIN, wait_until};
use crate::reporting_at_once::patiently;

crate::tests![
    head_is_get_without_a_body,
    options_and_405_name_the_methods,
    unknown_addresses_are_problems,
    unknown_query_parameters_are_refused,
    wrong_query_values_are_refused,
    lists_come_in_pages,
    lists_are_in_byte_order,
    searches_fold_case_and_accents,
    unchanged_answers_are_not_sent_again,
    answers_are_compressed,
    browsers_call_from_known_origins_only,
    every_answer_has_a_request_id,
    health_is_open,
    docs_need_no_other_network,
    a_busy_database_is_503,
    readers_do_not_wait_for_writers,
    problem_types_are_described,
];

fn head_is_get_without_a_body(app: &App) {
    let got = app.get("/v1/levels").expect(200);
    let head = app.request("HEAD", "/v1/levels").send().expect(200);
    assert!(head.body.is_empty());
    for name in ["etag", "content-type", "content-length", "cache-control"] {
        assert_eq!(head.header(name), got.header(name), "{name}");
    }
    assert_eq!(app.request("HEAD", "/v1/levels/x").send().expect(404).body, b"");
    app.request("HEAD", "/livez").send().expect(204);
    // Pipelined requests: a HEAD must not be answered with a body.
    let address = app.base.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = "HEAD /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let get = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all([head, get].concat().as_bytes()).unwrap();
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("content-length: "), "{text}");
    let (_, rest) = text.split_once("\r\n\r\n").unwrap();
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 204 "), "{rest}");
}

fn options_and_405_name_the_methods(app: &App) {
    let options = app.request("OPTIONS", "/v1/levels").without_token().send().expect(204);
    assert_eq!(options.header("allow"), Some("GET, HEAD, OPTIONS, POST"));
    let refused = app.request("DELETE", "/v1/levels").send().expect_problem(405, "method-not-allowed");
    assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS, POST"));
    let one = app.request("POST", "/v1/levels/x").json(&json!({})).send().expect_problem(405, "method-not-allowed");
    assert_eq!(one.header("allow"), Some("DELETE, GET, HEAD, OPTIONS, PATCH, PUT"));
    app.request("HEAD", "/v1/import").send().expect(405);
    // `tree` is not the key of a committee, so the methods of a committee do not apply.
    let tree = app.request("DELETE", "/v1/committees/tree").header("if-match", "*").send();
    assert_eq!(tree.expect_problem(405, "method-not-allowed").header("allow"), Some("GET, HEAD, OPTIONS"));
    let tree = app.request("PUT", "/v1/committees/tree").json(&json!({"key": "tree", "name": "T", "form": "other"}));
    tree.send().expect_problem(405, "method-not-allowed");
    app.request("OPTIONS", "/v1/nowhere").send().expect(404);
    app.request("DELETE", "/v1/%6Cevels").send().expect_problem(405, "method-not-allowed");
    app.get("/v1/%6Cevels?no_such=1").expect_problem(400, "invalid-query");
}

fn unknown_addresses_are_problems(app: &App) {
    for path in
        ["/", "/v1", "/v1/nowhere", "/v1/levels/", "/v1/levels/a/b", "/v2/levels", "/v1/levels/%FF", "/v1/levels/a%2Fb"]
    {
        app.get(path).expect_problem(404, "not-found");
    }
}

fn unknown_query_parameters_are_refused(app: &App) {
    let contract = app.get("/v1/openapi.json").json();
    for (path, methods) in contract["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let path = path.replace("{id}", "x").replace("{kind}", "x");
            let answer = app.request(&method.to_uppercase(), &format!("{path}?no_such=1")).send();
            let answer = answer.expect_problem(400, "invalid-query");
            assert!(answer.json()["detail"].as_str().unwrap().contains("no_such"));
        }
    }
}

fn wrong_query_values_are_refused(app: &App) {
    for query in [
        "/v1/levels?limit=0",
        "/v1/levels?limit=201",
        "/v1/levels?limit=ten",
        "/v1/levels?limit=-1",
        "/v1/levels?limit=",
        "/v1/levels?limit=1&limit=2",
        "/v1/levels?cursor=x",
        "/v1/strategies?on=2024-02-30",
        "/v1/strategies?on=",
        "/v1/strategies?status=open",
        "/v1/committees?form=x",
        "/v1/committees?parent=a%20b",
        "/v1/changes?after=x",
        "/v1/units?cursor=e30",
        "/v1/actions?focus_area=x",
        "/v1/changes?after=-5",
        "/v1/changes?after=9223372036854775808",
        "/v1/access-log?after=9223372036854775808",
        // Also on routes without pages.
        "/v1/me/progress?cursor=%C3%A6",
        "/v1/units?on=2025-1-5",
        "/v1/units?on=%2B12025-01-05",
    ] {
        app.get(query).expect_problem(400, "invalid-query");
    }
    app.get(&format!("/v1/units?q={}", "a".repeat(200))).expect(200);
    app.get(&format!("/v1/units?q={}", "a".repeat(201))).expect_problem(400, "invalid-query");
}

fn make_units(app: &App, keys: &[&str]) {
    let units: Vec<Value> = keys.iter().map(|key| json!({"key": key, "name": key, "kind": "other"})).collect();
    let head = json!({"key": crate::harness::HERE, "code": "999", "name": "Testby"});
    app.post("/v1/import", json!({"municipality": head, "units": units})).expect(200);
}

fn lists_come_in_pages(app: &App) {
    let keys: Vec<String> = (0..125).map(|n| format!("u{n:03}")).collect();
    make_units(app, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    let first = app.get("/v1/units?kind=other").expect(200);
    let page = first.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 50);
    let next = page["next"].as_str().unwrap();
    assert_eq!(first.header("link"), Some(format!("</v1/units?kind=other&cursor={next}>; rel=\"next\"").as_str()));
    assert_eq!(app.keys("/v1/units"), keys);
    assert_eq!(app.keys("/v1/units?limit=7"), keys);
    let exact = app.get("/v1/units?limit=125").json();
    assert_eq!((exact["items"].as_array().unwrap().len(), &exact["next"]), (125, &Value::Null));
    let last = app.get("/v1/units?limit=25&q=u1");
    assert_eq!((last.json()["next"].clone(), last.header("link")), (Value::Null, None));
}

fn lists_are_in_byte_order(app: &App) {
    make_units(app, &["b", "B", "a-b", "a.b", "a_b", "ab", "a0", "A", "0"]);
    assert_eq!(app.keys("/v1/units"), ["0", "A", "B", "a-b", "a.b", "a0", "a_b", "ab", "b"]);
    assert_eq!(app.keys("/v1/units?limit=1"), app.keys("/v1/units"));
}

fn searches_fold_case_and_accents(app: &App) {
    for (key, name) in [("aa", "Åben Café"), ("oe", "Ældrecenter Øst"), ("pct", "100 % nærvær"), ("under", "a_b")]
    {
        app.post("/v1/units", json!({"key": key, "name": name, "kind": "other"})).expect(201);
    }
    for (q, found) in [
        ("%C3%85BEN", vec!["aa"]),
        ("aben%20cafe", vec!["aa"]),
        ("CAFE%CC%81", vec!["aa"]),
        ("%C3%86LDRE", vec!["oe"]),
        ("%C3%98st", vec!["oe"]),
        ("100%20%25", vec!["pct"]),
        ("%25%25", vec![]),
        ("_", vec!["under"]),
        ("%5C", vec![]),
        ("%27%20OR%20%271%27=%271", vec![]),
    ] {
        assert_eq!(app.keys(&format!("/v1/units?q={q}")), found, "{q}");
    }
}

fn unchanged_answers_are_not_sent_again(app: &App) {
    app.post("/v1/levels", json!({"key": "l", "name": "L", "rank": 1})).expect(201);
    for path in ["/v1/levels", "/v1/levels/l", "/v1/municipality", "/v1/export", "/v1/openapi.json"] {
        let tag = app.get(path).expect(200).etag();
        for sent in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
            let again = app.request("GET", path).header("if-none-match", &sent).send().expect(304);
            assert_eq!((again.body.len(), again.etag()), (0, tag.clone()), "{path}");
        }
        app.request("GET", path).header("if-none-match", "\"other\"").send().expect(200);
        app.request("HEAD", path).header("if-none-match", &tag).send().expect(304);
    }
    let list = app.get("/v1/levels").etag();
    app.patch("/v1/levels/l", json!({"name": "M"})).expect(200);
    app.request("GET", "/v1/levels").header("if-none-match", &list).send().expect(200);
    assert_eq!(app.get("/v1/levels/l").header("cache-control"), Some("private, no-cache"));
}

fn answers_are_compressed(app: &App) {
    let plain = app.request("GET", "/v1/openapi.json").send().expect(200);
    let packed = app.request("GET", "/v1/openapi.json").header("accept-encoding", "gzip").send().expect(200);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() * 4 < plain.body.len() && packed.body.starts_with(&[0x1f, 0x8b]));
    assert_eq!(packed.etag(), plain.etag());
    let again = app.request("GET", "/v1/openapi.json").header("accept-encoding", "gzip");
    again.header("if-none-match", &packed.etag()).send().expect(304);
}

fn browsers_call_from_known_origins_only(app: &App) {
    let preflight = |origin: &str| {
        let request = app.request("OPTIONS", "/v1/levels").without_token().header("origin", origin);
        request
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization,if-match")
            .send()
    };
    let allowed = preflight(ORIGIN).expect(200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(ORIGIN));
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("PATCH"));
    preflight("https://elsewhere.example").expect_problem(400, "bad-request");
    let read = app.request("GET", "/v1/levels").header("origin", ORIGIN).send().expect(200);
    assert_eq!(read.header("access-control-allow-origin"), Some(ORIGIN));
    for name in ["etag", "link", "location", "retry-after", "x-request-id"] {
        assert!(read.header("access-control-expose-headers").unwrap().contains(name), "{name}");
    }
    // A browser shows failures to scripts only with CORS headers.
    let refused = app.request("GET", "/v1/levels").without_token().header("origin", ORIGIN).send().expect(401);
    assert_eq!(refused.header("access-control-allow-origin"), Some(ORIGIN));
}

fn every_answer_has_a_request_id(app: &App) {
    let ids: std::collections::BTreeSet<String> = ["/v1/levels", "/nowhere", "/livez", "/docs/", "/v1/levels?x=1"]
        .iter()
        .map(|path| app.get(path).header("x-request-id").unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 5);
}

fn health_is_open(app: &App) {
    app.request("GET", "/livez").without_token().send().expect(204);
    app.request("GET", "/readyz").without_token().send().expect(204);
}

fn docs_need_no_other_network(app: &App) {
    app.request("GET", "/docs").without_token().send().expect(307);
    let page = app.request("GET", "/docs/").without_token().send().expect(200);
    let page = String::from_utf8(page.body).unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        assert!(page.contains(file), "{file}");
        app.request("GET", &format!("/docs/{file}")).without_token().send().expect(200);
    }
    let style = app.request("GET", "/docs/index.css").without_token().send().expect(200);
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    assert!(String::from_utf8(style.body).unwrap().contains("data-code"), "failures are shown briefly");
    let start = app.request("GET", "/docs/swagger-initializer.js").send();
    assert!(String::from_utf8(start.body).unwrap().contains("/v1/openapi.json"));
}

fn a_busy_database_is_503(app: &App) {
    const CONNECTIONS: usize = 8;
    std::thread::scope(|scope| {
        let (hold, held) = mpsc::channel();
        let hold_one = || {
            // Held until this is dropped, also if the test fails.
            let (keep, kept) = mpsc::channel::<()>();
            let hold = hold.clone();
            scope.spawn(move || {
                block_on(app.database.admin(move |_| {
                    hold.send(()).unwrap();
                    drop(hold);
                    let _ = kept.recv();
                    Ok(())
                }))
            });
            keep
        };
        let kept: Vec<_> = (0..CONNECTIONS).map(|_| hold_one()).collect();
        drop(hold);
        assert_eq!(held.iter().count(), CONNECTIONS, "they are all held");
        let answer = app.get("/v1/levels").expect_problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        app.get("/livez").expect(204);
        drop(kept);
    });
    app.get("/v1/levels").expect(200);
}

fn readers_do_not_wait_for_writers(app: &App) {
    let principal = Principal { municipality: HERE.parse().unwrap(), issuer: "test".into(), subject: "test".into() };
    let principal = &principal;
    std::thread::scope(|scope| {
        let (write, written) = mpsc::channel();
        // It writes until this is dropped, also if the test fails.
        let (keep, kept) = mpsc::channel::<()>();
        scope.spawn(move || {
            block_on(app.database.write(principal, move |_| {
                write.send(()).unwrap();
                let _ = kept.recv();
                Ok(())
            }))
        });
        written.recv().unwrap();
        // A writer that waits too long gets a 503 and tries again.
        let change = || patiently(|| app.patch("/v1/municipality", json!({"name": "Ny"}))).status;
        let waiting: Vec<_> = (0..12).map(|_| scope.spawn(change)).collect();
        wait_until("many wait to write", || app.database.usage().waiting >= 6);
        for path in ["/v1/levels", "/readyz"] {
            let status = app.get(path).status;
            assert!(status < 300, "{path} waits for writers, and is told {status}");
        }
        drop(keep);
        assert!(waiting.into_iter().all(|one| one.join().unwrap() == 200), "every writer had its turn");
    });
}

fn problem_types_are_described(app: &App) {
    let problem = app.get("/v1/levels/x").expect(404).json();
    let described = app.request("GET", problem["type"].as_str().unwrap()).without_token().send().expect(200).json();
    assert_eq!((&described["title"], &described["status"]), (&problem["title"], &problem["status"]));
    app.get("/problems/no-such").expect_problem(404, "not-found");
}
