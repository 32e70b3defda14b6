//! A profile without an account joins one: chosen conversations are copied into the account's profile.
//!
//! They get ids of the account: derived from where they were imported from, so that the same archive is one history on
//! all devices, else from their old ids. Joining again adds nothing; the local profile keeps what it has.

use crate::conversations::conversation_id;
use crate::profile::Profile;
use crate::{App, AppError};
use airi_contract::Take;
use airi_domain::{AttachmentId, Conversation, ConversationId, MessageId, OwnerId, derive_uuid, is_sha256_hex};
use airi_store::StoreError;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use uuid::Uuid;

impl App {
    /// Copies conversations of `from`, when that is a profile without an account, into `to`.
    pub(crate) fn join(&self, from: &Arc<Profile>, to: &Arc<Profile>, take: &Take) -> Result<(), AppError> {
        if from.name == to.name || from.account()?.is_some() {
            return Ok(());
        }
        let chosen = match take {
            Take::None => return Ok(()),
            Take::All => None,
            Take::Chosen(ids) => Some(ids.iter().map(|id| conversation_id(id)).collect::<Result<Vec<_>, _>>()?),
        };
        let reader = from.store.read()?;
        for key in reader.conversation_keys()? {
            let Some(record) = reader.conversation_by_key(key)? else { continue };
            if chosen.as_ref().is_some_and(|chosen| !chosen.contains(&record.conversation.id)) {
                continue;
            }
            copy(from, to, record.conversation, key, record.only_here)?;
        }
        Ok(())
    }
}

fn copy(from: &Profile, to: &Profile, old: Conversation, key: i64, only_here: bool) -> Result<(), AppError> {
    let owner = to.store.owner();
    let reader = from.store.read()?;
    let messages = reader.messages_of(key)?;
    let attachments = reader.attachments_in(key)?;
    let source = Origin::of(&old.metadata);
    let id = ConversationId(source.derive(owner, "conversation", None, old.id.0));
    let renamed: HashMap<MessageId, MessageId> = messages
        .iter()
        .map(|record| {
            let m = &record.message;
            let origin = Origin::of(&m.metadata);
            (m.id, MessageId(origin.derive(owner, "message", source.external.as_deref(), m.id.0)))
        })
        .collect();
    // What the source called each message: files are named below it.
    let said: HashMap<MessageId, Option<String>> =
        messages.iter().map(|record| (record.message.id, Origin::of(&record.message.metadata).external)).collect();
    let follow = |id: MessageId| renamed.get(&id).copied().unwrap_or(id);
    for hash in attachments.iter().filter_map(|a| a.sha256.as_deref()) {
        if is_sha256_hex(hash)
            && to.files.find(hash).is_none()
            && let Some(path) = from.files.find(hash)
        {
            let mut file = File::open(&path)
                .map_err(AppError::io("An attachment", "Check the data folder's permissions, then sign in again."))?;
            to.files.add(&mut file)?;
        }
    }
    to.store.write(|w| -> Result<(), StoreError> {
        let mut conversation = old.clone();
        conversation.id = id;
        conversation.current_message_id = conversation.current_message_id.map(follow);
        let new = w.insert_conversation(conversation)?.is_new();
        if only_here && new {
            // It comes along and stays here: nothing of it is sent.
            w.set_only_here(id, true)?;
        }
        for record in messages {
            let mut m = record.message;
            m.id = follow(m.id);
            m.conversation_id = id;
            m.parent_id = m.parent_id.map(follow);
            w.insert_message(m)?;
        }
        for mut a in attachments {
            let within = match (&source.external, said.get(&a.message_id)) {
                (Some(conversation), Some(Some(message))) => Some(format!("{conversation}/{message}")),
                _ => None,
            };
            let mut origin = Origin::of(&a.metadata);
            if origin.source.is_none() && within.is_some() {
                origin.source = source.source.clone();
            }
            a.id = AttachmentId(origin.derive(owner, "attachment", within.as_deref(), a.id.0));
            a.message_id = follow(a.message_id);
            a.storage_path = String::new();
            w.insert_attachment(a)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Where a row was imported from.
struct Origin {
    source: Option<String>,
    external: Option<String>,
}

impl Origin {
    fn of(metadata: &Value) -> Origin {
        let text = |name: &str| metadata.get(name).and_then(Value::as_str).map(str::to_owned);
        Origin { source: text("source"), external: text("external_id") }
    }

    /// The id that an import into the account would have given; without a source, one derived from the old id.
    fn derive(&self, owner: OwnerId, kind: &str, within: Option<&str>, old: Uuid) -> Uuid {
        match (&self.source, &self.external) {
            (Some(source), Some(external)) => match within {
                Some(within) => derive_uuid(owner, source, kind, &format!("{within}/{external}")),
                None => derive_uuid(owner, source, kind, external),
            },
            _ => derive_uuid(owner, "local", kind, &old.to_string()),
        }
    }
}
