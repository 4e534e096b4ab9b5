//! What a client sends back to PUT: a row as it was read, fields that the service writes itself included.

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::problem::{Problem, Result, ValidationErrors};

/// With what the names of such bodies end in the contract.
pub const REPLACEMENT: &str = "Put";

/// The body of a PUT that takes what GET answers as it is.
///
/// Fields that the service writes itself, such as `id`, `version` and `created_at`, may stand in it, at the top and in
/// rows within. They change nothing: [`Replacement::check`] passes where they say what is stored.
#[derive(Debug, Clone)]
pub struct Replacement<B> {
    /// The fields that clients write.
    pub body: B,
    sent: Value,
}

impl<B: Serialize> Replacement<B> {
    /// From what was sent, and what was read of it.
    pub fn new(body: B, sent: Value) -> Self {
        Self { body, sent }
    }

    /// Adds an error for each field of the service's that differs from `stored`, which is what GET answers; none where
    /// there is no row yet.
    pub fn check(&self, stored: Option<&impl Serialize>) -> Result<()> {
        let body = serde_json::to_value(&self.body).map_err(Problem::internal)?;
        let stored = stored.map(serde_json::to_value).transpose().map_err(Problem::internal)?;
        let mut errors = ValidationErrors::default();
        check_written(&self.sent, &body, stored.as_ref(), "", &mut errors);
        errors.into_result()
    }
}

/// What stands in `sent` but not in `body` was not read, since clients don't write it.
fn check_written(sent: &Value, body: &Value, stored: Option<&Value>, pointer: &str, errors: &mut ValidationErrors) {
    match (sent, body) {
        (Value::Object(sent), Value::Object(body)) => {
            for (name, value) in sent {
                let at = format!("{pointer}/{name}");
                let stored = stored.and_then(|stored| stored.get(name));
                match body.get(name) {
                    Some(read) => check_written(value, read, stored, &at, errors),
                    None => check_field(value, stored, at, errors),
                }
            }
        }
        (Value::Array(sent), Value::Array(body)) => {
            for (n, (item, read)) in sent.iter().zip(body).enumerate() {
                check_written(item, read, stored_item(stored, n, item), &format!("{pointer}/{n}"), errors);
            }
        }
        _ => {}
    }
}

/// The stored row of the same key. What has no key is found by its place.
fn stored_item<'s>(stored: Option<&'s Value>, n: usize, item: &Value) -> Option<&'s Value> {
    let stored = stored?.as_array()?;
    match item.get("key") {
        Some(key) => stored.iter().find(|stored| stored.get("key") == Some(key)),
        None => stored.get(n),
    }
}

fn check_field(sent: &Value, stored: Option<&Value>, pointer: String, errors: &mut ValidationErrors) {
    match stored {
        Some(stored) if stored == sent => {}
        None if sent.is_null() => {}
        Some(stored) => {
            errors.add(pointer, format!("is written by the service, which has {stored}: leave it out, or send that"));
        }
        None => errors.add(pointer, "is written by the service, and nothing is stored: leave it out"),
    }
}

/// The contract adds the fields that the answer has beside these.
impl<B: ToSchema> PartialSchema for Replacement<B> {
    fn schema() -> RefOr<Schema> {
        B::schema()
    }
}

impl<B: ToSchema> ToSchema for Replacement<B> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("{}{REPLACEMENT}", B::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        B::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The pointers of what is wrong.
    fn pointers(sent: Value, stored: Option<Value>) -> Vec<String> {
        let own = |name: &str| !matches!(name, "id" | "version");
        let mut body = sent.clone();
        let parts = |body: &mut Value| body.as_object_mut().unwrap().retain(|name, _| own(name));
        parts(&mut body);
        body["parts"].as_array_mut().into_iter().flatten().for_each(parts);
        match Replacement::new(body, sent).check(stored.as_ref()) {
            Ok(()) => Vec::new(),
            Err(problem) => problem.errors.listed().iter().map(|error| error.pointer.clone()).collect(),
        }
    }

    #[test]
    fn what_the_service_wrote_may_be_sent_back() {
        let stored = || json!({"id": "a", "key": "k", "name": "N", "version": 2, "parts": [{"key": "x", "id": "b"}]});
        assert_eq!(pointers(stored(), Some(stored())), [""; 0]);
        let renamed = json!({"key": "k", "name": "M", "parts": [{"key": "new"}, {"key": "x", "id": "b"}]});
        assert_eq!(pointers(renamed, Some(stored())), [""; 0], "what clients write may differ, in any order");
        let wrong = json!({"id": "z", "key": "k", "version": 2, "parts": [{"key": "x", "id": "c"}]});
        assert_eq!(pointers(wrong, Some(stored())), ["/id", "/parts/0/id"]);
        assert_eq!(pointers(json!({"key": "k", "id": "a", "version": null, "parts": []}), None), ["/id"]);
    }
}
