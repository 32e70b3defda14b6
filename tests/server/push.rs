//! A push takes effect once, however often it comes.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::people::{self, Person};
use crate::session::{Session, number_of};
use crate::state;
use crate::world::{Template, clone_of};

#[tokio::test]
async fn five_hundred_operations_pushed_three_times_take_effect_once() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "push").await;
    let session = database.as_user(person.id).await;
    let operations = operations(&person);
    assert_eq!(operations.as_array().unwrap().len(), 500);

    let first = session.push(&operations).await.unwrap();
    let statuses: Vec<&str> =
        first["results"].as_array().unwrap().iter().map(|result| result["status"].as_str().unwrap()).collect();
    assert_eq!(statuses.len(), 500);
    assert_eq!(statuses.iter().filter(|status| **status == "applied").count(), 499, "{statuses:?}");
    assert_eq!(statuses[499], "refused", "the last one is for a conversation that is not there");

    // What others change afterwards must not be undone by the copies.
    let rename = "update public.conversations set title = 'later', tags = '{}' where id = $1";
    session.execute(rename, &[&person.other_conversation]).await.unwrap();
    let before = (session.head().await, state::rows_of(&owner, person.id).await);
    for _ in 0..2 {
        let again = session.push(&operations).await.unwrap();
        assert_eq!(again["results"], first["results"], "a copy gets the recorded results");
        assert_eq!((session.head().await, state::rows_of(&owner, person.id).await), before, "and changes nothing");
    }
    assert_eq!(number_of(&owner, &count_of(&person)).await, 401, "400 messages, and the one from before");
}

#[tokio::test]
async fn copies_that_arrive_together_take_effect_once() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "push").await;
    let operations = operations(&person);
    let sessions: [Session; 3] =
        [database.as_user(person.id).await, database.as_user(person.id).await, database.as_user(person.id).await];
    let [a, b, c] = &sessions;
    let (a, b, c) = tokio::join!(a.push(&operations), b.push(&operations), c.push(&operations));
    let [a, b, c] = [a.unwrap(), b.unwrap(), c.unwrap()];
    assert_eq!(a["results"], b["results"]);
    assert_eq!(b["results"], c["results"]);
    assert_eq!(number_of(&owner, &count_of(&person)).await, 401);
}

fn count_of(person: &Person) -> String {
    format!("select message_count::bigint from public.conversations where id = '{}'", person.conversation)
}

/// 400 new messages, 50 attachments, 48 ratings, a tag and a title, and one that must be refused.
fn operations(person: &Person) -> Value {
    let lane = person.conversation;
    let operation = |table: &str, id: Uuid, rest: Value| {
        let mut whole = json!({"op_id": Uuid::new_v4(), "lane": lane, "table": table, "id": id, "base_seq": 0});
        whole.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        whole
    };
    let messages: Vec<Uuid> = (0..400).map(|_| Uuid::new_v4()).collect();
    let mut all: Vec<Value> = messages
        .iter()
        .map(|id| {
            let row = json!({"conversation_id": lane, "role": "assistant", "content": "x", "model_id": "m"});
            operation("chat_messages", *id, json!({"kind": "insert", "row": row}))
        })
        .collect();
    all.extend(messages[..50].iter().map(|message| {
        let row = json!({"message_id": message, "file_name": "f", "storage_path": ""});
        operation("message_attachments", Uuid::new_v4(), json!({"kind": "insert", "row": row}))
    }));
    all.extend(
        messages[50..98]
            .iter()
            .map(|message| operation("chat_messages", *message, json!({"kind": "patch", "set": {"rating": 4}}))),
    );
    let patch = json!({"kind": "patch", "set": {"title": "pushed", "tags_add": ["t"]}});
    all.push(operation("conversations", person.other_conversation, patch));
    let missing = json!({"kind": "patch", "set": {"title": "nobody's"}});
    all.push(operation("conversations", Uuid::new_v4(), missing));
    Value::from(all)
}
