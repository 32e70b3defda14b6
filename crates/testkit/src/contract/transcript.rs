//! Plays a script and writes down what is answered, without what differs from run to run.

use super::{Call, Case, Server, Who};
use airi_domain::{canonical_json, canonicalize};
use airi_sync::{Failure, Op, PullCursor, Remote};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;
use uuid::Uuid;

/// What was answered, one line or more for each call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    pub lines: Vec<String>,
}

struct Player<'a, S> {
    server: &'a S,
    folder: &'a Path,
    /// The heads of A and B when the case began.
    starts: [i64; 2],
    /// Times that the script itself gave.
    times: BTreeSet<String>,
    pushes: u128,
    /// The servers' epoch when the case began, for both users.
    epoch: String,
    lines: Vec<String>,
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Plays the case. `folder` takes the files that go up and come down.
///
/// # Errors
/// The server cannot be asked at all.
pub async fn play<S: Server>(server: &S, case: &Case, folder: &Path) -> Result<Transcript, Failure> {
    let (a, b) = (server.remote(Who::A).hello().await?, server.remote(Who::B).hello().await?);
    let (starts, epoch) = ([a.head, b.head], a.epoch);
    let mut times = BTreeSet::new();
    for call in &case.calls {
        match call {
            Call::Push(_, ops) => ops.iter().for_each(|op| note_times(op, &mut times)),
            Call::Insert(_, _, row) | Call::Update(_, _, _, row) | Call::Serve(_, _, row) => {
                note_times(row, &mut times)
            }
            _ => {}
        }
    }
    let mut player = Player { server, folder, starts, times, pushes: 0, epoch, lines: Vec::new() };
    for (place, call) in case.calls.iter().enumerate() {
        player.call(place, call).await;
    }
    Ok(Transcript { lines: player.lines })
}

fn note_times(value: &Value, times: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            if let Ok(time) = text.parse::<airi_domain::Time>() {
                times.insert(time.to_string());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| note_times(item, times)),
        Value::Object(fields) => fields.values().for_each(|field| note_times(field, times)),
        _ => {}
    }
}

impl<S: Server> Player<'_, S> {
    fn start(&self, who: Who) -> i64 {
        self.starts[who as usize]
    }

    fn note(&mut self, place: usize, what: impl std::fmt::Display) {
        let (a, b) = (self.server.user(Who::A).to_string(), self.server.user(Who::B).to_string());
        let text = what.to_string().replace(&a, "<A>").replace(&b, "<B>");
        self.lines.push(format!("{place} {text}"));
    }

    /// A row without what the server chose by itself.
    fn plain(&self, who: Who, table: &str, row: &Value) -> Value {
        let mut fields = object(&canonicalize(row.clone()));
        if let Some(seq) = fields.get("change_seq").and_then(Value::as_i64) {
            fields.insert("change_seq".into(), json!(seq - self.start(who)));
        }
        for name in ["created_at", "last_message_reset_at", "deleted_at"] {
            let chosen = fields.get(name).and_then(Value::as_str).is_some_and(|time| !self.times.contains(time));
            if chosen {
                fields.insert(name.into(), json!("<time>"));
            }
        }
        if table == "tombstones" {
            fields.insert("id".into(), json!("<id>"));
        }
        Value::Object(fields)
    }

    async fn call(&mut self, place: usize, call: &Call) {
        match call {
            Call::Push(who, ops) => self.push(place, *who, ops).await,
            Call::Insert(who, table, row) => {
                let mut row = object(row);
                row.entry("user_id").or_insert_with(|| json!(self.server.user(*who)));
                let done = self.server.insert(*who, table, row).await;
                self.note(place, format!("insert {table}: {done}"));
            }
            Call::Update(who, table, id, set) => {
                let done = self.server.update(*who, table, *id, object(set)).await;
                self.note(place, format!("update {table}: {done}"));
            }
            Call::Delete(who, table, id) => {
                let done = self.server.delete(*who, table, *id).await;
                self.note(place, format!("delete {table}: {done}"));
            }
            Call::Serve(who, table, row) => {
                let done = self.server.serve(*who, table, object(row)).await;
                self.note(place, format!("serve {table}: {done}"));
            }
            Call::Snapshot(who, table, limit) => self.snapshot(place, *who, table, *limit).await,
            Call::Pull(who, limit) => self.pull(place, *who, *limit).await,
            Call::Rejoin(who) => self.rejoin(place, *who).await,
            Call::Preview(who) => self.preview(place, *who).await,
            Call::Audit(who, table) => self.audit(place, *who, table).await,
            Call::Upload(who, path, bytes) => {
                let file = self.folder.join(format!("up-{place}"));
                let path = self.path(path);
                let answer = match std::fs::write(&file, bytes) {
                    Ok(()) => {
                        self.server
                            .remote(*who)
                            .upload(&path, &file, Some("text/plain"), &self.folder.join("note"))
                            .await
                    }
                    Err(error) => return self.note(place, error),
                };
                self.outcome(place, "upload", answer.map(|()| "done".to_owned()));
            }
            Call::Download(who, path, bytes) => {
                let (hash, path) = (format!("{:x}", Sha256::digest(bytes)), self.path(path));
                let file = self.folder.join(format!("down-{place}"));
                let size = Some(bytes.len() as u64);
                let answer = self.server.remote(*who).download(&path, &file, Some(&hash), size).await;
                let same = std::fs::read(&file).is_ok_and(|read| read == *bytes);
                self.outcome(place, "download", answer.map(|()| format!("the bytes are the same: {same}")));
            }
            Call::Stored(who, path) => {
                let answer = self.server.remote(*who).stored(&self.path(path)).await;
                self.outcome(place, "stored", answer.map(|size| format!("{size:?}")));
            }
        }
    }

    /// `A/…` and `B/…` are the users' folders.
    fn path(&self, path: &str) -> String {
        let (owner, rest) = path.split_once('/').unwrap_or(("", path));
        match owner {
            "A" => format!("{}/{rest}", self.server.user(Who::A)),
            "B" => format!("{}/{rest}", self.server.user(Who::B)),
            _ => path.to_owned(),
        }
    }

    fn outcome(&mut self, place: usize, name: &str, answer: Result<String, Failure>) {
        match answer {
            Ok(text) => self.note(place, format!("{name}: {text}")),
            Err(failure) => self.note(place, format!("{name} failed: {:?}", failure.class)),
        }
    }

    async fn push(&mut self, place: usize, who: Who, ops: &[Value]) {
        self.pushes += 1;
        let start = self.start(who);
        let mut sent = Vec::new();
        for (n, op) in ops.iter().enumerate() {
            let mut fields = object(op);
            let number =
                fields.remove("op").and_then(|op| op.as_u64()).map_or(self.pushes * 1000 + n as u128, u128::from);
            // Each account and case has its own: they are known per user.
            fields.insert("op_id".into(), json!(Uuid::from_u128((0x0bab_u128 << 64) + number)));
            let held = fields.get("held").and_then(Value::as_i64).filter(|held| *held > 0);
            if let Some(held) = held {
                fields.insert("held".into(), json!(held + start));
            }
            match serde_json::from_value::<Op>(Value::Object(fields)) {
                Ok(op) => sent.push(op),
                Err(error) => return self.note(place, format!("no operation: {error}")),
            }
        }
        match self.server.remote(who).push(Uuid::nil(), &self.epoch, &sent).await {
            Err(failure) => self.note(place, format!("push failed: {:?}", failure.class)),
            Ok(answer) => {
                for (result, op) in answer.results.iter().zip(&sent) {
                    let code = result.code.as_deref().unwrap_or("");
                    let seq = result.change_seq.map(|seq| seq - start);
                    let row = result.row.as_ref().map(|row| canonical_json(&self.plain(who, &op.table, row)));
                    let same = if result.op_id == op.op_id { "" } else { " of ANOTHER op" };
                    let line = format!("{} {} {:?} {code} {seq:?} {row:?}{same}", op.kind, op.table, result.status);
                    self.note(place, line);
                }
            }
        }
    }

    async fn snapshot(&mut self, place: usize, who: Who, table: &str, limit: u32) {
        let mut after = None;
        let mut rows = Vec::new();
        loop {
            match self.server.remote(who).snapshot(table, after, limit).await {
                Err(failure) => return self.note(place, format!("snapshot failed: {:?}", failure.class)),
                Ok(page) => {
                    rows.extend(page.rows.iter().map(|row| canonical_json(&self.plain(who, table, row))));
                    let fits = page.rows.len() <= limit as usize;
                    if !fits || (page.has_more && page.next <= after) {
                        return self.note(place, "a page that is too long, or does not lead on");
                    }
                    if !page.has_more {
                        break;
                    }
                    after = page.next;
                }
            }
        }
        if table == "tombstones" {
            // Their ids are drawn, and give the order.
            rows.sort();
        }
        for row in rows {
            self.note(place, format!("snapshot {table} {row}"));
        }
    }

    async fn pull(&mut self, place: usize, who: Who, limit: u32) {
        let epoch = match self.server.remote(who).hello().await {
            Ok(hello) => hello.epoch,
            Err(failure) => return self.note(place, format!("hello failed: {:?}", failure.class)),
        };
        let mut cursor = PullCursor { seq: self.start(who), rank: 9, id: Uuid::max() };
        let mut pages = 0;
        let mut rows: Vec<(i64, String)> = Vec::new();
        loop {
            let page = match self.server.remote(who).pull(&epoch, cursor, limit).await {
                Ok(page) => page,
                Err(failure) => return self.note(place, format!("pull failed: {:?}", failure.class)),
            };
            for named in &page.rows {
                let number = named.row.get("change_seq").and_then(Value::as_i64).unwrap_or(0);
                let row = canonical_json(&self.plain(who, &named.table, &named.row));
                rows.push((number, format!("{} {row}", named.table)));
            }
            let mut parents: Vec<String> = page
                .parents
                .iter()
                .map(|named| format!("{} {}", named.table, named.row.get("id").and_then(Value::as_str).unwrap_or("?")))
                .collect();
            parents.sort();
            self.note(place, format!("parents {parents:?} more {}", page.has_more));
            pages += 1;
            match page.next {
                Some(next) if page.has_more && next > cursor && pages < 1000 => cursor = next,
                _ => break,
            }
        }
        // Rows of one number and table lie in order of ids; those of tombstones are drawn.
        for run in
            rows.chunk_by_mut(|a, b| a.0 == b.0 && a.1.starts_with("tombstones") && b.1.starts_with("tombstones"))
        {
            run.sort();
        }
        for (_, row) in rows {
            self.note(place, format!("pull {row}"));
        }
    }

    async fn rejoin(&mut self, place: usize, who: Who) {
        let remote = self.server.remote(who);
        let hello = match remote.hello().await {
            Ok(hello) => hello,
            Err(failure) => return self.note(place, format!("hello failed: {:?}", failure.class)),
        };
        let at = |seq| PullCursor { seq, rank: 9, id: Uuid::max() };
        for (epoch, seq) in [(hello.epoch.as_str(), hello.head), (hello.epoch.as_str(), hello.head + 1), ("another", 0)]
        {
            let answer = remote.pull(epoch, at(seq), 10).await;
            let told = answer.map(|page| format!("rejoin {} rows {}", page.rejoin, page.rows.len()));
            self.outcome(place, "pull", told);
        }
        // A change that speaks of rows of another epoch takes no effect.
        let op = super::op("delete", "conversations", Uuid::nil(), Uuid::nil(), Value::Null);
        let op = super::with(op, "op_id", json!(Uuid::from_u128(0xbad)));
        if let Ok(op) = serde_json::from_value::<Op>(op) {
            let answer = remote.push(Uuid::nil(), "another", &[op]).await;
            let told = answer.map(|answer| format!("rejoin {} results {}", answer.rejoin, answer.results.len()));
            self.outcome(place, "push", told);
        }
    }

    async fn preview(&mut self, place: usize, who: Who) {
        match self.server.remote(who).preview().await {
            Err(failure) => self.note(place, format!("preview failed: {:?}", failure.class)),
            Ok(preview) => {
                self.note(place, format!("totals {}", canonical_json(&Value::Object(preview.totals))));
                let ids = |rows: &[Value]| -> Vec<String> {
                    rows.iter().filter_map(|row| row.get("id").and_then(Value::as_str).map(str::to_owned)).collect()
                };
                let conversations = ids(&preview.conversations);
                let (mut messages, mut attachments) = (ids(&preview.chat_messages), ids(&preview.message_attachments));
                messages.sort();
                attachments.sort();
                self.note(place, format!("preview {conversations:?} {messages:?} {attachments:?}"));
            }
        }
    }

    async fn audit(&mut self, place: usize, who: Who, table: &str) {
        // The hash covers the numbers, which begin elsewhere; it is held to the snapshot of the same server.
        let snapshot = self.server.remote(who).snapshot(table, None, 1000).await;
        let answer = self.server.remote(who).audit(table, None, 64).await;
        match (snapshot, answer) {
            (Ok(snapshot), Ok(page)) => {
                let hash = snapshot.rows.iter().fold(0u64, |hash, row| {
                    let id = row.get("id").and_then(Value::as_str).unwrap_or("");
                    let seq = row.get("change_seq").and_then(Value::as_i64).unwrap_or(0);
                    let digest = Sha256::digest(format!("{id}:{seq}").as_bytes());
                    hash ^ digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
                });
                for range in &page.ranges {
                    let same = range.hash == format!("{hash:016x}");
                    self.note(place, format!("audit {table} {} {} as the rows: {same}", range.upto, range.count));
                }
            }
            (Err(failure), _) | (_, Err(failure)) => self.note(place, format!("audit failed: {:?}", failure.class)),
        }
    }
}
