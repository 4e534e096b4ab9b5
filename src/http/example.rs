//! Examples of the contract. They stand in JSON files beside the types and handlers that they belong to.

/// The example in the file `examples/<name>.json` beside the source file that names it.
///
/// For attributes: `#[schema(example = json!(example!("unit_body")))]`.
macro_rules! example {
    ($name:literal) => {
        $crate::http::example::parse(include_str!(concat!("examples/", $name, ".json")))
    };
}
pub(crate) use example;

/// The example that a file holds. A file that is no JSON gives null, which the contract's tests find.
pub fn parse(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_default()
}
