//! Where a login in the browser comes back to: one answer, on loopback, on a port of the system's choice.
//!
//! Promised: only a `GET /callback` that carries this login's state, asked of `127.0.0.1` itself, ends the waiting, and
//! does so once; everything else is refused and changes nothing. No word of a request is ever shown or sent back. The
//! port is closed with the value, whatever ends it.

use crate::CloudError;
use crate::pkce::random;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const PATH: &str = "/callback";
/// The longest request line with its headers.
const MAX_HEAD: usize = 16 * 1024;
/// How long one connection may take: browsers open some that they never use.
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: usize = 32;
/// For people who look at the browser, not at the app.
const DONE: &str = "You can close this window and go back to AIRI.";
const NOT_DONE: &str = "The sign-in was not finished. You can close this window and go back to AIRI.";

/// A listener for one login. Dropping it closes the port.
#[derive(Debug)]
pub struct Callback {
    listener: TcpListener,
    port: u16,
    state: SecretString,
}

/// How the browser came back.
#[derive(Debug)]
enum Came {
    Code(SecretString),
    /// The provider or the server said no: one of a few known words, never a text of the request.
    Refused(&'static str),
}

impl Callback {
    /// Listens on a free port of 127.0.0.1; must be called within a tokio runtime.
    pub async fn listen() -> Result<Callback, CloudError> {
        let failed = |e: std::io::Error| CloudError::Callback { why: e.to_string() };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Callback { listener, port, state: random()? })
    }

    /// What goes into [`crate::Auth::authorize_url`] as the address to come back to. It carries the state, which the
    /// server hands back as it is.
    pub fn redirect_to(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}?state={}", self.port, self.state.expose_secret())
    }

    /// Waits for the browser, at most `limit`. [`CloudError::LoginTimedOut`], [`CloudError::LoginRefused`].
    pub async fn code(self, limit: Duration) -> Result<SecretString, CloudError> {
        match tokio::time::timeout(limit, self.wait()).await {
            Ok(Ok(Came::Code(code))) => Ok(code),
            Ok(Ok(Came::Refused(why))) => Err(CloudError::LoginRefused { why }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(CloudError::LoginTimedOut { limit }),
        }
    }

    async fn wait(self) -> Result<Came, CloudError> {
        let (told, mut came) = mpsc::channel(1);
        let question = Arc::new(Question { port: self.port, state: self.state, answered: AtomicBool::new(false) });
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                // Its page has gone out; whatever else is connected ends here.
                Some(answer) = came.recv() => return Ok(answer),
                accepted = self.listener.accept(), if open.len() < MAX_CONNECTIONS => {
                    // A connection that broke before it was taken is nobody's answer.
                    let Ok((stream, peer)) = accepted else { continue };
                    if peer.ip().is_loopback() {
                        let (question, told) = (question.clone(), told.clone());
                        open.spawn(async move {
                            let _ = tokio::time::timeout(CONNECTION_LIMIT, question.serve(stream, told)).await;
                        });
                    }
                }
                Some(_) = open.join_next() => {}
            }
        }
    }
}

struct Question {
    port: u16,
    state: SecretString,
    answered: AtomicBool,
}

impl Question {
    async fn serve(&self, mut stream: TcpStream, told: mpsc::Sender<Came>) -> std::io::Result<()> {
        let Some(head) = read_head(&mut stream).await? else { return Ok(()) };
        let (status, page, came) = match self.judge(&head) {
            // A second right answer finds the place taken.
            Ok(_) if self.answered.swap(true, Ordering::Relaxed) => ("400 Bad Request", NOT_DONE, None),
            Ok(came @ Came::Code(_)) => ("200 OK", DONE, Some(came)),
            Ok(came @ Came::Refused(_)) => ("200 OK", NOT_DONE, Some(came)),
            Err(status) => (status, NOT_DONE, None),
        };
        let written = stream.write_all(answer(status, page).as_bytes()).await;
        let _ = stream.shutdown().await;
        if let Some(came) = came {
            // A browser that does not take the page has still brought the answer.
            let _ = told.send(came).await;
        }
        written
    }

    /// What a request means, or the status to refuse it with.
    fn judge(&self, head: &str) -> Result<Came, &'static str> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
            (first.next(), first.next(), first.next(), first.next())
        else {
            return Err("400 Bad Request");
        };
        // A page that has its own name point to this machine is told apart by the name that it asks for.
        let hosts: Vec<&str> = lines
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
            .map(|(_, host)| host.trim())
            .collect();
        if hosts != [format!("127.0.0.1:{}", self.port)] {
            return Err("400 Bad Request");
        }
        if !target.starts_with('/') {
            return Err("400 Bad Request");
        }
        let Ok(url) = Url::parse(&format!("http://127.0.0.1{target}")) else { return Err("400 Bad Request") };
        if url.path() != PATH {
            return Err("404 Not Found");
        }
        if method != "GET" {
            return Err("405 Method Not Allowed");
        }
        let one = |name: &str| {
            let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            let value = found.next()?;
            found.next().is_none().then_some(value)
        };
        if !one("state").is_some_and(|state| same(&state, self.state.expose_secret())) {
            return Err("400 Bad Request");
        }
        match (one("code"), one("error")) {
            (_, Some(error)) => Ok(Came::Refused(reason(&error))),
            (Some(code), None) if !code.is_empty() && code.len() <= 1024 => Ok(Came::Code(SecretString::from(code))),
            _ => Err("400 Bad Request"),
        }
    }
}

/// The request up to its empty line; None for what is no request.
async fn read_head(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut piece = [0; 2048];
    loop {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            return Ok(None);
        }
        head.extend_from_slice(&piece[..read]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            head.truncate(end);
            return Ok(String::from_utf8(head).ok());
        }
        if head.len() > MAX_HEAD {
            return Ok(None);
        }
    }
}

fn answer(status: &str, page: &str) -> String {
    let body = format!("<!doctype html><meta charset=\"utf-8\"><title>AIRI</title><p>{page}</p>\n");
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         content-security-policy: default-src 'none'; frame-ancestors 'none'\r\nx-content-type-options: nosniff\r\n\
         referrer-policy: no-referrer\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// In a time that does not tell where two texts differ.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn reason(error: &str) -> &'static str {
    match error {
        "access_denied" => "it was declined in the browser",
        "server_error" => "the server could not finish it",
        "temporarily_unavailable" => "the provider is not available at the moment",
        _ => "the provider or the server refused it",
    }
}

#[cfg(test)]
#[path = "callback_tests.rs"]
mod tests;
