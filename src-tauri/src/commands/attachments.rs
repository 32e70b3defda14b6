//! Files of messages. Which file comes in and where a copy goes is asked by the operating system's dialogue, or the file was
//! dropped; it is never named by the page: the page could name any path.

use super::tasks::dialog;
use crate::library::Library;
use airi_app::{FileSource, NewFile};
use airi_contract::{
    AttachRequest, AttachSource, AttachmentRef, AttachmentRow, CommandError, ErrorCode, GalleryPage, GalleryRequest,
    KeepFilesRequest, MessageView,
};
use std::path::PathBuf;
use tauri::{State, WebviewWindow};
use tauri_plugin_dialog::FilePath;

/// `None`: the user closed the dialogue.
#[tauri::command]
pub(crate) async fn attach_file(
    window: WebviewWindow,
    library: State<'_, Library>,
    request: AttachRequest,
) -> Result<Option<MessageView>, CommandError> {
    library
        .run(move |app| {
            let source = match request.source {
                AttachSource::Bytes { name, base64 } => FileSource::Pasted { name, base64 },
                AttachSource::Dropped { ticket } => FileSource::Dropped(ticket),
                AttachSource::Dialogue => match dialog(&window).blocking_pick_file() {
                    None => return Ok(None),
                    Some(path) => FileSource::Path(usable(path)?),
                },
            };
            let AttachRequest { conversation_id, message_id, .. } = request;
            let (_, message) = app.attach_file(NewFile { conversation_id, message_id, source })?;
            Ok(Some(message))
        })
        .await
}

#[tauri::command]
pub(crate) async fn fetch_attachment(
    library: State<'_, Library>,
    request: AttachmentRef,
) -> Result<AttachmentRow, CommandError> {
    library.ready().await?.fetch_attachment(request).await
}

/// `None`: the user closed the dialogue.
#[tauri::command]
pub(crate) async fn save_attachment(
    window: WebviewWindow,
    library: State<'_, Library>,
    request: AttachmentRef,
) -> Result<Option<String>, CommandError> {
    let id = request.id.clone();
    let asked = library
        .run(move |app| {
            let (attachment, _) = app.attachment(&id)?;
            let name = plain_name(&attachment.file_name);
            dialog(&window).set_file_name(name).blocking_save_file().map(usable).transpose()
        })
        .await?;
    let Some(target) = asked else { return Ok(None) };
    library.ready().await?.save_attachment(&request.id, target.clone()).await?;
    Ok(Some(target.display().to_string()))
}

#[tauri::command]
pub(crate) async fn gallery(library: State<'_, Library>, request: GalleryRequest) -> Result<GalleryPage, CommandError> {
    library.run(move |app| app.gallery(request)).await
}

#[tauri::command]
pub(crate) async fn keep_files(library: State<'_, Library>, request: KeepFilesRequest) -> Result<(), CommandError> {
    library.run(move |app| app.keep_files(request)).await
}

pub(super) fn usable(path: FilePath) -> Result<PathBuf, CommandError> {
    path.into_path().map_err(|cause| CommandError {
        code: ErrorCode::Io,
        message: format!("That place cannot be used: {cause}. Choose another one."),
        retryable: false,
    })
}

/// A suggestion for the dialogue: the name is text from an import, never a path.
fn plain_name(name: &str) -> String {
    let plain: String = name.chars().filter(|c| !c.is_control() && !"/\\:*?\"<>|".contains(*c)).collect();
    let plain = plain.trim_start_matches(['.', ' ']).trim_end();
    if plain.is_empty() { "attachment".into() } else { plain.into() }
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
