//! Finding in one thread: a plain scan of the branch in view, so every place is known in its order, whatever its length,
//! and a part of a word is found too. Case, accents and width do not count.

use crate::conversations::conversation_id;
use crate::{App, AppError};
use airi_contract::{CommandError, FindRequest, FoundInThread, FoundMessage};
use airi_domain::Message;
use unicode_normalization::UnicodeNormalization;

/// Nobody steps through more; the counts are of all.
const MOST: usize = 10_000;

impl App {
    /// The messages of the branch in view that hold a text, or all of some words; in their order.
    pub fn find_in_thread(&self, request: FindRequest) -> Result<FoundInThread, CommandError> {
        Ok(self.scan(&request)?)
    }

    fn scan(&self, request: &FindRequest) -> Result<FoundInThread, AppError> {
        let needles = needles(&request.text, request.words);
        let mut found = FoundInThread { messages: Vec::new(), total: 0, needles: needles.clone() };
        if needles.is_empty() {
            return Ok(found);
        }
        let profile = self.profile();
        let id = conversation_id(&request.conversation_id)?;
        let missing = || AppError::NotFound { what: "The conversation", id: request.conversation_id.clone() };
        let record = profile.store.read()?.conversation(id)?.ok_or_else(missing)?;
        if record.view_stale {
            profile.store.write(|w| w.refresh_view(record.key))?;
        }
        let mut places = 0..;
        profile.store.read()?.each_in_view(record.key, request.show_hidden, |message| {
            let place = places.next().unwrap_or(u64::MAX);
            let Some(folded_away) = held(message, &needles) else { return };
            found.total += 1;
            if found.messages.len() < MOST {
                found.messages.push(FoundMessage { message_id: message.id.to_string(), place, folded_away });
            }
        })?;
        Ok(found)
    }
}

/// What must stand in a message, folded; of a question's words those that are wanted.
fn needles(text: &str, words: bool) -> Vec<String> {
    let plain = |text: &str| folded(text).trim().to_owned();
    let mut needles: Vec<String> = if words {
        let mut out = Vec::new();
        for (place, part) in text.split(['"', '“', '”', '„', '＂', '«', '»']).enumerate() {
            if place % 2 == 1 {
                out.push(plain(part));
            } else {
                out.extend(part.split_whitespace().filter(|word| !word.starts_with('-')).map(plain));
            }
        }
        out
    } else {
        vec![plain(text)]
    };
    needles.retain(|needle| !needle.is_empty());
    needles
}

/// Case, width and accents aside; what carries meaning stays, such as Japanese voicing marks. The page folds likewise to
/// highlight (`highlight.ts`).
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let plain: String = text.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).collect();
    plain.to_lowercase()
}

/// Whether all stand in a message; and whether one does only in what the thread folds away, thinking and tools.
fn held(message: &Message, needles: &[String]) -> Option<bool> {
    let content = folded(&message.content);
    let missing: Vec<&String> = needles.iter().filter(|needle| !content.contains(*needle)).collect();
    if missing.is_empty() {
        return Some(false);
    }
    if message.blocks().is_empty() {
        return None;
    }
    let away = folded(&format!("{}\n{}", message.thinking_text(), message.tool_text()));
    missing.iter().all(|needle| away.contains(*needle)).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AppOptions;
    use airi_contract::{ItemsRequest, NewConversation, NewMessage};

    #[test]
    fn words_of_a_question_are_told_from_a_text() {
        assert_eq!(needles("  Straße  am ", false), ["straße  am"]);
        assert_eq!(needles("café -python \"Green Threads\" x", true), ["cafe", "green threads", "x"]);
        assert!(needles(" \"\" ", true).is_empty());
    }

    #[test]
    fn every_place_of_the_branch_in_view_is_found_in_order_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions { data_dir: Some(dir.path().into()), ..AppOptions::default() }).unwrap();
        let id = app.create_conversation(NewConversation::default()).unwrap().id.to_string();
        let mut ids = Vec::new();
        let mut say = |content: &str, parent: Option<String>| {
            let new = NewMessage {
                conversation_id: id.clone(),
                role: "user".into(),
                content: content.into(),
                parent_id: parent,
            };
            let made = app.add_message(new).unwrap().row.id;
            ids.push(made.clone());
            made
        };
        say("The PARSER borrows", None);
        say("nothing here", None);
        say("pársers and 構文解析", None);
        let find = |text: &str, words: bool| {
            let request = FindRequest { conversation_id: id.clone(), text: text.into(), words, show_hidden: false };
            let found = app.find_in_thread(request).unwrap();
            assert_eq!(found.total as usize, found.messages.len());
            for message in &found.messages {
                assert_eq!(ids.iter().position(|id| *id == message.message_id), Some(message.place as usize));
            }
            found.messages.into_iter().map(|message| message.message_id).collect::<Vec<_>>()
        };
        let (first, third) = (ids[0].clone(), ids[2].clone());
        assert_eq!(find("arser", false), [first.clone(), third.clone()]);
        assert_eq!(find("文解", false), std::slice::from_ref(&third));
        assert_eq!(find("ｐａｒｓｅｒ", false), [first.clone(), third.clone()], "width does not count");
        assert_eq!(find("borrows parser", false), Vec::<String>::new());
        assert_eq!(find("borrows parser", true), std::slice::from_ref(&first));
        assert_eq!(find("", false), Vec::<String>::new());
        app.delete_items(ItemsRequest { ids: vec![first] }).unwrap();
        let request = FindRequest { conversation_id: id, text: "parser".into(), words: false, show_hidden: false };
        let found = app.find_in_thread(request).unwrap().messages;
        assert_eq!(found.iter().map(|found| (&found.message_id, found.place)).collect::<Vec<_>>(), [(&third, 1)]);
    }
}
