//! Invalid values: each error is answered with its row, and nothing is stored.

use serde_json::{Value, json};

use crate::harness::{App, Response};
use crate::indicators::{create, indicator, measure};
use crate::values::begin;

crate::tests![
    invalid_numbers_are_refused,
    errors_name_the_rows_of_a_body,
    errors_name_the_lines_of_a_table,
    danish_numbers_are_recognised,
    rows_are_checked_against_each_other,
    frequencies_take_their_own_periods,
    biennial_values_keep_to_every_second_year,
    one_invalid_row_of_a_thousand_stores_nothing,
    malformed_tables_are_refused,
    malformed_bodies_are_refused,
    more_rows_than_a_hundred_thousand_are_refused,
    cpr_numbers_are_refused_and_not_repeated,
];

const ADDRESS: &str = "/v1/indicators/i/values";

/// Creates a yearly indicator with a value that must be unchanged afterwards.
fn begin_with_a_value(app: &App) {
    begin(app, json!({}));
    measure(app, "i", json!([{"period": "2024", "unit": "n1", "value": 1, "count": 5, "note": "Står her"}]));
}

/// Requires that the request is refused and changes nothing.
fn refused(app: &App, send: impl FnOnce() -> Response) -> Response {
    let stored = || {
        let parts = ["/v1/values?aggregates=false&limit=10000", "/v1/indicators/i/replaced-values?limit=200"];
        (app.changes(), parts.map(|part| app.list(part)), app.get("/v1/indicators/i").json())
    };
    let before = stored();
    let answer = send();
    assert_eq!(stored(), before, "nothing is stored");
    answer
}

fn send(app: &App, media_type: &str, body: impl Into<Vec<u8>>) -> Response {
    refused(app, || app.request("PUT", ADDRESS).header("content-type", media_type).bytes(body).send())
}

fn refused_rows(app: &App, rows: Value) -> Response {
    send(app, "application/json", json!({"values": rows}).to_string())
}

/// Pointers and details of the errors.
fn told(refused: &Response) -> Vec<(String, String)> {
    let problem = refused.json();
    let errors = problem["errors"].as_array().unwrap().iter();
    let word = |fault: &Value, name: &str| fault[name].as_str().unwrap().to_owned();
    errors.map(|fault| (word(fault, "pointer"), word(fault, "detail"))).collect()
}

fn invalid_numbers_are_refused(app: &App) {
    begin_with_a_value(app);
    for number in
        ["NaN", "nan", "Infinity", "-Infinity", "inf", "1e400", "-1e400", "01", ".5", "5.", "+1", "0x10", "1,5"]
    {
        let body = format!(
            "{{\"values\": [{{\"period\": \"2023\", \"value\": 1}},\n{{\"period\": \"2024\", \"value\": {number}}}]}}"
        );
        let problem = send(app, "application/json", body).expect_problem(400, "malformed-body").json();
        assert!(problem["detail"].as_str().unwrap().contains("line 2 column"), "{number}: {problem}");
        let table = format!("period,value\n2023,1\n2024,\"{number}\"\n");
        let refused = send(app, "text/csv", table).expect_errors(&["/values/1/value"]);
        assert!(told(&refused)[0].1.starts_with("line 3: "), "{number}: {}", refused.json());
        // A number as text is refused too.
        let rows = json!([{"period": "2023", "value": 1}, {"period": "2024", "value": number}]);
        refused_rows(app, rows).expect_errors(&["/values/1/value"]);
    }
    for beyond in [1.000_001e15, -1.000_001e15, f64::MAX, f64::MIN] {
        refused_rows(app, json!([{"period": "2024", "value": beyond}])).expect_errors(&["/values/0/value"]);
        send(app, "text/csv", format!("period,value\n2024,{beyond:e}\n")).expect_errors(&["/values/0/value"]);
    }
}

fn errors_name_the_rows_of_a_body(app: &App) {
    begin_with_a_value(app);
    let rows = json!([
        {"period": "2023", "value": 1},
        {"period": "2023-H3", "value": true},
        {"period": 2023, "value": [1]},
        {"value": 1, "count": -1},
        {"period": "2023"},
        {"period": "2023", "value": 1, "count": 1.5},
        {"period": "2023", "value": 1, "count": 1_000_000_001, "is_provisional": "ja"},
        {"period": "2023", "value": 1, "is_provisional": null, "unit": "a b", "group": "æ"},
        {"period": "2023", "value": 1, "note": " ", "unit": 5, "group": ""},
        {"period": "2023", "value": 1, "note": "å".repeat(20_001)},
        {"period": "2023", "value": 1, "antal": 5, "is_aggregated": false},
        {"period": "2023", "value": 1, "note": "a\0b"},
        {},
        [],
        null,
    ]);
    let Value::Array(mut all) = rows else { panic!("rows are an array") };
    // A NUL character is reported before anything else is checked.
    let with_nul = all.remove(11);
    refused_rows(app, json!([{"period": "2023", "value": 1}, with_nul])).expect_errors(&["/values/1/note"]);
    refused_rows(app, json!(all)).expect_errors(&[
        "/values/1/period",
        "/values/1/value",
        "/values/2/period",
        "/values/2/value",
        "/values/3/period",
        "/values/3/count",
        "/values/4/value",
        "/values/5/count",
        "/values/6/count",
        "/values/6/is_provisional",
        "/values/7/is_provisional",
        "/values/7/unit",
        "/values/7/group",
        "/values/8/note",
        "/values/8/unit",
        "/values/8/group",
        "/values/9/note",
        "/values/10/antal",
        "/values/10/is_aggregated",
        "/values/11/period",
        "/values/11/value",
        "/values/12",
        "/values/13",
    ]);
}

fn errors_name_the_lines_of_a_table(app: &App) {
    begin_with_a_value(app);
    let lines = [
        ("2023,n1,,1,5,false,Godt", vec![]),
        ("2023-H3,n1,,1,5,false,", vec!["period"]),
        (",n1,,1,5,false,", vec!["period"]),
        ("2023,a b,æ,1,,,", vec!["unit", "group"]),
        ("2023,,,tyve,ti,,", vec!["value", "count"]),
        ("2023,,,\"3,5\",-1,,", vec!["value", "count"]),
        ("2023,,,1 000,1.5,,", vec!["value", "count"]),
        ("2023,,,12 %,1000000001,,", vec!["value", "count"]),
        ("2023,,,,007,,", vec!["value", "count"]),
        ("2023,,,1.000.000,,ja,", vec!["value", "is_provisional"]),
        ("2023,,,null,,1, ", vec!["value", "is_provisional", "note"]),
    ];
    for end in ["\n", "\r\n", "\r"] {
        // A blank line counts as a line.
        let mut table = format!("period,unit,group,value,count,is_provisional,note{end}{end}");
        lines.iter().for_each(|(line, _)| table += &format!("{line}{end}"));
        let refused = send(app, "text/csv", table).expect_problem(422, "invalid-body");
        let mut found: Vec<(String, bool)> = told(&refused)
            .into_iter()
            .map(|(pointer, detail)| {
                let row: usize = pointer.split('/').nth(2).unwrap().parse().unwrap();
                let has_its_line = detail.starts_with(&format!("line {}: ", row + 3));
                (pointer, has_its_line)
            })
            .collect();
        let errors = lines.iter().enumerate().flat_map(|(n, (_, fields))| fields.iter().map(move |field| (n, field)));
        let mut expected: Vec<(String, bool)> =
            errors.map(|(n, field)| (format!("/values/{n}/{field}"), true)).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{}", refused.json());
    }
}

fn danish_numbers_are_recognised(app: &App) {
    begin_with_a_value(app);
    let danish = |table: &str| {
        let request =
            || app.request("PUT", &format!("{ADDRESS}?format=csv-excel-da")).header("content-type", "text/csv");
        refused(app, || request().bytes(table).send())
    };
    // 1.500 is ambiguous: 1500 in Danish, 1.5 in English.
    danish("period;value\n2023;1,5\n2024;1.500\n").expect_errors(&["/values/1/value"]);
    danish("period;value\n2023;1.5\n2024;1.500,5\n").expect_errors(&["/values/0/value", "/values/1/value"]);
    danish("period;value\n2023;NaN\n2024;1,5,5\n").expect_errors(&["/values/0/value", "/values/1/value"]);
    danish("period,value\n2023,1.5\n").expect_problem(400, "malformed-body");
    let plain = send(app, "text/csv", "period;value\n2023;1,5\n").expect_errors(&["/values/0/value"]);
    assert!(told(&plain)[0].1.contains("csv-excel-da"), "{}", plain.json());
}

fn rows_are_checked_against_each_other(app: &App) {
    begin_with_a_value(app);
    let n1 = app.get("/v1/units/n1").json()["id"].as_str().unwrap().to_owned();
    let rows = json!([
        {"period": "2023", "unit": "n1", "value": 1},
        {"period": "2023", "unit": "n1", "group": "laerere", "value": 1},
        {"period": "2023", "unit": n1, "value": 1},
        {"period": "2023", "value": 1},
        {"period": "2023", "unit": "nope", "value": 1},
        {"period": "2023", "group": null, "value": null},
        {"period": "2023-01", "value": 1},
        {"period": "1899", "value": 1},
        {"period": "2101", "value": 1},
        {"period": "2023", "unit": "nope/nope", "group": "laerere", "value": 1},
    ]);
    let pointers = [
        "/values/2",
        "/values/4/unit",
        "/values/5",
        "/values/6/period",
        "/values/7/period",
        "/values/8/period",
        "/values/9/unit",
    ];
    let refused = refused_rows(app, rows.clone()).expect_errors(&pointers);
    let doubled = told(&refused).into_iter().find(|(pointer, _)| pointer == "/values/2").unwrap();
    assert!(doubled.1.contains("/values/0"), "{doubled:?}");
    let cell = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let line = |row: &Value| [cell(row, "period"), cell(row, "unit"), cell(row, "group"), "1".to_owned()].join(",");
    let lines: Vec<String> = rows.as_array().unwrap().iter().map(line).collect();
    let table = format!("period,unit,group,value\n{}\n", lines.join("\n"));
    let refused = send(app, "text/csv", table).expect_errors(&pointers);
    for (pointer, detail) in told(&refused) {
        let row: usize = pointer.split('/').nth(2).unwrap().parse().unwrap();
        assert!(detail.starts_with(&format!("line {}: ", row + 2)), "{pointer}: {detail}");
    }
}

fn frequencies_take_their_own_periods(app: &App) {
    begin_with_a_value(app);
    let periods = ["2024", "2024-H1", "2024-Q1", "2024-01", "2024-01-01"];
    for (n, frequency) in ["year", "half_year", "quarter", "month"].iter().enumerate() {
        let key = format!("every-{n}");
        create(app, indicator(&key, json!({"frequency": frequency})));
        let address = format!("/v1/indicators/{key}/values");
        let rows: Vec<Value> = periods.iter().map(|period| json!({"period": period, "value": 1})).collect();
        let others: Vec<String> =
            (0..periods.len()).filter(|m| *m != n).map(|m| format!("/values/{m}/period")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        refused(app, || app.put_new(&address, json!({"values": rows}))).expect_errors(&others);
        app.put_new(&address, json!({"values": [rows[n]]})).expect(200);
    }
    create(app, indicator("once", json!({"frequency": "once"})));
    let rows: Vec<Value> = periods.iter().map(|period| json!({"period": period, "value": 1})).collect();
    assert_eq!(measure(app, "once", json!(rows))["created"], 5);
}

fn biennial_values_keep_to_every_second_year(app: &App) {
    begin(app, json!({"frequency": "biennium", "benchmarks": [{"key": "region", "name": "Regionen"}]}));
    let years =
        |years: &[i32]| -> Value { years.iter().map(|year| json!({"period": year.to_string(), "value": 1})).collect() };
    refused_rows(app, json!([{"period": "2021-01", "value": 1}])).expect_errors(&["/values/0/period"]);
    refused_rows(app, years(&[2021, 2023, 2024, 2019, 2018])).expect_errors(&["/values/2/period", "/values/4/period"]);
    measure(app, "i", years(&[2023]));
    let refused_later =
        refused_rows(app, years(&[2022, 2021, 2024])).expect_errors(&["/values/0/period", "/values/2/period"]);
    assert!(told(&refused_later)[0].1.contains("2023"), "{}", refused_later.json());
    let table = send(app, "text/csv", "period,value\n2025,1\n2026,1\n").expect_errors(&["/values/1/period"]);
    assert!(told(&table)[0].1.starts_with("line 3: "));
    measure(app, "i", years(&[2019, 2027, 2021]));
    let benchmark = "/v1/indicators/i/benchmarks/region/values";
    refused(app, || app.put_new(benchmark, json!({"values": years(&[2022])}))).expect_errors(&["/values/0/period"]);
    app.put_new(benchmark, json!({"values": years(&[2021])})).expect(200);
}

fn one_invalid_row_of_a_thousand_stores_nothing(app: &App) {
    begin_with_a_value(app);
    app.patch("/v1/indicators/i", json!({"frequency": "once"})).expect(200);
    let day = |n: usize| format!("{}-{:02}-{:02}", 2000 + n / 336, n / 28 % 12 + 1, n % 28 + 1);
    let mut rows: Vec<Value> = (0..1_000).map(|n| json!({"period": day(n), "unit": "n2", "value": n})).collect();
    for (row, fault) in [(0, "/values/0/unit"), (613, "/values/613/unit"), (999, "/values/999/unit")] {
        rows[row]["unit"] = json!("nope");
        refused_rows(app, json!(rows)).expect_errors(&[fault]);
        let lines: Vec<String> = rows
            .iter()
            .map(|row| format!("{},{},1\n", row["period"].as_str().unwrap(), row["unit"].as_str().unwrap()))
            .collect();
        let refused = send(app, "text/csv", format!("period,unit,value\n{}", lines.concat())).expect_errors(&[fault]);
        assert!(told(&refused)[0].1.starts_with(&format!("line {}: ", row + 2)));
        rows[row]["unit"] = json!("n2");
    }
    let wrong: Vec<Value> = (0..1_500).map(|n| json!({"period": day(n), "unit": "nope", "value": n})).collect();
    let problem = refused_rows(app, json!(wrong)).expect_problem(422, "invalid-body").json();
    assert_eq!((problem["errors"].as_array().unwrap().len(), &problem["error_count"]), (1_000, &json!(1_500)));
    assert_eq!(measure(app, "i", json!(rows))["created"], 1_000);
}

fn malformed_tables_are_refused(app: &App) {
    begin_with_a_value(app);
    let tables: [&[u8]; 16] = [
        b"",
        b"\n",
        b"2024,1\n",
        b"period,unit\n2024,n1\n",
        b"value\n1\n",
        b"period,value,antal\n2024,1,5\n",
        b"period,value,period\n2024,1,2024\n",
        b"period,value,\n2024,1,\n",
        b"Period,Value\n2024,1\n",
        b"period,value\n2024\n",
        b"period,value\n2024,1,5\n",
        b"period,value\n2024,1",
        b"period,value,note\n2024,1,\"a\n",
        b"period,value,note\n2024,1,\"a\nb\"\n",
        b"period,value,note\n2024,1,K\xf8benhavn\n",
        b"period,value,note\n2024,1,a\0b\n",
    ];
    for table in tables {
        send(app, "text/csv", table).expect_problem(400, "malformed-body");
    }
    let short = send(app, "text/csv", "period,value\n2023,1\n\n2024\n").expect_problem(400, "malformed-body").json();
    assert!(short["detail"].as_str().unwrap().contains("Line 4"), "{short}");
}

fn malformed_bodies_are_refused(app: &App) {
    begin_with_a_value(app);
    for body in [
        "",
        "{",
        "{\"values\": [}",
        "{\"values\": [{\"period\": \"2024\", \"period\": \"2023\", \"value\": 1}]}",
        "\u{feff}{}",
    ] {
        send(app, "application/json", body).expect_problem(400, "malformed-body");
    }
    send(app, "application/json", &b"{\"values\": [{\"period\": \"2024\", \"value\": 1, \"note\": \"\xff\"}]}"[..])
        .expect_problem(400, "malformed-body");
    for (body, fault) in [
        ("[]", ""),
        ("null", ""),
        ("{}", "/values"),
        ("{\"values\": {}}", "/values"),
        ("{\"values\": null}", "/values"),
    ] {
        send(app, "application/json", body).expect_errors(&[fault]);
    }
    send(app, "application/json", "{\"values\": [], \"value\": []}").expect_errors(&["/value"]);
    for media_type in ["text/plain", "application/merge-patch+json", "text/csv; charset=iso-8859-1", "nonsense"] {
        send(app, media_type, "period,value\n2024,1\n").expect_problem(415, "unsupported-media-type");
    }
    let row = json!({"values": [{"period": "2024", "value": 2}]});
    for (format, media_type) in
        [("csv", "application/json"), ("csv-excel-da", "application/json"), ("json", "text/csv"), ("xml", "text/csv")]
    {
        let request = || app.request("PUT", &format!("{ADDRESS}?format={format}")).header("content-type", media_type);
        refused(app, || request().bytes(row.to_string()).send()).expect_problem(400, "invalid-query");
    }
}

fn more_rows_than_a_hundred_thousand_are_refused(app: &App) {
    begin_with_a_value(app);
    let rows = vec!["{\"period\":\"2024\",\"value\":2}"; 100_001].join(",");
    let problem =
        send(app, "application/json", format!("{{\"values\":[{rows}]}}")).expect_problem(413, "too-large").json();
    assert!(problem["detail"].as_str().unwrap().contains("100000"), "{problem}");
    let problem =
        send(app, "text/csv", format!("period,value\n{}", "2024,2\n".repeat(100_001))).expect_problem(413, "too-large");
    assert!(problem.json()["detail"].as_str().unwrap().contains("100000"), "{}", problem.json());
    // Exactly that many are accepted, and refused here only because they are all the same.
    let problem = send(app, "text/csv", format!("period,value\n{}", "2024,2\n".repeat(100_000)))
        .expect_problem(422, "invalid-body");
    assert_eq!(problem.json()["error_count"], 99_999);
}

fn cpr_numbers_are_refused_and_not_repeated(app: &App) {
    begin_with_a_value(app);
    for number in ["010180-1234", "0101801234", "01 01 80 1234"] {
        let silent = |answer: Response| {
            assert!(!String::from_utf8(answer.body).unwrap().contains(number), "{number} is repeated");
        };
        let note = format!("Drejer sig om {number}, som er syg.");
        let rows = json!([{"period": "2023", "value": 1}, {"period": "2024", "value": 1, "note": note}]);
        silent(refused_rows(app, rows).expect_errors(&["/values/1/note"]));
        let table = format!("period,value,note\n2023,1,\n2024,1,\"{note}\"\n");
        let refused = send(app, "text/csv", table).expect_errors(&["/values/1/note"]);
        assert!(told(&refused)[0].1.starts_with("line 3: "));
        silent(refused);
        // In any cell.
        for table in [
            format!("period,value\n2024,{number}\n"),
            format!("period,value\n{number},1\n"),
            format!("period,unit,value\n2024,{number},1\n"),
            format!("period,group,value\n2024,{number},1\n"),
            format!("period,value,count\n2024,1,{number}\n"),
            format!("period,value,is_provisional\n2024,1,{number}\n"),
            format!("period,value,{number}\n2024,1,1\n"),
        ] {
            let refused = send(app, "text/csv", table.as_str());
            assert!([400, 422].contains(&refused.status), "{table}: {}", refused.json());
            silent(refused);
        }
        for field in ["period", "unit", "group", "note"] {
            let mut row = json!({"period": "2024", "value": 1});
            row[field] = json!(number);
            silent(refused_rows(app, json!([row])).expect_errors(&[&format!("/values/0/{field}")]));
        }
    }
    assert_eq!(
        measure(app, "i", json!([{"period": "2024", "value": 1, "note": "Sag 12345678 af 2026-11-20"}]))["created"],
        1
    );
}
