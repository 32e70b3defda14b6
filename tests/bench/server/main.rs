//! `cargo xtask bench server`: what the server's functions cost a signed-in user, in buffers, which no machine changes, and
//! how large the database is. Rows are made in the database, the same ones for the same seed. Prints a section of
//! docs/benchmarks.md a size on stdout; what it is doing on stderr.

mod cost;
mod meaning;
#[path = "../sync/report.rs"]
mod report;
mod rows;

use airi_tests::postgres::connect;
use airi_tests::{Cloud, CloudOptions};
use anyhow::{Context, Result};
use clap::Parser;

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
    /// Only search by meaning, on so many vectors
    #[arg(long, value_parser = size, num_args = 0..=1, default_missing_value = "10k")]
    meaning: Option<u64>,
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
    let cloud = Cloud::start(CloudOptions::default()).await?;
    let admin = connect(&cloud.superuser_url().context("the cloud runs its own server")?.parse()?).await?;
    let owner = connect(&cloud.database_url.parse()?).await?;
    let mut smallest = cost::Costs::new();
    for messages in sizes {
        let shape = rows::Shape {
            seed: arguments.seed,
            messages,
            users: arguments.users.unwrap_or((messages / 1000).max(10)),
            conversations: arguments.conversations.unwrap_or((messages / 20).max(20)),
        };
        rows::fill(&admin, &shape).await?;
        let section = cost::measure(&owner, &shape, &mut smallest).await?;
        println!("{}\n", section.markdown(&machine, &arguments.date));
    }
    cloud.stop().await
}
