//! The contract's failures: each is declared once and referenced by every operation that may answer it.
//!
//! Failures that follow from the form of a request (a body, a token, `If-Match`) are in the table of
//! `contract::operations`. A failure of only some operations is declared by `problem_responses!`; handlers list it in
//! their `responses(...)`, and [`crate::api`] lists it in the document's components.

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
