//! Giving a bundle out.

use std::collections::HashMap;

use serde_json::Value;

use super::model::Bundle;
use crate::action::local::store as local;
use crate::action::model::Action;
use crate::action::report::model::{BundledReport, Report, ReportBody};
use crate::action::report::store as reports;
use crate::action::store as actions;
use crate::committee::Committees;
use crate::committee::level;
use crate::committee::membership::Memberships;
use crate::db::Tenant;
use crate::db::types::{Id, Reference};
use crate::indicator::store::{self as indicators, Filter};
use crate::indicator::value::bundled;
use crate::municipality::model::{usual_min_group, usual_reporting_roles};
use crate::municipality::store as municipality;
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::problem::{Problem, Result};
use crate::register::{Register as _, Selection};
use crate::resource::Entity;
use crate::strategy::store as strategies;

/// Arrays inside rows that stand even when they are empty.
const STANDING: [&str; 4] = ["objectives", "actions", "targets", "reporting_roles"];

/// The municipality's bundle, without what goes without saying; with the values of its indicators, where those are
/// wanted.
pub fn export(tenant: &mut Tenant<'_>, with_values: bool) -> Result<Value> {
    let mut trees = strategies::trees(tenant, strategies::Filter::default())?;
    trees.sort_by_key(|tree| tree.strategy.own.id());
    let bundle = Bundle {
        municipality: municipality::read(tenant)?.body,
        levels: bodies(level::store::list(tenant, None, None)?),
        units: bodies(Units::select(tenant, Selection::All)?),
        committees: bodies(Committees::select(tenant, Selection::All)?),
        strategies: trees.iter().map(|tree| tree.bundled()).collect(),
        indicators: bodies(indicators::list(tenant, Filter::default(), None)?),
        employees: bodies(Employees::select(tenant, Selection::All)?),
        memberships: bodies(Memberships::select(tenant, Selection::All)?),
        local_actions: bodies(local::all(tenant)?),
        reports: bundled_reports(tenant)?,
        values: if with_values { bundled::all(tenant)? } else { Vec::new() },
    };
    let is_usual_guard = bundle.municipality.sync_guard == Default::default();
    let is_usual_group = bundle.municipality.min_group == usual_min_group();
    let are_usual_roles = bundle.municipality.reporting_roles == usual_reporting_roles();
    let mut bundle = serde_json::to_value(bundle).map_err(Problem::internal)?;
    if let (true, Some(head)) = (is_usual_guard, bundle["municipality"].as_object_mut()) {
        head.remove("sync_guard");
    }
    if let (true, Some(head)) = (are_usual_roles, bundle["municipality"].as_object_mut()) {
        head.remove("reporting_roles");
    }
    if let (true, Some(head)) = (is_usual_group, bundle["municipality"].as_object_mut()) {
        head.remove("min_group");
    }
    // The sections themselves always stand.
    bundle.as_object_mut().into_iter().flat_map(|sections| sections.values_mut()).for_each(leave_out_defaults);
    Ok(bundle)
}

/// A bundle of the municipality's own fields alone.
pub fn export_head(tenant: &mut Tenant<'_>) -> Result<Value> {
    let head = municipality::read(tenant)?.body;
    Ok(serde_json::json!({ "municipality": serde_json::to_value(head).map_err(Problem::internal)? }))
}

fn bundled_reports(tenant: &mut Tenant<'_>) -> Result<Vec<BundledReport>> {
    let planned = actions::plan_actions(tenant, None)?.into_paths().map(|(path, id)| (id, path));
    let mut paths: HashMap<Id, Reference> = planned.collect();
    let path = |action: &Action| Some((action.id(), action.reference()?));
    paths.extend(local::all(tenant)?.iter().filter_map(path));
    let bundled = |report: Report| {
        let action =
            paths.get(&report.action_id).cloned().ok_or_else(|| Problem::internal("a report without action"))?;
        let Report { occurrence, stage, judgement, note, minutes_url, discussed_on, reported_at, .. } = report;
        let (committee, unit) = (report.committee.map(Into::into), report.unit.map(Into::into));
        let body = ReportBody { committee, unit, occurrence, stage, judgement, note, minutes_url, discussed_on };
        Ok(BundledReport { action, report: body, reported_by: report.reported_by.map(Into::into), reported_at })
    };
    reports::all(tenant)?.into_iter().map(bundled).collect()
}

/// In the order in which they were created, which is the order that a bundle gave them.
fn bodies<B>(mut rows: Vec<Entity<B>>) -> Vec<B> {
    rows.sort_by_key(Entity::id);
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
        Value::String(text) => {
            text.is_empty()
                || (name == "managed_by" && text == "editor")
                || (matches!(name, "judgement" | "aggregation") && text == "none")
        }
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}
