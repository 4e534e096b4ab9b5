//! The example scripts that pull and push indicator values, as their users start them.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::harness::App;

crate::tests![
    the_shell_pulls_a_series,
    the_shell_pushes_values,
    python_pulls_and_pushes,
    python_reads_every_page,
    readers_pull_no_small_groups,
    a_refused_request_ends_a_script_with_the_problem,
    a_missing_setting_or_service_ends_a_script,
];

const DEMO: &str = "noerrelund";
const VALUES: &str = "/v1/indicators/sygefravaer/values";

fn demo(app: &App) {
    let demo: Value = serde_json::from_str(include_str!("../../examples/demo.json")).unwrap();
    app.import(&demo).unwrap();
}

/// Whether the programs are installed that a script needs. If one is missing, the test says loudly that it was skipped;
/// with `CI=true` it fails.
fn has(programs: &[&str]) -> bool {
    let is_missing = |program: &&&str| {
        let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        !status.is_ok_and(|status| status.success())
    };
    let Some(missing) = programs.iter().find(is_missing) else { return true };
    assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "CI=true, and {missing} is missing: install it");
    eprintln!("NOT TESTED: example scripts. Install {missing}.");
    false
}

/// Calls an example script against the test's server.
fn script(app: &App, interpreter: &str, name: &str, token: &str) -> Command {
    let mut command = Command::new(interpreter);
    command
        .arg(format!("{}/examples/indicator-scripts/{name}", env!("CARGO_MANIFEST_DIR")))
        .current_dir(app.folder.path())
        .stdin(Stdio::null())
        .env("MEDSTRATEGI_URL", &app.base)
        .env("MEDSTRATEGI_TOKEN", token)
        .env("PYTHONUTF8", "1")
        // Requests to this machine need no proxy.
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    command
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", errors(&output));
    output
}

/// Runs what must fail: gives what it wrote on standard error, with nothing on standard output.
#[track_caller]
fn run_refused(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{command:?}: {}", out(&output));
    errors(&output)
}

fn get(app: &App, path: &str) -> Value {
    app.request("GET", path).token(&app.token_of(DEMO, "med.measure")).send().expect(200).json()
}

/// The rows of a table, each by the names of its columns.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

fn the_shell_pulls_a_series(app: &App) {
    if !has(&["curl"]) {
        return;
    }
    demo(app);
    let output = run(&mut script(app, "sh", "pull_series.sh", &app.token_of(DEMO, "med.read")));
    let answer = get(app, &format!("{VALUES}?unit=&group=&from=2024&limit=10000"));
    let items = answer["items"].as_array().unwrap();
    let pulled = rows(&out(&output));
    assert!(items.len() > 30 && pulled.len() == items.len(), "{} of {}", pulled.len(), items.len());
    for (row, item) in pulled.iter().zip(items) {
        assert_eq!(row["period"], item["period"].as_str().unwrap());
        assert_eq!((row["unit"].as_str(), row["group"].as_str(), row["benchmark"].as_str()), ("", "", ""));
        assert_eq!(row["value"].parse::<f64>().unwrap(), item["value"].as_f64().unwrap());
    }
    let updated = answer["indicator"]["values_updated_at"].as_str().unwrap();
    let head = format!("unit of measure: %\nsource: Lønsystemet\nlatest update: {updated}\n");
    assert_eq!(errors(&output), head);
}

fn the_shell_pushes_values(app: &App) {
    if !has(&["curl"]) {
        return;
    }
    demo(app);
    let push = || -> Value {
        let token = app.token_of(DEMO, "med.measure");
        serde_json::from_str(&out(&run(&mut script(app, "sh", "push_values.sh", &token)))).unwrap()
    };
    assert_eq!(push(), json!({"created": 0, "updated": 2, "unchanged": 0, "removed": 0}));
    assert_eq!(push(), json!({"created": 0, "updated": 0, "unchanged": 2, "removed": 0}));
    let answer = get(app, &format!("{VALUES}?unit=&group=&from=2026-09&to=2026-10"));
    let shown = |row: &Value| (row["period"].clone(), row["value"].as_f64(), row["is_provisional"].clone());
    let stored: Vec<_> = answer["items"].as_array().unwrap().iter().map(shown).collect();
    let expected = [(json!("2026-09"), Some(5.2), json!(false)), (json!("2026-10"), Some(5.1), json!(true))];
    assert_eq!(stored, expected);
}

fn python_pulls_and_pushes(app: &App) {
    if !has(&["python3"]) {
        return;
    }
    demo(app);
    let pull_and_push = || {
        let token = app.token_of(DEMO, "med.read med.measure");
        out(&run(&mut script(app, "python3", "pull_and_push.py", &token)))
    };
    let text = pull_and_push();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert!(lines[0].contains("updated: 2"), "{text}");
    assert!(lines[1].starts_with("Sygefravær, %; Lønsystemet; 20"), "{text}");
    assert_eq!(lines[2], "2024-01 6.1");
    assert_eq!(lines[lines.len() - 2..], ["2026-09 5.2", "2026-10 5.1 (provisional)"]);
    // Two years and ten months, without the benchmark's values.
    assert_eq!(lines.len(), 2 + 34, "{text}");
    assert!(pull_and_push().contains("unchanged: 2"));
}

fn python_reads_every_page(app: &App) {
    if !has(&["python3"]) {
        return;
    }
    let body =
        json!({"key": "dage", "title": "Dage", "direction": "increase", "frequency": "once", "method": "manual"});
    app.post("/v1/indicators", body).expect(201);
    let first: NaiveDate = "2024-01-01".parse().unwrap();
    let values: Vec<Value> =
        first.iter_days().take(2_100).enumerate().map(|(n, day)| json!({"period": day, "value": n})).collect();
    app.put_new("/v1/indicators/dage/values", json!({"values": values})).expect(200);
    let token = app.token("med.read med.measure");
    let text = out(&run(script(app, "python3", "pull_and_push.py", &token).arg("dage")));
    // The script itself pushes two more.
    assert_eq!(text.lines().count(), 2 + 2_100 + 2);
    let periods: std::collections::BTreeSet<&str> =
        text.lines().skip(2).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(periods.len(), 2_102, "a page was read twice");
}

fn readers_pull_no_small_groups(app: &App) {
    if !has(&["curl"]) {
        return;
    }
    let body = json!({"key": "nye", "title": "Nye", "direction": "increase", "frequency": "year", "method": "survey",
        "min_group": 5});
    app.post("/v1/indicators", body).expect(201);
    let values = json!({"values": [{"period": "2024", "value": 61.5, "count": 3, "note": "Kun tre svarede."},
        {"period": "2025", "value": 72.5, "count": 30}]});
    app.put_new("/v1/indicators/nye/values", values).expect(200);
    let pull = |scope: &str| out(&run(script(app, "sh", "pull_series.sh", &app.token(scope)).arg("nye")));
    let hidden = pull("med.read");
    assert!(!hidden.contains("61.5") && !hidden.contains("Kun tre"), "{hidden}");
    let hidden = rows(&hidden);
    assert_eq!((hidden[0]["value"].as_str(), hidden[0]["count"].as_str()), ("", ""));
    assert_eq!((hidden[0]["is_suppressed"].as_str(), hidden[1]["is_suppressed"].as_str()), ("true", "false"));
    assert_eq!(hidden[1]["value"], "72.5");
    let whole = rows(&pull("med.measure"));
    assert_eq!((whole[0]["value"].as_str(), whole[0]["is_suppressed"].as_str()), ("61.5", "false"));
}

fn a_refused_request_ends_a_script_with_the_problem(app: &App) {
    if !has(&["curl", "python3"]) {
        return;
    }
    demo(app);
    let before = get(app, "/v1/indicators/arbejdsulykker/values");
    let scripts = [("sh", "pull_series.sh"), ("sh", "push_values.sh"), ("python3", "pull_and_push.py")];
    for (interpreter, name) in scripts {
        let message = run_refused(&mut script(app, interpreter, name, "none"));
        assert!(message.contains("/problems/invalid-token"), "{name}: {message}");
        let token = app.token_of(DEMO, "med.read med.measure");
        let message = run_refused(script(app, interpreter, name, &token).arg("findes-ikke"));
        assert!(message.contains("/problems/not-found"), "{name}: {message}");
        assert!(!message.contains(&token), "{name} prints its token");
    }
    for (interpreter, name) in &scripts[1..] {
        let message = run_refused(&mut script(app, interpreter, name, &app.token_of(DEMO, "med.read")));
        assert!(message.contains("/problems/insufficient-scope"), "{name}: {message}");
        // A yearly indicator accepts no months: the answer lists every fault, and nothing is stored.
        let token = app.token_of(DEMO, "med.read med.measure");
        let message = run_refused(script(app, interpreter, name, &token).arg("arbejdsulykker"));
        let expected = ["/problems/invalid-body", "/values/0/period", "/values/1/period"];
        assert!(expected.iter().all(|word| message.contains(word)), "{name}: {message}");
    }
    assert_eq!(get(app, "/v1/indicators/arbejdsulykker/values"), before);
}

fn a_missing_setting_or_service_ends_a_script(app: &App) {
    if !has(&["curl", "python3"]) {
        return;
    }
    for (interpreter, name) in [("sh", "pull_series.sh"), ("sh", "push_values.sh"), ("python3", "pull_and_push.py")] {
        for variable in ["MEDSTRATEGI_URL", "MEDSTRATEGI_TOKEN"] {
            let message = run_refused(script(app, interpreter, name, "none").env_remove(variable));
            assert!(message.contains(variable), "{name}: {message}");
        }
        let message = run_refused(script(app, interpreter, name, "none").env("MEDSTRATEGI_URL", "http://127.0.0.1:1"));
        assert!(!message.is_empty(), "{name}");
    }
}
