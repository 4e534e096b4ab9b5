//! An example for every body and answer, put together from the examples of its fields.

use serde_json::{Value, json};

use super::{members, operations, schema_name};

/// Fills in the examples that no handler has written.
pub(super) fn complete(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    for (_, operation) in operations(document) {
        if let Some(body) = operation.get_mut("requestBody") {
            fill(&mut body["content"], &schemas);
        }
        for (_, response) in operation.get_mut("responses").into_iter().flat_map(members) {
            // Some answers have no content, others are references.
            if let Some(content) = response.get_mut("content") {
                fill(content, &schemas);
            }
        }
    }
}

fn fill(content: &mut Value, schemas: &Value) {
    for (_, media) in members(content) {
        if media.get("example").is_none() && media.get("examples").is_none() && media.get("schema").is_some() {
            media["example"] = example(&media["schema"], schemas, 0);
        }
    }
}

/// How deep arrays are filled: schemas may contain themselves.
const MAX_DEPTH: usize = 8;

fn example(schema: &Value, schemas: &Value, depth: usize) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    // What may be null, and has no example of its own, is null in the example.
    let may_be_null = schema["type"].as_array().is_some_and(|types| types.contains(&"null".into()));
    if may_be_null || schema.get("oneOf").is_some() {
        return Value::Null;
    }
    if let Some(example) = schema["examples"].get(0) {
        return example.clone();
    }
    if let Some(name) = schema_name(&schema["$ref"]) {
        return example(&schemas[name], schemas, depth);
    }
    if let Some(value) = schema.get("default").or_else(|| schema["enum"].get(0)) {
        return value.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            // What the service writes itself may be sent, and needn't.
            let properties = schema["properties"].as_object().into_iter().flatten();
            let properties = properties.filter(|(_, property)| property["readOnly"] != true);
            properties.map(|(name, property)| (name.clone(), example(property, schemas, depth + 1))).collect()
        }
        Some("array") if depth < MAX_DEPTH => json!([example(&schema["items"], schemas, depth + 1)]),
        Some("array") => json!([]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 1.into()),
        Some("boolean") => false.into(),
        Some("string") if schema["format"] == "date" => "2025-01-31".into(),
        Some("string") => "tekst".into(),
        _ => Value::Null,
    }
}
