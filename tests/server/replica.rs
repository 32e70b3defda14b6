//! A real streaming replica, as `airi_private.replication_lag` shows it: how far it is while it keeps up, while it stands still,
//! when it has caught up, and what its slot keeps once it is gone.

use std::time::{Duration, Instant};

use airi_tests::{Cloud, CloudOptions, SLOT};
use tokio_postgres::Client;

use crate::people;
use crate::session::number_of;

const PATIENCE: Duration = Duration::from_secs(60);
/// Of the primary: what the replica that is connected has not applied.
const BEHIND: &str = "select coalesce((select bytes_behind from airi_private.replication_lag
    where kind = 'replica' and state = 'streaming'), -1)";
/// Of the replica itself: what it has received and not applied.
const OWN: &str =
    "select bytes_behind from airi_private.replication_lag where kind = 'this server' and state = 'replica'";

async fn wait_until(client: &Client, statement: &str, holds: impl Fn(i64) -> bool) -> i64 {
    let started = Instant::now();
    loop {
        let number = number_of(client, statement).await;
        if holds(number) {
            return number;
        }
        assert!(started.elapsed() < PATIENCE, "it stays at {number}: {statement}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stands_still_is_seen_on_both_sides_and_catches_up() {
    let cloud = Cloud::start(CloudOptions::default()).await.unwrap();
    let owner = cloud.connect().await.unwrap();
    let person = people::person(&owner, "replicated").await;
    let mut replica = cloud.replica().await.unwrap();
    // How long it is behind counts from what it applied last.
    owner
        .execute("update public.conversations set title = 'seen' where id = $1", &[&person.conversation])
        .await
        .unwrap();
    let copy = replica.connect_as_superuser().await.unwrap();
    // First the row: the log of a commit that nobody waits for is written a moment later, and until then nothing is behind.
    wait_until(&copy, "select count(*) from public.conversations where title = 'seen'", |rows| rows == 1).await;
    wait_until(&owner, BEHIND, |bytes| bytes == 0).await;
    assert_eq!(number_of(&copy, OWN).await, 0);

    copy.execute("select pg_wal_replay_pause()", &[]).await.unwrap();
    let paused = "select (pg_get_wal_replay_pause_state() = 'paused')::int::bigint";
    wait_until(&copy, paused, |paused| paused == 1).await;
    let write = "insert into public.chat_messages (conversation_id, user_id, role, content)
        select $1, $2, 'user', repeat('written meanwhile ', 50) from generate_series(1, 500)";
    owner.execute(write, &[&person.conversation, &person.id]).await.unwrap();
    // It receives the log, which is more than the text, and applies none.
    wait_until(&owner, BEHIND, |bytes| bytes > 450_000).await;
    wait_until(&copy, OWN, |bytes| bytes > 450_000).await;
    let written = "select count(*) from public.chat_messages where content like 'written meanwhile %'";
    assert_eq!(number_of(&copy, written).await, 0);
    let time = "select (extract(epoch from behind) * 1000000)::bigint from airi_private.replication_lag where kind = 'this server'";
    let first = number_of(&copy, time).await;
    wait_until(&copy, time, |behind| behind > first && behind > 0).await;

    copy.execute("select pg_wal_replay_resume()", &[]).await.unwrap();
    wait_until(&copy, written, |rows| rows == 500).await;
    wait_until(&owner, BEHIND, |bytes| bytes == 0).await;
    assert_eq!(number_of(&copy, OWN).await, 0);

    // Gone: no replica any more, and a slot that keeps more and more.
    drop(copy);
    replica.stop();
    wait_until(&owner, BEHIND, |bytes| bytes == -1).await;
    let slot = format!(
        "select bytes_behind from airi_private.replication_lag
        where kind = 'slot' and name = '{SLOT}' and state = 'waiting'"
    );
    let kept = wait_until(&owner, &format!("select coalesce(({slot}), -1)"), |bytes| bytes >= 0).await;
    owner.execute(write, &[&person.conversation, &person.id]).await.unwrap();
    assert!(number_of(&owner, &slot).await > kept + 450_000);
    drop(replica);
    cloud.stop().await.unwrap();
}
