//! A municipality's bundle, imported again for show: into an empty municipality it has no fault, and into its own it
//! changes nothing, as every rule of the service would have it.

use serde_json::Value;

use super::{Findings, told};
use crate::bundle::model::Bundle;
use crate::bundle::{export, import};
use crate::db::Writer;
use crate::db::types::Id;
use crate::http::contract::Contract;
use crate::indicator::value::bundled;
use crate::indicator::value::head::IndicatorSelector;
use crate::indicator::value::store::heads::heads;
use crate::organisation::store as organisation;
use crate::problem::{Kind, Problem, Result, ValidationErrors};

/// All but the values, of which there may be more than a bundle holds.
pub(super) fn check(writer: &mut Writer<'_>, contract: &Contract, findings: &mut Findings<'_>) -> Result<()> {
    let exported = export::export(writer, false)?;
    let rehearsed = contract.parse::<Bundle>(exported).and_then(|bundle| {
        as_new(writer, bundle.clone())?;
        import::prepare(writer, bundle)
    });
    match faults_of(rehearsed)? {
        Ok(prepared) => {
            for change in prepared.changes(writer)? {
                findings.add(format!("importing the bundle again would change it: {change}"));
            }
        }
        // Read again for the places of the faults: two of a large bundle take much memory at a time.
        Err(errors) => tell(&errors, &export::export(writer, false)?, findings),
    }
    Ok(())
}

/// Holds a bundle against the rules for rows that are new. Some are not asked of rows that stay as they are. Who sits
/// where is left out: that two hold a chair at a time may come about rightly, and is among what people are to decide.
fn as_new(writer: &mut Writer<'_>, bundle: Bundle) -> Result<()> {
    let bundle = Bundle { memberships: Vec::new(), ..bundle };
    // A municipality in which nothing is stored.
    let own = std::mem::replace(&mut writer.municipality_id, Id::new());
    let prepared = import::prepare(writer, bundle);
    writer.municipality_id = own;
    prepared.map(|_| ())
}

/// The values, an indicator and a year at a time.
pub(super) fn check_values(writer: &mut Writer<'_>, contract: &Contract, findings: &mut Findings<'_>) -> Result<()> {
    let units = organisation::names(writer)?;
    let mut empty = export::export_head(writer)?;
    for head in heads(writer, IndicatorSelector::default())? {
        for periods in head.years() {
            let series = match bundled::for_indicator(writer, &head, periods) {
                Ok(series) => series,
                Err(problem) => {
                    findings.add(format!("values of '{}' can't be read: {}", head.key, told(&problem)));
                    continue;
                }
            };
            empty["values"] = serde_json::to_value(series).map_err(Problem::internal)?;
            let mut errors = ValidationErrors::default();
            let prepared = contract
                .parse::<Bundle>(empty.clone())
                .and_then(|bundle| bundled::prepare(writer, &[], &units, bundle.values, &mut errors))
                .and_then(|prepared| errors.into_result().map(|()| prepared));
            match faults_of(prepared)? {
                Ok(prepared) => {
                    let counts = bundled::dry_run(writer, prepared)?;
                    if counts.is_change() {
                        let changed = counts.created + counts.updated + counts.removed;
                        findings.add(format!("importing the values of '{}' again would change {changed}", head.key));
                    }
                }
                Err(errors) => tell(&errors, &empty, findings),
            }
        }
    }
    Ok(())
}

/// Tells faults of what was checked from failures to check it.
fn faults_of<T>(outcome: Result<T>) -> Result<std::result::Result<T, ValidationErrors>> {
    match outcome {
        Ok(prepared) => Ok(Ok(prepared)),
        Err(Problem { kind: Kind::InvalidBody, errors, .. }) => Ok(Err(errors)),
        Err(problem) => Err(problem),
    }
}

fn tell(errors: &ValidationErrors, bundle: &Value, findings: &mut Findings<'_>) {
    for fault in errors.listed() {
        findings.add(format!("{} {}", place(bundle, &fault.pointer), fault.detail));
    }
    let more = errors.count() - errors.listed().len();
    if more > 0 {
        findings.add(format!("{more} more like these"));
    }
}

/// A place in a bundle by the keys of the rows that it leads through: places in arrays say nothing to anybody.
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
    fn places_are_told_by_keys() {
        let bundle =
            json!({"committees": [{"key": "a"}, {"key": "b", "units": ["x"]}], "reports": [{"action": "s/a/x"}]});
        assert_eq!(place(&bundle, "/committees/1/units/0"), "committees 'b' units 0");
        assert_eq!(place(&bundle, "/reports/0/note"), "reports 's/a/x' note");
        assert_eq!(place(&bundle, "/nowhere/3"), "nowhere 3");
    }
}
