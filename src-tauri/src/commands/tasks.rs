//! Import and export, and the operating system's dialogues that they need.

use crate::chosen::{Chosen, Use};
use crate::library::Library;
use airi_contract::{CommandError, ExportRequest, ImportRequest, PickRequest, TaskRef, TaskStarted};
use tauri::{State, WebviewWindow};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder, FilePath};

#[tauri::command]
pub(crate) async fn start_import(
    library: State<'_, Library>,
    chosen: State<'_, Chosen>,
    request: ImportRequest,
) -> Result<TaskStarted, CommandError> {
    chosen.holds(Use::Read, &request.paths)?;
    library.run(move |app| app.start_import(request)).await
}

#[tauri::command]
pub(crate) async fn start_export(
    library: State<'_, Library>,
    chosen: State<'_, Chosen>,
    request: ExportRequest,
) -> Result<TaskStarted, CommandError> {
    chosen.holds(Use::Write, [&request.path])?;
    library.run(move |app| app.start_export(request)).await
}

#[tauri::command]
pub(crate) async fn cancel_task(library: State<'_, Library>, request: TaskRef) -> Result<(), CommandError> {
    library.run(move |app| app.cancel_task(request)).await
}

/// `None`: the user closed the dialogue.
#[tauri::command]
pub(crate) async fn pick_path(
    window: WebviewWindow,
    library: State<'_, Library>,
    chosen: State<'_, Chosen>,
    request: PickRequest,
) -> Result<Option<String>, CommandError> {
    let what_for = match request {
        PickRequest::ImportFile | PickRequest::ImportFolder => Use::Read,
        PickRequest::ExportFile { .. } | PickRequest::ExportFolder => Use::Write,
    };
    let picked = library.run(move |_| Ok(pick(&window, &request).map(|path| path.to_string()))).await?;
    if let Some(path) = &picked {
        chosen.add(what_for, path);
    }
    Ok(picked)
}

fn pick(window: &WebviewWindow, request: &PickRequest) -> Option<FilePath> {
    match request {
        PickRequest::ImportFile => dialog(window).add_filter("ZIP, JSON", &["zip", "json"]).blocking_pick_file(),
        PickRequest::ImportFolder => dialog(window).blocking_pick_folder(),
        PickRequest::ExportFolder => dialog(window).set_can_create_directories(true).blocking_pick_folder(),
        PickRequest::ExportFile { suggested_name } => {
            dialog(window).set_file_name(suggested_name.as_str()).blocking_save_file()
        }
    }
}

/// A dialogue of the operating system that belongs to the window.
pub(super) fn dialog(window: &WebviewWindow) -> FileDialogBuilder<tauri::Wry> {
    window.dialog().file().set_parent(window)
}
