//! `medstrategi openapi`

use std::io::Write as _;

use super::Failure;
use crate::api;

pub(super) fn run() -> Result<(), Failure> {
    let contract = api::contract()?;
    std::io::stdout().write_all(&contract.text()).map_err(|error| Failure::Sentence(error.to_string()))
}
