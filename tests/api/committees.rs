//! Committees and their tree.

use serde_json::{Value, json};

use crate::harness::App;

crate::tests![
    committees_have_levels_parents_and_units,
    a_committee_is_not_below_itself,
    only_work_groups_have_no_level,
    filters_select_committees,
    the_order_of_units_is_kept,
    a_committee_in_use_is_not_deleted,
];

fn tree(app: &App) {
    for (key, rank) in [("hoved", 1), ("center", 2), ("lokal", 3)] {
        app.post("/v1/levels", json!({"key": key, "name": key, "rank": rank})).expect(201);
    }
    for key in ["u1", "u2", "u3"] {
        app.post("/v1/units", json!({"key": key, "name": key, "kind": "workplace"})).expect(201);
    }
    for (key, level, parent, units) in [
        ("h", "hoved", None, json!([])),
        ("c1", "center", Some("h"), json!(["u1", "u2"])),
        ("c2", "center", Some("h"), json!(["u3"])),
        ("l1", "lokal", Some("c1"), json!(["u2"])),
    ] {
        let body = json!({"key": key, "name": format!("Udvalg {key}"), "level": level, "parent": parent,
            "form": "committee", "units": units});
        app.post("/v1/committees", body).expect(201);
    }
}

fn committees_have_levels_parents_and_units(app: &App) {
    tree(app);
    let committee = app.get("/v1/committees/l1").expect(200).json();
    assert_eq!((&committee["level"], &committee["parent"]), (&json!("lokal"), &json!("c1")));
    assert_eq!(committee["units"], json!(["u2"]));
    let wrong = json!({"key": "x", "name": "X", "level": "nope", "parent": "nope", "form": "committee",
        "units": ["u1", "nope", "u1"]});
    app.post("/v1/committees", wrong).expect_errors(&["/level", "/parent", "/units/1", "/units/2"]);
}

fn a_committee_is_not_below_itself(app: &App) {
    tree(app);
    app.patch("/v1/committees/h", json!({"parent": "l1"})).expect_errors(&["/parent"]);
    app.patch("/v1/committees/h", json!({"parent": "h"})).expect_errors(&["/parent"]);
    app.patch("/v1/committees/l1", json!({"parent": "c2"})).expect(200);
}

fn only_work_groups_have_no_level(app: &App) {
    tree(app);
    let group = json!({"key": "g", "name": "G", "form": "work_group", "parent": "h", "mandate": "Kortlæg skærmbrug."});
    app.post("/v1/committees", group).expect(201);
    app.patch("/v1/committees/g", json!({"level": "lokal"})).expect_errors(&["/level"]);
    app.patch("/v1/committees/l1", json!({"level": null})).expect_errors(&["/level"]);
    app.patch("/v1/committees/l1", json!({"form": "staff_meeting"})).expect(200);
    app.patch("/v1/committees/l1", json!({"form": "work_group", "level": null})).expect(200);
}

fn filters_select_committees(app: &App) {
    tree(app);
    app.patch("/v1/committees/c2", json!({"ends_on": "2024-06-30"})).expect(200);
    let id = |key: &str| app.get(&format!("/v1/committees/{key}")).json()["id"].as_str().unwrap().to_owned();
    let (h, c1) = (id("h"), id("c1"));
    let level = app.get("/v1/levels/center").json()["id"].as_str().unwrap().to_owned();
    let unit = app.get("/v1/units/u2").json()["id"].as_str().unwrap().to_owned();
    for (query, found) in [
        ("level=center".to_owned(), vec!["c1", "c2"]),
        (format!("level={level}"), vec!["c1", "c2"]),
        ("parent=h".into(), vec!["c1", "c2"]),
        (format!("parent={c1}"), vec!["l1"]),
        ("ancestor=h".into(), vec!["c1", "c2", "l1"]),
        (format!("ancestor={h}"), vec!["c1", "c2", "l1"]),
        ("ancestor=l1".into(), vec![]),
        ("ancestor=nope".into(), vec![]),
        ("unit=u2".into(), vec!["c1", "l1"]),
        (format!("unit={unit}"), vec!["c1", "l1"]),
        ("form=staff_meeting".into(), vec![]),
        ("on=2024-07-01&level=center".into(), vec!["c1"]),
        ("q=UDVALG%20c".into(), vec!["c1", "c2"]),
    ] {
        assert_eq!(app.keys(&format!("/v1/committees?{query}")), found, "{query}");
        assert_eq!(app.keys(&format!("/v1/committees?{query}&limit=1")), found, "{query}");
    }
}

fn the_order_of_units_is_kept(app: &App) {
    tree(app);
    let units = |app: &App| app.get("/v1/committees/c1").json()["units"].clone();
    for order in [json!(["u3", "u1", "u2"]), json!(["u1", "u2", "u3"]), json!([])] {
        app.patch("/v1/committees/c1", json!({"units": order})).expect(200);
        assert_eq!(units(app), order);
    }
    app.patch("/v1/committees/c1", json!({"units": null})).expect(200);
    assert_eq!(units(app), json!([]));
}

fn a_committee_in_use_is_not_deleted(app: &App) {
    tree(app);
    app.post(
        "/v1/strategies",
        json!({
            "key": "s", "title": "S", "kind": "plan", "status": "adopted", "adopted_by": "h",
            "focus_areas": [{"key": "a", "title": "A", "actions": [
                {"key": "x", "title": "X", "kind": "other", "audience": [{"role": "responsible", "committee": "l1"},
                    {"role": "receives", "unit": "u1"}]},
            ]}],
        }),
    )
    .expect(201);
    let details = |path: &str| -> Vec<String> {
        let problem = app.delete(path).expect_problem(409, "in-use").json();
        let errors: Vec<Value> = problem["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| error["detail"].as_str().unwrap().replace("is referred to by the ", "")).collect()
    };
    assert_eq!(details("/v1/committees/h"), ["committee 'c1'", "committee 'c2'", "strategy 's'"]);
    assert_eq!(details("/v1/committees/l1"), ["action 's/a/x'"]);
    assert_eq!(details("/v1/units/u1"), ["committee 'c1'", "action 's/a/x'"]);
    app.delete("/v1/committees/c2").expect(204);
}
