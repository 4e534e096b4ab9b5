//! Queries for units.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use super::Units;
use super::model::{ManagedBy, Unit, UnitBody, UnitKind};
use crate::db::schema::aliases::parent_units;
use crate::db::schema::{
    action_audience, actions, committee_units, committees, employees, focus_areas, strategies, units,
};
use crate::db::types::{Id, Reference, RegisterKey, Timestamp};
use crate::db::{Tenant, Writer};
use crate::problem::{Faults, Result};
use crate::resource::{self, Draft, Names, Resource, Saved, Stored};
use crate::text::{SearchText, ShortText};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = units, treat_none_as_null = true, treat_none_as_default_value = false)]
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
        Stored::found(self.id, body, (self.version, self.created_at, self.updated_at))
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
    /// Only those with these keys.
    pub keys: Option<Vec<RegisterKey>>,
    /// Only this one.
    pub id: Option<Id>,
}

/// At most `limit` units in the order of their keys.
pub fn list(tenant: &mut Tenant<'_>, filter: Filter, limit: Option<i64>) -> Result<Vec<Unit>> {
    let mut query = units::table
        .left_join(parent_units.on(parent_units.field(units::id).nullable().eq(units::parent_id)))
        .filter(units::municipality_id.eq(tenant.municipality_id))
        .order(units::key)
        .select((UnitRow::as_select(), parent_units.field(units::key).nullable()))
        .into_boxed();
    if let Some(id) = filter.id {
        query = query.filter(units::id.eq(id));
    }
    if let Some(keys) = filter.keys {
        query = query.filter(units::key.eq_any(keys));
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
        query = query.filter(units::starts_on.is_null().or(units::starts_on.le(day)));
        query = query.filter(units::ends_on.is_null().or(units::ends_on.ge(day)));
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
pub fn names(tenant: &mut Tenant<'_>) -> Result<Names> {
    let mine = units::municipality_id.eq(tenant.municipality_id);
    resource::keyed::<RegisterKey>(units::table.filter(mine).select((units::id, units::key)).load(tenant.connection))
}

/// Units that were checked and wait to be written.
pub struct Prepared {
    saved: Vec<Saved<UnitBody>>,
    parent_ids: HashMap<Id, Id>,
}

/// Compares drafts with what is stored and checks them; faults go to `faults`, new names to `names`.
pub fn prepare(
    writer: &mut Writer<'_>,
    names: &mut Names,
    mut drafts: Vec<Draft<UnitBody>>,
    faults: &mut Faults,
) -> Result<Prepared> {
    resource::check_duplicate_keys(drafts.iter().map(|draft| (draft.pointer.clone(), &draft.body.key)), faults);
    let mut existing = resource::stored_under_keys(&drafts, |keys| {
        list(writer, Filter { keys: Some(keys), ..Filter::default() }, None)
    })?;
    for draft in &drafts {
        if names.id(draft.body.key.as_str()).is_none() {
            names.add(Id::new(), draft.body.key.clone());
        }
    }
    let mut parent_ids = HashMap::new();
    let mut edges = Vec::new();
    let mut saved = Vec::new();
    for draft in &mut drafts {
        let (pointer, body) = (&draft.pointer, &mut draft.body);
        body.check(pointer, faults);
        let Some(id) = names.id(body.key.as_str()) else { continue };
        let at = format!("{pointer}/parent");
        if let Some(parent_id) = names.resolve_optional("unit", &mut body.parent, &at, faults) {
            parent_ids.insert(id, parent_id);
            edges.push((id, parent_id, Some(at)));
        }
        saved.push(Saved::compare(existing.remove(&body.key), id, body.clone(), writer.now()));
    }
    if !edges.is_empty() {
        let redrawn: std::collections::HashSet<Id> = saved.iter().map(|saved| saved.stored().id()).collect();
        edges.extend(stored_edges(writer)?.into_iter().filter(|(id, ..)| !redrawn.contains(id)));
        resource::check_cycles(&edges, "makes the unit a part of itself: choose another parent", faults);
    }
    Ok(Prepared { saved, parent_ids })
}

fn stored_edges(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Id, Option<String>)>> {
    let edges: Vec<(Id, Id)> = units::table
        .filter(units::municipality_id.eq(tenant.municipality_id))
        .filter(units::parent_id.is_not_null())
        .select((units::id, units::parent_id.assume_not_null()))
        .load(tenant.connection)?;
    Ok(edges.into_iter().map(|(id, parent)| (id, parent, None)).collect())
}

/// Writes what was prepared.
pub fn apply(writer: &mut Writer<'_>, prepared: Prepared) -> Result<Vec<Saved<UnitBody>>> {
    let Prepared { saved, parent_ids } = prepared;
    let municipality_id = writer.municipality_id;
    let row = |unit: &Unit| UnitRow::new(municipality_id, unit, parent_ids.get(&unit.id()).copied());
    let created: Vec<_> = saved.iter().filter(|saved| saved.is_created()).map(|saved| row(saved.stored())).collect();
    crate::insert_all!(writer.connection, units::table, &created)?;
    for saved in &saved {
        if let Saved::Updated { after, .. } = saved {
            diesel::update(units::table.find(after.id())).set(row(after)).execute(writer.connection)?;
        }
    }
    writer.log(saved.iter().filter_map(Saved::change).collect())?;
    Ok(saved)
}

impl Resource for Units {
    type Body = UnitBody;
    const WHAT: &'static str = "unit";

    fn find(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Unit>> {
        let filter = match (reference, reference.key()) {
            (Reference::Id(id), _) => Filter { id: Some(*id), ..Filter::default() },
            (_, Some(key)) => Filter { keys: Some(vec![key.clone()]), ..Filter::default() },
            _ => return Ok(None),
        };
        Ok(list(tenant, filter, Some(1))?.pop())
    }

    fn save(writer: &mut Writer<'_>, drafts: Vec<Draft<UnitBody>>) -> Result<Vec<Saved<UnitBody>>> {
        let mut faults = Faults::default();
        let mut names = names(writer)?;
        let prepared = prepare(writer, &mut names, drafts, &mut faults)?;
        faults.into_result()?;
        apply(writer, prepared)
    }

    fn remove(writer: &mut Writer<'_>, stored: &Unit) -> Result<()> {
        resource::check_unused("unit", dependents(writer, stored.id())?)?;
        diesel::delete(units::table.find(stored.id())).execute(writer.connection)?;
        Ok(())
    }
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
    let audiences = action_audience::table
        .inner_join(actions::table.inner_join(focus_areas::table.inner_join(strategies::table)))
        .filter(action_audience::unit_id.eq(id))
        .select((strategies::key, focus_areas::key, actions::key))
        .load(tenant.connection)?;
    Ok([
        resource::dependents("unit", children),
        workplace.into_iter().collect(),
        resource::dependents("committee", covering),
        resource::dependents("action", resource::paths(audiences)),
    ]
    .concat())
}
