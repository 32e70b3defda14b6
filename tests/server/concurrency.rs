//! One lock order. Clients that write tables straight, pushes, webhooks and jobs of the server, all for one user at the same
//! time, never deadlock; without the statement triggers they do.
//!
//! `AIRI_DEADLOCK_SECONDS` says how long they go on at least (20 unless set).

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
/// Transactions of each client at least; all together are 1,560.
const EACH: u32 = 130;
const KINDS: u32 = 11;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_one_user_never_deadlock() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "busy").await;
    let before = database.as_user(person.id).await.head().await;
    let tally = run(&database, &person, Until::Over(seconds())).await;
    assert_eq!(tally.deadlocks, 0);
    assert!(tally.committed >= CLIENTS * EACH, "{tally:?}");
    let counted = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(number_of(&owner, counted).await, 0, "the server has counted none either");
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
    let tally = run(&database, &person, Until::Deadlock).await;
    assert!(tally.deadlocks > 0, "none in {} transactions: this workload proves nothing", tally.committed);
}

fn seconds() -> Duration {
    let wanted = std::env::var("AIRI_DEADLOCK_SECONDS");
    Duration::from_secs(wanted.map_or(20, |text| text.parse().expect("AIRI_DEADLOCK_SECONDS is a number")))
}

/// When the clients end.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// So long, and each has done its share.
    Over(Duration),
    /// The first deadlock, or ten times their share.
    Deadlock,
}

#[derive(Debug, Default)]
struct Tally {
    committed: u32,
    deadlocks: u32,
}

/// Twelve clients at the same time.
async fn run(database: &Database, person: &Person, until: Until) -> Tally {
    let started = Instant::now();
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
            for turn in 0.. {
                let done = match until {
                    Until::Over(time) => turn >= EACH && started.elapsed() >= time,
                    Until::Deadlock => turn >= 10 * EACH || stop.load(Ordering::Relaxed),
                };
                if done {
                    break;
                }
                // Every client goes round all kinds, each from another start.
                match transact(&mut user, &mut service, &person, number + turn).await {
                    Ok(()) => committed += 1,
                    Err(error) if code_of(&error) == "40P01" => {
                        deadlocks.fetch_add(1, Ordering::Relaxed);
                        stop.store(true, Ordering::Relaxed);
                    }
                    Err(error) => panic!("client {number}, transaction {turn}: {error:?}"),
                }
            }
            committed
        });
    }
    let mut tally = Tally::default();
    while let Some(committed) = clients.join_next().await {
        tally.committed += committed.unwrap();
    }
    tally.deadlocks = deadlocks.load(Ordering::Relaxed);
    println!("{tally:?} in {:?}", started.elapsed());
    let patience = Duration::from_secs(120) + if let Until::Over(time) = until { time } else { Duration::ZERO };
    assert!(started.elapsed() < patience, "the clients got stuck on each other");
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
        1 => user.execute(INSERT, &[&here, &person.id]).await.map(one),
        2 => {
            let star = "update public.conversations set is_starred = not is_starred where id = $1";
            user.execute(star, &[&here]).await.map(one)
        }
        3 => {
            let toggle = "update public.chat_messages
                set deleted_at = case when deleted_at is null then clock_timestamp() end
                where id in (select id from public.chat_messages order by id limit 3)";
            match user.execute(toggle, &[]).await? {
                // All three were erased while this waited.
                0 => user.execute(INSERT, &[&here, &person.id]).await.map(one),
                _ => Ok(()),
            }
        }
        4 => {
            let operations = json!([
                {"op_id": Uuid::new_v4(), "lane": here, "table": "chat_messages", "id": Uuid::new_v4(), "kind": "insert",
                 "row": {"conversation_id": here, "role": "user", "content": "x"}},
                {"op_id": Uuid::new_v4(), "lane": there, "table": "conversations", "id": there, "kind": "patch",
                 "set": {"title": Uuid::new_v4()}},
            ]);
            let answer = user.push(&operations).await?;
            let results = answer["results"].as_array().map(Vec::as_slice).unwrap_or_default();
            assert!(results.len() == 2 && results.iter().all(|result| result["status"] == "applied"), "{answer}");
            Ok(())
        }
        // A webhook of the billing, with the service's key.
        5 => {
            let bill = "update public.user_profiles set subscription_ends_at = clock_timestamp() where id = $1";
            service.execute(bill, &[&person.id]).await.map(one)
        }
        // The server's own answer in a conversation.
        6 => service.execute(INSERT, &[&here, &person.id]).await.map(one),
        // The server erases the oldest message for good, as a moderator would; like every change of rows that are there, it
        // takes the user's lock first.
        7 => {
            let transaction = service.transaction().await?;
            transaction.execute("select airi_private.lock_user($1)", &[&person.id]).await?;
            let erase = "delete from public.chat_messages where id = (select id from public.chat_messages
                where user_id = $1 and content = 'x' order by created_at limit 1)";
            let erased = transaction.execute(erase, &[&person.id]).await?;
            if erased == 0 {
                // Someone else was faster, or there is none; this changes something in any case.
                transaction.execute(INSERT, &[&here, &person.id]).await?;
            }
            transaction.commit().await
        }
        // A plain client names a file of a message.
        8 => {
            let attach = "insert into public.message_attachments (message_id, file_name, storage_path)
                values ($1, 'f', '')";
            user.execute(attach, &[&person.message]).await.map(one)
        }
        // A row of usage beside the counters of the profile, as the server writes them with each answer.
        9 => {
            let usage = "insert into public.usage_logs (user_id, endpoint, method, status_code)
                values ($1, '/chat', 'POST', 200)";
            service.execute(usage, &[&person.id]).await.map(one)
        }
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

/// A statement that changed no row would be no transaction to count.
fn one(rows: u64) {
    assert_eq!(rows, 1, "a statement changes its row");
}
