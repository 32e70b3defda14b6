//! The user that PostgreSQL runs as. Promise: never root, which PostgreSQL refuses: root starts it as the user `postgres`,
//! anyone else as themselves. Below a folder that only root can enter, the server gets the one right that it lacks: to pass.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// How a program is started so that it runs as the right user.
pub(crate) struct Account {
    /// User and group to become; `None`: stay who we are.
    other: Option<(u32, u32)>,
    /// Whether it needs the right to pass through closed folders.
    passes: bool,
}

const PASS: [&str; 2] = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];

impl Account {
    pub(crate) fn for_server() -> Result<Self> {
        if numeric_id(&["-u"])? != 0 {
            return Ok(Self { other: None, passes: false });
        }
        let user = numeric_id(&["-u", "postgres"])
            .context("PostgreSQL does not run as root, and there is no user postgres to run it as")?;
        Ok(Self { other: Some((user, numeric_id(&["-g", "postgres"])?)), passes: false })
    }

    /// Gives a file or folder to the account.
    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        if let Some((user, group)) = self.other {
            chown(path, Some(user), Some(group)).with_context(|| format!("give {} to postgres", path.display()))?;
        }
        Ok(())
    }

    /// Makes sure that programs of this account can get to the folder, whoever may enter those above it.
    pub(crate) fn reach(&mut self, folder: &Path) -> Result<()> {
        let Some((user, _)) = self.other else { return Ok(()) };
        for ancestor in folder.ancestors().skip(1) {
            let about = fs::metadata(ancestor)?;
            if about.mode() & 0o001 != 0 || about.uid() == user {
                continue;
            }
            self.passes = true;
            let (program, args) = self.command(Path::new("true"));
            let can = Command::new(program).args(args).stderr(Stdio::null()).status();
            if !can.is_ok_and(|status| status.success()) {
                let closed = ancestor.display();
                bail!("the user postgres cannot enter {closed}; choose another folder, or run `chmod o+x` on it");
            }
            break;
        }
        Ok(())
    }

    /// What to run, and its first arguments, so that `program` runs as this account.
    pub(crate) fn command(&self, program: &Path) -> (PathBuf, Vec<String>) {
        let Some((user, group)) = self.other else { return (program.into(), Vec::new()) };
        let mut args = vec![format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".into()];
        if self.passes {
            args.extend(PASS.map(String::from));
        }
        args.push("--".into());
        args.push(program.display().to_string());
        ("setpriv".into(), args)
    }
}

fn numeric_id(args: &[&str]) -> Result<u32> {
    let output = Command::new("id").args(args).output().context("run id")?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
