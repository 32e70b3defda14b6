//! The product through `airi`, as a user or a script meets it: real files, real processes, the real cloud.

#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

mod bad_input;
mod device;
mod library;
mod samples;
mod sync;
mod transfer;
