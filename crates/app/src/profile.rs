//! An open profile: its mirror, files and index, and what it knows of its account.

use crate::data_dir::{DataDir, lock_file};
use crate::indexer::Indexer;
use crate::replies::{self, Runner};
use crate::{AppError, remote};
use airi_domain::{OwnerId, Time};
use airi_store::{Files, Store};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// The account of a profile, as the profile's own mirror notes it. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub owner: OwnerId,
    pub url: String,
    pub key: String,
    pub email: String,
    /// The random name under which the session's secret lies.
    pub secret_id: String,
    pub signed_in: bool,
}

pub(crate) struct Profile {
    pub name: String,
    pub dir: PathBuf,
    pub store: Store,
    pub files: Files,
    pub indexer: Indexer,
    /// The session of this process, once it was opened.
    pub session: Mutex<Option<remote::OpenSession>>,
    /// Says that replies of this process are alive, once it writes one.
    runner: Mutex<Option<Runner>>,
    /// Held while the profile is open: restore and the like need all others gone.
    _in_use: File,
}

impl Profile {
    pub(crate) fn open(data: &DataDir, name: &str) -> Result<Profile, AppError> {
        let dir = data.profile_dir(name)?;
        let todo = "Check the folder's permissions and the free space.";
        fs::create_dir_all(&dir).map_err(AppError::io(format!("The profile folder {}", dir.display()), todo))?;
        let in_use = lock_file(&dir.join("profile.lock"))?;
        in_use.try_lock_shared().map_err(|_| {
            AppError::Busy("This profile is being restored by another process. Try again when that is done.".into())
        })?;
        let store = Store::open(&dir.join("mirror.sqlite"))?;
        replies::recover(&dir, &store)?;
        let files = Files::open(&dir.join("files"))?;
        // What a transfer left behind that nobody came back for; a file that will not go may lie for another week.
        let _ = files.sweep(Duration::from_secs(7 * 86_400));
        let indexer = Indexer::open(&dir.join("index"), store.clone())?;
        Ok(Profile {
            name: name.to_owned(),
            dir,
            store,
            files,
            indexer,
            session: Mutex::new(None),
            runner: Mutex::default(),
            _in_use: in_use,
        })
    }

    /// What the mirror and its index take on the disk. What cannot be looked at, because it goes away just now, counts nothing.
    pub(crate) fn library_bytes(&self) -> u64 {
        let size = |path: PathBuf| fs::metadata(path).map_or(0, |file| file.len());
        let mirror: u64 =
            ["mirror.sqlite", "mirror.sqlite-wal"].into_iter().map(|name| size(self.dir.join(name))).sum();
        let index = fs::read_dir(self.dir.join("index")).into_iter().flatten().flatten();
        mirror + index.map(|file| size(file.path())).sum::<u64>()
    }

    pub(crate) fn account(&self) -> Result<Option<Account>, AppError> {
        let reader = self.store.read()?;
        let owner = reader.owner()?;
        let fact = |key: &str| reader.meta(key).map(Option::unwrap_or_default);
        if owner == OwnerId::LOCAL {
            return Ok(None);
        }
        Ok(Some(Account {
            owner,
            url: fact("account.url")?,
            key: fact("account.key")?,
            email: fact("account.email")?,
            secret_id: fact("account.secret_id")?,
            signed_in: fact("account.signed_in")? == "1",
        }))
    }

    pub(crate) fn set_account(&self, account: &Account) -> Result<(), AppError> {
        self.store.write(|w| {
            w.set_owner(account.owner)?;
            w.set_meta("account.url", Some(&account.url))?;
            w.set_meta("account.key", Some(&account.key))?;
            w.set_meta("account.email", Some(&account.email))?;
            w.set_meta("account.secret_id", Some(&account.secret_id))?;
            w.set_meta("account.signed_in", Some(if account.signed_in { "1" } else { "0" }))?;
            // Another session: the server is told anew which device it belongs to.
            w.set_meta(crate::devices::TOLD, None)
        })?;
        Ok(())
    }

    /// This device's name for the server: random, kept with the mirror.
    pub(crate) fn device(&self) -> Result<Uuid, AppError> {
        let known = self.store.read()?.meta("device")?;
        if let Some(id) = known.and_then(|text| Uuid::parse_str(&text).ok()) {
            return Ok(id);
        }
        let id = Uuid::now_v7();
        self.store.write(|w| w.set_meta("device", Some(&id.to_string())))?;
        Ok(id)
    }

    /// The name under which this process writes replies, for as long as it is alive.
    pub(crate) fn runner(&self) -> Result<String, AppError> {
        let mut runner = self.runner.lock().unwrap_or_else(PoisonError::into_inner);
        if runner.is_none() {
            *runner = Some(Runner::start(&self.dir)?);
        }
        Ok(runner.as_ref().map(|runner| runner.name.clone()).unwrap_or_default())
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// The clock of the use cases.
pub(crate) fn now() -> Time {
    let micros = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64);
    Time::from_micros(micros).unwrap_or(Time::MAX)
}

/// Bytes that are free where `path` lies; None where that is not known.
pub(crate) fn free_disk(path: &Path) -> Option<u64> {
    fs4::available_space(path).ok()
}

/// The user's time zone east of UTC at a moment, for the days that dates name.
pub(crate) fn local_offset_seconds(at: Time) -> i32 {
    jiff::Timestamp::from_microsecond(at.micros()).map_or(0, |at| jiff::tz::TimeZone::system().to_offset(at).seconds())
}
