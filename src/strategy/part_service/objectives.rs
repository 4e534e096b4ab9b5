//! Objectives. An objective and its counterpart name each other, so a change of one may change the other.

use super::{Effects, Located, Part, Requested, SinglePart};
use crate::action::store::PlanPosition;
use crate::db::types::{Id, Key, Reference, RegisterKey};
use crate::db::{Tenant, Writer};
use crate::problem::{Result, ValidationErrors};
use crate::reference_index::ReferenceIndex;
use crate::resource::{self, Entity, Precondition};
use crate::strategy::model::{Objective, ObjectiveBody};
use crate::strategy::store::parts::{self, LocatedObjective, Objectives};
use crate::strategy::store::references::{self, Candidates};
use crate::strategy::store::write;
use crate::strategy::tree_change::{PartChange, Slot};

/// The objectives of a focus area, in the plan's order.
pub fn list(tenant: &mut Tenant<'_>, area: Id) -> Result<Vec<Objective>> {
    parts::focus_area(tenant, area)?;
    parts::objectives_of(tenant, area)
}

/// POST: adds an objective at the end of a focus area.
pub fn create(writer: &mut Writer<'_>, area: Id, body: ObjectiveBody) -> Result<Objective> {
    let (place, _) = parts::focus_area(writer, area)?;
    super::create(writer, place, body)
}

/// PATCH: changes an objective to what `change` returns for its fields.
pub fn change(
    writer: &mut Writer<'_>,
    id: Id,
    precondition: &Precondition,
    change: impl FnOnce(&ObjectiveBody) -> Result<ObjectiveBody>,
) -> Result<Objective> {
    let LocatedObjective { part, place, .. } = parts::objective(writer, id)?;
    super::change(writer, Located { part, place }, precondition, change)
}

/// DELETE: removes an objective to which nothing refers.
pub fn delete(writer: &mut Writer<'_>, id: Id, precondition: &Precondition) -> Result<()> {
    let LocatedObjective { part, place, .. } = parts::objective(writer, id)?;
    super::delete(writer, Located { part, place }, precondition)
}

/// The other objectives whose counterpart changes with a write.
#[derive(Default)]
pub struct Pairing {
    /// The counterpart until now.
    former: Option<LocatedObjective>,
    /// The counterpart from now on.
    next: Option<LocatedObjective>,
}

/// The objectives of the same strategy that references may name, as seen from `place`.
fn candidates(
    tenant: &mut Tenant<'_>,
    place: &PlanPosition,
    references: &[Reference],
) -> Result<Vec<LocatedObjective>> {
    let (ids, keys) = Candidates::split(references);
    let mut found = parts::objectives(tenant, Objectives::Named { ids: &ids, keys: Some((place.strategy_id, &keys)) })?;
    found.retain(|candidate| candidate.place.strategy_id == place.strategy_id);
    Ok(found)
}

/// The candidate that a stored reference names, as seen from `place`.
fn named(candidates: &[LocatedObjective], reference: &Reference, place: &PlanPosition) -> Option<LocatedObjective> {
    let Reference::Path(path) = reference else { return None };
    let path = Reference::expand(path, &place.base(), 3)?;
    candidates.iter().find(|candidate| candidate.part.body.path(&candidate.place) == path).cloned()
}

/// Writes another counterpart, or none, into an objective that is some objective's counterpart.
fn rewrite(
    writer: &mut Writer<'_>,
    LocatedObjective { part, place, .. }: LocatedObjective,
    counterpart: Option<&[RegisterKey]>,
    effects: &mut Effects,
) -> Result<()> {
    let (id, path, position) = (part.id(), part.body.path(&place), place.position);
    let counterpart = counterpart.map(|path| Reference::shortest(path, &place.base()));
    let body = ObjectiveBody { counterpart, ..part.body.clone() };
    let slot = Slot { id, path: &path, parent_id: place.focus_area_id, position };
    let change = PartChange::compare(Some((position, part)), slot, body, writer.now());
    effects.changes.extend(change.change());
    effects.areas.push(place.focus_area_id);
    write::write_objectives(writer, &[change])
}

impl Part for ObjectiveBody {
    type Links = Pairing;

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
    ) -> Result<Pairing> {
        let (place, stored) = (requested.place, requested.stored.and_then(|stored| stored.counterpart.as_ref()));
        if stored == self.counterpart.as_ref() {
            return Ok(Pairing::default());
        }
        let references: Vec<Reference> = stored.into_iter().chain(&self.counterpart).cloned().collect();
        let candidates = candidates(tenant, place, &references)?;
        let former = stored.and_then(|reference| named(&candidates, reference, place));
        let Some(reference) = &mut self.counterpart else { return Ok(Pairing { former, next: None }) };
        let row = |other: &LocatedObjective| (other.part.id(), Reference::Path(other.part.body.path(&other.place)));
        let mut objectives: ReferenceIndex = candidates.iter().map(row).collect();
        let own = [place.base().as_slice(), &[self.key.clone().into()]].concat();
        objectives.insert(requested.id, Reference::Path(own));
        let at = "/counterpart";
        let Some(next) = objectives.resolve_below("objective", reference, (&place.base(), 3), at, errors) else {
            return Ok(Pairing::default());
        };
        if next == requested.id {
            errors.add(at, "names the objective itself");
        }
        if former.as_ref().is_some_and(|former| former.part.id() == next) {
            return Ok(Pairing::default());
        }
        let next = candidates.into_iter().find(|candidate| candidate.part.id() == next);
        if next.as_ref().is_some_and(|next| next.counterpart_id.is_some()) {
            errors.add(at, "an objective has one counterpart at most, and one of these two has another");
        }
        Ok(Pairing { former, next })
    }

    fn write(
        writer: &mut Writer<'_>,
        place: &PlanPosition,
        change: PartChange<Self>,
        Pairing { former, next }: Pairing,
    ) -> Result<Effects> {
        let mut effects = Effects { areas: vec![place.focus_area_id], ..Effects::default() };
        let (id, path) = (change.outcome.entity().id(), change.outcome.entity().body.path(place));
        write::write_objectives(writer, &[change])?;
        if let Some(former) = former {
            write::delete_pair(writer, id)?;
            rewrite(writer, former, None, &mut effects)?;
        }
        if let Some(next) = next {
            write::insert_pairs(writer, &[(id, next.part.id())])?;
            rewrite(writer, next, Some(&path), &mut effects)?;
        }
        Ok(effects)
    }
}

impl SinglePart for ObjectiveBody {
    const NOUN: &'static str = "objective";
    const ARRAY: &'static str = "objectives";

    fn keys(tenant: &mut Tenant<'_>, area: Id) -> Result<Vec<Key>> {
        parts::objective_keys(tenant, area)
    }

    fn siblings(tenant: &mut Tenant<'_>, area: Id) -> Result<Vec<Objective>> {
        parts::objectives_of(tenant, area)
    }

    fn dependents(tenant: &mut Tenant<'_>, part: &Entity<Self>) -> Result<Vec<String>> {
        Ok(resource::dependents("indicator", references::measuring(tenant, &[part.id()])?))
    }

    fn remove(writer: &mut Writer<'_>, Located { part, place }: &Located<Self>) -> Result<Effects> {
        let mut effects = Effects { areas: vec![place.focus_area_id], ..Effects::default() };
        if let Some(reference) = &part.body.counterpart {
            let candidates = candidates(writer, place, std::slice::from_ref(reference))?;
            write::delete_pair(writer, part.id())?;
            if let Some(other) = named(&candidates, reference, place) {
                rewrite(writer, other, None, &mut effects)?;
            }
        }
        write::delete_objective(writer, place.focus_area_id, part.id(), place.position)?;
        Ok(effects)
    }
}
