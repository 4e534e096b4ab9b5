//! Monitoring: metrics on a port of their own, and the summary at the start.

use serde_json::{Value, json};

use crate::harness::{App, HERE};
use crate::program::{free_address, logged, program, serve, signal, wait};

crate::tests![metrics_have_their_own_port, the_start_logs_a_summary];

fn metrics_have_their_own_port(app: &App) {
    let metrics = free_address();
    let served = serve(program(app).env("MEDSTRATEGI_METRICS_BIND", &metrics));
    let ask = |method: &str, path: &str| app.request_to(&served.base, method, path);
    app.put_new("/v1/levels/hemmelig-noegle", json!({"key": "hemmelig-noegle", "name": "L", "rank": 1})).expect(201);
    for _ in 0..3 {
        ask("GET", "/v1/levels/hemmelig-noegle").send().expect(200);
    }
    ask("HEAD", "/v1/levels/hemmelig-noegle").send().expect(200);
    ask("GET", "/v1/levels/hemmelig-noegle").without_token().send().expect(401);
    ask("GET", "/hemmelig-sti").send().expect(404);
    ask("POST", "/v1/hr-sync?dry_run=true").json(&json!({"units": []})).send().expect(200);
    ask("POST", "/v1/hr-sync").json(&json!({"units": [{"key": "u"}]})).send().expect(422);

    let text = app.request_to(&format!("http://{metrics}"), "GET", "/metrics").without_token().send().expect(200);
    let text = String::from_utf8(text.body).unwrap();
    for line in [
        r#"medstrategi_http_requests_total{method="GET",route="/v1/levels/{id}",status="200"} 3"#,
        r#"medstrategi_http_requests_total{method="HEAD",route="/v1/levels/{id}",status="200"} 1"#,
        r#"medstrategi_http_requests_total{method="GET",route="/v1/levels/{id}",status="401"} 1"#,
        r#"medstrategi_http_requests_total{method="GET",route="unknown",status="404"} 1"#,
        r#"medstrategi_http_request_duration_seconds_count{method="GET",route="/v1/levels/{id}"} 4"#,
        r#"medstrategi_problems_total{kind="invalid-token"} 1"#,
        r#"medstrategi_hr_syncs_total{outcome="taken",dry_run="true"} 1"#,
        r#"medstrategi_hr_syncs_total{outcome="invalid-body",dry_run="false"} 1"#,
        r#"medstrategi_database_connections{state="in_use"} 0"#,
        "medstrategi_database_waiting_requests 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let statements = text.lines().find_map(|line| line.strip_prefix("medstrategi_database_statements_total "));
    assert!(statements.unwrap().parse::<u64>().unwrap() > 10);
    assert!(!text.contains("hemmelig") && !text.contains(HERE), "labels name nobody\n{text}");
    ask("GET", "/metrics").send().expect_problem(404, "not-found");
}

fn the_start_logs_a_summary(app: &App) {
    let mut command = program(app);
    command.env("MEDSTRATEGI_TRUSTED_PROXIES", "10.0.0.5,192.0.2.0/24").env("MEDSTRATEGI_IDEMPOTENCY_HOURS", "48");
    let mut served = serve(&mut command);
    signal(&served.child, "-TERM");
    assert!(wait(&mut served.child).success());
    let log = logged(app);
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = lines.into_iter().find(|line| line["message"] == "starting").unwrap();
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told["trusted_proxies"], "10.0.0.5/32, 192.0.2.0/24");
    assert_eq!(told["idempotency_hours"], 48);
    assert_eq!(told["subject_rate"], "no limit");
    assert!(
        told["database"]
            .as_str()
            .is_some_and(|database| database.starts_with("sqlite:") || database.starts_with("postgres://"))
    );
}
