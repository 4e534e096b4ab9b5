//! `medstrategi serve`

use clap::Args;

use super::{Failure, demo, open};
use crate::config::Settings;
use crate::housekeeping;
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
    // A taken port is told before anything is written.
    let listener = server::listen(settings.bind)?;
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
    let parts = Parts {
        database: database.clone(),
        issuers: settings.issuers()?,
        limits: settings.limits,
        cors_origins: settings.cors_origins.clone(),
        shutdown_timeout: settings.shutdown_timeout,
        workers: None,
    };
    actix_web::rt::System::new().block_on(async {
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
