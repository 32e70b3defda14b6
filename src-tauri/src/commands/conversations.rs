//! The list and what is done to conversations.

use crate::library::Library;
use airi_contract::{
    CommandError, ConversationEdit, ConversationPage, ConversationRef, ConversationRow, EditedMany, ItemsRequest,
    KeepHereRequest, ListRequest, ManyEdit, NewConversation, TagCount,
};
use tauri::State;

#[tauri::command]
pub(crate) async fn list_conversations(
    library: State<'_, Library>,
    request: ListRequest,
) -> Result<ConversationPage, CommandError> {
    library.run(move |app| app.list_conversations(request)).await
}

#[tauri::command]
pub(crate) async fn get_conversation(
    library: State<'_, Library>,
    request: ConversationRef,
) -> Result<ConversationRow, CommandError> {
    library.run(move |app| app.get_conversation(request)).await
}

#[tauri::command]
pub(crate) async fn create_conversation(
    library: State<'_, Library>,
    request: NewConversation,
) -> Result<ConversationRow, CommandError> {
    library.run(move |app| app.create_conversation(request)).await
}

#[tauri::command]
pub(crate) async fn edit_conversation(
    library: State<'_, Library>,
    request: ConversationEdit,
) -> Result<ConversationRow, CommandError> {
    library.run(move |app| app.edit_conversation(request)).await
}

#[tauri::command]
pub(crate) async fn edit_conversations(
    library: State<'_, Library>,
    request: ManyEdit,
) -> Result<EditedMany, CommandError> {
    library.run(move |app| app.edit_conversations(request)).await
}

#[tauri::command]
pub(crate) async fn keep_here(
    library: State<'_, Library>,
    request: KeepHereRequest,
) -> Result<ConversationRow, CommandError> {
    library.run(move |app| app.keep_here(request)).await
}

#[tauri::command]
pub(crate) async fn delete_items(library: State<'_, Library>, request: ItemsRequest) -> Result<(), CommandError> {
    library.run(move |app| app.delete_items(request)).await
}

#[tauri::command]
pub(crate) async fn undelete_items(library: State<'_, Library>, request: ItemsRequest) -> Result<(), CommandError> {
    library.run(move |app| app.undelete_items(request)).await
}

#[tauri::command]
pub(crate) async fn erase_items(library: State<'_, Library>, request: ItemsRequest) -> Result<(), CommandError> {
    library.run(move |app| app.erase_items(request)).await
}

#[tauri::command]
pub(crate) async fn list_tags(library: State<'_, Library>) -> Result<Vec<TagCount>, CommandError> {
    library.run(|app| app.list_tags()).await
}

#[tauri::command]
pub(crate) async fn tags_of(library: State<'_, Library>, request: ItemsRequest) -> Result<Vec<TagCount>, CommandError> {
    library.run(move |app| app.tags_of(request)).await
}
