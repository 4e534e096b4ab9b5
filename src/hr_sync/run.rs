//! A whole sync: compared without holding anybody up, applied in one transaction.

use std::sync::Arc;

use chrono::NaiveDate;

use super::model::{HrSync, SyncAnswer, SyncMode};
use super::section::{self, Plan, Reading};
use crate::committee::Committees;
use crate::committee::membership::Memberships;
use crate::committee::proposal::model::{Proposal, proposals};
use crate::committee::proposal::store as proposal_store;
use crate::db::change_log;
use crate::db::{Database, Principal, Tenant, Writer};
use crate::http::language::Language;
use crate::municipality::store as municipality;
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::problem::{Faults, Kind, Problem, Result};
use crate::register::Directory;

/// How a file is to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// What it says of the rows that it doesn't name.
    pub mode: SyncMode,
    /// Whether everything is taken back in the end.
    pub dry_run: bool,
    /// How many rows a section may lose, where the sync guard is openly raised.
    pub max_ended: Option<u32>,
    /// The day on which it is read.
    pub today: NaiveDate,
    /// The language of the proposals.
    pub language: Language,
}

/// What a plan depends on: where one of these has changed in the meantime, it is made anew.
const LOOKED_AT: [&str; 6] = ["municipality", "level", "unit", "employee", "committee", "membership"];

/// A file that was compared and checked, and waits to be applied.
struct WholePlan {
    units: Option<Plan<Units>>,
    employees: Option<Plan<Employees>>,
    committees: Option<Plan<Committees>>,
    memberships: Option<Plan<Memberships>>,
    /// The place in the change log up to which it was compared.
    seen: i64,
}

/// Takes a file: all of it, or, where there is a fault, nothing.
///
/// The comparison, which is most of the work, runs before the write lock is taken, so that others go on
/// writing meanwhile; if what they wrote concerns the file, it is compared once more under the lock.
pub async fn sync(database: &Database, principal: &Principal, file: HrSync, wanted: Wanted) -> Result<SyncAnswer> {
    let file = Arc::new(file);
    let to_compare = Arc::clone(&file);
    let compared = database.read(principal, move |tenant| compare(tenant, &to_compare, wanted)).await?;
    let plan = match compared {
        Compared::Unchanged(answer) => return Ok(*answer),
        Compared::Changed(plan) => plan,
    };
    let work = move |writer: &mut Writer<'_>| {
        let is_outdated = change_log::has_changed_since(writer, plan.seen, &LOOKED_AT)?;
        let plan = if is_outdated { WholePlan::make(writer, &file, wanted)? } else { plan };
        drop(file);
        plan.apply(writer, wanted)
    };
    match wanted.dry_run {
        true => database.rehearse(principal, work).await,
        false => database.write(principal, work).await,
    }
}

/// What a comparison comes to.
enum Compared {
    /// There is nothing to write, and thus nothing to wait for.
    Unchanged(Box<SyncAnswer>),
    Changed(WholePlan),
}

fn compare(tenant: &mut Tenant<'_>, file: &HrSync, wanted: Wanted) -> Result<Compared> {
    let plan = WholePlan::make(tenant, file, wanted)?;
    if !plan.is_unchanged() {
        return Ok(Compared::Changed(plan));
    }
    let WholePlan { units, employees, committees, memberships, .. } = plan;
    let today = wanted.today;
    Ok(Compared::Unchanged(Box::new(SyncAnswer {
        mode: wanted.mode,
        dry_run: wanted.dry_run,
        units: units.map(|plan| plan.into_answer(today)),
        employees: employees.map(|plan| plan.into_answer(today)),
        committees: committees.map(|plan| plan.into_answer(today)),
        memberships: memberships.map(|plan| plan.into_answer(today)),
        proposals: proposals_now(tenant, wanted)?,
    })))
}

fn proposals_now(tenant: &mut Tenant<'_>, wanted: Wanted) -> Result<Vec<Proposal>> {
    Ok(proposals(&proposal_store::facts(tenant, wanted.today)?, wanted.language))
}

impl WholePlan {
    /// Compares a file with what is stored. Sections may refer to rows of sections before them, and within
    /// themselves in any order.
    fn make(tenant: &mut Tenant<'_>, file: &HrSync, wanted: Wanted) -> Result<Self> {
        let seen = change_log::latest(tenant)?;
        let reading = Reading { mode: wanted.mode, today: wanted.today };
        let mut directory = Directory::default();
        let mut faults = Faults::default();
        let (names, found) = (&mut directory, &mut faults);
        let units = section::plan::<Units>(tenant, names, file.units.as_ref(), reading, found)?;
        let employees = section::plan::<Employees>(tenant, names, file.employees.as_ref(), reading, found)?;
        let committees = section::plan::<Committees>(tenant, names, file.committees.as_ref(), reading, found)?;
        let memberships = section::plan::<Memberships>(tenant, names, file.memberships.as_ref(), reading, found)?;
        faults.into_result()?;
        let plan = Self { units, employees, committees, memberships, seen };
        plan.check_guard(tenant, wanted)?;
        Ok(plan)
    }

    fn is_unchanged(&self) -> bool {
        self.units.as_ref().is_none_or(Plan::is_unchanged)
            && self.employees.as_ref().is_none_or(Plan::is_unchanged)
            && self.committees.as_ref().is_none_or(Plan::is_unchanged)
            && self.memberships.as_ref().is_none_or(Plan::is_unchanged)
    }

    fn check_guard(&self, tenant: &mut Tenant<'_>, wanted: Wanted) -> Result<()> {
        let guard = municipality::read(tenant)?.body.sync_guard;
        let Wanted { max_ended, today, .. } = wanted;
        let mut faults = Faults::default();
        if let Some(plan) = &self.units {
            plan.check_guard(tenant, guard, max_ended, today, &mut faults)?;
        }
        if let Some(plan) = &self.employees {
            plan.check_guard(tenant, guard, max_ended, today, &mut faults)?;
        }
        if let Some(plan) = &self.committees {
            plan.check_guard(tenant, guard, max_ended, today, &mut faults)?;
        }
        if let Some(plan) = &self.memberships {
            plan.check_guard(tenant, guard, max_ended, today, &mut faults)?;
        }
        if faults.count() == 0 {
            return Ok(());
        }
        let detail = "The file would end more than the municipality's sync guard lets pass; nothing was stored.";
        Err(Problem { faults, ..Problem::new(Kind::SyncGuard, detail) })
    }

    fn apply(self, writer: &mut Writer<'_>, wanted: Wanted) -> Result<SyncAnswer> {
        let today = wanted.today;
        Ok(SyncAnswer {
            mode: wanted.mode,
            dry_run: wanted.dry_run,
            units: self.units.map(|plan| plan.apply(writer, today)).transpose()?,
            employees: self.employees.map(|plan| plan.apply(writer, today)).transpose()?,
            committees: self.committees.map(|plan| plan.apply(writer, today)).transpose()?,
            memberships: self.memberships.map(|plan| plan.apply(writer, today)).transpose()?,
            proposals: proposals_now(writer, wanted)?,
        })
    }
}
