//! HTTP for local actions.

use actix_web::{get, post, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::service;
use crate::action::model::{Action, ActionBody};
use crate::action::report::reporter::Reporter;
use crate::action::routes::ActionPage;
use crate::auth::guard::{May, Read, Report};
use crate::db::types::{Id, Key};
use crate::db::{Database, Tenant, Writer};
use crate::http::body::Body;
use crate::http::example::example;
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::Query;
use crate::http::responses::{KeyTaken, MayNotActForCommittee};
use crate::http::row::{IfNoneMatch, PartId, Row, Target};
use crate::problem::Result;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_of_committee).service(list_of_action).service(create);
}

/// The query parameters of a list of local actions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListLocalActions {
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

fn page(rows: Vec<Action>, limit: PageLimit) -> ActionPage {
    Page::of(rows, limit, |last: &Action| (last.body.key.clone(), last.id()))
}

fn place(cursor: Option<&Cursor>) -> Result<Option<(Key, Id)>> {
    cursor.map(Cursor::place).transpose()
}

/// List a committee's local actions
///
/// Those that it started by itself, in the order of their keys. What plans ask of it is among its assignments.
#[utoipa::path(
    tag = "actions", operation_id = "list_local_actions_of_committee", security(("bearer" = ["med.read"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the committee", example = "lokal-med-hasselengskolen"),
        ListLocalActions,
        IfNoneMatch,
    ),
    responses((status = 200, description = "A page of actions", body = ActionPage)),
)]
#[get("/v1/committees/{id}/actions")]
async fn list_of_committee(
    caller: May<Read>,
    database: web::Data<Database>,
    Target(target): Target,
    Query(query): Query<ListLocalActions>,
) -> Result<ActionPage> {
    let (after, limit) = (place(query.cursor.as_ref())?, Some(query.limit.with_lookahead()));
    let work = move |tenant: &mut Tenant<'_>| service::list_of_committee(tenant, &target, after, limit);
    Ok(page(database.read(&caller.principal, work).await?, query.limit))
}

/// List the local actions that an action inspired
///
/// Of all committees, in the order of their keys. They are not counted in the plan's numbers.
#[utoipa::path(
    tag = "actions", operation_id = "list_local_actions_of_action", security(("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the action"), ListLocalActions, IfNoneMatch),
    responses((status = 200, description = "A page of actions", body = ActionPage)),
)]
#[get("/v1/actions/{id}/local-actions")]
async fn list_of_action(
    caller: May<Read>,
    database: web::Data<Database>,
    PartId(id): PartId,
    Query(query): Query<ListLocalActions>,
) -> Result<ActionPage> {
    let (after, limit) = (place(query.cursor.as_ref())?, Some(query.limit.with_lookahead()));
    let work = move |tenant: &mut Tenant<'_>| service::list_of_action(tenant, id, after, limit);
    Ok(page(database.read(&caller.principal, work).await?, query.limit))
}

/// Start a local action
///
/// For a committee in which the token's person sits today in one of the municipality's reporting roles, or, with
/// `med.edit`, for any. `parent` names the plan's action that inspired it; `audience`, `after` and `invites_local` stay
/// out, since the committee alone has to do it. Its dates are those of the parent's strategy, unless it has its own.
#[utoipa::path(
    tag = "actions", operation_id = "create_local_action",
    security(("bearer" = ["med.report"]), ("bearer" = ["med.edit"])),
    params(("id" = String, Path, description = "Key or UUID of the committee", example = "lokal-med-hasselengskolen")),
    request_body(content = ActionBody, example = json!(example!("create_local_action_body"))),
    responses(
        (status = 201, description = "The new action", body = Action, example = json!(example!("create_local_action"))),
        MayNotActForCommittee,
        KeyTaken,
    ),
)]
#[post("/v1/committees/{id}/actions")]
async fn create(
    caller: May<Report>,
    database: web::Data<Database>,
    Target(target): Target,
    Body(body): Body<ActionBody>,
) -> Result<Row<Action>> {
    let reporter = Reporter::from_caller(&caller);
    let work = move |writer: &mut Writer<'_>| service::create(writer, &reporter, &target, body);
    let created = database.write(&caller.principal, work).await?;
    let location = format!("/v1/actions/{}", created.id());
    Ok(Row::created(created, location))
}
