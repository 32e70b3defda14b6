//! A long script drawn from a seed: pushes, plain writes and erasures on a handful of rows, so that they meet in every way,
//! with everything read back now and then.

use super::{Call, Case, Who, id, op, with};
use crate::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

const TABLES: [&str; 3] = ["conversations", "chat_messages", "message_attachments"];

/// The script of a seed. `case` keeps its ids apart from other cases'.
pub fn random_case(case: u64, seed: u64, length: usize) -> Case {
    let mut rng = Rng::new(Rng::new(seed).next_u64());
    let mut calls = Vec::new();
    for n in 0..length {
        let who = if rng.chance(0.8) { Who::A } else { Who::B };
        calls.push(match rng.below(10) {
            0 => plain_insert(&mut rng, case, who, n),
            1 => plain_update(&mut rng, case, who),
            2 if rng.chance(0.5) => {
                let (table, id) = row(&mut rng, case);
                Call::Delete(who, table, id)
            }
            3 => Call::Pull(who, 1 + rng.below(7) as u32),
            _ => {
                let ops = (0..1 + rng.below(5)).map(|k| operation(&mut rng, case, n * 10 + k)).collect();
                Call::Push(who, ops)
            }
        });
        if n % 25 == 24 {
            for who in [Who::A, Who::B] {
                calls.extend(TABLES.map(|table| Call::Snapshot(who, table, 3)));
                calls.push(Call::Snapshot(who, "tombstones", 5));
                calls.push(Call::Audit(who, "chat_messages"));
            }
        }
    }
    for who in [Who::A, Who::B] {
        calls.extend([Call::Pull(who, 4), Call::Pull(who, 1000), Call::Preview(who)]);
    }
    Case { name: format!("a random script, seed {seed}"), calls, expected: vec!["Applied", "Refused"] }
}

fn conversation(rng: &mut Rng, case: u64) -> Uuid {
    id(case, 1 + rng.below(4) as u64)
}

fn message(rng: &mut Rng, case: u64) -> Uuid {
    id(case, 100 + rng.below(10) as u64)
}

fn attachment(rng: &mut Rng, case: u64) -> Uuid {
    id(case, 200 + rng.below(5) as u64)
}

fn row(rng: &mut Rng, case: u64) -> (&'static str, Uuid) {
    match rng.below(6) {
        0 => ("conversations", conversation(rng, case)),
        1..=3 => ("chat_messages", message(rng, case)),
        _ => ("message_attachments", attachment(rng, case)),
    }
}

/// A moment long ago; each row has one of few, so that equal ones meet.
fn at(rng: &mut Rng) -> String {
    format!("2025-01-0{}T00:00:00.{:06}Z", 1 + rng.below(3), rng.below(3))
}

fn new_row(rng: &mut Rng, case: u64, table: &str, n: usize) -> Value {
    match table {
        "conversations" => {
            let title = match rng.below(4) {
                0 => Value::Null,
                1 => json!("x".repeat(250 + rng.below(10))),
                _ => json!(format!("t{n}")),
            };
            let deleted = if rng.chance(0.1) { json!(at(rng)) } else { Value::Null };
            json!({ "title": title, "created_at": at(rng), "deleted_at": deleted, "tags": ["a"], "settings": {"s": {"n": n}} })
        }
        "chat_messages" => {
            let role = *rng.pick(&["user", "assistant", "system", "tool", "function", "robot"]);
            json!({
                "conversation_id": conversation(rng, case), "role": role, "content": format!("c{}", rng.below(3)),
                "created_at": at(rng), "rating": *rng.pick(&[json!(null), json!(3), json!(8)]),
                "tool_calls": *rng.pick(&[json!(null), json!([{"b": 1, "a": [2.50]}])]), "total_tokens": rng.below(100),
            })
        }
        _ => json!({
            "message_id": message(rng, case), "file_name": format!("f{n}"), "file_size": rng.below(1000),
            "created_at": at(rng), "metadata": {"n": n},
        }),
    }
}

fn changes(rng: &mut Rng, case: u64, table: &str, n: usize, plain: bool) -> Value {
    match table {
        "conversations" => match rng.below(if plain { 6 } else { 9 }) {
            0 | 1 => json!({ "title": format!("p{n}"), "is_starred": rng.chance(0.5) }),
            2 => json!({ "deleted_at": if rng.chance(0.5) { json!(at(rng)) } else { Value::Null } }),
            3 => json!({ "is_archived": rng.chance(0.5) }),
            4 => json!({ "temperature": *rng.pick(&[json!(0.333), json!(10), json!(null), json!("0.5")]) }),
            5 => {
                json!({ "metadata": *rng.pick(&[json!({"k": n}), json!([1]), json!("s")]), "current_message_id": message(rng, case) })
            }
            6 => {
                json!({ "tags_add": [format!("t{}", rng.below(3)), "a"], "tags_remove": [format!("t{}", rng.below(3))] })
            }
            _ => {
                let path = *rng.pick(&["s", "s.n", "s.n.m", "u.v", "w"]);
                let leaf = rng.pick(&[json!(null), json!(n), json!({"o": n}), json!([n])]).clone();
                json!({ "settings_set": { path: leaf } })
            }
        },
        "chat_messages" => match rng.below(4) {
            0 => json!({ "rating": *rng.pick(&[json!(null), json!(1), json!(5), json!(6)]) }),
            1 => json!({ "feedback": format!("f{n}") }),
            2 => json!({ "deleted_at": if rng.chance(0.5) { json!(at(rng)) } else { Value::Null } }),
            _ => json!({ "content": "edited" }),
        },
        _ => json!({ "storage_path": format!("p{}", rng.below(2)), "metadata": {"n": rng.below(2)} }),
    }
}

fn operation(rng: &mut Rng, case: u64, n: usize) -> Value {
    let (table, id) = row(rng, case);
    let lane = conversation(rng, case);
    let operation = match rng.below(10) {
        0..=4 => op("insert", table, id, lane, new_row(rng, case, table, n)),
        5..=8 => op("patch", table, id, lane, changes(rng, case, table, n, false)),
        _ => op("delete", table, id, lane, Value::Null),
    };
    if rng.chance(0.25) { with(operation, "held", json!(1 + rng.below(60))) } else { operation }
}

fn plain_insert(rng: &mut Rng, case: u64, who: Who, n: usize) -> Call {
    let (table, id) = row(rng, case);
    let mut row = new_row(rng, case, table, n);
    if let Value::Object(fields) = &mut row {
        fields.insert("id".into(), json!(id));
        if table == "conversations" {
            fields.insert("model_id".into(), json!("m"));
            fields.insert("provider_id".into(), json!("p"));
        }
        if table == "message_attachments" {
            fields.insert("storage_path".into(), json!("s"));
        }
    }
    Call::Insert(who, table, row)
}

fn plain_update(rng: &mut Rng, case: u64, who: Who) -> Call {
    let (table, id) = row(rng, case);
    let n = rng.below(1000);
    Call::Update(who, table, id, changes(rng, case, table, n, true))
}
