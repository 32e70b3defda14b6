//! The opened library behind the window.
//!
//! Opening reads the disk and may migrate, so it happens off the main thread while the page loads. A command that comes
//! earlier waits for it. When it fails, every command answers with that error, and the page shows it instead of a list.

use airi_app::{App, AppOptions};
use airi_contract::{CommandError, ErrorCode};
use std::sync::{Arc, OnceLock};

/// Opens once, on first use, from whichever thread comes first.
#[derive(Clone)]
pub(crate) struct Library {
    inner: Arc<Inner>,
}

struct Inner {
    options: AppOptions,
    opened: OnceLock<Result<App, CommandError>>,
}

impl Library {
    pub(crate) fn new(options: AppOptions) -> Library {
        Library { inner: Arc::new(Inner { options, opened: OnceLock::new() }) }
    }

    /// The app; waits while another thread opens it.
    pub(crate) fn app(&self) -> Result<App, CommandError> {
        self.inner.opened.get_or_init(|| App::open(self.inner.options.clone()).map_err(CommandError::from)).clone()
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
        if let Some(Ok(app)) = self.inner.opened.get() {
            app.look_for_news();
        }
    }

    /// Ends what runs beside the window. A demonstration's library goes with it, also one that is only just being opened.
    pub(crate) fn close(&self) {
        if self.is_demo() {
            let _ = self.app();
        }
        if let Some(Ok(app)) = self.inner.opened.get() {
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
