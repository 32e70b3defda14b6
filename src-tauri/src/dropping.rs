//! What is dragged over the window. The operating system's event is taken here, so that the page gets tickets for what was
//! dropped and cannot attach anything else.

use crate::chosen::{Chosen, Use};
use crate::events;
use crate::library::Library;
use airi_app::are_archives;
use airi_contract::Drag;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tauri::{AppHandle, DragDropEvent, Manager, PhysicalPosition};

/// Which drag it is: what was found out about one is not told of the next.
#[derive(Default)]
pub(crate) struct Dragging(Arc<AtomicU64>);

pub(crate) fn on_event(handle: &AppHandle, event: &DragDropEvent) {
    match event {
        DragDropEvent::Enter { paths, position } => {
            let (x, y) = in_page(handle, *position);
            events::drag(handle, Drag::Over { x, y });
            look(handle, paths.clone());
        }
        DragDropEvent::Over { position } => {
            let (x, y) = in_page(handle, *position);
            events::drag(handle, Drag::Over { x, y });
        }
        DragDropEvent::Drop { paths, position } => {
            handle.state::<Dragging>().0.fetch_add(1, Ordering::SeqCst);
            take(handle, paths.clone(), in_page(handle, *position));
        }
        _ => {
            handle.state::<Dragging>().0.fetch_add(1, Ordering::SeqCst);
            events::drag(handle, Drag::Left);
        }
    }
}

/// Finds out beside the drag whether exports are held.
fn look(handle: &AppHandle, paths: Vec<PathBuf>) {
    let turn = handle.state::<Dragging>().0.clone();
    let mine = turn.fetch_add(1, Ordering::SeqCst) + 1;
    let handle = handle.clone();
    tauri::async_runtime::spawn_blocking(move || {
        if are_archives(&paths) && turn.load(Ordering::SeqCst) == mine {
            events::drag(&handle, Drag::Archives);
        }
    });
}

fn take(handle: &AppHandle, paths: Vec<PathBuf>, (x, y): (f64, f64)) {
    let handle = handle.clone();
    tauri::async_runtime::spawn_blocking(move || {
        let drag = match handle.state::<Library>().app() {
            Ok(app) => {
                let items = app.note_dropped(&paths);
                let chosen = handle.state::<Chosen>();
                items.iter().for_each(|item| chosen.add(Use::Read, &item.path));
                Drag::Dropped { x, y, archives: are_archives(&paths), items }
            }
            // The page shows why the library does not open.
            Err(_) => Drag::Left,
        };
        events::drag(&handle, drag);
    });
}

/// The page counts in its own pixels. Only Windows tells those of the screen.
fn in_page(handle: &AppHandle, position: PhysicalPosition<f64>) -> (f64, f64) {
    let scale = match handle.get_webview_window(events::WINDOW) {
        Some(window) if cfg!(windows) => window.scale_factor().unwrap_or(1.0),
        _ => 1.0,
    };
    (position.x / scale, position.y / scale)
}
