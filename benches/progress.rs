//! How fast a municipality of Copenhagen's size is told how far its work has come, beside what stands in the way of
//! anything faster.
//!
//! `cargo bench --bench progress` fills an empty database, on SQLite and then on PostgreSQL, with 1,500 committees, a
//! strategy of 60 actions and 100,000 reports, serves it in this process, and asks for progress over HTTP: over one
//! connection, which tells how long an answer takes, and over eight at once, which tells how many there are in a
//! second. Beside that stand two ceilings, measured in turn with the rest: routes that answer with constant bytes
//! behind the same middleware and authentication, one of them after a trivial SELECT, and the SQL statements without
//! which no progress of a strategy comes about, run by hand. Times are printed, not judged, since machines differ;
//! what the answers count must be what a plain count over the generated rows says.
//!
//! - `PROGRESS_SCALE=0.05` makes everything but the strategy smaller, to try the benchmark quickly.
//!   `cargo test --benches` runs it at 0.02 where nothing else is said.
//! - `TEST_POSTGRES_URL` names a PostgreSQL server of one's own, as for the tests; the database that is made there
//!   is dropped again. Without it a throw-away server is started, which never waits for its disk.
//! - `TMPDIR` says on which disk everything else lies.
//!
//! The clients take their share of the processor from the server, with the ceilings as with the rest. Nothing is
//! logged.

// What fails here has failed the benchmark, and what it has to say, it prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use chrono::{Days, NaiveDate};
use common::bare::StrategyProgress;
use common::databases::{Databases, Home, connect, print_head};
use common::in_process::{self, SELECT_PATH, constant_path};
use common::town::{
    ACTIONS, Assignment, MIDDLE, MUNICIPALITY, STAGES, STRATEGY, Size, Town, YEARS, action_key, committee_key,
    employee_key, parent,
};
use common::wire::Wire;
use common::{POOL, is_smoke_test, percentile, tell_of_build};
use medstrategi::action::assignment::tally::Tallies;
use medstrategi::auth::local::LocalSecret;
use medstrategi::auth::scope::Scope;
use medstrategi::bundle::import::import_creating;
use medstrategi::bundle::model::Bundle;
use medstrategi::db::{Database, Engine, Location};
use serde_json::{Value, json};

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// At scale 1.
const COMMITTEES: f64 = 1500.0;
/// At scale 1.
const REPORTS: f64 = 100_000.0;
/// How many ask at once.
const CLIENTS: usize = 8;
/// Every round asks at least so often, however long an answer takes.
const FEWEST: usize = 5;
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
    town.tell_size();
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

/// How much is measured. Everything has its turn in each round, so that whatever else the machine does strikes all.
struct Effort {
    rounds: usize,
    /// How long each is asked for in a round, over one connection and then again over many.
    span: Duration,
    posts: usize,
}

fn measure(home: Home, town: &Town, effort: &Effort) {
    print_head(home.engine);
    let served = Served::start(home, town);
    check_figures(town, &served);

    let mut rows: Vec<Row> = subjects(town, &served).into_iter().map(Row::new).collect();
    for _ in 0..effort.rounds {
        rows.iter_mut().for_each(|row| row.measure(&served, effort.span));
    }
    print_table_head();
    rows.iter().for_each(Row::print);
    let posted = post(town, &served, effort.posts);
    print_line("POST of a report", "", &posted, "");
    print_ratios(&rows);
}

/// The counts of an answer that are compared, the stages in the order of [`STAGES`].
const FIGURES: [&str; 6] = ["expected", "done", "in_progress", "not_started", "dropped", "overdue"];
type Figures = [u64; FIGURES.len()];
const DONE: usize = 1;
const OVERDUE: usize = 5;

impl Town {
    /// How far some committees have come: assignment by assignment, as the rule is worded.
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

    fn tell_size(&self) {
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
        tell_of_build();
    }
}

/// The municipality in a database of its own, and a server over it.
struct Served {
    target: Target,
    database: Database,
    secret: LocalSecret,
    /// The strategy as the service tells it.
    strategy: Value,
    handle: ServerHandle,
    // Gone with it is the database.
    _home: Home,
}

/// What a client has to know.
struct Target {
    engine: Engine,
    address: SocketAddr,
    url: String,
    sql: StrategyProgress,
}

impl Served {
    fn start(home: Home, town: &Town) -> Self {
        let (engine, url) = (home.engine, home.url.clone());
        let database = Database::open(Location::parse(&url).unwrap(), POOL).unwrap().keeping(Tallies);
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
        let mut served = Self { target, database, secret, strategy: Value::Null, handle, _home: home };
        served.strategy = served.read(&format!("/v1/strategies/{STRATEGY}"), Scope::Read);
        served.target.sql.strategy_id = served.strategy["id"].as_str().unwrap().to_owned();
        served
    }

    fn token(&self, subject: &str, scope: Scope) -> String {
        let lifetime = Duration::from_secs(24 * 60 * 60);
        self.secret.sign(subject, &MUNICIPALITY.parse().unwrap(), &[scope], lifetime).unwrap()
    }

    /// A GET by the person whom the tokens name: what a widget on the intranet sends.
    fn get(&self, path: &str, scope: Scope, headers: &str) -> String {
        let token = self.token(&employee_key(MIDDLE, 0), scope);
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{headers}\r\n")
    }

    fn read(&self, path: &str, scope: Scope) -> Value {
        let mut wire = Wire::connect(self.target.address);
        let status = wire.ask(&self.get(path, scope, ""), b"");
        assert_eq!(status, 200, "{path}: {}", wire.text());
        serde_json::from_slice(&wire.body).unwrap()
    }

    /// The id of an action by its number.
    fn action_id(&self, n: usize) -> &str {
        let areas = self.strategy["focus_areas"].as_array().unwrap();
        let mut actions = areas.iter().flat_map(|area| area["actions"].as_array().unwrap());
        let key = action_key(n);
        actions.find(|action| action["key"] == key.as_str()).unwrap()["id"].as_str().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Not waited for: the runtime that would carry it out is the server's own.
        drop(self.handle.stop(false));
    }
}

/// Imports a bundle of new rows into the sections, all of which must come to be, and tells how long it took.
fn import(database: &Database, what: &str, bundle: Value, sections: &[&str]) {
    let count = |section: &str| bundle[section].as_array().map(Vec::len);
    let wanted: Vec<(&str, Option<usize>)> = sections.iter().map(|section| (*section, count(section))).collect();
    let bundle: Bundle = serde_json::from_value(bundle).unwrap();
    let begun = Instant::now();
    let answer = import_creating(database, "benchmark", "benchmark", bundle).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let answer = serde_json::to_value(answer).unwrap();
    let mut rows = 0;
    for (section, wanted) in wanted {
        let created = answer[section]["created"].as_u64().unwrap() as usize;
        // Actions stand below their strategy, in no section of their own.
        assert_eq!(created, wanted.unwrap_or(ACTIONS), "{section}: {answer}");
        rows += created;
    }
    println!("{what} imported: {rows} rows in {seconds:.1} s, {:.0} rows/s", rows as f64 / seconds);
}

/// Fails where an answer counts otherwise than the generated rows do.
fn check_figures(town: &Town, served: &Served) {
    let (today, past) = (town.today, past(town));
    let count = town.committees.len();
    let read = |path: &str| served.read(path, Scope::Progress);

    for on in [today, past] {
        let strategy = read(&format!("/v1/strategies/{STRATEGY}/progress?children=true&on={on}"));
        let wanted = town.figures(on, |_| true);
        assert_eq!(figures(&strategy), wanted, "the strategy on {on}");
        let areas = strategy["children"]["items"].as_array().unwrap().iter();
        let sum = areas.map(figures).reduce(|sum, area| std::array::from_fn(|n| sum[n] + area[n])).unwrap();
        assert_eq!(sum, wanted, "the focus areas on {on}");
        let top = read(&format!("/v1/committees/{}/progress?on={on}", committee_key(0)));
        assert_eq!(figures(&top["subtree"]), wanted, "all committees on {on}");
        let middle = read(&format!("/v1/committees/{}/progress?on={on}", committee_key(MIDDLE)));
        assert_eq!(figures(&middle), town.figures(on, |n| n == MIDDLE), "one in the middle on {on}");
        let below = |n| n == MIDDLE || parent(n, count) == Some(MIDDLE);
        assert_eq!(figures(&middle["subtree"]), town.figures(on, below), "its subtree on {on}");
    }
    let local = read(&format!("/v1/strategies/{STRATEGY}/progress"))["local"]["expected"].as_u64();
    assert_eq!(local, Some(town.starters().len() as u64), "local actions");
    let own = town.own_committees();
    assert_eq!(figures(&read("/v1/me/progress")), town.figures(today, |n| own.contains(&n)), "my committees");
}

fn figures(answer: &Value) -> Figures {
    FIGURES.map(|figure| answer[figure].as_u64().unwrap_or_else(|| panic!("there is no {figure} in {answer}")))
}

/// A day in the strategy's second year, on which half-years, quarters and years have begun and ended.
fn past(town: &Town) -> NaiveDate {
    town.first + Days::new(500)
}

/// What is measured, and by which name it is printed.
struct Subject {
    name: &'static str,
    way: Way,
}

enum Way {
    /// Over HTTP; every answer has this status.
    Ask { request: String, status: u16 },
    /// Straight from the database.
    Bare,
}

const CONSTANT: &str = "constant bytes";
const SELECT: &str = "constant bytes after a SELECT";
const BARE: &str = "bare SQL of a strategy's progress";
const COLD: &str = "strategy";
const UNCHANGED: &str = "strategy, 304";

fn subjects(town: &Town, served: &Served) -> Vec<Subject> {
    let ask = |name, path: &str| {
        let request = served.get(path, Scope::Progress, "");
        Subject { name, way: Way::Ask { request, status: 200 } }
    };
    let strategy = format!("/v1/strategies/{STRATEGY}/progress");
    let top = format!("/v1/committees/{}/progress", committee_key(0));
    let middle = format!("/v1/committees/{}/progress", committee_key(MIDDLE));
    let unchanged = served.get(&strategy, Scope::Progress, &format!("if-none-match: {}\r\n", tag(served, &strategy)));
    vec![
        ask(CONSTANT, &constant_path(200, 20)),
        ask(SELECT, SELECT_PATH),
        Subject { name: UNCHANGED, way: Way::Ask { request: unchanged, status: 304 } },
        Subject { name: BARE, way: Way::Bare },
        ask(COLD, &strategy),
        ask("strategy, children=true", &format!("{strategy}?children=true")),
        ask("strategy, series=month", &format!("{strategy}?series=month")),
        ask("strategy, on a day in the past", &format!("{strategy}?on={}", past(town))),
        ask("committee at the top", &top),
        ask("committee in the middle", &middle),
        ask("committee in the middle, children=true", &format!("{middle}?children=true")),
        ask("me", "/v1/me/progress"),
    ]
}

/// The entity tag of what is there now.
fn tag(served: &Served, path: &str) -> String {
    let mut wire = Wire::connect(served.target.address);
    assert_eq!(wire.ask(&served.get(path, Scope::Progress, ""), b""), 200, "{}", wire.text());
    wire.header("etag").expect("progress has an ETag").to_owned()
}

/// A subject, and what its rounds have come to.
struct Row {
    subject: Subject,
    /// How long each answer took that nobody else waited beside.
    took: Vec<Duration>,
    /// How many SQL statements those came to.
    statements: u64,
    /// Answers a second while many ask, round by round.
    rates: Vec<f64>,
}

impl Row {
    fn new(subject: Subject) -> Self {
        Self { subject, took: Vec::new(), statements: 0, rates: Vec::new() }
    }

    fn measure(&mut self, served: &Served, span: Duration) {
        let (target, way) = (&served.target, &self.subject.way);
        let mut work = target.worker(way);
        let (statements, begun) = (served.database.statements(), Instant::now());
        let before = self.took.len();
        while self.took.len() < before + FEWEST || begun.elapsed() < span {
            let run = Instant::now();
            work();
            self.took.push(run.elapsed());
        }
        self.statements += served.database.statements() - statements;
        self.rates.push(target.rate(way, span));
    }

    /// The time that so many percent of the answers did not exceed, in ms.
    fn milliseconds(&self, percent: usize) -> f64 {
        percentile(&self.took, percent)
    }

    fn rate(&self) -> f64 {
        self.rates.iter().sum::<f64>() / self.rates.len() as f64
    }

    fn print(&self) {
        let statements = match self.subject.way {
            Way::Ask { .. } => format!("{:.0}", self.statements as f64 / self.took.len() as f64),
            Way::Bare => String::new(),
        };
        print_line(self.subject.name, &statements, &self.took, &format!("{:.0}", self.rate()));
    }
}

impl Target {
    /// What one client does again and again, over a connection of its own that has been used before.
    fn worker<'a>(&'a self, way: &'a Way) -> Box<dyn FnMut() + 'a> {
        let mut work: Box<dyn FnMut() + 'a> = match way {
            Way::Ask { request, status } => {
                let mut wire = Wire::connect(self.address);
                Box::new(move || assert_eq!(wire.ask(request, b""), *status, "{}", wire.text()))
            }
            Way::Bare => {
                let mut connection = connect(self.engine, &self.url);
                Box::new(move || assert!(self.sql.run(&mut connection) > ACTIONS))
            }
        };
        work();
        work
    }

    /// How many answers there are in a second while [`CLIENTS`] ask.
    fn rate(&self, way: &Way, span: Duration) -> f64 {
        let client = || {
            let mut work = self.worker(way);
            let (begun, mut runs) = (Instant::now(), 0);
            while runs == 0 || begun.elapsed() < span {
                work();
                runs += 1;
            }
            f64::from(runs) / begun.elapsed().as_secs_f64()
        };
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
            clients.into_iter().map(|client| client.join().expect("every answer is as it should be")).sum()
        })
    }
}

/// Reports as done what nobody has reported, one after another; how long each took. The strategy must count them.
fn post(town: &Town, served: &Served, most: usize) -> Vec<Duration> {
    let path = format!("/v1/strategies/{STRATEGY}/progress");
    let before = figures(&served.read(&path, Scope::Progress));
    let old_tag = tag(served, &path);
    let token = served.token("benchmark", Scope::Edit);
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
            let (id, body) = (served.action_id(action), body.to_string());
            format!(
                "POST /v1/actions/{id}/reports HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        })
        .collect();
    assert!(!requests.is_empty(), "there is always something left to do");
    let mut wire = Wire::connect(served.target.address);
    let took = requests.iter().map(|request| {
        let begun = Instant::now();
        assert_eq!(wire.ask(request, b""), 201, "{}", wire.text());
        begun.elapsed()
    });
    let took: Vec<Duration> = took.collect();
    let after = figures(&served.read(&path, Scope::Progress));
    assert_eq!(after[0], before[0], "reports change nothing of what is expected");
    assert_eq!(after[DONE], before[DONE] + requests.len() as u64, "every report counts");
    assert_ne!(tag(served, &path), old_tag, "what has changed has another tag");
    took
}

/// What is to be done today and was never reported, by those that have long been there.
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
    let row = |name: &str| rows.iter().find(|row| row.subject.name == name).expect("it was measured");
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
