//! What clients do with single parts of strategies: focus areas, objectives, and the actions of plans.
//!
//! The three kinds take the same steps, which stand here; what differs stands in the [`Part`] of each kind. A part is
//! checked and written by itself, without reading the rest of the tree. The versions of its focus area and its
//! strategy rise with it, since they cover it.

pub mod actions;
pub mod focus_areas;
pub mod objectives;

use super::model::MOST_PARTS;
use super::store::write;
use super::tree_change::{PartChange, Slot};
use crate::action::store::PlanPosition;
use crate::db::change_log::Change;
use crate::db::types::{Id, Key, RegisterKey};
use crate::db::{Tenant, Writer};
use crate::problem::{Result, ValidationErrors};
use crate::resource::{self, Body, Entity, Precondition};

/// A stored part, and its place in the tree.
#[derive(Debug, Clone)]
pub struct Located<P> {
    /// The part.
    pub part: Entity<P>,
    /// Its place.
    pub place: PlanPosition,
}

/// A requested part, and where it is or will be.
pub struct Requested<'r, P> {
    /// Its id; of a new part, the one that it gets.
    pub id: Id,
    /// Its place.
    pub place: &'r PlanPosition,
    /// Its fields until now; none where it is new.
    pub stored: Option<&'r P>,
}

/// What a write changes beside the part itself.
#[derive(Debug, Default)]
pub struct Effects {
    /// Changes of other parts, for the change log.
    pub changes: Vec<Change>,
    /// The focus areas whose version rises.
    pub areas: Vec<Id>,
}

/// A kind of part.
pub trait Part: Body<Key = Key> {
    /// What the part's references resolved to.
    type Links;

    /// The strategy or focus area that the part belongs to.
    fn parent_id(place: &PlanPosition) -> Id;

    /// The keys that lead to the part.
    fn path(&self, place: &PlanPosition) -> Vec<RegisterKey>;

    /// Checks the part and resolves its references, which are rewritten in their shortest form.
    fn resolve(
        &mut self,
        tenant: &mut Tenant<'_>,
        requested: &Requested<'_, Self>,
        errors: &mut ValidationErrors,
    ) -> Result<Self::Links>;

    /// Writes the part.
    fn write(
        writer: &mut Writer<'_>,
        place: &PlanPosition,
        change: PartChange<Self>,
        links: Self::Links,
    ) -> Result<Effects>;
}

/// A kind of part that is created and deleted by itself.
pub trait SinglePart: Part {
    /// The noun for it in problems.
    const NOUN: &'static str;
    /// The name of the array of a focus area that holds it.
    const ARRAY: &'static str;

    /// The keys of the parts in a focus area.
    fn keys(tenant: &mut Tenant<'_>, area: Id) -> Result<Vec<Key>>;

    /// The parts in a focus area, in their order.
    fn siblings(tenant: &mut Tenant<'_>, area: Id) -> Result<Vec<Entity<Self>>>;

    /// Sentences that name what refers to the part.
    fn dependents(tenant: &mut Tenant<'_>, part: &Entity<Self>) -> Result<Vec<String>>;

    /// Deletes the part; those behind it move up.
    fn remove(writer: &mut Writer<'_>, located: &Located<Self>) -> Result<Effects>;
}

/// POST: adds a part at the end of the focus area at `place`.
pub fn create<P: SinglePart>(writer: &mut Writer<'_>, mut place: PlanPosition, mut body: P) -> Result<Entity<P>> {
    let keys = P::keys(writer, place.focus_area_id)?;
    if keys.contains(body.key()) {
        let noun = format!("{} of the focus area", P::NOUN);
        return Err(resource::key_taken(&noun, body.key().as_str()));
    }
    let mut errors = ValidationErrors::default();
    if keys.len() >= MOST_PARTS {
        let detail = format!("{}: has {} items already, and at most {MOST_PARTS} are allowed", P::ARRAY, keys.len());
        errors.add("", detail);
    }
    place.position = i32::try_from(keys.len()).unwrap_or(i32::MAX);
    let requested = Requested { id: Id::new(), place: &place, stored: None };
    let links = body.resolve(writer, &requested, &mut errors)?;
    errors.into_result()?;
    let id = requested.id;
    save(writer, &place, None, (id, body), links)
}

/// PATCH: changes a part to what `change` returns for its fields.
pub fn change<P: Part>(
    writer: &mut Writer<'_>,
    Located { part, place }: Located<P>,
    precondition: &Precondition,
    change: impl FnOnce(&P) -> Result<P>,
) -> Result<Entity<P>> {
    let id = part.id();
    precondition.check_existing(part.revision.version, id)?;
    let mut body = change(&part.body)?;
    resource::check_key_kept(&part.body, &body)?;
    let mut errors = ValidationErrors::default();
    let requested = Requested { id, place: &place, stored: Some(&part.body) };
    let links = body.resolve(writer, &requested, &mut errors)?;
    errors.into_result()?;
    save(writer, &place, Some(part), (id, body), links)
}

fn save<P: Part>(
    writer: &mut Writer<'_>,
    place: &PlanPosition,
    stored: Option<Entity<P>>,
    (id, body): (Id, P),
    links: P::Links,
) -> Result<Entity<P>> {
    let (position, path) = (place.position, body.path(place));
    let slot = Slot { id, path: &path, parent_id: P::parent_id(place), position };
    let change = PartChange::compare(stored.map(|stored| (position, stored)), slot, body, writer.now());
    let entity = change.outcome.entity().clone();
    if change.outcome.is_unchanged() {
        return Ok(entity);
    }
    let own = change.change();
    let effects = P::write(writer, place, change, links)?;
    finish(writer, place, own, effects)?;
    Ok(entity)
}

/// DELETE: removes a part to which nothing refers.
pub fn delete<P: SinglePart>(writer: &mut Writer<'_>, located: Located<P>, precondition: &Precondition) -> Result<()> {
    let Located { part, place } = &located;
    precondition.check_existing(part.revision.version, part.id())?;
    resource::check_unused(P::NOUN, P::dependents(writer, part)?)?;
    let mut effects = P::remove(writer, &located)?;
    // Read after the part is gone: where a part behind it was its counterpart, it has changed already.
    let siblings = P::siblings(writer, place.focus_area_id)?.into_iter().zip(0..);
    let moved = siblings.filter(|(_, position)| *position >= place.position);
    let moved = moved.map(|(part, to)| PartChange::moved(part, place.focus_area_id, to + 1, to));
    effects.changes.extend(moved.filter_map(|part| part.change()));
    finish(writer, place, [resource::deletion(part)], effects)
}

/// Raises the versions of what covers the part, and logs what changed.
fn finish(
    writer: &mut Writer<'_>,
    place: &PlanPosition,
    own: impl IntoIterator<Item = Change>,
    effects: Effects,
) -> Result<()> {
    write::raise_versions(writer, place.strategy_id, &effects.areas)?;
    writer.log(own.into_iter().chain(effects.changes))
}
