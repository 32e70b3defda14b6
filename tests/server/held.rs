//! Whether the tests would notice if the server ignored that an operation brings something back (`held`). Each place of the
//! functions where that counts is broken in turn, in a transaction that the test file itself rolls back, and
//! `07_bringing_back.sql` must fail.

use crate::tap;
use crate::world::{Template, clone_of, repository};

const FILE: &str = "supabase/tests/07_bringing_back.sql";

/// The function, what stands in it, and what stands there when it is broken.
const BROKEN: &[(&str, &str, &str)] = &[
    // Ignored altogether: of a single operation, and of many messages at once.
    ("apply_op", "v_held text := p_op ->> 'held'", "v_held text := null"),
    ("sync_push", "(o.op ->> 'held')::bigint", "null::bigint"),
    // The later form does not win.
    ("restore_row", "if v_rank <= v_form then", "if false and v_rank <= v_form then"),
    ("restore_row", "if v_rank <= v_form then", "if true or v_rank <= v_form then"),
    // What was brought back before counts as written anew.
    ("form_of", "and r.change_seq = p_seq", "and false"),
    ("note_restored", "where u.held is not null", "where false"),
    ("restore_messages", "if v_seqs is not null then", "if false then"),
    // What was erased after the form comes back.
    (
        "restore_row",
        "if coalesce(v_form, 0) = 0 and airi_private.erased_since",
        "if false and airi_private.erased_since",
    ),
    (
        "restore_row",
        "if coalesce(v_form, 0) = 0 and airi_private.erased_since",
        "if v_found is null and airi_private.erased_since",
    ),
    // What was made anew does not yield.
    ("note_made_anew", "where a.change_seq >=", "where false and a.change_seq >="),
    (
        "restore_messages",
        "where u.held is not null and airi_private.erased_since",
        "where false and airi_private.erased_since",
    ),
    // What was erased before it, and made again, does not.
    ("erased_since", "t.change_seq > p_held and", "true and"),
    // A row that was written since is taken for the one that was brought back.
    ("form_of", "and r.change_seq = p_seq", "and r.change_seq <= p_seq order by r.change_seq desc limit 1"),
    // A number that the server gave to what it took back is measured as it is.
    (
        "restore_row",
        "v_rank bigint := airi_private.form_of(p_user_id, p_table, p_id, p_held)",
        "v_rank bigint := p_held",
    ),
    ("note_restored", "airi_private.form_of(p_user_id, p_table, u.id, u.held)", "u.held"),
    // Only the last one is remembered.
    (
        "note_restored",
        "insert into airi_private.sync_restored",
        "delete from airi_private.sync_restored as r where r.row_id = any (p_ids);\n  insert into airi_private.sync_restored",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_ignore_held_is_noticed() {
    let database = clone_of(Template::Base).await;
    let path = repository().join(FILE);
    assert_eq!(tap::run(&database, &path, "begin").await.fault(), None, "unbroken");
    let mut survivors = Vec::new();
    for (function, sound, broken) in BROKEN {
        let statement = format!(
            "do $mutant$
             declare
               v_all text[] := array(
                 select pg_get_functiondef(p.oid) from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
                 where n.nspname in ('public', 'airi_private') and p.proname = '{function}'
                   and position($sound${sound}$sound$ in p.prosrc) > 0
               );
             begin
               if cardinality(v_all) <> 1 then
                 raise exception '% functions % have it', cardinality(v_all), '{function}';
               end if;
               execute replace(v_all[1], $sound${sound}$sound$, $broken${broken}$broken$);
             end
             $mutant$"
        );
        let report = tap::run(&database, &path, &format!("begin; {statement}; select 'mutated'")).await;
        assert_eq!(report.text.lines().next(), Some("mutated"), "{function}, {broken}: {report:?}");
        assert!(!report.numbers.is_empty(), "{function}, {broken} did not get to a test: {report:?}");
        if report.fault().is_none() {
            survivors.push(format!("{function}: {broken}"));
        }
    }
    assert_eq!(tap::run(&database, &path, "begin").await.fault(), None, "none has left anything behind");
    assert!(survivors.is_empty(), "nobody noticed:\n{}", survivors.join("\n"));
}
