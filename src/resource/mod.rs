//! What all stored resources have in common: how rows look, and how they are created, replaced, changed and deleted.

mod checks;
mod crud;
mod dependents;
mod entity;
mod precondition;
mod replacement;

pub use checks::{check_cycles, check_duplicate_keys, check_order};
pub use crud::{
    Resource, change, check_key_kept, check_key_matches, create, delete, key_taken, read, replace, replace_answered,
};
pub use dependents::{check_unused, counted_dependents, dependents, paths};
pub use entity::{Body, Counts, Draft, Entity, Identity, Revision, UpsertOutcome, deletion, fields};
pub use precondition::{Expected, Precondition, SeenVersion};
pub use replacement::{REPLACEMENT, Replacement};
