//! Every function that `public` has, over HTTP, with the ids of another user: it answers with nothing of theirs and does
//! nothing to it. Functions of the server are refused to everyone.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::{Caller, Stage, ask};
use crate::people::Person;
use crate::session::json_of;
use crate::state;
use crate::world::world;

/// What was decided about a function: the calls that another user tries with A's ids, or that only the server calls it.
enum Decision {
    Users(fn(&Person) -> Vec<Value>),
    Server,
}

/// Every function of `public` by its signature. A new one must be decided upon here.
const DECIDED: &[(&str, Decision)] = &[
    ("archive_old_conversations(integer)", Decision::Users(|_| vec![json!({}), json!({"p_days": 0})])),
    ("cleanup_expired_cache()", Decision::Server),
    ("cleanup_inactive_sessions()", Decision::Server),
    ("cleanup_old_messages(uuid)", Decision::Server),
    ("create_monthly_partition(date)", Decision::Server),
    (
        "delete_my_account(text)",
        Decision::Users(|a| vec![json!({"p_email": format!("{}@example.test", a.id)}), json!({"p_email": null})]),
    ),
    ("erase_user(uuid)", Decision::Server),
    ("export_user_account(uuid)", Decision::Server),
    ("export_user_conversations(uuid)", Decision::Server),
    ("find_users(text)", Decision::Server),
    (
        "export_conversation_json(uuid)",
        Decision::Users(|a| vec![json!({"p_conversation_id": a.conversation}), json!({"p_conversation_id": null})]),
    ),
    (
        "get_conversation_messages(uuid, integer, timestamp with time zone, uuid)",
        Decision::Users(|a| {
            vec![
                json!({"p_conversation_id": a.conversation}),
                json!({"p_conversation_id": a.conversation, "p_limit": 1000, "p_before": "infinity",
                       "p_before_id": a.message}),
            ]
        }),
    ),
    ("get_conversation_summary(uuid)", Decision::Users(|a| vec![json!({"p_conversation_id": a.conversation})])),
    (
        "get_conversations_with_last_message(uuid, integer, integer)",
        Decision::Users(|a| vec![json!({"p_user_id": a.id}), json!({"p_user_id": null}), json!({})]),
    ),
    ("get_my_limits()", Decision::Users(|_| vec![json!({})])),
    ("get_or_set_cache(text, jsonb, integer)", Decision::Server),
    (
        "get_popular_topics(integer, integer)",
        Decision::Users(|_| vec![json!({}), json!({"p_days": 3660, "p_limit": 100})]),
    ),
    ("get_user_usage_stats(integer)", Decision::Users(|_| vec![json!({}), json!({"p_days": 3660})])),
    ("lift_suspension(uuid, text)", Decision::Server),
    ("log_query_performance(text, integer, integer)", Decision::Server),
    ("messages_to_embed(integer, timestamp with time zone, uuid)", Decision::Server),
    ("record_moderation(uuid, text, jsonb, uuid, timestamp with time zone)", Decision::Server),
    ("record_payment(text, numeric, text, text, uuid, text, text, text, timestamp with time zone)", Decision::Server),
    (
        "record_subscription(timestamp with time zone, text, text, text, timestamp with time zone, \
         timestamp with time zone, text, uuid, timestamp with time zone, text, numeric, text)",
        Decision::Server,
    ),
    ("record_violation(uuid, text, text, text, timestamp with time zone)", Decision::Server),
    ("refresh_recent_conversations()", Decision::Server),
    ("release_generation(uuid, timestamp with time zone)", Decision::Server),
    ("reserve_generation(uuid, timestamp with time zone)", Decision::Server),
    ("search_messages(text, integer, integer)", Decision::Users(searches)),
    (
        "search_messages_hybrid(text, real[], integer, integer)",
        Decision::Users(|a| {
            let mut calls = searches(a);
            // On a server without pgvector, as this one, a vector is refused; `semantic` has one that has it.
            calls.push(json!({"p_query": a.mark, "p_embedding": [1, 2, 3]}));
            calls
        }),
    ),
    ("set_message_embeddings(jsonb)", Decision::Server),
    ("suspend_user(uuid, timestamp with time zone, text)", Decision::Server),
    ("update_daily_usage_aggregate(uuid, date)", Decision::Server),
    (
        "sync_audit(text, uuid, integer)",
        Decision::Users(|a| {
            let tables = ["conversations", "chat_messages", "tombstones", "sync_devices", "auth.users"];
            let calls = tables.iter().map(|table| json!({"p_table": table}));
            calls.chain([json!({"p_table": "conversations", "p_after": a.conversation, "p_ranges": 1})]).collect()
        }),
    ),
    (
        "sync_device(uuid, text, text, text)",
        Decision::Users(|_| vec![json!({}), json!({"p_device": Uuid::new_v4(), "p_name": "x"})]),
    ),
    ("sync_hello()", Decision::Users(|_| vec![json!({})])),
    ("sync_preview(integer, integer)", Decision::Users(|_| vec![json!({}), json!({"p_conversations": 200})])),
    (
        "sync_pull(text, bigint, integer, uuid, integer)",
        // The epoch is put in when it is known.
        Decision::Users(|a| {
            vec![
                json!({"p_epoch": EPOCH, "p_seq": 0}),
                json!({"p_epoch": EPOCH, "p_seq": 0, "p_rank": 3, "p_id": a.message, "p_limit": 1000}),
                json!({"p_epoch": EPOCH, "p_seq": -1}),
            ]
        }),
    ),
    ("sync_push(uuid, jsonb)", Decision::Users(pushes)),
    (
        "sync_push(uuid, jsonb, text)",
        Decision::Users(|a| {
            let with = |mut call: Value| {
                call["p_epoch"] = json!(EPOCH);
                call
            };
            pushes(a)
                .into_iter()
                .map(with)
                .chain([json!({"p_device": null, "p_ops": [], "p_epoch": "other"})])
                .collect()
        }),
    ),
    ("sync_sign_out_device(uuid)", Decision::Users(|a| vec![json!({"p_device": a.device})])),
    (
        "sync_snapshot(text, uuid, integer)",
        Decision::Users(|a| {
            let tables = [
                "user_profiles",
                "conversations",
                "chat_messages",
                "message_attachments",
                "usage_logs",
                "usage_daily_aggregates",
                "subscription_history",
                "payment_history",
                "tombstones",
            ];
            let other = ["sync_ops", "moderation_logs", "../auth.users", "conversations as c; --"];
            tables
                .into_iter()
                .chain(other)
                .flat_map(|table| [json!({"p_table": table}), json!({"p_table": table, "p_after": a.conversation})])
                .collect()
        }),
    ),
];

const EPOCH: &str = "the epoch";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_function_tells_or_changes_what_is_anothers() {
    let stage = Stage::set().await;
    let owner = world().await.served().as_owner().await;
    let statement =
        "select coalesce(jsonb_agg(p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'), '[]')
        ::text from pg_proc as p where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
          and not exists (select from pg_depend where objid = p.oid and deptype = 'e')";
    let found: BTreeSet<String> = json_of(&owner, statement)
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|signature| without_names(signature.as_str().unwrap()))
        .collect();
    let decided: BTreeSet<String> = DECIDED.iter().map(|(signature, _)| (*signature).to_owned()).collect();
    assert_eq!(found, decided, "every function of `public` is decided upon here, and no other");

    let epoch = ask(&stage.own, Method::POST, "/rest/v1/rpc/sync_hello", &[], Some(&json!({}))).await.json();
    let epoch = epoch["epoch"].as_str().unwrap().to_owned();
    let before = state::rows_of(&owner, stage.a.id).await;
    for (signature, decision) in DECIDED {
        let name = signature.split('(').next().unwrap();
        let calls = match decision {
            Decision::Users(calls) => calls(&stage.a),
            Decision::Server => {
                vec![
                    json!({}),
                    json!({"p_query_name": "x", "p_execution_time_ms": 1, "p_rows_returned": 1}),
                    json!({"p_month": "2031-01-01"}),
                    json!({"p_user_id": stage.a.id}),
                    json!({"p_user_id": stage.a.id, "p_date": "2026-01-01"}),
                    json!({"p_query": stage.a.id}),
                    json!({"p_rows": [{"id": stage.a.message, "embedding": [1, 2, 3]}]}),
                    json!({"p_user_id": stage.a.id, "p_until": null, "p_reason": "x"}),
                    json!({"p_user_id": stage.a.id, "p_type": "x", "p_severity": "low"}),
                    json!({"p_user_id": stage.a.id, "p_content": "x", "p_scores": {}, "p_message_id": stage.a.message}),
                    json!({"p_user_id": stage.a.id, "p_payment_intent": "x", "p_amount": 1, "p_status": "paid"}),
                    json!({"p_user_id": stage.a.id, "p_event_at": "2026-01-01", "p_tier": "pro", "p_status": "active",
                           "p_subscription": "x", "p_period_start": "2026-01-01", "p_period_end": "2027-01-01"}),
                    json!({"p_key": "x", "p_value": {"x": 1}}),
                ]
            }
        };
        for call in calls {
            let call: Value = serde_json::from_str(&call.to_string().replace(EPOCH, &epoch)).unwrap();
            for caller in &stage.others {
                refused_or_silent(&stage, caller, name, &call, matches!(decision, Decision::Server)).await;
                assert_eq!(state::rows_of(&owner, stage.a.id).await, before, "{} by {name} {call}", caller.name);
            }
        }
    }
    // The control: to A the same functions answer.
    let own = json!({"p_query": "secret"});
    let own = ask(&stage.own, Method::POST, "/rest/v1/rpc/search_messages", &[], Some(&own)).await;
    assert!(own.text.contains(&stage.a.mark), "{}", own.text);
    let own = json!({"p_epoch": epoch, "p_seq": 0});
    let own = ask(&stage.own, Method::POST, "/rest/v1/rpc/sync_pull", &[], Some(&own)).await;
    assert!(own.text.contains(&stage.a.mark), "{}", own.text);
}

async fn refused_or_silent(stage: &Stage, caller: &Caller, name: &str, call: &Value, server_only: bool) {
    let path = format!("/rest/v1/rpc/{name}");
    let mut answers = vec![ask(caller, Method::POST, &path, &[], Some(call)).await];
    // Functions that only read can be asked with GET too.
    let query: Vec<String> = call
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(key, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"#&;+%\"".contains(&byte))
                .then(|| format!("{key}={text}"))
        })
        .collect();
    answers.push(ask(caller, Method::GET, &format!("{path}?{}", query.join("&")), &[], None).await);
    for answer in answers {
        let place = format!("{} {name} {call}: {} {}", caller.name, answer.status, answer.text);
        assert!(!answer.status.is_server_error(), "{place}");
        if caller.cheats {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{place}");
        } else if server_only || caller.name == "stranger" {
            assert!(answer.status.is_client_error(), "{place}");
        }
        assert!(!answer.text.contains(&stage.a.mark), "{place}");
        // An id that the caller named itself may come back in a message; no other.
        let a = &stage.a;
        for id in [a.id, a.conversation, a.other_conversation, a.message, a.attachment, a.device] {
            let id = id.to_string();
            assert!(call.to_string().contains(&id) || !answer.text.contains(&id), "{place}");
        }
    }
}

#[tokio::test]
async fn a_push_with_anothers_ids_is_told_no_more_than_that_there_is_nothing() {
    let stage = Stage::set().await;
    let b = stage.others.iter().find(|caller| caller.name == "another user").unwrap();
    for call in pushes(&stage.a) {
        let answer = ask(b, Method::POST, "/rest/v1/rpc/sync_push", &[], Some(&call)).await.json();
        for (operation, result) in call["p_ops"].as_array().unwrap().iter().zip(answer["results"].as_array().unwrap()) {
            let expected = match (operation["kind"].as_str().unwrap(), operation["table"].as_str().unwrap()) {
                // What is not there counts as deleted.
                ("delete", _) => json!(null),
                ("patch", _) => json!("not_found"),
                (_, "conversations") => json!("id_taken"),
                _ => json!("missing_parent"),
            };
            assert_eq!(result["code"], expected, "{operation}: {result}");
        }
    }
}

/// Questions that A's rows would answer: its words, a phrase, a beginning, and a script without blanks beside them.
fn searches(a: &Person) -> Vec<Value> {
    let mark = &a.mark;
    let beginning: String = mark.chars().take(3).collect();
    [mark.clone(), format!("\"{mark}\""), beginning, format!("{mark} -\u{6570}"), "\u{6570}".to_owned()]
        .into_iter()
        .map(|words| json!({"p_query": words, "p_limit": 1000}))
        .collect()
}

/// Each kind of operation on each of A's rows, and children of A's rows under one's own name.
fn pushes(a: &Person) -> Vec<Value> {
    let patches = [
        ("conversations", a.conversation, json!({"title": "taken"})),
        ("conversations", a.conversation, json!({"deleted_at": "2026-01-01T00:00:00Z", "tags_add": ["t"]})),
        ("chat_messages", a.message, json!({"rating": 1})),
        ("message_attachments", a.attachment, json!({"storage_path": "taken"})),
    ];
    let inserts = [
        ("conversations", a.conversation, json!({"title": "taken", "model_id": "m", "provider_id": "p"})),
        ("chat_messages", a.message, json!({"conversation_id": a.conversation, "role": "user", "content": "x"})),
        ("chat_messages", Uuid::new_v4(), json!({"conversation_id": a.conversation, "role": "user", "content": "x"})),
        ("message_attachments", Uuid::new_v4(), json!({"message_id": a.message, "file_name": "f", "storage_path": ""})),
    ];
    let deletes =
        [("conversations", a.conversation), ("chat_messages", a.message), ("message_attachments", a.attachment)];
    let operation = |table: &str, id: Uuid, kind: &str| json!({"op_id": Uuid::new_v4(), "lane": Uuid::new_v4(), "table": table, "id": id, "kind": kind, "base_seq": 0});
    let mut all = Vec::new();
    for (table, id, set) in patches {
        let mut one = operation(table, id, "patch");
        one["set"] = set;
        all.push(one);
    }
    for (table, id, row) in inserts {
        let mut one = operation(table, id, "insert");
        one["row"] = row;
        all.push(one);
    }
    all.extend(deletes.map(|(table, id)| operation(table, id, "delete")));
    vec![json!({"p_device": Uuid::nil(), "p_ops": all})]
}

/// `f(p_a uuid, p_b integer)` → `f(uuid, integer)`.
fn without_names(signature: &str) -> String {
    let (name, arguments) = signature.trim_end_matches(')').split_once('(').unwrap();
    let kinds: Vec<&str> =
        arguments.split(", ").map(|argument| argument.split_once(' ').map_or(argument, |(_, kind)| kind)).collect();
    format!("{name}({})", kinds.join(", "))
}
