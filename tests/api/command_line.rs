//! The command line, run as its users run it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use medstrategi::auth::local::LocalSecret;
use serde_json::{Value, json};

use crate::harness::{App, LONGEST, open, sql, try_sql, wait_until};
use crate::program::{
    Served, demo, errors, find_secret, free_address, fresh, logged, out, program, program_over, run, serve_demo,
    signal, token_for_demo, wait,
};

crate::tests![
    the_demo_serves_what_it_prints,
    the_demo_refuses_a_database_with_other_data,
    the_demo_refuses_a_database_of_another_program,
    a_closed_pipe_is_not_an_error,
    empty_environment_variables_are_ignored,
    bundles_are_imported_and_exported,
    a_faulty_bundle_stores_nothing,
    several_files_are_several_transactions,
    a_killed_import_leaves_nothing,
    a_killed_sync_leaves_nothing,
    requests_in_flight_finish_on_sigterm,
    tokens_are_signed_with_a_private_secret,
    wrong_arguments_are_explained,
    the_contract_is_printed,
    logs_hold_no_secrets_and_no_addresses,
];

/// Runs a printed command in a shell, as if pasted.
fn paste(line: &str) -> (u16, Value) {
    let output = Command::new("sh").args(["-c", &format!("{line} -w '\\n%{{http_code}}'")]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    // CSV stays text.
    (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_else(|_| body.into()))
}

fn has_curl() -> bool {
    Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok()
}

fn the_demo_serves_what_it_prints(app: &App) {
    let url = fresh(app);
    let mut served = serve_demo(&mut program_over(app, &url));
    assert!(has_curl(), "this test pastes curl lines: install curl");
    let lines: Vec<String> = served.printed.iter().filter(|line| line.starts_with("curl ")).cloned().collect();
    let answers: Vec<(u16, Value)> = lines.iter().map(|line| paste(line)).collect();
    assert_eq!(answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [200, 200, 200, 200, 403]);
    assert_eq!(answers[0].1["items"].as_array().unwrap().len(), 2);
    let areas = answers[1].1["focus_areas"].as_array().unwrap();
    assert_eq!(areas.len(), 4);
    assert_eq!(areas.iter().map(|area| area["actions"].as_array().unwrap().len()).sum::<usize>(), 18);
    assert!(answers[2].1["done"].as_u64().unwrap() > 100, "{}", answers[2].1);
    let table = answers[3].1.as_str().unwrap();
    assert!(table.starts_with("indicator,period,") && table.lines().count() > 10, "{table}");
    assert_eq!(answers[4].1["type"], "/problems/insufficient-scope");
    signal(&served.child, "-TERM");
    assert!(wait(&mut served.child).success());

    // A second start changes nothing.
    let again = serve_demo(&mut program_over(app, &url));
    let lines: Vec<&String> = again.printed.iter().filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(paste(lines[1]).1, answers[1].1);
}

fn the_demo_refuses_a_database_with_other_data(app: &App) {
    let before = app.list("/v1/changes");
    let output = run(program(app).args(["serve", "--demo", "--bind", "127.0.0.1:0"]));
    assert!(!output.status.success());
    assert!(errors(&output).contains("start without --demo"), "{}", errors(&output));
    assert_eq!(app.list("/v1/changes"), before);
}

fn the_demo_refuses_a_database_of_another_program(app: &App) {
    let url = fresh(app);
    let database = open(&url, 1);
    sql(&database, "CREATE TABLE customers (id INTEGER)");
    let output = run(program_over(app, &url).args(["serve", "--demo", "--bind", "127.0.0.1:0"]));
    assert!(!output.status.success() && errors(&output).contains("another program"), "{}", errors(&output));
    assert!(try_sql(&database, "SELECT id FROM municipalities").is_err(), "nothing was created");
}

fn a_closed_pipe_is_not_an_error(app: &App) {
    let mut command = program_over(app, &fresh(app));
    let bind = free_address();
    let mut child = command
        .args(["serve", "--demo", "--bind", &bind])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    wait_until("the server is there", || {
        assert!(child.try_wait().unwrap().is_none(), "the server is gone");
        agent.get(format!("http://{bind}/livez")).call().is_ok_and(|answer| answer.status() == 204)
    });
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "the server is gone");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn empty_environment_variables_are_ignored(app: &App) {
    let mut command = program_over(app, &fresh(app));
    for name in [
        "CONFIG",
        "BIND",
        "CORS_ORIGINS",
        "BODY_LIMIT",
        "DATABASE_POOL",
        "BODY_TIMEOUT",
        "SECRET_FILE",
        "LOG",
        "LOG_FORMAT",
    ] {
        command.env(format!("MEDSTRATEGI_{name}"), "");
    }
    let output = run(command.arg("migrate"));
    assert!(output.status.success(), "{}", errors(&output));
}

fn bundles_are_imported_and_exported(app: &App) {
    let url = fresh(app);
    let imported = run(program_over(app, &url).args(["import", &demo()]));
    assert!(imported.status.success(), "{}", errors(&imported));
    assert!(out(&imported).contains("actions: 18 created, 0 updated, 0 unchanged"), "{}", out(&imported));
    let again = run(program_over(app, &url).args(["import", &demo()]));
    assert!(out(&again).contains("actions: 0 created, 0 updated, 18 unchanged"), "{}", out(&again));
    let exported = run(program_over(app, &url).args(["export", "--municipality", "noerrelund", "--values"]));
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(demo()).unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&out(&exported)).unwrap(), expected);
    let unknown = run(program_over(app, &url).args(["export", "--municipality", "nowhere"]));
    assert!(!unknown.status.success() && errors(&unknown).contains("'nowhere'"));
    let migrated = run(program_over(app, &url).arg("migrate"));
    assert!(out(&migrated).contains("up to date"), "{}", out(&migrated));
}

fn write(app: &App, name: &str, bundle: &Value) -> String {
    let path = app.folder.path().join(name);
    std::fs::write(&path, bundle.to_string()).unwrap();
    path.display().to_string()
}

fn bundle(key: &str, units: usize) -> Value {
    let units: Vec<Value> = (0..units).map(|n| json!({"key": format!("u{n}"), "name": "U", "kind": "other"})).collect();
    json!({"municipality": {"key": key, "code": "998", "name": key}, "units": units})
}

fn count(app: &App, municipality: &str) -> Option<usize> {
    let answer = app.request("GET", "/v1/export").token(&app.token_of(municipality, "med.admin")).send();
    (answer.status == 200).then(|| answer.json()["units"].as_array().unwrap().len())
}

fn a_faulty_bundle_stores_nothing(app: &App) {
    let mut faulty = bundle("faulty", 3);
    faulty["units"][2]["parent"] = json!("nope");
    let output = run(program(app).args(["import", &write(app, "faulty.json", &faulty)]));
    assert!(!output.status.success());
    assert!(
        errors(&output).contains("/units/2/parent") && errors(&output).contains("faulty.json"),
        "{}",
        errors(&output)
    );
    assert_eq!(count(app, "faulty"), None, "not even the municipality");
    let missing = run(program(app).args(["import", "no-such-file.json"]));
    assert!(!missing.status.success() && errors(&missing).contains("no-such-file.json"));
}

fn several_files_are_several_transactions(app: &App) {
    let mut faulty = bundle("two", 1);
    faulty["extra"] = json!(1);
    let files = [write(app, "1.json", &bundle("one", 2)), write(app, "2.json", &faulty)];
    let output = run(program(app).arg("import").args(&files));
    assert!(!output.status.success());
    assert_eq!((count(app, "one"), count(app, "two")), (Some(2), None));
}

/// Kills a piece of work at several points of its duration. `kill` returns whether the work was undone. If none was
/// (the duration was measured when the machine was slower), earlier points follow.
#[track_caller]
fn kill_at_several_moments(whole: Duration, moments: u32, mut kill: impl FnMut(u32, Duration) -> bool) {
    let first = whole / (moments + 1);
    let pauses = (1..=moments).map(|part| first * part).chain((1..=8).map(|halved| first / 2_u32.pow(halved)));
    let mut undone = 0;
    for (n, pause) in (1..).zip(pauses) {
        if n > moments && undone > 0 {
            break;
        }
        undone += u32::from(kill(n, pause));
    }
    assert!(undone > 0, "nothing was killed in time, not even by far less than {whole:?}");
}

fn a_killed_import_leaves_nothing(app: &App) {
    let file = write(app, "large.json", &bundle("large", 12_000));
    let begun = Instant::now();
    assert!(run(program(app).args(["import", &file])).status.success());
    let whole = begun.elapsed();
    assert_eq!(count(app, "large"), Some(12_000));
    let before = app.list("/v1/changes").len();

    kill_at_several_moments(whole, 6, |n, pause| {
        let name = format!("killed-{n}");
        let file = write(app, "killed.json", &bundle(&name, 12_000));
        let mut child =
            program(app).args(["import", &file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(pause);
        signal(&child, "-KILL");
        wait(&mut child);
        // If it was killed between commit and exit, the whole import is stored: all or nothing, never a part.
        let left = count(app, &name);
        assert!(matches!(left, None | Some(12_000)), "{left:?} units, killed after {pause:?} of {whole:?}");
        // The next import succeeds. It waits for whatever PostgreSQL still does for the killed process, such as a
        // commit in progress: from here on, the stored rows stay.
        assert!(run(program(app).args(["import", &write(app, "next.json", &bundle(&name, 1))])).status.success());
        let now = count(app, &name);
        assert!(now == Some(12_000) || (left, now) == (None, Some(1)), "{left:?} units, then {now:?}");
        now == Some(1)
    });
    assert_eq!(app.list("/v1/changes").len(), before);
}

fn a_killed_sync_leaves_nothing(app: &App) {
    const ROWS: usize = 3_000;
    let url = fresh(app);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let file = |night: u32| -> String {
        let row = |n: usize| json!({"key": format!("n{night}-{n:05}"), "name": "Nat Dahl", "unit": "hasselengskolen"});
        json!({"employees": (0..ROWS).map(row).collect::<Value>()}).to_string()
    };
    let sync = |served: &Served, query: &str, file: &str, token: &str| {
        let request = agent.post(format!("{}/v1/hr-sync{query}", served.base)).content_type("application/json");
        let mut answer = request.header("authorization", format!("Bearer {token}")).send(file)?;
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.body_mut().read_json()?;
        let counts = &answer["employees"]["counts"];
        Ok::<_, ureq::Error>((counts["created"].as_u64().unwrap(), counts["unchanged"].as_u64().unwrap()))
    };
    let mut served = serve_demo(&mut program_over(app, &url));
    let token = token_for_demo(app, "med.hr");
    let begun = Instant::now();
    assert_eq!(sync(&served, "", &file(0), &token).unwrap(), (ROWS as u64, 0));
    let whole = begun.elapsed();

    kill_at_several_moments(whole, 5, |night, pause| {
        std::thread::scope(|scope| {
            let file = file(night);
            let (base, token, sync) = (&served, &token, &sync);
            let running = scope.spawn(move || sync(base, "", &file, token).is_ok());
            std::thread::sleep(pause);
            signal(&served.child, "-KILL");
            running.join().unwrap();
        });
        wait(&mut served.child);
        served = serve_demo(&mut program_over(app, &url));
        // All or nothing, never a part. The dry run waits for whatever PostgreSQL still does for the killed process.
        let left = sync(&served, "?dry_run=true", &file(night), &token).unwrap();
        assert!(left == (ROWS as u64, 0) || left == (0, ROWS as u64), "(created, unchanged) would be {left:?}");
        // The next one works.
        assert_eq!(sync(&served, "", &file(night), &token).unwrap(), left);
        left.0 > 0
    });
}

fn requests_in_flight_finish_on_sigterm(app: &App) {
    use std::io::{Read, Write};
    let mut served = serve_demo(&mut program_over(app, &fresh(app)));
    // When the signal arrives, the server waits for the rest of this request's body.
    let mut stream = std::net::TcpStream::connect(served.base.strip_prefix("http://").unwrap()).unwrap();
    let body = r#"{"key": "a", "name": "A", "rank": 9}"#;
    let head = format!(
        "POST /v1/levels HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        edit_token(app),
        body.len()
    );
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    // The server sends this when it has read the head and begins to read the body.
    let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut said = [0; 25];
    stream.read_exact(&mut said).unwrap();
    assert_eq!(&said, go_on, "{}", String::from_utf8_lossy(&said));
    stream.write_all(&body.as_bytes()[..10]).unwrap();
    signal(&served.child, "-TERM");
    std::thread::sleep(Duration::from_millis(500));
    assert!(served.child.try_wait().unwrap().is_none(), "it waits for the request");
    stream.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(wait(&mut served.child).success());
}

fn edit_token(app: &App) -> String {
    token_for_demo(app, "med.edit")
}

fn tokens_are_signed_with_a_private_secret(app: &App) {
    let output = run(program(app).args(["token", "--scope", "med.read", "--municipality", crate::harness::HERE]));
    let token = out(&output);
    assert_eq!(token.lines().count(), 1, "the bare token and nothing else");
    app.request("GET", "/v1/levels").token(token.trim()).send().expect(200);
    let short =
        run(program(app).args(["token", "--scope", "med.read", "--municipality", crate::harness::HERE, "--ttl", "1s"]));
    let claims = short.stdout.split(|byte| *byte == b'.').nth(1).unwrap().to_vec();
    let claims: Value = {
        use base64::Engine as _;
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    };
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 1);

    let made = app.folder.path().join("made.secret");
    let sign = || {
        run(program(app).env("MEDSTRATEGI_SECRET_FILE", &made).args([
            "token",
            "--scope",
            "med.read",
            "--municipality",
            "m",
        ]))
    };
    let output = sign();
    assert!(!output.status.success() && errors(&output).contains("medstrategi serve"), "{}", errors(&output));
    assert!(!made.exists(), "a token from a secret that no server knows would never be accepted");
    LocalSecret::read_or_create(&made).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&made).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let secret = std::fs::read(&made).unwrap();
    assert!(secret.len() > 32 && sign().status.success());
    LocalSecret::read_or_create(&made).unwrap();
    assert_eq!(std::fs::read(&made).unwrap(), secret, "an existing secret stays");
    std::fs::write(&made, "short").unwrap();
    let output = sign();
    assert!(!output.status.success() && errors(&output).contains("at least 32"), "{}", errors(&output));

    let issuers = app.folder.path().join("issuers.toml");
    let settings = r#"
        [[issuers]]
        issuer = "i"
        audience = ["a"]
        algorithms = ["RS256"]
        public_keys = ["k"]
        municipalities = ["m"]
    "#;
    std::fs::write(&issuers, settings).unwrap();
    let output = run(program(app).env("MEDSTRATEGI_CONFIG", &issuers).args([
        "token",
        "--scope",
        "med.read",
        "--municipality",
        "m",
    ]));
    assert!(!output.status.success() && errors(&output).contains("issuers"), "{}", errors(&output));
}

fn wrong_arguments_are_explained(app: &App) {
    for (arguments, words) in [
        (vec!["token", "--scope", "med.all", "--municipality", "m"], "there is no scope 'med.all'"),
        (vec!["token", "--scope", " ", "--municipality", "m"], "name at least one scope"),
        (vec!["token", "--scope", "med.read", "--municipality", "Ikke en nøgle"], "A key: small letters"),
        (vec!["serve", "--bind", "localhost"], "write an IP address and a port"),
        (vec!["serve", "--database-url", "oracle:x"], "write sqlite:medstrategi.db"),
        (vec!["serve", "--database-url", "sqlite:/no/such/folder/x.db"], "can't be opened"),
        (vec!["serve", "--cors-origins", "https://a.dk/path"], "scheme and host"),
        (vec!["serve", "--log", "=="], "write info"),
        (vec!["migrate", "--config", "no-such.toml"], "no-such.toml can't be read"),
        (vec!["fly"], "unrecognized subcommand"),
        (vec![], "Usage"),
    ] {
        let output = run(program(app).args(&arguments));
        assert!(!output.status.success(), "{arguments:?}");
        assert!(errors(&output).contains(words), "{arguments:?}: {}", errors(&output));
        assert_eq!(out(&output), "", "errors go to stderr");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = run(program(app).args(["serve", "--bind", &taken.local_addr().unwrap().to_string()]));
    assert!(!output.status.success() && errors(&output).contains("Name another address"), "{}", errors(&output));
    let unreachable = run(program(app).args(["migrate", "--database-url", "postgres://u:hemmelig@127.0.0.1:1/x"]));
    assert!(!unreachable.status.success() && !errors(&unreachable).contains("hemmelig"), "{}", errors(&unreachable));
    std::fs::write(
        app.folder.path().join("leak.toml"),
        "bind = \"127.0.0.1:1\"\ndatabase_url = \"postgres://u:hemmelig@h/db",
    )
    .unwrap();
    let output = run(program(app).args(["migrate", "--config", "leak.toml"]));
    assert!(!output.status.success() && errors(&output).contains("line 2"), "{}", errors(&output));
    assert!(!errors(&output).contains("hemmelig"), "{}", errors(&output));
    std::fs::write(app.folder.path().join("wrong.toml"), "bnd = \"127.0.0.1:1\"").unwrap();
    let output = run(program(app).args(["migrate", "--config", "wrong.toml"]));
    assert!(!output.status.success() && errors(&output).contains("bnd"), "{}", errors(&output));
    let help = run(program(app).args(["serve", "--help"]));
    for setting in ["--bind", "MEDSTRATEGI_DATABASE_URL", "--cors-origins", "[default: 127.0.0.1:8080]"] {
        assert!(out(&help).contains(setting), "{setting}");
    }
}

fn the_contract_is_printed(app: &App) {
    let printed = run(program(app).arg("openapi"));
    assert_eq!(printed.stdout, app.request("GET", "/v1/openapi.json").send().expect(200).body);
}

fn logs_hold_no_secrets_and_no_addresses(app: &App) {
    let mut served = serve_demo(program_over(app, &fresh(app)).env("MEDSTRATEGI_LOG", "debug"));
    let token = served.printed.iter().find(|line| line.starts_with("eyJ")).unwrap().clone();
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    for path in ["/v1/committees/min-egen-noegle", "/v1/units?q=hemmeligt-navn", "/v1/min-egen-noegle"] {
        let request = agent.get(format!("{}{path}", served.base)).header("authorization", format!("Bearer {token}"));
        request.call().unwrap();
    }
    signal(&served.child, "-TERM");
    wait(&mut served.child);
    let log = logged(app);
    assert!(log.contains("/v1/committees/{id}") && log.contains("answered"), "{log}");
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "JSON where there is no terminal");
    let secret = std::fs::read_to_string(find_secret(app.folder.path(), app.engine)).unwrap();
    for hidden in ["min-egen-noegle", "hemmeligt-navn", &token, &token[token.len() - 20..], secret.trim()] {
        assert!(!log.contains(hidden), "the log holds {hidden}");
    }
}
