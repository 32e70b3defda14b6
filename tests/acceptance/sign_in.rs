//! Every way in, as a person at a prompt meets it, and what a server lacks.

use crate::device::Device;
use crate::web::{ask, get, split, until_elsewhere};
use airi_app::{App, AppOptions, Event};
use airi_contract::{ErrorCode, Provider, SignInBy, SignInRequest, Take};
use airi_tests::{AuthOptions, Cloud, CloudOptions, Migrations, User};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

struct Server {
    runtime: Runtime,
    cloud: Cloud,
}

impl Server {
    fn start(options: CloudOptions) -> Server {
        let runtime = Runtime::new().unwrap();
        let cloud = runtime.block_on(Cloud::start(options)).unwrap();
        Server { runtime, cloud }
    }

    fn user(&self) -> User {
        self.runtime.block_on(self.cloud.create_user()).unwrap()
    }

    fn sql(&self, sql: &str) {
        self.runtime.block_on(async { self.cloud.connect().await.unwrap().batch_execute(sql).await.unwrap() });
    }

    /// The newest code that was mailed to an address; waits for it.
    fn code(&self, email: &str) -> String {
        self.runtime.block_on(async {
            let client = self.cloud.connect().await.unwrap();
            let begun = Instant::now();
            loop {
                let sql = "select code from devcloud.mails where recipient = $1 order by id desc limit 1";
                if let Some(row) = client.query_opt(sql, &[&email]).await.unwrap() {
                    return row.get(0);
                }
                assert!(begun.elapsed() < Duration::from_secs(60), "no mail for {email}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    }

    /// `airi login` to this server, with what else is given.
    fn login<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["login", "--url", &self.cloud.url, "--key", &self.cloud.publishable_key], more].concat()
    }

    fn log_in(&self, device: &Device, user: &User) -> Value {
        device.run_with(&self.login(&["--email", &user.email, "--password-stdin"]), &format!("{}\n", user.password))
    }
}

fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(CloudOptions::default()))
}

fn begin(device: &Device, args: &[&str]) -> Child {
    device.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Exit code, answer and error of a program that was begun.
fn finish(child: Child) -> (i32, Value, Value) {
    let output = child.wait_with_output().unwrap();
    let parse = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().last().map_or(Value::Null, |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{text}")))
    };
    (output.status.code().unwrap(), parse(&output.stdout), parse(&output.stderr))
}

#[test]
fn a_code_by_email_signs_in_old_and_new_accounts() {
    let server = shared();
    let stranger = User {
        id: uuid::Uuid::nil(),
        email: format!("new-{}@airi.test", uuid::Uuid::new_v4().simple()),
        password: String::new(),
    };
    for user in [server.user(), stranger] {
        let device = Device::new();
        let mut login = begin(&device, &server.login(&["--email", &user.email, "--code"]));
        let code = server.code(&user.email);
        login.stdin.take().unwrap().write_all(format!("{code}\n").as_bytes()).unwrap();
        let (exit, status, error) = finish(login);
        assert_eq!(exit, 0, "{error}");
        assert_eq!((&status["account"]["email"], &status["account"]["signed_in"]), (&json!(user.email), &json!(true)));
        device.run(&["new", "--title", "By code"]);
        assert_eq!(device.run(&["sync"])["pushed"], json!(1));
    }
}

#[test]
fn a_code_may_be_sent_and_given_in_two_steps_and_works_once() {
    let server = shared();
    let (user, device) = (server.user(), Device::new());
    let sent = device.run(&server.login(&["--email", &user.email, "--send-code"]));
    assert_eq!(sent, json!({ "sent": user.email }));
    let code = server.code(&user.email);
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let with = server.login(&["--email", &user.email, "--code-stdin"]);
    let (exit, error, message) = device.fail_with(&with, wrong);
    assert_eq!((exit, error.as_str()), (1, "wrong_code"), "{message}");
    assert_eq!(device.run(&["status"])["account"], Value::Null);
    assert_eq!(device.run_with(&with, &code)["account"]["user_id"], json!(user.id));
    assert_eq!(device.fail_with(&with, &code).1, "wrong_code", "a code works once");
}

/// The sign-in page's address, which the program says on stderr.
fn page_of(login: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(login.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
    told["open"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned()
}

#[test]
fn the_browser_signs_in_over_loopback_and_nothing_else_can() {
    let server = shared();
    for provider in ["google", "discord"] {
        let (user, device) = (server.user(), Device::new());
        device.run(&["new", "--title", "From before"]);
        let mut login = begin(&device, &server.login(&["--provider", provider, "--no-browser"]));
        let page = page_of(&mut login);
        assert!(page.starts_with(&server.cloud.url) && page.contains("code_challenge_method=s256"), "{page}");
        let back = until_elsewhere(&format!("{page}&login_hint={}", user.email), &server.cloud.url);
        let (host, target) = split(&back);
        assert!(host.starts_with("127.0.0.1:") && target.starts_with("/callback?state="), "{back}");
        let state = target.split(['=', '&']).nth(1).unwrap();
        // Others on this computer, and pages in the browser, get nowhere.
        for (address, status) in [
            (format!("http://{host}/callback?code=forged&state=guessed"), 400),
            (format!("http://{host}/callback?code=forged"), 400),
            (format!("http://{host}/callback?state={state}"), 400),
            (format!("http://{host}/?code=forged&state={state}"), 404),
            (format!("http://{host}/favicon.ico"), 404),
        ] {
            let answer = get(&address);
            assert_eq!(answer.status, status, "{address}");
            assert!(!answer.body.contains("forged") && !answer.body.contains(state));
        }
        assert_eq!(ask("POST", &back, &[], None).unwrap().status, 405);
        assert!(login.try_wait().unwrap().is_none(), "it still waits");
        let done = get(&back);
        assert_eq!(done.status, 200);
        assert!(done.body.contains("You can close this window"), "{}", done.body);
        let (exit, status, error) = finish(login);
        assert_eq!(exit, 0, "{error}");
        assert_eq!(status["account"]["user_id"], json!(user.id), "{provider}");
        assert_eq!(status["account"]["email"], json!(user.email));
        assert_eq!(status["conversations"], json!(1), "what was here came along");
        assert!(ask("GET", &back, &[], None).is_none(), "nobody listens any more");
    }
}

#[test]
fn a_login_that_is_declined_in_the_browser_changes_nothing() {
    let server = shared();
    let device = Device::new();
    let mut login = begin(&device, &server.login(&["--provider", "google", "--no-browser"]));
    let page = page_of(&mut login);
    let back = until_elsewhere(&format!("{page}&login_hint=deny"), &server.cloud.url);
    assert!(get(&back).body.contains("was not finished"));
    let (exit, _, error) = finish(login);
    assert_eq!((exit, &error["error"]["code"]), (1, &json!("server_refused")));
    assert!(error["error"]["message"].as_str().unwrap().contains("declined"), "{error}");
    assert_eq!(device.run(&["status"])["account"], Value::Null);
    assert_eq!(device.run(&["profiles"]).as_array().unwrap().len(), 1, "no half account is left");
}

#[test]
fn a_sign_in_that_waits_for_the_browser_can_be_stopped() {
    let server = shared();
    let dir = tempfile::tempdir().unwrap();
    let options = AppOptions { data_dir: Some(dir.path().to_owned()), window: true, ..AppOptions::default() };
    let app = App::open(options).unwrap();
    server.runtime.block_on(async {
        let mut events = app.subscribe();
        let request = SignInRequest {
            url: server.cloud.url.clone(),
            key: server.cloud.publishable_key.clone(),
            by: SignInBy::Provider(Provider::Discord),
            take: Take::None,
            new_address: false,
        };
        let there = app.clone();
        let signing = tokio::spawn(async move { there.sign_in(request, |_| Err("no browser here".into())).await });
        let waiting = loop {
            if let Event::SignIn(waiting) = events.recv().await.unwrap() {
                break waiting;
            }
        };
        assert_eq!(waiting.problem.as_deref(), Some("no browser here"), "the page is told, and has the address");
        let back = until_elsewhere(&waiting.url, &server.cloud.url);
        app.cancel_sign_in();
        assert_eq!(signing.await.unwrap().unwrap_err().code, ErrorCode::Cancelled);
        assert!(ask("GET", &back, &[], None).is_none(), "nobody listens any more");
        assert!(app.status().unwrap().account.is_none());
    });
    app.close();
}

/// State of each thing that was checked, by name.
fn states(checks: &Value) -> std::collections::BTreeMap<String, String> {
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    checks.as_array().unwrap().iter().map(|check| (text(check, "what"), text(check, "state"))).collect()
}

/// Looks at a server; exit code, states, and what to do about what is missing.
fn look(device: &Device, args: &[&str]) -> (i32, std::collections::BTreeMap<String, String>, String) {
    let output = device.output(args, "");
    let checks: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let todo: Vec<&str> = checks
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["state"] == "missing")
        .map(|check| check["todo"].as_str().expect("what is missing says what to do"))
        .collect();
    (output.status.code().unwrap(), states(&checks), todo.join("\n"))
}

fn expect(found: &std::collections::BTreeMap<String, String>, wanted: &[(&str, &str)]) {
    let wanted = wanted.iter().map(|(what, state)| ((*what).to_owned(), (*state).to_owned())).collect();
    assert_eq!(*found, wanted);
}

const ALL_THERE: [(&str, &str); 10] = [
    ("bucket", "ok"),
    ("code", "ok"),
    ("discord", "ok"),
    ("doorbell", "ok"),
    ("email", "ok"),
    ("google", "ok"),
    ("key", "ok"),
    ("migrations", "ok"),
    ("reachable", "ok"),
    ("redirects", "ok"),
];

/// All there but what is named.
fn but(named: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let other = |what: &str| named.iter().find(|(name, _)| *name == what).map(|(_, state)| *state);
    ALL_THERE.into_iter().map(|(what, state)| (what, other(what).unwrap_or(state))).collect()
}

#[test]
fn a_server_that_has_all_is_found_to_have_all() {
    let server = shared();
    let (user, device) = (server.user(), Device::new());
    let (exit, found, todo) = look(&device, &server.login(&["--check"]));
    let outside = ["bucket", "doorbell", "migrations"].map(|what| (what, "cannot_tell"));
    expect(&found, &but(&outside));
    assert_eq!((exit, todo.as_str()), (0, ""));
    server.log_in(&device, &user);
    let (exit, found, todo) = look(&device, &["login", "--check"]);
    expect(&found, &ALL_THERE);
    assert_eq!((exit, todo.as_str()), (0, ""));
    let left = device.run(&["sync"]);
    assert_eq!(left["files_downloaded"], json!(0), "{left}");
    // For people: a line each.
    let mut command = std::process::Command::new(crate::device::airi());
    command.arg("--data-dir").arg(device.path("data")).args(["login", "--check"]);
    let output = command.env("AIRI_PASSPHRASE_FILE", device.path("passphrase")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().filter(|line| line.starts_with("ok ")).count(), 10, "{text}");
}

#[test]
fn a_key_that_is_wrong_and_a_server_that_is_none_are_told() {
    let server = shared();
    let device = Device::new();
    let args = ["login", "--check", "--url", &server.cloud.url, "--key", "sb_publishable_of_another_project"];
    let (exit, found, todo) = look(&device, &args);
    expect(&found, &[("key", "missing"), ("reachable", "ok")]);
    assert!(exit == 1 && todo.contains("sb_publishable_"), "{todo}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (exit, found, _) =
        look(&device, &["login", "--check", "--url", &format!("http://{closed}"), "--key", "12345678"]);
    expect(&found, &[("reachable", "missing")]);
    assert_eq!(exit, 1);
    let (exit, code, _) = device.fail(&["login", "--check"]);
    assert_eq!((exit, code.as_str()), (1, "invalid_input"), "no server is named");
}

#[test]
fn each_thing_that_a_server_lacks_is_named() {
    let auth = AuthOptions { google: false, loopback_redirects: false, sign_up: false, ..AuthOptions::default() };
    let server = Server::start(CloudOptions { auth, ..CloudOptions::default() });
    let (user, device) = (server.user(), Device::new());
    server.log_in(&device, &user);
    let check = || look(&device, &["login", "--check"]);
    let auth = [("google", "missing"), ("redirects", "missing")];
    let (exit, found, todo) = check();
    expect(&found, &but(&auth));
    assert!(exit == 1 && todo.contains("http://127.0.0.1:*/**"), "{todo}");
    // The browser is not even opened where it would end elsewhere, nor for a provider that is off.
    for (provider, code) in [("discord", "server_unsuitable"), ("google", "server_refused")] {
        assert_eq!(device.fail(&server.login(&["--provider", provider, "--no-browser"])).1, code, "{provider}");
    }
    let stranger = ["--email", "nobody-knows@airi.test", "--send-code"];
    assert_eq!(device.fail(&server.login(&stranger)).1, "server_refused", "nobody can sign up");

    server.sql("drop policy airi_own_topic on realtime.messages");
    let (_, found, todo) = check();
    expect(&found, &but(&[auth[0], auth[1], ("doorbell", "missing")]));
    assert!(todo.contains("realtime.messages"), "{todo}");
    server.sql("update storage.buckets set public = true where id = 'attachments'");
    let (_, found, todo) = check();
    expect(&found, &but(&[auth[0], auth[1], ("doorbell", "missing"), ("bucket", "missing")]));
    assert!(todo.contains("private"), "{todo}");
    server.sql("drop policy airi_attachments_insert on storage.objects");
    assert!(check().2.contains("storage.objects"));
    server.sql(
        "select set_config('storage.allow_delete_query', 'true', false);
         delete from storage.buckets where id = 'attachments'",
    );
    let (_, found, todo) = check();
    assert_eq!(found["bucket"], "missing");
    assert!(todo.contains("db push"), "{todo}");
}

#[test]
fn a_server_without_our_migrations_or_any_way_in_is_told() {
    let auth = AuthOptions { email: false, google: false, discord: false, ..AuthOptions::default() };
    let server = Server::start(CloudOptions { auth, migrations: Migrations::None, ..CloudOptions::default() });
    let (exit, found, todo) = look(&Device::new(), &server.login(&["--check"]));
    let wanted = [
        ("migrations", "missing"),
        ("email", "missing"),
        ("code", "missing"),
        ("google", "missing"),
        ("discord", "missing"),
        ("redirects", "cannot_tell"),
        ("bucket", "cannot_tell"),
        ("doorbell", "cannot_tell"),
    ];
    expect(&found, &but(&wanted));
    assert!(exit == 1 && todo.contains("db push"), "{todo}");
}
