//! Queries for employees.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::Employees;
use super::model::{ANONYMISED, Email, Employee, EmployeeBody};
use crate::db::change::Operation;
use crate::db::change_log::Change;
use crate::db::schema::{employees, memberships, reports, units};
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, Writer, connection};
use crate::organisation::store as units_store;
use crate::period;
use crate::problem::{Problem, Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::register::{Checked, Directory, Managed as _, ManagedBy, Register, Selection};
use crate::resource::{self, Body as _, Draft, Entity};
use crate::text::ShortText;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = employees, treat_none_as_default_value = false)]
struct EmployeeRow {
    id: Id,
    municipality_id: Id,
    key: RegisterKey,
    name: ShortText,
    email: Option<Email>,
    title: Option<ShortText>,
    unit_id: Option<Id>,
    has_personnel_responsibility: bool,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    name_protected: bool,
    managed_by: ManagedBy,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl EmployeeRow {
    fn new(municipality_id: Id, employee: &Employee, unit_id: Option<Id>) -> Self {
        let body = employee.body.clone();
        Self {
            id: employee.id(),
            municipality_id,
            key: body.key,
            name: body.name,
            email: body.email,
            title: body.title,
            unit_id,
            has_personnel_responsibility: body.has_personnel_responsibility,
            starts_on: body.starts_on,
            ends_on: body.ends_on,
            name_protected: body.name_protected,
            managed_by: body.managed_by,
            version: employee.revision.version,
            created_at: employee.revision.created_at,
            updated_at: employee.revision.updated_at,
        }
    }

    fn into_employee(self, unit: Option<RegisterKey>) -> Employee {
        let body = EmployeeBody {
            key: self.key,
            name: self.name,
            email: self.email,
            title: self.title,
            unit: unit.map(Into::into),
            has_personnel_responsibility: self.has_personnel_responsibility,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            name_protected: self.name_protected,
            managed_by: self.managed_by,
        };
        Entity::found(self.id, body, (self.version, self.created_at, self.updated_at))
    }
}

/// Which employees a list shows. There is no search by name.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only those who work in this unit.
    pub unit: Option<Reference>,
    /// Only those employed on this day.
    pub on: Option<NaiveDate>,
    /// Only those after this key.
    pub after: Option<RegisterKey>,
    /// Only these.
    pub selection: Selection,
}

/// At most `limit` employees in the order of their keys.
pub fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>) -> Result<Vec<Employee>> {
    let mut query = employees::table
        .left_join(units::table)
        .filter(employees::municipality_id.eq(tenant.municipality_id))
        .order(employees::key)
        .select((EmployeeRow::as_select(), units::key.nullable()))
        .into_boxed();
    match filter.selection {
        Selection::Id(id) => query = query.filter(employees::id.eq(id)),
        Selection::Keys(keys) => query = query.filter(employees::key.eq_any(keys)),
        Selection::All => {}
    }
    if let Some(key) = filter.after {
        query = query.filter(employees::key.gt(key));
    }
    match filter.unit {
        Some(Reference::Id(id)) => query = query.filter(employees::unit_id.eq(id)),
        Some(path) => query = query.filter(units::key.eq(path.to_string())),
        None => {}
    }
    if let Some(day) = filter.on {
        query = query.filter(crate::exists_on!(employees, day));
    }
    if let Some(limit) = limit {
        query = query.limit(limit);
    }
    let rows: Vec<(EmployeeRow, Option<RegisterKey>)> = query.load(tenant.connection)?;
    Ok(rows.into_iter().map(|(row, unit)| row.into_employee(unit)).collect())
}

/// Takes name, e-mail address and title out of an employee's row and out of all that the change log has of it.
/// Memberships and whatever else refers to the row stay, so that nothing is lost to counting.
pub fn anonymise(writer: &mut Writer<'_>, employee: Employee) -> Result<Employee> {
    let name: ShortText = ANONYMISED.parse().map_err(|fault: &str| Problem::internal(fault))?;
    let body = EmployeeBody { name, email: None, title: None, ..employee.body };
    let revision = employee.revision.next(writer.now());
    let anonymous = Entity { body, revision, ..employee };
    diesel::update(employees::table.find(anonymous.id()))
        .set((
            employees::name.eq(&anonymous.body.name),
            employees::email.eq(None::<Email>),
            employees::title.eq(None::<ShortText>),
            employees::version.eq(revision.version),
            employees::updated_at.eq(revision.updated_at),
        ))
        .execute(writer.connection)?;
    writer.redact(EmployeeBody::ENTITY, anonymous.id(), EmployeeBody::REDACTED)?;
    let fields = resource::fields(&anonymous);
    writer.log([Change::new(EmployeeBody::ENTITY, anonymous.id(), Operation::Redacted, fields)])?;
    Ok(anonymous)
}

/// Adds the names of the employees that are referred to: there may be far more than are.
pub fn learn_names<'r>(
    tenant: &mut Tenant<'_>,
    references: impl Iterator<Item = &'r Reference>,
    names: &mut ReferenceIndex,
) -> Result<()> {
    let mut ids = Vec::new();
    let mut keys = Vec::new();
    for reference in references {
        match reference {
            Reference::Id(id) => ids.push(*id),
            path => keys.extend(path.key().filter(|key| names.id(key.as_str()).is_none()).cloned()),
        }
    }
    let mine = employees::municipality_id.eq(tenant.municipality_id);
    let rows = employees::table.filter(mine).select((employees::id, employees::key));
    for batch in ids.chunks(connection::batch()) {
        names.extend(rows.filter(employees::id.eq_any(batch)).load::<(Id, RegisterKey)>(tenant.connection)?);
    }
    for batch in keys.chunks(connection::batch()) {
        names.extend(rows.filter(employees::key.eq_any(batch)).load::<(Id, RegisterKey)>(tenant.connection)?);
    }
    Ok(())
}

/// What an employee's references resolved to.
#[derive(Debug, Default)]
pub struct Links {
    unit_id: Option<Id>,
}

impl Register for Employees {
    type Body = EmployeeBody;
    type Links = Links;
    const WHAT: &'static str = "employee";

    fn select(tenant: &mut Tenant<'_>, selection: Selection) -> Result<Vec<Employee>> {
        list(tenant, Filter { selection, ..Filter::default() }, None)
    }

    fn learn_names(tenant: &mut Tenant<'_>, _: &[Draft<EmployeeBody>], directory: &mut Directory) -> Result<()> {
        directory.units.extend(units_store::names(tenant)?);
        Ok(())
    }

    fn own_names(directory: &mut Directory) -> &mut ReferenceIndex {
        &mut directory.employees
    }

    fn check(draft: &mut Draft<EmployeeBody>, directory: &Directory, errors: &mut ValidationErrors) -> Option<Links> {
        let Draft { pointer, body } = draft;
        body.check(pointer, errors);
        let at = format!("{pointer}/unit");
        Some(Links { unit_id: directory.units.resolve_optional("unit", &mut body.unit, &at, errors) })
    }

    /// What still has somebody who left long ago doesn't bring the name back; what employs them again does.
    fn settle(wanted: &mut EmployeeBody, stored: &EmployeeBody, today: NaiveDate) {
        if stored.is_anonymised() && wanted.date_range().is_over(today) {
            wanted.name = stored.name.clone();
            wanted.email = stored.email.clone();
            wanted.title = stored.title.clone();
        }
    }

    fn check_together(
        _: &mut Tenant<'_>,
        rows: &[Checked<Self>],
        directory: &mut Directory,
        errors: &mut ValidationErrors,
    ) -> Result<()> {
        let changed = rows.iter().filter(|row| !row.outcome.is_unchanged()).map(|row| row.outcome.entity());
        directory.employment.extend(changed.map(|row| (row.id(), row.body.date_range())));
        let today = period::today();
        for row in rows.iter().filter(|row| row.outcome.entity().body.is_anonymised()) {
            if !row.outcome.entity().body.date_range().is_over(today) {
                let detail = "is missing: it was taken out when the employment ended, so write it anew";
                errors.add(format!("{}/name", row.pointer), detail);
            }
        }
        Ok(())
    }

    fn write(writer: &mut Writer<'_>, rows: &[&Checked<Self>]) -> Result<()> {
        let municipality_id = writer.municipality_id;
        let row = |row: &&Checked<Self>| EmployeeRow::new(municipality_id, row.outcome.entity(), row.links.unit_id);
        crate::write_all!(
            writer.connection,
            employees,
            rows,
            row,
            [
                name,
                email,
                title,
                unit_id,
                has_personnel_responsibility,
                starts_on,
                ends_on,
                name_protected,
                managed_by,
                version,
                updated_at,
            ]
        )?;
        Ok(())
    }

    fn count_under_hr(tenant: &mut Tenant<'_>, day: NaiveDate) -> Result<i64> {
        Ok(crate::count_under_hr!(employees, tenant, day)?)
    }

    fn dependents(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<String>> {
        let seats = memberships::table.filter(memberships::employee_id.eq(id)).select(memberships::key);
        let seats = resource::dependents("membership", seats.load(tenant.connection)?);
        let reported: i64 = reports::table.filter(reports::reporter_id.eq(id)).count().get_result(tenant.connection)?;
        Ok([seats, resource::counted_dependents("reports that they made", reported)].concat())
    }

    fn delete(writer: &mut Writer<'_>, id: Id) -> Result<()> {
        writer.redact(EmployeeBody::ENTITY, id, EmployeeBody::REDACTED)?;
        diesel::delete(employees::table.find(id)).execute(writer.connection)?;
        Ok(())
    }
}
