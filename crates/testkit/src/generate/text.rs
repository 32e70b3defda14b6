//! Texts: prose with a long-tailed vocabulary, code blocks, Chinese and Japanese, emoji.

use super::words::{COMMON, EMOJI, HAN, JA_WORDS, KANA, tail_word};
use crate::Rng;

/// How many different words the long tail has.
const TAIL: usize = 60_000;

pub(super) struct Writer {
    han: Vec<char>,
    kana: Vec<char>,
}

impl Writer {
    pub(super) fn new() -> Writer {
        Writer { han: HAN.chars().collect(), kana: KANA.chars().collect() }
    }

    pub(super) fn title(&self, rng: &mut Rng, cjk: bool) -> String {
        let mut out = String::new();
        if cjk {
            self.cjk(rng, &mut out, 24);
            return out;
        }
        for n in 0..2 + rng.below(5) {
            if n > 0 {
                out.push(' ');
            }
            self.word(rng, &mut out);
        }
        capitalise(&mut out, 0);
        out
    }

    pub(super) fn body(&self, rng: &mut Rng, bytes: usize, cjk: bool, code: bool) -> String {
        let mut out = String::with_capacity(bytes + 64);
        while out.len() < bytes {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            let left = bytes.saturating_sub(out.len());
            if code && left > 200 && rng.chance(0.2) {
                self.code(rng, &mut out);
            } else {
                let length = left.min(120 + rng.below(550));
                if cjk { self.cjk(rng, &mut out, length) } else { self.paragraph(rng, &mut out, length) }
            }
            if rng.chance(0.04) {
                out.push(' ');
                out.push_str(rng.pick::<&str>(&EMOJI));
            }
        }
        out
    }

    fn paragraph(&self, rng: &mut Rng, out: &mut String, bytes: usize) {
        let end = out.len() + bytes;
        let mut sentence = true;
        while out.len() < end {
            let start = out.len();
            self.word(rng, out);
            if std::mem::take(&mut sentence) {
                capitalise(out, start);
            }
            match rng.below(14) {
                0 => {
                    out.push_str(". ");
                    sentence = true;
                }
                1 => out.push_str(", "),
                _ => out.push(' '),
            }
        }
        out.truncate(out.trim_end().len());
        out.push('.');
    }

    /// About half of running text is common words, as in real prose; the tail falls off by rank.
    fn word(&self, rng: &mut Rng, out: &mut String) {
        if rng.chance(0.55) {
            out.push_str(COMMON[(rng.unit().powi(2) * COMMON.len() as f64) as usize]);
        } else {
            tail_word((rng.unit().powi(4) * TAIL as f64) as usize, out);
        }
    }

    fn code(&self, rng: &mut Rng, out: &mut String) {
        out.push_str(rng.pick::<&str>(&["```rust\n", "```python\n", "```sql\n", "```\n"]));
        for _ in 0..3 + rng.below(12) {
            let (mut a, mut b) = (String::new(), String::new());
            self.word(rng, &mut a);
            self.word(rng, &mut b);
            let number = rng.below(1000);
            match rng.below(5) {
                0 => {
                    capitalise(&mut b, 0);
                    out.push_str(&format!("let {a}{b} = get_{a}({number});\n"));
                }
                1 => out.push_str(&format!("    if {a}.{b}() > {number} {{ return self.{b}; }}\n")),
                2 => out.push_str(&format!("use crate::{a}::{b};\n")),
                3 => out.push_str(&format!("select {a}_{b} from {a} where id = {number};\n")),
                _ => out.push_str(&format!("# src/{a}/{b}.rs {}.{}.{}\n", number % 4, number % 97, number % 7)),
            }
        }
        out.push_str("```");
    }

    fn cjk(&self, rng: &mut Rng, out: &mut String, bytes: usize) {
        let (end, japanese) = (out.len() + bytes, rng.chance(0.4));
        while out.len() < end {
            if japanese && rng.chance(0.15) {
                out.push_str(rng.pick::<&str>(&JA_WORDS));
            } else if japanese && rng.chance(0.6) {
                out.push(self.kana[(rng.unit().powf(1.5) * self.kana.len() as f64) as usize]);
            } else if rng.chance(0.02) {
                self.word(rng, out);
            } else {
                out.push(self.han[(rng.unit().powi(2) * self.han.len() as f64) as usize]);
            }
            match rng.below(24) {
                0 => out.push('。'),
                1 => out.push('、'),
                _ => {}
            }
        }
    }
}

fn capitalise(text: &mut String, at: usize) {
    if let Some(first) = text.get(at..at + 1) {
        let upper = first.to_ascii_uppercase();
        text.replace_range(at..at + 1, &upper);
    }
}
