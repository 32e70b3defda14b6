//! The files of a conversation in the real window: seen, opened large, saved, found again in the thread, by keyboard.

use crate::account::airi;
use crate::screen::Screen;
use crate::window::Window;
use serde_json::json;
use std::path::Path;

const FOCUSED: &str = "return document.activeElement.closest('[data-testid=gallery-item]')?.innerText.includes";

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_conversation_are_seen_opened_saved_and_shown_with_the_keyboard() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Nothing secret is kept; a place for it is named all the same.
    let passphrase = folder.path().join("passphrase");
    let airi = |args: &[&str]| airi(&data, &passphrase, args, "");
    let conversation = airi(&["new", "--title", "With files"])["id"].as_str().unwrap().to_owned();
    let shot = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screenshots/start-light.png");
    for name in ["first.png", "table.csv", "second.png"] {
        let path = folder.path().join(name);
        if name.ends_with("png") { std::fs::copy(&shot, &path).map(drop) } else { std::fs::write(&path, "a,b\n1,2\n") }
            .unwrap();
        airi(&["attach", &conversation, path.to_str().unwrap()]);
    }
    for n in 0..30 {
        airi(&["add", &conversation, "--role", "user", &format!("line {n}")]);
    }

    let args = ["--data-dir", data.to_str().unwrap()];
    let window = Window::open(Screen::start(1280, 820), &args, &[]).await;
    window.click_saying("conversation-row", "With files").await;
    window.says("message", "line 29").await;
    window.becomes("return document.hasFocus()", &json!(true)).await;
    window.screen.press(&["ctrl+shift+p"]);
    window.see("palette-input").await;
    window.screen.type_text("files of this");
    window.screen.press(&["Return"]);
    window.says("gallery-count", "3 files").await;
    let drawn = "const seen = [...document.querySelectorAll('[data-testid=gallery] img')]; \
                 return seen.length === 2 && seen.every((one) => one.complete && one.naturalWidth > 1)";
    window.becomes(drawn, &json!(true)).await;
    window.shot("30-gallery");

    // The newest is first; a picture opens large, and comes back to where the keyboard was.
    window.js("document.querySelector('[data-testid=gallery-open]').focus(); return true", vec![]).await;
    window.becomes(&format!("{FOCUSED}('second.png')"), &json!(true)).await;
    window.screen.press(&["Return"]);
    window.says("picture-place", "1 of 2").await;
    window.screen.press(&["Right"]);
    window.says("picture-place", "2 of 2").await;
    window.screen.press(&["Escape"]);
    window.gone("picture").await;
    window.becomes(&format!("{FOCUSED}('second.png')"), &json!(true)).await;

    // Down to the file, which is saved where the person says.
    window.screen.press(&["Down"]);
    window.becomes(&format!("{FOCUSED}('table.csv')"), &json!(true)).await;
    window.screen.press(&["Return"]);
    let copy = folder.path().join("copy.csv");
    window.screen.answer_dialogue(&copy);
    window.says("toast", "copy.csv").await;
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "a,b\n1,2\n");

    // The oldest is shown where it was sent, far above.
    window.js("document.querySelectorAll('[data-testid=gallery-open]')[2].focus(); return true", vec![]).await;
    window.screen.press(&["Tab", "Return"]);
    window.becomes("return document.activeElement.dataset.testid", &json!("gallery-large")).await;
    window.screen.press(&["Down", "Down", "Return"]);
    window.becomes("return document.querySelector('article.flash')?.innerText !== undefined", &json!(true)).await;
    window.becomes("return document.querySelector('article.flash img').naturalWidth > 1", &json!(true)).await;

    // One that comes while they are looked at is there by itself.
    let late = folder.path().join("late.txt");
    std::fs::write(&late, "late").unwrap();
    airi(&["attach", &conversation, late.to_str().unwrap()]);
    window.says("gallery-item", "late.txt").await;
    window.screen.press(&["Escape"]);
    window.gone("gallery").await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_dropped_on_a_conversation_go_along_with_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let passphrase = folder.path().join("passphrase");
    let airi = |args: &[&str]| airi(&data, &passphrase, args, "");
    let conversation = airi(&["new", "--title", "Dropped on"])["id"].as_str().unwrap().to_owned();
    airi(&["add", &conversation, "--role", "user", "before"]);
    let shot = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screenshots/start-light.png");
    let (picture, trip) = (folder.path().join("my picture.png"), folder.path().join("Trip"));
    std::fs::copy(&shot, &picture).unwrap();
    std::fs::create_dir(&trip).unwrap();

    let args = ["--data-dir", data.to_str().unwrap()];
    // What the page keeps for itself.
    let page = folder.path().join("page");
    let environment = [("XDG_DATA_HOME", page.as_path())];
    let window = Window::open(Screen::start(1280, 820), &args, &environment).await;
    window.click_saying("conversation-row", "Dropped on").await;
    window.says("message", "before").await;
    let over = async || {
        window.says("drop-draft", "attach to your message").await;
        let lit = "return document.querySelector('.drop.on')?.dataset.testid ?? null";
        window.becomes(lit, &json!("drop-draft")).await;
        window.shot("31-dropping");
    };
    window.screen.drag_files(&[&picture, &trip], (800, 400), over).await;
    window.says("draft-file", "my picture.png").await;
    window.says("draft-left", "Trip is a folder").await;
    window.gone("drop-draft").await;
    let seen = "return document.querySelector('[data-testid=draft-file] img')?.naturalWidth > 1";
    window.becomes(seen, &json!(true)).await;
    window.shot("32-dropped");

    // What is being written is there after a restart, with what was pasted and dropped.
    let paste = "const files = new DataTransfer();
        files.items.add(new File(['# Pasted'], 'pasted.md', { type: 'text/markdown' }));
        document.querySelector('[data-testid=composer]').dispatchEvent(new ClipboardEvent('paste', { clipboardData: files }));";
    window.js(paste, vec![]).await;
    window.says("draft-file", "pasted.md").await;
    window.fill("composer", "half said").await;
    window.close().await;
    let window = Window::open(Screen::start(1280, 820), &args, &environment).await;
    window.click_saying("conversation-row", "Dropped on").await;
    window.says("draft-file", "pasted.md").await;
    assert_eq!(window.texts("draft-file").await.len(), 2);
    window.becomes(seen, &json!(true)).await;
    window.becomes("return document.querySelector('[data-testid=composer]').value", &json!("half said")).await;
    let remove = "[...document.querySelectorAll('[data-testid=draft-file]')].at(-1).querySelector('button').click()";
    window.js(remove, vec![]).await;
    window.fill("composer", "look at this\u{e007}").await;
    window.gone("draft-file").await;
    window.says("message", "look at this").await;
    let sent = "return [...document.querySelectorAll('[data-testid=message] img')].some((one) => one.naturalWidth > 1)";
    window.becomes(sent, &json!(true)).await;
    let messages = airi(&["show", &conversation])["messages"].as_array().unwrap().clone();
    assert_eq!(messages.len(), 2, "the note and its file are one message");
    assert_eq!(messages[1]["files"][0]["file_name"], json!("my picture.png"));
    assert_eq!(messages[1]["files"][0]["file_size"], json!(std::fs::metadata(&shot).unwrap().len()));
    window.close().await;
}
