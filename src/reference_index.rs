//! What references in bodies can lead to: the rows of one kind by id, and by key or path.

use std::collections::HashMap;

use crate::db::types::{Id, Reference, RegisterKey};
use crate::problem::ValidationErrors;

/// The rows of one kind that can be referred to, stored or about to be. Rows that stand by themselves are found by
/// their key, parts of strategies by the keys that lead to them from the strategy down.
#[derive(Debug, Clone, Default)]
pub struct ReferenceIndex {
    ids: HashMap<Reference, Id>,
    paths: HashMap<Id, Reference>,
}

impl ReferenceIndex {
    /// Adds a row under its key or path.
    pub fn insert(&mut self, id: Id, path: impl Into<Reference>) {
        let path = path.into();
        self.ids.insert(path.clone(), id);
        self.paths.insert(id, path);
    }

    /// Removes a row.
    pub fn remove(&mut self, id: Id) {
        if let Some(path) = self.paths.remove(&id) {
            self.ids.remove(&path);
        }
    }

    /// The id of the row with this key.
    pub fn id(&self, key: &str) -> Option<Id> {
        let key: RegisterKey = key.parse().ok()?;
        self.ids.get(&key.into()).copied()
    }

    /// The key of a row that stands by itself.
    pub fn key(&self, id: Id) -> Option<&RegisterKey> {
        self.paths.get(&id)?.key()
    }

    /// The key or path of a row.
    pub fn path(&self, id: Id) -> Option<&Reference> {
        self.paths.get(&id)
    }

    /// The row that a reference names by UUID, by key or by its whole path.
    pub fn find(&self, reference: &Reference) -> Option<Id> {
        match reference {
            Reference::Id(id) => self.paths.contains_key(id).then_some(*id),
            path => self.ids.get(path).copied(),
        }
    }

    /// Answers the id that `reference` leads to, and rewrites the reference as key or path. Where there is no such row,
    /// it adds an error at `pointer`, in which `what` is the word for the row, and answers `None`.
    pub fn resolve(
        &self,
        what: &str,
        reference: &mut Reference,
        pointer: &str,
        errors: &mut ValidationErrors,
    ) -> Option<Id> {
        match self.find(reference).and_then(|id| self.paths.get_key_value(&id)) {
            Some((id, path)) => {
                *reference = path.clone();
                Some(*id)
            }
            None => {
                errors.add(pointer, format!("names no {what} of this municipality: '{reference}'"));
                None
            }
        }
    }

    /// [`ReferenceIndex::resolve`] for a reference that may be missing.
    pub fn resolve_optional(
        &self,
        what: &str,
        reference: &mut Option<Reference>,
        pointer: &str,
        errors: &mut ValidationErrors,
    ) -> Option<Id> {
        self.resolve(what, reference.as_mut()?, pointer, errors)
    }

    /// [`ReferenceIndex::resolve`] for a reference that stands under `base`: of a path of `depth` keys, the first ones
    /// may be left out. The reference is rewritten in its shortest form.
    pub fn resolve_below(
        &self,
        what: &str,
        reference: &mut Reference,
        (base, depth): (&[RegisterKey], usize),
        pointer: &str,
        errors: &mut ValidationErrors,
    ) -> Option<Id> {
        let whole = match &*reference {
            Reference::Path(path) => Reference::expand(path, base, depth).map(Reference::Path),
            Reference::Id(_) => None,
        };
        // What can't be expanded is looked up as it was sent, and named so in the error.
        let mut whole = whole.filter(|path| self.ids.contains_key(path)).unwrap_or_else(|| reference.clone());
        let id = self.resolve(what, &mut whole, pointer, errors)?;
        if let Reference::Path(path) = &whole {
            *reference = Reference::shortest(path, base);
        }
        Some(id)
    }
}

impl<R: Into<Reference>> Extend<(Id, R)> for ReferenceIndex {
    fn extend<I: IntoIterator<Item = (Id, R)>>(&mut self, rows: I) {
        rows.into_iter().for_each(|(id, path)| self.insert(id, path));
    }
}

impl<R: Into<Reference>> FromIterator<(Id, R)> for ReferenceIndex {
    fn from_iter<I: IntoIterator<Item = (Id, R)>>(rows: I) -> Self {
        let mut index = Self::default();
        index.extend(rows);
        index
    }
}

impl IntoIterator for ReferenceIndex {
    type Item = (Id, Reference);
    type IntoIter = std::collections::hash_map::IntoIter<Id, Reference>;

    fn into_iter(self) -> Self::IntoIter {
        self.paths.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_to_their_shortest_form() {
        let mut index = ReferenceIndex::default();
        let (id, path) = (Id::new(), "plan/area/goal".parse::<Reference>().unwrap());
        index.insert(id, path.clone());
        let base: Vec<RegisterKey> = ["plan", "area"].map(|key| key.parse().unwrap()).into();
        let resolve = |reference: &str| {
            let (mut reference, mut errors) = (reference.parse().unwrap(), ValidationErrors::default());
            let found = index.resolve_below("objective", &mut reference, (&base, 3), "", &mut errors);
            (found, reference.to_string(), errors.count())
        };
        for known in ["goal", "area/goal", "plan/area/goal", &id.to_string()] {
            assert_eq!(resolve(known), (Some(id), "goal".to_owned(), 0), "{known}");
        }
        for unknown in ["other", "area", "other/area/goal", &Id::new().to_string()] {
            assert_eq!(resolve(unknown), (None, unknown.to_owned(), 1), "{unknown}");
        }
        assert_eq!((index.path(id), index.key(id)), (Some(&path), None));
        index.remove(id);
        assert_eq!((index.find(&path), index.find(&Reference::Id(id))), (None, None));
    }
}
