//! Taking a bundle in.

use std::collections::HashMap;

use super::model::{Bundle, ImportAnswer};
use crate::action::local::{service as local_service, store as local};
use crate::action::report::import as report;
use crate::action::store::{self as actions, ActionIndex};
use crate::committee::level;
use crate::committee::level::model::LevelBody;
use crate::committee::membership::Memberships;
use crate::committee::{Committees, store as committees};
use crate::db::types::{Id, Reference, Timestamp};
use crate::db::{Admin, Database, Principal, Tenant, Writer};
use crate::indicator;
use crate::indicator::service::References;
use crate::indicator::value::bundled;
use crate::indicator::value::service::PreparedValues;
use crate::municipality::model::MunicipalityBody;
use crate::municipality::store as municipality;
use crate::organisation::Units;
use crate::organisation::employee::{Employees, store as employees_store};
use crate::problem::{Problem, Result, ValidationErrors};
use crate::register::{self, Directory};
use crate::resource::{Body, Counts, Draft, UpsertOutcome};
use crate::strategy::resolve::{self, UnnamedParts};
use crate::strategy::service as strategies_service;
use crate::strategy::tree_change::{PartChange, TreeChange, TreeChanges};

/// Imports a bundle into its municipality, which is created where there is none: for the command
/// line, which stands outside any municipality.
pub async fn import_creating(database: &Database, issuer: &str, subject: &str, bundle: Bundle) -> Result<ImportAnswer> {
    let head = bundle.municipality.clone();
    let principal =
        Principal { municipality: head.key.clone(), issuer: issuer.to_owned(), subject: subject.to_owned() };
    let work = move |admin: &mut Admin<'_>| {
        let is_new = std::cell::Cell::new(false);
        let locate = |connection: &mut _, _: &_| -> Result<Id> {
            let (id, created) = municipality::find_or_create(connection, &head)?;
            is_new.set(created);
            Ok(id)
        };
        admin.write_to(&principal, locate, |writer| {
            if is_new.get() {
                let created = UpsertOutcome::Created(municipality::read(writer)?);
                writer.log(created.change())?;
            }
            let answer = import(writer, bundle)?;
            let created = Counts { created: 1, ..Counts::default() };
            Ok(if is_new.get() { ImportAnswer { municipality: created, ..answer } } else { answer })
        })
    };
    database.admin(work).await
}

/// Imports a bundle into the writer's own municipality: all of it, or, where there is a fault, nothing.
pub fn import(writer: &mut Writer<'_>, bundle: Bundle) -> Result<ImportAnswer> {
    check_municipality(writer, &bundle.municipality)?;
    prepare(writer, bundle)?.apply(writer)
}

/// A bundle that was checked and compared with what is stored, and waits to be written.
pub struct Prepared {
    head: MunicipalityBody,
    levels: Vec<UpsertOutcome<LevelBody>>,
    units: Vec<register::Checked<Units>>,
    employees: Vec<register::Checked<Employees>>,
    committees: Vec<register::Checked<Committees>>,
    memberships: Vec<register::Checked<Memberships>>,
    strategies: TreeChanges,
    local: Vec<local_service::PreparedAction>,
    reports: report::ReportImport,
    indicators: Vec<indicator::store::write::PreparedIndicator>,
    values: Vec<PreparedValues>,
}

/// Holds a bundle against every rule, and against what is stored.
pub fn prepare(tenant: &mut Tenant<'_>, bundle: Bundle) -> Result<Prepared> {
    let Bundle { municipality: head, levels, units, employees, committees, memberships, strategies, .. } = bundle;
    let (local_actions, reports) = (bundle.local_actions, bundle.reports);
    let (indicators, values) = (bundle.indicators, bundle.values);
    let mut errors = ValidationErrors::default();
    let mut directory = Directory::default();
    committees::learn_names(tenant, &mut directory)?;
    let levels = level::store::prepare(tenant, &mut directory.levels, Draft::array("/levels", levels), &mut errors)?;
    let units = register::prepare::<Units>(tenant, &mut directory, Draft::array("/units", units), &mut errors)?;
    let drafts = Draft::array("/employees", employees);
    let employees = register::prepare::<Employees>(tenant, &mut directory, drafts, &mut errors)?;
    let drafts = Draft::array("/committees", committees);
    let committees = register::prepare::<Committees>(tenant, &mut directory, drafts, &mut errors)?;
    let drafts = Draft::array("/memberships", memberships);
    let memberships = register::prepare::<Memberships>(tenant, &mut directory, drafts, &mut errors)?;
    let drafts = Draft::array("/strategies", strategies);
    let strategies = resolve::prepare(tenant, &directory, drafts, UnnamedParts::Retain, &mut errors)?;
    let planned = planned(tenant, &strategies)?;
    let named = named_by_indicators(tenant, &strategies, &planned, &directory)?;
    let drafts = Draft::array("/indicators", indicators);
    let indicators = indicator::service::prepare(tenant, &named, drafts, &mut errors)?;
    let drafts = Draft::array("/local_actions", local_actions);
    let local = local_service::prepare(tenant, &directory.committees, &planned, drafts, &mut errors)?;
    let actions = named_actions(tenant, planned, &local)?;
    let reporters = reports.iter().filter_map(|report| report.reported_by.as_ref());
    employees_store::learn_names(tenant, reporters, &mut directory.employees)?;
    let reports = report::prepare(tenant, &directory, &actions, reports, &mut errors)?;
    let values = bundled::prepare(tenant, &indicators, &directory.units, values, &mut errors)?;
    errors.into_result()?;
    Ok(Prepared {
        head,
        levels,
        units,
        employees,
        committees,
        memberships,
        strategies,
        local,
        reports,
        indicators,
        values,
    })
}

impl Prepared {
    /// Writes what differs from what is stored.
    pub fn apply(self, writer: &mut Writer<'_>) -> Result<ImportAnswer> {
        let strategies = self.strategies;
        let head = municipality::save(writer, self.head)?;
        let levels = level::store::apply(writer, self.levels)?;
        let units = register::apply(writer, self.units)?;
        let employees = register::apply(writer, self.employees)?;
        let committees = register::apply(writer, self.committees)?;
        let memberships = register::apply(writer, self.memberships)?;
        strategies_service::apply(writer, &strategies)?;
        let local = local_service::apply(writer, self.local)?;
        let reports = report::apply(writer, self.reports)?;
        let indicators = indicator::service::apply(writer, self.indicators)?;
        let values = bundled::apply(writer, self.values)?;
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

    /// What of it differs from what is stored: the kind of row, its key, and what becomes of it. Of values, which are
    /// compared as they are written, nothing is told.
    pub fn changes(&self, tenant: &mut Tenant<'_>) -> Result<Vec<String>> {
        let head = municipality::read(tenant)?;
        let head = UpsertOutcome::compare(Some(head), tenant.municipality_id, self.head.clone(), Timestamp::now());
        let mut changes: Vec<String> = change(&head).into_iter().collect();
        changes.extend(self.levels.iter().filter_map(change));
        changes.extend(self.units.iter().filter_map(|row| change(&row.outcome)));
        changes.extend(self.employees.iter().filter_map(|row| change(&row.outcome)));
        changes.extend(self.committees.iter().filter_map(|row| change(&row.outcome)));
        changes.extend(self.memberships.iter().filter_map(|row| change(&row.outcome)));
        for tree in &self.strategies.trees {
            changes.extend(change(&tree.strategy));
            changes.extend(tree.areas.iter().filter_map(part_change));
            changes.extend(tree.objectives.iter().filter_map(part_change));
            changes.extend(tree.actions.iter().filter_map(part_change));
        }
        changes.extend(self.local.iter().filter_map(|row| change(&row.outcome)));
        changes.extend(self.indicators.iter().filter_map(|row| change(&row.outcome)));
        changes.extend(
            (self.reports.created() > 0).then(|| format!("{} reports would be created", self.reports.created())),
        );
        Ok(changes)
    }
}

fn change<B: Body>(outcome: &UpsertOutcome<B>) -> Option<String> {
    let what = match outcome {
        UpsertOutcome::Unchanged(_) => return None,
        UpsertOutcome::Created(_) => "created",
        UpsertOutcome::Updated { .. } => "updated",
    };
    Some(format!("{} '{}' would be {what}", B::ENTITY, outcome.entity().body.key()))
}

fn part_change<B: Body>(part: &PartChange<B>) -> Option<String> {
    let moved =
        || part.is_updated().then(|| format!("{} '{}' would be moved", B::ENTITY, part.outcome.entity().body.key()));
    change(&part.outcome).or_else(moved)
}

/// What indicators can name: what is stored, and what the bundle brings.
fn named_by_indicators(
    tenant: &mut Tenant<'_>,
    strategies: &TreeChanges,
    planned: &ActionIndex,
    directory: &Directory,
) -> Result<References> {
    let mut named =
        References { levels: directory.levels.clone(), units: directory.units.clone(), ..References::default() };
    named.objectives.extend(indicator::store::objective_paths(tenant)?);
    let brought = strategies.trees.iter().flat_map(|tree| &tree.objectives).map(|part| part.outcome.entity());
    named.objectives.extend(brought.filter_map(|part| Some((part.id(), part.reference()?))));
    named.actions.extend(planned.clone().into_paths().map(|(path, id)| (id, path)));
    Ok(named)
}

/// The actions of plans, those included that the bundle brings.
fn planned(tenant: &mut Tenant<'_>, strategies: &TreeChanges) -> Result<ActionIndex> {
    let mut planned = actions::plan_actions(tenant, None)?;
    for tree in &strategies.trees {
        let starts_on = tree.strategy.entity().body.starts_on;
        for action in tree.actions.iter().map(|part| part.outcome.entity()) {
            if let Some(path) = action.reference() {
                planned.add(action.id(), path, starts_on);
            }
        }
    }
    Ok(planned)
}

/// What reports can name: the actions of plans, and the local ones, those included that the bundle brings.
fn named_actions(
    tenant: &mut Tenant<'_>,
    planned: ActionIndex,
    local: &[local_service::PreparedAction],
) -> Result<HashMap<Reference, Id>> {
    let mut named: HashMap<Reference, Id> = planned.into_paths().collect();
    let stored = local::all(tenant)?;
    for action in stored.iter().chain(local.iter().map(|checked| checked.outcome.entity())) {
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
    trees: &'t [TreeChange],
    parts: impl Fn(&'t TreeChange) -> &'t Vec<PartChange<B>>,
) -> Counts {
    Counts::of(trees.iter().flat_map(parts).map(|part| &part.outcome))
}
