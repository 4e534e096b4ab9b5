//! Property tests: after any sequence of PUTs of a tree, exactly the last one is stored. Unchanged parts keep id and
//! version, changed ones keep their id and get the next version.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::harness::{App, repeatable};

crate::tests![the_last_tree_is_stored, bundles_replace_trees_too];

/// Random decisions, each drawn from the next byte.
struct Choices<'b>(std::slice::Iter<'b, u8>);

impl Choices<'_> {
    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % limit
    }

    /// A random selection of `all`, in random order.
    fn some<'a>(&mut self, all: &[&'a str]) -> Vec<&'a str> {
        let mut left = all.to_vec();
        let mut chosen = Vec::new();
        for _ in 0..self.below(all.len() + 1) {
            chosen.push(left.remove(self.below(left.len())));
        }
        chosen
    }
}

/// A valid tree. Predecessors of an action stand before it, so there are no cycles.
fn tree(bytes: &[u8]) -> Value {
    let mut choices = Choices(bytes.iter());
    let mut areas = Vec::new();
    let mut actions_so_far: Vec<String> = Vec::new();
    let mut single: Vec<String> = Vec::new();
    for area in choices.some(&["a", "b", "c"]) {
        let mut objectives = Vec::new();
        for key in choices.some(&["o", "p", "q"]) {
            let mut objective = json!({"key": key, "kind": "goal", "text": format!("t{}", choices.below(2))});
            // With an earlier objective as counterpart, or without one.
            match choices.below(2) {
                0 if !single.is_empty() => {
                    objective["counterpart"] = json!(single.remove(choices.below(single.len())));
                }
                _ => single.push(format!("{area}/{key}")),
            }
            objectives.push(objective);
        }
        let mut actions = Vec::new();
        for key in choices.some(&["x", "y", "z"]) {
            let mut after = Vec::new();
            for path in &actions_so_far {
                if choices.below(3) == 0 {
                    after.push(path.clone());
                }
            }
            actions
                .push(json!({"key": key, "title": format!("t{}", choices.below(2)), "kind": "other", "after": after}));
            actions_so_far.push(format!("{area}/{key}"));
        }
        let title = format!("t{}", choices.below(2));
        areas.push(json!({"key": area, "title": title, "objectives": objectives, "actions": actions}));
    }
    json!({"key": "s", "title": format!("t{}", choices.below(2)), "kind": "plan", "status": "draft",
        "focus_areas": areas})
}

/// A part in normal form: its own fields, full references, and the order of its children.
type Parts = BTreeMap<String, String>;

fn parts(tree: &Value) -> Parts {
    let mut parts = Parts::new();
    let mut pairs = BTreeMap::new();
    let rows = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let key = |value: &Value| value["key"].as_str().unwrap().to_owned();
    for area in rows(&tree["focus_areas"]) {
        for objective in rows(&area["objectives"]) {
            if let Some(other) = objective["counterpart"].as_str() {
                let own = format!("{}/{}", key(&area), key(&objective));
                let other = if other.contains('/') { other.to_owned() } else { format!("{}/{other}", key(&area)) };
                pairs.insert(own.clone(), other.clone());
                pairs.insert(other, own);
            }
        }
    }
    let order = |value: &Value| rows(value).iter().map(key).collect::<Vec<_>>();
    for area in &rows(&tree["focus_areas"]) {
        let a = key(area);
        for objective in &rows(&area["objectives"]) {
            let path = format!("{a}/{}", key(objective));
            parts.insert(format!("objective {path}"), format!("{} {:?}", objective["text"], pairs.get(&path)));
        }
        for action in &rows(&area["actions"]) {
            let full = |path: &str| if path.contains('/') { path.to_owned() } else { format!("{a}/{path}") };
            let after: Vec<String> = rows(&action["after"]).iter().map(|path| full(path.as_str().unwrap())).collect();
            parts.insert(format!("action {a}/{}", key(action)), format!("{} {after:?}", action["title"]));
        }
        let below: Vec<String> =
            parts.iter().filter(|(path, _)| path.contains(&format!(" {a}/"))).map(|part| format!("{part:?}")).collect();
        let orders = (order(&area["objectives"]), order(&area["actions"]));
        parts.insert(format!("area {a}"), format!("{} {orders:?} {below:?}", area["title"]));
    }
    let all = format!("{} {:?} {parts:?}", tree["title"], order(&tree["focus_areas"]));
    parts.insert("strategy".into(), all);
    parts
}

/// Id and version of every part.
fn identities(tree: &Value) -> BTreeMap<String, (Value, i64)> {
    let identity = |part: &Value| (part["id"].clone(), part["version"].as_i64().unwrap());
    let mut identities = BTreeMap::from([("strategy".to_owned(), identity(tree))]);
    for area in tree["focus_areas"].as_array().unwrap() {
        let a = area["key"].as_str().unwrap();
        identities.insert(format!("area {a}"), identity(area));
        for (kind, name) in [("objective", "objectives"), ("action", "actions")] {
            for part in area[name].as_array().unwrap() {
                identities.insert(format!("{kind} {a}/{}", part["key"].as_str().unwrap()), identity(part));
            }
        }
    }
    identities
}

fn check_step(before: Option<&Value>, wanted: &Value, after: &Value) -> Result<(), TestCaseError> {
    prop_assert_eq!(parts(after), parts(wanted));
    let Some(before) = before else { return Ok(()) };
    let (old, new) = (parts(before), parts(after));
    let (old_ids, new_ids) = (identities(before), identities(after));
    for (path, (id, version)) in &new_ids {
        match old_ids.get(path) {
            None => prop_assert_eq!(*version, 1, "{} is new", path),
            Some((old_id, old_version)) => {
                prop_assert_eq!(id, old_id, "{} keeps its id", path);
                let expected = old_version + i64::from(old[path] != new[path]);
                prop_assert_eq!(*version, expected, "{}: {} then {}", path, &old[path], &new[path]);
            }
        }
    }
    Ok(())
}

fn run(cases: u32, test: impl Fn(Vec<Vec<u8>>) -> Result<(), TestCaseError>) {
    let sequences = prop::collection::vec(prop::collection::vec(any::<u8>(), 60), 2..6);
    TestRunner::new(repeatable(cases)).run(&sequences, test).unwrap();
}

fn the_last_tree_is_stored(app: &App) {
    run(24, |sequence| {
        let mut before: Option<Value> = None;
        for bytes in &sequence {
            let wanted = tree(bytes);
            let changes = app.changes();
            let request = app.request("PUT", "/v1/strategies/s").json(&wanted);
            let after = match &before {
                Some(_) => request.header("if-match", "*").send().expect(200).json(),
                None => request.send().expect(201).json(),
            };
            check_step(before.as_ref(), &wanted, &after)?;
            prop_assert_eq!(&app.get("/v1/strategies/s").json(), &after);
            if before.as_ref().is_some_and(|before| parts(before) == parts(&after)) {
                prop_assert_eq!(app.changes(), changes, "nothing changed, nothing is logged");
            }
            before = Some(after);
        }
        crate::operations::assert_consistent(app);
        app.delete("/v1/strategies/s").expect(204);
        Ok(())
    });
    crate::operations::assert_consistent(app);
}

fn bundles_replace_trees_too(app: &App) {
    run(12, |sequence| {
        for bytes in &sequence {
            app.post("/v1/strategies", tree(bytes)).expect(201);
            let exported = app.get("/v1/export").json();
            // Importing the export anywhere gives the same tree.
            app.delete("/v1/strategies/s").expect(204);
            app.post("/v1/import", exported.clone()).expect(200);
            prop_assert_eq!(&app.get("/v1/export").json(), &exported);
            prop_assert_eq!(parts(&app.get("/v1/strategies/s").json()), parts(&tree(bytes)));
            app.delete("/v1/strategies/s").expect(204);
        }
        Ok(())
    });
}
