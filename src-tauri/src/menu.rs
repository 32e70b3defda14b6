//! The menu bar of the desktop: always on macOS, elsewhere for whoever wants one. What it holds and says comes from the page,
//! which also does what is chosen; here it becomes a native one.

use crate::events::{self, WINDOW};
use airi_contract::{Asked, MenuBar, MenuEntry, MenuGroup};
use tauri::menu::{AboutMetadata, IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu};
use tauri::{AppHandle, Manager, Wry};

const MACOS: bool = cfg!(target_os = "macos");

/// Puts it in the place of the one before.
pub(crate) fn set(handle: &AppHandle, bar: &MenuBar) -> tauri::Result<()> {
    let Some(window) = handle.get_webview_window(WINDOW) else { return Ok(()) };
    if bar.groups.is_empty() {
        // macOS keeps the one that every program has.
        return if MACOS { Ok(()) } else { window.remove_menu().map(drop) };
    }
    let menu = Menu::new(handle)?;
    if MACOS {
        menu.append(&of_the_program(handle)?)?;
    }
    for group in &bar.groups {
        menu.append(&submenu(handle, group)?)?;
    }
    if MACOS { handle.set_menu(menu).map(drop) } else { window.set_menu(menu).map(drop) }
}

/// What was chosen, to the page.
pub(crate) fn chosen(handle: &AppHandle, event: &MenuEvent) {
    if let Some(window) = handle.get_webview_window(WINDOW) {
        events::ask(&window, Asked { act: Some(event.id().0.clone()), conversation_id: None });
    }
}

fn submenu(handle: &AppHandle, group: &MenuGroup) -> tauri::Result<Submenu<Wry>> {
    let menu = Submenu::new(handle, &group.label, true)?;
    for entry in &group.entries {
        match &entry.act {
            Some(act) => menu.append(&MenuItem::with_id(handle, act, &entry.label, true, keys(entry))?)?,
            None => menu.append(&PredefinedMenuItem::separator(handle)?)?,
        }
    }
    if MACOS {
        // Without them the keys that cut, copy and paste do nothing there.
        let added: Vec<PredefinedMenuItem<Wry>> = match group.role.as_deref() {
            Some("edit") => vec![
                PredefinedMenuItem::separator(handle)?,
                PredefinedMenuItem::undo(handle, None)?,
                PredefinedMenuItem::redo(handle, None)?,
                PredefinedMenuItem::cut(handle, None)?,
                PredefinedMenuItem::copy(handle, None)?,
                PredefinedMenuItem::paste(handle, None)?,
                PredefinedMenuItem::select_all(handle, None)?,
            ],
            Some("window") => vec![
                PredefinedMenuItem::minimize(handle, None)?,
                PredefinedMenuItem::fullscreen(handle, None)?,
                PredefinedMenuItem::close_window(handle, None)?,
            ],
            _ => Vec::new(),
        };
        let added: Vec<&dyn IsMenuItem<Wry>> = added.iter().map(|item| item as &dyn IsMenuItem<Wry>).collect();
        menu.append_items(&added)?;
    }
    Ok(menu)
}

/// Elsewhere the page hears its keys itself, so that none acts in the middle of an IME's composition.
fn keys(entry: &MenuEntry) -> Option<&str> {
    entry.keys.as_deref().filter(|_| MACOS)
}

fn of_the_program(handle: &AppHandle) -> tauri::Result<Submenu<Wry>> {
    let name = &handle.package_info().name;
    let about = AboutMetadata { version: Some(handle.package_info().version.to_string()), ..AboutMetadata::default() };
    Submenu::with_items(
        handle,
        name,
        true,
        &[
            &PredefinedMenuItem::about(handle, None, Some(about))?,
            &PredefinedMenuItem::separator(handle)?,
            &PredefinedMenuItem::services(handle, None)?,
            &PredefinedMenuItem::separator(handle)?,
            &PredefinedMenuItem::hide(handle, None)?,
            &PredefinedMenuItem::hide_others(handle, None)?,
            &PredefinedMenuItem::show_all(handle, None)?,
            &PredefinedMenuItem::separator(handle)?,
            &PredefinedMenuItem::quit(handle, None)?,
        ],
    )
}
