//! Small exports to import: known texts and known files, in AIRI's own format.

use airi_testkit::Rng;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;
use uuid::Uuid;
use zip::write::SimpleFileOptions;

/// What an archive holds.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    pub(crate) conversation: String,
    /// Id and text.
    pub(crate) messages: Vec<(String, String)>,
    /// Id and hash.
    pub(crate) attachments: Vec<(String, String)>,
}

/// Writes a ZIP with one conversation of `messages` messages and `files` attachments of `bytes` bytes each.
pub(crate) fn write(path: &Path, rng: &mut Rng, messages: usize, files: usize, bytes: usize) -> Archive {
    let mut id = || Uuid::from_u64_pair(rng.next_u64(), rng.next_u64()).to_string();
    let conversation = id();
    let messages: Vec<(String, String)> = (0..messages).map(|n| (id(), format!("imported {n} {}", id()))).collect();
    let at = |n: usize| format!("2026-02-01T10:{:02}:{:02}.000000Z", n / 60 % 60, n % 60);
    let mut attachments = Vec::new();
    let mut contents = Vec::new();
    for _ in 0..files {
        let content: Vec<u8> = (0..bytes).map(|_| rng.next_u64() as u8).collect();
        let id = Uuid::from_u64_pair(rng.next_u64(), rng.next_u64()).to_string();
        let hash: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        attachments.push((id, hash));
        contents.push(content);
    }
    let export = json!({
        "format": "airi-export",
        "version": 1,
        "conversations": [{
            "conversation": {"id": conversation, "title": "Imported", "created_at": at(0)},
            "messages": messages.iter().enumerate().map(|(n, (id, text))| json!({
                "id": id, "conversation_id": conversation, "role": if n % 2 == 0 { "user" } else { "assistant" },
                "content": text, "created_at": at(n),
            })).collect::<Vec<_>>(),
            "attachments": attachments.iter().enumerate().map(|(n, (id, hash))| json!({
                "id": id, "message_id": messages[n % messages.len()].0, "file_name": format!("file-{n}.bin"),
                "file_size": bytes, "sha256": hash, "mime_type": "application/octet-stream", "created_at": at(n),
            })).collect::<Vec<_>>(),
        }],
    });
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let options = SimpleFileOptions::default();
    zip.start_file("conversations.json", options).unwrap();
    zip.write_all(export.to_string().as_bytes()).unwrap();
    for ((_, hash), content) in attachments.iter().zip(contents) {
        zip.start_file(format!("files/{hash}"), options).unwrap();
        zip.write_all(&content).unwrap();
    }
    zip.finish().unwrap();
    Archive { conversation, messages, attachments }
}
