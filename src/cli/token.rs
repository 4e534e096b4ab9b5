//! `medstrategi token`

use clap::Args;

use super::{Failure, SUBJECT, say};
use crate::auth::scope::Scope;
use crate::config::Settings;
use crate::db::types::Key;
use crate::problem::Problem;

#[derive(Args)]
pub(super) struct Arguments {
    #[arg(
        long,
        value_name = "SCOPES",
        help = "What the token allows, separated by spaces: med.progress med.read med.report med.edit med.measure \
                med.hr med.audit med.admin"
    )]
    scope: String,
    /// The municipality's key
    #[arg(long, value_name = "KEY")]
    municipality: Key,
    /// The subject of the token
    #[arg(long, value_name = "NAME", default_value = SUBJECT)]
    subject: String,
    /// How long the token is valid
    #[arg(long, value_name = "TIME", default_value = "1h")]
    ttl: humantime::Duration,
}

pub(super) fn run(settings: &Settings, arguments: &Arguments) -> Result<(), Failure> {
    if settings.has_outside_issuers() {
        let sentence = "tokens come from the issuers in the settings; a local one would not be accepted. \
                        Ask the issuer, or take [[issuers]] out of the settings";
        return Err(sentence.to_owned().into());
    }
    let scopes = arguments.scope.split_whitespace().map(scope).collect::<Result<Vec<_>, _>>()?;
    if scopes.is_empty() {
        return Err("the token would allow nothing: name at least one scope, such as med.read".to_owned().into());
    }
    let secret = settings.local_secret()?;
    let token =
        secret.sign(&arguments.subject, &arguments.municipality, &scopes, *arguments.ttl).map_err(Problem::internal)?;
    say(format_args!("{token}"))?;
    Ok(())
}

fn scope(word: &str) -> Result<Scope, Failure> {
    word.parse().map_err(|()| {
        let known: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        Failure::Sentence(format!("there is no scope '{word}': write one of {}", known.join(", ")))
    })
}
