//! What the generated history promises.

use airi_testkit::{GeneratedConversation, Generator, GeneratorConfig, rare_token};

fn history(seed: u64, messages: usize) -> Vec<GeneratedConversation> {
    Generator::new(seed, GeneratorConfig { messages, ..GeneratorConfig::default() }).collect()
}

#[test]
fn the_same_seed_gives_the_same_rows_and_another_seed_others() {
    assert_eq!(history(7, 500), history(7, 500));
    assert_ne!(history(7, 500), history(8, 500));
}

#[test]
fn there_are_exactly_as_many_messages_as_asked_for() {
    for messages in [0, 1, 999] {
        assert_eq!(history(1, messages).iter().map(|c| c.messages.len()).sum::<usize>(), messages);
    }
}

#[test]
fn answers_are_about_two_kilobytes_and_some_are_in_chinese_or_japanese() {
    let all = history(3, 4000);
    let mut answers: Vec<usize> = all
        .iter()
        .flat_map(|c| &c.messages)
        .filter(|m| m.role.as_str() == "assistant")
        .map(|m| m.content.len())
        .collect();
    answers.sort_unstable();
    assert!((1500..3000).contains(&answers[answers.len() / 2]), "{}", answers[answers.len() / 2]);
    let cjk = all.iter().flat_map(|c| &c.messages).filter(|m| m.content.contains(['的', 'の'])).count();
    assert!((200..800).contains(&cjk), "{cjk}");
    let text = |needle: &str| all.iter().flat_map(|c| &c.messages).any(|m| m.content.contains(needle));
    assert!(text("```rust") && text("🚀"));
    assert!(all.iter().any(|c| c.conversation.is_starred) && all.iter().any(|c| !c.conversation.tags.is_empty()));
    assert!(all.iter().flat_map(|c| &c.messages).any(|m| m.parent_id.is_some()));
    assert!(all.iter().any(|c| !c.attachments.is_empty()));
}

#[test]
fn a_rare_token_stays_rare() {
    let all = history(5, 20_000);
    let (mut found, mut tokens) = (0, 0);
    for n in 0..1000 {
        let token = rare_token(n);
        let count = all.iter().flat_map(|c| &c.messages).filter(|m| m.content.ends_with(&token)).count();
        assert!(count <= 5, "{token} {count} times");
        found += count;
        tokens += usize::from(count > 0);
    }
    assert!(found > 100 && tokens > 100);
}

#[test]
fn times_rise_within_a_conversation_and_conversations_span_years() {
    let all = history(9, 3000);
    assert!(all.iter().all(|c| c.messages.is_sorted_by_key(|m| m.created_at)));
    let first = all[0].conversation.created_at.micros();
    let last = all[all.len() - 1].conversation.created_at.micros();
    assert!(last - first > 3 * 365 * 86_400_000_000);
}
