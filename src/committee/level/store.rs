//! Queries for levels.

use std::collections::HashMap;

use diesel::prelude::*;

use super::Levels;
use super::model::{Level, LevelBody};
use crate::db::schema::{action_audience, actions, committees, focus_areas, indicators, levels, strategies};
use crate::db::types::{Id, Key, Reference, Timestamp};
use crate::db::{Tenant, Writer};
use crate::problem::{Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::resource::{self, Draft, Entity, Resource, UpsertOutcome};
use crate::text::ShortText;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = levels, treat_none_as_null = true, treat_none_as_default_value = false)]
struct LevelRow {
    id: Id,
    municipality_id: Id,
    key: Key,
    name: ShortText,
    rank: i32,
    staff_meeting_below: Option<i32>,
    version: i32,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl LevelRow {
    fn new(municipality_id: Id, level: &Level) -> Self {
        let body = level.body.clone();
        Self {
            id: level.id(),
            municipality_id,
            key: body.key,
            name: body.name,
            rank: body.rank,
            staff_meeting_below: body.staff_meeting_below,
            version: level.revision.version,
            created_at: level.revision.created_at,
            updated_at: level.revision.updated_at,
        }
    }

    fn into_level(self) -> Level {
        let body = LevelBody {
            key: self.key,
            name: self.name,
            rank: self.rank,
            staff_meeting_below: self.staff_meeting_below,
        };
        Entity::found(self.id, body, (self.version, self.created_at, self.updated_at))
    }
}

/// All levels from the top down; `after` is the rank and key of the last one already seen.
pub fn list(tenant: &mut Tenant<'_>, after: Option<(i32, Key)>, limit: Option<i64>) -> Result<Vec<Level>> {
    let mut query = levels::table
        .filter(levels::municipality_id.eq(tenant.municipality_id))
        .order((levels::rank, levels::key))
        .select(LevelRow::as_select())
        .into_boxed();
    if let Some((rank, key)) = after {
        query = query.filter(levels::rank.gt(rank).or(levels::rank.eq(rank).and(levels::key.gt(key))));
    }
    if let Some(limit) = limit {
        query = query.limit(limit);
    }
    Ok(query.load(tenant.connection)?.into_iter().map(LevelRow::into_level).collect())
}

/// The names of all levels, for references from elsewhere.
pub fn names(tenant: &mut Tenant<'_>) -> Result<ReferenceIndex> {
    let mine = levels::municipality_id.eq(tenant.municipality_id);
    let rows = levels::table.filter(mine).select((levels::id, levels::key));
    Ok(rows.load::<(Id, Key)>(tenant.connection)?.into_iter().collect())
}

/// Compares drafts with what is stored and checks them; faults go to `faults`, new names to `names`.
pub fn prepare(
    tenant: &mut Tenant<'_>,
    names: &mut ReferenceIndex,
    drafts: Vec<Draft<LevelBody>>,
    errors: &mut ValidationErrors,
) -> Result<Vec<UpsertOutcome<LevelBody>>> {
    resource::check_duplicate_keys(drafts.iter().map(|draft| (draft.pointer.clone(), &draft.body.key)), errors);
    // A municipality has a handful of levels, so all are read.
    let mut existing: HashMap<Key, Level> =
        list(tenant, None, None)?.into_iter().map(|level| (level.body.key.clone(), level)).collect();
    let now = tenant.now();
    Ok(drafts
        .into_iter()
        .map(|draft| {
            let outcome = UpsertOutcome::compare(existing.remove(&draft.body.key), Id::new(), draft.body, now);
            names.insert(outcome.entity().id(), outcome.entity().body.key.clone());
            outcome
        })
        .collect())
}

/// Writes what was prepared.
pub fn apply(writer: &mut Writer<'_>, outcome: Vec<UpsertOutcome<LevelBody>>) -> Result<Vec<UpsertOutcome<LevelBody>>> {
    let municipality_id = writer.municipality_id;
    let row = |outcome: &UpsertOutcome<LevelBody>| LevelRow::new(municipality_id, outcome.entity());
    let created: Vec<_> = outcome.iter().filter(|outcome| outcome.is_created()).map(row).collect();
    crate::insert_all!(writer.connection, levels::table, &created)?;
    for outcome in outcome.iter().filter(|outcome| matches!(outcome, UpsertOutcome::Updated { .. })) {
        diesel::update(levels::table.find(outcome.entity().id())).set(row(outcome)).execute(writer.connection)?;
    }
    writer.log(outcome.iter().filter_map(UpsertOutcome::change))?;
    Ok(outcome)
}

impl Resource for Levels {
    type Body = LevelBody;
    const WHAT: &'static str = "level";

    fn find(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Level>> {
        let query = levels::table
            .filter(levels::municipality_id.eq(tenant.municipality_id))
            .select(LevelRow::as_select())
            .into_boxed();
        let query = match (reference, reference.key()) {
            (Reference::Id(id), _) => query.filter(levels::id.eq(*id)),
            (_, Some(key)) => query.filter(levels::key.eq(key.as_str().to_owned())),
            _ => return Ok(None),
        };
        Ok(query.first(tenant.connection).optional()?.map(LevelRow::into_level))
    }

    fn save(writer: &mut Writer<'_>, drafts: Vec<Draft<LevelBody>>) -> Result<Vec<UpsertOutcome<LevelBody>>> {
        let mut errors = ValidationErrors::default();
        let prepared = prepare(writer, &mut ReferenceIndex::default(), drafts, &mut errors)?;
        errors.into_result()?;
        apply(writer, prepared)
    }

    fn remove(writer: &mut Writer<'_>, stored: &Level) -> Result<()> {
        resource::check_unused("level", dependents(writer, stored.id())?)?;
        diesel::delete(levels::table.find(stored.id())).execute(writer.connection)?;
        Ok(())
    }
}

fn dependents(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<String>> {
    let ranked: Vec<String> =
        committees::table.filter(committees::level_id.eq(id)).select(committees::key).load(tenant.connection)?;
    let audiences = action_audience::table
        .inner_join(actions::table.inner_join(focus_areas::table.inner_join(strategies::table)))
        .filter(action_audience::level_id.eq(id))
        .select((strategies::key, focus_areas::key, actions::key))
        .load(tenant.connection)?;
    let covered: Vec<String> = indicators::table
        .filter(indicators::coverage_level_id.eq(id))
        .select(indicators::key)
        .load(tenant.connection)?;
    Ok([
        resource::dependents("committee", ranked),
        resource::dependents("action", resource::paths(audiences)),
        resource::dependents("indicator", covered),
    ]
    .concat())
}
