//! Entity tags (RFC 9110, section 8.8.3): an answer that the client has already is 304 without a body.

use actix_web::body::BoxBody;
use actix_web::body::MessageBody;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// An entity tag made from the content.
pub fn content_tag(body: &[u8]) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(body)[..12]))
}

/// An answer that has no version of its own: its tag is made from its content.
#[derive(Debug)]
pub struct Tagged<T>(pub T);

impl<T: Serialize> Responder for Tagged<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match serde_json::to_vec(&self.0) {
            Ok(body) => tagged(&mut HttpResponse::Ok(), request, &content_tag(&body), || Ok(body)),
            Err(error) => HttpResponse::from_error(Problem::internal(error)),
        }
    }
}

/// Completes an answer with an entity tag: 304 if the client has it already.
pub fn tagged<B: MessageBody + 'static>(
    answer: &mut actix_web::HttpResponseBuilder,
    request: &HttpRequest,
    tag: &str,
    body: impl FnOnce() -> serde_json::Result<B>,
) -> HttpResponse {
    tagged_as(answer, request, tag, mime::APPLICATION_JSON.as_ref(), body)
}

/// [`tagged`] for another media type than JSON.
pub fn tagged_as<B: MessageBody + 'static>(
    answer: &mut actix_web::HttpResponseBuilder,
    request: &HttpRequest,
    tag: &str,
    media_type: &str,
    body: impl FnOnce() -> serde_json::Result<B>,
) -> HttpResponse {
    answer
        .insert_header((header::ETAG, tag.to_owned()))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "authorization"));
    if request.method() == Method::GET && matches_any(request, tag) {
        return answer.status(StatusCode::NOT_MODIFIED).finish();
    }
    match body() {
        Ok(body) => answer.content_type(media_type).body(body),
        Err(error) => HttpResponse::from_error(Problem::internal(error)),
    }
}

/// Adds a request header to `Vary`. All names are in one value: the CORS middleware keeps only the first.
pub fn vary_by(answer: &mut HttpResponse, name: &str) {
    let headers = answer.headers_mut();
    let present = headers.get(header::VARY).and_then(|value| value.to_str().ok());
    let value = present.map_or_else(|| name.to_owned(), |present| format!("{present}, {name}"));
    if let Ok(value) = header::HeaderValue::from_str(&value) {
        headers.insert(header::VARY, value);
    }
}

/// Whether the client sent exactly this tag, and not just `*`.
pub fn is_current(request: &HttpRequest, tag: &str) -> bool {
    request.method() == Method::GET && sent(request).any(|sent| strong(sent) == tag)
}

fn sent(request: &HttpRequest) -> impl Iterator<Item = &str> {
    let sent = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    sent.flat_map(|value| value.split(',')).map(str::trim)
}

fn matches_any(request: &HttpRequest, tag: &str) -> bool {
    // Proxies that compress make a tag weak; it still means the same content.
    sent(request).any(|sent| sent == "*" || strong(sent) == tag)
}

/// The tag without the mark that makes it weak.
pub(super) fn strong(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}
