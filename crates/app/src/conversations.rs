//! Lists, and what is done to conversations and messages as a whole.

use crate::chat::model_fields;
use crate::chat::title_of;
use crate::profile::now;
use crate::views::{conversation_row, message_view};
use crate::{App, AppError};
use airi_contract::{
    CommandError, ConversationEdit, ConversationPage, ConversationRef, ConversationRow, ItemsRequest, KeepHereRequest,
    ListRequest, MessageEdit, MessageView, NewConversation, NewMessage, Section, TagCount,
};
use airi_domain::{Conversation, ConversationId, Message, MessageId, Patch, Role, storage_path_for};
use airi_store::{List, ListCursor, Store, StoreError, Writer};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

pub(crate) fn list_of(section: Section) -> List {
    match section {
        Section::Active => List::Active,
        Section::Starred => List::Starred,
        Section::Archived => List::Archived,
        Section::Trash => List::Trash,
        Section::All => List::All,
    }
}

pub(crate) fn invalid(error: impl std::fmt::Display) -> AppError {
    AppError::Invalid(error.to_string())
}

pub(crate) fn conversation_id(text: &str) -> Result<ConversationId, AppError> {
    text.parse().map_err(invalid)
}

/// A conversation or a message: ids of both are given where either may be meant.
pub(crate) enum Item {
    Conversation(ConversationId),
    Message(MessageId),
}

pub(crate) fn find_item(store: &Store, text: &str) -> Result<Item, AppError> {
    let id: Uuid = Uuid::parse_str(text.trim()).map_err(|_| invalid(airi_domain::InvalidId(text.to_owned())))?;
    let reader = store.read()?;
    if reader.conversation(ConversationId(id))?.is_some() {
        return Ok(Item::Conversation(ConversationId(id)));
    }
    if reader.message(MessageId(id))?.is_some() {
        return Ok(Item::Message(MessageId(id)));
    }
    Err(AppError::NotFound { what: "The conversation or message", id: text.to_owned() })
}

/// Tags as they are kept: without blanks around, and never empty.
pub(crate) fn tags(given: &[String]) -> Vec<String> {
    given.iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
}

pub(crate) fn patch(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Patch {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl App {
    pub fn list_conversations(&self, request: ListRequest) -> Result<ConversationPage, CommandError> {
        Ok(self.list(request)?)
    }

    fn list(&self, request: ListRequest) -> Result<ConversationPage, AppError> {
        let limit = request.limit.clamp(1, 500) as usize;
        let cursor = request.cursor.as_deref().map(parse_cursor).transpose()?;
        let list = list_of(request.section);
        let reader = self.profile().store.read()?;
        reader.snapshot(|reader| {
            let page = reader.list(list, request.tag.as_deref(), cursor, limit)?;
            Ok(ConversationPage {
                conversations: page.records.into_iter().map(conversation_row).collect(),
                next: page.next.map(|next| format!("{}.{}", next.last_message_at, next.key)),
                total: reader.list_total(list, request.tag.as_deref())?,
            })
        })
    }

    pub fn get_conversation(&self, request: ConversationRef) -> Result<ConversationRow, CommandError> {
        Ok(self.conversation(&request.id)?)
    }

    fn conversation(&self, id: &str) -> Result<ConversationRow, AppError> {
        let record = self.profile().store.read()?.conversation(conversation_id(id)?)?;
        record.map(conversation_row).ok_or_else(|| AppError::NotFound { what: "The conversation", id: id.to_owned() })
    }

    pub fn create_conversation(&self, request: NewConversation) -> Result<ConversationRow, CommandError> {
        let id = ConversationId(Uuid::now_v7());
        let title = request.title.or_else(|| request.title_from.as_deref().and_then(title_of));
        let conversation = Conversation {
            title: title.filter(|title| !title.is_empty()),
            model_id: request.model_id,
            provider_id: request.provider_id,
            ..Conversation::new(id, now())
        };
        let store = self.profile().store.clone();
        let only_here = request.only_here.unwrap_or(false);
        let made = store.write(|w| -> Result<(), StoreError> {
            w.insert_conversation(conversation)?;
            // In the same transaction, so that nothing of it was ever to be sent.
            if only_here { w.set_only_here(id, true) } else { Ok(()) }
        });
        made.map_err(AppError::from)?;
        Ok(self.conversation(&id.to_string())?)
    }

    /// Keeps a conversation on this device only, or lets all of it go to the server.
    ///
    /// # Errors
    /// The server has something of it already, or a file of it is on its way: nothing was changed.
    pub fn keep_here(&self, request: KeepHereRequest) -> Result<ConversationRow, CommandError> {
        Ok(self.set_only_here(&request)?)
    }

    fn set_only_here(&self, request: &KeepHereRequest) -> Result<ConversationRow, AppError> {
        let id = conversation_id(&request.id)?;
        let profile = self.profile();
        if request.only_here {
            let reader = profile.store.read()?;
            let key = reader.conversation(id)?.map(|record| record.key);
            let files = key.map(|key| reader.attachments_in(key)).transpose()?.unwrap_or_default();
            let moves = |hash: &str| profile.files.is_claimed(&storage_path_for(profile.store.owner(), hash));
            if files.iter().filter_map(|file| file.sha256.as_deref()).any(moves) {
                return Err(AppError::Invalid(
                    "A file of this conversation is being sent just now, so it cannot stay on this device only. Nothing \
                     was changed."
                        .into(),
                ));
            }
        }
        profile.store.write(|w| w.set_only_here(id, request.only_here))?;
        self.conversation(&request.id)
    }

    pub fn edit_conversation(&self, request: ConversationEdit) -> Result<ConversationRow, CommandError> {
        let id = conversation_id(&request.id)?;
        let mut fields = Patch::new();
        if let Some(title) = &request.title {
            let title = title.trim();
            fields.insert("title".into(), if title.is_empty() { Value::Null } else { json!(title) });
        }
        if let Some(starred) = request.is_starred {
            fields.insert("is_starred".into(), json!(starred));
        }
        if let Some(archived) = request.is_archived {
            fields.insert("is_archived".into(), json!(archived));
        }
        if !request.add_tags.is_empty() {
            fields.insert("tags_add".into(), json!(tags(&request.add_tags)));
        }
        if !request.remove_tags.is_empty() {
            fields.insert("tags_remove".into(), json!(tags(&request.remove_tags)));
        }
        model_fields(&request, &mut fields)?;
        let record = self.profile().store.write(|w| w.patch_conversation(id, fields)).map_err(AppError::from)?;
        Ok(conversation_row(record))
    }

    /// Puts conversations into the trash, or marks messages as deleted. All or nothing.
    pub fn delete_items(&self, request: ItemsRequest) -> Result<(), CommandError> {
        self.end_replies_of(&request.ids)?;
        let at = now().to_string();
        Ok(self.each_item(&request.ids, |w, item| {
            let deleted = patch([("deleted_at", json!(at))]);
            match item {
                Item::Conversation(id) => {
                    let Some(old) = w.conversation(*id)?.filter(|old| old.conversation.deleted_at.is_none()) else {
                        return Ok(());
                    };
                    let was = old.conversation.is_archived;
                    // Remembered, so that a restore brings it back to the list it came from.
                    let fields =
                        [("deleted_at", json!(at)), ("settings_set", json!({ "before_delete.archived": was }))];
                    w.patch_conversation(*id, patch(fields)).map(drop)
                }
                Item::Message(id) => w.patch_message(*id, deleted).map(drop),
            }
        })?)
    }

    /// Takes conversations out of the trash, and messages back.
    pub fn undelete_items(&self, request: ItemsRequest) -> Result<(), CommandError> {
        Ok(self.each_item(&request.ids, |w, item| match item {
            Item::Conversation(id) => {
                let Some(old) = w.conversation(*id)?.filter(|old| old.conversation.deleted_at.is_some()) else {
                    return Ok(());
                };
                let was = old.conversation.settings.pointer("/before_delete/archived").and_then(Value::as_bool);
                let fields = [
                    ("deleted_at", Value::Null),
                    ("is_archived", json!(was.unwrap_or(false))),
                    ("settings_set", json!({ "before_delete": null })),
                ];
                w.patch_conversation(*id, patch(fields)).map(drop)
            }
            Item::Message(id) => w.patch_message(*id, patch([("deleted_at", Value::Null)])).map(drop),
        })?)
    }

    /// Erases conversations that lie in the trash, for good.
    pub fn erase_items(&self, request: ItemsRequest) -> Result<(), CommandError> {
        Ok(self.each_item(&request.ids, |w, item| match item {
            Item::Conversation(id) => {
                if w.conversation(*id)?.is_some_and(|record| record.conversation.deleted_at.is_none()) {
                    return Err(StoreError::Invalid(format!(
                        "The conversation {id} is not in the trash; delete it first."
                    )));
                }
                w.erase_conversation(*id)
            }
            Item::Message(id) => Err(StoreError::Invalid(format!(
                "{id} is a message. Only conversations in the trash can be erased for good."
            ))),
        })?)
    }

    /// A reply that is being written into what goes is ended first.
    fn end_replies_of(&self, ids: &[String]) -> Result<(), AppError> {
        let profile = self.profile();
        for id in ids {
            match find_item(&profile.store, id)? {
                Item::Conversation(id) => self.end_reply_in(id),
                Item::Message(id) => {
                    let found = profile.store.read()?.message(id)?;
                    if let Some(record) = found
                        && profile.store.read()?.is_unfinished(record.key)?
                    {
                        self.end_reply_in(record.message.conversation_id);
                    }
                }
            }
        }
        Ok(())
    }

    fn each_item(
        &self,
        ids: &[String],
        mut act: impl FnMut(&mut Writer<'_>, &Item) -> Result<(), StoreError>,
    ) -> Result<(), AppError> {
        let profile = self.profile();
        let items = ids.iter().map(|id| find_item(&profile.store, id)).collect::<Result<Vec<_>, _>>()?;
        profile.store.write(|w| items.iter().try_for_each(|item| act(w, item)))?;
        Ok(())
    }

    pub fn list_tags(&self) -> Result<Vec<TagCount>, CommandError> {
        let tags = self.profile().store.read().and_then(|reader| reader.tags()).map_err(AppError::from)?;
        Ok(tags.into_iter().map(|(tag, conversations)| TagCount { tag, conversations }).collect())
    }

    /// Adds a message at the end of the branch in view, or as an answer to `parent_id`.
    pub fn add_message(&self, request: NewMessage) -> Result<MessageView, CommandError> {
        let id = MessageId(Uuid::now_v7());
        self.insert_message(id, request)?;
        Ok(self.view_of(id)?)
    }

    fn insert_message(&self, id: MessageId, request: NewMessage) -> Result<(), AppError> {
        let conversation = conversation_id(&request.conversation_id)?;
        let role: Role = request.role.parse().map_err(invalid)?;
        if !matches!(role, Role::User | Role::Assistant | Role::System) {
            return Err(AppError::Invalid(format!("A message can be added for user or assistant, not for '{role}'.")));
        }
        if request.content.trim().is_empty() {
            return Err(AppError::Invalid("The message is empty.".into()));
        }
        let given = request.parent_id.as_deref().map(str::parse::<MessageId>).transpose().map_err(invalid)?;
        let store = self.profile().store.clone();
        self.nothing_written(&self.profile(), conversation)?;
        let (message, moves) = draft(&store, id, conversation, (role, request.content), given)?;
        store.write(|w| insert(w, message, moves))?;
        Ok(())
    }

    /// Rates a message or notes feedback on it.
    pub fn edit_message(&self, request: MessageEdit) -> Result<MessageView, CommandError> {
        let id: MessageId = request.id.parse().map_err(invalid)?;
        let mut fields = HashMap::new();
        if let Some(rating) = request.rating {
            fields.insert("rating", if rating == 0 { Value::Null } else { json!(rating) });
        }
        if let Some(feedback) = request.feedback {
            fields.insert("feedback", if feedback.is_empty() { Value::Null } else { json!(feedback) });
        }
        self.profile().store.write(|w| w.patch_message(id, patch(fields))).map_err(AppError::from)?;
        Ok(self.view_of(id)?)
    }

    pub(crate) fn view_of(&self, id: MessageId) -> Result<MessageView, AppError> {
        let profile = self.profile();
        let reader = profile.store.read()?;
        let record =
            reader.message(id)?.ok_or_else(|| AppError::NotFound { what: "The message", id: id.to_string() })?;
        message_view(&profile, &reader, &record, &[])
    }
}

/// A message at the end of the branch in view, or as an answer to `parent`; and whether the view must move to it.
pub(crate) fn draft(
    store: &Store,
    id: MessageId,
    conversation: ConversationId,
    (role, content): (Role, String),
    parent: Option<MessageId>,
) -> Result<(Message, bool), AppError> {
    let reader = store.read()?;
    let Some(record) = reader.conversation(conversation)? else {
        return Err(AppError::NotFound { what: "The conversation", id: conversation.to_string() });
    };
    if record.view_stale {
        store.write(|w| w.refresh_view(record.key))?;
    }
    let leaf = reader.leaf(record.key)?;
    if let Some(parent) = parent {
        let known = reader.message(parent)?.filter(|found| found.message.conversation_id == conversation);
        if known.is_none() {
            return Err(AppError::NotFound { what: "The message", id: parent.to_string() });
        }
    }
    // Never before the message it answers, whatever this computer's clock says.
    let after = parent.or(leaf).map(|parent| reader.message(parent)).transpose()?.flatten();
    let earliest = after.map(|record| record.message.created_at.plus_micros(1));
    let created_at = earliest.map_or(now(), |earliest| earliest.max(now()));
    let message = Message { parent_id: parent.or(leaf), ..Message::new(id, conversation, role, content, created_at) };
    Ok((message, parent.is_some_and(|parent| Some(parent) != leaf)))
}

/// Stores a draft, and moves the view to it when it lies on another branch.
pub(crate) fn insert(w: &mut Writer<'_>, message: Message, moves: bool) -> Result<(), StoreError> {
    let (id, conversation) = (message.id, message.conversation_id);
    w.insert_message(message)?;
    if moves {
        w.patch_conversation(conversation, patch([("current_message_id", json!(id))]))?;
    }
    Ok(())
}

fn parse_cursor(text: &str) -> Result<ListCursor, AppError> {
    let bad = || AppError::Invalid("The cursor of the list is not one that a page gave.".into());
    let (at, key) = text.split_once('.').ok_or_else(bad)?;
    Ok(ListCursor { last_message_at: at.parse().map_err(|_| bad())?, key: key.parse().map_err(|_| bad())? })
}
