//! What browsers are told to refuse, should somebody lead them here.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;

/// Answers are data: nothing in them is run, loaded or framed. Pictures bring their own styles.
const OF_DATA: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");

/// The contract's page runs its own scripts, and asks this service alone.
const OF_DOCS: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'",
);

/// What every answer says. Over plain HTTP browsers ignore the first (RFC 6797, section 8.1); behind a proxy that speaks
/// TLS it holds.
const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Middleware: adds them to every answer.
pub async fn headers<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let is_docs = request.path() == "/docs" || request.path().starts_with("/docs/");
    let policy = if is_docs { OF_DOCS } else { OF_DATA };
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    Ok(response)
}
