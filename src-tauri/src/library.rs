//! The opened library behind the window.
//!
//! Opening reads the disk and may migrate, so it happens off the main thread while the page loads. A command that comes
//! earlier waits for it. When it fails, every command answers with that error, and the page shows it instead of a list; who
//! asks again a moment later has it tried again.

use airi_app::{App, AppOptions};
use airi_contract::{CommandError, ErrorCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The commands with which a page begins get the same answer; nobody reads an error and presses a button as quickly.
const FAILURE_HOLDS: Duration = Duration::from_millis(500);

/// Opens once, on first use, from whichever thread comes first.
#[derive(Clone)]
pub(crate) struct Library {
    inner: Arc<Inner>,
}

struct Inner {
    options: AppOptions,
    /// How long a failure is told without another try.
    hold: Duration,
    opened: watch::Sender<Option<App>>,
    /// Why it could not be opened, and when that was. Held while somebody opens it.
    failed: Mutex<Option<(Instant, CommandError)>>,
}

impl Library {
    pub(crate) fn new(options: AppOptions) -> Library {
        Library::holding(options, FAILURE_HOLDS)
    }

    fn holding(options: AppOptions, hold: Duration) -> Library {
        let (opened, failed) = (watch::Sender::new(None), Mutex::default());
        Library { inner: Arc::new(Inner { options, hold, opened, failed }) }
    }

    /// The app; waits while another thread opens it.
    pub(crate) fn app(&self) -> Result<App, CommandError> {
        let opened = || self.inner.opened.borrow().clone();
        if let Some(app) = opened() {
            return Ok(app);
        }
        let mut failed = self.inner.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(app) = opened() {
            return Ok(app);
        }
        if let Some((_, error)) = failed.as_ref().filter(|(at, _)| at.elapsed() < self.inner.hold) {
            return Err(error.clone());
        }
        match App::open(self.inner.options.clone()) {
            Ok(app) => {
                self.inner.opened.send_replace(Some(app.clone()));
                Ok(app)
            }
            Err(error) => {
                let error = CommandError::from(error);
                *failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// The app, once it could be opened.
    pub(crate) async fn opened(&self) -> Option<App> {
        self.inner.opened.subscribe().wait_for(Option::is_some).await.ok().and_then(|app| app.clone())
    }

    /// Opens it beside whatever else is done; what goes wrong is told to whoever asks for it.
    pub(crate) fn open_ahead(&self) {
        let library = self.clone();
        tauri::async_runtime::spawn_blocking(move || drop(library.app()));
    }

    /// Whether it is a throw-away one with a sample history.
    pub(crate) fn is_demo(&self) -> bool {
        self.inner.options.demo
    }

    /// There may be news on the server.
    pub(crate) fn look_for_news(&self) {
        if let Some(app) = self.inner.opened.borrow().as_ref() {
            app.look_for_news();
        }
    }

    /// Ends what runs beside the window. A demonstration's library goes with it, also one that is only just being opened.
    pub(crate) fn close(&self) {
        // One that failed is not tried again for this.
        let failed = || self.inner.failed.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if self.is_demo() && !failed() {
            let _ = self.app();
        }
        if let Some(app) = self.inner.opened.borrow().as_ref() {
            app.close();
        }
    }

    /// Runs a blocking use case where blocking is allowed.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, CommandError>
    where
        T: Send + 'static,
        F: FnOnce(App) -> Result<T, CommandError> + Send + 'static,
    {
        let library = self.clone();
        tauri::async_runtime::spawn_blocking(move || work(library.app()?)).await.unwrap_or_else(|_| Err(defect()))
    }

    /// The app for use cases that are asynchronous themselves.
    pub(crate) async fn ready(&self) -> Result<App, CommandError> {
        self.run(Ok).await
    }
}

fn defect() -> CommandError {
    CommandError {
        code: ErrorCode::Internal,
        message: "Something in the app broke while it did this. Your library is as it was before; please try again."
            .into(),
        retryable: true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_opened_is_tried_again_a_moment_later() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        std::fs::write(&data, "a file where the folder should be").unwrap();
        let options = || AppOptions { data_dir: Some(data.clone()), ..AppOptions::default() };
        let failed = |library: &Library| library.app().err().map(|error| error.code);
        let patient = Library::holding(options(), Duration::from_secs(3600));
        let library = Library::holding(options(), Duration::ZERO);
        assert_eq!([failed(&patient), failed(&library)], [Some(ErrorCode::Io); 2]);
        std::fs::remove_file(&data).unwrap();
        assert_eq!(failed(&patient), Some(ErrorCode::Io), "the commands of one page have one answer");
        assert_eq!(failed(&library), None);
        let app = tauri::async_runtime::block_on(library.opened()).unwrap();
        app.close();
    }
}
