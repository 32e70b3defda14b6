//! The use cases: everything that the window and `airi` can do, once.
//!
//! A use case is one method of [`App`]: it takes a request of the contract and gives a response of the contract, or a
//! [`CommandError`](airi_contract::CommandError). Blocking methods may be called from any thread that may wait; the few
//! that speak to the network are async and need a tokio runtime. It composes store, index, files, formats, cloud and
//! sync, which do not know each other, and knows nothing of Tauri.

mod account;
mod app;
mod attachments;
mod backup;
mod billed;
mod chat;
mod check;
mod conversations;
mod data_dir;
mod demo;
mod devices;
mod dropped;
mod error;
mod export;
mod find;
mod find_in_thread;
mod follow;
mod gallery;
mod generate;
mod import;
mod indexer;
mod join;
mod links;
mod log;
mod many;
mod news;
mod outbox;
mod prices;
mod profile;
mod profiles;
mod providers;
mod remote;
mod removal;
mod replies;
mod restore;
mod retention;
mod secrets_place;
mod settings;
mod sign_in;
mod status;
mod sync;
mod tasks;
mod thread;
mod titles;
mod transfers;
mod usage;
mod verify;
mod views;

pub use app::{App, AppOptions, Event};
pub use attachments::{FileSource, NewFile};
pub use dropped::are_archives;
pub use error::AppError;
pub use generate::GenerateReport;
pub use import::ImportOptions;
pub use links::check_link;
pub use log::log_panics;
pub use remote::CloudRemote;
pub use replies::ReplyText;
pub use restore::restore;
pub use tasks::{Cancel, Progress};
