//! From the start of the process to the first list on the screen, and the memory that is held then.

use crate::report::{Reached, Section, thousands};
use crate::screen::Screen;
use crate::stats::Sample;
use crate::window::Window;
use crate::{Arguments, Bench, page, process};
use std::path::Path;
use std::time::{Duration, Instant};

/// The list has settled and nothing is being read any more.
const QUIET: Duration = Duration::from_secs(3);

#[derive(Default)]
struct Starts {
    time: Sample,
    memory: Sample,
}

pub(crate) async fn measure(bench: &Bench, arguments: &Arguments, section: &mut Section) {
    let (small, large) = (thousands(arguments.small), thousands(arguments.large));
    for (library, messages) in [("small", arguments.small), ("large", arguments.large)] {
        eprintln!("making a library of {messages} messages");
        bench.airi(library, &["generate", "--messages", &messages.to_string(), "--seed", "1"]);
    }
    let (mut empty, mut of_small, mut of_large) = (Starts::default(), Starts::default(), Starts::default());
    // The first start reads the programs from the disk; it counts for nobody.
    for round in 0..=arguments.rounds {
        eprintln!("start, round {round} of {}", arguments.rounds);
        let mut drop_first = Starts::default();
        let first = round == 0;
        start(bench, &bench.empty, None, if first { &mut drop_first } else { &mut empty }).await;
        start(bench, &bench.window, Some("small"), if first { &mut drop_first } else { &mut of_small }).await;
        start(bench, &bench.window, Some("large"), if first { &mut drop_first } else { &mut of_large }).await;
    }

    let over_empty = of_small.time.over(&empty.time);
    section.row(
        format!("start to first list, {small} messages; an empty Tauri window to its first frame"),
        of_small.time.as_time(),
        empty.time.as_time(),
        over_empty.as_ratio(),
        "≤ 1.3 ×",
        over_empty.median() <= 1.3,
    );
    let over_small = of_large.time.over(&of_small.time);
    section.row(
        format!("start to first list, {large} messages; with {small}"),
        of_large.time.as_time(),
        of_small.time.as_time(),
        over_small.as_ratio(),
        "≤ 1.05 ×",
        over_small.median() <= 1.05,
    );
    let more = of_large.memory.median() - of_small.memory.median();
    section.row(
        format!("memory with {large} messages; with {small}"),
        format!("{:.0} MB", of_large.memory.median()),
        format!("{:.0} MB", of_small.memory.median()),
        format!("{more:+.1} MB"),
        "≤ 10 MB more",
        more <= 10.0,
    );
    section.row(
        format!("memory with {small} messages; an empty Tauri window"),
        format!("{:.0} MB", of_small.memory.median()),
        format!("{:.0} MB", empty.memory.median()),
        format!("{:+.1} MB", of_small.memory.median() - empty.memory.median()),
        "",
        Reached::NoGoal,
    );
    section.notes.push(
        "Start: from the process's start (`/proc`, to 10 ms) to the frame after the first rows are in the page; memory: the \
         program and its web processes, shared pages divided (PSS), three seconds later."
            .into(),
    );
}

async fn start(bench: &Bench, program: &Path, library: Option<&str>, starts: &mut Starts) {
    let folder = library.map(|name| bench.library(name));
    let args: Vec<&str> = folder.iter().flat_map(|folder| ["--data-dir", folder.to_str().expect("plain")]).collect();
    let screen = Screen::start(1280, 820);
    let window = Window::open_program(program, screen, &args, &[("AIRI_PASSPHRASE_FILE", &bench.passphrase)]).await;
    let listed = page::first_list(&window).await;
    let pid = process::newest(program);
    starts.time.push(listed - process::begun(pid));
    tokio::time::sleep(QUIET).await;
    starts.memory.push(process::memory(pid));
    window.close().await;
    // The library is closed in peace before the next one opens it.
    let begun = Instant::now();
    while std::fs::read_link(format!("/proc/{pid}/exe")).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} does not end", program.display());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
