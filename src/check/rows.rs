//! Finds the rows that can't be read, by reading them one by one.

use super::{Findings, describe};
use crate::committee::Committees;
use crate::committee::membership::Memberships;
use crate::db::Tenant;
use crate::db::integrity::{self, Found};
use crate::db::types::{Id, Reference};
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::problem::{Problem, Result};
use crate::register::{Register, Selection};
use crate::strategy::store as strategies;

pub(super) fn check(tenant: &mut Tenant<'_>, findings: &Findings) -> Result<()> {
    each(tenant, "units", select::<Units>, findings)?;
    each(tenant, "employees", select::<Employees>, findings)?;
    each(tenant, "committees", select::<Committees>, findings)?;
    each(tenant, "memberships", select::<Memberships>, findings)?;
    let tree = |tenant: &mut Tenant<'_>, id| strategies::tree(tenant, &Reference::Id(id)).map(drop);
    each(tenant, "strategies", tree, findings)
}

fn select<R: Register>(tenant: &mut Tenant<'_>, id: Id) -> Result<()> {
    R::select(tenant, Selection::Id(id)).map(drop)
}

fn each(
    tenant: &mut Tenant<'_>,
    table: &str,
    read: impl Fn(&mut Tenant<'_>, Id) -> Result<()>,
    findings: &Findings,
) -> Result<()> {
    let sql =
        format!("SELECT id AS what, key AS value FROM {table} WHERE municipality_id = '{}'", tenant.municipality_id);
    for Found { what, value } in integrity::find(tenant.connection, &sql)? {
        let id = what.parse().map_err(|()| Problem::internal(format!("'{what}' is no id")));
        if let Err(problem) = id.and_then(|id| read(tenant, id)) {
            let key = value.unwrap_or(what);
            findings.add(format!("{table} '{key}' can't be read: {}", describe(&problem)));
        }
    }
    Ok(())
}
