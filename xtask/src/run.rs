//! `cargo xtask run`: from a fresh clone to the open window.

use crate::setup;
use crate::shell::{cargo, command, finish, sh};
use anyhow::Result;

pub(crate) fn run(args: &[String]) -> Result<()> {
    setup::window()?;
    sh("ui", "npm", &["run", "--silent", "build"])?;
    let mut run = command("", &cargo(), &["run", "--locked", "--package", "airi-desktop", "--"]);
    run.args(args);
    finish(run)
}
