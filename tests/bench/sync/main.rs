//! `cargo xtask bench sync`: the figures of sync against a real server, each beside its peer in the same run. Prints the
//! sections of docs/benchmarks.md on stdout; what it is doing on stderr.

mod bare;
mod device;
mod first_sync;
mod history;
mod inserts;
mod line;
mod peer;
mod push;
mod relay;
mod report;
mod server;
mod stats;

use anyhow::Result;
use clap::Parser;
use first_sync::Rounds;
use report::Section;
use server::Server;

#[derive(Parser)]
struct Arguments {
    /// Messages of the first sync: 10k, 100k, 1M; may be given several times. All three by default
    #[arg(long, value_parser = size)]
    size: Vec<usize>,
    /// Rounds; by default as many as the doc asks for. A peer that is slow at a size runs no more often than by default
    #[arg(long)]
    rounds: Option<usize>,
    /// Only the first sync
    #[arg(long)]
    first_sync: bool,
    /// Only what does not depend on the size
    #[arg(long, conflicts_with = "first_sync")]
    steady: bool,
    /// The day, for the doc
    #[arg(long, default_value = "undated")]
    date: String,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn size(text: &str) -> Result<usize, String> {
    let (number, unit) = match text.to_ascii_lowercase() {
        text if text.ends_with('m') => (text.trim_end_matches('m').to_owned(), 1_000_000),
        text if text.ends_with('k') => (text.trim_end_matches('k').to_owned(), 1000),
        text => (text, 1),
    };
    let number: usize = number.parse().map_err(|_| format!("'{text}' is no size; say 10k, 100k or 1M"))?;
    Ok(number * unit)
}

/// The rounds that are worth their time at a size.
fn plan(messages: usize) -> Rounds {
    match messages {
        0..=20_000 => Rounds::of_all(7),
        20_001..=200_000 => Rounds::of_all(3),
        _ => Rounds { plain: 1, rxdb: [0, 1], ..Rounds::of_all(3) },
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let sizes = if arguments.size.is_empty() { vec![10_000, 100_000, 1_000_000] } else { arguments.size };
    let machine = report::machine();
    let print = |section: &Section| println!("{}\n", section.markdown(&machine, &arguments.date));

    let server = Server::start().await?;
    if !arguments.first_sync {
        let mut section = Section::new("sync", "Push, idle, device to device, server");
        let rounds = arguments.rounds.unwrap_or(7);
        push::measure(&server, &mut section, rounds).await?;
        relay::measure(&server, &mut section, rounds * 3).await?;
        inserts::measure(&server, &mut section, rounds * 2).await?;
        section.notes.push(format!("{rounds} rounds unless said otherwise."));
        print(&section);
    }
    if !arguments.steady {
        for messages in sizes {
            let rounds = plan(messages);
            let rounds = arguments.rounds.map_or(rounds, |ours| rounds.with(ours));
            print(&first_sync::measure(&server, messages, rounds).await?);
        }
    }
    server.cloud.stop().await
}
