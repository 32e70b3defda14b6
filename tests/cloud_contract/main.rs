//! The contract with Supabase's own client, and with ours: starts the real cloud with our migrations, runs the node tests of
//! this folder and the example `contract` of `airi-cloud` against it, and checks that nothing is left afterwards, however the
//! cloud ends.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use airi_tests::{AuthOptions, Cloud, CloudOptions, Migrations};

/// The tests look at all processes below this one, so they take turns.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const NODE_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cloud_contract");

#[tokio::test]
async fn the_official_client_gets_what_it_expects() {
    // No interval: a refresh token is stolen at once when it is used a second time, so that nobody must wait.
    let options = CloudOptions { refresh_reuse_interval: Duration::ZERO, ..CloudOptions::default() };
    run_contract("contract.test.mjs", options).await;
}

#[tokio::test]
async fn sessions_end_and_addresses_are_confirmed_where_the_project_says_so() {
    let options =
        CloudOptions { access_token_lifetime: Duration::from_secs(2), confirm_email: true, ..CloudOptions::default() };
    run_contract("strict.test.mjs", options).await;
}

#[tokio::test]
async fn ways_in_that_a_project_leaves_closed_are_refused_as_there() {
    let auth = AuthOptions { google: false, sign_up: false, loopback_redirects: false, ..AuthOptions::default() };
    run_contract("closed.test.mjs", CloudOptions { auth, ..CloudOptions::default() }).await;
}

#[tokio::test]
async fn our_own_client_gets_what_it_expects() {
    // The interval of Supabase: the client waits for its end before it shows that a stolen token is noticed.
    let mut cargo = tokio::process::Command::new(env!("CARGO"));
    cargo
        .args(["run", "--quiet", "--locked", "-p", "airi-cloud", "--example", "contract"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let said = run_against(cargo, CloudOptions::default()).await;
    assert!(
        said.lines().filter(|line| line.starts_with("holds: ")).count() >= 10,
        "it went through its steps:\n{said}"
    );
    assert!(said.ends_with("the client and the cloud keep their contract\n"), "{said}");
}

/// Runs a file of node tests against a cloud of its own.
async fn run_contract(file: &str, options: CloudOptions) {
    let mut node = tokio::process::Command::new("node");
    // The client keeps a timer of ten seconds alive; nobody waits for it.
    node.args(["--test", "--test-force-exit", "--test-timeout=120000", file]).current_dir(NODE_FOLDER);
    run_against(node, options).await;
}

/// Runs a program against a cloud of its own, and checks that the cloud leaves nothing. Returns what the program said.
async fn run_against(mut program: tokio::process::Command, options: CloudOptions) -> String {
    let _turn = TURN.lock().await;
    let cloud = Cloud::start(options).await.unwrap();
    let line = serde_json::to_string(&cloud).unwrap();
    let output = program
        .env("AIRI_CLOUD", line)
        .env("AIRI_REUSE_SECONDS", "0")
        .kill_on_drop(true)
        .output()
        .await
        .expect("the program can be run");
    let started = started_by(std::process::id());
    assert!(started.len() >= 4, "PostgreSQL, PostgREST and their guards run: {started:?}");
    let folder = cloud.folder().unwrap().to_owned();
    cloud.stop().await.unwrap();
    assert_eq!(living(&started), BTreeSet::new(), "no process is left");
    assert!(!folder.exists(), "the temporary folder is removed");
    assert!(
        output.status.success(),
        "the contract is broken:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn a_server_without_our_migrations_has_no_sync_hello() {
    let _turn = TURN.lock().await;
    let options = CloudOptions { migrations: Migrations::None, ..CloudOptions::default() };
    let cloud = Cloud::start(options).await.unwrap();
    let client = cloud.connect().await.unwrap();
    let row = client.query_one("select to_regclass('public.conversations') is null", &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
    let users: i64 = client.query_one("select count(*) from auth.users", &[]).await.unwrap().get(0);
    assert_eq!(users, 1, "the ready account");
    let other = cloud.create_user().await.unwrap();
    assert_ne!(other.email, cloud.email);
    cloud.stop().await.unwrap();
}

#[tokio::test]
async fn a_kept_folder_gives_the_same_cloud_again() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let options = CloudOptions {
        data: Some(folder.path().join("cloud")),
        migrations: Migrations::None,
        ..CloudOptions::default()
    };
    let first = Cloud::start(options.clone()).await.unwrap();
    // Another program may take the port in between, so the address is not compared.
    let before = (first.publishable_key.clone(), first.service_key.clone(), first.password.clone());
    let user = first.create_user().await.unwrap();
    first.stop().await.unwrap();
    let second = Cloud::start(options).await.unwrap();
    assert_eq!(before, (second.publishable_key.clone(), second.service_key.clone(), second.password.clone()));
    let client = second.connect().await.unwrap();
    let row = client.query_one("select email from auth.users where id = $1", &[&user.id]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), user.email);
    second.stop().await.unwrap();
}

#[test]
fn the_program_leaves_nothing_behind_when_it_is_told_to_end_or_killed() {
    let _turn = TURN.blocking_lock();
    for signal in ["TERM", "INT", "KILL"] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_airi-devcloud"))
            .arg("--no-migrations")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).expect("one JSON line");
        for field in ["url", "publishable_key", "service_key", "database_url", "email", "password"] {
            assert!(told[field].is_string(), "{field}");
        }
        let started = started_by(program.id());
        assert!(started.len() >= 4, "{started:?}");
        end(&mut program, signal);
        let deadline = Instant::now() + Duration::from_secs(20);
        while !living(&started).is_empty() {
            assert!(Instant::now() < deadline, "left after {signal}: {:?}", living(&started));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Sends the signal to the one process and waits for it.
fn end(program: &mut Child, signal: &str) {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(program.id().to_string()).status().unwrap();
    assert!(sent.success());
    let status = program.wait().unwrap();
    assert_eq!(status.success(), signal != "KILL", "{signal}: {status}");
}

/// The processes below `root`, by id and start time (an id may be given anew).
fn started_by(root: u32) -> BTreeSet<(u32, String)> {
    let all: Vec<(u32, u32, String)> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id| stat(id).map(|(parent, start)| (id, parent, start)))
        .collect();
    let mut below = BTreeSet::from([root]);
    loop {
        let found: Vec<u32> = all
            .iter()
            .filter(|(id, parent, _)| below.contains(parent) && !below.contains(id))
            .map(|(id, ..)| *id)
            .collect();
        if found.is_empty() {
            break;
        }
        below.extend(found);
    }
    let is_below = |id: &u32| *id != root && below.contains(id);
    all.into_iter().filter(|(id, ..)| is_below(id)).map(|(id, _, start)| (id, start)).collect()
}

fn living(processes: &BTreeSet<(u32, String)>) -> BTreeSet<(u32, String)> {
    processes.iter().filter(|(id, start)| stat(*id).is_some_and(|(_, now)| now == *start)).cloned().collect()
}

/// Parent and start time of a process that is not a zombie.
fn stat(id: u32) -> Option<(u32, String)> {
    let text = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if *fields.first()? == "Z" {
        return None;
    }
    Some((fields.get(1)?.parse().ok()?, (*fields.get(19)?).to_owned()))
}
