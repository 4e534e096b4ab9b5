//! Measures the HR sync of a municipality of Copenhagen's size: how long it takes, how much memory the server needs,
//! and how long other requests wait meanwhile.
//!
//! `cargo bench --bench hr_sync` starts the program with an empty database, on SQLite and then on PostgreSQL, and sends
//! a snapshot of 60,000 rows three times: everything is new, nothing has changed, 1 % has changed. Lists of committees
//! are requested at the same time. The benchmark prints figures without judging them, because machines differ. It fails
//! if an answer has wrong counts.
//!
//! - `HR_SYNC_SCALE=0.05` makes the snapshot smaller. `cargo test --benches` uses 0.02 unless it is set.
//! - `TEST_POSTGRES_URL` names a PostgreSQL server, as for the tests; the benchmark drops its database at the end.
//!   Without it, it starts a throw-away server with `fsync` off.
//! - `TMPDIR` says where everything else is stored.

// A benchmark may panic and print.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::databases::{self, Databases, TestDatabase};
use common::program::{Process, Program};
use common::town::{LEVELS, MUNICIPALITY, committee_key, municipality, parent, tier, unit_key};
use common::wire::Wire;
use common::{is_smoke_test, megabytes, percentile, warn_about_debug_build};
use medstrategi::auth::scope::Scope;
use medstrategi::db::Engine;
use serde_json::{Value, json};

/// The number of units, and of committees, at scale 1.
const UNITS: f64 = 1500.0;
/// 45,000 employees at scale 1.
const EMPLOYEES_PER_UNIT: usize = 30;
const SECTIONS: [&str; 4] = ["units", "employees", "committees", "memberships"];

fn main() {
    let units = units();
    let night = snapshot(units, false);
    let next_night = snapshot(units, true);
    print_size(&night);
    let databases = Databases::start();
    for home in [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(|engine| databases.create(engine)) {
        measure(home, &night, &next_night);
    }
}

/// The number of units in the snapshot; everything else follows from it.
fn units() -> usize {
    let usual = if is_smoke_test() { 0.02 } else { 1.0 };
    let scale = match std::env::var("HR_SYNC_SCALE") {
        Ok(text) => text.parse().expect("HR_SYNC_SCALE is a number, such as 0.05"),
        Err(_) => usual,
    };
    let smallest_tree = 3;
    ((UNITS * scale).round() as usize).max(smallest_tree)
}

/// The HR system's file; if `is_changed`, with 1 % of the rows changed.
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

/// A day in the past, before 2025.
fn day(n: usize) -> String {
    format!("{}-{:02}-{:02}", 1990 + n % 35, 1 + n % 12, 1 + n % 28)
}

/// An employee. The first one of each unit is its leader.
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
    const SAMPLE_CENTRE: [&str; 10] =
        ["Bak", "Dahl", "Friis", "Højgaard", "Juhl", "Kjær", "Lund", "Munk", "Skov", "Toft"];
    const LAST: [&str; 9] =
        ["Aagaard", "Andersen", "Bæk", "Hansen", "Jensen", "Knudsen", "Nielsen", "Pedersen", "Sørensen"];
    // The lists' lengths have no common divisor: 990 names until one repeats.
    format!("{} {} {}", FIRST[n % FIRST.len()], SAMPLE_CENTRE[n % SAMPLE_CENTRE.len()], LAST[n % LAST.len()])
}

/// A committee. Each local committee covers the unit with its number.
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

/// A seat. Its holder works in the unit with the committee's number, and has no other seat.
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

/// The role, side and function of each seat of a committee.
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

fn print_size(night: &Value) {
    let parts: Vec<String> =
        SECTIONS.iter().map(|section| format!("{} {section}", rows(night, section).len())).collect();
    let megabytes = night.to_string().len() as f64 / 1e6;
    println!("A snapshot of {}: {} rows, {megabytes:.1} MB of JSON.", parts.join(", "), count(night));
    warn_about_debug_build();
}

fn rows<'f>(file: &'f Value, section: &str) -> &'f [Value] {
    file[section].as_array().expect("a section is a list")
}

fn count(file: &Value) -> usize {
    SECTIONS.iter().map(|section| rows(file, section).len()).sum()
}

fn measure(home: TestDatabase, night: &Value, next_night: &Value) {
    let engine = home.engine;
    let server = Server::start(home);
    print_engine(engine);
    for (name, before, file) in
        [("first run", None, night), ("unchanged", Some(night), night), ("1 % changed", Some(night), next_night)]
    {
        let run = Run::take(&server, file);
        check_counts(name, &run.answer, before, file);
        print_row(name, count(file), &run);
    }
    print_aims(engine);
}

/// The program, serving its own database. Fields are dropped in order: the process before its database.
struct Server {
    process: Process,
    program: Program,
}

impl Server {
    fn start(home: TestDatabase) -> Self {
        let program = Program::over(home);
        create_municipality(&program);
        Self { process: program.serve(), program }
    }

    fn head(&self, method: &str, path: &str, scope: Scope, headers: &str) -> String {
        let token = self.program.token(MUNICIPALITY, "hr-sync-benchmark", scope);
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{headers}\r\n")
    }

    /// Lists committees, one request after another, and returns how long each took.
    fn list_until(&self, is_over: &AtomicBool) -> Vec<Duration> {
        let request = self.head("GET", "/v1/committees?limit=50", Scope::Read, "");
        let mut wire = Wire::connect(self.process.address);
        let mut waits = Vec::new();
        while waits.is_empty() || !is_over.load(Ordering::Relaxed) {
            let start = Instant::now();
            assert_eq!(wire.send(&request, b""), 200, "{}", wire.text());
            waits.push(start.elapsed());
        }
        waits
    }

    fn sync(&self, file: &[u8]) -> Vec<u8> {
        let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", file.len());
        let request = self.head("POST", "/v1/hr-sync?mode=snapshot", Scope::Hr, &headers);
        let mut wire = Wire::connect(self.process.address);
        assert_eq!(wire.send(&request, file), 200, "{}", wire.text());
        wire.body
    }
}

/// Creates the municipality by an import, which is the only way.
fn create_municipality(program: &Program) {
    let levels = LEVELS.iter().zip(1..).map(|((key, name), rank)| json!({"key": key, "name": name, "rank": rank}));
    let bundle = json!({"municipality": municipality(), "levels": levels.collect::<Vec<_>>()});
    let file = program.home.folder.path().join("bundle.json");
    std::fs::write(&file, bundle.to_string()).unwrap();
    program.import(&[file]);
}

fn print_engine(engine: Engine) {
    databases::print_engine(engine);
    println!("{:51}| committees listed at the same time, ms", "");
    println!(
        "{:<12} {:>8} {:>9} {:>9} {:>9} | {:>8} {:>8} {:>8} {:>8}",
        "run", "rows", "seconds", "rows/s", "peak MB", "requests", "p50", "p99", "max"
    );
}

/// A sync, and what was measured during it.
struct Run {
    answer: Value,
    took: Duration,
    /// The server's peak memory in MB, on systems that record it.
    peak: Option<f64>,
    /// How long each list took.
    waits: Vec<Duration>,
}

impl Run {
    fn take(server: &Server, file: &Value) -> Self {
        let bytes = serde_json::to_vec(file).unwrap();
        let is_recorded = server.process.reset_peak();
        let is_over = AtomicBool::new(false);
        let (answer, took, waits) = std::thread::scope(|scope| {
            let lists = scope.spawn(|| server.list_until(&is_over));
            let over = OverOnDrop(&is_over);
            let start = Instant::now();
            let answer = server.sync(&bytes);
            let took = start.elapsed();
            drop(over);
            (answer, took, lists.join().expect("every list is answered with 200"))
        });
        let peak = server.process.peak().filter(|_| is_recorded);
        Self { answer: serde_json::from_slice(&answer).unwrap(), took, peak, waits }
    }

    /// The time in ms that `percent` of the lists did not exceed.
    fn wait(&self, percent: usize) -> f64 {
        percentile(&self.waits, percent)
    }
}

/// Ends the listing thread even if the sync panics. Otherwise the scope would wait for it forever.
struct OverOnDrop<'b>(&'b AtomicBool);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Panics if the answer's counts are not the differences between the file and the one `before`.
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
    let peak = megabytes(run.peak);
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
