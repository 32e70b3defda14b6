//! How long a lost server is away, by the operator's own scripts (docs/operations.md, "Recovery"): a base backup of so many
//! messages, the log of a day's writing after it, then the loss, the restore to the last moment, and all looks at what came up.

use std::time::{Duration, Instant};

use airi_tests::postgres::connect;
use airi_tests::{Cloud, CloudOptions};
use anyhow::{Result, ensure};
use tokio_postgres::Client;

use crate::cost;
use crate::report::{Reached, Section, thousands};
use crate::rows::{self, Shape};

/// The documented size, to which what grows with the rows is scaled.
const FULL: f64 = 10_000_000.0;
/// A day adds a twentieth to the history.
const DAY: u64 = 20;

pub(crate) async fn measure(shape: &Shape) -> Result<Section> {
    let mut cloud = Cloud::start(CloudOptions { archive: true, ..CloudOptions::default() }).await?;
    let admin = connect(&cloud.superuser_url()?.parse()?).await?;
    rows::fill(&admin, shape).await?;
    let size = number(&admin, "select pg_database_size(current_database())").await?;
    let backup = timed(cloud.back_up()).await?;
    cloud.copy_objects()?;

    let before = number(&admin, LOG).await?;
    let day = shape.messages / DAY;
    let started = Instant::now();
    for _ in 0..100 {
        admin.batch_execute(&WRITE.replace(":rows", &(day / 100).max(1).to_string())).await?;
    }
    let writing = started.elapsed();
    let log = number(&admin, LOG).await? - before;
    let archive = timed(cloud.archive_all()).await?;
    let manifest = Instant::now();
    let held = cloud.manifest()?;
    let manifest = manifest.elapsed();
    drop(admin);

    cloud.destroy()?;
    let recovered = cloud.recover("latest").await?;
    let reopen = Instant::now();
    let said = cloud.reopen().await?;
    let reopen = reopen.elapsed();
    ensure!(said.ends_with("whole\n"), "{said}");
    // The tables that reopening changes stand apart.
    let messages = |text: &str| text.lines().find(|line| line.starts_with("public.chat_messages ")).map(str::to_owned);
    ensure!(messages(&cloud.manifest()?) == messages(&held), "what came up is not what was lost");
    cloud.stop().await?;

    let name = cost::short(shape.messages);
    let mut section = Section::new(
        format!("server-recovery-{name}"),
        format!("Recovery of a server with {} messages", thousands(shape.messages)),
    );
    let factor = FULL / shape.messages as f64;
    let down = recovered.copied + recovered.replayed + reopen + manifest;
    for (what, took) in [
        ("a base backup, read back and compared", backup),
        ("down: `restore.sh`, compared and copied", recovered.copied),
        ("down: the log since, replayed", recovered.replayed),
        ("down: `reopen.sh`, every index, reference and number", reopen),
        ("down: `manifest.sql`", manifest),
    ] {
        section.row(what, seconds(took), "", at_full(took, factor), "", Reached::NoGoal);
    }
    section.row(
        "down in all",
        seconds(down),
        "",
        at_full(down, factor),
        "< 4 h",
        down.mul_f64(factor) < Duration::from_secs(4 * 3600),
    );
    // A file of the log is archived when it is full, or after archive_timeout; what that takes does not grow.
    let lost = archive + Duration::from_secs(60);
    section.row(
        "lost at most: `archive_timeout` and the archiving of its last file",
        seconds(lost),
        "",
        "the same",
        "< 1 h",
        lost < Duration::from_secs(3600),
    );
    section.notes.push(format!(
        "The database has {:.2} GB. The log is {:.2} GB: {} messages in {:.0} s, a twentieth of all, as a day's. \
         At 10,000,000 each step is taken {factor:.0} times as long, a day's log included.",
        size as f64 / 1e9,
        log as f64 / 1e9,
        thousands(day),
        writing.as_secs_f64()
    ));
    Ok(section)
}

const LOG: &str = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint";
/// With all triggers, as the service writes.
const WRITE: &str = "set session_replication_role = origin;
    insert into public.chat_messages (conversation_id, user_id, role, content)
    select c.id, c.user_id, 'user', repeat(md5(random()::text) || ' ', 40)
    from (select id, user_id from public.conversations tablesample system (5) limit 50) as c, generate_series(1, :rows / 50 + 1);";

async fn timed(work: impl Future<Output = Result<()>>) -> Result<Duration> {
    let started = Instant::now();
    work.await?;
    Ok(started.elapsed())
}

async fn number(client: &Client, statement: &str) -> Result<u64> {
    Ok(u64::try_from(client.query_one(statement, &[]).await?.get::<_, i64>(0))?)
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn at_full(took: Duration, factor: f64) -> String {
    format!("{:.1} min at 10,000,000", took.as_secs_f64() * factor / 60.0)
}
