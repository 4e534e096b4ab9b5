//! Reads the whole database and tells what breaks a rule.
//!
//! From below to above: what the engine itself finds and whether the tables are as the migrations make them
//! (`structure`), whether every row refers to what is there and is its own municipality's (`references`), whether
//! texts that stand for ids and moments can be read (`forms`); then, municipality by municipality and each in one
//! reading transaction, whether its bundle could be imported again and would change nothing, which brings every rule
//! of the service to bear (`rehearsal`), whether what is kept beside the rows equals what can be told from them
//! (`kept`), and whether the change log ends in what the rows are (`log`).
//!
//! Nothing is written, and no lock is taken that anybody waits for.

mod forms;
mod kept;
mod log;
mod references;
mod rehearsal;
mod rows;
mod structure;

use crate::cpr;
use crate::db::integrity::{self, Structure};
use crate::db::types::Key;
use crate::db::{Database, Principal, Writer};
use crate::http::contract::Contract;
use crate::municipality::store as municipality;
use crate::problem::{Kind, Problem, Result};

/// What breaks a rule, told one by one as it is found.
pub struct Findings<'t> {
    tell: &'t mut dyn FnMut(&str),
    count: usize,
    municipality: Option<Key>,
}

impl<'t> Findings<'t> {
    /// Each finding goes to `tell`, a line without its end.
    pub fn new(tell: &'t mut dyn FnMut(&str)) -> Self {
        Self { tell, count: 0, municipality: None }
    }

    /// Notes a finding. What looks like a CPR number is not repeated, and a line stays a line.
    fn add(&mut self, finding: impl AsRef<str>) {
        self.count += 1;
        let finding = finding.as_ref().replace(['\n', '\r'], " ");
        let line = match &self.municipality {
            Some(key) => format!("{key}: {finding}"),
            None => finding,
        };
        (self.tell)(&cpr::crossed_out(line, '\''));
    }
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many findings there were.
    pub findings: usize,
    /// How many municipalities were read.
    pub municipalities: usize,
    /// The tables and how many rows each has.
    pub rows: Vec<(String, i64)>,
}

impl Summary {
    /// The rows of a table.
    pub fn rows_of(&self, table: &str) -> i64 {
        self.rows.iter().find(|(name, _)| name == table).map_or(0, |(_, rows)| *rows)
    }
}

/// Reads the whole database. `Err` where that was not possible, such as when the connection broke.
pub fn check(database: &Database, contract: &Contract, tell: &mut dyn FnMut(&str)) -> Result<Summary> {
    let mut findings = Findings::new(tell);
    let expected = Structure::expected()?;
    let mut summary = Summary::default();
    let is_readable = database.unbound(|connection| structure::check(connection, &expected, &mut findings))?;
    if is_readable {
        let keys = database.look(|connection| {
            references::check(connection, &expected, &mut findings)?;
            forms::check(connection, &expected, &mut findings)?;
            let mut tables: Vec<&String> = expected.columns.iter().map(|column| &column.table).collect();
            tables.dedup();
            for table in tables {
                summary.rows.push((table.clone(), integrity::count(connection, table)?));
            }
            municipality::keys(connection)
        })?;
        for key in keys {
            summary.municipalities += 1;
            check_municipality(database, contract, key, &mut findings)?;
        }
    }
    Ok(Summary { findings: findings.count, ..summary })
}

fn check_municipality(database: &Database, contract: &Contract, key: Key, findings: &mut Findings<'_>) -> Result<()> {
    let principal = Principal { municipality: key.clone(), issuer: "check".into(), subject: "check".into() };
    findings.municipality = Some(key);
    type Check = fn(&mut Writer<'_>, &Contract, &mut Findings<'_>) -> Result<()>;
    let checks: [(&str, Check); 4] = [
        ("the bundle", rehearsal::check),
        ("the values", rehearsal::check_values),
        ("what is kept beside the rows", |writer, _, findings| kept::check(writer, findings)),
        ("the change log", |writer, _, findings| log::check(writer, findings)),
    ];
    for (what, check) in checks {
        match database.compare(&principal, |writer| check(writer, contract, findings)) {
            Ok(()) => {}
            Err(problem) if problem.kind == Kind::Unavailable => return Err(problem),
            Err(problem) => {
                findings.add(format!("{what} can't be read: {}; the rest of it was not", told(&problem)));
                database.compare(&principal, |writer| rows::check(writer, findings))?;
                break;
            }
        }
    }
    findings.municipality = None;
    Ok(())
}

/// A problem in one line, with its causes, which an operator wants to know.
fn told(problem: &Problem) -> String {
    let mut told = problem.cause.as_ref().map_or_else(|| problem.detail.clone(), ToString::to_string);
    let mut cause = problem.cause.as_ref().and_then(|cause| cause.source());
    while let Some(next) = cause {
        told = format!("{told}: {next}");
        cause = next.source();
    }
    told
}
