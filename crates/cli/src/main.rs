//! `airi`: the library at a prompt. Same data folder and same use cases as the window, and it works beside it.
//!
//! Exit 0: done. 1: failed, with the error on stderr. 2: wrong usage. docs/cli.md is the contract.

mod account;
mod args;
mod backup;
mod chat;
mod devices;
mod files;
mod library;
mod log;
mod outbox;
mod print;
mod sign_in;
mod transfer;

use airi_app::{App, AppOptions};
use airi_contract::{CommandError, ErrorCode};
use args::{Args, Command};
use clap::Parser;
use clap::error::ErrorKind;
use print::Out;
use std::process::ExitCode;

fn main() -> ExitCode {
    airi_app::log_panics();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let out = Out { json: args.json };
    match run(args, &out) {
        Ok(code) => code,
        Err(error) => {
            out.error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Wrong usage goes to stderr, as JSON when that was asked for; help and version are answers.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        print::say(&error.to_string());
        return ExitCode::SUCCESS;
    }
    if std::env::args().any(|arg| arg == "--json") {
        let message = error.to_string();
        print::complain(&serde_json::json!({ "error": { "code": "usage", "message": message.trim() } }).to_string());
    } else {
        print::complain(error.to_string().trim_end());
    }
    ExitCode::from(2)
}

fn run(args: Args, out: &Out) -> Result<ExitCode, CommandError> {
    // Before the library is opened: it may be damaged.
    if let Command::Restore(given) = &args.command {
        return backup::restore(args.data_dir.as_deref(), out, given);
    }
    let options = AppOptions { data_dir: args.data_dir, profile: args.profile, demo: false, window: false };
    let app = App::open(options).map_err(CommandError::from)?;
    match args.command {
        Command::Import(given) => transfer::import(&app, out, given),
        Command::Export(given) => transfer::export(&app, out, given),
        Command::List(given) => library::list(&app, out, given),
        Command::Show(given) => library::show(&app, out, given),
        Command::Search(given) => library::search(&app, out, given),
        Command::New(given) => library::new(&app, out, given),
        Command::Add(given) => library::add(&app, out, given),
        Command::Edit(given) => library::edit(&app, out, given),
        Command::Delete(given) => library::delete(&app, out, given),
        Command::Undelete(given) => library::undelete(&app, out, given),
        Command::Chat(given) => chat::chat(&app, out, given),
        Command::Provider(given) => chat::provider(&app, out, given),
        Command::Attach(given) => files::attach(&app, out, given),
        Command::Fetch(given) => files::fetch(&app, out, given),
        Command::Files(given) => files::files(&app, out, given),
        Command::Gallery(given) => files::gallery(&app, out, given),
        Command::Keep(given) => files::keep(&app, out, given),
        Command::Usage(given) => library::usage(&app, out, given),
        Command::Verify(given) if given.remote => account::verify_remote(&app, out),
        Command::Verify(_) => library::verify(&app, out),
        Command::Backup(given) => backup::backup(&app, out, &given),
        Command::Restore(_) => unreachable!("a restore has come and gone before the library was opened"),
        Command::Generate(given) => transfer::generate(&app, out, given),
        Command::Login(given) => sign_in::login(&app, out, given),
        Command::Logout => sign_in::logout(&app, out),
        Command::DeleteAccount { confirm } => sign_in::delete_account(&app, out, confirm),
        Command::Profiles(given) => sign_in::profiles(&app, out, given),
        Command::Sync(given) => account::sync(&app, out, &given),
        Command::Status => account::status(&app, out),
        Command::Outbox(given) => outbox::outbox(&app, out, given),
        Command::Devices(given) => devices::devices(&app, out, given),
        Command::Retention(given) => account::retention(&app, out, given),
        Command::Log(given) => log::log(&app, out, given),
    }
}

pub(crate) fn invalid(message: impl Into<String>) -> CommandError {
    CommandError { code: ErrorCode::InvalidInput, message: message.into(), retryable: false }
}
