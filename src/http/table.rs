//! Lists as pages of JSON or as tables: CSV (RFC 4180).

use std::borrow::Cow;

use actix_web::body::BoxBody;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::entity_tag::{content_tag, tagged_as, vary_by};
use super::format::Format;
use super::page::{Cursor, Page, PageLimit};
use crate::problem::{Kind, Problem, Result};

/// How many rows to read for a list: a page and one more, or all of them.
pub fn max_rows(format: Format, limit: PageLimit, cursor: Option<&Cursor>) -> Result<Option<i64>> {
    match (format, cursor) {
        (Format::Json, _) => Ok(Some(limit.with_lookahead())),
        (_, None) => Ok(None),
        (_, Some(_)) => {
            let detail = "CSV holds every row of the list, so there is no 'cursor' in it: leave it out.";
            Err(Problem::new(Kind::InvalidQuery, detail))
        }
    }
}

/// A table as a request body, for the contract: bytes that clients send unchanged.
pub struct CsvBody;

impl PartialSchema for CsvBody {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for CsvBody {}

/// A row that can be written as a line of a table.
pub trait Tabular: Serialize {
    /// The fields that become columns, in order.
    const COLUMNS: &'static [&'static str];
}

/// A list in the form that the client requested.
pub enum Listing<T> {
    /// A page of it.
    Page(Page<T>),
    /// All of it.
    Table {
        /// The text.
        text: Vec<u8>,
        /// How many rows it has.
        rows: usize,
    },
}

impl<T: Tabular> Listing<T> {
    /// The rows that were read by [`max_rows`]; `place` is where a row stands in the order.
    pub fn of<P: Serialize>(
        rows: Vec<T>,
        format: Format,
        limit: PageLimit,
        place: impl FnOnce(&T) -> P,
    ) -> Result<Self> {
        match format {
            Format::Json => Ok(Self::Page(Page::of(rows, limit, place))),
            _ => Ok(Self::Table { text: write(&rows, format)?, rows: rows.len() }),
        }
    }
}

impl<T> Listing<T> {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        match self {
            Self::Page(page) => page.items.len(),
            Self::Table { rows, .. } => *rows,
        }
    }
}

impl<T: Serialize> Responder for Listing<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut answer = match self {
            Self::Page(page) => page.respond_to(request),
            Self::Table { text, .. } => {
                let tag = content_tag(&text);
                tagged_as(&mut HttpResponse::Ok(), request, &tag, Format::Csv.media_type(), || Ok(text))
            }
        };
        vary_by(&mut answer, "accept");
        answer
    }
}

fn write<T: Tabular>(rows: &[T], format: Format) -> Result<Vec<u8>> {
    let mut table = TableWriter::new(format, T::COLUMNS)?;
    for row in rows {
        let row = serde_json::to_value(row).map_err(Problem::internal)?;
        T::COLUMNS.iter().try_for_each(|column| {
            let cell = cell(&row[column], table.is_excel);
            table.raw(&cell)
        })?;
        table.end()?;
    }
    table.take()
}

/// Writes a table cell by cell. After each row, [`TableWriter::take`] may take what is written so far.
pub struct TableWriter {
    is_excel: bool,
    rows: csv::Writer<Vec<u8>>,
}

impl TableWriter {
    /// A table with its first line.
    pub fn new(format: Format, columns: &[&str]) -> Result<Self> {
        let is_excel = format == Format::CsvExcelDa;
        let begin = if is_excel { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        let mut table = Self { is_excel, rows: Self::writer(is_excel, begin) };
        columns.iter().try_for_each(|column| table.raw(column))?;
        table.end()?;
        Ok(table)
    }

    fn writer(is_excel: bool, begin: Vec<u8>) -> csv::Writer<Vec<u8>> {
        let delimiter = if is_excel { b';' } else { b',' };
        csv::WriterBuilder::new().delimiter(delimiter).terminator(csv::Terminator::CRLF).from_writer(begin)
    }

    fn raw(&mut self, cell: &str) -> Result<()> {
        self.rows.write_field(cell).map_err(Problem::internal)
    }

    /// A text, harmless in spreadsheets.
    pub fn text(&mut self, text: &str) -> Result<()> {
        self.raw(&neutralized(text))
    }

    /// A number, exact; empty where there is none.
    pub fn number(&mut self, number: Option<f64>) -> Result<()> {
        match number {
            None => self.raw(""),
            Some(number) if self.is_excel => self.raw(&number.to_string().replace('.', ",")),
            Some(number) => self.raw(&number.to_string()),
        }
    }

    /// A whole number; empty where there is none.
    pub fn whole(&mut self, number: Option<i64>) -> Result<()> {
        self.raw(&number.map(|number| number.to_string()).unwrap_or_default())
    }

    /// `true` or `false`.
    pub fn truth(&mut self, truth: bool) -> Result<()> {
        self.raw(if truth { "true" } else { "false" })
    }

    /// Ends a row.
    pub fn end(&mut self) -> Result<()> {
        self.rows.write_record(None::<&[u8]>).map_err(Problem::internal)
    }

    /// About how many bytes have not been taken yet.
    pub fn len(&self) -> usize {
        self.rows.get_ref().len()
    }

    /// Whether everything was taken.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes what was written since the last time.
    pub fn take(&mut self) -> Result<Vec<u8>> {
        let next = Self::writer(self.is_excel, Vec::new());
        let written = std::mem::replace(&mut self.rows, next);
        written.into_inner().map_err(|error| Problem::internal(error.to_string()))
    }
}

fn cell(value: &Value, decimal_comma: bool) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => neutralized(text).into_owned(),
        Value::Number(number) if decimal_comma => number.to_string().replace('.', ","),
        Value::Array(items) => {
            let words = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), ToOwned::to_owned));
            neutralized(&words.collect::<Vec<_>>().join(" ")).into_owned()
        }
        other => other.to_string(),
    }
}

/// Spreadsheets execute cells that begin like a formula; after an apostrophe they are text (OWASP, CSV injection).
fn neutralized(text: &str) -> Cow<'_, str> {
    // A text that already has the apostrophe gets another one, so that `plain` restores the original.
    match text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}").into(),
        false => text.into(),
    }
}

/// The text of a cell before it was neutralized.
pub fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if neutralized(text) != text => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Line {
        key: &'static str,
        share: f64,
        units: Vec<&'static str>,
        note: Option<&'static str>,
    }

    impl Tabular for Line {
        const COLUMNS: &'static [&'static str] = &["key", "share", "units", "note"];
    }

    const LINES: [Line; 2] = [
        Line { key: "a", share: 0.5, units: vec![], note: None },
        Line { key: "@b", share: 1.25, units: vec![], note: Some("siger \"=1\", \nså") },
    ];

    #[test]
    fn tables_are_what_spreadsheets_read() {
        let text = |format| String::from_utf8(write(&LINES, format).unwrap()).unwrap();
        assert_eq!(text(Format::Csv), "key,share,units,note\r\na,0.5,,\r\n'@b,1.25,,\"siger \"\"=1\"\", \nså\"\r\n");
        assert_eq!(
            text(Format::CsvExcelDa),
            "\u{feff}key;share;units;note\r\na;0,5;;\r\n'@b;1,25;;\"siger \"\"=1\"\", \nså\"\r\n"
        );
        let line = Line { key: "-1", share: 1.0, units: vec!["=a", "b"], note: Some("\tx") };
        assert_eq!(
            String::from_utf8(write(&[line], Format::Csv).unwrap()).unwrap().lines().nth(1),
            Some("'-1,1.0,'=a b,'\tx"),
        );
    }
}
