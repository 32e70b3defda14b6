//! A very long thread scrolled, a long answer streamed, and a search typed.

use crate::report::{Reached, Section, thousands};
use crate::screen::Screen;
use crate::stats::Sample;
use crate::window::Window;
use crate::{Arguments, Bench, page, process};
use airi_testkit::provider::ScriptedProvider;
use serde_json::json;
use std::fmt::Write;
use std::time::{Duration, Instant};

const STEP: i32 = 120;
const FRAMES: usize = 240;
/// The long answer has some 5,000 words.
const PACE: Duration = Duration::from_millis(4);

/// Frames of several rounds: the middle one, the one in twenty, and those over 50 ms.
struct Frames(Vec<f64>);

impl Frames {
    fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * share) as usize]
    }

    fn over_50(&self) -> usize {
        self.0.iter().filter(|time| **time > 50.0).count()
    }

    fn words(&self) -> String {
        let most = self.at(1.0);
        let (median, p95) = (self.at(0.5), self.at(0.95));
        format!("{median:.1} ms, p95 {p95:.1}, most {most:.0}; {} of {} over 50 ms", self.over_50(), self.0.len())
    }
}

pub(crate) async fn measure(bench: &Bench, arguments: &Arguments, section: &mut Section) {
    let still = static_page(bench, arguments).await;
    let archive = bench.folder.path().join("conversations.json");
    std::fs::write(&archive, archive_of(arguments.thread)).expect("the archive is written");
    eprintln!("importing a thread of {} messages", arguments.thread);
    bench.airi("thread", &["import", archive.to_str().expect("plain")]);
    let provider = ScriptedProvider::start(0, None).expect("a provider");
    provider.set_pace(PACE);
    bench.airi("thread", &["provider", "add", "--name", "Scripted", "--url", &provider.url()]);

    let folder = bench.library("thread");
    let args = ["--data-dir", folder.to_str().expect("plain")];
    let screen = Screen::start(1280, 820);
    let window =
        Window::open_program(&bench.window, screen, &args, &[("AIRI_PASSPHRASE_FILE", &bench.passphrase)]).await;
    window.click("conversation-row").await;
    window.see("message").await;
    scroll(&window, arguments, &still, section).await;
    stream(bench, &window, &still, section).await;
    type_search(&window, section).await;
    window.close().await;
    section.notes.push(format!(
        "Frames: the time between two, over {} rounds; scrolling moves {STEP} px a frame, {FRAMES} frames a round. The page beside it \
         is plain text in a window of the same web view, scrolled alike. Xvfb draws without a graphics card.",
        arguments.rounds
    ));
}

async fn static_page(bench: &Bench, arguments: &Arguments) -> Frames {
    let window = Window::open_program(&bench.empty, Screen::start(1280, 820), &[], &[]).await;
    let text = "A line of plain text that is as long as those of an answer, and says nothing at all. ".repeat(4);
    window
        .js(
            "for (let n = 0; n < 600; n += 1) { const p = document.createElement('p'); p.textContent = arguments[0]; \
             document.body.append(p); } document.scrollingElement.scrollTop = 1e9; return true",
            vec![json!(text)],
        )
        .await;
    let mut frames = Vec::new();
    for round in 0..arguments.rounds {
        let step = if round % 2 == 0 { -STEP } else { STEP };
        frames.extend(page::scrolling(&window, "", step, FRAMES).await);
    }
    window.close().await;
    Frames(frames)
}

async fn scroll(window: &Window, arguments: &Arguments, still: &Frames, section: &mut Section) {
    let thread = "[data-testid=thread]";
    let mut nodes = page::nodes(window).await;
    let mut frames = Vec::new();
    for round in 0..arguments.rounds {
        eprintln!("scrolling, round {} of {}", round + 1, arguments.rounds);
        // Another part of the thread each time, read from the mirror on arrival.
        let place = (round as f64 + 1.0) / (arguments.rounds as f64 + 1.0);
        window
            .js(
                "const t = document.querySelector(arguments[0]); t.scrollTop = t.scrollHeight * arguments[1]; return true",
                vec![json!(thread), json!(place)],
            )
            .await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let step = if round % 2 == 0 { -STEP } else { STEP };
        frames.extend(page::scrolling(window, thread, step, FRAMES).await);
        nodes = nodes.max(page::nodes(window).await);
    }
    let frames = Frames(frames);
    frame_row(section, format!("scrolling a thread of {} messages", thousands(arguments.thread)), &frames, still);
    section.row(
        "most elements in the page meanwhile",
        thousands(nodes),
        "",
        "",
        "bounded by the screen (3,000)",
        nodes <= 3000,
    );
}

fn frame_row(section: &mut Section, what: String, frames: &Frames, still: &Frames) {
    let (ratio, slow) = (frames.at(0.95) / still.at(0.95), frames.over_50() as f64 / frames.0.len() as f64);
    let machine = still.over_50() as f64 / still.0.len() as f64;
    section.row(
        format!("{what}; a static page"),
        frames.words(),
        still.words(),
        format!("{:.2} × (median), {ratio:.2} × (p95)", frames.at(0.5) / still.at(0.5)),
        "≤ 1.5 ×, none over 50 ms but the machine's own",
        ratio <= 1.5 && slow <= machine,
    );
}

/// Processor time of all processes of the app per token of a long answer, in its first and in its last tenth.
async fn stream(bench: &Bench, window: &Window, still: &Frames, section: &mut Section) {
    let pid = process::newest(&bench.window);
    let (mut ratios, mut first_cost, mut last_cost, mut frames) =
        (Sample::default(), Sample::default(), Sample::default(), Vec::new());
    for round in 0..3 {
        eprintln!("streaming, round {} of 3", round + 1);
        window.click("model-picker").await;
        window.fill("find-model", "steady\u{e007}").await;
        window.fill("composer", "Tell me all of it\u{e007}").await;
        window.says("streaming", "Part 1").await;
        page::watch_frames(window).await;
        let begun = Instant::now();
        let mut cpu = vec![(begun.elapsed(), process::cpu(pid))];
        while window.js("return document.querySelectorAll('[data-testid=stop-reply]').length", vec![]).await != json!(0)
        {
            cpu.push((begun.elapsed(), process::cpu(pid)));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        frames.extend(page::frames(window).await);
        let whole = cpu.last().expect("it took a while").0;
        let at = |time: Duration| cpu.iter().find(|(at, _)| *at >= time).or(cpu.last()).expect("it took a while");
        let cost = |from: Duration, to: Duration| {
            let ((from, before), (to, after)) = (at(from), at(to));
            (*after - *before).as_secs_f64() * 1000.0 / ((*to - *from).as_secs_f64() / PACE.as_secs_f64())
        };
        // The picker closes and the thread moves to its end in the first moments; they are not the stream's.
        let (first, last) = (cost(whole / 20, whole * 3 / 20), cost(whole * 17 / 20, whole * 19 / 20));
        first_cost.push(first);
        last_cost.push(last);
        ratios.push(last / first);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    section.row(
        "processor time a token of a 30 kB answer, last tenth; first tenth",
        last_cost.as_time(),
        first_cost.as_time(),
        ratios.as_ratio(),
        "≤ 1.5 ×",
        ratios.median() <= 1.5,
    );
    frame_row(section, "frames while it streams".into(), &Frames(frames), still);
}

async fn type_search(window: &Window, section: &mut Section) {
    window.click("open-search").await;
    window.see("search-input").await;
    let mut times = Vec::new();
    for word in ["reference", "another", "paragraph", "question", "reference 4711", "another 815"] {
        times.extend(page::typing(window, word).await);
    }
    let times = Frames(times);
    section.row(
        "keystroke to rows on the screen",
        format!(
            "{:.1} ms, p95 {:.1}, p99 {:.1} ({} keys)",
            times.at(0.5),
            times.at(0.95),
            times.at(0.99),
            times.0.len()
        ),
        "",
        "",
        "",
        Reached::NoGoal,
    );
}

/// A ChatGPT archive with one conversation.
fn archive_of(messages: u64) -> String {
    let mut text = String::from(
        r#"[{"title":"A very long thread","create_time":1700000000.0,"update_time":1700000000.0,"id":"5e0f1c9a-0000-4000-8000-000000000001","conversation_id":"5e0f1c9a-0000-4000-8000-000000000001","current_node":"#,
    );
    let id = |n: u64| format!("5e0f1c9a-0000-4000-8000-{n:012x}");
    let _ = write!(
        text,
        r#""{}","mapping":{{"{}":{{"id":"{}","message":null,"parent":null,"children":["{}"]}}"#,
        id(messages + 1),
        id(1),
        id(1),
        id(2)
    );
    for n in 0..messages {
        let (own, before) = (n + 2, n + 1);
        let children = if n + 1 == messages { String::new() } else { format!("\"{}\"", id(own + 1)) };
        let role = if n % 2 == 0 { "user" } else { "assistant" };
        let said = if n % 2 == 0 {
            format!("A question with the reference {n}, and what led to it.")
        } else {
            let list = if n % 3 == 0 { "\\n\\n- one\\n- two\\n- three" } else { "" };
            let code = if n % 7 == 0 { "\\n\\n```rust\\nfn answer() -> u32 {\\n    42\\n}\\n```" } else { "" };
            let more = "Another sentence of this paragraph, as answers have them. ".repeat(1 + (n % 11) as usize);
            format!("The *answer* to {n}. {more}{list}{code}")
        };
        let _ = write!(
            text,
            r#","{0}":{{"id":"{0}","message":{{"id":"{0}","author":{{"role":"{role}"}},"create_time":{1}.0,"content":{{"content_type":"text","parts":["{said}"]}},"status":"finished_successfully","weight":1.0,"recipient":"all"}},"parent":"{2}","children":[{children}]}}"#,
            id(own),
            1_600_000_000 + n,
            id(before)
        );
    }
    text.push_str("}}]");
    text
}
