//! `--demo`: a throw-away data folder with a rich sample history, for a first look and for screenshots.

use crate::import::ImportOptions;
use crate::tasks::Cancel;
use crate::{App, AppError};
use airi_contract::{ConversationEdit, Section};
use std::fs;
use std::path::{Path, PathBuf};
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

/// A folder that goes when the app ends.
pub(crate) struct ThrowAway(PathBuf);

impl ThrowAway {
    pub(crate) fn make() -> Result<ThrowAway, AppError> {
        let path = std::env::temp_dir().join(format!("airi-demo-{}", Uuid::new_v4().simple()));
        fs::create_dir_all(&path)
            .map_err(AppError::io("The demo's folder", "Check the temporary folder's free space."))?;
        Ok(ThrowAway(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
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
