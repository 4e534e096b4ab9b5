//! Finding the person behind a token.

use chrono::NaiveDate;

use super::model::{MySeat, Myself, chain};
use crate::committee::Committees;
use crate::committee::membership::store::{self as memberships, Filter};
use crate::db::Tenant;
use crate::db::types::RegisterKey;
use crate::me::model::CommitteeAbove;
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::problem::Result;
use crate::register::{Managed as _, Register as _, Selection};

/// What is known of a person.
#[derive(Debug, Default)]
pub struct Person {
    /// The employee.
    pub employee: Option<Myself>,
    /// Their seats.
    pub memberships: Vec<MySeat>,
    /// The committees above their workplace.
    pub chain: Vec<CommitteeAbove>,
}

/// The employee whose key is exactly what the token's issuer says, with their committees; nothing where
/// there is none, or none any more.
pub fn person(tenant: &mut Tenant<'_>, claim: &str, on: NaiveDate) -> Result<Person> {
    let Ok(key) = claim.parse::<RegisterKey>() else { return Ok(Person::default()) };
    let found = Employees::select(tenant, Selection::Keys(vec![key.clone()]))?.pop();
    let Some(employee) = found.filter(|employee| employee.body.date_range().contains(on)) else {
        return Ok(Person::default());
    };
    let filter = Filter { employee: Some(key), on: Some(on), ..Filter::default() };
    let seats = memberships::list(tenant, filter, None)?;
    let unit = employee.body.unit.as_ref().and_then(|unit| unit.key().cloned());
    let chain = match &unit {
        Some(unit) => {
            let units = Units::select(tenant, Selection::All)?;
            chain(unit, &units, &Committees::select(tenant, Selection::All)?, on)
        }
        None => Vec::new(),
    };
    let body = employee.body;
    Ok(Person {
        employee: Some(Myself {
            key: body.key,
            name: body.name,
            title: body.title,
            unit,
            has_personnel_responsibility: body.has_personnel_responsibility,
        }),
        memberships: seats.into_iter().filter_map(MySeat::of).collect(),
        chain,
    })
}
