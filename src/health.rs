//! Whether the process is alive, and whether it can serve requests.

use actix_web::{HttpResponse, get, web};

use crate::db::{Database, migrate};
use crate::http::responses::problem_responses;
use crate::problem::Result;

/// Whether the process lives
///
/// It doesn't use the database, so that a check that restarts a hanging process doesn't depend on it.
#[utoipa::path(tag = "service", operation_id = "livez", responses((status = 204, description = "It lives")))]
#[get("/livez")]
pub async fn livez() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

problem_responses! {
    /// Not yet, or not now
    NotReady = Unavailable;
}

/// Whether the database answers and has every migration
///
/// For load balancers: they send requests to instances that answer 204.
#[utoipa::path(
    tag = "service", operation_id = "readyz",
    responses(
        (status = 204, description = "It can serve"),
        NotReady,
    ),
)]
#[get("/readyz")]
pub async fn readyz(database: web::Data<Database>) -> Result<HttpResponse> {
    database.admin(|connection| migrate::check_ready(connection)).await?;
    Ok(HttpResponse::NoContent().finish())
}
