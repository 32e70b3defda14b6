//! The mirror as its callers see it: rows, views, counters, outbox, pull under waiting patches.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

use airi_domain::{
    Attachment, AttachmentId, Conversation, ConversationId, Message, MessageId, OwnerId, Patch, Role, Time,
    empty_object,
};
use airi_store::{IndexRow, Insert, List, Place, Store, StoreError};
use serde_json::json;
use uuid::Uuid;

struct Fixture {
    store: Store,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    Fixture { store: Store::open(&dir.path().join("mirror.sqlite")).unwrap(), _dir: dir }
}

const ACCOUNT: OwnerId = OwnerId(Uuid::from_u128(0xacc));

fn at(seconds: i64) -> Time {
    Time::from_micros(1_700_000_000_000_000 + seconds * 1_000_000).unwrap()
}

fn cid(n: u128) -> ConversationId {
    ConversationId(Uuid::from_u128(0xc000 + n))
}

fn mid(n: u128) -> MessageId {
    MessageId(Uuid::from_u128(0xa000 + n))
}

fn conversation(n: u128) -> Conversation {
    Conversation { title: Some(format!("Talk {n}")), ..Conversation::new(cid(n), at(n as i64)) }
}

fn message(n: u128, conversation: u128, parent: Option<u128>) -> Message {
    let role = if n % 2 == 1 { Role::User } else { Role::Assistant };
    Message {
        parent_id: parent.map(mid),
        total_tokens: 10,
        ..Message::new(mid(n), cid(conversation), role, format!("text {n}"), at(n as i64))
    }
}

fn patch(value: serde_json::Value) -> Patch {
    value.as_object().unwrap().clone()
}

fn write<T>(store: &Store, act: impl FnOnce(&mut airi_store::Writer<'_>) -> Result<T, StoreError>) -> T {
    store.write(act).unwrap()
}

fn view(store: &Store, n: u128, with_hidden: bool) -> Vec<u128> {
    let reader = store.read().unwrap();
    let key = reader.conversation(cid(n)).unwrap().unwrap().key;
    let slice = reader.thread_from(key, Place { position: 0, sub: 0 }, 1000, with_hidden).unwrap();
    slice.rows.iter().map(|row| row.record.message.id.0.as_u128() - 0xa000).collect()
}

#[test]
fn rows_come_back_as_they_went_in() {
    let f = fixture();
    let mut c = conversation(1);
    c.settings = json!({"a": {"b": 1}});
    c.tags = vec!["x".into(), "y".into()];
    c.metadata = json!({"source": "chatgpt"});
    let mut m = message(1, 1, None);
    m.tool_calls = Some(json!([{"name": "f"}]));
    m.rating = Some(4);
    let a = Attachment {
        id: AttachmentId(Uuid::from_u128(7)),
        message_id: mid(1),
        file_name: "a.png".into(),
        file_type: None,
        file_size: Some(3),
        storage_path: String::new(),
        sha256: Some("0".repeat(64)),
        mime_type: Some("image/png".into()),
        width: Some(1),
        height: Some(2),
        duration_seconds: None,
        metadata: empty_object(),
        created_at: at(1),
    };
    write(&f.store, |w| {
        w.insert_conversation(c.clone())?;
        w.insert_message(m.clone())?;
        w.insert_attachment(a.clone())
    });
    let r = f.store.read().unwrap();
    let record = r.conversation(c.id).unwrap().unwrap();
    assert_eq!(record.conversation, c);
    assert_eq!((record.message_count, record.total_tokens_used, record.last_message_at), (1, 10, at(1)));
    assert_eq!(r.message(m.id).unwrap().unwrap().message, m);
    assert_eq!(r.attachments_in(record.key).unwrap(), [a]);
}

#[test]
fn a_second_insert_of_an_id_changes_nothing() {
    let f = fixture();
    write(&f.store, |w| w.insert_conversation(conversation(1)));
    let again = Conversation { title: Some("other".into()), ..conversation(1) };
    assert!(matches!(write(&f.store, |w| w.insert_conversation(again)), Insert::Existing(_)));
    assert_eq!(f.store.read().unwrap().conversation(cid(1)).unwrap().unwrap().conversation, conversation(1));
}

#[test]
fn a_failed_transaction_leaves_nothing_and_tells_nobody() {
    let f = fixture();
    let told = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = told.clone();
    f.store.on_commit(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    });
    let result: Result<(), StoreError> = f.store.write(|w| {
        w.insert_conversation(conversation(1))?;
        Err(StoreError::Invalid("stop".into()))
    });
    assert!(result.is_err());
    assert!(f.store.read().unwrap().conversation(cid(1)).unwrap().is_none());
    assert_eq!(told.load(std::sync::atomic::Ordering::SeqCst), 0);
    write(&f.store, |w| w.insert_conversation(conversation(1)));
    assert_eq!(told.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn appended_messages_are_placed_like_those_worked_out_anew() {
    let f = fixture();
    write(&f.store, |w| w.insert_conversation(conversation(1)));
    for n in 1..=6 {
        let mut m = message(n, 1, (n > 1).then(|| n - 1));
        if n == 3 {
            m.metadata = json!({"hidden": true});
        }
        write(&f.store, |w| w.insert_message(m));
    }
    assert_eq!(view(&f.store, 1, false), [1, 2, 4, 5, 6]);
    assert_eq!(view(&f.store, 1, true), [1, 2, 3, 4, 5, 6]);
    let r = f.store.read().unwrap();
    let record = r.conversation(cid(1)).unwrap().unwrap();
    assert_eq!((record.message_count, record.hidden_count), (6, 1));
    let last = r.place_of(mid(6)).unwrap().unwrap();
    assert_eq!(last, Place { position: 5, sub: 0 });
    let page = r.thread_before(record.key, last, 2, false).unwrap();
    let ids: Vec<_> = page.rows.iter().map(|row| row.record.message.id).collect();
    assert_eq!((ids, page.shown, page.hidden), (vec![mid(4), mid(5)], 5, 1));
}

#[test]
fn a_parent_that_comes_after_its_child_is_placed_before_it() {
    let f = fixture();
    // The child's clock was ahead of its parent's, and it came first.
    write(&f.store, |w| {
        w.insert_conversation(conversation(1))?;
        w.insert_message(message(1, 1, None))?;
        w.insert_message(Message { created_at: at(2), ..message(3, 1, Some(5)) })
    });
    write(&f.store, |w| w.insert_message(Message { created_at: at(9), ..message(5, 1, Some(1)) }));
    assert_eq!(view(&f.store, 1, false), [1, 5]);
    write(&f.store, |w| w.patch_conversation(cid(1), patch(json!({"current_message_id": mid(3)}))));
    assert_eq!(view(&f.store, 1, false), [1, 5, 3]);
    // The newest in time is in view, but not its end.
    write(&f.store, |w| w.insert_message(Message { created_at: at(20), ..message(7, 1, Some(5)) }));
    assert_eq!(view(&f.store, 1, false), [1, 5, 3]);
}

#[test]
fn another_answer_forks_the_thread_and_the_view_can_be_switched() {
    let f = fixture();
    write(&f.store, |w| {
        w.insert_conversation(conversation(1))?;
        for n in 1..=4 {
            w.insert_message(message(n, 1, (n > 1).then(|| n - 1)))?;
        }
        w.insert_message(message(6, 1, Some(1)))
    });
    assert_eq!(view(&f.store, 1, false), [1, 6]);
    write(&f.store, |w| w.patch_conversation(cid(1), patch(json!({"current_message_id": mid(2)}))));
    assert_eq!(view(&f.store, 1, false), [1, 2, 3, 4]);
    let r = f.store.read().unwrap();
    let key = r.conversation(cid(1)).unwrap().unwrap().key;
    let slice = r.thread_from(key, Place { position: 0, sub: 0 }, 10, false).unwrap();
    assert_eq!(slice.rows[1].siblings, [mid(2), mid(6)]);
    assert!(slice.rows[2].siblings.is_empty());
}

#[test]
fn deleting_and_restoring_a_message_moves_view_and_counters() {
    let f = fixture();
    write(&f.store, |w| {
        w.insert_conversation(conversation(1))?;
        w.insert_message(message(1, 1, None))?;
        w.insert_message(message(2, 1, Some(1)))
    });
    write(&f.store, |w| w.patch_message(mid(2), patch(json!({"deleted_at": at(9)}))));
    assert_eq!(view(&f.store, 1, false), [1]);
    let record = f.store.read().unwrap().conversation(cid(1)).unwrap().unwrap();
    assert_eq!((record.message_count, record.total_tokens_used, record.last_message_at), (1, 10, at(1)));
    write(&f.store, |w| w.patch_message(mid(2), patch(json!({"deleted_at": null}))));
    assert_eq!(view(&f.store, 1, false), [1, 2]);
    assert!(f.store.read().unwrap().miscounted().unwrap().is_empty());
}

#[test]
fn lists_page_by_keyset_and_know_their_length() {
    let f = fixture();
    write(&f.store, |w| {
        for n in 1..=25 {
            w.insert_conversation(conversation(n))?;
        }
        w.patch_conversation(cid(3), patch(json!({"is_starred": true, "tags_add": ["work"]})))?;
        w.patch_conversation(cid(4), patch(json!({"is_archived": true})))?;
        w.patch_conversation(cid(5), patch(json!({"deleted_at": at(50)})))
    });
    let r = f.store.read().unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = r.list(List::Active, None, after, 10).unwrap();
        seen.extend(page.records.iter().map(|record| record.conversation.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (1..=25).rev().filter(|n| ![4, 5].contains(n)).map(cid).collect();
    assert_eq!(seen, expected);
    let totals = [List::Active, List::Starred, List::Archived, List::Trash, List::All]
        .map(|list| r.list_total(list, None).unwrap());
    assert_eq!(totals, [23, 1, 1, 1, 24]);
    assert_eq!(r.list(List::All, Some("work"), None, 10).unwrap().records.len(), 1);
    assert_eq!(r.tags().unwrap(), [("work".to_owned(), 1)]);
    assert_eq!(r.keys_titled("TALK 25").unwrap().len(), 1);
    assert_eq!(r.keys_titled("25 talk").unwrap().len(), 1);
    assert!(r.keys_titled("talk nowhere").unwrap().is_empty());
}

#[test]
fn without_an_account_nothing_is_queued_and_with_one_everything_is() {
    let f = fixture();
    write(&f.store, |w| w.insert_conversation(conversation(1)));
    assert!(f.store.read().unwrap().outbox(10).unwrap().is_empty());
    write(&f.store, |w| w.set_owner(ACCOUNT));
    write(&f.store, |w| {
        w.insert_conversation(conversation(2))?;
        w.insert_message(message(1, 2, None))?;
        w.patch_conversation(cid(2), patch(json!({"title": "New", "is_starred": false})))
    });
    let outbox = f.store.read().unwrap().outbox(10).unwrap();
    let kinds: Vec<_> = outbox.iter().map(|entry| (entry.table.as_str(), entry.kind.as_str())).collect();
    assert_eq!(kinds, [("conversations", "insert"), ("chat_messages", "insert"), ("conversations", "patch")]);
    assert_eq!(outbox[2].patch, Some(patch(json!({"title": "New"}))), "a field that had the value already is not sent");
    assert_eq!(f.store.owner(), ACCOUNT);
}

#[test]
fn a_pulled_row_lands_beneath_waiting_patches() {
    let f = fixture();
    write(&f.store, |w| {
        w.set_owner(ACCOUNT)?;
        w.pull_conversation(conversation(1), 5)
    });
    write(&f.store, |w| w.patch_conversation(cid(1), patch(json!({"title": "Mine", "tags_add": ["a"]}))));
    let theirs =
        Conversation { title: Some("Theirs".into()), is_starred: true, tags: vec!["b".into()], ..conversation(1) };
    write(&f.store, |w| w.pull_conversation(theirs.clone(), 6));
    let record = f.store.read().unwrap().conversation(cid(1)).unwrap().unwrap();
    assert_eq!(record.conversation.title.as_deref(), Some("Mine"));
    assert_eq!(
        (record.conversation.is_starred, record.conversation.tags),
        (true, vec!["b".to_owned(), "a".to_owned()])
    );
    let op = f.store.read().unwrap().outbox(1).unwrap()[0].op_id;
    write(&f.store, |w| w.discard(op));
    write(&f.store, |w| w.pull_conversation(theirs.clone(), 6));
    assert_eq!(f.store.read().unwrap().conversation(cid(1)).unwrap().unwrap().conversation, theirs);
}

#[test]
fn a_refused_change_holds_its_own_lane_only() {
    let f = fixture();
    write(&f.store, |w| {
        w.set_owner(ACCOUNT)?;
        w.insert_conversation(conversation(1))?;
        w.insert_conversation(conversation(2))?;
        w.insert_message(message(1, 1, None))
    });
    let first = f.store.read().unwrap().outbox(1).unwrap()[0].clone();
    write(&f.store, |w| w.wedge(first.op_id, "invalid", "no"));
    let sendable = f.store.read().unwrap().sendable(0, 10).unwrap();
    assert_eq!(sendable.iter().map(|entry| entry.lane).collect::<Vec<_>>(), [cid(2)]);
    write(&f.store, |w| w.retry(first.op_id));
    let again = f.store.read().unwrap().sendable(0, 10).unwrap();
    assert_eq!(again.len(), 3);
    assert_ne!(again[0].op_id, first.op_id, "the server has recorded its answer to the old id");
}

#[test]
fn the_index_hears_of_every_change_once_and_in_order() {
    let f = fixture();
    write(&f.store, |w| {
        w.insert_conversation(conversation(1))?;
        for n in 1..=5 {
            w.insert_message(message(n, 1, (n > 1).then(|| n - 1)))?;
        }
        Ok(())
    });
    let (mut seen, mut from) = (Vec::new(), 0);
    loop {
        let rows = f.store.read().unwrap().changed_since(from, 2).unwrap();
        let Some(last) = rows.last() else { break };
        from = last.seq();
        seen.extend(rows.iter().map(IndexRow::seq));
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
    assert_eq!(f.store.read().unwrap().head().unwrap(), 6);
    write(&f.store, |w| w.patch_message(mid(2), patch(json!({"rating": 1}))));
    write(&f.store, |w| w.erase_conversation(cid(1)));
    let rest = f.store.read().unwrap().changed_since(6, 100).unwrap();
    assert!(matches!(rest.as_slice(), [IndexRow::Erased { message: 0, .. }]), "{rest:?}");
}

#[test]
fn a_tombstone_takes_rows_and_what_waits_of_them() {
    let f = fixture();
    write(&f.store, |w| {
        w.set_owner(ACCOUNT)?;
        w.pull_conversation(conversation(1), 1)?;
        w.pull_message(message(1, 1, None), 1)?;
        w.patch_message(mid(1), patch(json!({"rating": 2})))?;
        w.pull_tombstone("conversations", cid(1).0, 2)
    });
    let r = f.store.read().unwrap();
    assert!(r.conversation(cid(1)).unwrap().is_none() && r.message(mid(1)).unwrap().is_none());
    assert!(r.outbox(10).unwrap().is_empty());
}

#[test]
fn after_a_rejoin_what_the_server_lacks_is_queued_again() {
    let f = fixture();
    write(&f.store, |w| {
        w.set_owner(ACCOUNT)?;
        w.pull_conversation(conversation(1), 1)?;
        w.pull_message(message(1, 1, None), 1)?;
        w.pull_message(message(2, 1, Some(1)), 2)?;
        w.await_word()?;
        w.pull_conversation(conversation(1), 1)?;
        w.pull_message(message(1, 1, None), 1)?;
        assert_eq!(w.bring_back_missing()?, 1);
        Ok(())
    });
    let outbox = f.store.read().unwrap().outbox(10).unwrap();
    assert_eq!(outbox.iter().map(|entry| entry.row_id).collect::<Vec<_>>(), [mid(2).0]);
}

#[test]
fn two_processes_worth_of_connections_see_each_others_commits() {
    let f = fixture();
    let other = Store::open(f.store.path()).unwrap();
    let before = f.store.data_version().unwrap();
    write(&other, |w| w.insert_conversation(conversation(1)));
    assert_ne!(f.store.data_version().unwrap(), before);
    let own = f.store.data_version().unwrap();
    write(&f.store, |w| w.insert_conversation(conversation(2)));
    assert_eq!(f.store.data_version().unwrap(), own);
    assert_eq!(other.read().unwrap().totals().unwrap().conversations, 2);
}

#[test]
fn a_tombstone_of_an_earlier_row_spares_the_one_that_was_made_again() {
    let f = fixture();
    write(&f.store, |w| {
        w.set_owner(ACCOUNT)?;
        // Made again here after Delete forever, not sent yet: its own old tombstone arrives first.
        w.insert_conversation(conversation(1))?;
        w.pull_tombstone("conversations", cid(1).0, 9)?;
        // Known to the server as newer than the tombstone.
        w.pull_conversation(conversation(2), 12)?;
        w.pull_tombstone("conversations", cid(2).0, 9)?;
        w.pull_conversation(conversation(3), 5)?;
        w.pull_tombstone("conversations", cid(3).0, 9)
    });
    let r = f.store.read().unwrap();
    let there = [1, 2, 3].map(|n| r.conversation(cid(n)).unwrap().is_some());
    assert_eq!(there, [true, true, false]);
    assert_eq!(r.outbox(10).unwrap().len(), 1);
}

#[test]
fn after_a_rejoin_what_waited_goes_behind_the_rows_it_speaks_of() {
    let f = fixture();
    write(&f.store, |w| {
        w.set_owner(ACCOUNT)?;
        w.pull_conversation(conversation(1), 1)?;
        w.patch_conversation(cid(1), patch(json!({"title": "Unsent"})))?;
        w.insert_message(message(1, 1, None))?;
        w.await_word()?;
        w.bring_back_missing()
    });
    let outbox = f.store.read().unwrap().outbox(10).unwrap();
    let kinds: Vec<_> = outbox.iter().map(|entry| (entry.table.as_str(), entry.kind.as_str())).collect();
    assert_eq!(kinds, [("conversations", "insert"), ("conversations", "patch"), ("chat_messages", "insert")]);
}

#[test]
fn what_is_erased_before_the_server_answered_is_erased_there_too() {
    let f = fixture();
    write(&f.store, |w| {
        w.set_owner(ACCOUNT)?;
        w.insert_conversation(conversation(1))?;
        w.erase_conversation(cid(1))
    });
    let outbox = f.store.read().unwrap().outbox(10).unwrap();
    assert_eq!(outbox.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["delete"]);
}

#[test]
fn a_second_copy_that_needs_new_ids_brings_its_new_messages() {
    let f = fixture();
    write(&f.store, |w| {
        w.set_owner(ACCOUNT)?;
        w.insert_conversation(conversation(1))?;
        w.insert_message(message(1, 1, None))
    });
    let renamed = write(&f.store, |w| w.rekey_conversation(cid(1)));
    assert_ne!(renamed, cid(1));
    // A newer export of the same conversation comes under the old ids again, with one message more.
    write(&f.store, |w| {
        w.insert_conversation(conversation(1))?;
        w.insert_message(message(1, 1, None))?;
        w.insert_message(message(2, 1, Some(1)))
    });
    assert_eq!(write(&f.store, |w| w.rekey_conversation(cid(1))), renamed);
    let r = f.store.read().unwrap();
    assert!(r.conversation(cid(1)).unwrap().is_none());
    let record = r.conversation(renamed).unwrap().unwrap();
    assert_eq!(record.message_count, 2);
    let messages = r.messages_of(record.key).unwrap();
    assert_eq!(messages[1].message.parent_id, Some(messages[0].message.id));
    assert_eq!(messages[1].message.content, "text 2");
}

#[test]
fn an_attachment_learns_of_its_bytes_later_and_tells_the_server() {
    let f = fixture();
    let hash = "a".repeat(64);
    let bare = Attachment::new(AttachmentId(Uuid::from_u128(7)), mid(1), "a.png".into(), at(1));
    write(&f.store, |w| {
        w.set_owner(ACCOUNT)?;
        w.insert_conversation(conversation(1))?;
        w.insert_message(message(1, 1, None))?;
        w.insert_attachment(bare.clone())?;
        assert!(w.complete_attachment(bare.id, &hash, Some(3))?);
        assert!(!w.complete_attachment(bare.id, &hash, Some(3))?, "once is enough");
        Ok(())
    });
    let r = f.store.read().unwrap();
    assert_eq!(r.attachment(bare.id).unwrap().unwrap().sha256, Some(hash.clone()));
    let last = r.outbox(10).unwrap().pop().unwrap();
    assert_eq!(last.patch.unwrap()["storage_path"], json!(airi_domain::storage_path_for(ACCOUNT, &hash)));
}

fn reply(n: u128, parent: u128) -> Message {
    Message { content: String::new(), total_tokens: 0, ..message(n, 1, Some(parent)) }
}

#[test]
fn a_reply_grows_unheard_and_is_a_message_like_any_other_when_it_is_over() {
    let f = fixture();
    write(&f.store, |w| w.set_owner(ACCOUNT));
    write(&f.store, |w| {
        w.insert_conversation(conversation(1))?;
        w.insert_message(message(1, 1, None)).map(drop)
    });
    let queued = f.store.read().unwrap().outbox(100).unwrap().len();
    write(&f.store, |w| w.begin_reply(reply(2, 1), "runner-a"));
    let seq = f.store.read().unwrap().head().unwrap();
    write(&f.store, |w| w.grow_reply(mid(2), "Half an ans", &json!({"blocks": []})));
    let reader = f.store.read().unwrap();
    assert_eq!(reader.message(mid(2)).unwrap().unwrap().message.content, "Half an ans");
    assert_eq!(reader.head().unwrap(), seq, "what grows is not told to the index by the second");
    assert_eq!(reader.outbox(100).unwrap().len(), queued, "nobody else hears of it yet");
    assert_eq!(reader.unfinished_reply_in(cid(1)).unwrap(), Some((mid(2), "runner-a".into())));
    assert_eq!(view(&f.store, 1, false), [1, 2]);
    let refused = f.store.write(|w| w.patch_message(mid(2), patch(json!({"rating": 5}))));
    assert!(matches!(refused, Err(StoreError::Invalid(_))));

    let over = Message { content: "A whole answer".into(), total_tokens: 7, ..reply(2, 1) };
    assert!(write(&f.store, |w| w.end_reply(over.clone())));
    let reader = f.store.read().unwrap();
    let last = reader.outbox(100).unwrap().pop().unwrap();
    assert_eq!((last.row_id, last.kind), (mid(2).0, airi_store::OutboxKind::Insert));
    assert!(reader.unfinished_replies().unwrap().is_empty());
    assert_eq!(reader.conversation(cid(1)).unwrap().unwrap().total_tokens_used, 17);
    assert!(!write(&f.store, |w| w.end_reply(over)), "it ends once");
    assert!(!write(&f.store, |w| w.grow_reply(mid(2), "late", &json!({}))));
    write(&f.store, |w| w.patch_message(mid(2), patch(json!({"rating": 5}))));
}

#[test]
fn replies_of_a_process_that_is_gone_are_kept_as_far_as_they_were_saved() {
    let f = fixture();
    write(&f.store, |w| {
        w.insert_conversation(conversation(1))?;
        w.insert_conversation(conversation(2))?;
        w.insert_message(message(1, 1, None)).map(drop)
    });
    write(&f.store, |w| w.begin_reply(reply(2, 1), "gone"));
    write(&f.store, |w| w.grow_reply(mid(2), "Half", &json!({})));
    write(&f.store, |w| w.begin_reply(Message { conversation_id: cid(2), ..reply(4, 3) }, "gone"));
    write(&f.store, |w| w.begin_reply(reply(6, 2), "alive"));
    assert_eq!(write(&f.store, |w| w.interrupt_replies("gone")), 2);
    let reader = f.store.read().unwrap();
    let kept = reader.message(mid(2)).unwrap().unwrap().message;
    assert_eq!((kept.content.as_str(), kept.finish_reason.as_deref()), ("Half", Some("interrupted")));
    assert!(reader.message(mid(4)).unwrap().is_none(), "nothing was said, so nothing stays");
    assert_eq!(reader.unfinished_replies().unwrap().len(), 1);
    write(&f.store, |w| w.drop_reply(mid(6)));
    assert!(f.store.read().unwrap().message(mid(6)).unwrap().is_none());
}

#[test]
fn the_totals_are_those_of_the_rows_whatever_happens_to_them() {
    let f = fixture();
    let file = |n: u128, of: u128| {
        Attachment::new(AttachmentId(Uuid::from_u128(0xf000 + n)), mid(of), format!("{n}.txt"), at(n as i64))
    };
    let holds = |conversations: u64, messages: u64, attachments: u64| {
        write(&f.store, |w| w.refresh_views(100));
        let reader = f.store.read().unwrap();
        let totals = reader.totals().unwrap();
        assert_eq!((totals.conversations, totals.messages, totals.attachments), (conversations, messages, attachments));
        assert_eq!(reader.recounted().unwrap(), Some(totals));
        assert!(!reader.usage_differs().unwrap());
    };
    holds(0, 0, 0);
    for c in 1..=2 {
        write(&f.store, |w| {
            w.insert_conversation(conversation(c))?;
            for n in 10 * c..10 * c + 3 {
                w.insert_message(message(n, c, (n > 10 * c).then(|| n - 1)))?;
                w.insert_attachment(file(n, n))?;
            }
            w.insert_attachment(file(10 * c + 5, 10 * c + 2))
        });
    }
    holds(2, 6, 8);
    // A message goes to the trash with its two files, and a file comes to it there from another device.
    write(&f.store, |w| w.patch_message(mid(12), patch(json!({"deleted_at": at(90)}))));
    holds(2, 5, 6);
    write(&f.store, |w| w.pull_attachment(file(6, 12), 3));
    holds(2, 5, 6);
    // So does the other conversation; then both come back, and a message of it goes for good.
    write(&f.store, |w| w.patch_conversation(cid(2), patch(json!({"deleted_at": at(91), "is_archived": true}))));
    holds(1, 2, 2);
    write(&f.store, |w| w.patch_message(mid(12), patch(json!({"deleted_at": null}))));
    holds(1, 3, 5);
    write(&f.store, |w| w.patch_message(mid(22), patch(json!({"deleted_at": at(92)}))));
    write(&f.store, |w| w.patch_conversation(cid(2), patch(json!({"deleted_at": null}))));
    holds(2, 5, 7);
    write(&f.store, |w| w.pull_tombstone("chat_messages", mid(22).0, 9));
    holds(2, 5, 7);
    write(&f.store, |w| w.pull_tombstone("chat_messages", mid(21).0, 10));
    holds(2, 4, 6);
    write(&f.store, |w| w.erase_conversation(cid(1)));
    holds(1, 1, 1);
    write(&f.store, |w| w.rekey_conversation(cid(2)));
    holds(1, 1, 1);
}
