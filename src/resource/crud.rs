//! The one way in which rows that stand by themselves are created, replaced, changed and deleted.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Body, Draft, Entity, Precondition, Replacement, UpsertOutcome, deletion};
use crate::db::types::Reference;
use crate::db::{Tenant, Writer};
use crate::problem::{Kind, Problem, Result};

/// A resource whose rows stand by themselves: levels, units, employees, committees, memberships.
pub trait Resource {
    /// What clients write.
    type Body: Body + DeserializeOwned;
    /// What clients call one of them in Danish or English sentences.
    const WHAT: &'static str;

    /// The row under an id or key.
    fn find(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Option<Entity<Self::Body>>>;

    /// Checks and stores drafts, all or none, and answers what came of each, in their order.
    fn save(writer: &mut Writer<'_>, drafts: Vec<Draft<Self::Body>>) -> Result<Vec<UpsertOutcome<Self::Body>>>;

    /// Removes a row on which nothing depends; [`Kind::InUse`] otherwise.
    fn remove(writer: &mut Writer<'_>, stored: &Entity<Self::Body>) -> Result<()>;
}

/// The row under `reference`, or 404.
pub fn read<R: Resource>(tenant: &mut Tenant<'_>, reference: &Reference) -> Result<Entity<R::Body>> {
    R::find(tenant, reference)?.ok_or_else(|| Problem::not_found(R::WHAT))
}

/// POST: a new row under a key that is free.
pub fn create<R: Resource>(writer: &mut Writer<'_>, body: R::Body) -> Result<Entity<R::Body>> {
    check_free::<R>(writer, &body)?;
    save_one::<R>(writer, body).map(UpsertOutcome::into_entity)
}

fn check_free<R: Resource>(tenant: &mut Tenant<'_>, body: &R::Body) -> Result<()> {
    let key = body.key().to_string();
    let reference = key.parse().map_err(Problem::internal)?;
    match R::find(tenant, &reference)? {
        Some(_) => Err(key_taken(R::WHAT, &key)),
        None => Ok(()),
    }
}

/// What a POST under a taken key is answered with.
pub fn key_taken(what: &str, key: &str) -> Problem {
    Problem::new(
        Kind::AlreadyExists,
        format!("There already is a {what} with the key '{key}'; choose another, or PUT to replace it."),
    )
}

/// PUT: replaces the row under `reference`, or creates it under that key.
pub fn replace<R: Resource>(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    replacement: Replacement<R::Body>,
) -> Result<UpsertOutcome<R::Body>> {
    replace_answered::<R, _>(writer, reference, precondition, replacement, |_, existing| Ok(existing.clone()))
}

/// [`replace`] for rows of which GET answers something else than what is stored: `answer` makes it.
pub fn replace_answered<R: Resource, A: Serialize>(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    replacement: Replacement<R::Body>,
    answer: impl FnOnce(&mut Writer<'_>, &Entity<R::Body>) -> Result<A>,
) -> Result<UpsertOutcome<R::Body>> {
    let existing = R::find(writer, reference)?;
    let answered = match &existing {
        Some(existing) => {
            precondition.check_existing(existing.revision.version, existing.id())?;
            check_key_kept(&existing.body, &replacement.body)?;
            Some(answer(writer, existing)?)
        }
        None => {
            precondition.check_missing()?;
            check_key_matches(R::WHAT, reference, &replacement.body.key().to_string())?;
            None
        }
    };
    replacement.check(answered.as_ref())?;
    save_one::<R>(writer, replacement.body)
}

/// PUT creates under the key in the address, which the body must repeat.
pub fn check_key_matches(what: &str, reference: &Reference, key: &str) -> Result<()> {
    match reference {
        Reference::Id(_) => Err(Problem::not_found(what)),
        Reference::Path(_) if reference.to_string() == key => Ok(()),
        Reference::Path(_) => {
            Err(Problem::invalid("/key", format!("differs from the key in the address: write '{reference}' in both")))
        }
    }
}

/// PATCH: what `change` makes of the row.
pub fn change<R: Resource>(
    writer: &mut Writer<'_>,
    reference: &Reference,
    precondition: &Precondition,
    change: impl FnOnce(&R::Body) -> Result<R::Body>,
) -> Result<Entity<R::Body>> {
    let existing = read::<R>(writer, reference)?;
    precondition.check_existing(existing.revision.version, existing.id())?;
    let body = change(&existing.body)?;
    check_key_kept(&existing.body, &body)?;
    save_one::<R>(writer, body).map(UpsertOutcome::into_entity)
}

/// A key never changes.
pub fn check_key_kept<B: Body>(existing: &B, wanted: &B) -> Result<()> {
    if existing.key() == wanted.key() {
        return Ok(());
    }
    Err(Problem::invalid("/key", format!("a key never changes: write '{}', or leave it out", existing.key())))
}

/// DELETE: removes a row on which nothing depends.
pub fn delete<R: Resource>(writer: &mut Writer<'_>, reference: &Reference, precondition: &Precondition) -> Result<()> {
    let existing = read::<R>(writer, reference)?;
    precondition.check_existing(existing.revision.version, existing.id())?;
    R::remove(writer, &existing)?;
    writer.log(vec![deletion(&existing)])
}

fn save_one<R: Resource>(writer: &mut Writer<'_>, body: R::Body) -> Result<UpsertOutcome<R::Body>> {
    let outcome = R::save(writer, vec![Draft::whole(body)])?.pop();
    outcome.ok_or_else(|| Problem::internal("nothing was saved"))
}
