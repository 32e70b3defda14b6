//! The real `airi` and the real cloud under fault. What each part promises:
//!
//! - `line`: a broken line (cut, truncated, delayed and doubled calls, every status, pages of strangers) between two devices
//!   and the cloud: nothing acknowledged is lost, nothing comes twice, and after the network is quiet all hold the same.
//! - `kills`: `kill -9` at any moment of a sync, an import, a write or an upgrade leaves a sound library with every
//!   acknowledged write in it once.
//! - `restart`: the database and PostgREST end and start again below a sync.
//! - `restore`: the database goes back to an older moment; the devices bring back what they hold.
//! - `drill`: the machine is lost, and the written recovery procedure brings it back.
//! - `backups`: what the scripts of a backup keep and let go.
//! - `exports`: the daily export and the monthly archive, into a server that speaks S3.
//! - `held`: a transaction that stays open hides nothing and delays nobody else.
//! - `limits`: a server that cuts answers at ten rows, and one that lacks our migrations for a while.
//! - `sessions`: many processes renew one session and nobody is signed out.
//! - `disk_full`: the disk is full at every step of 4 KiB.
//!
//! Sizes fit a run of the whole test suite; these variables make them larger, or repeat one:
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `AIRI_FAULT_SEED` | the seed of `line`; printed when it fails | from the clock |
//! | `AIRI_FAULT_STEPS` | steps of `line` | 200 |
//! | `AIRI_FAULTS_KILLS` | kills, all kinds together | 100 |
//! | `AIRI_FAULTS_KILLS_SEED` | the seed of the first kill; kill n has the seed + n | from the clock |
//! | `AIRI_FAULTS_REFRESHES` | races for one session | 200 |
//! | `AIRI_FAULTS_DISK_STEPS` | steps of 4 KiB over all writes | 60 |
//! | `AIRI_FAULTS_DISK_SEED` | which steps of all are taken | from the clock |
//!
//! `AIRI_DEADLOCK_SECONDS` belongs to the binary `server`, which has the test for deadlocks.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests say what must hold by failing")]

#[path = "../acceptance/device.rs"]
#[allow(dead_code, reason = "shared with the acceptance tests, which use all of it")]
mod device;

mod archive;
mod backups;
mod disk_full;
mod drill;
mod env;
mod exports;
mod held;
mod kills;
mod ledger;
mod limits;
mod line;
mod proxy;
mod restart;
mod restore;
mod rows;
mod sessions;
mod upgrade;
mod world;
