//! The contract: the committed file is the generated one, it is complete, and answers agree with it.

use serde_json::{Value, json};

use crate::harness::App;

crate::tests![
    the_committed_contract_is_the_generated_one,
    every_operation_is_described,
    every_operation_names_its_scopes,
    failures_are_declared_once,
    every_example_fits_its_schema,
    answers_fit_their_schemas,
];

fn contract(app: &App) -> Value {
    app.get("/v1/openapi.json").expect(200).json()
}

fn the_committed_contract_is_the_generated_one(app: &App) {
    let committed = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json")).unwrap();
    let served = app.request("GET", "/v1/openapi.json").without_token().send().expect(200).body;
    assert!(committed == served, "the contract changed: cargo run -- openapi > openapi/openapi.json, and commit it");
}

fn operations(contract: &Value) -> Vec<(String, &Value)> {
    let paths = contract["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect()
}

/// The value that a `$ref` refers to.
fn resolved<'c>(contract: &'c Value, value: &'c Value) -> &'c Value {
    match value["$ref"].as_str() {
        Some(path) => contract.pointer(path.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

fn every_operation_is_described(app: &App) {
    let contract = contract(app);
    assert_eq!(contract["openapi"], "3.1.0");
    for part in
        ["/info/description", "/info/license/identifier", "/servers/0/url", "/components/securitySchemes/bearer/scheme"]
    {
        assert!(contract.pointer(part).is_some_and(|value| !value.as_str().unwrap().is_empty()), "{part}");
    }
    let tags: Vec<&Value> = contract["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = std::collections::BTreeSet::new();
    for (name, operation) in operations(&contract) {
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{name} has no summary");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name} shares its operationId");
        assert!(tags.contains(&&operation["tags"][0]), "{name} has a tag that is not declared");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {parameter}");
        }
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let answer = resolved(&contract, answer);
            assert!(answer["description"].is_string(), "{name} {status}");
            if !["204", "304"].contains(&status.as_str()) {
                let content = answer["content"].as_object().unwrap_or_else(|| panic!("{name} {status} has no content"));
                assert!(content.values().all(|media| media.get("example").is_some()), "{name} {status} has no example");
            }
            let is_problem = answer.pointer("/content/application~1problem+json").is_some();
            if let Some(example) = answer.pointer("/content/application~1problem+json/example") {
                assert_eq!(example["status"].to_string(), *status, "{name}: {example}");
            }
            assert_eq!(is_problem, status.starts_with(['4', '5']), "{name} {status}");
        }
        let body = &operation["requestBody"]["content"];
        assert!(body.as_object().into_iter().flatten().all(|(_, media)| media.get("example").is_some()), "{name}");
    }
}

fn every_operation_names_its_scopes(app: &App) {
    let contract = contract(app);
    for (name, operation) in operations(&contract) {
        let description = operation["description"].as_str().unwrap();
        let ways = operation["security"].as_array().unwrap();
        let scopes: Vec<&str> = ways.iter().map(|way| way["bearer"][0].as_str().unwrap()).collect();
        assert!(scopes.iter().all(|scope| description.contains(&format!("`{scope}`"))), "{name}: {description}");
        let says = if scopes.is_empty() { "Needs no token." } else { "Scope: `med." };
        assert!(description.contains(says), "{name}: {description}");
    }
}

fn failures_are_declared_once(app: &App) {
    let contract = contract(app);
    for (name, operation) in operations(&contract) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let is_reference = answer["$ref"].as_str().is_some_and(|path| path.starts_with("#/components/responses/"));
            assert_eq!(is_reference, !status.starts_with('2'), "{name} {status}: {answer}");
        }
    }
}

fn validator(contract: &Value, schema: &Value) -> jsonschema::Validator {
    let mut schema = schema.clone();
    schema["components"] = contract["components"].clone();
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
}

#[track_caller]
fn assert_fits(contract: &Value, schema: &Value, value: &Value, what: &str) {
    let validator = validator(contract, schema);
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:?}");
}

fn every_example_fits_its_schema(app: &App) {
    let contract = contract(app);
    for (name, operation) in operations(&contract) {
        let body = &operation["requestBody"]["content"];
        let answers = operation["responses"].as_object().unwrap().values();
        let contents = answers.map(|answer| &resolved(&contract, answer)["content"]).chain([body]);
        for media in contents.filter_map(Value::as_object).flat_map(|content| content.values()) {
            assert_fits(&contract, &media["schema"], &media["example"], &name);
        }
    }
}

fn answers_fit_their_schemas(app: &App) {
    let demo: Value = serde_json::from_str(include_str!("../../examples/demo.json")).unwrap();
    app.import(&demo).unwrap();
    let people = json!({"municipality": demo["municipality"], "employees": [{"key": "e-1", "name": "Ea Holm"}]});
    app.import(&people).unwrap();
    let contract = contract(app);
    let token = app.token_of("noerrelund", "med.admin med.audit");
    let get = |path: &str| app.request("GET", path).token(&token).send().expect(200).json();
    let tree = get("/v1/strategies/med-plan-2025-2028");
    let id = |pointer: &str| tree.pointer(pointer).unwrap()["id"].as_str().unwrap().to_owned();
    let mut checked = 0;
    for (path, methods) in contract["paths"].as_object().unwrap() {
        let schema = &methods["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        if schema.is_null() || !path.starts_with("/v1/") || path == "/v1/openapi.json" {
            continue;
        }
        let id = match path.split('/').nth(2).unwrap() {
            "levels" => "lokal-med".to_owned(),
            "units" | "committees" | "employees" | "memberships" => {
                let list = get(&format!("/v1/{}", path.split('/').nth(2).unwrap()));
                list["items"][0]["key"].as_str().unwrap().to_owned()
            }
            "strategies" => "med-plan-2025-2028".to_owned(),
            "focus-areas" => id("/focus_areas/0"),
            "objectives" => id("/focus_areas/0/objectives/0"),
            "actions" => id("/focus_areas/0/actions/0"),
            "indicators" => "sygefravaer".to_owned(),
            "reports" => {
                let reports = get(&format!("/v1/actions/{}/reports", id("/focus_areas/0/actions/0")));
                reports["items"][0]["id"].as_str().unwrap().to_owned()
            }
            _ => String::new(),
        };
        let path = path.replace("{id}", &id).replace("{key}", "sammenlignelige");
        assert_fits(&contract, schema, &get(&path), &path);
        checked += 1;
    }
    assert!(checked >= 17, "{checked} answers were checked");
}
