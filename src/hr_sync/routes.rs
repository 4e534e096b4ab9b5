//! HTTP for the HR sync.

use actix_web::web;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::csv::{self, CsvSection, Lines};
use super::model::{HrSync, SyncAnswer, SyncMode};
use super::run::{self, Wanted};
use crate::auth::guard::{May, People};
use crate::db::Database;
use crate::http::body::BulkBytes;
use crate::http::contract::Contract;
use crate::http::json;
use crate::http::language::LanguageHeader;
use crate::http::query::Query;
use crate::http::responses::problem_responses;
use crate::http::table::CsvBody;
use crate::language::Language;
use crate::metrics;
use crate::period;
use crate::problem::{Kind, Problem, Result};

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(sync);
}

/// How a file is to be taken.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SyncWanted {
    /// What the file says of the rows that it doesn't name.
    #[param(default = "delta")]
    mode: Option<SyncMode>,
    /// Whether this is a rehearsal: the answer is exactly that of the real run, and nothing is stored.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
    /// Lets this many rows of each section end or lose their place, where the municipality's `sync_guard` would let
    /// fewer pass.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 4_294_967_295_u32, example = 40)]
    max_ended: Option<u32>,
    /// Which section a CSV body is.
    section: Option<CsvSection>,
}

problem_responses! {
    /// The file would end more than the sync guard lets pass; `errors` lists the sections
    WouldEndTooMuch = SyncGuard;
}

/// Take a file of the HR system
///
/// Units, employees, committees and memberships; sections may be missing, and are then left alone. A field that is
/// absent stays as it is, null clears it. With `mode=snapshot`, what the HR system manages and a section no longer has
/// ends yesterday (or, where it has not begun by then, the day before its first, so that it never was), and who is
/// back without an end is reopened. Rows that an editor manages are left alone and counted as skipped. The file is
/// stored whole, in one transaction; with any fault, nothing is. Sending it again changes nothing. A file that would
/// end more of a section than the municipality's `sync_guard` lets pass is refused (409); so is one that would take as
/// many from their parent, unit, units or holder. Units and employees also come as CSV: `section` names which, the
/// first line names the fields, an empty cell is null, and the last line ends with a line break.
#[utoipa::path(
    tag = "people", operation_id = "sync_hr", security(("bearer" = ["med.hr"])),
    params(SyncWanted, LanguageHeader),
    request_body(content(
        (HrSync = "application/json"),
        (CsvBody = "text/csv", example = "key,name,unit,ends_on\nm-1042,Signe Overgaard,skolen-ved-aaen,\n"),
    )),
    responses(
        (status = 200, description = "What the sync came to", body = SyncAnswer),
        WouldEndTooMuch,
    ),
)]
#[post("/v1/hr-sync")]
async fn sync(
    caller: May<People>,
    database: web::Data<Database>,
    contract: web::Data<Contract>,
    language: Language,
    Query(wanted): Query<SyncWanted>,
    body: BulkBytes,
) -> Result<HttpResponse> {
    let dry_run = wanted.dry_run;
    let taken = take(caller, database, contract, language, wanted, body).await;
    metrics::count_sync(taken.as_ref().map_or_else(|problem| problem.kind.slug(), |_| "taken"), dry_run);
    let mut answer = HttpResponse::Ok().json(taken?);
    language.mark(&mut answer);
    Ok(answer)
}

async fn take(
    caller: May<People>,
    database: web::Data<Database>,
    contract: web::Data<Contract>,
    language: Language,
    wanted: SyncWanted,
    body: BulkBytes,
) -> Result<SyncAnswer> {
    let SyncWanted { mode, dry_run, max_ended, section } = wanted;
    let wanted = Wanted { mode: mode.unwrap_or(SyncMode::Delta), dry_run, max_ended, today: period::today(), language };
    let span = tracing::Span::current();
    let parse = move || span.in_scope(|| parse(&contract, &body, section));
    let (file, lines) = web::block(parse).await.map_err(Problem::internal)??;
    run::sync(&database, &caller.principal, file, wanted).await.map_err(|problem| match &lines {
        Some(lines) => lines.locate(problem),
        None => problem,
    })
}

/// Reads a body in either form; of a table, with the lines on which its rows stand.
fn parse(contract: &Contract, body: &BulkBytes, section: Option<CsvSection>) -> Result<(HrSync, Option<Lines>)> {
    match (body.is_csv, section) {
        (false, None) => Ok((contract.parse(json::parse(&body.bytes)?)?, None)),
        (true, Some(section)) => {
            let (file, lines) = csv::read(section, &body.bytes)?;
            let file = contract.parse(file).map_err(|problem| lines.locate(problem))?;
            Ok((file, Some(lines)))
        }
        (true, None) => Err(Problem::new(
            Kind::InvalidQuery,
            "Say which section the CSV body is: section=units or section=employees.",
        )),
        (false, Some(_)) => {
            Err(Problem::new(Kind::InvalidQuery, "A JSON body names its sections itself: leave 'section' out."))
        }
    }
}
