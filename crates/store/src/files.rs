//! The bytes of attachments: one file per content, named by its SHA-256, never by anything that a user or a server says.
//!
//! A file appears under its hash only when it is complete and its hash was checked (written beside it, synced, renamed).

use crate::StoreError;
use airi_domain::is_sha256_hex;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The folder of a profile's files.
#[derive(Debug, Clone)]
pub struct Files {
    pub(crate) dir: PathBuf,
}

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

impl Files {
    /// Opens or makes the folder.
    pub fn open(dir: &Path) -> Result<Files, StoreError> {
        for folder in ["incoming", "outgoing"] {
            fs::create_dir_all(dir.join(folder)).map_err(full)?;
        }
        Ok(Files { dir: dir.to_owned() })
    }

    /// The folder as it is: nothing is made in it, so it may lie where nobody can write. Nothing can be added either.
    pub fn at(dir: &Path) -> Files {
        Files { dir: dir.to_owned() }
    }

    /// Where a content lies, whether or not it is there; None for a text that is no hash.
    pub fn path(&self, sha256: &str) -> Option<PathBuf> {
        is_sha256_hex(sha256).then(|| self.dir.join(&sha256[..2]).join(sha256))
    }

    /// The path of a content that is here.
    pub fn find(&self, sha256: &str) -> Option<PathBuf> {
        self.path(sha256).filter(|path| path.is_file())
    }

    /// Copies everything that `from` gives, and stores it under its hash.
    pub fn add(&self, from: &mut dyn Read) -> Result<StoredFile, StoreError> {
        let staged = self.stage(from)?;
        let stored = StoredFile { sha256: staged.sha256.clone(), size: staged.size };
        staged.keep()?;
        Ok(stored)
    }

    /// Takes a downloaded file in, after checking that it is what it should be.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the content has another hash; the file is removed.
    pub fn accept(&self, downloaded: &Path, expected: Option<&str>) -> Result<StoredFile, StoreError> {
        let mut hash = Sha256::new();
        let size = io::copy(&mut File::open(downloaded).map_err(full)?, &mut HashWriter(&mut hash)).map_err(full)?;
        let sha256 = format!("{:x}", hash.finalize());
        if expected.is_some_and(|expected| expected != sha256) {
            let _ = fs::remove_file(downloaded);
            return Err(StoreError::Invalid(
                "A downloaded file is not the one that was uploaded (its hash differs); it was thrown away.".into(),
            ));
        }
        self.place(downloaded, &sha256, size)?;
        Ok(StoredFile { sha256, size })
    }

    /// Every content that is here, with its size.
    pub fn list(&self) -> Result<Vec<StoredFile>, StoreError> {
        let mut found = Vec::new();
        for shelf in fs::read_dir(&self.dir)? {
            let shelf = shelf?.path();
            if shelf.file_name().is_none_or(|name| name.len() != 2) {
                continue;
            }
            for file in fs::read_dir(shelf)? {
                let file = file?;
                let name = file.file_name().to_string_lossy().into_owned();
                if is_sha256_hex(&name) {
                    found.push(StoredFile { sha256: name, size: file.metadata()?.len() });
                }
            }
        }
        found.sort_by(|a, b| a.sha256.cmp(&b.sha256));
        Ok(found)
    }

    /// Whether a content's bytes still have its hash; false when it is not here.
    pub fn is_sound(&self, sha256: &str) -> Result<bool, StoreError> {
        let Some(path) = self.find(sha256) else { return Ok(false) };
        let mut hash = Sha256::new();
        io::copy(&mut File::open(path)?, &mut HashWriter(&mut hash))?;
        Ok(format!("{:x}", hash.finalize()) == sha256)
    }

    /// Gives another folder of files the same content, as a second name of the same bytes where the file system can do
    /// that, else as a copy with its hash checked. False: the content is not here, or no longer has its hash.
    pub fn share(&self, with: &Files, sha256: &str) -> Result<bool, StoreError> {
        let (Some(from), Some(to)) = (self.find(sha256), with.path(sha256)) else { return Ok(false) };
        if let Some(shelf) = to.parent() {
            fs::create_dir_all(shelf).map_err(full)?;
        }
        if fs::hard_link(&from, &to).is_ok() {
            sync_folder(&to);
            return Ok(true);
        }
        self.copy(with, sha256)
    }

    /// Gives another folder of files a copy of its own, with its hash checked. False: as for [`Files::share`].
    pub fn copy(&self, with: &Files, sha256: &str) -> Result<bool, StoreError> {
        let Some(from) = self.find(sha256) else { return Ok(false) };
        let staged = with.incoming();
        let stored = copy_in(&mut File::open(from)?, &staged)?;
        if stored.sha256 != sha256 {
            let _ = fs::remove_file(staged);
            return Ok(false);
        }
        with.place(&staged, sha256, stored.size)?;
        Ok(true)
    }

    pub(crate) fn incoming(&self) -> PathBuf {
        self.dir.join("incoming").join(Uuid::now_v7().to_string())
    }

    /// Gives a complete file its place. The name must outlive a power cut before any row speaks of it.
    pub(crate) fn place(&self, from: &Path, sha256: &str, size: u64) -> Result<(), StoreError> {
        let to = self.path(sha256).ok_or_else(|| StoreError::Invalid("not a hash".into()))?;
        // A file that lost its end to a damaged disk is replaced.
        if fs::metadata(&to).is_ok_and(|data| data.is_file() && data.len() == size) {
            let _ = fs::remove_file(from);
            return Ok(());
        }
        if let Some(shelf) = to.parent()
            && !shelf.is_dir()
        {
            fs::create_dir_all(shelf).map_err(full)?;
            sync_folder(shelf);
        }
        fs::rename(from, &to).map_err(full)?;
        sync_folder(&to);
        Ok(())
    }
}

pub(crate) fn copy_in(from: &mut dyn Read, to: &Path) -> Result<StoredFile, StoreError> {
    let mut file = File::create(to).map_err(full)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 128 * 1024];
    let mut size = 0u64;
    loop {
        let read = from.read(&mut buffer).map_err(full)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        file.write_all(&buffer[..read]).map_err(full)?;
        size += read as u64;
    }
    file.sync_all().map_err(full)?;
    Ok(StoredFile { sha256: format!("{:x}", hash.finalize()), size })
}

/// Makes the name of `path` outlive a power cut, where the system lets a program do that.
pub(crate) fn sync_folder(path: &Path) {
    #[cfg(unix)]
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        // A file system that cannot keeps the name in its own time.
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = path;
}

pub(crate) fn full(error: io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::StorageFull { StoreError::DiskFull } else { StoreError::Io(error) }
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_one_file_under_their_hash() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let a = files.add(&mut &b"hello"[..]).unwrap();
        let b = files.add(&mut &b"hello"[..]).unwrap();
        assert_eq!(a, b);
        assert_eq!(a.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_eq!(files.list().unwrap(), std::slice::from_ref(&a));
        assert!(files.is_sound(&a.sha256).unwrap());
        fs::write(files.find(&a.sha256).unwrap(), b"other").unwrap();
        assert!(!files.is_sound(&a.sha256).unwrap());
    }

    #[test]
    fn a_download_with_another_hash_is_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let part = files.partial("u/abc");
        fs::write(&part, b"wrong").unwrap();
        assert!(files.accept(&part, Some(&"0".repeat(64))).is_err());
        assert!(!part.exists() && files.list().unwrap().is_empty());
    }

    #[test]
    fn a_name_that_is_no_hash_has_no_path() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        for name in ["../../etc/passwd", "", "ABC", &"g".repeat(64)] {
            assert_eq!(files.path(name), None);
        }
    }
}
