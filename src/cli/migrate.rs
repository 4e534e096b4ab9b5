//! `medstrategi migrate`

use super::{Failure, open, say};
use crate::config::Settings;

pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let (database, ran) = open(settings)?;
    match ran.len() {
        0 => say(format_args!("{} is up to date.", database.location())),
        n => say(format_args!("{}: {n} migrations ran.", database.location())),
    }
}
