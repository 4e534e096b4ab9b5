//! A request runs a number of SQL statements that does not depend on how many rows it answers.

use serde_json::{Value, json};

use crate::harness::{App, HERE};

crate::tests![
    statements_do_not_depend_on_the_length_of_a_list,
    statements_do_not_depend_on_the_size_of_a_tree,
    a_part_is_read_and_changed_by_itself,
];

/// A dozen or fewer, transaction control aside.
const MOST: u64 = 12;

fn strategy(key: &str, areas: usize) -> Value {
    let area = |n: usize| {
        let objectives: Vec<Value> =
            (0..4).map(|m| json!({"key": format!("o{m}"), "kind": "goal", "text": "O"})).collect();
        let actions: Vec<Value> = (0..4)
            .map(|m| {
                let after: Vec<String> = (0..m).map(|first| format!("x{first}")).collect();
                json!({"key": format!("x{m}"), "title": "X", "kind": "other", "after": after,
                       "audience": [{"role": "responsible", "level": "l"}, {"role": "receives", "level": "l"}]})
            })
            .collect();
        json!({"key": format!("a{n}"), "title": "A", "objectives": objectives, "actions": actions})
    };
    let areas: Vec<Value> = (0..areas).map(area).collect();
    json!({"key": key, "title": key, "kind": "plan", "status": "draft", "focus_areas": areas})
}

fn import(app: &App, strategies: Vec<Value>) {
    let units: Vec<Value> = (0..200).map(|n| json!({"key": format!("u{n}"), "name": "U", "kind": "other"})).collect();
    let committees: Vec<Value> = (0..200)
        .map(|n| {
            json!({"key": format!("c{n}"), "name": "C", "level": "l", "form": "committee",
            "units": [format!("u{n}")]})
        })
        .collect();
    app.post(
        "/v1/import",
        json!({
            "municipality": {"key": HERE, "code": "999", "name": "Testby"},
            "levels": [{"key": "l", "name": "L", "rank": 1}],
            "units": units, "committees": committees, "strategies": strategies,
        }),
    )
    .expect(200);
}

fn statements_do_not_depend_on_the_length_of_a_list(app: &App) {
    import(app, (0..200).map(|n| strategy(&format!("s{n}"), 1)).collect());
    let cost = |path: &str, rows: usize| {
        app.statements(|| {
            let page = app.get(path).expect(200).json();
            assert_eq!(page["items"].as_array().unwrap().len(), rows, "{path}");
        })
    };
    for list in ["/v1/strategies", "/v1/units", "/v1/committees", "/v1/actions", "/v1/changes"] {
        let (short, long) = (cost(&format!("{list}?limit=2"), 2), cost(&format!("{list}?limit=200"), 200));
        assert_eq!(short, long, "{list}");
        assert!((1..=MOST).contains(&long), "{list} runs {long} statements");
    }
}

fn statements_do_not_depend_on_the_size_of_a_tree(app: &App) {
    import(app, vec![strategy("small", 2), strategy("large", 40)]);
    let cost = |path: &str| app.statements(|| drop(app.get(path).expect(200)));
    let (small, large) = (cost("/v1/strategies/small"), cost("/v1/strategies/large"));
    assert_eq!(small, large);
    assert!((5..=MOST).contains(&large), "a tree runs {large} statements");
    let area = |key: &str| {
        let area =
            app.get(&format!("/v1/strategies/{key}")).json()["focus_areas"][1]["id"].as_str().unwrap().to_owned();
        format!("/v1/focus-areas/{area}")
    };
    let (small, large) = (area("small"), area("large"));
    assert_eq!(cost(&small), cost(&large));
    assert_eq!(cost(&format!("{small}/actions")), cost(&format!("{large}/actions")));
    // A change of one action writes as much in a large tree as in a small one.
    let action = |area: &str| app.get(&format!("{area}/actions")).json()["items"][3]["id"].as_str().unwrap().to_owned();
    let change =
        |id: &str| app.statements(|| drop(app.patch(&format!("/v1/actions/{id}"), json!({"title": "Y"})).expect(200)));
    assert_eq!(change(&action(&small)), change(&action(&large)));
}

fn a_part_is_read_and_changed_by_itself(app: &App) {
    import(app, vec![strategy("small", 2), strategy("large", 40)]);
    // The first change of a caller also stores the caller.
    app.patch("/v1/strategies/small", json!({"headline": "H"})).expect(200);
    let costs = |key: &str| {
        let tree = app.get(&format!("/v1/strategies/{key}")).json();
        let id = |pointer: &str| tree.pointer(pointer).unwrap()["id"].as_str().unwrap().to_owned();
        let area = format!("/v1/focus-areas/{}", id("/focus_areas/1"));
        let objective = format!("/v1/objectives/{}", id("/focus_areas/1/objectives/1"));
        let action = format!("/v1/actions/{}", id("/focus_areas/1/actions/3"));
        let read = |path: &str| app.statements(|| drop(app.get(path).expect(200)));
        let change = |path: &str, body: Value| app.statements(|| drop(app.patch(path, body).expect(200)));
        let create = |path: &str, body: Value| app.statements(|| drop(app.post(path, body).expect(201)));
        let delete = |path: &str| app.statements(|| drop(app.delete(path).expect(204)));
        vec![
            ("read an objective", read(&objective), 3),
            ("read an action", read(&action), 4),
            ("read a focus area", read(&area), 8),
            ("change an objective", change(&objective, json!({"text": "ny"})), 8),
            ("pair an objective", change(&objective, json!({"counterpart": "a0/o1"})), MOST),
            ("part an objective", change(&objective, json!({"counterpart": null})), MOST),
            ("change an action", change(&action, json!({"title": "ny"})), 9),
            ("change an audience", change(&action, json!({"audience": [{"role": "accountable", "level": "l"}]})), MOST),
            ("change a predecessor", change(&action, json!({"after": ["a0/x0", "x1"]})), MOST + 1),
            ("change a focus area", change(&area, json!({"title": "ny"})), MOST),
            (
                "create an objective",
                create(&format!("{area}/objectives"), json!({"key": "n", "kind": "goal", "text": "N"})),
                MOST,
            ),
            (
                "create an action",
                create(&format!("{area}/actions"), json!({"key": "n", "title": "N", "kind": "other"})),
                MOST,
            ),
            ("delete an objective", delete(&objective), MOST),
            ("delete an action", delete(&action), MOST + 5),
        ]
    };
    let (small, large) = (costs("small"), costs("large"));
    crate::operations::assert_consistent(app);
    for ((what, few, _), (_, many, most)) in small.into_iter().zip(large) {
        assert_eq!(few, many, "{what}: costs as much in a large tree");
        assert!((1..=most).contains(&many), "{what}: {many} statements");
    }
}
