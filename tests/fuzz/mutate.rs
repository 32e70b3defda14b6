//! Seeded damage: of JSON by its structure, of bytes by themselves.

use airi_testkit::Rng;
use serde_json::{Map, Value, json};

/// Damages a JSON document in one to four places; most of the time it stays JSON.
pub(crate) fn json_bytes(value: &Value, rng: &mut Rng) -> Vec<u8> {
    let mut value = value.clone();
    for _ in 0..1 + rng.below(4) {
        structure(&mut value, rng);
    }
    let mut bytes = value.to_string().into_bytes();
    if rng.chance(0.15) {
        for _ in 0..1 + rng.below(3) {
            self::bytes(&mut bytes, rng);
        }
    }
    bytes
}

/// Damages one place of a document.
pub(crate) fn structure(root: &mut Value, rng: &mut Rng) {
    // What is put somewhere else comes from the document itself.
    let count = count(root);
    let copied = nth(root, rng.below(count)).cloned().unwrap_or(Value::Null);
    let mut place = rng.below(count);
    let Some(target) = nth_mut(root, &mut place) else { return };
    match (rng.below(8), target) {
        (0 | 1, target) => *target = odd_value(rng),
        (2, target) => *target = copied,
        (3, Value::Object(map)) if !map.is_empty() => {
            let key = pick_key(map, rng);
            map.remove(&key);
        }
        (4, Value::Object(map)) if !map.is_empty() => {
            let key = pick_key(map, rng);
            let value = map.remove(&key).unwrap_or_default();
            map.insert(format!("{key}_"), value);
        }
        (3, Value::Array(items)) if !items.is_empty() => {
            let at = rng.below(items.len());
            items.remove(at);
        }
        (4, Value::Array(items)) if !items.is_empty() => {
            let item = rng.pick(items).clone();
            let at = rng.below(items.len() + 1);
            items.insert(at, item);
        }
        (5, Value::Array(items)) => items.reverse(),
        (6, Value::Array(items)) => items.truncate(rng.below(items.len() + 1)),
        (5, Value::Object(map)) => {
            let key = if map.is_empty() || rng.chance(0.3) { "unknown".to_owned() } else { pick_key(map, rng) };
            map.insert(key, odd_value(rng));
        }
        (_, Value::String(text)) => {
            let mut bytes = text.clone().into_bytes();
            self::bytes(&mut bytes, rng);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        (_, Value::Number(number)) => {
            let near = number.as_i64().unwrap_or_default();
            *number = (*rng.pick(&[near.wrapping_add(1), near.wrapping_sub(1), -near.max(1)])).into();
        }
        (_, target) => *target = odd_value(rng),
    }
}

fn pick_key(map: &Map<String, Value>, rng: &mut Rng) -> String {
    map.keys().nth(rng.below(map.len())).cloned().unwrap_or_default()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

fn nth(value: &Value, place: usize) -> Option<&Value> {
    fn walk<'a>(value: &'a Value, place: &mut usize) -> Option<&'a Value> {
        if *place == 0 {
            return Some(value);
        }
        *place -= 1;
        match value {
            Value::Array(items) => items.iter().find_map(|item| walk(item, place)),
            Value::Object(map) => map.values().find_map(|item| walk(item, place)),
            _ => None,
        }
    }
    let mut place = place;
    walk(value, &mut place)
}

fn nth_mut<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth_mut(item, place)),
        Value::Object(map) => map.values_mut().find_map(|item| nth_mut(item, place)),
        _ => None,
    }
}

/// Values that programs trip over.
fn odd_value(rng: &mut Rng) -> Value {
    match rng.below(24) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(i64::MAX),
        5 => json!(i64::MIN),
        6 => json!(u64::MAX),
        7 => json!(1e308),
        8 => json!(-0.5),
        9 => json!(""),
        10 => json!("\0"),
        11 => json!("ffffffff-ffff-ffff-ffff-ffffffffffff"),
        12 => json!("00000000-0000-0000-0000-000000000000"),
        13 => json!("9999-12-31T23:59:59.999999Z"),
        14 => json!("-4713-01-01T00:00:00Z"),
        15 => json!("0000-00-00T99:99:99+99:99"),
        16 => json!("../../../etc/passwd"),
        17 => json!("\u{202e}\u{feff}e\u{301}\u{1f9d1}\u{200d}\u{1f680}'; drop table messages; --"),
        18 => json!("x".repeat(70_000)),
        19 => (0..100).fold(json!("deep"), |inner, _| json!([inner])),
        20 => (0..100).fold(json!("deep"), |inner, _| json!({ "a": inner })),
        21 => json!(vec![0; 3000]),
        22 => json!({}),
        _ => json!([]),
    }
}

/// Damages bytes in one place.
pub(crate) fn bytes(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.below(bytes.len() + 1);
    let until = (at + 1 + rng.below(40)).min(bytes.len());
    match rng.below(8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
        1 if at < bytes.len() => bytes[at] = rng.next_u64() as u8,
        2 => drop(bytes.drain(at..until)),
        3 => {
            let again = bytes[at..until].to_vec();
            bytes.splice(at..at, again);
        }
        4 => bytes.truncate(at),
        5 => bytes.insert(at, rng.next_u64() as u8),
        6 => {
            let odd: &[&[u8]] = &[b"\\u0000", b"\\ud800", b"\xff\xfe", b"\"", b"}", b"[", b",", b"1e999", b"-", b"\0"];
            bytes.splice(at..at, rng.pick(odd).iter().copied());
        }
        _ => {
            // Nesting that only a parser with a bound survives.
            let deep = if rng.chance(0.1) { 100_000 } else { 200 };
            bytes.splice(at..at, std::iter::repeat_n(b'[', deep));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_damages_the_same_way_and_every_kind_happens() {
        let document = json!({ "rows": [{ "id": "a", "n": 1 }, { "id": "b", "n": 2 }], "has_more": false });
        let damage = |seed| json_bytes(&document, &mut Rng::new(seed));
        let plain = document.to_string().into_bytes();
        let all: Vec<Vec<u8>> = (0..500).map(damage).collect();
        assert_eq!(all, (0..500).map(damage).collect::<Vec<_>>());
        let changed = all.iter().filter(|bytes| **bytes != plain).count();
        let broken = all.iter().filter(|bytes| serde_json::from_slice::<Value>(bytes).is_err()).count();
        assert!(changed > 450, "{changed}");
        assert!((20..250).contains(&broken), "{broken}");
    }
}
