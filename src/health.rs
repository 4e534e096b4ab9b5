//! Whether the process lives, and whether it can serve.

use actix_web::{HttpResponse, get, web};

use crate::db::Database;
use crate::http::responses::problem_responses;
use crate::problem::Result;

/// Whether the process lives
///
/// It asks nobody, not even the database: who restarts what hangs needn't wait for that.
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
/// For load balancers, which send requests to whom answers 204.
#[utoipa::path(
    tag = "service", operation_id = "readyz",
    responses(
        (status = 204, description = "It can serve"),
        NotReady,
    ),
)]
#[get("/readyz")]
pub async fn readyz(database: web::Data<Database>) -> Result<HttpResponse> {
    database.is_ready().await?;
    Ok(HttpResponse::NoContent().finish())
}
