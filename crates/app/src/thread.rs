//! Pages of a thread, and which branch is in view.

use crate::conversations::{conversation_id, invalid};
use crate::profile::Profile;
use crate::views::{attachment_row, conversation_row, message_row, message_view};
use crate::{App, AppError};
use airi_contract::{
    AttachmentRow, BranchRequest, CommandError, ConversationRow, MessageRow, ThreadPage, ThreadRequest,
};
use airi_domain::{AttachmentId, MessageId, Patch};
use airi_store::{Place, Reader, ThreadSlice};
use serde_json::json;
use std::path::PathBuf;

impl App {
    pub fn thread_page(&self, request: ThreadRequest) -> Result<ThreadPage, CommandError> {
        Ok(self.page(request)?)
    }

    fn page(&self, request: ThreadRequest) -> Result<ThreadPage, AppError> {
        let profile = self.profile();
        let id = conversation_id(&request.conversation_id)?;
        let limit = request.limit.clamp(1, 200) as usize;
        let missing = || AppError::NotFound { what: "The conversation", id: request.conversation_id.clone() };
        let record = profile.store.read()?.conversation(id)?.ok_or_else(missing)?;
        if record.view_stale {
            profile.store.write(|w| w.refresh_view(record.key))?;
        }
        let asked = |text: &Option<String>| text.as_deref().map(str::parse::<MessageId>).transpose().map_err(invalid);
        let (before, after, around) = (asked(&request.before)?, asked(&request.after)?, asked(&request.around)?);
        if let Some(message) = around {
            self.bring_into_view(&profile, &request.conversation_id, message)?;
        }
        let hidden_too = request.show_hidden || self.is_hidden(&profile, around)?;
        let reader = profile.store.read()?;
        reader.snapshot(|reader| {
            let place = |message: Option<MessageId>| -> Result<Place, AppError> {
                let message = message.unwrap_or(MessageId::ROOT);
                let gone = || AppError::NotFound { what: "The message", id: message.to_string() };
                reader.place_of(message)?.ok_or_else(gone)
            };
            let key = record.key;
            let slice = match (before, after, around, request.at) {
                (Some(_), ..) => reader.thread_before(key, place(before)?, limit, hidden_too)?,
                (_, Some(_), ..) => {
                    let place = place(after)?;
                    reader.thread_from(key, Place { sub: place.sub + 1, ..place }, limit, hidden_too)?
                }
                (_, _, Some(_), _) => {
                    let place = place(around)?;
                    let mut slice = reader.thread_before(key, place, limit / 2, hidden_too)?;
                    let rest = reader.thread_from(key, place, limit - slice.rows.len(), hidden_too)?;
                    slice.rows.extend(rest.rows);
                    slice
                }
                (_, _, _, Some(at)) => {
                    let shown = Place { position: at as i64 + 1, sub: 0 };
                    let from = if hidden_too { reader.place_at(key, at)?.unwrap_or(shown) } else { shown };
                    reader.thread_from(key, from, limit, hidden_too)?
                }
                _ => {
                    let end = Place { position: i64::MAX, sub: 0 };
                    reader.thread_before(key, end, limit, hidden_too)?
                }
            };
            thread_page(&profile, reader, key, slice, hidden_too)
        })
    }

    /// A message on another branch brings its branch into view; that is what opening a search hit needs.
    fn bring_into_view(&self, profile: &Profile, conversation: &str, message: MessageId) -> Result<(), AppError> {
        if profile.store.read()?.place_of(message)?.is_some() {
            return Ok(());
        }
        self.switch_branch(conversation, message).map(drop)
    }

    fn is_hidden(&self, profile: &Profile, message: Option<MessageId>) -> Result<bool, AppError> {
        let Some(message) = message else { return Ok(false) };
        Ok(profile.store.read()?.message(message)?.is_some_and(|record| record.message.is_hidden()))
    }

    pub fn show_branch(&self, request: BranchRequest) -> Result<ConversationRow, CommandError> {
        let message = request.message_id.parse().map_err(invalid)?;
        Ok(self.switch_branch(&request.conversation_id, message)?)
    }

    fn switch_branch(&self, conversation: &str, message: MessageId) -> Result<ConversationRow, AppError> {
        let id = conversation_id(conversation)?;
        let profile = self.profile();
        let found = profile.store.read()?.message(message)?;
        let fits = found.is_some_and(|m| m.message.conversation_id == id && m.message.deleted_at.is_none());
        if !fits {
            return Err(AppError::NotFound { what: "The message", id: message.to_string() });
        }
        let patch = Patch::from_iter([("current_message_id".to_owned(), json!(message))]);
        Ok(conversation_row(profile.store.write(|w| w.patch_conversation(id, patch))?))
    }

    /// Every message of a conversation as scripts see it: oldest first, deleted ones left out, all branches.
    ///
    /// # Errors
    /// Not found, or `before` names no message of it.
    pub fn show(
        &self,
        conversation: &str,
        limit: Option<usize>,
        before: Option<&str>,
    ) -> Result<(ConversationRow, Vec<MessageRow>), CommandError> {
        Ok(self.rows(conversation, limit, before)?)
    }

    fn rows(
        &self,
        conversation: &str,
        limit: Option<usize>,
        before: Option<&str>,
    ) -> Result<(ConversationRow, Vec<MessageRow>), AppError> {
        let profile = self.profile();
        let id = conversation_id(conversation)?;
        let before = before.map(str::parse::<MessageId>).transpose().map_err(invalid)?;
        let reader = profile.store.read()?;
        reader.snapshot(|reader| {
            let missing = || AppError::NotFound { what: "The conversation", id: conversation.to_owned() };
            let record = reader.conversation(id)?.ok_or_else(missing)?;
            let mut records = reader.messages_of(record.key)?;
            if let Some(before) = before {
                let place = records.iter().position(|record| record.message.id == before);
                let gone = || AppError::NotFound { what: "The message", id: before.to_string() };
                records.truncate(place.ok_or_else(gone)?);
            }
            records.retain(|record| record.message.deleted_at.is_none());
            let from = records.len().saturating_sub(limit.unwrap_or(usize::MAX));
            let rows = records[from..].iter().map(|record| message_row(&profile, reader, record));
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            Ok((conversation_row(record), rows))
        })
    }

    /// An attachment and, when its bytes are here, where they lie.
    pub fn attachment(&self, id: &str) -> Result<(AttachmentRow, Option<PathBuf>), CommandError> {
        Ok(self.find_attachment(id)?)
    }

    pub(crate) fn find_attachment(&self, id: &str) -> Result<(AttachmentRow, Option<PathBuf>), AppError> {
        let profile = self.profile();
        let wanted: AttachmentId = id.parse().map_err(invalid)?;
        let found = profile.store.read()?.attachment(wanted)?;
        let attachment = found.ok_or_else(|| AppError::NotFound { what: "The attachment", id: id.to_owned() })?;
        let row = attachment_row(&profile, attachment);
        let path = row.sha256.as_deref().and_then(|hash| profile.files.find(hash));
        Ok((row, path))
    }
}

fn thread_page(
    profile: &Profile,
    reader: &Reader,
    conversation: i64,
    slice: ThreadSlice,
    hidden_too: bool,
) -> Result<ThreadPage, AppError> {
    let first = match slice.rows.first() {
        None => 0,
        Some(row) if hidden_too => reader.shown_before(conversation, row.place)?,
        Some(row) => (row.place.position - 1) as u64,
    };
    let messages = slice
        .rows
        .iter()
        .map(|row| message_view(profile, reader, &row.record, &row.siblings))
        .collect::<Result<Vec<_>, _>>()?;
    let total = if hidden_too { slice.shown + slice.hidden } else { slice.shown };
    Ok(ThreadPage { messages, first, total, hidden: slice.hidden })
}
