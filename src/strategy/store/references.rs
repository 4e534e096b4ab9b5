//! What strategies and their parts refer to, and what refers to them.

use diesel::prelude::*;

use crate::action::model::AudienceEntry;
use crate::db::schema::{committees, focus_area_lineage, focus_areas, levels, strategies, units};
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::db::{Tenant, connection};
use crate::problem::Result;
use crate::reference_index::ReferenceIndex;
use crate::register::Directory;
use crate::resource;

/// The ids and keys of all strategies.
pub fn names(tenant: &mut Tenant<'_>) -> Result<ReferenceIndex> {
    let mine = strategies::municipality_id.eq(tenant.municipality_id);
    let rows = strategies::table.filter(mine).select((strategies::id, strategies::key));
    Ok(rows.load::<(Id, Key)>(tenant.connection)?.into_iter().collect())
}

/// Parts that references may name: all of the municipality, or those with one of these ids or, as last key, keys.
#[derive(Debug, Clone, Copy)]
pub enum Candidates<'c> {
    /// All of them.
    All,
    /// The few that some references may name.
    Named(&'c [Id], &'c [RegisterKey]),
}

impl Candidates<'_> {
    /// The ids and last keys of some references.
    pub fn split(references: &[Reference]) -> (Vec<Id>, Vec<RegisterKey>) {
        let (mut ids, mut keys) = (Vec::new(), Vec::new());
        for reference in references {
            match reference {
                Reference::Id(id) => ids.push(*id),
                Reference::Path(path) => keys.extend(path.last().cloned()),
            }
        }
        (ids, keys)
    }
}

/// The paths of focus areas.
pub fn area_paths(tenant: &mut Tenant<'_>, candidates: Candidates<'_>) -> Result<ReferenceIndex> {
    let mut query = focus_areas::table
        .inner_join(strategies::table)
        .filter(focus_areas::municipality_id.eq(tenant.municipality_id))
        .select((focus_areas::id, strategies::key, focus_areas::key))
        .into_boxed();
    if let Candidates::Named(ids, keys) = candidates {
        query = query.filter(focus_areas::id.eq_any(ids).or(focus_areas::key.eq_any(texts(keys))));
    }
    let rows: Vec<(Id, RegisterKey, RegisterKey)> = query.load(tenant.connection)?;
    Ok(rows.into_iter().map(|(id, strategy, area)| (id, Reference::Path(vec![strategy, area]))).collect())
}

/// The paths of actions of plans.
pub fn action_paths(tenant: &mut Tenant<'_>, candidates: Candidates<'_>) -> Result<ReferenceIndex> {
    use crate::db::schema::actions;
    let mut query = actions::table
        .inner_join(focus_areas::table.inner_join(strategies::table))
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .select((actions::id, strategies::key, focus_areas::key, actions::key))
        .into_boxed();
    if let Candidates::Named(ids, keys) = candidates {
        query = query.filter(actions::id.eq_any(ids).or(actions::key.eq_any(texts(keys))));
    }
    let rows: Vec<(Id, RegisterKey, RegisterKey, RegisterKey)> = query.load(tenant.connection)?;
    Ok(rows.into_iter().map(|(id, strategy, area, key)| (id, Reference::Path(vec![strategy, area, key]))).collect())
}

fn texts(keys: &[RegisterKey]) -> Vec<&str> {
    keys.iter().map(RegisterKey::as_str).collect()
}

/// The ids of a strategy's actions.
pub fn action_ids(tenant: &mut Tenant<'_>, strategy_id: Id) -> Result<Vec<Id>> {
    use crate::db::schema::actions;
    let query = actions::table.inner_join(focus_areas::table).filter(focus_areas::strategy_id.eq(strategy_id));
    Ok(query.select(actions::id).load(tenant.connection)?)
}

/// The levels, committees and units that an audience names, and no others.
pub fn audience_names(tenant: &mut Tenant<'_>, audience: &[AudienceEntry]) -> Result<Directory> {
    let mut directory = Directory::default();
    macro_rules! load {
        ($table:ident, $field:ident, $names:expr) => {
            let references: Vec<Reference> = audience.iter().filter_map(|entry| entry.$field.clone()).collect();
            let (ids, keys) = Candidates::split(&references);
            if !references.is_empty() {
                let rows: Vec<(Id, RegisterKey)> = $table::table
                    .filter($table::municipality_id.eq(tenant.municipality_id))
                    .filter($table::id.eq_any(&ids).or($table::key.eq_any(texts(&keys))))
                    .select(($table::id, $table::key))
                    .load(tenant.connection)?;
                $names.extend(rows);
            }
        };
    }
    load!(levels, level, directory.levels);
    load!(committees, committee, directory.committees);
    load!(units, unit, directory.units);
    Ok(directory)
}

/// Which strategy follows which, in the whole municipality.
pub fn predecessor_edges(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Id)>> {
    Ok(strategies::table
        .filter(strategies::municipality_id.eq(tenant.municipality_id))
        .filter(strategies::predecessor_id.is_not_null())
        .select((strategies::id, strategies::predecessor_id.assume_not_null()))
        .load(tenant.connection)?)
}

/// Which focus area continues which, in the whole municipality.
pub fn lineage_edges(tenant: &mut Tenant<'_>) -> Result<Vec<(Id, Id)>> {
    Ok(focus_area_lineage::table
        .inner_join(focus_areas::table.on(focus_areas::id.eq(focus_area_lineage::focus_area_id)))
        .filter(focus_areas::municipality_id.eq(tenant.municipality_id))
        .select((focus_area_lineage::focus_area_id, focus_area_lineage::continues_id))
        .load(tenant.connection)?)
}

/// The paths of the focus areas that continue one of `ids`, except those of the strategies `except`.
pub fn continuing(tenant: &mut Tenant<'_>, ids: &[Id], except: &[Id]) -> Result<Vec<String>> {
    let rows: Vec<(Key, Key)> = focus_area_lineage::table
        .inner_join(
            focus_areas::table.inner_join(strategies::table).on(focus_areas::id.eq(focus_area_lineage::focus_area_id)),
        )
        .filter(focus_area_lineage::continues_id.eq_any(ids.to_vec()))
        .filter(focus_areas::strategy_id.ne_all(except.to_vec()))
        .select((strategies::key, focus_areas::key))
        .load(tenant.connection)?;
    Ok(rows.into_iter().map(|(strategy, area)| format!("{strategy}/{area}")).collect())
}

/// The paths of a strategy's actions that come after one of `ids`, except those in the focus area `area`.
pub fn successors_in_other_areas(
    tenant: &mut Tenant<'_>,
    strategy_id: Id,
    area: Id,
    ids: &[Id],
) -> Result<Vec<String>> {
    use crate::db::schema::{action_predecessors, actions};
    let mut found = Vec::new();
    for batch in ids.chunks(connection::batch()) {
        let rows: Vec<(Key, Key, Key)> = action_predecessors::table
            .inner_join(
                actions::table
                    .inner_join(focus_areas::table.inner_join(strategies::table))
                    .on(actions::id.eq(action_predecessors::action_id)),
            )
            .filter(action_predecessors::predecessor_id.eq_any(batch))
            .filter(focus_areas::strategy_id.eq(strategy_id).and(focus_areas::id.ne(area)))
            .select((strategies::key, focus_areas::key, actions::key))
            .distinct()
            .load(tenant.connection)?;
        found.extend(resource::paths(rows));
    }
    found.sort();
    Ok(found)
}

/// The keys of the strategies that follow this one.
pub fn followers(tenant: &mut Tenant<'_>, id: Id) -> Result<Vec<String>> {
    Ok(strategies::table.filter(strategies::predecessor_id.eq(id)).select(strategies::key).load(tenant.connection)?)
}

/// The keys of the indicators that measure some objectives.
pub fn measuring(tenant: &mut Tenant<'_>, objective_ids: &[Id]) -> Result<Vec<String>> {
    use crate::db::schema::{indicator_objectives, indicators};
    Ok(indicator_objectives::table
        .inner_join(indicators::table)
        .filter(indicator_objectives::objective_id.eq_any(objective_ids))
        .order(indicators::key)
        .select(indicators::key)
        .distinct()
        .load(tenant.connection)?)
}
