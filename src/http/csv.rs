//! Reads tables that clients send (RFC 4180): the first line names the fields, each other line is a row.
//!
//! Commas, semicolons or tabs, with or without a byte order mark; UTF-8 only. A line ends with LF, CRLF or CR; a cell
//! has no line break.

use std::collections::{HashMap, HashSet};

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::problem::{Kind, Problem, Result, ValidationError};

/// The requirements for a table.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'e> {
    /// What such a table is called in problems.
    pub name: &'e str,
    /// The delimiter between cells.
    pub delimiter: Delimiter,
    /// The columns that must be there.
    pub required: &'e [&'e str],
    /// All columns that are allowed; `None`: the caller checks them.
    pub known: Option<&'e [&'e str]>,
    /// The maximal number of columns.
    pub max_columns: usize,
    /// The maximal number of rows.
    pub max_rows: usize,
}

/// The delimiter between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// Whichever of commas, semicolons and tabs the first line has most of.
    Detected,
    /// Semicolons.
    Semicolon,
}

/// A table in memory.
#[derive(Debug)]
pub struct Table {
    /// The names of its columns.
    pub fields: StringRecord,
    /// Its rows, each with a cell for every column.
    pub records: Vec<StringRecord>,
    /// The lines of its rows.
    pub lines: Lines,
}

impl Table {
    /// The column of each field.
    pub fn columns(&self) -> HashMap<&str, usize> {
        self.fields.iter().enumerate().map(|(column, field)| (field, column)).collect()
    }
}

/// The line of a table on which each of its rows begins.
#[derive(Debug, PartialEq)]
pub struct Lines(pub(crate) Vec<u64>);

impl Lines {
    /// Adds line numbers to the errors of a problem whose pointers are like `/rows/3/field`.
    pub fn locate(&self, problem: Problem) -> Problem {
        let line_of = |pointer: &str| self.0.get(pointer.split('/').nth(2)?.parse::<usize>().ok()?);
        let with_line = |error: &ValidationError| match line_of(&error.pointer) {
            Some(line) => format!("line {line}: {}", error.detail),
            None => error.detail.clone(),
        };
        Problem { errors: problem.errors.map_details(with_line), ..problem }
    }
}

/// How many cells a table may have.
const MAX_CELLS: usize = 2_000_000;

/// Reads a table. A text that is no such table is a malformed body; the detail names the line.
pub fn read(bytes: &[u8], expected: &Expected<'_>) -> Result<Table> {
    let text = text(bytes)?;
    let delimiter = expected.delimiter.detect(text);
    let mut reader = ReaderBuilder::new().delimiter(delimiter).trim(Trim::Headers).from_reader(text.as_bytes());
    let fields = reader.headers().map_err(|error| malformed(text, &error))?.clone();
    check_header(&fields, expected)?;
    let (mut records, mut lines) = (Vec::new(), Vec::new());
    let mut line = LineCounter { text, place: 0, line: 1 };
    for record in reader.records() {
        let record = record.map_err(|error| malformed(text, &error))?;
        let begins = line.line_at(record.position());
        if record.iter().any(|cell| cell.contains(['\n', '\r'])) {
            let detail = format!("A cell in line {begins} goes on in the next one: close its quotation marks there.");
            return Err(Problem::new(Kind::MalformedBody, detail));
        }
        if records.len() * fields.len() > MAX_CELLS {
            let detail = format!("The table has more than {MAX_CELLS} cells: send it in parts.");
            return Err(Problem::new(Kind::TooLarge, detail));
        }
        if records.len() == expected.max_rows {
            let detail = format!("The table has more than {} rows: send it in parts.", expected.max_rows);
            return Err(Problem::new(Kind::TooLarge, detail));
        }
        lines.push(begins);
        records.push(record);
    }
    Ok(Table { fields, records, lines: Lines(lines) })
}

/// Checks that the text is whole and UTF-8. A file that does not end with a line break may have been cut off.
fn text(bytes: &[u8]) -> Result<&str> {
    let line_of = |place: usize| line_ends(&bytes[..place]) + 1;
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
    if !text.ends_with(['\n', '\r']) {
        let detail = "The table does not end with a line break, as if it had been cut off: send it whole.";
        return Err(Problem::new(Kind::MalformedBody, detail));
    }
    // Without its closing quotation mark, a cell would take in all that follows.
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        let detail = "The table has an odd number of quotation marks: close each, and double those inside of a cell.";
        return Err(Problem::new(Kind::MalformedBody, detail));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// How many line breaks there are: LF, CR or CRLF.
fn line_ends(bytes: &[u8]) -> u64 {
    let single = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    let double = bytes.windows(2).filter(|pair| *pair == b"\r\n").count();
    (single - double) as u64
}

impl Delimiter {
    /// The delimiter of a text. When detecting, the first line decides.
    fn detect(self, text: &str) -> u8 {
        if self == Self::Semicolon {
            return b';';
        }
        let header = text.split(['\n', '\r']).next().unwrap_or_default();
        let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
        [b';', b'\t', b','].into_iter().max_by_key(count).unwrap_or(b',')
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Detected => "commas, semicolons or tabs",
            Self::Semicolon => "semicolons",
        }
    }
}

fn check_header(fields: &StringRecord, expected: &Expected<'_>) -> Result<()> {
    let mut seen = HashSet::new();
    let twice = fields.iter().find(|field| !seen.insert(*field));
    let missing = expected.required.iter().find(|field| !seen.contains(*field));
    let is_unknown = |field: &&str| expected.known.is_some_and(|known| !known.contains(field));
    let unknown: Vec<&str> = fields.iter().filter(is_unknown).collect();
    let detail = match (twice, missing) {
        _ if fields.len() > expected.max_columns => {
            let name = expected.name;
            format!("The table's first line names {} fields, where no {name} has as many.", fields.len())
        }
        (Some(field), _) => format!("The table's first line names '{field}' twice."),
        _ if seen.contains("") => "The table's first line has a cell without a name.".to_owned(),
        (None, Some(missing)) => {
            let found = fields.iter().collect::<Vec<_>>().join("' and '");
            format!(
                "The table's first line names the fields, separated by {}; '{missing}' is missing among '{found}'.",
                expected.delimiter.describe()
            )
        }
        (None, None) if !unknown.is_empty() => {
            let (unknown, name) = (unknown.join("' and '"), expected.name);
            format!(
                "The table's first line names '{unknown}', which no {name} has: leave that out, or mend its spelling."
            )
        }
        (None, None) => return Ok(()),
    };
    Err(Problem::new(Kind::MalformedBody, detail))
}

/// Finds the line on which a record begins. The reader's own count is wrong for lines that end with CR.
struct LineCounter<'t> {
    text: &'t str,
    place: usize,
    line: u64,
}

impl LineCounter<'_> {
    fn line_at(&mut self, position: Option<&csv::Position>) -> u64 {
        let begin = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        let bytes = self.text.as_bytes();
        // To the reader, a record begins where the one before ended: the rest of that line break and blank lines are
        // still before it.
        let between = bytes.get(begin..).unwrap_or_default().iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
        let begin = begin + between.count();
        self.line += line_ends(bytes.get(self.place..begin).unwrap_or_default());
        self.place = begin.max(self.place);
        self.line
    }
}

fn malformed(text: &str, error: &csv::Error) -> Problem {
    let detail = match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = LineCounter { text, place: 0, line: 1 }.line_at(pos.as_ref());
            format!("Line {line} has {len} cells where the first line has {expected_len}: it may have been cut off.")
        }
        _ => "The table can't be read as CSV.".to_owned(),
    };
    Problem::new(Kind::MalformedBody, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::ValidationErrors;

    const EXPECTED: Expected<'_> = Expected {
        name: "sample",
        delimiter: Delimiter::Detected,
        required: &["key", "name"],
        known: Some(&["key", "name", "note"]),
        max_columns: 4,
        max_rows: 3,
    };

    const SEMICOLONS: Expected<'_> = Expected { delimiter: Delimiter::Semicolon, ..EXPECTED };

    fn cells(table: &Table) -> Vec<Vec<&str>> {
        table.records.iter().map(|record| record.iter().collect()).collect()
    }

    fn detail(expected: &Expected<'_>, text: &str) -> String {
        read(text.as_bytes(), expected).unwrap_err().detail
    }

    #[test]
    fn lines_end_with_lf_crlf_or_cr() {
        for end in ["\n", "\r\n", "\r"] {
            let table = "key;name\n\na;1,5\nb;\"2;\"\n\n\n\nc;\n".replace('\n', end);
            let table = read(table.as_bytes(), &EXPECTED).unwrap();
            assert_eq!(cells(&table), [["a", "1,5"], ["b", "2;"], ["c", ""]]);
            assert_eq!(table.lines, Lines(vec![3, 4, 8]), "{end:?}");
            assert_eq!(table.columns(), HashMap::from([("key", 0), ("name", 1)]));
            let detail = |text: &str| read(text.replace('\n', end).as_bytes(), &EXPECTED).unwrap_err().detail;
            assert!(detail("key,name\n\n\na,A\n\nb\n").starts_with("Line 6 has 1 cells"), "{end:?}");
            assert!(detail("key,name\na,A\nb,B\0\n").starts_with("Line 3 holds a NUL"), "{end:?}");
            assert!(detail("key,name\na,\"A\nb,\"B\n").contains("line 2 goes on"), "{end:?}");
            let table = [b"key,name\na,A\n\nb,".as_slice(), b"\xe6\n"].concat();
            let table: Vec<u8> = table.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(end.as_bytes());
            assert!(read(&table, &EXPECTED).unwrap_err().detail.starts_with("Line 4 is not UTF-8"), "{end:?}");
        }
        // A file that was cut off in the midst of its last line break is whole.
        assert_eq!(read(b"key,name\r\na,A\r", &EXPECTED).unwrap().lines, Lines(vec![2]));
    }

    #[test]
    fn delimiters_are_detected_or_fixed() {
        for table in ["key,name\na,A\n", "key\tname\na\tA\n", "\u{feff}key;name\ra;A\r"] {
            assert_eq!(cells(&read(table.as_bytes(), &EXPECTED).unwrap()), [["a", "A"]]);
        }
        assert_eq!(cells(&read(b"key;name\na;1,5\n", &SEMICOLONS).unwrap()), [["a", "1,5"]]);
        let detail = detail(&SEMICOLONS, "key,name\na,A\n");
        assert!(detail.ends_with("separated by semicolons; 'key' is missing among 'key,name'."), "{detail}");
    }

    #[test]
    fn the_first_line_names_what_is_known() {
        assert!(detail(&EXPECTED, "key,note\n").contains("'name' is missing among 'key' and 'note'"));
        assert!(detail(&EXPECTED, "key,name,nmae,ntoe\n").contains("names 'nmae' and 'ntoe', which no sample has"));
        assert!(detail(&EXPECTED, "key,name,note,x,y\n").contains("names 5 fields, where no sample has as many"));
        assert!(detail(&EXPECTED, "key,name,name\n").contains("names 'name' twice"));
        assert!(detail(&EXPECTED, "key,name,\n").contains("without a name"));
        assert!(detail(&EXPECTED, "\n").contains("'key' is missing"));
        assert!(read(b" key ,name,x\n", &Expected { known: None, ..EXPECTED }).is_ok());
    }

    #[test]
    fn tables_have_their_max_rows() {
        assert!(read(b"key,name\na,\nb,\nc,\n", &EXPECTED).is_ok());
        let problem = read(b"key,name\na,\nb,\nc,\nd,\n", &EXPECTED).unwrap_err();
        assert_eq!(problem.kind, Kind::TooLarge);
        assert!(problem.detail.contains("more than 3 rows: send it in parts"));
    }

    #[test]
    fn errors_name_their_lines() {
        let mut errors = ValidationErrors::default();
        for pointer in ["/samples/1/name", "/samples/1", "/samples/2/name", "/samples", ""] {
            errors.add(pointer, "is wrong");
        }
        let problem = Lines(vec![2, 4]).locate(errors.into_result().unwrap_err());
        let details: Vec<&str> = problem.errors.listed().iter().map(|error| error.detail.as_str()).collect();
        assert_eq!(details, ["line 4: is wrong", "line 4: is wrong", "is wrong", "is wrong", "is wrong"]);
    }
}
