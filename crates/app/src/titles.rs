//! A title that a model writes: after the first reply of a conversation that is called by the beginning of its first message,
//! the model that answered is asked once for a name. The user's own title is never touched, and a failure changes nothing.

use crate::account::blocking;
use crate::chat::{Model, title_of};
use crate::conversations::patch;
use crate::profile::{Profile, now};
use crate::replies::event;
use crate::{App, AppError};
use airi_domain::{ConversationId, Message, MessageId, Turn, is_cut_short};
use airi_llm::{Client, Prompt, Speaker, Turn as Said};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Of each side, so many characters say what a conversation is about.
const TOLD_CHARS: usize = 2_000;
/// A model that thinks first needs room for it.
const MOST_TOKENS: u32 = 1_000;
const PATIENCE: Duration = Duration::from_secs(120);
const WISH: &str = "Name the conversation below in at most six words, in the language it is held in. Answer with the name alone, \
                    without quotation marks.";
/// What models put around a name in spite of that.
const AROUND: &[char] = &[
    '"', '\'', '`', '*', '#', '_', '“', '”', '„', '‘', '’', '«', '»', '「', '」', '『', '』', '《', '》', '.', '。',
    ' ',
];

/// A conversation that may get a name.
struct Unnamed {
    conversation: ConversationId,
    /// What it is called so far.
    called: String,
    exchange: String,
}

impl App {
    /// Asks for a title when this was the first reply, and keeps it unless the user has named the conversation meanwhile.
    pub(crate) async fn name_after(&self, profile: Arc<Profile>, reply: MessageId, model: Model) {
        if let Err(error) = self.name(profile, reply, model).await {
            crate::log::failed(&error);
        }
    }

    async fn name(&self, profile: Arc<Profile>, reply: MessageId, model: Model) -> Result<(), AppError> {
        // A command at the prompt ends with its reply.
        if !self.0.window || !self.0.data.config()?.settings.titles_by_model {
            return Ok(());
        }
        let of = profile.clone();
        let Some((unnamed, reply)) = blocking(move || unnamed(&of, reply)).await? else { return Ok(()) };
        // A profile that is left or removed meanwhile does not wait for a title.
        let still = Arc::downgrade(&profile);
        drop(profile);
        let asked = tokio::time::timeout(PATIENCE, ask(&model.client, &model.model, &unnamed.exchange, reply));
        let Some(title) = asked.await.ok().flatten().as_deref().and_then(name_in) else { return Ok(()) };
        let Some(profile) = still.upgrade() else { return Ok(()) };
        blocking(move || {
            profile.store.write(|w| {
                let now = w.conversation(unnamed.conversation)?.and_then(|found| found.conversation.title);
                if now.as_ref() == Some(&unnamed.called) {
                    w.patch_conversation(unnamed.conversation, patch([("title", json!(title))]))?;
                }
                Ok::<_, AppError>(())
            })
        })
        .await
    }
}

/// The conversation of a reply, if it is the first one, whole, and nobody gave the conversation a name.
fn unnamed(profile: &Profile, reply: MessageId) -> Result<Option<(Unnamed, Message)>, AppError> {
    let reader = profile.store.read()?;
    let Some(reply) = reader.message(reply)?.map(|found| found.message) else { return Ok(None) };
    let Some(record) = reader.conversation(reply.conversation_id)? else { return Ok(None) };
    let Some(asked) = reply.parent_id.map(|id| reader.message(id)).transpose()?.flatten() else { return Ok(None) };
    let by_itself = title_of(&asked.message.content);
    let whole = !is_cut_short(reply.finish_reason.as_deref()) && !reply.content.trim().is_empty();
    Ok(match (record.conversation.title, by_itself) {
        (Some(title), Some(begun)) if title == begun && record.message_count == 2 && whole => {
            let exchange = format!("User: {}\n\nAssistant: {}", start(&asked.message.content), start(&reply.content));
            Some((Unnamed { conversation: reply.conversation_id, called: title, exchange }, reply))
        }
        _ => None,
    })
}

fn start(text: &str) -> &str {
    text.char_indices().nth(TOLD_CHARS).map_or(text, |(at, _)| &text[..at])
}

/// What the model says, without what it thinks. None: it did not come to an end of its own.
async fn ask(client: &Client, model: &str, exchange: &str, form: Message) -> Option<String> {
    let said = Said { speaker: Speaker::User, text: format!("{WISH}\n\n{exchange}"), images: Vec::new() };
    let prompt = Prompt {
        model: model.to_owned(),
        system: None,
        turns: vec![said],
        temperature: None,
        max_tokens: Some(MOST_TOKENS),
    };
    let mut reply = client.reply(prompt).await.ok()?;
    // A turn of its own, which is never saved, tells text from thinking as in every reply.
    let empty = Message { content: String::new(), finish_reason: None, metadata: json!({}), ..form };
    let mut turn = Turn::new(empty, now());
    while let Some(delta) = reply.next().await {
        turn.take(event(delta.ok()?), now());
    }
    let message = turn.message();
    (!is_cut_short(message.finish_reason.as_deref())).then(|| message.content.clone())
}

/// The first line with words in it, bare and no longer than a title.
fn name_in(answer: &str) -> Option<String> {
    let line =
        answer.lines().map(|line| line.trim_matches(AROUND)).find(|line| line.chars().any(char::is_alphanumeric))?;
    let bare = match line.split_once(':') {
        Some((label, rest)) if ["title", "name"].contains(&label.to_lowercase().as_str()) => rest.trim_matches(AROUND),
        _ => line,
    };
    title_of(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_what_a_model_makes_of_it() {
        assert_eq!(name_in("Sourdough in winter").as_deref(), Some("Sourdough in winter"));
        assert_eq!(
            name_in("\n\n**\"Sourdough in winter.\"**\nI chose it because").as_deref(),
            Some("Sourdough in winter")
        );
        assert_eq!(name_in("Title: 「冬のパン」").as_deref(), Some("冬のパン"));
        assert_eq!(name_in("Rust: ownership").as_deref(), Some("Rust: ownership"));
        assert_eq!(name_in("…\n***"), None);
        assert_eq!(name_in(""), None);
        assert!(name_in(&"word ".repeat(500)).is_some_and(|name| name.chars().count() <= 61));
    }

    #[test]
    fn a_long_text_is_told_by_its_beginning() {
        assert_eq!(start("日本"), "日本");
        assert_eq!(start(&"ß".repeat(5_000)).chars().count(), TOLD_CHARS);
    }
}
