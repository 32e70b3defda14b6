//! The tables of docs/benchmarks.md. One section a subject, between marks, so that each can be written anew alone.

use std::fmt::Write;

/// One goal and what became of it.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) peer: String,
    pub(crate) ratio: String,
    pub(crate) goal: String,
    pub(crate) reached: Reached,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    Yes,
    No,
    /// Told for its own sake.
    NoGoal,
}

impl From<bool> for Reached {
    fn from(reached: bool) -> Self {
        if reached { Self::Yes } else { Self::No }
    }
}

pub(crate) struct Section {
    /// Its name in the marks, such as `sync-10k`.
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) notes: Vec<String>,
}

impl Section {
    pub(crate) fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self { name: name.into(), title: title.into(), rows: Vec::new(), notes: Vec::new() }
    }

    pub(crate) fn row(
        &mut self,
        what: impl Into<String>,
        ours: impl Into<String>,
        peer: impl Into<String>,
        ratio: impl Into<String>,
        goal: impl Into<String>,
        reached: impl Into<Reached>,
    ) {
        let row = Row {
            what: what.into(),
            ours: ours.into(),
            peer: peer.into(),
            ratio: ratio.into(),
            goal: goal.into(),
            reached: reached.into(),
        };
        eprintln!("  {} | {} | {} | {} | {}", row.what, row.ours, row.peer, row.ratio, row.goal);
        self.rows.push(row);
    }

    /// The section as Markdown between its marks.
    pub(crate) fn markdown(&self, machine: &str, date: &str) -> String {
        let mut out = format!("<!-- bench:{} -->\n### {}\n\n{machine}; {date}.\n\n", self.name, self.title);
        out.push_str("| what | ours | peer | ratio | goal | reached |\n|---|---|---|---|---|---|\n");
        for row in &self.rows {
            let reached = match row.reached {
                Reached::Yes => "yes",
                Reached::No => "**no**",
                Reached::NoGoal => "",
            };
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {reached} |",
                row.what, row.ours, row.peer, row.ratio, row.goal
            );
        }
        if !self.notes.is_empty() {
            out.push('\n');
            for note in &self.notes {
                let _ = writeln!(out, "- {note}");
            }
        }
        let _ = write!(out, "<!-- /bench:{} -->", self.name);
        out
    }
}

/// Cores, memory, system, and how busy it was before; nothing that names the machine.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let kilobytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        kilobytes.split_whitespace().next()?.parse::<u64>().ok()
    });
    let memory = memory.map_or(String::new(), |kb| format!(", {} GB of memory", kb.div_ceil(1024 * 1024)));
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    let load = load.as_deref().and_then(|text| text.split(' ').next());
    let load = load.map_or(String::new(), |load| format!(", load {load} before the run"));
    format!("{cores} cores{memory}, {}{load}", std::env::consts::OS)
}

/// `1 234 567` as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
