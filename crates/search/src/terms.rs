//! The tokens of one text, sorted, with their positions: what the index does for rows on disk, done for one text in
//! memory. The overlay and `matches` look into it.

use crate::query::Needle;
use crate::tokens::Scanner;

#[derive(Debug, Default)]
pub(crate) struct Terms {
    /// All tokens' texts, one after the other.
    texts: String,
    /// Sorted by text.
    entries: Vec<Entry>,
    positions: Vec<u32>,
    /// Tokens in all, repeated ones too.
    pub(crate) length: u32,
}

#[derive(Debug)]
struct Entry {
    text: (u32, u32),
    positions: (u32, u32),
}

impl Terms {
    pub(crate) fn new(text: &str) -> Terms {
        let mut scanner = Scanner::new(text);
        let mut found: Vec<(u32, u32, u32)> = Vec::new();
        let mut raw = String::new();
        while let Some(token) = scanner.next_token() {
            let start = raw.len() as u32;
            raw.push_str(&token.text);
            found.push((start, raw.len() as u32, token.position));
        }
        let word = |&(from, to, _): &(u32, u32, u32)| &raw[from as usize..to as usize];
        found.sort_unstable_by(|a, b| word(a).cmp(word(b)).then(a.2.cmp(&b.2)));
        let mut out = Terms { length: found.len() as u32, ..Terms::default() };
        for token in &found {
            let text = word(token);
            let same = out.entries.last().is_some_and(|entry| out.text(entry) == text);
            if !same {
                let start = out.texts.len() as u32;
                out.texts.push_str(text);
                let at = out.positions.len() as u32;
                out.entries.push(Entry { text: (start, out.texts.len() as u32), positions: (at, at) });
            }
            out.positions.push(token.2);
            if let Some(entry) = out.entries.last_mut() {
                entry.positions.1 += 1;
            }
        }
        out
    }

    fn text(&self, entry: &Entry) -> &str {
        &self.texts[entry.text.0 as usize..entry.text.1 as usize]
    }

    /// Different tokens.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| self.text(entry))
    }

    /// Positions of a token, or of every token that begins so.
    fn positions<'a>(&'a self, word: &'a str, prefix: bool) -> impl Iterator<Item = &'a [u32]> {
        let start = self.entries.partition_point(|entry| self.text(entry) < word);
        let matching = move |entry: &&Entry| match prefix {
            true => self.text(entry).starts_with(word),
            false => self.text(entry) == word,
        };
        let entries = self.entries[start..].iter().take_while(matching);
        entries.map(|entry| &self.positions[entry.positions.0 as usize..entry.positions.1 as usize])
    }

    fn occurrences(&self, word: &str, prefix: bool) -> usize {
        self.positions(word, prefix).map(<[u32]>::len).sum()
    }

    /// How often the needle stands here.
    pub(crate) fn count(&self, needle: &Needle) -> usize {
        let whole = needle.whole.as_ref().map_or(0, |whole| self.occurrences(whole, needle.prefix));
        let parts = match needle.parts.as_slice() {
            [] => 0,
            [only] => self.occurrences(only, needle.prefix),
            [first, rest @ ..] => {
                let starts = self.positions(first, false).next().unwrap_or(&[]);
                let follows = |start: u32| {
                    rest.iter().enumerate().all(|(n, part)| {
                        let at = start + n as u32 + 1;
                        let prefix = needle.prefix && n + 1 == rest.len();
                        self.positions(part, prefix).any(|positions| positions.binary_search(&at).is_ok())
                    })
                };
                starts.iter().filter(|&&start| follows(start)).count()
            }
        };
        // Where the whole stands its parts stand too.
        whole.max(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("the cat and the hat", "the", false, 2)]
    #[case("the cat and the hat", "the hat", false, 1)]
    #[case("the cat and the hat", "cat the", false, 0)]
    #[case("search searching", "sear", true, 2)]
    #[case("big searching", "big sear", true, 1)]
    #[case("getUserName()", "getusername", false, 1)]
    #[case("get user name", "getUserName", false, 1)]
    #[case("a getusername b", "getUserName", false, 1)]
    #[case("数据库很大", "据库", false, 1)]
    fn counts(#[case] text: &str, #[case] needle: &str, #[case] prefix: bool, #[case] expected: usize) {
        assert_eq!(Terms::new(text).count(&Needle::new(needle, false, prefix).unwrap()), expected);
    }
}
