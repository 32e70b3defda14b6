//! Finding one's way in a large library with the real keyboard: in a thread, by tags, many at once, by filters, by name.

use crate::screen::Screen;
use crate::window::Window;
use serde_json::json;

const THREAD: &str = "Designing a write-ahead log in Rust";

/// The real keyboard goes where the window manager says, so the page must have it.
async fn has_the_keyboard(window: &Window) {
    window.becomes("return document.hasFocus()", &json!(true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_is_searched_tagged_and_put_in_order_with_the_keyboard_alone() {
    let window = Window::open(Screen::start(1280, 820), &["--demo"], &[]).await;
    window.says("conversation-row", THREAD).await;
    has_the_keyboard(&window).await;

    goes_to_a_conversation_by_name(&window).await;
    finds_in_the_thread_and_comes_back(&window).await;
    tags_it_and_lists_the_tag(&window).await;
    deletes_two_at_once_and_takes_it_back(&window).await;
    searches_with_a_filter_and_goes_on_in_the_thread(&window).await;
    looks_at_the_files(&window).await;
    sees_what_it_cost(&window).await;
    window.close().await;
}

async fn goes_to_a_conversation_by_name(window: &Window) {
    window.screen.press(&["ctrl+shift+p"]);
    window.see("palette-input").await;
    window.screen.type_text("write-ahead");
    window.says("palette-input-option", THREAD).await;
    window.shot("20-palette");
    window.screen.press(&["Return"]);
    window.says("thread-title", THREAD).await;
    window.says("message", "group commit").await;
}

async fn finds_in_the_thread_and_comes_back(window: &Window) {
    // A thread opens at its end; what is above it may be measured anew meanwhile.
    let at_end = "const thread = document.querySelector('[data-testid=thread]'); \
                  return thread.scrollHeight - thread.scrollTop - thread.clientHeight < 3";
    window.becomes(at_end, &json!(true)).await;
    window.screen.press(&["ctrl+f"]);
    window.see("find-input").await;
    window.screen.type_text("WRITE");
    window.says("find-count", " of ").await;
    let lit = "const now = CSS.highlights.get('airi-found-now'); if (!now || now.size === 0) return false; \
               return [...now].every((range) => range.toString().toLowerCase() === 'write')";
    window.becomes(lit, &json!(true)).await;
    window.becomes(at_end, &json!(false)).await;
    window.shot("21-find");
    let first = window.texts("find-count").await;
    window.screen.press(&["Return"]);
    let moved =
        format!("return document.querySelector('[data-testid=find-count]').innerText.trim() !== '{}'", first[0].trim());
    window.becomes(&moved, &json!(true)).await;
    window.screen.press(&["Escape"]);
    window.gone("find-bar").await;
    window.becomes(at_end, &json!(true)).await;
}

async fn tags_it_and_lists_the_tag(window: &Window) {
    window.screen.press(&["ctrl+shift+p"]);
    window.see("palette-input").await;
    window.screen.type_text("tags");
    window.screen.press(&["Return"]);
    window.see("tag-input").await;
    window.screen.type_text("storage engines");
    window.says("tag-input-option", "storage engines").await;
    window.screen.press(&["Return"]);
    window.says("tags-here", "storage engines").await;
    window.shot("22-tags");
    window.screen.press(&["Escape"]);
    window.gone("tag-input").await;
    window.says("thread-tag", "storage engines").await;
    window.click("tags-fold").await;
    window.click_saying("tag", "storage engines").await;
    window.says("list-name", "storage engines").await;
    let rows = "return document.querySelectorAll('[data-testid=conversation-row]').length";
    window.becomes(rows, &json!(1)).await;
    window.says("conversation-row", THREAD).await;
    window.click("list-back").await;
    window.click("tags-fold").await;
}

async fn deletes_two_at_once_and_takes_it_back(window: &Window) {
    let ids = "return [...document.querySelectorAll('[data-testid=conversation-row]')].slice(0, 4).map((row) => row.dataset.id)";
    window.becomes("return document.querySelectorAll('[data-testid=conversation-row]').length > 4", &json!(true)).await;
    let before = window.js(ids, vec![]).await;
    window.js("document.querySelectorAll('[data-testid=conversation-row] .main')[1].focus()", vec![]).await;
    window.screen.press(&["shift+Down"]);
    window.says("selection-said", "2 selected").await;
    window.shot("23-selected");
    window.screen.press(&["Delete"]);
    window.says("toast", "2 conversations are in the trash").await;
    let after = json!([before[0], before[3]]);
    let left = "return [...document.querySelectorAll('[data-testid=conversation-row]')].slice(0, 2).map((row) => row.dataset.id)";
    window.becomes(left, &after).await;
    window.screen.press(&["ctrl+z"]);
    window.becomes(ids, &before).await;
}

async fn searches_with_a_filter_and_goes_on_in_the_thread(window: &Window) {
    window.screen.press(&["ctrl+k"]);
    window.see("search-input").await;
    window.screen.type_text("log ro");
    window.says("filter-name", "role:").await;
    window.screen.press(&["Tab"]);
    window.says("filter-offer", "assistant").await;
    window.screen.press(&["Down", "Return"]);
    window.says("filter-chip", "role:assistant").await;
    let answers_alone = "const roles = [...document.querySelectorAll('[data-testid=search-hit] .meta span')]; \
                         return roles.length > 0 && !roles.some((role) => ['You', 'Title'].includes(role.innerText.trim()))";
    window.becomes(answers_alone, &json!(true)).await;
    window.shot("24-filters");
    window.screen.press(&["Return"]);
    window.see("find-bar").await;
    window.says("find-count", " of ").await;
    window.click("find-close").await;
    window.gone("find-bar").await;
    window.screen.press(&["ctrl+k"]);
    window.says("recent-search", "role:assistant log").await;
    window.screen.press(&["Escape"]);
    window.gone("search-input").await;
}

async fn looks_at_the_files(window: &Window) {
    window.screen.press(&["ctrl+comma"]);
    window.click("settings-data").await;
    window.says("files-used", "here").await;
    window.becomes("return document.getAnimations().length", &json!(0)).await;
    window.shot("25-settings");
    window.screen.press(&["Escape"]);
    window.gone("files").await;
}

async fn sees_what_it_cost(window: &Window) {
    window.screen.press(&["ctrl+shift+p"]);
    window.see("palette-input").await;
    window.screen.type_text("usage");
    window.screen.press(&["Return"]);
    window.says("usage-prices", "public prices").await;
    window.shot("26-usage");
    window.click("usage-csv").await;
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("usage.csv");
    window.screen.answer_dialogue(&table);
    window.says("toast", "usage.csv").await;
    let text = std::fs::read_to_string(&table).unwrap();
    assert!(text.starts_with("day,messages,prompt_tokens,"), "{text}");
}
