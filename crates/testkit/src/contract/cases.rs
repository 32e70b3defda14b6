//! The cases: what the protocol says, one promise each.

use super::Call::{
    Audit, Delete, Download, Insert, Preview, Pull, Push, Rejoin, Serve, Snapshot, Stored, Update, Upload,
};
use super::Who::{A, B};
use super::{Call, Case, id, op, with};
use serde_json::{Value, json};
use uuid::Uuid;

const AT: &str = "2025-03-04T05:06:07.000008Z";
const LATER: &str = "2025-03-04T05:06:08Z";

fn conversation(id: Uuid) -> Value {
    op("insert", "conversations", id, id, json!({ "id": id, "title": "one", "created_at": AT }))
}

fn message(id: Uuid, of: Uuid, content: &str) -> Value {
    let row = json!({ "conversation_id": of, "role": "assistant", "content": content, "created_at": AT });
    op("insert", "chat_messages", id, of, row)
}

fn attachment(id: Uuid, of: Uuid, lane: Uuid) -> Value {
    let row = json!({ "message_id": of, "file_name": "a.txt", "file_size": 3, "metadata": {"sha256": "00"}, "created_at": AT });
    op("insert", "message_attachments", id, lane, row)
}

fn patch(table: &str, id: Uuid, lane: Uuid, set: Value) -> Value {
    op("patch", table, id, lane, set)
}

fn everything(who: super::Who) -> Vec<Call> {
    ["user_profiles", "conversations", "chat_messages", "message_attachments", "usage_logs", "tombstones"]
        .map(|table| Snapshot(who, table, 2))
        .to_vec()
}

/// All cases.
pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut add = |name: &str, calls: Vec<Call>, expected: &[&'static str]| {
        cases.push(Case { name: name.to_owned(), calls, expected: expected.to_vec() });
    };

    let [c, m, a] = [1, 2, 3].map(|n| id(1, n));
    let mut calls = vec![Push(A, vec![conversation(c), message(m, c, "x"), attachment(a, m, c)])];
    calls.extend(everything(A));
    calls.extend([
        Pull(A, 1),
        Pull(A, 1000),
        Pull(B, 10),
        Preview(A),
        Preview(B),
        Rejoin(A),
        Audit(A, "chat_messages"),
    ]);
    calls.extend([Audit(B, "conversations"), Snapshot(A, "nothing", 1)]);
    add(
        "a new conversation with a message and a file is read back the same, by its owner alone",
        calls,
        &["insert conversations Applied", "insert message_attachments Applied", "snapshot conversations", "parents"],
    );

    let [c, m, a] = [1, 2, 3].map(|n| id(2, n));
    let first = vec![conversation(c), message(m, c, "x"), attachment(a, m, c)];
    let named: Vec<Value> = first.iter().zip(7..).map(|(op, n)| with(op.clone(), "op", json!(n))).collect();
    let mut calls = vec![Push(A, named.clone())];
    calls.push(Push(A, vec![patch("conversations", c, c, json!({"title": "two"}))]));
    calls.extend([
        Push(A, named),
        Push(A, first),
        Push(A, vec![message(m, c, "other")]),
        Push(A, vec![message(id(2, 9), c, "y"), patch("chat_messages", id(2, 9), c, json!({"rating": 5}))]),
    ]);
    calls.extend(everything(A));
    add(
        "what comes again takes effect once, under its old id and under a new one; other content is refused",
        calls,
        &["insert conversations Applied", "patch conversations Applied", "content_conflict", "\"title\":\"two\""],
    );

    let [c, m, a] = [1, 2, 3].map(|n| id(3, n));
    let mut calls = vec![Push(A, vec![conversation(c), message(m, c, "x"), attachment(a, m, c)])];
    for set in [
        json!({"title": "t", "is_starred": true, "temperature": 1.239, "max_tokens": "7", "model_id": null}),
        json!({"settings_set": {"a.b": 1, "x": [1]}, "tags_add": ["one", "two", "one"]}),
        json!({"settings_set": {"a.c": true, "a.b": null, "q.r": null, "x.y": 2}, "tags_remove": ["one"], "tags_add": ["one", "three"]}),
        json!({"deleted_at": LATER}),
        json!({"is_archived": false}),
        json!({"deleted_at": null, "is_archived": false, "metadata": null, "current_message_id": m}),
        json!({"title": "x".repeat(256)}),
        json!({"title": "ü".repeat(255)}),
        json!({"temperature": 12}),
        json!({"is_starred": null}),
        json!({"max_tokens": 1.5}),
        json!({"current_message_id": "none"}),
        json!({"settings": {}}),
        json!({"created_at": AT}),
        json!({}),
    ] {
        calls.push(Push(A, vec![patch("conversations", c, c, set)]));
    }
    calls.extend([Snapshot(A, "conversations", 9), Pull(A, 9)]);
    add(
        "conversations take the fields that a patch may name, leaf by leaf and tag by tag",
        calls,
        &["Applied", "Refused invalid", "Refused forbidden_field"],
    );

    let [c, m, a] = [1, 2, 3].map(|n| id(4, n));
    let mut calls = vec![Push(A, vec![conversation(c), message(m, c, "x"), attachment(a, m, c)])];
    for set in [
        json!({"rating": 5, "feedback": "good"}),
        json!({"rating": 6}),
        json!({"rating": 0}),
        json!({"rating": null, "deleted_at": LATER, "metadata": {"k": [1, {"z": 1.50}]}}),
        json!({"deleted_at": null}),
        json!({"content": "y"}),
        json!({"metadata": null}),
        json!({"rating": "4"}),
        json!({"deleted_at": "soon"}),
    ] {
        calls.push(Push(A, vec![patch("chat_messages", m, c, set)]));
    }
    for set in [json!({"storage_path": "p", "metadata": {}}), json!({"file_name": "b"}), json!({"storage_path": null})]
    {
        calls.push(Push(A, vec![patch("message_attachments", a, c, set)]));
    }
    calls.extend(everything(A));
    add("messages and files take the fields that a patch may name", calls, &["Refused invalid", "forbidden_field"]);

    let [c, m, gone] = [1, 2, 3].map(|n| id(5, n));
    let [c2, m2] = [11, 12].map(|n| id(5, n));
    let calls = vec![
        Push(
            A,
            vec![
                message(m, c, "no conversation"),
                message(id(5, 4), c, "skipped"),
                conversation(c2),
                message(m2, c2, "z"),
            ],
        ),
        Push(A, vec![attachment(id(5, 5), gone, c)]),
        Push(A, vec![patch("chat_messages", gone, gone, json!({"rating": 1}))]),
        Push(A, vec![patch("conversations", gone, gone, json!({"title": "x"}))]),
        Push(A, vec![op("delete", "conversations", gone, gone, Value::Null)]),
        Push(A, vec![op("erase", "conversations", c2, c2, Value::Null), conversation(id(5, 6))]),
        Push(A, vec![op("insert", "usage_logs", c2, c2, json!({}))]),
        Push(A, vec![op("insert", "conversations", id(5, 7), id(5, 7), json!({"id": c2}))]),
        Push(A, vec![op("insert", "conversations", id(5, 8), id(5, 8), json!({"message_count": 4}))]),
        Push(
            A,
            vec![op(
                "insert",
                "chat_messages",
                id(5, 9),
                c2,
                json!({"conversation_id": c2, "role": "robot", "content": "r"}),
            )],
        ),
        Push(A, vec![op("insert", "chat_messages", id(5, 9), c2, json!({"conversation_id": c2, "role": "user"}))]),
        Push(A, vec![op("insert", "chat_messages", id(5, 9), c2, json!({"role": "user", "content": "r"}))]),
        Push(
            A,
            vec![op(
                "insert",
                "chat_messages",
                id(5, 9),
                c2,
                json!({"conversation_id": c2, "role": "user", "content": "a\u{0}b"}),
            )],
        ),
        Push(A, (0..501).map(|n| op("delete", "conversations", id(5, 100 + n), id(5, 100 + n), Value::Null)).collect()),
        Snapshot(A, "conversations", 9),
        Snapshot(A, "chat_messages", 9),
        Pull(A, 9),
    ];
    add(
        "what is refused says why and holds its lane only",
        calls,
        &[
            "Refused missing_parent",
            "Skipped",
            "Applied",
            "Refused not_found",
            "delete conversations Applied",
            "Refused invalid",
            "push failed",
        ],
    );

    let [c, m, a] = [1, 2, 3].map(|n| id(6, n));
    let mut calls = vec![
        Push(B, vec![conversation(c), message(m, c, "b"), attachment(a, m, c)]),
        Push(A, vec![conversation(c)]),
        Push(A, vec![message(m, c, "b")]),
        Push(A, vec![attachment(a, m, c)]),
        Push(A, vec![patch("conversations", c, c, json!({"title": "mine"}))]),
        Push(A, vec![op("delete", "conversations", c, c, Value::Null)]),
        Push(A, vec![conversation(id(6, 9)), message(m, id(6, 9), "taken")]),
        Update(A, "conversations", c, json!({"title": "mine"})),
        Delete(A, "conversations", c),
        Insert(A, "chat_messages", json!({"conversation_id": c, "role": "user", "content": "x"})),
    ];
    calls.extend(everything(B));
    calls.extend([Pull(A, 9), Pull(B, 9)]);
    add(
        "what is another's stays another's",
        calls,
        &["Refused id_taken", "Refused missing_parent", "Refused not_found"],
    );

    let [c, m, a] = [1, 2, 3].map(|n| id(7, n));
    let mut calls = vec![
        Push(A, vec![conversation(c), message(m, c, "x"), attachment(a, m, c), message(id(7, 4), c, "y")]),
        Push(A, vec![op("delete", "chat_messages", m, c, Value::Null)]),
        Pull(A, 2),
        Push(A, vec![message(m, c, "again"), op("delete", "chat_messages", m, c, Value::Null), message(m, c, "third")]),
        Pull(A, 9),
        Push(A, vec![op("delete", "conversations", c, c, Value::Null)]),
        Push(A, vec![op("delete", "conversations", c, c, Value::Null)]),
        Push(A, vec![conversation(c)]),
        Delete(A, "conversations", c),
    ];
    calls.extend(everything(A));
    calls.push(Pull(A, 9));
    add("erasing leaves one tombstone for each root, and an id may come again", calls, &["tombstones", "\"row_id\""]);

    let [c, m, a] = [1, 2, 3].map(|n| id(8, n));
    let mut calls = vec![
        Insert(A, "conversations", json!({"id": c, "model_id": "m", "provider_id": "p", "created_at": AT})),
        Insert(A, "conversations", json!({"id": id(8, 9), "model_id": null, "provider_id": "p"})),
        Insert(A, "conversations", json!({"id": id(8, 9), "provider_id": "p"})),
        Insert(A, "conversations", json!({"id": id(8, 9), "model_id": "m", "provider_id": "p", "metadata": null})),
        Insert(A, "conversations", json!({"id": id(8, 8), "model_id": "m", "provider_id": "p", "deleted_at": LATER})),
        Insert(
            A,
            "chat_messages",
            json!({"id": m, "conversation_id": c, "role": "user", "content": "hi", "created_at": AT}),
        ),
        Insert(A, "chat_messages", json!({"id": id(8, 7), "conversation_id": c, "role": "user", "content": "now"})),
        Insert(A, "chat_messages", json!({"id": id(8, 6), "conversation_id": c, "role": "robot", "content": "hi"})),
        Insert(
            A,
            "message_attachments",
            json!({"id": a, "message_id": m, "file_name": "f", "storage_path": "s", "created_at": AT}),
        ),
        Update(A, "conversations", c, json!({"title": "web", "tags": ["a", "a", ""], "settings": [1]})),
        Update(A, "conversations", c, json!({"title": "web"})),
        Update(A, "conversations", c, json!({"deleted_at": LATER})),
        Update(A, "chat_messages", m, json!({"rating": 3})),
        Update(A, "chat_messages", m, json!({"rating": 9})),
        Update(A, "chat_messages", m, json!({"content": "edited"})),
        Update(A, "chat_messages", id(8, 99), json!({"rating": 3})),
        Serve(
            A,
            "usage_logs",
            json!({"id": id(8, 50), "endpoint": "/e", "method": "GET", "status_code": 200, "created_at": AT}),
        ),
        Delete(A, "chat_messages", m),
        Delete(A, "chat_messages", m),
    ];
    calls.extend(everything(A));
    calls.extend([Pull(A, 3), Preview(A), Audit(A, "usage_logs")]);
    add(
        "what another client writes is numbered like anything else",
        calls,
        &["insert conversations: true", "insert conversations: false"],
    );

    add(
        "rows that come back",
        held_calls(),
        &["superseded", "Applied", "21 patch conversations Applied superseded Some(11)"],
    );

    let path = "A/2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".to_owned();
    let calls = vec![
        Stored(A, path.clone()),
        Download(A, path.clone(), b"foo"),
        Upload(A, path.clone(), b"foo"),
        Upload(A, path.clone(), b"foo"),
        Upload(B, path.clone(), b"foo"),
        Stored(A, path.clone()),
        Stored(B, path.clone()),
        Download(A, path.clone(), b"foo"),
        Download(A, path.clone(), b"bar"),
        Download(B, path, b"foo"),
    ];
    add(
        "files are their owner's alone",
        calls,
        &["stored: None", "upload: done", "stored: Some(3)", "the bytes are the same: true"],
    );
    cases
}

/// Numbers count from the beginning of the case; the first push of A gets 1.
fn held_calls() -> Vec<Call> {
    let [c, m, a, n, d] = [1, 2, 3, 4, 5].map(|n| id(9, n));
    let held = |op: Value, held: i64| with(op, "held", json!(held));
    let mut calls = vec![
        Push(A, vec![conversation(c), message(m, c, "x"), attachment(a, m, c), conversation(d)]),
        Push(A, vec![held(patch("conversations", c, c, json!({"title": "older"})), 1)]),
        Push(A, vec![held(patch("conversations", c, c, json!({"title": "later"})), 5)]),
        Push(A, vec![held(patch("conversations", c, c, json!({"title": "between"})), 4)]),
        Push(A, vec![held(patch("conversations", c, c, json!({"title": "latest"})), 6)]),
        Push(A, vec![patch("conversations", c, c, json!({"title": "regular"}))]),
        Push(A, vec![held(patch("conversations", c, c, json!({"title": "lost"})), 1)]),
        Push(
            A,
            vec![held(
                op(
                    "insert",
                    "conversations",
                    c,
                    c,
                    json!({"title": "whole", "settings": {"k": 1}, "tags": ["t"], "created_at": AT}),
                ),
                50,
            )],
        ),
        Push(A, vec![held(message(m, c, "x"), 1), held(message(m, c, "y"), 50), held(message(n, c, "new"), 50)]),
        Push(
            A,
            vec![
                held(patch("chat_messages", n, c, json!({"rating": 1})), 49),
                patch("chat_messages", n, c, json!({"rating": 2})),
                held(patch("chat_messages", n, c, json!({"rating": 3})), 51),
            ],
        ),
        // The same form under a higher number changes nothing but what the next one is measured by.
        Push(
            A,
            vec![
                held(message(m, c, "x"), 60),
                held(patch("chat_messages", m, c, json!({"rating": 1})), 55),
                held(patch("chat_messages", m, c, json!({"rating": 4})), 65),
            ],
        ),
        Push(A, vec![op("delete", "chat_messages", m, c, Value::Null)]),
        Push(
            A,
            vec![
                held(message(m, c, "x"), 2),
                held(attachment(a, m, c), 2),
                held(patch("chat_messages", m, c, json!({"rating": 1})), 2),
            ],
        ),
        Push(A, vec![held(message(m, c, "x"), 100), held(attachment(a, m, c), 100)]),
        Push(A, vec![held(patch("chat_messages", id(9, 77), c, json!({"rating": 1})), 100)]),
        Push(A, vec![held(conversation(id(9, 20)), -1)]),
        Push(A, vec![with(held(patch("conversations", c, c, json!({"title": "replayed"})), 1), "op", json!(99_999))]),
        Push(A, vec![patch("conversations", c, c, json!({"summary": "s"}))]),
        Push(A, vec![with(held(patch("conversations", c, c, json!({"title": "replayed"})), 1), "op", json!(99_999))]),
        // A number under which the server took a form back stands for the one that this form was held under, also after a
        // later form has come: 10 is the number of the first of these, and stands for 2.
        Push(A, vec![held(patch("conversations", d, d, json!({"title": "held under 2"})), 2)]),
        Push(A, vec![held(patch("conversations", d, d, json!({"title": "held under 3"})), 3)]),
        Push(A, vec![held(patch("conversations", d, d, json!({"title": "the first again"})), 10)]),
    ];
    calls.extend(everything(A));
    calls.push(Pull(A, 9));
    calls
}
