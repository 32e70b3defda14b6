//! `chat_messages` moves to partitions by month and back, by the operator's scripts, while people and the service go on
//! writing: nobody is refused or waits long, no row is lost, and everything that hung on the table works on the other one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use airi_tests::{Cloud, CloudOptions};
use axum::http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::database::Database;
use crate::http::{Caller, ask_at, call, sign_in};
use crate::people::{self, Person};
use crate::session::{Cursor, Session, code_of, number_of};
use crate::state;
use crate::tap;
use crate::world::{Template, clone_of, repository};

/// As many months of history as there are messages in the year and a quarter that it spans.
const MONTHS: u32 = 15;
const MESSAGES: u32 = 1500;
/// The goal at any size; what a switch takes does not depend on it.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Runs a step of the operator's script; what it printed, or its complaint.
async fn step(database: &Database, args: &[&str]) -> Result<String, String> {
    // Small batches, so that there are many beside the writers.
    database.operation("partition-messages.sh", args, &[("PAGES", "10")]).await
}

async fn steps(database: &Database, names: &[&str]) {
    for name in names {
        step(database, &[name]).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// A history over many months, by the function that the app pushes with.
async fn fill(session: &Session, person: &Person) {
    for batch in 0..MESSAGES / 500 {
        let operations: Vec<Value> = (0..500)
            .map(|n| {
                let number = batch * 500 + n;
                let day = number * MONTHS * 30 / MESSAGES;
                let at = format!("{}-{:02}-{:02}T10:00:00.{:06}Z", 2025 + day / 360, day / 30 % 12 + 1, day % 30 % 28 + 1, number);
                let here = if n % 3 == 0 { person.other_conversation } else { person.conversation };
                json!({"op_id": Uuid::new_v4(), "lane": here, "table": "chat_messages", "id": Uuid::new_v4(), "kind": "insert",
                    "row": {"conversation_id": here, "role": if n % 2 == 0 { "user" } else { "assistant" },
                        "content": format!("{} {number} {}", person.mark, "text ".repeat(200)), "created_at": at}})
            })
            .collect();
        let answer = session.push(&json!(operations)).await.unwrap();
        assert!(answer["results"].as_array().unwrap().iter().all(|result| result["status"] == "applied"), "{answer}");
    }
    session
        .batch_execute(
            "insert into public.message_attachments (message_id, file_name, storage_path)
             select id, 'f', '' from public.chat_messages order by id limit 60;
             update public.chat_messages set deleted_at = now() where id in (select id from public.chat_messages order by id limit 40)",
        )
        .await
        .unwrap();
}

/// Who goes on writing, and how long the longest of their statements took.
struct Writers {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU32>,
    tasks: JoinSet<Duration>,
}

impl Writers {
    /// Two clients of each person and the service beside them.
    async fn start(database: &Database, people: &[Person]) -> Self {
        let mut writers = Self { stop: Arc::default(), done: Arc::default(), tasks: JoinSet::new() };
        for (number, person) in people.iter().cycle().take(people.len() * 2).enumerate() {
            let (person, stop, done) = (person.clone(), Arc::clone(&writers.stop), Arc::clone(&writers.done));
            let (user, service) = (database.as_user(person.id).await, database.as_service().await);
            writers.tasks.spawn(async move {
                let mut longest = Duration::ZERO;
                for turn in u32::try_from(number).unwrap().. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let started = Instant::now();
                    write(&user, &service, &person, turn)
                        .await
                        .unwrap_or_else(|error| panic!("turn {turn}: {error:?}"));
                    longest = longest.max(started.elapsed());
                    done.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                longest
            });
        }
        writers
    }

    /// Until so many more writes are done.
    async fn go_on(&self, writes: u32) {
        let until = self.done.load(Ordering::Relaxed) + writes;
        let started = Instant::now();
        while self.done.load(Ordering::Relaxed) < until {
            assert!(started.elapsed() < Duration::from_secs(120), "the writers got stuck");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn end(mut self) -> (u32, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        let mut longest = Duration::ZERO;
        while let Some(of_one) = self.tasks.join_next().await {
            longest = longest.max(of_one.unwrap());
        }
        (self.done.load(Ordering::Relaxed), longest)
    }
}

/// One transaction of the kinds that there are.
async fn write(user: &Session, service: &Session, person: &Person, turn: u32) -> Result<(), tokio_postgres::Error> {
    const SOME: &str = "(select m.id from public.chat_messages as m order by md5(m.id::text || $1) limit 1)";
    const INSERT: &str = "insert into public.chat_messages (conversation_id, user_id, role, content, created_at)
        values ($1, $2, 'assistant', 'answer', now() - interval '1 day' * $3)";
    let salt = turn.to_string();
    let some = |statement: &str| statement.replace(":some", SOME);
    match turn % 8 {
        0 | 1 => user.execute(INSERT, &[&person.conversation, &person.id, &f64::from(turn % 400)]).await,
        2 => {
            let operation = json!([{"op_id": Uuid::new_v4(), "lane": person.conversation, "table": "chat_messages",
                "id": Uuid::new_v4(), "kind": "insert", "row": {"conversation_id": person.conversation, "role": "user", "content": "x"}}]);
            let answer = user.push(&operation).await?;
            assert_eq!(answer["results"][0]["status"], "applied", "{answer}");
            Ok(1)
        }
        3 => user.execute(&some("update public.chat_messages set rating = 1 + length($1) where id = :some"), &[&salt]).await,
        4 => {
            let toggle = "update public.chat_messages set deleted_at = case when deleted_at is null then now() end where id = :some";
            user.execute(&some(toggle), &[&salt]).await
        }
        5 => user.execute(&some("delete from public.chat_messages where id = :some"), &[&salt]).await,
        6 => {
            let attach = "insert into public.message_attachments (message_id, file_name, storage_path)
                select :some, 'f', '' where exists (select :some)";
            user.execute(&some(attach), &[&salt]).await
        }
        _ => service.execute(INSERT, &[&person.other_conversation, &person.id, &0.0]).await,
    }
    .map(drop)
}

async fn assert_pgtap(database: &Database, but: &[&str]) {
    let mut faults = Vec::new();
    for file in tap::scripts().into_iter().filter(|name| !but.contains(&name.as_str())) {
        let report = tap::run(database, &repository().join("supabase/tests").join(&file), "").await;
        faults.extend(report.fault().map(|fault| format!("{file}: {fault}\n{}", report.text)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is said of one table: its triggers, policies and grants.
async fn belongings(owner: &Client) -> Vec<String> {
    let statement = "
        select pg_get_triggerdef(t.oid) from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
        where t.tgrelid = 'public.chat_messages'::regclass and not t.tgisinternal and p.pronamespace::regnamespace::text <> 'airi_partitions'
        union all
        select p.policyname || ' ' || p.cmd || coalesce(p.qual, '') || coalesce(p.with_check, '') || p.roles::text
        from pg_policies as p where p.schemaname = 'public' and p.tablename = 'chat_messages'
        union all
        select a.grantee::regrole || ' ' || a.privilege_type from pg_class as c, aclexplode(c.relacl) as a
        where c.oid = 'public.chat_messages'::regclass
        union all
        select a.grantee::regrole || ' ' || a.privilege_type || ' ' || t.attname from pg_attribute as t, aclexplode(t.attacl) as a
        where t.attrelid = 'public.chat_messages'::regclass
        order by 1";
    let lines = owner.query(statement, &[]).await.unwrap().into_iter().map(|row| plain(row.get(0)));
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

/// A condition is printed with more or fewer brackets, by how it was written.
fn plain(line: &str) -> String {
    line.replace(['(', ')'], "")
}

/// All of `public`, but for the months of the documented table: the test makes some.
async fn catalog(database: &Database) -> Vec<String> {
    let lines = state::catalog(&database.as_owner().await).await;
    lines.iter().filter(|line| !line.contains("chat_messages_y20")).map(|line| plain(line)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_move_to_months_and_back_beside_their_writers() {
    let cloud = Cloud::start(CloudOptions::default()).await.unwrap();
    let database = Database::new(&cloud.database_url, &cloud.superuser_url().unwrap());
    database
        .as_superuser()
        .await
        .batch_execute("create schema tap; create extension pgtap with schema tap")
        .await
        .unwrap();
    let owner = database.as_owner().await;
    let (mut people, mut callers) = (Vec::new(), Vec::new());
    for name in ["anna", "bert"] {
        let user = cloud.create_user().await.unwrap();
        let person = people::rows_of(&owner, user.id, name).await;
        people::sync_rows_of(&owner, &person).await;
        fill(&database.as_user(person.id).await, &person).await;
        callers.push(sign_in(&cloud, &user).await.0);
        people.push(person);
    }
    let former = (catalog(&database).await, belongings(&owner).await);

    // There, with someone writing all the time; the copy breaks off and goes on.
    let writers = Writers::start(&database, &people).await;
    writers.go_on(40).await;
    assert!(step(&database, &["copy"]).await.unwrap_err().contains("prepare comes first"));
    step(&database, &["prepare"]).await.unwrap();
    assert!(step(&database, &["switch"]).await.unwrap_err().contains("verify first"));
    let left = number_of(&owner, "select airi_partitions.copy_batch(3)").await;
    assert!(left > 0 && step(&database, &["verify"]).await.unwrap_err().contains("not everything is copied"));
    writers.go_on(40).await;
    steps(&database, &["copy", "verify"]).await;
    assert!(step(&database, &["switch"]).await.unwrap_err().contains("is not connected yet"));
    steps(&database, &["connect", "verify"]).await;
    writers.go_on(40).await;
    let started = Instant::now();
    assert_eq!(step(&database, &["switch"]).await.unwrap(), "months");
    let switch = started.elapsed();
    writers.go_on(200).await;
    // Both tables are the same still, because the former one follows.
    steps(&database, &["verify"]).await;
    let (writes, longest) = writers.end().await;
    println!("{writes} writes, the longest {longest:?}; the switch with its statistics {switch:?}");
    assert!(longest < LONGEST_WAIT, "a writer waited {longest:?}");
    assert_eq!(belongings(&owner).await, former.1, "triggers, policies and grants came along");
    let months =
        number_of(&owner, "select count(*) from pg_inherits where inhparent = 'public.chat_messages'::regclass").await;
    assert!(months > i64::from(MONTHS), "{months}");

    works_by_month(&cloud, &database, &people, &callers).await;

    // And back, with someone writing again.
    let writers = Writers::start(&database, &people).await;
    writers.go_on(40).await;
    steps(&database, &["connect", "verify", "switch"]).await;
    writers.go_on(100).await;
    steps(&database, &["verify"]).await;
    let (writes, longest) = writers.end().await;
    println!("back: {writes} writes, the longest {longest:?}");
    assert!(longest < LONGEST_WAIT, "a writer waited {longest:?}");
    assert_eq!(step(&database, &["finish"]).await.unwrap(), "whole");
    assert_eq!(catalog(&database).await, former.0, "nothing of the move is left");
    cloud.stop().await.unwrap();
}

/// What a user does with messages that lie in months: over the API and in SQL.
async fn works_by_month(cloud: &Cloud, database: &Database, people: &[Person], callers: &[Caller]) {
    let owner = database.as_owner().await;
    let [anna, bert] = people else { panic!("two people") };
    let user = database.as_user(anna.id).await;
    let count = format!("select count(*) from public.chat_messages where user_id = '{}'", anna.id);
    let held = number_of(&owner, &count).await;

    // A pull from the start brings every message once.
    let (mut cursor, mut pulled) = (Cursor::start(), Vec::new());
    let epoch = user.hello().await["epoch"].as_str().unwrap().to_owned();
    loop {
        let arguments =
            json!({"p_epoch": epoch, "p_seq": cursor.seq, "p_rank": cursor.rank, "p_id": cursor.id, "p_limit": 400});
        let page = call(cloud, &callers[0], "sync_pull", &arguments).await.json();
        pulled.extend(
            page["rows"]
                .as_array()
                .unwrap_or_else(|| panic!("{page}"))
                .iter()
                .filter(|row| row["table"] == "chat_messages")
                .map(|row| row["row"]["id"].as_str().unwrap().to_owned()),
        );
        cursor = Cursor::next(&page);
        if page["has_more"] == false {
            break;
        }
    }
    pulled.sort();
    let all = pulled.len();
    pulled.dedup();
    assert_eq!((all, i64::try_from(pulled.len()).unwrap()), (pulled.len(), held));

    // A new message, its rating, soft deletion and erasure with its file: each travels.
    let (id, file) = (Uuid::new_v4(), Uuid::new_v4());
    let push = |kind: &str, table: &str, id: Uuid, data: Value| {
        let mut operation =
            json!({"op_id": Uuid::new_v4(), "lane": anna.conversation, "table": table, "id": id, "kind": kind});
        operation[if kind == "insert" { "row" } else { "set" }] = data;
        operation
    };
    let message = json!({"conversation_id": anna.conversation, "role": "user", "content": "first", "created_at": "2025-03-05T00:00:00Z"});
    let operations = json!([
        push("insert", "chat_messages", id, message.clone()),
        push("insert", "message_attachments", file, json!({"message_id": id, "file_name": "f"})),
        push("patch", "chat_messages", id, json!({"rating": 5, "deleted_at": "2026-01-01T00:00:00Z"})),
        push(
            "insert",
            "message_attachments",
            Uuid::new_v4(),
            json!({"message_id": Uuid::new_v4(), "file_name": "orphan"})
        ),
    ]);
    let answer = call(cloud, &callers[0], "sync_push", &json!({"p_device": null, "p_ops": operations})).await.json();
    let results: Vec<&Value> = answer["results"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().collect();
    assert!(results[..3].iter().all(|result| result["status"] == "applied"), "{answer}");
    assert_eq!(results[3]["code"], "missing_parent", "{answer}");

    // The API joins the two tables as before, both ways.
    let path = format!("/rest/v1/chat_messages?id=eq.{id}&select=id,rating,message_attachments(file_name)");
    let rows = ask_at(cloud, &callers[0], Method::GET, &path, &[], None).await.rows();
    assert_eq!(rows, [json!({"id": id, "rating": 5, "message_attachments": [{"file_name": "f"}]})]);
    let path = format!("/rest/v1/message_attachments?id=eq.{file}&select=chat_messages(content)");
    let rows = ask_at(cloud, &callers[0], Method::GET, &path, &[], None).await.rows();
    assert_eq!(rows, [json!({"chat_messages": {"content": "first"}})]);
    assert!(ask_at(cloud, &callers[1], Method::GET, &path, &[], None).await.rows().is_empty());

    // An id is one message's, in all months, whoever else has it.
    for (at, who) in [("2025-03-05T00:00:00Z", &callers[1]), ("2025-11-05T00:00:00Z", &callers[1])] {
        let message =
            json!({"conversation_id": bert.conversation, "role": "user", "content": "taken", "created_at": at});
        let mut operation = push("insert", "chat_messages", id, message);
        operation["lane"] = json!(bert.conversation);
        let answer = call(cloud, who, "sync_push", &json!({"p_device": null, "p_ops": [operation]})).await.json();
        assert_eq!(answer["results"][0]["code"], "id_taken", "{at}: {answer}");
    }
    let again = "insert into public.chat_messages (id, conversation_id, user_id, role, content, created_at) values ($1, $2, $3, 'user', 'x', $4::text::timestamptz)";
    for at in ["2025-03-05 00:00:00+00", "2025-11-05 00:00:00+00"] {
        let error = user.execute(again, &[&id, &anna.conversation, &anna.id, &at]).await.unwrap_err();
        assert_eq!(code_of(&error), "23505", "{at}");
        assert!(error.as_db_error().unwrap().message().contains("pkey"));
    }
    let skipped = again.replace("::timestamptz)", "::timestamptz) on conflict do nothing");
    assert_eq!(
        user.execute(&skipped, &[&id, &anna.conversation, &anna.id, &"2025-03-05 00:00:00+00"]).await.unwrap(),
        0
    );
    let moved = "update public.chat_messages set created_at = now() where id = $1";
    assert_eq!(code_of(&owner.execute(moved, &[&id]).await.unwrap_err()), "23514", "no message changes its month");

    // References: none to what is not there, and each goes as it went before.
    let log = "insert into public.moderation_logs (user_id, message_id, content) values ($1, $2, 'looked at')";
    assert_eq!(code_of(&owner.execute(log, &[&anna.id, &Uuid::new_v4()]).await.unwrap_err()), "23503");
    owner.execute(log, &[&anna.id, &id]).await.unwrap();
    let before = user.head().await;
    let path = format!("/rest/v1/chat_messages?id=eq.{id}");
    assert!(ask_at(cloud, &callers[0], Method::DELETE, &path, &[], None).await.status.is_success());
    let page = user.pull(&epoch, &Cursor::after(before), 100).await;
    let tombs: Vec<_> = page["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["table"] == "tombstones")
        .map(|row| (row["row"]["table_name"].clone(), row["row"]["row_id"].clone()))
        .collect();
    assert_eq!(tombs, [(json!("chat_messages"), json!(id))], "one, by the name that devices know");
    assert_eq!(
        number_of(&owner, &format!("select count(*) from public.message_attachments where id = '{file}'")).await,
        0
    );
    let logged = "select count(*) from public.moderation_logs where content = 'looked at' and message_id is null";
    assert_eq!(number_of(&owner, logged).await, 1);
    owner.batch_execute("delete from public.moderation_logs where content = 'looked at'").await.unwrap();

    // A page far back looks into no month after it, the newest one into none that it does not need.
    let page = |bound: &str| {
        format!("explain (analyze, costs off, timing off, summary off) select m.* from public.chat_messages as m
            where m.conversation_id = '{}' and m.deleted_at is null {bound} order by m.created_at desc, m.id desc limit 20", anna.conversation)
    };
    let far = plan(
        &owner,
        &page("and m.created_at <= '2025-06-15' and (m.created_at, m.id) < ('2025-06-15', gen_random_uuid())"),
    )
    .await;
    assert!(far.contains("chat_messages_2025_06") && !far.contains("chat_messages_2025_07"), "{far}");
    let newest = plan(&owner, &page("")).await;
    assert!(newest.lines().filter(|line| line.contains("never executed")).count() > 5, "{newest}");
    let text = "select count(*) from public.get_conversation_messages($1, 50, '2025-06-15', null)";
    assert_eq!(user.query_one(text, &[&anna.conversation]).await.unwrap().get::<_, i64>(0), 50);

    // The months themselves are closed, and new ones are made with the rows that waited for them.
    let strangers =
        "select count(*) from pg_inherits as i, unnest(array['anon', 'authenticated', 'service_role']) as who
        where inhparent = 'public.chat_messages'::regclass
          and has_table_privilege(who, i.inhrelid, 'select, insert, update, delete, truncate, references, trigger')";
    assert_eq!(number_of(&owner, strangers).await, 0);
    let open = "select count(*) from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
        where inhparent = 'public.chat_messages'::regclass and not c.relrowsecurity";
    assert_eq!(number_of(&owner, open).await, 0);
    let later = "insert into public.chat_messages (conversation_id, user_id, role, content, created_at)
        values ($1, $2, 'user', 'later', now() + interval '5 months'), ($1, $2, 'user', 'far', 'infinity'), ($1, $2, 'user', 'old', '-infinity')";
    user.execute(later, &[&anna.conversation, &anna.id]).await.unwrap();
    let place = "select count(*) from public.chat_messages_later where content in ('later', 'far')";
    assert_eq!(number_of(&owner, place).await, 2);
    let (head, tombs) = (user.head().await, "select count(*) from public.tombstones");
    let buried = number_of(&owner, tombs).await;
    let made = "select airi_private.make_partitions(now() + interval '3 months')";
    assert_eq!(number_of(&owner, made).await, 7, "three months more, and four of the documented table, which had none");
    assert_eq!(number_of(&owner, made).await, 0);
    assert_eq!(number_of(&owner, place).await, 1, "the one that has a month now is there");
    assert_eq!((user.head().await, number_of(&owner, tombs).await), (head, buried), "which was no change");
    let found = "select count(*) from public.chat_messages where content in ('later', 'far', 'old')";
    assert_eq!(number_of(&user, found).await, 3);
    assert_eq!(
        user.execute("delete from public.chat_messages where content in ('later', 'far', 'old')", &[]).await.unwrap(),
        3
    );

    // Who goes, goes whole: all months, files, and the list of ids.
    let guest = people::person(&owner, "guest").await;
    fill(&database.as_user(guest.id).await, &guest).await;
    owner.execute("delete from auth.users where id = $1", &[&guest.id]).await.unwrap();
    assert!(state::rows_of(&owner, guest.id).await.is_empty());
    let unlisted = "select count(*) from airi_partitions.message_ids as i
        full join public.chat_messages as m on m.id = i.id where m.id is null or i.id is null";
    assert_eq!(number_of(&owner, unlisted).await, 0, "the list is that of the messages");
}

async fn plan(owner: &Client, statement: &str) -> String {
    let lines = owner.query(statement, &[]).await.unwrap();
    lines.iter().map(|line| line.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

/// What holds of the one table holds of the months: all that the pgTAP files ask, but of those that go over all tables.
#[tokio::test]
async fn every_pgtap_file_but_the_lists_of_tables_passes_by_month() {
    for (template, but) in [
        (Template::Base, &["01_catalog.sql", "02_tenants.sql"][..]),
        (Template::Repaired, &["01_catalog.sql", "02_tenants.sql", "18_documented.sql"]),
    ] {
        let database = clone_of(template).await;
        steps(&database, &["prepare", "copy", "connect", "verify", "switch", "finish"]).await;
        assert_pgtap(&database, but).await;
    }
}

/// A database made by others goes the same way, for good.
#[tokio::test]
async fn a_deployment_of_others_moves_for_good() {
    let database = clone_of(Template::Repaired).await;
    let owner = database.as_owner().await;
    let person = people::person(&owner, "others").await;
    fill(&database.as_user(person.id).await, &person).await;
    let columns = state::columns(&owner).await;
    let manifest = |rows: state::Rows| rows.get("public.message_attachments").cloned();
    let before = manifest(state::rows(&owner, &columns).await);
    let messages = "select count(*) from public.chat_messages";
    let held = number_of(&owner, messages).await;
    steps(&database, &["prepare", "copy", "connect", "verify", "switch"]).await;
    assert_eq!(step(&database, &["status"]).await.unwrap(), "months are in use, the former table lies aside");
    assert_eq!(step(&database, &["finish"]).await.unwrap(), "months");
    assert_eq!(step(&database, &["status"]).await.unwrap(), "months are in use");
    assert_eq!(number_of(&owner, messages).await, held);
    assert_eq!(manifest(state::rows(&owner, &columns_but_messages(&columns)).await), before);
    let own = format!("select count(*) from public.get_conversation_messages('{}', 1000)", person.conversation);
    let user = database.as_user(person.id).await;
    assert!(number_of(&user, &own).await > 500, "a deployment's own function reads on");
    assert!(step(&database, &["switch"]).await.unwrap_err().contains("nothing is being moved"));
}

fn columns_but_messages(columns: &state::Columns) -> state::Columns {
    columns
        .iter()
        .filter(|(table, _)| *table != "public.chat_messages")
        .map(|(table, names)| (table.clone(), names.clone()))
        .collect()
}

#[tokio::test]
async fn what_cannot_go_is_refused_before_anything_is_made() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    owner
        .batch_execute(
            "create unique index one_of_a_kind on public.chat_messages (feedback);
             create table public.quotes (id int, message_id uuid references public.chat_messages (id), said public.chat_messages)",
        )
        .await
        .unwrap();
    let error = step(&database, &["prepare"]).await.unwrap_err();
    assert!(error.contains("one_of_a_kind") && error.contains("quotes"), "{error}");
    assert_eq!(
        number_of(&owner, "select count(*) from pg_tables where tablename like 'chat\\_messages\\_%later'").await,
        0
    );
    owner.batch_execute("drop index public.one_of_a_kind; alter table public.quotes drop column said").await.unwrap();
    // Given up half-way, it leaves nothing.
    let former = catalog(&database).await;
    steps(&database, &["prepare", "copy", "connect"]).await;
    assert_eq!(step(&database, &["finish"]).await.unwrap(), "whole");
    assert_eq!(catalog(&database).await, former);
    for wrong in [&["prepare", "yesterday"][..], &["leap"]] {
        step(&database, wrong).await.unwrap_err();
    }
}
