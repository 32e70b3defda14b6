//! `cargo xtask bench [NAME] [OPTIONS]`: measures, and writes what came out into docs/benchmarks.md.
//!
//! A measuring program prints its sections on stdout, each between marks (`<!-- bench:NAME -->` … `<!-- /bench:NAME -->`);
//! here each takes the place of the section of that name. What was not measured stays as it was.

use crate::setup;
use crate::shell::{cargo, command, describe, output, root, sh};
use anyhow::{Context, Result, bail};
use std::process::Stdio;

const DOC: &str = "docs/benchmarks.md";

struct Bench {
    name: &'static str,
    /// The folder of its peers, if they come from npm.
    peers: Option<&'static str>,
    /// What is built for it in release form. Without, it counts what no machine changes.
    programs: &'static [&'static str],
    /// It measures within its own process, so it must be optimised as well.
    inside: bool,
    /// It opens the window, whose page must be built before.
    page: bool,
}

const BENCHES: &[Bench] = &[
    Bench { name: "sync", peers: Some("bench-peers"), programs: &["--package", "airi-cli"], inside: true, page: false },
    Bench { name: "server", peers: None, programs: &[], inside: false, page: false },
    Bench {
        name: "window",
        peers: None,
        programs: &["--package", "airi-cli", "--package", "airi-desktop", "--bins", "--example", "empty-window"],
        inside: false,
        page: true,
    },
];

pub(crate) fn bench(args: &[String]) -> Result<()> {
    let (names, options) = match args.first() {
        Some(first) if !first.starts_with('-') => (vec![first.as_str()], &args[1..]),
        _ => (BENCHES.iter().map(|bench| bench.name).collect(), args),
    };
    setup::tests()?;
    for name in names {
        let Some(bench) = BENCHES.iter().find(|bench| bench.name == name) else {
            let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
            bail!("there is no bench '{name}' (there are: {})", known.join(", "));
        };
        if let Some(peers) = bench.peers {
            setup::npm(peers)?;
        }
        if bench.page {
            setup::window()?;
            sh("ui", "npm", &["run", "--silent", "build"])?;
        }
        measure(bench, options)?;
    }
    Ok(())
}

fn measure(bench: &Bench, options: &[String]) -> Result<()> {
    let mut args = vec!["bench", "--locked", "--package", "airi-tests", "--bench", bench.name];
    if !bench.programs.is_empty() {
        let build = [&["build", "--locked", "--release"], bench.programs].concat();
        sh("", &cargo(), &build)?;
    }
    if !bench.inside {
        args.extend(["--profile", "dev"]);
    }
    args.push("--");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let mut bench = command("", &cargo(), &args);
    let programs = target.join("release");
    bench.args(options).env("AIRI_BIN", programs.join(format!("airi{}", std::env::consts::EXE_SUFFIX)));
    bench.env("AIRI_PROGRAMS", programs);
    if let Some(date) = output("date", &["-u", "+%Y-%m-%d"]) {
        bench.args(["--date", &date]);
    }
    eprintln!("+ {}", describe(&bench));
    let output = bench.stdout(Stdio::piped()).stderr(Stdio::inherit()).output()?;
    let printed = String::from_utf8(output.stdout).context("the sections are text")?;
    // What was measured before something failed is measured all the same.
    let path = root().join(DOC);
    let mut doc = std::fs::read_to_string(&path).with_context(|| format!("read {DOC}"))?;
    for (section, text) in sections(&printed) {
        doc = with_section(&doc, section, text);
        eprintln!("= {DOC}: section {section} is new");
    }
    std::fs::write(&path, doc)?;
    if !output.status.success() {
        bail!("the bench failed ({})", output.status);
    }
    Ok(())
}

/// The sections in a text, marks included.
fn sections(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("<!-- bench:") {
        let from = &rest[start..];
        let Some(name) = from.strip_prefix("<!-- bench:").and_then(|from| from.split(" -->").next()) else { break };
        let close = format!("<!-- /bench:{name} -->");
        let Some(end) = from.find(&close) else { break };
        found.push((name, &from[..end + close.len()]));
        rest = &from[end + close.len()..];
    }
    found
}

/// The doc with one section exchanged; a new one goes to the end.
fn with_section(doc: &str, name: &str, text: &str) -> String {
    match sections(doc).into_iter().find(|(known, _)| *known == name) {
        Some((_, old)) => doc.replacen(old, text, 1),
        None => format!("{}\n\n{text}\n", doc.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_the_place_of_its_former_self_and_no_other() {
        let doc = "# Doc\n\n<!-- bench:a -->\nold a\n<!-- /bench:a -->\n\nbetween\n\n<!-- bench:a-b -->\nold b\n<!-- /bench:a-b -->\n";
        let printed = "noise\n<!-- bench:a -->\nnew a\n<!-- /bench:a -->\n<!-- bench:half -->\nno end";
        let found = sections(printed);
        assert_eq!(found, [("a", "<!-- bench:a -->\nnew a\n<!-- /bench:a -->")]);
        let new = with_section(doc, found[0].0, found[0].1);
        assert_eq!(new, doc.replace("old a", "new a"));
        let added = with_section(&new, "c", "<!-- bench:c -->\nc\n<!-- /bench:c -->");
        assert!(added.starts_with(new.trim_end()) && added.ends_with("<!-- /bench:c -->\n"));
    }
}
