//! Sizes and seeds from the environment.

use std::time::{SystemTime, UNIX_EPOCH};

/// The variable's number, or the given one; what is no number is a mistake of whoever set it.
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => otherwise,
    }
}

/// A seed: the variable's, or a new one at each run.
pub(crate) fn seed(name: &str) -> u64 {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    number(name, u64::try_from(clock % 1_000_000_000).unwrap())
}

/// Says how to repeat a run, if the test fails.
pub(crate) struct Replay(pub(crate) String);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat: {}", self.0);
        }
    }
}
