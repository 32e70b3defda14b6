//! A clock that moves only when a test moves it.

use airi_domain::Time;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// 2026-01-15T12:00:00Z: "now" wherever a test does not care.
pub const DEFAULT_NOW: i64 = 1_768_478_400_000_000;

/// Clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl Default for ManualClock {
    fn default() -> ManualClock {
        ManualClock(Arc::new(AtomicI64::new(DEFAULT_NOW)))
    }
}

impl ManualClock {
    pub fn at(time: Time) -> ManualClock {
        ManualClock(Arc::new(AtomicI64::new(time.micros())))
    }

    pub fn now(&self) -> Time {
        Time::from_micros(self.0.load(Ordering::SeqCst)).unwrap_or(Time::MAX)
    }

    /// Moves it on and returns the new time. A negative number moves it back, as real clocks do at times.
    pub fn advance_micros(&self, micros: i64) -> Time {
        let moved = self.now().plus_micros(micros);
        self.set(moved);
        moved
    }

    pub fn advance_seconds(&self, seconds: i64) -> Time {
        self.advance_micros(seconds.saturating_mul(1_000_000))
    }

    pub fn set(&self, time: Time) {
        self.0.store(time.micros(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_time() {
        let clock = ManualClock::default();
        let other = clock.clone();
        clock.advance_seconds(60);
        assert_eq!(other.now().to_string(), "2026-01-15T12:01:00.000000Z");
    }
}
