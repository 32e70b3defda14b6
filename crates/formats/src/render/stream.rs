//! A reply that streams, as HTML: what cannot change any more is rendered once and settled, and only the open end is
//! rendered again. So a piece of a long reply costs what a piece of a short one does.
//!
//! Where the parts meet (a list with blank lines between its items, a code block of many lines) may look a little different
//! from the whole; the finished message is rendered as one.

use super::to_html;

/// An open end that grows beyond this is settled at a line's end, also in the middle of a block.
const MOST_OPEN: usize = 2_000;

/// Markdown that arrives in pieces.
#[derive(Debug, Default)]
pub struct StreamRender {
    open: String,
    /// The fence that is open at the beginning of `open`, because a long code block was settled in parts.
    fence: Option<String>,
}

/// What is to be shown after a piece.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// To be added behind what was settled before.
    pub settled: Vec<String>,
    /// Replaces the open end that was shown before.
    pub open: String,
}

impl StreamRender {
    /// Takes more text.
    pub fn push(&mut self, text: &str) -> Rendered {
        self.open.push_str(text);
        let mut settled = Vec::new();
        while let Some((at, fence)) = self.boundary() {
            let done: String = self.open.drain(..at).collect();
            settled.push(self.render(&done));
            self.fence = fence;
        }
        Rendered { settled, open: self.render(&self.open) }
    }

    fn render(&self, text: &str) -> String {
        if text.trim().is_empty() && self.fence.is_none() {
            return String::new();
        }
        match &self.fence {
            Some(fence) => to_html(&format!("{fence}\n{text}")),
            None => to_html(text),
        }
    }

    /// Where the open text can be parted, and which fence is open behind it: before the last block that has begun, or, when
    /// that alone is too long, at its last line or word.
    fn boundary(&self) -> Option<(usize, Option<String>)> {
        let mut fence = self.fence.clone();
        let (mut start, mut blank, mut found, mut last_line) = (0, false, None, None);
        for line in self.open.split_inclusive('\n') {
            let text = line.trim_end();
            let indented = text.starts_with([' ', '\t']) || is_item(text);
            if blank && fence.is_none() && !text.is_empty() && !indented && start > 0 {
                found = Some(start);
            }
            if let Some(mark) = fence_mark(text) {
                match &fence {
                    Some(open) if closes(open, text) => fence = None,
                    None => fence = Some(mark.to_owned()),
                    Some(_) => {}
                }
            }
            blank = text.is_empty() && fence.is_none();
            start += line.len();
            if line.ends_with('\n') {
                last_line = Some((start, fence.clone()));
            }
        }
        if let Some(at) = found {
            return Some((at, None));
        }
        if self.open.len() <= MOST_OPEN {
            return None;
        }
        // A table's head, or a list, is parted too: better than to render ever more of it.
        if let Some((at, fence)) = last_line.filter(|(at, _)| *at < self.open.len() || self.open.len() > 2 * MOST_OPEN)
        {
            return Some((at, fence));
        }
        let room = self
            .open
            .char_indices()
            .take_while(|(at, _)| *at < MOST_OPEN)
            .last()
            .map_or(0, |(at, c)| at + c.len_utf8());
        let at = self.open[..room].rfind(' ').map_or(room, |at| at + 1);
        (at > 0 && at < self.open.len()).then(|| (at, self.fence.clone()))
    }
}

fn is_item(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    line.starts_with(['-', '*', '+']) || (digits > 0 && line[digits..].starts_with(['.', ')']))
}

/// The opening of a code block: its fence with the language.
fn fence_mark(line: &str) -> Option<&str> {
    let line = line.trim_start();
    (line.starts_with("```") || line.starts_with("~~~")).then_some(line)
}

fn closes(open: &str, line: &str) -> bool {
    let line = line.trim();
    let mark = open.chars().next().unwrap_or('`');
    let length = open.chars().take_while(|c| *c == mark).count();
    line.chars().all(|c| c == mark) && line.len() >= length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, size: usize) -> (Vec<String>, String, usize) {
        let mut stream = StreamRender::default();
        let (mut settled, mut open, mut longest) = (Vec::new(), String::new(), 0);
        let chars: Vec<char> = text.chars().collect();
        for piece in chars.chunks(size) {
            let shown = stream.push(&piece.iter().collect::<String>());
            settled.extend(shown.settled);
            open = shown.open;
            longest = longest.max(stream.open.len());
        }
        (settled, open, longest)
    }

    #[test]
    fn plain_blocks_come_out_as_the_whole_does() {
        let text = "# A\n\nSome **bold** words.\n\n```rust\nfn a() {}\n\nfn b() {}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end.";
        for size in [1, 3, 7, 1_000] {
            let (settled, open, _) = told(text, size);
            assert_eq!(settled.concat() + &open, to_html(text), "in pieces of {size}");
            assert!(size == 1_000 || settled.len() >= 4, "{settled:?}");
        }
    }

    #[test]
    fn a_list_is_not_torn_apart() {
        let (settled, open, _) = told("1. one\n\n2. two\n\n   more of two\n\n3. three", 2);
        assert!(settled.is_empty());
        assert_eq!(open.matches("<ol").count(), 1);
    }

    #[test]
    fn what_is_open_stays_small_however_long_a_block_is() {
        let code = format!("```rust\n{}```\n\nDone.", "let x = 1;\n".repeat(1_000));
        let (settled, open, longest) = told(&code, 60);
        assert!(longest <= MOST_OPEN + 64, "{longest}");
        let all = settled.concat() + &open;
        assert_eq!(all.matches("let").count(), 1_000, "no line is lost or said twice");
        assert!(all.matches("<pre").count() > 4);
        assert!(all.ends_with("<p>Done.</p>\n"), "{}", &all[all.len() - 60..]);
        let (_, _, longest) = told(&"word ".repeat(4_000), 50);
        assert!(longest <= MOST_OPEN + 64, "{longest}");
        let (_, _, longest) = told(&"あ".repeat(4_000), 50);
        assert!(longest <= MOST_OPEN + 64, "{longest}");
    }

    #[test]
    fn html_of_a_model_stays_text_in_every_part() {
        let text = "<script>alert(1)</script>\n\n```html\n<img onerror=x>\n".to_owned() + &"<b>\n".repeat(1_000);
        let (settled, open, _) = told(&text, 9);
        let all = settled.concat() + &open;
        assert!(!all.contains("<script") && !all.contains("<img") && !all.contains("<b>"));
    }
}
