//! The entries of a ZIP archive, checked before one byte of them is unpacked.

use super::container::{Entry, MAX_NAME};
use super::error::{ImportError, shown};
use super::limits::Limits;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use zip::ZipArchive;
use zip::result::ZipError;

pub(crate) type OpenZip = ZipArchive<BufReader<File>>;

/// Opens the archive and lists its files; anything that a real export does not have refuses the whole.
pub(crate) fn open(mut file: File, limits: &Limits) -> Result<(OpenZip, Vec<Entry>), ImportError> {
    let packed_total = file.metadata().map(|meta| meta.len()).unwrap_or(0);
    // The directory is read whole into memory: its length is looked at first.
    if let Some(count) = declared_entries(&mut file, packed_total) {
        limits.check_entries(count)?;
    }
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(zip_error)?;
    limits.check_entries(archive.len() as u64)?;
    if archive.has_duplicate_names() {
        return Err(refused("(its directory)", "lists two entries of the same name"));
    }
    let mut entries = Vec::new();
    let (mut packed, mut unpacked) = (0_u64, 0_u64);
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(zip_error)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        if let Some(why) = bad_name(&name) {
            return Err(refused(&name, why));
        }
        if entry.encrypted() {
            return Err(refused(&name, "is encrypted"));
        }
        let kind = entry.unix_mode().map_or(0, |mode| mode & 0o170_000);
        if entry.is_symlink() || !matches!(kind, 0 | 0o100_000 | 0o040_000) {
            return Err(refused(&name, "is a link or a special file"));
        }
        packed = packed.saturating_add(entry.compressed_size());
        unpacked = unpacked.saturating_add(entry.size());
        limits.check_ratio(entry.compressed_size(), entry.size())?;
        if !name.ends_with('/') {
            let size = entry.size();
            entries.push(Entry::in_zip(name, size, index));
        }
    }
    limits.check_ratio(packed.min(packed_total), unpacked)?;
    limits.check_unpacked(unpacked)?;
    if packed > packed_total || archive.has_overlapping_files().map_err(zip_error)? {
        return Err(refused("(its directory)", "lists entries that share the same bytes"));
    }
    Ok((archive, entries))
}

pub(crate) fn zip_error(error: ZipError) -> ImportError {
    ImportError::Zip { what: error.to_string() }
}

fn refused(entry: &str, why: &str) -> ImportError {
    ImportError::Refused { entry: shown(entry), why: why.to_owned() }
}

fn bad_name(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Some("has no name or one of enormous length");
    }
    if name.contains('\0') {
        return Some("has a zero byte in its name");
    }
    if name.contains('\\') {
        return Some("has a backslash in its name");
    }
    if name.starts_with('/') || name.get(1..2) == Some(":") {
        return Some("has an absolute path");
    }
    let inner = name.strip_suffix('/').unwrap_or(name);
    if inner.split('/').any(|part| part == "..") {
        return Some("leads out of the archive ('..')");
    }
    inner.split('/').any(|part| part.is_empty() || part == ".").then_some("has a path with empty parts")
}

/// How many entries the end of the archive says that there are; None when it is not found here (then the ZIP reader says).
fn declared_entries(file: &mut File, length: u64) -> Option<u64> {
    let tail_length = length.min(66_000);
    file.seek(SeekFrom::Start(length - tail_length)).ok()?;
    let mut tail = Vec::new();
    file.take(tail_length).read_to_end(&mut tail).ok()?;
    file.seek(SeekFrom::Start(0)).ok()?;
    let find = |mark: &[u8]| tail.windows(4).rposition(|window| window == mark);
    // The 64-bit end stands before the common one.
    if let Some(at) = find(b"PK\x06\x06")
        && let Some(bytes) = tail.get(at + 32..at + 40)
    {
        return bytes.try_into().ok().map(u64::from_le_bytes);
    }
    let at = find(b"PK\x05\x06")?;
    let bytes = tail.get(at + 10..at + 12)?;
    bytes.try_into().ok().map(u16::from_le_bytes).map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["../a", "a/../b", "/a", "a\\b", "C:/a", "c:a", "", "a//b", "./a", "a/.", "a\0b"] {
            assert!(bad_name(name).is_some(), "{name:?}");
        }
        for name in ["a", "a/b.json", "dalle-generations/", "user-1/file..png", "…/ü.json"] {
            assert!(bad_name(name).is_none(), "{name:?}");
        }
    }
}
