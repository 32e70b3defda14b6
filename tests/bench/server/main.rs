//! `cargo xtask bench server`: what the server's functions cost a signed-in user, in buffers, which no machine changes, and
//! how large the database is. Rows are made in the database, the same ones for the same seed. Prints a section of
//! docs/benchmarks.md a size on stdout; what it is doing on stderr.

mod cost;
mod meaning;
mod operation;
mod plans;
mod recovery;
#[path = "../sync/report.rs"]
mod report;
mod rows;
mod upgrade;

use airi_tests::postgres::connect;
use airi_tests::{Cloud, CloudOptions};
use anyhow::{Context, Result};
use clap::Parser;
use tokio_postgres::Config;

#[derive(Parser)]
struct Arguments {
    /// Messages in the database: 10k, 100k, 1M, 10M; may be given several times. The first three by default
    #[arg(long, value_parser = size)]
    messages: Vec<u64>,
    /// Users; by default one for each 1,000 messages, and ten at least
    #[arg(long)]
    users: Option<u64>,
    /// Conversations; by default one for each 20 messages
    #[arg(long)]
    conversations: Option<u64>,
    /// The plans of the calls as well
    #[arg(long)]
    plans: bool,
    /// Only search by meaning, on so many vectors
    #[arg(long, value_parser = size, num_args = 0..=1, default_missing_value = "10k")]
    meaning: Option<u64>,
    /// Only how long our migrations keep the writers of a deployment waiting, as it is and after before-upgrade.sh
    #[arg(long)]
    upgrade: bool,
    /// Only the same calls on one table and, on the same rows, after the move to months
    #[arg(long)]
    months: bool,
    /// Only how long a lost server is away: backup, restore, replay, and the looks at what came up
    #[arg(long)]
    recovery: bool,
    /// The same seed makes the same rows
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// The day, for the doc
    #[arg(long, default_value = "undated")]
    date: String,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn size(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let (number, unit) = match lower.as_bytes().last() {
        Some(b'm') => (&lower[..lower.len() - 1], 1_000_000),
        Some(b'k') => (&lower[..lower.len() - 1], 1000),
        _ => (lower.as_str(), 1),
    };
    let number: u64 = number.parse().map_err(|_| format!("'{text}' is no size; say 10k, 100k or 1M"))?;
    Ok(number * unit)
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut sizes = arguments.messages;
    if sizes.is_empty() {
        sizes = vec![10_000, 100_000, 1_000_000];
    }
    sizes.sort_unstable();
    let machine = report::machine();
    if let Some(vectors) = arguments.meaning {
        println!("{}", meaning::measure(vectors, arguments.seed).await?.markdown(&machine, &arguments.date));
        return Ok(());
    }
    let shape = |messages: u64| rows::Shape {
        seed: arguments.seed,
        messages,
        users: arguments.users.unwrap_or((messages / 1000).max(10)),
        conversations: arguments.conversations.unwrap_or((messages / 20).max(20)),
    };
    if arguments.recovery {
        for messages in sizes {
            println!("{}\n", recovery::measure(&shape(messages)).await?.markdown(&machine, &arguments.date));
        }
        return Ok(());
    }
    if arguments.upgrade {
        for messages in sizes {
            for prepared in [false, true] {
                let section = upgrade::measure(&shape(messages), prepared).await?;
                println!("{}\n", section.markdown(&machine, &arguments.date));
            }
        }
        return Ok(());
    }
    if arguments.months {
        for messages in sizes {
            let section = by_month(&shape(messages)).await?;
            println!("{}\n", section.markdown(&machine, &arguments.date));
        }
        return Ok(());
    }
    let cloud = Cloud::start(CloudOptions::default()).await?;
    let superuser: Config = cloud.superuser_url().context("the cloud runs its own server")?.parse()?;
    let admin = connect(&superuser).await?;
    let owner = connect(&cloud.database_url.parse()?).await?;
    let mut smallest = cost::Costs::new();
    for messages in sizes {
        let shape = shape(messages);
        rows::fill(&admin, &shape).await?;
        let section = cost::measure(&owner, &shape, &mut smallest, false).await?;
        println!("{}\n", section.markdown(&machine, &arguments.date));
        if arguments.plans {
            println!("{}\n", plans::section(&superuser, &shape, &arguments.date).await?);
        }
    }
    cloud.stop().await
}

/// What the calls cost after the move to months, beside what they cost before it.
async fn by_month(shape: &rows::Shape) -> Result<report::Section> {
    let cloud = Cloud::start(CloudOptions::default()).await?;
    let admin = connect(&cloud.superuser_url()?.parse()?).await?;
    let owner = connect(&cloud.database_url.parse()?).await?;
    rows::fill(&admin, shape).await?;
    let mut before = cost::Costs::new();
    cost::measure(&owner, shape, &mut before, false).await?;
    let started = std::time::Instant::now();
    for step in ["prepare", "copy", "connect", "verify", "switch", "finish"] {
        operation::operation(&cloud.database_url, "partition-messages.sh", &[step]).await?;
    }
    let took = started.elapsed();
    admin.batch_execute("vacuum (analyze)").await?;
    let mut section = cost::measure(&owner, shape, &mut before, true).await?;
    let row = owner
        .query_one(
            "select (select count(*) from pg_inherits where inhparent = 'public.chat_messages'::regclass),
                    pg_total_relation_size('airi_partitions.message_ids')",
            &[],
        )
        .await?;
    let (months, list): (i64, i64) = (row.get(0), row.get(1));
    section.notes.push(format!(
        "In {months} months, with a list of ids of {:.0} bytes a message; the ratio is to the one table before. The move took {:.0} s in all.",
        list as f64 / shape.messages as f64,
        took.as_secs_f64()
    ));
    cloud.stop().await?;
    Ok(section)
}
