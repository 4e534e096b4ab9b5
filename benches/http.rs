//! Measures the released program over HTTP: requests a second, time for each, and memory, compared with two ceilings.
//!
//! `cargo bench --bench http` imports an invented town with `medstrategi import`, on SQLite and then on PostgreSQL,
//! starts `medstrategi serve`, and prints one table. Each line has the time of a single client, and the answers a
//! second while many clients ask. Beside it stand its ceilings, measured in alternation with it: the same number of
//! constant bytes behind the same middleware and authentication, and the SQL that the answer needs at least. The
//! program has no route for constant bytes; the benchmark starts itself as a second process with the same server and
//! that route. Figures are printed without judging them, because machines differ. Each kind of answer is checked once.
//!
//! `cargo bench --bench http -- --help` lists the arguments. `TEST_POSTGRES_URL` names a PostgreSQL server, as for the
//! tests; without it, the benchmark starts a throw-away server with `fsync` off. `TMPDIR` says where everything else is
//! stored. Everything is stopped and removed at the end, also after a failure or Ctrl-C. `cargo test --benches` runs it
//! all with a village, for a moment.

// A benchmark may panic and print.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use common::bare::{self, NOTE, StrategyProgress};
use common::databases::{self, Databases, TestDatabase};
use common::program::{Process, Program};
use common::town::{
    ACTIONS, Assignment, MONTHS, MUNICIPALITY, STRATEGY, Size, Town, action_key, committee_key, indicator_key, unit_key,
};
use common::wire::Wire;
use common::{Rng, in_process, interruption, is_smoke_test, megabytes, percentile, warn_about_debug_build};
use medstrategi::auth::scope::Scope;
use medstrategi::db::{AnyConnection, Engine};
use serde_json::{Value, json};

/// The program's allocator, for the process that answers constant bytes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How fast the released program answers over HTTP, beside its ceilings
#[derive(Parser)]
#[command(name = "http")]
struct Arguments {
    /// How large the municipality is
    #[arg(long, default_value = "town")]
    city: City,
    /// On which database
    #[arg(long, default_value = "both")]
    engine: Engines,
    /// Values of indicators, at least [default: 50000 in the town, 5000000 in Copenhagen]
    #[arg(long, value_name = "COUNT")]
    values: Option<usize>,
    /// How long each line of the table is measured, its ceilings included [default: 5]
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,
    /// How many clients send requests at once
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    clients: usize,
    /// Added by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// Added by cargo
    #[arg(long, hide = true)]
    test: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum City {
    /// 2,500 employees, 150 committees, 10,000 reports
    Town,
    /// 45,000 employees, 1,500 committees, 100,000 reports
    Copenhagen,
}

#[derive(Clone, Copy, ValueEnum)]
enum Engines {
    Sqlite,
    Postgres,
    Both,
}

impl City {
    fn size(self) -> Size {
        match self {
            Self::Town => Size { committees: 150, reports: 10_000, employees: 2_500, values: 50_000 },
            Self::Copenhagen => Size { committees: 1_500, reports: 100_000, employees: 45_000, values: 5_000_000 },
        }
    }
}

/// The municipality of a smoke test.
const VILLAGE: Size = Size { committees: 60, reports: 100, employees: 100, values: 100 };

/// The argument of the process that answers constant bytes.
const SERVE_CONSTANTS: &str = "--serve-constants";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [SERVE_CONSTANTS, database_url, secret_file, bind] =
        arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        return in_process::serve_alone(database_url, secret_file.as_ref(), bind);
    }
    let Arguments { city, engine, values, seconds, clients, .. } = Arguments::parse();
    let (size, usual_seconds) = if is_smoke_test() { (VILLAGE, 0.1) } else { (city.size(), 5.0) };
    let effort = Effort { seconds: seconds.unwrap_or(usual_seconds), clients: clients.max(1) };
    interruption::listen();
    let town = Town::new(Size { values: values.unwrap_or(size.values), ..size });
    let bundles = Bundles::write(&town);
    let databases = Databases::start();
    let engines = match engine {
        Engines::Sqlite => vec![Engine::Sqlite],
        Engines::Postgres => vec![Engine::Postgres],
        Engines::Both => vec![Engine::Sqlite, Engine::Postgres],
    };
    let rows: Vec<Row> = engines
        .into_iter()
        .filter_map(|engine| databases.create(engine))
        .flat_map(|home| measure(home, &town, &bundles, &effort))
        .collect();
    print_table(&rows, &effort);
}

/// The town as files for `medstrategi import`.
struct Bundles {
    files: Vec<PathBuf>,
    // Removes the files on drop.
    _folder: tempfile::TempDir,
}

impl Bundles {
    fn write(town: &Town) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: String, bundle: Value| {
            let file = folder.path().join(name);
            std::fs::write(&file, bundle.to_string()).unwrap();
            file
        };
        let bundle = town.bundle();
        let count = |section: &str| bundle[section].as_array().map_or(0, Vec::len);
        println!(
            "{} employees, {} committees, {} reports, {} values.",
            count("employees"),
            count("committees"),
            town.reports.len(),
            town.indicators() * town.workplaces().len() * MONTHS,
        );
        warn_about_debug_build();
        let mut files =
            vec![write("town.json".to_owned(), bundle), write("reports.json".to_owned(), town.reports_bundle())];
        files.extend((0..town.indicators()).map(|n| write(format!("values-{n}.json"), town.values_bundle(n))));
        Self { files, _folder: folder }
    }
}

/// How much is measured.
struct Effort {
    seconds: f64,
    clients: usize,
}

/// A line and its ceilings alternate in rounds, so that a slow moment of the machine affects all of them.
const ROUNDS: u32 = 3;
/// The least requests of a round, however long an answer takes.
const MIN_RUNS: usize = 5;

impl Effort {
    /// The length of a round, with one client and then again with many.
    fn round_time(&self) -> Duration {
        let turns = ROUNDS * 3 * 2;
        Duration::from_secs_f64(self.seconds) / turns
    }
}

fn measure(home: TestDatabase, town: &Town, bundles: &Bundles, effort: &Effort) -> Vec<Row> {
    let engine = home.engine;
    databases::print_engine(engine);
    let program = Program::over(home);
    let start = Instant::now();
    program.import(&bundles.files);
    program.home.settle();
    println!("imported in {:.1} s", start.elapsed().as_secs_f64());
    let service = Service { constants: program.serve_constants(SERVE_CONSTANTS), process: program.serve(), program };
    let line = |line: Line<'_>| {
        let row = line.measure(&service, effort);
        println!("{}: p50 {:.2} ms, {:.0} a second", row.name, row.request.p50(), row.request.rate());
        row
    };
    lines(town, &service).into_iter().map(line).collect()
}

/// The program, and the process with the constant bytes. Fields are dropped in order: processes before the database.
struct Service {
    process: Process,
    constants: Process,
    program: Program,
}

/// The subject of the tokens. It is not an employee.
const SUBJECT: &str = "benchmark";

impl Service {
    fn head(&self, method: &str, path: &str, scope: Scope, headers: &str) -> String {
        let token = self.program.token(MUNICIPALITY, SUBJECT, scope);
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{headers}\r\n")
    }

    fn get(&self, path: &str) -> String {
        self.head("GET", path, Scope::Read, "")
    }

    /// A request with a body.
    fn post(&self, path: &str, body: &Value) -> String {
        let body = body.to_string();
        let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        format!("{}{body}", self.head("POST", path, Scope::Edit, &headers))
    }

    fn read(&self, path: &str) -> (Value, Wire) {
        let mut wire = Wire::connect(self.process.address);
        assert_eq!(wire.send(&self.get(path), b""), 200, "{path}: {}", wire.text());
        (serde_json::from_slice(&wire.body).unwrap(), wire)
    }
}

/// What a line of the table measures.
struct Line<'l> {
    name: &'static str,
    /// The requests, sent in order by whichever client is free.
    requests: Vec<String>,
    status: u16,
    /// The request for as many constant bytes.
    constant_request: String,
    /// Runs the SQL of the request with this number.
    bare: BareRequest<'l>,
}

type BareRequest<'l> = Box<dyn Fn(&mut AnyConnection, usize) + Sync + 'l>;

fn lines<'l>(town: &'l Town, service: &'l Service) -> Vec<Line<'l>> {
    let permanent: Vec<usize> = (0..town.committees.len()).filter(|n| town.is_permanent(*n)).collect();
    let workplaces = town.workplaces();
    let progress = format!("/v1/strategies/{STRATEGY}/progress");
    let (strategy, _) = service.read(&format!("/v1/strategies/{STRATEGY}"));
    let series =
        |workplace: usize| format!("/v1/indicators/{}/values?unit={}&group=", indicator_key(0), unit_key(workplace));
    let statements = StrategyProgress {
        engine: service.program.home.engine,
        strategy_id: strategy["id"].as_str().unwrap().to_owned(),
        first: town.first,
        today: town.today,
    };
    let reports = running(town, &strategy);
    let posts: Vec<String> = reports.iter().map(|report| service.post(&report_path(report), &body(report))).collect();
    let mut wire = Wire::connect(service.process.address);
    assert_eq!(wire.send(&posts[0], b""), 201, "{}", wire.text());
    let constant_post = service.post(&in_process::constant_path(201, wire.body.len()), &body(&reports[0]));
    // Read after the write, which gives progress another tag.
    let (_, wire) = service.read(&progress);
    let tag = format!("if-none-match: {}\r\n", wire.header("etag").expect("progress has an ETag"));
    let unchanged = service.head("GET", &progress, Scope::Read, &tag);
    let (committees, units) = (permanent.clone(), workplaces.clone());

    let get = |name, paths: Vec<String>, found: fn(&Value) -> bool, bare| {
        let (answer, wire) = service.read(&paths[0]);
        assert!(found(&answer), "{name}: {answer}");
        Line {
            name,
            requests: paths.iter().map(|path| service.get(path)).collect(),
            status: 200,
            constant_request: service.get(&in_process::constant_path(200, wire.body.len())),
            bare,
        }
    };
    vec![
        Line {
            name: "304: progress, unchanged",
            requests: vec![unchanged],
            status: 304,
            constant_request: service.get(&in_process::constant_path(304, 0)),
            bare: Box::new(|connection, _| assert_eq!(bare::newest_change(connection), 1)),
        },
        get(
            "one committee",
            permanent.iter().map(|n| format!("/v1/committees/{}", committee_key(*n))).collect(),
            |answer| answer["key"].is_string(),
            Box::new(move |connection, n| {
                assert!(bare::committee(connection, &committee_key(committees[n % committees.len()])) > 0);
            }),
        ),
        get(
            "a page of 50 committees",
            vec!["/v1/committees".to_owned()],
            |answer| answer["items"].as_array().map(Vec::len) == Some(PAGE),
            Box::new(|connection, _| assert!(bare::committees(connection, PAGE) > PAGE)),
        ),
        get(
            "a strategy, whole",
            vec![format!("/v1/strategies/{STRATEGY}")],
            |answer| answer["focus_areas"].is_array(),
            Box::new(|connection, _| assert!(bare::strategy(connection) > ACTIONS)),
        ),
        get(
            "progress of a strategy",
            vec![progress],
            |answer| answer["done"].as_u64() > Some(0),
            Box::new(move |connection, _| assert!(statements.run(connection) > ACTIONS)),
        ),
        get(
            "60 values of a unit",
            workplaces.iter().map(|n| series(*n)).collect(),
            |answer| answer["items"].as_array().map(Vec::len) == Some(MONTHS),
            Box::new(move |connection, n| {
                let rows = bare::series(connection, &indicator_key(0), &unit_key(units[n % units.len()]));
                assert_eq!(rows, 1 + MONTHS);
            }),
        ),
        // The last line, because it changes the data.
        Line {
            name: "POST of a report",
            requests: posts,
            status: 201,
            constant_request: constant_post,
            bare: Box::new(move |connection, n| bare::report(connection, &reports[n % reports.len()])),
        },
    ]
}

const PAGE: usize = 50;

/// Reports that can be made today, on running assignments of permanent committees.
fn running(town: &Town, strategy: &Value) -> Vec<bare::Report> {
    let areas = strategy["focus_areas"].as_array().unwrap().iter();
    let ids: HashMap<&str, &str> = areas
        .flat_map(|area| area["actions"].as_array().unwrap())
        .map(|action| (action["key"].as_str().unwrap(), action["id"].as_str().unwrap()))
        .collect();
    let report = |(action, occurrence, committee): Assignment| bare::Report {
        action_id: ids[action_key(action).as_str()].to_owned(),
        occurrence: town.actions[action].occurrences[occurrence].period.clone().unwrap_or_default(),
        committee: committee_key(committee),
        subject: SUBJECT,
    };
    let mut reports: Vec<bare::Report> = town.running().map(report).collect();
    // Shuffled, because reports on one action are adjacent.
    let mut rng = Rng(2);
    (1..reports.len()).rev().for_each(|n| reports.swap(n, rng.below(n + 1)));
    reports.truncate(MOST_REPORTS);
    reports
}

/// The most reports that are prepared; afterwards they start again.
const MOST_REPORTS: usize = 2_000;

fn report_path(report: &bare::Report) -> String {
    format!("/v1/actions/{}/reports", report.action_id)
}

fn body(report: &bare::Report) -> Value {
    json!({
        "committee": report.committee,
        "occurrence": report.occurrence,
        "stage": "done",
        "judgement": "on_track",
        "note": NOTE,
    })
}

/// What a client repeats, over its own connection.
type Work<'w> = Box<dyn FnMut() + 'w>;

impl Line<'_> {
    fn measure(&self, service: &Service, effort: &Effort) -> Row {
        let next = AtomicUsize::new(0);
        let constant_request = [self.constant_request.clone()];
        let home = &service.program.home;
        let is_recorded = service.process.reset_peak();
        let [mut request, mut constant, mut sql] = [(); 3].map(|()| Measured::default());
        for _ in 0..ROUNDS {
            request.run_round(effort, || self.client(&service.process, &self.requests, &next));
            constant.run_round(effort, || self.client(&service.constants, &constant_request, &next));
            sql.run_round(effort, || {
                let mut connection = home.connect();
                let next = &next;
                Box::new(move || (self.bare)(&mut connection, take(next)))
            });
        }
        let peak = service.process.peak().filter(|_| is_recorded);
        Row { engine: home.engine, name: self.name, request, constant, sql, peak }
    }

    fn client<'w>(&'w self, process: &Process, requests: &'w [String], next: &'w AtomicUsize) -> Work<'w> {
        let mut wire = Wire::connect(process.address);
        Box::new(move || {
            let status = wire.send(&requests[take(next) % requests.len()], b"");
            assert_eq!(status, self.status, "{}: {}", self.name, wire.text());
        })
    }
}

/// Takes the next request's number.
fn take(next: &AtomicUsize) -> usize {
    next.fetch_add(1, Ordering::Relaxed)
}

/// The measurements of all rounds.
#[derive(Default)]
struct Measured {
    /// How long each request of a single client took.
    took: Vec<Duration>,
    /// Requests a second of many clients, round by round.
    rates: Vec<f64>,
}

impl Measured {
    fn run_round<'w>(&mut self, effort: &Effort, client: impl Fn() -> Work<'w> + Sync) {
        let turn = effort.round_time();
        // Warm up the connection, so that its statements are prepared.
        let used = || {
            let mut work = client();
            work();
            work
        };
        let mut work = used();
        let (start, before) = (Instant::now(), self.took.len());
        while self.took.len() < before + MIN_RUNS || start.elapsed() < turn {
            interruption::check();
            let run = Instant::now();
            work();
            self.took.push(run.elapsed());
        }
        drop(work);
        let rate = || {
            let mut work = used();
            let (start, mut runs) = (Instant::now(), 0);
            while runs == 0 || start.elapsed() < turn {
                interruption::check();
                work();
                runs += 1;
            }
            f64::from(runs) / start.elapsed().as_secs_f64()
        };
        self.rates.push(std::thread::scope(|scope| {
            let clients: Vec<_> = (0..effort.clients).map(|_| scope.spawn(rate)).collect();
            clients.into_iter().map(|client| client.join().expect("every answer is as it should be")).sum()
        }));
    }

    fn p50(&self) -> f64 {
        percentile(&self.took, 50)
    }

    /// Requests a second of many clients.
    fn rate(&self) -> f64 {
        self.rates.iter().sum::<f64>() / self.rates.len() as f64
    }

    /// The same, or the rate of a single client if that is higher.
    fn best_rate(&self) -> f64 {
        let alone = self.took.len() as f64 / self.took.iter().sum::<Duration>().as_secs_f64();
        alone.max(self.rate())
    }
}

/// A line of the table.
struct Row {
    engine: Engine,
    name: &'static str,
    request: Measured,
    /// The first ceiling: constant bytes.
    constant: Measured,
    /// The second ceiling: bare SQL.
    sql: Measured,
    /// The program's peak memory in MB, on systems that record it.
    peak: Option<f64>,
}

impl Row {
    fn print(&self) {
        let Self { engine, name, request, constant, sql, peak } = self;
        let beside = |ceiling: &Measured| {
            format!(
                "{:>7.0} {:>5.1} % {:>8.3} {:>6.1}x",
                ceiling.best_rate(),
                100.0 * request.rate() / ceiling.best_rate(),
                ceiling.p50(),
                request.p50() / ceiling.p50(),
            )
        };
        println!(
            "{:<11}{name:<25} | {:>7.0} {:>8.3} {:>8.3} {:>5} | {} | {}",
            databases::name(*engine),
            request.rate(),
            request.p50(),
            percentile(&request.took, 99),
            megabytes(*peak),
            beside(constant),
            beside(sql),
        );
    }
}

fn print_table(rows: &[Row], effort: &Effort) {
    let ceiling = format!("{:>7} {:>7} {:>8} {:>7}", "1/s", "of it", "p50, ms", "times");
    println!("\n{:36} | {:31} | {:32} | bare SQL", "", "requests", "constant bytes");
    println!("{:36} | {:>7} {:>8} {:>8} {:>5} | {ceiling} | {ceiling}", "", "1/s", "p50, ms", "p99, ms", "MB");
    rows.iter().for_each(Row::print);
    println!(
        "\n1/s: answers a second to {} clients at once; for a ceiling, or to a single client if that is more.\n\
         p50, p99: times of a single client. MB: the program's peak memory (VmHWM), without PostgreSQL's. Clients are\n\
         threads of the benchmark: they and the database share the processor with the program.\n\
         constant bytes: as many as the answer has, with its status, from a second process with the same server,\n\
         middleware, authentication and log. bare SQL: the statements that the answer needs at least, on a connection\n\
         outside of the pool. of it: the requests' 1/s in percent of the ceiling's; times: their p50 ÷ its p50.",
        effort.clients,
    );
}
