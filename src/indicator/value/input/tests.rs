//! Tests of [`super`].

use std::sync::LazyLock;

use serde_json::{Value, json};
use utoipa::OpenApi;

use super::json::{parse_by_contract, parse_fast};
use super::table::{count, trimmed, value};
use super::*;
use crate::indicator::number;
use crate::indicator::value::model::ValuesBody;

#[utoipa::path(put, path = "/values", request_body = ValuesBody, responses((status = 204, description = "Stored")))]
#[allow(dead_code)]
fn put() {}

#[derive(OpenApi)]
#[openapi(paths(put))]
struct Api;

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::new(Api::openapi()).unwrap());

fn json(body: &Value) -> Result<ParsedRows> {
    parse(body.to_string().as_bytes(), BodyFormat::Json, None, &CONTRACT)
}

fn csv(table: &str) -> Result<ParsedRows> {
    parse(table.as_bytes(), BodyFormat::Csv, None, &CONTRACT)
}

fn excel(table: &str) -> Result<ParsedRows> {
    parse(table.as_bytes(), BodyFormat::CsvExcelDa, None, &CONTRACT)
}

/// The faults, each in a line.
fn errors(rows: Result<ParsedRows>) -> Vec<String> {
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
fn the_fast_way_accepts_what_the_contract_accepts() {
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
        if let Some(rows) = parse_fast(body).unwrap() {
            let text = String::from_utf8_lossy(body);
            let (by_contract, _) =
                parse_by_contract(body, &CONTRACT).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
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
fn malformed_json_is_answered_with_its_line() {
    let found = |body: &str| parse(body.as_bytes(), BodyFormat::Json, None, &CONTRACT).unwrap_err();
    let problem = found("{\"values\": [\n{\"period\": \"2026\", \"value\": 1e400}]}");
    assert_eq!(problem.kind, Kind::MalformedBody);
    assert!(problem.detail.contains("out of range at line 2 column"), "{}", problem.detail);
    assert!(found("{\"values\": [], \"values\": []}").detail.contains("'values' stands here twice"));
}

#[test]
fn more_rows_than_are_taken_are_to_be_sent_in_parts() {
    let body = |first: &str, count: usize| {
        let rows = vec![r#"{"period":"2026","value":1}"#; count].join(",");
        parse(format!(r#"{{"values":[{first}{rows}]}}"#).as_bytes(), BodyFormat::Json, None, &CONTRACT)
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
fn errors_in_tables_name_their_lines() {
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
fn errors_found_after_parsing_name_their_lines_too() {
    let problem = || Problem::invalid("/values/1/unit", "is unknown");
    let found = |rows: Result<ParsedRows>| rows.unwrap().locate(problem()).errors.listed()[0].detail.clone();
    assert_eq!(found(csv("period,value\r2026,1\r\r2027,1\r")), "line 4: is unknown");
    assert_eq!(found(json(&json!({"values": []}))), "is unknown");
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
        assert_eq!(value(trimmed(text), BodyFormat::Csv), Ok(number), "{text}");
        let comma = text.replace('.', ",");
        assert_eq!(value(trimmed(&comma), BodyFormat::CsvExcelDa), Ok(number), "{comma}");
    }
    for (text, found) in [
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
        assert!(value(trimmed(text), BodyFormat::Csv).unwrap_err().contains(found), "{text}");
    }
    for (text, found) in [
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
        assert!(value(trimmed(text), BodyFormat::CsvExcelDa).unwrap_err().contains(found), "{text}");
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
fn fetched_tables_can_be_sent_back_without_computed_and_hidden_rows() {
    let header = "indicator;period;unit;group;benchmark;value;count;is_provisional;is_suppressed;is_aggregated;\
                  units_with_value;units;unit_of_measure;note";
    let table = |rows: &str| excel(&format!("\u{feff}{header}\r\n{rows}"));
    let rows = table("sygefravaer;2026;;;;3,5;64;false;false;false;;;dage;\r\n").unwrap();
    assert_eq!(rows.rows, [ValueRow { count: Some(64), ..row("2026", 3.5) }]);
    let mut none = ValidationErrors::default();
    rows.check_indicator(&"sygefravaer".parse().unwrap(), &mut none);
    assert_eq!(none.count(), 0);
    let found = errors(table(
        "a;2026;a;;;;;false;true;false;;;;\r\na;2026;b;;;1,5;;false;FALSE;TRUE;12;14;%;\r\n\
         ;2026;;;nabokommuner;1,5;;;;;;;;\r\n;2026;;;;1,5;;;ja;;;;;\r\n",
    ));
    let expected = [
        "/values/0/is_suppressed line 2: is true: leave computed and hidden rows out",
        "/values/1/is_aggregated line 3: is true: leave computed and hidden rows out",
        "/values/2/benchmark line 4: is not empty: leave the row out, and send",
        "/values/3/is_suppressed line 5: is neither true nor false",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(found.iter().zip(expected).all(|(fault, expected)| fault.starts_with(expected)), "{found:#?}");
    let problem = csv("period,value,unti\n").unwrap_err();
    assert_eq!(problem.kind, Kind::MalformedBody);
    assert!(problem.detail.contains("names 'unti', which no table of values has"), "{}", problem.detail);
    assert!(csv("period,unit\n").unwrap_err().detail.contains("'value' is missing"));
    assert!(excel("period,value\n").unwrap_err().detail.contains("separated by semicolons"));
}

#[test]
fn a_table_has_values_of_one_indicator() {
    let rows = csv("period,value,indicator\n2026,1,\n2027,1,trivsel\n2028,1,trivsel\n").unwrap();
    let check = |key: &str| {
        let mut errors = ValidationErrors::default();
        rows.check_indicator(&key.parse().unwrap(), &mut errors);
        errors.into_result().map_err(|problem| rows.locate(problem).errors.listed().to_vec())
    };
    assert!(check("trivsel").is_ok());
    let found = check("sygefravaer").unwrap_err();
    assert_eq!((found.len(), found[0].pointer.as_str()), (1, "/values/1/indicator"));
    assert!(found[0].detail.starts_with("line 3: is 'trivsel', and the values are sent to 'sygefravaer'"));
    let found = errors(csv("period,value,indicator\n2026,1,trivsel\n2026,1,sygefravaer\n2026,1,Æ\n"));
    assert!(found[0].starts_with("/values/1/indicator line 3: is another one than in the rows before"), "{found:#?}");
    assert!(found[1].starts_with("/values/2/indicator line 4: is no key of an indicator"), "{found:#?}");
    assert_eq!(found.len(), 2);
}

#[test]
fn a_table_of_a_benchmark_may_name_it() {
    let benchmark: Key = "nabokommuner".parse().unwrap();
    let parse_table = |text: &str, format| parse(text.as_bytes(), format, Some(&benchmark), &CONTRACT);
    let table = "period,benchmark,value,unit,group,count\n2026,nabokommuner,1.5,,,\n2027,,1.5,,,\n";
    assert_eq!(parse_table(table, BodyFormat::Csv).unwrap().rows, [row("2026", 1.5), row("2027", 1.5)]);
    let found = errors(parse_table("period,benchmark,value\n2026,landet,1.5\n", BodyFormat::Csv));
    assert!(found[0].starts_with("/values/0/benchmark line 2: is not 'nabokommuner'"), "{found:#?}");
    assert_eq!(found.len(), 1);
    let body = json!({"values": [{"period": "2026", "value": 1.5}]});
    assert_eq!(parse_table(&body.to_string(), BodyFormat::Json).unwrap().rows, [row("2026", 1.5)]);
}

#[test]
fn cpr_numbers_are_refused_and_not_repeated() {
    let table = "2026,1,010101-1234,\n2026,1,a,Kun 0101011234\n2026,x,a,Kun 0101011234\n";
    let found = errors(csv(&format!("period,value,group,note\n{table}")));
    let expected =
        ["/values/0/group line 2: ", "/values/1/note line 3: ", "/values/2/value line 4: ", "/values/2/note line 4: "];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(found.iter().zip(expected).all(|(fault, expected)| fault.starts_with(expected)), "{found:#?}");
    let body = json!({"values": [{"period": "2026", "value": 1, "group": "010101-1234", "note": "Kun 0101011234"}]});
    let found = [found, errors(json(&body))].concat();
    assert_eq!(found.iter().filter(|fault| fault.contains("looks like a CPR number")).count(), 5);
    assert!(!found.iter().any(|fault| fault.contains("0101")));
}

#[test]
fn the_body_format_follows_media_type_and_format() {
    assert_eq!(BodyFormat::of_request(false, None).unwrap(), BodyFormat::Json);
    assert_eq!(BodyFormat::of_request(false, Some(Format::Json)).unwrap(), BodyFormat::Json);
    assert_eq!(BodyFormat::of_request(true, None).unwrap(), BodyFormat::Csv);
    assert_eq!(BodyFormat::of_request(true, Some(Format::CsvExcelDa)).unwrap(), BodyFormat::CsvExcelDa);
    for (is_csv, named) in [(false, Format::Csv), (false, Format::CsvExcelDa), (true, Format::Json)] {
        assert_eq!(BodyFormat::of_request(is_csv, Some(named)).unwrap_err().kind, Kind::InvalidQuery);
    }
}
