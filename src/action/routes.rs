//! HTTP for reading actions of all strategies. Changes to an action are in `strategy::part_routes`, with those to the
//! other parts of a strategy.

use actix_web::{get, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::assignment::snapshot::actions_with;
use super::assignment::stage::Stage;
use super::model::{Action, ActionKind};
use super::store::{self, Filter};
use crate::auth::guard::{May, Read};
use crate::db::types::{Id, Reference};
use crate::db::{Database, Tenant};
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::Query;
use crate::http::row::{IfNoneMatch, PartId, Row};
use crate::problem::{Problem, Result};
use crate::text::SearchText;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read);
}

/// The query parameters of a list of actions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListActions {
    /// Only actions of this strategy: key or UUID.
    #[param(example = "med-plan-2025-2028")]
    strategy: Option<Reference>,
    /// Only actions of this focus area: UUID.
    focus_area: Option<Id>,
    /// Only actions of this kind.
    kind: Option<ActionKind>,
    /// Only actions addressed to all committees at this level: key or UUID.
    #[param(example = "lokal-med")]
    level: Option<Reference>,
    /// Only actions addressed to this committee by name, or started by it: key or UUID.
    committee: Option<Reference>,
    /// Only actions addressed to this unit: key or UUID.
    unit: Option<Reference>,
    /// Only actions of which an assignment is at this stage today.
    stage: Option<Stage>,
    /// Only actions of which an assignment is overdue today, or only the others.
    overdue: Option<bool>,
    /// Only actions whose title, number, text or key contains this; case and accents don't matter.
    #[param(example = "sygefravær")]
    q: Option<SearchText>,
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// A page of actions.
pub type ActionPage = Page<Action>;

/// List actions
///
/// Of all strategies, and those that committees started by themselves, in the order of their keys. `path` says where
/// each one belongs.
#[utoipa::path(
    tag = "actions", operation_id = "list_actions", security(("bearer" = ["med.read"])),
    params(ListActions, IfNoneMatch),
    responses((status = 200, description = "A page of actions", body = ActionPage)),
)]
#[get("/v1/actions")]
async fn list(
    caller: May<Read>,
    database: web::Data<Database>,
    Query(wanted): Query<ListActions>,
) -> Result<ActionPage> {
    let ListActions { strategy, focus_area, kind, level, committee, unit, stage, overdue, q, limit, cursor } = wanted;
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let filter = Filter { strategy, focus_area, kind, level, committee, unit, q, after, ..Filter::default() };
    let most = Some(limit.with_lookahead());
    let work = move |tenant: &mut Tenant<'_>| {
        let ids = match (stage, overdue) {
            (None, None) => None,
            _ => Some(actions_with(tenant, stage, overdue)?),
        };
        store::list(tenant, Filter { ids, ..filter }, most)
    };
    let rows = database.read(&caller.principal, work).await?;
    let actions = rows.into_iter().map(|found| found.action).collect();
    Ok(Page::of(actions, limit, |last: &Action| (last.body.key.clone(), last.id())))
}

/// Read an action
#[utoipa::path(
    tag = "actions", operation_id = "read_action", security(("bearer" = ["med.read"])),
    params(("id" = Id, Path, description = "UUID of the action"), IfNoneMatch),
    responses((status = 200, description = "The action", body = Action)),
)]
#[get("/v1/actions/{id}")]
async fn read(caller: May<Read>, database: web::Data<Database>, PartId(id): PartId) -> Result<Row<Action>> {
    let work = move |tenant: &mut Tenant<'_>| {
        let filter = Filter { id: Some(id), ..Filter::default() };
        store::list(tenant, filter, Some(1))?.pop().ok_or_else(|| Problem::not_found("action"))
    };
    let found = database.read(&caller.principal, work).await?;
    Ok(Row::read(found.action))
}
