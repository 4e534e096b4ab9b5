//! People: the person of a token, former employees, anonymisation, and proposals for committees.

use chrono::{Days, NaiveDate};
use medstrategi::period::today;
use serde_json::{Value, json};

use crate::harness::{App, HERE};

crate::tests![
    me_describes_the_person_of_the_token,
    people_are_matched_by_exact_claim_only,
    an_employee_who_left_is_anonymised_everywhere,
    current_employees_are_not_anonymised,
    deleted_employees_leave_no_name,
    the_change_log_shows_people_to_hr_only,
    proposals_list_what_should_be_decided,
    statements_do_not_depend_on_the_number_of_proposals,
];

fn organisation() -> Value {
    json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [
            {"key": "top", "name": "Top", "rank": 1},
            {"key": "local", "name": "Lokal", "rank": 2, "staff_meeting_below": 20},
        ],
        "units": [
            {"key": "centre", "name": "Center", "kind": "centre"},
            {"key": "school", "name": "Skolen", "kind": "workplace", "parent": "centre", "headcount": 40},
            {"key": "class", "name": "Klassen", "kind": "other", "parent": "school"},
        ],
        "employees": [
            {"key": "tester", "name": "Ane Holm", "title": "Lærer", "email": "ane@testby.example", "unit": "class"},
            {"key": "e-2", "name": "Bo Lund"},
        ],
        "committees": [
            {"key": "h", "name": "H", "level": "top", "form": "committee"},
            {"key": "s", "name": "S", "level": "local", "parent": "h", "form": "committee", "units": ["school"]},
            {"key": "w", "name": "W", "parent": "h", "form": "work_group", "units": ["class"]},
        ],
        "memberships": [
            {"key": "h-chair", "committee": "h", "employee": "e-2", "role": "chair"},
            {"key": "h-rep", "committee": "h", "employee": "e-2", "role": "member", "function": "safety_rep"},
            {"key": "s-chair", "committee": "s", "employee": "tester", "role": "chair"},
            {"key": "s-rep", "committee": "s", "employee": "e-2", "role": "member", "function": "safety_rep"},
            {"key": "s-past", "committee": "s", "employee": "tester", "role": "secretary", "ends_on": "2024-12-31"},
        ],
    })
}

fn me_describes_the_person_of_the_token(app: &App) {
    app.import(&organisation()).unwrap();
    for scope in ["med.progress", "med.read", "med.report", "med.audit"] {
        let me = app.request("GET", "/v1/me").token(&app.token(scope)).send().expect(200).json();
        assert_eq!((&me["subject"], &me["municipality"]), (&json!("tester"), &json!(HERE)));
        let employee = json!({"key": "tester", "name": "Ane Holm", "title": "Lærer", "unit": "class",
            "has_personnel_responsibility": false});
        assert_eq!(me["employee"], employee);
        let seats: Vec<&Value> = me["memberships"].as_array().unwrap().iter().map(|seat| &seat["membership"]).collect();
        assert_eq!(seats, ["s-chair"], "those of today");
        let chain: Vec<&Value> = me["chain"].as_array().unwrap().iter().map(|above| &above["key"]).collect();
        assert_eq!(chain, ["s", "h"], "the nearest first, no work groups");
    }
    app.put_new(
        "/v1/committees/m",
        json!({"key": "m", "name": "M", "level": "top", "parent": "h", "form": "committee"}),
    )
    .expect(201);
    app.patch("/v1/committees/s", json!({"parent": "m"})).expect(200);
    let keys = || -> Vec<Value> {
        app.get("/v1/me").json()["chain"].as_array().unwrap().iter().map(|above| above["key"].clone()).collect()
    };
    assert_eq!(keys(), ["s", "m", "h"]);
    app.patch("/v1/committees/m", json!({"ends_on": "2025-01-31"})).expect(200);
    assert_eq!(keys(), ["s", "h"], "past a committee that is no more");
    let read = app.request("GET", "/v1/me").token(&app.token("med.read")).send().json();
    assert_eq!(read["scopes"], json!(["med.progress", "med.read"]));
    assert_eq!(app.list("/v1/access-log").len(), 0, "one's own data is one's own");
}

fn people_are_matched_by_exact_claim_only(app: &App) {
    let nobody = |why: &str| {
        let me = app.get("/v1/me").expect(200).json();
        assert_eq!(
            (&me["employee"], &me["memberships"], &me["chain"]),
            (&json!(null), &json!([]), &json!([])),
            "{why}"
        );
    };
    nobody("there are no employees");
    let mut bundle = organisation();
    bundle["employees"][0]["key"] = json!("Tester");
    bundle["memberships"] = json!([]);
    app.import(&bundle).unwrap();
    nobody("keys are exact");
    bundle["employees"][0] = json!({"key": "tester", "name": "Ane Holm", "ends_on": "2025-01-31"});
    app.import(&bundle).unwrap();
    nobody("the employment has ended");
}

fn an_employee_who_left_is_anonymised_everywhere(app: &App) {
    app.import(&organisation()).unwrap();
    app.patch("/v1/employees/tester", json!({"name": "Ane Holm-Krog", "ends_on": "2025-01-31"})).expect(200);
    let before = app.changes();
    let request = || app.request("POST", "/v1/employees/tester/anonymise");
    request().send().expect_problem(428, "precondition-required");
    request().header("if-match", "\"1\"").send().expect_problem(412, "precondition-failed");
    request().token(&app.token("med.edit")).header("if-match", "*").send().expect(403);
    let left = request().header("if-match", "*").send().expect(200).json();
    assert_eq!((&left["email"], &left["title"], &left["version"]), (&json!(null), &json!(null), &json!(3)));
    assert_eq!(left, app.get("/v1/employees/tester").json());
    let log = app.list("/v1/changes");
    assert_eq!(log.len(), before + 1, "a redaction is a change of its own");
    let last = log.last().unwrap();
    assert_eq!(
        (&last["operation"], &last["before"], &last["after"]["key"]),
        (&json!("redacted"), &json!(null), &json!("tester"))
    );
    let about: Vec<&Value> = log.iter().filter(|row| row["entity_id"] == left["id"]).collect();
    assert_eq!(about.len(), 3);
    assert_eq!((&about[1]["after"]["ends_on"], &about[1]["before"]["unit"]), (&json!("2025-01-31"), &json!("class")));
    for path in ["/v1/changes?limit=200", "/v1/export", "/v1/employees", "/v1/memberships", "/v1/access-log"] {
        let text = String::from_utf8(app.get(path).expect(200).body).unwrap();
        for word in ["Ane", "Holm", "Krog", "ane@", "Lærer"] {
            assert!(!text.contains(word), "{path} still has '{word}': {text}");
        }
    }
    assert_eq!(app.keys("/v1/memberships?committee=s"), ["s-chair", "s-past", "s-rep"], "seats stay countable");
    assert_eq!(app.get("/v1/employees/e-2").json()["name"], "Bo Lund");
    // Other writes that still name the person do not restore the name.
    let mut bundle = organisation();
    bundle["employees"][0]["ends_on"] = json!("2025-01-31");
    app.import(&bundle).unwrap();
    app.patch("/v1/employees/tester", json!({"name": "Ane Holm"})).expect(200);
    assert_eq!(app.get("/v1/employees/tester").json()["name"], left["name"]);
    app.patch("/v1/employees/tester", json!({"ends_on": null})).expect_errors(&["/name"]);
    // A file that still lists the person does not restore the name. One that employs them again does.
    app.patch("/v1/employees/tester", json!({"managed_by": "hr"})).expect(200);
    let sync = |row: Value| {
        let answer = app.post("/v1/hr-sync", json!({"employees": [row]})).expect(200).json();
        (answer["employees"]["counts"].clone(), app.get("/v1/employees/tester").json()["name"].clone())
    };
    let (counts, name) = sync(json!({"key": "tester", "name": "Ane Holm", "ends_on": "2025-01-31"}));
    assert_eq!((&counts["unchanged"], name), (&json!(1), left["name"].clone()));
    let (counts, name) = sync(json!({"key": "tester", "name": "Ane Holm", "ends_on": null}));
    assert_eq!((&counts["reopened"], name), (&json!(1), json!("Ane Holm")));
}

fn current_employees_are_not_anonymised(app: &App) {
    app.import(&organisation()).unwrap();
    let refused = |ends_on: Option<NaiveDate>| {
        app.patch("/v1/employees/tester", json!({"ends_on": ends_on})).expect(200);
        let request = app.request("POST", "/v1/employees/tester/anonymise").header("if-match", "*");
        request.send().expect_problem(409, "still-employed");
    };
    refused(None);
    refused(Some(today()));
    refused(today().checked_add_days(Days::new(30)));
    assert_eq!(app.get("/v1/employees/tester").json()["name"], "Ane Holm");
}

fn deleted_employees_leave_no_name(app: &App) {
    app.post("/v1/employees", json!({"key": "e", "name": "Ane Holm", "email": "ane@testby.example"})).expect(201);
    app.patch("/v1/employees/e", json!({"title": "Lærer"})).expect(200);
    app.delete("/v1/employees/e").expect(204);
    let log = app.list("/v1/changes");
    assert_eq!(log.last().unwrap()["operation"], "deleted");
    let text = json!(log).to_string();
    assert!(!text.contains("Holm") && !text.contains("ane@") && !text.contains("Lærer"), "{text}");
}

fn the_change_log_shows_people_to_hr_only(app: &App) {
    app.import(&organisation()).unwrap();
    let read = |scope: &str| {
        let page = app.request("GET", "/v1/changes?limit=200").token(&app.token(scope)).send().expect(200);
        String::from_utf8(page.body).unwrap()
    };
    let accesses = || app.list("/v1/access-log").len();
    let before = accesses();
    let text = read("med.audit");
    for word in ["Ane", "Holm", "ane@", "Lærer", "\"tester\",\"role", "\"e-2\""] {
        assert!(!text.contains(word), "'{word}' in {text}");
    }
    assert_eq!((accesses(), text.contains("s-chair")), (before, true));
    assert!(read("med.audit med.hr").contains("Ane Holm"));
    assert_eq!(accesses(), before + 1);
    let entry = app.list("/v1/access-log").pop().unwrap();
    assert_eq!((&entry["operation"], &entry["rows"]), (&json!("list_changes"), &json!(7)), "two people and five seats");
}

fn kinds(app: &App, query: &str) -> Vec<String> {
    let rows = app.list(&format!("/v1/committee-proposals{query}"));
    let told = |row: &Value| format!("{} {}", row["committee"].as_str().unwrap(), row["kind"].as_str().unwrap());
    rows.iter().map(told).collect()
}

fn proposals_list_what_should_be_decided(app: &App) {
    app.import(&organisation()).unwrap();
    assert_eq!(kinds(app, ""), [""; 0]);
    app.patch("/v1/units/school", json!({"headcount": 12})).expect(200);
    app.patch("/v1/employees/tester", json!({"ends_on": "2025-01-31"})).expect(200);
    assert_eq!(kinds(app, ""), ["s become_staff_meeting", "s holder_left", "s no_chair"]);
    assert_eq!(kinds(app, "?kind=no_chair"), ["s no_chair"]);
    assert_eq!(kinds(app, "?limit=1"), ["s become_staff_meeting", "s holder_left", "s no_chair"], "page by page");
    assert_eq!(kinds(app, "?on=2025-01-31"), ["s become_staff_meeting"]);
    app.patch("/v1/units/school", json!({"headcount": null, "ends_on": "2025-06-30"})).expect(200);
    let page = app.get("/v1/committee-proposals").expect(200);
    assert_eq!(page.header("content-language"), Some("da"));
    assert!(page.lists("vary", "accept-language"));
    let first = page.json()["items"][0].clone();
    assert_eq!((&first["kind"], &first["unit"]), (&json!("unit_ended"), &json!("school")));
    assert_eq!(first["reason"], "Enheden Skolen ophørte 2025-06-30.");
    let english = app.request("GET", "/v1/committee-proposals").header("accept-language", "en").send().expect(200);
    assert_eq!(english.header("content-language"), Some("en"));
    assert_eq!(english.json()["items"][0]["reason"], "The unit Skolen ended on 2025-06-30.");
    for scope in ["med.read", "med.edit"] {
        app.request("GET", "/v1/committee-proposals").token(&app.token(scope)).send().expect(403);
    }
    let changes = app.changes();
    app.get("/v1/committee-proposals").expect(200);
    assert_eq!(app.changes(), changes, "a person decides");
}

fn statements_do_not_depend_on_the_number_of_proposals(app: &App) {
    let mut bundle = organisation();
    app.import(&bundle).unwrap();
    let cost = || app.statements(|| drop(app.get("/v1/committee-proposals").expect(200)));
    let of_few = cost();
    let many = (0..60).map(|n| json!({"key": format!("k{n}"), "name": "K", "level": "local", "form": "committee"}));
    bundle["committees"] = many.collect();
    bundle["memberships"] = json!([]);
    app.import(&bundle).unwrap();
    assert_eq!(kinds(app, "").len(), 120);
    assert_eq!(cost(), of_few);
}
