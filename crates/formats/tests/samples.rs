//! The project's sample archives, read in every form in which a user may have them.

#![allow(clippy::unwrap_used)]

mod support;

use airi_domain::{Message, MessageId, OwnerId, Role};
use airi_formats::import::{Archive, Format, ImportedConversation, Item, Limits, Source};
use std::collections::HashSet;
use std::ops::ControlFlow;
use support::{RawEntry, bytes_of, files_below, read_all, read_with, samples, zip_of};

fn titled<'a>(all: &'a [ImportedConversation], title: &str) -> &'a ImportedConversation {
    all.iter().find(|c| c.conversation.title.as_deref() == Some(title)).unwrap_or_else(|| panic!("no '{title}'"))
}

fn containing<'a>(c: &'a ImportedConversation, text: &str) -> &'a Message {
    c.messages.iter().find(|m| m.content.contains(text)).unwrap_or_else(|| panic!("no '{text}'"))
}

#[test]
fn the_chatgpt_sample_comes_in_whole() {
    let read = read_all(&samples().join("chatgpt")).unwrap();
    assert_eq!((read.summary.read, read.summary.unreadable), (20, 0));
    assert_eq!(read.summary.messages, read.conversations.iter().map(|c| c.messages.len() as u64).sum::<u64>());
    let all = &read.conversations;

    let kyoto = titled(all, "Four days in Kyoto in November");
    let edits: Vec<_> = kyoto.messages.iter().filter(|m| m.content.starts_with("We'll be in Kyoto")).collect();
    assert_eq!(edits.len(), 2);
    assert_eq!(edits[0].parent_id, edits[1].parent_id);
    assert!(kyoto.conversation.is_starred);
    assert!(containing(kyoto, "turn from mid November").is_hidden());

    let cafe = titled(all, "Café sales: which day is worth opening?");
    let files: Vec<_> = cafe.attachments.iter().map(|a| (a.attachment.file_name.as_str(), a.asset.is_some())).collect();
    assert_eq!(files[0], ("sales_may_june.csv", true));
    assert!(containing(cafe, "import pandas").is_hidden());

    let pump = titled(all, "Heat pump or new gas boiler?");
    assert!(pump.messages.iter().all(|m| !m.content.contains(|c| ('\u{e200}'..='\u{e2ff}').contains(&c))));
    let answer = containing(pump, "seasonal performance factor of **3.1**");
    assert!(answer.content.contains("radiators only.\n"));
    assert_eq!(answer.metadata["content_references"].as_array().unwrap().len(), 3);
    assert!(pump.messages.iter().any(|m| m.thinking_text().contains("Looking for field data")));
    assert!(containing(pump, "1978 house near Freiburg, 140 m²").is_hidden());

    let clause = titled(all, "Clause 7 in plain words");
    assert!(clause.conversation.is_archived && clause.conversation.model_id.is_none());
    assert!(clause.messages.iter().all(|m| m.model_id.is_none()));
    assert!(titled(all, "Sixteen weeks to a first marathon").conversation.is_starred);
    assert!(all.iter().any(|c| c.conversation.title.is_none()));
    let odd: Vec<_> = all.iter().filter(|c| !c.notes.is_empty()).collect();
    assert_eq!(odd.len(), 2);
    // Rows are consistent, whatever they were made of.
    let mut ids = HashSet::new();
    for c in all {
        let own: HashSet<MessageId> = c.messages.iter().map(|m| m.id).collect();
        assert!(c.messages.iter().all(|m| ids.insert(m.id) && m.conversation_id == c.conversation.id));
        assert!(c.messages.iter().all(|m| m.parent_id.is_none_or(|p| p == MessageId::ROOT || own.contains(&p))));
        assert!(c.messages.is_sorted_by_key(|m| (m.created_at, m.id)));
        assert!(c.conversation.current_message_id.is_some_and(|id| own.contains(&id)));
        assert!(c.messages.iter().all(|m| m.metadata["source"] == "chatgpt"));
        assert!(c.messages.iter().any(|m| m.role == Role::Assistant && !m.is_hidden()));
        assert!(c.attachments.iter().all(|a| own.contains(&a.attachment.message_id) && a.asset.is_some()));
    }
}

#[test]
fn file_folder_and_zip_in_both_layouts_give_the_same_rows() {
    let rows = |conversations: Vec<ImportedConversation>| {
        let mut rows: Vec<_> = conversations.into_iter().map(|c| (c.conversation, c.messages)).collect();
        rows.sort_by_key(|(c, _)| c.id);
        rows
    };
    let expected = rows(read_all(&samples().join("chatgpt")).unwrap().conversations);
    let dir = tempfile::tempdir().unwrap();
    for (layout, prefix) in [("chatgpt", ""), ("chatgpt-current", ""), ("chatgpt-current", "my export/")] {
        let files = files_below(&samples().join(layout));
        let entries: Vec<_> =
            files.iter().map(|(name, bytes)| RawEntry::new(&format!("{prefix}{name}"), bytes)).collect();
        let path = dir.path().join("export.zip");
        std::fs::write(&path, zip_of(&entries)).unwrap();
        let read = read_all(&path).unwrap();
        assert!(read.conversations.iter().flat_map(|c| &c.attachments).all(|a| a.asset.is_some()), "{layout}");
        assert!(rows(read.conversations) == expected, "{layout} as a ZIP");
    }
    assert!(rows(read_all(&samples().join("chatgpt-current")).unwrap().conversations) == expected);
    assert!(rows(read_all(&samples().join("chatgpt/conversations.json")).unwrap().conversations) == expected);
}

#[test]
fn every_asset_of_both_layouts_has_its_bytes_and_names() {
    for layout in ["chatgpt", "chatgpt-current"] {
        let mut archive = Archive::open(&samples().join(layout), Format::Auto, &Limits::default()).unwrap();
        let mut found = Vec::new();
        archive
            .read(OwnerId::LOCAL, &mut |item, _| {
                if let Item::Conversation(c) = item {
                    found.extend(c.attachments);
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(found.len(), 5, "{layout}");
        for file in &found {
            let asset = file.asset.as_ref().unwrap();
            let bytes = bytes_of(archive.open_asset(asset).unwrap());
            assert_eq!(bytes.len() as u64, asset.size);
            assert_eq!(file.attachment.file_size, Some(asset.size as i64), "{}", file.attachment.file_name);
            assert!(file.attachment.mime_type.is_some(), "{}", file.attachment.file_name);
        }
        if layout == "chatgpt-current" {
            let names: HashSet<_> = found.iter().map(|f| f.attachment.file_name.as_str()).collect();
            let all =
                ["sales_may_june.csv", "by_day.png", "fox-by-lamplight.webp", "balcony-ficus.jpg", "voice-message.wav"];
            assert_eq!(names, HashSet::from(all));
        }
    }
}

#[test]
fn the_claude_sample_comes_in_whole() {
    let read = read_with(&samples().join("claude"), Format::Claude, &Limits::default(), OwnerId::LOCAL).unwrap();
    let all = &read.conversations;
    assert_eq!((read.summary.read, read.summary.unreadable), (5, 0));
    assert!(all.iter().all(|c| c.source == Source::Claude && c.notes.is_empty()));
    let lease = titled(all, "Before I sign this lease");
    assert_eq!(lease.attachments.len(), 2);
    assert!(lease.messages[0].tool_text().contains("§ 7 Cosmetic repairs"));
    let query = titled(all, "Why is this query slow?");
    let answer = containing(query, "partial index is small");
    assert!(answer.thinking_text().contains("composite index") && answer.tool_text().contains("walkByTime: 6000000"));
    assert_eq!(query.conversation.model_id.as_deref(), Some("claude-sonnet-4-5-20250929"));
    let haiku = titled(all, "秋の俳句");
    let versions: Vec<_> =
        haiku.messages.iter().filter(|m| m.content.contains("電車") && m.role == Role::Assistant).collect();
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[0].parent_id, versions[1].parent_id);
    assert!(all.iter().any(|c| c.conversation.title.is_none() && containing(c, "68 g").role == Role::Assistant));
}

#[test]
fn reading_again_gives_the_same_and_another_owner_other_ids() {
    for sample in ["chatgpt", "claude"] {
        let first = read_all(&samples().join(sample)).unwrap().conversations;
        assert!(first == read_all(&samples().join(sample)).unwrap().conversations);
        let owner = OwnerId(uuid::Uuid::from_u128(7));
        let other = read_with(&samples().join(sample), Format::Auto, &Limits::default(), owner).unwrap().conversations;
        let ids: HashSet<_> = first.iter().flat_map(|c| &c.messages).map(|m| m.id).collect();
        assert!(other.iter().flat_map(|c| &c.messages).all(|m| !ids.contains(&m.id)));
    }
}

#[test]
fn the_receiver_can_break_off() {
    let mut archive = Archive::open(&samples().join("claude"), Format::Auto, &Limits::default()).unwrap();
    let mut count = 0;
    let summary = archive
        .read(OwnerId::LOCAL, &mut |_, _| {
            count += 1;
            if count == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert!(summary.cancelled && summary.read == 2 && count == 2);
}
