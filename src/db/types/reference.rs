//! How one row names another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};

use super::{Id, KEY_LENGTH, Key, RegisterKey, string_schema};

/// How a body or an address names another row: by UUID, or by a path of one to three keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reference {
    /// By the id that the service gave.
    Id(Id),
    /// By key, or by `area/objective` or `strategy/area/objective`.
    Path(Vec<RegisterKey>),
}

impl Reference {
    /// How a reference has to look, as an error says it.
    pub const EXPECTED: &'static str =
        "is not a reference: write a key, keys joined by '/' such as area/objective, or a UUID";

    /// The key, where the reference is a single one.
    pub fn key(&self) -> Option<&RegisterKey> {
        match self {
            Self::Path(keys) if keys.len() == 1 => keys.first(),
            _ => None,
        }
    }

    /// Whether it names the row with this id and key.
    pub fn names(&self, id: Id, key: &RegisterKey) -> bool {
        match self {
            Self::Id(named) => *named == id,
            Self::Path(keys) => keys.as_slice() == std::slice::from_ref(key),
        }
    }

    /// The shortest way to write `path` in a place under `base`: without the keys that both begin with.
    pub fn shortest(path: &[RegisterKey], base: &[RegisterKey]) -> Self {
        let most = path.len().saturating_sub(1);
        let common = path.iter().zip(base).take(most).take_while(|(a, b)| a == b).count();
        Self::Path(path[common..].to_vec())
    }

    /// The whole path, `depth` keys long, for a `path` written in a place under `base`.
    pub fn expand(path: &[RegisterKey], base: &[RegisterKey], depth: usize) -> Option<Vec<RegisterKey>> {
        let missing = depth.checked_sub(path.len())?;
        Some([base.get(..missing)?, path].concat())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Path(keys) => {
                for (n, key) in keys.iter().enumerate() {
                    f.write_str(if n == 0 { "" } else { "/" })?;
                    key.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Reference {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let keys: Result<Vec<_>, _> = text.split('/').map(str::parse).collect();
        match keys {
            Ok(keys) if keys.len() <= 3 => Ok(Self::Path(keys)),
            _ => Err(Self::EXPECTED),
        }
    }
}

crate::sent_as_text!(Reference);

impl From<Key> for Reference {
    fn from(key: Key) -> Self {
        Self::Path(vec![key.into()])
    }
}

impl From<RegisterKey> for Reference {
    fn from(key: RegisterKey) -> Self {
        Self::Path(vec![key])
    }
}

impl utoipa::PartialSchema for Reference {
    fn schema() -> RefOr<Schema> {
        // A UUID has the letters of a key too.
        let key = format!("[A-Za-z0-9][A-Za-z0-9._-]{{0,{}}}", KEY_LENGTH - 1);
        string_schema(
            "reference",
            "Names another row: by its key, by keys joined by '/' (`area/objective` within the strategy, \
             `strategy/area` or `strategy/area/objective` in the municipality), or by its UUID. Answers use the \
             shortest path of keys.",
        )
        .pattern(Some(format!("^{key}(/{key}){{0,2}}$")))
        .max_length(Some(3 * KEY_LENGTH + 2))
        .into()
    }
}

impl utoipa::ToSchema for Reference {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_ids_or_paths() {
        assert!(matches!("0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01".parse(), Ok(Reference::Id(_))));
        assert!(matches!("a/b/c".parse(), Ok(Reference::Path(keys)) if keys.len() == 3));
        for bad in ["", "/", "a/", "/a", "a//b", "a/b/c/d", "a b"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }

    #[test]
    fn references_are_read_and_written_from_where_they_stand() {
        let keys = |path: &str| path.split('/').map(|key| key.parse().unwrap()).collect::<Vec<RegisterKey>>();
        for (path, base, written) in [
            ("s/a/x", "s/a", "x"),
            ("s/a/x", "s/b", "a/x"),
            ("s/a/x", "t/a", "s/a/x"),
            ("s/a", "s/b", "a"),
            ("s/a", "t", "s/a"),
        ] {
            let reference = Reference::shortest(&keys(path), &keys(base));
            assert_eq!(reference.to_string(), written);
            let depth = keys(path).len();
            assert_eq!(Reference::expand(&keys(written), &keys(base), depth).unwrap(), keys(path));
        }
        assert_eq!(Reference::expand(&keys("a/b/c"), &keys("s"), 2), None);
        assert_eq!(Reference::expand(&keys("x"), &keys("s"), 3), None);
    }
}
