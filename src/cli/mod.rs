//! The command line: one file per command.

mod backup;
mod check;
mod demo;
mod export;
mod healthcheck;
mod import;
mod migrate;
mod openapi;
mod serve;
mod token;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::action::assignment::store::projection::AssignmentProjection;
use crate::config::{Flags, Settings};
use crate::db::{Database, Options, Retention, block_on, migrate as migrations};
use crate::problem::{Kind, Problem};

/// The subject in the change log when a command writes.
const SUBJECT: &str = "command-line";

/// A municipality's MED strategy work behind a REST API
#[derive(Parser)]
#[command(name = "medstrategi", version, about)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Migrate the database and serve the API
    Serve(serve::Arguments),
    /// Bring the database to this version's schema
    Migrate,
    /// Import bundles, each in one transaction; creates a municipality that isn't there yet
    Import(import::Arguments),
    /// Print a municipality's bundle
    Export(export::Arguments),
    /// Copy the database to a file while it is in use (SQLite)
    Backup(backup::Arguments),
    /// Read the whole database and tell what breaks a rule; changes nothing
    #[command(long_about = check::HELP)]
    Check,
    /// Ask the service at the configured address whether it can serve
    Healthcheck,
    /// Print a token signed with the local secret
    Token(token::Arguments),
    /// Print the OpenAPI contract
    Openapi,
}

/// Why a command failed, for people.
enum Failure {
    /// A setting, an argument, a file: the sentence says what to do.
    Sentence(String),
    /// A problem that the service found.
    Problem(Box<Problem>),
    /// It has been printed already.
    Reported,
}

impl From<String> for Failure {
    fn from(sentence: String) -> Self {
        Self::Sentence(sentence)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// Runs the command that the command line names.
pub fn run() -> ExitCode {
    let Arguments { flags, command } = Arguments::parse();
    match run_command(&flags, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure);
            ExitCode::FAILURE
        }
    }
}

fn run_command(flags: &Flags, command: Command) -> Result<(), Failure> {
    let settings = || Settings::load(flags);
    match command {
        Command::Serve(arguments) => serve::run(settings()?, &arguments),
        Command::Migrate => migrate::run(&settings()?),
        Command::Import(arguments) => import::run(&settings()?, &arguments),
        Command::Export(arguments) => export::run(&settings()?, &arguments),
        Command::Backup(arguments) => backup::run(&settings()?, &arguments),
        Command::Check => check::run(&settings()?),
        Command::Healthcheck => healthcheck::run(&settings()?),
        Command::Token(arguments) => token::run(&settings()?, &arguments),
        Command::Openapi => openapi::run(),
    }
}

#[allow(clippy::print_stderr)]
fn report(failure: &Failure) {
    match failure {
        Failure::Reported => {}
        Failure::Sentence(sentence) => eprintln!("medstrategi: {sentence}"),
        // The text for HTTP refers to a log that a command doesn't have.
        Failure::Problem(problem) if problem.kind == Kind::Internal => {
            let cause = problem.cause.as_ref().map_or_else(|| problem.detail.clone(), ToString::to_string);
            eprintln!("medstrategi: it failed: {cause}");
        }
        Failure::Problem(problem) => {
            eprintln!("medstrategi: {}", problem.detail);
            if let Some(cause) = &problem.cause {
                eprintln!("  because {cause}");
            }
            for fault in problem.errors.listed() {
                eprintln!("  {} {}", fault.pointer, fault.detail);
            }
        }
    }
}

/// Opens the database and brings it to this version's schema.
fn open(settings: &Settings) -> Result<(Database, Vec<String>), Failure> {
    let Settings { access_log_days, idempotency_hours, .. } = *settings;
    let options = Options {
        pool_size: settings.database_pool,
        max_waiting: settings.most_waiting,
        retention: Retention { access_log_days, idempotency_hours },
        ..Options::new(AssignmentProjection)
    };
    let database = Database::open(settings.database.clone(), options)?;
    let ran = block_on(database.admin(|connection| migrations::run(connection)))?;
    Ok((database, ran))
}

/// The address to reach a server at that listens on all addresses of this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let localhost = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    if address.ip().is_unspecified() { SocketAddr::new(localhost, address.port()) } else { address }
}

/// Prints a line on stdout. A closed pipe, as after `head`, is no failure: the command goes on.
fn say(line: std::fmt::Arguments<'_>) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write as _};
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Sentence(format!("stdout: {error}"))),
        _ => Ok(()),
    }
}
