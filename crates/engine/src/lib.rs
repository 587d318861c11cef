//! The move itself: what is done in which order, what is tried again, and the ledger that remembers
//! it.
//!
//! The engine reaches servers only through the ports of [`flexway_core::port`]; it runs on threads
//! and blocks.

pub mod ledger;
pub mod observe;
pub mod report;
pub mod retry;

mod assess;
mod cancel;
mod clock;
mod compare;
mod copy;
mod database;
mod entries;
mod failpoint;
mod failure;
mod fill;
mod inspect;
mod marks;
mod memory;
mod pacing;
mod queue;
mod run;
mod verify;
mod workers;

pub use assess::{AssessOptions, AssessReport, assess};
pub use cancel::{CancelReport, CancelledDatabase, cancel, stop_and_open};
pub use ledger::{Ledger, LedgerError};
pub use observe::{Amount, Event, LARGE_OBJECTS, Observer, Work};
pub use pacing::{Paced, TablePace};
pub use retry::RetryPolicy;
pub use run::{Ports, Run, RunError, RunOptions};
pub use verify::verify;
