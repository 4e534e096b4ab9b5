//! `medstrategi serve`

use clap::Args;

use super::{Failure, demo, open};
use crate::auth::issuer::Issuers;
use crate::config::Settings;
use crate::db::{Database, block_on};
use crate::housekeeping;
use crate::http::rate_limit::Rate;
use crate::metrics;
use crate::municipality::store as municipality;
use crate::server::{self, Parts};
use crate::telemetry;

#[derive(Args)]
pub(super) struct Arguments {
    /// Fill an empty database with an invented municipality and print what to try
    #[arg(long)]
    demo: bool,
}

pub(super) fn run(settings: Settings, arguments: &Arguments) -> Result<(), Failure> {
    telemetry::start(&settings)?;
    log_settings(&settings);
    allow_many_files();
    // Fails here, before anything is written, when the port is taken.
    let listener = server::listen(settings.bind)?;
    let metrics_listener = settings.metrics_bind.map(server::listen).transpose()?;
    if arguments.demo {
        demo::check_before_migrating(&settings)?;
    }
    let (database, ran) = open(&settings)?;
    if !ran.is_empty() {
        tracing::info!(database = %database.location(), migrations = ran.len(), "migrated");
    }
    if arguments.demo {
        demo::fill(&database)?;
    }
    let issuers = settings.issuers()?;
    issuers.summary().for_each(|issuer| tracing::info!("accepts {issuer}"));
    warn_of_unknown_municipalities(&issuers, &database)?;
    let parts = Parts {
        limits: settings.limits,
        connections: settings.connections,
        rates: settings.rates,
        trusted_proxies: settings.trusted_proxies.clone(),
        cors_origins: settings.cors_origins.clone(),
        shutdown_timeout: settings.shutdown_timeout,
        ..Parts::new(database.clone(), issuers)
    };
    actix_web::rt::System::new().block_on(async {
        if let Some(listener) = metrics_listener {
            actix_web::rt::spawn(metrics::start(database.clone(), listener)?);
        }
        let (server, address) = server::start(parts, listener)?;
        tracing::info!(%address, "listening");
        if arguments.demo {
            demo::print_what_to_try(&settings, address)?;
        }
        actix_web::rt::spawn(housekeeping::run(database));
        server.await.map_err(|error| format!("the server failed: {error}"))?;
        tracing::info!("stopped");
        Ok(())
    })
}

/// Logs what the service was started with, without secrets.
fn log_settings(settings: &Settings) {
    let list = |words: Vec<String>| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    let rate = |rate: Option<Rate>| rate.map_or_else(|| "no limit".to_owned(), |rate| rate.to_string());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        database = %settings.database,
        pool = settings.database_pool,
        most_waiting = settings.most_waiting,
        bind = %settings.bind,
        metrics = %list(settings.metrics_bind.iter().map(ToString::to_string).collect()),
        cors_origins = %list(settings.cors_origins.clone()),
        trusted_proxies = %list(settings.trusted_proxies.iter().map(ToString::to_string).collect()),
        subject_rate = %rate(settings.rates.subject),
        address_rate = %rate(settings.rates.address),
        access_log_days = settings.access_log_days,
        idempotency_hours = settings.idempotency_hours,
        "starting"
    );
}

/// Otherwise a misspelt key in the settings would show only as 404s.
fn warn_of_unknown_municipalities(issuers: &Issuers, database: &Database) -> Result<(), Failure> {
    let known = block_on(database.admin(|connection| municipality::keys(connection)))?;
    for (issuer, municipality) in issuers.municipalities().filter(|(_, key)| !known.contains(key)) {
        tracing::warn!(issuer, %municipality, "an issuer speaks for a municipality that is not in the database");
    }
    Ok(())
}

/// Raises the limit of open files as far as the system allows: every connection is one, and the default is often 1024.
fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let granted = getrlimit(Resource::Nofile);
    if granted.current == granted.maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, rustix::process::Rlimit { current: granted.maximum, ..granted }) {
        tracing::warn!(%error, files = granted.current, "the limit of open files stays as it is");
    }
}
