//! Who may report for whom (rule 8).

use super::store;
use crate::action::assignment::model::Party;
use crate::auth::caller::Caller;
use crate::auth::guard::{self, Edit, Permission as _};
use crate::auth::scope::Scope;
use crate::db::Tenant;
use crate::db::types::{Id, RegisterKey};
use crate::municipality::store as municipality;
use crate::problem::{Kind, Problem, Result};

/// Somebody who wants to report, or to act for a committee.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// Whether they may for anybody.
    is_editor: bool,
    /// The key of the employee that they say they are.
    key: Option<RegisterKey>,
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
        let person = self.key.as_ref().map(|key| store::person(tenant, key)).transpose()?.flatten();
        let id = person.as_ref().map(|person| person.id);
        if self.is_editor {
            return Ok(id);
        }
        let may = match (&person, party) {
            (None, _) => false,
            (Some(person), Party::Unit(unit)) => person.leads_unit_id == Some(unit),
            (Some(person), Party::Committee(committee)) => {
                let roles = municipality::read(tenant)?.body.reporting_roles;
                store::sits_in(tenant, person.id, committee, &roles)?
            }
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

    /// Passes those who may change what stands in plans.
    pub fn check_may_edit_plans(&self) -> Result<()> {
        if self.is_editor { Ok(()) } else { Err(guard::missing_scope(Edit::SCOPES)) }
    }
}
