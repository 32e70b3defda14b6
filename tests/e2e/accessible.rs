//! What a screen reader is told, over AT-SPI, in the real window: names, roles, and a thread as one plain document.

use crate::account::airi;
use crate::screen::Screen;
use crate::window::built;
use airi_testkit::provider::ScriptedProvider;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// Roles that one acts on; without a name nobody knows what they do.
const ACTED_ON: &[&str] =
    &["push button", "toggle button", "combo box", "entry", "check box", "radio button", "link", "menu item"];

struct Node {
    role: String,
    name: String,
    text: String,
}

fn nodes(tree: &Value) -> Vec<Node> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let rows = tree.as_array().expect("a tree of each step");
    rows.iter().map(|row| Node { role: text(&row[1]), name: text(&row[2]), text: text(&row[3]) }).collect()
}

/// What the script prints at its end, in a session with AT-SPI of its own.
fn told(screen: &Screen, args: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/accessible.py");
    let session = "/usr/libexec/at-spi-bus-launcher --launch-immediately & exec /usr/bin/python3 \"$@\"";
    let output = Command::new("dbus-run-session")
        .args(["--", "bash", "-c", session, "session"])
        .arg(script)
        .args(args)
        .env("DISPLAY", &screen.display)
        .env("GTK_MODULES", "gail:atk-bridge")
        .env("GNOME_ACCESSIBILITY", "1")
        .env_remove("WAYLAND_DISPLAY")
        .stderr(Stdio::piped())
        .output()
        .expect("dbus-run-session starts (`cargo xtask setup` installs it)");
    let told = String::from_utf8_lossy(&output.stdout);
    // The registry that the bus starts says a word of its own first.
    serde_json::from_str(told.lines().last().unwrap_or(""))
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_finished_reply_is_announced_whole_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let none = folder.path().join("none");
    let provider = ScriptedProvider::start(0, None).unwrap();
    airi(&data, &none, &["provider", "add", "--id", "scripted", "--name", "Scripted", "--url", &provider.url()], "");
    // The model that was asked last answers in a new conversation.
    let id = airi(&data, &none, &["new", "--title", "Before"], "")["id"].as_str().unwrap().to_owned();
    let asked =
        ["--data-dir", data.to_str().unwrap(), "chat", &id, "--provider", "scripted", "--model", "echo", "Hello"];
    assert!(Command::new(built().join("airi")).args(asked).output().unwrap().status.success());

    let (program, library) = (built().join("airi-desktop"), data.to_str().unwrap());
    let args = ["--listen", "the echo of a valley", program.to_str().unwrap(), "--data-dir", library];
    let heard = told(&Screen::start(1280, 820), &args);
    let heard: Vec<&str> = heard.as_array().unwrap().iter().filter_map(|event| event[2].as_str()).collect();
    let whole: Vec<&&str> = heard.iter().filter(|text| text.contains("You said: the echo of a valley")).collect();
    assert_eq!(whole.len(), 1, "{heard:?}");
    let pieces = heard.iter().filter(|text| text.contains("You said") && !text.contains("valley")).count();
    assert_eq!(pieces, 0, "{heard:?}");
}

#[test]
fn a_screen_reader_is_told_names_and_roles_and_reads_a_thread_as_one_document() {
    let screen = Screen::start(1280, 820);
    let program = built().join("airi-desktop");
    let steps = told(&screen, &[program.to_str().unwrap(), "--demo"]);

    for step in ["start", "thread", "reading"] {
        let tree = nodes(&steps[step]);
        assert!(tree.len() > 50, "{step}: {} nodes", tree.len());
        let nameless: Vec<&str> = tree
            .iter()
            .filter(|node| ACTED_ON.contains(&node.role.as_str()) && node.name.trim().is_empty())
            .map(|node| node.role.as_str())
            .collect();
        assert!(nameless.is_empty(), "{step}: without a name: {nameless:?}");
    }

    let start = nodes(&steps["start"]);
    let has = |tree: &[Node], role: &str, name: &str| tree.iter().any(|n| n.role == role && n.name.contains(name));
    assert!(has(&start, "landmark", "Conversations") && has(&start, "table", "Conversations"), "the list is one");
    assert!(has(&start, "heading", "Starred"), "its parts have headings");

    let thread = nodes(&steps["thread"]);
    assert!(has(&thread, "heading", "Before I sign this lease"), "the thread has its title");
    assert!(thread.iter().any(|node| node.role == "log"), "new messages come into a log");
    assert!(has(&thread, "article", "You, "), "a message says whose it is, and when");

    let reading = nodes(&steps["reading"]);
    let document = reading.iter().position(|n| n.role.starts_with("document") && n.role != "document web");
    let inside = &reading[document.expect("a document of its own")..];
    let messages = thread.iter().filter(|node| node.role == "article").count();
    let headings = inside.iter().filter(|node| node.role == "heading").count();
    assert!(headings >= messages, "{headings} headings for at least {messages} messages");
    assert!(inside.iter().any(|node| node.text.to_lowercase().contains("lease")), "the words are in it");
}
