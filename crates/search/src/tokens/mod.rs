//! Text to tokens, for every script, the same for what is indexed and what is asked.
//!
//! - Words between spaces become one token each, folded (see `fold`). There is no stemming: a history mixes languages,
//!   and an exact token is what a search for code or a name needs.
//! - Scripts without spaces (Chinese, Japanese, Korean, Thai …) become one token a character, so that one character
//!   finds and several are a phrase. Pairs of characters would make such phrases faster but index each text twice,
//!   beyond the size goal.
//! - Identifiers (`get_user_profile`, `getUserProfile`, `HTTPServer2`, `well-known`, `don't`) become their parts, one
//!   position each, and the whole, written together, at the position of the first part and as long as all of them. So
//!   parts, whole and phrases across all find, however the whole is written.
//! - Paths and versions (`src/main.rs`, `foo::bar`, `1.95.0`) are just neighbours: a phrase of them is exact.
//! - Emoji and signs are tokens. `c++`, `c#` and the like are tokens beside their letters.
//! - A token is at most 64 characters; of longer runs only the beginning counts, and blobs such as base64 only once.

mod fold;
mod scan;

pub(crate) use fold::{Class, class};
pub(crate) use scan::{Scanner, Token};

use tantivy::tokenizer::{Token as IndexToken, TokenStream, Tokenizer};

/// Longest token in characters.
pub(crate) const MAX_TOKEN: usize = 64;

/// All tokens of a short text.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut scanner = Scanner::new(text);
    let mut all = Vec::new();
    while let Some(token) = scanner.next_token() {
        all.push(token.clone());
    }
    all
}

/// The form in which Tantivy takes it.
#[derive(Clone, Default)]
pub(crate) struct AiriTokenizer;

pub(crate) struct AiriStream<'a> {
    scanner: Scanner<'a>,
    token: IndexToken,
}

impl Tokenizer for AiriTokenizer {
    type TokenStream<'a> = AiriStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> AiriStream<'a> {
        AiriStream { scanner: Scanner::new(text), token: IndexToken::default() }
    }
}

impl TokenStream for AiriStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(next) = self.scanner.next_token() else { return false };
        self.token.text.clear();
        self.token.text.push_str(&next.text);
        self.token.offset_from = next.from;
        self.token.offset_to = next.to;
        self.token.position = next.position as usize;
        self.token.position_length = next.length as usize;
        true
    }

    fn token(&self) -> &IndexToken {
        &self.token
    }

    fn token_mut(&mut self) -> &mut IndexToken {
        &mut self.token
    }
}
