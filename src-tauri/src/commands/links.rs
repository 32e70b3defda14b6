//! Links and files that leave the window. Rust alone decides and opens; the page has no permission of its own for it.

use super::tasks::dialog;
use crate::library::Library;
use airi_contract::{AttachmentRef, CommandError, ErrorCode, LinkRequest, LinkVerdict};
use tauri::{State, WebviewWindow};

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

/// `None`: the user closed the dialogue.
#[tauri::command]
pub(crate) async fn save_attachment(
    window: WebviewWindow,
    library: State<'_, Library>,
    request: AttachmentRef,
) -> Result<Option<String>, CommandError> {
    library
        .run(move |app| {
            let (attachment, path) = app.attachment(&request.id)?;
            let path = path
                .ok_or_else(|| error(ErrorCode::NotFound, "The bytes of this file are not on this computer.".into()))?;
            let name = plain_name(&attachment.file_name);
            let Some(target) = dialog(&window).set_file_name(name).blocking_save_file() else {
                return Ok(None);
            };
            let unusable = |cause: &dyn std::fmt::Display| {
                error(ErrorCode::Io, format!("The copy could not be written: {cause}. Choose another place."))
            };
            let target = target.into_path().map_err(|cause| unusable(&cause))?;
            std::fs::copy(&path, &target).map_err(|cause| unusable(&cause))?;
            Ok(Some(target.display().to_string()))
        })
        .await
}

/// A suggestion for the dialogue: the name is text from an import, never a path.
fn plain_name(name: &str) -> String {
    let plain: String = name.chars().filter(|c| !c.is_control() && !"/\\:*?\"<>|".contains(*c)).collect();
    let plain = plain.trim_start_matches(['.', ' ']).trim_end();
    if plain.is_empty() { "attachment".into() } else { plain.into() }
}

fn error(code: ErrorCode, message: String) -> CommandError {
    CommandError { code, message, retryable: false }
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn a_name_is_never_a_path() {
        assert_eq!(plain_name("../../etc/passwd"), "etcpasswd");
        assert_eq!(plain_name("C:\\x\\y.png"), "Cxy.png");
        assert_eq!(plain_name(".bashrc"), "bashrc");
        assert_eq!(plain_name("\u{0}/"), "attachment");
        assert_eq!(plain_name("写真 1.png"), "写真 1.png");
    }
}
