//! `medstrategi import`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, SUBJECT, open, say};
use crate::api;
use crate::auth::local;
use crate::bundle::import;
use crate::bundle::model::{Bundle, ImportAnswer};
use crate::config::Settings;
use crate::db::{Database, block_on};
use crate::http::contract::Contract;
use crate::http::json;
use crate::indicator::value::model::ValueCounts;
use crate::problem::{Problem, Result};
use crate::resource::Counts;

#[derive(Args)]
pub(super) struct Arguments {
    /// Bundles (JSON), one municipality each
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(settings: &Settings, arguments: &Arguments) -> std::result::Result<(), Failure> {
    let (database, _) = open(settings)?;
    let contract = api::contract()?;
    for file in &arguments.files {
        let bytes = std::fs::read(file).map_err(|error| format!("{} can't be read: {error}", file.display()))?;
        let answer = import_bytes(&database, &contract, &bytes).map_err(|problem| in_file(file, problem))?;
        say(format_args!("{}: {}", file.display(), summary(&answer)))?;
    }
    Ok(())
}

/// Imports a bundle as it stands in a file.
pub(super) fn import_bytes(database: &Database, contract: &Contract, bytes: &[u8]) -> Result<ImportAnswer> {
    let bundle: Bundle = contract.parse(json::parse(bytes)?)?;
    block_on(import::import_creating(database, local::ISSUER, SUBJECT, bundle))
}

fn in_file(file: &Path, problem: Problem) -> Problem {
    Problem { detail: format!("{}: {}", file.display(), problem.detail), ..problem }
}

fn summary(answer: &ImportAnswer) -> String {
    let sections: [(&str, Counts); 10] = [
        ("municipality", answer.municipality),
        ("levels", answer.levels),
        ("units", answer.units),
        ("employees", answer.employees),
        ("committees", answer.committees),
        ("strategies", answer.strategies),
        ("focus areas", answer.focus_areas),
        ("objectives", answer.objectives),
        ("actions", answer.actions),
        ("indicators", answer.indicators),
    ];
    let counted = sections.iter().filter(|(_, counts)| *counts != Counts::default());
    let mut lines: Vec<String> = counted
        .map(|(section, Counts { created, updated, unchanged })| {
            format!("\n  {section}: {created} created, {updated} updated, {unchanged} unchanged")
        })
        .collect();
    let ValueCounts { created, updated, unchanged, .. } = answer.values;
    if created + updated + unchanged > 0 {
        lines.push(format!("\n  values: {created} created, {updated} updated, {unchanged} unchanged"));
    }
    format!("imported{}", lines.concat())
}
