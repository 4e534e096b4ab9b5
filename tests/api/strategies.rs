//! Strategies: whole trees, and single parts.

use serde_json::{Value, json};

use crate::harness::App;

crate::tests![
    a_tree_is_answered_as_it_was_written,
    putting_a_tree_matches_parts_by_key,
    a_change_of_a_part_raises_the_tree,
    parts_are_created_changed_and_deleted,
    counterparts_are_answered_on_both_sides,
    references_may_point_forward,
    rules_across_the_tree_are_checked,
    referenced_parts_are_not_removed,
    parts_referenced_by_siblings_are_not_deleted,
    the_number_of_parts_is_limited,
    error_pointers_are_relative_to_the_body,
    siblings_keep_their_versions,
    a_strategy_with_successors_is_not_deleted,
    filters_select_strategies,
    filters_select_actions,
    parts_keep_the_order_of_the_array,
];

/// A strategy with the given focus areas.
fn strategy(key: &str, areas: Value) -> Value {
    json!({"key": key, "title": key, "kind": "plan", "status": "adopted", "starts_on": "2025-01-01",
        "ends_on": "2026-12-31", "focus_areas": areas})
}

fn objective(key: &str) -> Value {
    json!({"key": key, "kind": "goal", "text": key})
}

fn action(key: &str) -> Value {
    json!({"key": key, "title": key, "kind": "other"})
}

fn two_areas() -> Value {
    strategy(
        "s",
        json!([
            {"key": "a", "title": "A", "objectives": [objective("o1"), objective("o2")], "actions": [action("x"),
                action("y")]},
            {"key": "b", "title": "B", "objectives": [objective("o1")], "actions": [action("x")]},
        ]),
    )
}

fn organisation(app: &App) {
    app.post("/v1/levels", json!({"key": "lokal", "name": "Lokal", "rank": 1})).expect(201);
    app.post("/v1/units", json!({"key": "stab", "name": "Stab", "kind": "administration"})).expect(201);
    let committee = json!({"key": "hoved", "name": "Hoved", "level": "lokal", "form": "committee"});
    app.post("/v1/committees", committee).expect(201);
}

fn a_tree_is_answered_as_it_was_written(app: &App) {
    organisation(app);
    let wanted = json!({
        "key": "plan", "title": "Plan", "headline": "Æblegrød på Øen", "kind": "plan", "status": "draft",
        "starts_on": "2025-01-01", "ends_on": "2026-12-31", "period_note": "to år", "adopted_by": "hoved",
        "adopted_in": "2024-H2", "adopted_note": "efterår", "vision": "V", "purpose": "P", "background": "B\n\nB2",
        "legal_basis": "L", "review_note": "R", "source": {"name": "plan.pdf", "note": "s. 4"},
        "explainers": [{"title": "Hvad?", "body": "Det."}],
        "focus_areas": [{
            "key": "a", "number": "1", "title": "A", "subtitle": "a", "vision": "va", "context": "ca",
                "follow_up": "fa",
            "explainers": [{"title": "E", "body": "e"}],
            "objectives": [{"key": "o", "kind": "sub_goal", "text": "O", "evidence": "tal"}],
            "actions": [{
                "key": "x", "number": "1", "title": "X", "text": "gør x", "kind": "survey",
                "audience": [
                    {"role": "responsible", "level": "lokal"}, {"role": "accountable", "committee": "hoved"},
                    {"role": "qualifies", "unit": "stab"}, {"role": "receives", "committee": "hoved"},
                ],
                "recurrence": "P6M", "starts_on": "2025-02-01", "due_on": "2025-12-31", "invites_local": true,
                "cancelled_on": "2025-06-30", "cancelled_reason": "udgik",
                "milestones": [{"title": "M", "due_on": "2025-03-01", "done_on": "2025-03-02"}, {"title": "N"}],
            }],
        }],
    });
    let created = app.post("/v1/strategies", wanted.clone()).expect(201);
    assert_eq!(created.header("location"), Some("/v1/strategies/plan"));
    let tree = created.json();
    assert_contains(&tree, &wanted);
    assert_eq!(tree["focus_areas"][0]["path"], "plan/a");
    assert_eq!(tree["focus_areas"][0]["actions"][0]["path"], "plan/a/x");
    assert_eq!(app.get("/v1/strategies/plan").json(), tree);
    // Sending the answer back changes nothing.
    let before = app.changes();
    let again = app.put("/v1/strategies/plan", wanted).expect(200).json();
    assert_eq!(again, tree);
    assert_eq!(app.changes(), before);
}

/// Requires that `whole` contains every member of `part`.
fn assert_contains(whole: &Value, part: &Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().for_each(|(name, value)| assert_contains(&whole[name], value));
        }
        (Value::Array(whole), Value::Array(part)) => {
            assert_eq!(whole.len(), part.len());
            whole.iter().zip(part).for_each(|(whole, part)| assert_contains(whole, part));
        }
        _ => assert_eq!(whole, part),
    }
}

fn id_of<'v>(tree: &'v Value, pointer: &str) -> &'v str {
    tree.pointer(pointer).unwrap()["id"].as_str().unwrap()
}

fn putting_a_tree_matches_parts_by_key(app: &App) {
    let before = app.post("/v1/strategies", two_areas()).expect(201).json();
    let mut wanted = two_areas();
    wanted["focus_areas"][0]["objectives"] = json!([objective("ny"), objective("o2")]);
    wanted["focus_areas"][0]["actions"][1]["title"] = json!("Y2");
    wanted["focus_areas"][1] = json!({"key": "c", "title": "C"});
    let after = app.put("/v1/strategies/s", wanted).expect(200).json();
    assert_eq!(after["version"], 2);
    let area = |tree: &Value, n: usize| tree["focus_areas"][n].clone();
    assert_eq!(area(&after, 0)["id"], area(&before, 0)["id"]);
    assert_eq!(area(&after, 0)["version"], 2);
    assert_eq!(id_of(&after, "/focus_areas/0/objectives/1"), id_of(&before, "/focus_areas/0/objectives/1"));
    assert_eq!(area(&after, 0)["actions"][0]["version"], 1, "what did not change keeps its version");
    assert_eq!(area(&after, 0)["actions"][1]["version"], 2);
    assert_eq!(area(&after, 1)["key"], "c");
    app.get(&format!("/v1/focus-areas/{}", id_of(&before, "/focus_areas/1"))).expect(404);
    app.get(&format!("/v1/objectives/{}", id_of(&before, "/focus_areas/0/objectives/0"))).expect(404);
    app.get(&format!("/v1/actions/{}", id_of(&before, "/focus_areas/1/actions/0"))).expect(404);
    let log = app.list("/v1/changes?limit=200");
    let told = |operation: &str, entity: &str| {
        log.iter().filter(|change| change["operation"] == operation && change["entity"] == entity).count()
    };
    assert_eq!((told("deleted", "focus_area"), told("deleted", "objective"), told("deleted", "action")), (1, 2, 1));
    assert_eq!((told("created", "focus_area"), told("created", "objective")), (3, 4));
    assert_eq!(told("updated", "action"), 1);
    assert_eq!(told("updated", "strategy"), 0, "its own fields did not change");
}

fn a_change_of_a_part_raises_the_tree(app: &App) {
    let tree = app.post("/v1/strategies", two_areas()).expect(201).json();
    let path = format!("/v1/objectives/{}", id_of(&tree, "/focus_areas/1/objectives/0"));
    let seen = app.get("/v1/strategies/s").etag();
    app.patch(&path, json!({"text": "Andet"})).expect(200);
    let versions = |tree: Value| {
        let area = |n: usize| tree["focus_areas"][n]["version"].clone();
        (tree["version"].clone(), area(0), area(1))
    };
    assert_eq!(versions(app.get("/v1/strategies/s").json()), (json!(2), json!(1), json!(2)));
    let stale = app.request("PUT", "/v1/strategies/s").header("if-match", &seen).json(&two_areas()).send();
    stale.expect_problem(412, "precondition-failed");
    app.patch(&path, json!({"text": "Andet"})).expect(200);
    assert_eq!(versions(app.get("/v1/strategies/s").json()), (json!(2), json!(1), json!(2)));
    app.patch("/v1/strategies/s", json!({"headline": "H"})).expect(200);
    assert_eq!(versions(app.get("/v1/strategies/s").json()), (json!(3), json!(1), json!(2)));
    app.patch("/v1/strategies/s", json!({"focus_areas": []})).expect_errors(&["/focus_areas"]);
}

fn parts_are_created_changed_and_deleted(app: &App) {
    app.post("/v1/strategies", strategy("s", json!([]))).expect(201);
    let area = app
        .post("/v1/strategies/s/focus-areas", json!({"key": "a", "title": "A", "objectives": [objective("o")]}))
        .expect(201);
    let area_path = area.header("location").unwrap().to_owned();
    assert_eq!(app.get(&area_path).expect(200).json(), area.json());
    app.post("/v1/strategies/s/focus-areas", json!({"key": "a", "title": "B"})).expect_problem(409, "already-exists");

    let objective_ = app.post(&format!("{area_path}/objectives"), objective("o2")).expect(201);
    let objective_path = objective_.header("location").unwrap().to_owned();
    app.post(&format!("{area_path}/objectives"), objective("o2")).expect_problem(409, "already-exists");
    let action_ = app.post(&format!("{area_path}/actions"), action("x")).expect(201);
    let action_path = action_.header("location").unwrap().to_owned();
    assert_eq!(app.get(&action_path).json(), action_.json());

    // Pointers are relative to the body that was sent, not to the tree.
    app.post(
        &format!("{area_path}/actions"),
        json!({"key": "y", "title": "Y", "kind": "other",
        "starts_on": "2025-02-01", "due_on": "2025-01-01", "after": ["nope"]}),
    )
    .expect_errors(&["/due_on", "/after/0"]);
    app.patch(&action_path, json!({"audience": [{"role": "responsible"}]})).expect_errors(&["/audience/0"]);
    app.patch(&area_path, json!({"continues": ["s/a"]})).expect_errors(&["/continues/0"]);

    let tag = app.get(&objective_path).etag();
    let change = |tag: &str, text: &str| {
        app.request("PATCH", &objective_path).header("if-match", tag).json(&json!({"text": text})).send()
    };
    change(&tag, "Et").expect(200);
    change(&tag, "To").expect_problem(412, "precondition-failed");
    app.request("PATCH", &action_path).json(&json!({})).send().expect_problem(428, "precondition-required");
    app.patch(&area_path, json!({"title": "A2", "number": "7"})).expect(200);
    app.patch(&area_path, json!({"key": "b"})).expect_errors(&["/key"]);

    assert_eq!(app.keys(&format!("{area_path}/objectives?limit=1")), ["o", "o2"]);
    assert_eq!(app.keys(&format!("{area_path}/actions")), ["x"]);
    assert_eq!(app.keys("/v1/strategies/s/focus-areas"), ["a"]);
    app.delete(&objective_path).expect(204);
    app.delete(&action_path).expect(204);
    app.get(&action_path).expect(404);
    assert_eq!(app.keys(&format!("{area_path}/objectives")), ["o"]);
    app.delete(&area_path).expect(204);
    assert_eq!(app.get("/v1/strategies/s").json()["focus_areas"], json!([]));
    app.get("/v1/focus-areas/a").expect_problem(404, "not-found");
}

fn counterparts_are_answered_on_both_sides(app: &App) {
    let mut wanted = two_areas();
    wanted["focus_areas"][1]["objectives"][0]["counterpart"] = json!("a/o2");
    let tree = app.post("/v1/strategies", wanted.clone()).expect(201).json();
    let sides = |tree: &Value| {
        let side = |area: usize, n: usize| tree["focus_areas"][area]["objectives"][n]["counterpart"].clone();
        (side(0, 0), side(0, 1), side(1, 0))
    };
    assert_eq!(sides(&tree), (json!(null), json!("b/o1"), json!("a/o2")));
    // A bundle has it only on the side on which it was stated.
    let bundle = app.get("/v1/export").json();
    let areas = &bundle["strategies"][0]["focus_areas"];
    assert_eq!(areas[0]["objectives"][1].get("counterpart"), None);
    assert_eq!(areas[1]["objectives"][0]["counterpart"], "a/o2");
    assert_eq!(app.put("/v1/strategies/s", wanted.clone()).expect(200).json(), tree);

    let other_side = format!("/v1/objectives/{}", id_of(&tree, "/focus_areas/0/objectives/1"));
    app.patch(&other_side, json!({"counterpart": null})).expect(200);
    assert_eq!(sides(&app.get("/v1/strategies/s").json()), (json!(null), json!(null), json!(null)));
    app.patch(&other_side, json!({"counterpart": "o1"})).expect(200);
    let tree = app.get("/v1/strategies/s").json();
    assert_eq!(sides(&tree), (json!("o2"), json!("o1"), json!(null)));
    assert_eq!(tree["focus_areas"][0]["objectives"][0]["version"], 2, "the other side changed too");

    wanted["focus_areas"][0]["objectives"][0]["counterpart"] = json!("o2");
    app.put("/v1/strategies/s", wanted.clone()).expect_errors(&["/focus_areas/1/objectives/0/counterpart"]);
    wanted["focus_areas"][0]["objectives"][0]["counterpart"] = json!("o1");
    app.put("/v1/strategies/s", wanted).expect_errors(&["/focus_areas/0/objectives/0/counterpart"]);
    app.delete(&other_side).expect(204);
    assert_eq!(app.get("/v1/strategies/s").json()["focus_areas"][0]["objectives"][0]["counterpart"], json!(null));
}

fn references_may_point_forward(app: &App) {
    let tree = strategy(
        "s",
        json!([
            {"key": "a", "title": "A", "objectives": [{"key": "o", "kind": "goal", "text": "O", "counterpart": "b/o"}],
             "actions": [{"key": "x", "title": "X", "kind": "other", "after": ["y", "b/x"]}, action("y")]},
            {"key": "b", "title": "B", "objectives": [objective("o")], "actions": [{"key": "x", "title": "X",
                "kind": "other", "after": ["s/a/y"]}]},
        ]),
    );
    let tree = app.post("/v1/strategies", tree).expect(201).json();
    let after = |pointer: &str| tree.pointer(pointer).unwrap()["after"].clone();
    assert_eq!(after("/focus_areas/0/actions/0"), json!(["y", "b/x"]));
    assert_eq!(after("/focus_areas/1/actions/0"), json!(["a/y"]), "the shortest way to write it");
    let by_id = json!({"after": [id_of(&tree, "/focus_areas/1/actions/0")]});
    let changed =
        app.patch(&format!("/v1/actions/{}", id_of(&tree, "/focus_areas/0/actions/0")), by_id).expect(200).json();
    assert_eq!(changed["after"], json!(["b/x"]));
}

fn rules_across_the_tree_are_checked(app: &App) {
    organisation(app);
    let mut wanted = strategy(
        "s",
        json!([
            {"key": "a", "title": "A", "objectives": [objective("o"), objective("o")], "actions": [
                {"key": "x", "title": "X", "kind": "other", "after": ["y"]}, {"key": "y", "title": "Y",
                    "kind": "other", "after": ["x", "x"]},
                {"key": "y", "title": "Y", "kind": "other", "after": ["nope"]},
            ]},
            {"key": "a", "title": "B", "continues": ["nope/a"], "actions": [
                {"key": "z", "title": "Z", "kind": "other", "after": ["z"], "cancelled_reason": "x", "audience": [
                    {"role": "responsible", "level": "nope"}, {"role": "receives", "unit": "stab"},
                        {"role": "receives", "unit": "stab"},
                ]},
            ]},
        ]),
    );
    wanted["ends_on"] = json!("2024-12-31");
    wanted["predecessor"] = json!("s");
    wanted["adopted_by"] = json!("nope");
    app.post("/v1/strategies", wanted).expect_errors(&[
        "/ends_on",
        "/adopted_by",
        "/predecessor",
        "/focus_areas/1/key",
        "/focus_areas/0/objectives/1/key",
        "/focus_areas/0/actions/2/key",
        "/focus_areas/0/actions/0/after/0",
        "/focus_areas/0/actions/1/after/0",
        "/focus_areas/0/actions/1/after/1",
        "/focus_areas/0/actions/2/after/0",
        "/focus_areas/1/continues/0",
        "/focus_areas/1/actions/0/after/0",
        "/focus_areas/1/actions/0/cancelled_reason",
        "/focus_areas/1/actions/0/audience/0/level",
        "/focus_areas/1/actions/0/audience/2",
    ]);
    let dateless = json!({"key": "d", "title": "D", "kind": "principles", "status": "draft", "focus_areas": [
        {"key": "a", "title": "A", "actions": [{"key": "x", "title": "X", "kind": "other", "recurrence": "P1Y"}]},
    ]});
    app.post("/v1/strategies", dateless).expect_errors(&["/focus_areas/0/actions/0/recurrence"]);
    assert_eq!(app.keys("/v1/strategies"), [""; 0]);

    app.post("/v1/strategies", strategy("one", json!([]))).expect(201);
    let mut two = strategy("two", json!([]));
    two["predecessor"] = json!("one");
    app.post("/v1/strategies", two).expect(201);
    app.patch("/v1/strategies/one", json!({"predecessor": "two"})).expect_errors(&["/predecessor"]);
}

fn referenced_parts_are_not_removed(app: &App) {
    app.post("/v1/strategies", two_areas()).expect(201);
    let next = strategy(
        "next",
        json!([
            {"key": "n", "title": "N", "continues": ["s/b"], "actions": [{"key": "x", "title": "X", "kind": "other",
                "after": ["s/a/y"]}]},
        ]),
    );
    app.post("/v1/strategies", next.clone()).expect(201);
    let before = (app.get("/v1/strategies/s").json(), app.changes());
    let refused = app.put("/v1/strategies/s", strategy("s", json!([]))).expect_problem(409, "in-use").json();
    let details: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|one| one["detail"].as_str().unwrap()).collect();
    assert_eq!(details, ["is referred to by the focus area 'next/n'", "is referred to by the action 'next/n/x'"]);
    app.delete(&format!("/v1/focus-areas/{}", id_of(&before.0, "/focus_areas/1"))).expect_problem(409, "in-use");
    app.delete(&format!("/v1/actions/{}", id_of(&before.0, "/focus_areas/0/actions/1"))).expect_problem(409, "in-use");
    app.delete("/v1/strategies/s").expect_problem(409, "in-use");
    assert_eq!((app.get("/v1/strategies/s").json(), app.changes()), before);
    // A part without references from outside is removed.
    let mut less = two_areas();
    less["focus_areas"][0]["actions"] = json!([action("y")]);
    less["focus_areas"][0]["objectives"] = json!([]);
    app.put("/v1/strategies/s", less).expect(200);
    // A part that is removed together with all that refers to it is removed too.
    let mut chained = strategy(
        "chain",
        json!([{"key": "a", "title": "A", "actions": [action("x"), {"key": "y", "title": "Y", "kind": "other",
            "after": ["x"]}]}]),
    );
    app.post("/v1/strategies", chained.clone()).expect(201);
    chained["focus_areas"] = json!([]);
    app.put("/v1/strategies/chain", chained).expect(200);
}

fn parts_referenced_by_siblings_are_not_deleted(app: &App) {
    let tree = strategy(
        "s",
        json!([
            {"key": "a", "title": "A", "objectives": [objective("o")], "actions": [action("x"), {"key": "y",
                "title": "Y", "kind": "other", "after": ["x"]}]},
            {"key": "b", "title": "B", "objectives": [{"key": "p", "kind": "goal", "text": "P", "counterpart": "a/o"}],
             "actions": [{"key": "z", "title": "Z", "kind": "other", "after": ["a/y"]}]},
        ]),
    );
    let tree = app.post("/v1/strategies", tree).expect(201).json();
    let x = format!("/v1/actions/{}", id_of(&tree, "/focus_areas/0/actions/0"));
    let refused = app.delete(&x).expect_problem(409, "in-use").json();
    assert_eq!(refused["errors"][0]["detail"], "is referred to by the action 's/a/y'");
    let a = format!("/v1/focus-areas/{}", id_of(&tree, "/focus_areas/0"));
    let refused = app.delete(&a).expect_problem(409, "in-use").json();
    assert_eq!(refused["errors"], json!([{"pointer": "", "detail": "is referred to by the action 's/b/z'"}]));
    let z = format!("/v1/actions/{}", id_of(&tree, "/focus_areas/1/actions/0"));
    app.delete(&z).expect(204);
    // It is no predecessor any more, and the counterpart is unlinked.
    app.delete(&a).expect(204);
    assert_eq!(app.get("/v1/strategies/s").json()["focus_areas"][0]["objectives"][0]["counterpart"], json!(null));
    let log = app.list("/v1/changes?limit=200");
    let gone = log.iter().find(|change| change["operation"] == "deleted" && change["entity"] == "action").unwrap();
    assert_eq!(gone["before"]["path"], "s/b/z", "the log tells where a part stood");
}

fn the_number_of_parts_is_limited(app: &App) {
    let many: Vec<Value> = (0..500).map(|n| objective(&format!("o{n}"))).collect();
    let tree = app
        .post("/v1/strategies", strategy("s", json!([{"key": "a", "title": "A", "objectives": many}])))
        .expect(201)
        .json();
    let list = format!("/v1/focus-areas/{}/objectives", id_of(&tree, "/focus_areas/0"));
    app.post(&list, objective("one-more")).expect_problem(422, "invalid-body");
    let exported = app.get("/v1/export").json();
    app.post("/v1/import", exported).expect(200);
}

fn error_pointers_are_relative_to_the_body(app: &App) {
    let mut actions: Vec<Value> = (0..12).map(|n| action(&format!("x{n}"))).collect();
    actions[10]["after"] = json!(["x1"]);
    actions[3]["recurrence"] = json!("P1Y");
    let tree = app
        .post("/v1/strategies", strategy("s", json!([{"key": "a", "title": "A", "actions": actions}])))
        .expect(201)
        .json();
    let x1 = format!("/v1/actions/{}", id_of(&tree, "/focus_areas/0/actions/1"));
    app.patch(&x1, json!({"after": ["x10"]})).expect_errors(&["/after/0", ""]);
    let refused = app.patch("/v1/strategies/s", json!({"starts_on": null})).expect_errors(&[""]).json();
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("/actions/3/recurrence"));
}

fn siblings_keep_their_versions(app: &App) {
    let tree = app.post("/v1/strategies", two_areas()).expect(201).json();
    let seen = app.get(&format!("/v1/objectives/{}", id_of(&tree, "/focus_areas/0/objectives/1"))).etag();
    app.delete(&format!("/v1/objectives/{}", id_of(&tree, "/focus_areas/0/objectives/0"))).expect(204);
    let sibling = format!("/v1/objectives/{}", id_of(&tree, "/focus_areas/0/objectives/1"));
    let change = app.request("PATCH", &sibling).header("if-match", &seen).json(&json!({"text": "ny"}));
    change.send().expect(200);
    assert_eq!(app.get("/v1/strategies/s").json()["focus_areas"][0]["version"], 3);
}

fn a_strategy_with_successors_is_not_deleted(app: &App) {
    app.post("/v1/strategies", two_areas()).expect(201);
    let mut next = strategy("next", json!([{"key": "n", "title": "N", "continues": ["s/a"]}]));
    next["predecessor"] = json!("s");
    app.post("/v1/strategies", next).expect(201);
    let refused = app.delete("/v1/strategies/s").expect_problem(409, "in-use").json();
    assert_eq!(refused["error_count"], 2);
    app.delete("/v1/strategies/next").expect(204);
    app.delete("/v1/strategies/s").expect(204);
    app.get("/v1/strategies/s").expect(404);
    let gone = app.list("/v1/changes?limit=200").iter().filter(|change| change["operation"] == "deleted").count();
    assert_eq!(gone, 2 + 3 + 3 + 3, "every strategy, area, objective and action is told");
}

fn filters_select_strategies(app: &App) {
    for (key, kind, status, from, to) in [
        ("a", "strategy", "closed", json!("2021-01-01"), json!("2024-12-31")),
        ("b", "plan", "adopted", json!("2025-01-01"), json!(null)),
        ("c", "principles", "draft", json!(null), json!(null)),
    ] {
        let body = json!({"key": key, "title": format!("Titel {key}"), "headline": "Ærlighed", "kind": kind,
            "status": status, "starts_on": from, "ends_on": to});
        app.post("/v1/strategies", body).expect(201);
    }
    for (query, found) in [
        ("status=adopted", vec!["b"]),
        ("kind=principles", vec!["c"]),
        ("on=2024-12-31", vec!["a", "c"]),
        ("on=2025-01-01", vec!["b", "c"]),
        ("q=titel%20B", vec!["b"]),
        ("q=%C3%86RLIG", vec!["a", "b", "c"]),
        ("q=ærlig&status=draft&kind=principles&on=2020-01-01", vec!["c"]),
    ] {
        let query = query.replace('æ', "%C3%A6");
        assert_eq!(app.keys(&format!("/v1/strategies?{query}")), found, "{query}");
    }
    assert_eq!(app.list("/v1/strategies")[0].get("focus_areas"), None, "lists show no parts");
}

fn filters_select_actions(app: &App) {
    organisation(app);
    let addressed = |key: &str, to: Value| {
        json!({"key": key, "title": key, "text": "Sygefravær", "kind": "survey",
        "audience": [to]})
    };
    let tree = strategy(
        "s",
        json!([
            {"key": "a", "title": "A", "actions": [addressed("l", json!({"role": "responsible", "level": "lokal"})),
                addressed("u", json!({"role": "receives", "unit": "stab"}))]},
            {"key": "b", "title": "B", "actions": [addressed("c", json!({"role": "responsible",
                "committee": "hoved"})), action("l")]},
        ]),
    );
    let tree = app.post("/v1/strategies", tree).expect(201).json();
    app.post("/v1/strategies", strategy("t", json!([{"key": "a", "title": "A", "actions": [action("z")]}])))
        .expect(201);
    let level = app.get("/v1/levels/lokal").json()["id"].as_str().unwrap().to_owned();
    for (query, found) in [
        ("strategy=s".to_owned(), vec!["c", "l", "l", "u"]),
        (format!("strategy={}", tree["id"].as_str().unwrap()), vec!["c", "l", "l", "u"]),
        (format!("focus_area={}", id_of(&tree, "/focus_areas/1")), vec!["c", "l"]),
        ("kind=survey".into(), vec!["c", "l", "u"]),
        ("level=lokal".into(), vec!["l"]),
        (format!("level={level}"), vec!["l"]),
        ("committee=hoved".into(), vec!["c"]),
        ("unit=stab".into(), vec!["u"]),
        ("q=SYGE".into(), vec!["c", "l", "u"]),
        (String::new(), vec!["c", "l", "l", "u", "z"]),
    ] {
        assert_eq!(app.keys(&format!("/v1/actions?{query}")), found, "{query}");
        assert_eq!(app.keys(&format!("/v1/actions?{query}&limit=1")), found, "{query}");
    }
    let listed = app.list("/v1/actions?committee=hoved").remove(0);
    assert_eq!(listed, tree["focus_areas"][1]["actions"][0]);
    assert_eq!(app.get(&format!("/v1/actions/{}", listed["id"].as_str().unwrap())).json(), listed);
}

fn parts_keep_the_order_of_the_array(app: &App) {
    app.post("/v1/strategies", two_areas()).expect(201);
    let mut turned = two_areas();
    turned["focus_areas"].as_array_mut().unwrap().reverse();
    turned["focus_areas"][1]["actions"].as_array_mut().unwrap().reverse();
    let tree = app.put("/v1/strategies/s", turned).expect(200).json();
    assert_eq!((&tree["focus_areas"][0]["key"], &tree["version"]), (&json!("b"), &json!(2)));
    assert_eq!(tree["focus_areas"][1]["actions"][0]["key"], "y");
    assert_eq!(app.get("/v1/strategies/s").json(), tree);
    let moved = app.list("/v1/changes?limit=200").pop().unwrap();
    assert_ne!(moved["before"]["position"], moved["after"]["position"]);
}
