//! `--demo`: a throw-away data folder with a rich sample history, for a first look and for screenshots.

use crate::import::ImportOptions;
use crate::tasks::Cancel;
use crate::{App, AppError};
use airi_contract::{ConversationEdit, Section};
use std::fs;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The sample history: plain exports of the two vendors, inside the program.
const SAMPLES: &[(&str, &str)] = &[
    ("chatgpt.json", include_str!("../../../tests/samples/chatgpt/conversations.json")),
    ("claude.json", include_str!("../../../tests/samples/claude/conversations.json")),
];

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
        for (name, text) in SAMPLES {
            let path = self.data_dir().join(name);
            fs::write(&path, text)
                .map_err(AppError::io("The demo's history", "Check the temporary folder's free space."))?;
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
