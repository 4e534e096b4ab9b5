//! What can go wrong: one table of problem kinds (RFC 9457), and the errors of a body.
//!
//! Everything below the HTTP layer returns [`Problem`]; `http::problem` turns it into an answer.

use serde::Serialize;
use utoipa::ToSchema;

use crate::cpr;

/// The result of every fallible function of the service.
pub type Result<T> = std::result::Result<T, Problem>;

/// At most this many errors are listed in one answer; [`ValidationErrors::count`] counts all.
pub const MAX_LISTED: usize = 1_000;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident = $status:literal $slug:literal $title:literal;)*) => {
        /// The kinds of problems: the single table that gives each its status, type and title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[doc = $doc])* $kind,)* }

        impl Kind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind,)*];

            /// The HTTP status (RFC 9110).
            pub fn status(self) -> u16 { match self { $(Kind::$kind => $status,)* } }

            /// The last part of the problem's `type`.
            pub fn slug(self) -> &'static str { match self { $(Kind::$kind => $slug,)* } }

            /// A title that is the same for every occurrence of the kind.
            pub fn title(self) -> &'static str { match self { $(Kind::$kind => $title,)* } }

            /// What the kind means and what a client does about it.
            pub fn description(self) -> &'static str {
                match self { $(Kind::$kind => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

kinds! {
    /// The body is not the text that its media type promises: JSON that does not parse, is not UTF-8, is nested too
    /// deeply or names a member twice. The detail gives line and column.
    MalformedBody = 400 "malformed-body" "The body can't be read";
    /// A query parameter is unknown, doubled or has a value that it doesn't take.
    InvalidQuery = 400 "invalid-query" "A query parameter is not valid";
    /// The request itself can't be understood.
    BadRequest = 400 "bad-request" "The request can't be understood";
    /// The token is missing, expired, for somebody else, or not signed by an issuer that this service knows.
    InvalidToken = 401 "invalid-token" "A valid bearer token is needed";
    /// The token is good but doesn't hold the scope that the operation wants.
    InsufficientScope = 403 "insufficient-scope" "The token lacks a scope";
    /// The token is good, but its municipality has no data here. Somebody with access to the machine creates it with
    /// `medstrategi import`.
    NoMunicipality = 403 "no-municipality" "The token's municipality is not here";
    /// Reports, and the local actions of a committee, are for those who sit in it today in one of the municipality's
    /// reporting roles; those of a unit for whoever leads it. Whoever may edit reports for all.
    MayNotReport = 403 "may-not-report" "The token's person doesn't report for this committee or unit";
    /// Nothing stands at this address, or it isn't the caller's to see.
    NotFound = 404 "not-found" "Not found";
    /// The address exists but doesn't take this method; `Allow` names those it takes.
    MethodNotAllowed = 405 "method-not-allowed" "The method is not allowed here";
    /// The body did not arrive in time. Send it again.
    RequestTimeout = 408 "request-timeout" "The request took too long";
    /// The key is taken.
    AlreadyExists = 409 "already-exists" "The key is taken";
    /// Something else refers to what the request would remove; `errors` lists it.
    InUse = 409 "in-use" "Something still refers to it";
    /// Somebody who still works here can't be anonymised. End the employment first, or wait until it has ended.
    StillEmployed = 409 "still-employed" "The employment has not ended";
    /// The sync would end more than the municipality's sync guard lets pass; `errors` lists the sections. Look at the
    /// file. If it is right, say openly with `max_ended` how many rows a section may lose.
    SyncGuard = 409 "sync-guard" "The sync would end too much";
    /// The row has changed since the client read it, or it is not there. Read it again and decide anew.
    PreconditionFailed = 412 "precondition-failed" "The row has changed in the meantime";
    /// The body is larger than this route takes.
    TooLarge = 413 "too-large" "The body is too large";
    /// The address, query included, is longer than this service takes. Ask for less at a time.
    UrlTooLong = 414 "url-too-long" "The address is too long";
    /// The body's media type is not one that this route reads.
    UnsupportedMediaType = 415 "unsupported-media-type" "The media type is not supported";
    /// The body can be read but breaks a rule; `errors` lists every fault with a JSON pointer (RFC 6901).
    InvalidBody = 422 "invalid-body" "The body breaks a rule";
    /// The `Idempotency-Key` was sent before with another body, or to another address. Send a new key with a new
    /// report.
    IdempotencyKeyReused = 422 "idempotency-key-reused" "The key was used for something else";
    /// Changing a row wants `If-Match` with the ETag of the version that the client has seen.
    PreconditionRequired = 428 "precondition-required" "If-Match is missing";
    /// The token's subject, or the address, has sent more requests than it may. Wait for `Retry-After` seconds; the
    /// `RateLimit` headers say how many are left.
    TooManyRequests = 429 "too-many-requests" "Too many requests";
    /// The headers are larger than this service takes, all together.
    HeadersTooLarge = 431 "headers-too-large" "The headers are too large";
    /// The service failed. The request id leads to the cause in its log.
    Internal = 500 "internal" "The service failed";
    /// The database, or the provider of a token's keys, can't be reached or is busy. Try again after `Retry-After`
    /// seconds.
    Unavailable = 503 "unavailable" "The service is busy";
}

/// One fault in what a client sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Fault)]
pub struct ValidationError {
    /// Where: a JSON pointer (RFC 6901) into the body; empty for the body as a whole.
    #[schema(example = "/focus_areas/0/actions/2/due_on")]
    pub pointer: String,
    /// What is wrong and what to write instead.
    #[schema(example = "is before starts_on: write a date on or after 2025-01-01")]
    pub detail: String,
}

/// The errors found so far: the first [`MAX_LISTED`] are listed, all are counted.
#[derive(Debug, Clone, Default)]
pub struct ValidationErrors {
    listed: Vec<ValidationError>,
    count: usize,
}

impl ValidationErrors {
    /// Adds an error at `pointer`. Digits that look like a CPR number are replaced by crosses.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED {
            let (pointer, detail) = (cpr::crossed_out(pointer.into(), '/'), cpr::crossed_out(detail.into(), '\''));
            self.listed.push(ValidationError { pointer, detail });
        }
    }

    /// How many errors there are, listed or not.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The errors that are listed.
    pub fn listed(&self) -> &[ValidationError] {
        &self.listed
    }

    /// The same errors with other details.
    pub fn map_details(mut self, detail: impl Fn(&ValidationError) -> String) -> Self {
        for fault in &mut self.listed {
            fault.detail = detail(fault);
        }
        self
    }

    /// The same errors for a client that sent only the part at `pointer` of what was checked: pointers become relative
    /// to it, and an error elsewhere becomes one of the whole body.
    pub fn relative_to(mut self, pointer: &str) -> Self {
        for fault in &mut self.listed {
            let rest = fault.pointer.strip_prefix(pointer).filter(|rest| rest.is_empty() || rest.starts_with('/'));
            match rest {
                Some(rest) => fault.pointer = rest.to_owned(),
                None => {
                    fault.detail = format!("{}: {}", fault.pointer, fault.detail);
                    fault.pointer.clear();
                }
            }
        }
        self
    }

    /// The same errors for a client that did not send the part at `pointer` of what was checked: errors there become
    /// errors of the whole body.
    pub fn without(mut self, pointer: &str) -> Self {
        for fault in self.listed.iter_mut().filter(|fault| fault.pointer.starts_with(pointer)) {
            fault.detail = format!("{}: {}", fault.pointer, fault.detail);
            fault.pointer.clear();
        }
        self
    }

    /// `Ok` if there are no errors, else the problem that lists them.
    pub fn into_result(self) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let detail = match self.count {
            1 => "The body has 1 fault; nothing was stored.".to_owned(),
            n if n > MAX_LISTED => {
                format!("The body has {n} faults, the first {MAX_LISTED} are listed; nothing was stored.")
            }
            n => format!("The body has {n} faults; nothing was stored."),
        };
        Err(Problem { errors: self, ..Problem::new(Kind::InvalidBody, detail) })
    }
}

/// A request, or a command, that could not be carried out.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// Which kind of problem.
    pub kind: Kind,
    /// What happened this time, for the client to read; never a secret, never a stack trace.
    pub detail: String,
    /// The errors of the body, or what stands in the way.
    pub errors: ValidationErrors,
    /// The scope that is missing.
    pub scope: Option<&'static str>,
    /// The seconds after which to try again.
    pub retry_after: Option<u32>,
    /// The cause, only for the log.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Problem {
    /// A problem of `kind`, explained by `detail`, in which nothing that looks like a CPR number is repeated.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let detail = cpr::crossed_out(detail.into(), '\'');
        let retry_after = (kind == Kind::Unavailable).then_some(1);
        Self { kind, detail, errors: ValidationErrors::default(), scope: None, retry_after, cause: None }
    }

    /// There is no such `what`. The answer is the same whether it never existed or belongs to another municipality.
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, format!("There is no such {what}."))
    }

    /// A single error of the body.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut errors = ValidationErrors::default();
        errors.add(pointer, detail);
        match errors.into_result() {
            Err(problem) => problem,
            Ok(()) => Self::new(Kind::InvalidBody, "The body breaks a rule; nothing was stored."),
        }
    }

    /// A bug or a broken environment; the cause goes to the log.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(Kind::Internal, "The service failed; its log has the cause under this request id.")
        }
    }

    /// Busy or out of reach for the moment: the client can try again.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(Kind::Unavailable, "The database is busy or out of reach; try again in a moment.")
        }
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Reason, Error};
        match error {
            // A failed connection made the commit fail, and then the rollback too.
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            // The connection failed earlier in the same transaction.
            Error::BrokenTransactionManager => Self::unavailable(error),
            Error::DatabaseError(Reason::ClosedConnection | Reason::UnableToSendCommand, _)
            | Error::DatabaseError(Reason::SerializationFailure, _) => Self::unavailable(error),
            Error::DatabaseError(_, ref info) if contains_any(info.message(), &DISK_FULL) => Self {
                detail: "Nothing can be stored at the moment; what is stored can be read.".into(),
                ..Self::unavailable(error)
            },
            Error::DatabaseError(_, ref info) if contains_any(info.message(), &TRANSIENT) => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

/// Diesel has no error kind for a full disk; these are the engines' messages.
const DISK_FULL: [&str; 2] = ["database or disk is full", "No space left on device"];

/// Nor for lock waits that timed out, connections that were closed, and files that can't be read at the moment.
const TRANSIENT: [&str; 9] = [
    "database is locked",
    "database table is locked",
    "lock timeout",
    "statement timeout",
    "deadlock detected",
    "could not serialize access",
    "terminating connection",
    "disk I/O error",
    "unable to open database file",
];

fn contains_any(message: &str, words: &[&str]) -> bool {
    words.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_errors_are_listed_and_all_are_counted() {
        let mut errors = ValidationErrors::default();
        for n in 0..1_500 {
            errors.add(format!("/{n}"), "is wrong");
        }
        let problem = errors.into_result().unwrap_err();
        assert_eq!(problem.errors.listed().len(), 1_000);
        assert_eq!(problem.errors.count(), 1_500);
        assert!(problem.detail.contains("1500 faults"));
    }

    #[test]
    fn slugs_are_unique_and_every_kind_is_described() {
        let slugs: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.slug()).collect();
        assert_eq!(slugs.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().all(|kind| kind.description().len() > 10));
    }
}
