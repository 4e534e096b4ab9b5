//! A whole sync: compared without holding anybody up, applied in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::model::{HrSync, SectionAnswer, SyncAnswer, SyncMode};
use super::section::{self, Guard, PlannedSection, Reading, Section as _};
use crate::committee::Committees;
use crate::committee::level::model::LevelBody;
use crate::committee::membership::Memberships;
use crate::committee::membership::model::MembershipBody;
use crate::committee::model::CommitteeBody;
use crate::committee::proposal::model::proposals;
use crate::committee::proposal::store as proposal_store;
use crate::db::change::EntityKind;
use crate::db::change_log;
use crate::db::{Database, Principal, Tenant, Writer};
use crate::language::Language;
use crate::municipality::model::MunicipalityBody;
use crate::municipality::store as municipality;
use crate::organisation::Units;
use crate::organisation::employee::Employees;
use crate::organisation::employee::model::EmployeeBody;
use crate::organisation::model::UnitBody;
use crate::problem::{Kind, Problem, Result, ValidationErrors};
use crate::register::Directory;
use crate::resource::Body as _;

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
const LOOKED_AT: [EntityKind; 6] = [
    MunicipalityBody::ENTITY,
    LevelBody::ENTITY,
    UnitBody::ENTITY,
    EmployeeBody::ENTITY,
    CommitteeBody::ENTITY,
    MembershipBody::ENTITY,
];

/// A file that was compared and checked, and waits to be applied.
struct WholePlan {
    /// Its sections, each after those to whose rows its own may refer.
    sections: Vec<Box<dyn PlannedSection>>,
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
        true => database.dry_run(principal, work).await,
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
    if plan.sections.iter().any(|section| !section.is_unchanged()) {
        return Ok(Compared::Changed(plan));
    }
    let told = plan.sections.into_iter().map(|section| (section.name(), section.into_answer(wanted.today)));
    Ok(Compared::Unchanged(Box::new(answer(told.collect(), tenant, wanted)?)))
}

fn answer(
    mut told: HashMap<&'static str, SectionAnswer>,
    tenant: &mut Tenant<'_>,
    wanted: Wanted,
) -> Result<SyncAnswer> {
    Ok(SyncAnswer {
        mode: wanted.mode,
        dry_run: wanted.dry_run,
        units: told.remove(Units::NAME),
        employees: told.remove(Employees::NAME),
        committees: told.remove(Committees::NAME),
        memberships: told.remove(Memberships::NAME),
        proposals: proposals(&proposal_store::facts(tenant, wanted.today)?, wanted.language),
    })
}

impl WholePlan {
    /// Compares a file with what is stored. Sections may refer to rows of sections before them, and within
    /// themselves in any order.
    fn make(tenant: &mut Tenant<'_>, file: &HrSync, wanted: Wanted) -> Result<Self> {
        let seen = change_log::latest(tenant)?;
        let reading = Reading { mode: wanted.mode, today: wanted.today };
        let mut directory = Directory::default();
        let mut errors = ValidationErrors::default();
        let (names, found) = (&mut directory, &mut errors);
        let sections = [
            section::plan::<Units>(tenant, names, file.units.as_ref(), reading, found)?,
            section::plan::<Employees>(tenant, names, file.employees.as_ref(), reading, found)?,
            section::plan::<Committees>(tenant, names, file.committees.as_ref(), reading, found)?,
            section::plan::<Memberships>(tenant, names, file.memberships.as_ref(), reading, found)?,
        ];
        errors.into_result()?;
        let plan = Self { sections: sections.into_iter().flatten().collect(), seen };
        plan.check_guard(tenant, wanted)?;
        Ok(plan)
    }

    fn check_guard(&self, tenant: &mut Tenant<'_>, wanted: Wanted) -> Result<()> {
        let usual = municipality::read(tenant)?.body.sync_guard;
        let guard = Guard { usual, max_ended: wanted.max_ended, today: wanted.today };
        let mut errors = ValidationErrors::default();
        for section in &self.sections {
            section.check_guard(tenant, &guard, &mut errors)?;
        }
        if errors.count() == 0 {
            return Ok(());
        }
        let detail = "The file would end more than the municipality's sync guard lets pass; nothing was stored.";
        Err(Problem { errors, ..Problem::new(Kind::SyncGuard, detail) })
    }

    fn apply(self, writer: &mut Writer<'_>, wanted: Wanted) -> Result<SyncAnswer> {
        let mut told = HashMap::new();
        for section in self.sections {
            told.insert(section.name(), section.apply(writer, wanted.today)?);
        }
        answer(told, writer, wanted)
    }
}
