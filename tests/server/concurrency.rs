//! One lock order. Clients that write tables straight, pushes, webhooks and jobs of the server, all for one user at the same
//! time, never deadlock; without the statement triggers they do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::database::Database;
use crate::people::{self, Person};
use crate::session::{Session, code_of, number_of};
use crate::world::{Template, clone_of};

const CLIENTS: u32 = 12;
/// Transactions of each client; all together are 1,560.
const EACH: u32 = 130;
const KINDS: u32 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_one_user_never_deadlock() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "busy").await;
    let before = database.as_user(person.id).await.head().await;
    let tally = run(&database, &person, EACH, false).await;
    assert_eq!((tally.deadlocks, tally.committed), (0, CLIENTS * EACH));
    let moved = database.as_user(person.id).await.head().await - before;
    assert_eq!(moved, i64::from(tally.committed), "each transaction moved the head once");
    let miscounted = number_of(
        &owner,
        "select count(*) from public.conversations as c where c.message_count <>
           (select count(*) from public.chat_messages as m where m.conversation_id = c.id and m.deleted_at is null)",
    )
    .await;
    assert_eq!(miscounted, 0, "the counters are those of the messages");
}

/// The control: the workload above is one that would deadlock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_statement_triggers_they_deadlock() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "busy").await;
    for table in ["user_profiles", "conversations", "chat_messages", "message_attachments"] {
        owner.batch_execute(&format!("drop trigger aa_sync_lock on public.{table}")).await.unwrap();
    }
    let tally = run(&database, &person, 10 * EACH, true).await;
    assert!(tally.deadlocks > 0, "none in {} transactions: this workload proves nothing", tally.committed);
}

#[derive(Debug, Default)]
struct Tally {
    committed: u32,
    deadlocks: u32,
}

/// Twelve clients with `each` transactions; with `until_deadlock` they end at the first one.
async fn run(database: &Database, person: &Person, each: u32, until_deadlock: bool) -> Tally {
    let stop = Arc::new(AtomicBool::new(false));
    let deadlocks = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let (database, person) = (database.clone(), person.clone());
        let (stop, deadlocks) = (Arc::clone(&stop), Arc::clone(&deadlocks));
        clients.spawn(async move {
            let mut user = database.as_user(person.id).await;
            let mut service = database.as_service().await;
            let mut committed = 0;
            for turn in 0..each {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                // Every client goes round all kinds, each from another start.
                match transact(&mut user, &mut service, &person, number + turn).await {
                    Ok(()) => committed += 1,
                    Err(error) if code_of(&error) == "40P01" => {
                        deadlocks.fetch_add(1, Ordering::Relaxed);
                        stop.fetch_or(until_deadlock, Ordering::Relaxed);
                    }
                    Err(error) => panic!("client {number}, transaction {turn}: {error:?}"),
                }
            }
            committed
        });
    }
    let started = Instant::now();
    let mut tally = Tally::default();
    while let Some(committed) = clients.join_next().await {
        tally.committed += committed.unwrap();
    }
    tally.deadlocks = deadlocks.load(Ordering::Relaxed);
    println!("{tally:?} in {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(120), "the clients got stuck on each other");
    tally
}

/// One transaction, which always changes something that travels.
async fn transact(
    user: &mut Session,
    service: &mut Session,
    person: &Person,
    turn: u32,
) -> Result<(), tokio_postgres::Error> {
    const INSERT: &str = "insert into public.chat_messages (conversation_id, user_id, role, content)
        values ($1, $2, 'user', 'x')";
    let (here, there) = if turn.is_multiple_of(2) {
        (person.conversation, person.other_conversation)
    } else {
        (person.other_conversation, person.conversation)
    };
    match turn % KINDS {
        0 => {
            let transaction = user.transaction().await?;
            let rename = "update public.conversations set title = gen_random_uuid()::text where id = $1";
            transaction.execute(rename, &[&here]).await?;
            transaction.execute(INSERT, &[&there, &person.id]).await?;
            transaction.commit().await
        }
        1 => user.execute(INSERT, &[&here, &person.id]).await.map(drop),
        2 => {
            let star = "update public.conversations set is_starred = not is_starred where id = $1";
            user.execute(star, &[&here]).await.map(drop)
        }
        3 => {
            let toggle = "update public.chat_messages
                set deleted_at = case when deleted_at is null then clock_timestamp() end
                where id in (select id from public.chat_messages order by id limit 3)";
            user.execute(toggle, &[]).await.map(drop)
        }
        4 => {
            let operations = json!([
                {"op_id": Uuid::new_v4(), "lane": here, "table": "chat_messages", "id": Uuid::new_v4(), "kind": "insert",
                 "row": {"conversation_id": here, "role": "user", "content": "x"}},
                {"op_id": Uuid::new_v4(), "lane": there, "table": "conversations", "id": there, "kind": "patch",
                 "set": {"title": Uuid::new_v4()}},
            ]);
            user.push(&operations).await.map(drop)
        }
        // A webhook of the billing, with the service's key.
        5 => {
            let bill = "update public.user_profiles set subscription_ends_at = clock_timestamp() where id = $1";
            service.execute(bill, &[&person.id]).await.map(drop)
        }
        // The server's own answer in a conversation.
        6 => service.execute(INSERT, &[&here, &person.id]).await.map(drop),
        // A job that changes rows takes the user's lock first.
        _ => {
            let transaction = service.transaction().await?;
            transaction.execute("select airi_private.lock_user($1)", &[&person.id]).await?;
            let summary = "update public.conversations set summary = gen_random_uuid()::text where id = $1";
            transaction.execute(summary, &[&here]).await?;
            let feedback =
                "update public.chat_messages set feedback = gen_random_uuid()::text where conversation_id = $1";
            transaction.execute(feedback, &[&there]).await?;
            transaction.commit().await
        }
    }
}
