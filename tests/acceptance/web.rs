//! What a browser, or somebody with a session of their own, would send: one request, one answer, nothing followed.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|p| p.1)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}: {}", self.status, self.body))
    }
}

/// The host with its port, and the rest, of an address of http.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url} is not http"));
    let at = rest.find('/').unwrap_or(rest.len());
    (&rest[..at], if at == rest.len() { "/" } else { &rest[at..] })
}

/// Nothing when nobody listens there.
pub(crate) fn ask(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Option<Answer> {
    let (host, target) = split(url);
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut request = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        request += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).ok()?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

pub(crate) fn get(url: &str) -> Answer {
    ask("GET", url, &[], None).unwrap_or_else(|| panic!("nobody listens at {url}"))
}

/// Follows redirects as a browser does, until something other than the server at `home` is asked: that address.
pub(crate) fn until_elsewhere(url: &str, home: &str) -> String {
    let mut url = url.to_owned();
    for _ in 0..10 {
        let answer = get(&url);
        assert_eq!(answer.status, 302, "{url}: {}", answer.body);
        url = answer.header("location").unwrap().to_owned();
        if split(&url).0 != split(home).0 {
            return url;
        }
    }
    panic!("it never leaves {home}");
}
