//! Chatting: what is said to a model, its reply, and the providers.

use crate::library::Library;
use airi_contract::{
    ChatDefaults, CommandError, FoundServer, PresetRow, ProviderEdit, ProviderRef, ProviderRow, ProviderTest,
    ReplyPiece, ReplyRef, ReplyRequest, SendAnswer, SendRequest,
};
use tauri::State;

#[tauri::command]
pub(crate) async fn send_message(
    library: State<'_, Library>,
    request: SendRequest,
) -> Result<SendAnswer, CommandError> {
    library.ready().await?.send_message(request).await
}

#[tauri::command]
pub(crate) async fn ask_reply(library: State<'_, Library>, request: ReplyRequest) -> Result<ReplyRef, CommandError> {
    library.ready().await?.ask_reply(request).await
}

#[tauri::command]
pub(crate) async fn stop_reply(library: State<'_, Library>, request: ReplyRef) -> Result<(), CommandError> {
    library.run(move |app| app.stop_reply(request)).await
}

#[tauri::command]
pub(crate) async fn reply_so_far(
    library: State<'_, Library>,
    request: ReplyRef,
) -> Result<Option<ReplyPiece>, CommandError> {
    library.run(move |app| app.reply_so_far(request)).await
}

#[tauri::command]
pub(crate) async fn list_presets(library: State<'_, Library>) -> Result<Vec<PresetRow>, CommandError> {
    library.run(|app| app.list_presets()).await
}

#[tauri::command]
pub(crate) async fn list_providers(library: State<'_, Library>) -> Result<Vec<ProviderRow>, CommandError> {
    library.run(|app| app.list_providers()).await
}

#[tauri::command]
pub(crate) async fn save_provider(
    library: State<'_, Library>,
    request: ProviderEdit,
) -> Result<ProviderRow, CommandError> {
    library.run(move |app| app.save_provider(request)).await
}

#[tauri::command]
pub(crate) async fn remove_provider(library: State<'_, Library>, request: ProviderRef) -> Result<(), CommandError> {
    library.run(move |app| app.remove_provider(request)).await
}

#[tauri::command]
pub(crate) async fn test_provider(
    library: State<'_, Library>,
    request: ProviderRef,
) -> Result<ProviderTest, CommandError> {
    library.ready().await?.test_provider(request).await
}

#[tauri::command]
pub(crate) async fn find_servers(library: State<'_, Library>) -> Result<Vec<FoundServer>, CommandError> {
    library.ready().await?.find_servers().await
}

#[tauri::command]
pub(crate) async fn chat_defaults(library: State<'_, Library>) -> Result<ChatDefaults, CommandError> {
    library.run(|app| app.chat_defaults()).await
}
