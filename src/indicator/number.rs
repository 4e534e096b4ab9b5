//! Numbers of indicators: which ones are taken, and how they are written as JSON.

use serde::Serializer;

/// What a number that isn't taken is answered with.
pub const EXPECTED: &str = "is not a number between -1e15 and 1e15";

/// Whether a number can be stored: finite, and of a size at which every engine and client counts alike.
pub fn is_storable(number: f64) -> bool {
    number.is_finite() && number.abs() <= 1e15
}

/// Writes a number for JSON as it came: 100 rather than 100.0, which other readers take for the same.
pub fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // Every whole number below 1e15 is an f64 of its own.
    match number.fract() == 0.0 && number.abs() <= 1e15 {
        true => serializer.serialize_i64(*number as i64),
        false => serializer.serialize_f64(*number),
    }
}

/// A number as JSON, written as it came.
pub fn json(number: f64) -> serde_json::Value {
    serialize(&number, serde_json::value::Serializer).unwrap_or_default()
}

/// [`serialize`], for numbers that may be missing.
pub mod optional {
    use serde::Serializer;

    /// Writes a number as it came, or null.
    pub fn serialize<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match number {
            Some(number) => super::serialize(number, serializer),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_engine_counts_with_is_refused() {
        for wrong in [f64::NAN, f64::INFINITY, -1.1e15] {
            assert!(!is_storable(wrong));
        }
        assert!(is_storable(0.0) && is_storable(-1e15));
    }
}
