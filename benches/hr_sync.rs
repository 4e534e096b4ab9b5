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
//!   is dropped again. Without it a throw-away server is started, which never waits for its disk.
//! - `TMPDIR` says on which disk everything else lies.

// What fails here has failed the benchmark, and what it has to say, it prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::databases::{self, Databases, Home};
use common::program::{Process, Program};
use common::town::{LEVELS, MUNICIPALITY, committee_key, municipality, parent, tier, unit_key};
use common::wire::Wire;
use common::{is_smoke_test, megabytes, percentile, tell_of_build};
use medstrategi::auth::scope::Scope;
use medstrategi::db::Engine;
use serde_json::{Value, json};

/// At scale 1 there are as many units, and as many committees.
const UNITS: f64 = 1500.0;
/// At scale 1: 45,000 employees.
const EMPLOYEES_PER_UNIT: usize = 30;
const SECTIONS: [&str; 4] = ["units", "employees", "committees", "memberships"];

fn main() {
    let units = units();
    let night = snapshot(units, false);
    let next_night = snapshot(units, true);
    tell_size(&night);
    let databases = Databases::start();
    for home in [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(|engine| databases.create(engine)) {
        measure(home, &night, &next_night);
    }
}

/// How many units the snapshot has; everything else follows from it.
fn units() -> usize {
    let usual = if is_smoke_test() { 0.02 } else { 1.0 };
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
    tell_of_build();
}

fn rows<'f>(file: &'f Value, section: &str) -> &'f [Value] {
    file[section].as_array().expect("a section is a list")
}

fn count(file: &Value) -> usize {
    SECTIONS.iter().map(|section| rows(file, section).len()).sum()
}

fn measure(home: Home, night: &Value, next_night: &Value) {
    let engine = home.engine;
    let server = Server::start(home);
    print_head(engine);
    for (name, before, file) in
        [("first run", None, night), ("unchanged", Some(night), night), ("1 % changed", Some(night), next_night)]
    {
        let run = Run::take(&server, file);
        check_counts(name, &run.answer, before, file);
        print_row(name, count(file), &run);
    }
    print_aims(engine);
}

/// The real binary, serving a database of its own. What is used comes before what it uses, to be dropped first.
struct Server {
    process: Process,
    program: Program,
}

impl Server {
    fn start(home: Home) -> Self {
        let program = Program::over(home);
        create_municipality(&program);
        Self { process: program.serve(), program }
    }

    fn head(&self, method: &str, path: &str, scope: Scope, headers: &str) -> String {
        let token = self.program.token(MUNICIPALITY, "hr-sync-benchmark", scope);
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{headers}\r\n")
    }

    /// Lists committees, one request after another, and tells how long each took.
    fn list_until(&self, is_over: &AtomicBool) -> Vec<Duration> {
        let request = self.head("GET", "/v1/committees?limit=50", Scope::Read, "");
        let mut wire = Wire::connect(self.process.address);
        let mut waits = Vec::new();
        while waits.is_empty() || !is_over.load(Ordering::Relaxed) {
            let begun = Instant::now();
            assert_eq!(wire.ask(&request, b""), 200, "{}", wire.text());
            waits.push(begun.elapsed());
        }
        waits
    }

    fn sync(&self, file: &[u8]) -> Vec<u8> {
        let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", file.len());
        let request = self.head("POST", "/v1/hr-sync?mode=snapshot", Scope::Hr, &headers);
        let mut wire = Wire::connect(self.process.address);
        assert_eq!(wire.ask(&request, file), 200, "{}", wire.text());
        wire.body
    }
}

/// An import is the one way in which a municipality comes into being.
fn create_municipality(program: &Program) {
    let levels = LEVELS.iter().zip(1..).map(|((key, name), rank)| json!({"key": key, "name": name, "rank": rank}));
    let bundle = json!({"municipality": municipality(), "levels": levels.collect::<Vec<_>>()});
    let file = program.home.folder.path().join("bundle.json");
    std::fs::write(&file, bundle.to_string()).unwrap();
    program.import(&[file]);
}

fn print_head(engine: Engine) {
    databases::print_head(engine);
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
    /// How long lists took.
    waits: Vec<Duration>,
}

impl Run {
    fn take(server: &Server, file: &Value) -> Self {
        let bytes = serde_json::to_vec(file).unwrap();
        let is_told = server.process.forget_peak();
        let is_over = AtomicBool::new(false);
        let (answer, took, waits) = std::thread::scope(|scope| {
            let lists = scope.spawn(|| server.list_until(&is_over));
            let over = OverOnDrop(&is_over);
            let begun = Instant::now();
            let answer = server.sync(&bytes);
            let took = begun.elapsed();
            drop(over);
            (answer, took, lists.join().expect("every list is answered with 200"))
        });
        let peak = server.process.peak().filter(|_| is_told);
        Self { answer: serde_json::from_slice(&answer).unwrap(), took, peak, waits }
    }

    /// The wait, in ms, that so many percent of the lists did not exceed.
    fn wait(&self, percent: usize) -> f64 {
        percentile(&self.waits, percent)
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
