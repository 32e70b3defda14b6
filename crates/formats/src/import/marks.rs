//! ChatGPT's private-use marks: `U+E200 cite U+E202 turn0search0 U+E201` and their kin stand in the text for a citation
//! that the original window draws itself. They are not shown; what was taken out is kept with its place.

use serde_json::{Value, json};

const OPEN: char = '\u{e200}';
const CLOSE: char = '\u{e201}';
const NEXT: char = '\u{e202}';
/// A mark is short; an opening one without an end must not swallow the text.
const MAX_MARK: usize = 4096;

/// The text without marks, and what was taken out: `[{"at": place in characters of the original, "text"}]`.
pub(crate) fn remove_marks(text: String) -> (String, Vec<Value>) {
    if !text.contains(is_private) {
        return (text, Vec::new());
    }
    let mut out = String::with_capacity(text.len());
    let mut removed = Vec::new();
    let mut rest = text.as_str();
    let mut at = 0;
    while let Some(start) = rest.find(is_private) {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        at += before.chars().count();
        let length = mark_length(from);
        let (mark, after) = from.split_at(length);
        removed.push(json!({ "at": at, "text": mark }));
        at += mark.chars().count();
        match spoken(mark) {
            Some(word) => out.push_str(&word),
            // "so it is [mark]." must not become "so it is ."
            None if after.is_empty() || after.starts_with([' ', '.', ',', ';', ':', '!', '?', ')', '\n', OPEN]) => {
                let kept = out.trim_end_matches(' ').len();
                out.truncate(kept);
            }
            None => {}
        }
        rest = after;
    }
    out.push_str(rest);
    (out, removed)
}

fn is_private(c: char) -> bool {
    ('\u{e200}'..='\u{e2ff}').contains(&c)
}

/// How many bytes belong to the mark that the text starts with.
fn mark_length(text: &str) -> usize {
    if text.starts_with(OPEN) {
        let window = text.char_indices().take(MAX_MARK).skip(1);
        for (place, c) in window {
            match c {
                CLOSE => return place + c.len_utf8(),
                OPEN => break,
                _ => {}
            }
        }
    }
    // No end: the mark's own character and the references that follow it.
    let mut length = text.chars().next().map_or(0, char::len_utf8);
    if text.starts_with(OPEN) {
        for word in ["filecite", "cite", "navlist", "video", "image_group", "forecast", "finance"] {
            if text[length..].starts_with(word) {
                length += word.len();
                break;
            }
        }
    }
    loop {
        let rest = &text[length..];
        if let Some(c) = rest.chars().next().filter(|c| is_private(*c) && *c != OPEN) {
            length += c.len_utf8();
        } else if let Some(reference) = reference_length(rest) {
            length += reference;
        } else {
            return length;
        }
    }
}

/// The length of `turn0search12` at the start.
fn reference_length(text: &str) -> Option<usize> {
    let count = |from: usize, wanted: fn(&u8) -> bool| text.as_bytes()[from..].iter().take_while(|b| wanted(b)).count();
    let mut at = text.strip_prefix("turn").map(|_| 4)?;
    for wanted in [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_digit] {
        let more = count(at, wanted);
        if more == 0 {
            return None;
        }
        at += more;
    }
    Some(at)
}

/// The word that a mark stands for: `entity` and `url` marks carry the text that was read.
fn spoken(mark: &str) -> Option<String> {
    let inner = mark.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    let (kind, payload) = inner.split_once(NEXT)?;
    match kind {
        "entity" => match serde_json::from_str::<Vec<Value>>(payload).ok()?.get(1)? {
            Value::String(name) => Some(name.clone()),
            _ => None,
        },
        "url" => payload.split(NEXT).next().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        remove_marks(text.to_owned()).0
    }

    #[test]
    fn citations_vanish_with_the_space_before_them() {
        let text = "It is 634 m tall \u{e200}cite\u{e202}turn0search0\u{e202}turn0search3\u{e201}. Next";
        let (shown, removed) = remove_marks(text.to_owned());
        assert_eq!(shown, "It is 634 m tall. Next");
        assert_eq!(removed[0]["at"], 17);
        assert_eq!(removed[0]["text"], "\u{e200}cite\u{e202}turn0search0\u{e202}turn0search3\u{e201}");
    }

    #[test]
    fn marks_in_the_middle_keep_the_words_apart() {
        assert_eq!(clean("a \u{e200}cite\u{e202}turn0search0\u{e201} b"), "a b");
        assert_eq!(clean("a \u{e200}cite\u{e202}turn1view0\u{e201} \u{e200}cite\u{e202}turn1view2\u{e201}"), "a");
    }

    #[test]
    fn entities_and_links_keep_their_words() {
        assert_eq!(clean("in \u{e200}entity\u{e202}[\"city\",\"Kyoto\",\"Japan\"]\u{e201} now"), "in Kyoto now");
        assert_eq!(clean("\u{e200}url\u{e202}JR Pass\u{e202}https://example.org\u{e201}."), "JR Pass.");
    }

    #[test]
    fn a_mark_without_an_end_takes_only_its_references() {
        assert_eq!(clean("so \u{e200}cite\u{e202}turn0search0\u{e202}turn12news3 it is"), "so it is");
        assert_eq!(clean("x\u{e200}"), "x");
        assert_eq!(clean("turnips \u{e203}turnips"), "turnips turnips");
        assert_eq!(clean("unmarked turn0search0"), "unmarked turn0search0");
    }
}
