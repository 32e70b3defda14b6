//! Usage from sums that are kept is the usage of the messages, whatever happens to them.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

use airi_domain::{Conversation, ConversationId, Message, MessageId, Patch, Role, Time};
use airi_store::{Store, StoreError, UsageGroup, Writer};
use serde_json::json;
use uuid::Uuid;

const DAY: i64 = 86_400_000_000;
const GROUPS: [UsageGroup; 4] = [UsageGroup::Day, UsageGroup::Model, UsageGroup::Provider, UsageGroup::Conversation];

fn cid(n: u64) -> ConversationId {
    ConversationId(Uuid::from_u128(0xc000 + u128::from(n)))
}

fn mid(n: u64) -> MessageId {
    MessageId(Uuid::from_u128(0xa000 + u128::from(n)))
}

fn time(micros: i64) -> Time {
    Time::from_micros(micros).unwrap()
}

/// A row of numbers that looks like chance and is the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn message(dice: &mut Dice, n: u64, conversation: u64) -> Message {
    let models = [None, Some("gpt-x"), Some("claude-y")];
    let (prompt, completion) = (dice.below(90) as i64, dice.below(50) as i64);
    Message {
        model_id: models[dice.below(3) as usize].map(str::to_owned),
        provider_id: [None, Some("openai")][dice.below(2) as usize].map(str::to_owned),
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        // Around the beginning of days, and before the first of them.
        ..Message::new(
            mid(n),
            cid(conversation),
            Role::Assistant,
            format!("text {n}"),
            time(dice.below(6) as i64 * DAY - 2 * DAY + dice.below(3) as i64 - 1),
        )
    }
}

fn patch(value: serde_json::Value) -> Patch {
    value.as_object().unwrap().clone()
}

/// What happens to rows; what fails (an unknown id, say) changes nothing and is no matter here.
fn happens(w: &mut Writer<'_>, dice: &mut Dice) -> Result<(), StoreError> {
    let (n, conversation) = (dice.below(40), dice.below(6));
    let gone = [json!({"deleted_at": time(DAY)}), json!({"deleted_at": null})][dice.below(2) as usize].clone();
    match dice.below(9) {
        0 => drop(w.insert_conversation(Conversation::new(cid(conversation), time(0)))?),
        1..=3 => drop(w.insert_message(message(dice, n, conversation))?),
        4 => drop(w.pull_message(message(dice, n, conversation), 7)?),
        5 => drop(w.patch_message(mid(n), patch(gone))?),
        6 => drop(w.patch_conversation(cid(conversation), patch(gone))?),
        7 => drop(w.pull_tombstone("chat_messages", mid(n).0, 8)?),
        _ if dice.below(4) == 0 => drop(w.erase_conversation(cid(conversation))?),
        _ => {}
    }
    Ok(())
}

#[test]
fn the_sums_are_those_of_the_messages_whatever_happens_to_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("mirror.sqlite")).unwrap();
    let mut dice = Dice(7);
    let mut lines = 0;
    for round in 0..1500 {
        let _ = store.write(|w| happens(w, &mut dice));
        if round % 10 == 0 {
            let reader = store.read().unwrap();
            assert!(!reader.usage_differs().unwrap(), "round {round}");
            lines += reader.usage(UsageGroup::Day, None, None).unwrap().len();
        }
    }
    assert!(lines > 500, "something was there to be summed: {lines}");
    let more = |w: &mut Writer<'_>| -> Result<(), StoreError> {
        w.insert_conversation(Conversation::new(cid(9), time(0)))?;
        (100..160).try_for_each(|n| w.insert_message(message(&mut dice, n, 9)).map(drop))
    };
    store.write(more).unwrap();
    store.write(|w| w.sum_usage()).unwrap();
    assert!(!store.read().unwrap().usage_differs().unwrap(), "summed up anew it is the same");
    // A moment within a day, before or after everything, has the messages themselves looked at.
    let (early, late) = (time(-90 * DAY + 1), time(90 * DAY + 1));
    let reader = store.read().unwrap();
    for group in GROUPS {
        let mut found = 0;
        for moment in (-3..6).map(|day| time(day * DAY)) {
            let since = reader.usage(group, Some(moment), None).unwrap();
            assert_eq!(since, reader.usage(group, Some(moment), Some(late)).unwrap(), "{group:?} since {moment}");
            let until = reader.usage(group, None, Some(moment)).unwrap();
            assert_eq!(until, reader.usage(group, Some(early), Some(moment)).unwrap(), "{group:?} until {moment}");
            found += since.len().min(until.len());
        }
        assert!(found > 0, "{group:?}: days with something on both sides");
    }
}
