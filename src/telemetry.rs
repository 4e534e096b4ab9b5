//! Logging: one span and one line per request, as text for people or JSON for collectors. Lines hold route patterns
//! instead of URLs, since URLs hold keys.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, SettingError, Settings};
use crate::metrics;

/// Starts logging to stderr.
pub fn start(settings: &Settings) -> Result<(), SettingError> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| {
        format!("log is '{}': {error}; write info, or a filter such as info,medstrategi=debug", settings.log)
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Pretty => registry.with(lines.with_target(false).compact()).init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_span_list(false)).init(),
    }
    Ok(())
}

/// The span of a request: id, method, route pattern and, when it has ended, status.
pub struct RequestSpan;

struct Begun {
    at: Instant,
    /// The client's method. Inner services see GET instead of HEAD.
    method: Method,
    route: String,
}

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let request_id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
        let (method, route) = (request.method().clone(), request.match_pattern().unwrap_or_else(|| "unknown".into()));
        request.extensions_mut().insert(Begun { at: Instant::now(), method, route: route.clone() });
        tracing::info_span!(
            "request",
            request_id,
            method = metrics::method_name(request.method()),
            route,
            status = tracing::field::Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let (status, begun) = match outcome {
            Ok(response) => (response.status().as_u16(), response.request().extensions_mut().remove::<Begun>()),
            Err(error) => (error.as_response_error().status_code().as_u16(), None),
        };
        span.record("status", status);
        let duration = begun.as_ref().map(|begun| begun.at.elapsed()).unwrap_or_default();
        if let Some(Begun { method, route, .. }) = begun {
            metrics::count_request(&method, &route, status, duration);
        }
        let milliseconds = duration.as_millis() as u64;
        span.in_scope(|| tracing::info!(status, milliseconds, "answered"));
    }
}
