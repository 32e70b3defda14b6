//! From an empty window to a history that is in step with the cloud and a second device.

use crate::account;
use crate::account::airi;
use crate::screen::Screen;
use crate::window::Window;
use airi_tests::{Cloud, CloudOptions};
use serde_json::json;
use std::path::Path;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_imported_browsed_searched_starred_exported_and_synced() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other) = (folder.path().join("window"), folder.path().join("other"));
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "correct horse battery staple").unwrap();
    Command::new("chmod").arg("600").arg(&passphrase).status().unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let cloud = Cloud::start(CloudOptions::default()).await.unwrap();

    let screen = Screen::start(1280, 820);
    let args = ["--data-dir", data.to_str().unwrap()];
    let window = Window::open(screen, &args, &[("AIRI_PASSPHRASE_FILE", &passphrase)]).await;
    window.see("sidebar").await;
    window.shot("01-empty");

    // Import, through the operating system's own dialogue.
    window.click("import-button").await;
    window.click("import-file").await;
    let export = samples.join("chatgpt/conversations.json").canonicalize().unwrap();
    window.screen.answer_dialogue(&export);
    window.see("import-report").await;
    window.shot("02-imported");
    window.click("import-done").await;

    // Browse.
    window.says("conversation-row", "Designing a write-ahead log in Rust").await;
    window.click_saying("conversation-row", "Designing a write-ahead log in Rust").await;
    window.says("message", "group commit").await;
    window.shot("03-thread");
    let raw = window
        .js(
            "return document.querySelectorAll('[data-testid=thread] script, [data-testid=thread] iframe').length",
            vec![],
        )
        .await;
    assert_eq!(raw, json!(0));

    // Search, and open the hit at its message.
    window.click("open-search").await;
    window.fill("search-input", "奶奶").await;
    window.says("search-hit", "奶奶").await;
    let marks = window.js("return document.querySelectorAll('[data-testid=search-hit] mark').length", vec![]).await;
    assert!(marks.as_u64().unwrap() > 0, "hits are highlighted");
    window.shot("04-search");
    window.click_saying("search-hit", "请帮我写一封").await;
    window.says("thread-title", "给奶奶的新年信").await;
    window.says("message", "请帮我写一封").await;
    let on_screen = "const one = [...document.querySelectorAll('[data-testid=message]')] \
                     .find((message) => message.innerText.includes('请帮我写一封')); \
                     const box = one.getBoundingClientRect(); \
                     return box.bottom > 60 && box.top < window.innerHeight - 90";
    window.becomes(on_screen, &json!(true)).await;
    window.shot("05-hit");

    // Star; `airi` beside the window sees it at once.
    window.click("thread-star").await;
    let starred = || {
        let rows = airi(&data, &passphrase, &["list", "--starred"], "");
        rows.as_array().unwrap().iter().any(|row| row["title"] == "给奶奶的新年信").then_some(())
    };
    crate::screen::wait("the star", starred);

    // What `airi` does beside the window shows in it.
    let made = airi(&data, &passphrase, &["new", "--title", "Made beside the window"], "");
    airi(&data, &passphrase, &["add", made["id"].as_str().unwrap(), "--role", "user", "hello from the prompt"], "");
    window.says("conversation-row", "Made beside the window").await;

    // Export all.
    window.click("export-button").await;
    window.see("export-go").await;
    window.click("export-go").await;
    let exported = folder.path().join("all.json");
    window.screen.answer_dialogue(&exported);
    window.see("export-report").await;
    window.shot("06-exported");
    let zipped = folder.path().join("all.json.zip");
    let path = if exported.is_file() { &exported } else { &zipped };
    assert!(std::fs::metadata(path).unwrap().len() > 10_000, "the export is there and whole");
    window
        .js(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))",
            vec![],
        )
        .await;

    // Sign in to the real cloud with two of the conversations, and sync.
    let chosen = ["Designing a write-ahead log in Rust", "Made beside the window"];
    account::signs_in_taking(&window, &cloud, &chosen).await;
    window.says("sync-state", "in sync").await;
    window.says("conversation-row", "Designing a write-ahead log in Rust").await;
    window.shot("08-in-step");

    // A second device sees it, and its change comes into the window.
    let login =
        ["login", "--url", &cloud.url, "--key", &cloud.publishable_key, "--email", &cloud.email, "--password-stdin"];
    airi(&other, &passphrase, &login, &cloud.password);
    airi(&other, &passphrase, &["sync"], "");
    let rows = airi(&other, &passphrase, &["list"], "");
    let mut titles: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect();
    titles.sort_unstable();
    assert_eq!(titles, chosen, "what was not chosen stayed on the computer");
    let row = rows.as_array().unwrap().iter().find(|row| row["title"] == "Made beside the window").unwrap().clone();
    airi(&other, &passphrase, &["edit", row["id"].as_str().unwrap(), "--title", "Renamed on the other device"], "");
    airi(&other, &passphrase, &["sync"], "");
    window.says("conversation-row", "Renamed on the other device").await;
    window.shot("09-from-the-other-device");

    // A change in the window goes out by itself.
    window.click_saying("conversation-row", "Renamed on the other device").await;
    window.says("message", "hello from the prompt").await;
    window.click("thread-star").await;
    let arrived = || {
        airi(&other, &passphrase, &["sync"], "");
        let rows = airi(&other, &passphrase, &["list", "--starred"], "");
        rows.as_array().unwrap().iter().any(|row| row["title"] == "Renamed on the other device").then_some(())
    };
    crate::screen::wait("the star on the other device", arrived);

    account::pauses_and_resumes(&window).await;
    account::is_told_of_a_suspension_and_of_work_on_the_server(&window, &cloud).await;
    account::mends_and_discards_what_the_server_refuses(&window, &cloud, folder.path()).await;
    account::signs_the_other_device_out(&window, &other, &passphrase).await;
    account::signs_out_and_removes_what_is_here(&window, &data).await;
    window.close().await;
    cloud.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_opens_on_a_rich_history_and_its_page_reaches_nothing() {
    let screen = Screen::start(1280, 820);
    let window = Window::open(screen, &["--demo"], &[]).await;
    window.says("conversation-row", "Designing a write-ahead log in Rust").await;
    let delivered = window.js("return document.querySelector('script')?.textContent ?? ''", vec![]).await;
    assert_eq!(delivered, json!(""), "no inline script is delivered");
    // The page reaches nothing, not even a server on this very machine that would answer.
    let trap = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let script = "const image = new Image(); image.src = arguments[0]; document.body.append(image); \
                  const frame = document.createElement('iframe'); frame.src = arguments[0]; document.body.append(frame); \
                  return window.fetch(arguments[0], { mode: 'no-cors' }).then(() => 'reached', () => 'refused')";
    let url = format!("http://{}/", trap.local_addr().unwrap());
    assert_eq!(window.js(script, vec![json!(url)]).await, json!("refused"));
    // A round trip through the page: whatever the three had begun would have come by now.
    window.says("conversation-row", "Designing a write-ahead log in Rust").await;
    assert_eq!(trap.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "something reached the network");
    window.close().await;
}
