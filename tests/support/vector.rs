//! A throw-away PostgreSQL 16 with pgvector, beside the cloud: Debian's PostgreSQL 15 has none. Promise: it is bootstrapped as
//! the cloud's database is, without our migrations; the server ends with the value.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cloud::bootstrap;
use crate::folder::Folder;
use crate::postgres::{Postgres, PostgresOptions};
use crate::programs;
use crate::secrets::Secrets;

pub struct VectorServer {
    postgres: Postgres,
    secrets: Secrets,
    // Dropped last: the server's folder.
    folder: Folder,
}

impl VectorServer {
    pub async fn start() -> Result<Self> {
        let bin = programs::pgvector_bin()?;
        lend_pgtap(&bin)?;
        let folder = Folder::open(None)?;
        let secrets = Secrets::load_or_create(folder.path())?;
        let postgres = Postgres::start(PostgresOptions {
            folder: folder.path().join("postgres"),
            password: secrets.admin_password.clone(),
            throw_away: true,
            archive: false,
            bin: Some(bin),
        })
        .await?;
        bootstrap(&postgres, &secrets).await?;
        Ok(Self { postgres, secrets, folder })
    }

    /// The address for the role `postgres`, which is no superuser.
    pub fn owner_url(&self) -> String {
        self.postgres.url("postgres", &self.secrets.postgres_password)
    }

    pub fn superuser_url(&self) -> String {
        self.postgres.superuser_url()
    }

    /// The folder that holds the data, in `postgres/data`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// pgTAP is SQL alone, so the files of the machine's PostgreSQL serve this one too.
fn lend_pgtap(bin: &Path) -> Result<()> {
    let shared = |bin: &Path| -> Result<PathBuf> {
        let output = Command::new(bin.join("pg_config")).arg("--sharedir").output().context("run pg_config")?;
        Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()).join("extension"))
    };
    let (from, to) = (shared(&programs::postgres_bin()?)?, shared(bin)?);
    let mut found = false;
    for entry in std::fs::read_dir(&from).with_context(|| format!("read {}", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().filter(|name| name.to_string_lossy().starts_with("pgtap")) else { continue };
        found = true;
        if !to.join(name).exists() {
            // By another name first: two test programs may start at once.
            let half = to.join(format!("{}.{}", name.to_string_lossy(), std::process::id()));
            std::fs::copy(&path, &half).with_context(|| format!("copy {}", path.display()))?;
            std::fs::rename(&half, to.join(name))?;
        }
    }
    if !found {
        bail!("{} has no pgTAP; install the package postgresql-15-pgtap", from.display());
    }
    Ok(())
}
