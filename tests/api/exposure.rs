//! Hidden values stay hidden: no answer shows them, they can't be computed from all that readers see, and a change
//! does not expose them for a moment.

mod attacker;
mod changes;
mod forms;
mod town;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::changes::{
    hidden_numbers_leave_no_trace, hiding_follows_every_change_at_once, only_the_scope_measure_shows_hidden_values,
};
use self::forms::{Caller, Cell, Place, View, numbers_in, with};
use self::town::{Draw, Found, INDICATORS, Town, hidden_numbers};
use crate::harness::{App, HERE};

crate::tests![
    all_formats_hide_the_same_cells,
    hidden_values_can_not_be_computed,
    groups_of_only_some_units_hide_nothing,
    verdicts_and_progress_use_what_the_reader_sees,
    hidden_numbers_leave_no_trace,
    hiding_follows_every_change_at_once,
    only_the_scope_measure_shows_hidden_values,
];

const EVERYTHING: &str = "/v1/values?limit=10000";

/// The cells as holders of `med.measure` see them, and as readers see them.
fn both(town: &Town) -> (View, View) {
    let (all, shown) = (town.caller("med.measure").list(EVERYTHING), town.caller("med.read").list(EVERYTHING));
    assert_eq!(all.keys().collect::<Vec<_>>(), shown.keys().collect::<Vec<_>>());
    for (place, cell) in &all {
        assert!(!cell.is_suppressed && cell.value.is_some(), "{place:?}: {cell:?}");
        let Cell { is_aggregated, covers, .. } = *cell;
        let (value, count, note) = (None, None, None);
        let hidden = Cell { value, count, is_provisional: false, is_suppressed: true, is_aggregated, covers, note };
        assert!(shown[place] == *cell || shown[place] == hidden, "{place:?}: {:?}", shown[place]);
    }
    (all, shown)
}

/// The smallest visible group of each indicator: its own `min_group` or the municipality's, whichever is larger.
fn least(town: &Town) -> BTreeMap<String, i64> {
    let reader = town.caller("med.read");
    let floor = reader.json("/v1/municipality")["min_group"].as_i64().unwrap();
    let of_one = |(key, _): &(&str, &str)| {
        let own = reader.json(&format!("/v1/indicators/{key}"))["min_group"].as_i64().unwrap();
        let head = reader.json(&format!("/v1/indicators/{key}/values?limit=1"))["indicator"]["min_group"].as_i64();
        assert_eq!(head, Some(own.max(floor)), "{key}");
        ((*key).to_owned(), own.max(floor))
    };
    INDICATORS.iter().map(of_one).collect()
}

type Takes = dyn Fn(&Place, &Cell) -> bool;

/// A query, and the predicate for the cells that it selects.
struct Question {
    query: String,
    takes: Box<Takes>,
}

fn question(query: impl Into<String>, takes: impl Fn(&Place, &Cell) -> bool + 'static) -> Question {
    Question { query: query.into(), takes: Box::new(takes) }
}

fn questions(town: &Town, draw: &mut Draw) -> Vec<Question> {
    let mut questions = vec![
        question("", |_, _| true),
        question("aggregates=false", |_, cell| !cell.is_aggregated),
        question("aggregates=true&from=2023&to=2023", |place, _| place[1].starts_with("2023")),
        question("from=2024-Q3", |place, _| matches!(place[1].as_str(), "2024-Q3" | "2024-Q4")),
        question("unit=", |place, _| place[2].is_empty()),
        question("unit=&subtree=true", |_, _| true),
        question("unit=&group=", |place, _| place[2].is_empty() && place[3].is_empty()),
    ];
    for group in 0..=3 {
        let key = Town::group_key(group);
        questions.push(question(format!("group={key}"), move |place, _| place[3] == key));
    }
    for (n, unit) in town.units.iter().enumerate().skip(1) {
        let (key, group, below) = (unit.clone(), Town::group_key(town.draw_spot(draw).1), town.subtree(n));
        match draw.below(3) {
            0 => questions.push(question(format!("unit={unit}&group={group}"), move |place, _| {
                place[2] == key && place[3] == group
            })),
            1 => questions.push(question(format!("unit={unit}&aggregates=false"), move |place, cell| {
                place[2] == key && !cell.is_aggregated
            })),
            _ => questions.push(question(format!("unit={unit}"), move |place, _| place[2] == key)),
        }
        if below.len() > 1 {
            questions.push(question(format!("unit={unit}&subtree=true"), move |place, _| below.contains(&place[2])));
        }
    }
    questions
}

fn all_formats_hide_the_same_cells(app: &App) {
    for number in 0..2 {
        let mut draw = Draw::new(number);
        let town = Town::found(app, &format!("by{number}"), &mut draw);
        let (all, shown) = both(&town);
        let hidden = hidden_numbers(&all, &shown);
        assert!(hidden.len() > 2 && shown.values().any(|cell| !cell.is_suppressed), "{shown:?}");
        let reader = silent(&town, &all, &shown);
        (0..3).for_each(|form| check_form(&reader, form, "/v1/values", &shown));
        for Question { query, takes } in questions(&town, &mut draw) {
            let asked: View = shown.iter().filter(|(place, cell)| takes(place, cell)).map(owned).collect();
            match draw.below(4) {
                0 => check_forms(&reader, &mut draw, &with("/v1/values", &query), &asked),
                1 => check_latest(&reader, &query, &asked),
                _ => {
                    let one = draw.one(&INDICATORS).0;
                    let of_one = asked.iter().filter(|(place, _)| place[0] == one).map(owned).collect();
                    check_forms(&reader, &mut draw, &with(&format!("/v1/indicators/{one}/values"), &query), &of_one);
                }
            }
        }
        check_pictures(&town, &mut draw, &shown, &hidden);
    }
}

fn owned((place, cell): (&Place, &Cell)) -> (Place, Cell) {
    (place.clone(), cell.clone())
}

/// A reader in whose answers no hidden note may appear.
fn silent<'a>(town: &Town<'a>, all: &View, shown: &View) -> Caller<'a> {
    let hidden = all.iter().filter(|(place, _)| shown[*place].is_suppressed);
    let secrets = hidden.filter_map(|(_, cell)| cell.note.clone()).collect();
    town.caller("med.read").without(secrets)
}

/// Checks the JSON pages, with a random page size, and one other format.
fn check_forms(reader: &Caller, draw: &mut Draw, path: &str, asked: &View) {
    let limit = 1 + asked.len() / 3 + draw.below(20);
    assert_eq!(&reader.list(&with(path, &format!("limit={limit}"))), asked, "{path}");
    check_form(reader, draw.below(3), path, asked);
}

fn check_form(reader: &Caller, form: usize, path: &str, asked: &View) {
    match form {
        0 => assert_eq!(&reader.table(path), asked, "{path} as CSV"),
        1 => assert_eq!(&reader.danish_table(path), asked, "{path} as CSV for Excel"),
        _ => {
            let plain = |(place, cell): (&Place, &Cell)| (place.clone(), (cell.value.clone(), cell.is_suppressed));
            assert_eq!(reader.cube(path), asked.iter().map(plain).collect(), "{path} as JSON-stat");
        }
    }
}

fn check_latest(reader: &Caller, query: &str, asked: &View) {
    let newest = |indicator: &str| asked.keys().filter(|place| place[0] == indicator).map(|place| &place[1]).max();
    let latest: View = asked.iter().filter(|(place, _)| Some(&place[1]) == newest(&place[0])).map(owned).collect();
    assert_eq!(reader.list(&with("/v1/values?latest=true", query)), latest, "{query}");
}

/// Pictures agree with the other formats, and none of their texts holds a hidden number.
fn check_pictures(town: &Town, draw: &mut Draw, shown: &View, hidden: &BTreeSet<String>) {
    let reader = town.caller("med.read");
    let series: BTreeSet<[&String; 3]> =
        shown.keys().map(|[indicator, _, unit, group]| [indicator, unit, group]).collect();
    for [indicator, unit, group] in series {
        if draw.below(6) > 0 {
            continue;
        }
        let path = format!("/v1/indicators/{indicator}/values?unit={unit}&group={group}");
        let (points, numbers) = reader.picture(&path, &format!("Om {indicator}"));
        let is_its = |place: &Place| [&place[0], &place[2], &place[3]] == [indicator, unit, group];
        let its = shown.iter().filter(|(place, _)| is_its(place));
        let expected: BTreeMap<String, Option<String>> =
            its.map(|(place, cell)| (place[1].clone(), cell.value.clone())).collect();
        assert_eq!(points, expected, "{path}");
        assert_eq!(numbers.intersection(hidden).next(), None, "{path}");
    }
}

fn hidden_values_can_not_be_computed(app: &App) {
    let mut found = Found::default();
    for number in 100..108 {
        let town = Town::found(app, &format!("by{number}"), &mut Draw::new(number));
        let (all, shown) = both(&town);
        town.attack(&all, &shown, &least(&town), &mut found);
    }
    assert!(found.harmless > 2 && found.mixed > 9 && found.hidden > 99 && found.protected > 9, "{found:?}");
}

/// Ten people are in none of the units below, eight of the group in no unit's group. They may be in the unit without
/// groups, so nobody can compute that two are left.
fn groups_of_only_some_units_hide_nothing(app: &App) {
    let unit =
        |key: &str, parent: Option<&str>| json!({"key": key, "name": key, "kind": "workplace", "parent": parent});
    let value = |unit: &str, group: Option<&str>, count: i64| {
        json!({"indicator": "andel", "unit": unit,
        "group": group, "values": [{"period": "2024", "value": 1, "count": count}]})
    };
    app.import(&json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "units": [unit("a", None), unit("b", Some("a")), unit("c", Some("a"))],
        "indicators": [{
            "key": "andel", "title": "Andel", "direction": "decrease", "frequency": "year", "method": "register",
            "min_group": 5,
        }],
        "values": [
            value("a", None, 60), value("b", None, 25), value("c", None, 25),
            value("a", Some("laerere"), 20), value("c", Some("laerere"), 12),
        ],
    }))
    .unwrap();
    let seen = |scope: &str| Caller::new(app, HERE, scope).list(EVERYTHING);
    assert_eq!(seen("med.read"), seen("med.measure"));
}

fn verdicts_and_progress_use_what_the_reader_sees(app: &App) {
    let (mut judged, mut suppressed) = (0, 0);
    for number in 200..203 {
        let town = Town::found(app, &format!("by{number}"), &mut Draw::new(number));
        let (all, shown) = both(&town);
        let (reader, hidden) = (silent(&town, &all, &shown), hidden_numbers(&all, &shown));
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (indicator, _) in INDICATORS {
            for verdict in verdicts(&reader, indicator, "") {
                check_verdict(indicator, &verdict, &shown, &hidden);
                *counts.entry(verdict["verdict"].as_str().unwrap().to_owned()).or_default() += 1;
                suppressed += usize::from(verdict["is_suppressed"] == true);
                judged += usize::from(verdict["verdict"] != "no_data");
            }
            for verdict in verdicts(&town.caller("med.measure"), indicator, "") {
                assert_eq!(verdict["is_suppressed"], false, "{verdict}");
            }
            for day in ["2023-06-01", "2024-12-31", "2025-01-01"] {
                let on = format!("?on={day}");
                verdicts(&reader, indicator, &on)
                    .iter()
                    .for_each(|told| check_verdict(indicator, told, &shown, &hidden));
            }
        }
        for token in ["med.progress", "med.read", "med.admin"] {
            check_progress(&town, token, &counts);
        }
    }
    assert!(judged > 9 && suppressed > 0, "{judged} {suppressed}");
}

fn verdicts(caller: &Caller, indicator: &str, query: &str) -> Vec<Value> {
    let answer = caller.json(&format!("/v1/indicators/{indicator}/verdicts{query}"));
    answer["items"].as_array().unwrap().clone()
}

fn check_verdict(indicator: &str, verdict: &Value, shown: &View, hidden: &BTreeSet<String>) {
    let mut is_suppressed = false;
    for input in verdict["inputs"].as_array().unwrap() {
        assert_eq!(input["value"].is_null(), input["is_suppressed"] == true, "{verdict}");
        is_suppressed |= input["is_suppressed"] == true;
        if input["kind"] == "value" || input["kind"] == "baseline" {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let place = [indicator.to_owned(), text(&input["period"]), text(&verdict["unit"]), String::new()];
            let value = input["value"].as_f64().map(|value| format!("{value:.6}"));
            assert_eq!(value, shown[&place].value, "{verdict}");
        }
    }
    assert_eq!(verdict["is_suppressed"], is_suppressed, "{verdict}");
    assert!(!is_suppressed || verdict["verdict"] == "no_data", "{verdict}");
    let told = numbers_in(&verdict.to_string());
    assert_eq!(told.intersection(hidden).next(), None, "{verdict}");
}

fn check_progress(town: &Town, scope: &str, counts: &BTreeMap<String, u64>) {
    let plan = town.caller("med.read").json("/v1/strategies/plan");
    let id = |part: &Value| part["id"].as_str().unwrap().to_owned();
    let area = &plan["focus_areas"][0];
    let objective = format!("/v1/objectives/{}", id(&area["objectives"][0]));
    for path in ["/v1/strategies/plan".to_owned(), format!("/v1/focus-areas/{}", id(area)), objective] {
        let told = town.caller(scope).json(&format!("{path}/progress"))["indicators"].clone();
        for (kind, count) in told.as_object().unwrap() {
            assert_eq!(count.as_u64(), Some(counts.get(kind).copied().unwrap_or(0)), "{path} for {scope}: {told}");
        }
    }
}
