//! One conversation as a Markdown file: the branch in view, with a head that tools read as front matter.

use super::ExportConversation;
use super::view::{content, date, says_something, shown, size, speaker};
use std::fmt::Write;

/// The conversation as Markdown. Hidden messages, thinking and other branches are left out; where there are other
/// versions of a message, it says so.
pub fn markdown(exported: &ExportConversation) -> String {
    let conversation = &exported.conversation;
    let title = conversation.title.as_deref().unwrap_or("Untitled");
    let messages = shown(exported);
    let mut out = String::from("---\n");
    // A JSON text is a YAML text.
    push(&mut out, "title", title);
    push(&mut out, "created", &date(conversation.created_at));
    if let Some(last) = messages.last() {
        push(&mut out, "last_message", &date(last.message.created_at));
    }
    for (key, value) in [("model", &conversation.model_id), ("provider", &conversation.provider_id)] {
        if let Some(value) = value {
            push(&mut out, key, value);
        }
    }
    if !conversation.tags.is_empty() {
        let tags = serde_json::to_string(&conversation.tags).unwrap_or_default();
        let _ = writeln!(out, "tags: {tags}");
    }
    let _ = write!(out, "---\n\n# {}\n", one_line(title));
    for shown in messages.iter().filter(|shown| says_something(shown)) {
        let message = shown.message;
        let _ = write!(out, "\n## {}\n\n*{}", one_line(&speaker(message)), date(message.created_at));
        if let Some((version, of)) = shown.version {
            let _ = write!(out, " · version {version} of {of}");
        }
        out.push_str("*\n");
        let text = content(message);
        if !text.trim().is_empty() {
            let _ = write!(out, "\n{}\n", text.trim_end());
        }
        for attachment in &shown.attachments {
            let size = size(attachment.file_size).map_or(String::new(), |size| format!(" ({size})"));
            let _ = write!(out, "\n> Attachment: {}{size}\n", one_line(&attachment.file_name));
        }
    }
    out
}

fn push(out: &mut String, key: &str, value: &str) {
    let _ = writeln!(out, "{key}: {}", serde_json::Value::String(value.to_owned()));
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
