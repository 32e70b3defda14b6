//! A transaction that commits late is still seen, and delays nobody else: numbers are given in the order of commits, because
//! the owner's head is held until the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::database::Database;
use crate::people;
use crate::session::{Cursor, Session};
use crate::world::{Template, clone_of};

const INSERT: &str = "insert into public.chat_messages (conversation_id, user_id, role, content)
    values ($1, $2, 'assistant', 'x')";
const OTHERS_WRITES: usize = 50;

/// (table, id) → number.
type Numbers = BTreeMap<(String, Uuid), i64>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_commit_is_seen_and_delays_nobody_else() {
    let database = clone_of(Template::Base).await;
    let seen = hold_a_transaction(&database).await;
    assert!(seen.second_waited, "a second write of the same user waits for its number");
    assert_eq!(seen.page_while_held, 0, "a pull meanwhile is answered, with nothing half done");
    assert_eq!(seen.missed, Numbers::new());
    assert!(
        seen.slowest_other * 2 < seen.hold,
        "another user's slowest write took {:?}, the transaction was held {:?}",
        seen.slowest_other,
        seen.hold
    );
}

/// The control: with numbers that nobody waits for, as from a sequence, the same puller misses the late commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_sequence_instead_of_the_head_it_would_be_missed() {
    let database = clone_of(Template::Base).await;
    database.as_owner().await.batch_execute(SEQUENCE).await.unwrap();
    let seen = hold_a_transaction(&database).await;
    assert!(!seen.second_waited);
    assert_eq!(seen.missed.len(), 1, "the late row, and no other: {:?}", seen.missed);
}

const SEQUENCE: &str = "
    create sequence airi_private.numbers start 100;
    select nextval('airi_private.numbers');
    grant select on airi_private.numbers to authenticated;
    create or replace function airi_private.lock_user(p_user_id uuid) returns void
      language plpgsql security definer set search_path = '' as 'begin end';
    create or replace function airi_private.number_row(p_user_id uuid, p_id uuid) returns bigint
      language sql security definer set search_path = '' as $$ select nextval('airi_private.numbers') $$;
    create or replace function airi_private.number_message() returns trigger
      language plpgsql security definer set search_path = '' as
      $$ begin new.change_seq := nextval('airi_private.numbers'); return new; end $$;
    create or replace function airi_private.head() returns bigint language sql stable set search_path = '' as
      $$ select last_value from airi_private.numbers $$;";

struct Seen {
    second_waited: bool,
    page_while_held: usize,
    slowest_other: Duration,
    hold: Duration,
    missed: Numbers,
}

async fn hold_a_transaction(database: &Database) -> Seen {
    let owner = database.as_owner().await;
    let person = people::person(&owner, "late").await;
    let other = people::person(&owner, "other").await;
    let puller = Puller::start(database, person.id).await;
    let mut puller = puller.caught_up().await;

    let mut late = database.as_user(person.id).await;
    let held = Instant::now();
    let transaction = late.transaction().await.unwrap();
    transaction.execute(INSERT, &[&person.conversation, &person.id]).await.unwrap();

    let second = database.as_user(person.id).await;
    let backend = second.backend;
    let renamed = person.other_conversation;
    let mut second = tokio::spawn(async move {
        second.execute("update public.conversations set title = 'second' where id = $1", &[&renamed]).await.unwrap();
    });
    let second_waited = tokio::select! {
        () = database.wait_until_blocked(backend) => true,
        done = &mut second => { done.unwrap(); false }
    };

    let page_while_held = puller.step().await;
    let others = database.as_user(other.id).await;
    let mut slowest_other = Duration::ZERO;
    for _ in 0..OTHERS_WRITES {
        let started = Instant::now();
        others.execute(INSERT, &[&other.conversation, &other.id]).await.unwrap();
        slowest_other = slowest_other.max(started.elapsed());
    }
    transaction.commit().await.unwrap();
    let hold = held.elapsed();
    if second_waited {
        second.await.unwrap();
    }
    let puller = puller.caught_up().await;
    Seen { second_waited, page_while_held, slowest_other, hold, missed: puller.missed(&owner, person.id).await }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_puller_misses_nothing_while_others_write() {
    const CLIENTS: u32 = 8;
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "stream").await;
    let running = Arc::new(AtomicU32::new(CLIENTS));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let (database, person, running) = (database.clone(), person.clone(), Arc::clone(&running));
        clients.spawn(async move {
            let mut session = database.as_user(person.id).await;
            for turn in 0..50 {
                let conversation = if turn % 2 == 0 { person.conversation } else { person.other_conversation };
                write(&mut session, person.id, conversation, number + turn).await;
            }
            running.fetch_sub(1, Ordering::Release);
        });
    }
    let mut puller = Puller::start(&database, person.id).await;
    let mut pages = 0;
    loop {
        let ended = running.load(Ordering::Acquire) == 0;
        let rows = puller.step().await;
        pages += u32::from(rows > 0);
        if ended && rows == 0 {
            break;
        }
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    assert!(pages > 10, "it pulled while they wrote: {pages} pages");
    assert_eq!(puller.missed(&owner, person.id).await, Numbers::new());
}

/// One of five kinds of transactions; the last two are held open for a moment after their write.
async fn write(session: &mut Session, person: Uuid, conversation: Uuid, turn: u32) {
    let transaction = session.transaction().await.unwrap();
    transaction.execute(INSERT, &[&conversation, &person]).await.unwrap();
    match turn % 5 {
        0 => {
            let erase = "delete from public.chat_messages where id =
                (select id from public.chat_messages where content = 'x' order by id limit 1)";
            transaction.execute(erase, &[]).await.unwrap();
        }
        1 => {
            let rate = "update public.chat_messages set rating = 1 + $1 % 5, deleted_at = clock_timestamp()
                where id in (select id from public.chat_messages order by id desc limit 5)";
            transaction.execute(rate, &[&turn.cast_signed()]).await.unwrap();
        }
        2 => {
            let rename = "update public.conversations set title = gen_random_uuid()::text where id = $1";
            transaction.execute(rename, &[&conversation]).await.unwrap();
        }
        _ => transaction.batch_execute("select pg_sleep(0.02)").await.unwrap(),
    }
    transaction.commit().await.unwrap();
}

/// A device that pulls in small pages and remembers all it was given.
struct Puller {
    session: Session,
    epoch: String,
    cursor: Cursor,
    given: Numbers,
}

impl Puller {
    async fn start(database: &Database, person: Uuid) -> Self {
        let session = database.as_user(person).await;
        let epoch = session.hello().await["epoch"].as_str().unwrap().to_owned();
        Self { session, epoch, cursor: Cursor::start(), given: Numbers::new() }
    }

    /// Pulls one page and says how many rows it had.
    async fn step(&mut self) -> usize {
        let page = self.session.pull(&self.epoch, &self.cursor, 37).await;
        let rows = page["rows"].as_array().unwrap_or_else(|| panic!("{page}"));
        for given in rows {
            let row = &given["row"];
            let id = row["id"].as_str().unwrap().parse().unwrap();
            let number = row["change_seq"].as_i64().unwrap();
            let key = (given["table"].as_str().unwrap().to_owned(), id);
            let before = self.given.insert(key, number);
            assert!(before.is_none_or(|before| before < number), "no row comes twice with the same number");
        }
        self.cursor = Cursor::next(&page);
        rows.len()
    }

    async fn caught_up(mut self) -> Self {
        while self.step().await > 0 {}
        self
    }

    /// The rows and tombstones of the owner whose last number this device was never given.
    async fn missed(&self, owner: &Client, person: Uuid) -> Numbers {
        let tables = owner.query("select table_name, owner_column from airi_private.sync_tables", &[]).await.unwrap();
        let mut missed = Numbers::new();
        for table in tables {
            let (name, column): (String, String) = (table.get(0), table.get(1));
            let statement = format!("select id, change_seq from public.{name} where {column} = $1");
            for row in owner.query(&statement, &[&person]).await.unwrap() {
                let (key, number): (_, i64) = ((name.clone(), row.get(0)), row.get(1));
                if self.given.get(&key) != Some(&number) {
                    missed.insert(key, number);
                }
            }
        }
        missed
    }
}
