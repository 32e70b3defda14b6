//! The desktop around the window: what it tells while nobody looks, and the menu bar.

use crate::{menu, notices};
use airi_contract::{CommandError, ErrorCode, MenuBar, Notification};
use tauri::{AppHandle, WebviewWindow};

#[tauri::command]
pub(crate) async fn notify(window: WebviewWindow, request: Notification) -> Result<(), CommandError> {
    notices::tell(&window, request);
    Ok(())
}

#[tauri::command]
pub(crate) async fn set_menu_bar(handle: AppHandle, request: MenuBar) -> Result<(), CommandError> {
    menu::set(&handle, &request).map_err(|cause| CommandError {
        code: ErrorCode::Internal,
        message: format!("The menu bar could not be made: {cause}."),
        retryable: false,
    })
}
