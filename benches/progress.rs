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
//!   stays. Without it a throw-away server is started, which never waits for its disk.
//! - `TMPDIR` says on which disk everything else lies.
//!
//! The clients take their share of the processor from the server, with the ceilings as with the rest. Nothing is
//! logged.

// What fails here has failed the benchmark, and what it has to say, it prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

// The tests use more of it.
#[allow(dead_code)]
#[path = "../tests/api/engines.rs"]
mod engines;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::{HttpResponse, web};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime};
use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Date, Integer, Nullable, Text, Timestamp as Moment};
use engines::Engines;
use medstrategi::action::assignment::tally::Tallies;
use medstrategi::auth::guard::{Anyone, May};
use medstrategi::auth::issuer::Issuers;
use medstrategi::auth::local::LocalSecret;
use medstrategi::auth::scope::Scope;
use medstrategi::bundle::import::import_creating;
use medstrategi::bundle::model::Bundle;
use medstrategi::db::types::Timestamp;
use medstrategi::db::{AnyConnection, Database, Engine, Location};
use medstrategi::problem::{Problem, Result as ServiceResult};
use medstrategi::server::{self, Parts};
use serde_json::{Value, json};

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// At scale 1.
const COMMITTEES: f64 = 1500.0;
/// At scale 1.
const REPORTS: f64 = 100_000.0;
const AREAS: usize = 6;
const ACTIONS: usize = 60;
const YEARS: u32 = 4;
const MUNICIPALITY: &str = "storby";
const STRATEGY: &str = "strategi";
/// How many connections the program has to its database where nothing else is set.
const POOL: u32 = 10;
/// How many ask at once.
const CLIENTS: usize = 8;
/// Every round asks at least so often, however long an answer takes.
const FEWEST: usize = 5;
const BEARABLE_WAIT: Duration = Duration::from_secs(300);

fn main() {
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    // `cargo bench` says --bench; `cargo test` says nothing.
    let is_smoke_test = has("--test") || !has("--bench");
    let effort = match is_smoke_test {
        true => Effort { rounds: 1, span: Duration::from_millis(20), posts: 20 },
        false => Effort { rounds: 3, span: Duration::from_secs(1), posts: 500 },
    };
    let town = Town::new(scale(is_smoke_test));
    town.tell_size();
    let databases = Databases(Engines::start());
    for engine in [Engine::Sqlite, Engine::Postgres] {
        match databases.0.has(engine) {
            true => measure(&databases.0, engine, &town, &effort),
            false => eprintln!("\nNOT MEASURED: PostgreSQL. Install its server, or name one in TEST_POSTGRES_URL."),
        }
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

/// Stops a throw-away PostgreSQL however the benchmark ends.
struct Databases(Engines);

impl Drop for Databases {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn measure(engines: &Engines, engine: Engine, town: &Town, effort: &Effort) {
    print_head(engine);
    let served = Served::start(engines, engine, town);
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

/// The municipality, and all that is reported in it.
struct Town {
    today: NaiveDate,
    /// The strategy's first day.
    first: NaiveDate,
    committees: Vec<Committee>,
    actions: Vec<Action>,
    reports: Vec<Report>,
}

struct Committee {
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
}

impl Committee {
    fn exists_on(&self, day: NaiveDate) -> bool {
        self.starts_on.is_none_or(|first| first <= day) && self.ends_on.is_none_or(|last| day <= last)
    }
}

struct Action {
    /// The length of its periods; none = it is done once.
    months: Option<u32>,
    due_on: NaiveDate,
    audience: Vec<Addressee>,
    /// Whom the audience comes to: committees by their numbers.
    parties: Vec<usize>,
    occurrences: Vec<Occurrence>,
}

#[derive(Clone, Copy)]
enum Addressee {
    Level(usize),
    Committee(usize),
}

struct Occurrence {
    period: Option<String>,
    begins: NaiveDate,
    ends: NaiveDate,
}

/// One of an action, one of its occurrences and a committee, each by its number.
type Assignment = (usize, usize, usize);

struct Report {
    assignment: Assignment,
    /// A place in [`STAGES`].
    stage: usize,
    day: NaiveDate,
    second: usize,
}

const STAGES: [&str; 4] = ["done", "in_progress", "not_started", "dropped"];
const JUDGEMENTS: [&str; 4] = ["on_track", "at_risk", "off_track", "none"];

/// The counts of an answer that are compared, the stages in the order of [`STAGES`].
const FIGURES: [&str; 6] = ["expected", "done", "in_progress", "not_started", "dropped", "overdue"];
type Figures = [u64; FIGURES.len()];
const DONE: usize = 1;
const OVERDUE: usize = 5;

impl Town {
    fn new(scale: f64) -> Self {
        let smallest_tree = 10;
        let count = ((COMMITTEES * scale).round() as usize).max(smallest_tree);
        let today = Timestamp::now().day();
        // Most of the strategy's years have passed, and all of them have begun.
        let first = NaiveDate::from_ymd_opt(today.year() - (YEARS as i32 - 1), 1, 1).unwrap();
        let committees: Vec<Committee> = (0..count).map(|n| committee(n, count, first)).collect();
        let actions: Vec<Action> = (0..ACTIONS).map(|n| action(n, count, first)).collect();
        let mut town = Self { today, first, committees, actions, reports: Vec::new() };
        town.report(((REPORTS * scale).round() as usize).max(ACTIONS));
        town
    }

    /// Lets committees report, at random, what they were to do and when they were there to do it.
    fn report(&mut self, count: usize) {
        let mut dice = Dice(1);
        let mut taken = HashSet::new();
        // What is reported today might lie ahead by the clock.
        let yesterday = self.today - Days::new(1);
        let assignments = self.assignments();
        while self.reports.len() < count {
            let assignment = assignments[dice.throw(assignments.len())];
            let (action, occurrence, committee) = assignment;
            let (occurrence, committee) = (&self.actions[action].occurrences[occurrence], &self.committees[committee]);
            let last = occurrence.ends.min(yesterday);
            let first = committee.starts_on.map_or(occurrence.begins, |first| first.max(occurrence.begins));
            let was_there =
                first <= last && committee.exists_on(last) && committee.exists_on(occurrence.ends.min(self.today));
            if !was_there {
                continue;
            }
            let days = (last - first).num_days() as usize + 1;
            let day = first + Days::new(dice.throw(days) as u64);
            // Before 22 o'clock it is the same day in Denmark as in UTC.
            let second = dice.throw(22 * 60 * 60);
            if taken.insert((assignment, day, second)) {
                let stage = match dice.throw(100) {
                    0..55 => 0,
                    55..85 => 1,
                    85..93 => 2,
                    _ => 3,
                };
                self.reports.push(Report { assignment, stage, day, second });
            }
        }
    }

    /// All that will ever be to do, whether or not the committee is there to do it.
    fn assignments(&self) -> Vec<Assignment> {
        let occurrences = self
            .actions
            .iter()
            .enumerate()
            .flat_map(|(a, action)| (0..action.occurrences.len()).map(move |o| (a, o, &action.parties)));
        occurrences.flat_map(|(a, o, parties)| parties.iter().map(move |c| (a, o, *c))).collect()
    }

    /// The reports that count on a day.
    fn latest(&self, on: NaiveDate) -> HashMap<Assignment, &Report> {
        let mut latest: HashMap<Assignment, &Report> = HashMap::new();
        for report in self.reports.iter().filter(|report| report.day <= on) {
            let place = latest.entry(report.assignment).or_insert(report);
            if (place.day, place.second) < (report.day, report.second) {
                *place = report;
            }
        }
        latest
    }

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

    fn is_at_the_bottom(&self, n: usize) -> bool {
        tier(n, self.committees.len()) == 2
    }

    /// Whether the committee was always there and still is.
    fn is_lasting(&self, n: usize) -> bool {
        let Committee { starts_on, ends_on } = &self.committees[n];
        starts_on.is_none_or(|first| first < self.first) && ends_on.is_none()
    }

    /// The committees with a local action.
    fn starters(&self) -> Vec<usize> {
        let all = 0..self.committees.len();
        all.filter(|n| n % 25 == 3 && self.is_at_the_bottom(*n) && self.is_lasting(*n)).collect()
    }

    /// The committees in which [`PERSON`] has a seat: the chair of one in the middle, and a member further down.
    fn own_committees(&self) -> [usize; 2] {
        let below = (0..self.committees.len()).find(|n| self.is_at_the_bottom(*n) && self.is_lasting(*n));
        [MIDDLE, below.expect("most committees last")]
    }

    /// Everything but the reports.
    fn bundle(&self) -> Value {
        let count = self.committees.len();
        let levels = LEVELS.iter().zip(1..).map(|((key, name), rank)| json!({"key": key, "name": name, "rank": rank}));
        let committees = self.committees.iter().enumerate().map(|(n, committee)| {
            let (level, name) = LEVELS[tier(n, count)];
            json!({
                "key": committee_key(n),
                "name": format!("{name} {n}"),
                "level": level,
                "parent": parent(n, count).map(committee_key),
                "form": "committee",
                "starts_on": committee.starts_on,
                "ends_on": committee.ends_on,
            })
        });
        let with_seats = || (0..count).filter(|n| self.committees[*n].ends_on.is_none());
        let places = || with_seats().flat_map(|n| (0..ROLES.len()).map(move |place| (n, place)));
        let employees = places().map(|(n, place)| {
            let key = employee_key(n, place);
            json!({"key": key, "name": format!("Ansat {key}"), "email": format!("{key}@storby.example")})
        });
        let seat = |committee: usize, place: &str, employee: String, role: &str| {
            let committee = committee_key(committee);
            json!({"key": format!("{committee}-{place}"), "committee": committee, "employee": employee, "role": role})
        };
        let usual = places().map(|(n, place)| seat(n, &place.to_string(), employee_key(n, place), ROLES[place]));
        let second = seat(self.own_committees()[1], "x", employee_key(MIDDLE, 0), "member");
        let local_actions = self.starters().into_iter().map(|n| {
            json!({
                "committee": committee_key(n),
                "parent": action_path(n % ACTIONS),
                "key": "lokal",
                "title": "Hold et temamøde om det hos os selv",
                "kind": "discussion",
            })
        });
        json!({
            "municipality": municipality(),
            "levels": levels.collect::<Vec<_>>(),
            "committees": committees.collect::<Vec<_>>(),
            "employees": employees.collect::<Vec<_>>(),
            "memberships": usual.chain([second]).collect::<Vec<_>>(),
            "strategies": [self.strategy()],
            "local_actions": local_actions.collect::<Vec<_>>(),
        })
    }

    fn strategy(&self) -> Value {
        let areas = (0..AREAS).map(|area| {
            let actions = (0..ACTIONS).filter(|n| area_of(*n) == area).map(|n| self.action(n));
            json!({
                "key": area_key(area),
                "title": format!("Indsatsområde {area}"),
                "actions": actions.collect::<Vec<_>>(),
            })
        });
        json!({
            "key": STRATEGY,
            "title": "Strategi for arbejdsmiljøet",
            "kind": "plan",
            "status": "adopted",
            "starts_on": self.first,
            "ends_on": last_day(self.first),
            "focus_areas": areas.collect::<Vec<_>>(),
        })
    }

    fn action(&self, n: usize) -> Value {
        let Action { months, due_on, audience, .. } = &self.actions[n];
        let responsible = audience.iter().map(|addressee| match addressee {
            Addressee::Level(tier) => json!({"role": "responsible", "level": LEVELS[*tier].0}),
            Addressee::Committee(n) => json!({"role": "responsible", "committee": committee_key(*n)}),
        });
        // It is told, and does not count.
        let told = json!({"role": "receives", "committee": committee_key(0)});
        json!({
            "key": action_key(n),
            "number": n.to_string(),
            "title": format!("Drøft handling {n} og aftal, hvad der skal ske"),
            "kind": "discussion",
            "audience": responsible.chain([told]).collect::<Vec<_>>(),
            "recurrence": months.map(recurrence),
            "due_on": due_on,
        })
    }

    fn reports_bundle(&self) -> Value {
        let reports = self.reports.iter().map(|report| {
            let (action, occurrence, committee) = report.assignment;
            let (hour, minute, second) = (report.second / 3600, report.second / 60 % 60, report.second % 60);
            json!({
                "action": action_path(action),
                "committee": committee_key(committee),
                "occurrence": self.actions[action].occurrences[occurrence].period,
                "stage": STAGES[report.stage],
                "judgement": JUDGEMENTS[report.second % JUDGEMENTS.len()],
                "note": "Drøftet på mødet; vi følger op på det næste.",
                "reported_at": format!("{}T{hour:02}:{minute:02}:{second:02}Z", report.day),
            })
        });
        json!({"municipality": municipality(), "reports": reports.collect::<Vec<_>>()})
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
        if cfg!(debug_assertions) {
            println!("NOT OPTIMISED: this build says nothing about speed; `cargo bench` makes one that does.");
        }
    }
}

/// The same throws each time (SplitMix64).
struct Dice(u64);

impl Dice {
    /// 0 to one less than `sides`.
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }
}

/// Most committees were there before the strategy; a tenth of those at the bottom is founded or ended meanwhile, at
/// the turn of a month.
fn committee(n: usize, count: usize, first: NaiveDate) -> Committee {
    let in_between = first + Months::new(3 + (n / 20 % 40) as u32);
    let old = NaiveDate::from_ymd_opt(1990 + (n % 25) as i32, 1 + (n % 12) as u32, 1 + (n % 28) as u32);
    let old = old.filter(|_| n.is_multiple_of(2));
    match n % 20 {
        7 if tier(n, count) == 2 => Committee { starts_on: Some(in_between), ends_on: None },
        13 if tier(n, count) == 2 => Committee { starts_on: old, ends_on: Some(in_between - Days::new(1)) },
        _ => Committee { starts_on: old, ends_on: None },
    }
}

/// One committee at the top, a 25th of them in the middle, the others below those.
fn tier(n: usize, count: usize) -> usize {
    match n {
        0 => 0,
        n if n <= in_the_middle(count) => 1,
        _ => 2,
    }
}

fn parent(n: usize, count: usize) -> Option<usize> {
    match tier(n, count) {
        0 => None,
        1 => Some(0),
        _ => Some(1 + n % in_the_middle(count)),
    }
}

fn in_the_middle(count: usize) -> usize {
    (count / 25).max(1)
}

/// The one in the middle that is asked about.
const MIDDLE: usize = 1;

/// A third of the actions is done once, by the end of one of the years; the others recur.
fn action(n: usize, count: usize, first: NaiveDate) -> Action {
    let months = match n % 3 {
        0 => None,
        _ => Some([6, 12, 3][(n + n / 3) % 3]),
    };
    let years = match months {
        None => 1 + (n / 3) as u32 % YEARS,
        Some(_) => YEARS,
    };
    let due_on = first + Months::new(12 * years) - Days::new(1);
    let audience = match n % 10 {
        0 => vec![Addressee::Committee(0)],
        1 => vec![Addressee::Committee(MIDDLE), Addressee::Committee(2)],
        2 | 3 => vec![Addressee::Level(1)],
        4 => vec![Addressee::Level(0), Addressee::Level(1), Addressee::Level(2)],
        5 => vec![Addressee::Level(1), Addressee::Committee(0), Addressee::Committee(MIDDLE)],
        _ => vec![Addressee::Level(2)],
    };
    let parties: BTreeSet<usize> = audience
        .iter()
        .flat_map(|addressee| match *addressee {
            Addressee::Level(level) => (0..count).filter(|n| tier(*n, count) == level).collect(),
            Addressee::Committee(n) => vec![n],
        })
        .collect();
    Action {
        months,
        due_on,
        audience,
        parties: parties.into_iter().collect(),
        occurrences: occurrences(months, first, due_on),
    }
}

fn occurrences(months: Option<u32>, first: NaiveDate, due_on: NaiveDate) -> Vec<Occurrence> {
    let Some(months) = months else { return vec![Occurrence { period: None, begins: first, ends: due_on }] };
    let recurring = (0..12 * YEARS / months).map(|n| {
        let begins = first + Months::new(n * months);
        let ends = begins + Months::new(months) - Days::new(1);
        let (year, place) = (begins.year(), begins.month0() / months + 1);
        let period = match months {
            3 => format!("{year}-Q{place}"),
            6 => format!("{year}-H{place}"),
            _ => year.to_string(),
        };
        Occurrence { period: Some(period), begins, ends }
    });
    recurring.collect()
}

fn recurrence(months: u32) -> &'static str {
    match months {
        3 => "P3M",
        6 => "P6M",
        _ => "P1Y",
    }
}

fn last_day(first: NaiveDate) -> NaiveDate {
    first + Months::new(12 * YEARS) - Days::new(1)
}

/// The levels' keys and names, from the top.
const LEVELS: [(&str, &str); 3] =
    [("hoved-med", "Hoved-MED"), ("center-med", "Center-MED"), ("lokal-med", "Lokal-MED")];

/// A committee's seats.
const ROLES: [&str; 8] = ["chair", "deputy_chair", "secretary", "member", "member", "member", "member", "substitute"];

fn municipality() -> Value {
    json!({"key": MUNICIPALITY, "code": "998", "name": "Storby Kommune"})
}

fn committee_key(n: usize) -> String {
    format!("c-{n:05}")
}

fn employee_key(committee: usize, place: usize) -> String {
    format!("m-{committee:05}-{place}")
}

fn area_of(action: usize) -> usize {
    action % AREAS
}

fn area_key(n: usize) -> String {
    format!("omraade-{n}")
}

fn action_key(n: usize) -> String {
    format!("handling-{n:02}")
}

fn action_path(n: usize) -> String {
    format!("{STRATEGY}/{}/{}", area_key(area_of(n)), action_key(n))
}

/// The municipality in a database of its own, and a server over it.
struct Served {
    target: Target,
    database: Database,
    secret: LocalSecret,
    /// The strategy as the service tells it.
    strategy: Value,
    handle: ServerHandle,
    // Gone with it is all that lies there.
    _folder: tempfile::TempDir,
}

/// What a client has to know.
struct Target {
    engine: Engine,
    address: SocketAddr,
    url: String,
    sql: Bare,
}

impl Served {
    fn start(engines: &Engines, engine: Engine, town: &Town) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = engines.create(engine, folder.path());
        let database = Database::open(Location::parse(&url).unwrap(), POOL).unwrap().keeping(Tallies);
        import(
            &database,
            "everything else",
            town.bundle(),
            &["committees", "employees", "memberships", "actions", "local_actions"],
        );
        import(&database, "reports", town.reports_bundle(), &["reports"]);
        settle(engine, &url);
        let secret = LocalSecret::read_or_create(&folder.path().join("medstrategi.secret")).unwrap();
        let (handle, address) = serve(database.clone(), &secret);
        let sql = Bare { engine, strategy_id: String::new(), first: town.first, today: town.today };
        let target = Target { engine, address, url, sql };
        let mut served = Self { target, database, secret, strategy: Value::Null, handle, _folder: folder };
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
        let status = wire.ask(&self.get(path, scope, ""));
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

/// Does what PostgreSQL would do by itself, within a minute of so large an import.
fn settle(engine: Engine, url: &str) {
    if engine == Engine::Postgres {
        connect(engine, url).batch_execute("VACUUM ANALYZE").unwrap();
    }
}

/// A connection of its own, without the pool.
fn connect(engine: Engine, url: &str) -> AnyConnection {
    match engine {
        Engine::Postgres => AnyConnection::Postgres(PgConnection::establish(url).unwrap()),
        Engine::Sqlite => {
            let path = url.strip_prefix("sqlite:").unwrap();
            assert!(Path::new(path).exists(), "{path}");
            AnyConnection::Sqlite(SqliteConnection::establish(path).unwrap())
        }
    }
}

const CONSTANT_PATH: &str = "/v1/benchmark/constant";
const SELECT_PATH: &str = "/v1/benchmark/select";

/// A server as the program starts it, and the two routes that measure what it costs to be asked at all.
fn serve(database: Database, secret: &LocalSecret) -> (ServerHandle, SocketAddr) {
    let issuers = Issuers::new(vec![secret.issuer()]);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let limit = |bytes| Limit { bytes, time: Duration::from_secs(5) };
        let parts = Parts::new(database, issuers);
        let routes = |config: &mut web::ServiceConfig| {
            config
                .route(CONSTANT_PATH, web::get().to(constant))
                .route(SELECT_PATH, web::get().to(constant_after_select));
        };
        actix_web::rt::System::new().block_on(async {
            let listener = server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
            let (server, address) = server::start_with(parts, listener, routes).unwrap();
            sender.send((server.handle(), address)).unwrap();
            server.await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

async fn constant(_: May<Anyone>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(r#"{"is_constant":true}"#)
}

async fn constant_after_select(caller: May<Anyone>, database: web::Data<Database>) -> ServiceResult<HttpResponse> {
    web::block(move || database.unbound(select_one)).await.map_err(Problem::internal)??;
    Ok(constant(caller).await)
}

/// The least that a database can be asked for, as a prepared statement.
fn select_one(connection: &mut AnyConnection) -> ServiceResult<i32> {
    let one = diesel::select(1.into_sql::<Integer>());
    Ok(match connection {
        AnyConnection::Postgres(postgres) => one.get_result(postgres)?,
        AnyConnection::Sqlite(sqlite) => one.get_result(sqlite)?,
    })
}

/// A keep-alive connection that does no more than HTTP demands: a client that did would be measured too.
struct Wire {
    reader: BufReader<TcpStream>,
    head: String,
    body: Vec<u8>,
}

impl Wire {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(BEARABLE_WAIT)).unwrap();
        Self { reader: BufReader::new(stream), head: String::new(), body: Vec::new() }
    }

    /// Sends a request and reads the whole answer; its status.
    fn ask(&mut self, request: &str) -> u16 {
        self.reader.get_mut().write_all(request.as_bytes()).unwrap();
        self.head.clear();
        loop {
            match self.reader.read_line(&mut self.head).unwrap() {
                0 => panic!("the server closed the connection after: {}", self.head),
                length if length == "\r\n".len() => break,
                _ => {}
            }
        }
        let status = self.head["HTTP/1.1 ".len()..][..3].parse().unwrap();
        let length = match status {
            204 | 304 => 0,
            _ => self.header("content-length").expect("every body's length is told").parse().unwrap(),
        };
        self.body.resize(length, 0);
        self.reader.read_exact(&mut self.body).unwrap();
        status
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn text(&self) -> String {
        format!("{}{}", self.head, String::from_utf8_lossy(&self.body))
    }
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
        ask(CONSTANT, CONSTANT_PATH),
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
    assert_eq!(wire.ask(&served.get(path, Scope::Progress, "")), 200, "{}", wire.text());
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
                Box::new(move || assert_eq!(wire.ask(request), *status, "{}", wire.text()))
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

/// In ms.
fn percentile(took: &[Duration], percent: usize) -> f64 {
    let mut took = took.to_vec();
    took.sort();
    let place = (took.len() * percent).div_ceil(100).max(1);
    took[place - 1].as_secs_f64() * 1e3
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
        assert_eq!(wire.ask(request), 201, "{}", wire.text());
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
    let latest = town.latest(town.today);
    let all = town.actions.iter().enumerate().flat_map(|(a, action)| {
        let runs = |occurrence: &Occurrence| occurrence.begins <= town.today && town.today <= occurrence.ends;
        let now = action.occurrences.iter().position(runs).filter(|_| action.months.is_some());
        now.into_iter().flat_map(move |o| action.parties.iter().map(move |c| (a, o, *c)))
    });
    all.filter(move |assignment| town.is_lasting(assignment.2) && !latest.contains_key(assignment))
}

/// The statements without which no progress of a strategy comes about, written by hand. Whoever changes what the
/// service keeps for its answers changes them here.
struct Bare {
    engine: Engine,
    strategy_id: String,
    first: NaiveDate,
    today: NaiveDate,
}

/// The rows of a statement, of which it says column by column what it is in SQL and what in Rust; how many there are.
macro_rules! fetch {
    ($connection:expr, $sql:expr, [$($column:ty => $value:ty),+ $(,)?]) => {{
        let statement = Statement::<($($column,)+)> { sql: $sql, columns: PhantomData };
        let rows = match &mut *$connection {
            AnyConnection::Postgres(postgres) => statement.load::<($($value,)+)>(postgres),
            AnyConnection::Sqlite(sqlite) => statement.load::<($($value,)+)>(sqlite),
        };
        black_box(rows.unwrap()).len()
    }};
}

impl Bare {
    /// Runs them all; how many rows came.
    fn run(&self, connection: &mut AnyConnection) -> usize {
        let strategy_id = &self.strategy_id;
        let municipality = format!("(SELECT id FROM municipalities WHERE key = '{MUNICIPALITY}')");
        let mut rows = 0;

        // What the entity tag is made from.
        let sql = format!(
            "SELECT sequence FROM changes WHERE municipality_id = {municipality} ORDER BY sequence DESC LIMIT 1"
        );
        rows += fetch!(connection, &sql, [BigInt => i64]);

        let sql = format!(
            "SELECT id, title, status, starts_on, ends_on FROM strategies \
             WHERE municipality_id = {municipality} AND key = '{STRATEGY}'"
        );
        rows += fetch!(connection, &sql, [
            Text => String, Text => String, Text => String,
            Nullable<Date> => Option<NaiveDate>, Nullable<Date> => Option<NaiveDate>,
        ]);

        // When its actions are to be done, and by whom.
        let sql = format!(
            "SELECT a.id, a.recurrence, a.starts_on, a.due_on, a.cancelled_on \
             FROM focus_areas f JOIN actions a ON a.focus_area_id = f.id WHERE f.strategy_id = '{strategy_id}'"
        );
        rows += fetch!(connection, &sql, [
            Text => String, Nullable<Text> => Option<String>,
            Nullable<Date> => Option<NaiveDate>, Nullable<Date> => Option<NaiveDate>,
            Nullable<Date> => Option<NaiveDate>,
        ]);
        let sql = format!(
            "SELECT h.action_id, h.role, h.level_id, h.committee_id, h.unit_id \
             FROM focus_areas f JOIN actions a ON a.focus_area_id = f.id JOIN action_audience h ON h.action_id = a.id \
             WHERE f.strategy_id = '{strategy_id}' AND h.role IN ('responsible', 'accountable')"
        );
        rows += fetch!(connection, &sql, [
            Text => String, Text => String,
            Nullable<Text> => Option<String>, Nullable<Text> => Option<String>, Nullable<Text> => Option<String>,
        ]);

        // How many committees a level has on which days; days before the strategy and to come are all the same.
        let (first, today) = (self.day(self.first), self.day(self.today));
        let sql = format!(
            "SELECT level_id, founded_on, closed_on, COUNT(*) FROM (SELECT level_id, \
             CASE WHEN starts_on > {first} THEN starts_on END AS founded_on, \
             CASE WHEN ends_on < {today} THEN ends_on END AS closed_on \
             FROM committees WHERE municipality_id = {municipality} AND level_id IS NOT NULL) AS lifetimes \
             GROUP BY level_id, founded_on, closed_on"
        );
        rows += fetch!(connection, &sql, [
            Text => String, Nullable<Date> => Option<NaiveDate>, Nullable<Date> => Option<NaiveDate>, BigInt => i64,
        ]);

        // What the levels' committees have reported.
        let sql = format!(
            "SELECT t.action_id, t.occurrence, t.cells \
             FROM focus_areas f JOIN actions a ON a.focus_area_id = f.id JOIN tallies t ON t.action_id = a.id \
             WHERE f.strategy_id = '{strategy_id}'"
        );
        rows += fetch!(connection, &sql, [Text => String, Text => String, Text => String]);

        // What those have reported that are named one by one.
        let named = |party: &str| {
            format!(
                "SELECT l.action_id, l.occurrence, l.party_id, l.stage, l.reported_at \
                 FROM focus_areas f JOIN actions a ON a.focus_area_id = f.id \
                 JOIN action_audience h ON h.action_id = a.id \
                 JOIN latest_reports l ON l.{party} = h.{party} AND l.action_id = h.action_id \
                 WHERE f.strategy_id = '{strategy_id}' AND h.role IN ('responsible', 'accountable')"
            )
        };
        let sql = format!("{} UNION ALL {}", named("committee_id"), named("unit_id"));
        rows += fetch!(connection, &sql, [
            Text => String, Text => String, Text => String, Text => String, Moment => NaiveDateTime,
        ]);

        // The committees' own actions that its actions have inspired.
        let sql = format!(
            "SELECT a.id, a.starts_on, a.due_on, a.cancelled_on, c.starts_on, c.ends_on, l.stage, l.reported_at \
             FROM focus_areas f JOIN actions p ON p.focus_area_id = f.id JOIN actions a ON a.parent_id = p.id \
             JOIN committees c ON c.id = a.committee_id LEFT JOIN latest_reports l ON l.action_id = a.id \
             WHERE f.strategy_id = '{strategy_id}'"
        );
        rows += fetch!(connection, &sql, [
            Text => String,
            Nullable<Date> => Option<NaiveDate>, Nullable<Date> => Option<NaiveDate>,
            Nullable<Date> => Option<NaiveDate>,
            Nullable<Date> => Option<NaiveDate>, Nullable<Date> => Option<NaiveDate>,
            Nullable<Text> => Option<String>, Nullable<Moment> => Option<NaiveDateTime>,
        ]);
        rows
    }

    /// A day in SQL.
    fn day(&self, day: NaiveDate) -> String {
        match self.engine {
            Engine::Postgres => format!("DATE '{day}'"),
            Engine::Sqlite => format!("'{day}'"),
        }
    }
}

/// SQL as it is written that answers in these columns, prepared once per connection: `diesel::sql_query` would have
/// it planned anew each time.
struct Statement<'s, C> {
    sql: &'s str,
    columns: PhantomData<C>,
}

impl<C> Query for Statement<'_, C> {
    type SqlType = C;
}

impl<C> QueryId for Statement<'_, C> {
    type QueryId = ();
    // What it reads is told by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, DB: Backend> QueryFragment<DB> for Statement<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.sql);
        Ok(())
    }
}

impl<C, Conn> RunQueryDsl<Conn> for Statement<'_, C> {}

fn print_head(engine: Engine) {
    match (engine, std::env::var("TEST_POSTGRES_URL")) {
        (Engine::Sqlite, _) => println!("\nSQLite, below {}", std::env::temp_dir().display()),
        (Engine::Postgres, Ok(_)) => println!("\nPostgreSQL, the server of TEST_POSTGRES_URL"),
        (Engine::Postgres, Err(_)) => {
            println!("\nPostgreSQL with fsync off, which flatters it: TEST_POSTGRES_URL names another server");
        }
    }
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
