//! The life of a session: accounts that take turns, a server that moves, sessions that end and tokens that run out. In all
//! of it nothing that was written here is lost, and nothing goes to another account.

use crate::device::Device;
use crate::web::ask;
use airi_tests::{AuthOptions, Cloud, CloudOptions, User};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
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

    fn count(&self, sql: &str, user: &User) -> i64 {
        self.runtime
            .block_on(async { self.cloud.connect().await.unwrap().query_one(sql, &[&user.id]).await.unwrap().get(0) })
    }

    /// The titles that the server has for an account.
    fn titles(&self, user: &User) -> Vec<String> {
        self.runtime.block_on(async {
            let client = self.cloud.connect().await.unwrap();
            let sql = "select title from public.conversations where user_id = $1 order by title";
            client.query(sql, &[&user.id]).await.unwrap().iter().map(|row| row.get(0)).collect()
        })
    }

    fn log_in_at(&self, device: &Device, user: &User, url: &str, more: &[&str]) -> Value {
        let key = self.cloud.publishable_key.as_str();
        let args = [&["login", "--url", url, "--key", key, "--email", &user.email, "--password-stdin"], more].concat();
        device.run_with(&args, &format!("{}\n", user.password))
    }

    fn log_in(&self, device: &Device, user: &User) -> Value {
        self.log_in_at(device, user, &self.cloud.url, &[])
    }

    /// Calls Auth as somebody else's program would.
    fn auth(&self, method: &str, path: &str, bearer: Option<&str>, body: &Value) -> Value {
        let bearer = bearer.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("apikey", self.cloud.publishable_key.as_str())];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let url = format!("{}/auth/v1/{path}", self.cloud.url);
        ask(method, &url, &headers, Some(body)).unwrap().json()
    }
}

fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(CloudOptions::default()))
}

/// Tokens live for two seconds, but the clients believe for an hour that theirs are good: as with a clock that is wrong,
/// only a refusal in the middle of the work tells them. A refresh token is good once and not a moment longer.
fn hasty() -> &'static Server {
    static HASTY: OnceLock<Server> = OnceLock::new();
    HASTY.get_or_init(|| {
        let claimed_lifetime = Some(Duration::from_secs(3600));
        Server::start(CloudOptions {
            access_token_lifetime: Duration::from_secs(2),
            refresh_reuse_interval: Duration::ZERO,
            auth: AuthOptions { claimed_lifetime, ..AuthOptions::default() },
            ..CloudOptions::default()
        })
    })
}

#[test]
fn two_accounts_on_one_computer_take_turns_and_keep_apart() {
    let server = shared();
    let (anna, ben, device) = (server.user(), server.user(), Device::new());
    let annas = server.log_in(&device, &anna)["profile"].as_str().unwrap().to_owned();
    device.run(&["new", "--title", "Anna, sent"]);
    device.run(&["sync"]);
    device.run(&["new", "--title", "Anna, not sent"]);
    device.run(&["logout"]);
    device.run(&["new", "--title", "Anna, signed out"]);

    let bens = server.log_in(&device, &ben);
    assert_eq!((&bens["conversations"], &bens["outbox"]), (&json!(0), &json!(0)), "{bens}");
    device.run(&["new", "--title", "Ben"]);
    device.run(&["sync"]);
    assert_eq!(server.titles(&ben), ["Ben"]);
    assert_eq!(server.titles(&anna), ["Anna, sent"], "nothing of hers went anywhere");

    let rows = device.run(&["profiles"]);
    let row = |name: &str| rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    let hers = row(&annas);
    assert_eq!((&hers["unsent"], &hers["conversations"], &hers["in_use"]), (&json!(2), &json!(3), &json!(false)));
    assert_eq!((&hers["account"]["email"], &hers["account"]["signed_in"]), (&json!(anna.email), &json!(false)));
    let his = row(bens["profile"].as_str().unwrap());
    assert_eq!((&his["unsent"], &his["in_use"], &his["problem"]), (&json!(0), &json!(true), &Value::Null));

    device.run(&["logout"]);
    // Once more without address and key: they are known.
    let args = ["--profile", &annas, "login", "--password-stdin"];
    let back = device.run_with(&args, &format!("{}\n", anna.password));
    assert_eq!((&back["profile"], &back["outbox"]), (&json!(annas), &json!(2)));
    device.run(&["profiles", "use", &annas]);
    assert_eq!(device.run(&["sync"])["pushed"], json!(2));
    assert_eq!(server.titles(&anna), ["Anna, not sent", "Anna, sent", "Anna, signed out"]);
    assert_eq!(server.titles(&ben), ["Ben"]);
    assert_eq!(device.fail(&["profiles", "use", "nobody"]).1, "not_found");
}

#[test]
fn a_server_at_a_new_address_gets_what_waits_and_the_profile_stays_itself() {
    // One of its own: a recovered server counts anew for everyone.
    let server = Server::start(CloudOptions::default());
    let (anna, ben, device) = (server.user(), server.user(), Device::new());
    let before = server.log_in(&device, &anna);
    device.run(&["new", "--title", "Sent before"]);
    device.run(&["sync"]);
    device.run(&["new", "--title", "Written meanwhile"]);
    let there = server.cloud.url.replace("127.0.0.1", "localhost");
    assert_ne!(there, server.cloud.url);

    // Somebody else's account there is not this one.
    let key = server.cloud.publishable_key.as_str();
    let args = ["login", "--url", &there, "--key", key, "--email", &ben.email, "--password-stdin", "--move"];
    let (_, code, message) = device.fail_with(&args, &format!("{}\n", ben.password));
    assert_eq!(code, "invalid_input");
    assert!(message.contains(&anna.email) && message.contains("Nothing was changed"), "{message}");
    assert_eq!(device.run(&["status"])["account"]["url"], json!(server.cloud.url));
    assert_eq!(server.count("select count(*) from auth.sessions where user_id = $1", &ben), 0, "nor is a session left");

    server.sql("update airi_private.sync_epoch set epoch = gen_random_uuid()");
    let moved = server.log_in_at(&device, &anna, &there, &["--move"]);
    assert_eq!((&moved["profile"], &moved["account"]["url"]), (&before["profile"], &json!(there)));
    assert_eq!((&moved["conversations"], &moved["outbox"]), (&json!(2), &json!(1)));
    device.run(&["sync"]);
    assert_eq!(server.titles(&anna), ["Sent before", "Written meanwhile"]);
    let status = device.run(&["status"]);
    assert_eq!((&status["sync"], &status["outbox"]), (&json!("in_step"), &json!(0)), "{status}");
    assert_eq!(device.run(&["profiles"]).as_array().unwrap().len(), 2, "the local one and this one");
    // Without an account there is nothing that could have moved.
    let other = Device::new();
    let args = ["login", "--url", &there, "--key", key, "--email", &anna.email, "--password-stdin", "--move"];
    assert_eq!(other.fail_with(&args, &format!("{}\n", anna.password)).1, "invalid_input");
}

/// Syncs until the server has noticed; what the program then says.
fn until_it_ends(device: &Device) -> String {
    let begun = Instant::now();
    loop {
        let output = device.output(&["sync"], "");
        if !output.status.success() {
            let error: Value = serde_json::from_slice(&output.stderr).unwrap();
            assert_eq!(error["error"]["code"], json!("session_ended"), "{error}");
            return error["error"]["message"].as_str().unwrap().to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "the session never ends");
    }
}

#[test]
fn a_session_that_was_ended_elsewhere_asks_to_sign_in_and_keeps_everything() {
    let server = hasty();
    let by_password = |user: &User| {
        server.auth(
            "POST",
            "token?grant_type=password",
            None,
            &json!({ "email": user.email, "password": user.password }),
        )
    };
    for way in ["deleted", "stolen", "password"] {
        let (mut user, device) = (server.user(), Device::new());
        let profile = server.log_in(&device, &user)["profile"].clone();
        device.run(&["new", "--title", "Before"]);
        device.run(&["sync"]);
        match way {
            "deleted" => server.sql(&format!("delete from auth.sessions where user_id = '{}'", user.id)),
            "stolen" => {
                let client = server.runtime.block_on(server.cloud.connect()).unwrap();
                let sql = "select token from auth.refresh_tokens where user_id = $1::uuid::text and not revoked";
                let row = server.runtime.block_on(client.query_one(sql, &[&user.id])).unwrap();
                let mut token: String = row.get(0);
                for _ in 0..2 {
                    let body = json!({ "refresh_token": token });
                    let next = server.auth("POST", "token?grant_type=refresh_token", None, &body);
                    token = next["refresh_token"].as_str().unwrap_or_else(|| panic!("{next}")).to_owned();
                }
            }
            _ => {
                let session = by_password(&user);
                let fresh = format!("{}-changed", user.password);
                let bearer = session["access_token"].as_str();
                let changed = server.auth("PUT", "user", bearer, &json!({ "password": fresh }));
                assert_eq!(changed["id"], json!(user.id), "{changed}");
                user.password = fresh;
            }
        }
        // The token at hand may still be good for a moment; what comes after its end waits.
        let message = until_it_ends(&device);
        device.run(&["new", "--title", "After"]);
        assert!(message.contains("Everything stays") && message.contains("ign in again"), "{way}: {message}");
        let status = device.run(&["status"]);
        assert_eq!((&status["sync"], &status["account"]["signed_in"]), (&json!("signed_out"), &json!(false)));
        assert!(status["message"].as_str().unwrap().starts_with(&message), "the status says why: {status}");
        assert!(status["message"].as_str().unwrap().contains("1 change"), "and what waits: {status}");
        assert_eq!(device.fail(&["sync"]).1, "session_ended", "and it stays said");
        assert_eq!(device.list().len(), 2);

        let again = server.log_in(&device, &user);
        assert_eq!(
            (&again["profile"], &again["outbox"], &again["account"]["signed_in"]),
            (&profile, &json!(1), &json!(true))
        );
        device.run(&["sync"]);
        assert_eq!(server.titles(&user), ["After", "Before"], "{way}");
        let devices = "select count(distinct device_id) from public.sync_ops where user_id = $1";
        assert_eq!(server.count(devices, &user), 1, "it is the same device");
    }
}

fn refreshes(server: &Server, user: &User) -> i64 {
    server.count("select count(*) - 1 from auth.refresh_tokens where user_id = $1::uuid::text", user)
}

#[test]
fn tokens_that_run_out_in_the_middle_of_sending_and_fetching_stop_nothing() {
    let server = hasty();
    let (user, one, two) = (server.user(), Device::new(), Device::new());
    server.log_in(&one, &user);
    server.log_in(&two, &user);
    let mut round = 0;
    // Until it has happened often enough to have met every step.
    while refreshes(server, &user) < 8 {
        round += 1;
        assert!(round < 60, "tokens never run out");
        one.run(&["generate", "--messages", "300", "--seed", &round.to_string()]);
        one.run(&["sync"]);
        two.run(&["sync"]);
    }
    let (a, b) = (one.run(&["status"]), two.run(&["status"]));
    assert_eq!((&a["sync"], &b["sync"]), (&json!("in_step"), &json!("in_step")), "{a} {b}");
    assert_eq!(a["messages"], b["messages"]);
}

/// A `sync --watch` that is read line by line.
struct Watch {
    child: Child,
    lines: std::sync::mpsc::Receiver<Value>,
}

impl Watch {
    fn start(device: &Device) -> Watch {
        let mut child =
            device.command(&["sync", "--watch"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (say, lines) = std::sync::mpsc::channel();
        for stream in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn std::io::Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ] {
            let say = say.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = say.send(serde_json::from_str(&line).unwrap_or(json!({ "said": line })));
                }
            });
        }
        Watch { child, lines }
    }

    /// Waits for a round that took rows; nothing may go wrong on the way.
    fn takes_rows(&self, limit: Duration) {
        let begun = Instant::now();
        while let Some(left) = limit.checked_sub(begun.elapsed()) {
            match self.lines.recv_timeout(left) {
                Ok(line) if line["pulled"].as_i64().is_some_and(|pulled| pulled > 0) => return,
                Ok(line) => assert!(line.get("error").is_none(), "{line}"),
                Err(_) => break,
            }
        }
        panic!("no row came within {limit:?}");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn who_watches_goes_on_hearing_when_tokens_run_out() {
    let server = hasty();
    let (user, writer, reader) = (server.user(), Device::new(), Device::new());
    server.log_in(&writer, &user);
    server.log_in(&reader, &user);
    let before = refreshes(server, &user);
    let watch = Watch::start(&reader);
    for round in 0..3 {
        writer.run(&["new", "--title", &format!("Round {round}")]);
        writer.run(&["sync"]);
        // Well below the minute after which a watcher looks by itself.
        watch.takes_rows(Duration::from_secs(40));
        let begun = Instant::now();
        while refreshes(server, &user) < before + 2 * (round + 1) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the watcher's tokens do not run out");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    drop(watch);
    assert_eq!(reader.run(&["status"])["account"]["signed_in"], json!(true));
}

#[test]
fn processes_that_refresh_at_the_same_time_do_it_once_and_stay_signed_in() {
    let server = hasty();
    let (user, device) = (server.user(), Device::new());
    server.log_in(&device, &user);
    while refreshes(server, &user) < 3 {
        let begin = || device.command(&["sync"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let together: Vec<Child> = (0..3).map(|_| begin()).collect();
        for child in together {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    let forks = "select count(*) from (select parent from auth.refresh_tokens
        where user_id = $1::uuid::text and parent is not null group by parent having count(*) > 1) as twice";
    assert_eq!(server.count(forks, &user), 0, "no token was used up twice");
    assert_eq!(device.run(&["status"])["account"]["signed_in"], json!(true));
}
