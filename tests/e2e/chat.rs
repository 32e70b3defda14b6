//! Someone new sets up a model, asks it something, stops it, asks again, edits what was asked, and finds it all again.

use crate::account::airi;
use crate::screen::Screen;
use crate::window::Window;
use airi_testkit::provider::ScriptedProvider;
use serde_json::json;
use std::process::Command;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_set_up_and_answers_is_stopped_asked_again_and_edited_with_the_keyboard() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, "correct horse battery staple").unwrap();
    Command::new("chmod").arg("600").arg(&passphrase).status().unwrap();
    let provider = ScriptedProvider::start(0, Some("sk-e2e-canary")).unwrap();
    provider.set_pace(Duration::from_millis(30));

    let screen = Screen::start(1280, 820);
    let args = ["--data-dir", data.to_str().unwrap()];
    let window = Window::open(screen, &args, &[("AIRI_PASSPHRASE_FILE", &passphrase)]).await;
    window.click("set-up-model").await;
    window.click("add-provider").await;
    window
        .js(
            "const select = document.querySelector('[data-testid=preset]'); select.value = ''; \
         select.dispatchEvent(new Event('change', { bubbles: true })); return true",
            vec![],
        )
        .await;
    window.fill("provider-url", &provider.url()).await;
    window.fill("provider-name", "Scripted").await;
    window.fill("provider-key", "sk-wrong").await;
    window.click("save-provider").await;
    window.says("provider-failure", "does not accept the key").await;
    window.shot("chat-1-wrong-key");
    window.fill("provider-key", "sk-e2e-canary").await;
    window.click("save-provider").await;
    window.gone("save-provider").await;
    window.says("provider", "22 models").await;
    assert_eq!(window.texts("provider").await.len(), 1, "the second try mends the first");
    window.shot("chat-2-provider");
    window.click("dialog-close").await;

    // A model is chosen, and answers in a new conversation; formulae and tables are drawn, no script comes to life.
    window.click("model-picker").await;
    window.fill("find-model", "markdown\u{e007}").await;
    window.fill("composer", "Show me what you can do\u{e007}").await;
    window.says("thread-title", "Show me what you can do").await;
    window.says("message", "A heading").await;
    window.becomes("return document.querySelectorAll('[data-testid=streaming]').length", &json!(0)).await;
    window.becomes("return document.querySelectorAll('[data-testid=message] table').length", &json!(1)).await;
    let scripts = "return document.querySelectorAll('[data-testid=message] script').length";
    assert_eq!(window.js(scripts, vec![]).await, json!(0));
    window.shot("chat-3-reply");

    // A slow one streams in its place, keeps to the end, and is stopped with Escape.
    window.click("model-picker").await;
    window.fill("find-model", "slow\u{e007}").await;
    window.fill("composer", "Tell me a long story\u{e007}").await;
    window.says("streaming", "word20").await;
    window.shot("chat-4-streaming");
    let at_end = "const t = document.querySelector('[data-testid=thread]'); \
                  return t.scrollHeight - t.scrollTop - t.clientHeight < 90";
    assert_eq!(window.js(at_end, vec![]).await, json!(true));
    window.see("composer").await.send_keys("\u{e00c}").await.unwrap();
    window.says("reply-ending", "You stopped this reply").await;
    window.becomes("return document.querySelectorAll('[data-testid=stop-reply]').length", &json!(0)).await;
    window.shot("chat-5-stopped");

    // Another reply stands beside it as a branch.
    window.js("[...document.querySelectorAll('[data-testid=ask-again]')].pop().click(); return true", vec![]).await;
    window.says("branch", "2/2").await;
    window.says("streaming", "word5").await;
    window.click("stop-reply").await;
    window.says("reply-ending", "You stopped this reply").await;

    // What was asked is edited; it becomes a version beside the first.
    window.js("[...document.querySelectorAll('[data-testid=edit-message]')].pop().click(); return true", vec![]).await;
    window.fill("edit-text", "Tell me a short story\u{e007}").await;
    window.says("message", "Tell me a short story").await;
    window.says("streaming", "word3").await;
    window.click("stop-reply").await;
    window.gone("stop-reply").await;

    // Up brings back what was said last; a model that fails says why, and is tried again.
    window.click("model-picker").await;
    window.fill("find-model", "fault\u{e007}").await;
    window.see("composer").await.send_keys("\u{e013}").await.unwrap();
    window
        .becomes("return document.querySelector('[data-testid=composer]').value", &json!("Tell me a short story"))
        .await;
    window.see("composer").await.send_keys("\u{e007}").await.unwrap();
    window.says("no-reply", "fault of its own").await;
    window.shot("chat-6-no-reply");
    window.click("model-picker").await;
    window.fill("find-model", "echo\u{e007}").await;
    window.fill("composer", "And now?\u{e007}").await;
    window.says("message", "You said: And now?").await;
    window.gone("no-reply").await;

    // All of it is in the library, found and counted.
    let hits = airi(&data, &passphrase, &["search", "\"and now\" role:assistant"], "");
    assert_eq!(hits["hits"].as_array().unwrap().len(), 1);
    let usage = airi(&data, &passphrase, &["usage", "--by", "model"], "");
    assert!(usage.to_string().contains("echo"), "{usage}");
    assert_eq!(airi(&data, &passphrase, &["verify"], "")["ok"], json!(true));
    window.close().await;
}
