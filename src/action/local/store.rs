//! Queries for local actions. They are written by the store of all actions.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::action::model::Action;
use crate::action::store::{self, Filter};
use crate::db::schema::{actions, committees};
use crate::db::types::{Id, Key};
use crate::db::{Tenant, connection};
use crate::problem::{Problem, Result};
use crate::resource::Entity;

/// The local actions of a municipality, in the order in which they were created.
pub fn all(tenant: &mut Tenant<'_>) -> Result<Vec<Action>> {
    let local = actions::table
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .filter(actions::committee_id.is_not_null())
        .order(actions::id)
        .select(actions::id);
    let ids: Vec<Id> = local.load(tenant.connection)?;
    let mut found = load(tenant, &ids)?;
    found.sort_by_key(Entity::id);
    Ok(found)
}

/// The local actions of some committees, by the committee's id and their key.
pub fn of_committees(tenant: &mut Tenant<'_>, committee_ids: &[Id]) -> Result<HashMap<(Id, Key), Action>> {
    let mut owners: HashMap<Id, Id> = HashMap::new();
    for batch in committee_ids.chunks(connection::batch()) {
        let local = actions::committee_id.eq_any(batch.iter().copied().map(Some));
        let query = actions::table.filter(local).select((actions::id, actions::committee_id.assume_not_null()));
        owners.extend(query.load::<(Id, Id)>(tenant.connection)?);
    }
    let ids: Vec<Id> = owners.keys().copied().collect();
    let owned = |action: Action| Some(((*owners.get(&action.id())?, action.body.key.clone()), action));
    Ok(load(tenant, &ids)?.into_iter().filter_map(owned).collect())
}

fn load(tenant: &mut Tenant<'_>, ids: &[Id]) -> Result<Vec<Action>> {
    let mut found = Vec::new();
    for batch in ids.chunks(connection::batch()) {
        let filter = Filter { ids: Some(batch.to_vec()), ..Filter::default() };
        found.extend(store::list(tenant, filter, Some(i64::MAX))?.into_iter().map(|found| found.action));
    }
    Ok(found)
}

/// The committee that an action belongs to; none if it stands in a plan.
pub fn owner(tenant: &mut Tenant<'_>, id: Id) -> Result<Option<Id>> {
    let found = actions::table
        .filter(actions::municipality_id.eq(tenant.municipality_id))
        .filter(actions::id.eq(id))
        .select(actions::committee_id);
    found.first::<Option<Id>>(tenant.connection).optional()?.ok_or_else(|| Problem::not_found("action"))
}

/// The last day of a committee; none if it goes on.
pub fn last_day_of_committee(tenant: &mut Tenant<'_>, committee: Id) -> Result<Option<NaiveDate>> {
    Ok(committees::table.find(committee).select(committees::ends_on).first(tenant.connection)?)
}
