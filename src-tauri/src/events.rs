//! Forwards what the app announces to the one window. The page holds nothing that these events do not refresh.

use crate::library::Library;
use airi_app::Event;
use airi_contract::{Asked, Changed, Drag};
use tauri::{AppHandle, Emitter, WebviewWindow};
use tokio::sync::broadcast::error::RecvError;

/// The one window's label; the capability file names it too.
pub(crate) const WINDOW: &str = "main";

/// Once the library is open, lets it sync by itself and forwards its events until the app ends.
pub(crate) fn forward(handle: AppHandle, library: Library) {
    tauri::async_runtime::spawn(async move {
        // The error of a library that cannot be opened reaches the page as the answer to its first command.
        let Some(app) = library.opened().await else { return };
        let mut events = app.subscribe();
        // How a round went is in the status that it announces; there is nobody else to tell.
        let syncing = app.clone();
        tauri::async_runtime::spawn(async move { syncing.sync_forever(|_| ()).await });
        loop {
            match events.recv().await {
                Ok(event) => send(&handle, event),
                // The window fell behind: what it missed is unknown, so everything is read anew.
                Err(RecvError::Lagged(_)) => send(&handle, Event::Changed(Changed { conversations: None })),
                Err(RecvError::Closed) => return,
            }
        }
    });
}

fn send(handle: &AppHandle, event: Event) {
    // A window that is closing cannot be told anything; that is no error.
    let _ = match event {
        Event::Changed(changed) => handle.emit_to(WINDOW, "changed", changed),
        Event::Status(status) => handle.emit_to(WINDOW, "status", status),
        Event::Task(task) => handle.emit_to(WINDOW, "task", task),
        Event::Reply(piece) => handle.emit_to(WINDOW, "reply", piece),
        Event::SignIn(waiting) => handle.emit_to(WINDOW, "sign_in", waiting),
    };
}

/// What somebody chose outside the page, to the page.
pub(crate) fn ask(window: &WebviewWindow, asked: Asked) {
    let _ = window.emit_to(WINDOW, "asked", asked);
}

/// Tells what is dragged over the window.
pub(crate) fn drag(handle: &AppHandle, drag: Drag) {
    // As above.
    let _ = handle.emit_to(WINDOW, "drag", drag);
}
