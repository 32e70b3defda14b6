//! The encrypted file: it keeps what it is given, says what is wrong with it, and never loses what it cannot read.

use super::*;
use crate::Secrets;

const CANARY: &str = "canary-refresh-token-77f0";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep").join("secrets.airi");
    (dir, path)
}

fn get(secrets: &Secrets, name: &str) -> Option<String> {
    secrets.get(name).unwrap().map(|s| s.expose_secret().to_owned())
}

#[test]
fn another_process_reads_what_was_saved_and_no_byte_of_it_is_plain() {
    let (dir, path) = place();
    let secrets = Secrets::file(&path, passphrase("correct horse"));
    assert_eq!(get(&secrets, "p/session"), None);
    secrets.delete("p/session").unwrap();
    assert!(!path.exists(), "deleting nothing writes nothing");
    secrets.set("p/session", &SecretString::from(CANARY)).unwrap();
    secrets.set("p/key", &SecretString::from("\"ü\n\0")).unwrap();

    let other = Secrets::file(&path, passphrase("correct horse"));
    assert_eq!(get(&other, "p/session").as_deref(), Some(CANARY));
    assert_eq!(get(&other, "p/key").as_deref(), Some("\"ü\n\0"));
    other.delete("p/key").unwrap();
    assert_eq!(get(&secrets, "p/key"), None, "a change by another process is seen");

    for entry in fs::read_dir(dir.path().join("deep")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for plain in [CANARY, "p/session", "correct horse"] {
            assert!(!bytes.windows(plain.len()).any(|w| w == plain.as_bytes()), "'{plain}' is in the file");
        }
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_file_even_where_a_stray_one_lay() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, path) = place();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let stray = path.with_file_name("secrets.airi.new");
    fs::write(&stray, "half a file of a killed process").unwrap();
    fs::set_permissions(&stray, fs::Permissions::from_mode(0o644)).unwrap();
    Secrets::file(&path, passphrase("x")).set("p/s", &SecretString::from(CANARY)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!stray.exists());
}

#[test]
fn a_wrong_passphrase_neither_reads_nor_replaces() {
    let (_dir, path) = place();
    Secrets::file(&path, passphrase("right")).set("p/s", &SecretString::from(CANARY)).unwrap();
    let before = fs::read(&path).unwrap();
    let wrong = Secrets::file(&path, passphrase("wrong"));
    for result in [
        wrong.get("p/s").map(|_| ()),
        wrong.set("p/s", &SecretString::from("new")),
        wrong.set("p/other", &SecretString::from("new")),
        wrong.delete("p/s"),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, SecretsError::WrongPassphrase { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("wrong\""));
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_damaged_or_newer_file_is_named_as_such_and_left_alone() {
    let (_dir, path) = place();
    let secrets = Secrets::file(&path, passphrase("right"));
    secrets.set("p/s", &SecretString::from(CANARY)).unwrap();
    let good = fs::read(&path).unwrap();

    let mut newer = good.clone();
    newer[8] = 9;
    let end = newer.len() - 32;
    let sum = <sha2::Sha256 as sha2::Digest>::digest(&newer[..end]);
    newer[end..].copy_from_slice(&sum);
    let mut flipped = good.clone();
    flipped[70] ^= 1;

    for (bytes, is_newer) in [(newer, true), (flipped, false), (good[..40].to_vec(), false), (Vec::new(), false)] {
        fs::write(&path, &bytes).unwrap();
        for result in [secrets.get("p/s").map(|_| ()), secrets.set("p/s", &SecretString::from("new"))] {
            match result.unwrap_err() {
                SecretsError::NewerVersion { found: 9, known: 1, .. } if is_newer => {}
                SecretsError::Damaged { .. } if !is_newer => {}
                other => panic!("{other}"),
            }
        }
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(get(&secrets, "p/s").as_deref(), Some(CANARY));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_keeps_the_old_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, path) = place();
    let secrets = Secrets::file(&path, passphrase("right"));
    secrets.set("p/s", &SecretString::from(CANARY)).unwrap();
    // A folder in the place of the temporary file stops even root.
    fs::create_dir(path.with_file_name("secrets.airi.new")).unwrap();
    let error = secrets.set("p/s", &SecretString::from("new")).unwrap_err();
    assert!(matches!(error, SecretsError::Io { action: "written", .. }), "{error}");
    assert_eq!(get(&secrets, "p/s").as_deref(), Some(CANARY));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn writers_at_the_same_time_lose_no_secret() {
    let (_dir, path) = place();
    Secrets::file(&path, passphrase("right")).set("p/first", &SecretString::from("x")).unwrap();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let secrets = Secrets::file(path, passphrase("right"));
                for m in 0..5 {
                    secrets.set(&format!("p/{n}-{m}"), &SecretString::from(format!("{n}{m}"))).unwrap();
                }
            });
        }
    });
    let secrets = Secrets::file(&path, passphrase("right"));
    for n in 0..4 {
        for m in 0..5 {
            assert_eq!(get(&secrets, &format!("p/{n}-{m}")), Some(format!("{n}{m}")));
        }
    }
}
