//! A made-up library of any size, for measuring.

use crate::tasks::Progress;
use crate::{App, AppError};
use airi_contract::CommandError;
use airi_store::StoreError;
use airi_testkit::{Generator, GeneratorConfig};
use serde::Serialize;

/// What was made.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GenerateReport {
    pub conversations: u64,
    pub messages: u64,
}

impl App {
    /// Adds made-up conversations with about that many messages. The same seed makes the same rows.
    pub fn generate(&self, messages: u64, seed: u64, progress: Progress<'_>) -> Result<GenerateReport, CommandError> {
        Ok(self.make_up(messages, seed, progress)?)
    }

    fn make_up(&self, messages: u64, seed: u64, progress: Progress<'_>) -> Result<GenerateReport, AppError> {
        let profile = self.profile();
        let config = GeneratorConfig { messages: messages as usize, ..GeneratorConfig::default() };
        let mut report = GenerateReport::default();
        let mut made = Generator::new(seed, config).peekable();
        while made.peek().is_some() {
            // In parts, so that memory and the write-ahead log stay small.
            profile.store.write(|w| -> Result<(), StoreError> {
                for generated in made.by_ref().take(500) {
                    let key = w.insert_conversation(generated.conversation)?.key();
                    w.defer_view(key)?;
                    for message in generated.messages {
                        report.messages += u64::from(w.insert_message(message)?.is_new());
                    }
                    for attachment in generated.attachments {
                        w.insert_attachment(attachment)?;
                    }
                    report.conversations += 1;
                }
                w.refresh_views(usize::MAX)?;
                Ok(())
            })?;
            progress("messages", report.messages, Some(messages));
        }
        progress("Indexing", 0, None);
        profile.indexer.catch_up()?;
        Ok(report)
    }
}
