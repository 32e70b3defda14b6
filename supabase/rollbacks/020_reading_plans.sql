-- Gives the plans back to the planner's own judgement, and the snapshot its former text. Nothing is lost.
do $restore$
declare
  noted record;
begin
  for noted in select statement from rollback_keep.statements where migration = '020' order by id loop
    execute noted.statement;
  end loop;
  delete from rollback_keep.statements where migration = '020';
end
$restore$;
do $plans$
declare
  v_function text;
  v_setting text;
begin
  foreach v_function in array array[
    'public.sync_preview(int, int)', 'public.sync_snapshot(text, uuid, int)',
    'public.sync_pull(text, bigint, int, uuid, int)', 'public.sync_audit(text, uuid, int)'
  ] loop
    foreach v_setting in array array['enable_bitmapscan', 'enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'] loop
      execute format('alter function %s reset %I', v_function, v_setting);
    end loop;
  end loop;
end
$plans$;
