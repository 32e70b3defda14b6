//! The first start: an empty library's four ways, walked with the real keyboard, and a sample that leaves nothing behind.

use crate::account::airi;
use crate::screen::{Screen, wait, wait_for};
use crate::window::Window;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const WAYS: [&str; 4] = ["welcome-chat", "welcome-import", "welcome-sign-in", "welcome-sample"];

async fn has_the_keyboard(window: &Window, id: &str) {
    let script = format!("return document.activeElement?.dataset.testid === '{id}'");
    window.becomes(&script, &json!(true)).await;
}

/// Names below a folder that a sample made.
fn left_by_samples(folder: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.contains("demo")).collect()
}

fn nothing_stays(folder: &Path) {
    let gone = wait_for(Duration::from_secs(15), || left_by_samples(folder).is_empty().then_some(()));
    assert!(gone.is_some(), "a sample left {:?}", left_by_samples(folder));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_library_opens_on_four_ways_and_the_sample_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, temp, shared) = (folder.path().join("data"), folder.path().join("temp"), folder.path().join("share"));
    for path in [&temp, &shared] {
        std::fs::create_dir_all(path).unwrap();
    }
    let environment = [("TMPDIR", temp.as_path()), ("XDG_DATA_HOME", shared.as_path())];
    let args = ["--data-dir", data.to_str().unwrap()];
    let window = Window::open(Screen::start(1280, 820), &args, &environment).await;
    window.see("welcome").await;
    window.becomes("return document.hasFocus()", &json!(true)).await;
    // The heading is read first; each way is one Tab further.
    window.becomes("return document.activeElement?.id", &json!("welcome-title")).await;
    for way in WAYS {
        window.screen.press(&["Tab"]);
        has_the_keyboard(&window, way).await;
    }
    window.shot("30-welcome");

    // The sample is a window of its own; this one stays as it is.
    window.screen.press(&["Return"]);
    let sample = wait("the sample's window", || window.screen.window_named("AIRI: a sample"));
    wait("the sample's library", || (left_by_samples(&temp).len() > 1).then_some(()));
    window.screen.close_window(&sample);
    wait("the end of the sample", || window.screen.window_named("AIRI: a sample").is_none().then_some(()));
    nothing_stays(&temp);
    assert_eq!(left_by_samples(&shared), [""; 0]);
    window.see("welcome").await;

    // Starting to chat looks for local servers, and goes away by Escape.
    window.js("document.querySelector('[data-testid=welcome-chat]').focus()", vec![]).await;
    window.screen.press(&["Return"]);
    window.see("start-chat-go").await;
    window.says("providers", "No server answers").await;
    window.shot("31-start-chatting");
    window.screen.press(&["Escape"]);
    window.gone("start-chat-go").await;
    has_the_keyboard(&window, "welcome-chat").await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_says_that_it_is_one_and_its_button_closes_it() {
    let temp = tempfile::tempdir().unwrap();
    let window = Window::open(Screen::start(1280, 820), &["--demo"], &[("TMPDIR", temp.path())]).await;
    window.says("sample-strip", "Nothing you do here is kept").await;
    window.says("conversation-row", "Designing a write-ahead log in Rust").await;
    window.shot("32-sample");
    // What WebDriver has a web view keep is not a user's; see the other test for that.
    let library = || left_by_samples(temp.path()).into_iter().filter(|name| !name.contains("page")).count();
    assert_eq!(library(), 1);
    // The answer to the click would never come.
    window.js("setTimeout(() => document.querySelector('[data-testid=leave-sample]').click(), 50)", vec![]).await;
    wait("a library that is gone", || (library() == 0).then_some(()));
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_that_cannot_be_opened_says_why_and_opens_once_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("profiles"), "a file where a folder should be").unwrap();
    let window = Window::open(Screen::start(1280, 820), &["--data-dir", data.to_str().unwrap()], &[]).await;
    window.see("open-again").await;
    window
        .becomes("return document.querySelector('[role=alert]').textContent.includes('data folder')", &json!(true))
        .await;
    window.shot("33-cannot-open");
    // Nothing has changed: it is tried, and says so again.
    let watch = "window.seen = []; new MutationObserver(() => window.seen.push(document.querySelector('[aria-busy=true]') ? 'opening' : 'said'))
        .observe(document.body, { childList: true, subtree: true })";
    window.js(watch, vec![]).await;
    window.click("open-again").await;
    window.becomes("return [window.seen.includes('opening'), window.seen.at(-1)].join()", &json!("true,said")).await;

    std::fs::remove_file(data.join("profiles")).unwrap();
    airi(&data, &folder.path().join("passphrase"), &["new", "--title", "There all along"], "");
    tokio::time::sleep(Duration::from_secs(1)).await;
    window.click("open-again").await;
    window.says("conversation-row", "There all along").await;
    // What the app announces reaches the window too.
    airi(&data, &folder.path().join("passphrase"), &["new", "--title", "Made meanwhile"], "");
    window.says("conversation-row", "Made meanwhile").await;
    window.close().await;
}
