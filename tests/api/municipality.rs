//! The municipality itself.

use serde_json::json;

use crate::harness::{App, ELSEWHERE, HERE};

crate::tests![a_token_reads_its_own_municipality, settings_change_with_a_version];

fn a_token_reads_its_own_municipality(app: &App) {
    for key in [HERE, ELSEWHERE] {
        let answer = app.request("GET", "/v1/municipality").token(&app.token_of(key, "med.read")).send();
        assert_eq!(answer.expect(200).json()["key"], key);
    }
}

fn settings_change_with_a_version(app: &App) {
    let changed = app.patch("/v1/municipality", json!({"name": "Testby Kommune"})).expect(200).json();
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Testby Kommune"), &json!(2)));
    app.patch("/v1/municipality", json!({"key": "nyby"})).expect_errors(&["/key"]);
    for code in [json!("12"), json!("1234"), json!("12a"), json!(165)] {
        app.patch("/v1/municipality", json!({"code": code})).expect_errors(&["/code"]);
    }
    app.request("PATCH", "/v1/municipality").json(&json!({})).send().expect_problem(428, "precondition-required");
    assert_eq!(app.get("/v1/municipality").json(), changed);
}
