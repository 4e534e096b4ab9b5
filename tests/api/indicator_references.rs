//! References from and to indicators: neither side can be deleted while the other exists.

use serde_json::{Value, json};

use crate::harness::{App, ELSEWHERE};
use crate::indicators::{computed, create, indicator, measure, sample_municipality, target};
use crate::reports::{action_ids, with};

crate::tests![
    references_are_answered_as_keys,
    references_to_nothing_are_refused,
    an_indicator_with_values_keeps_its_meaning,
    rows_that_indicators_refer_to_can_not_be_deleted,
    another_municipality_s_indicators_do_not_exist,
];

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn references_are_answered_as_keys(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let plan = app.get("/v1/strategies/plan").json();
    let objectives = &plan["focus_areas"][0]["objectives"];
    let ids = action_ids(app);
    let (level, unit) = (app.get("/v1/levels/local").json(), app.get("/v1/units/school").json());
    let named = json!({
        "objectives": [objectives[1]["id"], "plan/a/o"],
        "coverage_of": ids["plan/a/often"], "coverage_level": level["id"],
        "targets": [{"rule": "at_least", "value": 1, "unit": unit["id"]}],
    });
    let plain = json!({
        "objectives": ["plan/a/p", "plan/a/o"], "coverage_of": "plan/a/often", "coverage_level": "local",
        "targets": [target("at_least", json!({"value": 1, "unit": "school"}))],
    });
    let told = create(app, computed("i", named.clone()));
    assert_eq!(told, with(told.clone(), plain));
    assert_eq!(app.get("/v1/indicators/i").json(), told);
    let again = app.put("/v1/indicators/i", computed("i", named)).expect(200).json();
    assert_eq!(again, told, "however its references are written, nothing has changed");
    let twice = json!({"objectives": ["plan/a/p", objectives[1]["id"]]});
    app.patch("/v1/indicators/i", twice).expect_errors(&["/objectives/1"]);
}

fn references_to_nothing_are_refused(app: &App) {
    app.import(&sample_municipality()).unwrap();
    app.import(&with(
        sample_municipality(),
        json!({"municipality": {"key": ELSEWHERE, "code": "999", "name": ELSEWHERE}}),
    ))
    .unwrap();
    let token = app.token_of(ELSEWHERE, "med.read");
    let there = |path: &str| app.request("GET", path).token(&token).send().expect(200).json();
    let area = there("/v1/strategies/plan")["focus_areas"][0].clone();
    let (level, unit) = (there("/v1/levels/local")["id"].clone(), there("/v1/units/school")["id"].clone());
    let objectives = json!(["plan/a/nope", "plan/a", "o", area["objectives"][0]["id"], area["id"], "plan/a/once"]);
    let aimed = json!({"objectives": objectives, "targets": [{"rule": "at_least", "value": 1, "unit": unit}]});
    app.post("/v1/indicators", indicator("i", aimed)).expect_errors(&[
        "/objectives/0",
        "/objectives/1",
        "/objectives/2",
        "/objectives/3",
        "/objectives/4",
        "/objectives/5",
        "/targets/0/unit",
    ]);
    for (action, level) in [(&area["actions"][0]["id"], &level), (&json!("plan/a/o"), &json!("school"))] {
        let counted = json!({"coverage_of": action, "coverage_level": level});
        app.post("/v1/indicators", computed("i", counted)).expect_errors(&["/coverage_of", "/coverage_level"]);
    }
}

fn an_indicator_with_values_keeps_its_meaning(app: &App) {
    let benchmarks = json!([{"key": "region", "name": "Regionen"}, {"key": "landet", "name": "Landet"}]);
    create(app, indicator("i", json!({"frequency": "month", "benchmarks": benchmarks})));
    let address = "/v1/indicators/i";
    app.patch(address, json!({"frequency": "year"})).expect(200);
    measure(app, "i", json!([{"period": "2022", "value": 1}, {"period": "2024", "value": 2}]));
    let values = json!({"values": [{"period": "2026", "value": 3}]});
    app.put_new(&format!("{address}/benchmarks/region/values"), values.clone()).expect(200);
    let before = app.get(address).json();
    for frequency in ["month", "quarter", "half_year"] {
        app.patch(address, json!({"frequency": frequency})).expect_errors(&["/frequency"]);
    }
    app.patch(address, json!({"benchmarks": []})).expect_errors(&["/benchmarks"]);
    app.put(address, indicator("i", json!({"frequency": "quarter"}))).expect_errors(&["/frequency", "/benchmarks"]);
    app.delete(address).expect_problem(409, "in-use");
    assert_eq!(app.get(address).json(), before);

    // Changes that the values allow are accepted: a benchmark without values may be removed, one with values renamed.
    let renamed = json!([{"key": "region", "name": "Region Hovedstaden", "source": "KRL"}]);
    app.patch(address, json!({"frequency": "biennium", "benchmarks": renamed})).expect(200);
    let kept = app.list(&format!("{address}/benchmarks/region/values"));
    assert_eq!((kept.len(), &kept[0]["value"]), (1, &json!(3)));
    app.patch(address, json!({"frequency": "year"})).expect(200);
    measure(app, "i", json!([{"period": "2023", "value": 1}]));
    let refused = app.patch(address, json!({"frequency": "biennium"})).expect_errors(&["/frequency"]).json();
    assert!(text(&refused["errors"][0]["detail"]).contains("2023"), "{refused}");
    app.patch(address, json!({"frequency": "once"})).expect(200);
    // Values of a benchmark prevent deletion of the indicator too.
    create(app, indicator("j", json!({"benchmarks": renamed})));
    app.put_new("/v1/indicators/j/benchmarks/region/values", values).expect(200);
    app.delete("/v1/indicators/j").expect_problem(409, "in-use");
}

fn rows_that_indicators_refer_to_can_not_be_deleted(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let aimed = json!({"objectives": ["plan/a/o"], "targets": [{"rule": "at_least", "value": 1, "unit": "school"}]});
    create(app, indicator("aims", aimed));
    create(app, indicator("measures", json!({})));
    measure(app, "measures", json!([{"period": "2024", "unit": "care", "value": 1}]));
    create(app, computed("counts", json!({})));
    let area = app.get("/v1/strategies/plan").json()["focus_areas"][0].clone();
    let part = |kind: &str, n: usize| format!("/v1/{kind}/{}", text(&area[kind][n]["id"]));
    let (objective, action) = (part("objectives", 0), part("actions", 0));
    for (address, key) in [
        ("/v1/units/school", "aims"),
        ("/v1/units/care", "measures"),
        ("/v1/levels/local", "counts"),
        (&objective, "aims"),
        (&action, "counts"),
    ] {
        let refused = app.delete(address).expect_problem(409, "in-use").json();
        let told: Vec<&str> =
            refused["errors"].as_array().unwrap().iter().map(|error| text(&error["detail"])).collect();
        assert!(told.iter().any(|detail| detail.contains(&format!("'{key}'"))), "{address}: {told:?}");
        app.get(address).expect(200);
    }
    let mut plan = sample_municipality()["strategies"][0].clone();
    plan["focus_areas"] = json!([]);
    let refused = app.put("/v1/strategies/plan", plan).expect_problem(409, "in-use").json();
    let told = refused["errors"].to_string();
    assert!(told.contains("'aims'") && told.contains("'counts'"), "{told}");
    assert_eq!(app.get("/v1/strategies/plan").json()["focus_areas"], json!([area]));

    app.patch("/v1/indicators/aims", json!({"objectives": [], "targets": []})).expect(200);
    app.delete("/v1/indicators/counts").expect(204);
    for address in ["/v1/units/school", &objective, &action] {
        app.delete(address).expect(204);
    }
}

fn another_municipality_s_indicators_do_not_exist(app: &App) {
    let there = with(
        sample_municipality(),
        json!({
            "municipality": {"key": ELSEWHERE, "code": "999", "name": ELSEWHERE},
            "indicators": [indicator("fremmed", json!({"benchmarks": [{"key": "region", "name": "Regionen"}]}))],
            "values": [{"indicator": "fremmed", "values": [{"period": "2024", "value": 4711}]}],
        }),
    );
    app.import(&there).unwrap();
    let token = app.token_of(ELSEWHERE, "med.admin");
    let export = || app.request("GET", "/v1/export?values=true").token(&token).send().expect(200).json();
    let before = export();
    let id = app.request("GET", "/v1/indicators/fremmed").token(&token).send().expect(200).json()["id"].clone();
    let values = json!({"values": [{"period": "2024", "value": 1}]});
    for name in ["fremmed", text(&id)] {
        let address = format!("/v1/indicators/{name}");
        for part in ["", "/values", "/values?format=csv", "/verdicts", "/replaced-values", "/benchmarks/region/values"]
        {
            app.get(&format!("{address}{part}")).expect_problem(404, "not-found");
        }
        app.put_new(&format!("{address}/values"), values.clone()).expect_problem(404, "not-found");
        app.put_new(&format!("{address}/benchmarks/region/values"), values.clone()).expect_problem(404, "not-found");
        app.patch(&address, json!({"title": "Mit"})).expect_problem(404, "not-found");
        app.delete(&address).expect_problem(404, "not-found");
    }
    app.put_new(&format!("/v1/indicators/{}", text(&id)), indicator("fremmed", json!({}))).expect(404);
    assert_eq!((app.keys("/v1/indicators"), app.list("/v1/values?indicator=fremmed")), (vec![], vec![]));
    assert_eq!(export(), before);
    // The key is free here.
    create(app, indicator("fremmed", json!({})));
    assert_eq!(app.list("/v1/indicators/fremmed/values"), Vec::<serde_json::Value>::new());
}
