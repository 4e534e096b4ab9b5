//! `If-Match` and `If-None-Match` of writes.

use crate::db::types::Id;
use crate::problem::{Kind, Problem, Result};

/// What a client demands of the row's state before it is written (RFC 9110, section 13).
#[derive(Debug, Clone, Default)]
pub struct Precondition {
    /// `If-Match`: the version that the client has seen.
    pub if_match: Option<Expected>,
    /// `If-None-Match: *`: there must be no such row.
    pub must_be_new: bool,
}

/// What `If-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// `*`: whatever is there.
    Any,
    /// One of these versions.
    Versions(Vec<SeenVersion>),
}

/// A version that a client has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenVersion {
    /// Its number.
    pub version: i32,
    /// The end of the row's id, where the client sends the ETag as it got it: a row that was deleted
    /// and made anew is another one.
    pub row: Option<String>,
}

impl SeenVersion {
    fn is(&self, version: i32, id: Id) -> bool {
        self.version == version && self.row.as_ref().is_none_or(|row| id.to_string().ends_with(row.as_str()))
    }
}

impl Precondition {
    /// Passes where the row is there and as the client knows it.
    pub fn check_existing(&self, version: i32, id: Id) -> Result<()> {
        if self.must_be_new {
            return Err(Problem::new(Kind::PreconditionFailed, "There already is a row under this key."));
        }
        match &self.if_match {
            None => Err(Problem::new(
                Kind::PreconditionRequired,
                "Send If-Match with the ETag that you last read, or * for whatever is there.",
            )),
            Some(Expected::Any) => Ok(()),
            Some(Expected::Versions(versions)) if versions.iter().any(|seen| seen.is(version, id)) => Ok(()),
            Some(Expected::Versions(_)) => Err(Problem::new(
                Kind::PreconditionFailed,
                format!(
                    "The row is at version {version} now; read it again, then decide whether your change still fits."
                ),
            )),
        }
    }

    /// Passes where the client does not expect a row that is not there.
    pub fn check_missing(&self) -> Result<()> {
        match self.if_match {
            Some(_) => Err(Problem::new(
                Kind::PreconditionFailed,
                "There is no such row to replace; to create it, leave If-Match out.",
            )),
            None => Ok(()),
        }
    }
}
