//! Values as clients send them, in JSON or as a table, made into typed rows.
//!
//! There may be 100,000 of them, and hardly a file has faults. JSON is therefore read straight into rows; only where
//! that fails, or where something in it is out of the ordinary, it is read again by way of the contract, which finds
//! every fault and its place. Nothing is taken the first way that would be refused the second.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use csv::StringRecord;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::types::{Key, Reference, RegisterKey};
use crate::http::contract::Contract;
use crate::http::csv::{Delimiter, Expected, Lines};
use crate::http::example::example;
use crate::http::format::Format;
use crate::http::json;
use crate::http::table;
use crate::indicator::number;
use crate::period::Period;
use crate::problem::{Kind, Problem, Result, ValidationErrors};
use crate::text::{LongText, check_no_cpr};

/// One value as a client sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!(example!("value_row")))]
pub struct ValueRow {
    /// The period that it tells of, as long as the indicator's frequency says.
    pub period: Period,
    /// The unit that it is about; null = the whole municipality.
    #[serde(default)]
    pub unit: Option<Reference>,
    /// The group of people that it is about; null = everybody.
    #[serde(default)]
    pub group: Option<RegisterKey>,
    /// The value, in the indicator's unit of measure: of 12 %, it is 12. Null removes what is stored, which is kept
    /// among the replaced values.
    #[serde(deserialize_with = "value_or_null")]
    #[schema(required, minimum = -1e15, maximum = 1e15)]
    pub value: Option<f64>,
    /// How many people it is about; null = nobody knows.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub count: Option<i64>,
    /// Whether it may still change.
    #[serde(default)]
    #[schema(default = false)]
    pub is_provisional: bool,
    /// What else is to be known of it.
    #[serde(default)]
    pub note: Option<LongText>,
}

/// Absent is not null; and -0 is 0, which would else be another value.
fn value_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<f64>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.map(|value| value + 0.0))
}

/// Values as a client sends them: all are stored, or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!(example!("values_body")))]
pub struct ValuesBody {
    /// The values.
    #[schema(max_items = 100_000)]
    pub values: Vec<ValueRow>,
}

/// In which form values are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// A table with decimal points.
    Csv,
    /// A table as a Danish Excel writes it: semicolons and decimal commas.
    CsvExcelDa,
}

impl Form {
    /// What the body's media type and the query's `format` say together.
    pub fn of(is_csv: bool, named: Option<Format>) -> Result<Self> {
        match (is_csv, named) {
            (false, None | Some(Format::Json)) => Ok(Self::Json),
            (true, None | Some(Format::Csv)) => Ok(Self::Csv),
            (true, Some(Format::CsvExcelDa)) => Ok(Self::CsvExcelDa),
            (false, Some(_)) => {
                let detail = "The body is JSON: leave 'format' out, or send a table with Content-Type: text/csv.";
                Err(Problem::new(Kind::InvalidQuery, detail))
            }
            (true, Some(_)) => {
                let detail = "The body is a table: leave 'format' out, or write format=csv or format=csv-excel-da.";
                Err(Problem::new(Kind::InvalidQuery, detail))
            }
        }
    }
}

/// The rows of a body.
#[derive(Debug)]
pub struct Rows {
    /// What they say, in the order in which they came.
    pub rows: Vec<ValueRow>,
    /// Where they stand in a table.
    lines: Option<Lines>,
    /// The indicator that a table names, and the first row that does.
    indicator: Option<(usize, Key)>,
}

impl Rows {
    /// The same problem, its faults told with the lines of the table, where the rows came as one.
    pub fn locate(&self, problem: Problem) -> Problem {
        match &self.lines {
            Some(lines) => lines.locate(problem),
            None => problem,
        }
    }

    /// Notes where a table says itself that it is of another indicator than the one that its values are sent to.
    pub fn check_indicator(&self, key: &Key, errors: &mut ValidationErrors) {
        if let Some((n, named)) = self.indicator.as_ref().filter(|(_, named)| named != key) {
            let detail = format!("is '{named}', and the values are sent to '{key}': is it the wrong table?");
            errors.add(format!("/values/{n}/indicator"), detail);
        }
    }
}

/// How many rows a body may have.
const MOST_ROWS: usize = 100_000;

/// How many people a value may be about.
const MOST_PEOPLE: i64 = 1_000_000_000;

/// Reads an indicator's own values; faults point at `/values/<row>/<field>`.
pub fn read(bytes: &[u8], form: Form, contract: &Contract) -> Result<Rows> {
    read_as(None, bytes, form, contract)
}

/// Reads the values of a benchmark, which a table may name in its rows.
pub fn read_benchmark(bytes: &[u8], form: Form, benchmark: &Key, contract: &Contract) -> Result<Rows> {
    read_as(Some(benchmark), bytes, form, contract)
}

fn read_as(benchmark: Option<&Key>, bytes: &[u8], form: Form, contract: &Contract) -> Result<Rows> {
    match form {
        Form::Json => from_json(bytes, contract),
        Form::Csv | Form::CsvExcelDa => from_table(bytes, benchmark, form),
    }
}

impl ValueRow {
    /// Notes texts that tell who somebody is.
    fn check_texts(&self, n: usize, errors: &mut ValidationErrors) {
        if let Some(group) = &self.group {
            check_no_cpr(&format!("/values/{n}/group"), group.as_str(), errors);
        }
        if let Some(note) = &self.note {
            check_no_cpr(&format!("/values/{n}/note"), note.as_str(), errors);
        }
    }
}

fn from_json(bytes: &[u8], contract: &Contract) -> Result<Rows> {
    let rows = match straight(bytes)? {
        Some(rows) => rows,
        None => by_contract(bytes, contract)?,
    };
    let mut errors = ValidationErrors::default();
    for (n, row) in rows.iter().enumerate() {
        row.check_texts(n, &mut errors);
    }
    errors.into_result()?;
    Ok(Rows { rows, lines: None, indicator: None })
}

/// The rows, where nothing is wrong with any; none where the contract has to say what is.
fn straight(bytes: &[u8]) -> Result<Option<Vec<ValueRow>>> {
    let body = std::str::from_utf8(bytes).ok().and_then(|text| serde_json::from_str::<Object<StraightBody>>(text).ok());
    let Some(Object(StraightBody { values: Counted { rows, count } })) = body else { return Ok(None) };
    check_number_of_rows(count)?;
    Ok(rows.iter().all(is_ordinary).then_some(rows))
}

fn by_contract(bytes: &[u8], contract: &Contract) -> Result<Vec<ValueRow>> {
    let body = json::parse(bytes)?;
    check_number_of_rows(body["values"].as_array().map_or(0, Vec::len))?;
    Ok(contract.parse::<ValuesBody>(body)?.values)
}

fn check_number_of_rows(count: usize) -> Result<()> {
    if count <= MOST_ROWS {
        return Ok(());
    }
    let detail = format!("The body has {count} values, and takes {MOST_ROWS} at once: send them in parts.");
    Err(Problem::new(Kind::TooLarge, detail))
}

/// Whether a row keeps, beyond all doubt, the rules that the schema knows beside its types.
fn is_ordinary(row: &ValueRow) -> bool {
    let has_letters = |note: &LongText| note.as_str().chars().any(char::is_alphanumeric);
    row.value.is_none_or(number::is_storable)
        && row.count.is_none_or(|count| (0..=MOST_PEOPLE).contains(&count))
        // Not all agree on which characters are blank.
        && row.note.as_ref().is_none_or(has_letters)
}

/// [`ValuesBody`], read straight from the text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StraightBody {
    values: Counted,
}

/// As many rows as are taken, and how many there are: those beyond cost no memory.
struct Counted {
    rows: Vec<ValueRow>,
    count: usize,
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_seq(CountedVisitor)
    }
}

struct CountedVisitor;

impl<'de> Visitor<'de> for CountedVisitor {
    type Value = Counted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Counted, A::Error> {
        let mut rows = Vec::new();
        while rows.len() < MOST_ROWS {
            match items.next_element()? {
                Some(Object(row)) => rows.push(row),
                None => return Ok(Counted { count: rows.len(), rows }),
            }
        }
        let mut count = rows.len();
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Counted { rows, count })
    }
}

/// What is written as an object. What serde derives would also take its values as an array, without their names.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> std::result::Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Object)
    }
}

/// The columns that a table of values may have. Those from `indicator` on are of answers: a table may come back as it
/// was fetched, but for the rows that were hidden or computed.
const COLUMNS: [&str; 14] = [
    "period",
    "unit",
    "group",
    "value",
    "count",
    "is_provisional",
    "note",
    "indicator",
    "benchmark",
    "is_suppressed",
    "is_aggregated",
    "units_with_value",
    "units",
    "unit_of_measure",
];

/// What a table of values is to look like.
fn expected(form: Form) -> Expected<'static> {
    Expected {
        name: "table of values",
        delimiter: if form == Form::CsvExcelDa { Delimiter::Semicolon } else { Delimiter::Detected },
        required: &["period", "value"],
        known: Some(&COLUMNS),
        max_columns: 2 * COLUMNS.len(),
        max_rows: MOST_ROWS,
    }
}

fn from_table(bytes: &[u8], benchmark: Option<&Key>, form: Form) -> Result<Rows> {
    let table = crate::http::csv::read(bytes, &expected(form))?;
    let columns = table.columns();
    let (mut rows, mut errors) = (Vec::with_capacity(table.records.len()), ValidationErrors::default());
    let mut indicator: Option<(usize, Key)> = None;
    for (n, cells) in table.records.iter().enumerate() {
        let mut cells = Cells { n, cells, columns: &columns, errors: &mut errors };
        if cells.check_is_value(benchmark, &mut indicator).is_none() {
            continue;
        }
        if let Some(row) = cells.row(form) {
            row.check_texts(n, &mut errors);
            rows.push(row);
        }
    }
    errors.into_result().map_err(|problem| table.lines.locate(problem))?;
    Ok(Rows { rows, lines: Some(table.lines), indicator })
}

/// A row of a table, on its way to be one of values.
struct Cells<'t> {
    n: usize,
    cells: &'t StringRecord,
    columns: &'t HashMap<&'t str, usize>,
    errors: &'t mut ValidationErrors,
}

impl Cells<'_> {
    /// Whether what answers say of a row lets it be a value that is stored; none where a fault was noted.
    fn check_is_value(&mut self, benchmark: Option<&Key>, indicator: &mut Option<(usize, Key)>) -> Option<()> {
        self.read("is_suppressed", check_is_stored)?;
        self.read("is_aggregated", check_is_stored)?;
        self.read("benchmark", |cell| check_benchmark(cell, benchmark))?;
        let n = self.n;
        self.read("indicator", |cell| check_indicator(cell, n, indicator))
    }

    /// The row; where faults were noted, less of it or nothing.
    fn row(mut self, form: Form) -> Option<ValueRow> {
        let period = self.read("period", |cell| plain(cell).parse());
        let unit = self.read("unit", |cell| optional(plain(cell)));
        let group = self.read("group", |cell| optional(plain(cell)).map_err(not_a_key));
        let value = self.read("value", |cell| value(trimmed(cell), form));
        let count = self.read("count", |cell| count(trimmed(cell)));
        let is_provisional = self.read("is_provisional", |cell| true_or_false(trimmed(cell)));
        let note = self.read("note", |cell| optional(table::plain(cell)));
        Some(ValueRow {
            period: period?,
            unit: unit.flatten(),
            group: group.flatten(),
            value,
            count: count.flatten(),
            is_provisional: is_provisional.unwrap_or_default(),
            note: note.flatten(),
        })
    }

    /// What the cell of a field stands for; one that is not there is read as empty. Notes where it can't be read.
    fn read<T, E: Into<String>>(
        &mut self,
        field: &str,
        read: impl FnOnce(&str) -> std::result::Result<T, E>,
    ) -> Option<T> {
        let cell = self.columns.get(field).and_then(|column| self.cells.get(*column)).unwrap_or_default();
        match read(cell) {
            Ok(read) => Some(read),
            Err(detail) => {
                self.errors.add(format!("/values/{}/{field}", self.n), detail);
                None
            }
        }
    }
}

/// Spaces at the ends say nothing. Others than the plain ones are left, to be found fault with.
fn trimmed(cell: &str) -> &str {
    cell.trim_matches(' ')
}

fn plain(cell: &str) -> &str {
    table::plain(trimmed(cell))
}

fn optional<T: FromStr>(cell: &str) -> std::result::Result<Option<T>, T::Err> {
    if cell.is_empty() { Ok(None) } else { cell.parse().map(Some) }
}

fn not_a_key(expected: &str) -> String {
    format!("is not a key. {expected}")
}

fn true_or_false(cell: &str) -> std::result::Result<bool, &'static str> {
    // Spreadsheets write them in capitals, a Danish one in its own language; other programs with one capital.
    match cell {
        _ if cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("sand") => Ok(true),
        "" => Ok(false),
        _ if cell.eq_ignore_ascii_case("false") || cell.eq_ignore_ascii_case("falsk") => Ok(false),
        _ => Err("is neither true nor false: write one of them, or nothing for false"),
    }
}

fn check_is_stored(cell: &str) -> std::result::Result<(), &'static str> {
    match true_or_false(trimmed(cell))? {
        true => Err("is true: leave computed and hidden rows out"),
        false => Ok(()),
    }
}

fn check_benchmark(cell: &str, benchmark: Option<&Key>) -> std::result::Result<(), String> {
    match (plain(cell), benchmark) {
        ("", _) => Ok(()),
        (named, Some(benchmark)) if named == benchmark.as_str() => Ok(()),
        (_, Some(benchmark)) => Err(format!("is not '{benchmark}', to which these values are sent: leave the row out")),
        (_, None) => Err("is not empty: leave the row out, and send a benchmark's values to its address".to_owned()),
    }
}

/// A table is of one indicator: the first row that names one says which.
fn check_indicator(
    cell: &str,
    n: usize,
    indicator: &mut Option<(usize, Key)>,
) -> std::result::Result<(), &'static str> {
    let Some(named) = optional::<Key>(plain(cell)).map_err(|_| "is no key of an indicator")? else { return Ok(()) };
    match indicator.get_or_insert_with(|| (n, named.clone())) {
        (_, first) if *first == named => Ok(()),
        _ => Err("is another one than in the rows before: send the values of each indicator to its own address"),
    }
}

/// A number as JSON writes it, or the same with a decimal comma.
fn value(cell: &str, form: Form) -> std::result::Result<f64, &'static str> {
    let is_danish = form == Form::CsvExcelDa;
    let is_digit = |letter: char| letter.is_ascii_digit();
    let may_be_one = cell.contains(is_digit)
        && cell.chars().all(|letter| is_digit(letter) || letter.is_whitespace() || "-+.,eE%'’".contains(letter));
    match cell {
        "" => Err("is empty: leave the row out"),
        _ if !may_be_one => Err("is not a number: write digits, or leave the row out"),
        _ if cell.contains('%') => Err("has a percent sign: write the number alone, 12 for 12 %"),
        _ if cell.contains(char::is_whitespace) || cell.contains(['\'', '’']) => {
            Err("has spaces or apostrophes in it: write 1000, not 1 000")
        }
        _ if is_danish && cell.contains('.') => {
            Err("has a full stop, which could mean thousands: write 3,5 and 1000, not 1.000")
        }
        _ if !is_danish && cell.contains(',') => {
            Err("has a comma: write 3.5 (and 1000, not 1,000), or send ?format=csv-excel-da")
        }
        _ => match decimal(&cell.replace(',', ".")) {
            None if is_danish => Err("is not a number: write one such as 0,5 or -3"),
            None => Err("is not a number: write one such as 0.5, -3 or 1e3"),
            Some(value) if !number::is_storable(value) => Err(number::EXPECTED),
            Some(value) => Ok(value),
        },
    }
}

/// Reads what JSON takes (RFC 8259, section 6), which is less than Rust does.
fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (number, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let fits = is_whole(whole) && are_digits(fraction) && are_digits(exponent);
    fits.then(|| text.parse().ok())?.map(|value: f64| value + 0.0)
}

fn count(cell: &str) -> std::result::Result<Option<i64>, String> {
    match cell {
        "" => Ok(None),
        _ if !is_whole(cell.strip_prefix('-').unwrap_or(cell)) => {
            Err("is not a whole number: write digits alone, such as 64".to_owned())
        }
        _ if cell.starts_with('-') => Err("is less than 0".to_owned()),
        // So many digits that they fit no integer are more, too.
        _ => match cell.parse().ok().filter(|count| *count <= MOST_PEOPLE) {
            None => Err(format!("is more than {MOST_PEOPLE}")),
            count => Ok(count),
        },
    }
}

/// Digits that don't begin with a zero, or a zero.
fn is_whole(digits: &str) -> bool {
    are_digits(digits) && (digits == "0" || !digits.starts_with('0'))
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use serde_json::{Value, json};
    use utoipa::OpenApi;

    use super::*;

    #[utoipa::path(put, path = "/values", request_body = ValuesBody, responses((status = 204, description = "Stored")))]
    #[allow(dead_code)]
    fn put() {}

    #[derive(OpenApi)]
    #[openapi(paths(put))]
    struct Api;

    static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::new(Api::openapi()).unwrap());

    fn json(body: &Value) -> Result<Rows> {
        read(body.to_string().as_bytes(), Form::Json, &CONTRACT)
    }

    fn csv(table: &str) -> Result<Rows> {
        read(table.as_bytes(), Form::Csv, &CONTRACT)
    }

    fn excel(table: &str) -> Result<Rows> {
        read(table.as_bytes(), Form::CsvExcelDa, &CONTRACT)
    }

    /// The faults, each in a line.
    fn errors(rows: Result<Rows>) -> Vec<String> {
        let problem = rows.unwrap_err();
        assert_eq!(problem.kind, Kind::InvalidBody, "{}", problem.detail);
        problem.errors.listed().iter().map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect()
    }

    fn row(period: &str, value: f64) -> ValueRow {
        ValueRow {
            period: period.parse().unwrap(),
            unit: None,
            group: None,
            value: Some(value),
            count: None,
            is_provisional: false,
            note: None,
        }
    }

    fn whole_row() -> ValueRow {
        ValueRow {
            unit: Some("skolen-ved-aaen".parse().unwrap()),
            group: Some("laerere".parse().unwrap()),
            count: Some(64),
            is_provisional: true,
            note: Some("Uden \"vikarer\", =1".parse().unwrap()),
            ..row("2026-10", -3.5)
        }
    }

    #[test]
    fn bodies_and_tables_become_the_same_rows() {
        let with_commas = "period,unit,group,value,count,is_provisional,note\n\
                           2026-10,skolen-ved-aaen,laerere,-3.5,64,true,\"Uden \"\"vikarer\"\", =1\"\n\
                           2026,,,1e3,,,\n";
        let with_tabs = "value\tperiod\tgroup\tnote\tunit\tis_provisional\tcount\r\
                         -35e-1\t2026-10\tlaerere\tUden \"vikarer\", =1\tskolen-ved-aaen\tTrue\t64\r\
                         1E+3\t2026\t\t\t\tFALSE\t\r";
        let of_excel = "\u{feff}period;unit;group;value;count;is_provisional;note\r\n\
                        2026-10; skolen-ved-aaen ;laerere; -3,5 ; 64;TRUE;\"Uden \"\"vikarer\"\", =1\"\r\n\
                        2026;;;1E+03;;false;\r\n";
        let body = json!({"values": [whole_row(), {"period": "2026", "value": 1e3}]});
        let bodies = [json(&body), csv(with_commas), csv(with_tabs), excel(of_excel)];
        for rows in bodies {
            assert_eq!(rows.unwrap().rows, [whole_row(), row("2026", 1000.0)]);
        }
        assert_eq!(csv("period,value\n").unwrap().rows, []);
        assert_eq!(json(&json!({"values": []})).unwrap().rows, []);
        let removed = json!({"values": [{"period": "2026", "value": null, "unit": null}]});
        assert_eq!(json(&removed).unwrap().rows, [ValueRow { value: None, ..row("2026", 0.0) }]);
        let note = csv("period,value,note\n2026,1,'-5 fra maj\n").unwrap().rows[0].note.clone();
        assert_eq!(note.unwrap().as_str(), "-5 fra maj");
    }

    /// What may stand in a field, or may not.
    const LITERALS: &str = r#"
        null | true | false | 0 | -0 | 1 | -1 | 3.0 | 1e2 | 0.1 | 1e15 | -1e15 | 1.1e15 | 1e400 | 1e-400 | 1000000000 |
        1000000001 | 9223372036854775808 | 18446744073709551616 | 0.30000000000000004 | 01 | +1 | .5 | 5. | NaN | "" |
        "1" | "a" | "A.b_c-1" | "a/b" | "a/b/c/d" | "æ" | " " | "\u0000" | "a\u0000" | "\ufeff" | "\u0085" | "\u180e" |
        "\u2028" | "\ud800" | "–" | "🙂" | "2026" | "2026-H3" | "２０２６" | "0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01" |
        "0193A5B06C1E7D3A9F5E2B8C4D6E8F01" | [] | [1] | {} | {"a": 1} | "true" | "a" "b" | "#;

    /// What may be a body, or may not.
    const BODIES: &str = r#"
        null
        []
        [[]]
        {}
        1
        {"values": null}
        {"values": {}}
        {"values": []}
        {"values": [],}
        {"values": []} x
        {"values": [], "values": []}
        {"values": [], "x": 1}
        {"values": [null]}
        {"values": [[]]}
        {"values": [{}]}
        {"values": [{"period": "2026"}]}
        {"values": [{"value": 1}]}
        {"values": {"period": "2026", "value": 1}}
        {"values": [{"period": "2026", "value": 1} {"period": "2026", "value": 1}]}
        {"values": [{"period": "2026", "value": 1, "value": 1}]}
        {"values": [{"period": "2026", "value": 1, "unit": null, "unit": null}]}
        {"values": [["2026", null, null, 1, null, false, null]]}
        {"v\u0061lues": [{"period": "2026", "value": 1}]}
        [[{"period": "2026", "value": 1}]]
        [[["2026", null, null, 1, null, false, null]]]"#;

    #[test]
    fn what_is_read_straight_is_what_the_contract_takes() {
        let mut bodies: Vec<Vec<u8>> = Vec::new();
        for field in ["period", "unit", "group", "value", "count", "is_provisional", "note", "x", "", "v\\u0061lue"] {
            for literal in LITERALS.split('|').map(str::trim) {
                let others = [("period", "\"2026\""), ("value", "1")].into_iter().filter(|(name, _)| *name != field);
                let members: Vec<String> =
                    others.chain([(field, literal)]).map(|(name, value)| format!("\"{name}\": {value}")).collect();
                bodies.push(format!("{{\"values\": [{{{}}}]}}", members.join(", ")).into());
            }
        }
        bodies.extend(BODIES.lines().map(|body| body.trim().into()));
        bodies.extend(["\u{feff}{\"values\": []}", "\n{\"values\": []}\r\n\t "].map(|body| body.into()));
        let with_note = |note: &[u8]| {
            [br#"{"values": [{"period": "2026", "value": 1, "note": ""#.as_slice(), note, br#""}]}"#].concat()
        };
        let long = "æ".repeat(20_001);
        bodies.extend([long.as_bytes(), &long.as_bytes()[2..], b"a\xff", b"a\0"].map(with_note));
        let mut taken = 0;
        for body in &bodies {
            if let Some(rows) = straight(body).unwrap() {
                let text = String::from_utf8_lossy(body);
                let by_contract = by_contract(body, &CONTRACT).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
                let bits = |rows: &[ValueRow]| rows.iter().map(|row| row.value.map(f64::to_bits)).collect::<Vec<_>>();
                assert_eq!((bits(&rows), &rows), (bits(&by_contract), &by_contract), "{text}");
                taken += 1;
            }
        }
        assert!(taken > 20, "{taken}");
    }

    #[test]
    fn faults_in_json_point_at_their_fields() {
        let rows = json!([
            {"period": "2026", "value": 1},
            {"period": "2026-13", "value": "1", "count": -1, "is_provisional": null, "note": " ", "comment": "x"},
            {"value": 1.1e15, "unit": "a b", "group": "æ", "count": 1_000_000_001, "note": "a".repeat(20_001)},
            {"period": "2026"},
        ]);
        let mut errors = errors(json(&json!({"values": rows})));
        errors.sort();
        let expected = [
            "/values/1/comment is no field here: leave it out, or mend its spelling",
            "/values/1/count is less than 0",
            "/values/1/is_provisional is of the wrong type: write true or false",
            "/values/1/note is blank: write text, or leave it out where it is optional",
            "/values/1/period is not a period: write 2024, 2024-H1, 2024-Q3, 2024-05 or 2024-05-17",
            "/values/1/value is of the wrong type: write a number or null",
            "/values/2/count is more than 1000000000",
            "/values/2/group is not a key. ",
            "/values/2/note is longer than 20000 characters",
            "/values/2/period is missing",
            "/values/2/unit is not a reference: ",
            "/values/2/value is more than 1000000000000000",
            "/values/3/value is missing",
        ];
        assert_eq!(errors.len(), expected.len(), "{errors:#?}");
        for (fault, expected) in errors.iter().zip(expected) {
            assert!(fault.starts_with(expected), "{fault}");
        }
    }

    #[test]
    fn json_that_is_none_is_told_with_its_line() {
        let told = |body: &str| read(body.as_bytes(), Form::Json, &CONTRACT).unwrap_err();
        let problem = told("{\"values\": [\n{\"period\": \"2026\", \"value\": 1e400}]}");
        assert_eq!(problem.kind, Kind::MalformedBody);
        assert!(problem.detail.contains("out of range at line 2 column"), "{}", problem.detail);
        assert!(told("{\"values\": [], \"values\": []}").detail.contains("'values' stands here twice"));
    }

    #[test]
    fn more_rows_than_are_taken_are_to_be_sent_in_parts() {
        let body = |first: &str, count: usize| {
            let rows = vec![r#"{"period":"2026","value":1}"#; count].join(",");
            read(format!(r#"{{"values":[{first}{rows}]}}"#).as_bytes(), Form::Json, &CONTRACT)
        };
        assert_eq!(body("", MOST_ROWS).unwrap().rows.len(), MOST_ROWS);
        for first in ["", "1,"] {
            let problem = body(first, MOST_ROWS + 1).unwrap_err();
            assert_eq!(problem.kind, Kind::TooLarge);
            assert!(problem.detail.contains("send them in parts"));
        }
        let table = |count: usize| csv(&format!("period,value\n{}", "2026,1\n".repeat(count)));
        assert_eq!(table(MOST_ROWS).unwrap().rows.len(), MOST_ROWS);
        assert_eq!(table(MOST_ROWS + 1).unwrap_err().kind, Kind::TooLarge);
    }

    #[test]
    fn faults_in_tables_are_told_with_their_lines() {
        let table = "period,unit,group,value,count,is_provisional,note\n\
                     2026,,,1,,,\n\
                     2026-13,a b,æ,x,1.5,1,\" \"\n\
                     \n\
                     ,,,,-1,nej,\n\
                     2026,,,1,1000000001,,\n\
                     2026,,,1,99999999999999999999,,\n";
        let errors = errors(csv(table));
        let expected = [
            "/values/1/period line 3: is not a period: write 2024,",
            "/values/1/unit line 3: is not a reference: ",
            "/values/1/group line 3: is not a key. A key: ",
            "/values/1/value line 3: is not a number: write digits",
            "/values/1/count line 3: is not a whole number: ",
            "/values/1/is_provisional line 3: is neither true nor false: ",
            "/values/1/note line 3: is not 1 to 20000 characters of text",
            "/values/2/period line 5: is not a period: ",
            "/values/2/value line 5: is empty: leave the row out",
            "/values/2/count line 5: is less than 0",
            "/values/2/is_provisional line 5: is neither true nor false: ",
            "/values/3/count line 6: is more than 1000000000",
            "/values/4/count line 7: is more than 1000000000",
        ];
        assert_eq!(errors.len(), expected.len(), "{errors:#?}");
        for (fault, expected) in errors.iter().zip(expected) {
            assert!(fault.starts_with(expected), "{fault}");
        }
        let problem = csv(&format!("period,value\n{}", "2026,x\n".repeat(1_001))).unwrap_err();
        assert_eq!((problem.errors.listed().len(), problem.errors.count()), (1_000, 1_001));
    }

    #[test]
    fn what_is_found_later_is_told_with_its_line_too() {
        let problem = || Problem::invalid("/values/1/unit", "is unknown");
        let told = |rows: Result<Rows>| rows.unwrap().locate(problem()).errors.listed()[0].detail.clone();
        assert_eq!(told(csv("period,value\r2026,1\r\r2027,1\r")), "line 4: is unknown");
        assert_eq!(told(json(&json!({"values": []}))), "is unknown");
    }

    #[test]
    fn numbers_are_those_of_json() {
        for (text, number) in [
            ("0", 0.0),
            ("-0", 0.0),
            ("3.5", 3.5),
            (" -3.5 ", -3.5),
            ("1e3", 1000.0),
            ("1.5E-7", 1.5e-7),
            ("2e+2", 200.0),
            ("1e15", 1e15),
            ("0.30000000000000004", 0.1 + 0.2),
        ] {
            assert_eq!(value(trimmed(text), Form::Csv), Ok(number), "{text}");
            let comma = text.replace('.', ",");
            assert_eq!(value(trimmed(&comma), Form::CsvExcelDa), Ok(number), "{comma}");
        }
        for (text, told) in [
            ("", "leave the row out"),
            ("NaN", "is not a number: write digits"),
            ("inf", "is not a number: write digits"),
            ("-infinity", "is not a number: write digits"),
            ("#DIV/0!", "is not a number: write digits"),
            ("ukendt, mangler", "is not a number: write digits"),
            ("0x10", "is not a number: write digits"),
            ("1_000", "is not a number: write digits"),
            ("２", "is not a number: write digits"),
            ("\u{2212}3", "is not a number: write digits"),
            ("'3", "spaces or apostrophes"),
            ("+3", "write one such as"),
            (".5", "write one such as"),
            ("5.", "write one such as"),
            ("-.5", "write one such as"),
            ("-", "write digits"),
            ("--3", "write one such as"),
            ("3-", "write one such as"),
            ("007", "write one such as"),
            ("1e", "write one such as"),
            ("e1", "write one such as"),
            ("1e1.5", "write one such as"),
            ("1e+-1", "write one such as"),
            ("1.2.3", "write one such as"),
            ("3,5", "or send ?format=csv-excel-da"),
            ("1,000", "or send ?format=csv-excel-da"),
            ("1.000,5", "or send ?format=csv-excel-da"),
            ("1 000", "spaces or apostrophes"),
            ("1\u{a0}000", "spaces or apostrophes"),
            ("\u{a0}3", "spaces or apostrophes"),
            ("3\t", "spaces or apostrophes"),
            ("1'000", "spaces or apostrophes"),
            ("12 %", "12 for 12 %"),
            ("12%", "12 for 12 %"),
            ("12,5%", "12 for 12 %"),
            ("1e400", number::EXPECTED),
            ("-1e400", number::EXPECTED),
            ("1e16", number::EXPECTED),
            ("1000000000000001", number::EXPECTED),
        ] {
            assert!(value(trimmed(text), Form::Csv).unwrap_err().contains(told), "{text}");
        }
        for (text, told) in [
            ("3.5", "has a full stop"),
            ("1.000", "has a full stop"),
            ("1.000,5", "has a full stop"),
            ("3,5,1", "write one such as 0,5"),
            (",5", "write one such as 0,5"),
            ("5,", "write one such as 0,5"),
            ("+3", "write one such as 0,5"),
            ("1e400", number::EXPECTED),
            ("12,5 %", "12 for 12 %"),
        ] {
            assert!(value(trimmed(text), Form::CsvExcelDa).unwrap_err().contains(told), "{text}");
        }
    }

    #[test]
    fn counts_are_whole_numbers_of_people() {
        assert_eq!((count(""), count("0"), count("64")), (Ok(None), Ok(Some(0)), Ok(Some(64))));
        assert_eq!(count("1000000000"), Ok(Some(MOST_PEOPLE)));
        for wrong in ["3.0", "3,0", "1e2", "+3", "-", "1.000", "1 000", "\u{a0}3", "x", "007", "-3", "1000000001"] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tables_come_back_as_they_were_fetched_without_what_is_no_value() {
        let header = "indicator;period;unit;group;benchmark;value;count;is_provisional;is_suppressed;is_aggregated;\
                      units_with_value;units;unit_of_measure;note";
        let table = |rows: &str| excel(&format!("\u{feff}{header}\r\n{rows}"));
        let rows = table("sygefravaer;2026;;;;3,5;64;false;false;false;;;dage;\r\n").unwrap();
        assert_eq!(rows.rows, [ValueRow { count: Some(64), ..row("2026", 3.5) }]);
        let mut none = ValidationErrors::default();
        rows.check_indicator(&"sygefravaer".parse().unwrap(), &mut none);
        assert_eq!(none.count(), 0);
        let told = errors(table(
            "a;2026;a;;;;;false;true;false;;;;\r\na;2026;b;;;1,5;;false;FALSE;TRUE;12;14;%;\r\n\
             ;2026;;;nabokommuner;1,5;;;;;;;;\r\n;2026;;;;1,5;;;ja;;;;;\r\n",
        ));
        let expected = [
            "/values/0/is_suppressed line 2: is true: leave computed and hidden rows out",
            "/values/1/is_aggregated line 3: is true: leave computed and hidden rows out",
            "/values/2/benchmark line 4: is not empty: leave the row out, and send",
            "/values/3/is_suppressed line 5: is neither true nor false",
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        assert!(told.iter().zip(expected).all(|(fault, expected)| fault.starts_with(expected)), "{told:#?}");
        let problem = csv("period,value,unti\n").unwrap_err();
        assert_eq!(problem.kind, Kind::MalformedBody);
        assert!(problem.detail.contains("names 'unti', which no table of values has"), "{}", problem.detail);
        assert!(csv("period,unit\n").unwrap_err().detail.contains("'value' is missing"));
        assert!(excel("period,value\n").unwrap_err().detail.contains("separated by semicolons"));
    }

    #[test]
    fn tables_are_of_one_indicator() {
        let rows = csv("period,value,indicator\n2026,1,\n2027,1,trivsel\n2028,1,trivsel\n").unwrap();
        let check = |key: &str| {
            let mut errors = ValidationErrors::default();
            rows.check_indicator(&key.parse().unwrap(), &mut errors);
            errors.into_result().map_err(|problem| rows.locate(problem).errors.listed().to_vec())
        };
        assert!(check("trivsel").is_ok());
        let told = check("sygefravaer").unwrap_err();
        assert_eq!((told.len(), told[0].pointer.as_str()), (1, "/values/1/indicator"));
        assert!(told[0].detail.starts_with("line 3: is 'trivsel', and the values are sent to 'sygefravaer'"));
        let told = errors(csv("period,value,indicator\n2026,1,trivsel\n2026,1,sygefravaer\n2026,1,Æ\n"));
        assert!(told[0].starts_with("/values/1/indicator line 3: is another one than in the rows before"), "{told:#?}");
        assert!(told[1].starts_with("/values/2/indicator line 4: is no key of an indicator"), "{told:#?}");
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn tables_of_a_benchmark_may_name_it() {
        let benchmark: Key = "nabokommuner".parse().unwrap();
        let read = |text: &str, form| read_benchmark(text.as_bytes(), form, &benchmark, &CONTRACT);
        let table = "period,benchmark,value,unit,group,count\n2026,nabokommuner,1.5,,,\n2027,,1.5,,,\n";
        assert_eq!(read(table, Form::Csv).unwrap().rows, [row("2026", 1.5), row("2027", 1.5)]);
        let told = errors(read("period,benchmark,value\n2026,landet,1.5\n", Form::Csv));
        assert!(told[0].starts_with("/values/0/benchmark line 2: is not 'nabokommuner'"), "{told:#?}");
        assert_eq!(told.len(), 1);
        let body = json!({"values": [{"period": "2026", "value": 1.5}]});
        assert_eq!(read(&body.to_string(), Form::Json).unwrap().rows, [row("2026", 1.5)]);
    }

    #[test]
    fn what_looks_like_a_cpr_number_is_refused_and_not_repeated() {
        let table = "2026,1,010101-1234,\n2026,1,a,Kun 0101011234\n2026,x,a,Kun 0101011234\n";
        let told = errors(csv(&format!("period,value,group,note\n{table}")));
        let expected = [
            "/values/0/group line 2: ",
            "/values/1/note line 3: ",
            "/values/2/value line 4: ",
            "/values/2/note line 4: ",
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        assert!(told.iter().zip(expected).all(|(fault, expected)| fault.starts_with(expected)), "{told:#?}");
        let body =
            json!({"values": [{"period": "2026", "value": 1, "group": "010101-1234", "note": "Kun 0101011234"}]});
        let told = [told, errors(json(&body))].concat();
        assert_eq!(told.iter().filter(|fault| fault.contains("looks like a CPR number")).count(), 5);
        assert!(!told.iter().any(|fault| fault.contains("0101")));
    }

    #[test]
    fn forms_are_told_by_media_type_and_format() {
        assert_eq!(Form::of(false, None).unwrap(), Form::Json);
        assert_eq!(Form::of(false, Some(Format::Json)).unwrap(), Form::Json);
        assert_eq!(Form::of(true, None).unwrap(), Form::Csv);
        assert_eq!(Form::of(true, Some(Format::CsvExcelDa)).unwrap(), Form::CsvExcelDa);
        for (is_csv, named) in [(false, Format::Csv), (false, Format::CsvExcelDa), (true, Format::Json)] {
            assert_eq!(Form::of(is_csv, Some(named)).unwrap_err().kind, Kind::InvalidQuery);
        }
    }
}
