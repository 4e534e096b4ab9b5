//! HTTP for units.

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Units;
use super::model::{Unit, UnitBody, UnitKind};
use super::store::{self, Filter};
use crate::auth::caller::Caller;
use crate::auth::guard::{EditOrganisation, May, ReadOrganisation, missing_scope};
use crate::auth::scope::Scope;
use crate::db::types::Reference;
use crate::db::{Database, Writer};
use crate::http::body::{Body, Patch};
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::{self, Query};
use crate::http::responses::{KeyTaken, StillReferenced, UnknownId};
use crate::http::row::{IfMatch, IfNoneMatch, PutConditions, Row, Target};
use crate::problem::Result;
use crate::register::ManagedBy;
use crate::resource::{self, Precondition, Resource};
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
    Body(wanted): Body<UnitBody>,
) -> Result<Row<Unit>> {
    check_manager(&caller, wanted.managed_by)?;
    let created = database.write(&caller.principal, move |writer| resource::create::<Units>(writer, wanted)).await?;
    let location = location(&created);
    Ok(Row::created(created, location))
}

fn location(unit: &Unit) -> String {
    format!("/v1/units/{}", unit.body.key)
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

/// Create or replace a unit
///
/// Creates under the key in the address, or replaces the whole row: what the body leaves out gets its default.
#[utoipa::path(
    tag = "organisation", operation_id = "replace_unit", security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    params(
        ("id" = String, Path, description = "Key, or the UUID of an existing row", example = "skolen-ved-aaen"),
        PutConditions,
    ),
    request_body = UnitBody,
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
    Body(wanted): Body<UnitBody>,
) -> Result<Row<Unit>> {
    let manager = (*caller).clone();
    let work = move |writer: &mut Writer<'_>| {
        check_manager(&manager, wanted.managed_by)?;
        check_existing_manager(&manager, writer, &target)?;
        resource::replace::<Units>(writer, &target, &precondition, wanted)
    };
    let outcome = database.write(&caller.principal, work).await?;
    let (is_new, unit) = (outcome.is_created(), outcome.into_entity());
    let location = location(&unit);
    Ok(Row::put(unit, is_new, location))
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
    let manager = (*caller).clone();
    let work = move |writer: &mut Writer<'_>| {
        resource::change::<Units>(writer, &target, &precondition, |unit| {
            check_manager(&manager, unit.managed_by)?;
            let wanted: UnitBody = patch.apply(unit)?;
            check_manager(&manager, wanted.managed_by)?;
            Ok(wanted)
        })
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
    let manager = (*caller).clone();
    let work = move |writer: &mut Writer<'_>| {
        check_existing_manager(&manager, writer, &target)?;
        resource::delete::<Units>(writer, &target, &precondition)
    };
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What the HR system manages is the HR system's: an editor's token leaves it alone.
fn check_manager(caller: &Caller, managed_by: ManagedBy) -> Result<()> {
    match managed_by {
        ManagedBy::Hr if !caller.scopes.holds(Scope::Hr) => Err(missing_scope(&[Scope::Hr])),
        _ => Ok(()),
    }
}

fn check_existing_manager(caller: &Caller, writer: &mut Writer<'_>, target: &Reference) -> Result<()> {
    match Units::find(writer, target)? {
        Some(unit) => check_manager(caller, unit.body.managed_by),
        None => Ok(()),
    }
}
