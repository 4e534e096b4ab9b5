//! All routes, the head of the contract, and the docs page.

use actix_web::web::ServiceConfig as DocsConfig;
use actix_web::{App, HttpRequest, HttpResponse, Responder, get, web};
use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::hr_sync::csv::CsvSection;
use crate::http::contract::Contract;
use crate::http::entity_tag::tagged;
use crate::http::format::{ListFormat, ProgressFormat, ValueFormat, ValuesFormat};
use crate::http::page::{Cursor, PageLimit};
use crate::http::problem::ProblemAnswer;
use crate::http::responses::{KeyTaken, MayNotActForCommittee, StillReferenced, UnknownId};
use crate::http::{problem, row};
use crate::indicator::value::routes::ValueLimit;
use crate::problem::Result;
use crate::progress::series::SeriesStep;
use crate::text::SearchText;
use crate::{
    action, audit, bundle, committee, health, hr_sync, indicator, me, municipality, organisation, progress, strategy,
};

/// Every route.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .configure(municipality::routes::configure)
        .configure(committee::level::routes::configure)
        .configure(organisation::routes::configure)
        .configure(organisation::employee::routes::configure)
        .configure(committee::routes::configure)
        .configure(committee::membership::routes::configure)
        .configure(committee::proposal::routes::configure)
        .configure(me::routes::configure)
        .configure(hr_sync::routes::configure)
        .configure(strategy::routes::configure)
        .configure(strategy::part_routes::configure)
        .configure(action::routes::configure)
        .configure(action::local::routes::configure)
        .configure(action::assignment::routes::configure)
        .configure(action::report::routes::configure)
        .configure(progress::routes::configure)
        .configure(indicator::routes::configure)
        .configure(indicator::value::routes::configure)
        .configure(indicator::verdict::routes::configure)
        .configure(bundle::routes::configure)
        .configure(audit::routes::configure)
        .service(read_contract)
        .service(problem::describe)
        .service(health::livez)
        .service(health::readyz);
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "medstrategi",
        description = "A municipality's MED strategy work: strategies with focus areas, objectives and actions, and \
            the committees that carry them out.\n\n\
            Answers are JSON; lists of committees, members, employees, assignments and reports also CSV, progress \
            also pictures. Failures are `application/problem+json` (RFC 9457). Lists come in pages: follow `next`. \
            To change a row, send the ETag that you read in `If-Match`. Dates are inclusive; times are UTC. A client \
            that sends too many requests is answered 429: the `RateLimit` headers of every answer \
            (draft-ietf-httpapi-ratelimit-headers) say how many are left.",
        license(name = "EUPL-1.2", identifier = "EUPL-1.2"),
        contact(name = "Whoever runs this installation"),
    ),
    servers((url = "/", description = "This service")),
    tags(
        (name = "municipality", description = "The municipality that the token speaks for"),
        (name = "organisation", description = "Units: centres, departments, workplaces"),
        (name = "people", description = "Employees: personal data, only for the HR system; and the token's own person"),
        (name = "committees", description = "MED committees and their levels"),
        (name = "strategies", description = "Strategies, focus areas and objectives"),
        (name = "actions", description = "What the plans want done"),
        (name = "indicators", description = "What is measured, and how far it is to come"),
        (name = "bundles", description = "A whole municipality in one file"),
        (name = "audit", description = "What changed, when, by whom"),
        (name = "service", description = "The service itself"),
    ),
    components(
        // What no handler's attributes lead to: types of query parameters, and the failures that handlers name.
        schemas(
            ProblemAnswer, PageLimit, Cursor, SearchText, ListFormat, CsvSection, ProgressFormat, SeriesStep,
            ValueFormat, ValueLimit, ValuesFormat,
        ),
        responses(
            KeyTaken, MayNotActForCommittee, StillReferenced, UnknownId,
            action::report::routes::MayNotReportHere, action::report::routes::ReportRefused,
            health::NotReady,
            hr_sync::routes::WouldEndTooMuch,
            indicator::routes::HasValues, indicator::value::routes::UnknownSelection,
            organisation::employee::routes::EmploymentNotEnded,
            problem::UnknownKind,
            strategy::routes::PartStillReferenced,
        ),
    ),
    modifiers(&Security),
)]
struct Head;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
            "A token of an issuer that the service is set up for. Operations name the scopes of which one is needed.",
        ));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    }
}

/// The contract, collected from the routes.
pub fn contract() -> Result<Contract> {
    let (_, openapi) = App::new().into_utoipa_app().openapi(Head::openapi()).configure(routes).split_for_parts();
    Contract::new(openapi)
}

/// This contract
///
/// Made from the code that runs; `/docs/` shows it to readers.
#[utoipa::path(
    tag = "service", operation_id = "read_contract", params(row::IfNoneMatch),
    responses(
        (
            status = 200, description = "The OpenAPI document", content_type = "application/json", body = Object,
            example = json!({"openapi": "3.1.0"}),
        ),
    ),
)]
#[get("/v1/openapi.json")]
async fn read_contract(request: HttpRequest, contract: web::Data<Contract>) -> impl Responder {
    tagged(&mut HttpResponse::Ok(), &request, contract.tag(), || Ok(contract.text()))
}

/// The contract to browse. The page loads nothing from other hosts.
pub fn docs(config: &mut DocsConfig) {
    let ui = SwaggerUi::new("/docs/{_:.*}").config(Config::new(["/v1/openapi.json"]).use_base_layout());
    let style = || async { HttpResponse::Ok().content_type(mime::TEXT_CSS_UTF_8).body(include_str!("http/docs.css")) };
    config
        .route("/docs", web::get().to(|| async { web::Redirect::to("/docs/") }))
        .route("/docs/index.css", web::get().to(style))
        .service(ui);
}
