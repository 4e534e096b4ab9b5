//! HTTP for committees.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Committees;
use super::model::{Committee, CommitteeBody, CommitteeForm};
use super::service;
use super::store::{self, Filter};
use super::tree::CommitteeTree;
use crate::auth::guard::{EditOrganisation, May, ReadOrganisation};
use crate::db::types::Reference;
use crate::db::{Database, Writer};
use crate::http::body::{Body, Patch};
use crate::http::entity_tag::Tagged;
use crate::http::format::ListFormat;
use crate::http::method;
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::{self, Query};
use crate::http::responses::{KeyTaken, StillReferenced, UnknownId};
use crate::http::row::{IfMatch, IfNoneMatch, PutConditions, Row, Target};
use crate::http::table::{Listing, Tabular, max_rows};
use crate::period;
use crate::problem::Result;
use crate::resource::{self, Precondition, Replacement};
use crate::text::SearchText;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    // The tree stands before the committees' keys, of which it would otherwise be one.
    config
        .service(list)
        .service(create)
        .service(read_tree)
        .route("/v1/committees/tree", web::route().to(method::method_not_allowed))
        .service(read)
        .service(replace)
        .service(change)
        .service(delete);
}

/// Which committees are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListCommittees {
    /// Only committees of this level: key or UUID.
    #[param(example = "lokal-med")]
    level: Option<Reference>,
    /// Only committees right under this one: key or UUID.
    #[param(example = "center-med-boern")]
    parent: Option<Reference>,
    /// Only committees anywhere under this one: key or UUID.
    #[param(example = "hoved-med")]
    ancestor: Option<Reference>,
    /// Only committees of this form.
    form: Option<CommitteeForm>,
    /// Only committees that cover this unit: key or UUID.
    #[param(example = "skolen-ved-aaen")]
    unit: Option<Reference>,
    /// Only committees that exist on this day.
    #[serde(default, deserialize_with = "query::day")]
    on: Option<chrono::NaiveDate>,
    /// Only committees whose name or key contains this; case and accents don't matter.
    #[param(example = "skole")]
    q: Option<SearchText>,
    /// In which form; else by `Accept`.
    format: Option<ListFormat>,
    /// Rows a page; CSV holds every row.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of committees.
pub type CommitteePage = Page<Committee>;

/// List committees
///
/// In the order of their keys.
#[utoipa::path(
    tag = "committees", operation_id = "list_committees", security(("bearer" = ["med.read"]), ("bearer" = ["med.hr"])),
    params(ListCommittees, IfNoneMatch),
    responses(
        (
            status = 200, description = "A page of committees",
            content((CommitteePage = "application/json"), (String = "text/csv", example = "key,name,level\r\n")),
        ),
    ),
)]
#[get("/v1/committees")]
async fn list(
    caller: May<ReadOrganisation>,
    database: web::Data<Database>,
    request: HttpRequest,
    Query(wanted): Query<ListCommittees>,
) -> Result<Listing<Committee>> {
    let ListCommittees { level, parent, ancestor, form, unit, on, q, format, limit, cursor } = wanted;
    let format = ListFormat::negotiate(format, &request);
    let most = max_rows(format, limit, cursor.as_ref())?;
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let filter = Filter { level, parent, ancestor, form, unit, on, q, after, ..Filter::default() };
    let rows = database.read(&caller.principal, move |tenant| store::list(tenant, filter, most)).await?;
    Listing::of(rows, format, limit, |last| last.body.key.clone())
}

impl Tabular for Committee {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "key",
        "name",
        "level",
        "parent",
        "form",
        "mandate",
        "units",
        "starts_on",
        "ends_on",
        "managed_by",
        "version",
        "created_at",
        "updated_at",
    ];
}

/// Which day is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TreeOn {
    /// The committees that exist on this day; today, unless said otherwise.
    #[serde(default, deserialize_with = "query::day")]
    on: Option<chrono::NaiveDate>,
}

/// Read the whole tree of committees
///
/// In one answer, nested. Parents and levels are today's; a committee whose parent doesn't exist on the day hangs
/// below the nearest one above that does.
#[utoipa::path(
    tag = "committees", operation_id = "read_committee_tree",
    security(("bearer" = ["med.read"]), ("bearer" = ["med.hr"])),
    params(TreeOn, IfNoneMatch),
    responses((status = 200, description = "The tree", body = CommitteeTree)),
)]
#[get("/v1/committees/tree")]
async fn read_tree(
    caller: May<ReadOrganisation>,
    database: web::Data<Database>,
    Query(wanted): Query<TreeOn>,
) -> Result<Tagged<CommitteeTree>> {
    let on = wanted.on.unwrap_or_else(period::today);
    database.read(&caller.principal, move |tenant| service::read_tree(tenant, on)).await.map(Tagged)
}

/// Create a committee
#[utoipa::path(
    tag = "committees", operation_id = "create_committee", security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    request_body = CommitteeBody,
    responses(
        (status = 201, description = "The new committee", body = Committee),
        KeyTaken,
    ),
)]
#[post("/v1/committees")]
async fn create(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Body(wanted): Body<CommitteeBody>,
) -> Result<Row<Committee>> {
    let created =
        database.write(&caller.principal, move |writer| resource::create::<Committees>(writer, wanted)).await?;
    Ok(Row::created_in("/v1/committees", created))
}

/// Read a committee
#[utoipa::path(
    tag = "committees", operation_id = "read_committee", security(("bearer" = ["med.read"]), ("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "lokal-med-skolen-ved-aaen"), IfNoneMatch),
    responses((status = 200, description = "The committee", body = Committee)),
)]
#[get("/v1/committees/{id}")]
async fn read(
    caller: May<ReadOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
) -> Result<Row<Committee>> {
    database.read(&caller.principal, move |tenant| resource::read::<Committees>(tenant, &target)).await.map(Row::read)
}

/// What PUT takes: also what GET answers, as it is.
pub type CommitteePut = Replacement<CommitteeBody>;

/// Create or replace a committee
///
/// Creates under the key in the address, or replaces the whole row: what the body leaves out gets its default.
#[utoipa::path(
    tag = "committees", operation_id = "replace_committee",
    security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    params(
        (
            "id" = String, Path, description = "Key, or the UUID of an existing row",
            example = "lokal-med-skolen-ved-aaen",
        ),
        PutConditions,
    ),
    request_body = CommitteePut,
    responses(
        (status = 200, description = "The committee as it is now", body = Committee),
        (status = 201, description = "The new committee", body = Committee),
        UnknownId,
    ),
)]
#[put("/v1/committees/{id}")]
async fn replace(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    replacement: CommitteePut,
) -> Result<Row<Committee>> {
    let work =
        move |writer: &mut Writer<'_>| resource::replace::<Committees>(writer, &target, &precondition, replacement);
    let outcome = database.write(&caller.principal, work).await?;
    Ok(Row::put_in("/v1/committees", outcome))
}

/// Change a committee
#[utoipa::path(
    tag = "committees", operation_id = "change_committee", security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "lokal-med-skolen-ved-aaen"), IfMatch),
    request_body(content = CommitteeBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The committee as it is now", body = Committee)),
)]
#[patch("/v1/committees/{id}")]
async fn change(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
    patch: Patch,
) -> Result<Row<Committee>> {
    let work = move |writer: &mut Writer<'_>| {
        resource::change::<Committees>(writer, &target, &precondition, |committee| patch.apply(committee))
    };
    database.write(&caller.principal, work).await.map(Row::read)
}

/// Delete a committee
///
/// Only a committee to which nothing refers can be deleted; others end: give them an `ends_on`.
#[utoipa::path(
    tag = "committees", operation_id = "delete_committee", security(("bearer" = ["med.edit"]), ("bearer" = ["med.hr"])),
    params(("id" = String, Path, description = "Key or UUID", example = "lokal-med-skolen-ved-aaen"), IfMatch),
    responses(
        (status = 204, description = "The committee is gone"),
        StillReferenced,
    ),
)]
#[delete("/v1/committees/{id}")]
async fn delete(
    caller: May<EditOrganisation>,
    database: web::Data<Database>,
    Target(target): Target,
    precondition: Precondition,
) -> Result<HttpResponse> {
    let work = move |writer: &mut Writer<'_>| resource::delete::<Committees>(writer, &target, &precondition);
    database.write(&caller.principal, work).await?;
    Ok(HttpResponse::NoContent().finish())
}
