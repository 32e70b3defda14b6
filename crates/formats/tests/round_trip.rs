//! Our own export: lossless, canonical, and as its schema says.

#![allow(clippy::unwrap_used)]

mod support;

use airi_domain::{MessageId, OwnerId, Time};
use airi_formats::export::{Assets, ExportConversation, JsonWriter, export_zip, html, markdown};
use airi_formats::import::{Archive, Format, ImportedConversation, Item, Limits};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;
use std::path::Path;
use support::{bytes_of, read_all, read_bytes, samples};

#[derive(Default)]
struct Shelf(BTreeMap<String, Vec<u8>>);

impl Assets for Shelf {
    fn open(&self, sha256: &str) -> io::Result<Option<Box<dyn Read>>> {
        Ok(self.0.get(sha256).map(|bytes| Box::new(Cursor::new(bytes.clone())) as Box<dyn Read>))
    }
}

/// Both samples as a profile would hold them, files hashed and shelved.
fn history(shelf: &mut Shelf) -> Vec<ExportConversation> {
    let mut all = Vec::new();
    for sample in ["chatgpt-current", "claude"] {
        let mut archive = Archive::open(&samples().join(sample), Format::Auto, &Limits::default()).unwrap();
        let mut read = Vec::new();
        archive
            .read(OwnerId::LOCAL, &mut |item, _| {
                if let Item::Conversation(c) = item {
                    read.push(*c);
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        for c in read {
            let attachments = c.attachments.into_iter().map(|imported| {
                let mut attachment = imported.attachment;
                if let Some(asset) = &imported.asset {
                    let bytes = bytes_of(archive.open_asset(asset).unwrap());
                    let hash = format!("{:x}", Sha256::digest(&bytes));
                    shelf.0.insert(hash.clone(), bytes);
                    attachment.sha256 = Some(hash);
                }
                attachment
            });
            let attachments = attachments.collect();
            all.push(ExportConversation { conversation: c.conversation, messages: c.messages, attachments });
        }
    }
    // Everything that a row can carry.
    let message = &mut all[0].messages[1];
    (message.prompt_tokens, message.completion_tokens, message.total_tokens) = (3, 5, 8);
    (message.rating, message.feedback, message.response_time_ms) = (Some(5), Some("good".into()), Some(1234));
    message.tool_calls = Some(json!([{"b": 1.5, "a": [null]}]));
    message.function_call = Some(json!({"name": "f"}));
    message.attachments = json!([{"url": "x"}]);
    message.edited_at = Time::from_micros(5);
    message.deleted_at = Time::from_micros(1_700_000_000_123_456);
    let conversation = &mut all[0].conversation;
    conversation.tags = vec!["b".into(), "a".into()];
    conversation.settings = json!({"view": {"font": "mono"}});
    (conversation.temperature, conversation.max_tokens) = (1.0, 99);
    conversation.system_prompt = Some("Be\u{2028}kind".into());
    conversation.summary = Some("s".into());
    all.sort_by_key(|e| (e.conversation.created_at, e.conversation.id));
    all
}

fn json_of(all: &[ExportConversation]) -> Vec<u8> {
    let mut writer = JsonWriter::new(Vec::new()).unwrap();
    for exported in all {
        writer.write(exported).unwrap();
    }
    writer.finish().unwrap()
}

fn again(conversations: Vec<ImportedConversation>) -> Vec<ExportConversation> {
    let exported = |c: ImportedConversation| ExportConversation {
        conversation: c.conversation,
        messages: c.messages,
        attachments: c.attachments.into_iter().map(|a| a.attachment).collect(),
    };
    conversations.into_iter().map(exported).collect()
}

#[test]
fn export_import_export_gives_the_same_bytes() {
    let all = history(&mut Shelf::default());
    let first = json_of(&all);
    let read = read_bytes(&first).unwrap();
    assert_eq!(read.conversations.len(), 25);
    let second = again(read.conversations);
    assert!(second.iter().zip(&all).all(|(a, b)| a.conversation == b.conversation && a.messages == b.messages));
    assert!(json_of(&second) == first);
}

#[test]
fn the_zip_is_the_same_every_time_and_brings_the_files_back() {
    let mut shelf = Shelf::default();
    let all = history(&mut shelf);
    let zip_of = |all: &[ExportConversation], shelf: &Shelf| {
        let mut out = Cursor::new(Vec::new());
        let summary = export_zip(&mut out, all.iter().cloned().map(Ok), shelf).unwrap();
        (out.into_inner(), summary)
    };
    let (first, summary) = zip_of(&all, &shelf);
    assert_eq!((summary.conversations, summary.files, summary.missing.len()), (25, 5, 0));
    assert!(first == zip_of(&all, &shelf).0);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("airi.zip");
    std::fs::write(&path, &first).unwrap();
    let mut archive = Archive::open(&path, Format::Airi, &Limits::default()).unwrap();
    let mut read = Vec::new();
    archive
        .read(OwnerId::LOCAL, &mut |item, _| {
            if let Item::Conversation(c) = item {
                read.push(*c);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let mut back = Shelf::default();
    for file in read.iter().flat_map(|c| &c.attachments) {
        if let Some(asset) = &file.asset {
            back.0.insert(file.attachment.sha256.clone().unwrap(), bytes_of(archive.open_asset(asset).unwrap()));
        }
    }
    assert!(back.0 == shelf.0);
    assert!(zip_of(&again(read), &back).0 == first);
}

#[test]
fn files_that_are_gone_or_changed_are_reported_and_left_out() {
    let mut shelf = Shelf::default();
    let all = history(&mut shelf);
    let hashes: Vec<_> = shelf.0.keys().cloned().collect();
    shelf.0.remove(&hashes[0]);
    shelf.0.get_mut(&hashes[1]).unwrap()[0] ^= 1;
    let mut out = Cursor::new(Vec::new());
    let summary = export_zip(&mut out, all.into_iter().map(Ok), &shelf).unwrap();
    assert_eq!(
        (summary.files, summary.missing, summary.damaged),
        (3, vec![hashes[0].clone()], vec![hashes[1].clone()])
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("airi.zip");
    std::fs::write(&path, out.into_inner()).unwrap();
    let read = read_all(&path).unwrap();
    let there = read.conversations.iter().flat_map(|c| &c.attachments).filter(|a| a.asset.is_some()).count();
    assert_eq!(there, 3);
}

#[test]
fn exports_are_as_the_schema_says() {
    let schema = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/export.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_slice::<Value>(&schema).unwrap()).unwrap();
    let mut exported: Value = serde_json::from_slice(&json_of(&history(&mut Shelf::default()))).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&exported).map(|e| format!("{}: {e}", e.instance_path())).take(5).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(validator.is_valid(&serde_json::from_slice::<Value>(&json_of(&[])).unwrap()));
    // And it is no schema that takes everything.
    for (path, value) in [
        ("/version", json!(2)),
        ("/format", json!("other")),
        ("/conversations/0/messages/0/role", json!("robot")),
        ("/conversations/0/messages/0/created_at", json!("yesterday")),
        ("/conversations/0/conversation/id", json!("1")),
        ("/conversations/0/conversation/tags", json!([1])),
    ] {
        let old = exported.pointer_mut(path).map(|place| std::mem::replace(place, value)).unwrap();
        assert!(!validator.is_valid(&exported), "{path}");
        *exported.pointer_mut(path).unwrap() = old;
    }
    let stray = exported.pointer_mut("/conversations/0/conversation").unwrap().as_object_mut().unwrap();
    stray.insert("user_id".into(), json!("u"));
    assert!(!validator.is_valid(&exported));
}

#[test]
fn pages_for_people_show_the_branch_in_view_and_nothing_that_runs() {
    let all = history(&mut Shelf::default());
    let kyoto = all.iter().find(|e| e.conversation.title.as_deref() == Some("Four days in Kyoto in November")).unwrap();
    let text = markdown(kyoto);
    assert!(
        text.starts_with("---\ntitle: \"Four days in Kyoto in November\"\ncreated: \"2023-10-02 19:21 UTC\"\n"),
        "{text}"
    );
    assert!(
        text.contains("model: \"gpt-4\"")
            && text.contains("## Assistant (gpt-4)")
            && text.contains("Car 5 has no window")
    );
    assert!(text.contains("version 2 of 2") && !text.contains("right-hand side") && !text.contains("tether"));

    let mut hostile = kyoto.clone();
    hostile.conversation.title = Some("</title><script>alert(1)</script>".into());
    for message in &mut hostile.messages {
        message.content.push_str("\n<script>alert(1)</script> ![x](https://e.org/x.png) <img src=x onerror=alert(1)>");
        message.model_id = Some("<b onload=x>".into());
    }
    let page = html(&hostile);
    for bad in ["<script", "<img", "<b ", "<iframe", "url("] {
        assert!(!page.contains(bad), "{bad}: {}", &page[page.find(bad).unwrap()..][..80]);
    }
    assert!(page.contains("default-src 'none'; style-src 'sha256-") && !page.contains("unsafe-inline"));
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("<table>"));
}

#[test]
fn a_thread_that_starts_twice_exports_the_one_in_view() {
    let mut all = history(&mut Shelf::default());
    let exported = &mut all[0];
    let other = exported.messages.iter().find(|m| m.parent_id == Some(MessageId::ROOT)).unwrap().clone();
    let second = airi_domain::Message {
        id: MessageId(uuid::Uuid::from_u128(5)),
        content: "another start".into(),
        parent_id: Some(MessageId::ROOT),
        metadata: json!({}),
        deleted_at: None,
        created_at: other.created_at.plus_micros(1),
        ..other
    };
    exported.conversation.current_message_id = Some(second.id);
    exported.messages.push(second);
    assert!(markdown(exported).contains("another start"));
    assert!(!markdown(exported).contains("nail polish"));
}
