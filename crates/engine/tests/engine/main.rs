//! The engine against servers that live in memory: order of work, resuming after every failure, refusals, the ledger.

mod fake;
mod folder;
mod watch;

mod ledger;
mod order;
mod refusal;
mod resume;
mod verify;
