//! Sections as tables: what their cells stand for.
//!
//! What a table can't say is said by convention: an empty cell is null, a column that is not there leaves
//! its field alone.

use csv::StringRecord;
use serde_json::{Map, Value, json};

pub use crate::http::csv::Lines;
use crate::http::csv::{Delimiter, Expected, Table};
use crate::http::table;
use crate::problem::Result;

crate::text_enum! {
    /// A section that can come as CSV.
    CsvSection {
        /// Units.
        Units = "units",
        /// Employees.
        Employees = "employees",
    }
}

impl CsvSection {
    /// The fields whose cells are no text.
    fn kind_of(self, field: &str) -> CellKind {
        match (self, field) {
            (Self::Units, "headcount") => CellKind::WholeNumber,
            (Self::Employees, "has_personnel_responsibility" | "name_protected") => CellKind::TrueOrFalse,
            _ => CellKind::Text,
        }
    }
}

enum CellKind {
    Text,
    WholeNumber,
    TrueOrFalse,
}

/// What such a table is to look like: as many rows as a section may have in JSON, twice as many columns as any has.
const SECTION: Expected<'_> = Expected {
    name: "section",
    delimiter: Delimiter::Detected,
    required: &["key"],
    // The schema finds fault with those that are no fields.
    known: None,
    max_columns: 32,
    max_rows: 100_000,
};

/// The columns that only answers have: a table may come back as it was fetched.
const OF_ANSWERS: [&str; 5] = ["id", "managed_by", "version", "created_at", "updated_at"];

/// Reads a table: what it would be as JSON, and where its rows stand.
pub fn read(section: CsvSection, bytes: &[u8]) -> Result<(Value, Lines)> {
    let Table { fields, records, lines } = crate::http::csv::read(bytes, &SECTION)?;
    let rows: Vec<Value> = records.into_iter().map(|record| row(section, &fields, &record)).collect();
    Ok((json!({section.as_str(): rows}), lines))
}

fn row(section: CsvSection, fields: &StringRecord, record: &StringRecord) -> Value {
    let cells = fields.iter().zip(record).filter(|(field, _)| !OF_ANSWERS.contains(field));
    let cells = cells.map(|(field, cell)| (field.to_owned(), value(section.kind_of(field), cell)));
    Value::Object(cells.collect::<Map<_, _>>())
}

/// What a cell stands for; what is not what its column wants stays text, for the schema to find fault with.
fn value(kind: CellKind, cell: &str) -> Value {
    let text = || Value::from(table::plain(cell));
    match (kind, cell) {
        (_, "") => Value::Null,
        (CellKind::Text, _) => text(),
        (CellKind::WholeNumber, _) => cell.parse::<i64>().map_or_else(|_| text(), Value::from),
        // Spreadsheets write them in capitals.
        (CellKind::TrueOrFalse, "true" | "TRUE") => true.into(),
        (CellKind::TrueOrFalse, "false" | "FALSE") => false.into(),
        (CellKind::TrueOrFalse, _) => text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_become_rows() {
        let table = "\u{feff}key;name;headcount;version\r\na;\"Æ; \"\"ø\"\"\";12;1\r\nb;'=1;;\r\n";
        let table = read(CsvSection::Units, table.as_bytes()).unwrap();
        let expected = json!({"units": [
            {"key": "a", "name": "Æ; \"ø\"", "headcount": 12}, {"key": "b", "name": "=1", "headcount": null},
        ]});
        assert_eq!(table, (expected, Lines(vec![2, 3])));
        let table = "key,name_protected,has_personnel_responsibility\na,true,nej\n";
        let table = read(CsvSection::Employees, table.as_bytes()).unwrap();
        let row = json!({"key": "a", "name_protected": true, "has_personnel_responsibility": "nej"});
        assert_eq!(table.0, json!({"employees": [row]}));
    }

    #[test]
    fn what_is_no_whole_table_is_refused() {
        let told = |bytes: &[u8]| read(CsvSection::Units, bytes).unwrap_err().detail;
        assert!(told(b"key,name\na,R\xf8nne\n").starts_with("Line 2 is not UTF-8 (byte 0xF8)"));
        assert!(told(b"key,name\na,A\nb").contains("cut off"));
        assert!(told(b"key,name\na,A\nb\n").starts_with("Line 3 has 1 cells where the first line has 2"));
        assert!(told(b"name\nA\n").contains("'key' is missing"));
        assert!(told(b"key,key\na,a\n").contains("twice"));
        assert!(told(b"").contains("line break"));
        assert!(told(b"key,name\na,\"A\nb,B\n").contains("odd number of quotation marks"));
        assert!(told(b"key,name\na,\"A\nb,\"B\n").contains("line 2 goes on"));
        assert!(told(b"key,\na,A\n").contains("without a name"));
        assert!(told(b"key,name\na,A\0\n").contains("Line 2"));
    }
}
