//! Reads archives in tests, and builds ZIPs byte by byte: the ones that no honest writer would make.
#![allow(dead_code)]

use airi_domain::OwnerId;
use airi_formats::import::{Archive, Format, ImportError, ImportedConversation, Item, Limits, ReadSummary, Unreadable};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples")
}

pub(crate) struct History {
    pub(crate) conversations: Vec<ImportedConversation>,
    pub(crate) unreadable: Vec<Unreadable>,
    pub(crate) summary: ReadSummary,
}

pub(crate) fn read_all(path: &Path) -> Result<History, ImportError> {
    read_with(path, Format::Auto, &Limits::default(), OwnerId::LOCAL)
}

pub(crate) fn read_with(path: &Path, format: Format, limits: &Limits, owner: OwnerId) -> Result<History, ImportError> {
    let mut archive = Archive::open(path, format, limits)?;
    let (mut conversations, mut unreadable) = (Vec::new(), Vec::new());
    let total = archive.estimate().conversation_bytes;
    let summary = archive.read(owner, &mut |item, progress| {
        assert!(progress.bytes_read <= progress.bytes_total && progress.bytes_total == total);
        match item {
            Item::Conversation(conversation) => conversations.push(*conversation),
            Item::Unreadable(bad) => unreadable.push(bad),
        }
        ControlFlow::Continue(())
    })?;
    Ok(History { conversations, unreadable, summary })
}

pub(crate) fn read_bytes(bytes: &[u8]) -> Result<History, ImportError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("conversations.json");
    std::fs::write(&path, bytes).unwrap();
    read_all(&path)
}

pub(crate) fn bytes_of(mut reader: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Every file below a folder, with its name relative to it.
pub(crate) fn files_below(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                out.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    out.sort();
    out
}

/// One stored entry; every field can lie.
pub(crate) struct RawEntry {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) mode: u32,
    pub(crate) size: u32,
    pub(crate) packed: u32,
}

impl RawEntry {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> RawEntry {
        let size = bytes.len() as u32;
        RawEntry { name: name.into(), bytes: bytes.into(), flags: 0, mode: 0o100_644, size, packed: size }
    }
}

pub(crate) fn zip_of(entries: &[RawEntry]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let at = out.len() as u32;
        let mut common = Vec::new();
        common.extend_from_slice(&entry.flags.to_le_bytes());
        common.extend_from_slice(&[0; 6]);
        common.extend_from_slice(&crc32(&entry.bytes).to_le_bytes());
        common.extend_from_slice(&entry.packed.to_le_bytes());
        common.extend_from_slice(&entry.size.to_le_bytes());
        common.extend_from_slice(&(entry.name.len() as u16).to_le_bytes());
        common.extend_from_slice(&0_u16.to_le_bytes());
        out.extend_from_slice(b"PK\x03\x04\x14\x00");
        out.extend_from_slice(&common);
        out.extend_from_slice(entry.name.as_bytes());
        out.extend_from_slice(&entry.bytes);
        directory.extend_from_slice(b"PK\x01\x02\x14\x03\x14\x00");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&(entry.mode << 16).to_le_bytes());
        directory.extend_from_slice(&at.to_le_bytes());
        directory.extend_from_slice(entry.name.as_bytes());
    }
    let (start, length, count) = (out.len() as u32, directory.len() as u32, entries.len() as u16);
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}
