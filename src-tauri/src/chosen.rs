//! What the user named outside the page: in a dialogue of the operating system, or by dropping it on the window. Commands that
//! read or write a place take these and no others, so a page that was led astray can name none.

use airi_contract::{CommandError, ErrorCode};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    Read,
    Write,
}

/// Until the window is closed: an import may be confirmed, and a backup looked at before it is restored.
#[derive(Default)]
pub(crate) struct Chosen(Mutex<HashSet<(Use, String)>>);

impl Chosen {
    /// As the page is told of it.
    pub(crate) fn add(&self, what_for: Use, path: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((what_for, path.to_owned()));
    }

    /// # Errors
    /// `invalid_input`: the user chose another one, or this one for something else.
    pub(crate) fn holds<'a>(
        &self,
        what_for: Use,
        paths: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), CommandError> {
        let chosen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match paths.into_iter().find(|path| !chosen.contains(&(what_for, (*path).clone()))) {
            None => Ok(()),
            Some(path) => Err(CommandError {
                code: ErrorCode::InvalidInput,
                message: format!("{path} was not chosen in this window. Choose it in the dialogue, or drop it here."),
                retryable: false,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_can_be_used_again_and_nothing_else_can() {
        let chosen = Chosen::default();
        let [archive, folder, other] = ["/h/a.zip", "/h/b", "/h/b/c"].map(String::from);
        chosen.add(Use::Read, &archive);
        chosen.add(Use::Read, &folder);
        chosen.add(Use::Write, &other);
        for _ in 0..2 {
            chosen.holds(Use::Read, [&archive, &folder]).unwrap();
        }
        chosen.holds(Use::Write, [&archive]).unwrap_err();
        let refused = chosen.holds(Use::Read, [&archive, &other]).unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidInput);
        assert!(refused.message.starts_with(&other), "{}", refused.message);
    }
}
