//! Who may know whom. The house of docs/ARCHITECTURE.md, held by what cargo itself says of it.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Each crate of ours and the ones of ours that it may name.
const ALLOWED: &[(&str, &[&str])] = &[
    ("airi-domain", &[]),
    ("airi-contract", &[]),
    ("airi-store", &["airi-domain"]),
    ("airi-search", &["airi-domain"]),
    ("airi-cloud", &["airi-domain"]),
    ("airi-secrets", &["airi-domain"]),
    ("airi-formats", &["airi-domain"]),
    ("airi-llm", &["airi-domain"]),
    // Sync only for the feature `cloud`, which the product does not ask for; see below.
    ("airi-testkit", &["airi-domain", "airi-sync"]),
    ("airi-sync", &["airi-domain", "airi-store"]),
    (
        "airi-app",
        &[
            "airi-domain",
            "airi-contract",
            "airi-store",
            "airi-search",
            "airi-cloud",
            "airi-secrets",
            "airi-formats",
            "airi-llm",
            "airi-sync",
            "airi-testkit",
        ],
    ),
    ("airi-cli", &["airi-app", "airi-contract"]),
    ("airi-desktop", &["airi-app", "airi-contract"]),
];

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cargo(args: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo).args(args).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The dependencies of ours that each member declares, those of its tests left out.
fn declared() -> BTreeMap<String, Vec<String>> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"])).unwrap();
    let mut found = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let ours = package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"] != "dev");
        let mut names: Vec<String> = ours
            .filter_map(|d| d["name"].as_str().filter(|name| name.starts_with("airi-")).map(str::to_owned))
            .collect();
        names.sort();
        names.dedup();
        found.insert(package["name"].as_str().unwrap().to_owned(), names);
    }
    found
}

#[test]
fn every_crate_knows_only_whom_it_may() {
    let declared = declared();
    for (name, dependencies) in &declared {
        if ["airi-tests", "xtask"].contains(&name.as_str()) {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
            panic!("{name} has no place in the house yet: add it to ALLOWED and to docs/ARCHITECTURE.md");
        };
        for dependency in dependencies {
            assert!(allowed.contains(&dependency.as_str()), "{name} may not know {dependency}");
        }
    }
    for (name, _) in ALLOWED {
        assert!(declared.contains_key(*name), "{name} is in ALLOWED, but no longer in the house");
    }
}

#[test]
fn the_product_links_no_model_of_the_server() {
    for package in ["airi-cli", "airi-app", "airi-desktop"] {
        let args = ["tree", "--locked", "--package", package, "--prefix", "none", "--edges", "normal,build,features"];
        let tree = cargo(&args);
        assert!(
            tree.lines().any(|line| line.starts_with("airi-testkit ")),
            "{package} draws its samples from the testkit"
        );
        assert!(
            !tree.lines().any(|line| line.starts_with("airi-testkit feature \"cloud\"")),
            "{package} links the model"
        );
    }
}

#[test]
fn nothing_but_the_window_links_a_webview() {
    for package in ["airi-cli", "airi-app", "airi-tests"] {
        let tree = cargo(&["tree", "--locked", "--package", package, "--prefix", "none", "--edges", "normal,build"]);
        for banned in ["tauri ", "wry ", "webkit2gtk ", "gtk "] {
            assert!(!tree.lines().any(|line| line.starts_with(banned)), "{package} links {banned}");
        }
    }
}

#[test]
fn the_domain_does_no_input_or_output() {
    let tree = cargo(&["tree", "--locked", "--package", "airi-domain", "--prefix", "none", "--edges", "normal"]);
    for banned in ["tokio ", "reqwest ", "rusqlite ", "tantivy ", "hyper "] {
        assert!(!tree.lines().any(|line| line.starts_with(banned)), "the domain links {banned}");
    }
}
