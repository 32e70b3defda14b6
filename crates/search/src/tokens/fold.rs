//! One form for what readers take as the same: compatibility forms (full and half width, ligatures), case, and the
//! accents of Latin, Greek and Cyrillic. What carries meaning stays: Japanese voicing marks, Hangul, Indic and Thai
//! signs, and the Cyrillic й, which is a letter of its own.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What a character is to the tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Part of a word written between spaces.
    Letter,
    Digit,
    /// Of a script that is written without spaces (Han, kana, Hangul, Thai, Lao, Khmer, Burmese, Tibetan): each
    /// character is a token.
    Unspaced,
    /// Belongs to the character before it.
    Mark,
    /// An emoji or another sign that people search for: each is a token.
    Symbol,
    /// Ignored wherever it stands: joiners, variation selectors, skin tones.
    Invisible,
    Other,
}

pub(crate) fn class(c: char) -> Class {
    if c.is_ascii() {
        return match c {
            'a'..='z' | 'A'..='Z' => Class::Letter,
            '0'..='9' => Class::Digit,
            _ => Class::Other,
        };
    }
    match c as u32 {
        0xAD | 0x640 | 0x200B..=0x200F | 0x2060..=0x2064 | 0xFE00..=0xFE0F | 0xFEFF | 0x1F3FB..=0x1F3FF => {
            Class::Invisible
        }
        0x20E3 | 0xE0000..=0xE0FFF => Class::Invisible,
        0xFF9E | 0xFF9F | 0x3099 | 0x309A => Class::Mark,
        0x0E00..=0x0EFF | 0x0F00..=0x0FFF | 0x1000..=0x109F | 0x1780..=0x17FF => {
            if is_combining_mark(c) {
                Class::Mark
            } else {
                alphanumeric(c, Class::Unspaced)
            }
        }
        0x1100..=0x11FF | 0xA960..=0xA97F | 0xD7B0..=0xD7FF => Class::Unspaced,
        0x3005..=0x3007 | 0x3021..=0x3029 | 0x3031..=0x3035 | 0x303B..=0x303C => Class::Unspaced,
        0x3041..=0x3096 | 0x309D..=0x309F | 0x30A1..=0x30FA | 0x30FC..=0x30FF | 0x3105..=0x312F => Class::Unspaced,
        0x3131..=0x318E | 0x31A0..=0x31BF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF => Class::Unspaced,
        0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFF66..=0xFF9D | 0xFFA0..=0xFFDC => Class::Unspaced,
        0x1B000..=0x1B16F | 0x20000..=0x3FFFF => Class::Unspaced,
        0xA9 | 0xAE | 0x203C | 0x2049 | 0x2139 => Class::Symbol,
        0x20A0..=0x20CF | 0x2190..=0x23FF | 0x25A0..=0x27BF | 0x2900..=0x2BFF => Class::Symbol,
        0x1F000..=0x1F0FF | 0x1F18E | 0x1F191..=0x1FAFF => Class::Symbol,
        _ if is_combining_mark(c) => Class::Mark,
        _ => alphanumeric(c, Class::Letter),
    }
}

fn alphanumeric(c: char, letter: Class) -> Class {
    if c.is_numeric() {
        Class::Digit
    } else if c.is_alphabetic() {
        letter
    } else {
        Class::Other
    }
}

/// Appends the folded form of one character with its marks.
pub(crate) fn fold_cluster(cluster: &str, out: &mut String) {
    let mut chars = cluster.chars();
    if let (Some(c), None) = (chars.next(), chars.clone().next()) {
        match c as u32 {
            0..0x80 => return out.push(c.to_ascii_lowercase()),
            // Nothing to fold in the blocks that Chinese, Japanese and Korean texts are made of.
            0x4E00..=0x9FFF | 0x3041..=0x3096 | 0x30A1..=0x30FA | 0x30FC | 0xAC00..=0xD7A3 => return out.push(c),
            _ => {}
        }
    }
    let bare = |c: char| matches!(c as u32, 0x41..=0x24F | 0x370..=0x52F | 0x1E00..=0x1FFF);
    let mut base = '\0';
    // Marks go while decomposed, then what is left is put together again: kana keep their marks, é becomes e.
    let kept = cluster.nfkd().filter(|&c| {
        if !is_combining_mark(c) {
            base = c;
            return class(c) != Class::Invisible;
        }
        let short_i = c == '\u{306}' && matches!(base, 'и' | 'И');
        let pointed = matches!(c as u32, 0x591..=0x5C7 | 0x610..=0x61A | 0x64B..=0x65F | 0x670);
        short_i || !(pointed || bare(base))
    });
    for c in kept.nfc() {
        for lower in c.to_lowercase() {
            match lower {
                'ß' => out.push_str("ss"),
                'æ' => out.push_str("ae"),
                'œ' => out.push_str("oe"),
                'þ' => out.push_str("th"),
                'ø' => out.push('o'),
                'đ' | 'ð' => out.push('d'),
                'ł' => out.push('l'),
                'ħ' => out.push('h'),
                'ı' => out.push('i'),
                'ς' => out.push('σ'),
                // What lower-casing left behind (İ).
                '\u{307}' => {}
                other => out.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn fold(text: &str) -> String {
        let mut out = String::new();
        let mut cluster = String::new();
        for c in text.chars() {
            if !cluster.is_empty() && class(c) != Class::Mark {
                fold_cluster(&cluster, &mut out);
                cluster.clear();
            }
            cluster.push(c);
        }
        fold_cluster(&cluster, &mut out);
        out
    }

    #[rstest]
    #[case("Café", "cafe")]
    #[case("cafe\u{301}", "cafe")]
    #[case("ÅNGSTRÖM", "angstrom")]
    #[case("Straße", "strasse")]
    #[case("İstanbul", "istanbul")]
    #[case("Ἀθῆναι", "αθηναι")]
    #[case("λόγος", "λογοσ")]
    #[case("Ёлка", "елка")]
    #[case("йод", "йод")]
    #[case("ＡＢＣ１２", "abc12")]
    #[case("ｶﾞｿﾘﾝ", "ガソリン")]
    #[case("か\u{3099}", "が")]
    #[case("ﬁn", "fin")]
    #[case("한국", "한국")]
    #[case("हिन्दी", "हिन्दी")]
    #[case("ก็", "ก็")]
    #[case("كِتَاب", "كتاب")]
    fn folds_what_readers_take_as_the_same(#[case] text: &str, #[case] folded: &str) {
        assert_eq!(fold(text), folded);
    }
}
