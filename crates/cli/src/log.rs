//! The log, to read or to send.

use crate::account::Done;
use crate::args::Log;
use crate::print::Out;
use airi_app::App;
use airi_contract::PathRequest;
use std::process::ExitCode;

pub(crate) fn log(app: &App, out: &Out, given: Log) -> Done {
    match given.output {
        None => out.answer(&serde_json::json!({ "text": app.log_text()? }), |answer| {
            answer["text"].as_str().unwrap_or_default().to_owned()
        }),
        Some(path) => {
            let path = path.to_string_lossy().into_owned();
            app.save_log(&PathRequest { path: path.clone() })?;
            out.answer(&serde_json::json!({ "path": path }), |_| {
                format!("Written to {path}. It holds counts, times and codes; no content, names, addresses or secrets.")
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}
