//! Waiting longer after each failure, with jitter, so that a server that comes back is not met by everyone at once.

use std::time::Duration;

/// Full jitter over an exponential ceiling.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(first: Duration, most: Duration) -> Backoff {
        Backoff { first, most, failures: 0 }
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The next wait: between half and the whole of `first * 2^failures`, at most `most`. `random` is uniform over u32.
    pub(crate) fn next(&mut self, random: u32) -> Duration {
        let ceiling =
            self.first.saturating_mul(1u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX)).min(self.most);
        self.failures = self.failures.saturating_add(1);
        ceiling / 2 + (ceiling / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

/// Uniform; a system without randomness gets the longest wait.
pub(crate) fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_bound_and_start_again() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        let waits: Vec<u64> = (0..8).map(|_| backoff.next(u32::MAX).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        for _ in 0..100 {
            assert_eq!(backoff.next(0), Duration::from_secs(30));
        }
        backoff.reset();
        assert_eq!(backoff.next(0), Duration::from_millis(500));
    }
}
