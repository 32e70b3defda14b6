//! Usage, counted from the rows.

use crate::library::Library;
use airi_contract::{CommandError, UsageReport, UsageRequest};
use tauri::State;

#[tauri::command]
pub(crate) async fn usage(library: State<'_, Library>, request: UsageRequest) -> Result<UsageReport, CommandError> {
    library.run(move |app| app.usage(request)).await
}
