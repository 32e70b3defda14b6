//! Markdown of a message as HTML that is safe to put into a page, and as plain text for a preview.
//!
//! The tree that comrak parses is written out node by node: raw HTML comes out as text, no attribute but the few named
//! here is ever written, there are no ids (nothing can be clobbered), pictures are never loaded, and only http, https
//! and mailto become links. Time, depth and size are bounded: what goes beyond is shown as plain text.
//!
//! Classes: `hl-…` for code (see [`HIGHLIGHT_CLASSES`]), `math` (with `data-display` for display formulae, the source as
//! text), `img-ref`, `link-ref` (an address that is not linked), `footnote-ref`, `footnotes`, `task`, `plain`.

mod code;
mod html;
mod links;
mod plain;
mod stream;

pub use code::HIGHLIGHT_CLASSES;
pub use links::is_safe_link;
pub use stream::{Rendered, StreamRender};

use comrak::nodes::Node;
use comrak::{Arena, Options};
use std::time::{Duration, Instant};

/// Longer texts are shown as they are.
const MAX_INPUT: usize = 1 << 20;
/// For parsing; on a usual machine a usual message takes well under a millisecond.
const PARSE_TIME: Duration = Duration::from_secs(1);
/// Elements inside elements: browsers stop at 512.
const MAX_DEPTH: usize = 100;
/// HTML that grows beyond this times its source is an attack (empty table cells, for one).
const MAX_GROWTH: usize = 40;
/// A preview looks no further.
const PREVIEW_INPUT: usize = 32 << 10;

/// Safe HTML of a message.
pub fn to_html(markdown: &str) -> String {
    if markdown.len() > MAX_INPUT {
        return as_is(markdown);
    }
    let arena = Arena::new();
    let Some(root) = parse(&arena, markdown) else { return as_is(markdown) };
    html::write(root, MAX_DEPTH, markdown.len() * MAX_GROWTH + (64 << 10)).unwrap_or_else(|| as_is(markdown))
}

/// The words of a message without markup, in one line: for previews and titles. Looks at the first 32 KiB only.
pub fn plain_text(markdown: &str) -> String {
    let start = &markdown[..markdown.floor_char_boundary(PREVIEW_INPUT)];
    let arena = Arena::new();
    match parse(&arena, start) {
        Some(root) => plain::write(root),
        None => plain::squeeze(start),
    }
}

fn parse<'a>(arena: &'a Arena<'a>, markdown: &str) -> Option<Node<'a>> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    options.extension.footnotes = true;
    options.extension.math_dollars = true;
    options.extension.math_latex = true;
    options.extension.math_code = true;
    options.extension.cjk_friendly_emphasis = true;
    let until = Instant::now() + PARSE_TIME;
    comrak::try_parse_document(arena, markdown, &options, &|| Instant::now() >= until).ok()
}

fn as_is(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    out.push_str("<pre class=\"plain\">");
    html::escape(text, &mut out);
    out.push_str("</pre>");
    out
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
