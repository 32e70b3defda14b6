//! Holds the delivered configuration to the hardening rules: what the page may do is decided there.

use serde_json::{Value, json};

fn config() -> Value {
    serde_json::from_str(include_str!("../../tauri.conf.json")).expect("a configuration")
}

#[test]
fn the_policy_is_the_one_that_was_agreed() {
    assert_eq!(
        config()["app"]["security"]["csp"],
        json!({
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' blob: airi-file: http://airi-file.localhost",
            "font-src": "'self'",
            "connect-src": "ipc: http://ipc.localhost",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "object-src": "'none'",
        })
    );
}

#[test]
fn the_page_has_no_rights_but_its_capability() {
    let config = config();
    let app = &config["app"];
    assert_eq!(app["withGlobalTauri"], json!(false));
    assert_eq!(app["security"]["assetProtocol"], json!({ "enable": false, "scope": [] }));
    assert_eq!(app["security"]["capabilities"], json!(["main"]));
    assert!(app["security"].get("dangerousDisableAssetCspModification").is_none());
    let windows = app["windows"].as_array().expect("a list");
    assert_eq!(windows.len(), 1);
    assert_eq!(windows[0]["label"], json!("main"));
    assert_eq!(windows[0]["create"], json!(false), "only the code makes the window, with its navigation rules");
    assert_eq!(windows[0]["devtools"], json!(false));
}
