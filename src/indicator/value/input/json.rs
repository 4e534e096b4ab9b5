//! Values as JSON.
//!
//! A body may have 100,000 rows and hardly ever has errors. So serde parses it directly into rows ([`parse_fast`]).
//! Only where that fails, or a row is not surely valid, the contract parses it again ([`parse_by_contract`]): that is
//! slower, and finds every error and its place. The fast way accepts nothing that the contract would refuse.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{MOST_PEOPLE, MOST_ROWS, ParsedRows, check_texts};
use crate::http::contract::Contract;
use crate::http::json;
use crate::indicator::number;
use crate::indicator::value::model::{SentPage, ValueRow, ValuesBody};
use crate::problem::{Kind, Problem, Result, ValidationErrors};
use crate::text::LongText;

/// Parses a body of JSON.
pub fn parse(bytes: &[u8], contract: &Contract) -> Result<ParsedRows> {
    let (rows, page) = match parse_fast(bytes)? {
        Some(rows) => (rows, None),
        None => parse_by_contract(bytes, contract)?,
    };
    let mut errors = ValidationErrors::default();
    for (n, row) in rows.iter().enumerate() {
        let pointer = |field: &str| format!("/values/{n}/{field}");
        check_texts(row.group.as_ref(), row.note.as_ref(), pointer, &mut errors);
    }
    for (n, item) in page.iter().flat_map(|page| &page.items).enumerate() {
        let pointer = |field: &str| format!("/items/{n}/{field}");
        check_texts(item.group.as_ref(), item.note.as_ref(), pointer, &mut errors);
    }
    errors.into_result()?;
    Ok(ParsedRows { rows, lines: None, indicator: None, page })
}

/// The rows of a valid body; none where the contract has to decide.
pub fn parse_fast(bytes: &[u8]) -> Result<Option<Vec<ValueRow>>> {
    let body =
        std::str::from_utf8(bytes).ok().and_then(|text| serde_json::from_str::<StrictObject<FastBody>>(text).ok());
    let Some(StrictObject(FastBody { values: CountedRows { rows, count } })) = body else { return Ok(None) };
    check_number_of_rows(count)?;
    Ok(rows.iter().all(is_valid).then_some(rows))
}

/// The rows of a body, or the page that was sent back; fails with all errors of the body.
pub fn parse_by_contract(bytes: &[u8], contract: &Contract) -> Result<(Vec<ValueRow>, Option<SentPage>)> {
    let body = json::parse(bytes)?;
    for field in ["values", "items"] {
        check_number_of_rows(body[field].as_array().map_or(0, Vec::len))?;
    }
    match contract.parse::<ValuesBody>(body)? {
        ValuesBody { values: Some(_), items: Some(_), .. } => {
            Err(Problem::invalid("/items", "stands beside 'values': send one of them"))
        }
        ValuesBody { values: Some(rows), .. } => Ok((rows, None)),
        ValuesBody { items: Some(items), indicator, .. } => Ok((Vec::new(), Some(SentPage { indicator, items }))),
        ValuesBody { .. } => {
            Err(Problem::invalid("/values", "is missing: send the values here, or in 'items' as an answer has them"))
        }
    }
}

fn check_number_of_rows(count: usize) -> Result<()> {
    if count <= MOST_ROWS {
        return Ok(());
    }
    let detail = format!("The body has {count} values, and takes {MOST_ROWS} at once: send them in parts.");
    Err(Problem::new(Kind::TooLarge, detail))
}

/// Whether a row surely meets the rules of the schema that its types don't check.
fn is_valid(row: &ValueRow) -> bool {
    let has_letters = |note: &LongText| note.as_str().chars().any(char::is_alphanumeric);
    row.value.is_none_or(number::is_storable)
        && row.count.is_none_or(|count| (0..=MOST_PEOPLE).contains(&count))
        // The schema's pattern and Rust differ on which characters are blank: only a letter or digit leaves no doubt.
        && row.note.as_ref().is_none_or(has_letters)
}

/// [`ValuesBody`], as the fast way reads it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FastBody {
    values: CountedRows,
}

/// The rows up to the limit, and how many there are. Rows beyond the limit are counted and not kept.
struct CountedRows {
    rows: Vec<ValueRow>,
    count: usize,
}

impl<'de> Deserialize<'de> for CountedRows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_seq(CountedRowsVisitor)
    }
}

struct CountedRowsVisitor;

impl<'de> Visitor<'de> for CountedRowsVisitor {
    type Value = CountedRows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<CountedRows, A::Error> {
        let mut rows = Vec::new();
        while rows.len() < MOST_ROWS {
            match items.next_element()? {
                Some(StrictObject(row)) => rows.push(row),
                None => return Ok(CountedRows { count: rows.len(), rows }),
            }
        }
        let mut count = rows.len();
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(CountedRows { rows, count })
    }
}

/// A value that must be written as an object. The derived code alone would take an array of its fields too.
struct StrictObject<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for StrictObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(StrictObjectVisitor(PhantomData))
    }
}

struct StrictObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for StrictObjectVisitor<T> {
    type Value = StrictObject<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> std::result::Result<StrictObject<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(StrictObject)
    }
}
