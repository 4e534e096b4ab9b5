//! Values as a table.

use std::collections::HashMap;
use std::str::FromStr;

use csv::StringRecord;

use super::{BodyFormat, MOST_PEOPLE, MOST_ROWS, ParsedRows, check_texts};
use crate::db::types::Key;
use crate::http::csv::{Delimiter, Expected};
use crate::http::table;
use crate::indicator::number;
use crate::indicator::value::model::ValueRow;
use crate::problem::{Result, ValidationErrors};

/// The columns that a table of values may have. Those from `indicator` on stand in answers only: a table can be sent
/// back as it was fetched, without its hidden and computed rows.
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

/// The layout of a table of values.
fn layout(format: BodyFormat) -> Expected<'static> {
    Expected {
        name: "table of values",
        delimiter: if format == BodyFormat::CsvExcelDa { Delimiter::Semicolon } else { Delimiter::Detected },
        required: &["period", "value"],
        known: Some(&COLUMNS),
        max_columns: 2 * COLUMNS.len(),
        max_rows: MOST_ROWS,
    }
}

/// Parses a table.
pub fn parse(bytes: &[u8], benchmark: Option<&Key>, format: BodyFormat) -> Result<ParsedRows> {
    let table = crate::http::csv::read(bytes, &layout(format))?;
    let columns = table.columns();
    let (mut rows, mut errors) = (Vec::with_capacity(table.records.len()), ValidationErrors::default());
    let mut indicator: Option<(usize, Key)> = None;
    for (n, cells) in table.records.iter().enumerate() {
        let mut row = TableRow { n, cells, columns: &columns, errors: &mut errors };
        if row.check_is_value(benchmark, &mut indicator).is_none() {
            continue;
        }
        if let Some(row) = row.into_value(format) {
            let pointer = |field: &str| format!("/values/{n}/{field}");
            check_texts(row.group.as_ref(), row.note.as_ref(), pointer, &mut errors);
            rows.push(row);
        }
    }
    errors.into_result().map_err(|problem| table.lines.locate(problem))?;
    Ok(ParsedRows { rows, lines: Some(table.lines), indicator, page: None })
}

/// A row of a table.
struct TableRow<'t> {
    n: usize,
    cells: &'t StringRecord,
    columns: &'t HashMap<&'t str, usize>,
    errors: &'t mut ValidationErrors,
}

impl TableRow<'_> {
    /// Checks the columns that stand in answers only. Returns none where it found an error.
    fn check_is_value(&mut self, benchmark: Option<&Key>, indicator: &mut Option<(usize, Key)>) -> Option<()> {
        self.read("is_suppressed", check_is_stored)?;
        self.read("is_aggregated", check_is_stored)?;
        self.read("benchmark", |cell| check_benchmark(cell, benchmark))?;
        let n = self.n;
        self.read("indicator", |cell| check_indicator(cell, n, indicator))
    }

    /// The value. After errors, some of its fields are missing, or all of it.
    fn into_value(mut self, format: BodyFormat) -> Option<ValueRow> {
        let period = self.read("period", |cell| plain(cell).parse());
        let unit = self.read("unit", |cell| optional(plain(cell)));
        let group = self.read("group", |cell| optional(plain(cell)).map_err(not_a_key));
        let value = self.read("value", |cell| value(trimmed(cell), format));
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

    /// Parses the cell of a field; a missing column counts as empty. Adds an error where the cell can't be parsed.
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

/// Removes spaces at both ends. Other blank characters are left in and lead to an error.
pub fn trimmed(cell: &str) -> &str {
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

/// Checks that all rows name the same indicator, if any.
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

/// Parses a value: a number as JSON writes it, or the same with a decimal comma.
pub fn value(cell: &str, format: BodyFormat) -> std::result::Result<f64, &'static str> {
    let is_danish = format == BodyFormat::CsvExcelDa;
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

/// Parses a number as JSON allows it (RFC 8259, section 6); Rust would accept more.
fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (number, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let fits = is_whole(whole) && are_digits(fraction) && are_digits(exponent);
    fits.then(|| text.parse().ok())?.map(|value: f64| value + 0.0)
}

/// Parses a number of people; empty = unknown.
pub fn count(cell: &str) -> std::result::Result<Option<i64>, String> {
    match cell {
        "" => Ok(None),
        _ if !is_whole(cell.strip_prefix('-').unwrap_or(cell)) => {
            Err("is not a whole number: write digits alone, such as 64".to_owned())
        }
        _ if cell.starts_with('-') => Err("is less than 0".to_owned()),
        // Too many digits for an integer are too many as well.
        _ => match cell.parse().ok().filter(|count| *count <= MOST_PEOPLE) {
            None => Err(format!("is more than {MOST_PEOPLE}")),
            count => Ok(count),
        },
    }
}

/// Whether it is digits without a leading zero, or a zero.
fn is_whole(digits: &str) -> bool {
    are_digits(digits) && (digits == "0" || !digits.starts_with('0'))
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
