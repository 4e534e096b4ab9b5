//! Queries for units.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::Units;
use super::model::{Unit, UnitBody, UnitKind};
use crate::db::schema::aliases::parent_units;
use crate::db::schema::{
    action_audience, actions, committee_units, committees, employees, focus_areas, indicators, reports, strategies,
    targets, units, value_series,
};
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, Writer};
use crate::problem::{Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::register::{self, Checked, Directory, ManagedBy, Register, Selection};
use crate::resource::{self, Draft, Entity};
use crate::text::{SearchText, ShortText};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = units, treat_none_as_default_value = false)]
struct UnitRow {
    id: Id,
    municipality_id: Id,
    key: RegisterKey,
    name: ShortText,
    kind: UnitKind,
    parent_id: Option<Id>,
    headcount: Option<i32>,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    managed_by: ManagedBy,
    search_text: String,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl UnitRow {
    fn new(municipality_id: Id, unit: &Unit, parent_id: Option<Id>) -> Self {
        let body = unit.body.clone();
        Self {
            id: unit.id(),
            municipality_id,
            search_text: body.search_text(),
            key: body.key,
            name: body.name,
            kind: body.kind,
            parent_id,
            headcount: body.headcount,
            starts_on: body.starts_on,
            ends_on: body.ends_on,
            managed_by: body.managed_by,
            version: unit.revision.version,
            created_at: unit.revision.created_at,
            updated_at: unit.revision.updated_at,
        }
    }

    fn into_unit(self, parent: Option<RegisterKey>) -> Unit {
        let body = UnitBody {
            key: self.key,
            name: self.name,
            kind: self.kind,
            parent: parent.map(Into::into),
            headcount: self.headcount,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            managed_by: self.managed_by,
        };
        Entity::found(self.id, body, (self.version, self.created_at, self.updated_at))
    }
}

/// Which units a list shows.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only those right under this unit.
    pub parent: Option<Reference>,
    /// Only those of this kind.
    pub kind: Option<UnitKind>,
    /// Only those that exist on this day.
    pub on: Option<NaiveDate>,
    /// Only those whose name or key contains this.
    pub q: Option<SearchText>,
    /// Only those after this key.
    pub after: Option<RegisterKey>,
    /// Only these.
    pub selection: Selection,
}

/// At most `limit` units in the order of their keys.
pub fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>) -> Result<Vec<Unit>> {
    let mut query = units::table
        .left_join(parent_units.on(parent_units.field(units::id).nullable().eq(units::parent_id)))
        .filter(units::municipality_id.eq(tenant.municipality_id))
        .order(units::key)
        .select((UnitRow::as_select(), parent_units.field(units::key).nullable()))
        .into_boxed();
    match filter.selection {
        Selection::Id(id) => query = query.filter(units::id.eq(id)),
        Selection::Keys(keys) => query = query.filter(units::key.eq_any(keys)),
        Selection::All => {}
    }
    if let Some(key) = filter.after {
        query = query.filter(units::key.gt(key));
    }
    match filter.parent {
        Some(Reference::Id(id)) => query = query.filter(units::parent_id.eq(id)),
        Some(path) => query = query.filter(parent_units.field(units::key).eq(path.to_string())),
        None => {}
    }
    if let Some(kind) = filter.kind {
        query = query.filter(units::kind.eq(kind));
    }
    if let Some(day) = filter.on {
        query = query.filter(crate::exists_on!(units, day));
    }
    if let Some(q) = filter.q {
        query = query.filter(units::search_text.like(q.pattern()).escape('\\'));
    }
    if let Some(limit) = limit {
        query = query.limit(limit);
    }
    let rows: Vec<(UnitRow, Option<RegisterKey>)> = query.load(tenant.connection)?;
    Ok(rows.into_iter().map(|(row, parent)| row.into_unit(parent)).collect())
}

/// The names of all units, for references from elsewhere.
pub fn names(tenant: &mut Tenant<'_>) -> Result<ReferenceIndex> {
    let mine = units::municipality_id.eq(tenant.municipality_id);
    let rows = units::table.filter(mine).select((units::id, units::key));
    Ok(rows.load::<(Id, RegisterKey)>(tenant.connection)?.into_iter().collect())
}

/// What a unit's references resolved to.
#[derive(Debug, Default)]
pub struct Links {
    parent_id: Option<Id>,
}

impl Register for Units {
    type Body = UnitBody;
    type Links = Links;
    const WHAT: &'static str = "unit";

    fn select(tenant: &mut Tenant<'_>, selection: Selection) -> Result<Vec<Unit>> {
        list(tenant, Filter { selection, ..Filter::default() }, None)
    }

    fn learn_names(tenant: &mut Tenant<'_>, _: &[Draft<UnitBody>], directory: &mut Directory) -> Result<()> {
        directory.units.extend(names(tenant)?);
        Ok(())
    }

    fn own_names(directory: &mut Directory) -> &mut ReferenceIndex {
        &mut directory.units
    }

    fn check(draft: &mut Draft<UnitBody>, directory: &Directory, errors: &mut ValidationErrors) -> Option<Links> {
        let Draft { pointer, body } = draft;
        body.check(pointer, errors);
        let at = format!("{pointer}/parent");
        Some(Links { parent_id: directory.units.resolve_optional("unit", &mut body.parent, &at, errors) })
    }

    fn check_together(
        tenant: &mut Tenant<'_>,
        rows: &[Checked<Self>],
        _: &mut Directory,
        errors: &mut ValidationErrors,
    ) -> Result<()> {
        register::check_tree(rows, |links| links.parent_id, || parents(tenant), errors)
    }

    fn write(writer: &mut Writer<'_>, rows: &[&Checked<Self>]) -> Result<()> {
        let municipality_id = writer.municipality_id;
        let row = |row: &&Checked<Self>| UnitRow::new(municipality_id, row.outcome.entity(), row.links.parent_id);
        crate::write_all!(
            writer.connection,
            units,
            rows,
            row,
            [name, kind, parent_id, headcount, starts_on, ends_on, managed_by, search_text, version, updated_at]
        )?;
        Ok(())
    }

    fn count_under_hr(tenant: &mut Tenant<'_>, day: NaiveDate) -> Result<i64> {
        Ok(crate::count_under_hr!(units, tenant, day)?)
    }

    fn dependents(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<String>> {
        dependents(tenant, id)
    }

    fn delete(writer: &mut Writer<'_>, id: Id) -> Result<()> {
        diesel::delete(units::table.find(id)).execute(writer.connection)?;
        Ok(())
    }
}

fn parents(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Option<Id>)>> {
    Ok(units::table
        .filter(units::municipality_id.eq(tenant.municipality_id))
        .select((units::id, units::parent_id))
        .load(tenant.connection)?)
}

fn dependents(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<String>> {
    let children: Vec<String> =
        units::table.filter(units::parent_id.eq(id)).select(units::key).load(tenant.connection)?;
    let working: i64 = employees::table.filter(employees::unit_id.eq(id)).count().get_result(tenant.connection)?;
    // Told as a number: who works where is not for everybody who may ask.
    let workplace = (working > 0).then(|| format!("is the workplace of {working} employees"));
    let covering: Vec<String> = committee_units::table
        .inner_join(committees::table)
        .filter(committee_units::unit_id.eq(id))
        .select(committees::key)
        .load(tenant.connection)?;
    let reported: i64 = reports::table.filter(reports::unit_id.eq(id)).count().get_result(tenant.connection)?;
    let audiences = action_audience::table
        .inner_join(actions::table.inner_join(focus_areas::table.inner_join(strategies::table)))
        .filter(action_audience::unit_id.eq(id))
        .select((strategies::key, focus_areas::key, actions::key))
        .load(tenant.connection)?;
    let aimed: Vec<String> = targets::table
        .inner_join(indicators::table)
        .filter(targets::unit_id.eq(id))
        .order(indicators::key)
        .select(indicators::key)
        .distinct()
        .load(tenant.connection)?;
    let measured: Vec<String> = value_series::table
        .inner_join(indicators::table)
        .filter(value_series::unit_id.eq(id))
        .order(indicators::key)
        .select(indicators::key)
        .distinct()
        .load(tenant.connection)?;
    Ok([
        resource::dependents("unit", children),
        workplace.into_iter().collect(),
        resource::dependents("committee", covering),
        resource::dependents("action", resource::paths(audiences)),
        resource::counted_dependents("reports", reported),
        resource::dependents("target of the indicator", aimed),
        resource::dependents("values of the indicator", measured),
    ]
    .concat())
}
