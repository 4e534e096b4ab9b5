//! Request bodies: read within a limit and a time, then parsed in two stages.
//!
//! [`json::parse`] reads the text strictly. [`Contract::parse`] checks the value against the schema that the contract
//! publishes, lists every violation with its pointer, and deserializes what passes.

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::contract::Contract;
use super::json;
use super::limits::{Limit, limits};
use crate::problem::{Kind, Problem, Result, ValidationErrors};
use crate::resource::Replacement;

/// Larger bodies are parsed on a thread of their own: the async thread has other requests to serve.
const LARGE: usize = 64 * 1024;

/// A JSON body that fits its schema.
#[derive(Debug)]
pub struct Body<T, const BULK: bool = false>(pub T);

/// A JSON body of a bulk route.
pub type BulkBody<T> = Body<T, true>;

impl<T: DeserializeOwned + ToSchema + Send + 'static, const BULK: bool> FromRequest for Body<T, BULK> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_media_type(&request, &["application/json"])?;
            let contract = contract(&request)?;
            let limits = limits(&request)?;
            let bytes = read(&request, payload, if BULK { limits.bulk } else { limits.ordinary }).await?;
            let parse = move || contract.parse::<T>(json::parse(&bytes)?);
            if is_large(&request) {
                let span = tracing::Span::current();
                web::block(move || span.in_scope(parse)).await.map_err(Problem::internal)?.map(Self)
            } else {
                parse().map(Self)
            }
        })
    }
}

impl<T: DeserializeOwned + Serialize + ToSchema + 'static> FromRequest for Replacement<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_media_type(&request, &["application/json"])?;
            let bytes = read(&request, payload, limits(&request)?.ordinary).await?;
            contract(&request)?.parse_replacement(json::parse(&bytes)?)
        })
    }
}

/// The body of a bulk route that takes JSON and CSV, not parsed yet.
pub struct BulkBytes {
    /// Whether it is `text/csv`; JSON otherwise.
    pub is_csv: bool,
    /// The body.
    pub bytes: web::Bytes,
}

impl FromRequest for BulkBytes {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_media_type(&request, &["application/json", "text/csv"])?;
            let bytes = read(&request, payload, limits(&request)?.bulk).await?;
            Ok(Self { is_csv: request.content_type().eq_ignore_ascii_case("text/csv"), bytes })
        })
    }
}

fn is_large(request: &HttpRequest) -> bool {
    declared_length(request).is_none_or(|length| length > LARGE)
}

/// A JSON Merge Patch (RFC 7396): null clears, absent leaves.
pub struct Patch {
    patch: Value,
    contract: web::Data<Contract>,
}

impl FromRequest for Patch {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_media_type(&request, &["application/merge-patch+json"])?;
            let contract = contract(&request)?;
            let bytes = read(&request, payload, limits(&request)?.ordinary).await?;
            let patch = json::parse(&bytes)?;
            if !patch.is_object() {
                return Err(Problem::invalid("", "is not an object: write the fields that change"));
            }
            Ok(Self { patch, contract })
        })
    }
}

impl Patch {
    /// Applies the patch to `current` and checks the result like a whole body.
    pub fn apply<T: Serialize + DeserializeOwned + ToSchema>(&self, current: &T) -> Result<T> {
        let mut patched = serde_json::to_value(current).map_err(Problem::internal)?;
        self.check_cleared_fields(&patched)?;
        json_patch::merge(&mut patched, &self.patch);
        self.contract.parse(patched)
    }

    /// Refuses null for unknown fields: merging would drop it, and the misspelling would go unnoticed.
    fn check_cleared_fields(&self, current: &Value) -> Result<()> {
        let mut errors = ValidationErrors::default();
        for (name, value) in self.patch.as_object().into_iter().flatten() {
            if value.is_null() && current.get(name).is_none() {
                errors.add(format!("/{}", json::escape(name)), super::contract::UNKNOWN_FIELD);
            }
        }
        errors.into_result()
    }
}

fn contract(request: &HttpRequest) -> Result<web::Data<Contract>> {
    request.app_data::<web::Data<Contract>>().cloned().ok_or_else(|| Problem::internal("the app has no contract"))
}

/// Refuses a body whose media type is not one of `accepted`.
pub fn check_media_type(request: &HttpRequest, accepted: &[&str]) -> Result<()> {
    let coding = request.headers().get(CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    if coding.is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(Problem::new(Kind::UnsupportedMediaType, "Send the body as it is, without Content-Encoding."));
    }
    let sent = request.mime_type().ok().flatten();
    let charset_fits = |mime: &mime::Mime| mime.get_param("charset").is_none_or(|charset| charset == "utf-8");
    match sent {
        Some(mime) if accepted.contains(&mime.essence_str()) && charset_fits(&mime) => Ok(()),
        _ => {
            let detail = format!("Send the body in UTF-8 with Content-Type: {}.", accepted.join(" or "));
            Err(Problem::new(Kind::UnsupportedMediaType, detail))
        }
    }
}

fn declared_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read(request: &HttpRequest, payload: Payload, limit: Limit) -> Result<web::Bytes> {
    if declared_length(request).is_some_and(|length| length > limit.bytes) {
        return Err(too_large(limit));
    }
    match actix_web::rt::time::timeout(limit.time, collect(payload, limit)).await {
        Ok(bytes) => bytes,
        Err(_) => {
            let detail = format!("The body did not arrive within {} seconds.", limit.time.as_secs());
            Err(Problem::new(Kind::RequestTimeout, detail))
        }
    }
}

async fn collect(mut payload: Payload, limit: Limit) -> Result<web::Bytes> {
    let mut bytes = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|error| Problem::new(Kind::MalformedBody, format!("The body can't be read: {error}.")))?;
        if bytes.len() + chunk.len() > limit.bytes {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn too_large(limit: Limit) -> Problem {
    Problem::new(Kind::TooLarge, format!("This route takes bodies of up to {} bytes.", limit.bytes))
}
