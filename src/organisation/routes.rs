//! HTTP for units.

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Units;
use super::model::{Unit, UnitBody, UnitKind};
use super::service;
use super::store::{self, Filter};
use crate::auth::guard::{EditOrganisation, May, ReadOrganisation};
use crate::db::types::Reference;
use crate::db::{Database, Writer};
use crate::http::body::{Body, Patch};
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::{self, Query};
use crate::http::responses::{KeyTaken, StillReferenced, UnknownId};
use crate::http::row::{IfMatch, IfNoneMatch, PutConditions, Row, Target};
use crate::problem::Result;
use crate::resource::{self, Precondition, Replacement};
use crate::text::SearchText;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(replace).service(change).service(delete);
}

/// Which units are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListUnits {
    /// Only units right under this one: key or UUID.
    #[param(example = "boern-og-unge")]
    parent: Option<Reference>,
    /// Only units of this kind.
    kind: Option<UnitKind>,
    /// Only units that exist on this day.
    #[serde(default, deserialize_with = "query::day")]
    on: Option<chrono::NaiveDate>,
    /// Only units whose name or key contains this; case and accents don't matter.
    #[param(example = "skole")]
    q: Option<SearchText>,
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of units.
pub type UnitPage = Page<Unit>;

/// List units
///
/// In the order of their keys.
#[utoipa::path(
    tag = "organisation", operation_id = "list_units", security(("bearer" = ["med.read"]), ("bearer" = ["med.hr"])),
    params(ListUnits, IfNoneMatch),
    responses((status = 200, description = "A page of units", body = UnitPage)),
)]
#[get("/v1/units")]
async fn list(
    caller: May<ReadOrganisation>,
    database: web::Data<Database>,
    Query(wanted): Query<ListUnits>,
) -> Result<UnitPage> {
    let ListUnits { parent, kind, on, q, limit, cursor } = wanted;
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let filter = Filter { parent, kind, on, q, after, ..Filter::default() };
    let most = Some(limit.with_lookahead());
    let rows = database.read(&caller.principal, move |tenant| store::list(tenant, filter, most)).await?;
    Ok(Page::of(rows, limit, |last| last.body.key.clone()))
}

/// Create a unit
#[utoipa::path(
    tag = "organisation", operation_id = "create_unit", security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    request_body = UnitBody,
    responses(
        (status = 201, description = "The new unit", body = Unit),
        KeyTaken,
    ),
)]
#[post("/v1/units")]
async fn create(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Body(body): Body<UnitBody>,
) -> Result<Row<Unit>> {
    let editor = (*caller).clone();
    let created = database.write(&caller.principal, move |writer| service::create(writer, &editor, body)).await?;
    Ok(Row::created_in("/v1/units", created))
}

/// Read a unit
#[utoipa::path(
    tag = "organisation", operation_id = "read_unit", security(("bearer" = ["med.read"]), ("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "skolen-ved-aaen"), IfNoneMatch),
    responses((status = 200, description = "The unit", body = Unit)),
)]
#[get("/v1/units/{id}")]
async fn read(
    caller: May<ReadOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
) -> Result<Row<Unit>> {
    database.read(&caller.principal, move |tenant| resource::read::<Units>(tenant, &target)).await.map(Row::read)
}

/// What PUT takes: also what GET answers, as it is.
pub type UnitPut = Replacement<UnitBody>;

/// Create or replace a unit
///
/// Creates under the key in the address, or replaces the whole row: what the body leaves out gets its default.
#[utoipa::path(
    tag = "organisation", operation_id = "replace_unit", security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    params(
        ("id" = String, Path, description = "Key, or the UUID of an existing row", example = "skolen-ved-aaen"),
        PutConditions,
    ),
    request_body = UnitPut,
    responses(
        (status = 200, description = "The unit as it is now", body = Unit),
        (status = 201, description = "The new unit", body = Unit),
        UnknownId,
    ),
)]
#[put("/v1/units/{id}")]
async fn replace(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    replacement: UnitPut,
) -> Result<Row<Unit>> {
    let editor = (*caller).clone();
    let work = move |writer: &mut Writer<'_>| service::replace(writer, &editor, &target, &precondition, replacement);
    let outcome = database.write(&caller.principal, work).await?;
    Ok(Row::put_in("/v1/units", outcome))
}

/// Change a unit
#[utoipa::path(
    tag = "organisation", operation_id = "change_unit", security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "skolen-ved-aaen"), IfMatch),
    request_body(content = UnitBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The unit as it is now", body = Unit)),
)]
#[patch("/v1/units/{id}")]
async fn change(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<Unit>> {
    let editor = (*caller).clone();
    let work = move |writer: &mut Writer<'_>| {
        service::change(writer, &editor, &target, &precondition, |unit| patch.apply(unit))
    };
    database.write(&caller.principal, work).await.map(Row::read)
}

/// Delete a unit
///
/// Only a unit to which nothing refers can be deleted; others end: give them an `ends_on`.
#[utoipa::path(
    tag = "organisation", operation_id = "delete_unit", security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "skolen-ved-aaen"), IfMatch),
    responses(
        (status = 204, description = "The unit is gone"),
        StillReferenced,
    ),
)]
#[delete("/v1/units/{id}")]
async fn delete(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
) -> Result<HttpResponse> {
    let editor = (*caller).clone();
    let work = move |writer: &mut Writer<'_>| service::delete(writer, &editor, &target, &precondition);
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}
