//! Links that leave the window. Rust alone decides and opens; the page has no permission of its own for it.

use crate::library::Library;
use airi_contract::{CommandError, ErrorCode, LinkRequest, LinkVerdict};
use tauri::State;

#[tauri::command]
pub(crate) async fn check_link(library: State<'_, Library>, request: LinkRequest) -> Result<LinkVerdict, CommandError> {
    library.run(move |_| Ok(airi_app::check_link(&request.url))).await
}

/// Judges again: the page is not trusted to have asked.
#[tauri::command]
pub(crate) async fn open_link(library: State<'_, Library>, request: LinkRequest) -> Result<(), CommandError> {
    library
        .run(move |_| {
            let verdict = airi_app::check_link(&request.url);
            if !verdict.allowed {
                let reason = verdict.reason.unwrap_or_else(|| "This link is not opened.".into());
                return Err(error(ErrorCode::InvalidInput, reason));
            }
            open::that_detached(request.url.trim()).map_err(|cause| {
                error(
                    ErrorCode::Io,
                    format!("The system's browser could not be started: {cause}. Copy the link instead."),
                )
            })
        })
        .await
}

fn error(code: ErrorCode, message: String) -> CommandError {
    CommandError { code, message, retryable: false }
}
