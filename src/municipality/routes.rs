//! HTTP for the municipality itself.

use actix_web::{get, patch, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Municipality, MunicipalityBody};
use super::store;
use crate::auth::guard::{Administer, May, ReadOrganisation};
use crate::db::Database;
use crate::http::body::Patch;
use crate::http::row::{IfMatch, IfNoneMatch, Row};
use crate::problem::Result;
use crate::resource::{Precondition, UpsertOutcome, check_key_kept};

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read).service(change);
}

/// Read the token's municipality
#[utoipa::path(
    tag = "municipality", operation_id = "read_municipality",
    security(("bearer" = ["med.read"]), ("bearer" = ["med.hr"])),
    params(IfNoneMatch),
    responses((status = 200, description = "The municipality", body = Municipality)),
)]
#[get("/v1/municipality")]
async fn read(caller: May<ReadOrganisation>, database: web::Data<Database>) -> Result<Row<Municipality>> {
    database.read(&caller.principal, store::read).await.map(Row::read)
}

/// Change the token's municipality
#[utoipa::path(
    tag = "municipality", operation_id = "change_municipality", security(("bearer" = ["med.admin"])),
    params(IfMatch),
    request_body(content = MunicipalityBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The municipality as it is now", body = Municipality)),
)]
#[patch("/v1/municipality")]
async fn change(
    caller: May<Administer>,
    database: web::Data<Database>,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<Municipality>> {
    let work = move |writer: &mut crate::db::Writer<'_>| {
        let existing = store::read(writer)?;
        precondition.check_existing(existing.revision.version, existing.id())?;
        let wanted = patch.apply(&existing.body)?;
        check_key_kept(&existing.body, &wanted)?;
        store::save(writer, wanted).map(UpsertOutcome::into_entity)
    };
    database.write(&caller.principal, work).await.map(Row::read)
}
