//! The shortest schedule that still fails: steps are left out, by halves, then fewer, then one by one; then faults.

use crate::schedule::{Schedule, What};

/// Runs that looking for it may cost.
const TRIES: usize = 400;

pub(crate) fn shrink(schedule: &Schedule, fails: impl Fn(&Schedule) -> bool) -> Schedule {
    let mut best = schedule.clone();
    let mut tries = 0;
    let mut chunk = best.steps.len().div_ceil(2).max(1);
    loop {
        let (mut at, mut shorter) = (0, false);
        while at < best.steps.len() && tries < TRIES {
            let mut next = best.clone();
            let end = (at + chunk).min(next.steps.len());
            // The time that they took stays, so that what comes after keeps its moment.
            let gone: u64 = next.steps.drain(at..end).map(|step| step.after).sum();
            if let Some(step) = next.steps.get_mut(at) {
                step.after += gone;
            }
            tries += 1;
            if fails(&next) {
                (best, shorter) = (next, true);
            } else {
                at += chunk;
            }
        }
        if tries >= TRIES || (chunk == 1 && !shorter) {
            break;
        }
        chunk = (chunk / 2).max(1);
    }
    for at in 0..best.steps.len() {
        if let What::Round { device, faults: true } = best.steps[at].what {
            let mut next = best.clone();
            next.steps[at].what = What::Round { device, faults: false };
            if fails(&next) {
                best = next;
            }
        }
    }
    best
}
