//! Search by meaning on a server that has pgvector: the index is used and shows nobody else's rows, both lists become one,
//! embeddings arrive in batches that no device hears of, and it can be turned on later, off, and on again.

use std::process::Child;

use airi_tests::VectorServer;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::database::Database;
use crate::people::{self, Person};
use crate::rollback::down;
use crate::session::{Session, code_of, json_of, number_of};
use crate::state;
use crate::tap;
use crate::world::{Cluster, Template, broom, push, repository};

struct Stage {
    cluster: Cluster,
    _server: VectorServer,
    _broom: Child,
}

static STAGE: OnceCell<Stage> = OnceCell::const_new();

async fn clone_of(template: Template) -> Database {
    let start = || async {
        let server = VectorServer::start().await.unwrap();
        let broom = broom(server.folder());
        let cluster = Cluster::of(Database::new(&server.owner_url(), &server.superuser_url()));
        Stage { cluster, _server: server, _broom: broom }
    };
    STAGE.get_or_init(start).await.cluster.clone_of(template).await
}

#[tokio::test]
async fn every_pgtap_file_passes_beside_pgvector() {
    let database = clone_of(Template::Vector).await;
    let mut faults = Vec::new();
    // 16 asks for pg_stat_statements, which this server does not have.
    for file in tap::scripts().into_iter().filter(|file| file != "16_monitoring.sql") {
        let report = tap::run(&database, &repository().join("supabase/tests").join(&file), "").await;
        faults.extend(report.fault().map(|fault| format!("{file}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn the_index_serves_a_signed_in_user_under_row_level_security() {
    let database = clone_of(Template::Vector).await;
    let owner = database.as_owner().await;
    let [a, b] = [people::person(&owner, "anna").await, people::person(&owner, "bert").await];
    fill(&owner, 2000, &a, &b).await;

    // A client's own statement, with nothing but the policy to hold it. So few rows are sorted sooner; not so here.
    let session = database.as_user(a.id).await;
    session.batch_execute("set enable_sort = off").await.unwrap();
    let explain = format!(
        "explain select id from public.chat_messages where deleted_at is null
         order by embedding operator(extensions.<=>) '{}' limit 10",
        topic(&owner, 0).await
    );
    let plan: Vec<String> = session.query(&explain, &[]).await.unwrap().into_iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    assert!(plan.contains("Index Scan using idx_chat_messages_embedding"), "{plan}");
    assert!(plan.contains("= user_id)"), "the policy stays in it: {plan}");

    // Ours goes through it where one owns much, and not where one owns little.
    for (person, through_index) in [(&a, true), (&b, false)] {
        let before = number_of(&owner, SCANS).await;
        let session = database.as_user(person.id).await;
        let mut shared = 0;
        for n in [0, 7, 14, 21, 28, 35] {
            let vector = topic(&owner, n).await;
            let found = nearest(&session, "nearest_messages", &vector, person).await;
            let exact = nearest(&session, "nearest_by_owner", &vector, person).await;
            assert_eq!((found.len(), exact.len()), (50, 50));
            shared += exact.iter().filter(|id| found.contains(id)).count();
            let hybrid = format!(
                "select coalesce(string_agg(distinct content, ' '), '') from public.search_messages_hybrid(null, '{}', 5)",
                array(&vector)
            );
            let text: String = session.query_one(&hybrid, &[]).await.unwrap().get(0);
            assert_eq!(text, format!("topic {n}"), "the nearest are of the topic");
        }
        assert!(shared >= 6 * 50 * 95 / 100, "{shared} of 300 that are nearest were found");
        session.batch_execute("select pg_stat_force_next_flush()").await.unwrap();
        let scans = number_of(&owner, SCANS).await - before;
        assert_eq!(scans > 0, through_index, "{}: {scans} scans", person.mark);
    }

    // A walk that gives up before it has found enough, as it may among millions of others' rows, is not the answer.
    owner
        .batch_execute(
            "create or replace function airi_private.nearest_by_index(p_embedding real[], p_limit int)
             returns table (id uuid, distance double precision) language sql stable set search_path = ''
             as 'select * from airi_private.nearest_by_owner(p_embedding, 3)'",
        )
        .await
        .unwrap();
    let vector = topic(&owner, 0).await;
    assert_eq!(nearest(&session, "nearest_by_index", &vector, &a).await.len(), 3);
    let exact = nearest(&session, "nearest_by_owner", &vector, &a).await;
    assert_eq!(exact.len(), 50);
    assert_eq!(nearest(&session, "nearest_messages", &vector, &a).await, exact);
}

#[tokio::test]
async fn words_and_meaning_become_one_list() {
    let database = clone_of(Template::Vector).await;
    let owner = database.as_owner().await;
    let [a, b] = [people::person(&owner, "anna").await, people::person(&owner, "bert").await];
    let service = database.as_service().await;
    let mut ids = Vec::new();
    for (person, text, at) in [
        (&a, "a green database", 1),
        (&a, "verdant rows", 2),
        (&a, "green green green", 4),
        (&a, "nothing of it", 3),
        (&b, "green database", 1),
    ] {
        let id = say(&owner, person, text).await;
        assert_eq!(set(&service, &json!([{"id": id, "embedding": axis(at)}])).await.unwrap(), 1);
        ids.push(id);
    }
    let session = database.as_user(a.id).await;
    // Nearest to the first axis, then to the next ones.
    let question: Vec<f32> = (1..=1536_u16).map(|place| 1.0 / f32::from(place)).collect();
    let question = array(&format!("{question:?}"));
    let ask = |query: &str, with_meaning: bool, page: &str| {
        let vector = if with_meaning { format!("'{question}'") } else { "null".to_owned() };
        format!("select id from public.search_messages_hybrid('{query}', {vector}{page})")
    };
    let found = async |statement: String| -> Vec<Uuid> {
        session.query(&statement, &[]).await.unwrap().into_iter().map(|row| row.get(0)).collect()
    };
    let all = found(ask("green ", true, "")).await;
    assert_eq!(all[..2], [ids[0], ids[2]], "what both name stands first");
    assert_eq!(all.len(), 4, "each once, and nobody else's: {all:?}");
    assert_eq!(
        found(ask("green ", false, "")).await,
        found("select id from public.search_messages('green ')".into()).await
    );
    assert_eq!(found(ask("", true, ", 2")).await, ids[..2], "meaning alone");
    let mut pages = Vec::new();
    for offset in 0..5 {
        pages.extend(found(ask("green ", true, &format!(", 1, {offset}"))).await);
    }
    assert_eq!(pages, all, "pages are parts of the whole");
    let row = session
        .query_one(&ask("green ", true, ", 1").replace("id from", "score, word_place, meaning_place from"), &[])
        .await
        .unwrap();
    let (score, words, meaning): (f64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    assert!(
        (score - 1.0 / (60 + words) as f64 - 1.0 / (60 + meaning) as f64).abs() < 1e-12,
        "{score} {words} {meaning}"
    );

    // What is deleted is found by neither.
    session.execute("update public.chat_messages set deleted_at = now() where id = $1", &[&ids[0]]).await.unwrap();
    assert!(!found(ask("green ", true, "")).await.contains(&ids[0]));
    session.batch_execute("update public.conversations set deleted_at = now()").await.unwrap();
    assert_eq!(found(ask("green ", true, "")).await, Vec::<Uuid>::new());
    // Whoever has no account is told nothing.
    let stranger = database.as_user(Uuid::new_v4()).await;
    assert!(stranger.query(&ask("green ", true, ""), &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_vector_is_refused_in_plain_words() {
    let database = clone_of(Template::Vector).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "anna").await;
    let session = database.as_user(person.id).await;
    let whole = |filler: &str| format!("array_fill({filler}::real, array[1536])");
    for (vector, message) in [
        ("array[1, 2, 3]::real[]".to_owned(), "an embedding has 1536 numbers here, this one has 3"),
        ("'{}'::real[]".to_owned(), "an embedding has 1536 numbers here, this one has 0"),
        ("array_fill(1::real, array[2, 768])".to_owned(), "an embedding has 1536 numbers here, this one has 1536"),
        (whole("'NaN'"), "an embedding is made of finite numbers"),
        (whole("'Infinity'"), "an embedding is made of finite numbers"),
        (whole("null"), "an embedding is made of finite numbers"),
        (whole("0"), "an embedding of zeros points nowhere"),
    ] {
        let statement = format!("select * from public.search_messages_hybrid('x', {vector})");
        let error = session.query(&statement, &[]).await.unwrap_err();
        assert_eq!((code_of(&error).as_str(), error.as_db_error().unwrap().message()), ("22023", message), "{vector}");
    }
    let service = database.as_service().await;
    for rows in [
        json!({}),
        json!([{"id": person.message}]),
        json!([{"embedding": axis(1)}]),
        json!([{"id": person.message, "embedding": [1]}]),
        json!([{"id": person.message, "embedding": axis(1)}, {"id": person.message, "embedding": [1]}]),
        Value::from(vec![json!({"id": person.message, "embedding": axis(1)}); 101]),
    ] {
        let error = set(&service, &rows).await.unwrap_err();
        assert_eq!(code_of(&error), "22023", "{error:?}");
    }
    assert_eq!(
        number_of(&owner, "select count(embedding) from public.chat_messages").await,
        0,
        "all of a batch or nothing"
    );
}

#[tokio::test]
async fn a_batch_of_embeddings_is_heard_of_by_no_device_and_waits_for_nobody() {
    let database = clone_of(Template::Vector).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "anna").await;
    for n in 0..5 {
        say(&owner, &person, &format!("message {n}")).await;
    }
    let of_sync = "select jsonb_build_object('head', (select jsonb_agg(h) from public.sync_heads as h),
        'rows', (select jsonb_agg(to_jsonb(m) - 'embedding' order by id) from public.chat_messages as m),
        'conversations', (select jsonb_agg(c order by id) from public.conversations as c),
        'rung', (select count(*) from realtime.messages))::text";
    let before = json_of(&owner, of_sync).await;

    let service = database.as_service().await;
    let waiting = async |page: String| -> Vec<Uuid> {
        let statement = format!("select id from public.messages_to_embed({page})");
        service.query(&statement, &[]).await.unwrap().into_iter().map(|row| row.get(0)).collect()
    };
    let all = waiting("100".into()).await;
    assert_eq!(all.len(), 6);
    // In pages, so that one which no model takes does not stand before the others.
    let page =
        "select created_at::text || ''',''' || id from public.messages_to_embed(4) order by created_at, id limit 1";
    let last: String = service.query_one(page, &[]).await.unwrap().get(0);
    assert_eq!(waiting(format!("4, '{last}'")).await, all[4..]);

    // Someone holds one of them: the batch goes on without.
    let mut busy = database.as_owner().await;
    let held = busy.transaction().await.unwrap();
    held.execute("select from public.chat_messages where id = $1 for update", &[&all[2]]).await.unwrap();
    service.batch_execute("set statement_timeout = '10s'").await.unwrap();
    let unknown = json!({"id": Uuid::new_v4(), "embedding": axis(1)});
    let batch: Vec<Value> = all.iter().map(|id| json!({"id": id, "embedding": axis(1)})).chain([unknown]).collect();
    assert_eq!(set(&service, &json!(batch)).await.unwrap(), 5);
    held.rollback().await.unwrap();
    assert_eq!(waiting("100".into()).await, [all[2]], "it waits still");
    assert_eq!(set(&service, &json!(batch)).await.unwrap(), 6, "again does no harm");
    assert_eq!(waiting("100".into()).await, Vec::<Uuid>::new());
    assert_eq!(json_of(&owner, of_sync).await, before, "no number, no counter, no bell");
    // The control: the same look notices a change that travels.
    owner.execute("update public.chat_messages set rating = 1 where id = $1", &[&all[0]]).await.unwrap();
    assert_ne!(json_of(&owner, of_sync).await, before);

    let session = database.as_user(person.id).await;
    for call in ["messages_to_embed()", "set_message_embeddings('[]')"] {
        let error = session.query(&format!("select public.{call}"), &[]).await.unwrap_err();
        assert_eq!(code_of(&error), "42501", "{call}: the server's alone");
    }
    let pulled =
        session.pull(session.hello().await["epoch"].as_str().unwrap(), &crate::session::Cursor::start(), 1000).await;
    assert!(!pulled.to_string().contains("embedding"), "nor does it travel");
}

#[tokio::test]
async fn it_is_turned_on_later_and_a_rollback_keeps_what_was_embedded() {
    for (template, column_is_ours) in [(Template::Base, true), (Template::Vector, false)] {
        let database = clone_of(template).await;
        let owner = database.as_owner().await;
        let person = people::person(&owner, "anna").await;
        let ask = format!("select id from public.search_messages_hybrid('anna', '{}')", array(&axis(1).to_string()));
        if column_is_ours {
            let error = database.as_user(person.id).await.query(&ask, &[]).await.unwrap_err();
            assert_eq!(code_of(&error), "0A000");
            assert_eq!(turn_on(&owner).await, 0, "nothing can be done without pgvector");
            let extension = "create extension vector with schema extensions";
            database.as_superuser().await.batch_execute(extension).await.unwrap();
            assert_eq!(turn_on(&owner).await, 3);
        }
        assert_eq!((turn_on(&owner).await, number_of(&owner, INDEXES).await), (0, 3), "{template:?}");
        let service = database.as_service().await;
        let batch = json!([{"id": person.message, "embedding": axis(1)}]);
        assert_eq!(set(&service, &batch).await.unwrap(), 1);

        let columns = state::columns(&owner).await;
        let before = (state::rows(&owner, &columns).await, state::catalog(&owner).await);
        down(&database, &owner, "032").await;
        let left = "select count(*) from pg_attribute where attname = 'embedding' and not attisdropped
            and attrelid in ('public.chat_messages'::regclass, 'public.chat_messages_partitioned'::regclass)";
        assert_eq!(number_of(&owner, left).await, if column_is_ours { 0 } else { 2 }, "what was there stays");
        assert_eq!(number_of(&owner, INDEXES).await, 0);
        push(&database).await;
        assert_eq!(state::rows(&owner, &columns).await, before.0);
        let after = state::catalog(&owner).await;
        assert_eq!(after.symmetric_difference(&before.1).collect::<Vec<_>>(), Vec::<&String>::new());
        assert_eq!(database.as_user(person.id).await.query(&ask, &[]).await.unwrap().len(), 1);

        // Down to an empty project as well.
        down(&database, &owner, "001").await;
        push(&database).await;
        assert_eq!(state::rows(&owner, &columns).await["public.chat_messages"], before.0["public.chat_messages"]);
        assert_eq!(number_of(&owner, INDEXES).await, 3);
    }
}

/// The three indexes of 032.
const INDEXES: &str = "select count(*) from pg_index where indisvalid and indexrelid in (
    to_regclass('public.idx_chat_messages_embedding'), to_regclass('public.idx_chat_messages_embedded'),
    to_regclass('public.idx_chat_messages_to_embed'))";

const SCANS: &str = "select idx_scan from pg_stat_user_indexes where indexrelname = 'idx_chat_messages_embedding'";

/// What an operator does by `\gexec`; returns how many statements remained.
async fn turn_on(owner: &Client) -> usize {
    let remaining = owner.query("select airi_private.enable_embeddings()", &[]).await.unwrap();
    for row in &remaining {
        owner.batch_execute(row.get(0)).await.unwrap();
    }
    remaining.len()
}

/// Messages around 40 topics, seven of eight the first one's, and the index built after them.
async fn fill(owner: &Client, messages: u32, first: &Person, second: &Person) {
    let statement = format!(
        "drop index public.idx_chat_messages_embedding;
         select setseed(0.5);
         create temp table topics as select t, (select array_agg(random() - 0.5)
           from generate_series(1, 1536) where t is not null)::extensions.vector as v from generate_series(0, 39) as t;
         insert into public.chat_messages (conversation_id, user_id, role, content, embedding)
         select case n % 8 when 0 then '{}'::uuid else '{}' end, case n % 8 when 0 then '{}'::uuid else '{}' end,
           'user', 'topic ' || t.t,
           t.v + (select array_agg((random() - 0.5) * 0.8) from generate_series(1, 1536) where n is not null)::extensions.vector
         from generate_series(1, {messages}) as n join topics as t on t.t = n / 8 % 40",
        second.conversation, first.conversation, second.id, first.id
    );
    owner.batch_execute(&statement).await.unwrap();
    assert_eq!(turn_on(owner).await, 1);
    owner.batch_execute("vacuum (analyze) public.chat_messages").await.unwrap();
}

/// The middle of a topic, as pgvector writes it.
async fn topic(owner: &Client, number: i32) -> String {
    owner.query_one("select v::text from topics where t = $1", &[&number]).await.unwrap().get(0)
}

/// The same as an array of PostgreSQL.
fn array(vector: &str) -> String {
    vector.replace('[', "{").replace(']', "}")
}

/// Points along one of the 1,536 axes.
fn axis(place: usize) -> Value {
    (1..=1536).map(|i| if i == place { 1 } else { 0 }).collect::<Vec<i32>>().into()
}

async fn nearest(session: &Session, function: &str, vector: &str, person: &Person) -> Vec<Uuid> {
    let statement = format!(
        "select m.user_id, n.id from airi_private.{function}('{}', 50) as n join public.chat_messages as m using (id)",
        array(vector)
    );
    let rows = session.query(&statement, &[]).await.unwrap();
    assert!(rows.iter().all(|row| row.get::<_, Uuid>(0) == person.id), "nobody else's");
    rows.iter().map(|row| row.get(1)).collect()
}

async fn set(service: &Session, rows: &Value) -> Result<i32, tokio_postgres::Error> {
    Ok(service.query_one("select public.set_message_embeddings($1)", &[rows]).await?.get(0))
}

async fn say(owner: &Client, person: &Person, text: &str) -> Uuid {
    let statement = "insert into public.chat_messages (conversation_id, user_id, role, content)
        values ($1, $2, 'user', $3) returning id";
    owner.query_one(statement, &[&person.conversation, &person.id, &text]).await.unwrap().get(0)
}
