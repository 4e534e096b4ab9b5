//! Entity tags (RFC 9110, section 8.8.3): what a client has already is not sent again.

use actix_web::body::BoxBody;
use actix_web::body::MessageBody;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// An entity tag made from the content itself.
pub fn content_tag(body: &[u8]) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(body)[..12]))
}

/// An answer that no row's version stands for: its tag is made from its content.
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

/// Finishes an answer that has an entity tag: 304 where the client has it already.
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
    if request.method() == Method::GET && client_has(request, tag) {
        return answer.status(StatusCode::NOT_MODIFIED).finish();
    }
    match body() {
        Ok(body) => answer.content_type(media_type).body(body),
        Err(error) => HttpResponse::from_error(Problem::internal(error)),
    }
}

/// Says that an answer depends on one more of the request's headers. All stand in one value: the CORS middleware
/// keeps no more than the first.
pub fn vary_by(answer: &mut HttpResponse, name: &str) {
    let headers = answer.headers_mut();
    let until_now = headers.get(header::VARY).and_then(|value| value.to_str().ok());
    let value = until_now.map_or_else(|| name.to_owned(), |until_now| format!("{until_now}, {name}"));
    if let Ok(value) = header::HeaderValue::from_str(&value) {
        headers.insert(header::VARY, value);
    }
}

/// Whether the client names exactly this tag: what it has is known to be there, and to be current.
pub fn client_names(request: &HttpRequest, tag: &str) -> bool {
    request.method() == Method::GET && sent(request).any(|sent| strong(sent) == tag)
}

fn sent(request: &HttpRequest) -> impl Iterator<Item = &str> {
    let sent = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    sent.flat_map(|value| value.split(',')).map(str::trim)
}

fn client_has(request: &HttpRequest, tag: &str) -> bool {
    // Proxies that compress weaken a tag; it still means the same content.
    sent(request).any(|sent| sent == "*" || strong(sent) == tag)
}

/// The tag itself, where a proxy has weakened it.
pub(super) fn strong(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}
