//! One writer at a time over all processes: a lock on a file of its own beside the index, which the system lets go
//! when its holder dies, however it dies.

use crate::IndexError;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

#[derive(Debug)]
pub(crate) struct WriterLock(File);

impl Drop for WriterLock {
    /// Closing alone frees it only when no process that was just forked has the file open too, until it runs its program.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl WriterLock {
    /// [`IndexError::Busy`] when somebody has it.
    pub(crate) fn take(dir: &Path) -> Result<WriterLock, IndexError> {
        std::fs::create_dir_all(dir)?;
        let path = dir.join("writer.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(WriterLock(file)),
            Err(TryLockError::WouldBlock) => Err(IndexError::Busy),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}
