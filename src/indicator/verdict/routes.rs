//! HTTP for verdicts.

use actix_web::{HttpRequest, HttpResponse, Responder, get, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Input, InputKind, Verdict, VerdictKind, service};
use crate::auth::guard::{May, ReadIndicators};
use crate::auth::scope::Scope;
use crate::db::types::{Id, Key, Reference};
use crate::db::{Database, Tenant};
use crate::http::entity_tag::Tagged;
use crate::http::language::LanguageHeader;
use crate::http::query::{self, Query};
use crate::http::row::{IfNoneMatch, Target};
use crate::indicator::model::Indicator;
use crate::indicator::number;
use crate::indicator::target::TargetRule;
use crate::language::Language;
use crate::period::{self, Period};
use crate::problem::Result;
use crate::text::ShortText;

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list);
}

/// A number that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct VerdictInput {
    /// What it has to do with the verdict.
    pub kind: InputKind,
    /// Its period; null = no date is set for the target.
    pub period: Option<Period>,
    /// The number; null where it is hidden.
    #[serde(serialize_with = "number::optional::serialize")]
    #[schema(example = 11.4)]
    pub value: Option<f64>,
    /// Whether it may still change.
    pub is_provisional: bool,
    /// Whether it is hidden: it is about few people, or a number about few people could be computed from it.
    pub is_suppressed: bool,
}

impl From<&Input> for VerdictInput {
    fn from(input: &Input) -> Self {
        let Input { kind, period, value, is_provisional, is_suppressed } = *input;
        Self { kind, period, value, is_provisional, is_suppressed }
    }
}

/// Whether a target is met, and why.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TargetVerdict {
    /// Which of the indicator's targets: 0 is the first.
    pub target: usize,
    /// What it asks for.
    pub rule: TargetRule,
    /// The unit that it is for; null = the whole municipality.
    pub unit: Option<Reference>,
    /// By when it is to be met: the target's own period, else the one in which the objective's strategy ends; null
    /// where neither is known.
    pub period: Option<Period>,
    /// The verdict.
    pub verdict: VerdictKind,
    /// Why, in one sentence.
    #[schema(example = "5,3 % i juni 2026: målet om højst 5,1 % er ikke nået.")]
    pub reason: String,
    /// Whether one of the numbers may still change.
    pub is_provisional: bool,
    /// Whether one of the numbers is hidden from the reader: then the verdict is `no_data`.
    pub is_suppressed: bool,
    /// The numbers that it rests on.
    pub inputs: Vec<VerdictInput>,
}

/// The verdicts of an indicator's targets.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct IndicatorVerdicts {
    /// The indicator's id.
    pub id: Id,
    /// Its key.
    pub key: Key,
    /// What it is called.
    pub title: ShortText,
    /// The day of the verdicts.
    pub on: NaiveDate,
    /// One verdict for each target, in the order of the targets.
    pub items: Vec<TargetVerdict>,
}

impl IndicatorVerdicts {
    fn new(indicator: &Indicator, verdicts: &[Verdict], on: NaiveDate, language: Language) -> Self {
        let body = &indicator.body;
        let item = |(n, verdict): (usize, &Verdict)| {
            let target = body.targets.get(n)?;
            Some(TargetVerdict {
                target: n,
                rule: target.rule,
                unit: target.unit.clone(),
                period: verdict.due,
                verdict: verdict.kind,
                reason: verdict.reason(body, target, language),
                is_provisional: verdict.is_provisional,
                is_suppressed: verdict.is_suppressed,
                inputs: verdict.inputs.iter().map(Into::into).collect(),
            })
        };
        let items = verdicts.iter().enumerate().filter_map(item).collect();
        Self { id: indicator.id(), key: body.key.clone(), title: body.title.clone(), on, items }
    }
}

/// The day of the verdicts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListVerdicts {
    /// As of this day: values of periods that begin later don't count. Values count as they are now, revised ones
    /// included. Today, unless said otherwise. From 1990 to twenty years ahead.
    #[serde(default, deserialize_with = "query::day_in_range")]
    on: Option<NaiveDate>,
}

/// List the verdicts of an indicator's targets
///
/// For each target: whether it is met, or is on course to be, the numbers that the verdict rests on, and the reason in
/// one sentence. Where one of these numbers is hidden from the reader, the verdict is `no_data`.
#[utoipa::path(
    tag = "indicators", operation_id = "list_verdicts",
    security(("bearer" = ["med.read"]), ("bearer" = ["med.measure"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the indicator", example = "sygefravaer"),
        ListVerdicts,
        LanguageHeader,
        IfNoneMatch,
    ),
    responses((status = 200, description = "The verdicts", body = IndicatorVerdicts)),
)]
#[get("/v1/indicators/{id}/verdicts")]
async fn list(
    caller: May<ReadIndicators>,
    database: web::Data<Database>,
    request: HttpRequest,
    language: Language,
    Target(target): Target,
    Query(ListVerdicts { on }): Query<ListVerdicts>,
) -> Result<HttpResponse> {
    let on = on.unwrap_or_else(period::today);
    let sees_all = caller.scopes.holds(Scope::Measure);
    let work = move |tenant: &mut Tenant<'_>| {
        let (indicator, verdicts) = service::verdicts_of(tenant, &target, on, sees_all)?;
        Ok(IndicatorVerdicts::new(&indicator, &verdicts, on, language))
    };
    let verdicts = database.read(&caller.principal, work).await?;
    let mut answer = Tagged(verdicts).respond_to(&request);
    language.mark(&mut answer);
    Ok(answer)
}
