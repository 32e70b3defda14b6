//! AIRI's window: a Tauri shell around `airi_app`. It opens the library, answers the contract's commands with one-line
//! adapters, forwards events, and holds the page to its place (one window, one origin, no rights of its own).

mod arguments;
mod chosen;
mod commands;
#[cfg(test)]
mod config_tests;
mod dropping;
mod events;
mod images;
mod library;
mod menu;
mod navigation;
mod notices;
mod renderer;
mod sample;
mod thumbnails;

pub use airi_app::log_panics;
pub use arguments::{Arguments, USAGE};
pub use renderer::without_dmabuf_renderer;

use airi_app::AppOptions;
use library::Library;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use tauri::plugin::TauriPlugin;
use tauri::webview::NewWindowResponse;
use tauri::{App, Builder, Manager, RunEvent, WebviewWindow, WebviewWindowBuilder, WindowEvent, Wry};
use tauri_plugin_window_state::StateFlags;

/// Opens the window and runs until it is closed.
///
/// # Errors
/// When the window or the web view cannot be made.
pub fn run(arguments: Arguments) -> tauri::Result<()> {
    let mut context = tauri::generate_context!();
    context.config_mut().identifier = instance(&context.config().identifier, &arguments);

    let library = Library::new(AppOptions {
        data_dir: arguments.data_dir.clone(),
        profile: None,
        demo: arguments.demo,
        window: true,
    });
    let images = library.clone();
    let mut kept = arguments.demo.then(sample::PageFolder::make);
    let place = kept.as_ref().map(|folder| folder.path().to_owned());

    let mut builder = Builder::<Wry>::default()
        // Must be the first plugin: a second start ends here, before it touches the library.
        .plugin(tauri_plugin_single_instance::init(|handle, _, _| {
            if let Some(window) = handle.get_webview_window(events::WINDOW) {
                show(&window);
            }
        }))
        .plugin(tauri_plugin_dialog::init())
        .register_asynchronous_uri_scheme_protocol(images::SCHEME, move |_, request, responder| {
            let library = images.clone();
            tauri::async_runtime::spawn_blocking(move || responder.respond(images::answer(&library, &request)));
        })
        .manage(library)
        .manage(dropping::Dragging::default())
        .manage(chosen::Chosen::default())
        .invoke_handler(commands::handler())
        .on_menu_event(|handle, event| menu::chosen(handle, &event))
        .setup(move |app| Ok(open_window(app, place.as_ref())?));
    // A sample leaves nothing, so it has no place to come back to.
    if !arguments.demo {
        builder = builder.plugin(where_it_was(&arguments));
    }
    builder.build(context)?.run(move |handle, event| match event {
        // Whoever looks at the window again wants what other devices did meanwhile.
        RunEvent::WindowEvent { event: WindowEvent::Focused(true), .. } => handle.state::<Library>().look_for_news(),
        RunEvent::WindowEvent { event: WindowEvent::DragDrop(event), .. } => dropping::on_event(handle, &event),
        RunEvent::Exit => {
            handle.state::<Library>().close();
            drop(kept.take());
        }
        _ => {}
    });
    Ok(())
}

/// Each library's window comes back where it was and as large as it was.
fn where_it_was(arguments: &Arguments) -> TauriPlugin<Wry> {
    let kept = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED | StateFlags::FULLSCREEN;
    let mut plugin = tauri_plugin_window_state::Builder::default().with_state_flags(kept);
    if let Some(dir) = &arguments.data_dir {
        // Beside the library, so that a folder that is moved or removed takes it along.
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
        plugin = plugin.with_filename(dir.join("window.json").to_string_lossy());
    }
    plugin.build()
}

/// One instance per library: a second start of the same one shows the first, another library gets its own window.
fn instance(identifier: &str, arguments: &Arguments) -> String {
    if arguments.demo {
        // Every demonstration is a library of its own, gone when its process ends.
        return format!("{identifier}.demo-{}", std::process::id());
    }
    let Some(dir) = &arguments.data_dir else { return identifier.to_owned() };
    let mut hasher = DefaultHasher::new();
    std::path::absolute(dir).unwrap_or_else(|_| dir.clone()).hash(&mut hasher);
    format!("{identifier}.at-{:016x}", hasher.finish())
}

/// `throw_away`: where the page of a sample keeps what it must, until the window is closed.
fn open_window(app: &App, throw_away: Option<&PathBuf>) -> tauri::Result<()> {
    // The web view takes longer.
    app.state::<Library>().open_ahead();
    let config = app.config().app.windows.first().cloned().unwrap_or_default();
    let mut window = WebviewWindowBuilder::from_config(app.handle(), &config)?
        .on_navigation(navigation::is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny);
    if let Some(folder) = throw_away {
        window = window.title("AIRI: a sample").data_directory(folder.clone()).incognito(!sample::is_driven());
    }
    window.build()?;
    events::forward(app.handle().clone(), app.state::<Library>().inner().clone());
    Ok(())
}

/// Brings the window to the front.
fn show(window: &WebviewWindow) {
    // Window managers may refuse to raise a window; the user then finds it in the task bar.
    let _ = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_library_has_an_instance_of_its_own() {
        let usual = instance("chat.airi.desktop", &Arguments::default());
        let there = |dir: &str| {
            instance("chat.airi.desktop", &Arguments { data_dir: Some(dir.into()), ..Arguments::default() })
        };
        assert_eq!(usual, "chat.airi.desktop");
        assert_eq!(there("a"), there("a"));
        assert_ne!(there("a"), there("b"));
        assert_ne!(there("a"), usual);
    }
}
