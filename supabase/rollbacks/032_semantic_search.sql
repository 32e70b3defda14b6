-- Drops functions and indexes. The documented column and what is in it stay; a column that 032 itself added goes, and what is
-- in it is kept in rollback_keep, from where 032 takes it back.
drop function
  public.search_messages_hybrid(text, real[], int, int), public.messages_to_embed(int, timestamptz, uuid),
  public.set_message_embeddings(jsonb), airi_private.nearest_messages(real[], int),
  airi_private.nearest_by_index(real[], int), airi_private.nearest_by_owner(real[], int),
  airi_private.check_embedding(real[]), airi_private.enable_embeddings(), airi_private.embedding_type();
drop index if exists public.idx_chat_messages_embedding, public.idx_chat_messages_embedded, public.idx_chat_messages_to_embed;

do $keep$
declare
  v_table text;
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '032' order by id loop
    v_table := substring(noted.statement from 'public\.(\S+)');
    execute format('create table rollback_keep.%I as select id, embedding from public.%I where embedding is not null',
      'embeddings_of_' || v_table, v_table);
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '032';
end
$keep$;
