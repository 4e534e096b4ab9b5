//! Use cases of employees. Whenever one's data is shown, it is logged in the same transaction: what can't be logged is
//! not shown.

use super::Employees;
use super::model::{Employee, EmployeeBody};
use super::store;
use crate::db::Writer;
use crate::db::access_log::Access;
use crate::db::types::Reference;
use crate::period;
use crate::problem::Result;
use crate::resource::{self, Precondition, Replacement, UpsertOutcome};

/// The access log's entry for showing one employee.
pub fn access(operation: &'static str, employee: &Employee) -> Access {
    Access { operation, employee_id: Some(employee.id()), rows: 1 }
}

/// Creates or replaces an employee.
pub fn replace(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    replacement: Replacement<EmployeeBody>,
) -> Result<UpsertOutcome<EmployeeBody>> {
    let outcome = resource::replace::<Employees>(writer, reference, precondition, replacement)?;
    writer.log_access(access("replace_employee", outcome.entity()))?;
    Ok(outcome)
}

/// Changes an employee into what `patch` makes of it.
pub fn change(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    patch: impl FnOnce(&EmployeeBody) -> Result<EmployeeBody>,
) -> Result<Employee> {
    let employee = resource::change::<Employees>(writer, reference, precondition, patch)?;
    writer.log_access(access("change_employee", &employee))?;
    Ok(employee)
}

/// Takes the personal data out of somebody who has left.
pub fn anonymise(writer: &mut Writer<'_>, reference: &Reference, precondition: &Precondition) -> Result<Employee> {
    let employee = resource::read::<Employees>(writer, reference)?;
    precondition.check_existing(employee.revision.version, employee.id())?;
    employee.body.check_has_left(period::today())?;
    let anonymous = store::anonymise(writer, employee)?;
    writer.log_access(access("anonymise_employee", &anonymous))?;
    Ok(anonymous)
}
