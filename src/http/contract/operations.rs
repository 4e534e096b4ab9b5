//! Completes the operations of the document with what follows from their form: method, parameters, body, security.

use serde_json::{Map, Value, json};

use super::operations;
use crate::http::responses::{HEADERS, header_reference, problem_response};
use crate::problem::Kind;

/// Adds standard failures, headers, and the scope that an operation needs.
pub(super) fn complete(document: &mut Value) {
    add_components(document);
    for (method, operation) in operations(document) {
        let form = Form::of(method, operation);
        add_responses(operation, &form);
        describe(operation, &form);
    }
}

/// A failure that follows from the form of an operation: its name among the document's components, the kind of problem
/// that stands for its status, which operations answer it, and its description.
type StandardFailure = (&'static str, Kind, fn(&Form) -> bool, &'static str);

/// The failures that follow from the form of an operation.
#[rustfmt::skip]
const STANDARD: [StandardFailure; 15] = [
    ("BadRequest", Kind::MalformedBody, |_| true, "The request, its query or its body can't be understood"),
    ("InvalidToken", Kind::InvalidToken, |form| form.needs_token, "The token is missing or not valid"),
    ("InsufficientScope", Kind::InsufficientScope, |form| form.needs_token,
        "The token lacks the scope, or its municipality is not here"),
    ("NotFound", Kind::NotFound, |form| form.needs_token && form.names_row, "There is no such row"),
    ("RequestTimeout", Kind::RequestTimeout, |form| form.has_body, "The body did not arrive in time"),
    ("PreconditionFailed", Kind::PreconditionFailed, |form| form.takes_if_match,
        "The row has changed in the meantime"),
    ("TooLarge", Kind::TooLarge, |form| form.has_body, "The body is too large"),
    ("UrlTooLong", Kind::UrlTooLong, |_| true, "The address is longer than this service takes"),
    ("UnsupportedMediaType", Kind::UnsupportedMediaType, |form| form.has_body, "The body has another media type"),
    ("InvalidBody", Kind::InvalidBody, |form| form.has_body, "The body breaks a rule; `errors` lists every fault"),
    ("PreconditionRequired", Kind::PreconditionRequired, |form| form.takes_if_match, "`If-Match` is missing"),
    ("TooManyRequests", Kind::TooManyRequests, |_| true,
        "The token's subject, or the address, has sent more requests than it may"),
    ("HeadersTooLarge", Kind::HeadersTooLarge, |_| true, "The headers are larger than this service takes"),
    ("Internal", Kind::Internal, |_| true, "The service failed; its log has the cause"),
    ("Unavailable", Kind::Unavailable, |form| form.needs_token,
        "The database is busy; try again after `Retry-After` seconds"),
];

/// What decides which answers an operation has.
struct Form {
    method: String,
    needs_token: bool,
    has_body: bool,
    names_row: bool,
    takes_if_match: bool,
    takes_if_none_match: bool,
}

impl Form {
    fn of(method: &str, operation: &Map<String, Value>) -> Self {
        let parameters = || operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let takes = |name| parameters().any(|parameter| parameter["name"] == name);
        Self {
            method: method.to_owned(),
            needs_token: operation.get("security").and_then(Value::as_array).is_some_and(|ways| !ways.is_empty()),
            has_body: operation.contains_key("requestBody"),
            names_row: parameters().any(|parameter| parameter["in"] == "path"),
            takes_if_match: takes("If-Match"),
            takes_if_none_match: takes("If-None-Match"),
        }
    }

    /// Whether an answer with this status can be 304 next time, or sent back in `If-Match`.
    fn is_tagged(&self, status: &str) -> bool {
        status == "201" || status.starts_with('2') && (self.takes_if_none_match || self.method == "patch")
    }
}

/// The headers and failures that operations refer to.
fn add_components(document: &mut Value) {
    let components = &mut document["components"];
    for (name, description) in HEADERS {
        components["headers"][name] = json!({"description": description, "schema": {"type": "string"}});
    }
    for (name, kind, _, description) in STANDARD {
        components["responses"][name] = json!(problem_response(kind, description));
    }
    components["responses"]["NotModified"] =
        json!({"description": "The client has it already", "headers": headers(&["X-Request-Id"])});
}

fn headers<'n>(names: impl IntoIterator<Item = &'n &'n str>) -> Value {
    names.into_iter().map(|name| ((*name).to_owned(), json!(header_reference(name)))).collect::<Map<_, _>>().into()
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/responses/{name}")})
}

fn add_responses(operation: &mut Map<String, Value>, form: &Form) {
    if !form.needs_token {
        operation.insert("security".into(), json!([]));
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, response) in responses.iter_mut().filter(|(_, response)| response.get("$ref").is_none()) {
        add_headers(response, status, form);
    }
    if form.method == "get" && form.takes_if_none_match {
        responses.insert("304".into(), reference("NotModified"));
    }
    for (name, kind, ..) in STANDARD.iter().filter(|(_, _, applies, _)| applies(form)) {
        responses.entry(kind.status().to_string()).or_insert_with(|| reference(name));
    }
    responses.sort_keys();
}

fn add_headers(response: &mut Value, status: &str, form: &Form) {
    let schema = response["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default();
    let names = [
        (form.is_tagged(status), "ETag"),
        (status == "201", "Location"),
        (schema.ends_with("Page"), "Link"),
        (true, "X-Request-Id"),
    ];
    let names = names.iter().filter(|(applies, _)| *applies).map(|(_, name)| name);
    match (response["headers"].as_object_mut(), headers(names)) {
        (Some(declared), Value::Object(added)) => declared.extend(added),
        (_, added) => response["headers"] = added,
    }
}

/// Appends the scope. An operation that says no more of itself than its summary does what all of its form do.
fn describe(operation: &mut Map<String, Value>, form: &Form) {
    let answers = |status| operation.get("responses").is_some_and(|responses| responses.get(status).is_some());
    let usual = match form.method.as_str() {
        "get" if answers("304") => {
            "A client that has it already sends its ETag in `If-None-Match`; until it changes, the answer is 304."
        }
        "post" if answers("201") => {
            "The answer holds the new row with what the service has added to it; `Location` says where it stands."
        }
        "patch" => {
            "Only what the body names changes (RFC 7396): null clears a field. `If-Match` holds the ETag that was read."
        }
        _ => "",
    };
    let own = operation.get("description").and_then(Value::as_str).unwrap_or(usual);
    let scopes = operation.get("security").map(scopes).unwrap_or_default();
    let scope = match scopes.as_slice() {
        [] => "Needs no token.".to_owned(),
        scopes => format!("Scope: {}.", scopes.join(" or ")),
    };
    let description = [own, &scope].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n");
    operation.insert("description".into(), description.into());
}

/// The scopes of which one suffices.
fn scopes(security: &Value) -> Vec<String> {
    let ways = security.as_array().into_iter().flatten();
    let scopes = ways.filter_map(|way| way["bearer"].as_array()).flatten().filter_map(Value::as_str);
    scopes.map(|scope| format!("`{scope}`")).collect()
}
