//! The account's devices.

use crate::library::Library;
use airi_contract::{CommandError, DeviceRef, DeviceRow};
use tauri::State;

#[tauri::command]
pub(crate) async fn list_devices(library: State<'_, Library>) -> Result<Vec<DeviceRow>, CommandError> {
    library.ready().await?.list_devices().await
}

#[tauri::command]
pub(crate) async fn sign_out_device(
    library: State<'_, Library>,
    request: DeviceRef,
) -> Result<Vec<DeviceRow>, CommandError> {
    library.ready().await?.sign_out_device(request).await
}
