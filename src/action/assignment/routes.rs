//! HTTP for assignments.

use actix_web::{HttpRequest, get, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Assignment;
use super::service::{self, AssignmentsOf, Filter};
use super::stage::{Judgement, Stage};
use crate::auth::guard::{May, Read};
use crate::db::types::{Id, Reference};
use crate::db::{Database, Tenant};
use crate::http::format::ListFormat;
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::{self, Query};
use crate::http::row::{IfNoneMatch, PartId, Target};
use crate::http::table::{Listing, Tabular, max_rows};
use crate::period::{self, Period};
use crate::problem::Result;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_of_action).service(list_of_committee);
}

/// A page of assignments.
pub type AssignmentPage = Page<Assignment>;

impl Tabular for Assignment {
    const COLUMNS: &'static [&'static str] = &[
        "action",
        "action_id",
        "title",
        "is_local",
        "committee",
        "unit",
        "name",
        "level",
        "occurrence",
        "starts_on",
        "due_on",
        "stage",
        "judgement",
        "is_overdue",
        "is_stale",
        "is_ahead_of_forerunner",
        "report_id",
        "reported_at",
        "note",
        "minutes_url",
        "discussed_on",
    ];
}

/// The query parameters of a list of an action's assignments.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListAssignmentsOfAction {
    /// As of this day, with what was reported by then; today, unless said otherwise. From 1990 to twenty years ahead.
    #[serde(default, deserialize_with = "query::day_in_range")]
    on: Option<NaiveDate>,
    /// Only those at this stage.
    stage: Option<Stage>,
    /// Only those with this judgement.
    judgement: Option<Judgement>,
    /// Only those that are overdue, or only the others.
    overdue: Option<bool>,
    /// Only those that are stale, or only the others.
    stale: Option<bool>,
    /// Only those of this time.
    #[param(example = "2026-H1")]
    occurrence: Option<Period>,
    /// Only those of committees at this level: key or UUID.
    #[param(example = "lokal-med")]
    level: Option<Reference>,
    /// Only those of this committee: key or UUID.
    #[param(example = "lokal-med-hasselengskolen")]
    committee: Option<Reference>,
    /// Only those of this unit: key or UUID.
    unit: Option<Reference>,
    /// In which form; else by `Accept`.
    format: Option<ListFormat>,
    /// Rows a page; CSV holds every row.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// List the assignments of an action
///
/// Who has to do it, which time, and how far they are: from the audience, the committee tree and the dates, with
/// what was last reported. By occurrence, then by the key of the committee or unit. Parents, levels and audiences are
/// today's, whatever day is asked for.
#[utoipa::path(
    tag = "actions", operation_id = "list_assignments_of_action", security(("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the action"), ListAssignmentsOfAction, IfNoneMatch),
    responses(
        (
            status = 200, description = "A page of assignments",
            content(
                (AssignmentPage = "application/json"),
                (String = "text/csv", example = "action,action_id,title,is_local,committee\r\n"),
            ),
        ),
    ),
)]
#[get("/v1/actions/{id}/assignments")]
async fn list_of_action(
    caller: May<Read>,
    database: web::Data<Database>,
    request: HttpRequest,
    PartId(id): PartId,
    Query(query): Query<ListAssignmentsOfAction>,
) -> Result<Listing<Assignment>> {
    let ListAssignmentsOfAction { on, stage, judgement, overdue, stale, occurrence, level, committee, unit, .. } =
        query;
    let filter = Filter { stage, judgement, overdue, stale, occurrence, level, committee, unit, ..Filter::default() };
    let options = ListOptions { on, format: query.format, limit: query.limit, cursor: query.cursor };
    answer(caller, database, &request, AssignmentsOf::Action(id), filter, options).await
}

/// The query parameters of a list of a committee's assignments.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListAssignmentsOfCommittee {
    /// As of this day, with what was reported by then; today, unless said otherwise. From 1990 to twenty years ahead.
    #[serde(default, deserialize_with = "query::day_in_range")]
    on: Option<NaiveDate>,
    /// Only those at this stage.
    stage: Option<Stage>,
    /// Only those with this judgement.
    judgement: Option<Judgement>,
    /// Only those that are overdue, or only the others.
    overdue: Option<bool>,
    /// Only those that are stale, or only the others.
    stale: Option<bool>,
    /// Only those of this time.
    #[param(example = "2026-H1")]
    occurrence: Option<Period>,
    /// Only those of this strategy, and what it inspired: key or UUID.
    #[param(example = "med-plan-2025-2028")]
    strategy: Option<Reference>,
    /// Only what the committee started by itself, or only what plans ask of it.
    local: Option<bool>,
    /// In which form; else by `Accept`.
    format: Option<ListFormat>,
    /// Rows a page; CSV holds every row.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// List a committee's assignments
///
/// All that plans ask of it, and what it started by itself; not what stands in drafts. By action, then by occurrence.
#[utoipa::path(
    tag = "committees", operation_id = "list_assignments_of_committee", security(("bearer" = ["med.read"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the committee", example = "lokal-med-hasselengskolen"),
        ListAssignmentsOfCommittee,
        IfNoneMatch,
    ),
    responses(
        (
            status = 200, description = "A page of assignments",
            content(
                (AssignmentPage = "application/json"),
                (String = "text/csv", example = "action,action_id,title,is_local,committee\r\n"),
            ),
        ),
    ),
)]
#[get("/v1/committees/{id}/assignments")]
async fn list_of_committee(
    caller: May<Read>,
    database: web::Data<Database>,
    request: HttpRequest,
    Target(target): Target,
    Query(query): Query<ListAssignmentsOfCommittee>,
) -> Result<Listing<Assignment>> {
    let ListAssignmentsOfCommittee { on, stage, judgement, overdue, stale, occurrence, strategy, local, .. } = query;
    let filter = Filter { stage, judgement, overdue, stale, occurrence, strategy, local, ..Filter::default() };
    let options = ListOptions { on, format: query.format, limit: query.limit, cursor: query.cursor };
    answer(caller, database, &request, AssignmentsOf::Committee(target), filter, options).await
}

/// The query parameters that both lists share.
struct ListOptions {
    on: Option<NaiveDate>,
    format: Option<ListFormat>,
    limit: PageLimit,
    cursor: Option<Cursor>,
}

async fn answer(
    caller: May<Read>,
    database: web::Data<Database>,
    request: &HttpRequest,
    of: AssignmentsOf,
    filter: Filter,
    options: ListOptions,
) -> Result<Listing<Assignment>> {
    let on = options.on.unwrap_or_else(period::today);
    let format = ListFormat::negotiate(options.format, request);
    let most = max_rows(format, options.limit, options.cursor.as_ref())?.and_then(|most| usize::try_from(most).ok());
    let after = options.cursor.as_ref().map(Cursor::place).transpose()?;
    let work = move |tenant: &mut Tenant<'_>| service::list(tenant, &of, &filter, on, after, most);
    let rows = database.read(&caller.principal, work).await?;
    Listing::of(rows, format, options.limit, Assignment::position)
}
