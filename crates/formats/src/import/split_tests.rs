use super::*;

fn split(text: &[u8]) -> Result<Vec<String>, ImportError> {
    let mut splitter = Splitter::new(text, "test.json", 1 << 20);
    let mut out = Vec::new();
    while let Some(element) = splitter.next_element()? {
        out.push(element.json);
    }
    Ok(out)
}

/// A reader that gives one byte at a time: every place in the code meets the end of its buffer.
struct Drip<'a>(&'a [u8]);
impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = usize::from(!self.0.is_empty() && !out.is_empty());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn elements_come_out_one_by_one_without_blanks() {
    let text = b" [ {\"a\" : [1, -2.5e+3 , \"x, ] y\"]} ,\n null, \"s\\\"\\\\\" , [] , {} ] \n";
    assert_eq!(split(text).unwrap(), [r#"{"a":[1,-2.5e+3,"x, ] y"]}"#, "null", r#""s\"\\""#, "[]", "{}"]);
    let mut drip = Splitter::new(Drip(text), "drip", 1 << 20);
    let mut count = 0;
    while drip.next_element().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn the_list_of_a_wrapping_object_is_found_wherever_it_stands() {
    for text in [
        r#"{"format":"airi-export","version":1,"conversations":[{"a":1},{"b":2}]}"#,
        r#"{"conversations":[{"a":1},{"b":2}],"format":"airi-export","version":1}"#,
    ] {
        let mut splitter = Splitter::new(text.as_bytes(), "t", 1 << 20);
        let mut count = 0;
        while splitter.next_element().unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 2);
        assert_eq!(splitter.header().unwrap(), r#"{"format":"airi-export","version":1}"#);
    }
}

#[test]
fn an_object_without_a_list_is_itself_the_element() {
    assert_eq!(split(br#"{ "id": "x", "mapping": {} }"#).unwrap(), [r#"{"id":"x","mapping":{}}"#]);
}

#[test]
fn exactly_what_serde_json_takes_is_taken() {
    let cases: &[&[u8]] = &[
        b"[01]",
        b"[1.]",
        b"[.5]",
        b"[1e]",
        b"[-]",
        b"[+1]",
        b"[1e+]",
        b"[tru]",
        b"[nul",
        b"[\"\\x\"]",
        b"[\"\\u12\"]",
        b"[\"a\nb\"]",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"{\"a\"}",
        b"{\"a\":}",
        b"{\"a\":1,}",
        b"{a:1}",
        b"[}",
        b"{]",
        b"[[]",
        b"[]]",
        b"[] x",
        b"[{\"a\":1]",
        b"[\"",
        b"[0]",
        b"[-0.0e-1]",
        b"[1E5]",
        b"[\"\\u00e9\"]",
    ];
    for text in cases {
        let theirs = serde_json::from_slice::<serde_json::Value>(text).is_ok();
        assert_eq!(split(text).is_ok(), theirs, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn every_truncation_is_an_error_with_its_position() {
    let text = r#"[{"a":"ü\u00e9\n","b":[1.5e3,true,null]},{"c":{}}]"#.as_bytes();
    for end in 1..text.len() {
        match split(&text[..end]) {
            Err(ImportError::Broken { position, .. }) => assert_eq!(position, end as u64),
            other => panic!("cut at {end}: {other:?}"),
        }
    }
    assert!(matches!(split(b""), Err(ImportError::Empty { .. })));
    assert!(matches!(split(b" \n"), Err(ImportError::Empty { .. })));
}

#[test]
fn deep_nesting_neither_overflows_nor_stops_the_rest() {
    let deep = format!("[{}{},{{\"ok\":1}}]", "[".repeat(200_000), "]".repeat(200_000));
    let mut splitter = Splitter::new(deep.as_bytes(), "deep", 1 << 20);
    assert_eq!(splitter.next_element().unwrap().unwrap().depth, 200_000);
    assert_eq!(splitter.next_element().unwrap().unwrap().json, r#"{"ok":1}"#);
    let cut = "[".repeat(200_000);
    assert!(matches!(split(cut.as_bytes()), Err(ImportError::Broken { .. })));
}

#[test]
fn a_gigabyte_of_blanks_is_refused_after_the_first_few_megabytes() {
    let mut splitter = Splitter::new(io::repeat(b' ').take(1 << 30), "blank", 1 << 20);
    assert!(matches!(splitter.next_element(), Err(ImportError::NotJson { .. })));
    assert!(splitter.offset() < 2 * MAX_BLANKS);
    assert!(splitter.buffer.capacity() <= 2 * CHUNK);
    let mut inside = Splitter::new(b"[1".as_slice().chain(io::repeat(b'\n').take(1 << 30)), "blank", 1 << 20);
    inside.next_element().unwrap();
    assert!(matches!(inside.next_element(), Err(ImportError::Broken { .. })));
}

#[test]
fn an_element_over_the_limit_keeps_its_beginning_and_the_rest_goes_on() {
    let text = format!(r#"["{}",2]"#, "x".repeat(3 << 20));
    let mut splitter = Splitter::new(text.as_bytes(), "long", 1 << 20);
    let long = splitter.next_element().unwrap().unwrap();
    assert!(long.too_long && long.json.len() <= 1 << 20);
    assert_eq!(splitter.next_element().unwrap().unwrap().json, "2");
}

#[test]
fn lone_surrogates_are_replaced_and_pairs_are_left() {
    let mut splitter = Splitter::new(br#"["\ud83d\ude00 \ud83d x \udc00 \\ud83d \u0000"]"#.as_slice(), "s", 1 << 20);
    let element = splitter.next_element().unwrap().unwrap();
    assert_eq!(element.mended, 2);
    let text: String = serde_json::from_str(&element.json).unwrap();
    assert_eq!(text, "\u{1f600} \u{fffd} x \u{fffd} \\ud83d \0");
}

#[test]
fn bytes_that_are_no_utf8_are_replaced_inside_strings_only() {
    let mut splitter = Splitter::new(b"[\"a\xffb\"]".as_slice(), "s", 1 << 20);
    let element = splitter.next_element().unwrap().unwrap();
    assert_eq!((element.json.as_str(), element.mended), ("\"a\u{fffd}b\"", 1));
    assert!(split(b"[\xff]").is_err());
    assert!(split(b"\xef\xbb\xbf[1]").is_ok());
    assert!(matches!(split(b"<html>"), Err(ImportError::NotJson { position: 0, .. })));
}
