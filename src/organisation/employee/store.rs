//! Queries for employees.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::Employees;
use super::model::{Email, Employee, EmployeeBody};
use crate::db::schema::{employees, memberships, units};
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, Writer};
use crate::organisation::model::ManagedBy;
use crate::organisation::store as units_store;
use crate::problem::{Faults, Result};
use crate::resource::{self, Draft, Names, Resource, Saved, Stored};
use crate::text::ShortText;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = employees, treat_none_as_null = true, treat_none_as_default_value = false)]
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
        Stored::found(self.id, body, (self.version, self.created_at, self.updated_at))
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
    /// Only those with these keys.
    pub keys: Option<Vec<RegisterKey>>,
    /// Only this one.
    pub id: Option<Id>,
}

/// At most `limit` employees in the order of their keys.
pub fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>) -> Result<Vec<Employee>> {
    let mut query = employees::table
        .left_join(units::table)
        .filter(employees::municipality_id.eq(tenant.municipality_id))
        .order(employees::key)
        .select((EmployeeRow::as_select(), units::key.nullable()))
        .into_boxed();
    if let Some(id) = filter.id {
        query = query.filter(employees::id.eq(id));
    }
    if let Some(keys) = filter.keys {
        query = query.filter(employees::key.eq_any(keys));
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
        query = query.filter(employees::starts_on.is_null().or(employees::starts_on.le(day)));
        query = query.filter(employees::ends_on.is_null().or(employees::ends_on.ge(day)));
    }
    if let Some(limit) = limit {
        query = query.limit(limit);
    }
    let rows: Vec<(EmployeeRow, Option<RegisterKey>)> = query.load(tenant.connection)?;
    Ok(rows.into_iter().map(|(row, unit)| row.into_employee(unit)).collect())
}

/// The names of all employees, for references from elsewhere: keys, never people's names.
pub fn names(tenant: &mut Tenant<'_>) -> Result<Names> {
    let mine = employees::municipality_id.eq(tenant.municipality_id);
    let rows = employees::table.filter(mine).select((employees::id, employees::key));
    resource::keyed::<RegisterKey>(rows.load(tenant.connection))
}

/// Employees that were checked and wait to be written.
pub struct Prepared {
    saved: Vec<Saved<EmployeeBody>>,
    unit_ids: HashMap<Id, Id>,
}

/// Compares drafts with what is stored and checks them; faults go to `faults`, new names to `names`.
pub fn prepare(
    writer: &mut Writer<'_>,
    units: &Names,
    names: &mut Names,
    drafts: Vec<Draft<EmployeeBody>>,
    faults: &mut Faults,
) -> Result<Prepared> {
    resource::check_duplicate_keys(drafts.iter().map(|draft| (draft.pointer.clone(), &draft.body.key)), faults);
    let mut existing = resource::stored_under_keys(&drafts, |keys| {
        list(writer, Filter { keys: Some(keys), ..Filter::default() }, None)
    })?;
    let mut unit_ids = HashMap::new();
    let mut saved = Vec::new();
    for Draft { pointer, mut body } in drafts {
        body.check(&pointer, faults);
        let unit_id = units.resolve_optional("unit", &mut body.unit, &format!("{pointer}/unit"), faults);
        let employee = Saved::compare(existing.remove(&body.key), Id::new(), body, writer.now());
        let id = employee.stored().id();
        unit_ids.extend(unit_id.map(|unit_id| (id, unit_id)));
        names.add(id, employee.stored().body.key.clone());
        saved.push(employee);
    }
    Ok(Prepared { saved, unit_ids })
}

/// Writes what was prepared.
pub fn apply(writer: &mut Writer<'_>, prepared: Prepared) -> Result<Vec<Saved<EmployeeBody>>> {
    let Prepared { saved, unit_ids } = prepared;
    let municipality_id = writer.municipality_id;
    let row = |employee: &Employee| EmployeeRow::new(municipality_id, employee, unit_ids.get(&employee.id()).copied());
    let created: Vec<_> = saved.iter().filter(|saved| saved.is_created()).map(|saved| row(saved.stored())).collect();
    crate::insert_all!(writer.connection, employees::table, &created)?;
    for saved in &saved {
        if let Saved::Updated { after, .. } = saved {
            diesel::update(employees::table.find(after.id())).set(row(after)).execute(writer.connection)?;
        }
    }
    writer.log(saved.iter().filter_map(Saved::change).collect())?;
    Ok(saved)
}

impl Resource for Employees {
    type Body = EmployeeBody;
    const WHAT: &'static str = "employee";

    fn find(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Employee>> {
        let filter = match (reference, reference.key()) {
            (Reference::Id(id), _) => Filter { id: Some(*id), ..Filter::default() },
            (_, Some(key)) => Filter { keys: Some(vec![key.clone()]), ..Filter::default() },
            _ => return Ok(None),
        };
        Ok(list(tenant, filter, Some(1))?.pop())
    }

    fn save(writer: &mut Writer<'_>, drafts: Vec<Draft<EmployeeBody>>) -> Result<Vec<Saved<EmployeeBody>>> {
        let mut faults = Faults::default();
        let units = units_store::names(writer)?;
        let prepared = prepare(writer, &units, &mut Names::default(), drafts, &mut faults)?;
        faults.into_result()?;
        apply(writer, prepared)
    }

    fn remove(writer: &mut Writer<'_>, stored: &Employee) -> Result<()> {
        let seats: Vec<String> = memberships::table
            .filter(memberships::employee_id.eq(stored.id()))
            .select(memberships::key)
            .load(writer.connection)?;
        resource::check_unused("employee", resource::dependents("membership", seats))?;
        diesel::delete(employees::table.find(stored.id())).execute(writer.connection)?;
        Ok(())
    }
}
