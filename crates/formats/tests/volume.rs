//! A history of 100,000 messages in one file: memory follows the largest conversation, not the file.
//!
//! Alone in its binary, because it looks at the memory of the whole process. `--release --nocapture` shows the rate.

#![allow(clippy::unwrap_used)]

mod support;

use airi_domain::OwnerId;
use airi_formats::import::{Archive, Format, Item, Limits};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::time::Instant;

const CONVERSATIONS: usize = 1000;
const MESSAGES: usize = 100;

fn write_history(path: &std::path::Path) {
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    let text = "Some words of an answer, “quoted” and \\\"escaped\\\", with `code` and 漢字.\\n".repeat(8);
    write!(out, "[").unwrap();
    for c in 0..CONVERSATIONS {
        let comma = if c == 0 { "" } else { "," };
        write!(out, "{comma}{{\"conversation_id\":\"c{c}\",\"title\":\"T{c}\",\"create_time\":1700000000.5,\"default_model_slug\":\"gpt-4o\",\"current_node\":\"n{}\",\"mapping\":{{", MESSAGES - 1).unwrap();
        for m in 0..MESSAGES {
            let comma = if m == 0 { "" } else { "," };
            let parent = if m == 0 { "null".to_owned() } else { format!("\"n{}\"", m - 1) };
            let role = if m % 2 == 0 { "user" } else { "assistant" };
            write!(out, "{comma}\"n{m}\":{{\"id\":\"n{m}\",\"parent\":{parent},\"children\":[\"n{}\"],\"message\":{{\"id\":\"n{m}\",\"author\":{{\"role\":\"{role}\",\"name\":null,\"metadata\":{{}}}},\"create_time\":{}.25,\"update_time\":null,\"content\":{{\"content_type\":\"text\",\"parts\":[\"{text}\"]}},\"status\":\"finished_successfully\",\"end_turn\":true,\"weight\":1.0,\"metadata\":{{\"request_id\":\"r{c}-{m}\"}},\"recipient\":\"all\",\"channel\":null}}}}", m + 1, 1_700_000_000 + m).unwrap();
        }
        write!(out, "}}}}").unwrap();
    }
    writeln!(out, "]").unwrap();
    out.flush().unwrap();
}

/// Peak of the process in bytes; None where the system does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[test]
fn a_large_history_streams() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conversations.json");
    write_history(&path);
    let size = std::fs::metadata(&path).unwrap().len();
    let before = peak();
    let start = Instant::now();
    let mut archive = Archive::open(&path, Format::Auto, &Limits::default()).unwrap();
    let mut messages = 0;
    let summary = archive
        .read(OwnerId::LOCAL, &mut |item, _| {
            if let Item::Conversation(c) = item {
                messages += c.messages.len();
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let took = start.elapsed().as_secs_f64();
    assert_eq!((summary.read, messages, summary.bytes), (CONVERSATIONS as u64, CONVERSATIONS * MESSAGES, size));
    println!(
        "{:.0} MB in {took:.2} s: {:.0} MB/s, {:.0} messages/s",
        size as f64 / 1e6,
        size as f64 / 1e6 / took,
        messages as f64 / took
    );
    if let (Some(before), Some(after)) = (before, peak()) {
        println!("peak memory grew by {:.1} MB", (after - before) as f64 / 1e6);
        assert!(after - before < 24 << 20, "peak memory grew by {} bytes for a file of {size}", after - before);
    }
}
