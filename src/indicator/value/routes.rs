//! HTTP for values.

use std::ops::ControlFlow;
use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, Responder, get, put, web};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::answer::{IndicatorValuesPage, ItemPlace, ReplacedValue, ReplacedValuePage, ValueItem, ValuesPage};
use super::head::{self, IndicatorHead, Which};
use super::json_stat::{self, JsonStat};
use super::read::{self, Asked, Scope, Whole};
use super::rows::{self, Form, ValuesBody};
use super::save::{self, ValueCounts};
use super::{benchmark, store, stream};
use crate::auth::guard::{May, Measure, ReadIndicators};
use crate::auth::scope::Scope as TokenScope;
use crate::db::types::{KEY_LENGTH, Key, Reference, RegisterKey};
use crate::db::{Database, Tenant, Writer};
use crate::http::body::BulkBytes;
use crate::http::contract::Contract;
use crate::http::entity_tag::{content_tag, tagged_as, vary_by};
use crate::http::format::{Format, ListFormat, ValueFormat, ValuesFormat};
use crate::http::language::LanguageHeader;
use crate::http::page::{Cursor, Page, PageLimit};
use crate::http::query::Query;
use crate::http::responses::problem_responses;
use crate::http::row::{IfNoneMatch, Target};
use crate::http::table::CsvBody;
use crate::indicator::chart;
use crate::language::Language;
use crate::period::{self, Period};
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

impl<'de, T: FromStr> Deserialize<'de> for Whole<T>
where
    T::Err: std::fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "" => Ok(Self::All),
            one => one.parse().map(Self::One).map_err(serde::de::Error::custom),
        }
    }
}

/// [`Whole<Reference>`], for the contract.
struct UnitOrWhole;

impl PartialSchema for UnitOrWhole {
    fn schema() -> RefOr<Schema> {
        one_or_empty::<Reference>()
    }
}

impl ToSchema for UnitOrWhole {}

/// [`Whole<RegisterKey>`], for the contract.
struct GroupOrAll;

impl PartialSchema for GroupOrAll {
    fn schema() -> RefOr<Schema> {
        one_or_empty::<RegisterKey>()
    }
}

impl ToSchema for GroupOrAll {}

fn one_or_empty<T: PartialSchema>() -> RefOr<Schema> {
    match T::schema() {
        RefOr::T(Schema::Object(mut one)) => {
            one.format = None;
            one.pattern = one.pattern.map(|pattern| format!("^$|{pattern}"));
            one.into()
        }
        other => other,
    }
}

/// How many values a page holds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct ValueLimit(usize);

/// The most values that a page holds.
const MOST_VALUES: usize = 10_000;

impl Default for ValueLimit {
    fn default() -> Self {
        Self(1_000)
    }
}

impl TryFrom<String> for ValueLimit {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        let limit = text.parse().ok().filter(|limit| (1..=MOST_VALUES).contains(limit));
        limit.map(Self).ok_or("write a number from 1 to 10000")
    }
}

impl PartialSchema for ValueLimit {
    fn schema() -> RefOr<Schema> {
        let limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MOST_VALUES));
        limit.default(Some(1_000.into())).into()
    }
}

impl ToSchema for ValueLimit {}

/// Which values are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListValues {
    /// Only periods that begin on the first day of this one or later.
    #[param(example = "2024")]
    from: Option<Period>,
    /// Only periods that begin on the last day of this one or before.
    #[param(example = "2026")]
    to: Option<Period>,
    /// Only the values of this unit: key or UUID; empty = of the municipality as a whole. Without it: of all units, and
    /// the whole.
    #[param(value_type = Option<UnitOrWhole>, inline, example = "skolen-ved-aaen")]
    unit: Option<Whole<Reference>>,
    /// Whether the values of all units below that unit are wanted too.
    #[serde(default)]
    #[param(default = false)]
    subtree: bool,
    /// Only the values of this group of employees; empty = of everybody. Without it: of all groups, and everybody.
    #[param(value_type = Option<GroupOrAll>, inline, example = "paedagoger")]
    group: Option<Whole<RegisterKey>>,
    /// The values of this benchmark in place of the indicator's own, as JSON; beside it stand `from` and `to` alone.
    #[param(example = "nabokommuner")]
    benchmark: Option<Key>,
    /// Whether what units have by those below them is wanted too, or only what was measured.
    #[param(default = true)]
    aggregates: Option<bool>,
    /// In which form; else by `Accept`.
    format: Option<ValueFormat>,
    /// Values a page; tables, cubes and pictures hold all.
    #[serde(default)]
    limit: ValueLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// List an indicator's values
///
/// By period, unit and group, with all one needs to know of the indicator. Where the indicator has a `min_group`, values
/// about fewer people are hidden, and as many others as it takes that nobody can compute them; a token with
/// `med.measure` sees all. Units without a value of their own have what comes from those below, where the indicator says
/// how: `units_with_value` of `units` workplaces. CSV and JSON-stat hold all values, the former sent while it is read; the
/// picture is one series with its targets and benchmarks.
#[utoipa::path(
    tag = "indicators", operation_id = "list_values", security(("bearer" = ["med.read"]), ("bearer" = ["med.measure"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the indicator", example = "sygefravaer"),
        ListValues,
        LanguageHeader,
        IfNoneMatch,
    ),
    responses((
        status = 200, description = "A page of values, a table, a cube or a picture",
        content(
            (IndicatorValuesPage = "application/json"),
            (JsonStat = "application/vnd.json-stat+json"),
            (String = "text/csv", example = json!(include_str!("examples/values.csv"))),
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
    Query(wanted): Query<ListValues>,
) -> Result<HttpResponse> {
    let format = ValueFormat::negotiate(wanted.format, &request);
    let ListValues { from, to, unit, subtree, group, benchmark, aggregates, limit, cursor, .. } = wanted;
    if let Some(key) = benchmark {
        let beside = unit.is_some() || group.is_some() || subtree || aggregates.is_some() || cursor.is_some();
        if beside || format != Format::Json {
            let detail = "A benchmark has one value a period: beside 'benchmark', write 'from' and 'to' alone.";
            return Err(Problem::new(Kind::InvalidQuery, detail));
        }
        return benchmark::answer(&database, &request, &caller, (target, key), (from, to)).await;
    }
    let only_measured = aggregates == Some(false);
    let sees_all = caller.scopes.holds(TokenScope::Measure);
    let asked =
        Asked { from, to, unit, subtree, group, only_measured, latest: false, sees_all, today: period::today() };
    let which = Which { one: Some(target), ..Which::default() };
    if format != Format::Json && cursor.is_some() {
        return Err(all_at_once());
    }
    match format {
        Format::Csv | Format::CsvExcelDa => stream::table(&database, &request, &caller, (which, asked), format).await,
        Format::JsonStat => cube(&database, &request, &caller, (which, asked), language).await,
        Format::Svg => chart::answer(&database, &request, &caller, (which, asked), language).await,
        Format::Json => {
            let after = cursor.as_ref().map(Cursor::place).transpose()?;
            let work = move |tenant: &mut Tenant<'_>| page(tenant, which, asked, after, limit);
            let (mut heads, items, next) = database.read(&caller.principal, work).await?;
            let indicator = heads.pop().ok_or_else(|| Problem::not_found("indicator"))?;
            let mut answer = IndicatorValuesPage { indicator, items, next }.respond_to(&request);
            vary_by(&mut answer, "accept");
            Ok(answer)
        }
    }
}

fn all_at_once() -> Problem {
    let detail = "Tables, cubes and pictures hold all values, so there is no 'cursor' in them: leave it out.";
    Problem::new(Kind::InvalidQuery, detail)
}

/// The indicators, a page of their values, and the cursor of the next one.
fn page(
    tenant: &mut Tenant<'_>,
    which: Which,
    asked: Asked,
    after: Option<ItemPlace>,
    ValueLimit(limit): ValueLimit,
) -> Result<(Vec<IndicatorHead>, Vec<ValueItem>, Option<String>)> {
    let heads = head::wanted(tenant, which)?;
    let scope = Scope::resolve(tenant, asked)?;
    let mut items: Vec<ValueItem> = Vec::new();
    read::visit(tenant, &heads, &scope, after.as_ref(), |_, found| {
        items.extend(found);
        Ok(if items.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| Cursor::after(&last.place()));
    Ok((heads, items, next))
}

async fn cube(
    database: &Database,
    request: &HttpRequest,
    caller: &crate::auth::caller::Caller,
    (which, asked): (Which, Asked),
    language: Language,
) -> Result<HttpResponse> {
    let work = move |tenant: &mut Tenant<'_>| {
        let heads = head::wanted(tenant, which)?;
        let scope = Scope::resolve(tenant, asked)?;
        let mut items = Vec::new();
        read::visit(tenant, &heads, &scope, None, |_, found| {
            items.extend(found);
            // Beyond, the cube is refused.
            let is_too_much = items.len() > json_stat::MOST_CELLS;
            Ok(if is_too_much { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        let names = store::unit_names(tenant)?;
        let cube = json_stat::cube(&heads, &items, &names, language)?;
        serde_json::to_vec(&cube).map_err(Problem::internal)
    };
    let turn = database.long_read().await?;
    let body = database.read(&caller.principal, work).await?;
    drop(turn);
    let tag = content_tag(&body);
    let mut answer = tagged_as(&mut HttpResponse::Ok(), request, &tag, Format::JsonStat.media_type(), || Ok(body));
    vary_by(&mut answer, "accept");
    language.mark(&mut answer);
    Ok(answer)
}

/// How values are written.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WriteValues {
    /// In which form a table is: with decimal points, or as a Danish Excel writes it, with semicolons and decimal commas.
    format: Option<ListFormat>,
}

/// Write an indicator's values
///
/// Up to 100,000 at a time; all are stored or, where one has a fault, none. A value takes the place of the one that is
/// there for the same period, unit and group, which is kept (`replaced-values`); one that already is as sent is left
/// alone. In JSON, `"value": null` takes a value away. A table's first line names its columns: `period` and `value`, and
/// where they are needed `unit`, `group`, `count`, `is_provisional` and `note`. What the service computes can't be written.
#[utoipa::path(
    tag = "indicators", operation_id = "write_values", security(("bearer" = ["med.measure"])),
    params(("id" = String, Path, description = "Key or UUID of the indicator", example = "sygefravaer"), WriteValues),
    request_body(content(
        (ValuesBody = "application/json"),
        (CsvBody = "text/csv", example = "period,unit,value,count\n2026-10,skolen-ved-aaen,11.4,62\n"),
    )),
    responses((status = 200, description = "What it came to", body = ValueCounts)),
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
    let form = Form::of(body.is_csv, format.map(Format::from))?;
    let span = tracing::Span::current();
    let parse = move || span.in_scope(|| rows::read(&body.bytes, form, &contract));
    let rows = web::block(parse).await.map_err(Problem::internal)??;
    let work = move |writer: &mut Writer<'_>| save::save(writer, &target, None, rows);
    database.write(&caller.principal, work).await.map(web::Json)
}

/// Which replaced values are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListReplaced {
    /// Only periods that begin on the first day of this one or later.
    #[param(example = "2024")]
    from: Option<Period>,
    /// Only periods that begin on the last day of this one or before.
    #[param(example = "2026")]
    to: Option<Period>,
    /// Rows a page.
    #[serde(default)]
    limit: PageLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

/// List an indicator's replaced values
///
/// What stood in the place of values before they were written anew or taken away, with who did that and when; the last
/// replaced first. Those of its benchmarks too.
#[utoipa::path(
    tag = "indicators", operation_id = "list_replaced_values", security(("bearer" = ["med.measure"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the indicator", example = "sygefravaer"),
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
    Query(wanted): Query<ListReplaced>,
) -> Result<ReplacedValuePage> {
    let ListReplaced { from, to, limit, cursor } = wanted;
    let after = cursor.as_ref().map(Cursor::place).transpose()?;
    let work = move |tenant: &mut Tenant<'_>| {
        let head = head::head_of(tenant, &target)?;
        store::replaced(tenant, head.id, Period::numbers(from, to), after, limit.with_lookahead())
    };
    let rows = database.read(&caller.principal, work).await?;
    Ok(Page::of(rows, limit, |last| last.place).map(ReplacedValue::from))
}

/// Which values of a benchmark are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListBenchmarkValues {
    /// Only periods that begin on the first day of this one or later.
    #[param(example = "2024")]
    from: Option<Period>,
    /// Only periods that begin on the last day of this one or before.
    #[param(example = "2026")]
    to: Option<Period>,
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
        ListBenchmarkValues, IfNoneMatch,
    ),
    responses((status = 200, description = "The values", body = IndicatorValuesPage)),
)]
#[get("/v1/indicators/{id}/benchmarks/{key}/values")]
async fn list_of_benchmark(
    caller: May<ReadIndicators>,
    database: web::Data<Database>,
    request: HttpRequest,
    Target(target): Target,
    benchmark::BenchmarkKey(key): benchmark::BenchmarkKey,
    Query(ListBenchmarkValues { from, to }): Query<ListBenchmarkValues>,
) -> Result<HttpResponse> {
    benchmark::answer(&database, &request, &caller, (target, key), (from, to)).await
}

/// Write a benchmark's values
///
/// Like an indicator's own, but for units, groups and counts, which a benchmark doesn't have.
#[utoipa::path(
    tag = "indicators", operation_id = "write_benchmark_values", security(("bearer" = ["med.measure"])),
    params(
        ("id" = String, Path, description = "Key or UUID of the indicator", example = "sygefravaer"),
        ("key" = Key, Path, description = "Key of the benchmark", example = "nabokommuner"),
        WriteValues,
    ),
    request_body(content(
        (ValuesBody = "application/json"),
        (CsvBody = "text/csv", example = "period,value\n2026-10,12.1\n"),
    )),
    responses((status = 200, description = "What it came to", body = ValueCounts)),
)]
#[put("/v1/indicators/{id}/benchmarks/{key}/values")]
async fn write_benchmark(
    caller: May<Measure>,
    database: web::Data<Database>,
    contract: web::Data<Contract>,
    Target(target): Target,
    benchmark::BenchmarkKey(key): benchmark::BenchmarkKey,
    Query(WriteValues { format }): Query<WriteValues>,
    body: BulkBytes,
) -> Result<web::Json<ValueCounts>> {
    let form = Form::of(body.is_csv, format.map(Format::from))?;
    let (span, named) = (tracing::Span::current(), key.clone());
    let parse = move || span.in_scope(|| rows::read_benchmark(&body.bytes, form, &named, &contract));
    let rows = web::block(parse).await.map_err(Problem::internal)??;
    let work = move |writer: &mut Writer<'_>| save::save(writer, &target, Some(&key), rows);
    database.write(&caller.principal, work).await.map(web::Json)
}

/// Keys, separated by commas.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Keys(Vec<Key>);

impl TryFrom<String> for Keys {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        let keys: std::result::Result<Vec<Key>, _> = text.split(',').map(str::parse).collect();
        let keys = keys.map_err(|_| "write keys of indicators, separated by commas")?;
        if keys.len() <= MOST_KEYS { Ok(Self(keys)) } else { Err("write at most 200 keys") }
    }
}

/// How many indicators can be named in one request.
const MOST_KEYS: usize = 200;

impl PartialSchema for Keys {
    fn schema() -> RefOr<Schema> {
        let key = format!("[a-z0-9][a-z0-9-]{{0,{}}}", KEY_LENGTH - 1);
        let pattern = format!("^{key}(,{key}){{0,{}}}$", MOST_KEYS - 1);
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

impl ToSchema for Keys {}

/// Which values of which indicators are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListAllValues {
    /// Only these indicators: keys, separated by commas. Without it: all.
    #[param(inline, example = "sygefravaer,personaleomsaetning")]
    indicator: Option<Keys>,
    /// Only indicators that tell about objectives of this strategy: key or UUID.
    #[param(example = "med-plan-2025-2028")]
    strategy: Option<Reference>,
    /// Only periods that begin on the first day of this one or later.
    #[param(example = "2024")]
    from: Option<Period>,
    /// Only periods that begin on the last day of this one or before.
    #[param(example = "2026")]
    to: Option<Period>,
    /// Only the values of this unit: key or UUID; empty = of the municipality as a whole. Without it: of all units, and
    /// the whole.
    #[param(value_type = Option<UnitOrWhole>, inline, example = "skolen-ved-aaen")]
    unit: Option<Whole<Reference>>,
    /// Whether the values of all units below that unit are wanted too.
    #[serde(default)]
    #[param(default = false)]
    subtree: bool,
    /// Only the values of this group of employees; empty = of everybody. Without it: of all groups, and everybody.
    #[param(value_type = Option<GroupOrAll>, inline, example = "paedagoger")]
    group: Option<Whole<RegisterKey>>,
    /// Of each indicator only the newest period in which there is a value.
    #[serde(default)]
    #[param(default = false)]
    latest: bool,
    /// Whether what units have by those below them is wanted too, or only what was measured.
    #[param(default = true)]
    aggregates: Option<bool>,
    /// In which form; else by `Accept`.
    format: Option<ValuesFormat>,
    /// Values a page; tables and cubes hold all.
    #[serde(default)]
    limit: ValueLimit,
    /// Where the page begins: `next` of the page before.
    cursor: Option<Cursor>,
}

problem_responses! {
    /// There is no such indicator, strategy or unit
    UnknownSelection = NotFound;
}

/// List values of several indicators
///
/// By indicator, period, unit and group: how one unit does in everything, or how all do in some things. With `latest=true`
/// the newest of each. What is hidden from readers of an indicator is hidden here.
#[utoipa::path(
    tag = "indicators", operation_id = "list_values_of_indicators",
    security(("bearer" = ["med.read"]), ("bearer" = ["med.measure"])),
    params(ListAllValues, LanguageHeader, IfNoneMatch),
    responses((
        status = 200, description = "A page of values, a table or a cube",
        content(
            (ValuesPage = "application/json"),
            (JsonStat = "application/vnd.json-stat+json"),
            (String = "text/csv", example = json!(include_str!("examples/values.csv"))),
        ),
    ), UnknownSelection),
)]
#[get("/v1/values")]
async fn list_of_all(
    caller: May<ReadIndicators>,
    database: web::Data<Database>,
    request: HttpRequest,
    language: Language,
    Query(wanted): Query<ListAllValues>,
) -> Result<HttpResponse> {
    let format = ValuesFormat::negotiate(wanted.format, &request);
    let ListAllValues {
        indicator, strategy, from, to, unit, subtree, group, latest, aggregates, limit, cursor, ..
    } = wanted;
    let only_measured = aggregates == Some(false);
    let sees_all = caller.scopes.holds(TokenScope::Measure);
    let asked = Asked { from, to, unit, subtree, group, only_measured, latest, sees_all, today: period::today() };
    let which = Which { keys: indicator.map(|Keys(keys)| keys), strategy, ..Which::default() };
    if format != Format::Json && cursor.is_some() {
        return Err(all_at_once());
    }
    match format {
        Format::Csv | Format::CsvExcelDa => stream::table(&database, &request, &caller, (which, asked), format).await,
        Format::JsonStat => cube(&database, &request, &caller, (which, asked), language).await,
        // Pictures are of one indicator, and not offered here.
        Format::Json | Format::Svg => {
            let after = cursor.as_ref().map(Cursor::place).transpose()?;
            let work = move |tenant: &mut Tenant<'_>| page(tenant, which, asked, after, limit);
            let (mut indicators, items, next) = database.read(&caller.principal, work).await?;
            indicators.retain(|head| items.iter().any(|item| item.indicator == head.key));
            let mut answer = ValuesPage { indicators, items, next }.respond_to(&request);
            vary_by(&mut answer, "accept");
            Ok(answer)
        }
    }
}
