//! Opens an export, finds out whose it is, and hands out its conversations one by one.

use super::container::Container;
use super::error::ImportError;
use super::layout::{self, Assets};
use super::limits::Limits;
use super::split::{Element, READABLE_DEPTH, Splitter};
use super::{AssetRef, Format, ImportedConversation, Item, Source, Unreadable, airi, chatgpt, claude};
use crate::{EXPORT_FORMAT, EXPORT_VERSION};
use airi_domain::OwnerId;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

/// How many elements are looked at before a file counts as unknown.
const LOOK_AT: usize = 1000;

/// What reading will take, for a progress bar and a question to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Of the JSON that [`Archive::read`] goes through.
    pub conversation_bytes: u64,
    /// Of everything else in the archive: an upper bound of the files to copy.
    pub asset_bytes: u64,
    pub entries: u64,
}

/// Where reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    pub bytes_read: u64,
    /// = [`Estimate::conversation_bytes`]
    pub bytes_total: u64,
    /// Elements handed out so far, this one included.
    pub items: u64,
}

/// What was read. `cancelled` means that the receiver broke off and the rest was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadSummary {
    pub read: u64,
    pub unreadable: u64,
    pub messages: u64,
    pub bytes: u64,
    pub cancelled: bool,
}

/// An export that was opened, measured and recognised.
pub struct Archive {
    container: Container,
    parts: Vec<usize>,
    assets: Assets,
    source: Source,
    max_element: usize,
}

impl Archive {
    /// Opens a JSON file, a ZIP as downloaded or the folder that it unpacks to, within `limits`; detects whose export it
    /// is. With another `format` than [`Format::Auto`], an export of someone else is an error.
    pub fn open(path: &Path, format: Format, limits: &Limits) -> Result<Archive, ImportError> {
        let mut container = Container::open(path, limits)?;
        let parts = layout::parts(&mut container)?;
        let max_element = limits.max_conversation_bytes;
        let source = detect(&mut container, &parts, format, max_element)?;
        let assets = Assets::of(&mut container, &parts)?;
        Ok(Archive { container, parts, assets, source, max_element })
    }

    /// Whose export it is.
    pub fn source(&self) -> Source {
        self.source
    }

    /// What reading will take.
    pub fn estimate(&self) -> Estimate {
        let total: u64 = self.container.entries.iter().map(|entry| entry.size).sum();
        let conversation_bytes = self.conversation_bytes();
        Estimate {
            conversation_bytes,
            asset_bytes: total - conversation_bytes,
            entries: self.container.entries.len() as u64,
        }
    }

    fn conversation_bytes(&self) -> u64 {
        self.parts.iter().map(|part| self.container.entries[*part].size).sum()
    }

    /// Hands out every conversation; `owner` is whose profile they go into. Breaking off is no error. On an error all
    /// that was handed out must be rolled back.
    pub fn read(
        &mut self,
        owner: OwnerId,
        each: &mut dyn FnMut(Item, Progress) -> ControlFlow<()>,
    ) -> Result<ReadSummary, ImportError> {
        let bytes_total = self.conversation_bytes();
        let mut summary = ReadSummary::default();
        let mut before = 0;
        for part in self.parts.clone() {
            let size = self.container.entries[part].size;
            let name = self.container.entries[part].name.clone();
            let mut splitter = Splitter::new(self.container.read(part)?, &name, self.max_element);
            while let Some(element) = splitter.next_element()? {
                let position = summary.read + summary.unreadable + 1;
                let item = match convert(self.source, owner, &element, &self.assets) {
                    Ok(conversation) => {
                        summary.read += 1;
                        summary.messages += conversation.messages.len() as u64;
                        Item::Conversation(Box::new(conversation))
                    }
                    Err(reason) => {
                        summary.unreadable += 1;
                        let title = title_of(&element.json);
                        Item::Unreadable(Unreadable { position, title, reason, raw: element.json })
                    }
                };
                summary.bytes = before + splitter.offset();
                let progress = Progress { bytes_read: summary.bytes, bytes_total, items: position };
                if each(item, progress).is_break() {
                    summary.cancelled = true;
                    return Ok(summary);
                }
            }
            check_header(splitter.header().as_deref())?;
            before += size;
        }
        summary.bytes = bytes_total;
        if summary.read == 0 {
            return Err(ImportError::Nothing { name: self.container.name.clone(), unreadable: summary.unreadable });
        }
        Ok(summary)
    }

    /// The bytes of a file, never more than [`AssetRef::size`].
    pub fn open_asset(&mut self, asset: &AssetRef) -> Result<Box<dyn Read + '_>, ImportError> {
        match self.container.entries.get(asset.entry) {
            Some(entry) if entry.name == asset.name => self.container.read(asset.entry),
            _ => Err(ImportError::MissingPart { missing: super::error::shown(&asset.name) }),
        }
    }
}

fn convert(source: Source, owner: OwnerId, element: &Element, assets: &Assets) -> Result<ImportedConversation, String> {
    if element.too_long {
        return Err("it is longer than one conversation may be (only its beginning is kept)".to_owned());
    }
    if element.depth > READABLE_DEPTH {
        return Err(format!("it is nested {} levels deep", element.depth));
    }
    let mut conversation = match source {
        Source::ChatGpt => chatgpt::convert(owner, &element.json, assets)?,
        Source::Claude => claude::convert(owner, &element.json)?,
        Source::Airi => airi::convert(&element.json, assets)?,
    };
    if element.mended > 0 {
        let note = format!("{} broken characters were replaced by U+FFFD", element.mended);
        conversation.notes.push(note);
    }
    Ok(conversation)
}

/// Its members, unparsed. Depth does not matter here.
fn members(json: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(json).ok()
}

fn title_of(json: &str) -> Option<String> {
    let members = members(json)?;
    let text = |key: &str| {
        members.get(key).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok()).filter(|text| !text.is_empty())
    };
    text("title").or_else(|| text("name")).map(|title| title.chars().take(255).collect())
}

fn shape(json: &str) -> Option<Source> {
    let members = members(json)?;
    if members.contains_key("mapping") {
        Some(Source::ChatGpt)
    } else if members.contains_key("chat_messages") {
        Some(Source::Claude)
    } else if members.contains_key("conversation") && members.contains_key("messages") {
        Some(Source::Airi)
    } else {
        None
    }
}

/// Whether the members beside the list say that it is our own export, in a version that is known.
fn check_header(header: Option<&str>) -> Result<bool, ImportError> {
    let header: Value = header.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if header.get("format").and_then(Value::as_str) != Some(EXPORT_FORMAT) {
        return Ok(false);
    }
    match header.get("version").and_then(Value::as_u64) {
        Some(found) if found > EXPORT_VERSION => Err(ImportError::NewerVersion { found, known: EXPORT_VERSION }),
        _ => Ok(true),
    }
}

fn detect(container: &mut Container, parts: &[usize], format: Format, max: usize) -> Result<Source, ImportError> {
    let mut looked_at = 0;
    let mut seen = String::new();
    let mut found = None;
    'parts: for part in parts {
        let name = container.entries[*part].name.clone();
        let mut splitter = Splitter::new(container.read(*part)?, &name, max);
        loop {
            let element = splitter.next_element()?;
            if check_header(splitter.header().as_deref())? {
                found = Some(Source::Airi);
                break 'parts;
            }
            let Some(element) = element else { break };
            looked_at += 1;
            found = shape(&element.json);
            if found.is_some() || looked_at >= LOOK_AT {
                break 'parts;
            }
            if seen.is_empty() {
                seen = describe(&element.json);
            }
        }
    }
    match (found, format.source()) {
        (Some(found), Some(asked)) if found != asked => Err(ImportError::WrongVendor { asked, found }),
        (Some(found), _) => Ok(found),
        (None, _) if looked_at == 0 => Err(ImportError::Nothing { name: container.name.clone(), unreadable: 0 }),
        (None, Some(asked)) => Ok(asked),
        (None, None) => Err(ImportError::UnknownShape { name: container.name.clone(), seen }),
    }
}

/// What a stranger's element looks like, for the error message.
fn describe(json: &str) -> String {
    match members(json) {
        Some(members) if members.is_empty() => "its first element is an empty object".to_owned(),
        Some(members) => {
            let keys: Vec<_> = members.keys().take(6).map(|key| super::error::shown(key)).collect();
            format!("its first element has the keys {}", keys.join(", "))
        }
        None => "its first element is no object".to_owned(),
    }
}
