//! The account's server as sync sees it: the port of `airi-sync` over the client of `airi-cloud`.

use crate::AppError;
use crate::data_dir::wait_for_lock;
use crate::profile::{Account, Profile};
use crate::secrets_place;
use airi_cloud::{
    Auth, Class, CloudError, Plain, Rest, SecretString, ServerAddress, Session, SessionStore, Storage, Tokens, Upload,
};
use airi_domain::MAX_FILE_BYTES;
use airi_secrets::Secrets;
use airi_sync::{
    AuditPage, Failure, FailureClass, Hello, Op, Preview, PullCursor, PullPage, PushAnswer, Remote, SnapshotPage,
};
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// The server's bucket for attachments (docs/sync-protocol.md).
pub(crate) const BUCKET: &str = "attachments";

/// A session over the place where this profile's secrets lie.
#[derive(Clone)]
pub(crate) struct OpenSession {
    pub session: Session,
    pub secrets: Secrets,
    /// Where it was opened to: an account that was moved meanwhile needs another one.
    of: [String; 3],
}

/// The tokens as one secret under the profile's random name.
struct Kept {
    secrets: Secrets,
    name: String,
}

impl SessionStore for Kept {
    fn load(&self) -> Result<Option<Tokens>, airi_cloud::StoreError> {
        let text = self.secrets.get(&self.name)?;
        Ok(text.and_then(|text| Tokens::from_stored(airi_secrets::ExposeSecret::expose_secret(&text))))
    }

    fn save(&self, tokens: &Tokens) -> Result<(), airi_cloud::StoreError> {
        let text: SecretString = tokens.to_stored();
        Ok(self.secrets.set(&self.name, &text)?)
    }

    fn clear(&self) -> Result<(), airi_cloud::StoreError> {
        Ok(self.secrets.delete(&self.name)?)
    }
}

/// A server's address, checked.
pub(crate) fn address(url: &str, key: &str) -> Result<ServerAddress, AppError> {
    Ok(ServerAddress::parse(url, key, Plain::Loopback)?)
}

/// The session of a profile's account. Touches the keyring or the passphrase file, not the network.
pub(crate) fn open_session(profile: &Profile, account: &Account, window: bool) -> Result<OpenSession, AppError> {
    let mut held = profile.session.lock().unwrap_or_else(PoisonError::into_inner);
    let of = [&account.url, &account.key, &account.secret_id].map(String::clone);
    if let Some(open) = held.as_ref().filter(|open| open.of == of) {
        return Ok(open.clone());
    }
    let secrets = secrets_place::open(&profile.dir, window)?;
    let kept = Kept { secrets: secrets.clone(), name: secret_name(&account.secret_id) };
    let auth = Auth::new(&address(&account.url, &account.key)?)?;
    let session = Session::new(auth, Arc::new(kept), &profile.file("refresh.lock"));
    let open = OpenSession { session, secrets, of };
    *held = Some(open.clone());
    Ok(open)
}

/// Under which name the tokens of a session lie.
pub(crate) fn secret_name(secret_id: &str) -> String {
    format!("{secret_id}/session")
}

/// The account's server over HTTP.
pub struct CloudRemote {
    rest: Rest,
    storage: Storage,
}

impl CloudRemote {
    /// Calls as `session`'s user.
    pub fn new(session: &Session) -> CloudRemote {
        CloudRemote { rest: Rest::new(session), storage: Storage::new(session) }
    }

    async fn call<T: serde::de::DeserializeOwned>(&self, name: &str, args: &Value) -> Result<T, Failure> {
        self.rest.rpc(name, args).await.map_err(failure)
    }
}

/// What sync does about an error of the client.
pub(crate) fn failure(error: CloudError) -> Failure {
    let class = match error.class() {
        Class::Parked if matches!(error, CloudError::Maintenance { .. }) => FailureClass::Maintenance,
        Class::Parked if matches!(error, CloudError::Suspended { .. }) => FailureClass::Suspended,
        Class::Passing { retry_after } => FailureClass::Passing { retry_after },
        Class::RetrySmaller { passing } => FailureClass::Smaller { passing },
        Class::SignInAgain => FailureClass::SignInAgain,
        Class::Parked => FailureClass::Parked,
        Class::Permanent if matches!(error, CloudError::WrongContent { .. }) => FailureClass::WrongContent,
        Class::Permanent => FailureClass::Permanent,
    };
    Failure { class, message: error.to_string() }
}

impl Remote for CloudRemote {
    async fn hello(&self) -> Result<Hello, Failure> {
        self.call("sync_hello", &json!({})).await
    }

    async fn preview(&self) -> Result<Preview, Failure> {
        self.call("sync_preview", &json!({})).await
    }

    async fn snapshot(&self, table: &str, after: Option<Uuid>, limit: u32) -> Result<SnapshotPage, Failure> {
        self.call("sync_snapshot", &json!({ "p_table": table, "p_after": after, "p_limit": limit })).await
    }

    async fn pull(&self, epoch: &str, cursor: PullCursor, limit: u32) -> Result<PullPage, Failure> {
        let args = json!({
            "p_epoch": epoch, "p_seq": cursor.seq, "p_rank": cursor.rank, "p_id": cursor.id, "p_limit": limit,
        });
        self.call("sync_pull", &args).await
    }

    async fn audit(&self, table: &str, after: Option<Uuid>, ranges: u32) -> Result<AuditPage, Failure> {
        self.call("sync_audit", &json!({ "p_table": table, "p_after": after, "p_ranges": ranges })).await
    }

    async fn push(&self, device: Uuid, epoch: &str, ops: &[Op]) -> Result<PushAnswer, Failure> {
        self.call("sync_push", &json!({ "p_device": device, "p_ops": ops, "p_epoch": epoch })).await
    }

    async fn upload(&self, path: &str, file: &Path, mime_type: Option<&str>, note: &Path) -> Result<(), Failure> {
        let mime_type = mime_type.unwrap_or("application/octet-stream");
        let upload = Upload::new(BUCKET, path, file, mime_type).with_note(note);
        self.storage.upload_with(&upload).await.map(drop).map_err(failure)
    }

    async fn download(&self, path: &str, to: &Path, sha256: Option<&str>, size: Option<u64>) -> Result<(), Failure> {
        let done = match sha256 {
            Some(sha256) => self.storage.download(BUCKET, path, to, sha256, size).await,
            None => self.storage.download_unchecked(BUCKET, path, to, size.unwrap_or(MAX_FILE_BYTES)).await,
        };
        done.map_err(failure)
    }

    async fn stored(&self, path: &str) -> Result<Option<u64>, Failure> {
        let info = self.storage.info(BUCKET, path).await.map_err(failure)?;
        // A server that does not tell the size still has it.
        Ok(info.map(|info| info.size.unwrap_or(0)))
    }
}

/// One process syncs a profile at a time; the lock is held until the file is dropped.
pub(crate) fn lock_sync(profile: &Profile) -> Result<File, AppError> {
    wait_for_lock(&profile.file("sync.lock"), Duration::from_secs(60), "A sync of this profile")
}
