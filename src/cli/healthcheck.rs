//! `medstrategi healthcheck`

use std::time::Duration;

use super::{Failure, reachable, say};
use crate::config::Settings;

/// Time limit. Container engines limit health checks too; this one answers before they give up.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let address = reachable(settings.bind);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        // The request stays on this machine, so proxies of the environment are ignored.
        .proxy(None)
        .max_redirects(0)
        .build()
        .into();
    let url = format!("http://{address}/readyz");
    let answer = agent.get(&url).call().map_err(|error| format!("{url} doesn't answer: {error}"))?;
    match answer.status().as_u16() {
        204 => say(format_args!("{url} is ready.")),
        status => Err(Failure::Sentence(format!("{url} answers with {status}: it can't serve now"))),
    }
}
