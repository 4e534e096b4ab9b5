//! How many requests a second the released program answers, how long each takes and how much memory that needs, beside
//! what stands in the way of anything faster.
//!
//! `cargo bench --bench http` imports an invented town into an empty database, on SQLite and then on PostgreSQL, with
//! `medstrategi import`, starts `medstrategi serve` over it, and prints one table: what one client waits for, and how
//! many answers there are in a second while many ask. Beside each line stand its two ceilings, measured in turn with it:
//! as many constant bytes with the same status, behind the same middleware and authentication, and the SQL without
//! which that answer can't come about, run by hand. The program has no route for constant bytes; the benchmark's own
//! program is started as a second process with the same server and that route. Numbers are printed, not judged, since
//! machines differ; what the answers hold is looked at once.
//!
//! `cargo bench --bench http -- --help` lists the arguments. `TEST_POSTGRES_URL` names a PostgreSQL server of one's
//! own, as for the tests; without it a throw-away server is started, which never waits for its disk. `TMPDIR` says on
//! which disk everything else lies. Whatever is started and made is stopped and removed at the end, also after a
//! failure or Ctrl-C. `cargo test --benches` tries all of it, in a village and for a moment.

// What fails here has failed the benchmark, and what it has to say, it prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use common::bare::{self, NOTE, StrategyProgress};
use common::databases::{self, Databases, Home};
use common::program::{Process, Program};
use common::town::{
    ACTIONS, Assignment, MONTHS, MUNICIPALITY, STRATEGY, Size, Town, action_key, committee_key, indicator_key, unit_key,
};
use common::wire::Wire;
use common::{Dice, in_process, interruption, is_smoke_test, megabytes, percentile, tell_of_build};
use medstrategi::auth::scope::Scope;
use medstrategi::db::{AnyConnection, Engine};
use serde_json::{Value, json};

/// The program's own, for the process that answers constant bytes.
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
    /// How many clients ask at once
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    clients: usize,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
    /// What cargo adds
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

/// What is tried where nothing is to be told.
const VILLAGE: Size = Size { committees: 60, reports: 100, employees: 100, values: 100 };

/// Says that this process is the one that answers constant bytes.
const SERVE_CONSTANTS: &str = "--serve-constants";

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if let [SERVE_CONSTANTS, database_url, secret_file, bind] = given.iter().map(String::as_str).collect::<Vec<_>>()[..]
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

/// The town in files, as `medstrategi import` takes it.
struct Bundles {
    files: Vec<PathBuf>,
    // Gone with it are the files.
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
        tell_of_build();
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

/// A line and its ceilings have their turns in each round, so that whatever else the machine does strikes all.
const ROUNDS: u32 = 3;
/// Every turn asks at least so often, however long an answer takes.
const FEWEST: usize = 5;

impl Effort {
    /// How long a turn is, with one client, and again with many.
    fn turn(&self) -> Duration {
        let turns = ROUNDS * 3 * 2;
        Duration::from_secs_f64(self.seconds) / turns
    }
}

fn measure(home: Home, town: &Town, bundles: &Bundles, effort: &Effort) -> Vec<Row> {
    let engine = home.engine;
    databases::print_head(engine);
    let program = Program::over(home);
    let begun = Instant::now();
    program.import(&bundles.files);
    program.home.settle();
    println!("imported in {:.1} s", begun.elapsed().as_secs_f64());
    let served = Served { constants: program.serve_constants(SERVE_CONSTANTS), process: program.serve(), program };
    let line = |line: Line<'_>| {
        let row = line.measure(&served, effort);
        println!("{}: p50 {:.2} ms, {:.0} a second", row.name, row.request.p50(), row.request.rate());
        row
    };
    lines(town, &served).into_iter().map(line).collect()
}

/// The program, and the process with the constant bytes. What is used comes before what it uses, to be dropped first.
struct Served {
    process: Process,
    constants: Process,
    program: Program,
}

/// Whose requests they are: somebody of the municipality, but no employee.
const SUBJECT: &str = "benchmark";

impl Served {
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
        assert_eq!(wire.ask(&self.get(path), b""), 200, "{path}: {}", wire.text());
        (serde_json::from_slice(&wire.body).unwrap(), wire)
    }
}

/// What stands in a line of the table.
struct Line<'l> {
    name: &'static str,
    /// Sent in turn, each by whichever client comes next.
    requests: Vec<String>,
    status: u16,
    /// The same for the constant bytes.
    constant_request: String,
    /// The SQL of the request with this number.
    bare: BareRequest<'l>,
}

type BareRequest<'l> = Box<dyn Fn(&mut AnyConnection, usize) + Sync + 'l>;

fn lines<'l>(town: &'l Town, served: &'l Served) -> Vec<Line<'l>> {
    let lasting: Vec<usize> = (0..town.committees.len()).filter(|n| town.is_lasting(*n)).collect();
    let workplaces = town.workplaces();
    let progress = format!("/v1/strategies/{STRATEGY}/progress");
    let (strategy, _) = served.read(&format!("/v1/strategies/{STRATEGY}"));
    let series =
        |workplace: usize| format!("/v1/indicators/{}/values?unit={}&group=", indicator_key(0), unit_key(workplace));
    let statements = StrategyProgress {
        engine: served.program.home.engine,
        strategy_id: strategy["id"].as_str().unwrap().to_owned(),
        first: town.first,
        today: town.today,
    };
    let reports = running(town, &strategy);
    let posts: Vec<String> = reports.iter().map(|report| served.post(&report_path(report), &body(report))).collect();
    let mut wire = Wire::connect(served.process.address);
    assert_eq!(wire.ask(&posts[0], b""), 201, "{}", wire.text());
    let constant_post = served.post(&in_process::constant_path(201, wire.body.len()), &body(&reports[0]));
    // Whatever is written gives progress another tag.
    let (_, wire) = served.read(&progress);
    let tag = format!("if-none-match: {}\r\n", wire.header("etag").expect("progress has an ETag"));
    let unchanged = served.head("GET", &progress, Scope::Read, &tag);
    let (committees, units) = (lasting.clone(), workplaces.clone());

    let get = |name, paths: Vec<String>, found: fn(&Value) -> bool, bare| {
        let (answer, wire) = served.read(&paths[0]);
        assert!(found(&answer), "{name}: {answer}");
        Line {
            name,
            requests: paths.iter().map(|path| served.get(path)).collect(),
            status: 200,
            constant_request: served.get(&in_process::constant_path(200, wire.body.len())),
            bare,
        }
    };
    vec![
        Line {
            name: "304: progress, unchanged",
            requests: vec![unchanged],
            status: 304,
            constant_request: served.get(&in_process::constant_path(304, 0)),
            bare: Box::new(|connection, _| assert_eq!(bare::newest_change(connection), 1)),
        },
        get(
            "one committee",
            lasting.iter().map(|n| format!("/v1/committees/{}", committee_key(*n))).collect(),
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
        // The last, since it changes what there is.
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

/// Reports that can be made today: on what runs now, by those that have long been there.
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
    // Those on one action stand together, and clients take one after the other.
    let mut dice = Dice(2);
    (1..reports.len()).rev().for_each(|n| reports.swap(n, dice.throw(n + 1)));
    reports.truncate(MOST_REPORTS);
    reports
}

/// They begin again after so many: each is a request that is made beforehand.
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

/// What a client does again and again, over a connection of its own.
type Work<'w> = Box<dyn FnMut() + 'w>;

impl Line<'_> {
    fn measure(&self, served: &Served, effort: &Effort) -> Row {
        let next = AtomicUsize::new(0);
        let constant_request = [self.constant_request.clone()];
        let home = &served.program.home;
        let is_told = served.process.forget_peak();
        let [mut request, mut constant, mut sql] = [(); 3].map(|()| Measured::default());
        for _ in 0..ROUNDS {
            request.take_turn(effort, || self.client(&served.process, &self.requests, &next));
            constant.take_turn(effort, || self.client(&served.constants, &constant_request, &next));
            sql.take_turn(effort, || {
                let mut connection = home.connect();
                let next = &next;
                Box::new(move || (self.bare)(&mut connection, take(next)))
            });
        }
        let peak = served.process.peak().filter(|_| is_told);
        Row { engine: home.engine, name: self.name, request, constant, sql, peak }
    }

    fn client<'w>(&'w self, process: &Process, requests: &'w [String], next: &'w AtomicUsize) -> Work<'w> {
        let mut wire = Wire::connect(process.address);
        Box::new(move || {
            let status = wire.ask(&requests[take(next) % requests.len()], b"");
            assert_eq!(status, self.status, "{}: {}", self.name, wire.text());
        })
    }
}

/// The number of a request; the next one has another.
fn take(next: &AtomicUsize) -> usize {
    next.fetch_add(1, Ordering::Relaxed)
}

/// What the turns of one thing have come to.
#[derive(Default)]
struct Measured {
    /// How long each took that nobody else waited beside.
    took: Vec<Duration>,
    /// How many there were in a second while many asked, turn by turn.
    rates: Vec<f64>,
}

impl Measured {
    fn take_turn<'w>(&mut self, effort: &Effort, client: impl Fn() -> Work<'w> + Sync) {
        let turn = effort.turn();
        // A connection that was used before knows its statements.
        let used = || {
            let mut work = client();
            work();
            work
        };
        let mut work = used();
        let (begun, before) = (Instant::now(), self.took.len());
        while self.took.len() < before + FEWEST || begun.elapsed() < turn {
            interruption::check();
            let run = Instant::now();
            work();
            self.took.push(run.elapsed());
        }
        drop(work);
        let rate = || {
            let mut work = used();
            let (begun, mut runs) = (Instant::now(), 0);
            while runs == 0 || begun.elapsed() < turn {
                interruption::check();
                work();
                runs += 1;
            }
            f64::from(runs) / begun.elapsed().as_secs_f64()
        };
        self.rates.push(std::thread::scope(|scope| {
            let clients: Vec<_> = (0..effort.clients).map(|_| scope.spawn(rate)).collect();
            clients.into_iter().map(|client| client.join().expect("every answer is as it should be")).sum()
        }));
    }

    fn p50(&self) -> f64 {
        percentile(&self.took, 50)
    }

    /// How many there are in a second while many ask.
    fn rate(&self) -> f64 {
        self.rates.iter().sum::<f64>() / self.rates.len() as f64
    }

    /// The same, or what one alone achieves, where that is more.
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
    /// The first ceiling.
    constant: Measured,
    /// The second.
    sql: Measured,
    /// The most memory that the program had in use meanwhile, in MB, where the system tells.
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
        "\n1/s: answers a second while {} clients ask at once; of a ceiling, the better of that and one client alone.\n\
         p50, p99: what one client waits that asks alone. MB: the most memory that the program had in use (VmHWM),\n\
         PostgreSQL's own aside. Clients are threads of the benchmark: they and the database share the processor with\n\
         the program.\n\
         constant bytes: as many as the answer has, with its status, from a second process with the same server,\n\
         middleware, authentication and log. bare SQL: the statements without which the answer can't come about, on a\n\
         connection of one's own. of it: the requests' 1/s in percent of the ceiling's; times: their p50 by its p50.",
        effort.clients,
    );
}
