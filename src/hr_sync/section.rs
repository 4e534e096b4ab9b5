//! A section of a file: what each of its rows is to become, and what that comes to.

use std::collections::{HashMap, HashSet};

use chrono::{Datelike as _, NaiveDate};
use serde_json::Value;
use utoipa::ToSchema;

use super::model::{ChangedRow, HrRow, SectionAnswer, SectionCounts, SyncMode, required};
use crate::committee::Committees;
use crate::committee::membership::Memberships;
use crate::committee::membership::model::{MemberRole, MembershipBody};
use crate::committee::model::CommitteeBody;
use crate::db::types::{Reference, RegisterKey};
use crate::db::{Tenant, Writer, connection};
use crate::municipality::model::SyncGuard;
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::organisation::employee::model::EmployeeBody;
use crate::organisation::model::UnitBody;
use crate::problem::{Result, ValidationErrors};
use crate::register::{self, Checked, Directory, Managed, ManagedBy, Register, Selection};
use crate::resource::{Body as _, Draft, Entity, UpsertOutcome, check_duplicate_keys};

/// A register that a file may hold.
pub trait Section: Register<Body: ToSchema> {
    /// What the file calls the section.
    const NAME: &'static str;

    /// Whether a row that stays has lost its place: an export with an empty column would take it from all.
    fn is_uprooted(before: &Self::Body, after: &Self::Body) -> bool;

    /// Lets rows that the snapshot no longer has make room for those that take their place.
    fn hand_over(_gone: &mut [Draft<Self::Body>], _wanted: &[Draft<Self::Body>], _yesterday: NaiveDate) {}
}

impl Section for Units {
    const NAME: &'static str = "units";

    fn is_uprooted(before: &UnitBody, after: &UnitBody) -> bool {
        before.parent.is_some() && after.parent.is_none()
    }
}

impl Section for Employees {
    const NAME: &'static str = "employees";

    fn is_uprooted(before: &EmployeeBody, after: &EmployeeBody) -> bool {
        before.unit.is_some() && after.unit.is_none()
    }
}

impl Section for Committees {
    const NAME: &'static str = "committees";

    fn is_uprooted(before: &CommitteeBody, after: &CommitteeBody) -> bool {
        before.parent.is_some() && after.parent.is_none() || !before.units.is_empty() && after.units.is_empty()
    }
}

impl Section for Memberships {
    const NAME: &'static str = "memberships";

    fn is_uprooted(before: &MembershipBody, after: &MembershipBody) -> bool {
        before.employee.is_some() && after.employee.is_none()
    }

    /// A handover that was registered late: the chair who is gone held the seat up to the day before the first of
    /// those who follow.
    fn hand_over(gone: &mut [Draft<MembershipBody>], wanted: &[Draft<MembershipBody>], yesterday: NaiveDate) {
        let is_held = |body: &&MembershipBody| body.role == MemberRole::Chair && body.employee.is_some();
        let mut first_days: HashMap<&Reference, NaiveDate> = HashMap::new();
        for body in
            wanted.iter().map(|draft| &draft.body).filter(is_held).filter(|body| body.date_range().contains(yesterday))
        {
            if let Some(first) = body.starts_on {
                first_days.entry(&body.committee).and_modify(|day| *day = first.min(*day)).or_insert(first);
            }
        }
        for Draft { body, .. } in gone.iter_mut().filter(|draft| is_held(&&draft.body)) {
            let day_before = first_days.get(&body.committee).and_then(|first| first.pred_opt());
            // An HR system that writes 0001-01-01 for "no date" says nothing of a handover.
            let day_before = day_before.filter(|day| day.year() > 1);
            if let Some(day_before) = day_before.filter(|day| body.starts_on.is_none_or(|first| first <= *day)) {
                body.ends_on = body.ends_on.min(Some(day_before));
            }
        }
    }
}

/// A section that was compared and checked, and waits to be written.
struct Plan<S: Section> {
    rows: Vec<Checked<S>>,
    skipped: Vec<RegisterKey>,
}

/// How a file is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// What it says of the rows that it doesn't name.
    pub mode: SyncMode,
    /// The day on which it is read.
    pub today: NaiveDate,
}

/// Compares a section with what is stored. Rows are taken in the order of their keys, so that the order of
/// the file doesn't matter.
pub fn plan<S: Section>(
    tenant: &mut Tenant<'_>,
    directory: &mut Directory,
    rows: Option<&Vec<HrRow<S::Body>>>,
    reading: Reading,
    errors: &mut ValidationErrors,
) -> Result<Option<Box<dyn PlannedSection>>>
where
    S::Body: Send,
    S::Links: Send,
{
    let Some(rows) = rows else { return Ok(None) };
    check_duplicate_keys(rows.iter().enumerate().map(|(n, row)| (pointer::<S>(n), &row.key)), errors);
    let existing = stored::<S>(tenant, rows, reading.mode)?;
    let required = required::<S::Body>();
    let named: HashSet<&RegisterKey> = rows.iter().map(|row| &row.key).collect();
    let mut drafts = Vec::with_capacity(rows.len());
    let mut skipped = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let pointer = pointer::<S>(n);
        let stored = existing.get(&row.key);
        if stored.is_some_and(|stored| stored.body.managed_by() == ManagedBy::Editor) {
            skipped.push(row.key.clone());
        } else if let Some(body) = wanted::<S>((row, &pointer), stored, &required, reading, errors)? {
            drafts.push(Draft { pointer, body });
        }
    }
    if reading.mode == SyncMode::Snapshot {
        let gone = existing.values().filter(|stored| !named.contains(stored.body.key()));
        let mut gone: Vec<_> = gone.filter_map(|stored| ended::<S>(stored, reading.today)).collect();
        S::hand_over(&mut gone, &drafts, reading.today.pred_opt().unwrap_or(reading.today));
        drafts.append(&mut gone);
    }
    drafts.sort_by(|a, b| a.body.key().cmp(b.body.key()));
    skipped.sort();
    let rows = register::prepare_over::<S>(tenant, directory, existing, drafts, errors)?;
    Ok(Some(Box::new(Plan { rows, skipped })))
}

fn pointer<S: Section>(n: usize) -> String {
    format!("/{}/{n}", S::NAME)
}

/// A snapshot is held against everything, a delta against the rows that it names.
fn stored<S: Section>(
    tenant: &mut Tenant<'_>,
    rows: &[HrRow<S::Body>],
    mode: SyncMode,
) -> Result<HashMap<RegisterKey, Entity<S::Body>>> {
    let by_key = |stored: Vec<Entity<S::Body>>| stored.into_iter().map(|row| (row.body.key().clone(), row));
    if mode == SyncMode::Snapshot {
        return Ok(by_key(S::select(tenant, Selection::All)?).collect());
    }
    let mut existing = HashMap::new();
    for batch in rows.chunks(connection::batch()) {
        let keys = batch.iter().map(|row| row.key.clone()).collect();
        existing.extend(by_key(S::select(tenant, Selection::Keys(keys))?));
    }
    Ok(existing)
}

/// What a row of the file is to become.
fn wanted<S: Section>(
    (row, pointer): (&HrRow<S::Body>, &str),
    stored: Option<&Entity<S::Body>>,
    required: &[String],
    reading: Reading,
    errors: &mut ValidationErrors,
) -> Result<Option<S::Body>> {
    let stored = stored.map(|stored| &stored.body);
    let Some(merged) = row.over(stored, required, pointer, errors)? else { return Ok(None) };
    let mut body = merged.body;
    // Whoever is in a snapshot is there; a file that means otherwise says so.
    let had_ended = || {
        stored.is_some_and(|stored| stored.date_range().is_over(reading.today))
            || body.date_range().is_over(reading.today)
    };
    if reading.mode == SyncMode::Snapshot && !merged.names_its_end && had_ended() {
        body.set_ends_on(None);
    }
    register::check_new_days(&body, stored, pointer, errors);
    Ok(Some(body))
}

/// The row that a snapshot no longer has: its last day was yesterday, or, where it has not begun by then, the day
/// before its first. None where it ends no later anyway, or is an editor's.
fn ended<S: Section>(stored: &Entity<S::Body>, today: NaiveDate) -> Option<Draft<S::Body>> {
    let yesterday = today.pred_opt()?;
    let last = stored
        .body
        .date_range()
        .starts_on
        .and_then(|first| first.pred_opt())
        .map_or(yesterday, |day| day.max(yesterday));
    let ends_earlier = stored.body.date_range().ends_on.is_some_and(|day| day <= last);
    if stored.body.managed_by() == ManagedBy::Editor || ends_earlier {
        return None;
    }
    let mut body = stored.body.clone();
    body.set_ends_on(Some(last));
    Some(Draft { pointer: format!("/{}", S::NAME), body })
}

/// A section's plan, whichever register it is about.
pub trait PlannedSection: Send {
    /// What the file calls the section.
    fn name(&self) -> &'static str;

    /// Whether nothing needs to be written.
    fn is_unchanged(&self) -> bool;

    /// Notes where the section would lose more than the guard lets pass.
    fn check_guard(&self, tenant: &mut Tenant<'_>, guard: &Guard, errors: &mut ValidationErrors) -> Result<()>;

    /// Writes the section.
    fn apply(self: Box<Self>, writer: &mut Writer<'_>, today: NaiveDate) -> Result<SectionAnswer>;

    /// The answer where there is nothing to write.
    fn into_answer(self: Box<Self>, today: NaiveDate) -> SectionAnswer;
}

/// How much a section may lose.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// What the municipality lets pass.
    pub usual: SyncGuard,
    /// What this run is openly allowed.
    pub max_ended: Option<u32>,
    /// The day on which the file is read.
    pub today: NaiveDate,
}

impl<S: Section> PlannedSection for Plan<S>
where
    S::Body: Send,
    S::Links: Send,
{
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn is_unchanged(&self) -> bool {
        self.rows.iter().all(|row| row.outcome.is_unchanged())
    }

    fn check_guard(&self, tenant: &mut Tenant<'_>, guard: &Guard, errors: &mut ValidationErrors) -> Result<()> {
        let lost = self.rows.iter().filter(|row| is_lost::<S>(&row.outcome, guard.today)).count() as i64;
        // The guard's own number and the one that this run is openly allowed: the larger counts.
        if lost > i64::from(guard.usual.rows).max(guard.max_ended.map_or(0, i64::from)) {
            let active = S::count_under_hr(tenant, guard.today)?;
            if lost * 100 > active * i64::from(guard.usual.percent) {
                let detail = format!(
                    "{lost} of {active} would end or lose their place: if the file is right, send it with \
                     max_ended={lost} or more"
                );
                errors.add(format!("/{}", S::NAME), detail);
            }
        }
        Ok(())
    }

    fn apply(self: Box<Self>, writer: &mut Writer<'_>, today: NaiveDate) -> Result<SectionAnswer> {
        let outcome = register::apply(writer, self.rows)?;
        Ok(answer(outcome, self.skipped, today))
    }

    fn into_answer(self: Box<Self>, today: NaiveDate) -> SectionAnswer {
        answer(self.rows.into_iter().map(|row| row.outcome).collect(), self.skipped, today)
    }
}

/// What the guard counts: rows that end, that are there today and no longer would be, or that lose their place.
fn is_lost<S: Section>(outcome: &UpsertOutcome<S::Body>, today: NaiveDate) -> bool {
    let UpsertOutcome::Updated { before, after } = outcome else { return false };
    let (before, after) = (&before.body, &after.body);
    let vanishes = before.date_range().contains(today) && !after.date_range().contains(today);
    let ends = outcome.is_ended() && !before.date_range().is_over(today);
    ends || vanishes || (!before.date_range().is_over(today) && S::is_uprooted(before, after))
}

/// What came of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Created,
    Updated,
    Ended,
    Reopened,
    Unchanged,
}

fn classify<B: Managed>(outcome: &UpsertOutcome<B>, today: NaiveDate) -> Outcome {
    match outcome {
        UpsertOutcome::Created(_) => Outcome::Created,
        UpsertOutcome::Unchanged(_) => Outcome::Unchanged,
        UpsertOutcome::Updated { before, after } => {
            match (before.body.date_range().is_over(today), after.body.date_range().is_over(today)) {
                (true, false) => Outcome::Reopened,
                (false, _) if outcome.is_ended() => Outcome::Ended,
                _ => Outcome::Updated,
            }
        }
    }
}

fn answer<B: Managed>(outcomes: Vec<UpsertOutcome<B>>, skipped: Vec<RegisterKey>, today: NaiveDate) -> SectionAnswer {
    let mut answer = SectionAnswer { skipped, ..SectionAnswer::default() };
    for upserted in outcomes {
        let outcome = classify(&upserted, today);
        let key = upserted.entity().body.key().clone();
        match outcome {
            Outcome::Created => answer.created.push(key),
            Outcome::Unchanged => answer.unchanged.push(key),
            Outcome::Updated => answer.updated.push(changed(key, &upserted)),
            Outcome::Ended => answer.ended.push(changed(key, &upserted)),
            Outcome::Reopened => answer.reopened.push(changed(key, &upserted)),
        }
    }
    answer.counts = SectionCounts {
        created: answer.created.len(),
        updated: answer.updated.len(),
        ended: answer.ended.len(),
        reopened: answer.reopened.len(),
        unchanged: answer.unchanged.len(),
        skipped: answer.skipped.len(),
    };
    answer
}

fn changed<B: Managed>(key: RegisterKey, outcome: &UpsertOutcome<B>) -> ChangedRow {
    let fields = match outcome.change() {
        Some(change) => {
            let member =
                |fields: &Option<Value>, name: &str| fields.as_ref().and_then(|fields| fields.get(name).cloned());
            let names = change.after.as_ref().and_then(Value::as_object).into_iter().flat_map(|after| after.keys());
            names.filter(|name| member(&change.before, name) != member(&change.after, name)).cloned().collect()
        }
        None => Vec::new(),
    };
    ChangedRow { key, fields }
}
