//! Who may report for whom.

use super::store;
use crate::action::assignment::model::Assignee;
use crate::auth::caller::Caller;
use crate::auth::guard::{self, Edit, Permission as _};
use crate::auth::scope::Scope;
use crate::db::Tenant;
use crate::db::types::{Id, RegisterKey};
use crate::municipality::store as municipality;
use crate::problem::{Kind, Problem, Result};

/// A caller who wants to report, or to act for a committee.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// Whether they may act for every committee and unit.
    is_editor: bool,
    /// The key of the employee that the token names.
    key: Option<RegisterKey>,
}

impl Reporter {
    /// The caller of a request.
    pub fn from_caller(caller: &Caller) -> Self {
        let key = caller.person.as_ref().and_then(|person| person.parse().ok());
        Self { is_editor: caller.scopes.holds(Scope::Edit), key }
    }

    /// Whether they may act for every committee and unit.
    pub fn is_editor(&self) -> bool {
        self.is_editor
    }

    /// Fails unless they may report for a committee or unit. Returns their id, if they are an employee.
    pub fn check_may_report_for(&self, tenant: &mut Tenant<'_>, assignee: Assignee) -> Result<Option<Id>> {
        let person = self.key.as_ref().map(|key| store::find_person(tenant, key)).transpose()?.flatten();
        let id = person.as_ref().map(|person| person.id);
        if self.is_editor {
            return Ok(id);
        }
        let may = match (&person, assignee) {
            (None, _) => false,
            (Some(person), Assignee::Unit(unit)) => person.leads_unit_id == Some(unit),
            (Some(person), Assignee::Committee(committee)) => {
                let roles = municipality::read(tenant)?.body.reporting_roles;
                store::has_seat(tenant, person.id, committee, &roles)?
            }
        };
        if may {
            return Ok(id);
        }
        Err(Problem::new(
            Kind::MayNotReport,
            match assignee {
                Assignee::Committee(_) => {
                    "Only those report who sit in the committee today as one of reporting_roles says."
                }
                Assignee::Unit(_) => "Only an employee of the unit who has personnel responsibility reports for it.",
            },
        ))
    }

    /// Fails unless they may act for a committee.
    pub fn check_may_act_for(&self, tenant: &mut Tenant<'_>, committee: Id) -> Result<()> {
        self.check_may_report_for(tenant, Assignee::Committee(committee)).map(|_| ())
    }

    /// Fails unless they may change plans.
    pub fn check_may_edit_plans(&self) -> Result<()> {
        if self.is_editor { Ok(()) } else { Err(guard::missing_scope(Edit::SCOPES)) }
    }
}
