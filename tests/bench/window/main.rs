//! `cargo xtask bench window`: how soon the window shows the list and what it holds in memory, beside an empty Tauri window;
//! how it scrolls and streams, beside a page of plain text; and what a keystroke costs. All in the real window under Xvfb.
//! Prints a section of docs/benchmarks.md on stdout; what it is doing on stderr.

mod page;
mod process;
#[path = "../sync/report.rs"]
mod report;
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the end-to-end tests use more of it, and say what must hold by failing"
)]
#[path = "../../e2e/screen.rs"]
mod screen;
mod start;
#[allow(dead_code, reason = "the push benches use more of it")]
#[path = "../sync/stats.rs"]
mod stats;
mod thread;
#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the end-to-end tests use more of it, and say what must hold by failing"
)]
#[path = "../../e2e/window.rs"]
mod window;

use clap::Parser;
use report::Section;
use std::path::PathBuf;
use std::process::Command;

#[derive(Parser)]
struct Arguments {
    /// Messages in the smaller library
    #[arg(long, default_value_t = 10_000)]
    small: u64,
    /// Messages in the larger library
    #[arg(long, default_value_t = 1_000_000)]
    large: u64,
    /// Messages in the long thread
    #[arg(long, default_value_t = 100_000)]
    thread: u64,
    /// How often each is measured
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// The day, for the doc
    #[arg(long, default_value = "undated")]
    date: String,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// The programs that `cargo xtask bench window` has built, and where libraries may lie.
struct Bench {
    window: PathBuf,
    empty: PathBuf,
    airi: PathBuf,
    folder: tempfile::TempDir,
    passphrase: PathBuf,
}

impl Bench {
    fn airi(&self, library: &str, args: &[&str]) -> String {
        let output = Command::new(&self.airi)
            .args(["--data-dir", self.library(library).to_str().expect("a folder with a plain name")])
            .args(args)
            .env("AIRI_PASSPHRASE_FILE", &self.passphrase)
            .output()
            .expect("airi runs");
        assert!(output.status.success(), "airi {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn library(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let built =
        PathBuf::from(std::env::var_os("AIRI_PROGRAMS").expect("`cargo xtask bench window` says where they are"));
    let folder = tempfile::tempdir().expect("a folder");
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "correct horse battery staple").expect("a file");
    let restricted = Command::new("chmod").arg("600").arg(&passphrase).status().expect("chmod runs");
    assert!(restricted.success());
    let bench = Bench {
        window: built.join("airi-desktop"),
        empty: built.join("examples/empty-window"),
        airi: built.join("airi"),
        folder,
        passphrase,
    };
    let machine = report::machine();
    let title = format!(
        "The window, {} and {} messages, a thread of {}",
        report::thousands(arguments.small),
        report::thousands(arguments.large),
        report::thousands(arguments.thread)
    );
    let mut section = Section::new("window", title);
    start::measure(&bench, &arguments, &mut section).await;
    thread::measure(&bench, &arguments, &mut section).await;
    println!("{}\n", section.markdown(&machine, &arguments.date));
}
