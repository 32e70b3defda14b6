//! A look at a sample, and leaving it.

use crate::library::Library;
use airi_contract::{CommandError, ErrorCode};
use tauri::{Manager, State, WebviewWindow};

/// Opens it in a window of its own; this one stays as it is.
#[tauri::command]
pub(crate) async fn open_sample(window: WebviewWindow) -> Result<(), CommandError> {
    tauri::process::current_binary(&window.env()).and_then(|program| crate::sample::open(&program)).map_err(|cause| {
        CommandError {
            code: ErrorCode::Io,
            message: format!("The sample could not be opened: {cause}. Start the app with --demo instead."),
            retryable: true,
        }
    })
}

/// Closes a sample's window; one with a library of the user's stays open.
#[tauri::command]
pub(crate) async fn leave_sample(window: WebviewWindow, library: State<'_, Library>) -> Result<(), CommandError> {
    if library.is_demo() {
        window.app_handle().exit(0);
    }
    Ok(())
}
