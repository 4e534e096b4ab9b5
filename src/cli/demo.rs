//! The demo: an invented municipality, and lines to paste that show what the API answers.

use std::net::SocketAddr;
use std::time::Duration;

use super::import::import_bytes;
use super::{Failure, SUBJECT, reachable, say};
use crate::action::assignment::store::projection::AssignmentProjection;
use crate::api;
use crate::auth::local;
use crate::auth::scope::Scope;
use crate::config::Settings;
use crate::db::types::Key;
use crate::db::{Database, Options, Principal, block_on, migrate};
use crate::municipality::store as municipality;
use crate::problem::Problem;
use crate::strategy::store as strategies;

const BUNDLE: &str = include_str!("../../examples/demo.json");
const MUNICIPALITY: &str = "noerrelund";
const STRATEGY: &str = "med-plan-2025-2028";

/// Refuses a database that another program has filled, before anything is written to it.
pub(super) fn check_before_migrating(settings: &Settings) -> Result<(), Failure> {
    if settings.has_outside_issuers() {
        return Err("the demo signs its token with the local secret, which outside issuers put out of force: \
                    take [[issuers]] out of the settings, or start without --demo"
            .to_owned()
            .into());
    }
    let database = Database::open(settings.database.clone(), Options::new(AssignmentProjection))?;
    match block_on(database.admin(|connection| migrate::is_foreign(connection)))? {
        true => Err(holds_other_data(&database, "tables of another program")),
        false => Ok(()),
    }
}

/// Fills an empty database; leaves one that holds the demo as it is, and refuses any other.
pub(super) fn fill(database: &Database) -> Result<(), Failure> {
    let keys = block_on(database.admin(|connection| municipality::keys(connection)))?;
    if keys.is_empty() {
        import_bytes(database, &api::contract()?, BUNDLE.as_bytes())?;
        return Ok(());
    }
    let principal = Principal { municipality: demo()?, issuer: local::ISSUER.into(), subject: SUBJECT.into() };
    match keys.iter().find(|key| **key != principal.municipality) {
        Some(other) => Err(holds_other_data(database, other.as_str())),
        None => {
            let strategy = STRATEGY.parse().map_err(Problem::internal)?;
            match block_on(database.read(&principal, move |tenant| strategies::tree(tenant, &strategy)))? {
                Some(_) => Ok(()),
                None => Err(holds_other_data(database, MUNICIPALITY)),
            }
        }
    }
}

fn demo() -> Result<Key, Problem> {
    MUNICIPALITY.parse().map_err(Problem::internal)
}

fn holds_other_data(database: &Database, what: &str) -> Failure {
    Failure::Sentence(format!(
        "{} holds data of its own ({what}), which the demo leaves alone: start without --demo, or name another \
         file with --database-url sqlite:demo.db",
        database.location()
    ))
}

/// Prints a token and lines to paste.
pub(super) fn print_what_to_try(settings: &Settings, address: SocketAddr) -> Result<(), Failure> {
    let token = settings
        .local_secret()?
        .sign("demo", &demo()?, &[Scope::Read], Duration::from_secs(12 * 60 * 60))
        .map_err(Problem::internal)?;
    let base = format!("http://{}", reachable(address));
    say(format_args!("The demo is ready. Browse the API at {base}/docs"))?;
    say(format_args!("\nA token that may read, good for 12 hours:\n{token}"))?;
    say(format_args!("\nA list:\ncurl -s -H 'Authorization: Bearer {token}' {base}/v1/strategies"))?;
    say(format_args!("\nA whole tree:\ncurl -s -H 'Authorization: Bearer {token}' {base}/v1/strategies/{STRATEGY}"))?;
    let progress = format!("{base}/v1/strategies/{STRATEGY}/progress");
    say(format_args!("\nHow far it has come:\ncurl -s -H 'Authorization: Bearer {token}' {progress}"))?;
    say(format_args!(
        "\nWhat is measured, the newest of each for the whole municipality:\n\
         curl -s -H 'Authorization: Bearer {token}' '{base}/v1/values?unit=&group=&latest=true&format=csv'"
    ))?;
    say(format_args!("\nA request that is refused, since the token may not write:"))?;
    say(format_args!(
        "curl -s -X POST -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \
         -d '{{\"key\": \"prov\", \"name\": \"Prøv\", \"rank\": 4}}' {base}/v1/levels"
    ))?;
    Ok(())
}
