//! First sync of a fresh device, beside the bare fetch of the same pages, a plain loop over supabase-js, and RxDB.

use crate::bare::Pages;
use crate::device::Device;
use crate::history::{self, Fingerprint, TABLES};
use crate::peer;
use crate::report::{Reached, Section, thousands};
use crate::server::Server;
use crate::stats::Sample;
use airi_tests::User;
use anyhow::{Context, Result, ensure};
use rusqlite::OptionalExtension;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How often the mirror is looked at from outside.
const LOOK: Duration = Duration::from_millis(4);

/// Copies that RxDB can read have this before their names.
const PREFIX: &str = "rx_";

/// When what was there, in milliseconds since the start of the process.
struct Seen {
    /// The newest conversations can be read; and how many rows were in then.
    preview: f64,
    preview_rows: u64,
    /// All rows can be read.
    rows: f64,
    /// All rows can be searched, and the process has ended.
    end: f64,
}

/// How many times each of them runs; the peers in the first of our rounds.
#[derive(Clone, Copy)]
pub(crate) struct Rounds {
    /// Ours, and the bare fetch beside it.
    pub(crate) ours: usize,
    /// The plain loop over supabase-js.
    pub(crate) plain: usize,
    /// RxDB as it comes, and with pages of 1,000.
    pub(crate) rxdb: [usize; 2],
}

impl Rounds {
    pub(crate) fn of_all(rounds: usize) -> Rounds {
        Rounds { ours: rounds, plain: rounds, rxdb: [rounds; 2] }
    }

    /// So many of ours, and of a peer no more than that.
    pub(crate) fn with(self, ours: usize) -> Rounds {
        Rounds { ours, plain: self.plain.min(ours), rxdb: self.rxdb.map(|rounds| rounds.min(ours)) }
    }
}

/// What RxDB reads in a page: what it takes by itself, and the most that the server gives.
const RXDB_PAGES: [Option<usize>; 2] = [None, Some(1000)];

/// `messages` of one user.
pub(crate) async fn measure(server: &Server, messages: usize, rounds: Rounds) -> Result<Section> {
    let size = match messages {
        1_000_000 => "1M".to_owned(),
        n if n.is_multiple_of(1000) => format!("{}k", n / 1000),
        n => n.to_string(),
    };
    eprintln!("first sync, {size}: filling the server");
    let user = server.user().await?;
    history::fill(&server.database, user.id, 1, messages).await?;
    let truth = history::on_server(&server.database, user.id).await?;
    let pages = Pages::learn(&server.cloud, &user).await?;
    ensure!(pages.rows == truth.rows, "the walk has {} rows, the server {}", pages.rows, truth.rows);
    let tables = if rounds.rxdb == [0, 0] { Value::Null } else { rxdb_tables(server, &user).await? };

    let (mut ours, mut indexed, mut preview) = (Sample::default(), Sample::default(), Sample::default());
    let (mut bare, mut plain) = (Sample::default(), Sample::default());
    let mut rxdb = [Sample::default(), Sample::default()];
    let mut preview_rows = 0;
    for round in 0..rounds.ours {
        eprintln!("first sync, {size}: round {} of {}", round + 1, rounds.ours);
        bare.push(pages.fetch().await?);
        let seen = sync(server, &user, &truth)?;
        eprintln!("  bare {:.0} ms, rows {:.0} ms, all {:.0} ms", bare.median(), seen.rows, seen.end);
        ours.push(seen.rows);
        indexed.push(seen.end);
        preview.push(seen.preview);
        preview_rows = preview_rows.max(seen.preview_rows);
        if round < rounds.plain {
            let dir = tempfile::tempdir()?;
            let order = json!({ "file": dir.path().join("copy.sqlite") });
            let done = peer::run("copy_loop.mjs", &server.cloud, &user, &order)?;
            equal(&done.fingerprint, &truth, "supabase-js")?;
            eprintln!("  supabase-js {:.0} ms", done.ms);
            plain.push(done.ms);
        }
        for ((page, sample), most) in RXDB_PAGES.iter().zip(&mut rxdb).zip(rounds.rxdb) {
            if round >= most {
                continue;
            }
            let order = json!({ "prefix": PREFIX, "tables": tables, "page": page });
            let done = peer::run("rxdb_copy.mjs", &server.cloud, &user, &order)?;
            equal(&done.fingerprint, &truth, "RxDB")?;
            eprintln!("  RxDB, pages of {}: {:.0} ms", page.unwrap_or(100), done.ms);
            sample.push(done.ms);
        }
    }
    drop_rxdb_tables(server).await?;

    let title =
        format!("First sync, {} messages of one user ({} rows)", thousands(messages as u64), thousands(truth.rows));
    let mut section = Section::new(format!("sync-{size}"), title);
    let rate = bare.over(&ours);
    let what = "fresh device until all rows are stored and can be read";
    section.row(
        format!("{what}, beside fetching the same pages and throwing them away"),
        ours.as_time(),
        bare.as_time(),
        rate.as_ratio(),
        "≥ 0.6 × its rate",
        rate.median() >= 0.6,
    );
    let rate = bare.over(&indexed);
    section.row(
        "the same until all rows can be searched and the process has ended",
        indexed.as_time(),
        bare.as_time(),
        rate.as_ratio(),
        "",
        Reached::NoGoal,
    );
    let others = [
        ("a plain supabase-js loop into SQLite, pages of 1,000", &plain, 5.0),
        ("RxDB's Supabase replication as it comes, pages of 100", &rxdb[0], 10.0),
        ("RxDB's Supabase replication with pages of 1,000", &rxdb[1], 10.0),
    ];
    for (name, sample, least) in others {
        let goal = format!("≥ {least:.0} ×");
        let what = format!("{what}, beside {name}");
        if sample.rounds() == 0 {
            section.row(what, ours.as_time(), "not run at this size", "", goal, Reached::NoGoal);
        } else {
            let times = sample.over(&ours);
            let reached = times.median() >= least;
            let once = if sample.rounds() < rounds.ours {
                format!(" ({} of the rounds)", sample.rounds())
            } else {
                String::new()
            };
            let what = what + &once;
            section.row(what, ours.as_time(), sample.as_time(), times.as_ratio(), goal, reached);
        }
    }
    let share = preview_rows as f64 / truth.rows as f64 * 100.0;
    section.row(
        "50 newest conversations readable",
        format!("{} with {} rows in", preview.as_time(), thousands(preview_rows)),
        "",
        format!("{share:.2} % of the rows"),
        "before 2 % of the rows are in",
        share < 2.0,
    );
    if rounds.plain < rounds.ours {
        let first = ours.first() / 1e3;
        section.notes.push(format!(
            "A peer that ran in one of the rounds is compared with our time of that round, the first: {first:.2} s."
        ));
    }
    section.notes.push(format!(
        "{} rounds, in each one after the other. {} requests, {:.1} MB; {} rows a second until stored.",
        rounds.ours,
        pages.requests(),
        pages.bytes as f64 / 1e6,
        thousands((truth.rows as f64 / ours.median() * 1e3) as u64),
    ));
    Ok(section)
}

fn equal(found: &Fingerprint, truth: &Fingerprint, who: &str) -> Result<()> {
    ensure!(found == truth, "{who} has other rows than the server: {found:?}, not {truth:?}");
    Ok(())
}

fn sync(server: &Server, user: &User, truth: &Fingerprint) -> Result<Seen> {
    let device = Device::signed_in(&server.cloud, user)?;
    let mirror = device.look()?;
    let mut preview = None;
    let mut rows = None;
    let start = Instant::now();
    let ms = || start.elapsed().as_secs_f64() * 1e3;
    let mut child = device.command(&["sync"]).stdout(Stdio::piped()).spawn()?;
    let ended = loop {
        if preview.is_none() && meta(&mirror, "sync.walk")?.is_some() {
            preview = Some((ms(), history::count(&mirror)?));
        }
        if rows.is_none() && meta(&mirror, "sync.cursor")?.is_some() {
            let stale: bool =
                mirror.query_row("select exists (select 1 from conversations where view_stale = 1)", [], |row| {
                    row.get(0)
                })?;
            rows = (!stale).then(ms);
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(LOOK);
    };
    let end = ms();
    ensure!(ended.success(), "airi sync failed");
    equal(&history::in_mirror(&device.mirror())?, truth, "airi")?;
    let (preview, preview_rows) = preview.context("no preview was seen")?;
    Ok(Seen { preview, preview_rows, rows: rows.unwrap_or(end), end })
}

fn meta(mirror: &rusqlite::Connection, key: &str) -> Result<Option<String>> {
    let mut statement = mirror.prepare_cached("select value from meta where key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

/// Copies of the tables with the columns that RxDB wants, and the columns of each.
async fn rxdb_tables(server: &Server, user: &User) -> Result<Value> {
    drop_rxdb_tables(server).await?;
    let mut tables = serde_json::Map::new();
    for table in TABLES {
        let sql = "select columns from airi_private.sync_tables where table_name = $1";
        let mut columns: Vec<String> = server.database.query_one(sql, &[&table]).await?.get(0);
        columns.insert(0, "id".into());
        let list = columns.join(", ");
        server
            .database
            .batch_execute(&format!(
                "create table public.{PREFIX}{table} as select {list}, false as _deleted, created_at as _modified \
                 from public.{table} where user_id = '{user}';
                 alter table public.{PREFIX}{table} add primary key (id);
                 create index on public.{PREFIX}{table} (user_id, _modified, id);
                 alter table public.{PREFIX}{table} enable row level security;
                 create policy own on public.{PREFIX}{table} for select to authenticated
                   using ((select auth.uid()) = user_id);
                 grant select on public.{PREFIX}{table} to authenticated;",
                user = user.id,
            ))
            .await?;
        server.database.batch_execute(&format!("vacuum analyze public.{PREFIX}{table}")).await?;
        tables.insert(table.to_owned(), json!(columns));
    }
    server.database.batch_execute("notify pgrst, 'reload schema'").await?;
    Ok(Value::Object(tables))
}

async fn drop_rxdb_tables(server: &Server) -> Result<()> {
    for table in TABLES {
        server.database.batch_execute(&format!("drop table if exists public.{PREFIX}{table}")).await?;
    }
    Ok(())
}
