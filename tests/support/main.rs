//! `airi-devcloud`: the development cloud as a program. Promise: when all is ready it prints one JSON line on standard
//! output, logs to standard error, runs until SIGTERM or SIGINT, and leaves no process behind.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use airi_tests::{Cloud, CloudOptions, Migrations};
use anyhow::Result;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Real PostgreSQL and PostgREST behind a gateway in the shape of Supabase's API, on loopback.
#[derive(Parser)]
struct Arguments {
    /// The port to listen on; a free one by default
    #[arg(long)]
    port: Option<u16>,
    /// The folder to keep the data in; a temporary one by default
    #[arg(long)]
    data: Option<PathBuf>,
    /// Starts a server without our tables
    #[arg(long)]
    no_migrations: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("airi-devcloud: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: Arguments) -> Result<()> {
    // From the first moment: a signal during the start ends it through the drops.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let signalled = async {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    };
    tokio::pin!(signalled);
    let options = CloudOptions {
        port: arguments.port,
        data: arguments.data,
        migrations: if arguments.no_migrations { Migrations::None } else { Migrations::Repository },
        ..CloudOptions::default()
    };
    let cloud = tokio::select! {
        cloud = Cloud::start(options) => cloud?,
        () = &mut signalled => return Ok(()),
    };
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::to_string(&cloud)?)?;
    out.flush()?;
    eprintln!("airi-devcloud: ready at {}", cloud.url);
    signalled.await;
    cloud.stop().await
}
