//! Units: the tree of the organisation.

use serde_json::json;

use crate::harness::App;

crate::tests![
    units_form_a_tree,
    a_unit_can_not_be_its_own_ancestor,
    a_unit_in_use_ends_instead_of_being_deleted,
    filters_select_units,
    rows_managed_by_hr_are_changed_by_hr_only,
];

fn unit(key: &str, parent: Option<&str>) -> serde_json::Value {
    json!({"key": key, "name": key, "kind": "centre", "parent": parent})
}

fn units_form_a_tree(app: &App) {
    let top = app.post("/v1/units", unit("Center.1", None)).expect(201).json();
    let below = app.post("/v1/units", unit("skole_a", Some("Center.1"))).expect(201).json();
    assert_eq!(below["parent"], "Center.1");
    let by_id = json!({"parent": top["id"]});
    assert_eq!(app.patch("/v1/units/skole_a", by_id).expect(200).json()["version"], 1, "the same parent, by UUID");
    app.post("/v1/units", unit("x", Some("nowhere"))).expect_errors(&["/parent"]);
    app.post("/v1/units", unit("x", Some("a/b"))).expect_errors(&["/parent"]);
    assert_eq!(app.keys("/v1/units?parent=Center.1"), ["skole_a"]);
    assert_eq!(app.keys(&format!("/v1/units?parent={}", top["id"].as_str().unwrap())), ["skole_a"]);
}

fn a_unit_can_not_be_its_own_ancestor(app: &App) {
    for (key, parent) in [("a", None), ("b", Some("a")), ("c", Some("b"))] {
        app.post("/v1/units", unit(key, parent)).expect(201);
    }
    let before = app.changes();
    app.patch("/v1/units/a", json!({"parent": "a"})).expect_errors(&["/parent"]);
    app.patch("/v1/units/a", json!({"parent": "c"})).expect_errors(&["/parent"]);
    app.post("/v1/units", unit("d", Some("d"))).expect_errors(&["/parent"]);
    assert_eq!(app.changes(), before);
    app.patch("/v1/units/c", json!({"parent": "a"})).expect(200);
}

fn a_unit_in_use_ends_instead_of_being_deleted(app: &App) {
    app.post("/v1/units", unit("a", None)).expect(201);
    app.post("/v1/units", unit("b", Some("a"))).expect(201);
    let refusal = app.delete("/v1/units/a").expect_problem(409, "in-use").json();
    assert!(refusal["errors"][0]["detail"].as_str().unwrap().contains("unit 'b'"));
    app.patch("/v1/units/a", json!({"starts_on": "2020-01-01", "ends_on": "2024-12-31"})).expect(200);
    app.patch("/v1/units/a", json!({"ends_on": "2019-12-31"})).expect_errors(&["/ends_on"]);
    let last = app.list("/v1/changes").pop().unwrap();
    assert_eq!((&last["operation"], &last["after"]["ends_on"]), (&json!("ended"), &json!("2024-12-31")));
    for (day, there) in [("2019-12-31", false), ("2020-01-01", true), ("2024-12-31", true), ("2025-01-01", false)] {
        assert_eq!(app.keys(&format!("/v1/units?on={day}")).contains(&"a".to_owned()), there, "{day}");
    }
}

fn filters_select_units(app: &App) {
    app.post("/v1/units", json!({"key": "a", "name": "Skolen", "kind": "workplace", "headcount": 0})).expect(201);
    app.post("/v1/units", json!({"key": "b", "name": "Huset", "kind": "other"})).expect(201);
    assert_eq!(app.keys("/v1/units?kind=workplace"), ["a"]);
    assert_eq!(app.keys("/v1/units?q=hus"), ["b"]);
    assert_eq!(app.keys("/v1/units?q=hus&kind=workplace"), [""; 0]);
    assert_eq!(app.get("/v1/units/a").json()["headcount"], 0);
    app.post("/v1/units", json!({"key": "c", "name": "C", "kind": "other", "headcount": -1}))
        .expect_errors(&["/headcount"]);
}

fn rows_managed_by_hr_are_changed_by_hr_only(app: &App) {
    let (editor, hr) = (app.token("med.edit"), app.token("med.hr"));
    let body = json!({"key": "h", "name": "H", "kind": "other", "managed_by": "hr"});
    let send = |method: &str, path: &str, token: &str, body: &serde_json::Value| {
        app.request(method, path).token(token).header("if-match", "*").json(body).send()
    };
    let create = |token: &str| app.request("POST", "/v1/units").token(token).json(&body).send();
    create(&editor).expect_problem(403, "insufficient-scope");
    create(&hr).expect(201);
    send("PATCH", "/v1/units/h", &editor, &json!({"name": "X"})).expect_problem(403, "insufficient-scope");
    send("PATCH", "/v1/units/h", &editor, &json!({"managed_by": "editor"})).expect_problem(403, "insufficient-scope");
    let taken = json!({"key": "h", "name": "X", "kind": "other"});
    send("PUT", "/v1/units/h", &editor, &taken).expect_problem(403, "insufficient-scope");
    send("DELETE", "/v1/units/h", &editor, &json!({})).expect_problem(403, "insufficient-scope");
    assert_eq!(app.get("/v1/units/h").json()["version"], 1);
    send("PATCH", "/v1/units/h", &hr, &json!({"managed_by": "editor"})).expect(200);
    send("PATCH", "/v1/units/h", &editor, &json!({"name": "X"})).expect(200);
    send("PATCH", "/v1/units/h", &editor, &json!({"managed_by": "hr"})).expect_problem(403, "insufficient-scope");
}
