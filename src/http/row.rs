//! Answers that hold one row: entity tags, preconditions, 304.

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::entity_tag::{content_tag, strong, tagged};
use crate::db::types::{Id, Reference};
use crate::problem::{Kind, Problem};
use crate::resource::{Body, Entity, Expected, Precondition, SeenVersion, UpsertOutcome};

/// A row with an id and a version, which make its entity tag.
pub trait Versioned {
    /// Its id.
    fn id(&self) -> Id;
    /// Its version.
    fn version(&self) -> i32;

    /// What else the answer depends on, if one version can be shown in several ways.
    fn variant(&self) -> Option<String> {
        None
    }
}

impl<B> Versioned for Entity<B> {
    fn id(&self) -> Id {
        Entity::id(self)
    }

    fn version(&self) -> i32 {
        self.revision.version
    }
}

/// One row as an answer.
#[derive(Debug)]
pub struct Row<T> {
    value: T,
    location: Option<String>,
}

impl<T> Row<T> {
    /// Status 200.
    pub fn read(value: T) -> Self {
        Self { value, location: None }
    }

    /// Status 201, with the new row's location.
    pub fn created(value: T, location: String) -> Self {
        Self { value, location: Some(location) }
    }

    /// Status 201 if the row is new, 200 if it was replaced.
    pub fn put(value: T, is_new: bool, location: String) -> Self {
        Self { value, location: is_new.then_some(location) }
    }
}

impl<B: Body> Row<Entity<B>> {
    /// 201 with a new row, which stands under its key in the collection at `path`.
    pub fn created_in(path: &str, entity: Entity<B>) -> Self {
        let location = format!("{path}/{}", entity.body.key());
        Self::created(entity, location)
    }

    /// What PUT came to: 201 where the row is new in the collection at `path`, 200 where it was there.
    pub fn put_in(path: &str, outcome: UpsertOutcome<B>) -> Self {
        let is_new = outcome.is_created();
        let entity = outcome.into_entity();
        let location = format!("{path}/{}", entity.body.key());
        Self::put(entity, is_new, location)
    }
}

impl<T: Serialize + Versioned> Responder for Row<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let tag = entity_tag(&self.value);
        let mut answer = HttpResponse::Ok();
        if let Some(location) = self.location {
            answer.status(StatusCode::CREATED).insert_header((header::LOCATION, location));
        }
        tagged(&mut answer, request, &tag, || serde_json::to_vec(&self.value))
    }
}

/// `"<version>-<end of the id>"`: a row that was deleted and created again has another tag. If one version is shown in
/// several ways, `.<variant>` follows, which `If-Match` ignores.
fn entity_tag(value: &impl Versioned) -> String {
    let id = value.id().to_string();
    let variant = value.variant().map(|variant| content_tag(variant.as_bytes()).replace('"', ""));
    let variant = variant.map(|variant| format!(".{variant}")).unwrap_or_default();
    format!("\"{}-{}{variant}\"", value.version(), &id[id.len() - 12..])
}

/// The format of `If-Match`, for the contract: what [`version`] reads.
struct SeenTags;

impl PartialSchema for SeenTags {
    fn schema() -> RefOr<Schema> {
        let tag = r#"(W/)?"[1-9][0-9]{0,8}(-[0-9a-f]{12}(\.[A-Za-z0-9_-]+)?)?""#;
        let pattern = format!(r"^(\*|{tag}([ \t]*,[ \t]*{tag})*)$");
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

impl ToSchema for SeenTags {}

/// `If-Match`, for the contract; handlers take a [`Precondition`].
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)]
pub struct IfMatch {
    /// The ETag of the version that the client has seen, or `*` for any version.
    #[param(rename = "If-Match", required = true, value_type = SeenTags, inline, example = "\"3-2b8c4d6e8f01\"")]
    if_match: String,
}

/// `If-Match` and `If-None-Match` of PUT, for the contract; handlers take a [`Precondition`].
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)]
pub struct PutConditions {
    /// Required if the row exists: the ETag of the version that the client has seen, or `*` for any version.
    #[param(rename = "If-Match", required = false, value_type = SeenTags, inline, example = "\"3-2b8c4d6e8f01\"")]
    if_match: String,
    /// `*`: only create, never replace.
    #[param(rename = "If-None-Match", required = false, pattern = r"^\*$", example = "*")]
    if_none_match: String,
}

/// `If-None-Match`, for the contract; [`entity_tag`](super::entity_tag) evaluates it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)]
pub struct IfNoneMatch {
    /// The ETag of what the client has already.
    #[param(rename = "If-None-Match", required = false, example = "\"3-2b8c4d6e8f01\"")]
    if_none_match: String,
}

/// The row that the path names by key or UUID. What is neither is not found.
#[derive(Debug)]
pub struct Target(pub Reference);

impl FromRequest for Target {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let reference = request.match_info().get("id").and_then(|id| id.parse().ok());
        ready(reference.map(Self).ok_or_else(|| Problem::not_found("row")))
    }
}

/// The part of a strategy that the path names by UUID.
#[derive(Debug)]
pub struct PartId(pub Id);

impl FromRequest for PartId {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|id| id.parse().ok());
        ready(id.map(Self).ok_or_else(|| Problem::not_found("part; parts are named by their UUID")))
    }
}

impl FromRequest for Precondition {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(precondition(request))
    }
}

fn precondition(request: &HttpRequest) -> Result<Precondition, Problem> {
    let malformed = |name| {
        Problem::new(
            Kind::BadRequest,
            format!("{name} is neither * nor an ETag of this service, such as \"3-2b8c4d6e8f01\"."),
        )
    };
    let text = |name: header::HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let must_be_new = match text(header::IF_NONE_MATCH) {
        None => false,
        Some(value) if value.trim() == "*" => true,
        Some(_) => return Err(malformed("If-None-Match")),
    };
    let if_match = match text(header::IF_MATCH) {
        None => None,
        Some(value) if value.trim() == "*" => Some(Expected::Any),
        Some(value) => {
            let versions: Option<Vec<SeenVersion>> = value.split(',').map(|tag| version(tag.trim())).collect();
            Some(Expected::Versions(versions.ok_or_else(|| malformed("If-Match"))?))
        }
    };
    Ok(Precondition { if_match, must_be_new })
}

/// The version inside a tag: `"3-2b8c4d6e8f01"`, or just `"3"`, as in the `version` field. The end of the id has to be
/// complete: fewer digits would match other rows too.
fn version(tag: &str) -> Option<SeenVersion> {
    let tag = strong(tag).strip_prefix('"')?.strip_suffix('"')?;
    let (version, row) = match tag.split_once('-') {
        Some((version, rest)) => (version, Some(row(rest)?)),
        None => (tag, None),
    };
    let is_version = version.len() <= 9 && !version.starts_with('0') && version.bytes().all(|b| b.is_ascii_digit());
    Some(SeenVersion { version: version.parse().ok().filter(|_| is_version)?, row })
}

/// The end of the row's id, without the variant.
fn row(text: &str) -> Option<String> {
    let (row, variant) = text.split_once('.').map_or((text, None), |(row, variant)| (row, Some(variant)));
    let is_row = row.len() == 12 && row.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_variant =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    (is_row && variant.is_none_or(is_variant)).then(|| row.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn entity_tags_are_read_in_every_form_that_proxies_make() {
        let precondition = |value: &str| {
            precondition(&TestRequest::default().insert_header((header::IF_MATCH, value)).to_http_request())
        };
        let expected = |value: &str| precondition(value).unwrap().if_match.unwrap();
        assert_eq!(expected("*"), Expected::Any);
        let seen = |version, row: Option<&str>| SeenVersion { version, row: row.map(Into::into) };
        let three = seen(3, Some("2b8c4d6e8f01"));
        assert_eq!(expected("\"3-2b8c4d6e8f01\""), Expected::Versions(vec![three.clone()]));
        assert_eq!(expected("W/\"3-2b8c4d6e8f01\", \"4\""), Expected::Versions(vec![three, seen(4, None)]));
        assert_eq!(expected("\"3-2b8c4d6e8f01.Zm9v_-\""), Expected::Versions(vec![seen(3, Some("2b8c4d6e8f01"))]));
        for wrong in ["3", "\"x\"", "", "\"3", "\"+3\"", "\"0\"", "\"3-\"", "\"3-1\"", "\"3-2b8c4d6e8f01.\"", "\"3\","]
        {
            assert!(precondition(wrong).is_err(), "{wrong}");
        }
    }
}
