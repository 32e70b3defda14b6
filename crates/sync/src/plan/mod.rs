//! What is decided, without looking at anything but the arguments: no clock, no network, no store.

mod audit;
mod backoff;
mod batch;
mod results;
mod space;
mod walk;

pub(crate) use audit::{Difference, compare, range_hash};
pub use backoff::Backoff;
pub(crate) use batch::{BatchLimit, MAX_BATCH_OPS, cut, size_of};
pub(crate) use results::{Verdict, is_hidden, verdict};
pub(crate) use space::bytes_needed;
pub(crate) use walk::{PullStep, Standing, TABLES, Walk, pull_step};
