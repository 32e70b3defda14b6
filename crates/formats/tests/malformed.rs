//! Archives that are broken, hostile or something else altogether.

#![allow(clippy::unwrap_used)]

mod support;

use airi_domain::OwnerId;
use airi_formats::import::{Archive, Format, ImportError, Limits};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;
use support::{RawEntry, read_all, read_bytes, read_with, samples, zip_of};

fn sample() -> Vec<u8> {
    fs::read(samples().join("chatgpt/conversations.json")).unwrap()
}

fn error_of(bytes: &[u8]) -> ImportError {
    read_bytes(bytes)
        .err()
        .unwrap_or_else(|| panic!("{} was taken", String::from_utf8_lossy(&bytes[..bytes.len().min(80)])))
}

fn zip_error(entries: &[RawEntry]) -> ImportError {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.zip");
    fs::write(&path, zip_of(entries)).unwrap();
    read_all(&path).err().expect("the archive was taken")
}

fn good() -> RawEntry {
    RawEntry::new("conversations.json", &sample())
}

#[test]
fn every_kind_of_wrong_file_has_an_error_of_its_own() {
    assert!(matches!(error_of(b""), ImportError::Empty { .. }));
    assert!(matches!(error_of(b"  \n"), ImportError::Empty { .. }));
    assert!(matches!(error_of(b"Dear diary"), ImportError::NotJson { position: 0, .. }));
    assert!(matches!(error_of(b"<!doctype html>"), ImportError::NotJson { .. }));
    assert!(matches!(error_of(b"\x1f\x8b\x08\0"), ImportError::NotJson { .. }));
    assert!(matches!(error_of(b"[]"), ImportError::Nothing { unreadable: 0, .. }));
    assert!(matches!(error_of(br#"[{"a":1}]"#), ImportError::UnknownShape { .. }));
    assert!(matches!(error_of(br#"{"a":1}"#), ImportError::UnknownShape { .. }));
    assert!(matches!(error_of(b"[1,2]"), ImportError::UnknownShape { .. }));
    assert!(matches!(error_of(br#"[{"mapping":5}]"#), ImportError::Nothing { unreadable: 1, .. }));
    let newer = br#"{"format":"airi-export","version":2,"conversations":[{}]}"#;
    assert!(matches!(error_of(newer), ImportError::NewerVersion { found: 2, known: 1 }));
    let late = br#"{"conversations":[{"conversation":{},"messages":[]}],"format":"airi-export","version":2}"#;
    assert!(matches!(error_of(late), ImportError::NewerVersion { .. }));
    let missing = read_all(&PathBuf::from("/nonexistent/x.zip")).err().unwrap();
    assert!(matches!(missing, ImportError::Open { .. }));
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(read_all(dir.path()).err().unwrap(), ImportError::NoConversations { .. }));
}

#[test]
fn an_export_of_somebody_else_is_named() {
    let error =
        read_with(&samples().join("claude"), Format::ChatGpt, &Limits::default(), OwnerId::LOCAL).err().unwrap();
    let text = error.to_string();
    assert!(matches!(error, ImportError::WrongVendor { .. }));
    assert!(text.contains("claude") && text.contains("auto"), "{text}");
}

#[test]
fn a_truncated_file_fails_as_a_whole_with_its_position() {
    let bytes = sample();
    let step = bytes.len() / 97;
    for end in (1..bytes.len() - 2).step_by(step).chain([2, 3, bytes.len() - 3]) {
        match error_of(&bytes[..end]) {
            ImportError::Broken { position, .. } => assert_eq!(position, end as u64),
            other => panic!("cut at {end}: {other}"),
        }
    }
}

#[test]
fn one_unusable_conversation_is_kept_raw_and_the_rest_comes_in() {
    let deep = format!("{{\"title\":\"deep\",\"mapping\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let inside = format!(
        "{{\"title\":\"inside\",\"mapping\":{{\"a\":{{\"message\":{{\"content\":{}{}}}}}}}}}",
        "[".repeat(115),
        "]".repeat(115)
    );
    let text = sample();
    let rest = &text[text.iter().position(|b| *b == b'[').unwrap() + 1..];
    let mut bytes =
        format!("[{deep},{inside},{{\"title\":\"empty\"}},7,{{\"mapping\":{{\"a\":{{\"x\":1e999}}}}}},").into_bytes();
    bytes.extend_from_slice(rest);
    let read = read_bytes(&bytes).unwrap();
    assert_eq!((read.summary.read, read.summary.unreadable), (21, 4));
    assert_eq!(read.unreadable[0].title.as_deref(), Some("deep"));
    assert!(read.unreadable[0].reason.contains("levels deep") && read.unreadable[0].raw == deep);
    assert_eq!(read.unreadable.iter().map(|u| u.position).collect::<Vec<_>>(), [1, 3, 4, 5]);
    // Nothing but a deep one is nothing at all.
    assert!(matches!(error_of(format!("[{deep}]").as_bytes()), ImportError::Nothing { unreadable: 1, .. }));
    assert!(matches!(error_of("[".repeat(200_000).as_bytes()), ImportError::Broken { .. }));
    assert!(matches!(error_of("{\"a\":".repeat(200_000).as_bytes()), ImportError::Broken { .. }));
}

#[test]
fn broken_characters_do_not_fail() {
    let text = r#"[{"id":"c","mapping":{"a":{"message":{"author":{"role":"user"},"content":{"parts":["x\ud83dy\u0000z"]}}}}}]"#;
    let read = read_bytes(text.as_bytes()).unwrap();
    let message = &read.conversations[0].messages[0];
    assert_eq!(message.content, "x\u{fffd}y\u{2400}z");
    assert_eq!(message.metadata["fitted"]["content"]["nul_at"], serde_json::json!([3]));
    assert_eq!(read.conversations[0].notes.len(), 2);
}

#[test]
fn blanks_end_soon_and_cost_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("blank.json");
    let mut file = io::BufWriter::new(fs::File::create(&path).unwrap());
    io::copy(&mut io::Read::take(io::repeat(b' '), 64 << 20), &mut file).unwrap();
    file.flush().unwrap();
    let start = Instant::now();
    assert!(matches!(read_all(&path).err().unwrap(), ImportError::NotJson { .. }));
    assert!(start.elapsed().as_secs() < 5);
    // A sparse gigabyte of zeros is no JSON either.
    let sparse = fs::File::create(dir.path().join("sparse.json")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    assert!(matches!(read_all(&dir.path().join("sparse.json")).err().unwrap(), ImportError::NotJson { .. }));
}

#[test]
fn entries_that_lead_elsewhere_refuse_the_archive() {
    let with = |name: &str| RawEntry::new(name, b"x");
    for name in ["../evil", "a/../../evil", "/etc/passwd", "C:\\evil", "a\\b", "a//b", "./a"] {
        let error = zip_error(&[good(), with(name)]);
        assert!(matches!(error, ImportError::Refused { .. }), "{name}: {error}");
    }
    let mut link = with("link");
    link.mode = 0o120_777;
    let mut pipe = with("pipe");
    pipe.mode = 0o010_644;
    let mut secret = with("secret");
    secret.flags = 1;
    for entry in [link, pipe, secret] {
        let name = entry.name.clone();
        assert!(matches!(zip_error(&[good(), entry]), ImportError::Refused { .. }), "{name}");
    }
    assert!(matches!(zip_error(&[good(), good()]), ImportError::Refused { .. }));
}

#[test]
fn a_bomb_is_measured_before_it_goes_off() {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("conversations.json", options).unwrap();
    zip.write_all(&sample()).unwrap();
    zip.start_file("bomb.dat", options).unwrap();
    io::copy(&mut io::Read::take(io::repeat(0), 64 << 20), &mut zip).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bomb.zip");
    fs::write(&path, zip.finish().unwrap().into_inner()).unwrap();
    let error = read_all(&path).err().unwrap();
    assert!(matches!(error, ImportError::Unusual { .. }) && error.to_string().contains("--yes"), "{error}");
    let confirmed = Limits { allow_unusual: true, ..Limits::default() };
    read_with(&path, Format::Auto, &confirmed, OwnerId::LOCAL).unwrap();
    let no_room = Limits { free_disk_bytes: Some(1 << 20), ..confirmed };
    assert!(matches!(Archive::open(&path, Format::Auto, &no_room), Err(ImportError::NoSpace { .. })));
    let few = Limits { max_entries: 1, ..Limits::default() };
    assert!(matches!(Archive::open(&path, Format::Auto, &few), Err(ImportError::Unusual { .. })));
}

#[test]
fn an_entry_that_lies_about_its_size_is_stopped() {
    let mut entry = good();
    entry.size = 100;
    assert!(matches!(zip_error(&[entry]), ImportError::Broken { .. } | ImportError::Zip { .. }));
    let mut greedy = good();
    greedy.packed = u32::MAX - 1;
    assert!(matches!(
        zip_error(&[greedy]),
        ImportError::Refused { .. } | ImportError::Zip { .. } | ImportError::Unusual { .. }
    ));
    let whole = zip_of(&[good()]);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.zip");
    for end in (4..whole.len()).step_by(whole.len() / 40) {
        fs::write(&path, &whole[..end]).unwrap();
        assert!(read_all(&path).is_err(), "cut at {end}");
    }
    let mut flipped = whole.clone();
    flipped[1000] ^= 1;
    fs::write(&path, &flipped).unwrap();
    assert!(matches!(read_all(&path).err().unwrap(), ImportError::Broken { .. }));
}

#[test]
fn an_archive_without_its_shard_is_incomplete() {
    let manifest =
        br#"{"logical_files":{"conversations.json":{"files":["conversations-000.json","conversations-001.json"]}}}"#;
    let entries = [RawEntry::new("export_manifest.json", manifest), RawEntry::new("conversations-000.json", &sample())];
    assert!(matches!(zip_error(&entries), ImportError::MissingPart { .. }));
}

/// xorshift64*; the seed is printed when a mutation panics.
struct Rng(u64);
impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }
}

#[test]
fn random_mutations_never_panic() {
    let dir = tempfile::tempdir().unwrap();
    let claude = fs::read(samples().join("claude/conversations.json")).unwrap();
    let whole_zip = zip_of(&[RawEntry::new("conversations.json", &claude), RawEntry::new("users.json", b"[]")]);
    let interesting: [&[u8]; 12] = [
        b"null",
        b"{}",
        b"[]",
        b"\"\"",
        b"-1",
        b"1e308",
        b"\\ud800",
        b"\\u0000",
        b"\xff",
        b"\"mapping\":5",
        b",",
        b"}",
    ];
    // A third of ChatGPT's sample keeps a run short.
    let chatgpt: Vec<u8> = sample().into_iter().take(50_000).chain(*b"\"]}}]").collect();
    for (corpus, name, seeds) in
        [(&claude, "c.json", 0..250), (&chatgpt, "g.json", 250..400), (&whole_zip, "z.zip", 400..650)]
    {
        let path = dir.path().join(name);
        for seed in seeds {
            let mut rng = Rng(seed + 1);
            let mut bytes = corpus.clone();
            for _ in 0..=rng.below(4) {
                let at = rng.below(bytes.len());
                match rng.below(5) {
                    0 => bytes[at] = rng.below(256) as u8,
                    1 => drop(bytes.drain(at..(at + rng.below(40)).min(bytes.len()))),
                    2 => {
                        let piece = interesting[rng.below(interesting.len())];
                        bytes.splice(at..at, piece.iter().copied());
                    }
                    3 => {
                        // A whole value becomes something else: the JSON stays valid.
                        let piece = interesting[rng.below(6)];
                        if let Some(start) = bytes[at..].windows(2).position(|w| w == b": ").map(|i| at + i + 2)
                            && let Some(len) = bytes[start..].iter().position(|b| matches!(b, b',' | b'}'))
                        {
                            bytes.splice(start..start + len, piece.iter().copied());
                        }
                    }
                    _ => bytes.truncate(at.max(1)),
                }
            }
            fs::write(&path, &bytes).unwrap();
            let outcome = std::panic::catch_unwind(|| read_all(&path).map(|read| read.summary));
            assert!(outcome.is_ok(), "seed {seed} of {name} panics");
        }
    }
}
