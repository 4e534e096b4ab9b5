//! Parses values that a client sends, as JSON or as a table, into typed rows.

mod json;
mod table;
#[cfg(test)]
mod tests;

use super::model::{SentPage, ValueRow};
use crate::db::types::{Key, RegisterKey};
use crate::http::contract::Contract;
use crate::http::csv::Lines;
use crate::http::format::Format;
use crate::problem::{Kind, Problem, Result, ValidationErrors};
use crate::text::{LongText, check_no_cpr};

/// The format of a body with values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// JSON.
    Json,
    /// A table with decimal points.
    Csv,
    /// A table as a Danish Excel writes it: semicolons and decimal commas.
    CsvExcelDa,
}

impl BodyFormat {
    /// The format by the body's media type and the query's `format`. Fails where they contradict each other.
    pub fn of_request(is_csv: bool, named: Option<Format>) -> Result<Self> {
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
pub struct ParsedRows {
    /// The rows in the order of the body.
    pub rows: Vec<ValueRow>,
    /// The lines of the rows in a table.
    lines: Option<Lines>,
    /// The indicator that a table names, and the number of the first row that does.
    indicator: Option<(usize, Key)>,
    /// A page that was sent back, in place of rows.
    pub page: Option<SentPage>,
}

impl ParsedRows {
    /// Adds the lines of the table to the errors of a problem, if the rows came as a table.
    pub fn locate(&self, problem: Problem) -> Problem {
        match &self.lines {
            Some(lines) => lines.locate(problem),
            None => problem,
        }
    }

    /// Checks that a table is sent to the indicator that it names.
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

/// Parses the values of an indicator, or of `benchmark`. Errors point to `/values/<row>/<field>`.
pub fn parse(bytes: &[u8], format: BodyFormat, benchmark: Option<&Key>, contract: &Contract) -> Result<ParsedRows> {
    match format {
        BodyFormat::Json => json::parse(bytes, contract),
        BodyFormat::Csv | BodyFormat::CsvExcelDa => table::parse(bytes, benchmark, format),
    }
}

/// Checks that the texts of a value hold no CPR number.
fn check_texts(
    group: Option<&RegisterKey>,
    note: Option<&LongText>,
    pointer: impl Fn(&str) -> String,
    errors: &mut ValidationErrors,
) {
    if let Some(group) = group {
        check_no_cpr(&pointer("group"), group.as_str(), errors);
    }
    if let Some(note) = note {
        check_no_cpr(&pointer("note"), note.as_str(), errors);
    }
}
