//! Reports of a bundle: whole histories, compared with what is stored.

use std::collections::{HashMap, HashSet};

use super::model::{BundledReport, ReportBody, ReportIdentity};
use super::store::{self, NewReport};
use crate::action::assignment::model::Assignee;
use crate::db::types::{Id, Reference, Timestamp};
use crate::db::{Tenant, Writer};
use crate::problem::{Result, ValidationErrors};
use crate::register::Directory;
use crate::resource::Counts;

/// The validated reports of a bundle.
pub struct ReportImport {
    new: Vec<NewReport>,
    unchanged: usize,
}

impl ReportImport {
    /// How many reports are new.
    pub fn created(&self) -> usize {
        self.new.len()
    }
}

/// Validates a bundle's reports and compares them with those stored.
///
/// They are history: the rules of today's reporting don't hold for them. What they name must exist, and a report that
/// is stored already must say the same.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    directory: &Directory,
    actions: &HashMap<Reference, Id>,
    reports: Vec<BundledReport>,
    errors: &mut ValidationErrors,
) -> Result<ReportImport> {
    let stored = if reports.is_empty() { HashMap::new() } else { store::contents(tenant)? };
    let (now, mut seen) = (Timestamp::now(), HashSet::new());
    let mut import = ReportImport { new: Vec::new(), unchanged: 0 };
    for (n, report) in reports.into_iter().enumerate() {
        let pointer = format!("/reports/{n}");
        let Some(new) = resolve(directory, actions, report, now, &pointer, errors) else { continue };
        let identity: ReportIdentity = (new.action_id, new.body.occurrence, new.assignee, new.reported_at);
        if !seen.insert(identity) {
            errors.add(pointer.clone(), "stands here twice: the same action, party, occurrence and moment");
        }
        match stored.get(&identity) {
            None => import.new.push(new),
            Some(content) if *content == store::content(&new.body, new.reporter_id) => import.unchanged += 1,
            Some(_) => {
                errors.add(pointer, "says something else than the report that is kept: a correction is a new report");
            }
        }
    }
    Ok(import)
}

/// Checks one report and finds the rows that it names; none if one of them doesn't exist.
fn resolve(
    directory: &Directory,
    actions: &HashMap<Reference, Id>,
    report: BundledReport,
    now: Timestamp,
    pointer: &str,
    errors: &mut ValidationErrors,
) -> Option<NewReport> {
    let BundledReport { action, report: mut body, mut reported_by, reported_at } = report;
    if reported_at > now {
        errors.add(format!("{pointer}/reported_at"), "lies ahead: write when it was reported");
    }
    body.check(reported_at.day(), pointer, errors);
    let action_id = actions.get(&action).copied();
    if action_id.is_none() {
        let detail = format!("names no action of this municipality: '{action}'; write strategy/area/action");
        errors.add(format!("{pointer}/action"), detail);
    }
    let assignee = resolve_assignee(directory, &mut body, pointer, errors);
    let at = format!("{pointer}/reported_by");
    let reporter_id = directory.employees.resolve_optional("employee", &mut reported_by, &at, errors);
    if reported_by.is_some() && reporter_id.is_none() {
        return None;
    }
    Some(NewReport { action_id: action_id?, assignee: assignee?, body, reporter_id, reported_at })
}

fn resolve_assignee(
    directory: &Directory,
    body: &mut ReportBody,
    pointer: &str,
    errors: &mut ValidationErrors,
) -> Option<Assignee> {
    match (&mut body.committee, &mut body.unit) {
        (Some(committee), None) => directory
            .committees
            .resolve("committee", committee, &format!("{pointer}/committee"), errors)
            .map(Assignee::Committee),
        (None, Some(unit)) => {
            directory.units.resolve("unit", unit, &format!("{pointer}/unit"), errors).map(Assignee::Unit)
        }
        _ => {
            errors.add(pointer, "names exactly one of committee and unit: who reported?");
            None
        }
    }
}

/// Stores the new reports.
pub fn apply(writer: &mut Writer<'_>, import: ReportImport) -> Result<Counts> {
    let counts = Counts { created: import.created(), unchanged: import.unchanged, ..Counts::default() };
    store::insert(writer, import.new)?;
    Ok(counts)
}
