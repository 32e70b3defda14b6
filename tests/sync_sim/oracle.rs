//! What must hold in the end: everything that the app acknowledged to a user is there, once, unless somebody erased it for
//! good or gave the change up; and nobody's write took effect twice.

use airi_domain::{OwnerId, Patch, derive_uuid};
use airi_testkit::cloud::{Change, ModelCloud};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use uuid::Uuid;

use crate::network::Sent;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Author {
    Device(usize),
    Web,
}

#[derive(Debug, Clone)]
struct ExpectedMessage {
    conversation: Uuid,
    content: String,
    author: Author,
}

#[derive(Debug, Clone)]
struct ExpectedFile {
    message: Uuid,
    /// Of the message as it was then: a restore may have taken it.
    conversation: Option<Uuid>,
    sha256: String,
}

#[derive(Debug, Default)]
pub(crate) struct Oracle {
    conversations: BTreeMap<Uuid, BTreeSet<Author>>,
    /// Made by one device under an id of its own: nobody can make it again.
    unique: BTreeSet<Uuid>,
    messages: BTreeMap<Uuid, ExpectedMessage>,
    files: BTreeMap<Uuid, ExpectedFile>,
    /// Per row and field: who wrote it, and the last value that each wrote.
    written: BTreeMap<(Uuid, String), BTreeMap<Author, Value>>,
    /// Erased for good by somebody: conversations and messages.
    erased: BTreeSet<Uuid>,
    erased_by_devices: BTreeSet<Uuid>,
    /// Rows whose change was given up, or whose id another client took with other content.
    excused: BTreeSet<Uuid>,
    /// Another client replaced whole columns of it.
    overwritten: BTreeSet<Uuid>,
    /// Conversations that another client made, perhaps anew after a restore: when they were made nobody can change later.
    made_by_web: BTreeSet<Uuid>,
    /// Forms of rows that a restore lost while a device held them, for as long as nobody writes the row.
    brought_back: BTreeMap<Uuid, Held>,
    /// How often each author wrote which value of which field.
    acts: BTreeMap<(Author, Uuid, String, String), usize>,
    /// Rows of which a refused change was tried again, which gives it a new id.
    retried: BTreeSet<Uuid>,
    restored: bool,
    /// The epoch changed: what waits goes again under new ids.
    rejoined: bool,
}

/// A form of a row that a device held.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub table: &'static str,
    /// The server's number of it.
    pub seq: i64,
    pub conversation: Uuid,
    /// As the mirror has it.
    pub row: Value,
}

impl Oracle {
    pub(crate) fn conversation(&mut self, id: Uuid, author: Author, unique: bool) {
        self.conversations.entry(id).or_default().insert(author);
        if unique {
            self.unique.insert(id);
        }
    }

    pub(crate) fn made_by_web(&mut self, conversation: Uuid) {
        self.made_by_web.insert(conversation);
    }

    pub(crate) fn message(&mut self, id: Uuid, conversation: Uuid, content: String, author: Author) {
        self.messages.entry(id).or_insert(ExpectedMessage { conversation, content, author });
    }

    pub(crate) fn attachment(&mut self, id: Uuid, message: Uuid, sha256: String) {
        let conversation = self.messages.get(&message).map(|message| message.conversation);
        self.files.insert(id, ExpectedFile { message, conversation, sha256 });
    }

    /// A patch of a row, field by field; tags and leaves of the settings each are a field.
    pub(crate) fn patched(&mut self, row: Uuid, patch: &Patch, author: Author) {
        self.brought_back.remove(&row);
        for (field, value) in patch {
            *self.acts.entry((author, row, field.clone(), value.to_string())).or_default() += 1;
        }
        let mut note = |field: String, value: Value| {
            self.written.entry((row, field)).or_default().insert(author, value);
        };
        for (name, value) in patch {
            match (name.as_str(), value) {
                ("settings_set", Value::Object(leaves)) => {
                    for (path, leaf) in leaves {
                        note(format!("settings.{path}"), leaf.clone());
                    }
                }
                ("tags_add" | "tags_remove", Value::Array(tags)) => {
                    for tag in tags {
                        note(format!("tag {tag}"), json!(name == "tags_add"));
                    }
                }
                ("deleted_at", value) => note("deleted".into(), json!(!value.is_null())),
                _ => note(name.clone(), value.clone()),
            }
        }
    }

    pub(crate) fn overwritten(&mut self, id: Uuid) {
        self.overwritten.insert(id);
    }

    pub(crate) fn was_restored(&self) -> bool {
        self.restored
    }

    pub(crate) fn rejoined(&mut self) {
        self.rejoined = true;
    }

    pub(crate) fn retried(&mut self, row: Uuid) {
        self.retried.insert(row);
    }

    /// A change keeps its id until the server has answered for it: else it could take effect twice.
    pub(crate) fn sent_anew(&self, sent: &Sent) -> Vec<String> {
        let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut problems = Vec::new();
        for ((device, row, field, value), ids) in sent.iter().filter(|_| !self.restored && !self.rejoined) {
            let acts = self.acts.get(&(Author::Device(*device), *row, field.clone(), value.clone()));
            // Under a derived id (version 5) it is sent anew: it was refused under the first.
            let renamed = row.get_version_num() == 5;
            // Deleting archives as well, so that there are more of these than acts.
            if field == "is_archived" {
                continue;
            }
            if acts.is_some_and(|acts| ids.len() > *acts) && !self.retried.contains(row) && !renamed {
                problems.push(format!("d{device} sent {field} {value} of {row} under {} ids", ids.len()));
            }
        }
        problems
    }

    pub(crate) fn erased(&mut self, id: Uuid) {
        self.erased.insert(id);
    }

    pub(crate) fn erased_by_device(&mut self, id: Uuid) {
        self.erased.insert(id);
        self.erased_by_devices.insert(id);
    }

    pub(crate) fn excuse(&mut self, id: Uuid) {
        self.excused.insert(id);
    }

    /// The server went back: what only another client had written, and nobody holds any more, is nobody's to bring back.
    pub(crate) fn restored(&mut self, cloud: &ModelCloud, held: &BTreeSet<Uuid>, forms: BTreeMap<Uuid, Held>) {
        self.restored = true;
        self.brought_back = forms;
        let gone = |id: &Uuid, table: &str| !held.contains(id) && cloud.owner_of(table, *id).is_none();
        self.messages.retain(|id, message| message.author != Author::Web || !gone(id, "chat_messages"));
        self.conversations
            .retain(|id, authors| *authors != BTreeSet::from([Author::Web]) || !gone(id, "conversations"));
    }

    /// Also under the ids that an account derives when the first ones are somebody else's.
    fn is_excused(&self, owner: OwnerId, conversation: Uuid, row: Uuid) -> bool {
        let named = |kind: &str, id: Uuid| derive_uuid(owner, "airi", kind, &id.to_string());
        let ids =
            [conversation, row, named("conversation", conversation), named("message", row), named("attachment", row)];
        ids.iter().any(|id| self.erased.contains(id) || self.excused.contains(id))
    }

    /// What does not hold, in words.
    pub(crate) fn problems(&self, cloud: &ModelCloud, owner: OwnerId) -> Vec<String> {
        let mut problems = Vec::new();
        let rows = |table: &str| -> BTreeMap<Uuid, Value> {
            cloud.rows(owner.0, table).into_iter().filter_map(|row| Some((id_of(&row, "id")?, row))).collect()
        };
        let (conversations, messages, files) =
            (rows("conversations"), rows("chat_messages"), rows("message_attachments"));
        let now_called = |kind: &str, id: Uuid, rows: &BTreeMap<Uuid, Value>| -> Option<Uuid> {
            [id, derive_uuid(owner, "airi", kind, &id.to_string())].into_iter().find(|id| rows.contains_key(id))
        };

        for id in self.conversations.keys().filter(|id| !self.is_excused(owner, **id, **id)) {
            if now_called("conversation", *id, &conversations).is_none() {
                problems.push(format!("the conversation {id} is lost"));
            }
        }
        for (id, expected) in self.messages.iter().filter(|(id, m)| !self.is_excused(owner, m.conversation, **id)) {
            match now_called("message", *id, &messages) {
                None => problems.push(format!("the message {id} ('{}') is lost", expected.content)),
                Some(found) if messages[&found]["content"] != json!(expected.content) => {
                    problems.push(format!("the message {id} says {}", messages[&found]["content"]));
                }
                Some(_) => {}
            }
        }
        let mut said: BTreeMap<&str, Vec<&Uuid>> = BTreeMap::new();
        for (id, row) in &messages {
            said.entry(row["content"].as_str().unwrap_or("")).or_default().push(id);
        }
        // An id that was taken may be free again after a restore: two devices then gave one archive different ids.
        let doubled =
            |content: &str| !(content.starts_with("other") || self.restored && content.starts_with("archive"));
        for (content, ids) in said.iter().filter(|(content, ids)| ids.len() > 1 && doubled(content)) {
            problems.push(format!("'{content}' is there {} times: {ids:?}", ids.len()));
        }
        let objects = cloud.objects();
        for (id, expected) in &self.files {
            let of = self.messages.iter().find(|(id, _)| {
                **id == expected.message || derive_uuid(owner, "airi", "message", &id.to_string()) == expected.message
            });
            let conversation = of.map(|(_, message)| message.conversation).or(expected.conversation);
            let conversation = conversation.unwrap_or(expected.message);
            if self.is_excused(owner, conversation, expected.message) || self.is_excused(owner, *id, *id) {
                continue;
            }
            let Some(found) = now_called("attachment", *id, &files) else {
                problems.push(format!("the attachment {id} is lost"));
                continue;
            };
            let path = format!("{owner}/{}", expected.sha256);
            if files[&found]["storage_path"] != json!(path) || !objects.contains_key(&path) {
                problems.push(format!("the bytes of the attachment {id} are not on the server"));
            }
        }
        if !self.restored {
            for id in self.unique.iter().filter(|id| self.erased_by_devices.contains(id)) {
                if conversations.contains_key(id) && !self.excused.contains(id) {
                    problems.push(format!("the conversation {id} was erased for good and is back"));
                }
            }
            problems.extend(twice(&cloud.history()));
        }
        for (id, held) in self.brought_back.iter().filter(|(id, held)| !self.is_excused(owner, held.conversation, **id))
        {
            let (kind, rows) =
                if held.table == "conversations" { ("conversation", &conversations) } else { ("message", &messages) };
            // Somebody else may have taken its id on the restored server: it is back under another one, and so are the
            // rows that it names.
            let found = now_called(kind, *id, rows);
            let bare = |row: &Value| {
                let mut row = match found {
                    Some(found) if found != *id => without_ids(row.clone()),
                    _ => row.clone(),
                };
                if let Some(fields) = row.as_object_mut() {
                    if self.made_by_web.contains(id) {
                        fields.remove("created_at");
                    }
                    // What is brought back deleted is archived with it, for clients that do not know the trash.
                    if fields.get("deleted_at").is_some_and(|at| !at.is_null()) {
                        fields.remove("is_archived");
                    }
                    // What was written under the name that it has now.
                    for (_, field) in self.written.keys().filter(|(row, _)| Some(*row) == found && found != Some(*id)) {
                        let column = field.split(['.', ' ']).next().unwrap_or_default();
                        let columns: &[&str] = match column {
                            "tag" => &["tags"],
                            "deleted" => &["deleted_at", "is_archived"],
                            column => &[column],
                        };
                        fields.retain(|name, _| !columns.contains(&name.as_str()));
                    }
                }
                row
            };
            match found.map(|found| crate::compare::travelling(held.table, rows[&found].clone(), false)) {
                None => {
                    problems.push(format!("{} {id}, held under {} at the restore, is not back", held.table, held.seq))
                }
                Some(row) if bare(&row) != bare(&held.row) && !self.overwritten.contains(id) => {
                    problems.push(format!(
                        "{} {id}, held under {} as {}, came back as {row}",
                        held.table, held.seq, held.row
                    ));
                }
                Some(_) => {}
            }
        }
        problems.extend(self.lost_writes(&conversations, &messages, owner));
        problems
    }

    /// A field that one author alone wrote has that author's last value.
    fn lost_writes(
        &self,
        conversations: &BTreeMap<Uuid, Value>,
        messages: &BTreeMap<Uuid, Value>,
        owner: OwnerId,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        let kinds = ["conversation", "message"];
        let called = |row: &Uuid, kind: &str| derive_uuid(owner, "airi", kind, &row.to_string());
        // A row that is called otherwise now and was written under both names: which was the last, nobody noted.
        let both: BTreeSet<(Uuid, &String)> = self
            .written
            .keys()
            .flat_map(|(row, field)| kinds.map(|kind| (*row, called(row, kind), field)))
            .filter(|(_, now, field)| self.written.contains_key(&(*now, (*field).clone())))
            .flat_map(|(row, now, field)| [(row, field), (now, field)])
            .collect();
        for ((row, field), authors) in &self.written {
            let Some((author, value)) = authors.first_key_value().filter(|_| authors.len() == 1) else { continue };
            let renamed = |kind| called(row, kind);
            if both.contains(&(*row, field)) {
                continue;
            }
            let found = [
                (conversations, *row),
                (conversations, renamed("conversation")),
                (messages, *row),
                (messages, renamed("message")),
            ]
            .into_iter()
            .find_map(|(rows, id)| rows.get(&id));
            let Some(found) = found else { continue };
            // As it was when it was written: the conversation may be called otherwise now, or be another device's copy.
            let conversation = id_of(found, "conversation_id").unwrap_or(*row);
            let former = self.messages.get(row).map_or(conversation, |message| message.conversation);
            let deleted = self.written.keys().any(|(id, name)| id == row && name == "deleted");
            if self.is_excused(owner, conversation, *row)
                || (former != conversation && self.erased.contains(&former))
                || (field == "is_archived" && deleted)
                || self.restored
                || self.overwritten.contains(row)
                || id_of(found, "id").is_some_and(|now| self.overwritten.contains(&now))
            {
                continue;
            }
            let now = if let Some(path) = field.strip_prefix("settings.") {
                if path.starts_with("before_delete") {
                    continue;
                }
                let pointer = format!("/{}", path.replace('.', "/"));
                found["settings"].pointer(&pointer).cloned().unwrap_or(Value::Null)
            } else if let Some(tag) = field.strip_prefix("tag ") {
                let tag: Value = serde_json::from_str(tag).unwrap_or_default();
                json!(found["tags"].as_array().is_some_and(|tags| tags.contains(&tag)))
            } else if field == "deleted" {
                json!(!found["deleted_at"].is_null())
            } else {
                found[field.as_str()].clone()
            };
            let follows = field == "current_message_id"
                && value
                    .as_str()
                    .and_then(|text| Uuid::parse_str(text).ok())
                    .is_some_and(|id| now == json!(derive_uuid(owner, "airi", "message", &id.to_string())));
            if now != *value && !follows {
                problems.push(format!("{author:?} alone wrote {field} of {row}, last {value}; it is {now}"));
            }
        }
        problems
    }
}

/// Titles and feedback are never given twice (but for the empty one of another client): one that comes back after another was
/// written twice.
fn twice(history: &[Change]) -> Vec<String> {
    let mut seen: BTreeMap<(Uuid, &str), Vec<&Value>> = BTreeMap::new();
    let mut problems = Vec::new();
    for change in
        history.iter().filter(|change| !change.inserted && ["title", "feedback"].contains(&change.field.as_str()))
    {
        let values = seen.entry((change.id, &change.field)).or_default();
        if change.value.as_str().is_some_and(|text| !text.is_empty() && !text.starts_with("archive"))
            && values.contains(&&change.value)
        {
            problems.push(format!("{} {} of {} took effect twice", change.field, change.value, change.id));
        }
        values.push(&change.value);
    }
    problems
}

pub(crate) fn id_of(row: &Value, field: &str) -> Option<Uuid> {
    row.get(field).and_then(Value::as_str).and_then(|text| Uuid::parse_str(text).ok())
}

/// A row without what names rows.
fn without_ids(mut row: Value) -> Value {
    if let Some(fields) = row.as_object_mut() {
        fields.retain(|name, _| !["id", "conversation_id", "parent_id", "current_message_id"].contains(&name.as_str()));
    }
    row
}
