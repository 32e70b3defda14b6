//! Signing in, the server's check, and the profiles of this computer.

use crate::library::Library;
use airi_contract::{
    CheckRequest, CodeRequest, CommandError, ProfileRef, ProfileRow, ServerCheck, SignInRequest, Status,
};
use tauri::State;

/// With a provider it waits for the browser; the event `sign_in` says that it does.
#[tauri::command]
pub(crate) async fn sign_in(library: State<'_, Library>, request: SignInRequest) -> Result<Status, CommandError> {
    library.ready().await?.sign_in(request, open_browser).await
}

#[tauri::command]
pub(crate) async fn cancel_sign_in(library: State<'_, Library>) -> Result<(), CommandError> {
    library.ready().await?.cancel_sign_in();
    Ok(())
}

#[tauri::command]
pub(crate) async fn send_code(library: State<'_, Library>, request: CodeRequest) -> Result<(), CommandError> {
    library.ready().await?.send_code(request).await
}

#[tauri::command]
pub(crate) async fn check_server(
    library: State<'_, Library>,
    request: CheckRequest,
) -> Result<ServerCheck, CommandError> {
    library.ready().await?.check_server(request).await
}

#[tauri::command]
pub(crate) async fn list_profiles(library: State<'_, Library>) -> Result<Vec<ProfileRow>, CommandError> {
    library.run(|app| app.list_profiles()).await
}

#[tauri::command]
pub(crate) async fn use_profile(library: State<'_, Library>, request: ProfileRef) -> Result<Status, CommandError> {
    library.run(move |app| app.use_profile(request)).await
}

/// The address was made by this app for the server that the user has confirmed; no content can name it.
fn open_browser(url: &str) -> Result<(), String> {
    open::that_detached(url).map_err(|cause| cause.to_string())
}
