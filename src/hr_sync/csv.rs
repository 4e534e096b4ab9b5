//! Sections as tables (RFC 4180): the first line names the fields, each other line is a row.
//!
//! What a table can't say is said by convention: an empty cell is null, a column that is not there leaves
//! its field alone. Commas, semicolons or tabs, with or without a byte order mark; UTF-8 only.

use csv::{ReaderBuilder, StringRecord, Trim};
use serde_json::{Map, Value, json};

use crate::http::table;
use crate::problem::{Fault, Kind, Problem, Result};

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

/// The line of a table on which each of its rows begins.
#[derive(Debug, PartialEq)]
pub struct Lines(Vec<u64>);

impl Lines {
    /// The same problem, its faults told with the lines of the table.
    pub fn locate(&self, problem: Problem) -> Problem {
        let line_of = |pointer: &str| self.0.get(pointer.split('/').nth(2)?.parse::<usize>().ok()?);
        let tell = |fault: &Fault| match line_of(&fault.pointer) {
            Some(line) => format!("line {line}: {}", fault.detail),
            None => fault.detail.clone(),
        };
        Problem { faults: problem.faults.retold(tell), ..problem }
    }
}

/// How many rows a table may have; as many as a section may have in JSON.
const MOST_ROWS: usize = 100_000;

/// How many cells a table may have.
const MOST_CELLS: usize = 2_000_000;

/// How many columns a table may have: twice as many as any section has.
const MOST_COLUMNS: usize = 32;

/// The columns that only answers have: a table may come back as it was fetched.
const OF_ANSWERS: [&str; 5] = ["id", "managed_by", "version", "created_at", "updated_at"];

/// Reads a table: what it would be as JSON, and where its rows stand.
pub fn read(section: CsvSection, bytes: &[u8]) -> Result<(Value, Lines)> {
    let text = text(bytes)?;
    let mut reader = ReaderBuilder::new().delimiter(delimiter(text)).trim(Trim::Headers).from_reader(text.as_bytes());
    let fields = reader.headers().map_err(|error| malformed(text, &error))?.clone();
    check_header(&fields)?;
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    let mut line = LineCounter { text, place: 0, line: 1 };
    for record in reader.records() {
        let record = record.map_err(|error| malformed(text, &error))?;
        let begins = line.of(record.position());
        if record.iter().any(|cell| cell.contains(['\n', '\r'])) {
            let detail = format!("A cell in line {begins} goes on in the next one: close its quotation marks there.");
            return Err(Problem::new(Kind::MalformedBody, detail));
        }
        if rows.len() * fields.len() > MOST_CELLS {
            let detail = format!("The table has more than {MOST_CELLS} cells: send it in parts.");
            return Err(Problem::new(Kind::TooLarge, detail));
        }
        if rows.len() == MOST_ROWS {
            let detail = format!("The table has more than {MOST_ROWS} rows: send it in parts.");
            return Err(Problem::new(Kind::TooLarge, detail));
        }
        lines.push(begins);
        rows.push(row(section, &fields, &record));
    }
    Ok((json!({section.as_str(): rows}), Lines(lines)))
}

/// The text, whole and in UTF-8. A file that does not end with a line break may have been cut off.
fn text(bytes: &[u8]) -> Result<&str> {
    let line_of = |place: usize| bytes[..place].iter().filter(|byte| **byte == b'\n').count() + 1;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let place = error.valid_up_to();
        let (line, byte) = (line_of(place), bytes[place]);
        let detail = format!("Line {line} is not UTF-8 (byte {byte:#04X}): save the table as UTF-8.");
        Problem::new(Kind::MalformedBody, detail)
    })?;
    if let Some(place) = text.find('\0') {
        let detail = format!("Line {} holds a NUL character: leave it out.", line_of(place));
        return Err(Problem::new(Kind::MalformedBody, detail));
    }
    if !text.ends_with('\n') {
        let detail = "The table does not end with a line break, as if it had been cut off: send it whole.";
        return Err(Problem::new(Kind::MalformedBody, detail));
    }
    // An opening one without its closing one would take all that follows into its cell.
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        let detail = "The table has an odd number of quotation marks: close each, and double those inside of a cell.";
        return Err(Problem::new(Kind::MalformedBody, detail));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// What the header has most of: semicolons, as Danish spreadsheets write, tabs or commas.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
    [b';', b'\t', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

fn check_header(fields: &StringRecord) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    let twice = fields.iter().find(|field| !seen.insert(*field));
    let detail = match twice {
        _ if fields.len() > MOST_COLUMNS => {
            format!("The table's first line names {} fields, where no section has as many.", fields.len())
        }
        Some(field) => format!("The table's first line names '{field}' twice."),
        None if seen.contains("") => "The table's first line has a cell without a name.".to_owned(),
        None if !seen.contains("key") => {
            let found = fields.iter().collect::<Vec<_>>().join("' and '");
            format!(
                "The table's first line names the fields, separated by commas, semicolons or tabs; 'key' is missing \
                 among '{found}'."
            )
        }
        None => return Ok(()),
    };
    Err(Problem::new(Kind::MalformedBody, detail))
}

/// Tells on which line a record begins. The reader's own count stands still between CR and LF.
struct LineCounter<'t> {
    text: &'t str,
    place: usize,
    line: u64,
}

impl LineCounter<'_> {
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let begin = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        let bytes = self.text.as_bytes();
        let begin = begin + usize::from(bytes.get(begin) == Some(&b'\n'));
        let passed = bytes.get(self.place..begin).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.place = begin.max(self.place);
        self.line
    }
}

fn malformed(text: &str, error: &csv::Error) -> Problem {
    let detail = match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = LineCounter { text, place: 0, line: 1 }.of(pos.as_ref());
            format!("Line {line} has {len} cells where the first line has {expected_len}: it may have been cut off.")
        }
        _ => "The table can't be read as CSV.".to_owned(),
    };
    Problem::new(Kind::MalformedBody, detail)
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
