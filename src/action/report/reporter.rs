//! Who may report for whom (rule 8).

use diesel::prelude::*;

use crate::action::assignment::model::Party;
use crate::auth::caller::Caller;
use crate::auth::scope::Scope;
use crate::db::Tenant;
use crate::db::schema::{employees, memberships};
use crate::db::types::{Id, RegisterKey};
use crate::municipality::store as municipality;
use crate::period;
use crate::problem::{Kind, Problem, Result};

/// Somebody who wants to report, or to act for a committee.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// Whether they may for anybody.
    is_editor: bool,
    /// The key of the employee that they say they are.
    key: Option<RegisterKey>,
}

/// An employee, as far as it matters here.
struct Person {
    id: Id,
    leads_unit_id: Option<Id>,
}

impl Reporter {
    /// Whoever calls.
    pub fn of(caller: &Caller) -> Self {
        let key = caller.person.as_ref().and_then(|person| person.parse().ok());
        Self { is_editor: caller.scopes.holds(Scope::Edit), key }
    }

    /// Whether they may report for anybody.
    pub fn is_editor(&self) -> bool {
        self.is_editor
    }

    /// Passes those who may report for a party; answers which employee they are, where they are one.
    pub fn check_may_report_for(&self, tenant: &mut Tenant<'_>, party: Party) -> Result<Option<Id>> {
        let person = self.person(tenant)?;
        let id = person.as_ref().map(|person| person.id);
        if self.is_editor {
            return Ok(id);
        }
        let may = match (&person, party) {
            (None, _) => false,
            (Some(person), Party::Unit(unit)) => person.leads_unit_id == Some(unit),
            (Some(person), Party::Committee(committee)) => sits_in(tenant, person.id, committee)?,
        };
        if may {
            return Ok(id);
        }
        Err(Problem::new(
            Kind::MayNotReport,
            match party {
                Party::Committee(_) => {
                    "Only those report who sit in the committee today as one of reporting_roles says."
                }
                Party::Unit(_) => "Only an employee of the unit who has personnel responsibility reports for it.",
            },
        ))
    }

    /// [`Reporter::check_may_report_for`] a committee, where nobody asks who it was.
    pub fn check_may_act_for(&self, tenant: &mut Tenant<'_>, committee: Id) -> Result<()> {
        self.check_may_report_for(tenant, Party::Committee(committee)).map(|_| ())
    }

    /// The employee behind the token, who works here today.
    fn person(&self, tenant: &mut Tenant<'_>) -> Result<Option<Person>> {
        let Some(key) = &self.key else { return Ok(None) };
        let found: Option<(Id, Option<Id>, bool)> = employees::table
            .filter(employees::municipality_id.eq(tenant.municipality_id))
            .filter(employees::key.eq(key))
            .filter(crate::exists_on!(employees, period::today()))
            .select((employees::id, employees::unit_id, employees::has_personnel_responsibility))
            .first(tenant.connection)
            .optional()?;
        Ok(found.map(|(id, unit, leads)| Person { id, leads_unit_id: unit.filter(|_| leads) }))
    }
}

fn sits_in(tenant: &mut Tenant<'_>, employee: Id, committee: Id) -> Result<bool> {
    let roles = municipality::read(tenant)?.body.reporting_roles;
    let seats: i64 = memberships::table
        .filter(memberships::committee_id.eq(committee))
        .filter(memberships::employee_id.eq(employee))
        .filter(memberships::role.eq_any(roles))
        .filter(crate::exists_on!(memberships, period::today()))
        .count()
        .get_result(tenant.connection)?;
    Ok(seats > 0)
}
