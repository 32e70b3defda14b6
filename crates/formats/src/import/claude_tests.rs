use super::*;
use airi_domain::MessageId;

fn read(value: &Value) -> ImportedConversation {
    convert(OwnerId::LOCAL, &value.to_string()).unwrap()
}

fn message(uuid: &str, parent: Option<&str>, sender: &str, text: &str, second: u32) -> Value {
    let mut value = json!({"uuid": uuid, "sender": sender, "text": text, "content": [],
        "created_at": format!("2025-01-01T00:00:{second:02}.5Z"), "attachments": [], "files": []});
    if let Some(parent) = parent {
        value["parent_message_uuid"] = parent.into();
    }
    value
}

fn conversation(messages: Vec<Value>) -> Value {
    json!({"uuid": "c1", "name": "N", "summary": "", "created_at": "2025-01-01T00:00:00Z", "account": {"uuid": "me"},
           "chat_messages": messages})
}

#[test]
fn without_parents_the_order_of_the_list_is_the_thread() {
    let read = read(&conversation(vec![
        message("a", None, "human", "1", 5),
        message("b", None, "assistant", "2", 5),
        message("c", None, "human", "3", 5),
    ]));
    let parent = |text: &str| read.messages.iter().find(|m| m.content == text).unwrap().parent_id;
    let id = |text: &str| Some(read.messages.iter().find(|m| m.content == text).unwrap().id);
    assert_eq!((parent("1"), parent("2"), parent("3")), (Some(MessageId::ROOT), id("1"), id("2")));
    assert_eq!(read.conversation.current_message_id, id("3"));
}

#[test]
fn branches_follow_the_parents_and_the_newest_leaf_is_in_view() {
    let mut value = conversation(vec![
        message("a", Some(ROOT), "human", "ask", 1),
        message("b", Some("a"), "assistant", "old", 9),
        message("c", Some("a"), "assistant", "new", 3),
        message("d", Some("c"), "human", "on", 20),
        message("e", Some("lost"), "human", "orphan", 4),
        message("d", Some("a"), "human", "twice", 50),
    ]);
    let first = read(&value);
    let id = |text: &str| first.messages.iter().find(|m| m.content == text).map(|m| m.id);
    assert_eq!(first.conversation.current_message_id, id("on"));
    assert_eq!(first.messages.iter().find(|m| m.content == "orphan").unwrap().parent_id, None);
    assert_eq!((first.messages.len(), first.notes.len()), (5, 2));
    value["current_leaf_message_uuid"] = json!("b");
    assert_eq!(read(&value).conversation.current_message_id, id("old"));
}

#[test]
fn blocks_become_text_thinking_and_tools() {
    let mut answer = message("a", None, "assistant", "flat", 1);
    answer["content"] = json!([
        {"type": "thinking", "thinking": "hm", "summaries": [{"summary": "s"}], "cut_off": false},
        {"type": "text", "text": "one", "citations": [{"url": "https://e.org"}]},
        {"type": "tool_use", "id": "t1", "name": "search", "input": {"q": "x"}},
        {"type": "tool_result", "tool_use_id": "t1", "name": "search", "is_error": true,
         "content": [{"type": "text", "text": "nothing"}, {"type": "knowledge", "title": "T", "url": "https://e.org"}]},
        {"type": "text", "text": "two"}, {"type": "token_budget"}, {"type": "hologram", "x": 1}, 5
    ]);
    let read = read(&conversation(vec![answer]));
    let m = &read.messages[0];
    assert_eq!(m.content, "one\n\ntwo");
    assert_eq!(m.thinking_text(), "hm");
    assert!(m.tool_text().contains("search\n{\"q\":\"x\"}") && m.tool_text().contains("nothing\n\nT\nhttps://e.org"));
    assert_eq!(m.metadata["citations"][0]["url"], "https://e.org");
    assert_eq!(m.blocks()[2]["is_error"], true);
    assert_eq!(m.blocks()[4], json!({"type": "hologram", "x": 1}));
    assert_eq!((m.provider_id.as_deref(), m.model_id.as_deref()), (Some("anthropic"), None));
}

#[test]
fn text_is_taken_where_there_are_no_blocks() {
    let read = read(&conversation(vec![message("a", None, "human", "flat", 1)]));
    assert_eq!(read.messages[0].content, "flat");
    assert_eq!(read.messages[0].provider_id, None);
}

#[test]
fn what_was_taken_out_of_a_file_is_kept_and_found() {
    let mut ask = message("a", None, "human", "", 1);
    ask["attachments"] =
        json!([{"file_name": "n.txt", "file_type": "txt", "file_size": 4, "extracted_content": "body"}]);
    ask["files"] = json!([{"file_uuid": "f1", "file_name": "p.png"}, {"file_uuid": "f1", "file_name": "p.png"}]);
    let read = read(&conversation(vec![ask]));
    assert_eq!(read.attachments.len(), 2);
    let notes = &read.attachments[0].attachment;
    assert_eq!((notes.metadata["extracted_content"].as_str(), notes.file_type.as_deref()), (Some("body"), Some("txt")));
    assert_eq!(read.messages[0].blocks()[0], json!({"type": "attachment_text", "name": "n.txt", "text": "body"}));
    assert_eq!(read.attachments[1].attachment.mime_type.as_deref(), Some("image/png"));
    assert!(!read.messages[0].is_hidden());
}

#[test]
fn whose_account_it_was_does_not_come_along() {
    let read = read(&conversation(vec![message("a", None, "robot", "x", 1)]));
    assert!(!read.conversation.metadata.to_string().contains("me\""));
    assert_eq!(read.messages[0].metadata["fitted"]["role"]["original"], "robot");
    assert_eq!((read.conversation.title.as_deref(), read.conversation.summary.as_deref()), (Some("N"), None));
}
