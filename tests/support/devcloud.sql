-- What the development cloud keeps for itself besides the shape of Supabase. No API role may use this schema.
create schema devcloud authorization supabase_auth_admin;

-- The outbox of mails that nobody sends: tests read the codes here, or from GET /devcloud/mails with the service key.
create table devcloud.mails (
  id bigint generated always as identity primary key,
  recipient text not null,
  kind text not null,
  code text not null,
  created_at timestamptz not null default now()
);
alter table devcloud.mails owner to supabase_auth_admin;
grant usage on schema devcloud to postgres;
grant select on devcloud.mails to postgres;
