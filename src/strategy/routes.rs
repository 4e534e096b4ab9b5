//! HTTP for strategies: lists, and whole trees.

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{FocusArea, Strategy, StrategyBody, StrategyFields, StrategyKind, StrategyStatus, StrategySummary};
use super::service;
use super::store::{self, Filter};
use crate::auth::guard::{Edit, May, Read};
use crate::db::types::Id;
use crate::db::{Database, Writer};
use crate::http::body::{Body, Patch};
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::{self, Query};
use crate::http::responses::{KeyTaken, StillReferenced, UnknownId, problem_responses};
use crate::http::row::{IfMatch, IfNoneMatch, PutConditions, Row, Target, Versioned};
use crate::problem::Result;
use crate::resource::Precondition;
use crate::text::SearchText;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(replace).service(change).service(delete);
}

impl Versioned for Strategy {
    fn id(&self) -> Id {
        self.own.id()
    }

    fn version(&self) -> i32 {
        self.own.revision.version
    }
}

impl Versioned for FocusArea {
    fn id(&self) -> Id {
        self.own.id()
    }

    fn version(&self) -> i32 {
        self.own.revision.version
    }
}

/// Query parameters of the list of strategies.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListStrategies {
    /// Only strategies with this status.
    status: Option<StrategyStatus>,
    /// Only strategies of this kind.
    kind: Option<StrategyKind>,
    /// Only strategies whose period holds this day.
    #[serde(default, deserialize_with = "query::day")]
    on: Option<chrono::NaiveDate>,
    /// Only strategies whose title, headline or key contains this; case and accents don't matter.
    #[param(example = "trivsel")]
    q: Option<SearchText>,
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of strategies without their parts.
pub type StrategySummaryPage = Page<StrategySummary>;

/// List strategies
///
/// Without their parts, in the order of their keys.
#[utoipa::path(
    tag = "strategies", operation_id = "list_strategies", security(("bearer" = ["med.read"])),
    params(ListStrategies, IfNoneMatch),
    responses((status = 200, description = "A page of strategies", body = StrategySummaryPage)),
)]
#[get("/v1/strategies")]
async fn list(
    caller: May<Read>,
    database: web::Data<Database>,
    Query(query): Query<ListStrategies>,
) -> Result<StrategySummaryPage> {
    let ListStrategies { status, kind, on, q, limit, cursor } = query;
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let filter = Filter { status, kind, on, q, after, ..Filter::default() };
    let most = Some(limit.with_lookahead());
    let rows = database.read(&caller.principal, move |tenant| store::list(tenant, filter, most)).await?;
    Ok(Page::of(rows, limit, |last| last.body.key.clone()))
}

/// Create a strategy with all of its parts
#[utoipa::path(
    tag = "strategies", operation_id = "create_strategy", security(("bearer" = ["med.edit"])),
    request_body = StrategyBody,
    responses(
        (status = 201, description = "The new strategy", body = Strategy),
        KeyTaken,
    ),
)]
#[post("/v1/strategies")]
async fn create(
    caller: May<Edit>,
    database: web::Data<Database>,
    Body(body): Body<StrategyBody>,
) -> Result<Row<Strategy>> {
    let tree = database.write(&caller.principal, move |writer| service::create(writer, body)).await?;
    let location = location(&tree.strategy);
    Ok(Row::created(tree.strategy, location))
}

fn location(strategy: &Strategy) -> String {
    format!("/v1/strategies/{}", strategy.own.body.key)
}

/// Read a strategy with all of its parts
#[utoipa::path(
    tag = "strategies", operation_id = "read_strategy", security(("bearer" = ["med.read"])),
    params(("id" = String, Path, description = "Key or UUID", example = "med-plan-2025-2028"), IfNoneMatch),
    responses((status = 200, description = "The strategy", body = Strategy)),
)]
#[get("/v1/strategies/{id}")]
async fn read(caller: May<Read>, database: web::Data<Database>, Target(target): Target) -> Result<Row<Strategy>> {
    let tree = database.read(&caller.principal, move |tenant| store::existing_tree(tenant, &target)).await?;
    Ok(Row::read(tree.strategy))
}

problem_responses! {
    /// Something refers to a part that would go; `errors` lists what
    PartStillReferenced = InUse;
}

/// Create or replace a strategy with all of its parts
///
/// Parts are matched by key. A part that the body no longer has is removed, unless something refers to it.
#[utoipa::path(
    tag = "strategies", operation_id = "replace_strategy", security(("bearer" = ["med.edit"])),
    params(
        ("id" = String, Path, description = "Key, or the UUID of an existing row", example = "med-plan-2025-2028"),
        PutConditions,
    ),
    request_body = StrategyBody,
    responses(
        (status = 200, description = "The strategy as it is now", body = Strategy),
        (status = 201, description = "The new strategy", body = Strategy),
        UnknownId,
        PartStillReferenced,
    ),
)]
#[put("/v1/strategies/{id}")]
async fn replace(
    caller: May<Edit>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    Body(body): Body<StrategyBody>,
) -> Result<Row<Strategy>> {
    let work = move |writer: &mut Writer<'_>| service::replace(writer, &target, &precondition, body);
    let (tree, is_new) = database.write(&caller.principal, work).await?;
    let location = location(&tree.strategy);
    Ok(Row::put(tree.strategy, is_new, location))
}

/// Change a strategy's own fields
///
/// Its parts have addresses of their own, or are replaced with the whole tree.
#[utoipa::path(
    tag = "strategies", operation_id = "change_strategy", security(("bearer" = ["med.edit"])),
    params(("id" = String, Path, description = "Key or UUID", example = "med-plan-2025-2028"), IfMatch),
    request_body(content = StrategyFields, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The strategy as it is now", body = Strategy)),
)]
#[patch("/v1/strategies/{id}")]
async fn change(
    caller: May<Edit>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<Strategy>> {
    let work =
        move |writer: &mut Writer<'_>| service::change(writer, &target, &precondition, |fields| patch.apply(fields));
    let tree = database.write(&caller.principal, work).await?;
    Ok(Row::read(tree.strategy))
}

/// Delete a strategy with all of its parts
///
/// Only a strategy to which nothing refers can be deleted; others are closed.
#[utoipa::path(
    tag = "strategies", operation_id = "delete_strategy", security(("bearer" = ["med.edit"])),
    params(("id" = String, Path, description = "Key or UUID", example = "med-plan-2025-2028"), IfMatch),
    responses(
        (status = 204, description = "The strategy is gone"),
        StillReferenced,
    ),
)]
#[delete("/v1/strategies/{id}")]
async fn delete(
    caller: May<Edit>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
) -> Result<HttpResponse> {
    let work = move |writer: &mut Writer<'_>| service::delete(writer, &target, &precondition);
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}
