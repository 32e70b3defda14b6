//! Bytes on their way: staged copies, parts of downloads, notes of uploads, and who is at work on which of them.
//!
//! Nothing here is a file of the library yet, and all of it may be lost: what a killed program left goes on from where it
//! was, and what nobody came back for within a week is removed.

use crate::files::{Files, StoredFile, full, sync_folder};
use crate::{StoreError, files};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A copy that has no place in the library yet; dropped without [`Staged::keep`], it is gone.
#[derive(Debug)]
pub struct Staged {
    files: Files,
    path: PathBuf,
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

impl Staged {
    /// Where the copy lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the copy its place. True: these bytes were not here before.
    pub fn keep(self) -> Result<bool, StoreError> {
        let new = self.files.find(&self.sha256).is_none();
        self.files.place(&self.path, &self.sha256, self.size)?;
        Ok(new)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone already when it got its place.
        let _ = fs::remove_file(&self.path);
    }
}

/// The right to move one content, among all processes of this computer. Given back when dropped, also by a crash.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    _lock: File,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Somebody may have opened it meanwhile and gets a right of its own; both then write the same bytes.
        let _ = fs::remove_file(&self.path);
    }
}

impl Files {
    /// Copies everything that `from` gives, without giving it a place yet.
    pub fn stage(&self, from: &mut dyn Read) -> Result<Staged, StoreError> {
        let path = self.incoming();
        let mut staged = Staged { files: self.clone(), path, sha256: String::new(), size: 0 };
        let StoredFile { sha256, size } = files::copy_in(from, &staged.path)?;
        (staged.sha256, staged.size) = (sha256, size);
        Ok(staged)
    }

    /// A path for a download to be written to before [`Files::accept`] takes it; stays the same over restarts, so that
    /// it can be resumed.
    pub fn partial(&self, name: &str) -> PathBuf {
        self.on_its_way(name, "part")
    }

    /// How many bytes of a download are here. The client writes beside [`Files::partial`] until all has come.
    pub fn received(&self, name: &str) -> u64 {
        let whole = self.partial(name);
        let part = self.on_its_way(name, "part.part");
        [whole, part].iter().filter_map(|path| fs::metadata(path).ok()).map(|data| data.len()).max().unwrap_or(0)
    }

    /// Where an upload keeps its place on the server.
    pub fn note(&self, sha256: &str) -> PathBuf {
        self.dir.join("outgoing").join(format!("{sha256}.tus"))
    }

    /// The right to fetch or send what `name` names; None: somebody else is at it.
    pub fn claim(&self, name: &str) -> Result<Option<Claim>, StoreError> {
        let path = self.on_its_way(name, "lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(full)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Claim { path, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(full(error)),
        }
    }

    /// Whether somebody fetches or sends it just now.
    pub fn is_claimed(&self, name: &str) -> bool {
        let Ok(lock) = OpenOptions::new().write(true).open(self.on_its_way(name, "lock")) else { return false };
        matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Removes what was begun and not touched for that long.
    pub fn sweep(&self, untouched_for: Duration) -> Result<usize, StoreError> {
        let mut removed = 0;
        for folder in ["incoming", "outgoing"] {
            for entry in fs::read_dir(self.dir.join(folder))? {
                let path = entry?.path();
                let age = fs::metadata(&path).and_then(|data| data.modified()).map(|at| at.elapsed());
                if matches!(age, Ok(Ok(age)) if age > untouched_for) && fs::remove_file(&path).is_ok() {
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Takes a content off this disk. Whoever calls has made sure that it can be had again.
    pub fn remove(&self, sha256: &str) -> Result<bool, StoreError> {
        let Some(path) = self.find(sha256) else { return Ok(false) };
        fs::remove_file(&path).map_err(full)?;
        sync_folder(&path);
        Ok(true)
    }

    fn on_its_way(&self, name: &str, extension: &str) -> PathBuf {
        let name = format!("{:x}", Sha256::digest(name.as_bytes()));
        self.dir.join("incoming").join(format!("{name}.{extension}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn files() -> (tempfile::TempDir, Files) {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        (dir, files)
    }

    fn left(dir: &Path) -> usize {
        fs::read_dir(dir.join("incoming")).unwrap().count()
    }

    #[test]
    fn a_staged_copy_is_of_the_library_only_when_it_is_kept() {
        let (dir, files) = files();
        let staged = files.stage(&mut &b"hello"[..]).unwrap();
        assert_eq!((staged.size, left(dir.path())), (5, 1));
        let sha256 = staged.sha256.clone();
        drop(staged);
        assert_eq!((left(dir.path()), files.find(&sha256)), (0, None));
        assert!(files.stage(&mut &b"hello"[..]).unwrap().keep().unwrap());
        assert!(!files.stage(&mut &b"hello"[..]).unwrap().keep().unwrap(), "equal bytes are one file");
        assert_eq!(left(dir.path()), 0);
        assert!(files.is_sound(&sha256).unwrap());
    }

    #[test]
    fn a_source_that_breaks_off_leaves_nothing() {
        struct Breaks;
        impl Read for Breaks {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk was pulled out"))
            }
        }
        let (dir, files) = files();
        assert!(files.stage(&mut (&b"half"[..]).chain(Breaks)).is_err());
        assert_eq!(left(dir.path()), 0);
    }

    #[test]
    fn one_at_a_time_moves_a_content() {
        let (_dir, files) = files();
        let claim = files.claim("u/a").unwrap().unwrap();
        assert!(files.is_claimed("u/a") && !files.is_claimed("u/b"));
        assert!(files.claim("u/a").unwrap().is_none());
        assert!(files.claim("u/b").unwrap().is_some());
        drop(claim);
        assert!(!files.is_claimed("u/a"));
        assert!(files.claim("u/a").unwrap().is_some());
    }

    #[test]
    fn what_was_left_for_a_week_is_removed_and_a_fresh_part_stays() {
        let (dir, files) = files();
        let week = Duration::from_secs(7 * 86_400);
        let (old, fresh) = (files.partial("u/old"), files.partial("u/fresh"));
        for path in [&old, &fresh, &files.note("aa")] {
            fs::write(path, b"x").unwrap();
        }
        let before = std::time::SystemTime::now() - week - Duration::from_secs(60);
        for path in [&old, &files.note("aa")] {
            File::options().write(true).open(path).unwrap().set_modified(before).unwrap();
        }
        assert_eq!(files.sweep(week).unwrap(), 2);
        assert!(!old.exists() && fresh.exists());
        assert_eq!((files.received("u/fresh"), left(dir.path())), (1, 1));
    }
}
