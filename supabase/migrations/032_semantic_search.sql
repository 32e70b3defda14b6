-- Search by meaning beside search by words: indexes over the documented column `chat_messages.embedding`, how the service
-- fills it, and one search that joins both. All of it applies where pgvector is missing; whoever installs it later calls
-- airi_private.enable_embeddings(). No function names pgvector's types outside of EXECUTE, so none depends on it.

-- What the column is made of: its numbers, and the schema of pgvector. No row where there is no such column.
create or replace function airi_private.embedding_type(
  out dimensions int, out type_schema text, out column_name text
) returns setof record
language sql stable set search_path = '' as $$
  select a.atttypmod, n.nspname::text, a.attname::text
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_type as t on t.oid = a.atttypid and t.typname = 'vector'
  join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
  where a.attrelid = 'public.chat_messages'::regclass and a.attname = 'embedding' and not a.attisdropped
$$;

-- Adds what is missing and takes no time: the column, and what a rollback kept of it. Returns the statements that remain,
-- for psql's \gexec: they build indexes beside writers, which no function can. Nothing remains: it is all there.
create or replace function airi_private.enable_embeddings() returns setof text
language plpgsql set search_path = '' as $$
declare
  v_schema text;
  v_table text;
  v_wanted record;
begin
  select n.nspname into v_schema from pg_catalog.pg_extension as e
  join pg_catalog.pg_namespace as n on n.oid = e.extnamespace where e.extname = 'vector';
  if v_schema is null then
    raise notice 'pgvector is not installed: search goes by words alone';
    return;
  end if;
  foreach v_table in array array['chat_messages', 'chat_messages_partitioned'] loop
    if not exists (
      select from pg_catalog.pg_attribute
      where attrelid = ('public.' || v_table)::regclass and attname = 'embedding' and not attisdropped
    ) then
      execute format('alter table public.%I add column embedding %I.vector(1536)', v_table, v_schema);
      insert into rollback_keep.statements (migration, statement)
      values ('032', format('alter table public.%I drop column embedding', v_table));
    end if;
    if to_regclass('rollback_keep.embeddings_of_' || v_table) is not null then
      -- Putting values back is no change.
      execute format('alter table public.%I disable trigger user', v_table);
      execute format('update public.%1$I as t set embedding = k.embedding from rollback_keep.%2$I as k where k.id = t.id',
        v_table, 'embeddings_of_' || v_table);
      execute format('alter table public.%I enable trigger user', v_table);
      execute format('drop table rollback_keep.%I', 'embeddings_of_' || v_table);
    end if;
  end loop;
  if not exists (select from airi_private.embedding_type()) then
    raise notice 'chat_messages.embedding is no vector: search goes by words alone';
    return;
  end if;

  for v_wanted in
    select w.name, w.definition from (values
      -- Whose messages have one: counted before a search, and looked through whole where they are few.
      ('idx_chat_messages_embedded', '(user_id) where embedding is not null and deleted_at is null'),
      -- Those that wait for theirs, the newest first.
      ('idx_chat_messages_to_embed',
        '(created_at desc, id desc) where embedding is null and deleted_at is null and content <> '''''),
      ('idx_chat_messages_embedding', format(
        'using hnsw (embedding %I.vector_cosine_ops) with (ef_construction = 128) where deleted_at is null', v_schema))
    ) as w (name, definition)
    where w.definition !~ '^using hnsw' or exists (select from pg_catalog.pg_am where amname = 'hnsw')
      and (select t.dimensions from airi_private.embedding_type() as t) between 1 and 2000
  loop
    if exists (
      select from pg_catalog.pg_index where indexrelid = to_regclass('public.' || v_wanted.name) and not indisvalid
    ) then
      -- What a broken build left behind.
      return next format('drop index concurrently public.%I', v_wanted.name);
    elsif to_regclass('public.' || v_wanted.name) is not null then
      continue;
    end if;
    return next format('create index concurrently %I on public.chat_messages %s', v_wanted.name, v_wanted.definition);
  end loop;
end
$$;

-- Says in plain words what is wrong with a vector, before pgvector says it in its own.
create or replace function airi_private.check_embedding(p_embedding real[]) returns void
language plpgsql stable set search_path = '' as $$
declare
  v_dimensions int;
begin
  select t.dimensions into v_dimensions from airi_private.embedding_type() as t;
  if v_dimensions is null then
    raise exception 'search by meaning is not turned on here' using errcode = '0A000',
      hint = 'Leave p_embedding out to search by words.';
  end if;
  if v_dimensions > 0 and cardinality(p_embedding) is distinct from v_dimensions
    or array_ndims(p_embedding) is distinct from 1
  then
    raise exception 'an embedding has % numbers here, this one has %', v_dimensions, coalesce(cardinality(p_embedding), 0)
      using errcode = '22023';
  end if;
  if array_position(p_embedding, null) is not null or p_embedding && array['NaN', 'Infinity', '-Infinity']::real[] then
    raise exception 'an embedding is made of finite numbers' using errcode = '22023';
  end if;
  if 0 = all (p_embedding) then
    raise exception 'an embedding of zeros points nowhere' using errcode = '22023';
  end if;
end
$$;

-- ----------------------------------------------------------------------------------------------------------- writing
-- What waits for an embedding, the newest first; the next page begins after the last row of the one before.
create or replace function public.messages_to_embed(
  p_limit int default 100, p_before timestamptz default null, p_before_id uuid default null
)
returns table (id uuid, content text, created_at timestamptz)
language plpgsql stable set search_path = '' as $$
declare
  v_column text := (select t.column_name from airi_private.embedding_type() as t);
begin
  if v_column is null then
    raise exception 'search by meaning is not turned on here' using errcode = '0A000';
  end if;
  for id, content, created_at in execute format(
    'select m.id, left(m.content, 30000), m.created_at from public.chat_messages as m
     where m.%I is null and m.deleted_at is null and m.content <> ''''
       and (m.created_at, m.id) < ($1, $2)
     order by m.created_at desc, m.id desc limit $3', v_column)
  using coalesce(p_before, 'infinity'), coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    least(greatest(coalesce(p_limit, 100), 0), 1000)
  loop
    return next;
  end loop;
end
$$;

-- Writes a batch, `[{"id": …, "embedding": [numbers]}, …]`, all of it or an error, and returns how many. An embedding does
-- not travel, so no number moves and no device hears of it. A message that somebody else holds at this moment is left out
-- and stays among those that wait: a batch waits for nobody, so it can be in no deadlock. 100 at most, since those written
-- are held until the end.
create or replace function public.set_message_embeddings(p_rows jsonb) returns int
language plpgsql set search_path = '' as $$
declare
  v_row jsonb;
  v_ids uuid[];
  v_schema text;
  v_count int;
begin
  if jsonb_typeof(p_rows) is distinct from 'array' or jsonb_array_length(p_rows) > 100 then
    raise exception 'a batch is an array of at most 100 rows' using errcode = '22023';
  end if;
  for v_row in select value from jsonb_array_elements(p_rows) loop
    if jsonb_typeof(v_row -> 'embedding') is distinct from 'array' or v_row ->> 'id' is null then
      raise exception 'a row has an id and an embedding' using errcode = '22023';
    end if;
    perform airi_private.check_embedding(array(
      select e.value::real from jsonb_array_elements_text(v_row -> 'embedding') as e (value)));
  end loop;
  select array_agg(held.id) into v_ids from (
    select m.id from public.chat_messages as m
    where m.id in (select (e.value ->> 'id')::uuid from jsonb_array_elements(p_rows) as e (value))
    for no key update skip locked
  ) as held;
  select t.type_schema into v_schema from airi_private.embedding_type() as t;
  if v_schema is null or v_ids is null then
    return 0;
  end if;
  execute format(
    'update public.chat_messages as m set embedding = r.embedding::%I.vector
     from jsonb_to_recordset($1) as r (id uuid, embedding real[]) where m.id = r.id and m.id = any ($2)', v_schema)
  using p_rows, v_ids;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- --------------------------------------------------------------------------------------------------------- searching
-- The caller's own messages by their distance, in two ways that answer alike. Both run with the caller's rights: unlike
-- `@@`, ordering by distance uses its index under RLS.

-- Through the HNSW index. It knows no owners, so it goes on from candidate to candidate until enough are the caller's
-- (iterative scans, pgvector 0.8). Sorting is off so that no plan walks all rows instead.
create or replace function airi_private.nearest_by_index(p_embedding real[], p_limit int)
returns table (id uuid, distance double precision)
language plpgsql stable set search_path = ''
set enable_sort = off set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off as $$
begin
  perform set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '200', true),
    set_config('hnsw.max_scan_tuples', '100000', true), set_config('hnsw.scan_mem_multiplier', '4', true);
  for id, distance in execute format(
    'select m.id, m.embedding operator(%1$I.<=>) $1::%1$I.vector from public.chat_messages as m
     join public.conversations as c on c.id = m.conversation_id and c.user_id = $2 and c.deleted_at is null
     where m.user_id = $2 and m.deleted_at is null
     order by m.embedding operator(%1$I.<=>) $1::%1$I.vector limit $3',
    (select t.type_schema from airi_private.embedding_type() as t))
  using p_embedding, auth.uid(), p_limit
  loop
    return next;
  end loop;
end
$$;

-- By looking at each of them. `+ 0` keeps the HNSW index out.
create or replace function airi_private.nearest_by_owner(p_embedding real[], p_limit int)
returns table (id uuid, distance double precision)
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  for id, distance in execute format(
    'select m.id, m.embedding operator(%1$I.<=>) $1::%1$I.vector from public.chat_messages as m
     join public.conversations as c on c.id = m.conversation_id and c.user_id = $2 and c.deleted_at is null
     where m.user_id = $2 and m.deleted_at is null and m.embedding is not null
     order by (m.embedding operator(%1$I.<=>) $1::%1$I.vector) + 0, m.id limit $3',
    (select t.type_schema from airi_private.embedding_type() as t))
  using p_embedding, auth.uid(), p_limit
  loop
    return next;
  end loop;
end
$$;

-- Which way: through the index it takes about p_limit × all / own candidates until enough are the caller's, the other way
-- takes own. A candidate costs about three times as much (docs/benchmarks.md), so the index is for whoever owns more than the
-- root of 3 × p_limit × all, where both cost the same.
create or replace function airi_private.nearest_messages(p_embedding real[], p_limit int)
returns table (id uuid, distance double precision)
language plpgsql stable set search_path = '' as $$
declare
  v_few int;
  v_own int;
  v_ids uuid[];
  v_distances double precision[];
begin
  if p_embedding is null or auth.uid() is null then
    return;
  end if;
  perform airi_private.check_embedding(p_embedding);
  select ceil(sqrt(3 * greatest(i.reltuples, 1) * p_limit)) into v_few
  from pg_catalog.pg_class as i
  join pg_catalog.pg_index as x on x.indexrelid = i.oid and x.indisvalid
  join pg_catalog.pg_extension as e on e.extname = 'vector' and e.extversion !~ '^0\.[0-7](\.|$)'
  where i.oid = to_regclass('public.idx_chat_messages_embedding');
  if v_few is not null then
    execute format(
      'select count(*) from (select from public.chat_messages as m
       where m.user_id = $1 and m.%I is not null and m.deleted_at is null limit $2) as own',
      (select t.column_name from airi_private.embedding_type() as t))
    into v_own using auth.uid(), v_few;
    if v_own = v_few then
      select array_agg(n.id), array_agg(n.distance) into v_ids, v_distances
      from airi_private.nearest_by_index(p_embedding, p_limit) as n;
      -- Fewer than there must be: it gave up on the way.
      if cardinality(v_ids) >= least(p_limit, v_own) then
        return query select * from unnest(v_ids, v_distances);
        return;
      end if;
    end if;
  end if;
  return query select * from airi_private.nearest_by_owner(p_embedding, p_limit);
end
$$;

-- Words and meaning in one list, by reciprocal rank fusion: a message's score is the sum of 1 / (60 + its place) over the
-- two lists, of which each gives its first 200. Either half may be missing. Pages are parts of one and the same list.
create or replace function public.search_messages_hybrid(
  p_query text, p_embedding real[] default null, p_limit int default 20, p_offset int default 0
)
returns table (
  id uuid, conversation_id uuid, conversation_title varchar, role varchar, content text, created_at timestamptz,
  score double precision, word_place bigint, meaning_place bigint
)
language plpgsql stable set search_path = '' as $$
begin
  if p_embedding is not null then
    perform airi_private.check_embedding(p_embedding);
  end if;
  return query
  with worded as (
    select f.id, row_number() over (order by f.rank desc, f.created_at desc, f.id) as place
    from airi_private.found_messages(p_query, 200, 0) as f
  ), meant as (
    select n.id, row_number() over (order by n.distance, n.id) as place
    from airi_private.nearest_messages(p_embedding, 200) as n
  ), fused as (
    select coalesce(w.id, n.id) as id, w.place as word_place, n.place as meaning_place,
      coalesce(1.0 / (60 + w.place), 0) + coalesce(1.0 / (60 + n.place), 0) as score
    from worded as w full join meant as n on n.id = w.id
  )
  select m.id, m.conversation_id, c.title, m.role, left(m.content, 500), m.created_at, f.score::double precision,
    f.word_place, f.meaning_place
  from fused as f
  join public.chat_messages as m on m.id = f.id and m.user_id = (select auth.uid())
  join public.conversations as c on c.id = m.conversation_id
  order by f.score desc, m.created_at desc, m.id
  limit least(greatest(coalesce(p_limit, 20), 0), 400) offset greatest(coalesce(p_offset, 0), 0);
end
$$;

revoke all on function
  airi_private.embedding_type(), airi_private.enable_embeddings(), airi_private.check_embedding(real[]),
  airi_private.nearest_by_index(real[], int), airi_private.nearest_by_owner(real[], int),
  airi_private.nearest_messages(real[], int), public.search_messages_hybrid(text, real[], int, int),
  public.messages_to_embed(int, timestamptz, uuid), public.set_message_embeddings(jsonb)
  from public, anon, authenticated, service_role;
grant execute on function
  airi_private.embedding_type(), airi_private.check_embedding(real[]), airi_private.nearest_by_index(real[], int),
  airi_private.nearest_by_owner(real[], int), airi_private.nearest_messages(real[], int),
  public.search_messages_hybrid(text, real[], int, int)
  to authenticated, service_role;
grant execute on function public.messages_to_embed(int, timestamptz, uuid), public.set_message_embeddings(jsonb)
  to service_role;

-- A small table is indexed at once; a large one is not held for as long as that takes.
do $indexes$
declare
  v_statement text;
begin
  for v_statement in select airi_private.enable_embeddings() loop
    if pg_table_size('public.chat_messages') < 64 * 1024 * 1024 then
      execute replace(v_statement, 'index concurrently', 'index');
    else
      raise notice 'to be run by hand, outside of a transaction: %', v_statement;
    end if;
  end loop;
end
$indexes$;
