//! What is read: over HTTP, and by bare SQL as the ceiling.

use diesel::sql_types::{Bool, Double, Integer, Nullable, Text};
use medstrategi::db::AnyConnection;
use serde_json::{Value, json};

use crate::common::in_process::SELECT_PATH;
use crate::common::sql::rows;
use crate::service::Service;
use crate::town::{
    BOTH, HIDING, MIN_GROUP, MONTHS, MUNICIPALITY, PLAIN, SAMPLE_CENTRE, SAMPLE_UNIT, STRATEGY, Town, Unit,
    WITH_TARGET, indicator_key, unit_key,
};

/// How many indicators are read as one table.
const TABLE_INDICATORS: usize = 20;

/// What is read, and its name in the table.
pub struct Task {
    pub name: &'static str,
    /// The number of values in an answer; 0 if it holds something else.
    pub values: usize,
    pub method: Method,
}

pub enum Method {
    /// A page of JSON over HTTP.
    Page { path: String },
    /// The same after a value was written; the writing is not measured.
    PageAfterWriting { indicator: usize, path: String },
    /// CSV over HTTP; the client counts its lines and keeps nothing.
    Table { path: String },
    /// Bare SQL; returns the number of rows.
    Bare { query: fn(&mut AnyConnection) -> usize },
}

pub const SELECT: &str = "constant bytes after a SELECT";
pub const BARE_SERIES: &str = "bare SQL: a unit's series";
pub const SERIES: &str = "a unit's series";
pub const SERIES_HIDING: &str = "a unit's series, min_group";
pub const SERIES_HIDING_COLD: &str = "a unit's series, min_group, after a PUT";
pub const SERIES_BOTH: &str = "a unit's series, min_group, mean";
pub const SERIES_BOTH_COLD: &str = "a unit's series, min_group, mean, after a PUT";
pub const SERIES_AGGREGATE: &str = "a centre's series, min_group, mean";
pub const BARE_NEWEST: &str = "bare SQL: a unit's newest of all indicators";
pub const FIRST: &str = "a unit's newest of all indicators, first time";
pub const NEWEST: &str = "a unit's newest of all indicators";
pub const BARE_SCAN: &str = "bare SQL: an indicator's values";
pub const TABLE: &str = "CSV of an indicator";
pub const TABLE_HIDING: &str = "CSV of an indicator, min_group";
pub const TABLE_BOTH: &str = "CSV of an indicator, min_group, mean";
pub const TABLE_OF_SEVERAL: &str = "CSV of several indicators, once";
pub const VERDICTS: &str = "verdicts of an indicator";
pub const PROGRESS: &str = "progress of a strategy with 20 targets";

pub fn newest(written: usize) -> Task {
    let path = format!("/v1/values?unit={}&latest=true", unit_key(SAMPLE_UNIT).unwrap());
    Task { name: NEWEST, values: written, method: Method::Page { path } }
}

pub fn several(town: &Town, written: usize) -> Task {
    let chosen = 0..written.min(TABLE_INDICATORS);
    let keys: Vec<String> = chosen.clone().map(indicator_key).collect();
    let path = format!("/v1/values?indicator={}&format=csv", keys.join(","));
    let values = chosen.map(|n| town.expected_values(n)).sum();
    Task { name: TABLE_OF_SEVERAL, values, method: Method::Table { path } }
}

pub fn tasks(town: &Town, newest: Task) -> Vec<Task> {
    let page = |name: &'static str, values: usize, path: String| Task { name, values, method: Method::Page { path } };
    let series_path =
        |indicator: usize, unit: Unit| format!("{}?unit={}", values_path(indicator), unit_key(unit).unwrap());
    let series = |name: &'static str, indicator: usize, unit: Unit| page(name, MONTHS, series_path(indicator, unit));
    let cold = |name: &'static str, indicator: usize| Task {
        name,
        values: MONTHS,
        method: Method::PageAfterWriting { indicator, path: series_path(indicator, SAMPLE_UNIT) },
    };
    let table = |name: &'static str, indicator: usize| Task {
        name,
        values: town.expected_values(indicator),
        method: Method::Table { path: format!("{}?format=csv", values_path(indicator)) },
    };
    let bare = |name: &'static str, values: usize, query: fn(&mut AnyConnection) -> usize| Task {
        name,
        values,
        method: Method::Bare { query },
    };
    vec![
        page(SELECT, 0, SELECT_PATH.to_owned()),
        bare(BARE_SERIES, MONTHS, bare_series),
        series(SERIES, PLAIN, SAMPLE_UNIT),
        series(SERIES_HIDING, HIDING, SAMPLE_UNIT),
        series(SERIES_BOTH, BOTH, SAMPLE_UNIT),
        series(SERIES_AGGREGATE, BOTH, SAMPLE_CENTRE),
        cold(SERIES_HIDING_COLD, HIDING),
        cold(SERIES_BOTH_COLD, BOTH),
        bare(BARE_NEWEST, newest.values, bare_newest),
        newest,
        page(VERDICTS, 0, format!("/v1/indicators/{}/verdicts", indicator_key(BOTH))),
        page(PROGRESS, 0, format!("/v1/strategies/{STRATEGY}/progress")),
        bare(BARE_SCAN, town.expected_values(PLAIN), bare_scan),
        table(TABLE, PLAIN),
        table(TABLE_HIDING, HIDING),
        table(TABLE_BOTH, BOTH),
    ]
}

pub fn values_path(indicator: usize) -> String {
    format!("/v1/indicators/{}/values", indicator_key(indicator))
}

/// Panics if an answer has another number of values than expected, or hides all or none.
pub fn check_answers(town: &Town, service: &Service<'_>, tasks: &[Task]) {
    for task in tasks.iter().filter(|task| task.values > 0) {
        if let Method::Page { path } | Method::PageAfterWriting { path, .. } = &task.method {
            let answer = service.read(path);
            assert_eq!(answer["items"].as_array().map(Vec::len), Some(task.values), "{}", task.name);
        }
    }
    let month = town.last_month();
    let answer = service.read(&format!("{}?from={month}&to={month}&limit=10000", values_path(HIDING)));
    let items = answer["items"].as_array().unwrap();
    let hidden = items.iter().filter(|item| item["is_suppressed"] == json!(true)).count();
    let people = town.people_of(&town.units(HIDING), MONTHS - 1);
    let small = people.iter().filter(|people| **people < MIN_GROUP).count();
    assert_eq!(items.len(), people.len(), "values of {month}");
    assert!(small <= hidden && 0 < hidden && hidden < items.len(), "{hidden} values hidden for {small} small ones");
    println!("of {} values of a month, {small} are small, and {hidden} are hidden", items.len());

    let verdicts = service.read(&format!("/v1/indicators/{}/verdicts", indicator_key(BOTH)));
    assert_eq!(verdicts["items"].as_array().map(Vec::len), Some(1), "{verdicts}");
    let progress = service.read(&format!("/v1/strategies/{STRATEGY}/progress"));
    let counts = progress["indicators"].as_object().expect("a strategy tells of its indicators");
    let counted: u64 = counts.values().filter_map(Value::as_u64).sum();
    assert_eq!(counted, WITH_TARGET as u64, "{progress}");
}

/// The rows of [`SERIES`].
pub fn bare_series(connection: &mut AnyConnection) -> usize {
    let sql = format!(
        "SELECT v.period, v.value, v.people, v.is_provisional, v.note \
         FROM value_series s JOIN indicator_values v ON v.series_id = s.id \
         WHERE s.indicator_id = {} AND s.unit_id = {} AND s.employee_group = '' AND s.benchmark_id IS NULL \
         ORDER BY v.period",
        bare_indicator(),
        bare_unit(),
    );
    rows!(connection, &sql, [Integer, Double, Nullable<Integer>, Bool, Nullable<Text>]).len()
}

/// The rows of [`NEWEST`].
pub fn bare_newest(connection: &mut AnyConnection) -> usize {
    let sql = format!(
        "SELECT s.indicator_id, v.period, v.value, v.people, v.is_provisional, v.note \
         FROM value_series s JOIN indicator_values v ON v.series_id = s.id \
         WHERE s.unit_id = {} AND s.employee_group = '' \
         AND v.period = (SELECT MAX(n.period) FROM indicator_values n WHERE n.series_id = s.id)",
        bare_unit(),
    );
    rows!(connection, &sql, [Text, Integer, Double, Nullable<Integer>, Bool, Nullable<Text>]).len()
}

/// The rows of [`TABLE`], in no order.
pub fn bare_scan(connection: &mut AnyConnection) -> usize {
    let sql = format!(
        "SELECT v.period, u.key, s.employee_group, v.value, v.people, v.is_provisional, v.note \
         FROM value_series s JOIN indicator_values v ON v.series_id = s.id LEFT JOIN units u ON u.id = s.unit_id \
         WHERE s.indicator_id = {} AND s.benchmark_id IS NULL",
        bare_indicator(),
    );
    rows!(connection, &sql, [Integer, Nullable<Text>, Text, Double, Nullable<Integer>, Bool, Nullable<Text>]).len()
}

/// The SQL expression for the plain indicator's id.
pub fn bare_indicator() -> String {
    let key = indicator_key(PLAIN);
    format!("(SELECT id FROM indicators WHERE municipality_id = {} AND key = '{key}')", bare_municipality())
}

/// The SQL expression for the sample unit's id.
pub fn bare_unit() -> String {
    let key = unit_key(SAMPLE_UNIT).unwrap();
    format!("(SELECT id FROM units WHERE municipality_id = {} AND key = '{key}')", bare_municipality())
}

pub fn bare_municipality() -> String {
    format!("(SELECT id FROM municipalities WHERE key = '{MUNICIPALITY}')")
}
