//! The values of benchmarks.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};

use super::answer::{IndicatorValuesPage, ValueItem};
use super::head;
use super::store::{self, BenchmarkValue};
use crate::auth::caller::Caller;
use crate::db::types::{Id, Key, Reference};
use crate::db::{Database, Tenant};
use crate::indicator::store as indicators;
use crate::period::Period;
use crate::problem::{Problem, Result};

/// The `{key}` of a benchmark in an address.
pub struct BenchmarkKey(pub Key);

impl FromRequest for BenchmarkKey {
    type Error = Problem;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let key = request.match_info().get("key").and_then(|key| key.parse().ok());
        ready(key.map(Self).ok_or_else(|| Problem::not_found("benchmark")))
    }
}

/// Answers a benchmark's values, all on one page: a period has one.
pub async fn answer(
    database: &Database,
    request: &HttpRequest,
    caller: &Caller,
    (target, key): (Reference, Key),
    (from, to): (Option<Period>, Option<Period>),
) -> Result<HttpResponse> {
    let work = move |tenant: &mut Tenant<'_>| {
        let indicator = head::head_of(tenant, &target)?;
        check_is_there(tenant, indicator.id, &key)?;
        let values = store::benchmark_values(tenant, &[indicator.id], Some(&key), Period::numbers(from, to))?;
        let items = values.into_iter().map(|value| item(&indicator.key, value)).collect();
        Ok(IndicatorValuesPage { indicator, items, next: None })
    };
    Ok(database.read(&caller.principal, work).await?.respond_to(request))
}

fn check_is_there(tenant: &mut Tenant<'_>, indicator: Id, key: &Key) -> Result<()> {
    let ids = indicators::benchmark_ids(tenant, &[indicator])?;
    ids.contains_key(&(indicator, key.clone())).then_some(()).ok_or_else(|| Problem::not_found("benchmark"))
}

fn item(indicator: &Key, value: BenchmarkValue) -> ValueItem {
    ValueItem {
        benchmark: Some(value.benchmark),
        value: Some(value.value),
        is_provisional: value.is_provisional,
        note: value.note,
        ..ValueItem::nothing(indicator, value.period, None, "")
    }
}
