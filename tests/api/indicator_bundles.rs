//! Indicators in the change log and in bundles, and the municipality's setting for small groups.

use serde_json::{Value, json};

use crate::harness::{App, ELSEWHERE, HERE};
use crate::indicators::{computed, create, indicator, measure, sample_municipality};
use crate::reports::with;

crate::tests![
    small_groups_are_a_setting_of_the_municipality,
    every_change_leaves_its_row,
    definitions_are_exported_and_imported,
    an_import_changes_only_what_it_names,
    values_are_exported_on_request,
    values_of_a_bundle_replace_stored_ones,
    errors_of_a_bundle_have_pointers,
    an_unknown_unit_is_one_error_per_series,
    notes_in_bundles_hold_no_cpr_number,
];

/// A bundle with these indicators, as it is exported: without defaults.
fn bundle(indicators: Value) -> Value {
    with(sample_municipality(), json!({"indicators": indicators}))
}

/// Three indicators as an export writes them, not in the order of their keys.
fn definitions() -> Value {
    let nothing = json!({"objectives": [], "targets": []});
    json!([
        {
            "key": "sygefravaer", "title": "Sygefravær", "definition": "Dage pr. ansat.",
            "definition_url": "https://intranet.testby.dk/fravaer", "unit_of_measure": "dage", "direction": "decrease",
            "frequency": "year", "source": "Lønsystemet", "method": "register", "decimals": 0, "min_group": 5,
            "aggregation": "mean", "objectives": ["next/a/o", "plan/a/p"],
            "benchmarks": [{"key": "region", "name": "Regionen", "source": "KRL"}, {"key": "landet", "name": "Landet"}],
            "targets": [
                {"rule": "at_most", "value": 0, "period": "2026", "unit": "school", "note": "Aftalt."},
                {"rule": "maintain", "value": 4.25, "tolerance": 0},
                {"rule": "at_benchmark", "benchmark": "region"},
                {"rule": "less_than_period", "baseline_period": "2023"},
                {"rule": "pending", "decided_by": "2025-06-30"},
            ],
            "retired_on": "2030-12-31",
        },
        computed("daekning", with(nothing.clone(), json!({"frequency": "half_year"}))),
        indicator("bare", nothing),
    ])
}

/// Their values by series, in the order of an export.
fn series() -> Value {
    let own = json!([
        {"period": "2023", "value": 12.5, "count": 900},
        {"period": "2024", "value": 0, "count": 0, "is_provisional": true},
    ]);
    let most = 1_000_000_000_000_000_i64;
    json!([
        {"indicator": "bare", "unit": "care", "values": [{"period": "2024", "value": -0.75, "note": "Æ, \"ø\";\nå"}]},
        {"indicator": "sygefravaer", "values": own},
        {"indicator": "sygefravaer", "group": "laerere", "values": [{"period": "2024", "value": most}]},
        {"indicator": "sygefravaer", "unit": "school", "values": [{"period": "2024", "value": 3.3, "count": 4}]},
        {"indicator": "sygefravaer", "benchmark": "region", "values": [{"period": "2024", "value": 11}]},
    ])
}

fn elsewhere(bundle: &Value) -> Value {
    with(bundle.clone(), json!({"municipality": {"key": ELSEWHERE, "code": "998", "name": "Nabokommunen"}}))
}

fn export_of(app: &App, municipality: &str, query: &str) -> Value {
    let token = app.token_of(municipality, "med.admin");
    app.request("GET", &format!("/v1/export{query}")).token(&token).send().expect(200).json()
}

fn small_groups_are_a_setting_of_the_municipality(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let exported = || app.get("/v1/export").expect(200).json()["municipality"].clone();
    assert_eq!(app.get("/v1/municipality").json()["min_group"], 3);
    assert_eq!(exported(), sample_municipality()["municipality"], "the usual goes without saying");
    for (key, least) in [("none", json!(null)), ("two", json!(2)), ("ten", json!(10))] {
        create(app, indicator(key, json!({"min_group": least})));
        measure(app, key, json!([{"period": "2024", "unit": "school", "value": 7, "count": 4}]));
    }
    // The `min_group` that readers see, and whether a value about four people is hidden.
    let seen = |key: &str| {
        let read = app.request("GET", &format!("/v1/indicators/{key}/values")).token(&app.token("med.read"));
        let page = read.send().expect(200).json();
        (page["indicator"]["min_group"].clone(), page["items"][0]["is_suppressed"] == true)
    };
    assert_eq!(seen("none"), (json!(null), false));
    assert_eq!(seen("two"), (json!(3), false), "never less than the municipality's own");
    assert_eq!(seen("ten"), (json!(10), true));
    assert_eq!(app.patch("/v1/municipality", json!({"min_group": 5})).expect(200).json()["min_group"], 5);
    assert_eq!((seen("none"), seen("two")), ((json!(null), false), (json!(5), true)));
    assert_eq!(app.get("/v1/indicators/two").json()["min_group"], 2, "the definition stays as it was written");
    let shown = app.request("GET", "/v1/indicators/two/values").token(&app.token("med.measure")).send().json();
    assert_eq!((&shown["items"][0]["value"], &shown["items"][0]["is_suppressed"]), (&json!(7), &json!(false)));

    let head = with(sample_municipality()["municipality"].clone(), json!({"min_group": 5}));
    assert_eq!(exported(), head);
    let again = app.post("/v1/import", json!({"municipality": head})).expect(200).json();
    assert_eq!(again["municipality"]["unchanged"], 1);
    for least in [json!(0), json!(-3), json!(1_000_001), json!(2.5), json!("3")] {
        app.patch("/v1/municipality", json!({"min_group": least})).expect_errors(&["/min_group"]);
    }
    let usual =
        app.post("/v1/import", json!({"municipality": sample_municipality()["municipality"]})).expect(200).json();
    assert_eq!(
        (&usual["municipality"]["updated"], exported()),
        (&json!(1), sample_municipality()["municipality"].clone())
    );
}

fn every_change_leaves_its_row(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let mut known = app.changes();
    let mut news = || {
        let changes = app.list("/v1/changes?limit=200");
        let found: Vec<Value> = changes[known..].to_vec();
        known = changes.len();
        found
    };
    let told = create(app, indicator("i", json!({"benchmarks": [{"key": "region", "name": "Regionen"}]})));
    let fields = |row: &Value| {
        let mut fields = row.clone();
        ["id", "version", "created_at", "updated_at"]
            .iter()
            .for_each(|name| drop(fields.as_object_mut().unwrap().remove(*name)));
        fields
    };
    let row = |change: &Value| {
        let part = |name: &str| change[name].clone();
        assert_eq!((&change["entity_id"], &change["subject"]), (&told["id"], &json!("tester")), "{change}");
        (part("entity"), part("operation"), part("before"), part("after"))
    };
    let rows = |changes: Vec<Value>| changes.iter().map(row).collect::<Vec<_>>();
    let definition =
        |operation: &str, before: Value, after: Value| (json!("indicator"), json!(operation), before, after);
    assert_eq!(rows(news()), [definition("created", json!(null), fields(&told))]);
    let changed = app.patch("/v1/indicators/i", json!({"title": "Ny"})).expect(200).json();
    assert_eq!(rows(news()), [definition("updated", fields(&told), fields(&changed))]);
    let retired = app.patch("/v1/indicators/i", json!({"retired_on": "2026-01-01"})).expect(200).json();
    assert_eq!(rows(news()), [definition("ended", fields(&changed), fields(&retired))]);
    app.put("/v1/indicators/i", fields(&retired)).expect(200);
    app.patch("/v1/indicators/i", json!({"title": " "})).expect(422);

    let counted = |counts: [i64; 4]| {
        let [created, updated, unchanged, removed] = counts;
        let after = json!({"created": created, "updated": updated, "unchanged": unchanged, "removed": removed});
        (json!("indicator_values"), json!("updated"), json!(null), after)
    };
    assert_eq!(rows(news()), [], "nothing has changed");
    measure(app, "i", json!([{"period": "2023", "value": 1}, {"period": "2024", "value": 2}]));
    assert_eq!(rows(news()), [counted([2, 0, 0, 0])], "one row, however many values");
    measure(app, "i", json!([{"period": "2023", "value": 1}, {"period": "2024", "value": 2}]));
    measure(app, "i", json!([{"period": "2022", "value": null}]));
    measure(app, "i", json!([]));
    assert_eq!(rows(news()), []);
    let many = json!([
        {"period": "2022", "value": 9}, {"period": "2023", "value": 1}, {"period": "2024", "value": 3},
        {"period": "2021", "value": null}, {"period": "2020", "value": 1},
    ]);
    measure(app, "i", many);
    measure(app, "i", json!([{"period": "2020", "value": null}, {"period": "2022", "value": null}]));
    assert_eq!(rows(news()), [counted([2, 1, 2, 0]), counted([0, 0, 0, 2])]);
    let values = json!({"values": [{"period": "2024", "value": 5}]});
    app.put_new("/v1/indicators/i/benchmarks/region/values", values.clone()).expect(200);
    app.put_new("/v1/indicators/i/benchmarks/region/values", values).expect(200);
    let (entity, operation, before, after) = counted([1, 0, 0, 0]);
    assert_eq!(rows(news()), [(entity, operation, before, with(after, json!({"benchmark": "region"})))]);

    app.post("/v1/indicators", indicator("j", json!({}))).expect(201);
    app.delete("/v1/indicators/j").expect(204);
    let last = news().pop().unwrap();
    assert_eq!(
        (&last["operation"], &last["before"]["key"], &last["after"]),
        (&json!("deleted"), &json!("j"), &json!(null))
    );
}

fn definitions_are_exported_and_imported(app: &App) {
    let wanted = bundle(definitions());
    // The plan that they refer to is exported too.
    let answer = app.post("/v1/import", wanted.clone()).expect(200).json();
    assert_eq!(answer["indicators"], json!({"created": 3, "updated": 0, "unchanged": 0}));
    assert_eq!(app.get("/v1/export").expect(200).json(), wanted);
    assert_eq!(app.get("/v1/export?values=true").json(), wanted, "there are no values");
    let before = (app.changes(), app.list("/v1/indicators"));
    let again = app.post("/v1/import", wanted.clone()).expect(200).json();
    assert_eq!(again["indicators"], json!({"created": 0, "updated": 0, "unchanged": 3}));
    assert_eq!((app.changes(), app.list("/v1/indicators")), before);
    app.import(&elsewhere(&wanted)).unwrap();
    assert_eq!(export_of(app, ELSEWHERE, ""), elsewhere(&wanted));
    assert_eq!(export_of(app, HERE, ""), wanted);
}

fn an_import_changes_only_what_it_names(app: &App) {
    app.post("/v1/import", bundle(definitions())).expect(200);
    measure(app, "bare", json!([{"period": "2024", "value": 1}]));
    let (kept, until_now) = (app.get("/v1/indicators/daekning").json(), app.get("/v1/indicators/sygefravaer").json());
    let new = indicator("ny", json!({"objectives": ["plan/a/o"]}));
    let less = json!({"municipality": sample_municipality()["municipality"], "indicators": [new,
        indicator("sygefravaer", json!({}))]});
    let answer = app.post("/v1/import", less).expect(200).json();
    assert_eq!(answer["indicators"], json!({"created": 1, "updated": 1, "unchanged": 0}));
    let changed = app.get("/v1/indicators/sygefravaer").json();
    assert_eq!((&changed["id"], &changed["version"]), (&until_now["id"], &json!(2)));
    assert_eq!((&changed["source"], &changed["targets"]), (&json!(null), &json!([])), "left out means cleared");
    assert_eq!(app.get("/v1/indicators/daekning").json(), kept);
    assert_eq!(app.keys("/v1/indicators"), ["bare", "daekning", "ny", "sygefravaer"]);
    assert_eq!(app.list("/v1/indicators/bare/values").len(), 1);
    // A bundle can't make a change that stored values do not allow.
    let faster = json!([indicator("bare", json!({"frequency": "month"}))]);
    let refused = json!({"municipality": sample_municipality()["municipality"], "indicators": faster});
    app.post("/v1/import", refused).expect_errors(&["/indicators/0/frequency"]);
}

fn values_are_exported_on_request(app: &App) {
    let wanted = with(bundle(definitions()), json!({"values": series()}));
    let answer = app.post("/v1/import", wanted.clone()).expect(200).json();
    assert_eq!(answer["values"], json!({"created": 6, "updated": 0, "unchanged": 0, "removed": 0}));
    assert_eq!(app.get("/v1/export?values=true").expect(200).json(), wanted);
    assert_eq!(app.get("/v1/export").json(), bundle(definitions()));
    assert_eq!(app.get("/v1/export?values=false").json(), bundle(definitions()));
    app.get("/v1/export?values=1").expect_problem(400, "invalid-query");
    let before = app.changes();
    let again = app.post("/v1/import", wanted.clone()).expect(200).json();
    assert_eq!(again["values"], json!({"created": 0, "updated": 0, "unchanged": 6, "removed": 0}));
    assert_eq!(app.changes(), before);
    assert_eq!(app.list("/v1/indicators/sygefravaer/replaced-values"), Vec::<serde_json::Value>::new());
    app.import(&elsewhere(&wanted)).unwrap();
    assert_eq!(export_of(app, ELSEWHERE, "?values=true"), elsewhere(&wanted));
    assert_eq!(export_of(app, HERE, "?values=true"), wanted);
    let tag = app.get("/v1/export?values=true").etag();
    app.request("GET", "/v1/export?values=true").header("if-none-match", &tag).send().expect(304);
    measure(app, "bare", json!([{"period": "2024", "value": 1}]));
    app.request("GET", "/v1/export?values=true").header("if-none-match", &tag).send().expect(200);
}

fn values_of_a_bundle_replace_stored_ones(app: &App) {
    app.post("/v1/import", with(bundle(definitions()), json!({"values": series()}))).expect(200);
    let school = app.get("/v1/units/school").json()["id"].clone();
    // One series in two parts, its unit named by key and by UUID. Stored indicators need not be in the bundle.
    let values = json!([
        {"indicator": "sygefravaer", "unit": "school", "values": [{"period": "2024", "value": 3.4, "count": 4}]},
        {"indicator": "sygefravaer", "unit": school, "values": [{"period": "2023", "value": 3}]},
        {"indicator": "sygefravaer", "benchmark": "region", "values": [{"period": "2024", "value": 11}]},
    ]);
    let more = json!({"municipality": sample_municipality()["municipality"], "values": values});
    let answer = app.post("/v1/import", more).expect(200).json();
    assert_eq!(answer["values"], json!({"created": 1, "updated": 1, "unchanged": 1, "removed": 0}));
    let replaced = app.list("/v1/indicators/sygefravaer/replaced-values");
    assert_eq!((replaced.len(), &replaced[0]["value"], &replaced[0]["unit"]), (1, &json!(3.3), &json!("school")));
    let kept = app.list("/v1/indicators/sygefravaer/values?unit=&group=&aggregates=false");
    assert_eq!(kept.len(), 2, "what a bundle doesn't name stays");
}

fn errors_of_a_bundle_have_pointers(app: &App) {
    app.import(&bundle(definitions())).unwrap();
    let before = (app.changes(), app.get("/v1/export?values=true").json());
    let one = |period: &str, value: f64| json!({"period": period, "value": value});
    let indicators = json!([
        indicator("ny", json!({"objectives": ["plan/a/nope"]})),
        indicator("ny", json!({"targets": [{"rule": "at_least"}]})),
        indicator("maaned", json!({"frequency": "month"})),
    ]);
    let values = json!([
        {"indicator": "nope", "values": [one("2024", 1.0)]},
        {"indicator": "sygefravaer", "benchmark": "nope", "values": [one("2024", 1.0)]},
        {"indicator": "bare", "values": [one("2024", 1.0), one("2024-05", 1.0), one("1066", 1.0)]},
        {"indicator": "bare", "values": [one("2024", 2.0)]},
        {"indicator": "daekning", "values": [one("2024-H1", 1.0)]},
        {
            "indicator": "sygefravaer", "benchmark": "region", "unit": "school", "group": "laerere",
            "values": [one("2024", 1.0)],
        },
        {"indicator": "maaned", "values": [one("2024", 1.0), one("2024-01", 1.0)]},
    ]);
    let wanted =
        json!({"municipality": sample_municipality()["municipality"], "indicators": indicators, "values": values});
    let refused = app.post("/v1/import", wanted).expect_problem(422, "invalid-body");
    let pointers = refused.pointers();
    for pointer in [
        "/indicators/0/objectives/0",
        "/indicators/1/key",
        "/indicators/1/targets/0/value",
        "/values/0/indicator",
        "/values/1/benchmark",
        "/values/2/values/1/period",
        "/values/2/values/2/period",
        "/values/3/values/0",
        "/values/4/values/0",
        "/values/6/values/0/period",
    ] {
        assert!(pointers.iter().any(|found| found == pointer), "{pointer}: {}", refused.json());
    }
    assert!(pointers.iter().any(|pointer| pointer.starts_with("/values/5/")), "{pointers:?}");
    let form = json!([
        {"indicator": "Bare", "values": [{"period": "24", "value": "1", "count": -1, "antal": 1}]}, {"values": {}},
    ]);
    app.post("/v1/import", json!({"municipality": sample_municipality()["municipality"], "values": form}))
        .expect_errors(&[
            "/values/0/indicator",
            "/values/0/values/0/period",
            "/values/0/values/0/value",
            "/values/0/values/0/count",
            "/values/0/values/0/antal",
            "/values/1/indicator",
            "/values/1/values",
        ]);
    assert_eq!((app.changes(), app.get("/v1/export?values=true").json()), before);
}

fn an_unknown_unit_is_one_error_per_series(app: &App) {
    app.import(&bundle(definitions())).unwrap();
    let values: Vec<Value> = (2020..2025).map(|year| json!({"period": year.to_string(), "value": 1})).collect();
    let series = json!([{"indicator": "bare", "unit": "nope", "values": values}]);
    let wanted = json!({"municipality": sample_municipality()["municipality"], "values": series});
    app.post("/v1/import", wanted).expect_errors(&["/values/0/unit"]);
}

fn notes_in_bundles_hold_no_cpr_number(app: &App) {
    app.import(&bundle(definitions())).unwrap();
    let before = app.changes();
    for number in ["010180-1234", "0101801234"] {
        let values =
            json!([{"period": "2023", "value": 1}, {"period": "2024", "value": 1, "note": format!("Om {number}.")}]);
        let series = json!([{"indicator": "bare", "values": values}]);
        let wanted = json!({"municipality": sample_municipality()["municipality"], "values": series});
        let refused = app.post("/v1/import", wanted).expect_errors(&["/values/0/values/1/note"]);
        assert!(!String::from_utf8(refused.body).unwrap().contains(number));
    }
    assert_eq!(app.changes(), before);
}
