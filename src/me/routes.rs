//! HTTP for the person behind the token.

use actix_web::{get, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Me;
use super::store::{self, Person};
use crate::auth::guard::{Anyone, May};
use crate::auth::scope::Scope;
use crate::db::Database;
use crate::http::entity_tag::Tagged;
use crate::http::row::IfNoneMatch;
use crate::period;
use crate::problem::Result;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read);
}

/// Read who the token's person is
///
/// With the committees in which they sit today, and those above their workplace. The person is the employee whose key
/// is exactly what the issuer's person claim says (`sub`, unless the settings name another); nobody is guessed by name
/// or e-mail. Everybody may read their own data, so that this leaves no row in the access log.
#[utoipa::path(
    tag = "people", operation_id = "read_me",
    security(
        ("bearer" = ["med.read"]), ("bearer" = ["med.progress"]), ("bearer" = ["med.report"]),
        ("bearer" = ["med.edit"]),
        ("bearer" = ["med.measure"]), ("bearer" = ["med.hr"]), ("bearer" = ["med.audit"]),
    ),
    params(IfNoneMatch),
    responses((status = 200, description = "The token's person", body = Me)),
)]
#[get("/v1/me")]
async fn read(caller: May<Anyone>, database: web::Data<Database>) -> Result<Tagged<Me>> {
    let on = period::today();
    let claim = caller.person.clone();
    let person = database.read(&caller.principal, move |tenant| match claim {
        Some(claim) => store::person(tenant, &claim, on),
        None => Ok(Person::default()),
    });
    let Person { employee, memberships, chain } = person.await?;
    let scopes = Scope::ALL.iter().filter(|scope| caller.scopes.holds(**scope)).map(Scope::to_string).collect();
    let principal = caller.principal.clone();
    let (subject, issuer, municipality) = (principal.subject, principal.issuer, principal.municipality);
    Ok(Tagged(Me { subject, issuer, municipality, scopes, on, employee, memberships, chain }))
}
