use super::*;
use airi_domain::{ContentType, MessageId};

fn read(value: &Value) -> ImportedConversation {
    convert(OwnerId::LOCAL, &value.to_string(), &Assets::default()).unwrap()
}

fn node(id: &str, parent: Option<&str>, role: &str, text: &str, at: Option<f64>) -> Value {
    json!({"id": id, "parent": parent, "children": [], "message": {
        "id": id, "author": {"role": role}, "create_time": at,
        "content": {"content_type": "text", "parts": [text]}}})
}

fn conversation(nodes: &[Value], current: Option<&str>) -> Value {
    let mapping: Object = nodes.iter().map(|n| (n["id"].as_str().unwrap().to_owned(), n.clone())).collect();
    json!({"conversation_id": "c1", "title": "T", "create_time": 100.0, "current_node": current, "mapping": mapping,
           "default_model_slug": "gpt-4o"})
}

fn by_text<'a>(read: &'a ImportedConversation, text: &str) -> &'a airi_domain::Message {
    read.messages.iter().find(|m| m.content == text).unwrap()
}

#[test]
fn nodes_without_messages_are_passed_over_and_beginnings_are_explicit() {
    let empty = |id: &str, parent: Option<&str>| json!({"id": id, "parent": parent, "message": null});
    let value = conversation(
        &[
            empty("root", None),
            node("a", Some("root"), "user", "first", Some(101.0)),
            node("a2", Some("root"), "user", "first, edited", Some(102.0)),
            empty("gap", Some("a2")),
            node("b", Some("gap"), "assistant", "answer", Some(103.0)),
        ],
        Some("b"),
    );
    let read = read(&value);
    assert_eq!(read.messages.len(), 3);
    assert_eq!(by_text(&read, "first").parent_id, Some(MessageId::ROOT));
    assert_eq!(by_text(&read, "first, edited").parent_id, Some(MessageId::ROOT));
    assert_eq!(by_text(&read, "answer").parent_id, Some(by_text(&read, "first, edited").id));
    assert_eq!(read.conversation.current_message_id, Some(by_text(&read, "answer").id));
    assert!(read.notes.is_empty());
}

#[test]
fn broken_trees_are_repaired_and_reported() {
    let value = conversation(
        &[
            node("a", Some("c"), "user", "a", Some(101.0)),
            node("b", Some("a"), "assistant", "b", Some(102.0)),
            node("c", Some("b"), "user", "c", Some(103.0)),
            node("d", Some("lost"), "user", "d", Some(104.0)),
        ],
        Some("nowhere"),
    );
    let read = read(&value);
    assert_eq!(by_text(&read, "a").parent_id, None);
    assert_eq!(by_text(&read, "d").parent_id, None);
    assert_eq!(read.conversation.current_message_id, Some(by_text(&read, "d").id));
    assert_eq!(read.notes.len(), 3, "{:?}", read.notes);
}

#[test]
fn a_current_node_without_a_message_means_the_one_above_it() {
    let nodes = [
        node("a", None, "user", "a", Some(101.0)),
        json!({"id": "tail", "parent": "a", "message": null}),
        node("z", Some("a"), "assistant", "later", Some(105.0)),
    ];
    let read = read(&conversation(&nodes, Some("tail")));
    assert_eq!(read.conversation.current_message_id, Some(by_text(&read, "a").id));
}

#[test]
fn models_are_said_or_defaulted_for_answers_and_never_invented() {
    let mut said = node("b", Some("a"), "assistant", "b", None);
    said["message"]["metadata"] = json!({"model_slug": "o1"});
    let nodes = [node("a", None, "user", "a", None), said, node("c", Some("a"), "assistant", "c", None)];
    let mut value = conversation(&nodes, None);
    let first = read(&value);
    assert_eq!(by_text(&first, "a").model_id, None);
    assert_eq!(by_text(&first, "a").provider_id, None);
    assert_eq!(by_text(&first, "b").model_id.as_deref(), Some("o1"));
    assert_eq!(by_text(&first, "c").model_id.as_deref(), Some("gpt-4o"));
    for unknown in [json!(null), json!("auto")] {
        value["default_model_slug"] = unknown;
        let read = read(&value);
        assert_eq!((read.conversation.model_id.as_deref(), by_text(&read, "c").model_id.as_deref()), (None, None));
        assert_eq!(by_text(&read, "c").provider_id.as_deref(), Some("openai"));
    }
}

#[test]
fn plumbing_is_hidden_and_kept() {
    let mut call = node("call", None, "assistant", "print(1)", None);
    call["message"]["recipient"] = json!("python");
    let mut flagged = node("flag", Some("call"), "user", "about me", None);
    flagged["message"]["metadata"] = json!({"is_user_system_message": true});
    let tool = node("tool", Some("flag"), "tool", "1", None);
    let mut picture = node("pic", Some("tool"), "tool", "", None);
    picture["message"]["content"] = json!({"content_type": "multimodal_text", "parts": [
        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1", "width": 5}]});
    let nodes = [call, flagged, tool, picture, node("empty", Some("pic"), "system", "", None)];
    let read = read(&conversation(&nodes, None));
    let hidden: Vec<bool> = read.messages.iter().map(|m| m.is_hidden()).collect();
    assert_eq!(hidden, [true, true, true, false, true]);
    assert_eq!(read.messages[3].content_type, ContentType::Image);
    assert_eq!(read.attachments[0].attachment.width, Some(5));
    assert_eq!(read.attachments[0].asset, None);
}

#[test]
fn the_same_file_listed_and_pointed_to_is_one_attachment() {
    let mut message = node("a", None, "user", "", None);
    message["message"]["content"] = json!({"content_type": "multimodal_text", "parts": [
        {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_1", "width": 5, "height": 6}, "look"]});
    message["message"]["metadata"] = json!({"attachments": [
        {"id": "file_1", "name": "cat.PNG", "size": 9, "odd": 1}, {"id": "file_2", "name": "notes.pdf"}, 7]});
    let read = read(&conversation(&[message], None));
    assert_eq!(read.attachments.len(), 2);
    let cat = &read.attachments[0].attachment;
    assert_eq!((cat.file_name.as_str(), cat.width, cat.file_size), ("cat.PNG", Some(5), Some(9)));
    assert_eq!(cat.mime_type.as_deref(), Some("image/png"));
    assert_eq!(cat.metadata["raw"]["odd"], 1);
    assert_eq!(read.messages[0].metadata["raw"]["metadata"]["attachments"], json!([7]));
}

#[test]
fn what_is_not_understood_is_kept_and_what_is_usual_is_not() {
    let mut message = node("a", None, "user", "hi", Some(5.0));
    message["message"]["status"] = json!("finished_successfully");
    message["message"]["weight"] = json!(1.0);
    message["message"]["recipient"] = json!("all");
    message["message"]["channel"] = json!(null);
    let mut value = conversation(&[message.clone()], None);
    assert_eq!(read(&value).messages[0].metadata, json!({"source": "chatgpt", "external_id": "a"}));
    message["message"]["metadata"] = json!({"new_thing": {"x": 1}});
    message["message"]["author"] = json!({"role": "critic"});
    value = conversation(&[message], None);
    value["gizmo_id"] = json!("g-1");
    value["is_starred"] = json!("yes");
    let read = read(&value);
    assert_eq!(read.messages[0].metadata["raw"]["metadata"]["new_thing"]["x"], 1);
    assert_eq!(read.messages[0].metadata["fitted"]["role"]["original"], "critic");
    assert_eq!(read.conversation.metadata["raw"], json!({"gizmo_id": "g-1", "is_starred": "yes"}));
}

#[test]
fn the_same_message_in_two_conversations_is_two_messages() {
    let nodes = [node("a", None, "user", "hi", Some(1.0))];
    let mut value = conversation(&nodes, None);
    let first = read(&value);
    value["conversation_id"] = json!("c2");
    let second = read(&value);
    assert_ne!(first.messages[0].id, second.messages[0].id);
    assert_eq!(second, read(&value));
    let other = convert(OwnerId(uuid::Uuid::from_u128(7)), &value.to_string(), &Assets::default()).unwrap();
    assert_ne!(other.conversation.id, second.conversation.id);
}

#[test]
fn what_cannot_be_understood_says_why() {
    for (value, says) in [
        (json!([]), "no JSON object"),
        (json!({"title": "x"}), "no 'mapping'"),
        (json!({"mapping": []}), "no JSON object"),
        (json!({"mapping": null}), "no JSON object"),
    ] {
        let error = convert(OwnerId::LOCAL, &value.to_string(), &Assets::default()).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    let strange = json!({"mapping": {"a": 5, "b": {"message": "text"}, "c": {"message": {}}}, "id": 7});
    let read = read(&strange);
    assert_eq!((read.messages.len(), read.notes.len()), (1, 3), "{:?}", read.notes);
}
