//! The rows: made by the database itself, from a seed. Promise: the same shape gives the same rows; one user owns a tenth of the
//! conversations, and one conversation of theirs a hundredth of all messages; `xylophone` stands in twenty messages, half of
//! them theirs. Triggers rest meanwhile, so counters and numbers are made to fit here.

use anyhow::Result;
use tokio_postgres::Client;

pub(crate) struct Shape {
    pub(crate) seed: u32,
    pub(crate) messages: u64,
    pub(crate) users: u64,
    pub(crate) conversations: u64,
}

/// Empties the tables and fills them.
pub(crate) async fn fill(admin: &Client, shape: &Shape) -> Result<()> {
    run(admin, shape, FILL).await
}

/// The same messages in the documented tables, before any migration of ours, and a file for each hundredth.
pub(crate) async fn fill_base(admin: &Client, shape: &Shape) -> Result<()> {
    let without = |text: &str| {
        let text =
            text.replace("truncate public.sync_heads, public.tombstones, public.sync_ops, public.sync_devices;", "");
        let text = text
            .replace("(id, change_seq) select id, 1 from", "(id) select id from")
            .replace("created_at, change_seq)", "created_at)");
        let text = text.replace("(interval '700 days' / :messages), m.n", "(interval '700 days' / :messages)");
        text.replace("is_archived, change_seq)", "is_archived)").replace("c % 20 = 11, c\n", "c % 20 = 11\n").replace(
            "insert into public.sync_heads (user_id, seq, moved_at) select id, :messages, now() from auth.users;",
            "",
        )
    };
    let files = "insert into public.message_attachments (message_id, file_name, storage_path)
        select pg_temp.id('message', n * 100), 'f', 'x' from generate_series(1, :messages / 100) as n;";
    run(admin, shape, &format!("{}{files}", without(FILL))).await?;
    admin.batch_execute("refresh materialized view public.recent_conversations").await?;
    Ok(())
}

async fn run(admin: &Client, shape: &Shape, statements: &str) -> Result<()> {
    let Shape { seed, messages, users, conversations } = shape;
    eprintln!("{messages} messages, {conversations} conversations, {users} users");
    let prepared = PREPARE.replace(":seed", &seed.to_string());
    admin.batch_execute(&prepared).await?;
    let statement = statements
        .replace(":messages", &messages.to_string())
        .replace(":users", &users.to_string())
        .replace(":conversations", &conversations.to_string());
    admin.batch_execute(&statement).await?;
    admin.batch_execute("vacuum (analyze)").await?;
    Ok(())
}

/// Words, the common ones far more often, and 2,000 paragraphs of them. A number between 0 and 1 by seed, name and place.
const PREPARE: &str = "
    set session_replication_role = replica; set maintenance_work_mem = '1GB'; set synchronous_commit = off;
    set statement_timeout = 0;
    create or replace function pg_temp.dice(p_name text, p_n bigint) returns double precision language sql immutable as $$
      select (hashtextextended(p_name || ':seed', p_n) & 1073741823)::double precision / 1073741824 $$;
    create or replace function pg_temp.id(p_name text, p_n bigint) returns uuid language sql immutable as $$
      select md5(p_name || ':seed' || p_n)::uuid $$;
    create temp table if not exists paragraphs (id int primary key, content text);
    truncate paragraphs;
    insert into paragraphs
    select p, string_agg((array['ba','ko','ti','nu','se','la','mi','ro','fe','da','ju','vo','pe','ga','xi','wo'])
        [1 + w.word % 16] || (array['n','r','st','l','m','sh','ck','d'])[1 + w.word / 16 % 8] || (array['a','e','i','o'])[1 + w.word / 128 % 4]
        || case when w.word > 500 then to_hex(w.word) else '' end, ' ' order by w.n)
    from generate_series(0, 1999) as p,
      lateral (select n, (power(pg_temp.dice('word', p * 100 + n), 3) * 20000)::int as word
        from generate_series(1, 60) as n) as w
    group by p;
    analyze paragraphs;";

const FILL: &str = "
    drop index if exists public.idx_chat_messages_content_search;
    truncate auth.users cascade;
    truncate public.sync_heads, public.tombstones, public.sync_ops, public.sync_devices;
    insert into auth.users (id, email)
    select pg_temp.id('user', u), 'u' || u || '@example.test' from generate_series(1, :users) as u;
    insert into public.user_profiles (id, change_seq) select id, 1 from auth.users;
    insert into public.sync_heads (user_id, seq, moved_at) select id, :messages, now() from auth.users;
    insert into public.chat_messages (id, conversation_id, user_id, role, content, total_tokens, created_at, change_seq)
    select pg_temp.id('message', m.n), pg_temp.id('conversation', m.c),
      pg_temp.id('user', case when m.c % 10 = 1 then 1 else 1 + m.c % :users end),
      case m.n % 2 when 0 then 'user' else 'assistant' end,
      case when m.n % greatest(:messages / 20, 1) = 0 then 'xylophone ' else '' end || (
        select string_agg(p.content, E'\\n\\n' order by p.id) from paragraphs as p
        where p.id between m.first and m.first + case m.n % 2 when 0 then 0 else m.n % 5 end),
      50, '2024-01-01'::timestamptz + m.n * (interval '700 days' / :messages), m.n
    from (
      -- Every second of those with the rare word is in the long conversation of the first user.
      select n, case when n % 100 = 0 and (n % greatest(:messages / 20, 1) <> 0 or n / greatest(:messages / 20, 1) % 2 = 0) then 1
          else 1 + (pg_temp.dice('of', n) * (:conversations - 1))::bigint end as c,
        (pg_temp.dice('text', n) * 1990)::int as first
      from generate_series(1, :messages) as n
    ) as m;
    insert into public.conversations (id, user_id, title, model_id, provider_id, message_count, total_tokens_used,
      last_message_at, created_at, is_starred, is_archived, change_seq)
    select pg_temp.id('conversation', c), pg_temp.id('user', case when c % 10 = 1 then 1 else 1 + c % :users end),
      'conversation ' || c, 'm', 'p', coalesce(k.messages, 0), coalesce(k.tokens, 0), coalesce(k.latest, '2024-01-01'),
      '2024-01-01', c % 50 = 1, c % 20 = 11, c
    from generate_series(1, :conversations) as c
    left join (
      select conversation_id, count(*) as messages, sum(total_tokens) as tokens, max(created_at) as latest
      from public.chat_messages group by 1
    ) as k on k.conversation_id = pg_temp.id('conversation', c);
    create index idx_chat_messages_content_search on public.chat_messages
      using gin (to_tsvector('pg_catalog.english', left(content, 100000)));";
