//! How jobs run: one user a transaction, one run of a job at a time, every run noted, whatever breaks off or is in the way.
//! What each does is in `supabase/tests/13_jobs.sql`. The clock is moved by the moment that a run takes for now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::Client;

use crate::database::Database;
use crate::people::{self, Person};
use crate::session::number_of;
use crate::world::{Template, clone_of, world};

const ARCHIVE: &str = "call airi_private.run_job('archive_old_conversations', now() + interval '31 days')";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_in_the_way_keeps_nobody_else_waiting() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let [first, second] = two(&owner).await;
    let mut busy = database.as_owner().await;
    let held = busy.transaction().await.unwrap();
    held.execute("select from public.user_profiles where id = $1 for update", &[&second.id]).await.unwrap();

    let (job, backend) = start(&database).await;
    // Something else may be in its way for a moment before it comes to the second one.
    let begun = std::time::Instant::now();
    while archived(&owner, &first).await != 2 {
        assert!(begun.elapsed().as_secs() < 60, "the first one's are done, and committed");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    database.wait_until_blocked(backend).await;
    // A second run leaves at once.
    owner.batch_execute(ARCHIVE).await.unwrap();
    assert_eq!(runs(&owner, "status").await, ["running", "overtaken"]);

    let error = job.await.unwrap().unwrap_err();
    assert!(error.as_db_error().unwrap().message().contains("lock timeout"), "whoever runs it hears of it: {error:?}");
    assert_eq!(runs(&owner, "status || ' ' || users || ' ' || rows || ' ' || failed").await[0], "failed 2 2 1");
    held.rollback().await.unwrap();
    assert_eq!(archived(&owner, &second).await, 0);

    owner.batch_execute(ARCHIVE).await.unwrap();
    assert_eq!(archived(&owner, &second).await, 2, "the next run makes up for it");
    assert_eq!(runs(&owner, "status || ' ' || users || ' ' || rows || ' ' || failed").await[2], "done 1 2 0");
    let path = owner.query_one("select current_setting('search_path')", &[]).await.unwrap().get::<_, String>(0);
    assert_eq!(path, "\"$user\", public, extensions", "the session is as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_breaks_off_is_noted_and_finished_by_the_next() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let [first, second] = two(&owner).await;
    let mut busy = database.as_owner().await;
    let held = busy.transaction().await.unwrap();
    held.execute("select from public.user_profiles where id = $1 for update", &[&second.id]).await.unwrap();
    let (job, backend) = start(&database).await;
    database.wait_until_blocked(backend).await;
    owner.execute("select pg_terminate_backend($1)", &[&backend]).await.unwrap();
    job.await.unwrap().unwrap_err();
    held.rollback().await.unwrap();
    assert_eq!((archived(&owner, &first).await, archived(&owner, &second).await), (2, 0));

    // Its lock goes with its session, which takes a moment.
    let gone = "select count(*) from pg_locks where locktype = 'advisory'";
    while number_of(&owner, gone).await > 0 {
        tokio::task::yield_now().await;
    }
    owner.batch_execute(ARCHIVE).await.unwrap();
    assert_eq!(archived(&owner, &second).await, 2);
    let noted = runs(&owner, "status || ' ' || coalesce(error, '')").await;
    assert_eq!(noted, ["failed it broke off", "done "]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_beside_writers_neither_deadlock_nor_miscount() {
    let database = clone_of(Template::Base).await;
    let owner = database.as_owner().await;
    let [person, _] = two(&owner).await;
    let retention =
        "update public.user_profiles set preferences = '{\"retention\": {\"delete_messages_after_days\": 90}}'";
    owner.batch_execute(retention).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let mut jobs = JoinSet::new();
    for (name, days) in
        [("archive_old_conversations", 31), ("cleanup_old_messages", 91), ("update_daily_usage_aggregate", 1)]
    {
        let (session, done) = (database.as_owner().await, Arc::clone(&done));
        jobs.spawn(async move {
            let mut runs = 0;
            while !done.load(Ordering::Relaxed) || runs < 5 {
                let call = format!("call airi_private.run_job('{name}', now() + interval '{days} days')");
                session.batch_execute(&call).await.unwrap();
                runs += 1;
            }
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (session, person) = (database.as_user(person.id).await, person.clone());
        writers.spawn(async move {
            for turn in 0..100 {
                let (user, conversation) = (person.id, person.conversation);
                let statement = match (writer + turn) % 4 {
                    0 => format!(
                        "update public.conversations set is_archived = false, title = '{turn}' where user_id = '{user}'"
                    ),
                    1 => "update public.chat_messages set deleted_at = null".into(),
                    2 => "update public.user_profiles set bio = 'x'".into(),
                    _ => format!(
                        "insert into public.chat_messages (conversation_id, user_id, role, content)
                         values ('{conversation}', '{user}', 'user', 'x')"
                    ),
                };
                session.batch_execute(&statement).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    done.store(true, Ordering::Relaxed);
    jobs.join_all().await;
    let counted = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(number_of(&owner, counted).await, 0);
    assert_eq!(number_of(&owner, "select count(*) from airi_private.job_runs where status <> 'done'").await, 0);
    let worked = "select count(distinct job) from airi_private.job_runs where rows > 0";
    assert_eq!(number_of(&owner, worked).await, 3, "each job had something to do");
    let miscounted = "select count(*) from public.conversations as c where c.message_count <>
        (select count(*) from public.chat_messages as m where m.conversation_id = c.id and m.deleted_at is null)";
    assert_eq!(number_of(&owner, miscounted).await, 0);
}

/// Every line for other schedulers does what it says, on our own base and on a deployment of others, and pg_cron has them
/// all where it is.
#[tokio::test]
async fn every_scheduled_statement_runs() {
    for template in [Template::Base, Template::Repaired] {
        let owner = clone_of(template).await.as_owner().await;
        people::person(&owner, "someone").await;
        let listed = "select name, airi_private.job_statement(name) from airi_private.jobs";
        for row in owner.query(listed, &[]).await.unwrap() {
            let (name, statement): (String, String) = (row.get(0), row.get(1));
            owner.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{template:?} {name}: {error:?}"));
        }
        let done = "select count(*) from airi_private.jobs as j where does is not null and not exists (
            select from airi_private.job_runs as r where r.job = j.name and r.status = 'done')";
        assert_eq!(number_of(&owner, done).await, 0, "{template:?}: every run is noted");
    }
    let served = world().await.served().as_owner().await;
    let missing = "select count(*) from airi_private.jobs as j where not exists (select from cron.job as c
        where c.jobname = 'airi ' || j.name and c.schedule = j.schedule and c.active
          and c.command = airi_private.job_statement(j.name))";
    assert_eq!(number_of(&served, missing).await, 0);
}

/// Two people, in the order that jobs take them.
async fn two(owner: &Client) -> [Person; 2] {
    let mut both = [people::person(owner, "one").await, people::person(owner, "two").await];
    both.sort_by_key(|person| person.id);
    both
}

async fn start(database: &Database) -> (JoinHandle<Result<(), tokio_postgres::Error>>, i32) {
    let session = database.as_owner().await;
    let backend = session.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    (tokio::spawn(async move { session.batch_execute(ARCHIVE).await }), backend)
}

async fn archived(owner: &Client, person: &Person) -> i64 {
    let statement = "select count(*) from public.conversations where user_id = $1 and is_archived";
    owner.query_one(statement, &[&person.id]).await.unwrap().get(0)
}

/// What was noted of the runs, in their order.
async fn runs(owner: &Client, what: &str) -> Vec<String> {
    let statement = format!("select {what} from airi_private.job_runs order by id");
    owner.query(&statement, &[]).await.unwrap().into_iter().map(|row| row.get(0)).collect()
}
