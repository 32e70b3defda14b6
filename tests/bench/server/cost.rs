//! What a call costs the first user, who has most: shared buffers of the warm call, from EXPLAIN (ANALYZE, BUFFERS).

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio_postgres::Client;

use crate::report::{Reached, Section, thousands};
use crate::rows::Shape;

/// What each call cost at the smallest size.
pub(crate) type Costs = BTreeMap<&'static str, u64>;

/// How much more a call may cost than at the smallest size and still be called flat.
const FLAT: f64 = 1.5;

/// With `by_month`, the messages have been moved to months, and what is compared with is the one table.
pub(crate) async fn measure(owner: &Client, shape: &Shape, smallest: &mut Costs, by_month: bool) -> Result<Section> {
    let (mark, how) = if by_month { ("months-", " by month") } else { ("", "") };
    let mut section = Section::new(
        format!("server-{mark}{}", short(shape.messages)),
        format!("Server, {} messages{how}", thousands(shape.messages)),
    );
    let user: uuid::Uuid = owner
        .query_one("select user_id from public.conversations group by 1 order by count(*) desc limit 1", &[])
        .await?
        .get(0);
    let row = owner
        .query_one(
            "select id, message_count from public.conversations where user_id = $1 order by message_count desc limit 1",
            &[&user],
        )
        .await?;
    let (long, in_long): (uuid::Uuid, i32) = (row.get(0), row.get(1));
    let middle = owner
        .query_one(
            "select created_at::text, id::text from public.chat_messages where conversation_id = $1
             order by created_at, id offset $2 limit 1",
            &[&long, &i64::from(in_long * 6 / 10)],
        )
        .await?;
    let (at, before): (String, String) = (middle.get(0), middle.get(1));
    let counts = owner
        .query_one(
            "select (select count(*) from public.conversations where user_id = $1 and not is_archived),
                    (select count(*) from public.chat_messages where user_id = $1),
                    pg_database_size(current_database()),
                    (select sum(pg_total_relation_size(c.oid))::bigint from pg_class as c left join pg_inherits as i on i.inhrelid = c.oid
                      where 'public.chat_messages'::regclass in (c.oid, i.inhparent)),
                    (select sum(pg_relation_size(c.oid))::bigint from pg_class as c left join pg_inherits as i on i.inhrelid = c.oid
                      where 'public.idx_chat_messages_content_search'::regclass in (c.oid, i.inhparent)),
                    (select avg(octet_length(content))::bigint from public.chat_messages)",
            &[&user],
        )
        .await?;
    let [listed, owned, database, table, index, content] =
        std::array::from_fn(|i| u64::try_from(counts.get::<_, i64>(i)).unwrap_or_default());

    act_as(owner, user).await?;
    let hello: String = owner.query_one("select public.sync_hello()::text", &[]).await?.get(0);
    let hello: Value = serde_json::from_str(&hello)?;
    let (epoch, head) = (hello["epoch"].as_str().context("an epoch")?, &hello["head"]);

    let list = cost(owner, "select * from public.get_conversations_with_last_message(p_limit => 50)").await?;
    section.row(
        format!("list of 50, newest first ({} to list): buffers a conversation", thousands(listed)),
        format!("{:.1}", f64::from(u32::try_from(list)?) / 50.0),
        "",
        grown(smallest, "list", list),
        "≤ 10",
        list <= 500,
    );
    let page = cost(owner, &format!("select * from public.get_conversation_messages('{long}', 50)")).await?;
    let far = cost(owner, &format!("select * from public.get_conversation_messages('{long}', 50, '{at}', '{before}')"))
        .await?;
    for (what, key, buffers) in [("the newest 50", "page", page), ("50 far back", "far", far)] {
        section.row(
            format!("{what} of a thread of {} messages: buffers", thousands(u64::try_from(in_long)?)),
            thousands(buffers),
            "",
            grown(smallest, key, buffers),
            "≤ 60",
            buffers <= 60,
        );
    }
    let search = cost(owner, "select * from public.search_messages('xylophone ')").await?;
    let plain = "select count(*) from public.chat_messages where deleted_at is null
        and to_tsvector('pg_catalog.english', left(content, 100000)) @@ to_tsquery('pg_catalog.english', 'xylophone')";
    let plain = cost(owner, plain).await?;
    let ratio = f64::from(u32::try_from(plain)?) / f64::from(u32::try_from(search)?);
    section.row(
        format!(
            "search of a rare word among {} own messages, beside the plain query under RLS: buffers",
            thousands(owned)
        ),
        thousands(search),
        thousands(plain),
        format!("{ratio:.0} ×"),
        "≥ 50 ×",
        ratio >= 50.0,
    );
    let common = cost(owner, "select * from public.search_messages('bana kona ')").await?;
    section.row(
        "search of two common words: buffers",
        thousands(common),
        "",
        grown(smallest, "common", common),
        "",
        Reached::NoGoal,
    );
    for (what, key, statement, goal) in [
        ("a pull with nothing new", "pull", format!("select public.sync_pull('{epoch}', {head})"), true),
        (
            "a page of 500 of the first walk",
            "snapshot",
            "select public.sync_snapshot('chat_messages', null, 500)".to_owned(),
            false,
        ),
        ("a user's limits", "limits", "select public.get_my_limits()".to_owned(), true),
    ] {
        let buffers = cost(owner, &statement).await?;
        let grown = grown(smallest, key, buffers);
        let flat = buffers as f64 <= smallest.get(key).copied().unwrap_or(buffers) as f64 * FLAT;
        section.row(
            format!("{what}: buffers"),
            thousands(buffers),
            "",
            grown,
            if goal { "flat" } else { "" },
            if goal { flat.into() } else { Reached::NoGoal },
        );
    }
    owner.batch_execute("reset role; reset request.jwt.claims").await?;

    let per_message = database / shape.messages.max(1);
    section.row(
        format!(
            "size of the database ({} conversations, {} users)",
            thousands(shape.conversations),
            thousands(shape.users)
        ),
        format!("{:.1} MB", database as f64 / 1e6),
        "",
        format!("{} bytes a message", thousands(per_message)),
        "15 GB at 10,000,000",
        Reached::NoGoal,
    );
    section.notes.push(format!(
        "A message has {} bytes of text on average; `chat_messages` with its indexes takes {:.1} MB, {:.1} MB of it the full-text index. \
         At this rate 10,000,000 messages are {:.1} GB.",
        thousands(content),
        table as f64 / 1e6,
        index as f64 / 1e6,
        per_message as f64 * 1e7 / 1e9
    ));
    Ok(section)
}

/// The session is that user's from here on, as PostgREST makes it.
pub(crate) async fn act_as(owner: &Client, user: uuid::Uuid) -> Result<()> {
    let claims = serde_json::json!({"sub": user, "role": "authenticated"}).to_string();
    owner
        .query(
            "select set_config('request.jwt.claims', $1, false), set_config('role', 'authenticated', false)",
            &[&claims],
        )
        .await?;
    Ok(())
}

/// The buffers of the second call: the first loads catalogs and plans.
pub(crate) async fn cost(session: &Client, statement: &str) -> Result<u64> {
    session.batch_execute(statement).await?;
    let explain = format!("explain (analyze, buffers, format json) {statement}");
    let plan: Value = session.query_one(&explain, &[]).await.with_context(|| statement.to_owned())?.get(0);
    let plan = &plan[0]["Plan"];
    let blocks = |key: &str| plan[key].as_u64().with_context(|| format!("no {key} in {plan}"));
    Ok(blocks("Shared Hit Blocks")? + blocks("Shared Read Blocks")?)
}

fn grown(smallest: &mut Costs, key: &'static str, buffers: u64) -> String {
    let first = *smallest.entry(key).or_insert(buffers);
    format!("{:.2} × of the smallest size", buffers as f64 / first.max(1) as f64)
}

/// `10k`, `1M`.
pub(crate) fn short(number: u64) -> String {
    match number {
        n if n >= 1_000_000 && n % 1_000_000 == 0 => format!("{}M", n / 1_000_000),
        n if n >= 1000 && n % 1000 == 0 => format!("{}k", n / 1000),
        n => n.to_string(),
    }
}
