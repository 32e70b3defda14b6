//! A server whose answers each make sense and contradict each other: a round ends, and loses nothing.

use airi_domain::{Conversation, ConversationId, OwnerId, Time};
use airi_store::{Files, Store};
use airi_sync::{
    AuditPage, Engine, Failure, Hello, Op, Preview, PullCursor, PullPage, PushAnswer, Remote, SnapshotPage, SyncError,
};
use airi_testkit::DEFAULT_NOW;
use airi_testkit::cloud::{ModelCloud, ModelRemote};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

#[derive(Clone, Copy, PartialEq)]
enum Says {
    /// Another epoch in each greeting than in the pages.
    AnotherEpoch,
    /// Every pull is to begin anew.
    Rejoin,
}

struct Contrary {
    honest: ModelRemote,
    says: Says,
    requests: Arc<AtomicU64>,
}

impl Remote for Contrary {
    async fn hello(&self) -> Result<Hello, Failure> {
        let asked = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut hello = self.honest.hello().await?;
        if self.says == Says::AnotherEpoch {
            hello.epoch = format!("other {asked}");
        }
        Ok(hello)
    }

    async fn preview(&self) -> Result<Preview, Failure> {
        let mut preview = self.honest.preview().await?;
        // Sums of which are no number of rows.
        preview.totals.values_mut().for_each(|total| *total = u64::MAX.into());
        Ok(preview)
    }

    async fn snapshot(&self, table: &str, after: Option<Uuid>, limit: u32) -> Result<SnapshotPage, Failure> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.honest.snapshot(table, after, limit).await
    }

    async fn pull(&self, epoch: &str, cursor: PullCursor, limit: u32) -> Result<PullPage, Failure> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let page = self.honest.pull(epoch, cursor, limit).await?;
        Ok(PullPage { rejoin: self.says == Says::Rejoin, ..page })
    }

    async fn push(&self, device: Uuid, epoch: &str, ops: &[Op]) -> Result<PushAnswer, Failure> {
        self.honest.push(device, epoch, ops).await
    }

    async fn audit(&self, table: &str, after: Option<Uuid>, ranges: u32) -> Result<AuditPage, Failure> {
        self.honest.audit(table, after, ranges).await
    }

    async fn upload(&self, path: &str, file: &Path, mime: Option<&str>, note: &Path) -> Result<(), Failure> {
        self.honest.upload(path, file, mime, note).await
    }

    async fn download(&self, path: &str, to: &Path, hash: Option<&str>, size: Option<u64>) -> Result<(), Failure> {
        self.honest.download(path, to, hash, size).await
    }

    async fn stored(&self, path: &str) -> Result<Option<u64>, Failure> {
        self.honest.stored(path).await
    }
}

#[tokio::test]
async fn a_server_that_contradicts_itself_ends_the_round_and_not_the_data() {
    let now = Time::from_micros(DEFAULT_NOW).unwrap();
    for says in [Says::AnotherEpoch, Says::Rejoin] {
        let owner = OwnerId(Uuid::from_u128(5));
        let cloud = ModelCloud::new(now);
        cloud.add_user(owner.0);
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("mirror.sqlite")).unwrap();
        let files = Files::open(&dir.path().join("files")).unwrap();
        store.write(|w| w.set_owner(owner)).unwrap();
        let kept = ConversationId(Uuid::from_u128(6));
        store.write(|w| w.insert_conversation(Conversation::new(kept, now))).unwrap();
        let requests = Arc::<AtomicU64>::default();
        let remote = Contrary { honest: cloud.remote(owner.0), says, requests: requests.clone() };
        let mut engine = Engine::new(store.clone(), files.clone(), remote, Uuid::from_u128(7), move || now, |_| ());
        let ended = tokio::time::timeout(Duration::from_secs(120), engine.round()).await.expect("the round ends");
        let Err(SyncError::Remote(failure)) = ended else { panic!("{ended:?}") };
        assert!(failure.message.contains("contradict"), "{failure}");
        assert!(requests.load(Ordering::Relaxed) < 100, "{requests:?} requests");
        assert!(store.read().unwrap().conversation(kept).unwrap().is_some());

        // Once it makes sense again, everything goes on.
        let honest = cloud.remote(owner.0);
        let mut engine = Engine::new(store.clone(), files, honest, Uuid::from_u128(7), move || now, |_| ());
        engine.round().await.unwrap();
        engine.round().await.unwrap();
        assert!(cloud.owner_of("conversations", kept.0).is_some());
        assert!(store.read().unwrap().outbox(10).unwrap().is_empty());
    }
}
