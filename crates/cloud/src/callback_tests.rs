use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Sends bytes to the listener; the whole answer.
async fn ask(port: u16, bytes: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn get(port: u16, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: test\r\n\r\n")
}

async fn listening() -> (u16, String, tokio::task::JoinHandle<Result<SecretString, CloudError>>) {
    let callback = Callback::listen().await.unwrap();
    let (port, state) = (callback.port, callback.state.expose_secret().to_owned());
    assert_eq!(callback.redirect_to(), format!("http://127.0.0.1:{port}/callback?state={state}"));
    (port, state, tokio::spawn(callback.code(Duration::from_secs(30))))
}

#[tokio::test]
async fn only_the_right_answer_ends_the_waiting_and_only_once() {
    let (port, state, waiting) = listening().await;
    let host = format!("Host: 127.0.0.1:{port}");
    for (request, status) in [
        (get(port, "/callback?code=canary"), "400"),
        (get(port, "/callback?code=canary&state=wrong"), "400"),
        (get(port, &format!("/callback?code=canary&state={state}x")), "400"),
        (get(port, &format!("/callback?code=canary&state={state}&state={state}")), "400"),
        (get(port, &format!("/callback?state={state}")), "400"),
        (get(port, &format!("/callback?code=&state={state}")), "400"),
        (get(port, &format!("/?code=canary&state={state}")), "404"),
        (get(port, &format!("/callback/x?code=canary&state={state}")), "404"),
        (get(port, "/favicon.ico"), "404"),
        (get(port, "http://elsewhere.example/callback"), "400"),
        (format!("POST /callback?code=canary&state={state} HTTP/1.1\r\n{host}\r\n\r\n"), "405"),
        (format!("GET /callback?code=canary&state={state} HTTP/1.1\r\nHost: evil.example\r\n\r\n"), "400"),
        (format!("GET /callback?code=canary&state={state} HTTP/1.1\r\n\r\n"), "400"),
        (format!("GET /callback?code=canary&state={state} HTTP/1.1\r\n{host}\r\n{host}\r\n\r\n"), "400"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = ask(port, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(!answer.contains("canary") && !answer.contains(&state), "nothing comes back: {answer}");
    }
    // Browsers open connections that they do not use; they hold nothing up.
    let idle = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let answer = ask(port, &get(port, &format!("/callback?state={state}&code=canary-code"))).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("You can close this window"), "{answer}");
    assert!(answer.contains("default-src 'none'") && !answer.contains("canary"), "{answer}");
    assert_eq!(waiting.await.unwrap().unwrap().expose_secret(), "canary-code");
    drop(idle);
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn a_refusal_is_told_in_our_own_words() {
    let (port, state, waiting) = listening().await;
    let target = format!("/callback?state={state}&error=access_denied&error_description=canary%3Cscript%3E");
    let answer = ask(port, &get(port, &target)).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains("canary"), "{answer}");
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, CloudError::LoginRefused { .. }));
    assert!(error.to_string().contains("declined") && !error.to_string().contains("canary"), "{error}");
}

#[tokio::test]
async fn the_waiting_ends_and_so_does_the_listening() {
    let callback = Callback::listen().await.unwrap();
    let port = callback.port;
    let error = callback.code(Duration::from_millis(20)).await.unwrap_err();
    assert!(matches!(error, CloudError::LoginTimedOut { .. }));
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err());

    let (port, _, waiting) = listening().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err());
}

#[tokio::test]
async fn an_endless_head_is_not_read() {
    let (port, state, waiting) = listening().await;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let line = format!("X-Long: {}\r\n", "a".repeat(1000));
    let _ = stream.write_all(format!("GET / HTTP/1.1\r\n{}", line.repeat(40)).as_bytes()).await;
    let mut rest = Vec::new();
    // Closed, perhaps with a reset, and without an answer.
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    ask(port, &get(port, &format!("/callback?state={state}&code=c"))).await;
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn each_login_has_a_port_and_a_state_of_its_own() {
    let (one, two) = (Callback::listen().await.unwrap(), Callback::listen().await.unwrap());
    assert_ne!(one.port, two.port);
    assert_ne!(one.state.expose_secret(), two.state.expose_secret());
    assert_eq!(one.state.expose_secret().len(), 43);
    assert!(!format!("{one:?}").contains(one.state.expose_secret()));
}
