//! The server's export of a conversation is the app's own format: as `docs/export.schema.json` says, and read back by the
//! app's import with the rows that went in.

use std::ops::ControlFlow;

use airi_domain::OwnerId;
use airi_formats::import::{Archive, Format, Item, Limits};
use serde_json::Value;
use uuid::Uuid;

use crate::people::{self, Person};
use crate::session::json_of;
use crate::world::{Template, clone_of, read};

#[tokio::test]
async fn an_export_is_as_the_schema_says_and_can_be_imported() {
    // On both kinds of database: a foreign one's rows are not as tidy as ours.
    for template in [Template::Base, Template::Repaired] {
        let database = clone_of(template).await;
        let owner = database.as_owner().await;
        let person = people::person(&owner, "exported").await;
        owner.batch_execute(&untidy_rows(&person)).await.unwrap();
        let session = database.as_user(person.id).await;
        let statement = format!("select public.export_conversation_json('{}')::text", person.conversation);
        let text: String = session.query_one(&statement, &[]).await.unwrap().get(0);

        let schema: Value = serde_json::from_str(&read("docs/export.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let exported: Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&exported).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{template:?}: {errors:#?}");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conversations.json");
        std::fs::write(&path, &text).unwrap();
        let mut archive = Archive::open(&path, Format::Auto, &Limits::default()).unwrap();
        let mut imported = Vec::new();
        archive
            .read(OwnerId::LOCAL, &mut |item, _| {
                match item {
                    Item::Conversation(conversation) => imported.push(*conversation),
                    Item::Unreadable(unreadable) => panic!("{template:?}: {}", unreadable.reason),
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(imported.len(), 1, "{template:?}");
        let [conversation] = imported.try_into().ok().unwrap();
        assert_eq!(conversation.external_id, person.conversation.to_string());
        let live = "select json_agg(m.content order by m.created_at, m.id)::text from public.chat_messages as m
            where m.deleted_at is null";
        let contents: Vec<Value> = conversation.messages.iter().map(|m| Value::from(m.content.clone())).collect();
        assert_eq!(Value::from(contents), json_of(&session, live).await, "{template:?}");
        let hashes: Vec<Option<String>> =
            conversation.attachments.iter().map(|a| a.attachment.sha256.clone()).collect();
        assert!(hashes.contains(&Some("ab".repeat(32))) && hashes.len() == 2, "{hashes:?}");
    }
}

/// What a schema of today would not let in, or would not write this way.
fn untidy_rows(person: &Person) -> String {
    let Person { id, conversation, message, attachment, .. } = person;
    let (second, gone) = (Uuid::new_v4(), Uuid::new_v4());
    format!(
        "update public.conversations set settings = '[1]', metadata = '{{\"k\": 1}}', tags = '{{b,a,b,\"\"}}',
           temperature = 0.70, current_message_id = '{second}' where id = '{conversation}';
         insert into public.chat_messages (id, conversation_id, user_id, role, content, attachments, metadata, tool_calls,
           rating, edited_at, function_call, deleted_at) values
           ('{second}', '{conversation}', '{id}', 'assistant', E'a \"quote\"\\n\\u6570 \\U0001F680', '{{}}', 'null',
             array['{{\"n\": 1.50}}'::jsonb], 5, now(), '{{\"f\": []}}', null),
           ('{gone}', '{conversation}', '{id}', 'user', 'deleted', '[]', '{{}}', null, null, null, null, now());
         update public.chat_messages set parent_id = '{message}' where id = '{second}';
         update public.message_attachments set metadata = jsonb_build_object('sha256', repeat('ab', 32)), file_size = 3
           where id = '{attachment}';
         insert into public.message_attachments (message_id, file_name, storage_path, metadata)
           values ('{second}', 'g', 'old/g', '{{\"sha256\": \"no hash\"}}'), ('{gone}', 'of a deleted one', '', '{{}}')"
    )
}
