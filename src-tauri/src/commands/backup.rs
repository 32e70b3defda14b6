//! Backups of the profile in use.

use crate::chosen::{Chosen, Use};
use crate::library::Library;
use airi_contract::{BackupRow, CommandError, PathRequest, RestoreReport};
use tauri::State;

#[tauri::command]
pub(crate) async fn list_backups(library: State<'_, Library>) -> Result<Vec<BackupRow>, CommandError> {
    library.run(|app| app.list_backups()).await
}

#[tauri::command]
pub(crate) async fn back_up(library: State<'_, Library>) -> Result<BackupRow, CommandError> {
    library.run(|app| app.back_up(None)).await
}

#[tauri::command]
pub(crate) async fn check_backup(
    library: State<'_, Library>,
    chosen: State<'_, Chosen>,
    request: PathRequest,
) -> Result<RestoreReport, CommandError> {
    chosen.holds(Use::Read, [&request.path])?;
    library.run(move |app| app.check_backup(&request)).await
}

#[tauri::command]
pub(crate) async fn restore_backup(
    library: State<'_, Library>,
    chosen: State<'_, Chosen>,
    request: PathRequest,
) -> Result<RestoreReport, CommandError> {
    chosen.holds(Use::Read, [&request.path])?;
    library.run(move |app| app.restore_backup(&request)).await
}
