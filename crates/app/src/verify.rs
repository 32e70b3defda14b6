//! Whether mirror, index and files agree, and what does not.

use crate::{App, AppError};
use airi_contract::{CommandError, VerifyReport};
use airi_store::{Reader, StoreError};

/// Problems beyond this many are counted, not told.
const TOLD: usize = 100;

impl App {
    pub fn verify(&self) -> Result<VerifyReport, CommandError> {
        Ok(self.look()?)
    }

    fn look(&self) -> Result<VerifyReport, AppError> {
        let profile = self.profile();
        let mut problems: Vec<String> =
            profile.store.integrity_problems()?.into_iter().map(|text| format!("The mirror: {text}")).collect();
        let reader = profile.store.read()?;
        for id in reader.miscounted()? {
            problems.push(format!("The conversation {id} has another number of messages than it says."));
        }
        // At one moment: somebody may be writing.
        let (kept, found) = reader.snapshot(|reader| Ok::<_, StoreError>((reader.totals()?, reader.recounted()?)))?;
        if let Some(found) = found.filter(|found| *found != kept) {
            problems.push(format!("The library has other numbers than it says: {found:?}, not {kept:?}."));
        }
        if reader.snapshot(Reader::usage_differs)? {
            profile.store.write(|w| w.sum_usage())?;
            problems.push("The library had another usage of models than it said. It was summed up anew.".into());
        }
        profile.indexer.catch_up()?;
        for problem in profile.indexer.compare(&reader)? {
            problems.push(format!("The index: {problem}"));
        }
        let mut files = 0;
        for (hash, size) in reader.hashes()? {
            // Bytes that are not on this machine are no fault: they are on the server, or nobody has them.
            let Some(path) = profile.files.find(&hash) else { continue };
            files += 1;
            let found = std::fs::metadata(&path).map(|data| data.len() as i64).unwrap_or(-1);
            if size.is_some_and(|size| size != found) {
                problems.push(format!("The file {hash} has {found} bytes instead of {}.", size.unwrap_or(0)));
            } else if !profile.files.is_sound(&hash)? {
                problems.push(format!("The file {hash} is damaged: its content has another hash."));
            }
        }
        if problems.len() > TOLD {
            let more = problems.len() - TOLD;
            problems.truncate(TOLD);
            problems.push(format!("and {more} more"));
        }
        Ok(VerifyReport {
            ok: problems.is_empty(),
            conversations: kept.conversations,
            messages: kept.messages,
            files,
            problems,
        })
    }
}
