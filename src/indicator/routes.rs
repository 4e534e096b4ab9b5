//! HTTP for indicators' definitions; their values and verdicts have routes of their own.

use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Indicators;
use super::model::{Frequency, Indicator, IndicatorBody, Method};
use super::store::{self, Filter};
use crate::auth::guard::{Edit, May, ReadIndicators};
use crate::db::types::{Id, Reference};
use crate::db::{Database, Writer};
use crate::http::body::{Body, Patch};
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::Query;
use crate::http::responses::{KeyTaken, UnknownId, problem_responses};
use crate::http::row::{IfMatch, IfNoneMatch, PutConditions, Row, Target};
use crate::period;
use crate::problem::Result;
use crate::resource::{self, Precondition, Replacement};
use crate::text::SearchText;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(replace).service(change).service(delete);
}

/// Which indicators are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListIndicators {
    /// Only indicators that tell about objectives of this strategy: key or UUID.
    #[param(example = "med-plan-2025-2028")]
    strategy: Option<Reference>,
    /// Only indicators that tell about this objective: UUID.
    objective: Option<Id>,
    /// Only indicators measured in this way.
    method: Option<Method>,
    /// Only indicators measured this often.
    frequency: Option<Frequency>,
    /// Only indicators that are retired today, or only the others.
    retired: Option<bool>,
    /// Only indicators whose title, definition, source or key contains this; case and accents don't matter.
    #[param(example = "fravær")]
    q: Option<SearchText>,
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of indicators.
pub type IndicatorPage = Page<Indicator>;

/// List indicators
///
/// In the order of their keys.
#[utoipa::path(
    tag = "indicators", operation_id = "list_indicators",
    security(("bearer" = ["med.read"]), ("bearer" = ["med.measure"])),
    params(ListIndicators, IfNoneMatch),
    responses((status = 200, description = "A page of indicators", body = IndicatorPage)),
)]
#[get("/v1/indicators")]
async fn list(
    caller: May<ReadIndicators>,
    database: web::Data<Database>,
    Query(wanted): Query<ListIndicators>,
) -> Result<IndicatorPage> {
    let ListIndicators { strategy, objective, method, frequency, retired, q, limit, cursor } = wanted;
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let retired = retired.map(|is_retired| (is_retired, period::today()));
    let filter = Filter { strategy, objective, method, frequency, retired, q, after, ..Filter::default() };
    let most = Some(limit.with_lookahead());
    let rows = database.read(&caller.principal, move |tenant| store::list(tenant, filter, most)).await?;
    Ok(Page::of(rows, limit, |last| last.body.key.clone()))
}

/// Create an indicator
#[utoipa::path(
    tag = "indicators", operation_id = "create_indicator", security(("bearer" = ["med.edit"])),
    request_body = IndicatorBody,
    responses(
        (status = 201, description = "The new indicator", body = Indicator),
        KeyTaken,
    ),
)]
#[post("/v1/indicators")]
async fn create(
    caller: May<Edit>,
    database: web::Data<Database>,
    Body(wanted): Body<IndicatorBody>,
) -> Result<Row<Indicator>> {
    let created =
        database.write(&caller.principal, move |writer| resource::create::<Indicators>(writer, wanted)).await?;
    Ok(Row::created_in("/v1/indicators", created))
}

/// Read an indicator
#[utoipa::path(
    tag = "indicators", operation_id = "read_indicator",
    security(("bearer" = ["med.read"]), ("bearer" = ["med.measure"])),
    params(("id" = String, Path, description = "Key or UUID", example = "sygefravaer"), IfNoneMatch),
    responses((status = 200, description = "The indicator", body = Indicator)),
)]
#[get("/v1/indicators/{id}")]
async fn read(
    caller: May<ReadIndicators>,
    database: web::Data<Database>,
    Target(target): Target,
) -> Result<Row<Indicator>> {
    database.read(&caller.principal, move |tenant| resource::read::<Indicators>(tenant, &target)).await.map(Row::read)
}

/// What PUT takes: also what GET answers, as it is.
pub type IndicatorPut = Replacement<IndicatorBody>;

/// Create or replace an indicator
///
/// Creates under the key in the address, or replaces the whole row: what the body leaves out gets its default.
#[utoipa::path(
    tag = "indicators", operation_id = "replace_indicator", security(("bearer" = ["med.edit"])),
    params(
        ("id" = String, Path, description = "Key, or the UUID of an existing row", example = "sygefravaer"),
        PutConditions,
    ),
    request_body = IndicatorPut,
    responses(
        (status = 200, description = "The indicator as it is now", body = Indicator),
        (status = 201, description = "The new indicator", body = Indicator),
        UnknownId,
    ),
)]
#[put("/v1/indicators/{id}")]
async fn replace(
    caller: May<Edit>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    replacement: IndicatorPut,
) -> Result<Row<Indicator>> {
    let work =
        move |writer: &mut Writer<'_>| resource::replace::<Indicators>(writer, &target, &precondition, replacement);
    let outcome = database.write(&caller.principal, work).await?;
    Ok(Row::put_in("/v1/indicators", outcome))
}

/// Change an indicator
#[utoipa::path(
    tag = "indicators", operation_id = "change_indicator", security(("bearer" = ["med.edit"])),
    params(("id" = String, Path, description = "Key or UUID", example = "sygefravaer"), IfMatch),
    request_body(content = IndicatorBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The indicator as it is now", body = Indicator)),
)]
#[patch("/v1/indicators/{id}")]
async fn change(
    caller: May<Edit>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<Indicator>> {
    let work = move |writer: &mut Writer<'_>| {
        resource::change::<Indicators>(writer, &target, &precondition, |indicator| patch.apply(indicator))
    };
    database.write(&caller.principal, work).await.map(Row::read)
}

problem_responses! {
    /// It has values
    HasValues = InUse;
}

/// Delete an indicator
///
/// Only an indicator without values can be deleted; others are retired: give them a `retired_on`.
#[utoipa::path(
    tag = "indicators", operation_id = "delete_indicator", security(("bearer" = ["med.edit"])),
    params(("id" = String, Path, description = "Key or UUID", example = "sygefravaer"), IfMatch),
    responses(
        (status = 204, description = "The indicator is gone"),
        HasValues,
    ),
)]
#[delete("/v1/indicators/{id}")]
async fn delete(
    caller: May<Edit>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
) -> Result<HttpResponse> {
    let work = move |writer: &mut Writer<'_>| resource::delete::<Indicators>(writer, &target, &precondition);
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}
