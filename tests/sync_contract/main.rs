//! The model of `airi-testkit` and the real server give the same answers: each script of the contract is played on both, by
//! the app's own adapter over HTTP, and the transcripts are compared. So what the simulation finds on the model holds on
//! the server.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

mod real;

use airi_testkit::contract::{Case, ModelServer, Transcript, cases, play, random_case};
use airi_tests::{Cloud, CloudOptions};
use real::RealServer;

/// Ids of scripts that are drawn: each script of a database has its own.
const DRAWN: u64 = 1000;

async fn played(case: &Case, cloud: &Cloud) -> (Transcript, Transcript) {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let model = play(&ModelServer::default(), case, here.path()).await.unwrap();
    let real = play(&RealServer::start(cloud, there.path()).await, case, there.path()).await.unwrap();
    (model, real)
}

/// The first lines in which they part, with what came before.
fn parting(model: &Transcript, real: &Transcript) -> Option<String> {
    let at = (0..model.lines.len().max(real.lines.len())).find(|n| model.lines.get(*n) != real.lines.get(*n))?;
    let before = model.lines[at.saturating_sub(3)..at.min(model.lines.len())].join("\n");
    let lines = |transcript: &Transcript| {
        transcript.lines[at.min(transcript.lines.len())..]
            .iter()
            .take(4)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n        ")
    };
    Some(format!("{before}\n  model {}\n  real  {}", lines(model), lines(real)))
}

#[tokio::test]
async fn the_model_and_the_server_answer_alike() {
    let cloud = Cloud::start(CloudOptions::default()).await.unwrap();
    let mut problems = Vec::new();
    for case in cases() {
        let (model, real) = played(&case, &cloud).await;
        if let Some(parting) = parting(&model, &real) {
            problems.push(format!("{}:\n{parting}", case.name));
        }
        assert!(case.unmet(&real).is_none(), "{}: {:?}", case.name, case.unmet(&real));
    }
    for seed in 0..6 {
        let case = random_case(DRAWN + seed, seed, 150);
        let (model, real) = played(&case, &cloud).await;
        assert!(real.lines.len() > 300, "the script read much back");
        if let Some(parting) = parting(&model, &real) {
            problems.push(format!("{}:\n{parting}", case.name));
        }
    }
    cloud.stop().await.unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
