//! How fast a municipality of Copenhagen's size writes what it measures and reads it again, how much memory that costs,
//! and what stands in the way of anything faster.
//!
//! `cargo bench --bench indicators` fills an empty database, on SQLite and then on PostgreSQL, over HTTP: 60 indicators
//! of 1,500 units each, for 60 months, which are 5.4 million values; half of the indicators hide groups of fewer than
//! five, which 2 % of the workplaces are, and a third is told up the unit tree. Then it asks for series, newest values,
//! tables, verdicts and progress. Beside that stand ceilings, measured in turn with the rest: the same rows inserted by
//! the best plain SQL in one transaction, into an equal database without the service; the rows of an answer read by one
//! statement; and constant bytes behind the same middleware and authentication, after a trivial SELECT. Numbers are
//! printed, not judged, since machines differ; what the answers hold must be right.
//!
//! - `INDICATORS_SCALE=0.05` makes the units fewer, to try the benchmark quickly. `cargo test --benches` runs it at 0.01
//!   where nothing else is said.
//! - `INDICATORS_MINUTES=6` is how long each engine is filled at the most; what is not written by then is left out, and
//!   the benchmark says so. `cargo test --benches` fills for 6 seconds where nothing else is said.
//! - `TEST_POSTGRES_URL` names a PostgreSQL server of one's own, as for the tests; the databases that are made there
//!   are dropped again. Without it a throw-away server is started, which never waits for its disk.
//! - `TMPDIR` says on which disk everything else lies.
//!
//! Memory is that of this process, which is server and client; PostgreSQL has its own beside it. The client holds one
//! body to send at a time, of some 6 MB, and nothing of the tables that it reads. What the service remembers of the
//! first engine's indicators is still there when the second is measured. Nothing is logged.

// What fails here has failed the benchmark, and what it has to say, it prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::cell::Cell;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use chrono::{Datelike, Days, Months, NaiveDate};
use common::databases::{Databases, Home, print_head};
use common::in_process::{self, SELECT_PATH};
use common::sql::rows;
use common::wire::Wire;
use common::{Dice, Memory, POOL, forget_peak, is_smoke_test, megabytes, memory, percentile, tell_of_build};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text};
use medstrategi::action::assignment::tally::Tallies;
use medstrategi::auth::local::LocalSecret;
use medstrategi::auth::scope::Scope;
use medstrategi::bundle::import::import_creating;
use medstrategi::bundle::model::Bundle;
use medstrategi::db::schema::indicator_values;
use medstrategi::db::{AnyConnection, Database, Engine, Location};
use medstrategi::period::{self, Period};
use serde_json::{Value, json};

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// At scale 1. As many units have values of each indicator.
const WORKPLACES: f64 = 1500.0;
const INDICATORS: usize = 60;
const MONTHS: usize = 60;
/// How many indicators have a target, and tell about the strategy.
const AIMED: usize = 20;
/// No fewer people are shown.
const LEAST: usize = 5;
const MUNICIPALITY: &str = "storby";
const STRATEGY: &str = "strategi";
/// Every round asks at least so often, however long an answer takes.
const FEWEST: usize = 5;
/// So many indicators are written however long that takes: one of every kind, in JSON and in CSV.
const FEWEST_WRITTEN: usize = 12;
/// So many indicators are read as one table.
const SEVERAL: usize = 20;
fn main() {
    let is_smoke_test = is_smoke_test();
    let (usual_scale, usual_minutes) = if is_smoke_test { (0.01, 0.1) } else { (1.0, 6.0) };
    let filling = Duration::from_secs_f64(60.0 * setting("INDICATORS_MINUTES", usual_minutes));
    let effort = match is_smoke_test {
        true => Effort { filling, again: 2, rounds: 1, span: Duration::from_millis(20) },
        false => Effort { filling, again: 4, rounds: 3, span: Duration::from_secs(1) },
    };
    let town = Town::new(setting("INDICATORS_SCALE", usual_scale));
    town.tell_size();
    let databases = Databases::start();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if let (Some(home), Some(equal)) = (databases.create(engine), databases.create(engine)) {
            measure(home, equal, &town, &effort);
        }
    }
}

fn setting(name: &str, usual: f64) -> f64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, such as {usual}")),
        Err(_) => usual,
    }
}

/// How much is measured. Everything that is read has its turn in each round, so that whatever else the machine does
/// strikes all.
struct Effort {
    /// How long the database is filled at the most.
    filling: Duration,
    /// How many indicators are written again, unchanged and then revised; and how often plain SQL inserts the same.
    again: usize,
    rounds: usize,
    /// How long each is asked for in a round.
    span: Duration,
}

fn measure(home: Home, equal: Home, town: &Town, effort: &Effort) {
    let engine = home.engine;
    print_head(engine);
    let ceiling = Ceiling::prepare(equal, town);
    let served = Served::start(home, town);
    let resident = || memory("self", Memory::Resident);
    let empty = resident();
    let (mut rows, written) = fill(&served, ceiling, effort);
    served.home.settle();
    let filled = resident();

    let newest = newest(written);
    rows.push(Row::once(FIRST, &served, &newest));
    let subjects = subjects(town, newest);
    check_answers(town, &served, &subjects);
    let mut asked: Vec<Row> = subjects.iter().map(|subject| Row::new(subject.name, subject.values)).collect();
    for _ in 0..effort.rounds {
        asked.iter_mut().zip(&subjects).for_each(|(row, subject)| row.measure(&served, subject, effort.span));
    }
    rows.extend(asked);
    rows.push(Row::once(TABLE_OF_SEVERAL, &served, &several(town, written)));
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

/// The municipality, and what it measures.
struct Town {
    today: NaiveDate,
    /// The first day of the first month that there are values for; the last is the one before today's.
    first: NaiveDate,
    /// The months, as periods are written.
    months: Vec<String>,
    workplaces: usize,
    centres: usize,
}

/// Whose values they are.
#[derive(Clone, Copy)]
enum Place {
    Municipality,
    Centre(usize),
    Workplace(usize),
}

/// A value.
struct Measurement {
    /// A place in [`Town::places`].
    place: usize,
    /// A place in [`Town::months`].
    month: usize,
    /// The value, times ten.
    tenths: usize,
    people: usize,
}

impl Town {
    fn new(scale: f64) -> Self {
        let smallest_tree = 10;
        let workplaces = ((WORKPLACES * scale).round() as usize).max(smallest_tree);
        let today = period::today();
        let first = today - Days::new(u64::from(today.day0())) - Months::new(MONTHS as u32);
        let month = |n: usize| {
            let begins = first + Months::new(n as u32);
            format!("{}-{:02}", begins.year(), begins.month())
        };
        Self { today, first, months: (0..MONTHS).map(month).collect(), workplaces, centres: (workplaces / 25).max(1) }
    }

    fn last_month(&self) -> &str {
        &self.months[MONTHS - 1]
    }

    /// How many values an indicator is written with.
    fn values(&self) -> usize {
        self.workplaces * MONTHS
    }

    /// How many values an indicator is answered with.
    fn answered(&self, indicator: usize) -> usize {
        match aggregation(indicator) {
            "none" => self.values(),
            // The centres have theirs from the workplaces, and so has the municipality.
            _ => self.values() + (self.centres + 1) * MONTHS,
        }
    }

    /// Whose values are written. Where nothing is told up the tree, the municipality and its centres have their own,
    /// and so many workplaces fewer.
    fn places(&self, indicator: usize) -> Vec<Place> {
        let workplaces = (0..self.workplaces).map(Place::Workplace);
        match aggregation(indicator) {
            "none" => {
                let above = [Place::Municipality].into_iter().chain((0..self.centres).map(Place::Centre));
                above.chain(workplaces).take(self.workplaces).collect()
            }
            _ => workplaces.collect(),
        }
    }

    /// The values of an indicator, month by month; where `is_revised`, each is another than before.
    fn measurements(&self, indicator: usize, is_revised: bool) -> Vec<Measurement> {
        let places = self.places(indicator);
        let mut measurements = Vec::with_capacity(places.len() * MONTHS);
        for month in 0..MONTHS {
            let people = self.people_of(&places, month);
            measurements.extend(people.into_iter().enumerate().map(|(place, people)| {
                let seed = ((indicator * MONTHS + month) * places.len() + place) as u64;
                let tenths = Dice(seed).throw(300) + usize::from(is_revised);
                Measurement { place, month, tenths, people }
            }));
        }
        measurements
    }

    /// How many people stand behind the values of a month: behind those above, all that stand behind those below.
    fn people_of(&self, places: &[Place], month: usize) -> Vec<usize> {
        let (mut all, mut by_centre) = (0, vec![0; self.centres]);
        for place in places {
            if let Place::Workplace(workplace) = *place {
                all += people(workplace, month);
                by_centre[self.centre_of(workplace)] += people(workplace, month);
            }
        }
        let behind = |place: &Place| match *place {
            Place::Municipality => all,
            Place::Centre(centre) => by_centre[centre],
            Place::Workplace(workplace) => people(workplace, month),
        };
        places.iter().map(behind).collect()
    }

    fn centre_of(&self, workplace: usize) -> usize {
        workplace % self.centres
    }

    fn json(&self, indicator: usize, is_revised: bool) -> String {
        let keys: Vec<Option<String>> = self.places(indicator).into_iter().map(unit_key).collect();
        let mut body = String::from(r#"{"values":["#);
        for (n, measurement) in self.measurements(indicator, is_revised).iter().enumerate() {
            let Measurement { place, month, tenths, people } = measurement;
            let (comma, month) = (if n == 0 { "" } else { "," }, &self.months[*month]);
            write!(body, r#"{comma}{{"period":"{month}""#).unwrap();
            if let Some(key) = &keys[*place] {
                write!(body, r#","unit":"{key}""#).unwrap();
            }
            write!(body, r#","value":{}.{},"count":{people}}}"#, tenths / 10, tenths % 10).unwrap();
        }
        body.push_str("]}");
        body
    }

    fn csv(&self, indicator: usize) -> String {
        let keys: Vec<String> =
            self.places(indicator).into_iter().map(|place| unit_key(place).unwrap_or_default()).collect();
        let mut body = String::from("period,unit,value,count\n");
        for Measurement { place, month, tenths, people } in self.measurements(indicator, false) {
            let (month, key) = (&self.months[month], &keys[place]);
            writeln!(body, "{month},{key},{}.{},{people}", tenths / 10, tenths % 10).unwrap();
        }
        body
    }

    /// Everything but the values.
    fn bundle(&self) -> Value {
        let centres = (0..self.centres).map(|centre| {
            json!({"key": unit_key(Place::Centre(centre)), "name": format!("Center {centre}"), "kind": "centre"})
        });
        let workplaces = (0..self.workplaces).map(|workplace| {
            json!({
                "key": unit_key(Place::Workplace(workplace)),
                "name": format!("Arbejdspladsen ved Åen {workplace}"),
                "kind": "workplace",
                "parent": unit_key(Place::Centre(self.centre_of(workplace))),
            })
        });
        let objectives = (0..OBJECTIVES).map(|n| {
            let text = format!("Det går den rigtige vej med {n}.");
            json!({"key": objective_key(n), "kind": "goal", "text": text})
        });
        json!({
            "municipality": {"key": MUNICIPALITY, "code": "998", "name": "Storby Kommune"},
            "units": centres.chain(workplaces).collect::<Vec<_>>(),
            "strategies": [{
                "key": STRATEGY,
                "title": "Strategi for arbejdsmiljøet",
                "kind": "plan",
                "status": "adopted",
                "starts_on": self.first,
                "ends_on": self.today + Months::new(12),
                "focus_areas": [{
                    "key": AREA,
                    "title": "Et sundt arbejdsliv",
                    "objectives": objectives.collect::<Vec<_>>(),
                }],
            }],
            "indicators": (0..INDICATORS).map(|n| self.indicator(n)).collect::<Vec<_>>(),
        })
    }

    fn indicator(&self, n: usize) -> Value {
        let is_aimed = n < AIMED;
        let objective = format!("{STRATEGY}/{AREA}/{}", objective_key(n % OBJECTIVES));
        json!({
            "key": indicator_key(n),
            "title": format!("Nøgletal {n}"),
            "definition": "Dage pr. ansat i måneden, opgjort den femte i den næste.",
            "unit_of_measure": "dage pr. ansat",
            "direction": if n.is_multiple_of(4) { "increase" } else { "decrease" },
            "frequency": "month",
            "source": "Lønsystemet",
            "method": "register",
            "decimals": 1,
            "min_group": hides(n).then_some(LEAST),
            "aggregation": aggregation(n),
            "objectives": if is_aimed { vec![objective] } else { Vec::new() },
            "targets": if is_aimed { vec![self.target(n)] } else { Vec::new() },
        })
    }

    /// Of every rule that numbers are enough for; half of them for a month that has passed, some for a workplace.
    fn target(&self, n: usize) -> Value {
        let mut target = match n % 4 {
            0 => json!({"rule": "at_least", "value": 12}),
            1 => json!({"rule": "at_most", "value": 14.5}),
            2 => json!({"rule": "maintain", "value": 15, "tolerance": 1}),
            _ => json!({"rule": "less_than_period", "baseline_period": self.months[0]}),
        };
        if (n / 4).is_multiple_of(2) {
            target["period"] = json!(self.last_month());
        }
        if n % 5 == 1 {
            target["unit"] = json!(unit_key(ASKED));
        }
        target
    }

    fn tell_size(&self) {
        println!(
            "{INDICATORS} indicators of {} units each over {MONTHS} months: {} values. {} centres, {} workplaces, \
             of which {} are small.",
            self.workplaces,
            INDICATORS * self.values(),
            self.centres,
            self.workplaces,
            (0..self.workplaces).filter(|workplace| is_small(*workplace)).count(),
        );
        tell_of_build();
    }
}

/// How many people work at a workplace.
fn people(workplace: usize, month: usize) -> usize {
    match is_small(workplace) {
        true => 1 + (workplace + month) % (LEAST - 1),
        false => 8 + Dice(workplace as u64).throw(60) + month % 3,
    }
}

/// One in fifty is, and in the smallest municipality one.
fn is_small(workplace: usize) -> bool {
    let throw = Dice(6_000_000 + workplace as u64).throw(100);
    workplace == 3 || (workplace > 3 && throw < 2)
}

/// An indicator that neither hides anything nor is told up the tree.
const PLAIN: usize = 1;
/// One that hides small groups.
const HIDING: usize = 2;
/// One that does both.
const BOTH: usize = 0;
/// The workplace that is asked about; it is measured in every indicator, and is not small.
const ASKED: Place = Place::Workplace(ASKED_WORKPLACE);
const ASKED_WORKPLACE: usize = 0;
/// The centre above it.
const ASKED_CENTRE: Place = Place::Centre(0);

fn hides(indicator: usize) -> bool {
    indicator.is_multiple_of(2)
}

fn aggregation(indicator: usize) -> &'static str {
    match indicator % 12 {
        0 | 3 => "mean",
        6 | 9 => "sum",
        _ => "none",
    }
}

const AREA: &str = "omraade";
const OBJECTIVES: usize = 5;

fn objective_key(n: usize) -> String {
    format!("maal-{n}")
}

fn indicator_key(n: usize) -> String {
    format!("noegletal-{n:02}")
}

/// None for the municipality, which is no unit.
fn unit_key(place: Place) -> Option<String> {
    match place {
        Place::Municipality => None,
        Place::Centre(n) => Some(format!("center-{n:03}")),
        Place::Workplace(n) => Some(format!("arbejdsplads-{n:05}")),
    }
}

/// The municipality in a database of its own, and a server over it.
struct Served<'t> {
    town: &'t Town,
    address: SocketAddr,
    database: Database,
    secret: LocalSecret,
    /// How often a single value was written.
    touches: Cell<usize>,
    handle: ServerHandle,
    home: Home,
}

/// One answer, or what stands for it.
struct Run {
    took: Duration,
    /// How many SQL statements it came to.
    statements: u64,
}

impl<'t> Served<'t> {
    fn start(home: Home, town: &'t Town) -> Self {
        let database = Database::open(Location::parse(&home.url).unwrap(), POOL).unwrap().keeping(Tallies);
        import(&database, town);
        let secret = LocalSecret::read_or_create(&home.folder.path().join("medstrategi.secret")).unwrap();
        let (handle, address) = in_process::serve(database.clone(), &secret);
        Self { town, address, database, secret, touches: Cell::new(0), handle, home }
    }

    fn token(&self, scope: Scope) -> String {
        let lifetime = Duration::from_secs(24 * 60 * 60);
        self.secret.sign("benchmark", &MUNICIPALITY.parse().unwrap(), &[scope], lifetime).unwrap()
    }

    /// A GET by somebody from whom small groups are hidden.
    fn get(&self, path: &str) -> String {
        let token = self.token(Scope::Read);
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n")
    }

    fn read(&self, path: &str) -> Value {
        let mut wire = Wire::connect(self.address);
        assert_eq!(wire.ask(&self.get(path), b""), 200, "{path}: {}", wire.text());
        serde_json::from_slice(&wire.body).unwrap()
    }

    /// Writes values of an indicator, and what that came to.
    fn put(&self, wire: &mut Wire, indicator: usize, (media_type, body): (&str, &str)) -> (Run, Value) {
        let (path, token) = (values_path(indicator), self.token(Scope::Measure));
        let head = format!(
            "PUT {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let run = self.time(|| assert_eq!(wire.ask(&head, body.as_bytes()), 200, "{}", wire.text()));
        (run, serde_json::from_slice(&wire.body).unwrap())
    }

    /// Writes one value of an indicator, other than it was, so that nothing that is remembered of it holds.
    fn touch(&self, wire: &mut Wire, indicator: usize) {
        let touches = self.touches.get() + 1;
        self.touches.set(touches);
        let value = json!({
            "period": self.town.last_month(),
            "unit": unit_key(ASKED),
            "value": 100 + touches,
            "count": people(ASKED_WORKPLACE, MONTHS - 1),
        });
        let body = json!({"values": [value]}).to_string();
        let (_, found) = self.put(wire, indicator, (JSON, body.as_str()));
        assert_eq!(found, counts(0, 1, 0));
    }

    fn time(&self, work: impl FnOnce()) -> Run {
        let (statements, begun) = (self.database.statements(), Instant::now());
        work();
        let took = begun.elapsed();
        Run { took, statements: self.database.statements() - statements }
    }

    /// What a client does again and again, over a connection of its own.
    fn worker<'a>(&'a self, subject: &'a Subject) -> Box<dyn FnMut() -> Run + 'a> {
        let (values, mut wire) = (subject.values, Wire::connect(self.address));
        match &subject.way {
            Way::Page { path } => {
                let request = self.get(path);
                Box::new(move || self.time(|| assert_eq!(wire.ask(&request, b""), 200, "{}", wire.text())))
            }
            Way::PageAfterWriting { indicator, path } => {
                let request = self.get(path);
                Box::new(move || {
                    self.touch(&mut wire, *indicator);
                    self.time(|| assert_eq!(wire.ask(&request, b""), 200, "{}", wire.text()))
                })
            }
            Way::Table { path } => {
                let request = self.get(path);
                Box::new(move || {
                    self.time(|| {
                        let mut lines = 0;
                        let status = wire.exchange(&request, b"", |piece| {
                            lines += piece.iter().filter(|byte| **byte == b'\n').count();
                        });
                        let header = 1;
                        assert_eq!((status, lines), (200, values + header), "{}", wire.head);
                    })
                })
            }
            Way::Bare { question } => {
                let mut connection = self.home.connect();
                Box::new(move || self.time(|| assert_eq!(question(&mut connection), values)))
            }
        }
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        // Not waited for: the runtime that would carry it out is the server's own.
        drop(self.handle.stop(false));
    }
}

/// Imports everything but the values into an empty database.
fn import(database: &Database, town: &Town) {
    let bundle: Bundle = serde_json::from_value(town.bundle()).unwrap();
    let answer = serde_json::to_value(import_creating(database, "benchmark", "benchmark", bundle).unwrap()).unwrap();
    for (section, wanted) in [("units", town.centres + town.workplaces), ("indicators", INDICATORS)] {
        assert_eq!(answer[section]["created"], json!(wanted), "{section}: {answer}");
    }
}

const NEW_JSON: &str = "PUT of an indicator, all new, JSON";
const NEW_CSV: &str = "PUT of an indicator, all new, CSV";
const UNCHANGED: &str = "PUT again, nothing changed, JSON";
const REVISED: &str = "PUT again, everything revised, JSON";
const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// What the service answers to a PUT.
fn counts(created: usize, updated: usize, unchanged: usize) -> Value {
    json!({"created": created, "updated": updated, "unchanged": unchanged, "removed": 0})
}

/// Writes the indicators, one after another, for as long as there is time: what that and its ceilings came to, and how
/// many indicators were written.
fn fill(served: &Served<'_>, mut ceiling: Ceiling, effort: &Effort) -> (Vec<Row>, usize) {
    let town = served.town;
    let values = town.values();
    let [mut new_json, mut new_csv, mut unchanged, mut revised] =
        [NEW_JSON, NEW_CSV, UNCHANGED, REVISED].map(|name| Row::new(name, values));
    let mut bare = ceiling.ways().map(|way| Row::new(way, values));
    let put = |row: &mut Row, n: usize, (media_type, body): (&str, String), wanted: Value| {
        // One that was kept might have been closed while the next body was made.
        let mut wire = Wire::connect(served.address);
        let is_told = forget_peak("self");
        let (run, found) = served.put(&mut wire, n, (media_type, body.as_str()));
        assert_eq!(found, wanted, "{}: {}", row.name, indicator_key(n));
        row.note(run);
        row.note_peak(is_told);
    };
    let (begun, mut written) = (Instant::now(), 0);
    while written < INDICATORS && (written < FEWEST_WRITTEN || begun.elapsed() < effort.filling) {
        let n = written;
        match n % 5 {
            4 => put(&mut new_csv, n, (CSV, town.csv(n)), counts(values, 0, 0)),
            _ => put(&mut new_json, n, (JSON, town.json(n, false)), counts(values, 0, 0)),
        }
        if n < effort.again {
            put(&mut unchanged, n, (JSON, town.json(n, false)), counts(0, 0, values));
            put(&mut revised, n, (JSON, town.json(n, true)), counts(0, values, 0));
            bare.iter_mut().enumerate().for_each(|(way, row)| row.note(ceiling.insert(town, n, way)));
        }
        written += 1;
    }
    let (all, seconds) = (written * values, begun.elapsed().as_secs_f64());
    println!("{all} values of {written} indicators written in {seconds:.0} s, revisions and ceilings included");
    if written < INDICATORS {
        let left = (INDICATORS - written) * values;
        println!("NOT ALL: {left} values were left out when the time was over; INDICATORS_MINUTES gives more.");
    }
    let rows = bare.into_iter().chain([new_json, new_csv, unchanged, revised]).collect();
    (rows, written)
}

const BARE_BATCHES: &str = "bare SQL: INSERT of 500 rows a statement";
const BARE_PREPARED: &str = "bare SQL: INSERT, prepared, row by row";
const BARE_ARRAYS: &str = "bare SQL: INSERT of all rows from arrays";

/// An equal database into which values are inserted by plain SQL, with the same keys, checks and commits.
struct Ceiling {
    connection: AnyConnection,
    home: Home,
}

/// A row of `indicator_values`.
struct ValueRow {
    series: i64,
    period: i32,
    value: f64,
    people: i32,
}

impl Ceiling {
    fn prepare(home: Home, town: &Town) -> Self {
        import(&Database::open(Location::parse(&home.url).unwrap(), 1).unwrap(), town);
        Self { connection: home.connect(), home }
    }

    /// The two quickest ways; which is the better hangs on the machine.
    fn ways(&self) -> [&'static str; 2] {
        match self.home.engine {
            Engine::Sqlite => [BARE_BATCHES, BARE_PREPARED],
            Engine::Postgres => [BARE_BATCHES, BARE_ARRAYS],
        }
    }

    /// Inserts the values of the indicator in one transaction. Each way and turn has series of its own, which are made
    /// before, as is all that the statements are made of.
    fn insert(&mut self, town: &Town, turn: usize, way: usize) -> Run {
        let series = self.series(town, turn * self.ways().len() + way);
        let rows = value_rows(town, turn, &series);
        let took = match self.ways()[way] {
            BARE_BATCHES => self.insert_batches(&rows),
            _ => self.insert_by_values(rows),
        };
        Run { took, statements: 0 }
    }

    /// As many series of an indicator as have values.
    fn series(&mut self, town: &Town, indicator: usize) -> Vec<i64> {
        let (key, count) = (indicator_key(indicator), town.workplaces);
        let sql = format!(
            "INSERT INTO value_series (indicator_id, unit_id, employee_group) \
             SELECT i.id, u.id, '' FROM indicators i CROSS JOIN units u \
             WHERE i.key = '{key}' ORDER BY u.key LIMIT {count}"
        );
        self.connection.batch_execute(&sql).unwrap();
        let sql = format!(
            "SELECT s.id FROM value_series s JOIN indicators i ON i.id = s.indicator_id \
             WHERE i.key = '{key}' ORDER BY s.id"
        );
        let ids: Vec<(i64,)> = rows!(&mut self.connection, &sql, [BigInt]);
        assert_eq!(ids.len(), count, "{key}");
        ids.into_iter().map(|(id,)| id).collect()
    }

    fn insert_batches(&mut self, rows: &[ValueRow]) -> Duration {
        let statement = |batch: &[ValueRow]| {
            let mut sql = String::from(
                "INSERT INTO indicator_values (series_id, period, value, people, is_provisional, written_in) VALUES ",
            );
            for (n, ValueRow { series, period, value, people }) in batch.iter().enumerate() {
                let comma = if n == 0 { "" } else { "," };
                write!(sql, "{comma}({series},{period},{value:.1},{people},FALSE,1)").unwrap();
            }
            sql
        };
        let statements: Vec<String> = rows.chunks(500).map(statement).collect();
        let begun = Instant::now();
        self.connection.batch_execute("BEGIN").unwrap();
        statements.iter().for_each(|sql| self.connection.batch_execute(sql).unwrap());
        self.connection.batch_execute("COMMIT").unwrap();
        begun.elapsed()
    }

    /// SQLite costs little by the statement, and PostgreSQL much.
    fn insert_by_values(&mut self, rows: Vec<ValueRow>) -> Duration {
        let series: Vec<i64> = rows.iter().map(|row| row.series).collect();
        let periods: Vec<i32> = rows.iter().map(|row| row.period).collect();
        let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
        let people: Vec<i32> = rows.iter().map(|row| row.people).collect();
        let begun = Instant::now();
        self.connection.batch_execute("BEGIN").unwrap();
        match &mut self.connection {
            AnyConnection::Postgres(postgres) => {
                let insert = diesel::sql_query(
                    "INSERT INTO indicator_values (series_id, period, value, people, is_provisional, written_in) \
                     SELECT s, p, v, c, FALSE, 1 FROM UNNEST($1, $2, $3, $4) AS given (s, p, v, c)",
                );
                let insert = insert
                    .bind::<Array<BigInt>, _>(series)
                    .bind::<Array<Integer>, _>(periods)
                    .bind::<Array<Double>, _>(values)
                    .bind::<Array<Integer>, _>(people);
                assert_eq!(insert.execute(postgres).unwrap(), rows.len());
            }
            AnyConnection::Sqlite(sqlite) => {
                for ValueRow { series, period, value, people } in rows {
                    let insert = diesel::insert_into(indicator_values::table).values((
                        indicator_values::series_id.eq(series),
                        indicator_values::period.eq(period),
                        indicator_values::value.eq(value),
                        indicator_values::people.eq(people),
                        indicator_values::is_provisional.eq(false),
                        indicator_values::written_in.eq(1_i64),
                    ));
                    insert.execute(&mut *sqlite).unwrap();
                }
            }
        }
        self.connection.batch_execute("COMMIT").unwrap();
        begun.elapsed()
    }
}

/// The values of an indicator as rows of series, in the order of the table, which is the quickest.
fn value_rows(town: &Town, indicator: usize, series: &[i64]) -> Vec<ValueRow> {
    let number = |month: &String| {
        let period: Period = month.parse().unwrap();
        period.number()
    };
    let periods: Vec<i32> = town.months.iter().map(number).collect();
    let row = |measurement: Measurement| {
        let Measurement { place, month, tenths, people } = measurement;
        let value = tenths as f64 / 10.0;
        ValueRow { series: series[place], period: periods[month], value, people: i32::try_from(people).unwrap() }
    };
    let mut rows: Vec<ValueRow> = town.measurements(indicator, false).into_iter().map(row).collect();
    rows.sort_unstable_by_key(|row| (row.series, row.period));
    rows
}

/// What is read, and by which name it is printed.
struct Subject {
    name: &'static str,
    /// How many values an answer holds; 0 where it holds something else.
    values: usize,
    way: Way,
}

enum Way {
    /// JSON, over HTTP.
    Page { path: String },
    /// The same after a value of an indicator was written, which doesn't count.
    PageAfterWriting { indicator: usize, path: String },
    /// CSV, over HTTP, which is not kept.
    Table { path: String },
    /// Straight from the database: how many rows came.
    Bare { question: fn(&mut AnyConnection) -> usize },
}

const SELECT: &str = "constant bytes after a SELECT";
const BARE_SERIES: &str = "bare SQL: a unit's series";
const SERIES: &str = "a unit's series";
const SERIES_HIDING: &str = "a unit's series, min_group";
const SERIES_HIDING_COLD: &str = "a unit's series, min_group, after a PUT";
const SERIES_BOTH: &str = "a unit's series, min_group, mean";
const SERIES_BOTH_COLD: &str = "a unit's series, min_group, mean, after a PUT";
const SERIES_AGGREGATE: &str = "a centre's series, min_group, mean";
const BARE_NEWEST: &str = "bare SQL: a unit's newest of all indicators";
const FIRST: &str = "a unit's newest of all indicators, first time";
const NEWEST: &str = "a unit's newest of all indicators";
const BARE_SCAN: &str = "bare SQL: an indicator's values";
const TABLE: &str = "CSV of an indicator";
const TABLE_HIDING: &str = "CSV of an indicator, min_group";
const TABLE_BOTH: &str = "CSV of an indicator, min_group, mean";
const TABLE_OF_SEVERAL: &str = "CSV of several indicators, once";
const VERDICTS: &str = "verdicts of an indicator";
const PROGRESS: &str = "progress of a strategy with 20 targets";

fn newest(written: usize) -> Subject {
    let path = format!("/v1/values?unit={}&latest=true", unit_key(ASKED).unwrap());
    Subject { name: NEWEST, values: written, way: Way::Page { path } }
}

fn several(town: &Town, written: usize) -> Subject {
    let chosen = 0..written.min(SEVERAL);
    let keys: Vec<String> = chosen.clone().map(indicator_key).collect();
    let path = format!("/v1/values?indicator={}&format=csv", keys.join(","));
    let values = chosen.map(|n| town.answered(n)).sum();
    Subject { name: TABLE_OF_SEVERAL, values, way: Way::Table { path } }
}

fn subjects(town: &Town, newest: Subject) -> Vec<Subject> {
    let page = |name: &'static str, values: usize, path: String| Subject { name, values, way: Way::Page { path } };
    let series_path =
        |indicator: usize, place: Place| format!("{}?unit={}", values_path(indicator), unit_key(place).unwrap());
    let series = |name: &'static str, indicator: usize, place: Place| page(name, MONTHS, series_path(indicator, place));
    let cold = |name: &'static str, indicator: usize| Subject {
        name,
        values: MONTHS,
        way: Way::PageAfterWriting { indicator, path: series_path(indicator, ASKED) },
    };
    let table = |name: &'static str, indicator: usize| Subject {
        name,
        values: town.answered(indicator),
        way: Way::Table { path: format!("{}?format=csv", values_path(indicator)) },
    };
    let bare = |name: &'static str, values: usize, question: fn(&mut AnyConnection) -> usize| Subject {
        name,
        values,
        way: Way::Bare { question },
    };
    vec![
        page(SELECT, 0, SELECT_PATH.to_owned()),
        bare(BARE_SERIES, MONTHS, bare_series),
        series(SERIES, PLAIN, ASKED),
        series(SERIES_HIDING, HIDING, ASKED),
        series(SERIES_BOTH, BOTH, ASKED),
        series(SERIES_AGGREGATE, BOTH, ASKED_CENTRE),
        cold(SERIES_HIDING_COLD, HIDING),
        cold(SERIES_BOTH_COLD, BOTH),
        bare(BARE_NEWEST, newest.values, bare_newest),
        newest,
        page(VERDICTS, 0, format!("/v1/indicators/{}/verdicts", indicator_key(BOTH))),
        page(PROGRESS, 0, format!("/v1/strategies/{STRATEGY}/progress")),
        bare(BARE_SCAN, town.answered(PLAIN), bare_scan),
        table(TABLE, PLAIN),
        table(TABLE_HIDING, HIDING),
        table(TABLE_BOTH, BOTH),
    ]
}

fn values_path(indicator: usize) -> String {
    format!("/v1/indicators/{}/values", indicator_key(indicator))
}

/// Fails where an answer holds other than was written, or hides all or nothing.
fn check_answers(town: &Town, served: &Served<'_>, subjects: &[Subject]) {
    for subject in subjects.iter().filter(|subject| subject.values > 0) {
        if let Way::Page { path } | Way::PageAfterWriting { path, .. } = &subject.way {
            let answer = served.read(path);
            assert_eq!(answer["items"].as_array().map(Vec::len), Some(subject.values), "{}", subject.name);
        }
    }
    let month = town.last_month();
    let answer = served.read(&format!("{}?from={month}&to={month}&limit=10000", values_path(HIDING)));
    let items = answer["items"].as_array().unwrap();
    let hidden = items.iter().filter(|item| item["is_suppressed"] == json!(true)).count();
    let people = town.people_of(&town.places(HIDING), MONTHS - 1);
    let small = people.iter().filter(|people| **people < LEAST).count();
    assert_eq!(items.len(), people.len(), "values of {month}");
    assert!(small <= hidden && 0 < hidden && hidden < items.len(), "{hidden} values hidden for {small} small ones");
    println!("of {} values of a month, {small} are small, and {hidden} are hidden", items.len());

    let verdicts = served.read(&format!("/v1/indicators/{}/verdicts", indicator_key(BOTH)));
    assert_eq!(verdicts["items"].as_array().map(Vec::len), Some(1), "{verdicts}");
    let progress = served.read(&format!("/v1/strategies/{STRATEGY}/progress"));
    let counts = progress["indicators"].as_object().expect("a strategy tells of its indicators");
    let judged: u64 = counts.values().filter_map(Value::as_u64).sum();
    assert_eq!(judged, AIMED as u64, "{progress}");
}

/// The rows of [`SERIES`].
fn bare_series(connection: &mut AnyConnection) -> usize {
    let sql = format!(
        "SELECT v.period, v.value, v.people, v.is_provisional, v.note \
         FROM value_series s JOIN indicator_values v ON v.series_id = s.id \
         WHERE s.indicator_id = {} AND s.unit_id = {} AND s.employee_group = '' AND s.benchmark_id IS NULL \
         ORDER BY v.period",
        bare_indicator(),
        bare_unit(),
    );
    rows!(connection, &sql, [Integer, Double, Nullable<Integer>, Bool, Nullable<Text>]).len()
}

/// The rows of [`NEWEST`].
fn bare_newest(connection: &mut AnyConnection) -> usize {
    let sql = format!(
        "SELECT s.indicator_id, v.period, v.value, v.people, v.is_provisional, v.note \
         FROM value_series s JOIN indicator_values v ON v.series_id = s.id \
         WHERE s.unit_id = {} AND s.employee_group = '' \
         AND v.period = (SELECT MAX(n.period) FROM indicator_values n WHERE n.series_id = s.id)",
        bare_unit(),
    );
    rows!(connection, &sql, [Text, Integer, Double, Nullable<Integer>, Bool, Nullable<Text>]).len()
}

/// The rows of [`TABLE`], in no order.
fn bare_scan(connection: &mut AnyConnection) -> usize {
    let sql = format!(
        "SELECT v.period, u.key, s.employee_group, v.value, v.people, v.is_provisional, v.note \
         FROM value_series s JOIN indicator_values v ON v.series_id = s.id LEFT JOIN units u ON u.id = s.unit_id \
         WHERE s.indicator_id = {} AND s.benchmark_id IS NULL",
        bare_indicator(),
    );
    rows!(connection, &sql, [Integer, Nullable<Text>, Text, Double, Nullable<Integer>, Bool, Nullable<Text>]).len()
}

/// The plain indicator in SQL.
fn bare_indicator() -> String {
    let key = indicator_key(PLAIN);
    format!("(SELECT id FROM indicators WHERE municipality_id = {} AND key = '{key}')", bare_municipality())
}

/// The unit that is asked about in SQL.
fn bare_unit() -> String {
    let key = unit_key(ASKED).unwrap();
    format!("(SELECT id FROM units WHERE municipality_id = {} AND key = '{key}')", bare_municipality())
}

fn bare_municipality() -> String {
    format!("(SELECT id FROM municipalities WHERE key = '{MUNICIPALITY}')")
}

/// What the runs of one thing have come to.
struct Row {
    name: &'static str,
    /// How many values a run is about; 0 where it is about something else.
    values: usize,
    took: Vec<Duration>,
    statements: u64,
    /// The most memory that the process had in use meanwhile, in MB, where the system tells.
    peak: Option<f64>,
}

impl Row {
    fn new(name: &'static str, values: usize) -> Self {
        Self { name, values, took: Vec::new(), statements: 0, peak: None }
    }

    /// What is asked a single time.
    fn once(name: &'static str, served: &Served<'_>, subject: &Subject) -> Self {
        let mut row = Self::new(name, subject.values);
        let mut work = served.worker(subject);
        let is_told = forget_peak("self");
        row.note(work());
        row.note_peak(is_told);
        row
    }

    fn measure(&mut self, served: &Served<'_>, subject: &Subject, span: Duration) {
        let mut work = served.worker(subject);
        // A connection that was used before knows its statements.
        work();
        let is_told = forget_peak("self");
        let (begun, before) = (Instant::now(), self.took.len());
        while self.took.len() < before + FEWEST || begun.elapsed() < span {
            self.note(work());
        }
        self.note_peak(is_told);
    }

    fn note(&mut self, Run { took, statements }: Run) {
        self.took.push(took);
        self.statements += statements;
    }

    /// Takes the peak since it was forgotten.
    fn note_peak(&mut self, is_told: bool) {
        let peak = memory("self", Memory::Peak).filter(|_| is_told);
        self.peak = self.peak.into_iter().chain(peak).reduce(f64::max);
    }

    /// The time that so many percent of the runs did not exceed, in ms; of few runs 99 % are all.
    fn milliseconds(&self, percent: usize) -> f64 {
        percentile(&self.took, percent)
    }

    /// Values a second.
    fn rate(&self) -> f64 {
        let seconds = self.took.iter().sum::<Duration>().as_secs_f64();
        (self.values * self.took.len()) as f64 / seconds
    }

    fn print(&self) {
        let statements = match self.statements {
            // It runs its own.
            0 => String::new(),
            all => format!("{:.0}", all as f64 / self.took.len() as f64),
        };
        let (values, rate) = match self.values {
            0 => (String::new(), String::new()),
            values => (values.to_string(), format!("{:.0}", self.rate())),
        };
        println!(
            "{:<46}| {values:>8} {:>5} {statements:>10} {:>10.3} {:>10.3} {rate:>10} {:>8}",
            self.name,
            self.took.len(),
            self.milliseconds(50),
            self.milliseconds(99),
            megabytes(self.peak),
        );
    }
}

fn print_table_head() {
    println!(
        "\n{:<46}| {:>8} {:>5} {:>10} {:>10} {:>10} {:>10} {:>8}",
        "", "values", "runs", "statements", "p50, ms", "p99, ms", "values/s", "peak MB"
    );
}

fn print_ratios(engine: Engine, rows: &[Row]) {
    let row = |name: &str| rows.iter().find(|row| row.name == name).expect("it was measured");
    let other = if engine == Engine::Sqlite { BARE_PREPARED } else { BARE_ARRAYS };
    let insert = row(BARE_BATCHES).rate().max(row(other).rate());
    println!("\nbeside the quicker of the bare INSERTs, in values/s:");
    for name in [NEW_JSON, NEW_CSV, UNCHANGED, REVISED] {
        println!("{name:<46}| {:>8.0} %", 100.0 * row(name).rate() / insert);
    }
    println!("beside their bare SQL, in p50:");
    let pairs = [
        (SERIES, BARE_SERIES),
        (SERIES_HIDING, BARE_SERIES),
        (SERIES_BOTH, BARE_SERIES),
        (SERIES_HIDING_COLD, BARE_SCAN),
        (NEWEST, BARE_NEWEST),
        (TABLE, BARE_SCAN),
        (TABLE_HIDING, BARE_SCAN),
    ];
    for (name, bare) in pairs {
        println!("{name:<46}| {:>8.2} times", row(name).milliseconds(50) / row(bare).milliseconds(50));
    }
}
