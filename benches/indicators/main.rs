//! Measures how a municipality of Copenhagen's size writes and reads values of indicators, and the memory that this
//! needs, compared with ceilings.
//!
//! `cargo bench --bench indicators` fills an empty database over HTTP, on SQLite and then on PostgreSQL: 60 indicators
//! of 1,500 units for 60 months, which are 5.4 million values. Half of the indicators hide groups of fewer than five (2
//! % of the workplaces), and a third is aggregated up the unit tree. Then it reads series, newest values, tables,
//! verdicts and progress. The ceilings are measured in alternation with the rest: the same rows inserted by the fastest
//! plain SQL into a copy of the database; the rows of an answer read by one statement; and constant bytes behind the
//! same middleware and authentication, after a trivial SELECT. Figures are printed without judging them, because
//! machines differ. The benchmark fails if an answer is wrong.
//!
//! - `INDICATORS_SCALE=0.05` makes the units fewer. `cargo test --benches` uses 0.01 unless it is set.
//! - `INDICATORS_MINUTES=6` is the longest time to fill each engine; the benchmark says what was left out. `cargo test
//!   --benches` uses 6 seconds unless it is set.
//! - `TEST_POSTGRES_URL` names a PostgreSQL server, as for the tests; the benchmark drops its databases at the end.
//!   Without it, it starts a throw-away server with `fsync` off.
//! - `TMPDIR` says where everything else is stored.
//!
//! Memory is that of this process, which is server and client, without PostgreSQL's. The client holds one body at a
//! time, of some 6 MB, and nothing of the tables that it reads. Nothing is logged.

// A benchmark may panic and print.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod ceiling;
#[path = "../common/mod.rs"]
mod common;
mod service;
mod table;
mod tasks;
mod town;

use std::time::{Duration, Instant};

use medstrategi::db::Engine;
use serde_json::Value;

use ceiling::Ceiling;
use common::databases::{Databases, TestDatabase, print_engine};
use common::wire::Wire;
use common::{Memory, is_smoke_test, megabytes, memory, reset_peak};
use service::{CSV, JSON, Service, counts};
use table::{Row, print_ratios, print_table_head};
use tasks::{FIRST, TABLE_OF_SEVERAL, check_answers, newest, several, tasks};
use town::{INDICATORS, Town, indicator_key};

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The least indicators that are written, however long that takes: one of every kind, in JSON and in CSV.
const MIN_WRITTEN: usize = 12;

fn main() {
    let is_smoke_test = is_smoke_test();
    let (usual_scale, usual_minutes) = if is_smoke_test { (0.01, 0.1) } else { (1.0, 6.0) };
    let filling = Duration::from_secs_f64(60.0 * setting("INDICATORS_MINUTES", usual_minutes));
    let effort = match is_smoke_test {
        true => Effort { filling, again: 2, rounds: 1, span: Duration::from_millis(20) },
        false => Effort { filling, again: 4, rounds: 3, span: Duration::from_secs(1) },
    };
    let town = Town::new(setting("INDICATORS_SCALE", usual_scale));
    town.print_size();
    let databases = Databases::start();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if let (Some(home), Some(copy)) = (databases.create(engine), databases.create(engine)) {
            measure(home, copy, &town, &effort);
        }
    }
}

fn setting(name: &str, usual: f64) -> f64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, such as {usual}")),
        Err(_) => usual,
    }
}

/// How much is measured. Tasks alternate in rounds, so that a slow moment of the machine affects all of them.
struct Effort {
    /// The longest time to fill the database.
    filling: Duration,
    /// How many indicators are written again, unchanged and then revised, and inserted by plain SQL.
    again: usize,
    rounds: usize,
    /// The length of a task in a round.
    span: Duration,
}

fn measure(home: TestDatabase, copy: TestDatabase, town: &Town, effort: &Effort) {
    let engine = home.engine;
    print_engine(engine);
    let ceiling = Ceiling::prepare(copy, town);
    let service = Service::start(home, town);
    let resident = || memory("self", Memory::Resident);
    let empty = resident();
    let (mut rows, written) = fill(&service, ceiling, effort);
    service.home.settle();
    let filled = resident();

    let newest = newest(written);
    rows.push(Row::once(FIRST, &service, &newest));
    let tasks = tasks(town, newest);
    check_answers(town, &service, &tasks);
    let mut asked: Vec<Row> = tasks.iter().map(|task| Row::new(task.name, task.values)).collect();
    for _ in 0..effort.rounds {
        asked.iter_mut().zip(&tasks).for_each(|(row, task)| row.measure(&service, task, effort.span));
    }
    rows.extend(asked);
    rows.push(Row::once(TABLE_OF_SEVERAL, &service, &several(town, written)));
    let read = resident();

    print_table_head();
    rows.iter().for_each(Row::print);
    println!(
        "\nmemory in use, MB: {} before anything was written, {} after that, {} after everything was read",
        megabytes(empty),
        megabytes(filled),
        megabytes(read),
    );
    print_ratios(engine, &rows);
}

const NEW_JSON: &str = "PUT of an indicator, all new, JSON";
const NEW_CSV: &str = "PUT of an indicator, all new, CSV";
const UNCHANGED: &str = "PUT again, nothing changed, JSON";
const REVISED: &str = "PUT again, everything revised, JSON";

/// Writes indicators, one after another, until the time is over. Returns the measurements with their ceilings, and the
/// number of indicators written.
fn fill(service: &Service<'_>, mut ceiling: Ceiling, effort: &Effort) -> (Vec<Row>, usize) {
    let town = service.town;
    let values = town.values();
    let [mut new_json, mut new_csv, mut unchanged, mut revised] =
        [NEW_JSON, NEW_CSV, UNCHANGED, REVISED].map(|name| Row::new(name, values));
    let mut bare = ceiling.methods().map(|method| Row::new(method, values));
    let put = |row: &mut Row, n: usize, (media_type, body): (&str, String), expected: Value| {
        // A new connection, because the server might have closed an idle one while the body was made.
        let mut wire = Wire::connect(service.address);
        let is_recorded = reset_peak("self");
        let (run, found) = service.put(&mut wire, n, (media_type, body.as_str()));
        assert_eq!(found, expected, "{}: {}", row.name, indicator_key(n));
        row.record(run);
        row.record_peak(is_recorded);
    };
    let (start, mut written) = (Instant::now(), 0);
    while written < INDICATORS && (written < MIN_WRITTEN || start.elapsed() < effort.filling) {
        let n = written;
        match n % 5 {
            4 => put(&mut new_csv, n, (CSV, town.csv(n)), counts(values, 0, 0)),
            _ => put(&mut new_json, n, (JSON, town.json(n, false)), counts(values, 0, 0)),
        }
        if n < effort.again {
            put(&mut unchanged, n, (JSON, town.json(n, false)), counts(0, 0, values));
            put(&mut revised, n, (JSON, town.json(n, true)), counts(0, values, 0));
            bare.iter_mut().enumerate().for_each(|(method, row)| row.record(ceiling.insert(town, n, method)));
        }
        written += 1;
    }
    let (all, seconds) = (written * values, start.elapsed().as_secs_f64());
    println!("{all} values of {written} indicators written in {seconds:.0} s, revisions and ceilings included");
    if written < INDICATORS {
        let left = (INDICATORS - written) * values;
        println!("NOT ALL: {left} values were left out when the time was over; INDICATORS_MINUTES gives more.");
    }
    let rows = bare.into_iter().chain([new_json, new_csv, unchanged, revised]).collect();
    (rows, written)
}
