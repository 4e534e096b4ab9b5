//! `medstrategi openapi`

use super::{Failure, say};
use crate::api;

pub(super) fn run() -> Result<(), Failure> {
    let contract = api::contract()?.text();
    say(format_args!("{}", String::from_utf8_lossy(&contract).trim_end()))
}
