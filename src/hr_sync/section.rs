//! A section of a file: what each of its rows is to become, and what that comes to.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde_json::Value;
use utoipa::ToSchema;

use super::model::{ChangedRow, HrRow, SectionAnswer, SectionCounts, SyncMode, required};
use crate::committee::Committees;
use crate::committee::membership::Memberships;
use crate::db::types::RegisterKey;
use crate::db::{Tenant, Writer, connection};
use crate::municipality::model::SyncGuard;
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::organisation::employee::model::EmployeeBody;
use crate::problem::{Faults, Result};
use crate::register::{self, Checked, Directory, Managed, ManagedBy, Register, Selection};
use crate::resource::{Body as _, Draft, Saved, Stored, check_duplicate_keys};

/// A register that a file may hold.
pub trait Section: Register<Body: ToSchema> {
    /// What the file calls the section.
    const NAME: &'static str;

    /// What must not come back with a row that is kept as it had to be made.
    fn keep_anonymous(_wanted: &mut Self::Body, _stored: &Self::Body, _today: NaiveDate) {}
}

impl Section for Units {
    const NAME: &'static str = "units";
}

impl Section for Committees {
    const NAME: &'static str = "committees";
}

impl Section for Memberships {
    const NAME: &'static str = "memberships";
}

impl Section for Employees {
    const NAME: &'static str = "employees";

    /// A file that still has somebody who left long ago doesn't bring the name back; one that employs
    /// them again does.
    fn keep_anonymous(wanted: &mut EmployeeBody, stored: &EmployeeBody, today: NaiveDate) {
        if stored.is_anonymised() && wanted.is_over(today) {
            wanted.name = stored.name.clone();
            wanted.email = stored.email.clone();
            wanted.title = stored.title.clone();
        }
    }
}

/// A section that was compared and checked, and waits to be written.
pub struct Plan<S: Section> {
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
    faults: &mut Faults,
) -> Result<Option<Plan<S>>> {
    let Some(rows) = rows else { return Ok(None) };
    check_duplicate_keys(rows.iter().enumerate().map(|(n, row)| (pointer::<S>(n), &row.key)), faults);
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
        } else if let Some(body) = wanted::<S>((row, &pointer), stored, &required, reading, faults)? {
            drafts.push(Draft { pointer, body });
        }
    }
    if reading.mode == SyncMode::Snapshot {
        let gone = existing.values().filter(|stored| !named.contains(stored.body.key()));
        drafts.extend(gone.filter_map(|stored| ended::<S>(stored, reading.today)));
    }
    drafts.sort_by(|a, b| a.body.key().cmp(b.body.key()));
    skipped.sort();
    let rows = register::prepare_over(tenant, directory, existing, drafts, faults)?;
    Ok(Some(Plan { rows, skipped }))
}

fn pointer<S: Section>(n: usize) -> String {
    format!("/{}/{n}", S::NAME)
}

/// A snapshot is held against everything, a delta against the rows that it names.
fn stored<S: Section>(
    tenant: &mut Tenant<'_>,
    rows: &[HrRow<S::Body>],
    mode: SyncMode,
) -> Result<HashMap<RegisterKey, Stored<S::Body>>> {
    let by_key = |stored: Vec<Stored<S::Body>>| stored.into_iter().map(|row| (row.body.key().clone(), row));
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
    stored: Option<&Stored<S::Body>>,
    required: &[String],
    reading: Reading,
    faults: &mut Faults,
) -> Result<Option<S::Body>> {
    let stored = stored.map(|stored| &stored.body);
    let Some(merged) = row.over(stored, required, pointer, faults)? else { return Ok(None) };
    let mut body = merged.body;
    // Whoever is in a snapshot is there; a file that means otherwise says so.
    let had_ended = || stored.is_some_and(|stored| stored.is_over(reading.today)) || body.is_over(reading.today);
    if reading.mode == SyncMode::Snapshot && !merged.names_its_end && had_ended() {
        body.set_ends_on(None);
    }
    if let Some(stored) = stored {
        S::keep_anonymous(&mut body, stored, reading.today);
    }
    Ok(Some(body))
}

/// The row that a snapshot no longer has: its last day was yesterday, or, where it has not begun yet, will be
/// its first. None where it ends no later anyway, or is an editor's.
fn ended<S: Section>(stored: &Stored<S::Body>, today: NaiveDate) -> Option<Draft<S::Body>> {
    let yesterday = today.pred_opt()?;
    let last = stored.body.starts_on().map_or(yesterday, |first| first.max(yesterday));
    let ends_earlier = stored.body.ends_on().is_some_and(|day| day <= last);
    if stored.body.managed_by() == ManagedBy::Editor || ends_earlier {
        return None;
    }
    let mut body = stored.body.clone();
    body.set_ends_on(Some(last));
    Some(Draft { pointer: format!("/{}", S::NAME), body })
}

impl<S: Section> Plan<S> {
    /// Whether nothing needs to be written.
    pub fn is_unchanged(&self) -> bool {
        self.rows.iter().all(|row| row.saved.is_unchanged())
    }

    /// Notes where the section would lose more than the guard lets pass.
    pub fn check_guard(
        &self,
        tenant: &mut Tenant<'_>,
        guard: SyncGuard,
        max_ended: Option<u32>,
        today: NaiveDate,
        faults: &mut Faults,
    ) -> Result<()> {
        let ended = self.rows.iter().filter(|row| outcome(&row.saved, today) == Outcome::Ended).count() as i64;
        // The guard's own number and the one that this run is openly allowed: the larger counts.
        if ended > i64::from(guard.rows).max(max_ended.map_or(0, i64::from)) {
            let active = S::count_under_hr(tenant, today)?;
            if ended * 100 > active * i64::from(guard.percent) {
                let detail = format!(
                    "{ended} of {active} would end: if the file is right, send it with max_ended={ended} or more"
                );
                faults.add(format!("/{}", S::NAME), detail);
            }
        }
        Ok(())
    }

    /// Writes the section.
    pub fn apply(self, writer: &mut Writer<'_>, today: NaiveDate) -> Result<SectionAnswer> {
        let saved = register::apply(writer, self.rows)?;
        Ok(answer(saved, self.skipped, today))
    }

    /// The answer where there is nothing to write.
    pub fn into_answer(self, today: NaiveDate) -> SectionAnswer {
        answer(self.rows.into_iter().map(|row| row.saved).collect(), self.skipped, today)
    }
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

fn outcome<B: Managed>(saved: &Saved<B>, today: NaiveDate) -> Outcome {
    match saved {
        Saved::Created(_) => Outcome::Created,
        Saved::Unchanged(_) => Outcome::Unchanged,
        Saved::Updated { before, after } => {
            let (until, from) = (&before.body, &after.body);
            let ends_earlier = match (until.ends_on(), from.ends_on()) {
                (None, Some(_)) => true,
                (Some(until), Some(from)) => from < until,
                (_, None) => false,
            };
            match (until.is_over(today), from.is_over(today)) {
                (true, false) => Outcome::Reopened,
                (false, _) if ends_earlier => Outcome::Ended,
                _ => Outcome::Updated,
            }
        }
    }
}

fn answer<B: Managed>(saved: Vec<Saved<B>>, skipped: Vec<RegisterKey>, today: NaiveDate) -> SectionAnswer {
    let mut answer = SectionAnswer { skipped, ..SectionAnswer::default() };
    for saved in saved {
        let outcome = outcome(&saved, today);
        let key = saved.stored().body.key().clone();
        match outcome {
            Outcome::Created => answer.created.push(key),
            Outcome::Unchanged => answer.unchanged.push(key),
            Outcome::Updated => answer.updated.push(changed(key, &saved)),
            Outcome::Ended => answer.ended.push(changed(key, &saved)),
            Outcome::Reopened => answer.reopened.push(changed(key, &saved)),
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

fn changed<B: Managed>(key: RegisterKey, saved: &Saved<B>) -> ChangedRow {
    let fields = match saved.change() {
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
