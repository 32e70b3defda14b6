//! What a mirror does when the server was restored to an older moment, and what a given-up or mended change leaves behind.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

use airi_domain::{Conversation, ConversationId, Message, MessageId, OwnerId, Patch, Role, Time};
use airi_store::{OutboxEntry, OutboxKind, Store, StoreError, WAITED_BEFORE, Writer};
use serde_json::{Value, json};
use uuid::Uuid;

const ACCOUNT: OwnerId = OwnerId(Uuid::from_u128(0xacc));
/// The first number after a restore.
const NEXT_EPOCH: i64 = 1_000_000_000_000;

struct Device {
    store: Store,
    _dir: tempfile::TempDir,
}

impl Device {
    fn new() -> Device {
        let dir = tempfile::tempdir().unwrap();
        let device = Device { store: Store::open(&dir.path().join("mirror.sqlite")).unwrap(), _dir: dir };
        device.write(|w| w.set_owner(ACCOUNT));
        device
    }

    fn write<T>(&self, act: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>) -> T {
        self.store.write(act).unwrap()
    }

    /// The server's row under a number.
    fn pull(&self, conversation: &Conversation, seq: i64) {
        self.write(|w| w.pull_conversation(conversation.clone(), seq));
    }

    fn waits(&self) -> Vec<OutboxEntry> {
        self.store.read().unwrap().outbox(100).unwrap()
    }

    fn title(&self, id: ConversationId) -> Option<String> {
        self.store.read().unwrap().conversation(id).unwrap()?.conversation.title
    }
}

fn conversation(n: u128, title: &str) -> Conversation {
    let created = Time::from_micros(1_700_000_000_000_000 + n as i64).unwrap();
    Conversation {
        title: Some(title.into()),
        ..Conversation::new(ConversationId(Uuid::from_u128(0xc000 + n)), created)
    }
}

fn message(n: u128, of: &Conversation) -> Message {
    Message::new(MessageId(Uuid::from_u128(0xa000 + n)), of.id, Role::User, format!("text {n}"), of.created_at)
}

fn patch(value: Value) -> Patch {
    value.as_object().unwrap().clone()
}

#[test]
fn a_form_that_is_later_than_the_restored_one_is_brought_back_whole() {
    let device = Device::new();
    let (old, new) = (conversation(1, "before"), conversation(1, "after"));
    device.pull(&new, 80);
    device.write(|w| w.await_word());
    device.pull(&old, 40);
    device.write(|w| w.bring_back_missing());
    assert_eq!(device.title(old.id).as_deref(), Some("after"));
    let waits = device.waits();
    assert_eq!(waits.len(), 1);
    assert_eq!((waits[0].kind, waits[0].held), (OutboxKind::Insert, Some(80)));
    // Another device's older form comes by: ours stays until the server has decided.
    device.pull(&conversation(1, "between"), NEXT_EPOCH);
    assert_eq!(device.title(old.id).as_deref(), Some("after"));
    // It decided: from now on the server's form counts again.
    device.write(|w| w.acknowledge(waits[0].op_id, Some(NEXT_EPOCH + 1)));
    device.pull(&conversation(1, "later"), NEXT_EPOCH + 2);
    assert_eq!(device.title(old.id).as_deref(), Some("later"));
}

#[test]
fn a_form_that_the_server_has_under_a_higher_number_is_offered_all_the_same() {
    // Another device may have brought back an older form first; only the server knows.
    let device = Device::new();
    device.pull(&conversation(1, "mine"), 80);
    device.write(|w| w.await_word());
    device.pull(&conversation(1, "theirs"), NEXT_EPOCH);
    device.write(|w| w.bring_back_missing());
    assert_eq!(device.waits()[0].held, Some(80));
}

#[test]
fn a_row_that_the_server_has_as_it_was_is_not_sent() {
    let device = Device::new();
    device.pull(&conversation(1, "same"), 80);
    device.write(|w| w.await_word());
    device.pull(&conversation(1, "same"), 80);
    device.write(|w| w.bring_back_missing());
    assert!(device.waits().is_empty());
}

#[test]
fn a_form_that_says_the_same_under_another_number_tells_its_own() {
    // The restored row, or what another device brought back: a third device may hold a form between that and ours.
    for number in [40, NEXT_EPOCH] {
        let device = Device::new();
        device.pull(&conversation(1, "same"), 80);
        device.write(|w| w.await_word());
        device.pull(&conversation(1, "same"), number);
        device.write(|w| w.bring_back_missing());
        let waits = device.waits();
        assert_eq!(waits.iter().map(|e| (e.kind, e.held)).collect::<Vec<_>>(), [(OutboxKind::Insert, Some(80))]);
        device.write(|w| w.acknowledge(waits[0].op_id, Some(number)));
        assert!(device.waits().is_empty());
    }
}

#[test]
fn what_waited_goes_behind_the_form_that_is_brought_back() {
    let device = Device::new();
    let c = conversation(1, "mine");
    device.pull(&c, 80);
    device.write(|w| w.patch_conversation(c.id, patch(json!({"is_starred": true}))));
    let before = device.waits()[0].op_id;
    device.write(|w| w.await_word());
    device.pull(&conversation(1, "older"), 40);
    device.write(|w| w.bring_back_missing());
    let waits = device.waits();
    assert_eq!(waits.iter().map(|e| e.kind).collect::<Vec<_>>(), [OutboxKind::Insert, OutboxKind::Patch]);
    assert_ne!(waits[1].op_id, before, "the old answer to it is no answer any more");
}

#[test]
fn a_rejoin_cut_short_by_another_one_forgets_no_number() {
    let device = Device::new();
    device.pull(&conversation(1, "mine"), 80);
    device.write(|w| w.await_word());
    device.write(|w| w.await_word());
    device.pull(&conversation(1, "older"), 40);
    device.write(|w| w.bring_back_missing());
    assert_eq!(device.waits()[0].held, Some(80));
}

#[test]
fn what_was_erased_for_good_does_not_come_back_with_a_restore() {
    let device = Device::new();
    let c = conversation(1, "gone");
    device.pull(&c, 40);
    device.write(|w| w.pull_message(message(1, &c), 41));
    device.write(|w| w.pull_tombstone("conversations", c.id.0, 50));
    assert_eq!(device.title(c.id), None);
    device.write(|w| w.await_word());
    device.pull(&c, 40);
    assert!(device.write(|w| w.pull_message(message(1, &c), 41)), "it belongs to what is erased and waits for nothing");
    device.write(|w| w.bring_back_missing());
    assert_eq!(device.title(c.id), None);
    let waits = device.waits();
    assert_eq!(waits.iter().map(|e| (e.kind, e.row_id)).collect::<Vec<_>>(), [(OutboxKind::Delete, c.id.0)]);
    // Made again later than it was erased: that row is another matter.
    device.write(|w| w.acknowledge(waits[0].op_id, None));
    device.pull(&c, 60);
    assert!(device.title(c.id).is_some());
}

#[test]
fn what_is_being_erased_here_is_not_taken_from_a_page_under_way() {
    let device = Device::new();
    let c = conversation(1, "gone");
    device.pull(&c, 40);
    device.write(|w| w.erase_conversation(c.id));
    device.pull(&c, 41);
    assert!(device.write(|w| w.pull_message(message(1, &c), 42)));
    assert_eq!(device.title(c.id), None);
}

#[test]
fn what_was_said_here_under_an_id_that_is_taken_stays_until_the_user_decides() {
    let device = Device::new();
    let c = conversation(1, "talk");
    device.pull(&c, 3);
    let mine = message(1, &c);
    device.write(|w| w.insert_message(mine.clone()));
    let theirs = Message { content: "something else".into(), ..mine.clone() };
    assert!(device.write(|w| w.pull_message(theirs.clone(), 4)));
    let shown = |device: &Device| device.store.read().unwrap().message(mine.id).unwrap().unwrap().message.content;
    assert_eq!(shown(&device), mine.content);
    let op = device.waits()[0].op_id;
    device.write(|w| w.discard(op));
    device.write(|w| w.pull_message(theirs, 4));
    assert_eq!(shown(&device), "something else");
}

#[test]
fn an_edit_of_a_refused_change_mends_and_resends_it() {
    let device = Device::new();
    let c = conversation(1, "a");
    device.pull(&c, 40);
    device.write(|w| w.patch_conversation(c.id, patch(json!({"title": "bad", "is_starred": true}))));
    let refused = device.waits()[0].op_id;
    device.write(|w| w.wedge(refused, "invalid", "no"));
    device.write(|w| w.patch_conversation(c.id, patch(json!({"title": "good"}))));
    let waits = device.waits();
    assert!(!waits[0].wedged && waits[0].op_id != refused);
    let sent: Vec<_> = waits.into_iter().filter_map(|entry| entry.patch).collect();
    assert_eq!(sent, [patch(json!({"is_starred": true})), patch(json!({"title": "good"}))]);
}

#[test]
fn a_new_row_that_is_given_up_leaves_with_all_that_hangs_on_it() {
    let device = Device::new();
    let c = conversation(1, "refused");
    device.write(|w| w.insert_conversation(c.clone()));
    device.write(|w| w.insert_message(message(1, &c)));
    let entry = device.waits().remove(0);
    device.write(|w| w.withdraw(&entry));
    assert!(device.waits().is_empty());
    assert_eq!(device.title(c.id), None);
}

#[test]
fn the_numbers_are_those_of_the_servers_rows() {
    let device = Device::new();
    let (a, b, local) = (conversation(1, "a"), conversation(2, "b"), conversation(3, "only here"));
    device.pull(&a, 7);
    device.pull(&b, 9);
    device.write(|w| w.insert_conversation(local.clone()));
    let aside = json!({"id": Uuid::from_u128(0xc009), "change_seq": 11});
    device.write(|w| w.park("conversations", &Uuid::from_u128(0xc009).to_string(), "odd", &aside, Time::MIN));
    // What the server of before had sent is none of the present one's.
    let before = json!({"id": Uuid::from_u128(0xc008), "change_seq": 3});
    device.write(|w| w.park("conversations", &Uuid::from_u128(0xc008).to_string(), WAITED_BEFORE, &before, Time::MIN));
    let reader = device.store.read().unwrap();
    let all = reader.numbers("conversations", None, Uuid::max()).unwrap();
    assert_eq!(all, [(a.id.0, 7), (b.id.0, 9), (Uuid::from_u128(0xc009), 11)]);
    // What lies aside stands in its place among the others: the hash of a range takes them in their order.
    let first = json!({"id": Uuid::from_u128(1), "change_seq": 5});
    device.write(|w| w.park("conversations", &Uuid::from_u128(1).to_string(), "odd", &first, Time::MIN));
    assert_eq!(reader.numbers("conversations", None, b.id.0).unwrap()[0], (Uuid::from_u128(1), 5));
    assert_eq!(reader.numbers("conversations", Some(a.id.0), b.id.0).unwrap(), [(b.id.0, 9)]);
    assert!(reader.numbers("usage_logs", None, Uuid::max()).unwrap().is_empty());
}

#[test]
fn a_tombstone_that_comes_before_the_answer_to_an_insert_is_remembered() {
    let device = Device::new();
    let c = conversation(1, "mine");
    device.write(|w| w.insert_conversation(c.clone()));
    device.write(|w| w.pull_tombstone("conversations", c.id.0, 3));
    assert!(device.title(c.id).is_some(), "it may be the tombstone of an earlier row with that id");
    assert!(device.write(|w| w.was_erased_after(c.id.0, 2)));
    assert!(!device.write(|w| w.was_erased_after(c.id.0, 4)));
}

#[test]
fn a_row_that_was_made_anew_is_not_the_one_that_was_erased() {
    let device = Device::new();
    let c = conversation(1, "archive");
    device.write(|w| w.insert_conversation(c.clone()));
    let op = device.waits()[0].op_id;
    // Its push had arrived under 2, unheard; erased under 3; another device imported the same under 4.
    device.write(|w| w.pull_tombstone("conversations", c.id.0, 3));
    device.pull(&c, 4);
    device.write(|w| w.acknowledge(op, Some(2)));
    assert!(device.write(|w| w.was_erased_after(c.id.0, 2)));
    assert!(!device.write(|w| w.is_erased_after("conversations", c.id.0, 2)));
    // Without the third, it is erased.
    let device = Device::new();
    device.write(|w| w.insert_conversation(c.clone()));
    let op = device.waits()[0].op_id;
    device.write(|w| w.pull_tombstone("conversations", c.id.0, 3));
    device.write(|w| w.acknowledge(op, Some(2)));
    assert!(device.write(|w| w.is_erased_after("conversations", c.id.0, 2)));
}

#[test]
fn rows_to_be_fetched_again_are_noted_until_they_came() {
    let device = Device::new();
    let id = conversation(1, "").id.0;
    device.write(|w| w.set_refetch("conversations", id, true));
    device.write(|w| w.set_refetch("conversations", id, true));
    assert_eq!(device.store.read().unwrap().refetch().unwrap(), [("conversations".to_owned(), id)]);
    device.write(|w| w.set_refetch("conversations", id, false));
    assert!(device.store.read().unwrap().refetch().unwrap().is_empty());
}

#[test]
fn the_servers_own_books_follow_the_server_after_a_restore() {
    let device = Device::new();
    let (kept, lost) = (Uuid::from_u128(1), Uuid::from_u128(2));
    device.write(|w| w.pull_server_row("usage_logs", kept, 5, &json!({"a": 1})));
    device.write(|w| w.pull_server_row("usage_logs", lost, 6, &json!({"a": 2})));
    device.write(|w| w.await_word());
    device.write(|w| w.pull_server_row("usage_logs", kept, 5, &json!({"a": 1})));
    device.write(|w| w.bring_back_missing());
    assert_eq!(device.store.read().unwrap().server_rows("usage_logs").unwrap(), [json!({"a": 1})]);
}

#[test]
fn what_was_done_to_a_copy_that_needs_new_ids_moves_to_the_one_that_has_them() {
    let device = Device::new();
    let c = conversation(1, "archive");
    let mut m = message(1, &c);
    let import = |device: &Device, m: &Message| {
        device.write(|w| w.insert_conversation(c.clone()));
        device.write(|w| w.insert_message(m.clone()));
    };
    import(&device, &m);
    let kept = device.write(|w| w.rekey_conversation(c.id));
    import(&device, &m);
    device.write(|w| w.patch_conversation(c.id, patch(json!({"title": "renamed"}))));
    device.write(|w| w.patch_message(m.id, patch(json!({"rating": 4}))));
    let mut file = airi_domain::Attachment::new(
        airi_domain::AttachmentId(Uuid::from_u128(77)),
        m.id,
        "notes.txt".into(),
        c.created_at,
    );
    device.write(|w| w.insert_attachment(file.clone()));
    assert_eq!(device.write(|w| w.rekey_conversation(c.id)), kept);
    assert_eq!(device.title(kept).as_deref(), Some("renamed"));
    assert_eq!(device.title(c.id), None);
    let reader = device.store.read().unwrap();
    let key = reader.conversation(kept).unwrap().unwrap().key;
    let messages = reader.messages_of(key).unwrap();
    assert_eq!(messages.len(), 1);
    m.rating = messages[0].message.rating;
    assert_eq!(m.rating, Some(4));
    let files = reader.attachments_in(key).unwrap();
    file.id = files[0].id;
    assert_eq!((files.len(), files[0].file_name.as_str()), (1, "notes.txt"));
    assert_eq!(reader.gallery_counts(key).unwrap().files, 1, "it stands with the conversation that it went to");
    assert_eq!(reader.gallery(key, None, None, 10).unwrap()[0].attachment.id, file.id);
}

#[test]
fn edits_that_waited_are_sent_under_the_new_ids_as_well() {
    let device = Device::new();
    let c = conversation(1, "archive");
    let m = message(1, &c);
    device.write(|w| w.insert_conversation(c.clone()));
    device.write(|w| w.insert_message(m.clone()));
    device.write(|w| w.patch_conversation(c.id, patch(json!({"tags_add": ["kept"], "current_message_id": m.id}))));
    device.write(|w| w.patch_message(m.id, patch(json!({"rating": 4}))));
    let new = device.write(|w| w.rekey_conversation(c.id));
    let reader = device.store.read().unwrap();
    let key = reader.conversation(new).unwrap().unwrap().key;
    let message = reader.messages_of(key).unwrap()[0].message.id;
    let edits: Vec<_> = device
        .waits()
        .into_iter()
        .filter(|entry| entry.kind == OutboxKind::Patch)
        .map(|entry| (entry.lane, entry.row_id, json!(entry.patch)))
        .collect();
    assert_eq!(
        edits,
        [
            (new, new.0, json!({"tags_add": ["kept"], "current_message_id": message})),
            (new, message.0, json!({"rating": 4}))
        ]
    );
}

#[test]
fn what_hung_on_an_earlier_row_of_that_id_goes_with_its_tombstone() {
    let device = Device::new();
    let c = conversation(1, "again");
    device.pull(&c, 3);
    device.write(|w| w.pull_message(message(1, &c), 4));
    // The row that was made again comes along with a child, before the tombstone of the first.
    device.pull(&c, 9);
    device.write(|w| w.pull_message(message(2, &c), 8));
    device.write(|w| w.pull_tombstone("conversations", c.id.0, 5));
    let reader = device.store.read().unwrap();
    let key = reader.conversation(c.id).unwrap().unwrap().key;
    let left: Vec<_> = reader.messages_of(key).unwrap().into_iter().map(|record| record.message.id).collect();
    assert_eq!(left, [message(2, &c).id]);
}
