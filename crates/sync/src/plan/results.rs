//! What the server's answer to one operation means.

use crate::{Op, OpResult, OpStatus};

/// What is done with an operation that was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// It leaves the outbox; the row notes the server's number.
    Acknowledge,
    /// It leaves the outbox, and the server's row is taken: another device has brought back a later form.
    TakeTheirs,
    /// The id is somebody else's: the conversation gets ids of this account and is sent again.
    GiveNewIds,
    /// It stands in view; its lane waits.
    Wedge { code: String, message: String },
    /// It waits for what stands before it.
    Wait,
}

pub(crate) fn verdict(op: &Op, result: &OpResult) -> Verdict {
    let code = result.code.as_deref();
    match result.status {
        OpStatus::Applied if code == Some("superseded") => Verdict::TakeTheirs,
        OpStatus::Applied => Verdict::Acknowledge,
        OpStatus::Skipped => Verdict::Wait,
        OpStatus::Refused if code == Some("id_taken") && op.table == "conversations" && op.kind == "insert" => {
            Verdict::GiveNewIds
        }
        OpStatus::Refused => Verdict::Wedge {
            code: code.unwrap_or("refused").to_owned(),
            message: result.message.clone().unwrap_or_else(|| "The server refused it.".to_owned()),
        },
    }
}

/// Whether what others have done to a row since this answer was given may be hidden here: pulling has passed the number, so
/// the row came while the operation still waited and lay over it, and will not come again by itself.
pub(crate) fn is_hidden(number: i64, pulled: i64) -> bool {
    number <= pulled
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn op(table: &str, kind: &str) -> Op {
        Op {
            op_id: Uuid::nil(),
            lane: Uuid::nil(),
            table: table.into(),
            id: Uuid::nil(),
            kind: kind.into(),
            row: None,
            set: None,
            base_seq: 0,
            held: None,
        }
    }

    fn result(status: OpStatus, code: Option<&str>) -> OpResult {
        let code = code.map(str::to_owned);
        OpResult { op_id: Uuid::nil(), status, code, message: None, change_seq: None, row: None }
    }

    #[test]
    fn only_what_was_applied_leaves_the_outbox() {
        let insert = op("chat_messages", "insert");
        assert_eq!(verdict(&insert, &result(OpStatus::Applied, None)), Verdict::Acknowledge);
        assert_eq!(verdict(&insert, &result(OpStatus::Applied, Some("superseded"))), Verdict::TakeTheirs);
        assert_eq!(verdict(&insert, &result(OpStatus::Skipped, None)), Verdict::Wait);
        assert!(matches!(verdict(&insert, &result(OpStatus::Refused, None)), Verdict::Wedge { .. }));
    }

    #[test]
    fn an_answer_given_before_the_last_pull_hides_what_came_since() {
        assert!(is_hidden(3, 4) && is_hidden(4, 4));
        assert!(!is_hidden(5, 4));
    }

    #[test]
    fn only_a_new_conversation_gets_new_ids() {
        let taken = result(OpStatus::Refused, Some("id_taken"));
        assert_eq!(verdict(&op("conversations", "insert"), &taken), Verdict::GiveNewIds);
        for (table, kind) in [("chat_messages", "insert"), ("conversations", "patch")] {
            assert!(matches!(verdict(&op(table, kind), &taken), Verdict::Wedge { .. }));
        }
    }
}
