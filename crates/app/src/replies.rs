//! Replies while they are written: the stream of a provider goes through the turn's rules into the mirror and to whoever
//! looks on. A reply is saved as it grows; a process that ends in the middle leaves it to the next one, which keeps what
//! was saved.

use crate::account::blocking;
use crate::chat::{Model, prompt};
use crate::conversations::{draft, invalid, patch};
use crate::data_dir::lock_file;
use crate::profile::{Profile, now};
use crate::{App, AppError, Event};
use airi_contract::{CommandError, ReplyPiece, ReplyRef, ReplyState};
use airi_domain::{ConversationId, MessageId, Role, Turn, TurnEffect, TurnEvent};
use airi_formats::render::StreamRender;
use airi_llm::{Delta, LlmError, Prompt};
use airi_store::StoreError;
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// Screens are told this often at most.
const SHOW_EVERY: Duration = Duration::from_millis(33);
/// How long the end of all replies is waited for.
const END_LIMIT: Duration = Duration::from_secs(2);
/// A reply whose end cannot be saved (a full disk) is tried again this often, this many times.
const SAVE_AGAIN: Duration = Duration::from_secs(2);
const SAVE_TRIES: u32 = 30;

/// So many replies that are over are remembered, for whoever begins to follow one only then.
const REMEMBERED: usize = 16;

/// The replies that this process writes, and those that it wrote last.
#[derive(Default)]
pub(crate) struct Replies(Mutex<Known>);

#[derive(Default)]
struct Known {
    live: HashMap<MessageId, Arc<Live>>,
    over: VecDeque<Arc<Live>>,
}

impl Replies {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: MessageId) -> Option<Arc<Live>> {
        self.lock().live.get(&id).cloned()
    }

    /// Also one that is over: a fault may come sooner than whoever asked begins to listen.
    fn find(&self, id: MessageId) -> Option<Arc<Live>> {
        let known = self.lock();
        known.live.get(&id).or_else(|| known.over.iter().find(|live| live.id == id)).cloned()
    }

    fn all(&self) -> Vec<Arc<Live>> {
        self.lock().live.values().cloned().collect()
    }

    fn begun(&self, live: Arc<Live>) {
        self.lock().live.insert(live.id, live);
    }

    fn ended(&self, id: MessageId) {
        let mut known = self.lock();
        let Some(live) = known.live.remove(&id) else { return };
        known.over.push_back(live);
        if known.over.len() > REMEMBERED {
            known.over.pop_front();
        }
    }
}

/// One of them.
struct Live {
    conversation: ConversationId,
    id: MessageId,
    stop: Notify,
    shown: Mutex<Shown>,
    /// Moves with every step.
    step: watch::Sender<u64>,
}

/// All that was shown of it so far.
#[derive(Default)]
struct Shown {
    text: String,
    thinking: String,
    render: StreamRender,
    settled: Vec<String>,
    open: String,
    state: Option<ReplyState>,
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn piece(&self, step: u64, settled: Vec<String>, open: String, thinking: String, state: ReplyState) -> ReplyPiece {
        ReplyPiece {
            conversation_id: self.conversation.to_string(),
            message_id: self.id.to_string(),
            step,
            settled,
            open,
            thinking,
            state,
        }
    }

    /// Takes what came since the last time; what is to be told of it.
    fn show(&self, text: &str, thinking: &str, state: ReplyState) -> ReplyPiece {
        let mut shown = self.lock();
        shown.text.push_str(text);
        shown.thinking.push_str(thinking);
        let rendered = shown.render.push(text);
        shown.settled.extend(rendered.settled.iter().cloned());
        shown.open.clone_from(&rendered.open);
        shown.state = Some(state.clone());
        let step = *self.step.borrow() + 1;
        self.step.send_replace(step);
        self.piece(step, rendered.settled, rendered.open, thinking.to_owned(), state)
    }
}

/// What a script sees of a reply: plain text as it comes.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplyText<'a> {
    Thinking(&'a str),
    Text(&'a str),
}

impl App {
    /// Makes the row of the reply to `parent` and begins to ask.
    pub(crate) async fn begin(
        &self,
        profile: Arc<Profile>,
        parent: MessageId,
        model: Model,
        go_on: bool,
    ) -> Result<MessageId, AppError> {
        let of = profile.clone();
        let (provider, name) = (model.provider.clone(), model.model.clone());
        let (turn, prompt, back) = blocking(move || prepare(&of, parent, &provider, &name, go_on)).await?;
        let (id, conversation) = (turn.message().id, turn.message().conversation_id);
        let live = Arc::new(Live {
            conversation,
            id,
            stop: Notify::new(),
            shown: Mutex::default(),
            step: watch::channel(0).0,
        });
        self.0.replies.begun(live.clone());
        self.emit(Event::Reply(Box::new(live.show("", "", ReplyState::Waiting))));
        let app = self.clone();
        tokio::spawn(async move {
            let writing = Writing { app: app.clone(), profile: profile.clone(), live: live.clone(), turn, back };
            let over = writing.write(model.clone(), prompt).await;
            let whole = matches!(over, ReplyState::Over { kept: true, error: None });
            // Whoever is told that it is over finds the message as it will stay.
            let piece = live.show("", "", over);
            app.0.replies.ended(id);
            app.emit(Event::Reply(Box::new(piece)));
            if whole {
                app.name_after(profile, id, model).await;
            }
        });
        Ok(id)
    }

    /// Ends a reply; what had come is kept. One that is over already stays as it is.
    pub fn stop_reply(&self, request: ReplyRef) -> Result<(), CommandError> {
        let id: MessageId = request.message_id.parse().map_err(invalid)?;
        if let Some(live) = self.0.replies.get(id) {
            live.stop.notify_one();
        }
        Ok(())
    }

    /// All of a reply that this process is writing.
    pub fn reply_so_far(&self, request: ReplyRef) -> Result<Option<ReplyPiece>, CommandError> {
        let id: MessageId = request.message_id.parse().map_err(invalid)?;
        Ok(self.0.replies.get(id).map(|live| {
            let shown = live.lock();
            let state = shown.state.clone().unwrap_or(ReplyState::Waiting);
            let step = *live.step.borrow();
            live.piece(step, shown.settled.clone(), shown.open.clone(), shown.thinking.clone(), state)
        }))
    }

    /// Follows a reply to its end, with its plain text as it comes.
    ///
    /// # Errors
    /// Why it is not whole; what had come is kept.
    pub async fn follow_reply(
        &self,
        request: ReplyRef,
        mut tell: impl FnMut(ReplyText<'_>),
    ) -> Result<(), CommandError> {
        let id: MessageId = request.message_id.parse().map_err(invalid)?;
        let Some(live) = self.0.replies.find(id) else { return Ok(()) };
        let mut steps = live.step.subscribe();
        let (mut text, mut thinking) = (0, 0);
        loop {
            let (new_thinking, new_text, state) = {
                let shown = live.lock();
                (shown.thinking[thinking..].to_owned(), shown.text[text..].to_owned(), shown.state.clone())
            };
            thinking += new_thinking.len();
            text += new_text.len();
            if !new_thinking.is_empty() {
                tell(ReplyText::Thinking(&new_thinking));
            }
            if !new_text.is_empty() {
                tell(ReplyText::Text(&new_text));
            }
            if let Some(ReplyState::Over { error, .. }) = state {
                return error.map_or(Ok(()), Err);
            }
            if steps.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Ends all replies that this process writes, and waits a moment for it.
    pub(crate) fn end_replies(&self) {
        for live in self.0.replies.all() {
            live.stop.notify_one();
        }
        let begun = Instant::now();
        while !self.0.replies.all().is_empty() && begun.elapsed() < END_LIMIT {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the reply of a conversation, if this process writes one, and waits a moment for it.
    pub(crate) fn end_reply_in(&self, conversation: ConversationId) {
        let writes = || self.0.replies.all().into_iter().find(|live| live.conversation == conversation);
        let Some(live) = writes() else { return };
        live.stop.notify_one();
        let begun = Instant::now();
        while writes().is_some() && begun.elapsed() < END_LIMIT {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The reply's row and what the model is told. When the branch in view had to be moved to the row, where it was.
fn prepare(
    profile: &Profile,
    parent: MessageId,
    provider: &str,
    model: &str,
    go_on: bool,
) -> Result<(Turn, Prompt, Option<Option<MessageId>>), AppError> {
    let missing = || AppError::NotFound { what: "The message", id: parent.to_string() };
    let asked = profile.store.read()?.message(parent)?.ok_or_else(missing)?;
    let conversation = asked.message.conversation_id;
    if profile.store.read()?.place_of(parent)?.is_none() {
        profile.store.write(|w| w.patch_conversation(conversation, patch([("current_message_id", json!(parent))])))?;
    }
    let (prompt, told) = prompt(profile, model, parent, go_on)?;
    let id = MessageId(Uuid::now_v7());
    let (mut message, _) = draft(&profile.store, id, conversation, (Role::Assistant, String::new()), Some(parent))?;
    message.model_id = Some(model.to_owned());
    message.provider_id = Some(provider.to_owned());
    if let Some(told) = told {
        message.metadata["told_messages"] = json!(told);
    }
    let turn = Turn::new(message.clone(), now());
    let runner = profile.runner()?;
    profile.store.write(|w| w.begin_reply(message, &runner))?;
    let reader = profile.store.read()?;
    let mut back = None;
    if reader.place_of(id)?.is_none() {
        back = Some(reader.conversation(conversation)?.and_then(|record| record.conversation.current_message_id));
        profile.store.write(|w| w.patch_conversation(conversation, patch([("current_message_id", json!(id))])))?;
    }
    Ok((turn, prompt, back))
}

/// One reply on its way.
struct Writing {
    app: App,
    profile: Arc<Profile>,
    live: Arc<Live>,
    turn: Turn,
    back: Option<Option<MessageId>>,
}

impl Writing {
    async fn write(mut self, model: Model, prompt: Prompt) -> ReplyState {
        let mut error = None;
        let (mut text, mut thinking) = (String::new(), String::new());
        let mut last = Instant::now() - SHOW_EVERY;
        let mut reply = match model.client.reply(prompt).await {
            Ok(reply) => Some(reply),
            Err(cause) => {
                error = Some(cause);
                None
            }
        };
        loop {
            let due = SHOW_EVERY.saturating_sub(last.elapsed());
            let waiting = !text.is_empty() || !thinking.is_empty();
            let event = match (&mut reply, &error) {
                (_, Some(cause)) => Some(failed(cause)),
                (None, None) => Some(TurnEvent::Stopped),
                (Some(reply), None) => tokio::select! {
                    biased;
                    () = self.live.stop.notified() => Some(TurnEvent::Stopped),
                    () = tokio::time::sleep(due), if waiting => None,
                    piece = reply.next() => match piece {
                        Some(Ok(delta)) => Some(event(delta)),
                        Some(Err(cause)) => {
                            let event = failed(&cause);
                            error = Some(cause);
                            Some(event)
                        }
                        // It always says how it ended; a stream that does not was broken off.
                        None => Some(failed(error.insert(LlmError::Cut))),
                    },
                },
            };
            let effects = event.map(|event| self.turn.take(event, now())).unwrap_or_default();
            let mut kept = None;
            for effect in effects {
                match effect {
                    TurnEffect::Show { text: more, thinking: thought } => {
                        text.push_str(&more);
                        thinking.push_str(&thought);
                    }
                    TurnEffect::Save => self.save().await,
                    TurnEffect::Keep => kept = Some(true),
                    TurnEffect::Drop => kept = Some(false),
                }
            }
            let over = kept.is_some();
            if (!text.is_empty() || !thinking.is_empty()) && (over || last.elapsed() >= SHOW_EVERY) {
                let piece = self.live.show(&text, &thinking, ReplyState::Writing);
                self.app.emit(Event::Reply(Box::new(piece)));
                text.clear();
                thinking.clear();
                last = Instant::now();
            }
            if let Some(kept) = kept {
                // The request ends here, before what it brought is saved.
                drop(reply.take());
                let saved = self.finish(kept).await;
                let told = error.take().map(|cause| CommandError::from(AppError::from(cause)));
                return ReplyState::Over { kept, error: saved.err().map(CommandError::from).or(told) };
            }
        }
    }

    /// A save that fails costs nothing yet: the next one, or the end, brings all of it.
    async fn save(&self) {
        let (profile, message) = (self.profile.clone(), self.turn.message().clone());
        let saved = blocking(move || {
            profile.store.write(|w| w.grow_reply(message.id, &message.content, &message.metadata))?;
            Ok(())
        });
        if let Err(error) = saved.await {
            crate::log::failed(&error);
        }
    }

    async fn finish(&self, kept: bool) -> Result<(), AppError> {
        let mut tries = 0;
        loop {
            let (profile, message, back) = (self.profile.clone(), self.turn.message().clone(), self.back);
            let done = blocking(move || {
                Ok(profile.store.write(|w| -> Result<(), StoreError> {
                    if kept {
                        return w.end_reply(message).map(drop);
                    }
                    w.drop_reply(message.id)?;
                    match back {
                        Some(back) => {
                            let fields = patch([("current_message_id", json!(back))]);
                            w.patch_conversation(message.conversation_id, fields).map(drop)
                        }
                        None => Ok(()),
                    }
                })?)
            })
            .await;
            tries += 1;
            match done {
                Err(AppError::Store(StoreError::DiskFull | StoreError::Busy)) if tries < SAVE_TRIES => {
                    tokio::time::sleep(SAVE_AGAIN).await;
                }
                // Erased with its conversation meanwhile.
                Err(AppError::Store(StoreError::NotFound { .. })) => return Ok(()),
                other => return other,
            }
        }
    }
}

/// What a piece is to a turn.
pub(crate) fn event(delta: Delta) -> TurnEvent {
    match delta {
        Delta::Text(text) => TurnEvent::Text(text),
        Delta::Thinking(text) => TurnEvent::Thinking(text),
        Delta::Tool { name, input } => TurnEvent::Tool { name, input },
        Delta::Finished { reason, usage } => {
            let usage = usage.unwrap_or_default();
            TurnEvent::Finished {
                reason,
                prompt_tokens: usage.prompt,
                completion_tokens: usage.completion,
                total_tokens: usage.total,
            }
        }
    }
}

fn failed(cause: &LlmError) -> TurnEvent {
    let code = if cause.is_about_key() { "key_needed" } else { "provider" };
    TurnEvent::Failed { code: code.into(), message: cause.to_string() }
}

/// The lock that says that this process is alive; the file goes with it.
pub(crate) struct Runner {
    pub name: String,
    path: PathBuf,
    _lock: File,
}

const PREFIX: &str = "replies-";

impl Runner {
    pub(crate) fn start(dir: &Path) -> Result<Runner, AppError> {
        let name = Uuid::new_v4().simple().to_string();
        let path = dir.join(format!("{PREFIX}{name}.lock"));
        let lock = lock_file(&path)?;
        lock.try_lock().map_err(|_| AppError::Internal("A lock with a fresh name is held.".into()))?;
        Ok(Runner { name, path, _lock: lock })
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Keeps what processes that are gone had saved of their replies.
pub(crate) fn recover(dir: &Path, store: &airi_store::Store) -> Result<(), AppError> {
    let mut runners: Vec<String> = store.read()?.unfinished_replies()?.into_iter().map(|reply| reply.runner).collect();
    runners.sort();
    runners.dedup();
    for runner in runners {
        let path = dir.join(format!("{PREFIX}{runner}.lock"));
        let alive = File::open(&path).is_ok_and(|lock| lock.try_lock().is_err());
        if !alive {
            let kept = store.write(|w| w.interrupt_replies(&runner))?;
            tracing::info!(replies = kept, "replies of a process that is gone were kept");
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}
