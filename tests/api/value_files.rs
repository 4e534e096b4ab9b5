//! Values as files: tables in both directions, JSON-stat cubes, and pictures.

use serde_json::{Value, json};

use crate::harness::{App, HERE, Response};
use crate::indicators::{create, indicator, measure};
use crate::reports::with;
use crate::values::{begin, sample_municipality};

crate::tests![
    tables_hold_the_same_as_json,
    danish_tables_have_semicolons_and_decimal_commas,
    tables_of_common_programs_are_accepted,
    a_fetched_table_can_be_sent_back,
    tables_of_benchmarks_are_accepted,
    cells_are_never_formulas,
    long_tables_are_complete,
    cubes_have_a_cell_for_every_value,
    cubes_have_labels_in_two_languages,
    cubes_have_bounds,
    pictures_show_one_series,
];

const COLUMNS: [&str; 14] = [
    "indicator",
    "period",
    "unit",
    "group",
    "benchmark",
    "value",
    "count",
    "is_provisional",
    "is_suppressed",
    "is_aggregated",
    "units_with_value",
    "units",
    "unit_of_measure",
    "note",
];

/// Stores values of all kinds: provisional and partial ones, groups, notes, and some that readers can't see.
fn measure_much(app: &App) {
    begin(app, json!({"unit_of_measure": "dage, \"netto\"", "aggregation": "sum", "min_group": 5}));
    let rows = json!([
        {"period": "2023", "unit": "n1", "value": 3.25, "count": 12, "note": "Ny opgørelse; \"Ærø\", =1"},
        {"period": "2023", "unit": "n2", "value": -4, "count": 2},
        {"period": "2023", "unit": "alone", "value": 0.1, "count": 40, "is_provisional": true},
        {"period": "2024", "unit": "s1", "value": 1e-7, "count": 9},
        {"period": "2024", "unit": "s1", "group": "laerere", "value": 12.5, "count": 5, "is_provisional": true},
        {"period": "2024", "value": 1234567.5, "note": "=HYPERLINK(\"x\")"},
    ]);
    measure(app, "i", rows);
    create(app, indicator("b", json!({"frequency": "month", "unit_of_measure": "%"})));
    measure(app, "b", json!([{"period": "2024-02", "unit": "n1", "value": 50}]));
}

fn table(app: &App, address: &str, scope: &str) -> String {
    let answer = app.request("GET", address).token(&app.token(scope)).send().expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"), "{address}");
    String::from_utf8(answer.body).unwrap()
}

fn cells(table: &str, delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(table.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The cells of a value in a table.
fn line(item: &Value, unit_of_measure: &str) -> Vec<String> {
    let cell = |column: &&str| match (&item[*column], *column) {
        (_, "unit_of_measure") => unit_of_measure.to_owned(),
        (Value::Null, _) => String::new(),
        // A spreadsheet would take it for a formula.
        (Value::String(text), "note") if text.starts_with('=') => format!("'{text}"),
        (Value::String(text), _) => text.clone(),
        (Value::Number(_), "value") => item["value"].as_f64().unwrap().to_string(),
        (other, _) => other.to_string(),
    };
    COLUMNS.iter().map(cell).collect()
}

fn send(app: &App, address: &str, table: impl Into<Vec<u8>>) -> Response {
    app.request("PUT", address).header("content-type", "text/csv").bytes(table).send()
}

fn values_of_i(app: &App) -> Vec<Value> {
    app.list("/v1/indicators/i/values")
}

fn tables_hold_the_same_as_json(app: &App) {
    measure_much(app);
    for scope in ["med.read", "med.measure"] {
        for address in [
            "/v1/indicators/i/values?",
            "/v1/indicators/i/values?aggregates=false",
            "/v1/indicators/i/values?unit=centre&subtree=true&group=&from=2023&to=2023",
            "/v1/indicators/i/values?unit=",
            "/v1/indicators/i/values?group=nope",
            "/v1/values?",
            "/v1/values?latest=true&unit=n1",
            "/v1/values?indicator=i",
        ] {
            let page = app.request("GET", &format!("{address}&limit=10000")).token(&app.token(scope));
            let items = page.send().expect(200).json()["items"].as_array().unwrap().clone();
            let measure_of = |item: &Value| if item["indicator"] == "i" { "dage, \"netto\"" } else { "%" };
            let lines: Vec<_> = items.iter().map(|item| line(item, measure_of(item))).collect();
            let text = table(app, &format!("{address}&format=csv&limit=1"), scope);
            assert!(text.ends_with("\r\n"), "{address}");
            let found = cells(&text, b',');
            assert_eq!(found[0], COLUMNS, "{address}");
            assert_eq!(found[1..], lines, "{scope} {address}");
        }
    }
    let hidden = table(app, "/v1/indicators/i/values?format=csv", "med.read");
    assert!(hidden.contains("\r\ni,2023,n2,,,,,false,true,false,"), "{hidden}");
    let address = "/v1/indicators/i/values";
    let named =
        app.request("GET", address).header("accept", "text/csv;q=0.9, application/json;q=0.1").send().expect(200);
    assert_eq!(named.body, app.get(&format!("{address}?format=csv")).body);
    assert!(named.lists("vary", "accept") && app.get(address).lists("vary", "accept"));
    let json = app.request("GET", &format!("{address}?format=json")).header("accept", "text/csv").send().expect(200);
    assert_eq!(json.header("content-type"), Some("application/json"));
    let next = app.get(&format!("{address}?limit=1")).json()["next"].as_str().unwrap().to_owned();
    for format in ["csv", "csv-excel-da", "json-stat", "svg"] {
        app.get(&format!("{address}?format={format}&cursor={next}")).expect_problem(400, "invalid-query");
    }
    let head = app.request("HEAD", &format!("{address}?format=csv")).send().expect(200);
    assert_eq!((head.body.len(), head.header("content-type")), (0, named.header("content-type")));
}

fn danish_tables_have_semicolons_and_decimal_commas(app: &App) {
    measure_much(app);
    for address in ["/v1/indicators/i/values?", "/v1/values?"] {
        let plain = cells(&table(app, &format!("{address}format=csv"), "med.measure"), b',');
        let danish = table(app, &format!("{address}format=csv-excel-da"), "med.measure");
        let found = cells(danish.strip_prefix('\u{feff}').expect("Excel wants a byte order mark"), b';');
        let value = COLUMNS.iter().position(|column| *column == "value").unwrap();
        let with_comma = |mut line: Vec<String>| {
            line[value] = line[value].replace('.', ",");
            line
        };
        assert_eq!(found, plain.into_iter().map(with_comma).collect::<Vec<_>>(), "{address}");
        assert!(danish.contains("i;2023;n1;;;3,25;12;false;"), "{danish}");
    }
}

fn tables_of_common_programs_are_accepted(app: &App) {
    begin(app, json!({}));
    let address = "/v1/indicators/i/values";
    let rows = json!([
        {"period": "2023", "unit": "n1", "group": "laerere", "value": -3.5, "count": 64, "is_provisional": true,
         "note": "Uden \"vikarer\"; eller, i alt, få"},
        {"period": "2024", "value": 1000},
    ]);
    measure(app, "i", rows);
    let stored = values_of_i(app);
    let quoted = "\"Uden \"\"vikarer\"\"; eller, i alt, få\"";
    let plain = format!(
        "period,unit,group,value,count,is_provisional,note\n\
         2023,n1,laerere,-3.5,64,true,{quoted}\n\
         2024,,,1e3,,,\n"
    );
    let danish = format!(
        "\u{feff}period;unit;group;value;count;is_provisional;note\n\
         2023;n1;laerere;-3,5;64;TRUE;{quoted}\n\
         2024;;;1000,0;;;\n"
    );
    let turned = format!(
        "note,value,period,count,unit,group,is_provisional\n\
         {quoted},-35e-1,2023,64,n1,laerere,True\n\
         ,1E+3,2024,,,,FALSE\n"
    );
    let tabs = format!(
        "period\tvalue\tunit\tgroup\tnote\tcount\tis_provisional\n\
         2023\t-3.50\tn1\tlaerere\t{quoted}\t64\ttrue\n\
         2024\t1000.0\t\t\t\t\tfalse\n"
    );
    let others = json!([
        {"period": "2023", "unit": "n1", "group": "laerere", "value": null}, {"period": "2024", "value": 7},
    ]);
    for (query, text) in [("", plain), ("?format=csv-excel-da", danish), ("?format=csv", turned), ("", tabs)] {
        for end in ["\n", "\r\n", "\r", "\n\n"] {
            measure(app, "i", others.clone());
            let written = send(app, &format!("{address}{query}"), text.replace('\n', end)).expect(200).json();
            let counts = json!({"created": 1, "updated": 1, "unchanged": 0, "removed": 0});
            assert_eq!((written, values_of_i(app)), (counts, stored.clone()), "{end:?} {text}");
        }
    }
    let two = send(app, address, "period,value\n2024,1000\n").expect(200).json();
    assert_eq!(two["unchanged"], 1);
    let nothing = send(app, address, "period,value\n").expect(200).json();
    assert_eq!(nothing, json!({"created": 0, "updated": 0, "unchanged": 0, "removed": 0}));
    assert_eq!(values_of_i(app), stored);
}

/// A fetched table can be sent back as it is, or with a corrected number.
fn a_fetched_table_can_be_sent_back(app: &App) {
    measure_much(app);
    let address = "/v1/indicators/i/values";
    let stored = values_of_i(app);
    for (format, from, to) in [("csv", ",3.25,", ",3.5,"), ("csv-excel-da", ";3,25;", ";3,5;")] {
        let fetched = table(app, &format!("{address}?aggregates=false&format={format}"), "med.measure");
        let before = app.changes();
        let same = send(app, &format!("{address}?format={format}"), fetched.as_str()).expect(200).json();
        assert_eq!(same, json!({"created": 0, "updated": 0, "unchanged": 6, "removed": 0}), "{format}");
        assert_eq!((app.changes(), values_of_i(app)), (before, stored.clone()), "{format}");
        let mended = fetched.replace(from, to);
        assert_ne!(mended, fetched);
        let mended = send(app, &format!("{address}?format={format}"), mended).expect(200).json();
        assert_eq!((&mended["updated"], &mended["unchanged"]), (&json!(1), &json!(5)), "{format}");
        send(app, &format!("{address}?format={format}"), fetched).expect(200);
        assert_eq!(values_of_i(app), stored);
    }
    let before = app.changes();
    // Rows that are hidden or aggregated are not stored. Rows of another indicator are refused.
    let whole = table(app, &format!("{address}?format=csv"), "med.measure");
    let aggregates = values_of_i(app).iter().filter(|item| item["is_aggregated"] == true).count();
    let refused = send(app, address, whole).expect_problem(422, "invalid-body");
    assert_eq!(refused.pointers().len(), aggregates);
    assert!(refused.pointers().iter().all(|pointer| pointer.ends_with("/is_aggregated")), "{}", refused.json());
    let hidden = table(app, &format!("{address}?format=csv&aggregates=false"), "med.read");
    let refused = send(app, address, hidden).expect_problem(422, "invalid-body");
    assert!(refused.pointers().iter().all(|pointer| pointer.ends_with("/is_suppressed")), "{}", refused.json());
    let other = send(app, address, "indicator,period,value\nb,2024,1\n").expect_errors(&["/values/0/indicator"]);
    assert!(other.json()["errors"][0]["detail"].as_str().unwrap().starts_with("line 2: "), "{}", other.json());
    let several = "indicator,period,value\ni,2024,1\ni,2023,1\nb,2024,1\n";
    send(app, address, several).expect_errors(&["/values/2/indicator"]);
    assert_eq!(app.changes(), before);
}

fn tables_of_benchmarks_are_accepted(app: &App) {
    let benchmarks = json!([{"key": "region", "name": "Regionen"}, {"key": "landet", "name": "Landet"}]);
    begin(app, json!({"benchmarks": benchmarks}));
    let address = "/v1/indicators/i/benchmarks/region/values";
    let written =
        send(app, address, "period,value,is_provisional,note\n2023,11.5,true,N\n2024,12,,\n").expect(200).json();
    assert_eq!(written["created"], 2);
    let danish = send(app, &format!("{address}?format=csv-excel-da"), "period;value\n2024;12,5\n").expect(200).json();
    assert_eq!(danish["updated"], 1);
    send(app, address, "period,unit,value,count\n2022,n1,1,\n2021,,1,5\n")
        .expect_errors(&["/values/0/unit", "/values/1/count"]);
    send(app, address, "period,benchmark,value\n2022,landet,1\n2021,region,1\n")
        .expect_errors(&["/values/0/benchmark"]);
    let items = app.list(address);
    let answered = "benchmark,period,value,is_provisional,is_suppressed,note\n\
                    region,2023,11.5,true,false,N\n\
                    region,2024,12.5,false,false,\n";
    let same = send(app, address, answered).expect(200).json();
    assert_eq!(same, json!({"created": 0, "updated": 0, "unchanged": 2, "removed": 0}));
    let told = app.list("/v1/indicators/i/benchmarks/landet/values");
    assert_eq!((items.len(), told.len()), (2, 0));
}

fn cells_are_never_formulas(app: &App) {
    begin(app, json!({}));
    let notes = ["=1+1", "+45 12 34", "-5", "@SUM(A1)", "'=1", "''x", "plain", "\ttab"];
    let rows: Vec<Value> = notes
        .iter()
        .zip(2000..)
        .map(|(note, year)| json!({"period": year.to_string(), "value": -1, "note": note}))
        .collect();
    measure(app, "i", json!(rows));
    let text = table(app, "/v1/indicators/i/values?format=csv", "med.measure");
    let found: Vec<String> = cells(&text, b',').into_iter().skip(1).map(|mut line| line.pop().unwrap()).collect();
    assert_eq!(found, ["'=1+1", "'+45 12 34", "'-5", "'@SUM(A1)", "''=1", "''x", "plain", "'\ttab"]);
    assert!(text.contains(",-1,"), "a number is one");
    // Sent back, they become the original notes.
    let lines: Vec<String> = found.iter().zip(2000..).map(|(cell, year)| format!("{year};-1;{cell}\n")).collect();
    let sent =
        send(app, "/v1/indicators/i/values", format!("period;value;note\n{}", lines.concat())).expect(200).json();
    assert_eq!(sent["unchanged"], notes.len());
}

fn long_tables_are_complete(app: &App) {
    begin(app, json!({"frequency": "once"}));
    let mut rows = Vec::new();
    for year in 2000..2010 {
        for n in 0..336 {
            let period = format!("{year}-{:02}-{:02}", n / 28 + 1, n % 28 + 1);
            rows.push(json!({"period": period, "unit": "n1", "value": n, "note": "En bemærkning, som fylder lidt."}));
        }
    }
    assert_eq!(measure(app, "i", json!(rows))["created"], 3_360);
    for address in ["/v1/indicators/i/values", "/v1/values"] {
        let text = table(app, &format!("{address}?format=csv"), "med.read");
        assert!(text.len() > 200_000);
        let found: Vec<(String, String)> =
            cells(&text, b',').into_iter().skip(1).map(|line| (line[1].clone(), line[5].clone())).collect();
        let expected: Vec<(String, String)> =
            rows.iter().map(|row| (row["period"].as_str().unwrap().to_owned(), row["value"].to_string())).collect();
        assert_eq!(found, expected, "{address}");
    }
}

/// The media type of a cube.
const MEDIA_TYPE: &str = "application/vnd.json-stat+json";

/// Compares a cube with the values in JSON: each is in its cell, and all other cells are empty.
fn check_cube(app: &App, address: &str, scope: &str) -> Value {
    let cube =
        app.request("GET", &format!("{address}&format=json-stat")).token(&app.token(scope)).send().expect(200).json();
    let page = app.request("GET", &format!("{address}&limit=10000")).token(&app.token(scope)).send().expect(200).json();
    assert_eq!((&cube["version"], &cube["class"]), (&json!("2.0"), &json!("dataset")));
    assert_eq!(cube["id"], json!(["indicator", "period", "unit", "group"]));
    let dimensions = cube["id"].as_array().unwrap().iter();
    let indices: Vec<&Vec<Value>> = dimensions
        .map(|name| cube["dimension"][name.as_str().unwrap()]["category"]["index"].as_array().unwrap())
        .collect();
    let size: Vec<usize> = indices.iter().map(|index| index.len()).collect();
    assert_eq!(cube["size"], json!(size), "{address}");
    let mut values = vec![json!(null); size.iter().product()];
    let mut status = json!({});
    for item in page["items"].as_array().unwrap() {
        let mut place = 0;
        for (name, index) in ["indicator", "period", "unit", "group"].iter().zip(&indices) {
            let key = if item[*name].is_null() { json!("_all") } else { item[*name].clone() };
            place = place * index.len() + index.iter().position(|known| *known == key).unwrap();
        }
        values[place] = item["value"].clone();
        let is_partial = item["units"].as_u64() > item["units_with_value"].as_u64();
        if item["is_suppressed"] == true {
            status[place.to_string()] = json!("suppressed");
        } else if is_partial {
            status[place.to_string()] = json!("partial");
        } else if item["is_provisional"] == true {
            status[place.to_string()] = json!("provisional");
        }
    }
    assert_eq!(cube["value"], json!(values), "{address}");
    assert_eq!(cube["status"], status, "{address}");
    cube
}

fn cubes_have_a_cell_for_every_value(app: &App) {
    measure_much(app);
    for scope in ["med.read", "med.measure"] {
        check_cube(app, "/v1/indicators/i/values?aggregates=true", scope);
        check_cube(app, "/v1/indicators/i/values?unit=north&subtree=true", scope);
        check_cube(app, "/v1/values?latest=false", scope);
        check_cube(app, "/v1/values?indicator=b,i&from=2024", scope);
    }
    let readers = check_cube(app, "/v1/indicators/i/values?group=", "med.read");
    let words: Vec<&str> = readers["status"].as_object().unwrap().values().map(|word| word.as_str().unwrap()).collect();
    assert!(words.contains(&"suppressed") && words.contains(&"provisional"), "{words:?}");
    let nothing = check_cube(app, "/v1/indicators/i/values?group=nope", "med.read");
    assert_eq!(nothing["value"], json!([]));
    for address in ["/v1/indicators/i/values", "/v1/values"] {
        let answer = app.get(&format!("{address}?format=json-stat"));
        assert_eq!(answer.header("content-type"), Some(MEDIA_TYPE), "{address}");
        assert!(answer.lists("vary", "accept-language") && answer.lists("vary", "accept"), "{address}");
        assert_eq!(app.request("GET", address).header("accept", MEDIA_TYPE).send().expect(200).body, answer.body);
    }
}

fn cubes_have_labels_in_two_languages(app: &App) {
    measure_much(app);
    let cube = |language: &str| {
        let request =
            app.request("GET", "/v1/indicators/i/values?format=json-stat").header("accept-language", language);
        request.send().expect(200).json()
    };
    let (danish, english) = (cube("da"), cube("en"));
    for (dimension, in_danish, in_english) in [
        ("unit", ["Enhed", "Hele kommunen"], ["Unit", "The whole municipality"]),
        ("group", ["Medarbejdergruppe", "Alle medarbejdere"], ["Employee group", "All employees"]),
    ] {
        let words = |cube: &Value| {
            let dimension = &cube["dimension"][dimension];
            [dimension["label"].clone(), dimension["category"]["label"]["_all"].clone()]
        };
        assert_eq!(
            (words(&danish), words(&english)),
            (in_danish.map(|word| json!(word)), in_english.map(|word| json!(word)))
        );
    }
    assert_eq!(danish["dimension"]["unit"]["category"]["label"]["n1"], "Enhed n1");
    assert_eq!(danish["dimension"]["indicator"]["category"]["unit"]["i"]["label"], "dage, \"netto\"");
    assert_eq!((&danish["role"]["time"], &danish["role"]["metric"]), (&json!(["period"]), &json!(["indicator"])));
    assert_eq!((&danish["label"], &english["label"]), (&json!("i"), &json!("i")));
}

fn cubes_have_bounds(app: &App) {
    let units: Vec<Value> = (0..100).map(|n| json!({"key": format!("u{n}"), "name": "U", "kind": "other"})).collect();
    app.import(&with(
        sample_municipality(),
        json!({"municipality": {"key": HERE, "code": "999", "name": HERE}, "units": units}),
    ))
    .unwrap();
    create(app, indicator("i", json!({})));
    // One value in each period, unit and group: nearly all cells are empty.
    let row = |n: usize| {
        let (period, unit, group) = ((1900 + n).to_string(), format!("u{}", n % 100), format!("g{}", n % 100));
        json!({"period": period, "unit": unit, "group": group, "value": n})
    };
    measure(app, "i", (0..100).map(row).collect());
    let cube = app.get("/v1/indicators/i/values?format=json-stat").expect(200).json();
    assert_eq!((&cube["size"], cube["value"].as_array().unwrap().len()), (&json!([1, 100, 100, 100]), 1_000_000));
    measure(app, "i", json!([row(100)]));
    for address in ["/v1/indicators/i/values?format=json-stat", "/v1/values?format=json-stat"] {
        let refused = app.get(address).expect_problem(400, "invalid-query").json();
        assert!(refused["detail"].as_str().unwrap().contains("1010000"), "{refused}");
    }
    app.get("/v1/indicators/i/values?format=json-stat&from=1901").expect(200);
    assert_eq!(cells(&table(app, "/v1/values?format=csv", "med.read"), b',').len(), 102);
}

fn pictures_show_one_series(app: &App) {
    let benchmarks = json!([{"key": "region", "name": "Region <Øst>"}]);
    let targets =
        json!([{"rule": "at_most", "value": 4.5, "period": "2026"}, {"rule": "at_most", "value": 9.75, "unit": "n1"}]);
    let fields =
        json!({"title": "Fravær & <trivsel>", "unit_of_measure": "%", "benchmarks": benchmarks, "targets": targets});
    begin(app, with(fields, json!({"min_group": 5})));
    let picture = |query: &str, scope: &str, language: &str| {
        let address = format!("/v1/indicators/i/values?format=svg{query}");
        let request = app.request("GET", &address).token(&app.token(scope)).header("accept-language", language);
        let answer = request.send().expect(200);
        assert_eq!(answer.header("content-type"), Some("image/svg+xml"), "{address}");
        assert_eq!(answer.header("content-language"), Some(language), "{address}");
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"), "{text}");
        assert!(text.contains("<title") && text.contains("Fravær &amp; &lt;trivsel&gt;"), "{text}");
        assert!(!text.contains("<trivsel>") && !text.contains("<Øst>"), "{text}");
        text
    };
    assert!(picture("", "med.read", "da").contains("Der er ingen værdier endnu"));
    assert!(picture("", "med.read", "en").contains("There are no values yet"));
    let written = json!([
        {"period": "2022", "value": 6.125}, {"period": "2024", "value": 5.375, "is_provisional": true},
        {"period": "2023", "unit": "n1", "value": 7.875, "count": 3},
        {"period": "2023", "unit": "n1", "group": "laerere", "value": 8.625, "count": 30},
    ]);
    measure(app, "i", written);
    app.put_new("/v1/indicators/i/benchmarks/region/values", json!({"values": [{"period": "2023", "value": 3}]}))
        .expect(200);
    let whole = picture("", "med.read", "da");
    for word in ["6,125", "5,375", "Region &lt;Øst&gt;", "Mål 2026: højst 4,5", "Foreløbig"] {
        assert!(whole.contains(word), "{word}: {whole}");
    }
    for word in ["7,875", "8,625", "9,75", "Enhed n1"] {
        assert!(!whole.contains(word), "{word}: {whole}");
    }
    assert!(picture("", "med.read", "en").contains("Target 2026: at most 4.5"));
    let hidden = picture("&unit=n1", "med.read", "da");
    assert!(hidden.contains("Skjult: lille gruppe") && !hidden.contains("7,875"), "{hidden}");
    let shown = picture("&unit=n1", "med.measure", "da");
    assert!(shown.contains("7,875") && shown.contains("Enhed n1") && shown.contains("højst 9,75"), "{shown}");
    assert!(!picture("&from=2023", "med.read", "da").contains("6,125"));
    let address = "/v1/indicators/i/values?format=svg";
    app.get(&format!("{address}&unit=n1&subtree=true")).expect_problem(400, "invalid-query");
    app.get("/v1/values?format=svg").expect_problem(400, "invalid-query");
}
