//! Takes members out of JSON objects that nobody vouches for: a wrong type counts as absent and stays where it was, so
//! that it ends among what is kept raw.

use airi_domain::Time;
use serde_json::{Map, Value};

pub(crate) type Object = Map<String, Value>;

/// A text that is not empty.
pub(crate) fn take_text(map: &mut Object, key: &str) -> Option<String> {
    if map.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
        return None;
    }
    match map.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

pub(crate) fn take_object(map: &mut Object, key: &str) -> Option<Object> {
    if !map.get(key).is_some_and(Value::is_object) {
        return None;
    }
    match map.remove(key) {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}

pub(crate) fn take_list(map: &mut Object, key: &str) -> Option<Vec<Value>> {
    if !map.get(key).is_some_and(Value::is_array) {
        return None;
    }
    match map.remove(key) {
        Some(Value::Array(list)) => Some(list),
        _ => None,
    }
}

pub(crate) fn take_bool(map: &mut Object, key: &str) -> Option<bool> {
    let value = map.get(key).and_then(Value::as_bool)?;
    map.remove(key);
    Some(value)
}

/// A whole number that is not negative, given as a number with or without a fraction.
pub(crate) fn take_count(map: &mut Object, key: &str) -> Option<i64> {
    let number = map.get(key)?.as_f64().filter(|n| (0.0..9e15).contains(n))?;
    map.remove(key);
    Some(number.round() as i64)
}

pub(crate) fn take_time(map: &mut Object, key: &str) -> Option<Time> {
    let time = map.get(key).and_then(time)?;
    map.remove(key);
    Some(time)
}

/// Seconds since 1970 as a number or as text, or ISO 8601. Zero and below are how exports write "unknown".
pub(crate) fn time(value: &Value) -> Option<Time> {
    let seconds = |n: f64| Time::from_unix_seconds(n).filter(|time| time.micros() > 0);
    match value {
        Value::Number(number) => number.as_f64().and_then(seconds),
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) => seconds(number),
            Err(_) => text.parse().ok(),
        },
        _ => None,
    }
}

/// Without members that say nothing: null, "", [], {}.
pub(crate) fn prune(map: &mut Object) {
    map.retain(|_, value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => {
            prune(object);
            !object.is_empty()
        }
        _ => true,
    });
}

/// Puts what is left of an object under `raw`, if anything is left.
pub(crate) fn keep_raw(metadata: &mut Object, mut rest: Object) {
    prune(&mut rest);
    if !rest.is_empty() {
        metadata.insert("raw".to_owned(), Value::Object(rest));
    }
}

/// What a file is by the end of its name; None where that says nothing.
pub(crate) fn mime_of(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    Some(match end.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        "csv" => "text/csv",
        "txt" | "log" => "text/plain",
        "md" => "text/markdown",
        "json" => "application/json",
        "zip" => "application/zip",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "mp4" => "video/mp4",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_come_as_numbers_texts_and_iso() {
        let micros = |value: Value| time(&value).map(Time::micros);
        assert_eq!(micros(json!(1_700_000_000.5)), Some(1_700_000_000_500_000));
        assert_eq!(micros(json!("1700000000.5")), Some(1_700_000_000_500_000));
        assert_eq!(micros(json!("2023-11-14T22:13:20.5+00:00")), Some(1_700_000_000_500_000));
        for nothing in [json!(null), json!(0), json!(-5), json!(1e300), json!("NaN"), json!("soon"), json!([1])] {
            assert_eq!(micros(nothing), None);
        }
    }

    #[test]
    fn a_member_of_the_wrong_type_stays() {
        let mut map = json!({"a": 5, "b": "x", "c": {"d": null}, "e": ""}).as_object().unwrap().clone();
        assert_eq!(take_text(&mut map, "a"), None);
        assert_eq!(take_text(&mut map, "b").as_deref(), Some("x"));
        assert!(take_list(&mut map, "c").is_none());
        prune(&mut map);
        assert_eq!(Value::Object(map), json!({"a": 5}));
    }
}
