//! HTTP for reports.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder, get, post, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Report, ReportBody};
use super::reporter::Reporter;
use super::service::{self, CreatedReport};
use super::store::Filter;
use crate::auth::caller::Caller;
use crate::auth::guard::{self, May, Read};
use crate::auth::scope::Scope;
use crate::db::access_log::Access;
use crate::db::types::{Id, Reference};
use crate::db::{Database, Tenant};
use crate::http::body::Body;
use crate::http::format::ListFormat;
use crate::http::idempotency::{IdempotencyHeader, IdempotencyKey, REPLAYED};
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::Query;
use crate::http::responses::problem_responses;
use crate::http::row::{IfNoneMatch, PartId, Row, Versioned};
use crate::http::table::{Listing, Tabular, max_rows};
use crate::period::Period;
use crate::problem::Result;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read);
}

/// The query parameters of a list of reports.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListReports {
    /// Only reports of this committee: key or UUID.
    #[param(example = "lokal-med-hasselengskolen")]
    committee: Option<Reference>,
    /// Only reports of this unit: key or UUID.
    unit: Option<Reference>,
    /// Only reports for this time.
    #[param(example = "2026-H1")]
    occurrence: Option<Period>,
    /// In which form; else by `Accept`.
    format: Option<ListFormat>,
    /// Rows a page; CSV holds every row.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of reports.
pub type ReportPage = Page<Report>;

impl Versioned for Report {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        1
    }

    /// Answers differ by scope: with `reported_by`, or without.
    fn variant(&self) -> Option<String> {
        self.reported_by.as_ref().map(ToString::to_string)
    }
}

impl Tabular for Report {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "action",
        "action_id",
        "committee",
        "unit",
        "occurrence",
        "stage",
        "judgement",
        "note",
        "minutes_url",
        "discussed_on",
        "reported_by",
        "reported_at",
    ];
}

/// Only those who keep the employees' register see who reported.
fn sees_reporter(caller: &Caller) -> bool {
    caller.scopes.holds(Scope::Hr)
}

/// List the reports on an action
///
/// The newest first; all that was ever reported, what was corrected included. Who reported is for `med.hr` alone, and
/// leaves a row in the access log.
#[utoipa::path(
    tag = "actions", operation_id = "list_reports", security(("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the action"), ListReports, IfNoneMatch),
    responses(
        (
            status = 200, description = "A page of reports",
            content(
                (ReportPage = "application/json"),
                (String = "text/csv", example = "id,action,action_id,committee,unit\r\n"),
            ),
        ),
    ),
)]
#[get("/v1/actions/{id}/reports")]
async fn list(
    caller: May<Read>,
    database: web::Data<Database>,
    request: HttpRequest,
    PartId(id): PartId,
    Query(query): Query<ListReports>,
) -> Result<Listing<Report>> {
    let ListReports { committee, unit, occurrence, format, limit, cursor } = query;
    let format = ListFormat::negotiate(format, &request);
    let most = max_rows(format, limit, cursor.as_ref())?;
    let before = cursor.as_ref().map(Cursor::place).transpose()?;
    let filter = Filter { committee, unit, occurrence, before, ..Filter::default() };
    let sees_reporter = sees_reporter(&caller);
    let work = move |tenant: &mut Tenant<'_>| service::list(tenant, id, filter, most, sees_reporter);
    let rows = database.read(&caller.principal, work).await?;
    let answered = rows.iter().take(most.map_or(usize::MAX, |_| limit.rows()));
    let with_reporter = answered.filter(|report| report.reported_by.is_some()).count();
    if with_reporter > 0 {
        let access = Access { operation: "list_reports", employee_id: None, rows: with_reporter };
        database.log_access(&caller.principal, access).await?;
    }
    Listing::of(rows, format, limit, |last| (last.reported_at, last.id))
}

problem_responses! {
    /// The token lacks a scope, or its person doesn't report for this committee or unit (`may-not-report`)
    MayNotReportHere = MayNotReport;
    /// The body breaks a rule, or the Idempotency-Key came with another one before (`idempotency-key-reused`)
    ReportRefused = InvalidBody;
}

/// Report on an action
///
/// For a committee in which the token's person sits today in one of the municipality's reporting roles, for a unit that
/// they lead, or, with `med.edit`, for any. A report is never changed: to correct one, send another. With an
/// `Idempotency-Key` it may be sent again until an answer arrives; an answer that was given before carries
/// `Idempotency-Replayed: true`.
#[utoipa::path(
    tag = "actions", operation_id = "create_report", security(("bearer" = ["med.report"]), ("bearer" = ["med.edit"])),
    params(("id" = Id, Path, description = "UUID of the action"), IdempotencyHeader),
    request_body = ReportBody,
    responses(
        (
            status = 201, description = "The report", body = Report,
            headers(
                (
                    "Idempotency-Replayed" = String,
                    description = "`true`, where the same was sent before with the same Idempotency-Key"
                ),
            ),
        ),
        MayNotReportHere,
        ReportRefused,
    ),
)]
#[post("/v1/actions/{id}/reports")]
async fn create(
    caller: May<guard::Report>,
    database: web::Data<Database>,
    request: HttpRequest,
    PartId(id): PartId,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<ReportBody>,
) -> Result<HttpResponse> {
    let (reporter, sees_reporter) = (Reporter::from_caller(&caller), sees_reporter(&caller));
    let created = database
        .write(&caller.principal, move |writer| {
            let created = service::create(writer, &reporter, id, body, key.as_deref(), sees_reporter)?;
            if created.report.reported_by.is_some() {
                writer.log_access(Access { operation: "create_report", employee_id: None, rows: 1 })?;
            }
            Ok(created)
        })
        .await?;
    let CreatedReport { report, is_replayed } = created;
    let location = format!("/v1/reports/{}", report.id);
    let mut answer = Row::created(report, location).respond_to(&request);
    if is_replayed {
        answer.headers_mut().insert(HeaderName::from_static(REPLAYED), HeaderValue::from_static("true"));
    }
    Ok(answer)
}

/// Read a report
#[utoipa::path(
    tag = "actions", operation_id = "read_report", security(("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the report"), IfNoneMatch),
    responses((status = 200, description = "The report", body = Report)),
)]
#[get("/v1/reports/{id}")]
async fn read(caller: May<Read>, database: web::Data<Database>, PartId(id): PartId) -> Result<Row<Report>> {
    let sees_reporter = sees_reporter(&caller);
    let report = database.read(&caller.principal, move |tenant| service::read(tenant, id, sees_reporter)).await?;
    if report.reported_by.is_some() {
        let access = Access { operation: "read_report", employee_id: None, rows: 1 };
        database.log_access(&caller.principal, access).await?;
    }
    Ok(Row::read(report))
}
