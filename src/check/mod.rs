//! Reads the whole database and reports what breaks a rule.
//!
//! First, for all municipalities together: what the engine itself finds, and whether the tables are as the migrations
//! make them (`structure`); whether every row refers to an existing row of its own municipality (`references`); whether
//! texts that stand for ids and times can be read (`forms`).
//!
//! Then for each municipality, in read transactions: whether its bundle could be imported again and would change
//! nothing, which applies every rule of the service (`reimport`); whether derived data equals what the rows give
//! (`derived_data`); whether the change log ends in what the rows are (`log`). Where that fails because something can't
//! be read, the rows are read one by one to find which (`rows`).
//!
//! Nothing is written, and no lock is taken that anybody waits for.

mod derived_data;
mod forms;
mod log;
mod references;
mod reimport;
mod rows;
mod structure;

use std::sync::{Arc, mpsc};

use crate::cpr;
use crate::db::integrity::{self, Structure};
use crate::db::types::Key;
use crate::db::{AnyConnection, Database, Principal, Tenant};
use crate::http::contract::Contract;
use crate::municipality::store as municipality;
use crate::problem::{Kind, Problem, Result};

/// Where the steps of a check report what breaks a rule.
#[derive(Clone)]
struct Findings {
    lines: mpsc::Sender<String>,
    municipality: Option<Key>,
}

impl Findings {
    /// Adds a finding as one line. Anything that looks like a CPR number is crossed out.
    fn add(&self, finding: impl AsRef<str>) {
        let finding = finding.as_ref().replace(['\n', '\r'], " ");
        let line = match &self.municipality {
            Some(key) => format!("{key}: {finding}"),
            None => finding,
        };
        // Where nobody receives any more, the check has failed.
        let _ = self.lines.send(cpr::crossed_out(line, '\''));
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

/// Reads the whole database and passes each finding to `report`, as a line without its end. Fails where the database
/// can't be read, such as when the connection broke.
pub async fn check(database: &Database, contract: Arc<Contract>, report: &mut dyn FnMut(&str)) -> Result<Summary> {
    let (lines, received) = mpsc::channel();
    let mut summary = Summary::default();
    let mut report_received = |summary: &mut Summary| {
        received.try_iter().for_each(|line: String| {
            summary.findings += 1;
            report(&line);
        });
    };
    let findings = Findings { lines, municipality: None };
    let keys = check_tables(database, &findings, &mut summary).await;
    report_received(&mut summary);
    for key in keys? {
        summary.municipalities += 1;
        let principal = Principal { municipality: key.clone(), issuer: "check".into(), subject: "check".into() };
        let findings = Findings { municipality: Some(key), ..findings.clone() };
        for step in STEPS {
            let outcome = run_step(database, &principal, &contract, &findings, step).await;
            report_received(&mut summary);
            if outcome? == Outcome::Unreadable {
                break;
            }
        }
    }
    Ok(summary)
}

/// Checks what no municipality is needed for. Answers the keys of all municipalities, or none where the tables are such
/// that they can't be read.
async fn check_tables(database: &Database, findings: &Findings, summary: &mut Summary) -> Result<Vec<Key>> {
    let (found, tables) = (findings.clone(), findings.clone());
    let expected = Structure::expected()?;
    let structure = expected.clone();
    let is_readable = database.admin(move |connection| structure::check(connection, &structure, &tables)).await?;
    if !is_readable {
        return Ok(Vec::new());
    }
    let work = move |connection: &mut AnyConnection| {
        references::check(connection, &expected, &found)?;
        forms::check(connection, &expected, &found)?;
        let mut tables: Vec<&String> = expected.columns.iter().map(|column| &column.table).collect();
        tables.dedup();
        let mut rows = Vec::new();
        for table in tables {
            rows.push((table.clone(), integrity::count(connection, table)?));
        }
        Ok((rows, municipality::keys(connection)?))
    };
    let (rows, keys) = database.admin(|admin| admin.read(work)).await?;
    summary.rows = rows;
    Ok(keys)
}

/// Part of the check of a municipality.
type Step = (&'static str, fn(&mut Tenant<'_>, &Contract, &Findings) -> Result<()>);

const STEPS: [Step; 4] = [
    ("the bundle", reimport::check),
    ("the values", reimport::check_values),
    ("what is kept beside the rows", |tenant, _, findings| derived_data::check(tenant, findings)),
    ("the change log", |tenant, _, findings| log::check(tenant, findings)),
];

#[derive(PartialEq, Eq)]
enum Outcome {
    Checked,
    /// Some row can't be read, so the steps that follow can't be run.
    Unreadable,
}

async fn run_step(
    database: &Database,
    principal: &Principal,
    contract: &Arc<Contract>,
    findings: &Findings,
    (what, check): Step,
) -> Result<Outcome> {
    let (found, contract) = (findings.clone(), Arc::clone(contract));
    match database.read(principal, move |tenant| check(tenant, &contract, &found)).await {
        Ok(()) => Ok(Outcome::Checked),
        Err(problem) if problem.kind == Kind::Unavailable => Err(problem),
        Err(problem) => {
            findings.add(format!("{what} can't be read: {}; the rest of it was not", describe(&problem)));
            let found = findings.clone();
            database.read(principal, move |tenant| rows::check(tenant, &found)).await?;
            Ok(Outcome::Unreadable)
        }
    }
}

/// A problem in one line, with its causes, which an operator wants to know.
fn describe(problem: &Problem) -> String {
    let mut description = problem.cause.as_ref().map_or_else(|| problem.detail.clone(), ToString::to_string);
    let mut cause = problem.cause.as_ref().and_then(|cause| cause.source());
    while let Some(next) = cause {
        description = format!("{description}: {next}");
        cause = next.source();
    }
    description
}
