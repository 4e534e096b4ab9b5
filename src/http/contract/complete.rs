//! Completes the generated document with what follows from the form of its operations, so that no
//! handler has to repeat it: flat schemas, strict bodies, the answers that every such operation
//! gives, and an example wherever a body or an answer stands.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

const SCHEMAS: &str = "#/components/schemas/";
const PROBLEM: &str = "application/problem+json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// Completes the schemas in place: from here on they can be held against bodies.
pub(super) fn complete_schemas(document: &mut Value) {
    give_fields_their_examples(document);
    flatten_schemas(document);
    write_scalars_where_they_are_used(document);
    let in_bodies = reachable_from_bodies(document);
    refuse_unknown_fields(document, &in_bodies);
    promise_every_field(document, &in_bodies);
}

/// Completes the operations in place, and drops what nothing refers to.
pub(super) fn complete_operations(document: &mut Value) {
    add_patch_schemas(document);
    add_shared_answers(document);
    for_each_operation(document, add_answers);
    for_each_operation(document, describe);
    drop_unused_schemas(document);
    add_examples(document);
}

/// The names of the schemas that bodies are held against; what a merge patch makes of a row, against
/// the whole row's.
pub(super) fn body_schemas(document: &Value) -> BTreeSet<String> {
    let operations = document["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(_, path)| path.as_object().into_iter().flatten().map(|(_, operation)| operation));
    let contents =
        operations.flat_map(|operation| operation["requestBody"]["content"].as_object().into_iter().flatten());
    let names = contents.filter_map(|(_, content)| content["schema"]["$ref"].as_str()?.strip_prefix(SCHEMAS));
    names.map(ToOwned::to_owned).collect()
}

fn for_each_operation(document: &mut Value, mut visit: impl FnMut(&str, &mut Map<String, Value>)) {
    for path in document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        for (method, operation) in path.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                visit(method, operation);
            }
        }
    }
}

/// An example of a whole object is an example of each of its fields, wherever they end up.
fn give_fields_their_examples(document: &mut Value) {
    for schema in document["components"]["schemas"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        give_fields_examples(schema);
        // Flattened types have their own fields in a part of an `allOf`.
        schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten().for_each(give_fields_examples);
    }
}

fn give_fields_examples(schema: &mut Value) {
    let Some(example) = schema["example"].as_object().cloned() else { return };
    for (name, value) in example {
        if let Some(property) = schema["properties"].get_mut(&name).and_then(Value::as_object_mut) {
            property.remove("examples");
            property.insert("example".into(), value);
        }
    }
    schema.as_object_mut().map(|schema| schema.remove("example"));
}

/// `allOf` of objects becomes one object: readers, generators and strictness all gain.
fn flatten_schemas(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    for (_, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        if schema.get("allOf").is_some() {
            let description = schema.get("description").cloned();
            let mut flat = flattened(schema, &schemas);
            if let Some(description) = description {
                flat["description"] = description;
            }
            *schema = flat;
        }
    }
}

fn flattened(schema: &Value, schemas: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix(SCHEMAS)) {
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

/// Keys, dates and texts are strings with rules; a name of their own would only stand in the way.
fn write_scalars_where_they_are_used(document: &mut Value) {
    let is_scalar =
        |schema: &Value| matches!(schema["type"].as_str(), Some("string" | "integer")) && schema.get("enum").is_none();
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let scalars: Map<String, Value> = schemas.into_iter().filter(|(_, schema)| is_scalar(schema)).collect();
    inline(document, &scalars);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| !scalars.contains_key(name));
    }
}

fn inline(value: &mut Value, scalars: &Map<String, Value>) {
    match value {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(SCHEMAS));
            if let Some(scalar) = target.and_then(|name| scalars.get(name)).and_then(Value::as_object) {
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

/// A merge patch may leave out any field, and clear those that may be missing.
fn add_patch_schemas(document: &mut Value) {
    let mut patches = Map::new();
    let schemas = document["components"]["schemas"].clone();
    for_each_operation(document, |_, operation| {
        let content = operation.get_mut("requestBody").and_then(|body| body["content"].get_mut(MERGE_PATCH));
        let Some(path) = content.map(|content| &mut content["schema"]["$ref"]) else { return };
        let Some(name) = path.as_str().and_then(|path| path.strip_prefix(SCHEMAS)).map(ToOwned::to_owned) else {
            return;
        };
        *path = add_patch_schema(&name, &schemas, &mut patches).into();
    });
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(patches);
    }
}

/// The path of the patch's schema. A merge patch goes on inside of objects; arrays it replaces whole.
fn add_patch_schema(name: &str, schemas: &Value, patches: &mut Map<String, Value>) -> String {
    let mut patch = patch_schema(&schemas[name]);
    for property in patch["properties"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        let branches = property.get("oneOf").and_then(Value::as_array).map_or(0, Vec::len);
        let places = (0..branches).map(|n| format!("/oneOf/{n}/$ref")).chain(["/$ref".to_owned()]);
        for place in places {
            let Some(path) = property.pointer_mut(&place) else { continue };
            let target = path.as_str().and_then(|path| path.strip_prefix(SCHEMAS)).map(ToOwned::to_owned);
            if let Some(target) = target.filter(|target| schemas[target]["type"] == "object") {
                *path = add_patch_schema(&target, schemas, patches).into();
            }
        }
    }
    let patch_name = format!("{name}Patch");
    let path = format!("{SCHEMAS}{patch_name}");
    patches.insert(patch_name, patch);
    path
}

fn patch_schema(schema: &Value) -> Value {
    let mut patch = schema.clone();
    let required: Vec<String> = serde_json::from_value(schema["required"].clone()).unwrap_or_default();
    for (name, property) in patch["properties"].as_object_mut().into_iter().flatten() {
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

fn reachable_from_bodies(document: &mut Value) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    for_each_operation(document, |_, operation| {
        if let Some(body) = operation.get("requestBody") {
            referenced(body, &mut reached);
        }
    });
    close(&document["components"]["schemas"], &mut reached);
    reached
}

/// Answers always have every field, null or empty where there is nothing; a problem alone leaves out
/// what it doesn't need.
fn promise_every_field(document: &mut Value, in_bodies: &BTreeSet<String>) {
    for (name, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        if in_bodies.contains(name) || name == "Problem" {
            continue;
        }
        if let Some(properties) = schema["properties"].as_object() {
            schema["required"] = properties.keys().cloned().collect();
        }
    }
}

/// Bodies are strict: what is no field is a mistake, not a comment.
fn refuse_unknown_fields(document: &mut Value, in_bodies: &BTreeSet<String>) {
    let schemas = &mut document["components"]["schemas"];
    for name in in_bodies {
        if schemas[name]["type"] == "object" && schemas[name].get("additionalProperties").is_none() {
            schemas[name]["additionalProperties"] = false.into();
        }
    }
}

fn referenced(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(SCHEMAS));
            names.extend(target.map(ToOwned::to_owned));
            members.values().for_each(|member| referenced(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| referenced(item, names)),
        _ => {}
    }
}

/// Adds what the named schemas refer to, and so on.
fn close(schemas: &Value, names: &mut BTreeSet<String>) {
    let mut waiting: Vec<String> = names.iter().cloned().collect();
    while let Some(name) = waiting.pop() {
        let mut below = BTreeSet::new();
        referenced(&schemas[&name], &mut below);
        waiting.extend(below.difference(names).cloned().collect::<Vec<_>>());
        names.extend(below);
    }
}

fn drop_unused_schemas(document: &mut Value) {
    let mut used = BTreeSet::new();
    referenced(&document["paths"], &mut used);
    referenced(&document["components"]["responses"], &mut used);
    close(&document["components"]["schemas"], &mut used);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| used.contains(name));
    }
}

/// The answers that many operations give: status, name in the contract, description.
const SHARED: [(u16, &str, &str); 15] = [
    (400, "BadRequest", "The request, its query or its body can't be understood"),
    (401, "InvalidToken", "The token is missing or not valid"),
    (403, "InsufficientScope", "The token lacks the scope, or its municipality is not here"),
    (404, "NotFound", "There is no such row"),
    (408, "RequestTimeout", "The body did not arrive in time"),
    (412, "PreconditionFailed", "The row has changed in the meantime"),
    (413, "TooLarge", "The body is too large"),
    (414, "UrlTooLong", "The address is longer than this service takes"),
    (415, "UnsupportedMediaType", "The body has another media type"),
    (422, "InvalidBody", "The body breaks a rule; `errors` lists every fault"),
    (428, "PreconditionRequired", "`If-Match` is missing"),
    (429, "TooManyRequests", "The token's subject, or the address, has sent more requests than it may"),
    (431, "HeadersTooLarge", "The headers are larger than this service takes"),
    (500, "Internal", "The service failed; its log has the cause"),
    (503, "Unavailable", "The database is busy; try again after `Retry-After` seconds"),
];

fn add_shared_answers(document: &mut Value) {
    for (status, name, description) in SHARED {
        let mut answer = json!({
            "description": description,
            "headers": {"X-Request-Id": request_id_header()},
            "content": {PROBLEM: {"schema": {"$ref": format!("{SCHEMAS}Problem")}}},
        });
        match status {
            401 | 403 => answer["headers"]["WWW-Authenticate"] = challenge_header(),
            429 | 503 => answer["headers"]["Retry-After"] = header("Seconds until another try makes sense"),
            _ => {}
        }
        if status == 429 {
            answer["headers"]["RateLimit-Policy"] =
                header("The rates in force: `q` requests at once after a pause, refilled in `w` seconds");
            answer["headers"]["RateLimit"] =
                header("What is left: `r` requests at once; in `t` seconds all of them; with every answer");
        }
        document["components"]["responses"][name] = answer;
    }
}

/// The answers and headers that follow from what an operation takes.
fn add_answers(method: &str, operation: &mut Map<String, Value>) {
    let parameters = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
    let takes = |place: &str, name: Option<&str>| {
        parameters.iter().any(|parameter| parameter["in"] == place && name.is_none_or(|name| parameter["name"] == name))
    };
    let is_guarded = operation.get("security").and_then(Value::as_array).is_some_and(|needs| !needs.is_empty());
    if !is_guarded {
        operation.insert("security".into(), json!([]));
    }
    let mut statuses = vec![400, 414, 429, 431, 500];
    if is_guarded {
        statuses.extend([401, 403, 503]);
    }
    if operation.contains_key("requestBody") {
        statuses.extend([408, 413, 415, 422]);
    }
    if takes("path", None) && is_guarded {
        statuses.push(404);
    }
    if takes("header", Some("If-Match")) {
        statuses.extend([412, 428]);
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, answer) in responses.iter_mut() {
        let content = answer["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default().to_owned();
        if status.starts_with('2') && takes("header", Some("If-None-Match")) || status == "201" || method == "patch" {
            answer["headers"]["ETag"] = header("The version of what is answered");
        }
        if status == "201" {
            answer["headers"]["Location"] = header("Where the new row stands");
        }
        if content.ends_with("Page") {
            answer["headers"]["Link"] = header("`rel=\"next\"`: the next page, where there is one");
        }
        if matches!(status.as_str(), "401" | "403") {
            answer["headers"]["WWW-Authenticate"] = challenge_header();
        }
        answer["headers"]["X-Request-Id"] = request_id_header();
    }
    if method == "get" && takes("header", Some("If-None-Match")) {
        let headers = json!({"X-Request-Id": request_id_header()});
        responses.insert("304".into(), json!({"description": "The client has it already", "headers": headers}));
    }
    for (status, name, _) in SHARED.iter().filter(|(status, ..)| statuses.contains(status)) {
        let shared = json!({"$ref": format!("#/components/responses/{name}")});
        responses.entry(status.to_string()).or_insert(shared);
    }
    responses.sort_keys();
}

/// Operations that say no more of themselves than their summary do what all of their form do.
fn describe(method: &str, operation: &mut Map<String, Value>) {
    let answers = |status| operation.get("responses").is_some_and(|responses| responses.get(status).is_some());
    let description = match method {
        "get" if answers("304") => {
            "A client that has it already sends its ETag in `If-None-Match`; until it changes, the answer is 304."
        }
        "post" if answers("201") => {
            "The answer holds the new row with what the service has added to it; `Location` says where it stands."
        }
        "patch" => {
            "Only what the body names changes (RFC 7396): null clears a field. `If-Match` holds the ETag that was read."
        }
        _ => return,
    };
    operation.entry("description").or_insert_with(|| description.into());
}

fn request_id_header() -> Value {
    header("The id under which the service's log knows the request")
}

fn challenge_header() -> Value {
    header("What is wrong with the token (RFC 6750); missing where the token itself is good")
}

fn header(description: &str) -> Value {
    json!({"description": description, "schema": {"type": "string"}})
}

/// An example for every body and answer, put together from the examples of the fields.
fn add_examples(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let fill = |content: &mut Value| {
        for media in content.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if media.get("example").is_none() && media.get("examples").is_none() && media.get("schema").is_some() {
                media["example"] = example(&media["schema"], &schemas, 0);
            }
        }
    };
    let fill_answer = |status: &str, answer: &mut Value| {
        // A status may have several kinds: an example that is written by hand names another one than the usual.
        let problem = answer.get_mut("content").and_then(|content| content.get_mut(PROBLEM));
        let by_hand = problem.and_then(Value::as_object_mut).and_then(|problem| problem.shift_remove("example"));
        let named = by_hand.as_ref().and_then(|example| example["type"].as_str());
        if answer.get("content").is_some() {
            fill(&mut answer["content"]);
        }
        let key_is_taken = answer["description"] == "The key is taken";
        if let Some(problem) = answer.get_mut("content").and_then(|content| content.get_mut(PROBLEM)) {
            problem["example"] = problem_example(status, named, key_is_taken, &problem["example"]);
        }
    };
    for_each_operation(document, |_, operation| {
        if let Some(body) = operation.get_mut("requestBody") {
            fill(&mut body["content"]);
        }
        for (status, answer) in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
            fill_answer(status, answer);
        }
    });
    for (status, name, _) in SHARED {
        fill_answer(&status.to_string(), &mut document["components"]["responses"][name]);
    }
}

/// The problem that stands for a status, or the one whose type is named.
fn problem_example(status: &str, named: Option<&str>, key_is_taken: bool, example: &Value) -> Value {
    use crate::problem::Kind;
    let fits = |kind: &&Kind| match named {
        Some(named) => format!("/problems/{}", kind.slug()) == named,
        None => kind.status().to_string() == status && (**kind != Kind::AlreadyExists || key_is_taken),
    };
    let Some(kind) = Kind::ALL.iter().find(fits) else { return example.clone() };
    let mut problem = example.clone();
    if let Some(members) = problem.as_object_mut()
        && *kind != Kind::InvalidBody
    {
        members.remove("errors");
        members.remove("error_count");
        members.insert("type".into(), format!("/problems/{}", kind.slug()).into());
        members.insert("title".into(), kind.title().into());
        members.insert("status".into(), kind.status().into());
        members.insert("detail".into(), kind.description().into());
    }
    problem
}

fn example(schema: &Value, schemas: &Value, depth: usize) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    // What may be missing, and has no example of its own, is missing in the example.
    let may_be_null = schema["type"].as_array().is_some_and(|types| types.contains(&"null".into()));
    if may_be_null || schema.get("oneOf").is_some() {
        return Value::Null;
    }
    if let Some(example) = schema["examples"].get(0) {
        return example.clone();
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix(SCHEMAS)) {
        return example(&schemas[name], schemas, depth);
    }
    if let Some(value) = schema.get("default").or_else(|| schema["enum"].get(0)) {
        return value.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            Value::Object(
                properties.map(|(name, property)| (name.clone(), example(property, schemas, depth + 1))).collect(),
            )
        }
        Some("array") if depth < 8 => json!([example(&schema["items"], schemas, depth + 1)]),
        Some("array") => json!([]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 1.into()),
        Some("boolean") => false.into(),
        Some("string") => match schema["format"].as_str() {
            Some("date") => "2025-01-31".into(),
            _ => "tekst".into(),
        },
        _ => Value::Null,
    }
}
