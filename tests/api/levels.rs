//! Levels, and the behaviour that all single rows share.

use serde_json::json;

use crate::harness::App;

crate::tests![
    a_level_is_created_changed_and_deleted,
    put_creates_and_replaces,
    a_stale_change_is_refused,
    a_change_needs_a_precondition,
    patch_clears_with_null_and_keeps_what_is_absent,
    keys_never_change,
    an_unchanged_row_keeps_its_version,
    levels_are_ordered_from_the_top,
    a_level_in_use_is_not_deleted,
    a_recreated_row_has_another_etag,
];

fn top() -> serde_json::Value {
    json!({"key": "hoved", "name": "Hoved-MED", "rank": 1})
}

fn a_level_is_created_changed_and_deleted(app: &App) {
    let created = app.post("/v1/levels", top()).expect(201);
    assert_eq!(created.header("location"), Some("/v1/levels/hoved"));
    let level = created.json();
    assert_eq!((&level["version"], &level["staff_meeting_below"]), (&json!(1), &json!(null)));
    assert_eq!(level["created_at"], level["updated_at"]);
    let id = level["id"].as_str().unwrap();
    assert_eq!(app.get("/v1/levels/hoved").expect(200).json(), level);
    assert_eq!(app.get(&format!("/v1/levels/{id}")).expect(200).json(), level);
    assert_eq!(app.get(&format!("/v1/levels/{}", id.to_uppercase())).expect(200).json(), level);

    let changed = app.patch("/v1/levels/hoved", json!({"name": "Hovedudvalget"})).expect(200).json();
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Hovedudvalget"), &json!(2)));
    assert!(changed["updated_at"].as_str() > level["updated_at"].as_str());
    assert_eq!(changed["created_at"], level["created_at"]);

    app.post("/v1/levels", top()).expect_problem(409, "already-exists");
    app.delete("/v1/levels/hoved").expect(204);
    app.get("/v1/levels/hoved").expect_problem(404, "not-found");
    app.delete("/v1/levels/hoved").expect_problem(404, "not-found");

    let changes = app.list("/v1/changes");
    let told: Vec<_> = changes
        .iter()
        .filter(|change| change["entity_id"] == level["id"])
        .map(|change| (change["operation"].as_str().unwrap(), &change["before"]["name"], &change["after"]["name"]))
        .collect();
    let (old, new, none) = (&json!("Hoved-MED"), &json!("Hovedudvalget"), &json!(null));
    assert_eq!(told, [("created", none, old), ("updated", old, new), ("deleted", new, none)]);
    assert!(changes.iter().all(|change| change["subject"] == "tester" || change["subject"] == "test"));
}

fn put_creates_and_replaces(app: &App) {
    let full = json!({"key": "lokal", "name": "Lokal-MED", "rank": 3, "staff_meeting_below": 20});
    let created = app.put_new("/v1/levels/lokal", full.clone()).expect(201);
    assert_eq!(created.header("location"), Some("/v1/levels/lokal"));
    app.put_new("/v1/levels/lokal", full.clone()).expect_problem(428, "precondition-required");
    let less = json!({"key": "lokal", "name": "Lokal-MED", "rank": 3});
    let replaced = app.put("/v1/levels/lokal", less).expect(200).json();
    assert_eq!(replaced["staff_meeting_below"], json!(null), "what PUT leaves out gets its default");
    assert_eq!(replaced["id"], created.json()["id"]);

    let fresh = json!({"key": "ny", "name": "Ny", "rank": 4});
    app.put("/v1/levels/ny", fresh.clone()).expect_problem(412, "precondition-failed");
    let only_new = |path| app.request("PUT", path).header("if-none-match", "*").json(&fresh).send();
    only_new("/v1/levels/ny").expect(201);
    only_new("/v1/levels/ny").expect_problem(412, "precondition-failed");
    app.put_new("/v1/levels/anden", fresh.clone()).expect_errors(&["/key"]);
    app.put_new("/v1/levels/0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01", fresh).expect_problem(404, "not-found");
}

fn a_stale_change_is_refused(app: &App) {
    let seen = app.post("/v1/levels", top()).expect(201).etag();
    let change = |tag: &str, name: &str| {
        app.request("PATCH", "/v1/levels/hoved").header("if-match", tag).json(&json!({"name": name})).send()
    };
    let first = change(&seen, "Et").expect(200);
    change(&seen, "To").expect_problem(412, "precondition-failed");
    assert_eq!(app.get("/v1/levels/hoved").json()["name"], "Et");
    change(&format!("W/{}", first.etag()), "Tre").expect(200);
    change("\"1\", \"3\"", "Fire").expect(200);
    change("4", "Fem").expect_problem(400, "bad-request");
    app.request("DELETE", "/v1/levels/hoved")
        .header("if-match", &seen)
        .send()
        .expect_problem(412, "precondition-failed");
}

fn a_change_needs_a_precondition(app: &App) {
    app.post("/v1/levels", top()).expect(201);
    app.request("PATCH", "/v1/levels/hoved")
        .json(&json!({"name": "X"}))
        .send()
        .expect_problem(428, "precondition-required");
    app.request("DELETE", "/v1/levels/hoved").send().expect_problem(428, "precondition-required");
    assert_eq!(app.get("/v1/levels/hoved").json()["version"], 1);
}

fn patch_clears_with_null_and_keeps_what_is_absent(app: &App) {
    app.post("/v1/levels", json!({"key": "l", "name": "L", "rank": 2, "staff_meeting_below": 20})).expect(201);
    let kept = app.patch("/v1/levels/l", json!({"rank": 3})).expect(200).json();
    assert_eq!((&kept["rank"], &kept["staff_meeting_below"]), (&json!(3), &json!(20)));
    let cleared = app.patch("/v1/levels/l", json!({"staff_meeting_below": null})).expect(200).json();
    assert_eq!(cleared["staff_meeting_below"], json!(null));
    app.patch("/v1/levels/l", json!({"name": null})).expect_errors(&["/name"]);
    app.patch("/v1/levels/l", json!({"nmae": null, "navn": "x"})).expect_errors(&["/nmae"]);
    app.patch("/v1/levels/l", json!(["rank"])).expect_errors(&[""]);
}

fn keys_never_change(app: &App) {
    app.post("/v1/levels", top()).expect(201);
    app.patch("/v1/levels/hoved", json!({"key": "andet"})).expect_errors(&["/key"]);
    app.patch("/v1/levels/hoved", json!({"key": "hoved", "rank": 2})).expect(200);
    app.put("/v1/levels/hoved", json!({"key": "andet", "name": "A", "rank": 1})).expect_errors(&["/key"]);
}

fn an_unchanged_row_keeps_its_version(app: &App) {
    app.post("/v1/levels", top()).expect(201);
    let before = app.changes();
    assert_eq!(app.put("/v1/levels/hoved", top()).expect(200).json()["version"], 1);
    assert_eq!(app.patch("/v1/levels/hoved", json!({})).expect(200).json()["version"], 1);
    assert_eq!(app.changes(), before);
}

fn levels_are_ordered_from_the_top(app: &App) {
    for (key, rank) in [("c", 3), ("a", 2), ("b", 2), ("z", 1)] {
        app.post("/v1/levels", json!({"key": key, "name": key, "rank": rank})).expect(201);
    }
    assert_eq!(app.keys("/v1/levels"), ["z", "a", "b", "c"]);
    assert_eq!(app.keys("/v1/levels?limit=1"), ["z", "a", "b", "c"]);
}

fn a_level_in_use_is_not_deleted(app: &App) {
    app.post("/v1/levels", top()).expect(201);
    app.post("/v1/committees", json!({"key": "hmed", "name": "HMED", "level": "hoved", "form": "committee"}))
        .expect(201);
    let refusal = app.delete("/v1/levels/hoved").expect_problem(409, "in-use");
    assert!(refusal.json()["errors"][0]["detail"].as_str().unwrap().contains("committee 'hmed'"));
    app.delete("/v1/committees/hmed").expect(204);
    app.delete("/v1/levels/hoved").expect(204);
}

fn a_recreated_row_has_another_etag(app: &App) {
    let seen = app.post("/v1/levels", top()).expect(201).etag();
    app.delete("/v1/levels/hoved").expect(204);
    app.post("/v1/levels", json!({"key": "hoved", "name": "Andet", "rank": 1})).expect(201);
    app.request("GET", "/v1/levels/hoved").header("if-none-match", &seen).send().expect(200);
    let change = app.request("PATCH", "/v1/levels/hoved").header("if-match", &seen).json(&json!({"rank": 2}));
    change.send().expect_problem(412, "precondition-failed");
    let by_number = app.request("PATCH", "/v1/levels/hoved").header("if-match", "\"1\"").json(&json!({"rank": 2}));
    by_number.send().expect(200);
}
