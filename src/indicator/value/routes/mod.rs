//! HTTP for values.

mod parameters;
mod stream;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, put, web};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub use self::parameters::ValueLimit;
use self::parameters::{IndicatorKeys, PeriodRange, ValueFilters};
use super::head::IndicatorSelector;
use super::input::{self, BodyFormat};
use super::json_stat::JsonStat;
use super::model::{IndicatorValuesPage, ReplacedValuePage, ValueCounts, ValuesBody, ValuesPage};
use super::query::ValueQuery;
use super::{read, service};
use crate::auth::caller::Caller;
use crate::auth::guard::{May, Measure, ReadIndicators};
use crate::db::types::{Key, Reference};
use crate::db::{Database, Tenant, Writer};
use crate::http::body::BulkBytes;
use crate::http::contract::Contract;
use crate::http::entity_tag::{content_tag, tagged_as, vary_by};
use crate::http::example;
use crate::http::format::{Format, ListFormat, ValueFormat, ValuesFormat};
use crate::http::language::LanguageHeader;
use crate::http::page::{self, Cursor, Page, PageLimit};
use crate::http::query::Query;
use crate::http::responses::problem_responses;
use crate::http::row::{IfNoneMatch, Target};
use crate::http::table::CsvBody;
use crate::indicator::chart;
use crate::language::Language;
use crate::problem::{Kind, Problem, Result};

/// The routes.
pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list)
        .service(write)
        .service(list_replaced)
        .service(list_of_benchmark)
        .service(write_benchmark)
        .service(list_of_all);
}

/// The other parameters of the list of an indicator's values.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListValues {
    /// The values of this benchmark in place of the indicator's own, as JSON; beside it stand `from` and `to` alone.
    #[param(example = "nabokommuner")]
    benchmark: Option<Key>,
    /// The format of the answer; without it, by `Accept`.
    format: Option<ValueFormat>,
}

/// List an indicator's values
///
/// By period, unit and group, with what is needed to understand the indicator. Where the indicator has a `min_group`,
/// values about fewer people are hidden, and as many others as it takes that nobody can compute them; a token with
/// `med.measure` sees all. Units without a value of their own get an aggregate of the units below, if the indicator has
/// an `aggregation`: it covers `units_with_value` of `units` workplaces. CSV and JSON-stat hold all values; CSV is sent
/// while it is read. The picture is one series with its targets and benchmarks.
#[utoipa::path(
    tag = "indicators", operation_id = "list_values", security(("bearer" = ["med.read"]), ("bearer" = ["med.measure"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the indicator", example = "sygefravaer"),
        PeriodRange,
        ValueFilters,
        ListValues,
        LanguageHeader,
        IfNoneMatch,
    ),
    responses((
        status = 200, description = "A page of values, a table, a cube or a picture",
        content(
            (IndicatorValuesPage = "application/json"),
            (JsonStat = "application/vnd.json-stat+json"),
            (String = "text/csv", example = json!(include_str!("../examples/values.csv"))),
            (String = "image/svg+xml", example = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ),
    )),
)]
#[get("/v1/indicators/{id}/values")]
async fn list(
    caller: May<ReadIndicators>,
    database: web::Data<Database>,
    request: HttpRequest,
    language: Language,
    Target(target): Target,
    query: (Query<PeriodRange>, Query<ValueFilters>, Query<ListValues>),
) -> Result<HttpResponse> {
    let (Query(periods), Query(filters), Query(ListValues { benchmark, format })) = query;
    let format = ValueFormat::negotiate(format, &request);
    if let Some(key) = benchmark {
        if filters.is_set() || format != Format::Json {
            let detail = "A benchmark has one value a period: beside 'benchmark', write 'from' and 'to' alone.";
            return Err(Problem::new(Kind::InvalidQuery, detail));
        }
        return benchmark_values(&database, &request, &caller, (target, key), periods).await;
    }
    let selector = IndicatorSelector { one: Some(target), ..IndicatorSelector::default() };
    check_cursor(format, filters.cursor.as_ref())?;
    let (limit, cursor) = (filters.limit, filters.cursor.clone());
    let query = filters.into_query(periods, false, &caller);
    if format != Format::Json {
        return whole_answer(&database, &request, &caller, (selector, query), (format, language)).await;
    }
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let work = move |tenant: &mut Tenant<'_>| read::page(tenant, selector, query, after.as_ref(), limit.0);
    let (mut heads, items, next) = database.read(&caller.principal, work).await?;
    let indicator = heads.pop().ok_or_else(|| Problem::not_found("indicator"))?;
    let next = next.as_ref().map(Cursor::after);
    let page = IndicatorValuesPage { indicator, items, next };
    Ok(varying_by_accept(page::answer(&page, &request, page.next.as_deref())))
}

fn check_cursor(format: Format, cursor: Option<&Cursor>) -> Result<()> {
    if format == Format::Json || cursor.is_none() {
        return Ok(());
    }
    let detail = "Tables, cubes and pictures hold all values, so there is no 'cursor' in them: leave it out.";
    Err(Problem::new(Kind::InvalidQuery, detail))
}

fn varying_by_accept(mut response: HttpResponse) -> HttpResponse {
    vary_by(&mut response, "accept");
    response
}

/// Answers all values at once: as a table, a cube or a picture.
async fn whole_answer(
    database: &Database,
    request: &HttpRequest,
    caller: &Caller,
    (selector, query): (IndicatorSelector, ValueQuery),
    (format, language): (Format, Language),
) -> Result<HttpResponse> {
    let body = match format {
        Format::Csv | Format::CsvExcelDa | Format::Json => {
            return stream::table(database, request, caller, (selector, query), format).await;
        }
        Format::JsonStat => {
            let turn = database.long_read().await?;
            let work = move |tenant: &mut Tenant<'_>| read::cube(tenant, selector, query, language);
            let cube = database.read(&caller.principal, work).await?;
            drop(turn);
            cube
        }
        Format::Svg => {
            let work = move |tenant: &mut Tenant<'_>| chart::chart(tenant, selector, query, language);
            database.read(&caller.principal, work).await?.into_bytes()
        }
    };
    let tag = content_tag(&body);
    let mut response = tagged_as(&mut HttpResponse::Ok(), request, &tag, format.media_type(), || Ok(body));
    vary_by(&mut response, "accept");
    language.mark(&mut response);
    Ok(response)
}

/// The parameters of writing values.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WriteValues {
    /// The format of a table: with decimal points, or as a Danish Excel writes it, with semicolons and decimal commas.
    format: Option<ListFormat>,
}

/// Write an indicator's values
///
/// Up to 100,000 at a time; all are stored or, where one has an error, none. A value replaces the one for the same
/// period, unit and group, which is kept (`replaced-values`); a value that is stored already is left alone. In JSON,
/// `"value": null` removes a value, and a page of `GET` can be sent back as it is, if nothing in it was hidden. A
/// table's first line names its columns: `period` and `value`, and where they are needed `unit`, `group`, `count`,
/// `is_provisional` and `note`. What the service computes can't be written.
#[utoipa::path(
    tag = "indicators", operation_id = "write_values", security(("bearer" = ["med.measure"])),
    params(("id" = String, Path, description = "Key or UUID of the indicator", example = "sygefravaer"), WriteValues),
    request_body(content(
        (ValuesBody = "application/json",
            example = json!(example::parse(include_str!("../examples/values_body.json")))),
        (CsvBody = "text/csv", example = "period,unit,value,count\n2026-10,skolen-ved-aaen,11.4,62\n"),
    )),
    responses((status = 200, description = "How many values were written", body = ValueCounts)),
)]
#[put("/v1/indicators/{id}/values")]
async fn write(
    caller: May<Measure>,
    database: web::Data<Database>,
    contract: web::Data<Contract>,
    Target(target): Target,
    Query(WriteValues { format }): Query<WriteValues>,
    body: BulkBytes,
) -> Result<web::Json<ValueCounts>> {
    write_rows(&database, &caller, (target, None), contract, (body, format)).await
}

/// The page of replaced values to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListReplaced {
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// List an indicator's replaced values
///
/// Values that were replaced or removed, with who did that and when, the last replaced first; values of the indicator's
/// benchmarks too.
#[utoipa::path(
    tag = "indicators", operation_id = "list_replaced_values", security(("bearer" = ["med.measure"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the indicator", example = "sygefravaer"),
        PeriodRange,
        ListReplaced,
        IfNoneMatch,
    ),
    responses((status = 200, description = "A page of replaced values", body = ReplacedValuePage)),
)]
#[get("/v1/indicators/{id}/replaced-values")]
async fn list_replaced(
    caller: May<Measure>,
    database: web::Data<Database>,
    Target(target): Target,
    Query(periods): Query<PeriodRange>,
    Query(ListReplaced { limit, cursor }): Query<ListReplaced>,
) -> Result<ReplacedValuePage> {
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let most = limit.with_lookahead();
    let work = move |tenant: &mut Tenant<'_>| read::replaced_values(tenant, &target, periods.numbers(), after, most);
    let rows = database.read(&caller.principal, work).await?;
    Ok(Page::of(rows, limit, |(position, _)| *position).map(|(_, replaced)| replaced))
}

/// List a benchmark's values
///
/// By period, all on one page.
#[utoipa::path(
    tag = "indicators", operation_id = "list_benchmark_values",
    security(("bearer" = ["med.read"]), ("bearer" = ["med.measure"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the indicator", example = "sygefravaer"),
        ("key" = Key, Path, description = "Key of the benchmark", example = "nabokommuner"),
        PeriodRange, IfNoneMatch,
    ),
    responses((status = 200, description = "The values", body = IndicatorValuesPage)),
)]
#[get("/v1/indicators/{id}/benchmarks/{key}/values")]
async fn list_of_benchmark(
    caller: May<ReadIndicators>,
    database: web::Data<Database>,
    request: HttpRequest,
    Target(target): Target,
    BenchmarkKey(key): BenchmarkKey,
    Query(periods): Query<PeriodRange>,
) -> Result<HttpResponse> {
    benchmark_values(&database, &request, &caller, (target, key), periods).await
}

async fn benchmark_values(
    database: &Database,
    request: &HttpRequest,
    caller: &Caller,
    (target, key): (Reference, Key),
    periods: PeriodRange,
) -> Result<HttpResponse> {
    let work = move |tenant: &mut Tenant<'_>| read::benchmark_values(tenant, &target, &key, periods.numbers());
    let (indicator, items) = database.read(&caller.principal, work).await?;
    Ok(page::answer(&IndicatorValuesPage { indicator, items, next: None }, request, None))
}

/// The `{key}` of a benchmark in an address.
struct BenchmarkKey(Key);

impl FromRequest for BenchmarkKey {
    type Error = Problem;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let key = request.match_info().get("key").and_then(|key| key.parse().ok());
        ready(key.map(Self).ok_or_else(|| Problem::not_found("benchmark")))
    }
}

/// Write a benchmark's values
///
/// Like an indicator's own, but without units, groups and counts, which a benchmark doesn't have.
#[utoipa::path(
    tag = "indicators", operation_id = "write_benchmark_values", security(("bearer" = ["med.measure"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the indicator", example = "sygefravaer"),
        ("key" = Key, Path, description = "Key of the benchmark", example = "nabokommuner"),
        WriteValues,
    ),
    request_body(content(
        (ValuesBody = "application/json", example = json!({"values": [{"period": "2026-10", "value": 12.1}]})),
        (CsvBody = "text/csv", example = "period,value\n2026-10,12.1\n"),
    )),
    responses((status = 200, description = "How many values were written", body = ValueCounts)),
)]
#[put("/v1/indicators/{id}/benchmarks/{key}/values")]
async fn write_benchmark(
    caller: May<Measure>,
    database: web::Data<Database>,
    contract: web::Data<Contract>,
    Target(target): Target,
    BenchmarkKey(key): BenchmarkKey,
    Query(WriteValues { format }): Query<WriteValues>,
    body: BulkBytes,
) -> Result<web::Json<ValueCounts>> {
    write_rows(&database, &caller, (target, Some(key)), contract, (body, format)).await
}

/// Parses a body, which may be large, off the async threads, and stores its values.
async fn write_rows(
    database: &Database,
    caller: &Caller,
    (target, benchmark): (Reference, Option<Key>),
    contract: web::Data<Contract>,
    (body, format): (BulkBytes, Option<ListFormat>),
) -> Result<web::Json<ValueCounts>> {
    let format = BodyFormat::of_request(body.is_csv, format.map(Format::from))?;
    let (span, key) = (tracing::Span::current(), benchmark.clone());
    let parse = move || span.in_scope(|| input::parse(&body.bytes, format, key.as_ref(), &contract));
    let rows = web::block(parse).await.map_err(Problem::internal)??;
    let work = move |writer: &mut Writer<'_>| service::write_values(writer, &target, benchmark.as_ref(), rows);
    database.write(&caller.principal, work).await.map(web::Json)
}

/// The other parameters of the list of several indicators' values.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListAllValues {
    /// Only these indicators: keys, separated by commas. Without it: all.
    #[param(inline, example = "sygefravaer,personaleomsaetning")]
    indicator: Option<IndicatorKeys>,
    /// Only indicators attached to objectives of this strategy: key or UUID.
    #[param(example = "med-plan-2025-2028")]
    strategy: Option<Reference>,
    /// Of each indicator only the newest period in which there is a value.
    #[serde(default)]
    #[param(default = false)]
    latest: bool,
    /// The format of the answer; without it, by `Accept`.
    format: Option<ValuesFormat>,
}

problem_responses! {
    /// There is no such indicator, strategy or unit
    UnknownSelection = NotFound;
}

/// List values of several indicators
///
/// By indicator, period, unit and group: all indicators of one unit, or some indicators of all units. With
/// `latest=true` the newest values of each indicator. What is hidden in an indicator's own list is hidden here.
#[utoipa::path(
    tag = "indicators", operation_id = "list_values_of_indicators",
    security(("bearer" = ["med.read"]), ("bearer" = ["med.measure"])),
    params(PeriodRange, ValueFilters, ListAllValues, LanguageHeader, IfNoneMatch),
    responses((
        status = 200, description = "A page of values, a table or a cube",
        content(
            (ValuesPage = "application/json"),
            (JsonStat = "application/vnd.json-stat+json"),
            (String = "text/csv", example = json!(include_str!("../examples/values.csv"))),
        ),
    ), UnknownSelection),
)]
#[get("/v1/values")]
async fn list_of_all(
    caller: May<ReadIndicators>,
    database: web::Data<Database>,
    request: HttpRequest,
    language: Language,
    Query(periods): Query<PeriodRange>,
    Query(filters): Query<ValueFilters>,
    Query(ListAllValues { indicator, strategy, latest, format }): Query<ListAllValues>,
) -> Result<HttpResponse> {
    let format = ValuesFormat::negotiate(format, &request);
    let keys = indicator.map(|IndicatorKeys(keys)| keys);
    let selector = IndicatorSelector { keys, strategy, ..IndicatorSelector::default() };
    check_cursor(format, filters.cursor.as_ref())?;
    let (limit, cursor) = (filters.limit, filters.cursor.clone());
    let query = filters.into_query(periods, latest, &caller);
    if format != Format::Json {
        return whole_answer(&database, &request, &caller, (selector, query), (format, language)).await;
    }
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let work = move |tenant: &mut Tenant<'_>| read::page(tenant, selector, query, after.as_ref(), limit.0);
    let (mut indicators, items, next) = database.read(&caller.principal, work).await?;
    indicators.retain(|head| items.iter().any(|item| item.indicator == head.key));
    let next = next.as_ref().map(Cursor::after);
    let page = ValuesPage { indicators, items, next };
    Ok(varying_by_accept(page::answer(&page, &request, page.next.as_deref())))
}
