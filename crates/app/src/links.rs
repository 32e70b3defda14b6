//! The one function that decides whether a link may be opened, and what is shown of it before.
//!
//! Links come from model output and imported documents. https, http and mailto may be opened after the user has seen the
//! true host; nothing else may. Rule 5 of the hardening rules.

use airi_contract::LinkVerdict;
use url::Url;

/// Decides about one link, looking at nothing but its text.
pub fn check_link(text: &str) -> LinkVerdict {
    match verdict(text) {
        Ok(shown) => LinkVerdict { allowed: true, shown, reason: None },
        Err(reason) => {
            let shown = text.chars().filter(|c| !is_trick(*c)).take(200).collect();
            LinkVerdict { allowed: false, shown, reason: Some(reason.to_owned()) }
        }
    }
}

fn verdict(text: &str) -> Result<String, &'static str> {
    if text.len() > 8192 {
        return Err("The link is too long.");
    }
    if text.chars().any(is_trick) {
        return Err("The link holds control or direction characters, which can hide where it leads.");
    }
    let url = Url::parse(text.trim()).map_err(|_| "This is not a complete address.")?;
    match url.scheme() {
        "https" | "http" => {
            if !url.username().is_empty() || url.password().is_some() {
                return Err("The link holds a user name, which can make it look like another site.");
            }
            // `host_str` is already punycode for names beyond ASCII: that is the host that is shown.
            url.host_str().filter(|host| !host.is_empty()).ok_or("The link names no site.")?;
            Ok(url.to_string())
        }
        "mailto" => {
            let to = url.path();
            if to.is_empty() || !to.contains('@') {
                return Err("The link names no e-mail address.");
            }
            // Subject and body stay out: a mail that was not written by the user must not be one click away.
            Ok(format!("mailto:{to}"))
        }
        _ => Err("Only web and e-mail links are opened."),
    }
}

/// Control characters, and those that turn the direction of text or take no room.
fn is_trick(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{061c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_and_mail_links_may_be_opened() {
        for (text, shown) in [
            ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
            ("http://localhost:8080", "http://localhost:8080/"),
            ("mailto:a@example.com?subject=x&body=y", "mailto:a@example.com"),
        ] {
            assert_eq!(check_link(text), LinkVerdict { allowed: true, shown: shown.into(), reason: None });
        }
    }

    #[test]
    fn a_host_that_only_looks_familiar_is_shown_as_what_it_is() {
        assert_eq!(check_link("https://аpple.com/").shown, "https://xn--pple-43d.com/");
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "airi://login",
            "vbscript:x",
            "//example.com",
            "example.com",
            "https://good.com@evil.com/",
            "https://u:p@evil.com",
            "https://a.com/\u{202e}gpj.exe",
            "https://a.com/\u{0}",
            "java\nscript:alert(1)",
            "mailto:",
            "https://",
            "\u{200b}https://a.com",
            "",
        ] {
            let verdict = check_link(text);
            assert!(!verdict.allowed && verdict.reason.is_some(), "{text:?} {verdict:?}");
            assert!(!verdict.shown.contains('\u{202e}'));
        }
    }
}
