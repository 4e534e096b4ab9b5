//! Whether derived data equals what the rows give: latest reports, counts, search texts, periods of values.

use std::collections::HashMap;

use diesel::prelude::*;

use super::Findings;
use crate::action::assignment::store::projection;
use crate::action::local::store as local;
use crate::committee::Committees;
use crate::db::integrity::{Found, MOST};
use crate::db::types::Id;
use crate::db::{Tenant, integrity};
use crate::indicator::store::{self as indicators, Filter};
use crate::organisation::Units;
use crate::problem::Result;
use crate::register::{Register as _, Selection};
use crate::strategy::store as strategies;

pub(super) fn check(tenant: &mut Tenant<'_>, findings: &Findings) -> Result<()> {
    for difference in projection::differences(tenant)? {
        findings.add(difference);
    }
    check_search_texts(tenant, findings)?;
    check_periods(tenant, findings)
}

/// The folded texts in which searches look.
fn check_search_texts(tenant: &mut Tenant<'_>, findings: &Findings) -> Result<()> {
    let rows = Units::select(tenant, Selection::All)?;
    compare(tenant, "units", rows.iter().map(|row| (row.id(), row.body.search_text())), findings)?;
    let rows = Committees::select(tenant, Selection::All)?;
    compare(tenant, "committees", rows.iter().map(|row| (row.id(), row.body.search_text())), findings)?;
    let rows = indicators::list(tenant, Filter::default(), None)?;
    compare(tenant, "indicators", rows.iter().map(|row| (row.id(), row.body.search_text())), findings)?;
    let trees = strategies::trees(tenant, strategies::Filter::default())?;
    let rows = trees.iter().map(|tree| &tree.strategy.own);
    compare(tenant, "strategies", rows.map(|row| (row.id(), row.body.search_text())), findings)?;
    let local = local::all(tenant)?;
    let planned = trees.iter().flat_map(|tree| &tree.strategy.focus_areas).flat_map(|area| &area.actions);
    compare(tenant, "actions", planned.chain(&local).map(|row| (row.id(), row.body.search_text())), findings)
}

fn compare(
    tenant: &mut Tenant<'_>,
    table: &str,
    rows: impl Iterator<Item = (Id, String)>,
    findings: &Findings,
) -> Result<()> {
    let sql = format!(
        "SELECT id AS what, search_text AS value FROM {table} WHERE municipality_id = '{}'",
        tenant.municipality_id
    );
    let stored = integrity::find(tenant.connection, &sql)?;
    let stored: HashMap<String, Option<String>> =
        stored.into_iter().map(|Found { what, value }| (what, value)).collect();
    let differs = |(id, text): &(Id, String)| stored.get(&id.to_string()).and_then(Option::as_ref) != Some(text);
    for (id, _) in rows.filter(differs).take(MOST) {
        findings.add(format!("{table} '{id}' is found under another search_text than its fields have"));
    }
    Ok(())
}

/// Values are only read between the first and last period of their indicator, so none may lie outside.
fn check_periods(tenant: &mut Tenant<'_>, findings: &Findings) -> Result<()> {
    use crate::db::schema::{indicator_values, indicators, value_series};
    let period = indicator_values::period.nullable();
    let is_outside = (period.lt(indicators::first_period).or(period.gt(indicators::last_period)))
        .or(indicators::first_period.is_null().or(indicators::last_period.is_null()));
    let keys: Vec<String> = indicator_values::table
        .inner_join(value_series::table.inner_join(indicators::table))
        .filter(indicators::municipality_id.eq(tenant.municipality_id))
        .filter(is_outside)
        .select(indicators::key)
        .distinct()
        .order(indicators::key)
        .load(tenant.connection)?;
    for key in keys {
        findings.add(format!("indicators '{key}' has values outside of its first_period and last_period"));
    }
    Ok(())
}
