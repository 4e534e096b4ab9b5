//! Limits on the size and rate of requests, and the answers to requests beyond them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use medstrategi::action::assignment::store::projection::AssignmentProjection;
use medstrategi::db::{Database, Location, Options, block_on};
use medstrategi::http::client_address::TrustedProxies;
use medstrategi::http::limits::Limits;
use medstrategi::http::rate_limit::{Rate, Rates};
use medstrategi::server::Parts;
use serde_json::json;

use crate::harness::{App, Beside, HERE, ORIGIN};

crate::tests![
    requests_of_an_address_are_limited,
    subjects_are_counted_apart,
    the_address_forwarded_by_a_trusted_proxy_counts,
    other_forwarded_addresses_are_ignored,
    answers_say_how_many_requests_are_left,
    long_addresses_and_headers_are_refused,
    page_limit_shortens_pages,
    overload_is_shed_at_once,
    security_headers_are_set,
];

fn limited(app: &App, rates: Rates, proxies: &[&str]) -> Beside {
    let proxies: Vec<String> = proxies.iter().map(|proxy| (*proxy).to_owned()).collect();
    let trusted_proxies = TrustedProxies::parse(&proxies).unwrap();
    app.beside(move |parts| Parts { rates, trusted_proxies, ..parts })
}

/// A rate that does not refill during a test.
fn only(count: u32) -> Option<Rate> {
    Rate::one_in(Duration::from_secs(3_600), count)
}

fn of_addresses(rate: Option<Rate>) -> Rates {
    Rates { address: rate, subject: None }
}

fn requests_of_an_address_are_limited(app: &App) {
    let server = limited(app, of_addresses(only(3)), &[]);
    let ask = || app.request_to(&server.base, "GET", "/v1/levels").without_token().header("origin", ORIGIN).send();
    for _ in 0..3 {
        ask().expect(401);
    }
    let refused = ask().expect_problem(429, "too-many-requests");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((3_500..=3_600).contains(&wait), "{wait}");
    app.get("/v1/levels").expect(200);

    // After the time in `Retry-After`, the next request is accepted.
    let server = limited(app, of_addresses(Rate::new(1, 1)), &[]);
    let ask = || app.request_to(&server.base, "GET", "/v1/levels").header("origin", ORIGIN).send();
    let refused = (0..50).map(|_| ask()).find(|answer| answer.status == 429).unwrap();
    assert_eq!(refused.header("access-control-allow-origin"), Some(ORIGIN), "a page may read why");
    assert!(refused.lists("access-control-expose-headers", "retry-after"));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(wait, 1);
    std::thread::sleep(Duration::from_secs(wait));
    ask().expect(200);
}

fn subjects_are_counted_apart(app: &App) {
    let server = limited(app, Rates { subject: only(2), address: None }, &[]);
    let ask = |subject: &str| {
        let token = app.token_for(subject, HERE, "med.read");
        app.request_to(&server.base, "GET", "/v1/levels").token(&token).send()
    };
    ask("widget").expect(200);
    ask("widget").expect(200);
    ask("widget").expect_problem(429, "too-many-requests");
    ask("hr-system").expect(200);
    // Another token of the same subject shares its count. Requests without a token are not counted here.
    let other = app.token_for("widget", HERE, "med.edit");
    app.request_to(&server.base, "GET", "/v1/levels").token(&other).send().expect(429);
    for _ in 0..5 {
        app.request_to(&server.base, "GET", "/v1/levels").token("no token").send().expect(401);
    }
}

fn the_address_forwarded_by_a_trusted_proxy_counts(app: &App) {
    let server = limited(app, of_addresses(only(1)), &["127.0.0.0/8"]);
    let ask = |client: &str| app.request_to(&server.base, "GET", "/v1/levels").header("x-forwarded-for", client).send();
    ask("192.0.2.1").expect(200);
    ask("192.0.2.2").expect(200);
    ask("192.0.2.1").expect(429);
    ask("198.51.100.9, 192.0.2.2").expect(429);
}

fn other_forwarded_addresses_are_ignored(app: &App) {
    let server = limited(app, of_addresses(only(1)), &["192.0.2.0/24"]);
    let ask = |client: &str| app.request_to(&server.base, "GET", "/v1/levels").header("x-forwarded-for", client).send();
    ask("192.0.2.1").expect(200);
    ask("192.0.2.2").expect(429);
}

fn answers_say_how_many_requests_are_left(app: &App) {
    let server = limited(app, Rates { subject: Rate::one_in(Duration::from_secs(60), 10), address: only(300) }, &[]);
    let ask = || app.request_to(&server.base, "GET", "/v1/levels").send().expect(200);
    let answer = ask();
    let policy = r#""address";q=300;w=1080000, "subject";q=10;w=600"#;
    assert_eq!(answer.header("ratelimit-policy"), Some(policy));
    assert_eq!(answer.header("ratelimit"), Some(r#""address";r=299;t=3600, "subject";r=9;t=60"#));
    let answers = [ask(), ask()];
    assert!(answers[1].header("ratelimit").unwrap().contains(r#""subject";r=7;t=1"#), "{:?}", answers[1]);
    let open = app.request_to(&server.base, "GET", "/problems/internal").without_token().send().expect(200);
    assert_eq!(open.header("ratelimit-policy"), Some(r#""address";q=300;w=1080000"#));
    let probe = app.request_to(&server.base, "GET", "/livez").without_token().send().expect(204);
    assert_eq!(probe.header("ratelimit-policy"), None, "probes are counted for nobody");
    assert_eq!(app.get("/v1/levels").header("ratelimit"), None, "where there is no limit there is nothing to tell");
}

fn long_addresses_and_headers_are_refused(app: &App) {
    let server = app.beside(|parts| Parts { limits: Limits { url: 200, headers: 2_000, ..parts.limits }, ..parts });
    let ask = |path: &str, header: usize| {
        app.request_to(&server.base, "GET", path).header("x-filler", &"x".repeat(header)).send()
    };
    ask("/v1/levels", 1_000).expect(200);
    ask("/v1/levels", 2_000).expect_problem(431, "headers-too-large");
    ask(&format!("/v1/levels/{}", "x".repeat(200)), 1).expect_problem(414, "url-too-long");
    ask(&format!("/v1/committees?q={}", "x".repeat(100)), 1).expect(200);
    ask(&format!("/v1/committees?q={}", "x".repeat(200)), 1).expect_problem(414, "url-too-long");
    // Any word can be a method, but the test's client does not send unknown ones.
    let mut stream = TcpStream::connect(server.base.strip_prefix("http://").unwrap()).unwrap();
    write!(stream, "{} /v1/levels HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "X".repeat(200)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 414 ") && !answer.contains("XXX"), "{answer}");
}

fn page_limit_shortens_pages(app: &App) {
    for key in ["a", "b", "c", "d", "e"] {
        app.put_new(&format!("/v1/units/{key}"), json!({"key": key, "name": key, "kind": "centre"})).expect(201);
    }
    let server = app.beside(|parts| Parts { limits: Limits { page: Some(2), ..parts.limits }, ..parts });
    let rows = |query: &str| {
        let page = app.request_to(&server.base, "GET", &format!("/v1/units{query}")).send().expect(200).json();
        (page["items"].as_array().unwrap().len(), page["next"].as_str().map(ToOwned::to_owned))
    };
    assert_eq!(rows("?limit=1").0, 1);
    assert_eq!(rows("?limit=200").0, 2);
    let (count, next) = rows("");
    assert_eq!(count, 2);
    let (count, next) = rows(&format!("?cursor={}", next.unwrap()));
    assert_eq!(count, 2);
    assert_eq!(rows(&format!("?limit=100&cursor={}", next.unwrap())), (1, None));
    app.request_to(&server.base, "GET", "/v1/units?limit=0").send().expect_problem(400, "invalid-query");
    app.request_to(&server.base, "GET", "/v1/units?limit=201").send().expect_problem(400, "invalid-query");
    app.request_to(&server.base, "GET", "/v1/municipality").send().expect(200);
}

fn overload_is_shed_at_once(app: &App) {
    let database = {
        let options = Options { max_waiting: 2, ..Options::new(AssignmentProjection) };
        Database::open(Location::parse(&app.url).unwrap(), options).unwrap()
    };
    let server = app.beside({
        let database = database.clone();
        move |parts| Parts { database, ..parts }
    });
    let ask = || app.request_to(&server.base, "GET", "/v1/levels").send();
    // Admitted requests wait for three seconds. A machine that is too slow for that tries again.
    let is_shed = || {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let (held, is_held) = mpsc::channel();
            let (release, is_released) = mpsc::channel::<()>();
            let database = &database;
            let hold = scope.spawn(move || {
                block_on(database.admin(move |_| {
                    held.send(()).unwrap();
                    let _ = is_released.recv();
                    Ok(())
                }))
            });
            is_held.recv().unwrap();
            // Two may wait for the connection.
            let taken: Vec<_> = (0..2).map(|_| scope.spawn(ask)).collect();
            let all_wait = || database.usage().waiting == 2;
            while !all_wait() && begun.elapsed() < Duration::from_secs(2) {
                std::thread::sleep(Duration::from_millis(5));
            }
            let shed: Vec<_> = (0..5).map(|_| ask()).collect();
            drop(release);
            let is_in_time = begun.elapsed() < Duration::from_millis(2_500);
            hold.join().unwrap().unwrap();
            let taken: Vec<_> = taken.into_iter().map(|client| client.join().unwrap()).collect();
            if !is_in_time {
                return false;
            }
            for answer in shed {
                assert_eq!(answer.header("retry-after"), Some("1"));
                answer.expect_problem(503, "unavailable");
            }
            taken.into_iter().for_each(|answer| drop(answer.expect(200)));
            true
        })
    };
    assert!((0..20).any(|_| is_shed()), "the machine is too slow to tell");
    ask().expect(200);
}

fn security_headers_are_set(app: &App) {
    let answers = [
        app.get("/v1/levels").expect(200),
        app.get("/v1/nothing").expect(404),
        app.request("GET", "/v1/levels").without_token().send().expect(401),
        app.request("OPTIONS", "/v1/levels").send().expect(204),
        app.get("/docs/").expect(200),
    ];
    for answer in &answers {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert!(answer.header("strict-transport-security").is_some());
        assert!(answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    }
    assert!(answers[0].header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert!(answers[4].header("content-security-policy").unwrap().starts_with("default-src 'self'"));
}
