//! HTTP for bundles.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Bundle, ImportAnswer};
use super::{export, import};
use crate::auth::guard::{Administer, May};
use crate::db::Database;
use crate::db::access_log::Access;
use crate::http::body::{Body, BulkBody};
use crate::http::entity_tag::{content_tag, tagged};
use crate::http::query::Query;
use crate::http::row::IfNoneMatch;
use crate::problem::{Problem, Result};

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(import_bundle).service(export_bundle);
}

/// Import a bundle into the token's municipality
///
/// Adds and changes rows, never removes any; fields that the bundle leaves out get their default. All of it is
/// stored, or, where there is a fault, nothing. Importing the same bundle again changes nothing.
#[utoipa::path(
    tag = "bundles", operation_id = "import_bundle", security(("bearer" = ["med.admin"])),
    request_body = Bundle,
    responses(
        (status = 200, description = "What the import came to", body = ImportAnswer),
    ),
)]
#[post("/v1/import")]
async fn import_bundle(
    caller: May<Administer>,
    database: web::Data<Database>,
    Body(bundle): BulkBody<Bundle>,
) -> Result<web::Json<ImportAnswer>> {
    database.write(&caller.principal, move |writer| import::import(writer, bundle)).await.map(web::Json)
}

/// How a bundle is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HowExport {
    /// Whether the values of its indicators are wanted too: at most 300,000. More come as CSV from `/v1/values`.
    #[serde(default)]
    #[param(default = false)]
    values: bool,
}

/// Export the token's municipality as a bundle
///
/// Empty arrays, nulls, `false`, and `managed_by: editor` are left out; `objectives`, `actions` and the sections
/// always stand.
#[utoipa::path(
    tag = "bundles", operation_id = "export_bundle", security(("bearer" = ["med.admin"])),
    params(HowExport, IfNoneMatch),
    responses((status = 200, description = "The bundle", body = Bundle)),
)]
#[get("/v1/export")]
async fn export_bundle(
    caller: May<Administer>,
    database: web::Data<Database>,
    request: HttpRequest,
    Query(HowExport { values }): Query<HowExport>,
) -> Result<HttpResponse> {
    let work = move |tenant: &mut crate::db::Tenant<'_>| {
        let bundle = export::export(tenant, values)?;
        let people = bundle["employees"].as_array().map_or(0, Vec::len);
        Ok((serde_json::to_vec(&bundle).map_err(Problem::internal)?, people))
    };
    let (body, people) = database.read(&caller.principal, work).await?;
    if people > 0 {
        let access = Access { operation: "export_bundle", employee_id: None, rows: people };
        database.log_access(&caller.principal, access).await?;
    }
    let tag = content_tag(&body);
    Ok(tagged(&mut HttpResponse::Ok(), &request, &tag, || Ok(body)))
}
