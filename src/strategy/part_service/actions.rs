//! Actions of plans. Local actions belong to their committees, and are handed on to `action::local`.

use std::collections::HashMap;

use super::{Effects, Located, Part, Requested, SinglePart};
use crate::action::local::{service as local_service, store as local};
use crate::action::model::{Action, ActionBody};
use crate::action::report::reporter::Reporter;
use crate::action::store::{self as action_store, Links, PlanPosition};
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::db::{Tenant, Writer};
use crate::problem::{Problem, Result, ValidationErrors};
use crate::resource::{self, Entity, Precondition};
use crate::strategy::resolve::cycles::{self, Edges};
use crate::strategy::resolve::references::{resolve_audience, resolve_predecessors};
use crate::strategy::store::references::{Candidates, action_paths, audience_names};
use crate::strategy::store::{parts, write};
use crate::strategy::tree_change::PartChange;

/// The actions of a focus area, in the plan's order.
pub fn list(tenant: &mut Tenant<'_>, area: Id) -> Result<Vec<Action>> {
    parts::focus_area(tenant, area)?;
    parts::actions_of(tenant, area)
}

/// POST: adds an action at the end of a focus area.
pub fn create(writer: &mut Writer<'_>, area: Id, body: ActionBody) -> Result<Action> {
    let (place, _) = parts::focus_area(writer, area)?;
    super::create(writer, place, body)
}

/// PATCH: changes an action to what `change` returns for its fields.
pub fn change(
    writer: &mut Writer<'_>,
    reporter: &Reporter,
    id: Id,
    precondition: &Precondition,
    change: impl FnOnce(&ActionBody) -> Result<ActionBody>,
) -> Result<Action> {
    let (place, part) = parts::action(writer, id)?;
    let Some(place) = place else {
        let owner = local::owner(writer, id)?.ok_or_else(|| Problem::not_found("action"))?;
        return local_service::change(writer, reporter, (id, owner), precondition, change);
    };
    reporter.check_may_edit_plans()?;
    super::change(writer, Located { part, place }, precondition, change)
}

/// DELETE: removes an action to which nothing refers.
pub fn delete(writer: &mut Writer<'_>, reporter: &Reporter, id: Id, precondition: &Precondition) -> Result<()> {
    let (place, part) = parts::action(writer, id)?;
    let Some(place) = place else {
        let owner = local::owner(writer, id)?.ok_or_else(|| Problem::not_found("action"))?;
        return local_service::delete(writer, reporter, (id, owner), precondition);
    };
    reporter.check_may_edit_plans()?;
    super::delete(writer, Located { part, place }, precondition)
}

impl ActionBody {
    fn find_predecessors(
        &mut self,
        tenant: &mut Tenant<'_>,
        requested: &Requested<'_, Self>,
        errors: &mut ValidationErrors,
    ) -> Result<Vec<Id>> {
        if self.after.is_empty() {
            return Ok(Vec::new());
        }
        let (ids, keys) = Candidates::split(&self.after);
        let mut actions = action_paths(tenant, Candidates::Named(&ids, &keys))?;
        // A new action may name itself, which the check for cycles refuses.
        actions.insert(requested.id, Reference::Path(self.path(requested.place)));
        let (base, mut edges) = (requested.place.base(), Edges::default());
        let found = resolve_predecessors((requested.id, self), &base, &actions, "", &mut edges, errors);
        cycles::check_action(tenant, (requested.place.strategy_id, requested.id), edges.actions, errors)?;
        Ok(found)
    }
}

impl Part for ActionBody {
    type Links = Links;

    fn parent_id(place: &PlanPosition) -> Id {
        place.focus_area_id
    }

    fn path(&self, place: &PlanPosition) -> Vec<RegisterKey> {
        [place.base().as_slice(), &[self.key.clone().into()]].concat()
    }

    fn resolve(
        &mut self,
        tenant: &mut Tenant<'_>,
        requested: &Requested<'_, Self>,
        errors: &mut ValidationErrors,
    ) -> Result<Links> {
        self.check_planned(requested.place.strategy_starts_on, "", errors);
        let mut links = Links::default();
        if requested.stored.is_none_or(|stored| stored.audience != self.audience) {
            let directory = audience_names(tenant, &self.audience)?;
            links.audience = Some(resolve_audience(self, &directory, "", errors));
        }
        if requested.stored.is_none_or(|stored| stored.after != self.after) {
            links.predecessor_ids = Some(self.find_predecessors(tenant, requested, errors)?);
        }
        Ok(links)
    }

    fn write(writer: &mut Writer<'_>, place: &PlanPosition, change: PartChange<Self>, links: Links) -> Result<Effects> {
        let links = HashMap::from([(change.outcome.entity().id(), links)]);
        write::write_actions(writer, &[change], &links)?;
        Ok(Effects { areas: vec![place.focus_area_id], ..Effects::default() })
    }
}

impl SinglePart for ActionBody {
    const NOUN: &'static str = "action";
    const ARRAY: &'static str = "actions";

    fn keys(tenant: &mut Tenant<'_>, area: Id) -> Result<Vec<Key>> {
        parts::action_keys(tenant, area)
    }

    fn siblings(tenant: &mut Tenant<'_>, area: Id) -> Result<Vec<Action>> {
        parts::actions_of(tenant, area)
    }

    fn dependents(tenant: &mut Tenant<'_>, part: &Entity<Self>) -> Result<Vec<String>> {
        let successors = action_store::successors(tenant, &[part.id()], &[])?;
        let mut dependents = resource::dependents("action", successors);
        dependents.extend(action_store::dependents(tenant, &[part])?);
        Ok(dependents)
    }

    fn remove(writer: &mut Writer<'_>, located: &Located<Self>) -> Result<Effects> {
        let place = &located.place;
        write::delete_action(writer, place.focus_area_id, located.part.id(), place.position)?;
        Ok(Effects { areas: vec![place.focus_area_id], ..Effects::default() })
    }
}
