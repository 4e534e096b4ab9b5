//! Which rows can't be read, where some can't: one by one.

use super::{Findings, told};
use crate::committee::Committees;
use crate::committee::membership::Memberships;
use crate::db::integrity::{self, Found};
use crate::db::types::{Id, Reference};
use crate::db::{Tenant, Writer};
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::problem::{Problem, Result};
use crate::register::{Register, Selection};
use crate::strategy::store as strategies;

pub(super) fn check(writer: &mut Writer<'_>, findings: &mut Findings<'_>) -> Result<()> {
    each(writer, "units", select::<Units>, findings)?;
    each(writer, "employees", select::<Employees>, findings)?;
    each(writer, "committees", select::<Committees>, findings)?;
    each(writer, "memberships", select::<Memberships>, findings)?;
    let tree = |tenant: &mut Tenant<'_>, id| strategies::tree(tenant, &Reference::Id(id)).map(drop);
    each(writer, "strategies", tree, findings)
}

fn select<R: Register>(tenant: &mut Tenant<'_>, id: Id) -> Result<()> {
    R::select(tenant, Selection::Id(id)).map(drop)
}

fn each(
    tenant: &mut Tenant<'_>,
    table: &str,
    read: impl Fn(&mut Tenant<'_>, Id) -> Result<()>,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let sql =
        format!("SELECT id AS what, key AS value FROM {table} WHERE municipality_id = '{}'", tenant.municipality_id);
    for Found { what, value } in integrity::find(tenant.connection, &sql)? {
        let id = what.parse().map_err(|()| Problem::internal(format!("'{what}' is no id")));
        if let Err(problem) = id.and_then(|id| read(tenant, id)) {
            let key = value.unwrap_or(what);
            findings.add(format!("{table} '{key}' can't be read: {}", told(&problem)));
        }
    }
    Ok(())
}
