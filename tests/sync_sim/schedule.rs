//! What happens in one run: devices, and steps at moments of virtual time. Made from a seed before anything runs, and each
//! step carries its own randomness, so that steps can be left out without changing what the others do.

use airi_testkit::Rng;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    NewConversation,
    Message,
    Reply,
    Rename,
    Star,
    Archive,
    Tag,
    Setting,
    Model,
    Rate,
    Feedback,
    DeleteMessage,
    RestoreMessage,
    DeleteConversation,
    RestoreConversation,
    Branch,
    Attach,
    Erase,
    /// A conversation of an archive: the same ids on every device that imports it.
    Import,
}

/// What another client does at the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WebAct {
    NewConversation,
    Message,
    Rename,
    Star,
    Rate,
    SoftDelete,
    HardDeleteMessage,
    HardDeleteConversation,
    /// A row of an archive under the id that an import gives it, with other content.
    Conflict,
    /// Values that only other clients write: unknown settings, nulls where they are allowed.
    Odd,
    /// The service writes a usage log.
    Usage,
    /// Another account takes an id of an archive.
    TakeId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Act {
        device: usize,
        act: Act,
    },
    Web(WebAct),
    /// One round of sync; nothing happens when one is under way.
    Round {
        device: usize,
        faults: bool,
    },
    /// The process ends, wherever its round is, and starts again.
    Crash {
        device: usize,
    },
    /// The user looks at what was refused: tries again, or gives it up.
    Resolve {
        device: usize,
        discard: bool,
    },
    /// A further device signs in.
    NewDevice,
    /// A backup is made, to which a later restore goes back.
    Backup,
    Restore,
    NewEpoch,
    /// The account's sessions are refused, or accepted again.
    Access {
        allowed: bool,
    },
    Maintenance {
        on: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// Virtual milliseconds since the step before it.
    pub after: u64,
    pub what: What,
    pub salt: u64,
}

/// A whole run.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub seed: u64,
    /// How far each device's clock is off, in seconds.
    pub skews: Vec<i64>,
    pub steps: Vec<Step>,
}

pub(crate) const MOST_DEVICES: usize = 4;

impl Schedule {
    pub(crate) fn from_seed(seed: u64) -> Schedule {
        // Drawn once more: neighbouring seeds must not share their sequences.
        let mut rng = Rng::new(Rng::new(seed).next_u64());
        let first = 2 + (seed % 2) as usize;
        let skews = (0..MOST_DEVICES)
            .map(|_| if rng.chance(0.25) { *rng.pick(&[-86_400, 86_400, -3_600, 40_000_000]) } else { 0 })
            .collect();
        // Each run has its own temper: some are calm, some nothing but trouble.
        let faults = *rng.pick(&[0.0, 0.5, 0.9, 1.0]);
        let restores = rng.chance(0.3);
        let web = *rng.pick(&[0.0, 0.1, 0.25]);
        let length = 20 + rng.below(41);
        let mut devices = first;
        let mut steps = Vec::with_capacity(length);
        for _ in 0..length {
            let salt = rng.next_u64();
            let after = *rng.pick(&[0, 1, 5, 40, 200, 2_000]);
            let device = rng.below(devices);
            let roll = rng.unit();
            let what = if roll < 0.40 {
                What::Act { device, act: act(&mut rng) }
            } else if roll < 0.40 + web {
                What::Web(web_act(&mut rng))
            } else if roll < 0.86 {
                What::Round { device, faults: rng.chance(faults) }
            } else if roll < if restores { 0.88 } else { 0.92 } {
                What::Crash { device }
            } else if roll < if restores { 0.90 } else { 0.95 } {
                What::Resolve { device, discard: rng.chance(0.5) }
            } else if roll < if restores { 0.91 } else { 0.96 } && devices < MOST_DEVICES {
                devices += 1;
                What::NewDevice
            } else if restores {
                *rng.pick(&[What::Backup, What::Backup, What::Restore, What::Restore, What::NewEpoch])
            } else {
                *rng.pick(&[
                    What::Access { allowed: false },
                    What::Access { allowed: true },
                    What::Maintenance { on: true },
                    What::Maintenance { on: false },
                    What::Backup,
                ])
            };
            steps.push(Step { after, what, salt });
        }
        Schedule { seed, skews, steps }
    }

    /// How many devices there are at the start.
    pub(crate) fn first_devices(&self) -> usize {
        2 + (self.seed % 2) as usize
    }
}

fn act(rng: &mut Rng) -> Act {
    *rng.pick(&[
        Act::NewConversation,
        Act::NewConversation,
        Act::Message,
        Act::Message,
        Act::Message,
        Act::Message,
        Act::Reply,
        Act::Rename,
        Act::Rename,
        Act::Star,
        Act::Archive,
        Act::Tag,
        Act::Tag,
        Act::Setting,
        Act::Model,
        Act::Rate,
        Act::Feedback,
        Act::DeleteMessage,
        Act::RestoreMessage,
        Act::DeleteConversation,
        Act::RestoreConversation,
        Act::Branch,
        Act::Attach,
        Act::Attach,
        Act::Erase,
        Act::Import,
        Act::Import,
    ])
}

fn web_act(rng: &mut Rng) -> WebAct {
    *rng.pick(&[
        WebAct::NewConversation,
        WebAct::Message,
        WebAct::Message,
        WebAct::Message,
        WebAct::Rename,
        WebAct::Star,
        WebAct::Rate,
        WebAct::SoftDelete,
        WebAct::HardDeleteMessage,
        WebAct::HardDeleteConversation,
        WebAct::Conflict,
        WebAct::Odd,
        WebAct::Usage,
        WebAct::TakeId,
    ])
}
