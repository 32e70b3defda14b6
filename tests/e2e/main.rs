//! The real window: WebKitGTK under Xvfb, driven by tauri-driver, its file dialogues by the keyboard, on the real cloud.
//!
//! Leaves its screenshots in `target/e2e`.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

mod accessible;
mod account;
mod chat;
mod desktop;
mod files;
mod first_run;
mod journey;
mod library;
mod screen;
mod window;
