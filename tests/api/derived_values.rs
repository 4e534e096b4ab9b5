//! Derived values: aggregates over units, and coverage computed from reports.

use serde_json::{Value, json};

use crate::harness::{App, HERE};
use crate::indicators::{create, indicator, measure};
use crate::reports::with;
use crate::values::begin;

crate::tests![
    sums_say_how_many_units_they_cover,
    means_are_weighted_by_people,
    a_units_own_value_wins,
    groups_and_periods_are_aggregated_separately,
    aggregates_follow_the_tree,
    coverage_of_a_recurring_action_follows_from_reports,
    coverage_of_a_single_action_counts_until_the_end_of_the_period,
    values_of_computed_indicators_are_refused,
    a_page_is_sent_back_as_it_was_answered,
    a_page_of_computed_values_is_sent_back_and_stores_nothing,
    a_page_with_outdated_or_foreign_fields_is_refused,
];

/// Aggregates: unit, value, count, and how many of how many workplaces have a value.
fn aggregates(app: &App, query: &str) -> Vec<(String, Value, Value, Value, Value)> {
    let items = app.list(&format!("/v1/indicators/i/values?{query}"));
    let part = |item: &Value, name: &str| item[name].clone();
    let told = |item: &Value| {
        let unit = item["unit"].as_str().unwrap_or("-").to_owned();
        (unit, part(item, "value"), part(item, "count"), part(item, "units_with_value"), part(item, "units"))
    };
    items.iter().filter(|item| item["is_aggregated"] == true).map(told).collect()
}

fn aggregate(
    unit: &str,
    value: f64,
    count: impl Into<Value>,
    [with_value, units]: [usize; 2],
) -> (String, Value, Value, Value, Value) {
    let value = if value.fract() == 0.0 { json!(value as i64) } else { json!(value) };
    (unit.to_owned(), value, count.into(), json!(with_value), json!(units))
}

fn row(unit: &str, value: f64, count: impl Into<Value>) -> Value {
    json!({"period": "2024", "unit": unit, "value": value, "count": count.into()})
}

fn sums_say_how_many_units_they_cover(app: &App) {
    begin(app, json!({"aggregation": "sum"}));
    measure(app, "i", json!([row("n1", 3.0, 10), row("s1", 5.25, 8)]));
    let found = [
        aggregate("-", 8.25, 18, [2, 4]),
        aggregate("centre", 8.25, 18, [2, 3]),
        aggregate("north", 3.0, 10, [1, 2]),
        aggregate("south", 5.25, 8, [1, 1]),
    ];
    assert_eq!(aggregates(app, ""), found);
    measure(
        app,
        "i",
        json!([with(row("n2", 4.0, json!(null)), json!({"is_provisional": true})), row("alone", 1.0, 2)]),
    );
    let found = [
        aggregate("-", 13.25, json!(null), [4, 4]),
        aggregate("centre", 12.25, json!(null), [3, 3]),
        aggregate("north", 7.0, json!(null), [2, 2]),
        aggregate("south", 5.25, 8, [1, 1]),
    ];
    assert_eq!(aggregates(app, ""), found, "how many people it is about, nobody knows");
    let items = app.list("/v1/indicators/i/values");
    let provisional = items.iter().filter(|item| item["is_provisional"] == true);
    let provisional: Vec<&Value> = provisional.map(|item| &item["unit"]).collect();
    assert_eq!(provisional, [&json!(null), &json!("centre"), &json!("n2"), &json!("north")]);
    for (query, units) in [
        ("unit=north", vec!["north"]),
        ("unit=", vec!["-"]),
        ("unit=centre&subtree=true", vec!["centre", "north", "south"]),
        ("group=&from=2024&to=2024", vec!["-", "centre", "north", "south"]),
        ("unit=n1", vec![]),
        ("from=2025", vec![]),
        ("group=laerere", vec![]),
        ("aggregates=false", vec![]),
    ] {
        let found: Vec<String> = aggregates(app, query).into_iter().map(|(unit, ..)| unit).collect();
        assert_eq!(found, units, "{query}");
    }
    // A removed value is missing from the aggregates too.
    measure(app, "i", json!([row("s1", 1.0, 1), {"period": "2024", "unit": "n2", "value": null}]));
    assert_eq!(aggregates(app, "unit=centre"), [aggregate("centre", 4.0, 11, [2, 3])]);
    app.patch("/v1/indicators/i", json!({"aggregation": "none"})).expect(200);
    assert_eq!(aggregates(app, ""), []);
}

fn means_are_weighted_by_people(app: &App) {
    begin(app, json!({"aggregation": "mean"}));
    measure(
        app,
        "i",
        json!([row("n1", 10.0, 30), row("n2", 20.0, 10), row("s1", 99.0, json!(null)), row("alone", 50.0, 0)]),
    );
    let found =
        [aggregate("-", 12.5, 40, [2, 4]), aggregate("centre", 12.5, 40, [2, 3]), aggregate("north", 12.5, 40, [2, 2])];
    assert_eq!(aggregates(app, ""), found, "what doesn't say about how many it is has no weight");
    measure(app, "i", json!([row("s1", 2.5, 60)]));
    let found = [aggregate("-", 6.5, 100, [3, 4]), aggregate("centre", 6.5, 100, [3, 3])];
    assert_eq!(aggregates(app, "")[..2], found);
}

fn a_units_own_value_wins(app: &App) {
    begin(app, json!({"aggregation": "sum"}));
    measure(app, "i", json!([row("n1", 3.0, 10), row("s1", 5.0, 8), row("north", 100.0, 50), row("alone", 1.0, 1)]));
    let found =
        [aggregate("-", 106.0, 59, [4, 4]), aggregate("centre", 105.0, 58, [3, 3]), aggregate("south", 5.0, 8, [1, 1])];
    assert_eq!(aggregates(app, ""), found, "for itself and for all above");
    measure(app, "i", json!([{"period": "2024", "value": 7}]));
    assert_eq!(aggregates(app, ""), found[1..]);
    let whole = app.list("/v1/indicators/i/values?unit=");
    assert_eq!((whole.len(), &whole[0]["value"], &whole[0]["is_aggregated"]), (1, &json!(7), &json!(false)));
    measure(app, "i", json!([{"period": "2024", "value": null}, {"period": "2024", "unit": "north", "value": null}]));
    let found = [aggregate("-", 9.0, 19, [3, 4]), aggregate("centre", 8.0, 18, [2, 3])];
    assert_eq!(aggregates(app, "")[..2], found, "what it stood for is told from below again");
}

fn groups_and_periods_are_aggregated_separately(app: &App) {
    begin(app, json!({"aggregation": "sum"}));
    let of = |fields: Value| with(row("n1", 2.0, 4), fields);
    let teachers = json!({"group": "laerere"});
    measure(
        app,
        "i",
        json!([of(json!({})), of(teachers.clone()), with(row("n2", 3.0, 5), teachers), of(json!({"period": "2025"}))]),
    );
    assert_eq!(
        aggregates(app, "unit=north&group="),
        [aggregate("north", 2.0, 4, [1, 2]), aggregate("north", 2.0, 4, [1, 2])]
    );
    assert_eq!(aggregates(app, "unit=north&group=laerere"), [aggregate("north", 5.0, 9, [2, 2])]);
    assert_eq!(aggregates(app, "unit=north&from=2025"), [aggregate("north", 2.0, 4, [1, 2])]);
}

fn aggregates_follow_the_tree(app: &App) {
    begin(app, json!({"aggregation": "sum"}));
    measure(app, "i", json!([row("n1", 3.0, 10), row("s1", 5.0, 8)]));
    assert_eq!(aggregates(app, "unit=centre"), [aggregate("centre", 8.0, 18, [2, 3])]);
    // A unit that closed before the period's last day is not expected; one that closed later is.
    for (last_day, covers) in [("2024-12-30", [2, 2]), ("2024-12-31", [2, 3])] {
        app.patch("/v1/units/n2", json!({"ends_on": last_day})).expect(200);
        assert_eq!(aggregates(app, "unit=centre"), [aggregate("centre", 8.0, 18, covers)], "{last_day}");
    }
    app.patch("/v1/units/n1", json!({"parent": "south"})).expect(200);
    assert_eq!(aggregates(app, "unit=south"), [aggregate("south", 8.0, 18, [2, 2])]);
    assert_eq!(aggregates(app, "unit=north"), []);
}

/// A running plan and four local committees, of which one starts and one ends in 2024.
fn committees() -> Value {
    let committee = |key: &str, level: &str, days: [Option<&str>; 2]| {
        let row = json!({"key": key, "name": key, "level": level, "form": "committee"});
        with(row, json!({"starts_on": days[0], "ends_on": days[1]}))
    };
    let everyone = json!([{"role": "responsible", "level": "local"}]);
    let action = |key: &str, recurrence: Option<&str>| {
        let row = json!({"key": key, "title": key, "kind": "discussion", "audience": everyone});
        with(row, json!({"recurrence": recurrence}))
    };
    json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [{"key": "top", "name": "Top", "rank": 1}, {"key": "local", "name": "Lokal", "rank": 2}],
        "committees": [
            committee("t", "top", [None, None]), committee("l1", "local", [None, None]),
            committee("l2", "local", [None, None]), committee("l3", "local", [Some("2024-07-01"), None]),
            committee("l4", "local", [None, Some("2024-03-31")]),
        ],
        "strategies": [{
            "key": "plan", "title": "Plan", "kind": "plan", "status": "adopted", "starts_on": "2024-01-01",
            "focus_areas": [{
                "key": "a", "title": "A", "actions": [action("often", Some("P6M")), action("once", None)],
            }],
        }],
    })
}

/// Imports reports: committee, occurrence, stage and day.
fn report(app: &App, action: &str, told: &[(&str, Option<&str>, &str, &str)]) {
    let one = |(committee, occurrence, stage, day): &(&str, Option<&str>, &str, &str)| {
        json!({
            "action": action, "committee": committee, "occurrence": occurrence, "stage": stage,
            "reported_at": format!("{day}T09:00:00Z"),
        })
    };
    let reports: Vec<Value> = told.iter().map(one).collect();
    app.post("/v1/import", json!({"municipality": committees()["municipality"], "reports": reports})).expect(200);
}

fn cover(app: &App, key: &str, action: &str, frequency: &str) {
    let counted =
        json!({"method": "computed", "coverage_of": action, "coverage_level": "local", "frequency": frequency});
    create(app, indicator(key, counted));
}

/// Period, share and number of committees, for the periods until the end of 2025.
fn covered(app: &App, key: &str) -> Vec<(String, f64, i64)> {
    let told = |item: &Value| {
        let (share, expected) = (item["value"].as_f64().unwrap(), item["count"].as_i64().unwrap());
        assert!(item["unit"].is_null() && item["group"].is_null() && item["is_aggregated"] == false, "{item}");
        // Rounded to seven digits.
        let done = (share * expected as f64 * 1e5).round() / 1e7;
        (item["period"].as_str().unwrap().to_owned(), done, expected)
    };
    app.list(&format!("/v1/indicators/{key}/values?to=2025")).iter().map(told).collect()
}

fn own(rows: &[(&str, f64, i64)]) -> Vec<(String, f64, i64)> {
    rows.iter().map(|(period, done, expected)| ((*period).to_owned(), *done, *expected)).collect()
}

fn coverage_of_a_recurring_action_follows_from_reports(app: &App) {
    app.import(&committees()).unwrap();
    cover(app, "halves", "plan/a/often", "half_year");
    cover(app, "years", "plan/a/often", "year");
    report(
        app,
        "plan/a/often",
        &[
            ("l4", Some("2024-H1"), "done", "2024-03-01"),
            ("l1", Some("2024-H1"), "done", "2024-05-02"),
            ("l2", Some("2024-H1"), "in_progress", "2024-06-02"),
            ("l1", Some("2024-H2"), "done", "2024-12-02"),
            ("l3", Some("2024-H2"), "done", "2024-12-03"),
            ("l2", Some("2025-H1"), "done", "2025-03-01"),
            ("l2", Some("2025-H1"), "dropped", "2025-04-01"),
            ("l1", Some("2025-H2"), "done", "2025-08-01"),
            ("l2", Some("2025-H2"), "done", "2025-08-02"),
            ("l3", Some("2025-H2"), "done", "2025-08-03"),
        ],
    );
    let halves = [("2024-H1", 1.0, 2), ("2024-H2", 2.0, 3), ("2025-H1", 0.0, 3), ("2025-H2", 3.0, 3)];
    assert_eq!(covered(app, "halves"), own(&halves));
    assert_eq!(covered(app, "years"), own(&[("2024", 3.0, 5), ("2025", 3.0, 6)]));
    report(app, "plan/a/often", &[("l2", Some("2024-H1"), "done", "2024-06-30")]);
    assert_eq!(covered(app, "halves")[0], own(&[("2024-H1", 2.0, 2)])[0]);
    assert_eq!(covered(app, "years")[0], own(&[("2024", 4.0, 5)])[0]);
    let of = |query: &str| app.list(&format!("/v1/indicators/halves/values?{query}"));
    assert_eq!(of("from=2024-H2&to=2024-H2&unit=&group=").len(), 1);
    let last = of("").pop().unwrap();
    assert_eq!(last["is_provisional"], true, "the running half-year goes on: {last}");
    assert!(of("to=2025").iter().all(|item| item["is_provisional"] == false));
    for query in ["aggregates=false", "group=laerere"] {
        assert_eq!(of(query), Vec::<serde_json::Value>::new(), "{query}");
    }
    let (all, alone) =
        (app.list("/v1/values?indicator=halves,years"), [of(""), app.list("/v1/indicators/years/values")]);
    assert_eq!(all, alone.concat());
    assert_eq!(app.list("/v1/values?indicator=halves,years&unit="), all);
}

fn coverage_of_a_single_action_counts_until_the_end_of_the_period(app: &App) {
    app.import(&committees()).unwrap();
    cover(app, "halves", "plan/a/once", "half_year");
    cover(app, "years", "plan/a/once", "year");
    cover(app, "biennia", "plan/a/once", "biennium");
    report(
        app,
        "plan/a/once",
        &[
            ("l1", None, "done", "2024-06-30"),
            ("l2", None, "done", "2024-07-01"),
            ("l3", None, "in_progress", "2024-08-01"),
            ("l2", None, "in_progress", "2025-02-01"),
            ("l3", None, "done", "2025-07-01"),
        ],
    );
    let halves = [("2024-H1", 1.0, 2), ("2024-H2", 2.0, 3), ("2025-H1", 1.0, 3), ("2025-H2", 2.0, 3)];
    assert_eq!(covered(app, "halves"), own(&halves));
    assert_eq!(covered(app, "years"), own(&[("2024", 2.0, 3), ("2025", 2.0, 3)]));
    assert_eq!(covered(app, "biennia"), own(&[("2024", 2.0, 3)]));
}

fn values_of_computed_indicators_are_refused(app: &App) {
    app.import(&committees()).unwrap();
    cover(app, "i", "plan/a/often", "year");
    app.patch("/v1/indicators/i", json!({"benchmarks": [{"key": "region", "name": "Regionen"}]})).expect(200);
    let before = (app.changes(), app.list("/v1/indicators/i/values"));
    let values = json!({"values": [{"period": "2024", "value": 1}, {"period": "2023", "value": null}]});
    app.put_new("/v1/indicators/i/values", values).expect_errors(&["/values/0", "/values/1"]);
    let table = app.request("PUT", "/v1/indicators/i/values").header("content-type", "text/csv");
    table.bytes("period,value\n2024,1\n").send().expect_errors(&["/values/0"]);
    assert_eq!((app.changes(), app.list("/v1/indicators/i/values")), before);
    // Benchmarks of computed indicators are written by clients.
    let others = json!({"values": [{"period": "2024", "value": 62.5}]});
    app.put_new("/v1/indicators/i/benchmarks/region/values", others).expect(200);
    assert_eq!(app.list("/v1/indicators/i/benchmarks/region/values").len(), 1);
    assert_eq!(app.list("/v1/indicators/i/values"), before.1);
}

const VALUES: &str = "/v1/indicators/i/values";

fn counts(app: &App, address: &str, page: &Value) -> [i64; 4] {
    let counts = app.put_new(address, page.clone()).expect(200).json();
    ["created", "updated", "unchanged", "removed"].map(|name| counts[name].as_i64().unwrap())
}

fn a_page_is_sent_back_as_it_was_answered(app: &App) {
    begin(app, json!({"aggregation": "sum", "benchmarks": [{"key": "region", "name": "Regionen"}]}));
    let noted = json!({"note": "Uden barns sygedag", "is_provisional": true, "group": "laerere"});
    measure(app, "i", json!([row("n1", 3.25, 10), row("s1", 5.0, json!(null)), with(row("n1", 1.0, 4), noted)]));
    let mut page = app.get(VALUES).json();
    assert!(page["items"].as_array().unwrap().iter().any(|item| item["is_aggregated"] == true));
    let before = app.changes();
    assert_eq!(counts(app, VALUES, &page), [0, 0, 3, 0]);
    assert_eq!((app.changes(), app.get(VALUES).json()), (before, page.clone()), "nothing is written");
    let own = |item: &&mut Value| item["unit"] == "n1" && item["group"] == json!(null);
    page["items"].as_array_mut().unwrap().iter_mut().find(own).unwrap()["value"] = json!(4);
    assert_eq!(counts(app, VALUES, &page), [0, 1, 2, 0], "what was changed in it is stored");
    assert_eq!(aggregates(app, "unit=north&group="), [aggregate("north", 4.0, 10, [1, 2])]);
    let first = app.get(&format!("{VALUES}?limit=2")).json();
    assert!(first["next"].is_string());
    app.put_new(VALUES, first).expect(200);
    let others = "/v1/indicators/i/benchmarks/region/values";
    app.put_new(others, json!({"values": [{"period": "2024", "value": 62.5}]})).expect(200);
    assert_eq!(counts(app, others, &app.get(others).json()), [0, 0, 1, 0]);
}

fn a_page_of_computed_values_is_sent_back_and_stores_nothing(app: &App) {
    app.import(&committees()).unwrap();
    cover(app, "i", "plan/a/once", "year");
    report(app, "plan/a/once", &[("l1", None, "done", "2024-06-30")]);
    let page = app.get(VALUES).json();
    assert!(!page["items"].as_array().unwrap().is_empty());
    let before = app.changes();
    assert_eq!(counts(app, VALUES, &page), [0, 0, 0, 0]);
    let mut changed = page.clone();
    changed["items"][0]["value"] = json!(1);
    app.put_new(VALUES, changed).expect_errors(&["/items/0/value"]);
    assert_eq!((app.changes(), app.get(VALUES).json()), (before, page));
}

fn a_page_with_outdated_or_foreign_fields_is_refused(app: &App) {
    begin(app, json!({"aggregation": "sum"}));
    measure(app, "i", json!([row("n1", 3.0, 10)]));
    let page = app.get(VALUES).json();
    let units: Vec<&str> =
        page["items"].as_array().unwrap().iter().map(|item| item["unit"].as_str().unwrap_or("-")).collect();
    assert_eq!(units, ["-", "centre", "n1", "north"]);
    let before = (app.changes(), page.clone());
    for (pointer, value) in [
        ("/indicator/title", json!("Noget andet")),
        ("/indicator/id", json!("0193a5b0-6c1e-7d3a-9f5e-2b8c4d6e8f01")),
        ("/items/0/value", json!(4)),
        ("/items/1/units", json!(2)),
        ("/items/2/is_suppressed", json!(true)),
        ("/items/2/units", json!(1)),
        ("/items/2/indicator", json!("trivsel")),
        ("/items/2/benchmark", json!("region")),
        ("/items/2/unit", json!("nowhere")),
        ("/items/2/note", json!("Kun 0101011234")),
        ("/items/3/count", json!(null)),
    ] {
        let mut changed = page.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        app.put_new(VALUES, changed).expect_errors(&[pointer]);
    }
    let mut both = page.clone();
    both["values"] = json!([]);
    app.put_new(VALUES, both).expect_errors(&["/items"]);
    assert_eq!((app.changes(), app.get(VALUES).json()), before, "nothing is stored");
    measure(app, "i", json!([row("n2", 1.0, 1)]));
    let stale = ["/indicator/values_updated_at", "/items/0/value", "/items/1/value", "/items/3/value"];
    app.put_new(VALUES, page).expect_errors(&stale);
}
