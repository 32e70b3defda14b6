//! Search.

use crate::library::Library;
use airi_contract::{CommandError, SearchRequest, SearchResponse};
use tauri::State;

#[tauri::command]
pub(crate) async fn search(
    library: State<'_, Library>,
    request: SearchRequest,
) -> Result<SearchResponse, CommandError> {
    library.run(move |app| app.search(request)).await
}
