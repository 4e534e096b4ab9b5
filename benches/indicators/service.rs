//! The service over a database with the municipality, and its clients.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use medstrategi::action::assignment::store::projection::AssignmentProjection;
use medstrategi::auth::local::LocalSecret;
use medstrategi::auth::scope::Scope;
use medstrategi::bundle::import::import_creating;
use medstrategi::bundle::model::Bundle;
use medstrategi::db::{Database, Location, Options, block_on};
use serde_json::{Value, json};

use crate::common::POOL;
use crate::common::databases::TestDatabase;
use crate::common::in_process::{self};
use crate::common::wire::Wire;
use crate::tasks::{Method, Task, values_path};
use crate::town::{INDICATORS, MONTHS, MUNICIPALITY, SAMPLE_UNIT, SAMPLE_WORKPLACE, Town, people, unit_key};

/// A server over a database with the municipality.
pub struct Service<'t> {
    pub town: &'t Town,
    pub address: SocketAddr,
    pub database: Database,
    pub secret: LocalSecret,
    /// How often [`Self::change_one_value`] was called.
    pub writes: Cell<usize>,
    pub handle: ServerHandle,
    pub home: TestDatabase,
}

/// One measured run.
pub struct Run {
    pub took: Duration,
    /// The number of SQL statements.
    pub statements: u64,
}

impl<'t> Service<'t> {
    pub fn start(home: TestDatabase, town: &'t Town) -> Self {
        let database = Database::open(
            Location::parse(&home.url).unwrap(),
            Options { pool_size: POOL, ..Options::new(AssignmentProjection) },
        )
        .unwrap();
        import(&database, town);
        let secret = LocalSecret::read_or_create(&home.folder.path().join("medstrategi.secret")).unwrap();
        let (handle, address) = in_process::serve(database.clone(), &secret);
        Self { town, address, database, secret, writes: Cell::new(0), handle, home }
    }

    pub fn token(&self, scope: Scope) -> String {
        let lifetime = Duration::from_secs(24 * 60 * 60);
        self.secret.sign("benchmark", &MUNICIPALITY.parse().unwrap(), &[scope], lifetime).unwrap()
    }

    /// A GET by a reader, from whom small groups are hidden.
    pub fn get(&self, path: &str) -> String {
        let token = self.token(Scope::Read);
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n")
    }

    pub fn read(&self, path: &str) -> Value {
        let mut wire = Wire::connect(self.address);
        assert_eq!(wire.send(&self.get(path), b""), 200, "{path}: {}", wire.text());
        serde_json::from_slice(&wire.body).unwrap()
    }

    /// Writes values of an indicator; returns the run and the answer.
    pub fn put(&self, wire: &mut Wire, indicator: usize, (media_type, body): (&str, &str)) -> (Run, Value) {
        let (path, token) = (values_path(indicator), self.token(Scope::Measure));
        let head = format!(
            "PUT {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let run = self.time(|| assert_eq!(wire.send(&head, body.as_bytes()), 200, "{}", wire.text()));
        (run, serde_json::from_slice(&wire.body).unwrap())
    }

    /// Changes one value of an indicator, so that what is cached of it is out of date.
    pub fn change_one_value(&self, wire: &mut Wire, indicator: usize) {
        let writes = self.writes.get() + 1;
        self.writes.set(writes);
        let value = json!({
            "period": self.town.last_month(),
            "unit": unit_key(SAMPLE_UNIT),
            "value": 100 + writes,
            "count": people(SAMPLE_WORKPLACE, MONTHS - 1),
        });
        let body = json!({"values": [value]}).to_string();
        let (_, found) = self.put(wire, indicator, (JSON, body.as_str()));
        assert_eq!(found, counts(0, 1, 0));
    }

    pub fn time(&self, work: impl FnOnce()) -> Run {
        let (statements, start) = (self.database.statements(), Instant::now());
        work();
        let took = start.elapsed();
        Run { took, statements: self.database.statements() - statements }
    }

    /// What a client repeats, over its own connection.
    pub fn worker<'a>(&'a self, task: &'a Task) -> Box<dyn FnMut() -> Run + 'a> {
        let (values, mut wire) = (task.values, Wire::connect(self.address));
        match &task.method {
            Method::Page { path } => {
                let request = self.get(path);
                Box::new(move || self.time(|| assert_eq!(wire.send(&request, b""), 200, "{}", wire.text())))
            }
            Method::PageAfterWriting { indicator, path } => {
                let request = self.get(path);
                Box::new(move || {
                    self.change_one_value(&mut wire, *indicator);
                    self.time(|| assert_eq!(wire.send(&request, b""), 200, "{}", wire.text()))
                })
            }
            Method::Table { path } => {
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
            Method::Bare { query } => {
                let mut connection = self.home.connect();
                Box::new(move || self.time(|| assert_eq!(query(&mut connection), values)))
            }
        }
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        // Not awaited, because only the server's own runtime could complete it.
        drop(self.handle.stop(false));
    }
}

/// Imports everything except the values into an empty database.
pub fn import(database: &Database, town: &Town) {
    let bundle: Bundle = serde_json::from_value(town.bundle()).unwrap();
    let answer = block_on(import_creating(database, "benchmark", "benchmark", bundle)).unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    for (section, expected) in [("units", town.centres + town.workplaces), ("indicators", INDICATORS)] {
        assert_eq!(answer[section]["created"], json!(expected), "{section}: {answer}");
    }
}

pub const JSON: &str = "application/json";
pub const CSV: &str = "text/csv";

/// The service's answer to a PUT.
pub fn counts(created: usize, updated: usize, unchanged: usize) -> Value {
    json!({"created": created, "updated": updated, "unchanged": unchanged, "removed": 0})
}
