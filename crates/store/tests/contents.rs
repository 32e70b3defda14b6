//! What the mirror knows of the bytes behind attachments.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

use airi_domain::{
    Attachment, AttachmentId, Conversation, ConversationId, Message, MessageId, OwnerId, Patch, Role, Time,
    storage_path_for,
};
use airi_store::{FileFault, FilePlace, GalleryCounts, OutboxKind, Store, StoreError, Writer};
use serde_json::json;
use uuid::Uuid;

const ACCOUNT: OwnerId = OwnerId(Uuid::from_u128(0xacc));

fn at(seconds: i64) -> Time {
    Time::from_micros(1_700_000_000_000_000 + seconds * 1_000_000).unwrap()
}

fn aid(n: u128) -> AttachmentId {
    AttachmentId(Uuid::from_u128(0xf000 + n))
}

fn hash(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

fn attachment(n: u128, sha256: Option<String>, storage_path: &str) -> Attachment {
    Attachment {
        file_size: Some(10),
        storage_path: storage_path.into(),
        sha256,
        ..Attachment::new(aid(n), MessageId(Uuid::from_u128(2)), format!("{n}.bin"), at(n as i64))
    }
}

fn write<T>(store: &Store, act: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>) -> T {
    store.write(act).unwrap()
}

/// An account's library with one message, and nothing that waits.
fn library() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("mirror.sqlite")).unwrap();
    let (c, m) = (ConversationId(Uuid::from_u128(1)), MessageId(Uuid::from_u128(2)));
    write(&store, |w| {
        w.set_owner(ACCOUNT)?;
        w.pull_conversation(Conversation::new(c, at(0)), 1)?;
        w.pull_message(Message::new(m, c, Role::User, "look".into(), at(1)), 2).map(drop)
    });
    (dir, store)
}

fn waiting(store: &Store) -> Vec<AttachmentId> {
    store.read().unwrap().uploads().unwrap().into_iter().map(|upload| upload.attachment.id).collect()
}

fn place_of(store: &Store, n: u128) -> String {
    store.read().unwrap().attachment(aid(n)).unwrap().unwrap().storage_path
}

#[test]
fn equal_bytes_are_one_content_and_placed_at_once() {
    let (_dir, store) = library();
    for n in [1, 2] {
        write(&store, |w| w.insert_attachment(attachment(n, Some(hash(7)), "")));
    }
    assert_eq!(waiting(&store), [aid(1), aid(2)]);
    let contents = store.read().unwrap().contents().unwrap();
    assert_eq!(contents.len(), 1);
    assert!(contents[0].waits && contents[0].storage_path.is_empty());
    assert_eq!(contents[0].created_at, at(2));
    assert!(write(&store, |w| w.place_content(&hash(7))));
    assert!(waiting(&store).is_empty(), "the rows may go now");
    let path = storage_path_for(ACCOUNT, &hash(7));
    assert_eq!((place_of(&store, 1), place_of(&store, 2)), (path.clone(), path));
    let contents = store.read().unwrap().contents().unwrap();
    assert!(contents[0].waits, "the server does not have the rows yet");
    // Nothing new to say.
    assert!(!write(&store, |w| w.place_content(&hash(7))));
    assert_eq!(store.read().unwrap().outbox(10).unwrap().len(), 2);
}

#[test]
fn a_row_without_its_bytes_is_completed_by_whoever_has_them() {
    let (_dir, store) = library();
    write(&store, |w| w.pull_attachment(attachment(1, Some(hash(7)), ""), 3));
    let open: Vec<_> = store.read().unwrap().without_place().unwrap().into_iter().map(|a| a.id).collect();
    assert_eq!(open, [aid(1)]);
    write(&store, |w| w.offer_content(aid(1)));
    assert_eq!(waiting(&store), [aid(1)]);
    // Promised, and true only once the bytes are there; whatever the server says of the row meanwhile.
    write(&store, |w| w.pull_attachment(attachment(1, Some(hash(7)), ""), 4));
    assert_eq!((place_of(&store, 1), waiting(&store)), (String::new(), vec![aid(1)]));
    write(&store, |w| w.offer_content(aid(1)));
    write(&store, |w| w.place_content(&hash(7)));
    let outbox = store.read().unwrap().outbox(10).unwrap();
    assert_eq!((outbox.len(), outbox[0].kind), (1, OutboxKind::Patch));
    assert!(waiting(&store).is_empty() && store.read().unwrap().without_place().unwrap().is_empty());
}

#[test]
fn a_hash_that_was_found_stays_here_and_goes_with_the_object() {
    let (_dir, store) = library();
    write(&store, |w| w.pull_attachment(attachment(1, None, "u/chat/photo.png"), 3));
    write(&store, |w| w.pull_attachment(attachment(2, None, "u/chat/photo.png"), 4));
    let fault = FileFault { gone: true, reason: "not there".into() };
    write(&store, |w| w.note_fault(aid(1), &fault, at(9)));
    let known = |n| {
        let reader = store.read().unwrap();
        let attachment = reader.attachment(aid(n)).unwrap().unwrap();
        (attachment.sha256.clone(), reader.hash_of(&attachment).unwrap(), reader.file_fault(&attachment).unwrap())
    };
    assert_eq!(known(1), (None, None, Some(fault)));
    write(&store, |w| w.note_arrival(aid(1), Some(&hash(9))));
    assert_eq!(known(1), (None, Some(hash(9)), None));
    assert_eq!(known(2).1, Some(hash(9)), "the same object");
    assert!(store.read().unwrap().hashes().unwrap().iter().any(|(found, _)| *found == hash(9)));
    assert!(store.read().unwrap().outbox(10).unwrap().is_empty(), "nobody is told");
    write(&store, |w| w.pull_attachment(attachment(1, None, "u/chat/other.png"), 5));
    assert_eq!(known(1).1, None);
}

#[test]
fn asking_for_a_file_takes_its_equals_back_too() {
    let (_dir, store) = library();
    for n in [1, 2, 3] {
        let of = if n == 3 { hash(8) } else { hash(7) };
        write(&store, |w| w.pull_attachment(attachment(n, Some(of), "u/x"), n as i64 + 2));
        write(&store, |w| w.keep_file(aid(n), false));
    }
    write(&store, |w| w.take_back_letting_go(aid(2)));
    let mut kept: Vec<(Option<String>, Option<bool>)> =
        store.read().unwrap().contents().unwrap().into_iter().map(|one| (one.sha256, one.keep)).collect();
    kept.sort();
    assert_eq!(kept, [(Some(hash(7)), None), (Some(hash(8)), Some(false))]);
}

/// After a restore of the server, another device brings the bytes back; whoever asked in vain before asks again.
#[test]
fn a_fault_is_forgotten_when_the_server_speaks_of_the_row_again() {
    let (_dir, store) = library();
    write(&store, |w| w.pull_attachment(attachment(1, Some(hash(1)), "u/x"), 3));
    let fault = FileFault { gone: true, reason: "not there".into() };
    write(&store, |w| w.note_fault(aid(1), &fault, at(9)));
    let due = || store.read().unwrap().files_due().unwrap();
    let known = || store.read().unwrap().file_fault(&attachment(1, Some(hash(1)), "u/x")).unwrap();
    write(&store, |w| w.files_done(&due().unwrap()));
    write(&store, |w| w.pull_attachment(attachment(1, Some(hash(1)), "u/x"), 3));
    assert_eq!((known(), due()), (Some(fault), None), "the same form says nothing new");
    write(&store, |w| w.pull_attachment(attachment(1, Some(hash(1)), "u/x"), 4));
    assert_eq!(known(), None);
    assert!(due().is_some(), "it is asked for again");
}

#[test]
fn what_came_up_meanwhile_stays_due() {
    let (_dir, store) = library();
    let due = || store.read().unwrap().files_due().unwrap();
    let first = due().unwrap();
    write(&store, |w| w.files_done(&first));
    assert_eq!(due(), None);
    write(&store, |w| w.pull_attachment(attachment(1, Some(hash(1)), "u/x"), 3));
    let reason = due().unwrap();
    write(&store, |w| w.pull_attachment(attachment(2, Some(hash(2)), "u/y"), 4));
    write(&store, |w| w.files_done(&reason));
    assert!(due().is_some(), "the second row came while the files were looked through for the first");
}

#[test]
fn the_last_time_it_was_opened_counts() {
    let (_dir, store) = library();
    write(&store, |w| w.pull_attachment(attachment(1, Some(hash(1)), "u/x"), 3));
    for seconds in [50, 40] {
        write(&store, |w| w.mark_used(&hash(1), at(seconds)));
    }
    assert_eq!(store.read().unwrap().contents().unwrap()[0].used_at, Some(at(50)));
    assert_eq!(store.read().unwrap().used_at(&hash(1)).unwrap(), Some(at(50)));
}

fn places(store: &Store, pictures: Option<bool>, after: Option<FilePlace>, limit: usize) -> Vec<FilePlace> {
    let reader = store.read().unwrap();
    let rows = reader.gallery(1, pictures, after, limit).unwrap();
    rows.iter().map(|row| FilePlace { created_at: row.attachment.created_at, id: row.attachment.id }).collect()
}

#[test]
fn the_files_of_a_conversation_come_page_by_page_the_newest_first() {
    let (_dir, store) = library();
    let (other, answer) = (ConversationId(Uuid::from_u128(7)), MessageId(Uuid::from_u128(8)));
    let elsewhere = MessageId(Uuid::from_u128(9));
    write(&store, |w| {
        w.pull_message(
            Message {
                model_id: Some("m".into()),
                ..Message::new(answer, ConversationId(Uuid::from_u128(1)), Role::Assistant, "here".into(), at(2))
            },
            3,
        )?;
        w.pull_conversation(Conversation::new(other, at(0)), 4)?;
        w.pull_message(Message::new(elsewhere, other, Role::User, "x".into(), at(1)), 5)?;
        for n in 1..=9 {
            let picture = n % 3 == 0;
            w.insert_attachment(Attachment {
                // Three at a time were made in the same moment; ids decide.
                created_at: at(n as i64 / 3),
                message_id: if n == 9 { answer } else { MessageId(Uuid::from_u128(2)) },
                mime_type: Some(if picture { "image/png" } else { "image/svg+xml" }.into()),
                ..attachment(n, Some(hash(n as u8)), "")
            })?;
        }
        w.insert_attachment(Attachment { message_id: elsewhere, ..attachment(50, Some(hash(50)), "") }).map(drop)
    });
    let all = places(&store, None, None, 100);
    let ids = |places: &[FilePlace]| places.iter().map(|place| place.id).collect::<Vec<_>>();
    assert_eq!(ids(&all), [9, 8, 7, 6, 5, 4, 3, 2, 1].map(aid));
    let mut paged = Vec::new();
    while let page @ [_, ..] = places(&store, None, paged.last().copied(), 2).as_slice() {
        paged.extend_from_slice(page);
    }
    assert_eq!(paged, all, "pages of two are the whole");
    assert_eq!(ids(&places(&store, Some(true), None, 100)), [9, 6, 3].map(aid));
    assert_eq!(ids(&places(&store, Some(false), Some(all[3]), 2)), [5, 4].map(aid));
    let reader = store.read().unwrap();
    assert_eq!(reader.gallery_counts(1).unwrap(), GalleryCounts { files: 9, pictures: 3 });
    let newest = &reader.gallery(1, None, None, 1).unwrap()[0];
    assert_eq!((newest.role.as_str(), newest.model_id.as_deref()), ("assistant", Some("m")));
    drop(reader);
    // What is deleted is shown nowhere.
    write(&store, |w| w.patch_message(answer, Patch::from_iter([("deleted_at".to_owned(), json!(at(60)))])).map(drop));
    assert_eq!(places(&store, None, None, 1)[0].id, aid(8));
    assert_eq!(store.read().unwrap().gallery_counts(1).unwrap(), GalleryCounts { files: 8, pictures: 2 });
}

#[test]
fn what_the_user_keeps_is_told_of_each_file_and_of_its_bytes() {
    let (_dir, store) = library();
    for n in [1, 2, 3] {
        write(&store, |w| w.pull_attachment(attachment(n, Some(hash(n as u8 % 2)), &format!("u/{n}")), n as i64));
    }
    let keeps = |store: &Store| {
        let rows = store.read().unwrap().gallery(1, None, None, 9).unwrap();
        rows.iter().map(|row| (row.attachment.id, row.keep)).collect::<Vec<_>>()
    };
    let contents = |store: &Store| {
        let mut contents = store.read().unwrap().contents().unwrap();
        contents.sort_by_key(|content| content.sha256.clone());
        contents.into_iter().map(|content| content.keep).collect::<Vec<_>>()
    };
    assert_eq!(keeps(&store), [(aid(3), None), (aid(2), None), (aid(1), None)]);
    write(&store, |w| w.keep_file(aid(1), true));
    write(&store, |w| w.keep_file(aid(3), false));
    assert_eq!(contents(&store), [None, Some(true)], "1 and 3 have the same bytes, and 1 stays");
    let conversation = ConversationId(Uuid::from_u128(1));
    write(&store, |w| w.keep_files_of(conversation, true));
    assert!(store.read().unwrap().keeps_files_of(1).unwrap());
    assert_eq!(keeps(&store), [3, 2, 1].map(|n| (aid(n), Some(true))));
    write(&store, |w| w.keep_file(aid(2), false));
    assert_eq!(contents(&store), [Some(false), Some(true)], "one file may go all the same");
    write(&store, |w| w.take_back_letting_go(aid(2)));
    assert_eq!(contents(&store), [Some(true); 2]);
    write(&store, |w| w.keep_files_of(conversation, false));
    assert_eq!(keeps(&store), [(aid(3), None), (aid(2), None), (aid(1), Some(true))]);
    let nobody = store.write(|w| w.keep_file(aid(99), true));
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
}
