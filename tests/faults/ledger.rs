//! What `airi` has acknowledged, noted outside of it, and whether it still holds.

use crate::archive::Archive;
use crate::rows::Rows;
use std::collections::{BTreeMap, BTreeSet};

/// Fields that several write at once have several values that are right; those that one device alone writes have one.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) titles: BTreeSet<String>,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) starred: Option<bool>,
    pub(crate) archived: Option<bool>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) conversations: BTreeMap<String, Known>,
    /// Id → conversation and text.
    pub(crate) messages: BTreeMap<String, (String, String)>,
    pub(crate) deleted: BTreeSet<String>,
    pub(crate) attachments: BTreeMap<String, String>,
    /// Texts of writes whose answer never came: there once, or not at all.
    pub(crate) unsure: BTreeSet<String>,
}

impl Ledger {
    pub(crate) fn conversation(&mut self, id: &str, title: &str) {
        self.conversations.entry(id.to_owned()).or_default().titles.insert(title.to_owned());
    }

    pub(crate) fn message(&mut self, id: &str, conversation: &str, text: &str) {
        self.messages.insert(id.to_owned(), (conversation.to_owned(), text.to_owned()));
    }

    pub(crate) fn import(&mut self, archive: &Archive) {
        self.conversation(&archive.conversation, "Imported");
        for (id, text) in &archive.messages {
            self.message(id, &archive.conversation, text);
        }
        self.attachments.extend(archive.attachments.iter().cloned());
    }

    /// Fails when something acknowledged is missing or other than it was said, or when a text is there twice.
    pub(crate) fn assert_kept(&self, place: &str, rows: &Rows) {
        let mut lost = Vec::new();
        for (id, known) in &self.conversations {
            let Some(row) = rows.get(&("conversations", id.clone())) else {
                lost.push(format!("the conversation {id}"));
                continue;
            };
            let title = row["title"].as_str().unwrap_or_default();
            if !known.titles.contains(title) {
                lost.push(format!("the title of {id}, which is '{title}' and none of {:?}", known.titles));
            }
            let tags: BTreeSet<&str> = row["tags"].as_array().unwrap().iter().filter_map(|tag| tag.as_str()).collect();
            lost.extend(
                known
                    .tags
                    .iter()
                    .filter(|tag| !tags.contains(tag.as_str()))
                    .map(|tag| format!("the tag {tag} of {id}")),
            );
            for (column, value) in [("is_starred", known.starred), ("is_archived", known.archived)] {
                if value.is_some_and(|value| row[column] != value) {
                    lost.push(format!("{column} of {id}, which is {}", row[column]));
                }
            }
        }
        for (id, (conversation, text)) in &self.messages {
            let row = rows.get(&("chat_messages", id.clone()));
            if row.is_none_or(|row| row["content"] != text.as_str() || row["conversation_id"] != conversation.as_str())
            {
                lost.push(format!("the message {id} '{text}': {row:?}"));
            } else if row.is_some_and(|row| row["deleted_at"].is_null() == self.deleted.contains(id)) {
                lost.push(format!("that the message {id} is deleted or not: {row:?}"));
            }
        }
        for (id, hash) in &self.attachments {
            let row = rows.get(&("message_attachments", id.clone()));
            if row.is_none_or(|row| row["sha256"] != hash.as_str()) {
                lost.push(format!("the attachment {id}"));
            }
        }
        assert!(lost.is_empty(), "{place} has lost {}:\n{}", lost.len(), lost[..lost.len().min(12)].join("\n"));
        let mut times: BTreeMap<&str, u32> = BTreeMap::new();
        for ((table, _), row) in rows {
            if *table == "chat_messages" {
                *times.entry(row["content"].as_str().unwrap_or_default()).or_default() += 1;
            }
        }
        let ours = self.messages.values().map(|(_, text)| text).chain(&self.unsure);
        let twice: Vec<&String> = ours.filter(|text| times.get(text.as_str()).is_some_and(|n| *n > 1)).collect();
        assert!(twice.is_empty(), "{place} has twice what was written once: {twice:?}");
    }
}
