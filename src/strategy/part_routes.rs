//! HTTP for the parts of strategies: focus areas, objectives and their actions.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{FocusArea, FocusAreaBody, FocusAreaFields, Objective, ObjectiveBody};
use super::part_service::{actions, focus_areas, objectives};
use super::service;
use super::store::{self, parts};
use crate::action::model::{Action, ActionBody};
use crate::action::report::reporter::Reporter;
use crate::action::routes::ActionPage;
use crate::auth::guard::{Edit, May, Read, Report};
use crate::db::types::Id;
use crate::db::{Database, Writer};
use crate::http::body::{Body, Patch};
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::Query;
use crate::http::responses::{KeyTaken, MayNotActForCommittee, StillReferenced};
use crate::http::row::{IfMatch, IfNoneMatch, PartId, Row, Target, Versioned};
use crate::problem::Result;
use crate::resource::Precondition;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list_focus_areas)
        .service(create_focus_area)
        .service(read_focus_area)
        .service(change_focus_area)
        .service(delete_focus_area)
        .service(list_objectives)
        .service(create_objective)
        .service(read_objective)
        .service(change_objective)
        .service(delete_objective)
        .service(list_actions)
        .service(create_action)
        .service(change_action)
        .service(delete_action);
}

/// Query parameters of lists of parts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListParts {
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of focus areas.
pub type FocusAreaPage = Page<FocusArea>;

/// List the focus areas of a strategy
///
/// In the plan's order.
#[utoipa::path(
    tag = "strategies", operation_id = "list_focus_areas", security(("bearer" = ["med.read"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the strategy", example = "med-plan-2025-2028"),
        ListParts,
        IfNoneMatch,
    ),
    responses((status = 200, description = "A page of focus areas", body = FocusAreaPage)),
)]
#[get("/v1/strategies/{id}/focus-areas")]
async fn list_focus_areas(
    caller: May<Read>,
    database: web::Data<Database>,
    Target(target): Target,
    Query(query): Query<ListParts>,
) -> Result<FocusAreaPage> {
    let rows = database
        .read(&caller.principal, move |tenant| Ok(store::existing_tree(tenant, &target)?.strategy.focus_areas))
        .await?;
    Page::slice(rows, query.limit, query.cursor.as_ref())
}

/// Add a focus area to a strategy
///
/// At the end; the order changes by replacing the strategy.
#[utoipa::path(
    tag = "strategies", operation_id = "create_focus_area", security(("bearer" = ["med.edit"])),
    params(("id" = String, Path, description = "Key or UUID of the strategy", example = "med-plan-2025-2028")),
    request_body = FocusAreaBody,
    responses(
        (status = 201, description = "The new focus area", body = FocusArea),
        KeyTaken,
    ),
)]
#[post("/v1/strategies/{id}/focus-areas")]
async fn create_focus_area(
    caller: May<Edit>,
    database: web::Data<Database>,
    Target(target): Target,
    Body(body): Body<FocusAreaBody>,
) -> Result<Row<FocusArea>> {
    let work = move |writer: &mut Writer<'_>| service::create_focus_area(writer, &target, body);
    let created = database.write(&caller.principal, work).await?;
    let location = format!("/v1/focus-areas/{}", created.id());
    Ok(Row::created(created, location))
}

/// Read a focus area
#[utoipa::path(
    tag = "strategies", operation_id = "read_focus_area", security(("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the focus area"), IfNoneMatch),
    responses((status = 200, description = "The focus area", body = FocusArea)),
)]
#[get("/v1/focus-areas/{id}")]
async fn read_focus_area(
    caller: May<Read>,
    database: web::Data<Database>,
    PartId(id): PartId,
) -> Result<Row<FocusArea>> {
    database.read(&caller.principal, move |tenant| parts::focus_area_with_parts(tenant, id)).await.map(Row::read)
}

/// Change a focus area
#[utoipa::path(
    tag = "strategies", operation_id = "change_focus_area", security(("bearer" = ["med.edit"])),
    params(("id" = Id, Path, description = "UUID of the focus area"), IfMatch),
    request_body(content = FocusAreaFields, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The focus area as it is now", body = FocusArea)),
)]
#[patch("/v1/focus-areas/{id}")]
async fn change_focus_area(
    caller: May<Edit>,
    database: web::Data<Database>,
    PartId(id): PartId,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<FocusArea>> {
    let work = move |writer: &mut Writer<'_>| focus_areas::change(writer, id, &precondition, |area| patch.apply(area));
    database.write(&caller.principal, work).await.map(Row::read)
}

/// Delete a focus area
///
/// Only where nothing refers to it.
#[utoipa::path(
    tag = "strategies", operation_id = "delete_focus_area", security(("bearer" = ["med.edit"])),
    params(("id" = Id, Path, description = "UUID of the focus area"), IfMatch),
    responses(
        (status = 204, description = "The focus area is gone"),
        StillReferenced,
    ),
)]
#[delete("/v1/focus-areas/{id}")]
async fn delete_focus_area(
    caller: May<Edit>,
    database: web::Data<Database>,
    PartId(id): PartId,
    precondition: Precondition,
) -> Result<HttpResponse> {
    let work = move |writer: &mut Writer<'_>| service::delete_focus_area(writer, id, &precondition);
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A page of objectives.
pub type ObjectivePage = Page<Objective>;

/// List the objectives of a focus area
///
/// In the plan's order.
#[utoipa::path(
    tag = "strategies", operation_id = "list_objectives", security(("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the focus area"), ListParts, IfNoneMatch),
    responses((status = 200, description = "A page of objectives", body = ObjectivePage)),
)]
#[get("/v1/focus-areas/{id}/objectives")]
async fn list_objectives(
    caller: May<Read>,
    database: web::Data<Database>,
    PartId(id): PartId,
    Query(query): Query<ListParts>,
) -> Result<ObjectivePage> {
    let rows = database.read(&caller.principal, move |tenant| objectives::list(tenant, id)).await?;
    Page::slice(rows, query.limit, query.cursor.as_ref())
}

/// Add an objective to a focus area
///
/// At the end; the order changes by replacing the strategy.
#[utoipa::path(
    tag = "strategies", operation_id = "create_objective", security(("bearer" = ["med.edit"])),
    params(("id" = Id, Path, description = "UUID of the focus area")),
    request_body = ObjectiveBody,
    responses(
        (status = 201, description = "The new objective", body = Objective),
        KeyTaken,
    ),
)]
#[post("/v1/focus-areas/{id}/objectives")]
async fn create_objective(
    caller: May<Edit>,
    database: web::Data<Database>,
    PartId(id): PartId,
    Body(body): Body<ObjectiveBody>,
) -> Result<Row<Objective>> {
    let work = move |writer: &mut Writer<'_>| objectives::create(writer, id, body);
    let created = database.write(&caller.principal, work).await?;
    let location = format!("/v1/objectives/{}", created.id());
    Ok(Row::created(created, location))
}

/// Read an objective
#[utoipa::path(
    tag = "strategies", operation_id = "read_objective", security(("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the objective"), IfNoneMatch),
    responses((status = 200, description = "The objective", body = Objective)),
)]
#[get("/v1/objectives/{id}")]
async fn read_objective(
    caller: May<Read>,
    database: web::Data<Database>,
    PartId(id): PartId,
) -> Result<Row<Objective>> {
    database.read(&caller.principal, move |tenant| Ok(parts::objective(tenant, id)?.part)).await.map(Row::read)
}

/// Change an objective
#[utoipa::path(
    tag = "strategies", operation_id = "change_objective", security(("bearer" = ["med.edit"])),
    params(("id" = Id, Path, description = "UUID of the objective"), IfMatch),
    request_body(content = ObjectiveBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The objective as it is now", body = Objective)),
)]
#[patch("/v1/objectives/{id}")]
async fn change_objective(
    caller: May<Edit>,
    database: web::Data<Database>,
    PartId(id): PartId,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<Objective>> {
    let work = move |writer: &mut Writer<'_>| {
        objectives::change(writer, id, &precondition, |objective| patch.apply(objective))
    };
    database.write(&caller.principal, work).await.map(Row::read)
}

/// Delete an objective
///
/// Only where nothing refers to it.
#[utoipa::path(
    tag = "strategies", operation_id = "delete_objective", security(("bearer" = ["med.edit"])),
    params(("id" = Id, Path, description = "UUID of the objective"), IfMatch),
    responses(
        (status = 204, description = "The objective is gone"),
        StillReferenced,
    ),
)]
#[delete("/v1/objectives/{id}")]
async fn delete_objective(
    caller: May<Edit>,
    database: web::Data<Database>,
    PartId(id): PartId,
    precondition: Precondition,
) -> Result<HttpResponse> {
    let work = move |writer: &mut Writer<'_>| objectives::delete(writer, id, &precondition);
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List the actions of a focus area
///
/// In the plan's order.
#[utoipa::path(
    tag = "actions", operation_id = "list_focus_area_actions", security(("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the focus area"), ListParts, IfNoneMatch),
    responses((status = 200, description = "A page of actions", body = ActionPage)),
)]
#[get("/v1/focus-areas/{id}/actions")]
async fn list_actions(
    caller: May<Read>,
    database: web::Data<Database>,
    PartId(id): PartId,
    Query(query): Query<ListParts>,
) -> Result<ActionPage> {
    let rows = database.read(&caller.principal, move |tenant| actions::list(tenant, id)).await?;
    Page::slice(rows, query.limit, query.cursor.as_ref())
}

/// Add an action to a focus area
///
/// At the end; the order changes by replacing the strategy.
#[utoipa::path(
    tag = "actions", operation_id = "create_action", security(("bearer" = ["med.edit"])),
    params(("id" = Id, Path, description = "UUID of the focus area")),
    request_body = ActionBody,
    responses(
        (status = 201, description = "The new action", body = Action),
        KeyTaken,
    ),
)]
#[post("/v1/focus-areas/{id}/actions")]
async fn create_action(
    caller: May<Edit>,
    database: web::Data<Database>,
    PartId(id): PartId,
    Body(body): Body<ActionBody>,
) -> Result<Row<Action>> {
    let work = move |writer: &mut Writer<'_>| actions::create(writer, id, body);
    let created = database.write(&caller.principal, work).await?;
    let location = format!("/v1/actions/{}", created.id());
    Ok(Row::created(created, location))
}

/// Change an action
///
/// A local one changes whoever may report for its committee; one of a plan needs `med.edit`.
#[utoipa::path(
    tag = "actions", operation_id = "change_action", security(("bearer" = ["med.edit"]), ("bearer" = ["med.report"])),
    params(("id" = Id, Path, description = "UUID of the action"), IfMatch),
    request_body(content = ActionBody, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The action as it is now", body = Action),
        MayNotActForCommittee,
    ),
)]
#[patch("/v1/actions/{id}")]
async fn change_action(
    caller: May<Report>,
    database: web::Data<Database>,
    PartId(id): PartId,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<Action>> {
    let reporter = Reporter::from_caller(&caller);
    let work = move |writer: &mut Writer<'_>| {
        actions::change(writer, &reporter, id, &precondition, |action| patch.apply(action))
    };
    database.write(&caller.principal, work).await.map(Row::read)
}

/// Delete an action
///
/// Only where nothing refers to it, and nothing was reported of it; others are cancelled: give them a `cancelled_on`. A
/// local one deletes whoever may report for its committee; one of a plan needs `med.edit`.
#[utoipa::path(
    tag = "actions", operation_id = "delete_action", security(("bearer" = ["med.edit"]), ("bearer" = ["med.report"])),
    params(("id" = Id, Path, description = "UUID of the action"), IfMatch),
    responses(
        (status = 204, description = "The action is gone"),
        MayNotActForCommittee,
        StillReferenced,
    ),
)]
#[delete("/v1/actions/{id}")]
async fn delete_action(
    caller: May<Report>,
    database: web::Data<Database>,
    PartId(id): PartId,
    precondition: Precondition,
) -> Result<HttpResponse> {
    let reporter = Reporter::from_caller(&caller);
    let work = move |writer: &mut Writer<'_>| actions::delete(writer, &reporter, id, &precondition);
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}
