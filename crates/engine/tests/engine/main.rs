//! The engine against servers that live in memory: order of work, resuming after every failure,
//! refusals, the ledger.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod fake;
mod folder;
mod watch;

mod ledger;
mod order;
mod refusal;
mod resume;
mod verify;
