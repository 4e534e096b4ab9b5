//! The integration tests: real databases, a real server, real HTTP.
//!
//! Every test runs on both engines. Without a PostgreSQL server, its tests are reported as ignored, and with `CI=true`
//! that is a failure.

#![recursion_limit = "256"]
// Panicking is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod access;
mod assignments;
mod bad_input;
mod bad_values;
mod bundles;
mod change_feed;
mod command_line;
mod committees;
mod concurrency;
mod connections;
mod contract;
mod conventions;
mod derived_values;
mod employees;
mod engines;
mod exposure;
mod faults;
mod faults_of_postgres;
mod faults_of_sqlite;
mod harness;
mod hr_sync;
mod hr_sync_sequences;
mod identity_providers;
mod indicator_bundles;
mod indicator_references;
mod indicators;
mod issuers;
mod levels;
mod limits;
mod load;
mod local_actions;
mod long_tables;
mod memberships;
mod monitoring;
mod municipality;
mod operations;
mod people;
mod plan_verdicts;
mod plans;
mod program;
mod progress;
mod progress_sequences;
mod reporting_at_once;
mod reports;
mod round_trips;
mod schema;
mod scripts;
mod statements;
mod strategies;
mod tree_sequences;
mod units;
mod value_files;
mod value_statements;
mod values;
mod values_of_many;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;

use engines::Engines;
use harness::App;
use libtest_mimic::{Arguments, Trial};
use medstrategi::db::Engine;
use medstrategi::period::today;

/// A test: its name, and the function, which gets a server with a database of its own.
type Test = (&'static str, fn(&App));

/// Lists the test functions of a module. An unlisted one is dead code, which the lints refuse.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub fn tests() -> Vec<$crate::Test> {
            vec![$((concat!(module_path!(), "::", stringify!($name)), $name as fn(&$crate::harness::App))),*]
        }
    };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each test has its own connections to PostgreSQL, which allows 300.
    arguments.test_threads.get_or_insert_with(|| available_parallelism().map_or(1, usize::from).min(4));
    let engines = Arc::new(Engines::start());
    let missing = !engines.has(Engine::Postgres);
    if missing {
        eprintln!("NOT TESTED: PostgreSQL. Install its server, or name one in TEST_POSTGRES_URL.");
    }
    let modules: [fn() -> Vec<Test>; 53] = [
        access::tests,
        bad_input::tests,
        bundles::tests,
        command_line::tests,
        committees::tests,
        concurrency::tests,
        contract::tests,
        conventions::tests,
        employees::tests,
        hr_sync::tests,
        hr_sync_sequences::tests,
        identity_providers::tests,
        identity_providers::fetching::tests,
        identity_providers::known_providers::tests,
        issuers::tests,
        levels::tests,
        limits::tests,
        memberships::tests,
        monitoring::tests,
        municipality::tests,
        operations::tests,
        people::tests,
        plans::tests,
        assignments::tests,
        local_actions::tests,
        progress::tests,
        progress_sequences::tests,
        reporting_at_once::tests,
        reports::tests,
        round_trips::tests,
        schema::tests,
        statements::tests,
        strategies::tests,
        tree_sequences::tests,
        bad_values::tests,
        derived_values::tests,
        exposure::tests,
        indicators::tests,
        indicator_bundles::tests,
        indicator_references::tests,
        scripts::tests,
        value_files::tests,
        value_statements::tests,
        values::tests,
        plan_verdicts::tests,
        values_of_many::tests,
        long_tables::tests,
        units::tests,
        change_feed::tests,
        connections::tests,
        faults::tests,
        faults_of_postgres::tests,
        faults_of_sqlite::tests,
    ];
    let trial = |engine: Engine, (name, run): Test| {
        let prefix = match engine {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        };
        let name = format!("{prefix}::{}", name.trim_start_matches("api::"));
        let engines = Arc::clone(&engines);
        let ignored = !engines.has(engine);
        let test = move || {
            let day = today();
            let once = || run(&App::start(&engines, engine));
            if let Err(failure) = catch_unwind(AssertUnwindSafe(once)) {
                if today() == day {
                    resume_unwind(failure);
                }
                eprintln!("The day has changed meanwhile, on which tests of yesterday and tomorrow count: once more.");
                once();
            }
            Ok(())
        };
        Trial::test(name, test).with_ignored_flag(ignored)
    };
    let trials = [Engine::Sqlite, Engine::Postgres].into_iter().flat_map(|engine| {
        modules.iter().flat_map(|module| module()).map(move |test| (engine, test)).collect::<Vec<_>>()
    });
    let conclusion = libtest_mimic::run(&arguments, trials.map(|(engine, test)| trial(engine, test)).collect());
    engines.stop();
    if missing && std::env::var("CI").is_ok_and(|ci| ci == "true") {
        eprintln!("FAILED: CI=true, and PostgreSQL was not tested.");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
