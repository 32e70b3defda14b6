//! When to try again.

use crate::FailureClass;
use std::time::Duration;

/// Waiting times between tries: doubling, with jitter, at most five minutes; the server's own word goes first.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(300);

    /// The wait after one more failure. `random` is from 0 to 1 and spreads devices that failed together.
    pub fn after_failure(&mut self, class: FailureClass, random: f64) -> Duration {
        let base = Self::FIRST.saturating_mul(1 << self.failures.min(16)).min(Self::LONGEST);
        self.failures += 1;
        let spread = base.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0));
        match class {
            FailureClass::Passing { retry_after: Some(wait) } => wait.min(Duration::from_secs(3600)).max(spread),
            // Nothing that hurry would mend; spread all the same, for all devices hear of the end of it at once.
            FailureClass::Parked
            | FailureClass::Maintenance
            | FailureClass::Suspended
            | FailureClass::SignInAgain
            | FailureClass::Permanent => Self::LONGEST.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0)),
            _ => spread,
        }
    }

    /// After a success the next failure starts from the beginning.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes_and_obey_the_server() {
        let passing = FailureClass::Passing { retry_after: None };
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..12).map(|_| backoff.after_failure(passing, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        backoff.reset();
        let told = FailureClass::Passing { retry_after: Some(Duration::from_secs(40)) };
        assert_eq!(backoff.after_failure(told, 0.0), Duration::from_secs(40));
    }
}
