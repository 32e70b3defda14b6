//! Names for exported files that every file system takes.

use airi_domain::ConversationId;

const MAX_CHARS: usize = 100;
/// Linux counts bytes (255), and a CJK character has three.
const MAX_BYTES: usize = 200;

const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// A file name without extension: the title, made legal on Windows, macOS and Linux, and the end of the conversation's
/// id, so that equal titles do not meet. At most 100 characters and 200 bytes.
pub fn safe_file_name(title: &str, id: ConversationId) -> String {
    let id = id.0.simple().to_string();
    // The last digits: those at the front of a UUIDv7 are the time and repeat.
    let short = &id[id.len() - 12..];
    let (max_chars, max_bytes) = (MAX_CHARS - short.len() - 1, MAX_BYTES - short.len() - 1);
    let mut name = String::new();
    let mut count = 0;
    for c in title.chars() {
        let c = match c {
            c if is_invisible(c) => continue,
            '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '-',
            c if c.is_control() || c.is_whitespace() => ' ',
            c => c,
        };
        if c == ' ' && (name.is_empty() || name.ends_with(' ')) {
            continue;
        }
        if count == max_chars || name.len() + c.len_utf8() > max_bytes {
            break;
        }
        name.push(c);
        count += 1;
    }
    let name = name.trim_matches([' ', '.']);
    let stem = name.split('.').next().unwrap_or_default().trim();
    match name {
        "" => format!("conversation-{short}"),
        // `nul.txt` is as reserved as `nul`.
        _ if is_reserved(stem) => {
            let name: String = name.chars().take(max_chars - 1).collect();
            format!("_{name}-{short}")
        }
        _ => format!("{name}-{short}"),
    }
}

fn is_reserved(stem: &str) -> bool {
    let stem = stem.to_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            let mut chars = rest.chars();
            matches!((chars.next(), chars.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
        })
    };
    RESERVED.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// Characters that turn or hide what a name shows.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn name(title: &str) -> String {
        safe_file_name(title, ConversationId(Uuid::from_u128(0xabcd)))
    }

    #[test]
    fn names_are_legal_everywhere() {
        let titles = [
            "a/b\\c:d*e?f\"g<h>i|j",
            "con",
            "NUL.txt",
            "com1",
            "LPT¹.tar.gz",
            "aux .x",
            "...",
            " .. ",
            "",
            "a.",
            "a ",
            "\u{202e}gnp.exe",
            "\0\u{1}\n",
            "新年の手紙：祖母へ",
            &"長".repeat(300),
            &"x".repeat(300),
            &".".repeat(300),
            "CONIN$",
            "😀😀",
            "..\\..\\x",
            "~",
            "-rf",
        ];
        for title in titles {
            let name = name(title);
            assert!(name.ends_with("-00000000abcd"), "{name}");
            assert!(name.chars().count() <= 100 && name.len() <= 200, "{name}");
            assert!(!name.contains(['<', '>', ':', '"', '/', '\\', '|', '?', '*']), "{name}");
            assert!(!name.chars().any(|c| c.is_control() || is_invisible(c)), "{name:?}");
            assert!(!name.starts_with([' ', '.']) && !name.ends_with([' ', '.']), "{name:?}");
            assert!(!is_reserved(name.split('.').next().unwrap().trim()), "{name}");
            // Windows also reserves `con` before any dot: `con.x-…`.
        }
        assert_eq!(name("NUL.txt"), "_NUL.txt-00000000abcd");
        assert_eq!(name("  Trip   to\nKyoto "), "Trip to Kyoto-00000000abcd");
        assert_eq!(name(""), "conversation-00000000abcd");
    }

    #[test]
    fn equal_titles_differ_by_their_ids() {
        let other = safe_file_name("a", ConversationId(Uuid::from_u128(0xabce)));
        assert_ne!(name("a"), other);
    }
}
