//! Chatting at a prompt: a reply as it streams, and the providers of models.

use crate::account::wait;
use crate::args::{Chat, Provider, ProviderAction};
use crate::invalid;
use crate::print::{Out, say, short};
use airi_app::{App, ReplyText};
use airi_contract::{
    CommandError, ErrorCode, KeyState, ProviderEdit, ProviderRef, ProviderRow, ReplyRef, ReplyRequest, SendRequest,
};
use serde_json::json;
use std::fmt::Write as _;
use std::io::{BufRead, Read, Write};
use std::process::ExitCode;

type Done = Result<ExitCode, CommandError>;

pub(crate) fn chat(app: &App, out: &Out, given: Chat) -> Done {
    wait(talk(app, out, given))?
}

async fn talk(app: &App, out: &Out, given: Chat) -> Done {
    let (conversation, reply) = begin(app, out, &given).await?;
    let id = ReplyRef { message_id: reply.clone() };
    let mut thinking = false;
    let mut tell = |piece: ReplyText<'_>| match (piece, out.json) {
        (ReplyText::Text(text), true) => say(&json!({ "text": text }).to_string()),
        (ReplyText::Thinking(text), true) => say(&json!({ "thinking": text }).to_string()),
        (ReplyText::Text(text), false) => {
            if std::mem::take(&mut thinking) {
                let _ = writeln!(std::io::stderr(), "\n");
            }
            let _ = write!(std::io::stdout(), "{}", printable(text)).and_then(|()| std::io::stdout().flush());
        }
        // Thinking is not the answer: a script that takes stdout does not get it.
        (ReplyText::Thinking(text), false) => {
            thinking = true;
            let _ = write!(std::io::stderr(), "{}", printable(text));
        }
    };
    let stopping = async {
        // Without a signal handler Ctrl-C ends the process, and the next one keeps what was saved.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::pin!(stopping);
    let follow = app.follow_reply(id.clone(), &mut tell);
    tokio::pin!(follow);
    let mut stopped = false;
    let ended = loop {
        tokio::select! {
            ended = &mut follow => break ended,
            () = &mut stopping, if !stopped => {
                stopped = true;
                app.stop_reply(id.clone())?;
            }
        }
    };
    if !out.json {
        say("");
    }
    ended?;
    if stopped {
        let message = "Stopped. What had come is kept.".to_owned();
        return Err(CommandError { code: ErrorCode::Cancelled, message, retryable: false });
    }
    if out.json {
        let (_, rows) = app.show(&conversation, None, None)?;
        let row = rows.into_iter().find(|row| row.id == reply);
        say(&json!({ "reply": row }).to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// Has the reply begun; the conversation's and its own id.
async fn begin(app: &App, out: &Out, given: &Chat) -> Result<(String, String), CommandError> {
    let Some(text) = &given.text else {
        let (row, rows) = app.show(&given.conversation, Some(1), None)?;
        let last = rows.last().ok_or_else(|| invalid("There is nothing in this conversation yet."))?;
        let request = ReplyRequest {
            message_id: last.id.clone(),
            go_on: given.go_on,
            provider_id: given.provider.clone(),
            model_id: given.model.clone(),
        };
        return Ok((row.id, app.ask_reply(request).await?.message_id));
    };
    let mut content = text.clone();
    if content == "-" {
        content.clear();
        std::io::stdin()
            .read_to_string(&mut content)
            .map_err(|error| invalid(format!("stdin cannot be read: {error}")))?;
    }
    let answer = app
        .send_message(SendRequest {
            conversation_id: (given.conversation != "new").then(|| given.conversation.clone()),
            content: content.trim_end_matches('\n').to_owned(),
            provider_id: given.provider.clone(),
            model_id: given.model.clone(),
            ..SendRequest::default()
        })
        .await?;
    let (conversation, message, reply) = (answer.conversation.id, answer.message.row.id, answer.reply_id);
    if out.json {
        say(&json!({ "conversation_id": conversation, "message_id": message, "reply_id": reply }).to_string());
    } else if given.conversation == "new" {
        out.remark(&conversation);
    }
    Ok((conversation, reply))
}

/// A model must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

pub(crate) fn provider(app: &App, out: &Out, given: Provider) -> Done {
    match given.action.unwrap_or(ProviderAction::List) {
        ProviderAction::Add { preset, id, name, url, protocol, key_stdin, proxy, allow_private } => {
            let key = key_stdin.then(first_line).transpose()?;
            let edit = ProviderEdit { id, preset, name, protocol, base_url: url, key, proxy, allow_private };
            let row = app.save_provider(edit)?;
            let test = wait(app.test_provider(ProviderRef { id: row.id.clone() }))??;
            let row = app.list_providers()?.into_iter().find(|known| known.id == row.id).unwrap_or(row);
            let answer = json!({ "provider": row, "test": test });
            out.answer(&answer, |_| format!("{}\n{}", line(&row), test.message));
        }
        ProviderAction::List => out.answer(&app.list_providers()?, |rows| {
            if rows.is_empty() {
                return "No provider yet. `airi provider add ollama` adds one; `airi provider find` looks for local servers."
                    .into();
            }
            rows.iter().fold(String::new(), |mut text, row| {
                let _ = writeln!(text, "{}", line(row));
                text
            })
        }),
        ProviderAction::Presets => out.answer(&app.list_presets()?, |rows| {
            rows.iter().fold(String::new(), |mut text, row| {
                let key = if row.needs_key { "key" } else { "" };
                let _ = writeln!(text, "{:<12} {:<22} {key:<4} {}", row.id, row.name, row.base_url);
                text
            })
        }),
        ProviderAction::Find => out.answer(&wait(app.find_servers())??, |found| {
            if found.is_empty() {
                return "No local server answers where one usually is. If yours listens elsewhere, add it with --url.".into();
            }
            found.iter().fold(String::new(), |mut text, server| {
                let _ = writeln!(text, "{:<12} {}  {} models", server.preset, server.base_url, server.models.len());
                text
            })
        }),
        ProviderAction::Test { id } => {
            let test = wait(app.test_provider(ProviderRef { id }))??;
            out.answer(&test, |test| {
                let mut text = test.message.clone();
                for model in &test.models {
                    let _ = write!(text, "\n{}", short(model, 200));
                }
                text
            });
            return Ok(if test.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        ProviderAction::Remove { id } => {
            app.remove_provider(ProviderRef { id: id.clone() })?;
            out.answer(&json!({ "removed": id }), |_| "Removed, with its key.".into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(row: &ProviderRow) -> String {
    let key = match row.key {
        KeyState::None => "no key",
        KeyState::Kept => "key kept",
        KeyState::Memory => "key in memory",
        KeyState::Needed => "key needed",
    };
    format!("{:<14} {:<22} {key:<13} {:>4} models  {}", row.id, short(&row.name, 22), row.models.len(), row.base_url)
}

fn first_line() -> Result<String, CommandError> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| invalid(format!("stdin cannot be read: {error}")))?;
    if line.trim().is_empty() {
        return Err(invalid("No key came on stdin."));
    }
    Ok(line.trim().to_owned())
}
