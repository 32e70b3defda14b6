//! What an archive may be before it is read: its number of entries, unpacked size and ratio are measured first.

use super::error::ImportError;

/// Beyond these an archive is unusual and has to be confirmed. [`Limits::default`] lets every real export through.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    pub max_entries: u64,
    /// Of all entries together.
    pub max_unpacked_bytes: u64,
    /// Unpacked to packed, of the whole and of each entry over 16 MiB.
    pub max_ratio: f64,
    /// None: not known, not checked. Confirming does not lift this one.
    pub free_disk_bytes: Option<u64>,
    /// The user has confirmed.
    pub allow_unusual: bool,
    /// A longer conversation is handed out as unreadable; memory grows with this, not with the file. Not confirmable.
    pub max_conversation_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_entries: 250_000,
            max_unpacked_bytes: 12 * (1 << 30),
            max_ratio: 150.0,
            free_disk_bytes: None,
            allow_unusual: false,
            max_conversation_bytes: 512 << 20,
        }
    }
}

/// Small archives of blanks compress without end and harm nobody.
const RATIO_FLOOR: u64 = 16 << 20;

impl Limits {
    pub(crate) fn check_entries(&self, count: u64) -> Result<(), ImportError> {
        self.unusual(count > self.max_entries, || format!("it has {count} entries (usual: up to {})", self.max_entries))
    }

    pub(crate) fn check_unpacked(&self, bytes: u64) -> Result<(), ImportError> {
        if let Some(free) = self.free_disk_bytes
            && bytes > free
        {
            return Err(ImportError::NoSpace { needed: bytes, free });
        }
        self.unusual(bytes > self.max_unpacked_bytes, || {
            format!("it unpacks to {bytes} bytes (usual: up to {})", self.max_unpacked_bytes)
        })
    }

    pub(crate) fn check_ratio(&self, packed: u64, unpacked: u64) -> Result<(), ImportError> {
        let ratio = unpacked as f64 / packed.max(1) as f64;
        self.unusual(unpacked > RATIO_FLOOR && ratio > self.max_ratio, || {
            format!("it unpacks to {ratio:.0} times its size (usual: up to {:.0} times)", self.max_ratio)
        })
    }

    fn unusual(&self, is: bool, what: impl FnOnce() -> String) -> Result<(), ImportError> {
        if is && !self.allow_unusual { Err(ImportError::Unusual { what: what() }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirming_lifts_what_is_unusual_but_makes_no_disk_larger() {
        let mut limits = Limits { free_disk_bytes: Some(1 << 34), ..Limits::default() };
        assert!(matches!(limits.check_unpacked(13 << 30), Err(ImportError::Unusual { .. })));
        assert!(matches!(limits.check_ratio(1 << 20, 1 << 30), Err(ImportError::Unusual { .. })));
        assert!(matches!(limits.check_entries(1 << 20), Err(ImportError::Unusual { .. })));
        limits.allow_unusual = true;
        limits.check_unpacked(13 << 30).unwrap();
        limits.check_ratio(1 << 20, 1 << 30).unwrap();
        assert!(matches!(limits.check_unpacked(1 << 35), Err(ImportError::NoSpace { .. })));
    }

    #[test]
    fn what_real_exports_are_like_passes() {
        let limits = Limits::default();
        limits.check_unpacked(6 << 30).unwrap();
        limits.check_ratio(50 << 20, 1 << 30).unwrap();
        limits.check_ratio(1, 4096).unwrap();
    }
}
