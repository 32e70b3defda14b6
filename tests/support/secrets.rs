//! The keys and passwords of one cloud. Promise: they are random, made once per data folder, kept in a file that only
//! its owner can read, and the same after a restart.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::token::{random_text, sha256_base64url};

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub(crate) jwt_secret: String,
    pub(crate) publishable_key: String,
    pub(crate) service_key: String,
    /// The superuser of the cluster, `supabase_admin`.
    pub(crate) admin_password: String,
    /// The role that migrations and tests use, `postgres`.
    pub(crate) postgres_password: String,
    /// The roles that the gateway and PostgREST connect as.
    pub(crate) backend_password: String,
    pub(crate) email: String,
    pub(crate) password: String,
    /// Where the gateway listened last, so that a restart keeps its address when the port is free.
    pub(crate) last_port: Option<u16>,
}

const FILE: &str = "cloud.json";

impl Secrets {
    /// Reads the folder's secrets, or makes them.
    pub(crate) fn load_or_create(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        if path.exists() {
            let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            return serde_json::from_slice(&text).with_context(|| format!("understand {}", path.display()));
        }
        let secrets = Self {
            jwt_secret: random_text(48)?,
            publishable_key: api_key("sb_publishable_")?,
            service_key: api_key("sb_secret_")?,
            admin_password: random_text(24)?,
            postgres_password: random_text(24)?,
            backend_password: random_text(24)?,
            email: "dev@airi.test".into(),
            password: random_text(18)?,
            last_port: None,
        };
        secrets.save(folder)?;
        Ok(secrets)
    }

    /// Writes the file anew, whole or not at all.
    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        let staged = folder.join(format!("{FILE}.new"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&staged)
            .with_context(|| format!("create {}", staged.display()))?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&staged, folder.join(FILE))?;
        Ok(())
    }
}

/// A key in the shape of Supabase's: prefix, 22 random characters, `_`, 8 characters of checksum.
fn api_key(prefix: &str) -> Result<String> {
    let body = format!("{prefix}{}", &random_text(18)?[..22]);
    let checksum = sha256_base64url(&body);
    Ok(format!("{body}_{}", &checksum[..8]))
}
