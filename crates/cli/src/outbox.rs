//! What waits to be sent and what the server refused, in words: what was changed, where, since when, why, and what to do.

use crate::account::{Done, wait};
use crate::args::{Outbox, OutboxAction};
use crate::print::{Out, minute, short};
use airi_app::App;
use airi_contract::{OutboxExport, OutboxRequest, OutboxRow};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Changes that only wait need no act of anybody: so many are listed for a person.
const WAITING_LISTED: usize = 20;
/// What stands in the place of a server's words where it gave none.
const UNSAID: &str = "The server refused it.";

pub(crate) fn outbox(app: &App, out: &Out, given: Outbox) -> Done {
    let request = match given.action {
        None => {
            out.answer(&app.outbox()?, |rows| text(rows));
            return Ok(ExitCode::SUCCESS);
        }
        Some(OutboxAction::Export { id, output }) => {
            let path = output.to_string_lossy().into_owned();
            app.export_change(&OutboxExport { id: id.clone(), path: path.clone() })?;
            out.answer(&serde_json::json!({ "exported": id, "path": path }), |_| {
                "The change and the rows it concerns are in that file; `airi import` reads it.".into()
            });
            return Ok(ExitCode::SUCCESS);
        }
        Some(OutboxAction::Retry { id }) => OutboxRequest { id, action: airi_contract::OutboxAction::Retry },
        Some(OutboxAction::Discard { id }) => OutboxRequest { id, action: airi_contract::OutboxAction::Discard },
    };
    let id = request.id.clone();
    let again = request.action == airi_contract::OutboxAction::Retry;
    wait(app.resolve_outbox(request))??;
    out.answer(&serde_json::json!({ "resolved": id }), |_| {
        if again { "It is sent with the next sync (`airi sync`)." } else { "Given up. `airi sync` goes on from there." }
            .into()
    });
    Ok(ExitCode::SUCCESS)
}

fn text(rows: &[OutboxRow]) -> String {
    let (refused, waiting): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.state == "wedged");
    if rows.is_empty() {
        return "Nothing waits.".into();
    }
    let mut text = String::new();
    for row in &refused {
        let _ = writeln!(text, "refused: {}", change(row));
        let _ = write!(text, "  made {} UTC, tried {}", minute(&row.created_at), times(row.attempts));
        let _ = match row.behind {
            0 => writeln!(text),
            1 => writeln!(text, "; 1 more change of this conversation waits behind it"),
            n => writeln!(text, "; {n} more changes of this conversation wait behind it"),
        };
        let (why, todo) = reason(row);
        let _ = writeln!(text, "  why: {why}");
        if let Some(said) = row.error.as_deref().filter(|said| !said.is_empty() && *said != UNSAID) {
            let _ = writeln!(text, "  the server says: {}", short(said, 200));
        }
        let _ = writeln!(text, "  what to do: {todo}");
        let _ = writeln!(
            text,
            "    airi outbox retry {id}\n    airi outbox export {id} -o FILE\n    airi outbox discard {id}\n",
            id = row.id
        );
    }
    if !waiting.is_empty() {
        let _ = writeln!(text, "waiting ({}):", waiting.len());
        for row in waiting.iter().take(WAITING_LISTED) {
            let _ = writeln!(text, "  {}  {}  {}", row.id, minute(&row.created_at), change(row));
        }
        if waiting.len() > WAITING_LISTED {
            let _ = writeln!(text, "  and {} more (`airi outbox --json` lists them)", waiting.len() - WAITING_LISTED);
        }
    }
    text
}

fn times(n: i64) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

/// What was changed, and in which conversation.
fn change(row: &OutboxRow) -> String {
    let thing = match row.table.as_str() {
        "conversations" => "conversation",
        "chat_messages" => "message",
        _ => "attachment",
    };
    let what = match row.kind.as_str() {
        "insert" => format!("new {thing}"),
        "delete" => format!("{thing} deleted for good"),
        _ => {
            let mut names: Vec<&str> = row.fields.iter().map(|field| named(field)).collect();
            names.dedup();
            format!("{} of {} {thing}", names.join(", "), if thing == "conversation" { "the" } else { "a" })
        }
    };
    let place = match row.conversation_title.as_deref() {
        Some(title) => format!("\"{}\"", short(title, 60)),
        None => format!("conversation {}", row.conversation_id),
    };
    format!("{what} in {place}")
}

fn named(field: &str) -> &str {
    match field {
        "model_id" | "provider_id" => "model",
        "is_starred" => "star",
        "is_archived" => "archive",
        "deleted_at" => "trash",
        "current_message_id" => "branch in view",
        "system_prompt" => "system prompt",
        "max_tokens" => "token limit",
        "storage_path" => "place of the file",
        other => other,
    }
}

/// Why the server refused it, and what the user can do.
fn reason(row: &OutboxRow) -> (&'static str, &'static str) {
    match row.code.as_deref().unwrap_or_default() {
        "content_conflict" => (
            "The server has a message with this id and other content (content_conflict).",
            "export yours if you want to keep it, then discard it: the server's message takes its place.",
        ),
        "id_taken" => (
            "Its id belongs to another account of the server (id_taken).",
            "export it if you want to keep it, discard it, and write it anew, which gives it an id of its own.",
        ),
        "missing_parent" => (
            "What it belongs to is not on the server (missing_parent).",
            "retry after the next sync; if that does not help, export it and discard it.",
        ),
        "not_found" => (
            "The row was deleted for good on the server (not_found).",
            "export it if you want to keep it, then discard it.",
        ),
        "invalid" => (
            "The server's database does not take a value in it (invalid).",
            "change it (`airi edit`, which sends it again), or discard it.",
        ),
        "forbidden_field" => (
            "The server does not let this be changed (forbidden_field).",
            "discard it; or retry when the server has been updated.",
        ),
        "too_large" => (
            "It is too much for the server, even alone (too_large).",
            "ask the server's operator for a higher limit and retry; or export it and discard it.",
        ),
        "upload_refused" => (
            "The server does not take the file: too large, or of a kind that it does not keep (upload_refused).",
            "ask the server's operator for a higher limit and retry; or discard it: the file stays on this computer \
             only where you exported it.",
        ),
        _ => ("The server does not take it.", "retry; if that does not help, export it and discard it."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: &str) -> OutboxRow {
        OutboxRow {
            id: "0190".into(),
            conversation_id: "c1".into(),
            conversation_title: Some("Kyoto\x1b[2J in\nMay".into()),
            fields: Vec::new(),
            code: None,
            behind: 0,
            table: "chat_messages".into(),
            row_id: "m1".into(),
            kind: "insert".into(),
            state: state.into(),
            attempts: 1,
            error: None,
            created_at: "2026-01-31T08:30:00.000000Z".into(),
        }
    }

    #[test]
    fn a_refused_change_says_what_where_since_when_why_and_what_to_do() {
        let refused = OutboxRow {
            code: Some("content_conflict".into()),
            error: Some("other content".into()),
            behind: 2,
            ..row("wedged")
        };
        let text = text(&[refused, row("pending")]);
        for part in [
            "refused: new message in \"Kyoto[2J in May\"",
            "made 2026-01-31 08:30 UTC, tried once; 2 more changes",
            "why: The server has a message with this id",
            "the server says: other content",
            "airi outbox export 0190 -o FILE",
            "waiting (1):",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_patch_names_its_fields_in_words() {
        let patch = OutboxRow {
            kind: "patch".into(),
            table: "conversations".into(),
            fields: ["is_starred", "model_id", "provider_id", "title"].map(str::to_owned).into(),
            conversation_title: None,
            ..row("pending")
        };
        assert_eq!(change(&patch), "star, model, title of the conversation in conversation c1");
    }

    #[test]
    fn many_that_wait_are_counted() {
        let rows: Vec<_> = (0..25).map(|_| row("pending")).collect();
        assert!(text(&rows).contains("and 5 more"));
        assert_eq!(text(&[]), "Nothing waits.");
    }
}
