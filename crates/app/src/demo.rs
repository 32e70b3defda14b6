//! `--demo`: a throw-away data folder with a rich sample history, for a first look and for screenshots.

use crate::data_dir::lock_file;
use crate::import::ImportOptions;
use crate::tasks::Cancel;
use crate::{App, AppError};
use airi_contract::{ConversationEdit, Section};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

/// The sample history: exports of the two vendors as unpacked, inside the program. The first folder has pictures.
const SAMPLES: &[(&str, &[Sample])] = &[
    (
        "chatgpt",
        &[
            ("conversations.json", include_bytes!("../../../tests/samples/chatgpt/conversations.json")),
            (
                "file-7HcVb2NqXo5JtUa9LkE3wRgM.png",
                include_bytes!("../../../tests/samples/chatgpt/file-7HcVb2NqXo5JtUa9LkE3wRgM.png"),
            ),
            (
                FOX,
                include_bytes!(
                    "../../../tests/samples/chatgpt/dalle-generations/file-Zs4KdP0mGy8CrWj6TfQ2nVxA-5c1d7f6e-2b90-4e57-9d3f-8a1c6b2e4f70.webp"
                ),
            ),
            (
                "file-Qm3xT8vLw2KpZr6NhY1sBd4F-sales_may_june.csv",
                include_bytes!("../../../tests/samples/chatgpt/file-Qm3xT8vLw2KpZr6NhY1sBd4F-sales_may_june.csv"),
            ),
        ],
    ),
    ("claude", &[("conversations.json", include_bytes!("../../../tests/samples/claude/conversations.json"))]),
];

/// A name inside the export, and its bytes.
type Sample = (&'static str, &'static [u8]);

const FOX: &str = "dalle-generations/file-Zs4KdP0mGy8CrWj6TfQ2nVxA-5c1d7f6e-2b90-4e57-9d3f-8a1c6b2e4f70.webp";

/// A folder that goes when the app ends; after a kill, when the next demo starts.
pub(crate) struct ThrowAway {
    path: PathBuf,
    /// Held while it is in use.
    _lock: File,
}

const NAME: &str = "airi-demo-";

impl ThrowAway {
    pub(crate) fn make() -> Result<ThrowAway, AppError> {
        ThrowAway::make_in(&std::env::temp_dir())
    }

    fn make_in(folder: &Path) -> Result<ThrowAway, AppError> {
        remove_left_behind(folder);
        let failed = || AppError::io("The demo's folder", "Check the temporary folder's free space.");
        let path = folder.join(format!("{NAME}{}", Uuid::new_v4().simple()));
        fs::create_dir_all(&path).map_err(failed())?;
        let lock = lock_file(&path.join("demo.lock"))?;
        lock.try_lock().map_err(|error| failed()(error.into()))?;
        Ok(ThrowAway { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the folder away now: a window's process ends without dropping anything. What still writes into it may undo
    /// a part of it, so it is tried again.
    pub(crate) fn remove(&self) {
        for _ in 0..10 {
            if fs::remove_dir_all(&self.path).is_ok() || !self.path.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Demo folders whose app was killed: nobody holds their lock any more.
fn remove_left_behind(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(NAME));
        // One that is just being made has no lock file yet.
        let Ok(lock) = File::open(path.join("demo.lock")) else { continue };
        if ours && lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

impl App {
    pub(crate) fn fill_demo(&self) -> Result<(), AppError> {
        let failed = || AppError::io("The demo's history", "Check the temporary folder's free space.");
        for (folder, files) in SAMPLES {
            let path = self.data_dir().join("samples").join(folder);
            for (name, bytes) in *files {
                let to = path.join(name);
                fs::create_dir_all(to.parent().unwrap_or(&path)).map_err(failed())?;
                fs::write(&to, bytes).map_err(failed())?;
            }
            let options = ImportOptions { path, format: "auto".into(), confirmed: false };
            self.import(&options, &Cancel::default(), &mut |_, _, _| ())
                .map_err(|error| AppError::Internal(error.message))?;
        }
        let page = self
            .list_conversations(airi_contract::ListRequest { section: Section::Active, limit: 6, ..Default::default() })
            .map_err(|error| AppError::Internal(error.message))?;
        for (row, tag) in page.conversations.iter().skip(1).zip(["work", "travel", "learning"]) {
            let edit =
                ConversationEdit { id: row.id.clone(), add_tags: vec![tag.into()], ..ConversationEdit::default() };
            self.edit_conversation(edit).map_err(|error| AppError::Internal(error.message))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_takes_its_folder_along_and_those_of_killed_ones() {
        let temp = tempfile::tempdir().unwrap();
        let killed = temp.path().join(format!("{NAME}killed"));
        fs::create_dir(&killed).unwrap();
        fs::write(killed.join("demo.lock"), "").unwrap();
        let running = ThrowAway::make_in(temp.path()).unwrap();
        assert!(!killed.exists());
        let other = ThrowAway::make_in(temp.path()).unwrap();
        assert!(running.path().exists() && other.path().exists(), "one in use is left alone");
        drop((running, other));
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
    }
}
