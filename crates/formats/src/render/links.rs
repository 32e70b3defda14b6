//! Which addresses become links.

/// Whether an address may be opened at all, after the user confirmed it: http, https or mailto, without control or
/// direction characters, user names in the host, or white space.
pub fn is_safe_link(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else { return false };
    if url.len() > 4096 || url.chars().any(is_trick) {
        return false;
    }
    match scheme.to_ascii_lowercase().as_str() {
        "mailto" => !rest.is_empty(),
        "http" | "https" => {
            let Some(rest) = rest.strip_prefix("//") else { return false };
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            !host.is_empty() && !host.contains('@') && !host.contains('\\')
        }
        _ => false,
    }
}

/// Characters that hide what an address is.
fn is_trick(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_and_mail_addresses_pass() {
        for url in ["https://example.org/a?b#c", "HTTP://example.org", "mailto:a@example.org", "https://例え.jp/道"]
        {
            assert!(is_safe_link(url), "{url}");
        }
        for url in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "vbscript:x",
            "//example.org",
            "/relative",
            "#top",
            "",
            "https:",
            "https:///x",
            "http:example.org",
            "mailto:",
            "https://user:pw@example.org/",
            "https://example.org\\@evil.org",
            "https://exa\u{202e}mple.org",
            "https://a b",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "airi://open/1",
            "https://exa\u{200b}mple.org",
        ] {
            assert!(!is_safe_link(url), "{url:?}");
        }
    }
}
