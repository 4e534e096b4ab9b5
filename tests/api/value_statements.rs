//! The number of SQL statements of requests for values depends on the number of neither indicators, units nor values.

use serde_json::{Value, json};

use crate::harness::{App, HERE};
use crate::indicators::indicator;
use crate::reports::with;

crate::tests![
    statements_do_not_depend_on_the_number_of_values,
    statements_do_not_depend_on_the_number_of_indicators,
    values_are_written_in_batches,
];

/// Upper limit of statements for any request, without transaction control.
const MOST: u64 = 30;

/// Imports a plan with objectives, each with indicators of every kind, and values for these numbers of units and years.
fn import(app: &App, plan: &str, objectives: usize, units: usize, years: i32) {
    let everyone = json!([{"role": "responsible", "level": "local"}]);
    let action = json!({"key": "x", "title": "X", "kind": "other", "recurrence": "P6M", "audience": everyone});
    let objective = |n: usize| json!({"key": format!("o{n}"), "kind": "goal", "text": "O"});
    let area = json!({
        "key": "a", "title": "A", "actions": [action], "objectives": (0..objectives).map(objective).collect::<Vec<_>>(),
    });
    let (mut indicators, mut values) = (Vec::new(), Vec::new());
    for n in 0..objectives {
        let key = |kind: &str| format!("{plan}-{kind}-{n}");
        let told = json!({"objectives": [format!("{plan}/a/o{n}")]});
        let targets = json!([
            {"rule": "at_most", "value": 4, "unit": "u0"}, {"rule": "less_than_period", "baseline_period": "2024"},
            {"rule": "at_benchmark", "benchmark": "region"},
        ]);
        let compared = json!({"benchmarks": [{"key": "region", "name": "Regionen"}], "targets": targets});
        let kinds = [
            ("plain", compared.clone()),
            ("mean", with(compared, json!({"aggregation": "mean", "min_group": 5}))),
            (
                "computed",
                json!({
                    "method": "computed", "coverage_of": format!("{plan}/a/x"), "coverage_level": "local",
                    "targets": [{"rule": "full_coverage"}],
                }),
            ),
        ];
        indicators.extend(kinds.iter().map(|(kind, fields)| indicator(&key(kind), with(fields.clone(), told.clone()))));
        for kind in ["plain", "mean"] {
            let row = |year: i32| json!({"period": (2024 + year).to_string(), "value": year, "count": 3 + year});
            let rows: Vec<Value> = (0..years).map(row).collect();
            let of_unit = |unit: usize| json!({"indicator": key(kind), "unit": format!("u{unit}"), "values": rows});
            values.extend((0..units).map(of_unit));
            let others: Vec<Value> =
                (0..years).map(|year| json!({"period": (2024 + year).to_string(), "value": 1})).collect();
            values.push(json!({"indicator": key(kind), "benchmark": "region", "values": others}));
        }
    }
    let unit = |n: usize| json!({"key": format!("u{n}"), "name": "U", "kind": "workplace", "parent": "top"});
    let mut all_units: Vec<Value> = (0..units).map(unit).collect();
    all_units.push(json!({"key": "top", "name": "Top", "kind": "centre"}));
    let committee = |n: usize| json!({"key": format!("c{n}"), "name": "C", "level": "local", "form": "committee"});
    let bundle = json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [{"key": "local", "name": "Lokal", "rank": 1}],
        "units": all_units,
        "committees": (0..units).map(committee).collect::<Vec<_>>(),
        "strategies": [{
            "key": plan, "title": plan, "kind": "plan", "status": "adopted", "starts_on": "2024-01-01",
            "focus_areas": [area],
        }],
        "indicators": indicators,
        "values": values,
    });
    app.post("/v1/import", bundle).expect(200);
}

/// Statements of a request with warm caches, for a reader and for a holder of `med.measure`.
fn cost(app: &App, address: &str) -> [u64; 2] {
    ["med.read", "med.read med.measure"].map(|scope| {
        let token = app.token(scope);
        let ask = || drop(app.request("GET", address).token(&token).send().expect(200));
        ask();
        app.statements(ask)
    })
}

#[track_caller]
fn check_same(few: [u64; 2], many: [u64; 2], what: &str) {
    assert_eq!(few, many, "{what}");
    assert!(many.iter().all(|count| (1..=MOST).contains(count)), "{what} runs {many:?} statements");
}

fn statements_do_not_depend_on_the_number_of_values(app: &App) {
    import(app, "few", 1, 2, 2);
    import(app, "many", 1, 60, 40);
    for kind in ["plain", "mean", "computed"] {
        for part in ["values?unit=u1", "values?unit=", "values?unit=top&from=2024&to=2030", "verdicts"] {
            let of = |plan: &str| cost(app, &format!("/v1/indicators/{plan}-{kind}-0/{part}"));
            check_same(of("few"), of("many"), &format!("{kind} {part}"));
        }
    }
}

fn statements_do_not_depend_on_the_number_of_indicators(app: &App) {
    let addresses = [
        "/v1/values?unit=u1&latest=true",
        "/v1/values?unit=u1&limit=10000",
        "/v1/values?unit=&latest=true",
        "/v1/strategies/plan/progress",
        "/v1/strategies/plan/progress?children=true",
        "/v1/indicators?limit=200",
    ];
    import(app, "plan", 1, 3, 2);
    let few = addresses.map(|address| cost(app, address));
    import(app, "plan", 12, 40, 6);
    for (address, few) in addresses.into_iter().zip(few) {
        check_same(few, cost(app, address), address);
    }
    let objective = app.get("/v1/strategies/plan").json()["focus_areas"][0]["objectives"][0]["id"].clone();
    let objective = format!("/v1/objectives/{}/progress", objective.as_str().unwrap());
    assert!(cost(app, &objective).iter().all(|count| (1..=MOST).contains(count)));
}

fn values_are_written_in_batches(app: &App) {
    import(app, "plan", 1, 40, 1);
    let write = |years: std::ops::Range<i32>, units: usize, value: i32| {
        let row =
            |year: i32, unit: usize| json!({"period": year.to_string(), "unit": format!("u{unit}"), "value": value});
        let rows: Vec<Value> = years.flat_map(|year| (0..units).map(move |unit| row(year, unit))).collect();
        let body = json!({"values": rows});
        app.statements(|| drop(app.put_new("/v1/indicators/plan-plain-0/values", body).expect(200)))
    };
    let (few, many) = (write(2030..2031, 2, 1), write(2031..2051, 40, 1));
    // Rows are written in batches of hundreds. Nothing is read or written one by one.
    assert!(many <= few + 8, "{few} and {many} statements");
    let (few, many) = (write(2030..2031, 2, 2), write(2031..2051, 40, 2));
    assert!(many <= few + 16, "{few} and {many} statements");
}
