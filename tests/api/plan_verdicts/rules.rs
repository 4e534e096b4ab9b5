//! Targets of every rule, with values, days and the expected verdicts.

use serde_json::{Value, json};

use super::town::Case;

/// A yearly indicator in percent with direction `increase`, this target and these other fields.
pub fn aiming(target: Value, fields: Value) -> Value {
    let mut indicator = json!({
        "key": "noegletal", "title": "Nøgletal", "unit_of_measure": "%", "direction": "increase", "frequency": "year",
        "method": "register", "objectives": ["plan/omraade/maal"], "targets": [target],
        "benchmarks": [{"key": "naboer", "name": "Naboerne"}],
    });
    indicator.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    indicator
}

pub type Plans = Vec<(Value, Vec<Case<'static>>)>;

/// Targets with a number, after their period.
pub fn numbers() -> Plans {
    let plain = json!({});
    vec![
        (
            aiming(json!({"rule": "at_least", "value": 70}), plain.clone()),
            vec![
                ("2021 60, 2024 70", "", "2025-01-01", "met", &["70 % i 2024", "mindst 70 %"]),
                ("2021 60, 2024 69.9", "", "2025-01-01", "missed", &["69,9 % i 2024", "mindst 70 %"]),
                ("2021 60, 2024 69.9?", "", "2025-01-01", "missed", &["69,9 % i 2024 (foreløbigt)"]),
                ("2021 60, 2023 90", "", "2025-01-01", "no_data", &["ingen værdi for 2024"]),
            ],
        ),
        (
            aiming(json!({"rule": "at_least", "value": 70}), json!({"decimals": 0})),
            // Rounded numbers would contradict the verdict.
            vec![("2024 69.6", "", "2025-01-01", "missed", &["69,6 % i 2024", "mindst 70 %"])],
        ),
        (
            aiming(json!({"rule": "at_most", "value": 12.5, "period": "2023"}), plain.clone()),
            vec![
                ("2023 12.5, 2024 14", "", "2024-01-01", "met", &["12,5 % i 2023", "højst 12,5 %"]),
                ("2023 12.6, 2024 10", "", "2025-01-01", "missed", &["12,6 % i 2023", "højst 12,5 %"]),
            ],
        ),
        (
            aiming(json!({"rule": "maintain", "value": 70, "tolerance": 2}), json!({"direction": "maintain"})),
            vec![
                ("2024 72", "", "2025-01-01", "met", &["72 % i 2024", "70 ± 2 %"]),
                ("2024 68", "", "2025-01-01", "met", &["68 % i 2024", "70 ± 2 %"]),
                ("2024 72.1", "", "2025-01-01", "missed", &["72,1 % i 2024", "70 ± 2 %"]),
                ("2024 67.9", "", "2025-01-01", "missed", &["67,9 % i 2024", "70 ± 2 %"]),
                ("2021 60, 2022 71", "", "2023-06-01", "on_course", &["71 % i 2022", "målet for 2024"]),
                ("2021 70, 2022 75", "", "2023-06-01", "off_course", &["75 % i 2022", "70 ± 2 %"]),
                ("2021 75", "", "2022-06-01", "open", &["75 % i 2021", "70 ± 2 %"]),
            ],
        ),
        (
            aiming(json!({"rule": "maintain", "value": 3}), json!({"unit_of_measure": "antal"})),
            vec![
                ("2024 3", "", "2025-01-01", "met", &["3 i 2024", "holde 3"]),
                ("2024 4", "", "2025-01-01", "missed", &["4 i 2024", "holde 3"]),
            ],
        ),
        (
            aiming(json!({"rule": "full_coverage"}), plain.clone()),
            vec![
                ("2024 100", "", "2025-01-01", "met", &["100 % i 2024", "fuld dækning (100 %)"]),
                ("2024 99.9", "", "2025-01-01", "missed", &["99,9 % i 2024", "fuld dækning (100 %)"]),
            ],
        ),
        (
            aiming(json!({"rule": "pending", "decided_by": "2022-03-31"}), plain),
            vec![
                ("2021 60", "", "2022-03-31", "pending", &["senere, senest 31. marts 2022"]),
                ("2021 60", "", "2022-04-01", "pending", &["skulle være sket senest 31. marts 2022"]),
            ],
        ),
    ]
}

/// Targets before the end of their period.
pub fn courses() -> Plans {
    vec![
        (
            aiming(json!({"rule": "at_least", "value": 70}), json!({})),
            vec![
                ("2021 58, 2022 62", "", "2023-03-01", "on_course", &["62 % i 2022", "58 % i 2021", "mindst 62"]),
                ("2021 58, 2022 61.9", "", "2023-03-01", "off_course", &["61,9 % i 2022", "58 % i 2021"]),
                ("2019 20, 2021 58, 2022 62", "", "2023-03-01", "on_course", &["62 % i 2022", "58 % i 2021"]),
                ("2021 58, 2022 61, 2023 90", "", "2022-12-31", "off_course", &["61 % i 2022"]),
                ("2021 58, 2022 61, 2023 90?", "", "2023-01-01", "on_course", &["90 % i 2023 (foreløbigt)"]),
                ("2021 58, 2024 69", "", "2024-12-31", "off_course", &["69 % i 2024", "mindst 70 %"]),
                ("2019 20, 2020 90", "", "2021-03-01", "on_course", &["90 % i 2020"]),
                ("2019 20, 2020 30", "", "2021-03-01", "open", &["30 % i 2020", "inden for strategien"]),
            ],
        ),
        (
            aiming(json!({"rule": "at_least", "value": 70, "baseline_period": "2019"}), json!({})),
            vec![
                ("2019 20, 2021 58, 2022 50", "", "2023-03-01", "on_course", &["50 % i 2022", "20 % i 2019"]),
                ("2019 20, 2021 58, 2022 49", "", "2023-03-01", "off_course", &["49 % i 2022", "20 % i 2019"]),
            ],
        ),
        (
            aiming(json!({"rule": "at_most", "value": 5}), json!({"direction": "decrease"})),
            vec![
                ("2021 8, 2022 7", "", "2023-06-01", "on_course", &["7 % i 2022", "8 % i 2021", "højst 5 %"]),
                ("2021 8, 2023 6.5", "", "2024-06-01", "off_course", &["6,5 % i 2023", "8 % i 2021", "højst 6"]),
            ],
        ),
        (
            aiming(json!({"rule": "full_coverage"}), json!({})),
            vec![
                ("2021 40, 2022 60", "", "2023-06-01", "on_course", &["60 % i 2022", "40 % i 2021"]),
                ("2021 40, 2022 59", "", "2023-06-01", "off_course", &["59 % i 2022", "40 % i 2021"]),
            ],
        ),
        (
            aiming(json!({"rule": "at_least", "value": 70}), json!({"objectives": []})),
            vec![
                ("2021 58, 2022 69", "", "2023-06-01", "open", &["69 % i 2022", "ikke sat nogen dato"]),
                ("2021 58, 2022 70", "", "2023-06-01", "on_course", &["70 % i 2022", "ikke sat nogen dato"]),
            ],
        ),
        (
            aiming(json!({"rule": "at_least", "value": 70}), json!({"objectives": ["uden-ende/omraade/maal"]})),
            vec![("2021 58, 2022 69", "", "2026-06-01", "open", &["69 % i 2022", "ikke sat nogen dato"])],
        ),
    ]
}

/// Targets relative to a benchmark or to an earlier value.
pub fn comparisons() -> Plans {
    let at_benchmark = |tolerance: f64| json!({"rule": "at_benchmark", "benchmark": "naboer", "tolerance": tolerance});
    vec![
        (
            aiming(json!({"rule": "more_than_period", "baseline_period": "2021"}), json!({})),
            vec![
                ("2021 64, 2024 64.1", "", "2025-01-01", "met", &["64,1 % i 2024 mod 64 % i 2021", "flere"]),
                ("2021 64, 2024 64", "", "2025-01-01", "missed", &["64 % i 2024 mod 64 % i 2021"]),
                ("2021 64, 2022 66", "", "2023-06-01", "on_course", &["66 % i 2022 mod 64 % i 2021"]),
                ("2021 64, 2022 64", "", "2023-06-01", "off_course", &["64 % i 2022 mod 64 % i 2021"]),
                ("2021 64", "", "2023-06-01", "open", &["64 % i 2021", "målet for 2024"]),
                ("2021 64?, 2024 65", "", "2025-01-01", "met", &["65 % i 2024 mod 64 % i 2021 (foreløbigt)"]),
            ],
        ),
        (
            aiming(json!({"rule": "less_than_period", "baseline_period": "2021", "period": "2023"}), json!({})),
            vec![
                ("2021 64, 2023 63", "", "2024-01-01", "met", &["63 % i 2023 mod 64 % i 2021", "færre"]),
                ("2021 64, 2023 64", "", "2024-01-01", "missed", &["64 % i 2023 mod 64 % i 2021"]),
                ("2021 64, 2022 65", "", "2023-06-01", "off_course", &["65 % i 2022 mod 64 % i 2021"]),
            ],
        ),
        (
            aiming(at_benchmark(2.0), json!({})),
            vec![
                (
                    "2024 78",
                    "2024 80",
                    "2025-01-01",
                    "met",
                    &["78 % i 2024 mod 80 %", "2 procentpoint under »Naboerne«"],
                ),
                ("2024 77.9", "2024 80", "2025-01-01", "missed", &["77,9 % i 2024 mod 80 %", "»Naboerne«"]),
                ("2024 95", "2024 80", "2025-01-01", "met", &["95 % i 2024 mod 80 %"]),
            ],
        ),
        (
            aiming(at_benchmark(0.5), json!({"direction": "maintain", "unit_of_measure": "dage"})),
            vec![
                ("2024 7.5", "2024 8", "2025-01-01", "met", &["7,5 dage i 2024 mod 8 dage", "0,5 dage fra »Naboerne«"]),
                ("2024 7.4", "2024 8", "2025-01-01", "missed", &["7,4 dage i 2024 mod 8 dage"]),
                ("2024 8.6", "2024 8", "2025-01-01", "missed", &["8,6 dage i 2024 mod 8 dage"]),
            ],
        ),
        (
            aiming(json!({"rule": "at_benchmark", "benchmark": "naboer"}), json!({"direction": "decrease"})),
            vec![
                ("2024 8", "2023 8, 2025 7", "2025-06-01", "met", &["8 % i 2024 mod 8 % i 2023", "»Naboerne«"]),
                ("2024 8", "2023 7.9", "2025-06-01", "missed", &["8 % i 2024 mod 7,9 % i 2023", "lavere"]),
            ],
        ),
    ]
}

/// Indicators that are not yearly.
pub fn times() -> Plans {
    let least = |value: f64, period: &str| json!({"rule": "at_least", "value": value, "period": period});
    vec![
        (
            aiming(least(70.0, "2024"), json!({"frequency": "half_year"})),
            vec![
                ("2024-H1 80, 2024-H2 69", "", "2025-01-01", "missed", &["69 % i 2. halvår 2024", "mindst 70 %"]),
                ("2024-H1 80", "", "2025-01-01", "no_data", &["ingen værdi for 2. halvår 2024"]),
                ("2023-H2 60, 2024-H1 80", "", "2024-08-01", "on_course", &["80 % i 1. halvår 2024", "60 %"]),
            ],
        ),
        (
            aiming(least(70.0, "2024-Q2"), json!({"frequency": "month"})),
            vec![
                ("2024-05 60, 2024-06 70", "", "2024-07-01", "met", &["70 % i juni 2024", "mindst 70 %"]),
                ("2024-05 60, 2024-06 70", "", "2024-05-31", "open", &["60 % i maj 2024", "2. kvartal 2024"]),
            ],
        ),
        (
            aiming(json!({"rule": "at_least", "value": 70}), json!({"frequency": "quarter"})),
            vec![("2024-Q3 75, 2024-Q4 65", "", "2025-01-01", "missed", &["65 % i 4. kvartal 2024", "mindst 70 %"])],
        ),
        (
            aiming(least(70.0, "2024"), json!({"frequency": "biennium"})),
            vec![
                ("2021 60, 2023 71", "", "2025-01-01", "met", &["71 % i 2023", "mindst 70 %"]),
                ("2021 60", "", "2025-01-01", "no_data", &["ingen værdi for 2023"]),
            ],
        ),
        (
            aiming(least(70.0, "2024"), json!({"frequency": "once"})),
            vec![
                ("2023-05 60, 2024-03-12 75", "", "2025-01-01", "met", &["75 % den 12. marts 2024", "mindst 70 %"]),
                ("2023-05 60, 2025-03-12 75", "", "2025-06-01", "missed", &["60 % i maj 2023", "mindst 70 %"]),
                ("2023-05 60, 2024-03-12 75", "", "2024-02-01", "open", &["60 % i maj 2023", "mindst 70 %"]),
                ("2025-03-12 75", "", "2025-06-01", "no_data", &["ingen værdi til og med 2024"]),
            ],
        ),
    ]
}
