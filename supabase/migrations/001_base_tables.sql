-- The documented base on an empty project: tables and their indexes. A deployment that has its own 001–003 skips this
-- file; everything that both kinds of database must share is therefore in 004 and later. Access (RLS, policies, grants)
-- is 002, triggers and functions are 003: nothing is reachable before 002 has run, because the three are pushed
-- together and Supabase's default grants are taken away here, table by table, in 002.

-- After a rollback the tables wait, with their rows, in the schema rollback_keep: they come back as they are, and the
-- `if not exists` below then adds only what is missing.
do $returned$
declare
  kept record;
begin
  for kept in
    select tablename from pg_catalog.pg_tables
    where schemaname = 'rollback_keep' and tablename in (
      'user_profiles', 'conversations', 'chat_messages', 'message_attachments', 'chat_sessions',
      'chat_messages_partitioned', 'usage_logs', 'usage_daily_aggregates', 'subscription_history', 'payment_history',
      'moderation_logs', 'user_violations', 'system_settings', 'provider_health', 'cache_entries',
      'query_performance_logs'
    ) or schemaname = 'rollback_keep' and tablename like 'chat\_messages\_y%'
  loop
    execute format('alter table rollback_keep.%I set schema public', kept.tablename);
  end loop;
end
$returned$;

-- ---------------------------------------------------------------------------------------------------------- people
create table if not exists public.user_profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  username varchar(50) unique,
  display_name varchar(100),
  avatar_url text,
  bio text,
  subscription_tier varchar(20) not null default 'free'
    check (subscription_tier in ('free', 'plus', 'pro', 'enterprise')),
  subscription_status varchar(20) not null default 'active'
    check (subscription_status in ('active', 'canceled', 'past_due', 'trialing', 'paused')),
  stripe_customer_id varchar(255) unique,
  stripe_subscription_id varchar(255),
  trial_ends_at timestamptz,
  subscription_ends_at timestamptz,
  daily_message_count int not null default 0,
  total_message_count bigint not null default 0,
  last_message_reset_at timestamptz not null default now(),
  preferences jsonb not null default '{}',
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- ------------------------------------------------------------------------------------------------------------ chat
create table if not exists public.conversations (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.user_profiles (id) on delete cascade,
  title varchar(255),
  summary text,
  model_id varchar(100) not null,
  provider_id varchar(50) not null,
  avatar_id varchar(100),
  voice_id varchar(100),
  personality_template varchar(100),
  system_prompt text,
  temperature numeric(3, 2) not null default 0.7,
  max_tokens int not null default 2048,
  settings jsonb not null default '{}',
  tags text[] not null default '{}',
  is_archived boolean not null default false,
  is_starred boolean not null default false,
  last_message_at timestamptz not null default now(),
  message_count int not null default 0,
  total_tokens_used bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index if not exists idx_conversations_user_id on public.conversations (user_id);
create index if not exists idx_conversations_last_message_at on public.conversations (last_message_at desc);
create index if not exists idx_conversations_is_archived on public.conversations (is_archived);

create table if not exists public.chat_messages (
  id uuid primary key default gen_random_uuid(),
  conversation_id uuid not null references public.conversations (id) on delete cascade,
  user_id uuid not null references public.user_profiles (id) on delete cascade,
  role varchar(20) not null check (role in ('user', 'assistant', 'system', 'function', 'tool')),
  content text not null,
  content_type varchar(20) not null default 'text'
    check (content_type in ('text', 'image', 'audio', 'video', 'file', 'code')),
  attachments jsonb not null default '[]',
  prompt_tokens int not null default 0,
  completion_tokens int not null default 0,
  total_tokens int not null default 0,
  model_id varchar(100),
  provider_id varchar(50),
  response_time_ms int,
  finish_reason varchar(50),
  flagged_for_moderation boolean not null default false,
  moderation_results jsonb not null default '{}',
  function_call jsonb,
  tool_calls jsonb[],
  rating int check (rating between 1 and 5),
  feedback text,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  edited_at timestamptz,
  deleted_at timestamptz
);
create index if not exists idx_chat_messages_conversation_id on public.chat_messages (conversation_id);
create index if not exists idx_chat_messages_created_at on public.chat_messages (created_at desc);
-- Bounded, because a tsvector over 1 MB is an error and would refuse a long message for the sake of its index.
create index if not exists idx_chat_messages_content_search on public.chat_messages
  using gin (to_tsvector('pg_catalog.english', left(content, 100000)));

create table if not exists public.message_attachments (
  id uuid primary key default gen_random_uuid(),
  message_id uuid not null references public.chat_messages (id) on delete cascade,
  file_name varchar(255) not null,
  file_type varchar(100),
  file_size bigint,
  storage_path text not null,
  mime_type varchar(100),
  width int,
  height int,
  duration_seconds int,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index if not exists idx_message_attachments_message_id on public.message_attachments (message_id);

create table if not exists public.chat_sessions (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.user_profiles (id) on delete cascade,
  conversation_id uuid references public.conversations (id) on delete cascade,
  status varchar(20) not null default 'active' check (status in ('active', 'idle', 'typing')),
  last_activity_at timestamptz not null default now(),
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index if not exists idx_chat_sessions_user_id on public.chat_sessions (user_id);
create index if not exists idx_chat_sessions_conversation_id on public.chat_sessions (conversation_id);

-- The documented variant for billions of messages. The default partition takes what no monthly one does: a message must
-- never be refused for its date.
create table if not exists public.chat_messages_partitioned (
  id uuid not null default gen_random_uuid(),
  conversation_id uuid not null references public.conversations (id) on delete cascade,
  user_id uuid not null references public.user_profiles (id) on delete cascade,
  role varchar(20) not null check (role in ('user', 'assistant', 'system', 'function', 'tool')),
  content text not null,
  content_type varchar(20) not null default 'text'
    check (content_type in ('text', 'image', 'audio', 'video', 'file', 'code')),
  attachments jsonb not null default '[]',
  prompt_tokens int not null default 0,
  completion_tokens int not null default 0,
  total_tokens int not null default 0,
  model_id varchar(100),
  provider_id varchar(50),
  response_time_ms int,
  finish_reason varchar(50),
  flagged_for_moderation boolean not null default false,
  moderation_results jsonb not null default '{}',
  function_call jsonb,
  tool_calls jsonb[],
  rating int check (rating between 1 and 5),
  feedback text,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now(),
  edited_at timestamptz,
  deleted_at timestamptz,
  primary key (id, created_at)
) partition by range (created_at);
create index if not exists idx_chat_messages_partitioned_conversation on public.chat_messages_partitioned
  (conversation_id, created_at);
create index if not exists idx_chat_messages_partitioned_user on public.chat_messages_partitioned (user_id);
create table if not exists public.chat_messages_ydefault partition of public.chat_messages_partitioned default;

-- ------------------------------------------------------------------------------------------------ usage and billing
create table if not exists public.usage_logs (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.user_profiles (id) on delete cascade,
  endpoint varchar(255) not null,
  method varchar(10) not null,
  status_code int not null,
  prompt_tokens int not null default 0,
  completion_tokens int not null default 0,
  total_tokens int not null default 0,
  provider_id varchar(50),
  model_id varchar(100),
  estimated_cost numeric(10, 6) not null default 0,
  response_time_ms int,
  queue_time_ms int,
  processing_time_ms int,
  request_headers jsonb,
  request_body jsonb,
  response_headers jsonb,
  response_size_bytes int,
  error_message text,
  error_code varchar(50),
  error_details jsonb,
  ip_address inet,
  user_agent text,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index if not exists idx_usage_logs_user_id on public.usage_logs (user_id, created_at desc);

create table if not exists public.usage_daily_aggregates (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.user_profiles (id) on delete cascade,
  date date not null,
  message_count int not null default 0,
  conversation_count int not null default 0,
  total_prompt_tokens bigint not null default 0,
  total_completion_tokens bigint not null default 0,
  total_tokens bigint not null default 0,
  total_estimated_cost numeric(10, 4) not null default 0,
  provider_usage jsonb not null default '{}',
  model_usage jsonb not null default '{}',
  voice_minutes_used int not null default 0,
  image_generations int not null default 0,
  function_calls int not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, date)
);

create table if not exists public.subscription_history (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.user_profiles (id) on delete cascade,
  stripe_subscription_id varchar(255),
  stripe_invoice_id varchar(255),
  tier varchar(20) not null,
  status varchar(20) not null,
  amount numeric(10, 2),
  currency varchar(3) not null default 'USD',
  period_start timestamptz not null,
  period_end timestamptz not null,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
);

create table if not exists public.payment_history (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.user_profiles (id) on delete cascade,
  stripe_payment_intent_id varchar(255) unique,
  stripe_invoice_id varchar(255),
  amount numeric(10, 2) not null,
  currency varchar(3) not null default 'USD',
  status varchar(20) not null,
  description text,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
);

-- ------------------------------------------------------------------------------------------------------ moderation
create table if not exists public.moderation_logs (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.user_profiles (id) on delete cascade,
  message_id uuid references public.chat_messages (id) on delete set null,
  content text not null,
  flagged boolean not null default false,
  categories jsonb not null default '{}',
  scores jsonb not null default '{}',
  action_taken varchar(50),
  reviewed_by uuid references public.user_profiles (id) on delete set null,
  reviewed_at timestamptz,
  notes text,
  created_at timestamptz not null default now()
);
create index if not exists idx_moderation_logs_user_id on public.moderation_logs (user_id);
create index if not exists idx_moderation_logs_message_id on public.moderation_logs (message_id);
create index if not exists idx_moderation_logs_reviewed_by on public.moderation_logs (reviewed_by);

create table if not exists public.user_violations (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.user_profiles (id) on delete cascade,
  violation_type varchar(50) not null,
  severity varchar(20) not null check (severity in ('low', 'medium', 'high', 'critical')),
  description text,
  action_taken varchar(50),
  expires_at timestamptz,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index if not exists idx_user_violations_user_id on public.user_violations (user_id);

-- ------------------------------------------------------------------------------------------------------ operations
create table if not exists public.system_settings (
  key varchar(255) primary key,
  value jsonb not null,
  description text,
  category varchar(50),
  is_public boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists public.provider_health (
  id varchar(50) primary key,
  name varchar(100) not null,
  status varchar(20) not null default 'healthy'
    check (status in ('healthy', 'degraded', 'unhealthy', 'maintenance')),
  last_check_at timestamptz not null default now(),
  success_rate numeric(5, 2),
  average_response_time_ms int,
  error_count int not null default 0,
  metadata jsonb not null default '{}',
  updated_at timestamptz not null default now()
);

create table if not exists public.cache_entries (
  key varchar(255) primary key,
  value jsonb not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);
create index if not exists idx_cache_entries_expires_at on public.cache_entries (expires_at);

create table if not exists public.query_performance_logs (
  id uuid primary key default gen_random_uuid(),
  query_name varchar(255),
  execution_time_ms int,
  rows_returned int,
  user_id uuid references public.user_profiles (id) on delete set null,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index if not exists idx_query_performance_logs_user_id on public.query_performance_logs (user_id);

-- The unique index is what lets it be refreshed concurrently. Clients never read it: a view like this knows no RLS.
create materialized view if not exists public.recent_conversations as
select c.id, c.user_id, c.title, c.model_id, c.provider_id, c.last_message_at, c.message_count, c.is_starred,
  c.is_archived, c.created_at,
  (
    select jsonb_build_object('content', left(m.content, 200), 'role', m.role, 'created_at', m.created_at)
    from public.chat_messages as m
    where m.conversation_id = c.id and m.deleted_at is null
    order by m.created_at desc, m.id desc
    limit 1
  ) as last_message
from public.conversations as c
where not c.is_archived and c.last_message_at > now() - interval '7 days';
create unique index if not exists idx_recent_conversations_id on public.recent_conversations (id);

-- pgvector is optional: with it messages carry embeddings, without it all else works.
do $embedding$
begin
  if exists (select from pg_catalog.pg_available_extensions where name = 'vector') then
    begin
      create extension if not exists vector with schema extensions;
    exception when insufficient_privilege then
      raise notice 'pgvector is available but may not be installed by this role; embeddings are left out';
    end;
  end if;
  if to_regtype('extensions.vector') is not null then
    alter table public.chat_messages add column if not exists embedding extensions.vector(1536);
    alter table public.chat_messages_partitioned add column if not exists embedding extensions.vector(1536);
  elsif to_regtype('public.vector') is not null then
    alter table public.chat_messages add column if not exists embedding public.vector(1536);
    alter table public.chat_messages_partitioned add column if not exists embedding public.vector(1536);
  end if;
end
$embedding$;
