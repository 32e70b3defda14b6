//! Replies of the scripted provider, good ones and broken ones, through the client as shipped.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

use airi_llm::{
    Client, Delta, Image, LlmError, Near, Prompt, Protocol, ProviderAddress, Proxy, SecretString, Speaker, Turn, Usage,
};
use airi_testkit::provider::{MODELS, ScriptedProvider};

fn client(provider: &ScriptedProvider, protocol: Protocol, key: Option<&str>) -> Client {
    let address = ProviderAddress::parse(&provider.url(), Near::Loopback).unwrap();
    Client::new("Scripted", protocol, address, key.map(SecretString::from), &Proxy::System).unwrap()
}

fn prompt(model: &str, said: &str) -> Prompt {
    let turns = vec![Turn { speaker: Speaker::User, text: said.into(), images: Vec::new() }];
    Prompt { model: model.into(), system: Some("Be brief.".into()), turns, temperature: Some(0.5), max_tokens: None }
}

#[derive(Default, Debug)]
struct Told {
    text: String,
    thinking: String,
    tools: Vec<(String, serde_json::Value)>,
    finished: Option<(String, Option<Usage>)>,
    error: Option<LlmError>,
}

async fn told(client: &Client, prompt: Prompt) -> Told {
    let mut told = Told::default();
    let mut reply = match client.reply(prompt).await {
        Ok(reply) => reply,
        Err(error) => return Told { error: Some(error), ..told },
    };
    while let Some(piece) = reply.next().await {
        match piece {
            Ok(Delta::Text(text)) => told.text.push_str(&text),
            Ok(Delta::Thinking(text)) => told.thinking.push_str(&text),
            Ok(Delta::Tool { name, input }) => told.tools.push((name, input)),
            Ok(Delta::Finished { reason, usage }) => told.finished = Some((reason, usage)),
            Err(error) => told.error = Some(error),
        }
    }
    told
}

async fn of(model: &str) -> Told {
    let provider = ScriptedProvider::start(0, None).unwrap();
    told(&client(&provider, Protocol::OpenAi, None), prompt(model, "Good day")).await
}

#[tokio::test]
async fn a_reply_comes_whole_with_its_tokens_and_its_end_in_every_protocol() {
    let provider = ScriptedProvider::start(0, Some("sk-1")).unwrap();
    for (protocol, end) in [(Protocol::OpenAi, "stop"), (Protocol::Anthropic, "end_turn"), (Protocol::Google, "STOP")] {
        let told = told(&client(&provider, protocol, Some("sk-1")), prompt("echo", "Grüße, 世界")).await;
        assert_eq!(told.text, "You said: Grüße, 世界", "{protocol:?}: {:?}", told.error);
        let (reason, usage) = told.finished.unwrap();
        assert_eq!(reason, end);
        assert_eq!(usage, Some(Usage { prompt: 11, completion: 4, total: 15 }), "{protocol:?}");
    }
}

#[tokio::test]
async fn what_is_asked_is_what_was_said_and_nothing_else() {
    let provider = ScriptedProvider::start(0, Some("sk-1")).unwrap();
    let mut asked = prompt("echo", "What is this?");
    asked.turns[0].images.push(Image { mime: "image/png".into(), base64: "iVBORw0KGgo=".into() });
    asked.turns.insert(0, Turn { speaker: Speaker::Assistant, text: "Hello".into(), images: Vec::new() });
    asked.turns.insert(0, Turn { speaker: Speaker::User, text: "  ".into(), images: Vec::new() });
    told(&client(&provider, Protocol::OpenAi, Some("sk-1")), asked).await;
    let request = provider.asked().pop().unwrap();
    assert_eq!(request.header("authorization"), Some("Bearer sk-1"));
    assert!(request.header("cookie").is_none() && request.header("referer").is_none());
    let body = request.body;
    assert_eq!(body["model"], "echo");
    assert_eq!(body["temperature"], 0.5);
    assert!(body.get("max_tokens").is_none() && body.get("reasoning_effort").is_none(), "{body}");
    let roles: Vec<&str> = body["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "assistant", "user"]);
    assert!(body["messages"][2].to_string().contains("data:image/png;base64,iVBORw0KGgo="));
}

#[tokio::test]
async fn a_model_whose_name_ends_like_an_effort_is_asked_by_its_name() {
    let provider = ScriptedProvider::start(0, None).unwrap();
    told(&client(&provider, Protocol::OpenAi, None), prompt("qwen-max", "x")).await;
    assert_eq!(provider.asked().pop().unwrap().body["model"], "qwen-max");
}

#[tokio::test]
async fn without_a_key_no_header_for_one_is_sent() {
    let provider = ScriptedProvider::start(0, None).unwrap();
    assert_eq!(told(&client(&provider, Protocol::OpenAi, None), prompt("echo", "x")).await.text, "You said: x");
    assert!(provider.asked()[0].header("authorization").is_none());
    for protocol in [Protocol::Anthropic, Protocol::Google] {
        let error = told(&client(&provider, protocol, None), prompt("echo", "x")).await.error.unwrap();
        assert!(matches!(error, LlmError::KeyMissing { .. }));
    }
    assert_eq!(provider.asked().len(), 1);
}

#[tokio::test]
async fn a_wrong_key_is_told_and_never_shown() {
    let provider = ScriptedProvider::start(0, Some("sk-right")).unwrap();
    for protocol in [Protocol::OpenAi, Protocol::Anthropic, Protocol::Google] {
        let client = client(&provider, protocol, Some("sk-canary-wrong"));
        let error = told(&client, prompt("echo", "x")).await.error.unwrap();
        assert!(matches!(error, LlmError::KeyRefused { .. }), "{protocol:?}: {error:?}");
        let listing = client.models().await.unwrap_err();
        assert!(matches!(listing, LlmError::KeyRefused { .. }));
        assert!(!format!("{error} {error:?} {listing:?} {client:?}").contains("canary"));
    }
}

#[tokio::test]
async fn thinking_and_tool_calls_are_told_apart_from_the_text() {
    let thinking = of("think").await;
    assert_eq!(
        (thinking.thinking.as_str(), thinking.text.as_str()),
        ("The user greets me. I greet back.", "Hello to you.")
    );
    let tools = of("tools").await;
    assert_eq!(tools.tools, [("lookup".to_owned(), serde_json::json!({"city": "Paris"}))]);
}

#[tokio::test]
async fn what_came_before_a_fault_is_kept_and_the_fault_is_told() {
    let broken = of("broken").await;
    assert!(broken.text.starts_with("The first half") && broken.error == Some(LlmError::Cut), "{broken:?}");
    let garbage = of("garbage").await;
    assert!(garbage.text == "Before the garbage." && matches!(garbage.error, Some(LlmError::NotAProvider { .. })));
    let midway = of("midway").await;
    assert!(midway.text == "Before the error.");
    let error = midway.error.unwrap();
    assert!(error.to_string().contains("The model crashed"), "{error}");
    assert!(matches!(of("html").await.error, Some(LlmError::NotAProvider { .. })));
    assert!(matches!(of("fault").await.error, Some(LlmError::Faulty { status: 503, .. })));
    assert!(matches!(of("quota").await.error, Some(LlmError::NoCredit { .. })));
    assert!(matches!(of("too-long").await.error, Some(LlmError::TooLong { .. })));
    assert!(matches!(of("unheard-of").await.error, Some(LlmError::NoSuchModel { .. })));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let error = of("redirect").await.error.unwrap();
    assert!(matches!(error, LlmError::Redirected { status: 307, .. }), "{error:?}");
}

#[tokio::test]
async fn a_stream_without_its_closing_frame_ends_as_its_last_frame_says() {
    let told = of("no-done").await;
    assert_eq!(told.finished, Some(("stop".to_owned(), None)));
    assert_eq!(of("limit").await.finished.unwrap().0, "length");
    let empty = of("empty").await;
    assert!(empty.text.is_empty() && empty.finished.is_some());
}

#[tokio::test]
async fn an_endless_reply_is_taken_piece_by_piece() {
    let provider = ScriptedProvider::start(0, None).unwrap();
    let mut reply = client(&provider, Protocol::OpenAi, None).reply(prompt("endless", "x")).await.unwrap();
    for _ in 0..20 {
        assert!(matches!(reply.next().await, Some(Ok(Delta::Text(_)))));
    }
}

#[tokio::test]
async fn nobody_listening_is_said_in_words() {
    let provider = ScriptedProvider::start(0, None).unwrap();
    let gone = client(&provider, Protocol::OpenAi, None);
    drop(provider);
    let error = told(&gone, prompt("echo", "x")).await.error.unwrap();
    assert!(matches!(error, LlmError::Unreachable { .. }) && error.is_passing(), "{error:?}");
    assert!(!error.to_string().contains("http://"), "{error}");
}

#[tokio::test]
async fn the_models_are_listed() {
    let provider = ScriptedProvider::start(0, None).unwrap();
    let models = client(&provider, Protocol::OpenAi, None).models().await.unwrap();
    assert_eq!(models.len(), MODELS.len());
    assert!(models.is_sorted());
}
