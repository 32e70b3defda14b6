//! Adds up what the test runners said of themselves.

/// Passed and failed tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub passed: u64,
    pub failed: u64,
}

impl Counts {
    /// Takes a line of `cargo test`, `vitest` or `node --test`; other lines count nothing.
    pub(crate) fn take(&mut self, line: &str) {
        let plain = without_colours(line);
        let line = plain.trim();
        if let Some(rest) = line.strip_prefix("test result:") {
            self.passed += before(rest, "passed");
            self.failed += before(rest, "failed");
        } else if let Some(rest) = line.strip_prefix("Tests ") {
            self.passed += before(rest, "passed");
            self.failed += before(rest, "failed");
        }
    }
}

/// The number right before a word.
fn before(text: &str, word: &str) -> u64 {
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_end_matches([';', ',', '|'])).collect();
    let place = words.iter().position(|found| *found == word);
    place.and_then(|place| words.get(place.checked_sub(1)?)?.parse().ok()).unwrap_or(0)
}

fn without_colours(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_runners_are_added_up() {
        let mut counts = Counts::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m7 passed\u{1b}[39m\u{1b}[22m (7)",
            "      Tests  1 failed | 6 passed (7)",
            "running 12 tests",
        ] {
            counts.take(line);
        }
        assert_eq!(counts, Counts { passed: 28, failed: 3 });
    }
}
