//! JSON as clients send it, read strictly: no member twice (RFC 8259 leaves the outcome open), no
//! NUL character, which PostgreSQL can't store.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem::{Faults, Kind, Problem, Result};

/// Parses a body; nesting deeper than 127 is refused by the parser.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    if let Err(error) = std::str::from_utf8(bytes) {
        let detail = format!("The body is not UTF-8: byte {} begins no character.", error.valid_up_to());
        return Err(Problem::new(Kind::MalformedBody, detail));
    }
    let Strict(value) = serde_json::from_slice(bytes)
        .map_err(|error| Problem::new(Kind::MalformedBody, format!("The body is not valid JSON: {error}.")))?;
    let mut faults = Faults::default();
    check_text(&value, &mut String::new(), &mut faults);
    faults.into_result()?;
    Ok(value)
}

fn check_text(value: &Value, pointer: &mut String, faults: &mut Faults) {
    match value {
        Value::String(text) => check_letters(text, pointer, faults),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                below(pointer, &n.to_string(), |pointer| check_text(item, pointer, faults));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                check_letters(name, pointer, faults);
                below(pointer, &escape(name), |pointer| check_text(member, pointer, faults));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_letters(text: &str, pointer: &str, faults: &mut Faults) {
    if text.contains('\0') {
        faults.add(pointer, "holds a NUL character: leave it out");
    }
}

fn below(pointer: &mut String, step: &str, visit: impl FnOnce(&mut String)) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(step);
    visit(pointer);
    pointer.truncate(length);
}

/// A member's name as a step of a JSON pointer (RFC 6901, section 3).
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(member))) = members.next_entry::<String, Strict>()? {
            if object.contains_key(&name) {
                return Err(serde::de::Error::custom(format_args!("the member '{name}' stands here twice")));
            }
            object.insert(name, member);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_ambiguous_or_broken() {
        for (text, reason) in [
            (r#"{"a": 1, "a": 2}"#, "stands here twice"),
            (r#"{"a": "#, "line 1 column"),
            (r#"{"a": 1e400}"#, "out of range"),
            (r#"["\ud800"]"#, "line 1 column"),
            (r#"[1] [2]"#, "trailing"),
            ("", "line 1 column 0"),
        ] {
            let problem = parse(text.as_bytes()).unwrap_err();
            assert_eq!(problem.kind, Kind::MalformedBody);
            assert!(problem.detail.contains(reason), "{text}: {}", problem.detail);
        }
        assert!(parse(b"\"\xff\"").unwrap_err().detail.contains("not UTF-8"));
        assert!(parse("[".repeat(200).as_bytes()).unwrap_err().detail.contains("recursion"));
    }

    #[test]
    fn points_at_nul_characters() {
        let problem = parse(br#"{"a/b": ["x", "y\u0000"]}"#).unwrap_err();
        assert_eq!(problem.faults.kept()[0].pointer, "/a~1b/1");
    }

    #[test]
    fn keeps_what_is_written() {
        let text = r#"{"b":[1,-2,0.5,true,null],"a":"æøå \u0001"}"#;
        assert_eq!(serde_json::to_string(&parse(text.as_bytes()).unwrap()).unwrap(), text);
    }
}
