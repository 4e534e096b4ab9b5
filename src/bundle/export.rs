//! Giving a bundle out.

use serde_json::Value;

use super::model::Bundle;
use crate::committee::Committees;
use crate::committee::level;
use crate::committee::membership::Memberships;
use crate::db::Tenant;
use crate::municipality::store as municipality;
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::problem::{Problem, Result};
use crate::register::{Register as _, Selection};
use crate::resource::Stored;
use crate::strategy::store as strategies;

/// Arrays inside rows that stand even when they are empty.
const STANDING: [&str; 3] = ["objectives", "actions", "targets"];

/// The municipality's bundle, without what goes without saying.
pub fn export(tenant: &mut Tenant<'_>) -> Result<Value> {
    let mut trees = strategies::trees(tenant, strategies::Filter::default())?;
    trees.sort_by_key(|tree| tree.strategy.own.id());
    let bundle = Bundle {
        municipality: municipality::read(tenant)?.body,
        levels: bodies(level::store::list(tenant, None, None)?),
        units: bodies(Units::select(tenant, Selection::All)?),
        committees: bodies(Committees::select(tenant, Selection::All)?),
        strategies: trees.iter().map(|tree| tree.bundled()).collect(),
        indicators: Vec::new(),
        employees: bodies(Employees::select(tenant, Selection::All)?),
        memberships: bodies(Memberships::select(tenant, Selection::All)?),
        reports: Vec::new(),
    };
    let is_usual_guard = bundle.municipality.sync_guard == Default::default();
    let mut bundle = serde_json::to_value(bundle).map_err(Problem::internal)?;
    if let (true, Some(head)) = (is_usual_guard, bundle["municipality"].as_object_mut()) {
        head.remove("sync_guard");
    }
    // The sections themselves always stand.
    bundle.as_object_mut().into_iter().flat_map(|sections| sections.values_mut()).for_each(leave_out_defaults);
    Ok(bundle)
}

/// In the order in which they were created, which is the order that a bundle gave them.
fn bodies<B>(mut rows: Vec<Stored<B>>) -> Vec<B> {
    rows.sort_by_key(Stored::id);
    rows.into_iter().map(|row| row.body).collect()
}

fn leave_out_defaults(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(leave_out_defaults);
            members.retain(|name, member| STANDING.contains(&name.as_str()) || !goes_without_saying(name, member));
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_defaults),
        _ => {}
    }
}

fn goes_without_saying(name: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty() || (name == "managed_by" && text == "editor"),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}
