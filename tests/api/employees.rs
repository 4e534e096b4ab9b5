//! Employees: personal data for `med.hr` only, with a log of every read.

use serde_json::{Value, json};

use crate::harness::{App, sql};

crate::tests![
    an_employee_is_created_changed_and_deleted,
    only_hr_sees_employees,
    cpr_numbers_are_refused,
    filters_select_employees,
    every_read_is_logged,
    a_read_that_cannot_be_logged_is_refused,
    the_access_log_is_kept_for_a_limited_time,
    a_unit_with_employees_is_not_deleted,
];

fn employee(key: &str) -> Value {
    json!({"key": key, "name": "Ane Holm", "email": "ane@testby.example", "title": "Pædagog"})
}

fn an_employee_is_created_changed_and_deleted(app: &App) {
    app.post("/v1/units", json!({"key": "u", "name": "U", "kind": "workplace"})).expect(201);
    let created = app.post("/v1/employees", employee("M.1")).expect(201);
    assert_eq!(created.header("location"), Some("/v1/employees/M.1"));
    assert_eq!(app.get("/v1/employees/M.1").expect(200).json(), created.json());
    let changed = app.patch("/v1/employees/M.1", json!({"unit": "u", "title": null})).expect(200).json();
    assert_eq!((&changed["unit"], &changed["title"], &changed["version"]), (&json!("u"), &json!(null), &json!(2)));
    let put = app.put("/v1/employees/M.1", json!({"key": "M.1", "name": "Ane"})).expect(200).json();
    assert_eq!((&put["unit"], &put["email"]), (&json!(null), &json!(null)));
    let crossed = json!({"starts_on": "2025-02-01", "ends_on": "2025-01-31"});
    app.patch("/v1/employees/M.1", crossed).expect_errors(&["/ends_on"]);
    app.patch("/v1/employees/M.1", json!({"email": "no address"})).expect_errors(&["/email"]);
    app.patch("/v1/employees/M.1", json!({"unit": "nowhere"})).expect_errors(&["/unit"]);
    let private = json!({"union": "x", "cpr": "x", "absence": 1});
    app.patch("/v1/employees/M.1", private).expect_errors(&["/union", "/cpr", "/absence"]);
    app.patch("/v1/employees/M.1", json!({"ends_on": "2025-12-31"})).expect(200);
    assert_eq!(app.list("/v1/changes").pop().unwrap()["operation"], "ended");
    app.delete("/v1/employees/M.1").expect(204);
    app.get("/v1/employees/M.1").expect(404);
}

fn only_hr_sees_employees(app: &App) {
    app.post("/v1/employees", employee("m-1")).expect(201);
    for scope in ["med.read", "med.edit", "med.report", "med.measure", "med.progress", "med.audit"] {
        for path in ["/v1/employees", "/v1/employees/m-1"] {
            let answer = app.request("GET", path).token(&app.token(scope)).send();
            answer.expect_problem(403, "insufficient-scope");
        }
    }
    app.request("GET", "/v1/employees/m-1").token(&app.token("med.hr")).send().expect(200);
}

fn cpr_numbers_are_refused(app: &App) {
    let before = app.changes();
    for (field, value) in [
        ("key", "010180-1234"),
        ("key", "0101801234"),
        ("name", "Ane Holm 010180-1234"),
        ("title", "Leder (0101801234)"),
        ("email", "0101801234@testby.example"),
    ] {
        let mut body = employee("m-1");
        body[field] = json!(value);
        let refused = app.post("/v1/employees", body).expect_errors(&[&format!("/{field}")]);
        assert!(!String::from_utf8(refused.body).unwrap().contains("1234"), "the number is not repeated");
    }
    assert_eq!(app.changes(), before);
    let mut body = employee("45678901");
    body["title"] = json!("Hold 320180-1234");
    app.post("/v1/employees", body).expect(201);
}

fn filters_select_employees(app: &App) {
    app.post("/v1/units", json!({"key": "u", "name": "U", "kind": "workplace"})).expect(201);
    for (key, unit, ends_on) in [("a", Some("u"), None), ("b", Some("u"), Some("2024-12-31")), ("c", None, None)] {
        app.post("/v1/employees", json!({"key": key, "name": key, "unit": unit, "ends_on": ends_on})).expect(201);
    }
    assert_eq!(app.keys("/v1/employees?unit=u"), ["a", "b"]);
    assert_eq!(app.keys("/v1/employees?unit=u&on=2025-01-01"), ["a"]);
    assert_eq!(app.keys("/v1/employees?limit=1"), ["a", "b", "c"]);
    app.get("/v1/employees?q=ane").expect_problem(400, "invalid-query");
    app.get("/v1/employees?name=ane").expect_problem(400, "invalid-query");
}

fn log(app: &App) -> Vec<(String, i64)> {
    let page = app.get("/v1/access-log?limit=200").expect(200).json();
    let entry = |row: &Value| (row["operation"].as_str().unwrap().to_owned(), row["rows"].as_i64().unwrap());
    page["items"].as_array().unwrap().iter().map(entry).collect()
}

fn every_read_is_logged(app: &App) {
    for key in ["a", "b"] {
        app.post("/v1/employees", employee(key)).expect(201);
    }
    assert_eq!(log(app), []);
    let seen = app.get("/v1/employees/a").expect(200);
    app.get("/v1/employees").expect(200);
    app.get("/v1/export").expect(200);
    app.patch("/v1/employees/a", json!({})).expect(200);
    app.request("GET", "/v1/employees/a").header("if-none-match", &seen.etag()).send().expect(304);
    app.get("/v1/employees/nobody").expect(404);
    let expected = [
        ("read_employee", 1),
        ("list_employees", 2),
        ("export_bundle", 2),
        ("change_employee", 1),
        ("read_employee", 1),
    ];
    assert_eq!(log(app), expected.map(|(operation, rows)| (operation.to_owned(), rows)));
    let entry = app.get("/v1/access-log?limit=1").json()["items"][0].clone();
    assert_eq!((&entry["subject"], &entry["employee_id"]), (&json!("tester"), &seen.json()["id"]));
    let next = app.get(&format!("/v1/access-log?after={}&limit=1", entry["sequence"])).json();
    assert_eq!(next["items"][0]["operation"], "list_employees");
}

fn a_read_that_cannot_be_logged_is_refused(app: &App) {
    app.post("/v1/employees", employee("a")).expect(201);
    sql(&app.database, "ALTER TABLE access_log RENAME TO gone");
    for path in ["/v1/employees", "/v1/employees/a", "/v1/export"] {
        let refused = app.get(path).expect_problem(500, "internal");
        assert!(!String::from_utf8(refused.body).unwrap().contains("Holm"));
    }
}

fn the_access_log_is_kept_for_a_limited_time(app: &App) {
    app.post("/v1/employees", employee("a")).expect(201);
    app.get("/v1/employees/a").expect(200);
    sql(&app.database, "UPDATE access_log SET at = '2020-01-01 00:00:00'");
    assert_eq!(log(app), [], "what is too old is not shown, even before it is gone");
    app.get("/v1/employees").expect(200);
    assert_eq!(log(app), [("list_employees".to_owned(), 1)]);
}

fn a_unit_with_employees_is_not_deleted(app: &App) {
    app.post("/v1/units", json!({"key": "u", "name": "U", "kind": "workplace"})).expect(201);
    app.post("/v1/employees", json!({"key": "hemmelig-1", "name": "A", "unit": "u"})).expect(201);
    let refused = app.delete("/v1/units/u").expect_problem(409, "in-use").json();
    assert_eq!(refused["errors"], json!([{"pointer": "", "detail": "is the workplace of 1 employees"}]));
}
