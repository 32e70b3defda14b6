//! One conversation as a page that stands alone: styles inside, no script, nothing loaded, light and dark.

use super::ExportConversation;
use super::view::{content, date, says_something, shown, size, speaker};
use crate::render::to_html;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The conversation as one HTML file. Hidden messages and other branches are left out; where there are other versions
/// of a message, it says so; thinking can be unfolded.
pub fn html(exported: &ExportConversation) -> String {
    let conversation = &exported.conversation;
    let title = escaped(conversation.title.as_deref().unwrap_or("Untitled"));
    let messages = shown(exported);
    let mut out = String::from("<!doctype html>\n<html><head><meta charset=\"utf-8\">\n");
    let _ = writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; base-uri \
         'none'; form-action 'none'\">",
        base64(&Sha256::digest(STYLE))
    );
    let _ = write!(
        out,
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" \
         content=\"no-referrer\">\n<title>{title}</title>\n<style>{STYLE}</style></head>\n<body><header><h1>{title}</h1><p>{}",
        date(conversation.created_at)
    );
    for value in [&conversation.model_id, &conversation.provider_id].into_iter().flatten() {
        let _ = write!(out, " · {}", escaped(value));
    }
    out.push_str("</p></header>\n<main>\n");
    for shown in &messages {
        let message = shown.message;
        let thinking = message.thinking_text();
        if !says_something(shown) && thinking.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "<article class=\"{}\"><h2>{}</h2><p class=\"when\">{}",
            message.role.as_str(),
            escaped(&speaker(message)),
            date(message.created_at)
        );
        if let Some((version, of)) = shown.version {
            let _ = write!(out, " · version {version} of {of}");
        }
        out.push_str("</p>\n");
        if !thinking.is_empty() {
            let _ = writeln!(out, "<details><summary>Thinking</summary>{}</details>", to_html(&thinking));
        }
        out.push_str(&to_html(&content(message)));
        if !shown.attachments.is_empty() {
            out.push_str("<ul class=\"files\">");
            for attachment in &shown.attachments {
                let size = size(attachment.file_size).map_or(String::new(), |size| format!(" ({size})"));
                let _ = write!(out, "<li>{}{size}</li>", escaped(&attachment.file_name));
            }
            out.push_str("</ul>");
        }
        out.push_str("</article>\n");
    }
    out.push_str("</main></body></html>\n");
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

const STYLE: &str = include_str!("page.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_the_very_style_that_is_inside() {
        let id = airi_domain::ConversationId(uuid::Uuid::from_u128(1));
        let at = airi_domain::Time::from_micros(0).unwrap();
        let conversation = airi_domain::Conversation::new(id, at);
        let page = html(&ExportConversation { conversation, messages: vec![], attachments: vec![] });
        let style = &page[page.find("<style>").unwrap() + 7..page.find("</style>").unwrap()];
        assert!(page.contains(&format!("'sha256-{}'", base64(&Sha256::digest(style)))));
        assert!(!style.contains('\r'));
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
