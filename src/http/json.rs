//! JSON as clients send it, read strictly: no member twice (RFC 8259 leaves the meaning open), no NUL character
//! (PostgreSQL can't store it).

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem::{Kind, Problem, Result, ValidationErrors};

/// Parses a body. The parser refuses nesting deeper than 127.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    if let Err(error) = std::str::from_utf8(bytes) {
        let detail = format!("The body is not UTF-8: byte {} begins no character.", error.valid_up_to());
        return Err(Problem::new(Kind::MalformedBody, detail));
    }
    let left = Cell::new(MAX_VALUES);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict(&left).deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    let value = value.map_err(|error| match left.get() {
        0 => Problem::new(Kind::TooLarge, format!("The body holds more than {MAX_VALUES} values: send it in parts.")),
        _ => Problem::new(Kind::MalformedBody, format!("The body is not valid JSON: {error}.")),
    })?;
    let mut errors = ValidationErrors::default();
    check_text(&value, &mut String::new(), &mut errors);
    errors.into_result()?;
    Ok(value)
}

fn check_text(value: &Value, pointer: &mut String, errors: &mut ValidationErrors) {
    match value {
        Value::String(text) => check_characters(text, pointer, errors),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                below(pointer, &n.to_string(), |pointer| check_text(item, pointer, errors));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                check_characters(name, pointer, errors);
                below(pointer, &escape(name), |pointer| check_text(member, pointer, errors));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_characters(text: &str, pointer: &str, errors: &mut ValidationErrors) {
    if text.contains('\0') {
        errors.add(pointer, "holds a NUL character: leave it out");
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

/// How many values a body may hold: in memory a value takes far more than the two bytes it may have in the text.
/// The largest real files have half as many.
const MAX_VALUES: u32 = 2_000_000;

/// Below this, an f64 represents every whole number exactly.
const MAX_EXACT: f64 = (1_u64 << 53) as f64;

/// Reads a value and counts down how many more are allowed.
#[derive(Clone, Copy)]
struct Strict<'c>(&'c Cell<u32>);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
        match self.0.get().checked_sub(1) {
            None | Some(0) => {
                self.0.set(0);
                Err(serde::de::Error::custom("too many values"))
            }
            Some(left) => {
                self.0.set(left);
                deserializer.deserialize_any(self)
            }
        }
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
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

    /// To JSON Schema, and to most JSON writers, 1.0 is a whole number like 1.
    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        match value.fract() == 0.0 && value.abs() < MAX_EXACT {
            true => Ok((value as i64).into()),
            false => Ok(Number::from_f64(value).map_or(Value::Null, Value::Number)),
        }
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(serde::de::Error::custom(format_args!("the member '{name}' stands here twice")));
            }
            object.insert(name, members.next_value_seed(self)?);
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
    fn a_body_of_countless_values_is_too_large() {
        let text = format!("[{}1]", "1,".repeat(MAX_VALUES as usize));
        assert_eq!(parse(text.as_bytes()).unwrap_err().kind, Kind::TooLarge);
    }

    #[test]
    fn points_at_nul_characters() {
        let problem = parse(br#"{"a/b": ["x", "y\u0000"]}"#).unwrap_err();
        assert_eq!(problem.errors.listed()[0].pointer, "/a~1b/1");
    }

    #[test]
    fn parsing_changes_nothing() {
        let text = r#"{"b":[1,-2,0.5,1e+300,true,null],"a":"æøå \u0001"}"#;
        assert_eq!(serde_json::to_string(&parse(text.as_bytes()).unwrap()).unwrap(), text);
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let text = "[1.0, -2e3, 9007199254740991.0, -0.0]";
        assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::json!([1, -2000, 9_007_199_254_740_991_i64, 0]));
    }
}
