//! What the window needs at its start, its settings, the check of the library, and the log.

use crate::chosen::{Chosen, Use};
use crate::library::Library;
use airi_contract::{AppInfo, CommandError, FilesReport, PathRequest, Settings, VerifyReport};
use tauri::{State, Theme, WebviewWindow};

#[tauri::command]
pub(crate) async fn app_info(window: WebviewWindow, library: State<'_, Library>) -> Result<AppInfo, CommandError> {
    let info = library.run(|app| app.app_info()).await?;
    paint(&window, &info.settings);
    Ok(info)
}

#[tauri::command]
pub(crate) async fn get_settings(library: State<'_, Library>) -> Result<Settings, CommandError> {
    library.run(|app| app.get_settings()).await
}

#[tauri::command]
pub(crate) async fn set_settings(
    window: WebviewWindow,
    library: State<'_, Library>,
    request: Settings,
) -> Result<Settings, CommandError> {
    let settings = library.run(move |app| app.set_settings(request)).await?;
    paint(&window, &settings);
    Ok(settings)
}

#[tauri::command]
pub(crate) async fn files(library: State<'_, Library>) -> Result<FilesReport, CommandError> {
    library.run(|app| app.files(None)).await
}

#[tauri::command]
pub(crate) async fn verify(library: State<'_, Library>) -> Result<VerifyReport, CommandError> {
    library.run(|app| app.verify()).await
}

#[tauri::command]
pub(crate) async fn save_log(
    library: State<'_, Library>,
    chosen: State<'_, Chosen>,
    request: PathRequest,
) -> Result<(), CommandError> {
    chosen.holds(Use::Write, [&request.path])?;
    library.run(move |app| app.save_log(&request)).await
}

/// The title bar follows the page's theme.
fn paint(window: &WebviewWindow, settings: &Settings) {
    let theme = match settings.theme.as_str() {
        "light" => Some(Theme::Light),
        "dark" => Some(Theme::Dark),
        _ => None,
    };
    // Where the window manager has no say in it, the page alone is themed.
    let _ = window.set_theme(theme);
}
