//! One word or phrase in the form in which it is looked for: the tokens that must stand next to each other, or the
//! whole that they make when written together.

use crate::tokens::tokens;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needle {
    /// Tokens in order; each stands one position after the one before.
    pub(crate) parts: Vec<String>,
    /// The parts of one identifier written together: matches alone, however it was split where it stands.
    pub(crate) whole: Option<String>,
    /// The last part, and the whole, match as prefixes.
    pub(crate) prefix: bool,
}

impl Needle {
    /// None when the text holds nothing that can be searched.
    pub(crate) fn new(text: &str, quoted: bool, prefix: bool) -> Option<Needle> {
        let (mut parts, mut whole, mut spans) = (Vec::<String>::new(), None, 0);
        let mut position = None;
        for token in tokens(text) {
            if token.length > 1 {
                (whole, spans) = (Some(token.text), token.length as usize);
            } else if position == Some(token.position) {
                // `c++` in place of `c`.
                parts.pop();
                parts.push(token.text);
            } else {
                position = Some(token.position);
                parts.push(token.text);
            }
        }
        let whole = whole.filter(|_| spans == parts.len() && !quoted);
        (!parts.is_empty()).then_some(Needle { parts, whole, prefix })
    }

    /// A single token as it stands in the index.
    pub(crate) fn of_word(word: String) -> Needle {
        Needle { parts: vec![word], whole: None, prefix: false }
    }

    /// The token when it is only one.
    pub(crate) fn single(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_looked_for_by_parts_and_whole() {
        let needle = Needle::new("getUserName", false, false).unwrap();
        assert_eq!((needle.parts.join(" ").as_str(), needle.whole.as_deref()), ("get user name", Some("getusername")));
        assert_eq!(Needle::new("a getUser", false, false).unwrap().whole, None);
        assert_eq!(Needle::new("getUser", true, false).unwrap().whole, None);
        assert_eq!(Needle::new("C++", false, false).unwrap().single(), Some("c++"));
        assert_eq!(Needle::new("?!", false, false), None);
    }
}
