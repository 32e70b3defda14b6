//! The window shows the app's own page and nothing else, whatever a link, a redirect or a script asks for.

use tauri::Url;

/// Whether the window may go to `url`.
pub(crate) fn is_own_page(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // WebView2 knows no custom schemes for pages, so Windows serves the same files under this name.
        "http" | "https" => cfg!(windows) && url.host_str() == Some("tauri.localhost") && url.port().is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(url: &str) -> bool {
        is_own_page(&url.parse().expect("a URL"))
    }

    #[test]
    fn the_own_page_is_allowed() {
        assert!(allowed("tauri://localhost/"));
        assert!(allowed("tauri://localhost/index.html#x"));
        assert_eq!(allowed("http://tauri.localhost/"), cfg!(windows));
    }

    #[test]
    fn everything_else_is_denied() {
        for url in [
            "https://example.com/",
            "http://localhost/",
            "http://tauri.localhost:8080/",
            "http://tauri.localhost.example.com/",
            "tauri://example.com/",
            "file:///etc/passwd",
            "data:text/html,hi",
            "about:blank",
            "blob:null/1",
            "airi-file://localhost/1",
            "javascript:alert(1)",
        ] {
            assert!(!allowed(url), "{url}");
        }
    }
}
