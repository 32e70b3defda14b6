//! Storage: what is sent and fetched survives broken lines, and nothing false is kept.

use super::*;
use crate::stub::{Answer, Seen, Stub, answer, assert_clean, bytes, json as reply, session_json};
use crate::upload::PART;
use crate::{Class, Upload, Uploaded};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Mutex;

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn file_of(size: usize) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    (dir, path, bytes)
}

#[tokio::test]
async fn a_small_file_goes_in_one_request_and_one_that_is_there_counts_as_done() {
    let (_dir, path, content) = file_of(200_000);
    let stub = Stub::start(|_| reply(200, json!({ "Key": "attachments/u/h" }))).await;
    let (session, _kept, _lock) = stub.session();
    let storage = Storage::new(&session);
    assert_eq!(storage.upload("attachments", "u/h", &path, "image/png").await.unwrap(), Uploaded::Sent);
    let seen = &stub.seen()[0];
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/storage/v1/object/attachments/u/h"));
    assert_eq!((seen.header("content-type"), seen.header("x-upsert")), ("image/png", "false"));
    assert!(seen.body == content);

    for (status, body) in [
        (400, json!({ "statusCode": "409", "error": "Duplicate", "message": "The resource already exists" })),
        (409, json!({ "statusCode": "409", "error": "Duplicate", "message": "The resource already exists" })),
    ] {
        let stub = Stub::start(move |_| reply(status, body.clone())).await;
        let (session, _kept, _lock) = stub.session();
        let done = Storage::new(&session).upload("attachments", "u/h", &path, "image/png").await.unwrap();
        assert_eq!(done, Uploaded::AlreadyThere);
    }
}

#[tokio::test]
async fn a_strangers_page_with_a_status_of_success_is_no_upload() {
    let (_dir, path, _) = file_of(1000);
    for body in [&b"<html>Accept the terms</html>"[..], b"", b"{}"] {
        let stub = Stub::start(move |_| answer(200, &[], body)).await;
        let (session, _kept, _lock) = stub.session();
        let error = Storage::new(&session).upload("attachments", "u/h", &path, "image/png").await.unwrap_err();
        assert!(matches!(error, CloudError::BadAnswer { .. }), "{error}");
        assert!(matches!(error.class(), Class::Passing { .. }));
    }
}

#[tokio::test]
async fn an_expired_token_is_renewed_and_the_whole_body_sent_again() {
    let (_dir, path, content) = file_of(100_000);
    let stub = Stub::start(|seen| match seen.path.starts_with("/auth") {
        true => reply(200, session_json(1)),
        false if seen.header("authorization") == "Bearer canary-access-1" => reply(200, json!({ "Key": "b/u/h" })),
        false => reply(
            400,
            json!({ "statusCode": "403", "error": "Unauthorized", "message": "\"exp\" claim timestamp check failed" }),
        ),
    })
    .await;
    let (session, _kept, _lock) = stub.session();
    Storage::new(&session).upload("b", "u/h", &path, "text/plain").await.unwrap();
    assert!(stub.seen().last().unwrap().body == content);
}

#[tokio::test]
async fn a_refusal_that_was_lost_with_the_line_is_asked_for_again_without_the_body() {
    let (_dir, path, _) = file_of(1000);
    for (status, body, there) in
        [(409, "The resource already exists", true), (403, "violates row-level security", false)]
    {
        let stub = Stub::start(move |seen| match seen.path.as_str() {
            "/storage/v1/upload/resumable" => {
                reply(status, json!({ "statusCode": status.to_string(), "error": "x", "message": body }))
            }
            _ => Answer::Bytes(Vec::new()),
        })
        .await;
        let (session, _kept, _lock) = stub.session();
        match Storage::new(&session).upload("b", "u/h", &path, "text/plain").await {
            Ok(Uploaded::AlreadyThere) if there => {}
            Err(CloudError::Refused { status: 403, .. }) if !there => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A TUS server of one upload: what it has, and what happens to the next parts.
#[derive(Default)]
struct Tus {
    data: Vec<u8>,
    created: usize,
    faults: Vec<&'static str>,
    lost: bool,
}

async fn tus_server(faults: &[&'static str], location: &'static str) -> (Stub, Arc<Mutex<Tus>>) {
    let tus = Arc::new(Mutex::new(Tus { faults: faults.to_vec(), ..Tus::default() }));
    let shared = tus.clone();
    let stub = Stub::start(move |seen: &Seen| {
        if seen.path.starts_with("/auth") {
            return reply(200, session_json(1));
        }
        let mut tus = shared.lock().unwrap();
        assert_eq!(seen.header("tus-resumable"), "1.0.0");
        let offset = |tus: &Tus| tus.data.len().to_string();
        match seen.method.as_str() {
            "POST" => {
                *tus = Tus { faults: std::mem::take(&mut tus.faults), created: tus.created + 1, ..Tus::default() };
                answer(201, &[("location", location), ("tus-resumable", "1.0.0")], b"")
            }
            "HEAD" if tus.lost => answer(404, &[], b""),
            "HEAD" => answer(200, &[("upload-offset", &offset(&tus))], b""),
            "PATCH" => {
                assert_eq!(seen.path, "/storage/v1/upload/resumable/abc123");
                assert!(seen.body.len() as u64 <= PART);
                match tus.faults.pop() {
                    // Half of the part arrives, then the line breaks.
                    Some("break") => {
                        let half = &seen.body[..seen.body.len() / 2];
                        tus.data.extend_from_slice(half);
                        Answer::Bytes(Vec::new())
                    }
                    // All of it arrives, but the answer is lost.
                    Some("lose-answer") => {
                        tus.data.extend_from_slice(&seen.body);
                        Answer::Bytes(Vec::new())
                    }
                    Some("forget") => {
                        tus.lost = true;
                        answer(404, &[], b"The upload is unknown")
                    }
                    // The token ran out after the part before; a fresh one is taken.
                    Some("expired") => {
                        reply(403, json!({ "statusCode": "403", "error": "Unauthorized", "message": "jwt expired" }))
                    }
                    Some("busy") => answer(503, &[("retry-after", "9")], b""),
                    _ if seen.header("upload-offset") != offset(&tus) => answer(409, &[], b"offset"),
                    _ => {
                        tus.data.extend_from_slice(&seen.body);
                        answer(204, &[("upload-offset", &offset(&tus))], b"")
                    }
                }
            }
            other => panic!("{other}"),
        }
    })
    .await;
    (stub, tus)
}

const HERE: &str = "/storage/v1/upload/resumable/abc123";

#[tokio::test]
async fn a_large_file_goes_in_parts_and_on_after_every_break() {
    let (_dir, path, content) = file_of(2 * PART as usize + 12_345);
    for faults in [&[][..], &["break"], &["lose-answer"], &["break", "", "lose-answer", "break"], &["expired", ""]] {
        let (stub, tus) = tus_server(faults, HERE).await;
        let (session, _kept, _lock) = stub.session();
        let reported = Arc::new(Mutex::new(Vec::new()));
        let sink = reported.clone();
        let upload = Upload::new("attachments", "u/h", &path, "video/mp4")
            .with_progress(move |bytes| sink.lock().unwrap().push(bytes));
        assert_eq!(Storage::new(&session).upload_with(&upload).await.unwrap(), Uploaded::Sent);
        let tus = tus.lock().unwrap();
        assert!(tus.data == content, "{faults:?}");
        assert_eq!(tus.created, 1);
        assert_eq!(reported.lock().unwrap().last(), Some(&(content.len() as u64)));
        let create = &stub.seen()[0];
        assert_eq!(create.header("upload-length"), content.len().to_string());
        assert_eq!(
            create.header("upload-metadata"),
            "bucketName YXR0YWNobWVudHM=,objectName dS9o,contentType dmlkZW8vbXA0,cacheControl MzYwMA=="
        );
    }
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart_and_begins_anew_when_the_server_forgot_it() {
    let (dir, path, content) = file_of(2 * PART as usize);
    let upload = Upload::new("attachments", "u/h", &path, "video/mp4").with_note(&dir.path().join("note"));
    let (stub, tus) = tus_server(&["busy", ""], HERE).await;
    let (session, _kept, _lock) = stub.session();
    let error = Storage::new(&session).upload_with(&upload).await.unwrap_err();
    assert_eq!(error.class(), Class::Passing { retry_after: Some(Duration::from_secs(9)) });
    assert_clean(&format!("{error} {error:?}"));
    assert_clean(&std::fs::read_to_string(dir.path().join("note")).unwrap());
    // The next run of the program.
    Storage::new(&session).upload_with(&upload).await.unwrap();
    assert!(tus.lock().unwrap().data == content);
    assert_eq!(tus.lock().unwrap().created, 1);
    assert!(!dir.path().join("note").exists());

    let (stub, tus) = tus_server(&["forget", ""], HERE).await;
    let (session, _kept, _lock) = stub.session();
    Storage::new(&session).upload_with(&upload).await.unwrap();
    assert!(tus.lock().unwrap().data == content);
    assert_eq!(tus.lock().unwrap().created, 2);
}

#[tokio::test]
async fn the_session_is_never_sent_where_the_server_points() {
    let (_dir, path, content) = file_of(PART as usize + 1);
    let (stub, tus) = tus_server(&[], "https://evil.example/storage/v1/upload/resumable/abc123").await;
    let (session, _kept, _lock) = stub.session();
    Storage::new(&session).upload("attachments", "u/h", &path, "video/mp4").await.unwrap();
    assert!(tus.lock().unwrap().data == content);
    for elsewhere in
        ["", "/x", "/upload/resumable/../../auth", "/upload/resumable//evil.example", "/upload/resumable/a?b#c"]
    {
        let (stub, _) = tus_server(&[], elsewhere).await;
        let (session, _kept, _lock) = stub.session();
        let error = Storage::new(&session).upload("attachments", "u/h", &path, "video/mp4").await.unwrap_err();
        assert!(matches!(error, CloudError::BadAnswer { .. }), "{elsewhere}: {error}");
        assert_eq!(stub.seen().len(), 1);
    }
}

#[tokio::test]
async fn an_upload_that_stands_still_ends_and_a_slow_one_does_not() {
    let (_dir, path, _) = file_of(1000);
    let stub = Stub::start(|_| Answer::Silence).await;
    let (session, _kept, _lock) = stub.session();
    let storage = Storage::new(&session).with_stall_limit(Duration::from_millis(200));
    let error = storage.upload("b", "u/h", &path, "text/plain").await.unwrap_err();
    assert!(matches!(error, CloudError::Timeout { batch: false, .. }));
}

#[tokio::test]
async fn a_resumable_upload_that_is_there_counts_as_done_in_plain_text_too() {
    let (_dir, path, _) = file_of(PART as usize + 1);
    for at in ["POST", "PATCH"] {
        let stub = Stub::start(move |seen| match seen.method.as_str() {
            method if method == at => answer(409, &[], b"The resource already exists"),
            _ => answer(201, &[("location", HERE), ("upload-offset", "0")], b""),
        })
        .await;
        let (session, _kept, _lock) = stub.session();
        let done = Storage::new(&session).upload("b", "u/h", &path, "text/plain").await.unwrap();
        assert_eq!(done, Uploaded::AlreadyThere, "{at}");
    }
}

/// Serves `content` with ranges; `cut` bytes into each answer the line breaks.
async fn object_server(content: Vec<u8>, cut: Option<usize>, ranges: bool) -> Stub {
    Stub::start(move |seen| {
        if seen.path.contains("/info/") {
            return reply(200, json!({ "size": content.len() }));
        }
        let from: usize = match seen.header("range").strip_prefix("bytes=").and_then(|r| r.strip_suffix('-')) {
            Some(from) if ranges => from.parse().unwrap(),
            _ => 0,
        };
        if from > 0 && from >= content.len() {
            return answer(416, &[], b"{}");
        }
        let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
        let length = (content.len() - from).to_string();
        let status = if from > 0 { 206 } else { 200 };
        let body = &content[from..cut.map_or(content.len(), |cut| (from + cut).min(content.len()))];
        Answer::Bytes(bytes(status, &[("content-range", &range), ("content-length", &length)], body))
    })
    .await
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_and_appears_whole() {
    let (dir, _, content) = file_of(1_000_000);
    let to = dir.path().join("deep").join("object");
    let stub = object_server(content.clone(), Some(300_000), true).await;
    let (session, _kept, _lock) = stub.session();
    let storage = Storage::new(&session);
    for round in 1..=4 {
        let result = storage.download("attachments", "u/h", &to, &hash(&content), Some(1_000_000)).await;
        assert_eq!(result.is_ok(), round == 4, "{result:?}");
        assert_eq!(to.exists(), round == 4);
        if let Err(error) = result {
            assert!(matches!(error.class(), Class::Passing { .. }), "{error}");
        }
    }
    assert!(std::fs::read(&to).unwrap() == content);
    assert!(!to.with_file_name("object.part").exists());
    let asked: Vec<String> = stub.seen().iter().map(|s| s.header("range").to_owned()).collect();
    assert_eq!(asked, ["", "bytes=300000-", "bytes=600000-", "bytes=900000-"]);
    assert_eq!(stub.seen()[0].path, "/storage/v1/object/attachments/u/h");
}

#[tokio::test]
async fn a_download_goes_on_where_it_was_when_the_token_ran_out_meanwhile() {
    let (dir, _, content) = file_of(500_000);
    let to = dir.path().join("object");
    std::fs::write(dir.path().join("object.part"), &content[..200_000]).unwrap();
    let rest = content[200_000..].to_vec();
    let stub = Stub::start(move |seen| match seen.header("authorization") {
        "" => reply(200, session_json(1)),
        "Bearer canary-access-1" => {
            assert_eq!(seen.header("range"), "bytes=200000-");
            let range = ("content-range", "bytes 200000-499999/500000");
            Answer::Bytes(bytes(206, &[range, ("content-length", "300000")], &rest))
        }
        _ => reply(400, json!({ "statusCode": "403", "error": "Unauthorized", "message": "jwt expired" })),
    })
    .await;
    let (session, _kept, _lock) = stub.session();
    Storage::new(&session).download("b", "u/h", &to, &hash(&content), Some(500_000)).await.unwrap();
    assert!(std::fs::read(&to).unwrap() == content);
    assert_eq!(stub.count("/auth/v1/token"), 1);
}

#[tokio::test]
async fn a_server_without_ranges_and_a_false_beginning_both_end_well() {
    let (dir, _, content) = file_of(500_000);
    for (ranges, part) in
        [(false, content[..1000].to_vec()), (true, vec![7; 1000]), (true, vec![7; 500_000]), (true, vec![7; 900_000])]
    {
        let to = dir.path().join("object");
        std::fs::write(dir.path().join("object.part"), part).unwrap();
        let stub = object_server(content.clone(), None, ranges).await;
        let (session, _kept, _lock) = stub.session();
        Storage::new(&session).download("b", "u/h", &to, &hash(&content), Some(500_000)).await.unwrap();
        assert!(std::fs::read(&to).unwrap() == content);
        std::fs::remove_file(&to).unwrap();
    }
    // Nothing at all is also a file.
    let stub = object_server(Vec::new(), None, true).await;
    let (session, _kept, _lock) = stub.session();
    let stub_empty = Stub::start(|_| answer(200, &[], b"")).await;
    let (empty, _kept2, _lock2) = stub_empty.session();
    drop((stub, session));
    Storage::new(&empty).download("b", "u/e", &dir.path().join("empty"), &hash(b""), Some(0)).await.unwrap();
    assert_eq!(std::fs::read(dir.path().join("empty")).unwrap(), b"");
}

#[tokio::test]
async fn other_content_is_never_kept() {
    let (dir, _, content) = file_of(50_000);
    let to = dir.path().join("object");
    let stub = object_server(content.clone(), None, true).await;
    let (session, _kept, _lock) = stub.session();
    let storage = Storage::new(&session);
    for (sum, size) in [(hash(b"other"), 50_000), (hash(&content), 49_999), (hash(&content), 50_001)] {
        let error = storage.download("b", "u/h", &to, &sum, Some(size)).await.unwrap_err();
        assert!(matches!(error, CloudError::WrongContent { .. }), "{size}: {error}");
        assert_eq!(error.class(), Class::Permanent);
        assert!(!to.exists());
        let left = std::fs::metadata(dir.path().join("object.part")).map_or(0, |m| m.len());
        assert_eq!(left, 0);
    }
}

#[tokio::test]
async fn an_upload_that_another_connection_still_writes_to_is_tried_again_later() {
    let (_dir, path, _) = file_of(PART as usize + 1);
    for locked in ["PATCH", "HEAD"] {
        let stub = Stub::start(move |seen| match seen.method.as_str() {
            method if method == locked => answer(423, &[], b"The upload is being written to"),
            "PATCH" => answer(409, &[], b"Upload-Offset conflict"),
            _ => answer(201, &[("location", HERE), ("upload-offset", "0")], b""),
        })
        .await;
        let (session, _kept, _lock) = stub.session();
        let error = Storage::new(&session).upload("b", "u/h", &path, "text/plain").await.unwrap_err();
        assert_eq!(error.class(), Class::Passing { retry_after: None }, "{locked}: {error}");
    }
}

#[tokio::test]
async fn what_something_on_the_way_answers_says_nothing_of_the_object() {
    let (dir, _, content) = file_of(50_000);
    let to = dir.path().join("object");
    for page in [Vec::new(), b"<html>Please sign in to this network</html>".to_vec(), vec![b' '; 60_000]] {
        let stub = Stub::start(move |seen| match seen.path.contains("/info/") {
            true => reply(200, json!({ "size": 50_000 })),
            false => answer(200, &[], &page),
        })
        .await;
        let (session, _kept, _lock) = stub.session();
        let error = Storage::new(&session).download("b", "u/h", &to, &hash(&content), Some(50_000)).await.unwrap_err();
        assert_eq!(error.class(), Class::Passing { retry_after: None }, "{error}");
        assert!(!to.exists());
    }
    // The server itself no longer has it.
    let stub = Stub::start(|seen| match seen.path.contains("/info/") {
        true => reply(404, json!({ "statusCode": "404", "error": "not_found", "message": "Object not found" })),
        false => answer(200, &[], b""),
    })
    .await;
    let (session, _kept, _lock) = stub.session();
    let error = Storage::new(&session).download("b", "u/h", &to, &hash(&content), Some(50_000)).await.unwrap_err();
    assert!(matches!(error, CloudError::NotFound), "{error}");
}

#[tokio::test]
async fn an_object_whose_hash_nobody_knows_comes_whole_from_its_start_and_no_larger_than_told() {
    let (dir, _, content) = file_of(300_000);
    let served = content.clone();
    let stub = Stub::start(move |seen| match seen.path.contains("/info/") {
        true => reply(200, json!({ "size": served.len(), "content_type": "image/png" })),
        false => {
            assert_eq!(seen.header("range"), "", "another object may lie there by now");
            answer(200, &[], &served)
        }
    })
    .await;
    let (session, _kept, _lock) = stub.session();
    let (storage, to) = (Storage::new(&session), dir.path().join("object"));
    std::fs::write(dir.path().join("object.part"), b"of an older object").unwrap();
    storage.download_unchecked("b", "u/chat/photo.png", &to, 300_000).await.unwrap();
    assert!(std::fs::read(&to).unwrap() == content);
    let error = storage.download_unchecked("b", "u/chat/photo.png", &dir.path().join("x"), 299_999).await.unwrap_err();
    assert!(matches!(error, CloudError::WrongContent { .. }), "{error}");
    assert!(!dir.path().join("x").exists() && !dir.path().join("x.part").exists());
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let (dir, _, _) = file_of(1);
    let stub = Stub::start(|seen| match seen.method.as_str() {
        "DELETE" => reply(200, json!([])),
        _ => reply(400, json!({ "statusCode": "404", "error": "not_found", "message": "Object not found" })),
    })
    .await;
    let (session, _kept, _lock) = stub.session();
    let storage = Storage::new(&session);
    for size in [Some(1), None] {
        let result = storage.download("b", "u/h", &dir.path().join("o"), &hash(b""), size).await;
        assert!(matches!(result, Err(CloudError::NotFound)), "{result:?}");
    }
    assert_eq!(storage.info("b", "u/h").await.unwrap(), None);
    assert!(!storage.exists("b", "u/h").await.unwrap());
    assert_eq!(storage.remove("b", &["u/h"]).await.unwrap(), 0);
    for bad in ["", "/a", "a//b", "../a", "a/..", "a/./b", "a\\b"] {
        assert!(matches!(storage.info("b", bad).await, Err(CloudError::Unusable { .. })), "{bad}");
        assert!(matches!(storage.remove("b", &[bad]).await, Err(CloudError::Unusable { .. })), "{bad}");
    }
}
