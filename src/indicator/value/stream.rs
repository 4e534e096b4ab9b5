//! Values as a table that is sent while it is read, so that a million of them fill no memory.

use std::ops::ControlFlow;
use std::time::Instant;

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
use crate::http::entity_tag::{content_tag, is_current, tagged_as, vary_by};
use crate::http::format::Format;
use crate::http::limits::limits;
use crate::http::table::TableWriter;
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

/// Answers values as a table. Faults of the question are told before anything is sent; what fails later cuts the
/// connection, so that nobody takes half a table for a whole one. A reader that is too slow, by the times that bodies have
/// to arrive in, is cut too: it holds a connection to the database for as long as it reads, of which there are few.
pub async fn table(
    database: &Database,
    request: &HttpRequest,
    caller: &Caller,
    (which, asked): (Which, Asked),
    format: Format,
) -> Result<HttpResponse> {
    // Told once and first, as in the answer's tag, so that no tag is of a later day than what it stands for.
    let today = asked.today;
    let sees_all = asked.sees_all;
    let tag = |newest: Newest| {
        let asked = (request.path(), request.query_string(), format.as_str(), sees_all, today);
        let words = (&caller.principal.municipality, env!("CARGO_PKG_VERSION"));
        content_tag(format!("{newest:?} {asked:?} {words:?}").as_bytes())
    };
    if request.headers().contains_key(header::IF_NONE_MATCH) {
        let tag = tag(database.newest_change(&caller.principal).await?);
        if is_current(request, &tag) {
            return Ok(finished(tagged_as(&mut HttpResponse::Ok(), request, &tag, "", || Ok(Vec::new()))));
        }
    }
    let turn = database.long_read().await?;
    let (sender, receiver) = mpsc::channel::<Part>(2);
    let (started, begun) = oneshot::channel::<Begun>();
    let (reading, principal) = (database.clone(), caller.principal.clone());
    let waiting = tokio::runtime::Handle::current();
    let limits = limits(request)?;
    let (patience, end) = (limits.ordinary.time, Instant::now() + limits.bulk.time);
    let send = move |part: Part| {
        let patience = patience.min(end.saturating_duration_since(Instant::now()));
        let sent = async { tokio::time::timeout(patience, sender.send(part)).await };
        match waiting.block_on(sent) {
            Ok(Ok(())) => Ok(true),
            // Whoever asked has gone.
            Ok(Err(_)) => Ok(false),
            Err(_) => Err(Problem::new(Kind::RequestTimeout, "The table was not taken as fast as it has to be.")),
        }
    };
    let work = move |tenant: &mut Tenant<'_>| {
        let heads = head::wanted(tenant, which)?;
        let scope = Scope::resolve(tenant, asked)?;
        let newest = change_log::newest(tenant)?;
        // Whoever asked may have gone: then the first chunk isn't taken either.
        let _ = started.send(Begun { newest, heads: heads.clone() });
        let mut table = TableWriter::new(format, COLUMNS)?;
        let mut is_wanted = true;
        read::visit(tenant, &heads, &scope, None, |head, items| {
            for item in &items {
                row(&mut table, head, item)?;
                if table.len() >= CHUNK {
                    is_wanted = send(Part::Rows(table.take()?.into()))?;
                    if !is_wanted {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if is_wanted {
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
    let Ok(Begun { newest, heads }) = begun.await else {
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

/// A part of a table. One that ends without its end was not read to it.
enum Part {
    Rows(Bytes),
    End,
}

/// What is known before the first row is read.
struct Begun {
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
