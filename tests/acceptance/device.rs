//! A device: a data folder, and `airi` on it.

use airi_tests::{Cloud, User};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) struct Device {
    pub(crate) dir: tempfile::TempDir,
}

/// The program, built by `cargo xtask test` beside the tests.
pub(crate) fn airi() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let target = exe.parent().and_then(Path::parent).unwrap();
    let path = target.join(format!("airi{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is missing: `cargo build -p airi-cli` first", path.display());
    path
}

impl Device {
    pub(crate) fn new() -> Device {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("passphrase"), "correct horse battery staple\n").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(dir.path().join("passphrase"), private).unwrap();
        }
        Device { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(airi());
        command.arg("--data-dir").arg(self.path("data")).arg("--json").args(args);
        command.env("AIRI_PASSPHRASE_FILE", self.path("passphrase"));
        command
    }

    pub(crate) fn output(&self, args: &[&str], stdin: &str) -> Output {
        let mut child =
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that ends before it reads leaves a broken pipe, which is its own affair.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// The answer of a call that must succeed.
    pub(crate) fn run(&self, args: &[&str]) -> Value {
        self.run_with(args, "")
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: &str) -> Value {
        let output = self.output(args, stdin);
        assert!(output.status.success(), "airi {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("airi {args:?}: {error}: {}", String::from_utf8_lossy(&output.stdout)))
    }

    /// Signs in with the password; `more` are further words, such as `--take none`.
    pub(crate) fn log_in(&self, cloud: &Cloud, user: &User, more: &[&str]) -> Value {
        let (url, key) = (cloud.url.as_str(), cloud.publishable_key.as_str());
        let args = ["login", "--url", url, "--key", key, "--email", &user.email, "--password-stdin"];
        self.run_with(&[&args, more].concat(), &format!("{}\n", user.password))
    }

    /// Exit code, error code and message of a call that must fail.
    pub(crate) fn fail(&self, args: &[&str]) -> (i32, String, String) {
        self.fail_with(args, "")
    }

    pub(crate) fn fail_with(&self, args: &[&str], stdin: &str) -> (i32, String, String) {
        let output = self.output(args, stdin);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "airi {args:?} succeeded: {}", String::from_utf8_lossy(&output.stdout));
        let error: Value = serde_json::from_str(stderr.trim()).unwrap_or_else(|_| panic!("airi {args:?}: {stderr}"));
        let text = |name: &str| error["error"][name].as_str().unwrap().to_owned();
        (output.status.code().unwrap(), text("code"), text("message"))
    }

    pub(crate) fn import(&self, path: &Path) -> Value {
        self.run(&["import", path.to_str().unwrap()])
    }

    pub(crate) fn export(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        self.run(&["export", "--all", "-o", path.to_str().unwrap()]);
        std::fs::read(path).unwrap()
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.run(&["list"]).as_array().unwrap().clone()
    }

    pub(crate) fn search(&self, query: &str) -> Vec<Value> {
        self.run(&["search", query])["hits"].as_array().unwrap().clone()
    }
}
