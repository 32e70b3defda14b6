//! Which conversations a search may look into: the caller resolves `in:`, `tag:`, `is:…` and the trash from the mirror
//! and passes two sets of conversation ids. A bit an id: half a million conversations are 62 kB.

use std::sync::Arc;

/// A set of row ids. Ids are small positive integers (SQLite's), so a bit each is less than any list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bitset {
    words: Vec<u64>,
    len: usize,
}

/// Far beyond any mirror; ids above are kept out so that a wrong one cannot take all memory.
const MAX_ID: i64 = 1 << 32;

impl Bitset {
    /// False when it was there before or is no row id (negative or above 2³²).
    pub fn insert(&mut self, id: i64) -> bool {
        if !(0..MAX_ID).contains(&id) {
            return false;
        }
        let (word, bit) = (id as usize / 64, 1 << (id % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.len += usize::from(new);
        new
    }

    pub fn remove(&mut self, id: i64) {
        if self.contains(id) {
            self.words[id as usize / 64] &= !(1 << (id % 64));
            self.len -= 1;
        }
    }

    pub fn contains(&self, id: i64) -> bool {
        (0..MAX_ID).contains(&id) && self.words.get(id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// In rising order.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| at as i64 * 64 + bit)
        })
    }
}

impl FromIterator<i64> for Bitset {
    fn from_iter<I: IntoIterator<Item = i64>>(ids: I) -> Bitset {
        let mut set = Bitset::default();
        for id in ids {
            set.insert(id);
        }
        set
    }
}

/// Conversations to look into. The default is all.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Only these; None: all.
    pub include: Option<Arc<Bitset>>,
    /// But not these (the trash, what `-is:archived` names, …).
    pub exclude: Option<Arc<Bitset>>,
}

impl Scope {
    pub fn contains(&self, conversation: i64) -> bool {
        self.include.as_ref().is_none_or(|set| set.contains(conversation))
            && !self.exclude.as_ref().is_some_and(|set| set.contains(conversation))
    }

    /// The included conversations when they are few.
    pub(crate) fn few(&self, most: usize) -> Option<&Bitset> {
        self.include.as_deref().filter(|set| set.len() <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitset_is_a_set() {
        let mut set: Bitset = [3, 64, 3, 1000].into_iter().collect();
        set.remove(64);
        set.remove(7);
        assert_eq!((set.iter().collect::<Vec<_>>(), set.len()), (vec![3, 1000], 2));
        assert!(!set.insert(-1) && !set.contains(-1) && !set.insert(i64::MAX));
    }

    #[test]
    fn exclusion_wins() {
        let ids = |ids: &[i64]| Some(Arc::new(ids.iter().copied().collect::<Bitset>()));
        let scope = Scope { include: ids(&[1, 2]), exclude: ids(&[2]) };
        assert!(scope.contains(1) && !scope.contains(2) && !scope.contains(3));
        assert!(Scope::default().contains(7));
    }
}
