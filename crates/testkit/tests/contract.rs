//! The model answers as docs/sync-protocol.md says. The same scripts are played on the real server by
//! tests/cloud_contract.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

use airi_testkit::contract::{Case, ModelServer, Transcript, cases, play, random_case};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Nothing in the model waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the model waited"),
    }
}

fn played(case: &Case) -> Transcript {
    let dir = tempfile::tempdir().unwrap();
    now(play(&ModelServer::default(), case, dir.path())).unwrap()
}

#[test]
fn the_model_keeps_every_promise_of_the_contract() {
    for case in cases() {
        let transcript = played(&case);
        let unmet = case.unmet(&transcript);
        assert!(unmet.is_none(), "{}: nothing says {unmet:?} in\n{}", case.name, transcript.lines.join("\n"));
    }
}

#[test]
fn a_random_script_is_the_same_every_time_and_meets_both_ends() {
    let case = random_case(1000, 7, 300);
    let first = played(&case);
    assert_eq!(first, played(&case));
    assert!(case.unmet(&first).is_none(), "{}", first.lines.join("\n"));
    assert!(first.lines.iter().any(|line| line.contains("superseded")));
}
