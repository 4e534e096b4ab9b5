//! Use cases of memberships. Names and roles of members are public in the house; who the employee is beyond that is
//! shown to `med.hr` alone, and logged.

use chrono::NaiveDate;

use super::Memberships;
use super::model::{Member, MembershipBody, Seat, Sight, Trio};
use super::store::{self, Filter};
use crate::auth::caller::Caller;
use crate::auth::scope::Scope;
use crate::committee::Committees;
use crate::db::access_log::Access;
use crate::db::types::{Id, Reference, RegisterKey};
use crate::db::{Tenant, Writer};
use crate::problem::{Problem, Result};
use crate::register::Selection;
use crate::resource::{self, Precondition, Replacement, Resource as _};

/// How much a caller may see of people.
pub fn sight(caller: &Caller) -> Sight {
    if caller.scopes.holds(Scope::Hr) { Sight::Hr } else { Sight::House }
}

/// The access log's entry for showing members; none where no employee is shown.
pub fn access<'m>(operation: &'static str, members: impl IntoIterator<Item = &'m Member>) -> Option<Access> {
    let rows = members.into_iter().filter(|member| member.employee.is_some()).count();
    (rows > 0).then_some(Access { operation, employee_id: None, rows })
}

/// Reads a membership.
pub fn read(tenant: &mut Tenant<'_>, reference: &Reference, sight: Sight) -> Result<Member> {
    let selection = Selection::of(reference).ok_or_else(|| Problem::not_found("membership"))?;
    Ok(seat(tenant, selection)?.shown_to(sight))
}

/// Creates a membership.
pub fn create(writer: &mut Writer<'_>, sight: Sight, body: MembershipBody) -> Result<Member> {
    let created = resource::create::<Memberships>(writer, body)?;
    written(writer, "create_membership", created.id(), sight)
}

/// Creates or replaces a membership, and answers whether it is new. Who may not see the holder, and names none, leaves
/// the holder there.
pub fn replace(
    writer: &mut Writer<'_>,
    sight: Sight,
    reference: &Reference,
    precondition: &Precondition,
    mut replacement: Replacement<MembershipBody>,
) -> Result<(bool, Member)> {
    if sight == Sight::House && replacement.body.employee.is_none() {
        replacement.body.employee = Memberships::find(writer, reference)?.and_then(|stored| stored.body.employee);
    }
    let outcome = resource::replace_answered::<Memberships, _>(
        writer,
        reference,
        precondition,
        replacement,
        |writer, stored| Ok(seat(writer, Selection::Id(stored.id()))?.shown_to(sight)),
    )?;
    Ok((outcome.is_created(), written(writer, "replace_membership", outcome.entity().id(), sight)?))
}

/// Changes a membership into what `patch` makes of it.
pub fn change(
    writer: &mut Writer<'_>,
    sight: Sight,
    reference: &Reference,
    precondition: &Precondition,
    patch: impl FnOnce(&MembershipBody) -> Result<MembershipBody>,
) -> Result<Member> {
    let changed = resource::change::<Memberships>(writer, reference, precondition, patch)?;
    written(writer, "change_membership", changed.id(), sight)
}

/// The seats of a committee on a day, at most `limit` after the key `after`.
pub fn list_members(
    tenant: &mut Tenant<'_>,
    committee: &Reference,
    on: NaiveDate,
    after: Option<RegisterKey>,
    limit: Option<i64>,
) -> Result<Vec<Seat>> {
    let committee = Some(Reference::Id(resource::read::<Committees>(tenant, committee)?.id()));
    store::list(tenant, Filter { committee, on: Some(on), after, ..Filter::default() }, limit)
}

/// The trio of a committee on a day.
pub fn read_trio(tenant: &mut Tenant<'_>, sight: Sight, committee: &Reference, on: NaiveDate) -> Result<Trio> {
    let found = resource::read::<Committees>(tenant, committee)?;
    let committee = Some(Reference::Id(found.id()));
    let seats = store::list(tenant, Filter { committee, on: Some(on), ..Filter::default() }, None)?;
    let members = seats.into_iter().map(|seat| seat.shown_to(sight)).collect();
    Ok(Trio::of(found.body.key, on, members))
}

/// The seat as the answer to a write. It is logged whatever the caller sees of people: who may put an employee's key
/// there learns the name that belongs to it.
fn written(writer: &mut Writer<'_>, operation: &'static str, id: Id, sight: Sight) -> Result<Member> {
    let member = seat(writer, Selection::Id(id))?.shown_to(sight);
    if !member.vacant {
        writer.log_access(Access { operation, employee_id: None, rows: 1 })?;
    }
    Ok(member)
}

fn seat(tenant: &mut Tenant<'_>, selection: Selection) -> Result<Seat> {
    let filter = Filter { selection, ..Filter::default() };
    store::list(tenant, filter, Some(1))?.pop().ok_or_else(|| Problem::not_found("membership"))
}
