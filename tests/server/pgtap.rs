//! The pgTAP files of `supabase/tests`: all on our own base, and those that name no table by itself on the deployment that
//! others made, after the migrations have repaired it.

use crate::tap;
use crate::world::{Template, clone_of, repository};

#[tokio::test]
async fn every_file_passes_on_our_own_base() {
    let files = tap::scripts();
    assert!(files.len() >= 6, "{files:?}");
    run_all(Template::Base, files.into_iter()).await;
}

#[tokio::test]
async fn all_but_the_catalogs_pass_on_a_deployment_of_others() {
    // They name every table and function of our own base; `upgrade` and `http` look at the other one's.
    let own_only = ["01_catalog.sql", "02_tenants.sql", "18_documented.sql"];
    run_all(Template::Repaired, tap::scripts().into_iter().filter(|name| !own_only.contains(&name.as_str()))).await;
}

async fn run_all(template: Template, files: impl Iterator<Item = String>) {
    let database = clone_of(template).await;
    let mut faults = Vec::new();
    for file in files {
        let report = tap::run(&database, &repository().join("supabase/tests").join(&file), "").await;
        if let Some(fault) = report.fault() {
            faults.push(format!("{file}: {fault}\n{}", report.text));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
