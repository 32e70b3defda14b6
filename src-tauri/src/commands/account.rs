//! The account, sync, and the outbox.

use crate::chosen::{Chosen, Use};
use crate::library::Library;
use airi_contract::{
    AuditReport, CommandError, DeleteAccount, DeletedAccount, OutboxExport, OutboxRequest, OutboxRow, PauseRequest,
    RemoveProfile, Retention, ServerNews, Status,
};
use tauri::State;

#[tauri::command]
pub(crate) async fn sign_out(library: State<'_, Library>) -> Result<Status, CommandError> {
    library.ready().await?.sign_out().await
}

#[tauri::command]
pub(crate) async fn remove_profile(
    library: State<'_, Library>,
    request: RemoveProfile,
) -> Result<Status, CommandError> {
    library.ready().await?.remove_profile(request).await
}

#[tauri::command]
pub(crate) async fn delete_account(
    library: State<'_, Library>,
    request: DeleteAccount,
) -> Result<DeletedAccount, CommandError> {
    library.ready().await?.delete_account(request).await
}

#[tauri::command]
pub(crate) async fn sync_now(library: State<'_, Library>) -> Result<Status, CommandError> {
    library.ready().await?.sync_now().await
}

#[tauri::command]
pub(crate) async fn pause_sync(library: State<'_, Library>, request: PauseRequest) -> Result<Status, CommandError> {
    library.ready().await?.pause_sync(request).await
}

#[tauri::command]
pub(crate) async fn verify_remote(library: State<'_, Library>) -> Result<AuditReport, CommandError> {
    library.ready().await?.verify_remote().await
}

#[tauri::command]
pub(crate) async fn status(library: State<'_, Library>) -> Result<Status, CommandError> {
    library.run(|app| app.status()).await
}

#[tauri::command]
pub(crate) async fn outbox(library: State<'_, Library>) -> Result<Vec<OutboxRow>, CommandError> {
    library.run(|app| app.outbox()).await
}

#[tauri::command]
pub(crate) async fn resolve_outbox(library: State<'_, Library>, request: OutboxRequest) -> Result<(), CommandError> {
    library.ready().await?.resolve_outbox(request).await
}

#[tauri::command]
pub(crate) async fn export_change(
    library: State<'_, Library>,
    chosen: State<'_, Chosen>,
    request: OutboxExport,
) -> Result<(), CommandError> {
    chosen.holds(Use::Write, [&request.path])?;
    library.run(move |app| app.export_change(&request)).await
}

#[tauri::command]
pub(crate) async fn server_news(library: State<'_, Library>) -> Result<ServerNews, CommandError> {
    library.run(|app| app.server_news()).await
}

#[tauri::command]
pub(crate) async fn retention(library: State<'_, Library>) -> Result<Retention, CommandError> {
    library.ready().await?.retention().await
}

#[tauri::command]
pub(crate) async fn set_retention(library: State<'_, Library>, request: Retention) -> Result<Retention, CommandError> {
    library.ready().await?.set_retention(request).await
}
