//! What is hidden before and after a change, and for whom.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::forms::{Caller, Cell, Place, View, numbers_in};
use super::town::{Draw, Found, INDICATORS, Town, hidden_numbers, periods};
use super::{EVERYTHING, both, least, verdicts};
use crate::harness::App;

/// Replacing hidden numbers by others changes no answer, not even a line in a picture.
pub fn hidden_numbers_leave_no_trace(app: &App) {
    let mut hidden_ones = 0;
    for number in 300..303 {
        let town = Town::found(app, &format!("by{number}"), &mut Draw::new(number));
        let (all, shown) = both(&town);
        let hidden: Vec<(&Place, &Cell)> =
            all.iter().filter(|(place, _)| place[0] == "andel" && shown[*place].is_suppressed).collect();
        hidden_ones += hidden.len();
        let before = answers(&town, &hidden);
        let values: Vec<Value> = hidden.iter().map(|(place, cell)| replacement(place, cell)).collect();
        let measurer = town.caller("med.measure");
        let counts = measurer.send("PUT", "/v1/indicators/andel/values", &json!({"values": values}));
        assert_eq!(counts["updated"], hidden.len());
        assert_eq!(both(&town).1, shown);
        assert_eq!(answers(&town, &hidden), before);
    }
    assert!(hidden_ones > 9, "{hidden_ones}");
}

/// A different value about the same number of people.
fn replacement([_, period, unit, group]: &Place, cell: &Cell) -> Value {
    let value: f64 = cell.value.as_ref().unwrap().parse().unwrap();
    let named = |key: &String| Some(key.clone()).filter(|key| !key.is_empty());
    json!({
        "period": period, "unit": named(unit), "group": named(group), "value": value * 7.0 + 11.0,
        "count": cell.count, "is_provisional": !cell.is_provisional, "note": "Ny bemærkning",
    })
}

/// All answers that a reader gets about series with hidden values.
fn answers(town: &Town, hidden: &[(&Place, &Cell)]) -> Vec<String> {
    let reader = town.caller("med.read");
    let series: BTreeSet<[&String; 2]> = hidden.iter().map(|([_, _, unit, group], _)| [unit, group]).collect();
    let path = "/v1/indicators/andel/values";
    let pictures = series.iter().map(|[unit, group]| format!("{path}?unit={unit}&group={group}&format=svg"));
    let mut answers: Vec<String> = pictures.map(|path| reader.text(&path)).collect();
    answers.push(reader.text(&format!("{path}?format=csv")));
    answers.push(reader.text("/v1/strategies/plan/progress"));
    for day in ["2023-06-01", "2024-12-31", "2026-01-01"] {
        answers.push(reader.text(&format!("/v1/indicators/andel/verdicts?on={day}")));
    }
    answers
}

/// Caches never show: an equal municipality for which nothing is cached yet gets equal answers.
pub fn hiding_follows_every_change_at_once(app: &App) {
    let (mut found, mut effective) = (Found::default(), 0);
    for number in 400..402 {
        let mut draw = Draw::new(number);
        let mut town = Town::found(app, &format!("by{number}"), &mut draw);
        let mut answers = BTreeMap::new();
        both(&town);
        for step in 0..8 {
            let n = draw.below(INDICATORS.len());
            let (reader, path) = (town.caller("med.read"), format!("/v1/values?indicator={}", INDICATORS[n].0));
            let before = reader.list(&path);
            let what = change(&mut town, &mut draw, step, n);
            let twin = twin(app, &town, step);
            let after = reader.list(&path);
            assert_eq!(after, twin.list(&path), "{path} after {what}");
            effective += usize::from(is_hidden_differently(&before, &after));
            // Others may get no request for several changes.
            let (one, unit) = (draw.one(&INDICATORS).0, draw.one(&town.units));
            let path = draw.one(&[
                format!("/v1/indicators/{one}/values?aggregates=false"),
                format!("/v1/indicators/{one}/values?unit={unit}"),
                format!("/v1/values?indicator={one}&unit={unit}"),
            ]);
            assert_eq!(reader.list(&path), twin.list(&path), "{path} after {what}");
            for _ in 0..2 {
                check_again(&reader, &mut draw, &mut answers, &what);
            }
            if step % 3 == 1 {
                let (all, shown) = both(&town);
                assert_eq!(shown, twin.list(EVERYTHING), "after {what}");
                town.attack(&all, &shown, &least(&town), &mut found);
            }
        }
    }
    assert!(found.mixed > 5 && found.hidden > 50 && effective > 7, "{found:?} {effective}");
}

/// Whether the set of hidden cells differs.
fn is_hidden_differently(before: &View, after: &View) -> bool {
    before.iter().any(|(place, cell)| after.get(place).is_some_and(|now| now.is_suppressed != cell.is_suppressed))
}

/// A reader of a new municipality with the same content.
fn twin<'a>(app: &'a App<'a>, town: &Town, step: usize) -> Caller<'a> {
    let mut bundle = town.caller("med.admin").json("/v1/export?values=true");
    let key = format!("{}-{step}", town.key);
    bundle["municipality"]["key"] = json!(key);
    app.import(&bundle).unwrap();
    Caller::new(app, &key, "med.read")
}

/// A conditional request gets 304 only if the answer is unchanged.
fn check_again(reader: &Caller, draw: &mut Draw, answers: &mut BTreeMap<String, (String, Vec<u8>)>, what: &str) {
    let one = draw.one(&INDICATORS).0;
    let path = draw.one(&[
        format!("/v1/indicators/{one}/values?limit=10000"),
        format!("/v1/indicators/{one}/values?format=csv"),
        format!("/v1/indicators/{one}/values?format=json-stat"),
        format!("/v1/indicators/{one}/values?format=svg"),
        format!("/v1/indicators/{one}/verdicts"),
        "/v1/values?format=csv".to_owned(),
        "/v1/strategies/plan/progress".to_owned(),
    ]);
    let now = reader.ask(&path).expect(200);
    if let Some((tag, before)) = answers.get(&path) {
        let again = reader.ask_again(&path, tag);
        match again.status {
            304 => assert_eq!(&now.body, before, "{path} after {what}"),
            _ => assert_eq!(again.expect(200).body, now.body, "{path} after {what}"),
        }
    }
    answers.insert(path, (now.etag(), now.body));
}

/// Changes something that affects which values of the indicator are hidden. Returns a description.
fn change(town: &mut Town, draw: &mut Draw, step: usize, n: usize) -> String {
    let admin = town.caller("med.admin");
    let path = format!("/v1/indicators/{}", INDICATORS[n].0);
    match step % 8 {
        0 => {
            let values = draw_values(town, draw, n);
            format!("writing {}", admin.send("PUT", &format!("{path}/values"), &values))
        }
        1 => {
            let values = removals(&town.caller("med.measure").list(EVERYTHING), draw, INDICATORS[n].0);
            format!("removing {}", admin.send("PUT", &format!("{path}/values"), &values))
        }
        2 => {
            let is_moved = (0..50).any(|_| {
                let (unit, parent) = (draw.below(town.units.len()), draw.below(town.units.len()));
                town.move_unit(unit, parent)
            });
            assert!(is_moved);
            "moving a unit".to_owned()
        }
        3 => {
            let wanted = json!({"min_group": 1 + draw.below(25)});
            admin.send("PATCH", &path, &wanted);
            format!("{wanted} in {path}")
        }
        4 => {
            let wanted = json!({"min_group": 1 + draw.below(20)});
            admin.send("PATCH", "/v1/municipality", &wanted);
            format!("{wanted} in the municipality")
        }
        5 => {
            town.aggregations[n] = draw.one(&["none", "sum", "mean"]);
            let wanted = json!({"aggregation": town.aggregations[n]});
            admin.send("PATCH", &path, &wanted);
            format!("{wanted} in {path}")
        }
        6 => {
            let parent = draw.below(town.units.len());
            town.add_unit(parent);
            let values = draw_values(town, draw, n);
            admin.send("PUT", &format!("{path}/values"), &values);
            "putting up a unit".to_owned()
        }
        _ => {
            let unit = town.units[1 + draw.below(town.units.len() - 1)].clone();
            let ending = json!({"ends_on": draw.one(&["2021-12-31", "2023-12-31"])});
            admin.send("PATCH", &format!("/v1/units/{unit}"), &ending);
            format!("{ending} of {unit}")
        }
    }
}

/// Some values for one period, including the last unit's.
fn draw_values(town: &mut Town, draw: &mut Draw, indicator: usize) -> Value {
    let period = draw.one(&periods(indicator));
    let mut spots: BTreeSet<_> = (0..5).map(|_| town.draw_spot(draw)).collect();
    spots.insert((town.units.len() - 1, 0));
    let mut values = Vec::new();
    for spot in spots {
        let count = draw.one(&[None, Some(1), Some(3), Some(12), Some(40), Some(200)]);
        let mut row = town.row(draw, spot, count);
        row["period"] = json!(period);
        values.push(row);
    }
    json!({"values": values})
}

fn removals(all: &View, draw: &mut Draw, indicator: &str) -> Value {
    let measured = all.iter().filter(|(place, cell)| place[0] == indicator && !cell.is_aggregated);
    let some: Vec<Value> = measured
        .filter(|_| draw.once_in(12))
        .map(|([_, period, unit, group], _)| {
            let named = |key: &String| Some(key.clone()).filter(|key| !key.is_empty());
            json!({"period": period, "unit": named(unit), "group": named(group), "value": null})
        })
        .collect();
    json!({"values": some})
}

pub fn only_the_scope_measure_shows_hidden_values(app: &App) {
    let mut town = Town::found(app, "by500", &mut Draw::new(500));
    let values = draw_values(&mut town, &mut Draw::new(501), 0);
    town.caller("med.measure").send("PUT", "/v1/indicators/andel/values", &values);
    let (all, shown) = both(&town);
    let hidden = hidden_numbers(&all, &shown);

    let most = town.caller("med.progress med.read med.report med.edit med.hr med.audit");
    assert_eq!(most.list(EVERYTHING), shown);
    assert_eq!(town.caller("med.admin").list(EVERYTHING), all);
    for scope in ["med.progress", "med.report", "med.edit", "med.hr", "med.audit"] {
        for path in [EVERYTHING, "/v1/indicators/andel/values", "/v1/indicators/andel/verdicts"] {
            town.caller(scope).ask(path).expect_problem(403, "insufficient-scope");
        }
    }
    // The change log holds counts of values, not the values.
    let mut after = json!(0);
    while !after.is_null() {
        let page = most.json(&format!("/v1/changes?limit=200&after={after}"));
        assert_eq!(numbers_in(&page.to_string()).intersection(&hidden).next(), None);
        assert!(!page.to_string().contains("note-"), "{page}");
        after = page["next"].clone();
    }

    for path in ["/v1/indicators/andel/replaced-values", "/v1/indicators/andel/replaced-values?limit=1&from=2022"] {
        most.ask(path).expect_problem(403, "insufficient-scope");
        assert_ne!(town.caller("med.measure").json(path)["items"], json!([]));
    }
    for path in ["/v1/export", "/v1/export?values=true"] {
        for scope in ["med.progress med.read med.report med.edit med.hr med.audit", "med.measure"] {
            town.caller(scope).ask(path).expect_problem(403, "insufficient-scope");
        }
    }
    let measured = all.values().filter(|cell| !cell.is_aggregated).count();
    let export = town.caller("med.admin").json("/v1/export?values=true");
    let series = export["values"].as_array().unwrap().iter();
    assert_eq!(series.map(|series| series["values"].as_array().unwrap().len()).sum::<usize>(), measured);
    assert_eq!(verdicts(&most, "andel", ""), verdicts(&town.caller("med.read"), "andel", ""));
}
