//! Comparing rows by their ids and numbers.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The hash of a range, as docs/sync-protocol.md defines it: it does not depend on the order.
pub(crate) fn range_hash(rows: &[(Uuid, i64)]) -> String {
    let mut hash = 0u64;
    for (id, seq) in rows {
        let digest = Sha256::digest(format!("{}:{seq}", id.hyphenated()).as_bytes());
        let mut first = [0u8; 8];
        first.copy_from_slice(&digest[..8]);
        hash ^= u64::from_be_bytes(first);
    }
    format!("{hash:016x}")
}

/// How the rows of a range differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The server has them, the mirror does not.
    pub missing_here: Vec<Uuid>,
    /// Both have them, under different numbers.
    pub other_number: Vec<Uuid>,
    /// The mirror has them as the server's, the server does not.
    pub only_here: Vec<Uuid>,
}

pub(crate) fn compare(here: &[(Uuid, i64)], there: &[(Uuid, i64)]) -> Difference {
    let mut left: BTreeMap<Uuid, i64> = here.iter().copied().collect();
    let mut difference = Difference::default();
    for (id, seq) in there {
        match left.remove(id) {
            None => difference.missing_here.push(*id),
            Some(known) if known != *seq => difference.other_number.push(*id),
            Some(_) => {}
        }
    }
    difference.only_here = left.into_keys().collect();
    difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn the_hash_tells_rows_and_numbers_apart_but_not_their_order() {
        let (a, b) = ((id(1), 5), (id(2), 6));
        assert_eq!(range_hash(&[a, b]), range_hash(&[b, a]));
        assert_ne!(range_hash(&[a, b]), range_hash(&[(id(1), 6), (id(2), 5)]));
        assert_ne!(range_hash(&[a]), range_hash(&[a, b]));
        assert_eq!(range_hash(&[]), "0000000000000000");
        // printf '00000000-0000-0000-0000-000000000001:5' | sha256sum
        assert_eq!(range_hash(&[a]), "6cf666687c4d0a7c");
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let here = [(id(1), 5), (id(2), 6), (id(3), 7)];
        let there = [(id(2), 6), (id(3), 8), (id(4), 9)];
        let difference = compare(&here, &there);
        assert_eq!(difference.missing_here, [id(4)]);
        assert_eq!(difference.other_number, [id(3)]);
        assert_eq!(difference.only_here, [id(1)]);
        assert_eq!(compare(&here, &here), Difference::default());
    }
}
