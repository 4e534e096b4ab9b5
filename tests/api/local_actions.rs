//! Local actions: actions that a committee starts by itself, with an action of a plan as parent.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::harness::{App, ELSEWHERE, HERE, Response};
use crate::reports::{action_ids, committee, days_from_now, report, sample_municipality, token_for, with};

crate::tests![
    a_committee_creates_a_local_action,
    reporters_and_editors_may_create_one,
    invalid_local_actions_are_refused,
    keys_are_unique_in_the_committee,
    local_actions_are_listed_where_they_belong,
    local_actions_do_not_change_the_plan,
    local_actions_are_changed_and_deleted,
    a_report_need_not_name_the_committee,
    local_actions_have_figures_of_their_own,
    dates_default_to_those_of_the_plan,
    a_parent_of_local_actions_can_not_be_deleted,
    local_actions_of_another_municipality_are_not_found,
    bundles_carry_local_actions_and_reports,
    a_bundle_imported_elsewhere_gives_the_same_answers,
    bundles_carry_reports_that_no_longer_count,
    invalid_local_actions_in_bundles_are_refused,
    invalid_reports_in_bundles_are_refused,
    the_first_day_of_recurring_local_actions_can_not_be_removed,
    local_actions_of_an_ended_committee_stay,
    missing_rows_are_404_rather_than_403,
    the_audience_may_name_the_own_committee,
];

fn walk() -> Value {
    json!({"key": "walk", "title": "Gåmøder", "kind": "other", "parent": "plan/a/half"})
}

fn start_as(app: &App, token: &str, committee: &str, body: &Value) -> Response {
    app.request("POST", &format!("/v1/committees/{committee}/actions")).token(token).json(body).send()
}

fn chair(app: &App) -> String {
    token_for(app, "e-chair", "med.report")
}

/// The path of a new action, from the answer's `Location`.
fn started(app: &App, committee: &str, body: &Value) -> String {
    start_as(app, &app.token("med.edit"), committee, body).expect(201).header("location").unwrap().to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn paths(app: &App, list: &str) -> Vec<String> {
    let mut paths: Vec<String> = app.list(list).iter().map(|row| text(&row["path"]).to_owned()).collect();
    paths.sort();
    paths
}

fn a_committee_creates_a_local_action(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let ids = action_ids(app);
    let before = app.changes();
    let body = with(
        walk(),
        json!({
            "text": "Møder for to holdes til fods.", "recurrence": "P3M",
            "starts_on": "2025-02-01", "due_on": "2025-12-31",
            "milestones": [
                {"title": "Ruterne er fundet", "due_on": "2025-03-01", "done_on": "2025-02-20"},
                {"title": "Alle har prøvet"},
            ],
        }),
    );
    let created = start_as(app, &chair(app), "l1", &body).expect(201);
    let told = created.json();
    assert_eq!(created.header("location"), Some(format!("/v1/actions/{}", text(&told["id"])).as_str()));
    for (field, value) in [
        ("committee", "l1"),
        ("parent", "plan/a/half"),
        ("path", "l1/walk"),
        ("key", "walk"),
        ("title", "Gåmøder"),
        ("text", "Møder for to holdes til fods."),
        ("kind", "other"),
        ("recurrence", "P3M"),
        ("starts_on", "2025-02-01"),
        ("due_on", "2025-12-31"),
    ] {
        assert_eq!(told[field], value, "{field}");
    }
    assert_eq!(told["version"], 1);
    assert_eq!(told["milestones"][0], body["milestones"][0]);
    assert_eq!(told["milestones"][1]["title"], "Alle har prøvet");
    let log = app.list("/v1/changes?limit=200").split_off(before);
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!((&log[0]["operation"], &log[0]["entity_id"]), (&json!("created"), &told["id"]));
    assert_eq!((&log[0]["entity"], &log[0]["subject"]), (&json!("action"), &json!("e-chair")));
    let read = app.request("GET", created.header("location").unwrap()).token(&app.token("med.read")).send().expect(200);
    assert_eq!((read.json(), read.etag()), (told, created.etag()));
    // The committee and the parent can be named by UUID.
    let l2 = text(&app.get("/v1/committees/l2").json()["id"]).to_owned();
    let by_id = with(walk(), json!({"parent": ids["plan/a/half"]}));
    let told = start_as(app, &app.token("med.edit"), &l2, &by_id).expect(201).json();
    assert_eq!((&told["path"], &told["parent"]), (&json!("l2/walk"), &json!("plan/a/half")));
}

fn reporters_and_editors_may_create_one(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let body = |key: &str| with(walk(), json!({"key": key}));
    let before = app.changes();
    for person in ["e-member", "e-substitute", "e-former", "e-coming", "e-other", "e-top", "e-leader", "nobody"] {
        let refused = start_as(app, &token_for(app, person, "med.report"), "l1", &body("no"));
        refused.expect_problem(403, "may-not-report");
    }
    for scope in ["med.read", "med.progress", "med.hr", "med.measure"] {
        let refused = start_as(app, &token_for(app, "e-chair", scope), "l1", &body("no"));
        refused.expect_problem(403, "insufficient-scope");
    }
    assert_eq!((app.changes(), app.list("/v1/committees/l1/actions").len()), (before, 0));
    for (person, key) in [("e-chair", "a"), ("e-deputy", "b"), ("e-secretary", "c")] {
        start_as(app, &token_for(app, person, "med.report"), "l1", &body(key)).expect(201);
    }
    start_as(app, &app.token("med.edit"), "l1", &body("d")).expect(201);
    start_as(app, &app.token("med.edit"), "h", &body("d")).expect(201);
    app.patch("/v1/municipality", json!({"reporting_roles": ["member"]})).expect(200);
    start_as(app, &token_for(app, "e-member", "med.report"), "l1", &body("e")).expect(201);
    start_as(app, &chair(app), "l1", &body("f")).expect_problem(403, "may-not-report");
    assert_eq!(app.list("/v1/committees/l1/actions").len(), 5);
}

fn invalid_local_actions_are_refused(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let other = text(&app.get(&started(app, "l2", &walk())).json()["id"]).to_owned();
    let area = text(&app.get("/v1/strategies/plan").json()["focus_areas"][0]["id"]).to_owned();
    let before = app.changes();
    let without = |field: &str| {
        let mut body = walk();
        body.as_object_mut().unwrap().remove(field);
        body
    };
    let refuse = |body: Value, pointers: &[&str]| {
        start_as(app, &chair(app), "l1", &body).expect_errors(pointers);
        assert_eq!((app.changes(), app.list("/v1/committees/l1/actions").len()), (before, 0), "{body}");
    };
    for field in ["key", "title", "kind", "parent"] {
        refuse(without(field), &[&format!("/{field}")]);
    }
    // The parent must be an action of a plan of the same municipality: not a local action, not an area.
    for parent in ["plan/a/nowhere", "plan/a", "nowhere/a/half", "l2/walk", "half", &other, &area] {
        refuse(with(walk(), json!({"parent": parent})), &["/parent"]);
    }
    refuse(with(walk(), json!({"parent": null})), &["/parent"]);
    refuse(with(walk(), json!({"starts_on": "2025-02-01", "due_on": "2025-01-31"})), &["/due_on"]);
    refuse(with(walk(), json!({"recurrence": "P5M"})), &["/recurrence"]);
    refuse(with(walk(), json!({"parent": "timeless/a/once", "recurrence": "P1M"})), &["/recurrence"]);
    refuse(with(walk(), json!({"key": "Gå"})), &["/key"]);
    refuse(with(walk(), json!({"kind": "walk"})), &["/kind"]);
    // It is always assigned to its committee.
    refuse(with(walk(), json!({"audience": [{"role": "responsible", "committee": "l2"}]})), &["/audience"]);
    refuse(with(walk(), json!({"committee": "l2"})), &["/committee"]);
    let timeless =
        json!({"parent": "timeless/a/once", "recurrence": "P1M", "starts_on": "2025-01-01", "due_on": "2025-03-31"});
    start_as(app, &chair(app), "l1", &with(walk(), timeless)).expect(201);
    start_as(app, &app.token("med.edit"), "nowhere", &walk()).expect_problem(404, "not-found");
}

fn keys_are_unique_in_the_committee(app: &App) {
    app.import(&sample_municipality()).unwrap();
    started(app, "l1", &walk());
    let before = app.changes();
    let again = with(walk(), json!({"title": "En anden", "parent": "plan/a/once"}));
    start_as(app, &chair(app), "l1", &again).expect_problem(409, "already-exists");
    assert_eq!(app.changes(), before);
    started(app, "l2", &again);
    // An action of a plan may have the same key.
    started(app, "l1", &with(walk(), json!({"key": "half"})));
    assert_eq!(paths(app, "/v1/committees/l1/actions"), ["l1/half", "l1/walk"]);
    assert_eq!(paths(app, "/v1/committees/l2/actions"), ["l2/walk"]);
}

fn local_actions_are_listed_where_they_belong(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let ids = action_ids(app);
    for n in 0..5 {
        started(app, "l1", &with(walk(), json!({"key": format!("k{n}")})));
    }
    started(app, "l2", &walk());
    started(app, "l1", &with(walk(), json!({"key": "talk", "title": "Stillezone", "parent": "plan/a/once"})));
    let of_l1 = ["l1/k0", "l1/k1", "l1/k2", "l1/k3", "l1/k4", "l1/talk"];
    let of_half = ["l1/k0", "l1/k1", "l1/k2", "l1/k3", "l1/k4", "l2/walk"];
    let below = |path: &str| format!("/v1/actions/{}/local-actions", ids[path]);
    for limit in ["", "?limit=1", "?limit=4"] {
        assert_eq!(paths(app, &format!("/v1/committees/l1/actions{limit}")), of_l1);
        assert_eq!(paths(app, &format!("{}{limit}", below("plan/a/half"))), of_half);
        assert_eq!(paths(app, &format!("{}{limit}", below("plan/a/once"))), ["l1/talk"]);
        assert_eq!(paths(app, &format!("{}{limit}", below("plan/a/top"))), [""; 0]);
        assert_eq!(paths(app, &format!("/v1/committees/h/actions{limit}")), [""; 0]);
        assert_eq!(app.list(&format!("/v1/actions{limit}")).len(), ids.len() + 7, "plans' and local ones");
    }
    let (local, planned): (Vec<Value>, Vec<Value>) =
        app.list("/v1/actions").into_iter().partition(|action| !action["committee"].is_null());
    assert_eq!((local.len(), planned.len()), (7, ids.len()));
    assert!(local.iter().all(|action| !action["parent"].is_null()), "{local:?}");
    assert!(planned.iter().all(|action| action["parent"].is_null()), "{planned:?}");
    assert_eq!(paths(app, "/v1/actions?q=STILLE"), ["l1/talk"], "a search finds them");
    let listed = app.list("/v1/committees/l2/actions").remove(0);
    assert_eq!(listed, app.get(&format!("/v1/actions/{}", text(&listed["id"]))).json());
    assert!(local.contains(&listed));
    app.get("/v1/committees/nowhere/actions").expect_problem(404, "not-found");
    app.get("/v1/actions/0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01/local-actions").expect_problem(404, "not-found");
}

fn local_actions_do_not_change_the_plan(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let seen = || {
        let plan = app.get("/v1/strategies/plan").expect(200);
        (plan.json(), plan.etag(), app.get("/v1/export").json()["strategies"].clone())
    };
    let before = seen();
    let local = started(app, "l1", &walk());
    app.patch(&local, json!({"title": "Gåture"})).expect(200);
    report(app, &chair(app), &format!("{local}/reports"), &json!({"stage": "done"})).expect(201);
    assert_eq!(seen(), before);
    // Replacing the plan does not change them.
    app.put("/v1/strategies/plan", sample_municipality()["strategies"][0].clone()).expect(200);
    assert_eq!(paths(app, "/v1/committees/l1/actions"), ["l1/walk"]);
}

fn local_actions_are_changed_and_deleted(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let local = started(app, "l1", &walk());
    let planned = format!("/v1/actions/{}", action_ids(app)["plan/a/half"]);
    let send = |method: &str, path: &str, token: &str, tag: Option<&str>, body: Value| {
        let request = app.request(method, path).token(token).json(&body);
        match tag {
            Some(tag) => request.header("if-match", tag).send(),
            None => request.send(),
        }
    };
    let (chair, other) = (chair(app), token_for(app, "e-other", "med.report"));
    let tag = app.get(&local).etag();
    send("PATCH", &local, &chair, None, json!({"title": "Gåture"})).expect_problem(428, "precondition-required");
    let changed = json!({"title": "Gåture", "milestones": [{"title": "Halvvejs", "done_on": "2025-05-01"}]});
    let changed = send("PATCH", &local, &chair, Some(&tag), changed).expect(200).json();
    assert_eq!((&changed["title"], &changed["version"]), (&json!("Gåture"), &json!(2)));
    assert_eq!((&changed["path"], &changed["parent"]), (&json!("l1/walk"), &json!("plan/a/half")));
    assert_eq!(app.get(&local).json(), changed);
    send("PATCH", &local, &chair, Some(&tag), json!({"title": "X"})).expect_problem(412, "precondition-failed");
    send("PATCH", &local, &chair, Some("*"), json!({"key": "run"})).expect_errors(&["/key"]);
    send("PATCH", &local, &chair, Some("*"), json!({"title": null})).expect_errors(&["/title"]);
    send("PATCH", &local, &chair, Some("*"), json!({"due_on": "2023-12-31", "starts_on": "2024-01-01"}))
        .expect_errors(&["/due_on"]);
    let before = (app.get(&local).json(), app.changes());
    send("PATCH", &local, &other, Some("*"), json!({"title": "X"})).expect_problem(403, "may-not-report");
    send("DELETE", &local, &other, Some("*"), json!({})).expect_problem(403, "may-not-report");
    // A reporter can't change the plan.
    for method in ["PATCH", "DELETE"] {
        assert_eq!(send(method, &planned, &chair, Some("*"), json!({"title": "X"})).status, 403, "{method}");
    }
    for scope in ["med.read", "med.progress"] {
        let token = token_for(app, "e-chair", scope);
        send("PATCH", &local, &token, Some("*"), json!({"title": "X"})).expect_problem(403, "insufficient-scope");
        send("DELETE", &local, &token, Some("*"), json!({})).expect_problem(403, "insufficient-scope");
    }
    assert_eq!((app.get(&local).json(), app.changes()), before);
    send("PATCH", &local, &app.token("med.edit"), Some("*"), json!({"text": "Også om vinteren."})).expect(200);

    // One with reports can't be deleted, one without can.
    report(app, &chair, &format!("{local}/reports"), &json!({"stage": "done"})).expect(201);
    send("DELETE", &local, &chair, Some("*"), json!({})).expect_problem(409, "in-use");
    let second = started(app, "l1", &with(walk(), json!({"key": "run"})));
    app.request("DELETE", &second).token(&chair).send().expect_problem(428, "precondition-required");
    app.request("DELETE", &second).token(&chair).header("if-match", "*").send().expect(204);
    app.get(&second).expect_problem(404, "not-found");
    assert_eq!(app.list("/v1/changes?limit=200").pop().unwrap()["operation"], "deleted");
    let third = started(app, "l1", &with(walk(), json!({"key": "run"})));
    assert_ne!(third, second, "the key is free again, the row another");
    app.delete(&third).expect(204);
    assert_eq!(paths(app, "/v1/committees/l1/actions"), ["l1/walk"]);
}

fn a_report_need_not_name_the_committee(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let local = started(app, "l1", &walk());
    let address = format!("{local}/reports");
    let told = report(app, &chair(app), &address, &json!({"stage": "in_progress"})).expect(201).json();
    assert_eq!((&told["committee"], &told["unit"], &told["occurrence"]), (&json!("l1"), &json!(null), &json!(null)));
    assert_eq!(told["action"], "l1/walk");
    report(app, &chair(app), &address, &json!({"committee": "l1", "stage": "done"})).expect(201);
    report(app, &app.token("med.edit"), &address, &json!({"stage": "in_progress"})).expect(201);
    for (body, pointer) in [
        (json!({"committee": "l2", "stage": "done"}), "/committee"),
        (json!({"unit": "school", "stage": "done"}), "/unit"),
        (json!({"occurrence": "2025-H1", "stage": "done"}), "/occurrence"),
        (json!({"committee": "l1", "unit": "school", "stage": "done"}), ""),
    ] {
        report(app, &app.token("med.edit"), &address, &body).expect_errors(&[pointer]);
    }
    for person in ["e-member", "e-other", "e-top", "e-leader"] {
        let refused = report(app, &token_for(app, person, "med.report"), &address, &json!({"stage": "done"}));
        refused.expect_problem(403, "may-not-report");
    }
    let stages: Vec<Value> = app.list(&address).iter().map(|report| report["stage"].clone()).collect();
    assert_eq!(stages, ["in_progress", "done", "in_progress"]);
    let recurring = started(app, "l1", &with(walk(), json!({"key": "talk", "recurrence": "P6M"})));
    let address = format!("{recurring}/reports");
    report(app, &chair(app), &address, &json!({"stage": "done"})).expect_errors(&["/occurrence"]);
    report(app, &chair(app), &address, &json!({"occurrence": "2024-H1", "stage": "done"})).expect(201);
    // A repeated request makes one report here too.
    let body = json!({"occurrence": "2024-H2", "stage": "done"});
    let keyed = || crate::reports::request(app, &chair(app), &address, &body).header("idempotency-key", "k").send();
    assert_eq!(keyed().expect(201).json(), keyed().expect(201).json());
    assert_eq!(app.list(&address).len(), 2);
    app.patch("/v1/committees/l1", json!({"ends_on": days_from_now(-1)})).expect(200);
    report(app, &app.token("med.edit"), &address, &body).expect_problem(422, "invalid-body");
}

/// Expected, done, in progress.
fn counts(block: &Value) -> [i64; 3] {
    ["expected", "done", "in_progress"].map(|name| block[name].as_i64().unwrap())
}

fn local_actions_have_figures_of_their_own(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let ids = action_ids(app);
    let area = text(&app.get("/v1/strategies/plan").json()["focus_areas"][0]["id"]).to_owned();
    let half = &ids["plan/a/half"];
    let addresses = [
        "/v1/strategies/plan/progress".to_owned(),
        format!("/v1/focus-areas/{area}/progress"),
        format!("/v1/actions/{half}/progress"),
        "/v1/committees/l1/progress".to_owned(),
        "/v1/committees/h/progress".to_owned(),
    ];
    let seen = || addresses.clone().map(|address| app.get(&address).expect(200).json());
    let before = seen();
    assert!(before.iter().all(|progress| counts(&progress["local"]) == [0, 0, 0]));
    assert!(before[0]["local"]["share_done"].is_null());

    // One that is done, and one with four half-years, of which the second is in progress.
    let once = started(app, "l1", &walk());
    report(app, &chair(app), &format!("{once}/reports"), &json!({"stage": "done"})).expect(201);
    let days = json!({"key": "talk", "recurrence": "P6M", "starts_on": "2024-01-01", "due_on": "2025-12-31"});
    let often = started(app, "l1", &with(walk(), days));
    let body = json!({"occurrence": "2024-H2", "stage": "in_progress"});
    report(app, &chair(app), &format!("{often}/reports"), &body).expect(201);
    // One of another committee, with a parent in another area, counts for the plan only.
    let other = json!({"parent": "plan/b/early", "due_on": "2024-12-31"});
    started(app, "l2", &with(walk(), other));
    let after = seen();
    for (n, (before, after)) in before.iter().zip(&after).enumerate() {
        for name in ["expected", "done", "in_progress", "not_started", "dropped", "overdue", "stale", "share_done"] {
            assert_eq!(before[name], after[name], "{name} of {}", addresses[n]);
            assert_eq!(before["running"][name], after["running"][name], "{name} of {}, running", addresses[n]);
        }
    }
    let local: Vec<[i64; 3]> = after.iter().map(|progress| counts(&progress["local"])).collect();
    assert_eq!(local, [[6, 1, 1], [5, 1, 1], [5, 1, 1], [5, 1, 1], [0, 0, 0]]);
    assert_eq!(after[4]["subtree"]["expected"], before[4]["subtree"]["expected"], "nor in a subtree");
    // The local action's own progress is the sum of its committee's assignments.
    let own = app.get(&format!("{often}/progress")).expect(200).json();
    assert_eq!((counts(&own), &own["not_started"], &own["kind"]), ([4, 0, 1], &json!(3), &json!("action")));

    let rows = |query: &str| -> Vec<String> {
        let rows = app.list(&format!("/v1/committees/l1/assignments?{query}&limit=200"));
        assert!(rows.iter().all(|row| row["is_local"] == json!(text(&row["action"]).starts_with("l1/"))));
        rows.iter()
            .map(|row| format!("{} {}", text(&row["action"]), row["occurrence"].as_str().unwrap_or("-")))
            .collect()
    };
    let local = ["l1/talk 2024-H1", "l1/talk 2024-H2", "l1/talk 2025-H1", "l1/talk 2025-H2", "l1/walk -"];
    assert_eq!(rows("local=true"), local);
    assert!(rows("local=false").iter().all(|row| !row.starts_with("l1/")));
    assert_eq!(rows("").len(), rows("local=false").len() + local.len(), "both, unless asked otherwise");
    let of_action = app.list(&format!("{once}/assignments"));
    assert_eq!(of_action.len(), 1);
    assert_eq!((&of_action[0]["committee"], &of_action[0]["is_local"]), (&json!("l1"), &json!(true)));
    assert_eq!((&of_action[0]["action"], &of_action[0]["stage"]), (&json!("l1/walk"), &json!("done")));
    let of_parent = app.list(&format!("/v1/actions/{half}/assignments?limit=200"));
    assert!(of_parent.iter().all(|row| row["is_local"] == json!(false) && row["action"] == "plan/a/half"));
}

fn dates_default_to_those_of_the_plan(app: &App) {
    let mut bundle = sample_municipality();
    bundle["strategies"][0]["ends_on"] = json!("2025-12-31");
    bundle["strategies"][0]["focus_areas"][1]["actions"] = json!([]);
    app.import(&bundle).unwrap();
    let window = |fields: Value| -> Vec<String> {
        let local = started(app, "l1", &with(with(walk(), json!({"recurrence": "P6M"})), fields));
        let rows = app.list(&format!("{local}/assignments"));
        rows.iter().map(|row| text(&row["occurrence"]).to_owned()).collect()
    };
    assert_eq!(window(json!({"key": "a"})), ["2024-H1", "2024-H2", "2025-H1", "2025-H2"]);
    assert_eq!(window(json!({"key": "b", "starts_on": "2025-03-01"})), ["2025-H1", "2025-H2"]);
    assert_eq!(window(json!({"key": "c", "due_on": "2024-03-01"})), ["2024-H1"]);
    let once = started(app, "l1", &walk());
    let row = app.list(&format!("{once}/assignments")).remove(0);
    assert_eq!((&row["starts_on"], &row["due_on"]), (&json!("2024-01-01"), &json!("2025-12-31")));
    assert_eq!(app.get(&once).json()["due_on"], json!(null), "the plan's own day, not a copy of it");
    app.patch("/v1/strategies/plan", json!({"ends_on": "2024-12-31"})).expect(200);
    assert_eq!(app.list(&format!("{once}/assignments"))[0]["due_on"], "2024-12-31");
}

fn a_parent_of_local_actions_can_not_be_deleted(app: &App) {
    app.import(&sample_municipality()).unwrap();
    app.post("/v1/committees", committee("short", "local", None, [None, None])).expect(201);
    let parent = format!("/v1/actions/{}", action_ids(app)["plan/a/top"]);
    let local = started(app, "short", &with(walk(), json!({"parent": "plan/a/top"})));
    let before = app.changes();
    app.delete(&parent).expect_problem(409, "in-use");
    app.delete("/v1/committees/short").expect_problem(409, "in-use");
    app.delete("/v1/strategies/plan").expect_problem(409, "in-use");
    let mut wanted = sample_municipality()["strategies"][0].clone();
    wanted["focus_areas"][0]["actions"].as_array_mut().unwrap().retain(|action| action["key"] != "top");
    app.put("/v1/strategies/plan", wanted.clone()).expect_problem(409, "in-use");
    assert_eq!(app.changes(), before);
    app.delete(&local).expect(204);
    app.put("/v1/strategies/plan", wanted).expect(200);
    app.get(&parent).expect_problem(404, "not-found");
    app.delete("/v1/committees/short").expect(204);
}

fn local_actions_of_another_municipality_are_not_found(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let elsewhere =
        with(sample_municipality(), json!({"municipality": {"key": ELSEWHERE, "code": "998", "name": ELSEWHERE}}));
    app.import(&elsewhere).unwrap();
    let there = app.token_of(ELSEWHERE, "med.admin");
    let made = start_as(app, &there, "l1", &walk()).expect(201);
    let (local, parent) = (made.header("location").unwrap(), app.request("GET", "/v1/actions").token(&there).send());
    app.get(local).expect_problem(404, "not-found");
    app.patch(local, json!({"title": "X"})).expect_problem(404, "not-found");
    app.delete(local).expect_problem(404, "not-found");
    app.get(&format!("{local}/assignments")).expect_problem(404, "not-found");
    report(app, &app.token("med.admin"), &format!("{local}/reports"), &json!({"stage": "done"}))
        .expect_problem(404, "not-found");
    assert_eq!(app.list("/v1/committees/l1/actions").len(), 0, "one's own committee of the same key has none");
    let foreign = parent.json()["items"][0]["id"].clone();
    start_as(app, &app.token("med.edit"), "l1", &with(walk(), json!({"parent": foreign}))).expect_errors(&["/parent"]);
    let l1 = app.request("GET", "/v1/committees/l1").token(&there).send().json()["id"].clone();
    start_as(app, &app.token("med.edit"), text(&l1), &walk()).expect_problem(404, "not-found");
}

/// A municipality with local actions and a history of reports, some by committees that have ended.
fn bundle_with_history() -> Value {
    let (h1, done) = (json!({"occurrence": "2024-H1"}), json!({}));
    let told = |action: &str, party: Value, at: &str, fields: Value| {
        with(with(json!({"action": action, "stage": "done", "reported_at": at}), party), fields)
    };
    let of = |committee: &str| json!({"committee": committee});
    with(
        sample_municipality(),
        json!({
            "municipality": {"key": HERE, "code": "999", "name": HERE, "reporting_roles": ["secretary", "member"]},
            "local_actions": [
                with(walk(), json!({"committee": "l2"})),
                with(walk(), json!({
                    "committee": "l1", "parent": "plan/b/early", "text": "Til fods.", "recurrence": "P3M",
                    "starts_on": "2024-04-01", "due_on": "2024-12-31",
                    "milestones": [{"title": "Ruter", "due_on": "2024-05-01"}],
                })),
                with(walk(), json!({"committee": "old", "key": "rest"})),
            ],
            "reports": [
                told("plan/a/half", of("l1"), "2024-02-01T09:00:00Z", json!({
                    "occurrence": "2024-H1", "stage": "in_progress", "judgement": "off_track",
                    "note": "Æblegrød;\n\"på\" Øen", "minutes_url": "https://intranet.testby.dk/1",
                    "discussed_on": "2024-01-31", "reported_by": "e-chair",
                })),
                told("plan/a/half", of("l1"), "2024-02-01T09:00:00.000001Z", h1.clone()),
                told("plan/a/half", of("l2"), "2024-02-01T09:00:00Z", with(h1.clone(), json!({"stage": "dropped"}))),
                told("plan/a/half", of("old"), "2024-06-30T22:30:00Z", with(h1, json!({"reported_by": "e-old"}))),
                told("plan/a/once", of("yesterday"), "2024-07-01T09:00:00Z", json!({"stage": "not_started"})),
                told("plan/a/unit", json!({"unit": "school"}), "2024-08-01T09:00:00Z", done.clone()),
                told("plan/a/unit", json!({"unit": "gone"}), "2024-08-01T09:00:00Z", done.clone()),
                told("l1/walk", of("l1"), "2024-09-01T09:00:00Z", json!({"occurrence": "2024-Q2"})),
                told("l2/walk", of("l2"), "2024-09-01T09:00:00Z", json!({"stage": "in_progress"})),
                told("old/rest", of("old"), "2024-08-01T09:00:00Z", done),
            ],
        }),
    )
}

/// A row as text: fields in order, times with microseconds.
fn plain(row: &Value) -> String {
    let mut fields: Vec<String> = Vec::new();
    for (name, value) in row.as_object().unwrap() {
        let moment = value.as_str().filter(|_| name == "reported_at").map(|at| at.parse::<DateTime<Utc>>().unwrap());
        match moment {
            Some(moment) => fields.push(format!("{name}: {}", moment.timestamp_micros())),
            None => fields.push(format!("{name}: {value}")),
        }
    }
    fields.sort();
    fields.join(", ")
}

fn plain_rows(rows: &Value) -> Vec<String> {
    let mut rows: Vec<String> = rows.as_array().unwrap().iter().map(plain).collect();
    rows.sort();
    rows
}

fn bundles_carry_local_actions_and_reports(app: &App) {
    let bundle = bundle_with_history();
    let answer = app.post("/v1/import", bundle.clone()).expect(200).json();
    assert_eq!(answer["local_actions"], json!({"created": 3, "updated": 0, "unchanged": 0}));
    assert_eq!(answer["reports"], json!({"created": 10, "updated": 0, "unchanged": 0}));
    let export = app.get("/v1/export").expect(200).json();
    assert_eq!(export["municipality"]["reporting_roles"], json!(["secretary", "member"]));
    assert_eq!(plain_rows(&export["local_actions"]), plain_rows(&bundle["local_actions"]));
    // An empty judgement may be null or left out.
    let without_none = |rows: &Value| {
        let mut rows = rows.clone();
        for row in rows.as_array_mut().unwrap() {
            if row["judgement"] == "none" {
                row.as_object_mut().unwrap().remove("judgement");
            }
        }
        plain_rows(&rows)
    };
    assert_eq!(without_none(&export["reports"]), without_none(&bundle["reports"]));
    // The latest counts, even if it is one microsecond later.
    let half = format!("/v1/actions/{}/assignments?occurrence=2024-H1&committee=l1", action_ids(app)["plan/a/half"]);
    assert_eq!(app.list(&half)[0]["stage"], "done");

    for again in [&bundle, &export] {
        let before = (app.changes(), app.get("/v1/export").json(), app.get("/v1/strategies/plan/progress").etag());
        let answer = app.post("/v1/import", again.clone()).expect(200).json();
        assert_eq!(answer["local_actions"], json!({"created": 0, "updated": 0, "unchanged": 3}));
        assert_eq!(answer["reports"], json!({"created": 0, "updated": 0, "unchanged": 10}));
        let after = (app.changes(), app.get("/v1/export").json(), app.get("/v1/strategies/plan/progress").etag());
        assert_eq!(after, before, "importing again changes nothing");
    }
    // Importing more reports adds only the new ones.
    let mut more = bundle.clone();
    more["local_actions"][0]["title"] = json!("Gåture");
    more["reports"][0]["reported_at"] = json!("2024-03-01T09:00:00Z");
    let before = app.changes();
    let answer = app.post("/v1/import", more).expect(200).json();
    assert_eq!(answer["local_actions"], json!({"created": 0, "updated": 1, "unchanged": 2}));
    assert_eq!(answer["reports"], json!({"created": 1, "updated": 0, "unchanged": 9}));
    assert_eq!(app.changes(), before + 2);
    assert_eq!(app.list(&half)[0]["stage"], "in_progress", "the one that was added is the latest now");
}

fn a_bundle_imported_elsewhere_gives_the_same_answers(app: &App) {
    app.import(&bundle_with_history()).unwrap();
    let mut export = app.get("/v1/export").expect(200).json();
    export["municipality"]["key"] = json!(ELSEWHERE);
    app.import(&export).unwrap();
    let there = app.token_of(ELSEWHERE, "med.admin");
    let read = |path: &str| app.request("GET", path).token(&there).send().expect(200).json();
    assert_eq!(read("/v1/export"), export);
    for committee in ["h", "l1", "l2", "old"] {
        let path = format!("/v1/committees/{committee}/progress");
        let (here, there) = (app.get(&path).json(), read(&path));
        for block in ["running", "local", "subtree"] {
            assert_eq!(here[block], there[block], "{committee}");
        }
        assert_eq!((&here["expected"], &here["done"]), (&there["expected"], &there["done"]), "{committee}");
    }
}

fn bundles_carry_reports_that_no_longer_count(app: &App) {
    app.import(&bundle_with_history()).unwrap();
    let half = format!("/v1/actions/{}", action_ids(app)["plan/a/half"]);
    let top = json!({"audience": [{"role": "responsible", "level": "top"}], "recurrence": "P3M"});
    app.patch(&half, top).expect(200);
    app.patch("/v1/committees/l2", json!({"ends_on": "2023-12-31"})).expect(200);
    app.patch("/v1/strategies/plan", json!({"starts_on": "2025-01-01"})).expect(200);
    assert_eq!(app.list(&format!("{half}/reports")).len(), 4, "history is not rewritten");
    // Reports on occurrences of another length, or by assignees that are no longer addressed or have ended, are
    // exported
    // and imported too.
    let mut export = app.get("/v1/export").expect(200).json();
    assert_eq!(export["reports"].as_array().unwrap().len(), 10);
    let again = app.post("/v1/import", export.clone()).expect(200).json();
    assert_eq!(again["reports"], json!({"created": 0, "updated": 0, "unchanged": 10}));
    export["municipality"]["key"] = json!(ELSEWHERE);
    app.import(&export).unwrap();
    let there = app.token_of(ELSEWHERE, "med.admin");
    assert_eq!(app.request("GET", "/v1/export").token(&there).send().expect(200).json(), export);
}

fn invalid_local_actions_in_bundles_are_refused(app: &App) {
    let mut bundle = bundle_with_history();
    bundle["reports"] = json!([]);
    bundle["local_actions"] = json!([
        with(walk(), json!({"committee": "l1"})),
        with(walk(), json!({"committee": "nowhere"})),
        with(walk(), json!({"committee": "l2", "parent": "plan/a/nowhere"})),
        with(walk(), json!({"committee": "l1", "title": "En gang til"})),
        with(walk(), json!({"committee": "h", "starts_on": "2025-02-01", "due_on": "2025-01-31"})),
    ]);
    let before = app.changes();
    app.post("/v1/import", bundle).expect_errors(&[
        "/local_actions/1/committee",
        "/local_actions/2/parent",
        "/local_actions/3/key",
        "/local_actions/4/due_on",
    ]);
    assert_eq!((app.changes(), app.list("/v1/actions").len()), (before, 0));
}

fn invalid_reports_in_bundles_are_refused(app: &App) {
    let mut bundle = bundle_with_history();
    let told = |fields: Value| {
        with(json!({"action": "plan/a/half", "committee": "l1", "occurrence": "2024-H1", "stage": "done"}), fields)
    };
    let at = |second: usize| json!({"reported_at": format!("2024-03-01T09:00:{second:02}Z")});
    let to_come = (Utc::now() + chrono::TimeDelta::hours(2)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    bundle["reports"] = json!([
        told(at(0)),
        told(with(at(1), json!({"action": "plan/a/nowhere"}))),
        told(with(at(2), json!({"committee": "nowhere"}))),
        told(with(at(3), json!({"reported_by": "nobody"}))),
        told(json!({"reported_at": to_come})),
        told(with(at(5), json!({"unit": "school"}))),
        told(with(at(6), json!({"committee": null}))),
    ]);
    let before = app.changes();
    app.post("/v1/import", bundle.clone()).expect_errors(&[
        "/reports/1/action",
        "/reports/2/committee",
        "/reports/3/reported_by",
        "/reports/4/reported_at",
        "/reports/5",
        "/reports/6",
    ]);
    assert_eq!((app.changes(), app.list("/v1/actions").len()), (before, 0));
    bundle["reports"] = json!([told(json!({"stage": "finished", "minutes_url": "http://x", "reported_at": "i går"}))]);
    let refused = app.post("/v1/import", bundle).expect_problem(422, "invalid-body");
    let pointers = refused.pointers();
    assert!(pointers.contains(&"/reports/0/stage".to_owned()), "{pointers:?}");
    assert!(pointers.contains(&"/reports/0/reported_at".to_owned()), "{pointers:?}");
    assert_eq!((app.changes(), app.list("/v1/actions").len()), (before, 0));
}

fn the_first_day_of_recurring_local_actions_can_not_be_removed(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let strategy = "/v1/strategies/timeless";
    app.patch(strategy, json!({"starts_on": "2024-01-01"})).expect(200);
    let of_timeless = with(walk(), json!({"parent": "timeless/a/once"}));
    let local = started(app, "l1", &with(of_timeless.clone(), json!({"recurrence": "P6M"})));
    // An action that is done once needs no first day.
    started(app, "l2", &of_timeless);
    let seen = || (app.get(strategy).json(), app.get(&local).json(), app.changes());
    let before = seen();
    for starts_on in [json!(null), json!("1989-12-31"), json!("0202-01-01")] {
        let change = json!({"starts_on": starts_on});
        app.patch(strategy, change.clone()).expect_errors(&["/starts_on"]);
        let whole = with(sample_municipality()["strategies"][2].clone(), change);
        app.put(strategy, whole.clone()).expect_errors(&["/starts_on"]);
        let bundle = json!({"municipality": sample_municipality()["municipality"], "strategies": [whole]});
        app.post("/v1/import", bundle).expect_errors(&["/strategies/0/starts_on"]);
        assert_eq!(seen(), before, "{starts_on}");
    }
    for starts_on in ["1990-01-01", "2025-01-01"] {
        app.patch(strategy, json!({"starts_on": starts_on})).expect(200);
    }
    // With its own first day, it does not depend on the strategy's.
    app.patch(&local, json!({"starts_on": "2025-02-01"})).expect(200);
    for starts_on in [json!(null), json!("1989-12-31")] {
        app.patch(strategy, json!({"starts_on": starts_on})).expect(200);
        let rows = app.list(&format!("{local}/assignments?on=2025-12-31"));
        let occurrences: Vec<&str> = rows.iter().map(|row| text(&row["occurrence"])).collect();
        assert_eq!(occurrences, ["2025-H1", "2025-H2"], "{starts_on}");
        app.patch(&local, json!({"starts_on": null})).expect_errors(&["/recurrence"]);
    }
}

fn local_actions_of_an_ended_committee_stay(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let local = started(app, "l1", &walk());
    let other = started(app, "l1", &with(walk(), json!({"key": "run"})));
    let change = |path: &str, token: &str, title: &str| {
        app.request("PATCH", path).token(token).header("if-match", "*").json(&json!({"title": title})).send()
    };
    let remove = |path: &str, token: &str| app.request("DELETE", path).token(token).header("if-match", "*").send();
    // It still exists on its last day.
    app.patch("/v1/committees/l1", json!({"ends_on": days_from_now(0)})).expect(200);
    change(&local, &chair(app), "Gåture").expect(200);
    app.patch("/v1/committees/l1", json!({"ends_on": days_from_now(-1)})).expect(200);
    let before = (app.list("/v1/committees/l1/actions"), app.changes());
    change(&local, &chair(app), "Løbeture").expect_errors(&[""]);
    remove(&other, &chair(app)).expect_errors(&[""]);
    for token in [chair(app), app.token("med.edit")] {
        start_as(app, &token, "l1", &with(walk(), json!({"key": "new"}))).expect_errors(&[""]);
    }
    // People without a right before the end have none after it.
    let stranger = token_for(app, "e-other", "med.report");
    change(&local, &stranger, "Løbeture").expect_problem(403, "may-not-report");
    remove(&other, &stranger).expect_problem(403, "may-not-report");
    assert_eq!((app.list("/v1/committees/l1/actions"), app.changes()), before);
    // An editor can correct it afterwards.
    let changed = change(&local, &app.token("med.edit"), "Løbeture").expect(200).json();
    assert_eq!(changed["title"], "Løbeture");
    remove(&other, &app.token("med.edit")).expect(204);
    assert_eq!(paths(app, "/v1/committees/l1/actions"), ["l1/walk"]);
}

fn missing_rows_are_404_rather_than_403(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let planned = format!("/v1/actions/{}", action_ids(app)["plan/a/half"]);
    let nowhere = "/v1/actions/0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01";
    let before = (app.get(&planned).json(), app.changes());
    for person in ["e-chair", "nobody"] {
        let token = token_for(app, person, "med.report");
        for method in ["PATCH", "DELETE"] {
            let send = |path: &str| {
                let request = app.request(method, path).token(&token).header("if-match", "*");
                request.json(&json!({"title": "X"})).send()
            };
            send(nowhere).expect_problem(404, "not-found");
            send(&planned).expect_problem(403, "insufficient-scope");
        }
    }
    assert_eq!((app.get(&planned).json(), app.changes()), before);
}

fn the_audience_may_name_the_own_committee(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let id = |key: &str| app.get(&format!("/v1/committees/{key}")).json()["id"].clone();
    let (l1, l2, key) = (id("l1"), id("l2"), json!("l1"));
    let body = |key: &str, committee: &Value| with(walk(), json!({"key": key, "committee": committee}));
    for (address, committee, key) in
        [("l1", &l1, "a"), ("l1", &key, "b"), (text(&l1), &key, "c"), (text(&l1), &l1, "d")]
    {
        let told = start_as(app, &chair(app), address, &body(key, committee)).expect(201).json();
        assert_eq!((&told["committee"], &told["path"]), (&json!("l1"), &json!(format!("l1/{key}"))), "{committee}");
    }
    let before = app.changes();
    let unknown = json!("0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01");
    for committee in [&l2, &json!("l2"), &unknown, &json!("nowhere")] {
        for token in [chair(app), app.token("med.edit")] {
            start_as(app, &token, "l1", &body("e", committee)).expect_errors(&["/committee"]);
        }
    }
    assert_eq!(app.changes(), before);
    assert_eq!(paths(app, "/v1/committees/l1/actions"), ["l1/a", "l1/b", "l1/c", "l1/d"]);
}
