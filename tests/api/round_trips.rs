//! What GET answers can be sent back by PUT as it is.

use serde_json::{Value, json};

use crate::harness::{App, Response};
use crate::indicators::{indicator, sample_municipality};

crate::tests![
    rows_can_be_put_back_as_they_were_read,
    fields_of_the_service_must_say_what_is_stored,
    a_new_row_has_no_fields_of_the_service,
    a_membership_is_put_back_as_its_reader_saw_it,
    the_contract_marks_the_fields_of_the_service,
];

const ROWS: [&str; 6] =
    ["levels/top", "units/school", "employees/e-1", "committees/c", "memberships/m", "indicators/i"];

fn fill(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let post = |path: &str, body: Value| app.post(path, body).expect(201);
    post("/v1/employees", json!({"key": "e-1", "name": "Ane Holm", "unit": "school", "email": "ane@example.org"}));
    post("/v1/employees", json!({"key": "e-2", "name": "Bo Lund", "name_protected": true}));
    let committee = json!({
        "key": "c", "name": "C", "level": "top", "form": "committee", "units": ["school"], "starts_on": "2020-01-01",
    });
    post("/v1/committees", committee);
    post("/v1/memberships", json!({"key": "m", "committee": "c", "employee": "e-1", "role": "chair"}));
    post("/v1/memberships", json!({"key": "p", "committee": "c", "employee": "e-2", "role": "member"}));
    post("/v1/indicators", indicator("i", json!({"objectives": ["plan/a/o"]})));
}

fn put(app: &App, row: &str, body: &Value) -> Response {
    app.put(&format!("/v1/{row}"), body.clone())
}

fn rows_can_be_put_back_as_they_were_read(app: &App) {
    fill(app);
    let before = app.changes();
    for row in ROWS {
        let read = app.get(&format!("/v1/{row}")).expect(200).json();
        assert_eq!(put(app, row, &read).expect(200).json(), read, "{row}");
    }
    assert_eq!(app.changes(), before, "nothing has changed");
    let mut unit = app.get("/v1/units/school").json();
    unit["name"] = "Den nye skole".into();
    let changed = put(app, "units/school", &unit).expect(200).json();
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Den nye skole"), &json!(2)));
}

fn fields_of_the_service_must_say_what_is_stored(app: &App) {
    fill(app);
    for row in ROWS {
        let read = app.get(&format!("/v1/{row}")).expect(200).json();
        let mut wrong = read.clone();
        wrong["id"] = "0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01".into();
        wrong["version"] = 99.into();
        wrong["updated_at"] = "2001-01-01T00:00:00Z".into();
        put(app, row, &wrong).expect_errors(&["/id", "/updated_at", "/version"]);
        wrong["version"] = "first".into();
        put(app, row, &wrong).expect_errors(&["/version"]);
        let mut unknown = read;
        unknown["colour"] = "red".into();
        put(app, row, &unknown).expect_errors(&["/colour"]);
    }
    let mut seat = app.get("/v1/memberships/m").json();
    seat["name"] = "Bo Lund".into();
    seat["vacant"] = true.into();
    put(app, "memberships/m", &seat).expect_errors(&["/name", "/vacant"]);
}

fn a_new_row_has_no_fields_of_the_service(app: &App) {
    fill(app);
    let mut unit = app.get("/v1/units/school").json();
    unit["key"] = "copy".into();
    app.put_new("/v1/units/copy", unit.clone()).expect_errors(&["/created_at", "/id", "/updated_at", "/version"]);
    let fields = unit.as_object_mut().unwrap();
    fields.retain(|name, _| !["id", "version", "created_at", "updated_at"].contains(&name.as_str()));
    app.put_new("/v1/units/copy", unit.clone()).expect(201);
    unit["id"] = app.get("/v1/units/copy").json()["id"].clone();
    app.post("/v1/units", unit).expect_errors(&["/id"]);
}

fn a_membership_is_put_back_as_its_reader_saw_it(app: &App) {
    fill(app);
    let editor = app.token("med.read med.edit");
    for key in ["m", "p"] {
        let path = format!("/v1/memberships/{key}");
        let seen = app.request("GET", &path).token(&editor).send().expect(200).json();
        assert_eq!(seen["employee"], Value::Null);
        let whole = app.get(&path).json();
        let put = |body: &Value| app.request("PUT", &path).token(&editor).header("if-match", "*").json(body).send();
        assert_eq!(put(&seen).expect(200).json(), seen);
        assert_eq!(app.get(&path).json(), whole, "the holder stays");
        let mut guess = seen;
        guess["name"] = "Cilla Dam".into();
        put(&guess).expect_errors(&["/name"]);
    }
    let mut named = app.request("GET", "/v1/memberships/p").token(&editor).send().json();
    named["name"] = "Bo Lund".into();
    let put = app.request("PUT", "/v1/memberships/p").token(&editor).header("if-match", "*").json(&named).send();
    put.expect_errors(&["/name"]);
}

fn the_contract_marks_the_fields_of_the_service(app: &App) {
    let contract = app.get("/v1/openapi.json").expect(200).json();
    for row in ROWS {
        let (collection, _) = row.split_once('/').unwrap();
        let operation = &contract["paths"][format!("/v1/{collection}/{{id}}")]["put"];
        let name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
        let schema = contract.pointer(name.strip_prefix('#').unwrap()).unwrap();
        for field in ["id", "version", "created_at", "updated_at"] {
            assert_eq!(schema["properties"][field]["readOnly"], true, "{row}: {field}");
        }
        assert!(schema["properties"]["key"].get("readOnly").is_none(), "{row}");
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        assert!(example.get("id").is_none() && example.get("key").is_some(), "{row}: {example}");
    }
}
