//! Queries for committees.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::Committees;
use super::level;
use super::model::{Committee, CommitteeBody, CommitteeForm};
use crate::db::schema::aliases::parent_committees;
use crate::db::schema::{
    action_audience, actions, committee_units, committees, focus_areas, levels, strategies, units,
};
use crate::db::types::{Id, Key, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, Writer};
use crate::organisation::model::ManagedBy;
use crate::organisation::store as organisation;
use crate::problem::{Faults, Result};
use crate::resource::{self, Draft, Resource, Saved, Stored};
use crate::text::{LongText, SearchText, ShortText};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = committees, treat_none_as_null = true, treat_none_as_default_value = false)]
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
        Stored::found(self.id, body, (self.version, self.created_at, self.updated_at))
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
    /// Only those with these keys.
    pub keys: Option<Vec<RegisterKey>>,
    /// Only this one.
    pub id: Option<Id>,
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
    if let Some(id) = filter.id {
        query = query.filter(committees::id.eq(id));
    }
    if let Some(keys) = filter.keys {
        query = query.filter(committees::key.eq_any(keys));
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
        query = query.filter(committees::starts_on.is_null().or(committees::starts_on.le(day)));
        query = query.filter(committees::ends_on.is_null().or(committees::ends_on.ge(day)));
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
    for batch in ids.chunks(crate::db::connection::batch()) {
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

/// The names that committees can refer to, and be referred to by.
#[derive(Debug, Default)]
pub struct Names {
    /// Levels.
    pub levels: resource::Names,
    /// Units.
    pub units: resource::Names,
    /// Committees.
    pub committees: resource::Names,
}

impl Names {
    /// The names of everything that is stored.
    pub fn load(tenant: &mut Tenant<'_>) -> Result<Self> {
        let mine = committees::municipality_id.eq(tenant.municipality_id);
        let rows = committees::table.filter(mine).select((committees::id, committees::key));
        Ok(Self {
            levels: level::store::names(tenant)?,
            units: organisation::names(tenant)?,
            committees: resource::keyed::<RegisterKey>(rows.load(tenant.connection))?,
        })
    }
}

/// What a committee's references resolved to.
#[derive(Debug, Default)]
struct Links {
    level_id: Option<Id>,
    parent_id: Option<Id>,
    unit_ids: Vec<Id>,
}

/// Committees that were checked and wait to be written.
pub struct Prepared {
    saved: Vec<Saved<CommitteeBody>>,
    links: HashMap<Id, Links>,
}

/// Compares drafts with what is stored and checks them; faults go to `faults`, new names to `names`.
pub fn prepare(
    writer: &mut Writer<'_>,
    names: &mut Names,
    mut drafts: Vec<Draft<CommitteeBody>>,
    faults: &mut Faults,
) -> Result<Prepared> {
    resource::check_duplicate_keys(drafts.iter().map(|draft| (draft.pointer.clone(), &draft.body.key)), faults);
    let mut existing = resource::stored_under_keys(&drafts, |keys| {
        list(writer, Filter { keys: Some(keys), ..Filter::default() }, None)
    })?;
    for draft in &drafts {
        if names.committees.id(draft.body.key.as_str()).is_none() {
            names.committees.add(Id::new(), draft.body.key.clone());
        }
    }
    let mut links = HashMap::new();
    let mut edges = Vec::new();
    let mut saved = Vec::new();
    for draft in &mut drafts {
        draft.body.check(&draft.pointer, faults);
        let Some(id) = names.committees.id(draft.body.key.as_str()) else { continue };
        let resolved = resolve(names, draft, faults);
        if let Some(parent_id) = resolved.parent_id {
            edges.push((id, parent_id, Some(format!("{}/parent", draft.pointer))));
        }
        links.insert(id, resolved);
        saved.push(Saved::compare(existing.remove(&draft.body.key), id, draft.body.clone(), writer.now()));
    }
    if !edges.is_empty() {
        let redrawn: HashSet<Id> = links.keys().copied().collect();
        edges.extend(stored_edges(writer)?.into_iter().filter(|(id, ..)| !redrawn.contains(id)));
        resource::check_cycles(&edges, "puts the committee below itself: choose another parent", faults);
    }
    Ok(Prepared { saved, links })
}

fn resolve(names: &Names, draft: &mut Draft<CommitteeBody>, faults: &mut Faults) -> Links {
    let (pointer, body) = (&draft.pointer, &mut draft.body);
    let level_id = names.levels.resolve_optional("level", &mut body.level, &format!("{pointer}/level"), faults);
    let parent_id =
        names.committees.resolve_optional("committee", &mut body.parent, &format!("{pointer}/parent"), faults);
    let mut unit_ids = Vec::new();
    for (n, unit) in body.units.iter_mut().enumerate() {
        let at = format!("{pointer}/units/{n}");
        match names.units.resolve("unit", unit, &at, faults) {
            Some(id) if unit_ids.contains(&id) => faults.add(at, format!("'{unit}' stands here twice")),
            Some(id) => unit_ids.push(id),
            None => {}
        }
    }
    Links { level_id, parent_id, unit_ids }
}

fn stored_edges(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Id, Option<String>)>> {
    let edges: Vec<(Id, Id)> = committees::table
        .filter(committees::municipality_id.eq(tenant.municipality_id))
        .filter(committees::parent_id.is_not_null())
        .select((committees::id, committees::parent_id.assume_not_null()))
        .load(tenant.connection)?;
    Ok(edges.into_iter().map(|(id, parent)| (id, parent, None)).collect())
}

/// Writes what was prepared.
pub fn apply(writer: &mut Writer<'_>, prepared: Prepared) -> Result<Vec<Saved<CommitteeBody>>> {
    let Prepared { saved, links } = prepared;
    let none = Links::default();
    let links_of = |id: Id| links.get(&id).unwrap_or(&none);
    let municipality_id = writer.municipality_id;
    let row = |committee: &Committee| CommitteeRow::new(municipality_id, committee, links_of(committee.id()));
    let created: Vec<_> = saved.iter().filter(|saved| saved.is_created()).map(|saved| row(saved.stored())).collect();
    crate::insert_all!(writer.connection, committees::table, &created)?;
    for saved in &saved {
        if let Saved::Updated { before, after } = saved {
            diesel::update(committees::table.find(after.id())).set(row(after)).execute(writer.connection)?;
            if before.body.units != after.body.units {
                let old = committee_units::table.filter(committee_units::committee_id.eq(after.id()));
                diesel::delete(old).execute(writer.connection)?;
            }
        }
    }
    let covers_anew = |saved: &&Saved<CommitteeBody>| match saved {
        Saved::Created(_) => true,
        Saved::Updated { before, after } => before.body.units != after.body.units,
        Saved::Unchanged(_) => false,
    };
    let covered: Vec<_> = saved
        .iter()
        .filter(covers_anew)
        .flat_map(|saved| {
            let committee_id = saved.stored().id();
            let unit_ids = links_of(committee_id).unit_ids.iter();
            unit_ids.zip(0..).map(move |(unit_id, position)| CommitteeUnitRow {
                committee_id,
                unit_id: *unit_id,
                position,
            })
        })
        .collect();
    crate::insert_all!(writer.connection, committee_units::table, &covered)?;
    writer.log(saved.iter().filter_map(Saved::change).collect())?;
    Ok(saved)
}

impl Resource for Committees {
    type Body = CommitteeBody;
    const WHAT: &'static str = "committee";

    fn find(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Committee>> {
        let filter = match (reference, reference.key()) {
            (Reference::Id(id), _) => Filter { id: Some(*id), ..Filter::default() },
            (_, Some(key)) => Filter { keys: Some(vec![key.clone()]), ..Filter::default() },
            _ => return Ok(None),
        };
        Ok(list(tenant, filter, Some(1))?.pop())
    }

    fn save(writer: &mut Writer<'_>, drafts: Vec<Draft<CommitteeBody>>) -> Result<Vec<Saved<CommitteeBody>>> {
        let mut faults = Faults::default();
        let mut names = Names::load(writer)?;
        let prepared = prepare(writer, &mut names, drafts, &mut faults)?;
        faults.into_result()?;
        apply(writer, prepared)
    }

    fn remove(writer: &mut Writer<'_>, stored: &Committee) -> Result<()> {
        resource::check_unused("committee", dependents(writer, stored.id())?)?;
        diesel::delete(committees::table.find(stored.id())).execute(writer.connection)?;
        Ok(())
    }
}

fn dependents(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<String>> {
    let children: Vec<String> =
        committees::table.filter(committees::parent_id.eq(id)).select(committees::key).load(tenant.connection)?;
    let adopted: Vec<String> =
        strategies::table.filter(strategies::adopted_by_id.eq(id)).select(strategies::key).load(tenant.connection)?;
    let audiences = action_audience::table
        .inner_join(actions::table.inner_join(focus_areas::table.inner_join(strategies::table)))
        .filter(action_audience::committee_id.eq(id))
        .select((strategies::key, focus_areas::key, actions::key))
        .load(tenant.connection)?;
    Ok([
        resource::dependents("committee", children),
        resource::dependents("strategy", adopted),
        resource::dependents("action", resource::paths(audiences)),
    ]
    .concat())
}
