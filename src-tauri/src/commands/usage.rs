//! Usage, counted from the rows, and its table as a file. Where that goes is asked by the operating system's dialogue.

use super::attachments::usable;
use super::tasks::dialog;
use crate::library::Library;
use airi_contract::{BilledUsage, CommandError, UsageReport, UsageRequest};
use tauri::{State, WebviewWindow};

#[tauri::command]
pub(crate) async fn usage(library: State<'_, Library>, request: UsageRequest) -> Result<UsageReport, CommandError> {
    library.run(move |app| app.usage(request)).await
}

#[tauri::command]
pub(crate) async fn billed_usage(
    library: State<'_, Library>,
    request: UsageRequest,
) -> Result<Option<BilledUsage>, CommandError> {
    library.run(move |app| app.billed_usage(request)).await
}

/// `None`: the user closed the dialogue.
#[tauri::command]
pub(crate) async fn export_usage(
    window: WebviewWindow,
    library: State<'_, Library>,
    request: UsageRequest,
) -> Result<Option<String>, CommandError> {
    library
        .run(move |app| {
            let Some(path) = dialog(&window).set_file_name("airi-usage.csv").blocking_save_file() else {
                return Ok(None);
            };
            let path = usable(path)?;
            app.export_usage(request, &path)?;
            Ok(Some(path.display().to_string()))
        })
        .await
}
