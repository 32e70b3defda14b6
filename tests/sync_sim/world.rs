//! One run: devices and another client, the steps of a schedule in virtual time, then quiet, then the reckoning.

use airi_domain::{OwnerId, Time};
use airi_sync::{DiskPolicy, Engine, Keep, RoundReport, SyncError, TransferReport, Transfers};
use airi_testkit::cloud::{ModelCloud, Moment};
use airi_testkit::{DEFAULT_NOW, Rng, conversation_id};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::compare;
use crate::device::{ARCHIVE, Device, archived_message, target};
use crate::network::{Line, Sent};
use crate::oracle::{Author, Held, Oracle, id_of};
use crate::schedule::{Schedule, Step, WebAct, What};
use crate::trace::Trace;

const OWNER: OwnerId = OwnerId(Uuid::from_u128(0xa11c_e000_0000_4000_8000_0000_0000_0001));
const STRANGER: Uuid = Uuid::from_u128(0xb0b0_0000_0000_4000_8000_0000_0000_0002);
/// Rounds of all devices until nothing moves, at most.
const QUIET_PASSES: usize = 15;

type Round = JoinHandle<Result<Moved, SyncError>>;

/// What a round of rows and of files did.
#[derive(Debug, Default)]
struct Moved {
    rows: RoundReport,
    files: TransferReport,
}

impl Moved {
    fn something(&self) -> bool {
        let (rows, files) = (&self.rows, &self.files);
        rows.pulled + rows.pushed + files.uploaded + files.placed + files.downloaded + files.waiting > 0
    }
}

/// What a run came to.
pub(crate) struct Outcome {
    pub problems: Vec<String>,
    pub trace: Trace,
}

struct World {
    folder: PathBuf,
    cloud: ModelCloud,
    devices: Vec<Device>,
    rounds: Vec<Option<Round>>,
    skews: Vec<i64>,
    oracle: Oracle,
    backups: Vec<Moment>,
    odd: BTreeSet<Uuid>,
    start: Instant,
    trace: Trace,
    sent: Sent,
    problems: Vec<String>,
}

/// Runs a schedule from its beginning to its reckoning.
pub(crate) fn run(schedule: &Schedule, folder: &Path) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new(schedule, folder);
        for (number, step) in schedule.steps.iter().enumerate() {
            sleep(Duration::from_millis(step.after)).await;
            world.step(number, step).await;
        }
        world.reckon().await;
        Outcome { problems: world.problems, trace: world.trace }
    })
}

fn add(to: &mut TransferReport, more: &TransferReport) {
    to.uploaded += more.uploaded;
    to.placed += more.placed;
    to.downloaded += more.downloaded;
    to.refused += more.refused;
    to.waiting += more.waiting;
    to.requests += more.requests;
}

impl World {
    fn new(schedule: &Schedule, folder: &Path) -> World {
        let cloud = ModelCloud::new(Time::from_micros(DEFAULT_NOW).expect("a time"));
        cloud.add_user(OWNER.0);
        cloud.add_user(STRANGER);
        let mut world = World {
            folder: folder.to_owned(),
            backups: vec![cloud.moment()],
            cloud,
            devices: Vec::new(),
            rounds: Vec::new(),
            skews: schedule.skews.clone(),
            oracle: Oracle::default(),
            odd: BTreeSet::new(),
            start: Instant::now(),
            trace: Trace::begin(),
            sent: Sent::default(),
            problems: Vec::new(),
        };
        for _ in 0..schedule.first_devices() {
            world.add_device();
        }
        world
    }

    fn now(&self) -> Time {
        Time::from_micros(DEFAULT_NOW + self.start.elapsed().as_micros() as i64).expect("a time")
    }

    fn add_device(&mut self) {
        let index = self.devices.len();
        let skew = self.skews.get(index).copied().unwrap_or(0);
        self.devices.push(Device::new(&self.folder, index, OWNER, skew));
        self.rounds.push(None);
    }

    fn engine(&self, device: usize, salt: u64, faults: bool) -> Engine<Line> {
        let line = Line::new(self.cloud.remote(OWNER.0), device, salt, faults, self.trace.clone(), self.sent.clone());
        let device = &self.devices[device];
        let (start, skew) = (self.start, device.skew);
        let now = move || {
            let micros = DEFAULT_NOW + start.elapsed().as_micros() as i64;
            Time::from_micros(micros).unwrap_or(Time::MAX).plus_micros(skew)
        };
        Engine::new(device.store.clone(), device.files.clone(), line, device.id, now, |_| ())
    }

    /// One round of rows, and files before, beside or after it.
    fn begin_round(&self, device: usize, salt: u64, faults: bool) -> Round {
        let mut engine = self.engine(device, salt, faults);
        let line =
            Line::new(self.cloud.remote(OWNER.0), device, salt ^ 1, faults, self.trace.clone(), self.sent.clone());
        let of = &self.devices[device];
        let (start, skew) = (self.start, of.skew);
        let now = move || {
            let micros = DEFAULT_NOW + start.elapsed().as_micros() as i64;
            Time::from_micros(micros).unwrap_or(Time::MAX).plus_micros(skew)
        };
        let transfers = Transfers::new(of.store.clone(), of.files.clone(), line, now, || None);
        let policy = DiskPolicy { keep: Keep::All, bound: u64::MAX };
        tokio::spawn(async move {
            let mut did = Moved::default();
            match salt % 3 {
                0 => {
                    did.files = transfers.upload_all().await?;
                    did.rows = engine.round().await?;
                    add(&mut did.files, &transfers.download_all(policy).await?);
                }
                1 => {
                    let files = async {
                        let mut files = transfers.upload_all().await?;
                        add(&mut files, &transfers.download_all(policy).await?);
                        Ok::<_, SyncError>(files)
                    };
                    let (rows, files) = tokio::join!(biased; engine.round(), files);
                    (did.rows, did.files) = (rows?, files?);
                }
                _ => {
                    did.rows = engine.round().await?;
                    did.files = transfers.upload_all().await?;
                    add(&mut did.files, &transfers.download_all(policy).await?);
                }
            }
            Ok(did)
        })
    }

    async fn step(&mut self, number: usize, step: &Step) {
        self.cloud.set_now(self.now());
        self.collect().await;
        self.trace.note(format!("# {number} {:?}", step.what));
        let now = self.now();
        match step.what {
            What::Act { device, act } => {
                if let Some(device) = self.devices.get_mut(device) {
                    // An edit of a row whose change was refused sends that change again.
                    let entries = device.store.read().and_then(|reader| reader.outbox(10_000)).expect("an outbox");
                    for entry in entries.iter().filter(|entry| entry.wedged) {
                        self.oracle.retried(entry.row_id);
                    }
                    device.act(act, number, step.salt, now, &mut self.oracle);
                }
            }
            What::Web(act) => self.web(act, number, step.salt),
            What::Round { device, faults } => {
                if device < self.devices.len() && self.rounds[device].is_none() {
                    self.rounds[device] = Some(self.begin_round(device, step.salt, faults));
                }
            }
            What::Crash { device } => {
                if device < self.devices.len() {
                    if let Some(round) = self.rounds[device].take() {
                        round.abort();
                        // An aborted round has no result; one that had just ended is as good as one that was not heard of.
                        let _ = round.await;
                    }
                    self.devices[device].reopen();
                }
            }
            What::Resolve { device, discard } => {
                if device < self.devices.len() && self.rounds[device].is_none() {
                    self.resolve(device, discard, step.salt).await;
                }
            }
            What::NewDevice => self.add_device(),
            What::Backup => self.backups.push(self.cloud.moment()),
            What::Restore => {
                let mut forms = self.forms();
                let moment = self.backups[Rng::new(step.salt).below(self.backups.len())].clone();
                self.backups.truncate(1);
                self.cloud.restore(&moment);
                self.backups.push(self.cloud.moment());
                let held = self.held();
                // A later form that no device had heard of stays.
                let numbers: BTreeMap<Uuid, i64> = ["conversations", "chat_messages"]
                    .iter()
                    .flat_map(|table| self.cloud.rows(OWNER.0, table))
                    .filter_map(|row| Some((id_of(&row, "id")?, row["change_seq"].as_i64()?)))
                    .collect();
                forms.retain(|id, form| numbers.get(id).is_none_or(|number| *number <= form.seq));
                self.oracle.restored(&self.cloud, &held, forms);
            }
            What::NewEpoch => {
                self.cloud.renew_epoch();
                self.oracle.rejoined();
            }
            What::Access { allowed } => self.cloud.set_access(OWNER.0, allowed),
            What::Maintenance { on } => self.cloud.set_maintenance(on.then_some("back at noon")),
        }
        self.problems.extend(self.devices.iter().flat_map(compare::not_shown));
    }

    /// Takes the results of rounds that ended.
    async fn collect(&mut self) {
        for device in 0..self.rounds.len() {
            if self.rounds[device].as_ref().is_some_and(JoinHandle::is_finished) {
                self.end_round(device).await;
            }
        }
    }

    async fn end_round(&mut self, device: usize) -> Option<Moved> {
        let round = self.rounds[device].take()?;
        match round.await {
            Ok(Ok(report)) => {
                self.trace.note(format!("d{device} round {report:?}"));
                Some(report)
            }
            Ok(Err(error)) => {
                self.trace.note(format!("d{device} round ended: {error}"));
                if !matches!(error, SyncError::Remote(_)) {
                    self.problems.push(format!("d{device}: {error}"));
                }
                None
            }
            Err(error) => {
                self.problems.push(format!("d{device}: the round panicked: {error}"));
                None
            }
        }
    }

    /// Every row that some device holds.
    fn held(&self) -> BTreeSet<Uuid> {
        let mut held = BTreeSet::new();
        for device in &self.devices {
            let reader = device.store.read().expect("a reader");
            for key in reader.conversation_keys().expect("keys") {
                held.extend(reader.conversation_by_key(key).expect("a read").map(|record| record.conversation.id.0));
                held.extend(reader.messages_of(key).expect("messages").iter().map(|record| record.message.id.0));
            }
        }
        held
    }

    /// The latest form of each row that a device in step with the server holds; rows with a change under way are left out.
    fn forms(&self) -> BTreeMap<Uuid, Held> {
        let mut forms: BTreeMap<Uuid, Held> = BTreeMap::new();
        let mut moving = BTreeSet::new();
        let mut busy = false;
        for device in &self.devices {
            let reader = device.store.read().expect("a reader");
            moving.extend(reader.outbox(10_000).expect("an outbox").iter().map(|entry| entry.row_id));
            if reader.meta("sync.walk").expect("a note").is_some() || self.rounds[device.index].is_some() {
                busy = true;
                continue;
            }
            let mut note = |id: Uuid, held: Held| {
                if held.seq > 0 && forms.get(&id).is_none_or(|known| known.seq < held.seq) {
                    forms.insert(id, held);
                }
            };
            for key in reader.conversation_keys().expect("keys") {
                let record = reader.conversation_by_key(key).expect("a read").expect("a conversation");
                let conversation = record.conversation.id.0;
                let row = compare::conversation_as_row(&record.conversation);
                let seq = record.server_seq.unwrap_or(0);
                note(conversation, Held { table: "conversations", seq, conversation, row });
                for message in reader.messages_of(key).expect("messages") {
                    let (seq, row) = (message.server_seq.unwrap_or(0), compare::message_as_row(&message.message));
                    note(message.message.id.0, Held { table: "chat_messages", seq, conversation, row });
                }
            }
        }
        // A request that was given up may still arrive.
        forms.retain(|id, _| !moving.contains(id));
        if busy {
            // A page under way may hold a later form, which is then the one that comes back.
            if self.oracle.was_restored() {
                // It may even be from before an earlier restore.
                return BTreeMap::new();
            }
            let tables = ["conversations", "chat_messages"];
            let later: BTreeMap<Uuid, i64> = tables
                .into_iter()
                .flat_map(|table| self.cloud.rows(OWNER.0, table))
                .filter_map(|row| Some((id_of(&row, "id")?, row["change_seq"].as_i64()?)))
                .collect();
            forms.retain(|id, held| later.get(id).is_none_or(|seq| *seq <= held.seq));
        }
        forms
    }

    async fn resolve(&mut self, device: usize, discard: bool, salt: u64) {
        let entries = self.devices[device].store.read().and_then(|reader| reader.outbox(10_000)).expect("an outbox");
        for entry in entries.into_iter().filter(|entry| entry.wedged) {
            self.trace.note(format!(
                "d{device} {} {} {} {:?}: {:?}",
                if discard { "discards" } else { "retries" },
                entry.kind.as_str(),
                entry.row_id,
                entry.patch,
                entry.error_code
            ));
            if !discard {
                self.oracle.retried(entry.row_id);
                self.devices[device].store.write(|w| w.retry(entry.op_id)).expect("a retry");
                continue;
            }
            let mut engine = self.engine(device, salt, false);
            match engine.discard(entry.op_id).await {
                Ok(()) => {
                    let left =
                        self.devices[device].store.read().and_then(|r| r.same_change(&entry)).expect("an outbox");
                    if let Some(left) = left {
                        self.problems.push(format!("d{device} gave {} up and keeps {}", entry.op_id, left.op_id));
                    }
                    self.oracle.excuse(entry.row_id);
                }
                Err(SyncError::Remote(_)) => {}
                Err(error) => self.problems.push(format!("d{device} discard: {error}")),
            }
        }
    }

    fn web(&mut self, act: WebAct, number: usize, salt: u64) {
        let mut rng = Rng::new(salt);
        let client = self.cloud.client(OWNER.0);
        let fields = |value: Value| -> Map<String, Value> { value.as_object().cloned().unwrap_or_default() };
        let conversations = self.cloud.rows(OWNER.0, "conversations");
        let messages = self.cloud.rows(OWNER.0, "chat_messages");
        let pick = |rows: &[Value], rng: &mut Rng| {
            if rows.is_empty() { None } else { id_of(target(rows, rng), "id") }
        };
        let new_id = Uuid::from_u64_pair(rng.next_u64(), rng.next_u64());
        let (conversation, message) = (pick(&conversations, &mut rng), pick(&messages, &mut rng));
        let done: Result<(), String> = (|| {
            let patch = |table: &str, id: Option<Uuid>, set: Value, oracle: &mut Oracle| -> Result<(), String> {
                let Some(id) = id else { return Ok(()) };
                oracle.patched(id, &fields(set.clone()), Author::Web);
                client.update(table, id, &fields(set)).map(drop).map_err(|refusal| refusal.to_string())
            };
            match act {
                WebAct::NewConversation => {
                    let row = json!({"id": new_id, "user_id": OWNER, "title": format!("w{number}"), "model_id": "", "provider_id": "x"});
                    client.insert("conversations", &fields(row)).map_err(|refusal| refusal.to_string())?;
                    self.oracle.conversation(new_id, Author::Web, false);
                }
                WebAct::Message => {
                    let Some(conversation) = conversation else { return Ok(()) };
                    let content = format!("m{number}");
                    let row = json!({"id": new_id, "user_id": OWNER, "conversation_id": conversation, "role": "user", "content": content});
                    client.insert("chat_messages", &fields(row)).map_err(|refusal| refusal.to_string())?;
                    self.oracle.message(new_id, conversation, content, Author::Web);
                }
                WebAct::Rename => {
                    patch("conversations", conversation, json!({"title": format!("t{number}")}), &mut self.oracle)?;
                }
                WebAct::Star => {
                    patch("conversations", conversation, json!({"is_starred": rng.chance(0.5)}), &mut self.oracle)?
                }
                WebAct::Rate => patch("chat_messages", message, json!({"rating": 1 + rng.below(5)}), &mut self.oracle)?,
                WebAct::SoftDelete => {
                    patch("conversations", conversation, json!({"deleted_at": self.now()}), &mut self.oracle)?;
                }
                WebAct::HardDeleteMessage => {
                    if let Some(message) = message {
                        self.oracle.erased(message);
                        client.delete("chat_messages", message).map_err(|refusal| refusal.to_string())?;
                    }
                }
                WebAct::HardDeleteConversation => {
                    if let Some(conversation) = conversation {
                        self.oracle.erased(conversation);
                        client.delete("conversations", conversation).map_err(|refusal| refusal.to_string())?;
                    }
                }
                WebAct::Conflict => {
                    let n = rng.below(ARCHIVE) as u64;
                    let (conversation, message) = (conversation_id(n).0, archived_message(n, 1).0);
                    let row = json!({"id": conversation, "user_id": OWNER, "model_id": "", "provider_id": ""});
                    if client.insert("conversations", &fields(row)).is_ok() {
                        self.oracle.conversation(conversation, Author::Web, false);
                        self.oracle.made_by_web(conversation);
                    }
                    let row = json!({"id": message, "user_id": OWNER, "conversation_id": conversation, "role": "user",
                        "content": format!("other {number}")});
                    client.insert("chat_messages", &fields(row)).map_err(|refusal| refusal.to_string())?;
                    self.oracle.excuse(message);
                }
                WebAct::Odd => {
                    let Some(id) = conversation else { return Ok(()) };
                    self.odd.insert(id);
                    let set = *rng.pick(&[
                        r#"{"settings": [1, 2]}"#,
                        r#"{"metadata": "text"}"#,
                        r#"{"tags": ["x", "x", ""]}"#,
                        r#"{"settings": {"a": {"b": null}}}"#,
                        r#"{"current_message_id": "00000000-0000-0000-0000-000000000000"}"#,
                        r#"{"max_tokens": -5}"#,
                        r#"{"temperature": -1}"#,
                        r#"{"title": ""}"#,
                    ]);
                    let set: Value = serde_json::from_str(set).map_err(|error| error.to_string())?;
                    self.oracle.overwritten(id);
                    patch("conversations", Some(id), set, &mut self.oracle)?;
                }
                WebAct::Usage => {
                    let row =
                        json!({"endpoint": "/chat", "method": "POST", "status_code": 200, "total_tokens": number});
                    self.cloud.serve(OWNER.0, "usage_logs", &fields(row)).map_err(|refusal| refusal.to_string())?;
                }
                WebAct::TakeId => {
                    let id = conversation_id(rng.below(ARCHIVE) as u64);
                    let row = json!({"id": id, "user_id": STRANGER, "model_id": "", "provider_id": ""});
                    let stranger = self.cloud.client(STRANGER);
                    stranger.insert("conversations", &fields(row)).map_err(|refusal| refusal.to_string())?;
                }
            }
            Ok(())
        })();
        self.trace.note(format!("web {done:?}"));
    }

    /// Faults end; everything that can move moves. Whether it came to rest.
    async fn rest(&mut self) -> bool {
        for _ in 0..QUIET_PASSES {
            let mut moved = false;
            for device in 0..self.devices.len() {
                self.rounds[device] = Some(self.begin_round(device, 0, false));
                moved |= self.end_round(device).await.is_none_or(|did| did.something());
            }
            if !moved {
                return true;
            }
        }
        false
    }

    fn wedged(&self, device: usize) -> (usize, BTreeSet<Uuid>) {
        let entries = self.devices[device].store.read().and_then(|reader| reader.outbox(10_000)).expect("an outbox");
        let lanes = entries.iter().filter(|entry| entry.wedged).map(|entry| entry.lane.0).collect();
        (entries.len(), lanes)
    }

    async fn reckon(&mut self) {
        self.trace.note("# quiet".into());
        self.cloud.set_access(OWNER.0, true);
        self.cloud.set_maintenance(None);
        for device in 0..self.devices.len() {
            self.end_round(device).await;
        }
        // What was under way may still arrive.
        sleep(Duration::from_secs(60)).await;
        self.cloud.set_now(self.now());
        if !self.rest().await {
            self.problems.push("it does not come to rest".into());
            return;
        }
        // Refused changes hold their own lanes and nothing else.
        let mut waiting = BTreeSet::new();
        for device in 0..self.devices.len() {
            let lanes = self.wedged(device).1;
            let entries =
                self.devices[device].store.read().and_then(|reader| reader.outbox(10_000)).expect("an outbox");
            for entry in entries.iter().filter(|entry| !lanes.contains(&entry.lane.0)) {
                self.problems.push(format!("d{device} does not send {:?} {}", entry.kind, entry.row_id));
            }
            waiting.extend(lanes);
        }
        for device in &self.devices {
            self.problems.extend(compare::differences(device, &self.cloud, &waiting, &self.odd));
        }
        for pass in 0..8u64 {
            if (0..self.devices.len()).all(|device| self.wedged(device).1.is_empty()) {
                break;
            }
            for device in 0..self.devices.len() {
                self.resolve(device, pass > 1, pass).await;
            }
            if !self.rest().await {
                self.problems.push("it does not come to rest after resolving".into());
            }
        }
        let none = BTreeSet::new();
        for device in &self.devices {
            if self.wedged(device.index).0 > 0 {
                self.problems.push(format!("d{} still has changes that wait", device.index));
            }
            self.problems.extend(compare::differences(device, &self.cloud, &none, &self.odd));
            self.problems.extend(compare::unsound(device));
            let (first, own) = (compare::views(&self.devices[0], &none), compare::views(device, &none));
            if first != own {
                self.problems.push(format!("d{} shows other threads than d0: {own:?} {first:?}", device.index));
            }
        }
        if self.problems.is_empty() {
            // In step, the comparison with the server finds nothing.
            for device in 0..self.devices.len() {
                let first = self.engine(device, 0, false).audit().await;
                // Rows that lie aside for a parent which was erased are tidied up by it, no others.
                let tidied = first.as_ref().is_ok_and(|audit| audit.fetched + audit.sent_again == 0);
                let second = self.engine(device, 0, false).audit().await;
                if !tidied || !second.as_ref().is_ok_and(|audit| audit.ranges_differing == 0) {
                    self.problems.push(format!("d{device} compares with the server: {first:?}, then {second:?}"));
                }
            }
        }
        self.problems.extend(self.oracle.problems(&self.cloud, OWNER));
        self.problems.extend(self.oracle.sent_anew(&self.sent));
        self.problems.sort();
        self.problems.dedup();
    }
}
