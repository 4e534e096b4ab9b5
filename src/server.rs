//! Assembles the app and runs it.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::KeepAlive;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer, web};
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::AppExt;

use crate::api;
use crate::auth::issuer::Issuers;
use crate::db::Database;
use crate::http::client_address::TrustedProxies;
use crate::http::limits::{self, ConnectionLimits, Limits};
use crate::http::rate_limit::{self, RateLimits, Rates};
use crate::http::{connection, idempotency, method, problem, query, security};
use crate::problem::{Kind, Problem, Result};
use crate::telemetry::RequestSpan;

/// What the app needs to run.
pub struct Parts {
    /// The database, migrated.
    pub database: Database,
    /// Whose tokens are accepted.
    pub issuers: Issuers,
    /// Limits of requests.
    pub limits: Limits,
    /// Limits of connections.
    pub connections: ConnectionLimits,
    /// How many requests a subject and an address may send.
    pub rates: Rates,
    /// Reverse proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: TrustedProxies,
    /// Origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// Time for requests in flight after SIGTERM.
    pub shutdown_timeout: Duration,
    /// Worker threads; none = one per core.
    pub workers: Option<usize>,
}

impl Parts {
    /// With the default limits, and without what only settings can say.
    pub fn new(database: Database, issuers: Issuers) -> Self {
        Self {
            database,
            issuers,
            limits: Limits::default(),
            connections: ConnectionLimits::default(),
            rates: Rates::default(),
            trusted_proxies: TrustedProxies::default(),
            cors_origins: Vec::new(),
            shutdown_timeout: Duration::from_secs(5),
            workers: None,
        }
    }
}

/// Binds the address that the server listens on.
pub fn listen(bind: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(bind).map_err(|error| {
        let detail = format!("{bind} can't be listened on: {error}. Name another address with --bind.");
        Problem::new(Kind::Internal, detail)
    })
}

/// Serves on `listener`. The server ends gracefully on SIGTERM and SIGINT.
pub fn start(parts: Parts, listener: TcpListener) -> Result<(Server, SocketAddr)> {
    start_with(parts, listener, |_| {})
}

/// [`start`] with more routes beside the contract's, behind the same middleware: for benchmarks.
pub fn start_with(
    parts: Parts,
    listener: TcpListener,
    more: fn(&mut web::ServiceConfig),
) -> Result<(Server, SocketAddr)> {
    let address = listener.local_addr().map_err(Problem::internal)?;
    let Parts { database, issuers, limits, connections, cors_origins, shutdown_timeout, .. } = parts;
    let workers = parts.workers.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let rate_limits = web::Data::new(RateLimits::new(parts.rates, parts.trusted_proxies));
    connection::limit_unread(&listener, limits.ordinary.time);
    let contract = web::Data::new(api::contract()?);
    let (database, issuers, limits) = (web::Data::new(database), web::Data::new(issuers), web::Data::new(limits));
    let server = HttpServer::new(move || {
        // Each middleware wraps those above it.
        App::new()
            .into_utoipa_app()
            .configure(api::routes)
            .into_app()
            .configure(api::docs)
            .configure(more)
            .default_service(web::to(method::method_not_allowed))
            .app_data(contract.clone())
            .app_data(database.clone())
            .app_data(issuers.clone())
            .app_data(limits.clone())
            .app_data(rate_limits.clone())
            .wrap(from_fn(query::known_parameters))
            .wrap(from_fn(limits::short_heads))
            .wrap(from_fn(rate_limit::limit_addresses))
            .wrap(cors(&cors_origins))
            .wrap(Compress::default())
            .wrap(from_fn(security::headers))
            .wrap(from_fn(problem::render))
            .wrap(from_fn(method::head_is_get))
            .wrap(TracingLogger::<RequestSpan>::new())
            .wrap(from_fn(connection::mark))
    })
    .on_connect(connection::watch(connections.header_time + connections.keep_alive))
    .shutdown_timeout(shutdown_timeout.as_secs())
    .client_request_timeout(connections.header_time)
    .keep_alive(KeepAlive::Timeout(connections.keep_alive))
    .max_connections(connections.max.div_ceil(workers))
    .workers(workers);
    Ok((server.listen(listener).map_err(Problem::internal)?.run(), address))
}

fn cors(origins: &[String]) -> Cors {
    origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            "authorization",
            "content-type",
            "accept-language",
            "if-match",
            "if-none-match",
            idempotency::HEADER,
        ])
        .expose_headers([
            "etag",
            "link",
            "location",
            "retry-after",
            rate_limit::REMAINING.as_str(),
            rate_limit::POLICY.as_str(),
            "x-request-id",
            idempotency::REPLAYED,
        ])
        .max_age(600)
}
