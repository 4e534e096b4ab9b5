//! HTTP for levels.

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Levels;
use super::model::{Level, LevelBody};
use super::store;
use crate::auth::guard::{Edit, May, Read};
use crate::db::types::Key;
use crate::db::{Database, Writer};
use crate::http::body::{Body, Patch};
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::Query;
use crate::http::responses::{KeyTaken, StillReferenced, UnknownId};
use crate::http::row::{IfMatch, IfNoneMatch, PutConditions, Row, Target};
use crate::problem::Result;
use crate::resource::{self, Precondition, Replacement};

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(replace).service(change).service(delete);
}

/// Which levels are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListLevels {
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of levels.
pub type LevelPage = Page<Level>;

/// List levels
///
/// From the top down.
#[utoipa::path(
    tag = "committees", operation_id = "list_levels", security(("bearer" = ["med.read"])),
    params(ListLevels, IfNoneMatch),
    responses((status = 200, description = "A page of levels", body = LevelPage)),
)]
#[get("/v1/levels")]
async fn list(caller: May<Read>, database: web::Data<Database>, Query(wanted): Query<ListLevels>) -> Result<LevelPage> {
    let after: Option<(i32, Key)> = wanted.cursor.as_ref().map(Cursor::place).transpose()?;
    let limit = wanted.limit.with_lookahead();
    let rows = database.read(&caller.principal, move |tenant| store::list(tenant, after, Some(limit))).await?;
    Ok(Page::of(rows, wanted.limit, |last| (last.body.rank, last.body.key.clone())))
}

/// Create a level
#[utoipa::path(
    tag = "committees", operation_id = "create_level", security(("bearer" = ["med.edit"])),
    request_body = LevelBody,
    responses(
        (status = 201, description = "The new level", body = Level),
        KeyTaken,
    ),
)]
#[post("/v1/levels")]
async fn create(caller: May<Edit>, database: web::Data<Database>, Body(wanted): Body<LevelBody>) -> Result<Row<Level>> {
    let created = database.write(&caller.principal, move |writer| resource::create::<Levels>(writer, wanted)).await?;
    Ok(Row::created_in("/v1/levels", created))
}

/// Read a level
#[utoipa::path(
    tag = "committees", operation_id = "read_level", security(("bearer" = ["med.read"])),
    params(("id" = String, Path, description = "Key or UUID", example = "lokal-med"), IfNoneMatch),
    responses((status = 200, description = "The level", body = Level)),
)]
#[get("/v1/levels/{id}")]
async fn read(caller: May<Read>, database: web::Data<Database>, Target(target): Target) -> Result<Row<Level>> {
    database.read(&caller.principal, move |tenant| resource::read::<Levels>(tenant, &target)).await.map(Row::read)
}

/// What PUT takes: also what GET answers, as it is.
pub type LevelPut = Replacement<LevelBody>;

/// Create or replace a level
///
/// Creates under the key in the address, or replaces the whole row: what the body leaves out gets its default.
#[utoipa::path(
    tag = "committees", operation_id = "replace_level", security(("bearer" = ["med.edit"])),
    params(
        ("id" = String, Path, description = "Key, or the UUID of an existing row", example = "lokal-med"),
        PutConditions,
    ),
    request_body = LevelPut,
    responses(
        (status = 200, description = "The level as it is now", body = Level),
        (status = 201, description = "The new level", body = Level),
        UnknownId,
    ),
)]
#[put("/v1/levels/{id}")]
async fn replace(
    caller: May<Edit>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    replacement: LevelPut,
) -> Result<Row<Level>> {
    let work = move |writer: &mut Writer<'_>| resource::replace::<Levels>(writer, &target, &precondition, replacement);
    let outcome = database.write(&caller.principal, work).await?;
    Ok(Row::put_in("/v1/levels", outcome))
}

/// Change a level
#[utoipa::path(
    tag = "committees", operation_id = "change_level", security(("bearer" = ["med.edit"])),
    params(("id" = String, Path, description = "Key or UUID", example = "lokal-med"), IfMatch),
    request_body(content = LevelBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The level as it is now", body = Level)),
)]
#[patch("/v1/levels/{id}")]
async fn change(
    caller: May<Edit>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<Level>> {
    let work = move |writer: &mut Writer<'_>| {
        resource::change::<Levels>(writer, &target, &precondition, |level| patch.apply(level))
    };
    database.write(&caller.principal, work).await.map(Row::read)
}

/// Delete a level
///
/// Only a level to which nothing refers can be deleted.
#[utoipa::path(
    tag = "committees", operation_id = "delete_level", security(("bearer" = ["med.edit"])),
    params(("id" = String, Path, description = "Key or UUID", example = "lokal-med"), IfMatch),
    responses(
        (status = 204, description = "The level is gone"),
        StillReferenced,
    ),
)]
#[delete("/v1/levels/{id}")]
async fn delete(
    caller: May<Edit>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
) -> Result<HttpResponse> {
    let work = move |writer: &mut Writer<'_>| resource::delete::<Levels>(writer, &target, &precondition);
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}
