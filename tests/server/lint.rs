//! What Supabase's own linters say of the schema: nothing. And that they are heard when they have something to say.

use airi_tests::migrations;
use serde_json::Value;

use crate::database::Database;
use crate::world::{Template, clone_of, repository};

#[tokio::test]
async fn linter_and_advisors_find_nothing() {
    for template in [Template::Base, Template::Repaired] {
        let database = clone_of(template).await;
        let found = findings(&database).await;
        // A foreign deployment has tables and functions that are not ours to mend.
        let of_ours: Vec<&Value> =
            found.iter().filter(|finding| template == Template::Base || !is_foreign(finding)).collect();
        // A procedure that commits can have no search_path of its own; 01_catalog.sql says what it does instead.
        let (decided, of_ours): (Vec<&Value>, Vec<&Value>) = of_ours.into_iter().partition(|finding| {
            finding["name"] == "function_search_path_mutable" && finding["metadata"]["name"] == "run_job"
        });
        assert_eq!(decided.len(), 1, "{template:?}: it is heard all the same");
        assert!(of_ours.is_empty(), "{template:?}: {of_ours:#?}");
    }
}

#[tokio::test]
async fn what_they_find_is_heard() {
    let database = clone_of(Template::Base).await;
    database
        .as_owner()
        .await
        .batch_execute(
            "create table public.open_to_all (id int);
             create function airi_private.broken() returns int language plpgsql set search_path = ''
             as 'begin return nothing; end'",
        )
        .await
        .unwrap();
    let found = Value::from(findings(&database).await).to_string();
    assert!(found.contains("rls_disabled_in_public"), "{found}");
    assert!(found.contains("airi_private.broken"), "{found}");
}

/// What `db lint` and `db advisors` report, at the level of warnings and above.
async fn findings(database: &Database) -> Vec<Value> {
    let target = format!("--remote={}", database.owner_url());
    let lint = ["db", "lint", "--level", "warning", "--schema", "public,airi_private,airi_legacy"];
    let advisors = ["db", "advisors", "--level", "warn"];
    let mut found = Vec::new();
    for command in [&lint[..], &advisors[..]] {
        let args: Vec<&str> = command.iter().copied().chain([target.as_str(), "--output-format", "json"]).collect();
        let text = migrations::run(&repository(), &args).await.unwrap();
        let answer: Value = serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{error}: {text}"));
        // An answer in another shape must not pass for silence.
        found.extend(answer["results"].as_array().unwrap_or_else(|| panic!("no results: {text}")).iter().cloned());
    }
    found
}

fn is_foreign(finding: &Value) -> bool {
    let text = finding.to_string();
    ["team_notes", "get_or_set_cache", "airi_legacy."].iter().any(|name| text.contains(name))
}
