//! Values of several indicators in one request, and their pages.

use serde_json::{Value, json};

use crate::harness::App;
use crate::indicators::{create, indicator, measure, sample_municipality};
use crate::reports::with;
use crate::values::{begin, place, row};

crate::tests![
    one_request_reads_several_indicators,
    one_request_reads_the_indicators_of_a_plan,
    the_latest_is_that_of_each_indicator,
    pages_make_the_whole,
];

/// Creates two more indicators beside `i`: `a` is monthly, `j` has no values yet.
fn measure_two(app: &App) {
    begin(app, json!({}));
    create(app, indicator("a", json!({"frequency": "month", "aggregation": "sum"})));
    create(app, indicator("j", json!({})));
    let monthly = json!([
        row("2023-12", "n1", 1.0, None),
        row("2024-01", "n1", 2.0, None),
        row("2024-02", "n2", 4.0, None),
        row("2024-03", "alone", 8.0, None),
    ]);
    measure(app, "a", monthly);
    measure(
        app,
        "i",
        json!([row("2023", "n1", 5.0, None), row("2024", "n2", 6.0, None), {"period": "2022", "value": 7}]),
    );
}

fn one_request_reads_several_indicators(app: &App) {
    measure_two(app);
    let told = |query: &str| {
        let rows = app.list(&format!("/v1/values?{query}"));
        rows.iter().map(|item| format!("{} {}", item["indicator"].as_str().unwrap(), place(item))).collect::<Vec<_>>()
    };
    assert_eq!(told("unit=n1"), ["a 2023-12 n1 -", "a 2024-01 n1 -", "i 2023 n1 -"]);
    assert_eq!(told("unit=n1&from=2024"), ["a 2024-01 n1 -"]);
    assert_eq!(told("unit=north&subtree=true&indicator=i"), ["i 2023 n1 -", "i 2024 n2 -"]);
    assert_eq!(told("indicator=i,j,nope&unit="), ["i 2022 - -"]);
    assert_eq!(told("unit=north&indicator=a"), ["a 2023-12 north -", "a 2024-01 north -", "a 2024-02 north -"]);
    assert_eq!(told("unit=north&indicator=a&aggregates=false"), [""; 0]);
    assert_eq!(told("group=laerere"), [""; 0]);
    for key in ["a", "i", "j"] {
        let alone = app.list(&format!("/v1/indicators/{key}/values"));
        assert_eq!(app.list(&format!("/v1/values?indicator={key}")), alone, "{key}");
    }
    let page = app.get("/v1/values?unit=n1&limit=2").expect(200);
    let heads = |page: &Value| {
        page["indicators"].as_array().unwrap().iter().map(|head| head["key"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(heads(&page.json()), ["a"], "those of the page");
    let next = page.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(page.header("link"), Some(format!("</v1/values?unit=n1&limit=2&cursor={next}>; rel=\"next\"").as_str()));
    assert_eq!(heads(&app.get(&format!("/v1/values?unit=n1&limit=2&cursor={next}")).json()), ["i"]);
    for query in ["indicator=", "indicator=a,", "indicator=A", "benchmark=x", "format=svg", "latest=yes", "limit=10001"]
    {
        app.get(&format!("/v1/values?{query}")).expect_problem(400, "invalid-query");
    }
}

fn one_request_reads_the_indicators_of_a_plan(app: &App) {
    app.import(&sample_municipality()).unwrap();
    for (key, objectives) in [
        ("a", vec!["plan/a/o", "plan/a/p"]),
        ("b", vec!["next/a/o"]),
        ("c", vec!["plan/a/p", "next/a/o"]),
        ("d", vec![]),
    ] {
        create(app, indicator(key, json!({"objectives": objectives})));
        measure(app, key, json!([{"period": "2023", "value": 1}, {"period": "2024", "unit": "school", "value": 2}]));
    }
    let plan = app.get("/v1/strategies/plan").json()["id"].as_str().unwrap().to_owned();
    let told = |query: &str| {
        let rows = app.list(&format!("/v1/values?{query}"));
        rows.iter().map(|item| format!("{} {}", item["indicator"].as_str().unwrap(), place(item))).collect::<Vec<_>>()
    };
    let all = ["a 2023 - -", "a 2024 school -", "c 2023 - -", "c 2024 school -"];
    for (query, expected) in [
        ("strategy=plan", &all[..]),
        (&format!("strategy={plan}"), &all),
        ("strategy=plan&limit=1", &all),
        ("strategy=plan&indicator=b,c,d", &all[2..]),
        ("strategy=plan&unit=school&latest=true", &[all[1], all[3]]),
        ("strategy=nope", &[]),
    ] {
        assert_eq!(told(query), expected, "{query}");
    }
    assert_eq!(told("strategy=next&unit="), ["b 2023 - -", "c 2023 - -"]);
    let table = String::from_utf8(app.get("/v1/values?strategy=plan&format=csv").expect(200).body).unwrap();
    assert_eq!(table.lines().count(), 5, "{table}");
}

fn the_latest_is_that_of_each_indicator(app: &App) {
    measure_two(app);
    let told = |query: &str| {
        let rows = app.list(&format!("/v1/values?latest=true&{query}"));
        rows.iter().map(|item| format!("{} {}", item["indicator"].as_str().unwrap(), place(item))).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("unit=n1", vec!["a 2024-01 n1 -", "i 2023 n1 -"]),
        ("unit=n2", vec!["a 2024-02 n2 -", "i 2024 n2 -"]),
        ("unit=north", vec!["a 2024-02 north -"]),
        ("unit=north&subtree=true", vec!["a 2024-02 n2 -", "a 2024-02 north -", "i 2024 n2 -"]),
        ("unit=", vec!["a 2024-03 - -", "i 2022 - -"]),
        ("", vec!["a 2024-03 - -", "a 2024-03 alone -", "i 2024 n2 -"]),
        ("aggregates=false", vec!["a 2024-03 alone -", "i 2024 n2 -"]),
        ("to=2023", vec!["a 2023-12 - -", "a 2023-12 centre -", "a 2023-12 n1 -", "a 2023-12 north -", "i 2023 n1 -"]),
        ("unit=n1&from=2024", vec!["a 2024-01 n1 -"]),
        ("unit=s1", vec![]),
        ("group=laerere", vec![]),
    ] {
        assert_eq!(told(query), expected, "{query}");
        assert_eq!(told(&format!("{query}&limit=1")), expected, "{query}");
    }
}

fn pages_make_the_whole(app: &App) {
    begin(app, json!({"frequency": "month", "aggregation": "mean", "min_group": 5}));
    create(app, indicator("a", json!({"aggregation": "sum"})));
    create(app, indicator("z", json!({"frequency": "once"})));
    let mut rows = Vec::new();
    for month in ["2023-11", "2023-12", "2024-01", "2025-07"] {
        for (n, unit) in ["n1", "n2", "s1", "alone"].iter().enumerate() {
            rows.push(row(month, unit, n as f64, Some(3 * n as i64 + 1)));
            rows.push(with(row(month, unit, n as f64, Some(n as i64)), json!({"group": "laerere"})));
        }
    }
    measure(app, "i", json!(rows));
    measure(
        app,
        "a",
        json!([row("2024", "n1", 1.0, None), row("2024", "s1", 2.0, None), row("1999", "n2", 3.0, None)]),
    );
    let days = json!([
        {"period": "2024", "value": 1}, {"period": "2024-H1", "value": 2}, {"period": "2024-01-01", "value": 3},
    ]);
    measure(app, "z", days);
    let reader = app.token("med.read");
    let all = |path: &str, limit: usize| {
        let (mut items, mut cursor, separator) =
            (Vec::new(), String::new(), if path.contains('?') { '&' } else { '?' });
        loop {
            let request = app.request("GET", &format!("{path}{separator}limit={limit}{cursor}")).token(&reader);
            let page = request.send().expect(200).json();
            let found = page["items"].as_array().unwrap();
            assert!(found.len() <= limit, "{path}");
            items.extend(found.iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    };
    for (path, least) in [
        ("/v1/indicators/i/values", 60),
        ("/v1/indicators/i/values?unit=centre&subtree=true&group=laerere", 20),
        ("/v1/indicators/i/values?unit=north", 8),
        ("/v1/indicators/z/values", 3),
        ("/v1/values", 70),
        ("/v1/values?unit=", 10),
        ("/v1/values?latest=true&aggregates=false", 10),
    ] {
        let whole = all(path, 10_000);
        assert!(whole.len() >= least, "{path}: {}", whole.len());
        for limit in [1, 3, 1_000] {
            assert_eq!(all(path, limit), whole, "{path} {limit}");
        }
    }
    assert_eq!(
        all("/v1/indicators/z/values", 1).iter().map(place).collect::<Vec<_>>(),
        ["2024 - -", "2024-H1 - -", "2024-01-01 - -"]
    );
}
