//! One canonical form of JSON, so that equal values are equal bytes on every device and on the server (whose `jsonb`
//! sorts and normalises in its own way): keys sorted by code point, no white space, whole numbers without a fraction.

use serde_json::{Map, Number, Value};

/// Numbers up to here survive a trip through any JSON reader that holds numbers as doubles.
const SAFE_INTEGER: f64 = 9_007_199_254_740_992.0;

/// `{}`
pub fn empty_object() -> Value {
    Value::Object(Map::new())
}

/// Whether this is null or an object without members.
pub fn is_empty_object(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// The same value with sorted keys and whole numbers as integers, at every depth.
pub fn canonicalize(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().map(|(key, value)| (key, canonicalize(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(canonicalize).collect()),
        Value::Number(number) => Value::Number(canonical_number(number)),
        other => other,
    }
}

fn canonical_number(number: Number) -> Number {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= SAFE_INTEGER => {
            Number::from(float as i64)
        }
        _ => number,
    }
}

/// The canonical text of a value.
pub fn canonical_json(value: &Value) -> String {
    canonicalize(value.clone()).to_string()
}

/// Whether any text inside holds U+0000, which neither PostgreSQL's text nor its `jsonb` can store.
pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_of_keys_and_form_of_numbers_do_not_matter() {
        let a: Value = serde_json::from_str(r#"{ "b": 1.0, "a": {"z": [1e2, 0.5], "y": null} }"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":{"y":null,"z":[100,0.50]},"b":1}"#).unwrap();
        assert_eq!(canonical_json(&a), canonical_json(&b));
        assert_eq!(canonical_json(&a), r#"{"a":{"y":null,"z":[100,0.5]},"b":1}"#);
    }

    #[test]
    fn nul_is_seen_at_any_depth() {
        assert!(has_nul(&json!({"a": [{"b\u{0}": 1}]})));
        assert!(has_nul(&json!(["x\u{0}"])));
        assert!(!has_nul(&json!({"a": ["b", 1]})));
    }
}
