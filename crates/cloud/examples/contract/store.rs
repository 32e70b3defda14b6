//! The session's tokens in memory.

use airi_cloud::{SecretString, SessionStore, StoreError, Tokens};
use std::sync::{Mutex, PoisonError};

#[derive(Default)]
pub(crate) struct Memory(Mutex<Option<Tokens>>);

impl Memory {
    /// Puts a false access token in the place of the real one, as if it had been revoked.
    pub(crate) fn spoil_access_token(&self) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tokens) = tokens.as_mut() {
            let spoiled = format!("{}x", super::plain(&tokens.access_token));
            tokens.access_token = SecretString::from(spoiled);
        }
    }

    pub(crate) fn peek(&self) -> Option<Tokens> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SessionStore for Memory {
    fn load(&self) -> Result<Option<Tokens>, StoreError> {
        Ok(self.peek())
    }

    fn save(&self, tokens: &Tokens) -> Result<(), StoreError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokens.clone());
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}
