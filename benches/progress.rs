//! Measures progress of a municipality of Copenhagen's size, compared with two ceilings.
//!
//! `cargo bench --bench progress` fills an empty database, on SQLite and then on PostgreSQL, with 1,500 committees, a
//! strategy of 60 actions and 100,000 reports, serves it in this process, and requests progress over HTTP: over one
//! connection for the time of an answer, and over eight for answers a second. The ceilings are measured in alternation
//! with the rest: constant bytes behind the same middleware and authentication, one of them after a trivial SELECT, and
//! the SQL that the progress of a strategy needs at least. Times are printed without judging them, because machines
//! differ. The benchmark fails if an answer differs from a plain count over the generated rows.
//!
//! - `PROGRESS_SCALE=0.05` makes everything but the strategy smaller. `cargo test --benches` uses 0.02 unless it is
//!   set.
//! - `TEST_POSTGRES_URL` names a PostgreSQL server, as for the tests; the benchmark drops its database at the end.
//!   Without it, it starts a throw-away server with `fsync` off.
//! - `TMPDIR` says where everything else is stored.
//!
//! Clients and server share the processor. Nothing is logged.

// A benchmark may panic and print.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use chrono::{Days, NaiveDate};
use common::bare::StrategyProgress;
use common::databases::{Databases, TestDatabase, connect, print_engine};
use common::in_process::{self, SELECT_PATH, constant_path};
use common::town::{
    ACTIONS, Assignment, MUNICIPALITY, SAMPLE_CENTRE, STAGES, STRATEGY, Size, Town, YEARS, action_key, committee_key,
    employee_key, parent,
};
use common::wire::Wire;
use common::{POOL, is_smoke_test, percentile, warn_about_debug_build};
use medstrategi::action::assignment::store::projection::AssignmentProjection;
use medstrategi::auth::local::LocalSecret;
use medstrategi::auth::scope::Scope;
use medstrategi::bundle::import::import_creating;
use medstrategi::bundle::model::Bundle;
use medstrategi::db::{Database, Engine, Location, Options, block_on};
use serde_json::{Value, json};

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The number of committees at scale 1.
const COMMITTEES: f64 = 1500.0;
/// The number of reports at scale 1.
const REPORTS: f64 = 100_000.0;
/// The number of clients that send requests at once.
const CLIENTS: usize = 8;
/// The least requests of a round, however long an answer takes.
const MIN_RUNS: usize = 5;

fn main() {
    let is_smoke_test = is_smoke_test();
    let effort = match is_smoke_test {
        true => Effort { rounds: 1, span: Duration::from_millis(20), posts: 20 },
        false => Effort { rounds: 3, span: Duration::from_secs(1), posts: 500 },
    };
    let scale = scale(is_smoke_test);
    let scaled = |count: f64| (count * scale).round() as usize;
    let size = Size { committees: scaled(COMMITTEES), reports: scaled(REPORTS), employees: 0, values: 0 };
    let town = Town::new(size);
    town.print_size();
    let databases = Databases::start();
    for home in [Engine::Sqlite, Engine::Postgres].into_iter().filter_map(|engine| databases.create(engine)) {
        measure(home, &town, &effort);
    }
}

fn scale(is_smoke_test: bool) -> f64 {
    match std::env::var("PROGRESS_SCALE") {
        Ok(text) => text.parse().expect("PROGRESS_SCALE is a number, such as 0.05"),
        Err(_) if is_smoke_test => 0.02,
        Err(_) => 1.0,
    }
}

/// How much is measured. Tasks alternate in rounds, so that a slow moment of the machine affects all of them.
struct Effort {
    rounds: usize,
    /// The length of a task in a round, over one connection and then again over many.
    span: Duration,
    posts: usize,
}

fn measure(home: TestDatabase, town: &Town, effort: &Effort) {
    print_engine(home.engine);
    let service = Service::start(home, town);
    check_figures(town, &service);

    let mut rows: Vec<Row> = tasks(town, &service).into_iter().map(Row::new).collect();
    for _ in 0..effort.rounds {
        rows.iter_mut().for_each(|row| row.measure(&service, effort.span));
    }
    print_table_head();
    rows.iter().for_each(Row::print);
    let posted = post(town, &service, effort.posts);
    print_line("POST of a report", "", &posted, "");
    print_ratios(&rows);
}

/// The figures of an answer that are compared; stages are in the order of [`STAGES`].
const FIGURES: [&str; 6] = ["expected", "done", "in_progress", "not_started", "dropped", "overdue"];
type Figures = [u64; FIGURES.len()];
const DONE: usize = 1;
const OVERDUE: usize = 5;

impl Town {
    /// The progress of the chosen committees, counted assignment by assignment.
    fn figures(&self, on: NaiveDate, counts: impl Fn(usize) -> bool) -> Figures {
        let latest = self.latest(on);
        let mut figures = Figures::default();
        for (a, action) in self.actions.iter().enumerate() {
            for (o, occurrence) in action.occurrences.iter().enumerate().filter(|(_, one)| one.begins <= on) {
                let reference_day = occurrence.ends.min(on);
                let there = |c: &&usize| self.committees[**c].exists_on(reference_day);
                for c in action.parties.iter().filter(|c| counts(**c)).filter(there) {
                    let stage = latest.get(&(a, o, *c)).map_or("not_started", |report| STAGES[report.stage]);
                    figures[0] += 1;
                    figures[FIGURES.iter().position(|figure| *figure == stage).unwrap()] += 1;
                    if occurrence.ends < on && !["done", "dropped"].contains(&stage) {
                        figures[OVERDUE] += 1;
                    }
                }
            }
        }
        figures
    }

    fn print_size(&self) {
        let assignments = self.figures(self.today, |_| true)[0];
        println!(
            "{} committees, {} actions over {YEARS} years, {assignments} assignments by {}, \
             {} reports about {} of them.",
            self.committees.len(),
            self.actions.len(),
            self.today,
            self.reports.len(),
            self.latest(self.today).len(),
        );
        warn_about_debug_build();
    }
}

/// A server over a database with the municipality.
struct Service {
    target: Target,
    database: Database,
    secret: LocalSecret,
    /// The strategy as the service answers it.
    strategy: Value,
    handle: ServerHandle,
    // Removes the database on drop.
    _home: TestDatabase,
}

/// What a client needs.
struct Target {
    engine: Engine,
    address: SocketAddr,
    url: String,
    sql: StrategyProgress,
}

impl Service {
    fn start(home: TestDatabase, town: &Town) -> Self {
        let (engine, url) = (home.engine, home.url.clone());
        let database = Database::open(
            Location::parse(&url).unwrap(),
            Options { pool_size: POOL, ..Options::new(AssignmentProjection) },
        )
        .unwrap();
        import(
            &database,
            "everything else",
            town.bundle(),
            &["committees", "employees", "memberships", "actions", "local_actions"],
        );
        import(&database, "reports", town.reports_bundle(), &["reports"]);
        home.settle();
        let secret = LocalSecret::read_or_create(&home.folder.path().join("medstrategi.secret")).unwrap();
        let (handle, address) = in_process::serve(database.clone(), &secret);
        let sql = StrategyProgress { engine, strategy_id: String::new(), first: town.first, today: town.today };
        let target = Target { engine, address, url, sql };
        let mut service = Self { target, database, secret, strategy: Value::Null, handle, _home: home };
        service.strategy = service.read(&format!("/v1/strategies/{STRATEGY}"), Scope::Read);
        service.target.sql.strategy_id = service.strategy["id"].as_str().unwrap().to_owned();
        service
    }

    fn token(&self, subject: &str, scope: Scope) -> String {
        let lifetime = Duration::from_secs(24 * 60 * 60);
        self.secret.sign(subject, &MUNICIPALITY.parse().unwrap(), &[scope], lifetime).unwrap()
    }

    /// A GET like that of a widget on the intranet, by an employee with seats.
    fn get(&self, path: &str, scope: Scope, headers: &str) -> String {
        let token = self.token(&employee_key(SAMPLE_CENTRE, 0), scope);
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{headers}\r\n")
    }

    fn read(&self, path: &str, scope: Scope) -> Value {
        let mut wire = Wire::connect(self.target.address);
        let status = wire.send(&self.get(path, scope, ""), b"");
        assert_eq!(status, 200, "{path}: {}", wire.text());
        serde_json::from_slice(&wire.body).unwrap()
    }

    /// The id of the action with this number.
    fn action_id(&self, n: usize) -> &str {
        let areas = self.strategy["focus_areas"].as_array().unwrap();
        let mut actions = areas.iter().flat_map(|area| area["actions"].as_array().unwrap());
        let key = action_key(n);
        actions.find(|action| action["key"] == key.as_str()).unwrap()["id"].as_str().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Not awaited, because only the server's own runtime could complete it.
        drop(self.handle.stop(false));
    }
}

/// Imports a bundle of new rows, checks that all are created, and prints how long it took.
fn import(database: &Database, what: &str, bundle: Value, sections: &[&str]) {
    let count = |section: &str| bundle[section].as_array().map(Vec::len);
    let expected: Vec<(&str, Option<usize>)> = sections.iter().map(|section| (*section, count(section))).collect();
    let bundle: Bundle = serde_json::from_value(bundle).unwrap();
    let start = Instant::now();
    let answer = block_on(import_creating(database, "benchmark", "benchmark", bundle)).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let answer = serde_json::to_value(answer).unwrap();
    let mut rows = 0;
    for (section, expected) in expected {
        let created = answer[section]["created"].as_u64().unwrap() as usize;
        // Actions have no section of their own: they are part of the strategy.
        assert_eq!(created, expected.unwrap_or(ACTIONS), "{section}: {answer}");
        rows += created;
    }
    println!("{what} imported: {rows} rows in {seconds:.1} s, {:.0} rows/s", rows as f64 / seconds);
}

/// Panics if an answer differs from the count over the generated rows.
fn check_figures(town: &Town, service: &Service) {
    let (today, past) = (town.today, past(town));
    let count = town.committees.len();
    let read = |path: &str| service.read(path, Scope::Progress);

    for on in [today, past] {
        let strategy = read(&format!("/v1/strategies/{STRATEGY}/progress?children=true&on={on}"));
        let expected = town.figures(on, |_| true);
        assert_eq!(figures(&strategy), expected, "the strategy on {on}");
        let areas = strategy["children"]["items"].as_array().unwrap().iter();
        let sum = areas.map(figures).reduce(|sum, area| std::array::from_fn(|n| sum[n] + area[n])).unwrap();
        assert_eq!(sum, expected, "the focus areas on {on}");
        let top = read(&format!("/v1/committees/{}/progress?on={on}", committee_key(0)));
        assert_eq!(figures(&top["subtree"]), expected, "all committees on {on}");
        let middle = read(&format!("/v1/committees/{}/progress?on={on}", committee_key(SAMPLE_CENTRE)));
        assert_eq!(figures(&middle), town.figures(on, |n| n == SAMPLE_CENTRE), "one in the middle on {on}");
        let below = |n| n == SAMPLE_CENTRE || parent(n, count) == Some(SAMPLE_CENTRE);
        assert_eq!(figures(&middle["subtree"]), town.figures(on, below), "its subtree on {on}");
    }
    let local = read(&format!("/v1/strategies/{STRATEGY}/progress"))["local"]["expected"].as_u64();
    assert_eq!(local, Some(town.local_action_committees().len() as u64), "local actions");
    let own = town.committees_of_person();
    assert_eq!(figures(&read("/v1/me/progress")), town.figures(today, |n| own.contains(&n)), "my committees");
}

fn figures(answer: &Value) -> Figures {
    FIGURES.map(|figure| answer[figure].as_u64().unwrap_or_else(|| panic!("there is no {figure} in {answer}")))
}

/// A day in the strategy's second year, with past and running occurrences of every length.
fn past(town: &Town) -> NaiveDate {
    town.first + Days::new(500)
}

/// What is measured, and its name in the table.
struct Task {
    name: &'static str,
    method: Method,
}

enum Method {
    /// A request over HTTP; every answer must have this status.
    Http { request: String, status: u16 },
    /// Bare SQL.
    Bare,
}

const CONSTANT: &str = "constant bytes";
const SELECT: &str = "constant bytes after a SELECT";
const BARE: &str = "bare SQL of a strategy's progress";
const COLD: &str = "strategy";
const UNCHANGED: &str = "strategy, 304";

fn tasks(town: &Town, service: &Service) -> Vec<Task> {
    let get = |name, path: &str| {
        let request = service.get(path, Scope::Progress, "");
        Task { name, method: Method::Http { request, status: 200 } }
    };
    let strategy = format!("/v1/strategies/{STRATEGY}/progress");
    let top = format!("/v1/committees/{}/progress", committee_key(0));
    let middle = format!("/v1/committees/{}/progress", committee_key(SAMPLE_CENTRE));
    let unchanged = service.get(&strategy, Scope::Progress, &format!("if-none-match: {}\r\n", tag(service, &strategy)));
    vec![
        get(CONSTANT, &constant_path(200, 20)),
        get(SELECT, SELECT_PATH),
        Task { name: UNCHANGED, method: Method::Http { request: unchanged, status: 304 } },
        Task { name: BARE, method: Method::Bare },
        get(COLD, &strategy),
        get("strategy, children=true", &format!("{strategy}?children=true")),
        get("strategy, series=month", &format!("{strategy}?series=month")),
        get("strategy, on a day in the past", &format!("{strategy}?on={}", past(town))),
        get("committee at the top", &top),
        get("committee in the middle", &middle),
        get("committee in the middle, children=true", &format!("{middle}?children=true")),
        get("me", "/v1/me/progress"),
    ]
}

/// The current entity tag.
fn tag(service: &Service, path: &str) -> String {
    let mut wire = Wire::connect(service.target.address);
    assert_eq!(wire.send(&service.get(path, Scope::Progress, ""), b""), 200, "{}", wire.text());
    wire.header("etag").expect("progress has an ETag").to_owned()
}

/// A task and its measurements.
struct Row {
    task: Task,
    /// How long each answer to a single client took.
    took: Vec<Duration>,
    /// The SQL statements of those answers.
    statements: u64,
    /// Answers a second to many clients, round by round.
    rates: Vec<f64>,
}

impl Row {
    fn new(task: Task) -> Self {
        Self { task, took: Vec::new(), statements: 0, rates: Vec::new() }
    }

    fn measure(&mut self, service: &Service, span: Duration) {
        let (target, method) = (&service.target, &self.task.method);
        let mut work = target.worker(method);
        let (statements, start) = (service.database.statements(), Instant::now());
        let before = self.took.len();
        while self.took.len() < before + MIN_RUNS || start.elapsed() < span {
            let run = Instant::now();
            work();
            self.took.push(run.elapsed());
        }
        self.statements += service.database.statements() - statements;
        self.rates.push(target.rate(method, span));
    }

    /// The time in ms that `percent` of the answers did not exceed.
    fn milliseconds(&self, percent: usize) -> f64 {
        percentile(&self.took, percent)
    }

    fn rate(&self) -> f64 {
        self.rates.iter().sum::<f64>() / self.rates.len() as f64
    }

    fn print(&self) {
        let statements = match self.task.method {
            Method::Http { .. } => format!("{:.0}", self.statements as f64 / self.took.len() as f64),
            Method::Bare => String::new(),
        };
        print_line(self.task.name, &statements, &self.took, &format!("{:.0}", self.rate()));
    }
}

impl Target {
    /// What one client repeats, over its own connection, which is warmed up.
    fn worker<'a>(&'a self, method: &'a Method) -> Box<dyn FnMut() + 'a> {
        let mut work: Box<dyn FnMut() + 'a> = match method {
            Method::Http { request, status } => {
                let mut wire = Wire::connect(self.address);
                Box::new(move || assert_eq!(wire.send(request, b""), *status, "{}", wire.text()))
            }
            Method::Bare => {
                let mut connection = connect(self.engine, &self.url);
                Box::new(move || assert!(self.sql.run(&mut connection) > ACTIONS))
            }
        };
        work();
        work
    }

    /// Answers a second to [`CLIENTS`] clients.
    fn rate(&self, method: &Method, span: Duration) -> f64 {
        let client = || {
            let mut work = self.worker(method);
            let (start, mut runs) = (Instant::now(), 0);
            while runs == 0 || start.elapsed() < span {
                work();
                runs += 1;
            }
            f64::from(runs) / start.elapsed().as_secs_f64()
        };
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
            clients.into_iter().map(|client| client.join().expect("every answer is as it should be")).sum()
        })
    }
}

/// Posts `done` on assignments without a report, one after another, and returns how long each took. The strategy's
/// progress must count them.
fn post(town: &Town, service: &Service, most: usize) -> Vec<Duration> {
    let path = format!("/v1/strategies/{STRATEGY}/progress");
    let before = figures(&service.read(&path, Scope::Progress));
    let old_tag = tag(service, &path);
    let token = service.token("benchmark", Scope::Edit);
    let requests: Vec<String> = unreported(town)
        .take(most)
        .map(|(action, occurrence, committee)| {
            let body = json!({
                "committee": committee_key(committee),
                "occurrence": town.actions[action].occurrences[occurrence].period,
                "stage": "done",
                "judgement": "on_track",
                "note": "Drøftet på mødet; vi er i mål.",
            });
            let (id, body) = (service.action_id(action), body.to_string());
            format!(
                "POST /v1/actions/{id}/reports HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        })
        .collect();
    assert!(!requests.is_empty(), "there is always something left to do");
    let mut wire = Wire::connect(service.target.address);
    let took = requests.iter().map(|request| {
        let start = Instant::now();
        assert_eq!(wire.send(request, b""), 201, "{}", wire.text());
        start.elapsed()
    });
    let took: Vec<Duration> = took.collect();
    let after = figures(&service.read(&path, Scope::Progress));
    assert_eq!(after[0], before[0], "reports change nothing of what is expected");
    assert_eq!(after[DONE], before[DONE] + requests.len() as u64, "every report counts");
    assert_ne!(tag(service, &path), old_tag, "what has changed has another tag");
    took
}

/// The running assignments of permanent committees that have no report.
fn unreported(town: &Town) -> impl Iterator<Item = Assignment> {
    let latest: HashSet<Assignment> = town.latest(town.today).into_keys().collect();
    town.running().filter(move |assignment| !latest.contains(assignment))
}

fn print_table_head() {
    println!("\n{:39}| over one connection{:24}| over {CLIENTS}", "", "");
    println!(
        "{:<39}| {:>10} {:>8} {:>10} {:>12} | {:>9}",
        "progress of", "statements", "answers", "p50, ms", "p99, ms", "answers/s"
    );
}

fn print_line(name: &str, statements: &str, took: &[Duration], rate: &str) {
    println!(
        "{name:<39}| {statements:>10} {:>8} {:>10.3} {:>12.3} | {rate:>9}",
        took.len(),
        percentile(took, 50),
        percentile(took, 99),
    );
}

fn print_ratios(rows: &[Row]) {
    let row = |name: &str| rows.iter().find(|row| row.task.name == name).expect("it was measured");
    let (unchanged, select, cold, bare) = (row(UNCHANGED), row(SELECT), row(COLD), row(BARE));
    println!(
        "\na 304 beside constant bytes after a SELECT: {:.0} % of the answers/s (aim: 80 % or more), \
         {:.2} times the p50",
        100.0 * unchanged.rate() / select.rate(),
        unchanged.milliseconds(50) / select.milliseconds(50),
    );
    println!(
        "a strategy beside its bare SQL: {:.2} times the p50 (aim: 2 or less), {:.0} % of the answers/s",
        cold.milliseconds(50) / bare.milliseconds(50),
        100.0 * cold.rate() / bare.rate(),
    );
    println!("a strategy: p50 {:.2} ms (aim: less than 20)", cold.milliseconds(50));
}
