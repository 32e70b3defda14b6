-- Rows for a database made with `supabase db reset` or `db push --include-seed`: provider health, so that the status page
-- has something to show. Accounts are made through Auth, never here: a seed with passwords would be a door.
insert into public.provider_health (id, name, status) values
  ('openai', 'OpenAI', 'healthy'),
  ('anthropic', 'Anthropic', 'healthy'),
  ('google', 'Google', 'healthy'),
  ('ollama', 'Ollama', 'healthy')
on conflict (id) do nothing;
