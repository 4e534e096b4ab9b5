//! How much a client may send, and how long that may take.

use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};

use crate::problem::{Kind, Problem, Result};

/// How large a body may be and how long it may take to arrive.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Bytes.
    pub bytes: usize,
    /// Time until the last byte.
    pub time: Duration,
}

/// The limits of a single request.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The body for a single resource.
    pub ordinary: Limit,
    /// The body of imports and the like.
    pub bulk: Limit,
    /// The address, query included, in bytes.
    pub url: usize,
    /// The headers, names and values, in bytes.
    pub headers: usize,
    /// Rows of a page, if the operator allows fewer than the contract.
    pub page: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ordinary: Limit { bytes: 1024 * 1024, time: Duration::from_secs(30) },
            bulk: Limit { bytes: 64 * 1024 * 1024, time: Duration::from_secs(300) },
            url: 8 * 1024,
            headers: 32 * 1024,
            page: None,
        }
    }
}

/// The limits of connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Connections at a time.
    pub max: usize,
    /// Time for a request's headers to arrive.
    pub header_time: Duration,
    /// Time that may pass between two requests.
    pub keep_alive: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { max: 10_000, header_time: Duration::from_secs(10), keep_alive: Duration::from_secs(15) }
    }
}

/// The limits that the app was started with.
pub fn limits(request: &HttpRequest) -> Result<Limits> {
    let limits = request.app_data::<web::Data<Limits>>();
    limits.map(|limits| *limits.get_ref()).ok_or_else(|| Problem::internal("the app has no limits"))
}

/// Middleware: refuses URLs and headers that are too long, before anything reads them.
pub async fn short_heads<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> std::result::Result<ServiceResponse<EitherBody<B>>, Error> {
    match check_head(request.request()) {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Err(problem) => Ok(request.error_response(problem).map_into_right_body()),
    }
}

fn check_head(request: &HttpRequest) -> Result<()> {
    let limits = limits(request)?;
    // The method counts too: a client can make it as long as it likes.
    let url =
        request.method().as_str().len() + request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if url > limits.url {
        let detail = format!("The address has {url} bytes; this service takes up to {}.", limits.url);
        return Err(Problem::new(Kind::UrlTooLong, detail));
    }
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > limits.headers {
        let detail = format!("The headers have {headers} bytes; this service takes up to {}.", limits.headers);
        return Err(Problem::new(Kind::HeadersTooLarge, detail));
    }
    Ok(())
}
