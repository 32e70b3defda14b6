//! Chatting through `airi` with a scripted provider: replies that stream, break off, go on, survive a killed process and
//! reach the other device; keys that go nowhere else.

use crate::device::Device;
use crate::sync::{account, count, signed_in};
use airi_app::{App, AppOptions, ReplyText};
use airi_contract::{ConversationRef, NewConversation, ReplyRef, SendRequest, Settings};
use airi_testkit::provider::ScriptedProvider;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const KEY: &str = "sk-canary-5f21c9";

struct Talk {
    device: Device,
    provider: ScriptedProvider,
}

impl Talk {
    fn new() -> Talk {
        Talk::on(Device::new(), None)
    }

    fn on(device: Device, key: Option<&str>) -> Talk {
        let provider = ScriptedProvider::start(0, key).unwrap();
        let mut args = vec!["provider", "add", "--id", "scripted", "--name", "Scripted", "--url"];
        let url = provider.url();
        args.push(&url);
        if key.is_some() {
            args.push("--key-stdin");
        }
        let added = device.run_with(&args, &format!("{}\n", key.unwrap_or_default()));
        assert_eq!(added["test"]["ok"], json!(true), "{added}");
        Talk { device, provider }
    }

    /// The lines of a reply that must come whole.
    fn chat(&self, conversation: &str, model: &str, text: &str) -> Vec<Value> {
        let output = self.device.output(&["chat", conversation, "--provider", "scripted", "--model", model, text], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        lines(&output.stdout)
    }

    fn broken(&self, conversation: &str, model: &str) -> (String, String) {
        let (_, code, message) =
            self.fail(&["chat", conversation, "--provider", "scripted", "--model", model, "Good day"]);
        (code, message)
    }

    fn fail(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.device.output(args, "");
        assert!(!output.status.success());
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        let text = |name: &str| error["error"][name].as_str().unwrap().to_owned();
        (output.status.code().unwrap(), text("code"), text("message"))
    }

    fn messages(&self, conversation: &str) -> Vec<Value> {
        self.device.run(&["show", conversation])["messages"].as_array().unwrap().clone()
    }

    /// A reply that is under way once so many pieces of it came.
    fn under_way(&self, conversation: &str, pieces: usize) -> (Child, String) {
        let mut child = self
            .device
            .command(&["chat", conversation, "--provider", "scripted", "--model", "slow", "Tell me"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let begun: Value = serde_json::from_str(&line).unwrap();
        for _ in 0..pieces {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0, "the reply ended early");
        }
        child.stdout = Some(reader.into_inner());
        (child, begun["conversation_id"].as_str().unwrap().to_owned())
    }
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text_of(lines: &[Value]) -> String {
    lines.iter().filter_map(|line| line["text"].as_str()).collect()
}

#[test]
fn a_reply_streams_and_is_a_message_with_its_model_tokens_and_end() {
    let talk = Talk::new();
    let told =
        talk.chat("new", "echo", "What is **sourdough**, and how long does it rise in a cold kitchen in winter?");
    let id = told[0]["conversation_id"].as_str().unwrap();
    let reply = &told.last().unwrap()["reply"];
    assert_eq!(text_of(&told), reply["content"].as_str().unwrap());
    assert!(reply["content"].as_str().unwrap().starts_with("You said: What is **sourdough**"));
    assert_eq!((&reply["model_id"], &reply["provider_id"]), (&json!("echo"), &json!("scripted")));
    assert_eq!((&reply["finish_reason"], &reply["prompt_tokens"]), (&json!("stop"), &json!(11)));
    assert!(reply["response_time_ms"].as_i64().is_some() && reply["total_tokens"].as_i64().unwrap() > 11);
    assert_eq!(reply["parent_id"], told[0]["message_id"]);
    let row = &talk.device.list()[0];
    assert_eq!(row["title"], json!("What is sourdough, and how long does it rise in a cold…"));
    assert_eq!((&row["model_id"], &row["provider_id"]), (&json!("echo"), &json!("scripted")));

    // The model is the conversation's now, and the one for the next.
    let second = lines(&talk.device.output(&["chat", id, "And in summer?"], "").stdout);
    assert_eq!(text_of(&second), "You said: And in summer?");
    assert_eq!(text_of(&lines(&talk.device.output(&["chat", "new", "Hello"], "").stdout)), "You said: Hello");
    assert_eq!(talk.device.search("\"you said\" summer").len(), 1);
    let usage = talk.device.run(&["usage", "--by", "model"]);
    assert_eq!((&usage["rows"][0]["key"], &usage["rows"][0]["messages"]), (&json!("echo"), &json!(3)), "{usage}");
    assert_eq!(talk.device.run(&["verify"])["ok"], json!(true));

    // What was asked is the thread, the oldest first, and the conversation's own settings.
    talk.device.run(&["edit", id, "--system", "Answer as a baker.", "--temperature", "0.2", "--max-tokens", "64"]);
    talk.device.output(&["chat", id, "Thanks"], "");
    let asked = talk.provider.asked().pop().unwrap().body;
    let said: Vec<&str> = asked["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(said, ["system", "user", "assistant", "user", "assistant", "user"]);
    assert_eq!(asked["messages"][0]["content"], json!("Answer as a baker."));
    assert_eq!((&asked["temperature"], &asked["max_tokens"]), (&json!(0.2), &json!(64)));
}

#[test]
fn another_reply_is_a_branch_and_a_cut_one_goes_on() {
    let talk = Talk::new();
    let told = talk.chat("new", "echo", "Name a colour");
    let id = told[0]["conversation_id"].as_str().unwrap();
    let again = talk.device.output(&["chat", id, "--again", "--model", "think"], "");
    let again = lines(&again.stdout);
    assert_eq!(text_of(&again), "Hello to you.");
    let thinking: String = again.iter().filter_map(|line| line["thinking"].as_str()).collect();
    assert_eq!(thinking, "The user greets me. I greet back.");
    let messages = talk.messages(id);
    let replies: Vec<&Value> = messages.iter().filter(|m| m["role"] == "assistant").collect();
    assert_eq!(replies.len(), 2);
    assert_eq!(replies[0]["parent_id"], replies[1]["parent_id"]);
    assert_eq!(replies[1]["metadata"]["blocks"][0]["type"], "thinking");

    // What follows continues the branch in view, and the other one is not told to the model.
    talk.chat(id, "limit", "And another");
    let asked = talk.provider.asked().pop().unwrap().body.to_string();
    assert!(asked.contains("Hello to you.") && !asked.contains("You said"), "{asked}");
    let cut = talk.messages(id).pop().unwrap();
    assert_eq!((&cut["content"], &cut["finish_reason"]), (&json!("This answer is cut"), &json!("length")));
    let more = talk.device.output(&["chat", id, "--go-on", "--model", "echo"], "");
    assert!(more.status.success());
    let last = talk.messages(id).pop().unwrap();
    assert_eq!(last["parent_id"], cut["id"]);
    let (_, code, _) = talk.fail(&["chat", id, "--go-on"]);
    assert_eq!(code, "invalid_input", "a whole reply is not continued");
}

#[test]
fn what_had_come_is_kept_and_nothing_of_nothing() {
    let talk = Talk::new();
    let (code, message) = talk.broken("new", "broken");
    assert_eq!(code, "provider");
    assert!(message.contains("What had come is kept"), "{message}");
    let id = talk.device.list()[0]["id"].as_str().unwrap().to_owned();
    let half = talk.messages(&id).pop().unwrap();
    assert_eq!((&half["role"], &half["finish_reason"]), (&json!("assistant"), &json!("error")));
    assert!(half["content"].as_str().unwrap().starts_with("The first half"));
    for (model, code, words) in [
        ("fault", "provider", "fault of its own"),
        ("quota", "provider", "balance or plan"),
        ("too-long", "provider", "longer than the model can read"),
        ("html", "provider", "not a model's server"),
        ("redirect", "provider", "another address"),
        ("nobody-knows", "provider", "does not know the model"),
    ] {
        let before = talk.messages(&id).len();
        let (found, message) = talk.broken(&id, model);
        assert_eq!(found, code, "{model}: {message}");
        assert!(message.contains(words), "{model}: {message}");
        let messages = talk.messages(&id);
        assert_eq!(messages.len(), before + 1, "{model}: the question is kept, and no empty reply");
        assert_eq!(messages.last().unwrap()["role"], "user");
    }
    let (_, message) = talk.broken(&id, "garbage");
    assert!(message.contains("not a model's server"), "{message}");
    assert_eq!(talk.messages(&id).pop().unwrap()["content"], json!("Before the garbage."));
    assert_eq!(talk.device.run(&["verify"])["ok"], json!(true));
}

/// A fault may come sooner than whoever asked begins to follow the reply.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_that_came_at_once_is_told_to_who_follows_later() {
    let talk = Talk::new();
    let app = App::open(AppOptions { data_dir: Some(talk.device.path("data")), ..AppOptions::default() }).unwrap();
    for (model, told) in [("fault", false), ("echo", true)] {
        let asked = app
            .send_message(SendRequest {
                content: "Good day".into(),
                provider_id: Some("scripted".into()),
                model_id: Some(model.into()),
                ..SendRequest::default()
            })
            .await
            .unwrap();
        let reply = ReplyRef { message_id: asked.reply_id };
        let start = Instant::now();
        while app.reply_so_far(reply.clone()).unwrap().is_some() {
            assert!(start.elapsed() < Duration::from_secs(20), "{model} never ends");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut text = String::new();
        let ended = app.follow_reply(reply, |piece| {
            if let ReplyText::Text(more) = piece {
                text.push_str(more);
            }
        });
        assert_eq!(ended.await.is_ok(), told, "{model}");
        assert_eq!(text.is_empty(), !told, "{model}: {text}");
    }
    app.close();
}

/// In the window a model names a conversation after its first reply, once; a name that the user gave stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_names_a_conversation_unless_the_user_did() {
    let talk = Talk::new();
    let options = AppOptions { data_dir: Some(talk.device.path("data")), window: true, ..AppOptions::default() };
    let app = App::open(options).unwrap();
    let say = async |conversation: Option<String>, model: &str| {
        let request = SendRequest {
            conversation_id: conversation,
            content: "Good day to you".into(),
            provider_id: Some("scripted".into()),
            model_id: Some(model.into()),
            ..SendRequest::default()
        };
        let answer = app.send_message(request).await.unwrap();
        app.follow_reply(ReplyRef { message_id: answer.reply_id }, |_| ()).await.unwrap();
        answer.conversation.id
    };
    let names =
        || talk.provider.asked().iter().filter(|asked| asked.body.to_string().contains("Name the conv")).count();
    let title = |id: &str| app.get_conversation(ConversationRef { id: id.to_owned() }).unwrap().title.unwrap();
    let until = async |what: &str, there: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !there() {
            assert!(start.elapsed() < Duration::from_secs(20), "{what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };

    let first = say(None, "echo").await;
    until("it is named", &|| title(&first) == "A talk with an echo").await;
    say(Some(first.clone()), "echo").await;
    // A model that has no name to give leaves what is there; by then a second question of the first would have come.
    let second = say(None, "limit").await;
    let third = say(None, "think").await;
    until("the third is asked for", &|| names() == 2).await;
    assert_eq!([title(&second), title(&third)], ["Good day to you", "Good day to you"]);

    let named = app.create_conversation(NewConversation { title: Some("Mine".into()), ..NewConversation::default() });
    let named = named.unwrap().id;
    say(Some(named.clone()), "echo").await;
    let settings = Settings { titles_by_model: false, ..app.get_settings().unwrap() };
    app.set_settings(settings).unwrap();
    let off = say(None, "echo").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!((title(&named).as_str(), title(&off).as_str(), names()), ("Mine", "Good day to you", 2));
    app.close();
}

#[test]
fn a_killed_process_leaves_its_reply_as_far_as_it_was_saved() {
    let talk = Talk::new();
    talk.provider.set_pace(Duration::from_millis(25));
    let (mut child, id) = talk.under_way("new", 60);
    // Beside it, the reply that is being written is seen as far as it is saved, and nothing is put before its end.
    let beside = talk.messages(&id).pop().unwrap();
    assert_eq!((&beside["role"], &beside["finish_reason"]), (&json!("assistant"), &Value::Null));
    let (_, code, _) = talk.fail(&["chat", &id, "And now?"]);
    assert_eq!(code, "busy");
    let (_, code, _) = talk.fail(&["add", &id, "--role", "user", "A note"]);
    assert_eq!(code, "busy");
    child.kill().unwrap();
    child.wait().unwrap();

    let messages = talk.messages(&id);
    assert_eq!(messages.len(), 2);
    let kept = &messages[1];
    assert_eq!(kept["finish_reason"], json!("interrupted"));
    let content = kept["content"].as_str().unwrap();
    let whole: String = (1..=200).map(|n| format!("word{n} ")).collect();
    assert!(whole.starts_with(content) && content.len() > 100, "{content}");
    assert_eq!(talk.device.search("word20").len(), 1, "it is found like any other");
    let more = talk.device.output(&["chat", &id, "--go-on", "--model", "echo"], "");
    assert!(more.status.success(), "{}", String::from_utf8_lossy(&more.stderr));
    assert_eq!(talk.device.run(&["verify"])["ok"], json!(true));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_reply_and_keeps_it() {
    let talk = Talk::new();
    talk.provider.set_pace(Duration::from_millis(25));
    let (mut child, id) = talk.under_way("new", 10);
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let begun = Instant::now();
    // It goes on writing until it sees the signal: what it says must not block it.
    let mut stdout = child.stdout.take().unwrap();
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5) && !output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("cancelled"));
    let kept = talk.messages(&id).pop().unwrap();
    assert_eq!(kept["finish_reason"], json!("stopped"));
    assert!(kept["content"].as_str().unwrap().starts_with("word1 "));
}

#[test]
fn a_key_is_nowhere_on_disk_and_goes_to_the_origin_it_was_given_for_alone() {
    let talk = Talk::on(Device::new(), Some(KEY));
    assert_eq!(text_of(&talk.chat("new", "echo", "Hello")), "You said: Hello");
    let listed = talk.device.run(&["provider", "list"]);
    assert_eq!(listed[0]["key"], "kept");
    assert!(!listed.to_string().contains("canary"));
    assert_eq!(files_holding(&talk.device.path("data"), KEY.as_bytes()), Vec::<String>::new());

    // Whoever changes the config cannot have the key sent elsewhere.
    let other = ScriptedProvider::start(0, None).unwrap();
    let path = talk.device.path("data").join("config.json");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, config.replace(&talk.provider.url(), &other.url())).unwrap();
    let (_, code, message) = talk.fail(&["chat", "new", "Hello"]);
    assert_eq!(code, "key_needed", "{message}");
    assert_eq!(talk.device.run(&["provider", "list"])[0]["key"], "needed");
    assert!(other.asked().is_empty());
    assert_eq!(talk.device.list().len(), 1, "nothing was saved that nobody could answer");

    std::fs::write(&path, config).unwrap();
    let wrong = talk.device.run_with(&["provider", "add", "--id", "scripted", "--key-stdin"], "sk-wrong-canary-77\n");
    assert_eq!(wrong["test"]["ok"], json!(false));
    assert!(wrong["test"]["message"].as_str().unwrap().contains("does not accept the key"), "{wrong}");
    assert!(!wrong.to_string().contains("canary"));
    talk.device.run(&["provider", "remove", "scripted"]);
    assert_eq!(talk.device.run(&["provider", "list"]), json!([]));
    let (_, code, _) = talk.fail(&["chat", "new", "Hello"]);
    assert_eq!(code, "no_model");
}

/// The files below a folder that hold these bytes.
fn files_holding(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_holding(&path, bytes));
        } else if std::fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn an_address_that_must_not_be_asked_is_refused() {
    let device = Device::new();
    let add = |url: &str, private: bool| {
        let mut args = vec!["provider", "add", "--id", "x", "--url", url];
        if private {
            args.push("--allow-private");
        }
        let output = device.output(&args, "");
        let error: Value = serde_json::from_slice(&output.stderr).unwrap_or(Value::Null);
        error["error"]["code"].as_str().map(str::to_owned)
    };
    assert_eq!(add("http://169.254.169.254/v1", true).as_deref(), Some("invalid_input"));
    assert_eq!(add("http://api.example.com/v1", true).as_deref(), Some("invalid_input"));
    assert_eq!(add("http://10.255.255.1/v1", false).as_deref(), Some("confirm_needed"));
    assert_eq!(add("ftp://x", false).as_deref(), Some("invalid_input"));
    assert_eq!(device.run(&["provider", "list"]), json!([]), "nothing was saved");
}

#[test]
fn a_picture_and_a_text_go_along_and_the_rest_is_named() {
    let talk = Talk::new();
    let id = talk.device.run(&["new"])["id"].as_str().unwrap().to_owned();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
    for (name, bytes) in [("dot.png", png.as_slice()), ("list.txt", b"flour, water"), ("x.bin", b"\x01\x02\0\xff")] {
        let path = talk.device.path(name);
        std::fs::write(&path, bytes).unwrap();
        talk.device.run(&["attach", &id, path.to_str().unwrap()]);
    }
    talk.chat(&id, "echo", "What are these?");
    let asked = talk.provider.asked().pop().unwrap().body["messages"].to_string();
    assert!(asked.contains("data:image/png;base64,iVBORw0KGgo"), "{asked}");
    assert!(asked.contains("flour, water") && asked.contains("x.bin") && !asked.contains("\\u0001"));
}

/// What no longer fits stays in the thread, and the reply says how much of it the model was told.
#[test]
fn a_reply_says_when_the_model_was_not_told_all() {
    let talk = Talk::new();
    let id = talk.device.run(&["new"])["id"].as_str().unwrap().to_owned();
    for n in 0..4 {
        talk.device.run_with(&["add", &id, "--role", "user", "-"], &format!("part {n} {}", "x".repeat(150_000)));
    }
    let told = |messages: &[Value]| messages.last().unwrap()["metadata"]["told_messages"].clone();
    talk.chat(&id, "limit", "Sum it up");
    assert_eq!(told(&talk.messages(&id)), json!(3), "two of the four, and the question");
    let short = talk.device.run(&["new"])["id"].as_str().unwrap().to_owned();
    talk.chat(&short, "limit", "Hello");
    assert_eq!(told(&talk.messages(&short)), Value::Null);
}

#[test]
fn a_reply_reaches_the_other_device_when_it_is_over_and_not_before() {
    let user = account();
    let talk = Talk::on(signed_in(&user), None);
    talk.provider.set_pace(Duration::from_millis(40));
    let (mut child, id) = talk.under_way("new", 30);
    talk.device.run(&["sync"]);
    let replies = "select count(*) from chat_messages where user_id = $1 and role = 'assistant'";
    assert_eq!(count(&user, replies), 0, "half a reply is nobody's business");
    let mut stdout = child.stdout.take().unwrap();
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
    talk.device.run(&["sync"]);
    let other = signed_in(&user);
    other.run(&["sync"]);
    let there = other.run(&["show", &id])["messages"].clone();
    assert_eq!(there, talk.device.run(&["show", &id])["messages"]);
    assert!(there[1]["content"].as_str().unwrap().ends_with("word200"));
    assert_eq!((&there[1]["finish_reason"], &there[1]["model_id"]), (&json!("stop"), &json!("slow")));
}
