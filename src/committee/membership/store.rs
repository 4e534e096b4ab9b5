//! Queries for memberships.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use super::Memberships;
use super::model::{Chair, Holder, MemberFunction, MemberRole, MembershipBody, Seat, Side};
use super::model::{Membership, check_one_chair_at_a_time};
use crate::committee::store as committees_store;
use crate::date_range::DateRange;
use crate::db::schema::{committees, employees, memberships};
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, Writer, connection};
use crate::organisation::employee::store as employees_store;
use crate::period;
use crate::problem::{Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::register::{Checked, Directory, Managed as _, ManagedBy, Register, Selection};
use crate::resource::{Draft, Entity, UpsertOutcome};
use crate::text::ShortText;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = memberships, treat_none_as_default_value = false)]
struct MembershipRow {
    id: Id,
    municipality_id: Id,
    key: RegisterKey,
    committee_id: Id,
    employee_id: Option<Id>,
    role: MemberRole,
    side: Option<Side>,
    function: Option<MemberFunction>,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    managed_by: ManagedBy,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl MembershipRow {
    fn new(municipality_id: Id, membership: &Membership, links: &Links) -> Self {
        let body = &membership.body;
        Self {
            id: membership.id(),
            municipality_id,
            key: body.key.clone(),
            committee_id: links.committee_id,
            employee_id: links.employee_id,
            role: body.role,
            side: body.side,
            function: body.function,
            starts_on: body.starts_on,
            ends_on: body.ends_on,
            managed_by: body.managed_by,
            version: membership.revision.version,
            created_at: membership.revision.created_at,
            updated_at: membership.revision.updated_at,
        }
    }

    fn into_seat(self, committee: RegisterKey, holder: Option<HolderRow>) -> Seat {
        let holder = holder.map(|(key, name, name_protected)| Holder { key, name, name_protected });
        let body = MembershipBody {
            key: self.key,
            committee: committee.into(),
            employee: holder.as_ref().map(|holder| holder.key.clone().into()),
            role: self.role,
            side: self.side,
            function: self.function,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            managed_by: self.managed_by,
        };
        let membership = Entity::found(self.id, body, (self.version, self.created_at, self.updated_at));
        Seat { membership, holder }
    }
}

type HolderRow = (RegisterKey, ShortText, bool);

/// Which memberships a list shows.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only those of this committee.
    pub committee: Option<Reference>,
    /// Only those with this role.
    pub role: Option<MemberRole>,
    /// Only those held by the employee with this key.
    pub employee: Option<RegisterKey>,
    /// Only those that hold on this day: while membership, committee and employee exist.
    pub on: Option<NaiveDate>,
    /// Only those after this key.
    pub after: Option<RegisterKey>,
    /// Only these.
    pub selection: Selection,
}

/// At most `limit` seats in the order of their memberships' keys.
pub fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>) -> Result<Vec<Seat>> {
    let mut query = memberships::table
        .inner_join(committees::table)
        .left_join(employees::table)
        .filter(memberships::municipality_id.eq(tenant.municipality_id))
        .order(memberships::key)
        .select((
            MembershipRow::as_select(),
            committees::key,
            (employees::key, employees::name, employees::name_protected).nullable(),
        ))
        .into_boxed();
    match filter.selection {
        Selection::Id(id) => query = query.filter(memberships::id.eq(id)),
        Selection::Keys(keys) => query = query.filter(memberships::key.eq_any(keys)),
        Selection::All => {}
    }
    match filter.committee {
        Some(Reference::Id(id)) => query = query.filter(memberships::committee_id.eq(id)),
        Some(path) => query = query.filter(committees::key.eq(path.to_string())),
        None => {}
    }
    if let Some(role) = filter.role {
        query = query.filter(memberships::role.eq(role));
    }
    if let Some(employee) = filter.employee {
        query = query.filter(employees::key.eq(employee));
    }
    if let Some(day) = filter.on {
        query = query
            .filter(crate::exists_on!(memberships, day))
            .filter(crate::exists_on!(committees, day))
            .filter(crate::exists_on!(employees, day));
    }
    if let Some(key) = filter.after {
        query = query.filter(memberships::key.gt(key));
    }
    if let Some(limit) = limit {
        query = query.limit(limit);
    }
    let rows: Vec<(MembershipRow, RegisterKey, Option<HolderRow>)> = query.load(tenant.connection)?;
    Ok(rows.into_iter().map(|(row, committee, holder)| row.into_seat(committee, holder)).collect())
}

/// What a membership's references resolved to.
#[derive(Debug)]
pub struct Links {
    committee_id: Id,
    employee_id: Option<Id>,
}

impl Register for Memberships {
    type Body = MembershipBody;
    type Links = Links;
    const WHAT: &'static str = "membership";

    fn select(tenant: &mut Tenant<'_>, selection: Selection) -> Result<Vec<Membership>> {
        let seats = list(tenant, Filter { selection, ..Filter::default() }, None)?;
        Ok(seats.into_iter().map(|seat| seat.membership).collect())
    }

    fn learn_names(tenant: &mut Tenant<'_>, drafts: &[Draft<MembershipBody>], directory: &mut Directory) -> Result<()> {
        directory.committees.extend(committees_store::names(tenant)?);
        let holders = drafts.iter().filter_map(|draft| draft.body.employee.as_ref());
        employees_store::learn_names(tenant, holders, &mut directory.employees)
    }

    fn own_names(directory: &mut Directory) -> &mut ReferenceIndex {
        &mut directory.memberships
    }

    fn check(draft: &mut Draft<MembershipBody>, directory: &Directory, errors: &mut ValidationErrors) -> Option<Links> {
        let Draft { pointer, body } = draft;
        body.check(pointer, errors);
        let Directory { committees, employees, .. } = directory;
        let (at_committee, at_employee) = (format!("{pointer}/committee"), format!("{pointer}/employee"));
        let employee_id = employees.resolve_optional("employee", &mut body.employee, &at_employee, errors);
        let committee_id = committees.resolve("committee", &mut body.committee, &at_committee, errors)?;
        Some(Links { committee_id, employee_id })
    }

    fn check_together(
        tenant: &mut Tenant<'_>,
        rows: &[Checked<Self>],
        directory: &mut Directory,
        errors: &mut ValidationErrors,
    ) -> Result<()> {
        let sent: Vec<&Checked<Self>> = rows.iter().filter(|row| chairs(row)).collect();
        if sent.iter().all(|row| pointer(row).is_none()) {
            return Ok(());
        }
        let here: HashSet<Id> = rows.iter().map(|row| row.outcome.entity().id()).collect();
        let committee_ids: HashSet<Id> = sent.iter().map(|row| row.links.committee_id).collect();
        let stored = stored_chairs(tenant, committee_ids.into_iter().collect())?;
        let holder_ids = sent.iter().filter_map(|row| row.links.employee_id);
        let mut employment = stored_employment(tenant, holder_ids.collect())?;
        employment.extend(stored.iter().map(|chair| (chair.holder_id, chair.employment)));
        // What the same file says of the holders comes before what is stored of them.
        employment.extend(directory.employment.iter().map(|(id, days)| (*id, *days)));
        let days_of = |id: Id| employment.get(&id).copied().unwrap_or_default();
        let stored = stored.iter().filter(|chair| !here.contains(&chair.id)).map(|stored| Chair {
            committee: stored.committee_id,
            key: stored.key.clone(),
            seat: stored.seat,
            employment: days_of(stored.holder_id),
            pointer: None,
        });
        let sent = sent.iter().map(|row| {
            let body = &row.outcome.entity().body;
            Chair {
                committee: row.links.committee_id,
                key: body.key.clone(),
                seat: body.date_range(),
                employment: row.links.employee_id.map(days_of).unwrap_or_default(),
                pointer: pointer(row),
            }
        });
        check_one_chair_at_a_time(sent.chain(stored).collect(), period::today(), errors);
        Ok(())
    }

    fn write(writer: &mut Writer<'_>, rows: &[&Checked<Self>]) -> Result<()> {
        let municipality_id = writer.municipality_id;
        let row = |row: &&Checked<Self>| MembershipRow::new(municipality_id, row.outcome.entity(), &row.links);
        crate::write_all!(
            writer.connection,
            memberships,
            rows,
            row,
            [committee_id, employee_id, role, side, function, starts_on, ends_on, managed_by, version, updated_at,]
        )?;
        Ok(())
    }

    fn count_under_hr(tenant: &mut Tenant<'_>, day: NaiveDate) -> Result<i64> {
        Ok(crate::count_under_hr!(memberships, tenant, day)?)
    }

    fn dependents(_: &mut Tenant<'_>, _: Id) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn delete(writer: &mut Writer<'_>, id: Id) -> Result<()> {
        diesel::delete(memberships::table.find(id)).execute(writer.connection)?;
        Ok(())
    }
}

/// Whether it is a chair's; a vacant seat chairs nothing.
fn chairs(row: &Checked<Memberships>) -> bool {
    row.outcome.entity().body.role == MemberRole::Chair && row.links.employee_id.is_some()
}

/// Where a chair's row stands in what was sent, unless it holds no more than before.
fn pointer(row: &Checked<Memberships>) -> Option<String> {
    let is_wider = match &row.outcome {
        UpsertOutcome::Created(_) => true,
        UpsertOutcome::Updated { before, after } => after.body.is_wider_than(&before.body),
        UpsertOutcome::Unchanged(_) => false,
    };
    is_wider.then(|| row.pointer.clone())
}

/// A chair as it is stored.
struct StoredChair {
    id: Id,
    committee_id: Id,
    key: RegisterKey,
    seat: DateRange,
    holder_id: Id,
    employment: DateRange,
}

fn stored_chairs(tenant: &mut Tenant<'_>, committee_ids: Vec<Id>) -> Result<Vec<StoredChair>> {
    type Row = (Id, Id, RegisterKey, DateRange, Id, DateRange);
    let mut chairs = Vec::new();
    for batch in committee_ids.chunks(connection::batch()) {
        let rows: Vec<Row> = memberships::table
            .inner_join(employees::table)
            .filter(memberships::committee_id.eq_any(batch))
            .filter(memberships::role.eq(MemberRole::Chair))
            .select((
                memberships::id,
                memberships::committee_id,
                memberships::key,
                (memberships::starts_on, memberships::ends_on),
                employees::id,
                (employees::starts_on, employees::ends_on),
            ))
            .load(tenant.connection)?;
        chairs.extend(rows.into_iter().map(|(id, committee_id, key, seat, holder_id, employment)| StoredChair {
            id,
            committee_id,
            key,
            seat,
            holder_id,
            employment,
        }));
    }
    Ok(chairs)
}

fn stored_employment(tenant: &mut Tenant<'_>, employee_ids: Vec<Id>) -> Result<HashMap<Id, DateRange>> {
    let mut employment = HashMap::new();
    for batch in employee_ids.chunks(connection::batch()) {
        let rows: Vec<(Id, DateRange)> = employees::table
            .filter(employees::id.eq_any(batch))
            .select((employees::id, (employees::starts_on, employees::ends_on)))
            .load(tenant.connection)?;
        employment.extend(rows);
    }
    Ok(employment)
}
