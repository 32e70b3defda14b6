//! The piece of a text that shows why it was found. The caller brings the text (from the mirror): the index has none.

use crate::query::{Needle, Query};
use crate::terms::Terms;
use crate::tokens::{Class, Token, class, tokens};
use std::ops::Range;

/// A piece of a text on one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snippet {
    /// With `…` where the text goes on, blanks and line breaks as single blanks.
    pub text: String,
    /// What matched, in order, without overlaps: Unicode scalar values (`char`s) of `text`, not bytes and not UTF-16.
    pub highlights: Vec<Range<usize>>,
}

/// Further than so many bytes into a text no match is looked for.
const LOOKED_AT: usize = 4 << 20;

/// Whether the text alone holds every word and phrase of the query, and none that it excludes. Filters are not asked.
pub fn matches(text: &str, query: &Query) -> bool {
    let terms = Terms::new(text);
    query.wanted().all(|needle| terms.count(needle) > 0) && !query.unwanted().any(|needle| terms.count(needle) > 0)
}

/// The best window of at most `max_chars` characters: where the most different words are, or the beginning.
pub fn snippet(text: &str, query: &Query, max_chars: usize) -> Snippet {
    let text = &text[..text.floor_char_boundary(LOOKED_AT)];
    let found = occurrences(text, query);
    let window = window(text, &found, max_chars.max(3));
    render(text, window, &found)
}

/// Byte ranges with the number of the needle, in order.
fn occurrences(text: &str, query: &Query) -> Vec<(Range<usize>, usize)> {
    let all = tokens(text);
    let needles: Vec<&Needle> = query.wanted().collect();
    if needles.is_empty() {
        return Vec::new();
    }
    // Tokens of one position are neighbours but for wholes, which come first of theirs.
    let mut starts: Vec<usize> = Vec::new();
    for (at, token) in all.iter().enumerate() {
        while starts.len() <= token.position as usize {
            starts.push(at);
        }
    }
    let mut found = Vec::new();
    for (number, needle) in needles.into_iter().enumerate() {
        for (at, token) in all.iter().enumerate() {
            let whole = needle.whole.as_deref().is_some_and(|whole| is(token, whole, needle.prefix));
            let end = if whole { Some(token.to) } else { phrase_end(&all, &starts, at, needle) };
            found.extend(end.map(|end| (token.from..end, number)));
        }
    }
    found.sort_unstable_by_key(|(range, number)| (range.start, range.end, *number));
    found
}

fn is(token: &Token, word: &str, prefix: bool) -> bool {
    if prefix { token.text.starts_with(word) } else { token.text == word }
}

/// Where the phrase ends that begins with this token.
fn phrase_end(all: &[Token], starts: &[usize], at: usize, needle: &Needle) -> Option<usize> {
    let last = needle.parts.len() - 1;
    let mut end = is(&all[at], &needle.parts[0], needle.prefix && last == 0).then_some(all[at].to)?;
    for (n, part) in needle.parts.iter().enumerate().skip(1) {
        let position = all[at].position + n as u32;
        let here = all[*starts.get(position as usize)?..].iter().take_while(|token| token.position <= position);
        let mut fitting =
            here.filter(|token| token.position == position && is(token, part, needle.prefix && n == last));
        end = fitting.next()?.to;
    }
    Some(end)
}

/// The byte range to show.
fn window(text: &str, found: &[(Range<usize>, usize)], max_chars: usize) -> Range<usize> {
    let Some((first, _)) = found.first() else { return 0..forward(text, 0, max_chars) };
    // Counted in bytes while choosing: near enough.
    let (mut best, mut best_words) = (first.start, 0);
    for (at, (range, _)) in found.iter().enumerate() {
        let inside = found[at..].iter().take_while(|(other, _)| other.end <= range.start + max_chars);
        let mut words: Vec<usize> = inside.map(|(_, number)| *number).collect();
        words.sort_unstable();
        words.dedup();
        if words.len() > best_words {
            (best, best_words) = (range.start, words.len());
        }
        // Thousands of occurrences say nothing more.
        if at > 2000 {
            break;
        }
    }
    let before = backward(text, best, max_chars / 4);
    let start = if before == 0 { 0 } else { word_start(text, before, best) };
    let end = forward(text, start, max_chars.saturating_sub(usize::from(start > 0)));
    // Near the end of the text, show more of what comes before.
    if end == text.len() {
        let earlier = backward(text, end, max_chars);
        let start = if earlier == 0 { 0 } else { word_start(text, earlier, start.max(earlier)).min(start) };
        return start..end;
    }
    start..end
}

/// The first place after a blank in `from..limit`; `from` when there is none.
fn word_start(text: &str, from: usize, limit: usize) -> usize {
    let blank = text[from..limit].char_indices().find(|(_, c)| c.is_whitespace());
    blank.map_or(from, |(at, c)| from + at + c.len_utf8())
}

/// So many characters on from `from`, back to the edge of a grapheme.
fn forward(text: &str, from: usize, chars: usize) -> usize {
    match text[from..].char_indices().nth(chars) {
        // One less for the sign that it goes on.
        Some(_) => {
            let at = text[from..].char_indices().nth(chars.saturating_sub(1)).map_or(text.len(), |(at, _)| from + at);
            edge(text, at, from)
        }
        None => text.len(),
    }
}

fn backward(text: &str, from: usize, chars: usize) -> usize {
    let at = text[..from].char_indices().rev().nth(chars).map_or(0, |(at, c)| at + c.len_utf8());
    edge(text, at, 0)
}

/// The last place at or before `at`, not before `from`, that does not split what is drawn as one.
fn edge(text: &str, mut at: usize, from: usize) -> usize {
    while at > from && !is_edge(text, at) {
        at -= text[..at].chars().next_back().map_or(1, char::len_utf8);
    }
    at
}

fn is_edge(text: &str, at: usize) -> bool {
    let (Some(before), Some(after)) = (text[..at].chars().next_back(), text[at..].chars().next()) else { return true };
    let regional = |c: char| matches!(c as u32, 0x1F1E6..=0x1F1FF);
    let flags = text[..at].chars().rev().take_while(|c| regional(*c)).count();
    let one_flag = regional(after) && flags % 2 == 1;
    let one_syllable = matches!(after as u32, 0x1160..=0x11FF) && class(before) == Class::Unspaced;
    let one_break = (before, after) == ('\r', '\n');
    let one_cluster = matches!(class(after), Class::Mark | Class::Invisible) || before == '\u{200d}';
    !(one_flag || one_syllable || one_break || one_cluster)
}

fn render(text: &str, window: Range<usize>, found: &[(Range<usize>, usize)]) -> Snippet {
    let mut out = Snippet::default();
    let mut count = 0;
    let mut push = |out: &mut Snippet, c: char| {
        out.text.push(c);
        count += 1;
        count
    };
    if window.start > 0 {
        push(&mut out, '…');
    }
    let mut next = found.partition_point(|(range, _)| range.start < window.start);
    let mut open: Option<(usize, usize)> = None;
    let mut blank = true;
    let mut length = usize::from(window.start > 0);
    for (at, c) in text[window.clone()].char_indices() {
        let at = window.start + at;
        if open.is_some_and(|(end, _)| at >= end) {
            out.highlights.extend(open.take().map(|(_, start)| start..length));
        }
        while let Some((range, _)) = found.get(next).filter(|(range, _)| range.start <= at) {
            let held = open.unwrap_or((0, length));
            open = Some((held.0.max(range.end), held.1));
            next += 1;
        }
        if c.is_whitespace() || c.is_control() {
            if !std::mem::replace(&mut blank, true) {
                length = push(&mut out, ' ');
            }
        } else {
            blank = false;
            length = push(&mut out, c);
        }
    }
    out.highlights.extend(open.map(|(_, start)| start..length));
    if window.end < text.len() {
        push(&mut out, '…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::ParseOptions;
    use airi_domain::Time;
    use rstest::rstest;

    fn query(text: &str, prefix_last: bool) -> Query {
        let now = Time::from_micros(0).unwrap();
        Query::parse(text, &ParseOptions { prefix_last, now, utc_offset_seconds: 0 }).unwrap()
    }

    /// Highlights in brackets.
    fn shown(text: &str, asked: &str, prefix: bool, max: usize) -> String {
        let made = snippet(text, &query(asked, prefix), max);
        let chars: Vec<char> = made.text.chars().collect();
        assert!(chars.len() <= max.max(3) + 1, "{} > {max}", chars.len());
        let mut out = String::new();
        for (at, c) in chars.iter().enumerate() {
            out.extend(made.highlights.iter().filter(|range| range.end == at).map(|_| ']'));
            out.extend(made.highlights.iter().filter(|range| range.start == at).map(|_| '['));
            out.push(*c);
        }
        out.extend(made.highlights.iter().filter(|range| range.end == chars.len()).map(|_| ']'));
        out
    }

    #[rstest]
    #[case("The Café is open", "cafe", "The [Café] is open")]
    #[case("我们的数据库很大", "数据", "我们的[数据]库很大")]
    #[case("call getUserProfile() now", "user", "call get[User]Profile() now")]
    #[case("call getUserProfile() now", "getuserprofile", "call [getUserProfile]() now")]
    #[case("in src/main.rs there", "src/main.rs", "in [src/main.rs] there")]
    #[case("a\n\n  b\tc", "b", "a [b] c")]
    #[case("nothing here", "missing", "nothing here")]
    #[case("写C++代码", "c++", "写[C++]代码")]
    #[case("ｶﾞｿﾘﾝ", "ガソリン", "[ｶﾞｿﾘﾝ]")]
    #[case("red blue red", "red", "[red] blue [red]")]
    #[case("well-known", "\"well known\"", "[well-known]")]
    fn highlights_what_the_tokenizer_matched(#[case] text: &str, #[case] asked: &str, #[case] expected: &str) {
        assert_eq!(shown(text, asked, false, 60), expected);
    }

    #[test]
    fn a_prefix_highlights_the_word_it_begins() {
        assert_eq!(shown("we are searching", "sear", true, 60), "we are [searching]");
    }

    #[test]
    fn the_window_is_where_the_most_words_are() {
        let text = format!("alpha {} alpha beta {}", "x ".repeat(200), "y ".repeat(200));
        let made = shown(&text, "alpha beta", false, 40);
        assert!(made.contains("[alpha] [beta]") && made.starts_with('…') && made.ends_with('…'), "{made}");
    }

    #[test]
    fn graphemes_stay_whole() {
        let text = "👩\u{200d}💻".repeat(50) + " needle " + &"🇯🇵".repeat(50) + &"e\u{301}".repeat(50);
        for max in 3..80 {
            let made = snippet(&text, &query("needle", false), max);
            let inner = made.text.trim_matches('…').to_owned();
            assert!(!inner.starts_with(['\u{200d}', '\u{301}']) && !inner.ends_with('\u{200d}'), "{inner:?}");
            let flags = inner.chars().filter(|c| matches!(*c as u32, 0x1F1E6..=0x1F1FF)).count();
            assert_eq!(flags % 2, 0, "{inner:?}");
        }
    }

    #[test]
    fn no_text_and_no_size_make_it_panic() {
        let mut rng = airi_testkit::Rng::new(3);
        let pieces =
            ["a", "é", "e\u{301}", "数", " ", "\n", "👩\u{200d}💻", "🇯🇵", "getUser", "\u{301}", "\r\n", "_", "ｶﾞ"];
        for _ in 0..20_000 {
            let text: String = (0..rng.below(12)).map(|_| *rng.pick(&pieces)).collect();
            let asked: String = (0..rng.below(4)).map(|_| *rng.pick(&pieces)).collect();
            let query = query(&asked, rng.chance(0.5));
            let made = snippet(&text, &query, rng.below(12));
            let chars = made.text.chars().count();
            assert!(made.highlights.iter().all(|r| r.start < r.end && r.end <= chars), "{text:?} {asked:?} {made:?}");
            assert!(made.highlights.is_sorted_by_key(|r| r.start), "{text:?} {asked:?}");
            if query.has_words() && matches(&text, &query) {
                assert!(!snippet(&text, &query, 1000).highlights.is_empty(), "{text:?} {asked:?}");
            }
        }
    }
}
