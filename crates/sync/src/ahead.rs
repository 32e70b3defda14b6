//! A request that is under way while something else is done.

use crate::{Failure, FailureClass};
use std::future::Future;
use tokio::task::JoinHandle;

/// Ends the request when nobody waits for it any more.
pub(crate) struct Ahead<T>(JoinHandle<Result<T, Failure>>);

impl<T: Send + 'static> Ahead<T> {
    pub(crate) fn start(request: impl Future<Output = Result<T, Failure>> + Send + 'static) -> Ahead<T> {
        Ahead(tokio::spawn(request))
    }

    pub(crate) async fn wait(mut self) -> Result<T, Failure> {
        match (&mut self.0).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure {
                class: FailureClass::Passing { retry_after: None },
                message: "A request ended before its answer came. It is made again; nothing is lost.".into(),
            }),
        }
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
