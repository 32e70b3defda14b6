//! The engine, the transfers and the session as shipped, over HTTP, with a server whose answers are damaged.

use crate::server::{Damage, Shared, State};
use airi_app::CloudRemote;
use airi_cloud::{Auth, SecretString, Session, SessionStore, StoreError, Tokens};
use airi_domain::{
    Attachment, AttachmentId, Conversation, ConversationId, Message, MessageId, OwnerId, Role, Time, empty_object,
};
use airi_store::{Files, Store};
use airi_sync::{DiskPolicy, Engine, Keep, SyncError, Transfers};
use airi_testkit::cloud::ModelCloud;
use airi_testkit::{DEFAULT_NOW, Rng};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const USER: OwnerId = OwnerId(Uuid::from_u128(0xf0f0_0000_0000_4000_8000_0000_0000_0001));
/// Far more than a round over some dozens of rows needs.
const MOST_REQUESTS: u64 = 600;

/// Tokens for as long as a run lasts.
#[derive(Default)]
pub(crate) struct InMemory(Mutex<Option<Tokens>>);

impl SessionStore for InMemory {
    fn load(&self) -> Result<Option<Tokens>, StoreError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn save(&self, tokens: &Tokens) -> Result<(), StoreError> {
        *self.0.lock().unwrap() = Some(tokens.clone());
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        *self.0.lock().unwrap() = None;
        Ok(())
    }
}

fn tokens(access: &str, seconds: i64) -> Tokens {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64;
    Tokens {
        access_token: SecretString::from(access),
        refresh_token: SecretString::from("refresh-0"),
        expires_at: Time::from_micros(now + seconds * 1_000_000).unwrap(),
        user_id: USER,
        email: None,
    }
}

fn at(n: u64) -> Time {
    Time::from_micros(DEFAULT_NOW).unwrap().plus_micros(n as i64 * 1_000_000)
}

/// One seed's run.
struct Run<'a> {
    shared: &'a Shared,
    store: Store,
    files: Files,
    session: Session,
    rng: Rng,
    cloud: ModelCloud,
    next: u64,
    /// Text → message and conversation, of what was acknowledged on this device.
    written: BTreeMap<String, (Uuid, Uuid)>,
}

/// What became of a run: the answers that were damaged, and what is wrong.
pub(crate) struct Outcome {
    pub(crate) damaged: u64,
    pub(crate) problems: Vec<String>,
}

/// Runs one seed in an empty folder. `mirror` is an empty mirror to begin with.
pub(crate) async fn run(seed: u64, auth: &Auth, shared: &Shared, mirror: &Path, dir: &Path) -> Outcome {
    let mut rng = Rng::new(seed);
    let cloud = ModelCloud::new(at(0));
    cloud.add_user(USER.0);
    std::fs::copy(mirror, dir.join("mirror.sqlite")).unwrap();
    let store = Store::open(&dir.join("mirror.sqlite")).unwrap();
    let files = Files::open(&dir.join("files")).unwrap();
    let session = Session::new(auth.clone(), Arc::new(InMemory::default()), &dir.join("refresh.lock"));
    session.start(tokens("access-0", 3600)).await.unwrap();
    let mut state = State::new(cloud.clone(), USER.0);
    state.page = *rng.pick(&[1, 2, 3, 5, 1000]);
    *shared.borrow_mut() = Some(state);
    let mut run = Run { shared, store, files, session, rng, cloud, next: 1, written: BTreeMap::new() };
    for _ in 0..1 + run.rng.below(4) {
        run.another_client();
    }
    let mut problems = run.damaged(seed).await;
    if problems.is_empty() {
        problems = run.recovers().await;
    }
    let state = shared.borrow_mut().take();
    Outcome { damaged: state.map_or(0, |state| state.damaged), problems }
}

impl Run<'_> {
    fn id(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.rng.next_u64() & !0xf000 | 0x7000, self.rng.next_u64() >> 2 | 1 << 63)
    }

    fn with_state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(self.shared.borrow_mut().as_mut().expect("a run has a state"))
    }

    /// Another client writes tables.
    fn another_client(&mut self) {
        let client = self.cloud.client(USER.0);
        let row = |value: Value| value.as_object().cloned().unwrap_or_default();
        self.next += 1;
        self.cloud.set_now(at(self.next));
        let id = self.id();
        let given = row(json!({ "id": id, "user_id": USER, "title": format!("web {}", self.next),
            "model_id": "m", "provider_id": "p" }));
        client.insert("conversations", &given).unwrap();
        let mut last = None;
        for n in 0..1 + self.rng.below(6) {
            let message = self.id();
            let text = format!("web {} {n}", self.next);
            let given = row(json!({ "id": message, "user_id": USER, "conversation_id": id, "role": "user",
                "content": text, "metadata": { "k": [1, { "a": null }] } }));
            client.insert("chat_messages", &given).unwrap();
            last = Some(message);
        }
        if let Some(message) = last.filter(|_| self.rng.chance(0.4)) {
            let given = row(json!({ "id": self.id(), "message_id": message, "file_name": "f.txt", "storage_path": "",
                "file_size": 3, "metadata": { "sha256": "a".repeat(64) } }));
            client.insert("message_attachments", &given).unwrap();
        }
        if self.rng.chance(0.1) {
            let usage = row(json!({ "endpoint": "/chat", "method": "POST", "status_code": 200, "total_tokens": 5 }));
            self.cloud.serve(USER.0, "usage_logs", &usage).unwrap();
        }
        if self.rng.chance(0.1) {
            client.delete("conversations", id).unwrap();
        }
        let ids: Vec<Uuid> = self
            .cloud
            .rows(USER.0, "conversations")
            .iter()
            .filter_map(|row| Uuid::parse_str(row["id"].as_str()?).ok())
            .collect();
        if !ids.is_empty() && self.rng.chance(0.5) {
            let set = Map::from_iter([("title".to_owned(), json!(format!("renamed {}", self.next)))]);
            client.update("conversations", *self.rng.pick(&ids), &set).unwrap();
        }
    }

    /// The user of this device writes, and is told that it was saved.
    fn user(&mut self) {
        self.next += 1;
        let now = at(self.next);
        let known: Vec<Conversation> = {
            let reader = self.store.read().unwrap();
            let keys = reader.conversation_keys().unwrap();
            keys.into_iter().filter_map(|key| Some(reader.conversation_by_key(key).unwrap()?.conversation)).collect()
        };
        let conversation = match known.is_empty() || self.rng.chance(0.4) {
            true => {
                let id = ConversationId(self.id());
                let title = Some(format!("local {}", self.next));
                self.store
                    .write(|w| w.insert_conversation(Conversation { title, ..Conversation::new(id, now) }))
                    .unwrap();
                id
            }
            false => self.rng.pick(&known).id,
        };
        for n in 0..1 + self.rng.below(3) {
            let (id, text) = (MessageId(self.id()), format!("local {} {n}", self.next));
            let message = Message::new(id, conversation, Role::User, text.clone(), now.plus_micros(n as i64));
            self.store.write(|w| w.insert_message(message)).unwrap();
            self.written.insert(text, (id.0, conversation.0));
            if self.rng.chance(0.2) {
                self.attach(id, now);
            }
        }
        if self.rng.chance(0.3) {
            let patch = Map::from_iter([("is_starred".to_owned(), json!(self.rng.chance(0.5)))]);
            self.store.write(|w| w.patch_conversation(conversation, patch)).unwrap();
        }
    }

    fn attach(&mut self, message: MessageId, now: Time) {
        let bytes = format!("bytes {}", self.next).repeat(1 + self.rng.below(2000));
        let stored = self.files.add(&mut bytes.as_bytes()).unwrap();
        let attachment = Attachment {
            id: AttachmentId(self.id()),
            message_id: message,
            file_name: "f.txt".into(),
            file_type: None,
            file_size: Some(stored.size as i64),
            storage_path: String::new(),
            sha256: Some(stored.sha256),
            mime_type: Some("text/plain".into()),
            width: None,
            height: None,
            duration_seconds: None,
            metadata: empty_object(),
            created_at: now,
        };
        self.store.write(|w| w.insert_attachment(attachment)).unwrap();
    }

    fn engine(&self) -> Engine<CloudRemote> {
        let remote = CloudRemote::new(&self.session);
        Engine::new(self.store.clone(), self.files.clone(), remote, Uuid::from_u128(7), || at(0), |_| ())
    }

    fn transfers(&self) -> Transfers<CloudRemote> {
        let remote = CloudRemote::new(&self.session);
        Transfers::new(self.store.clone(), self.files.clone(), remote, || at(0), || None)
    }

    /// Something that talks to the server, to its end.
    async fn bounded<T>(&self, what: &str, act: impl Future<Output = T>) -> Result<T, String> {
        let before = self.with_state(|state| state.requests);
        let ended = tokio::time::timeout(Duration::from_secs(120), act).await;
        let requests = self.with_state(|state| state.requests) - before;
        match ended {
            Err(_) => Err(format!("{what} did not end; {requests} requests")),
            Ok(_) if requests > MOST_REQUESTS => Err(format!("{what} made {requests} requests")),
            Ok(ended) => Ok(ended),
        }
    }

    /// Rounds with a server whose answers are damaged: each ends, well or with an error.
    async fn damaged(&mut self, seed: u64) -> Vec<String> {
        let share = *self.rng.pick(&[0.1, 0.3, 0.6, 1.0]);
        let (constant, in_rows) = (self.rng.chance(0.15), self.rng.chance(0.25));
        if self.rng.chance(0.5) {
            // In step at first.
            let _ = self.engine().round().await;
        }
        self.with_state(|state| state.damage = Some(Damage { seed, share, constant, in_rows }));
        for _ in 0..3 + self.rng.below(6) {
            if self.rng.chance(0.7) {
                self.user();
            }
            if self.rng.chance(0.5) {
                self.another_client();
            }
            if !in_rows && self.rng.chance(0.2) {
                // The token has run out, so that the next call renews it.
                let _ = self.session.start(tokens("ended", -10)).await;
            }
            let mut engine = self.engine();
            let round = match self.bounded("a round", engine.round()).await {
                Ok(round) => round,
                Err(problem) => return vec![problem],
            };
            if in_rows {
                let problems = self.rest_is_there(&round);
                if !problems.is_empty() {
                    return problems;
                }
            }
            let kind = self.rng.below(5);
            let rest = self.bounded("the rest", async {
                match kind {
                    0 | 1 => drop(self.transfers().upload_all().await),
                    2 => {
                        let policy = DiskPolicy { keep: Keep::All, bound: u64::MAX };
                        drop(self.transfers().download_all(policy).await);
                    }
                    3 => drop(self.engine().audit().await),
                    _ => self.sign_in().await,
                }
            });
            if let Err(problem) = rest.await {
                return vec![problem];
            }
        }
        Vec::new()
    }

    /// All ways to a session, whatever the server says to them.
    async fn sign_in(&self) {
        let auth = self.session.auth();
        let secret = SecretString::from("123456");
        drop(auth.sign_in_password("fuzz@example.com", &secret).await);
        drop(auth.sign_up("fuzz@example.com", &secret).await);
        drop(auth.verify_code("fuzz@example.com", &secret).await);
        drop(auth.exchange_code(&secret, &secret).await);
        drop(auth.user(&SecretString::from("access-1")).await);
    }

    /// A row that cannot be stored never stops the rest of its page.
    fn rest_is_there(&self, round: &Result<airi_sync::RoundReport, SyncError>) -> Vec<String> {
        if let Err(error) = round {
            return vec![format!("one bad row stopped the round: {error}")];
        }
        let whole = self.with_state(|state| match state.erased.is_empty() {
            true => std::mem::take(&mut state.whole),
            false => Vec::new(),
        });
        let reader = self.store.read().unwrap();
        let aside: BTreeSet<(String, String)> =
            reader.parked().unwrap().into_iter().map(|row| (row.table, row.id)).collect();
        let there = |table: &str, id: Uuid| match table {
            "conversations" => reader.conversation(ConversationId(id)).unwrap().is_some(),
            "chat_messages" => reader.message(MessageId(id)).unwrap().is_some(),
            "message_attachments" => reader.attachment(AttachmentId(id)).unwrap().is_some(),
            "tombstones" => true,
            other => reader.server_rows(other).unwrap().iter().any(|row| row["id"] == json!(id)),
        };
        let lost = whole
            .into_iter()
            .filter(|(table, id)| !there(table, *id) && !aside.contains(&(table.clone(), id.to_string())));
        lost.map(|(table, id)| format!("{table} {id} came beside a bad row and is not here")).collect()
    }

    /// The server is itself again: what was acknowledged is on it, and the device goes on.
    async fn recovers(&mut self) -> Vec<String> {
        self.with_state(|state| state.damage = None);
        self.session.start(tokens("access-0", 3600)).await.unwrap();
        let mut last = String::new();
        for _ in 0..4 {
            let mut engine = self.engine();
            match self.bounded("a round with a sound server", engine.round()).await {
                Err(problem) => return vec![problem],
                Ok(Err(error)) => last = format!("a round with a sound server: {error}"),
                Ok(Ok(_)) => last.clear(),
            }
            let _ = self.transfers().upload_all().await;
            if last.is_empty()
                && let Err(error) = self.engine().audit().await
            {
                last = format!("a comparison with a sound server: {error}");
            }
            let entries = self.store.read().unwrap().outbox(1000).unwrap();
            for entry in entries.iter().filter(|entry| entry.wedged) {
                self.store.write(|w| w.retry(entry.op_id)).unwrap();
            }
        }
        if !last.is_empty() {
            return vec![last];
        }
        let _ = self.engine().round().await;
        self.lost()
    }

    fn lost(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.store.integrity_problems().unwrap();
        let erased = self.with_state(|state| state.erased.clone());
        let contents = |rows: Vec<Value>| -> BTreeSet<String> {
            rows.iter().filter_map(|row| row["content"].as_str().map(str::to_owned)).collect()
        };
        let on_server = contents(self.cloud.rows(USER.0, "chat_messages"));
        let reader = self.store.read().unwrap();
        let waiting = reader.outbox(1000).unwrap();
        let mut here = BTreeSet::new();
        for key in reader.conversation_keys().unwrap() {
            here.extend(reader.messages_of(key).unwrap().into_iter().map(|record| record.message.content));
        }
        for (text, (id, conversation)) in &self.written {
            if erased.contains(id) || erased.contains(conversation) {
                continue;
            }
            let waits = waiting.iter().any(|entry| entry.row_id == *id || entry.lane.0 == *conversation);
            if !on_server.contains(text) && !waits {
                problems.push(format!("'{text}' ({id}) was acknowledged and is neither on the server nor waiting"));
            }
            if !here.contains(text) && reader.message(MessageId(*id)).unwrap().is_none() {
                problems.push(format!("'{text}' ({id}) was acknowledged and has left the device"));
            }
        }
        problems
    }
}
