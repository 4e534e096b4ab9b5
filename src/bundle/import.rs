//! Taking a bundle in.

use std::collections::HashMap;

use super::model::{Bundle, ImportAnswer};
use crate::action::local::store as local;
use crate::action::report::save as report;
use crate::action::store::{self as actions, Planned};
use crate::committee::level;
use crate::committee::membership::Memberships;
use crate::committee::{Committees, store as committees};
use crate::db::types::{Id, Reference};
use crate::db::{Database, Principal, Writer};
use crate::indicator;
use crate::indicator::save::Named;
use crate::indicator::value::bundled;
use crate::municipality::model::MunicipalityBody;
use crate::municipality::store as municipality;
use crate::organisation::Units;
use crate::organisation::employee::{Employees, store as employees_store};
use crate::problem::{Faults, Problem, Result};
use crate::register::{self, Directory};
use crate::resource::{Counts, Draft, Saved};
use crate::strategy::resolve::{self, Part, Prepared, PreparedTree, Unnamed};
use crate::strategy::save;

/// Imports a bundle into its municipality, which is created where there is none: for the command
/// line, which stands outside any municipality.
pub fn import_creating(database: &Database, issuer: &str, subject: &str, bundle: Bundle) -> Result<ImportAnswer> {
    let head = bundle.municipality.clone();
    let principal =
        Principal { municipality: head.key.clone(), issuer: issuer.to_owned(), subject: subject.to_owned() };
    let is_new = std::cell::Cell::new(false);
    let locate = |connection: &mut _, _: &_| -> Result<Id> {
        let (id, created) = municipality::find_or_create(connection, &head)?;
        is_new.set(created);
        Ok(id)
    };
    database.write_creating(&principal, locate, |writer| {
        if is_new.get() {
            let created = Saved::Created(municipality::read(writer)?);
            writer.log(created.change())?;
        }
        let answer = import(writer, bundle)?;
        let created = Counts { created: 1, ..Counts::default() };
        Ok(if is_new.get() { ImportAnswer { municipality: created, ..answer } } else { answer })
    })
}

/// Imports a bundle into the writer's own municipality: all of it, or, where there is a fault, nothing.
pub fn import(writer: &mut Writer<'_>, bundle: Bundle) -> Result<ImportAnswer> {
    check_municipality(writer, &bundle.municipality)?;
    let Bundle { municipality: head, levels, units, employees, committees, memberships, strategies, .. } = bundle;
    let (local_actions, reports) = (bundle.local_actions, bundle.reports);
    let (indicators, values) = (bundle.indicators, bundle.values);
    let mut faults = Faults::default();
    let mut directory = Directory::default();
    committees::learn_names(writer, &mut directory)?;
    let levels = level::store::prepare(writer, &mut directory.levels, Draft::array("/levels", levels), &mut faults)?;
    let units = register::prepare::<Units>(writer, &mut directory, Draft::array("/units", units), &mut faults)?;
    let drafts = Draft::array("/employees", employees);
    let employees = register::prepare::<Employees>(writer, &mut directory, drafts, &mut faults)?;
    let drafts = Draft::array("/committees", committees);
    let committees = register::prepare::<Committees>(writer, &mut directory, drafts, &mut faults)?;
    let drafts = Draft::array("/memberships", memberships);
    let memberships = register::prepare::<Memberships>(writer, &mut directory, drafts, &mut faults)?;
    let drafts = Draft::array("/strategies", strategies);
    let strategies = resolve::prepare(writer, &directory, drafts, Unnamed::Keep, &mut faults)?;
    let planned = planned(writer, &strategies)?;
    let named = named_by_indicators(writer, &strategies, &planned, &directory)?;
    let drafts = Draft::array("/indicators", indicators);
    let indicators = indicator::save::prepare(writer, &named, drafts, &mut faults)?;
    let drafts = Draft::array("/local_actions", local_actions);
    let local = local::prepare(writer, &directory.committees, &planned, drafts, &mut faults)?;
    let actions = named_actions(writer, planned, &local)?;
    let reporters = reports.iter().filter_map(|report| report.reported_by.as_ref());
    employees_store::learn_names(writer, reporters, &mut directory.employees)?;
    let reports = report::prepare(writer, &directory, &actions, reports, &mut faults)?;
    let values = bundled::prepare(writer, &indicators, &directory.units, values, &mut faults)?;
    faults.into_result()?;

    let head = municipality::save(writer, head)?;
    let levels = level::store::apply(writer, levels)?;
    let units = register::apply(writer, units)?;
    let employees = register::apply(writer, employees)?;
    let committees = register::apply(writer, committees)?;
    let memberships = register::apply(writer, memberships)?;
    save::apply(writer, &strategies)?;
    let local = local::apply(writer, local)?;
    let reports = report::apply(writer, reports)?;
    let indicators = indicator::save::apply(writer, indicators)?;
    let values = bundled::apply(writer, values)?;
    let trees = &strategies.trees;
    Ok(ImportAnswer {
        municipality: Counts::of([&head]),
        levels: Counts::of(&levels),
        units: Counts::of(&units),
        employees: Counts::of(&employees),
        committees: Counts::of(&committees),
        memberships: Counts::of(&memberships),
        strategies: Counts::of(trees.iter().map(|tree| &tree.strategy)),
        focus_areas: count(trees, |tree| &tree.areas),
        objectives: count(trees, |tree| &tree.objectives),
        actions: count(trees, |tree| &tree.actions),
        local_actions: Counts::of(&local),
        reports,
        indicators: Counts::of(&indicators),
        values,
    })
}

/// What indicators can name: what is stored, and what the bundle brings.
fn named_by_indicators(
    writer: &mut Writer<'_>,
    strategies: &Prepared,
    planned: &Planned,
    directory: &Directory,
) -> Result<Named> {
    let mut named = Named { levels: directory.levels.clone(), units: directory.units.clone(), ..Named::default() };
    named.objectives.extend(indicator::store::objective_paths(writer)?);
    let brought = strategies.trees.iter().flat_map(|tree| &tree.objectives).map(|part| part.saved.stored());
    named.objectives.extend(brought.filter_map(|part| Some((part.id(), part.reference()?))));
    named.actions.extend(planned.clone().into_paths().map(|(path, id)| (id, path)));
    Ok(named)
}

/// The actions of plans, those included that the bundle brings.
fn planned(writer: &mut Writer<'_>, strategies: &Prepared) -> Result<Planned> {
    let mut planned = actions::planned(writer, None)?;
    for tree in &strategies.trees {
        let starts_on = tree.strategy.stored().body.starts_on;
        for action in tree.actions.iter().map(|part| part.saved.stored()) {
            if let Some(path) = action.reference() {
                planned.add(action.id(), path, starts_on);
            }
        }
    }
    Ok(planned)
}

/// What reports can name: the actions of plans, and the local ones, those included that the bundle brings.
fn named_actions(
    writer: &mut Writer<'_>,
    planned: Planned,
    local: &[local::Checked],
) -> Result<HashMap<Reference, Id>> {
    let mut named: HashMap<Reference, Id> = planned.into_paths().collect();
    let stored = local::all(writer)?;
    for action in stored.iter().chain(local.iter().map(|checked| checked.saved.stored())) {
        if let Some(path) = action.reference() {
            named.insert(path, action.id());
        }
    }
    let ids: Vec<Id> = named.values().copied().collect();
    named.extend(ids.into_iter().map(|id| (Reference::Id(id), id)));
    Ok(named)
}

fn check_municipality(writer: &mut Writer<'_>, head: &MunicipalityBody) -> Result<()> {
    let own = municipality::read(writer)?.body.key;
    if own == head.key {
        return Ok(());
    }
    Err(Problem::invalid(
        "/municipality/key",
        format!("is another municipality's: this token speaks for '{own}' alone"),
    ))
}

fn count<'t, B: crate::resource::Body + 't>(
    trees: &'t [PreparedTree],
    parts: impl Fn(&'t PreparedTree) -> &'t Vec<Part<B>>,
) -> Counts {
    Counts::of(trees.iter().flat_map(parts).map(|part| &part.saved))
}
