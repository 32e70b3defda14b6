//! The vocabulary: a short list of real words that every text uses, a long tail of made-up ones, and the rare tokens.

/// How many different rare tokens there are.
pub(super) const RARE_TOKENS: usize = 1000;

/// The n-th rare token (n below 1000): letters and digits that no other text of the generator contains.
pub fn rare_token(n: usize) -> String {
    let mut text = String::from("qzx");
    let mut n = n % RARE_TOKENS + 7;
    while n > 0 {
        text.push(char::from(b"bcdfghjkmw"[n % 10]));
        n /= 10;
    }
    text.push_str("vv");
    text
}

/// The n-th most common word (n below 100).
pub fn common_word(n: usize) -> &'static str {
    COMMON[n % COMMON.len()]
}

pub(super) const COMMON: [&str; 100] = [
    "the", "to", "of", "a", "and", "is", "in", "you", "that", "it", "for", "this", "with", "can", "on", "be", "as",
    "are", "if", "or", "not", "your", "by", "from", "an", "we", "will", "at", "which", "have", "one", "use", "when",
    "but", "all", "data", "more", "so", "has", "value", "time", "code", "function", "each", "how", "also", "using",
    "first", "into", "only", "file", "make", "like", "then", "new", "need", "want", "example", "table", "here",
    "would", "should", "error", "server", "list", "query", "string", "number", "type", "name", "result", "user",
    "system", "other", "same", "set", "run", "process", "key", "work", "model", "step", "change", "point", "memory",
    "test", "line", "order", "check", "problem", "project", "index", "question", "answer", "field", "message", "state",
    "search", "write", "read",
];

const SYLLABLES: [&str; 48] = [
    "ba", "con", "de", "mi", "ra", "ter", "lo", "ven", "su", "pro", "ti", "ger", "al", "men", "or", "pa", "cu", "lin",
    "ex", "ro", "sta", "ne", "di", "mar", "fo", "gra", "hel", "in", "ju", "kel", "tra", "la", "mo", "nor", "ob", "per",
    "qui", "re", "sim", "tor", "un", "va", "wel", "ya", "zen", "chi", "sho", "ble",
];
const ENDINGS: [&str; 12] = ["", "", "", "s", "ing", "ed", "er", "tion", "ly", "al", "ment", "é"];

/// The n-th word of the long tail.
pub(super) fn tail_word(n: usize, out: &mut String) {
    let mut n = n.wrapping_mul(2_654_435_761) ^ (n << 7);
    for _ in 0..2 + n % 2 {
        out.push_str(SYLLABLES[n % SYLLABLES.len()]);
        n /= SYLLABLES.len();
    }
    out.push_str(ENDINGS[n % ENDINGS.len()]);
}

pub(super) const EMOJI: [&str; 10] = ["😀", "👍🏽", "🎉", "🚀", "👩‍💻", "❤️", "🇯🇵", "🔥", "✅", "🤔"];

/// Common Han first: drawn with the same skew as words.
pub(super) const HAN: &str = "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运";
pub(super) const KANA: &str = "のにをはがでとてしたいるれかさなうりこもまっらきくよあすけやせどだんえちみじおめアイスンルトーリラクドレプシジグッフマ";
pub(super) const JA_WORDS: [&str; 12] =
    ["東京", "検索", "データ", "ガソリン", "関数", "日本語", "です", "ます", "について", "サーバー", "使い方", "設定"];
