//! Real plans of three municipalities, if their files are available. They are not part of this project.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::App;

crate::tests![real_plans_are_exported_as_they_were_imported, real_plans_have_the_counted_parts];

const MUNICIPALITIES: [&str; 3] = ["albertslund", "glostrup", "gladsaxe"];

/// Each plan's municipality and bundle. Empty if the files are not available.
pub fn plans() -> Vec<(&'static str, Value)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/plans"));
    let read = |name: &&'static str| {
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).ok()?;
        Some((*name, serde_json::from_str(&text).unwrap()))
    };
    MUNICIPALITIES.iter().filter_map(read).collect()
}

fn real_plans_are_exported_as_they_were_imported(app: &App) {
    for (name, bundle) in plans() {
        app.import(&bundle).unwrap();
        let token = app.token_of(name, "med.admin med.audit");
        let export = app.request("GET", "/v1/export").token(&token).send().expect(200).json();
        for (section, rows) in bundle.as_object().unwrap() {
            assert_eq!(&export[section], rows, "{name}: {section}");
        }
        let changes = || app.request("GET", "/v1/changes?limit=200").token(&token).send().expect(200).json();
        let before = changes();
        app.request("POST", "/v1/import").token(&token).json(&bundle).send().expect(200);
        assert_eq!(changes(), before, "{name}: importing again changes nothing");
    }
}

fn real_plans_have_the_counted_parts(app: &App) {
    let plans = plans();
    if plans.is_empty() {
        return;
    }
    for (_, bundle) in &plans {
        app.import(bundle).unwrap();
    }
    let read = |municipality: &str, path: &str| {
        app.request("GET", path).token(&app.token_of(municipality, "med.read")).send().expect(200).json()
    };
    let keys = |municipality: &str| -> Vec<String> {
        let page = read(municipality, "/v1/strategies");
        page["items"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys("albertslund"), ["plan-med-2024-2025", "strategiplan-2022-2023"]);
    assert_eq!(keys("glostrup"), ["strategi-2021-2024", "strategiplan"]);
    assert_eq!(keys("gladsaxe"), ["retning-for-organisationen"]);
    app.request("GET", "/v1/strategies/strategiplan").token(&app.token_of("gladsaxe", "med.read")).send().expect(404);

    let plan = read("albertslund", "/v1/strategies/plan-med-2024-2025");
    assert_eq!(count(&plan, "objectives", &|one| one["kind"] == "goal"), 4);
    assert_eq!(count(&plan, "objectives", &|one| one["kind"] == "sub_goal"), 13);
    assert_eq!(count(&plan, "actions", &|_| true), 18);
    assert_eq!(count(&plan, "objectives", &|one| !one["counterpart"].is_null()), 2 * 2, "two pairs, on both sides");
    assert_eq!(plan["focus_areas"].as_array().unwrap().len(), 4);

    let strategy = read("glostrup", "/v1/strategies/strategi-2021-2024");
    assert_eq!(count(&strategy, "objectives", &|one| one["kind"] == "goal"), 10);
    assert_eq!(count(&strategy, "objectives", &|one| one["kind"] == "aim"), 16);
    assert_eq!(count(&strategy, "explainers", &|_| true), 4);
    let successor = read("glostrup", "/v1/strategies/strategiplan");
    assert_eq!(successor["predecessor"], "strategi-2021-2024");
    assert_eq!(count(&successor, "objectives", &|one| one["kind"] == "commitment"), 10);
    assert_eq!(count(&successor, "continues", &|_| true), 1);

    let principles = read("gladsaxe", "/v1/strategies/retning-for-organisationen");
    assert_eq!(count(&principles, "objectives", &|one| one["kind"] == "principle"), 13);
    assert_eq!((&principles["starts_on"], &principles["adopted_by"]), (&json!(null), &json!(null)));
}

/// Number of parts called `name`, in all focus areas, for which `wanted` is true.
fn count(strategy: &Value, name: &str, wanted: &dyn Fn(&Value) -> bool) -> usize {
    let areas = strategy["focus_areas"].as_array().unwrap().iter();
    areas.flat_map(|area| area[name].as_array().unwrap()).filter(|part| wanted(part)).count()
}
