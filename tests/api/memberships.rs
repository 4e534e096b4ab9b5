//! Memberships: seats, their holders and days, and who may see them.

use serde_json::{Value, json};

use crate::harness::{App, Response};

crate::tests![
    a_membership_is_created_changed_and_deleted,
    readers_see_names_and_only_hr_sees_keys,
    members_are_listed_while_seat_and_employment_last,
    a_committee_has_one_chair_at_a_time,
    the_trio_is_derived,
    the_tree_is_one_nested_answer,
    rows_with_seats_are_not_deleted,
    seats_are_answered_as_tables,
    a_new_name_changes_the_etag,
    statements_do_not_depend_on_the_number_of_members,
];

fn fill(app: &App) {
    app.post("/v1/levels", json!({"key": "l", "name": "L", "rank": 1})).expect(201);
    app.post("/v1/committees", json!({"key": "c", "name": "C", "level": "l", "form": "committee"})).expect(201);
    for (key, name, is_protected) in [("e-1", "Ane Holm", false), ("e-2", "Bo Lund", true), ("e-3", "Ea Krog", false)] {
        app.post("/v1/employees", json!({"key": key, "name": name, "name_protected": is_protected})).expect(201);
    }
}

fn seat(key: &str, employee: Option<&str>, role: &str) -> Value {
    json!({"key": key, "committee": "c", "employee": employee, "role": role})
}

fn get_as(app: &App, scope: &str, path: &str) -> Response {
    app.request("GET", path).token(&app.token(scope)).send()
}

fn a_membership_is_created_changed_and_deleted(app: &App) {
    fill(app);
    let created = app.post("/v1/memberships", seat("m", Some("e-1"), "member")).expect(201);
    assert_eq!(created.header("location"), Some("/v1/memberships/m"));
    assert_eq!(created.json()["name"], "Ane Holm");
    assert_eq!(app.get("/v1/memberships/m").expect(200).json(), created.json());
    app.post("/v1/memberships", seat("m", None, "member")).expect_problem(409, "already-exists");
    let vacant = app.patch("/v1/memberships/m", json!({"employee": null})).expect(200).json();
    assert_eq!((&vacant["vacant"], &vacant["name"], &vacant["version"]), (&json!(true), &json!(null), &json!(2)));
    let put = app.put("/v1/memberships/m", seat("m", Some("e-3"), "secretary")).expect(200).json();
    assert_eq!((&put["employee"], &put["role"]), (&json!("e-3"), &json!("secretary")));
    app.put_new("/v1/memberships/n", seat("n", None, "member")).expect(201);
    assert_eq!(app.keys("/v1/memberships"), ["m", "n"]);
    assert_eq!(app.keys("/v1/memberships?role=secretary"), ["m"]);
    assert_eq!(app.keys("/v1/memberships?committee=c&limit=1"), ["m", "n"]);
    app.patch("/v1/memberships/m", json!({"starts_on": "2025-02-01", "ends_on": "2025-01-31"}))
        .expect_errors(&["/ends_on"]);
    app.post("/v1/memberships", json!({"key": "x", "committee": "y", "employee": "z", "role": "king"}))
        .expect_errors(&["/role"]);
    app.post("/v1/memberships", json!({"key": "x", "committee": "y", "employee": "z", "role": "chair"}))
        .expect_errors(&["/committee", "/employee"]);
    app.post("/v1/memberships", seat("010180-1234", None, "member")).expect_errors(&["/key"]);
    app.patch("/v1/memberships/m", json!({"ends_on": "2025-12-31"})).expect(200);
    assert_eq!(app.list("/v1/changes").pop().unwrap()["operation"], "ended");
    app.delete("/v1/memberships/m").expect(204);
    app.get("/v1/memberships/m").expect(404);
}

fn readers_see_names_and_only_hr_sees_keys(app: &App) {
    fill(app);
    for (key, employee) in [("a", Some("e-1")), ("b", Some("e-2")), ("c", None)] {
        app.post("/v1/memberships", seat(key, employee, "member")).expect(201);
    }
    let logged = || app.list("/v1/access-log").len();
    let before = logged();
    for path in ["/v1/committees/c/members", "/v1/memberships"] {
        let page = get_as(app, "med.read", path).expect(200).json();
        let shown: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|row| (&row["name"], &row["vacant"])).collect();
        let (name, hidden, taken) = (json!("Ane Holm"), json!(null), json!(false));
        assert_eq!(shown, [(&name, &taken), (&hidden, &taken), (&hidden, &json!(true))]);
        assert!(page["items"].as_array().unwrap().iter().all(|row| row["employee"].is_null()), "{page}");
        let text = page.to_string();
        assert!(!text.contains("\"e-1\"") && !text.contains("Lund"), "{text}");
    }
    for path in ["/v1/memberships/b", "/v1/committees/c/trio"] {
        let text = String::from_utf8(get_as(app, "med.read", path).expect(200).body).unwrap();
        assert!(!text.contains("Lund") && !text.contains("\"e-2\""), "{text}");
    }
    assert_eq!(logged(), before, "the house reads what is the house's");
    let page = get_as(app, "med.hr", "/v1/committees/c/members").expect(200).json();
    assert_eq!((&page["items"][1]["name"], &page["items"][1]["employee"]), (&json!("Bo Lund"), &json!("e-2")));
    get_as(app, "med.hr", "/v1/memberships/b").expect(200);
    get_as(app, "med.hr", "/v1/memberships/c").expect(200);
    let log = app.list("/v1/access-log");
    let entry = |row: &Value| (row["operation"].as_str().unwrap().to_owned(), row["rows"].as_i64().unwrap());
    let expected = [("list_members", 2), ("read_membership", 1)].map(|(what, rows)| (what.to_owned(), rows));
    assert_eq!(log[before..].iter().map(entry).collect::<Vec<_>>(), expected);
    // An editor of seats need not see employees' keys.
    let edited = app.request("PATCH", "/v1/memberships/b").token(&app.token("med.edit")).header("if-match", "*");
    let edited = edited.json(&json!({"role": "substitute"})).send().expect(200).json();
    assert_eq!((&edited["employee"], &edited["name"]), (&json!(null), &json!(null)));
    let holder = || get_as(app, "med.hr", "/v1/memberships/b").json()["employee"].clone();
    assert_eq!(holder(), "e-2", "and the holder stays");
    // An editor's PUT of what they read keeps the holder.
    let put = app.request("PUT", "/v1/memberships/b").token(&app.token("med.edit")).header("if-match", "*");
    put.json(&seat("b", None, "member")).send().expect(200);
    assert_eq!(holder(), "e-2");
    let vacated = app.request("PATCH", "/v1/memberships/b").token(&app.token("med.edit")).header("if-match", "*");
    vacated.json(&json!({"employee": null})).send().expect(200);
    assert_eq!(holder(), json!(null));
    // Filling a seat shows the holder's name, which is logged.
    let before = logged();
    let filled = app.request("PATCH", "/v1/memberships/b").token(&app.token("med.edit")).header("if-match", "*");
    filled.json(&json!({"employee": "e-3"})).send().expect(200);
    assert_eq!(logged(), before + 1);
}

fn members_are_listed_while_seat_and_employment_last(app: &App) {
    fill(app);
    app.patch("/v1/committees/c", json!({"starts_on": "2025-01-01", "ends_on": "2025-12-31"})).expect(200);
    app.patch("/v1/employees/e-1", json!({"starts_on": "2025-03-01", "ends_on": "2025-10-31"})).expect(200);
    let mut term = seat("a", Some("e-1"), "member");
    term["starts_on"] = json!("2025-02-01");
    app.post("/v1/memberships", term).expect(201);
    let mut to_come = seat("b", Some("e-3"), "member");
    to_come["starts_on"] = json!("2025-06-01");
    app.post("/v1/memberships", to_come).expect(201);
    app.post("/v1/memberships", seat("v", None, "member")).expect(201);
    let on = |day: &str| app.keys(&format!("/v1/committees/c/members?on={day}"));
    assert_eq!(on("2024-12-31"), [""; 0]);
    assert_eq!(on("2025-02-15"), ["v"]);
    assert_eq!(on("2025-03-01"), ["a", "v"]);
    assert_eq!(on("2025-06-01"), ["a", "b", "v"]);
    assert_eq!(on("2025-11-01"), ["b", "v"]);
    assert_eq!(on("2026-01-01"), [""; 0]);
    assert_eq!(app.keys("/v1/committees/c/members"), [""; 0], "today, unless a day is named");
    assert_eq!(app.keys("/v1/memberships"), ["a", "b", "v"], "the rows themselves stay");
    app.get("/v1/committees/nowhere/members").expect_problem(404, "not-found");
    app.get("/v1/committees/c/members?on=2025-02-30").expect_problem(400, "invalid-query");
}

fn a_committee_has_one_chair_at_a_time(app: &App) {
    fill(app);
    app.post("/v1/memberships", seat("a", Some("e-1"), "chair")).expect(201);
    app.post("/v1/memberships", seat("b", Some("e-3"), "chair")).expect_errors(&["/role"]);
    app.post("/v1/memberships", seat("b", None, "chair")).expect(201);
    app.patch("/v1/memberships/b", json!({"employee": "e-3"})).expect_errors(&["/role"]);
    app.patch("/v1/memberships/a", json!({"ends_on": "2025-12-31"})).expect(200);
    app.patch("/v1/memberships/b", json!({"employee": "e-3", "starts_on": "2025-12-31"})).expect_errors(&["/role"]);
    app.patch("/v1/memberships/b", json!({"employee": "e-3", "starts_on": "2026-01-01"})).expect(200);
    app.patch("/v1/memberships/a", json!({"ends_on": "2026-01-01"})).expect_errors(&["/role"]);
    app.post("/v1/committees", json!({"key": "d", "name": "D", "level": "l", "form": "committee"})).expect(201);
    app.post("/v1/memberships", json!({"key": "d", "committee": "d", "employee": "e-1", "role": "chair"})).expect(201);
    let bundle = json!({
        "municipality": {"key": "testby", "code": "999", "name": "testby"},
        "memberships": [
            {"key": "x", "committee": "d", "employee": "e-2", "role": "chair"},
            {"key": "y", "committee": "c", "employee": "e-2", "role": "chair", "starts_on": "2020-01-01",
                "ends_on": "2020-12-31"},
        ],
    });
    app.post("/v1/import", bundle).expect_errors(&["/memberships/0/role"]);
}

fn the_trio_is_derived(app: &App) {
    fill(app);
    let trio = |role: &str, function: Option<&str>, employee: &str| {
        let key = format!("{employee}-{role}");
        let mut body = seat(&key, Some(employee), role);
        body["function"] = json!(function);
        app.post("/v1/memberships", body).expect(201);
        app.get("/v1/committees/c/trio").expect(200).json()
    };
    assert_eq!(trio("chair", Some("leader"), "e-1")["complete"], false);
    assert_eq!(trio("deputy_chair", Some("shop_steward"), "e-2")["complete"], false);
    let substitute = trio("substitute", Some("safety_rep"), "e-3");
    assert_eq!((&substitute["complete"], &substitute["safety_rep"]), (&json!(false), &json!([])));
    let complete = trio("member", Some("safety_rep"), "e-3");
    assert_eq!(complete["complete"], true);
    assert_eq!(complete["leader"][0]["name"], "Ane Holm");
    assert_eq!(complete["safety_rep"][0]["key"], "e-3-member");
    app.patch("/v1/employees/e-3", json!({"ends_on": "2025-01-01"})).expect(200);
    assert_eq!(app.get("/v1/committees/c/trio").json()["complete"], false);
    assert_eq!(app.get("/v1/committees/c/trio?on=2025-01-01").json()["complete"], true);
}

fn the_tree_is_one_nested_answer(app: &App) {
    app.post("/v1/levels", json!({"key": "l", "name": "L", "rank": 1})).expect(201);
    for (key, parent, ends_on) in [
        ("top", None, None),
        ("mid", Some("top"), Some("2025-06-30")),
        ("b", Some("mid"), None),
        ("a", Some("mid"), None),
    ] {
        app.post(
            "/v1/committees",
            json!({"key": key, "name": key, "level": "l", "form": "committee", "parent": parent, "ends_on": ends_on}),
        )
        .expect(201);
    }
    fn shape(node: &Value) -> String {
        let children: Vec<String> = node["children"].as_array().unwrap().iter().map(shape).collect();
        format!("{}({})", node["key"].as_str().unwrap(), children.join(" "))
    }
    let tree = |query: &str| {
        let tree = get_as(app, "med.read", &format!("/v1/committees/tree{query}")).expect(200).json();
        tree["committees"].as_array().unwrap().iter().map(shape).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(tree("?on=2025-01-01"), "top(mid(a() b()))");
    assert_eq!(tree(""), "top(a() b())", "what is below a committee that ended hangs on");
    let reserved = json!({"key": "tree", "name": "T", "level": "l", "form": "committee"});
    app.post("/v1/committees", reserved.clone()).expect_errors(&["/key"]);
    app.request("PUT", "/v1/committees/tree").json(&reserved).send().expect_problem(405, "method-not-allowed");
}

fn rows_with_seats_are_not_deleted(app: &App) {
    fill(app);
    app.post("/v1/memberships", seat("m", Some("e-1"), "member")).expect(201);
    let refused = app.delete("/v1/employees/e-1").expect_problem(409, "in-use").json();
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("'m'"), "{refused}");
    let refused = app.delete("/v1/committees/c").expect_problem(409, "in-use").json();
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("'m'"), "{refused}");
    app.delete("/v1/memberships/m").expect(204);
    app.delete("/v1/committees/c").expect(204);
    app.delete("/v1/employees/e-1").expect(204);
}

fn seats_are_answered_as_tables(app: &App) {
    fill(app);
    app.patch("/v1/employees/e-1", json!({"name": "=HYPERLINK(\"x\")", "title": "+1; 2"})).expect(200);
    for n in 0..3 {
        app.post("/v1/memberships", seat(&format!("m{n}"), Some("e-1"), "member")).expect(201);
    }
    let text = |answer: Response| String::from_utf8(answer.expect(200).body).unwrap();
    let csv = app.request("GET", "/v1/committees/c/members?limit=1").header("accept", "text/csv").send();
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert!(csv.lists("vary", "accept") && csv.lists("vary", "authorization"));
    let tag = csv.etag();
    let csv = text(csv);
    assert_eq!(csv.lines().count(), 4, "a header and every row: {csv}");
    assert!(csv.contains(",\"'=HYPERLINK(\"\"x\"\")\","), "{csv}");
    let again = app.request("GET", "/v1/committees/c/members?format=csv").header("if-none-match", &tag).send();
    again.expect(304);
    let excel = text(app.get("/v1/employees?format=csv-excel-da"));
    assert!(excel.starts_with('\u{feff}') && excel.contains(";\"'+1; 2\";"), "{excel}");
    let columns = |csv: &str| csv.lines().next().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>();
    for path in ["/v1/employees", "/v1/committees", "/v1/memberships"] {
        let row = app.get(path).json()["items"][0].clone();
        let fields: Vec<String> = row.as_object().unwrap().keys().cloned().collect();
        assert_eq!(columns(&text(app.get(&format!("{path}?format=csv")))), fields, "{path}");
    }
    assert!(!text(get_as(app, "med.read", "/v1/memberships?format=csv")).contains(",e-1,"));
    app.get("/v1/employees?format=xml").expect_problem(400, "invalid-query");
    let cursor = app.get("/v1/memberships?limit=1").json()["next"].as_str().unwrap().to_owned();
    app.get(&format!("/v1/memberships?format=csv&cursor={cursor}")).expect_problem(400, "invalid-query");
}

fn a_new_name_changes_the_etag(app: &App) {
    fill(app);
    app.post("/v1/memberships", seat("m", Some("e-1"), "member")).expect(201);
    let read = |scope: &str, tag: &str| {
        app.request("GET", "/v1/memberships/m").token(&app.token(scope)).header("if-none-match", tag).send()
    };
    let sample_municipality = get_as(app, "med.read", "/v1/memberships/m").etag();
    let hr = get_as(app, "med.hr", "/v1/memberships/m").etag();
    assert_ne!(sample_municipality, hr, "another scope sees another answer");
    read("med.read", &sample_municipality).expect(304);
    app.patch("/v1/employees/e-1", json!({"name": "Ane Holm-Lund"})).expect(200);
    assert_eq!(read("med.read", &sample_municipality).expect(200).json()["name"], "Ane Holm-Lund");
    let change = app.request("PATCH", "/v1/memberships/m").header("if-match", &sample_municipality);
    change.json(&json!({"role": "secretary"})).send().expect(200);
    let stale = app.request("PATCH", "/v1/memberships/m").header("if-match", &hr);
    stale.json(&json!({"role": "member"})).send().expect_problem(412, "precondition-failed");
}

fn statements_do_not_depend_on_the_number_of_members(app: &App) {
    fill(app);
    let cost = || app.statements(|| drop(get_as(app, "med.read", "/v1/committees/c/members?limit=200").expect(200)));
    app.post("/v1/memberships", seat("m", Some("e-1"), "member")).expect(201);
    let of_one = cost();
    for n in 0..30 {
        app.post("/v1/memberships", seat(&format!("m{n}"), Some("e-3"), "member")).expect(201);
    }
    assert_eq!(cost(), of_one);
    assert!(of_one <= 4, "{of_one} statements");
}
