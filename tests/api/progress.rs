//! Progress: every figure is the plain sum of its assignments, and an answer holds what a widget needs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use medstrategi::period::today;
use serde_json::{Value, json};

use crate::harness::{App, HERE, Response};
use crate::reports::{action_ids, committee, report, token_for, with};

crate::tests![
    every_roll_up_is_the_sum_of_its_assignments,
    sums_follow_the_organisation_and_the_plan,
    answers_say_what_they_are_about,
    running_occurrences_are_listed_separately,
    an_empty_group_has_no_share,
    labels_are_ready_to_show,
    children_come_in_pages,
    a_stage_can_go_back,
    a_series_has_a_point_for_each_month,
    series_of_committees_and_people_cover_two_years,
    a_committee_has_its_own_figures_and_its_subtrees,
    forerunners_are_told,
    my_committees_are_added_up,
    a_person_without_a_seat_has_no_progress,
    a_draft_counts_in_its_own_plan_only,
    unchanged_answers_are_not_sent_again,
    an_etag_covers_everything_that_the_answer_depends_on,
    the_scope_progress_is_enough,
    progress_names_no_people,
    answers_are_small,
    answers_are_compressed,
    pictures_are_drawn,
    pictures_hold_text_as_text,
    wrong_queries_are_refused,
    statements_do_not_depend_on_the_size_of_the_plan,
    statements_do_not_depend_on_the_number_of_committees,
    a_series_begins_at_the_earliest_supported_day,
    a_cancelled_forerunner_is_not_waited_for,
    an_etag_is_personal,
];

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn action(key: &str, fields: Value) -> Value {
    let everyone = json!([{"role": "responsible", "level": "local"}]);
    with(json!({"key": key, "title": format!("Handling {key}"), "kind": "discussion", "audience": everyone}), fields)
}

fn area(key: &str, actions: Vec<Value>) -> Value {
    json!({"key": key, "title": format!("Område {key}"), "actions": actions})
}

fn strategy(key: &str, status: &str, days: (&str, &str), areas: Vec<Value>) -> Value {
    json!({
        "key": key, "title": format!("Plan {key}"), "kind": "plan", "status": status,
        "starts_on": days.0, "ends_on": days.1, "focus_areas": areas,
    })
}

fn of(entries: &[(&str, &str)]) -> Value {
    let entry = |(kind, key): &(&str, &str)| {
        let mut entry = json!({"role": "responsible"});
        entry[*kind] = json!(key);
        entry
    };
    json!({"audience": entries.iter().map(entry).collect::<Vec<_>>()})
}

/// Three levels of committees, some of which start and end, with a plan that has every kind of action, a past plan, and
/// a draft.
fn world() -> Value {
    let place = |key: &str, level: &str, parent: Option<&str>, days: [&str; 2]| {
        committee(key, level, parent, days.map(|text| text.parse().ok()))
    };
    let local = |key: &str, parent: &str, days| place(key, "local", Some(parent), days);
    let always = ["", ""];
    let yearly = vec![area("a", vec![action("year", json!({"recurrence": "P1Y"}))])];
    let given_up = json!({"cancelled_on": "2024-05-01", "cancelled_reason": "Udgik."});
    json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [
            {"key": "top", "name": "Top", "rank": 1}, {"key": "mid", "name": "Mellem", "rank": 2},
            {"key": "local", "name": "Lokal", "rank": 3},
        ],
        "units": [
            {"key": "school", "name": "Skolen", "kind": "workplace"},
            {"key": "care", "name": "Plejen", "kind": "workplace", "starts_on": "2024-09-01"},
        ],
        "employees": [
            {"key": "e-two", "name": "Ane Holm"}, {"key": "e-one", "name": "Bo Lund", "name_protected": true},
            {"key": "e-past", "name": "Ea Krog"}, {"key": "e-none", "name": "Kaj Munk"},
        ],
        "committees": [
            place("h", "top", None, always),
            place("m1", "mid", Some("h"), always),
            place("m2", "mid", Some("h"), always),
            local("l1", "m1", always),
            local("l2", "m1", always),
            local("l3", "m2", always),
            local("merged", "m2", ["", "2024-09-30"]),
            local("young", "m2", ["2024-08-01", ""]),
            json!({"key": "wg", "name": "Arbejdsgruppen", "parent": "h", "form": "work_group"}),
        ],
        "memberships": [
            {"key": "s1", "committee": "l1", "employee": "e-two", "role": "chair"},
            {"key": "s2", "committee": "m1", "employee": "e-two", "role": "member"},
            {"key": "s3", "committee": "l3", "employee": "e-two", "role": "member", "ends_on": "2024-12-31"},
            {"key": "s4", "committee": "merged", "employee": "e-two", "role": "member"},
            {"key": "s5", "committee": "l3", "employee": "e-one", "role": "chair"},
            {"key": "s6", "committee": "l2", "employee": "e-past", "role": "chair", "ends_on": "2024-12-31"},
        ],
        "strategies": [
            strategy("plan", "adopted", ("2024-01-01", "2025-12-31"), vec![
                area("a", vec![
                    action("half", json!({"recurrence": "P6M"})),
                    action("once", with(of(&[("level", "mid"), ("level", "local")]), json!({"due_on": "2024-06-30"}))),
                    action("units", of(&[("unit", "school"), ("unit", "care")])),
                ]),
                area("b", vec![
                    action("after", with(of(&[("level", "mid")]), json!({"after": ["a/once"]}))),
                    action("month", json!({"recurrence": "P1M", "starts_on": "2024-03-15", "due_on": "2024-09-10"})),
                    action("cancelled", with(given_up, json!({"due_on": "2024-10-31"}))),
                    action("group", with(of(&[("committee", "wg"), ("committee", "h")]), json!({"recurrence": "P2Y"}))),
                    action("nobody", json!({"audience": []})),
                ]),
                area("c", vec![]),
            ]),
            strategy("past", "closed", ("2022-01-01", "2023-12-31"), yearly.clone()),
            strategy("draft", "draft", ("2024-01-01", "2026-12-31"), yearly),
        ],
        "local_actions": [
            {"key": "walk", "committee": "l1", "parent": "plan/a/half", "title": "Gåmøder", "kind": "other"},
            {
                "key": "talk", "committee": "l3", "parent": "plan/b/month", "title": "Ro", "kind": "other",
                "recurrence": "P6M",
            },
        ],
        "reports": spread(),
    })
}

/// An action, the kind of its assignees, their keys, and the reported occurrences with the months of the reports.
type Told<'t> = (&'t str, &'t str, &'t [&'t str], &'t [(&'t str, &'t str)]);

/// Reports of every stage over two years: some corrected, some without any later report. Some assignments have none.
fn spread() -> Vec<Value> {
    let later = [("2024-H2", "2024-08"), ("2025-H1", "2025-01"), ("2025-H2", "2025-09")];
    let months = [("2024-03", "2024-04"), ("2024-06", "2024-06"), ("2024-09", "2024-09")];
    let places: [Told; 9] = [
        ("plan/a/half", "committee", &["l1", "l2", "l3", "merged"], &[("2024-H1", "2024-02")]),
        ("plan/a/half", "committee", &["l1", "l2", "l3", "young"], &later),
        ("plan/a/once", "committee", &["l1", "l2", "l3", "m1", "m2", "merged"], &[("", "2024-03")]),
        ("plan/a/units", "unit", &["school", "care"], &[("", "2024-10")]),
        ("plan/b/after", "committee", &["m1", "m2"], &[("", "2024-02")]),
        ("plan/b/month", "committee", &["l1", "l2", "l3", "merged"], &months),
        ("plan/b/cancelled", "committee", &["l1", "l2"], &[("", "2024-04")]),
        ("plan/b/group", "committee", &["h", "wg"], &[("2024", "2024-05")]),
        ("past/a/year", "committee", &["l1", "l2", "l3"], &[("2022", "2022-06"), ("2023", "2023-06")]),
    ];
    let mut reports = vec![
        json!({"action": "l1/walk", "committee": "l1", "stage": "in_progress", "reported_at": "2024-04-01T09:00:00Z"}),
        json!({
            "action": "l3/talk", "committee": "l3", "occurrence": "2024-H1", "stage": "done",
            "reported_at": "2024-04-01T09:00:00Z",
        }),
    ];
    let mut n = 0;
    for (action, kind, parties, occurrences) in places {
        for party in parties {
            for (occurrence, month) in occurrences {
                // Stages in the order of the reports: some advance, some go back.
                let stages: &[&str] = match n % 7 {
                    0 => &["in_progress"],
                    1 => &["in_progress", "done"],
                    2 => &["done"],
                    3 => &[],
                    4 => &["done", "in_progress"],
                    5 => &["dropped"],
                    _ => &["in_progress", "not_started"],
                };
                for (m, stage) in stages.iter().enumerate() {
                    let occurrence = (!occurrence.is_empty()).then_some(*occurrence);
                    let mut report = json!({
                        "action": action, "occurrence": occurrence, "stage": stage,
                        "reported_at": format!("{month}-{:02}T09:00:00Z", 1 + n % 9 + 15 * m),
                    });
                    report[kind] = json!(party);
                    reports.push(report);
                }
                n += 1;
            }
        }
    }
    reports
}

/// A block of figures, for comparison. Shares are in hundredths of a percent.
#[derive(Debug, Clone, PartialEq)]
struct Figures {
    counts: BTreeMap<&'static str, i64>,
    share: Option<i64>,
    last_reported_at: Option<String>,
}

const COUNTS: [&str; 7] = ["expected", "done", "in_progress", "not_started", "dropped", "overdue", "stale"];

impl Figures {
    /// The plain sum of assignments.
    fn sum<'v>(rows: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut counts: BTreeMap<&'static str, i64> = COUNTS.map(|name| (name, 0)).into();
        let mut last_reported_at = None;
        for row in rows {
            let is_so = |name: &str| match name {
                "expected" => true,
                "overdue" => row["is_overdue"] == true,
                "stale" => row["is_stale"] == true,
                stage => row["stage"] == stage,
            };
            counts.iter_mut().for_each(|(name, count)| *count += i64::from(is_so(name)));
            last_reported_at = last_reported_at.max(row["reported_at"].as_str().map(ToOwned::to_owned));
        }
        let base = counts["expected"] - counts["dropped"];
        let share = (base > 0).then(|| (counts["done"] * 20_000 + base) / (2 * base));
        Self { counts, share, last_reported_at }
    }

    /// The figures of an answer.
    #[track_caller]
    fn told(block: &Value) -> Self {
        let count = |name| block[name].as_i64().unwrap_or_else(|| panic!("no {name} in {block}"));
        let share = block["share_done"].as_f64().map(|share| {
            let hundredths = (share * 10_000.0).round();
            assert!((share * 10_000.0 - hundredths).abs() < 1e-6, "four decimals: {share}");
            hundredths as i64
        });
        assert!(block.get("share_done").is_some(), "{block}");
        Self {
            counts: COUNTS.map(|name| (name, count(name))).into(),
            share,
            last_reported_at: block["last_reported_at"].as_str().map(ToOwned::to_owned),
        }
    }

    /// Without the figures that a point of a series leaves out.
    fn timeless(self) -> Self {
        Self { last_reported_at: None, ..self }
    }
}

/// All assignments on a day, fetched once, to compare the sums with.
struct Seen<'a> {
    app: &'a App<'a>,
    on: NaiveDate,
    query: String,
    actions: Vec<Value>,
    /// By action id.
    assignments: HashMap<String, Vec<Value>>,
}

impl<'a> Seen<'a> {
    fn on(app: &'a App<'_>, on: Option<&str>) -> Self {
        let query = on.map(|on| format!("on={on}")).unwrap_or_default();
        let actions = app.list("/v1/actions?limit=200");
        let rows = |action: &Value| {
            let id = text(&action["id"]).to_owned();
            let rows = app.list(&format!("/v1/actions/{id}/assignments?limit=200&{query}"));
            (id, rows)
        };
        let assignments = actions.iter().map(rows).collect();
        Self { app, on: on.map_or_else(today, day), query, actions, assignments }
    }

    fn of(&self, wanted: impl Fn(&Value) -> bool) -> Vec<&Value> {
        let actions = self.actions.iter().filter(|action| wanted(action));
        actions.flat_map(|action| &self.assignments[text(&action["id"])]).collect()
    }

    /// Assignments of plan actions below a path such as `plan/a`.
    fn planned(&self, path: &str) -> Vec<&Value> {
        self.of(|action| {
            action["committee"].is_null() && format!("{}/", text(&action["path"])).starts_with(&format!("{path}/"))
        })
    }

    /// Assignments of local actions whose parent is below a path.
    fn local(&self, path: &str) -> Vec<&Value> {
        self.of(|action| {
            let parent = action["parent"].as_str();
            parent.is_some_and(|parent| format!("{parent}/").starts_with(&format!("{path}/")))
        })
    }

    /// Those whose occurrence is running.
    fn running<'v>(&self, rows: &[&'v Value]) -> Vec<&'v Value> {
        let goes_on = |row: &&&Value| {
            let due_on = row["due_on"].as_str().map(day);
            let action = self.actions.iter().find(|action| action["id"] == row["action_id"]).unwrap();
            let given_up = action["cancelled_on"].as_str().map(|on| day(on) - TimeDelta::days(1));
            let last = match row["occurrence"].is_null() {
                true => [due_on, given_up].into_iter().flatten().min(),
                false => due_on,
            };
            last.is_none_or(|last| self.on <= last)
        };
        rows.iter().filter(goes_on).copied().collect()
    }

    fn get(&self, path: &str, query: &str) -> Value {
        self.app.get(&format!("{path}?{}&{query}", self.query)).expect(200).json()
    }

    /// All children, over all pages.
    fn children(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let children = self.get(path, &format!("children=true&limit=3{cursor}"))["children"].clone();
            rows.extend(children["items"].as_array().unwrap().iter().cloned());
            match children["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    #[track_caller]
    fn compare(&self, block: &Value, rows: &[&Value], local: &[&Value], what: &str) {
        let figures = Figures::sum(rows.iter().copied());
        assert_eq!(Figures::told(block), figures, "{what} on {}", self.on);
        assert_eq!(figures.counts["expected"], COUNTS[1..5].iter().map(|name| figures.counts[name]).sum::<i64>());
        let running = self.running(rows);
        assert_eq!(Figures::told(&block["running"]), Figures::sum(running), "{what} on {}, running", self.on);
        assert_eq!(Figures::told(&block["local"]), Figures::sum(local.iter().copied()), "{what} on {}, local", self.on);
    }

    /// Compares every strategy, area, action and occurrence with its assignments.
    fn check_plans(&self) {
        for strategy in self.app.list("/v1/strategies") {
            let key = text(&strategy["key"]);
            let path = format!("/v1/strategies/{key}/progress");
            self.compare(&self.get(&path, ""), &self.planned(key), &self.local(key), key);
            let tree = self.app.get(&format!("/v1/strategies/{key}")).json();
            let areas = tree["focus_areas"].as_array().unwrap();
            let children = self.children(&path);
            assert_eq!(children.len(), areas.len(), "{key}");
            for (area, child) in areas.iter().zip(&children) {
                self.check_area(area, child);
            }
        }
    }

    fn check_area(&self, area: &Value, child: &Value) {
        let path = text(&area["path"]);
        let (rows, local) = (self.planned(path), self.local(path));
        assert_eq!((&child["key"], &child["kind"]), (&area["key"], &json!("focus_area")));
        self.compare(child, &rows, &local, path);
        let address = format!("/v1/focus-areas/{}/progress", text(&area["id"]));
        self.compare(&self.get(&address, ""), &rows, &local, path);
        let actions = area["actions"].as_array().unwrap();
        let children = self.children(&address);
        assert_eq!(children.len(), actions.len(), "{path}");
        for (action, child) in actions.iter().zip(&children) {
            self.check_action(action, child);
        }
    }

    fn check_action(&self, action: &Value, child: &Value) {
        let path = text(&action["path"]);
        let (rows, local) = (self.planned(path), self.local(path));
        assert_eq!((&child["key"], &child["kind"]), (&action["key"], &json!("action")));
        self.compare(child, &rows, &local, path);
        let address = format!("/v1/actions/{}/progress", text(&action["id"]));
        self.compare(&self.get(&address, ""), &rows, &local, path);
        let mut by_occurrence: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for row in rows {
            by_occurrence.entry(row["occurrence"].as_str().unwrap_or_default().to_owned()).or_default().push(row);
        }
        for child in &self.children(&address) {
            assert_eq!(child["kind"], "occurrence");
            // An action that is done once has one occurrence, without a period.
            let period = if action["recurrence"].is_null() { "" } else { text(&child["key"]) };
            let own = by_occurrence.remove(period).unwrap_or_default();
            assert_eq!(Figures::told(child), Figures::sum(own), "{path} {} on {}", child["key"], self.on);
        }
        assert!(by_occurrence.is_empty(), "{path}: {:?} are no children", by_occurrence.keys());
    }

    /// A shorter comparison: each plan and its actions, and the top committee's subtree, which holds all committees.
    fn check_briefly(&self) {
        let mut of_committees = Vec::new();
        for strategy in self.app.list("/v1/strategies") {
            let key = text(&strategy["key"]);
            let rows = self.planned(key);
            self.compare(&self.get(&format!("/v1/strategies/{key}/progress"), ""), &rows, &self.local(key), key);
            for area in self.app.list(&format!("/v1/strategies/{key}/focus-areas")) {
                let address = format!("/v1/focus-areas/{}/progress", text(&area["id"]));
                let children = self.get(&address, "children=true&limit=200")["children"]["items"].clone();
                for child in children.as_array().unwrap() {
                    let path = format!("{key}/{}/{}", text(&area["key"]), text(&child["key"]));
                    self.compare(child, &self.planned(&path), &self.local(&path), &path);
                }
            }
            if strategy["status"] != "draft" {
                of_committees.extend(rows.into_iter().filter(|row| !row["committee"].is_null()));
            }
        }
        let top = self.get("/v1/committees/h/progress", "");
        assert_eq!(Figures::told(&top["subtree"]), Figures::sum(of_committees), "on {}", self.on);
    }

    /// Compares every committee with its own assignments, and its subtree with those of all committees in it.
    fn check_committees(&self) {
        let committees = self.app.list("/v1/committees?limit=200");
        let drafts: BTreeSet<String> =
            self.app.list("/v1/strategies?status=draft").iter().map(|row| text(&row["key"]).to_owned()).collect();
        let is_shown = |path: &str| !drafts.contains(path.split('/').next().unwrap());
        let key = |committee: &Value| text(&committee["key"]).to_owned();
        let own: BTreeMap<String, Vec<Value>> = committees
            .iter()
            .map(|committee| {
                let path = format!("/v1/committees/{}/assignments?limit=200&{}", key(committee), self.query);
                (key(committee), self.app.list(&path))
            })
            .collect();
        let planned = |key: &str| -> Vec<&Value> { own[key].iter().filter(|row| row["is_local"] == false).collect() };
        // The sum over committees equals the sum over actions.
        let of_actions = self.of(|action| action["committee"].is_null() && is_shown(text(&action["path"])));
        let of_actions = of_actions.into_iter().filter(|row| !row["committee"].is_null());
        assert_eq!(Figures::sum(of_actions), Figures::sum(own.keys().flat_map(|key| planned(key))), "on {}", self.on);
        let exists = |committee: &Value| {
            let date = |name: &str| committee[name].as_str().map(day);
            date("starts_on").is_none_or(|first| first <= self.on) && date("ends_on").is_none_or(|last| self.on <= last)
        };
        for committee in &committees {
            let key = key(committee);
            let local: Vec<&Value> = own[&key].iter().filter(|row| row["is_local"] == true).collect();
            let mut below = vec![key.as_str()];
            let mut n = 0;
            while n < below.len() {
                let parent = below[n];
                below.extend(committees.iter().filter(|row| row["parent"] == parent).map(|row| text(&row["key"])));
                n += 1;
            }
            let subtree = Figures::sum(below.iter().flat_map(|key| planned(key)));
            let path = format!("/v1/committees/{key}/progress");
            let told = self.get(&path, "");
            self.compare(&told, &planned(&key), &local, &key);
            assert_eq!(Figures::told(&told["subtree"]), subtree, "below {key} on {}", self.on);
            let right_below: Vec<&Value> = committees
                .iter()
                .filter(|row| row["parent"] == key.as_str() && exists(row))
                .map(|row| &row["key"])
                .collect();
            let children = self.children(&path);
            assert_eq!(
                children.iter().map(|child| &child["key"]).collect::<Vec<_>>(),
                right_below,
                "below {key} on {}",
                self.on
            );
            for child in &children {
                let key = text(&child["key"]);
                assert_eq!(child["kind"], "committee");
                let local: Vec<&Value> = own[key].iter().filter(|row| row["is_local"] == true).collect();
                self.compare(child, &planned(key), &local, key);
                let alone = self.get(&format!("/v1/committees/{key}/progress"), "");
                assert_eq!(child["subtree"], alone["subtree"], "{key}");
            }
        }
    }
}

fn check_all(app: &App, on: Option<&str>) {
    let seen = Seen::on(app, on);
    seen.check_plans();
    seen.check_committees();
}

fn every_roll_up_is_the_sum_of_its_assignments(app: &App) {
    app.import(&world()).unwrap();
    let days = ["2023-06-30", "2024-03-20", "2024-06-30", "2024-07-01", "2024-10-01", "2025-03-15", "2026-01-01"];
    for on in days {
        check_all(app, Some(on));
    }
    check_all(app, None);
    let whole = app.get("/v1/strategies/plan/progress").json();
    let figures = Figures::told(&whole);
    for name in COUNTS {
        assert!(figures.counts[name] > 0, "nothing is {name}: the test shows nothing of it");
    }
}

fn sums_follow_the_organisation_and_the_plan(app: &App) {
    app.import(&world()).unwrap();
    let ids = action_ids(app);
    let of_action = |path: &str| format!("/v1/actions/{}", ids[path]);
    let check = |on: Option<&str>| Seen::on(app, on).check_briefly();
    let patch = |path: &str, fields: Value| {
        app.patch(path, fields).expect(200);
        check(None);
    };
    // Committees start, move and end, also retroactively. Figures of past days follow.
    patch("/v1/committees/l1", json!({"level": "mid"}));
    patch("/v1/committees/l1", json!({"level": "local", "parent": "m2"}));
    patch("/v1/committees/l2", json!({"ends_on": "2024-09-30"}));
    patch("/v1/committees/l2", json!({"ends_on": null, "starts_on": "2024-07-01"}));
    patch("/v1/committees/young", json!({"starts_on": null}));
    patch("/v1/committees/merged", json!({"ends_on": "2024-05-31"}));
    patch("/v1/units/care", json!({"starts_on": null, "ends_on": "2025-06-30"}));
    app.post("/v1/committees", committee("new", "local", Some("m1"), [None, None])).expect(201);
    check(None);
    app.delete("/v1/committees/new").expect(204);
    check(None);
    // Audiences and dates too.
    patch(&of_action("plan/a/half"), of(&[("level", "local"), ("committee", "m1"), ("unit", "school")]));
    patch(&of_action("plan/a/once"), of(&[("level", "mid"), ("committee", "l3")]));
    patch(&of_action("plan/a/once"), json!({"due_on": "2024-03-31"}));
    patch(&of_action("plan/b/cancelled"), json!({"cancelled_on": null, "cancelled_reason": null}));
    patch(&of_action("plan/b/month"), json!({"cancelled_on": "2024-07-01", "cancelled_reason": "Udgik."}));
    patch("/v1/strategies/plan", json!({"ends_on": "2024-12-31"}));
    patch("/v1/strategies/plan", json!({"starts_on": "2024-05-01", "ends_on": "2026-06-30"}));
    patch("/v1/strategies/draft", json!({"status": "adopted"}));
    // Reports on occurrences of another length stay in history but no longer count.
    let request = app.request("PATCH", &of_action("plan/a/half")).header("if-match", "*");
    let answer = request.json(&json!({"recurrence": "P3M"})).send();
    assert!([200, 409, 422].contains(&answer.status), "{}", answer.status);
    check(None);
    let body = json!({"committee": "wg", "occurrence": "2024", "stage": "done"});
    report(app, &app.token("med.edit"), &format!("{}/reports", of_action("plan/b/group")), &body).expect(201);
    check(None);
    check(Some("2024-10-01"));
    check_all(app, None);
}

fn answers_say_what_they_are_about(app: &App) {
    app.import(&world()).unwrap();
    let tree = app.get("/v1/strategies/plan").json();
    let area = &tree["focus_areas"][1];
    let cancelled = &area["actions"][2];
    let committee = app.get("/v1/committees/m1").json();
    let on = "2024-10-01";
    let get = |path: &str| app.get(&format!("{path}?on={on}")).expect(200).json();
    let of_action = get(&format!("/v1/actions/{}/progress", text(&cancelled["id"])));
    for (progress, kind, row, title) in [
        (get("/v1/strategies/plan/progress"), "strategy", &tree, &tree["title"]),
        (get(&format!("/v1/focus-areas/{}/progress", text(&area["id"]))), "focus_area", area, &area["title"]),
        (of_action.clone(), "action", cancelled, &cancelled["title"]),
        (get("/v1/committees/m1/progress"), "committee", &committee, &committee["name"]),
    ] {
        assert_eq!((&progress["kind"], &progress["on"]), (&json!(kind), &json!(on)));
        assert_eq!((&progress["id"], &progress["key"], &progress["title"]), (&row["id"], &row["key"], title), "{kind}");
        assert!(progress["label"].is_string() && progress["running"]["label"].is_string(), "{progress}");
        for block in ["children", "series"] {
            assert_eq!(progress.get(block).filter(|block| !block.is_null()), None, "{kind}: {block} is for who asks");
        }
        let has_subtree = progress.get("subtree").is_some_and(|block| !block.is_null());
        assert_eq!(has_subtree, kind == "committee", "{kind}");
    }
    assert_eq!(of_action["cancelled_on"], "2024-05-01");
    assert_eq!(of_action["forerunners"], json!([]));
    assert_eq!(get(&format!("/v1/strategies/{}/progress", text(&tree["id"]))), get("/v1/strategies/plan/progress"));
    let today = today().to_string();
    assert_eq!(app.get("/v1/strategies/plan/progress").json()["on"], today.as_str());
    assert_eq!(app.get("/v1/me/progress").json()["kind"], "me");
    for path in ["strategies/nowhere", "focus-areas/plan", "actions/half", "committees/nowhere"] {
        app.get(&format!("/v1/{path}/progress")).expect_problem(404, "not-found");
    }
}

fn running_occurrences_are_listed_separately(app: &App) {
    // The plan began on 1 January of last year, so that an occurrence is running whenever the test is run.
    let year = today().year();
    let days = (format!("{}-01-01", year - 1), format!("{}-12-31", year + 1));
    let mut bundle = world();
    let actions = vec![
        action("half", json!({"recurrence": "P6M"})),
        action("over", json!({"due_on": format!("{}-06-30", year - 1)})),
        action("open", json!({})),
    ];
    bundle["strategies"] = json!([strategy("plan", "adopted", (&days.0, &days.1), vec![area("a", actions)])]);
    bundle["local_actions"] = json!([]);
    bundle["reports"] = json!([]);
    app.import(&bundle).unwrap();
    let ids = action_ids(app);
    let this_half = crate::reports::half_year(today());
    let before = format!("{}-H1", year - 1);
    let tell = |path: &str, occurrence: Option<&str>, committee: &str| {
        let body = json!({"committee": committee, "occurrence": occurrence, "stage": "done"});
        report(app, &app.token("med.edit"), &format!("/v1/actions/{}/reports", ids[path]), &body).expect(201);
    };
    tell("plan/a/half", Some(&this_half), "l1");
    tell("plan/a/half", Some(&before), "l1");
    tell("plan/a/half", Some(&before), "l2");
    tell("plan/a/over", None, "l1");
    tell("plan/a/open", None, "l3");
    let running = |path: &str| {
        let block = app.get(path).expect(200).json()["running"].clone();
        (block["expected"].as_i64().unwrap(), block["done"].as_i64().unwrap())
    };
    assert_eq!(running(&format!("/v1/actions/{}/progress", ids["plan/a/half"])), (4, 1), "l1, l2, l3 and young");
    assert_eq!(running(&format!("/v1/actions/{}/progress", ids["plan/a/over"])), (0, 0));
    assert_eq!(running(&format!("/v1/actions/{}/progress", ids["plan/a/open"])), (4, 1));
    assert_eq!(running("/v1/strategies/plan/progress"), (8, 2));
    assert_eq!(running("/v1/committees/l1/progress"), (2, 1));
    let over = app.get("/v1/strategies/plan/progress?on=2089-01-01");
    over.expect_problem(400, "invalid-query");
    let after = format!("/v1/strategies/plan/progress?on={}-01-01", year + 2);
    assert_eq!(running(&after), (0, 0), "nothing goes on once the plan is over");
    assert!(app.get(&after).json()["running"]["share_done"].is_null());
    check_all(app, None);
    check_all(app, Some(&days.1));
}

fn an_empty_group_has_no_share(app: &App) {
    app.import(&world()).unwrap();
    let ids = action_ids(app);
    let tree = app.get("/v1/strategies/plan").json();
    let empty = format!("/v1/focus-areas/{}/progress", text(&tree["focus_areas"][2]["id"]));
    let nobody = format!("/v1/actions/{}/progress", ids["plan/b/nobody"]);
    // Nothing is expected before the first occurrence.
    for path in [
        empty.as_str(),
        &nobody,
        "/v1/strategies/plan/progress?on=2023-12-31",
        "/v1/committees/h/progress?on=2021-06-01",
    ] {
        let progress = app.get(path).expect(200).json();
        let expected = Figures::sum([]);
        assert_eq!(Figures::told(&progress), expected, "{path}");
        assert_eq!(Figures::told(&progress["running"]), expected, "{path}");
        assert!(progress["share_done"].is_null() && progress["last_reported_at"].is_null(), "{path}");
        assert!(progress["label"].as_str().is_some_and(|label| !label.is_empty()), "{path}: {progress}");
    }
    // With nothing done, the share is 0. With everything dropped, there is no share.
    let group = format!("/v1/actions/{}", ids["plan/b/nobody"]);
    app.patch(&group, of(&[("committee", "wg"), ("committee", "h")])).expect(200);
    assert_eq!(app.get(&nobody).json()["share_done"].as_f64(), Some(0.0));
    for committee in ["wg", "h"] {
        let body = json!({"committee": committee, "stage": "dropped"});
        report(app, &app.token("med.edit"), &format!("{group}/reports"), &body).expect(201);
    }
    let dropped = app.get(&nobody).json();
    assert_eq!(
        (&dropped["expected"], &dropped["dropped"], &dropped["share_done"]),
        (&json!(2), &json!(2), &json!(null))
    );
}

fn labels_are_ready_to_show(app: &App) {
    app.import(&world()).unwrap();
    let ids = action_ids(app);
    let tell = |committee: &str, stage: &str| {
        let address = format!("/v1/actions/{}/reports", ids["plan/b/nobody"]);
        report(app, &app.token("med.edit"), &address, &json!({"committee": committee, "stage": stage})).expect(201);
    };
    app.patch(&format!("/v1/actions/{}", ids["plan/b/nobody"]), of(&[("level", "local")])).expect(200);
    tell("l1", "done");
    tell("l2", "in_progress");
    tell("l3", "done");
    let path = format!("/v1/actions/{}/progress", ids["plan/b/nobody"]);
    let in_language = |language: &str| {
        let answer = app.request("GET", &path).header("accept-language", language).send().expect(200);
        assert!(answer.lists("vary", "accept-language"));
        (answer.header("content-language").unwrap().to_owned(), text(&answer.json()["label"]).to_owned())
    };
    let danish = ("da".to_owned(), "2 af 4 udvalg er i mål".to_owned());
    for language in ["da", "da-DK, en;q=0.5", "de", "*"] {
        assert_eq!(in_language(language), danish, "{language}");
    }
    assert_eq!(text(&app.get(&path).json()["label"]), danish.1);
    let (language, english) = in_language("en-GB, da;q=0.5");
    assert_eq!(language, "en");
    assert!(english.contains("2 of 4") && english != danish.1, "{english}");
    // Each block's label describes its own figures.
    let whole = app.get("/v1/strategies/plan/progress?children=true").json();
    let children = whole["children"]["items"].as_array().unwrap();
    for block in [&whole, &children[0], &children[1]] {
        assert!(block["done"].as_i64().unwrap() > 0, "{block}");
        assert!(text(&block["label"]).contains(&block["done"].to_string()), "{block}");
    }
}

fn children_come_in_pages(app: &App) {
    app.import(&world()).unwrap();
    let tree = app.get("/v1/strategies/plan").json();
    let ids = action_ids(app);
    let half = format!("/v1/actions/{}/progress", ids["plan/a/half"]);
    let area = format!("/v1/focus-areas/{}/progress", text(&tree["focus_areas"][1]["id"]));
    for (path, kind, keys) in [
        ("/v1/strategies/plan/progress", "focus_area", vec!["a", "b", "c"]),
        (area.as_str(), "action", vec!["after", "month", "cancelled", "group", "nobody"]),
        (half.as_str(), "occurrence", vec!["2024-H1", "2024-H2", "2025-H1", "2025-H2"]),
        ("/v1/committees/h/progress", "committee", vec!["m1", "m2", "wg"]),
    ] {
        for limit in [1, 2, 50] {
            let (mut found, mut address) = (Vec::new(), format!("{path}?children=true&limit={limit}"));
            loop {
                let page = app.get(&address).expect(200).json();
                let items = page["children"]["items"].as_array().unwrap();
                assert!(items.len() <= limit && items.iter().all(|child| child["kind"] == kind));
                assert!(items.iter().all(|child| child["label"].is_string()));
                found.extend(items.iter().map(|child| text(&child["key"]).to_owned()));
                match page["children"]["next"].as_str() {
                    Some(next) => address = format!("{path}?children=true&limit={limit}&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(found, keys, "{path}, {limit} a page");
        }
    }
    // The figures of the whole do not depend on the page.
    let page = app.get("/v1/strategies/plan/progress?children=true&limit=1").json();
    let whole = app.get("/v1/strategies/plan/progress").json();
    assert_eq!((&page["expected"], &page["label"]), (&whole["expected"], &whole["label"]));
    assert_eq!(app.get("/v1/strategies/plan/progress?children=false").json(), whole);
}

fn a_stage_can_go_back(app: &App) {
    app.import(&world()).unwrap();
    let id = &action_ids(app)["plan/b/after"];
    let tell = |stage: &str| {
        let body = json!({"committee": "m1", "stage": stage});
        report(app, &app.token("med.edit"), &format!("/v1/actions/{id}/reports"), &body).expect(201);
        let figures = Figures::told(&app.get(&format!("/v1/actions/{id}/progress")).expect(200).json());
        let own = app.list(&format!("/v1/actions/{id}/assignments?committee=m1")).remove(0);
        assert_eq!(own["stage"], stage);
        check_strategy(app);
        figures
    };
    let (done, begun) = (tell("done"), tell("in_progress"));
    assert_eq!(begun.counts["done"], done.counts["done"] - 1, "what was done is done no more");
    assert_eq!(begun.counts["in_progress"], done.counts["in_progress"] + 1);
    // Reset to not started: the former stage is gone, but the time of the last report remains.
    let cleared = tell("not_started");
    assert_eq!(cleared.counts["in_progress"], begun.counts["in_progress"] - 1);
    assert_eq!(cleared.counts["not_started"], begun.counts["not_started"] + 1);
    assert!(cleared.last_reported_at > begun.last_reported_at);
    assert_eq!(tell("done").counts, done.counts);
    assert_eq!(tell("done").counts, done.counts, "twice done is done once");
}

fn check_strategy(app: &App) {
    let seen = Seen::on(app, None);
    seen.compare(&seen.get("/v1/strategies/plan/progress", ""), &seen.planned("plan"), &seen.local("plan"), "plan");
}

fn points(app: &App, path: &str, on: &str) -> Vec<Value> {
    let answer = app.get(&format!("{path}?series=month&on={on}")).expect(200).json();
    let points = answer["series"].as_array().unwrap().clone();
    let last = points.last().unwrap();
    assert_eq!(last["on"], on, "{path}");
    assert_eq!(Figures::told(last), Figures::told(&answer).timeless(), "{path}");
    points
}

fn a_series_has_a_point_for_each_month(app: &App) {
    app.import(&world()).unwrap();
    let tree = app.get("/v1/strategies/plan").json();
    let paths = [
        "/v1/strategies/plan/progress".to_owned(),
        format!("/v1/focus-areas/{}/progress", text(&tree["focus_areas"][0]["id"])),
        format!("/v1/actions/{}/progress", text(&tree["focus_areas"][0]["actions"][0]["id"])),
    ];
    let first = ["2024-01-31", "2024-02-29", "2024-03-31"];
    for path in &paths {
        for (on, days) in [
            ("2024-01-15", vec!["2024-01-15"]),
            ("2024-01-31", vec!["2024-01-31"]),
            ("2024-03-31", first.to_vec()),
            ("2024-04-15", [first.as_slice(), &["2024-04-15"]].concat()),
        ] {
            let told = points(app, path, on);
            assert_eq!(told.iter().map(|point| text(&point["on"])).collect::<Vec<_>>(), days, "{path} on {on}");
        }
        // After its end, the series holds the plan's two years and the requested day.
        let told = points(app, path, "2026-02-10");
        assert_eq!(told.len(), 24 + 1, "{path}");
        assert_eq!((&told[23]["on"], &told[24]["on"]), (&json!("2025-12-31"), &json!("2026-02-10")));
        for point in &told {
            let on = text(&point["on"]);
            let then = app.get(&format!("{path}?on={on}")).expect(200).json();
            assert_eq!(Figures::told(point), Figures::told(&then).timeless(), "{path} on {on}");
            for field in ["label", "last_reported_at", "running", "local"] {
                assert_eq!(point.get(field), None, "{field}");
            }
        }
        let done: Vec<i64> = told.iter().map(|point| point["done"].as_i64().unwrap()).collect();
        assert!(done.windows(2).any(|pair| pair[0] < pair[1]), "{path}: something was done: {done:?}");
    }
}

fn series_of_committees_and_people_cover_two_years(app: &App) {
    app.import(&world()).unwrap();
    let token = token_for(app, "e-two", "med.progress");
    let on = "2025-03-15";
    let get = |path: &str, query: &str| {
        app.request("GET", &format!("{path}?{query}")).token(&token).send().expect(200).json()
    };
    for path in ["/v1/committees/l1/progress", "/v1/committees/m2/progress", "/v1/me/progress"] {
        let answer = get(path, &format!("series=month&on={on}"));
        let told = answer["series"].as_array().unwrap();
        let days: Vec<NaiveDate> = told.iter().map(|point| day(text(&point["on"]))).collect();
        assert!(days.is_sorted() && days.iter().collect::<BTreeSet<_>>().len() == days.len(), "{days:?}");
        assert_eq!(days.last(), Some(&day(on)));
        assert!((24..=26).contains(&days.len()), "{} points", days.len());
        assert!(days[0] >= day(on) - Months::new(25) && days[0] <= day(on) - Months::new(23), "{}", days[0]);
        for (point, on) in told.iter().zip(&days) {
            let is_month_end = (*on + TimeDelta::days(1)).day() == 1;
            assert!(is_month_end || *on == days[days.len() - 1], "{on}");
            let then = get(path, &format!("on={on}"));
            assert_eq!(Figures::told(point), Figures::told(&then).timeless(), "{path} on {on}");
        }
    }
}

fn a_committee_has_its_own_figures_and_its_subtrees(app: &App) {
    app.import(&world()).unwrap();
    let get = |key: &str, on: &str| app.get(&format!("/v1/committees/{key}/progress?on={on}")).expect(200).json();
    let expected = |block: &Value| block["expected"].as_i64().unwrap();
    // h is an assignee of the work group's action; m1 has two local actions; units' assignments belong to no committee.
    let on = "2024-06-30";
    assert_eq!((expected(&get("h", on)), expected(&get("m1", on))), (1, 2));
    let whole = app.get(&format!("/v1/strategies/plan/progress?on={on}")).json();
    let past = app.get(&format!("/v1/strategies/past/progress?on={on}")).json();
    let units = app.get(&format!("/v1/actions/{}/progress?on={on}", action_ids(app)["plan/a/units"])).json();
    assert_eq!(expected(&units), 1);
    let h = get("h", on);
    assert_eq!(expected(&h["subtree"]), expected(&whole) + expected(&past) - expected(&units), "all but the units'");
    // The merged committee's assignments stay in its parent's subtree after its end, but it is no longer a child.
    let then = app.get("/v1/committees/m2/progress?on=2025-03-15&children=true").json();
    let children: Vec<&str> =
        then["children"]["items"].as_array().unwrap().iter().map(|child| text(&child["key"])).collect();
    assert_eq!(children, ["l3", "young"]);
    let merged = get("merged", "2025-03-15");
    assert!(expected(&merged) > 0);
    let below: i64 = ["m2", "l3", "young", "merged"].iter().map(|key| expected(&get(key, "2025-03-15"))).sum();
    assert_eq!(expected(&then["subtree"]), below);
    // A leaf's subtree is itself.
    let leaf = get("l1", on);
    assert_eq!(Figures::told(&leaf["subtree"]), Figures::told(&leaf));
}

fn forerunners_are_told(app: &App) {
    app.import(&world()).unwrap();
    let ids = action_ids(app);
    let (once, after) = (&ids["plan/a/once"], &ids["plan/b/after"]);
    let get = || app.get(&format!("/v1/actions/{after}/progress")).expect(200).json();
    let told = get();
    let forerunner = json!({"id": once, "path": "plan/a/once", "title": "Handling once", "is_done": false});
    assert_eq!(told["forerunners"], json!([forerunner]));
    let tell = |id: &str, committee: &str, stage: &str| {
        let body = json!({"committee": committee, "stage": stage});
        report(app, &app.token("med.edit"), &format!("/v1/actions/{id}/reports"), &body).expect(201);
    };
    for committee in ["m1", "m2"] {
        tell(after, committee, "not_started");
    }
    assert_eq!(get()["is_ahead_of_forerunner"], false, "nobody has begun");
    tell(after, "m1", "in_progress");
    assert_eq!(get()["is_ahead_of_forerunner"], true);
    // `merged` counts for this occurrence, but it has ended and can't report, so it is left out here.
    app.patch(&format!("/v1/actions/{once}"), of(&[("level", "mid")])).expect(200);
    tell(once, "m1", "done");
    tell(once, "m2", "in_progress");
    assert_eq!((&get()["forerunners"][0]["is_done"], &get()["is_ahead_of_forerunner"]), (&json!(false), &json!(true)));
    tell(once, "m2", "done");
    assert_eq!((&get()["forerunners"][0]["is_done"], &get()["is_ahead_of_forerunner"]), (&json!(true), &json!(false)));
    // Both are as of the requested day.
    let before = app.get(&format!("/v1/actions/{after}/progress?on=2024-01-15")).json();
    assert_eq!(
        (&before["forerunners"][0]["is_done"], &before["is_ahead_of_forerunner"]),
        (&json!(false), &json!(false))
    );
    let first = app.get(&format!("/v1/actions/{once}/progress")).json();
    assert_eq!((&first["forerunners"], &first["is_ahead_of_forerunner"]), (&json!([]), &json!(false)));
}

fn mine(app: &App, subject: &str, query: &str) -> Response {
    app.request("GET", &format!("/v1/me/progress{query}")).token(&token_for(app, subject, "med.progress")).send()
}

fn my_committees_are_added_up(app: &App) {
    app.import(&world()).unwrap();
    for on in ["2024-06-30", "2025-03-15", "2026-01-01"] {
        let rows = |key: &str| app.list(&format!("/v1/committees/{key}/assignments?limit=200&on={on}"));
        // Today's seats count: not one that ended, nor one in a committee that ended.
        let all = [rows("l1"), rows("m1")].concat();
        let (local, own): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|row| row["is_local"] == true);
        let told = mine(app, "e-two", &format!("?on={on}&children=true")).expect(200).json();
        assert_eq!(told["kind"], "me");
        assert_eq!(Figures::told(&told), Figures::sum(own), "{on}");
        assert_eq!(Figures::told(&told["local"]), Figures::sum(local), "{on}");
        let children = told["children"]["items"].as_array().unwrap();
        assert_eq!(children.iter().map(|child| text(&child["key"])).collect::<Vec<_>>(), ["l1", "m1"]);
        for child in children {
            let alone = app.get(&format!("/v1/committees/{}/progress?on={on}", text(&child["key"]))).json();
            for field in
                ["kind", "id", "key", "title", "expected", "done", "share_done", "label", "running", "local", "subtree"]
            {
                assert_eq!(child[field], alone[field], "{field}");
            }
        }
        let one = mine(app, "e-one", &format!("?on={on}")).expect(200).json();
        assert_eq!(Figures::told(&one), Figures::told(&app.get(&format!("/v1/committees/l3/progress?on={on}")).json()));
    }
    let first = mine(app, "e-two", "?children=true&limit=1").expect(200).json();
    assert_eq!(first["children"]["items"].as_array().unwrap().len(), 1);
    let next = text(&first["children"]["next"]);
    let second = mine(app, "e-two", &format!("?children=true&limit=1&cursor={next}")).expect(200).json();
    assert_eq!((&second["children"]["items"][0]["key"], &second["children"]["next"]), (&json!("m1"), &json!(null)));
    // Two seats in the same committee count once.
    app.post("/v1/memberships", json!({"key": "s7", "committee": "l1", "employee": "e-two", "role": "secretary"}))
        .expect(201);
    let again = mine(app, "e-two", "").expect(200).json();
    assert_eq!(again["expected"], first["expected"]);
}

fn a_person_without_a_seat_has_no_progress(app: &App) {
    app.import(&world()).unwrap();
    // No such employee, one without a seat, one whose seat ended, and one who left.
    app.patch("/v1/employees/e-one", json!({"ends_on": "2025-01-31"})).expect(200);
    for subject in ["tester", "e-none", "e-past", "e-one", "E-TWO"] {
        let told = mine(app, subject, "?children=true&series=month").expect(200).json();
        let nothing = Figures::sum([]);
        for block in [&told, &told["running"], &told["local"]] {
            assert_eq!(Figures::told(block), nothing, "{subject}");
            assert!(block["share_done"].is_null() && block["label"].is_string(), "{subject}");
        }
        assert_eq!(told["children"], json!({"items": [], "next": null}), "{subject}");
        let series = told["series"].as_array().unwrap();
        assert!(series.iter().all(|point| Figures::told(point) == nothing), "{subject}");
    }
}

fn a_draft_counts_in_its_own_plan_only(app: &App) {
    app.import(&world()).unwrap();
    let expected = |path: &str| app.get(path).expect(200).json()["expected"].as_i64().unwrap();
    let subtree = || app.get("/v1/committees/h/progress?on=2025-03-15").json()["subtree"]["expected"].as_i64().unwrap();
    let (draft, own) = ("/v1/strategies/draft/progress?on=2025-03-15", "/v1/committees/l1/progress?on=2025-03-15");
    let of_me = || mine(app, "e-two", "?on=2025-03-15").json()["expected"].as_i64().unwrap();
    // l1, l2, l3 and young in both years. The merged ones had ended by the end of the first year.
    assert_eq!(expected(draft), 8, "a preview");
    let before = (expected(own), subtree(), of_me());
    app.patch("/v1/strategies/draft", json!({"status": "adopted"})).expect(200);
    assert_eq!((expected(own), subtree(), of_me()), (before.0 + 2, before.1 + 8, before.2 + 2));
    assert_eq!(expected(draft), 8);
    app.patch("/v1/strategies/draft", json!({"status": "draft"})).expect(200);
    assert_eq!((expected(own), subtree(), of_me()), before);
}

/// Every path of progress, by what it is about.
fn addresses(app: &App) -> [String; 5] {
    let tree = app.get("/v1/strategies/plan").json();
    let area = &tree["focus_areas"][0];
    [
        "/v1/strategies/plan/progress".to_owned(),
        format!("/v1/focus-areas/{}/progress", text(&area["id"])),
        format!("/v1/actions/{}/progress", text(&area["actions"][0]["id"])),
        "/v1/committees/l1/progress".to_owned(),
        "/v1/me/progress".to_owned(),
    ]
}

fn unchanged_answers_are_not_sent_again(app: &App) {
    app.import(&world()).unwrap();
    let id = action_ids(app).remove("plan/a/half").unwrap();
    let token = token_for(app, "e-two", "med.progress");
    for path in addresses(app) {
        for query in ["", "?on=2024-06-30", "?children=true", "?series=month", "?format=svg"] {
            let path = format!("{path}{query}");
            let request = |method: &str| app.request(method, &path).token(&token);
            let answer = request("GET").send().expect(200);
            let tag = answer.etag();
            assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{path}");
            assert!(tag.starts_with('"'), "{tag} is strong");
            for sent in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
                let again = request("GET").header("if-none-match", &sent).send().expect(304);
                assert_eq!((again.body.len(), again.etag()), (0, tag.clone()), "{path}");
            }
            let again = request("GET").header("if-none-match", "\"other\"").send().expect(200);
            assert_eq!((again.etag(), again.body), (tag.clone(), answer.body), "{path}");
            let head = request("HEAD").send().expect(200);
            assert_eq!((head.body.len(), head.etag()), (0, tag.clone()), "{path}");
            request("HEAD").header("if-none-match", &tag).send().expect(304);

            // Nothing is computed for a client that has the current answer.
            let with_tag = |tag: &str| app.statements(|| drop(request("GET").header("if-none-match", tag).send()));
            let (had, anew) = (with_tag(&tag), with_tag("\"other\""));
            assert!(had <= 3 && had <= anew, "{path}: {had} statements for a 304, {anew} for a 200");

            // After a change, the answer is sent again.
            let body = json!({"committee": "l1", "occurrence": "2024-H1", "stage": "done"});
            report(app, &app.token("med.edit"), &format!("/v1/actions/{id}/reports"), &body).expect(201);
            let changed = request("GET").header("if-none-match", &tag).send().expect(200);
            assert_ne!(changed.etag(), tag, "{path}");
        }
    }
    let path = "/v1/strategies/plan/progress";
    for change in [
        ("/v1/committees/l1", json!({"ends_on": "2024-12-31"})),
        ("/v1/strategies/plan", json!({"title": "Planen"})),
        ("/v1/units/care", json!({"ends_on": "2025-01-31"})),
    ] {
        let tag = app.get(path).etag();
        app.patch(change.0, change.1).expect(200);
        app.request("GET", path).header("if-none-match", &tag).send().expect(200);
    }
}

fn an_etag_covers_everything_that_the_answer_depends_on(app: &App) {
    app.import(&world()).unwrap();
    for path in addresses(app) {
        let tags: Vec<String> =
            ["", "?on=2024-06-30", "?children=true", "?series=month", "?format=svg", "?children=true&limit=1"]
                .iter()
                .flat_map(|query| {
                    ["da", "en"].map(|language| {
                        let request = app.request("GET", &format!("{path}{query}")).header("accept-language", language);
                        request.send().expect(200).etag()
                    })
                })
                .collect();
        assert_eq!(tags.iter().collect::<BTreeSet<_>>().len(), tags.len(), "{path}: {tags:?}");
        let danish = app.request("GET", &path).header("accept-language", "da").send().etag();
        assert_eq!(app.get(&path).etag(), danish, "Danish unless asked otherwise");
        let english = app.request("GET", &path).header("accept-language", "en").header("if-none-match", &danish);
        english.send().expect(200);
    }
    // The same path has a different answer for each person.
    let (two, one) = (mine(app, "e-two", "").expect(200), mine(app, "e-one", "").expect(200));
    assert_ne!(two.json()["expected"], one.json()["expected"]);
    assert_ne!(two.etag(), one.etag());
    let token = token_for(app, "e-one", "med.progress");
    app.request("GET", "/v1/me/progress").token(&token).header("if-none-match", &two.etag()).send().expect(200);
    assert!(two.lists("vary", "authorization"));
    // `on=` today is the same as no `on`.
    let path = "/v1/strategies/plan/progress";
    let (today, named) = (app.get(path), app.get(&format!("{path}?on={}", today())));
    assert_eq!(today.json(), named.json());
}

fn the_scope_progress_is_enough(app: &App) {
    app.import(&world()).unwrap();
    let token = token_for(app, "e-two", "med.progress");
    let get = |token: &str, path: &str| app.request("GET", path).token(token).send();
    for path in addresses(app) {
        for query in ["", "?children=true", "?series=month&on=2025-03-15", "?format=svg"] {
            get(&token, &format!("{path}{query}")).expect(200);
        }
        get(&app.token("med.read"), &path).expect(200);
        for scope in ["med.report", "med.edit", "med.hr", "med.measure", "med.audit"] {
            get(&app.token(scope), &path).expect_problem(403, "insufficient-scope");
        }
        app.request("GET", &path).without_token().send().expect_problem(401, "invalid-token");
    }
    let id = action_ids(app).remove("plan/a/half").unwrap();
    let made = text(&app.list(&format!("/v1/actions/{id}/reports"))[0]["id"]).to_owned();
    for path in [
        format!("/v1/actions/{id}/assignments"),
        "/v1/committees/l1/assignments".to_owned(),
        format!("/v1/actions/{id}/reports"),
        format!("/v1/reports/{made}"),
        "/v1/committees/l1/actions".to_owned(),
        format!("/v1/actions/{id}/local-actions"),
        format!("/v1/actions/{id}"),
        "/v1/strategies/plan".to_owned(),
        "/v1/committees/l1".to_owned(),
    ] {
        get(&token, &path).expect_problem(403, "insufficient-scope");
    }
}

fn progress_names_no_people(app: &App) {
    let mut bundle = world();
    for report in bundle["reports"].as_array_mut().unwrap() {
        report["reported_by"] = json!("e-two");
        report["note"] = json!("Ane Holm siger sin mening");
        report["minutes_url"] = json!("https://intranet.testby.dk/holm");
    }
    app.import(&bundle).unwrap();
    for path in addresses(app) {
        for query in ["?children=true&series=month", "?format=svg"] {
            for scope in ["med.progress", "med.read", "med.admin"] {
                let request = app.request("GET", &format!("{path}{query}"));
                let answer = request.token(&token_for(app, "e-two", scope)).send().expect(200);
                let body = String::from_utf8(answer.body).unwrap().to_lowercase();
                for word in ["holm", "ane ", "lund", "e-two", "e-one", "mening", "intranet.testby"] {
                    assert!(!body.contains(word), "{path}{query} has '{word}': {body}");
                }
            }
        }
    }
    assert_eq!(app.list("/v1/access-log").len(), 0, "nobody's data is shown");
}

/// A plan with many areas, actions and committees, and a report on every assignment.
fn large(areas: usize, actions: usize, committees: usize) -> Value {
    let level = format!("level-{committees}");
    let key = |n: usize| format!("c{committees}-{n}");
    let audience = json!([{"role": "responsible", "level": level}]);
    let of_area = |n: usize| {
        let actions = (0..actions).map(|m| {
            let after: Vec<String> = (0..m.min(20)).map(|first| format!("x{first}")).collect();
            action(
                &format!("x{m}"),
                json!({"audience": audience, "recurrence": (m % 2 == 0).then_some("P6M"), "after": after}),
            )
        });
        area(&format!("a{n}"), actions.collect())
    };
    let plan = format!("plan-{committees}");
    let stages = ["done", "in_progress"];
    let reports = |n: usize| {
        let path = format!("{plan}/a0/x0");
        json!({
            "action": path, "committee": key(n), "occurrence": "2024-H1", "stage": stages[n % 2],
            "reported_at": "2024-03-01T09:00:00Z",
        })
    };
    let top = format!("top-{committees}");
    let mut all = vec![committee(&top, &level, None, [None, None])];
    all.extend((0..committees).map(|n| committee(&key(n), &level, Some(&top), [None, None])));
    json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [{"key": level, "name": "L", "rank": committees}],
        "committees": all,
        "employees": [{"key": format!("e-{committees}"), "name": "E"}],
        "memberships": (0..committees).map(|n| {
            json!({"key": key(n), "committee": key(n), "employee": format!("e-{committees}"), "role": "chair"})
        }).collect::<Vec<_>>(),
        "strategies": [strategy(&plan, "adopted", ("2024-01-01", "2025-12-31"), (0..areas).map(of_area).collect())],
        "reports": (0..committees).map(reports).collect::<Vec<_>>(),
    })
}

fn answers_are_small(app: &App) {
    app.import(&large(10, 12, 120)).unwrap();
    let tree = app.get("/v1/strategies/plan-120").json();
    let area = &tree["focus_areas"][0];
    let token = token_for(app, "e-120", "med.progress");
    for path in [
        "/v1/strategies/plan-120/progress".to_owned(),
        format!("/v1/focus-areas/{}/progress", text(&area["id"])),
        format!("/v1/actions/{}/progress", text(&area["actions"][11]["id"])),
        "/v1/committees/top-120/progress".to_owned(),
        "/v1/me/progress".to_owned(),
    ] {
        for query in ["", "?on=2025-06-30"] {
            let answer = app.request("GET", &format!("{path}{query}")).token(&token).send().expect(200);
            assert!(answer.body.len() < 4096, "{path}{query}: {} bytes", answer.body.len());
        }
        let picture = app.request("GET", &format!("{path}?format=svg")).token(&token).send().expect(200);
        assert!(picture.body.len() < 16_384, "{path}: {} bytes", picture.body.len());
    }
}

fn answers_are_compressed(app: &App) {
    app.import(&world()).unwrap();
    for path in addresses(app) {
        for query in ["?children=true&series=month", "?format=svg"] {
            let request = || app.request("GET", &format!("{path}{query}"));
            let plain = request().send().expect(200);
            let packed = request().header("accept-encoding", "gzip").send().expect(200);
            assert_eq!(packed.header("content-encoding"), Some("gzip"), "{path}{query}");
            assert!(packed.body.len() < plain.body.len() && packed.body.starts_with(&[0x1f, 0x8b]), "{path}{query}");
            assert_eq!((packed.etag(), plain.header("content-encoding")), (plain.etag(), None), "{path}{query}");
            assert!(packed.lists("vary", "accept-encoding"), "{path}{query}");
            let again = request().header("accept-encoding", "gzip").header("if-none-match", &packed.etag());
            assert_eq!(again.send().expect(304).body.len(), 0);
        }
    }
}

/// The elements of a picture by name, with their text. Fails if the SVG is not well-formed.
fn elements(svg: &str) -> Vec<(String, String)> {
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut found = Vec::new();
    let mut rest = svg;
    while let Some(begin) = rest.find('<') {
        let at = svg.len() - rest.len() + begin;
        let end = begin + rest[begin..].find('>').unwrap_or_else(|| panic!("a tag is not closed: {}", &rest[begin..]));
        let tag = &rest[begin + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "an attribute is not closed, or holds a '>': {tag}");
        assert!(!tag.contains('<'), "{tag}");
        let name: String =
            tag.trim_start_matches('/').chars().take_while(|c| !c.is_whitespace() && *c != '/').collect();
        match (tag.starts_with('/'), tag.ends_with('/'), tag.starts_with(['?', '!'])) {
            (_, _, true) => {}
            (true, ..) => {
                let (opened, from) = open.pop().unwrap_or_else(|| panic!("</{name}> closes nothing"));
                assert_eq!(opened, name, "{svg}");
                found.push((name, svg[from..at].to_owned()));
            }
            (_, true, _) => found.push((name, String::new())),
            _ => open.push((name, svg.len() - rest.len() + end + 1)),
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    for (at, _) in svg.match_indices('&') {
        let entity = svg[at + 1..].split(';').next().unwrap();
        let is_known = ["amp", "lt", "gt", "quot", "apos"].contains(&entity) || entity.starts_with('#');
        assert!(is_known, "&{entity} is no entity");
    }
    found
}

fn picture(app: &App, path: &str) -> (Response, String) {
    let answer = app.get(&format!("{path}?format=svg")).expect(200);
    let svg = String::from_utf8(answer.body.clone()).unwrap();
    (answer, svg)
}

fn pictures_are_drawn(app: &App) {
    app.import(&world()).unwrap();
    let me = token_for(app, "e-two", "med.progress");
    for path in addresses(app) {
        let answer = app.request("GET", &format!("{path}?format=svg")).token(&me).send().expect(200);
        assert!(
            answer.header("content-type").unwrap().starts_with("image/svg+xml"),
            "{:?}",
            answer.header("content-type")
        );
        assert!(answer.lists("vary", "authorization") && answer.lists("vary", "accept-language"));
        assert_eq!(answer.header("content-language"), Some("da"));
        let svg = String::from_utf8(answer.body).unwrap();
        let found = elements(&svg);
        assert_eq!(found.last().map(|(name, _)| name.as_str()), Some("svg"), "{svg}");
        for name in ["title", "desc"] {
            assert!(found.iter().any(|(found, text)| found == name && !text.trim().is_empty()), "{name} in {svg}");
        }
        // It has a role and a name for screen readers, supports dark pages, loads nothing, and runs no script.
        for word in ["role=\"img\"", "http://www.w3.org/2000/svg", "prefers-color-scheme"] {
            assert!(svg.contains(word), "{word} in {svg}");
        }
        for word in ["<script", "href", "@import", "onload"] {
            assert!(!svg.contains(word), "{word} in {svg}");
        }
        let json = app.request("GET", &path).token(&me).send().expect(200).json();
        assert!(svg.contains(text(&json["label"])), "{} in {svg}", json["label"]);
        let english = app.request("GET", &format!("{path}?format=svg")).token(&me).header("accept-language", "en");
        let english = english.send().expect(200);
        assert_eq!(english.header("content-language"), Some("en"));
        assert_ne!(String::from_utf8(english.body).unwrap(), svg);
        let plain = app.request("GET", &format!("{path}?format=json")).token(&me).send().expect(200);
        assert_eq!(plain.json(), json);
    }
    // The picture is as of the requested day, and there is one for a plan in which nothing is expected.
    let path = "/v1/strategies/plan/progress";
    let (_, now) = picture(app, path);
    let then = app.get(&format!("{path}?format=svg&on=2024-03-20")).expect(200);
    assert_ne!(String::from_utf8(then.body).unwrap(), now);
    let before = app.get(&format!("{path}?format=svg&on=2023-12-31")).expect(200);
    elements(&String::from_utf8(before.body).unwrap());
    // A report changes the picture.
    let id = action_ids(app).remove("plan/b/after").unwrap();
    let body = json!({"committee": "m1", "stage": "dropped"});
    report(app, &app.token("med.edit"), &format!("/v1/actions/{id}/reports"), &body).expect(201);
    assert_ne!(picture(app, path).1, now);
}

fn pictures_hold_text_as_text(app: &App) {
    let hostile = "</title><script>alert('1')</script> \"A\" & <b>B</b> ]]>";
    let mut bundle = world();
    bundle["strategies"][0]["title"] = json!(hostile);
    bundle["strategies"][0]["focus_areas"][0]["title"] = json!(hostile);
    bundle["strategies"][0]["focus_areas"][0]["actions"][0]["title"] = json!(hostile);
    let l1 = bundle["committees"].as_array_mut().unwrap().iter_mut().find(|row| row["key"] == "l1").unwrap();
    l1["name"] = json!(hostile);
    app.import(&bundle).unwrap();
    for path in addresses(app) {
        let (_, svg) = picture(app, &path);
        let found = elements(&svg);
        assert!(found.iter().all(|(name, _)| name != "script" && name != "b"), "{svg}");
        if !path.contains("/me/") {
            let title = &found.iter().find(|(name, _)| name == "title").unwrap().1;
            assert!(title.contains("&lt;script") && title.contains("&amp;"), "{title}");
        }
    }
}

fn wrong_queries_are_refused(app: &App) {
    app.import(&world()).unwrap();
    let in_twenty_years = today() + Months::new(240);
    let beyond = format!("on={}", in_twenty_years + TimeDelta::days(2));
    for path in addresses(app) {
        for right in
            ["on=1990-01-01".to_owned(), format!("on={in_twenty_years}"), "children=false&format=json&limit=200".into()]
        {
            app.get(&format!("{path}?{right}")).expect(200);
        }
        for wrong in [
            "on=1989-12-31",
            "on=9999-12-31",
            beyond.as_str(),
            "on=2024-02-30",
            "on=2024",
            "on=",
            "children=maybe",
            "children=",
            "series=week",
            "format=png",
            "format=csv",
            "children=true&limit=0",
            "children=true&limit=201",
            "children=true&cursor=x",
            "on=2024-01-01&on=2024-01-02",
            "level=local",
        ] {
            app.get(&format!("{path}?{wrong}")).expect_problem(400, "invalid-query");
        }
    }
}

/// At most a dozen statements.
const MOST: u64 = 12;

fn statements_do_not_depend_on_the_size_of_the_plan(app: &App) {
    app.import(&large(2, 2, 3)).unwrap();
    app.import(&large(12, 10, 150)).unwrap();
    let parts = |committees: usize| {
        let plan = format!("/v1/strategies/plan-{committees}");
        let tree = app.get(&plan).json();
        let area = format!("/v1/focus-areas/{}", text(&tree["focus_areas"][0]["id"]));
        let action = format!("/v1/actions/{}", text(&tree["focus_areas"][0]["actions"][0]["id"]));
        [plan, area, action]
    };
    let cost = |path: &str| app.statements(|| drop(app.get(path).expect(200)));
    for (small, large) in parts(3).iter().zip(&parts(150)) {
        for query in ["", "?on=2024-08-01", "?children=true&limit=200", "?format=svg", "?series=month&on=2025-12-31"] {
            let (of_small, of_large) =
                (cost(&format!("{small}/progress{query}")), cost(&format!("{large}/progress{query}")));
            assert_eq!(of_small, of_large, "{small}{query}");
            assert!(
                query.contains("series") || (1..=MOST).contains(&of_large),
                "{small}{query}: {of_large} statements"
            );
        }
    }
    let ([_, _, small], [_, _, large]) = (parts(3), parts(150));
    for list in ["assignments", "reports", "local-actions"] {
        let (of_small, of_large) =
            (cost(&format!("{small}/{list}?limit=200")), cost(&format!("{large}/{list}?limit=200")));
        assert_eq!(of_small, of_large, "{list}");
        assert!((1..=MOST).contains(&of_large), "{list}: {of_large} statements");
    }
    let (few, many) = (cost("/v1/actions?overdue=true&limit=2"), cost("/v1/actions?overdue=true&limit=200"));
    assert_eq!(few, many);
    assert!((1..=MOST).contains(&many), "{many} statements");
    // A report takes as many statements in a large plan as in a small one.
    let editor = app.token("med.edit");
    let tell = |action: &str, committee: &str| {
        let body = json!({"committee": committee, "occurrence": "2024-H2", "stage": "done"});
        app.statements(|| drop(report(app, &editor, &format!("{action}/reports"), &body).expect(201)))
    };
    // The first reports create rows that later ones update.
    tell(&small, "c3-0");
    tell(&large, "c150-0");
    assert_eq!(tell(&small, "c3-1"), tell(&large, "c150-7"));
}

fn statements_do_not_depend_on_the_number_of_committees(app: &App) {
    app.import(&large(2, 2, 3)).unwrap();
    app.import(&large(12, 10, 150)).unwrap();
    let cost = |path: &str| app.statements(|| drop(app.get(path).expect(200)));
    for query in ["", "?on=2024-08-01", "?children=true&limit=200", "?series=month&on=2025-12-31"] {
        let of_top = |committees: usize| cost(&format!("/v1/committees/top-{committees}/progress{query}"));
        assert_eq!(of_top(3), of_top(150), "{query}");
        assert!(query.contains("series") || of_top(150) <= MOST, "{query}: {} statements", of_top(150));
        let of_me = |committees: usize| {
            let token = token_for(app, &format!("e-{committees}"), "med.progress");
            let request = || app.request("GET", &format!("/v1/me/progress{query}")).token(&token);
            app.statements(|| drop(request().send().expect(200)))
        };
        assert_eq!(of_me(3), of_me(150), "{query}");
        assert!(query.contains("series") || of_me(150) <= MOST, "{query}: {} statements", of_me(150));
    }
    let of_one = |key: &str| cost(&format!("/v1/committees/{key}/assignments?limit=200"));
    assert_eq!(of_one("c3-0"), of_one("c150-0"));
}

fn a_series_begins_at_the_earliest_supported_day(app: &App) {
    let mut bundle = world();
    let long_ago = ("0202-01-01", "2025-12-31");
    let old = action("old", json!({"starts_on": long_ago.0}));
    bundle["strategies"] = json!([
        strategy("ancient", "closed", long_ago, vec![area("a", vec![action("once", json!({}))])]),
        strategy("plan", "adopted", ("2024-01-01", "2025-12-31"), vec![area("a", vec![old])]),
    ]);
    bundle["local_actions"] = json!([]);
    bundle["reports"] = json!([
        {"action": "ancient/a/once", "committee": "l1", "stage": "done", "reported_at": "2024-03-01T09:00:00Z"},
        {"action": "plan/a/old", "committee": "l2", "stage": "in_progress", "reported_at": "2024-03-01T09:00:00Z"},
    ]);
    app.import(&bundle).unwrap();
    let ids = action_ids(app);
    let tree = app.get("/v1/strategies/ancient").json();
    for path in [
        "/v1/strategies/ancient/progress".to_owned(),
        format!("/v1/focus-areas/{}/progress", text(&tree["focus_areas"][0]["id"])),
        format!("/v1/actions/{}/progress", ids["ancient/a/once"]),
        format!("/v1/actions/{}/progress", ids["plan/a/old"]),
    ] {
        let told = points(app, &path, "2024-06-30");
        assert_eq!(told[0]["on"], "1990-01-31", "{path}");
        assert_eq!(told.len(), (2024 - 1990) * 12 + 6, "{path}");
        assert!(told.iter().all(|point| point["expected"].as_i64().unwrap() > 0), "{path}: it began long before");
        assert_eq!(points(app, &path, "1990-01-01").len(), 1, "{path}");
        let today = app.get(&format!("{path}?series=month")).expect(200).json();
        let told = today["series"].as_array().unwrap();
        assert!(told.len() < 500, "{path}: {} points", told.len());
        assert_eq!(told[0]["on"], "1990-01-31", "{path}");
    }
}

fn a_cancelled_forerunner_is_not_waited_for(app: &App) {
    let mut bundle = world();
    let until = format!("{}-12-31", today().year() + 1);
    let actions = vec![action("first", json!({})), action("second", json!({"after": ["first"]}))];
    bundle["strategies"] = json!([strategy("plan", "adopted", ("2024-01-01", &until), vec![area("a", actions)])]);
    bundle["local_actions"] = json!([]);
    bundle["reports"] = json!([
        {"action": "plan/a/second", "committee": "l1", "stage": "in_progress", "reported_at": "2024-03-01T09:00:00Z"},
    ]);
    app.import(&bundle).unwrap();
    let ids = action_ids(app);
    let first = format!("/v1/actions/{}", ids["plan/a/first"]);
    let is_ahead = |on: NaiveDate| -> bool {
        let told = app.get(&format!("/v1/actions/{}/progress?on={on}", ids["plan/a/second"])).expect(200).json();
        let forerunner =
            json!({"id": ids["plan/a/first"], "path": "plan/a/first", "title": "Handling first", "is_done": false});
        assert_eq!(told["forerunners"], json!([forerunner]), "given up is not done: {on}");
        told["is_ahead_of_forerunner"].as_bool().unwrap()
    };
    assert!(!is_ahead(day("2024-02-29")) && is_ahead(day("2024-03-01")) && is_ahead(today()));
    for from in [day("2024-03-10"), today(), today() + TimeDelta::days(1)] {
        let given_up = json!({"cancelled_on": from, "cancelled_reason": "Udgik."});
        app.patch(&first, given_up).expect(200);
        assert!(is_ahead(from - TimeDelta::days(1)), "until {from}");
        assert!(!is_ahead(from), "from {from} on");
        assert!(!is_ahead(from + TimeDelta::days(30)), "from {from} on");
    }
    app.patch(&first, json!({"cancelled_on": null, "cancelled_reason": null})).expect(200);
    assert!(is_ahead(today()));
}

fn an_etag_is_personal(app: &App) {
    app.import(&world()).unwrap();
    // The last two have no seat and get equal answers.
    let people = ["e-two", "e-one", "e-none", "e-past"];
    for query in ["", "?on=2024-06-30", "?children=true", "?series=month", "?format=svg"] {
        let answers = people.map(|person| mine(app, person, query).expect(200));
        assert_eq!(answers[2].body, answers[3].body, "{query}");
        let tags = answers.each_ref().map(Response::etag);
        assert_eq!(tags.iter().collect::<BTreeSet<_>>().len(), people.len(), "{query}: {tags:?}");
        for (person, (tag, answer)) in people.iter().zip(tags.iter().zip(&answers)) {
            let with_tags = |sent: &str| {
                let request = app.request("GET", &format!("/v1/me/progress{query}"));
                request.token(&token_for(app, person, "med.progress")).header("if-none-match", sent).send()
            };
            let others: Vec<&str> = tags.iter().filter(|other| *other != tag).map(String::as_str).collect();
            let weak: Vec<String> = others.iter().map(|other| format!("W/{other}")).collect();
            for sent in [others.join(", "), weak.join(", ")] {
                let told = with_tags(&sent).expect(200);
                assert_eq!((&told.etag(), &told.body), (tag, &answer.body), "{person}{query}");
            }
            with_tags(tag).expect(304);
        }
    }
}
