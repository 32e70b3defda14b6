//! `cargo xtask check`: everything that can be said without running the product.

use crate::setup;
use crate::shell::{cargo, command, finish, sh};
use anyhow::Result;

pub(crate) fn check() -> Result<()> {
    setup::window()?;
    setup::npm("tests/cloud_contract")?;
    let cargo = cargo();
    sh("", &cargo, &["fmt", "--all", "--check"])?;
    // The window's build embeds the page.
    sh("ui", "npm", &["run", "--silent", "build"])?;
    sh("", &cargo, &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    let mut doc = command("", &cargo, &["doc", "--locked", "--workspace", "--no-deps", "--quiet"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    finish(doc)?;
    let deny = setup::cargo_deny()?.to_string_lossy().into_owned();
    // Advisories need a database from the network; bans, licences and sources do not.
    sh("", &deny, &["--locked", "check", "bans", "licenses", "sources"])?;
    sh("ui", "npm", &["run", "--silent", "check"])?;
    sh("ui", "npm", &["run", "--silent", "lint"])?;
    sh("", &cargo, &["test", "--locked", "--package", "airi-tests", "--test", "layering"])
}
