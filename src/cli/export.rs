//! `medstrategi export`

use clap::Args;

use super::{Failure, SUBJECT, open, say};
use crate::auth::local;
use crate::bundle::export;
use crate::config::Settings;
use crate::db::types::Key;
use crate::db::{Principal, block_on};
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
    let with_values = arguments.values;
    let bundle = block_on(database.read(&principal, move |tenant| export::export(tenant, with_values)))?;
    say(format_args!("{}", serde_json::to_string_pretty(&bundle).map_err(Problem::internal)?))?;
    Ok(())
}
