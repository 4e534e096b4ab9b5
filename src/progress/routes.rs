//! HTTP for progress.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Progress;
use super::series::SeriesStep;
use super::sums::{ProgressQuery, ProgressSummary};
use super::{committees, plan};
use crate::auth::caller::Caller;
use crate::auth::guard::{May, ReadProgress};
use crate::db::change_log::{self, Newest};
use crate::db::types::{Id, RegisterKey};
use crate::db::{Database, Tenant};
use crate::http::entity_tag::{content_tag, is_current, tagged_as};
use crate::http::example::example;
use crate::http::format::{Format, ProgressFormat};
use crate::http::language::LanguageHeader;
use crate::http::page::{Cursor, PageLimit};
use crate::http::query::{self, Query};
use crate::http::row::{IfNoneMatch, PartId, Target};
use crate::language::Language;
use crate::period;
use crate::problem::{Problem, Result};

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(read_strategy)
        .service(read_focus_area)
        .service(read_objective)
        .service(read_action)
        .service(read_committee)
        .service(read_me);
}

/// The query parameters of progress.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ProgressParams {
    /// As of this day, with what was reported by then; today, unless said otherwise. From 1990 to twenty years ahead.
    #[serde(default, deserialize_with = "query::day_in_range")]
    on: Option<NaiveDate>,
    /// Whether to include the same one step down.
    #[serde(default)]
    children: bool,
    /// Whether to include the figures month by month.
    series: Option<SeriesStep>,
    /// Figures, or a drawing.
    format: Option<ProgressFormat>,
    /// Children a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page of children begins: its `next` on the page before.
    cursor: Option<Cursor>,
}

/// Read how far a strategy has come
///
/// Its focus areas stand one step down. A draft is answered like any other: as a preview. With `If-None-Match`, an
/// answer that hasn't changed costs next to nothing: ask as often as you like.
#[utoipa::path(
    tag = "strategies", operation_id = "read_strategy_progress",
    security(("bearer" = ["med.progress"]), ("bearer" = ["med.read"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the strategy", example = "med-plan-2025-2028"),
        ProgressParams,
        LanguageHeader,
        IfNoneMatch,
    ),
    responses(
        (
            status = 200, description = "The progress",
            content(
                (Progress = "application/json", example = json!(example!("strategy_progress"))),
                (String = "image/svg+xml", example = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
            ),
        ),
    ),
)]
#[get("/v1/strategies/{id}/progress")]
async fn read_strategy(
    caller: May<ReadProgress>,
    database: web::Data<Database>,
    request: HttpRequest,
    language: Language,
    Target(target): Target,
    Query(params): Query<ProgressParams>,
) -> Result<HttpResponse> {
    let request = ProgressRequest { caller: &caller, database: &database, request: &request, language, params };
    request.answer(move |tenant, query| plan::strategy(tenant, &target, query)).await
}

/// Read how far a focus area has come
///
/// Its actions stand one step down. With `If-None-Match`, an answer that hasn't changed costs next to nothing: ask as
/// often as you like.
#[utoipa::path(
    tag = "strategies", operation_id = "read_focus_area_progress",
    security(("bearer" = ["med.progress"]), ("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the focus area"), ProgressParams, LanguageHeader, IfNoneMatch),
    responses(
        (
            status = 200, description = "The progress",
            content(
                (Progress = "application/json", example = json!(example!("focus_area_progress"))),
                (String = "image/svg+xml", example = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
            ),
        ),
    ),
)]
#[get("/v1/focus-areas/{id}/progress")]
async fn read_focus_area(
    caller: May<ReadProgress>,
    database: web::Data<Database>,
    request: HttpRequest,
    language: Language,
    PartId(id): PartId,
    Query(params): Query<ProgressParams>,
) -> Result<HttpResponse> {
    let request = ProgressRequest { caller: &caller, database: &database, request: &request, language, params };
    request.answer(move |tenant, query| plan::focus_area(tenant, id, query)).await
}

/// Read how far an objective has come
///
/// The verdicts on the targets of its indicators. Actions belong to focus areas, not to objectives: the figures of
/// assignments are all 0.
#[utoipa::path(
    tag = "strategies", operation_id = "read_objective_progress",
    security(("bearer" = ["med.progress"]), ("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the objective"), ProgressParams, LanguageHeader, IfNoneMatch),
    responses(
        (
            status = 200, description = "The progress",
            content(
                (Progress = "application/json", example = json!(example!("objective_progress"))),
                (String = "image/svg+xml", example = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
            ),
        ),
    ),
)]
#[get("/v1/objectives/{id}/progress")]
async fn read_objective(
    caller: May<ReadProgress>,
    database: web::Data<Database>,
    request: HttpRequest,
    language: Language,
    PartId(id): PartId,
    Query(params): Query<ProgressParams>,
) -> Result<HttpResponse> {
    let request = ProgressRequest { caller: &caller, database: &database, request: &request, language, params };
    request.answer(move |tenant, query| plan::objective(tenant, id, query)).await
}

/// Read how far an action has come
///
/// The times that it is to be done stand one step down. `forerunners` are the actions that come first. With
/// `If-None-Match`, an answer that hasn't changed costs next to nothing: ask as often as you like.
#[utoipa::path(
    tag = "actions", operation_id = "read_action_progress",
    security(("bearer" = ["med.progress"]), ("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the action"), ProgressParams, LanguageHeader, IfNoneMatch),
    responses(
        (
            status = 200, description = "The progress",
            content(
                (Progress = "application/json", example = json!(example!("action_progress"))),
                (String = "image/svg+xml", example = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
            ),
        ),
    ),
)]
#[get("/v1/actions/{id}/progress")]
async fn read_action(
    caller: May<ReadProgress>,
    database: web::Data<Database>,
    request: HttpRequest,
    language: Language,
    PartId(id): PartId,
    Query(params): Query<ProgressParams>,
) -> Result<HttpResponse> {
    let request = ProgressRequest { caller: &caller, database: &database, request: &request, language, params };
    request.answer(move |tenant, query| plan::action(tenant, id, query)).await
}

/// Read how far a committee has come
///
/// The figures are its own assignments, `subtree` those and all below it; the committees right below it stand one step
/// down. What stands in drafts doesn't count. With `If-None-Match`, an answer that hasn't changed costs next to
/// nothing: ask as often as you like.
#[utoipa::path(
    tag = "committees", operation_id = "read_committee_progress",
    security(("bearer" = ["med.progress"]), ("bearer" = ["med.read"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the committee", example = "lokal-med-hasselengskolen"),
        ProgressParams,
        LanguageHeader,
        IfNoneMatch,
    ),
    responses(
        (
            status = 200, description = "The progress",
            content(
                (Progress = "application/json", example = json!(example!("committee_progress"))),
                (String = "image/svg+xml", example = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
            ),
        ),
    ),
)]
#[get("/v1/committees/{id}/progress")]
async fn read_committee(
    caller: May<ReadProgress>,
    database: web::Data<Database>,
    request: HttpRequest,
    language: Language,
    Target(target): Target,
    Query(params): Query<ProgressParams>,
) -> Result<HttpResponse> {
    let request = ProgressRequest { caller: &caller, database: &database, request: &request, language, params };
    request.answer(move |tenant, query| committees::committee(tenant, &target, query)).await
}

/// Read how far my committees have come
///
/// Those in which the token's person sits today: together, and, one step down, each by itself. Units that they lead are
/// not counted. A token whose person is nobody here, or sits nowhere, gets zeroes.
#[utoipa::path(
    tag = "people", operation_id = "read_my_progress",
    security(("bearer" = ["med.progress"]), ("bearer" = ["med.read"])),
    params(ProgressParams, LanguageHeader, IfNoneMatch),
    responses(
        (
            status = 200, description = "The progress",
            content(
                (Progress = "application/json", example = json!(example!("my_progress"))),
                (String = "image/svg+xml", example = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
            ),
        ),
    ),
)]
#[get("/v1/me/progress")]
async fn read_me(
    caller: May<ReadProgress>,
    database: web::Data<Database>,
    request: HttpRequest,
    language: Language,
    Query(params): Query<ProgressParams>,
) -> Result<HttpResponse> {
    let person: Option<RegisterKey> = caller.person.as_ref().and_then(|person| person.parse().ok());
    let request = ProgressRequest { caller: &caller, database: &database, request: &request, language, params };
    request.answer(move |tenant, query| committees::me(tenant, person.as_ref(), query)).await
}

/// A request for the progress of anything.
struct ProgressRequest<'a> {
    caller: &'a Caller,
    database: &'a Database,
    request: &'a HttpRequest,
    language: Language,
    params: ProgressParams,
}

impl ProgressRequest<'_> {
    /// Answers with the summary, unless the client has it already.
    async fn answer(
        self,
        summarize: impl FnOnce(&mut Tenant<'_>, ProgressQuery) -> Result<ProgressSummary> + Send + 'static,
    ) -> Result<HttpResponse> {
        let ProgressParams { on, children, series, format, limit, cursor } = &self.params;
        // One day for the answer and its tag, taken before anything is read: past midnight an answer may carry
        // yesterday's tag, which no later request matches, but never the other way round.
        let today = period::today();
        let on = on.unwrap_or(today);
        let days = (on, today);
        if self.request.headers().contains_key(header::IF_NONE_MATCH) {
            let newest = change_log::newest_in(self.database, &self.caller.principal.municipality).await?;
            let tag = self.tag(newest, days);
            if is_current(self.request, &tag) {
                return Ok(self.marked(tagged_as(&mut HttpResponse::Ok(), self.request, &tag, "", || Ok(Vec::new()))));
            }
        }
        let query = ProgressQuery { on, children: *children, series: series.is_some() };
        let work = move |tenant: &mut Tenant<'_>| Ok((change_log::newest(tenant)?, summarize(tenant, query)?));
        let (newest, summary) = self.database.read(&self.caller.principal, work).await?;
        let progress = Progress::new(&summary, self.language, *limit, cursor.as_ref())?;
        let format = format.map_or(Format::Json, Format::from);
        let body = match format {
            Format::Svg => progress.picture(self.language).into_bytes(),
            _ => serde_json::to_vec(&progress).map_err(Problem::internal)?,
        };
        let tag = self.tag(newest, days);
        Ok(self.marked(tagged_as(&mut HttpResponse::Ok(), self.request, &tag, format.media_type(), || Ok(body))))
    }

    fn marked(&self, mut answer: HttpResponse) -> HttpResponse {
        self.language.mark(&mut answer);
        answer
    }

    /// The entity tag, from all that the answer depends on: the request, the caller, the language, the requested day,
    /// today (seats are today's), and the newest change. The service's version stands for its texts.
    fn tag(&self, newest: Newest, days: (NaiveDate, NaiveDate)) -> String {
        let Caller { principal, person, .. } = self.caller;
        let asked = (self.request.path(), self.request.query_string(), self.language.tag(), days);
        let by = (&principal.municipality, &principal.issuer, person);
        content_tag(format!("{newest:?} {asked:?} {by:?} {}", env!("CARGO_PKG_VERSION")).as_bytes())
    }
}
