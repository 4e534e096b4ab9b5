//! The service in the benchmark's own process, with routes that show what a request costs without any work.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use diesel::prelude::*;
use diesel::sql_types::Integer;
use medstrategi::action::assignment::store::projection::AssignmentProjection;
use medstrategi::auth::guard::{Anyone, May};
use medstrategi::auth::issuer::Issuers;
use medstrategi::auth::local::LocalSecret;
use medstrategi::config::{Flags, Settings};
use medstrategi::db::{AnyConnection, Database, Options};
use medstrategi::problem::{Problem, Result};
use medstrategi::server::{self, Parts};
use medstrategi::telemetry;

use super::MAX_WAIT;

/// Starts a server like the program's, with the routes of [`constant_path`] and [`SELECT_PATH`]. It doesn't log.
pub fn serve(database: Database, secret: &LocalSecret) -> (ServerHandle, SocketAddr) {
    let parts = Parts::new(database, Issuers::new(vec![secret.issuer()]));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let listener = server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
            let (server, address) = server::start_with(parts, listener, routes).unwrap();
            sender.send((server.handle(), address)).unwrap();
            server.await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

/// Serves the same until the process is killed, and logs like the program.
pub fn serve_alone(database_url: &str, secret_file: &Path, bind: &str) {
    let flags = Flags {
        database_url: Some(database_url.into()),
        secret_file: Some(secret_file.display().to_string()),
        bind: Some(bind.to_owned()),
        ..Flags::default()
    };
    let settings = Settings::load(&flags).unwrap();
    telemetry::start(&settings).unwrap();
    let database = Database::open(
        settings.database.clone(),
        Options { pool_size: settings.database_pool, ..Options::new(AssignmentProjection) },
    )
    .unwrap();
    let parts = Parts::new(database, settings.issuers().unwrap());
    actix_web::rt::System::new().block_on(async {
        let listener = server::listen(settings.bind).unwrap();
        server::start_with(parts, listener, routes).unwrap().0.await.unwrap();
    });
}

/// The path that answers `length` constant bytes with this status.
pub fn constant_path(status: u16, length: usize) -> String {
    format!("/v1/benchmark/constant/{status}/{length}")
}

/// The path that answers a few constant bytes after a SELECT.
pub const SELECT_PATH: &str = "/v1/benchmark/select";

fn routes(config: &mut web::ServiceConfig) {
    let constants = web::resource("/v1/benchmark/constant/{status}/{length}");
    config
        .service(constants.route(web::get().to(constant)).route(web::post().to(constant)))
        .route(SELECT_PATH, web::get().to(constant_after_select));
}

/// More than any answer of one page has.
static BYTES: [u8; 4 * 1024 * 1024] = [b'x'; 4 * 1024 * 1024];

async fn constant(_: May<Anyone>, path: web::Path<(u16, usize)>, _sent: web::Bytes) -> Result<HttpResponse> {
    let (status, length) = path.into_inner();
    let status = StatusCode::from_u16(status).map_err(Problem::internal)?;
    let bytes = BYTES.get(..length).ok_or_else(|| Problem::internal("the answer is too long"))?;
    Ok(HttpResponse::build(status).content_type("application/json").body(bytes))
}

async fn constant_after_select(_: May<Anyone>, database: web::Data<Database>) -> Result<HttpResponse> {
    database.admin(|connection| select_one(connection)).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(r#"{"is_constant":true}"#))
}

/// The smallest possible query, as a prepared statement.
fn select_one(connection: &mut AnyConnection) -> Result<i32> {
    let one = diesel::select(1.into_sql::<Integer>());
    Ok(match connection {
        AnyConnection::Postgres(postgres) => one.get_result(postgres)?,
        AnyConnection::Sqlite(sqlite) => one.get_result(sqlite)?,
    })
}
