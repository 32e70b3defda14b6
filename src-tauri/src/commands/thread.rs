//! Pages of a thread, and what is written into it.

use crate::library::Library;
use airi_contract::{
    BranchRequest, CommandError, ConversationRow, MessageEdit, MessageView, NewMessage, ThreadPage, ThreadRequest,
};
use tauri::State;

#[tauri::command]
pub(crate) async fn thread_page(
    library: State<'_, Library>,
    request: ThreadRequest,
) -> Result<ThreadPage, CommandError> {
    library.run(move |app| app.thread_page(request)).await
}

#[tauri::command]
pub(crate) async fn add_message(library: State<'_, Library>, request: NewMessage) -> Result<MessageView, CommandError> {
    library.run(move |app| app.add_message(request)).await
}

#[tauri::command]
pub(crate) async fn show_branch(
    library: State<'_, Library>,
    request: BranchRequest,
) -> Result<ConversationRow, CommandError> {
    library.run(move |app| app.show_branch(request)).await
}

#[tauri::command]
pub(crate) async fn edit_message(
    library: State<'_, Library>,
    request: MessageEdit,
) -> Result<MessageView, CommandError> {
    library.run(move |app| app.edit_message(request)).await
}
