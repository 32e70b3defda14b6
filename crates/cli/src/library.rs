//! Commands that look at the library and change it.

use crate::args::{Add, By, Edit, Ids, List, New, Search, Show, Speaker, Usage};
use crate::invalid;
use crate::print::{Out, minute, short};
use airi_app::App;
use airi_contract::{
    BilledUsage, CommandError, ConversationEdit, ConversationRow, ItemsRequest, KeepHereRequest, ListRequest,
    MessageRow, NewConversation, NewMessage, SearchRequest, Section, Sort, UsageBy, UsageRequest, UsageRow,
};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Read;
use std::process::ExitCode;

type Done = Result<ExitCode, CommandError>;

const PAGE: usize = 500;

pub(crate) fn list(app: &App, out: &Out, given: List) -> Done {
    let section = match (given.archived, given.starred, given.deleted) {
        (true, ..) => Section::Archived,
        (_, true, _) => Section::Starred,
        (.., true) => Section::Trash,
        _ => Section::Active,
    };
    let limit = given.limit.unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    let mut cursor = None;
    while rows.len() < limit {
        let want = (limit - rows.len()).min(PAGE) as u32;
        let request = ListRequest { section, tag: given.tag.clone(), cursor, limit: want };
        let page = app.list_conversations(request)?;
        rows.extend(page.conversations);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    rows.truncate(limit);
    out.answer(&rows, |rows| {
        if rows.is_empty() {
            return "No conversations here. `airi import FILE` brings a history in.".into();
        }
        rows.iter().map(conversation_line).collect()
    });
    Ok(ExitCode::SUCCESS)
}

fn conversation_line(row: &ConversationRow) -> String {
    let star = if row.is_starred { "★" } else { " " };
    let title = row.title.as_deref().unwrap_or("Untitled");
    let stays = if row.only_here { "  (only on this device)" } else { "" };
    let title = short(title, 60);
    format!("{}  {} {star} {:>5}  {title}{stays}\n", row.id, minute(&row.last_message_at), row.message_count)
}

#[derive(Serialize)]
struct Shown {
    conversation: ConversationRow,
    messages: Vec<MessageRow>,
}

pub(crate) fn show(app: &App, out: &Out, given: Show) -> Done {
    let (conversation, messages) = app.show(&given.conversation, given.limit, given.before.as_deref())?;
    out.answer(&Shown { conversation, messages }, |shown| {
        let c = &shown.conversation;
        let mut text = format!("{}\n{} messages", c.title.as_deref().unwrap_or("Untitled"), c.message_count);
        if let Some(model) = &c.model_id {
            let _ = write!(text, ", {model}");
        }
        text.push_str("\n\n");
        for message in &shown.messages {
            let hidden = message.metadata.get("hidden").is_some_and(|hidden| hidden == true);
            let _ = writeln!(
                text,
                "── {}  {}  {}{}",
                message.role,
                minute(&message.created_at),
                message.id,
                if hidden { "  (hidden)" } else { "" }
            );
            let _ = writeln!(text, "{}", message.content.trim_end());
            for file in &message.files {
                let _ = writeln!(text, "{}", crate::files::line(file));
            }
            text.push('\n');
        }
        text
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn search(app: &App, out: &Out, given: Search) -> Done {
    let sort = if given.newest { Sort::Newest } else { Sort::Best };
    let request =
        SearchRequest { query: given.query.join(" "), limit: given.limit, offset: given.offset, sort, typing: false };
    let response = app.search(request)?;
    out.answer(&response, |response| {
        let mut text = String::new();
        if let Some(corrected) = &response.corrected {
            let _ = writeln!(text, "Nothing matches exactly; this was searched: {corrected}\n");
        }
        for group in &response.groups {
            let c = &group.conversation;
            let _ = writeln!(text, "{}  {}", c.id, c.title.as_deref().unwrap_or("Untitled"));
            for hit in group.hits.iter().filter_map(|place| response.hits.get(*place as usize)) {
                let who = hit.role.as_deref().unwrap_or("title");
                let _ = writeln!(text, "    {}  {who}: {}", minute(&hit.created_at), short(&hit.snippet, 160));
            }
        }
        let more = if response.total_is_exact { "" } else { "+" };
        let _ = write!(text, "{}{more} hits in {:.1} ms", response.total, response.took_ms);
        if response.unsearched > 0 {
            let _ = write!(
                text,
                "\nThe search index is still being written: {} changes were not searched. Ask again in a moment.",
                response.unsearched
            );
        }
        text
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn new(app: &App, out: &Out, given: New) -> Done {
    let row = app.create_conversation(NewConversation {
        title: given.title,
        title_from: None,
        model_id: given.model,
        provider_id: given.provider,
        only_here: Some(given.only_here),
    })?;
    out.answer(&row, |row| row.id.clone());
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn add(app: &App, out: &Out, given: Add) -> Done {
    let content = if given.text == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| invalid(format!("stdin cannot be read: {error}")))?;
        text.trim_end_matches('\n').to_owned()
    } else {
        given.text
    };
    let role = match given.role {
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    };
    let view = app.add_message(NewMessage {
        conversation_id: given.conversation,
        role: role.into(),
        content,
        parent_id: None,
    })?;
    out.answer(&view.row, |row| row.id.clone());
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn edit(app: &App, out: &Out, given: Edit) -> Done {
    let either = |yes: bool, no: bool| yes.then_some(true).or(no.then_some(false));
    let only_here = either(given.only_here, given.everywhere);
    if let Some(only_here) = only_here {
        // First, since it may be refused, and then nothing is changed.
        app.keep_here(KeepHereRequest { id: given.conversation.clone(), only_here })?;
    }
    let row = app.edit_conversation(ConversationEdit {
        id: given.conversation,
        title: given.title,
        is_starred: either(given.star, given.unstar),
        is_archived: either(given.archive, given.unarchive),
        add_tags: given.add_tag,
        remove_tags: given.remove_tag,
        model_id: given.model,
        provider_id: given.provider,
        system_prompt: given.system,
        temperature: given.temperature,
        max_tokens: given.max_tokens,
    })?;
    out.answer(&row, conversation_line);
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn delete(app: &App, out: &Out, given: Ids) -> Done {
    app.delete_items(ItemsRequest { ids: given.ids.clone() })?;
    out.answer(&serde_json::json!({ "deleted": given.ids }), |_| {
        "Moved to the trash. `airi undelete` brings it back.".into()
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn undelete(app: &App, out: &Out, given: Ids) -> Done {
    app.undelete_items(ItemsRequest { ids: given.ids.clone() })?;
    out.answer(&serde_json::json!({ "undeleted": given.ids }), |_| "Brought back.".into());
    Ok(ExitCode::SUCCESS)
}

/// What the server billed, in words; beside the costs of one's own keys, in no sum with them.
fn billed_text(billed: &Option<BilledUsage>) -> String {
    let Some(billed) = billed else { return "This profile has no account, so no server bills it.".into() };
    let mut text = format!("plan {}\n", billed.plan.as_deref().unwrap_or("not known"));
    if let Some(day) = &billed.day {
        let _ = match (day.limit, day.left) {
            (Some(limit), Some(left)) => writeln!(text, "today {} of {limit} used, {left} left", day.used),
            _ => writeln!(text, "today {} used, no limit", day.used),
        };
    }
    let cost = billed.estimated_usd.map_or_else(|| "nothing".to_owned(), |usd| format!("${usd:.2}"));
    let _ = writeln!(text, "{} calls, {} tokens, estimated {cost}", billed.calls, billed.tokens);
    for paid in &billed.payments {
        let _ = writeln!(text, "{} {:.2} {} {}", minute(&paid.at), paid.amount, paid.currency, paid.status);
    }
    text
}

pub(crate) fn usage(app: &App, out: &Out, given: Usage) -> Done {
    let by = match given.by {
        By::Day => UsageBy::Day,
        By::Model => UsageBy::Model,
        By::Provider => UsageBy::Provider,
        By::Conversation => UsageBy::Conversation,
    };
    if given.billed {
        let billed = app.billed_usage(UsageRequest { since: given.since, until: None, by })?;
        out.answer(&billed, billed_text);
        return Ok(ExitCode::SUCCESS);
    }
    let report = app.usage(UsageRequest { since: given.since, until: None, by })?;
    out.answer(&report, |report| {
        let mut text = format!(
            "{:<28} {:>9} {:>12} {:>12} {:>12} {:>12}\n",
            "", "messages", "prompt", "completion", "total", "cost"
        );
        for row in &report.rows {
            let _ = writeln!(
                text,
                "{:<28} {:>9} {:>12} {:>12} {:>12} {:>12}",
                short(row.title.as_deref().or(row.key.as_deref()).unwrap_or("not known"), 28),
                row.messages,
                row.prompt_tokens,
                row.completion_tokens,
                row.total_tokens,
                cost(row)
            );
        }
        if let Some(problem) = &report.prices_problem {
            let _ = writeln!(text, "{problem}");
        }
        text
    });
    Ok(ExitCode::SUCCESS)
}

/// An unknown price is no price of zero.
fn cost(row: &UsageRow) -> String {
    match row.cost_usd {
        None if row.unpriced_tokens > 0 => "not known".into(),
        None => String::new(),
        Some(cost) if row.unpriced_tokens > 0 => format!(">= ${cost:.2}"),
        Some(cost) => format!("${cost:.2}"),
    }
}

pub(crate) fn verify(app: &App, out: &Out) -> Done {
    let report = app.verify()?;
    out.answer(&report, |report| {
        if report.ok {
            return format!(
                "Mirror, index and files agree: {} conversations, {} messages, {} files.",
                report.conversations, report.messages, report.files
            );
        }
        format!("{} problems:\n{}", report.problems.len(), report.problems.join("\n"))
    });
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
