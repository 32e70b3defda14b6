//! Starts the real cloud for tests and development: PostgreSQL, our migrations through the Supabase CLI, PostgREST, and
//! a gateway in the shape of Supabase's API. [`Cloud::start`] is the way in; the other modules serve tests that want one
//! part alone.
//!
//! Promise: everything that is started stops with its owner, also when the owner is killed (see `child`).

#![allow(clippy::result_large_err, reason = "a refusal of the gateway is written once a request, never in a loop")]

mod account;
mod backup;
mod child;
mod cloud;
mod database;
mod folder;
mod gateway;
pub mod migrations;
mod objects;
pub mod postgres;
mod postgrest;
mod programs;
mod replica;
mod secrets;
mod token;
mod vector;

pub use backup::Moment;
pub use cloud::{Cloud, CloudOptions, Migrations, Recovered, User};
pub use gateway::AuthOptions;
pub use objects::ObjectStore;
pub use replica::SLOT;
pub use vector::VectorServer;
