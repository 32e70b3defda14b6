//! Figures of the index over generated history: `cargo run --release -p airi-search --example measure -- [messages]
//! [folder] [texts]`. With `texts`, the texts are also written there, one a line, for a peer to index.

use airi_domain::Time;
use airi_search::{Doc, Index, Load, Options, ParseOptions, Query, Scope, Sort};
use airi_testkit::{DEFAULT_NOW, GeneratedConversation, Generator, GeneratorConfig, Rng, common_word, rare_token};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let messages = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let dir = arguments.next().map_or_else(|| std::env::temp_dir().join("airi-search-measure"), PathBuf::from);
    let texts = arguments.next();
    let cjk = std::env::var("CJK").ok().map_or(Ok(0.12), |text| text.parse())?;

    let started = Instant::now();
    let config = GeneratorConfig { messages, cjk, ..GeneratorConfig::default() };
    let history: Vec<GeneratedConversation> = Generator::new(1, config).collect();
    println!("generated {messages} messages: {:.0} a second", messages as f64 / started.elapsed().as_secs_f64());
    if let Some(path) = texts {
        write_texts(&history, Path::new(&path))?;
    }

    let index = Index::rebuild(&dir, "measure")?;
    let mut bytes = 0;
    let started = Instant::now();
    let mut writer = index.writer(Load::Bulk)?;
    let mut row = 0;
    for (number, one) in history.iter().enumerate() {
        let conversation = number as i64 + 1;
        let title = one.conversation.title.as_deref().unwrap_or("");
        bytes += title.len();
        writer.put(&Doc::title(conversation, title, one.conversation.created_at))?;
        for message in &one.messages {
            row += 1;
            let thinking = message.thinking_text();
            bytes += message.content.len() + thinking.len();
            writer.put(&Doc {
                role: Some(message.role),
                model: message.model_id.as_deref(),
                provider: message.provider_id.as_deref(),
                thinking: &thinking,
                ..Doc::message(conversation, row, &message.content, message.created_at)
            })?;
        }
    }
    writer.commit(row)?;
    let took = started.elapsed();
    println!(
        "indexed: {:.0} rows a second, {:.1} MB/s",
        row as f64 / took.as_secs_f64(),
        mb(bytes) / took.as_secs_f64()
    );
    let started = Instant::now();
    writer.finish()?;
    println!("waited for merges: {:?}", started.elapsed());
    println!("index {:.1} MB / raw {:.1} MB = {:.3}", mb(size(&dir)?), mb(bytes), size(&dir)? as f64 / bytes as f64);
    let started = Instant::now();
    let index = Index::open(&dir, "measure")?.into_index();
    println!("open: {:?}, {} rows", started.elapsed(), index.len()?);
    measure(&index)?;
    if std::env::var_os("MERGE").is_some() {
        let started = Instant::now();
        index.writer(Load::Bulk)?.merge()?;
        println!("merged in {:?}: {:.3} of raw", started.elapsed(), size(&dir)? as f64 / bytes as f64);
        measure(&index)?;
    }
    Ok(())
}

fn measure(index: &Index) -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = Rng::new(2);
    let mut one = |from: usize, to: usize| common_word(from + rng.below(to - from));
    let words = |n: usize, f: &mut dyn FnMut() -> String| (0..n).map(|_| f()).collect::<Vec<_>>();
    let sets: Vec<(&str, Vec<String>, bool, Sort)> = vec![
        ("common word", words(60, &mut || one(0, 100).to_owned()), false, Sort::Best),
        ("two common words", words(60, &mut || format!("{} {}", one(0, 50), one(50, 100))), false, Sort::Best),
        (
            "three common words",
            words(60, &mut || format!("{} {} {}", one(0, 30), one(30, 60), one(60, 99))),
            false,
            Sort::Best,
        ),
        ("rare word", (0..60).map(rare_token).collect(), false, Sort::Best),
        ("phrase of two", words(40, &mut || format!("\"{} {}\"", one(0, 50), one(50, 100))), false, Sort::Best),
        ("one Han", ["的", "数", "电", "东", "语"].map(str::to_owned).to_vec(), false, Sort::Best),
        ("Han of two", ["一是", "数据", "中国", "我们", "时间", "检索"].map(str::to_owned).to_vec(), false, Sort::Best),
        ("kana of three", ["データ", "サーバ", "です", "ガソリン"].map(str::to_owned).to_vec(), false, Sort::Best),
        ("prefix of 1", ["c", "s", "m", "t"].map(str::to_owned).to_vec(), true, Sort::Best),
        ("prefix of 3", ["con", "mes", "pro", "sea", "tra"].map(str::to_owned).to_vec(), true, Sort::Best),
        ("word and prefix", ["data con", "server mes", "the pro"].map(str::to_owned).to_vec(), true, Sort::Best),
        (
            "identifier",
            ["getUserData", "src/data/file.rs", "value_code"].map(str::to_owned).to_vec(),
            false,
            Sort::Best,
        ),
        ("word and role", ["data role:user", "server role:assistant"].map(str::to_owned).to_vec(), false, Sort::Best),
        ("minus", ["data -server", "code -the"].map(str::to_owned).to_vec(), false, Sort::Best),
        ("common, newest", words(30, &mut || one(0, 100).to_owned()), false, Sort::Newest),
        ("typo", ["databsse", "functoin", "searhc"].map(str::to_owned).to_vec(), false, Sort::Best),
    ];
    let now = Time::from_micros(DEFAULT_NOW).unwrap_or(Time::MIN);
    println!("{:<20} {:>9} {:>9} {:>9} {:>9}", "search, top 10", "p50 ms", "p99 ms", "max ms", "found");
    for (name, texts, typing, sort) in sets {
        let (mut took, mut found) = (Vec::new(), 0);
        let rounds = (200 / texts.len()).max(3);
        for round in 0..=rounds {
            for text in &texts {
                let parse = ParseOptions { prefix_last: typing, now, utc_offset_seconds: 0 };
                let query = Query::parse(text, &parse)?;
                let options = Options { limit: 10, sort, ..Options::new(now) };
                let started = Instant::now();
                let hits = index.search(&query, &Scope::default(), &options, None)?;
                if round > 0 {
                    took.push(started.elapsed());
                } else {
                    found += hits.total;
                }
            }
        }
        took.sort_unstable();
        let at = |share: f64| ms(took[((took.len() - 1) as f64 * share) as usize]);
        let mean = found / texts.len();
        println!("{name:<20} {:>9.3} {:>9.3} {:>9.3} {mean:>9}", at(0.5), at(0.99), at(1.0));
    }
    Ok(())
}

fn write_texts(history: &[GeneratedConversation], path: &Path) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    for message in history.iter().flat_map(|one| &one.messages) {
        writeln!(out, "{}", message.content.replace(['\n', '\r'], " "))?;
    }
    out.flush()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn mb(bytes: impl TryInto<u64>) -> f64 {
    bytes.try_into().unwrap_or(0) as f64 / 1e6
}

fn size(dir: &Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let found = entry.metadata()?;
        sum += if found.is_dir() { size(&entry.path())? } else { found.len() };
    }
    Ok(sum)
}
