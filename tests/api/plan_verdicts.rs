//! Verdicts on targets of real plans, if their files are available, and of an invented plan with every rule. Values are
//! made up. Verdicts are checked before and after the targets are due.

mod rules;
mod town;

use std::path::PathBuf;

use serde_json::{Value, json};

use self::rules::{Plans, aiming, comparisons, courses, numbers, times};
use self::town::Town;
use crate::harness::{App, HERE};

crate::tests![
    targets_of_real_plans_get_the_right_verdicts,
    reports_cover_a_real_plan,
    every_rule_gets_the_right_verdict,
    partial_and_hidden_values_give_no_verdict,
    reports_cover_an_invented_plan,
];

/// The plan's municipality and bundle. None if the plan's file is not available.
fn plan(name: &str) -> Option<Value> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/plans"));
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn targets_of_real_plans_get_the_right_verdicts(app: &App) {
    if let Some(bundle) = plan("glostrup") {
        app.import(&bundle).unwrap();
        glostrup(&Town { app, key: "glostrup" });
    }
    if let Some(bundle) = plan("albertslund") {
        app.import(&bundle).unwrap();
        albertslund(&Town { app, key: "albertslund" });
    }
}

/// A strategy from 2021 to 2024.
fn glostrup(town: &Town) {
    // "Flere medarbejdere har haft MUS i 2023 end i 2021."
    town.check(
        "mus-afholdt",
        &[
            ("2021 64.5, 2023 71", "", "2024-01-01", "met", &["71 % i 2023", "64,5 % i 2021", "flere"]),
            ("2021 64.5, 2023 64.5", "", "2024-01-01", "missed", &["64,5 % i 2023", "64,5 % i 2021"]),
            ("2021 64.5, 2023 60", "", "2024-01-01", "missed", &["60 % i 2023", "64,5 % i 2021"]),
            ("2021 64.5, 2023 71?", "", "2024-01-01", "met", &["71 % i 2023 (foreløbigt)"]),
            ("2021 64.5, 2023 71", "", "2023-12-31", "on_course", &["71 % i 2023", "64,5 % i 2021", "på kurs"]),
            ("2021 64.5, 2023 60", "", "2023-12-31", "off_course", &["60 % i 2023", "ikke på kurs"]),
            ("2021 64.5", "", "2023-06-01", "open", &["64,5 % i 2021", "målet for 2023"]),
            ("2021 64.5", "", "2024-01-01", "no_data", &["ingen værdi for 2023"]),
            ("2023 71", "", "2024-01-01", "no_data", &["71 % i 2023", "ingen værdi for 2021"]),
            ("", "", "2024-01-01", "no_data", &["ingen værdi for 2023"]),
            ("", "", "2023-01-01", "no_data", &["endnu ingen værdi"]),
        ],
    );
    // "Personaleomsætningen er på niveau med eller under gennemsnittet i Region Hovedstaden."
    let name = "»Gennemsnit i Region Hovedstaden«";
    town.check(
        "personaleomsaetning-rekruttering",
        &[
            ("2021 15, 2024 13.1", "2024 13.1", "2025-01-01", "met", &["13,1 % i 2024 mod 13,1 %", name, "lavere"]),
            ("2021 15, 2024 12.8", "2024 13.1", "2025-01-01", "met", &["12,8 % i 2024 mod 13,1 %"]),
            ("2021 15, 2024 13.2", "2024 13.1", "2025-01-01", "missed", &["13,2 % i 2024 mod 13,1 %", name]),
            ("2021 15, 2024 13", "2022 14, 2023 13.4", "2025-01-01", "met", &["13 % i 2024 mod 13,4 % i 2023"]),
            ("2021 15, 2024 13", "2023 12.4, 2025 14", "2025-06-01", "missed", &["13 % i 2024 mod 12,4 % i 2023"]),
            ("2021 15, 2024 13", "2025 14", "2025-06-01", "no_data", &["13 % i 2024", "sammenligne"]),
            ("2021 15, 2023 13", "2023 14", "2025-01-01", "no_data", &["ingen værdi for 2024"]),
            ("2021 15, 2022 13", "2022 13", "2023-06-01", "on_course", &["13 % i 2022 mod 13 %", "målet for 2024"]),
            ("2021 15, 2022 14", "2021 13", "2023-06-01", "off_course", &["14 % i 2022 mod 13 % i 2021"]),
            ("2021 15", "2021 14", "2022-06-01", "open", &["15 % i 2021 mod 14 %"]),
            ("2021 14", "2021 14", "2022-06-01", "on_course", &["14 % i 2021 mod 14 %"]),
            ("2021 15, 2024 12:4", "2024 13", "2025-01-01", "no_data", &["2024", "gruppen er lille"]),
            ("2021 15, 2024 12:5", "2024 13", "2025-01-01", "met", &["12 % i 2024 mod 13 %"]),
        ],
    );
    // "I 2024 har alle ledere med personaleansvar gennemført uddannelsen."
    town.check(
        "ledere-uddannet-psykisk-arbejdsmiljoe",
        &[
            ("2021 40, 2024 100", "", "2025-01-01", "met", &["100 % i 2024", "mindst 100 %"]),
            ("2021 40, 2024 99.5", "", "2025-01-01", "missed", &["99,5 % i 2024", "mindst 100 %"]),
            ("2021 40, 2022 60", "", "2023-05-01", "on_course", &["60 % i 2022", "40 % i 2021", "målet for 2024"]),
            ("2021 40, 2022 59", "", "2023-05-01", "off_course", &["59 % i 2022", "40 % i 2021", "ventes mindst 60"]),
            ("2021 40", "", "2022-05-01", "open", &["40 % i 2021", "målet for 2024 om mindst 100 %"]),
            ("2021 100", "", "2022-05-01", "on_course", &["100 % i 2021", "allerede opfyldt"]),
            ("2021 40, 2025 100", "", "2026-01-01", "no_data", &["ingen værdi for 2024"]),
        ],
    );
    // "Høj deltagelse": the plan gives neither a number nor a day.
    town.check("trio-uddannelse-deltagelse", &[("2024 80", "", "2025-01-01", "pending", &["fastsættes senere."])]);
}

/// A plan from 2024 to 2025.
fn albertslund(town: &Town) {
    // "Genopslag af stillinger undgås."
    town.check(
        "genopslag",
        &[
            ("2024 2, 2025 0", "", "2026-01-01", "met", &["0 i 2025", "højst 0"]),
            ("2024 0, 2025 1", "", "2026-01-01", "missed", &["1 i 2025", "højst 0"]),
            ("2024 2, 2025 1", "", "2025-12-31", "off_course", &["1 i 2025", "2 i 2024", "ventes højst 0"]),
            ("2024 2, 2025 0", "", "2025-12-31", "on_course", &["0 i 2025", "2 i 2024"]),
            ("2024 2", "", "2025-03-01", "open", &["2 i 2024", "målet for 2025 om højst 0"]),
            ("2024 0", "", "2025-03-01", "on_course", &["0 i 2024", "allerede opfyldt"]),
            ("2024 0", "", "2026-03-01", "no_data", &["ingen værdi for 2025"]),
        ],
    );
    // "Sygefraværet er på niveau med omegnskommunernes."
    let name = "»Gennemsnit af omegnskommunerne«";
    let both = "11,4 dagsværk pr. fuldtidsansat i 2025 mod 11,6 dagsværk pr. fuldtidsansat";
    town.check(
        "sygefravaer",
        &[
            ("2024 12.1, 2025 11.4", "2025 11.6", "2026-01-15", "met", &[both, name]),
            ("2024 12.1, 2025 11.4", "2025 11.3", "2026-01-15", "missed", &["11,4 dagsværk", "11,3 dagsværk", name]),
            ("2024 12.1, 2025 11.4", "2024 11.3", "2026-01-15", "missed", &["i 2025 mod 11,3", "i 2024", name]),
            ("2024 12.1, 2025 11.4", "2025 11.4?", "2026-01-15", "met", &["(foreløbigt)"]),
            ("2024 12.1, 2025 11.4", "2024 11.3", "2025-06-15", "off_course", &["11,4", "11,3", "målet for 2025"]),
            // The straight line begins with the first value within the plan, not with an earlier one.
            ("2023 13, 2024 12.1", "2024 12", "2025-06-15", "open", &["12,1 dagsværk", "i 2024 mod 12 dagsværk"]),
            ("2023 13, 2024 11.9", "2024 12", "2025-06-15", "on_course", &["11,9 dagsværk", "12 dagsværk"]),
        ],
    );
    // "Måltal fastsættes efter den politiske behandling i foråret 2024."
    town.check(
        "unge-fritidsjobbere",
        &[
            ("", "", "2024-06-30", "pending", &["senest 30. juni 2024"]),
            ("2024 12", "", "2024-07-01", "pending", &["skulle være sket senest 30. juni 2024"]),
        ],
    );
}

/// "Alle arbejdspladser har drøftet onboarding": it is computed from committees' reports.
fn reports_cover_a_real_plan(app: &App) {
    let Some(bundle) = plan("albertslund") else { return };
    app.import(&bundle).unwrap();
    let town = Town { app, key: "albertslund" };
    let path = "plan-med-2024-2025/tilknytning/maalret-onboarding";
    check_coverage(&town, &bundle["municipality"], "onboarding-droeftet", "arbejdspladsmed", path);
}

/// The same for an invented plan.
fn reports_cover_an_invented_plan(app: &App) {
    let bundle = invented();
    app.import(&bundle).unwrap();
    let town = Town { app, key: HERE };
    let target = json!({"rule": "full_coverage", "period": "2025"});
    town.put(&json!({
        "key": "daekning", "title": "Drøftet", "direction": "increase", "frequency": "year",
        "unit_of_measure": "%", "method": "computed", "coverage_of": "plan/omraade/droeft",
        "coverage_level": "arbejdspladsmed", "targets": [target],
    }));
    check_coverage(&town, &bundle["municipality"], "daekning", "arbejdspladsmed", "plan/omraade/droeft");
}

fn check_coverage(town: &Town, municipality: &Value, indicator: &str, level: &str, action: &str) {
    town.judge(indicator, "2026-01-01", "no_data", &["2025"]);
    let committees: Vec<String> = (1..=4).map(|n| format!("arbejdsplads-{n}")).collect();
    for key in &committees {
        let body = json!({"key": key, "name": key, "level": level, "form": "committee", "starts_on": "2024-01-01"});
        town.send("POST", "/v1/committees", &body);
    }
    town.judge(indicator, "2026-01-01", "missed", &["0 % i 2025", "100 %"]);
    let report = |key: &str, stage: &str, day: &str| {
        let at = format!("{day}T12:00:00.000000Z");
        let report = json!({"action": action, "committee": key, "stage": stage, "reported_at": at});
        town.app.import(&json!({"municipality": municipality, "reports": [report]})).unwrap();
    };
    report(&committees[0], "done", "2024-11-03");
    report(&committees[1], "done", "2025-11-03");
    report(&committees[2], "in_progress", "2025-11-03");
    town.judge(indicator, "2026-01-01", "missed", &["50 % i 2025", "fuld dækning (100 %)", "ikke nået"]);
    town.judge(indicator, "2025-12-31", "off_course", &["50 % i 2025", "25 % i 2024", "100 %"]);
    town.judge(indicator, "2024-12-31", "open", &["25 % i 2024", "målet for 2025"]);
    report(&committees[2], "done", "2025-12-01");
    town.judge(indicator, "2026-01-01", "missed", &["75 % i 2025", "100 %"]);
    // A late report counts for the year in which it is made.
    report(&committees[3], "done", "2026-01-10");
    town.judge(indicator, "2026-02-01", "missed", &["75 % i 2025", "100 %"]);
    report(&committees[3], "done", "2025-12-31");
    town.judge(indicator, "2026-02-01", "met", &["100 % i 2025", "er nået"]);
}

/// A municipality with a plan from 2021 to 2024, and one without an end date.
fn invented() -> Value {
    let objective = json!({"key": "maal", "kind": "goal", "text": "Det skal blive bedre."});
    let droeft = json!({
        "key": "droeft", "title": "Drøft", "kind": "discussion",
        "audience": [{"role": "responsible", "level": "arbejdspladsmed"}],
    });
    let area = json!({"key": "omraade", "title": "Område", "objectives": [objective], "actions": [droeft]});
    let strategy =
        |key: &str| json!({"key": key, "title": "Plan", "kind": "plan", "status": "adopted", "focus_areas": [area]});
    let (mut plan, endless) = (strategy("plan"), strategy("uden-ende"));
    (plan["starts_on"], plan["ends_on"]) = (json!("2021-01-01"), json!("2024-12-31"));
    let unit =
        |key: &str, parent: Option<&str>| json!({"key": key, "name": key, "kind": "workplace", "parent": parent});
    json!({
        "municipality": {"key": HERE, "code": "999", "name": HERE},
        "levels": [{"key": "arbejdspladsmed", "name": "ArbejdspladsMED", "rank": 1}],
        "units": [unit("center", None), unit("nord", Some("center")), unit("syd", Some("center"))],
        "strategies": [plan, endless],
    })
}

fn every_rule_gets_the_right_verdict(app: &App) {
    app.import(&invented()).unwrap();
    let plans: Plans = [numbers(), courses(), comparisons(), times()].into_iter().flatten().collect();
    for (n, (mut indicator, cases)) in plans.into_iter().enumerate() {
        let key = format!("noegletal-{n}");
        indicator["key"] = json!(key);
        let town = Town { app, key: HERE };
        town.put(&indicator);
        town.check(&key, &cases);
    }
}

fn partial_and_hidden_values_give_no_verdict(app: &App) {
    app.import(&invented()).unwrap();
    let town = Town { app, key: HERE };
    let counted = json!({"unit_of_measure": "antal", "direction": "decrease", "aggregation": "sum", "min_group": 5});
    let value =
        |unit: &str, value: f64, count: i64| json!({"period": "2024", "unit": unit, "value": value, "count": count});
    let both = |nord: f64, syd: f64| vec![value("nord", nord, 30), value("syd", syd, 30)];
    let cases = [
        ("sum", "center", both(4.0, 6.0), "met", vec!["10 i 2024", "højst 10"]),
        ("sum", "center", both(5.0, 6.0), "missed", vec!["11 i 2024", "højst 10"]),
        ("none", "center", both(4.0, 6.0), "no_data", vec!["ingen værdi for 2024"]),
        ("sum", "center", vec![value("nord", 4.0, 30)], "no_data", vec!["4 i 2024", "1 af 2 enheder"]),
        ("mean", "center", vec![value("nord", 4.0, 30)], "met", vec!["4 i 2024 (1 af 2 enheder)"]),
        ("mean", "center", vec![value("nord", 4.0, 30), value("syd", 40.0, 10)], "missed", vec!["13 i 2024"]),
        ("none", "center", vec![value("center", 4.0, 5)], "met", vec!["4 i 2024"]),
        ("none", "center", vec![value("center", 4.0, 4)], "no_data", vec!["2024", "gruppen er lille"]),
        ("sum", "center", vec![value("nord", 1.0, 2), value("syd", 2.0, 2)], "no_data", vec!["gruppen er lille"]),
        // A large group is hidden together with a small one, and a part together with a small remainder.
        ("sum", "nord", vec![value("nord", 1.0, 30), value("syd", 2.0, 2)], "no_data", vec!["gruppen er lille"]),
        ("sum", "center", vec![value("nord", 1.0, 30), value("syd", 2.0, 2)], "met", vec!["3 i 2024"]),
        ("none", "nord", vec![value("center", 4.0, 30), value("nord", 1.0, 28)], "no_data", vec!["gruppen er lille"]),
    ];
    for (n, (aggregation, unit, values, verdict, reason)) in cases.into_iter().enumerate() {
        let mut indicator = aiming(json!({"rule": "at_most", "value": 10, "unit": unit}), counted.clone());
        let key = format!("noegletal-{n}");
        (indicator["key"], indicator["aggregation"]) = (json!(key), json!(aggregation));
        town.put(&indicator);
        town.send("PUT", &format!("/v1/indicators/{key}/values"), &json!({"values": values}));
        town.judge(&key, "2025-01-01", verdict, &reason);
    }
}
