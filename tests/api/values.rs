//! Values of indicators: writing them, reading them with each scope, and their history.

use serde_json::{Value, json};

use crate::harness::{App, HERE};
use crate::indicators::{create, indicator, measure};
use crate::reports::with;

crate::tests![
    values_are_answered_as_they_were_written,
    writing_again_counts_what_changed,
    replaced_values_stay_in_the_history,
    filters_select_values,
    benchmarks_have_values_of_their_own,
    unchanged_answers_are_not_sent_again,
    unknown_rows_are_not_found,
];

/// Three levels of units: three workplaces below one centre, one beside it.
pub fn sample_municipality() -> Value {
    let unit = |key: &str, kind: &str, parent: Option<&str>| {
        let name = format!("Enhed {key}");
        json!({"key": key, "name": name, "kind": kind, "parent": parent})
    };
    json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "units": [
            unit("centre", "centre", None),
            unit("north", "department", Some("centre")),
            unit("south", "department", Some("centre")),
            unit("n1", "workplace", Some("north")),
            unit("n2", "workplace", Some("north")),
            unit("s1", "workplace", Some("south")),
            unit("alone", "workplace", None),
        ],
    })
}

/// Imports the units, and creates the indicator `i`.
pub fn begin(app: &App, fields: Value) {
    app.import(&sample_municipality()).unwrap();
    create(app, indicator("i", fields));
}

/// All values of `i` for a query.
fn asked(app: &App, query: &str) -> Vec<Value> {
    app.list(&format!("/v1/indicators/i/values?{query}"))
}

/// `period unit group`, with `-` for the municipality and for everybody.
pub fn place(item: &Value) -> String {
    let word = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
    [word("period"), word("unit"), word("group")].join(" ")
}

fn places(app: &App, query: &str) -> Vec<String> {
    asked(app, query).iter().map(place).collect()
}

/// A value of a unit without a group.
pub fn row(period: &str, unit: &str, value: f64, count: Option<i64>) -> Value {
    json!({"period": period, "unit": unit, "value": value, "count": count})
}

/// A measured value as the service answers it.
fn item(fields: Value) -> Value {
    let nothing = json!({
        "indicator": "i", "period": null, "unit": null, "group": null, "benchmark": null, "value": null, "count": null,
        "is_provisional": false, "is_suppressed": false, "is_aggregated": false, "units_with_value": null,
        "units": null, "note": null,
    });
    with(nothing, fields)
}

fn counts(created: usize, updated: usize, unchanged: usize, removed: usize) -> Value {
    json!({"created": created, "updated": updated, "unchanged": unchanged, "removed": removed})
}

fn values_are_answered_as_they_were_written(app: &App) {
    begin(app, json!({"frequency": "month", "unit_of_measure": "dage", "decimals": 1, "definition": "D"}));
    let empty = app.get("/v1/indicators/i/values").expect(200).json();
    assert_eq!((&empty["items"], &empty["next"]), (&json!([]), &json!(null)));
    assert_eq!(empty["indicator"]["values_updated_at"], json!(null));
    let written = json!([
        {"period": "2024-02", "unit": "n1", "group": "laerere", "value": 0, "count": 0, "is_provisional": true},
        {"period": "2024-02", "unit": "n1", "group": null, "value": -0.0, "count": null, "note": null},
        {"period": "2024-02", "value": 1e-7, "count": 1_000_000_000, "note": "Ny opgørelse; \"Ærø\",\nto linjer"},
        {"period": "2024-01", "unit": "alone", "group": "Pæd", "value": -1e15},
    ]);
    let refused = app.put_new("/v1/indicators/i/values", json!({"values": written}));
    refused.expect_errors(&["/values/3/group"]);
    let mut written = written;
    written[3]["group"] = json!("Paed");
    assert_eq!(measure(app, "i", written), counts(4, 0, 0, 0));
    let note = "Ny opgørelse; \"Ærø\",\nto linjer";
    let page = app.get("/v1/indicators/i/values").expect(200).json();
    let teachers = json!({"period": "2024-02", "unit": "n1", "group": "laerere"});
    let items = json!([
        item(json!({"period": "2024-01", "unit": "alone", "group": "Paed", "value": -1_000_000_000_000_000_i64})),
        item(json!({"period": "2024-02", "value": 1e-7, "count": 1_000_000_000, "note": note})),
        item(json!({"period": "2024-02", "unit": "n1", "value": 0})),
        item(with(teachers, json!({"value": 0, "count": 0, "is_provisional": true}))),
    ]);
    assert_eq!(page["items"], items);
    let told = app.get("/v1/indicators/i").json();
    for field in ["id", "key", "title", "definition", "unit_of_measure", "direction", "frequency", "method", "decimals"]
    {
        assert_eq!(page["indicator"][field], told[field], "{field}");
    }
    assert!(page["indicator"]["values_updated_at"].is_string());
    assert_eq!(told["version"], 1, "its definition is what it was");
    let id = told["id"].as_str().unwrap();
    assert_eq!(app.get(&format!("/v1/indicators/{id}/values")).json(), page);
}

fn writing_again_counts_what_changed(app: &App) {
    begin(app, json!({}));
    let n1 = app.get("/v1/units/n1").json()["id"].clone();
    let year = |year: i64, value: Value| json!({"period": year.to_string(), "unit": "n1", "value": value});
    assert_eq!(
        measure(app, "i", json!([year(2021, json!(1)), year(2022, json!(2)), year(2023, json!(3))])),
        counts(3, 0, 0, 0)
    );
    let mixed = json!([
        {"period": "2021", "unit": n1, "value": 1.0},
        with(year(2022, json!(2)), json!({"note": "Rettet"})),
        year(2023, json!(null)),
        year(2024, json!(null)),
        {"period": "2023", "value": 3},
    ]);
    assert_eq!(measure(app, "i", mixed.clone()), counts(1, 1, 2, 1), "what isn't there is taken away already");
    assert_eq!(measure(app, "i", mixed), counts(0, 0, 5, 0));
    assert_eq!(places(app, ""), ["2021 n1 -", "2022 n1 -", "2023 - -"]);
    // Count, note and other fields are part of the value: what is left out is cleared.
    let first = json!({"count": 5, "is_provisional": true, "note": "N"});
    for said in
        [json!({"count": 5}), json!({"count": 5, "is_provisional": true}), first, json!({}), json!({"count": 0})]
    {
        assert_eq!(measure(app, "i", json!([with(year(2021, json!(1)), said.clone())])), counts(0, 1, 0, 0), "{said}");
        let stored = asked(app, "unit=n1&to=2021");
        assert_eq!(stored, [item(with(json!({"period": "2021", "unit": "n1", "value": 1}), said))]);
    }
    assert_eq!(measure(app, "i", json!([])), counts(0, 0, 0, 0));
    app.put_new("/v1/indicators/i/values", json!({})).expect_errors(&["/values"]);
    app.put_new("/v1/indicators/i/values", json!({"values": [{"period": "2021"}]})).expect_errors(&["/values/0/value"]);
}

fn replaced_values_stay_in_the_history(app: &App) {
    begin(app, json!({"benchmarks": [{"key": "region", "name": "Regionen"}]}));
    let replaced = |query: &str| app.list(&format!("/v1/indicators/i/replaced-values?{query}"));
    measure(
        app,
        "i",
        json!([row("2022", "n1", 1.0, Some(4)), row("2023", "n1", 2.0, None), row("2024", "n2", 3.0, None)]),
    );
    measure(app, "i", json!([row("2022", "n1", 1.0, Some(4))]));
    assert_eq!(replaced(""), Vec::<serde_json::Value>::new(), "nothing was replaced yet");
    measure(app, "i", json!([row("2022", "n1", 1.5, None), {"period": "2024", "unit": "n2", "value": null}]));
    let last = json!({"period": "2022", "unit": "n1", "value": null});
    measure(app, "i", json!([last, row("2024", "n2", 4.0, None)]));
    let benchmark = |value: f64| json!({"values": [{"period": "2023", "value": value, "note": "N"}]});
    for value in [7.0, 8.0] {
        app.put_new("/v1/indicators/i/benchmarks/region/values", benchmark(value)).expect(200);
    }
    let found = replaced("");
    let told = |row: &Value| (place(row), row["benchmark"].clone(), row["value"].clone(), row["count"].clone());
    let own = |place: &str, value: Value, count: Value| (place.to_owned(), json!(null), value, count);
    let expected = [
        ("2023 - -".to_owned(), json!("region"), json!(7), json!(null)),
        own("2022 n1 -", json!(1.5), json!(null)),
        own("2022 n1 -", json!(1), json!(4)),
        own("2024 n2 -", json!(3), json!(null)),
    ];
    let mut known: Vec<_> = found.iter().map(told).collect();
    // Values of the same call are in no particular order.
    known[2..].sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(known, expected, "the last replaced first");
    assert_eq!(found[0]["note"], "N");
    let changes = app.list("/v1/changes?limit=200");
    for row in &found {
        let change = changes.iter().find(|change| change["sequence"] == row["sequence"]).unwrap();
        assert_eq!((&row["replaced_at"], &row["subject"]), (&change["at"], &json!("tester")));
        assert_eq!((&row["issuer"], &change["entity"]), (&change["issuer"], &json!("indicator_values")));
    }
    for limit in [1, 3, 200] {
        assert_eq!(replaced(&format!("limit={limit}")), found, "{limit}");
    }
    let of = |query: &str| replaced(query).iter().map(place).collect::<Vec<_>>();
    assert_eq!(of("from=2023"), ["2023 - -", "2024 n2 -"]);
    assert_eq!(of("from=2022-H1&to=2022&limit=1"), ["2022 n1 -", "2022 n1 -"]);
    app.get("/v1/indicators/i/replaced-values?limit=201").expect_problem(400, "invalid-query");
    assert_eq!(places(app, ""), ["2023 n1 -", "2024 n2 -"], "what was taken away is no value");
}

fn filters_select_values(app: &App) {
    begin(app, json!({"frequency": "quarter"}));
    let written = [
        ("2024-Q1", json!({})),
        ("2024-Q1", json!({"unit": "n1"})),
        ("2024-Q1", json!({"unit": "n1", "group": "laerere"})),
        ("2024-Q1", json!({"unit": "n2"})),
        ("2024-Q1", json!({"unit": "s1"})),
        ("2024-Q4", json!({"unit": "n1"})),
        ("2025-Q1", json!({"group": "laerere"})),
        ("2025-Q1", json!({"unit": "alone"})),
        ("2025-Q1", json!({"unit": "n1", "group": "SOSU.1"})),
    ];
    let rows = written.iter().map(|(period, fields)| with(json!({"period": period, "value": 1}), fields.clone()));
    measure(app, "i", rows.collect());
    let all = [
        "2024-Q1 - -",
        "2024-Q1 n1 -",
        "2024-Q1 n1 laerere",
        "2024-Q1 n2 -",
        "2024-Q1 s1 -",
        "2024-Q4 n1 -",
        "2025-Q1 - laerere",
        "2025-Q1 alone -",
        "2025-Q1 n1 SOSU.1",
    ];
    let n1 = app.get("/v1/units/n1").json()["id"].as_str().unwrap().to_owned();
    for (query, expected) in [
        ("", &all[..]),
        ("aggregates=false", &all),
        ("unit=&subtree=true", &all),
        ("from=2024-Q4", &all[5..]),
        ("from=2024-01-02", &all[5..]),
        ("from=2025", &all[6..]),
        ("to=2024", &all[..6]),
        ("to=2024-01-01", &all[..5]),
        ("to=2024-09-30", &all[..5]),
        ("from=2024-H2&to=2024-H2", &all[5..6]),
        ("from=2025&to=2024", &[]),
        ("unit=", &[all[0], all[6]]),
        ("unit=n1", &[all[1], all[2], all[5], all[8]]),
        (&format!("unit={n1}"), &[all[1], all[2], all[5], all[8]]),
        ("unit=n1&subtree=true", &[all[1], all[2], all[5], all[8]]),
        ("unit=north", &[]),
        ("unit=north&subtree=true", &[all[1], all[2], all[3], all[5], all[8]]),
        ("unit=centre&subtree=true&to=2024-Q1", &all[1..5]),
        ("unit=centre&subtree=false", &[]),
        ("group=", &[all[0], all[1], all[3], all[4], all[5], all[7]]),
        ("group=laerere", &[all[2], all[6]]),
        ("group=nope", &[]),
        ("unit=&group=", &[all[0]]),
        ("unit=n1&group=laerere", &[all[2]]),
        ("unit=n1&group=&from=2024-Q2", &[all[5]]),
        ("unit=centre&subtree=true&group=laerere&to=2024", &[all[2]]),
    ] {
        assert_eq!(places(app, query), expected, "{query}");
        assert_eq!(places(app, &format!("{query}&limit=1")), expected, "{query}");
    }
    for query in [
        "limit=0",
        "limit=10001",
        "limit=all",
        "from=24",
        "to=2024-02-30",
        "subtree=1",
        "group=%C3%A6",
        "unit=a%20b",
        "aggregates=no",
        "format=xml",
        "benchmark=%C3%A6",
        "cursor=x",
        "latest=true",
    ] {
        app.get(&format!("/v1/indicators/i/values?{query}")).expect_problem(400, "invalid-query");
    }
}

fn benchmarks_have_values_of_their_own(app: &App) {
    let benchmarks = json!([{"key": "region", "name": "Regionen"}, {"key": "landet", "name": "Landet"}]);
    begin(app, json!({"benchmarks": benchmarks, "min_group": 5, "aggregation": "sum"}));
    let write = |key: &str, values: Value| {
        app.put_new(&format!("/v1/indicators/i/benchmarks/{key}/values"), json!({"values": values})).expect(200).json()
    };
    let of = |key: &str, query: &str| app.list(&format!("/v1/indicators/i/benchmarks/{key}/values?{query}"));
    measure(app, "i", json!([{"period": "2024", "value": 1, "count": 100}]));
    let first = json!([
        {"period": "2024", "value": 11.5, "is_provisional": true, "note": "Opgjort i maj"},
        {"period": "2023", "value": 12},
    ]);
    assert_eq!(write("region", first.clone()), counts(2, 0, 0, 0));
    assert_eq!(write("landet", json!([{"period": "2024", "value": 9}])), counts(1, 0, 0, 0));
    assert_eq!(write("region", first), counts(0, 0, 2, 0));
    let benchmark = |fields: Value| item(with(json!({"benchmark": "region"}), fields));
    let expected = [
        benchmark(json!({"period": "2023", "value": 12})),
        benchmark(json!({"period": "2024", "value": 11.5, "is_provisional": true, "note": "Opgjort i maj"})),
    ];
    assert_eq!(of("region", ""), expected, "small groups are no matter of theirs");
    assert_eq!(asked(app, "benchmark=region"), expected);
    assert_eq!(of("region", "from=2024"), expected[1..]);
    assert_eq!(asked(app, "benchmark=region&to=2023"), expected[..1]);
    assert_eq!(
        write("region", json!([{"period": "2024", "value": null}, {"period": "2023", "value": 13}])),
        counts(0, 1, 0, 1)
    );
    assert_eq!(of("region", ""), [benchmark(json!({"period": "2023", "value": 13}))]);
    assert_eq!(of("landet", "").len(), 1);
    assert_eq!(places(app, ""), ["2024 - -"], "they stand by themselves");
    assert_eq!(app.list("/v1/values").len(), 1);

    let before = (app.changes(), of("region", ""));
    let refused = |row: Value, errors: &[&str]| {
        let body = json!({"values": [{"period": "2022", "value": 1}, row]});
        app.put_new("/v1/indicators/i/benchmarks/region/values", body).expect_errors(errors);
    };
    let anybody = json!({"period": "2021", "unit": "n1", "group": "laerere", "value": 1, "count": 5});
    refused(anybody, &["/values/1/unit", "/values/1/group", "/values/1/count"]);
    refused(json!({"period": "2022", "value": 2}), &["/values/1"]);
    refused(json!({"period": "2022-01", "value": 2}), &["/values/1/period"]);
    refused(json!({"period": "2021", "value": 2, "note": "010180-1234"}), &["/values/1/note"]);
    assert_eq!((app.changes(), of("region", "")), before);
    for beside in ["unit=n1", "group=", "subtree=true", "aggregates=false", "format=svg", "format=csv"] {
        let address = format!("/v1/indicators/i/values?benchmark=region&{beside}");
        app.get(&address).expect_problem(400, "invalid-query");
    }
}

fn unchanged_answers_are_not_sent_again(app: &App) {
    begin(app, json!({"min_group": 5, "benchmarks": [{"key": "region", "name": "Regionen"}]}));
    measure(app, "i", json!([row("2024", "n1", 1.0, Some(3))]));
    let addresses = [
        "/v1/indicators/i/values",
        "/v1/indicators/i/values?format=csv",
        "/v1/indicators/i/values?format=csv-excel-da",
        "/v1/indicators/i/values?format=json-stat",
        "/v1/indicators/i/values?format=svg&unit=n1",
        "/v1/indicators/i/verdicts",
        "/v1/values?unit=n1",
        "/v1/values?format=csv&latest=true",
    ];
    let ask = |address: &str, scope: &str, tag: &str| {
        app.request("GET", address).token(&app.token(scope)).header("if-none-match", tag).send()
    };
    for (n, address) in addresses.iter().enumerate() {
        let first = app.get(address).expect(200);
        let again = ask(address, "med.measure", &first.etag()).expect(304);
        assert_eq!((again.body.len(), again.etag()), (0, first.etag()), "{address}");
        assert_eq!(first.header("cache-control"), Some("private, no-cache"), "{address}");
        assert!(first.lists("vary", "authorization"), "{address}");
        ask(address, "med.measure", &format!("\"other\", W/{}", first.etag())).expect(304);
        ask(address, "med.measure", "\"other\"").expect(200);
        if *address != "/v1/indicators/i/verdicts" {
            let told = ask(address, "med.read", &first.etag()).expect(200);
            assert_ne!(told.etag(), first.etag(), "{address}: readers see less");
            measure(app, "i", json!([row("2024", "n1", 2.0 + n as f64, Some(3))]));
            let changed = ask(address, "med.measure", &first.etag()).expect(200);
            assert_ne!(changed.body, first.body, "{address}");
        }
    }
    let benchmark = "/v1/indicators/i/benchmarks/region/values";
    let first = app.get(benchmark).expect(200);
    ask(benchmark, "med.read", &first.etag()).expect(304);
    app.put_new(benchmark, json!({"values": [{"period": "2024", "value": 1}]})).expect(200);
    ask(benchmark, "med.read", &first.etag()).expect(200);
}

fn unknown_rows_are_not_found(app: &App) {
    begin(app, json!({"benchmarks": [{"key": "region", "name": "Regionen"}]}));
    let values = json!({"values": [{"period": "2024", "value": 1}]});
    for address in [
        "/v1/indicators/nope/values",
        "/v1/indicators/0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01/values",
        "/v1/indicators/i/benchmarks/nope/values",
        "/v1/indicators/nope/benchmarks/region/values",
    ] {
        app.get(address).expect_problem(404, "not-found");
        app.put_new(address, values.clone()).expect_problem(404, "not-found");
        let table = app.request("PUT", address).header("content-type", "text/csv").bytes("period,value\n2024,1\n");
        table.send().expect_problem(404, "not-found");
    }
    for format in ["json", "csv", "csv-excel-da", "json-stat", "svg"] {
        app.get(&format!("/v1/indicators/nope/values?format={format}")).expect_problem(404, "not-found");
        app.get(&format!("/v1/indicators/i/values?format={format}&unit=nope")).expect_problem(404, "not-found");
        if format != "svg" {
            app.get(&format!("/v1/values?format={format}&unit=nope")).expect_problem(404, "not-found");
            app.get(&format!("/v1/values?format={format}&unit=nope&subtree=true")).expect_problem(404, "not-found");
        }
    }
    for part in ["verdicts", "replaced-values"] {
        app.get(&format!("/v1/indicators/nope/{part}")).expect_problem(404, "not-found");
    }
    app.get("/v1/indicators/i/values?benchmark=nope").expect_problem(404, "not-found");
    app.delete("/v1/indicators/i/values").expect_problem(405, "method-not-allowed");
    assert_eq!(places(app, ""), [""; 0]);
}
