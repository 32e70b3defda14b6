//! Order of results: relevance, gently lifted for what is recent; and how many of one conversation are shown.

use crate::collect::Found;
use crate::schema::message_of;
use airi_domain::Time;
use std::cmp::Ordering;
use std::collections::HashMap;

/// What the oldest row keeps of its score.
const OLDEST: f32 = 0.75;
/// After so many days half of the lift is gone.
const HALF_LIFE_DAYS: f32 = 120.0;

/// From `OLDEST` to 1.
pub(crate) fn recency(created_at: i64, now: Time) -> f32 {
    let days = now.micros().saturating_sub(created_at).max(0) as f32 / 86_400e6;
    OLDEST + (1.0 - OLDEST) * (-days / HALF_LIFE_DAYS).exp2()
}

/// Best first; equal ones newest first, then by id, so that the order never wavers.
pub(crate) fn by_score(a: &Found, b: &Found) -> Ordering {
    b.score.total_cmp(&a.score).then_with(|| by_time(a, b))
}

/// Newest first; of one time, messages in falling order of their ids, titles last.
pub(crate) fn by_time(a: &Found, b: &Found) -> Ordering {
    let id = |row: &Found| (message_of(row.key), row.conversation);
    b.created_at.cmp(&a.created_at).then_with(|| id(b).cmp(&id(a)))
}

/// Keeps the first `cap` of each conversation; 0: all.
pub(crate) fn cap(rows: &mut Vec<Found>, cap: usize) {
    if cap == 0 {
        return;
    }
    let mut shown: HashMap<i64, usize> = HashMap::new();
    rows.retain(|row| {
        let count = shown.entry(row.conversation).or_default();
        *count += 1;
        *count <= cap
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recency_is_gentle_and_never_negative() {
        let now = Time::from_micros(0).unwrap();
        assert_eq!(recency(5, now), 1.0);
        assert!((recency(-120 * 86_400_000_000, now) - 0.875).abs() < 1e-4);
        assert!((0.75..0.76).contains(&recency(i64::MIN, now)));
    }
}
