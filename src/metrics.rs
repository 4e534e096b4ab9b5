//! Metrics: counters and histograms in Prometheus' text format, on a port of their own that only the operator reaches.
//!
//! The rest of the program counts through the functions here, which do nothing where metrics are off. Labels are route
//! patterns and fixed words, never what a client sent.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::Method;
use actix_web::{App, HttpResponse, HttpServer, get, web};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::db::{Database, Usage};
use crate::problem::{Problem, Result};

const REQUESTS: &str = "medstrategi_http_requests_total";
const DURATION: &str = "medstrategi_http_request_duration_seconds";
const PROBLEMS: &str = "medstrategi_problems_total";
const SYNCS: &str = "medstrategi_hr_syncs_total";
const CONNECTIONS: &str = "medstrategi_database_connections";
const WAITING: &str = "medstrategi_database_waiting_requests";
const BUILD: &str = "medstrategi_build_info";
const STATEMENTS: &str = "medstrategi_database_statements_total";
const KEY_FETCHES: &str = "medstrategi_jwks_refreshes_total";

/// In seconds: from a 304 to a nightly file.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0];

/// How often recorded values are summed up.
const UPKEEP: Duration = Duration::from_secs(5);

/// A request has been answered.
pub fn count_request(method: &Method, route: &str, status: u16, duration: Duration) {
    let (method, route) = (method_name(method), route.to_owned());
    counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string()).increment(1);
    histogram!(DURATION, "method" => method, "route" => route).record(duration.as_secs_f64());
}

/// A method's name for labels and logs. Unknown ones are not repeated: clients may send anything, such as a token.
pub fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// A request was refused, or failed.
pub fn count_problem(kind: &'static str) {
    counter!(PROBLEMS, "kind" => kind).increment(1);
}

/// An HR sync ended.
pub fn count_sync(outcome: &'static str, is_dry_run: bool) {
    counter!(SYNCS, "outcome" => outcome, "dry_run" => if is_dry_run { "true" } else { "false" }).increment(1);
}

/// An issuer's keys were fetched, or could not be.
pub fn count_key_fetch(issuer: &str, outcome: &'static str) {
    counter!(KEY_FETCHES, "issuer" => issuer.to_owned(), "outcome" => outcome).increment(1);
}

/// Starts to count, and serves the metrics on `listener`. Has to be called within the server's runtime.
pub fn start(database: Database, listener: TcpListener) -> Result<Server> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(DURATION.into()), &BUCKETS);
    let handle = builder.map_err(Problem::internal)?.install_recorder().map_err(Problem::internal)?;
    describe();
    let upkeep = handle.clone();
    // Until then every recorded value is held, even if nobody reads the metrics.
    actix_web::rt::spawn(async move {
        loop {
            actix_web::rt::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    let server =
        HttpServer::new(move || App::new().app_data(web::Data::new((handle.clone(), database.clone()))).service(read));
    Ok(server.workers(1).disable_signals().listen(listener).map_err(Problem::internal)?.run())
}

fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by method, route pattern and status.");
    describe_histogram!(DURATION, Unit::Seconds, "Time from a request's headers to its answer's.");
    describe_counter!(PROBLEMS, "Requests refused or failed, by kind of problem.");
    describe_counter!(SYNCS, "HR syncs by outcome: taken, or the kind of problem that refused them.");
    describe_gauge!(CONNECTIONS, "Connections to the database, idle and in use.");
    describe_gauge!(WAITING, "Requests that wait for a connection, or for their turn to write.");
    describe_counter!(STATEMENTS, "SQL statements, transaction control aside.");
    describe_gauge!(BUILD, "The program's version; always 1.");
    describe_counter!(KEY_FETCHES, "Fetches of an issuer's keys, by outcome.");
}

#[get("/metrics")]
async fn read(data: web::Data<(PrometheusHandle, Database)>) -> HttpResponse {
    let (handle, database) = data.get_ref();
    let Usage { connections, idle, waiting, statements } = database.usage();
    gauge!(CONNECTIONS, "state" => "idle").set(idle);
    gauge!(CONNECTIONS, "state" => "in_use").set(connections - idle);
    gauge!(WAITING).set(waiting as f64);
    counter!(STATEMENTS).absolute(statements);
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1);
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(handle.render())
}
