//! The window's process: arguments, what WebKitGTK needs before it starts, then the app.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use airi_desktop::{Arguments, USAGE};
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(error) = airi_desktop::without_dmabuf_renderer() {
        eprintln!("The window's renderer could not be set up: {error}");
    }
    airi_desktop::log_panics();
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match airi_desktop::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The window could not be opened: {error}");
            ExitCode::FAILURE
        }
    }
}
