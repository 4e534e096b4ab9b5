//! HR sync: all or nothing, an outcome for each row, and guards against destructive files.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use medstrategi::period::today;
use serde_json::{Value, json};

use crate::harness::{App, ELSEWHERE, Response};
use crate::reporting_at_once::patiently;

crate::tests![
    a_file_gets_an_outcome_for_each_row,
    a_dry_run_answers_the_same_and_stores_nothing,
    a_snapshot_ends_missing_rows,
    a_missing_section_is_not_an_empty_one,
    returning_rows_are_reopened,
    missing_rows_that_have_not_begun_are_called_off,
    rows_that_were_called_off_do_not_conflict,
    absent_fields_stay_and_null_clears,
    rows_managed_by_editors_are_skipped,
    the_guard_refuses_files_that_end_too_much,
    the_guard_counts_rows_that_lose_their_place,
    the_guard_is_a_setting,
    trees_have_bounds,
    too_many_rows_are_refused,
    a_fetched_table_changes_nothing,
    the_same_file_again_changes_nothing,
    all_errors_of_a_file_are_answered,
    references_may_point_anywhere_in_the_file,
    broken_files_change_nothing,
    numbers_like_cpr_numbers_are_refused,
    one_chair_follows_another,
    a_chair_who_left_does_not_conflict,
    a_late_handover_is_distinguished_from_history,
    sections_may_be_sent_as_tables,
    broken_tables_change_nothing,
    rows_of_another_municipality_are_untouched,
    the_answer_holds_proposals,
    two_syncs_at_once_do_not_mix,
    others_write_while_a_file_is_compared,
    a_large_file_is_written_in_batches,
    sections_are_logged_row_by_row,
];

fn sync(app: &App, query: &str, file: &Value) -> Response {
    app.post(&format!("/v1/hr-sync{query}"), file.clone())
}

fn snapshot(app: &App, file: &Value) -> Value {
    sync(app, "?mode=snapshot", file).expect(200).json()
}

fn delta(app: &App, file: &Value) -> Value {
    sync(app, "", file).expect(200).json()
}

fn counts(section: &Value) -> [u64; 6] {
    ["created", "updated", "ended", "reopened", "unchanged", "skipped"].map(|kind| {
        let count = section["counts"][kind].as_u64().unwrap();
        assert_eq!(section[kind].as_array().unwrap().len() as u64, count, "{section}");
        count
    })
}

fn yesterday() -> NaiveDate {
    today().pred_opt().unwrap()
}

fn in_days(days: u64) -> NaiveDate {
    today().checked_add_days(Days::new(days)).unwrap()
}

fn town() -> Value {
    json!({
        "units": [
            {"key": "U.1", "name": "Skolen", "kind": "workplace", "parent": "U.0", "headcount": 30},
            {"key": "U.0", "name": "Centeret", "kind": "centre"},
        ],
        "employees": [
            {"key": "e-1", "name": "Ane Holm", "title": "Leder", "unit": "U.1", "has_personnel_responsibility": true},
            {"key": "e-2", "name": "Bo Lund", "unit": "U.1"},
            {"key": "e-3", "name": "Ea Krog", "unit": "U.0"},
        ],
        "committees": [
            {"key": "c-1", "name": "Lokal", "level": "l", "form": "committee", "parent": "c-0", "units": ["U.1"]},
            {"key": "c-0", "name": "Hoved", "level": "l", "form": "committee"},
        ],
        "memberships": [
            {"key": "m-1", "committee": "c-1", "employee": "e-1", "role": "chair"},
            {"key": "m-2", "committee": "c-1", "employee": "e-2", "role": "member", "function": "safety_rep"},
        ],
    })
}

fn fill(app: &App) -> Value {
    app.post("/v1/levels", json!({"key": "l", "name": "L", "rank": 1, "staff_meeting_below": 20})).expect(201);
    snapshot(app, &town())
}

fn a_file_gets_an_outcome_for_each_row(app: &App) {
    let first = fill(app);
    assert_eq!((&first["mode"], &first["dry_run"]), (&json!("snapshot"), &json!(false)));
    assert_eq!(counts(&first["units"]), [2, 0, 0, 0, 0, 0]);
    assert_eq!(first["units"]["created"], json!(["U.0", "U.1"]), "in the order of their keys");
    assert_eq!(counts(&first["memberships"]), [2, 0, 0, 0, 0, 0]);
    assert_eq!(app.get("/v1/units/U.1").json()["managed_by"], "hr");
    let file = json!({"employees": [
        {"key": "e-3", "title": "Konsulent", "unit": null},
        {"key": "e-2", "ends_on": yesterday()},
        {"key": "e-1", "name": "Ane Holm"},
        {"key": "e-4", "name": "Ib Dahl", "starts_on": in_days(30)},
    ]});
    let answer = delta(app, &file);
    assert_eq!((&answer["units"], &answer["mode"]), (&json!(null), &json!("delta")));
    let employees = &answer["employees"];
    assert_eq!(counts(employees), [1, 1, 1, 0, 1, 0]);
    assert_eq!(employees["created"], json!(["e-4"]));
    assert_eq!(employees["updated"], json!([{"key": "e-3", "fields": ["title", "unit"]}]));
    assert_eq!(employees["ended"], json!([{"key": "e-2", "fields": ["ends_on"]}]));
    assert_eq!(employees["unchanged"], json!(["e-1"]));
    assert_eq!(app.keys("/v1/employees"), ["e-1", "e-2", "e-3", "e-4"]);
}

fn a_dry_run_answers_the_same_and_stores_nothing(app: &App) {
    fill(app);
    let file = json!({
        "units": [{"key": "U.1", "headcount": 12}],
        "employees": [{"key": "e-9", "name": "Ny"}],
        "memberships": [],
    });
    let before = (app.get("/v1/export").json(), app.changes());
    let mut rehearsed = sync(app, "?mode=snapshot&dry_run=true", &file).expect(200).json();
    assert_eq!((app.get("/v1/export").json(), app.changes()), before);
    assert_eq!(rehearsed["dry_run"], true);
    let kinds: Vec<&Value> = rehearsed["proposals"].as_array().unwrap().iter().map(|row| &row["kind"]).collect();
    assert!(kinds.contains(&&json!("become_staff_meeting")), "as things would stand then: {rehearsed}");
    rehearsed["dry_run"] = json!(false);
    assert_eq!(snapshot(app, &file), rehearsed);
    sync(app, "?dry_run=true", &json!({"units": [{"key": "x"}]})).expect_errors(&["/units/0/name", "/units/0/kind"]);
    sync(app, "?dry_run=maybe", &file).expect_problem(400, "invalid-query");
}

fn a_snapshot_ends_missing_rows(app: &App) {
    fill(app);
    let mut file = town();
    file["employees"].as_array_mut().unwrap().remove(2);
    file["memberships"] = json!([{"key": "m-1"}]);
    let answer = snapshot(app, &file);
    assert_eq!(counts(&answer["employees"]), [0, 0, 1, 0, 2, 0]);
    assert_eq!(answer["employees"]["ended"], json!([{"key": "e-3", "fields": ["ends_on"]}]));
    assert_eq!(app.get("/v1/employees/e-3").json()["ends_on"], json!(yesterday()));
    assert_eq!(app.keys("/v1/committees/c-1/members"), ["m-1"]);
    let last = app.list("/v1/changes").pop().unwrap();
    assert_eq!((&last["operation"], &last["entity"]), (&json!("ended"), &json!("membership")));
    let again = snapshot(app, &file);
    assert_eq!(counts(&again["employees"]), [0, 0, 0, 0, 2, 0]);
    // A delta changes only the rows that it names.
    delta(app, &json!({"employees": [{"key": "e-1"}]}));
    assert_eq!(app.get("/v1/employees/e-2").json()["ends_on"], json!(null));
}

fn a_missing_section_is_not_an_empty_one(app: &App) {
    fill(app);
    let before = app.get("/v1/export").json();
    for file in [json!({}), json!({"units": null, "employees": null}), json!({"units": town()["units"]})] {
        let answer = snapshot(app, &file);
        assert_eq!(answer["memberships"], json!(null));
        assert_eq!(app.get("/v1/export").json(), before);
    }
    // An empty section ends all rows: the guard lets five pass.
    assert_eq!(counts(&snapshot(app, &json!({"memberships": []}))["memberships"]), [0, 0, 2, 0, 0, 0]);
}

fn returning_rows_are_reopened(app: &App) {
    fill(app);
    let mut without = town();
    without["employees"].as_array_mut().unwrap().remove(2);
    snapshot(app, &without);
    let answer = snapshot(app, &town());
    assert_eq!(answer["employees"]["reopened"], json!([{"key": "e-3", "fields": ["ends_on"]}]));
    assert_eq!(app.get("/v1/employees/e-3").json()["ends_on"], json!(null));
    // An `ends_on` in the file is kept.
    snapshot(app, &without);
    let mut with_end = town();
    with_end["employees"][2]["ends_on"] = json!("2025-01-31");
    assert_eq!(counts(&snapshot(app, &with_end)["employees"]), [0, 1, 0, 0, 2, 0]);
    assert_eq!(app.get("/v1/employees/e-3").json()["ends_on"], "2025-01-31");
    // In a delta, an absent `ends_on` changes nothing, and null reopens.
    assert_eq!(counts(&delta(app, &json!({"employees": [{"key": "e-3", "title": "Vikar"}]}))["employees"])[1], 1);
    let answer = delta(app, &json!({"employees": [{"key": "e-3", "ends_on": null, "title": null}]}));
    assert_eq!(answer["employees"]["reopened"], json!([{"key": "e-3", "fields": ["title", "ends_on"]}]));
}

fn missing_rows_that_have_not_begun_are_called_off(app: &App) {
    fill(app);
    let mut file = town();
    let to_come = json!({"key": "e-4", "name": "Ib Dahl", "starts_on": in_days(40), "ends_on": in_days(400)});
    file["employees"].as_array_mut().unwrap().push(to_come);
    assert_eq!(counts(&snapshot(app, &file)["employees"])[0], 1);
    assert_eq!(counts(&snapshot(app, &town())["employees"]), [0, 0, 1, 0, 3, 0]);
    let called_off = app.get("/v1/employees/e-4").json();
    assert_eq!(called_off["ends_on"], json!(in_days(39)), "the day before its first, so that it holds on no day");
    assert!(!app.keys(&format!("/v1/employees?on={}", in_days(40))).contains(&"e-4".to_owned()));
    assert!(!app.keys(&format!("/v1/employees?on={}", in_days(39))).contains(&"e-4".to_owned()));
    app.patch("/v1/employees/e-4", json!({"title": "Aldrig begyndt"})).expect(200);
    app.patch("/v1/employees/e-4", json!({"title": null, "managed_by": "editor"})).expect_errors(&["/ends_on"]);
    app.patch("/v1/employees/e-4", json!({"title": null})).expect(200);
    let bundle = app.get("/v1/export").json();
    app.post("/v1/import", bundle).expect(200);
    let never =
        json!({"key": "e-8", "name": "N", "starts_on": "2025-02-01", "ends_on": "2025-01-31", "managed_by": "hr"});
    app.post("/v1/employees", never).expect_errors(&["/ends_on"]);
    let same = delta(app, &json!({"employees": [{"key": "e-4", "starts_on": in_days(40)}]}));
    assert_eq!(counts(&same["employees"])[4], 1);
    let table = String::from_utf8(app.get("/v1/employees?format=csv").expect(200).body).unwrap();
    let again = send_table(app, "?section=employees&mode=snapshot", &table).expect(200).json();
    assert_eq!(counts(&again["employees"])[4], 4, "{again}");
    assert_eq!(counts(&snapshot(app, &town())["employees"]), [0, 0, 0, 0, 3, 0]);
    file["employees"][3].as_object_mut().unwrap().remove("ends_on");
    assert_eq!(counts(&snapshot(app, &file)["employees"]), [0, 0, 0, 1, 3, 0]);
    assert_eq!(app.get("/v1/employees/e-4").json()["ends_on"], json!(null));
}

fn rows_that_were_called_off_do_not_conflict(app: &App) {
    fill(app);
    let chair = |key: &str, employee: &str, first: NaiveDate| {
        json!({"key": key, "committee": "c-0",
        "employee": employee, "role": "chair", "starts_on": first})
    };
    let file = |seat: Value| json!({"memberships": [town()["memberships"][0], town()["memberships"][1], seat]});
    for first in [today(), in_days(50)] {
        snapshot(app, &file(chair("m-8", "e-2", first)));
        assert_eq!(counts(&snapshot(app, &file(chair("m-9", "e-3", first)))["memberships"])[2], 1, "{first}");
        // It may be sent again with another first day.
        let answer = snapshot(app, &file(chair("m-8", "e-2", in_days(90))));
        assert_eq!(counts(&answer["memberships"])[3], 1, "{answer}");
        assert_eq!(app.get("/v1/memberships/m-8").json()["ends_on"], json!(null));
        app.delete("/v1/memberships/m-8").expect(204);
        app.delete("/v1/memberships/m-9").expect(204);
    }
}

fn absent_fields_stay_and_null_clears(app: &App) {
    fill(app);
    delta(app, &json!({"employees": [{"key": "e-1", "title": null, "has_personnel_responsibility": null}]}));
    let employee = app.get("/v1/employees/e-1").json();
    assert_eq!((&employee["title"], &employee["has_personnel_responsibility"]), (&json!(null), &json!(false)));
    assert_eq!((&employee["name"], &employee["unit"]), (&json!("Ane Holm"), &json!("U.1")));
    delta(app, &json!({"committees": [{"key": "c-1", "units": null, "parent": null}]}));
    let committee = app.get("/v1/committees/c-1").json();
    assert_eq!(
        (&committee["units"], &committee["parent"], &committee["level"]),
        (&json!([]), &json!(null), &json!("l"))
    );
    sync(app, "", &json!({"employees": [{"key": "e-1", "name": null}]})).expect_errors(&["/employees/0/name"]);
}

fn rows_managed_by_editors_are_skipped(app: &App) {
    fill(app);
    app.post("/v1/employees", json!({"key": "ed-1", "name": "Redaktørens"})).expect(201);
    app.post("/v1/committees", json!({"key": "ed-1", "name": "Redaktørens", "level": "l", "form": "committee"}))
        .expect(201);
    let mut file = town();
    file["employees"].as_array_mut().unwrap().push(json!({"key": "ed-1", "name": "HR's", "unit": "nowhere"}));
    // A seat managed by HR may be in a committee managed by an editor.
    let seat = json!({"key": "m-3", "committee": "ed-1", "employee": "ed-1", "role": "chair"});
    file["memberships"].as_array_mut().unwrap().push(seat);
    let answer = snapshot(app, &file);
    assert_eq!(answer["employees"]["skipped"], json!(["ed-1"]));
    assert_eq!(counts(&answer["committees"]), [0, 0, 0, 0, 2, 0], "not named, not ended");
    for path in ["/v1/employees/ed-1", "/v1/committees/ed-1"] {
        let row = app.get(path).json();
        assert_eq!((&row["version"], &row["ends_on"], &row["name"]), (&json!(1), &json!(null), &json!("Redaktørens")));
    }
    sync(app, "", &json!({"employees": [{"key": "e-1", "managed_by": "editor"}]}))
        .expect_errors(&["/employees/0/managed_by"]);
}

fn many(n: usize) -> Value {
    (0..n).map(|n| json!({"key": format!("x-{n:03}"), "name": format!("X {n}")})).collect()
}

fn the_guard_refuses_files_that_end_too_much(app: &App) {
    snapshot(app, &json!({"employees": many(100)}));
    let before = (app.get("/v1/export").json(), app.changes());
    let refused = sync(app, "?mode=snapshot", &json!({"employees": many(89)})).expect_problem(409, "sync-guard").json();
    assert_eq!(refused["errors"][0]["pointer"], "/employees");
    assert!(refused["errors"][0]["detail"].as_str().unwrap().starts_with("11 of 100 would end"), "{refused}");
    // In whichever way they would end.
    let postponed: Value = (0..20).map(|n| json!({"key": format!("x-{n:03}"), "starts_on": in_days(900)})).collect();
    sync(app, "", &json!({"employees": postponed})).expect_problem(409, "sync-guard");
    sync(app, "?mode=snapshot&dry_run=true", &json!({"employees": []})).expect_problem(409, "sync-guard");
    sync(app, "?mode=snapshot&max_ended=10", &json!({"employees": many(89)})).expect_problem(409, "sync-guard");
    assert_eq!((app.get("/v1/export").json(), app.changes()), before);
    // Also with an `ends_on` of their own.
    let ended: Value = (0..20).map(|n| json!({"key": format!("x-{n:03}"), "ends_on": yesterday()})).collect();
    sync(app, "", &json!({"employees": ended})).expect_problem(409, "sync-guard");
    // Ten in a hundred pass, and more with `max_ended`.
    assert_eq!(counts(&snapshot(app, &json!({"employees": many(90)}))["employees"]), [0, 0, 10, 0, 90, 0]);
    let raised = sync(app, "?mode=snapshot&max_ended=90", &json!({"employees": []})).expect(200).json();
    assert_eq!(counts(&raised["employees"]), [0, 0, 90, 0, 0, 0]);
    sync(app, "?max_ended=-1", &json!({})).expect_problem(400, "invalid-query");
}

fn the_guard_counts_rows_that_lose_their_place(app: &App) {
    fill(app);
    let units = |parent: Option<&str>| -> Value {
        let unit = |n: usize| json!({"key": format!("v-{n}"), "name": "V", "kind": "workplace", "parent": parent});
        (0..12).map(unit).collect()
    };
    delta(app, &json!({"units": units(Some("U.0"))}));
    sync(app, "", &json!({"units": units(None)})).expect_problem(409, "sync-guard");
    let working = |unit: Option<&str>| -> Value {
        (0..12).map(|n| json!({"key": format!("w-{n}"), "name": "W", "unit": unit})).collect()
    };
    delta(app, &json!({"employees": working(Some("U.0"))}));
    sync(app, "", &json!({"employees": working(None)})).expect_problem(409, "sync-guard");
    delta(app, &json!({"employees": working(Some("U.1"))}));
    let seats = |holder: Option<&str>| -> Value {
        let seat =
            |n: usize| json!({"key": format!("s-{n}"), "committee": "c-1", "employee": holder, "role": "member"});
        (0..12).map(seat).collect()
    };
    delta(app, &json!({"memberships": seats(Some("e-2"))}));
    sync(app, "", &json!({"memberships": seats(None)})).expect_problem(409, "sync-guard");
    assert_eq!(
        counts(&sync(app, "?max_ended=12", &json!({"memberships": seats(None)})).expect(200).json()["memberships"])[1],
        12
    );
}

fn the_guard_is_a_setting(app: &App) {
    snapshot(app, &json!({"employees": many(10)}));
    assert_eq!(app.get("/v1/municipality").json()["sync_guard"], json!({"percent": 10, "rows": 5}));
    app.patch("/v1/municipality", json!({"sync_guard": {"rows": 0}})).expect(200);
    assert_eq!(app.get("/v1/municipality").json()["sync_guard"], json!({"percent": 10, "rows": 0}));
    sync(app, "?mode=snapshot", &json!({"employees": many(8)})).expect_problem(409, "sync-guard");
    snapshot(app, &json!({"employees": many(9)}));
    app.patch("/v1/municipality", json!({"sync_guard": {"percent": 100}})).expect(200);
    snapshot(app, &json!({"employees": []}));
    app.patch("/v1/municipality", json!({"sync_guard": {"percent": 101}})).expect_errors(&["/sync_guard/percent"]);
}

fn the_same_file_again_changes_nothing(app: &App) {
    fill(app);
    let before = (app.get("/v1/export").json(), app.changes());
    for query in ["?mode=snapshot", "?mode=delta", ""] {
        let answer = sync(app, query, &town()).expect(200).json();
        for section in ["units", "employees", "committees", "memberships"] {
            let [.., unchanged, _] = counts(&answer[section]);
            assert_eq!(unchanged, town()[section].as_array().unwrap().len() as u64);
        }
    }
    assert_eq!((app.get("/v1/export").json(), app.changes()), before);
}

fn all_errors_of_a_file_are_answered(app: &App) {
    fill(app);
    let before = (app.get("/v1/export").json(), app.changes());
    let refuse = |file: Value, pointers: &[&str]| {
        sync(app, "?mode=snapshot&max_ended=99", &file).expect_errors(pointers);
        sync(app, "", &file).expect_errors(pointers);
    };
    refuse(
        json!({"units": [{"key": "a"}, {"key": "U.1", "parent": "nowhere"}], "employees": [{"key": "e-1",
            "unit": "nowhere"}]}),
        &["/units/0/name", "/units/0/kind", "/units/1/parent", "/employees/0/unit"],
    );
    refuse(json!({"employees": [{"key": "e-1"}, {"key": "e-2"}, {"key": "e-1"}]}), &["/employees/2/key"]);
    refuse(
        json!({"units": [{"key": "U.0", "parent": "U.1"}, {"key": "U.1", "parent": "U.0"}]}),
        &["/units/0/parent", "/units/1/parent"],
    );
    refuse(
        json!({"memberships": [{"key": "m-1", "committee": "nowhere"}, {"key": "m-9", "committee": "c-1",
            "role": "member", "employee": "nobody"}]}),
        &["/memberships/0/committee", "/memberships/1/employee"],
    );
    refuse(
        json!({"employees": [
            {"key": "e-1", "starts_on": "2025-02-01", "ends_on": "2025-01-31"},
            {"key": "e-2", "starts_on": "2025-12-31", "ends_on": "2025-01-01"},
        ]}),
        &["/employees/0/ends_on", "/employees/1/ends_on"],
    );
    refuse(json!({"employees": [{"key": "e-1", "ends_on": "2025-02-30"}]}), &["/employees/0/ends_on"]);
    refuse(json!({"employees": [{"name": "Uden nøgle"}]}), &["/employees/0/key"]);
    refuse(json!({"employees": [{"key": "e-1", "union": "x"}], "absences": []}), &["/employees/0/union", "/absences"]);
    refuse(
        json!({"committees": [{"key": "tree", "name": "T", "level": "l", "form": "committee"}]}),
        &["/committees/0/key"],
    );
    assert_eq!((app.get("/v1/export").json(), app.changes()), before);
    // Dates in the wrong order are an error of the row, also if one of them is stored.
    delta(app, &json!({"employees": [{"key": "e-1", "starts_on": "2025-06-01"}]}));
    sync(app, "", &json!({"employees": [{"key": "e-1", "ends_on": "2025-05-31"}]}))
        .expect_errors(&["/employees/0/ends_on"]);
}

fn references_may_point_anywhere_in_the_file(app: &App) {
    let answer = fill(app);
    assert_eq!(counts(&answer["committees"])[0], 2);
    let unit = app.get("/v1/units/U.0").json()["id"].clone();
    let file = json!({"units": [{"key": "U.1", "parent": unit}, {"key": "U.2", "name": "Ny", "kind": "other",
        "parent": "U.3"}, {"key": "U.3", "name": "Ny", "kind": "other"}]});
    assert_eq!(counts(&delta(app, &file)["units"]), [2, 0, 0, 0, 1, 0], "a UUID names the same unit");
}

fn broken_files_change_nothing(app: &App) {
    fill(app);
    let before = (app.get("/v1/export").json(), app.changes());
    let whole = serde_json::to_vec(&town()).unwrap();
    let send = |bytes: &[u8], media_type: &str| {
        app.request("POST", "/v1/hr-sync?mode=snapshot").header("content-type", media_type).bytes(bytes).send()
    };
    for end in [1, 17, whole.len() / 2, whole.len() - 1] {
        send(&whole[..end], "application/json").expect_problem(400, "malformed-body");
    }
    send(b"", "application/json").expect_problem(400, "malformed-body");
    send(b"{\"employees\": [{\"key\": \"e-1\", \"name\": \"S\xf8ren\"}]}", "application/json")
        .expect_problem(400, "malformed-body");
    send(b"[]", "application/json").expect_problem(422, "invalid-body");
    send(&whole, "application/xml").expect_problem(415, "unsupported-media-type");
    sync(app, "?mode=all", &town()).expect_problem(400, "invalid-query");
    sync(app, "?section=units", &town()).expect_problem(400, "invalid-query");
    assert_eq!((app.get("/v1/export").json(), app.changes()), before);
}

fn numbers_like_cpr_numbers_are_refused(app: &App) {
    fill(app);
    let before = app.changes();
    for (field, value) in [
        ("key", "010180-1234"),
        ("name", "Ane 0101801234"),
        ("title", "Leder 010180-1234"),
        ("email", "0101801234@testby.example"),
    ] {
        let mut row = json!({"key": "e-9", "name": "Ane Holm"});
        row[field] = json!(value);
        let pointer = format!("/employees/0/{field}");
        let refused = sync(app, "", &json!({"employees": [row]})).expect_errors(&[&pointer]);
        assert!(!String::from_utf8(refused.body).unwrap().contains("1234"), "the number is not repeated");
    }
    sync(app, "", &json!({"memberships": [{"key": "0101801234", "committee": "c-1", "role": "member"}]}))
        .expect_errors(&["/memberships/0/key"]);
    let told = sync(app, "", &json!({"employees": [{"key": "e-1", "unit": "010180-1234", "0101801234": 1}]}));
    assert!(!String::from_utf8(told.expect(422).body).unwrap().contains("1234"), "nor by any other fault");
    let told = sync(app, "", &json!({"employees": [{"key": "e-1", "unit": "010180-1234"}]}));
    assert!(!String::from_utf8(told.expect_errors(&["/employees/0/unit"]).body).unwrap().contains("1234"));
    assert_eq!(app.changes(), before);
}

fn one_chair_follows_another(app: &App) {
    fill(app);
    let chair = json!({"key": "m-9", "committee": "c-1", "employee": "e-3", "role": "chair"});
    sync(app, "", &json!({"memberships": [chair]})).expect_errors(&["/memberships/0/role"]);
    // A snapshot without dates that has the new chair and no longer the old one.
    let file = json!({"memberships": [town()["memberships"][1], chair]});
    assert_eq!(counts(&snapshot(app, &file)["memberships"]), [1, 0, 1, 0, 1, 0]);
    // The handover was registered late.
    delta(app, &json!({"memberships": [{"key": "m-20", "committee": "c-0", "employee": "e-1", "role": "chair"}]}));
    let late =
        json!({"key": "m-21", "committee": "c-0", "employee": "e-2", "role": "chair", "starts_on": "2026-01-01"});
    let file = json!({"memberships": [town()["memberships"][1], chair, late]});
    assert_eq!(counts(&snapshot(app, &file)["memberships"]), [1, 0, 1, 0, 2, 0]);
    assert_eq!(app.get("/v1/memberships/m-20").json()["ends_on"], "2025-12-31");
    assert_eq!(counts(&snapshot(app, &file)["memberships"]), [0, 0, 0, 0, 3, 0]);
    // Two chairs today are an error, whatever their last days are. A former employee holds no seat.
    let second =
        json!({"key": "m-11", "committee": "c-1", "employee": "e-1", "role": "chair", "ends_on": in_days(900)});
    sync(app, "", &json!({"memberships": [second]})).expect_errors(&["/memberships/0/role"]);
    delta(app, &json!({"employees": [{"key": "e-3", "ends_on": yesterday()}]}));
    delta(app, &json!({"memberships": [second]}));
    let members: Vec<Value> = app.list("/v1/committees/c-1/members");
    let chairs: Vec<&Value> = members.iter().filter(|row| row["role"] == "chair").map(|row| &row["name"]).collect();
    assert_eq!(chairs, ["Ane Holm"]);
}

fn a_chair_who_left_does_not_conflict(app: &App) {
    fill(app);
    // One leaves and another follows, in the same file.
    let follower = json!({"key": "m-9", "committee": "c-1", "employee": "e-3", "role": "chair", "starts_on": today()});
    let file = json!({"employees": [{"key": "e-1", "ends_on": yesterday()}], "memberships": [follower]});
    assert_eq!(counts(&delta(app, &file)["memberships"])[0], 1);
    // The seat of the former employee is still open. That must not prevent the sync.
    let both = json!({"memberships": [town()["memberships"][0], town()["memberships"][1], follower]});
    for mode in ["snapshot", "delta"] {
        assert_eq!(counts(&sync(app, &format!("?mode={mode}"), &both).expect(200).json()["memberships"])[4], 3);
    }
    app.patch("/v1/memberships/m-1", json!({"side": "management"})).expect(200);
    let bundle = app.get("/v1/export").json();
    app.post("/v1/import", bundle).expect(200);
    assert_eq!(counts(&snapshot(app, &json!({"memberships": []}))["memberships"])[2], 3);
    // A chair who is employed again finds the seat taken: a person has to decide.
    delta(app, &json!({"memberships": [{"key": "m-1", "ends_on": null}, {"key": "m-9", "ends_on": null}]}));
    let answer = delta(app, &json!({"employees": [{"key": "e-1", "ends_on": null}]}));
    let kinds: Vec<&Value> = answer["proposals"].as_array().unwrap().iter().map(|row| &row["kind"]).collect();
    assert!(kinds.contains(&&json!("two_chairs")), "{kinds:?}");
}

fn a_late_handover_is_distinguished_from_history(app: &App) {
    fill(app);
    let chair = |key: &str, employee: &str, starts_on: Option<&str>, ends_on: Option<&str>| {
        json!({"key": key,
        "committee": "c-0", "employee": employee, "role": "chair", "starts_on": starts_on, "ends_on": ends_on})
    };
    let past = chair("h-1", "e-2", Some("2020-01-01"), Some("2023-12-31"));
    let old = chair("h-2", "e-1", Some("2024-01-01"), None);
    let new = chair("h-3", "e-3", Some("2026-03-01"), None);
    let others = town()["memberships"].as_array().unwrap().clone();
    let with = |rows: &[&Value]| {
        let rows: Vec<&Value> = others.iter().chain(rows.iter().copied()).collect();
        json!({"memberships": rows})
    };
    for rows in [[&past, &new], [&new, &past]] {
        snapshot(app, &with(&[&past, &old]));
        snapshot(app, &with(&rows));
        assert_eq!(app.get("/v1/memberships/h-2").json()["ends_on"], "2026-02-28");
        app.delete("/v1/memberships/h-3").expect(204);
        app.delete("/v1/memberships/h-2").expect(204);
    }
    // Without a successor, yesterday was the last day.
    snapshot(app, &with(&[&past, &old]));
    snapshot(app, &with(&[&past]));
    assert_eq!(app.get("/v1/memberships/h-2").json()["ends_on"], json!(yesterday()));
}

fn trees_have_bounds(app: &App) {
    fill(app);
    let before = app.changes();
    let chain = |length: usize| -> Value {
        let unit = |n: usize| {
            let parent = (n > 0).then(|| format!("k-{:05}", n - 1));
            json!({"key": format!("k-{n:05}"), "name": "K", "kind": "other", "parent": parent})
        };
        json!({"units": (0..length).map(unit).collect::<Value>()})
    };
    let refused = sync(app, "", &chain(20_000)).expect_problem(422, "invalid-body").json();
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("50 levels"), "{refused}");
    sync(app, "", &chain(51)).expect_problem(422, "invalid-body");
    assert_eq!(app.changes(), before);
    delta(app, &chain(50));
    // Nor may moving a tree below another one make it too deep.
    let hung = json!({"units": [{"key": "k-00000", "parent": "U.1"}]});
    sync(app, "", &hung).expect_errors(&["/units/0/parent"]);
    app.patch("/v1/units/k-00000", json!({"parent": "U.1"})).expect_errors(&["/parent"]);
}

fn too_many_rows_are_refused(app: &App) {
    let send = |media_type: &str, body: String| {
        let request = app.request("POST", "/v1/hr-sync?section=units").header("content-type", media_type);
        request.bytes(body).send()
    };
    send("text/csv", format!("key\n{}", "a\n".repeat(100_001))).expect_problem(413, "too-large");
    send("text/csv", format!("key{}\n", ",a".repeat(40).replace(",a", ",x"))).expect_problem(400, "malformed-body");
    let columns: Vec<String> = (0..40).map(|n| format!("x{n}")).collect();
    send("text/csv", format!("key,{}\n", columns.join(","))).expect_problem(400, "malformed-body");
    let request = app.request("POST", "/v1/hr-sync").header("content-type", "application/json");
    let body = format!("{{\"units\": [{}{{}}]}}", "{},".repeat(2_000_000));
    request.bytes(body).send().expect_problem(413, "too-large");
}

fn a_fetched_table_changes_nothing(app: &App) {
    fill(app);
    delta(
        app,
        &json!({"employees": [{"key": "e-2", "title": "=Leder"}, {"key": "e-3", "title": " '-x "}, {"key": "e-1",
            "title": "'=x"}]}),
    );
    for format in ["csv", "csv-excel-da"] {
        let table = String::from_utf8(app.get(&format!("/v1/employees?format={format}")).expect(200).body).unwrap();
        let answer = send_table(app, "?section=employees&mode=snapshot", &table).expect(200).json();
        assert_eq!(counts(&answer["employees"]), [0, 0, 0, 0, 3, 0], "{table}");
    }
}

fn send_table(app: &App, query: &str, table: &str) -> Response {
    let path = format!("/v1/hr-sync{query}");
    app.request("POST", &path).header("content-type", "text/csv; charset=utf-8").bytes(table).send()
}

fn sections_may_be_sent_as_tables(app: &App) {
    fill(app);
    let table = "\u{feff}key;name;title;unit;has_personnel_responsibility;ends_on\r\n\
                 e-1;Ane Holm;Leder;U.1;true;\r\n\
                 e-2;\"Bo; Lund\";Lærer;U.0;;2031-01-31\r\n\
                 e-5;Åse Bæk;;;false;\r\n";
    let answer = send_table(app, "?section=employees&mode=snapshot", table).expect(200).json();
    assert_eq!(counts(&answer["employees"]), [1, 0, 2, 0, 1, 0], "{answer}");
    assert_eq!(answer["employees"]["ended"][0], json!({"key": "e-2", "fields": ["name", "title", "unit", "ends_on"]}));
    let employee = app.get("/v1/employees/e-2").json();
    assert_eq!((&employee["name"], &employee["ends_on"]), (&json!("Bo; Lund"), &json!("2031-01-31")));
    assert_eq!(app.get("/v1/employees/e-5").json()["name"], "Åse Bæk");
    let answer = send_table(app, "?section=units", "key,headcount\nU.1,31\n").expect(200).json();
    assert_eq!(answer["units"]["updated"], json!([{"key": "U.1", "fields": ["headcount"]}]));
    let cleared = send_table(app, "?section=units", "key,headcount\nU.1,\n").expect(200).json();
    assert_eq!(counts(&cleared["units"])[1], 1, "an empty cell clears");
}

fn broken_tables_change_nothing(app: &App) {
    fill(app);
    let before = (app.get("/v1/export").json(), app.changes());
    let bytes = |bytes: &[u8]| {
        let request = app.request("POST", "/v1/hr-sync?section=employees").header("content-type", "text/csv");
        request.bytes(bytes).send()
    };
    let latin = bytes(b"key,name\ne-1,Ane\ne-2,S\xf8ren\n").expect_problem(400, "malformed-body").json();
    assert!(latin["detail"].as_str().unwrap().starts_with("Line 3 is not UTF-8"), "{latin}");
    for cut in [
        "key,name\ne-1,Ane\ne-2,B",
        "key,name,title\ne-1,Ane,x\ne-2\n",
        "key,na",
        "key,name\ne-1,\"Ane\ne-2,Bo\n",
        "key,name\ne-1,\"Ane\ne-2,\"Bo\n",
    ] {
        bytes(cut.as_bytes()).expect_problem(400, "malformed-body");
    }
    let errors = send_table(app, "?section=employees", "key,name,unit\ne-1,Ane,U.1\ne-2,Bo 010180-1234,nowhere\n");
    let errors = errors.expect_errors(&["/employees/1/name", "/employees/1/unit"]).json();
    assert!(errors["errors"][0]["detail"].as_str().unwrap().starts_with("line 3: "), "{errors}");
    let typed = send_table(app, "?section=units", "key,headcount,colour\nU.1,many,red\n");
    typed.expect_errors(&["/units/0/headcount", "/units/0/colour"]);
    let typed = send_table(app, "?section=employees", "key,name_protected\ne-1,ja\n");
    typed.expect_errors(&["/employees/0/name_protected"]);
    send_table(app, "", "key,name\ne-1,Ane\n").expect_problem(400, "invalid-query");
    send_table(app, "?section=committees", "key,name\nc-1,C\n").expect_problem(400, "invalid-query");
    assert_eq!((app.get("/v1/export").json(), app.changes()), before);
}

fn rows_of_another_municipality_are_untouched(app: &App) {
    let token = app.token_of(ELSEWHERE, "med.admin");
    let there = |method: &str, path: &str| app.request(method, path).token(&token);
    there("POST", "/v1/levels").json(&json!({"key": "l", "name": "L", "rank": 1})).send().expect(201);
    there("POST", "/v1/hr-sync?mode=snapshot").json(&town()).send().expect(200);
    let before = there("GET", "/v1/export").send().json();
    fill(app);
    let employee = there("GET", "/v1/employees/e-1").send().json()["id"].clone();
    let foreign = json!({"memberships": [{"key": "m-1", "employee": employee}]});
    sync(app, "", &foreign).expect_errors(&["/memberships/0/employee"]);
    sync(
        app,
        "?mode=snapshot&max_ended=99",
        &json!({"units": [], "employees": [], "committees": [], "memberships": []}),
    )
    .expect(200);
    assert_eq!(there("GET", "/v1/export").send().json(), before);
}

fn the_answer_holds_proposals(app: &App) {
    fill(app);
    let answer = delta(
        app,
        &json!({"employees": [{"key": "e-1", "ends_on": yesterday()}], "units": [{"key": "U.1", "headcount": 19}]}),
    );
    let kinds: Vec<&Value> = answer["proposals"].as_array().unwrap().iter().map(|proposal| &proposal["kind"]).collect();
    assert_eq!(kinds, ["no_chair", "no_safety_rep", "become_staff_meeting", "holder_left", "no_chair"]);
    assert_eq!(json!(app.list("/v1/committee-proposals")), answer["proposals"]);
    let english =
        app.request("POST", "/v1/hr-sync").header("accept-language", "en").json(&json!({})).send().expect(200);
    assert_eq!(english.header("content-language"), Some("en"));
    assert_eq!(english.json()["proposals"][0]["reason"], "Nobody chairs the committee.");
}

fn two_syncs_at_once_do_not_mix(app: &App) {
    let file = |title: &str| -> Value {
        let row = |n: usize| json!({"key": format!("x-{n:04}"), "name": "X", "title": title});
        json!({"employees": (0..1_500).map(row).collect::<Value>()})
    };
    let files = [file("Alfa"), file("Beta"), file("Gamma")];
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let running: Vec<_> = files
            .iter()
            .map(|file| {
                scope.spawn(move || {
                    let answer = sync(app, "?mode=snapshot", file);
                    assert!([200, 503].contains(&answer.status), "{}", String::from_utf8_lossy(&answer.body));
                    (answer.status == 200).then(|| answer.json())
                })
            })
            .collect();
        running.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(!answers.is_empty(), "at least one went through");
    let created: u64 = answers.iter().map(|answer| counts(&answer["employees"])[0]).sum();
    assert_eq!(created, 1_500, "one of them was the first, the others came upon its rows");
    let mut titles: Vec<String> =
        app.list("/v1/employees?limit=200").iter().map(|row| row["title"].as_str().unwrap().to_owned()).collect();
    titles.dedup();
    assert_eq!(titles.len(), 1, "{titles:?}");
}

fn others_write_while_a_file_is_compared(app: &App) {
    let editor = app.token("med.edit");
    let written_beside = |night: usize| {
        let row = |n: usize| json!({"key": format!("x-{night}-{n:05}"), "name": format!("X {n}"), "title": "Ansat"});
        let file = json!({"employees": (0..6_000).map(row).collect::<Value>()});
        std::thread::scope(|scope| {
            let running = scope.spawn(|| patiently(|| sync(app, "", &file)).expect(200).json());
            let (mut written, mut tried) = (0, 0);
            while !running.is_finished() {
                let level = json!({"key": format!("l-{night}-{tried}"), "name": "L", "rank": 1});
                let status = app.request("POST", "/v1/levels").token(&editor).json(&level).send().status;
                // These writes affect the file's rows, so the sync compares again while it holds the lock. Some may
                // time
                // out.
                assert!([201, 503].contains(&status), "{status}");
                written += usize::from(status == 201);
                tried += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(counts(&running.join().unwrap()["employees"])[0], 6_000);
            written
        })
    };
    // A slow machine may stop the writers for one whole sync, but not every time.
    assert!((0..5).map(written_beside).any(|written| written > 3), "nobody could write beside a file");
}

fn a_large_file_is_written_in_batches(app: &App) {
    app.post("/v1/levels", json!({"key": "l", "name": "L", "rank": 1})).expect(201);
    let file = |batches: usize, title: &str| -> Value {
        let keys = 0..batches * 500;
        let employee = |n: usize| json!({"key": format!("e-{n}"), "name": "E", "title": title});
        json!({"employees": keys.map(employee).collect::<Value>()})
    };
    let cost = |file: &Value| app.statements(|| drop(sync(app, "?mode=snapshot&max_ended=5000", file).expect(200)));
    let (first, second) = (cost(&file(1, "a")), cost(&file(3, "b")));
    let (changed, unchanged) = (cost(&file(3, "c")), cost(&file(3, "c")));
    // Two statements per batch: the rows, and their changes.
    assert_eq!(second - first, 4, "{first}, then {second}");
    assert!(changed <= second, "changed rows are written by the batch too: {changed}");
    assert!(unchanged < 16, "{unchanged} statements to find nothing changed");
}

fn sections_are_logged_row_by_row(app: &App) {
    fill(app);
    let log = app.list("/v1/changes");
    let about: Vec<String> = log.iter().map(|row| format!("{} {}", row["entity"], row["after"]["key"])).collect();
    for row in ["\"unit\" \"U.0\"", "\"employee\" \"e-1\"", "\"committee\" \"c-1\"", "\"membership\" \"m-2\""] {
        assert_eq!(about.iter().filter(|one| *one == row).count(), 1, "{row} in {about:?}");
    }
    assert!(log.iter().filter(|row| row["entity"] == "employee").all(|row| row["subject"] == "tester"));
}
