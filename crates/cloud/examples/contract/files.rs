//! Uploads, plain and resumable, and downloads that go on where they broke.

use crate::{Outcome, World, expect_error, must, say, step};
use airi_cloud::{Auth, Plain, SecretString, ServerAddress, SignUp, Storage, Upload, Uploaded};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Notify;

const BUCKET: &str = "attachments";
const MEGABYTE: usize = 1024 * 1024;

struct Object {
    file: PathBuf,
    content: Vec<u8>,
    sha256: String,
    path: String,
}

impl Object {
    fn new(world: &World, user: &str, size: usize) -> Outcome<Object> {
        // Random enough that no earlier run has sent it.
        let seed = uuid::Uuid::new_v4().into_bytes();
        let content: Vec<u8> = (0..size).map(|n| seed[n % 16].wrapping_add((n / 16) as u8)).collect();
        let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        let file = world.path(&sha256);
        std::fs::write(&file, &content).map_err(|e| e.to_string())?;
        let path = format!("{user}/{sha256}");
        Ok(Object { file, content, sha256, path })
    }

    fn size(&self) -> u64 {
        self.content.len() as u64
    }

    async fn fetch(&self, storage: &Storage, to: &str, world: &World) -> Outcome {
        let to = world.path(to);
        storage.download(BUCKET, &self.path, &to, &self.sha256, Some(self.size())).await.map_err(say)?;
        let came = std::fs::read(&to).map_err(|e| e.to_string())?;
        must(came == self.content, "other bytes came back")
    }
}

pub(crate) async fn run(world: &World) -> Outcome {
    let me = world.sign_in("files").await?;
    let user = me.user.to_string();
    let storage = Storage::new(&me.session);
    for (name, size) in [("an empty file", 0), ("a small file", 100_000), ("a file of exactly 6 MB", 6 * MEGABYTE)] {
        let object = Object::new(world, &user, size)?;
        step(&format!("{name} goes up and comes down"), async {
            let sent = storage.upload(BUCKET, &object.path, &object.file, "image/png").await.map_err(say)?;
            must(sent == Uploaded::Sent || size == 0, "it was there already")?;
            object.fetch(&storage, "came", world).await?;
            let again = storage.upload(BUCKET, &object.path, &object.file, "image/png").await.map_err(say)?;
            must(again == Uploaded::AlreadyThere, "a second upload was not told that it is there")
        })
        .await?;
    }
    let large = Object::new(world, &user, 13 * MEGABYTE + 7)?;
    step("a large file goes up in parts, also over an interruption", async {
        let note = world.path("note");
        interrupted(&storage, &large, &note).await?;
        must(note.exists(), "no note was left")?;
        let upload = Upload::new(BUCKET, &large.path, &large.file, "video/mp4").with_note(&note);
        let sent = storage.upload_with(&upload).await.map_err(say)?;
        must(sent == Uploaded::Sent && !note.exists(), "it did not end")?;
        let again = storage.upload_with(&upload).await.map_err(say)?;
        must(again == Uploaded::AlreadyThere, "a second upload was not told that it is there")
    })
    .await?;
    step("a download goes on where it broke", async {
        std::fs::write(world.path("large.part"), &large.content[..5 * MEGABYTE]).map_err(|e| e.to_string())?;
        large.fetch(&storage, "large", world).await?;
        let to = world.path("unsized");
        storage.download(BUCKET, &large.path, &to, &large.sha256, None).await.map_err(say)?;
        // A false beginning is noticed by the hash and fetched anew.
        std::fs::write(world.path("false.part"), vec![0; MEGABYTE]).map_err(|e| e.to_string())?;
        large.fetch(&storage, "false", world).await
    })
    .await?;
    step("info and exists tell the truth", async {
        let info = storage.info(BUCKET, &large.path).await.map_err(say)?.ok_or("it is not there")?;
        must(info.size == Some(large.size()), &format!("{info:?}"))?;
        must(info.content_type.as_deref() == Some("video/mp4"), &format!("{info:?}"))?;
        must(storage.exists(BUCKET, &large.path).await.map_err(say)?, "it does not exist")?;
        let absent = format!("{user}/absent");
        must(!storage.exists(BUCKET, &absent).await.map_err(say)?, "what is absent exists")?;
        must(storage.info(BUCKET, &absent).await.map_err(say)?.is_none(), "what is absent has an info")
    })
    .await?;
    step("a spoiled token is renewed in the middle of storage work", async {
        me.store.spoil_access_token();
        let lock = world.path("files.lock");
        let session = airi_cloud::Session::new(world.auth.clone(), me.store.clone(), &lock);
        let object = Object::new(world, &user, 7 * MEGABYTE)?;
        let storage = Storage::new(&session);
        storage.upload(BUCKET, &object.path, &object.file, "video/mp4").await.map_err(say)?;
        me.store.spoil_access_token();
        let session = airi_cloud::Session::new(world.auth.clone(), me.store.clone(), &lock);
        object.fetch(&Storage::new(&session), "renewed", world).await
    })
    .await?;
    step("another account sees nothing of it and writes nothing beside it", async {
        let other = stranger(world).await?;
        let storage = Storage::new(&other.session);
        let result =
            storage.download(BUCKET, &large.path, &world.path("stolen"), &large.sha256, Some(large.size())).await;
        expect_error(result, &["not_found"])?;
        must(!storage.exists(BUCKET, &large.path).await.map_err(say)?, "it can be seen")?;
        must(storage.remove(BUCKET, &[&large.path]).await.map_err(say)? == 0, "it can be removed")?;
        let file = Object::new(world, &user, 10)?;
        expect_error(storage.upload(BUCKET, &file.path, &file.file, "image/png").await, &["refused"])?;
        let file = Object::new(world, &user, 7 * MEGABYTE)?;
        expect_error(storage.upload(BUCKET, &file.path, &file.file, "image/png").await, &["refused"]).map(|_| ())
    })
    .await?;
    step("what is removed is gone", async {
        // Its session was renewed elsewhere meanwhile; the store has the new tokens.
        must(storage.remove(BUCKET, &[&large.path]).await.map_err(say)? == 1, "nothing was removed")?;
        let result =
            storage.download(BUCKET, &large.path, &world.path("gone"), &large.sha256, Some(large.size())).await;
        expect_error(result, &["not_found"]).map(|_| ())
    })
    .await
}

/// Sends until the server has the first part, then drops everything, as a killed program does.
async fn interrupted(storage: &Storage, object: &Object, note: &std::path::Path) -> Outcome {
    let has_part = Arc::new(Notify::new());
    let sign = has_part.clone();
    let upload =
        Upload::new(BUCKET, &object.path, &object.file, "video/mp4").with_note(note).with_progress(move |bytes| {
            if bytes > 0 {
                sign.notify_one();
            }
        });
    tokio::select! {
        biased;
        () = has_part.notified() => Ok(()),
        sent = storage.upload_with(&upload) => Err(format!("it ended before it could be interrupted: {sent:?}")),
    }
}

async fn stranger(world: &World) -> Outcome<crate::Signed> {
    let email = format!("stranger-{}@example.com", uuid::Uuid::new_v4());
    let password = SecretString::from(format!("Pw-{}", uuid::Uuid::new_v4()));
    let address = ServerAddress::parse(&world.line.url, &world.line.publishable_key, Plain::Loopback)
        .map_err(|e| e.to_string())?;
    match Auth::new(&address).map_err(say)?.sign_up(&email, &password).await.map_err(say)? {
        SignUp::SignedIn(tokens) => world.signed("stranger", *tokens).await,
        SignUp::ConfirmEmail => Err("this cloud wants e-mails confirmed; the second account cannot sign in".to_owned()),
    }
}
