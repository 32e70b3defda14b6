//! What can go wrong with the index. Nothing here touches the user's messages: the index is made of the mirror and can
//! be made again.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Once;

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Another process, or another writer of this one, holds the writer's lock.
    #[error("another running AIRI is updating the search index; this one reads it")]
    Busy,
    /// The disk said no. What was not committed is put again later: the position tells from where.
    #[error("the search index could not be read or written: {0}")]
    Io(#[from] io::Error),
    /// The files contradict themselves. [`crate::Index::rebuild`] makes an empty one, which catches up from the mirror.
    #[error("the search index is damaged and has to be rebuilt from your messages, which are safe: {0}")]
    Damaged(String),
    /// The engine refused; the writer has to be opened again.
    #[error("the search index could not do this: {0}")]
    Engine(#[source] tantivy::TantivyError),
}

impl IndexError {
    /// Whether waiting and trying the same again can help.
    pub fn is_passing(&self) -> bool {
        matches!(self, IndexError::Busy | IndexError::Io(_))
    }

    /// Whether only [`crate::Index::rebuild`] helps.
    pub fn is_damage(&self) -> bool {
        matches!(self, IndexError::Damaged(_))
    }
}

impl From<tantivy::TantivyError> for IndexError {
    fn from(error: tantivy::TantivyError) -> IndexError {
        use tantivy::TantivyError as E;
        use tantivy::directory::error::{OpenReadError, OpenWriteError};
        match error {
            E::LockFailure(..) => IndexError::Busy,
            E::IoError(io) if is_damage(&io) => IndexError::Damaged(io.to_string()),
            E::IoError(io) => IndexError::Io(io::Error::new(io.kind(), io.to_string())),
            E::OpenReadError(OpenReadError::IoError { io_error, .. }) if !is_damage(&io_error) => {
                IndexError::Io(io::Error::new(io_error.kind(), io_error.to_string()))
            }
            E::OpenWriteError(OpenWriteError::IoError { io_error, .. }) => {
                IndexError::Io(io::Error::new(io_error.kind(), io_error.to_string()))
            }
            E::DataCorruption(_) | E::OpenReadError(_) | E::IncompatibleIndex(_) => {
                IndexError::Damaged(error.to_string())
            }
            other => IndexError::Engine(other),
        }
    }
}

fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::UnexpectedEof | K::InvalidData | K::NotFound)
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic under guard was.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs engine code; a panic in it is what a damaged file looks like from there, and is told as that alone, with its place.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| match (GUARDED.get(), panic.location()) {
            // The name of the file alone: where it lay on the machine that built this is nobody's matter.
            (true, Some(at)) => {
                let name = at.file().rsplit(['/', '\\']).next().unwrap_or_default();
                PLACE.set(format!(" ({name}:{})", at.line()));
            }
            (true, None) => {}
            (false, _) => before(panic),
        }));
    });
    PLACE.take();
    let outer = GUARDED.replace(true);
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    GUARDED.set(outer);
    done.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let text = text.unwrap_or_else(|| "the engine gave up".to_owned());
        Err(IndexError::Damaged(format!("{text}{}", PLACE.take())))
    })
}
