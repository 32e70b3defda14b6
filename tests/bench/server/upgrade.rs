//! How long our migrations keep the writers of a deployment waiting. A database that others made, with rows, as
//! `supabase/tests/fixtures/deployed_base.sql` says; then the official command line applies everything from 004 on, while
//! clients insert, change and read all the time. The figure is the longest wait of any of them, and by which migration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use airi_tests::postgres::connect;
use airi_tests::{Cloud, CloudOptions, Migrations, migrations};
use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::cost;
use crate::operation::{operation, repository};
use crate::report::{Reached, Section, thousands};
use crate::rows::{self, Shape};

/// At every size, 10,000,000 messages included.
const GOAL: Duration = Duration::from_secs(5);
const WRITERS: usize = 4;
/// A wait below this is no wait for a lock.
const NOTED: Duration = Duration::from_millis(50);

/// What the command line keeps of a deployment that applied its own 001 to 003.
const HISTORY: &str = "
    create schema supabase_migrations;
    create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
    insert into supabase_migrations.schema_migrations (version, name)
    values ('001', 'base_tables'), ('002', 'base_security'), ('003', 'base_functions');";

/// How often the push is made again, each time from the migration that did not get its locks.
const TRIES: u32 = 100;

/// One statement of a client: from when to when, since the start; and whether it was given up, the two having met head-on.
#[derive(Clone, Copy)]
struct Turn {
    from: Duration,
    to: Duration,
    refused: bool,
}

/// With `prepared`, as docs/operations.md says for a large one: after `before-upgrade.sh`, which is measured alike, and with a
/// push that gives way.
pub(crate) async fn measure(shape: &Shape, prepared: bool) -> Result<Section> {
    let cloud = Cloud::start(CloudOptions { migrations: Migrations::None, ..CloudOptions::default() }).await?;
    let admin = connect(&cloud.superuser_url()?.parse()?).await?;
    let owner = connect(&cloud.database_url.parse()?).await?;
    for file in ["supabase/migrations/001_base_tables.sql", "supabase/tests/fixtures/deployed_base.sql"] {
        let script = std::fs::read_to_string(repository().join(file)).with_context(|| file.to_owned())?;
        owner.batch_execute(&script).await.with_context(|| file.to_owned())?;
    }
    owner.batch_execute(HISTORY).await?;
    rows::fill_base(&admin, shape).await?;

    let started = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let client = connect(&cloud.database_url.parse()?).await?;
        writers.spawn(write(client, number, started, Arc::clone(&stop)));
    }
    let name = cost::short(shape.messages);
    let (suffix, how) = if prepared { ("-prepared", ", prepared") } else { ("", "") };
    let mut section = Section::new(
        format!("server-upgrade{suffix}-{name}"),
        format!("Upgrade of a deployment with {} messages{how}", thousands(shape.messages)),
    );
    let mut steps = Vec::new();
    if prepared {
        let before = started.elapsed();
        operation(&cloud.database_url, "before-upgrade.sh", &[]).await?;
        steps.push(("before-upgrade.sh".to_owned(), started.elapsed()));
        owner.batch_execute("alter role postgres set lock_timeout = '400ms'").await?;
        section.notes.push(format!("`before-upgrade.sh` took {:.1} s.", (started.elapsed() - before).as_secs_f64()));
    }
    let watcher = tokio::spawn(watch(connect(&cloud.database_url.parse()?).await?, started, Arc::clone(&stop)));
    let before = started.elapsed();
    let mut tries = 1;
    while let Err(error) = migrations::push(&repository(), &cloud.database_url).await {
        let said = format!("{error:#}");
        if tries == TRIES || !(said.contains("40P01") || said.contains("55P03")) {
            return Err(error);
        }
        tries += 1;
    }
    let took = started.elapsed() - before;
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    steps.extend(watcher.await??);
    let mut turns = Vec::new();
    while let Some(of_one) = writers.join_next().await {
        turns.extend(of_one??);
    }

    // Whoever waited for a migration went on when it was committed: it is the last one before the statement's end.
    let mut worst: BTreeMap<String, Duration> = BTreeMap::new();
    for turn in &turns {
        let step = steps.iter().rev().find(|(_, at)| *at <= turn.to + Duration::from_millis(20));
        let name = step.map_or("before", |(name, _)| name.as_str());
        let wait = turn.to - turn.from;
        let entry = worst.entry(name.to_owned()).or_default();
        *entry = (*entry).max(wait);
    }
    let longest = worst.values().max().copied().unwrap_or_default();
    let refused = turns.iter().filter(|turn| turn.refused).count();
    section.row("writes that ended in a deadlock", refused.to_string(), "", "", "0", refused == 0);
    section.row("times that the push had to be made", tries.to_string(), "", "", "", Reached::NoGoal);
    section.row(
        "the longest wait of a writer",
        format!("{:.2} s", longest.as_secs_f64()),
        "",
        "",
        "≤ 5 s",
        longest <= GOAL,
    );
    for (step, wait) in worst.iter().filter(|(_, wait)| **wait >= NOTED) {
        section.row(
            format!("… that ended with {step}"),
            format!("{:.2} s", wait.as_secs_f64()),
            "",
            "",
            "",
            Reached::NoGoal,
        );
    }
    section.notes.push(format!(
        "All migrations took {:.1} s, while {WRITERS} clients did {} statements.",
        took.as_secs_f64(),
        thousands(turns.len() as u64)
    ));
    cloud.stop().await?;
    Ok(section)
}

/// A client as the service has them: a new message, a changed one, a page, a star, each in its own transaction.
async fn write(client: Client, number: usize, started: Instant, stop: Arc<AtomicBool>) -> Result<Vec<Turn>> {
    let known: Vec<(Uuid, Uuid)> = client
        .query(
            "select id, user_id from public.conversations order by md5(id::text) offset $1 limit 50",
            &[&(number as i64 * 50)],
        )
        .await?
        .into_iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let mut turns = Vec::new();
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (conversation, user) = known[turn % known.len()];
        let from = started.elapsed();
        let done = match turn % 4 {
            0 => {
                let insert = "insert into public.chat_messages (conversation_id, user_id, role, content) values ($1, $2, 'user', 'x')";
                client.execute(insert, &[&conversation, &user]).await
            }
            1 => {
                let change = "update public.chat_messages set rating = 1 + coalesce(rating, 0) % 5 where id =
                    (select id from public.chat_messages where conversation_id = $1 limit 1)";
                client.execute(change, &[&conversation]).await
            }
            2 => {
                let page =
                    "select id from public.chat_messages where conversation_id = $1 order by created_at desc limit 50";
                client.query(page, &[&conversation]).await.map(|rows| rows.len() as u64)
            }
            _ => {
                let star = "update public.conversations set is_starred = not is_starred where id = $1";
                client.execute(star, &[&conversation]).await
            }
        };
        let refused = match done {
            Err(error) if error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED) => true,
            done => done.map(|_| false).with_context(|| format!("writer {number}, turn {turn}"))?,
        };
        turns.push(Turn { from, to: started.elapsed(), refused });
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(turns)
}

/// When each migration was committed.
async fn watch(client: Client, started: Instant, stop: Arc<AtomicBool>) -> Result<Vec<(String, Duration)>> {
    let mut seen: Vec<(String, Duration)> = Vec::new();
    let asked =
        "select version || '_' || name from supabase_migrations.schema_migrations where version > '003' order by 1";
    while !stop.load(Ordering::Relaxed) {
        for row in client.query(asked, &[]).await?.into_iter().skip(seen.len()) {
            seen.push((row.get(0), started.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(seen)
}
