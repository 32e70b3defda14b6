//! The content types of ChatGPT messages: what of each is the visible text, what becomes a block, what points to a file.

use super::fields::{Object, take_count, take_list, take_object, take_text};
use super::marks::remove_marks;
use airi_domain::{ContentType, Role};
use serde_json::{Value, json};

/// Who speaks, and to whom.
pub(crate) struct Voice<'a> {
    pub role: Role,
    /// The tool's.
    pub name: Option<&'a str>,
    /// `all`, or the tool that is called.
    pub recipient: &'a str,
}

/// A file that the content points to.
#[derive(Default)]
pub(crate) struct Pointer {
    pub id: String,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub size: Option<i64>,
    pub seconds: Option<i64>,
    pub format: Option<String>,
    /// What else the pointer says (how the picture was made, for one).
    pub rest: Object,
}

pub(crate) struct Content {
    pub text: String,
    pub content_type: ContentType,
    pub blocks: Vec<Value>,
    pub pointers: Vec<Pointer>,
    /// Never for the thread, whatever the flags say.
    pub hidden: bool,
    pub marks: Vec<Value>,
    /// What was not understood, with its type.
    pub rest: Object,
}

/// Reads a message's content. A type that is not known gives what text it has and stays whole in `rest`.
pub(crate) fn read(mut content: Object, voice: &Voice<'_>) -> Content {
    let kind = take_text(&mut content, "content_type").unwrap_or_else(|| "text".to_owned());
    let mut out = Content {
        text: String::new(),
        content_type: ContentType::Text,
        blocks: Vec::new(),
        pointers: Vec::new(),
        hidden: false,
        marks: Vec::new(),
        rest: Object::new(),
    };
    let mut block = tool_block(voice);
    match kind.as_str() {
        "text" => read_parts(&mut content, &mut out),
        "multimodal_text" => {
            read_parts(&mut content, &mut out);
            if out.text.trim().is_empty() && !out.pointers.is_empty() {
                let is_audio = |pointer: &Pointer| pointer.format.is_some() || pointer.seconds.is_some();
                out.content_type =
                    if out.pointers.iter().all(is_audio) { ContentType::Audio } else { ContentType::Image };
            }
        }
        "code" => {
            out.text = text(&mut content, &["text"]);
            out.content_type = ContentType::Code;
            if let Some(language) = take_text(&mut content, "language").filter(|language| language != "unknown") {
                let block = block.get_or_insert_with(|| json!({ "type": "tool_use" }));
                block["language"] = language.into();
            }
            content.remove("language");
        }
        "execution_output" => out.text = text(&mut content, &["text"]),
        "system_error" => {
            out.text = text(&mut content, &["text"]);
            let mut error = json!({ "type": "tool_result", "is_error": true });
            if let Some(name) = take_text(&mut content, "name") {
                error["name"] = name.into();
            }
            block = Some(error);
        }
        "tether_quote" | "sonic_webpage" => {
            out.text = text(&mut content, &["text", "snippet"]);
            let block = block.get_or_insert_with(|| json!({ "type": "tool_result" }));
            for key in ["title", "url", "domain"] {
                if let Some(value) = take_text(&mut content, key) {
                    block[key] = value.into();
                }
            }
        }
        "tether_browsing_display" => out.text = text(&mut content, &["result", "summary"]),
        "thoughts" => {
            for thought in take_list(&mut content, "thoughts").unwrap_or_default() {
                let title = thought.get("summary").and_then(Value::as_str).unwrap_or_default();
                let text = thought.get("content").and_then(Value::as_str).unwrap_or_default();
                out.blocks.push(json!({ "type": "thinking", "title": title, "text": text }));
            }
        }
        "reasoning_recap" => {
            let recap = text(&mut content, &["content"]);
            out.blocks.push(json!({ "type": "thinking", "text": recap }));
        }
        "user_editable_context" => {
            let parts = [text(&mut content, &["user_profile"]), text(&mut content, &["user_instructions"])];
            out.text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
            out.hidden = true;
        }
        "model_editable_context" => {
            out.text = text(&mut content, &["model_set_context"]);
            out.hidden = true;
        }
        other => {
            out.text = ["text", "result", "content", "output"]
                .iter()
                .find_map(|key| content.get(*key).and_then(Value::as_str))
                .map(str::to_owned)
                .unwrap_or_default();
            if out.text.is_empty() && content.contains_key("parts") {
                read_parts(&mut content, &mut out);
            }
            content.insert("content_type".to_owned(), other.into());
        }
    }
    out.blocks.extend(block);
    let (text, marks) = remove_marks(out.text);
    out.text = text;
    out.marks = marks;
    for (key, value) in content {
        out.rest.insert(key, value);
    }
    out
}

/// What stands beside the text of a message to or from a tool. The text itself is the message's content.
fn tool_block(voice: &Voice<'_>) -> Option<Value> {
    match voice.role {
        Role::Tool | Role::Function => {
            let mut block = json!({ "type": "tool_result" });
            if let Some(name) = voice.name {
                block["name"] = name.into();
            }
            Some(block)
        }
        Role::Assistant if voice.recipient != "all" => Some(json!({ "type": "tool_use", "name": voice.recipient })),
        _ => None,
    }
}

/// The first of these members that has text; the others stay.
fn text(content: &mut Object, keys: &[&str]) -> String {
    keys.iter().find_map(|key| take_text(content, key)).unwrap_or_default()
}

fn read_parts(content: &mut Object, out: &mut Content) {
    let mut odd = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    for part in take_list(content, "parts").unwrap_or_default() {
        match part {
            Value::String(text) => texts.push(text),
            Value::Object(map) => read_part(map, &mut texts, &mut out.pointers, &mut odd),
            Value::Null => {}
            other => odd.push(other),
        }
    }
    texts.retain(|text| !text.is_empty());
    out.text = texts.join("\n\n");
    if out.text.is_empty() {
        // Very old exports have the text beside the parts.
        out.text = take_text(content, "text").unwrap_or_default();
    }
    if !odd.is_empty() {
        out.rest.insert("parts".to_owned(), Value::Array(odd));
    }
}

fn read_part(mut part: Object, texts: &mut Vec<String>, pointers: &mut Vec<Pointer>, odd: &mut Vec<Value>) {
    let kind = part.get("content_type").and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind.as_str() {
        "audio_transcription" => texts.push(take_text(&mut part, "text").unwrap_or_default()),
        "real_time_user_audio_video_asset_pointer" => {
            for key in ["audio_asset_pointer", "video_container_asset_pointer"] {
                match part.remove(key) {
                    Some(Value::Object(inner)) => pointers.extend(pointer(inner)),
                    Some(Value::String(id)) => pointers.push(Pointer { id: file_id(&id), ..Pointer::default() }),
                    _ => {}
                }
            }
            for frame in take_list(&mut part, "frames_asset_pointers").unwrap_or_default() {
                match frame {
                    Value::Object(inner) => pointers.extend(pointer(inner)),
                    Value::String(id) => pointers.push(Pointer { id: file_id(&id), ..Pointer::default() }),
                    other => odd.push(other),
                }
            }
            part.remove("content_type");
            super::fields::prune(&mut part);
            if !part.is_empty() {
                odd.push(Value::Object(part));
            }
        }
        _ if part.contains_key("asset_pointer") => match pointer(part) {
            Some(pointer) => pointers.push(pointer),
            None => odd.push(json!({ "content_type": kind })),
        },
        _ => {
            if let Some(text) = part.get("text").and_then(Value::as_str) {
                texts.push(text.to_owned());
            }
            odd.push(Value::Object(part));
        }
    }
}

fn pointer(mut part: Object) -> Option<Pointer> {
    let id = file_id(&take_text(&mut part, "asset_pointer")?);
    if id.is_empty() {
        return None;
    }
    let mut metadata = take_object(&mut part, "metadata").unwrap_or_default();
    let seconds = ["end", "duration", "total_duration"].iter().find_map(|key| {
        let end = metadata.get(*key).and_then(Value::as_f64)?;
        let start = metadata.get("start").and_then(Value::as_f64).filter(|_| *key == "end").unwrap_or(0.0);
        Some((end - start).round().clamp(0.0, 1e6) as i64)
    });
    super::fields::prune(&mut metadata);
    let pointer = Pointer {
        id,
        width: take_count(&mut part, "width"),
        height: take_count(&mut part, "height"),
        size: take_count(&mut part, "size_bytes"),
        seconds,
        format: take_text(&mut part, "format"),
        rest: metadata,
    };
    Some(pointer)
}

/// `file-service://file-abc` and `sediment://file_abc#…` → the id.
fn file_id(pointer: &str) -> String {
    let id = pointer.split_once("://").map_or(pointer, |(_, id)| id);
    id.split(['#', '?']).next().unwrap_or(id).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(role: Role, recipient: &str, content: Value) -> Content {
        let voice = Voice { role, name: Some("python"), recipient };
        read(content.as_object().unwrap().clone(), &voice)
    }

    #[test]
    fn code_is_the_message_and_names_the_tool_that_runs_it() {
        let content = json!({"content_type": "code", "language": "python", "text": "print(1)"});
        let read = read_as(Role::Assistant, "python", content);
        assert_eq!((read.text.as_str(), read.content_type), ("print(1)", ContentType::Code));
        assert_eq!(read.blocks, [json!({"type": "tool_use", "name": "python", "language": "python"})]);
        let output = read_as(Role::Tool, "all", json!({"content_type": "execution_output", "text": "1\n"}));
        assert_eq!((output.text.as_str(), &output.blocks[0]["type"]), ("1\n", &json!("tool_result")));
    }

    #[test]
    fn thoughts_become_blocks_and_no_visible_text() {
        let content = json!({"content_type": "thoughts", "thoughts": [{"summary": "Plan", "content": "First, …"}]});
        let read = read_as(Role::Assistant, "all", content);
        assert_eq!(read.text, "");
        assert_eq!(read.blocks, [json!({"type": "thinking", "title": "Plan", "text": "First, …"})]);
        let recap = json!({"content_type": "reasoning_recap", "content": "Thought for 4 s"});
        assert_eq!(read_as(Role::Assistant, "all", recap).blocks[0]["text"], "Thought for 4 s");
    }

    #[test]
    fn pictures_and_sound_are_pointed_to() {
        let content = json!({"content_type": "multimodal_text", "parts": [
            {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_1#p_0", "width": 8, "height": 9.0,
             "size_bytes": 77, "metadata": {"dalle": {"prompt": "a fox"}, "emu_omit_glimpse_image": null}},
            "what is this?",
            {"content_type": "audio_transcription", "text": "hello", "direction": "in"},
            {"content_type": "real_time_user_audio_video_asset_pointer", "frames_asset_pointers": [],
             "audio_asset_pointer": {"content_type": "audio_asset_pointer", "asset_pointer": "file-service://file-2",
                                     "format": "wav", "size_bytes": 5, "metadata": {"start": 1.0, "end": 3.6}}},
            {"content_type": "hologram", "text": "seen"}
        ]});
        let read = read_as(Role::User, "all", content);
        assert_eq!(read.text, "what is this?\n\nhello\n\nseen");
        let ids: Vec<_> = read.pointers.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids, ["file_1", "file-2"]);
        assert_eq!((read.pointers[0].height, read.pointers[1].seconds), (Some(9), Some(3)));
        assert_eq!(read.pointers[0].rest["dalle"]["prompt"], "a fox");
        assert_eq!(read.rest["parts"][0]["content_type"], "hologram");
    }

    #[test]
    fn pages_that_were_read_keep_their_address() {
        let content = json!({"content_type": "tether_quote", "url": "https://e.org", "domain": "e.org", "title": "T",
                             "text": "quoted", "tether_id": 7});
        let read = read_as(Role::Tool, "all", content);
        assert_eq!(read.text, "quoted");
        assert_eq!((&read.blocks[0]["url"], &read.blocks[0]["title"]), (&json!("https://e.org"), &json!("T")));
        assert_eq!(read.rest["tether_id"], 7);
    }

    #[test]
    fn instructions_and_memory_are_never_shown() {
        let context = json!({"content_type": "user_editable_context", "user_profile": "P", "user_instructions": "I"});
        let read = read_as(Role::User, "all", context);
        assert!(read.hidden);
        assert_eq!(read.text, "P\n\nI");
        let memory = json!({"content_type": "model_editable_context", "model_set_context": "M"});
        assert!(read_as(Role::Assistant, "all", memory).hidden);
    }

    #[test]
    fn a_type_from_the_future_gives_its_text_and_stays_whole() {
        let read = read_as(Role::Assistant, "all", json!({"content_type": "new", "text": "hi", "x": [1]}));
        assert_eq!(read.text, "hi");
        assert_eq!(Value::Object(read.rest), json!({"content_type": "new", "text": "hi", "x": [1]}));
        assert_eq!(read_as(Role::User, "all", json!({})).text, "");
        let error = read_as(Role::Tool, "all", json!({"content_type": "system_error", "name": "E", "text": "no"}));
        assert_eq!(error.blocks, [json!({"type": "tool_result", "name": "E", "is_error": true})]);
    }
}
