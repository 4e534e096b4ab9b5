//! `medstrategi migrate`

use super::{Failure, open};
use crate::config::Settings;

#[allow(clippy::print_stdout)]
pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    let (database, ran) = open(settings)?;
    match ran.len() {
        0 => println!("{} is up to date.", database.location()),
        n => println!("{}: {n} migrations ran.", database.location()),
    }
    Ok(())
}
