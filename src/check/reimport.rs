//! Imports a municipality's own bundle again without writing: into an empty municipality it must be valid, and into its
//! own it must change nothing. That applies every rule of the service.

use serde_json::Value;

use super::{Findings, describe};
use crate::bundle::model::Bundle;
use crate::bundle::{export, import};
use crate::db::Tenant;
use crate::db::types::Id;
use crate::http::contract::Contract;
use crate::indicator::value::bundled;
use crate::indicator::value::head::IndicatorSelector;
use crate::indicator::value::store::heads::heads;
use crate::organisation::store as organisation;
use crate::problem::{Kind, Problem, Result, ValidationErrors};

/// Checks everything except the values, of which there may be more than a bundle can hold.
pub(super) fn check(tenant: &mut Tenant<'_>, contract: &Contract, findings: &Findings) -> Result<()> {
    let exported = export::export(tenant, false)?;
    let checked = contract.parse::<Bundle>(exported).and_then(|bundle| {
        as_new(tenant, bundle.clone())?;
        import::prepare(tenant, bundle)
    });
    match faults_of(checked)? {
        Ok(prepared) => {
            for change in prepared.changes(tenant)? {
                findings.add(format!("importing the bundle again would change it: {change}"));
            }
        }
        // Exported once more to describe where the faults are: two copies of a large bundle take too much memory.
        Err(errors) => report(&errors, &export::export(tenant, false)?, findings),
    }
    Ok(())
}

/// Checks a bundle by the rules for new rows, some of which don't apply to unchanged rows. Memberships are left out:
/// two people may rightly hold a chair at the same time, and people have to decide about that.
fn as_new(tenant: &mut Tenant<'_>, bundle: Bundle) -> Result<()> {
    let bundle = Bundle { memberships: Vec::new(), ..bundle };
    // An id under which nothing is stored.
    let own = std::mem::replace(&mut tenant.municipality_id, Id::new());
    let prepared = import::prepare(tenant, bundle);
    tenant.municipality_id = own;
    prepared.map(|_| ())
}

/// Checks the values, one indicator and year at a time.
pub(super) fn check_values(tenant: &mut Tenant<'_>, contract: &Contract, findings: &Findings) -> Result<()> {
    let units = organisation::names(tenant)?;
    let mut empty = export::export_head(tenant)?;
    for head in heads(tenant, IndicatorSelector::default())? {
        for periods in head.years() {
            let series = match bundled::for_indicator(tenant, &head, periods) {
                Ok(series) => series,
                Err(problem) => {
                    findings.add(format!("values of '{}' can't be read: {}", head.key, describe(&problem)));
                    continue;
                }
            };
            empty["values"] = serde_json::to_value(series).map_err(Problem::internal)?;
            let mut errors = ValidationErrors::default();
            let prepared = contract
                .parse::<Bundle>(empty.clone())
                .and_then(|bundle| bundled::prepare(tenant, &[], &units, bundle.values, &mut errors))
                .and_then(|prepared| errors.into_result().map(|()| prepared));
            match faults_of(prepared)? {
                Ok(prepared) => {
                    let counts = bundled::dry_run(tenant, prepared)?;
                    if counts.is_change() {
                        let changed = counts.created + counts.updated + counts.removed;
                        findings.add(format!("importing the values of '{}' again would change {changed}", head.key));
                    }
                }
                Err(errors) => report(&errors, &empty, findings),
            }
        }
    }
    Ok(())
}

/// Separates faults of what was checked from failures of the check.
fn faults_of<T>(outcome: Result<T>) -> Result<std::result::Result<T, ValidationErrors>> {
    match outcome {
        Ok(prepared) => Ok(Ok(prepared)),
        Err(Problem { kind: Kind::InvalidBody, errors, .. }) => Ok(Err(errors)),
        Err(problem) => Err(problem),
    }
}

fn report(errors: &ValidationErrors, bundle: &Value, findings: &Findings) {
    for fault in errors.listed() {
        findings.add(format!("{} {}", place(bundle, &fault.pointer), fault.detail));
    }
    let more = errors.count() - errors.listed().len();
    if more > 0 {
        findings.add(format!("{more} more like these"));
    }
}

/// A pointer into a bundle, with the rows' keys in place of their positions in arrays.
fn place(bundle: &Value, pointer: &str) -> String {
    let mut here = bundle;
    let mut place = Vec::new();
    for step in pointer.split('/').skip(1) {
        let next = match here {
            Value::Array(rows) => step.parse().ok().and_then(|n: usize| rows.get(n)),
            Value::Object(members) => members.get(step),
            _ => None,
        };
        here = next.unwrap_or(&Value::Null);
        let name = ["key", "indicator", "period", "action"].iter().find_map(|name| here.get(*name)?.as_str());
        place.push(match (step.parse::<usize>(), name) {
            (Ok(_), Some(name)) => format!("'{name}'"),
            _ => step.to_owned(),
        });
    }
    place.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_described_by_keys() {
        let bundle =
            json!({"committees": [{"key": "a"}, {"key": "b", "units": ["x"]}], "reports": [{"action": "s/a/x"}]});
        assert_eq!(place(&bundle, "/committees/1/units/0"), "committees 'b' units 0");
        assert_eq!(place(&bundle, "/reports/0/note"), "reports 's/a/x' note");
        assert_eq!(place(&bundle, "/nowhere/3"), "nowhere 3");
    }
}
