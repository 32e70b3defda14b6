//! Saying something to a model: which one, what it is told, and the place of its reply. How a reply then goes is in
//! `replies`.

use crate::account::blocking;
use crate::attachments::FileSource;
use crate::conversations::{conversation_id, draft, insert, invalid, patch};
use crate::profile::{Profile, now};
use crate::views::conversation_row;
use crate::{App, AppError};
use airi_contract::{ChatDefaults, CommandError, EnclosedFile, ReplyRef, ReplyRequest, SendAnswer, SendRequest};
use airi_domain::{
    Conversation, ConversationId, DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE, Message, MessageId, Patch, Role,
    is_cut_short,
};
use airi_formats::render;
use airi_llm::{Client, Image, Prompt, Speaker, Turn};
use airi_store::{Place, Reader};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::fs;
use std::sync::Arc;
use uuid::Uuid;

/// What a model is told of the thread at most, the newest first. About a hundred thousand tokens.
const MOST_CHARS: usize = 400_000;
const MOST_MESSAGES: usize = 1_000;
/// Pictures and texts go along up to these sizes.
const MOST_IMAGE: u64 = 10_000_000;
const MOST_IMAGES: u64 = 20_000_000;
const MOST_TEXT: u64 = 256_000;
const TITLE_CHARS: usize = 60;
/// Said to a model whose reply was cut short; not kept.
const GO_ON: &str =
    "Go on exactly where your last message ends. Repeat nothing of it, and do not comment on this request.";

/// A model of a provider that can be asked.
#[derive(Clone)]
pub(crate) struct Model {
    pub client: Client,
    pub provider: String,
    pub model: String,
    /// The user chose it now, so it becomes the conversation's and the next one's.
    chosen: bool,
}

impl App {
    /// Saves what the user says and has a model answer it. Comes back when the reply has begun.
    ///
    /// # Errors
    /// `no_model`, `key_needed`: no model can be asked, and nothing was saved; `busy`: a reply is being written there. What
    /// the provider answers is told by the event `reply`.
    pub async fn send_message(&self, request: SendRequest) -> Result<SendAnswer, CommandError> {
        Ok(self.send(request).await?)
    }

    async fn send(&self, request: SendRequest) -> Result<SendAnswer, AppError> {
        let app = self.clone();
        let (profile, user, model) = blocking(move || app.say(request)).await?;
        let conversation = user.conversation_id;
        let reply_id = self.begin(profile, user.id, model, false).await?;
        let app = self.clone();
        blocking(move || {
            let profile = app.profile();
            let record = profile.store.read()?.conversation(conversation)?;
            let missing = || AppError::NotFound { what: "The conversation", id: conversation.to_string() };
            Ok(SendAnswer {
                conversation: conversation_row(record.ok_or_else(missing)?),
                message: app.view_of(user.id)?,
                reply_id: reply_id.to_string(),
            })
        })
        .await
    }

    /// Everything before the reply: the model is found first, so that nothing is saved that nobody can answer.
    fn say(&self, request: SendRequest) -> Result<(Arc<Profile>, Message, Model), AppError> {
        if request.content.trim().is_empty() && request.files.is_empty() {
            return Err(AppError::Invalid("The message is empty.".into()));
        }
        let profile = self.profile();
        let given = request.conversation_id.as_deref().map(conversation_id).transpose()?;
        let known = match given {
            Some(id) => Some(self.known(&profile, id)?),
            None => None,
        };
        if let Some(id) = given {
            self.nothing_written(&profile, id)?;
        }
        let model = self.model_for(known.as_ref(), request.provider_id, request.model_id)?;
        let instead = request.instead_of.as_deref().map(str::parse::<MessageId>).transpose().map_err(invalid)?;
        let parent = match (instead, given) {
            (Some(old), Some(conversation)) => Some(parent_of(&profile, conversation, old)?),
            _ => None,
        };
        // A file that is not there any more keeps the whole message back, not only itself.
        let files = request.files.into_iter().map(|file| {
            let source = match file {
                EnclosedFile::Bytes { name, base64 } => FileSource::Pasted { name, base64 },
                EnclosedFile::Dropped { ticket } => FileSource::Dropped(ticket),
            };
            self.prepare(&profile, source)
        });
        let files = files.collect::<Result<Vec<_>, _>>()?;
        let id = match given {
            Some(id) => id,
            None => {
                let id = ConversationId(Uuid::now_v7());
                profile.store.write(|w| w.insert_conversation(Conversation::new(id, now())))?;
                id
            }
        };
        let message_id = MessageId(Uuid::now_v7());
        let (message, moves) = draft(&profile.store, message_id, id, (Role::User, request.content), parent)?;
        let said = message.clone();
        profile.store.write(|w| insert(w, message, moves))?;
        for file in files {
            self.hang(&profile, id, Some(message_id), file)?;
        }
        let mut fields = Vec::new();
        if known.as_ref().is_none_or(|known| known.title.is_none()) {
            fields.extend(title_of(&said.content).map(|title| ("title", json!(title))));
        }
        self.remember(&profile, id, known.as_ref(), &model, fields)?;
        Ok((profile, said, model))
    }

    /// Another reply to a message, or one that continues a reply which was cut short.
    pub async fn ask_reply(&self, request: ReplyRequest) -> Result<ReplyRef, CommandError> {
        Ok(self.answer(request).await?)
    }

    async fn answer(&self, request: ReplyRequest) -> Result<ReplyRef, AppError> {
        let app = self.clone();
        let go_on = request.go_on;
        let (profile, parent, model) = blocking(move || app.question(request)).await?;
        let reply = self.begin(profile, parent, model, go_on).await?;
        Ok(ReplyRef { message_id: reply.to_string() })
    }

    fn question(&self, request: ReplyRequest) -> Result<(Arc<Profile>, MessageId, Model), AppError> {
        let profile = self.profile();
        let id: MessageId = request.message_id.parse().map_err(invalid)?;
        let missing = || AppError::NotFound { what: "The message", id: request.message_id.clone() };
        let found = profile.store.read()?.message(id)?.filter(|found| found.message.deleted_at.is_none());
        let message = found.ok_or_else(missing)?.message;
        self.nothing_written(&profile, message.conversation_id)?;
        let parent = match message.role {
            Role::User => id,
            Role::Assistant if request.go_on => {
                if !is_cut_short(message.finish_reason.as_deref()) {
                    return Err(AppError::Invalid(
                        "This reply is whole. Ask the model to go on in words of your own.".into(),
                    ));
                }
                id
            }
            Role::Assistant => parent_of(&profile, message.conversation_id, id)?,
            role => {
                return Err(AppError::Invalid(format!("A model answers a user, not a message of the role '{role}'.")));
            }
        };
        if parent == MessageId::ROOT {
            return Err(AppError::Invalid("There is nothing before this message that a model could answer.".into()));
        }
        let known = self.known(&profile, message.conversation_id)?;
        let model = self.model_for(Some(&known), request.provider_id, request.model_id)?;
        self.remember(&profile, known.id, Some(&known), &model, Vec::new())?;
        Ok((profile, parent, model))
    }

    fn known(&self, profile: &Profile, id: ConversationId) -> Result<Conversation, AppError> {
        let found = profile.store.read()?.conversation(id)?;
        let missing = || AppError::NotFound { what: "The conversation", id: id.to_string() };
        Ok(found.ok_or_else(missing)?.conversation)
    }

    /// A second question while a reply is written would come before the reply that it follows.
    pub(crate) fn nothing_written(&self, profile: &Profile, conversation: ConversationId) -> Result<(), AppError> {
        match profile.store.read()?.unfinished_reply_in(conversation)? {
            None => Ok(()),
            Some(_) => Err(AppError::Busy(
                "A reply is being written in this conversation. Stop it, or wait for its end.".into(),
            )),
        }
    }

    /// The model that answers: the one asked for, else the conversation's, else the last one chosen, else the only one there is.
    fn model_for(
        &self,
        conversation: Option<&Conversation>,
        provider: Option<String>,
        model: Option<String>,
    ) -> Result<Model, AppError> {
        let config = self.0.data.config()?;
        let there = |id: &str| config.providers.iter().any(|provider| provider.id == id);
        let pair = |provider: &Option<String>, model: &Option<String>| {
            let (provider, model) = (provider.clone()?, model.clone()?);
            (there(&provider) && !model.is_empty()).then_some((provider, model))
        };
        if config.providers.is_empty() {
            return Err(AppError::NoModel(
                "No model is set up yet. Add a provider in the settings (at the prompt: airi provider add); a server on this computer, such as Ollama, needs no key.".into(),
            ));
        }
        let chosen = provider.is_some() || model.is_some();
        let found = if chosen {
            let of = conversation.and_then(|c| c.provider_id.clone()).filter(|id| there(id));
            let provider = provider
                .or(of)
                .or_else(|| config.chat.provider_id.clone())
                .or_else(|| (config.providers.len() == 1).then(|| config.providers[0].id.clone()));
            let provider = provider.ok_or_else(|| AppError::NoModel("Name the model's provider too.".into()))?;
            if !there(&provider) {
                return Err(AppError::NotFound { what: "The provider", id: provider });
            }
            let model = model.or_else(|| only_model(&config.providers, &provider));
            model.map(|model| (provider, model))
        } else {
            conversation
                .and_then(|c| pair(&c.provider_id, &c.model_id))
                .or_else(|| pair(&config.chat.provider_id, &config.chat.model_id))
                .or_else(|| match &config.providers[..] {
                    [only] => only_model(&config.providers, &only.id).map(|model| (only.id.clone(), model)),
                    _ => None,
                })
        };
        let Some((provider, model)) = found else {
            return Err(AppError::NoModel("Choose a model first (at the prompt: --provider and --model).".into()));
        };
        let (client, _) = self.provider_client(&provider)?;
        Ok(Model { client, provider, model, chosen })
    }

    /// Notes the model with the conversation, and as the one for the next, where it was chosen.
    fn remember(
        &self,
        profile: &Profile,
        id: ConversationId,
        known: Option<&Conversation>,
        model: &Model,
        mut fields: Vec<(&'static str, serde_json::Value)>,
    ) -> Result<(), AppError> {
        let has = known.is_some_and(|known| known.model_id.is_some());
        if model.chosen || !has {
            fields.push(("model_id", json!(model.model)));
            fields.push(("provider_id", json!(model.provider)));
        }
        if !fields.is_empty() {
            profile.store.write(|w| w.patch_conversation(id, patch(fields)))?;
        }
        let chat = ChatDefaults { provider_id: Some(model.provider.clone()), model_id: Some(model.model.clone()) };
        let mut config = self.0.data.config()?;
        if config.chat != chat && (model.chosen || config.chat.model_id.is_none()) {
            config.chat = chat;
            self.0.data.set_config(&config)?;
        }
        Ok(())
    }
}

fn only_model(providers: &[crate::providers::ProviderConfig], id: &str) -> Option<String> {
    match &providers.iter().find(|provider| provider.id == id)?.models[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// What a message answers: its parent as the branch in view has it. The root for one that begins the thread.
fn parent_of(profile: &Profile, conversation: ConversationId, id: MessageId) -> Result<MessageId, AppError> {
    let missing = || AppError::NotFound { what: "The message", id: id.to_string() };
    let fits = |reader: &Reader| -> Result<_, AppError> {
        reader.message(id)?.filter(|found| found.message.conversation_id == conversation).ok_or_else(missing)
    };
    let reader = profile.store.read()?;
    let record = fits(&reader)?;
    if let Some(parent) = record.message.parent_id {
        return Ok(parent);
    }
    let place = reader.place_of(id)?;
    drop(reader);
    if place.is_none() {
        profile.store.write(|w| w.patch_conversation(conversation, patch([("current_message_id", json!(id))])))?;
    }
    let reader = profile.store.read()?;
    let place = reader.place_of(id)?.ok_or_else(missing)?;
    let before = reader.thread_before(record.conversation_key, place, 1, true)?;
    Ok(before.rows.last().map_or(MessageId::ROOT, |row| row.record.message.id))
}

/// The first line of what was said, for a conversation without a title.
pub(crate) fn title_of(content: &str) -> Option<String> {
    let line = render::plain_text(content);
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return None;
    }
    if line.chars().count() <= TITLE_CHARS {
        return Some(line);
    }
    let cut: String = line.chars().take(TITLE_CHARS).collect();
    // At a word's end, where the language has spaces.
    let cut = match cut.rfind(' ') {
        Some(at) if at > TITLE_CHARS / 2 => &cut[..at],
        _ => &cut,
    };
    Some(format!("{}…", cut.trim_end_matches([' ', ',', ';', ':', '-'])))
}

/// What a model is told: the branch in view up to `last`, and the conversation's own settings. Where the thread is longer
/// than what is told at most, also how many messages that are.
pub(crate) fn prompt(
    profile: &Profile,
    model: &str,
    last: MessageId,
    go_on: bool,
) -> Result<(Prompt, Option<usize>), AppError> {
    let missing = || AppError::NotFound { what: "The message", id: last.to_string() };
    let reader = profile.store.read()?;
    let place = reader.place_of(last)?.ok_or_else(missing)?;
    let record = reader.message(last)?.ok_or_else(missing)?;
    let conversation = reader.conversation(record.message.conversation_id)?.ok_or_else(missing)?.conversation;
    let after = Place { sub: place.sub + 1, ..place };
    let rows = reader.thread_before(record.conversation_key, after, MOST_MESSAGES, true)?.rows;
    let mut system: Vec<String> = conversation.system_prompt.iter().cloned().collect();
    let (mut turns, mut chars, mut image_bytes) = (Vec::new(), 0, 0);
    let mut all = rows.len() < MOST_MESSAGES;
    for row in rows.iter().rev() {
        let m = &row.record.message;
        if m.is_hidden() {
            continue;
        }
        let speaker = match m.role {
            Role::User => Speaker::User,
            Role::Assistant => Speaker::Assistant,
            Role::System => {
                system.push(m.content.clone());
                continue;
            }
            Role::Tool | Role::Function => continue,
        };
        let mut turn = Turn { speaker, text: m.content.clone(), images: Vec::new() };
        if speaker == Speaker::User {
            enclose(profile, &reader, row.record.key, &mut turn, &mut image_bytes)?;
        }
        chars += turn.text.len();
        if chars > MOST_CHARS && !turns.is_empty() {
            all = false;
            break;
        }
        turns.push(turn);
    }
    turns.reverse();
    let told = turns.len();
    if go_on {
        turns.push(Turn { speaker: Speaker::User, text: GO_ON.into(), images: Vec::new() });
    }
    let tuned = |value: f64, default: f64| ((value - default).abs() > 1e-9).then_some(value);
    let tokens = conversation.max_tokens;
    let prompt = Prompt {
        model: model.to_owned(),
        system: (!system.is_empty()).then(|| system.join("\n\n")),
        turns,
        temperature: tuned(conversation.temperature, DEFAULT_TEMPERATURE).map(|t| t.clamp(0.0, 2.0)),
        max_tokens: (tokens != DEFAULT_MAX_TOKENS && tokens > 0).then(|| u32::try_from(tokens).unwrap_or(u32::MAX)),
    };
    Ok((prompt, (!all).then_some(told)))
}

/// Adds the files of a message as far as a model can read them; the rest is named.
fn enclose(
    profile: &Profile,
    reader: &Reader,
    key: i64,
    turn: &mut Turn,
    image_bytes: &mut u64,
) -> Result<(), AppError> {
    for file in reader.attachments_of(key)? {
        let hash = reader.hash_of(&file)?;
        let path = hash.as_deref().and_then(|hash| profile.files.find(hash));
        let mime = file.mime_type.as_deref().unwrap_or("");
        let size = file.file_size.and_then(|size| u64::try_from(size).ok()).unwrap_or(u64::MAX);
        let picture = matches!(mime, "image/png" | "image/jpeg" | "image/webp" | "image/gif");
        if let Some(path) = &path {
            if picture && size <= MOST_IMAGE && *image_bytes + size <= MOST_IMAGES {
                if let Ok(bytes) = fs::read(path) {
                    *image_bytes += size;
                    turn.images.push(Image { mime: mime.to_owned(), base64: STANDARD.encode(bytes) });
                    continue;
                }
            } else if (mime.starts_with("text/") || mime == "application/json")
                && size <= MOST_TEXT
                && let Ok(text) = fs::read_to_string(path)
            {
                turn.text = format!("{}\n\nFile “{}”:\n{text}", turn.text, file.file_name);
                continue;
            }
        }
        turn.text =
            format!("{}\n\n(A file was attached that cannot be shown here: “{}”, {mime})", turn.text, file.file_name);
    }
    Ok(())
}

/// The fields of a conversation's edit that concern chatting.
pub(crate) fn model_fields(edit: &airi_contract::ConversationEdit, fields: &mut Patch) -> Result<(), AppError> {
    let text = |text: &str| if text.trim().is_empty() { serde_json::Value::Null } else { json!(text.trim()) };
    if let Some(model) = &edit.model_id {
        fields.insert("model_id".into(), text(model));
    }
    if let Some(provider) = &edit.provider_id {
        fields.insert("provider_id".into(), text(provider));
    }
    if let Some(system) = &edit.system_prompt {
        fields.insert("system_prompt".into(), text(system));
    }
    if let Some(temperature) = edit.temperature {
        if !(0.0..=2.0).contains(&temperature) {
            return Err(AppError::Invalid(format!("A temperature is 0 to 2, not {temperature}.")));
        }
        fields.insert("temperature".into(), json!(temperature));
    }
    if let Some(tokens) = edit.max_tokens {
        if !(1..=1_000_000).contains(&tokens) {
            return Err(AppError::Invalid(format!("A limit of tokens is 1 to 1,000,000, not {tokens}.")));
        }
        fields.insert("max_tokens".into(), json!(tokens));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::title_of;

    #[test]
    fn a_title_is_the_beginning_in_plain_words() {
        assert_eq!(title_of("# What is **Rust**?\n\nTell me."), Some("What is Rust? Tell me.".into()));
        assert_eq!(title_of("  \n"), None);
        let long = title_of(&"word ".repeat(40)).unwrap();
        assert!(long.ends_with("word…") && long.chars().count() <= 61, "{long}");
        assert_eq!(title_of(&"漢".repeat(80)).unwrap().chars().count(), 61);
    }
}
