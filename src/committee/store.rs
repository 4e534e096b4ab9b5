//! Queries for committees.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::Committees;
use super::level;
use super::model::{Committee, CommitteeBody, CommitteeForm};
use crate::db::schema::aliases::parent_committees;
use crate::db::schema::{
    action_audience, actions, committee_units, committees, focus_areas, levels, memberships, reports, strategies, units,
};
use crate::db::types::{Id, Key, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, Writer, connection};
use crate::organisation::store as organisation;
use crate::problem::{Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::register::{self, Checked, Directory, ManagedBy, Register, Selection};
use crate::resource::{self, Draft, Entity};
use crate::text::{LongText, SearchText, ShortText};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = committees, treat_none_as_default_value = false)]
struct CommitteeRow {
    id: Id,
    municipality_id: Id,
    key: RegisterKey,
    name: ShortText,
    level_id: Option<Id>,
    parent_id: Option<Id>,
    form: CommitteeForm,
    mandate: Option<LongText>,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    managed_by: ManagedBy,
    search_text: String,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl CommitteeRow {
    fn new(municipality_id: Id, committee: &Committee, links: &Links) -> Self {
        let body = committee.body.clone();
        Self {
            id: committee.id(),
            municipality_id,
            search_text: body.search_text(),
            key: body.key,
            name: body.name,
            level_id: links.level_id,
            parent_id: links.parent_id,
            form: body.form,
            mandate: body.mandate,
            starts_on: body.starts_on,
            ends_on: body.ends_on,
            managed_by: body.managed_by,
            version: committee.revision.version,
            created_at: committee.revision.created_at,
            updated_at: committee.revision.updated_at,
        }
    }

    fn into_committee(self, level: Option<Key>, parent: Option<RegisterKey>, units: Vec<RegisterKey>) -> Committee {
        let body = CommitteeBody {
            key: self.key,
            name: self.name,
            level: level.map(Into::into),
            parent: parent.map(Into::into),
            form: self.form,
            mandate: self.mandate,
            units: units.into_iter().map(Into::into).collect(),
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            managed_by: self.managed_by,
        };
        Entity::found(self.id, body, (self.version, self.created_at, self.updated_at))
    }
}

#[derive(Insertable)]
#[diesel(table_name = committee_units)]
struct CommitteeUnitRow {
    committee_id: Id,
    unit_id: Id,
    position: i32,
}

/// Which committees a list shows.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only those of this level.
    pub level: Option<Reference>,
    /// Only those right under this committee.
    pub parent: Option<Reference>,
    /// Only those anywhere under this committee.
    pub ancestor: Option<Reference>,
    /// Only those of this form.
    pub form: Option<CommitteeForm>,
    /// Only those that cover this unit.
    pub unit: Option<Reference>,
    /// Only those that exist on this day.
    pub on: Option<NaiveDate>,
    /// Only those whose name or key contains this.
    pub q: Option<SearchText>,
    /// Only those after this key.
    pub after: Option<RegisterKey>,
    /// Only these.
    pub selection: Selection,
}

/// At most `limit` committees in the order of their keys.
pub fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>) -> Result<Vec<Committee>> {
    let mut query = committees::table
        .left_join(levels::table)
        .left_join(parent_committees.on(parent_committees.field(committees::id).nullable().eq(committees::parent_id)))
        .filter(committees::municipality_id.eq(tenant.municipality_id))
        .order(committees::key)
        .select((
            CommitteeRow::as_select(),
            levels::key.nullable(),
            parent_committees.field(committees::key).nullable(),
        ))
        .into_boxed();
    match filter.selection {
        Selection::Id(id) => query = query.filter(committees::id.eq(id)),
        Selection::Keys(keys) => query = query.filter(committees::key.eq_any(keys)),
        Selection::All => {}
    }
    if let Some(key) = filter.after {
        query = query.filter(committees::key.gt(key));
    }
    match filter.level {
        Some(Reference::Id(id)) => query = query.filter(committees::level_id.eq(id)),
        Some(path) => query = query.filter(levels::key.eq(path.to_string())),
        None => {}
    }
    match filter.parent {
        Some(Reference::Id(id)) => query = query.filter(committees::parent_id.eq(id)),
        Some(path) => query = query.filter(parent_committees.field(committees::key).eq(path.to_string())),
        None => {}
    }
    if let Some(ancestor) = filter.ancestor {
        query = query.filter(
            diesel::dsl::sql::<Bool>(
                "committees.id IN (WITH RECURSIVE below (id) AS (SELECT c.id FROM committees c \
                 JOIN committees top ON top.id = c.parent_id WHERE top.municipality_id = ",
            )
            .bind::<Text, _>(tenant.municipality_id)
            .sql(" AND (top.id = ")
            .bind::<Text, _>(ancestor.to_string())
            .sql(" OR top.key = ")
            .bind::<Text, _>(ancestor.to_string())
            .sql(") UNION SELECT c.id FROM committees c JOIN below ON c.parent_id = below.id) SELECT id FROM below)"),
        );
    }
    if let Some(form) = filter.form {
        query = query.filter(committees::form.eq(form));
    }
    if let Some(unit) = filter.unit {
        let covering = committee_units::table.inner_join(units::table).select(committee_units::committee_id);
        query = match unit {
            Reference::Id(id) => query.filter(committees::id.eq_any(covering.filter(units::id.eq(id)))),
            path => query.filter(committees::id.eq_any(covering.filter(units::key.eq(path.to_string())))),
        };
    }
    if let Some(day) = filter.on {
        query = query.filter(crate::exists_on!(committees, day));
    }
    if let Some(q) = filter.q {
        query = query.filter(committees::search_text.like(q.pattern()).escape('\\'));
    }
    if let Some(limit) = limit {
        query = query.limit(limit);
    }
    let rows: Vec<(CommitteeRow, Option<Key>, Option<RegisterKey>)> = query.load(tenant.connection)?;
    let mut covered = covered_units(tenant, rows.iter().map(|(row, ..)| row.id).collect())?;
    let with_units = |(row, level, parent): (CommitteeRow, _, _)| {
        let units = covered.remove(&row.id).unwrap_or_default();
        row.into_committee(level, parent, units)
    };
    Ok(rows.into_iter().map(with_units).collect())
}

fn covered_units(tenant: &mut Tenant<'_>, ids: Vec<Id>) -> Result<HashMap<Id, Vec<RegisterKey>>> {
    let mut covered: HashMap<Id, Vec<RegisterKey>> = HashMap::new();
    for batch in ids.chunks(connection::batch()) {
        let rows: Vec<(Id, RegisterKey)> = committee_units::table
            .inner_join(units::table)
            .filter(committee_units::committee_id.eq_any(batch))
            .order((committee_units::committee_id, committee_units::position))
            .select((committee_units::committee_id, units::key))
            .load(tenant.connection)?;
        for (id, key) in rows {
            covered.entry(id).or_default().push(key);
        }
    }
    Ok(covered)
}

/// The names of all committees, for references from elsewhere.
pub fn names(tenant: &mut Tenant<'_>) -> Result<ReferenceIndex> {
    let mine = committees::municipality_id.eq(tenant.municipality_id);
    let rows = committees::table.filter(mine).select((committees::id, committees::key));
    Ok(rows.load::<(Id, RegisterKey)>(tenant.connection)?.into_iter().collect())
}

/// The names that committees and audiences can refer to.
pub fn learn_names(tenant: &mut Tenant<'_>, directory: &mut Directory) -> Result<()> {
    directory.levels.extend(level::store::names(tenant)?);
    directory.units.extend(organisation::names(tenant)?);
    directory.committees.extend(names(tenant)?);
    Ok(())
}

/// What a committee's references resolved to.
#[derive(Debug, Default)]
pub struct Links {
    level_id: Option<Id>,
    parent_id: Option<Id>,
    unit_ids: Vec<Id>,
}

impl Register for Committees {
    type Body = CommitteeBody;
    type Links = Links;
    const WHAT: &'static str = "committee";

    fn select(tenant: &mut Tenant<'_>, selection: Selection) -> Result<Vec<Committee>> {
        list(tenant, Filter { selection, ..Filter::default() }, None)
    }

    fn learn_names(tenant: &mut Tenant<'_>, _: &[Draft<CommitteeBody>], directory: &mut Directory) -> Result<()> {
        learn_names(tenant, directory)
    }

    fn own_names(directory: &mut Directory) -> &mut ReferenceIndex {
        &mut directory.committees
    }

    fn check(draft: &mut Draft<CommitteeBody>, directory: &Directory, errors: &mut ValidationErrors) -> Option<Links> {
        let Draft { pointer, body } = draft;
        body.check(pointer, errors);
        let Directory { levels, units, committees, .. } = directory;
        let level_id = levels.resolve_optional("level", &mut body.level, &format!("{pointer}/level"), errors);
        let parent_id =
            committees.resolve_optional("committee", &mut body.parent, &format!("{pointer}/parent"), errors);
        let mut unit_ids = Vec::new();
        for (n, unit) in body.units.iter_mut().enumerate() {
            let at = format!("{pointer}/units/{n}");
            match units.resolve("unit", unit, &at, errors) {
                Some(id) if unit_ids.contains(&id) => errors.add(at, format!("'{unit}' stands here twice")),
                Some(id) => unit_ids.push(id),
                None => {}
            }
        }
        Some(Links { level_id, parent_id, unit_ids })
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
        let row = |row: &&Checked<Self>| CommitteeRow::new(municipality_id, row.outcome.entity(), &row.links);
        crate::write_all!(
            writer.connection,
            committees,
            rows,
            row,
            [
                name,
                level_id,
                parent_id,
                form,
                mandate,
                starts_on,
                ends_on,
                managed_by,
                search_text,
                version,
                updated_at,
            ]
        )?;
        cover_units(writer, rows)
    }

    fn count_under_hr(tenant: &mut Tenant<'_>, day: NaiveDate) -> Result<i64> {
        Ok(crate::count_under_hr!(committees, tenant, day)?)
    }

    fn dependents(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<String>> {
        dependents(tenant, id)
    }

    fn delete(writer: &mut Writer<'_>, id: Id) -> Result<()> {
        diesel::delete(committees::table.find(id)).execute(writer.connection)?;
        Ok(())
    }
}

fn parents(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Option<Id>)>> {
    Ok(committees::table
        .filter(committees::municipality_id.eq(tenant.municipality_id))
        .select((committees::id, committees::parent_id))
        .load(tenant.connection)?)
}

fn cover_units(writer: &mut Writer<'_>, rows: &[&Checked<Committees>]) -> Result<()> {
    for batch in rows.chunks(connection::batch()) {
        let ids: Vec<Id> = batch.iter().map(|row| row.outcome.entity().id()).collect();
        let until_now = committee_units::table.filter(committee_units::committee_id.eq_any(ids));
        diesel::delete(until_now).execute(writer.connection)?;
    }
    let covered = rows.iter().flat_map(|row| {
        let committee_id = row.outcome.entity().id();
        let unit_ids = row.links.unit_ids.iter().zip(0..);
        unit_ids.map(move |(unit_id, position)| CommitteeUnitRow { committee_id, unit_id: *unit_id, position })
    });
    let covered: Vec<CommitteeUnitRow> = covered.collect();
    crate::insert_all!(writer.connection, committee_units::table, &covered)?;
    Ok(())
}

fn dependents(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<String>> {
    let children: Vec<String> =
        committees::table.filter(committees::parent_id.eq(id)).select(committees::key).load(tenant.connection)?;
    let seats: Vec<String> =
        memberships::table.filter(memberships::committee_id.eq(id)).select(memberships::key).load(tenant.connection)?;
    let adopted: Vec<String> =
        strategies::table.filter(strategies::adopted_by_id.eq(id)).select(strategies::key).load(tenant.connection)?;
    let local: Vec<String> =
        actions::table.filter(actions::committee_id.eq(id)).select(actions::key).load(tenant.connection)?;
    let reported: i64 = reports::table.filter(reports::committee_id.eq(id)).count().get_result(tenant.connection)?;
    let audiences = action_audience::table
        .inner_join(actions::table.inner_join(focus_areas::table.inner_join(strategies::table)))
        .filter(action_audience::committee_id.eq(id))
        .select((strategies::key, focus_areas::key, actions::key))
        .load(tenant.connection)?;
    Ok([
        resource::dependents("committee", children),
        resource::dependents("membership", seats),
        resource::dependents("strategy", adopted),
        resource::dependents("action", resource::paths(audiences)),
        resource::dependents("local action", local),
        resource::counted_dependents("reports", reported),
    ]
    .concat())
}
