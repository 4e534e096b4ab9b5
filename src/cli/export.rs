//! `medstrategi export`

use clap::Args;

use super::{Failure, SUBJECT, open, say};
use crate::auth::local;
use crate::bundle::export;
use crate::config::Settings;
use crate::db::Principal;
use crate::db::types::Key;
use crate::problem::Problem;

#[derive(Args)]
pub(super) struct Arguments {
    /// The municipality's key
    #[arg(long, value_name = "KEY")]
    municipality: Key,
    /// Include the values of indicators
    #[arg(long)]
    values: bool,
}

pub(super) fn run(settings: &Settings, arguments: &Arguments) -> Result<(), Failure> {
    let (database, _) = open(settings)?;
    let principal = Principal {
        municipality: arguments.municipality.clone(),
        issuer: local::ISSUER.into(),
        subject: SUBJECT.into(),
    };
    let bundle = database.read_blocking(&principal, |tenant| export::export(tenant, arguments.values))?;
    say(format_args!("{}", serde_json::to_string_pretty(&bundle).map_err(Problem::internal)?))?;
    Ok(())
}
