//! HTTP for proposals.

use actix_web::{get, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{Proposal, ProposalKind, proposals};
use super::store;
use crate::auth::guard::{May, People};
use crate::db::Database;
use crate::http::language::LanguageHeader;
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::{self, Query};
use crate::http::row::IfNoneMatch;
use crate::language::Language;
use crate::period;
use crate::problem::Result;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list);
}

/// A filter of proposals.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListProposals {
    /// Only proposals of this kind.
    kind: Option<ProposalKind>,
    /// As things stand on this day; today, unless said otherwise.
    #[serde(default, deserialize_with = "query::day")]
    on: Option<chrono::NaiveDate>,
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of proposals.
pub type ProposalPage = Page<Proposal>;

/// List what should be decided about committees
///
/// Workplaces that crossed their level's `staff_meeting_below`, committees whose unit has ended, seats whose holder has
/// left, committees without chair or safety representative, in the order of the committees' keys. Nothing of it happens
/// by itself.
#[utoipa::path(
    tag = "committees", operation_id = "list_committee_proposals", security(("bearer" = ["med.hr"])),
    params(ListProposals, LanguageHeader, IfNoneMatch),
    responses((status = 200, description = "A page of proposals", body = ProposalPage)),
)]
#[get("/v1/committee-proposals")]
async fn list(
    caller: May<People>,
    database: web::Data<Database>,
    language: Language,
    Query(query): Query<ListProposals>,
) -> Result<ProposalPage> {
    let ListProposals { kind, on, limit, cursor } = query;
    let on = on.unwrap_or_else(period::today);
    let facts = database.read(&caller.principal, move |tenant| store::facts(tenant, on)).await?;
    let mut proposals = proposals(&facts, language);
    proposals.retain(|proposal| kind.is_none_or(|kind| proposal.kind == kind));
    Ok(Page::slice(proposals, limit, cursor.as_ref())?.written_in(language))
}
