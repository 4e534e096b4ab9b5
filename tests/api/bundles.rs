//! Import and export over HTTP.

use serde_json::{Value, json};

use crate::harness::{App, ELSEWHERE, HERE};
use crate::reports::{action_ids, with};

crate::tests![
    an_export_equals_the_import,
    importing_again_changes_nothing,
    an_import_adds_and_changes_and_never_removes,
    references_may_point_anywhere,
    all_errors_are_answered_together,
    unknown_sections_are_refused,
    values_are_exported_only_on_request,
    a_large_bundle_is_one_transaction,
    a_bundle_may_hold_only_reports,
    an_empty_list_of_reporting_roles_is_kept,
];

fn bundle() -> Value {
    json!({
        "municipality": {"key": HERE, "code": "999", "name": "Testby Kommune"},
        "levels": [{"key": "z-top", "name": "Top", "rank": 1}, {"key": "a-lokal", "name": "Lokal", "rank": 2,
            "staff_meeting_below": 20}],
        "units": [{"key": "z", "name": "Z", "kind": "workplace", "parent": "a"}, {"key": "a", "name": "A",
            "kind": "centre", "managed_by": "hr"}],
        "employees": [
            {"key": "M-2", "name": "Bo Æbelø", "email": "bo@testby.example", "title": "Leder", "unit": "a",
             "has_personnel_responsibility": true, "starts_on": "2020-01-01", "managed_by": "hr"},
            {"key": "M-1", "name": "Ane Ø", "name_protected": true},
        ],
        "committees": [
            {"key": "under", "name": "Under", "level": "a-lokal", "parent": "over", "form": "committee",
                "units": ["z", "a"]},
            {"key": "over", "name": "Over", "level": "z-top", "form": "committee"},
            {"key": "gruppe", "name": "Gruppe", "form": "work_group", "mandate": "Se på det."},
        ],
        "strategies": [
            {"key": "ny", "title": "Ny", "kind": "plan", "status": "adopted", "adopted_by": "over",
                "predecessor": "gammel",
             "starts_on": "2025-01-01", "focus_areas": [
                {"key": "b", "title": "B", "continues": ["gammel/a"], "objectives": [
                    {"key": "o", "kind": "goal", "text": "O", "counterpart": "c/p"}], "actions": [
                    {"key": "x", "title": "X", "kind": "discussion", "after": ["c/y"], "recurrence": "P6M",
                     "audience": [{"role": "responsible", "level": "a-lokal"}]}]},
                {"key": "c", "title": "C", "objectives": [{"key": "p", "kind": "goal", "text": "P"}],
                 "actions": [{"key": "y", "title": "Y", "kind": "other", "invites_local": true}]}]},
            {"key": "gammel", "title": "Gammel", "kind": "plan", "status": "closed", "focus_areas": [
                {"key": "a", "title": "Æ", "objectives": [], "actions": []}]},
        ],
        "indicators": [
            {"key": "b-maalt", "title": "Målt", "unit_of_measure": "%", "direction": "increase", "frequency": "quarter",
             "method": "register", "min_group": 5, "aggregation": "mean", "objectives": ["ny/b/o", "ny/c/p"],
             "benchmarks": [{"key": "andre", "name": "Andre", "source": "Et register"}, {"key": "flere",
                 "name": "Flere"}],
             "targets": [{"rule": "at_least", "value": 0, "period": "2026", "unit": "z"},
                {"rule": "at_benchmark", "tolerance": 0.5, "benchmark": "andre"}]},
            {"key": "a-beregnet", "title": "Beregnet", "direction": "increase", "frequency": "half_year",
             "method": "computed", "coverage_of": "ny/b/x", "objectives": [], "coverage_level": "a-lokal",
                 "targets": []},
        ],
    })
}

/// The values of the bundle's indicators.
fn values() -> Value {
    json!([
        {"indicator": "b-maalt", "unit": "z", "group": "ledere", "values": [
            {"period": "2025-Q1", "value": 12.5, "count": 7, "is_provisional": true, "note": "Første gang"},
            {"period": "2026-Q4", "value": -3}]},
        {"indicator": "b-maalt", "values": [{"period": "2025-Q1", "value": 0}]},
        {"indicator": "b-maalt", "benchmark": "andre", "values": [{"period": "2025-Q1", "value": 11}]},
    ])
}

fn an_export_equals_the_import(app: &App) {
    let answer = app.post("/v1/import", bundle()).expect(200).json();
    assert_eq!(answer["committees"], json!({"created": 3, "updated": 0, "unchanged": 0}));
    assert_eq!(answer["municipality"]["updated"], 1, "its name is another one now");
    assert_eq!(answer["indicators"], json!({"created": 2, "updated": 0, "unchanged": 0}));
    assert_eq!(app.get("/v1/export").expect(200).json(), bundle());
}

fn values_are_exported_only_on_request(app: &App) {
    let mut wanted = bundle();
    wanted["values"] = values();
    let answer = app.post("/v1/import", wanted.clone()).expect(200).json();
    assert_eq!(answer["values"], json!({"created": 4, "updated": 0, "unchanged": 0, "removed": 0}));
    assert!(app.get("/v1/export").expect(200).json().get("values").is_none());
    let export = app.get("/v1/export?values=true").expect(200).json();
    let sorted = |values: &Value| {
        let mut values: Vec<String> = values.as_array().unwrap().iter().map(|series| series.to_string()).collect();
        values.sort();
        values
    };
    assert_eq!(sorted(&export["values"]), sorted(&wanted["values"]));
    let before = app.changes();
    let again = app.post("/v1/import", export).expect(200).json();
    assert_eq!(again["values"], json!({"created": 0, "updated": 0, "unchanged": 4, "removed": 0}));
    assert_eq!(app.changes(), before);
    wanted["values"] = json!([
        {"indicator": "ukendt", "values": []},
        {"indicator": "b-maalt", "benchmark": "ukendt", "values": []},
        {"indicator": "b-maalt", "unit": "ukendt", "values": [{"period": "2025-Q1", "value": 1}]},
        {"indicator": "b-maalt", "values": [{"period": "2025-Q2", "value": 1}, {"period": "2025", "value": 1}]},
        {"indicator": "b-maalt", "values": [{"period": "2025-Q2", "value": 1}]},
        {"indicator": "a-beregnet", "values": [{"period": "2025-H1", "value": 1}]},
    ]);
    app.post("/v1/import", wanted).expect_errors(&[
        "/values/0/indicator",
        "/values/1/benchmark",
        "/values/2/unit",
        "/values/3/values/1/period",
        "/values/4/values/0",
        "/values/5/values/0",
    ]);
}

fn importing_again_changes_nothing(app: &App) {
    app.post("/v1/import", bundle()).expect(200);
    let seen = |app: &App| {
        (app.changes(), app.list("/v1/strategies"), app.list("/v1/committees"), app.get("/v1/strategies/ny").json())
    };
    let before = seen(app);
    let again = app.post("/v1/import", bundle()).expect(200).json();
    for (section, counts) in again.as_object().unwrap() {
        assert_eq!((&counts["created"], &counts["updated"]), (&json!(0), &json!(0)), "{section}");
    }
    assert_eq!(seen(app), before);
}

fn an_import_adds_and_changes_and_never_removes(app: &App) {
    app.post("/v1/import", bundle()).expect(200);
    let head = bundle()["municipality"].clone();
    let less = json!({"municipality": head, "strategies": [{
    "key": "ny", "title": "Nyere", "kind": "plan", "status": "adopted", "starts_on": "2025-01-01", "focus_areas": [
        {"key": "c", "title": "C", "actions": [{"key": "z", "title": "Z", "kind": "other"}]},
        {"key": "d", "title": "D"},
    ]}]});
    let answer = app.post("/v1/import", less).expect(200).json();
    assert_eq!(answer["focus_areas"], json!({"created": 1, "updated": 1, "unchanged": 1}));
    let tree = app.get("/v1/strategies/ny").json();
    let keys = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys(&tree["focus_areas"]), ["b", "c", "d"], "what stands keeps its place");
    assert_eq!(keys(&tree["focus_areas"][1]["actions"]), ["y", "z"]);
    assert_eq!(tree["focus_areas"][0]["actions"][0]["after"], json!(["c/y"]));
    assert_eq!(tree["focus_areas"][0]["objectives"][0]["counterpart"], "c/p");
    assert_eq!(tree["adopted_by"], json!(null), "fields as in PUT: left out means cleared");
    assert_eq!(app.keys("/v1/committees").len(), 3);
}

fn references_may_point_anywhere(app: &App) {
    let mut wanted = bundle();
    wanted["strategies"].as_array_mut().unwrap().reverse();
    wanted["committees"].as_array_mut().unwrap().reverse();
    app.post("/v1/import", wanted.clone()).expect(200);
    assert_eq!(app.get("/v1/export").json(), wanted);
}

fn all_errors_are_answered_together(app: &App) {
    let mut wanted = bundle();
    wanted["levels"][1]["key"] = json!("z-top");
    wanted["units"][1]["parent"] = json!("z");
    wanted["units"][0]["ends_on"] = json!("2024-01-01");
    wanted["units"][0]["starts_on"] = json!("2024-01-02");
    wanted["committees"][1]["parent"] = json!("under");
    wanted["committees"][0]["units"] = json!(["nope"]);
    wanted["strategies"][0]["focus_areas"][0]["continues"] = json!(["gammel/nope"]);
    wanted["strategies"][1]["predecessor"] = json!("ny");
    let before = app.changes();
    app.post("/v1/import", wanted).expect_errors(&[
        "/levels/1/key",
        "/units/0/parent",
        "/units/1/parent",
        "/units/0/ends_on",
        "/committees/0/parent",
        "/committees/1/parent",
        "/committees/0/level",
        "/committees/0/units/0",
        "/strategies/0/predecessor",
        "/strategies/1/predecessor",
        "/strategies/0/focus_areas/0/continues/0",
        "/strategies/0/focus_areas/0/actions/0/audience/0/level",
        "/indicators/1/coverage_level",
    ]);
    assert_eq!((app.changes(), app.keys("/v1/levels").len()), (before, 0));
}

fn unknown_sections_are_refused(app: &App) {
    let mut wanted = bundle();
    wanted["budgets"] = json!([]);
    app.post("/v1/import", wanted).expect_errors(&["/budgets"]);
}

fn a_large_bundle_is_one_transaction(app: &App) {
    let units: Vec<Value> = (0..1_200)
        .map(|n| json!({"key": format!("u{n}"), "name": format!("Enhed {n}"), "kind": "workplace"}))
        .collect();
    let committees: Vec<Value> = (0..1_200)
        .map(|n| {
            json!({"key": format!("c{n}"), "name": format!("Udvalg {n}"), "level": "l", "form": "committee",
            "units": [format!("u{n}")]})
        })
        .collect();
    let mut wanted = json!({
        "municipality": bundle()["municipality"], "levels": [{"key": "l", "name": "L", "rank": 1}],
        "units": units, "committees": committees, "strategies": [], "indicators": [],
    });
    wanted["committees"][1_199]["level"] = json!("nope");
    app.post("/v1/import", wanted.clone()).expect_errors(&["/committees/1199/level"]);
    assert_eq!(app.keys("/v1/units?limit=1").len(), 0);
    wanted["committees"][1_199]["level"] = json!("l");
    let answer = app.post("/v1/import", wanted.clone()).expect(200).json();
    assert_eq!((&answer["units"]["created"], &answer["committees"]["created"]), (&json!(1_200), &json!(1_200)));
    assert_eq!(app.get("/v1/export").json(), wanted);
    assert_eq!(app.post("/v1/import", wanted).expect(200).json()["units"]["unchanged"], 1_200);
}

fn a_bundle_may_hold_only_reports(app: &App) {
    app.post("/v1/import", bundle()).expect(200);
    let id = action_ids(app).remove("ny/b/x").unwrap();
    let told = |action: &str, at: &str| {
        json!({
            "action": action, "committee": "under", "occurrence": "2025-H1", "stage": "done", "reported_by": "M-1",
            "reported_at": at,
        })
    };
    let alone = |reports: &[Value]| json!({"municipality": bundle()["municipality"], "reports": reports});
    let (march, april) = ("2025-03-01T09:00:00Z", "2025-04-01T09:00:00Z");
    for report in [told("ny/b/x", march), told(&id, april)] {
        let before = app.changes();
        let wanted = alone(&[report]);
        let answer = app.post("/v1/import", wanted.clone()).expect(200).json();
        assert_eq!(answer["reports"], json!({"created": 1, "updated": 0, "unchanged": 0}), "{wanted}");
        assert_eq!(answer["employees"], json!({"created": 0, "updated": 0, "unchanged": 0}));
        assert_eq!(app.changes(), before + 1);
        let again = app.post("/v1/import", wanted.clone()).expect(200).json();
        assert_eq!(again["reports"], json!({"created": 0, "updated": 0, "unchanged": 1}), "{wanted}");
        assert_eq!(app.changes(), before + 1);
    }
    // It is the same report, however its action and its reporter are named.
    let employee = app.get("/v1/employees/M-1").json()["id"].clone();
    let other_names = [told(&id, march), with(told("ny/b/x", april), json!({"reported_by": employee}))];
    let answer = app.post("/v1/import", alone(&other_names)).expect(200).json();
    assert_eq!(answer["reports"], json!({"created": 0, "updated": 0, "unchanged": 2}));
    let export = app.get("/v1/export").expect(200).json();
    let exported = export["reports"].as_array().unwrap();
    assert_eq!(exported.len(), 2);
    assert!(exported.iter().all(|report| report["reported_by"] == "M-1" && report["action"] == "ny/b/x"), "{export}");
    let nobody_s = [with(told("ny/b/x", march), json!({"reported_by": "M-3"}))];
    app.post("/v1/import", alone(&nobody_s)).expect_errors(&["/reports/0/reported_by"]);
}

fn an_empty_list_of_reporting_roles_is_kept(app: &App) {
    app.post("/v1/import", bundle()).expect(200);
    app.patch("/v1/municipality", json!({"reporting_roles": []})).expect(200);
    let mut export = app.get("/v1/export").expect(200).json();
    assert_eq!(export["municipality"]["reporting_roles"], json!([]), "an empty list is not the default");
    let before = app.changes();
    let answer = app.post("/v1/import", export.clone()).expect(200).json();
    assert_eq!(answer["municipality"], json!({"created": 0, "updated": 0, "unchanged": 1}));
    assert_eq!(app.changes(), before);
    assert_eq!(app.get("/v1/municipality").json()["reporting_roles"], json!([]));
    assert_eq!(app.get("/v1/export").json(), export);
    export["municipality"]["key"] = json!(ELSEWHERE);
    app.import(&export).unwrap();
    let there = app.request("GET", "/v1/municipality").token(&app.token_of(ELSEWHERE, "med.admin")).send().expect(200);
    assert_eq!(there.json()["reporting_roles"], json!([]));
    // A setting that the bundle leaves out has its default.
    let answer = app.post("/v1/import", bundle()).expect(200).json();
    assert_eq!(answer["municipality"]["updated"], 1);
    let roles = app.get("/v1/municipality").json()["reporting_roles"].clone();
    assert_eq!(roles, json!(["chair", "deputy_chair", "secretary"]));
}
