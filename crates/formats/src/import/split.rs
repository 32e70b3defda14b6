//! Cuts a JSON text into the elements of its top-level list while it is being read.
//!
//! Memory is bounded by the largest element, never by the file; nesting is followed with a stack of its own, so depth
//! cannot overflow anything. The syntax is checked to the last byte: an element that comes out is valid JSON (blanks
//! between tokens removed, lone surrogates replaced), and a text that is not fails with the byte where it goes wrong.

use super::error::{ImportError, shown};
use std::io::{self, Read};

const CHUNK: usize = 256 * 1024;
/// A longer run of blanks is no export.
const MAX_BLANKS: u64 = 16 * 1024 * 1024;
/// Deeper than this, the text is refused whole: only an attack looks like that.
const MAX_DEPTH: usize = 4_000_000;
/// What serde_json reads; deeper elements are handed out as unreadable.
pub(crate) const READABLE_DEPTH: usize = 120;
const MAX_NUMBER: usize = 4096;
/// How much of the members beside the list is kept.
const MAX_HEADER: usize = 1024 * 1024;

/// One element of the top-level list.
pub(crate) struct Element {
    /// Valid UTF-8 JSON; cut off when `too_long`.
    pub json: String,
    /// It was longer than the limit: `json` is only its beginning.
    pub too_long: bool,
    pub depth: usize,
    /// Lone surrogates and bytes that are no UTF-8, each replaced by U+FFFD.
    pub mended: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Start,
    List { first: bool, inside_object: bool },
    Members { first: bool },
    End,
}

pub(crate) struct Splitter<R> {
    reader: R,
    name: String,
    buffer: Vec<u8>,
    at: usize,
    /// Of the buffer's first byte in the text.
    offset: u64,
    place: Place,
    /// Members of a top-level object as `{"a":1,"b":2`, without the list.
    header: Vec<u8>,
    list_seen: bool,
    max_element: usize,
}

struct Sink {
    bytes: Vec<u8>,
    max: usize,
    over: bool,
    depth: usize,
    surrogates: bool,
}

impl Sink {
    fn new(max: usize) -> Sink {
        Sink { bytes: Vec::new(), max, over: false, depth: 0, surrogates: false }
    }

    fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    fn extend(&mut self, bytes: &[u8]) {
        if self.over || self.bytes.len() + bytes.len() > self.max {
            self.over = true;
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

impl<R: Read> Splitter<R> {
    /// `name` is for error messages; `max_element` is in bytes.
    pub(crate) fn new(reader: R, name: &str, max_element: usize) -> Splitter<R> {
        Splitter {
            reader,
            name: shown(name),
            buffer: Vec::with_capacity(CHUNK),
            at: 0,
            offset: 0,
            place: Place::Start,
            header: Vec::new(),
            list_seen: false,
            max_element,
        }
    }

    /// How many bytes of the text were taken so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset + self.at as u64
    }

    /// The members of the top-level object that stand beside its list and were read so far, as JSON.
    pub(crate) fn header(&self) -> Option<String> {
        if self.header.is_empty() {
            return None;
        }
        let mut text = self.header.clone();
        text.push(b'}');
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// The next element; None at the proper end of the text.
    pub(crate) fn next_element(&mut self) -> Result<Option<Element>, ImportError> {
        loop {
            match self.place {
                Place::Start => self.start()?,
                Place::List { first, inside_object } => {
                    let byte = self.token("the list of conversations is cut off")?;
                    match (byte, first) {
                        (b']', _) => {
                            self.place = if inside_object { Place::Members { first: false } } else { Place::End };
                            continue;
                        }
                        (_, true) => self.at -= 1,
                        (b',', false) => {}
                        _ => return Err(self.broken_back("a comma or ']' was expected between two conversations")),
                    }
                    self.place = Place::List { first: false, inside_object };
                    let mut sink = Sink::new(self.max_element);
                    self.value(&mut sink)?;
                    return Ok(Some(self.element(sink)));
                }
                Place::Members { first } => {
                    if let Some(element) = self.member(first)? {
                        return Ok(Some(element));
                    }
                }
                Place::End => {
                    return match self.skip_blanks()? {
                        None => Ok(None),
                        Some(_) => Err(self.broken_back("more text follows after the end of the JSON")),
                    };
                }
            }
        }
    }

    fn start(&mut self) -> Result<(), ImportError> {
        self.fill()?;
        if self.buffer.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.at = 3;
        }
        if self.buffer.starts_with(&[0xff, 0xfe]) || self.buffer.starts_with(&[0xfe, 0xff]) {
            return Err(self.not_json("it is UTF-16 text, and JSON is UTF-8"));
        }
        let first = match self.skip_blanks() {
            Err(ImportError::Broken { .. }) => {
                return Err(self.not_json("it starts with millions of blanks"));
            }
            other => other?,
        };
        match first {
            None => Err(ImportError::Empty { name: self.name.clone() }),
            Some(b'[') => {
                self.place = Place::List { first: true, inside_object: false };
                Ok(())
            }
            Some(b'{') => {
                self.header.push(b'{');
                self.place = Place::Members { first: true };
                Ok(())
            }
            Some(byte) => {
                self.at -= 1;
                Err(self.not_json(match byte {
                    b'<' => "it looks like a web page (the export's chat.html cannot be imported)",
                    b'P' => "it looks like another kind of file",
                    _ => "it does not begin with '[' or '{'",
                }))
            }
        }
    }

    /// One member of the top-level object. At the end of an object without a list, the object itself is the element.
    fn member(&mut self, first: bool) -> Result<Option<Element>, ImportError> {
        let mut byte = self.token("the JSON is cut off inside an object")?;
        if byte == b'}' {
            self.place = Place::End;
            if self.list_seen {
                return Ok(None);
            }
            let mut sink = Sink::new(usize::MAX);
            sink.bytes = self.header.clone();
            sink.bytes.push(b'}');
            sink.surrogates = true;
            return Ok(Some(self.element(sink)));
        }
        if !first {
            if byte != b',' {
                return Err(self.broken_back("a comma or '}' was expected"));
            }
            byte = self.token("the JSON is cut off inside an object")?;
        }
        if byte != b'"' {
            return Err(self.broken_back("a key in quotation marks was expected"));
        }
        let mut key = Sink::new(MAX_HEADER);
        self.string(&mut key)?;
        if self.token("the JSON is cut off after a key")? != b':' {
            return Err(self.broken_back("':' was expected after a key"));
        }
        self.place = Place::Members { first: false };
        if key.bytes == br#""conversations""# && !self.list_seen {
            if self.token("the JSON is cut off after a key")? == b'[' {
                self.list_seen = true;
                self.place = Place::List { first: true, inside_object: true };
                return Ok(None);
            }
            self.at -= 1;
        }
        let room = if self.list_seen { MAX_HEADER } else { self.max_element };
        let mut sink = Sink::new(room.saturating_sub(self.header.len() + key.bytes.len() + 2));
        self.value(&mut sink)?;
        if sink.over {
            sink.bytes = b"null".to_vec();
        }
        if self.header.len() + key.bytes.len() + sink.bytes.len() + 2 <= room {
            if self.header.len() > 1 {
                self.header.push(b',');
            }
            self.header.extend_from_slice(&key.bytes);
            self.header.push(b':');
            self.header.extend_from_slice(&sink.bytes);
        }
        Ok(None)
    }

    fn element(&self, sink: Sink) -> Element {
        let mut bytes = sink.bytes;
        let mut mended = if sink.surrogates { mend_surrogates(&mut bytes) } else { 0 };
        let json = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                mended += 1;
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }
        };
        Element { json, too_long: sink.over, depth: sink.depth, mended }
    }

    /// One whole value, checked and copied without blanks. An explicit stack stands for the nesting.
    fn value(&mut self, sink: &mut Sink) -> Result<(), ImportError> {
        #[derive(PartialEq)]
        enum Expect {
            Value,
            ValueOrEnd,
            KeyOrEnd,
            Key,
            CommaOrEnd,
        }
        let cut = "the text ends in the middle of a value";
        // true: an object
        let mut stack: Vec<bool> = Vec::new();
        let mut expect = Expect::Value;
        loop {
            let byte = self.token(cut)?;
            match (&expect, byte) {
                (Expect::ValueOrEnd, b']') | (Expect::KeyOrEnd, b'}') => {
                    sink.push(byte);
                    stack.pop();
                    expect = Expect::CommaOrEnd;
                }
                (Expect::Value | Expect::ValueOrEnd, b'{' | b'[') => {
                    sink.push(byte);
                    if stack.len() >= MAX_DEPTH {
                        return Err(self.broken("it is nested millions of levels deep"));
                    }
                    stack.push(byte == b'{');
                    sink.depth = sink.depth.max(stack.len());
                    expect = if byte == b'{' { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
                }
                (Expect::Value | Expect::ValueOrEnd, _) => {
                    self.scalar(byte, sink)?;
                    expect = Expect::CommaOrEnd;
                }
                (Expect::Key | Expect::KeyOrEnd, b'"') => {
                    self.string(sink)?;
                    if self.token(cut)? != b':' {
                        return Err(self.broken_back("':' was expected after a key"));
                    }
                    sink.push(b':');
                    expect = Expect::Value;
                }
                (Expect::Key | Expect::KeyOrEnd, _) => {
                    return Err(self.broken_back("a key in quotation marks was expected"));
                }
                (Expect::CommaOrEnd, b',') => {
                    sink.push(b',');
                    expect = if stack.last() == Some(&true) { Expect::Key } else { Expect::Value };
                }
                (Expect::CommaOrEnd, b'}') if stack.last() == Some(&true) => {
                    sink.push(b'}');
                    stack.pop();
                }
                (Expect::CommaOrEnd, b']') if stack.last() == Some(&false) => {
                    sink.push(b']');
                    stack.pop();
                }
                (Expect::CommaOrEnd, _) => return Err(self.broken_back("a comma or a closing bracket was expected")),
            }
            if stack.is_empty() && expect == Expect::CommaOrEnd {
                return Ok(());
            }
        }
    }

    fn scalar(&mut self, byte: u8, sink: &mut Sink) -> Result<(), ImportError> {
        match byte {
            b'"' => self.string(sink),
            b't' => self.word(b"true", sink),
            b'f' => self.word(b"false", sink),
            b'n' => self.word(b"null", sink),
            b'-' | b'0'..=b'9' => self.number(byte, sink),
            _ => Err(self.broken_back("a value was expected")),
        }
    }

    fn word(&mut self, word: &'static [u8], sink: &mut Sink) -> Result<(), ImportError> {
        for expected in &word[1..] {
            match self.peek()? {
                Some(byte) if byte == *expected => self.at += 1,
                Some(_) => return Err(self.broken("a value was expected")),
                None => return Err(self.broken("the text ends in the middle of a value")),
            }
        }
        sink.extend(word);
        Ok(())
    }

    fn number(&mut self, first: u8, sink: &mut Sink) -> Result<(), ImportError> {
        let mut digits = vec![first];
        while let Some(byte @ (b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) = self.peek()? {
            if digits.len() >= MAX_NUMBER {
                return Err(self.broken("a number has thousands of digits"));
            }
            digits.push(byte);
            self.at += 1;
        }
        if !is_number(&digits) {
            return Err(self.broken("a number is malformed"));
        }
        sink.extend(&digits);
        Ok(())
    }

    /// The rest of a string whose opening mark was taken.
    fn string(&mut self, sink: &mut Sink) -> Result<(), ImportError> {
        sink.push(b'"');
        loop {
            if self.peek()?.is_none() {
                return Err(self.broken("the text ends in the middle of a string"));
            }
            let rest = &self.buffer[self.at..];
            let plain = rest.iter().position(|b| *b == b'"' || *b == b'\\' || *b < 0x20).unwrap_or(rest.len());
            sink.extend(&rest[..plain]);
            self.at += plain;
            match self.peek()? {
                None => continue,
                Some(b'"') => {
                    self.at += 1;
                    sink.push(b'"');
                    return Ok(());
                }
                Some(b'\\') => self.escape(sink)?,
                Some(byte) if byte < 0x20 => return Err(self.broken("a string holds a raw control character")),
                Some(_) => continue,
            }
        }
    }

    fn escape(&mut self, sink: &mut Sink) -> Result<(), ImportError> {
        let cut = "the text ends in the middle of a string";
        self.at += 1;
        let kind = self.peek()?.ok_or_else(|| self.broken(cut))?;
        if !matches!(kind, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u') {
            return Err(self.broken("a string holds an unknown escape"));
        }
        self.at += 1;
        sink.extend(&[b'\\', kind]);
        if kind == b'u' {
            let mut hex = [0_u8; 4];
            for digit in &mut hex {
                *digit = self.peek()?.ok_or_else(|| self.broken(cut))?;
                if !digit.is_ascii_hexdigit() {
                    return Err(self.broken("a \\u escape needs four hexadecimal digits"));
                }
                self.at += 1;
            }
            sink.surrogates |= matches!(hex, [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
            sink.extend(&hex);
        }
        Ok(())
    }

    /// The next byte that is no blank, taken.
    fn token(&mut self, cut: &'static str) -> Result<u8, ImportError> {
        self.skip_blanks()?.ok_or_else(|| self.broken(cut))
    }

    fn skip_blanks(&mut self) -> Result<Option<u8>, ImportError> {
        let mut run = 0_u64;
        loop {
            if self.peek()?.is_none() {
                return Ok(None);
            }
            let rest = &self.buffer[self.at..];
            let blanks = rest.iter().position(|b| !matches!(b, b' ' | b'\n' | b'\r' | b'\t'));
            match blanks {
                Some(count) => {
                    self.at += count + 1;
                    return Ok(Some(self.buffer[self.at - 1]));
                }
                None => {
                    run += rest.len() as u64;
                    self.at = self.buffer.len();
                    if run > MAX_BLANKS {
                        return Err(self.broken("millions of blanks follow one another"));
                    }
                }
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, ImportError> {
        if self.at == self.buffer.len() {
            self.fill()?;
        }
        Ok(self.buffer.get(self.at).copied())
    }

    fn fill(&mut self) -> Result<(), ImportError> {
        self.offset += self.buffer.len() as u64;
        self.at = 0;
        self.buffer.resize(CHUNK, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(*read.as_ref().unwrap_or(&0));
        read.map(|_| ()).map_err(|source| match source.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => {
                self.broken(&source.to_string())
            }
            _ => ImportError::Read { name: self.name.clone(), source },
        })
    }

    fn broken(&self, what: &str) -> ImportError {
        ImportError::Broken { name: self.name.clone(), position: self.offset(), what: what.to_owned() }
    }

    /// For a byte that was taken already.
    fn broken_back(&self, what: &str) -> ImportError {
        ImportError::Broken {
            name: self.name.clone(),
            position: self.offset().saturating_sub(1),
            what: what.to_owned(),
        }
    }

    fn not_json(&self, hint: &str) -> ImportError {
        ImportError::NotJson { name: self.name.clone(), position: self.offset(), hint: hint.to_owned() }
    }
}

/// The number grammar of RFC 8259.
fn is_number(text: &[u8]) -> bool {
    let digits = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    match digits(at) {
        0 => return false,
        more if more > 1 && text[at] == b'0' => return false,
        count => at += count,
    }
    if text.get(at) == Some(&b'.') {
        let count = digits(at + 1);
        if count == 0 {
            return false;
        }
        at += 1 + count;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let count = if at <= text.len() { digits(at) } else { 0 };
        if count == 0 {
            return false;
        }
        at += count;
    }
    at == text.len()
}

/// Replaces escapes that are half of a surrogate pair by `\ufffd`; says how many.
fn mend_surrogates(bytes: &mut [u8]) -> usize {
    let unit = |bytes: &[u8], at: usize| -> Option<u16> {
        let text = bytes.get(at..at + 6)?;
        if &text[..2] != br"\u" {
            return None;
        }
        u16::from_str_radix(std::str::from_utf8(&text[2..]).ok()?, 16).ok()
    };
    let (mut at, mut mended) = (0, 0);
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match unit(bytes, at) {
            Some(0xd800..=0xdbff) if matches!(unit(bytes, at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                bytes[at + 2..at + 6].copy_from_slice(b"fffd");
                mended += 1;
                at += 6;
            }
            Some(_) => at += 6,
            None => at += 2,
        }
    }
    mended
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
