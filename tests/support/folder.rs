//! The folder of one cloud. Promise: one cloud at a time uses a folder; a temporary one is removed at the end, and if the
//! end was a kill, by a later start.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

const PREFIX: &str = "airi-cloud-";
const LOCK: &str = "cloud.lock";
/// A temporary folder without an owner is left alone for this long: its owner may be about to lock it, or its servers to
/// end.
const GRACE: Duration = Duration::from_secs(120);

/// A locked folder, ready for the parts of a cloud.
pub(crate) struct Folder {
    path: PathBuf,
    // Dropped in this order: the folder goes while it is still ours.
    temporary: Option<TempDir>,
    _lock: File,
}

impl Folder {
    /// The given folder, made if absent; a temporary one for `None`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        let (path, temporary) = match path {
            Some(path) => {
                fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
                (path.canonicalize()?, None)
            }
            None => {
                remove_abandoned();
                let folder = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
                (folder.path().canonicalize()?, Some(folder))
            }
        };
        let lock = File::create(path.join(LOCK)).with_context(|| format!("write into {}", path.display()))?;
        if lock.try_lock().is_err() {
            bail!("another airi-devcloud uses {}", path.display());
        }
        // PostgreSQL's user passes through to its own part, and sees nothing else.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711))?;
        let files = path.join("storage");
        fs::create_dir_all(&files)?;
        fs::set_permissions(&files, fs::Permissions::from_mode(0o700))?;
        Ok(Self { path, temporary, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }
}

/// Removes the temporary folders whose owners were killed.
fn remove_abandoned() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for folder in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX))
            && is_abandoned(&folder).unwrap_or(false)
        {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

fn is_abandoned(folder: &Path) -> std::io::Result<bool> {
    let lock = File::open(folder.join(LOCK))?;
    let is_old = lock.metadata()?.modified()?.elapsed().is_ok_and(|age| age > GRACE);
    // A server that has not ended yet still uses its part.
    let is_served = folder.join("postgres/data/postmaster.pid").exists();
    Ok(is_old && !is_served && lock.try_lock().is_ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let first = Folder::open(Some(place.path())).unwrap();
        assert!(Folder::open(Some(place.path())).is_err());
        drop(first);
        assert!(Folder::open(Some(place.path())).is_ok());
    }

    #[test]
    fn only_old_folders_without_owner_count_as_abandoned() {
        let place = tempfile::tempdir().unwrap();
        let owner = Folder::open(Some(place.path())).unwrap();
        let lock = File::options().write(true).open(place.path().join(LOCK)).unwrap();
        lock.set_modified(std::time::SystemTime::now() - 2 * GRACE).unwrap();
        assert!(!is_abandoned(place.path()).unwrap(), "owned");
        drop(owner);
        assert!(is_abandoned(place.path()).unwrap(), "old and without owner");
        lock.set_modified(std::time::SystemTime::now()).unwrap();
        assert!(!is_abandoned(place.path()).unwrap(), "young");
    }
}
