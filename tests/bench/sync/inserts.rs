//! What the sync triggers cost the server: inserts of a signed-in user with them and without, in turn, in the same table;
//! the pages that PostgreSQL touches; and deadlocks under plain clients that insert and rename at once.

use crate::report::{Reached, Section};
use crate::server::Server;
use crate::stats::Sample;
use airi_tests::User;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::time::Instant;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

const BULK: i32 = 500;
const SINGLES: usize = 100;
/// What number a message: the counters of the conversation stay, other clients need them in any case.
const TRIGGERS: [&str; 2] = ["aa_sync_lock", "zz_sync_insert"];
const INSERT: &str = "insert into public.chat_messages (conversation_id, user_id, role, content, total_tokens) \
    select $1, $2, 'user', repeat('a message of a usual length ', 40) || n, 250 from generate_series(1, $3::int) as n";

pub(crate) async fn measure(server: &Server, section: &mut Section, rounds: usize) -> Result<()> {
    let user = server.user().await?;
    let client = server.cloud.connect().await?;
    act_as(&client, &user).await?;
    let conversation = conversation(&client, &user).await?;
    let mut bulk = [Sample::default(), Sample::default()];
    let mut single = [Sample::default(), Sample::default()];
    let mut buffers = [[0_i64; 2]; 2];
    // The first round is for caches and plans.
    for round in 0..=rounds {
        for with in [true, false] {
            switch(&server.database, with).await?;
            let at = usize::from(!with);
            let one = insert(&client, conversation, &user, BULK, 4).await?;
            let many = insert(&client, conversation, &user, 1, SINGLES).await?;
            if round > 0 {
                bulk[at].push(one);
                single[at].push(many);
            }
            for (i, rows) in [BULK, 1].into_iter().enumerate() {
                buffers[at][i] = touched(&client, conversation, &user, rows).await?;
            }
        }
    }
    switch(&server.database, true).await?;
    for (what, sample, goal, i) in [("500 messages in one statement", &bulk, 1.5, 0), ("one message", &single, 2.0, 1)]
    {
        let ratio = sample[0].over(&sample[1]);
        section.row(
            format!("server: insert of {what}, with the sync triggers beside without ({rounds} rounds)"),
            sample[0].as_time(),
            sample[1].as_time(),
            ratio.as_ratio(),
            format!("≤ {goal} ×"),
            ratio.median() <= goal,
        );
        section.row(
            format!("server: buffers of an insert of {what}"),
            buffers[0][i].to_string(),
            buffers[1][i].to_string(),
            format!("{:.2} ×", buffers[0][i] as f64 / buffers[1][i] as f64),
            "",
            Reached::NoGoal,
        );
    }
    let (transactions, found) = deadlocks(server, &user, conversation).await?;
    section.row(
        format!("server: deadlocks in {transactions} inserts and renames of four plain clients"),
        found.to_string(),
        "",
        "",
        "0",
        found == 0,
    );
    Ok(())
}

/// From now on the connection is a signed-in client's.
async fn act_as(client: &Client, user: &User) -> Result<()> {
    let claims = json!({ "sub": user.id, "role": "authenticated" }).to_string();
    client.execute("select set_config('request.jwt.claims', $1, false)", &[&claims]).await?;
    client.batch_execute("set role authenticated").await?;
    Ok(())
}

async fn conversation(client: &Client, user: &User) -> Result<Uuid> {
    let sql = "insert into public.conversations (user_id, title, model_id, provider_id) values ($1, 'bench', '', '') \
               returning id";
    Ok(client.query_one(sql, &[&user.id]).await?.get(0))
}

async fn switch(database: &Client, on: bool) -> Result<()> {
    let verb = if on { "enable" } else { "disable" };
    for trigger in TRIGGERS {
        database.batch_execute(&format!("alter table public.chat_messages {verb} trigger {trigger}")).await?;
    }
    Ok(())
}

/// Milliseconds of one statement, out of `times` of them, each a transaction of its own.
async fn insert(client: &Client, conversation: Uuid, user: &User, rows: i32, times: usize) -> Result<f64> {
    let statement = client.prepare(INSERT).await?;
    let start = Instant::now();
    for _ in 0..times {
        client.execute(&statement, &[&conversation, &user.id, &rows]).await?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e3 / times as f64)
}

/// Buffers hit, read and made, triggers included.
async fn touched(client: &Client, conversation: Uuid, user: &User, rows: i32) -> Result<i64> {
    let sql = INSERT
        .replace("$1", &format!("'{conversation}'::uuid"))
        .replace("$2", &format!("'{}'::uuid", user.id))
        .replace("$3::int", &rows.to_string());
    let plan: Value = client.query_one(&format!("explain (analyze, buffers, format json) {sql}"), &[]).await?.get(0);
    let plan = &plan[0]["Plan"];
    ["Shared Hit Blocks", "Shared Read Blocks"]
        .iter()
        .map(|field| plan[field].as_i64().with_context(|| format!("a plan has {field}")))
        .sum()
}

/// Four clients of one user, each 900 transactions: inserts and renames in turn, out of step.
async fn deadlocks(server: &Server, user: &User, conversation: Uuid) -> Result<(usize, i64)> {
    const CLIENTS: usize = 4;
    const EACH: usize = 900;
    let before = server.deadlocks().await?;
    let mut tasks = Vec::new();
    for n in 0..CLIENTS {
        let client = server.cloud.connect().await?;
        act_as(&client, user).await?;
        let id = user.id;
        tasks.push(tokio::spawn(async move {
            let mut found = 0;
            for i in 0..EACH {
                let result = if (i + n).is_multiple_of(2) {
                    client.execute(INSERT, &[&conversation, &id, &1_i32]).await
                } else {
                    let title = format!("{n}-{i}");
                    client
                        .execute("update public.conversations set title = $2 where id = $1", &[&conversation, &title])
                        .await
                };
                match result {
                    Ok(_) => {}
                    Err(error) if error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED) => found += 1,
                    Err(error) => return Err(error),
                }
            }
            Ok::<i64, tokio_postgres::Error>(found)
        }));
    }
    let mut found = 0;
    for task in tasks {
        found += task.await??;
    }
    Ok((CLIENTS * EACH, found.max(server.deadlocks().await? - before)))
}
