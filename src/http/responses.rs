//! Problems that handlers name in their `responses(...)`: what a status means where it isn't plain from the request.

use std::collections::BTreeMap;

use utoipa::openapi::{Content, Ref, RefOr, Response};

use super::problem::MEDIA_TYPE;
use crate::problem::Kind;

/// Declares answers by name: the kind of problem that each stands for, and its description in the contract.
macro_rules! problem_responses {
    ($($(#[doc = $doc:literal])* $name:ident = $kind:ident;)*) => {$(
        $(#[doc = $doc])*
        pub struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Response>> {
                $crate::http::responses::response($crate::problem::Kind::$kind, concat!($($doc),*).trim_ascii())
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

/// An answer of the contract that stands for a kind of problem.
pub fn response(kind: Kind, description: &str) -> BTreeMap<String, RefOr<Response>> {
    let example = serde_json::json!({"type": format!("/problems/{}", kind.slug())});
    let content = Content::builder().schema(Some(Ref::from_schema_name("Problem"))).example(Some(example)).build();
    let response = Response::builder().description(description).content(MEDIA_TYPE, content).build();
    BTreeMap::from([(kind.status().to_string(), response.into())])
}
