//! The peer of `cargo xtask bench window`: a Tauri window with a page that says nothing, set up like AIRI's.

use tauri::http::Response;
use tauri::{Builder, WebviewUrl, WebviewWindowBuilder, Wry};

/// Marks its first frame as AIRI's page marks its first list.
const PAGE: &str = "<!doctype html><title>empty</title><body><p>empty</p>\
    <script>requestAnimationFrame(() => performance.mark('list'))</script>";

fn main() {
    if let Err(error) = airi_desktop::without_dmabuf_renderer() {
        eprintln!("The window's renderer could not be set up: {error}");
    }
    let ran = Builder::<Wry>::default()
        .register_uri_scheme_protocol("empty", |_, _| {
            Response::builder().header("content-type", "text/html").body(PAGE.as_bytes()).unwrap_or_default()
        })
        .setup(|app| {
            let url = WebviewUrl::CustomProtocol("empty://localhost/".parse()?);
            WebviewWindowBuilder::new(app, "main", url).title("empty").inner_size(1280.0, 820.0).build()?;
            Ok(())
        })
        .run(tauri::generate_context!());
    if let Err(error) = ran {
        eprintln!("The window could not be opened: {error}");
        std::process::exit(1);
    }
}
