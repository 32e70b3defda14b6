//! Which contents lie on this disk: what to fetch and what to let go, decided from what is known, without looking.

use airi_domain::Time;
use airi_store::Content;
use std::cmp::Reverse;
use std::collections::HashMap;

/// What is kept on this device without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Everything that fits.
    #[default]
    All,
    /// What was attached or opened within the last 30 days.
    Recent,
    /// Only what is opened.
    OnDemand,
}

/// What may lie on the disk, beside what the user said about single files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskPolicy {
    pub keep: Keep,
    /// Bytes. What only this device has, and what the user keeps here, stays above it too.
    pub bound: u64,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DiskPlan {
    /// To let go, the one that was needed longest ago first.
    pub leave: Vec<Content>,
    /// To fetch, the newest first.
    pub fetch: Vec<Content>,
}

const RECENT: i64 = 30 * 86_400 * 1_000_000;
/// An object that could not be had is asked for again after a day.
const FAULT_HOLDS: i64 = 86_400 * 1_000_000;
/// What an object counts for whose size no row tells.
const UNTOLD: u64 = 1024 * 1024;

/// `here`: the contents on this disk by hash, with their bytes.
///
/// The contents that the server has are ranked by when they were needed last (opened, else attached) and keep their place
/// from the top while they fit. So what is fetched is never let go for it again, and what comes new may push out the oldest.
pub(crate) fn plan(contents: Vec<Content>, here: &HashMap<String, u64>, policy: DiskPolicy, now: Time) -> DiskPlan {
    let lies_here = |content: &Content| content.sha256.as_ref().and_then(|hash| here.get(hash)).copied();
    let hopeless = |content: &Content| content.fault_at.is_some_and(|at| now.micros() - at.micros() < FAULT_HOLDS);
    let (mut movable, mut movable_bytes) = (Vec::new(), 0);
    // What the user wants here comes first, and above the bound too; what they let go leaves without being ranked.
    let (mut wanted, mut wanted_bytes, mut let_go) = (Vec::new(), 0, Vec::new());
    for content in contents {
        match (lies_here(&content), content.keep) {
            _ if content.storage_path.is_empty() => {}
            (Some(_), _) if content.waits => {}
            (Some(_), Some(true)) | (None, Some(false)) => {}
            (Some(bytes), Some(false)) => {
                movable_bytes += bytes;
                let_go.push(content);
            }
            (None, Some(true)) if hopeless(&content) => {}
            (None, Some(true)) => {
                wanted_bytes += content.size.unwrap_or(UNTOLD);
                wanted.push(content);
            }
            (Some(bytes), None) => {
                movable_bytes += bytes;
                movable.push(content);
            }
            (None, None) => movable.push(content),
        }
    }
    wanted.sort_by_key(|content| (Reverse(needed_at(content)), content.storage_path.clone()));
    movable.sort_by_key(|content| (Reverse(needed_at(content)), content.storage_path.clone()));
    let fixed = here.values().sum::<u64>() - movable_bytes;
    let mut room = policy.bound.saturating_sub(fixed.saturating_add(wanted_bytes));
    // The one that was opened last is being looked at.
    let mut in_view = movable.iter().filter_map(|content| content.used_at).max();
    let mut plan = DiskPlan { leave: Vec::new(), fetch: wanted };
    for content in movable {
        let bytes = lies_here(&content);
        let viewed = content.used_at.is_some() && content.used_at == in_view;
        if viewed {
            in_view = None;
        }
        match bytes {
            Some(bytes) if bytes <= room || viewed => room = room.saturating_sub(bytes),
            Some(_) => plan.leave.push(content),
            None => {
                let bytes = content.size.unwrap_or(UNTOLD);
                let wished = match policy.keep {
                    Keep::All => true,
                    Keep::Recent => now.micros() - needed_at(&content).micros() <= RECENT,
                    Keep::OnDemand => false,
                };
                if wished && !hopeless(&content) && bytes <= room {
                    room -= bytes;
                    plan.fetch.push(content);
                }
            }
        }
    }
    plan.leave.extend(let_go);
    plan.leave.reverse();
    plan
}

fn needed_at(content: &Content) -> Time {
    content.used_at.map_or(content.created_at, |used| used.max(content.created_at))
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
