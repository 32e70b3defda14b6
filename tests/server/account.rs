//! Who owns what is erased: one tombstone for the owner in a cascade, and an account that goes leaves nothing behind.

use tokio_postgres::Client;
use uuid::Uuid;

use crate::people::{self, Person};
use crate::session::{Session, number_of};
use crate::state;
use crate::world::{Template, clone_of};

#[tokio::test]
async fn a_deleted_conversation_leaves_one_tombstone_of_its_owner() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    // Whoever deletes, the user or the server (which is no user at all), the tombstone is the owner's.
    for by_server in [false, true] {
        let person = people::person(&owner, "cascade").await;
        more_messages(&owner, &person).await;
        let session = if by_server { database.as_service().await } else { database.as_user(person.id).await };
        let before = number_of(&owner, &head_of(person.id)).await;
        delete(&session, "conversations", person.conversation).await;
        assert_eq!(
            tombstones(&owner).await,
            vec![(person.id, "conversations".to_owned(), person.conversation, before + 1)],
            "by the server: {by_server}"
        );
        let left = number_of(
            &owner,
            &format!("select count(*) from public.message_attachments where user_id = '{}'", person.id),
        )
        .await;
        assert_eq!(left, 0, "the cascade took the attachments");
        owner.batch_execute("delete from public.tombstones").await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_message_leaves_one_tombstone_and_none_of_its_attachments() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "cascade").await;
    let session = database.as_user(person.id).await;
    let before = session.head().await;
    delete(&session, "chat_messages", person.message).await;
    let expected = vec![(person.id, "chat_messages".to_owned(), person.message, before + 1)];
    assert_eq!(tombstones(&owner).await, expected);
}

#[tokio::test]
async fn an_account_can_be_erased_with_rows_in_every_table() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let [person, other] = [people::person(&owner, "goes").await, people::person(&owner, "stays").await];
    for someone in [&person, &other] {
        people::sync_rows_of(&owner, someone).await;
        people::assert_rows_everywhere(&owner, someone).await;
    }
    let before = state::rows_of(&owner, other.id).await;
    owner.execute("delete from auth.users where id = $1", &[&person.id]).await.unwrap();
    assert!(state::rows_of(&owner, person.id).await.is_empty(), "{:?}", state::rows_of(&owner, person.id).await);
    assert_eq!(state::rows_of(&owner, other.id).await, before, "another account keeps all");
}

#[tokio::test]
async fn what_sync_remembers_does_not_point_to_users() {
    let database = clone_of(Template::Base).await;
    let pointing = number_of(
        &database.as_owner().await,
        "select count(*) from pg_constraint where contype = 'f'
           and conrelid in ('public.sync_heads'::regclass, 'public.tombstones'::regclass, 'public.sync_ops'::regclass,
             'public.sync_devices'::regclass, 'airi_private.sync_restored'::regclass,
             'airi_private.ended_sessions'::regclass)",
    )
    .await;
    assert_eq!(pointing, 0);
}

/// Two more messages with an attachment each.
async fn more_messages(owner: &Client, person: &Person) {
    let (conversation, id) = (person.conversation, person.id);
    owner
        .batch_execute(&format!(
            "with m as (insert into public.chat_messages (conversation_id, user_id, role, content)
               values ('{conversation}', '{id}', 'user', 'x'), ('{conversation}', '{id}', 'assistant', 'y') returning id)
             insert into public.message_attachments (message_id, file_name, storage_path) select id, 'f', '' from m"
        ))
        .await
        .unwrap();
}

async fn delete(session: &Session, table: &str, id: Uuid) {
    let count = session.execute(&format!("delete from public.{table} where id = $1"), &[&id]).await.unwrap();
    assert_eq!(count, 1);
}

async fn tombstones(owner: &Client) -> Vec<(Uuid, String, Uuid, i64)> {
    let rows = owner.query("select user_id, table_name, row_id, change_seq from public.tombstones", &[]).await.unwrap();
    rows.into_iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

fn head_of(person: Uuid) -> String {
    format!("select seq from public.sync_heads where user_id = '{person}'")
}
