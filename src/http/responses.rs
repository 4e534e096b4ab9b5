//! The contract's failures: each is declared once and referenced by every operation that may answer it.
//!
//! What follows from the form of a request (a body, a token, `If-Match`) every such operation answers: see `STANDARD`.
//! What only some operations answer has a name of its own, made by [`problem_responses!`]; handlers list it in their
//! `responses(...)`, and [`crate::api`] lists it in the document's components.

use serde_json::{Value, json};
use utoipa::openapi::{Content, Ref, Response, ResponseBuilder};

use crate::problem::Kind;

/// The media type of problems.
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// Declares failures that handlers name in `responses(...)`: the doc comment is the description in the contract, the
/// kind of problem decides status, headers and example.
macro_rules! problem_responses {
    ($($(#[doc = $doc:literal])* $name:ident = $kind:ident;)*) => {$(
        $(#[doc = $doc])*
        pub struct $name;

        impl<'r> utoipa::ToResponse<'r> for $name {
            fn response() -> (&'r str, utoipa::openapi::RefOr<utoipa::openapi::Response>) {
                let description = concat!($($doc),*).trim_ascii();
                let response = $crate::http::responses::problem_response($crate::problem::Kind::$kind, description);
                (stringify!($name), response.into())
            }
        }

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                let reference = utoipa::openapi::Ref::from_response_name(stringify!($name));
                [($crate::problem::Kind::$kind.status().to_string(), reference.into())].into()
            }
        }
    )*};
}
pub(crate) use problem_responses;

problem_responses! {
    /// The key is taken
    KeyTaken = AlreadyExists;
    /// Something refers to it; `errors` lists what
    StillReferenced = InUse;
    /// There is no row with this UUID
    UnknownId = NotFound;
    /// The token lacks a scope, or its person doesn't act for this committee (`may-not-report`)
    MayNotActForCommittee = MayNotReport;
}

/// Which operations answer a standard failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// All.
    Always,
    /// Those that need a token.
    WithToken,
    /// Those that take a body.
    WithBody,
    /// Those that need a token and name a row in their path.
    WithRow,
    /// Those that take `If-Match`.
    WithIfMatch,
}

/// A failure that follows from the form of the request.
pub struct StandardFailure {
    /// Its name among the document's components.
    pub name: &'static str,
    /// The kind of problem that stands for its status.
    pub kind: Kind,
    /// Its description in the contract.
    pub description: &'static str,
    /// Which operations answer it.
    pub applies: Applies,
}

const fn standard(name: &'static str, kind: Kind, applies: Applies, description: &'static str) -> StandardFailure {
    StandardFailure { name, kind, description, applies }
}

/// Every failure that follows from the form of the request.
pub const STANDARD: [StandardFailure; 15] = {
    use Applies::{Always, WithBody, WithIfMatch, WithRow, WithToken};
    [
        standard("BadRequest", Kind::MalformedBody, Always, "The request, its query or its body can't be understood"),
        standard("InvalidToken", Kind::InvalidToken, WithToken, "The token is missing or not valid"),
        standard(
            "InsufficientScope",
            Kind::InsufficientScope,
            WithToken,
            "The token lacks the scope, or its municipality is not here",
        ),
        standard("NotFound", Kind::NotFound, WithRow, "There is no such row"),
        standard("RequestTimeout", Kind::RequestTimeout, WithBody, "The body did not arrive in time"),
        standard("PreconditionFailed", Kind::PreconditionFailed, WithIfMatch, "The row has changed in the meantime"),
        standard("TooLarge", Kind::TooLarge, WithBody, "The body is too large"),
        standard("UrlTooLong", Kind::UrlTooLong, Always, "The address is longer than this service takes"),
        standard("UnsupportedMediaType", Kind::UnsupportedMediaType, WithBody, "The body has another media type"),
        standard("InvalidBody", Kind::InvalidBody, WithBody, "The body breaks a rule; `errors` lists every fault"),
        standard("PreconditionRequired", Kind::PreconditionRequired, WithIfMatch, "`If-Match` is missing"),
        standard(
            "TooManyRequests",
            Kind::TooManyRequests,
            Always,
            "The token's subject, or the address, has sent more requests than it may",
        ),
        standard("HeadersTooLarge", Kind::HeadersTooLarge, Always, "The headers are larger than this service takes"),
        standard("Internal", Kind::Internal, Always, "The service failed; its log has the cause"),
        standard(
            "Unavailable",
            Kind::Unavailable,
            WithToken,
            "The database is busy; try again after `Retry-After` seconds",
        ),
    ]
};

/// The headers that several answers have, by the name that the document's components give them.
pub const HEADERS: [(&str, &str); 8] = [
    ("ETag", "The version of what is answered"),
    ("Link", "`rel=\"next\"`: the next page, where there is one"),
    ("Location", "Where the new row stands"),
    ("RateLimit", "What is left: `r` requests at once; in `t` seconds all of them; with every answer"),
    ("RateLimit-Policy", "The rates in force: `q` requests at once after a pause, refilled in `w` seconds"),
    ("Retry-After", "Seconds until another try makes sense"),
    ("WWW-Authenticate", "What is wrong with the token (RFC 6750); missing where the token itself is good"),
    ("X-Request-Id", "The id under which the service's log knows the request"),
];

/// A reference to one of [`HEADERS`].
pub fn header_reference(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// The answer that stands for a kind of problem.
pub fn problem_response(kind: Kind, description: &str) -> Response {
    let content =
        Content::builder().schema(Some(Ref::from_schema_name("Problem"))).example(Some(problem_example(kind))).build();
    let names: &[&str] = match kind.status() {
        401 | 403 => &["WWW-Authenticate", "X-Request-Id"],
        429 => &["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"],
        503 => &["Retry-After", "X-Request-Id"],
        _ => &["X-Request-Id"],
    };
    let answer = ResponseBuilder::new().description(description).content(PROBLEM_MEDIA_TYPE, content);
    names.iter().fold(answer, |answer, name| answer.header_ref(*name, header_reference(name))).build()
}

/// A problem as a client gets it. Only a faulty body lists `errors`.
fn problem_example(kind: Kind) -> Value {
    let faulty_body = super::example::example!("problem_answer");
    if kind == Kind::InvalidBody {
        return faulty_body;
    }
    json!({
        "type": format!("/problems/{}", kind.slug()),
        "title": kind.title(),
        "status": kind.status(),
        "detail": kind.description(),
        "instance": faulty_body["instance"],
        "request_id": faulty_body["request_id"],
    })
}
