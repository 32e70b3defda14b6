//! From text to [`Query`].

use super::{Clause, Filter, FilterKind, Needle, ParseOptions, Query, QueryError, dates};
use airi_domain::Role;
use std::ops::Range;

const KEYS: [&str; 9] = ["in", "tag", "is", "has", "role", "model", "provider", "before", "after"];
const IS: &str = "starred, archived or deleted";
const HAS: &str = "attachment";
const ROLES: &str = "user, assistant, system, function or tool";
const TITLE: &str = "words of a conversation's title, in quotes when there are several";
const TAG: &str = "a tag, in quotes when it has spaces";
const NAME: &str = "a part of the name";

pub(super) fn parse(text: &str, options: &ParseOptions) -> Result<Query, QueryError> {
    if text.len() > Query::MAX_CHARS && text.chars().count() > Query::MAX_CHARS {
        return Err(QueryError::TooLong { max: Query::MAX_CHARS });
    }
    let mut query = Query { text: text.to_owned(), ..Query::default() };
    let mut reader = Reader { text, at: 0 };
    while let Some(item) = reader.item() {
        let last = item.span.end == text.len();
        let typing = options.prefix_last && last;
        let Some(key) = item.key else {
            let prefix = typing && !item.negated && !item.closed;
            let needle = Needle::new(&text[item.value.clone()], item.quoted, prefix);
            query.clauses.extend(needle.map(|needle| Clause {
                negated: item.negated,
                quoted: item.quoted,
                span: item.value.clone(),
                needle,
            }));
            continue;
        };
        match filter(key, &text[item.value], options) {
            Ok(kind) => query.filters.push(Filter { negated: item.negated, kind }),
            Err(_) if typing && !item.closed => {}
            Err(error) => return Err(error),
        }
    }
    Ok(query)
}

fn filter(key: &'static str, value: &str, options: &ParseOptions) -> Result<FilterKind, QueryError> {
    let value = value.trim();
    let lower = value.to_lowercase();
    let date = || dates::parse(value, options.now, options.utc_offset_seconds);
    let (kind, allowed) = match key {
        "in" => (Some(FilterKind::In(value.to_owned())), TITLE),
        "tag" => (Some(FilterKind::Tag(value.to_owned())), TAG),
        "model" => (Some(FilterKind::Model(value.to_owned())), NAME),
        "provider" => (Some(FilterKind::Provider(value.to_owned())), NAME),
        "role" => (lower.parse::<Role>().ok().map(FilterKind::Role), ROLES),
        "before" => (date().map(FilterKind::Before), dates::ALLOWED),
        "after" => (date().map(FilterKind::After), dates::ALLOWED),
        "is" => {
            let kind = match lower.as_str() {
                "starred" => Some(FilterKind::Starred),
                "archived" => Some(FilterKind::Archived),
                "deleted" => Some(FilterKind::Deleted),
                _ => None,
            };
            (kind, IS)
        }
        _ => (matches!(lower.as_str(), "attachment" | "attachments").then_some(FilterKind::HasAttachment), HAS),
    };
    match kind {
        _ if value.is_empty() => Err(QueryError::NoValue { filter: key, allowed }),
        Some(kind) => Ok(kind),
        None => Err(QueryError::BadValue { filter: key, value: value.chars().take(64).collect(), allowed }),
    }
}

struct Item {
    negated: bool,
    quoted: bool,
    /// A quote that has its end: not being typed any more.
    closed: bool,
    key: Option<&'static str>,
    span: Range<usize>,
    /// Without quotes, minus and key.
    value: Range<usize>,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '＂' | '«' | '»')
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn item(&mut self) -> Option<Item> {
        loop {
            let c = self.peek()?;
            if !c.is_whitespace() {
                break;
            }
            self.at += c.len_utf8();
        }
        let start = self.at;
        let minus = matches!(self.peek(), Some('-' | '－'));
        let after = minus.then(|| self.text[start..].chars().nth(1)).flatten();
        let negated = after.is_some_and(|c| !c.is_whitespace() && c != '-');
        if negated {
            self.at += self.peek().map_or(0, char::len_utf8);
        }
        let key = self.key();
        let quoted = self.peek().is_some_and(is_quote);
        let (value, closed) = if quoted { self.quote() } else { (self.word(), false) };
        Some(Item { negated, quoted, closed, key, span: start..self.at, value })
    }

    /// A known key and its colon; `std::io` and `https://` are words.
    fn key(&mut self) -> Option<&'static str> {
        let rest = &self.text[self.at..];
        let key = KEYS.into_iter().find(|key| {
            let colon = key.len();
            let named = rest.get(..colon).is_some_and(|name| name.eq_ignore_ascii_case(key));
            named && rest[colon..].starts_with(':') && !rest[colon + 1..].starts_with([':', '/'])
        })?;
        self.at += key.len() + 1;
        Some(key)
    }

    fn quote(&mut self) -> (Range<usize>, bool) {
        self.at += self.peek().map_or(0, char::len_utf8);
        let start = self.at;
        let end = self.text[start..].find(is_quote).map(|length| start + length);
        self.at = end.unwrap_or(self.text.len());
        self.at += self.peek().map_or(0, char::len_utf8);
        (start..end.unwrap_or(self.text.len()), end.is_some())
    }

    fn word(&mut self) -> Range<usize> {
        let start = self.at;
        let length = self.text[start..].find(|c: char| c.is_whitespace() || is_quote(c));
        self.at = length.map_or(self.text.len(), |length| start + length);
        start..self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airi_domain::Time;
    use rstest::rstest;

    fn options(prefix_last: bool) -> ParseOptions {
        ParseOptions { prefix_last, now: Time::from_micros(0).unwrap(), utc_offset_seconds: 0 }
    }

    /// `-` negated, `*` prefix, parts joined by blanks; filters after them.
    fn shown(text: &str, typing: bool) -> String {
        let query = Query::parse(text, &options(typing)).unwrap();
        let clauses = query.clauses.iter().map(|c| {
            let sign = if c.negated { "-" } else { "" };
            let star = if c.needle.prefix { "*" } else { "" };
            format!("{sign}[{}]{star}", c.needle.parts.join(" "))
        });
        let filters = query.filters.iter().map(|f| format!("{}{:?}", if f.negated { "-" } else { "" }, f.kind));
        clauses.chain(filters).collect::<Vec<_>>().join(" ")
    }

    #[rstest]
    #[case("rust async", "[rust] [async]")]
    #[case("\"exact phrase\" -not -\"two words\"", "[exact phrase] -[not] -[two words]")]
    #[case("“smart quotes”", "[smart quotes]")]
    #[case("未来　東京", "[未 来] [東 京]")]
    #[case("role:user ROLE:Assistant", "Role(User) Role(Assistant)")]
    #[case("-is:archived is:starred has:attachment", "-Archived Starred HasAttachment")]
    #[case("in:\"My trip\" tag:work", "In(\"My trip\") Tag(\"work\")")]
    #[case("std::io https://a.b in::x", "[std io] [https a b] [in x]")]
    #[case("foo:bar", "[foo bar]")]
    #[case("well-known - --flag", "[well known] [flag]")]
    #[case("\"is:starred\"", "[is starred]")]
    #[case("unclosed \"a b", "[unclosed] [a b]")]
    #[case("!!! ...", "")]
    fn a_text_means_this(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(shown(text, false), expected);
    }

    #[rstest]
    #[case("rust asy", "[rust] [asy]*")]
    #[case("rust ", "[rust]")]
    #[case("\"open phr", "[open phr]*")]
    #[case("\"closed\"", "[closed]")]
    #[case("a -no", "[a] -[no]")]
    #[case("a before:20", "[a]")]
    #[case("a role:", "[a]")]
    fn while_typing_the_last_word_is_a_prefix(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(shown(text, true), expected);
    }

    #[test]
    fn a_bad_value_says_what_is_allowed() {
        let error = Query::parse("a before:tomorow", &options(false)).unwrap_err().to_string();
        assert!(error.contains("before:tomorow") && error.contains("2024-05-31"), "{error}");
        assert!(Query::parse("role:robot x", &options(true)).unwrap_err().to_string().contains("assistant"));
        assert!(Query::parse("is: x", &options(false)).unwrap_err().to_string().contains("starred"));
        assert!(Query::parse(&"a".repeat(1001), &options(false)).is_err());
    }

    #[test]
    fn conversation_filters_are_told_apart() {
        let query = Query::parse("x in:a role:user -tag:b", &options(false)).unwrap();
        assert_eq!(query.conversation_filters().count(), 2);
        assert_eq!(query.message_filters().count(), 1);
        assert!(query.has_words() && !query.is_empty());
        assert!(Query::parse("?", &options(false)).unwrap().is_empty());
    }

    #[test]
    fn corrected_words_are_put_into_the_text() {
        let query = Query::parse("teh -x databse role:user", &options(false)).unwrap();
        let fixed = query.with_words(&[(0, "the".into()), (2, "database".into())]);
        assert_eq!(fixed.text(), "the -x database role:user");
        assert_eq!(&fixed.text()[fixed.clauses[2].span.clone()], "database");
    }

    #[test]
    fn no_input_makes_it_panic() {
        let mut rng = airi_testkit::Rng::new(5);
        let pieces = [
            "\"",
            "“",
            "-",
            "－",
            ":",
            " ",
            "　",
            "in:",
            "role:",
            "before:",
            "after:",
            "is:",
            "has:",
            "2024",
            "-13",
            "7d",
            "a",
            "é",
            "数",
            "👩\u{200d}💻",
            "\u{301}",
            "\0",
            "tag:\"",
            "::",
            "/",
            "'",
            "9999y",
            "İ",
            "ﬁ",
            "model:",
        ];
        for _ in 0..50_000 {
            let text: String = (0..rng.below(9)).map(|_| *rng.pick(&pieces)).collect();
            for typing in [false, true] {
                if let Ok(query) = Query::parse(&text, &options(typing)) {
                    assert!(query.clauses.iter().all(|c| text.get(c.span.clone()).is_some()), "{text:?}");
                }
            }
        }
    }
}
