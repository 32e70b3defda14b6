//! The plans behind the figures: what PostgreSQL does within the three functions that are called most, as it says itself.

use crate::cost::act_as;
use crate::report::thousands;
use crate::rows::Shape;
use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use std::fmt::Write;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

/// Plans of a statement that looked at fewer buffers say nothing of it.
const LEAST_BUFFERS: u64 = 10;

/// A section of docs/benchmarks.md: the plans of the first user's calls, with what was read and not how long it took.
pub(crate) async fn section(superuser: &Config, shape: &Shape, date: &str) -> Result<String> {
    let (client, mut notices) = listening(superuser).await?;
    let row = client
        .query_one(
            "select id, user_id from public.conversations
             where user_id = (select user_id from public.conversations group by 1 order by count(*) desc limit 1)
             order by message_count desc limit 1",
            &[],
        )
        .await?;
    let (long, user): (uuid::Uuid, uuid::Uuid) = (row.get(0), row.get(1));
    client
        .batch_execute(
            "load 'auto_explain'; set auto_explain.log_analyze = on; set auto_explain.log_buffers = on;
             set auto_explain.log_timing = off; set auto_explain.log_nested_statements = on;
             set auto_explain.log_level = notice; set client_min_messages = notice; set auto_explain.log_min_duration = 0;",
        )
        .await?;
    act_as(&client, user).await?;
    let name = format!("server-plans-{}", thousands(shape.messages).replace(',', ""));
    let mut text = format!(
        "<!-- bench:{name} -->\n### Plans, {} messages\n\n{date}; the second call of each, by `auto_explain`, without times.\n",
        thousands(shape.messages)
    );
    for (what, call) in [
        ("The list of 50", "select * from public.get_conversations_with_last_message(p_limit => 50)".to_owned()),
        (
            "The newest 50 of the longest thread",
            format!("select * from public.get_conversation_messages('{long}', 50)"),
        ),
        ("A rare word", "select * from public.search_messages('xylophone ')".to_owned()),
    ] {
        client.batch_execute(&call).await?;
        // Only the second call speaks.
        while notices.try_recv().is_ok() {}
        client.batch_execute(&call).await?;
        let mut plans = Vec::new();
        while let Ok(notice) = notices.try_recv() {
            plans.extend(plan_in(&notice).filter(|plan| buffers(plan) >= LEAST_BUFFERS));
        }
        // What calls the function only names it; what the function does says more.
        plans.retain(|plan| !plan.starts_with("Function Scan"));
        plans.dedup();
        let _ = write!(text, "\n{what}: `{call}`\n\n```\n{}\n```\n", plans.join("\n\n"));
    }
    let _ = write!(text, "<!-- /bench:{name} -->");
    Ok(text)
}

/// A connection whose notices are kept.
async fn listening(config: &Config) -> Result<(Client, UnboundedReceiver<String>)> {
    let (client, mut connection) = config.connect(NoTls).await.context("connect for the plans")?;
    let (send, notices) = unbounded_channel();
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notice(notice) = message {
                let _ = send.send(notice.message().to_owned());
            }
        }
    });
    Ok((client, notices))
}

/// The plan in what auto_explain says, behind the text of the query.
fn plan_in(notice: &str) -> Option<String> {
    let lines: Vec<&str> = notice.lines().collect();
    let first = lines.iter().position(|line| line.contains("(cost="))?;
    Some(lines[first..].iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n"))
}

/// What the topmost node looked at.
fn buffers(plan: &str) -> u64 {
    let line = plan.lines().find(|line| line.trim_start().starts_with("Buffers: shared"));
    let counts = line.into_iter().flat_map(str::split_whitespace).filter_map(|word| word.split_once('='));
    counts.filter(|(kind, _)| ["hit", "read"].contains(kind)).filter_map(|(_, count)| count.parse::<u64>().ok()).sum()
}
