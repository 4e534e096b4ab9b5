//! How fast a night's HR file of a municipality of Copenhagen's size is taken, how much memory that costs the
//! server, and how long others wait meanwhile.
//!
//! `cargo bench --bench hr_sync` starts the real binary over an empty database, on SQLite and then on
//! PostgreSQL, and sends a snapshot of 60,000 rows over HTTP three times: first everything is new, then nothing
//! has changed, then 1 % has. Whoever lists committees at the same time is timed too. Numbers are printed, not
//! judged, since machines differ; what the answers count must be right.
//!
//! - `HR_SYNC_SCALE=0.05` makes the snapshot smaller, to try the benchmark quickly. `cargo test --benches` runs it
//!   at 0.02 where nothing else is said.
//! - `TEST_POSTGRES_URL` names a PostgreSQL server of one's own, as for the tests; the database that is made there
//!   stays. Without it a throw-away server is started, which never waits for its disk.
//! - `TMPDIR` says on which disk everything else lies.

// What fails here has failed the benchmark, and what it has to say, it prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

// The tests use more of it.
#[allow(dead_code)]
#[path = "../tests/api/engines.rs"]
mod engines;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engines::Engines;
use medstrategi::auth::local::LocalSecret;
use medstrategi::auth::scope::Scope;
use medstrategi::db::Engine;
use serde_json::{Value, json};

/// At scale 1 there are as many units, and as many committees.
const UNITS: f64 = 1500.0;
/// At scale 1: 45,000 employees.
const EMPLOYEES_PER_UNIT: usize = 30;
const SECTIONS: [&str; 4] = ["units", "employees", "committees", "memberships"];
const MUNICIPALITY: &str = "storby";
const BEARABLE_WAIT: Duration = Duration::from_secs(300);
/// An answer names every key of the file; ureq would read 10 MB of it.
const ANSWER_LIMIT: u64 = 200 * 1024 * 1024;

fn main() {
    let units = units();
    let night = snapshot(units, false);
    let next_night = snapshot(units, true);
    tell_size(&night);
    let databases = Databases(Engines::start());
    for engine in [Engine::Sqlite, Engine::Postgres] {
        match databases.0.has(engine) {
            true => measure(&databases.0, engine, &night, &next_night),
            false => eprintln!("\nNOT MEASURED: PostgreSQL. Install its server, or name one in TEST_POSTGRES_URL."),
        }
    }
}

/// How many units the snapshot has; everything else follows from it.
fn units() -> usize {
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    // `cargo bench` says --bench; `cargo test` says nothing.
    let usual = if has("--test") || !has("--bench") { 0.02 } else { 1.0 };
    let scale = match std::env::var("HR_SYNC_SCALE") {
        Ok(text) => text.parse().expect("HR_SYNC_SCALE is a number, such as 0.05"),
        Err(_) => usual,
    };
    let smallest_tree = 3;
    ((UNITS * scale).round() as usize).max(smallest_tree)
}

/// The HR system's file of a night; where `is_changed`, that of another night, with 1 % of the rows changed.
fn snapshot(units: usize, is_changed: bool) -> Value {
    let section = |count: usize, row: fn(usize, usize, bool) -> Value| -> Vec<Value> {
        (0..count).map(|n| row(n, units, is_changed && n % 100 == 0)).collect()
    };
    json!({
        "units": section(units, unit),
        "employees": section(units * EMPLOYEES_PER_UNIT, employee),
        "committees": section(units, |n, units, _| committee(n, units)),
        "memberships": section(units * SEATS.len(), membership),
    })
}

fn unit(n: usize, units: usize, is_changed: bool) -> Value {
    const KINDS: [&str; 3] = ["administration", "centre", "workplace"];
    const WORKPLACES: [&str; 5] = ["Børnehuset", "Skolen", "Plejecentret", "Biblioteket", "Botilbuddet"];
    let tier = tier(n, units);
    let name = match tier {
        0 => "Storby Kommune".to_owned(),
        1 => format!("Center {n}"),
        _ => format!("{} ved Åen {n}", WORKPLACES[n % WORKPLACES.len()]),
    };
    json!({
        "key": unit_key(n),
        "name": name,
        "kind": KINDS[tier],
        "parent": parent(n, units).map(unit_key),
        "headcount": 25 + n % 40 + usize::from(is_changed),
        "starts_on": day(n),
    })
}

/// Units and committees stand in trees of one shape: one at the top, a 25th of them in the middle, the others
/// below those.
fn tier(n: usize, units: usize) -> usize {
    match n {
        0 => 0,
        n if n <= in_the_middle(units) => 1,
        _ => 2,
    }
}

fn parent(n: usize, units: usize) -> Option<usize> {
    match tier(n, units) {
        0 => None,
        1 => Some(0),
        _ => Some(1 + n % in_the_middle(units)),
    }
}

fn in_the_middle(units: usize) -> usize {
    (units / 25).max(1)
}

fn unit_key(n: usize) -> String {
    format!("u-{n:05}")
}

/// Some day that has passed, no later than 2024.
fn day(n: usize) -> String {
    format!("{}-{:02}-{:02}", 1990 + n % 35, 1 + n % 12, 1 + n % 28)
}

/// The first of a unit's employees leads the others.
fn employee(n: usize, units: usize, is_changed: bool) -> Value {
    const TITLES: [&str; 5] = ["Pædagog", "Lærer", "Social- og sundhedsassistent", "Sagsbehandler", "Bibliotekar"];
    let place = n / units;
    let title = if place == 0 { "Leder" } else { TITLES[place % TITLES.len()] };
    let title = if is_changed { format!("{title} (konstitueret)") } else { title.to_owned() };
    json!({
        "key": employee_key(n),
        "name": name(n),
        "email": format!("{}@storby.example", employee_key(n)),
        "title": title,
        "unit": unit_key(n % units),
        "has_personnel_responsibility": place == 0,
        "starts_on": day(n),
    })
}

fn employee_key(n: usize) -> String {
    format!("m-{n:05}")
}

fn name(n: usize) -> String {
    const FIRST: [&str; 11] =
        ["Anna", "Bodil", "Dorthe", "Emil", "Freja", "Ida", "Jørgen", "Lærke", "Rasmus", "Søren", "Åse"];
    const MIDDLE: [&str; 10] = ["Bak", "Dahl", "Friis", "Højgaard", "Juhl", "Kjær", "Lund", "Munk", "Skov", "Toft"];
    const LAST: [&str; 9] =
        ["Aagaard", "Andersen", "Bæk", "Hansen", "Jensen", "Knudsen", "Nielsen", "Pedersen", "Sørensen"];
    // The lists' lengths have no divisor in common: 990 names come before one comes back.
    format!("{} {} {}", FIRST[n % FIRST.len()], MIDDLE[n % MIDDLE.len()], LAST[n % LAST.len()])
}

/// Each local committee covers the unit of its own number.
fn committee(n: usize, units: usize) -> Value {
    let tier = tier(n, units);
    let (level, level_name) = LEVELS[tier];
    json!({
        "key": committee_key(n),
        "name": if tier == 0 { level_name.to_owned() } else { format!("{level_name} {n}") },
        "level": level,
        "parent": parent(n, units).map(committee_key),
        "form": "committee",
        "units": if tier == 2 { vec![unit_key(n)] } else { Vec::new() },
        "starts_on": day(n),
    })
}

/// The levels' keys and names, from the top.
const LEVELS: [(&str, &str); 3] =
    [("hoved-med", "Hoved-MED"), ("center-med", "Center-MED"), ("lokal-med", "Lokal-MED")];

fn committee_key(n: usize) -> String {
    format!("c-{n:05}")
}

/// Employees of the unit with the committee's number hold its seats, each in one committee only.
fn membership(n: usize, units: usize, is_vacant: bool) -> Value {
    let (committee, place) = (n / SEATS.len(), n % SEATS.len());
    let (role, side, function) = SEATS[place];
    let holder = employee_key(committee + place * units);
    json!({
        "key": format!("{}-seat-{place}", committee_key(committee)),
        "committee": committee_key(committee),
        "employee": (!is_vacant).then_some(holder),
        "role": role,
        "side": side,
        "function": function,
        "starts_on": "2024-01-01",
    })
}

/// A committee's seats: role, side and function of each.
const SEATS: [(&str, &str, Option<&str>); 8] = [
    ("chair", "management", Some("leader")),
    ("deputy_chair", "employees", Some("shop_steward")),
    ("member", "employees", Some("safety_rep")),
    ("member", "employees", Some("shop_steward")),
    ("member", "employees", None),
    ("member", "management", Some("leader")),
    ("secretary", "management", None),
    ("substitute", "employees", None),
];

fn tell_size(night: &Value) {
    let parts: Vec<String> =
        SECTIONS.iter().map(|section| format!("{} {section}", rows(night, section).len())).collect();
    let megabytes = night.to_string().len() as f64 / 1e6;
    println!("A snapshot of {}: {} rows, {megabytes:.1} MB of JSON.", parts.join(", "), count(night));
    if cfg!(debug_assertions) {
        println!("NOT OPTIMISED: this build says nothing about speed; `cargo bench` makes one that does.");
    }
}

fn rows<'f>(file: &'f Value, section: &str) -> &'f [Value] {
    file[section].as_array().expect("a section is a list")
}

fn count(file: &Value) -> usize {
    SECTIONS.iter().map(|section| rows(file, section).len()).sum()
}

/// Stops a throw-away PostgreSQL however the benchmark ends.
struct Databases(Engines);

impl Drop for Databases {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn measure(engines: &Engines, engine: Engine, night: &Value, next_night: &Value) {
    let server = Server::start(engines, engine);
    print_head(engine, server.folder.path());
    for (name, before, file) in
        [("first run", None, night), ("unchanged", Some(night), night), ("1 % changed", Some(night), next_night)]
    {
        let run = Run::take(&server, file);
        check_counts(name, &run.answer, before, file);
        print_row(name, count(file), &run);
    }
    print_aims(engine);
}

/// The real binary, serving a database of its own; killed at the end.
struct Server {
    child: Child,
    base: String,
    hr_token: String,
    read_token: String,
    folder: tempfile::TempDir,
}

impl Server {
    fn start(engines: &Engines, engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = engines.create(engine, folder.path());
        create_municipality(&url, folder.path());
        let secret = LocalSecret::read_or_create(&folder.path().join(SECRET_FILE)).unwrap();
        let token = |scope| {
            let lifetime = Duration::from_secs(24 * 60 * 60);
            secret.sign("hr-sync-benchmark", &MUNICIPALITY.parse().unwrap(), &[scope], lifetime).unwrap()
        };
        let (hr_token, read_token) = (token(Scope::Hr), token(Scope::Read));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let bind = format!("127.0.0.1:{port}");
        let log = std::fs::File::create(folder.path().join(LOG_FILE)).unwrap();
        let mut command = program(&url, folder.path());
        command.args(["serve", "--bind", &bind]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().unwrap();
        let mut server = Self { child, base: format!("http://{bind}"), hr_token, read_token, folder };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&mut self) {
        let (agent, begun) = (agent(), Instant::now());
        let address = format!("{}/readyz", self.base);
        while !agent.get(&address).call().is_ok_and(|answer| answer.status().as_u16() == 204) {
            let is_starting = self.child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(60);
            assert!(is_starting, "the server did not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(LOG_FILE)).unwrap_or_default()
    }

    /// Lets the system's record of the process's peak memory begin anew. False where there is no such record.
    fn forget_peak(&self) -> bool {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").is_ok()
    }

    /// The most memory that the process had in use since then, in MB.
    fn peak(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: f64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024.0 / 1e6)
    }

    /// Lists committees, one request after another, and tells how long each took.
    fn list_until(&self, is_over: &AtomicBool) -> Vec<Duration> {
        let agent = agent();
        let (address, token) = (format!("{}/v1/committees?limit=50", self.base), format!("Bearer {}", self.read_token));
        let mut waits = Vec::new();
        while waits.is_empty() || !is_over.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let answer = agent.get(&address).header("authorization", &token).call();
            expect_ok(answer);
            waits.push(begun.elapsed());
        }
        waits
    }

    fn sync(&self, file: &[u8]) -> Vec<u8> {
        let request = agent().post(format!("{}/v1/hr-sync?mode=snapshot", self.base));
        let request = request.header("authorization", format!("Bearer {}", self.hr_token));
        expect_ok(request.header("content-type", "application/json").send(file))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Made here, so that there are tokens before the server starts.
const SECRET_FILE: &str = "medstrategi.secret";
const LOG_FILE: &str = "log";

/// An import is the one way in which a municipality comes into being.
fn create_municipality(url: &str, folder: &Path) {
    let levels = LEVELS.iter().zip(1..).map(|((key, name), rank)| json!({"key": key, "name": name, "rank": rank}));
    let bundle = json!({
        "municipality": {"key": MUNICIPALITY, "code": "998", "name": "Storby Kommune"},
        "levels": levels.collect::<Vec<_>>(),
    });
    let file = folder.join("bundle.json");
    std::fs::write(&file, bundle.to_string()).unwrap();
    let output = program(url, folder).arg("import").arg(&file).output().unwrap();
    assert!(output.status.success(), "the import failed: {}", String::from_utf8_lossy(&output.stderr));
}

fn program(url: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medstrategi"));
    // Settings of whoever runs the benchmark would change what it measures.
    command.current_dir(folder).env_clear().args(["--database-url", url, "--secret-file"]);
    command.arg(folder.join(SECRET_FILE));
    command
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(BEARABLE_WAIT))
        .max_redirects(0)
        .build()
        .new_agent()
}

/// The whole answer, which must be 200.
fn expect_ok(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Vec<u8> {
    let mut answer = answer.unwrap();
    let body = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec().unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{}", String::from_utf8_lossy(&body));
    body
}

fn print_head(engine: Engine, folder: &Path) {
    match (engine, std::env::var("TEST_POSTGRES_URL")) {
        (Engine::Sqlite, _) => println!("\nSQLite, in {}", folder.display()),
        (Engine::Postgres, Ok(_)) => println!("\nPostgreSQL, the server of TEST_POSTGRES_URL"),
        (Engine::Postgres, Err(_)) => {
            println!("\nPostgreSQL with fsync off, which flatters it: TEST_POSTGRES_URL names another server");
        }
    }
    println!("{:51}| committees listed meanwhile, ms", "");
    println!(
        "{:<12} {:>8} {:>9} {:>9} {:>9} | {:>8} {:>8} {:>8} {:>8}",
        "run", "rows", "seconds", "rows/s", "peak MB", "how many", "p50", "p99", "max"
    );
}

/// A file that was sent, and what happened meanwhile.
struct Run {
    answer: Value,
    took: Duration,
    /// The server's most memory in MB, where the system tells.
    peak: Option<f64>,
    /// How long lists took, the shortest first.
    waits: Vec<Duration>,
}

impl Run {
    fn take(server: &Server, file: &Value) -> Self {
        let bytes = serde_json::to_vec(file).unwrap();
        let is_told = server.forget_peak();
        let is_over = AtomicBool::new(false);
        let (answer, took, mut waits) = std::thread::scope(|scope| {
            let lists = scope.spawn(|| server.list_until(&is_over));
            let over = OverOnDrop(&is_over);
            let begun = Instant::now();
            let answer = server.sync(&bytes);
            let took = begun.elapsed();
            drop(over);
            (answer, took, lists.join().expect("every list is answered with 200"))
        });
        let peak = server.peak().filter(|_| is_told);
        waits.sort();
        Self { answer: serde_json::from_slice(&answer).unwrap(), took, peak, waits }
    }

    /// The wait, in ms, that so many percent of the lists did not exceed.
    fn wait(&self, percent: usize) -> f64 {
        let place = (self.waits.len() * percent).div_ceil(100).max(1);
        self.waits[place - 1].as_secs_f64() * 1e3
    }
}

/// Ends the lists even where the sync panics: the thread that waits for them would wait for ever.
struct OverOnDrop<'b>(&'b AtomicBool);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Fails where the answer counts other rows than those by which the file differs from the one `before`.
fn check_counts(name: &str, answer: &Value, before: Option<&Value>, file: &Value) {
    for section in SECTIONS {
        let all = rows(file, section);
        let (created, updated) = match before {
            Some(before) => (0, rows(before, section).iter().zip(all).filter(|(was, is)| was != is).count()),
            None => (all.len(), 0),
        };
        let unchanged = all.len() - created - updated;
        let expected = json!({
            "created": created, "updated": updated, "ended": 0, "reopened": 0, "unchanged": unchanged, "skipped": 0,
        });
        assert_eq!(answer[section]["counts"], expected, "{name}: {section}");
    }
}

fn print_row(name: &str, rows: usize, run: &Run) {
    let seconds = run.took.as_secs_f64();
    let peak = run.peak.map_or("n/a".to_owned(), |megabytes| format!("{megabytes:.0}"));
    println!(
        "{name:<12} {rows:>8} {seconds:>9.2} {:>9.0} {peak:>9} | {:>8} {:>8.1} {:>8.1} {:>8.1}",
        rows as f64 / seconds,
        run.waits.len(),
        run.wait(50),
        run.wait(99),
        run.wait(100)
    );
}

fn print_aims(engine: Engine) {
    let rows_per_second = match engine {
        Engine::Sqlite => 20_000,
        Engine::Postgres => 10_000,
    };
    println!("{:<12} {:>8} {:>9} {:>9} {:>9} |", "aim", "", "", format!("{rows_per_second}+"), "< 300");
}
