//! Values as a table that is sent while it is read, so that a million of them fill no memory.

use std::ops::ControlFlow;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use super::answer::ValueItem;
use super::head::{self, IndicatorHead, Which};
use super::read::{self, Asked, Scope};
use crate::auth::caller::Caller;
use crate::db::change_log::{self, Newest};
use crate::db::{Database, Tenant};
use crate::http::entity_tag::{client_names, content_tag, tagged_as, vary_by};
use crate::http::table::{Format, TableWriter};
use crate::period;
use crate::problem::{Problem, Result};

/// The columns of a table of values.
pub const COLUMNS: &[&str] = &[
    "indicator",
    "period",
    "unit",
    "group",
    "benchmark",
    "value",
    "count",
    "is_provisional",
    "is_suppressed",
    "is_aggregated",
    "units_with_value",
    "units",
    "unit_of_measure",
    "note",
];

/// A chunk is sent when it is this long.
const CHUNK: usize = 64 * 1024;

/// Answers values as a table. Faults of the question are told before anything is sent; what fails later cuts the
/// connection, so that nobody takes half a table for a whole one.
pub async fn table(
    database: &Database,
    request: &HttpRequest,
    caller: &Caller,
    (which, asked): (Which, Asked),
    format: Format,
) -> Result<HttpResponse> {
    let sees_all = asked.sees_all;
    let tag = |newest: Newest| {
        let asked = (request.path(), request.query_string(), format.as_str(), sees_all, period::today());
        let words = (&caller.principal.municipality, env!("CARGO_PKG_VERSION"));
        content_tag(format!("{newest:?} {asked:?} {words:?}").as_bytes())
    };
    if request.headers().contains_key(header::IF_NONE_MATCH) {
        let tag = tag(database.newest_change(&caller.principal).await?);
        if client_names(request, &tag) {
            return Ok(finished(tagged_as(&mut HttpResponse::Ok(), request, &tag, "", || Ok(Vec::new()))));
        }
    }
    let (sender, mut receiver) = mpsc::channel::<std::result::Result<Bytes, Problem>>(4);
    let (started, begun) = oneshot::channel::<(Newest, Vec<IndicatorHead>)>();
    let failures = sender.clone();
    let (reading, principal) = (database.clone(), caller.principal.clone());
    let work = move |tenant: &mut Tenant<'_>| {
        let heads = wanted(tenant, which)?;
        let scope = Scope::resolve(tenant, asked)?;
        let newest = change_log::newest(tenant)?;
        // Whoever asked may have gone: then the first chunk isn't taken either.
        let _ = started.send((newest, heads.clone()));
        let mut table = TableWriter::new(format, COLUMNS)?;
        let mut is_wanted = true;
        read::visit(tenant, &heads, &scope, None, |head, items| {
            for item in &items {
                row(&mut table, head, item)?;
            }
            if table.len() >= CHUNK {
                is_wanted = sender.blocking_send(Ok(table.take()?.into())).is_ok();
            }
            Ok(if is_wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        if is_wanted {
            let _ = sender.blocking_send(Ok(table.take()?.into()));
        }
        Ok(())
    };
    let task = actix_web::rt::spawn(async move {
        let outcome = reading.read(&principal, work).await;
        if let Err(problem) = &outcome {
            // Where the answer has begun, it is cut; else the problem is the answer.
            tracing::error!(kind = problem.kind.slug(), cause = ?problem.cause, "a table was not read to its end");
            let _ = failures.try_send(Err(Problem::internal("the table was not read to its end")));
        }
        outcome
    });
    let Ok((newest, heads)) = begun.await else {
        return Err(match task.await {
            Ok(Err(problem)) => problem,
            _ => Problem::internal("reading values ended without an answer"),
        });
    };
    let body = stream::poll_fn(move |context| receiver.poll_recv(context));
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::ETAG, tag(newest)))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "authorization"))
        .content_type("text/csv; charset=utf-8; header=present");
    if let [head] = heads.as_slice() {
        answer.append_header((header::LINK, format!("</v1/indicators/{}>; rel=\"describedby\"", head.key)));
    }
    Ok(finished(answer.streaming(body)))
}

fn finished(mut answer: HttpResponse) -> HttpResponse {
    vary_by(&mut answer, "accept");
    answer
}

/// The heads of what is wanted; 404 where a single one is, and is not there.
pub fn wanted(tenant: &mut Tenant<'_>, which: Which) -> Result<Vec<IndicatorHead>> {
    match which.one.clone() {
        Some(reference) => head::head_of(tenant, &reference).map(|head| vec![head]),
        None => head::heads(tenant, which),
    }
}

fn row(table: &mut TableWriter, head: &IndicatorHead, item: &ValueItem) -> Result<()> {
    table.text(item.indicator.as_str())?;
    table.text(&item.period.to_string())?;
    table.text(item.unit.as_ref().map_or("", |unit| unit.as_str()))?;
    table.text(item.group.as_ref().map_or("", |group| group.as_str()))?;
    table.text(item.benchmark.as_ref().map_or("", |benchmark| benchmark.as_str()))?;
    table.number(item.value)?;
    table.whole(item.count)?;
    table.truth(item.is_provisional)?;
    table.truth(item.is_suppressed)?;
    table.truth(item.is_aggregated)?;
    table.whole(item.units_with_value.and_then(|units| i64::try_from(units).ok()))?;
    table.whole(item.units.and_then(|units| i64::try_from(units).ok()))?;
    table.text(head.unit_of_measure.as_ref().map_or("", |unit| unit.as_str()))?;
    table.text(item.note.as_deref().unwrap_or_default())?;
    table.end()
}
