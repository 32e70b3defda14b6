//! The proofs of the server's half: migrations, policies, functions and triggers of `supabase/`, on a real PostgreSQL with
//! the official CLI. One cluster serves all tests; each works in a database of its own, cloned from a template.

#![allow(clippy::unwrap_used)]

mod account;
mod concurrency;
mod database;
mod devices;
mod documented;
mod epoch;
mod exported;
mod held;
mod http;
mod jobs;
mod late_commit;
mod lint;
mod maintenance;
mod matrix;
mod mutation;
mod numbers;
mod partitions;
mod people;
mod pgtap;
mod push;
mod replica;
mod restored;
mod rollback;
mod rpc;
mod semantic;
mod session;
mod state;
mod suspended;
mod tap;
mod upgrade;
mod world;
