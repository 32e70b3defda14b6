//! How many operations go into one request.

use crate::Op;

/// Operations in one request, at most.
pub(crate) const MAX_BATCH_OPS: usize = 500;
/// Bytes of operations in one request, about; a single operation may be larger and then goes alone.
pub(crate) const MAX_BATCH_BYTES: usize = 1_000_000;

/// How large a request may be just now: halved when the server finds it too large, slowly grown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchLimit {
    pub ops: usize,
    pub bytes: usize,
}

impl BatchLimit {
    pub(crate) const FULL: BatchLimit = BatchLimit { ops: MAX_BATCH_OPS, bytes: MAX_BATCH_BYTES };

    /// Half of what was sent; None when a single operation was too much already.
    pub(crate) fn halved(self, sent: usize) -> Option<BatchLimit> {
        (sent > 1).then(|| BatchLimit { ops: (sent / 2).max(1), bytes: (self.bytes / 2).max(1) })
    }

    pub(crate) fn grown(self) -> BatchLimit {
        BatchLimit { ops: (self.ops * 2).min(MAX_BATCH_OPS), bytes: (self.bytes * 2).min(MAX_BATCH_BYTES) }
    }
}

/// How many operations from the front of `sizes` go into the next request.
pub(crate) fn cut(sizes: impl IntoIterator<Item = usize>, limit: BatchLimit) -> usize {
    let (mut count, mut bytes) = (0, 0);
    for size in sizes {
        if count > 0 && (count >= limit.ops || bytes + size > limit.bytes) {
            break;
        }
        count += 1;
        bytes += size;
    }
    count
}

/// The bytes that an operation takes in a request.
pub(crate) fn size_of(op: &Op) -> usize {
    serde_json::to_vec(op).map_or(0, |bytes| bytes.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_cut_by_count_and_by_bytes() {
        let limit = BatchLimit { ops: 3, bytes: 100 };
        assert_eq!(cut([10, 10, 10, 10], limit), 3);
        assert_eq!(cut([60, 60], limit), 1);
        assert_eq!(cut([500, 1], limit), 1, "one that is larger than a batch goes alone");
        assert_eq!(cut([], limit), 0);
    }

    #[test]
    fn n_changes_take_as_many_requests_as_they_must() {
        let mut left = 1_234;
        let mut requests = 0;
        while left > 0 {
            left -= cut(vec![100; left], BatchLimit::FULL);
            requests += 1;
        }
        assert_eq!(requests, 3);
    }

    #[test]
    fn a_batch_that_is_too_large_is_halved_down_to_one() {
        let mut limit = BatchLimit::FULL;
        let mut sent = 500;
        while let Some(next) = limit.halved(sent) {
            assert!(next.ops < sent);
            (limit, sent) = (next, next.ops);
        }
        assert_eq!(limit.ops, 1);
        assert_eq!(limit.grown().ops, 2);
    }
}
