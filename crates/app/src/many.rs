//! What is done to many conversations in one act: all of it or nothing, and told by one change record.

use crate::conversations::{conversation_id, invalid, tags};
use crate::{App, AppError};
use airi_contract::{CommandError, EditedMany, ItemsRequest, ManyEdit, TagCount};
use airi_domain::{ConversationId, Patch};
use airi_store::StoreError;
use serde_json::json;
use std::collections::HashMap;

impl App {
    /// Archives or tags conversations, and says on which of them something changed: taking the act back must not touch
    /// those that were so before.
    ///
    /// # Errors
    /// `not_found`: one of them is not there any more; nothing was changed.
    pub fn edit_conversations(&self, request: ManyEdit) -> Result<EditedMany, CommandError> {
        let mut fields = Patch::new();
        if let Some(archived) = request.is_archived {
            fields.insert("is_archived".into(), json!(archived));
        }
        if !request.add_tags.is_empty() {
            fields.insert("tags_add".into(), json!(tags(&request.add_tags)));
        }
        if !request.remove_tags.is_empty() {
            fields.insert("tags_remove".into(), json!(tags(&request.remove_tags)));
        }
        if fields.is_empty() {
            return Err(invalid("Nothing to change was named.").into());
        }
        let ids = parsed(&request.ids)?;
        let edited = self.profile().store.write(|w| -> Result<Vec<String>, StoreError> {
            let mut changed = Vec::new();
            for id in ids {
                let before = w.conversation(id)?.map(|record| record.conversation);
                let after = w.patch_conversation(id, fields.clone())?.conversation;
                if before.is_none_or(|old| old.is_archived != after.is_archived || old.tags != after.tags) {
                    changed.push(id.to_string());
                }
            }
            Ok(changed)
        });
        Ok(EditedMany { changed: edited.map_err(AppError::from)? })
    }

    /// The tags of these conversations, each with how many of them have it; the most used first.
    pub fn tags_of(&self, request: ItemsRequest) -> Result<Vec<TagCount>, CommandError> {
        let ids = parsed(&request.ids)?;
        let reader = self.profile().store.read().map_err(AppError::from)?;
        let mut counts = HashMap::<String, u64>::new();
        for id in ids {
            let Some(record) = reader.conversation(id).map_err(AppError::from)? else { continue };
            for tag in record.conversation.tags {
                *counts.entry(tag).or_default() += 1;
            }
        }
        let mut tags: Vec<_> = counts.into_iter().map(|(tag, conversations)| TagCount { tag, conversations }).collect();
        tags.sort_by(|a, b| b.conversations.cmp(&a.conversations).then_with(|| a.tag.cmp(&b.tag)));
        Ok(tags)
    }
}

fn parsed(ids: &[String]) -> Result<Vec<ConversationId>, AppError> {
    ids.iter().map(|id| conversation_id(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AppOptions;
    use airi_contract::{ConversationEdit, NewConversation};

    fn edit(ids: &[String]) -> ManyEdit {
        ManyEdit { ids: ids.to_vec(), ..ManyEdit::default() }
    }

    #[test]
    fn an_act_on_many_can_be_taken_back_where_it_changed_something_and_fails_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions { data_dir: Some(dir.path().into()), ..AppOptions::default() }).unwrap();
        let ids: Vec<String> =
            (0..3).map(|_| app.create_conversation(NewConversation::default()).unwrap().id.to_string()).collect();
        let tagged = ConversationEdit { id: ids[1].clone(), add_tags: vec!["rust".into()], ..Default::default() };
        app.edit_conversation(tagged).unwrap();

        let add = ManyEdit { add_tags: vec![" rust ".into()], ..edit(&ids) };
        assert_eq!(app.edit_conversations(add).unwrap().changed, [ids[0].clone(), ids[2].clone()]);
        assert_eq!(
            app.tags_of(ItemsRequest { ids: ids.clone() }).unwrap(),
            [TagCount { tag: "rust".into(), conversations: 3 }]
        );
        let back = ManyEdit { remove_tags: vec!["rust".into()], ..edit(&[ids[0].clone(), ids[2].clone()]) };
        app.edit_conversations(back).unwrap();
        assert_eq!(app.tags_of(ItemsRequest { ids: ids.clone() }).unwrap()[0].conversations, 1);

        let mut gone = ids.clone();
        gone.push(uuid::Uuid::now_v7().to_string());
        let archive = ManyEdit { is_archived: Some(true), ..edit(&gone) };
        assert!(app.edit_conversations(archive).is_err());
        for id in &ids {
            assert!(!app.get_conversation(airi_contract::ConversationRef { id: id.clone() }).unwrap().is_archived);
        }
        assert!(app.edit_conversations(edit(&ids)).is_err(), "nothing to change is a mistake");
    }
}
