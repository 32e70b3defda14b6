//! The branch in view, for exports that people read.

use super::ExportConversation;
use airi_domain::{Attachment, Fork, Message, MessageId, Node, Time, place};
use serde_json::Value;
use std::collections::HashMap;

/// A message that is shown.
pub(crate) struct Shown<'a> {
    pub message: &'a Message,
    pub attachments: Vec<&'a Attachment>,
    /// Where it has siblings: which of them it is, from 1, and how many there are.
    pub version: Option<(usize, usize)>,
}

/// The messages on the branch in view in their order; hidden and deleted ones are left out.
pub(crate) fn shown(exported: &ExportConversation) -> Vec<Shown<'_>> {
    let mut messages: Vec<&Message> = exported.messages.iter().collect();
    messages.sort_by_key(|message| (message.created_at, message.id));
    let nodes: Vec<Node> = messages
        .iter()
        .map(|m| Node { id: m.id, parent: m.parent_id, hidden: m.is_hidden(), deleted: m.deleted_at.is_some() })
        .collect();
    let placed = place(&nodes, exported.conversation.current_message_id);
    let mut versions: HashMap<Fork, Vec<usize>> = HashMap::new();
    for (i, placed) in placed.iter().enumerate() {
        if let Some(fork) = placed.fork {
            versions.entry(fork).or_default().push(i);
        }
    }
    let mut files: HashMap<MessageId, Vec<&Attachment>> = HashMap::new();
    for attachment in &exported.attachments {
        files.entry(attachment.message_id).or_default().push(attachment);
    }
    let mut in_view: Vec<_> = placed
        .iter()
        .enumerate()
        .filter(|(i, placed)| placed.view.is_some() && !nodes[*i].hidden)
        .map(|(i, placed)| (placed.view, i))
        .collect();
    in_view.sort_unstable();
    in_view
        .into_iter()
        .map(|(_, i)| {
            let version = placed[i].fork.and_then(|fork| {
                let all = versions.get(&fork)?;
                Some((all.iter().position(|at| *at == i)? + 1, all.len()))
            });
            let attachments = files.remove(&messages[i].id).unwrap_or_default();
            Shown { message: messages[i], attachments, version }
        })
        .collect()
}

/// The text of each thinking block and what was taken out of attached files is not part of these exports; a message
/// with nothing else is left out.
pub(crate) fn says_something(shown: &Shown<'_>) -> bool {
    !shown.message.content.trim().is_empty() || !shown.attachments.is_empty()
}

/// `2026-01-31 08:30 UTC`
pub(crate) fn date(time: Time) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(clock)) => format!("{day} {clock} UTC"),
        _ => text,
    }
}

/// Who speaks, as a heading.
pub(crate) fn speaker(message: &Message) -> String {
    let role = match message.role {
        airi_domain::Role::User => "User",
        airi_domain::Role::Assistant => "Assistant",
        airi_domain::Role::System => "System",
        airi_domain::Role::Function | airi_domain::Role::Tool => "Tool",
    };
    match &message.model_id {
        Some(model) if message.role == airi_domain::Role::Assistant => format!("{role} ({model})"),
        _ => role.to_owned(),
    }
}

/// `12.3 kB`
pub(crate) fn size(bytes: Option<i64>) -> Option<String> {
    let bytes = bytes? as f64;
    Some(match bytes {
        b if b < 1000.0 => format!("{b} B"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    })
}

/// The language of a code message, where its block names one.
pub(crate) fn language(message: &Message) -> &str {
    message.blocks().iter().find_map(|block| block.get("language").and_then(Value::as_str)).unwrap_or_default()
}

/// The content as Markdown: code gets its fence.
pub(crate) fn content(message: &Message) -> String {
    if message.content_type != airi_domain::ContentType::Code {
        return message.content.clone();
    }
    let longest = message.content.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let language: String = language(message).chars().filter(|c| c.is_alphanumeric() || "+-#".contains(*c)).collect();
    format!("{fence}{language}\n{}\n{fence}", message.content.trim_end_matches('\n'))
}
