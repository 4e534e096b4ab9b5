//! Definitions of indicators: their fields, who may write them, and what is refused.

use serde_json::{Value, json};

use crate::harness::{App, HERE, Request, Response};
use crate::reports::with;

crate::tests![
    an_indicator_is_answered_as_it_was_written,
    changes_require_the_current_version,
    a_patch_changes_only_the_fields_it_has,
    lists_are_filtered_and_paged,
    each_rule_has_its_own_parameters,
    all_errors_of_targets_are_answered_together,
    a_computed_indicator_names_its_action_and_level,
    fields_have_bounds,
    scopes_separate_definitions_from_values,
];

/// A municipality with a plan and without values.
pub fn sample_municipality() -> Value {
    let action = |key: &str, fields: Value| {
        let everyone = json!([{"role": "responsible", "level": "local"}]);
        with(json!({"key": key, "title": key, "kind": "discussion", "audience": everyone}), fields)
    };
    json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [{"key": "top", "name": "Top", "rank": 1}, {"key": "local", "name": "Lokal", "rank": 2}],
        "units": [
            {"key": "centre", "name": "Centret", "kind": "centre"},
            {"key": "school", "name": "Skolen", "kind": "workplace", "parent": "centre"},
            {"key": "care", "name": "Plejen", "kind": "workplace", "parent": "centre"},
        ],
        "committees": [],
        "strategies": [
            {
                "key": "plan", "title": "Plan", "kind": "plan", "status": "adopted", "starts_on": "2024-01-01",
                "focus_areas": [{
                    "key": "a", "title": "A",
                    "objectives": [
                        {"key": "o", "kind": "goal", "text": "O"}, {"key": "p", "kind": "goal", "text": "P"},
                    ],
                    "actions": [action("often", json!({"recurrence": "P6M"})), action("once", json!({}))],
                }],
            },
            {
                "key": "next", "title": "Næste", "kind": "plan", "status": "draft", "focus_areas": [{
                    "key": "a", "title": "A", "objectives": [{"key": "o", "kind": "goal", "text": "O"}], "actions": [],
                }],
            },
        ],
        "indicators": [],
    })
}

/// An indicator with its required fields and some more.
pub fn indicator(key: &str, fields: Value) -> Value {
    let needed = json!({"key": key, "title": key, "direction": "increase", "frequency": "year", "method": "register"});
    with(needed, fields)
}

/// A computed indicator.
pub fn computed(key: &str, fields: Value) -> Value {
    let counted = json!({"method": "computed", "coverage_of": "plan/a/often", "coverage_level": "local"});
    indicator(key, with(counted, fields))
}

/// Creates an indicator and returns the answer.
pub fn create(app: &App, body: Value) -> Value {
    app.post("/v1/indicators", body).expect(201).json()
}

/// Writes values of an indicator and returns the answer.
pub fn measure(app: &App, key: &str, values: Value) -> Value {
    app.put_new(&format!("/v1/indicators/{key}/values"), json!({"values": values})).expect(200).json()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// An indicator with every field, in the form in which the service answers it.
fn full() -> Value {
    json!({
        "key": "sygefravaer", "title": "Sygefravær", "definition": "Dage pr. ansat.\nUden barns sygedag.",
        "definition_url": "https://intranet.testby.dk/nøgletal#fravær", "unit_of_measure": "%",
        "direction": "decrease", "frequency": "year", "source": "Lønsystemet", "method": "register", "decimals": 1,
        "min_group": 5, "aggregation": "mean", "objectives": ["plan/a/p", "next/a/o"],
        "coverage_of": null, "coverage_level": null,
        "benchmarks": [
            {"key": "region", "name": "Regionen", "source": "KRL"}, {"key": "landet", "name": "Landet", "source": null},
        ],
        "targets": [
            target("at_most", json!({"value": 4.5, "period": "2026", "unit": "school", "note": "Aftalt i 2024."})),
            target("maintain", json!({"value": 0, "tolerance": 0.25})),
            target("less_than_period", json!({"baseline_period": "2023", "period": "2025"})),
            target("at_benchmark", json!({"benchmark": "region", "tolerance": 0})),
            target("full_coverage", json!({})),
            target("pending", json!({"decided_by": "2025-06-30"})),
        ],
        "retired_on": "2030-12-31",
    })
}

/// A target as the service answers it.
pub fn target(rule: &str, fields: Value) -> Value {
    let empty = json!({
        "rule": rule, "value": null, "tolerance": null, "baseline_period": null, "benchmark": null,
        "decided_by": null, "period": null, "unit": null, "note": null,
    });
    with(empty, fields)
}

fn an_indicator_is_answered_as_it_was_written(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let made = app.post("/v1/indicators", full()).expect(201);
    assert_eq!(made.header("location"), Some("/v1/indicators/sygefravaer"));
    let told = made.json();
    let own =
        json!({"id": told["id"], "version": 1, "created_at": told["created_at"], "updated_at": told["created_at"]});
    assert_eq!(told, with(full(), own), "every field stands in the answer, and no other");
    for name in ["sygefravaer", text(&told["id"])] {
        let read = app.get(&format!("/v1/indicators/{name}")).expect(200);
        assert_eq!((read.json(), read.etag()), (told.clone(), made.etag()));
    }
    assert_eq!(app.list("/v1/indicators"), [told]);
    let plain = create(app, indicator("plain", json!({})));
    for (field, usual) in [("aggregation", json!("none")), ("min_group", json!(null)), ("decimals", json!(null))] {
        assert_eq!(plain[field], usual, "{field}");
    }
    for field in ["objectives", "benchmarks", "targets"] {
        assert_eq!(plain[field], json!([]), "{field}");
    }
    app.post("/v1/indicators", indicator("plain", json!({}))).expect_problem(409, "already-exists");
    for nowhere in ["nope", "0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01", "a%20b"] {
        app.get(&format!("/v1/indicators/{nowhere}")).expect_problem(404, "not-found");
    }
}

fn changes_require_the_current_version(app: &App) {
    let address = "/v1/indicators/i";
    let body = |title: &str| indicator("i", json!({"title": title, "source": "S"}));
    let request = |method: &str, name: &str, tag: &str| app.request(method, address).header(name, tag);
    app.put(address, body("A")).expect_problem(412, "precondition-failed");
    let made = request("PUT", "if-none-match", "*").json(&body("A")).send().expect(201);
    assert_eq!(made.header("location"), Some(address));
    request("PUT", "if-none-match", "*").json(&body("A")).send().expect_problem(412, "precondition-failed");
    let seen = made.etag();
    assert_eq!(request("GET", "if-none-match", &seen).send().expect(304).body, b"");

    app.put_new(address, body("B")).expect_problem(428, "precondition-required");
    let same = request("PUT", "if-match", &seen).json(&body("A")).send().expect(200);
    assert_eq!((same.etag(), &same.json()["version"]), (seen.clone(), &json!(1)), "nothing has changed");
    let changed = request("PUT", "if-match", &seen).json(&indicator("i", json!({}))).send().expect(200);
    assert_eq!((&changed.json()["version"], &changed.json()["source"]), (&json!(2), &json!(null)));
    request("GET", "if-none-match", &seen).send().expect(200);
    for method in ["PUT", "PATCH"] {
        request(method, "if-match", &seen).json(&body("C")).send().expect_problem(412, "precondition-failed");
        app.request(method, address).json(&body("C")).send().expect_problem(428, "precondition-required");
    }
    request("DELETE", "if-match", &seen).send().expect_problem(412, "precondition-failed");
    app.request("DELETE", address).send().expect_problem(428, "precondition-required");
    assert_eq!(app.get(address).json(), changed.json());

    app.put(address, indicator("j", json!({}))).expect_errors(&["/key"]);
    app.put_new("/v1/indicators/k", indicator("j", json!({}))).expect_errors(&["/key"]);
    let nobody = "/v1/indicators/0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01";
    app.put_new(nobody, indicator("j", json!({}))).expect_problem(404, "not-found");
    request("DELETE", "if-match", &changed.etag()).send().expect(204);
    app.get(address).expect_problem(404, "not-found");
    app.delete(address).expect_problem(404, "not-found");
    // It is another indicator under the same key.
    let anew = app.put_new(address, indicator("i", json!({}))).expect(201);
    assert_ne!((anew.json()["id"].clone(), anew.etag()), (changed.json()["id"].clone(), seen));
}

fn a_patch_changes_only_the_fields_it_has(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let until_now = create(app, full());
    let address = "/v1/indicators/sygefravaer";
    let change = json!({"title": "Fravær", "source": null, "aggregation": "sum", "targets": [], "retired_on": null});
    let changed = app.patch(address, change.clone()).expect(200).json();
    let own = json!({"version": 2, "updated_at": changed["updated_at"]});
    assert_eq!(changed, with(with(until_now, change), own));
    assert_eq!(app.patch(address, json!({})).expect(200).json(), changed);
    app.patch(address, json!({"key": "other"})).expect_errors(&["/key"]);
    app.patch(address, json!({"frequency": null})).expect_errors(&["/frequency"]);
    app.patch(address, json!({"titel": null, "id": "x"})).expect_problem(422, "invalid-body");
    app.patch(address, json!({"objectives": ["plan/a/nope"]})).expect_errors(&["/objectives/0"]);
    assert_eq!(app.get(address).json(), changed);
    app.patch("/v1/indicators/nope", json!({})).expect_problem(404, "not-found");
}

fn lists_are_filtered_and_paged(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let told = |objectives: &[&str]| json!({"objectives": objectives});
    create(app, indicator("b", with(told(&["plan/a/o", "plan/a/p"]), json!({"title": "Åben dør"}))));
    create(app, indicator("a", with(told(&["next/a/o"]), json!({"frequency": "month", "source": "Ældre kilde"}))));
    create(app, indicator("d", json!({"method": "survey", "retired_on": "2020-01-01"})));
    create(
        app,
        indicator("c", with(told(&["plan/a/p"]), json!({"definition": "Hundrede % tålt", "retired_on": "2099-01-01"}))),
    );
    create(app, computed("e", json!({"frequency": "half_year"})));
    let plan = app.get("/v1/strategies/plan").json();
    let objective = |n: usize| text(&plan["focus_areas"][0]["objectives"][n]["id"]).to_owned();
    let (first, second, plan) = (objective(0), objective(1), text(&plan["id"]));
    for (query, keys) in [
        ("", vec!["a", "b", "c", "d", "e"]),
        ("strategy=plan", vec!["b", "c"]),
        (&format!("strategy={plan}"), vec!["b", "c"]),
        ("strategy=next", vec!["a"]),
        ("strategy=nope", vec![]),
        (&format!("objective={first}"), vec!["b"]),
        (&format!("objective={second}"), vec!["b", "c"]),
        ("method=survey", vec!["d"]),
        ("method=computed", vec!["e"]),
        ("frequency=month", vec!["a"]),
        ("frequency=year", vec!["b", "c", "d"]),
        ("retired=true", vec!["d"]),
        ("retired=false", vec!["a", "b", "c", "e"]),
        ("q=%C3%A5BEN%20d%C3%B8r", vec!["b"]),
        ("q=%C3%A6ldre", vec!["a"]),
        ("q=%25", vec!["c"]),
        ("q=d", vec!["a", "b", "c", "d"]),
        ("strategy=plan&retired=false&q=aben", vec!["b"]),
    ] {
        assert_eq!(app.keys(&format!("/v1/indicators?{query}")), keys, "{query}");
        assert_eq!(app.keys(&format!("/v1/indicators?{query}&limit=1")), keys, "{query}");
    }
    let page = app.get("/v1/indicators?limit=2&frequency=year").expect(200);
    let next = format!("</v1/indicators?limit=2&frequency=year&cursor={}>; rel=\"next\"", text(&page.json()["next"]));
    assert_eq!(page.header("link"), Some(next.as_str()));
    let request = app.request("GET", "/v1/indicators?limit=2&frequency=year").header("if-none-match", &page.etag());
    request.send().expect(304);
    for query in ["method=guess", "frequency=weekly", "retired=maybe", "objective=plan/a/o", "limit=201", "cursor=x"] {
        app.get(&format!("/v1/indicators?{query}")).expect_problem(400, "invalid-query");
    }
}

/// Sends a yearly indicator in percent with one benchmark and one target.
fn aim(app: &App, fields: Value, target: Value) -> Response {
    let compared = json!({"unit_of_measure": "%", "benchmarks": [{"key": "region", "name": "Regionen"}]});
    app.put("/v1/indicators/i", indicator("i", with(with(compared, fields), json!({"targets": [target]}))))
}

fn each_rule_has_its_own_parameters(app: &App) {
    app.import(&sample_municipality()).unwrap();
    create(app, indicator("i", json!({})));
    for taken in [
        json!({"rule": "at_least", "value": -1.5}),
        json!({"rule": "at_least", "value": 1e15, "baseline_period": "2023", "period": "2026", "unit": "school"}),
        json!({"rule": "at_most", "value": 0, "period": "2026-12"}),
        json!({"rule": "maintain", "value": 3}),
        json!({"rule": "maintain", "value": 3, "tolerance": 0.5}),
        json!({"rule": "more_than_period", "baseline_period": "2021", "period": "2023"}),
        json!({"rule": "less_than_period", "baseline_period": "2021"}),
        json!({"rule": "at_benchmark", "benchmark": "region", "tolerance": 1}),
        json!({"rule": "full_coverage", "period": "2026"}),
        json!({"rule": "pending", "decided_by": "2025-06-30", "period": "2026", "note": "Efter budgettet."}),
    ] {
        let is_monthly = taken["period"] == "2026-12";
        let frequency = json!({"frequency": if is_monthly { "month" } else { "year" }});
        aim(app, frequency, taken).expect(200);
    }
    let before = app.get("/v1/indicators/i").json();
    for (refused, fields) in [
        (json!({"rule": "at_least"}), vec!["value"]),
        (json!({"rule": "at_most", "value": null}), vec!["value"]),
        (json!({"rule": "at_most", "value": "3"}), vec!["value"]),
        (json!({"rule": "at_least", "value": 1.1e15}), vec!["value"]),
        (
            json!({"rule": "at_least", "value": 1, "tolerance": 1, "benchmark": "region"}),
            vec!["tolerance", "benchmark"],
        ),
        (json!({"rule": "at_most", "value": 1, "decided_by": "2025-06-30"}), vec!["decided_by"]),
        (json!({"rule": "maintain", "tolerance": 1}), vec!["value"]),
        (json!({"rule": "maintain", "value": 1, "tolerance": -0.1}), vec!["tolerance"]),
        (json!({"rule": "more_than_period"}), vec!["baseline_period"]),
        (json!({"rule": "less_than_period", "baseline_period": "2021", "value": 1}), vec!["value"]),
        (json!({"rule": "more_than_period", "baseline_period": "2021", "period": "2021"}), vec!["period"]),
        (json!({"rule": "less_than_period", "baseline_period": "2021", "period": "2020"}), vec!["period"]),
        (json!({"rule": "more_than_period", "baseline_period": "2021-H1"}), vec!["baseline_period"]),
        (json!({"rule": "at_benchmark"}), vec!["benchmark"]),
        (json!({"rule": "at_benchmark", "benchmark": "landet"}), vec!["benchmark"]),
        (json!({"rule": "at_benchmark", "benchmark": "region", "value": 3}), vec!["value"]),
        (json!({"rule": "full_coverage", "value": 100}), vec!["value"]),
        (json!({"rule": "pending", "value": 1, "baseline_period": "2021"}), vec!["value", "baseline_period"]),
        (json!({"rule": "at_least", "value": 1, "period": "2026-H1"}), vec!["period"]),
        (json!({"rule": "at_least", "value": 1, "period": "efterår 2026"}), vec!["period"]),
        (json!({"rule": "at_least", "value": 1, "unit": "nope"}), vec!["unit"]),
        (json!({"rule": "at_least", "value": 1, "note": " "}), vec!["note"]),
        (json!({"rule": "better", "value": 1}), vec!["rule"]),
        (json!({"value": 1}), vec!["rule"]),
        (json!({"rule": "at_least", "value": 1, "goal": 1}), vec!["goal"]),
    ] {
        let pointers: Vec<String> = fields.iter().map(|field| format!("/targets/0/{field}")).collect();
        let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
        aim(app, json!({}), refused).expect_errors(&pointers);
    }
    aim(app, json!({"unit_of_measure": "dage"}), json!({"rule": "full_coverage"})).expect_errors(&["/targets/0/rule"]);
    assert_eq!(app.get("/v1/indicators/i").json(), before);
}

fn all_errors_of_targets_are_answered_together(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let targets = json!([
        {"rule": "at_least"},
        {"rule": "full_coverage", "unit": "nope"},
        {"rule": "more_than_period", "baseline_period": "2024-01", "period": "2026-01"},
        {"rule": "at_benchmark", "benchmark": "nope", "decided_by": "2025-06-30"},
    ]);
    let benchmarks = json!([{"key": "b", "name": "B"}, {"key": "b", "name": "B"}]);
    let objectives = json!(["plan/a/nope", "plan/a/o", "plan/a/o"]);
    let body = json!({"targets": targets, "benchmarks": benchmarks, "objectives": objectives, "coverage_level": "top"});
    app.post("/v1/indicators", indicator("i", body)).expect_errors(&[
        "/coverage_level",
        "/objectives/0",
        "/objectives/2",
        "/benchmarks/1/key",
        "/targets/0/value",
        "/targets/1/rule",
        "/targets/1/unit",
        "/targets/2/baseline_period",
        "/targets/2/period",
        "/targets/3/benchmark",
        "/targets/3/decided_by",
    ]);
    assert_eq!(app.keys("/v1/indicators"), [""; 0]);
}

fn a_computed_indicator_names_its_action_and_level(app: &App) {
    app.import(&sample_municipality()).unwrap();
    // Its values are percentages, whatever its unit of measure says.
    create(app, computed("i", json!({"frequency": "biennium", "targets": [{"rule": "full_coverage"}]})));
    app.patch("/v1/indicators/i", json!({"targets": []})).expect(200);
    for (fields, errors) in [
        (json!({"coverage_of": null}), vec!["/coverage_of"]),
        (json!({"coverage_level": null}), vec!["/coverage_level"]),
        (json!({"coverage_of": null, "coverage_level": null}), vec!["/coverage_of", "/coverage_level"]),
        (json!({"method": "register"}), vec!["/coverage_of", "/coverage_level"]),
        (json!({"method": "register", "coverage_of": null}), vec!["/coverage_level"]),
        (json!({"min_group": 5}), vec!["/min_group"]),
        (json!({"aggregation": "sum"}), vec!["/aggregation"]),
        (json!({"aggregation": "mean", "frequency": "once"}), vec!["/aggregation", "/frequency"]),
        (json!({"coverage_of": "plan/a/nope", "coverage_level": "nope"}), vec!["/coverage_of", "/coverage_level"]),
    ] {
        app.post("/v1/indicators", computed("j", fields.clone())).expect_errors(&errors);
        app.patch("/v1/indicators/i", fields).expect_errors(&errors);
    }
    let measured = json!({"method": "manual", "coverage_of": null, "coverage_level": null});
    app.patch("/v1/indicators/i", measured).expect(200);
    measure(app, "i", json!([{"period": "2024", "value": 1}]));
    let back = json!({"method": "computed", "coverage_of": "plan/a/once", "coverage_level": "top"});
    app.patch("/v1/indicators/i", back).expect_errors(&["/method"]);
}

fn fields_have_bounds(app: &App) {
    let many = |one: Value| vec![one; 101];
    let longest = "é".repeat(300);
    for (fields, errors) in [
        (json!({"key": "Sygefravær"}), vec!["/key"]),
        (json!({"title": " "}), vec!["/title"]),
        (json!({"title": format!("{longest}x")}), vec!["/title"]),
        (json!({"definition": "å".repeat(20_001)}), vec!["/definition"]),
        (json!({"definition_url": "http://intranet.testby.dk"}), vec!["/definition_url"]),
        (json!({"definition_url": "javascript:alert(1)"}), vec!["/definition_url"]),
        (json!({"unit_of_measure": ""}), vec!["/unit_of_measure"]),
        (json!({"direction": "up", "frequency": "weekly"}), vec!["/direction", "/frequency"]),
        (json!({"method": null, "aggregation": "max"}), vec!["/method", "/aggregation"]),
        (json!({"decimals": 7}), vec!["/decimals"]),
        (json!({"decimals": -1}), vec!["/decimals"]),
        (json!({"decimals": 1.5}), vec!["/decimals"]),
        (json!({"min_group": 0}), vec!["/min_group"]),
        (json!({"min_group": 1_000_001}), vec!["/min_group"]),
        (json!({"objectives": "plan/a/o"}), vec!["/objectives"]),
        (json!({"objectives": many(json!("plan/a/o"))}), vec!["/objectives"]),
        (json!({"benchmarks": [{"key": "b"}, {"name": "B"}]}), vec!["/benchmarks/0/name", "/benchmarks/1/key"]),
        (json!({"benchmarks": many(json!({"key": "b", "name": "B"}))}), vec!["/benchmarks"]),
        (json!({"targets": many(json!({"rule": "pending"}))}), vec!["/targets"]),
        (json!({"retired_on": "2024-02-30"}), vec!["/retired_on"]),
        (json!({"values": [], "version": 1}), vec!["/values", "/version"]),
    ] {
        app.post("/v1/indicators", indicator("i", fields)).expect_errors(&errors);
    }
    app.post("/v1/indicators", json!({})).expect_errors(&["/key", "/title", "/direction", "/frequency", "/method"]);
    assert_eq!(app.keys("/v1/indicators"), [""; 0]);
    create(app, indicator("i", json!({"title": longest, "decimals": 6, "min_group": 1_000_000})));
}

fn scopes_separate_definitions_from_values(app: &App) {
    create(app, indicator("i", json!({"benchmarks": [{"key": "region", "name": "Regionen"}]})));
    let values = json!({"values": [{"period": "2024", "value": 1}]});
    let send = |scope: &str, request: Request<'_>| request.token(&app.token(scope)).send().status;
    let (reading, replaced) =
        (["", "/i", "/i/values", "/i/verdicts", "/i/benchmarks/region/values"], "/i/replaced-values");
    let scopes = ["med.progress", "med.read", "med.report", "med.edit", "med.measure", "med.hr", "med.audit"];
    for scope in scopes {
        let status = |is_allowed: bool, status: u16| if is_allowed { status } else { 403 };
        let (reads, measures) = (["med.read", "med.measure"].contains(&scope), scope == "med.measure");
        for part in reading {
            let read = app.request("GET", &format!("/v1/indicators{part}"));
            assert_eq!(send(scope, read), status(reads, 200), "{scope} {part}");
        }
        assert_eq!(send(scope, app.request("GET", "/v1/values")), status(reads, 200), "{scope}");
        let read = app.request("GET", &format!("/v1/indicators{replaced}"));
        assert_eq!(send(scope, read), status(measures, 200), "{scope}");
        for part in ["/i/values", "/i/benchmarks/region/values"] {
            let write = app.request("PUT", &format!("/v1/indicators{part}")).json(&values);
            assert_eq!(send(scope, write), status(measures, 200), "{scope} {part}");
        }
        let edits = scope == "med.edit";
        let write = |method: &str, part: &str| app.request(method, &format!("/v1/indicators{part}"));
        let create = write("POST", "").json(&indicator("j", json!({})));
        assert_eq!(send(scope, create), status(edits, 201), "{scope}");
        let replace = write("PUT", "/i").header("if-match", "*").json(&app.get("/v1/indicators/i").json());
        assert_eq!(send(scope, replace), status(edits, 200), "{scope}: what GET answered is sent back");
        let change = write("PATCH", "/i").header("if-match", "*").json(&json!({}));
        assert_eq!(send(scope, change), status(edits, 200), "{scope}");
        let delete = write("DELETE", "/j").header("if-match", "*");
        assert_eq!(send(scope, delete), status(edits, 204), "{scope}");
    }
}
