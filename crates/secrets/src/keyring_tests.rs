//! The keyring, against a real Secret Service: each test runs itself again in a child process, inside a session bus and
//! a GNOME keyring of its own, so nothing needs to be prepared and the user's keyring is never touched.
#![cfg(all(unix, not(target_os = "macos")))]

use super::*;
use crate::{Secrets, Where};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::Instant;

const CHILD: &str = "AIRI_KEYRING_TEST_CHILD";

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the test `name` again under `sh -c script`, where `"$@"` is the test binary with its arguments; home and run-time
/// folders are empty and temporary.
fn rerun(name: &str, wrapper: &[&str], script: &str) -> (Output, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut words: Vec<&str> = wrapper.to_vec();
    words.extend(["sh", "-c", script, "sh"]);
    let output = Command::new(words[0])
        .args(&words[1..])
        .arg(std::env::current_exe().unwrap())
        .args([&format!("keyring::tests::{name}"), "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env("XDG_RUNTIME_DIR", home.path())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap_or_else(|e| panic!("'{}' cannot be started ({e}): install dbus and gnome-keyring", words[0]));
    (output, home)
}

fn assert_passed((output, _home): (Output, tempfile::TempDir)) {
    let text = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

const BUS: &[&str] = &["dbus-run-session", "--"];
/// The daemon in the foreground, so that it can be ended by its id; it is ready when it owns its name on the bus.
const UNLOCKED: &str = r#"
printf pw | gnome-keyring-daemon --foreground --unlock --components=secrets & daemon=$!
for n in $(seq 100); do
  dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
    string:org.freedesktop.secrets 2>/dev/null | grep -q 'boolean true' && break; sleep 0.05
done
"$@"; code=$?; kill $daemon; exit $code"#;

#[test]
fn the_real_secret_service_keeps_replaces_and_deletes() {
    if !is_child() {
        return assert_passed(rerun("the_real_secret_service_keeps_replaces_and_deletes", BUS, UNLOCKED));
    }
    let canary = "canary-keyring-ü-5521";
    let secrets = Secrets::open_keyring("ai.airi.test").unwrap();
    assert_eq!(secrets.kind(), Where::Keyring);
    assert!(secrets.get("p1/session").unwrap().is_none());
    secrets.set("p1/session", &SecretString::from("first")).unwrap();
    secrets.set("p1/session", &SecretString::from(canary)).unwrap();
    secrets.set("p2/session", &SecretString::from("other")).unwrap();
    let again = Secrets::open_keyring("ai.airi.test").unwrap();
    assert_eq!(again.get("p1/session").unwrap().unwrap().expose_secret(), canary);
    again.delete("p1/session").unwrap();
    again.delete("p1/session").unwrap();
    assert!(secrets.get("p1/session").unwrap().is_none());
    assert_eq!(secrets.get("p2/session").unwrap().unwrap().expose_secret(), "other");
    assert!(Secrets::open_keyring("ai.airi.elsewhere").unwrap().get("p2/session").unwrap().is_none());
}

#[test]
fn a_locked_keyring_is_told_apart_without_a_dialogue() {
    if !is_child() {
        return assert_passed(rerun("a_locked_keyring_is_told_apart_without_a_dialogue", BUS, UNLOCKED));
    }
    let service = secret_service::blocking::SecretService::connect(secret_service::EncryptionType::Plain).unwrap();
    service.get_default_collection().unwrap().lock().unwrap();
    let asked = Instant::now();
    let error = Secrets::open_keyring("ai.airi.test").unwrap_err();
    assert!(asked.elapsed() < Duration::from_millis(2500));
    assert!(error.to_string().contains("it is locked"), "{error}");
}

#[test]
fn without_a_session_bus_the_probe_answers_in_time() {
    if !is_child() {
        return assert_passed(rerun("without_a_session_bus_the_probe_answers_in_time", &[], r#""$@""#));
    }
    let asked = Instant::now();
    let error = Secrets::open_keyring("ai.airi.test").unwrap_err();
    assert!(asked.elapsed() < Duration::from_millis(2500), "{:?}", asked.elapsed());
    assert!(matches!(error, SecretsError::KeyringUnavailable { .. }), "{error}");
    assert!(error.to_string().contains("AIRI_PASSPHRASE_FILE"), "{error}");
}

#[test]
fn a_bus_without_a_secret_service_is_told() {
    if !is_child() {
        // Without service files nothing can be started on demand.
        let script = r#"XDG_DATA_DIRS=/nonexistent "$@""#;
        return assert_passed(rerun("a_bus_without_a_secret_service_is_told", BUS, script));
    }
    let asked = Instant::now();
    let error = Secrets::open_keyring("ai.airi.test").unwrap_err();
    assert!(asked.elapsed() < Duration::from_millis(2500), "{:?}", asked.elapsed());
    assert!(matches!(error, SecretsError::KeyringUnavailable { .. }), "{error}");
}

#[test]
fn a_bus_that_never_answers_costs_two_seconds() {
    if !is_child() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("bus");
        // Accepts connections (the kernel does) and says nothing.
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let script = format!(r#"DBUS_SESSION_BUS_ADDRESS='unix:path={}' "$@""#, socket.display());
        return assert_passed(rerun("a_bus_that_never_answers_costs_two_seconds", &[], &script));
    }
    let asked = Instant::now();
    let error = Secrets::open_keyring("ai.airi.test").unwrap_err();
    assert!((1900..3000).contains(&asked.elapsed().as_millis()), "{:?}", asked.elapsed());
    assert!(error.to_string().contains("did not answer within 2 s"), "{error}");
}

#[test]
fn errors_that_carry_bytes_lose_them() {
    for error in
        [StoreError::BadEncoding(b"canary".to_vec()), StoreError::BadDataFormat(b"canary".to_vec(), "bad".into())]
    {
        let shown = refused("p/s", error);
        assert!(!format!("{shown} {shown:?}").contains("canary"));
        assert!(!format!("{shown:?}").contains("99, 97, 110"));
    }
}
