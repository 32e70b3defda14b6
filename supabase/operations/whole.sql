-- What is wrong with a database that was restored, one line each; nothing if it is whole. As a superuser, with psql.
\set ON_ERROR_STOP on
begin;

-- Every index agrees with its table. The extension goes with the transaction.
create extension if not exists amcheck with schema extensions;
select format('select %L where extensions.bt_index_check(%s::oid::regclass, true) is null', '', i.indexrelid)
from pg_index as i join pg_class as c on c.oid = i.indexrelid join pg_am as a on a.oid = c.relam
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname in ('public', 'airi_private', 'airi_partitions') and a.amname = 'btree' and c.relkind = 'i' and i.indisvalid
\o /dev/null
\gexec
\o

-- Every reference points to a row.
select format(
  'select %L where exists (select from %s as c where %s and not exists (select from %s as p where %s))',
  k.conrelid::regclass || ' has a row that breaks ' || k.conname, k.conrelid::regclass,
  string_agg(format('c.%I is not null', a.attname), ' and '), k.confrelid::regclass,
  string_agg(format('p.%I = c.%I', b.attname, a.attname), ' and '))
from pg_constraint as k
join pg_namespace as n on n.oid = k.connamespace
cross join unnest(k.conkey, k.confkey) as u (child, parent)
join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = u.child
join pg_attribute as b on b.attrelid = k.confrelid and b.attnum = u.parent
where k.contype = 'f' and n.nspname in ('public', 'airi_private')
group by k.oid, k.conrelid, k.conname, k.confrelid
\gexec

-- No number is above its owner's head: it would be given a second time. Ten say enough.
select t.user_id || ' has a number above the head: ' || t.seq
from (select user_id, max(change_seq) as seq from public.conversations group by 1
      union all select user_id, max(change_seq) from public.chat_messages group by 1) as t
left join public.sync_heads as h on h.user_id = t.user_id
where t.seq > coalesce(h.seq, 0)
limit 10;

rollback;
