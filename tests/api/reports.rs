//! Reports: who may make one, what is refused, what is stored, and answers to repeated requests.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};
use medstrategi::auth::local::LocalSecret;
use medstrategi::auth::scope::Scope;
use medstrategi::period::today;
use serde_json::{Value, json};

use crate::harness::{App, ELSEWHERE, HERE, Request, Response, sql};
use crate::reporting_at_once::{at_once, patiently};

crate::tests![
    a_report_is_answered_as_it_was_sent,
    invalid_reports_are_refused_and_not_stored,
    an_action_that_never_begins_takes_no_report,
    all_errors_of_a_report_are_answered_together,
    a_party_reports_while_it_exists,
    occurrences_reach_from_the_first_day_to_today,
    reporting_roles_say_who_reports,
    other_people_may_not_report,
    former_members_may_not_report,
    a_leader_reports_for_their_own_unit,
    an_editor_may_report_for_any_assignee,
    corrections_are_new_reports,
    history_has_filters_pages_and_tables,
    only_hr_sees_who_reported,
    every_report_leaves_a_change,
    rows_with_reports_can_not_be_deleted,
    actions_of_another_municipality_take_no_report,
    a_repeated_request_is_one_report,
    a_key_belongs_to_its_caller_and_its_request,
    a_refused_request_uses_up_no_key,
    keys_are_short_visible_text,
    a_key_is_kept_for_a_day,
    concurrent_requests_with_one_key_make_one_report,
    reading_the_reporter_is_logged,
    an_action_due_before_its_first_day_has_no_occurrence,
    minutes_urls_may_hold_letters_but_no_cpr_numbers,
];

/// A token whose person is the employee with this key: the local issuer's person claim is the subject.
pub fn token_for(app: &App, subject: &str, scope: &str) -> String {
    let secret = LocalSecret::read(&app.folder.path().join("medstrategi.secret")).unwrap();
    let scopes: Vec<Scope> = scope.split_whitespace().map(|word| word.parse().unwrap()).collect();
    secret.sign(subject, &HERE.parse().unwrap(), &scopes, Duration::from_secs(3600)).unwrap()
}

/// The row with these fields added or replaced.
pub fn with(mut row: Value, fields: Value) -> Value {
    row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    row
}

pub fn days_from_now(days: i64) -> NaiveDate {
    today() + TimeDelta::days(days)
}

/// The half-year that contains the day.
pub fn half_year(day: NaiveDate) -> String {
    format!("{}-H{}", day.year(), day.month0() / 6 + 1)
}

/// The ids of all actions, including local ones, by path.
pub fn action_ids(app: &App) -> HashMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    app.list("/v1/actions?limit=200").iter().map(|action| (text(&action["path"]), text(&action["id"]))).collect()
}

pub fn committee(key: &str, level: &str, parent: Option<&str>, days: [Option<NaiveDate>; 2]) -> Value {
    json!({
        "key": key, "name": format!("Udvalg {key}"), "level": level, "parent": parent, "form": "committee",
        "starts_on": days[0], "ends_on": days[1],
    })
}

fn action(key: &str, fields: Value) -> Value {
    let everyone = json!([{"role": "responsible", "level": "local"}]);
    with(json!({"key": key, "title": format!("Handling {key}"), "kind": "discussion", "audience": everyone}), fields)
}

/// A municipality with a plan from 2024 until the end of next year, so that it is running whenever the tests are run.
/// People may report depending on their seat, their unit and the day.
pub fn sample_municipality() -> Value {
    let until = NaiveDate::from_ymd_opt(today().year() + 1, 12, 31);
    let day = |text: &str| Some(text.parse().unwrap());
    let local = |key: &str, days| committee(key, "local", Some("h"), days);
    // A seat's key begins with its committee's.
    let seat = |key: &str, employee: &str, role: &str| {
        let committee = key.split('-').next();
        json!({"key": key, "committee": committee, "employee": employee, "role": role})
    };
    let meant = |entries: &[(&str, &str, &str)]| {
        let entry = |(role, kind, key): &(&str, &str, &str)| with(json!({"role": role}), json!({*kind: key}));
        json!({"audience": entries.iter().map(entry).collect::<Vec<_>>()})
    };
    let given_up = |day: &str| json!({"cancelled_on": day, "cancelled_reason": "Udgik."});
    let employee = |key: &str, name: &str, unit: &str, leads: bool| {
        let unit = (!unit.is_empty()).then_some(unit);
        json!({"key": key, "name": name, "unit": unit, "has_personnel_responsibility": leads})
    };
    let one_area = json!([{"key": "a", "title": "A", "actions": [action("once", json!({}))]}]);
    json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [{"key": "top", "name": "Top", "rank": 1}, {"key": "local", "name": "Lokal", "rank": 2}],
        "units": [
            {"key": "centre", "name": "Centret", "kind": "centre"},
            {"key": "school", "name": "Skolen", "kind": "workplace", "parent": "centre"},
            {"key": "care", "name": "Plejen", "kind": "workplace", "parent": "centre"},
            {"key": "gone", "name": "Det nedlagte", "kind": "workplace", "ends_on": days_from_now(-1)},
        ],
        "employees": [
            employee("e-top", "Ida Top", "", false),
            employee("e-chair", "Ane Holm", "school", false),
            employee("e-deputy", "Bo Lund", "", false),
            employee("e-secretary", "Ea Krog", "", false),
            employee("e-member", "Kaj Munk", "", false),
            employee("e-substitute", "Liv Dam", "", false),
            employee("e-former", "Per Bak", "", false),
            employee("e-coming", "Siv Ravn", "", false),
            employee("e-left", "Tom Friis", "", false),
            employee("e-other", "Eva Skov", "", false),
            employee("e-old", "Jan Eng", "", false),
            employee("e-last", "Mia Toft", "", false),
            employee("e-leader", "Ole Berg", "school", true),
            employee("e-above", "Pia Lind", "centre", true),
            employee("e-beside", "Rie Hede", "care", true),
        ],
        "committees": [
            committee("h", "top", None, [None, None]),
            local("l1", [None, None]),
            local("l2", [None, None]),
            local("young", [day("2025-07-01"), None]),
            local("old", [None, day("2024-08-31")]),
            local("yesterday", [None, Some(days_from_now(-1))]),
            local("last", [None, Some(today())]),
            local("tomorrow", [Some(days_from_now(1)), None]),
        ],
        "memberships": [
            seat("h-chair", "e-top", "chair"),
            seat("l1-chair", "e-chair", "chair"),
            seat("l1-deputy", "e-deputy", "deputy_chair"),
            seat("l1-secretary", "e-secretary", "secretary"),
            seat("l1-member", "e-member", "member"),
            seat("l1-substitute", "e-substitute", "substitute"),
            seat("l1-left", "e-left", "deputy_chair"),
            with(seat("l1-former", "e-former", "secretary"), json!({"ends_on": days_from_now(-1)})),
            with(seat("l1-coming", "e-coming", "secretary"), json!({"starts_on": days_from_now(1)})),
            seat("l2-chair", "e-other", "chair"),
            seat("old-chair", "e-old", "chair"),
            seat("last-chair", "e-last", "chair"),
        ],
        "strategies": [
            {
                "key": "plan", "title": "Plan", "kind": "plan", "status": "adopted",
                "starts_on": "2024-01-01", "ends_on": until,
                "focus_areas": [
                    {"key": "a", "title": "A", "actions": [
                        action("once", json!({})),
                        action("half", json!({"recurrence": "P6M"})),
                        action("top", meant(&[("responsible", "committee", "h"), ("receives", "level", "local")])),
                        action("unit", meant(&[("responsible", "unit", "school"), ("responsible", "unit", "gone")])),
                    ]},
                    {"key": "b", "title": "B", "actions": [
                        action("early", json!({"due_on": "2025-03-31"})),
                        action("window", json!({"recurrence": "P1M", "starts_on": "2024-03-15",
                            "due_on": "2025-02-10"})),
                        action("cancelled", with(given_up("2025-02-01"), json!({"recurrence": "P1M"}))),
                        action("biennial", json!({"recurrence": "P2Y"})),
                        action("ahead", json!({"starts_on": days_from_now(10)})),
                        action("void", given_up("2024-01-01")),
                    ]},
                ],
            },
            {
                "key": "draft", "title": "Udkast", "kind": "plan", "status": "draft", "starts_on": "2024-01-01",
                "focus_areas": one_area,
            },
            {
                "key": "timeless", "title": "Principper", "kind": "principles", "status": "adopted",
                "focus_areas": one_area,
            },
        ],
    })
}

/// The path of an action's reports.
fn reports_of(app: &App, path: &str) -> String {
    format!("/v1/actions/{}/reports", action_ids(app)[path])
}

pub fn request<'a>(app: &'a App, token: &str, address: &str, body: &Value) -> Request<'a> {
    app.request("POST", address).token(token).json(body)
}

pub fn report(app: &App, token: &str, address: &str, body: &Value) -> Response {
    request(app, token, address, body).send()
}

/// Number of changes, and of the action's reports, that are stored.
fn stored(app: &App, address: &str) -> (usize, usize) {
    (app.changes(), app.list(address).len())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn a_report_is_answered_as_it_was_sent(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let ids = action_ids(app);
    let half = &ids["plan/a/half"];
    let body = json!({
        "committee": "l1", "occurrence": "2024-H1", "stage": "in_progress", "judgement": "at_risk",
        "note": "Drøftet på majmødet; følges op.", "minutes_url": "https://intranet.testby.dk/referater/12?side=2",
        "discussed_on": "2024-05-14",
    });
    let chair = token_for(app, "e-chair", "med.report");
    let begun = Utc::now();
    let made = report(app, &chair, &format!("/v1/actions/{half}/reports"), &body).expect(201);
    let told = made.json();
    assert_eq!(made.header("location"), Some(format!("/v1/reports/{}", text(&told["id"])).as_str()));
    let mut expected = with(
        body,
        json!({
            "id": told["id"], "action": "plan/a/half", "action_id": half,
            "unit": null, "reported_at": told["reported_at"], "reported_by": null,
        }),
    );
    assert_eq!(told, expected, "every field stands in the answer, and no other");
    let reported_at: DateTime<Utc> = text(&told["reported_at"]).parse().unwrap();
    assert!(begun - TimeDelta::seconds(1) <= reported_at && reported_at <= Utc::now(), "{reported_at}");
    assert_eq!(text(&told["reported_at"]).len(), "2025-01-31T08:15:30.123456Z".len());

    let address = made.header("location").unwrap();
    let read = app.request("GET", address).token(&app.token("med.read")).send().expect(200);
    assert_eq!(read.json(), expected);
    expected["reported_by"] = json!("e-chair");
    assert_eq!(app.get(address).expect(200).json(), expected, "med.admin brings med.hr along");
    assert_eq!(app.list(&format!("/v1/actions/{half}/reports")), [expected]);

    // Optional fields may be left out. A committee may be named by UUID.
    let l1 = app.get("/v1/committees/l1").json()["id"].clone();
    let plain = report(app, &chair, &reports_of(app, "plan/a/once"), &json!({"committee": l1, "stage": "done"}));
    let plain = plain.expect(201).json();
    assert_eq!((&plain["committee"], &plain["judgement"]), (&json!("l1"), &json!("none")));
    for field in ["unit", "occurrence", "note", "minutes_url", "discussed_on"] {
        assert!(plain[field].is_null() && plain.get(field).is_some(), "{field}");
    }
    for nowhere in ["0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01", "l1"] {
        app.get(&format!("/v1/reports/{nowhere}")).expect_problem(404, "not-found");
        app.get(&format!("/v1/actions/{nowhere}/reports")).expect_problem(404, "not-found");
        let lost = report(
            app,
            &chair,
            &format!("/v1/actions/{nowhere}/reports"),
            &json!({"committee": "l1", "stage": "done"}),
        );
        lost.expect_problem(404, "not-found");
    }
}

fn invalid_reports_are_refused_and_not_stored(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let ids = action_ids(app);
    // An editor may report for any assignee, so that only the report itself can be refused.
    let editor = app.token("med.edit");
    let next_half = half_year(today() + Months::new(6));
    let after_the_plan = format!("{}-H1", today().year() + 2);
    let l1 = |fields: Value| with(json!({"committee": "l1", "stage": "done"}), fields);
    let named = |fields: Value| with(json!({"stage": "done"}), fields);
    let cases = [
        // Exactly one assignee.
        ("plan/a/once", named(json!({})), ""),
        ("plan/a/once", l1(json!({"unit": "school"})), ""),
        ("plan/a/once", named(json!({"committee": null, "unit": null})), ""),
        // An assignee that exists and to which the action is addressed.
        ("plan/a/once", named(json!({"committee": "nowhere"})), "/committee"),
        ("plan/a/once", named(json!({"committee": ids["plan/a/once"]})), "/committee"),
        ("plan/a/once", named(json!({"committee": "h"})), "/committee"),
        ("plan/a/unit", named(json!({"committee": "l1"})), "/committee"),
        ("plan/a/top", named(json!({"committee": "l1"})), "/committee"),
        ("plan/a/unit", named(json!({"unit": "nowhere"})), "/unit"),
        ("plan/a/unit", named(json!({"unit": "care"})), "/unit"),
        ("plan/a/once", named(json!({"unit": "school"})), "/unit"),
        // It must have existed for the occurrence, and must still exist.
        ("plan/b/early", named(json!({"committee": "young"})), "/committee"),
        ("plan/a/half", named(json!({"committee": "young", "occurrence": "2024-H2"})), "/committee"),
        ("plan/a/half", named(json!({"committee": "old", "occurrence": "2024-H1"})), "/committee"),
        ("plan/a/half", named(json!({"committee": "old", "occurrence": "2024-H2"})), "/committee"),
        ("plan/a/once", named(json!({"committee": "yesterday"})), "/committee"),
        ("plan/a/once", named(json!({"committee": "tomorrow"})), "/committee"),
        ("plan/a/unit", named(json!({"unit": "gone"})), "/unit"),
        // An occurrence of the action's recurrence, within its dates, that has begun.
        ("plan/a/half", l1(json!({})), "/occurrence"),
        ("plan/a/half", l1(json!({"occurrence": null})), "/occurrence"),
        ("plan/a/half", l1(json!({"occurrence": "2024"})), "/occurrence"),
        ("plan/a/half", l1(json!({"occurrence": "2024-Q1"})), "/occurrence"),
        ("plan/a/half", l1(json!({"occurrence": "2024-01"})), "/occurrence"),
        ("plan/a/half", l1(json!({"occurrence": "2024-01-01"})), "/occurrence"),
        ("plan/a/half", l1(json!({"occurrence": "2024-H3"})), "/occurrence"),
        ("plan/a/half", l1(json!({"occurrence": "2023-H2"})), "/occurrence"),
        ("plan/a/half", l1(json!({"occurrence": next_half})), "/occurrence"),
        ("plan/a/half", l1(json!({"occurrence": after_the_plan})), "/occurrence"),
        ("plan/a/once", l1(json!({"occurrence": "2024"})), "/occurrence"),
        ("plan/b/window", l1(json!({"occurrence": "2024-02"})), "/occurrence"),
        ("plan/b/window", l1(json!({"occurrence": "2025-03"})), "/occurrence"),
        ("plan/b/cancelled", l1(json!({"occurrence": "2025-02"})), "/occurrence"),
        ("plan/b/biennial", l1(json!({"occurrence": "2025"})), "/occurrence"),
        // Other fields.
        ("plan/a/once", l1(json!({"discussed_on": days_from_now(1)})), "/discussed_on"),
        ("plan/a/once", l1(json!({"discussed_on": "2025-02-30"})), "/discussed_on"),
        ("plan/a/once", l1(json!({"minutes_url": "http://intranet.testby.dk/12"})), "/minutes_url"),
        ("plan/a/once", l1(json!({"minutes_url": "ftp://intranet.testby.dk/12"})), "/minutes_url"),
        ("plan/a/once", l1(json!({"minutes_url": "javascript:alert(1)"})), "/minutes_url"),
        ("plan/a/once", l1(json!({"minutes_url": "//intranet.testby.dk/12"})), "/minutes_url"),
        ("plan/a/once", l1(json!({"minutes_url": "https://"})), "/minutes_url"),
        ("plan/a/once", l1(json!({"minutes_url": "referatet"})), "/minutes_url"),
        ("plan/a/once", json!({"committee": "l1"}), "/stage"),
        ("plan/a/once", l1(json!({"stage": null})), "/stage"),
        ("plan/a/once", l1(json!({"stage": "finished"})), "/stage"),
        ("plan/a/once", l1(json!({"judgement": "green"})), "/judgement"),
        ("plan/a/once", l1(json!({"note": "  "})), "/note"),
        ("plan/a/once", l1(json!({"reported_at": "2024-01-01T00:00:00Z"})), "/reported_at"),
        ("plan/a/once", l1(json!({"reported_by": "e-chair"})), "/reported_by"),
        // Drafts take no reports.
        ("draft/a/once", l1(json!({})), ""),
    ];
    let changes = app.changes();
    for (path, body, pointer) in cases {
        let address = format!("/v1/actions/{}/reports", ids[path]);
        let answer = report(app, &editor, &address, &body);
        let told = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 422, "{path} {body}: {told}");
        let mut pointers = answer.expect_problem(422, "invalid-body").pointers();
        pointers.dedup();
        assert_eq!(pointers, [pointer], "{path} {body}: {told}");
        assert_eq!(stored(app, &address), (changes, 0), "{path} {body}");
    }
}

fn an_action_that_never_begins_takes_no_report(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let editor = app.token("med.edit");
    for path in ["plan/b/ahead", "plan/b/void"] {
        let address = reports_of(app, path);
        let before = stored(app, &address);
        let body = json!({"committee": "l1", "stage": "done"});
        report(app, &editor, &address, &body).expect_problem(422, "invalid-body");
        assert_eq!(stored(app, &address), before, "{path}");
    }
}

fn all_errors_of_a_report_are_answered_together(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let body = json!({
        "committee": "nowhere", "occurrence": "2024-Q1", "stage": "done", "discussed_on": days_from_now(1),
    });
    report(app, &app.token("med.edit"), &reports_of(app, "plan/a/half"), &body).expect_errors(&[
        "/committee",
        "/occurrence",
        "/discussed_on",
    ]);
    let body = json!({"committee": 7, "stage": "finished", "judgement": 1, "colour": "green"});
    report(app, &app.token("med.edit"), &reports_of(app, "plan/a/once"), &body).expect_errors(&[
        "/committee",
        "/stage",
        "/judgement",
        "/colour",
    ]);
}

fn a_party_reports_while_it_exists(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let editor = app.token("med.edit");
    let (once, half) = (reports_of(app, "plan/a/once"), reports_of(app, "plan/a/half"));
    let young = json!({"committee": "young", "occurrence": "2025-H2", "stage": "done"});
    report(app, &editor, &half, &young).expect(201);
    // It exists on its last day and can report earlier occurrences then.
    let last = |fields: Value| with(json!({"committee": "last", "stage": "done"}), fields);
    let chair = token_for(app, "e-last", "med.report");
    report(app, &chair, &once, &last(json!({}))).expect(201);
    report(app, &chair, &half, &last(json!({"occurrence": "2024-H1"}))).expect(201);
    app.patch("/v1/committees/last", json!({"ends_on": days_from_now(-1)})).expect(200);
    let before = stored(app, &once);
    report(app, &editor, &once, &last(json!({}))).expect_errors(&["/committee"]);
    // A person in an ended committee has no seat there either. Whichever problem is answered, nothing is stored.
    let old = json!({"committee": "old", "occurrence": "2024-H1", "stage": "done"});
    for (chair, address, body) in [("e-old", &half, &old), ("e-last", &once, &last(json!({})))] {
        let refused = report(app, &token_for(app, chair, "med.report"), address, body);
        assert!([403, 422].contains(&refused.status), "{chair}: {}", refused.status);
    }
    assert_eq!(stored(app, &once), before);
    // A committee that was ended by mistake can be reopened.
    app.patch("/v1/committees/last", json!({"ends_on": null})).expect(200);
    report(app, &chair, &once, &last(json!({}))).expect(201);
}

fn occurrences_reach_from_the_first_day_to_today(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let ids = action_ids(app);
    let chair = token_for(app, "e-chair", "med.report");
    let this_half = half_year(today());
    let this_pair_of_years = (today().year() - today().year() % 2).to_string();
    for (path, occurrence) in [
        ("plan/a/half", "2024-H1"),
        ("plan/a/half", "2025-H2"),
        ("plan/a/half", this_half.as_str()),
        ("plan/b/window", "2024-03"),
        ("plan/b/window", "2025-02"),
        ("plan/b/cancelled", "2024-01"),
        ("plan/b/cancelled", "2025-01"),
        ("plan/b/biennial", "2024"),
        ("plan/b/biennial", this_pair_of_years.as_str()),
    ] {
        let body = json!({"committee": "l1", "occurrence": occurrence, "stage": "done"});
        let address = format!("/v1/actions/{}/reports", ids[path]);
        assert_eq!(report(app, &chair, &address, &body).expect(201).json()["occurrence"], occurrence, "{path}");
    }
    // It may have been discussed today.
    let body = json!({"committee": "l1", "stage": "done", "discussed_on": today()});
    report(app, &chair, &reports_of(app, "plan/b/early"), &body).expect(201);
}

fn reporting_roles_say_who_reports(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/once");
    let body = json!({"committee": "l1", "stage": "in_progress"});
    let people = ["e-chair", "e-deputy", "e-secretary", "e-member", "e-substitute"];
    let allowed = || -> Vec<&str> {
        let may = |person: &&str| {
            let answer = report(app, &token_for(app, person, "med.report"), &address, &body);
            let is_allowed = answer.status == 201;
            if !is_allowed {
                answer.expect_problem(403, "may-not-report");
            }
            is_allowed
        };
        people.into_iter().filter(may).collect()
    };
    let roles = app.get("/v1/municipality").json()["reporting_roles"].clone();
    assert_eq!(roles, json!(["chair", "deputy_chair", "secretary"]));
    assert_eq!(allowed(), ["e-chair", "e-deputy", "e-secretary"]);
    let changed =
        app.patch("/v1/municipality", json!({"reporting_roles": ["member", "substitute"]})).expect(200).json();
    assert_eq!(changed["reporting_roles"], json!(["member", "substitute"]));
    assert_eq!(allowed(), ["e-member", "e-substitute"]);
    app.patch("/v1/municipality", json!({"reporting_roles": ["chair", "king"]})).expect_errors(&["/reporting_roles/1"]);
    app.patch("/v1/municipality", json!({"name": "Testby Kommune"})).expect(200);
    assert_eq!(allowed(), ["e-member", "e-substitute"], "another setting leaves them as they are");
    assert_eq!(app.list(&address).len(), 3 + 2 + 2);
}

fn other_people_may_not_report(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let (once, top) = (reports_of(app, "plan/a/once"), reports_of(app, "plan/a/top"));
    let for_l1 = json!({"committee": "l1", "stage": "done"});
    let before = stored(app, &once);
    // The chair of another committee, the chair of the one above, and a token without an employee.
    for person in ["e-other", "e-top", "tester", "E-CHAIR", "nobody"] {
        let refused = report(app, &token_for(app, person, "med.report med.read"), &once, &for_l1);
        refused.expect_problem(403, "may-not-report");
    }
    let for_h = json!({"committee": "h", "stage": "done"});
    report(app, &token_for(app, "e-chair", "med.report"), &top, &for_h).expect_problem(403, "may-not-report");
    // Without `med.report`, a seat is not enough.
    for scope in ["med.read", "med.progress", "med.hr", "med.measure", "med.audit"] {
        let refused = report(app, &token_for(app, "e-chair", scope), &once, &for_l1);
        refused.expect_problem(403, "insufficient-scope");
    }
    let refused = app.request("POST", &once).without_token().json(&for_l1).send();
    refused.expect_problem(401, "invalid-token");
    assert_eq!(stored(app, &once), before);
    report(app, &token_for(app, "e-other", "med.report"), &once, &json!({"committee": "l2", "stage": "done"}))
        .expect(201);
    report(app, &token_for(app, "e-top", "med.report"), &top, &for_h).expect(201);
}

fn former_members_may_not_report(app: &App) {
    app.import(&sample_municipality()).unwrap();
    app.patch("/v1/employees/e-left", json!({"ends_on": days_from_now(-1)})).expect(200);
    let address = reports_of(app, "plan/a/once");
    let body = json!({"committee": "l1", "stage": "done"});
    let chair = token_for(app, "e-chair", "med.report");
    let change = |path: &str, fields: Value| drop(app.patch(path, fields).expect(200));
    for person in ["e-former", "e-coming", "e-left"] {
        let refused = report(app, &token_for(app, person, "med.report"), &address, &body);
        refused.expect_problem(403, "may-not-report");
    }
    assert_eq!(app.list(&address).len(), 0);
    change("/v1/memberships/l1-chair", json!({"ends_on": today()}));
    report(app, &chair, &address, &body).expect(201);
    change("/v1/memberships/l1-chair", json!({"ends_on": days_from_now(-1)}));
    report(app, &chair, &address, &body).expect_problem(403, "may-not-report");
    change("/v1/memberships/l1-chair", json!({"ends_on": null}));
    change("/v1/employees/e-chair", json!({"ends_on": days_from_now(-1)}));
    report(app, &chair, &address, &body).expect_problem(403, "may-not-report");
    change("/v1/employees/e-chair", json!({"ends_on": null}));
    change("/v1/memberships/l1-chair", json!({"role": "member"}));
    report(app, &chair, &address, &body).expect_problem(403, "may-not-report");
    change("/v1/memberships/l1-chair", json!({"employee": null, "role": "chair"}));
    report(app, &chair, &address, &body).expect_problem(403, "may-not-report");
    assert_eq!(app.list(&address).len(), 1, "what was reported stays");
}

fn a_leader_reports_for_their_own_unit(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/unit");
    let body = json!({"unit": "school", "stage": "in_progress"});
    let try_as = |person: &str| report(app, &token_for(app, person, "med.report"), &address, &body);
    let told = try_as("e-leader").expect(201).json();
    assert_eq!((&told["unit"], &told["committee"]), (&json!("school"), &json!(null)));
    // An employee of the unit, leaders of the unit above and of one beside it, and the committee's chair.
    for person in ["e-chair", "e-above", "e-beside", "e-top"] {
        try_as(person).expect_problem(403, "may-not-report");
    }
    for (fields, allowed) in [
        (json!({"has_personnel_responsibility": false}), false),
        (json!({"has_personnel_responsibility": true, "unit": "centre"}), false),
        (json!({"unit": null}), false),
        (json!({"unit": "school"}), true),
        (json!({"ends_on": days_from_now(-1)}), false),
    ] {
        app.patch("/v1/employees/e-leader", fields.clone()).expect(200);
        let answer = try_as("e-leader");
        match allowed {
            true => answer.expect(201),
            false => answer.expect_problem(403, "may-not-report"),
        };
    }
    assert_eq!(app.list(&address).len(), 2);
}

fn an_editor_may_report_for_any_assignee(app: &App) {
    app.import(&sample_municipality()).unwrap();
    for scope in ["med.edit", "med.admin", "med.report med.edit"] {
        for (path, party, key) in
            [("plan/a/once", "committee", "l2"), ("plan/a/top", "committee", "h"), ("plan/a/unit", "unit", "school")]
        {
            let mut body = json!({"stage": "dropped"});
            body[party] = json!(key);
            let told = report(app, &app.token(scope), &reports_of(app, path), &body).expect(201).json();
            assert_eq!((&told[party], &told["stage"]), (&json!(key), &json!("dropped")), "{scope}");
        }
    }
}

fn corrections_are_new_reports(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/once");
    let chair = token_for(app, "e-chair", "med.report");
    let stages = ["in_progress", "done", "in_progress", "not_started", "done"];
    let made: Vec<Value> = stages
        .iter()
        .map(|stage| report(app, &chair, &address, &json!({"committee": "l1", "stage": stage})).expect(201).json())
        .collect();
    let listed = app.list(&address);
    let newest_first: Vec<&Value> = made.iter().rev().map(|report| &report["id"]).collect();
    assert_eq!(listed.iter().map(|report| &report["id"]).collect::<Vec<_>>(), newest_first);
    assert_eq!(listed.iter().rev().map(|report| text(&report["stage"])).collect::<Vec<_>>(), stages);
    for report in &made {
        let read = app.get(&format!("/v1/reports/{}", text(&report["id"]))).expect(200).json();
        assert_eq!((&read["stage"], &read["reported_at"]), (&report["stage"], &report["reported_at"]));
    }
    let assignments = address.replace("/reports", "/assignments?committee=l1");
    let now = app.list(&assignments);
    assert_eq!(now.len(), 1, "however often it is reported, it is one assignment");
    assert_eq!((&now[0]["report_id"], &now[0]["stage"]), (&made[4]["id"], &json!("done")));
    assert_eq!(now[0]["reported_at"], made[4]["reported_at"]);
    // A report is never changed and never removed.
    let one = format!("/v1/reports/{}", text(&made[0]["id"]));
    for method in ["PUT", "PATCH", "DELETE"] {
        let refused = app.request(method, &one).header("if-match", "*").json(&json!({"stage": "done"})).send();
        refused.expect_problem(405, "method-not-allowed");
    }
}

/// Reports of two committees in two half-years, on different days.
fn history() -> Value {
    let told = |committee: &str, occurrence: &str, stage: &str, at: &str| {
        json!({
            "action": "plan/a/half", "committee": committee, "occurrence": occurrence, "stage": stage,
            "note": format!("={committee} {occurrence}"), "reported_by": "e-chair", "reported_at": at,
        })
    };
    json!([
        told("l1", "2024-H1", "in_progress", "2024-02-01T09:00:00Z"),
        told("l2", "2024-H1", "done", "2024-03-01T09:00:00Z"),
        told("l1", "2024-H1", "done", "2024-04-01T09:00:00Z"),
        told("l1", "2024-H2", "in_progress", "2024-08-01T09:00:00Z"),
        told("l2", "2024-H2", "dropped", "2024-09-01T09:00:00Z"),
        {"action": "plan/a/unit", "unit": "school", "stage": "done", "reported_at": "2024-05-01T09:00:00Z"},
        {"action": "plan/a/unit", "unit": "gone", "stage": "done", "reported_at": "2024-06-01T09:00:00Z"},
    ])
}

fn history_has_filters_pages_and_tables(app: &App) {
    app.import(&with(sample_municipality(), json!({"reports": history()}))).unwrap();
    let (half, unit) = (reports_of(app, "plan/a/half"), reports_of(app, "plan/a/unit"));
    let id = |path: &str| text(&app.get(path).json()["id"]).to_owned();
    let (l2, school) = (id("/v1/committees/l2"), id("/v1/units/school"));
    let days = |path: &str| -> Vec<String> {
        app.list(path).iter().map(|report| text(&report["reported_at"])[5..7].to_owned()).collect()
    };
    for (address, query, months) in [
        (&half, String::new(), vec!["09", "08", "04", "03", "02"]),
        (&half, "committee=l1".into(), vec!["08", "04", "02"]),
        (&half, format!("committee={l2}"), vec!["09", "03"]),
        (&half, "occurrence=2024-H1".into(), vec!["04", "03", "02"]),
        (&half, "occurrence=2024-H2&committee=l2".into(), vec!["09"]),
        (&half, "occurrence=2025-H1".into(), vec![]),
        (&half, "unit=school".into(), vec![]),
        (&unit, "unit=school".into(), vec!["05"]),
        (&unit, format!("unit={school}"), vec!["05"]),
        (&unit, String::new(), vec!["06", "05"]),
    ] {
        assert_eq!(days(&format!("{address}?{query}")), months, "{query}");
        assert_eq!(days(&format!("{address}?{query}&limit=1")), months, "{query}");
        assert_eq!(days(&format!("{address}?{query}&limit=2")), months, "{query}");
    }
    let first = app.get(&format!("{half}?limit=2")).expect(200);
    let next = first.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(first.header("link"), Some(format!("<{half}?limit=2&cursor={next}>; rel=\"next\"").as_str()));
    for wrong in
        ["occurrence=2024-H3", "occurrence=", "committee=a%20b", "limit=0", "cursor=x", "format=xml", "stage=done"]
    {
        app.get(&format!("{half}?{wrong}")).expect_problem(400, "invalid-query");
    }
    let table = app.request("GET", &format!("{half}?limit=1")).header("accept", "text/csv").send().expect(200);
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let table = String::from_utf8(table.body).unwrap();
    assert_eq!(table.lines().count(), 1 + 5, "a header and every row: {table}");
    let columns: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    for column in ["id", "committee", "unit", "occurrence", "stage", "judgement", "note", "reported_at", "reported_by"]
    {
        assert!(columns.contains(&column), "{column} in {columns:?}");
    }
    assert!(table.lines().nth(1).unwrap().contains("'=l2 2024-H2"), "newest first, formulas neutralised: {table}");
    let table = app.get(&format!("{half}?format=csv&committee=l1")).expect(200);
    assert_eq!(String::from_utf8(table.body).unwrap().lines().count(), 1 + 3);
}

fn only_hr_sees_who_reported(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/once");
    let body = json!({"committee": "l1", "stage": "done"});
    let by_chair = |scope: &str| report(app, &token_for(app, "e-chair", scope), &address, &body).expect(201).json();
    assert_eq!(by_chair("med.report")["reported_by"], json!(null), "not even who did is told");
    let one = by_chair("med.report med.hr");
    assert_eq!(one["reported_by"], "e-chair");
    let by_editor = report(app, &app.token("med.edit med.hr"), &address, &body).expect(201).json();
    assert_eq!(by_editor["reported_by"], json!(null), "nobody stands behind the token");
    let one = format!("/v1/reports/{}", text(&one["id"]));
    let read = |scope: &str, path: &str| app.request("GET", path).token(&app.token(scope)).send().expect(200);
    let (reader, hr) = (read("med.read", &one), read("med.read med.hr", &one));
    assert_eq!((&reader.json()["reported_by"], &hr.json()["reported_by"]), (&json!(null), &json!("e-chair")));
    assert_ne!(reader.etag(), hr.etag(), "another scope sees another answer");
    let again = app.request("GET", &one).token(&app.token("med.read med.hr")).header("if-none-match", &reader.etag());
    again.send().expect(200);
    for path in [address.clone(), format!("{address}?format=csv"), address.replace("reports", "assignments")] {
        let page = |scope: &str| String::from_utf8(read(scope, &path).body).unwrap();
        assert!(!page("med.read").contains("e-chair") && !page("med.read").contains("Holm"), "{path}");
        assert_eq!(page("med.read med.hr").contains("e-chair"), !path.contains("assignments"), "{path}");
    }
    let log = read("med.audit", "/v1/changes?limit=200").json();
    let reports: Vec<&Value> =
        log["items"].as_array().unwrap().iter().filter(|row| row["entity"] == "report").collect();
    assert_eq!(reports.len(), 3);
    assert!(reports.iter().all(|row| row["after"]["reported_by"].is_null()), "{reports:?}");
}

fn every_report_leaves_a_change(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/half");
    let before = app.changes();
    let version = app.get("/v1/strategies/plan").json()["version"].clone();
    let chair = token_for(app, "e-chair", "med.report");
    let body = |stage: &str| json!({"committee": "l1", "occurrence": "2024-H1", "stage": stage, "note": "N"});
    let made: Vec<Value> =
        ["in_progress", "done"].map(|stage| report(app, &chair, &address, &body(stage)).expect(201).json()).into();
    let log = app.list("/v1/changes?limit=200").split_off(before);
    assert_eq!(log.len(), 2);
    for (row, report) in log.iter().zip(&made) {
        assert_eq!((&row["entity"], &row["operation"]), (&json!("report"), &json!("created")));
        assert_eq!((&row["entity_id"], &row["subject"]), (&report["id"], &json!("e-chair")));
        assert_eq!((&row["before"], &row["after"]["stage"]), (&json!(null), &report["stage"]));
        assert_eq!((&row["after"]["committee"], &row["after"]["occurrence"]), (&json!("l1"), &json!("2024-H1")));
    }
    assert_eq!(app.get("/v1/strategies/plan").json()["version"], version, "the plan itself did not change");
}

fn rows_with_reports_can_not_be_deleted(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let ids = action_ids(app);
    let editor = app.token("med.edit");
    let once = format!("/v1/actions/{}", ids["plan/a/once"]);
    let unit = format!("/v1/actions/{}", ids["plan/a/unit"]);
    for key in ["silent", "heard"] {
        app.post("/v1/committees", committee(key, "local", None, [None, None])).expect(201);
        app.post("/v1/units", json!({"key": key, "name": key, "kind": "other"})).expect(201);
    }
    let audience = |keys: &[&str]| -> Value {
        let entries: Vec<Value> = keys.iter().map(|key| json!({"role": "responsible", "unit": key})).collect();
        json!({"audience": entries})
    };
    let until_now = app.get(&unit).json()["audience"].clone();
    app.patch(&unit, audience(&["silent", "heard"])).expect(200);
    report(app, &editor, &format!("{once}/reports"), &json!({"committee": "heard", "stage": "done"})).expect(201);
    report(app, &editor, &format!("{unit}/reports"), &json!({"unit": "heard", "stage": "done"})).expect(201);
    // Nothing else refers to them: only their reports prevent the deletion.
    app.patch(&unit, json!({"audience": until_now})).expect(200);
    for kind in ["committees", "units"] {
        app.delete(&format!("/v1/{kind}/heard")).expect_problem(409, "in-use");
        app.get(&format!("/v1/{kind}/heard")).expect(200);
        app.delete(&format!("/v1/{kind}/silent")).expect(204);
    }
    let tree = app.get("/v1/strategies/plan").json();
    app.delete(&once).expect_problem(409, "in-use");
    app.delete("/v1/strategies/plan").expect_problem(409, "in-use");
    app.delete(&format!("/v1/focus-areas/{}", text(&tree["focus_areas"][0]["id"]))).expect_problem(409, "in-use");
    let mut wanted = sample_municipality()["strategies"][0].clone();
    let left = |actions: &Value| -> Vec<Value> {
        actions.as_array().unwrap().iter().filter(|action| action["key"] != "once").cloned().collect()
    };
    wanted["focus_areas"][0]["actions"] = json!(left(&wanted["focus_areas"][0]["actions"]));
    app.put("/v1/strategies/plan", wanted).expect_problem(409, "in-use");
    assert_eq!(app.get("/v1/strategies/plan").json(), tree);
    app.delete(&format!("/v1/actions/{}", ids["plan/a/top"])).expect(204);
    assert_eq!(app.list(&format!("{once}/reports")).len(), 1);
}

fn actions_of_another_municipality_take_no_report(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let elsewhere =
        with(sample_municipality(), json!({"municipality": {"key": ELSEWHERE, "code": "998", "name": ELSEWHERE}}));
    app.import(&elsewhere).unwrap();
    let there = app.token_of(ELSEWHERE, "med.admin");
    let read = |path: &str| app.request("GET", path).token(&there).send().expect(200).json();
    let theirs = read("/v1/actions?limit=200")["items"].as_array().unwrap().clone();
    let once = theirs.iter().find(|action| action["path"] == "plan/a/once").unwrap();
    let address = format!("/v1/actions/{}/reports", text(&once["id"]));
    let body = json!({"committee": "l1", "stage": "done"});
    for token in [app.token("med.admin"), token_for(app, "e-chair", "med.report")] {
        report(app, &token, &address, &body).expect_problem(404, "not-found");
    }
    app.get(&address).expect_problem(404, "not-found");
    assert_eq!(read(&address)["items"], json!([]));
    // Nor can an own action be reported for a committee of another municipality.
    let l1 = read("/v1/committees/l1")["id"].clone();
    let foreign = json!({"committee": l1, "stage": "done"});
    report(app, &app.token("med.edit"), &reports_of(app, "plan/a/once"), &foreign).expect_errors(&["/committee"]);
    let made = report(app, &there, &address, &body).expect(201).json();
    app.get(&format!("/v1/reports/{}", text(&made["id"]))).expect_problem(404, "not-found");
    assert_eq!(app.list(&reports_of(app, "plan/a/once")).len(), 0);
}

fn keyed(app: &App, token: &str, address: &str, key: &str, body: &Value) -> Response {
    request(app, token, address, body).header("idempotency-key", key).send()
}

fn is_replayed(answer: &Response) -> bool {
    match answer.header("idempotency-replayed") {
        None => false,
        Some("true") => true,
        Some(other) => panic!("Idempotency-Replayed: {other}"),
    }
}

fn a_repeated_request_is_one_report(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/half");
    let chair = token_for(app, "e-chair", "med.report");
    let body = json!({"committee": "l1", "occurrence": "2024-H1", "stage": "done", "note": "Æblegrød"});
    let before = app.changes();
    let first = keyed(app, &chair, &address, "8d3f0a1c", &body).expect(201);
    assert!(!is_replayed(&first));
    for _ in 0..3 {
        // Another token of the same subject is the same caller.
        let again = keyed(app, &token_for(app, "e-chair", "med.report"), &address, "8d3f0a1c", &body).expect(201);
        assert!(is_replayed(&again));
        assert_eq!(again.json(), first.json());
        assert_eq!(again.header("location"), first.header("location"));
    }
    assert_eq!(stored(app, &address), (before + 1, 1));
    // Without a key, two requests are two reports.
    for _ in 0..2 {
        assert!(!is_replayed(&report(app, &chair, &address, &body).expect(201)));
    }
    assert!(!is_replayed(&keyed(app, &chair, &address, "8d3f0a1d", &body).expect(201)), "another key");
    assert_eq!(stored(app, &address), (before + 4, 4));
}

fn a_key_belongs_to_its_caller_and_its_request(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let (once, early) = (reports_of(app, "plan/a/once"), reports_of(app, "plan/b/early"));
    let (chair, deputy) = (token_for(app, "e-chair", "med.report"), token_for(app, "e-deputy", "med.report"));
    let body = json!({"committee": "l1", "stage": "done"});
    let first = keyed(app, &chair, &once, "k", &body).expect(201).json();
    let before = stored(app, &once);
    for other in [
        json!({"committee": "l1", "stage": "in_progress"}),
        json!({"committee": "l1", "stage": "done", "note": "N"}),
        // Even an invalid body gets this answer.
        json!({"committee": "l2", "stage": "done"}),
    ] {
        keyed(app, &chair, &once, "k", &other).expect_problem(422, "idempotency-key-reused");
    }
    keyed(app, &chair, &early, "k", &body).expect_problem(422, "idempotency-key-reused");
    assert_eq!(stored(app, &once), before);
    assert_eq!(app.list(&early).len(), 0);
    let other = keyed(app, &deputy, &once, "k", &body).expect(201);
    assert!(!is_replayed(&other), "somebody else's key is another");
    assert_ne!(other.json()["id"], first["id"]);
    assert_eq!(keyed(app, &chair, &once, "k", &body).expect(201).json(), first);
    assert_eq!(app.list(&once).len(), 2);
}

fn a_refused_request_uses_up_no_key(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/half");
    let chair = token_for(app, "e-chair", "med.report");
    let body =
        |committee: &str, occurrence: &str| json!({"committee": committee, "occurrence": occurrence, "stage": "done"});
    keyed(app, &chair, &address, "k", &body("l1", "2024-Q1")).expect_errors(&["/occurrence"]);
    keyed(app, &chair, &address, "k", &body("l2", "2024-H1")).expect_problem(403, "may-not-report");
    assert!(!is_replayed(&keyed(app, &chair, &address, "k", &body("l1", "2024-H1")).expect(201)));
    assert!(is_replayed(&keyed(app, &chair, &address, "k", &body("l1", "2024-H1")).expect(201)));
    assert_eq!(app.list(&address).len(), 1);
}

fn keys_are_short_visible_text(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/once");
    let chair = token_for(app, "e-chair", "med.report");
    let body = json!({"committee": "l1", "stage": "done"});
    for wrong in ["", "to ord", &"k".repeat(201)] {
        assert_eq!(keyed(app, &chair, &address, wrong, &body).status, 400, "'{wrong}'");
    }
    assert_eq!(app.list(&address).len(), 0);
    for right in ["!", "\"7d1e\"", "~/;,=", &"k".repeat(200)] {
        keyed(app, &chair, &address, right, &body).expect(201);
        assert!(is_replayed(&keyed(app, &chair, &address, right, &body).expect(201)), "'{right}'");
    }
    assert_eq!(app.list(&address).len(), 4);
}

fn a_key_is_kept_for_a_day(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/once");
    let chair = token_for(app, "e-chair", "med.report");
    let body = |stage: &str| json!({"committee": "l1", "stage": stage});
    let age = |hours: i64| {
        let then = (Utc::now() - TimeDelta::hours(hours)).format("%Y-%m-%d %H:%M:%S");
        sql(&app.database, &format!("UPDATE idempotency_keys SET created_at = '{then}'"));
    };
    let first = keyed(app, &chair, &address, "k", &body("in_progress")).expect(201).json();
    age(23);
    assert_eq!(keyed(app, &chair, &address, "k", &body("in_progress")).expect(201).json(), first);
    keyed(app, &chair, &address, "k", &body("done")).expect_problem(422, "idempotency-key-reused");
    age(25);
    let second = keyed(app, &chair, &address, "k", &body("done")).expect(201);
    assert!(!is_replayed(&second));
    assert_eq!(app.list(&address).len(), 2);
    // From now on the key belongs to the last request.
    assert_eq!(keyed(app, &chair, &address, "k", &body("done")).expect(201).json(), second.json());
    age(25);
    assert!(!is_replayed(&keyed(app, &chair, &address, "k", &body("done")).expect(201)), "the same once more");
}

fn concurrent_requests_with_one_key_make_one_report(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/once");
    let chair = token_for(app, "e-chair", "med.report");
    let body = json!({"committee": "l1", "stage": "done"});
    for round in 1..=3 {
        let before = app.changes();
        let key = format!("runde-{round}");
        let answers = at_once(10, 10, |_| patiently(|| keyed(app, &chair, &address, &key, &body)).expect(201));
        let told: Vec<Value> = answers.iter().map(Response::json).collect();
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1);
        assert_eq!(stored(app, &address), (before + 1, round));
    }
}

fn reading_the_reporter_is_logged(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let (once, early) = (reports_of(app, "plan/a/once"), reports_of(app, "plan/b/early"));
    let body = json!({"committee": "l1", "stage": "done"});
    let location = |made: Response| made.expect(201).header("location").unwrap().to_owned();
    let read = |path: &str, scope: &str| drop(app.request("GET", path).token(&app.token(scope)).send().expect(200));
    let accesses = || -> Vec<(String, String, i64)> {
        let of = |row: &Value| {
            let (operation, subject) = (text(&row["operation"]).to_owned(), text(&row["subject"]).to_owned());
            assert!(row["employee_id"].is_null(), "{row}");
            (operation, subject, row["rows"].as_i64().unwrap())
        };
        app.list("/v1/access-log").iter().map(of).collect()
    };
    let first = location(report(app, &token_for(app, "e-chair", "med.report"), &once, &body));
    for scope in ["med.read", "med.read med.edit", "med.read med.audit"] {
        for path in [&once, &format!("{once}?format=csv"), &first] {
            read(path, scope);
        }
    }
    assert!(accesses().is_empty(), "who does not see it reads about nobody");

    let own = location(report(app, &token_for(app, "e-chair", "med.report med.hr"), &once, &body));
    read(&once, "med.read med.hr");
    read(&format!("{once}?format=csv"), "med.read med.hr");
    read(&format!("{once}?limit=1"), "med.read med.hr");
    read(&own, "med.read med.hr");
    read(&first, "med.admin");
    let expected = [
        ("create_report", "e-chair", 1),
        ("list_reports", "tester", 2),
        ("list_reports", "tester", 2),
        ("list_reports", "tester", 1),
        ("read_report", "tester", 1),
        ("read_report", "tester", 1),
    ];
    let expected: [(String, String, i64); 6] =
        expected.map(|(operation, subject, rows)| (operation.to_owned(), subject.to_owned(), rows));
    assert_eq!(accesses(), expected);
    // An editor's token has no employee, and an assignment without a report has no reporter.
    let nobody_s = location(report(app, &app.token("med.edit med.hr"), &once, &body));
    read(&nobody_s, "med.read med.hr");
    read(&early, "med.read med.hr");
    assert_eq!(accesses(), expected);
}

fn an_action_due_before_its_first_day_has_no_occurrence(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let area = text(&app.get("/v1/strategies/plan").json()["focus_areas"][0]["id"]).to_owned();
    let given_up = json!({"cancelled_on": "2025-01-01", "cancelled_reason": "Udgik."});
    let editor = app.token("med.edit");
    let refused = |address: &str, occurrence: Option<&str>| -> String {
        let body = json!({"committee": "l1", "occurrence": occurrence, "stage": "done"});
        let told = report(app, &editor, address, &body).expect_errors(&["/occurrence"]).json();
        assert_eq!(app.list(address).len(), 0);
        text(&told["errors"][0]["detail"]).to_owned()
    };
    for (key, fields, occurrence) in [
        ("before", json!({}), None),
        ("before-often", json!({"recurrence": "P6M"}), Some("2024-H1")),
        ("before-and-given-up", given_up, None),
    ] {
        let body = action(key, with(fields, json!({"due_on": "2023-06-30"})));
        let made = app.post(&format!("/v1/focus-areas/{area}/actions"), body).expect(201);
        let detail = refused(&format!("{}/reports", made.header("location").unwrap()), occurrence);
        assert!(detail.contains("2024-01-01") && detail.contains("2023-06-30"), "{key}: {detail}");
        assert!(!detail.contains("cancelled"), "{key}: {detail}");
    }
    let detail = refused(&reports_of(app, "plan/b/void"), None);
    assert!(detail.contains("cancelled") && detail.contains("2024-01-01"), "{detail}");
}

fn minutes_urls_may_hold_letters_but_no_cpr_numbers(app: &App) {
    app.import(&sample_municipality()).unwrap();
    let address = reports_of(app, "plan/a/once");
    let editor = app.token("med.edit");
    let body = |minutes_url: &str| json!({"committee": "l1", "stage": "done", "minutes_url": minutes_url});
    let before = stored(app, &address);
    for number in ["010180-1234", "0101801234", "01.01.80-1234"] {
        for url in ["https://intranet.testby.dk/sag/NUMBER", "https://intranet.testby.dk/?sag=NUMBER&side=2"] {
            let url = url.replace("NUMBER", number);
            let refused = report(app, &editor, &address, &body(&url)).expect_errors(&["/minutes_url"]);
            assert!(!String::from_utf8(refused.body).unwrap().contains(number), "{url}");
            let told = with(body(&url), json!({"action": "plan/a/once", "reported_at": "2024-05-01T09:00:00Z"}));
            let bundle = json!({"municipality": sample_municipality()["municipality"], "reports": [told]});
            app.post("/v1/import", bundle).expect_errors(&["/reports/0/minutes_url"]);
        }
    }
    assert_eq!(stored(app, &address), before);
    for url in ["https://intranet.testby.dk/møder/på-øen?år=2026", "https://intranet.testby.dk/sag/12345678/2026-11"]
    {
        let made = report(app, &editor, &address, &body(url)).expect(201);
        assert_eq!(made.json()["minutes_url"], url);
        assert_eq!(app.get(made.header("location").unwrap()).json()["minutes_url"], url);
    }
}
