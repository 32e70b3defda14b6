//! Declares to Tauri the commands of the contract, and no others: a name that is not in `COMMANDS` cannot be called from
//! the page at all, and one that the capability file does not grant is refused.

use tauri_build::{AppManifest, Attributes};

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/icons");
    // The page is embedded: a new one makes a new program.
    println!("cargo:rerun-if-changed=ui/dist");
    let attributes = Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/*.json")
        .app_manifest(AppManifest::new().commands(airi_contract::COMMANDS));
    if let Err(error) = tauri_build::try_build(attributes) {
        eprintln!("tauri-build: {error:#}");
        std::process::exit(1);
    }
}
