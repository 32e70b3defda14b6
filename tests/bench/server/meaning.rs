//! Search by meaning: what it costs in buffers and how much of the truth it finds, on a PostgreSQL with pgvector. Vectors are
//! made around 200 topics, from a seed; the truth is the same question answered by looking at every one of the user's.

use airi_tests::postgres::connect;
use airi_tests::{VectorServer, migrations};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::time::Instant;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::cost::{act_as, cost};
use crate::report::{Reached, Section, thousands};

const QUESTIONS: u32 = 20;

pub(crate) async fn measure(messages: u64, seed: u32) -> Result<Section> {
    let server = VectorServer::start().await?;
    let admin = connect(&server.superuser_url().parse()?).await?;
    admin.batch_execute("create extension vector with schema extensions").await?;
    migrations::push(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &server.owner_url()).await?;
    let owner = connect(&server.owner_url().parse()?).await?;
    let building = fill(&admin, &owner, messages, seed).await?;

    let mut section =
        Section::new("meaning", format!("Search by meaning, {} vectors of 1,536 numbers", thousands(messages)));
    let sizes = owner
        .query_one(
            "select pg_relation_size('public.idx_chat_messages_embedding'), extversion from pg_extension where extname = 'vector'",
            &[],
        )
        .await?;
    let (index, version): (i64, String) = (sizes.get(0), sizes.get(1));
    section.row(
        "size of the HNSW index",
        format!("{:.1} MB", index as f64 / 1e6),
        "",
        format!("{} bytes a vector", thousands(u64::try_from(index)? / messages)),
        "",
        Reached::NoGoal,
    );
    let topics: Vec<String> = owner
        .query("select (v::real[])::text from asked order by n", &[])
        .await?
        .into_iter()
        .map(|row| row.get(0))
        .collect();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    for share in [50, 10, 1] {
        let user: Uuid = owner.query_one("select id from owners where share = $1", &[&share]).await?.get(0);
        act_as(&owner, user).await?;
        let (mut by_index, mut by_owner, mut taken, mut found, mut sought) = (0, 0, 0, 0, 0);
        for vector in &topics {
            let call = |name: &str| format!("select id from airi_private.{name}('{vector}', 50)");
            by_index += cost(&owner, &call("nearest_by_index")).await?;
            by_owner += cost(&owner, &call("nearest_by_owner")).await?;
            taken += cost(&owner, &call("nearest_messages")).await?;
            let truth = ids(&owner, &call("nearest_by_owner")).await?;
            let ours = ids(&owner, &call("nearest_by_index")).await?;
            ensure!(truth.len() == 50, "every user has 50: {}", truth.len());
            found += truth.iter().filter(|id| ours.contains(id)).count();
            sought += truth.len();
        }
        owner.batch_execute("reset role; reset request.jwt.claims").await?;
        let questions = u64::from(QUESTIONS);
        section.row(
            format!(
                "nearest 50 of a user who owns {share} %: buffers through the index, beside looking at all of theirs"
            ),
            thousands(by_index / questions),
            thousands(by_owner / questions),
            format!(
                "{:.2} ×; the way that is taken: {}",
                by_owner as f64 / by_index as f64,
                thousands(taken / questions)
            ),
            "",
            Reached::NoGoal,
        );
        section.row(
            format!("of the true nearest 50, found through the index ({share} %)"),
            format!("{:.1} %", 100.0 * found as f64 / sought as f64),
            "",
            "",
            "",
            Reached::NoGoal,
        );
    }
    section.notes.push(format!(
        "PostgreSQL 16, pgvector {version}, m = 16, ef_construction = 128, ef_search = 200, iterative scans in strict order; the index was \
         built after the rows in {building:.0} s. {QUESTIONS} questions near the middles of topics; means. Vectors that a model makes lie otherwise: \
         the recall of real ones has to be measured on them."
    ));
    Ok(section)
}

/// Rows of three users who own 50, 10 and 1 of a hundred, and of one for the rest; returns how long the index took.
async fn fill(admin: &Client, owner: &Client, messages: u64, seed: u32) -> Result<f64> {
    eprintln!("{messages} vectors");
    let statement = format!(
        "set session_replication_role = replica; drop index public.idx_chat_messages_embedding;
         select setseed({seed}::double precision / 1000);
         create table owners (share int, first int, id uuid default gen_random_uuid(), talk uuid default gen_random_uuid());
         insert into owners (share, first) values (50, 0), (10, 50), (1, 60), (39, 61);
         insert into auth.users (id, email) select id, share || '@example.test' from owners;
         insert into public.user_profiles (id) select id from owners;
         insert into public.conversations (id, user_id, model_id, provider_id) select talk, id, 'm', 'p' from owners;
         create table topics as select t, (select array_agg(random() - 0.5)
           from generate_series(1, 1536) where t is not null)::extensions.vector as v from generate_series(0, 199) as t;
         insert into public.chat_messages (conversation_id, user_id, role, content, embedding)
         select o.talk, o.id, 'user', 'topic ' || t.t,
           t.v + (select array_agg((random() - 0.5) * 1.2) from generate_series(1, 1536) where n is not null)::extensions.vector
         from generate_series(1, {messages}) as n join topics as t on t.t = (hashint4(n) & 2147483647) % 200
         join owners as o on n % 100 >= o.first and n % 100 < o.first + o.share;
         create table asked as select n, t.v + (select array_agg((random() - 0.5) * 0.6)
           from generate_series(1, 1536) where n is not null)::extensions.vector as v
         from generate_series(1, {QUESTIONS}) as n join topics as t on t.t = n * 9;
         grant select on owners, asked to postgres"
    );
    admin.batch_execute(&statement).await.context("make vectors")?;
    owner.batch_execute("set maintenance_work_mem = '1GB'; set statement_timeout = 0").await?;
    let started = Instant::now();
    for row in owner.query("select airi_private.enable_embeddings()", &[]).await? {
        owner.batch_execute(row.get(0)).await?;
    }
    let building = started.elapsed().as_secs_f64();
    admin.batch_execute("vacuum (analyze) public.chat_messages").await?;
    Ok(building)
}

async fn ids(session: &Client, statement: &str) -> Result<Vec<Uuid>> {
    Ok(session.query(statement, &[]).await?.into_iter().map(|row| row.get(0)).collect())
}
