//! `medstrategi backup`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::{Failure, say};
use crate::config::Settings;
use crate::db::{Location, backup};

#[derive(Args)]
pub(super) struct Arguments {
    /// The file to create
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(settings: &Settings, Arguments { file }: &Arguments) -> Result<(), Failure> {
    let path = match &settings.database {
        Location::Sqlite(path) => path,
        postgres @ Location::Postgres(_) => {
            return Err(Failure::Sentence(format!(
                "a PostgreSQL database is backed up by PostgreSQL's own program, which takes the password from \
                 PGPASSWORD or ~/.pgpass: pg_dump --format=custom --file={} --dbname={}",
                quoted(&file.display().to_string()),
                quoted(&postgres.without_password()),
            )));
        }
    };
    let begun = Instant::now();
    let bytes = backup::copy(path, file)?;
    say(format_args!(
        "{}: {:.1} MB in {:.1} s, checked and whole.",
        file.display(),
        bytes as f64 / 1e6,
        begun.elapsed().as_secs_f64()
    ))
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
