//! Completes the schemas of the document: flat, strict where clients send them, complete where clients read them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{SCHEMAS, members, operations, schema_name};
use crate::resource::REPLACEMENT;

const MERGE_PATCH: &str = "application/merge-patch+json";

/// What a PUT says of itself that takes back what GET answers.
const SENT_BACK: &str = "What GET answers can be sent back as it is. Read-only fields change nothing; they are an \
                         error where they don't say what is stored.";

/// Completes the schemas in place. From here on bodies can be checked against them.
pub(super) fn complete(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    members(schemas).for_each(|(_, schema)| move_examples_to_fields(schema));
    flatten(schemas);
    inline_scalars(document);
    add_read_only_fields(document);
    let sent = sent_by_clients(document);
    for (name, schema) in members(&mut document["components"]["schemas"]) {
        match sent.contains(name) {
            true => refuse_unknown_fields(schema),
            // A problem alone leaves out what it doesn't need.
            false if name != "Problem" => require_every_field(schema),
            false => {}
        }
    }
}

/// The names of the schemas that bodies are checked against. The result of a merge patch is checked as a whole row.
pub(super) fn of_bodies(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().into_iter().flat_map(Map::values);
    let operations = paths.flat_map(|path| path.as_object().into_iter().flat_map(Map::values));
    let contents =
        operations.flat_map(|operation| operation["requestBody"]["content"].as_object().into_iter().flatten());
    contents.filter_map(|(_, content)| schema_name(&content["schema"]["$ref"])).map(ToOwned::to_owned).collect()
}

/// An example of an object becomes an example of each of its fields, which other schemas may take over.
fn move_examples_to_fields(schema: &mut Value) {
    // Flattened types have their own fields in a part of an `allOf`.
    schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten().for_each(move_examples_to_fields);
    let Some(example) = schema["example"].as_object().cloned() else { return };
    for (name, value) in example {
        if let Some(property) = schema["properties"].get_mut(&name).and_then(Value::as_object_mut) {
            property.remove("examples");
            property.insert("example".into(), value);
        }
    }
    schema.as_object_mut().map(|schema| schema.remove("example"));
}

/// An `allOf` of objects becomes one object, which generators of clients understand and which can be strict.
fn flatten(schemas: &mut Value) {
    let nested = schemas.clone();
    for (_, schema) in members(schemas).filter(|(_, schema)| schema.get("allOf").is_some()) {
        let mut flat = flattened(schema, &nested);
        if let Some(description) = schema.get("description") {
            flat["description"] = description.clone();
        }
        *schema = flat;
    }
}

fn flattened(schema: &Value, schemas: &Value) -> Value {
    if let Some(name) = schema_name(&schema["$ref"]) {
        return flattened(&schemas[name], schemas);
    }
    let Some(parts) = schema["allOf"].as_array() else { return schema.clone() };
    let mut flat = json!({"type": "object", "properties": {}, "required": []});
    for part in parts {
        let part = flattened(part, schemas);
        if let (Some(into), Some(from)) = (flat["properties"].as_object_mut(), part["properties"].as_object()) {
            into.extend(from.clone());
        }
        if let (Some(into), Some(from)) = (flat["required"].as_array_mut(), part["required"].as_array()) {
            into.extend(from.iter().cloned());
        }
        if let Some(description) = part.get("description") {
            flat["description"] = description.clone();
        }
    }
    flat
}

/// Keys, dates and texts are strings with rules. They are written where they are used: a schema of their own would
/// only be one more reference to follow.
fn inline_scalars(document: &mut Value) {
    let is_scalar =
        |schema: &Value| matches!(schema["type"].as_str(), Some("string" | "integer")) && schema.get("enum").is_none();
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let (scalars, others): (Map<_, _>, Map<_, _>) = schemas.into_iter().partition(|(_, schema)| is_scalar(schema));
    document["components"]["schemas"] = others.into();
    inline(document, &scalars);
}

fn inline(value: &mut Value, scalars: &Map<String, Value>) {
    match value {
        Value::Object(members) => {
            let scalar = members.get("$ref").and_then(schema_name).and_then(|name| scalars.get(name));
            if let Some(scalar) = scalar.and_then(Value::as_object) {
                members.remove("$ref");
                // What stands beside the reference is about this very place and wins.
                let here = std::mem::replace(members, scalar.clone());
                if here.contains_key("example") {
                    members.remove("examples");
                }
                members.extend(here);
            }
            members.values_mut().for_each(|member| inline(member, scalars));
            merge_null_branch(members);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| inline(item, scalars)),
        _ => {}
    }
}

/// `oneOf: [null, string]` becomes `type: [string, null]`.
fn merge_null_branch(schema: &mut Map<String, Value>) {
    let Some([first, second]) = schema.get("oneOf").and_then(Value::as_array).map(Vec::as_slice) else { return };
    let (null, scalar) = if first["type"] == "null" { (first, second) } else { (second, first) };
    let Some(word @ ("string" | "integer" | "number" | "boolean")) = scalar["type"].as_str() else { return };
    if null["type"] != "null" || scalar.get("enum").is_some() {
        return;
    }
    let mut merged = scalar.as_object().cloned().unwrap_or_default();
    merged.insert("type".into(), json!([word, "null"]));
    schema.remove("oneOf");
    if schema.contains_key("example") {
        merged.remove("examples");
    }
    merged.append(schema);
    *schema = merged;
}

/// Gives each body that is a merge patch a schema of its own: any field may be left out, and those that are optional
/// may be null.
pub(super) fn add_patches(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let mut patches = Map::new();
    for (_, operation) in operations(document) {
        let content = operation.get_mut("requestBody").and_then(|body| body["content"].get_mut(MERGE_PATCH));
        let Some(reference) = content.map(|content| &mut content["schema"]["$ref"]) else { continue };
        if let Some(name) = schema_name(reference) {
            *reference = add_patch(name, &schemas, &mut patches).into();
        }
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(patches);
    }
}

/// Adds the patch of a schema and returns the reference to it. A merge patch goes on inside objects, and replaces
/// arrays whole.
fn add_patch(name: &str, schemas: &Value, patches: &mut Map<String, Value>) -> String {
    let mut patch = patch_of(&schemas[name]);
    for (_, property) in members(&mut patch["properties"]) {
        let branches = property.get("oneOf").and_then(Value::as_array).map_or(0, Vec::len);
        let places = (0..branches).map(|n| format!("/oneOf/{n}/$ref")).chain(["/$ref".to_owned()]);
        for place in places {
            let Some(reference) = property.pointer_mut(&place) else { continue };
            if let Some(target) = schema_name(reference).filter(|target| schemas[target]["type"] == "object") {
                *reference = add_patch(target, schemas, patches).into();
            }
        }
    }
    let patch_name = format!("{name}Patch");
    let reference = format!("{SCHEMAS}{patch_name}");
    patches.insert(patch_name, patch);
    reference
}

fn patch_of(schema: &Value) -> Value {
    let mut patch = schema.clone();
    let required: Vec<String> = serde_json::from_value(schema["required"].clone()).unwrap_or_default();
    for (name, property) in members(&mut patch["properties"]) {
        // A default would be read as "absent means this"; in a patch, absent means "as it is".
        property.as_object_mut().map(|property| property.remove("default"));
        if !required.contains(name) {
            make_nullable(property);
        }
    }
    if let Some(patch) = patch.as_object_mut() {
        patch.remove("required");
        patch.insert("minProperties".into(), 0.into());
        patch.insert("description".into(), "The fields that change (RFC 7396): null clears, absent leaves.".into());
    }
    patch
}

fn make_nullable(property: &mut Value) {
    let Some(schema) = property.as_object_mut() else { return };
    match schema.get("type").cloned() {
        Some(Value::String(word)) => {
            schema.insert("type".into(), json!([word, "null"]));
        }
        None if schema.contains_key("$ref") => {
            let target = schema.remove("$ref");
            schema.insert("oneOf".into(), json!([{"type": "null"}, {"$ref": target}]));
        }
        _ => {}
    }
}

/// A PUT that takes back what GET answers has a body of its own, a [`Replacement`](crate::resource::Replacement). It
/// also holds the fields of the answer that clients don't write.
fn add_read_only_fields(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let mut added = Map::new();
    for (_, operation) in operations(document).filter(|(method, _)| *method == "put") {
        let body = operation.get("requestBody").map(|body| &body["content"]["application/json"]["schema"]["$ref"]);
        let answer = operation
            .get("responses")
            .and_then(|answers| answers.pointer("/200/content/application~1json/schema/$ref"));
        let (Some(body), Some(answer)) = (body.and_then(schema_name), answer.and_then(schema_name)) else { continue };
        if body.ends_with(REPLACEMENT) {
            let whole = with_read_only_fields(&schemas[body], &schemas[answer], &schemas, &mut added);
            added.insert(body.to_owned(), whole);
            let own = operation.get("description").and_then(Value::as_str).unwrap_or_default();
            let description = format!("{own}\n\n{SENT_BACK}");
            operation.insert("description".into(), description.trim_start().into());
        }
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(added);
    }
}

fn with_read_only_fields(body: &Value, answer: &Value, schemas: &Value, added: &mut Map<String, Value>) -> Value {
    let mut whole = body.clone();
    for (name, field) in answer["properties"].as_object().into_iter().flatten() {
        let Some(own) = whole["properties"].get_mut(name) else {
            whole["properties"][name] = field.clone();
            whole["properties"][name]["readOnly"] = true.into();
            continue;
        };
        // Rows within have fields of the service's too.
        for place in ["/$ref", "/items/$ref"] {
            let Some(answered) = field.pointer(place).and_then(schema_name) else { continue };
            let Some(sent) = own.pointer(place).and_then(schema_name).filter(|sent| *sent != answered) else {
                continue;
            };
            let part = format!("{sent}{REPLACEMENT}");
            let schema = with_read_only_fields(&schemas[sent], &schemas[answered], schemas, added);
            added.insert(part.clone(), schema);
            if let Some(reference) = own.pointer_mut(place) {
                *reference = format!("{SCHEMAS}{part}").into();
            }
        }
    }
    whole
}

/// Bodies are strict: an unknown field is a mistake, not a comment.
fn refuse_unknown_fields(schema: &mut Value) {
    if schema["type"] == "object" && schema.get("additionalProperties").is_none() {
        schema["additionalProperties"] = false.into();
    }
}

/// Answers always have every field, null or empty where there is nothing.
fn require_every_field(schema: &mut Value) {
    if let Some(properties) = schema["properties"].as_object() {
        schema["required"] = properties.keys().cloned().collect();
    }
}

/// Removes the schemas that nothing refers to.
pub(super) fn drop_unused(document: &mut Value) {
    let mut used = BTreeSet::new();
    collect_references(&document["paths"], &mut used);
    collect_references(&document["components"]["responses"], &mut used);
    add_indirect(&document["components"]["schemas"], &mut used);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| used.contains(name));
    }
}

/// The schemas that clients send, those within others included.
fn sent_by_clients(document: &mut Value) -> BTreeSet<String> {
    let mut sent = BTreeSet::new();
    for (_, operation) in operations(document) {
        if let Some(body) = operation.get("requestBody") {
            collect_references(body, &mut sent);
        }
    }
    add_indirect(&document["components"]["schemas"], &mut sent);
    sent
}

fn collect_references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            names.extend(members.get("$ref").and_then(schema_name).map(ToOwned::to_owned));
            members.values().for_each(|member| collect_references(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, names)),
        _ => {}
    }
}

/// Adds the schemas that the named ones refer to, directly or through others.
fn add_indirect(schemas: &Value, names: &mut BTreeSet<String>) {
    let mut unread: Vec<String> = names.iter().cloned().collect();
    while let Some(name) = unread.pop() {
        let mut direct = BTreeSet::new();
        collect_references(&schemas[&name], &mut direct);
        unread.extend(direct.difference(names).cloned().collect::<Vec<_>>());
        names.extend(direct);
    }
}
