//! Search.

use crate::library::Library;
use airi_contract::{CommandError, FindRequest, FoundInThread, SearchRequest, SearchResponse};
use tauri::State;

#[tauri::command]
pub(crate) async fn search(
    library: State<'_, Library>,
    request: SearchRequest,
) -> Result<SearchResponse, CommandError> {
    library.run(move |app| app.search(request)).await
}

#[tauri::command]
pub(crate) async fn find_in_thread(
    library: State<'_, Library>,
    request: FindRequest,
) -> Result<FoundInThread, CommandError> {
    library.run(move |app| app.find_in_thread(request)).await
}
