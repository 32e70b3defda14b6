//! The desktop around the window: a real notification of a real daemon, clicked; the menu bar, by the keyboard; the size that a
//! window had.

use crate::account::airi;
use crate::screen::{Screen, wait};
use crate::window::{Window, built};
use airi_testkit::provider::ScriptedProvider;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A session bus with a daemon that shows notifications.
struct Notices {
    bus: String,
    children: [Child; 2],
}

impl Notices {
    fn start(screen: &Screen) -> Notices {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon starts (`cargo xtask setup` installs it)");
        let mut bus = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut bus).unwrap();
        let bus = bus.trim().to_owned();
        let dunst = Command::new("dunst")
            .env("DISPLAY", &screen.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &bus)
            .env_remove("WAYLAND_DISPLAY")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dunst starts (`cargo xtask setup` installs it)");
        let notices = Notices { bus, children: [dunst, daemon] };
        wait("the notification daemon", || notices.ctl(&["is-paused"]));
        notices
    }

    fn ctl(&self, args: &[&str]) -> Option<String> {
        let output = Command::new("dunstctl").env("DBUS_SESSION_BUS_ADDRESS", &self.bus).args(args).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn shown(&self) -> usize {
        self.ctl(&["count", "displayed"]).and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// What was shown and put away, the newest first: summary and body.
    fn history(&self) -> Vec<(String, String)> {
        let told: Value = serde_json::from_str(&self.ctl(&["history"]).unwrap()).unwrap();
        let text = |row: &Value, name: &str| row[name]["data"].as_str().unwrap_or("").to_owned();
        let rows = told["data"][0].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| (text(row, "summary"), text(row, "body"))).collect()
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_ends_unseen_is_told_and_a_click_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let provider = ScriptedProvider::start(0, None).unwrap();
    provider.set_pace(Duration::from_millis(15));
    airi(
        &data,
        &folder.path().join("none"),
        &["provider", "add", "--id", "scripted", "--name", "Scripted", "--url", &provider.url()],
        "",
    );
    let screen = Screen::start(1280, 820);
    let notices = Notices::start(&screen);
    let bus = notices.bus.clone();
    let args = ["--data-dir", data.to_str().unwrap()];
    let window = Window::open(screen, &args, &[("DBUS_SESSION_BUS_ADDRESS", Path::new(&bus))]).await;
    let own = wait("the window", || window.screen.window_named("^AIRI$"));
    window.becomes("return document.hasFocus()", &json!(true)).await;

    // Whoever looks at it is told nothing, and the model gives the conversation a name.
    window.click("model-picker").await;
    window.fill("find-model", "echo\u{e007}").await;
    window.fill("composer", "Where is the echo\u{e007}").await;
    window.says("thread-title", "A talk with an echo").await;
    assert_eq!((notices.shown(), notices.history().len()), (0, 0));

    window.click("new-chat").await;
    window.click("model-picker").await;
    window.fill("find-model", "slow\u{e007}").await;
    window.fill("composer", "Tell me something long\u{e007}").await;
    window.says("streaming", "word2").await;
    // Another conversation is open when it ends, and the window lies in the task bar.
    window.click_saying("conversation-row", "A talk with an echo").await;
    window.says("thread-title", "A talk with an echo").await;
    window.screen.minimise(&own);
    wait("the notification", || (notices.shown() == 1).then_some(()));
    window.shot("50-notification");
    assert!(window.screen.window_named("^AIRI$").is_none(), "it stays in the task bar");
    notices.ctl(&["action", "0"]).unwrap();
    wait("the window again", || window.screen.window_named("^AIRI$"));
    window.says("thread-title", "Tell me something long").await;
    window.says("message", "word200").await;
    notices.ctl(&["close-all"]).unwrap();
    let told = wait("what was told", || notices.history().pop());
    assert_eq!(told, ("Tell me something long".to_owned(), "The reply is there.".to_owned()));
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_bar_is_there_for_whoever_wants_it() {
    let window = Window::open(Screen::start(1280, 820), &["--demo"], &[]).await;
    window.becomes("return document.hasFocus()", &json!(true)).await;
    window.screen.press(&["ctrl+comma"]);
    window.click("settings-appearance").await;
    let tall = window.js("return innerHeight", vec![]).await;
    window.js("document.querySelectorAll('#' + CSS.escape(document.querySelector('[data-testid=settings-section]').id) + ' [role=switch]')[0].click()", vec![]).await;
    // It takes its room from the page.
    let higher = format!("return innerHeight < {tall}");
    window.becomes(&higher, &json!(true)).await;
    window.screen.press(&["Escape"]);
    window.gone("settings-section").await;
    // The last entry of its first menu, as a keyboard goes there.
    window.screen.press(&["F10"]);
    window.shot("51-menu-bar");
    window.screen.press(&["Up", "Return"]);
    window.see("settings-section").await;
    window.shot("52-menu-chosen");
    window.click("settings-appearance").await;
    window.js("document.querySelectorAll('[data-testid=settings-section] [role=switch]')[0].click()", vec![]).await;
    window.becomes("return innerHeight", &tall).await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_comes_back_as_large_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let screen = Screen::start(1400, 1000);
    let start = || {
        Command::new(built().join("airi-desktop"))
            .args(["--data-dir", data.to_str().unwrap()])
            .env("DISPLAY", &screen.display)
            .env_remove("WAYLAND_DISPLAY")
            .spawn()
            .unwrap()
    };
    let mut app = start();
    let own = wait("the window", || screen.window_named("^AIRI$"));
    wait("its first size", || (screen.size(&own)? == (1280, 820)).then_some(()));
    screen.resize(&own, 900, 640);
    wait("its new size", || (screen.size(&own)? == (900, 640)).then_some(()));
    // What it is like is noted as the window is told of it.
    tokio::time::sleep(Duration::from_millis(500)).await;
    screen.close_window(&own);
    app.wait().unwrap();
    assert!(data.join("window.json").is_file(), "it is kept beside the library");

    let mut app = start();
    let own = wait("the window again", || screen.window_named("^AIRI$"));
    wait("the size it had", || (screen.size(&own)? == (900, 640)).then_some(()));
    screen.close_window(&own);
    app.wait().unwrap();
}
