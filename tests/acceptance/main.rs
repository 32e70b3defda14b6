//! The product through `airi`, as a user or a script meets it: real files, real processes, the real cloud.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

mod audit;
mod backup;
mod bad_input;
mod billed;
mod chat;
mod device;
mod files;
mod library;
mod line;
mod only_here;
mod removal;
mod retention;
mod samples;
mod session;
mod sign_in;
mod suspension;
mod sync;
mod transfer;
mod view;
mod web;
