//! People with a row in every table that can hold one. Promise: whoever adds a table with an owner must add a row here, or
//! the tests that walk the catalogs fail: nothing is tested by an empty table.

use tokio_postgres::Client;
use uuid::Uuid;

use crate::state::owned_tables;

/// Someone, and the rows of theirs that others might ask for.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) conversation: Uuid,
    /// A second one, without messages.
    pub(crate) other_conversation: Uuid,
    pub(crate) message: Uuid,
    pub(crate) attachment: Uuid,
    /// One of those in [`sync_rows_of`].
    pub(crate) device: Uuid,
    /// Stands in all their texts.
    pub(crate) mark: String,
}

/// Makes an account and its rows. `owner` is whom no policy binds.
pub(crate) async fn person(owner: &Client, mark: &str) -> Person {
    let id = Uuid::new_v4();
    owner
        .batch_execute(&format!("insert into auth.users (id, email) values ('{id}', '{id}@example.test')"))
        .await
        .unwrap();
    rows_of(owner, id, mark).await
}

/// Makes the rows of an account that exists.
pub(crate) async fn rows_of(owner: &Client, id: Uuid, mark: &str) -> Person {
    let [conversation, other_conversation, message, attachment, device] = std::array::from_fn(|_| Uuid::new_v4());
    owner
        .batch_execute(&format!(
            "begin;
             update public.user_profiles set bio = '{mark}', display_name = '{mark}' where id = '{id}';
             insert into public.conversations (id, user_id, title, model_id, provider_id) values
               ('{conversation}', '{id}', '{mark}', 'm', 'p'), ('{other_conversation}', '{id}', '{mark}', 'm', 'p');
             insert into public.chat_messages (id, conversation_id, user_id, role, content)
             values ('{message}', '{conversation}', '{id}', 'user', '{mark}');
             insert into public.message_attachments (id, message_id, file_name, storage_path)
             values ('{attachment}', '{message}', '{mark}', '{id}/00');
             insert into public.chat_sessions (user_id, conversation_id, metadata)
             values ('{id}', '{conversation}', '{{\"mark\": \"{mark}\"}}');
             insert into public.usage_logs (user_id, endpoint, method, status_code)
             values ('{id}', '/{mark}', 'GET', 200);
             insert into public.usage_daily_aggregates (user_id, date, model_usage)
             values ('{id}', '2026-01-01', '{{\"mark\": \"{mark}\"}}');
             insert into public.subscription_history (user_id, tier, status, period_start, period_end, metadata)
             values ('{id}', 'pro', 'active', '2026-01-01', '2026-02-01', '{{\"mark\": \"{mark}\"}}');
             insert into public.payment_history (user_id, amount, status, description)
             values ('{id}', 1, 'paid', '{mark}');
             insert into public.moderation_logs (user_id, message_id, content) values ('{id}', '{message}', '{mark}');
             insert into public.user_violations (user_id, violation_type, severity, description)
             values ('{id}', 'x', 'low', '{mark}');
             insert into public.query_performance_logs (user_id, query_name) values ('{id}', '{mark}');
             insert into public.chat_messages_partitioned (conversation_id, user_id, role, content)
             values ('{conversation}', '{id}', 'user', '{mark}');
             commit;"
        ))
        .await
        .unwrap();
    Person { id, conversation, other_conversation, message, attachment, device, mark: mark.to_owned() }
}

/// Adds what sync itself keeps of a person: the head is there already.
pub(crate) async fn sync_rows_of(owner: &Client, person: &Person) {
    let (id, gone, operation) = (person.id, Uuid::new_v4(), Uuid::new_v4());
    let (device, mark) = (person.device, &person.mark);
    owner
        .batch_execute(&format!(
            "insert into public.conversations (id, user_id, model_id, provider_id) values ('{gone}', '{id}', 'm', 'p');
             delete from public.conversations where id = '{gone}';
             insert into public.sync_ops (user_id, op_id, status, code, message)
             values ('{id}', '{operation}', 'refused', 'invalid', '{mark}');
             insert into public.sync_devices (user_id, id, name, session_id) values ('{id}', '{device}', '{mark}', '{mark}');
             insert into airi_private.ended_sessions (user_id, session_id) values ('{id}', '{gone}');
             insert into airi_private.generations (user_id, day, of_day, hour) values ('{id}', '2026-01-01', 7, '2026-01-01');
             insert into airi_private.sync_restored (user_id, table_name, row_id, held, change_seq)
             values ('{id}', 'conversations', '{gone}', 1, 2)",
        ))
        .await
        .unwrap();
}

/// Fails unless the person has a row in every table that has an owner.
pub(crate) async fn assert_rows_everywhere(owner: &Client, person: &Person) {
    for (table, column) in owned_tables(owner).await {
        let statement = format!("select count(*) from {table} where {column} = $1");
        let count: i64 = owner.query_one(&statement, &[&person.id]).await.unwrap().get(0);
        assert!(count > 0, "{table}: nobody has a row; people.rs must make one");
    }
}
