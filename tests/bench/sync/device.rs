//! A device: a data folder with a signed-in profile, and the release build of `airi` on it, each call a process of its own.

use airi_tests::{Cloud, User};
use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub(crate) struct Device {
    dir: tempfile::TempDir,
    airi: PathBuf,
    profile: String,
}

impl Device {
    /// A fresh device on which `user` has just signed in; nothing has come yet.
    pub(crate) fn signed_in(cloud: &Cloud, user: &User) -> Result<Device> {
        Device::signed_in_at(&cloud.url, cloud, user)
    }

    /// The same by another way to the server.
    pub(crate) fn signed_in_at(url: &str, cloud: &Cloud, user: &User) -> Result<Device> {
        let airi: PathBuf = std::env::var_os("AIRI_BIN").context("AIRI_BIN must name `airi`")?.into();
        ensure!(airi.is_file(), "{} is missing", airi.display());
        let mut device = Device { dir: tempfile::tempdir()?, airi, profile: String::new() };
        let passphrase = device.dir.path().join("passphrase");
        std::fs::write(&passphrase, "correct horse battery staple\n")?;
        std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(0o600))?;
        let login = ["login", "--url", url, "--key", &cloud.publishable_key, "--email", &user.email];
        let status = device.run_with(&[&login[..], &["--password-stdin"]].concat(), &format!("{}\n", user.password))?;
        device.profile = status["profile"].as_str().context("a status names its profile")?.to_owned();
        Ok(device)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.airi);
        command.arg("--data-dir").arg(self.dir.path().join("data")).arg("--json").args(args);
        command.env("AIRI_PASSPHRASE_FILE", self.dir.path().join("passphrase"));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Result<Value> {
        self.run_with(args, "")
    }

    fn run_with(&self, args: &[&str], stdin: &str) -> Result<Value> {
        let mut child =
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(stdin.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("airi {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    pub(crate) fn mirror(&self) -> PathBuf {
        self.dir.path().join("data/profiles").join(&self.profile).join("mirror.sqlite")
    }

    /// The mirror, to look at from outside while `airi` works.
    pub(crate) fn look(&self) -> Result<Connection> {
        Ok(Connection::open_with_flags(self.mirror(), OpenFlags::SQLITE_OPEN_READ_ONLY)?)
    }
}
