//! Values as a table that is sent while it is read, so that a million rows never stand in memory.

use std::ops::ControlFlow;
use std::time::Instant;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use crate::auth::caller::Caller;
use crate::db::change_log::{self, Newest};
use crate::db::{Database, Tenant};
use crate::http::entity_tag::{content_tag, is_current, tagged_as, vary_by};
use crate::http::format::Format;
use crate::http::limits::limits;
use crate::http::table::TableWriter;
use crate::indicator::value::head::{IndicatorHead, IndicatorSelector};
use crate::indicator::value::model::ValueItem;
use crate::indicator::value::query::{ResolvedQuery, ValueQuery};
use crate::indicator::value::read;
use crate::indicator::value::store::heads;
use crate::problem::{Kind, Problem, Result};

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

/// Answers values as a table, sent while it is read. An error before the first row is an ordinary answer; a later one
/// cuts the connection, so that nobody takes half a table for a whole one. A client that reads too slowly, by the
/// limits for bodies of requests, is cut off too: it holds one of few database connections for as long as it reads.
pub async fn table(
    database: &Database,
    request: &HttpRequest,
    caller: &Caller,
    (selector, query): (IndicatorSelector, ValueQuery),
    format: Format,
) -> Result<HttpResponse> {
    // The day is the query's: a tag must not be of a later day than its table.
    let (today, sees_all) = (query.today, query.sees_all);
    let tag = |newest: Newest| {
        let parameters = (request.path(), request.query_string(), format.as_str(), sees_all, today);
        let service = (&caller.principal.municipality, env!("CARGO_PKG_VERSION"));
        content_tag(format!("{newest:?} {parameters:?} {service:?}").as_bytes())
    };
    if request.headers().contains_key(header::IF_NONE_MATCH) {
        let tag = tag(change_log::newest_in(database, &caller.principal.municipality).await?);
        if is_current(request, &tag) {
            return Ok(finished(tagged_as(&mut HttpResponse::Ok(), request, &tag, "", || Ok(Vec::new()))));
        }
    }
    let turn = database.long_read().await?;
    let (sender, receiver) = mpsc::channel::<Part>(2);
    let (send_start, start) = oneshot::channel::<Start>();
    let (reading, principal) = (database.clone(), caller.principal.clone());
    let runtime = tokio::runtime::Handle::current();
    let limits = limits(request)?;
    let (patience, end) = (limits.ordinary.time, Instant::now() + limits.bulk.time);
    let send = move |part: Part| {
        let patience = patience.min(end.saturating_duration_since(Instant::now()));
        let sent = async { tokio::time::timeout(patience, sender.send(part)).await };
        match runtime.block_on(sent) {
            Ok(Ok(())) => Ok(true),
            // The client is gone.
            Ok(Err(_)) => Ok(false),
            Err(_) => Err(Problem::new(Kind::RequestTimeout, "The table was not taken as fast as it has to be.")),
        }
    };
    let work = move |tenant: &mut Tenant<'_>| {
        let heads = heads::selected_heads(tenant, selector)?;
        let query = ResolvedQuery::resolve(tenant, query)?;
        let newest = change_log::newest(tenant)?;
        // The client may be gone: then the first chunk isn't taken either.
        let _ = send_start.send(Start { newest, heads: heads.clone() });
        let mut table = TableWriter::new(format, COLUMNS)?;
        let mut is_taken = true;
        read::visit(tenant, &heads, &query, None, |head, items| {
            for item in &items {
                row(&mut table, head, item)?;
                if table.len() >= CHUNK {
                    is_taken = send(Part::Rows(table.take()?.into()))?;
                    if !is_taken {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if is_taken {
            send(Part::Rows(table.take()?.into()))?;
            send(Part::End)?;
        }
        Ok(())
    };
    let task = actix_web::rt::spawn(async move {
        let outcome = reading.read(&principal, work).await;
        drop(turn);
        outcome
    });
    let Ok(Start { newest, heads }) = start.await else {
        return Err(match task.await {
            Ok(Err(problem)) => problem,
            _ => Problem::internal("reading values ended without an answer"),
        });
    };
    actix_web::rt::spawn(async move {
        if let Ok(Err(problem)) = task.await {
            tracing::warn!(kind = problem.kind.slug(), cause = ?problem.cause, "a table was not sent to its end");
        }
    });
    let body = stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Part::Rows(rows)) => Some((Ok(rows), Some(receiver))),
            Some(Part::End) => None,
            None => Some((Err(Problem::internal("the table was not read to its end")), None)),
        }
    });
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

/// A part of a table. A table without `End` is incomplete.
enum Part {
    Rows(Bytes),
    End,
}

/// Known before the first row is read.
struct Start {
    newest: Newest,
    heads: Vec<IndicatorHead>,
}

fn finished(mut answer: HttpResponse) -> HttpResponse {
    vary_by(&mut answer, "accept");
    answer
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
