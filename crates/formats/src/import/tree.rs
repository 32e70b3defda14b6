//! Turns the tree that an export describes into messages: parents, times, ids.
//!
//! A beginning of the thread gets [`MessageId::ROOT`] as its parent, so edits of the first message stay siblings. Where
//! the export's own tree is broken (a parent that is missing, a cycle), the message has no parent, which means "after
//! the message before it in time".

use super::fields::Object;
use super::{AssetRef, ImportedAttachment, Source};
use airi_domain::{
    Attachment, AttachmentId, ConversationId, Message, MessageId, OwnerId, Role, Time, derive_uuid, fit_attachment,
    fit_message,
};
use serde_json::Value;
use uuid::Uuid;

/// What a message hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    Start,
    Of(usize),
    /// The export does not say, or what it says cannot be.
    Unknown,
}

/// A message before it has its ids.
pub(crate) struct Draft {
    /// Within its conversation.
    pub external_id: String,
    pub parent: Parent,
    pub created: Option<Time>,
    pub message: Message,
    pub metadata: Object,
    pub files: Vec<DraftFile>,
}

pub(crate) struct DraftFile {
    /// Within its message.
    pub external_id: String,
    pub attachment: Attachment,
    pub asset: Option<AssetRef>,
}

impl Draft {
    pub(crate) fn new(external_id: String, role: Role) -> Draft {
        let nobody = (MessageId::ROOT, ConversationId(Uuid::nil()));
        Draft {
            external_id,
            parent: Parent::Unknown,
            created: None,
            message: Message::new(nobody.0, nobody.1, role, String::new(), Time::MIN),
            metadata: Object::new(),
            files: Vec::new(),
        }
    }
}

impl DraftFile {
    pub(crate) fn new(external_id: String, file_name: String) -> DraftFile {
        let attachment = Attachment::new(AttachmentId(Uuid::nil()), MessageId::ROOT, file_name, Time::MIN);
        DraftFile { external_id, attachment, asset: None }
    }
}

/// Whose conversation the drafts belong to.
pub(crate) struct Home<'a> {
    pub owner: OwnerId,
    pub source: Source,
    /// The conversation's external id.
    pub external_id: &'a str,
    pub conversation_id: ConversationId,
    /// When it began, where the export says so.
    pub began: Option<Time>,
}

pub(crate) struct Grown {
    /// In order of (created_at, id).
    pub messages: Vec<Message>,
    /// In order of (created_at, id).
    pub attachments: Vec<ImportedAttachment>,
    /// Of each draft.
    pub ids: Vec<MessageId>,
    /// Of each draft.
    pub times: Vec<Time>,
}

/// Makes every cycle a line: its earliest message loses its parent. Says how many there were.
pub(crate) fn cut_cycles(drafts: &mut [Draft]) -> usize {
    let mut walk_of = vec![usize::MAX; drafts.len()];
    let mut cut = 0;
    for start in 0..drafts.len() {
        let mut at = start;
        loop {
            if walk_of[at] == start {
                let earliest = cycle(drafts, at).into_iter().min_by_key(|i| {
                    let draft = &drafts[*i];
                    (draft.created.unwrap_or(Time::MAX), draft.external_id.clone())
                });
                if let Some(earliest) = earliest {
                    drafts[earliest].parent = Parent::Unknown;
                    cut += 1;
                }
                break;
            }
            if walk_of[at] != usize::MAX {
                break;
            }
            walk_of[at] = start;
            match drafts[at].parent {
                Parent::Of(parent) => at = parent,
                Parent::Start | Parent::Unknown => break,
            }
        }
    }
    cut
}

fn cycle(drafts: &[Draft], from: usize) -> Vec<usize> {
    let mut members = vec![from];
    let mut at = from;
    while let Parent::Of(parent) = drafts[at].parent {
        if parent == from {
            break;
        }
        members.push(parent);
        at = parent;
    }
    members
}

/// Dates every draft (undated ones right after their parents, an undated beginning when the conversation began) and
/// gives it its ids. Cycles must be cut already.
pub(crate) fn grow(home: &Home<'_>, drafts: Vec<Draft>) -> Grown {
    let times = dates(home.began, &drafts);
    let source = home.source.as_str();
    let id_of = |draft: &Draft| {
        let name = format!("{}/{}", home.external_id, draft.external_id);
        MessageId(derive_uuid(home.owner, source, "message", &name))
    };
    let ids: Vec<MessageId> = drafts.iter().map(id_of).collect();
    let mut messages = Vec::with_capacity(drafts.len());
    let mut attachments = Vec::new();
    for (i, mut draft) in drafts.into_iter().enumerate() {
        for (position, file) in draft.files.into_iter().enumerate() {
            let name = format!("{}/{}/{}", home.external_id, draft.external_id, file.external_id);
            let mut attachment = file.attachment;
            attachment.id = AttachmentId(derive_uuid(home.owner, source, "attachment", &name));
            attachment.message_id = ids[i];
            // A row has no other place for the order in which a message names its files.
            attachment.created_at = times[i].plus_micros(position as i64);
            attachments.push(ImportedAttachment { attachment: fit_attachment(attachment), asset: file.asset });
        }
        draft.metadata.insert("source".to_owned(), source.into());
        draft.metadata.insert("external_id".to_owned(), draft.external_id.into());
        let mut message = draft.message;
        message.id = ids[i];
        message.conversation_id = home.conversation_id;
        message.created_at = times[i];
        message.parent_id = match draft.parent {
            Parent::Start => Some(MessageId::ROOT),
            Parent::Of(parent) => Some(ids[parent]),
            Parent::Unknown => None,
        };
        message.metadata = airi_domain::canonicalize(Value::Object(draft.metadata));
        messages.push(fit_message(message));
    }
    messages.sort_by_key(|message| (message.created_at, message.id));
    attachments.sort_by_key(|file: &ImportedAttachment| (file.attachment.created_at, file.attachment.id));
    Grown { messages, attachments, ids, times }
}

fn dates(began: Option<Time>, drafts: &[Draft]) -> Vec<Time> {
    let earliest = drafts.iter().filter_map(|draft| draft.created).min();
    let start = match (began, earliest) {
        (Some(began), Some(earliest)) => began.min(earliest.plus_micros(-1)),
        (Some(began), None) => began,
        (None, Some(earliest)) => earliest.plus_micros(-1),
        (None, None) => epoch(),
    };
    let mut times: Vec<Option<Time>> = drafts.iter().map(|draft| draft.created).collect();
    for i in 0..drafts.len() {
        // Up to the nearest dated ancestor, then down again.
        let mut undated = Vec::new();
        let mut at = i;
        let mut time = loop {
            if let Some(time) = times[at] {
                break time;
            }
            undated.push(at);
            match drafts[at].parent {
                Parent::Of(parent) => at = parent,
                Parent::Start | Parent::Unknown => break start.plus_micros(-1),
            }
        };
        for at in undated.into_iter().rev() {
            time = time.plus_micros(1);
            times[at] = Some(time);
        }
    }
    times.into_iter().map(|time| time.unwrap_or(start)).collect()
}

/// Stands where an export has no date at all.
pub(crate) fn epoch() -> Time {
    Time::from_micros(0).unwrap_or(Time::MIN)
}

/// The newest message that nothing answers.
pub(crate) fn newest_leaf(drafts_parents: &[Parent], times: &[Time]) -> Option<usize> {
    let mut is_leaf = vec![true; drafts_parents.len()];
    for parent in drafts_parents {
        if let Parent::Of(parent) = parent {
            is_leaf[*parent] = false;
        }
    }
    (0..times.len()).filter(|i| is_leaf[*i]).max_by_key(|i| (times[*i], *i))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(name: &str, parent: Parent, second: Option<i64>) -> Draft {
        let mut draft = Draft::new(name.to_owned(), Role::User);
        draft.parent = parent;
        draft.created = second.map(|s| Time::from_micros(s * 1_000_000).unwrap());
        draft
    }

    fn home() -> Home<'static> {
        Home {
            owner: OwnerId::LOCAL,
            source: Source::ChatGpt,
            external_id: "c",
            conversation_id: ConversationId(Uuid::from_u128(1)),
            began: Time::from_micros(5_000_000),
        }
    }

    #[test]
    fn undated_messages_follow_their_parents_by_a_microsecond() {
        let drafts = vec![
            draft("root", Parent::Start, None),
            draft("a", Parent::Of(0), Some(10)),
            draft("b", Parent::Of(1), None),
            draft("c", Parent::Of(2), None),
        ];
        let grown = grow(&home(), drafts);
        let micros: Vec<_> = grown.times.iter().map(|t| t.micros()).collect();
        assert_eq!(micros, [5_000_000, 10_000_000, 10_000_001, 10_000_002]);
        assert_eq!(grown.messages[0].parent_id, Some(MessageId::ROOT));
        assert_eq!(grown.messages[3].parent_id, Some(grown.messages[2].id));
    }

    #[test]
    fn a_beginning_is_never_later_than_what_follows() {
        let drafts = vec![draft("root", Parent::Start, None), draft("a", Parent::Of(0), Some(3))];
        assert_eq!(grow(&home(), drafts).times[0].micros(), 2_999_999);
    }

    #[test]
    fn a_cycle_is_cut_at_its_earliest_message() {
        let mut drafts = vec![
            draft("a", Parent::Of(2), Some(2)),
            draft("b", Parent::Of(0), Some(1)),
            draft("c", Parent::Of(1), Some(3)),
            draft("self", Parent::Of(3), Some(4)),
            draft("tail", Parent::Of(0), None),
        ];
        assert_eq!(cut_cycles(&mut drafts), 2);
        assert_eq!((drafts[1].parent, drafts[3].parent), (Parent::Unknown, Parent::Unknown));
        assert_eq!(cut_cycles(&mut drafts), 0);
        assert_eq!(grow(&home(), drafts).messages.len(), 5);
    }

    #[test]
    fn a_line_of_a_hundred_thousand_undated_is_quick() {
        let mut drafts: Vec<_> = (0..100_000_usize)
            .map(|i| draft(&i.to_string(), if i + 1 < 100_000 { Parent::Of(i + 1) } else { Parent::Start }, None))
            .collect();
        assert_eq!(cut_cycles(&mut drafts), 0);
        let times = dates(home().began, &drafts);
        assert_eq!(times[0].micros() - times[99_999].micros(), 99_999);
    }
}
