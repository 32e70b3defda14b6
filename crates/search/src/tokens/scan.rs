//! Walks a text once and yields its tokens; memory is bounded by one word.

use super::MAX_TOKEN;
use super::fold::{Class, class, fold_cluster};

/// A token as it is indexed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Token {
    /// Folded.
    pub(crate) text: String,
    /// Bytes of the original.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Counts the parts; a whole has the position of its first part.
    pub(crate) position: u32,
    /// How many positions it spans: 1, or for a whole the number of its parts.
    pub(crate) length: u32,
}

/// A longer run of base64-like characters whose longest part is so long is not words.
const BLOB: usize = 128;
const BLOB_PART: usize = 40;
/// Longest whole of several parts, in characters: longer ones are nobody's search.
const MAX_WHOLE: usize = 48;
/// A word with more humps or digits than that is no identifier.
const MAX_HUMPS: usize = 8;

pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    position: u32,
    /// Up to here it is known whether a blob begins.
    blob_checked: usize,
    /// Tokens that are ready; slots are used again.
    ready: Vec<Token>,
    filled: usize,
    given: usize,
    /// Where the parts of the word in work begin and end.
    parts: Vec<(usize, usize)>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0, position: 0, blob_checked: 0, ready: Vec::new(), filled: 0, given: 0, parts: Vec::new() }
    }

    /// Wholes come right after the first of their parts.
    pub(crate) fn next_token(&mut self) -> Option<&Token> {
        while self.given == self.filled {
            (self.given, self.filled) = (0, 0);
            if !self.scan_one() {
                return None;
            }
        }
        self.given += 1;
        self.ready.get(self.given - 1)
    }

    /// Looks at what begins here; false at the end of the text.
    fn scan_one(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        // Most of a text is ASCII: skip what is between its words without decoding.
        while self.at < bytes.len() && bytes[self.at].is_ascii() && !bytes[self.at].is_ascii_alphanumeric() {
            self.at += 1;
        }
        let Some(c) = self.text[self.at..].chars().next() else { return false };
        match class(c) {
            Class::Letter | Class::Digit => self.word(),
            Class::Unspaced | Class::Symbol => {
                let end = self.cluster_end(self.at);
                self.push(self.at, end, None);
                self.at = end;
                self.position += 1;
            }
            Class::Mark | Class::Invisible | Class::Other => self.at += c.len_utf8(),
        }
        true
    }

    /// The end of the character at `from` with the marks that follow it.
    fn cluster_end(&self, from: usize) -> usize {
        let mut chars = self.text[from..].char_indices();
        let Some((_, first)) = chars.next() else { return from };
        let mut jamo = is_leading_jamo(first);
        for (at, c) in chars {
            let continues = matches!(class(c), Class::Mark) || (jamo && is_following_jamo(c));
            jamo = jamo && is_following_jamo(c);
            // Text that stacks marks without end is cut.
            if !continues || at > 64 {
                return from + at;
            }
        }
        self.text.len()
    }

    fn word(&mut self) {
        let from = self.at;
        if self.skip_blob() {
            return;
        }
        self.parts.clear();
        let end = self.split(from);
        self.at = end;
        let parts = std::mem::take(&mut self.parts);
        let first = self.position;
        let humps = parts.len();
        for (n, &(from, to)) in parts.iter().enumerate() {
            self.push(from, to, None);
            self.position += 1;
            if n == 0 && humps > 1 {
                self.whole(&parts, first);
            }
        }
        self.signed_name(from, end, humps);
        self.parts = parts;
    }

    /// The parts written together.
    fn whole(&mut self, parts: &[(usize, usize)], position: u32) {
        let (from, to) = (parts[0].0, parts[parts.len() - 1].1);
        // Bytes, and separators are among them: a first bound.
        if to - from > MAX_WHOLE * 4 {
            return;
        }
        let slot = self.slot();
        let mut text = std::mem::take(&mut self.ready[slot].text);
        for &(from, to) in parts {
            fold_into(&self.text[from..to], &mut text, usize::MAX);
        }
        if text.chars().count() > MAX_WHOLE {
            self.ready[slot].text = text;
            self.filled -= 1;
            return;
        }
        self.ready[slot] = Token { text, from, to, position, length: parts.len() as u32 };
    }

    /// `c++`, `c#`, `f#`, `notepad++`: the name with its signs, beside the bare name.
    fn signed_name(&mut self, from: usize, end: usize, humps: usize) {
        let rest = &self.text[end..];
        let sign = match rest.as_bytes() {
            [b'+', b'+', ..] => "++",
            [b'#', ..] if end - from <= 2 => "#",
            _ => return,
        };
        let follows = rest[sign.len()..].chars().next();
        if humps != 1 || follows.is_some_and(|c| c == '+' || c == '#' || class(c) == Class::Letter) {
            return;
        }
        let position = self.position - 1;
        self.push(from, end, Some(sign));
        let last = self.filled - 1;
        self.ready[last].to = end + sign.len();
        self.ready[last].position = position;
        self.at = end + sign.len();
    }

    /// Finds the parts of the identifier at `from` and returns its end.
    fn split(&mut self, from: usize) -> usize {
        let mut at = from;
        loop {
            let (end, humps) = self.simple_word(at);
            self.humps(at, end, humps);
            at = end;
            // One joiner, and a word right after it, belong to the same identifier; any number of underscores do.
            let rest = &self.text[at..];
            let joiner = match rest.chars().next() {
                Some('_') => rest.len() - rest.trim_start_matches('_').len(),
                Some(c @ ('-' | '\'' | '’' | '\u{2010}' | '\u{2011}' | '\u{ad}')) => c.len_utf8(),
                _ => return at,
            };
            match self.text[at + joiner..].chars().next().map(class) {
                Some(Class::Letter | Class::Digit) if self.parts.len() < 64 => at += joiner,
                _ => return at,
            }
        }
    }

    /// The end of the run of letters, digits and marks at `from`, and how many humps it seems to have.
    fn simple_word(&self, from: usize) -> (usize, usize) {
        let bytes = self.text.as_bytes();
        let (mut at, mut humps, mut before) = (from, 0, 0u8);
        while at < bytes.len() {
            let byte = bytes[at];
            if byte.is_ascii_alphanumeric() {
                let turn = (byte.is_ascii_uppercase() && before.is_ascii_lowercase())
                    || (byte.is_ascii_digit() != before.is_ascii_digit() && before != 0);
                humps += usize::from(turn);
                before = byte;
                at += 1;
                continue;
            }
            if byte.is_ascii() {
                break;
            }
            let Some(c) = self.text[at..].chars().next() else { break };
            match class(c) {
                Class::Letter | Class::Digit | Class::Mark | Class::Invisible => at += c.len_utf8(),
                _ => break,
            }
            before = if c.is_uppercase() { b'A' } else { b'a' };
        }
        (at, humps)
    }

    /// Splits `getUserProfile`, `HTTPServer2` at the humps; hashes and numbers stay whole.
    fn humps(&mut self, from: usize, to: usize, humps: usize) {
        let word = &self.text[from..to];
        let lower = word.bytes().all(|b| b.is_ascii_lowercase());
        if lower || humps > MAX_HUMPS || word.len() > MAX_TOKEN {
            self.parts.push((from, to));
            return;
        }
        let mut start = from;
        let mut chars = word.char_indices().peekable();
        let (mut before, mut two_before) = (None::<char>, None::<char>);
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|&(_, next)| next);
            if let Some(last) = before {
                let camel = c.is_uppercase() && last.is_lowercase();
                let acronym = c.is_uppercase() && last.is_uppercase() && next.is_some_and(char::is_lowercase);
                // `server2`, `sha256`: digits at the end of at least two letters.
                let number = c.is_numeric()
                    && last.is_alphabetic()
                    && two_before.is_some_and(char::is_alphabetic)
                    && ends_in_digits(&word[at..]);
                if (camel || acronym || number) && from + at > start {
                    self.parts.push((start, from + at));
                    start = from + at;
                }
            }
            if !matches!(class(c), Class::Mark | Class::Invisible) {
                (two_before, before) = (before, Some(c));
            }
        }
        self.parts.push((start, to));
    }

    /// Indexes only the beginning of what looks like base64 or hex without end; true when it was one.
    fn skip_blob(&mut self) -> bool {
        if self.at < self.blob_checked {
            return false;
        }
        let (mut part, mut longest, mut end) = (0, 0, self.at);
        for byte in self.text.as_bytes()[self.at..].iter() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => part += 1,
                b'+' | b'/' | b'=' | b'_' | b'-' => part = 0,
                _ => break,
            }
            longest = longest.max(part);
            end += 1;
        }
        self.blob_checked = end;
        if end - self.at < BLOB || longest < BLOB_PART {
            return false;
        }
        let start = self.text[self.at..end].find(|c: char| !c.is_ascii_alphanumeric());
        let first = start.map_or(end, |length| self.at + length);
        self.push(self.at, first, None);
        self.position += 1;
        self.at = end;
        true
    }

    fn slot(&mut self) -> usize {
        if self.filled == self.ready.len() {
            self.ready.push(Token::default());
        }
        self.ready[self.filled].text.clear();
        self.filled += 1;
        self.filled - 1
    }

    fn push(&mut self, from: usize, to: usize, sign: Option<&str>) {
        let slot = self.slot();
        let token = &mut self.ready[slot];
        fold_into(&self.text[from..to], &mut token.text, MAX_TOKEN);
        token.text.push_str(sign.unwrap_or(""));
        (token.from, token.to) = (from, to);
        (token.position, token.length) = (self.position, 1);
        if token.text.is_empty() {
            self.filled -= 1;
        }
    }
}

fn is_leading_jamo(c: char) -> bool {
    matches!(c as u32, 0x1100..=0x115F | 0xA960..=0xA97C)
}

fn is_following_jamo(c: char) -> bool {
    matches!(c as u32, 0x1160..=0x11FF | 0xD7B0..=0xD7FB)
}

fn ends_in_digits(rest: &str) -> bool {
    let digits = rest.trim_start_matches(char::is_numeric);
    digits.is_empty() || digits.starts_with(char::is_uppercase)
}

/// Appends the folded form, at most `limit` characters of it.
fn fold_into(text: &str, out: &mut String, limit: usize) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(&text[..text.len().min(limit)]);
        out[start..].make_ascii_lowercase();
        return;
    }
    let (mut from, mut count) = (0, 0);
    let mut chars = text.char_indices().skip(1).peekable();
    while from < text.len() && count < limit {
        let mut to = text.len();
        let jamo = text[from..].chars().next().is_some_and(is_leading_jamo);
        for (at, c) in chars.by_ref() {
            if class(c) != Class::Mark && !(jamo && is_following_jamo(c)) {
                to = at;
                break;
            }
        }
        fold_cluster(&text[from..to], out);
        from = to;
        count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens;
    use rstest::rstest;

    /// `text@position`, wholes as `text@position+length`.
    fn shown(text: &str) -> String {
        let all = tokens(text).into_iter().map(|t| match t.length {
            1 => format!("{}@{}", t.text, t.position),
            n => format!("{}@{}+{n}", t.text, t.position),
        });
        all.collect::<Vec<_>>().join(" ")
    }

    #[rstest]
    #[case("Hello, World", "hello@0 world@1")]
    #[case("getUserProfile()", "get@0 getuserprofile@0+3 user@1 profile@2")]
    #[case("get_user_profile x", "get@0 getuserprofile@0+3 user@1 profile@2 x@3")]
    #[case("HTTPServer2", "http@0 httpserver2@0+3 server@1 2@2")]
    #[case("__init__", "init@0")]
    #[case("a __b", "a@0 b@1")]
    #[case("well-known", "well@0 wellknown@0+2 known@1")]
    #[case("don't", "don@0 dont@0+2 t@1")]
    #[case("src/main.rs", "src@0 main@1 rs@2")]
    #[case("foo::bar", "foo@0 bar@1")]
    #[case("1.95.0", "1@0 95@1 0@2")]
    #[case("sha256 utf8", "sha@0 sha256@0+2 256@1 utf@2 utf8@2+2 8@3")]
    #[case("a3f9c2d1", "a3f9c2d1@0")]
    #[case("C++ and c#", "c@0 c++@0 and@1 c@2 c#@2")]
    #[case("i++; a+b", "i@0 i++@0 a@1 b@2")]
    #[case("数据库abc", "数@0 据@1 库@2 abc@3")]
    #[case("ｶﾞｽ", "ガ@0 ス@1")]
    #[case("\u{1112}\u{1161}\u{11ab}글", "한@0 글@1")]
    #[case("한국어", "한@0 국@1 어@2")]
    #[case("ภาษาไทย", "ภ@0 า@1 ษ@2 า@3 ไ@4 ท@5 ย@6")]
    #[case("हिन्दी भाषा", "हिन्दी@0 भाषा@1")]
    #[case("👩\u{200d}💻👍🏽", "👩@0 💻@1 👍@2")]
    #[case("❤️", "❤@0")]
    #[case("Crème brûlée", "creme@0 brulee@1")]
    #[case("über2", "uber@0 uber2@0+2 2@1")]
    #[case("", "")]
    #[case("--- !!! \u{301}", "")]
    fn a_text_becomes_these_tokens(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn offsets_point_at_the_original() {
        let text = "Ünï getUser 数";
        let all = tokens(text);
        let original: Vec<&str> = all.iter().map(|t| &text[t.from..t.to]).collect();
        assert_eq!(original, ["Ünï", "get", "getUser", "User", "数"]);
    }

    #[test]
    fn blobs_and_endless_words_are_bounded() {
        let blob = "aGVsbG8gd29ybGQ7QmFzZTY0".repeat(5000);
        let all = tokens(&format!("before {blob} after"));
        assert_eq!(all.iter().map(|t| t.text.as_str()).collect::<Vec<_>>()[2..], ["after"]);
        assert_eq!(all[1].text.chars().count(), 64);
        assert!(tokens(&"é".repeat(10_000))[0].text.len() <= 64);
        assert!(tokens(&"a\u{301}".repeat(10_000)).len() == 1);
        assert!(tokens(&format!("x{}", "\u{301}".repeat(100_000))).len() <= 2);
        assert!(tokens(&"a_".repeat(100_000)).len() <= 110_000);
    }

    #[test]
    fn no_text_makes_it_panic() {
        let mut rng = airi_testkit::Rng::new(11);
        let pool: Vec<char> =
            "aB9_-'’+#/= .数かｶﾞ한\u{1112}\u{1161}\u{301}\u{200d}\u{fe0f}👍🏽İßΣй\u{0}\u{640}ไ็é".chars().collect();
        for _ in 0..20_000 {
            let text: String = (0..rng.below(14)).map(|_| *rng.pick(&pool)).collect();
            let mut last = 0;
            for token in tokens(&text) {
                assert!(!token.text.is_empty() && token.from < token.to, "{text:?}");
                assert!(text.is_char_boundary(token.from) && text.is_char_boundary(token.to), "{text:?}");
                assert!(token.position >= last || token.length > 1, "{text:?}");
                last = token.position;
            }
        }
    }
}
