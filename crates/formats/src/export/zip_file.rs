//! The JSON and the files in one ZIP, the same bytes every time: fixed dates, fixed order, nothing of the machine.

use super::{Assets, ExportConversation, ExportError, JsonWriter};
use crate::{EXPORT_FILES, EXPORT_JSON};
use airi_domain::is_sha256_hex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io::{self, Read, Seek, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// What went into the ZIP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ZipSummary {
    pub conversations: u64,
    pub messages: u64,
    /// Files with their bytes; the same bytes count once.
    pub files: u64,
    /// Hashes of files whose bytes are not on this machine.
    pub missing: Vec<String>,
    /// Hashes of files whose bytes have changed on the disk: left out.
    pub damaged: Vec<String>,
}

/// Writes `conversations.json` and `files/<sha256>`. Memory is that of one conversation and a hash for each file.
pub fn export_zip<W: Write + Seek>(
    out: W,
    conversations: impl Iterator<Item = Result<ExportConversation, Box<dyn std::error::Error + Send + Sync>>>,
    assets: &dyn Assets,
) -> Result<ZipSummary, ExportError> {
    export_zip_with(out, conversations, assets, None)
}

/// The same with one more member in `conversations.json` ([`JsonWriter::finish_with`]).
pub fn export_zip_with<W: Write + Seek>(
    out: W,
    conversations: impl Iterator<Item = Result<ExportConversation, Box<dyn std::error::Error + Send + Sync>>>,
    assets: &dyn Assets,
    member: Option<(&str, &Value)>,
) -> Result<ZipSummary, ExportError> {
    let mut zip = ZipWriter::new(out);
    let mut summary = ZipSummary::default();
    let mut hashes = BTreeSet::new();
    zip.start_file(EXPORT_JSON, options(CompressionMethod::Deflated)).map_err(io::Error::from)?;
    let mut json = JsonWriter::new(io::BufWriter::new(&mut zip))?;
    for exported in conversations {
        let exported = exported.map_err(ExportError::Source)?;
        summary.conversations += 1;
        summary.messages += exported.messages.len() as u64;
        hashes.extend(exported.attachments.iter().filter_map(|attachment| attachment.sha256.clone()));
        json.write(&exported)?;
    }
    match member {
        Some((name, value)) => json.finish_with(name, value)?,
        None => json.finish()?,
    };
    for sha256 in hashes {
        // The name inside the ZIP is made of it: nothing but a hash may get there.
        if !is_sha256_hex(&sha256) {
            continue;
        }
        let failed = |source| ExportError::Asset { sha256: sha256.clone(), source };
        let Some(mut bytes) = assets.open(&sha256).map_err(failed)? else {
            summary.missing.push(sha256);
            continue;
        };
        // Pictures and archives are packed already.
        let name = format!("{EXPORT_FILES}/{sha256}");
        zip.start_file(name, options(CompressionMethod::Stored)).map_err(io::Error::from)?;
        if copy_hashed(&mut bytes, &mut zip, &sha256)? == sha256 {
            summary.files += 1;
        } else {
            zip.abort_file().map_err(io::Error::from)?;
            summary.damaged.push(sha256);
        }
    }
    zip.finish().map_err(io::Error::from)?.flush()?;
    Ok(summary)
}

fn options(method: CompressionMethod) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644)
        .large_file(true)
}

fn copy_hashed(from: &mut dyn Read, to: &mut dyn Write, sha256: &str) -> Result<String, ExportError> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(format!("{:x}", hash.finalize())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(ExportError::Asset { sha256: sha256.to_owned(), source }),
        };
        hash.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
    }
}
