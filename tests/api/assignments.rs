//! Assignments: what follows from an action's audience and dates and the committees that exist on a day.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use medstrategi::period::today;
use serde_json::{Value, json};

use crate::harness::{App, HERE};
use crate::reports::{action_ids, committee, report, with};

crate::tests![
    each_period_is_an_occurrence,
    occurrences_begin_one_by_one,
    no_occurrence_begins_after_a_cancellation,
    unfinished_work_past_its_due_day_is_overdue,
    cancelled_work_is_not_overdue,
    work_without_a_recent_report_is_stale,
    a_committee_counts_from_its_first_to_its_last_day,
    a_merger_keeps_finished_work,
    a_past_day_sees_the_reports_until_its_end,
    the_latest_report_counts_whenever_it_arrives,
    a_future_day_sees_what_will_have_begun,
    levels_and_audiences_are_those_of_today,
    responsible_entries_go_before_accountable_ones,
    an_assignee_is_assigned_once,
    starting_before_the_forerunner_is_told,
    an_assignment_holds_its_whole_latest_report,
    filters_select_assignments,
    filters_select_the_assignments_of_a_committee,
    pages_hold_every_assignment_once_and_in_order,
    assignments_come_as_tables,
    days_outside_the_supported_range_are_refused,
    a_draft_is_seen_in_its_own_plan_only,
    actions_are_filtered_by_their_assignments,
    a_real_plan_reaches_every_committee_it_is_addressed_to,
    a_cancelled_forerunner_holds_nobody_up,
    pages_hold_the_rows_of_the_table,
];

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn local(key: &str, starts_on: Option<&str>, ends_on: Option<&str>) -> Value {
    committee(key, "local", Some("h"), [starts_on.map(day), ends_on.map(day)])
}

fn locals(keys: &[&str]) -> Vec<Value> {
    keys.iter().map(|key| local(key, None, None)).collect()
}

/// An action for all local committees, unless the fields say otherwise.
fn action(key: &str, fields: Value) -> Value {
    let everyone = json!([{"role": "responsible", "level": "local"}]);
    with(json!({"key": key, "title": format!("Handling {key}"), "kind": "discussion", "audience": everyone}), fields)
}

/// A report in a bundle. An empty occurrence stands for none.
fn told(key: &str, committee: &str, occurrence: &str, stage: &str, at: &str) -> Value {
    let occurrence = (!occurrence.is_empty()).then_some(occurrence);
    json!({
        "action": format!("plan/a/{key}"), "committee": committee, "occurrence": occurrence, "stage": stage,
        "reported_at": at,
    })
}

/// A municipality with a plan of one area. The main committee is always included.
fn fill(app: &App, days: (&str, &str), committees: Vec<Value>, actions: Vec<Value>, reports: Vec<Value>) {
    let mut all = vec![committee("h", "top", None, [None, None])];
    all.extend(committees);
    let bundle = json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [{"key": "top", "name": "Top", "rank": 1}, {"key": "local", "name": "Lokal", "rank": 2}],
        "units": [{"key": "school", "name": "Skolen", "kind": "workplace"}],
        "committees": all,
        "strategies": [{
            "key": "plan", "title": "Plan", "kind": "plan", "status": "adopted", "starts_on": days.0, "ends_on": days.1,
            "focus_areas": [{"key": "a", "title": "A", "actions": actions}],
        }],
        "reports": reports,
    });
    app.import(&bundle).unwrap();
}

fn rows(app: &App, key: &str, query: &str) -> Vec<Value> {
    let id = action_ids(app).remove(&format!("plan/a/{key}")).unwrap();
    app.list(&format!("/v1/actions/{id}/assignments?{query}"))
}

fn party(row: &Value) -> &str {
    row["committee"].as_str().or(row["unit"].as_str()).unwrap()
}

fn occurrence(row: &Value) -> &str {
    row["occurrence"].as_str().unwrap_or("-")
}

/// Occurrence and assignee of each assignment.
fn lines(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| format!("{} {}", occurrence(row), party(row))).collect()
}

fn on(app: &App, key: &str, day: &str) -> Vec<String> {
    lines(&rows(app, key, &format!("on={day}&limit=200")))
}

/// The assignees for which `flag` is set on that day.
fn flagged(app: &App, key: &str, day: &str, flag: &str) -> Vec<String> {
    let rows = rows(app, key, &format!("on={day}"));
    rows.iter().filter(|row| row[flag] == true).map(|row| party(row).to_owned()).collect()
}

fn each_period_is_an_occurrence(app: &App) {
    let recurring = |key: &str, recurrence: &str| action(key, json!({"recurrence": recurrence}));
    let own = json!({"starts_on": "2023-11-10", "due_on": "2024-01-20"});
    let actions = vec![
        recurring("month", "P1M"),
        recurring("quarter", "P3M"),
        recurring("half", "P6M"),
        recurring("year", "P1Y"),
        recurring("pair", "P2Y"),
        action("once", json!({})),
        with(recurring("own-month", "P1M"), own.clone()),
        with(recurring("own-pair", "P2Y"), with(own.clone(), json!({"due_on": "2026-02-01"}))),
        with(action("own-once", json!({})), own),
        with(recurring("one-day", "P1M"), json!({"starts_on": "2024-06-30", "due_on": "2024-06-30"})),
    ];
    fill(app, ("2024-02-15", "2025-03-31"), locals(&["l1"]), actions, vec![]);
    let periods = |key: &str| -> Vec<String> {
        let rows = rows(app, key, "on=2027-12-31");
        rows.iter().map(|row| format!("{} {}", occurrence(row), text(&row["due_on"]))).collect()
    };
    let months: Vec<String> =
        rows(app, "month", "on=2027-12-31").iter().map(|row| occurrence(row).to_owned()).collect();
    let expected = [
        "2024-02", "2024-03", "2024-04", "2024-05", "2024-06", "2024-07", "2024-08", "2024-09", "2024-10", "2024-11",
        "2024-12", "2025-01", "2025-02", "2025-03",
    ];
    assert_eq!(months, expected);
    assert_eq!(periods("month")[0], "2024-02 2024-02-29");
    assert_eq!(
        periods("quarter"),
        ["2024-Q1 2024-03-31", "2024-Q2 2024-06-30", "2024-Q3 2024-09-30", "2024-Q4 2024-12-31", "2025-Q1 2025-03-31"]
    );
    // Due on the period's last day, even if the plan ends earlier.
    assert_eq!(periods("half"), ["2024-H1 2024-06-30", "2024-H2 2024-12-31", "2025-H1 2025-06-30"]);
    assert_eq!(periods("year"), ["2024 2024-12-31", "2025 2025-12-31"]);
    assert_eq!(periods("pair"), ["2024 2025-12-31"]);
    assert_eq!(periods("once"), ["- 2025-03-31"]);
    assert_eq!(periods("own-month"), ["2023-11 2023-11-30", "2023-12 2023-12-31", "2024-01 2024-01-31"]);
    assert_eq!(periods("own-pair"), ["2023 2024-12-31", "2025 2026-12-31"], "two years each, from the first on");
    assert_eq!(periods("own-once"), ["- 2024-01-20"]);
    assert_eq!(periods("one-day"), ["2024-06 2024-06-30"]);
    let second = rows(app, "half", "occurrence=2024-H2&on=2027-12-31").remove(0);
    assert_eq!(second["starts_on"], "2024-07-01");
    assert_eq!(rows(app, "once", "").remove(0)["starts_on"], "2024-02-15");
}

fn occurrences_begin_one_by_one(app: &App) {
    let actions = vec![action("half", json!({"recurrence": "P6M"})), action("once", json!({}))];
    fill(app, ("2024-02-15", "2025-03-31"), locals(&["l1"]), actions, vec![]);
    let periods =
        |key: &str, day: &str| on(app, key, day).into_iter().map(|line| line.replace(" l1", "")).collect::<Vec<_>>();
    for (day, begun) in [
        ("1990-01-01", vec![]),
        ("2024-02-14", vec![]),
        ("2024-02-15", vec!["2024-H1"]),
        ("2024-06-30", vec!["2024-H1"]),
        ("2024-07-01", vec!["2024-H1", "2024-H2"]),
        ("2024-12-31", vec!["2024-H1", "2024-H2"]),
        ("2025-01-01", vec!["2024-H1", "2024-H2", "2025-H1"]),
        ("2025-07-01", vec!["2024-H1", "2024-H2", "2025-H1"]),
    ] {
        assert_eq!(periods("half", day), begun, "{day}");
        let once: &[&str] = if begun.is_empty() { &[] } else { &["-"] };
        assert_eq!(periods("once", day), once, "{day}");
    }
}

fn no_occurrence_begins_after_a_cancellation(app: &App) {
    let cancelled = |key: &str, day: &str, fields: Value| {
        action(key, with(json!({"cancelled_on": day, "cancelled_reason": "Udgik."}), fields))
    };
    let monthly = json!({"recurrence": "P1M"});
    let actions = vec![
        cancelled("on-the-first", "2024-05-01", monthly.clone()),
        cancelled("on-the-second", "2024-05-02", monthly.clone()),
        cancelled("at-once", "2024-02-15", monthly.clone()),
        cancelled("before-it-began", "2023-12-01", monthly.clone()),
        cancelled("after-it-ended", "2026-01-01", monthly),
        cancelled("once-at-once", "2024-02-15", json!({})),
        cancelled("once-on-the-second-day", "2024-02-16", json!({})),
    ];
    let committees = vec![
        local("early", None, Some("2024-02-29")),
        local("l1", None, None),
        local("late", Some("2024-03-01"), None),
    ];
    fill(app, ("2024-02-15", "2024-12-31"), committees, actions, vec![]);
    let months = |key: &str| -> Vec<String> {
        let rows = rows(app, key, "on=2025-06-01&committee=l1");
        rows.iter().map(|row| occurrence(row).to_owned()).collect()
    };
    assert_eq!(months("on-the-first"), ["2024-02", "2024-03", "2024-04"]);
    assert_eq!(months("on-the-second"), ["2024-02", "2024-03", "2024-04", "2024-05"]);
    assert_eq!(months("at-once"), [""; 0]);
    assert_eq!(months("before-it-began"), [""; 0]);
    assert_eq!(months("after-it-ended").len(), 11);
    assert_eq!(on(app, "once-at-once", "2025-06-01"), [""; 0]);
    // Committees that existed at the cancellation count, later ones do not.
    assert_eq!(on(app, "once-on-the-second-day", "2025-06-01"), ["- early", "- l1"]);
    let row = rows(app, "once-on-the-second-day", "committee=l1").remove(0);
    assert_eq!(row["due_on"], "2024-12-31", "giving up does not bring the day forward");
}

fn unfinished_work_past_its_due_day_is_overdue(app: &App) {
    let actions = vec![action("once", json!({"due_on": "2024-06-30"})), action("half", json!({"recurrence": "P6M"}))];
    let stages = [
        ("begun", "in_progress", "2024-03-01T09:00:00Z"),
        ("cleared", "not_started", "2024-03-01T09:00:00Z"),
        ("done", "done", "2024-03-01T09:00:00Z"),
        ("dropped", "dropped", "2024-03-01T09:00:00Z"),
        ("late", "done", "2024-08-01T09:00:00Z"),
    ];
    let reports = [("once", ""), ("half", "2024-H1")]
        .iter()
        .flat_map(|(key, occurrence)| stages.map(|(committee, stage, at)| told(key, committee, occurrence, stage, at)))
        .collect();
    let committees = locals(&["begun", "cleared", "done", "dropped", "late", "silent"]);
    fill(app, ("2024-01-01", "2024-12-31"), committees, actions, reports);
    for key in ["once", "half"] {
        assert_eq!(flagged(app, key, "2024-06-30", "is_overdue"), [""; 0], "{key} on its last day");
        for day in ["2024-07-01", "2024-07-31"] {
            assert_eq!(flagged(app, key, day, "is_overdue"), ["begun", "cleared", "late", "silent"], "{key}");
        }
        assert_eq!(
            flagged(app, key, "2024-08-01", "is_overdue"),
            ["begun", "cleared", "silent"],
            "{key}: done at last"
        );
    }
    let h2 = rows(app, "half", "on=2024-12-31&occurrence=2024-H2");
    assert!(h2.len() == 6 && h2.iter().all(|row| row["is_overdue"] == false));
    // Without a due day it is never overdue.
    app.patch("/v1/strategies/plan", json!({"ends_on": null})).expect(200);
    let id = action_ids(app).remove("plan/a/once").unwrap();
    app.patch(&format!("/v1/actions/{id}"), json!({"due_on": null})).expect(200);
    let open = rows(app, "once", "on=2040-01-01");
    assert!(open.len() == 6 && open.iter().all(|row| row["is_overdue"] == false && row["due_on"].is_null()));
}

fn cancelled_work_is_not_overdue(app: &App) {
    let cancelled = |key: &str, due_on: &str, cancelled_on: &str| {
        action(key, json!({"due_on": due_on, "cancelled_on": cancelled_on, "cancelled_reason": "Udgik."}))
    };
    let monthly = json!({"recurrence": "P1M", "cancelled_on": "2024-05-15", "cancelled_reason": "Udgik."});
    let actions = vec![
        cancelled("due-before", "2024-04-30", "2024-05-01"),
        cancelled("due-that-day", "2024-05-01", "2024-05-01"),
        cancelled("due-after", "2024-06-30", "2024-05-01"),
        action("month", monthly),
    ];
    fill(app, ("2024-03-01", "2024-12-31"), locals(&["l1"]), actions, vec![]);
    let overdue = |key: &str, day: &str| !flagged(app, key, day, "is_overdue").is_empty();
    assert!(!overdue("due-before", "2024-04-30"));
    for day in ["2024-05-01", "2024-05-02", "2025-01-01"] {
        assert!(overdue("due-before", day), "it was late before it was called off");
        assert!(!overdue("due-that-day", day) && !overdue("due-after", day), "{day}");
    }
    assert!(!overdue("due-after", "2024-07-01"));
    let months: Vec<(String, bool)> = rows(app, "month", "on=2024-07-01")
        .iter()
        .map(|row| (occurrence(row).to_owned(), row["is_overdue"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        months,
        [("2024-03", true), ("2024-04", true), ("2024-05", false)].map(|(month, late)| (month.to_owned(), late))
    );
}

fn work_without_a_recent_report_is_stale(app: &App) {
    let recurring = |key: &str, recurrence: &str| action(key, json!({"recurrence": recurrence}));
    let actions = vec![
        recurring("month", "P1M"),
        recurring("quarter", "P3M"),
        recurring("half", "P6M"),
        recurring("year", "P1Y"),
        recurring("pair", "P2Y"),
        action("once", json!({})),
    ];
    // Each with the last day on which it is not stale.
    let told_so = [
        ("month", "2024-01", "2024-01-31T09:00:00Z", "2024-02-29"),
        ("quarter", "2024-Q1", "2024-01-10T09:00:00Z", "2024-04-10"),
        ("half", "2024-H1", "2024-01-10T09:00:00Z", "2024-07-10"),
        // Half past midnight in Denmark is the next day there.
        ("half", "2024-H1", "2024-01-10T23:30:00Z", "2024-07-11"),
        ("half", "2024-H2", "2024-08-31T09:00:00Z", "2025-02-28"),
        ("year", "2024", "2024-02-29T09:00:00Z", "2025-02-28"),
        ("pair", "2024", "2024-01-10T09:00:00Z", "2026-01-10"),
        // 365 days, one of them a leap day.
        ("once", "", "2024-01-10T09:00:00Z", "2025-01-09"),
        ("once", "", "2025-01-10T09:00:00Z", "2026-01-10"),
    ];
    let keys: Vec<String> = (0..told_so.len()).map(|n| format!("l{n}")).collect();
    let mut reports: Vec<Value> = told_so
        .iter()
        .zip(&keys)
        .map(|((action, occurrence, at, _), key)| told(action, key, occurrence, "in_progress", at))
        .collect();
    for (key, stage) in [("x-done", "done"), ("x-dropped", "dropped"), ("x-cleared", "not_started")] {
        reports.push(told("half", key, "2024-H1", stage, "2024-01-10T09:00:00Z"));
    }
    let mut committees: Vec<&str> = keys.iter().map(String::as_str).collect();
    committees.extend(["x-done", "x-dropped", "x-cleared", "x-silent"]);
    fill(app, ("2024-01-01", "2026-12-31"), locals(&committees), actions, reports);
    for ((action, occurrence, at, last), key) in told_so.iter().zip(&keys) {
        let occurrence = if occurrence.is_empty() { String::new() } else { format!("&occurrence={occurrence}") };
        let is_stale = |day: NaiveDate| {
            let rows = rows(app, action, &format!("committee={key}&on={day}{occurrence}"));
            assert_eq!(rows.len(), 1);
            rows[0]["is_stale"] == true
        };
        assert!(!is_stale(day(last)), "{action} of {at} on {last}");
        assert!(is_stale(day(last) + TimeDelta::days(1)), "{action} of {at} after {last}");
    }
    let stale = rows(app, "half", "on=2026-12-31&stale=true");
    assert_eq!(
        lines(&stale),
        ["2024-H1 l2", "2024-H1 l3", "2024-H2 l4"],
        "what is done, dropped or not begun is not stale"
    );
    // Any new report makes it fresh again.
    let editor = app.token("med.edit");
    let id = action_ids(app).remove("plan/a/half").unwrap();
    let body = json!({"committee": "l2", "occurrence": "2024-H1", "stage": "in_progress"});
    report(app, &editor, &format!("/v1/actions/{id}/reports"), &body).expect(201);
    assert_eq!(rows(app, "half", "committee=l2&occurrence=2024-H1")[0]["is_stale"], false);
}

fn a_committee_counts_from_its_first_to_its_last_day(app: &App) {
    let committees = vec![
        local("always", None, None),
        local("founded", Some("2024-08-01"), None),
        local("new-year", Some("2025-01-01"), None),
        local("ended", None, Some("2024-09-30")),
        local("midsummer", None, Some("2024-06-30")),
        local("brief", Some("2024-08-10"), Some("2024-08-20")),
    ];
    let actions = vec![action("half", json!({"recurrence": "P6M"})), action("once", json!({"due_on": "2024-09-15"}))];
    fill(app, ("2024-01-01", "2025-06-30"), committees, actions, vec![]);
    let first = ["2024-H1 always", "2024-H1 ended", "2024-H1 midsummer"];
    let half = |day: &str, more: &[&str]| {
        let expected: Vec<&str> = first.iter().chain(more).copied().collect();
        assert_eq!(on(app, "half", day), expected, "{day}");
    };
    half("2024-01-01", &[]);
    half("2024-06-30", &[]);
    // While the occurrence runs, the committees of the day count. Afterwards, those of its last day.
    half("2024-07-01", &["2024-H2 always", "2024-H2 ended"]);
    half("2024-07-31", &["2024-H2 always", "2024-H2 ended"]);
    half("2024-08-01", &["2024-H2 always", "2024-H2 ended", "2024-H2 founded"]);
    half("2024-08-10", &["2024-H2 always", "2024-H2 brief", "2024-H2 ended", "2024-H2 founded"]);
    half("2024-08-20", &["2024-H2 always", "2024-H2 brief", "2024-H2 ended", "2024-H2 founded"]);
    half("2024-08-21", &["2024-H2 always", "2024-H2 ended", "2024-H2 founded"]);
    half("2024-09-30", &["2024-H2 always", "2024-H2 ended", "2024-H2 founded"]);
    half("2024-10-01", &["2024-H2 always", "2024-H2 founded"]);
    let third = ["2024-H2 always", "2024-H2 founded", "2025-H1 always", "2025-H1 founded", "2025-H1 new-year"];
    half("2025-01-01", &third);
    half("2030-01-01", &third);
    for (day, expected) in [
        ("2024-06-30", vec!["- always", "- ended", "- midsummer"]),
        ("2024-07-01", vec!["- always", "- ended"]),
        ("2024-09-15", vec!["- always", "- ended", "- founded"]),
        ("2030-01-01", vec!["- always", "- ended", "- founded"]),
    ] {
        assert_eq!(on(app, "once", day), expected, "{day}");
    }
}

fn a_merger_keeps_finished_work(app: &App) {
    let reports = vec![
        told("half", "north", "2024-H1", "done", "2024-05-01T09:00:00Z"),
        told("half", "south", "2024-H1", "dropped", "2024-05-02T09:00:00Z"),
        told("half", "north", "2024-H2", "done", "2024-08-01T09:00:00Z"),
        told("half", "both", "2024-H2", "in_progress", "2024-11-01T09:00:00Z"),
    ];
    let committees = vec![
        local("both", Some("2024-10-01"), None),
        local("north", None, Some("2024-09-30")),
        local("south", None, Some("2024-09-30")),
    ];
    let actions = vec![action("half", json!({"recurrence": "P6M"}))];
    fill(app, ("2024-01-01", "2024-12-31"), committees, actions, reports);
    let stages = |day: &str| -> Vec<String> {
        let rows = rows(app, "half", &format!("on={day}"));
        rows.iter().map(|row| format!("{} {} {}", occurrence(row), party(row), text(&row["stage"]))).collect()
    };
    let spring = ["2024-H1 north done", "2024-H1 south dropped"];
    let with_spring =
        |more: &[&str]| -> Vec<String> { spring.iter().chain(more).map(|line| (*line).to_owned()).collect() };
    assert_eq!(stages("2024-09-30"), with_spring(&["2024-H2 north done", "2024-H2 south not_started"]));
    assert_eq!(
        stages("2024-10-01"),
        with_spring(&["2024-H2 both not_started"]),
        "what they had begun is the new one's"
    );
    assert_eq!(stages("2025-06-01"), with_spring(&["2024-H2 both in_progress"]));
    let id = action_ids(app).remove("plan/a/half").unwrap();
    let progress = app.get(&format!("/v1/actions/{id}/progress")).expect(200).json();
    assert_eq!((&progress["expected"], &progress["done"], &progress["dropped"]), (&json!(3), &json!(1), &json!(1)));
    for (key, own) in [("north", 1), ("south", 1), ("both", 1)] {
        assert_eq!(app.get(&format!("/v1/committees/{key}/progress")).expect(200).json()["expected"], own, "{key}");
    }
    let rest = app.list(&format!("/v1/actions/{id}/reports"));
    assert_eq!(rest.len(), 4, "what was reported is not lost, whether it counts or not");
}

fn a_past_day_sees_the_reports_until_its_end(app: &App) {
    let actions = vec![action("once", json!({}))];
    // Denmark was UTC+1 in January and UTC+2 in April; the clocks changed on 31 March.
    let reports = vec![
        told("once", "l1", "", "in_progress", "2024-01-31T22:59:59.999999Z"),
        told("once", "l1", "", "done", "2024-01-31T23:00:00Z"),
        told("once", "l2", "", "in_progress", "2024-03-31T21:59:59.999999Z"),
        told("once", "l2", "", "done", "2024-03-31T22:00:00Z"),
        told("once", "l2", "", "dropped", "2024-10-27T22:59:59Z"),
        told("once", "l2", "", "not_started", "2024-10-27T23:00:00Z"),
    ];
    fill(app, ("2024-01-01", "2025-12-31"), locals(&["l1", "l2"]), actions, reports);
    for (committee, day, stage) in [
        ("l1", "2024-01-30", "not_started"),
        ("l1", "2024-01-31", "in_progress"),
        ("l1", "2024-02-01", "done"),
        ("l2", "2024-03-30", "not_started"),
        ("l2", "2024-03-31", "in_progress"),
        ("l2", "2024-04-01", "done"),
        ("l2", "2024-10-26", "done"),
        ("l2", "2024-10-27", "dropped"),
        ("l2", "2024-10-28", "not_started"),
    ] {
        let row = rows(app, "once", &format!("committee={committee}&on={day}")).remove(0);
        assert_eq!(row["stage"], stage, "{committee} on {day}");
        let progress = app.get(&format!("/v1/committees/{committee}/progress?on={day}")).expect(200).json();
        assert_eq!((&progress[stage], &progress["expected"]), (&json!(1), &json!(1)), "{committee} on {day}");
    }
    let before = rows(app, "once", "committee=l1&on=2024-01-30").remove(0);
    for field in ["report_id", "reported_at", "note", "minutes_url", "discussed_on"] {
        assert!(before[field].is_null() && before.get(field).is_some(), "{field}");
    }
    assert_eq!(before["judgement"], "none");
    let cleared = rows(app, "once", "committee=l2").remove(0);
    assert!(cleared["report_id"].is_string(), "cleared by a report, not by silence");
}

fn the_latest_report_counts_whenever_it_arrives(app: &App) {
    let actions = vec![action("once", json!({}))];
    fill(
        app,
        ("2024-01-01", "2025-12-31"),
        locals(&["l1"]),
        actions,
        vec![told("once", "l1", "", "done", "2024-06-01T09:00:00Z")],
    );
    let add = |stage: &str, at: &str| {
        let mut bundle = app.get("/v1/export").json();
        bundle["reports"] = json!([told("once", "l1", "", stage, at)]);
        assert_eq!(app.post("/v1/import", bundle).expect(200).json()["reports"]["created"], 1);
        let progress = app.get("/v1/strategies/plan/progress").json();
        let stage = text(&rows(app, "once", "")[0]["stage"]).to_owned();
        assert_eq!(progress[&stage], 1, "{progress}");
        stage
    };
    // A report that arrives late is about its own time.
    assert_eq!(add("in_progress", "2024-03-01T09:00:00Z"), "done");
    assert_eq!(rows(app, "once", "on=2024-04-01")[0]["stage"], "in_progress");
    assert_eq!(add("dropped", "2024-07-01T09:00:00Z"), "dropped");
    assert_eq!(rows(app, "once", "on=2024-06-15")[0]["stage"], "done");
    assert_eq!(add("not_started", "2024-05-01T09:00:00Z"), "dropped");
    assert_eq!(rows(app, "once", "on=2024-05-15")[0]["stage"], "not_started");
}

fn a_future_day_sees_what_will_have_begun(app: &App) {
    let year = today().year();
    let first = format!("{}-01-01", year - 1);
    let last = format!("{}-12-31", year + 3);
    let actions = vec![action("year", json!({"recurrence": "P1Y"})), action("once", json!({}))];
    let at = |year: i32| format!("{year}-02-01T09:00:00Z");
    let reports = vec![told("year", "l1", &(year - 1).to_string(), "done", &at(year - 1))];
    let next_year = format!("{}-01-01", year + 1);
    let committees = vec![local("l1", None, None), local("l2", Some(&next_year), None)];
    fill(app, (&first, &last), committees, actions, reports);
    let then = format!("{}-06-01", year + 2);
    let expected: Vec<String> =
        [(year - 1, "l1"), (year, "l1"), (year + 1, "l1"), (year + 1, "l2"), (year + 2, "l1"), (year + 2, "l2")]
            .iter()
            .map(|(year, key)| format!("{year} {key}"))
            .collect();
    let rows_then = rows(app, "year", &format!("on={then}"));
    assert_eq!(lines(&rows_then), expected);
    let stages: Vec<&str> = rows_then.iter().map(|row| text(&row["stage"])).collect();
    assert_eq!(stages[0], "done", "what is known today is known then");
    assert!(stages[1..].iter().all(|stage| *stage == "not_started"));
    let overdue: Vec<bool> = rows_then.iter().map(|row| row["is_overdue"].as_bool().unwrap()).collect();
    assert_eq!(overdue, [false, true, true, true, false, false], "unless somebody does something");
    assert_eq!(on(app, "once", &then), ["- l1", "- l2"]);
    assert_eq!(lines(&rows(app, "once", "")), ["- l1"]);
    assert_eq!(on(app, "once", &format!("{year}-12-31")), ["- l1"]);
}

fn levels_and_audiences_are_those_of_today(app: &App) {
    let actions = vec![action("once", json!({}))];
    let reports = ["l1", "l2"].map(|key| told("once", key, "", "done", "2024-03-01T09:00:00Z")).into();
    fill(app, ("2024-01-01", "2024-12-31"), locals(&["l1", "l2"]), actions, reports);
    let seen = |day: &str| {
        (on(app, "once", day), app.get(&format!("/v1/strategies/plan/progress?on={day}")).json()["done"].clone())
    };
    assert_eq!(seen("2024-06-01"), (vec!["- l1".to_owned(), "- l2".to_owned()], json!(2)));
    app.patch("/v1/committees/l1", json!({"level": "top"})).expect(200);
    for day in ["2024-06-01", "2025-06-01"] {
        assert_eq!(seen(day), (vec!["- l2".to_owned()], json!(1)), "{day}");
    }
    let id = action_ids(app).remove("plan/a/once").unwrap();
    let top = json!({"audience": [{"role": "responsible", "level": "top"}]});
    app.patch(&format!("/v1/actions/{id}"), top).expect(200);
    for day in ["2024-06-01", "2025-06-01"] {
        assert_eq!(seen(day), (vec!["- h".to_owned(), "- l1".to_owned()], json!(1)), "{day}");
    }
}

fn responsible_entries_go_before_accountable_ones(app: &App) {
    let entry = |role: &str, kind: &str, key: &str| {
        let mut entry = json!({"role": role});
        entry[kind] = json!(key);
        entry
    };
    let meant = |key: &str, audience: Vec<Value>| action(key, json!({"audience": audience}));
    let actions = vec![
        meant("both", vec![entry("accountable", "level", "local"), entry("responsible", "committee", "h")]),
        meant("accountable", vec![entry("accountable", "level", "local"), entry("qualifies", "committee", "h")]),
        meant("told", vec![entry("qualifies", "level", "local"), entry("receives", "committee", "h")]),
        meant("nobody", vec![]),
        meant("unit", vec![entry("responsible", "unit", "school"), entry("accountable", "committee", "h")]),
    ];
    fill(app, ("2024-01-01", "2024-12-31"), locals(&["l1", "l2"]), actions, vec![]);
    assert_eq!(on(app, "both", "2024-06-01"), ["- h"]);
    assert_eq!(on(app, "accountable", "2024-06-01"), ["- l1", "- l2"]);
    assert_eq!(on(app, "told", "2024-06-01"), [""; 0]);
    assert_eq!(on(app, "nobody", "2024-06-01"), [""; 0]);
    assert_eq!(on(app, "unit", "2024-06-01"), ["- school"]);
    let unit = rows(app, "unit", "").remove(0);
    assert_eq!((&unit["unit"], &unit["committee"], &unit["level"]), (&json!("school"), &json!(null), &json!(null)));
    assert_eq!(unit["name"], "Skolen");
    // Accountable entries are assigned only if there are no responsible ones.
    let ids = action_ids(app);
    let try_for = |key: &str, committee: &str| {
        let address = format!("/v1/actions/{}/reports", ids[&format!("plan/a/{key}")]);
        report(app, &app.token("med.edit"), &address, &json!({"committee": committee, "stage": "done"}))
    };
    try_for("accountable", "l1").expect(201);
    try_for("both", "h").expect(201);
    try_for("both", "l1").expect_errors(&["/committee"]);
    try_for("told", "h").expect_errors(&["/committee"]);
    try_for("accountable", "h").expect_errors(&["/committee"]);
}

fn an_assignee_is_assigned_once(app: &App) {
    let audience = json!([
        {"role": "responsible", "committee": "l1"}, {"role": "responsible", "level": "local"},
        {"role": "responsible", "committee": "h"}, {"role": "responsible", "level": "top"},
        {"role": "responsible", "unit": "school"}, {"role": "accountable", "unit": "school"},
    ]);
    let actions = vec![
        action("once", json!({"audience": audience})),
        action("half", json!({"audience": audience, "recurrence": "P6M"})),
    ];
    fill(
        app,
        ("2024-01-01", "2024-12-31"),
        locals(&["l1", "l2"]),
        actions,
        vec![told("once", "l1", "", "done", "2024-03-01T09:00:00Z")],
    );
    assert_eq!(on(app, "once", "2025-01-01"), ["- h", "- l1", "- l2", "- school"]);
    assert_eq!(on(app, "half", "2025-01-01").len(), 8);
    let progress = app.get("/v1/strategies/plan/progress?on=2025-01-01").json();
    assert_eq!((&progress["expected"], &progress["done"]), (&json!(12), &json!(1)));
}

fn starting_before_the_forerunner_is_told(app: &App) {
    let actions = vec![
        action("first", json!({"audience": [{"role": "responsible", "committee": "h"}]})),
        action("second", json!({"after": ["first"]})),
        action("third", json!({})),
    ];
    let reports = vec![
        told("second", "l1", "", "in_progress", "2024-03-01T09:00:00Z"),
        told("second", "l2", "", "done", "2024-03-01T09:00:00Z"),
        told("third", "l1", "", "done", "2024-03-01T09:00:00Z"),
        told("first", "h", "", "in_progress", "2024-04-01T09:00:00Z"),
        told("first", "h", "", "done", "2024-05-01T09:00:00Z"),
        told("first", "h", "", "in_progress", "2024-06-01T09:00:00Z"),
    ];
    fill(app, ("2024-01-01", "2024-12-31"), locals(&["l1", "l2", "l3"]), actions, reports);
    for (day, ahead) in [
        ("2024-02-01", vec![]),
        ("2024-03-15", vec!["l1", "l2"]),
        ("2024-04-15", vec!["l1", "l2"]),
        ("2024-05-15", vec![]),
        ("2024-06-15", vec!["l1", "l2"]),
    ] {
        assert_eq!(flagged(app, "second", day, "is_ahead_of_forerunner"), ahead, "{day}");
        assert_eq!(flagged(app, "first", day, "is_ahead_of_forerunner"), [""; 0]);
        assert_eq!(flagged(app, "third", day, "is_ahead_of_forerunner"), [""; 0], "it waits for nobody");
    }
    // It is only a warning: a report is still accepted.
    let id = action_ids(app).remove("plan/a/second").unwrap();
    let body = json!({"committee": "l3", "stage": "in_progress"});
    report(app, &app.token("med.edit"), &format!("/v1/actions/{id}/reports"), &body).expect(201);
    let of_l3 = app.list("/v1/committees/l3/assignments");
    let ahead: Vec<&Value> = of_l3.iter().map(|row| &row["is_ahead_of_forerunner"]).collect();
    assert_eq!(ahead, [&json!(true), &json!(false)], "the second and the third");
}

fn an_assignment_holds_its_whole_latest_report(app: &App) {
    let half = action("half", json!({"recurrence": "P6M"}));
    fill(app, ("2024-01-01", "2024-06-30"), locals(&["l1"]), vec![half], vec![]);
    let id = action_ids(app).remove("plan/a/half").unwrap();
    let body = json!({
        "committee": "l1", "occurrence": "2024-H1", "stage": "in_progress", "judgement": "off_track",
        "note": "Vi mangler tid.", "minutes_url": "https://intranet.testby.dk/referater/3",
        "discussed_on": "2024-05-14",
    });
    let made = report(app, &app.token("med.edit"), &format!("/v1/actions/{id}/reports"), &body).expect(201).json();
    let expected = json!({
        "action": "plan/a/half", "action_id": id, "title": "Handling half", "is_local": false,
        "committee": "l1", "unit": null, "name": "Udvalg l1", "level": "local",
        "occurrence": "2024-H1", "starts_on": "2024-01-01", "due_on": "2024-06-30",
        "stage": "in_progress", "judgement": "off_track",
        "is_overdue": true, "is_stale": false, "is_ahead_of_forerunner": false,
        "report_id": made["id"], "reported_at": made["reported_at"],
        "note": "Vi mangler tid.", "minutes_url": "https://intranet.testby.dk/referater/3",
            "discussed_on": "2024-05-14",
    });
    assert_eq!(rows(app, "half", ""), std::slice::from_ref(&expected));
    assert_eq!(app.list("/v1/committees/l1/assignments"), [expected]);
    // A later report replaces the whole state, not only the fields that it has.
    let later = json!({"committee": "l1", "occurrence": "2024-H1", "stage": "done"});
    report(app, &app.token("med.edit"), &format!("/v1/actions/{id}/reports"), &later).expect(201);
    let row = rows(app, "half", "").remove(0);
    assert_eq!((&row["judgement"], &row["note"], &row["discussed_on"]), (&json!("none"), &json!(null), &json!(null)));
}

/// Two half-years of one action, with every kind of report.
fn mixed(app: &App) {
    let audience = json!([
        {"role": "responsible", "level": "local"}, {"role": "responsible", "level": "top"},
        {"role": "responsible", "unit": "school"},
    ]);
    let judged = |row: Value, judgement: &str| with(row, json!({"judgement": judgement}));
    let of_school = json!({
        "action": "plan/a/mix", "unit": "school", "occurrence": "2024-H1", "stage": "done",
        "reported_at": "2024-02-01T09:00:00Z",
    });
    let reports = vec![
        judged(told("mix", "l1", "2024-H1", "done", "2024-02-01T09:00:00Z"), "on_track"),
        judged(told("mix", "l2", "2024-H1", "in_progress", "2024-01-10T09:00:00Z"), "at_risk"),
        told("mix", "l3", "2024-H1", "dropped", "2024-02-01T09:00:00Z"),
        of_school,
    ];
    let actions = vec![action("mix", json!({"recurrence": "P6M", "audience": audience}))];
    fill(app, ("2024-01-01", "2024-12-31"), locals(&["l1", "l2", "l3"]), actions, reports);
}

fn filters_select_assignments(app: &App) {
    mixed(app);
    let id = |path: &str| text(&app.get(path).json()["id"]).to_owned();
    let (level, l2, school) = (id("/v1/levels/local"), id("/v1/committees/l2"), id("/v1/units/school"));
    let first = ["2024-H1 h", "2024-H1 l1", "2024-H1 l2", "2024-H1 l3", "2024-H1 school"];
    let second = ["2024-H2 h", "2024-H2 l1", "2024-H2 l2", "2024-H2 l3", "2024-H2 school"];
    let all = [first, second].concat();
    let but = |without: &[&str]| -> Vec<&str> { all.iter().copied().filter(|line| !without.contains(line)).collect() };
    let of_locals = but(&["2024-H1 h", "2024-H1 school", "2024-H2 h", "2024-H2 school"]);
    for (query, expected) in [
        (String::new(), all.clone()),
        ("stage=done".into(), vec!["2024-H1 l1", "2024-H1 school"]),
        ("stage=in_progress".into(), vec!["2024-H1 l2"]),
        ("stage=dropped".into(), vec!["2024-H1 l3"]),
        ("stage=not_started".into(), but(&first[1..])),
        ("judgement=at_risk".into(), vec!["2024-H1 l2"]),
        ("judgement=off_track".into(), vec![]),
        ("judgement=none".into(), but(&["2024-H1 l1", "2024-H1 l2"])),
        ("overdue=true".into(), vec!["2024-H1 h", "2024-H1 l2"]),
        ("overdue=false".into(), but(&["2024-H1 h", "2024-H1 l2"])),
        ("stale=true".into(), vec!["2024-H1 l2"]),
        ("stale=false".into(), but(&["2024-H1 l2"])),
        ("occurrence=2024-H2".into(), second.to_vec()),
        ("occurrence=2024".into(), vec![]),
        ("level=local".into(), of_locals.clone()),
        (format!("level={level}"), of_locals),
        ("level=top".into(), vec!["2024-H1 h", "2024-H2 h"]),
        ("committee=l2".into(), vec!["2024-H1 l2", "2024-H2 l2"]),
        (format!("committee={l2}"), vec!["2024-H1 l2", "2024-H2 l2"]),
        ("unit=school".into(), vec!["2024-H1 school", "2024-H2 school"]),
        (format!("unit={school}"), vec!["2024-H1 school", "2024-H2 school"]),
        ("unit=l1".into(), vec![]),
        ("stage=done&level=local".into(), vec!["2024-H1 l1"]),
        ("overdue=true&stale=false".into(), vec!["2024-H1 h"]),
        ("stage=not_started&occurrence=2024-H1".into(), vec!["2024-H1 h"]),
    ] {
        let query = format!("on=2024-12-31&{query}");
        assert_eq!(lines(&rows(app, "mix", &query)), expected, "{query}");
        assert_eq!(lines(&rows(app, "mix", &format!("{query}&limit=1"))), expected, "{query}");
    }
    let address = format!("/v1/actions/{}/assignments", action_ids(app)["plan/a/mix"]);
    for wrong in [
        "stage=finished",
        "judgement=green",
        "overdue=maybe",
        "stale=1",
        "occurrence=2024-H3",
        "level=a%20b",
        "limit=0",
        "cursor=x",
        "format=xml",
        "strategy=plan",
        "local=true",
    ] {
        app.get(&format!("{address}?{wrong}")).expect_problem(400, "invalid-query");
    }
}

fn filters_select_the_assignments_of_a_committee(app: &App) {
    mixed(app);
    let other = app
        .post(
            "/v1/strategies",
            json!({
            "key": "other", "title": "Other", "kind": "plan", "status": "closed",
            "starts_on": "2023-01-01", "ends_on": "2023-12-31",
                "focus_areas": [{"key": "b", "title": "B", "actions": [action("once", json!({}))]}],
            }),
        )
        .expect(201)
        .json();
    let local =
        json!({"key": "walk", "title": "Gåmøder", "kind": "other", "parent": "plan/a/mix", "due_on": "2024-03-31"});
    app.post("/v1/committees/l2/actions", local).expect(201);
    let picked = |query: &str| -> Vec<String> {
        let rows = app.list(&format!("/v1/committees/l2/assignments?on=2024-12-31&{query}"));
        assert!(rows.iter().all(|row| row["committee"] == "l2"));
        rows.iter().map(|row| format!("{} {}", text(&row["action"]), occurrence(row))).collect()
    };
    let (walk, once) = ("l2/walk -", "other/b/once -");
    let (first, second) = ("plan/a/mix 2024-H1", "plan/a/mix 2024-H2");
    for (query, expected) in [
        (String::new(), vec![walk, once, first, second]),
        ("local=true".into(), vec![walk]),
        ("local=false".into(), vec![once, first, second]),
        ("strategy=other".into(), vec![once]),
        (format!("strategy={}", text(&other["id"])), vec![once]),
        ("strategy=plan&local=false".into(), vec![first, second]),
        ("strategy=nowhere".into(), vec![]),
        ("stage=in_progress".into(), vec![first]),
        ("judgement=at_risk".into(), vec![first]),
        ("overdue=true".into(), vec![walk, once, first]),
        ("overdue=true&local=false".into(), vec![once, first]),
        ("stale=true".into(), vec![first]),
        ("occurrence=2024-H2".into(), vec![second]),
    ] {
        assert_eq!(picked(&query), expected, "{query}");
        assert_eq!(picked(&format!("{query}&limit=1")), expected, "{query}");
    }
    for wrong in ["level=local", "unit=school", "stage=finished", "local=maybe", "strategy=a%20b", "on=2024-13-01"] {
        app.get(&format!("/v1/committees/l2/assignments?{wrong}")).expect_problem(400, "invalid-query");
    }
    app.get("/v1/committees/nowhere/assignments").expect_problem(404, "not-found");
    app.get("/v1/actions/0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01/assignments").expect_problem(404, "not-found");
}

fn pages_hold_every_assignment_once_and_in_order(app: &App) {
    let keys = ["B", "a", "a-b", "a.b", "a0", "a_b", "ab", "b"];
    let mut reports = Vec::new();
    for (n, key) in keys.iter().enumerate() {
        for (m, month) in ["2024-01", "2024-02", "2024-03"].iter().enumerate() {
            let stage = ["done", "in_progress", "dropped", "not_started"][(n + m) % 4];
            reports.push(told("month", key, month, stage, "2024-03-01T09:00:00Z"));
        }
    }
    let actions =
        vec![action("month", json!({"recurrence": "P1M"})), action("once", json!({})), action("a-first", json!({}))];
    fill(app, ("2024-01-01", "2024-12-31"), locals(&keys), actions, reports);
    let whole = rows(app, "month", "on=2024-12-31&limit=200");
    let expected: Vec<String> = (1..=12).flat_map(|month| keys.map(|key| format!("2024-{month:02} {key}"))).collect();
    assert_eq!(lines(&whole), expected, "by occurrence, then by key, in byte order");
    for limit in [1, 7, 95, 96, 97] {
        assert_eq!(rows(app, "month", &format!("on=2024-12-31&limit={limit}")), whole, "{limit} a page");
    }
    let address = format!("/v1/actions/{}/assignments?on=2024-12-31", action_ids(app)["plan/a/month"]);
    let first = app.get(&address).expect(200);
    assert_eq!(first.json()["items"].as_array().unwrap().len(), 50);
    let next = first.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(first.header("link"), Some(format!("<{address}&cursor={next}>; rel=\"next\"").as_str()));
    assert_eq!(app.get(&format!("{address}&limit=96")).json()["next"], json!(null));

    let of_one = app.list("/v1/committees/ab/assignments?on=2024-12-31&limit=200");
    let told: Vec<String> = of_one.iter().map(|row| format!("{} {}", text(&row["action"]), occurrence(row))).collect();
    let months = (1..=12).map(|month| format!("plan/a/month 2024-{month:02}"));
    let expected: Vec<String> =
        [String::from("plan/a/a-first -")].into_iter().chain(months).chain([String::from("plan/a/once -")]).collect();
    assert_eq!(told, expected, "by action, then by occurrence");
    for limit in [1, 5, 13, 14] {
        assert_eq!(app.list(&format!("/v1/committees/ab/assignments?on=2024-12-31&limit={limit}")), of_one);
    }
    // An answer that the client has is not sent again.
    let tag = first.etag();
    app.request("GET", &address).header("if-none-match", &tag).send().expect(304);
}

fn assignments_come_as_tables(app: &App) {
    mixed(app);
    let of_action = format!("/v1/actions/{}/assignments", action_ids(app)["plan/a/mix"]);
    for (address, count) in [(of_action, 10), ("/v1/committees/l2/assignments".to_owned(), 2)] {
        let fields: Vec<String> = app.list(&address)[0].as_object().unwrap().keys().cloned().collect();
        let asked = app.request("GET", &format!("{address}?limit=1")).header("accept", "text/csv").send().expect(200);
        assert_eq!(asked.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
        assert!(asked.lists("vary", "accept") && asked.lists("vary", "authorization"));
        let table = String::from_utf8(asked.body).unwrap();
        assert_eq!(table.lines().next().unwrap().split(',').collect::<Vec<_>>(), fields, "{address}");
        assert_eq!(table.lines().count(), 1 + count, "a header and every row: {table}");
        let again = app.get(&format!("{address}?format=csv")).expect(200);
        assert_eq!(String::from_utf8(again.body).unwrap(), table);
    }
    let done = app.get("/v1/committees/l1/assignments?format=csv-excel-da&stage=done").expect(200);
    let done = String::from_utf8(done.body).unwrap();
    assert!(done.starts_with("\u{feff}action;action_id;") && done.lines().count() == 2, "{done}");
    assert!(done.contains("plan/a/mix;") && done.contains(";2024-H1;") && done.contains(";done;on_track;"), "{done}");
    let cursor = text(&app.get("/v1/committees/l1/assignments?limit=1").json()["next"]).to_owned();
    app.get(&format!("/v1/committees/l1/assignments?format=csv&cursor={cursor}")).expect_problem(400, "invalid-query");
}

fn days_outside_the_supported_range_are_refused(app: &App) {
    fill(app, ("2024-01-01", "2024-12-31"), locals(&["l1"]), vec![action("once", json!({}))], vec![]);
    let in_twenty_years = today() + Months::new(240);
    let of_action = format!("/v1/actions/{}/assignments", action_ids(app)["plan/a/once"]);
    for address in [of_action.as_str(), "/v1/committees/l1/assignments"] {
        for day in ["1990-01-01".to_owned(), in_twenty_years.to_string()] {
            app.get(&format!("{address}?on={day}")).expect(200);
        }
        let beyond = (in_twenty_years + TimeDelta::days(2)).to_string();
        for day in ["1989-12-31", "0001-01-01", "9999-12-31", &beyond, "2024-02-30", "2024-1-5", "2024", "i%20dag", ""]
        {
            app.get(&format!("{address}?on={day}")).expect_problem(400, "invalid-query");
        }
    }
}

fn a_draft_is_seen_in_its_own_plan_only(app: &App) {
    fill(app, ("2024-01-01", "2024-12-31"), locals(&["l1", "l2"]), vec![action("once", json!({}))], vec![]);
    let draft = json!({
        "key": "draft", "title": "Udkast", "kind": "plan", "status": "draft",
        "starts_on": "2024-01-01", "ends_on": "2024-12-31",
        "focus_areas": [{"key": "a", "title": "A", "actions": [action("once", json!({}))]}],
    });
    app.post("/v1/strategies", draft).expect(201);
    let address = format!("/v1/actions/{}/assignments", action_ids(app)["draft/a/once"]);
    assert_eq!(lines(&app.list(&address)), ["- l1", "- l2"], "a preview");
    let of_committee = || -> Vec<String> {
        app.list("/v1/committees/l1/assignments").iter().map(|row| text(&row["action"]).to_owned()).collect()
    };
    assert_eq!(of_committee(), ["plan/a/once"]);
    assert_eq!(app.list("/v1/committees/l1/assignments?strategy=draft").len(), 0);
    app.patch("/v1/strategies/draft", json!({"status": "adopted"})).expect(200);
    assert_eq!(of_committee(), ["draft/a/once", "plan/a/once"]);
    assert_eq!(app.list("/v1/committees/l1/assignments?strategy=draft").len(), 1);
    app.patch("/v1/strategies/draft", json!({"status": "closed"})).expect(200);
    assert_eq!(
        of_committee(),
        ["draft/a/once", "plan/a/once"],
        "what was to be done is not undone by closing the plan"
    );
}

fn actions_are_filtered_by_their_assignments(app: &App) {
    let actions = vec![
        action("done", json!({"due_on": "2024-06-30"})),
        action("late", json!({"due_on": "2024-06-30"})),
        action("mixed", json!({"due_on": "2024-06-30"})),
        action("ahead", json!({"starts_on": "2024-01-01"})),
        action("nobody", json!({"audience": []})),
    ];
    let at = "2024-03-01T09:00:00Z";
    let reports = vec![
        told("done", "l1", "", "done", at),
        told("done", "l2", "", "done", at),
        told("mixed", "l1", "", "dropped", at),
        told("mixed", "l2", "", "in_progress", at),
        told("ahead", "l1", "", "done", at),
    ];
    let until = format!("{}-12-31", today().year() + 1);
    fill(app, ("2024-01-01", &until), locals(&["l1", "l2"]), actions, reports);
    for (query, found) in [
        ("stage=done", vec!["ahead", "done"]),
        ("stage=not_started", vec!["ahead", "late"]),
        ("stage=in_progress", vec!["mixed"]),
        ("stage=dropped", vec!["mixed"]),
        ("overdue=true", vec!["late", "mixed"]),
        ("stage=in_progress&overdue=true", vec!["mixed"]),
        ("stage=done&q=handling%20a", vec!["ahead"]),
        ("strategy=plan&overdue=true", vec!["late", "mixed"]),
    ] {
        assert_eq!(app.keys(&format!("/v1/actions?{query}")), found, "{query}");
        assert_eq!(app.keys(&format!("/v1/actions?{query}&limit=1")), found, "{query}");
    }
    let on_time = app.keys("/v1/actions?overdue=false");
    assert!(on_time.contains(&"done".to_owned()) && on_time.contains(&"ahead".to_owned()), "{on_time:?}");
    assert!(!on_time.contains(&"late".to_owned()), "{on_time:?}");
    for wrong in ["stage=finished", "overdue=maybe"] {
        app.get(&format!("/v1/actions?{wrong}")).expect_problem(400, "invalid-query");
    }
    // It is about today: the answer changes with the reports.
    let id = action_ids(app).remove("plan/a/late").unwrap();
    for key in ["l1", "l2"] {
        let body = json!({"committee": key, "stage": "done"});
        report(app, &app.token("med.edit"), &format!("/v1/actions/{id}/reports"), &body).expect(201);
    }
    assert_eq!(app.keys("/v1/actions?overdue=true"), ["mixed"]);
    assert_eq!(app.keys("/v1/actions?stage=done"), ["ahead", "done", "late"]);
}

/// Albertslund's plan with sixty committees below the main one, some of which start or end during the plan. None if the
/// plan's file is not available.
fn albertslund() -> Option<Value> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/plans/albertslund.json"));
    let mut bundle: Value = serde_json::from_str(&std::fs::read_to_string(path).ok()?).unwrap();
    let committees = bundle["committees"].as_array_mut().unwrap();
    let date = |text: &str| (!text.is_empty()).then(|| day(text));
    for n in 0..12 {
        let days = match n {
            0 => ["2024-07-01", ""],
            1 => ["", "2025-12-30"],
            2 => ["2026-01-01", ""],
            _ => ["", ""],
        };
        committees.push(committee(&format!("afd-{n:02}"), "afdelingsmed", Some("kommunemed"), days.map(date)));
    }
    for n in 0..48 {
        let days = match n {
            0 => ["2024-08-01", ""],
            1 => ["", "2024-09-30"],
            2 => ["2025-01-01", ""],
            3 => ["", "2024-06-30"],
            4 => ["2025-03-15", "2025-10-31"],
            5 => ["", "2025-12-31"],
            6 => ["2026-02-01", ""],
            7 => ["", "2023-12-31"],
            8 => ["2024-07-01", "2024-07-01"],
            _ => ["", ""],
        };
        let parent = format!("afd-{:02}", n % 12);
        committees.push(committee(&format!("arb-{n:02}"), "arbejdspladsmed", Some(&parent), days.map(date)));
    }
    Some(bundle)
}

/// The expected assignments of an action, computed from the bundle: occurrence and assignee.
fn meant(bundle: &Value, action: &Value, on: NaiveDate) -> BTreeSet<(String, String)> {
    let half_years = [
        ("2024-H1", "2024-01-01", "2024-06-30"),
        ("2024-H2", "2024-07-01", "2024-12-31"),
        ("2025-H1", "2025-01-01", "2025-06-30"),
        ("2025-H2", "2025-07-01", "2025-12-31"),
    ];
    let occurrences = match action["recurrence"].as_str() {
        None => vec![("-", "2024-01-01", "2025-12-31")],
        Some("P6M") => half_years.to_vec(),
        Some(other) => panic!("the plan has nothing that recurs every {other}"),
    };
    let audience = action["audience"].as_array().unwrap();
    let with_role = |role: &str| -> Vec<&Value> { audience.iter().filter(|entry| entry["role"] == role).collect() };
    let entries = match with_role("responsible") {
        none if none.is_empty() => with_role("accountable"),
        responsible => responsible,
    };
    let exists = |row: &Value, on: NaiveDate| {
        let date = |name: &str| row[name].as_str().map(day);
        date("starts_on").is_none_or(|first| first <= on) && date("ends_on").is_none_or(|last| on <= last)
    };
    let mut meant = BTreeSet::new();
    for (occurrence, first, last) in occurrences {
        if day(first) > on {
            continue;
        }
        let seen_on = on.min(day(last));
        for (section, field) in [("committees", "level"), ("committees", "committee"), ("units", "unit")] {
            for row in bundle[section].as_array().unwrap().iter().filter(|row| exists(row, seen_on)) {
                let own = if field == "level" { &row["level"] } else { &row["key"] };
                if !own.is_null() && entries.iter().any(|entry| entry[field] == *own) {
                    meant.insert((occurrence.to_owned(), text(&row["key"]).to_owned()));
                }
            }
        }
    }
    meant
}

fn a_real_plan_reaches_every_committee_it_is_addressed_to(app: &App) {
    let Some(bundle) = albertslund() else { return };
    app.import(&bundle).unwrap();
    let token = app.token_of("albertslund", "med.read med.edit");
    let get = |path: &str| app.request("GET", path).token(&token).send().expect(200).json();
    let list = |path: &str| -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = get(&format!("{path}&limit=200{cursor}"));
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    };
    let plan = &bundle["strategies"][1];
    assert_eq!(plan["key"], "plan-med-2024-2025");
    let stored: Vec<Value> = list("/v1/actions?strategy=plan-med-2024-2025");
    let id = |path: &str| {
        let found = stored.iter().find(|action| action["path"] == format!("plan-med-2024-2025/{path}"));
        text(&found.unwrap_or_else(|| panic!("there is no {path}"))["id"]).to_owned()
    };
    let actions: Vec<(String, &Value)> = plan["focus_areas"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|area| {
            let of_area = area["actions"].as_array().unwrap().iter();
            of_area.map(move |action| (format!("{}/{}", text(&area["key"]), text(&action["key"])), action))
        })
        .collect();
    assert_eq!(actions.len(), 18);
    let found = |path: &str, on: &str| -> BTreeSet<(String, String)> {
        let rows = list(&format!("/v1/actions/{}/assignments?on={on}", id(path)));
        let distinct: BTreeSet<_> =
            rows.iter().map(|row| (occurrence(row).to_owned(), party(row).to_owned())).collect();
        assert_eq!(distinct.len(), rows.len(), "{path} on {on} has somebody twice");
        distinct
    };
    for on in [
        "2023-12-31",
        "2024-01-01",
        "2024-06-30",
        "2024-07-01",
        "2024-07-02",
        "2024-08-01",
        "2024-10-01",
        "2025-01-01",
        "2025-10-31",
        "2025-12-31",
        "2026-06-30",
    ] {
        let mut sum = 0;
        for (path, action) in &actions {
            let expected = meant(&bundle, action, day(on));
            assert_eq!(found(path, on), expected, "{path} on {on}");
            sum += expected.len();
        }
        let progress = get(&format!("/v1/strategies/plan-med-2024-2025/progress?on={on}"));
        assert_eq!((&progress["expected"], &progress["not_started"]), (&json!(sum), &json!(sum)), "{on}");
    }

    // Action 1 of area 1: every committee of all three levels that existed at the end.
    let on = "2026-06-30";
    let rows = list(&format!("/v1/actions/{}/assignments?on={on}", id("tiltraekning/droeft-tiltraekning")));
    let levels: BTreeSet<&str> = rows.iter().map(|row| text(&row["level"])).collect();
    assert_eq!(levels, BTreeSet::from(["afdelingsmed", "arbejdspladsmed", "kommunemed"]));
    let left_out = ["afd-01", "afd-02", "arb-01", "arb-03", "arb-04", "arb-06", "arb-07", "arb-08"];
    assert_eq!(rows.len(), 1 + 12 + 48 - left_out.len());
    assert!(rows.iter().all(|row| !left_out.contains(&party(row))));
    // 3.2: every workplace committee in each half-year in which it existed.
    let half_yearly = found("trivsel-naervaer/droeft-sygefravaer", on);
    for (half, left_out) in [
        ("2024-H1", vec![0, 2, 4, 6, 7, 8]),
        ("2024-H2", vec![1, 2, 3, 4, 6, 7, 8]),
        ("2025-H1", vec![1, 3, 6, 7, 8]),
        ("2025-H2", vec![1, 3, 4, 6, 7, 8]),
    ] {
        let own = half_yearly.iter().filter(|(occurrence, _)| occurrence == half).map(|(_, party)| party.clone());
        let expected = (0..48).filter(|n| !left_out.contains(n)).map(|n| format!("arb-{n:02}"));
        assert_eq!(own.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{half}");
    }
    // 4.2: only its work group.
    let group = list(&format!(
        "/v1/actions/{}/assignments?on={on}",
        id("den-rummelige-arbejdsplads/analyse-fritidsjob-fleksjob")
    ));
    assert_eq!(lines(&group), ["- arbejdsgruppe-fritidsjob"]);
    assert_eq!(group[0]["level"], json!(null));
    // 2.3 comes after 2.2.
    let (concept, local) = (id("tilknytning/onboardingkoncept"), id("tilknytning/maalret-onboarding"));
    let forerunners = || get(&format!("/v1/actions/{local}/progress"))["forerunners"].clone();
    let path = "plan-med-2024-2025/tilknytning/onboardingkoncept";
    let title = "Udarbejd et fælles onboardingkoncept";
    assert_eq!(forerunners(), json!([{"id": concept, "path": path, "title": title, "is_done": false}]));
    let tell = |id: &str, body: Value| report(app, &token, &format!("/v1/actions/{id}/reports"), &body).expect(201);
    tell(&local, json!({"committee": "arb-20", "stage": "in_progress"}));
    let is_ahead =
        || list(&format!("/v1/actions/{local}/assignments?committee=arb-20"))[0]["is_ahead_of_forerunner"].clone();
    assert_eq!(is_ahead(), json!(true));
    tell(&concept, json!({"unit": "organisation-politik", "stage": "done"}));
    assert_eq!(forerunners()[0]["is_done"], true);
    assert_eq!(is_ahead(), json!(false));
}

fn a_cancelled_forerunner_holds_nobody_up(app: &App) {
    let of_h = json!({"audience": [{"role": "responsible", "committee": "h"}]});
    let given_up = json!({"cancelled_on": "2024-05-01", "cancelled_reason": "Udgik."});
    let actions = vec![
        action("first", with(of_h.clone(), given_up)),
        action("other", of_h),
        action("second", json!({"after": ["first"]})),
        action("third", json!({"after": ["first", "other"]})),
    ];
    let reports = vec![
        told("second", "l1", "", "in_progress", "2024-03-01T09:00:00Z"),
        told("third", "l1", "", "done", "2024-03-01T09:00:00Z"),
        told("first", "h", "", "in_progress", "2024-04-01T09:00:00Z"),
    ];
    fill(app, ("2024-01-01", "2024-12-31"), locals(&["l1", "l2"]), actions, reports);
    let today = today().to_string();
    for (day, of_second, of_third) in [
        ("2024-02-01", vec![], vec![]),
        ("2024-03-15", vec!["l1"], vec!["l1"]),
        ("2024-04-30", vec!["l1"], vec!["l1"]),
        ("2024-05-01", vec![], vec!["l1"]),
        ("2024-12-31", vec![], vec!["l1"]),
        (today.as_str(), vec![], vec!["l1"]),
    ] {
        assert_eq!(flagged(app, "second", day, "is_ahead_of_forerunner"), of_second, "{day}");
        assert_eq!(flagged(app, "third", day, "is_ahead_of_forerunner"), of_third, "{day}: the other is still to come");
        let of_l1 = app.list(&format!("/v1/committees/l1/assignments?on={day}"));
        let ahead: Vec<&str> =
            of_l1.iter().filter(|row| row["is_ahead_of_forerunner"] == true).map(|row| text(&row["action"])).collect();
        let expected: Vec<&str> = [(of_second, "plan/a/second"), (of_third, "plan/a/third")]
            .iter()
            .filter(|(of, _)| !of.is_empty())
            .map(|(_, path)| *path)
            .collect();
        assert_eq!(ahead, expected, "{day}");
    }
    // After the cancellation is lifted, it counts as a predecessor again.
    let id = action_ids(app).remove("plan/a/first").unwrap();
    let taken_up = json!({"cancelled_on": null, "cancelled_reason": null});
    app.patch(&format!("/v1/actions/{id}"), taken_up).expect(200);
    assert_eq!(flagged(app, "second", "2024-05-01", "is_ahead_of_forerunner"), ["l1"]);
}

fn pages_hold_the_rows_of_the_table(app: &App) {
    let audience = json!([{"role": "responsible", "level": "local"}, {"role": "responsible", "unit": "school"}]);
    let actions = vec![action("month", json!({"recurrence": "P1M", "audience": audience}))];
    let reports = vec![
        told("month", "l1", "2022-02", "done", "2022-03-01T09:00:00Z"),
        told("month", "l2", "2023-11", "in_progress", "2023-12-01T09:00:00Z"),
    ];
    let until = format!("{}-12-31", today().year() + 4);
    fill(app, ("2022-01-01", &until), locals(&["l1", "l2"]), actions, reports);
    let some_years_ahead = today() + Months::new(24);
    let months = (2022..some_years_ahead.year()).count() * 12 + some_years_ahead.month0() as usize + 1;
    let id = action_ids(app).remove("plan/a/month").unwrap();
    let table = app.get(&format!("/v1/actions/{id}/assignments?on={some_years_ahead}&format=csv")).expect(200);
    let table = String::from_utf8(table.body).unwrap();
    let mut lines = table.lines().map(|line| line.split(',').map(ToOwned::to_owned).collect::<Vec<String>>());
    let columns = lines.next().unwrap();
    let lines: Vec<Vec<String>> = lines.collect();
    assert_eq!(lines.len(), 3 * months, "l1, l2 and the school in every month");
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    for limit in [2, 200] {
        let pages = rows(app, "month", &format!("on={some_years_ahead}&limit={limit}"));
        let pages: Vec<Vec<String>> =
            pages.iter().map(|row| columns.iter().map(|column| cell(&row[column])).collect()).collect();
        assert_eq!(pages, lines, "{limit} a page");
    }
}
