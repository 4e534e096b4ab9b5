//! Use cases of units. What the HR system manages is the HR system's: an editor's token leaves it alone.

use super::Units;
use super::model::{Unit, UnitBody};
use crate::auth::caller::Caller;
use crate::auth::guard::missing_scope;
use crate::auth::scope::Scope;
use crate::db::Writer;
use crate::db::types::Reference;
use crate::problem::Result;
use crate::register::ManagedBy;
use crate::resource::{self, Precondition, Replacement, Resource as _, UpsertOutcome};

/// Creates a unit.
pub fn create(writer: &mut Writer<'_>, caller: &Caller, body: UnitBody) -> Result<Unit> {
    check_manager(caller, body.managed_by)?;
    resource::create::<Units>(writer, body)
}

/// Creates or replaces a unit.
pub fn replace(
    writer: &mut Writer<'_>,
    caller: &Caller,
    reference: &Reference,
    precondition: &Precondition,
    replacement: Replacement<UnitBody>,
) -> Result<UpsertOutcome<UnitBody>> {
    check_manager(caller, replacement.body.managed_by)?;
    check_manager_of(writer, caller, reference)?;
    resource::replace::<Units>(writer, reference, precondition, replacement)
}

/// Changes a unit into what `patch` makes of it.
pub fn change(
    writer: &mut Writer<'_>,
    caller: &Caller,
    reference: &Reference,
    precondition: &Precondition,
    patch: impl FnOnce(&UnitBody) -> Result<UnitBody>,
) -> Result<Unit> {
    resource::change::<Units>(writer, reference, precondition, |stored| {
        check_manager(caller, stored.managed_by)?;
        let changed = patch(stored)?;
        check_manager(caller, changed.managed_by)?;
        Ok(changed)
    })
}

/// Deletes a unit to which nothing refers.
pub fn delete(
    writer: &mut Writer<'_>,
    caller: &Caller,
    reference: &Reference,
    precondition: &Precondition,
) -> Result<()> {
    check_manager_of(writer, caller, reference)?;
    resource::delete::<Units>(writer, reference, precondition)
}

fn check_manager(caller: &Caller, managed_by: ManagedBy) -> Result<()> {
    match managed_by {
        ManagedBy::Hr if !caller.scopes.holds(Scope::Hr) => Err(missing_scope(&[Scope::Hr])),
        _ => Ok(()),
    }
}

fn check_manager_of(writer: &mut Writer<'_>, caller: &Caller, reference: &Reference) -> Result<()> {
    match Units::find(writer, reference)? {
        Some(unit) => check_manager(caller, unit.body.managed_by),
        None => Ok(()),
    }
}
