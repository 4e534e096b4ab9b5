//! Violations of a body's schema, in sentences that say what to write instead.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use crate::db::types::{Key, Reference, RegisterKey};
use crate::http::json;
use crate::period;
use crate::problem::ValidationErrors;

/// The error for a field that doesn't exist.
pub const UNKNOWN_FIELD: &str = "is no field here: leave it out, or mend its spelling";

/// The formats that this service checks itself. Their parsers are stricter than the patterns in the contract.
const FORMATS: [&str; 4] = ["key", "register-key", "reference", "period"];

/// Removes the patterns that a format covers, so that one mistake is one error.
pub(super) fn drop_patterns_covered_by_formats(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("format").and_then(Value::as_str).is_some_and(|format| FORMATS.contains(&format)) {
                members.remove("pattern");
                members.remove("maxLength");
            }
            members.values_mut().for_each(drop_patterns_covered_by_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_patterns_covered_by_formats),
        _ => {}
    }
}

/// Adds what a validator found to `errors`.
pub(super) fn report(error: &jsonschema::ValidationError<'_>, errors: &mut ValidationErrors) {
    let pointer = error.instance_path().to_string();
    let below = |name: &str| format!("{pointer}/{}", json::escape(name));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().for_each(|name| errors.add(below(name), UNKNOWN_FIELD));
        }
        ValidationErrorKind::Required { property } => {
            errors.add(below(property.as_str().unwrap_or_default()), "is missing");
        }
        // One of the branches is null: the client needs to know what is wrong by the other one.
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            let is_null_branch =
                |branch: &&Vec<jsonschema::ValidationError<'static>>| branch.iter().any(|error| expects_null(error));
            match context.iter().find(|branch| !is_null_branch(branch)) {
                Some(branch) => branch.iter().for_each(|error| report(error, errors)),
                None => errors.add(pointer, "has none of the forms that it may have"),
            }
        }
        // One mistake is one error, even if it breaks two rules.
        _ if errors.listed().last().is_some_and(|last| last.pointer == pointer) => {}
        kind => errors.add(pointer, sentence(kind)),
    }
}

fn expects_null(error: &jsonschema::ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(jsonschema::JsonType::Null) })
}

fn sentence(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Type { kind } => format!("is of the wrong type: write {}", types(kind)),
        ValidationErrorKind::Enum { options } => {
            let words = options.as_array().into_iter().flatten().filter_map(Value::as_str);
            format!("is not one of: {}", words.collect::<Vec<_>>().join(", "))
        }
        ValidationErrorKind::Format { format } => match format.as_str() {
            "key" => format!("is not a key. {}", Key::EXPECTED),
            "register-key" => format!("is not a key. {}", RegisterKey::EXPECTED),
            "reference" => Reference::EXPECTED.to_owned(),
            "period" => period::EXPECTED.to_owned(),
            "date" => "is not a date: write YYYY-MM-DD, a day that exists".to_owned(),
            other => format!("is not a {other}"),
        },
        ValidationErrorKind::Pattern { pattern } if pattern == r"\S" => {
            "is blank: write text, or leave it out where it is optional".to_owned()
        }
        ValidationErrorKind::Pattern { pattern } => format!("does not fit the pattern {pattern}"),
        ValidationErrorKind::MinLength { .. } => {
            "is empty: write text, or leave it out where it is optional".to_owned()
        }
        ValidationErrorKind::MaxLength { limit } => format!("is longer than {limit} characters"),
        ValidationErrorKind::Minimum { limit } => format!("is less than {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("is more than {limit}"),
        ValidationErrorKind::MaxItems { limit } => format!("has more than {limit} items"),
        ValidationErrorKind::MinItems { limit } => format!("has fewer than {limit} items"),
        other => format!("breaks the rule '{}' of its schema", other.keyword()),
    }
}

fn types(kind: &TypeKind) -> String {
    let name = |kind: jsonschema::JsonType| match kind {
        jsonschema::JsonType::Array => "an array",
        jsonschema::JsonType::Boolean => "true or false",
        jsonschema::JsonType::Integer => "a whole number",
        jsonschema::JsonType::Null => "null",
        jsonschema::JsonType::Number => "a number",
        jsonschema::JsonType::Object => "an object",
        jsonschema::JsonType::String => "a string",
    };
    match kind {
        TypeKind::Single(kind) => name(*kind).to_owned(),
        TypeKind::Multiple(kinds) => {
            let (null, others): (Vec<_>, Vec<_>) = kinds.iter().partition(|kind| *kind == jsonschema::JsonType::Null);
            others.into_iter().chain(null).map(name).collect::<Vec<_>>().join(" or ")
        }
    }
}

/// A path into a value as a JSON pointer.
pub(super) fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => index.to_string(),
        Segment::Map { key } => json::escape(key),
        Segment::Enum { variant } => json::escape(variant),
        Segment::Unknown => String::new(),
    };
    path.iter().map(|segment| format!("/{}", step(segment))).collect()
}
