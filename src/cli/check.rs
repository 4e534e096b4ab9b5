//! `medstrategi check`

use std::sync::Arc;
use std::time::Instant;

use super::{Failure, say};
use crate::action::assignment::store::projection::AssignmentProjection;
use crate::api;
use crate::check;
use crate::config::Settings;
use crate::db::{Database, Options, block_on, integrity};

/// What `--help` says.
pub(super) const HELP: &str = "\
Read the whole database and tell what breaks a rule, a line each; changes nothing.

Exits with 0 where nothing does, with 1 otherwise. It may run beside the service: it reads in transactions that the \
engine lets write nothing, one for each step and municipality, and nobody waits for it. What was changed between two \
of them is seen by the later ones alone. A municipality without its values is held in memory at a time: some 400 MB \
for 100,000 reports.

Read are: the engine's own integrity, tables, indexes and foreign keys; references, also those that no foreign key \
holds, and that none leads into another municipality; ids, days and moments that can't be read; each municipality's \
bundle and values, imported again for show, which must pass every rule and change nothing; what is kept beside the \
rows (latest reports, counts, search texts, periods of values); and the change log, which must end in what the rows are.

What people are to decide, such as who of two chairs stays (/v1/committee-proposals), is no finding. \
Not read are: actors, idempotency keys and the access log, beyond their references; and what older changes say, beyond \
CPR numbers in what is about people.";

pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let begun = Instant::now();
    let database = Database::open(
        settings.database.clone(),
        Options { is_read_only: true, ..Options::new(AssignmentProjection) },
    )?;
    let mut stdout = Ok(());
    let mut report = |finding: &str| {
        if stdout.is_ok() {
            stdout = say(format_args!("{finding}"));
        }
    };
    let checked = block_on(check::check(&database, Arc::new(api::contract()?), &mut report));
    stdout?;
    let summary = match checked {
        Err(problem) if integrity::is_damage(&problem) => {
            let location = database.location();
            return Err(Failure::Sentence(format!(
                "{location} is damaged, and can't be read to its end: restore a backup, and check that"
            )));
        }
        checked => checked?,
    };
    let rows: i64 = summary.rows.iter().map(|(_, rows)| rows).sum();
    say(format_args!(
        "{}: {} municipalities, {rows} rows ({} changes, {} reports, {} values) read in {:.1} s: {} findings.",
        database.location(),
        summary.municipalities,
        summary.rows_of("changes"),
        summary.rows_of("reports"),
        summary.rows_of("indicator_values"),
        begun.elapsed().as_secs_f64(),
        summary.findings
    ))?;
    match summary.findings {
        0 => Ok(()),
        _ => Err(Failure::Reported),
    }
}
